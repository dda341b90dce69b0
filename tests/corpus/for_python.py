"""`for` over Python's own iterables, which hold staged values or plain ones, and over the iterators of `builtins`."""

import itertools
from collections import OrderedDict, deque

import jax.numpy as jnp

from corpus import floats, ints, program


@program((3, 4, 5), (5, 4, 3))
def tuple_of_staged(a, b, c):
    value = 0
    for x in (a, b, c):
        value = value * 10 + x
    return value


@program(([1, 2, 3],), ([],), ([-1, 5, -2],))
def list_of_staged(items):
    total = 0
    for item in items:
        if item > 0:
            total += item
    return total


@program((2.0,))
def tuple_of_constants(x):
    result = 0.0
    for coefficient in (1.0, -2.0, 0.5):
        result = result * x + coefficient
    return result


@program(({"b": 1, "a": 2},))
def dictionary_keys_and_values(table):
    order = 0
    total = 0
    for key in sorted(table):
        total = total * 10 + table[key]
    for _key, value in table.items():
        order += value
    for value in table.values():
        order *= value
    return total, order


@program((3,), (-3,))
def dictionary_of_weights(x):
    weights = {"bias": 1, "linear": 2, "quadratic": 3}
    total = 0
    for name, weight in weights.items():
        if name == "bias":
            total += weight
        elif x > 0:
            total += weight * x
        else:
            total -= weight
    return total


@program((floats(3, 1, 2),))
def enumerate_an_array(xs):
    total = 0.0
    for i, x in enumerate(xs):
        total += i * x
    return total


@program((ints(3, 9, 2), 9), (ints(3, 9, 2), 5))
def enumerate_with_break(xs, wanted):
    position = -1
    for i, x in enumerate(xs):
        if x == wanted:
            position = i
            break
    return position


@program((ints(3, 1, 2), 10))
def enumerate_from_a_start(xs, first):
    total = 0
    for i, x in enumerate(xs, start=first):
        total += i * x
    return total


@program(([4, 5, 6],))
def enumerate_a_list(items):
    total = 0
    for i, item in enumerate(items, 1):
        total += i * item
    return total


@program((floats(1, 2, 3), floats(4, 5, 6)))
def zip_of_arrays(xs, ys):
    dot = 0.0
    for x, y in zip(xs, ys):
        dot += x * y
    return dot


@program((ints(1, 2, 3, 4), ints(5, 6)))
def zip_stops_at_the_shortest(xs, ys):
    value = 0
    for x, y in zip(xs, ys):
        value = value * 100 + x * y
    return value


@program((ints(1, 2, 3),))
def zip_of_an_array_and_a_list(xs):
    total = 0
    for x, weight in zip(xs, [1, 10, 100]):
        total += x * weight
    return total


@program((ints(1, 2, 3), 4))
def zip_of_an_array_and_a_range(xs, n):
    total = 0
    for x, i in zip(xs, range(n, n + 3)):
        total += x * i
    return total


@program((ints(1, 2, 3), ints(4, 5, 6)))
def enumerate_of_zip(xs, ys):
    total = 0
    for i, (x, y) in enumerate(zip(xs, ys)):
        if i % 2 == 0:
            total += x * y
        else:
            total -= x * y
    return total


@program((ints(1, 2, 3), ints(4, 5, 6), floats(0.5, 1.5, 2.5)))
def zip_of_enumerate(xs, ys, zs):
    total = 0.0
    for (i, x), (y, z) in zip(enumerate(xs), zip(ys, zs)):
        total += i * x + y * z
    return total


@program((ints(1, 2, 3),), (ints(7),))
def reversed_array(xs):
    value = 0
    for x in reversed(xs):
        value = value * 10 + x
    return value


@program((5,), (0,))
def reversed_staged_range(n):
    value = 0
    for i in reversed(range(n)):
        value = value * 7 + i
    return value


@program(([1, 2, 3],))
def reversed_list(items):
    value = 0
    for item in reversed(items):
        value = value * 10 + item
    return value


@program((ints(1, 2, 3), 2))
def map_over_an_array(xs, factor):
    total = 0
    for y in map(lambda x: x * factor + 1, xs):
        total += y
    return total


@program((ints(1, -2, 3),))
def map_with_control_flow(xs):
    def magnitude(x):
        if x < 0:
            return -x
        return x

    value = 0
    for y in map(magnitude, xs):
        value = value * 10 + y
    return value


@program((ints(1, 2, 3), ints(6, 5, 4)))
def map_over_two_arrays(xs, ys):
    total = 0
    for z in map(lambda x, y: x * y, xs, ys):
        total += z
    return total


@program((ints(1, 2, 3, 4, 5, 6),), (ints(1, 3, 5),))
def filter_an_array(xs):
    total = 0
    for x in filter(lambda x: x % 2 == 0, xs):
        total = total * 10 + x
    return total


@program((10, 3), (4, 3))
def filter_a_range(n, divisor):
    count = 0
    for i in filter(lambda k: k % divisor == 0, range(n)):
        count += i + 1
    return count


@program((3,), (5,))
def generator_expression(x):
    total = 0
    for y in (x * k for k in range(4)):
        if y > 8:
            total += y
        else:
            total -= y
    return total


def countdown(start):
    while start > 0:
        yield start
        start -= 1


@program((10,), (2,))
def generator_function(x):
    hits = 0
    for k in countdown(4):
        if x > 2 * k:
            hits += k
    return hits


@program((floats(1, 2, 3, 4, 5),), (floats(5, 1, 2, 4, 3),))
def pairwise_items(xs):
    largest = 0.0
    for a, b in itertools.pairwise([xs[i] ** 2 for i in range(5)]):
        if b - a > largest:
            largest = b - a
    return largest


@program((2, 3), (5, 1))
def product_of_small_sets(a, b):
    total = 0
    for i, j in itertools.product((a, b), (1, 2, 3)):
        if i > j:
            total += i * j
    return total


@program((4,), (-4,))
def nested_targets(x):
    total = 0
    for name, (low, high), [first, *others] in [("a", (0, 2), "xyz"), ("b", (3, 6), [x, x])]:
        if low < x < high:
            total += 1
        total += len(name) * 10 + len(others) * 100 + len(first if name == "a" else "")
    return total


@program((3,))
def targets_are_items_and_attributes(x):
    class Holder:
        pass

    holder = Holder()
    slots = [0, 0]
    total = 0
    for holder.value, slots[1] in [(x, 1), (x + 1, 2), (x + 2, 3)]:
        total += holder.value * slots[1]
    return total, holder.value, slots


@program((2,), (9,))
def break_in_an_unrolled_loop(limit):
    total = 0
    for k in [1, 3, 5, 7]:
        if k > limit:
            break
        total += k
    return total


@program((4,), (-1,))
def return_from_an_unrolled_loop(x):
    for threshold, level in ((10, 3), (3, 2), (0, 1)):
        if x > threshold:
            return level
    return 0


@program((3,), (20,))
def else_of_an_unrolled_loop(x):
    for k in (2, 4, 8):
        if x == k + 1:
            result = k
            break
    else:
        result = -x
    return result


@program((3,))
def empty_iterables(x):
    for item in []:
        x += item
    for item in {}:
        x *= 2
    for _ in zip(range(0), (1, 2)):
        x = 0
    return x


@program((2, 5))
def set_and_frozenset(x, y):
    total = 0
    for k in sorted({3, 1, 2}):
        total = total * y + k * x
    return total + sum(frozenset((4, 5)))


@program((3, 8), (8, 3))
def ordered_dictionary_and_deque(a, b):
    table = OrderedDict(first=a, second=b)
    queue = deque([1])
    for key, value in table.items():
        queue.append(value * len(key))
    total = 0
    while queue:
        item = queue.popleft()
        if item > 20:
            total += item
        else:
            total -= item
    return total


@program((5,), (1,))
def iterator_used_twice(x):
    numbers = iter([1, 2, 3, 4])
    total = 0
    for k in numbers:
        total += k * x
        if k == 2:
            break
    for k in numbers:
        total = total * 2 + k
    return total


@program(([floats(1, 2), floats(3, 4)],))
def list_of_arrays(layers):
    total = jnp.ones(2)
    for layer in layers:
        total = total * layer
        for value in layer:
            if value > 2:
                total = total + value
    return total


@program(({"w": floats(1, 2), "b": floats(3)}, 2), ({"w": floats(1, 2), "b": floats(3)}, 0))
def dictionary_updated_in_a_staged_loop(params, steps):
    for _ in range(steps):
        params = {name: value * 0.5 for name, value in params.items()}
    return params


@program((4,), (0,))
def strings_and_numbers(x):
    total = 0
    for letter in "abca":
        if letter == "a":
            total += x
        elif x > 2:
            total += 1
    return total


@program((ints([1, 2], [3, 4]), ints(5, 6)))
def zip_of_rows(matrix, vector):
    total = 0
    for row, scale in zip(matrix, vector):
        total += row.sum() * scale
    return total


@program((ints(1, 2, 3),))
def while_with_an_iterator(xs):
    remaining = iter(xs.reshape(3))
    total = next(remaining)
    for x in remaining:
        total = total * 10 + x
    return total
