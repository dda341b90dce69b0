"""Run a program as plain Python and as a graph: what each gives, whether it is the same, and how long it takes."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np

import autograph as ag
from autograph.demo.case_studies import CaseStudy

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What the caller of a function sees: a value or an exception, and the text that was printed."""

    value: Any
    error: str | None
    printed: str

    def same(self, other: Outcome) -> bool:
        return self.printed == other.printed and self.error == other.error and same_value(self.value, other.value)


@dataclass(frozen=True)
class Comparison:
    """One call, made both ways."""

    arguments: tuple[Any, ...]
    python: Outcome
    graph: Outcome

    @property
    def same(self) -> bool:
        return self.python.same(self.graph)


@dataclass(frozen=True)
class Timing:
    """Seconds that a program's calls take: as Python, as a graph, and as a graph that has to be compiled first."""

    title: str
    python: float
    graph: float
    first_call: float

    @property
    def ratio(self) -> float:
        return self.python / self.graph


def compare(case: CaseStudy, seconds: float) -> tuple[list[Comparison], Timing]:
    """Make each call both ways, then time all calls together, each way for about `seconds`."""
    graph = ag.function(case.function)
    calls = [(call, as_arrays(call)) for call in case.calls]
    comparisons = []
    first_call = 0.0
    for call, arrays in calls:
        python = observe(case.function, call)
        seconds_taken, staged = timed(functools.partial(observe, graph, arrays))
        first_call += seconds_taken
        comparisons.append(Comparison(call, python, staged))
    return comparisons, Timing(
        case.name,
        python=duration(case.function, [call for call, _ in calls], seconds),
        graph=duration(graph, [arrays for _, arrays in calls], seconds),
        first_call=first_call,
    )


def observe(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    """Call a function and wait until all that it computes and prints is there."""
    value, error = None, None
    with silence() as stream:
        try:
            value = jax.block_until_ready(function(*arguments))
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    return Outcome(value, error, stream.getvalue())


def duration(function: Callable[..., Any], calls: list[tuple[Any, ...]], seconds: float) -> float:
    """The time that all the calls together take: the best of three rounds that last about `seconds`."""

    def make_calls() -> None:
        for arguments in calls:
            try:
                value = function(*arguments)
            except Exception:
                value = None  # compared already; a failing call is timed like any other
            if isinstance(value, jax.Array | tuple):
                jax.block_until_ready(value)

    with silence():
        once = max(timeit.timeit(make_calls, number=1), 1e-9)
        number = max(1, math.ceil(seconds / 3 / once))
        return min(timeit.repeat(make_calls, number=number, repeat=3)) / number


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """The time in seconds that one call takes until its arrays are there, and its result."""
    start = timeit.default_timer()
    value = jax.block_until_ready(call())
    return timeit.default_timer() - start, value


def silence() -> contextlib.redirect_stdout[io.StringIO]:
    """Keep what is printed from the terminal."""
    return contextlib.redirect_stdout(io.StringIO())


def as_arrays(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same arguments, with lists of numbers as arrays on the device."""
    return tuple(
        jax.numpy.asarray(np.asarray(argument, dtype=np.int32)) if isinstance(argument, list) else argument
        for argument in arguments
    )


def same_value(python: Any, graph: Any) -> bool:
    """Whether two results are equal: integers exactly, floats to the precision of 32 bits."""
    if isinstance(python, tuple):
        return (
            isinstance(graph, tuple)
            and len(python) == len(graph)
            and all(same_value(p, g) for p, g in zip(python, graph, strict=True))
        )
    if python is None or graph is None:
        return python is graph
    expected, found = np.asarray(python), np.asarray(graph)
    if expected.shape != found.shape or expected.dtype.kind != found.dtype.kind:
        return False
    if expected.dtype.kind == "f":
        return np.allclose(expected, found, rtol=1e-5, atol=1e-6)
    return np.array_equal(expected, found)
