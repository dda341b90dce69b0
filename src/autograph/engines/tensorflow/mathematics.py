"""The functions of ``math`` and NumPy over staged values.

Where Python's raise a ``ValueError`` for an argument outside of a function's domain, these give what TensorFlow gives:
``nan`` or ``inf``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

import tensorflow as tf

from .numbers import as_number, as_tensor


def _as_float(value: Any) -> Any:
    """``value`` as a tensor of floating-point numbers, as Python's functions take it."""
    if isinstance(value, tf.Variable):
        value = value.read_value()
    if not isinstance(value, tf.Tensor):
        return tf.constant(float(value))
    plain = as_tensor(value)
    return plain if plain.dtype.is_floating else tf.cast(plain, tf.float32)


def _of_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        tensors = [_as_float(value) for value in values]
        widest = max((tensor.dtype for tensor in tensors), key=lambda dtype: dtype.size)
        return _number(function(*(tf.cast(tensor, widest) for tensor in tensors)))

    return apply


def _number(result: Any) -> Any:
    """``result`` as a number of Python's, which all of these functions give, also of tensors."""
    return as_number(result) if result.shape.rank == 0 and result.dtype != tf.bool else result


def _integer(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def rounded(value: Any) -> Any:
        if value.dtype.is_integer:
            return _number(tf.identity(value))
        return _number(tf.cast(function(as_tensor(value)), tf.int32))

    return rounded


def _log(value: Any, base: Any = None) -> Any:
    logarithm = _of_floats(tf.math.log)
    return logarithm(value) if base is None else logarithm(value) / logarithm(base)


def _isqrt(value: Any) -> Any:
    plain = as_tensor(value)
    root = tf.cast(tf.floor(tf.sqrt(tf.cast(plain, tf.float64))), plain.dtype)
    root = tf.where(root * root > plain, root - 1, root)
    return _number(tf.where((root + 1) * (root + 1) <= plain, root + 1, root))


def _hypot(*sides: Any) -> Any:
    return _of_floats(lambda *tensors: tf.sqrt(tf.add_n([side * side for side in tensors])))(*sides)


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    def near(x: Any, y: Any) -> Any:
        bound = tf.maximum(rel_tol * tf.maximum(tf.abs(x), tf.abs(y)), tf.cast(abs_tol, x.dtype))
        return tf.logical_or(tf.equal(x, y), tf.abs(x - y) <= bound)

    return _of_floats(near)(a, b)


def _gcd(a: Any, b: Any) -> Any:
    from ...staging.calls import converted

    return converted(cast(FunctionType, _euclid))(a, b)


def _euclid(a: Any, b: Any) -> Any:
    """Euclid's algorithm; converted when it is called."""
    a, b = abs(a), abs(b)
    while b != 0:
        a, b = b, a % b
    return a


_MATH: dict[str, Callable[..., Any]] = {
    "floor": _integer(tf.floor),
    "ceil": _integer(tf.math.ceil),
    "trunc": _integer(lambda value: tf.cast(value, tf.int32)),
    "isqrt": _isqrt,
    "isclose": _isclose,
    "hypot": _hypot,
    "log": _log,
    "gcd": _gcd,
    "fabs": _of_floats(tf.abs),
    "pow": _of_floats(tf.pow),
    "fsum": lambda values: sum(values, 0.0),
    "dist": lambda p, q: _hypot(*(a - b for a, b in zip(p, q, strict=True))),
    "log2": _of_floats(lambda value: tf.math.log(value) / math.log(2.0)),
    "log10": _of_floats(lambda value: tf.math.log(value) / math.log(10.0)),
    "exp2": _of_floats(lambda value: tf.pow(tf.constant(2.0, value.dtype), value)),
    "cbrt": _of_floats(lambda value: tf.sign(value) * tf.pow(tf.abs(value), 1.0 / 3.0)),
    "degrees": _of_floats(lambda value: value * (180.0 / math.pi)),
    "radians": _of_floats(lambda value: value * (math.pi / 180.0)),
    "fmod": _of_floats(tf.truncatemod),
    "copysign": _of_floats(lambda value, sign: tf.where(sign < 0, -tf.abs(value), tf.abs(value))),
    "isnan": _of_floats(tf.math.is_nan),
    "isinf": _of_floats(tf.math.is_inf),
    "isfinite": _of_floats(tf.math.is_finite),
}
for _name in (
    *("sqrt", "exp", "expm1", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atan2"),
    *("asinh", "acosh", "atanh", "erf", "erfc", "lgamma"),
):
    _MATH[_name] = _of_floats(getattr(tf.math, _name))


def math_function(name: str) -> Callable[..., Any] | None:
    """The counterpart of a function of ``math``."""
    return _MATH.get(name)


def numpy_function(function: Any) -> Callable[..., Any] | None:
    """The counterpart of a function of NumPy."""
    module = str(getattr(function, "__module__", None) or "numpy")
    if module != "numpy" and not module.startswith("numpy."):
        return None
    found = getattr(tf.experimental.numpy, getattr(function, "__name__", ""), None)
    return found if callable(found) else None
