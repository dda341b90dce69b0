"""Effects on the host: printing, and exceptions that are raised when the graph runs.

An ordered callback runs where the program's text has it. A callback that raises stops the call; JAX reports that as a
``JaxRuntimeError`` with the text of the exception, and ``ag.function``, which makes the call itself, finds the
exception here and raises it in its own type.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax

from ...staging import formatting
from ...staging.dispatch import is_own_file
from ...staging.state import CONTEXT


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's program."""

    filename: str
    line: int
    function: str


class Failures:
    """Exceptions raised by callbacks, until the call that they stopped asks for them."""

    def __init__(self) -> None:
        self._recent: deque[tuple[BaseException, Place | None]] = deque(maxlen=64)
        self._lock = threading.Lock()

    def add(self, error: BaseException, place: Place | None) -> None:
        with self._lock:
            self._recent.append((error, place))

    def take(self, report: str) -> tuple[BaseException, Place | None] | None:
        """The failure that JAX's ``report`` speaks of."""
        with self._lock:
            for entry in reversed(self._recent):
                if f"{type(entry[0]).__name__}" in report and str(entry[0]) in report:
                    self._recent.remove(entry)
                    return entry
        return None


FAILURES = Failures()


class _Quiet(logging.Filter):
    """Keeps JAX from logging what is about to be raised anyway."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not getattr(error, "__ag_raised__", False)


for _name in ("jax._src.debugging", "jax._src.callback"):
    logging.getLogger(_name).addFilter(_Quiet())


def place_of(error: BaseException) -> Place | None:
    """The user's line that raised ``error``."""
    found = None
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_own_file(code.co_filename):
            found = Place(code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return found


def _add(report: Callable[..., None], leaves: list[Any]) -> None:
    CONTEXT.effects += 1
    jax.debug.callback(report, *leaves, ordered=True)


def mark(error: BaseException) -> None:
    """Notes that ``error`` is going to be raised, so that JAX need not log it."""
    with contextlib.suppress(AttributeError):  # an exception with slots is only logged twice
        error.__ag_raised__ = True  # type: ignore[attr-defined]


def raise_when_run(error: BaseException, place: Place | None = None) -> None:
    """Makes the graph raise ``error``, with the staged values in its arguments filled in, when it gets here."""
    place = place or place_of(error)
    leaves, rebuild = formatting.split((error.args, error.__dict__))
    kind = type(error)
    cause = error.__cause__

    def report(*values: Any) -> None:
        args, state = rebuild(values)
        new = kind.__new__(kind, *args)
        new.__dict__.update(state)
        new.args = args
        new.__cause__ = cause
        mark(new)
        FAILURES.add(new, place)
        raise new

    _add(report, leaves)


def raise_unless(ok: Any, make: Callable[[], BaseException], place: Place | None = None) -> None:
    """Makes the graph raise ``make()`` when it gets here and ``ok`` is false."""

    lax.cond(ok, lambda: None, lambda: raise_when_run(make(), place))


def print_when_run(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Makes the graph print ``args`` as Python would, when it gets here."""
    leaves, rebuild = formatting.split(args)

    def report(*values: Any) -> None:
        print(*rebuild(values), **options)

    _add(report, leaves)


def current_place() -> Place | None:
    """The user's line that is being traced."""
    frame = sys._getframe(1)
    while frame is not None and is_own_file(frame.f_code.co_filename):
        frame = frame.f_back  # type: ignore[assignment]
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame is not None else None
