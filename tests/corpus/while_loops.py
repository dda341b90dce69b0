"""`while` loops: staged and plain tests, nested, with `else`, and what they carry."""

import jax.numpy as jnp

from corpus import floats, ints, program


@program((5,), (0,))
def count_down(n):
    steps = 0
    while n > 0:
        n -= 1
        steps += 1
    return steps


@program((27,), (1,), (6,))
def collatz_steps(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@program((48, 18), (17, 5), (0, 4))
def greatest_common_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@program((12345,), (0,), (7,))
def digit_sum(n):
    total = 0
    while n > 0:
        total, n = total + n % 10, n // 10
    return total


@program((1.0, 0.5), (8.0, 2.0))
def halve_until_small(x, limit):
    while x > limit:
        x = x / 2
    return x


@program((10,), (1,), (1000,))
def nested_while(n):
    total = 0
    i = 1
    while i < n:
        j = i
        while j < n:
            total += 1
            j *= 2
        i *= 3
    return total


@program((3,), (0,))
def while_else_without_break(n):
    result = 0
    while n > 0:
        result += n
        n -= 1
    else:
        result += 100
    return result


@program((24,), (23,), (2,))
def smallest_divisor(n):
    d = 2
    while d * d <= n:
        if n % d == 0:
            break
        d += 1
    else:
        d = n
    return d


@program((5,), (50,))
def while_true(n):
    total = 0
    k = 1
    while True:
        total += k
        if total > n:
            break
        k += 1
    return k, total


@program((5,), (13,))
def chained_test(n):
    i = 0
    while 0 <= i < n and i * i < 50:
        i += 1
    return i


@program((ints(1, 1, 2, 3, 3, 3), 4), (ints(5, 5, 5), 1))
def run_length_of_the_front(xs, limit):
    n = 1
    while n < len(xs) and n < limit and xs[n] == xs[0]:
        n += 1
    return n


@program((floats(1, 2, 3),), (floats(0.5, 0.25, 0.125),))
def array_is_carried(xs):
    steps = 0
    while jnp.max(xs) > 1.0:
        xs = xs * 0.7
        steps += 1
    return xs, steps


@program((3, 10), (3, 0), static=("n",))
def plain_while(x, n):
    # Python decides this loop; only its body is in the graph.
    while n > 0:
        x = x + n
        n -= 3
    return x


@program((3,), (-3,))
def plain_while_around_staged_if(x):
    k = 0
    while k < 4:
        if x > k:
            x -= 1
        else:
            x += 2
        k += 1
    return x


@program((6,), (3,))
def plain_start_becomes_staged(n):
    product = 1
    i = 2
    while i <= n:
        product *= i
        i += 1
    return product


@program((2.0,), (10.0,), (0.25,))
def integer_start_becomes_float(x):
    guess = 1
    for _ in range(2):
        guess = (guess + x / guess) / 2
    error = 0
    while guess * guess - x > 1.0:
        guess = (guess + x / guess) / 2
        error = error + 0.5
    return guess


@program((10,), (0,), promotes=True)
def integer_start_becomes_float_in_a_staged_loop(n):
    total = 0
    while n > 0:
        total = total + 1 / n
        n -= 1
    return total


@program((floats(1, 2, 3), 3), (floats(1, 2, 3), 1))
def scalar_start_becomes_an_array(xs, n):
    total = 0.0
    while n > 0:
        total = total + xs
        n -= 1
    return total


@program((9,), (4,))
def temporary_in_the_body(n):
    total = 0
    while n > 0:
        half = n // 2
        rest = n - 2 * half
        total = 2 * total + rest
        n = half
    return total


@program((100,), (5,))
def fibonacci_below(limit):
    a, b = 0, 1
    while b < limit:
        a, b = b, a + b
    return a


@program((5,), (0,))
def condition_is_a_variable(n):
    running = n > 0
    rounds = 0
    while running:
        n -= 2
        rounds += 1
        running = n > 0
    return rounds


@program((7, 3), (3, 7), (5, 5))
def two_counters_meet(low, high):
    moves = 0
    while low != high:
        if low < high:
            low += 1
        else:
            high += 1
        moves += 1
    return low, moves


@program((20,), (1,))
def walrus_in_the_test(n):
    total = 0
    while (half := n // 2) > 0:
        total += half
        n = half
    return total, half


@program((4,), (0,))
def structure_is_carried(n):
    state = {"position": (0.0, 0.0), "velocity": (1.0, 2.0)}
    while n > 0:
        (x, y), (u, v) = state["position"], state["velocity"]
        state = {"position": (x + u, y + v), "velocity": (u * 0.5, v * 0.5)}
        n -= 1
    return state


@program((3, 2), (3, 9), (0, 2))
def loop_body_calls_a_function(n, x):
    def grow(value):
        if value > 10:
            return value + 1
        return value * 2

    while n > 0:
        x = grow(x)
        n -= 1
    return x


@program((6,), (2,))
def loops_in_sequence(n):
    a = 0
    while a * a < n:
        a += 1
    b = a
    while b < n:
        b += a
    return a, b


@program((5,), (0,))
def variable_first_assigned_in_the_loop(n):
    # Read only where it has been assigned.
    total = 0
    while n > 0:
        square = n * n
        if square > 3:
            total += square
        n -= 1
    return total


@program((4,), (9,))
def negated_test(n):
    k = 0
    while not k * k >= n:
        k += 1
    return k


@program((12, 18), (7, 5))
def while_with_or(a, b):
    while a > 3 or b > 3:
        if a > 3:
            a -= 3
        if b > 3:
            b -= 4
    return a, b
