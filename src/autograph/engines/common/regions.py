"""Runs a region of converted code under a trace, and says what came of it.

What a trace is, each engine knows; what the region changed is found, and put back, the same way for all of them.
"""

from __future__ import annotations

import dis
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import UnreachableHandlerError
from ...staging.handlers import waiting_handler
from ...staging.state import CONTEXT, Journal, Location, Variables, plain_name
from ...staging.values import narrowed
from ...syntax.compiler import is_converted

_RAISE = dis.opmap["RAISE_VARARGS"]


@dataclass(slots=True)
class Run:
    """What one trace of a region did."""

    result: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    writes: dict[tuple[Any, ...], tuple[Location, Any, Any]] = field(default_factory=dict)
    """Changed locations outside the variables, with their old and new values."""
    journal: Journal = field(default_factory=Journal)
    raised: BaseException | None = None
    suspects: Run | None = None
    """An earlier trace, kept so that the identities of the objects that it made are not used again."""

    def add_output(self, value: Any) -> None:
        """To be called with each value that may be wanted after the region."""

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
        CONTEXT.journals.append(journal)
        if assumption is not None:
            CONTEXT.assumptions.append(assumption)
        try:
            arguments = prepare() if prepare is not None else ()
            entry = variables.snapshot()
            try:
                self.result = narrowed(body(*arguments))
            except Exception as error:
                if not raised_by_program(error):
                    raise
                self.raised = error
                _refuse_if_caught(error)
                raise_when_run(error)
                self.result = None
                variables.restore(entry)
            wanted = variables.changed(entry) if names is None else map(plain_name, names)
            for name in wanted:
                self.variables[name] = variables.read(name)
                self.add_output(self.variables[name])
            if self.raised is None:
                self.writes = {
                    key: change for key, change in journal.changes().items() if not variables.holds(change[0])
                }
            for _, _, new in self.writes.values():
                self.add_output(new)
            for location in locations:
                self.add_output(location.read())
            self.add_output(self.result)
        finally:
            CONTEXT.journals.pop()
            if assumption is not None:
                CONTEXT.assumptions.pop()
            journal.roll_back()
            variables.restore(before)
            if CONTEXT.journals:
                CONTEXT.journals[-1].born.update(journal.born)


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


def _refuse_if_caught(error: BaseException) -> None:
    """An exception that the graph will raise cannot reach an ``except`` clause that waits for it here."""
    waiting = waiting_handler()
    if waiting is not None:
        code, line = waiting
        raise UnreachableHandlerError(
            f"{type(error).__name__} is raised under a staged condition, inside a try statement with an except clause "
            f'(File "{code.co_filename}", line {line}, in {code.co_name}). The graph cannot go to that clause; '
            "decide with an if statement, and keep try for what Python itself can raise"
        ) from error


def raised_by_program(error: BaseException) -> bool:
    """Whether a ``raise`` or ``assert`` statement of converted code raised ``error``.

    Such an exception is what the program does on this path; any other is a mistake in the tracing of it.
    """
    if getattr(error, "__ag_raised__", False):
        return True
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return False
    code = traceback.tb_frame.f_code
    return is_converted(code) and code.co_code[traceback.tb_lasti] == _RAISE
