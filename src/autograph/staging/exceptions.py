"""``try`` statements of converted code.

The block of a ``try`` is one function and its clauses are another, which has a ``try`` of Python's own around a call of
its argument. Plain Python hands it the block. Where an engine has traced the block, it hands it each outcome that the
block can have: an exception that is raised again, or nothing at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..errors import UnreachableHandlerError
from .dispatch import active_engine, do_nothing, hide_frames, staged


class Outcome:
    """How the block of a ``try`` ended; calling it ends the same way."""

    __slots__ = ("_error", "raises")

    def __init__(self, error: BaseException | None) -> None:
        self._error = error
        self.raises = error is not None

    def __call__(self) -> None:
        error, self._error = self._error, None  # what catches it decides how long it lives
        if error is not None:
            try:
                raise error
            finally:
                del error


def building() -> bool:
    """Whether a graph is being built."""
    return active_engine() is not None


def try_stmt(
    body: Callable[[], Any],
    clauses: Callable[[Callable[[], Any]], Any] | None,
    final: Callable[[Callable[[], Any]], Any] | None,
    inside: tuple[str, ...],
    after: tuple[str, ...],
) -> None:
    """Runs ``body()`` inside ``clauses`` (``except`` and ``else``), and those inside ``final``.

    ``inside`` are the names of the state that the clauses may look at, ``after`` of what matters after the statement.
    """
    try:
        engine = active_engine()
        attempt = getattr(engine, "attempt", None)
        if attempt is None:
            _try_in_python(body, clauses, final)
            return
        owners = [part for part in (body, clauses, final) if part is not None]
        if final is None:
            attempt(body, clauses, inside, after, owners, always=False)
        elif clauses is None:
            attempt(body, final, inside, after, owners, always=True)
        else:
            attempt(
                lambda: attempt(body, clauses, inside, inside, owners, always=False),
                final,
                inside,
                after,
                owners,
                always=True,
            )
    except BaseException as error:
        hide_frames(error)
        raise


def _try_in_python(
    body: Callable[[], Any],
    clauses: Callable[[Callable[[], Any]], Any] | None,
    final: Callable[[Callable[[], Any]], Any] | None,
) -> None:
    refused: UnreachableHandlerError | None = None

    def block() -> None:
        nonlocal refused
        try:
            body()
        except UnreachableHandlerError as error:
            refused = error
            raise

    if final is None:
        clauses(block)  # type: ignore[misc]
    elif clauses is None:
        final(block)
    else:
        final(lambda: clauses(block))
    if refused is not None:  # a bare `except` has caught what is not the program's
        raise refused


def leaves(flag: Any, outcome: Any) -> bool:
    """Whether a ``finally`` block is left by a jump, which drops the exception that ``outcome`` is."""
    engine = staged(flag)
    if engine is None:
        return bool(flag)
    error = sys.exception()
    if error is None or not outcome.raises:
        return False
    engine.cond(flag, do_nothing, lambda: Outcome(error)(), (), [])
    return True
