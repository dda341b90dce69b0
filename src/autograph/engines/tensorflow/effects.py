"""Effects of a graph: printing, exceptions and host functions, in the order of the program.

TensorFlow orders operations that use one resource, and stateful ones that use none; a conditional with a print in it
that also reads a variable is neither. So each effect, and each conditional or loop that holds one, is made to wait for
the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

from ...spec import TensorSpec
from ...staging import formatting
from ...staging.state import CONTEXT
from ..common.failures import FAILURES, Place, current_place, mark, place_of, remade
from ..common.iterations import header_of


def in_order(graph: Any, scope: str) -> None:
    """Puts the operation that was made in a name scope behind the last effect of its graph."""
    try:
        operation = graph.get_operation_by_name(scope.rstrip("/"))
    except KeyError:
        return  # under a gradient tape the operation is in a function of its own, which TensorFlow orders
    _chain(operation)


def forget_order(graph: Any) -> None:
    """Lets the next effect wait for none before it: what a session runs separately has no common order."""
    graph._ag_last_effect = None


def _chain(operation: Any) -> None:
    graph = operation.graph
    last = getattr(graph, "_ag_last_effect", None)
    if last is not None:
        operation._add_control_input(last)
    graph._ag_last_effect = operation
    if not hasattr(graph, "_ag_effects"):
        graph._ag_effects = set()
    graph._ag_effects.add(operation.name)


_CAN_FAIL = frozenset(
    [
        "FloorDiv",
        "FloorMod",
        "Div",
        "RealDiv",
        "Mod",
        "TruncateDiv",
        "TruncateMod",
        "Cholesky",
        "MatrixInverse",
        "MatrixSolve",
        "GatherV2",
        "GatherNd",
        "Gather",
        "StridedSlice",
        "Slice",
        "Reshape",
        "TensorListGetItem",
        "TensorListSetItem",
        "TensorListPopBack",
        "TensorListStack",
        "ScatterNd",
        "TensorScatterUpdate",
        "If",
        "StatelessIf",
        "While",
        "StatelessWhile",
        "Case",
        "PartitionedCall",
        "StatefulPartitionedCall",
    ]
)
"""Operations that may end the call with an error of TensorFlow's, and those that may hold such."""


def order_failures(graph: Any) -> None:
    """Puts what may fail behind the effects that come before it in the program, and before those that come after it.

    An assertion and a division by what it looks at would otherwise run at once, and either might fail first.
    """
    effects = getattr(graph, "_ag_effects", None)
    if not effects:
        return
    last: Any = None
    since: list[Any] = []
    for operation in graph.get_operations():
        if operation.name in effects:
            for earlier in since:
                operation._add_control_input(earlier)
            last, since = operation, []
        elif operation.type in _CAN_FAIL:
            if last is not None:
                operation._add_control_input(last)
            since.append(operation)


def _on_host(function: Callable[..., Any], leaves: Sequence[Any], types: Sequence[Any], name: str) -> Any:
    with ops.name_scope(name):
        out = tf.numpy_function(function, list(leaves), list(types), stateful=True, name=name)
    operation = out if isinstance(out, tf.Operation) else (out[0] if isinstance(out, list | tuple) else out).op
    _chain(operation)
    return out


def print_when_run(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Makes the graph print ``args`` as Python would, when it gets here."""
    leaves, rebuild = formatting.split((args, options))

    def report(*values: Any) -> None:
        shown, how = rebuild(values)
        print(*shown, **how)

    _on_host(report, leaves, [], "print")


def raise_when_run(error: BaseException, place: Place | None = None) -> None:
    """Makes the graph raise ``error``, with the staged values in its arguments filled in, when it gets here."""
    leaves, make = remade(error, place)
    if type(error) is AssertionError:
        _fail(tf.constant(False), _on_host(lambda *values: _reported(make(values)), leaves, [tf.string], "message"))
        return

    def report(*values: Any) -> None:
        raise make(values)

    _on_host(report, leaves, [], "raise")


def _reported(error: BaseException) -> Any:
    """The text with which TensorFlow's own operation for assertions is to fail."""
    return np.asarray(f"{type(error).__name__}: {error}", dtype=object)


ITERATION = "] [; iteration] ["
"""What stands between the parts of a report that say in which iteration an assertion has failed."""


def _fail(test: Any, text: Any, more: Sequence[Any] = ()) -> None:
    with ops.name_scope("assert"):
        operation = tf.raw_ops.Assert(condition=test, data=[text, *more], summarize=3)
    if operation is not None:
        _chain(operation)


def assert_when_run(test: Any, message: str) -> None:
    """Makes the graph fail where ``test`` is false, by an operation that a saved model can hold."""
    more: list[Any] = []
    for iteration in CONTEXT.iterations:
        if iteration.place is not None:
            iteration.is_wanted = True
            more += [tf.constant("; iteration"), iteration.number, tf.constant(header_of(iteration.place))]
    _fail(test, tf.constant(message), more)


def host_call(function: Callable[..., Any], leaves: Sequence[Any], result: Any, name: str) -> Any:
    """Calls ``function`` with concrete values of ``leaves`` when the graph gets here."""
    place = current_place()

    def reporting(*values: Any) -> Any:
        try:
            return function(*(to_python(value) for value in values))
        except Exception as error:
            FAILURES.add(error, place_of(error) or place)
            mark(error)
            raise

    if result is None:

        def for_effect(*values: Any) -> None:
            reporting(*values)

        _on_host(for_effect, leaves, [], name)
        return None
    specs = tf.nest.map_structure(_spec, result)
    flat = tf.nest.flatten(specs)

    def flat_on_host(*values: Any) -> list[np.ndarray]:
        out = reporting(*values)
        given = tf.nest.flatten(out) if tf.nest.is_nested(specs) else [out]
        return [_fitting(spec, value, name) for spec, value in zip(flat, given, strict=True)]

    out = _on_host(flat_on_host, leaves, [spec.dtype for spec in flat], name)
    outputs = list(out) if isinstance(out, list | tuple) else [out]
    for spec, tensor in zip(flat, outputs, strict=True):
        tensor.set_shape(spec.shape)
    return tf.nest.pack_sequence_as(specs, outputs)


def _spec(result: Any) -> tf.TensorSpec:
    if isinstance(result, TensorSpec):
        return tf.TensorSpec(result.shape, tf.as_dtype(result.dtype))
    if isinstance(result, tf.TensorSpec):
        return result
    if isinstance(result, type):
        return tf.TensorSpec((), {str: tf.string, bool: tf.bool, int: tf.int32, float: tf.float32}[result])
    tensor = tf.convert_to_tensor(result)
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _fitting(spec: tf.TensorSpec, value: Any, name: str) -> np.ndarray:
    dtype = object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype
    array = np.asarray(value, dtype=dtype)
    if not spec.shape.is_compatible_with(array.shape):
        raise TypeError(f"{name}() returned shape {array.shape}, and declares {spec.shape}")
    return array


def to_python(value: Any) -> Any:
    """A concrete value as what Python would have in its place: a number, a string, or a NumPy array."""
    array = np.asarray(value)
    if array.ndim:
        return array.astype(str) if array.dtype == object else array
    if array.dtype == object:
        item = array.item()
        return item.decode(errors="replace") if isinstance(item, bytes) else item
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return float(str(array))  # the shortest text that gives this number, not the digits of its 64-bit neighbour
    return array.item()
