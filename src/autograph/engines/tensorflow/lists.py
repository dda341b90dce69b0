"""What a list does to its elements, where the graph decides how many there are.

A tensor list can only be read and written at an index, added to and taken from at its end. For everything else its
elements are stacked, and the result is a new list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ...staging.lists import Buffer
from ...staging.unify import unify
from . import types
from .numbers import as_number, as_tensor
from .types import Handles

_TYPES: Any = types


def _handles(buffer: Buffer) -> Handles:
    assert isinstance(buffer, Handles)
    return buffer


def _stacked(buffer: Handles) -> list[Any]:
    """The elements, for each leaf in one tensor."""
    return types.flatten(buffer.stack())[0]


def of_rows(columns: list[Any], like: Handles) -> Handles:
    """A list of the rows of stacked leaves."""
    data = [
        tf.raw_ops.TensorListFromTensor(tensor=as_tensor(column), element_shape=types.shape_tensor(kind))
        for column, kind in zip(columns, like.kinds, strict=True)
    ]
    return Handles(data, like.structure, like.kinds)


def _with_rows(buffer: Buffer, change: Callable[[Any], Any]) -> Handles:
    handles = _handles(buffer)
    return of_rows([change(column) for column in _stacked(handles)], handles)


def _index(index: Any) -> Any:
    return tf.cast(as_tensor(tf.convert_to_tensor(index)), tf.int32)


def deleted(buffer: Buffer, index: Any) -> Handles:
    """Without the element at ``index``."""
    place = _index(index)
    return _with_rows(buffer, lambda rows: tf.concat([rows[:place], rows[place + 1 :]], 0))


def inserted(buffer: Buffer, index: Any, value: Any) -> Handles:
    """With ``value`` in front of the element at ``index``; an index beyond either end means that end."""
    handles = _handles(buffer)
    length = _index(handles.length)
    place = _index(index)
    place = tf.clip_by_value(tf.where(place < 0, place + length, place), 0, length)
    leaves = handles.leaves(value)
    columns = [
        tf.concat([rows[:place], leaf[None], rows[place:]], 0)
        for rows, leaf in zip(_stacked(handles), leaves, strict=True)
    ]
    return of_rows(columns, handles)


def backwards(buffer: Buffer) -> Handles:
    return _with_rows(buffer, lambda rows: tf.reverse(rows, [0]))


def ordered(buffer: Buffer, key: Callable[[Any], Any] | None, reverse: bool) -> Handles:
    """In ascending order of the keys, equal ones as they came."""
    handles = _handles(buffer)
    columns = _stacked(handles)
    if key is None:
        keys = columns
    else:
        made = tf.map_fn(
            lambda index: types.flatten(key(handles.get(index)))[0],
            tf.range(_index(handles.length)),
            fn_output_signature=_types_of_key(handles, key),
        )
        keys = made
    if any(column.shape.rank != 1 for column in keys):
        raise ValueError("sorting needs a number, or a tuple of numbers, for each element")
    count = tf.shape(keys[0])[0]
    order = tf.range(count)
    for column in reversed(keys):  # by the last key first, as the sort is stable
        current = tf.gather(column, order)
        if reverse:
            step = count - 1 - tf.argsort(tf.reverse(current, [0]), stable=True)[::-1]
        else:
            step = tf.argsort(current, stable=True)
        order = tf.gather(order, step)
    return of_rows([tf.gather(column, order) for column in columns], handles)


def _types_of_key(handles: Handles, key: Callable[[Any], Any]) -> list[tf.DType]:
    from .regions import new_run

    with new_run("key").graph.as_default():
        leaves = types.flatten(key(handles.get(tf.constant(0))))[0]
        return [tf.convert_to_tensor(leaf).dtype for leaf in leaves]


def part(buffer: Buffer, key: slice) -> Handles:
    """``items[start:stop:step]``"""
    start, stop = (None if bound is None else _index(bound) for bound in (key.start, key.stop))
    return _with_rows(buffer, lambda rows: rows[start : stop : key.step])


def _matches(buffer: Buffer, value: Any) -> Any:
    handles = _handles(buffer)
    hits: Any = tf.fill([_index(handles.length)], True)
    for rows, leaf in zip(_stacked(handles), handles.leaves(value), strict=True):
        same = tf.equal(rows, leaf)
        rest = tf.range(1, tf.rank(same))
        hits = tf.logical_and(hits, tf.reduce_all(same, axis=rest))
    return hits


def first_match(buffer: Buffer, value: Any) -> tuple[Any, Any]:
    """Whether an element equals ``value``, and the index of the first that does."""
    hits = _matches(buffer, value)
    # In front of an empty list stands a row that matches nothing, so that there is always one to point at.
    padded = tf.concat([tf.cast(hits, tf.int32), [0]], 0)
    return tf.reduce_any(hits), as_number(tf.argmax(padded, output_type=tf.int32))


def equal(one: Buffer, other: Buffer) -> Any:
    """Whether both hold equal elements."""
    left, right = _handles(one), _handles(other)
    if left.structure != right.structure:
        return tf.constant(False)
    lengths = tf.equal(_index(left.length), _index(right.length))
    count = tf.minimum(_index(left.length), _index(right.length))
    same = lengths
    for a, b in zip(_stacked(left), _stacked(right), strict=True):
        same = tf.logical_and(same, tf.reduce_all(tf.equal(a[:count], tf.cast(b[:count], a.dtype))))
    return same


def matches(buffer: Buffer, value: Any) -> Any:
    """How many elements equal ``value``."""
    return as_number(tf.reduce_sum(tf.cast(_matches(buffer, value), tf.int32)))


def joined(buffer: Buffer, other: Buffer) -> Handles:
    """The elements of both, one behind the other."""
    left, right = _handles(buffer), _handles(other)
    columns = [tf.concat([a, tf.cast(b, a.dtype)], 0) for a, b in zip(_stacked(left), _stacked(right), strict=True)]
    return of_rows(columns, left)


def repeated(buffer: Buffer, times: Any) -> Handles:
    """The elements ``times`` times over."""
    count = tf.maximum(_index(times), 0)

    def tile(rows: Any) -> Any:
        multiples = tf.concat([[count], tf.ones([tf.rank(rows) - 1], tf.int32)], 0)
        return tf.tile(rows, multiples)

    return _with_rows(buffer, tile)


def of(items: list[Any]) -> Handles:
    """A tensor list of these elements."""
    unified = unify("an element of a list", items, False, _TYPES, keep_numbers=False)
    made = types.empty_handles(unified.structure, unified.leaves)
    for item in items:
        made = made.append(item)
    return made


def like(items: list[Any], other: Buffer, room: int) -> Handles:
    """``items`` as a tensor list with elements like those of ``other``."""
    handles = _handles(other)
    made = types.empty_handles(handles.structure, handles.kinds)
    for item in items:
        made = made.append(item)
    return made


def emptied(buffer: Buffer) -> Handles:
    handles = _handles(buffer)
    return types.empty_handles(handles.structure, handles.kinds)


def elements(buffer: Buffer, count: int) -> list[Any]:
    """Each element for itself."""
    handles = _handles(buffer)
    return [handles.get(index) for index in range(count)]
