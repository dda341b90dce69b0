"""Late variables, None, types that vary, objects, containers, comprehensions and closures in staged code."""

import dataclasses
import math

import jax.numpy as jnp

from corpus import ints, program, raises

NOT_AN_ARRAY = "the result is not always an array, and jax.jit returns nothing else"


@program((1,), raises(-1), jit=False, why=NOT_AN_ARRAY)
def assigned_in_one_branch(x):
    if x > 0:
        y = x
    return y


@program(raises(0), (3,), jit=False, why=NOT_AN_ARRAY)
def first_assigned_in_a_loop(n):
    for i in range(n):
        last = i
    return last


@program(raises(5), (20,), jit=False, why=NOT_AN_ARRAY)
def assigned_in_a_while_loop(x):
    while x > 10:
        z = x
        x -= 3
    return z + x


@program((1,), (5,), (-7,), (-6,), (-1,), jit=False, why=NOT_AN_ARRAY, promotes=True)
def assigned_in_two_of_three(x):
    if x > 0:
        a = 1
    elif x < -5:
        a = 2.5
    if x > 3:
        return a
    if x < -6:
        return a
    return 0


@program((3,), (9,), jit=False, why=NOT_AN_ARRAY)
def name_error_caught(x):
    for i in range(5):
        if i == x:
            found = i * 10
    try:
        return found
    except NameError:
        return -1


@program((0,), (1,), raises(5), jit=False, why=NOT_AN_ARRAY)
def deleted_in_a_branch(x):
    if x > 0:
        del_me = x
    else:
        del_me = 0
    if x > 1:
        del del_me
    return del_me


@program((ints(3, 9, 2),), jit=False, why=NOT_AN_ARRAY)
def largest_so_far(xs):
    best = None
    for x in xs:
        if best is None or x > best:
            best = x
    return best


@program((ints(3, 9, 2), 5), (ints(3, 9, 2), 50), jit=False, why=NOT_AN_ARRAY)
def returns_none_at_the_end(xs, t):
    for x in xs:
        if x > t:
            return x


@program((1,), (-1,))
def conditional_expression_of_none(x):
    y = x if x > 0 else None
    return y if y is not None else -1


@program((1,), (-1,))
def none_or_a_tuple(x):
    y = None
    if x > 0:
        y = (x, x * 2)
    if y is None:
        return 0
    a, b = y
    return a + b


@program((3,))
def default_by_or(x, default=None):
    default = default or x * 2
    return default


@program((1,), raises(-1), jit=False, why=NOT_AN_ARRAY)
def none_as_a_number(x):
    y = None
    if x > 0:
        y = x
    return y + 1


@program((1,), (-1,))
def matched(x):
    y = None
    if x > 0:
        y = x
    match y:
        case None:
            return -1
        case _:
            return y * 3


@program((1,), (5,), (-1,), jit=False, why=NOT_AN_ARRAY)
def as_an_argument(x):
    def g(v=None):
        return 0 if v is None else v

    return g(x if x > 2 else None), g(), (None if x < 0 else x) == None


@program((ints(3, 9, 2),))
def the_one_before(xs):
    prev = None
    d = 0
    for x in xs:
        if prev is not None:
            d += abs(x - prev)
        prev = x
    return d


@program((1,), (-1,), jit=False, why=NOT_AN_ARRAY)
def none_in_a_dict(x):
    r = {"a": None}
    if x > 0:
        r["a"] = x
    return r["a"] is None, r


@program((1,), (-1,))
def none_or_an_array(x):
    y = None
    if x > 0:
        y = jnp.arange(3) * x
    if y is not None:
        return y.sum()
    return 0


@program((3,))
def int_then_float(x):
    y = 0
    for i in range(3):
        y = y + x * 0.5 if i > 0 else y
    return y


@program((3,), (-3,), promotes=True)
def bool_or_int(x):
    y = True
    if x > 0:
        y = x
    return y


@program((3,))
def sum_of_quotients(n):
    s = 0
    while n > 0:
        s = s + 1 / n
        n -= 1
    return s


@program((1,), (-1,), jit=False, why=NOT_AN_ARRAY)
def a_string_chosen(x):
    mode = "a"
    if x > 0:
        mode = "b"
    return 1 if mode == "b" else 2


@dataclasses.dataclass
class P:
    x: float
    y: float

    def norm2(self):
        return self.x**2 + self.y**2


@program((1.0,), (-1.0,))
def an_object_changed_or_replaced(x):
    p = P(x, 1.0)
    if x > 0:
        p = P(x * 2, p.y + 1)
    else:
        p.y = 7.0
    return p.norm2(), p.x


@program((1.0,), raises(-1.0))
def an_object_or_an_exception(x):
    if x > 0:
        p = P(x, 2.0)
    else:
        raise ValueError("neg")
    return p.norm2()


@program((3,))
def a_new_object_each_time(n):
    p = P(0.0, 0.0)
    for i in range(n):
        p = P(p.x + i, p.y + 1)
    return p.x, p.y


@program((1,), (-1,), jit=False, why=NOT_AN_ARRAY)
def a_function_chosen(x):
    f = math.sqrt if x is None else (lambda v: v + 1)
    if x > 0:
        g = lambda v: v * 2
    else:
        g = lambda v: v * 3
    return g(x) + f(x)


@program((1,), (-1,))
def dict_methods(x):
    d = {"a": 1, "b": 2}
    if x > 0:
        d["a"] = x
        d.update(b=x + 1)
    d.setdefault("a", 99)
    d.setdefault("c", x)
    v = d.pop("b")
    return d, v


@program((1,))
def a_set_of_constants(x):
    s = {1, 2}
    s.add(3)
    if 2 in s:
        x += 1
    s.discard(1)
    return x, len(s)


class Node:
    def __init__(self, v):
        self.v = v
        self.kids = []
        self.meta = {"n": 0}

    @property
    def total(self):
        return self.v + sum(k.total for k in self.kids)

    @total.setter
    def total(self, t):
        self.v = t

    def bump(self, by):
        if by > 0:
            self.v += by
            self.meta["n"] += 1
        for k in self.kids:
            k.bump(by - 1)


@program((3,), (0,))
def properties_and_recursion(x):
    r = Node(1)
    r.kids.append(Node(2))
    r.kids[0].kids.append(Node(x))
    r.bump(x)
    r.kids[0].total = r.total
    return r.total, r.meta["n"], r.kids[0].meta["n"], r.kids[0].kids[0].v


@program((1,), (-1,))
def two_names_of_one_list(x):
    a = [1, 2, 3]
    b = a
    if x > 0:
        a[0] = x
        b.append(4)
    return a, b, a is b


COUNT = 0


def bump():
    global COUNT
    COUNT = COUNT + 1


@program((0,), (1,), (2,))
def a_global_counter(x):
    global COUNT
    COUNT = 0
    if x > 0:
        bump()
    for _ in range(3):
        if x > 1:
            bump()
    r = COUNT
    COUNT = 0
    return r


@program((0,))
def a_nonlocal_counter(x):
    c = 0

    def inc(k):
        nonlocal c
        if k > 1:
            c += k

    for i in range(4):
        inc(x + i)
    return c


@program((0,), (1,), (2,), (3,), jit=False, why=NOT_AN_ARRAY)
def list_methods_in_branches(x):
    l = [3, 1, 2]
    if x > 0:
        l.sort()
    if x > 1:
        l.reverse()
    if x > 2:
        l[1:] = [9, 9]
    return l


@program((0,), (1,), (2,))
def lists_made_in_a_dict(x):
    d = {}
    for k in ("a", "b"):
        d[k] = []
        for i in range(2):
            if x > i:
                d[k].append(x)
    return d


@program((0,), (1,), (2,))
def attributes_of_items(x):
    o = Node(0)
    o.items = [Node(1), Node(2)]
    for k in range(2):
        if x > k:
            o.items[k].v = x * k
    del o.meta
    return [i.v for i in o.items], hasattr(o, "meta")


@program((2,))
def a_grid(x):
    grid = [[0] * 3 for _ in range(2)]
    for i in range(2):
        for j in range(3):
            if i + j < x:
                grid[i][j] = i * 3 + j
    return grid


@program((5,))
def a_dict_in_an_object(n):
    o = Node(0)
    while n > 0:
        o.meta["n"] += n
        o.v = max(o.v, n % 4)
        n -= 1
    return o.v, o.meta


@program((1,), (-1,))
def a_dict_in_a_tuple(x):
    t = ({"k": 0},)
    if x > 0:
        t[0]["k"] += x
    return t


@program((ints(3, 1, 2),), jit=False, why=NOT_AN_ARRAY)
def filtered(xs):
    return [x for x in xs if x > 1]


@program((ints(3, 1, 2),))
def any_all_and_sum(xs):
    return any(x > 2 for x in xs), all(x > 0 for x in xs), sum(x for x in xs if x % 2 == 1)


@program((3,), jit=False, why=NOT_AN_ARRAY)
def two_generators(n):
    return [i * j for i in range(3) for j in range(3) if i * j < n]


@program((2,))
def lambdas_with_defaults(x):
    fs = [lambda v, i=i: v + i * x for i in range(3)]
    return [f(1) for f in fs]


@program((2,))
def lambdas_bind_late(x):
    fs = []
    for i in range(3):
        fs.append(lambda v: v + i * x)
    return [f(1) for f in fs]


@program((2,), (-2,))
def sees_the_present_value(x):
    y = 1

    def g():
        return y + x

    if x > 0:
        y = 5
    a = g()
    for i in range(3):
        y += i
    return a, g()


@program((2,), (-2,), jit=False, why=NOT_AN_ARRAY)
def defined_in_a_branch(x):
    if x > 0:

        def g(v):
            return v * 2
    else:

        def g(v):
            return v * 3

    return g(x)


@program((ints(3, 1, 2),), jit=False, why=NOT_AN_ARRAY)
def dict_max_and_next(xs):
    return {i: x for i, x in enumerate(xs)}, max(x for x in xs if x < 3), next((x for x in xs if x > 1), -1)


@program((ints(3, 1, 2),), jit=False, why=NOT_AN_ARRAY)
def pairs(xs):
    return [(a, b) for a, b in zip(xs, xs[1:]) if a < b]


@program((ints(3, 1, 2),), jit=False, why=NOT_AN_ARRAY)
def sorted_filtered(xs):
    return (
        sorted([x for x in xs if x != 2], key=lambda v: -v),
        len([1 for x in xs if x > 1]),
        list(x * 2 for x in xs if x > 1),
    )


@program((2,))
def walrus_in_a_comprehension(x):
    return [(y := x + i) for i in range(3)], y


@program((0,), (2,), (9,))
def else_of_a_loop(x):
    for i in range(3):
        if x > i:
            break
    else:
        return -1
    return i


@program((5,), (0,))
def containers_in_a_container_keep_their_changes(n):
    state = {"a": 0, "b": {"c": 0}}
    inner = state["b"]
    for i in range(n):
        state["b"]["c"] = state["b"]["c"] + i
        state["a"] += 1
    return state["a"], state["b"]["c"], inner["c"]


@program((5,), (1,))
def a_container_in_a_container_is_replaced(n):
    state = {"a": 0, "b": {"c": 0}}
    for i in range(n):
        state["b"] = {"c": state["b"]["c"] + i}
        state["a"] += 1
    return state["a"], state["b"]["c"]


@program((3,), (-3,))
def containers_in_a_container_under_a_condition(x):
    state = {"a": 0, "b": {"c": 0}, "rows": [[1, 2], [3, 4]]}
    row = state["rows"][1]
    if x > 0:
        state["a"] += 1
        state["b"]["c"] = x
        state["rows"][1][0] = x * 2
        state["rows"][0] = [x, x]
    return state["a"], state["b"]["c"], state["rows"], row[0]


@program((4,))
def rows_of_a_grid(n):
    grid = [[0, 0], [0, 0]]
    for i in range(n):
        grid[0][1] += i
        grid[1] = [i, grid[0][1]]
    return grid
