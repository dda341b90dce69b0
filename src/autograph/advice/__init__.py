"""What went wrong while a graph was being built, in the words of the user's program.

An exception that the tracing of a program raises keeps its type and its message. It is given a note that names the
user's variable and its type, and says what to write instead, and its traceback is made to end at the user's expression.
Nothing of this costs anything until an exception passes.
"""

from __future__ import annotations

import contextlib
import itertools
from types import TracebackType

from ..engines.base import Engine, active_engine
from ..errors import ConversionError, StagingError
from ..staging.calls import is_library
from ..staging.dispatch import FULL_TRACEBACKS
from ..staging.state import CONTEXT
from ..syntax.compiler import REGION, is_converted
from .rules import advice
from .situation import Situation

_OWN = __name__.partition(".")[0]


def explain(error: BaseException | None) -> None:
    """Adds a note to ``error``, which is passing a converted function while a graph is being built.

    Outside of that, Python's own traceback says all that there is to say, and this does nothing.
    """
    if not isinstance(error, Exception) or CONTEXT.probes or hasattr(error, "__ag_explained__"):
        return
    if isinstance(error, RecursionError):
        return  # there is no room to say anything here; the outermost region does
    engine = active_engine()
    if engine is None or not _is_for_users(error):
        return
    with contextlib.suppress(AttributeError):  # an exception with slots is only explained twice
        error.__ag_explained__ = True  # type: ignore[attr-defined]
    end = _last_of_user(error.__traceback__)
    if end is None:
        return
    note = _note(error, end, engine)
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    if end.tb_next is not None:
        with contextlib.suppress(AttributeError):
            error.__ag_foreign__ = True  # type: ignore[attr-defined]
    if not FULL_TRACEBACKS:
        error.__traceback__ = _users_alone(error.__traceback__)


def _is_for_users(error: Exception) -> bool:
    """Whether an exception is not one by which the parts of this package talk to each other."""
    if isinstance(error, ConversionError | StagingError):
        return True
    return type(error).__module__.partition(".")[0] != _OWN and not hasattr(error, "__ag_raised__")


def end_at_recursion(error: RecursionError) -> None:
    """Makes the traceback end where a function of the user's was called last: what it did next is chance."""
    entries = []
    traceback = error.__traceback__
    while traceback is not None:
        if _is_users(traceback):
            entries.append(traceback)
        traceback = traceback.tb_next
    calls = [
        caller
        for caller, called in itertools.pairwise(entries)
        if is_converted(called.tb_frame.f_code) and not called.tb_frame.f_code.co_flags & REGION
    ]
    if calls and not FULL_TRACEBACKS:
        calls[-1].tb_next = None
        error.__traceback__ = _users_alone(error.__traceback__)


def _is_users(traceback: TracebackType) -> bool:
    filename = traceback.tb_frame.f_code.co_filename
    return not is_library(filename) and not filename.endswith((".pyx", ".pxd", ".pxi"))


def _last_of_user(traceback: TracebackType | None) -> TracebackType | None:
    last = None
    while traceback is not None:
        if _is_users(traceback):
            last = traceback
        traceback = traceback.tb_next
    return last


def _users_alone(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of libraries and of this package."""
    entries = []
    while traceback is not None:
        if _is_users(traceback):
            entries.append(traceback)
        traceback = traceback.tb_next
    for entry, following in itertools.zip_longest(entries, entries[1:]):
        if entry.tb_next is not following:
            entry.tb_next = following
    return entries[0] if entries else None


def _note(error: Exception, end: TracebackType, engine: Engine) -> str | None:
    try:
        return advice(error, Situation.of(error, end, engine))
    except Exception:  # whatever is wrong with the advice must not hide the user's own mistake
        if FULL_TRACEBACKS:
            raise
        return None


__all__ = ["end_at_recursion", "explain"]
