"""The ternary expression, and `and`, `or` and `not`, which short-circuit and return their operands."""

import jax.numpy as jnp

from corpus import floats, ints, program


@program((3,), (-3,))
def ternary(x):
    return x if x > 0 else -x


@program((-5,), (5,), (50,))
def nested_ternary(x):
    return 0 if x < 0 else 10 if x > 10 else x


@program((3, 4), (4, 3))
def ternary_in_an_expression(a, b):
    return 100 * (a if a > b else b) + (b if a > b else a)


@program((2.0,), (-2.0,))
def ternary_of_calls(x):
    return jnp.sqrt(x) if x > 0 else jnp.exp(x)


@program((4,), (5,))
def ternary_of_tuples(n):
    quotient, odd = (n // 2, False) if n % 2 == 0 else (3 * n + 1, True)
    return quotient, odd


@program((floats(1, 2), True), (floats(1, 2), False))
def ternary_of_arrays(xs, reverse):
    return xs[::-1] if reverse else xs


@program((2.5,), (-1.5,), promotes=True)
def ternary_of_mixed_kinds(x):
    return x if x > 0 else 0


@program((3,), (0,))
def ternary_guards_division(n):
    return 12 // n if n != 0 else -1


@program((5,), (15,), (-5,))
def and_of_comparisons(x):
    return x > 0 and x < 10


@program((5,), (15,), (-5,))
def or_of_comparisons(x):
    return x < 0 or x > 10


@program((5,), (0,))
def not_of_a_comparison(x):
    return not x > 3


@program((5,), (0,))
def not_of_a_number(x):
    return not x


@program((0, 7), (3, 7))
def or_returns_an_operand(x, default):
    return x or default


@program((0, 7), (3, 7), (3, 0))
def and_returns_an_operand(x, y):
    return x and y


@program((0, 0, 5), (0, 4, 5), (3, 4, 5), (0, 0, 0))
def or_of_three(a, b, c):
    return a or b or c


@program((1, 2, 3), (1, 0, 3), (0, 2, 3))
def and_of_three(a, b, c):
    return a and b and c


@program((1, 0, 3), (0, 5, 3), (0, 5, 0), (0, 0, 3))
def and_binds_tighter_than_or(a, b, c):
    return a or b and c


@program((0, 4), (2, 4), (3, 4))
def and_guards_division(n, x):
    if n != 0 and x % n == 0:
        return x // n
    return -1


@program((0, 4), (2, 4), (3, 4))
def or_guards_division(n, x):
    if n == 0 or x % n != 0:
        return -1
    return x // n


@program((ints(1, 2, 3), 1), (ints(1, 2, 3), 5), (ints(1, 2, 3), -1))
def and_guards_an_index(xs, i):
    found = 0
    if 0 <= i and i < len(xs) and xs[i] > 1:
        found = xs[i]
    return found


@program((5, True), (5, False), (-5, True), static=("enabled",))
def python_and_staged(x, enabled):
    return enabled and x > 0


@program((5, None), (5, 3), (2, 3), static=("limit",))
def none_or_staged(x, limit):
    if limit is None or x < limit:
        return x
    return 0


@program((5, 1), (-5, 1), (5, -1), (-5, -1))
def exclusive_or(a, b):
    return (a > 0 and not b > 0) or (not a > 0 and b > 0)


@program((True, True), (True, False), (False, True), (False, False))
def de_morgan(p, q):
    return (not (p and q)) == (not p or not q), (not (p or q)) == (not p and not q)


@program((3,), (30,), (-3,))
def logic_assigned_then_tested(x):
    small = 0 < x and x < 10
    large = not small and x > 0
    if small:
        return 1
    if large:
        return 2
    return 3


@program((2, 9), (9, 2), (2, 2))
def logic_in_arguments(a, b):
    return max(a if a < b else 0, b if b < a else 0, int(a == b and a > 0))


@program((5,), (-5,))
def side_effects_are_short_circuited(x):
    log = []

    def check(name, result):
        log.append(name)
        return result

    # Plain operands decide alone, so the list is Python's own.
    found = check("first", True) or check("second", False)
    missing = check("third", False) and check("fourth", True)
    return found, missing, len(log), x if found else -x


@program((0.0,), (2.0,))
def or_with_a_float_default(x):
    return x or 1.0


@program((ints(2, 4, 6), 3), (ints(2, 4, 6), 2))
def not_and_in_a_loop(xs, skipped):
    total = 0
    for x in xs:
        if not (x == skipped) and not (x > 5):
            total += x
    return total


@program((3, 5, 7), (9, 5, 7), (3, 5, 1))
def ternary_with_logic(a, b, c):
    return a if a < b and b < c else (b if b < c or a < c else c)


@program((0,), (2,), (4,), jit=False, why="a string is no array")
def and_or_as_people_wrote_it_before_there_was_if_else(n):
    name = (n > 2 and "big") or (n > 0 and "mid") or "zero"
    function = n > 2 and abs or (lambda v: v * 2)
    print(name, n)
    return {"big": 1, "mid": 2, "zero": 3}[name], function(-n), name


@program((0,), (2,), (4,))
def conditions_whose_operands_no_array_holds(n):
    count = 0
    while count < n and "go":
        count += 1
    if n > 2 and [n]:
        count += 10
    assert n < 9 and "small", n
    return count, bool(n and "x"), 1 if (n > 1 or None) and (n,) else 2, not (n > 3 and "four")
