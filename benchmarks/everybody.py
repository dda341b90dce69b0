"""The kernels once more, at sizes at which everybody can take part: eager execution, TensorFlow, PyTorch, jaxify.

All are given the same text and the same numbers, of 64 bits, and have to give the same answer. Who cannot run a kernel
is found by trying; what it says then stands in the table. An eager contestant is given arrays of its framework; where a
kernel works on numbers alone, those of a ``range`` are arrays as well, or Python would do all the work.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import autograph as ag

from . import peers
from .kernels import CONDITIONAL, Kernel, vectorised
from .measure import Contest, Contestant, Ratio

PYTHON = "plain Python"
NUMPY = "the same text over NumPy's arrays"
VECTORISED = "NumPy, vectorised by hand"
EAGER = "eager JAX"
CONVERTED = "jax.jit(ag.convert(f))"
BY_HAND = "hand-written lax"
JAXIFY = "jax.jit(jaxify(f))"
MALT = "jax.jit(malt.to_graph(f))"
NUMBA = "numba.njit(f)"
TF_EAGER = "eager TensorFlow"
TF_ENGINE = "ag.function(f) on TensorFlow"
TF_FUNCTION = "tf.function(f)"
TF_COMPILED = "tf.function(f, jit_compile=True)"
TF_BY_HAND = "hand-written tf.while_loop"
TF_BY_HAND_COMPILED = "hand-written tf.while_loop, jit_compile=True"
TORCH = "eager PyTorch"
TORCH_COMPILED = "torch.compile(f)"

_PATIENCE = 60.0
"""Seconds that a peer has for its first answer: ``torch.compile`` may unroll a loop, and a C++ compiler takes long."""


def shown(result: Any) -> str:
    """A result as all contestants give it, to six digits of a sum in which each item counts by its place."""
    items = np.asarray(result, dtype=float).ravel()
    return f"{float(items @ (1 + np.arange(items.size) % 7)):.6g}"


def executable(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """A call of the function on JAX, compiled when it is first called."""

    @functools.cache
    def compiled() -> tuple[Any, list[Any]]:
        with jax.enable_x64(True):
            arrays = [jnp.asarray(argument) for argument in arguments]
            return jax.jit(function).lower(*arrays).compile(), arrays

    def call() -> Any:
        program, arrays = compiled()
        return jax.block_until_ready(program(*arrays))

    return call


def contest(kernel: Kernel, size: int) -> Contest:
    """Everybody who can, on one kernel."""
    contestants = [
        _by_jax(CONVERTED, ag.convert(kernel.function), kernel, size, may_refuse=False),
        _by_jax(BY_HAND, kernel.by_hand, kernel, size, may_refuse=False),
        *_on_arrays(kernel, size),
        _eager_jax(kernel, size),
    ]
    missing: list[str] = []
    for peer, names, made in (
        (peers.TENSORFLOW, (TF_BY_HAND, TF_BY_HAND_COMPILED, TF_ENGINE, TF_FUNCTION, TF_COMPILED, TF_EAGER), _by_tf),
        (peers.NUMBA, (NUMBA,), _by_numba),
        (peers.TORCH, (TORCH, TORCH_COMPILED), _by_torch),
        (peers.JAXIFY, (JAXIFY,), _by_jaxify),
        (peers.MALT, (MALT,), _by_malt),
    ):
        module = peers.load(peer)
        if module is None:
            missing += names
        else:
            contestants += made(module, kernel, size)
    name = kernel.name
    scalar_loop = kernel.is_scalar and kernel is not CONDITIONAL
    faster: dict[str, Any] = {"at_least": 100.0 if scalar_loop else 1.0}
    return Contest(
        f"kernel-{name}-everybody",
        f"{name}, size {size:,}, everybody",
        "call",
        contestants,
        [
            Ratio(f"{name}: tf.function / AutoGraph on JAX", TF_FUNCTION, CONVERTED, **faster),
            Ratio(f"{name}: tf.function / AutoGraph on TensorFlow", TF_FUNCTION, TF_ENGINE, at_least=1.0, why=_WHY_TF),
            Ratio(f"{name}: tf.function(jit_compile=True) / AutoGraph on JAX", TF_COMPILED, CONVERTED),
            Ratio(f"{name}: jaxify / AutoGraph on JAX", JAXIFY, CONVERTED),
            Ratio(f"{name}: hand-written tf.while_loop / AutoGraph on TensorFlow", TF_BY_HAND, TF_ENGINE),
            Ratio(f"{name}: NumPy, vectorised by hand / AutoGraph on JAX", VECTORISED, CONVERTED),
            Ratio(f"{name}: eager PyTorch / AutoGraph on JAX", TORCH, CONVERTED),
            Ratio(f"{name}: torch.compile / AutoGraph on JAX", TORCH_COMPILED, CONVERTED),
        ],
        missing=missing,
        slow=True,
        patience=_PATIENCE,
    )


_WHY_TF = "TensorFlow runs both loops, an operation at a time."


def _timed(name: str, call: Callable[[], Any], *, may_refuse: bool = True) -> Contestant:
    return Contestant(name, lambda _: call, lambda: shown(call()), may_refuse=may_refuse)


def _changing(
    name: str, function: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]], *, may_refuse: bool = True
) -> Contestant:
    """A function that may change the arrays that it is given: each call gets its own."""

    def prepare(calls: int) -> Callable[[], Any]:
        given = iter([arguments() for _ in range(calls)])
        return lambda: function(*next(given))

    return Contestant(name, prepare, lambda: shown(prepare(1)()), calls=50, may_refuse=may_refuse)


def _on_arrays(kernel: Kernel, size: int) -> Iterator[Contestant]:
    def arrays() -> tuple[Any, ...]:
        return kernel.shared_arguments(size)

    def lists() -> tuple[Any, ...]:
        """Python's own types; it has no table with an index for each axis."""
        return tuple(given.tolist() if np.ndim(given) == 1 else given for given in arrays())

    yield _changing(PYTHON, kernel.function, lists, may_refuse=False)
    if not kernel.is_scalar:
        yield _changing(NUMPY, kernel.function, arrays, may_refuse=False)
    if hasattr(vectorised, kernel.name):
        yield _changing(VECTORISED, getattr(vectorised, kernel.name), arrays, may_refuse=False)


def _by_jax(name: str, function: Callable[..., Any], kernel: Kernel, size: int, *, may_refuse: bool) -> Contestant:
    return _timed(name, executable(function, kernel.shared_arguments(size)), may_refuse=may_refuse)


def _over_arrays(kernel: Kernel, arange: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel over numbers whose ``range`` gives arrays; others have arrays to work on."""
    function = kernel.function
    if not kernel.is_scalar:
        return function
    names = {**function.__globals__, "range": arange}
    return FunctionType(function.__code__, names, function.__name__)


def _eager_jax(kernel: Kernel, size: int) -> Contestant:
    function = _over_arrays(kernel, jnp.arange)

    def call() -> Any:
        with jax.enable_x64(True):
            return jax.block_until_ready(function(*map(jnp.asarray, kernel.shared_arguments(size))))

    return _timed(EAGER, call)


def _by_tf(tensorflow: Any, kernel: Kernel, size: int) -> Iterator[Contestant]:
    """Numbers have 32 bits, as they have by default: TensorFlow's own AutoGraph mixes Python's with no others."""
    arguments = kernel.shared_arguments(size)
    given = [tensorflow.constant(argument) for argument in arguments]
    wide = [tensorflow.constant(argument, np.asarray(argument).dtype) for argument in arguments]
    by_hand = getattr(kernel.module("_tf"), kernel.name)
    for name, function, values in (
        (TF_BY_HAND, tensorflow.function(by_hand, autograph=False), wide),
        (TF_BY_HAND_COMPILED, tensorflow.function(by_hand, autograph=False, jit_compile=True), wide),
        (TF_ENGINE, _without_end if kernel.needs_doubles else ag.function(kernel.function), given),
        (TF_FUNCTION, tensorflow.function(kernel.function), given),
        (TF_COMPILED, tensorflow.function(kernel.function, jit_compile=True), given),
        (TF_EAGER, _over_arrays(kernel, tensorflow.range), given),
    ):

        def call(function: Callable[..., Any] = function, values: list[Any] = values) -> Any:
            return np.asarray(function(*values))  # waits for the result

        yield _timed(name, call, may_refuse=name != TF_BY_HAND)  # tensors have no `sum()`, which a kernel may use


def _without_end(*_: Any) -> Any:
    raise ArithmeticError("Python's floats are float32 on TensorFlow, in which this loop has no end")


def _by_numba(numba: Any, kernel: Kernel, size: int) -> Iterator[Contestant]:
    yield _changing(NUMBA, numba.njit(kernel.function), lambda: kernel.shared_arguments(size))


def _by_torch(torch: Any, kernel: Kernel, size: int) -> Iterator[Contestant]:
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    given = kernel.shared_arguments(size)
    function = _over_arrays(kernel, torch.arange)

    def tensors() -> tuple[Any, ...]:
        return tuple(torch.tensor(value, dtype=getattr(torch, np.asarray(value).dtype.name)) for value in given)

    def with_doubles(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            before = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)
            try:
                return function(*arguments)
            finally:
                torch.set_default_dtype(before)

        return call

    yield _changing(TORCH, with_doubles(function), tensors)
    yield _changing(TORCH_COMPILED, with_doubles(torch.compile(_fresh(function))), tensors)


def _fresh(function: Any) -> Callable[..., Any]:
    """A function of its own: ``torch.compile`` keeps what it finds with the code."""
    return FunctionType(function.__code__.replace(), function.__globals__, function.__name__)


def _by_jaxify(jaxify: Any, kernel: Kernel, size: int) -> Iterator[Contestant]:
    yield _by_converter(JAXIFY, jaxify.jaxify, kernel, size)


def _by_malt(malt: Any, kernel: Kernel, size: int) -> Iterator[Contestant]:
    yield _by_converter(MALT, malt.to_graph, kernel, size)


def _by_converter(name: str, convert: Callable[[Any], Any], kernel: Kernel, size: int) -> Contestant:
    @functools.cache
    def ready() -> Callable[[], Any]:
        return executable(convert(kernel.function), kernel.shared_arguments(size))

    return _timed(name, lambda: ready()())
