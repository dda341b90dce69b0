"""Assignments of every form, in branches and loops, to names, attributes, items and slices."""

import jax.numpy as jnp
import numpy as np

from corpus import floats, ints, program


class Record:
    def __init__(self, **fields):
        self.__dict__.update(fields)


@program((3, 4), (4, 3))
def tuple_target(a, b):
    if a < b:
        (a, b) = b, a
    [c, d] = a + 1, b + 1
    return a, b, c, d


@program((3,), (-3,))
def chained_targets(x):
    if x > 0:
        a = b = x
    else:
        a = b = c = 0
        b = c + 1
    return a, b


@program(([1, 2, 3, 4],), ([1, 2],), ([4, 3],))
def starred_target(items):
    first, *middle, last = items
    if first < last:
        first, last = last, first
    return first, last, len(middle)


@program((1, 2, 3), (3, 2, 1), (1, 2, 2))
def nested_target(a, b, c):
    (x, (y, z)) = (a, (b, c))
    if x < z:
        (x, y), z = (z, x), y
    return x, y, z


@program((floats(1, 2, 3),), (floats(2, 1, 3),))
def unpacking_an_array(v):
    x, y, z = v
    if x < y:
        x, y = y, x
    return x * y + z


@program((ints(1, 2, 3, 4),), (ints(9, 2, 3, 4),))
def starred_target_from_an_array(xs):
    head, *tail = xs
    for value in tail:
        if value < head:
            head -= value
    return head


@program((10, 3), (-10, 3))
def every_augmented_operator(x, n):
    a = b = c = d = e = x
    if x > 0:
        a += n
        b -= n
        c *= n
        d //= n
        e %= n
    else:
        a -= 2 * n
        b += 2 * n
        c *= -n
        d //= -n
        e %= -n
    return a, b, c, d, e


@program((12, 10), (5, 3))
def augmented_bit_operators(x, y):
    a = b = c = d = e = x
    for _ in range(y % 4):
        a &= y
        b |= y
        c ^= y
        d <<= 1
        e >>= 1
    return a, b, c, d, e


@program((2.0, 3), (0.5, 0))
def augmented_power_and_division(x, n):
    y = x
    for _ in range(n):
        y **= 2
        y /= 3
    return y


@program((floats([1, 2], [3, 4]), 3), (floats([1, 2], [3, 4]), 0))
def augmented_matrix_product(m, n):
    result = m * 1
    for _ in range(n):
        result @= m
        result /= 2
    return result


@program((3,), (-3,))
def annotated(x):
    y: int = x
    z: int
    if x > 0:
        z = y + 1
    else:
        z: int = y - 1
    return z


@program((5,), (50,))
def walrus(x):
    if (double := x * 2) > 20:
        return double
    return double + (half := x // 2) + half


@program((20,), (3,))
def walrus_in_a_condition_chain(x):
    if (a := x // 2) > 5 and (b := a // 2) > 2:
        return a * 100 + b
    return a


@program((3,), (-3,))
def deleted(x):
    temporary = x * 2
    if temporary > 0:
        y = temporary
    else:
        y = -temporary
    del temporary
    return y


@program((5,), (0,))
def deleted_in_a_loop(n):
    total = 0
    for i in range(n):
        square = i * i
        if square > 3:
            total += square
        del square
    return total


@program((3,), (-3,))
def attribute(x):
    record = Record(count=0, last=0)
    if x > 0:
        record.count += 1
        record.last = x
    else:
        record.count -= 1
    return record.count, record.last


@program((5,), (0,))
def attribute_in_a_loop(n):
    record = Record(total=0, steps=0)
    for i in range(n):
        record.total += i
        if i % 2 == 0:
            record.steps += 1
    return record.total, record.steps


@program((4,), (-4,))
def attribute_of_an_attribute(x):
    outer = Record(inner=Record(value=x))
    while outer.inner.value > 1:
        outer.inner.value -= 2
    return outer.inner.value


@program((6,), (-1,))
def two_names_for_one_object(n):
    record = Record(value=0)
    same = record
    for i in range(n):
        if i % 2 == 0:
            record.value += i
        else:
            same.value *= 2
    return record.value


@program((3,), (-3,))
def list_item(x):
    items = [0, 1, 2]
    if x > 0:
        items[0] = x
        items[-1] += x
    else:
        items[1] = -x
    return items


@program((5,), (1,))
def list_item_in_a_loop(n):
    counts = [0, 0, 0]
    for i in range(n):
        if i % 3 == 0:
            counts[0] += 1
        elif i % 3 == 1:
            counts[1] += i
        else:
            counts[2] = i
    return counts


@program((5,), (0,))
def dictionary_item_in_a_loop(n):
    totals = {"even": 0, "odd": 0}
    while n > 0:
        if n % 2 == 0:
            totals["even"] += n
        else:
            totals["odd"] += n
        n -= 1
    return totals


@program((3,), (-3,))
def item_of_an_attribute(x):
    record = Record(values=[1, 2], names={"a": 0})
    if x > 0:
        record.values[0] = x
        record.names["a"] += x
    return record.values, record.names


@program((ints(5, 6, 7), 1, 50), (ints(5, 6, 7), 2, -1))
def array_item(xs, i, value):
    xs[i] = value
    return xs


@program((ints(5, 6, 7), 4), (ints(5, 6, 7), -4))
def array_item_in_a_branch(xs, value):
    if value > 0:
        xs[0] = value
    else:
        xs[-1] += value
    return xs


@program((ints(1, 2, 3, 4),), (ints(4, 3, 2, 1),))
def array_items_in_a_loop(xs):
    for i in range(1, len(xs)):
        if xs[i] > xs[i - 1]:
            xs[i] = xs[i] * 10
        else:
            xs[i] += xs[i - 1]
    return xs


@program((ints(3, 1, 2), 0, 2), (ints(3, 1, 2), 1, 1))
def array_items_swapped(xs, i, j):
    xs[i], xs[j] = xs[j], xs[i]
    return xs


@program((floats([1, 2], [3, 4]), 1), (floats([1, 2], [3, 4]), 0))
def array_row(m, i):
    m[i, :] = 0
    m[i, :] += 5
    m[:, 0] *= 2
    return m


@program((floats([1, 2, 3], [4, 5, 6]),))
def array_row_in_a_loop(m):
    for i in range(m.shape[0]):
        row_sum = m[i].sum()
        if row_sum > 10:
            m[i, :] /= row_sum
        m[i, 1:] -= 1
    return m


@program((ints(1, 2, 3, 4, 5),))
def array_slices(xs):
    xs[1:3] = xs[3:5]
    xs[::2] = 0
    xs[-2:] += 7
    return xs


@program((ints(1, 2, 3, 4), 2), (ints(1, 2, 3, 4), 0))
def array_mask(xs, least):
    xs[xs > least] = -1
    return xs


@program((ints([0, 0, 0], [0, 0, 0]), 4), (ints([0, 0, 0], [0, 0, 0]), 0))
def array_two_indices_in_nested_loops(board, n):
    for i in range(2):
        for j in range(3):
            if i + j < n:
                board[i, j] = i * 3 + j
            else:
                board[i][j] = -1
    return board


@program((ints(0, 0, 0, 0), ints(3, 1, 3, 3, 0)))
def histogram(counts, samples):
    for sample in samples:
        counts[sample] += 1
    return counts


@program((floats(1, 2, 3), 2), (floats(1, 2, 3), 7))
def array_in_a_record(xs, n):
    record = Record(values=xs, sum=0.0)
    for i in range(n):
        record.values[i % 3] += 1.0
        record.sum += record.values[i % 3]
    return record.values, record.sum


@program((ints(1, 2), ints(3, 4), 1), (ints(1, 2), ints(3, 4), 0))
def arrays_in_a_dictionary(first, second, i):
    table = {"first": first, "second": second}
    if i > 0:
        table["first"][i] = 100
    else:
        table["second"][i] += 100
    return table


@program((ints(1, 2, 3), 5))
def evaluation_order_of_targets(xs, value):
    log = []

    def note(name, result):
        log.append(name)
        return result

    items = [0, 0]
    items[note("target", 0)] = note("value", value)
    items[note("index", 1)] += note("increment", value)
    return items, xs[note("load", 1)], len(log), log[0] == "value", log[2] == "index"


@program((3,), (-1,))
def shadowed_builtins(x):
    sum = 0
    max = 10
    for i in range(4):
        if sum + x < max:
            sum += x
    return sum


@program((4,), (0,))
def swap_of_three(n):
    a, b, c = 1, 2, 3
    for _ in range(n):
        a, b, c = b, c, a
    return a, b, c


@program((4,), (-4,))
def multiple_statements_on_a_line(x):
    a = x; b = a + 1; c = 0
    if a > 0: c = b; b = 0
    return a, b, c


@program((3.0, 4), (3.0, 0))
def value_is_read_before_it_is_assigned(x, n):
    previous = 0.0
    current = x
    for _ in range(n):
        previous, current = current, (current + previous) / 2
    return previous, current


@program((2, 3), (3, 2))
def slice_assignment_of_a_list(a, b):
    items = [a, b, 0, 0]
    items[2:] = [a * b, a + b]
    if a < b:
        items[0], items[1] = items[1], items[0]
    return items


@program((jnp.float32(3.0),), (jnp.float32(-3.0),))
def zero_dimensional_array(x):
    y = x
    if x < 0:
        y = x * 2
    return y


@program((np.int32(7),), (np.int32(8),))
def numpy_scalar(n):
    if n % 2 == 0:
        n = n // 2
    return n


class Link:
    def __init__(self, value, following=None):
        self.value, self.following = value, following


@program((2, 1), (9, 5))
def targets_are_assigned_from_the_left(x, n):
    head = None
    for value in (3, x, 1):
        head = Link(value, head)
    before, link = None, head
    while link is not None:
        link.following, before, link = before, link, link.following
    items, k = [x, n, 0], 0
    items[k], k, (items[k], *rest) = n, 1, (x, 7, 8)
    k, items[k] = 2, 5
    return before.value, before.following.value, items, k, rest
