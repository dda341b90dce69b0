"""JAX's values as the staging layer sees them: leaves, their types, and the least type that holds several.

A Python number has a weak type, as in ``jax.jit``: it takes the dtype of the arrays that it meets.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import core

from ...errors import StagingError
from ...staging.choice import Choice, can_be_chosen
from ...staging.lists import Buffer, TensorList
from ...staging.one_of import OneOf
from ...staging.records import Record, record_of
from ...staging.state import CONTEXT, UNBOUND, Content, about_to_write
from ...staging.unify import Padded, Static, shown, unify
from ...staging.values import PLACEHOLDER, Late, Maybe
from ..common.failures import current_place

try:  # the public conversion drops the weak type, and a loop's state would then change its type
    from jax._src.lax.lax import _convert_element_type as _convert
except ImportError:  # pragma: no cover - another version of JAX

    def _convert(value: Any, dtype: Any, weak_type: bool = False) -> Any:
        return jax.lax.convert_element_type(value, dtype)


Array = jax.Array
Tracer = jax.core.Tracer
NUMBERS = (bool, int, float, complex)


class ArrayType(NamedTuple):
    shape: tuple[int, ...]
    dtype: Any
    weak: bool

    def struct(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(self.shape, self.dtype, weak_type=self.weak)

    def __str__(self) -> str:
        short = np.dtype(self.dtype).name if not jnp.issubdtype(self.dtype, jax.dtypes.extended) else str(self.dtype)
        return f"{short}[{','.join(map(str, self.shape))}]"


def type_of(leaf: Any) -> ArrayType | None:
    """The type of an array or number, ``None`` for anything else."""
    if isinstance(leaf, Array):  # tracers too
        aval = jax.typeof(leaf)
        # Whether a truth value is weakly typed makes no difference to anything.
        weak = bool(getattr(aval, "weak_type", False)) and aval.dtype != bool
        return ArrayType(tuple(aval.shape), aval.dtype, weak)
    kind = type(leaf)
    if kind is bool:
        return ArrayType((), np.dtype(bool), False)
    if kind in (int, float, complex):
        return ArrayType((), jnp.result_type(leaf), True)
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return ArrayType(tuple(leaf.shape), leaf.dtype, bool(leaf.weak_type))
    if isinstance(leaf, np.ndarray | np.generic):
        if leaf.dtype.kind not in "biufcV" or leaf.dtype.fields:
            return None
        return ArrayType(tuple(leaf.shape), jax.dtypes.canonicalize_dtype(leaf.dtype), False)
    return None


CODE = ArrayType((), np.dtype("int32"), False)
"""The type of the number by which an exception that is under way is known."""


def room_for(owner: TensorList, at_least: int) -> Any:
    """The room for a list that grows without a bound, or ``None`` where nobody could give it more."""
    return None if CONTEXT.rooms is None else CONTEXT.rooms.room_for(current_place(), owner.place, at_least)


def filled(buffer: Buffer, length: int) -> Buffer:
    """A buffer that is known to be full."""
    return Buffer(buffer.data, buffer.capacity)


def nonzero(code: Any) -> Any:
    return code != 0


def equal_code(code: Any, number: int) -> Any:
    return code == jnp.int32(number)


def other_code(code: Any, number: int) -> Any:
    return code != jnp.int32(number)


def is_array(value: Any) -> bool:
    return isinstance(value, Array)


_WEAK = {"b": False, "i": 0, "u": 0, "f": 0.0, "c": 0j}


def join(types: Sequence[ArrayType]) -> ArrayType:
    """The least type that holds all of ``types``.

    Raises:
        ValueError: two shapes differ and neither is a scalar's.
    """
    first = types[0]
    if all(other == first for other in types[1:]):
        return first
    shape: tuple[int, ...] = ()
    for other in types:
        if other.shape != shape:
            if shape and other.shape:
                raise ValueError(f"shapes {shape} and {other.shape} do not fit")
            shape = shape or other.shape
    if all(other.dtype == first.dtype for other in types):
        return ArrayType(shape, first.dtype, all(other.weak for other in types))
    if any(jnp.issubdtype(other.dtype, jax.dtypes.extended) for other in types):
        raise ValueError("dtypes do not fit")
    weak = all(other.weak or other.dtype == bool for other in types) and any(other.weak for other in types)
    dtype = jnp.result_type(*(_WEAK[other.dtype.kind] if other.weak else other.dtype for other in types))
    return ArrayType(shape, dtype, weak)


def convert(value: Any, to: ArrayType) -> Any:
    """``value`` as an array of type ``to``; zeros for a value that nothing reads."""
    if value is PLACEHOLDER or value is UNBOUND:
        return zeros(to)
    if type_of(value) == to and isinstance(value, Array):
        return value
    if not jnp.issubdtype(to.dtype, jax.dtypes.extended):
        value = jnp.asarray(value)
        if value.dtype != to.dtype or (bool(jax.typeof(value).weak_type) != to.weak and to.dtype != bool):
            value = _convert(value, to.dtype, weak_type=to.weak)
    if value.shape != to.shape:
        value = jnp.broadcast_to(value, to.shape)
    return value


def plus(number: Any, step: int) -> Any:
    """``number + step`` in the type of ``number``, without the promotion that an operator begins with."""
    kind = type_of(number)
    assert kind is not None
    if not kind.weak:
        return jax.lax.add(number, np.asarray(step, kind.dtype))
    return jax.lax.add(number, step) if kind.dtype == jnp.result_type(0) else number + step


def is_less(a: Any, b: Any) -> Any:
    """``a < b`` for two numbers, one of them in the graph."""
    kinds = type_of(a), type_of(b)
    return jax.lax.lt(a, b) if kinds[0] is not None and kinds[0][:2] == (kinds[1] or ())[:2] else a < b


def lifted(value: Any) -> Any:
    """A concrete array that an ``ag.function`` being traced has found outside, as a value of the graph."""
    if CONTEXT.boundary is None or isinstance(value, Tracer) or not isinstance(value, Array):
        return value
    return jnp.array(value, copy=True)


def zeros(of: ArrayType) -> Any:
    if jnp.issubdtype(of.dtype, jax.dtypes.extended):
        keys = jax.random.key(0, impl=jax.random.key_impl(jax.random.key(0)))
        return jnp.broadcast_to(keys, of.shape)
    return _convert(jnp.zeros(of.shape, of.dtype), of.dtype, weak_type=of.weak)


def _is_part(value: Any) -> bool:
    return value is None or value is PLACEHOLDER or value is UNBOUND


def _is_leaf(value: Any) -> bool:
    return _is_part(value) or type(value) is Choice


def flatten_choices(value: Any) -> tuple[list[Any], Any]:
    CONTEXT.flattening += 1
    try:
        return jax.tree_util.tree_flatten(value, is_leaf=_is_part)
    finally:
        CONTEXT.flattening -= 1


def is_option(leaf: Any) -> bool:
    """Whether a value that differs between paths can be one option of a choice."""
    return leaf is not UNBOUND and can_be_chosen(leaf) and record_of(leaf) is None


def flatten(value: Any) -> tuple[list[Any], Any]:
    CONTEXT.flattening += 1
    try:
        return jax.tree_util.tree_flatten(value, is_leaf=_is_leaf)
    finally:
        CONTEXT.flattening -= 1


def _flattened(node: Any, children: tuple[Any, ...]) -> tuple[Any, ...]:
    """The children of a value that only staged code knows, unless something else asks for them."""
    if not CONTEXT.flattening:
        raise StagingError(
            f"{node!r} cannot leave the graph here: a transformation of JAX's returns arrays, and on some path this is "
            "something else. Return an array on every path, or use ag.function, which returns what Python would"
        )
    return children


def unflatten(structure: Any, leaves: Sequence[Any]) -> Any:
    return jax.tree_util.tree_unflatten(structure, leaves)


def is_object(value: Any) -> bool:
    """Whether a value can change while it stays the same object."""
    if isinstance(value, list | dict | set):
        return True
    leaves, _ = flatten(value)
    return len(leaves) == 1 and leaves[0] is value and type_of(value) is None and hasattr(value, "__dict__")


def is_of_trace(value: Any) -> bool:
    """Whether ``value`` has come into being in the trace that is under way."""
    return isinstance(value, Tracer) and value._trace is core.trace_ctx.trace


def describe(value: Any) -> str:
    """A value's type as an error message shows it."""
    return shown(value, sys.modules[__name__])


def _list_of(content: Any) -> list[Any]:
    """What a list that left a trace becomes: one of Python's, if it was one all along."""
    if isinstance(content, list) and not any(isinstance(leaf, Tracer) for leaf in jax.tree_util.tree_leaves(content)):
        return content
    return TensorList.of(content)


def expand(leaf: Any) -> Any:
    """``leaf`` as a pytree of its attributes, if it is an object that has some; otherwise as it is."""
    record = record_of(leaf)
    if record is None:
        return leaf
    return Record(record.kind, {name: jax.tree_util.tree_map(expand, value) for name, value in record.fields.items()})


# Rows: pytrees of arrays that share their first axis.


def row_struct(data: Any) -> Any:
    """What one row looks like, as types without values."""
    return jax.tree_util.tree_map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype, weak_type=bool(jax.typeof(leaf).weak_type)), data
    )


def zeros_rows(kind: ArrayType, count: int) -> Any:
    return zeros(ArrayType((count, *kind.shape), kind.dtype, kind.weak))


def get_row(data: Any, index: Any) -> Any:
    return jax.tree_util.tree_map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False), data)


def set_row(data: Any, index: Any, row: Any) -> Any:
    def put(leaf: Any, value: Any) -> Any:
        kind = type_of(leaf)
        assert kind is not None
        value = convert(value, join([ArrayType(kind.shape[1:], kind.dtype, kind.weak)]))
        return jax.lax.dynamic_update_index_in_dim(leaf, value, index, 0)

    return jax.tree_util.tree_map(put, data, row)


def copy_rows(source: Any, target: Any) -> Any:
    """``target`` with its first rows taken from ``source``."""
    return jax.tree_util.tree_map(lambda old, new: new.at[: old.shape[0]].set(old[: new.shape[0]]), source, target)


# Buffers of lists.

LISTS_NEED_ROOM = True
"""Whether a list that grows in a loop has to be told beforehand how long it can get."""


def make_buffer(owner: TensorList, capacity: int, examples: Sequence[Any], mode: Any = "free") -> Buffer:
    """Makes a list of the program's a buffer, with elements of the least type that holds those of ``examples``.

    The examples may be of another trace: only their types are looked at.
    """
    old = owner.__ag_content__()
    elements: list[Any] = []
    for content in (old, *examples):
        elements += [row_struct(content.data)] if isinstance(content, Buffer) else content
    unified = unify("an element of a list", elements, False, sys.modules[__name__], keep_numbers=False)
    if any(isinstance(kind, Static) for kind in unified.leaves):
        raise StagingError("a list that grows in a staged loop or branch can only hold numbers and arrays")
    data = unflatten(unified.structure, [zeros_rows(kind, capacity) for kind in unified.leaves])
    if isinstance(old, Buffer):
        bound = old.length if isinstance(old.length, int) else old.bound
        buffer = Buffer(copy_rows(old.data, data), old.length, mode, old.capacity if bound is None else bound)
    else:
        for index, item in enumerate(old):
            data = set_row(data, index, item)
        buffer = Buffer(data, len(old), mode, len(old))
    about_to_write(Content(owner))
    owner.__ag_set_content__(buffer)
    return buffer


jax.tree_util.register_pytree_node(
    Buffer,
    lambda node: ((node.data, node.length), node.mode),
    lambda mode, children: Buffer(children[0], children[1], mode),
)

for _kind, _fields in ((Late, ("value", "bound")), (Maybe, ("value", "present"))):
    jax.tree_util.register_pytree_node(
        _kind,
        lambda node, fields=_fields: (_flattened(node, tuple(getattr(node, field) for field in fields)), None),
        lambda _, children, kind=_kind: kind(*children),
    )

PADS_LISTS = True
"""Whether a list that has other lengths on other paths can be one of staged length."""


def _list_of_length(items: list[Any], length: Any) -> TensorList:
    rows = jax.tree_util.tree_map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *items)
    buffer = Buffer(rows, length, "free", len(items))
    buffer.items = items
    return TensorList.of(buffer)


jax.tree_util.register_pytree_node(
    Padded,
    lambda node: ((node.items, node.length), None),
    lambda _, children: _list_of_length(*children),
)

jax.tree_util.register_pytree_node(
    Choice,
    lambda node: (_flattened(node, (node.number,)), node.options),
    lambda options, children: Choice(options, *children),
)

jax.tree_util.register_pytree_node(
    OneOf,
    lambda node: (_flattened(node, (node.number,)), node.entries),
    lambda entries, children: OneOf(entries, *children),
)

jax.tree_util.register_pytree_node(
    Record,
    lambda node: (tuple(node.fields.values()), (node.kind, tuple(node.fields))),
    lambda form, children: Record(form[0], dict(zip(form[1], children, strict=True))).instance(),
)

jax.tree_util.register_pytree_node(
    TensorList,
    lambda node: ((node.__ag_content__(),), None),
    lambda _, children: _list_of(children[0]),
)
