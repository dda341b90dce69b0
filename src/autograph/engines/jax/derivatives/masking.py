"""Effects that happen only where a condition holds, also in a batch.

Under ``vmap`` a conditional whose predicate differs between examples runs both its branches for all of them, and a loop
goes on until the last example has ended. Values are selected afterwards, but a print or a failure cannot be taken back.
So the callbacks of a branch are given its predicate, those of a loop's body its test, and they act for an example only
where these hold. Without ``vmap`` they are true wherever a callback is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import scans
from .internals import ClosedJaxpr, Jaxpr, core, jaxpr_as_fun, trace

_CONDITION = core.ShapedArray((), np.dtype(bool))


def masked(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` with one more input in front: whether its callbacks are to act."""

    def run(condition: Any, *values: Any) -> list[Any]:
        return _run(closed.jaxpr, closed.consts, condition, values)

    return trace(run, [_CONDITION, *closed.in_avals])


def _run(jaxpr: Jaxpr, consts: Sequence[Any], condition: Any, values: Sequence[Any]) -> list[Any]:
    known: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *values], strict=True))

    def read(atom: Any) -> Any:
        return known[atom] if isinstance(atom, core.Var) else atom.val

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        params = equation.primitive.get_bind_params(equation.params)
        rule = _RULES.get(equation.primitive.name) if equation.effects else None
        if rule is not None:
            operands, params = rule(condition, operands, params)
        with equation.ctx.manager:
            out = equation.primitive.bind(*operands, **params)
        known.update(zip(equation.outvars, out if equation.primitive.multiple_results else [out], strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _callback(condition: Any, operands: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    callback = params["callback"]

    def guarded(holds: Any, *values: Any) -> Any:
        return callback(*values) if holds else ()

    return [condition, *operands], {**params, "callback": guarded}


def _cond(condition: Any, operands: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    branches = tuple(map(masked, params["branches"]))
    return [operands[0], condition, *operands[1:]], {**params, "branches": branches}


def _while(condition: Any, operands: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    tests = params["cond_nconsts"]
    new = {**params, "body_jaxpr": masked(params["body_jaxpr"]), "body_nconsts": params["body_nconsts"] + 1}
    if "rows" in params:
        new["rows"] = (0, *params["rows"])
    return [*operands[:tests], condition, *operands[tests:]], new


def _scan(condition: Any, operands: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return [condition, *operands], scans.with_constant(params, masked(params["jaxpr"]))


_RULES: dict[str, Callable[[Any, list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]]] = {
    "debug_callback": _callback,
    "cond": _cond,
    "while": _while,
    "scan": _scan,
}


def while_running(
    cond_jaxpr: ClosedJaxpr, body_jaxpr: ClosedJaxpr, cond_nconsts: int, body_nconsts: int
) -> ClosedJaxpr:
    """The body of a loop, whose callbacks act only where its test holds; the test's constants come in front."""
    body = masked(body_jaxpr)

    def run(*values: Any) -> list[Any]:
        tests, rest = values[:cond_nconsts], values[cond_nconsts:]
        carry = rest[body_nconsts:]
        (goes_on,) = jaxpr_as_fun(cond_jaxpr)(*tests, *carry)
        return jaxpr_as_fun(body)(goes_on, *rest)

    return trace(run, [*cond_jaxpr.in_avals[:cond_nconsts], *body_jaxpr.in_avals])
