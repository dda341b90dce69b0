"""Comparisons: each operator, chains, identity, membership, and comparisons of tuples."""

import dataclasses

import jax.numpy as jnp

from corpus import floats, ints, program


@program((1, 2), (2, 1), (2, 2))
def every_operator(a, b):
    return a < b, a <= b, a == b, a != b, a > b, a >= b


@program((5,), (0,), (10,), (-3,), (30,))
def chain(x):
    return 0 <= x < 10


@program((1, 2, 3), (1, 3, 2), (3, 2, 1))
def chain_of_variables(a, b, c):
    return a < b < c


@program((1, 2, 2, 3), (1, 2, 3, 3), (1, 1, 1, 1), (1, 5, 5, 2))
def chain_of_mixed_operators(a, b, c, d):
    return a < b == c < d


@program((3, 3), (3, 4))
def chain_of_equalities(a, b):
    if a == b == 3:
        return 1
    return 0


@program((4,), (5,), (-4,))
def chain_evaluates_the_middle_once(x):
    calls = []

    def middle():
        calls.append(1)
        return x

    between = 0 < middle() < 5
    return between, len(calls)


@program((2,), (7,))
def membership_in_a_tuple(x):
    return x in (1, 2, 3)


@program((2,), (7,))
def no_membership_in_a_tuple(x):
    if x not in (1, 2, 3):
        return -1
    return x


@program((2, 4), (7, 4), (4, 4))
def membership_in_a_list_of_staged(x, y):
    return x in [1, 2, y]


@program((ints(1, 2, 3), 2), (ints(1, 2, 3), 9))
def membership_in_an_array(xs, x):
    return x in xs


@program((3,), (11,), (4,))
def membership_in_a_range(x):
    return int(x in range(10)) + 10 * int(x in range(1, 12, 2))


@program(("b", 1), ("z", 1), static=("key",))
def membership_in_a_dictionary(key, x):
    table = {"a": 1, "b": 2}
    if key in table:
        return x + table[key]
    return x


@program((None, 1), (2, 1), static=("scale",))
def identity_with_none(scale, x):
    if scale is None:
        scale = 1
    return x * scale


@program((None, 1), (5, 3), (3, 5))
def optional_argument(limit, x):
    if limit is not None and x > limit:
        return limit
    return x


@program((0, 1, 2), (0, 2, 1), (1, 0, 0), (0, 1, 1))
def equality_of_tuples(a, b, c):
    return (a, b) == (0, c)


@program((2, 6), (3, 1), (2, 5), (1, 9))
def order_of_tuples(major, minor):
    if (major, minor) >= (2, 6):
        return 1
    return 0


@program((floats(1, 2, 3), floats(1, 2, 3)), (floats(1, 2, 3), floats(1, 2, 4)))
def comparison_of_arrays(xs, ys):
    same = xs == ys
    return same, (xs < ys).any()


@program((1.0,), (float("nan"),), (float("inf"),))
def nan_is_not_equal_to_itself(x):
    if x != x:
        return -1
    if x == float("inf"):
        return 1
    return 0


@program((0.1, 0.2), (0.1, 0.3))
def comparison_with_tolerance(a, b):
    if abs(a + 0.1 - b) < 1e-6:
        return True
    return False


@program((3, 2.5), (2, 2.5), (-1, -0.5))
def comparison_of_mixed_kinds(n, x):
    if n > x:
        return 1
    return 0


@program((True, 1), (False, 1), (True, 0))
def comparison_of_bool_and_int(flag, n):
    return flag == n, flag < n


@program((ints(4, 8, 15), 8), (ints(4, 8, 15), 5))
def membership_in_a_loop(xs, x):
    hits = 0
    for candidate in range(20):
        if candidate in xs and candidate != x:
            hits += 1
    return hits


@program((floats(0.5, 1.5, 2.5),))
def elementwise_chain(xs):
    inside = (1.0 < xs) & (xs < 2.0)
    return jnp.where(inside, xs, 0.0)


@program((1.0, 2.0), (2.0, 1.0), (1.0, 1.0))
def tuples_under_names(a, b):
    left = (a, 1)
    right = (b, 2)
    smaller = left if left < right else right
    return smaller, left == right, left != right, left >= right


@program((1.0, 2.0), (2.0, 1.0), (1.0, 1.0))
def nested_tuples_under_names(a, b):
    left = ((a, b), 1)
    right = ((b, a), 0)
    low, high = min(left, right), max(left, right, key=lambda pair: (pair[1], pair[0]))
    return low, high, left <= right < ((9.0, 9.0), 9)


@program((1.0, 2.0, 3.0), (3.0, 1.0, 2.0), (2.0, 2.0, 2.0))
def sorted_by_more_than_one_number(a, b, c):
    pairs = [(a, 2), (b, 1), (c, 0)]
    return sorted(pairs), sorted(pairs, reverse=True), sorted([a, b, c], key=lambda v: (v > 1.5, -v))


@dataclasses.dataclass(order=True)
class Version:
    major: int
    minor: int
    name: str = dataclasses.field(default="", compare=False)


@program((1, 2), (2, 1), (1, 1))
def ordered_dataclasses(a, b):
    left, right = Version(a, b), Version(b, a)
    largest = right
    if left > right:
        largest = left
    return largest.major, largest.minor, left == right, left != right, left <= right


@program((3.0, 1.0, 2.0), (1.0, 1.0, 0.0))
def best_pair_so_far(a, b, c):
    best = (a, 0)
    for index, value in enumerate((b, c)):
        candidate = (value, index + 1)
        if candidate > best:
            best = candidate
    return best
