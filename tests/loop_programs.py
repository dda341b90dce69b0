"""Programs with loops of every kind, each a function from three numbers to one, which plain Python can run as well.

The tests of derivatives compare the converted program with the same program run by Python, iteration by iteration.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import autograph as ag

Program = Callable[[jax.Array], jax.Array]

PROGRAMS: list[Program] = []
ROWS = jnp.asarray(np.random.default_rng(0).normal(size=(20, 3)))


def program(function: Program) -> Program:
    PROGRAMS.append(function)
    return function


@program
def while_over_a_scalar(x):
    y = x[0]
    while y < 3:
        y = y * 1.3 + jnp.sin(x[1]) ** 2 + 0.1
    return y * x[2]


@program
def while_over_a_vector(x):
    y = x
    while jnp.sum(y * y) > 0.5:
        y = jnp.tanh(y @ jnp.array([[0.5, 0.2, 0.0], [0.1, 0.4, 0.3], [0.3, 0.1, 0.5]])) * 0.9
    return jnp.sum(y * jnp.arange(1.0, 4.0))


@program
def newton_root(x):
    guess = 1.0 + 0 * x[0]
    target = 2 + x[0] ** 2 + x[1] ** 2
    while jnp.abs(guess * guess - target) > 1e-12:
        guess = (guess + target / guess) / 2
    return guess * x[2]


@program
def fixed_point(x):
    y = x[0]
    previous = y + 1
    while jnp.abs(y - previous) > 1e-13:
        previous = y
        y = 0.5 * jnp.cos(y + x[1]) + 0.1 * x[2]
    return y


@program
def no_iteration_at_all(x):
    y = x[0] * x[1]
    while y > 1e9:
        y = y / x[2]
    return y + x[2]


@program
def counter_is_an_integer(x):
    i = 0
    y = x[0]
    while i < 5 and y < 50:
        y = y * (i + 1) + x[1]
        i += 1
    return y * i + x[2]


@program
def several_states(x):
    a, b, c = x[0], x[1], x[2]
    while a + b < 4:
        a, b, c = a + 0.3 * jnp.exp(-c * c), b + 0.2 * a * a + 0.1, c * 0.9 - 0.01 * b
    return a * b - c


@program
def swap(x):
    a, b = x[0], x[1]
    n = 0
    while n < 7 and jnp.abs(a) < 100:
        a, b = b, a * x[2] + 1.5
        n += 1
    return a * 3 + b


@program
def break_in_while(x):
    y = x[0]
    i = 0
    while i < 30:
        y = y + jnp.sin(y) * 0.5 + 0.3
        if y > 4 + x[1]:
            break
        i += 1
    return y * x[2]


@program
def break_before_the_update(x):
    y = x[0]
    for i in range(25):
        if y * y > 7:
            break
        y = y * 1.2 + x[1] * 0.1 + 0.2
    return y + x[2] * i


@program
def while_true(x):
    y = x[0] + 2
    while True:
        y = y * (0.7 + 0.1 * jnp.tanh(x[1]))
        if y < 0.4:
            break
    return y * x[2]


@program
def continue_in_while(x):
    y = x[0]
    i = 0
    while i < 12:
        i += 1
        if i % 3 == 0:
            continue
        y = y * 0.9 + x[1] / i
        if y > 100:
            break
    return y - x[2]


@program
def continue_on_a_value(x):
    total = 0.0
    y = x[0]
    n = 0
    while n < 15 and total < 8:
        n += 1
        y = y * 1.1 - 0.2
        if y < x[1]:
            continue
        total = total + y * y
    return total + x[2]


@program
def return_from_while(x):
    y = x[0]
    while y < 40:
        y = y * 1.7 + 0.4
        if y > 9 + x[1]:
            return y * x[2]
    return y - x[2]


@program
def return_from_for(x):
    total = x[0]
    for i in range(14):
        total = total + x[1] * i * 0.1 + 0.4
        if total > 4:
            return total * i
    return total * x[2]


@program
def for_over_a_staged_range(x):
    n = jnp.clip(jnp.int32(jnp.abs(x[0]) * 6), 0, 11)
    y = x[1]
    for i in range(n):
        y = y * 0.8 + jnp.cos(x[2] * i)
    return y + x[0]


@program
def for_downwards(x):
    n = jnp.int32(5 + x[0] * 2)
    y = x[1]
    for i in range(n, 0, -2):
        y = y * x[2] + i
    return y


@program
def for_over_rows(x):
    y = x[0]
    for row in ROWS:
        y = y * 0.9 + jnp.sum(row * x)
        if y > 2.5:
            break
    return y


@program
def for_over_own_rows(x):
    rows = jnp.outer(jnp.arange(1.0, 16.0), x)
    total = 0.0
    for row in rows:
        total = total + jnp.sin(row[0]) * row[1] + row[2] ** 2
        if total > 30:
            break
    return total


@program
def rows_by_index(x):
    rows = jnp.outer(jnp.linspace(0.1, 1.0, 10), x)
    i = 0
    total = x[0]
    while i < 10 and total < 5:
        total = total + jnp.sum(rows[i] ** 2) + 0.1
        i += 1
    return total


@program
def rows_by_index_in_a_branch(x):
    rows = jnp.outer(jnp.linspace(0.1, 1.0, 10), x)
    i = 0
    total = x[0]
    while i < 10 and total < 5:
        if total > 1:
            total = total + jnp.exp(-jnp.sum(rows[i] ** 2)) * jnp.sum(jnp.sin(rows[i]))
        else:
            total = total + jnp.sqrt(jnp.sum(rows[i] ** 2) + 1)
        i += 1
    return total


@program
def enumerate_with_break(x):
    total = 0.0
    for i, row in enumerate(ROWS):
        total = total + (i + 1) * jnp.sum(row * x) * 0.1
        if jnp.abs(total) > 3:
            break
    return total * x[0]


@program
def zip_with_break(x):
    total = x[0]
    for row, weight in zip(ROWS, jnp.linspace(0.5, 1.5, 20)):
        total = total + weight * jnp.tanh(jnp.sum(row * x))
        if total > 2:
            break
    return total


@program
def nested_while(x):
    total = 0.0
    i = 0
    while i < 4:
        y = x[0] + i * 0.3
        while y < 2 + 0.1 * i:
            y = y * 1.2 + 0.1 + 0.05 * x[1] ** 2
        total = total + y * x[2]
        i += 1
        if total > 1000:
            break
    return total


@program
def inner_length_depends_on_outer_state(x):
    y = x[0]
    n = 0
    while n < 5 and y < 60:
        steps = jnp.int32(jnp.clip(jnp.abs(y), 0, 4))
        for _ in range(steps):
            y = y * 1.1 + 0.2 * x[1]
        y = y + jnp.abs(x[2]) + 0.3
        n += 1
    return y


@program
def nested_with_break_in_both(x):
    total = x[0]
    for i in range(10):
        for j in range(10):
            total = total + 0.1 * jnp.sin(x[1] * j) + 0.05 * i
            if total > 1 + 0.4 * i:
                break
        if total > 3:
            break
    return total * x[2]


@program
def scan_inside_while(x):
    y = x[0]
    k = 0
    while y < 6 and k < 8:
        for row in ROWS[:9]:
            y = y + 0.05 * jnp.sum(row * x) ** 2
        y = y + 0.2
        k += 1
    return y


@program
def while_inside_scan(x):
    total = 0.0
    for row in ROWS[:10]:
        y = jnp.sum(row * x)
        while jnp.abs(y) > 0.3:
            y = y * 0.6 * jnp.cos(0.2 * x[0])
        total = total + y
    return total


@program
def three_levels(x):
    total = x[0]
    a = 0
    while a < 3:
        b = 0
        while b <= a:
            y = x[1] ** 2
            while y < 1 + b:
                y = y * 1.5 + 0.3
            total = total + y * x[2]
            b += 1
        a += 1
        if total > 1e6:
            break
    return total


@program
def conditional_in_loop(x):
    y = x[0]
    i = 0
    while i < 10 and jnp.abs(y) < 20:
        if y > 1:
            y = y * x[1] * 0.7
        elif y < -1:
            y = y + x[2] ** 2
        else:
            y = y * 2 + 0.3
        i += 1
    return y


@program
def square_root_in_the_branch_taken(x):
    y = x[0]
    i = 0
    while i < 8 and y < 50:
        if y > 0:
            y = jnp.sqrt(y) + x[1] * 0.3
        else:
            y = y * 0.5 + 0.6
        i += 1
    return y * x[2]


@program
def pole_in_the_branch_not_taken(x):
    y = x[0] * 0
    total = x[1]
    i = 0
    while i < 6 and total < 50:
        if y != 0:
            total = total + 1 / y
        else:
            total = total + x[2] * 0.5
        if i == 3:
            y = y + x[0] + 3
        i += 1
    return total


@program
def logarithm_guarded_by_and(x):
    y = x[0]
    i = 0
    while i < 9:
        if y > 0 and jnp.log(y) < 1:
            y = y + 0.3 + jnp.log(y) * 0.1 * x[1]
        else:
            y = y - 0.4 * x[2]
        i += 1
        if y > 90:
            break
    return y


@program
def conditional_expression_in_loop(x):
    y = x[0]
    n = 0
    while n < 6 and jnp.abs(y) < 30:
        y = y * x[1] if y > 0 else y - x[2] * 2
        n += 1
    return y


@program
def loop_in_a_branch(x):
    if x[0] > 0:
        y = x[1]
        while y < 3:
            y = y + 0.4 + 0.1 * x[2] ** 2
    else:
        y = x[2]
        while y > -3:
            y = y * 1.2 - 0.5
    return y * x[0]


@program
def switch_of_loops(x):
    match jnp.int32(jnp.abs(x[0]) * 2) % 3:
        case 0:
            y = x[1]
            while y < 2:
                y = y + 0.5
        case 1:
            y = x[2] * x[2]
        case _:
            y = x[0] * x[1]
            while jnp.abs(y) > 0.1:
                y = y * 0.5
    return y + x[2]


@program
def list_of_known_length(x):
    seen = []
    y = x[0]
    for i in range(10):
        y = y * 0.8 + x[1]
        seen.append(y * i)
    total = 0.0
    for value in seen:
        total = total + value * value
    return total * x[2]


@program
def list_of_unknown_length(x):
    seen = []
    ag.set_element_type(seen, jnp.float64, capacity=30)
    y = x[0]
    while y < 4:
        y = y * 1.3 + 0.3
        seen.append(y * x[1])
    total = 0.0
    for value in seen:
        total = total + value * value
    return total * x[2]


@program
def list_with_room_from_the_bound(x):
    seen = []
    y = x[0]
    i = 0
    while i < 12 and y < 5:
        ag.set_loop_options(max_iterations=12)
        seen.append(jnp.sin(y))
        y = y + 0.5 + 0.1 * x[1]
        i += 1
    return sum(seen) * x[2]


@program
def list_as_a_stack(x):
    stack = []
    ag.set_element_type(stack, jnp.float64, capacity=12)
    stack.append(x[0])
    stack.append(x[1])
    stack.append(x[2])
    total = 0.0 * x[0]
    n = 0
    while len(stack) > 0 and n < 12:
        top = stack.pop()
        total = total + top * top
        if top > 0.5:
            stack.append(top * 0.5)
        n += 1
    return total


@program
def list_item_assignment(x):
    values = [x[0] * 1.0, x[1] * 1.0, x[2] * 1.0]
    i = 0
    while i < 9 and values[0] < 20:
        values[i % 3] = values[(i + 1) % 3] * 1.1 + 0.2
        i += 1
    return values[0] * 2 + values[1] * values[2]


@program
def array_item_assignment(x):
    buffer = jnp.zeros(8)
    y = x[0]
    i = 0
    while i < 8 and y < 3:
        buffer = buffer.at[i].set(y * x[1])
        y = y + 0.4 + 0.1 * y * y
        i += 1
    return jnp.sum(buffer**2) + x[2] * y


@program
def array_as_memory(x):
    memory = jnp.ones(12)
    i = 2
    while i < 12:
        memory = memory.at[i].set(memory[i - 1] * x[0] * 0.6 + memory[i - 2] * jnp.sin(x[1]))
        if memory[i] > 50:
            break
        i += 1
    return jnp.sum(memory) * x[2]


@program
def variable_assigned_late(x):
    y = x[0]
    while y < 4:
        last = jnp.sin(y) * x[1]
        y = y * 1.4 + 0.5
    if y > 4 and x[0] < 4:
        return last + y * x[2]
    return y


@program
def none_until_found(x):
    best = None
    i = 0
    y = x[0]
    while i < 8:
        y = y * 0.9 + jnp.cos(y * i) * x[1]
        if best is None or y > best:
            best = y
        i += 1
        if y > 90:
            break
    return best * x[2]


@program
def argmax_of_candidates(x):
    best, where = -100.0, 0
    for i, row in enumerate(ROWS):
        score = jnp.sum(row * jnp.tanh(x))
        if score > best:
            best, where = score, i
        if best > 3:
            break
    return best * (where + 1)


class Point:
    def __init__(self, place, speed):
        self.place, self.speed = place, speed
        self.bounces = 0

    def move(self, step):
        self.place = self.place + step * self.speed
        if self.place < 0:
            self.place = -self.place
            self.speed = -0.8 * self.speed
            self.bounces += 1
        self.speed = self.speed - 1.0 * step


@program
def mutated_object(x):
    point = Point(x[0] ** 2 + 1, x[1])
    n = 0
    while n < 25 and point.bounces < 2:
        point.move(0.15)
        n += 1
    return point.place * x[2] + point.speed


@program
def dictionary_as_state(x):
    state = {"a": x[0], "b": x[1]}
    while state["a"] < 5:
        state["a"] = state["a"] + 0.4 + state["b"] ** 2
        state["b"] = state["b"] * 0.9
    return state["a"] * state["b"] + x[2]


@program
def tuple_as_state(x):
    state = (x[0], (x[1], x[2]))
    while state[0] < 4:
        a, (b, c) = state
        state = (a + 0.5 + 0.1 * b * b, (b * 0.9, c + b * a * 0.1))
    return state[1][1] * state[1][0]


@program
def boolean_state(x):
    y = x[0]
    up = True
    n = 0
    while n < 14:
        if up:
            y = y * 1.3 + 0.2
        else:
            y = y * 0.6 - 0.1 * x[1]
        if y > 2:
            up = False
        elif y < 0.5:
            up = True
        n += 1
    return y * x[2]


@program
def closed_over_array(x):
    weights = jnp.stack([x, x * 0.5, 1 - x]) * 0.4

    def layer(h):
        return jnp.tanh(weights @ h + 0.1)

    h = jnp.ones(3)
    n = 0
    while n < 6 and jnp.sum(h) > 0.05:
        h = layer(h)
        n += 1
    return jnp.sum(h * x)


@program
def random_numbers_in_a_loop(x):
    key = jax.random.key(3)
    y = x[0]
    n = 0
    while n < 10 and y < 4:
        key, use = jax.random.split(key)
        y = y + 0.3 + 0.2 * jax.random.normal(use, dtype=jnp.float64) * x[1]
        n += 1
    return y * x[2]


@jax.custom_vjp
def clipped(v):
    return v * v


clipped.defvjp(lambda v: (v * v, v), lambda v, ct: (jnp.clip(2 * v * ct, -50.0, 50.0),))


def straight(v):
    return v + lax.stop_gradient(jnp.round(v) - v)


@program
def stopped_gradient_in_a_loop(x):
    y = x[0]
    n = 0
    while n < 6 and jnp.abs(y) < 20:
        y = straight(y * 1.3) * x[1] + lax.stop_gradient(y) * x[2]
        n += 1
    return y


@program
def matrix_power(x):
    m = jnp.outer(x, x) * 0.3 + jnp.eye(3) * 0.2
    power = jnp.eye(3)
    n = 0
    while n < 6 and jnp.trace(power) > 0.01:
        power = power @ m
        n += 1
    return jnp.sum(power) + jnp.sum(jnp.linalg.inv(m))


@program
def bisection(x):
    low, high = -4.0 + 0 * x[0], 4.0 + x[1] ** 2
    n = 0
    while high - low > 1e-3 and n < 40:
        middle = (low + high) / 2
        if middle**3 + middle > x[0]:
            high = middle
        else:
            low = middle
        n += 1
    return (low + high) * x[2] / 2


@program
def euler_steps_of_varying_size(x):
    t, y = 0.0, x[0]
    h = 0.2
    while t < 1:
        slope = -x[1] * y + jnp.sin(t)
        error = jnp.abs(slope) * h * h
        h = jnp.clip(h * jnp.sqrt(0.02 / (error + 1e-3)), 0.05, 0.3)
        h = jnp.minimum(h, 1 - t + 1e-9)
        y = y + h * slope
        t = t + h
    return y * x[2]


@program
def gradient_descent_inside(x):
    def loss(w):
        return jnp.sum((w - x) ** 2) + 0.1 * jnp.sum(w**4)

    w = jnp.zeros(3)
    n = 0
    while n < 25:
        slope = jax.grad(loss)(w)
        if jnp.sum(slope * slope) < 1e-4:
            break
        w = w - 0.1 * slope
        n += 1
    return jnp.sum(w * jnp.arange(1.0, 4.0))


@program
def remainder_of_a_python_loop(x):
    y = x[0]
    for step in [0.1, 0.2, 0.3, 0.4]:
        y = y + step * x[1] + 0.3
        if y > 1.5:
            break
    return y * x[2]


@program
def while_with_else(x):
    y = x[0]
    n = 0
    while n < 9:
        y = y * 1.2 + 0.1
        if y > 3:
            break
        n += 1
    else:
        y = y * x[1]
    return y + x[2]


@program
def any_of_a_generator(x):
    y = x[0]
    n = 0
    while n < 10 and not jnp.any(y * jnp.arange(1.0, 4.0) > 6 + x[1]):
        y = y + 0.4
        n += 1
    return y * x[2]


@program
def few_checkpoints(x):
    y = x[0]
    n = 0
    while n < 40 and y < 1e3:
        ag.set_loop_options(checkpoints=4)
        y = y + 0.3 * jnp.sin(y * x[1]) + 0.1 + 0.01 * n
        n += 1
    return y * x[2]


@program
def one_checkpoint(x):
    y = x[0]
    n = 0
    while n < 9:
        ag.set_loop_options(checkpoints=1)
        y = y + 0.3 * jnp.sin(y * x[1]) + 0.1
        if y > 5:
            break
        n += 1
    return y * x[2]


@program
def checkpoints_of_a_counted_loop(x):
    y = x[0]
    for i in range(33):
        ag.set_loop_options(checkpoints=6)
        y = y * 0.9 + jnp.sin(y * x[1] + i) * x[2]
    return y


@program
def a_bound_that_is_too_small(x):
    y = x[0]
    n = 0
    while n < 30 and y < 1e3:
        ag.set_loop_options(max_iterations=6)
        y = y + 0.3 * jnp.sin(y * x[1]) + 0.1
        n += 1
    return y * x[2]


@program
def collatz_with_a_weight(x):
    n = jnp.int32(jnp.abs(x[0]) * 10.3) + 3
    weight = x[1]
    while n != 1:
        if n % 2 == 0:
            n = n // 2
            weight = weight * 0.95
        else:
            n = 3 * n + 1
            weight = weight + 0.1 * x[2]
    return weight


@program
def call_with_a_loop_of_its_own(x):
    def settle(v, limit):
        while v > limit:
            v = v * 0.7 + 0.05 * x[2]
        return v

    y = settle(jnp.abs(x[0]) + 2, 1.0)
    return y * settle(jnp.abs(x[1]) + 3, 0.5)


@program
def accumulated_product(x):
    product = 1.0
    for row in ROWS:
        product = product * (1 + 0.1 * jnp.tanh(jnp.sum(row * x)))
        if product > 1.3 or product < 0.7:
            break
    return product * x[0]
