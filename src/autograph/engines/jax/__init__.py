"""JAX/XLA: conditionals become ``lax.cond`` or ``select``, loops ``lax.while_loop`` or ``lax.scan``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.compilation_cache import compilation_cache

from ...errors import StagingError
from ...settings import config
from ...staging.choice import Choice, value_of
from ...staging.lists import Buffer, TensorList
from ...staging.loops import is_unrolled
from ...staging.one_of import OneOf
from ...staging.sequences import Sequence as StagedSequence
from ...staging.sequences import StagedRange, python_range
from ...staging.state import CONTEXT
from ...staging.values import Maybe
from ..base import Engine
from ..common.engine import GraphEngine
from ..common.raising import hoisted
from . import buffers, callbacks, calls, host, indexing, loops, mathematics, types
from .branches import stage_cond
from .open_trace import Leaving
from .patterns import is_symbolic

try:
    from jax._src.core import trace_state_clean
except ImportError:  # pragma: no cover - another version of JAX

    def trace_state_clean() -> bool:
        return not isinstance(jnp.zeros(()) + 0, jax.core.Tracer)


class JaxEngine(GraphEngine):
    """See ``autograph.engines.base.Engine``."""

    name = "jax"
    buffers = buffers
    loops = loops
    mathematics = mathematics
    types: Any = types
    leaving = Leaving()
    stage_cond = staticmethod(stage_cond)
    not_staged = staticmethod(lax.bitwise_not)
    and_staged = staticmethod(jnp.logical_and)
    raise_when_run = staticmethod(callbacks.raise_when_run)
    raise_unless = staticmethod(callbacks.raise_unless)
    begins_in_graph = staticmethod(loops.begins_in_graph)

    def active(self) -> bool:
        return not trace_state_clean()

    def is_staged(self, value: Any) -> bool:
        if isinstance(value, types.Tracer):
            return True
        kind = type(value)
        if kind is Maybe:
            return isinstance(value.present, types.Tracer)
        if kind is Choice or kind is OneOf:
            return isinstance(value.number, types.Tracer)
        if issubclass(kind, TensorList):
            return value.is_buffered() and value.plain() is None
        if CONTEXT.boundary is not None and isinstance(value, types.Array):
            return self.active()  # found outside: another call may find another one there
        return is_symbolic(value)

    def prepare(self, function: Any) -> Any:
        return calls.JaxFunction(function)

    def use_cache(self, folder: str | None) -> None:
        jax.config.update("jax_compilation_cache_dir", folder)
        if folder is not None:  # JAX's own limits leave out what compiles in less than a second
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        compilation_cache.reset_cache()  # it looks at the folder only once

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls an ``ag.function``."""
        return calls.run(function, args, kwargs)

    def builds_nodes(self) -> bool:
        return False

    def for_graphs(self, converted: Any, original: Any, by_identity: Callable[[], Any]) -> Any:
        return converted

    def decorated_again(self, function: Any, convert: Callable[[Any], Any]) -> Any | None:
        return None  # JAX's decorators trace what they are given, which is converted when it is called

    def host_call(self, function: Callable[..., Any], leaves: list[Any], result: Any, name: str) -> Any:
        return host.host_call(function, leaves, result, name)

    # Control flow.

    def around_loop(self) -> AbstractContextManager[None]:
        return hoisted(self.leaving, self.raise_unless)

    def sequence_of(self, iterable: Any) -> StagedSequence | None:
        if isinstance(iterable, StagedSequence):
            return iterable
        if isinstance(iterable, range):
            if is_unrolled(len(iterable)):
                return None
            return python_range(iterable, optional=True)
        if isinstance(iterable, TensorList) and iterable.is_buffered():
            content = iterable.__ag_content__()
            assert isinstance(content, Buffer)
            content.looked_at()
            if isinstance(content.length, int):
                rows = self.first(content.data, content.length)
                return StagedSequence(content.length, lambda _, row: row, rows)
            return StagedSequence(content.length, lambda _, row: row, content.data)
        if isinstance(iterable, types.Array | np.ndarray):
            kind = types.type_of(iterable)
            if kind is None or not kind.shape:
                return None
            is_staged = isinstance(iterable, types.Tracer)
            if not is_staged and is_unrolled(kind.shape[0]):
                return None
            return StagedSequence(
                kind.shape[0], lambda _, row: row, jnp.asarray(iterable), optional=not is_staged, rows_of=iterable
            )
        return None

    def loop_source(self, function: Any) -> Callable[..., Any] | None:
        return None

    def items(self, value: Any) -> Any:
        return value  # a tracer can be iterated over

    def next_of(self, iterator: Any) -> Any:
        return next(iterator)

    def next_or(self, iterator: Any, default: Any) -> Any:
        return next(iterator, default)

    def length(self, value: Any) -> Any:
        size = value.shape[0] if getattr(value, "shape", ()) and isinstance(value, types.Array) else None
        return jnp.asarray(size) if is_symbolic(size) else len(value)

    # Truth.

    def truth_of_array(self, value: Any) -> Any:
        value = types.lifted(value)
        if not isinstance(value, types.Tracer):
            return bool(value)
        if value.size != 1:
            if value.size == 0:
                raise ValueError("The truth value of an empty array is ambiguous. Use `array.size > 0` instead")
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        if value.shape:
            value = value.reshape(())
        return value if value.dtype == bool else value != 0

    def equal(self, left: Any, right: Any) -> Any:
        return left == right

    def contains(self, array: Any, value: Any) -> Any:
        if isinstance(array, TensorList):
            content = array.__ag_content__()
            assert isinstance(content, Buffer)
            content.looked_at()
            hits = jnp.arange(content.capacity) < content.length
            return jnp.any((content.data == value) & hits)
        return jnp.any(array == value)

    # Effects.

    def print(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        callbacks.print_when_run(args, options)

    def to_host(self, value: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """The arrays that make up ``value``, and a function that rebuilds it from concrete ones as Python's values."""
        if type(value) is Choice:
            return [value.number], lambda values: value_of(int(values[0]))
        if isinstance(value, TensorList):
            content = value.__ag_content__()
            leaves, structure = types.flatten(content)
            return leaves, lambda values: _python_list(types.unflatten(structure, values))
        return [value], lambda values: to_python(values[0])

    # Lists: pytrees of arrays with the elements along the first axis.

    def leading_size(self, data: Any) -> int:
        return int(jax.tree_util.tree_leaves(data)[0].shape[0])

    def first(self, data: Any, count: int) -> Any:
        return jax.tree_util.tree_map(lambda leaf: leaf if leaf.shape[0] == count else leaf[:count], data)

    def stack_trees(self, items: list[Any]) -> Any:
        if not items:
            raise ValueError("need at least one element to stack")

        def stack(*leaves: Any) -> Any:
            if any(isinstance(leaf, types.Array) for leaf in leaves):
                return jnp.stack(leaves)
            return jnp.asarray(np.stack(leaves))  # without an operation of ten thousand operands

        return jax.tree_util.tree_map(stack, *items)

    def list_argument(self, function: Callable[..., Any], items: TensorList) -> Any:
        makes_arrays = str(getattr(function, "__module__", "")).startswith(("jax.numpy", "jax._src.numpy"))
        if not isinstance(items.staged_length(), int):
            if makes_arrays:
                raise StagingError(
                    "the graph decides the length of this list, and the size of an array is known while it is traced. "
                    "ag.stack(items) gives an array with all the rows that the list has room for, of which the first "
                    "len(items) are its elements"
                )
            return items
        if makes_arrays and items.is_buffered():
            array = items.stack()
            if isinstance(array, types.Array):
                return array
        return list(items)

    def unstack(self, data: Any, count: int) -> list[Any]:
        return [types.get_row(data, index) for index in range(count)]

    def grown(self, data: Any, capacity: int) -> Any:
        def grow(leaf: Any) -> Any:
            return types.zeros_rows(types.ArrayType(leaf.shape[1:], leaf.dtype, False), capacity)

        return types.copy_rows(data, jax.tree_util.tree_map(grow, data))

    def empty_like(self, data: Any, capacity: int) -> Any:
        return jax.tree_util.tree_map(lambda leaf: jnp.zeros((capacity, *leaf.shape[1:]), leaf.dtype), data)

    def reserved(self, content: Buffer | list[Any], element: Any, capacity: int) -> Buffer:
        buffer = Buffer.of(content, capacity, Buffer(self.stack_trees([element]), 1))
        return Buffer(buffer.data, buffer.length, "fixed")

    def get_at(self, data: Any, index: Any) -> Any:
        return types.get_row(data, index)

    def set_at(self, data: Any, index: Any, value: Any) -> Any:
        return types.set_row(data, index, value)

    def wrapped_index(self, index: Any, length: Any) -> Any:
        """An index that may be negative, checked when the graph runs as Python checks it."""
        return jnp.where(index < 0, index + length, index)

    def concrete_items(self, buffer: Buffer) -> list[Any] | None:
        """The elements, if nothing about them is staged."""
        leaves = jax.tree_util.tree_leaves((buffer.data, buffer.length))
        if any(
            not isinstance(leaf, types.Array | np.ndarray | int) or isinstance(leaf, types.Tracer) for leaf in leaves
        ):
            return None
        length = int(buffer.length)
        rows, structure = jax.tree_util.tree_flatten(buffer.data)
        split = [list(row[:length]) for row in rows]
        return [jax.tree_util.tree_unflatten(structure, list(parts)) for parts in zip(*split, strict=True)]

    # Arrays.

    def as_element(self, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return jnp.broadcast_to(jnp.asarray(value).astype(dtype), shape)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return jnp.zeros(shape, dtype)

    def rows(self, array: Any) -> StagedSequence:
        array = jnp.asarray(array)
        return StagedSequence(array.shape[0], lambda _, row: row, array)

    def flipped(self, slices: Any) -> Any:
        return jax.tree_util.tree_map(lambda leaf: leaf[::-1], slices)

    def get_item(self, array: Any, key: Any) -> Any:
        return jnp.asarray(array)[key]

    def item_at(self, array: Any, index: Any) -> Any:
        return indexing.item(array, index)

    def sum_rows(self, array: Any) -> Any:
        return jnp.sum(array, axis=0)

    def sorted(self, items: Any, key: Callable[[Any], Any] | None, reverse: bool) -> list[Any]:
        """The elements in ascending order of their keys, equal ones in the order in which they came."""
        if isinstance(items, TensorList):
            items = items.stack() if items.is_buffered() else list(items)
        data = self.stack_trees(list(items)) if isinstance(items, list | tuple) else items
        count = self.leading_size(data)
        rows = [types.get_row(data, index) for index in range(count)] if key is not None else []
        keys = jax.tree_util.tree_leaves(self.stack_trees([key(row) for row in rows]) if key is not None else data)
        if any(column.ndim != 1 for column in keys):
            raise ValueError("sorted() over rows needs a key that gives one number for each, or a tuple of numbers")
        if reverse:  # stable in both directions, as Python's sort is
            order = count - 1 - jnp.lexsort([column[::-1] for column in reversed(keys)])[::-1]
        else:
            order = jnp.lexsort(keys[::-1])
        ordered = jax.tree_util.tree_map(lambda leaf: leaf[order], data)
        return (
            self.unstack(ordered, count) if isinstance(items, list | tuple) else TensorList.of(Buffer(ordered, count))
        )

    def round(self, number: Any, digits: Any) -> Any:
        if jnp.issubdtype(number.dtype, jnp.integer):
            return number if digits is None or digits >= 0 else jnp.round(number, digits)
        if digits is None:
            return self.to_int(jnp.round(number))
        return jnp.round(number, digits)

    def to_int(self, value: Any) -> Any:
        """``int(value)``: towards zero."""
        value = types.lifted(value)
        if value.size != 1:
            raise TypeError("only size-1 arrays can be converted to Python scalars")
        if value.shape:
            value = value.reshape(())
        if jnp.issubdtype(value.dtype, jnp.floating):
            value = jnp.trunc(value)
        return types.convert(value, loops.index_type())

    def to_float(self, value: Any) -> Any:
        value = types.lifted(value)
        if value.size != 1:
            raise TypeError("only size-1 arrays can be converted to Python scalars")
        if value.shape:
            value = value.reshape(())
        return types.convert(value, types.ArrayType((), jnp.result_type(0.0), True))

    def python_number(self, value: Any) -> type | None:
        kind = types.type_of(value)
        if kind is None or kind.shape or not (kind.weak or kind.dtype == bool):
            return None
        return {"b": bool, "i": int, "u": int, "f": float, "c": complex}.get(np.dtype(kind.dtype).kind)

    def is_array(self, value: Any) -> bool:
        return isinstance(value, types.Array)

    def part_of(self, array: Any) -> Any:
        """The array that ``array`` is a part of, as NumPy's basic indexing would have it; ``None`` if it is none."""
        equation = getattr(array, "parent", None)
        whole = None
        while equation is not None and str(getattr(equation, "primitive", "")) in _VIEWS:
            whole = equation.in_tracers[0]
            equation = getattr(whole, "parent", None)
        return whole

    def updated(self, array: Any, key: Any, value: Any) -> Any:
        """``array`` with ``array[key] = value``, in the dtype of ``array``."""
        array = jnp.asarray(array)
        if isinstance(key, types.Tracer) and key.dtype == bool and key.ndim:
            # How many items a staged mask selects is not known, so each item is chosen for itself.
            mask = key.reshape(key.shape + (1,) * (array.ndim - key.ndim))
            return jnp.where(mask, jnp.asarray(value).astype(array.dtype), array)
        changed = indexing.with_item(array, key, value)
        if changed is not NotImplemented:
            return changed
        return array.at[key].set(jnp.asarray(value).astype(array.dtype) if not isinstance(value, int) else value)

    def range(self, start: Any, stop: Any, step: Any) -> StagedRange:
        start, stop, step = (jnp.asarray(part) if is_symbolic(part) else part for part in (start, stop, step))
        for value in (start, stop, step):
            dtype = getattr(value, "dtype", None)
            if (dtype is not None and not jnp.issubdtype(dtype, jnp.integer)) or isinstance(value, float):
                name = "float" if dtype is None else str(dtype)
                raise TypeError(f"{name!r} object cannot be interpreted as an integer")
            if getattr(value, "shape", ()) not in ((), (1,)):
                raise TypeError("only integer scalar arrays can be converted to a scalar index")
        if isinstance(step, int):
            if step == 0:
                raise ValueError("range() arg 3 must not be zero")
            first, last = (start, stop) if step > 0 else (stop, start)
            distance = last if isinstance(first, int) and first == 0 else last - first
            stride = abs(step)
        else:
            self.check(step != 0, lambda: ValueError("range() arg 3 must not be zero"))
            distance = jnp.where(step > 0, stop - start, start - stop)
            stride = jnp.where(step == 0, 1, jnp.abs(step))
        length = distance if isinstance(stride, int) and stride == 1 else (distance + (stride - 1)) // stride
        return StagedRange(start, stop, step, length)


def to_python(value: Any) -> Any:
    """A concrete array as what Python would have in its place: a number, or a NumPy array."""
    array = np.asarray(value)
    if array.ndim:
        return array
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return float(str(array))  # the shortest text that gives this number, not the digits of its 64-bit neighbour
    return array.item()


def _python_list(content: Any) -> list[Any]:
    if isinstance(content, Buffer):
        rows, structure = jax.tree_util.tree_flatten(content.data)
        return [
            jax.tree_util.tree_unflatten(structure, [to_python(row[index]) for row in rows])
            for index in range(int(content.length))
        ]
    return [jax.tree_util.tree_map(to_python, item) for item in content]


def _exclude_from_source_info() -> None:
    """Makes JAX's own error messages and profiles name the user's line instead of this package's."""
    from jax._src import source_info_util

    source_info_util.register_exclusion(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


_exclude_from_source_info()

_VIEWS = frozenset(("slice", "squeeze", "dynamic_slice", "reshape", "transpose", "rev"))

_LEAVING = Leaving()

ENGINE: Engine = JaxEngine()

if config.cache_dir is not None:
    ENGINE.use_cache(config.cache_dir)
