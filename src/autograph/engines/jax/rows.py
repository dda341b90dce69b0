"""The rows of an array that a call has given, each as an array of its own."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax._src import core
from jax._src.interpreters.pxla import batched_device_put
from jax.sharding import SingleDeviceSharding


def rows_of(array: Any, count: int) -> list[Any]:
    """The first ``count`` rows.

    JAX compiles a slice for each ``count``, and an operation for each row that it takes apart at once, which takes
    longer than all calls. Where the host has the array, its rows are put there one by one; no code is made for that.
    """
    sharding = array.sharding
    device = next(iter(sharding.device_set))
    on_host = device.platform == "cpu" and isinstance(sharding, SingleDeviceSharding)
    if not on_host or jax.dtypes.issubdtype(array.dtype, jax.dtypes.extended):
        return [_row(array, np.int32(index)) for index in range(count)]
    aval = core.ShapedArray(array.shape[1:], array.dtype, weak_type=array.weak_type)
    rows, devices, committed = np.asarray(array), [device], array.committed
    return [batched_device_put(aval, sharding, [rows[index]], devices, committed) for index in range(count)]


_row = jax.jit(lambda array, index: jax.lax.dynamic_index_in_dim(array, index, keepdims=False))
