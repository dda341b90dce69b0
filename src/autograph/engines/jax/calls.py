"""Calls of ``ag.function`` on JAX: which arguments are traced, and what becomes of the result or the failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ...spec import TensorSpec
from ...staging.state import CONTEXT
from ..common.failures import raise_at
from . import callbacks
from .growing import GrowingJit
from .results import Parts, in_parts
from .types import NUMBERS, Array, type_of


class _Identity:
    """A static argument that cannot be hashed, compared by identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _static_key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return _Identity(value)
    if isinstance(value, float):
        return float, repr(value)  # tells -0.0 from 0.0, and a NaN from no other
    return type(value), value


class _Concrete:
    """One compiled form: for one structure of arguments and one choice of static ones."""

    def __init__(self, converted: Callable[..., Any], structure: Any, statics: list[Any]) -> None:
        self.has_effects = False

        def traced(*dynamic: Any) -> Any:
            values = iter(dynamic)
            leaves = [next(values) if static is _TRACED else static for static in statics]
            args, kwargs = jax.tree_util.tree_unflatten(structure, leaves)
            before = CONTEXT.effects
            result = converted(*args, **kwargs)
            self.has_effects |= CONTEXT.effects > before
            return in_parts(result)

        traced.__name__ = traced.__qualname__ = getattr(converted, "__name__", "function")
        self.compiled = GrowingJit(traced)


_TRACED = object()


class _Static:
    """An argument that is a Python value while tracing, whatever its type."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class JaxFunction:
    """What is kept for one ``ag.function``."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.entries: dict[Any, _Concrete] = {}

    @property
    def tracing_count(self) -> int:
        return len(self.entries)

    def concrete_functions(self) -> list[Any]:
        return list(self.entries.values())

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def clear(self) -> None:
        self.entries.clear()

    def entry(self, key: Any, make: Callable[[], _Concrete]) -> _Concrete:
        found = self.entries.get(key)
        if found is None:
            with self.function.lock:
                found = self.entries.get(key)
                if found is None:
                    found = self.entries[key] = make()
        return found


def run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``function`` (an ``ag.function``) as a compiled graph."""
    if function.input_signature is not None:
        _check_signature(function.__name__, function.input_signature, args, kwargs)
    if function.static_argnames:
        values = list(function.parameters.bind(*args, **kwargs))
        for name in function.static_argnames:
            index = function.parameters.names.index(name)
            values[index] = _Static(values[index])
        args, kwargs = function.parameters.spread(tuple(values))
    leaves, structure = jax.tree_util.tree_flatten((args, kwargs))
    statics, dynamic, key = [], [], []
    for leaf in leaves:
        if isinstance(leaf, Array) or type(leaf) in NUMBERS or _is_numpy(leaf):
            statics.append(_TRACED)
            dynamic.append(leaf)
        else:
            value = leaf.value if isinstance(leaf, _Static) else leaf
            statics.append(value)
            key.append(_static_key(value))
    shape = tuple(static is _TRACED for static in statics)
    state = function.state("jax")
    entry = state.entry((structure, shape, tuple(key)), lambda: _Concrete(function.converted, structure, statics))
    try:
        result = entry.compiled(*dynamic)
        if entry.has_effects:
            jax.block_until_ready(result)
            jax.effects_barrier()
    except jax.errors.JaxRuntimeError as error:
        found = callbacks.FAILURES.take(str(error))
        if found is None:
            raise
        failure = found
    else:
        return result.whole() if type(result) is Parts else result
    raise_at(*failure)


def _check_signature(name: str, specs: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if kwargs or len(args) != len(specs):
        raise TypeError(
            f"{name}() has an input_signature of {len(specs)} positional arguments, and got {len(args)}"
            + (f" and the keywords {sorted(kwargs)}" if kwargs else "")
        )
    for position, (spec, value) in enumerate(zip(specs, args, strict=True)):
        if not isinstance(spec, TensorSpec):
            continue
        shape = getattr(value, "shape", ())
        fits = len(shape) == len(spec.shape) and all(
            want is None or want == have for want, have in zip(spec.shape, shape, strict=True)
        )
        if not fits:
            raise TypeError(
                f"{name}() expects {spec.dtype}{list(spec.shape)} as argument {spec.name or position}, "
                f"and got shape {list(shape)}"
            )


def _is_numpy(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray | np.generic) and type_of(leaf) is not None
