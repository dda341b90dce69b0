"""Collatz over a range by hand: one of the two next values is computed."""

from jax import lax


def collatz(n):
    def unfinished(state):
        n, _ = state
        return n != 1

    def step(state):
        n, steps = state
        return lax.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, n), steps + 1

    _, steps = lax.while_loop(unfinished, step, (n, 0))
    return steps


def total_steps(limit):
    return lax.fori_loop(1, limit, lambda k, s: s + collatz(k), 0)
