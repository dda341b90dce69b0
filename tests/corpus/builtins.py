"""Python's builtins over staged values."""

import jax.numpy as jnp

from corpus import bools, floats, ints, program


@program((3,), (-3,))
def abs_of_an_integer(x):
    return abs(x), abs(x - 10)


@program((2.5,), (-2.5,))
def abs_of_a_float(x):
    return abs(x)


@program((3, 7), (7, 3), (5, 5))
def min_and_max_of_two(a, b):
    return min(a, b), max(a, b)


@program((3, 1, 2), (1, 2, 3), (2, 3, 1))
def min_and_max_of_several(a, b, c):
    return min(a, b, c), max(a, b, c), min(a, 2, b), max([a, b, c])


@program((floats(3, 1, 2),), (floats(-3, -1, -2),))
def min_and_max_of_an_array(xs):
    return min(xs), max(xs)


@program((4, -7), (-9, 7))
def min_and_max_with_a_key(a, b):
    return max(a, b, key=abs), min([a, b], key=lambda v: v * v), max([a, b], key=lambda v: -v if v > 0 else v)


@program(([3, 1],), ([],))
def min_with_a_default(items):
    return min(items, default=-1), max(items, default=7)


@program((ints(1, 2, 3),))
def sum_of_an_array(xs):
    return sum(xs), sum(xs, 100)


@program((1, 2, 3))
def sum_of_a_tuple(a, b, c):
    return sum((a, b, c)), sum([a, b], c), sum([])


@program((floats([1, 2], [3, 4]),))
def sum_of_rows(matrix):
    return sum(matrix), sum(matrix, 1.0)


@program((ints(1, 2, 3), 2), (ints(1, 2, 3), 0))
def sum_of_map_and_filter(xs, least):
    return sum(map(lambda x: x * x, xs)), sum(filter(lambda x: x > least, xs))


def noted(x):
    print("seen", x)
    return x * 2


@program((ints(0, 1, 2, 3), 1), (ints(*range(12)), 3), (ints(0, 1, 2), 9))
def map_of_what_a_filter_lets_through(xs, least):
    total = 0
    for x in map(noted, filter(lambda x: x > least, xs)):
        total += x
    even = 0
    for x in filter(lambda x: x % 4 == 0, map(lambda x: x * 2, filter(lambda x: x > least, xs))):
        if x > 12:
            break
        even += x
    return total, even, any(map(lambda x: x > least, filter(lambda x: x < least, xs)))


@program((5,), (1,))
def sum_of_a_staged_range(n):
    return sum(range(n)), sum(range(1, n + 1))


@program((bools(True, False),), (bools(True, True),), (bools(False, False),))
def any_and_all_of_an_array(flags):
    return any(flags), all(flags)


@program((3, 0), (0, 0), (3, 4))
def any_and_all_of_a_list(a, b):
    return any([a, b]), all([a, b]), any([]), all([]), any((a > 1, b > 1))


@program((ints(3, 1, 2), 2), (ints(3, 1, 2), 5), (ints(3, 1, 2), 3))
def any_and_all_of_generators(xs, least):
    if any(x > least for x in xs):
        return 1
    if all(x < least for x in xs):
        return 2
    return 3


@program((floats([1, 2, 3], [4, 5, 6]),), (floats([1, 2]),))
def len_of_arrays(matrix):
    total = 0.0
    for i in range(len(matrix)):
        for j in range(len(matrix[0])):
            total += matrix[i, j] * (i + 1)
    return total, len(matrix), len(matrix.shape)


@program((5,), (0,), (-5,))
def len_of_a_staged_range(n):
    return len(range(n)), len(range(2, n, 3))


@program((3.7,), (-3.7,), (0.2,))
def int_of_a_float(x):
    return int(x), int(x * 10) % 7


@program((3,), (-3,))
def float_of_an_integer(n):
    return float(n), float(n) / 2


@program((3,), (0,))
def bool_of_a_number(n):
    return bool(n), bool(n - 3), int(bool(n)) + 1


@program((True,), (False,))
def int_of_a_bool(flag):
    return int(flag), float(flag), int(not flag)


@program((2.5,), (3.5,), (-2.5,), (2.4,), (2.6,))
def round_to_an_integer(x):
    return round(x)


@program((2.567, 3.14159), (-2.561, 100.0))
def round_to_digits(x, y):
    return round(x, 1), round(y, 2), round(x * y, 0)


@program((17, 5), (-17, 5), (17, -5), (15, 5))
def divmod_of_integers(a, b):
    quotient, remainder = divmod(a, b)
    return quotient, remainder


@program((7.5, 2.0), (-7.5, 2.0))
def divmod_of_floats(a, b):
    return divmod(a, b)


@program((3, 4), (2, 0), (-2, 3))
def pow_of_integers(base, exponent):
    return pow(base, exponent), base**2


@program((2.0, 0.5), (3.0, -1.0))
def pow_of_floats(base, exponent):
    return pow(base, exponent), pow(base, 3)


@program((7, 13, 5), (2, 10, 1000))
def pow_with_a_modulus(base, exponent, modulus):
    return pow(base, exponent, modulus)


@program((ints(3, 1, 2),))
def sorted_array(xs):
    value = 0
    for x in sorted(xs):
        value = value * 10 + x
    for x in sorted(xs, reverse=True):
        value = value * 10 + x
    return value


@program((3, 1, 2), (1, 2, 3), (2, 3, 1))
def sorted_list(a, b, c):
    low, middle, high = sorted([a, b, c])
    return low, middle, high


@program((3, -1, 2), (-5, 2, 3))
def sorted_with_a_key(a, b, c):
    return sorted((a, b, c), key=abs), sorted([a, b, c], key=lambda v: -v)


@program((ints(1, 2, 3),))
def enumerate_as_a_value(xs):
    pairs = list(enumerate(xs))
    total = 0
    for i, x in pairs:
        total += i * x
    return total, len(pairs)


@program((ints(1, 2, 3), ints(4, 5, 6)))
def zip_as_a_value(xs, ys):
    pairs = list(zip(xs, ys))
    firsts, seconds = zip(*pairs)
    return pairs[0][0] * pairs[2][1], len(firsts), seconds[1]


@program((3, 4))
def map_as_a_value(a, b):
    doubled = list(map(lambda v: v * 2 if v > 3 else v, (a, b)))
    first, second = map(abs, (-a, -b))
    return doubled, first, second, tuple(map(lambda u, v: u - v, (a, b), (b, a)))


@program((ints(1, 2, 3),))
def reversed_as_a_value(xs):
    return list(reversed(xs)), list(reversed((1, 2)))


@program((4,), (-4,))
def builtins_as_functions(x):
    total = 0
    for function in (abs, float, lambda v: max(v, 0)):
        total = total + function(x)
    return total


@program((5, 12), (3, 4))
def builtins_in_a_loop(a, b):
    best = 0
    for i in range(a):
        best = max(best, min(i * i, b), abs(i - b))
        if bool(i % 2):
            best += int(i / 2)
    return best


@program((3,), (-3,), ([3],))
def isinstance_and_type(x):
    if isinstance(x, str):
        return 0
    if callable(x) or isinstance(x, (list, tuple)):
        return 1
    return x


@program((ints(4, 2, 6),))
def range_over_len_and_sum(xs):
    total = sum(xs)
    shares = 0.0
    for i in range(len(xs)):
        shares = shares + float(xs[i]) / float(total) * (i + 1)
    return shares


@program((3.9, 2), (-3.9, 3), (3.2, 7), (0.8, 7))
def conversions_in_conditions(x, n):
    if int(x) == n + 1:
        return float(n)
    if bool(int(x)) and round(x) != int(x):
        return float(int(x))
    return x


@program((jnp.arange(4.0),))
def builtins_over_a_jax_array(xs):
    return sum(xs), max(xs), min(xs), any(xs), all(xs), len(xs)


@program((3, 5), (5, 3))
def tuple_list_and_dict_of_staged(a, b):
    pair = tuple([a, b])
    items = list(pair)
    table = dict(first=a, second=b)
    if a > b:
        items[0], items[1] = items[1], items[0]
        table["first"] = 0
    return pair, items, table
