"""Python's built-in functions over staged values.

Each behaves as Python's own on Python's values; what it does with staged ones is built from the staged loops and
conditionals, so that it means what Python means.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, cast

from ..engines.base import Engine, active_engine
from . import sequences
from .branch import if_exp
from .calls import REPLACEMENTS, call, converted, is_library
from .comprehensions import has_open_length
from .dispatch import hide_frames, staged
from .formatting import holds_staged, text
from .iterators import Iterator, iterator_of
from .lists import TensorList, is_tensor_list
from .logic import and_, or_, order, truth
from .loops import for_stmt
from .one_of import OneOf
from .sequences import Sequence
from .state import CONTEXT, in_region, was_born
from .told import Told, told
from .values import Maybe

_MISSING: Any = object()


def _replaces(original: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(replacement: Callable[..., Any]) -> Callable[..., Any]:
        REPLACEMENTS[original] = replacement
        return replacement

    return register


def _engine_of_sequence(iterable: Any) -> Engine | None:
    """The engine that has to go through ``iterable``, if Python cannot."""
    if issubclass(type(iterable), Sequence):  # isinstance would ask the object for its __class__
        return active_engine()
    return staged(iterable)


def _staged_sequence(iterable: Any) -> Sequence | None:
    engine = _engine_of_sequence(iterable)
    return engine.sequence_of(iterable) if engine is not None else None


@_replaces(print)
def print_(*args: Any, **options: Any) -> None:
    """``print``: at run time where a value is staged, or the printing itself is under a staged condition."""
    args = tuple([str(value) if type(value) is Told else value for value in map(told, args)])
    shown = (*args, *options.values())
    if in_region() or CONTEXT.by_identity or any(holds_staged(value) or _carries_mark(value) for value in shown):
        engine = active_engine()
        if engine is not None:
            engine.print(args, options)
            return
    if CONTEXT.rooms is not None and CONTEXT.rooms.owner.is_repeat:
        return  # the same call has printed this already
    builtins.print(*args, **options)


def _carries_mark(value: Any) -> bool:
    return isinstance(value, str) and "<staged value " in value


def items(value: Any) -> Any:
    """``value``, for Python to iterate over (``a, b = value``, comprehensions, ``f(*value)``)."""
    kind = type(value)
    if kind is tuple or kind is list or kind is dict or kind is builtins.range:
        return value
    try:
        engine = staged(value)
        return value if engine is None else engine.items(value)
    except BaseException as error:
        hide_frames(error)
        raise


@_replaces(len)
def len_(value: Any, /) -> Any:
    if is_tensor_list(value):
        return value.staged_length()
    if type(value) is OneOf:
        return value.each(len_)
    method = getattr(type(value), "__len__", None)
    if type(method) is FunctionType and not is_library(method.__code__.co_filename):
        return call(method)(value)
    if issubclass(type(value), Sequence) and not isinstance(value.length, int):
        length = value.length
        return if_exp(length > 0, lambda: length, lambda: 0)
    engine = staged(value)
    return builtins.len(value) if engine is None else engine.length(value)


@_replaces(range)
def range_(*args: Any) -> Any:
    if 1 <= builtins.len(args) <= 3:
        for value in args:
            engine = staged(value)
            if engine is not None:
                start, stop, step = (0, args[0], 1) if builtins.len(args) == 1 else (*args, 1)[:3]
                return engine.range(start, stop, step)
    return builtins.range(*args)


@_replaces(enumerate)
def enumerate_(iterable: Any, start: Any = 0) -> Any:
    inner = _staged_sequence(iterable)
    if inner is not None:
        _refuse_filter(inner, "enumerate")
        return sequences.enumerated(inner, start)
    return builtins.enumerate(iterable, start)


def _refuse_filter(inner: Sequence, name: str) -> None:
    if inner.steps:
        raise TypeError(f"{name}() over a staged filter() is not supported; write an if statement in the loop")


@_replaces(zip)
def zip_(*iterables: Any, strict: bool = False) -> Any:
    parts = [_staged_sequence(iterable) for iterable in iterables]
    if all(part is None for part in parts):
        return builtins.zip(*iterables, strict=strict)
    engine = active_engine()
    assert engine is not None
    whole: list[Sequence] = []
    for part, iterable in builtins.zip(parts, iterables, strict=True):
        if part is None:
            part = _whole_sequence(engine, iterable)
        if part is None:
            return builtins.zip(*builtins.map(as_rows, iterables), strict=strict)
        _refuse_filter(part, "zip")
        whole.append(part)
    lengths = [part.length for part in whole]
    lengths = [length for length in lengths if length is not None]  # that of a dataset is known when it ends
    known = [length for length in lengths if isinstance(length, int)]
    if strict and builtins.len(set(known)) > 1:
        raise ValueError("zip() arguments have different lengths")
    shortest = builtins.min(known) if known else None
    for length in lengths:
        if not isinstance(length, int):
            other = shortest
            shortest = (
                length
                if other is None
                else if_exp(length < other, lambda length=length: length, lambda other=other: other)
            )
    slices = [
        engine.first(part.slices, shortest) if part.slices is not None and isinstance(shortest, int) else part.slices
        for part in whole
    ]
    return sequences.zipped(whole, shortest, slices)


def _whole_sequence(engine: Engine, iterable: Any) -> Sequence | None:
    """A sequence of Python's as a staged one, where its items are numbers by formula or rows of an array."""
    if isinstance(iterable, builtins.range):
        return sequences.python_range(iterable, optional=False)
    if not hasattr(iterable, "dtype"):
        return None
    found = engine.sequence_of(iterable)
    shape: tuple[int, ...] = getattr(iterable, "shape", ())
    return engine.rows(iterable) if found is None and shape else found


def as_rows(iterable: Any) -> Any:
    """Something that Python can go through, unrolling a staged sequence of known length."""
    if issubclass(type(iterable), Sequence):
        engine = active_engine()
        assert engine is not None
        count = builtins.len(iterable)
        return [
            iterable.item(index, engine.get_at(iterable.slices, index) if iterable.slices is not None else None)
            for index in builtins.range(count)
        ]
    return items(iterable)


@_replaces(map)
def map_(function: Any, *iterables: Any) -> Any:
    function = call(function)
    parts = [_staged_sequence(iterable) for iterable in iterables]
    if all(part is None for part in parts):
        return builtins.map(function, *iterables)
    if builtins.len(iterables) == 1:
        assert parts[0] is not None
        return sequences.mapped(function, parts[0], star=False)
    zipped = zip_(*iterables)
    if issubclass(type(zipped), Sequence):
        return sequences.mapped(function, zipped, star=True)
    return (function(*items) for items in zipped)


@_replaces(filter)
def filter_(function: Any, iterable: Any) -> Any:
    function = truth if function is None else call(function)
    inner = _staged_sequence(iterable)
    if inner is not None:
        return sequences.filtered(function, inner)
    if holds_staged(iterable):
        return _filtered_list(function, iterable)
    return builtins.filter(None if function is truth else function, iterable)


def _filtered_list(function: Callable[[Any], Any], iterable: Iterable[Any]) -> Any:
    """``filter`` of a Python list whose items are staged, so that how many pass is staged too."""
    kept = TensorList()
    was_born(kept)
    items = builtins.list(iterable)
    kept.reserve(items[0], builtins.len(items))
    for item in items:

        def add(item: Any = item) -> None:
            kept.append(item)

        if_exp(truth(function(item)), add, lambda: None)
    return kept


@_replaces(reversed)
def reversed_(iterable: Any) -> Any:
    inner = _staged_sequence(iterable)
    if inner is not None:
        _refuse_filter(inner, "reversed")
        engine = active_engine()
        assert engine is not None
        if is_tensor_list(iterable) and has_open_length(iterable):
            turned = iterable.copy()
            was_born(turned)
            turned.reverse()
            return turned
        return sequences.backwards(inner, engine.flipped)
    return builtins.reversed(iterable)


@_replaces(sum)
def sum_(iterable: Any, /, start: Any = 0) -> Any:
    engine = _engine_of_sequence(iterable)
    if engine is None:
        return builtins.sum(iterable, start)
    if not issubclass(type(iterable), Sequence | list) and engine.is_array(iterable):
        return start + engine.sum_rows(iterable)
    total = start

    def add(item: Any) -> None:
        nonlocal total
        total = total + item

    for_stmt(iterable, add, ("total",))
    return total


@_replaces(any)
def any_(iterable: Any, /) -> Any:
    engine = _engine_of_sequence(iterable)
    if engine is not None:
        found = False

        def look(item: Any) -> None:
            nonlocal found
            found = truth(item)

        for_stmt(iterable, look, ("found",), lambda: found)
        return found
    return _any_of(iterable)


def _any_of(iterable: Iterable[Any]) -> Any:
    result: Any = False
    for item in iterable:
        result = or_(result, lambda item=item: truth(item))
        if result is True:
            return True
    return result


@_replaces(all)
def all_(iterable: Any, /) -> Any:
    engine = _engine_of_sequence(iterable)
    if engine is not None:
        failed = False

        def look(item: Any) -> None:
            nonlocal failed
            failed = engine.logical_not(truth(item))

        for_stmt(iterable, look, ("failed",), lambda: failed)
        return not failed if isinstance(failed, bool) else engine.logical_not(failed)
    result: Any = True
    for item in iterable:
        result = and_(result, lambda item=item: truth(item))
        if result is False:
            return False
    return result


def _extreme(
    original: Callable[..., Any], better: Callable[[Any, Any], Any], args: tuple[Any, ...], key: Any, default: Any
) -> Any:
    options = {} if default is _MISSING else {"default": default}
    if builtins.len(args) == 1:
        iterable = args[0]
        engine = _engine_of_sequence(iterable)
        if engine is not None:
            return _extreme_of_sequence(engine, iterable, original, better, key, default)
        if not isinstance(iterable, tuple | list | set | frozenset | dict):
            iterable = builtins.list(iterable)
        items = iterable if holds_staged(iterable) else None
        args = (iterable,)
    else:
        items = args if holds_staged(args) else None
    key = None if key is None else call(key)
    if items is None:
        return original(*args, key=key, **options)
    items = builtins.list(items)
    best = items[0]
    best_key = best if key is None else key(best)
    for item in items[1:]:
        item_key = item if key is None else key(item)
        wins = truth(better(item_key, best_key))
        best, best_key = if_exp(
            wins,
            lambda item=item, item_key=item_key: (item, item_key),
            lambda best=best, best_key=best_key: (best, best_key),
        )
    return best


def _extreme_of_sequence(
    engine: Engine,
    iterable: Any,
    original: Callable[..., Any],
    better: Callable[[Any, Any], Any],
    key: Any,
    default: Any,
) -> Any:
    sequence = engine.sequence_of(iterable)
    assert sequence is not None
    key = None if key is None else call(key)
    if isinstance(sequence.length, int) and sequence.length == 0:
        return original([], **({} if default is _MISSING else {"default": default}))
    if not isinstance(sequence.length, int):
        best = converted(cast(FunctionType, _best_of))(sequence, better, key)
        if type(best) is not Maybe:
            return best
        if default is not _MISSING:
            return if_exp(engine.absent(best), lambda: default, lambda: best.value)
        engine.check(best.present, lambda: _empty(original))
        return best.value
    first = sequence.item(0, engine.get_at(sequence.slices, 0) if sequence.slices is not None else None)
    best, best_key = first, first if key is None else key(first)

    def look(item: Any) -> None:
        nonlocal best, best_key
        item_key = item if key is None else key(item)
        current, current_key = best, best_key
        best, best_key = if_exp(
            truth(better(item_key, current_key)), lambda: (item, item_key), lambda: (current, current_key)
        )

    for_stmt(sequence, look, ("best", "best_key"))
    return best


def _best_of(items: Any, better: Callable[[Any, Any], Any], key: Any) -> Any:
    """The first of the best items, ``None`` if there are none; converted when it is called."""
    best = None
    best_key = None
    for item in items:
        item_key = item if key is None else key(item)
        if best is None or better(item_key, best_key):
            best = item
            best_key = item_key
    return best


def _empty(original: Callable[..., Any]) -> Exception:
    try:
        original([])
    except ValueError as error:
        return error
    raise AssertionError


@_replaces(iter)
def iter_(iterable: Any, /, *sentinel: Any) -> Any:
    return builtins.iter(iterable, *sentinel) if sentinel else iterator_of(iterable)


@_replaces(next)
def next_(iterator: Any, /, *default: Any) -> Any:
    if type(iterator) is Iterator:
        return iterator.take(*default)
    if not is_tensor_list(iterator):
        engine = staged(iterator)
        if engine is None:
            return builtins.next(iterator, *default)
        return engine.next_or(iterator, default[0]) if default else engine.next_of(iterator)
    # A generator expression whose length the graph decides.
    some = truth(iterator)
    if default:
        return if_exp(some, lambda: iterator[0], lambda: default[0])
    engine = active_engine()
    assert engine is not None
    engine.check(some, StopIteration)
    return iterator[0]


@_replaces(min)
def min_(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:
    return _extreme(builtins.min, lambda a, b: order("<", a, b), args, key, default)


@_replaces(max)
def max_(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:
    return _extreme(builtins.max, lambda a, b: order(">", a, b), args, key, default)


@_replaces(sorted)
def sorted_(iterable: Any, /, *, key: Any = None, reverse: Any = False) -> Any:
    engine = _engine_of_sequence(iterable)
    key = None if key is None else call(key)
    if engine is None:
        items = builtins.list(iterable)
        try:
            return builtins.sorted(items, key=key, reverse=reverse)
        except TypeError:
            if not holds_staged(items):
                raise
        engine = active_engine()
        assert engine is not None
    else:
        items = builtins.list(as_rows(iterable)) if issubclass(type(iterable), Sequence) else iterable
        if not issubclass(type(items), list) and not engine.is_array(items):
            items = list_(items)
        if is_tensor_list(items) and has_open_length(items):
            made = items.copy()
            was_born(made)
            made.sort(key=key, reverse=bool(reverse))
            return made
    return engine.sorted(items, key, bool(reverse))


@_replaces(round)
def round_(number: Any, ndigits: Any = None) -> Any:
    engine = staged(number)
    if engine is None:
        return builtins.round(number) if ndigits is None else builtins.round(number, ndigits)
    return engine.round(number, ndigits)


@_replaces(pow)
def pow_(base: Any, exp: Any, mod: Any = None) -> Any:
    if mod is None:
        return base**exp
    if all(staged(value) is None for value in (base, exp, mod)):
        return builtins.pow(base, exp, mod)
    return converted(cast(FunctionType, _modular_power))(base, exp, mod)


def _modular_power(base: Any, exponent: Any, modulus: Any) -> Any:
    """Square and multiply (Knuth, *The Art of Computer Programming*, 4.6.3); converted when it is called."""
    result = 1 % modulus
    base = base % modulus
    while exponent > 0:
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent = exponent // 2
    return result


@_replaces(abs)
def abs_(number: Any, /) -> Any:
    return builtins.abs(number)


@_replaces(divmod)
def divmod_(a: Any, b: Any, /) -> Any:
    if staged(a) is None and staged(b) is None:
        return builtins.divmod(a, b)
    return a // b, a % b


def _mathematical(original: Callable[..., Any]) -> None:
    def applied(*args: Any, **options: Any) -> Any:
        if holds_staged(args):
            engine = active_engine()
            find = getattr(engine, "math_function", None)
            function = None if find is None else find(original.__name__)
            if function is not None:
                return function(*args, **options)
        return original(*args, **options)

    REPLACEMENTS[original] = applied


for _function in builtins.list(vars(math).values()):
    if callable(_function):
        _mathematical(_function)


def _number(kind: type, cast: str) -> None:
    def convert(*args: Any, **options: Any) -> Any:
        engine = staged(args[0]) if builtins.len(args) == 1 and not options else None
        return kind(*args, **options) if engine is None else getattr(engine, cast)(args[0])

    convert.__name__ = kind.__name__
    REPLACEMENTS[kind] = convert


_number(int, "to_int")
_number(float, "to_float")


@_replaces(bool)
def bool_(*args: Any) -> Any:
    return truth(args[0]) if builtins.len(args) == 1 else bool(*args)


@_replaces(str)
def str_(*args: Any, **options: Any) -> str:
    if builtins.len(args) == 1 and not options:
        return str(text(args[0]))
    return str(*args, **options)


@_replaces(repr)
def repr_(value: Any, /) -> str:
    return repr(text(value))


@_replaces(format)
def format_(value: Any, spec: str = "", /) -> str:
    return format(text(value), spec)


@_replaces(list)
def list_(iterable: Any = (), /) -> Any:
    if active_engine() is None:
        return list(iterable)
    if is_tensor_list(iterable):
        made: Any = TensorList.of(iterable.__ag_content__())
    elif issubclass(type(iterable), Sequence) and (iterable.steps or not isinstance(iterable.length, int)):
        made = TensorList()
        for_stmt(iterable, made.append, ())
    elif issubclass(type(iterable), Sequence):
        made = TensorList(as_rows(iterable))
    else:
        engine = staged(iterable)
        sequence = None if engine is None else engine.sequence_of(iterable)
        if sequence is None or isinstance(sequence.length, int):
            made = TensorList(items(iterable))
        else:
            made = TensorList()
            for_stmt(sequence, made.append, ())
    was_born(made)
    return made


@_replaces(tuple)
def tuple_(iterable: Any = (), /) -> Any:
    return tuple(as_rows(iterable))


@_replaces(dict)
def dict_(*args: Any, **items: Any) -> Any:
    made = dict(*builtins.map(as_rows, args), **items)
    was_born(made)
    return made
