"""The loops over numbers by hand for TensorFlow."""

import tensorflow as tf


def collatz(limit):
    def of_start(start, total):
        def step(n, total):
            return tf.cond(n % 2 == 0, lambda: n // 2, lambda: 3 * n + 1), total + 1

        return start + 1, tf.while_loop(lambda n, _: n != 1, step, (start, total))[1]

    one = tf.ones_like(limit)
    return tf.while_loop(lambda start, _: start < limit, of_start, (one, one - 1))[1]


def primes_by_trial(limit):
    two = 2 * tf.ones_like(limit)

    def of_number(n, count):
        def step(divisor, _):
            return divisor + 1, n % divisor != 0

        is_prime = tf.while_loop(lambda divisor, goes_on: goes_on & (divisor * divisor <= n), step, (two, True))[1]
        return n + 1, count + tf.cast(is_prime, n.dtype)

    return tf.while_loop(lambda n, _: n < limit, of_number, (two, tf.zeros_like(limit)))[1]


def gcd(limit):
    one = tf.ones_like(limit)

    def of_pair(a, b, total):
        x, _ = tf.while_loop(lambda x, y: y != 0, lambda x, y: (y, x % y), (a, b))
        return b + 1, total + x

    def of_number(a, total):
        _, total = tf.while_loop(lambda b, _: b < limit, lambda b, total: of_pair(a, b, total), (one, total))
        return a + 1, total

    return tf.while_loop(lambda a, _: a < limit, of_number, (one, one - 1))[1]


def mandelbrot(size, most):
    zero = tf.zeros_like(size)
    none = tf.constant(0.0, tf.float64)

    def point(row, column):
        c_re = 3.0 * tf.cast(column, tf.float64) / tf.cast(size, tf.float64) - 2.0
        c_im = 2.0 * tf.cast(row, tf.float64) / tf.cast(size, tf.float64) - 1.0

        def goes_on(x, y, steps):
            return (steps < most) & (x * x + y * y <= 4.0)

        def step(x, y, steps):
            return x * x - y * y + c_re, 2.0 * x * y + c_im, steps + 1

        return tf.while_loop(goes_on, step, (none, none, zero))[2]

    def line(row, total):
        def add(column, total):
            return column + 1, total + point(row, column)

        return row + 1, tf.while_loop(lambda column, _: column < size, add, (zero, total))[1]

    return tf.while_loop(lambda row, _: row < size, line, (zero, zero))[1]


def newton(count):
    def add_root(k, total):
        x = tf.cast(k, tf.float64)

        def halve(root):
            return ((root + x / root) / 2.0,)

        return k + 1, total + tf.while_loop(lambda root: tf.abs(root * root - x) > 1e-9 * x, halve, (x,))[0]

    return tf.while_loop(lambda k, _: k < count, add_root, (tf.ones_like(count), tf.constant(0.0, tf.float64)))[1]


def bisection(count):
    none = tf.constant(0.0, tf.float64)

    def add_root(k, total):
        x = tf.cast(k, tf.float64)

        def halve(low, high):
            middle = (low + high) / 2.0
            above = middle * middle * middle - middle - x > 0.0
            return tf.where(above, low, middle), tf.where(above, middle, high)

        return k + 1, total + tf.while_loop(lambda low, high: high - low > 1e-9, halve, (none, 1.0 + x))[0]

    return tf.while_loop(lambda k, _: k < count, add_root, (tf.ones_like(count), none))[1]
