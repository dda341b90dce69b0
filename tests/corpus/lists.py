"""Lists that staged code fills, reads, changes and stacks."""

import jax.numpy as jnp

from corpus import floats, ints, program

import autograph as ag


@program((ints(1, 2, 3),))
def append_over_an_array(xs):
    squares = []
    for x in xs:
        squares.append(x * x)
    return ag.stack(squares)


@program((3,), (-3,))
def append_over_a_static_range(x):
    values = []
    for i in range(50):
        x = (x * 3 + i) % 101
        values.append(x)
    return ag.stack(values)


@program((floats(1, -2, 3),))
def append_in_both_branches(xs):
    results = []
    for x in xs:
        if x > 0:
            results.append(x)
        else:
            results.append(-x * 10)
    return ag.stack(results)


@program((3,), (-3,))
def append_in_both_branches_outside_a_loop(x):
    items = [0]
    if x > 0:
        items.append(x)
    else:
        items.append(x * x)
    return items


@program((floats([1, 2], [3, 4], [5, 6]),))
def append_rows(matrix):
    rows = []
    for row in matrix:
        rows.append(row / row.sum())
    return ag.stack(rows)


@program((floats(1, 2, 3, 4),))
def declared_element_type(xs):
    partial_sums = []
    ag.set_element_type(partial_sums, jnp.float32)
    total = 0.0
    for x in xs:
        total += x
        partial_sums.append(total)
    return ag.stack(partial_sums)


@program((floats([1, 2], [3, 4]),))
def declared_element_shape(matrix):
    rows = []
    ag.set_element_type(rows, jnp.float32, (2,))
    for row in matrix:
        rows.append(row * 2)
    return ag.stack(rows)


@program((ints(3, 1, 2),))
def element_type_by_its_first_name(xs):
    doubled = []
    ag.utils.set_element_type(doubled, jnp.int32)
    for x in xs:
        doubled.append(2 * x)
    return ag.stack(doubled)


@program((ints(3, 1, 2),))
def list_is_returned(xs):
    doubled = []
    for x in xs:
        doubled.append(2 * x)
    return doubled


@program((ints(3, 1, 2),))
def length_after_appends(xs):
    kept = []
    for x in xs:
        kept.append(x)
    return len(kept)


@program((ints(3, 1, 2), 1), (ints(3, 1, 2), 2))
def item_by_a_staged_index(xs, i):
    squares = []
    for x in xs:
        squares.append(x * x)
    return squares[i], squares[-1], squares[0]


@program((5,), (0,))
def item_of_a_list_of_constants(n):
    weights = [5, 7, 11]
    total = 0
    for i in range(n):
        total += weights[i % 3]
    return total


@program((3, 4, 1), (3, 4, 0))
def item_of_a_list_of_staged(a, b, i):
    pair = [a, b]
    return pair[i] * 10


@program((ints(3, 1, 2),))
def pop_after_appends(xs):
    items = []
    for x in xs:
        items.append(x)
    last = items.pop()
    return last, len(items), items[-1]


@program((ints(3, 1, 2, 5),))
def append_and_read_previous(xs):
    prefix = [0]
    for x in xs:
        prefix.append(prefix[-1] + x)
    return ag.stack(prefix)


@program((12,), (7,))
def two_lists(x):
    quotients = []
    remainders = []
    for d in range(1, 20):
        quotients.append(x // d)
        remainders.append(x % d == 0)
    return ag.stack(quotients), ag.stack(remainders)


@program((ints(3, 1, 2),))
def list_read_in_a_second_loop(xs):
    doubled = []
    for x in xs:
        doubled.append(2 * x)
    total = 0
    for value in doubled:
        total = total * 10 + value
    return total


@program((13,), (6,))
def declared_capacity(n):
    bits = []
    ag.set_element_type(bits, jnp.int32, capacity=32)
    while n > 0:
        bits.append(n % 2)
        n //= 2
    ones = 0
    for i in range(len(bits)):
        ones += bits[i]
    return ones, len(bits)


@program((8,), (3,))
def stack_with_capacity(n):
    stack = []
    ag.set_element_type(stack, jnp.int32, capacity=64)
    stack.append(n)
    visited = total = 0
    while len(stack) > 0:
        k = stack.pop()
        visited += 1
        total += k
        if k > 1:
            stack.append(k // 2)
            if k % 2 == 0:
                stack.append(k // 4)
    return visited, total


@program((20,), (2,))
def primes_with_capacity(n):
    primes = []
    ag.set_element_type(primes, jnp.int32, (), capacity=32)
    for k in range(2, n):
        is_prime = True
        for i in range(len(primes)):
            p = primes[i]
            if p * p > k:
                break
            if k % p == 0:
                is_prime = False
                break
        if is_prime:
            primes.append(k)
    total = 0
    for i in range(len(primes)):
        total += primes[i]
    return len(primes), total


@program((3,), (-3,))
def other_list_methods(x):
    items = [x, 1]
    items.insert(0, x * 2)
    items.extend([4, 5])
    items.reverse()
    del items[1]
    if x > 0:
        items[0] = x
    copy = items.copy()
    copy.clear()
    return items, len(copy), items[1:3], items + [x]


@program((ints(1, 2, 3),))
def list_in_a_dictionary(xs):
    history = {"value": [], "double": []}
    for x in xs:
        history["value"].append(x)
        history["double"].append(2 * x)
    return ag.stack(history["value"]), ag.stack(history["double"])


@program((ints(1, 2, 3),))
def list_passed_to_a_function(xs):
    def collect(items, value):
        if value > 1:
            items.append(value * 10)
        else:
            items.append(value)

    collected = []
    for x in xs:
        collect(collected, x)
    return ag.stack(collected)


class Log:
    def __init__(self):
        self.entries = []

    def add(self, value):
        self.entries.append(value)


@program((floats(1, 2, 3),))
def list_in_an_object(xs):
    log = Log()
    total = 0.0
    for x in xs:
        total += x
        log.add(total)
    return ag.stack(log.entries), len(log.entries)


@program((floats(1, 2, 3),))
def tuples_appended(xs):
    pairs = []
    for x in xs:
        pairs.append((x, x * x))
    first, second = pairs[1]
    return first, second


@program((4,), (9,))
def list_is_made_in_the_loop(n):
    total = 0
    for i in range(n):
        window = []
        for k in range(3):
            window.append(i * k)
        total += sum(window)
        total += window[-1]
    return total


@program((floats([1, 2, 3], [4, 5, 6]),))
def nested_appends(matrix):
    rows = []
    for row in matrix:
        running = []
        total = 0.0
        for x in row:
            total += x
            running.append(total)
        rows.append(ag.stack(running))
    return ag.stack(rows)


@program((2, 3),)
def append_in_an_unrolled_loop(a, b):
    items = []
    for weight in (a, b, 5):
        if weight > 2:
            items.append(weight)
        else:
            items.append(0)
    return items


@program((ints(5, 6, 7), 4), (ints(5, 6, 7), 0))
def item_assigned_by_a_staged_index(xs, n):
    counts = [0, 0, 0]
    for i in range(n):
        counts[i % 3] += xs[i % 3]
    return counts


@program((0,), (3,), (-1,), (-4,))
def an_element_at_a_staged_place_is_taken_out(n):
    a, b, pairs = [1, 2, 3, 4], [5, 6, 7, 8], [(1, 2.5), (3, 4.5)]
    x = a.pop(n)
    a.append(n)
    del b[n]
    p, q = pairs.pop(n % 2)
    return a, x, b, pairs, p, q


@program((4,), (-5,), jit=False, why="only ag.function raises the exceptions of lists")
def an_element_that_is_not_there_cannot_be_taken_out(n):
    a, b = [1, 2, 3, 4], [1, 2, 3, 4]
    try:
        del b[n]
    except IndexError as error:
        print(error)
    try:
        a.append(a.pop(n))
    except IndexError as error:
        print(error)
    return a, b
