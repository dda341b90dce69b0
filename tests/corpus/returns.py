"""`return`: on some paths, early, of structures, of `None`, and in every kind of block."""

import jax.numpy as jnp

from corpus import floats, ints, program

NONE_UNDER_JIT = "jax.jit cannot return a value on one path and None on another"


@program((3,), (-3,))
def two_returns(x):
    if x > 0:
        return x
    else:
        return -x


@program((3,), (-3,), (0,))
def early_returns(x):
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0


@program((1, 5), (5, 5), (9, 5), (-1, 5))
def guard_clauses(x, limit):
    if x < 0:
        return 0
    if x > limit:
        return limit
    x += 10
    return x


@program((1,), (20,), (50,), (300,), (18,), (120,))
def return_after_work(x):
    x *= 2
    if x < 10:
        return x + 1
    x -= 5
    if x < 50:
        x += 3
        if x > 35:
            return x * 2
        return x * 3
    x //= 2
    if x > 100:
        return 100
    return x


@program((2, 3), (3, 2), (-2, 3), (2, -3), (-2, 30))
def returns_in_nested_branches(a, b):
    if a > 0:
        if b > 0:
            if a > b:
                return 1
            return 2
        return 3
    elif b > 10:
        return 4
    return 5


@program((3,), (-3,))
def return_of_a_tuple(x):
    if x > 0:
        return x, x * 2
    return 0, -x


@program((3.0,), (-3.0,))
def return_of_nested_structures(x):
    if x > 0:
        return {"value": x, "parts": [x / 2, (x, x * 2)]}
    return {"value": -x, "parts": [0.0, (x, x)]}


@program((2.5,), (-2.5,), promotes=True)
def return_of_mixed_kinds(x):
    if x > 0:
        return x
    return 0


@program((floats(1, 2), 1), (floats(1, 2), -1))
def return_of_arrays(xs, scale):
    if scale < 0:
        return jnp.zeros_like(xs)
    return xs * scale


@program((5,), (15,), (25,))
def return_at_the_end_of_branches(x):
    if x < 10:
        y = x * 2
    elif x < 20:
        return x
    else:
        y = x - 20
    return y + 1


@program((5,))
def code_after_return(x):
    return x + 1
    x = x / 0


@program((4,), (5,))
def conditional_return_in_a_loop(n):
    total = 0
    for i in range(n):
        total += i
        if total > 8:
            return -total
    return total


@program((ints(1, 2, 3), 2), (ints(1, 2, 3), 7))
def index_of(xs, wanted):
    for i in range(len(xs)):
        if xs[i] == wanted:
            return i
    return -1


@program((50,), (7,), (1,))
def is_prime(n):
    if n < 2:
        return False
    d = 2
    while d * d <= n:
        if n % d == 0:
            return False
        d += 1
    return True


@program((floats(0.1, 0.7, 0.4),), (floats(0.1, 0.1, 0.1),))
def return_an_item_or_a_default(xs):
    for x in xs:
        if x > 0.3:
            return x
    return -1.0


@program((floats([1, 2], [3, 4], [5, 6]), 5.0), (floats([1, 2], [3, 4], [5, 6]), 50.0))
def return_a_row(matrix, least):
    for row in matrix:
        if row.sum() > least:
            return row
    return matrix[0] * 0


@program((5, 2), (4, 2), (0, 2))
def return_of_a_call(n, x):
    def helper(k):
        if k % 2 == 0:
            return k + x
        return k * x

    if n > 0:
        return helper(n)
    return helper(n + 1)


@program((3, True), (3, False), (1, False), static=("double",))
def plain_and_staged_returns(x, double):
    if double:
        return x * 2
    if x > 2:
        return x - 2
    return x


@program((3,), (-3,), jit=False, why=NONE_UNDER_JIT)
def return_on_one_path_only(x):
    if x > 0:
        return x * 2


@program((3,), (-3,), (0,), jit=False, why=NONE_UNDER_JIT)
def bare_return(x):
    if x == 0:
        return
    if x > 0:
        return x
    return -x


@program((ints(1, 4, 9), 3), (ints(1, 4, 9), 10), jit=False, why=NONE_UNDER_JIT)
def search_returns_none(xs, least):
    for x in xs:
        if x > least:
            return x
    return None


@program((7, 10), (12, 10), jit=False, why=NONE_UNDER_JIT)
def caller_tests_for_none(x, limit):
    def within(value):
        if value < limit:
            return value
        return None

    result = within(x)
    if result is None:
        return -1
    return result * 2


@program((3,), (-3,))
def no_return(x):
    if x > 0:
        x += 1
    else:
        x -= 1


@program((5,), (0,))
def every_path_returns_none(n):
    for i in range(n):
        if i > 3:
            return None
    return None


@program((8,), (9,), (-8,))
def return_of_a_ternary(x):
    if x < 0:
        return -1
    return x // 2 if x % 2 == 0 else 3 * x + 1


@program((8,), (3,), (0,))
def return_of_a_boolean(x):
    if x > 5:
        return True
    return x == 3


@program((5,), (2,), (50,))
def return_of_a_loop_variable(n):
    for i in range(4):
        if i * i >= n:
            return i
    return -n


@program((4, 6), (6, 4), (5, 5))
def function_returning_functions_result(a, b):
    def smaller(x, y):
        if x < y:
            return x
        return y

    def larger(x, y):
        if x < y:
            return y
        return x

    return smaller(a, b) * 10 + larger(a, b)


@program((3,), (10,), (30,), (13,))
def return_from_nested_loops_and_branches(n):
    for i in range(n):
        if i % 2 == 0:
            for j in range(i):
                if i + j == 13 and n > 20:
                    return i * 100 + j
        else:
            k = i
            while k > 0:
                if k * i > 90:
                    return -k
                k -= 3
    return n


@program((1,), (2,), (3,), (4,))
def return_from_each_elif(x):
    if x == 1:
        return 10
    elif x == 2:
        return 20
    elif x == 3:
        return 30
    else:
        return 40


@program((6,), (-6,), (3,))
def return_before_and_inside_a_loop(n):
    if n < 0:
        return -1
    k = 0
    while k < n:
        if k == 4:
            return k * 100
        k += 1
    k += 1
    return k
