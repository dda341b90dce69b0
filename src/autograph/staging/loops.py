"""``for`` and ``while`` loops of converted code.

Python runs a loop for as long as nothing staged decides how it goes on. From the first test, or flag of a ``break``,
that is staged, the graph runs the rest of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from operator import length_hint
from typing import Any

from ..errors import StagingError
from .calls import NotStageable, asked, call
from .dispatch import active_engine, do_nothing, hide_frames, staged
from .logic import and_, not_
from .state import CONTEXT

UNROLL_UP_TO = 8
"""A loop of Python's own over at most so many numbers is unrolled even where it could be staged: what is known about
each iteration is worth more than the smaller graph."""
_MOST_COPIES = 32
"""How many copies of a body loops in loops may come to by that."""


def is_unrolled(length: int) -> bool:
    """Whether a loop of Python's with so many iterations is unrolled without an attempt to stage it."""
    return length <= UNROLL_UP_TO and length * math.prod(found.copies for found in CONTEXT.iterations) <= _MOST_COPIES


ENDLESS: dict[Any, Callable[..., Any]] = {}
"""What a ``for`` statement goes through in place of an iterator without an end; ``library`` fills it."""
_MOST_UNKNOWN, _MOST = 10_000, 1_000_000
"""How many iterations are tried of a loop that the graph leaves, where their number is not known; what is known."""

_FRESH_ITERATORS = (enumerate, zip, map, filter, reversed)


def iterated(function: Any) -> Any:
    """What a ``for`` statement calls in place of ``function`` to get what it goes through."""
    engine = active_engine()
    if engine is None:
        return call(function)
    source = engine.loop_source(function)
    if source is None and type(function) is type:
        source = ENDLESS.get(function)
    return call(function) if source is None else source


def for_stmt(
    iterated: Any,
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any] | None = None,
) -> None:
    """Runs ``body(item)`` for each item of ``iterated``, or until the flags of its jumps say so."""
    try:
        engine = active_engine()
        if engine is not None:
            sequence = engine.sequence_of(iterated)
            if sequence is not None:
                try:
                    engine.for_loop(sequence, body, names, until, [body])
                    return
                except NotStageable:
                    pass  # Python goes through it
        if CONTEXT.probes and hasattr(type(iterated), "__next__") and type(iterated) not in _FRESH_ITERATORS:
            raise NotStageable  # an iterator gives each item once, so no trace may go through it in vain
        if engine is not None:
            items = iter(iterated if staged(iterated) is None else engine.items(iterated))
            with engine.unrolled() as iteration:
                iteration.copies = max(length_hint(items), 1)
                _unroll(items, body, names, until, iteration)
            return
        for item in iterated:
            body(item)
            if until is not None and until():
                return
    except BaseException as error:
        hide_frames(error)
        raise


def _unroll(
    iterator: Iterator[Any],
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any] | None,
    iteration: Any,
) -> None:
    """A loop of Python's while a graph is being built: each iteration becomes a part of the graph."""
    for number, item in enumerate(iterator):
        iteration.number = number
        body(item)
        if until is not None:
            stop = until()
            if stop is False:
                continue
            if staged(stop) is not None:
                _rest_of(iterator, body, names, until, iteration)
                return
            if stop:
                return


def _rest_of(
    iterator: Iterator[Any],
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any],
    iteration: Any,
) -> None:
    """Goes on with a loop of Python's that a staged condition may have left: each iteration is under that condition."""
    may_be_endless = not 0 <= length_hint(iterator, -1) < _MOST
    for number, item in enumerate(iterator, iteration.number + 1):
        iteration.number = number
        if may_be_endless and number > _MOST_UNKNOWN:
            raise StagingError(
                f"this loop goes through a {type(iterator).__name__} whose end is not in sight, and only the graph can "
                f"decide where it is left; the graph would hold each iteration, and there were {_MOST_UNKNOWN:,} so "
                "far. Write `while True:` with a counter in place of the iterator"
            )
        stop = until()
        engine = staged(stop)
        if engine is None:
            if stop:
                return
            body(item)
            continue
        engine.cond(stop, do_nothing, lambda item=item: body(item), names, [body])


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], Any],
    names: tuple[str, ...],
    until: Callable[[], Any] | None = None,
) -> None:
    """Runs ``body()`` while ``test()`` holds, or until the flags of its jumps say so."""
    try:
        go_on = test if until is None else (lambda: and_(not_(until()), test))
        building = active_engine()
        if building is None:
            while go_on():
                body()
            return
        with building.unrolled() as iteration:
            number = 0
            while True:
                goes_on = asked(go_on())
                engine = staged(goes_on)
                if engine is not None:
                    break
                if not goes_on:
                    return
                if number == 0 and building.begins_in_graph(go_on, body, names, [test, body]):
                    engine = building
                    break
                iteration.number = number
                body()
                number += 1
        engine.while_loop(go_on, body, names, [test, body], goes_on)
    except BaseException as error:
        hide_frames(error)
        raise
