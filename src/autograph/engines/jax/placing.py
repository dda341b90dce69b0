"""Items and parts of arrays: what is read after it was stored, and what is stored at a place that is inside.

Rules as those of ``peephole``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import lax
from jax.extend.core import Literal, Var

from .derivatives.internals import core
from .peephole import UNKNOWN, Rule, Scope, is_kind, is_same, literal, number_of
from .ranges import of_dtype


def _widest(scope: Scope, places: Sequence[Any]) -> list[Any]:
    """Places in an array as they were before they were made narrower, which they need not be."""
    sources = []
    for atom in places:
        made = scope.made.get(atom) if isinstance(atom, Var) else None
        if made is not None and made.primitive.name == "convert_element_type":
            source = made.invars[0]
            bounds, limits = scope.ranges.of(source), of_dtype(atom.aval.dtype)
            if (
                is_kind(source.aval, "i")
                and bounds is not None
                and limits is not None
                and limits[0] <= bounds[0]
                and bounds[1] <= limits[1]
            ):
                atom = source
        sources.append(atom)
    kinds = {atom.aval.dtype for atom in sources if not isinstance(atom, Literal)}
    if len(kinds) != 1 or any(
        isinstance(atom, Literal) and (number_of(atom) is None or atom.aval.dtype.kind not in "iu") for atom in sources
    ):
        return list(places)
    [dtype] = kinds
    limits = of_dtype(dtype)
    assert limits is not None
    out = []
    for atom in sources:
        if isinstance(atom, Literal):
            if not limits[0] <= int(atom.val) <= limits[1]:
                return list(places)
            if atom.aval.dtype != dtype:
                atom = literal(int(atom.val), core.ShapedArray((), dtype))
        out.append(atom)
    return out


def _is_inside(scope: Scope, places: Sequence[Any], array: Any, sizes: Sequence[int]) -> bool:
    """Whether a part of an array with its first item at ``places`` lies within the array, as far as is known."""
    for atom, whole, part in zip(places, array.aval.shape, sizes, strict=True):
        bounds = scope.ranges.of(atom)
        if bounds is None or not isinstance(whole, int) or bounds[0] < 0 or bounds[1] > whole - part:
            return False
    return True


def _base(scope: Scope, atom: Any) -> tuple[Any, int]:
    """A number as another one and a constant that is added to it."""
    offset = 0
    while isinstance(atom, Var):
        made = scope.made.get(atom)
        if made is None or made.primitive.name not in ("add", "sub"):
            break
        a, b = made.invars
        if made.primitive.name == "add" and number_of(a) is not None:
            a, b = b, a
        by = number_of(b)
        if by is None:
            break
        atom, offset = a, offset + (by if made.primitive.name == "add" else -by)
    value = number_of(atom)
    return (None, offset + value) if value is not None else (atom, offset)


def _are_apart(scope: Scope, ours: Sequence[Any], theirs: Sequence[Any], sizes: Sequence[int]) -> bool:
    """Whether two parts of one size, both inside of the array, have no item in common."""
    for a, b, size in zip(ours, theirs, sizes, strict=True):
        base, offset = _base(scope, a)
        other, by = _base(scope, b)
        if base is other and abs(offset - by) >= size:
            return True
    return False


def _dynamic_slice(scope: Scope, equation: Any) -> Any:
    array, *places = equation.invars
    sizes = equation.params["slice_sizes"]
    places = _widest(scope, places)
    while isinstance(array, Var):
        made = scope.made.get(array)
        if made is None or made.primitive.name != "dynamic_update_slice" or made.invars[1].aval.shape != tuple(sizes):
            break
        stored = made.invars[2:]
        if all(is_same(a, b) for a, b in zip(places, stored, strict=True)):
            return made.invars[1]
        if not (
            _is_inside(scope, places, array, sizes)
            and _is_inside(scope, stored, array, sizes)
            and _are_apart(scope, places, stored, sizes)
        ):
            break
        array = made.invars[0]
    return scope.add(equation.replace(invars=[array, *places]))[0]


def _dynamic_update_slice(scope: Scope, equation: Any) -> Any:
    array, value, *places = equation.invars
    return scope.add(equation.replace(invars=[array, value, *_widest(scope, places)]))[0]


def _scatter(scope: Scope, equation: Any) -> Any:
    """An item that is stored at a place which is known to be inside."""
    array, indices, value = equation.invars
    params = equation.params
    numbers = params["dimension_numbers"]
    if (
        params["mode"] != lax.GatherScatterMode.FILL_OR_DROP
        or indices.aval.ndim != 1
        or value.aval.ndim
        or numbers.update_window_dims
        or len(numbers.inserted_window_dims) != array.aval.ndim
        or value.aval.dtype != array.aval.dtype
    ):
        return UNKNOWN
    made = scope.made.get(indices) if isinstance(indices, Var) else None
    if made is None:
        return UNKNOWN
    parts = made.invars if made.primitive.name == "concatenate" else [indices]
    order = numbers.scatter_dims_to_operand_dims
    if len(parts) != len(order) or any(part.aval.shape != (1,) for part in parts):
        return UNKNOWN
    places = []
    for axis in range(array.aval.ndim):
        part = parts[order.index(axis)]
        made = scope.made.get(part) if isinstance(part, Var) else None
        if made is None or made.primitive.name not in ("broadcast_in_dim", "reshape") or made.invars[0].aval.shape:
            return UNKNOWN
        places.append(made.invars[0])
    places = _widest(scope, places)
    shape = (1,) * array.aval.ndim
    if not _is_inside(scope, places, array, shape):
        return UNKNOWN
    aval = core.ShapedArray(shape, array.aval.dtype)
    item = scope.emit(lax.reshape_p, [value], aval, {"new_sizes": shape, "dimensions": None, "sharding": None})
    return scope.emit(lax.dynamic_update_slice_p, [array, item, *places], array.aval)


RULES: dict[str, Rule] = {
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "scatter": _scatter,
}
