"""Derivatives of loops whose length only the graph knows, in both modes, batched, of higher order, with effects."""

from __future__ import annotations

import contextlib
import io
import linecache
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax import lax

import autograph as ag
from loop_programs import PROGRAMS, ROWS, clipped

POINTS = np.array([[0.4, 0.3, 0.7], [1.6, -0.8, 0.5], [-0.3, 0.9, 1.2]])
CHEAP = {"xla_backend_optimization_level": 0}
"""These tests compile much and run little."""


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def compiled(function):
    return jax.jit(function, compiler_options=CHEAP)


# --- Every program against plain Python, and against finite differences ----------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_both_modes_agree_with_plain_python_and_with_finite_differences(program):
    converted = ag.convert(program)
    direction = jnp.array([0.3, -1.1, 0.7])

    @compiled
    def derivatives(x):
        value, slope = jax.value_and_grad(converted)(x)
        return value, slope, jax.jvp(converted, (x,), (direction,))

    by_differences = 0
    for point in POINTS:
        x = jnp.asarray(point)
        value, slope, (again, along) = derivatives(x)
        expected, expected_slope = jax.value_and_grad(program)(x)
        np.testing.assert_allclose(value, expected, rtol=1e-9)
        np.testing.assert_allclose(again, expected, rtol=1e-9)
        np.testing.assert_allclose(slope, expected_slope, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(along, jnp.vdot(expected_slope, direction), rtol=1e-7, atol=1e-10)
        step = 1e-6 * direction
        difference = (derivatives(x + step)[0] - derivatives(x - step)[0]) / 2e-6
        by_differences += bool(np.isclose(difference, along, rtol=1e-4, atol=1e-6))
    # A program may jump or have a kink next to a point, or take a derivative that is not one, but not at all three.
    assert by_differences >= (0 if program.__name__ in NOT_BY_DIFFERENCES else 2)


NOT_BY_DIFFERENCES = {
    "bisection",  # piecewise constant: its derivative is that of the ends that it started from
    "stopped_gradient_in_a_loop",
    "while_inside_scan",  # 10 loops with a threshold each
}


# --- Other transformations --------------------------------------------------------------------------------------------


def recurrence(x):
    """One loop that each transformation is tried on; `by_scan` is the same by hand."""
    y, n = x[2], 0
    while n < 7 and y < 100:
        ag.set_loop_options(checkpoints=4)
        y = jnp.sin(y) * x[0] + x[1] * y
        n += 1
    return y


def by_scan(x):
    return lax.scan(lambda y, _: (jnp.sin(y) * x[0] + x[1] * y, None), x[2], None, length=7)[0]


TRANSFORMATIONS = {
    "grad": jax.grad,
    "jacfwd": jax.jacfwd,
    "jacrev": jax.jacrev,
    "hessian": jax.hessian,
    "grad of grad": lambda f: jax.jacrev(jax.jacrev(f)),
    "jvp of jvp": lambda f: jax.jacfwd(jax.jacfwd(f)),
    "grad of jvp": lambda f: jax.jacrev(jax.jacfwd(f)),
    "grad of grad of grad": lambda f: jax.jacrev(jax.jacrev(jax.jacrev(f))),
    "linearize": lambda f: lambda x: jax.linearize(f, x)[1](jnp.cos(x)),
    "vjp": lambda f: lambda x: jax.vjp(f, x)[1](2.5)[0],
    "linear transpose": lambda f: lambda x: jax.linear_transpose(jax.linearize(f, x)[1], x)(1.5)[0],
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f)),
    "checkpoint of everything": lambda f: jax.grad(
        jax.checkpoint(f, policy=jax.checkpoint_policies.everything_saveable)
    ),
    "hessian of checkpoint": lambda f: jax.hessian(jax.checkpoint(f)),
    "grad through a grad": lambda f: jax.grad(lambda x: jnp.sum(jax.grad(f)(x) ** 2)),
    "grad through a checkpointed grad": lambda f: jax.grad(lambda x: jnp.sum(jax.checkpoint(jax.grad(f))(x) ** 2)),
    "grad in a scan": lambda f: lambda x: lax.scan(lambda c, _: (c - 0.1 * jax.grad(f)(c), None), x, None, length=3)[0],
    "grad of a scan": lambda f: jax.grad(
        lambda x: lax.scan(lambda c, _: (c * (1 + 0.1 * f(c)), None), x, None, length=3)[0][0]
    ),
    "grad of a checkpointed scan": lambda f: jax.grad(
        lambda x: lax.scan(jax.checkpoint(lambda c, _: (c * (1 + 0.1 * f(c)), None)), x, None, length=3)[0][0]
    ),
    "grad of a cond": lambda f: jax.grad(lambda x: lax.cond(x[0] > 0, f, lambda x: x[1], x)),
}


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_transformation_agrees_with_that_of_a_scan(name):
    x = jnp.array([0.9, 0.3, 0.7])
    transform = TRANSFORMATIONS[name]
    got = compiled(transform(ag.convert(recurrence)))(x)
    np.testing.assert_allclose(got, compiled(transform(by_scan))(x), rtol=1e-8)


def test_without_jit():
    x = jnp.array([0.9, 0.3, 0.7])
    np.testing.assert_allclose(jax.grad(ag.convert(recurrence))(x), jax.grad(by_scan)(x), rtol=1e-10)


def test_ag_function_is_differentiable_from_outside_and_inside():
    @ag.function
    def slope(x):
        return jax.grad(recurrence)(x)

    x = jnp.array([0.9, 0.3, 0.7])
    expected = jax.grad(by_scan)(x)
    np.testing.assert_allclose(slope(x), expected, rtol=1e-10)
    np.testing.assert_allclose(jax.grad(ag.function(recurrence))(x), expected, rtol=1e-10)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 30])
def test_every_number_of_iterations_with_every_budget(n):
    def loop(x, n, checkpoints):
        y, i = x[2], 0
        while i < n:
            ag.set_loop_options(checkpoints=checkpoints)
            y = jnp.sin(y) * x[0] + x[1] * y
            i += 1
        return y

    x = jnp.array([0.9, 0.3, 0.7])
    expected = jax.grad(lambda x: lax.fori_loop(0, n, lambda _, y: jnp.sin(y) * x[0] + x[1] * y, x[2]))(x)
    for checkpoints in (1, 2, 3, 5, 8, 40, None):
        slope = GRADIENTS.setdefault(
            checkpoints, compiled(jax.grad(ag.convert(partial(loop, checkpoints=checkpoints))))
        )
        np.testing.assert_allclose(slope(x, n), expected, rtol=1e-10)


GRADIENTS: dict[int | None, object] = {}


def test_single_precision():
    with jax.enable_x64(False):
        x = jnp.array([0.9, 0.3, 0.7], jnp.float32)
        slope = compiled(jax.grad(ag.convert(recurrence)))(x)
        assert slope.dtype == jnp.float32
        np.testing.assert_allclose(slope, jax.grad(by_scan)(x), rtol=2e-6)
        bfloat = compiled(jax.grad(ag.convert(recurrence)))(x.astype(jnp.bfloat16))
        assert bfloat.dtype == jnp.bfloat16
        np.testing.assert_allclose(bfloat.astype(jnp.float32), slope, rtol=0.05)


def test_with_respect_to_pytrees_closed_over_arrays_and_integers():
    weights = {"a": jnp.array([[0.5, 0.1], [0.2, 0.4]]), "b": jnp.array([0.1, -0.2])}

    def settle(weights, x, n):
        h, i = x, 0
        while i < n and jnp.sum(h * h) > 1e-3:
            h = jnp.tanh(weights["a"] @ h + weights["b"])
            i += 1
        return jnp.sum(h), i

    def by_hand(weights, x):
        for _ in range(4):
            x = jnp.tanh(weights["a"] @ x + weights["b"])
        return jnp.sum(x)

    x = jnp.array([0.3, 0.8])
    slope, steps = compiled(jax.grad(ag.convert(settle), has_aux=True))(weights, x, 4)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), slope, jax.grad(by_hand)(weights, x))
    assert int(steps) == 4

    def closed(scale):
        scaled = jax.tree.map(lambda w: w * scale, weights)
        return ag.convert(settle)(scaled, x, 4)[0]

    expected = jax.grad(lambda s: by_hand(jax.tree.map(lambda w: w * s, weights), x))(1.3)
    np.testing.assert_allclose(compiled(jax.grad(closed))(1.3), expected, rtol=1e-9)
    of_integer = jax.grad(lambda n: ag.convert(settle)(weights, x, n)[0], allow_int=True)(4)
    assert of_integer.dtype == jax.dtypes.float0


def test_complex_numbers():
    def spiral(z):
        n = 0
        while jnp.abs(z) < 3:
            z = z * (1.1 + 0.2j) + 0.05
            n += 1
        return jnp.real(z) ** 2 + jnp.imag(z)

    def by_hand(z):
        while bool(jnp.abs(z) < 3):
            z = z * (1.1 + 0.2j) + 0.05
        return jnp.real(z) ** 2 + jnp.imag(z)

    z = jnp.asarray(0.4 + 0.3j)
    np.testing.assert_allclose(compiled(jax.grad(ag.convert(spiral)))(z), jax.grad(by_hand)(z), rtol=1e-9)


def test_custom_derivatives_inside_a_loop():
    def loop(x):
        n = 0
        while n < 4 and x < 1e6:
            x = clipped(x) * 0.9
            n += 1
        return x

    def by_hand(x):
        for _ in range(4):
            x = clipped(x) * 0.9
        return x

    np.testing.assert_allclose(compiled(jax.grad(ag.convert(loop)))(1.7), jax.grad(by_hand)(1.7), rtol=1e-9)


@jax.custom_vjp
def turned(x, y):
    return jnp.sin(x) * y, x * y * y


turned.defvjp(
    lambda x, y: ((jnp.sin(x) * y, x * y * y), (x, y)),
    lambda kept, g: (
        g[0] * jnp.cos(kept[0]) * kept[1] + g[1] * kept[1] ** 2,
        g[0] * jnp.sin(kept[0]) + g[1] * 2 * kept[0] * kept[1],
    ),
)


@jax.custom_vjp
def squared_with_clipped_slope(x):
    return x * x


squared_with_clipped_slope.defvjp(lambda x: (x * x, x), lambda x, g: (jnp.clip(2 * x * g, -1, 1),))


def by_turns(x, y, n, step):
    i = 0
    while i < n:
        if x > 0.5:
            x, y = step(x, y)
        else:
            x = jnp.sqrt(x) + y**3
        i += 1
    return x + y


@pytest.mark.parametrize(
    "twice",
    [
        lambda f: jax.hessian(f, argnums=(0, 1)),
        lambda f: jax.jacrev(jax.jacrev(f, argnums=(0, 1)), argnums=(0, 1)),
        lambda f: jax.grad(jax.grad(jax.grad(f, argnums=1))),
    ],
    ids=["hessian", "jacrev of jacrev", "third"],
)
def test_conditionals_and_custom_vjp_functions_have_derivatives_of_any_order(twice):
    converted = ag.convert(by_turns)
    formula = lambda x, y: (jnp.sin(x) * y, x * y * y)  # noqa: E731
    for step in (turned, formula):
        found = jax.jit(twice(lambda x, y, step=step: converted(x, y, jnp.int32(4) + 0 * jnp.int32(x), step)))
        for x in (0.9, 0.3):
            expected = twice(lambda x, y: by_turns(x, y, 4, formula))(x, 0.8)
            for one, other in zip(jax.tree.leaves(found(x, 0.8)), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_a_backward_rule_that_is_not_linear_has_no_second_derivative():
    @ag.convert
    def f(x, n):
        i = 0
        while i < n:
            x = squared_with_clipped_slope(x) * 0.5
            i += 1
        return x

    assert float(jax.jit(jax.grad(f))(1.3, 3)) != 0
    with pytest.raises(ag.StagingError, match="has to be linear in the cotangent"):
        jax.jit(jax.grad(jax.grad(f)))(1.3, 3)


def test_a_long_loop_in_little_memory():
    def long(x, n):
        i = 0
        while i < n:
            ag.set_loop_options(checkpoints=12)
            x = x + 0.01 * jnp.sin(x + i)
            i += 1
        return jnp.sum(x)

    def by_hand(x):
        return jnp.sum(lax.scan(lambda c, i: (c + 0.01 * jnp.sin(c + i), None), x, jnp.arange(5000))[0])

    x = jnp.linspace(0.0, 1.0, 50)
    ours = compiled(jax.grad(ag.convert(long))).lower(x, 5000).compile(CHEAP)
    scan = compiled(jax.grad(by_hand)).lower(x).compile(CHEAP)
    np.testing.assert_allclose(ours(x, 5000), scan(x), rtol=1e-9)
    # 13 checkpoints and 6 rows of the state, of its residual and of the counter, against 5000 of them.
    assert ours.memory_analysis().temp_size_in_bytes < scan.memory_analysis().temp_size_in_bytes / 50


# --- Batches ----------------------------------------------------------------------------------------------------------


def pole(x, w, rows, limit):
    """Each example ends on its own, at a state where the body's derivative is infinite or not a number."""
    i, z = 0, 0.5
    while x < limit and i < 12:
        x = x + jnp.sqrt(limit + 3 - x) * w[0] * 0.3 + 0.1 * jnp.abs(rows[i]) + 0.05
        z = z * w[1] + jnp.sqrt(jnp.maximum(limit - x, 0)) * rows[i]
        i += 1
    return x * x + z


EXAMPLES = (
    jnp.linspace(0.1, 1.0, 5, dtype=jnp.float32),
    jnp.array([0.9, 0.8], jnp.float32),
    jnp.asarray(np.random.default_rng(1).normal(size=(5, 12)), jnp.float32),
    jnp.array([0.05, 1.5, 3.0, 0.4, 2.2], jnp.float32),
)
OF_EACH = (0, None, 0, 0)


def one_by_one(function, arguments, axes):
    """`function` of each example, as a Python loop."""
    count = next(a.shape[0] for a, axis in zip(arguments, axes) if axis == 0)
    outs = [function(*(a[i] if axis == 0 else a for a, axis in zip(arguments, axes))) for i in range(count)]
    return jax.tree.map(lambda *parts: jnp.stack(parts), *outs)


def doubled(arguments):
    return tuple(np.asarray(a, np.float64) for a in arguments)


def test_vmap_of_grad_gives_each_example_its_own_length_and_its_own_poles():
    arguments = tuple(map(jnp.asarray, doubled(EXAMPLES)))
    slopes = one_by_one(jax.grad(pole, argnums=(0, 1, 2, 3)), arguments, OF_EACH)
    converted = ag.convert(pole)
    got = compiled(jax.vmap(jax.grad(converted, argnums=(0, 1, 2, 3)), in_axes=OF_EACH))(*arguments)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), got, slopes)


def smooth(x, w, rows, limit):
    """As `pole`, with derivatives that are finite wherever an example goes, but not where others would take it."""
    i, z = 0, 0.5
    while x < limit and i < 12:
        z = z * w[1] + jnp.sqrt(limit - x) * rows[i]
        x = x + jnp.sqrt(limit + 3 - x) * w[0] * 0.3 + 0.1 * jnp.abs(rows[i]) + 0.05
        i += 1
    return x * x + z


def test_shared_weights_get_no_nan_from_examples_that_have_ended():
    arguments = tuple(map(jnp.asarray, doubled(EXAMPLES)))
    slopes = one_by_one(jax.grad(smooth, argnums=(0, 1, 2, 3)), arguments, OF_EACH)
    assert all(bool(jnp.all(jnp.isfinite(s))) for s in slopes)
    converted = ag.convert(smooth)

    def total(*arguments):
        return jnp.sum(jax.vmap(converted, in_axes=OF_EACH)(*arguments))

    got = compiled(jax.grad(total, argnums=(0, 1, 2, 3)))(*arguments)
    expected = (slopes[0], slopes[1].sum(0), slopes[2], slopes[3])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), got, expected)

    # Two batches, one of weights and one of examples, on either side of the gradient.
    weights = jnp.stack([arguments[1], arguments[1] * 0.7, arguments[1] * 1.1])
    both = (arguments[0], weights, *arguments[2:])
    nested = [one_by_one(jax.grad(smooth, argnums=(0, 1, 2, 3)), (both[0], w, *both[2:]), OF_EACH) for w in weights]
    nested = jax.tree.map(lambda *parts: jnp.stack(parts), *nested)

    def of_both(function):
        return jax.vmap(jax.vmap(function, in_axes=OF_EACH), in_axes=(None, 0, None, None))

    got = compiled(of_both(jax.grad(converted, argnums=(0, 1, 2, 3))))(*both)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), got, nested)
    got = compiled(jax.grad(lambda *a: jnp.sum(of_both(converted)(*a)), argnums=(0, 1, 2, 3)))(*both)
    expected = (nested[0].sum(0), nested[1].sum(1), nested[2].sum(0), nested[3].sum(0))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), got, expected)


def test_an_example_without_iterations_does_no_harm_to_shared_weights():
    def f(x, w, d, n):
        i = 0
        while i < n:
            x = x * (w / d)
            i += 1
        return x

    arguments = (jnp.array([1.0, 2.0, 3.0]), 0.5, jnp.array([2.0, 0.0, 4.0]), jnp.array([3, 0, 1]))
    got = compiled(
        jax.grad(lambda x, w, d, n: jnp.sum(jax.vmap(ag.convert(f), (0, None, 0, 0))(x, w, d, n)), (0, 1, 2))
    )(*arguments)
    np.testing.assert_allclose(got[0], [0.25**3, 1, 0.125])
    np.testing.assert_allclose(got[1], 3 * 0.25**2 / 2 + 3 / 4)
    np.testing.assert_allclose(got[2], [-3 * 0.25**3 / 2, 0, -3 * 0.5 / 16])


def test_a_state_that_becomes_a_constant():
    def f(x, n):
        y, z, i = x, x, 0
        while i < n:
            z = z * y
            y = 2.0
            i += 1
        return z

    slope = compiled(jax.grad(ag.convert(f)))
    np.testing.assert_allclose([slope(3.0, n) for n in (0, 1, 2, 4)], [1, 6, 12, 48])


def test_second_derivatives_of_a_batch():
    def f(x, limit):
        while x < limit:
            x = x + jnp.exp(-x * x) * 0.5 + 0.3
        return x**3

    xs, limits = jnp.array([0.1, 0.6, 3.0]), jnp.array([2.0, 1.0, 2.5])
    expected = [jax.grad(jax.grad(f))(x, limit) for x, limit in zip(xs, limits)]
    g = ag.convert(f)
    np.testing.assert_allclose(compiled(jax.vmap(jax.grad(jax.grad(g))))(xs, limits), expected, rtol=1e-8)
    np.testing.assert_allclose(
        jnp.diag(compiled(jax.hessian(lambda xs: jnp.sum(jax.vmap(g)(xs, limits))))(xs)), expected, rtol=1e-8
    )


def test_a_batch_of_programs_with_loops_in_loops():
    @compiled
    def slopes(points):
        return {program.__name__: jax.vmap(jax.grad(ag.convert(program)))(points) for program in chosen}

    names = {"nested_while", "nested_with_break_in_both", "array_as_memory", "none_until_found", "mutated_object"}
    chosen = [program for program in PROGRAMS if program.__name__ in names]
    assert len(chosen) == len(names)
    points = jnp.asarray(POINTS)
    got = slopes(points)
    for program in chosen:
        expected = [jax.grad(program)(x) for x in points]
        np.testing.assert_allclose(got[program.__name__], jnp.stack(expected), rtol=1e-7, atol=1e-10)


# --- What a loop is when nobody differentiates it ---------------------------------------------------------------------


def stablehlo(function, *arguments):
    text = jax.jit(function).lower(*arguments).as_text()
    return re.sub(r"@\w+", "@f", text)


def test_a_loop_that_is_not_differentiated_is_jaxs_own():
    from autograph.engines.jax.derivatives import while_loop

    def with_rule(x, n, loop):
        return loop(lambda s: s[0] < n, lambda s: (s[0] + 1, jnp.sin(s[1]) + x), (0, x))

    x = jnp.ones(3)  # loops over numbers alone are carried otherwise: see test_scalar_loops.py
    text = stablehlo(partial(with_rule, loop=while_loop), x, 5)
    assert text == stablehlo(partial(with_rule, loop=lax.while_loop), x, 5)
    assert "while" in text


def test_a_gradient_that_needs_no_state_keeps_none():
    def linear(x, n):
        i = 0
        while i < n:
            x = x * 0.5
            i += 1
        return x

    executable = compiled(jax.grad(ag.convert(linear))).lower(1.0, 1000).compile(CHEAP)
    assert executable.memory_analysis().temp_size_in_bytes < 1000
    np.testing.assert_allclose(executable(1.0, 10), 0.5**10)


def test_options_are_checked():
    def loop(x, checkpoints):
        while x < 3:
            ag.set_loop_options(checkpoints=checkpoints)
            x = x + 1
        return x

    with pytest.raises(ValueError, match="at least 1"):
        jax.jit(ag.convert(partial(loop, checkpoints=0)))(0.0)
    with pytest.raises(TypeError):
        jax.jit(ag.convert(partial(loop, checkpoints="few")))(0.0)
    assert loop(0.0, 5) == 3


# --- Effects ----------------------------------------------------------------------------------------------------------


def test_prints_happen_once_in_both_modes(capfd):
    def noisy(x):
        while x < 10:
            print("x is", x)
            x = x * 2
        return x

    expected = "x is 1.5\nx is 3.0\nx is 6.0\n"
    for function in (
        jax.grad(ag.convert(noisy)),
        compiled(jax.value_and_grad(ag.convert(noisy))),
        lambda x: jax.jvp(ag.convert(noisy), (x,), (1.0,)),
        ag.function(lambda x: jax.grad(noisy)(x)),
    ):
        capfd.readouterr()
        function(1.5)
        jax.effects_barrier()
        assert capfd.readouterr().out == expected


def test_assertions_and_exceptions_stop_the_forward_pass():
    @ag.function
    def slope(x):
        def checked(x):
            while x < 10:
                assert x > 0, f"{x} is not positive"
                x = x * 2
            return x

        return jax.grad(checked)(x)

    assert float(slope(1.5)) == 8
    with pytest.raises(AssertionError, match=re.escape("-1.5 is not positive")):
        slope(-1.5)


def test_a_host_function_with_a_result_is_not_called_a_second_time():
    calls = []

    @ag.do_not_convert(run_as="py_func")
    def thickness(n: int) -> float:
        calls.append(int(n))
        return 0.5

    def loop(x):
        n = 0
        while x < 10:
            x = x * 2 + thickness(n)
            n += 1
        return x

    with pytest.raises(ag.StagingError, match="calls a host function for its result"):
        jax.jit(jax.grad(ag.convert(loop)))(1.5)
    value, slope = jax.jit(lambda x: jax.jvp(ag.convert(loop), (x,), (1.0,)))(1.5)
    assert (float(value), float(slope)) == (15.5, 8.0)
    assert calls == [0, 1, 2]


# --- Training ---------------------------------------------------------------------------------------------------------


def test_a_training_loop_that_stops_early_in_one_graph():
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(40, 2)))
    targets = inputs @ jnp.array([1.5, -2.0]) + 0.3

    def loss_of(params):
        return jnp.mean((inputs @ params["w"] + params["b"] - targets) ** 2)

    @ag.function
    def train(rate):
        params = {"w": jnp.zeros(2), "b": jnp.zeros(())}
        optimizer = optax.sgd(rate)
        state = optimizer.init(params)
        best, patience, curve = jnp.inf, 5, []
        for step in range(400):
            loss, slopes = jax.value_and_grad(loss_of)(params)
            updates, state = optimizer.update(slopes, state)
            params = optax.apply_updates(params, updates)
            curve.append(loss)
            if loss < best - 1e-6:
                best, patience = loss, 5
            else:
                patience -= 1
                if patience == 0:
                    break
        return params, step, curve

    params, step, curve = train(0.2)
    assert 10 < int(step) < 399
    assert len(curve) == int(step) + 1
    np.testing.assert_allclose(params["w"], [1.5, -2.0], atol=0.01)
    assert float(curve[-1]) < 1e-3 * float(curve[0])


class Settling(eqx.Module):
    """A layer that goes on until its activations have settled."""

    linear: eqx.nn.Linear

    def __call__(self, x):
        h, change, n = jnp.zeros(3), jnp.inf, 0
        while change > 1e-6 and n < 60:
            new = jnp.tanh(0.3 * self.linear(h) + x)
            change = jnp.max(jnp.abs(new - h))
            h = new
            n += 1
        return jnp.sum(h)


def test_an_equinox_module_with_a_while_loop_trains():
    model = Settling(eqx.nn.Linear(3, 3, key=jax.random.key(0)))
    x = jnp.array([0.2, -0.4, 0.9])

    def loss(model, x):
        return (jax.vmap(model)(x) - 1.5) @ (jax.vmap(model)(x) - 1.5)

    xs = jnp.stack([x, -x, x * 2])
    step = eqx.filter_jit(eqx.filter_value_and_grad(ag.convert(loss)))
    values = []
    for _ in range(15):
        value, slopes = step(model, xs)
        model = eqx.apply_updates(model, jax.tree.map(lambda g: -0.1 * g, slopes))
        values.append(float(value))
    assert values[-1] < 0.6 * values[0]


class Counting(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(3, 3, rngs=rngs, param_dtype=jnp.float64)
        self.calls = nnx.Variable(jnp.int32(0))

    def __call__(self, x):
        n = 0
        while jnp.sum(x * x) > 0.3 and n < 20:
            x = jnp.tanh(self.linear(x)) * 0.8
            n += 1
        self.calls[...] = self.calls[...] + n
        return x


def test_an_nnx_module_with_a_while_loop_trains():
    model = Counting(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(0.03), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x):
        def loss(model):
            return jnp.sum((model(x) - 0.2) ** 2)

        value, slopes = nnx.value_and_grad(ag.convert(loss))(model)
        optimizer.update(model, slopes)
        return value

    x = jnp.array([0.9, -0.8, 0.7])
    values = [float(step(model, optimizer, x)) for _ in range(30)]
    assert values[-1] < 0.5 * values[0]
    assert int(model.calls[...]) >= 30


def test_rows_of_a_long_array_cost_a_row_each():
    def until(rows, limit):
        total = 0.0
        for row in rows:
            total = total + jnp.sin(row) * row
            if total > limit:
                break
        return total

    jaxpr = str(jax.make_jaxpr(jax.grad(ag.convert(until)))(ROWS[:, 0], 1e9))
    rows = jnp.tile(ROWS[:, 0], 50)
    expected = jnp.sin(rows) + rows * jnp.cos(rows)
    np.testing.assert_allclose(compiled(jax.grad(ag.convert(until)))(rows, 1e9), expected, rtol=1e-9)
    assert "loop_adjoint" in jaxpr
    text = compiled(jax.grad(ag.convert(until))).lower(rows, 1e9).as_text()
    adds = re.findall(r"stablehlo\.add .*tensor<1000xf64>", text)
    assert not adds, adds


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_prints_what_it_says():
    page = (Path(__file__).parent.parent / "docs" / "differentiating-loops.md").read_text()
    code = "".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    expected = re.findall(r"^print\(.*\)  +# (.*)$", code, re.MULTILINE)
    assert len(expected) == code.count("print(") >= 6
    printed = io.StringIO()
    with jax.enable_x64(False), contextlib.redirect_stdout(printed):
        namespace: dict[str, object] = {}
        lines = "\n" * page[: page.index("```python")].count("\n")
        module = compile(lines + code, "differentiating-loops.md", "exec")
        linecache.cache["differentiating-loops.md"] = (
            len(code),
            None,
            (lines + code).splitlines(True),
            module.co_filename,
        )
        exec(module, namespace)
    assert printed.getvalue().splitlines() == expected


# --- Where checkpoints lie --------------------------------------------------------------------------------------------


def test_checkpoints_lie_where_few_segments_run_again():
    """About as few as with the best places (revolve), whatever the number of checkpoints is."""
    from autograph.engines.jax.derivatives.reversal import _next_mark

    most = 300
    lengths, free = jnp.meshgrid(jnp.arange(1, most + 1), jnp.arange(34), indexing="ij")
    table = np.asarray(jax.jit(_next_mark)(jnp.zeros_like(lengths), lengths, free))

    def runs(segments, places, ahead):
        """How many segments run when ``segments`` are reversed with the start and ``places`` more checkpoints kept."""
        heads, total = [0], 0
        for left in range(segments, 0, -1):
            while heads[-1] >= left:
                heads.pop()
            at = heads[-1]
            total += left - at
            while len(heads) <= places and left - at > 1:
                at += ahead(left - at, places - len(heads) + 1)
                heads.append(at)
        return total

    def by_revolve(length, free):
        repetitions = next(r for r in range(length + 1) if math.comb(free + r + 1, r) >= length)
        behind = math.comb(free + repetitions, repetitions)
        return min(max(length - behind, 1), max(length - 1, 1))

    for places in (1, 2, 3, 8, 32):
        for segments in (2, 5, 20, 100, most):
            own = runs(segments, places, lambda length, free: int(table[length - 1, free]))
            assert own <= 1.1 * runs(segments, places, by_revolve), (places, segments)
