"""Traces a region of converted code with JAX.

``jax.make_jaxpr`` inside a trace gives a jaxpr whose constants are the tracers around it, so a region is run by Python
once, looked at, and then evaluated inside ``lax.cond`` or ``lax.while_loop`` without running its Python again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax._src import core
from jax.extend.core import ClosedJaxpr

from ...staging.choice import Choice
from ...staging.lists import TensorList, is_tensor_list
from ...staging.records import record_of
from ...staging.state import CONTEXT, Location, Variables
from ..common import regions
from ..common.regions import explain_recursion, raised_by_program
from . import callbacks
from .arithmetic import simplified
from .derivatives.internals import trace
from .derivatives.masking import masked
from .leaks import check_leaks
from .replay import evaluate
from .types import Array, flatten


def current_trace() -> Any:
    """What JAX is tracing now, to be compared by identity."""
    return core.trace_ctx.trace


@dataclass(slots=True)
class Run(regions.Run):
    """What one trace of a region did, with its jaxpr."""

    jaxpr: ClosedJaxpr | None = None
    outputs: dict[int, int] = field(default_factory=dict)
    """Where the jaxpr gives a leaf, by the identity of the leaf."""
    leaves: list[Any] = field(default_factory=list)

    def add_output(self, value: Any, within: tuple[Any, ...] = ()) -> None:
        if isinstance(value, tuple | list | dict):
            for part in _lists_in(value):
                if part.rows() is not None:
                    self.add_output(part.rows(), within)
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

    def evaluate(self, *inputs: Any, condition: Any = None) -> Callable[[Any], Any]:
        """Builds the region's operations here; gives a function from its leaves to the values they have.

        Where examples of a batch differ in ``condition``, the region has effects for those alone that it holds for.
        """
        if self.jaxpr is None:
            return lambda leaf: leaf
        jaxpr = self.jaxpr
        if condition is not None and jaxpr.effects:
            jaxpr, inputs = masked(jaxpr), (condition, *inputs)
        values = evaluate(jaxpr, inputs)
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
    rooms = CONTEXT.rooms
    parent = current_trace() if rooms is not None else None

    def traced(*values: Any) -> list[Any]:
        given = None if prepare is None else lambda: prepare(values)
        if rooms is not None:
            rooms.enter(parent)
        try:
            run.execute(body, variables, names, given, assumption, locations, callbacks.raise_when_run)
        finally:
            if rooms is not None:
                rooms.leave()
        return list(run.leaves)

    traced.__wrapped__ = body  # type: ignore[attr-defined] # what JAX says of the function is said of the user's
    try:
        run.jaxpr = simplified(_trace(traced, [jax.typeof(value) for value in inputs]))
        check_leaks(run.jaxpr)
    except RecursionError as error:
        explain_recursion(error)
        raise
    return run


def _lists_in(value: Any) -> Iterator[TensorList]:
    """The lists of the graph in containers, which may contain themselves."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if is_tensor_list(part):
            yield part
        elif isinstance(part, tuple | list | dict) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part.values() if isinstance(part, dict) else part)


def _trace(function: Callable[..., Any], avals: Sequence[Any]) -> ClosedJaxpr:
    """``trace``, of a region, whose values are kept until the regions beside it have been traced: that is no leak."""
    if not jax.config.jax_check_tracer_leaks:
        return trace(function, avals)

    def checked(*values: Any) -> Any:
        with jax.check_tracer_leaks(True):
            return function(*values)

    checked.__wrapped__ = function  # type: ignore[attr-defined]
    with jax.check_tracer_leaks(False):
        return trace(checked, avals)


__all__ = ["Run", "raised_by_program", "trace_region"]
