"""The control-flow kernels: converted, by hand in ``jax.lax``, compiled by Numba, and as plain Python.

All numbers have 64 bits, as Python's do, so that every contestant does the same work. Slower contestants take part at
smaller sizes (``everybody.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from . import everybody, peers
from .everybody import BY_HAND, CONVERTED, NUMBA, PYTHON, executable, shown
from .fresh import Workshop
from .kernels import CONDITIONAL, KERNELS, Kernel
from .measure import Contest, Contestant, Ratio
from .scale import Scale

_SOME = ("collatz", "mandelbrot", "primes_by_trial", "gcd", "sieve", "bubble_sort", "life")
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
    "Conversion takes 1 to 3 ms, and tracing two to three times as long as by hand (5 ms instead of 2 for gcd): each "
    "region is traced for itself, a branch is copied into the graph around it, once more for each conditional that it "
    "stands in, and a finished loop is gone through again. Lowering and compilation, which are most of a first call, "
    "take no longer, and less where the graph has become smaller. It would need regions that are traced where they "
    "stand."
)
_WHY_SAME = (
    "The two graphs have the same loops, and tests/test_graph_quality.py counts their operations; what else differs is "
    "the order in which XLA does the operations of an iteration, and where it places the state."
)


def contests(scale: Scale) -> Iterator[Contest]:
    """For each kernel its run; then the first call of some; then everybody at a smaller size."""
    workshop = Workshop()
    for kernel in KERNELS:
        yield _run(kernel, kernel.sizes[scale.kernel_size])
    for kernel in KERNELS:
        if kernel.name in ("gcd", "bubble_sort", "viterbi", "life"):
            yield _first_call(workshop, kernel)
    for kernel in KERNELS:
        if scale.everything or kernel.name in _SOME:
            yield everybody.contest(kernel, kernel.shared[scale.kernel_size])
    yield everybody.contest(CONDITIONAL, CONDITIONAL.shared[scale.kernel_size])


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
                why=_WHY_SAME,
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
