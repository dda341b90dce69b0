"""The derivative of a loop as linear primitives: forward over its tangents, and backward over its cotangents.

Once a loop has run, the number of its iterations is known, and its derivative is that of so many applications of the
body. Three primitives say so; each is implemented by ordinary loops, and each has rules in terms of the others, so that
derivatives of any order, in any mixture of modes, stay among them.

- ``loop_tangent``: from tangents of constants and start to tangents of the end.
- ``loop_adjoint``, its transpose: from cotangents of the end to those of constants and start.
- ``loop_adjoint_tangent``: the derivative of ``loop_adjoint`` with respect to the values at which it is taken. It is a
  part of the adjoint of the loop over ``(x, dx)``; its own transpose needs the tangents of the loop, and the adjoint of
  that same loop once more, this time with respect to ``x``.

The operands are the number of iterations, the known constants, then those that the body is linear in, the known state
at the start, and then its linear part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax

from .customs import explicit
from .internals import (
    Primitive,
    ad,
    apply_primitive,
    batching,
    broadcast_or_move,
    core,
    jaxpr_as_fun,
    mlir,
    split_at,
    zeros,
)
from .reversal import Budget, Examples, more_rows, reverse
from .steps import Step, differentiate


def _primitive(name: str, implementation: Callable[..., list[Any]], types: Callable[..., list[Any]]) -> Primitive:
    primitive = Primitive(name)
    primitive.multiple_results = True
    primitive.skip_canonicalization = True
    primitive.def_impl(partial(apply_primitive, primitive))
    primitive.def_abstract_eval(types)
    mlir.register_lowering(primitive, mlir.lower_fun(implementation, multiple_results=True))
    return primitive


# Tangents, forward.


def _tangent(
    count: Any, *values: Any, step: Step, rows: tuple[int, ...], linear_rows: tuple[int, ...], budget: Budget
) -> list[Any]:
    counts = step.counts
    consts, linear_consts, carry, linear = counts.split(values)
    body = jaxpr_as_fun(explicit(step.joint()))
    examples = Examples(count, rows)

    def one(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        index, values = state
        known, tangents = values[: counts.known_carry], values[counts.known_carry :]
        new = body(*consts, *linear_consts, *known, *tangents)
        return index + 1, examples.keep(index, new, values)

    stop = examples.longest()
    _, out = lax.while_loop(lambda state: state[0] < stop, one, (stop & 0, [*carry, *linear]))
    return out[counts.known_carry :]


def _tangent_types(count: Any, *avals: Any, step: Step, **_: Any) -> list[Any]:
    return step.counts.split(avals)[3]


tangent_p = _primitive("loop_tangent", _tangent, _tangent_types)


def _tangent_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, step: Step, rows: Any, linear_rows: Any, budget: Budget
) -> tuple[list[Any], list[Any]]:
    params = {"rows": rows, "linear_rows": linear_rows, "budget": budget}
    counts = step.counts
    out = tangent_p.bind(*primals, step=step, **params)
    kc, lc, kx, lx = counts.split(primals[1:])
    kct, lct, kxt, lxt = counts.split(tangents[1:])
    if all(map(_is_zero, [*kct, *kxt])):
        values = [*kc, *map(ad.instantiate_zeros, lct), *kx, *map(ad.instantiate_zeros, lxt)]
        return out, tangent_p.bind(primals[0], *values, step=step, **params)
    # The state (x, dx) in the direction (x', dx'), where dx' follows x' and the constants alone or with lct: those are
    # an input of their own, in which the result is linear.
    wanted = [not _is_zero(value) for value in kct]
    new, carry = differentiate(step, wanted, [not _is_zero(value) for value in kxt], linear_too=False)
    values = [*kc, *lc, *_instantiated(wanted, kct), *kx, *lx, *_instantiated(carry, kxt)]
    values += map(ad.instantiate_zeros, lxt)
    linear = tuple(row for row, chosen in zip(rows, wanted, strict=True) if chosen)
    second = tangent_p.bind(
        primals[0], *values, step=new, rows=(*rows, *linear_rows), linear_rows=linear, budget=budget
    )
    found = second[sum(carry) :]
    if not all(map(_is_zero, lct)):
        still = [ad.instantiate_zeros(ad.p2tz(value)) for value in lx]
        values = [*kc, *map(ad.instantiate_zeros, lct), *kx, *still]
        more = tangent_p.bind(primals[0], *values, step=step, **params)
        found = [ad.add_tangents(a, b) for a, b in zip(found, more, strict=True)]
    return out, found


def _tangent_transpose(cotangents: Sequence[Any], count: Any, *values: Any, step: Step, **params: Any) -> list[Any]:
    kc, lc, kx, lx = step.counts.split(values)
    out = adjoint_p.bind(count, *kc, *kx, *map(ad.instantiate_zeros, cotangents), step=step, **params)
    consts, start = split_at(out, len(lc))
    return [
        None,
        *[None] * len(kc),
        *_for_linear(consts, lc),
        *[None] * len(kx),
        *_for_linear(start, lx),
    ]


def _for_linear(cotangents: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    return [
        cotangent if ad.is_undefined_primal(operand) else None
        for cotangent, operand in zip(cotangents, operands, strict=True)
    ]


def _is_zero(value: Any) -> bool:
    return type(value) is ad.Zero


def _instantiated(wanted: Sequence[bool], tangents: Sequence[Any]) -> list[Any]:
    return [ad.instantiate_zeros(tangent) for tangent, chosen in zip(tangents, wanted, strict=True) if chosen]


ad.primitive_jvps[tangent_p] = _tangent_jvp
ad.primitive_transposes[tangent_p] = _tangent_transpose


# Cotangents, backward.


def _adjoint(count: Any, *values: Any, step: Step, rows: Any, linear_rows: Any, budget: Budget) -> list[Any]:
    counts = step.counts
    consts, start, cotangents = split_at(values, counts.known_consts, counts.known_carry)
    of_consts, of_start = reverse(step, budget, rows, linear_rows, count, consts, start, cotangents)
    return [*of_consts, *of_start]


def _adjoint_types(*_: Any, step: Step, **__: Any) -> list[Any]:
    kinds = step.counts.split(step.joint().in_avals)
    return [aval.to_ct_aval() for aval in (*kinds[1], *kinds[3])]


adjoint_p = _primitive("loop_adjoint", _adjoint, _adjoint_types)


def _adjoint_jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, step: Step, **params: Any
) -> tuple[list[Any], list[Any]]:
    counts = step.counts
    out = adjoint_p.bind(*primals, step=step, **params)
    _, kct, kxt, ctt = split_at(tangents, 1, counts.known_consts, counts.known_carry)
    if all(map(_is_zero, [*kct, *kxt])):
        values = [*primals[: 1 + counts.known_consts + counts.known_carry], *map(ad.instantiate_zeros, ctt)]
        return out, adjoint_p.bind(*values, step=step, **params)
    wanted = tuple(not _is_zero(value) for value in kct)
    carry = tuple(not _is_zero(value) for value in kxt)
    values = [*primals, *_instantiated(wanted, kct), *_instantiated(carry, kxt), *map(ad.instantiate_zeros, ctt)]
    return out, adjoint_tangent_p.bind(*values, step=step, consts=wanted, carry=carry, **params)


def _adjoint_transpose(cotangents: Sequence[Any], count: Any, *values: Any, step: Step, **params: Any) -> list[Any]:
    counts = step.counts
    kc, kx, ct = split_at(values, counts.known_consts, counts.known_carry)
    lc, lx = split_at(list(map(ad.instantiate_zeros, cotangents)), counts.linear_consts)
    out = tangent_p.bind(count, *kc, *lc, *kx, *lx, step=step, **params)
    return [None] * (1 + len(kc) + len(kx)) + _for_linear(out, ct)


ad.primitive_jvps[adjoint_p] = _adjoint_jvp
ad.primitive_transposes[adjoint_p] = _adjoint_transpose


# The derivative of the backward pass.


def _adjoint_tangent(
    count: Any,
    *values: Any,
    step: Step,
    consts: tuple[bool, ...],
    carry: tuple[bool, ...],
    rows: Any,
    linear_rows: Any,
    budget: Budget,
) -> list[Any]:
    counts = step.counts
    kc, kx, ct, kct, kxt, ctt = split_at(
        values, counts.known_consts, counts.known_carry, counts.linear_carry, sum(consts), sum(carry)
    )
    new, grown = differentiate(step, consts, carry, linear_too=True)
    given = iter(kxt)
    start = []
    for value, was, now in zip(kx, carry, grown, strict=True):
        if was:
            start.append(next(given))
        elif now:
            start.append(ad.instantiate_zeros(ad.p2tz(value)))
    # The adjoint of (t, dt) -> (J t, dJ t + J dt) takes the cotangents (of J t, of the other).
    joint_rows = (*rows, *(row for row, chosen in zip(rows, consts, strict=True) if chosen))
    out = adjoint_p.bind(
        count,
        *kc,
        *kct,
        *kx,
        *start,
        *ctt,
        *ct,
        step=new,
        rows=joint_rows,
        linear_rows=(*linear_rows,) * 2,
        budget=budget,
    )
    of_consts, _, of_start, _ = split_at(out, counts.linear_consts, counts.linear_consts, counts.linear_carry)
    return [*of_consts, *of_start]


def _adjoint_tangent_types(*_: Any, step: Step, **__: Any) -> list[Any]:
    return _adjoint_types(step=step)


adjoint_tangent_p = _primitive("loop_adjoint_tangent", _adjoint_tangent, _adjoint_tangent_types)


def _adjoint_tangent_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
    out = adjoint_tangent_p.bind(*primals, **params)
    chosen = [not _is_zero(tangent) for tangent in tangents]
    given = [value for value, moves in zip(primals, chosen, strict=True) if moves]

    def of_moving(*moving: Any) -> list[Any]:
        moved = iter(moving)
        values = [next(moved) if moves else value for value, moves in zip(primals, chosen, strict=True)]
        return _adjoint_tangent(*values, **params)

    _, found = jax.jvp(of_moving, tuple(given), tuple(t for t in tangents if not _is_zero(t)))
    return out, found


def _adjoint_tangent_transpose(
    cotangents: Sequence[Any],
    count: Any,
    *values: Any,
    step: Step,
    consts: tuple[bool, ...],
    carry: tuple[bool, ...],
    rows: Any,
    linear_rows: Any,
    budget: Budget,
) -> list[Any]:
    counts = step.counts
    sizes = (counts.known_consts, counts.known_carry, counts.linear_carry, sum(consts), sum(carry))
    kc, kx, ct, kct, kxt, ctt = split_at(values, *sizes)
    lc, lx = split_at(list(map(ad.instantiate_zeros, cotangents)), counts.linear_consts)
    of_cotangents = tangent_p.bind(
        count, *kc, *lc, *kx, *lx, step=step, rows=rows, linear_rows=linear_rows, budget=budget
    )
    # <ct, J(x) t> with respect to x, through the loop over (x, t).
    new, grown = differentiate(step, consts, carry, linear_too=False)
    ends = [core.typeof(value).to_ct_aval() for value in kx]
    none = [zeros(aval) for aval, now in zip(ends, grown, strict=True) if now]
    linear = tuple(row for row, chosen in zip(rows, consts, strict=True) if chosen)
    out = adjoint_p.bind(
        count, *kc, *lc, *kx, *lx, *none, *ct, step=new, rows=(*rows, *linear_rows), linear_rows=linear, budget=budget
    )
    of_kct, of_kxt, _ = split_at(out, sum(consts), sum(grown))
    asked = [was for was, now in zip(carry, grown, strict=True) if now]
    of_start = [value for value, was in zip(of_kxt, asked, strict=True) if was]
    return [
        *[None] * (1 + len(kc) + len(kx) + len(ct)),
        *_for_linear(of_kct, kct),
        *_for_linear(of_start, kxt),
        *_for_linear(of_cotangents, ctt),
    ]


ad.primitive_jvps[adjoint_tangent_p] = _adjoint_tangent_jvp
ad.primitive_transposes[adjoint_tangent_p] = _adjoint_tangent_transpose


# Batches.


class _Batch:
    """A loop's iteration made one over a batch, and where the batch is in each kind of its inputs."""

    def __init__(
        self,
        axis_data: Any,
        step: Step,
        rank: int,
        count_is_batched: bool,
        rows: Sequence[int],
        linear_rows: Sequence[int],
        batched: Sequence[Sequence[bool]],
    ) -> None:
        """``batched`` says for each kind of input which are batched; the linear ones are taken to be."""
        consts, linear_consts, carry, linear_carry = map(list, batched)
        counts = step.counts
        if count_is_batched:
            # Each example ends on its own: all of the state is its own, and so is what it had its own of before.
            consts, self.rows = more_rows(consts, rows)
            linear_consts, self.linear_rows = more_rows(linear_consts, linear_rows)
            carry, linear_carry = [True] * len(carry), [True] * len(linear_carry)
            places, linear_places, place = [0] * len(consts), [0] * len(linear_consts), 0
        else:
            linear_carry = [True] * len(linear_carry)
            joint = explicit(step.joint())
            while True:
                flags = [*consts, *linear_consts, *carry, *linear_carry]
                _, out = batching.batch_jaxpr(joint, axis_data, flags, instantiate=[*carry, *linear_carry])
                grown = [a or b for a, b in zip(carry, out[: counts.known_carry], strict=True)]
                if grown == carry:
                    break
                carry = grown
            self.rows, self.linear_rows = tuple(rows), tuple(linear_rows)
            # Behind the axes of the examples.
            places, linear_places, place = list(rows), list(linear_rows), rank

        def at(flags: Sequence[bool], places: Sequence[int]) -> list[int | None]:
            return [place if flag else None for flag, place in zip(flags, places, strict=True)]

        self.consts, self.linear_consts = at(consts, places), at(linear_consts, linear_places)
        self.carry = at(carry, [place] * len(carry))
        self.linear_carry = at(linear_carry, [place] * len(linear_carry))
        self.step = step.batched(axis_data, [self.consts, self.linear_consts, self.carry, self.linear_carry])


def _moved(axis_data: Any, values: Sequence[Any], dims: Sequence[Any], targets: Sequence[int | None]) -> list[Any]:
    return [
        broadcast_or_move(axis_data, value, dim, target)
        for value, dim, target in zip(values, dims, targets, strict=True)
    ]


def _flags(dims: Sequence[Any]) -> list[bool]:
    return [dim is not None for dim in dims]


def _tangent_batch(
    axis_data: Any, args: Sequence[Any], dims: Sequence[Any], *, step: Step, rows: Any, linear_rows: Any, budget: Budget
) -> tuple[list[Any], list[Any]]:
    counts = step.counts
    count, *values = args
    kc, lc, kx, lx = counts.split(dims[1:])
    batch = _Batch(
        axis_data, step, np.ndim(count), dims[0] is not None, rows, linear_rows, [*map(_flags, (kc, lc, kx, lx))]
    )
    targets = [*batch.consts, *batch.linear_consts, *batch.carry, *batch.linear_carry]
    out = tangent_p.bind(
        _moved_count(axis_data, count, dims[0]),
        *_moved(axis_data, values, dims[1:], targets),
        step=batch.step,
        rows=batch.rows,
        linear_rows=batch.linear_rows,
        budget=budget,
    )
    return out, batch.linear_carry


def _moved_count(axis_data: Any, count: Any, dim: int | None) -> Any:
    return broadcast_or_move(axis_data, count, dim, None if dim is None else 0)


def _adjoint_batch(
    axis_data: Any, args: Sequence[Any], dims: Sequence[Any], *, step: Step, rows: Any, linear_rows: Any, budget: Budget
) -> tuple[list[Any], list[Any]]:
    counts = step.counts
    count, *values = args
    kc, kx, ct = split_at(dims[1:], counts.known_consts, counts.known_carry)
    each = [True] * counts.linear_consts  # the constants' cotangents are not to be added up over the batch
    batch = _Batch(
        axis_data,
        step,
        np.ndim(count),
        dims[0] is not None,
        rows,
        linear_rows,
        [_flags(kc), each, _flags(kx), _flags(ct)],
    )
    targets = [*batch.consts, *batch.carry, *batch.linear_carry]
    out = adjoint_p.bind(
        _moved_count(axis_data, count, dims[0]),
        *_moved(axis_data, values, dims[1:], targets),
        step=batch.step,
        rows=batch.rows,
        linear_rows=batch.linear_rows,
        budget=budget,
    )
    return out, [*batch.linear_consts, *batch.linear_carry]


def _adjoint_tangent_batch(
    axis_data: Any,
    args: Sequence[Any],
    dims: Sequence[Any],
    *,
    step: Step,
    consts: tuple[bool, ...],
    carry: tuple[bool, ...],
    rows: Any,
    linear_rows: Any,
    budget: Budget,
) -> tuple[list[Any], list[Any]]:
    counts = step.counts
    count, *values = args
    kc, kx, ct, kct, kxt, _ = split_at(
        dims[1:], counts.known_consts, counts.known_carry, counts.linear_carry, sum(consts), sum(carry)
    )

    def either(own: Sequence[Any], which: Sequence[bool], tangents: Sequence[Any]) -> list[bool]:
        """A value is batched if its tangent is, so that both have one shape."""
        given = iter(tangents)
        return [
            (next(given) is not None) | (dim is not None) if chosen else dim is not None
            for dim, chosen in zip(own, which, strict=True)
        ]

    each = [True] * counts.linear_consts
    batch = _Batch(
        axis_data,
        step,
        np.ndim(count),
        dims[0] is not None,
        rows,
        linear_rows,
        [either(kc, consts, kct), each, either(kx, carry, kxt), _flags(ct)],
    )
    targets = [*batch.consts, *batch.carry, *batch.linear_carry]
    targets += [axis for axis, chosen in zip(batch.consts, consts, strict=True) if chosen]
    targets += [axis for axis, chosen in zip(batch.carry, carry, strict=True) if chosen]
    targets += batch.linear_carry
    out = adjoint_tangent_p.bind(
        _moved_count(axis_data, count, dims[0]),
        *_moved(axis_data, values, dims[1:], targets),
        step=batch.step,
        consts=consts,
        carry=carry,
        rows=batch.rows,
        linear_rows=batch.linear_rows,
        budget=budget,
    )
    return out, [*batch.linear_consts, *batch.linear_carry]


def _unless_unbatched(primitive: Primitive, rule: Callable[..., tuple[list[Any], list[Any]]]) -> None:
    def batch(axis_data: Any, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> tuple[list[Any], list[Any]]:
        # A body that asks for its place on the axis differs from example to example by itself.
        if any(dim is not None for dim in dims) or params["step"].joint().effects:
            return rule(axis_data, args, dims, **params)
        out = primitive.bind(*args, **params)
        return out, [None] * len(out)

    batching.fancy_primitive_batchers[primitive] = batch


_unless_unbatched(tangent_p, _tangent_batch)
_unless_unbatched(adjoint_p, _adjoint_batch)
_unless_unbatched(adjoint_tangent_p, _adjoint_tangent_batch)
