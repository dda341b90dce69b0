"""The parameters of a function: one place for each value, however a call spells it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from types import CodeType, FunctionType
from typing import Any

NO_DEFAULT = Parameter.empty


class Parameters:
    """What a function takes, and the values of a call in that order.

    Attributes:
        names: the parameters.
        positional: those that can be given by position.
        defaults: the default of each parameter, ``Parameter.empty`` where there is none.
        is_plain: whether a call without keywords gives exactly one value for each parameter, in order.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        try:
            signature = inspect.signature(function, follow_wrapped=False)
        except (TypeError, ValueError):
            signature = inspect.Signature([Parameter("args", _VARIADIC), Parameter("kwargs", _KEYWORDS)])
        self.signature = signature
        parameters = list(signature.parameters.values())
        self.names = tuple(parameter.name for parameter in parameters)
        self.kinds = tuple(parameter.kind for parameter in parameters)
        self.defaults = tuple(parameter.default for parameter in parameters)
        self.positional = tuple(parameter.name for parameter in parameters if parameter.kind in _POSITIONAL)
        self.is_plain = all(p.kind in _POSITIONAL and p.default is NO_DEFAULT for p in parameters)
        self.has_defaults = any(default is not NO_DEFAULT for default in self.defaults)
        self.has_named_only = Parameter.KEYWORD_ONLY in self.kinds
        self.has_positional_only = Parameter.POSITIONAL_ONLY in self.kinds
        self._source = function if isinstance(function, FunctionType) else None
        self._seen = self._current_defaults()
        self._name = name
        self.bind: Callable[..., tuple[Any, ...]] = _binder(parameters, name)
        """Gives the values of a call, one for each parameter, with the defaults filled in.

        Raises:
            TypeError: the arguments do not fit, in Python's own words.
        """
        self.is_spread = any(kind in (_VARIADIC, _KEYWORDS, Parameter.KEYWORD_ONLY) for kind in self.kinds)

    def _current_defaults(self) -> Any:
        return None if self._source is None else (self._source.__defaults__, self._source.__kwdefaults__)

    def is_current(self) -> bool:
        """Whether the function's defaults are those that it had."""
        return self._source is None or (
            self._source.__defaults__ is self._seen[0] and self._source.__kwdefaults__ is self._seen[1]
        )

    def is_variadic(self, index: int) -> bool:
        return self.kinds[index] in (_VARIADIC, _KEYWORDS)

    def bind_as_now(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """``bind``, as long as the defaults are what they were.

        Raises:
            TypeError: they are not, or the arguments do not fit.
        """
        if self.has_defaults and not self.is_current():
            raise TypeError(f"the defaults of {self._name}() have changed")
        return self.bind(*args, **kwargs)

    @property
    def is_variadic_at_all(self) -> bool:
        return _VARIADIC in self.kinds or _KEYWORDS in self.kinds

    def spread(self, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call that has these values."""
        if not self.is_spread:
            return values, {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, kind, value in zip(self.names, self.kinds, values, strict=True):
            if kind in _POSITIONAL:
                args.append(value)
            elif kind is _VARIADIC:
                args.extend(value)
            elif kind is _KEYWORDS:
                kwargs.update(value)
            else:
                kwargs[name] = value
        return tuple(args), kwargs


_VARIADIC = Parameter.VAR_POSITIONAL
_KEYWORDS = Parameter.VAR_KEYWORD
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@functools.lru_cache(maxsize=1024)
def _binder_code(shape: tuple[tuple[str, Any, bool], ...]) -> CodeType:
    """A function with these parameters that returns a tuple of them: Python itself then binds the arguments."""
    parts: list[str] = []
    is_keyword = False
    for index, (name, kind, has_default) in enumerate(shape):
        if kind is Parameter.KEYWORD_ONLY and not is_keyword:
            is_keyword = True
            if not any(other is _VARIADIC for _, other, _ in shape):
                parts.append("*")
        star = "*" if kind is _VARIADIC else "**" if kind is _KEYWORDS else ""
        parts.append(f"{star}{name}" + ("=None" if has_default else ""))
        after = shape[index + 1][1] if index + 1 < len(shape) else None
        if kind is Parameter.POSITIONAL_ONLY and after is not Parameter.POSITIONAL_ONLY:
            parts.append("/")
    values = "".join(f"{name}, " for name, _, _ in shape)
    expression = compile(f"lambda {', '.join(parts)}: ({values})", "<arguments>", "eval")
    return next(constant for constant in expression.co_consts if isinstance(constant, CodeType))


def _binder(parameters: list[Parameter], name: str) -> FunctionType:
    code = _binder_code(tuple((p.name, p.kind, p.default is not NO_DEFAULT) for p in parameters))
    positional = tuple(p.default for p in parameters if p.kind in _POSITIONAL and p.default is not NO_DEFAULT)
    binder = FunctionType(code, {}, name, positional or None)
    named = [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY and p.default is not NO_DEFAULT]
    keywords = {p.name: p.default for p in named}
    binder.__kwdefaults__ = keywords or None
    binder.__qualname__ = name
    return binder
