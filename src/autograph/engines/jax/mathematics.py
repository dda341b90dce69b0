"""The functions of ``math`` and NumPy over staged values.

Where Python's raise a ``ValueError`` for an argument outside of a function's domain, these give what JAX gives: ``nan``
or ``inf``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.scipy import special


def _integer(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def rounded(value: Any) -> Any:
        if jnp.issubdtype(jnp.result_type(value), jnp.integer):
            return value
        return jnp.asarray(function(value)).astype(jnp.result_type(0))

    return rounded


def _log(value: Any, base: Any = None) -> Any:
    return jnp.log(value) if base is None else jnp.log(value) / jnp.log(base)


def _isqrt(value: Any) -> Any:
    root = jnp.floor(jnp.sqrt(value)).astype(jnp.result_type(value))
    root = jnp.where(root * root > value, root - 1, root)
    return jnp.where((root + 1) * (root + 1) <= value, root + 1, root)


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    bound = jnp.maximum(rel_tol * jnp.maximum(jnp.abs(a), jnp.abs(b)), abs_tol)
    return (a == b) | (jnp.abs(a - b) <= bound)


def _hypot(*sides: Any) -> Any:
    return jnp.sqrt(sum(side * side for side in sides))


_MATH: dict[str, Callable[..., Any]] = {
    "floor": _integer(jnp.floor),
    "ceil": _integer(jnp.ceil),
    "trunc": _integer(jnp.trunc),
    "isqrt": _isqrt,
    "isclose": _isclose,
    "hypot": _hypot,
    "log": _log,
    "fabs": lambda value: jnp.abs(value * 1.0),
    "pow": lambda base, exponent: jnp.power(base * 1.0, exponent),
    "fsum": lambda values: sum(values, 0.0),
    "prod": lambda values, *, start=1: start * jnp.prod(jnp.asarray(values)),
    "dist": lambda p, q: _hypot(*(a - b for a, b in zip(p, q, strict=True))),
    "erf": special.erf,
    "erfc": special.erfc,
    "gamma": special.gamma,
    "lgamma": special.gammaln,
    "atan": jnp.arctan,
    "atan2": jnp.arctan2,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "isnan": jnp.isnan,
    "isinf": jnp.isinf,
    "isfinite": jnp.isfinite,
}
for _name in (
    *("sqrt", "cbrt", "exp", "exp2", "expm1", "log2", "log10", "log1p", "sin", "cos"),
    *("tan", "sinh", "cosh", "tanh", "copysign", "fmod", "degrees", "radians", "gcd", "lcm"),
):
    _MATH[_name] = getattr(jnp, _name)


def math_function(name: str) -> Callable[..., Any] | None:
    """The counterpart of a function of ``math``."""
    return _MATH.get(name)


def numpy_function(function: Any) -> Callable[..., Any] | None:
    """The counterpart of a function of NumPy."""
    module = str(getattr(function, "__module__", None) or "numpy")
    name = getattr(function, "__name__", "")
    for prefix, place in (("numpy.linalg", jnp.linalg), ("numpy.fft", jnp.fft), ("numpy", jnp)):
        if module == prefix or module.startswith(prefix + "."):
            found = getattr(place, name, None)
            return found if callable(found) else None
    return None
