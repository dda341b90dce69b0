"""Collatz over a range by hand: both next values are computed, and one is selected."""

import jax.numpy as jnp
from jax import lax


def collatz(n):
    def unfinished(state):
        n, _ = state
        return n != 1

    def step(state):
        n, steps = state
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), steps + 1

    _, steps = lax.while_loop(unfinished, step, (n, 0))
    return steps


def total_steps(limit):
    return lax.fori_loop(1, limit, lambda k, s: s + collatz(k), 0)
