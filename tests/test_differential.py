"""The corpus, run as plain Python, converted on plain values, and staged: values, prints and exceptions agree."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import pytest

import autograph as ag
import corpus
from corpus import Call, Program
from differential import (
    exact_difference,
    foreign_raised_difference,
    observe,
    raised_difference,
    staged_difference,
)

PROGRAMS = corpus.load()


def cases(programs: list[Program]) -> list[Any]:
    return [
        pytest.param(program, call, id=f"{program.id}[{number}]")
        for program in programs
        for number, call in enumerate(program.calls)
    ]


# The same callable serves all calls of a program: `retrace` asks for a new one, by its own key.


@functools.cache
def converted(program: Program) -> Callable[..., Any]:
    return ag.convert(program.function)


def _static_positions(program: Program) -> tuple[int, ...]:
    names = list(inspect.signature(program.function).parameters)
    return tuple(names.index(name) for name in program.static)


@functools.cache
def jitted(program: Program, key: int | None) -> Callable[..., Any]:
    return jax.jit(
        ag.convert(program.function), static_argnums=_static_positions(program), static_argnames=program.static
    )


@functools.cache
def compiled(program: Program, key: int | None) -> Callable[..., Any]:
    return ag.function(program.function, static_argnames=program.static)


def _key(program: Program, call: Call) -> int | None:
    return id(call) if program.retrace else None


@pytest.mark.parametrize(("program", "call"), cases(PROGRAMS))
def test_plain(program: Program, call: Call) -> None:
    plain = observe(program.plain, call)
    assert (plain.error is not None) is call.raises, f"the program itself is wrong: {plain}"
    actual = observe(converted(program), call)
    if program.reference is None:
        difference = exact_difference(plain, actual)
    else:
        difference = staged_difference(plain, actual, rtol=program.rtol)
    assert difference is None, f"{difference}\nplain:     {plain}\nconverted: {actual}"


@pytest.mark.parametrize(("program", "call"), cases([p for p in PROGRAMS if p.jit]))
def test_jit(program: Program, call: Call) -> None:
    plain = observe(program.plain, call)
    actual = observe(jitted(program, _key(program, call)), call, staged=True)
    if plain.error is None:
        difference = staged_difference(plain, actual, rtol=program.rtol, promotes=program.promotes)
    else:
        difference = foreign_raised_difference(plain, actual, rtol=program.rtol)
    assert difference is None, f"{difference}\nplain:  {plain}\nstaged: {actual}"


# `ag.function` carries the exception itself, and what `jax.jit` cannot return, out of the graph.
FUNCTION_CASES = [
    case
    for case in cases([program for program in PROGRAMS if program.staged])
    if case.values[1].raises or not case.values[0].jit
]


@pytest.mark.parametrize(("program", "call"), FUNCTION_CASES)
def test_function(program: Program, call: Call) -> None:
    plain = observe(program.plain, call)
    actual = observe(compiled(program, _key(program, call)), call, staged=True)
    if plain.error is None:
        difference = staged_difference(plain, actual, rtol=program.rtol, promotes=program.promotes)
    else:
        difference = raised_difference(plain, actual, rtol=program.rtol)
    assert difference is None, f"{difference}\nplain:    {plain}\nfunction: {actual}"
