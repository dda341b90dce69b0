"""What stops a graph of TensorFlow's with an error, as a value that the graph computes.

Code that XLA has compiled knows no errors: an index out of range is clamped, an integer divided by zero gives -1. So a
function that XLA may get computes beside its results whether anything of the kind has happened, in each of its
regions and up to its end. If it has, the call is made again without XLA, and TensorFlow says what went wrong.

A loop ends with the iteration in which a fault happened, as it would have.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


class Faults:
    """The faults of a function that is being traced; shared by the graphs of its regions."""

    def __init__(self) -> None:
        self._covered: set[int] = set()
        self._waiting = 0
        """How many faults of regions have not been collected."""

    def covers(self, operation: Any) -> bool:
        """Whether a failure of ``operation`` is known to the function."""
        return not self._waiting and (id(operation) in self._covered or fault_of(operation) is None)

    def add(self, fault: Any) -> None:
        """Notes a fault that a region has computed for the graph which is being built."""
        graph = ops.get_default_graph()
        graph._ag_failing = [*_failing(graph), fault]
        self._waiting += 1

    def lose(self) -> None:
        """Says that the fault of a region will not be known."""
        self._waiting += 1

    def collect(self, graph: Any) -> Any:
        """Whether any operation of ``graph``, or of a region in it, fails; ``None`` if none can. Ends the region."""
        found = _failing(graph)
        graph._ag_failing = []
        self._waiting -= len(found)
        with graph.as_default():
            for operation in graph.get_operations():
                happens = fault_of(operation)
                if happens is not None:
                    self._covered.add(id(operation))
                    found.append(happens())
            return reduce(tf.logical_or, found) if found else None


def _failing(graph: Any) -> list[Any]:
    """The faults of regions in ``graph``."""
    found: list[Any] = getattr(graph, "_ag_failing", [])
    return found


def watch(graph: Any) -> None:
    """Faults of the function that is being traced into ``graph`` are to be known."""
    graph._ag_faults = Faults()


def watch_region(graph: Any, outer: Any) -> None:
    """Has a region of ``outer`` take part in what is known there."""
    graph._ag_faults = faults_of(outer)


def faults_of(graph: Any) -> Faults | None:
    faults: Faults | None = getattr(graph, "_ag_faults", None)
    return faults


def of_current_graph() -> Faults:
    """Those of the function that is being traced, which has a region that may fail."""
    faults = faults_of(ops.get_default_graph())
    assert faults is not None
    return faults


def collect(graph: Any) -> Any:
    """See ``Faults.collect``; ``None`` where faults need not be known."""
    faults = faults_of(graph)
    return None if faults is None else faults.collect(graph)


def never_fails(tensor: Any) -> Any:
    """``tensor``, whose operation has an index that is known to be in range."""
    if isinstance(tensor, tf.Tensor) and not tf.executing_eagerly():
        tensor.op._ag_never_fails = True
    return tensor


def fault_of(operation: Any) -> Callable[[], Any] | None:
    """What makes the truth value that ``operation`` fails, in its graph; ``None`` if it cannot."""
    rule = _RULES.get(operation.type)
    if rule is None or hasattr(operation, "_ag_never_fails"):
        return None
    if not all(tensor.shape.is_fully_defined() for tensor in operation.inputs):
        return None  # XLA does not get it
    if operation.outputs[0].shape.num_elements() == 0:
        return None
    return rule(operation)


def _division(operation: Any) -> Callable[[], Any] | None:
    divisor = operation.inputs[1]
    if not divisor.dtype.is_integer or _all_known(divisor, lambda value: value != 0):
        return None
    return lambda: _any(tf.equal(divisor, 0))


def _power(operation: Any) -> Callable[[], Any] | None:
    exponent = operation.inputs[1]
    if not exponent.dtype.is_integer or _all_known(exponent, lambda value: value >= 0):
        return None
    return lambda: _any(exponent < 0)


def _gather(operation: Any) -> Callable[[], Any] | None:
    table, indices = operation.inputs[:2]
    axis = int(tf.get_static_value(operation.inputs[2])) if operation.type == "GatherV2" else 0
    size = table.shape[axis]
    if _all_known(indices, lambda value: (value >= 0) & (value < size)):
        return None
    return lambda: _any(_is_outside(indices, size))


def _list_item(operation: Any) -> Callable[[], Any] | None:
    if operation.type == "TensorListSetItem" and operation.get_attr("resize_if_index_out_of_bounds"):
        return None
    handle, index = operation.inputs[:2]
    return lambda: _is_outside(index, tf.raw_ops.TensorListLength(input_handle=handle))


def _strided_slice(operation: Any) -> Callable[[], Any] | None:
    shape, begin = operation.inputs[0].shape, operation.inputs[1]
    masks = {
        name: operation.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    count = begin.shape.num_elements()
    taken = sum(not masks["new_axis"] >> position & 1 for position in range(count)) - bool(masks["ellipsis"])
    computed: list[tuple[Any, int]] = []
    axis = 0
    for position in range(count):
        if masks["ellipsis"] >> position & 1:
            axis += shape.rank - taken
        elif not masks["new_axis"] >> position & 1:
            if masks["shrink_axis"] >> position & 1:
                computed.append((_element(begin, position), shape[axis]))
            axis += 1
    computed = [(index, size) for index, size in computed if tf.get_static_value(index) is None]
    if not computed:
        return None
    return lambda: reduce(tf.logical_or, [_is_outside(index, size, -size) for index, size in computed])


def _slice(operation: Any) -> Callable[[], Any] | None:
    shape, begin, size = operation.inputs[0].shape, operation.inputs[1], operation.inputs[2]
    if tf.get_static_value(begin) is not None:
        return None
    return lambda: _any(tf.logical_or(begin < 0, begin + size > tf.constant(shape.as_list(), begin.dtype)))


def _scatter(operation: Any) -> Callable[[], Any] | None:
    table, indices = operation.inputs[:2]
    sizes = table.shape.as_list()[: indices.shape[-1]]
    if _all_known(indices, lambda value: (value >= 0) & (value < sizes)):
        return None
    return lambda: _any(_is_outside(indices, tf.constant(sizes, indices.dtype)))


def _labels(operation: Any) -> Callable[[], Any] | None:
    """A class that there is not, of which TensorFlow's code on processors complains."""
    logits, labels = operation.inputs
    count = logits.shape[-1]
    if _all_known(labels, lambda value: (value >= 0) & (value < count)):
        return None
    return lambda: _any(_is_outside(labels, count))


_RULES: dict[str, Callable[[Any], Callable[[], Any] | None]] = {
    **dict.fromkeys(("FloorDiv", "FloorMod", "Div", "Mod", "TruncateDiv", "TruncateMod"), _division),
    "Pow": _power,
    **dict.fromkeys(("Gather", "GatherV2"), _gather),
    **dict.fromkeys(("TensorListGetItem", "TensorListSetItem"), _list_item),
    **dict.fromkeys(("StridedSlice", "TensorStridedSliceUpdate"), _strided_slice),
    "Slice": _slice,
    "SparseSoftmaxCrossEntropyWithLogits": _labels,
    "TensorScatterUpdate": _scatter,
}
"""Operations that XLA compiles to something that does not fail."""


def _element(vector: Any, position: int) -> Any:
    """An element of a vector, without an operation where it was put together from its elements."""
    if vector.op.type == "Pack":
        return vector.op.inputs[position]
    known = tf.get_static_value(vector)
    return tf.constant(known[position]) if known is not None else vector[position]


def _is_outside(index: Any, size: Any, least: int = 0) -> Any:
    return tf.logical_or(index < least, index >= tf.cast(size, index.dtype))


def _any(values: Any) -> Any:
    return values if values.shape.rank == 0 else tf.reduce_any(values, axis=list(range(values.shape.rank)))


def _all_known(tensor: Any, holds: Callable[[Any], Any]) -> bool:
    value = tf.get_static_value(tensor)
    return value is not None and bool(holds(value).all())
