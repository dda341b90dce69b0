"""Collatz over a range: a loop in a loop with a conditional, against the same by hand and against ``tf.function``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import jax

import autograph as ag

from . import peers
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

PYTHON = "plain Python"
CONVERTED = "jax.jit(ag.convert(f))"
FUNCTION = "ag.function(f)"
WHERE = "hand-written lax, jnp.where"
COND = "hand-written lax, lax.cond"
BITS = "hand-written lax, jnp.where, & and >>"
TF_FUNCTION = "tf.function(f)"
TF_COMPILED = "tf.function(f, jit_compile=True)"

_NAME = "total_steps"
_WHY = (
    "What differs is the trace: measured on the gcd kernel, conversion and tracing take 9 ms where tracing by "
    "hand takes 2, while lowering (9 ms) and compilation (27 ms) cost the same. A loop's body and test are traced "
    "for themselves before they are put together; it would need a trace that is not made anew there."
)


def contests(scale: Scale) -> Iterator[Contest]:
    """The time of a step, with fast contestants and with slow ones; then what the first call costs, and its parts."""
    workshop = Workshop()
    yield _run(workshop, scale.limit)
    yield _run_with_slow_ones(workshop, scale.slow_limit)
    yield _first_call(workshop)
    yield from _parts_of_first_call(workshop)


def _copy(workshop: Workshop, text: str) -> FunctionType:
    return workshop.function(program(text), _NAME)


def _timed_run(name: str, function: Callable[..., Any], limit: Any, steps: int) -> Contestant:
    def call() -> Any:
        return jax.block_until_ready(function(limit))

    return Contestant(name, lambda _: call, lambda: int(call()), work=steps)


def _run(workshop: Workshop, limit: int) -> Contest:
    by_hand = jax.jit(_copy(workshop, "collatz_where"))
    steps = int(by_hand(limit))
    own = _copy(workshop, "collatz")
    functions = {
        WHERE: by_hand,
        COND: jax.jit(_copy(workshop, "collatz_cond")),
        BITS: jax.jit(_copy(workshop, "collatz_bits")),
        CONVERTED: jax.jit(ag.convert(own)),
        FUNCTION: ag.function(own),
    }
    return Contest(
        "collatz-step",
        f"Collatz over range(1, {limit:,}): time of a step",
        "step",
        [_timed_run(name, function, limit, steps) for name, function in functions.items()],
        [
            Ratio("Collatz: AutoGraph / hand-written lax with jnp.where", CONVERTED, WHERE, at_most=1.1),
            Ratio("Collatz: AutoGraph / hand-written lax with lax.cond", CONVERTED, COND, at_most=1.1),
            Ratio("Collatz: AutoGraph / hand-written lax with a mask and a shift", CONVERTED, BITS),
            Ratio("Collatz: ag.function / jax.jit(ag.convert)", FUNCTION, CONVERTED),
        ],
        clock=time.process_time,
    )


def _run_with_slow_ones(workshop: Workshop, limit: int) -> Contest:
    own = _copy(workshop, "collatz")
    steps = own(limit)
    contestants = [
        _timed_run(PYTHON, own, limit, steps),
        _timed_run(CONVERTED, jax.jit(ag.convert(own)), limit, steps),
        _timed_run(WHERE, jax.jit(_copy(workshop, "collatz_where")), limit, steps),
    ]
    tensorflow = peers.load(peers.TENSORFLOW)
    if tensorflow is not None:
        end = tensorflow.constant(limit)
        for name, function in (
            (TF_FUNCTION, tensorflow.function(_copy(workshop, "collatz"))),
            (TF_COMPILED, tensorflow.function(_copy(workshop, "collatz"), jit_compile=True)),
        ):
            contestants.append(_tensorflow_run(name, function, end, steps))
    return Contest(
        "collatz-step-tensorflow",
        f"Collatz over range(1, {limit:,}): time of a step",
        "step",
        contestants,
        [
            Ratio("Collatz: tf.function / AutoGraph", TF_FUNCTION, CONVERTED, at_least=1000),
            Ratio("Collatz: tf.function(jit_compile=True) / AutoGraph", TF_COMPILED, CONVERTED),
            Ratio("Collatz: plain Python / AutoGraph", PYTHON, CONVERTED),
        ],
        missing=[TF_FUNCTION, TF_COMPILED] if tensorflow is None else [],
        slow=True,
    )


def _tensorflow_run(name: str, function: Any, end: Any, steps: int) -> Contestant:
    def call() -> int:
        return int(function(end))  # waits for the result

    return Contestant(name, lambda _: call, call, work=steps)


def _first_call(workshop: Workshop) -> Contest:
    contestants = [
        _first(workshop, CONVERTED, "collatz", lambda function: jax.jit(ag.convert(function))),
        _first(workshop, FUNCTION, "collatz", ag.function),
        _first(workshop, WHERE, "collatz_where", jax.jit),
        _first(workshop, COND, "collatz_cond", jax.jit),
    ]
    tensorflow = peers.load(peers.TENSORFLOW)
    if tensorflow is not None:
        end = tensorflow.constant(10)
        contestants.append(_first(workshop, TF_FUNCTION, "collatz", tensorflow.function, end))
    return Contest(
        "first-call",
        "Collatz, the first call: conversion, tracing and compilation",
        "first call",
        contestants,
        [
            Ratio("First call: AutoGraph / hand-written lax with jnp.where", CONVERTED, WHERE, at_most=1.1, why=_WHY),
            Ratio("First call: AutoGraph / hand-written lax with lax.cond", CONVERTED, COND, at_most=1.1, why=_WHY),
            Ratio("First call: ag.function / hand-written lax with lax.cond", FUNCTION, COND),
            Ratio("First call: tf.function / AutoGraph", TF_FUNCTION, CONVERTED),
        ],
        missing=[TF_FUNCTION] if tensorflow is None else [],
        clock=time.process_time,
    )


def _first(
    workshop: Workshop, name: str, text: str, compiled: Callable[[Any], Callable[..., Any]], argument: Any = 10
) -> Contestant:
    def prepare(calls: int) -> Callable[[], Any]:
        functions = iter([_copy(workshop, text) for _ in range(calls)])
        return lambda: int(compiled(next(functions))(argument))

    return Contestant(name, prepare, lambda: prepare(1)(), calls=10)


_FORMS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    CONVERTED: ("collatz", lambda function: jax.jit(ag.convert(function))),
    WHERE: ("collatz_where", jax.jit),
    COND: ("collatz_cond", jax.jit),
}


def _parts_of_first_call(workshop: Workshop) -> Iterator[Contest]:
    """The first call taken apart: each part starts from fresh results of the part before."""
    parts: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
        "trace": ("conversion and tracing", lambda jitted: jitted, lambda jitted: jitted.trace(10)),
        "lower": ("lowering", lambda jitted: jitted.trace(10), lambda traced: traced.lower()),
        "compile": ("compilation", lambda jitted: jitted.trace(10).lower(), lambda lowered: lowered.compile()),
    }
    for part, (title, before, step) in parts.items():
        yield Contest(
            f"first-call-{part}",
            f"Collatz, the first call: {title}",
            "first call",
            [
                _part(workshop, name, text, lambda function, jit=jit, before=before: before(jit(function)), step)
                for name, (text, jit) in _FORMS.items()
            ],
            [
                Ratio(f"First call, {title}: AutoGraph / hand-written lax with jnp.where", CONVERTED, WHERE),
                Ratio(f"First call, {title}: AutoGraph / hand-written lax with lax.cond", CONVERTED, COND),
            ],
            clock=time.process_time,
        )


def _part(
    workshop: Workshop, name: str, text: str, before: Callable[[Any], Any], step: Callable[[Any], Any]
) -> Contestant:
    def prepare(calls: int) -> Callable[[], Any]:
        ready = iter([_prepared(workshop, text, before) for _ in range(calls)])
        return lambda: step(next(ready))

    def answer() -> int:
        done = step(_prepared(workshop, text, before))
        for method in ("lower", "compile"):
            done = getattr(done, method, lambda done=done: done)()
        return int(done(10))

    return Contestant(name, prepare, answer, calls=10)


def _prepared(workshop: Workshop, text: str, before: Callable[[Any], Any]) -> Any:
    """A fresh function on its way through the parts before the timed one.

    JAX remembers jaxprs and lowered modules by identity, so each call needs its own. A jitted function is a closure
    over the fresh copy, which gives it a trace of its own.
    """
    return before(_copy(workshop, text))
