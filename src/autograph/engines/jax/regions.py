"""Traces a region of converted code, and says what came of it.

``jax.make_jaxpr`` inside a trace gives a jaxpr whose constants are the tracers around it, so a region is run by Python
once, looked at, and then evaluated inside ``lax.cond`` or ``lax.while_loop`` without running its Python again.
"""

from __future__ import annotations

import dis
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from ...errors import UnreachableHandlerError
from ...staging.choice import Choice
from ...staging.handlers import waiting_handler
from ...staging.state import CONTEXT, Journal, Location, Variables, plain_name
from ...staging.values import narrowed
from ...syntax.compiler import is_converted
from . import callbacks
from .types import Array, flatten, record_of

_RAISE = dis.opmap["RAISE_VARARGS"]


@dataclass(slots=True)
class Run:
    """What one trace of a region did."""

    jaxpr: ClosedJaxpr | None = None
    outputs: dict[int, int] = field(default_factory=dict)
    """Where the jaxpr gives a leaf, by the identity of the leaf."""
    leaves: list[Any] = field(default_factory=list)
    result: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    writes: dict[tuple[Any, ...], tuple[Location, Any, Any]] = field(default_factory=dict)
    """Changed locations outside the variables, with their old and new values."""
    journal: Journal = field(default_factory=Journal)
    raised: BaseException | None = None
    suspects: Run | None = None
    """An earlier trace, kept so that the identities of the objects that it made are not used again."""

    def add_output(self, value: Any, within: tuple[Any, ...] = ()) -> None:
        for leaf in flatten(value)[0]:
            if isinstance(leaf, Array):
                if id(leaf) not in self.outputs:
                    self.outputs[id(leaf)] = len(self.leaves)
                    self.leaves.append(leaf)
                continue
            if type(leaf) is Choice:
                self.add_output(leaf.number, within)
                continue
            record = record_of(leaf)
            if record is not None and not any(leaf is outer for outer in within):
                self.add_output(list(record.fields.values()), (*within, leaf))

    def evaluate(self, *inputs: Any) -> Callable[[Any], Any]:
        """Builds the region's operations here; gives a function from its leaves to the values they have."""
        assert self.jaxpr is not None
        values = jax.core.eval_jaxpr(self.jaxpr.jaxpr, self.jaxpr.consts, *inputs)
        outputs = self.outputs
        return lambda leaf: values[outputs[id(leaf)]] if id(leaf) in outputs else leaf


def trace_region(
    body: Callable[..., Any],
    variables: Variables,
    names: Sequence[str] | None,
    inputs: Sequence[jax.ShapeDtypeStruct] = (),
    prepare: Callable[[Sequence[Any]], tuple[Any, ...]] | None = None,
    assumption: tuple[Any, bool] | None = None,
    locations: Sequence[Location] = (),
) -> Run:
    """Runs ``body`` under a trace of its own and puts back everything that it changed.

    ``prepare`` turns the traced ``inputs`` into the arguments of ``body`` and may set variables and locations from
    them. ``names`` are the variables to look at afterwards; ``None`` means those that changed.
    """
    run = Run()
    before = variables.snapshot()

    def traced(*values: Any) -> list[Any]:
        journal = run.journal
        CONTEXT.journals.append(journal)
        if assumption is not None:
            CONTEXT.assumptions.append(assumption)
        try:
            arguments = prepare(values) if prepare is not None else ()
            entry = variables.snapshot()
            try:
                run.result = narrowed(body(*arguments))
            except Exception as error:
                if not raised_by_program(error):
                    raise
                run.raised = error
                _refuse_if_caught(error)
                callbacks.raise_when_run(error)
                run.result = None
                variables.restore(entry)
            wanted = variables.changed(entry) if names is None else map(plain_name, names)
            for name in wanted:
                run.variables[name] = variables.read(name)
                run.add_output(run.variables[name])
            if run.raised is None:
                run.writes = {
                    key: change for key, change in journal.changes().items() if not variables.holds(change[0])
                }
            for _, _, new in run.writes.values():
                run.add_output(new)
            for location in locations:
                run.add_output(location.read())
            run.add_output(run.result)
            return list(run.leaves)
        finally:
            CONTEXT.journals.pop()
            if assumption is not None:
                CONTEXT.assumptions.pop()
            journal.roll_back()
            variables.restore(before)
            if CONTEXT.journals:
                CONTEXT.journals[-1].born.update(journal.born)

    try:
        run.jaxpr = jax.make_jaxpr(traced)(*inputs)
    except RecursionError as error:
        if not CONTEXT.journals:  # at the outermost region there is room again to say more
            _explain_recursion(error)
        raise
    return run


def _explain_recursion(error: RecursionError) -> None:
    """Says which function it was that calls itself in a branch that is traced each time."""
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
