"""What a staged ``for`` goes through on TensorFlow: tensors, ragged tensors, lists, datasets and iterators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.ops import SymbolicTensor

from ...staging.lists import TensorList
from ...staging.loops import is_unrolled
from ...staging.sequences import Sequence as StagedSequence
from ...staging.sequences import python_range
from . import types
from .faults import never_fails
from .numbers import as_number


def is_symbolic(value: Any) -> bool:
    """Whether ``value`` is a tensor, or is made of tensors, that the graph will compute."""
    if isinstance(value, tf.Tensor):
        return isinstance(value, SymbolicTensor)
    if isinstance(value, tf.__internal__.CompositeTensor) and not isinstance(value, tf.Variable):
        return any(map(is_symbolic, tf.nest.flatten(value, expand_composites=True)))
    return isinstance(value, tf.TensorArray) and is_symbolic(value.flow)


class Stream:
    """A dataset or iterator, whose elements are drawn one by one as the graph runs."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self._iterator: Any = None
        self._first: Any = None

    def start(self) -> None:
        source = self.source
        if hasattr(source, "get_next_as_optional") or isinstance(source, tf.data.Iterator):
            self._iterator = source
        elif tf.compat.v1.get_default_graph().building_function or not isinstance(source, tf.data.Dataset):
            self._iterator = iter(source)
        else:
            # In a graph of TensorFlow 1.x each run of the session goes through the dataset from its start.
            self._iterator = tf.compat.v1.data.make_initializable_iterator(source)
            with tf.control_dependencies([self._iterator.initializer]):
                self._first = self.draw()

    def first_draw(self) -> Any:
        return self.draw() if self._first is None else self._first

    def draw(self) -> Any:
        if hasattr(self._iterator, "get_next_as_optional"):
            return self._iterator.get_next_as_optional()
        from tensorflow.python.data.ops.iterator_ops import get_next_as_optional

        return get_next_as_optional(self._iterator)

    def nothing(self) -> Any:
        return tf.experimental.Optional.empty(self._iterator.element_spec)


class Rows:
    """The rows that a loop goes through, each computed from its number or drawn from a stream."""

    def __init__(self, leaves: Sequence[Any], structure: Any) -> None:
        self._structure = structure
        self._leaves = list(leaves)
        self.draws = [leaf for leaf in self._leaves if isinstance(leaf, Stream)]
        self._sources = [_row_source(leaf) for leaf in self._leaves]
        for stream in self.draws:
            stream.start()

    def row(self, index: Any, drawn: Sequence[Any]) -> Any:
        optionals = iter(drawn)
        return types.unflatten(
            self._structure,
            [
                next(optionals).get_value() if isinstance(leaf, Stream) else source(index)
                for leaf, source in zip(self._leaves, self._sources, strict=True)
            ],
        )

    def first_draws(self) -> list[Any]:
        return [stream.first_draw() for stream in self.draws]

    def next_draws(self) -> list[Any]:
        return [stream.draw() for stream in self.draws]

    def no_draws(self) -> list[Any]:
        return [stream.nothing() for stream in self.draws]

    @staticmethod
    def has_more(drawn: Sequence[Any]) -> Any:
        more: Any = True
        for optional in drawn:
            more = optional.has_value() if more is True else tf.logical_and(more, optional.has_value())
        return more


def rows_of(slices: Any) -> Rows:
    return Rows(*types.flatten(slices))


def _row_source(leaf: Any) -> Any:
    """A function from a row's number to the row."""
    if leaf is None or isinstance(leaf, Stream):
        return lambda index: None
    if isinstance(leaf, tf.RaggedTensor):
        return lambda index: leaf[index]
    if isinstance(leaf, tf.TensorArray):
        return leaf.read
    kind = types.type_of(leaf)
    assert isinstance(kind, types.ArrayType)
    tensor = types.convert_tensor(leaf, kind)
    element = types.ArrayType(None if kind.shape is None else kind.shape[1:], kind.dtype)
    handle = tf.raw_ops.TensorListFromTensor(tensor=tensor, element_shape=types.shape_tensor(element))

    def read(index: Any) -> Any:
        place = tf.cast(index, tf.int32)
        # The shape is made where it is used: TensorFlow and XLA want to see that it is a constant.
        shape = types.shape_tensor(element)
        return never_fails(
            tf.raw_ops.TensorListGetItem(
                input_handle=handle, index=place, element_shape=shape, element_dtype=kind.dtype
            )
        )

    return read


def _is_distributed(value: Any) -> bool:
    return isinstance(value, tf.distribute.DistributedDataset | tf.distribute.DistributedIterator)


def is_stream(value: Any) -> bool:
    return isinstance(value, tf.data.Dataset | tf.data.Iterator) or _is_distributed(value)


def sequence_of(iterable: Any) -> StagedSequence | None:
    """``iterable`` as something that a staged loop can go through, or ``None`` if Python has to iterate over it."""
    if isinstance(iterable, StagedSequence):
        return iterable
    if isinstance(iterable, range):
        return None if is_unrolled(len(iterable)) else python_range(iterable, optional=True)
    if isinstance(iterable, TensorList):
        return _list_sequence(iterable) if iterable.is_buffered() else None
    if is_stream(iterable):
        return StagedSequence(None, lambda _, row: row, Stream(iterable))
    if isinstance(iterable, tf.RaggedTensor):
        return StagedSequence(_scalar(iterable.nrows()), lambda _, row: row, iterable)
    if isinstance(iterable, tf.TensorArray):
        return StagedSequence(_scalar(iterable.size()), lambda _, row: row, iterable)
    if isinstance(iterable, tf.Variable):
        iterable = iterable.read_value()
    if isinstance(iterable, tf.Tensor | np.ndarray):
        return _tensor_sequence(iterable)
    return None


def _list_sequence(items: TensorList) -> StagedSequence:
    content = items.__ag_content__()
    assert isinstance(content, types.Handles)
    return StagedSequence(content.length, lambda index, _: content.get(index))


def _tensor_sequence(tensor: Any) -> StagedSequence | None:
    kind = types.type_of(tensor)
    if not isinstance(kind, types.ArrayType) or kind.shape == ():
        return None
    symbolic = is_symbolic(tensor)
    if not symbolic:
        count = int(tensor.shape[0])
        if is_unrolled(count):
            return None
        return StagedSequence(count, lambda _, row: row, tensor, optional=True, rows_of=tensor)
    counted = _range_behind(tensor)
    if counted is not None:
        return counted
    size = None if kind.shape is None else kind.shape[0]
    length = as_number(tf.shape(tensor)[0]) if size is None else size
    return StagedSequence(length, lambda _, row: row, tensor, rows_of=tensor)


def counted_range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Any:
    """``tf.range`` for a loop: its numbers counted, instead of written down and read back."""
    given = (start, limit, delta)
    if limit is None:
        start, limit = 0, start
    kinds = [types.type_of(value) for value in (start, limit, delta)]
    step = tf.get_static_value(delta) if isinstance(delta, tf.Tensor) else delta
    if not all(isinstance(kind, types.ArrayType) and kind.dtype.is_integer for kind in kinds) or not step:
        return tf.range(*given, dtype=dtype, name=name)
    wanted = tf.as_dtype(dtype) if dtype is not None else types.join(kinds).dtype  # type: ignore[arg-type, union-attr]
    if not wanted.is_integer:
        return tf.range(*given, dtype=dtype, name=name)
    return _count(start, limit, int(step), wanted)


def _range_behind(tensor: Any) -> StagedSequence | None:
    """The numbers of ``tf.range`` counted, where a tensor is made by that."""
    if tensor.op.type != "Range":
        return None
    start, limit, delta = tensor.op.inputs
    step = tf.get_static_value(delta)
    if not step or not tensor.dtype.is_integer:
        return None
    return _count(start, limit, int(step), tensor.dtype)


def _count(start: Any, limit: Any, step: int, dtype: tf.DType) -> StagedSequence:
    known = [value if isinstance(value, int) else tf.get_static_value(value) for value in (start, limit)]
    if known[0] is not None and known[1] is not None:
        length: Any = len(range(int(known[0]), int(known[1]), step))
    else:
        start, limit = (types.convert_tensor(value, types.ArrayType((), dtype)) for value in (start, limit))
        distance = limit if known[0] == 0 and step > 0 else limit - start if step > 0 else start - limit
        stride = abs(step)
        length = as_number(tf.identity(distance) if stride == 1 else (distance + (stride - 1)) // stride)

    def item(index: Any, _: Any) -> Any:
        place = tf.cast(index, dtype) if index.dtype != dtype else tf.identity(index)
        offset = place if step == 1 else place * tf.constant(step, dtype)
        return offset if known[0] is not None and known[0] == 0 else tf.cast(start, dtype) + offset

    return StagedSequence(length, item)


def _scalar(value: Any) -> Any:
    static = tf.get_static_value(value)
    return as_number(tf.cast(value, tf.int32)) if static is None else int(static)
