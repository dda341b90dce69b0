"""What a call of a compiled function costs when the function itself does next to nothing. For information."""

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


def contests(_: Scale) -> Iterator[Contest]:
    """One contest: a function of one scalar."""
    workshop = Workshop()

    def successor() -> Any:
        return workshop.function(program("successor"), "successor")

    one = jax.block_until_ready(jnp.asarray(1, jnp.int32))
    contestants = [
        _contestant(JIT, jax.jit(successor()), one),
        _contestant(FUNCTION, ag.function(successor()), one),
    ]
    tensorflow = peers.load(peers.TENSORFLOW)
    if tensorflow is not None:
        contestants.append(_contestant(TF_FUNCTION, tensorflow.function(successor()), tensorflow.constant(1)))
    yield Contest(
        "dispatch",
        "A call of a compiled function of one scalar",
        "call",
        contestants,
        [
            Ratio("A call: ag.function / jax.jit", FUNCTION, JIT),
            Ratio("A call: tf.function / ag.function", TF_FUNCTION, FUNCTION),
        ],
        missing=[TF_FUNCTION] if tensorflow is None else [],
    )


def _contestant(name: str, function: Callable[[Any], Any], argument: Any) -> Contestant:
    return Contestant(name, lambda _: lambda: function(argument), lambda: int(function(argument)))
