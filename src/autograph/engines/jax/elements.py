"""Items of arrays that a loop reads and changes, without copies of the array.

XLA fuses the reading of an item into the operation that stores another one, and the storing of one into the reading of
the next. Either then needs the array as it was before, so XLA copies all of it in each iteration. The body of a loop is
therefore given to it with two primitives that are the identity of what they stand for, but calls to the compiler for
processors: ``read``, an item that is read and fused with nothing, and ``behind``, a value that is there only when other
items have been read. An array is changed when all its items that the program wants as they were have been read, and is
then changed in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Primitive, Var
from jax.interpreters import ad, batching, mlir

from .derivatives.internals import core, lower_call

DEBUG_INFO = core.DebugInfo("autograph", "item", None, None)
READS = ("dynamic_slice", "gather", "slice")
WRITES = ("scatter", "scatter-add", "scatter-mul", "scatter-min", "scatter-max", "dynamic_update_slice")
_MOST_KEPT = 64
"""How many elements a part of an array may have to be worth it."""

read_p = Primitive("read")


def _read(*operands: Any, jaxpr: ClosedJaxpr) -> Any:
    [item] = jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, *operands)
    return item


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], *, jaxpr: ClosedJaxpr) -> tuple[Any, Any]:
    item = read_p.bind(*primals, jaxpr=jaxpr)
    array_dot = tangents[0]
    if type(array_dot) is ad.Zero:
        return item, ad.Zero.from_primal_value(item)
    return item, _read(array_dot, *primals[1:], jaxpr=jaxpr)


def _batch(operands: Sequence[Any], axes: Sequence[Any], *, jaxpr: ClosedJaxpr) -> tuple[Any, int]:
    return jax.vmap(partial(_read, jaxpr=jaxpr), in_axes=tuple(axes))(*operands), 0


read_p.def_impl(_read)
read_p.def_abstract_eval(lambda *_, jaxpr: jaxpr.out_avals[0])
ad.primitive_jvps[read_p] = _jvp
batching.primitive_batchers[read_p] = _batch
mlir.register_lowering(read_p, mlir.lower_fun(_read, multiple_results=False))
# XLA leaves such a call alone, and LLVM makes nothing of it.
mlir.register_lowering(
    read_p, lambda context, *operands, jaxpr: lower_call(context, "read", jaxpr, operands), platform="cpu"
)

behind_p = Primitive("behind")


def _first(value: Any, *_: Any) -> Any:
    return value


def _lower_first(context: Any, *operands: Any) -> Any:
    variables = [Var(aval) for aval in context.avals_in]
    jaxpr = Jaxpr((), variables, variables[:1], [], debug_info=DEBUG_INFO)
    return lower_call(context, "behind", ClosedJaxpr(jaxpr, ()), operands)


behind_p.def_impl(_first)
behind_p.def_abstract_eval(_first)
ad.primitive_jvps[behind_p] = lambda primals, tangents: (behind_p.bind(*primals), tangents[0])
batching.primitive_batchers[behind_p] = lambda operands, axes: (operands[0], axes[0])
mlir.register_lowering(behind_p, mlir.lower_fun(_first, multiple_results=False))
mlir.register_lowering(behind_p, _lower_first, platform="cpu")


def changed(equation: Any) -> list[tuple[Var, Any]]:
    """The arrays that an equation gives back with some of their items changed, and what they were."""
    name = equation.primitive.name
    if name in WRITES:
        return [(equation.outvars[0], equation.invars[0])]
    if name == "while":
        state = equation.invars[-len(equation.outvars) :]
        return [pair for pair in zip(equation.outvars, state, strict=True) if pair[0].aval.shape]
    if name == "scan":
        count, carried = equation.params["num_consts"], equation.params["num_carry"]
        state = equation.invars[count : count + carried]
        return [pair for pair in zip(equation.outvars[:carried], state, strict=True) if pair[0].aval.shape]
    if name != "jit" or len(equation.outvars) != 1:
        return []
    inner = equation.params["jaxpr"].jaxpr
    out = inner.outvars[0]
    root = None if isinstance(out, Literal) else _roots(inner.invars, inner.eqns).get(out)
    if root is None or root is out:
        return []
    return [(equation.outvars[0], equation.invars[inner.invars.index(root)])]


def is_read(equation: Any) -> bool:
    """Whether an equation reads a small part of an array."""
    name = equation.primitive.name
    if name == "jit" and len(equation.outvars) == 1:
        inner = equation.params["jaxpr"].jaxpr
        reads = [part for part in inner.eqns if part.primitive.name in READS]
        return len(reads) == 1 and reads[0].invars[0] is inner.invars[0] and _is_small(equation)
    return name in READS and _is_small(equation)


def _is_small(equation: Any) -> bool:
    return equation.outvars[0].aval.size <= _MOST_KEPT < equation.invars[0].aval.size or (
        equation.outvars[0].aval.size == 1 < equation.invars[0].aval.size
    )


def _roots(start: Sequence[Var], equations: Sequence[Any]) -> dict[Var, Var]:
    """For each array that is one of ``start`` with items changed, which one."""
    roots = {variable: variable for variable in start}
    for equation in equations:
        for new, old in changed(equation):
            if isinstance(old, Var) and old in roots:
                roots[new] = roots[old]
    return roots


def apart(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The body of a loop, in which the items of arrays that it changes are read before it changes them."""
    jaxpr = closed.jaxpr
    roots = _roots([*jaxpr.invars, *jaxpr.constvars], jaxpr.eqns)
    touched = {root for variable, root in roots.items() if root is not variable}
    if not touched:
        return closed
    equations: list[Any] = []
    items: dict[Var, list[Var]] = {}
    before: dict[Var, int] = {}
    known: dict[Any, ClosedJaxpr] = {}
    for equation in jaxpr.eqns:
        array = equation.invars[0] if equation.invars else None
        if isinstance(array, Var) and roots.get(array) in touched and is_read(equation):
            equation = _as_read(equation, known)
            items.setdefault(array, []).append(equation.outvars[0])
        else:
            for _, old in changed(equation):
                equation = _behind(equation, old, items, before, equations)
        equations.append(equation)
        reads = 0
        for atom in equation.invars:
            if isinstance(atom, Var):
                reads |= before.get(atom, 0)
        for variable in equation.outvars:
            before[variable] = reads
        if equation.primitive is read_p:
            before[equation.outvars[0]] = reads | 1 << len(before)
    return closed.replace(jaxpr=jaxpr.replace(eqns=equations))


def _behind(
    equation: Any, array: Any, items: dict[Var, list[Var]], before: dict[Var, int], equations: list[Any]
) -> Any:
    """A change of an array, which waits for all items that were read from the array as it was."""
    operands = [atom for atom in equation.invars if isinstance(atom, Var) and not atom.aval.shape]
    if not isinstance(array, Var) or array not in items or not operands:
        return equation
    known = 0
    for atom in operands:
        known |= before.get(atom, 0)
    missing = [item for item in items[array] if before[item] & ~known]
    if not missing:
        return equation
    value = operands[-1]
    later = Var(value.aval)
    equations.append(
        equation.replace(invars=[value, *missing], outvars=[later], primitive=behind_p, params={}, effects=frozenset())
    )
    for item in missing:
        known |= before[item]
    before[later] = known
    return equation.replace(invars=[later if atom is value else atom for atom in equation.invars])


def _as_read(equation: Any, known: dict[Any, ClosedJaxpr]) -> Any:
    """The equation as a ``read``; reads that differ in their operands alone share a jaxpr, which is lowered once."""
    operands = [atom for atom in equation.invars if isinstance(atom, Var)]
    operands = list(dict.fromkeys(operands))
    key: Any = None
    if operands == equation.invars and equation.primitive.name in READS:
        key = (equation.primitive, *sorted(equation.params.items()), *(atom.aval for atom in operands))
    closed = known.get(key)
    if closed is None:
        closed = _part(equation, operands)
        if key is not None:
            known[key] = closed
    return equation.replace(invars=operands, primitive=read_p, params={"jaxpr": closed})


def _part(equation: Any, operands: Sequence[Var]) -> ClosedJaxpr:
    inner = [Var(variable.aval) for variable in operands]
    names = dict(zip(operands, inner, strict=True))
    [out] = equation.outvars
    item = Var(out.aval)
    part = equation.replace(
        invars=[names[atom] if isinstance(atom, Var) else atom for atom in equation.invars], outvars=[item]
    )
    return ClosedJaxpr(Jaxpr((), inner, [item], [part], debug_info=DEBUG_INFO), ())
