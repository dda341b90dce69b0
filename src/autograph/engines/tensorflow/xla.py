"""Compiles a function with XLA where that is safe and pays: numeric code whose time goes into loops.

A loop of TensorFlow's runs each operation through its executor, some microseconds apiece; compiled it takes
nanoseconds. XLA wants every size to be known, and knows nothing of strings, datasets, prints and assertions, so it gets
a function only if all operations in it are on a list, and all shapes are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.polymorphic_function import concrete_function

_ELEMENTWISE = (
    "Abs Acos Acosh Add AddV2 Asin Asinh Atan Atan2 Atanh BitwiseAnd BitwiseOr BitwiseXor Cast Ceil ClipByValue Cos "
    "Cosh Div DivNoNan Equal Erf Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Identity IdentityN Inv Invert "
    "IsFinite IsInf IsNan LeftShift Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul "
    "MulNoNan Neg NotEqual OnesLike Pow RealDiv Reciprocal Relu RightShift Rint Round Rsqrt Select SelectV2 Sigmoid "
    "Sign Sin Sinh Softplus Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlogy ZerosLike"
)
_STRUCTURE = (
    "BroadcastTo Concat ConcatV2 Const ExpandDims Fill Gather GatherV2 If NoOp Pack Placeholder Range Rank Reshape "
    "Reverse ReverseV2 Shape Size Slice Squeeze StatelessIf StatelessWhile StridedSlice TensorListFromTensor "
    "TensorListGetItem TensorListSetItem TensorListStack TensorStridedSliceUpdate Tile Transpose Unpack While "
    "TensorScatterUpdate LinSpace"
)
_REDUCTIONS = "All Any ArgMax ArgMin Cumsum Max Mean Min Prod Sum MatMul BatchMatMulV2"
_COMPILABLE = frozenset((_ELEMENTWISE + " " + _STRUCTURE + " " + _REDUCTIONS).split())
_LOOPS = frozenset(["While", "StatelessWhile"])
_MUST_COMPILE = "_XlaMustCompile"


def may_compile(graph: Any) -> None:
    """Notes that the function which is being traced into ``graph`` leaves the choice to this package."""
    graph._ag_may_compile = True


def compile_if_it_pays(concrete: Any) -> None:
    """Has XLA run a function that has just been traced, if that is safe and likely to be faster.

    The function without XLA stays for gradients, which need of a loop what XLA cannot give: a list of all its states
    with a length that nobody knows.
    """
    graph = concrete.graph
    if not getattr(graph, "_ag_may_compile", False) or not _pays(graph):
        return
    attributes = {**concrete._attrs, _MUST_COMPILE: True} if hasattr(concrete, "_attrs") else {_MUST_COMPILE: True}
    compiled = concrete_function.ConcreteFunction.from_func_graph(
        graph, concrete.function_type, attributes, shared_func_graph=True
    )
    concrete._inference_function = compiled._inference_function
    concrete._ag_compiled = compiled


def _pays(graph: Any) -> bool:
    if graph.captures and any(not _is_known(outer) for outer, _ in graph.captures):
        return False
    if any(not _is_known(tensor) for tensor in graph.inputs):
        return False
    has_loop = False
    for operation in _operations(graph):
        if operation.type not in _COMPILABLE:
            return False
        if any(not _is_compilable(tensor) for tensor in operation.outputs):
            return False
        has_loop |= operation.type in _LOOPS
    return has_loop


def _is_known(tensor: Any) -> bool:
    return tensor.shape.is_fully_defined() and _is_number(tensor.dtype)


def _is_compilable(tensor: Any) -> bool:
    return tensor.dtype == tf.variant or _is_known(tensor)


def _is_number(dtype: tf.DType) -> bool:
    return bool(dtype.is_bool or dtype.is_integer or dtype.is_floating or dtype.is_complex) and not dtype.is_quantized


def _operations(graph: Any) -> Iterator[Any]:
    """The operations of a graph and of the functions in it."""
    for operation in graph.get_operations():
        yield operation
        for name in ("_cond_graph", "_body_graph", "_true_graph", "_false_graph"):
            inner = getattr(operation, name, None)
            if inner is not None:
                yield from _operations(inner)
