"""Arrays that are changed in place, also under other names and by functions that return nothing."""

import jax
import jax.numpy as jnp
import numpy as np

from corpus import floats, ints, program


def fillz(out, v):
    for i in range(out.shape[0]):
        if v > i:
            out[i] = v * i


@program((floats(0), 2.5))
def helper_fills_a_new_array(x, v):
    out = np.zeros(4, dtype="f4") if not isinstance(x, jax.Array) else jnp.zeros(4)
    fillz(out, v)
    return out


@program((floats(1, 2, 3), 2.5))
def helper_fills_an_argument(a, v):
    fillz(a, v)
    return a


@program((floats(1, 2, 3), 9.0))
def two_names(a, v):
    b = a
    b[0] = v
    return a, b


@program((floats(1, 2, 3, 4), 2.0))
def masks_and_slices(a, v):
    a[a > v] = 0.0
    a[1:3] += v
    a[a < 1] *= 2
    return a


@program((floats(1, 2), floats(3, 4)))
def add_in_place(a, b):
    a += b
    return a


def swap(a, i, j):
    t = a[i]
    a[i] = a[j]
    a[j] = t


@program((floats(3, 1, 2),))
def swaps_in_a_helper(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                swap(a, j, j + 1)
    return a


def inner_fill(o, k):
    o[k] = k * 2.0


def outer_fill(o):
    for k in range(3):
        inner_fill(o, k)


@program((floats(0, 0, 0),))
def two_helpers_deep(o):
    outer_fill(o)
    return o


class Buf:
    def __init__(self, a):
        self.a = a

    def put(self, i, v):
        self.a[i] = v

    def addall(self, v):
        self.a += v


@program((floats(1, 2, 3), 9.0))
def an_attribute(a, v):
    b = Buf(a)
    b.put(0, v)
    b.addall(1.0)
    return b.a


@program((floats(1, 2, 3), 9.0))
def an_attribute_and_a_variable(a, v):
    b = Buf(a)
    b.put(0, v)
    return a


@program(({"x": floats(1, 2, 3)}, 9.0))
def an_item_of_a_dict(d, v):
    d["x"][0] = v
    d["x"][1] += v
    return d


def row_op(row):
    row[0] = 99.0


@program((floats(1, 2, 3), 9.0))
def a_closure_fills_it(a, v):
    def put(i):
        a[i] = v

    put(0)
    put(2)
    return a


@program((np.ones((3, 3), np.float32), 4.0))
def rows_columns_and_masks(m, v):
    m[0][1] = v
    m[1, :] = v * 2
    m[:, 0] -= 1
    m[m == v] = 7
    return m


def normalize(v):
    v /= v.sum()


@program((floats(1, 2, 3),))
def helper_normalises(v):
    normalize(v)
    return v


@program((floats(1, 2, 3),))
def items_swapped(a):
    x, y = a[0], a[1]
    a[0], a[1] = y, x
    return a


def two(a, b):
    a[0] = 1.0
    b[0] = 2.0


@program((floats(1, 2, 3),))
def one_array_for_two_parameters(a):
    two(a, a)
    return a


def kw(*, out, v):
    out[1] = v


@program((floats(1, 2, 3), 4.0))
def a_keyword_argument(a, v):
    kw(out=a, v=v)
    return a


def rec(a, n):
    if n == 0:
        return
    a[n] = n * 1.0
    rec(a, n - 1)


@program((floats(1, 2, 3),))
def recursion_fills_it(a):
    rec(a, 2)
    return a


@program((floats(1, 2, 3), 3))
def a_loop_of_calls(a, n):
    i = 0
    while i < n:
        fillz(a, i)
        i += 1
    return a


def ret_and_fill(a, v):
    a[0] = v
    return v + 1


@program((floats(1, 2, 3), 3.0))
def fills_and_returns(a, v):
    s = ret_and_fill(a, v) + a[0]
    return a, s


@program((floats(1, 2, 3), 3.0))
def an_item_of_a_list(a, v):
    l = [a]
    l[0][1] = v
    return a, l[0]


@program((floats(3, 2, 1),))
def sorted_in_place(a):
    a.sort()
    return a


@program((floats(3, 2, 1), 5.0))
def filled_with_a_value(a, v):
    a.fill(v)
    return a


@program((floats(3, 2, 1), floats(4, 5, 6)))
def all_items_at_once(a, b):
    a[:] = b
    return a


@program((floats(3, 2, 1), 1))
def negative_and_staged_indices(a, i):
    a[i] += 1
    a[i - 1] -= 1
    a[-1] = 0
    return a


@program((floats(3, 2, 1), 1.0))
def a_copy_is_another_array(a, v):
    b = a.copy()
    b[0] = v
    return a, b


@program((floats(3, 2, 1), 1.0), (floats(3, 2, 1), -1.0))
def in_one_branch_each(a, v):
    if v > 0:
        a[0] = v
    else:
        a[1] = v
    return a


@program((floats(3, 2, 1), ints(0, 0, 2)))
def indices_from_an_array(a, idx):
    for i in idx:
        a[i] += 1
    return a


def insert_last(items, n):
    new = items[n]
    while n > 0:
        if new < items[n - 1]:
            items[n] = items[n - 1]
            n -= 1
            continue
        break
    items[n] = new


@program((ints(1, 3, 5, 0), 3), (ints(4, 3, 5, 0), 1))
def a_loop_in_a_helper(a, n):
    insert_last(a, n)
    return a


@program((ints(4, 3, 5, 0),))
def insertion_sort_by_a_helper(a):
    for n in range(1, len(a)):
        insert_last(a, n)
    return a


@program((ints(4, 3, 5, 0), 2), (ints(4, 3, 5, 0), 0))
def a_new_array_in_the_loop_is_no_alias(a, n):
    b = a
    for i in range(n):
        b = b + 1
        b[i] = 0
    return a, b


@program((ints(4, 3, 5, 0), 2), (ints(4, 3, 5, 0), -2))
def changed_in_a_branch_of_a_helper(a, x):
    def clear(items):
        if x > 0:
            items[0] = 0
        else:
            items[1] = items[0]

    keep = a
    clear(a)
    return a, keep
