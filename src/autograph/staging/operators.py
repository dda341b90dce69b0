"""Operators between objects whose classes overload them: their methods are functions of the user's like any other."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

from ..engines.base import active_engine
from .calls import call, is_library
from .dispatch import hide_frames, staged
from .logic import compared_fields, eq, not_eq, order
from .state import CONTEXT

_BINARY: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "+": (operator.add, "__add__", "__radd__"),
    "-": (operator.sub, "__sub__", "__rsub__"),
    "*": (operator.mul, "__mul__", "__rmul__"),
    "/": (operator.truediv, "__truediv__", "__rtruediv__"),
    "//": (operator.floordiv, "__floordiv__", "__rfloordiv__"),
    "%": (operator.mod, "__mod__", "__rmod__"),
    "**": (operator.pow, "__pow__", "__rpow__"),
    "@": (operator.matmul, "__matmul__", "__rmatmul__"),
    "<<": (operator.lshift, "__lshift__", "__rlshift__"),
    ">>": (operator.rshift, "__rshift__", "__rrshift__"),
    "&": (operator.and_, "__and__", "__rand__"),
    "|": (operator.or_, "__or__", "__ror__"),
    "^": (operator.xor, "__xor__", "__rxor__"),
    "==": (eq, "__eq__", "__eq__"),
    "!=": (not_eq, "__ne__", "__ne__"),
    "<": (partial(order, "<"), "__lt__", "__gt__"),
    "<=": (partial(order, "<="), "__le__", "__ge__"),
    ">": (partial(order, ">"), "__gt__", "__lt__"),
    ">=": (partial(order, ">="), "__ge__", "__le__"),
}


def operate(symbol: str, left: Any, right: Any) -> Any:
    """``left + right`` and its like."""
    try:
        plain, forward, backward = _BINARY[symbol]
        if active_engine() is None:
            return plain(left, right)
        if CONTEXT.by_identity and symbol in ("==", "!="):
            engine = staged(left) or staged(right)
            if engine is not None:
                same = engine.equal(left, right)
                return same if symbol == "==" else engine.logical_not(same)
        own, other = _method(left, forward), _method(right, backward)
        if not _is_users(own) and not _is_users(other):
            return plain(left, right)
        if compared_fields(left, right, forward)[0] is not left:  # by the method that `dataclass` has made
            return plain(left, right)
        attempts = [(own, left, right), (other, right, left)]
        overrides = other is not None and other is not _method(left, backward)
        if type(right) is not type(left) and issubclass(type(right), type(left)) and overrides:
            attempts.reverse()  # the method of a subclass goes first
        elif type(right) is type(left) and forward != backward and symbol in "+-*/%**//@<<>>&|^":
            attempts.pop()
        for method, receiver, argument in attempts:
            if method is None:
                continue
            result = call(method)(receiver, argument)
            if result is not NotImplemented:
                return result
        if symbol in ("==", "!="):
            return (left is right) == (symbol == "==")
        return plain(left, right)  # raises as Python does
    except BaseException as error:
        hide_frames(error)
        raise


def _is_users(method: Any) -> bool:
    return type(method) is FunctionType and not is_library(method.__code__.co_filename)


def _method(value: Any, name: str) -> Any:
    return getattr(type(value), name, None)
