"""Conditionals of a batch in the linear part of an iteration.

Where the predicate of a conditional differs between examples, JAX runs both branches and selects. Each branch gets
``select(taken, x, stop_gradient(x))``: what flows back through a branch that an example has not taken, which may be a
NaN, ends there. In a function that is linear in ``x`` and is going to be transposed, that has to be said in another
way, since ``stop_gradient`` has no transpose: zeros go into the branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import scans
from .internals import ClosedJaxpr, Jaxpr, core, stop_gradient_p, trace, zeros


def transposable(closed: ClosedJaxpr, linear: Sequence[bool]) -> ClosedJaxpr:
    """``closed``, which is linear in some of its inputs, as something that can be transposed with respect to them."""
    if not _has_stops(closed.jaxpr):
        return closed

    def run(*values: Any) -> list[Any]:
        return _run(closed.jaxpr, closed.consts, values, linear)

    return trace(run, closed.in_avals)


def _has_stops(jaxpr: Jaxpr) -> bool:
    return any(
        equation.primitive is stop_gradient_p or any(map(_has_stops, core.jaxprs_in_params(equation.params)))
        for equation in jaxpr.eqns
    )


def _run(jaxpr: Jaxpr, consts: Sequence[Any], values: Sequence[Any], linear: Sequence[bool]) -> list[Any]:
    known: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *values], strict=True))
    moving = {var for var, flag in zip(jaxpr.invars, linear, strict=True) if flag}
    selected = _only_selected(jaxpr)
    for equation in jaxpr.eqns:
        operands = [known[atom] if isinstance(atom, core.Var) else atom.val for atom in equation.invars]
        flags = [isinstance(atom, core.Var) and atom in moving for atom in equation.invars]
        if any(flags):
            # Of a loop or conditional, some of the results may not be linear. Zeros do no harm to them either: what
            # they are put into is not selected.
            moving.update(equation.outvars)
        if equation.primitive is stop_gradient_p and flags[0] and equation.outvars[0] in selected:
            out = [zeros(equation.outvars[0].aval)]
        else:
            params = equation.params
            if any(flags) and any(map(_has_stops, core.jaxprs_in_params(params))):
                params = _inner(equation.primitive.name, params, flags)
            with equation.ctx.manager:
                out = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(params))
            out = out if equation.primitive.multiple_results else [out]
        known.update(zip(equation.outvars, out, strict=True))
    return [known[atom] if isinstance(atom, core.Var) else atom.val for atom in jaxpr.outvars]


def _only_selected(jaxpr: Jaxpr) -> set[Any]:
    """The variables that nothing but a selection uses."""
    by_selection: set[Any] = set()
    otherwise = {atom for atom in jaxpr.outvars if isinstance(atom, core.Var)}
    for equation in jaxpr.eqns:
        used = {atom for atom in equation.invars if isinstance(atom, core.Var)}
        (by_selection if equation.primitive.name == "select_n" else otherwise).update(used)
    return by_selection - otherwise


def _inner(name: str, params: dict[str, Any], flags: Sequence[bool]) -> dict[str, Any]:
    """The parameters of an equation, with the jaxprs in them made transposable."""
    if name == "cond":
        return {**params, "branches": tuple(transposable(branch, flags[1:]) for branch in params["branches"])}
    if name == "while":
        tests, consts = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
        carry = [any(flags[tests:])] * len(flags[consts:])
        return {**params, "body_jaxpr": transposable(params["body_jaxpr"], [*flags[tests:consts], *carry])}
    if name == "scan":
        consts, carried = scans.counts(params)
        carry = [any(flags)] * carried
        return {**params, "jaxpr": transposable(params["jaxpr"], [*flags[:consts], *carry, *flags[consts + carried :]])}
    if isinstance(params.get("jaxpr"), ClosedJaxpr) and len(params["jaxpr"].in_avals) == len(flags):
        return {**params, "jaxpr": transposable(params["jaxpr"], flags)}
    return params
