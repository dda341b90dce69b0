"""What a list does to its elements, where the graph decides how many there are.

Each change is one gather: the new row ``k`` is the old row at ``positions[k]``. Only the first ``length`` rows count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ...errors import StagingError
from ...staging.calls import call
from ...staging.lists import Buffer
from ..base import engine
from . import types


def _gathered(buffer: Buffer, positions: Any, length: Any) -> Buffer:
    data = jax.tree_util.tree_map(lambda leaf: jnp.take(leaf, positions, axis=0, mode="clip"), buffer.data)
    return Buffer(data, length, buffer.mode, buffer.bound)


def _rows(buffer: Buffer) -> Any:
    return jnp.arange(buffer.capacity)


def deleted(buffer: Buffer, index: Any) -> Buffer:
    """Without the element at ``index``."""
    buffer.looked_at()
    rows = _rows(buffer)
    return _gathered(buffer, rows + (rows >= index), buffer.length - 1)


def inserted(buffer: Buffer, index: Any, value: Any) -> Buffer:
    """With ``value`` in front of the element at ``index``; an index beyond either end means that end."""
    length = buffer.length
    longer = buffer.append(value)
    index = jnp.where(index < 0, jnp.maximum(index + length, 0), jnp.minimum(index, length))
    rows = _rows(longer)
    moved = _gathered(longer, rows - (rows > index), longer.length)
    return Buffer(types.set_row(moved.data, index, value), moved.length, moved.mode, moved.bound)


def backwards(buffer: Buffer) -> Buffer:
    return _gathered(buffer, buffer.length - 1 - _rows(buffer), buffer.length)


def ordered(buffer: Buffer, key: Callable[[Any], Any] | None, reverse: bool) -> Buffer:
    """In ascending order of the keys, equal ones as they came."""
    buffer.looked_at()
    keys = buffer.data if key is None else jax.vmap(call(key))(buffer.data)
    leaves = jax.tree_util.tree_leaves(keys)
    if any(leaf.ndim != 1 for leaf in leaves):
        raise ValueError("a list is sorted by one number for each element, or by a tuple of numbers")
    behind = _rows(buffer) >= buffer.length
    columns = [-leaf if reverse and leaf.dtype != bool else leaf ^ reverse if reverse else leaf for leaf in leaves]
    if reverse and any(jnp.issubdtype(leaf.dtype, jnp.unsignedinteger) for leaf in leaves):
        columns = [jnp.iinfo(leaf.dtype).max - leaf for leaf in leaves]
    return _gathered(buffer, jnp.lexsort([*reversed(columns), behind]), buffer.length)


def part(buffer: Buffer, key: slice) -> Buffer:
    """``items[start:stop:step]``, where ``step`` is a number of Python's."""
    buffer.looked_at()
    length, step = buffer.length, 1 if key.step is None else key.step

    def bound(value: Any, default: Any, low: Any, high: Any) -> Any:
        if value is None:
            return default
        return jnp.clip(jnp.where(value < 0, value + length, value), low, high)

    if step > 0:
        start, stop = bound(key.start, 0, 0, length), bound(key.stop, length, 0, length)
    else:
        start, stop = bound(key.start, length - 1, -1, length - 1), bound(key.stop, -1, -1, length - 1)
    count = jnp.maximum((stop - start + step - (1 if step > 0 else -1)) // step, 0)
    new = _gathered(buffer, start + _rows(buffer) * step, count)
    return Buffer(new.data, count, "free", buffer.capacity)


def _matches(buffer: Buffer, value: Any) -> Any:
    buffer.looked_at()
    equal = jax.tree_util.tree_map(
        lambda leaf, wanted: jnp.all((leaf == wanted).reshape(leaf.shape[0], -1), axis=1), buffer.data, value
    )
    hits = _rows(buffer) < buffer.length
    for leaf in jax.tree_util.tree_leaves(equal):
        hits = hits & leaf
    return hits


def first_match(buffer: Buffer, value: Any) -> tuple[Any, Any]:
    """Whether an element equals ``value``, and the index of the first that does."""
    hits = _matches(buffer, value)
    return jnp.any(hits), jnp.argmax(hits)


def equal(one: Buffer, other: Buffer) -> Any:
    """Whether both hold equal elements."""
    count = max(one.capacity, other.capacity)
    rows = jnp.arange(count)
    same = jnp.asarray(one.length == other.length)
    mine, theirs = _gathered(one, rows, 0).data, _gathered(other, rows, 0).data
    behind = rows >= one.length
    for a, b in zip(jax.tree_util.tree_leaves(mine), jax.tree_util.tree_leaves(theirs), strict=True):
        same = same & jnp.all((a == b).reshape(count, -1).all(axis=1) | behind)
    return same


def matches(buffer: Buffer, value: Any) -> Any:
    """How many elements equal ``value``."""
    return jnp.sum(_matches(buffer, value))


def joined(buffer: Buffer, other: Buffer) -> Buffer:
    """The elements of both, one behind the other."""
    total = buffer.length + other.length
    data = buffer.data
    if isinstance(buffer.mode, str):
        room = buffer.capacity + other.capacity
        data = jax.tree_util.tree_map(
            lambda leaf: jnp.concatenate([leaf, jnp.zeros((other.capacity, *leaf.shape[1:]), leaf.dtype)]), data
        )
    else:
        room = buffer.capacity
        buffer.mode.require(total)
    rows = jnp.arange(room)
    own = rows < buffer.length

    def choose(mine: Any, theirs: Any) -> Any:
        moved = jnp.take(theirs, rows - buffer.length, axis=0, mode="clip")
        return jnp.where(own.reshape(-1, *[1] * (mine.ndim - 1)), mine, moved.astype(mine.dtype))

    data = jax.tree_util.tree_map(choose, data, other.data)
    return Buffer(data, total, buffer.mode, None if buffer.bound is None else room)


def of(items: list[Any]) -> Buffer:
    """A buffer of these elements."""
    return Buffer(engine("jax").stack_trees(items), len(items), "free", len(items))


def like(items: list[Any], other: Buffer, room: int) -> Buffer:
    """``items`` as a buffer with elements like those of ``other``, and room for some more."""
    if not items and not room:
        return Buffer(other.data, 0, "free", 0)
    return Buffer.of(items, len(items) + room, other)


def emptied(buffer: Buffer) -> Buffer:
    return Buffer(buffer.data, 0, buffer.mode, 0)


def elements(buffer: Buffer, count: int) -> list[Any]:
    """Each element for itself."""
    return [types.get_row(buffer.data, index) for index in range(count)]


def repeated(buffer: Buffer, times: Any) -> Buffer:
    """The elements ``times`` times over; ``times`` is a number of Python's.

    Raises:
        StagingError: the graph decides how many times.
    """
    if not isinstance(times, int):
        raise StagingError("how many times a list is repeated has to be a number that Python knows")
    count = max(times, 0)
    positions = jnp.arange(buffer.capacity * max(count, 1)) % jnp.maximum(buffer.length, 1)
    new = _gathered(buffer, positions, buffer.length * count)
    return Buffer(new.data, new.length, "free", buffer.capacity * max(count, 1))
