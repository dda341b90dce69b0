"""Host functions in a graph (``do_not_convert(run_as="py_func")``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import callback as jax_callback
from jax._src.debugging import debug_batching_rule, ordered_debug_effect
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

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
        report: Callable[..., None] = for_effect
        if CONTEXT.rooms is not None:
            report, leaves = CONTEXT.rooms.kept_back(for_effect, list(leaves), fails=False)
        jax.debug.callback(report, *leaves, ordered=True)
        return None
    if CONTEXT.rooms is not None:
        CONTEXT.rooms.asks_host = True
    structs = jax.tree_util.tree_map(_struct, result, is_leaf=lambda value: isinstance(value, TensorSpec | type))

    def on_host(*values: Any) -> Any:
        out = _reporting(function, values)
        return jax.tree_util.tree_map(lambda struct, value: _fitting(struct, value, name), structs, out)

    flat, structure = jax.tree_util.tree_flatten(structs)

    def flat_on_host(*values: Any) -> tuple[Any, ...]:
        return tuple(jax.tree_util.tree_leaves(on_host(*values)))

    results = tuple(jax.core.ShapedArray(struct.shape, struct.dtype) for struct in flat)
    return jax.tree_util.tree_unflatten(structure, _call_p.bind(*leaves, function=flat_on_host, results=results))


# ``io_callback`` has an order of its own, apart from that of ``jax.debug.callback``, and a program has but one. So this
# is an ``io_callback`` in the order of the other, in which prints and failures stand.

_call_p = Primitive("host_call")
_call_p.multiple_results = True


def _call(*values: Any, function: Callable[..., Any], results: tuple[Any, ...]) -> list[Any]:
    return [jnp.asarray(value) for value in function(*map(np.asarray, values))]


def _result_types(*_: Any, function: Callable[..., Any], results: tuple[Any, ...]) -> tuple[list[Any], set[Any]]:
    return list(results), {ordered_debug_effect}


def _lower(context: Any, *operands: Any, function: Callable[..., Any], results: tuple[Any, ...]) -> Any:
    values, token, _ = jax_callback.emit_python_callback(
        context,
        function,
        context.tokens_in.get(ordered_debug_effect),
        list(operands),
        context.avals_in,
        context.avals_out,
        has_side_effect=True,
        returns_token=True,
        sharding=jax_callback._callback_op_sharding(context.module_context.axis_context, None, context.avals_out),
    )
    context.set_tokens_out(context.tokens_in.update_tokens(mlir.TokenSet({ordered_debug_effect: token})))
    return values


_call_p.def_impl(_call)
_call_p.def_effectful_abstract_eval(_result_types)
mlir.register_lowering(_call_p, _lower, cacheable=False)
batching.primitive_batchers[_call_p] = partial(debug_batching_rule, primitive=_call_p)


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
