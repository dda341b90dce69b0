"""How each engine calls the things that advice speaks of."""

from __future__ import annotations

import importlib
import sys
from typing import Any

WORDS: dict[str, dict[str, str]] = {
    "jax": {
        "array": "jnp.array",
        "all": "jnp.all",
        "any": "jnp.any",
        "where": "jnp.where",
        "arange": "jnp.arange",
        "reshape": "jnp.reshape",
        "random": "jax.random",
        "to_float": "x.astype(float)",
        "piece": "jax.lax.dynamic_slice_in_dim({array}, start, size)",
        "kind": "an array of JAX's",
        "class": "jax.Array",
        "dtype": "jnp.issubdtype(x.dtype, jnp.integer)",
    },
    "tensorflow": {
        "array": "tf.constant",
        "all": "tf.reduce_all",
        "any": "tf.reduce_any",
        "where": "tf.where",
        "arange": "tf.range",
        "reshape": "tf.reshape",
        "random": "tf.random",
        "to_float": "tf.cast(x, tf.float32)",
        "piece": "tf.slice({array}, [start], [size])",
        "kind": "a tensor",
        "class": "tf.Tensor",
        "dtype": "x.dtype.is_integer",
    },
}

_TENSORFLOW_NAMES = {
    "all": "tf.reduce_all",
    "amax": "tf.reduce_max",
    "amin": "tf.reduce_min",
    "any": "tf.reduce_any",
    "argsort": "tf.argsort",
    "concatenate": "tf.concat",
    "dot": "tf.tensordot",
    "max": "tf.reduce_max",
    "mean": "tf.reduce_mean",
    "min": "tf.reduce_min",
    "prod": "tf.reduce_prod",
    "std": "tf.math.reduce_std",
    "sum": "tf.reduce_sum",
    "var": "tf.math.reduce_variance",
    "save": "tf.io.write_file",
}


def static_argument(names: list[str]) -> str:
    """How an argument is made one that is known while tracing."""
    quoted = ", ".join(f'"{name}"' for name in names) or '"..."'
    return f"ag.function(..., static_argnames=[{quoted}])"


def host(result: str = "...") -> str:
    """How a function is run on the host."""
    return f'@ag.do_not_convert(run_as="py_func", result={result})'


def counterpart(engine: str, function: Any) -> str | None:
    """What the engine's framework calls a function of NumPy's, if it has it."""
    name = getattr(function, "__name__", "")
    module = str(getattr(function, "__module__", None) or "numpy")
    part = module.removeprefix("numpy").lstrip(".").partition(".")[0]
    part = part if part in ("linalg", "fft") else ""
    if engine == "jax":
        found = getattr(sys.modules["jax"].numpy, part) if part else sys.modules["jax"].numpy
        return f"jnp.{part + '.' if part else ''}{name}" if callable(getattr(found, name, None)) else None
    if not part and name in _TENSORFLOW_NAMES:
        return _TENSORFLOW_NAMES[name]
    tensorflow = importlib.import_module("tensorflow")
    places = ("linalg", "signal") if part else ("", "math", "experimental.numpy")
    for place in places:
        found = tensorflow
        for step in filter(None, place.split(".")):
            found = getattr(found, step, None)
        if callable(getattr(found, name, None)):
            return ".".join(filter(None, ("tf", place, name)))
    return None
