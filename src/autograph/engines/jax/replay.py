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


def evaluate(closed: ClosedJaxpr, operands: Sequence[Any], *, is_cut_off: bool = False) -> list[Any]:
    """What ``closed`` gives for the operands; its operations become part of the present trace.

    ``is_cut_off`` says that none of the program's own code ran in its trace: its operations get the place of this call.
    """
    jaxpr = closed.jaxpr
    trace = core.trace_ctx.trace
    if type(trace) is not pe.DynamicJaxprTrace or trace.requires_low:
        return jax.core.eval_jaxpr(jaxpr, closed.consts, *operands)
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*closed.consts, *operands], strict=True))
    read = {atom for equation in jaxpr.eqns for atom in equation.invars if type(atom) is Var}
    fits = all(core.typeof(value) is variable.aval for variable, value in values.items() if variable in read)
    return _Copy(trace, values, fits and not (jaxpr.effects or jaxpr.is_high), is_cut_off).of(jaxpr)


class _Copy:
    """The equations of a jaxpr in another trace; ``values`` has what its variables stand for there.

    ``fits`` says that they can be copied; otherwise each is bound.
    """

    def __init__(self, trace: Any, values: dict[Any, Any], fits: bool, is_cut_off: bool) -> None:
        self._trace, self._values, self._fits = trace, values, fits
        self._tracers: dict[Any, Any] = {}
        self._around = source_info_util.current_name_stack()
        self._here = source_info_util.current().traceback if is_cut_off else None
        self._places: dict[int, Any] = {}

    def of(self, jaxpr: Any) -> list[Any]:
        values = self._values
        for equation in jaxpr.eqns:
            place = self._place(equation.source_info)
            if not self._fits or (equation.primitive in pe.const_fold_rules and self._is_known(equation.invars[0])):
                out = self._bind(equation, place)
            else:
                tracers = [self._tracer(atom, place) for atom in equation.invars]
                avals = [variable.aval for variable in equation.outvars]
                primitive, params = equation.primitive, equation.params
                out = self._trace.emit_eqn(tracers, avals, primitive, params, equation.effects, place, equation.ctx)
                self._tracers.update(zip(equation.outvars, out, strict=True))
            values.update(zip(equation.outvars, out, strict=True))
        return [self._value(atom) for atom in jaxpr.outvars]

    def _place(self, place: Any) -> Any:
        """Where an equation comes from: a trace knows the frames above itself alone."""
        if self._here is None and not self._around.stack:
            return place
        known = self._places.get(id(place))
        if known is None:
            traceback = place.traceback
            if self._here is not None:
                traceback = self._here if traceback is None else traceback + self._here
            known = place.replace(traceback=traceback, name_stack=self._around + place.name_stack)
            self._places[id(place)] = known
        return known

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
        """An operation whose rules have to be asked: on constants, for one, the result may be one."""
        operands = [self._value(atom) for atom in equation.invars]
        with source_info_util.user_context(place.traceback, name_stack=place.name_stack), equation.ctx.manager:
            out = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
        return out if equation.primitive.multiple_results else [out]
