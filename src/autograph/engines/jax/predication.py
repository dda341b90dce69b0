"""Conditionals whose branches change items of arrays, without passing the arrays through a conditional.

A branch such as ``if a[k] > a[k + 1]: a[k], a[k + 1] = a[k + 1], a[k]`` has an array as its result, which a conditional
of XLA's copies, and a selection computes in full. What the branch changes is a few items. So the operations of both
branches are done, and a change is made to the item that the taken branch changes; where one branch changes an item and
the other does not, the other's change is none. Where both change one item, that is one change, of the item and to the
value that the taken branch gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, Var

from . import types
from .derivatives.internals import core, trace
from .elements import WRITES, changed, is_read
from .regions import Run
from .replay import evaluate

_MAX_EQUATIONS = 256
_MAX_CHANGED = 64
"""How many elements of an array may change at once."""

Wanted = Sequence[tuple[types.ArrayType, tuple[Any, Any]]]


def predicated(
    predicate: Any, runs: Sequence[Run], wanted: Wanted, is_cheap: Callable[[Any], bool]
) -> list[Any] | None:
    """The values of ``wanted``, if both branches are cheap and change items of the same arrays; ``None`` if not."""
    if any(run.raised is not None or (run.jaxpr is not None and run.jaxpr.effects) for run in runs):
        return None
    sides = [_Side(run) for run in runs]
    changes = [change for side in sides for change in side.changes]
    if all(_is_loop(change) for change in changes) and not (changes and any(_is_large(kind) for kind, _ in wanted)):
        return None
    if not all(side.is_possible(is_cheap) for side in sides):
        return None
    if not all(_is_one_array(sides, kind, pair) for kind, pair in wanted):
        return None
    while True:
        first, second = (side.advance() for side in sides)
        if first is None and second is None:
            break
        if first is not None and second is not None and _are_one_change(sides, first, second):
            _change_both(predicate, sides, first, second)
        elif first is not None:
            _change_one(predicate, sides[0], sides[1], first)
        else:
            _change_one(lax.bitwise_not(predicate), sides[1], sides[0], second)
    return [
        _chosen(predicate, kind, *(side.leaf(leaf) for side, leaf in zip(sides, pair, strict=True)))
        for kind, pair in wanted
    ]


class _Side:
    """One branch, whose operations are done up to its next change of an array."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.equations: list[Any] = []
        self.values: dict[Any, Any] = {}
        self.outputs: list[Any] = []
        if run.jaxpr is not None:
            jaxpr = run.jaxpr.jaxpr
            self.values = dict(zip(jaxpr.constvars, run.jaxpr.consts, strict=True))
            self.outputs = list(jaxpr.outvars)
            self.equations = list(_inlined(jaxpr.eqns, self.outputs))
        self.changes = [equation for equation in self.equations if _is_change(equation)]
        self.made = {variable: equation for equation in self.equations for variable in equation.outvars}
        self.position = 0
        self.outside: dict[int, tuple[Any, Any]] = {}
        """Arrays from outside as the other branch has left them, with what they were."""

    def is_possible(self, is_cheap: Callable[[Any], bool]) -> bool:
        return len(self.equations) <= _MAX_EQUATIONS and all(
            _can_be_undone(equation) if _is_change(equation) else is_read(equation) or is_cheap(equation)
            for equation in self.equations
        )

    def array_behind(self, leaf: Any) -> Any:
        """The array from outside that a leaf is, with some of its items changed; ``None`` if it is none."""
        index = self.run.outputs.get(id(leaf))
        if index is None:
            return leaf
        variable = self.outputs[index]
        before = {new: old for equation in self.changes for new, old in _changed(equation)}
        while not isinstance(variable, Literal) and variable in before:
            variable = before[variable]
        return None if isinstance(variable, Literal) else self.values.get(variable)

    def read(self, atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else self.values[atom]

    def advance(self) -> Any:
        """Does what comes before the next change of an array; gives that change, or ``None`` at the end."""
        end = self.position
        while end < len(self.equations) and not _is_change(self.equations[end]):
            end += 1
        part, self.position = self.equations[self.position : end], end
        if part:
            assert self.run.jaxpr is not None
            made = [variable for equation in part for variable in equation.outvars if not _is_dropped(variable)]
            operands = [atom for equation in part for atom in equation.invars if not isinstance(atom, Literal)]
            read = dict.fromkeys(variable for variable in operands if variable in self.values)
            jaxpr = self.run.jaxpr.jaxpr
            names = jaxpr.debug_info.with_unknown_names()
            jaxpr = jaxpr.replace(constvars=[], invars=list(read), outvars=made, eqns=part, debug_info=names)
            values = evaluate(ClosedJaxpr(jaxpr, ()), [self.values[variable] for variable in read])
            self.values.update(zip(made, values, strict=True))
        return self.equations[end] if end < len(self.equations) else None

    def condition_of(self, equation: Any) -> tuple[Any, Any] | None:
        """What is stored, and under which condition, if otherwise an item is replaced by itself.

        That is what a conditional in the branch has become; the item then need not be read for it.
        """
        array, update, *places = equation.invars
        choice = self.made.get(update) if isinstance(update, Var) else None
        if choice is None or choice.primitive.name != "select_n" or len(choice.invars) != 3:
            return None
        condition, otherwise, value = choice.invars
        read = self.made.get(otherwise) if isinstance(otherwise, Var) else None
        if read is None or read.primitive.name != "dynamic_slice" or read.invars[0] is not array:
            return None
        if condition.aval.shape or any(a is not b for a, b in zip(read.invars[1:], places, strict=True)):
            return None
        return self.read(value), self.read(condition)

    def store(self, equation: Any, result: Any) -> None:
        """Goes on behind a change, which gave ``result``."""
        results = result if equation.primitive.multiple_results else [result]
        self.values.update(zip(equation.outvars, results, strict=True))
        self.position += 1

    def sees(self, old: Any, new: Any) -> None:
        """The other branch alone has changed an array: if this branch is taken, it is what it was."""
        for variable, value in self.values.items():
            if value is old:
                self.values[variable] = new
        for key, (original, value) in list(self.outside.items()):
            if value is old:
                self.outside[key] = original, new
        self.outside.setdefault(id(old), (old, new))

    def leaf(self, leaf: Any) -> Any:
        index = self.run.outputs.get(id(leaf))
        if index is not None:
            return self.read(self.outputs[index])
        return self.outside[id(leaf)][1] if id(leaf) in self.outside else leaf


def _is_dropped(variable: Any) -> bool:
    return isinstance(variable, core.DropVar)


def _inlined(equations: Sequence[Any], outputs: list[Any]) -> Iterator[Any]:
    """The equations, with those of jitted functions that read or change items in their place."""
    names: dict[Any, Any] = {}

    def renamed(atom: Any) -> Any:
        return atom if isinstance(atom, Literal) else names.get(atom, atom)

    for equation in equations:
        operands = [renamed(atom) for atom in equation.invars] if names else equation.invars
        if equation.primitive.name != "jit" or not (is_read(equation) or changed(equation)):
            yield equation.replace(invars=operands) if names else equation
            continue
        body = equation.params["jaxpr"]
        inner = list(body.jaxpr.outvars)
        parts = list(_inlined(body.jaxpr.eqns, inner))
        own: dict[Any, Any] = dict(zip(body.jaxpr.invars, operands, strict=True))
        own.update({variable: Var(variable.aval) for part in parts for variable in part.outvars})
        for part in parts:
            yield part.replace(
                invars=[atom if isinstance(atom, Literal) else own[atom] for atom in part.invars],
                outvars=[own[variable] for variable in part.outvars],
            )
        for variable, atom in zip(equation.outvars, inner, strict=True):
            names[variable] = atom if isinstance(atom, Literal) else own[atom]
    outputs[:] = [renamed(atom) for atom in outputs]


def _is_loop(equation: Any) -> bool:
    return equation.primitive.name == "while"


def _is_change(equation: Any) -> bool:
    return equation.primitive.name in WRITES or _is_loop(equation)


def _changed(equation: Any) -> list[tuple[Any, Any]]:
    """What a change gives in the place of what: one array, or the state of a loop."""
    olds = equation.invars[-len(equation.outvars) :] if _is_loop(equation) else equation.invars[:1]
    return list(zip(equation.outvars, olds, strict=True))


def _can_be_undone(equation: Any) -> bool:
    """Whether a change is one of few items, and can be made none, or is a loop, which can do no iteration."""
    if _is_loop(equation):
        return not equation.effects and not equation.params["cond_jaxpr"].out_avals[0].shape
    if equation.primitive.name == "dynamic_update_slice":
        return equation.invars[1].aval.size <= _MAX_CHANGED
    _, indices, updates = (atom.aval for atom in equation.invars)
    return (
        equation.params["mode"] == lax.GatherScatterMode.FILL_OR_DROP
        and indices.dtype.itemsize >= 4
        and indices.ndim == 1  # one place
        and updates.size <= _MAX_CHANGED
    )


def _is_large(kind: types.ArrayType) -> bool:
    return int(np.prod(kind.shape)) > _MAX_CHANGED


def _is_one_array(sides: Sequence[_Side], kind: types.ArrayType, pair: tuple[Any, Any]) -> bool:
    """Whether a leaf is small enough for a selection, or one array on both branches."""
    if not _is_large(kind):
        return True
    arrays = [side.array_behind(leaf) for side, leaf in zip(sides, pair, strict=True)]
    found = [types.type_of(array) for array in arrays if isinstance(array, types.Array)]
    return (
        arrays[0] is arrays[1] and bool(found) and all(other is not None and other[:2] == kind[:2] for other in found)
    )


def _are_one_change(sides: Sequence[_Side], first: Any, second: Any) -> bool:
    """Whether two changes are alike but for the place and the value, and of one array."""
    if _is_loop(first) or _is_loop(second) or sides[0].read(first.invars[0]) is not sides[1].read(second.invars[0]):
        return False
    if _is_item(first) and _is_item(second):
        return True
    return (
        first.primitive is second.primitive
        and str(first.params) == str(second.params)
        and all(
            a.aval.shape == b.aval.shape and a.aval.dtype == b.aval.dtype
            for a, b in zip(first.invars, second.invars, strict=True)
        )
    )


def _bind(equation: Any, operands: Sequence[Any]) -> Any:
    return equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))


def _is_item(equation: Any) -> bool:
    """Whether a change gives one item another value."""
    if equation.primitive.name == "dynamic_update_slice":
        return equation.invars[1].aval.size == 1
    return equation.primitive.name == "scatter" and equation.invars[2].aval.ndim == 0


class _Item:
    """One item of an array: where it is, and the value that it gets if it is inside and is to be stored."""

    def __init__(self, side: _Side, equation: Any, operands: Sequence[Any]) -> None:
        array, *rest = operands
        self.shape = (1,) * array.ndim
        self.is_inside: Any = True
        if equation.primitive.name == "dynamic_update_slice":
            value, *self.starts = rest
            under = side.condition_of(equation)
            if under is not None:
                value, self.is_inside = under
        else:
            indices, value = rest
            order = equation.params["dimension_numbers"].scatter_dims_to_operand_dims
            self.starts = [lax.index_in_dim(indices, order.index(axis), keepdims=False) for axis in range(array.ndim)]
            for start, size in zip(self.starts, array.shape, strict=True):
                inside = lax.bitwise_and(lax.ge(start, _like(start, 0)), lax.lt(start, _like(start, size)))
                self.is_inside = _both(self.is_inside, inside)
        self.value = lax.reshape(value, self.shape)

    def stored(self, array: Any, condition: Any) -> Any:
        """``array`` with the item, if ``condition`` holds."""
        condition = _both(condition, self.is_inside)
        value = self.value
        if condition is not True:
            value = _either(condition, value, _slice(array, self.starts, self.shape))
        return lax.dynamic_update_slice(array, value, self.starts, allow_negative_indices=False)


def _slice(array: Any, starts: Sequence[Any], shape: Sequence[int]) -> Any:
    return lax.dynamic_slice(array, starts, shape, allow_negative_indices=False)


def _like(place: Any, number: int) -> Any:
    return np.asarray(number, place.dtype)


def _both(a: Any, b: Any) -> Any:
    return b if a is True else a if b is True else lax.bitwise_and(a, b)


def _either(predicate: Any, a: Any, b: Any) -> Any:
    if a is b:
        return a
    if isinstance(a, types.Array) and isinstance(b, types.Array) and a.dtype == b.dtype and a.shape == b.shape:
        return lax.select(predicate, a, b)
    return jnp.where(predicate, a, b)


def _change_both(predicate: Any, sides: Sequence[_Side], first: Any, second: Any) -> None:
    equations = first, second
    ours, theirs = (
        [side.read(atom) for atom in equation.invars] for side, equation in zip(sides, equations, strict=True)
    )
    if _is_item(first) and _is_item(second):
        item, other = (_Item(*parts) for parts in zip(sides, equations, (ours, theirs), strict=True))
        item.starts = [_either(predicate, a, b) for a, b in zip(item.starts, other.starts, strict=True)]
        item.value = _either(predicate, item.value, other.value)
        item.is_inside = _either(predicate, item.is_inside, other.is_inside)
        result = item.stored(ours[0], True)
    else:
        operands = [_either(predicate, a, b) for a, b in zip(ours[1:], theirs[1:], strict=True)]
        result = _bind(first, [ours[0], *operands])
    sides[0].store(first, result)
    sides[1].store(second, result)


def _change_one(predicate: Any, side: _Side, other: _Side, equation: Any) -> None:
    array, *operands = (side.read(atom) for atom in equation.invars)
    if _is_loop(equation):
        results = _loop_if(predicate, equation, [array, *operands])
        side.store(equation, results)
        for new, (_, old) in zip(results, _changed(equation), strict=True):
            before = side.read(old)
            if jnp.ndim(before):
                other.sees(before, new)
        return
    if _is_item(equation):
        result = _Item(side, equation, [array, *operands]).stored(array, predicate)
    elif equation.primitive.name == "dynamic_update_slice":
        value, *starts = operands
        value = _either(predicate, value, _slice(array, starts, value.shape))
        result = _bind(equation, [array, value, *starts])
    else:
        indices, updates = operands
        nowhere = np.iinfo(indices.dtype).max
        result = _bind(equation, [array, jnp.where(predicate, indices, nowhere), updates])
    side.store(equation, result)
    other.sees(array, result)


def _loop_if(predicate: Any, equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """A loop that does no iteration unless ``predicate`` holds; what it counts by is then not what it was."""
    params = dict(equation.params)
    starts = _starts_if(predicate, equation, operands)
    if starts is not None:
        return equation.primitive.bind(*starts, **equation.primitive.get_bind_params(params))
    test, count = params["cond_jaxpr"], params["cond_nconsts"]

    def goes_on(allowed: Any, *values: Any) -> Any:
        return lax.bitwise_and(allowed, jax.core.eval_jaxpr(test.jaxpr, test.consts, *values)[0])

    params["cond_jaxpr"] = trace(lambda *values: [goes_on(*values)], [jax.typeof(predicate), *test.in_avals])
    params["cond_nconsts"] = count + 1
    return equation.primitive.bind(predicate, *operands, **equation.primitive.get_bind_params(params))


def _starts_if(predicate: Any, equation: Any, operands: Sequence[Any]) -> list[Any] | None:
    """The operands of a loop with numbers that its test is false for, unless ``predicate`` holds.

    That is possible where a comparison of integers which the loop changes is a part of the test; the loop then need not
    carry the predicate.
    """
    test, of_cond, of_body = (equation.params[name] for name in ("cond_jaxpr", "cond_nconsts", "body_nconsts"))
    jaxpr = test.jaxpr
    made = {variable: part for part in jaxpr.eqns for variable in part.outvars}
    state = {variable: of_cond + of_body + place for place, variable in enumerate(jaxpr.invars[of_cond:])}
    waiting = [jaxpr.outvars[0]]
    while waiting:
        part: Any = made.get(atom) if isinstance(atom := waiting.pop(), Var) else None
        name = "" if part is None else part.primitive.name
        if name == "and" or (name == "convert_element_type" and part.invars[0].aval.dtype == bool):
            waiting.extend(part.invars)
        if name not in ("lt", "gt", "le", "ge") or part.invars[0].aval.dtype.kind != "i":
            continue
        low, high = part.invars if name in ("lt", "le") else part.invars[::-1]
        places = [None if isinstance(atom, Literal) else state.get(atom) for atom in (low, high)]
        # No number is greater than the greatest, nor less than the least.
        chosen = [place for place in places if place is not None]
        if not chosen or (name in ("le", "ge") and len(chosen) == 1):
            continue
        limits = np.iinfo(low.aval.dtype)
        out = list(operands)
        for place, number, never in zip(places, (low, high), (limits.max, limits.min), strict=True):
            if place is not None and (place == chosen[0] or name in ("le", "ge")):
                kind = types.ArrayType((), number.aval.dtype, number.aval.weak_type)
                out[place] = lax.select(predicate, types.convert(operands[place], kind), types.convert(never, kind))
        return out
    return None


def _chosen(predicate: Any, kind: types.ArrayType, if_true: Any, if_false: Any) -> Any:
    on_true, on_false = types.convert(if_true, kind), types.convert(if_false, kind)
    return on_true if if_true is if_false else lax.select(predicate, on_true, on_false)
