"""``and``, ``or``, ``not``, comparisons and membership of converted code.

Python's operators return operands, not truth values, and evaluate no more than they need; the staged forms do both.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..engines.base import Engine
from ..errors import StagingError
from .branch import if_exp
from .calls import asked, call
from .choice import Choice
from .dispatch import hide_frames, staged
from .lists import equal_lists, is_tensor_list
from .one_of import OneOf
from .state import CONTEXT
from .undecided import Undecided, decided
from .values import Assumptions, Maybe, backend


def and_(first: Any, *others: Callable[..., Any]) -> Any:
    """``first and others[0]() and ...``"""
    try:
        value = first
        for index, operand in enumerate(others):
            engine = staged(value) or staged(asked(value))
            if engine is not None:
                return _staged_and(engine, value, others[index:])
            if not value:
                return value
            value = operand()
        return value
    except BaseException as error:
        hide_frames(error)
        raise


def _staged_and(engine: Engine, value: Any, others: tuple[Callable[..., Any], ...]) -> Any:
    test = engine.truth(asked(value))
    operand, *more = others
    rest: Callable[[], Any] = (lambda: and_(operand(), *more)) if more else operand
    owners = [f for f in others if hasattr(f, "__closure__")]
    last = _Last(rest)
    try:
        result = engine.cond(test, last, lambda: test if test is value else value, None, owners)
        Assumptions.compound(result, True, [test, last.value])
        return result
    except StagingError as error:
        # The operands have no common type: only the truth of the whole can be asked for.
        return Undecided(
            engine.cond(test, lambda: truth(last()), lambda: False, None, owners), _first_of(error, value), last.value
        )


def or_(first: Any, *others: Callable[..., Any]) -> Any:
    """``first or others[0]() or ...``"""
    try:
        value = first
        for index, operand in enumerate(others):
            engine = staged(value) or staged(asked(value))
            if engine is not None:
                return _staged_or(engine, value, others[index:])
            if value:
                return value
            value = operand()
        return value
    except BaseException as error:
        hide_frames(error)
        raise


def _staged_or(engine: Engine, value: Any, others: tuple[Callable[..., Any], ...]) -> Any:
    test = engine.truth(asked(value))
    operand, *more = others
    rest: Callable[[], Any] = (lambda: or_(operand(), *more)) if more else operand
    owners = [f for f in others if hasattr(f, "__closure__")]
    kept = value.value if type(value) is Maybe else value  # a true value is not None
    if type(value) is Undecided and value.if_true is not None:
        kept = value.if_true()
    last = _Last(rest)
    try:
        result = engine.cond(test, lambda: kept, last, None, owners)
        Assumptions.compound(result, False, [test, last.value])
        return result
    except StagingError as error:
        return Undecided(engine.cond(test, lambda: True, lambda: truth(rest()), None, owners), _first_of(error, value))


def _first_of(error: StagingError, value: Any) -> StagingError:
    """The complaint about an operand, if that is what two others came to, or else ``error``."""
    return value.error if type(value) is Undecided else error


class _Last:
    """An operand, with the value that it had when it was evaluated last."""

    __slots__ = ("_operand", "value")

    def __init__(self, operand: Callable[[], Any]) -> None:
        self._operand = operand
        self.value: Any = None

    def __call__(self) -> Any:
        self.value = self._operand()
        return self.value


def not_(value: Any) -> Any:
    """``not value``"""
    if value is True:
        return False
    if value is False:
        return True
    try:
        value = asked(value)
        engine = staged(value)
        if engine is not None:
            return engine.logical_not(engine.truth(value))
        return not value
    except BaseException as error:
        hide_frames(error)
        raise


def truth(value: Any) -> Any:
    """What ``if value`` asks: a ``bool``, or a staged scalar of booleans."""
    value = asked(value)
    engine = staged(value)
    return bool(value) if engine is None else engine.truth(value)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: eq(a, b),
    "!=": lambda a, b: not_eq(a, b),
    "<": lambda a, b: order("<", a, b),
    "<=": lambda a, b: order("<=", a, b),
    ">": lambda a, b: order(">", a, b),
    ">=": lambda a, b: order(">=", a, b),
    "is": lambda a, b: is_(a, b),
    "is not": lambda a, b: is_not(a, b),
    "in": lambda a, b: in_(a, b),
    "not in": lambda a, b: not_in(a, b),
}


_ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_METHODS = {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


def compare(left: Any, symbol: str, operand: Callable[[], Any], *more: Any) -> Any:
    """``left < operand() <= ...``, each operand evaluated at most once."""
    try:
        right = operand()
        result = _OPERATORS[symbol](left, right)
        if not more:
            return result
        if staged(result) is None and not result:
            return result
        return and_(result, lambda: compare(right, *more))
    except BaseException as error:
        hide_frames(error)
        raise


def same(left: Any, right: Any) -> Any:
    """``left == right`` of two values, also where tensors compare by identity."""
    if CONTEXT.by_identity:
        engine = staged(left) or staged(right)
        if engine is not None:
            return engine.equal(left, right)
    return left == right


def is_(left: Any, right: Any) -> Any:
    """``left is right``"""
    if type(left) is Maybe and right is None:
        return backend().absent(left)
    if type(right) is Maybe and left is None:
        return backend().absent(right)
    if type(left) is Maybe or type(right) is Maybe:
        maybe, other = (left, right) if type(left) is Maybe else (right, left)
        if type(other) is Maybe:
            return left is right or same(left, right)
        return and_(maybe.present, lambda: is_(maybe.value, other))
    if type(left) is OneOf or type(right) is OneOf:
        return left.is_it(right) if type(left) is OneOf else right.is_it(left)
    if type(left) is Choice or type(right) is Choice:
        choice, other = (left, right) if type(left) is Choice else (right, left)
        return (
            choice.among([option is other for option in choice.options]) if type(other) is not Choice else left == right
        )
    return decided(left) is decided(right)


def is_not(left: Any, right: Any) -> Any:
    """``left is not right``"""
    return not_(is_(left, right))


def _has_staged(value: Any) -> bool:
    if is_tensor_list(value) and value.is_buffered():
        return True
    if issubclass(type(value), tuple | list):
        return any(_has_staged(item) for item in value)
    if type(value) is dict:
        return any(map(_has_staged, value.values()))
    return staged(value) is not None


def in_(value: Any, container: Any) -> Any:
    """``value in container``"""
    try:
        engine = staged(container)
        if type(container) is OneOf:
            return container.each(lambda one: in_(value, one))
        if engine is not None and type(container) is not Choice:
            return engine.contains(container, value)
        method = type(container).__dict__.get("__contains__")
        if type(method) is FunctionType:
            return truth(call(method)(container, value))
        if issubclass(type(container), tuple | list | range) and (_has_staged(value) or _has_staged(container)):
            if isinstance(container, range):
                return _in_range(value, container)
            result: Any = False
            for item in container:
                if item is value:
                    return True
                result = or_(result, lambda item=item: truth(eq(item, value)))
            return result
        if issubclass(type(container), dict | set | frozenset) and _has_staged(value):
            result = False
            for item in container:
                result = or_(result, lambda item=item: truth(eq(item, value)))
            return result
        return value in container
    except BaseException as error:
        hide_frames(error)
        raise


def _in_range(value: Any, numbers: range) -> Any:
    low, high = (numbers.start, numbers.stop) if numbers.step > 0 else (numbers.stop + 1, numbers.start + 1)
    inside = and_(value >= low, lambda: value < high)
    if abs(numbers.step) == 1:
        return inside
    return and_(inside, lambda: (value - numbers.start) % abs(numbers.step) == 0)


def not_in(value: Any, container: Any) -> Any:
    """``value not in container``"""
    return not_(in_(value, container))


def compared_fields(left: Any, right: Any, method: str) -> tuple[Any, Any]:
    """The fields of two instances of a dataclass whose comparison is that of the fields; otherwise the two as they are.

    The method that ``dataclass`` has made has no source that could be converted.
    """
    kind = type(left)
    if kind is not type(right) or not dataclasses.is_dataclass(kind):
        return left, right
    made = kind.__dict__.get(method)
    if type(made) is not FunctionType or not made.__code__.co_filename.startswith("<"):
        return left, right
    names = [field.name for field in dataclasses.fields(kind) if field.compare]
    return tuple(getattr(left, name) for name in names), tuple(getattr(right, name) for name in names)


def eq(left: Any, right: Any) -> Any:
    """``left == right``, through tuples, lists and dataclasses that hold staged values."""
    try:
        left, right = compared_fields(left, right, "__eq__")
        if isinstance(left, list) and isinstance(right, list):
            open_lists = equal_lists(left, right)
            if open_lists is not None:
                return open_lists
        for kind in (tuple, list):
            if (
                issubclass(type(left), kind)
                and issubclass(type(right), kind)
                and (_has_staged(left) or _has_staged(right))
            ):
                if len(left) != len(right):
                    return False
                result: Any = True
                for a, b in zip(left, right, strict=True):
                    result = and_(result, lambda a=a, b=b: truth(eq(a, b)))
                return result
        if type(left) is dict and type(right) is dict and (_has_staged(left) or _has_staged(right)):
            if left.keys() != right.keys():
                return False
            return eq(tuple(left.values()), tuple(right[key] for key in left))
        if _differ_in_kind(left, right) or _differ_in_kind(right, left):
            return False
        return same(left, right)
    except BaseException as error:
        hide_frames(error)
        raise


def _differ_in_kind(left: Any, right: Any) -> bool:
    """Whether a staged number is compared with something that no number equals."""
    return isinstance(right, str | bytes) and staged(left) is not None and type(left) is not Choice


def order(symbol: str, left: Any, right: Any) -> Any:
    """``left < right`` and its like, for tuples and lists that may hold staged values: the first difference decides."""
    try:
        left, right = compared_fields(left, right, _METHODS.get(symbol, ""))
        kind = type(left)
        if kind is not type(right) or not issubclass(kind, tuple | list):
            return _ORDERS[symbol](left, right)
        if not (_has_staged(left) or _has_staged(right)):
            return _ORDERS[symbol](left, right)
        result: Any = _ORDERS[symbol](len(left), len(right))
        for a, b in reversed(list(zip(left, right, strict=False))):
            rest = result
            same = truth(eq(a, b))
            result = if_exp(same, lambda rest=rest: rest, lambda a=a, b=b: truth(order(symbol, a, b)))
        return result
    except BaseException as error:
        hide_frames(error)
        raise


def not_eq(left: Any, right: Any) -> Any:
    """``left != right``, through tuples, lists and dataclasses that hold staged values."""
    left, right = compared_fields(left, right, "__eq__")
    if isinstance(left, list) and isinstance(right, list):
        open_lists = equal_lists(left, right)
        if open_lists is not None:
            return not_(open_lists)
    for kind in (tuple, list, dict):
        if issubclass(type(left), kind) and issubclass(type(right), kind) and (_has_staged(left) or _has_staged(right)):
            return not_(eq(left, right))
    if _differ_in_kind(left, right) or _differ_in_kind(right, left):
        return True
    return not_(same(left, right)) if CONTEXT.by_identity else left != right


__all__ = ["and_", "compare", "eq", "if_exp", "in_", "is_", "is_not", "not_", "not_eq", "not_in", "or_", "truth"]
