"""Loops over a few numbers whose state LLVM can keep in registers, on processors.

XLA compiles a small loop into one function of LLVM's, with the loop's state in memory. LLVM moves that into registers
if nothing that the loop reads or writes might be the same memory, which XLA tells it in part: of each operation, for
its operands and for what is used together with its result. Two things undo that.

- The copies that XLA makes where one variable's next value needs another's old one, as in ``x, y = y, x + y``: about a
  copy XLA says nothing. A pair of such variables is therefore carried as one: two floats as the parts of a complex
  number, two integers of 32 bits as the halves of one of 64. Then a single operation computes both.
- The truth value of the test, which is memory too, and not known to differ from state that the test does not read. So
  the test is made to read all of it: ``test or (test and state == 0)`` is ``test``, as LLVM finds out and XLA does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from .internals import core, jaxpr_as_fun, split_at, trace, weakref_lru_cache

_MOST_OPERATIONS = 256
_NOT_SIMPLE = {"while", "scan", "cond", "read", "behind", "pure_callback", "io_callback", "custom_call"}
_UNSIGNED = np.dtype(np.uint32)
_BOTH = np.dtype(np.uint64)


class Plan(NamedTuple):
    """How the state of a loop is carried."""

    groups: tuple[tuple[int, ...], ...]
    """The places of the state's variables, those that are carried as one together."""
    untested: tuple[int, ...]
    """A variable for each group of which the test reads none."""


def _plan(cond: ClosedJaxpr, body: ClosedJaxpr, of_cond: int, of_body: int) -> Plan | None:
    """How to carry the state; ``None`` if the loop is to stay as it is."""
    state = [var.aval for var in body.jaxpr.invars[of_body:]]
    answer = cond.out_avals[0]
    if cond.effects or body.effects or answer.shape or not all(map(_is_number, state)):
        return None
    if any(getattr(getattr(aval, "mat", None), "varying", None) for aval in (answer, *state)):
        return None  # over a mesh: a constant does not vary where the state does
    if not _is_simple(cond.jaxpr) or not _is_simple(body.jaxpr):
        return None
    reads = _reads(body.jaxpr, of_body)
    of_place = list(range(len(state)))
    for place, needed in enumerate(reads):
        for other in needed:
            of_place = [of_place[place] if group == of_place[other] else group for group in of_place]
    groups = [tuple(place for place, own in enumerate(of_place) if own == group) for group in dict.fromkeys(of_place)]
    if not all(len(group) == 1 or _is_pair([state[place].dtype for place in group]) for group in groups):
        return None
    [tested] = _reads(cond.jaxpr, of_cond)
    untested = tuple(group[0] for group in groups if tested.isdisjoint(group))
    if len(groups) == len(state) and not untested:
        return None
    return Plan(tuple(groups), untested)


plan = weakref_lru_cache(_plan)


def _is_number(aval: Any) -> bool:
    dtype = getattr(aval, "dtype", None)
    return isinstance(dtype, np.dtype) and aval.shape == () and dtype.kind in "biuf"


def _is_pair(kinds: Sequence[np.dtype[Any]]) -> bool:
    if len(kinds) != 2:
        return False
    one, other = kinds
    return (one == other and one in (np.float32, np.float64)) or all(
        kind.kind in "iu" and kind.itemsize == 4 for kind in kinds
    )


def _is_simple(jaxpr: Jaxpr) -> bool:
    return len(jaxpr.eqns) <= _MOST_OPERATIONS and all(
        equation.primitive.name not in _NOT_SIMPLE
        and all(getattr(var.aval, "size", 2) == 1 for var in equation.outvars)
        and all(_is_simple(inner) for inner in core.jaxprs_in_params(equation.params))
        for equation in jaxpr.eqns
    )


def _reads(jaxpr: Jaxpr, first: int) -> list[set[int]]:
    """For each output, which of the inputs from the ``first`` on it depends on."""
    found: dict[Var, set[int]] = {var: {place} for place, var in enumerate(jaxpr.invars[first:])}
    for equation in jaxpr.eqns:
        read = set().union(*(found.get(atom, ()) for atom in equation.invars if isinstance(atom, Var)))
        found.update((var, read) for var in equation.outvars)
    return [set() if isinstance(atom, Literal) else found.get(atom, set()) for atom in jaxpr.outvars]


def carried(plan: Plan, cond: ClosedJaxpr, body: ClosedJaxpr, of_cond: int, of_body: int) -> Callable[..., list[Any]]:
    """The loop, as a function of the operands of ``while``, with its state carried as ``plan`` says."""
    kinds = tuple(var.aval.dtype for var in body.jaxpr.invars[of_body:])
    pack, unpack, read = _parts(plan, kinds)

    def loop(*operands: Any) -> list[Any]:
        cond_consts, body_consts, start = split_at(operands, of_cond, of_body)
        new_body = _followed_by(_after(unpack, body, of_body), lambda outs: outs, pack)
        new_cond = _after(unpack, cond, of_cond)
        if plan.untested:
            heads = cond.jaxpr.invars[of_cond:]
            new_cond = _followed_by(new_cond, lambda outs: [*outs, *(heads[place] for place in plan.untested)], read)
        out = lax.while_p.bind(
            *cond_consts,
            *body_consts,
            *jaxpr_as_fun(pack)(*start),
            cond_jaxpr=new_cond,
            body_jaxpr=new_body,
            cond_nconsts=of_cond,
            body_nconsts=of_body,
        )
        return list(jaxpr_as_fun(unpack)(*out))

    return loop


@lru_cache(maxsize=256)
def _parts(plan: Plan, kinds: tuple[np.dtype[Any], ...]) -> tuple[ClosedJaxpr, ClosedJaxpr, ClosedJaxpr]:
    """From the state to what is carried; back; and from the test and what it does not read to a test that reads it."""

    def packed(*values: Any) -> list[Any]:
        return [_packed([values[place] for place in group]) for group in plan.groups]

    def unpacked(*values: Any) -> list[Any]:
        found: list[Any] = [None] * len(kinds)
        for group, value in zip(plan.groups, values, strict=True):
            for place, part in zip(group, _unpacked(value, [kinds[place] for place in group]), strict=True):
                found[place] = part
        return found

    def reading(goes_on: Any, *values: Any) -> list[Any]:
        others = reduce(lax.bitwise_and, map(_is_zero, values), goes_on)
        return [lax.bitwise_or(goes_on, others)]

    state = [core.ShapedArray((), kind) for kind in kinds]
    pack = trace(packed, state)
    answer = core.ShapedArray((), np.dtype(bool))
    return (
        pack,
        trace(unpacked, pack.out_avals),
        trace(reading, [answer, *(state[place] for place in plan.untested)]),
    )


def _after(first: ClosedJaxpr, closed: ClosedJaxpr, consts: int) -> ClosedJaxpr:
    """``closed``, whose inputs behind ``consts`` are what ``first`` gives."""
    jaxpr = closed.jaxpr
    inputs = jaxpr.invars[consts:]
    names: dict[Var, Any] = dict(zip(first.jaxpr.outvars, inputs, strict=True))
    invars = [names.get(var) or Var(var.aval) for var in first.jaxpr.invars]
    names.update(zip(first.jaxpr.invars, invars, strict=True))
    equations = [*_renamed(first.jaxpr.eqns, names), *jaxpr.eqns]
    debug_info = jaxpr.debug_info.with_unknown_names()
    return closed.replace(
        jaxpr=jaxpr.replace(invars=[*jaxpr.invars[:consts], *invars], eqns=equations, debug_info=debug_info)
    )


def _followed_by(
    closed: ClosedJaxpr, inputs: Callable[[Sequence[Any]], Sequence[Any]], last: ClosedJaxpr
) -> ClosedJaxpr:
    """``closed`` and then ``last``, whose inputs are made of the outputs of ``closed``."""
    jaxpr = closed.jaxpr
    names: dict[Var, Any] = dict(zip(last.jaxpr.invars, inputs(jaxpr.outvars), strict=True))
    equations = [*jaxpr.eqns, *_renamed(last.jaxpr.eqns, names)]
    outvars = [names.get(var, var) for var in last.jaxpr.outvars]
    debug_info = jaxpr.debug_info.with_unknown_names()
    return closed.replace(jaxpr=jaxpr.replace(eqns=equations, outvars=outvars, debug_info=debug_info))


def _renamed(equations: Sequence[Any], names: dict[Var, Any]) -> list[Any]:
    """The equations with their variables named anew where ``names`` does not name them."""
    renamed = []
    for equation in equations:
        for var in equation.outvars:
            names.setdefault(var, Var(var.aval))
        invars = [atom if isinstance(atom, Literal) else names[atom] for atom in equation.invars]
        renamed.append(equation.replace(invars=invars, outvars=[names[var] for var in equation.outvars]))
    return renamed


def _is_zero(value: Any) -> Any:
    return value if value.dtype == bool else lax.eq(value, lax.full_like(value, 0))


def _packed(parts: Sequence[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if parts[0].dtype.kind == "f":
        return lax.complex(*parts)
    high, low = (_converted(_converted(part, _UNSIGNED), _BOTH) for part in parts)
    return lax.bitwise_or(lax.shift_left(high, _half()), low)


def _unpacked(value: Any, kinds: Sequence[np.dtype[Any]]) -> list[Any]:
    if len(kinds) == 1:
        return [value]
    if kinds[0].kind == "f":
        return [lax.real(value), lax.imag(value)]
    return [_converted(lax.shift_right_logical(value, _half()), kinds[0]), _converted(value, kinds[1])]


def _half() -> Any:
    return _converted(np.uint32(32), _BOTH)


def _converted(value: Any, dtype: np.dtype[Any]) -> Any:
    """``value`` as a number of another type, also of one of 64 bits where these are switched off."""
    return lax.convert_element_type_p.bind(value, new_dtype=dtype, weak_type=False, sharding=None)
