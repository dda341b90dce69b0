"""Small things that every module of the staging layer uses."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

from ..engines.base import Engine, active_engine, engine_of
from ..syntax.compiler import is_converted

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
FULL_TRACEBACKS = os.environ.get("AUTOGRAPH_TRACEBACKS") == "full"


def is_own_file(filename: str) -> bool:
    """Whether a file belongs to this package (and not to the programs of its demonstration)."""
    return filename.startswith(_PACKAGE) and not filename.startswith(_PACKAGE + "demo" + os.sep)


def hide_frames(error: BaseException) -> None:
    """Takes this package's frames out of a traceback, so that it shows the user's alone.

    Called at each level of staging that an exception passes, so it only looks at what that level has added: the entries
    up to the first of converted code.
    """
    if FULL_TRACEBACKS:
        return
    added: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None and not is_converted(traceback.tb_frame.f_code):
        added.append(traceback)
        traceback = traceback.tb_next
    for entry in reversed(added):
        if is_own_file(entry.tb_frame.f_code.co_filename):
            continue
        if entry.tb_next is not traceback:  # assigning it costs a walk to the end of the chain
            entry.tb_next = traceback
        traceback = entry
    error.__traceback__ = traceback


def staged(value: Any) -> Engine | None:
    """The engine of a staged value; ``None`` for a value that Python can look at."""
    kind = type(value)
    if kind is bool or kind is int or kind is float or kind is str or value is None:
        return None
    return engine_of(value)


def do_nothing(*_: Any) -> None:
    """The branch that is not there."""


def unbound_local(name: str) -> UnboundLocalError:
    """What Python raises for a variable that has no value; in a branch, it is what the program does on that path."""
    error = UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")
    error.__ag_raised__ = True  # type: ignore[attr-defined]
    return error


def unbound_free(name: str) -> NameError:
    """The same for a variable of a function around."""
    error = NameError(
        f"cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
    )
    error.__ag_raised__ = True  # type: ignore[attr-defined]
    return error


__all__ = [
    "FULL_TRACEBACKS",
    "Engine",
    "active_engine",
    "do_nothing",
    "hide_frames",
    "is_own_file",
    "staged",
    "unbound_free",
    "unbound_local",
]
