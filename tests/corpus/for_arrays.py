"""`for` over arrays: items of vectors, rows of matrices and of arrays of higher rank."""

import jax.numpy as jnp

from corpus import bools, floats, ints, program


@program((ints(1, 2, 3, 4),))
def sum_of_items(xs):
    total = 0
    for x in xs:
        total += x
    return total


@program((ints(1, 2, 3, 4),), (ints(1, 3),))
def sum_of_even_items(xs):
    total = 0
    for x in xs:
        if x % 2 > 0:
            continue
        total += x
    return total


@program((floats(3, 9, 2),), (floats(-3, -9, -2),))
def largest_item(xs):
    best = float("-inf")
    for x in xs:
        if x > best:
            best = x
    return best


@program((floats([1, 2], [3, 4], [5, 6]),))
def sum_of_rows(matrix):
    total = matrix[0] * 0
    for row in matrix:
        total = total + row
    return total


@program((ints([1, 2], [3, 4]),))
def nested_items(matrix):
    value = 0
    for row in matrix:
        for item in row:
            value = value * 10 + item
    return value


@program((ints([[1, 2], [3, 4]], [[5, 6], [7, 8]]),))
def rank_three(cube):
    corners = 0
    for plane in cube:
        corners += plane[0, 0] * plane[-1, -1]
        for row in plane:
            corners += row.max()
    return corners


@program((ints([1, 7], [9, 2], [3, 3]),))
def rows_unpacked(pairs):
    ascending = 0
    distance = 0
    for a, b in pairs:
        if a < b:
            ascending += 1
        distance += abs(a - b)
    return ascending, distance


@program((floats([1, 2, 3], [4, 5, 6]),))
def rows_unpacked_with_a_star(matrix):
    total = 0.0
    for first, *rest in matrix:
        total += first
        for value in rest:
            total += value * 10
    return total


@program((floats([1, 2], [3, 4]),))
def columns(matrix):
    total = 0.0
    for column in matrix.T:
        total = total * 2 + column[0] * column[1]
    return total


@program((ints(5, 1, 5, 2),), (ints(1, 1),))
def item_and_neighbour(xs):
    rises = 0
    previous = xs[0]
    for x in xs[1:]:
        if x > previous:
            rises += 1
        previous = x
    return rises


@program((ints(1, 2, 3, 4, 5),))
def strided_slice(xs):
    value = 0
    for x in xs[::2]:
        value = 10 * value + x
    for x in xs[::-1]:
        value = value + x
    return value


@program((floats(1, 2, 3),))
def loop_variable_after_the_loop(xs):
    for x in xs:
        pass
    return x


@program((bools(True, False, True, True),))
def booleans(flags):
    count = 0
    for flag in flags:
        if flag:
            count += 1
    return count


@program((ints(2, 0, 5), 5), (ints(2, 0, 5), 9))
def for_else_over_an_array(xs, wanted):
    position = 0
    for x in xs:
        if x == wanted:
            break
        position += 1
    else:
        position = -1
    return position


@program((floats(1, 2, 3), floats(4, 5)))
def outer_product_sum(xs, ys):
    total = 0.0
    for x in xs:
        for y in ys:
            total += x * y
    return total


@program((floats(0.5, 1.5, -2.0),))
def running_array(xs):
    history = jnp.zeros(3)
    for x in xs:
        history = jnp.roll(history, 1) + x
    return history


@program((floats(1, 2, 3), 0.1))
def exponential_average(xs, rate):
    average = 0.0
    for x in xs:
        average = (1 - rate) * average + rate * x
    return average


@program((ints(3, 1, 2),))
def array_is_rebound_in_the_body(xs):
    # The loop goes over the array as it was.
    total = 0
    for x in xs:
        xs = xs * 2
        total += x
    return total, xs


@program((ints(1, 2, 3),))
def computed_array(xs):
    total = 0
    for y in xs * xs + 1:
        total += y
    return total


@program((floats([1, 2], [3, 4]), floats(1, 1)))
def matrix_vector(matrix, vector):
    result = 0.0
    for row in matrix:
        dot = 0.0
        for a, b in zip(row, vector):
            dot += a * b
        result += dot * dot
    return result


@program((ints(4, 4, 2, 4),), (ints(1, 2, 3, 4),))
def majority_vote(xs):
    candidate = xs[0]
    votes = 0
    for x in xs:
        if votes == 0:
            candidate = x
        if x == candidate:
            votes += 1
        else:
            votes -= 1
    return candidate, votes


@program((floats([0, 0], [3, 4], [3, 4], [6, 8]),))
def path_length(points):
    length = 0.0
    previous = points[0]
    for point in points:
        step = point - previous
        length += jnp.sqrt(jnp.sum(step * step))
        previous = point
    return length


@program((ints(1, 2, 3),))
def item_is_changed_in_the_body(xs):
    total = 0
    for x in xs:
        x = x * 10
        if x > 15:
            x += 1
        total += x
    return total


@program((ints([1, 2, 3]),), (ints([1, 2, 3], [4, 5, 6]),))
def single_row(matrix):
    product = 1
    for row in matrix:
        product = product * row.sum()
    return product
