"""Some of the loops over numbers by hand for TensorFlow."""

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
