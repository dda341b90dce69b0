"""Model-agnostic meta-learning (Finn, Abbeel and Levine, 2017) with an inner loop that ends when a task is learnt.

A small network learns from where sine waves of any amplitude and phase are learnt in a few steps. The inner loop is
gradient descent on one task, `while` its loss is too large; the outer gradient goes through it, second derivatives and
all, and each task of a batch takes as many inner steps as it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from study import options, plot

import autograph as ag


def initial(key: jax.Array, width: int) -> list[tuple[Any, Any]]:
    sizes = [1, width, width, 1]
    keys = jax.random.split(key, 3)
    return [
        (jax.random.normal(key, (m, n)) * (2 / m) ** 0.5, jnp.zeros(n))
        for key, m, n in zip(keys, sizes, sizes[1:], strict=False)
    ]


def network(params, x):
    for weight, bias in params[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = params[-1]
    return x @ weight + bias


def error(params, x, y):
    return jnp.mean((network(params, x) - y) ** 2)


def adapt(params, x, y, most):
    """Learns one task; says how many steps that took."""
    steps = 0
    while steps < most and error(params, x, y) > 0.02:
        slopes = jax.grad(error)(params, x, y)
        params = jax.tree.map(lambda p, g: p - 0.05 * g, params, slopes)
        steps += 1
    return params, steps


def task(key):
    """Points of a sine wave: some to learn from, others to be tested on."""
    amplitude, phase, points = jax.random.split(key, 3)
    a = jax.random.uniform(amplitude, (), minval=0.5, maxval=2.0)
    p = jax.random.uniform(phase, (), minval=0.0, maxval=jnp.pi)
    x = jax.random.uniform(points, (2, 10, 1), minval=-3.0, maxval=3.0)
    return x, a * jnp.sin(x + p)


def outer(params, keys, most):
    def of_task(key):
        x, y = task(key)
        learnt, steps = adapt(params, x[0], y[0], most)
        return error(learnt, x[1], y[1]), steps

    errors, steps = jax.vmap(of_task)(keys)
    return jnp.mean(errors), steps


def run(quick: bool) -> dict[str, Any]:
    width, tasks, most, updates = (8, 4, 3, 6) if quick else (32, 16, 8, 400)
    params = initial(jax.random.key(0), width)
    optimizer = optax.adam(3e-3)
    state = optimizer.init(params)

    @jax.jit
    def update(params, state, key):
        gradient = jax.value_and_grad(ag.convert(outer), has_aux=True)
        (loss, steps), slopes = gradient(params, jax.random.split(key, tasks), most)
        changes, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, changes), state, loss, steps

    curve, lengths = [], []
    for number in range(updates):
        params, state, loss, steps = update(params, state, jax.random.key(number))
        curve.append(float(loss))
        lengths.append(float(jnp.mean(steps)))
        if number % max(updates // 8, 1) == 0:
            print(f"update {number:4} error after adaptation {loss:.4f} inner steps {steps.tolist()}")
    return {"curve": curve, "lengths": lengths}


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    updates = range(len(found["curve"]))
    lines = {"error after adaptation": (updates, found["curve"]), "mean inner steps": (updates, found["lengths"])}
    plot(chosen.output, "maml", lines, x="update", y="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
