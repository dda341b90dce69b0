"""The control-flow kernels: converted, by hand in ``jax.lax``, compiled by Numba, and as plain Python.

All numbers have 64 bits, as Python's do, so that every contestant does the same work. TensorFlow's own AutoGraph takes
part on the kernels over integers, at a smaller size: it refuses to mix a number of Python's with a tensor of another
dtype, and to assign to an item of a tensor.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import autograph as ag

from . import peers
from .fresh import Workshop
from .kernels import KERNELS, Kernel
from .measure import Contest, Contestant, Ratio
from .scale import Scale

PYTHON = "plain Python"
EAGER = "eager JAX"
CONVERTED = "jax.jit(ag.convert(f))"
BY_HAND = "hand-written lax"
NUMBA = "numba.njit(f)"
TF_ENGINE = "ag.function(f) on TensorFlow"
TF_FUNCTION = "tf.function(f)"
TF_COMPILED = "tf.function(f, jit_compile=True)"
TF_BY_HAND = "hand-written tf.while_loop"
TORCH = "eager PyTorch"

_INTEGERS = ("collatz", "primes_by_trial", "gcd")
_WHY_MEMORY = (
    "The state is in registers where no variable needs another's old value, or two need each other's. Else, as in "
    "primes_by_trial, where the flag needs the divisor, LLVM's code has a copy of it, about which XLA does not say "
    "that it is no other memory, so that all of the state is loaded and stored in each iteration. In any case each "
    "stores the truth value of the test, and pointers to the state, and XLA computes the next value of each "
    "variable by itself. It would need loops that XLA emits with their state in values of LLVM."
)
_WHY_ITEMS = (
    "An item's place is checked against both ends (Python's negative indices, and places outside), and the state of "
    "the loop is in memory; Numba wraps indices, does not check them, and unrolls and vectorises the loop."
)
_WHY_FIRST = (
    "Conversion and tracing take 9 ms for gcd, and 14 ms for bubble_sort, where tracing by hand takes 2 and 3; "
    "compilation costs the same. Each region is traced for itself before it is put together, and changes of items "
    "are lowered twice as long. It would need a trace that is not made anew where its jaxpr is put into the "
    "graph."
)
_WHY_SAME = (
    "The two graphs have the same loops and differ by a few operations, which tests/test_graph_quality.py counts, and "
    "by the order in which XLA places the state."
)
_WHY_SLOWER = {
    "run_lengths": "The version by hand stores the current length in every iteration, since only the last value stored "
    "at a place counts. The program stores it where a run ends, which the graph does as a store under a condition.",
    "n_body": "The inner loops are the same operations. XLA makes the loop over the steps one compiled function for "
    "the version by hand; here it is a list of four, since reading and storing an item are two operations.",
    "floyd_warshall": "The version by hand says that the least of two numbers is stored, in one operation.",
}


def contests(scale: Scale) -> Iterator[Contest]:
    """For each kernel its run; then the first call of some; then TensorFlow and PyTorch at a smaller size."""
    workshop = Workshop()
    for kernel in KERNELS:
        yield _run(kernel, kernel.sizes[scale.kernel_size])
    for kernel in KERNELS:
        if kernel.name in ("gcd", "bubble_sort", "viterbi", "life"):
            yield _first_call(workshop, kernel)
    for kernel in KERNELS:
        if kernel.name in _INTEGERS:
            yield _with_tensorflow(kernel, scale.slow_limit // 30 + 3)


def shown(result: Any) -> str:
    """A result as all contestants give it, to six digits."""
    return f"{float(np.asarray(result, dtype=float).sum()):.6g}"


def executable(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """A call of the function, compiled when it is first called."""

    @functools.cache
    def compiled() -> tuple[Any, list[Any]]:
        with jax.enable_x64(True):
            arrays = [jnp.asarray(argument) for argument in arguments]
            return jax.jit(function).lower(*arrays).compile(), arrays

    def call() -> Any:
        program, arrays = compiled()
        return jax.block_until_ready(program(*arrays))

    return call


def _by_jax(name: str, function: Callable[..., Any], kernel: Kernel, size: int) -> Contestant:
    call = executable(function, kernel.arguments(size))
    return Contestant(name, lambda _: call, lambda: shown(call()))


def _on_arrays(name: str, function: Callable[..., Any], kernel: Kernel, size: int) -> Contestant:
    """A function that changes the arrays that it is given: each call gets its own."""

    def prepare(calls: int) -> Callable[[], Any]:
        given = iter([kernel.arguments(size) for _ in range(calls)])
        return lambda: function(*next(given))

    return Contestant(name, prepare, lambda: shown(prepare(1)()), calls=50)


def _run(kernel: Kernel, size: int) -> Contest:
    numba = peers.load(peers.NUMBA)
    contestants = [
        _by_jax(BY_HAND, kernel.by_hand, kernel, size),
        _by_jax(CONVERTED, ag.convert(kernel.function), kernel, size),
        _on_arrays(PYTHON, kernel.function, kernel, size),
    ]
    if numba is not None:
        contestants.append(_on_arrays(NUMBA, numba.njit(kernel.function), kernel, size))
    why_numba = _WHY_MEMORY if kernel.is_scalar else _WHY_ITEMS
    return Contest(
        f"kernel-{kernel.name}",
        f"{kernel.name}, size {size:,}",
        "call",
        contestants,
        [
            Ratio(
                f"{kernel.name}: AutoGraph / hand-written lax",
                CONVERTED,
                BY_HAND,
                at_most=1.05,
                why=_WHY_SLOWER.get(kernel.name, _WHY_SAME),
            ),
            Ratio(
                f"{kernel.name}: AutoGraph / Numba",
                CONVERTED,
                NUMBA,
                at_most=2.0 if kernel.is_scalar else None,
                why=why_numba,
            ),
            Ratio(f"{kernel.name}: plain Python / AutoGraph", PYTHON, CONVERTED),
        ],
        missing=[NUMBA] if numba is None else [],
        clock=time.process_time,
    )


def _first_call(workshop: Workshop, kernel: Kernel) -> Contest:
    """Conversion, tracing and compilation of functions that have not been seen before."""
    source = {False: kernel.source, True: kernel.source_by_hand}

    def contestant(name: str, compiled: Callable[[Any], Any], by_hand: bool) -> Contestant:
        def prepare(calls: int) -> Callable[[], Any]:
            functions = iter([workshop.function(source[by_hand], kernel.name) for _ in range(calls)])

            def first() -> Any:
                with jax.enable_x64(True):
                    arguments = [jnp.asarray(argument) for argument in kernel.arguments(kernel.sizes[2])]
                    return compiled(next(functions))(*arguments)

            return first

        return Contestant(name, prepare, lambda: shown(prepare(1)()), calls=4)

    return Contest(
        f"first-call-{kernel.name}",
        f"{kernel.name}, the first call: conversion, tracing and compilation",
        "first call",
        [
            contestant(BY_HAND, jax.jit, True),
            contestant(CONVERTED, lambda function: jax.jit(ag.convert(function)), False),
        ],
        [
            Ratio(
                f"{kernel.name}, first call: AutoGraph / hand-written lax",
                CONVERTED,
                BY_HAND,
                at_most=1.1,
                why=_WHY_FIRST,
            )
        ],
        clock=time.process_time,
    )


def _with_tensorflow(kernel: Kernel, size: int) -> Contest:
    tensorflow, torch = peers.load(peers.TENSORFLOW), peers.load(peers.TORCH)
    contestants = [
        _by_jax(CONVERTED, ag.convert(kernel.function), kernel, size),
        _on_arrays(EAGER, lambda limit: kernel.function(jnp.asarray(limit)), kernel, size)
        if kernel.name == "collatz"
        else _on_arrays(PYTHON, kernel.function, kernel, size),
    ]
    if tensorflow is not None:
        from .kernels import numbers_tf

        limit = tensorflow.constant(size)
        for name, function in (
            (TF_ENGINE, ag.function(kernel.function)),
            (TF_FUNCTION, tensorflow.function(kernel.function)),
            (TF_COMPILED, tensorflow.function(kernel.function, jit_compile=True)),
            (TF_BY_HAND, tensorflow.function(getattr(numbers_tf, kernel.name), autograph=False)),
        ):
            contestants.append(_timed(name, function, limit))
    if torch is not None and kernel.name == "collatz":
        contestants.append(_timed(TORCH, kernel.function, torch.tensor(size)))
    target = 100.0
    return Contest(
        f"kernel-{kernel.name}-tensorflow",
        f"{kernel.name}, size {size:,}, on TensorFlow too",
        "call",
        contestants,
        [
            Ratio(f"{kernel.name}: tf.function / AutoGraph on JAX", TF_FUNCTION, CONVERTED, at_least=target),
            Ratio(f"{kernel.name}: tf.function / AutoGraph on TensorFlow", TF_FUNCTION, TF_ENGINE, at_least=1.0),
            Ratio(f"{kernel.name}: tf.function(jit_compile=True) / AutoGraph on JAX", TF_COMPILED, CONVERTED),
            Ratio(f"{kernel.name}: hand-written tf.while_loop / AutoGraph on TensorFlow", TF_BY_HAND, TF_ENGINE),
        ],
        missing=([TF_ENGINE, TF_FUNCTION, TF_COMPILED, TF_BY_HAND] if tensorflow is None else [])
        + ([TORCH] if torch is None and kernel.name == "collatz" else []),
        slow=True,
    )


def _timed(name: str, function: Callable[..., Any], argument: Any) -> Contestant:
    def call() -> int:
        return int(function(argument))

    return Contestant(name, lambda _: call, lambda: shown(call()))
