"""Exceptions that a graph raises, on their way to the call that it stopped."""

from __future__ import annotations

import ast
import contextlib
import linecache
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from ...staging import formatting
from ...staging.dispatch import is_own_file


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's program."""

    filename: str
    line: int
    function: str

    def __str__(self) -> str:
        return f'File "{self.filename}", line {self.line}, in {self.function}'

    @property
    def text(self) -> str:
        """The line itself, where its source is to be had."""
        line = linecache.getline(self.filename, self.line).strip()
        try:  # without its comment
            if line.endswith(":"):
                return line
            return ast.unparse(ast.parse(line))
        except SyntaxError:
            return _header(line)


def _header(line: str) -> str:
    """The first line of a statement, without its comment."""
    try:
        return ast.unparse(ast.parse(f"{line}\n    pass")).removesuffix("pass").strip()
    except SyntaxError:
        return line


class Failures:
    """Exceptions raised by callbacks, until the call that they stopped asks for them."""

    def __init__(self) -> None:
        self._recent: deque[tuple[BaseException, Place | None]] = deque(maxlen=64)
        self._lock = threading.Lock()

    def add(self, error: BaseException, place: Place | None) -> None:
        with self._lock:
            self._recent.append((error, place))

    def take(self, report: str) -> tuple[BaseException, Place | None] | None:
        """The failure that a framework's ``report`` speaks of."""
        with self._lock:
            for entry in reversed(self._recent):
                if f"{type(entry[0]).__name__}" in report and str(entry[0]) in report:
                    self._recent.remove(entry)
                    return entry
        return None


FAILURES = Failures()


def place_of(error: BaseException) -> Place | None:
    """The user's line that raised ``error``."""
    found: Place | None = getattr(error, "__ag_place__", None)
    if found is not None:
        return found
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not is_own_file(code.co_filename):
            found = Place(code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return found


def mark(error: BaseException) -> None:
    """Notes that ``error`` is going to be raised, so that nobody need log it."""
    with contextlib.suppress(AttributeError):  # an exception with slots is only logged twice
        error.__ag_raised__ = True  # type: ignore[attr-defined]


def remade(error: BaseException, place: Place | None) -> tuple[list[Any], Callable[[Sequence[Any]], BaseException]]:
    """The staged values that ``error`` carries, and what makes the exception for concrete ones.

    What is made is on its way: the call that it is going to stop finds it in ``FAILURES``.
    """
    place = place or place_of(error)
    own = {name: value for name, value in error.__dict__.items() if not name.startswith("__ag_")}
    from .iterations import taken_along

    leaves, rebuild = formatting.split((error.args, own))
    numbers, say = getattr(error, "__ag_iterations__", None) or taken_along()
    count = len(leaves)
    leaves = [*leaves, *numbers]
    kind, cause = type(error), error.__cause__

    def make(values: Sequence[Any]) -> BaseException:
        args, state = rebuild(values[:count])
        new = formatting.exception_of(kind, args, state)
        new.__cause__ = cause
        where = say(values[count:])
        if where:
            new.add_note(where)
        mark(new)
        FAILURES.add(new, place)
        if place is not None:
            named = f"{place.function} ({where})" if where else place.function
            new.__ag_place__ = replace(place, function=named)  # type: ignore[attr-defined]
        return new

    return leaves, make


def current_place() -> Place | None:
    """The user's line that is being traced."""
    frame = sys._getframe(1)
    while frame is not None and is_own_file(frame.f_code.co_filename):
        frame = frame.f_back  # type: ignore[assignment]
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame is not None else None


def raise_at(error: BaseException, place: Place | None) -> NoReturn:
    """Raises ``error`` with the user's line as the last entry of its traceback."""
    error.__dict__.pop("__ag_raised__", None)
    error.__traceback__ = None
    if place is None:
        raise error
    # Code that does nothing but raise, on the user's line: that is what a traceback entry is made of.
    run_at(place, {"error": error}, None, "raise error")
    raise AssertionError("not reached")


def raise_from(error: BaseException) -> NoReturn:
    """Raises ``error``, which ``remade`` has made, from the user's line.

    A framework that reports it as text, with the frames that it has passed, then reports the line too, and behind the
    name of the function what the notes say.
    """
    place: Place | None = getattr(error, "__ag_place__", None)
    if place is not None:
        run_at(place, {"error": error}, None, "raise error")
    raise error


def run_at(place: Place, namespace: dict[str, Any], variables: dict[str, Any] | None, text: str) -> None:
    """Runs a statement in a frame that stands on the user's line and has these variables."""
    code = compile("\n" * (place.line - 1) + text, place.filename, "exec")
    code = code.replace(co_name=place.function, co_qualname=place.function)
    exec(code, namespace, variables)
