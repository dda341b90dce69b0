"""`if`, `elif`, `else`, nested and in sequence, and the variables that they change."""

import jax.numpy as jnp

from corpus import bools, floats, ints, program


@program((3,), (-2,), (0,))
def absolute(x):
    if x < 0:
        x = -x
    return x


@program((3,), (-2,), (0,))
def sign(x):
    if x > 0:
        result = 1
    elif x < 0:
        result = -1
    else:
        result = 0
    return result


@program((1, 2), (2, 1), (2, 2))
def ordered(a, b):
    if a > b:
        a, b = b, a
    return a, b


@program((95,), (85,), (72,), (60,), (12,))
def grade_points(score):
    if score >= 90:
        points = 4
    elif score >= 80:
        points = 3
    elif score >= 70:
        points = 2
    elif score >= 60:
        points = 1
    else:
        points = 0
    return points


@program((5_000.0,), (20_000.0,), (90_000.0,), (0.0,))
def income_tax(income):
    tax = 0.0
    if income > 10_000:
        tax += (min(income, 40_000) - 10_000) * 0.2
        if income > 40_000:
            tax += (income - 40_000) * 0.4
    return tax


@program((2000,), (1900,), (2024,), (2023,))
def is_leap_year(year):
    leap = False
    if year % 4 == 0:
        leap = True
        if year % 100 == 0:
            leap = False
            if year % 400 == 0:
                leap = True
    return leap


@program((4, 1), (1, 4), (-1, -4))
def sequential_conditions(a, b):
    total = 0
    if a > b:
        total += a
    if b > a:
        total += b * 10
    if a + b < 0:
        total -= 100
    return total


@program((1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0))
def quadrant(x, y):
    if x >= 0:
        if y >= 0:
            q = 1
        else:
            q = 4
    else:
        if y >= 0:
            q = 2
        else:
            q = 3
    return q


@program((1.0, -3.0, 2.0), (1.0, 2.0, 1.0), (1.0, 0.0, 1.0))
def quadratic_roots(a, b, c):
    discriminant = b * b - 4 * a * c
    first = second = float("nan")
    if discriminant > 0:
        root = discriminant**0.5
        first = (-b - root) / (2 * a)
        second = (-b + root) / (2 * a)
    elif discriminant == 0:
        first = second = -b / (2 * a)
    return first, second


@program((5,), (0,))
def truth_of_an_integer(n):
    if n:
        return_value = 100 // n
    else:
        return_value = -1
    return return_value


@program((True, 3), (False, 3))
def flag_argument(negate, x):
    if negate:
        x = -x
    return x


@program((True, False), (False, True), (False, False), (True, True))
def two_flags(first, second):
    code = 0
    if first and not second:
        code = 1
    elif not first and second:
        code = 2
    elif first:
        code = 3
    return code


@program((floats(1, 2, 3),), (floats(-1, -2, -3),))
def array_in_both_branches(xs):
    if xs.sum() > 0:
        scaled = xs / xs.sum()
    else:
        scaled = xs * 0.0
    return scaled


@program((floats(1, 2, 3), 2.5), (floats(1, 2, 3), 5.0))
def clip_the_norm(gradient, limit):
    norm = jnp.sqrt(jnp.sum(gradient**2))
    if norm > limit:
        gradient = gradient * (limit / norm)
    return gradient


@program((3, True), (3, False), static=("verbose",))
def python_condition(x, verbose):
    # Decided by Python while tracing: only one branch is in the graph.
    if verbose:
        message = "many words"
    else:
        message = ""
    return x + len(message)


@program((3, True), (-3, True), (3, False), static=("clip",))
def python_condition_around_staged(x, clip):
    if clip:
        if x < 0:
            x = 0
    else:
        x = x * 2
    return x


@program((3, 4), (-3, 4))
def temporary_in_a_branch(x, y):
    if x > 0:
        scale = x * 2
        y = y + scale
    return y


@program((1,), (-1,))
def empty_branch(x):
    y = x
    if x > 0:
        pass
    else:
        y = 0
    return y


@program((7,), (12,), (105,), (11,), (15,), (14,))
def nested_without_else(n):
    score = 0
    if n % 3 == 0:
        score += 1
        if n % 5 == 0:
            score += 10
            if n % 7 == 0:
                score += 100
    elif n % 7 == 0:
        score -= 1
    return score


@program((1, 2), (2, 1))
def tuple_in_branches(a, b):
    if a < b:
        low, high = a, b
    else:
        low, high = b, a
    span = (low, high)
    return span


@program((1,), (-4,))
def dictionary_changed_in_branches(x):
    counts = {"positive": 0, "negative": 0}
    if x > 0:
        counts["positive"] += 1
    else:
        counts["negative"] += 1
    return counts


@program((3,), (30,))
def variable_defined_in_both_branches_only(x):
    if x < 10:
        width = 1
        label = x * 2
    else:
        width = 2
        label = x * 3
    return width * 100 + label


@program((1.5,), (-0.5,))
def integer_start_becomes_float(x):
    total = 0
    if x > 0:
        total = total + x
    else:
        total = total - x
    return total


@program((1.5,), (-0.5,), promotes=True)
def integer_on_one_path_only(x):
    result = 0
    if x > 0:
        result = x
    return result


@program((floats(1, -2),), (floats(-1, -2),))
def condition_from_any(xs):
    if (xs > 0).any():
        total = jnp.where(xs > 0, xs, 0.0).sum()
    else:
        total = xs.max()
    return total


@program((bools(True, True),), (bools(True, False),))
def condition_from_all(flags):
    if flags.all():
        return 1
    return 0


@program((ints(3, 1, 2),), (ints(1, 2, 3),))
def condition_from_an_item(xs):
    if xs[0] > xs[-1]:
        xs = xs[::-1]
    return xs


@program((17,), (4,), (25,))
def comment_and_docstring_between(n):
    """A docstring, comments and blank lines, which conversion has to step over."""

    # Odd and even.
    if n % 2:  # odd

        # Squares are special.
        if n == 25:
            n = 5

    else:
        # Even.
        n //= 2

    return n


@program((2,), (5,), (9,))
def one_line_bodies(n):
    r = 0
    if n < 3: r = 1
    elif n < 6: r = 2; n += 1
    else: r = 3
    return r, n
