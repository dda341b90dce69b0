"""``while_loop``: JAX's, with derivatives in both modes.

The primitive takes the operands of JAX's own ``while``, bears its name and is lowered to it, so that a loop that
nobody differentiates is that loop. Forward mode puts tangents beside the state, in one loop, which can again be
differentiated. Reverse mode counts the iterations of the loop as it runs forward, after which its derivative is one of
the linear primitives of ``adjoint``.

A batched test makes the loop go on until no example wants to; what has ended stays as it is. The examples' axes are the
leading ones of the state, and of the constants that each example has its own of (``rows`` says how many of them each
has).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import registers
from .adjoint import adjoint_p, tangent_p
from .customs import has_custom
from .internals import (
    AbstractRef,
    ClosedJaxpr,
    Primitive,
    ad,
    apply_primitive,
    batching,
    broadcast_or_move,
    core,
    jaxpr_as_fun,
    linearization,
    lower_while,
    mlir,
    nothing_saveable,
    pe,
    split_at,
    trace,
)
from .masking import while_running
from .pruning import prune
from .reversal import Budget, more_rows
from .steps import Counts, Derivative, Joint, without_effects


def while_loop(
    test: Callable[[Any], Any],
    body: Callable[[Any], Any],
    start: Any,
    budget: Budget = Budget(),  # noqa: B008
) -> Any:
    """``jax.lax.while_loop(test, body, start)`` with derivatives in forward and reverse mode.

    Args:
        test: from the state to whether the loop goes on.
        body: from the state to the next one.
        start: the first state, a pytree of arrays.
        budget: how many states the reverse pass may keep.

    Returns:
        The first state for which ``test`` is false.

    Raises:
        TypeError: the body gives another type of state than it takes.
        StagingError: reverse mode is asked for, and the body calls a host function for its result.

    Example:
        >>> import jax
        >>> def root(x):
        ...     step = lambda y: (y + x / y) / 2
        ...     return while_loop(lambda y: abs(y * y - x) > 1e-4, step, x)
        >>> print(f"{jax.grad(root)(4.0):.3f} {jax.jvp(root, (4.0,), (1.0,))[1]:.3f}")
        0.250 0.250
    """
    leaves, structure = jax.tree_util.tree_flatten(start)
    traced = None if jax.config.jax_disable_jit else _trace(test, body, leaves, structure)
    if traced is None:
        return _by_jax(test, body, leaves, structure, budget)
    (cond_jaxpr, cond_consts), (body_jaxpr, body_consts) = map(_without_consts, traced)
    out = while_p.bind(
        *cond_consts,
        *body_consts,
        *leaves,
        cond_jaxpr=cond_jaxpr,
        body_jaxpr=body_jaxpr,
        cond_nconsts=len(cond_consts),
        body_nconsts=len(body_consts),
        rows=(0,) * len(body_consts),
        budget=budget,
    )
    return jax.tree_util.tree_unflatten(structure, out)


def _trace(
    test: Callable[[Any], Any], body: Callable[[Any], Any], leaves: Sequence[Any], structure: Any
) -> tuple[ClosedJaxpr, ClosedJaxpr] | None:
    """The jaxprs of a loop whose state keeps its types; ``None`` where JAX has more to do, or to say."""
    avals = [core.typeof(leaf) for leaf in leaves]
    ends: list[Any] = []

    def next_state(*values: Any) -> Any:
        out, end = jax.tree_util.tree_flatten(body(jax.tree_util.tree_unflatten(structure, values)))
        ends.append(end)
        return out

    try:
        body_jaxpr = trace(next_state, avals)
    except TypeError:
        return None
    if ends[0] != structure or body_jaxpr.out_avals != avals:
        return None
    if any(index == source for index, source in enumerate(pe._jaxpr_forwarding(body_jaxpr.jaxpr))):
        return None  # what an iteration leaves as it is is no state
    cond_jaxpr = trace(lambda *values: [test(jax.tree_util.tree_unflatten(structure, values))], avals)
    [answer] = cond_jaxpr.out_avals
    if not isinstance(answer, core.ShapedArray) or answer.shape or answer.dtype != np.dtype(bool):
        return None
    constants = (*cond_jaxpr.consts, *body_jaxpr.consts)
    if cond_jaxpr.effects or body_jaxpr.effects or any(type(core.typeof(value)) is AbstractRef for value in constants):
        return None
    return cond_jaxpr, body_jaxpr


def _without_consts(closed: ClosedJaxpr) -> tuple[ClosedJaxpr, Sequence[Any]]:
    """A jaxpr that takes its constants as its first inputs, and these."""
    return pe.separate_consts(closed) if closed.consts else (closed, ())


def _by_jax(
    test: Callable[[Any], Any], body: Callable[[Any], Any], leaves: Sequence[Any], structure: Any, budget: Budget
) -> Any:
    """``while_loop`` by way of JAX's own, whose primitive is replaced in what it traces."""

    def plain(*values: Any) -> Any:
        return lax.while_loop(test, body, jax.tree_util.tree_unflatten(structure, values))

    traced, shape = jax.make_jaxpr(plain, return_shape=True)(*leaves)
    jaxpr = traced.jaxpr
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*traced.consts, *leaves], strict=True))

    def read(atom: Any) -> Any:
        return values[atom] if isinstance(atom, core.Var) else atom.val

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        primitive, params = equation.primitive, equation.primitive.get_bind_params(equation.params)
        if primitive is lax.while_p and not any(isinstance(core.typeof(value), AbstractRef) for value in operands):
            primitive = while_p
            params = {**params, "rows": (0,) * params["body_nconsts"], "budget": budget}
        out = primitive.bind(*operands, **params)
        values.update(zip(equation.outvars, out if primitive.multiple_results else [out], strict=True))
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(shape), [read(atom) for atom in jaxpr.outvars])


while_p = Primitive("while")
while_p.multiple_results = True
while_p.skip_canonicalization = True


def _lower(context: Any, *operands: Any, rows: Any, budget: Budget, **params: Any) -> Any:
    return lower_while(context, *operands, **params)


def _lower_on_processors(context: Any, *operands: Any, rows: Any, budget: Budget, **params: Any) -> Any:
    sizes = (params["cond_nconsts"], params["body_nconsts"])
    of_state = registers.plan(params["cond_jaxpr"], params["body_jaxpr"], *sizes)
    if of_state is None:
        return lower_while(context, *operands, **params)
    loop = registers.carried(of_state, params["cond_jaxpr"], params["body_jaxpr"], *sizes)
    return mlir.lower_fun(loop, multiple_results=True)(context, *operands)


def _types(*avals: Any, rows: Any, budget: Budget, **params: Any) -> tuple[list[Any], Any]:
    return lax.while_p.abstract_eval(*avals, **params)


while_p.is_effectful = lambda params: bool(params["cond_jaxpr"].effects or params["body_jaxpr"].effects)
while_p.def_impl(partial(apply_primitive, while_p))
while_p.def_effectful_abstract_eval(_types)
mlir.register_lowering(while_p, _lower)
mlir.register_lowering(while_p, _lower_on_processors, platform="cpu")
pe.dce_rules[while_p] = prune


def _rank(cond_jaxpr: ClosedJaxpr) -> int:
    """How many axes of examples a loop has."""
    return len(cond_jaxpr.out_avals[0].shape)


def _jvp(
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    cond_jaxpr: ClosedJaxpr,
    body_jaxpr: ClosedJaxpr,
    cond_nconsts: int,
    body_nconsts: int,
    rows: tuple[int, ...],
    budget: Budget,
) -> tuple[list[Any], list[Any]]:
    cconsts, bconsts, start = split_at(primals, cond_nconsts, body_nconsts)
    _, bconsts_dot, start_dot = split_at(tangents, cond_nconsts, body_nconsts)
    derivative = _derivative(body_jaxpr, bconsts_dot, start_dot)
    counts = derivative.counts
    linear_consts = _chosen(derivative.consts, bconsts_dot)
    linear_start = _chosen(derivative.carry, start_dot)
    out = while_p.bind(
        *cconsts,
        *bconsts,
        *linear_consts,
        *start,
        *linear_start,
        cond_jaxpr=_with_inputs(cond_jaxpr, linear_start),
        body_jaxpr=derivative.joint(),
        cond_nconsts=cond_nconsts,
        body_nconsts=counts.known_consts + counts.linear_consts,
        rows=(*rows, *_chosen_rows(derivative.consts, rows)),
        budget=budget,
    )
    values, found = split_at(out, counts.known_carry)
    return values, _with_zeros(derivative.carry, found, values)


def _derivative(body: ClosedJaxpr, consts: Sequence[Any], carry: Sequence[Any]) -> Derivative:
    """The derivative of ``body`` for the tangents that are not zero, and for all of the state that these lead to."""
    of_consts = [type(tangent) is not ad.Zero for tangent in consts]
    of_carry = [type(tangent) is not ad.Zero for tangent in carry]
    while True:
        _, out = ad.jvp_jaxpr(body, [*of_consts, *of_carry], instantiate=of_carry)
        if list(out) == of_carry:
            return Derivative(body, tuple(of_consts), tuple(of_carry))
        of_carry = [a or b for a, b in zip(of_carry, out, strict=True)]


def _chosen(which: Sequence[bool], tangents: Sequence[Any]) -> list[Any]:
    return [ad.instantiate_zeros(tangent) for tangent, chosen in zip(tangents, which, strict=True) if chosen]


def _chosen_rows(which: Sequence[bool], rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(row for row, chosen in zip(rows, which, strict=True) if chosen)


def _with_zeros(which: Sequence[bool], tangents: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    found = iter(tangents)
    return [next(found) if chosen else ad.p2tz(value) for chosen, value in zip(which, values, strict=True)]


def _with_inputs(closed: ClosedJaxpr, values: Sequence[Any]) -> ClosedJaxpr:
    """``closed`` with inputs at the end that it does not use."""
    jaxpr = closed.jaxpr
    more = [core.Var(core.typeof(value)) for value in values]
    new = jaxpr.replace(invars=[*jaxpr.invars, *more], debug_info=jaxpr.debug_info.with_unknown_names())
    return ClosedJaxpr(new, closed.consts)


# Reverse mode.


def _linearize(
    is_vjp: bool,
    nonzero: Sequence[bool],
    *primals: Any,
    cond_jaxpr: ClosedJaxpr,
    body_jaxpr: ClosedJaxpr,
    cond_nconsts: int,
    body_nconsts: int,
    rows: tuple[int, ...],
    budget: Budget,
) -> tuple[list[Any], list[bool], list[Any], Callable[..., list[Any]]]:
    del is_vjp
    params = {"cond_nconsts": cond_nconsts, "body_nconsts": body_nconsts, "rows": rows, "budget": budget}
    cconsts, bconsts, start = split_at(primals, cond_nconsts, body_nconsts)
    marks = [True if flag else ad.Zero(None) for flag in nonzero]
    _, of_consts, of_start = split_at(marks, cond_nconsts, body_nconsts)
    derivative = _derivative(body_jaxpr, of_consts, of_start)
    if not any(derivative.carry):
        out = while_p.bind(*primals, cond_jaxpr=cond_jaxpr, body_jaxpr=body_jaxpr, **params)
        return out, list(derivative.carry), [], lambda _, *__: [ad.p2tz(value) for value in out]
    derivative = Derivative(without_effects(body_jaxpr), derivative.consts, derivative.carry)
    forward = derivative.known() if has_custom(body_jaxpr.jaxpr) and not body_jaxpr.effects else body_jaxpr
    count, out = _counted(cconsts, bconsts, start, cond_jaxpr, forward, rows, budget)
    residuals = [count, *bconsts, *start]

    def linearized(residuals: Sequence[Any], *tangents: Any) -> list[Any]:
        count, bconsts, start = residuals[0], residuals[1 : 1 + body_nconsts], residuals[1 + body_nconsts :]
        _, bconsts_dot, start_dot = split_at(tangents, cond_nconsts, body_nconsts)
        found = tangent_p.bind(
            count,
            *bconsts,
            *_chosen(derivative.consts, bconsts_dot),
            *start,
            *_chosen(derivative.carry, start_dot),
            step=derivative,
            rows=rows,
            linear_rows=_chosen_rows(derivative.consts, rows),
            budget=budget,
        )
        return _with_zeros(derivative.carry, found, start)

    return out, list(derivative.carry), residuals, linearized


def _counted(
    cconsts: Sequence[Any],
    bconsts: Sequence[Any],
    start: Sequence[Any],
    cond_jaxpr: ClosedJaxpr,
    body_jaxpr: ClosedJaxpr,
    rows: tuple[int, ...],
    budget: Budget,
) -> tuple[Any, list[Any]]:
    """Runs a loop; gives also the number of its iterations, one for each example."""
    answer = cond_jaxpr.out_avals[0]
    zero = jnp.zeros(answer.shape, np.int32)
    varying = getattr(getattr(answer, "mat", None), "varying", None)
    if varying:
        zero = lax.pcast(zero, tuple(varying), to="varying")
    count = core.typeof(zero)
    test, body = jaxpr_as_fun(cond_jaxpr), jaxpr_as_fun(body_jaxpr)
    c, b = len(cconsts), len(bconsts)

    def counted_test(*values: Any) -> list[Any]:
        return test(*values[:c], *values[c + 1 :])

    def counted_body(*values: Any) -> list[Any]:
        return [values[b] + 1, *body(*values[:b], *values[b + 1 :])]

    tests, bodies = cond_jaxpr.in_avals, body_jaxpr.in_avals
    number, *out = while_p.bind(
        *cconsts,
        *bconsts,
        zero,
        *start,
        cond_jaxpr=trace(counted_test, [*tests[:c], count, *tests[c:]]),
        body_jaxpr=trace(counted_body, [*bodies[:b], count, *bodies[b:]]),
        cond_nconsts=c,
        body_nconsts=b,
        rows=rows,
        budget=budget,
    )
    return number, out


# Partial evaluation, which `jax.checkpoint` needs: the part of a loop that is known runs by itself, and the whole loop
# is left for what is not.


def _known_part(
    unknown: Sequence[bool], cond_jaxpr: ClosedJaxpr, body_jaxpr: ClosedJaxpr, cond_nconsts: int, body_nconsts: int
) -> tuple[ClosedJaxpr | None, ClosedJaxpr | None, list[bool]]:
    """Test and body of the known part, ``None`` if the test is not known; which of the state is unknown at the end."""
    of_test, of_body, carry = split_at(unknown, cond_nconsts, body_nconsts)
    while True:
        known, _, out, _, residuals = pe.partial_eval_jaxpr_custom(
            body_jaxpr.jaxpr, [*of_body, *carry], True, carry, True, nothing_saveable
        )
        assert not residuals
        if list(out) == carry:
            break
        carry = [a or b for a, b in zip(carry, out, strict=True)]
    test, _, (test_is_unknown,), _, _ = pe.partial_eval_jaxpr_custom(
        cond_jaxpr.jaxpr, [*of_test, *carry], True, False, True, nothing_saveable
    )
    if test_is_unknown:
        return None, None, [True] * len(carry)
    return ClosedJaxpr(test, cond_jaxpr.consts), ClosedJaxpr(known, body_jaxpr.consts), carry


def _known_params(
    unknown: Sequence[bool], test: ClosedJaxpr, body: ClosedJaxpr, cond_nconsts: int, body_nconsts: int, rows: Any
) -> dict[str, Any]:
    of_test, of_body, _ = split_at(unknown, cond_nconsts, body_nconsts)
    return {
        "cond_jaxpr": test,
        "body_jaxpr": body,
        "cond_nconsts": of_test.count(False),
        "body_nconsts": of_body.count(False),
        "rows": tuple(row for row, uncertain in zip(rows, of_body, strict=True) if not uncertain),
    }


def _partial_eval(trace: Any, *tracers: Any, **params: Any) -> list[Any]:
    unknown = [not tracer.pval.is_known() for tracer in tracers]
    jaxprs = {name: params[name] for name in ("cond_jaxpr", "body_jaxpr", "cond_nconsts", "body_nconsts")}
    test, body, carry = _known_part(unknown, **jaxprs)
    if test is None or body is None or not any(unknown):
        return trace.default_process_primitive(while_p, tracers, params)
    sizes = (params["cond_nconsts"], params["body_nconsts"])
    unknown = [*unknown[: sum(sizes)], *carry]
    known_params = _known_params(unknown, test, body, *sizes, params["rows"])
    operands = [tracer.pval.get_known() for tracer, uncertain in zip(tracers, unknown, strict=True) if not uncertain]
    known = iter(while_p.bind(*operands, **known_params, budget=params["budget"]) if not all(carry) else [])
    rest = trace.default_process_primitive(
        while_p, tracers, {**params, "body_jaxpr": without_effects(params["body_jaxpr"])}
    )
    return [whole if uncertain else next(known) for whole, uncertain in zip(rest, carry, strict=True)]


def _partial_eval_custom(
    saveable: Any, unknown: Sequence[bool], instantiated: Sequence[bool], equation: Any
) -> tuple[Any, Any, list[bool], list[bool], list[Any]]:
    del saveable
    params = equation.params
    jaxprs = {name: params[name] for name in ("cond_jaxpr", "body_jaxpr", "cond_nconsts", "body_nconsts")}
    test, body, carry = _known_part(unknown, **jaxprs)
    missing = [
        atom
        for atom, there in zip(equation.invars, instantiated, strict=True)
        if isinstance(atom, core.Var) and not there
    ]
    everywhere = [True] * len(carry)
    if test is None or body is None:
        return None, equation, carry, everywhere, missing
    sizes = (params["cond_nconsts"], params["body_nconsts"])
    unknown = [*unknown[: sum(sizes)], *carry]
    known_params = {**_known_params(unknown, test, body, *sizes, params["rows"]), "budget": params["budget"]}
    operands = [atom for atom, uncertain in zip(equation.invars, unknown, strict=True) if not uncertain]
    results = [var for var, uncertain in zip(equation.outvars, carry, strict=True) if not uncertain]
    _, effects = while_p.abstract_eval(*[atom.aval for atom in operands], **known_params)
    known = pe.new_jaxpr_eqn(operands, results, while_p, known_params, effects, equation.source_info, equation.ctx)
    return known, equation, carry, everywhere, missing


def _transpose(
    cotangents: Sequence[Any],
    *operands: Any,
    cond_jaxpr: ClosedJaxpr,
    body_jaxpr: ClosedJaxpr,
    cond_nconsts: int,
    body_nconsts: int,
    rows: tuple[int, ...],
    budget: Budget,
) -> list[Any]:
    """The transpose of a loop that is linear in some of its operands, as `_partial_eval` leaves it."""
    unknown = [ad.is_undefined_primal(operand) for operand in operands]
    test, known_body, carry = _known_part(unknown, cond_jaxpr, body_jaxpr, cond_nconsts, body_nconsts)
    if test is None or known_body is None:
        raise NotImplementedError("a loop whose test depends on tangents has no transpose")
    unknown = [*unknown[: cond_nconsts + body_nconsts], *carry]
    params = _known_params(unknown, test, without_effects(known_body), cond_nconsts, body_nconsts, rows)
    cconsts, bconsts, start = split_at(operands, cond_nconsts, body_nconsts)
    _, of_consts, _ = split_at(unknown, cond_nconsts, body_nconsts)
    known_consts = [value for value, linear in zip(bconsts, of_consts, strict=True) if not linear]
    known_start = [value for value, linear in zip(start, carry, strict=True) if not linear]
    cconsts = [value for value in cconsts if not ad.is_undefined_primal(value)]
    count, _ = _counted(
        cconsts, known_consts, known_start, params["cond_jaxpr"], params["body_jaxpr"], params["rows"], budget
    )
    order = sorted(range(body_nconsts), key=of_consts.__getitem__)
    order += [body_nconsts + place for place in sorted(range(len(carry)), key=carry.__getitem__)]
    inner = without_effects(body_jaxpr)
    jaxpr = inner.jaxpr.replace(
        invars=[inner.jaxpr.invars[place] for place in order],
        outvars=[inner.jaxpr.outvars[place - body_nconsts] for place in order[body_nconsts:]],
        debug_info=inner.jaxpr.debug_info.with_unknown_names(),
    )
    counts = Counts(of_consts.count(False), of_consts.count(True), carry.count(False), carry.count(True))
    linear = [value for value, flag in zip(cotangents, carry, strict=True) if flag]
    out = adjoint_p.bind(
        count,
        *known_consts,
        *known_start,
        *map(ad.instantiate_zeros, linear),
        step=Joint(ClosedJaxpr(jaxpr, inner.consts), counts),
        rows=params["rows"],
        linear_rows=_chosen_rows(of_consts, rows),
        budget=budget,
    )
    found = iter(out)
    results: list[Any] = [None] * cond_nconsts
    results += [next(found) if flag else None for flag in of_consts]
    results += [next(found) if flag else None for flag in carry]
    return [
        value if ad.is_undefined_primal(operand) else None for value, operand in zip(results, operands, strict=True)
    ]


# Batches.


def _batch(
    axis_data: Any,
    operands: Sequence[Any],
    dims: Sequence[Any],
    *,
    cond_jaxpr: ClosedJaxpr,
    body_jaxpr: ClosedJaxpr,
    cond_nconsts: int,
    body_nconsts: int,
    rows: tuple[int, ...],
    budget: Budget,
) -> tuple[list[Any], list[Any]]:
    batched = [dim is not None for dim in dims]
    of_test, of_body, carry = split_at(batched, cond_nconsts, body_nconsts)
    while True:
        _, out = batching.batch_jaxpr(body_jaxpr, axis_data, [*of_body, *carry], instantiate=carry)
        if list(out) == carry:
            break
        carry = [a or b for a, b in zip(carry, out, strict=True)]
    _, (each_ends,) = batching.batch_jaxpr(cond_jaxpr, axis_data, [*of_test, *carry], instantiate=False)
    if each_ends and body_jaxpr.effects and _rank(cond_jaxpr) == 0:
        body_jaxpr = while_running(cond_jaxpr, body_jaxpr, cond_nconsts, body_nconsts)
        operands, dims = ([*given[:cond_nconsts], *given] for given in (operands, dims))
        of_body, rows = [*of_test, *of_body], (*[0] * cond_nconsts, *rows)
        body_nconsts += cond_nconsts
    if each_ends:
        of_body, rows = more_rows(of_body, rows)
        carry = [True] * len(carry)
        places, place, answer = [0] * body_nconsts, 0, 0
    else:
        places, place, answer = list(rows), _rank(cond_jaxpr), None
    test_axes = [0 if flag else None for flag in of_test]
    body_axes = [at if flag else None for flag, at in zip(of_body, places, strict=True)]
    axes = [place if flag else None for flag in carry]
    new_body, _ = batching.batch_jaxpr_axes(body_jaxpr, axis_data, [*body_axes, *axes], axes)
    new_test, _ = batching.batch_jaxpr_axes(cond_jaxpr, axis_data, [*test_axes, *axes], [answer])
    moved = [
        broadcast_or_move(axis_data, value, source, target)
        for value, source, target in zip(operands, dims, [*test_axes, *body_axes, *axes], strict=True)
    ]
    out = while_p.bind(
        *moved,
        cond_jaxpr=new_test,
        body_jaxpr=new_body,
        cond_nconsts=cond_nconsts,
        body_nconsts=body_nconsts,
        rows=rows,
        budget=budget,
    )
    return out, axes


ad.primitive_jvps[while_p] = _jvp
ad.primitive_linearizations[while_p] = linearization(_linearize)
ad.primitive_transposes[while_p] = _transpose
batching.fancy_primitive_batchers[while_p] = _batch
pe.custom_partial_eval_rules[while_p] = _partial_eval
pe.partial_eval_jaxpr_custom_rules[while_p] = _partial_eval_custom
