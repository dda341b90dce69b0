"""``for`` and ``while`` loops of converted code.

Python runs a loop for as long as nothing staged decides how it goes on. From the first test, or flag of a ``break``,
that is staged, the graph runs the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .calls import NotStageable, call
from .dispatch import active_engine, do_nothing, hide_frames, staged
from .logic import and_, not_
from .state import CONTEXT

UNROLL_UP_TO = 8
"""A loop of Python's own over at most so many numbers is unrolled even where it could be staged: what is known about
each iteration is worth more than the smaller graph."""


_FRESH_ITERATORS = (enumerate, zip, map, filter, reversed)


def iterated(function: Any) -> Any:
    """What a ``for`` statement calls in place of ``function`` to get what it goes through."""
    engine = active_engine()
    source = None if engine is None else engine.loop_source(function)
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
                    _rest_of(iterator, body, names, until)
                    return
                if stop:
                    return
    except BaseException as error:
        hide_frames(error)
        raise


def _rest_of(
    iterator: Iterator[Any], body: Callable[[Any], Any], names: tuple[str, ...], until: Callable[[], Any]
) -> None:
    """Goes on with a loop of Python's that a staged condition may have left: each iteration is under that condition."""
    for item in iterator:
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
