"""Numbers of Python's whose value a graph computes.

TensorFlow promotes no dtype: an ``int32`` tensor times ``0.5`` is an error. But ``i`` in ``for i in range(n)`` is a
number of Python's, and ``i * 0.5`` is a float. A ``Number`` is a scalar tensor that behaves as the number would: with
other numbers it follows Python's arithmetic, and it takes the dtype of the tensors that it meets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.ops import SymbolicTensor

_INTEGER, _FLOAT, _COMPLEX = tf.int32, tf.float32, tf.complex64


class Number(SymbolicTensor):  # type: ignore[misc]
    """A scalar tensor in the place of a number of Python's; made by ``as_number`` alone."""

    __hash__ = SymbolicTensor.__hash__

    def __repr__(self) -> str:
        return f"<staged {self.dtype.name}>"


def as_number(tensor: Any) -> Any:
    """``tensor``, to be treated as a number of Python's; the caller has made it, and nobody else holds it."""
    if type(tensor) is SymbolicTensor:
        tensor.__class__ = Number
    return tensor


def as_tensor(value: Any) -> Any:
    """The tensor that a number is, with nothing of Python's about it."""
    return tf.identity(value) if type(value) is Number else value


def _rank(dtype: tf.DType) -> int:
    return 0 if dtype.is_bool else 1 if dtype.is_integer else 2 if dtype.is_floating else 3


def _of_numbers(name: str, left: Any, right: Any) -> Any:
    """Two numbers, of which one at least is staged, by Python's rules."""
    dtype = max((_dtype_of(value) for value in (left, right)), key=lambda kind: (_rank(kind), kind.size))
    if dtype.is_bool and name not in ("and", "or", "xor", "eq", "ne"):
        dtype = _INTEGER
    if name == "truediv" and not (dtype.is_floating or dtype.is_complex):
        dtype = _FLOAT
    result = _apply(name, _cast(left, dtype), _cast(right, dtype))
    result.__class__ = Number  # an operation of this module's own, which nobody else has seen
    return result


def _dtype_of(value: Any) -> tf.DType:
    if isinstance(value, tf.Tensor):
        return value.dtype
    if isinstance(value, bool):
        return tf.bool
    if isinstance(value, int):
        return _INTEGER if -(2**31) <= value < 2**31 else tf.int64
    return _FLOAT if isinstance(value, float) else _COMPLEX


def _cast(value: Any, dtype: tf.DType) -> Any:
    if not isinstance(value, tf.Tensor):
        return tf.constant(value, dtype)
    return value if value.dtype == dtype else tf.cast(value, dtype)


def _apply(name: str, left: Any, right: Any) -> Any:
    """TensorFlow's own function: an operator would ask the class of ``Number`` first, and come back here.

    In 1.x graphs its ``==`` compares identities, besides.
    """
    if name in _LOGIC and left.dtype == tf.bool:
        return _LOGIC[name](left, right)
    return _FUNCTIONS[name](left, right)


_LOGIC = {"and": tf.logical_and, "or": tf.logical_or, "xor": tf.math.logical_xor}
_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": tf.add,
    "sub": tf.subtract,
    "mul": tf.multiply,
    "truediv": tf.truediv,
    "floordiv": tf.math.floordiv,
    "mod": tf.math.floormod,
    "pow": tf.pow,
    "and": tf.bitwise.bitwise_and,
    "or": tf.bitwise.bitwise_or,
    "xor": tf.bitwise.bitwise_xor,
    "lshift": tf.bitwise.left_shift,
    "rshift": tf.bitwise.right_shift,
    "lt": tf.less,
    "le": tf.less_equal,
    "gt": tf.greater,
    "ge": tf.greater_equal,
    "eq": tf.equal,
    "ne": tf.not_equal,
}


def _binary(name: str, reflected: bool) -> Callable[[Number, Any], Any]:
    def operate(self: Number, other: Any) -> Any:
        if type(other) is Number or isinstance(other, bool | int | float | complex):
            return _of_numbers(name, other, self) if reflected else _of_numbers(name, self, other)
        if isinstance(other, np.ndarray | np.generic):
            other = tf.convert_to_tensor(other)
        elif isinstance(other, tf.Variable):
            other = other.read_value()
        if not isinstance(other, tf.Tensor):
            return NotImplemented
        number: Any = self
        if number.dtype != other.dtype and (other.dtype in _NUMERIC or other.dtype == tf.bool):
            if _rank(other.dtype) >= _rank(number.dtype):
                number = tf.cast(number, other.dtype)
            else:
                other = tf.cast(other, number.dtype)
        return _apply(name, other, number) if reflected else _apply(name, number, other)

    return operate


_NUMERIC = frozenset(
    getattr(tf, name)
    for name in (
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("bfloat16", "float16", "float32", "float64", "complex64", "complex128"),
    )
)
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")

for _name in _ARITHMETIC:
    setattr(Number, f"__{_name}__", _binary(_name, False))
    setattr(Number, f"__r{_name}__", _binary(_name, True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", _binary(_name, False))


def _negated(self: Number) -> Any:
    return _of_numbers("mul", self, -1.0) if _rank(self.dtype) > 1 else _of_numbers("sub", 0, self)


def _absolute(self: Number) -> Any:
    result = tf.abs(_cast(self, _INTEGER) if self.dtype.is_bool else self)
    result.__class__ = Number
    return result


Number.__neg__ = _negated
Number.__abs__ = _absolute
Number.__pos__ = lambda self: self
