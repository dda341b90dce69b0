"""Comprehensions over arrays, ranges and Python's iterables, with staged values in elements and conditions."""

import jax.numpy as jnp

from corpus import floats, ints, program


@program((3,), (-3,))
def list_of_ternaries(x):
    return [k if x > 0 else -k for k in range(3)]


@program((ints(1, -2, 3),))
def elements_of_an_array(xs):
    return [x * 2 if x > 0 else 0 for x in xs]


@program((ints(1, 2, 3), 2))
def stacked(xs, power):
    return jnp.stack([x**power for x in xs])


@program((4, 2), (1, 2), static=("n",))
def python_condition(n, x):
    return [x * k for k in range(n) if k % 2 == 0]


@program((2, 3),)
def nested_loops(a, b):
    return [i * a + j * b for i in range(3) for j in range(i)]


@program((2, 3), (3, 2))
def nested_comprehensions(a, b):
    return [[a * r if a > b else b * c for c in range(2)] for r in range(3)]


@program((3,), (7,))
def dictionary(x):
    return {name: x + weight if x > 5 else weight for name, weight in (("low", 1), ("high", 10))}


@program((3,), (7,))
def set_of_python_values(x):
    sizes = {len(word) for word in ("a", "bb", "cc", "dddd")}
    total = 0
    for size in sorted(sizes):
        total = total * x + size
    return total


@program((3,), (-3,))
def generator_in_sum(x):
    return sum(k * x if x > 0 else k for k in range(5))


@program((ints(1, 5, 2),), (ints(1, 2, 3),))
def generators_in_any_and_all(xs):
    return any(x > 4 for x in xs), all(x > 0 for x in xs), all(x < 3 for x in xs)


@program((ints(4, -5, 2),))
def generators_in_min_and_max(xs):
    return max(abs(x) for x in xs), min(x if x > 0 else 100 for x in xs)


@program((floats(1, 2, 3), floats(4, 5, 6)))
def over_zip(xs, ys):
    return [x if x > y else y for x, y in zip(xs, ys)], sum(x * y for x, y in zip(xs, ys))


@program((5,), (1,))
def reads_the_enclosing_function(n):
    offset = 0
    for i in range(n):
        offset += i
    return [offset + k for k in (1, 2)], offset


@program((4,), (0,))
def in_a_staged_loop(n):
    values = [1, 2, 3]
    for i in range(n):
        values = [value + i if value % 2 == 0 else value for value in values]
    return values


@program((4,), (-4,))
def variable_does_not_leak(x):
    k = 100
    squares = [k * x for k in range(3)]
    return squares, k


@program((3,), (10,))
def walrus_in_a_comprehension(x):
    last = 0
    doubled = [last := last + x for _ in range(3)]
    return doubled, last


@program((floats([1, 2], [3, 4]),))
def transposed(matrix):
    return jnp.stack([jnp.stack([row[c] for row in matrix]) for c in range(2)])


@program(({"a": floats(1, 2), "b": floats(3)}, 1), ({"a": floats(1, 2), "b": floats(3)}, -1))
def dictionary_of_arrays(params, sign):
    return {name: value * 2 if sign > 0 else value / 2 for name, value in params.items()}


@program((ints(3, 1, 2), 2),)
def calls_functions(xs, least):
    def clip(x):
        if x < least:
            return least
        return x

    return [clip(x) for x in xs]


@program((2,), (5,))
def lambda_inside(x):
    return [(lambda v: v * k if v > 3 else k)(x) for k in range(3)]


@program((6,), (20,))
def sieve_of_comprehension(x):
    primes = [p for p in range(2, 20) if all(p % d for d in range(2, p))]
    return sum(p for p in primes) + sum(1 if p < x else 0 for p in primes)
