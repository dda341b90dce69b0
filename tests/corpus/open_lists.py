"""What can be done with a list whose length the graph decides."""

from corpus import program, raises

NEEDS_ROOM = "a list grows without a bound, and only ag.function can call again with more room"


def fill(n):
    l = []
    while n > 0:
        l.append(n * 7 % 11)
        n -= 1
    return l


@program((2,), (12,), jit=False, why=NEEDS_ROOM)
def insert(n):
    l = fill(n)
    l.insert(0, 100)
    l.insert(n, 200)
    l.insert(-1, 300)
    l.insert(99, 400)
    return l


@program((4,), (12,), jit=False, why=NEEDS_ROOM)
def pop_by_index(n):
    l = fill(n)
    a = l.pop(0)
    b = l.pop(n - 2)
    c = l.pop(-2)
    return l, a, b, c


@program(raises(5, 3), (12, 10), raises(5, 99), jit=False, why=NEEDS_ROOM)
def remove_index_and_count(n, v):
    l = fill(n)
    l.remove(v)
    return l, l.index(1), l.count(1), 3 in l


@program((4,), (12,), jit=False, why=NEEDS_ROOM)
def reverse_and_slices(n):
    l = fill(n)
    l.reverse()
    m = l[1:3]
    k = l[::-1]
    j = l[-2:]
    return l, m, k, j, l[n // 2 :]


@program((4,), (12,), jit=False, why=NEEDS_ROOM)
def sort(n):
    l = fill(n)
    l.sort()
    m = l.copy()
    m.sort(reverse=True)
    m.sort(key=lambda x: -(x % 5))
    return l, m


@program((2,), (12,), jit=False, why=NEEDS_ROOM)
def extend_and_add(n):
    a = fill(n)
    b = fill(n + 1)
    a.extend(b)
    c = a + [1, 2] + b
    a += [5]
    return a, c, len(c)


@program((3, 0), (3, 2), raises(3, 3), (3, -3), raises(3, -4), jit=False, why=NEEDS_ROOM)
def item_by_index(n, i):
    l = fill(n)
    return l[i]


@program((0, 2), raises(0, 3), (0, -1), jit=False, why=NEEDS_ROOM)
def item_of_a_list_display(n, i):
    l = [1, 2, 3]
    return l[i]


@program((3, 1), (3, -1), raises(3, 5), jit=False, why=NEEDS_ROOM)
def assign_and_delete_items(n, i):
    l = fill(n)
    l[i] = 55
    del l[0]
    return l, l[-1], l[0]


@program((0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,), jit=False, why=NEEDS_ROOM)
def changes_of_length_in_branches(x):
    l = [1, 2]
    if x > 0:
        l.insert(0, x)
    if x > 1:
        l.remove(2)
    if x > 2:
        l.pop(0)
    if x > 3:
        l.extend([7, 8])
    if x > 4:
        l.clear()
    if x > 5:
        l.append(9)
    if x > 6:
        del l[0]
    return l


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def built_in_functions_of_a_list(n):
    l = fill(n)
    return sum(l), max(l), min(l), [x * 2 for x in l], sorted(l), any(x > 5 for x in l), all(x > 0 for x in l)


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def enumerate_zip_and_reversed(n):
    l = fill(n)
    out = []
    for i, x in enumerate(l):
        if i % 2 == 0:
            out.append((i, x))
    r = []
    for a, b in zip(l, l[1:]):
        r.append(a - b)
    return out, r, list(reversed(l))


@program((3,), jit=False, why=NEEDS_ROOM)
def comparisons(n):
    l = fill(n)
    return l == fill(n), l == fill(n + 1), l != [1], bool(l), not l


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def lists_in_a_dict(n):
    m = {}
    m["a"] = []
    m["b"] = [0]
    while n > 0:
        m["a"].append(n)
        m["b"].append(m["b"][-1] + n)
        n -= 1
    return m


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def two_names_for_a_list(n):
    a = []
    b = a
    while n > 0:
        a.append(n)
        n -= 1
        if len(b) > 5:
            b.pop(0)
    return a, b, len(a) == len(b)


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def moving_window(n):
    window = []
    out = []
    i = 0
    while i < n:
        window.append(i * i % 7)
        if len(window) > 3:
            window.pop(0)
        out.append(sum(window))
        i += 1
    return out


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def the_smallest_four(n):
    heap = []
    while n > 0:
        heap.append(n * 5 % 13)
        heap.sort()
        if len(heap) > 4:
            heap.pop()
        n -= 1
    return heap


@program((3,), (12,), jit=False, why=NEEDS_ROOM)
def dicts_in_a_list(n):
    pts = []
    while n > 0:
        pts.append({"x": n, "y": n * 0.5})
        n -= 1
    t = 0.0
    for p in pts:
        t += p["x"] * p["y"]
    return t


@program((3,), (8,), jit=False, why=NEEDS_ROOM)
def index_error_caught(n):
    l = []
    for i in range(n):
        l.append(i)
    try:
        return l[5]
    except IndexError:
        return -1


@program((2,), (20,), jit=False, why=NEEDS_ROOM)
def repeated(n):
    l = fill(n)
    m = l * 2
    l *= 3
    return m, 1 * l, len(m)
