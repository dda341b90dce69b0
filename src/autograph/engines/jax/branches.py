"""Staged conditionals: ``lax.cond``, or ``select`` where both sides are cheap and safe to evaluate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Literal

from ...staging.values import PLACEHOLDER
from ..common import branches
from . import types
from .elements import is_read
from .predication import predicated
from .regions import Run, trace_region
from .tidying import as_a_whole, has_loop
from .work import is_total

_MAX_SELECTED_EQUATIONS = 12
_MAX_SELECTED_SCALAR_EQUATIONS = 48
"""The same where all are operations on numbers; finding the place of an item takes five or ten."""
_MAX_SELECTED_SIZE = 64

_SAFE_ON_ANY = {
    "select_n",
    "copy",
    "copy_p",
    "max",
    "min",
    "neg",
    "add",
    "sub",
    "add_any",
    "squeeze",
    "reshape",
    "concatenate",
    "slice",
}
"""Cheap operations whose value and derivative are finite for finite operands, so that the side that is not taken can
neither trap nor put a NaN into a gradient (the well-known trap of ``where``)."""
_SAFE_ON_INTEGERS = _SAFE_ON_ANY | {
    "mul",
    "div",
    "rem",
    "integer_pow",
    "and",
    "or",
    "not",
    "xor",
    "sign",
    "abs",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "population_count",
    "clamp",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "convert_element_type",
    "broadcast_in_dim",
    "reshape",
    "squeeze",
    "stop_gradient",
    "is_finite",
    "floor",
    "ceil",
    "round",
}

_CHEAP = _SAFE_ON_INTEGERS | {"square", "sqrt", "is_finite"}


def stage_cond(
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    owners: Sequence[Callable[..., Any]],
) -> Any:
    return branches.stage_cond(types, trace_region, build, predicate, body, orelse, names, owners)


def build(predicate: Any, runs: list[Run], wanted: list[tuple[types.ArrayType, tuple[Any, Any]]]) -> Sequence[Any]:
    """The operations of the conditional: one value for each of ``wanted``."""
    if any(run.jaxpr is not None and has_loop(run.jaxpr) for run in runs):
        return list(as_a_whole(lambda: _build(predicate, runs, wanted)))
    return _build(predicate, runs, wanted)


def _build(predicate: Any, runs: list[Run], wanted: list[tuple[types.ArrayType, tuple[Any, Any]]]) -> Sequence[Any]:
    effects = [run.jaxpr is not None and bool(run.jaxpr.effects) for run in runs]
    if not wanted and not any(effects):
        return []
    ends_call = any(run.ends_call for run in runs) and all(
        run.jaxpr is None or is_total(run.jaxpr.jaxpr) for run in runs
    )
    changed = None if ends_call else predicated(predicate, runs, wanted, _is_cheap)
    if changed is not None:
        return changed
    # What comes of operations behind an exception that ends the call nobody sees: no path has to wait for the test.
    if ends_call or (not any(effects) and all(_can_select(run, wanted) for run in runs)):
        get_true, get_false = runs[0].evaluate(), runs[1].evaluate()
        return [_select(predicate, get_true(a), get_false(b), kind) for kind, (a, b) in wanted]

    def branch(side: int) -> Callable[[], list[Any]]:
        def build() -> list[Any]:
            get = runs[side].evaluate(condition=predicate if side == 0 else lax.bitwise_not(predicate))
            return [types.convert(get(pair[side]), kind) for kind, pair in wanted]

        return build

    return lax.cond(predicate, branch(0), branch(1))


def _select(predicate: Any, if_true: Any, if_false: Any, kind: types.ArrayType) -> Any:
    if if_true is if_false:
        return types.convert(if_true, kind)
    if if_true is PLACEHOLDER or if_false is PLACEHOLDER:
        return types.convert(if_false if if_true is PLACEHOLDER else if_true, kind)
    if kind.dtype == np.dtype(bool) and not kind.shape:
        if if_true is True or if_true is predicate:
            return predicate if if_false is False else lax.bitwise_or(predicate, types.convert(if_false, kind))
        if if_false is False or if_false is predicate:
            return lax.bitwise_and(predicate, types.convert(if_true, kind))
        if if_true is False:
            negated = lax.bitwise_not(predicate)
            return negated if if_false is True else lax.bitwise_and(negated, types.convert(if_false, kind))
        if if_false is True:
            return lax.bitwise_or(lax.bitwise_not(predicate), types.convert(if_true, kind))
    on_true, on_false = types.convert(if_true, kind), types.convert(if_false, kind)
    if jnp.issubdtype(kind.dtype, jax.dtypes.extended):
        return jnp.where(predicate, on_true, on_false)
    return lax.select(predicate, on_true, on_false)


def _can_select(run: Run, wanted: list[tuple[types.ArrayType, tuple[Any, Any]]]) -> bool:
    """Whether one branch is cheap, and safe to evaluate when it is not taken."""
    if run.raised is not None:
        return False
    if run.jaxpr is None:
        return True
    if not all(_is_small(kind.shape) for kind, _ in wanted):
        return False
    equations = run.jaxpr.jaxpr.eqns
    is_scalar = all(variable.aval.size == 1 for equation in equations for variable in equation.outvars)
    most = _MAX_SELECTED_SCALAR_EQUATIONS if is_scalar else _MAX_SELECTED_EQUATIONS
    if len(equations) > most:
        return False
    differentiable = _differentiable(run.jaxpr.jaxpr)
    return all(
        _is_cheap(equation) or (index not in differentiable and _is_cheap_value(equation))
        for index, equation in enumerate(equations)
    )


def _differentiable(jaxpr: Any) -> set[int]:
    """The equations that an output which can have a derivative depends on through values that can have one."""
    found: set[int] = set()
    live = {id(atom) for atom in jaxpr.outvars if _has_derivative(atom)}
    for index in range(len(jaxpr.eqns) - 1, -1, -1):
        equation = jaxpr.eqns[index]
        if any(id(variable) in live for variable in equation.outvars):
            found.add(index)
            live.update(id(atom) for atom in equation.invars if _has_derivative(atom))
    return found


def _has_derivative(atom: Any) -> bool:
    return jnp.issubdtype(atom.aval.dtype, jnp.inexact)


def _is_cheap_value(equation: Any) -> bool:
    """Whether an operation on numbers is cheap, and no one asks for its derivative."""
    avals = [variable.aval for variable in (*equation.invars, *equation.outvars)]
    return equation.primitive.name in _CHEAP and all(aval.size == 1 for aval in avals)


def _is_small(shape: tuple[Any, ...]) -> bool:
    """Whether an array has few elements; one of an open size may have many."""
    return all(isinstance(size, int) for size in shape) and math.prod(shape) <= _MAX_SELECTED_SIZE


def _is_cheap(equation: Any) -> bool:
    name = equation.primitive.name
    if name in ("jit", "pjit"):
        inner = equation.params["jaxpr"].jaxpr
        return len(inner.eqns) <= _MAX_SELECTED_EQUATIONS and all(_is_cheap(part) for part in inner.eqns)
    if is_read(equation):
        return True
    avals = [variable.aval for variable in (*equation.invars, *equation.outvars)]
    if not all(isinstance(aval, jax.core.ShapedArray) and _is_small(aval.shape) for aval in avals):
        return False
    if name == "mul" and any(isinstance(operand, Literal) for operand in equation.invars):
        return True
    if all(aval.dtype.kind in "biu" for aval in avals):
        return name in _SAFE_ON_INTEGERS
    if name in ("eq", "ne", "lt", "le", "gt", "ge", "convert_element_type", "broadcast_in_dim", "is_finite"):
        return True
    return name in _SAFE_ON_ANY
