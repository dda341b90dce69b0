"""What a call of a compiled function costs when the function itself does next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from . import peers
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

JIT = "jax.jit(f)"
FUNCTION = "ag.function(f)"
TF_FUNCTION = "tf.function(f)"
TF_ENGINE = "ag.function(f) on TensorFlow"

AT_MOST = 1.15


def contests(_: Scale) -> Iterator[Contest]:
    """One contest for each form of arguments, and one for what is read outside them."""
    workshop = Workshop()
    one = jax.block_until_ready(jnp.asarray(1.0, jnp.float32))
    tensorflow = peers.load(peers.TENSORFLOW)
    yield _scalar(workshop, one, tensorflow)
    for count in (10, 100):
        yield _contest(
            f"dispatch of {count}", f"A call with {count} array arguments", workshop, _sum_of(count), [one] * count
        )
    tree = {"a": one, "b": {"c": one, "d": [one, one]}, "e": (one, one)}
    text = "def total(tree):\n    return tree['a'] + tree['b']['c'] + tree['b']['d'][0] + tree['e'][1]\n"
    yield _contest("dispatch of a dict", "A call with a nested dict", workshop, text, [tree])
    yield _outside(workshop, one)


def _sum_of(count: int) -> str:
    names = [f"a{index}" for index in range(count)]
    return f"def total({', '.join(names)}):\n    return {' + '.join(names)}\n"


def _scalar(workshop: Workshop, one: Any, tensorflow: Any) -> Contest:
    def successor() -> Any:
        return workshop.function(program("successor"), "successor")

    contestants = [
        _contestant(JIT, jax.jit(successor()), one),
        _contestant(FUNCTION, ag.function(successor()), one),
    ]
    if tensorflow is not None:
        number = tensorflow.constant(1.0)
        contestants.append(_contestant(TF_FUNCTION, tensorflow.function(successor()), number))
        contestants.append(_contestant(TF_ENGINE, ag.function(successor()), number))
    return Contest(
        "dispatch",
        "A call of a compiled function of one scalar",
        "call",
        contestants,
        [
            Ratio("A call: ag.function / jax.jit", FUNCTION, JIT, at_most=AT_MOST),
            Ratio("A call: tf.function / ag.function", TF_FUNCTION, FUNCTION),
            Ratio("A call: ag.function on TensorFlow / tf.function", TF_ENGINE, TF_FUNCTION),
        ],
        missing=[TF_FUNCTION] if tensorflow is None else [],
    )


def _contest(name: str, title: str, workshop: Workshop, text: str, arguments: list[Any]) -> Contest:
    by_jit = jax.jit(workshop.function(text, "total"))
    by_function = ag.function(workshop.function(text, "total"))
    return Contest(
        name,
        title,
        "call",
        [_contestant(JIT, by_jit, *arguments), _contestant(FUNCTION, by_function, *arguments)],
        [Ratio(f"{title}: ag.function / jax.jit", FUNCTION, JIT, at_most=AT_MOST)],
    )


_OUTSIDE = """
import jax.numpy as jnp
weight, rate = jnp.ones(()), 0.5

def scaled(x):
    return x * weight * rate
"""


def _outside(workshop: Workshop, one: Any) -> Contest:
    """A function that reads an array and a number outside, against one that is given them."""
    reads = ag.function(workshop.function(_OUTSIDE, "scaled"))
    given = jax.jit(lambda weight, x: x * weight * 0.5)
    weight = jnp.ones(())
    return Contest(
        "dispatch with outside state",
        "A call that reads an array and a number outside",
        "call",
        [
            Contestant(JIT, lambda _: lambda: given(weight, one), lambda: float(given(weight, one))),
            _contestant(FUNCTION, reads, one),
        ],
        [Ratio("Outside state: ag.function / jax.jit with arguments", FUNCTION, JIT)],
    )


def _contestant(name: str, function: Callable[..., Any], *arguments: Any) -> Contestant:
    return Contestant(name, lambda _: lambda: function(*arguments), lambda: float(function(*arguments)))
