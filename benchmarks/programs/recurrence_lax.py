"""The recurrence by hand: as a while loop, as a scan of known length, and as the body of another loop."""

import jax.numpy as jnp
from jax import lax


def step(a, x):
    return jnp.sin(x) * a + 0.1


def recurrence(a, x, n):
    return jnp.sum(
        lax.while_loop(lambda state: state[0] < n, lambda state: (state[0] + 1, step(a, state[1])), (0, x))[1]
    )


def scanned(a, x, n):
    return jnp.sum(lax.scan(lambda x, _: (step(a, x), None), x, None, length=n)[0])
