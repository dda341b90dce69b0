"""Calls as one before: the trace is found by the types of the arguments, and TensorFlow's executor called.

A ``tf.function`` binds the arguments, makes a type of them, looks that up, and then does for its result and for
gradients what a call may need; that takes several times as long as to run a small graph. A call here needs nothing of
that: no tape watches, the arguments are eager tensors, arrays, or static values that were seen before, and which
trace they lead to was seen at a call that went the long way.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.function.trace_type import default_types
from tensorflow.python import pywrap_tfe
from tensorflow.python.eager import cancellation, context, execute
from tensorflow.python.eager.polymorphic_function import atomic_function, eager_function_run
from tensorflow.python.framework import ops
from tensorflow.python.framework.ops import EagerTensor
from tensorflow.python.framework.tensor import TensorSpec
from tensorflow.python.saved_model import save_context
from tensorflow.python.types import trace

from ...settings import config
from . import callers
from .arguments import reference_to
from .xla import Compiled

_MOST_KEPT = 1024
"""Calls that are remembered for one function: with open sizes, each size is one."""

_BY_VALUE = frozenset((str, bytes, int, bool, type(None)))
_BY_TEXT = frozenset((float, complex))
_UNKNOWN, _OBJECT = object(), object()
_kinds: dict[type, object] = {}
_HANDLES = (tf.resource.as_datatype_enum, tf.variant.as_datatype_enum)


class Stale(Exception):
    """There was no such call before."""


class _Thread:
    """Whether TensorFlow runs eagerly in this thread, in the form that ``Function.context`` has."""

    __slots__ = ()

    @property
    def trace(self) -> bool:
        return bool(context.context().executing_eagerly())


THREAD = _Thread()


class Call:
    """What a call with arguments of certain types needs.

    Attributes:
        concrete: the trace.
        order: the places of the tensors in the order in which the graph takes them; ``None`` if they have it.
        objects: gives the objects that the arguments have to be, which are known by their identity.
    """

    __slots__ = ("captured", "concrete", "inference", "name", "objects", "order", "outputs", "pack")

    def __init__(self, concrete: Any, order: Sequence[int] | None, objects: Sequence[Any]) -> None:
        self.concrete, self.order, self.objects = concrete, order, objects
        self.captured: list[Any] = concrete.captured_inputs
        self.inference: Any = None
        self.name = ""
        self.outputs = 0
        self.pack: Callable[[Any], Any] = _first

    def look(self) -> None:
        """Finds out what runs the trace: compiled by XLA or not."""
        inference = self.concrete._inference_function
        self.inference = inference
        if isinstance(inference, Compiled):
            return
        self.name = inference.name.decode()
        self.outputs = len(inference.function_type.flat_outputs)
        output = inference.function_type.output
        self.pack = _first if type(output) is TensorSpec else inference.function_type.pack_output

    def run(self, tensors: list[Any]) -> Any:
        if self.order is not None:
            tensors = [tensors[place] for place in self.order]
        concrete = self.concrete
        inputs = tensors + self.captured if self.captured else tensors
        if (
            not pywrap_tfe.TFE_Py_TapeSetIsEmpty()
            or pywrap_tfe.TFE_Py_TapeSetPossibleGradientTypes(inputs)
            or cancellation.context() is not None
        ):
            return concrete._call_flat(tensors, self.captured)
        if self.inference is not concrete._inference_function:
            self.look()
        if type(self.inference) is Compiled:
            return self.inference.call_preflattened(inputs)
        eager = context.context()
        options = eager.function_call_options
        attributes = (
            ("config_proto", options.config_proto_serialized, "executor_type", options.executor_type or "")
            if options.config_proto_serialized is not None
            else tuple(part for pair in options.as_attrs().items() for part in pair)
        )
        try:
            outputs = execute.execute(self.name, self.outputs, inputs, attributes, eager)
        except tf.errors.OpError as error:
            atomic_function.InterpolateRuntimeError(self.inference).__exit__(type(error), error, None)
            raise
        return self.pack(outputs)


def _first(outputs: Any) -> Any:
    return outputs[0]


class Calls:
    """The calls of one ``tf.function`` that can be made again.

    Args:
        touched: told of the trace that a call uses, while traces are counted.
    """

    def __init__(self, touched: Callable[[Any], None]) -> None:
        self._known: OrderedDict[Any, Call] = OrderedDict()
        self._touched = touched

    def __call__(self, args: Sequence[Any]) -> Any:
        """Calls as before.

        Raises:
            Stale: there was no such call.
        """
        call, tensors = self._find(args)
        if call is None:
            raise Stale
        return call.run(tensors)

    def _find(self, args: Sequence[Any]) -> tuple[Call | None, list[Any]]:
        tensors: list[Any] = []
        key: list[Any] = []
        objects: list[Any] = []
        if not _gather(args, key, tensors, objects) or not _is_plain_context():
            return None, tensors
        call = self._known.get(tuple(key))
        if call is None:
            return None, tensors
        for known, value in zip(call.objects, objects, strict=True):
            if known() is not value:
                return None, tensors
        if config.max_traces is not None:
            self._touched(call.concrete)
        return call, tensors

    def learn(self, args: Sequence[Any], concrete: Any, bind: Callable[[Sequence[Any]], Any]) -> None:
        """Remembers a call that went the long way.

        Args:
            bind: gives the arguments as the trace's type takes them.
        """
        tensors: list[Any] = []
        key: list[Any] = []
        objects: list[Any] = []
        if not _gather(args, key, tensors, objects) or not _is_plain_context() or not _can_be_quick(concrete):
            return
        if callers.changes_arguments(concrete.graph) and callers.has_numpys(args):
            return
        kind = concrete.function_type
        if len(kind.flat_inputs) != len(tensors):
            return
        order = None
        if len(tensors) > 1:
            apart = [_apart(value) for value in args]
            mine: list[Any] = []
            _gather(apart, [], mine, [])
            places = {id(tensor): place for place, tensor in enumerate(mine)}
            theirs = [places.get(id(tensor)) for tensor in kind.unpack_inputs(bind(apart))]
            if None in theirs or len(theirs) != len(mine):
                return
            order = None if theirs == list(range(len(mine))) else theirs
        self._known[tuple(key)] = Call(concrete, order, [reference_to(value) for value in objects])  # type: ignore[arg-type]
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)

    def clear(self) -> None:
        self._known.clear()

    def forget(self, concrete: Any) -> None:
        for key in [key for key, call in list(self._known.items()) if call.concrete is concrete]:
            self._known.pop(key, None)


def is_quick(args: Sequence[Any]) -> bool:
    """Whether calls with arguments of these types can be made again."""
    return _gather(args, [], [], [])


def all_tensors(args: Sequence[Any]) -> bool:
    """Whether all leaves of the arguments are tensors."""
    key: list[Any] = []
    return _gather(args, key, [], []) and not any(
        part in _BY_VALUE or part in _BY_TEXT for part in key if _is_type(part)
    )


def _is_type(part: Any) -> bool:
    return isinstance(part, type)


def _gather(values: Sequence[Any], key: list[Any], tensors: list[Any], objects: list[Any]) -> bool:
    """Adds what decides which trace serves a call to ``key``; whether that is known of all ``values``."""
    for value in values:
        kind: Any = type(value)
        if kind is EagerTensor:
            number = value._datatype_enum()
            if number in _HANDLES:
                return False
            key.append(number)
            key.append(value._shape_tuple())
            tensors.append(value)
        elif kind in _BY_VALUE:
            key.append(kind)
            key.append(value)
        elif kind in _BY_TEXT:
            key.append(kind)
            key.append(repr(value))
        elif kind is tuple or kind is list:
            key.append(kind)
            key.append(len(value))
            if not _gather(value, key, tensors, objects):
                return False
        elif kind is dict:
            key.append(kind)
            key.append(tuple(value))
            if not _gather(tuple(value.values()), key, tensors, objects):
                return False
        elif kind is np.ndarray:
            if value.dtype.kind not in "biufc":
                return False
            key.append(value.dtype)
            key.append(value.shape)
            tensors.append(ops.convert_to_tensor(value))
        elif _kind_of(value, kind) is _OBJECT:
            key.append(kind)
            key.append(id(value))
            objects.append(value)
        else:
            return False
    return True


def _kind_of(value: Any, kind: type) -> object:
    known = _kinds.get(kind)
    if known is None:
        is_object = issubclass(kind, enum.Enum) or (
            not isinstance(value, trace.SupportsTracingProtocol | trace.TraceType | tf.Variable | tf.Tensor)
            and not any(
                hasattr(kind, name)
                for name in ("__tf_flatten__", "__attrs_attrs__", "__array__", "__iter__", "__dataclass_fields__")
            )
            and not hasattr(kind, "__wrapped__")
            and _has_identity(kind)
        )
        known = _kinds[kind] = _OBJECT if is_object else _UNKNOWN
    return known if known is _UNKNOWN or not hasattr(value, "__wrapped__") else _UNKNOWN


def _has_identity(kind: Any) -> bool:
    return kind.__hash__ is None or kind.__hash__ is object.__hash__


def _apart(value: Any) -> Any:
    """``value`` with tensors that are all different objects."""
    kind: Any = type(value)
    if kind is EagerTensor or kind is np.ndarray:
        return tf.identity(value)
    if kind is tuple or kind is list:
        return kind(map(_apart, value))
    if kind is dict:
        return {key: _apart(item) for key, item in value.items()}
    return value


def _is_plain_context() -> bool:
    """Whether nothing around the call takes part in the choice of the trace, as a distribution strategy does."""
    return (
        not ops.get_default_graph()._distribution_strategy_stack
        and not save_context.in_save_context()
        and not eager_function_run.RUN_FUNCTIONS_EAGERLY
    )


def _can_be_quick(concrete: Any) -> bool:
    inference = concrete._inference_function
    outputs = inference.function_type.flat_outputs
    return (
        not concrete.graph.deferred_external_captures
        and not any(map(callable, concrete._captured_inputs))
        and not inference._call_options.control_captures
        and outputs is not None
        and not any(kind.dtype._handle_data for kind in outputs)
        and isinstance(inference.function_type.output, trace.TraceType | default_types.Literal)
    )
