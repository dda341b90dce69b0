"""The text of an object of the user's, by its own ``__str__``, ``__repr__`` or ``__format__``.

These are functions like any other, which Python calls from C: while a graph is being built they are called in their
converted form, so that staged attributes get into the text as they do into an f-string.
"""

from __future__ import annotations

import dataclasses
import inspect
from types import FunctionType
from typing import Any

from .calls import call, is_library
from .dispatch import active_engine, staged


class Told:
    """An object of the user's on its way into a string."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        kind = type(self._value)
        return str(call(kind.__str__)(self._value)) if _is_users(kind.__str__) else repr(self)

    def __repr__(self) -> str:
        kind, value = type(self._value), self._value
        if not _is_generated(kind):
            return str(call(kind.__repr__)(value)) if _is_users(kind.__repr__) else repr(value)
        from .formatting import text

        shown = [field.name for field in dataclasses.fields(kind) if field.repr]
        return f"{kind.__qualname__}({', '.join(f'{name}={text(getattr(value, name))!r}' for name in shown)})"

    def __format__(self, spec: str) -> str:
        kind = type(self._value)
        if _is_users(kind.__format__):
            return str(call(kind.__format__)(self._value, spec))
        return format(self._value, spec) if spec else str(self)


def _is_users(method: Any) -> bool:
    return type(method) is FunctionType and not is_library(method.__code__.co_filename)


def _is_generated(kind: Any) -> bool:
    """Whether ``repr`` of an instance is by the method that ``dataclass`` has made, which has no source."""
    if not dataclasses.is_dataclass(kind):
        return False
    made = getattr(kind.__repr__, "__wrapped__", kind.__repr__)
    return type(made) is FunctionType and made.__code__.co_filename.startswith("<")


def told(value: Any) -> Any:
    """``value``, or what gives its text where a method of the user's does that and a graph is being built."""
    kind: Any = type(value)
    if kind.__module__ == "builtins" or active_engine() is None or staged(value) is not None:
        return value
    if issubclass(kind, BaseException | type):
        return value
    # Without a call of descriptors, which the class may count.
    has_own = any(_is_users(inspect.getattr_static(kind, name)) for name in ("__str__", "__repr__", "__format__"))
    return Told(value) if has_own or _is_generated(kind) else value
