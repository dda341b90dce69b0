"""``tensor[key]`` and ``tensor[key] = value`` for tensors, which do not change: a new one is made."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from .numbers import as_tensor


def item(tensor: Any, key: Any) -> Any:
    """``tensor[key]``, where a part of the key may be an array of numbers."""
    if _is_vector(key):
        return tf.boolean_mask(tensor, key) if _dtype(key) == tf.bool else tf.gather(tensor, _from_start(tensor, key))
    return tensor[key]


def updated(tensor: Any, key: Any, value: Any) -> Any:
    """``tensor`` with ``tensor[key] = value``, in the dtype of ``tensor``."""
    value = tf.cast(as_tensor(tf.convert_to_tensor(value)), tensor.dtype) if not _is_plain(value) else value
    value = tf.convert_to_tensor(value, tensor.dtype)
    if _is_vector(key):
        if _dtype(key) == tf.bool:
            return _masked(tensor, key, value)
        places = _from_start(tensor, key)
        rows = tf.concat([tf.shape(places), _shape_from(tensor, 1)], 0)
        return tf.tensor_scatter_nd_update(tensor, places[..., None], tf.broadcast_to(value, rows))
    numbers = key if isinstance(key, tuple) else (key,)
    if numbers and all(map(_is_number, numbers)):
        place = [tf.cast(_from_start(tensor, number, axis), tf.int32) for axis, number in enumerate(numbers)]
        row = tf.broadcast_to(value, _shape_from(tensor, len(numbers)))
        return tf.tensor_scatter_nd_update(tensor, [place], row[None])
    if isinstance(key, tuple) and any(map(_is_vector, key)):
        return _scattered(tensor, key, value)
    return _sliced(tensor, key, value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex | str)


def _dtype(key: Any) -> tf.DType:
    return tf.convert_to_tensor(key).dtype


def _is_vector(key: Any) -> bool:
    if isinstance(key, list | np.ndarray):
        return np.ndim(key) > 0 if isinstance(key, np.ndarray) else True
    return isinstance(key, tf.Tensor) and key.shape.rank != 0


def _is_number(key: Any) -> bool:
    return (isinstance(key, int | np.integer) and not isinstance(key, bool)) or (
        isinstance(key, tf.Tensor) and key.shape.rank == 0 and key.dtype.is_integer
    )


def _from_start(tensor: Any, key: Any, axis: int = 0) -> Any:
    """Indices counted from the start, which TensorFlow's scatter and gather need."""
    if isinstance(key, int | np.integer):
        size = tensor.shape[axis] if tensor.shape.rank is not None and key < 0 else None
        return int(key) if key >= 0 else int(key) + (tf.shape(tensor)[axis] if size is None else size)
    key = as_tensor(tf.convert_to_tensor(key))
    size = tensor.shape[axis] if tensor.shape.rank is not None else None
    if size is None:
        size = tf.cast(tf.shape(tensor)[axis], key.dtype)
    return tf.where(key < 0, key + size, key)


def _shape_from(tensor: Any, axis: int) -> Any:
    """The sizes behind ``axis``; a constant, where that is possible, is what XLA needs."""
    known = tensor.shape[axis:] if tensor.shape.rank is not None else None
    if known is not None and known.is_fully_defined():
        return tf.constant(known.as_list(), tf.int32)
    return tf.shape(tensor)[axis:]


def _masked(tensor: Any, mask: Any, value: Any) -> Any:
    mask = tf.convert_to_tensor(mask)
    if value.shape.rank == 0 or (mask.shape.rank == tensor.shape.rank and value.shape == tensor.shape):
        extra = tensor.shape.rank - mask.shape.rank
        wide = tf.reshape(mask, tf.concat([tf.shape(mask), tf.ones(extra, tf.int32)], 0)) if extra else mask
        return tf.where(wide, value, tensor)
    return tf.tensor_scatter_nd_update(tensor, tf.where(mask), value)


def _scattered(tensor: Any, key: tuple[Any, ...], value: Any) -> Any:
    """``tensor[rows, columns] = value``: arrays of numbers, broadcast against each other."""
    if any(isinstance(part, slice) or part is None or part is Ellipsis for part in key):
        raise TypeError(
            "an assignment that mixes arrays of indices with slices is not supported for tensors; "
            "write it with slices alone, or with indices alone"
        )
    parts = [tf.cast(_from_start(tensor, part, axis), tf.int32) for axis, part in enumerate(key)]
    shape = parts[0].shape
    for part in parts[1:]:
        shape = tf.broadcast_static_shape(shape, part.shape)
    places = tf.stack([tf.broadcast_to(part, shape) for part in parts], -1)
    rows = tf.concat([tf.shape(places)[:-1], _shape_from(tensor, len(parts))], 0)
    return tf.tensor_scatter_nd_update(tensor, places, tf.broadcast_to(value, rows))


def _sliced(tensor: Any, key: Any, value: Any) -> Any:
    """Numbers, slices, ``...`` and ``None``: the strided slice of TensorFlow's, with its masks."""
    parts = key if isinstance(key, tuple) else (key,)
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for position, part in enumerate(parts):
        bit = 1 << position
        if part is Ellipsis:
            bounds: tuple[Any, Any, Any] = (0, 0, 1)
            masks["ellipsis_mask"] |= bit
        elif part is None:
            bounds = (0, 0, 1)
            masks["new_axis_mask"] |= bit
        elif isinstance(part, slice):
            bounds = (part.start, part.stop, part.step)
            masks["begin_mask"] |= bit if part.start is None else 0
            masks["end_mask"] |= bit if part.stop is None else 0
        else:
            index = as_tensor(part)
            # The end behind the last element is that of the whole axis, which -1 + 1 would not say.
            bounds = (index, index + 1, 1)
            if isinstance(index, tf.Tensor) or index == -1:
                masks["end_mask"] |= bit if not isinstance(index, tf.Tensor) else 0
                if isinstance(index, tf.Tensor):
                    index = tf.where(index < 0, index + tf.cast(tf.shape(tensor)[position], index.dtype), index)
                    bounds = (index, index + 1, 1)
            masks["shrink_axis_mask"] |= bit
        for bound, into, default in zip(bounds, (begin, end, strides), (0, 0, 1), strict=True):
            into.append(default if bound is None else tf.cast(as_tensor(bound), tf.int32))
    packed = [tf.stack(bounds) for bounds in (begin, end, strides)]
    target = tf.raw_ops.StridedSlice(input=tensor, begin=packed[0], end=packed[1], strides=packed[2], **masks)
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=tensor,
        begin=packed[0],
        end=packed[1],
        strides=packed[2],
        value=tf.broadcast_to(value, tf.shape(target)),
        **masks,
    )
