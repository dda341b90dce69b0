"""Functions with control flow that are handed to JAX's own functions.

JAX traces what it is given, also where the arguments are plain: what such a program means is said by a reference.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from corpus import floats, ints, program


def leaky(x):
    if x > 0:
        return x
    return 0.5 * x


def steps_to_one(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def smooth_then_steep(x):
    if x < 1.0:
        return x * x
    return 2.0 * x - 1.0


def stacked(function, *arrays):
    return jnp.stack([jnp.asarray(function(*items)) for items in zip(*arrays, strict=True)])


@program((floats(1, -2, 3),), reference=lambda xs: stacked(leaky, xs))
def vmap_of_a_branch(xs):
    return jax.vmap(leaky)(xs)


@program((ints(1, 6, 7, 27),), reference=lambda ns: stacked(steps_to_one, ns))
def vmap_of_a_loop(ns):
    return jax.vmap(steps_to_one)(ns)


@program(
    (floats(1, -2, 3), 2.0),
    (floats(1, -2, 3), -2.0),
    reference=lambda xs, y: stacked(lambda x: x * y if x > y else y - x, xs),
)
def vmap_of_a_lambda_with_a_closure(xs, y):
    return jax.vmap(lambda x: x * y if x > y else y - x)(xs)


def larger_magnitude(x, y):
    if abs(x) > abs(y):
        return x
    return y


@program(
    (floats(1, -5), floats([2, 3], [-4, 9])),
    reference=lambda xs, rows: jnp.stack([stacked(larger_magnitude, xs, row) for row in rows]),
)
def vmap_of_vmap(xs, rows):
    return jax.vmap(jax.vmap(larger_magnitude), in_axes=(None, 0))(xs, rows)


@program((0.5,), (3.0,), reference=lambda x: 2.0 * x if x < 1.0 else 2.0)
def grad_of_a_branch(x):
    return jax.grad(smooth_then_steep)(x)


@program((0.5, 3), (1.5, 1), static=("n",), reference=lambda x, n: (x ** (2**n), 2**n * x ** (2**n - 1)))
def value_and_grad_of_a_loop(x, n):
    def repeated_square(value):
        for _ in range(n):
            value = value * value
        return value

    return jax.value_and_grad(repeated_square)(x)


def gradient_step_reference(w, xs, ys):
    gradient = 0.0
    for x, y in zip(xs, ys, strict=True):
        error = w * x - y
        gradient += 2 * error * x if abs(error) < 1.0 else (x if error > 0 else -x)
    return w - 0.1 * gradient


@program(
    (0.5, floats(1, 2, 3), floats(1, 0.5, 9)),
    (2.0, floats(1, 2, 3), floats(1, 0.5, 9)),
    reference=gradient_step_reference,
)
def grad_of_a_robust_loss(w, xs, ys):
    def loss(weight):
        total = 0.0
        for x, y in zip(xs, ys):
            error = weight * x - y
            if abs(error) < 1.0:
                total += error * error
            else:
                total += abs(error)
        return total

    return w - 0.1 * jax.grad(loss)(w)


def descend_reference(x, steps):
    path = 0
    for _ in range(steps):
        slope = 2.0 * x if x < 1.0 else 2.0
        if abs(slope) < 0.5:
            break
        x = x - 0.25 * slope
        path += 1
    return x, path


@program((3.0, 20), (0.9, 20), (3.0, 2), reference=descend_reference)
def grad_inside_a_loop(x, steps):
    path = 0
    for _ in range(steps):
        slope = jax.grad(smooth_then_steep)(x)
        if abs(slope) < 0.5:
            break
        x = x - 0.25 * slope
        path += 1
    return x, path


@program((2.0, 1.0), (-2.0, 1.0), reference=lambda x, t: (leaky(x), t if x > 0 else 0.5 * t))
def jvp_of_a_branch(x, tangent):
    return jax.jvp(leaky, (x,), (tangent,))


@program((floats(1, -2),), reference=lambda xs: jnp.diag(jnp.where(xs > 0, 1.0, 0.5)))
def jacobian_of_mapped_branches(xs):
    return jax.jacfwd(lambda values: jax.vmap(leaky)(values))(xs)


def scan_reference(xs):
    balance, fees, history = 0.0, 0, []
    for x in xs:
        if balance + x < 0:
            fees += 1
        else:
            balance = balance + x
        history.append(balance)
    return balance, fees, jnp.stack(history)


@program((floats(1, -2, 3, -1),), (floats(-1, -1, 5, 5),), reference=scan_reference)
def scan_with_a_branch(xs):
    def transaction(state, amount):
        balance, fees = state
        if balance + amount < 0:
            fees += 1
        else:
            balance = balance + amount
        return (balance, fees), balance

    (balance, fees), history = lax.scan(transaction, (0.0, 0), xs)
    return balance, fees, history


@program((ints(6, 7, 1),), reference=lambda ns: stacked(steps_to_one, ns))
def lax_map_of_a_loop(ns):
    return lax.map(steps_to_one, ns)


def fori_reference(n, x):
    for i in range(n):
        x = x // 2 if x % 2 == 0 else x + i
    return x


@program((5, 12), (0, 12), reference=fori_reference)
def fori_loop_with_a_branch(n, x):
    def body(i, value):
        if value % 2 == 0:
            return value // 2
        return value + i

    return lax.fori_loop(0, n, body, x)


@program((27,), (1,), reference=steps_to_one)
def lax_while_loop_with_functions(n):
    def unfinished(state):
        value, _ = state
        return value > 1

    def advance(state):
        value, steps = state
        if value % 2 == 0:
            value = value // 2
        else:
            value = 3 * value + 1
        return value, steps + 1

    return lax.while_loop(unfinished, advance, (n, 0))[1]


@program((3.0,), (-3.0,), (0.5,), reference=lambda x: leaky(x) if x > 1 else smooth_then_steep(x))
def lax_cond_with_functions(x):
    return lax.cond(x > 1, leaky, smooth_then_steep, x)


@program((2.0,), (0.5,), reference=lambda x: (smooth_then_steep(x) * 3.0, (2.0 * x if x < 1.0 else 2.0) * 3.0))
def checkpoint_of_a_branch(x):
    @jax.checkpoint
    def block(value):
        if value < 1.0:
            return value * value
        return 2.0 * value - 1.0

    return jax.value_and_grad(lambda value: 3.0 * block(value))(x)


@program((floats(1, -2),), reference=lambda xs: stacked(lambda x: leaky(x) + 1.0, xs))
def jit_inside(xs):
    @jax.jit
    def shifted(x):
        if x > 0:
            return x + 1.0
        return 0.5 * x + 1.0

    return jax.vmap(shifted)(xs)


@program(({"w": floats(3, 4), "b": 0.5}, 1.0), ({"w": floats(0.3, 0.4), "b": 0.5}, 1.0))
def tree_map_with_a_branch(params, limit):
    def clipped(leaf):
        norm = jnp.sqrt(jnp.sum(leaf * leaf))
        if norm > limit:
            return leaf * (limit / norm)
        return leaf * 1.0

    return jax.tree.map(clipped, params)


@program(({"w": 3, "b": [1, 2]}, 2), ({"w": 3, "b": [1, 2]}, 0))
def tree_reduce_and_leaves(params, least):
    def larger(a, b):
        if a > b:
            return a
        return b

    total = 0
    for leaf in jax.tree.leaves(params):
        if leaf > least:
            total += leaf
    return jax.tree.reduce(larger, params), total


@program((floats(1, 2, 3), 2.0), reference=lambda xs, p: stacked(lambda x: x**p if x > 1 else -x, xs))
def vmap_of_a_partial(xs, exponent):
    def power(p, x):
        if x > 1:
            return x**p
        return -x

    return jax.vmap(functools.partial(power, exponent))(xs)


class Model:
    def __init__(self, slope):
        self.slope = slope

    def predict(self, x):
        if x > 0:
            return self.slope * x
        return x / self.slope

    def __call__(self, x):
        return self.predict(x) + 1.0


@program(
    (floats(1, -2), 4.0),
    reference=lambda xs, slope: (stacked(Model(slope).predict, xs), stacked(Model(slope), xs)),
)
def vmap_of_methods_and_callable_objects(xs, slope):
    model = Model(slope)
    return jax.vmap(model.predict)(xs), jax.vmap(model)(xs)


@program((floats(1, 2), 3), (floats(-1, 2), 0), reference=lambda xs, n: jnp.where(xs > 0, xs * n, -xs))
def vmap_inside_a_function_called_in_a_branch(xs, n):
    def positive_part(values):
        return jax.vmap(lambda v: v * n if v > 0 else -v)(values)

    if n > 0:
        return positive_part(xs)
    return jnp.where(xs > 0, 0.0, -xs)


@program((floats(3, 1, 2),), reference=lambda xs: jnp.array([3.0, 3.0, 3.0]))
def associative_scan_of_a_function(xs):
    def larger(a, b):
        return jnp.maximum(a, b)

    return lax.associative_scan(larger, xs)


@program((2.0, 3), (0.25, 3), reference=lambda x, n: (n, True, smooth_then_steep(x)))
def eval_shape_and_make_jaxpr(x, n):
    shape = jax.eval_shape(smooth_then_steep, x)
    jaxpr = jax.make_jaxpr(smooth_then_steep)(x)
    return n, shape.shape == () and len(jaxpr.out_avals) == 1, smooth_then_steep(x)


@program((floats(3, 1, 2),), (floats(-1, 4),))
def arrays_of_a_list_that_a_loop_has_filled(xs):
    total, seen, pairs = 0.0, [], []
    for x in xs:
        total += x
        seen.append(total)
        pairs.append((x, total))
    return jnp.array(seen), jnp.asarray(pairs), jnp.stack([jnp.array(seen), xs]), np.array(seen), jnp.array([seen, seen])


@program((floats(3, 1, 2),), (floats(-1, 4),))
def numpy_functions_and_trees_of_a_list_that_a_loop_has_filled(xs):
    seen, named = [], {"squares": []}
    for x in xs:
        seen.append(x + 1)
        named["squares"].append(x * x)
    doubled = jax.tree.map(lambda value: 2 * value, named)
    return np.sum(seen), np.max(seen), np.mean(seen), doubled["squares"], len(doubled["squares"])
