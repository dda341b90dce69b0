"""One trace of an ``ag.function`` by JAX: its Python is run once, and all that it did becomes part of a jaxpr."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import StagingError
from ...staging.lists import TensorList
from ...staging.state import CONTEXT, Argument, Callers, Cell, Content, Global, Journal
from ...syntax.compiler import is_converted
from ..common.overlap import check_overlap
from . import callbacks, outside
from .growing import Growth, Needed, Rooms
from .regions import raised_by_program
from .results import Assembly, Form, Parts, holds_tracers, is_plain


class _Local(threading.local):
    """What this thread's call of an ``ag.function`` has been given."""

    def __init__(self) -> None:
        self.statics: Sequence[Any] = ()
        self.is_looking = False
        """Whether a trace is only looked at again, and nobody's call."""


LOCAL = _Local()


class Outcome:
    """What one run of the Python gave: the result for JAX, and what of the outside it depends on."""

    def __init__(self, result: Any, plan: outside.Plan) -> None:
        self.result, self.plan = result, plan


class _Tracing:
    """The traces that are being made, with what they have written: until they end, other threads can see that."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._journals: dict[int, tuple[int, Journal]] = {}

    def begin(self, journal: Journal) -> None:
        with self._changed:
            self._journals[id(journal)] = threading.get_ident(), journal

    def end(self, journal: Journal) -> None:
        with self._changed:
            del self._journals[id(journal)]
            self._changed.notify_all()

    def _others_write(self) -> bool:
        own = threading.get_ident()
        return any(thread != own and journal.old for thread, journal in self._journals.values())

    def wait_for_others(self) -> None:
        """Waits until no other thread's trace has written to the outside, or for so long that it must be stuck."""
        if self._journals:
            with self._changed:
                self._changed.wait_for(lambda: not self._others_write(), timeout=60)


TRACING = _Tracing()


@contextlib.contextmanager
def _at_the_boundary(rooms: Rooms, callers: Callers) -> Iterator[tuple[Journal, dict[int, Any]]]:
    before = CONTEXT.boundary, CONTEXT.reached, CONTEXT.rooms, CONTEXT.callers
    journal = CONTEXT.boundary = Journal()
    CONTEXT.callers = callers
    reached: dict[int, Any] = {}
    CONTEXT.reached = reached
    CONTEXT.rooms = rooms
    TRACING.begin(journal)
    try:
        yield journal, reached
    finally:
        journal.roll_back()  # a list that has been logged to is no longer in it
        TRACING.end(journal)
        CONTEXT.boundary, CONTEXT.reached, CONTEXT.rooms, CONTEXT.callers = before


def run_python(function: Any, values: tuple[Any, ...], statics: Sequence[Any], growth: Growth) -> Outcome:
    """Runs the converted function on traced values. What it changed outside is put back, and becomes results."""
    args, kwargs = function.parameters.spread(values)
    form, assembly = Form(), Assembly(statics)
    arguments = outside.ArgumentContents(values)
    rooms = Rooms(growth)
    callers = Callers([array for array, _ in arguments.arrays])
    with _at_the_boundary(rooms, callers) as (journal, reached):
        effects = CONTEXT.effects
        result = None
        try:
            result = function.converted(*args, **kwargs)
        except Exception as error:
            if CONTEXT.effects == effects or not _is_the_programs(error):
                raise
            # What comes before it in the program has to happen first.
            callbacks.raise_when_run(error)
        form.has_effects = CONTEXT.effects > effects
        form.rooms, sizes = rooms.needed()
        form.sizes = [assembly.maker(size) for size in sizes]
        growth.grows |= bool(sizes)
        form.make = assembly.maker(result)
        logs = _take_logs(journal, growth.is_repeat)
        changes = [
            change
            for change in journal.changes().values()
            if id(change[0].owner) not in arguments
            and not isinstance(change[0], Needed | Argument)
            and not isinstance(change[0].owner, TensorList)  # which only a trace has
            and not any(change[0].owner is log for log in logs)
        ]
        appended = [_is_longer(change) for change in changes]
        makers = [
            assembly.maker(new[len(old) :] if longer else new, keep_numbers=True)
            for (_, old, new), longer in zip(changes, appended, strict=True)
        ]
        filled = [(number, assembly.maker(now)) for number, now in callers.changed()]
        contents = arguments.changed()
        content_makers = [assembly.maker(new, keep_numbers=True) for _, new in contents]
    assembly.settle()
    plan = outside.Plan(function.python_function, reached, statics, logs)
    for (location, _, _), make, longer in zip(changes, makers, appended, strict=True):
        find = plan.owner_of(location)
        form.writes.append((find, _appender(make) if longer else _writer(location, make)))
        plan.writes(location)
        if longer:
            plan.grows(location.owner)
    for (find, _), make in zip(contents, content_makers, strict=True):
        form.writes.append((find, _content_writer(make)))
    finders = [find for _, find in arguments.arrays]
    if filled:
        form.writes.append((lambda values: [find(values) for find in finders], _filler(filled)))
    if callers.refusal is not None:
        form.writes.insert(0, (lambda values: [find(values) for find in finders], _refuser(callers.refusal)))
    plan.finish()
    if not form.has_effects and not form.writes and not form.sizes and is_plain(result):
        return Outcome(result, plan)
    parts = Parts(list(assembly.arrays), form)
    assembly.forget()
    return Outcome(parts, plan)


def _take_logs(journal: Journal, is_repeat: bool) -> list[Any]:
    """Lists outside to which plain values alone have been appended: that has happened, as a ``print`` of them has."""
    logs = []
    for key, (location, old, new) in journal.changes().items():
        if _is_longer((location, old, new)) and not any(holds_tracers(item) for item in new[len(old) :]):
            logs.append(location.owner)
            if not is_repeat:  # otherwise the same call has done that already
                del journal.old[key]
    return logs


def _is_longer(change: tuple[Any, Any, Any]) -> bool:
    """Whether a list outside has been appended to, and nothing else been done to it."""
    location, old, new = change
    if not isinstance(location, Content) or type(location.owner) is not list or not isinstance(new, list):
        return False
    return len(new) >= len(old) and all(before is after for before, after in zip(old, new, strict=False))


def _appender(make: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    return lambda owner, values: owner.extend(make(values))


def _is_the_programs(error: BaseException) -> bool:
    """Whether an exception is what the program does, as against a mistake in the tracing of it."""
    if raised_by_program(error):
        return True
    if getattr(error, "__ag_foreign__", False):
        return False  # that its traceback ends in the program is for people
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and is_converted(traceback.tb_frame.f_code)


def _writer(location: Any, make: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    if isinstance(location, Cell | Global):
        return lambda _, values: location.write(make(values))
    if isinstance(location, Content):
        return _content_writer(make)
    kind, name = type(location), location.name
    return lambda owner, values: kind(owner, name).write(make(values))


def _content_writer(make: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    def write(owner: Any, values: Any) -> None:
        content = make(values)
        if isinstance(owner, dict):
            kept = dict(owner)
            for key in kept.keys() - content.keys():
                del owner[key]
            for key, item in content.items():
                owner[key] = kept[item.key] if type(item) is outside.Kept else item
        elif isinstance(owner, list):
            before = list(owner)
            owner[:] = [before[item.key] if type(item) is outside.Kept else item for item in content]
        elif isinstance(owner, set | deque):
            Content(owner).write(content)
        else:
            for name, item in content.items():
                if type(item) is not outside.Kept:
                    object.__setattr__(owner, name, item)

    return write


def _refuser(refusal: str) -> Callable[[Any, Any], None]:
    """Refuses arrays of NumPy's, which would have changed unseen."""

    def refuse(arrays: Any, values: Any) -> None:
        if any(isinstance(array, np.ndarray) for array in arrays):
            raise StagingError(refusal)

    return refuse


def _filler(filled: Sequence[tuple[int, Callable[[Any], Any]]]) -> Callable[[Any, Any], None]:
    """Fills the arrays of NumPy's that the function has changed in place; other arrays cannot be changed."""

    def fill(arrays: Any, values: Any) -> None:
        check_overlap(arrays, [number for number, _ in filled])
        for number, make in filled:
            if isinstance(arrays[number], np.ndarray):
                arrays[number][...] = np.asarray(make(values))

    return fill


def caller_arguments(code: Any) -> tuple[Any, ...] | None:
    """The positional arguments of the call of ``Function.__call__`` that made JAX trace."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code is code:
            found = frame.f_locals
            return tuple(found.get("values", found["args"]))
        frame = frame.f_back
    return None
