"""``array[k]`` and ``array[k] = v`` for one staged index, in the operations that ``jax.numpy`` makes of them.

``jax.numpy`` understands all of NumPy's indexing, which takes it several times as long as to make the operations. Here
is the form that loops are full of; any other is left to it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .types import Array, Tracer

_MOST = np.iinfo(np.int32).max
_ITEM = lax.ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,))


def item(array: Any, index: Any) -> Any:
    """``array[index]``; ``NotImplemented`` for anything but a staged number as the index."""
    if not _is_place(array, index):
        return NotImplemented
    start = _from_start(index, array.shape[0])
    starts = [start] + [np.zeros((), index.dtype)] * (array.ndim - 1)
    part = lax.dynamic_slice(array, starts, (1, *array.shape[1:]), allow_negative_indices=False)
    return lax.squeeze(part, (0,))


def with_item(array: Any, index: Any, value: Any) -> Any:
    """``array`` with ``array[index] = value``; ``NotImplemented`` for anything but one number in a staged place."""
    if not _is_place(array, index) or array.ndim != 1 or jax.typeof(array).weak_type:
        return NotImplemented
    dtype = array.dtype
    if isinstance(value, Array):
        if value.shape or jnp.issubdtype(value.dtype, jax.dtypes.extended):
            return NotImplemented
        if value.dtype != dtype:
            value = value.astype(dtype)
    elif type(value) in (int, float) and dtype.kind == ("i" if type(value) is int else "f"):
        if dtype.kind == "i" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
            return NotImplemented
        value = np.asarray(value, dtype)
    else:
        return NotImplemented
    place = lax.convert_element_type(_from_start(index, array.shape[0]), np.int32)
    return lax.scatter(
        array,
        lax.broadcast_in_dim(place, (1,), ()),
        value,
        _ITEM,
        indices_are_sorted=True,
        unique_indices=True,
        mode=lax.GatherScatterMode.FILL_OR_DROP,
    )


def _is_place(array: Any, index: Any) -> bool:
    """Whether an index is one signed number of the graph, into an array of numbers on one device."""
    if not isinstance(index, Tracer) or not isinstance(array, Array):
        return False
    kind, of = jax.typeof(index), jax.typeof(array)
    return (
        kind.shape == ()
        and kind.dtype.kind == "i"
        and kind.dtype.itemsize >= 4
        and bool(of.shape)
        and all(isinstance(size, int) and 0 < size <= _MOST for size in of.shape)
        and not jnp.issubdtype(of.dtype, jax.dtypes.extended)
        and of.sharding.mesh.empty
        and kind.sharding.mesh.empty
    )


def _from_start(index: Any, size: int) -> Any:
    """An index that may count from the end, counted from the start."""
    behind = lax.add(index, np.asarray(size, index.dtype))
    return lax.select(lax.lt(index, np.zeros((), index.dtype)), behind, index)
