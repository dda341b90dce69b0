"""Collatz over a range by hand, with a mask and a shift where Python has ``% 2`` and ``// 2``."""

import jax.numpy as jnp
from jax import lax


def collatz(n):
    def unfinished(state):
        n, _ = state
        return n != 1

    def step(state):
        n, steps = state
        return jnp.where(n & 1 == 0, n >> 1, 3 * n + 1), steps + 1

    _, steps = lax.while_loop(unfinished, step, (n, 0))
    return steps


def total_steps(limit):
    return lax.fori_loop(1, limit, lambda k, s: s + collatz(k), 0)
