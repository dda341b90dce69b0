"""Converted functions in graphs of TensorFlow 1.x, which ``Session.run`` evaluates.

Such a graph runs what is fetched and what that needs, and nothing else. So what a converted function does (prints,
assertions, assignments, optimizer steps) is put in order and made a condition of what it returns, also of a returned
``tf.no_op()``. The function's operations are in a name scope of its name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops

from ...staging.choice import Choice
from ...staging.lists import TensorList
from ...staging.state import CONTEXT
from . import effects, types
from .regions import READS

_MAKERS = frozenset(
    [
        *("VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable", "IteratorV2", "Iterator", "OneShotIterator"),
        *("MutableHashTableV2", "HashTableV2", "MakeIterator", "AnonymousIteratorV3"),
    ]
)
"""Operations that make a resource: they run where the resource is used, and once."""
_RANDOM = "Random"


def is_building_nodes() -> bool:
    """Whether the default graph is one of TensorFlow 1.x, outside any function."""
    return not context.executing_eagerly() and not ops.get_default_graph().building_function


def for_graphs(
    converted: Callable[..., Any], original: Callable[..., Any], by_identity: Callable[[], Callable[..., Any]]
) -> Callable[..., Any]:
    """A converted function that may be called under a graph of TensorFlow 1.x.

    ``by_identity`` gives the form of the function in which ``==`` is a call: the tensors of such graphs compare by
    identity.
    """

    @functools.wraps(original)
    def builds_nodes(*args: Any, **kwargs: Any) -> Any:
        if CONTEXT.by_identity:
            return by_identity()(*args, **kwargs)
        if not is_building_nodes():
            return converted(*args, **kwargs)
        return build_nodes(by_identity, getattr(original, "__name__", "function"), args, kwargs)

    return builds_nodes


def build_nodes(
    by_identity: Callable[[], Callable[..., Any]], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Calls a converted function, and makes what it does a condition of what it returns."""
    graph = ops.get_default_graph()
    first = graph.num_operations() if hasattr(graph, "num_operations") else len(graph.get_operations())
    effects.forget_order(graph)
    CONTEXT.by_identity = True
    try:
        with ops.name_scope("".join(c if c.isalnum() or c in "_.-" else "_" for c in name) or "function"):
            result = by_identity()(*args, **kwargs)
            effects_made = _order(graph, graph.get_operations()[first:])
            return _fetchable(result, effects_made)
    finally:
        CONTEXT.by_identity = False


def _order(graph: Any, operations: Sequence[Any]) -> list[Any]:
    """Puts operations on one resource in the order of the program; gives those that have an effect."""
    initialisers = {
        id(variable.initializer) for variable in graph.get_collection(tf.compat.v1.GraphKeys.GLOBAL_VARIABLES)
    }
    must_run: list[Any] = []
    last_write: dict[int, Any] = {}
    reads: dict[int, list[Any]] = {}
    for operation in operations:
        if id(operation) in initialisers or operation.type in _MAKERS:
            continue
        only_reads = operation.type in READS
        for tensor in operation.inputs:
            if tensor.dtype != tf.resource:
                continue
            before = last_write.get(id(tensor))
            if before is not None:
                operation._add_control_input(before)
            if only_reads:
                reads.setdefault(id(tensor), []).append(operation)
            else:
                operation._add_control_inputs(reads.pop(id(tensor), []))
                last_write[id(tensor)] = operation
        if operation._is_stateful and not only_reads and _RANDOM not in operation.type:
            must_run.append(operation)
    return must_run


def _fetchable(result: Any, effects_made: list[Any]) -> Any:
    """``result`` as something that a session can fetch, after the effects."""
    leaves, structure = types.flatten(_plain(result))
    with ops.control_dependencies(effects_made):
        return types.unflatten(structure, [_node(leaf) for leaf in leaves])


def _plain(value: Any) -> Any:
    if isinstance(value, TensorList):
        return value.stack() if value.is_buffered() else [_plain(item) for item in value]
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value


def _node(leaf: Any) -> Any:
    if isinstance(leaf, tf.Operation):
        return tf.group(leaf)
    if isinstance(leaf, tf.Tensor):
        return tf.identity(leaf)
    if isinstance(leaf, bool | int | float | complex | np.ndarray | np.generic):
        return tf.constant(leaf)
    if isinstance(leaf, Choice):
        return tf.identity(tf.convert_to_tensor(leaf))
    return leaf
