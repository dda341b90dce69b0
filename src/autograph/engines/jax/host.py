"""Host functions in a graph (``do_not_convert(run_as="py_func")``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from ...spec import TensorSpec
from ...staging.state import CONTEXT
from . import callbacks
from .types import NUMBERS, type_of


def host_call(function: Callable[..., Any], leaves: Sequence[Any], result: Any, name: str) -> Any:
    """Calls ``function`` with concrete values of ``leaves`` when the graph gets here, in program order."""
    CONTEXT.effects += 1
    if result is None:

        def for_effect(*values: Any) -> None:
            _reporting(function, values)

        # The kind of callback that prints use, so that the two keep their order.
        jax.debug.callback(for_effect, *leaves, ordered=True)
        return None
    structs = jax.tree_util.tree_map(_struct, result, is_leaf=lambda value: isinstance(value, TensorSpec | type))

    def on_host(*values: Any) -> Any:
        out = _reporting(function, values)
        return jax.tree_util.tree_map(lambda struct, value: _fitting(struct, value, name), structs, out)

    return io_callback(on_host, structs, *leaves, ordered=True)


def _reporting(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    """Calls ``function``; a call of ``ag.function`` that an exception stops raises it in its own type."""
    try:
        return function(*values)
    except Exception as error:
        callbacks.FAILURES.add(error, callbacks.place_of(error))
        callbacks.mark(error)
        raise


def _struct(spec: Any) -> jax.ShapeDtypeStruct:
    if isinstance(spec, TensorSpec):
        if any(size is None for size in spec.shape):
            raise TypeError(f"{spec} has an unknown size, which JAX cannot have in a graph")
        return jax.ShapeDtypeStruct(tuple(size or 0 for size in spec.shape), jnp.dtype(spec.dtype))
    if isinstance(spec, type) and spec in NUMBERS:
        return jax.ShapeDtypeStruct((), jnp.result_type(spec))
    if isinstance(spec, jax.ShapeDtypeStruct):
        return spec
    kind = type_of(spec)
    if kind is None:
        raise TypeError(
            f"{spec!r} does not say what a host function returns; use a number type, an array or ag.TensorSpec"
        )
    return jax.ShapeDtypeStruct(kind.shape, kind.dtype)


def _fitting(struct: jax.ShapeDtypeStruct, value: Any, name: str) -> np.ndarray:
    array = np.asarray(value, dtype=struct.dtype)
    if array.shape != struct.shape:
        raise TypeError(f"{name}() returned shape {array.shape}, and declares {struct.shape}")
    return array
