"""Runs a region of converted code under a trace, and says what came of it.

What a trace is, each engine knows; what the region changed is found, and put back, the same way for all of them.
"""

from __future__ import annotations

import dis
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ...advice import end_at_recursion, explain
from ...errors import StagingError, UnreachableHandlerError
from ...staging.aliases import AliasCell
from ...staging.handlers import waiting_handler
from ...staging.one_of import with_own_copies
from ...staging.records import record_of
from ...staging.state import CONTEXT, Journal, Location, Variables, plain_name
from ...staging.values import Late, Maybe, narrowed
from ...syntax.compiler import is_converted
from ..base import active_engine

_RAISE = dis.opmap["RAISE_VARARGS"]


def ends_regions() -> bool:
    """Whether what is raised here ends regions, up to a ``try`` statement of the program's or the end of a loop."""
    if not CONTEXT.scopes:
        return False
    scope = CONTEXT.scopes[-1]
    return not scope.hoists or scope.trace is scope.backend.current_trace()


@dataclass(slots=True)
class Run:
    """What one trace of a region did."""

    result: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    writes: dict[tuple[Any, ...], tuple[Location, Any, Any]] = field(default_factory=dict)
    """Changed locations outside the variables, with their old and new values."""
    journal: Journal = field(default_factory=Journal)
    raised: BaseException | None = None
    pending: Any = None
    """What may have been raised, where a ``try`` waits for it (a ``raising.Pending``)."""
    is_left: bool = field(default_factory=ends_regions)
    """Whether what is raised in it ends regions; asked where it begins."""
    ends_call: bool = False
    """Whether it certainly raises what no ``try`` waits for."""
    suspects: Run | None = None
    """An earlier trace, kept so that the identities of the objects that it made are not used again."""

    @property
    def is_lost(self) -> bool:
        """Whether nobody sees the state at its end."""
        return self.raised is not None or self.ends_call

    def add_output(self, value: Any) -> None:
        """To be called with each value that may be wanted after the region."""

    def add_pending(self) -> None:
        """Adds what an exception that is under way consists of to the outputs."""
        if self.pending is not None:
            self.add_output(self.pending.code)
            self.add_output(self.pending.leaves())

    def execute(
        self,
        body: Callable[..., Any],
        variables: Variables,
        names: Sequence[str] | None,
        prepare: Callable[[], tuple[Any, ...]] | None,
        assumption: tuple[Any, bool] | None,
        locations: Sequence[Location],
        raise_when_run: Callable[[BaseException], None],
    ) -> None:
        """Runs ``body`` in the engine's trace and puts back everything that it changed.

        ``prepare`` gives the arguments of ``body`` and may set variables and locations to traced values. ``names`` are
        the variables to look at afterwards; ``None`` means those that changed. An exception that the program raises
        here is one for the graph to raise, which ``raise_when_run`` arranges.
        """
        before = variables.snapshot()
        journal = self.journal

        def at_end(value: Any) -> Any:
            refuse_cycles(value)
            return with_own_copies(narrowed(value), journal.born)

        CONTEXT.journals.append(journal)
        CONTEXT.variables.append(variables)
        if assumption is not None:
            CONTEXT.assumptions.append(assumption)
        try:
            arguments = prepare() if prepare is not None else ()
            entry = variables.snapshot()
            try:
                if self.is_left:
                    from .raising import run_under_try  # which is made of regions itself

                    self.result, self.pending = run_under_try(body, arguments, variables, names)
                    self.ends_call = self.pending is not None and self.pending.certain and CONTEXT.scopes[-1].hoists
                else:
                    self.result = at_end(body(*arguments))
            except Exception as error:
                if self.is_left or not raised_by_program(error):
                    explain(error)  # here, where its variables still have the values that it is about
                    raise
                self.raised = error
                if waiting_handler() is not None:
                    refuse(error)
                raise_when_run(error)
                self.result = None
                variables.restore(entry)
            wanted = variables.changed(entry) if names is None else map(plain_name, names)
            for name in wanted:
                value = variables.read(name)
                if value is entry.get(name):
                    self.variables[name] = value
                    if isinstance(value, dict | list):
                        continue  # what has changed in it is among the writes
                else:
                    self.variables[name] = at_end(value)
                self.add_output(self.variables[name])
            if not self.is_lost:
                self.writes = {
                    key: (location, old, at_end(new))
                    for key, (location, old, new) in journal.changes().items()
                    if is_write(location, variables, names)
                }
            for _, _, new in self.writes.values():
                self.add_output(new)
            for location in locations:
                self.add_output(location.read())
            self.add_output(self.result)
            self.add_pending()
        finally:
            CONTEXT.journals.pop()
            CONTEXT.variables.pop()
            if assumption is not None:
                CONTEXT.assumptions.pop()
            journal.roll_back()
            variables.restore(before)
            ends = (self.result, *self.variables.values(), *(new for _, _, new in self.writes.values()))
            for value in ends:
                note_new(value, journal.born)
            if CONTEXT.journals:
                CONTEXT.journals[-1].born.update(journal.born)
            elif CONTEXT.boundary is not None:
                CONTEXT.boundary.born.update(journal.born)


def refuse_cycles(value: Any, around: tuple[Any, ...] = ()) -> None:
    """Frameworks take containers apart to any depth.

    Raises:
        StagingError: a list, dict or tuple holds itself.
    """
    if isinstance(value, dict):
        parts: Any = value.values()
    elif isinstance(value, tuple):
        parts = value
    elif isinstance(value, list):
        parts = list.__iter__(value)
    elif type(value) in (Late, Maybe):
        parts = (value.value,)
    else:
        return
    if any(value is one for one in around):
        raise StagingError(
            f"a {type(value).__name__} that is made or changed under a staged condition or in a staged loop holds "
            "itself. A graph has the values of a container, and not the container: use an object of a class, which can "
            "have an attribute that is the object itself"
        )
    for part in parts:
        if isinstance(part, dict | list | tuple) or type(part) in (Late, Maybe):
            refuse_cycles(part, (*around, value))


def note_new(value: Any, born: dict[int, Any]) -> None:
    """Adds to ``born`` the objects in ``value`` that code which is not converted has made in the present trace.

    What was there before holds no value of the trace, once its changes have been put back.
    """
    building = active_engine()
    if building is None:
        return
    _note(value, born, building.types.is_of_trace, {})


def _note(value: Any, born: dict[int, Any], is_of_trace: Callable[[Any], bool], seen: dict[int, bool]) -> bool:
    """``seen`` has what was found in a container or object; while it is looked at, nothing, since it may be its own."""
    if type(value) in (Late, Maybe):
        return _note(value.value, born, is_of_trace, seen)
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value) if not isinstance(value, list) else list(list.__iter__(value))
    else:
        record = record_of(value)
        if record is None:
            return is_of_trace(value)
        parts = list(record.fields.values())
    seen[id(value)] = False
    found = [_note(part, born, is_of_trace, seen) for part in parts]
    seen[id(value)] = any(found)
    if seen[id(value)] and not isinstance(value, tuple):
        born.setdefault(id(value), value)
    return seen[id(value)]


def is_write(location: Location, variables: Variables, names: Sequence[str] | None) -> bool:
    """Whether a change is more than one of the variables that are looked at anyhow."""
    if type(location) is AliasCell:
        return names is not None and location.name not in map(plain_name, names)
    return not variables.holds(location)


def explain_recursion(error: RecursionError) -> None:
    """Says which function it was that calls itself in a branch that is traced each time."""
    if CONTEXT.journals:  # at the outermost region there is room again to say more
        return
    names: Counter[str] = Counter()
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_converted(code):
            names[code.co_qualname] += 1
        traceback = traceback.tb_next
    if not names:
        return
    name = names.most_common(1)[0][0]
    error.args = (
        f"maximum recursion depth exceeded while the graph is built: {name}() calls itself under a condition that only "
        "the graph can decide, and a graph holds both branches. Recursion needs a bound that Python knows; "
        "otherwise write a loop",
    )
    end_at_recursion(error)


def refuse(error: BaseException) -> NoReturn:
    """Says that an exception which the graph raises cannot reach the clause that waits for it."""
    waiting = waiting_handler()
    where = f' (File "{waiting[0].co_filename}", line {waiting[1]}, in {waiting[0].co_name})' if waiting else ""
    raise UnreachableHandlerError(
        f"{type(error).__name__} is raised under a staged condition, inside a try statement with an except clause"
        f"{where}, in a place that the graph cannot leave for that clause: under an except* clause, or in a function "
        "that a transformation of the framework's has called. Decide with an if statement there"
    ) from error


def raised_by_program(error: BaseException) -> bool:
    """Whether a ``raise`` or ``assert`` statement of converted code raised ``error``.

    Such an exception is what the program does on this path; any other is a mistake in the tracing of it.
    """
    if getattr(error, "__ag_raised__", False):
        return True
    if getattr(error, "__ag_foreign__", False):
        return False
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return False
    code = traceback.tb_frame.f_code
    return is_converted(code) and code.co_code[traceback.tb_lasti] == _RAISE
