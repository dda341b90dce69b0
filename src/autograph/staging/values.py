"""Values that are only there on some paths: a variable that may be unbound, and a value that may be ``None``.

A graph's value always exists, so absence is a flag beside it. Whoever uses the value has the flag checked when the
graph runs, unless the code around it has asked already (``if best is None``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from ..engines.base import active_engine, engine
from .state import CONTEXT


class Late:
    """What a variable holds that is assigned on some paths only. ``bound`` says whether this path was one."""

    __slots__ = ("bound", "value")

    def __init__(self, value: Any, bound: Any) -> None:
        self.value, self.bound = value, bound


class Placeholder:
    """Stands for a value that nothing will read; the engine gives it a type."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<no value>"


PLACEHOLDER = Placeholder()


class Assumptions:
    """What the conditions around the current region have established about staged flags."""

    @staticmethod
    def known(flag: Any) -> bool | None:
        for known, value in reversed(CONTEXT.assumptions):
            for implied, holds in _implied(known, value):
                if implied is flag:
                    return holds
        return None

    @staticmethod
    def compound(result: Any, decisive: bool, parts: list[Any]) -> None:
        """Notes that all of ``parts`` are ``decisive`` where ``result`` is: of ``and`` if it is true, ``or`` if not."""
        CONTEXT.compounds.append((result, decisive, parts))
        del CONTEXT.compounds[:-256]


def _implied(flag: Any, value: bool) -> Iterator[tuple[Any, bool]]:
    """What follows from ``flag`` being ``value``."""
    yield flag, value
    for negated, original in CONTEXT.negations:
        if negated is flag:
            yield original, not value
    for result, decisive, parts in CONTEXT.compounds:
        if result is flag and decisive is value:
            for part in parts:
                yield from _implied(part, value)


class Maybe:
    """A staged value that is ``None`` unless ``present``."""

    __slots__ = ("present", "value")
    __ag_engine__ = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, present: Any) -> None:
        self.value, self.present = value, present

    def __repr__(self) -> str:
        return f"<None, or {self.value!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(certain(self, f"has no attribute {name!r}", AttributeError), name)

    def __getitem__(self, key: Any) -> Any:
        return certain(self, "is not subscriptable")[key]

    def __iter__(self) -> Any:
        return iter(certain(self, "is not iterable"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return certain(self, "is not callable")(*args, **kwargs)

    def __bool__(self) -> bool:
        return bool(truth_of_maybe(self))


def certain(
    value: Any, complaint: str = "unsupported operand type(s): 'NoneType'", kind: type[Exception] = TypeError
) -> Any:
    """``value`` without the doubt: the call ends with what Python says of ``None`` if that is what it was."""
    if type(value) is not Maybe:
        return value
    known = Assumptions.known(value.present)
    text = complaint if "NoneType" in complaint else f"'NoneType' object {complaint}"
    if known is None and value.present is not True:
        backend().check(value.present, lambda: kind(text))
    elif known is False:
        raise kind(text)
    return value.value


def narrowed(value: Any) -> Any:
    """A value that may be ``None``, as the conditions around it know it."""
    if type(value) is Maybe and Assumptions.known(value.present) is not None:
        return value.value if Assumptions.known(value.present) else None
    return value


def truth_of_maybe(value: Maybe) -> Any:
    staged = backend()
    return staged.logical_and(value.present, staged.truth(value.value))


def backend() -> Any:
    """The engine that is building a graph; values that have left one can only be JAX's."""
    return active_engine() or engine("jax")


def _type_name(value: Any) -> str:
    """What Python would call the type of an operand; a staged scalar stands for a number of Python's."""
    if type(value) is Maybe:
        value = value.value
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        name = str(value.dtype.name).lstrip("ub").rstrip("0123456789")
        return {"ool": "bool"}.get(name, name)
    return type(value).__name__


def _binary(function: Callable[[Any, Any], Any], symbol: str) -> Callable[[Maybe, Any], Any]:
    def forward(self: Maybe, other: Any) -> Any:
        complaint = f"unsupported operand type(s) for {symbol}: 'NoneType' and {_type_name(other)!r}"
        return function(certain(self, complaint), certain(other, complaint))

    return forward


ARITHMETIC = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "matmul": "@",
    "and": "&",
    "or": "|",
    "xor": "^",
    "lshift": "<<",
    "rshift": ">>",
}
"""The binary operators by the names of their methods."""


def _reflected(function: Callable[[Any, Any], Any], symbol: str) -> Callable[[Maybe, Any], Any]:
    def backward(self: Maybe, other: Any) -> Any:
        complaint = f"unsupported operand type(s) for {symbol}: {_type_name(other)!r} and 'NoneType'"
        return function(certain(other, complaint), certain(self, complaint))

    return backward


for _name, _symbol in ARITHMETIC.items():
    _function = getattr(operator, _name + "_" if _name in ("and", "or") else _name)
    setattr(Maybe, f"__{_name}__", _binary(_function, _symbol))
    setattr(Maybe, f"__r{_name}__", _reflected(_function, _symbol))
for _name, _symbol in {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(Maybe, f"__{_name}__", _binary(getattr(operator, _name), _symbol))


def _equal(self: Maybe, other: Any) -> Any:
    staged = backend()
    if other is None:
        return staged.logical_not(self.present)
    if type(other) is Maybe:
        both = staged.logical_and(self.present, other.present)
        neither = staged.logical_not(staged.logical_or(self.present, other.present))
        return staged.logical_or(neither, staged.logical_and(both, self.value == other.value))
    return staged.logical_and(self.present, self.value == other)


def _not_equal(self: Maybe, other: Any) -> Any:
    return backend().logical_not(_equal(self, other))


def _unary(function: Callable[[Any], Any], symbol: str) -> Callable[[Maybe], Any]:
    return lambda self: function(certain(self, f"bad operand type for {symbol}: 'NoneType'"))


Maybe.__eq__ = _equal  # type: ignore[assignment, method-assign]
Maybe.__ne__ = _not_equal  # type: ignore[assignment, method-assign]
for _name, _symbol in {"neg": "unary -", "pos": "unary +", "abs": "abs()"}.items():
    setattr(Maybe, f"__{_name}__", _unary(getattr(operator, _name), _symbol))
