"""State costs nothing in the graph: a converted program has the operations of the functional one written by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import autograph as ag
from autograph.engines.common import regions
from autograph.engines.jax.derivatives import registers
from test_graphs import equations


def compiled(function: Callable[..., Any], *args: Any) -> Counter[str]:
    """How many instructions of each kind the optimised program has, in all of its computations."""
    text = jax.jit(function).lower(*args).compile().as_text()
    counts: Counter[str] = Counter()
    for kind in re.findall(r" = (?:\(.*?\)|\S+) ([\w-]+)\(", text):
        if kind not in ("parameter", "tuple", "get-tuple-element", "constant", "copy", "bitcast"):
            counts[kind] += 1
    return counts


class Particle:
    def __init__(self, x: Any, v: Any) -> None:
        self.x, self.v = x, v

    def step(self, dt: float) -> None:
        if self.x > 1.0:
            self.v = -self.v
        self.x += self.v * dt


def attributes(x: Any, v: Any, n: Any) -> Any:
    particle = Particle(x, v)
    for _ in range(n):
        particle.step(0.1)
    return particle.x


def attributes_by_hand(x: Any, v: Any, n: Any) -> Any:
    def step(state: Any) -> Any:
        i, x, v = state
        v = jnp.where(x > 1.0, -v, v)
        return i + 1, x + v * 0.1, v

    return lax.while_loop(lambda state: state[0] < n, step, (0, x, v))[1]


def fill(out: Any, n: Any) -> None:
    for i in range(n):
        out[i] = i * 2.0


def helper(out: Any, n: Any) -> Any:
    fill(out, n)
    return out


def helper_by_hand(out: Any, n: Any) -> Any:
    def step(state: Any) -> Any:
        i, out = state
        return i + 1, out.at[i].set(i * 2.0)

    return lax.while_loop(lambda state: state[0] < n, step, (0, out))[1]


def nested(x: Any, n: Any) -> Any:
    state = {"totals": [x, 0.0]}
    for i in range(n):
        state["totals"][0] += i
        state["totals"][1] += state["totals"][0]
    return state["totals"][1]


def nested_by_hand(x: Any, n: Any) -> Any:
    def step(state: Any) -> Any:
        i, a, b = state
        a = a + i
        return i + 1, a, b + a

    return lax.while_loop(lambda state: state[0] < n, step, (0, x, 0.0))[2]


def caught(x: Any) -> Any:
    try:
        if x < 0:
            raise ValueError
        y = jnp.sin(x) * 2
    except ValueError:
        y = 0.0
    return y


def caught_by_hand(x: Any) -> Any:
    return lax.cond(x < 0, lambda: 0.0, lambda: jnp.sin(x) * 2)


CASES = [
    (attributes, attributes_by_hand, (0.53, 1.0, 7)),
    (helper, helper_by_hand, (jnp.zeros(8), 5)),
    (nested, nested_by_hand, (0.5, 7)),
]


@pytest.mark.parametrize(("program", "by_hand", "args"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_mutation_compiles_to_no_more_than_the_functional_version_compiles_to(
    program: Any, by_hand: Any, args: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How the numbers of a loop are carried, in pairs or each for itself, is another matter: see test_scalar_loops.py.
    monkeypatch.setattr(registers, "plan", lambda *_: None)
    assert jnp.allclose(ag.convert(program)(*args), jax.jit(ag.convert(program))(*args))
    ours, theirs = compiled(ag.convert(program), *args), compiled(by_hand, *args)
    assert ours <= theirs, f"more: {ours - theirs}, fewer: {theirs - ours}"


def test_a_loop_carries_an_array_once_however_many_names_it_has() -> None:
    def two_names(a: Any, n: Any) -> Any:
        b = a
        fill(b, n)
        return a, b

    [loop] = [
        e
        for e in equations(jax.make_jaxpr(ag.convert(two_names))(jnp.zeros(8), 5).jaxpr)
        if e.primitive.name == "while"
    ]
    arrays = [variable for variable in loop.outvars if variable.aval.shape == (8,)]
    assert len(arrays) == 1, loop.outvars


def test_a_caught_exception_costs_one_conditional_more_than_the_one_written_by_hand() -> None:
    ours, theirs = compiled(ag.convert(caught), 0.5), compiled(caught_by_hand, 0.5)
    assert ours["conditional"] <= theirs["conditional"] + 1
    assert ours["sine"] == theirs["sine"] == 1


@pytest.mark.parametrize(("program", "by_hand", "args"), CASES[::2], ids=lambda value: getattr(value, "__name__", ""))
def test_finding_the_state_of_a_loop_traces_its_body_at_most_four_times(
    program: Any, by_hand: Any, args: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: Counter[Any] = Counter()
    execute = regions.Run.execute

    def counted(self: Any, body: Any, *rest: Any) -> None:
        bodies[getattr(body, "__qualname__", "")] += 1
        execute(self, body, *rest)

    monkeypatch.setattr(regions.Run, "execute", counted)
    jax.make_jaxpr(ag.convert(program))(*args)
    assert bodies["stage_for.<locals>.one"] <= 4, bodies
