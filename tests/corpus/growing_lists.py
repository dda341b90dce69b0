"""Lists that grow in loops whose number of iterations only the graph knows."""

import jax.numpy as jnp

from corpus import ints, program, raises

NEEDS_ROOM = "a list grows without a bound, and only ag.function can call again with more room"


@program((1,), (6,), (27,), jit=False, why=NEEDS_ROOM)
def collatz(n):
    l = []
    while n != 1:
        l.append(n)
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    return l


@program((0,), (3,), (20,), jit=False, why=NEEDS_ROOM)
def some_items_of_a_counted_loop(n):
    l = []
    for i in range(n):
        if i % 3 != 0:
            l.append(i * 2.5)
    return l, len(l)


@program((1,), (5,), (30,), jit=False, why=NEEDS_ROOM)
def primes_by_division(n):
    primes = []
    k = 2
    while len(primes) < n:
        p = True
        for q in primes:
            if k % q == 0:
                p = False
                break
        if p:
            primes.append(k)
        k += 1
    return primes


@program((1,), (5,), (7,), jit=False, why=NEEDS_ROOM)
def a_stack_that_branches(n):
    stack = [n]
    out = []
    while stack:
        k = stack.pop()
        out.append(k)
        if k > 1:
            stack.append(k // 2)
            stack.append(k - 1 - k // 2)
    return out, len(stack)


@program((0,), (2,), (40,), jit=False, why=NEEDS_ROOM, retrace=True)
def prints_while_it_grows(n):
    print("start")
    l = []
    i = 0
    while i < n:
        print("i", i)
        l.append((i, i * i))
        i += 1
    print("end", len(l))
    s = 0
    for a, b in l:
        s += a * b
    return s, l[-1] if n > 0 else None


@program((0,), (2,), (12,), jit=False, why=NEEDS_ROOM)
def rows_of_arrays(n):
    rows = []
    i = 0
    while i < n:
        rows.append(jnp.arange(3) * i)
        i += 1
    return rows


@program((1,), (25,), raises(40), jit=False, why=NEEDS_ROOM)
def fails_after_it_grew(n):
    l = []
    i = 0
    while i < n:
        l.append(i)
        i += 1
    if n > 30:
        raise ValueError(f"long {len(l)}")
    return l[0], l[-1]


@program((1,), (3,), (8,), jit=False, why=NEEDS_ROOM)
def a_list_in_each_iteration(n):
    total = 0
    for i in range(n):
        row = []
        j = 0
        while j < i * i:
            row.append(j)
            j += 1
        total += len(row)
        if row:
            total += row[-1]
    return total


@program((0,), (40,), jit=False, why=NEEDS_ROOM)
def left_by_break(n):
    l = []
    i = 0
    while True:
        i += 1
        if i > n:
            break
        l.append(i)
        l.append(-i)
    return l


@program((ints(3, 4, 5, 1, 2, 8), 4), jit=False, why=NEEDS_ROOM)
def groups_of_an_array(xs, m):
    groups = []
    cur = 0
    for x in xs:
        cur += x
        if cur > m:
            groups.append(cur)
            cur = 0
    return groups


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def two_lists_of_two_types(n):
    a = []
    b = []
    while n > 0:
        if n % 2 == 0:
            a.append(n)
        else:
            b.append(float(n))
        n -= 1
    return a, b


def helper(l, n):
    while n > 0:
        l.append(n * 1.0)
        n -= 1


@program((2,), (5,), jit=False, why=NEEDS_ROOM)
def grown_by_a_helper(n):
    l = []
    helper(l, n)
    helper(l, n * 2)
    return l, len(l)


@program((3,), (40,), jit=False, why=NEEDS_ROOM)
def grows_until_it_raises(n):
    try:
        l = []
        while n > 0:
            l.append(n)
            n -= 1
            if n == 25:
                raise KeyError(n)
    except KeyError:
        return len(l)
    return -len(l)


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def lists_in_a_list(n):
    hist = [[] for _ in range(2)]
    while n > 0:
        if n % 3 == 0:
            hist[0].append(n)
        else:
            hist[1].append(n)
        n -= 1
    return hist


@program((2,), (10,), jit=False, why=NEEDS_ROOM)
def a_queue(n):
    q = [0]
    seen = 0
    head = 0
    while head < len(q):
        k = q[head]
        head += 1
        seen += k
        if k < n:
            q.append(k * 2 + 1)
            if k % 2 == 0:
                q.append(k * 2 + 2)
    return seen, q


@program((4, 9), (4, 18), (30, 9), jit=False, why=NEEDS_ROOM)
def filled_by_loops_on_one_path(x, y):
    items = [y]
    if y < x + 7:
        for k in range(x):
            items.append(k)
            items.append(items.pop() + 1)
    elif y > 20:
        while len(items) < y:
            items.append(y)
    for k in range(20):
        if k > x:
            items.append(x + k)
    return items, len(items)


@program((4, 9), (4, 2), (25, 24))
def filled_by_a_loop_of_known_length_on_one_path(x, y):
    items = []
    if y < x:
        for k in range(20):
            items.append(x + k)
    return items, len(items)


@program((2, 3), raises(3, 3), raises(0, -1), jit=False, why=NEEDS_ROOM)
def an_item_is_deleted_at_an_index_that_the_graph_knows(index, n):
    items = []
    for k in range(n):
        items.append(k * k)
    del items[index]
    return items, len(items)


@program((2, 3), raises(3, 3), raises(-5, 4), jit=False, why=NEEDS_ROOM)
def an_item_is_popped_and_not_used(index, n):
    items = []
    for k in range(n):
        items.append(k * k)
    items.pop(index)
    return items, len(items)
