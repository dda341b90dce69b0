"""A loop whose length only the graph knows."""

import jax.numpy as jnp


def recurrence(a, x, n):
    i = 0
    while i < n:
        x = jnp.sin(x) * a + 0.1
        i += 1
    return jnp.sum(x)
