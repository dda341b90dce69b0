"""Variables whose type differs between branches and iterations."""

import collections
import dataclasses

from corpus import bools, floats, ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


@program((ints(1, 2, 3),), (ints(2, 2, 2),))
def mean_that_starts_as_an_int(xs):
    total = 0
    for x in xs:
        total += x / 2
    return total


@program((5,), (0,), promotes=True)
def bool_then_int_then_float(n):
    x = False
    i = 0
    while i < n:
        if i == 0:
            x = True
        elif i < 3:
            x = x + 1
        else:
            x = x * 1.5
        i += 1
    return x


@program((floats(1, 2, 3), True), (floats(1, 2, 3), False))
def a_scalar_start_for_an_array(xs, twice):
    total = 0.0
    for i in range(2):
        total = total + xs * (i + 1)
    if twice:
        total = total * 2
    return total


Point = collections.namedtuple("Point", "x y")


@program((4,), (0,))
def named_tuples_become_floats(n):
    p = Point(0, 0)
    i = 0
    while i < n:
        p = Point(p.x + 0.5, p.y + 1)
        i += 1
    return p.x + p.y * 1.0


@dataclasses.dataclass
class Reading:
    value: float
    weight: int = 1


@program((3, 1.5), (-3, 1.5), promotes=True)
def a_dataclass_of_two_types(n, v):
    r = Reading(0)
    if n > 0:
        r = Reading(v, n)
    return r.value * r.weight


@program((3,), (-3,), jit=False, why=NOT_AN_ARRAY)
def the_sign_as_a_word(x):
    if x > 0:
        word = "positive"
    elif x < 0:
        word = "negative"
    else:
        word = "zero"
    return word, word == "zero", {"positive": 1, "negative": -1, "zero": 0}[word]


@program((7,), (8,), jit=False, why=NOT_AN_ARRAY)
def a_state_machine_of_words(n):
    state = "idle"
    steps = 0
    while n > 0:
        if state == "idle":
            state = "run"
        elif state == "run":
            if n % 3 == 0:
                state = "wait"
        else:
            state = "idle"
        steps += 1 if state == "run" else 10
        n -= 1
    return state, steps


def double(v):
    return v * 2


def negate(v):
    return -v


@program((3,), (-3,), (0,))
def a_function_of_a_table(x):
    op = double
    if x < 0:
        op = negate
    total = 0
    for i in range(3):
        total += op(x + i)
    return total


@program(({"a": 1, "b": (2, 3)}, 1), ({"a": 1, "b": (2, 3)}, -1))
def nested_structures_leaf_by_leaf(d, x):
    out = {"a": 0, "b": (0.5, 1)}
    if x > 0:
        out = {"a": d["a"], "b": (d["b"][0] * 1.0, d["b"][1])}
    return out["a"] + out["b"][0] + out["b"][1]


@program((bools(True, False), 2), (bools(False, False), 0))
def flags_that_count(flags, n):
    seen = False
    for flag in flags:
        seen = seen or flag
    seen = seen + n if n > 0 else seen * 1
    return seen * 1


@program((4, 2.5), (-4, 2.5), promotes=True)
def int_or_float_result(n, v):
    if n > 0:
        return n
    return v


@program((6,), (1,))
def an_accumulator_that_becomes_complex(n):
    z = 0
    for k in range(n):
        z = z * z + (0.1 + 0.2j)
    return abs(z)


@program((floats(1, 2), 3), (floats(1, 2), 0))
def a_column_vector_grows_by_broadcasting(v, n):
    m = v * 0
    for _ in range(n):
        m = m + v
    return m
