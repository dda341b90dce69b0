"""The loops over the items of one array by hand for TensorFlow."""

import tensorflow as tf


def put(tensor, place, value):
    """A tensor with another item at one place, which has an index for each axis."""
    return tf.tensor_scatter_nd_update(tensor, [tf.stack([tf.cast(index, tf.int64) for index in place])], [value])


def size_of(tensor, axis=0):
    return tf.shape(tensor, tf.int64)[axis]


def sieve(is_composite):
    limit = size_of(is_composite)

    def strike(n, flags):
        def step(multiple, flags):
            return multiple + n, put(flags, (multiple,), True)

        return tf.while_loop(lambda multiple, _: multiple < limit, step, (n * n, flags))[1]

    def look(n, count, flags):
        is_prime = ~flags[n]
        flags = tf.cond(is_prime, lambda: strike(n, flags), lambda: flags)
        return n + 1, count + tf.cast(is_prime, tf.int64), flags

    two, zero = tf.constant(2, tf.int64), tf.constant(0, tf.int64)
    return tf.while_loop(lambda n, *_: n < limit, look, (two, zero, is_composite))[1]


def bubble_sort(values):
    def sweep(end, values):
        def step(k, values):
            left, right = values[k], values[k + 1]
            values = put(values, (k,), tf.minimum(left, right))
            return k + 1, put(values, (k + 1,), tf.maximum(left, right))

        return end - 1, tf.while_loop(lambda k, _: k < end, step, (tf.zeros_like(end), values))[1]

    return tf.while_loop(lambda end, _: end > 0, sweep, (size_of(values) - 1, values))[1]


def quick_sort(values, lows, highs):
    def partition(low, high, values):
        pivot = values[(low + high) // 2]

        def step(i, j, values):
            i = tf.while_loop(lambda i: values[i] < pivot, lambda i: (i + 1,), (i,))[0]
            j = tf.while_loop(lambda j: values[j] > pivot, lambda j: (j - 1,), (j,))[0]

            def swapped():
                return i + 1, j - 1, put(put(values, (i,), values[j]), (j,), values[i])

            return tf.cond(i <= j, swapped, lambda: (i, j, values))

        return tf.while_loop(lambda i, j, _: i <= j, step, (low, high, values))

    def take(waiting, values, lows, highs):
        waiting = waiting - 1
        low, high = lows[waiting], highs[waiting]

        def split():
            i, j, changed = partition(low, high, values)
            new_lows = put(put(lows, (waiting,), low), (waiting + 1,), i)
            new_highs = put(put(highs, (waiting,), j), (waiting + 1,), high)
            return waiting + 2, changed, new_lows, new_highs

        return tf.cond(low >= high, lambda: (waiting, values, lows, highs), split)

    highs = put(highs, (0,), size_of(values) - 1)
    start = (tf.constant(1, tf.int64), values, put(lows, (0,), tf.constant(0, tf.int64)), highs)
    return tf.while_loop(lambda waiting, *_: waiting > 0, take, start)[1]


def binary_search(values, queries):
    def find(k, total):
        def halve(low, high):
            middle = (low + high) // 2
            below = values[middle] < queries[k]
            return tf.where(below, middle + 1, low), tf.where(below, high, middle)

        zero = tf.zeros_like(k)
        return k + 1, total + tf.while_loop(lambda low, high: low < high, halve, (zero, size_of(values)))[0]

    zero = tf.constant(0, tf.int64)
    return tf.while_loop(lambda k, _: k < size_of(queries), find, (zero, zero))[1]


def run_lengths(values):
    one = tf.constant(1, tf.int64)

    def step(k, length, longest, count):
        same = values[k] == values[k - 1]
        ended = tf.where(same, 0 * one, length)
        return k + 1, tf.where(same, length + 1, one), tf.maximum(longest, ended), count + tf.cast(~same, tf.int64)

    start = (one, one, 0 * one, one)
    _, length, longest, count = tf.while_loop(lambda k, *_: k < size_of(values), step, start)
    return tf.maximum(longest, length) * 1000 + count
