"""The conditionals by hand."""

from jax import lax


def piecewise(x):
    y = lax.cond(x > 100, lambda: x - 100, lambda: lax.cond(x > 10, lambda: 10 * x, lambda: x * x))
    return lax.cond(y > 50, lambda: y, lambda: -y)
