"""TensorFlow, in functions of 2.x and graphs of 1.x: conditionals become ``If`` or a selection, loops ``While``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from ...errors import StagingError
from ...staging.choice import Choice, value_of
from ...staging.lists import TensorList, raised_here
from ...staging.one_of import OneOf
from ...staging.sequences import Sequence as StagedSequence
from ...staging.sequences import StagedRange
from ...staging.unify import unify
from ...staging.values import Maybe
from ..base import Engine
from ..common.engine import GraphEngine
from ..common.failures import Place
from ..common.regions import ends_regions
from . import calls, effects, graphs, indexing, lists, loops, mathematics, sources, types
from .branches import stage_cond
from .numbers import Number, as_number, as_tensor
from .open_trace import Leaving
from .sources import is_symbolic

_TYPES: Any = types


_TAKE_LISTS = frozenset(("add_n", "concat", "group", "meshgrid", "parallel_stack", "tuple"))
"""TensorFlow's functions that want a list of tensors, and no tensor for it."""


class TensorFlowEngine(GraphEngine):
    """See ``autograph.engines.base.Engine``."""

    name = "tensorflow"
    buffers = lists
    loops = loops
    mathematics = mathematics
    types: Any = types
    leaving = Leaving()
    stage_cond = staticmethod(stage_cond)
    not_staged = staticmethod(tf.logical_not)
    and_staged = staticmethod(tf.logical_and)
    raise_when_run = staticmethod(effects.raise_when_run)

    def active(self) -> bool:
        return not context.executing_eagerly()

    def is_staged(self, value: Any) -> bool:
        if isinstance(value, tf.Tensor):
            return is_symbolic(value)
        kind = type(value)
        if kind is Maybe:
            return is_symbolic(value.present)
        if kind is Choice or kind is OneOf:
            return is_symbolic(value.number)
        if issubclass(kind, TensorList):
            return value.is_buffered()
        if isinstance(value, tf.Variable) or sources.is_stream(value):
            return self.active()
        return is_symbolic(value)

    def prepare(self, function: Any) -> calls.TensorFlowFunction:
        return calls.TensorFlowFunction(function)

    def use_cache(self, folder: str | None) -> None:
        """TensorFlow keeps no compiled programs."""

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls an ``ag.function``."""
        return calls.run(function, args, kwargs)

    def builds_nodes(self) -> bool:
        """Whether a graph of TensorFlow 1.x is being built."""
        return graphs.is_building_nodes()

    def for_graphs(self, converted: Any, original: Any, by_identity: Callable[[], Any]) -> Any:
        """A converted function that may be called under a graph of TensorFlow 1.x."""
        return graphs.for_graphs(converted, original, by_identity)

    def decorated_again(self, function: Any, convert: Callable[[Any], Any]) -> Any:
        """A function of the user's under one of TensorFlow's decorators, with that around the converted function."""
        return calls.decorated_again(function, convert)

    def host_call(self, function: Callable[..., Any], leaves: list[Any], result: Any, name: str) -> Any:
        return effects.host_call(function, leaves, result, name)

    # Control flow.

    def sequence_of(self, iterable: Any) -> StagedSequence | None:
        return sources.sequence_of(iterable)

    def loop_source(self, function: Any) -> Callable[..., Any] | None:
        return sources.counted_range if function is tf.range else None

    def items(self, value: Any) -> Any:
        if sources.is_stream(value) or isinstance(value, tf.RaggedTensor):
            what = "a ragged tensor" if isinstance(value, tf.RaggedTensor) else "a dataset or iterator"
            raise StagingError(
                f"Python iterates over {what} here (in a comprehension, in an unpacking, or in code that was not "
                "converted), and only the graph can; write a for statement, or map() and any(), all(), sum()"
            )
        if not isinstance(value, tf.Tensor | tf.Variable):
            return value
        if isinstance(value, tf.Variable):
            value = value.read_value()
        if value.shape.rank == 0:
            raise TypeError("iteration over a 0-d tensor")
        if value.shape.rank is None or value.shape[0] is None:
            raise StagingError(
                f"how many items {value.name} has is only known when the graph runs, and Python iterates over it here. "
                "Write a for statement, or give the size in an input_signature"
            )
        return tf.unstack(value)

    def next_of(self, iterator: Any) -> Any:
        if not sources.is_stream(iterator) or not ends_regions():
            return next(iterator)

        def ended() -> Any:
            raise raised_here(StopIteration())

        return self._drawn(iterator, ended)

    def next_or(self, iterator: Any, default: Any) -> Any:
        return self._drawn(iterator, lambda: default)

    @staticmethod
    def _drawn(iterator: Any, otherwise: Callable[[], Any]) -> Any:
        stream = sources.Stream(iterator)
        stream.start()
        drawn = stream.draw()
        return stage_cond(drawn.has_value(), drawn.get_value, otherwise, None, [])

    def is_stream(self, value: Any) -> bool:
        return sources.is_stream(value)

    def must_end(self, value: Any) -> None:
        if isinstance(value, tf.data.Dataset):
            complaint = (
                "a comprehension or generator expression goes through a dataset without end, and the graph makes all "
                "of its items first. Write a for statement that breaks"
            )
            self.check(value.cardinality() != tf.data.INFINITE_CARDINALITY, lambda: StagingError(complaint))

    def length(self, value: Any) -> Any:
        if isinstance(value, tf.data.Dataset):
            return self._cardinality(value)
        if isinstance(value, tf.RaggedTensor):
            return as_number(tf.cast(value.nrows(), tf.int32))
        if isinstance(value, tf.TensorArray):
            return as_number(value.size())
        if isinstance(value, tf.SparseTensor):
            return as_number(tf.cast(value.dense_shape[0], tf.int32))
        if not isinstance(value, tf.Tensor | tf.Variable):
            return len(value)
        if value.shape.rank == 0:
            raise TypeError("len() of unsized object")
        size = None if value.shape.rank is None else value.shape[0]
        return as_number(tf.shape(value)[0]) if size is None else size

    def _cardinality(self, dataset: Any) -> Any:
        count = dataset.cardinality()
        self.check(count >= 0, lambda: TypeError("len() of a dataset whose length is infinite or unknown"))
        return as_number(tf.cast(count, tf.int32))

    # Truth.

    def truth_of_array(self, value: Any) -> Any:
        if isinstance(value, tf.Variable):
            value = value.read_value()
        if not isinstance(value, tf.Tensor) or not is_symbolic(value):
            return bool(value)
        size = value.shape.num_elements()
        if size is not None and size != 1:
            raise ValueError(
                "The truth value of a tensor with more than one element is ambiguous. "
                "Use tf.reduce_any() or tf.reduce_all()"
            )
        if value.shape.rank != 0:
            value = tf.reshape(value, ())
        if value.dtype == tf.bool:
            return as_tensor(value)
        if value.dtype == tf.string:
            return tf.not_equal(value, "")
        return tf.not_equal(value, tf.zeros((), value.dtype))

    def equal(self, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return left is right
        if isinstance(left, Number) or isinstance(right, Number):
            return left == right
        return tf.equal(left, right)

    def contains(self, array: Any, value: Any) -> Any:
        if isinstance(array, TensorList | sources.Stream) or sources.is_stream(array):
            return self._contains_by_turns(array, value)
        return tf.reduce_any(tf.equal(array, value))

    def _contains_by_turns(self, items: Any, value: Any) -> Any:
        from ...staging.builtins import any_, map_

        return any_(map_(lambda item: tf.reduce_all(tf.equal(item, value)), items))

    # Effects.

    def print(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        effects.print_when_run(args, options)

    def raise_unless(self, ok: Any, make: Callable[[], BaseException], place: Place | None) -> None:
        stage_cond(ok, lambda: None, lambda: effects.raise_when_run(make(), place), (), [])

    def assertion(self, test: Any, message: Callable[[], Any] | None) -> None:
        is_constant = message is None or not (message.__code__.co_names or message.__code__.co_freevars)
        if is_constant and not ends_regions():
            # Nothing has to be computed for the message, so the check is one operation, which a saved model can hold.
            effects.assert_when_run(self.truth(test), "" if message is None else str(message()))
        else:
            super().assertion(test, message)

    def to_host(self, value: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """The tensors that make up ``value``, and a function that rebuilds it from concrete ones as Python's values."""
        if type(value) is Choice:
            return [value.number], lambda values: value_of(int(values[0]))
        if isinstance(value, TensorList):
            return self._list_to_host(value)
        if isinstance(value, tf.Variable):
            value = value.read_value()
        if isinstance(value, tf.RaggedTensor):
            parts = tf.nest.flatten(value, expand_composites=True)
            spec = tf.type_spec_from_value(value)
            return parts, lambda values: _eagerly(
                lambda: tf.nest.pack_sequence_as(spec, list(map(tf.constant, values)), expand_composites=True).to_list()
            )
        if isinstance(value, tf.SparseTensor):
            return [value.indices, value.values, value.dense_shape], lambda values: _eagerly(
                lambda: tf.SparseTensor(*values)
            )
        if sources.is_stream(value):
            return [], lambda _: value
        return [value], lambda values: effects.to_python(values[0])

    def _list_to_host(self, items: TensorList) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        content = items.__ag_content__()
        assert isinstance(content, types.Handles)
        columns, structure = types.flatten(content.stack())

        def show(values: Sequence[Any]) -> list[Any]:
            return [
                types.unflatten(structure, [effects.to_python(column[row]) for column in values])
                for row in range(len(values[0]))
            ]

        return columns, show

    # Lists, and pytrees of tensors with rows along the first axis.

    def leading_size(self, data: Any) -> int:
        return int(types.flatten(data)[0][0].shape[0])

    def first(self, data: Any, count: int) -> Any:
        return types.tree_map(lambda leaf: leaf if isinstance(leaf, sources.Stream) else leaf[:count], data)

    def stack_trees(self, items: list[Any]) -> Any:
        if not items:
            raise ValueError("need at least one element to stack")
        unified = unify("an element of a list", items, False, _TYPES, keep_numbers=False)
        columns = zip(*unified.paths, strict=True)
        return types.unflatten(
            unified.structure,
            [
                tf.stack([as_tensor(types.convert(leaf, kind)) for leaf in column])
                for kind, column in zip(unified.leaves, columns, strict=True)
            ],
        )

    def list_argument(self, function: Callable[..., Any], items: TensorList) -> Any:
        if isinstance(items.staged_length(), int):
            return items
        name = getattr(function, "__name__", "")
        if name in _TAKE_LISTS:
            raise StagingError(
                f"the graph decides the length of this list, and {name}() takes one whose length Python knows. "
                "ag.stack(items) makes a tensor of all its elements"
            )
        return items if name == "stack" else items.stack()  # the size of a tensor may be open

    def unstack(self, data: Any, count: int) -> list[Any]:
        return [self.get_at(data, index) for index in range(count)]

    def reserved(self, content: Any, element: Any, capacity: int) -> types.Handles:
        made = types.empty_handles(*_form_of(element))
        for item in content if isinstance(content, list) else []:
            made = made.append(item)
        return made if isinstance(content, list) else content

    def get_at(self, data: Any, index: Any) -> Any:
        def row(leaf: Any) -> Any:
            if not isinstance(leaf, tf.Tensor | np.ndarray):
                return leaf[index]
            return tf.gather(leaf, as_tensor(index), name="item_of_list")

        return types.tree_map(lambda leaf: leaf if leaf is None else row(leaf), data)

    def set_at(self, data: Any, index: Any, value: Any) -> Any:
        return types.tree_map(lambda leaf, new: indexing.updated(leaf, index, new), data, value)

    def wrapped_index(self, index: Any, length: Any) -> Any:
        """An index that may be negative, counted from the start."""
        index = as_tensor(tf.convert_to_tensor(index))
        return tf.where(index < 0, index + tf.cast(length, index.dtype), index)

    def concrete_items(self, buffer: Any) -> list[Any] | None:
        return None

    # Arrays.

    def as_element(self, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return types.convert_tensor(value, types.ArrayType(tuple(shape), tf.as_dtype(dtype)))

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        sizes = [0 if size is None else size for size in tf.TensorShape(shape)]
        return tf.ensure_shape(tf.zeros(sizes, dtype), sizes)

    def rows(self, array: Any) -> StagedSequence:
        array = tf.convert_to_tensor(array)
        return StagedSequence(int(array.shape[0]), lambda _, row: row, array)

    def flipped(self, slices: Any) -> Any:
        return types.tree_map(lambda leaf: tf.reverse(leaf, [0]), slices) if slices is not None else None

    def get_item(self, array: Any, key: Any) -> Any:
        return indexing.item(tf.convert_to_tensor(array), key)

    def sum_rows(self, array: Any) -> Any:
        return tf.reduce_sum(array, axis=0)

    def python_number(self, value: Any) -> type | None:
        if type(value) is not Number:
            return None
        kind = value.dtype
        return bool if kind.is_bool else int if kind.is_integer else float if kind.is_floating else complex

    def is_array(self, value: Any) -> bool:
        return isinstance(value, tf.Tensor)

    def updated(self, array: Any, key: Any, value: Any) -> Any:
        """``array`` with ``array[key] = value``, in the dtype of ``array``."""
        return indexing.updated(tf.convert_to_tensor(array), key, value)

    def sorted(self, items: Any, key: Callable[[Any], Any] | None, reverse: bool) -> Any:
        """The elements in ascending order of their keys, equal ones in the order in which they came."""
        as_list = isinstance(items, list | tuple) and not isinstance(items, TensorList)
        if isinstance(items, TensorList):
            items = items.stack() if items.is_buffered() else self.stack_trees(list(items))
        data = self.stack_trees(list(items)) if isinstance(items, list | tuple) else items
        keys = [
            tf.convert_to_tensor(column) for column in types.flatten(data if key is None else self._keys(data, key))[0]
        ]
        if any(column.shape.rank != 1 for column in keys):
            raise ValueError("sorted() over rows needs a key that gives one number for each, or a tuple of numbers")
        order = _order_of([column[::-1] for column in keys] if reverse else keys)
        if reverse:  # stable in both directions, as Python's sort is
            order = tf.shape(keys[0])[0] - 1 - order[::-1]
        ordered = types.tree_map(lambda leaf: tf.gather(leaf, order), data)
        count = None if keys[0].shape[0] is None else int(keys[0].shape[0])
        if as_list and count is not None:
            return self.unstack(ordered, count)
        return TensorList.of(_handles_of(ordered))

    def _keys(self, data: Any, key: Callable[[Any], Any]) -> Any:
        from ...staging.loops import for_stmt

        keys = TensorList()

        def look(row: Any) -> None:
            keys.append(key(row))

        rows = sources.rows_of(data)
        leaf = types.flatten(data)[0][0]
        sequence = sources.sequence_of(leaf)
        if sequence is None:
            return self.stack_trees([key(row) for row in self.unstack(data, int(leaf.shape[0]))])
        for_stmt(StagedSequence(sequence.length, lambda index, _: rows.row(index, ())), look, ())
        return keys.stack()

    def round(self, number: Any, digits: Any) -> Any:
        if number.dtype.is_integer:
            return number if digits is None or digits >= 0 else tf.round(number / 10**-digits) * 10**-digits
        if digits is None:
            return self.to_int(tf.round(number))
        scale = tf.constant(10.0**digits, number.dtype)
        return tf.round(as_tensor(number) * scale) / scale

    def to_int(self, value: Any) -> Any:
        """``int(value)``: towards zero."""
        value = self._single(value)
        if value.dtype == tf.string:
            return as_number(tf.strings.to_number(value, tf.int32))
        return as_number(as_tensor(value) if value.dtype == tf.int64 else tf.cast(as_tensor(value), tf.int32))

    def to_float(self, value: Any) -> Any:
        value = self._single(value)
        if value.dtype == tf.string:
            return as_number(tf.strings.to_number(value, tf.float32))
        return as_number(as_tensor(value) if value.dtype == tf.float64 else tf.cast(as_tensor(value), tf.float32))

    @staticmethod
    def _single(value: Any) -> Any:
        if isinstance(value, tf.Variable):
            value = value.read_value()
        if value.shape.num_elements() not in (None, 1):
            raise TypeError("only tensors of one element can be converted to Python scalars")
        return value if value.shape.rank == 0 else tf.reshape(value, ())

    def range(self, start: Any, stop: Any, step: Any) -> StagedRange:
        for value in (start, stop, step):
            dtype = getattr(value, "dtype", None)
            if (dtype is not None and not tf.as_dtype(dtype).is_integer) or isinstance(value, float):
                name = "float" if dtype is None else tf.as_dtype(dtype).name
                raise TypeError(f"{name!r} object cannot be interpreted as an integer")
        start, stop, step = (as_number(tf.identity(v)) if isinstance(v, tf.Tensor) else v for v in (start, stop, step))
        if isinstance(step, int):
            if step == 0:
                raise ValueError("range() arg 3 must not be zero")
            first, last = (start, stop) if step > 0 else (stop, start)
            distance = last if isinstance(first, int) and first == 0 else last - first
            stride: Any = abs(step)
        else:
            self.check(step != 0, lambda: ValueError("range() arg 3 must not be zero"))
            distance = as_number(tf.where(step > 0, stop - start, start - stop))
            stride = as_number(tf.where(tf.equal(step, 0), tf.ones_like(step), tf.abs(step)))
        length = distance if isinstance(stride, int) and stride == 1 else (distance + (stride - 1)) // stride
        return StagedRange(start, stop, step, length)


def _order_of(keys: Sequence[Any]) -> Any:
    """The places of the elements in ascending order; of ``keys`` the first that differs decides."""
    # TensorFlow sorts neither truth values nor unsigned numbers.
    keys = [
        tf.cast(column, tf.int64) if column.dtype.is_bool or column.dtype.is_unsigned else column for column in keys
    ]
    order = tf.argsort(keys[-1], stable=True)
    for column in reversed(keys[:-1]):
        order = tf.gather(order, tf.argsort(tf.gather(column, order), stable=True))
    return order


def _form_of(element: Any) -> tuple[Any, list[types.ArrayType]]:
    leaves, structure = types.flatten(element)
    kinds = [types.type_of(leaf) for leaf in leaves]
    return structure, [kind for kind in kinds if isinstance(kind, types.ArrayType)]


def _handles_of(data: Any) -> types.Handles:
    """Rows as a tensor list."""
    leaves, structure = types.flatten(data)
    kinds, handles = [], []
    for leaf in leaves:
        kind = types.ArrayType(types.shape_of(leaf.shape[1:]), leaf.dtype)
        kinds.append(kind)
        handles.append(tf.raw_ops.TensorListFromTensor(tensor=leaf, element_shape=types.shape_tensor(kind)))
    return types.Handles(handles, structure, kinds)


def _eagerly(build: Callable[[], Any]) -> Any:
    with tf.init_scope():
        return build()


ENGINE: Engine = TensorFlowEngine()
