"""Layers of Flax NNX and Equinox whose `__call__` has ordinary control flow over values.

Both layers go on until their activations have settled, for each example as long as it takes. The gradient goes through
all of those iterations; no implicit differentiation is needed, and no bound on their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from study import options, plot

import autograph as ag


class SettlingNnx(nnx.Module):
    """`h = tanh(W h + U x)`, iterated until it stands still."""

    def __init__(self, size: int, rngs: nnx.Rngs) -> None:
        self.inner = nnx.Linear(size, size, rngs=rngs)
        self.outer = nnx.Linear(2, size, rngs=rngs)
        self.head = nnx.Linear(size, 1, rngs=rngs)

    def __call__(self, x):
        drive = self.outer(x)
        h = jnp.zeros_like(drive)
        steps = 0
        while steps < 100:
            new = jnp.tanh(0.5 * self.inner(h) + drive)
            change = jnp.max(jnp.abs(new - h))
            h = new
            steps += 1
            if change < 1e-4:
                break
        return self.head(h)[0], steps


class SettlingEqx(eqx.Module):
    inner: eqx.nn.Linear
    outer: eqx.nn.Linear
    head: eqx.nn.Linear

    def __init__(self, size: int, key: jax.Array) -> None:
        keys = jax.random.split(key, 3)
        self.inner = eqx.nn.Linear(size, size, key=keys[0])
        self.outer = eqx.nn.Linear(2, size, key=keys[1])
        self.head = eqx.nn.Linear(size, 1, key=keys[2])

    def __call__(self, x):
        drive = self.outer(x)
        h = jnp.zeros_like(drive)
        change, steps = jnp.inf, 0
        while change > 1e-4 and steps < 100:
            new = jnp.tanh(0.5 * self.inner(h) + drive)
            change = jnp.max(jnp.abs(new - h))
            h = new
            steps += 1
        return self.head(h)[0], steps


def spirals(count: int) -> tuple[Any, Any]:
    """Points on two spirals, and which one each is on."""
    random = np.random.default_rng(0)
    side = np.arange(count) % 2
    angle = random.uniform(0.5, 5.0, count)
    turned = angle + np.pi * side
    points = np.stack([angle * np.cos(turned), angle * np.sin(turned)], axis=1) / 4
    return jnp.asarray(points + random.normal(size=points.shape) * 0.03, jnp.float32), jnp.asarray(side, jnp.float32)


def loss_of(model, points, sides):
    logits, steps = jax.vmap(model)(points)
    return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, sides)), (jnp.mean((logits > 0) == sides), steps)


def train_nnx(points: Any, sides: Any, size: int, updates: int) -> tuple[list[float], float, Any]:
    model = SettlingNnx(size, nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(0.02), wrt=nnx.Param)

    @nnx.jit
    def update(model, optimizer):
        gradient = nnx.value_and_grad(ag.convert(loss_of), has_aux=True)
        (loss, (accuracy, steps)), slopes = gradient(model, points, sides)
        optimizer.update(model, slopes)
        return loss, accuracy, steps

    curve = []
    for number in range(updates):
        loss, accuracy, steps = update(model, optimizer)
        curve.append(float(loss))
        if number % max(updates // 5, 1) == 0:
            print(f"NNX     {number:4} loss {loss:.4f} accuracy {accuracy:.1%} iterations {steps.min()}-{steps.max()}")
    return curve, float(accuracy), steps


def train_eqx(points: Any, sides: Any, size: int, updates: int) -> tuple[list[float], float, Any]:
    model = SettlingEqx(size, jax.random.key(0))
    optimizer = optax.adam(0.02)
    state = optimizer.init(eqx.filter(model, eqx.is_array))

    @eqx.filter_jit
    def update(model, state):
        gradient = eqx.filter_value_and_grad(ag.convert(loss_of), has_aux=True)
        (loss, (accuracy, steps)), slopes = gradient(model, points, sides)
        changes, state = optimizer.update(slopes, state)
        return eqx.apply_updates(model, changes), state, loss, accuracy, steps

    curve = []
    for number in range(updates):
        model, state, loss, accuracy, steps = update(model, state)
        curve.append(float(loss))
        if number % max(updates // 5, 1) == 0:
            print(f"Equinox {number:4} loss {loss:.4f} accuracy {accuracy:.1%} iterations {steps.min()}-{steps.max()}")
    return curve, float(accuracy), steps


def run(quick: bool) -> dict[str, tuple[list[float], float, Any]]:
    points, sides = spirals(32 if quick else 256)
    size, updates = (8, 12) if quick else (24, 300)
    return {"Flax NNX": train_nnx(points, sides, size, updates), "Equinox": train_eqx(points, sides, size, updates)}


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    lines = {name: (range(len(curve)), curve) for name, (curve, _, _) in found.items()}
    plot(chosen.output, "modules", lines, x="update", y="loss")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
