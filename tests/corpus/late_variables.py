"""Variables that some paths assign and later code reads, in the shapes that real code has."""

from corpus import floats, ints, program, raises

NOT_AN_ARRAY = "whether the variable was assigned is known at run time, and jax.jit cannot raise"


@program((floats(1, 5, 2), 3.0), raises(floats(1, 2), 9.0), jit=False, why=NOT_AN_ARRAY)
def index_of_the_first_that_exceeds(xs, limit):
    for i, x in enumerate(xs):
        if x > limit:
            found = i
            value = x
            break
    return found, value


@program((7, 2), raises(7, 0), jit=False, why=NOT_AN_ARRAY)
def remainder_of_a_division_loop(n, d):
    while d > 0 and n >= d:
        n -= d
        rest = n
    return rest


@program((3,), (30,), (-3,))
def set_in_both_branches_of_different_ifs(x):
    if x > 10:
        scale = 2
    if x <= 10:
        scale = 5
    return x * scale


@program((floats(1, -2, 3),), (floats(-1, -2, -3),), (floats(1, 2, 3),))
def counts_kept_only_where_they_matter(xs):
    seen = False
    for x in xs:
        if x < 0:
            if not seen:
                lowest = x
                seen = True
            elif x < lowest:
                lowest = x
    return lowest if seen else 0.0


@program((2, 5), (0, 5), raises(9, 0), jit=False, why=NOT_AN_ARRAY)
def tuple_targets_in_a_loop(a, n):
    for k in range(n):
        q, r = k * a, k + a
        if r > 4:
            last = (q, r)
    return q + r if a == 0 else last[0] * last[1]


@program((5,), (1,), raises(0), jit=False, why=NOT_AN_ARRAY)
def a_dict_that_one_branch_makes(n):
    i = 0
    while i < n:
        if i == 0:
            stats = {"count": 0, "sum": 0.0}
        stats["count"] += 1
        stats["sum"] += i * 0.5
        i += 1
    return stats["sum"] / stats["count"]


@program((1,), (-1,), raises(0), jit=False, why=NOT_AN_ARRAY)
def a_function_that_two_branches_define(x):
    if x > 0:
        def step(v):
            return v + 1
    elif x < 0:
        def step(v):
            return v - 1
    return step(x * 10)


@program((ints(4, 8, 15), 8), (ints(4, 8, 15), 5))
def else_of_the_search_loop_assigns(xs, wanted):
    for i in range(len(xs)):
        if xs[i] == wanted:
            where = i
            break
    else:
        where = -1
    return where


@program((6,), (3,), raises(1), jit=False, why=NOT_AN_ARRAY)
def deleted_and_assigned_again(n):
    best = n
    if n < 5:
        del best
        if n > 2:
            best = 100
    return best


@program((floats(0.5, 0.1, 0.9), 0.4), (floats(0.5, 0.1, 0.9), 0.95))
def initialised_on_the_first_iteration(xs, decay):
    for i in range(len(xs)):
        if i == 0:
            average = xs[i]
        else:
            average = decay * average + (1 - decay) * xs[i]
    return average


@program((3,), (0,), jit=False, why=NOT_AN_ARRAY)
def unbound_is_caught_where_it_is_read(n):
    total = 0
    for i in range(n):
        step = i + 1
        total += step
    try:
        total += step * 100
    except UnboundLocalError:
        total = -1
    return total


@program((4,), (-4,))
def read_only_under_the_same_condition(x):
    positive = x > 0
    if positive:
        root = x * 0.5
    result = 1.0
    if positive:
        result += root
    return result
