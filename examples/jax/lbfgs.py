"""L-BFGS with a backtracking line search, as ordinary loops (Nocedal and Wright, Numerical Optimization, chapter 7).

The whole minimization is one graph: the outer loop ends when the gradient is small, the line search ends when the step
is good enough, and the last few steps are kept in arrays that the loops write to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from study import options, plot

import autograph as ag


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def direction(slope, steps, changes, count):
    """The product of the approximate inverse Hessian with the slope, by the two-loop recursion."""
    memory = steps.shape[0]
    known = jnp.minimum(count, memory)
    factors = jnp.zeros(memory)
    q = slope
    for back in range(known):
        at = (count - 1 - back) % memory
        factor = jnp.vdot(steps[at], q) / jnp.vdot(changes[at], steps[at])
        factors = factors.at[at].set(factor)
        q = q - factor * changes[at]
    if count > 0:
        last = (count - 1) % memory
        q = q * jnp.vdot(steps[last], changes[last]) / jnp.vdot(changes[last], changes[last])
    for back in range(known):
        at = (count - known + back) % memory
        factor = jnp.vdot(changes[at], q) / jnp.vdot(changes[at], steps[at])
        q = q + steps[at] * (factors[at] - factor)
    return -q


def line_search(function, x, value, slope, towards):
    """Halves the step until it lessens the function by enough; says how often it has tried."""
    size, tries = 1.0, 1
    while function(x + size * towards) > value + 1e-4 * size * jnp.vdot(slope, towards):
        size = size / 2
        tries += 1
        if tries > 40:
            break
    return size, tries


def minimize(function, x, most, tolerance, memory=6):
    steps, changes = jnp.zeros((memory, x.size)), jnp.zeros((memory, x.size))
    count = evaluations = 0
    value, slope = jax.value_and_grad(function)(x)
    curve = []
    ag.set_element_type(curve, x.dtype, capacity=400)
    for iteration in range(most):
        curve.append(value)
        if iteration % 10 == 0:
            print("iteration", iteration, "value", value, "evaluations", evaluations)
        if jnp.max(jnp.abs(slope)) < tolerance:
            print("converged in iteration", iteration)
            break
        towards = direction(slope, steps, changes, count)
        size, tries = line_search(function, x, value, slope, towards)
        new = x + size * towards
        new_value, new_slope = jax.value_and_grad(function)(new)
        evaluations += tries + 1
        # Only steps along which the curvature is positive are of use.
        if jnp.vdot(new - x, new_slope - slope) > 1e-10:
            steps = steps.at[count % memory].set(new - x)
            changes = changes.at[count % memory].set(new_slope - slope)
            count += 1
        x, value, slope = new, new_value, new_slope
    return x, value, evaluations, curve


def run(quick: bool) -> dict[str, Any]:
    size = 4 if quick else 50
    with jax.enable_x64(True):
        start = jnp.where(jnp.arange(size) % 2 == 0, -1.2, 1.0)
        found = ag.function(lambda x, most: minimize(rosenbrock, x, most, 1e-8))(start, 400)
        x, value, evaluations, curve = found
        return {"x": x, "value": float(value), "evaluations": int(evaluations), "curve": [float(v) for v in curve]}


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    print(f"value {found['value']:.3e} after {len(found['curve'])} iterations, {found['evaluations']} evaluations")
    curve = [max(value, 1e-20) for value in found["curve"]]
    plot(chosen.output, "lbfgs", {"Rosenbrock": (range(len(curve)), curve)}, x="iteration", y="value", log=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
