"""Functions with a derivative of their own (``jax.custom_vjp``) in a loop that is differentiated more than once.

What such a function has is the transpose of its derivative. JAX leaves the derivative itself as ``custom_lin``, which
it can transpose and nothing else, as there is no formula for it. A second derivative needs one: the transpose of what
the function has, which JAX can work out where the backward rule is linear in the cotangent, as a derivative's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ....errors import StagingError
from .internals import ClosedJaxpr, Jaxpr, ad, core, custom_vjp_call_p, split_at, trace

_FLOAT0 = jax.dtypes.float0


def explicit(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` with formulas for the derivatives of ``custom_vjp`` functions.

    Raises:
        StagingError: a backward rule is not linear in the cotangent.
    """
    if not _has(ad.custom_lin_p, closed.jaxpr):
        return closed
    return trace(lambda *values: _run(closed.jaxpr, closed.consts, values), closed.in_avals)


def has_custom(jaxpr: Jaxpr) -> bool:
    """Whether there are ``custom_vjp`` functions in a jaxpr."""
    return _has(custom_vjp_call_p, jaxpr)


def _has(primitive: Any, jaxpr: Jaxpr) -> bool:
    return any(
        equation.primitive is primitive
        or any(_has(primitive, inner) for inner in core.jaxprs_in_params(equation.params))
        for equation in jaxpr.eqns
    )


def _run(jaxpr: Jaxpr, consts: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    known: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *values], strict=True))

    def read(atom: Any) -> Any:
        return known[atom] if isinstance(atom, core.Var) else atom.val

    for equation in jaxpr.eqns:
        operands = list(map(read, equation.invars))
        if equation.primitive is ad.custom_lin_p:
            out = _derivative(operands, **equation.params)
        else:
            params = {name: _in_param(value) for name, value in equation.params.items()}
            with equation.ctx.manager:
                out = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(params))
            out = out if equation.primitive.multiple_results else [out]
        known.update(zip(equation.outvars, out, strict=True))
    return list(map(read, jaxpr.outvars))


def _in_param(value: Any) -> Any:
    if isinstance(value, ClosedJaxpr):
        return explicit(value)
    if isinstance(value, Jaxpr) and not value.constvars:
        return explicit(ClosedJaxpr(value, ())).jaxpr
    if isinstance(value, tuple) and any(isinstance(part, ClosedJaxpr) for part in value):
        return tuple(map(_in_param, value))
    return value


def _derivative(
    operands: Sequence[Any], *, num_res: int, bwd: Any, out_avals: Any, symbolic_zeros: bool, in_zeros: Sequence[bool]
) -> list[Any]:
    """The tangents of the results, from residuals and the tangents of arguments that have some."""
    del symbolic_zeros
    residuals, tangents = split_at(operands, num_res)
    moving = [aval.dtype != _FLOAT0 for aval in out_avals]

    def backward(*cotangents: Any) -> list[Any]:
        given = iter(cotangents)
        all_of_them = [
            next(given) if moves else np.zeros(aval.shape, _FLOAT0)
            for aval, moves in zip(out_avals, moving, strict=True)
        ]
        out = bwd.call_wrapped(*residuals, *all_of_them)
        out = [ad.instantiate_zeros(ad.replace_rule_output_symbolic_zeros(value)) for value in out]
        return [value for value, is_zero in zip(out, in_zeros, strict=True) if not is_zero]

    structs = [
        jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval, moves in zip(out_avals, moving, strict=True) if moves
    ]
    try:
        found = iter(jax.linear_transpose(backward, *structs)(tangents))
    except Exception as error:
        raise StagingError(
            "a second derivative goes through a jax.custom_vjp function in a loop, whose backward rule "
            f"({bwd.debug_info.func_name}) has to be linear in the cotangent for that: {error}"
        ) from error
    return [
        next(found) if moves else np.zeros(aval.shape, _FLOAT0) for aval, moves in zip(out_avals, moving, strict=True)
    ]
