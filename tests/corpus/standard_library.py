"""The standard library's functions over sequences, and its queues, where the graph decides."""

import bisect
import functools
import heapq
import itertools
import math
from collections import Counter, deque

from corpus import floats, program

NEEDS_ROOM = "a list grows without a bound, and only ag.function can call again with more room"


@program((floats(1.0, 2.0, 3.0),), (floats(3.0, 1.0, 2.0),))
def reduced(x):
    return functools.reduce(lambda a, b: a if a > b else b, x)


@program((floats(1.0, 2.0, 3.0),), (floats(0.5, -1.0, 4.0),))
def chained_products_and_pairs(x):
    total = 0.0
    for value in itertools.chain(x, [1.0, 2.0]):
        if value > 1:
            total += value
    for a, b in itertools.product(range(2), x):
        total += a * b
    rises = 0
    for a, b in itertools.pairwise(x):
        if b > a:
            rises += 1
    return total, rises, list(itertools.accumulate(x))


@program((3.0,), (0.5,), (100.0,), jit=False, why="JAX's own transformations cannot return a None of one path")
def count_without_an_end(x):
    for i in itertools.count():
        if x * i > 10:
            return i


@program((3.0,), (50.0,))
def count_down(x):
    for i in itertools.count(5, -2):
        if x * i < -10:
            break
    return i


@program((floats(1.0, 2.0, 5.0, 1.0),), (floats(9.0, 1.0),), jit=False, why=NEEDS_ROOM)
def takewhile_and_dropwhile(x):
    low = 0.0
    for value in itertools.takewhile(lambda v: v < 3, x):
        low += value
    rest = 0.0
    for value in itertools.dropwhile(lambda v: v < 3, x):
        rest += value
    odd = list(itertools.filterfalse(lambda v: v > 1.5, x))
    return low, rest, odd


@program((floats(3.0, 1.0, 2.0),), (floats(1.0, 1.0, 0.0),), jit=False, why=NEEDS_ROOM)
def sorted_by_a_heap(x):
    heap = []
    for value in x:
        heapq.heappush(heap, value)
    smallest = heapq.heappop(heap)
    heapq.heapify(heap)
    return smallest, heap[0], len(heap)


@program((floats(3.0, 1.0, 2.0),), (floats(1.0, 1.0, 0.0),), jit=False, why=NEEDS_ROOM)
def kept_in_order(x):
    kept = []
    for value in x:
        bisect.insort(kept, value)
    return kept, bisect.bisect_left(x, 1.5)


@program((9.0,), (0.5,), (100.0,), jit=False, why=NEEDS_ROOM)
def queue_of_work(x):
    queue = deque()
    queue.append(x)
    seen = 0
    while queue:
        value = queue.popleft()
        seen += 1
        if value > 1:
            queue.append(value / 2)
            if value > 4:
                queue.appendleft(value / 3)
    return seen


@program((floats(1.0, 2.0, 3.0, 0.0, 4.0),), (floats(0.0, 0.0),), (floats(2.0, 0.0, 0.0),), jit=False, why=NEEDS_ROOM)
def last_two(x):
    recent = deque(maxlen=2)
    for value in x:
        if value > 1:
            recent.append(value)
    return list(recent), len(recent), sum(recent, 0.0)


@program((3,), (0,), (7,), jit=False, why=NEEDS_ROOM)
def pushed_under_two_conditions(n):
    stack = [0]
    steps = 0
    while stack:
        top = stack.pop()
        steps += 1
        if top < n:
            for offset in range(2):
                if offset + top < n:
                    stack.append(top + offset + 1)
    return steps


@program((floats(4.0, 1.0, 5.0),), (floats(1.0, 4.0, 0.5),), jit=False, why=NEEDS_ROOM)
def shortest_paths_with_a_heap(weights):
    edges = {0: [(1, 0), (2, 1)], 1: [], 2: [(1, 2)]}
    distance = [0.0, math.inf, math.inf]
    heap = [(0.0, 0)]
    while heap:
        d, u = heapq.heappop(heap)
        for node in range(3):
            for neighbour, weight in edges[node]:
                if u == node and d + weights[weight] < distance[neighbour]:
                    distance[neighbour] = d + weights[weight]
                    heapq.heappush(heap, (distance[neighbour], neighbour))
    return distance


@program((floats(1.0, 2.0, 3.0),), (floats(0.5, 9.0, 1.0),))
def rows_by_name(x):
    names = ["a", "b", "c"]
    found = {}
    for i, value in enumerate(x):
        if value > 1:
            found[names[i]] = value
        else:
            found[names[i]] = -value
    return found


@program((4.5,), (9.0,), (0.25,))
def roots_and_floors(x):
    return math.sqrt(x) + math.floor(x), math.floor(x) // 2, math.hypot(x, 3) > 5


@program((1,), (4,))
def counted_by_a_key_that_the_graph_chooses(n):
    counts = Counter(even=0, odd=0)
    for k in range(n):
        counts["even" if k % 2 == 0 else "odd"] += 1
    return counts["even"], counts["odd"], counts["even" if n > 2 else "none"]
