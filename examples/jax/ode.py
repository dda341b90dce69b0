"""An adaptive solver of ordinary differential equations, differentiated end to end.

The step size follows the error estimate of an embedded Runge-Kutta pair (Bogacki and Shampine, 1989); steps whose error
is too large are tried again. How many steps there are, and of which size, depends on the parameters; the gradient goes
through all of it. It is used to find the parameters of predators and prey (Lotka and Volterra) from noisy counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from study import options, plot

import autograph as ag


def slope_of(y, params):
    birth, caught, fed, death = params
    prey, predators = y[0], y[1]
    return jnp.stack([birth * prey - caught * prey * predators, fed * prey * predators - death * predators])


def solve(y, params, times, tolerance):
    """The solution at each of `times`, the accepted and the rejected steps."""
    t, h = times[0], 0.1
    out = [y]
    accepted = rejected = 0
    slope = slope_of(y, params)
    for end in times[1:]:
        while t < end:
            ag.set_loop_options(max_iterations=400)
            step = jnp.minimum(h, end - t)
            second = slope_of(y + step / 2 * slope, params)
            third = slope_of(y + 3 / 4 * step * second, params)
            new = y + step * (2 * slope + 3 * second + 4 * third) / 9
            fourth = slope_of(new, params)
            error = step * (-5 * slope + 6 * second + 8 * third - 9 * fourth) / 72
            ratio = jnp.sqrt(jnp.mean((error / (tolerance * (1 + jnp.abs(y)))) ** 2)) + 1e-10
            if ratio < 1:
                # The end of an interval is met exactly.
                t = jnp.where(step < end - t, t + step, end)
                y, slope = new, fourth
                accepted += 1
            else:
                rejected += 1
            h = step * jnp.clip(0.9 * ratio ** (-1 / 3), 0.2, 5.0)
        out.append(y)
    return ag.stack(out), accepted, rejected


def run(quick: bool) -> dict[str, Any]:
    with jax.enable_x64(True):
        true = jnp.array([1.1, 0.4, 0.1, 0.4])
        times = jnp.linspace(0.0, 4.0 if quick else 15.0, 9 if quick else 31)
        start = jnp.array([10.0, 5.0])
        exact, _, _ = jax.jit(ag.convert(solve))(start, true, times, 1e-8)
        noise = np.random.default_rng(0).normal(size=exact.shape) * 0.03
        seen = exact * jnp.exp(noise)

        def loss_of(logarithms):
            found, accepted, rejected = ag.convert(solve)(start, jnp.exp(logarithms), times, 1e-5)
            return jnp.mean((jnp.log(found) - jnp.log(seen)) ** 2), (accepted, rejected)

        gradient = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
        guess = jnp.log(jnp.array([0.9, 0.5, 0.15, 0.5]))
        optimizer = optax.adam(0.03)
        state = optimizer.init(guess)
        curve = []
        updates = 6 if quick else 600
        for number in range(updates):
            (loss, (accepted, rejected)), slopes = gradient(guess)
            changes, state = optimizer.update(slopes, state)
            guess = optax.apply_updates(guess, changes)
            curve.append(float(loss))
            if number % max(updates // 8, 1) == 0:
                numbers = " ".join(f"{value:.3f}" for value in jnp.exp(guess))
                print(f"update {number:4} loss {loss:.5f} steps {accepted} + {rejected} rejected, parameters {numbers}")
        fitted, _, _ = jax.jit(ag.convert(solve))(start, jnp.exp(guess), times, 1e-6)
        return {"curve": curve, "params": jnp.exp(guess), "times": times, "seen": seen, "fitted": fitted}


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    print("parameters", " ".join(f"{value:.3f}" for value in found["params"]), "(true: 1.1 0.4 0.1 0.4)")
    lines = {name: (found["times"], found["fitted"][:, at]) for at, name in enumerate(("prey", "predators"))}
    marks = {f"{name}, seen": (found["times"], found["seen"][:, at]) for at, name in enumerate(("prey", "predators"))}
    plot(chosen.output, "ode", lines, x="time", y="count", marks=marks)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
