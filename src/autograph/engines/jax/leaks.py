"""Values of a trace that is over, in the graph of another: found when that is finished, with the line that uses them.

JAX finds them too, but only where the compiled function is called, when the program's frames are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax._src import core, source_info_util

from ...advice import leaks
from ..common.escapes import refuse_escape
from ..common.failures import Place
from .types import Tracer


def check_leaks(jaxpr: Any, arguments: Sequence[Any] = ()) -> None:
    """Sees to it that no constant of a jaxpr is a value of a trace that is over.

    ``arguments`` are constants that it takes as its first inputs.

    Raises:
        jax.errors.UnexpectedTracerError: one is; raised from the user's line that uses it.
    """
    variables = [*jaxpr.jaxpr.constvars, *jaxpr.jaxpr.invars[: len(arguments)]]
    for variable, value in zip(variables, [*jaxpr.consts, *arguments], strict=True):
        if isinstance(value, Tracer) and _is_over(value._trace):
            _refuse(value, _use_of(jaxpr.jaxpr, variable))


def _is_over(trace: Any) -> bool:
    """Whether a trace has ended. JAX only says so of some: others have then no equations, and no trace is inside."""
    if not trace.is_valid():
        return True
    frame = getattr(trace, "frame", None)
    if frame is None or frame.tracing_eqns or frame.constid_to_tracer:
        return False
    current = core.trace_ctx.trace
    while current is not None:
        if current is trace:
            return False
        current = getattr(current, "parent_trace", None)
    return True


def _refuse(value: Any, equation: Any) -> None:
    place = None if equation is None else _place(equation.source_info)
    error = jax.errors.UnexpectedTracerError(f"a value of type {value.aval.str_short()} is used after its trace")
    refuse_escape(error, place, _place(getattr(value, "_line_info", None)))


def explain_leak(error: BaseException) -> None:
    """Says what a leak is where JAX has found it, with the frames of the program gone."""
    if isinstance(error, jax.errors.UnexpectedTracerError) and not hasattr(error, "__ag_explained__"):
        error.__ag_explained__ = True
        error.add_note(leaks.text())


def _use_of(jaxpr: Any, variable: Any) -> Any:
    """The first equation, at any depth, that uses a variable."""
    for equation in jaxpr.eqns:
        if any(used is variable for used in equation.invars):
            return equation
    return None


def _place(source: Any) -> Place | None:
    """The user's line that JAX's record of a source speaks of."""
    frame = None if source is None else source_info_util.user_frame(source.traceback)
    if frame is None:
        return None
    return Place(frame.file_name, frame.start_line, frame.function_name.rpartition(".")[2])
