"""``None`` as real code uses it: nothing found yet, a default, the end of a chain, the result of a failed search."""

import math

from corpus import call, floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


@program((floats(3, 1, 2),), (floats(-3, -1, -2),))
def smallest_and_where(xs):
    best = None
    for i, x in enumerate(xs):
        if best is None or x < best[1]:
            best = (i, x)
    return best[0], best[1]


@program((ints(1, 5, 9), 5), (ints(1, 5, 9), 6), jit=False, why=NOT_AN_ARRAY)
def binary_search(xs, wanted):
    low, high = 0, len(xs) - 1
    while low <= high:
        mid = (low + high) // 2
        if xs[mid] == wanted:
            return mid
        if xs[mid] < wanted:
            low = mid + 1
        else:
            high = mid - 1
    return None


def solve(a, b, c):
    d = b * b - 4 * a * c
    if d < 0:
        return None
    root = d**0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@program((1.0, -3.0, 2.0), (1.0, 0.0, 1.0))
def the_larger_root_or_zero(a, b, c):
    roots = solve(a, b, c)
    if roots is None:
        return 0.0
    return roots[1]


@program((1.0, -3.0, 2.0), (1.0, 0.0, 1.0), jit=False, why=NOT_AN_ARRAY)
def roots_or_none_are_returned(a, b, c):
    return solve(a, b, c)


@program((4,), (0,), (-4,))
def default_by_or_of_a_maybe(x):
    chosen = x if x > 0 else None
    given = chosen or 10
    return given + 1


@program((ints(2, 4, 4, 7),), (ints(1, 1, 1, 1),))
def length_of_the_longest_run(xs):
    previous = None
    longest = run = 0
    for x in xs:
        run = run + 1 if previous is not None and x == previous else 1
        previous = x
        longest = max(longest, run)
    return longest


class Tracker:
    def __init__(self):
        self.low = None
        self.high = None
        self.last = None

    def add(self, x):
        if self.low is None or x < self.low:
            self.low = x
        if self.high is None or x > self.high:
            self.high = x
        if x > 0:
            self.last = x

    @property
    def spread(self):
        if self.low is None or self.high is None:
            return None
        return self.high - self.low


@program((floats(3, -1, 2),), (floats(-3, -1, -2),), jit=False, why=NOT_AN_ARRAY)
def a_tracker_with_empty_attributes(xs):
    t = Tracker()
    empty = t.spread is None
    for x in xs:
        t.add(x)
    return empty, t.spread, t.last


@program((2, 3), (2, -3), (-2, 3), (-2, -3), jit=False, why=NOT_AN_ARRAY)
def equality_between_maybes(a, b):
    p = a if a > 0 else None
    q = b if b > 0 else None
    return p == q, p != q, p == None, q is not None


def clip(x, low=None, high=None):
    if low is not None and x < low:
        x = low
    if high is not None and x > high:
        x = high
    return x


@program((5, 3), (5, 30), (-5, 3), (-5, 30))
def optional_limits_of_a_helper(x, limit):
    a = clip(x, high=limit)
    b = clip(x, low=limit if limit > 10 else None)
    c = clip(x)
    return a, b, c


@program((3,), (0,), raises(-3), jit=False, why=NOT_AN_ARRAY)
def none_in_arithmetic(x):
    step = None
    if x >= 0:
        step = x * 2
    return x + step


@program((3,), raises(-3), jit=False, why=NOT_AN_ARRAY)
def none_is_subscripted(x):
    pair = None
    if x > 0:
        pair = (x, x + 1)
    return pair[1]


@program((1,), (2,), (-1,))
def matched_with_patterns(x):
    value = None
    if x > 1:
        value = (x, 1)
    elif x > 0:
        value = (x, 0)
    match value:
        case None:
            return 0
        case (a, 1):
            return a * 10
        case (a, b):
            return a + b


@program((floats(1, 2, 3), 2.0), (floats(1, 2, 3), 9.0))
def an_array_or_none_through_a_loop(xs, t):
    kept = None
    for i in range(3):
        if xs[i] >= t:
            kept = xs * i if kept is None else kept + xs
    if kept is None:
        return xs[0] * 0 - 1
    return kept[0] + kept[2]


@program((5,), (-5,))
def dict_with_optional_entries(x):
    limits = {"low": None, "high": None}
    if x > 0:
        limits["high"] = x
    else:
        limits["low"] = x
    width = 0
    if limits["low"] is not None:
        width -= limits["low"]
    if limits["high"] is not None:
        width += limits["high"] * 2
    return width
