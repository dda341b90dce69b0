"""TensorFlow's values as the staging layer sees them: leaves, their types, and the least type that holds several.

A number of Python's that a graph computes stays one in kind: it takes the dtype of the tensors that it meets
(``numbers.py``), which its type says by ``weak``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree
import tensorflow as tf
from tensorflow.python.framework.ops import SymbolicTensor
from tensorflow.python.ops import handle_data_util

from ...errors import StagingError
from ...staging.choice import Choice, can_be_chosen, number_of
from ...staging.lists import Buffer, TensorList
from ...staging.one_of import OneOf
from ...staging.records import Record, record_of
from ...staging.state import UNBOUND, Content, about_to_write
from ...staging.unify import AsIs, Static, shown, unify
from ...staging.values import PLACEHOLDER, Late, Maybe, certain
from . import numbers

NUMBERS = (bool, int, float, complex)
LISTS_NEED_ROOM = False
"""Whether a list that grows in a loop has to be told beforehand how long it can get."""

_NAMESPACE = "autograph"
_COMPOSITE = tf.__internal__.CompositeTensor
Shape = tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class ArrayType:
    """A tensor's type. ``None`` in the shape is a size that the graph knows, a shape of ``None`` an unknown rank."""

    shape: Shape
    dtype: tf.DType
    weak: bool = field(default=False, compare=False)

    def struct(self) -> ArrayType:
        return self

    def specs(self) -> list[tf.TensorSpec]:
        """The types of the tensors that carry a value of this type through a graph."""
        return [tf.TensorSpec(self.shape, self.dtype)]

    def tensors(self, value: Any) -> list[Any]:
        """The tensors that carry ``value``, which is of this type."""
        return [value]

    def value(self, tensors: Sequence[Any]) -> Any:
        """What ``tensors`` carry."""
        return numbers.as_number(tensors[0]) if self.weak else tensors[0]

    def __str__(self) -> str:
        sizes = "..." if self.shape is None else ",".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype.name}[{sizes}]"


@dataclass(frozen=True, slots=True)
class CompositeType:
    """A value of several tensors: ragged, sparse, an ``Optional``, a ``TensorArray``, an extension type."""

    spec: Any
    example: Any = None
    """A ``TensorArray``, which is put together again from its flow alone."""

    def struct(self) -> CompositeType:
        return self

    @property
    def weak(self) -> bool:
        return False

    def specs(self) -> list[tf.TensorSpec]:
        if self.example is not None:
            return [tf.TensorSpec((), tf.variant)]
        return list(tf.nest.flatten(self.spec, expand_composites=True))

    def tensors(self, value: Any) -> list[Any]:
        if self.example is not None:
            return [value.flow]
        return list(tf.nest.flatten(value, expand_composites=True))

    def value(self, tensors: Sequence[Any]) -> Any:
        if self.example is not None:
            return _with_flow(self.example, tensors[0])
        return tf.nest.pack_sequence_as(self.spec, list(tensors), expand_composites=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompositeType) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)

    def __str__(self) -> str:
        return str(self.spec)


Type = ArrayType | CompositeType


def _with_flow(array: tf.TensorArray, flow: Any) -> tf.TensorArray:
    from tensorflow.python.ops.tensor_array_ops import build_ta_with_new_flow

    return build_ta_with_new_flow(array, flow)


def shape_of(shape: tf.TensorShape) -> Shape:
    return None if shape.rank is None else tuple(shape.as_list())


def type_of(leaf: Any) -> Type | None:
    """The type of a tensor or number, ``None`` for anything else."""
    kind = type(leaf)
    if kind is bool:
        return ArrayType((), tf.bool, True)
    if kind is int:
        return ArrayType((), tf.int32 if -(2**31) <= leaf < 2**31 else tf.int64, True)
    if kind is float:
        return ArrayType((), tf.float32, True)
    if kind is complex:
        return ArrayType((), tf.complex64, True)
    if isinstance(leaf, ArrayType | CompositeType):
        return leaf
    if isinstance(leaf, tf.Tensor):
        return ArrayType(shape_of(leaf.shape), leaf.dtype, kind is numbers.Number)
    if isinstance(leaf, np.ndarray | np.generic):
        if leaf.dtype.kind not in "biufcSU" or leaf.dtype.fields:
            return None
        dtype = tf.string if leaf.dtype.kind in "SU" else tf.as_dtype(leaf.dtype)
        return ArrayType(tuple(leaf.shape), dtype)
    if is_variable(leaf):
        return ArrayType(shape_of(tf.TensorShape(leaf.shape)), tf.as_dtype(leaf.dtype))
    if isinstance(leaf, tf.TensorArray):
        return CompositeType(tf.TensorArraySpec(None, leaf.dtype, infer_shape=False), leaf)
    if isinstance(leaf, _COMPOSITE) and not is_resource(leaf):
        return CompositeType(tf.type_spec_from_value(leaf))
    return None


def is_variable(value: Any) -> bool:
    """Whether a value is a variable of TensorFlow's or of Keras's."""
    if isinstance(value, tf.Variable):
        return True
    kind = type(value)
    return kind.__name__ == "Variable" and kind.__module__.startswith("keras.") and hasattr(value, "assign")


def is_resource(value: Any) -> bool:
    """Whether a value of TensorFlow's stands for something outside the graph, so that there is only one of it."""
    return is_variable(value) or isinstance(value, tf.data.Dataset | tf.data.Iterator)


_KINDS = "biufc"


def _kind(dtype: tf.DType) -> int:
    if dtype.is_bool:
        return 0
    if dtype.is_integer:
        return 1
    if dtype.is_floating:
        return 2
    if dtype.is_complex:
        return 3
    raise ValueError(f"{dtype.name} is no number")


def _join_dtypes(types: Sequence[ArrayType]) -> tf.DType:
    dtypes = {kind.dtype for kind in types}
    if len(dtypes) == 1:
        return types[0].dtype
    highest = max(_kind(dtype) for dtype in dtypes)
    # Within a kind NumPy's promotion; a dtype of a lower kind, and a number of Python's, follows those above it.
    strong = {kind.dtype for kind in types if not kind.weak and _kind(kind.dtype) == highest}
    among = strong or {kind.dtype for kind in types if _kind(kind.dtype) == highest}
    if len(among) == 1:
        return among.pop()
    if any(dtype in (tf.bfloat16, tf.float16) for dtype in among) and highest == 2:
        return max(among, key=lambda dtype: (dtype.size, 0)) if tf.float64 in among else tf.float32
    return tf.as_dtype(np.result_type(*(dtype.as_numpy_dtype for dtype in among)))


def _join_shapes(types: Sequence[ArrayType]) -> Shape:
    shapes = [kind.shape for kind in types]
    # A scalar that Python started with takes the shape of the tensors that it meets.
    shaped: list[Shape] = [kind.shape for kind in types if kind.shape]
    if shaped and all(kind.shape or (kind.weak and kind.shape == ()) for kind in types):
        shapes = shaped
    first = shapes[0]
    for other in shapes[1:]:
        if first is None or other is None or len(first) != len(other):
            return None
        first = tuple(a if a == b else None for a, b in zip(first, other, strict=True))
    return first


def join(types: Sequence[Type]) -> Type:
    """The least type that holds all of ``types``. Sizes that differ are left to the graph.

    Raises:
        ValueError: no tensor holds both.
    """
    first = types[0]
    arrays = [kind for kind in types if isinstance(kind, ArrayType)]
    if len(arrays) == len(types):
        return ArrayType(_join_shapes(arrays), _join_dtypes(arrays), all(kind.weak for kind in arrays))
    if all(other == first for other in types[1:]):
        return first
    if arrays:
        raise ValueError("a tensor and a composite do not fit")
    spec = first.spec.most_specific_common_supertype([kind.spec for kind in types[1:]])  # type: ignore[union-attr]
    if spec is None:
        raise ValueError("the types do not fit")
    return CompositeType(spec, first.example)  # type: ignore[union-attr]


def convert(value: Any, to: Type, other: Any = None) -> Any:
    """``value`` as one of type ``to``; zeros for a value that nothing reads, with ``other`` on the other path."""
    if value is PLACEHOLDER or value is UNBOUND:
        return to.value([_zeros(spec, other) for spec in to.specs()])
    if isinstance(to, CompositeType):
        return value
    return convert_tensor(value, to)


def convert_tensor(value: Any, to: ArrayType) -> Any:
    if is_variable(value):
        value = tf.convert_to_tensor(value)
    if not isinstance(value, tf.Tensor):
        value = tf.convert_to_tensor(value, None if isinstance(value, np.ndarray) else to.dtype)
    if value.dtype != to.dtype:
        value = tf.cast(numbers.as_tensor(value), to.dtype)
    if to.shape and value.shape.rank == 0:
        sizes = [1 if size is None else size for size in to.shape]
        value = tf.broadcast_to(value, sizes)
    return value


def _zeros(spec: tf.TensorSpec, other: Any) -> Any:
    if spec.dtype == tf.variant:
        # TensorFlow refuses to read a list that may be of one of two dtypes, also where the graph never does.
        return tf.raw_ops.EmptyTensorList(element_shape=-1, max_num_elements=-1, element_dtype=_element_dtype(other))
    if spec.dtype == tf.resource:
        raise StagingError("an iterator or another resource that only some paths have cannot leave them in a graph")
    sizes = [] if spec.shape.rank is None else [0 if size is None else size for size in spec.shape]
    return tf.zeros(sizes, spec.dtype)


def _element_dtype(handle: Any) -> tf.DType:
    """Of which dtype the elements of a tensor list are, as far as its graph knows."""
    if isinstance(handle, tf.Tensor):
        known = handle_data_util.get_resource_handle_data(handle).shape_and_type
        if len(known) == 1 and known[0].dtype:
            return tf.as_dtype(known[0].dtype)
    return tf.float32


CODE = ArrayType((), tf.int32)
"""The type of the number by which an exception that is under way is known."""


def room_for(owner: TensorList, at_least: int) -> Any:
    return None  # a tensor list needs none


def filled(buffer: Handles, length: int) -> Handles:
    """A list whose length is known again."""
    return Handles(buffer.data, buffer.structure, buffer.kinds, length)


def nonzero(code: Any) -> Any:
    return tf.not_equal(code, 0)


def equal_code(code: Any, number: int) -> Any:
    return tf.equal(code, number)


def is_of_trace(value: Any) -> bool:
    """Whether ``value`` has come into being in the graph that is being built."""
    return isinstance(value, SymbolicTensor) and value.graph is tf.compat.v1.get_default_graph()


def is_array(value: Any) -> bool:
    return isinstance(value, tf.Tensor)


def _is_part(value: Any) -> bool:
    return value is PLACEHOLDER or value is UNBOUND


def _is_leaf(value: Any) -> bool:
    return _is_part(value) or type(value) is Choice


def flatten(value: Any) -> tuple[list[Any], Any]:
    return optree.tree_flatten(value, is_leaf=_is_leaf, none_is_leaf=True, namespace=_NAMESPACE)


def flatten_choices(value: Any) -> tuple[list[Any], Any]:
    """``flatten``, through choices to their numbers."""
    return optree.tree_flatten(value, is_leaf=_is_part, none_is_leaf=True, namespace=_NAMESPACE)


def unflatten(structure: Any, leaves: Sequence[Any]) -> Any:
    return optree.tree_unflatten(structure, leaves)


def tree_map(function: Any, *trees: Any) -> Any:
    return optree.tree_map(function, *trees, is_leaf=_is_leaf, none_is_leaf=True, namespace=_NAMESPACE)


def is_option(leaf: Any) -> bool:
    """Whether a value that differs between paths can be one option of a choice."""
    return leaf is not UNBOUND and not is_resource(leaf) and can_be_chosen(leaf) and record_of(leaf) is None


def is_object(value: Any) -> bool:
    """Whether a value can change while it stays the same object."""
    if isinstance(value, list | dict | set) or is_resource(value):
        return True
    leaves, _ = flatten(value)
    return len(leaves) == 1 and leaves[0] is value and type_of(value) is None and hasattr(value, "__dict__")


def expand(leaf: Any) -> Any:
    """``leaf`` as a pytree of its attributes, if it is an object that has some; otherwise as it is."""
    record = None if type_of(leaf) is not None or is_resource(leaf) else record_of(leaf)
    if record is None:
        return leaf
    return Record(record.kind, {name: tree_map(expand, value) for name, value in record.fields.items()})


def describe(value: Any) -> str:
    """A value's type as an error message shows it."""
    return shown(value, sys.modules[__name__])


# Lists.


class Handles(Buffer):
    """A list of the program's as TensorFlow's tensor lists, one for each leaf of an element.

    A tensor list has no capacity, and its elements may differ in size. Like everything in a graph it does not change:
    to append is to make another, which takes no copy where the old one is no longer used.
    """

    __slots__ = ("_known", "kinds", "structure")

    def __init__(
        self, data: Sequence[Any], structure: Any, kinds: Sequence[ArrayType], known: int | None = None
    ) -> None:
        super().__init__(tuple(data), None)
        self.structure, self.kinds, self._known = structure, tuple(kinds), known

    @property
    def capacity(self) -> None:
        return None

    @property
    def length(self) -> Any:
        if self._known is not None:
            return self._known
        return numbers.as_number(tf.raw_ops.TensorListLength(input_handle=self.data[0]))

    @length.setter
    def length(self, value: Any) -> None:
        pass  # a tensor list knows its own

    def leaves(self, value: Any) -> list[Any]:
        leaves, structure = flatten(value)
        if structure != self.structure:
            raise StagingError(
                f"a list that a graph fills holds elements like {self.example()}, and this one is {describe(value)}"
            )
        return [numbers.as_tensor(convert_tensor(leaf, kind)) for leaf, kind in zip(leaves, self.kinds, strict=True)]

    def example(self) -> str:
        return str(unflatten(self.structure, [AsIs(str(kind)) for kind in self.kinds]))

    def _with(self, data: Sequence[Any], longer: int | None = None) -> Handles:
        known = None if self._known is None or longer is None else self._known + longer
        new = Handles(data, self.structure, self.kinds, known)
        return new if longer is None else new.longer_than(self, longer)

    def _element(self, tensors: Sequence[Any]) -> Any:
        return unflatten(self.structure, [kind.value([t]) for kind, t in zip(self.kinds, tensors, strict=True)])

    def get(self, index: Any) -> Any:
        place = tf.cast(numbers.as_tensor(index), tf.int32)
        return self._element(
            [
                tf.raw_ops.TensorListGetItem(
                    input_handle=handle,
                    index=place,
                    element_shape=shape_tensor(kind),
                    element_dtype=kind.dtype,
                    name="item_of_list",
                )
                for handle, kind in zip(self.data, self.kinds, strict=True)
            ]
        )

    def put(self, index: Any, value: Any) -> Handles:
        place = tf.cast(numbers.as_tensor(index), tf.int32)
        return self._with(
            [
                tf.raw_ops.TensorListSetItem(input_handle=handle, index=place, item=leaf, name="put_into_list")
                for handle, leaf in zip(self.data, self.leaves(value), strict=True)
            ],
            0,
        )

    def append(self, value: Any) -> Handles:
        return self._with(
            [
                tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=leaf)
                for handle, leaf in zip(self.data, self.leaves(value), strict=True)
            ],
            1,
        )

    def pop(self) -> tuple[Any, Handles]:
        pairs = [
            tf.raw_ops.TensorListPopBack(
                input_handle=handle,
                element_shape=shape_tensor(kind),
                element_dtype=kind.dtype,
                name="pop_of_list",
            )
            for handle, kind in zip(self.data, self.kinds, strict=True)
        ]
        return self._element([pair.tensor for pair in pairs]), self._with([pair.output_handle for pair in pairs], -1)

    def stack(self) -> Any:
        return self._element(
            [
                tf.raw_ops.TensorListStack(
                    input_handle=handle, element_shape=shape_tensor(kind), element_dtype=kind.dtype
                )
                for handle, kind in zip(self.data, self.kinds, strict=True)
            ]
        )


def shape_tensor(kind: ArrayType) -> Any:
    """A shape as the list operations take it: -1 for what is not known."""
    if kind.shape is None:
        return tf.constant(-1)
    return tf.constant([-1 if size is None else size for size in kind.shape], tf.int32)


def empty_handles(structure: Any, kinds: Sequence[ArrayType]) -> Handles:
    data = [
        tf.raw_ops.EmptyTensorList(element_shape=shape_tensor(kind), max_num_elements=-1, element_dtype=kind.dtype)
        for kind in kinds
    ]
    return Handles(data, structure, kinds)


def make_buffer(owner: TensorList, capacity: int, examples: Sequence[Any], mode: str = "free") -> Handles:
    """Makes a list of the program's a tensor list, with elements of the least type that holds those of ``examples``.

    The examples may be of another trace: only their types are looked at.
    """
    old = owner.__ag_content__()
    elements: list[Any] = []
    for content in (old, *examples):
        if isinstance(content, Handles):
            elements.append(unflatten(content.structure, content.kinds))
        else:
            elements += content
    unified = unify("an element of a list", elements, False, sys.modules[__name__], keep_numbers=False)
    if any(isinstance(kind, Static | CompositeType) for kind in unified.leaves):
        raise StagingError("a list that grows in a staged loop or branch can only hold numbers and tensors")
    made = empty_handles(unified.structure, unified.leaves)
    if isinstance(old, Handles):
        made = made._with(old.data)
    else:
        assert isinstance(old, list)
        for item in old:
            made = made.append(item)
    about_to_write(Content(owner))
    owner.__ag_set_content__(made)
    return made


def _list_of(content: Any) -> list[Any]:
    return TensorList.of(content)


def _register(kind: type, flatten_node: Any, unflatten_node: Any) -> None:
    optree.register_pytree_node(kind, flatten_node, unflatten_node, namespace=_NAMESPACE)


_register(Late, lambda node: ((node.value, node.bound), None), lambda _, children: Late(*children))
_register(Maybe, lambda node: ((node.value, node.present), None), lambda _, children: Maybe(*children))
_register(Choice, lambda node: ((node.number,), node.options), lambda options, children: Choice(options, *children))
_register(OneOf, lambda node: ((node.number,), node.entries), lambda entries, children: OneOf(entries, *children))
_register(
    Record,
    lambda node: (tuple(node.fields.values()), (node.kind, tuple(node.fields))),
    lambda form, children: Record(form[0], dict(zip(form[1], children, strict=True))).instance(),
)
_register(
    Handles,
    lambda node: (node.data, (node.structure, node.kinds)),  # in a graph's state the length is the graph's
    lambda form, children: Handles(children, *form),
)
_register(TensorList, lambda node: ((node.__ag_content__(),), None), lambda _, children: _list_of(children[0]))


def _value_of_maybe(value: Maybe, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    return tf.convert_to_tensor(certain(value), dtype, name=name)


def _text_of_choice(value: Choice, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    """A choice between strings as a tensor, where an operation of TensorFlow's takes one."""
    if not all(isinstance(option, str | bytes) for option in value.options):
        return NotImplemented
    result: Any = tf.constant(value.options[-1])
    for option in value.options[:-1]:
        result = tf.where(tf.equal(value.number, number_of(option)), option, result)
    return result


def _stacked_list(value: TensorList, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    return value.stack() if value.is_buffered() else NotImplemented


# What the operations of TensorFlow's make of values that only staged code knows.
tf.register_tensor_conversion_function(Maybe, _value_of_maybe)
tf.register_tensor_conversion_function(Choice, _text_of_choice)
tf.register_tensor_conversion_function(TensorList, _stacked_list, priority=50)
