"""Compiles a function with XLA where that is safe and pays: numeric code whose time goes into loops.

A loop of TensorFlow's runs each operation through its executor, some microseconds apiece; compiled it takes
nanoseconds. XLA wants every size to be known, and knows nothing of strings, datasets, prints and assertions, so it gets
a function only if all operations in it are on a list, and all shapes are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2
from tensorflow.python.eager import context
from tensorflow.python.eager.polymorphic_function import atomic_function
from tensorflow.python.framework import ops

from . import faults

_ELEMENTWISE = (
    "Abs Acos Acosh Add AddV2 Asin Asinh Atan Atan2 Atanh BitwiseAnd BitwiseOr BitwiseXor Cast Ceil ClipByValue Cos "
    "Cosh Div DivNoNan Equal Erf Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Identity IdentityN Inv Invert "
    "IsFinite IsInf IsNan LeftShift Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul "
    "MulNoNan Neg NotEqual OnesLike Pow RealDiv Reciprocal Relu RightShift Rint Round Rsqrt Select SelectV2 Sigmoid "
    "Sign Sin Sinh Softplus Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlogy ZerosLike"
)
_NETWORKS = (
    "AddN BiasAdd BiasAddGrad Elu EluGrad InvGrad L2Loss LeakyRelu LeakyReluGrad LogSoftmax ReciprocalGrad Relu6 "
    "Relu6Grad ReluGrad RsqrtGrad Selu SeluGrad SigmoidGrad Softmax SoftmaxCrossEntropyWithLogits SoftplusGrad "
    "Softsign SoftsignGrad SparseSoftmaxCrossEntropyWithLogits SqrtGrad TanhGrad"
)
_STRUCTURE = (
    "BroadcastTo Concat ConcatV2 Const ExpandDims Fill Gather GatherV2 If LinSpace NoOp Pack Placeholder Range Rank "
    "Reshape Reverse ReverseV2 Shape Size Slice Squeeze StatelessIf StatelessWhile StridedSlice StridedSliceGrad "
    "TensorListFromTensor TensorListGetItem TensorListLength TensorListSetItem TensorListStack TensorScatterUpdate "
    "TensorStridedSliceUpdate Tile Transpose Unpack While"
)
_REDUCTIONS = "All Any ArgMax ArgMin Cumsum Max Mean Min Prod Sum MatMul BatchMatMulV2"
_COMPILABLE = frozenset(" ".join((_ELEMENTWISE, _NETWORKS, _STRUCTURE, _REDUCTIONS)).split())
_LOOPS = frozenset(["While", "StatelessWhile"])
_MUST_COMPILE = "_XlaMustCompile"


def may_compile(graph: Any) -> None:
    """Notes that the function whose trace into ``graph`` begins leaves the choice to this package."""
    if all(map(_is_known, graph.inputs)):
        graph._ag_may_compile = True
        faults.watch(graph)


def trace_ends(graph: Any) -> None:
    """To be called when the program's part of the trace is over."""
    graph._ag_fault = faults.collect(graph)


def compile_if_it_pays(concrete: Any) -> None:
    """Has XLA run a function that has just been traced, if that is safe and likely to be faster.

    The function without XLA stays for gradients, which need of a loop what XLA cannot give: a list of all its states
    with a length that nobody knows; and for calls in which an operation fails.
    """
    graph = concrete.graph
    if getattr(graph, "_ag_may_compile", False) and _pays(graph):
        concrete._inference_function = Compiled(concrete)


class Compiled:
    """What runs a concrete function: its code by XLA, or without if that refuses or an operation has failed.

    All operations are of the kind that changes nothing, so nothing is seen of a run whose result is not used.
    """

    def __init__(self, concrete: Any) -> None:
        graph = concrete.graph
        self._uncompiled = concrete._inference_function
        self._checks = graph._ag_fault is not None
        outputs = graph.outputs
        if self._checks:
            graph.outputs = [*outputs, graph._ag_fault]
        try:
            self._function = atomic_function.from_func_graph(
                f"{graph.name}_compiled_{ops.uid()}", graph, {_MUST_COMPILE: attr_value_pb2.AttrValue(b=True)}
            )
        finally:
            graph.outputs = outputs
        self._count = len(outputs) + self._checks
        self._is_refused = False

    def call_preflattened(self, args: Sequence[Any]) -> Any:
        if self._is_refused:
            return self._uncompiled.call_preflattened(args)
        try:
            outputs = context.context().call_function(self._function.name, list(args), self._count)
        except tf.errors.OpError as error:
            if not any(sign in str(error) for sign in _REFUSALS):
                raise
            self._is_refused = True
            return self._uncompiled.call_preflattened(args)
        if self._checks and outputs.pop():
            return self._uncompiled.call_preflattened(args)
        return self._uncompiled.function_type.pack_output(outputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._uncompiled, name)


_REFUSALS = ("compile-time constant", "XLA", "xla", "unsupported operations", "HLO")


def _pays(graph: Any) -> bool:
    if graph.captures and any(not _is_known(outer) for outer, _ in graph.captures):
        return False
    has_loop = False
    found = faults.faults_of(graph)
    assert found is not None
    for operation in _operations(graph):
        if operation.type not in _COMPILABLE or not _is_supported(operation):
            return False
        if not found.covers(operation):
            return False
        if any(not _is_compilable(tensor) for tensor in operation.outputs):
            return False
        has_loop |= operation.type in _LOOPS
    return has_loop


_CONSTANTS = {
    **dict.fromkeys(("Range", "LinSpace"), (0, 1, 2)),
    **dict.fromkeys(("Fill", "Concat"), (0,)),
    **dict.fromkeys(("Reshape", "BroadcastTo", "Tile", "ExpandDims", "Transpose", "ReverseV2", "Cumsum"), (1,)),
    **dict.fromkeys(("Sum", "Prod", "Max", "Min", "Mean", "All", "Any", "ArgMax", "ArgMin"), (1,)),
    **dict.fromkeys(("Slice", "GatherV2"), (2,)),
    **dict.fromkeys(("ConcatV2",), (-1,)),
    **dict.fromkeys(("StridedSlice", "TensorStridedSliceUpdate"), (1, 2, 3)),
    **dict.fromkeys(("StridedSliceGrad",), (0, 1, 2, 3)),
    **dict.fromkeys(("TensorListFromTensor", "TensorListStack"), (1,)),
}
"""Operands that decide a shape, which XLA has to know when it compiles."""


def _is_supported(operation: Any) -> bool:
    if operation.type == "StridedSlice" and operation.inputs[1].shape.num_elements() is not None:
        axes = operation.inputs[1].shape.num_elements()
        if operation.get_attr("shrink_axis_mask") == 2**axes - 1:
            return True  # one element, whose place may be computed
    if operation.type == "TensorListSetItem" and operation.get_attr("resize_if_index_out_of_bounds"):
        return False
    inputs = operation.inputs
    return all(_is_constant(inputs[index]) for index in _CONSTANTS.get(operation.type, ()))


_SIZES = "Add AddV2 Cast ConcatV2 ExpandDims Identity Maximum Minimum Mul Pack Prod StridedSlice Sub"
_FOLDED = frozenset(_SIZES.split())
"""Operations on sizes that XLA does when it compiles."""


def _is_constant(tensor: Any) -> bool:
    """Whether XLA knows a tensor when it compiles: a constant, or made of sizes that are known."""
    if tf.get_static_value(tensor) is not None:
        return True
    operation = tensor.op
    if operation.type in ("Shape", "Size", "Rank"):
        return bool(operation.inputs[0].shape.is_fully_defined())
    return operation.type in _FOLDED and all(map(_is_constant, operation.inputs))


def _is_known(tensor: Any) -> bool:
    return tensor.shape.is_fully_defined() and _is_number(tensor.dtype)


def _is_compilable(tensor: Any) -> bool:
    return tensor.dtype == tf.variant or _is_known(tensor)


def _is_number(dtype: tf.DType) -> bool:
    return bool(dtype.is_bool or dtype.is_integer or dtype.is_floating or dtype.is_complex) and not dtype.is_quantized


def _operations(graph: Any) -> Iterator[Any]:
    """The operations of a graph, and of the functions in it, that its results or effects need."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    seen = {id(operation) for operation in waiting}
    while waiting:
        operation = waiting.pop()
        for needed in (*(tensor.op for tensor in operation.inputs), *operation.control_inputs):
            if id(needed) not in seen:
                seen.add(id(needed))
                waiting.append(needed)
        yield operation
        for name in ("_cond_graph", "_body_graph", "_true_graph", "_false_graph"):
            inner = getattr(operation, name, None)
            if inner is not None:
                yield from _operations(inner)
