"""``for`` and ``while`` loops of converted code.

Python runs a loop for as long as nothing staged decides how it goes on. From the first test, or flag of a ``break``,
that is staged, the graph runs the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import length_hint
from typing import Any

from ..errors import StagingError
from .calls import NotStageable, call
from .dispatch import active_engine, do_nothing, hide_frames, staged
from .logic import and_, not_
from .state import CONTEXT

UNROLL_UP_TO = 8
"""A loop of Python's own over at most so many numbers is unrolled even where it could be staged: what is known about
each iteration is worth more than the smaller graph."""


ENDLESS: dict[Any, Callable[..., Any]] = {}
"""What a ``for`` statement goes through in place of an iterator without an end; ``library`` fills it."""
_MOST_UNKNOWN = 10_000

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
        iterator = iter(iterated if engine is None or staged(iterated) is None else engine.items(iterated))
        for item in iterator:
            body(item)
            if until is not None:
                stop = until()
                if stop is False:
                    continue
                if staged(stop) is not None:
                    _rest_of(iterator, body, names, until, length_hint(iterated, -1) < 0)
                    return
                if stop:
                    return
    except BaseException as error:
        hide_frames(error)
        raise


def _rest_of(
    iterator: Iterator[Any],
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any],
    may_be_endless: bool,
) -> None:
    """Goes on with a loop of Python's that a staged condition may have left: each iteration is under that condition."""
    for number, item in enumerate(iterator):
        if may_be_endless and number > _MOST_UNKNOWN:
            raise StagingError(
                f"this loop goes through a {type(iterator).__name__} of unknown length, and only the graph can decide "
                f"where it ends; the graph would hold each iteration, and there were {_MOST_UNKNOWN:,} so far. "
                "Write `while True:` with a counter in place of the iterator"
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
        owners = [test, body]
        while True:
            if until is None:
                goes_on, go_on = test(), test
            else:
                goes_on = and_(not_(until()), test)

                def go_on() -> Any:
                    return and_(not_(until()), test)

            engine = staged(goes_on)
            if engine is not None:
                engine.while_loop(go_on, body, names, owners, goes_on)
                return
            if not goes_on:
                return
            body()
    except BaseException as error:
        hide_frames(error)
        raise
