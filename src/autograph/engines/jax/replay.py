"""Puts the operations of a jaxpr into the present trace as they are.

``jax.core.eval_jaxpr`` binds each operation anew: its rules find the types of the results again, which the jaxpr says.
Where the present trace builds a jaxpr too and the operands have the types that the jaxpr was traced for, its equations
are copied instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Literal, Var

from .derivatives.internals import canonicalize_value, core, pe, source_info_util


def evaluate(closed: ClosedJaxpr, operands: Sequence[Any]) -> list[Any]:
    """What ``closed`` gives for the operands; its operations become part of the present trace."""
    jaxpr = closed.jaxpr
    trace = core.trace_ctx.trace
    if type(trace) is pe.DynamicJaxprTrace and not (trace.requires_low or jaxpr.effects or jaxpr.is_high):
        values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*closed.consts, *operands], strict=True))
        read = {atom for equation in jaxpr.eqns for atom in equation.invars if type(atom) is Var}
        if all(core.typeof(value) is variable.aval for variable, value in values.items() if variable in read):
            return _Copy(trace, values).of(jaxpr)
    return jax.core.eval_jaxpr(jaxpr, closed.consts, *operands)


class _Copy:
    """The equations of a jaxpr, copied into a trace; ``values`` has what its variables stand for there."""

    def __init__(self, trace: Any, values: dict[Any, Any]) -> None:
        self._trace, self._values = trace, values
        self._tracers: dict[Any, Any] = {}
        self._around = source_info_util.current_name_stack()

    def of(self, jaxpr: Any) -> list[Any]:
        values = self._values
        for equation in jaxpr.eqns:
            place = equation.source_info
            if self._around.stack:
                place = place.replace(name_stack=self._around + place.name_stack)
            if equation.primitive in pe.const_fold_rules and self._is_known(equation.invars[0]):
                out = self._bind(equation, place)
            else:
                tracers = [self._tracer(atom, place) for atom in equation.invars]
                avals = [variable.aval for variable in equation.outvars]
                primitive, params = equation.primitive, equation.params
                out = self._trace.emit_eqn(tracers, avals, primitive, params, equation.effects, place, equation.ctx)
                self._tracers.update(zip(equation.outvars, out, strict=True))
            values.update(zip(equation.outvars, out, strict=True))
        return [self._value(atom) for atom in jaxpr.outvars]

    def _value(self, atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else self._values[atom]

    def _is_known(self, atom: Any) -> bool:
        return not isinstance(self._value(atom), core.Tracer)

    def _tracer(self, atom: Any, place: Any) -> Any:
        if type(atom) is not Var:
            return pe.DynamicJaxprTracer(self._trace, atom.aval, atom, place)
        tracer = self._tracers.get(atom)
        if tracer is None:
            value = canonicalize_value(self._values[atom])
            tracer = self._tracers[atom] = self._trace.to_jaxpr_tracer(value, place)
        return tracer

    def _bind(self, equation: Any, place: Any) -> Sequence[Any]:
        """An operation on constants, whose result may be one."""
        operands = [self._value(atom) for atom in equation.invars]
        with source_info_util.user_context(place.traceback, name_stack=place.name_stack), equation.ctx.manager:
            out = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
        return out if equation.primitive.multiple_results else [out]
