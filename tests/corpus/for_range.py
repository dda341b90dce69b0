"""`for` over `range`: staged stop, start and step, nested, the loop variable afterwards, and long static ranges."""

import jax.numpy as jnp

from corpus import call, floats, ints, program


@program((5,), (0,), (1,))
def sum_below(n):
    total = 0
    for i in range(n):
        total += i
    return total


@program((2, 6), (6, 2), (3, 3))
def start_and_stop(start, stop):
    total = 0
    for i in range(start, stop):
        total = total * 2 + i
    return total


@program((0, 10, 3), (10, 0, -3), (0, 10, -1), (5, 6, 100))
def staged_step(start, stop, step):
    last, count = -1, 0
    for i in range(start, stop, step):
        last = i
        count += 1
    return last, count


@program((5,), (0,))
def negative_step(n):
    digits = 0
    for i in range(n, 0, -1):
        digits = digits * 10 + i
    return digits


@program((7,), (1,))
def loop_variable_keeps_its_last_value(n):
    i = -1
    for i in range(0, n, 2):
        pass
    return i


@program((4,), (0,))
def loop_variable_is_assigned_in_the_body(n):
    seen = 0
    i = 100
    for i in range(n):
        seen = seen * 10 + i
        i += 50
    return seen, i


@program((4,), (1,), (0,))
def nested_ranges(n):
    total = 0
    for i in range(n):
        for j in range(i):
            total += i * j + 1
    return total


@program((3, 4), (0, 4), (3, 0))
def rectangle(rows, columns):
    cells = 0
    border = 0
    for r in range(rows):
        for c in range(columns):
            cells += 1
            if r == 0 or c == 0 or r == rows - 1 or c == columns - 1:
                border += 1
    return cells, border


@program((1,), (2,))
def long_static_range(x):
    for i in range(10_000):
        x = (x * 5 + i) % 1009
    return x


@program((3, 7), (3, 0), static=("n",))
def short_static_range(x, n):
    for i in range(n):
        x += i
    return x


@program((3.0,))
def static_range_unrolls_over_python_data(x):
    weights = [0.5, 0.25, 2.0]
    for i in range(len(weights)):
        x = x * weights[i]
    return x


@program((floats(1, 2, 3, 4),))
def index_an_array(xs):
    total = 0.0
    for i in range(len(xs)):
        total += xs[i] * i
    return total


@program((floats(1, 2, 3, 4), 2), (floats(1, 2, 3, 4), 4))
def index_an_array_up_to_staged(xs, n):
    total = 0.0
    for i in range(n):
        total += xs[i]
    return total


@program((ints([1, 2, 3], [4, 5, 6]),))
def index_a_matrix(m):
    trace = 0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if (i + j) % 2 == 0:
                trace += m[i, j]
            else:
                trace -= m[i][j]
    return trace


@program((ints(5, 6, 7, 8), 1), (ints(5, 6, 7, 8), 3))
def backwards_over_an_array(xs, first):
    value = 0
    for i in range(len(xs) - 1, first - 1, -1):
        value = value * 10 + xs[i]
    return value


@program((5,), (0,))
def for_else(n):
    total = 0
    for i in range(n):
        total += i
    else:
        total += 1000
    return total


@program((10,), (3,))
def underscore_target(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@program((3,), (0,))
def bound_is_changed_in_the_body(n):
    # The range is made once, before the loop.
    rounds = 0
    for _ in range(n):
        n += 10
        rounds += 1
    return n, rounds


@program((6,), (1,))
def range_bounds_from_an_outer_loop(n):
    pairs = 0
    for i in range(1, n):
        for j in range(i, n, i):
            pairs += j % 3
    return pairs


@program((4,), (0,))
def for_in_while_in_for(n):
    total = 0
    for i in range(n):
        k = i
        while k > 0:
            for j in range(k):
                total += j
            k -= 2
    return total


@program((8,), (2,))
def inner_variable_is_reset(n):
    best = 0
    for i in range(n):
        score = 0
        for j in range(i):
            if j % 2 == 0:
                score += j
        if score > best:
            best = score
    return best


@program((3, 2.0), (0, 2.0))
def float_accumulator_from_an_integer(n, x):
    total = 0
    for i in range(n + 1):
        total += x * i
    return total


@program((4,), (7,))
def range_is_a_value(n):
    numbers = range(1, n)
    total = 0
    for k in numbers:
        total += k
    for k in reversed(numbers):
        total = total * 2 - k
    return total


@program(call(4, step=2), call(5, step=1))
def bounds_are_expressions(n, step):
    total = 0
    for i in range(n // 2 - 1, (n + 1) * 2, step * 2):
        total += i
    return total


@program((floats(1, 2, 3), 3), (floats(1, 2, 3), 0))
def matrix_power_like(xs, n):
    rotated = xs
    for _ in range(n):
        rotated = jnp.roll(rotated, 1) + xs
    return rotated


@program((True, 4), (False, 4))
def conditional_bound(double, n):
    total = 0
    for i in range(2 * n if double else n):
        total += i
    return total


@program((3,), (5,))
def boolean_is_carried(n):
    even = True
    seen_four = False
    for i in range(n):
        even = not even
        seen_four = seen_four or i == 4
    return even, seen_four


@program((200,), (17,))
def long_static_range_with_a_branch(limit):
    count, total = 0, 0
    for i in range(5_000):
        if i % 7 == 0 and i < limit:
            total += i
            count += 1
    return count, total


@program((4, 3), (0, 3))
def tuple_is_carried(n, x):
    pair = (x, x + 1)
    for i in range(n):
        pair = (pair[1], pair[0] + i)
    return pair
