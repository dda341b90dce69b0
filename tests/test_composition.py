"""Converted functions inside what JAX, Flax and Equinox offer, and these inside converted functions."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax import lax

import autograph as ag


def piecewise(x):
    if x > 1:
        return x * x
    if x < -1:
        return -x
    return jnp.sin(x)


POINTS = [-3.0, -0.5, 0.25, 2.0]
VALUES = [3.0, float(np.sin(-0.5)), float(np.sin(0.25)), 4.0]
SLOPES = [-1.0, float(np.cos(-0.5)), float(np.cos(0.25)), 4.0]


def newton(x):
    """The square root of x, by a loop whose length depends on x."""
    guess = x
    steps = 0
    while jnp.abs(guess * guess - x) > 1e-4:
        guess = (guess + x / guess) / 2
        steps += 1
    return guess, steps


def powers(x, n):
    total = 0.0
    term = 1.0
    for i in range(n):
        term = term * x
        if i % 2 == 0:
            total = total + term
        else:
            total = total - term / 2
    return total


# --- JAX around converted functions -----------------------------------------------------------------------------------


def test_jit():
    f = jax.jit(ag.convert(piecewise))
    np.testing.assert_allclose([f(x) for x in POINTS], VALUES, rtol=1e-6)


def test_jit_with_static_and_donated_arguments():
    def f(x, mode, n):
        if mode == "sum":
            for _ in range(n):
                x = x + 1
        return x

    g = jax.jit(ag.convert(f), static_argnames=("mode", "n"))
    assert float(g(1.0, mode="sum", n=3)) == 4
    assert float(g(1.0, mode="other", n=3)) == 1
    h = jax.jit(ag.convert(newton), donate_argnums=0)
    assert float(h(jnp.float32(9.0))[0]) == pytest.approx(3, abs=1e-3)


def test_vmap_of_converted():
    np.testing.assert_allclose(jax.vmap(ag.convert(piecewise))(jnp.array(POINTS)), VALUES, rtol=1e-6)


def test_vmap_of_a_loop_whose_length_differs():
    xs = jnp.array([1.0, 4.0, 100.0])
    roots, steps = jax.vmap(ag.convert(newton))(xs)
    expected = [jax.jit(ag.convert(newton))(x) for x in xs]
    np.testing.assert_allclose(roots, [r for r, _ in expected], rtol=1e-6)
    assert steps.tolist() == [int(s) for _, s in expected]


def test_vmap_with_in_axes_and_jit():
    def f(x, limit):
        while x < limit:
            x = x * 2
        return x

    g = jax.jit(jax.vmap(ag.convert(f), in_axes=(0, None)))
    assert g(jnp.array([1, 3, 50]), 10).tolist() == [16, 12, 50]
    assert jax.vmap(jax.jit(ag.convert(f)), in_axes=(None, 0))(1, jnp.array([1, 5])).tolist() == [1, 8]


def test_grad_of_converted():
    slope = jax.grad(ag.convert(piecewise))
    np.testing.assert_allclose([slope(x) for x in POINTS], SLOPES, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(slope)(jnp.array(POINTS)), SLOPES, rtol=1e-6)


def test_value_and_grad_through_a_counted_loop():
    def by_hand(x):
        return sum(x ** (i + 1) * (1 if i % 2 == 0 else -0.5) for i in range(12))

    value, slope = jax.value_and_grad(ag.convert(powers))(0.5, 12)
    expected, expected_slope = jax.value_and_grad(by_hand)(0.5)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert float(slope) == pytest.approx(float(expected_slope), rel=1e-5)


def test_grad_through_a_loop_over_an_array():
    def f(xs):
        total = 0.0
        for x in xs:
            if x > 0:
                total = total + x * x
            else:
                total = total - x
        return total

    xs = jnp.array([1.0, -2.0, 3.0, -4.0, 5.0, 6.0, -7.0, 8.0, 9.0, 10.0])
    slope = jax.grad(jax.jit(ag.convert(f)))(xs)
    np.testing.assert_allclose(slope, np.where(xs > 0, 2 * xs, -1.0))


def test_gradient_of_the_branch_that_is_not_taken_does_no_harm():
    def safe(x):
        if x > 0:
            return jnp.sqrt(x)
        return x * 0.0

    def divided(x):
        return 1.0 / x if x != 0 else x * 2

    assert float(jax.grad(ag.convert(safe))(0.0)) == 0
    assert float(jax.grad(ag.convert(divided))(0.0)) == 2
    assert float(jax.jit(jax.grad(ag.convert(safe)))(4.0)) == 0.25


def test_jvp():
    value, tangent = jax.jvp(ag.convert(piecewise), (2.0,), (3.0,))
    assert (float(value), float(tangent)) == (4, 12)
    value, tangent = jax.jvp(lambda x: ag.convert(newton)(x)[0], (4.0,), (1.0,))
    assert float(tangent) == pytest.approx(0.25, rel=1e-3)


def test_hessian_jacobians():
    def f(x):
        total = 0.0
        for v in x:
            if v > 0:
                total = total + v**3
        return total

    x = jnp.array([1.0, -1.0, 2.0])
    np.testing.assert_allclose(jax.hessian(ag.convert(f))(x), np.diag([6.0, 0.0, 12.0]), atol=1e-6)
    np.testing.assert_allclose(jax.jacrev(ag.convert(f))(x), [3.0, 0.0, 12.0])
    np.testing.assert_allclose(jax.jacfwd(ag.convert(f))(x), [3.0, 0.0, 12.0])


def test_make_jaxpr_and_eval_shape():
    jaxpr = jax.make_jaxpr(ag.convert(newton))(4.0)
    assert [v.aval.shape for v in jaxpr.jaxpr.outvars] == [(), ()]
    shape, steps = jax.eval_shape(ag.convert(newton), jax.ShapeDtypeStruct((), jnp.float32))
    assert (shape.shape, shape.dtype) == ((), jnp.float32)
    assert steps.dtype == jnp.int32


def test_checkpoint():
    f = jax.checkpoint(ag.convert(lambda x: powers(x, 12)))
    plain = jax.grad(ag.convert(lambda x: powers(x, 12)))(0.5)
    assert float(jax.grad(f)(0.5)) == pytest.approx(float(plain), rel=1e-6)
    assert float(jax.jit(jax.grad(f))(0.5)) == pytest.approx(float(plain), rel=1e-6)


def test_custom_jvp_inside():
    @jax.custom_jvp
    def clipped(x):
        return jnp.minimum(x, 1.0)

    clipped.defjvp(lambda primals, tangents: (jnp.minimum(primals[0], 1.0), tangents[0] * 7.0))

    def f(x):
        if x > 0:
            return clipped(x)
        return -x

    assert float(jax.grad(ag.convert(f))(0.5)) == 7
    assert float(jax.grad(ag.convert(f))(-0.5)) == -1


def test_scan_cond_while_of_converted_functions():
    def step(carry, x):
        if x > carry:
            carry = x
        return carry, carry

    last, seen = lax.scan(ag.convert(step), 0, jnp.array([1, 5, 2, 7, 3]))
    assert int(last) == 7
    assert seen.tolist() == [1, 5, 5, 7, 7]
    assert lax.map(ag.convert(piecewise), jnp.array(POINTS)).shape == (4,)

    def bigger(x):
        return x * 2 if x % 3 == 0 else x + 1

    assert int(lax.while_loop(lambda x: x < 20, ag.convert(bigger), 1)) == 24
    out = lax.fori_loop(0, 3, ag.convert(lambda i, x: x + i if i > 1 else x), 10)
    assert int(out) == 12


# --- JAX inside converted functions -----------------------------------------------------------------------------------


def clip_sum(x, y):
    if x > y:
        return x
    return x + y


def test_vmap_grad_jit_checkpoint_given_user_functions():
    def f(xs):
        total = jnp.sum(jax.vmap(piecewise)(xs))
        slopes = jax.vmap(jax.grad(piecewise))(xs)
        if total > 0:
            return slopes * 2
        return slopes

    np.testing.assert_allclose(jax.jit(ag.convert(f))(jnp.array(POINTS)), np.array(SLOPES) * 2, rtol=1e-6)

    def g(x):
        return jax.jit(piecewise)(x) + jax.checkpoint(piecewise)(x)

    assert float(jax.jit(ag.convert(g))(2.0)) == 8
    assert float(jax.grad(ag.convert(g))(2.0)) == 8


def test_lax_control_flow_given_user_functions():
    def step(carry, x):
        if x > carry:
            carry = x
        return carry, carry * 2

    def f(xs):
        last, seen = lax.scan(step, jnp.int32(0), xs)
        picked = lax.cond(last > 3, lambda v: v + 1 if v > 5 else v, lambda v: v, last)
        mapped = lax.map(lambda v: v if v > 2 else -v, xs)
        looped = lax.while_loop(lambda v: v < 10 and v > 0, lambda v: v * 2 if v != 3 else v + 1, last)
        counted = lax.fori_loop(0, 4, lambda i, v: v + i if i > 1 else v, 0)
        return last, seen, picked, mapped, looped, counted

    for function in (ag.convert(f), jax.jit(ag.convert(f))):
        last, seen, picked, mapped, looped, counted = function(jnp.array([1, 5, 2, 7, 3]))
        assert int(last) == 7
        assert seen.tolist() == [2, 10, 10, 14, 14]
        assert int(picked) == 8
        assert mapped.tolist() == [-1, 5, -2, 7, 3]
        assert int(looped) == 14
        assert int(counted) == 5


def test_keyword_functions_and_switch():
    def f(i, x):
        return lax.switch(i, [lambda v: v if v > 0 else -v, lambda v: v * 2 if v < 0 else v], x)

    assert int(jax.jit(ag.convert(f))(0, -3)) == 3
    assert int(jax.jit(ag.convert(f))(1, -3)) == -6

    def g(xs):
        return lax.scan(f=lambda c, x: (c + x if x > 0 else c, None), init=0, xs=xs)[0]

    assert int(jax.jit(ag.convert(g))(jnp.array([1, -2, 3]))) == 4


def test_tree_map():
    def f(tree):
        return jax.tree.map(lambda v: v if v > 0 else -v, tree)

    out = jax.jit(ag.convert(f))({"a": 1, "b": (-2, 3)})
    assert jax.tree.map(int, out) == {"a": 1, "b": (2, 3)}

    def g(tree):
        return jax.tree_util.tree_map(clip_sum, tree, {"a": 3, "b": 0})

    assert jax.tree.map(int, jax.jit(ag.convert(g))({"a": 1, "b": 2})) == {"a": 4, "b": 2}


def test_jit_inside_a_staged_branch():
    @jax.jit
    def inner(x):
        return x * 3

    def f(x):
        for i in range(10):
            if x < 100:
                x = inner(x)
        return x

    assert int(jax.jit(ag.convert(f))(1)) == 243


def test_ag_function_in_ag_function_and_under_transformations():
    @ag.function
    def inner(x):
        while x < 100:
            x = x * 3
        return x

    @ag.function
    def outer(x):
        if x > 0:
            return inner(x) + 1
        return x

    assert int(outer(1)) == 244
    assert int(outer(-1)) == -1
    assert jax.vmap(inner)(jnp.array([1, 2])).tolist() == [243, 162]
    assert float(jax.jvp(inner, (2.0,), (1.0,))[1]) == 81


def test_random_keys_in_loops():
    def walk(key, n):
        position = 0
        for _ in range(n):
            key, use = jax.random.split(key)
            if jax.random.bernoulli(use):
                position += 1
            else:
                position -= 1
        return position

    def by_hand(key, n):
        position = 0
        for _ in range(n):
            key, use = jax.random.split(key)
            position += 1 if bool(jax.random.bernoulli(use)) else -1
        return position

    key = jax.random.key(3)
    assert int(jax.jit(ag.convert(walk))(key, 15)) == by_hand(key, 15)
    assert int(jax.jit(ag.convert(walk), static_argnums=1)(jax.random.PRNGKey(3), 15)) == by_hand(
        jax.random.PRNGKey(3), 15
    )


# --- Flax NNX ---------------------------------------------------------------------------------------------------------


class NnxNet(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.inner = nnx.Linear(3, 3, rngs=rngs)
        self.out = nnx.Linear(3, 1, rngs=rngs)
        self.calls = nnx.Variable(jnp.int32(0))

    def __call__(self, x):
        self.calls[...] = self.calls[...] + 1
        for i in range(4):
            y = self.inner(x)
            if jnp.sum(y) > 0:
                x = jnp.tanh(y)
            else:
                x = x + 1
        while jnp.sum(x) > 5:
            x = x / 2
        return self.out(x)

    def expected(self, x):
        for i in range(4):
            y = self.inner(x)
            x = jnp.tanh(y) if float(jnp.sum(y)) > 0 else x + 1
        while float(jnp.sum(x)) > 5:
            x = x / 2
        return self.out(x)


@pytest.mark.parametrize("start", [0.5, -2.0, 9.0])
def test_nnx_module_methods(start):
    model = NnxNet(nnx.Rngs(0))
    x = jnp.full((3,), start)
    expected = model.expected(x)
    np.testing.assert_allclose(ag.convert(model.__call__)(x), expected, rtol=1e-5)
    assert int(model.calls[...]) == 1

    def forward(model, x):
        return model(x)

    np.testing.assert_allclose(nnx.jit(ag.convert(forward))(model, x), expected, rtol=1e-5)
    assert int(model.calls[...]) == 2


def test_nnx_training_step():
    def loss_of(model, x, y):
        loss = jnp.mean((model(x) - y) ** 2)
        if loss > 1:
            return jnp.sqrt(loss)
        return loss

    def step(model, optimizer, x, y):
        loss, slopes = nnx.value_and_grad(ag.convert(loss_of))(model, x, y)
        optimizer.update(model, slopes)
        return loss

    # Without the `while` loop of the other, which JAX cannot differentiate in reverse.
    class Plain(nnx.Module):
        def __init__(self, rngs):
            self.linear = nnx.Linear(3, 1, rngs=rngs)

        def __call__(self, x):
            y = self.linear(x)
            if jnp.sum(y) > 0:
                y = y * 2
            return y

    model = Plain(nnx.Rngs(1))
    optimizer = nnx.Optimizer(model, optax.sgd(0.05), wrt=nnx.Param)
    compiled = nnx.jit(step)
    losses = [float(compiled(model, optimizer, jnp.ones(3), jnp.array([2.0]))) for _ in range(20)]
    assert losses[-1] < losses[0] / 2


# --- Equinox ----------------------------------------------------------------------------------------------------------


class EqxNet(eqx.Module):
    linear: eqx.nn.Linear
    threshold: float = eqx.field(static=True)

    def __init__(self, key, threshold):
        self.linear = eqx.nn.Linear(3, 3, key=key)
        self.threshold = threshold

    def __call__(self, x):
        for i in range(5):
            y = self.linear(x)
            if jnp.sum(y) > self.threshold:
                x = jax.nn.relu(y)
            elif i == 2:
                x = x - 1
            else:
                x = x * 0.9
        return jnp.sum(x)

    def expected(self, x):
        for i in range(5):
            y = self.linear(x)
            if float(jnp.sum(y)) > self.threshold:
                x = jax.nn.relu(y)
            elif i == 2:
                x = x - 1
            else:
                x = x * 0.9
        return jnp.sum(x)


@pytest.mark.parametrize("start", [1.0, -1.0, 0.1])
def test_equinox_module_methods(start):
    model = EqxNet(jax.random.key(0), 0.2)
    x = jnp.array([start, 0.3, -start])
    expected = float(model.expected(x))
    assert float(jax.jit(ag.convert(model.__call__))(x)) == pytest.approx(expected, rel=1e-5)
    assert float(eqx.filter_jit(ag.convert(model))(x)) == pytest.approx(expected, rel=1e-5)

    def forward(model, x):
        return model(x)

    assert float(eqx.filter_jit(ag.convert(forward))(model, x)) == pytest.approx(expected, rel=1e-5)


def test_equinox_gradient():
    model = EqxNet(jax.random.key(0), 0.2)
    x = jnp.array([1.0, 0.3, -1.0])

    def loss(model, x):
        out = model(x)
        if out > 0:
            return out**2
        return -out

    slopes = eqx.filter_grad(ag.convert(loss))(model, x)

    def by_hand(weights):
        out = eqx.tree_at(lambda m: m.linear.weight, model, weights).expected(x)
        return float(out**2 if out > 0 else -out)

    weight = np.asarray(model.linear.weight)
    epsilon = 1e-2
    for place in ((0, 0), (1, 2)):
        change = np.zeros_like(weight)
        change[place] = epsilon
        numeric = (by_hand(jnp.asarray(weight + change)) - by_hand(jnp.asarray(weight - change))) / (2 * epsilon)
        assert float(slopes.linear.weight[place]) == pytest.approx(numeric, rel=0.05, abs=1e-2)


# --- optax ------------------------------------------------------------------------------------------------------------


def test_a_whole_training_loop_is_one_graph():
    def train(xs, ys, steps):
        weights = jnp.zeros(2)
        optimizer = optax.adam(0.1)
        state = optimizer.init(weights)
        losses = []
        for i in range(steps):
            loss, slope = jax.value_and_grad(lambda w: jnp.mean((w[0] * xs + w[1] - ys) ** 2))(weights)
            updates, state = optimizer.update(slope, state)
            weights = optax.apply_updates(weights, updates)
            if i % 10 == 0:
                losses.append(loss)
        return weights, len(losses)

    xs = jnp.linspace(-1, 1, 16)
    run: Any = jax.jit(ag.convert(train), static_argnums=2)
    weights, _ = run(xs, 3 * xs + 1, 300)
    np.testing.assert_allclose(weights, [3, 1], atol=0.05)


def test_no_leak_is_seen_where_jax_looks_for_them():
    def program(x, n):
        total = 0.0
        for i in range(n):
            if x > i:
                total += x
            else:
                total -= jnp.sqrt(x)
        while total > 10:
            total = total / 2
        return total

    with jax.checking_leaks():
        found = jax.jit(ag.convert(program))(3.0, 5)
        slope = jax.jit(jax.grad(ag.convert(program)))(3.0, 5)
        again = ag.function(program)(3.0, 5)
    expected = program(3.0, 5)
    np.testing.assert_allclose([found, again], [expected, expected], rtol=1e-6)
    np.testing.assert_allclose(slope, jax.grad(lambda x: program(x, 5))(3.0), rtol=1e-6)
