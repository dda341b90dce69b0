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
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Primitive, Var
from jax.interpreters import ad, batching, mlir

from . import scans
from .derivatives.internals import core, lower_call

DEBUG_INFO = core.DebugInfo("autograph", "item", None, None)
READS = ("dynamic_slice", "gather", "slice")
WRITES = ("scatter", "scatter-add", "scatter-mul", "scatter-min", "scatter-max", "dynamic_update_slice")
_MOST_KEPT = 64
"""How many elements a part of an array may have to be worth it."""

_ON_ITEMS = """
    add sub mul div rem neg abs sign max min and or not xor select_n eq ne lt le gt ge convert_element_type clamp sqrt
    square integer_pow exp log tanh sin cos floor ceil round is_finite squeeze reshape broadcast_in_dim
    shift_left shift_right_arithmetic shift_right_logical
"""
_FUSED = frozenset(_ON_ITEMS.split())
"""Operations on one item that XLA makes part of the storing of what they give."""

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
        count, carried = scans.counts(equation.params)
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
    part, whole = equation.outvars[0].aval, equation.invars[0].aval
    if not _has_few(part):
        return False
    return not _has_few(whole) or part.size == 1 < whole.size


def _has_few(aval: Any) -> bool:
    """Whether an array has few elements; one of an open size may have many."""
    return all(isinstance(size, int) for size in aval.shape) and bool(aval.size <= _MOST_KEPT)


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
    jaxpr, in_place = _changed_where_read(jaxpr)
    equations: list[Any] = []
    items: dict[Var, list[Var]] = {}
    before: dict[Var, int] = {}
    known: dict[Any, ClosedJaxpr] = {}
    for equation in jaxpr.eqns:
        array = equation.invars[0] if equation.invars else None
        is_item = isinstance(array, Var) and roots.get(array) in touched and is_read(equation)
        if is_item and equation.outvars[0] not in in_place:
            equation = _as_read(equation, known)
            items.setdefault(array, []).append(equation.outvars[0])
        elif not is_item:
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


def joined(equation: Any, names: dict[Any, Any]) -> list[Any]:
    """What ``apart`` made an equation of, as it was; a value that was to wait gets its name of before in ``names``."""
    if equation.primitive is behind_p:
        names[equation.outvars[0]] = names.get(equation.invars[0], equation.invars[0])
        return []
    if equation.primitive is not read_p:
        return [equation]
    body = equation.params["jaxpr"].jaxpr
    [part] = body.eqns
    own = dict(zip(body.invars, equation.invars, strict=True))
    operands = [atom if isinstance(atom, Literal) else own[atom] for atom in part.invars]
    return [part.replace(invars=operands, outvars=equation.outvars)]


def _changed_where_read(jaxpr: Jaxpr) -> tuple[Jaxpr, set[Var]]:
    """The items that are read for nothing but what is then stored in their place.

    XLA makes the reading, the computation and the storing one operation, which changes the array in place, if the item
    keeps its shape on the way.
    """
    users: dict[Var, list[Any]] = {}
    for equation in jaxpr.eqns:
        for atom in dict.fromkeys(atom for atom in equation.invars if isinstance(atom, Var)):
            users.setdefault(atom, []).append(equation)
    outputs = {atom for atom in jaxpr.outvars if isinstance(atom, Var)}
    stores_in = {
        array: [user for user in using if user.primitive.name == "dynamic_update_slice"]
        for array, using in users.items()
        if array.aval.shape
    }
    found, ways = set(), []
    for equation in jaxpr.eqns:
        if equation.primitive.name != "dynamic_slice" or not isinstance(equation.invars[0], Var):
            continue
        array, *places = equation.invars
        stores = stores_in[array]
        if (
            len(stores) == 1
            and stores[0].invars[0] is array
            and stores[0].invars[1] is not array
            and all(a is b for a, b in zip(places, stores[0].invars[2:], strict=True))
            and stores[0].invars[1].aval.shape == tuple(equation.params["slice_sizes"])
        ):
            way = _way(stores[0], equation.outvars[0], users, outputs)
            if way is not None:
                found.add(equation.outvars[0])
                ways.append(way)
    return jaxpr.replace(eqns=_in_shape(jaxpr.eqns, ways)) if ways else jaxpr, found


def _way(store: Any, item: Var, users: dict[Var, list[Any]], outputs: set[Var]) -> list[Var] | None:
    """All values that are made of an item, if they lead to what is stored in its place, and to nothing else."""
    waiting, seen = [item], {item: None}
    while waiting:
        variable = waiting.pop()
        if variable in outputs:
            return None
        for user in users.get(variable, ()):
            if user is store:
                if any(atom is variable for atom in user.invars[2:]):
                    return None
                continue
            if user.primitive.name not in _FUSED or not all(_has_few(out.aval) for out in user.outvars):
                return None
            waiting.extend(out for out in user.outvars if out not in seen)
            seen.update(dict.fromkeys(user.outvars))
    return list(seen)


def _in_shape(equations: Sequence[Any], ways: Sequence[Sequence[Var]]) -> list[Any]:
    """The equations, with numbers on the way from an item to its place in the shape of the item."""
    shapes: dict[Var, Any] = {}
    shaped: dict[Var, Any] = {}
    for item, *rest in ways:
        shape = item.aval.shape
        if item.aval.size == 1 and all(variable.aval.shape in ((), shape) for variable in rest):
            shaped[item] = item
            shapes.update(dict.fromkeys(rest, shape))
    out = []
    for equation in equations:
        shape = shapes.get(equation.outvars[0]) if equation.outvars else None
        if shape is None:
            operands = [shaped.get(atom, atom) if isinstance(atom, Var) else atom for atom in equation.invars]
            out.append(equation.replace(invars=operands))
            continue
        [made] = equation.outvars
        if equation.primitive.name in ("squeeze", "reshape", "broadcast_in_dim"):
            shaped[made] = shaped[equation.invars[0]]
            continue
        operands = []
        for position, atom in enumerate(equation.invars):
            if isinstance(atom, Var) and atom in shaped:
                atom = shaped[atom]
            elif atom.aval.shape == () and not (equation.primitive.name == "select_n" and position == 0):
                number = atom
                atom = Var(atom.aval.update(shape=shape, weak_type=False))
                params = {"new_sizes": shape, "dimensions": None, "sharding": None}
                out.append(equation.replace(invars=[number], outvars=[atom], primitive=lax.reshape_p, params=params))
            operands.append(atom)
        shaped[made] = Var(made.aval.update(shape=shape))
        out.append(equation.replace(invars=operands, outvars=[shaped[made]]))
    return out


def _behind(
    equation: Any, array: Any, items: dict[Var, list[Var]], before: dict[Var, int], equations: list[Any]
) -> Any:
    """A change of an array, which waits for all items that were read from the array as it was."""
    if not isinstance(array, Var) or array not in items:
        return equation
    operands = [atom for atom in equation.invars if not atom.aval.shape]
    small = [atom for atom in equation.invars if isinstance(atom, Var) and atom is not array]
    operands = [atom for atom in operands if isinstance(atom, Var)] or small or operands
    if not operands:
        return equation
    known = 0
    for atom in operands:
        known |= 0 if isinstance(atom, Literal) else before.get(atom, 0)
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
