"""Nine functions of the kind that an introduction shows: loops, conditions, signatures and generated code."""

from __future__ import annotations

import timeit
from collections.abc import Sequence

import tensorflow as tf

import autograph as ag
from case_study import command_line


@ag.function
def compute_sum(n):
    total = 0
    for i in range(n):
        total += i
    return total


@ag.function
def conditional_operation(x):
    if x > 0:
        result = x * 2
    else:
        result = x / 2
    return result


@ag.function
def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


@ag.function
def safe_operation(x):
    if x < 0:
        tf.print("Negative input:", x)
        return 0.0
    return tf.sqrt(x)


# Traced once, and used for vectors of every length.
@ag.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)])
def scale_vector(vector, factor):
    scaled = []
    for value in vector:
        if value > 0:
            scaled.append(value * factor)
        else:
            scaled.append(value)
    return ag.stack(scaled)


@ag.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
def matrix_sum(matrix):
    total = 0.0
    for row in matrix:
        for value in row:
            total += value
    return total


def slow_sum(numbers):
    total = 0.0
    for x in numbers:
        total += x
    return total


fast_sum = ag.function(slow_sum)


@ag.function
def nested_computation(limit):
    count = 0
    for i in range(limit):
        j = 0
        while j < i:
            if (i + j) % 3 == 0:
                count += 1
            j += 1
    return count


def sample_function(x):
    while x > 10:
        x = x // 2
    return x if x % 2 == 0 else -x


def main(argv: Sequence[str] | None = None) -> int:
    quick = command_line(__doc__).parse_args(argv).quick

    print("compute_sum(10):", compute_sum(tf.constant(10)).numpy())
    print("conditional_operation(5.0):", conditional_operation(tf.constant(5.0)).numpy())
    print("conditional_operation(-5.0):", conditional_operation(tf.constant(-5.0)).numpy())
    print("fibonacci(10):", fibonacci(tf.constant(10)).numpy())
    print("safe_operation(16.0):", safe_operation(tf.constant(16.0)).numpy())
    print("safe_operation(-4.0):", safe_operation(tf.constant(-4.0)).numpy())
    print("scale_vector([1, -2, 3], 2):", scale_vector(tf.constant([1.0, -2.0, 3.0]), tf.constant(2.0)).numpy())
    print("scale_vector([1, 2], 10):", scale_vector(tf.constant([1.0, 2.0]), tf.constant(10.0)).numpy())
    print("matrix_sum of 2 x 3 ones:", matrix_sum(tf.ones([2, 3])).numpy())
    print("matrix_sum of 4 x 5 ones:", matrix_sum(tf.ones([4, 5])).numpy())
    print("nested_computation(20):", nested_computation(tf.constant(20)).numpy())

    numbers = tf.range(100.0 if quick else 10_000.0)
    print(f"fast_sum of {len(numbers)} numbers:", fast_sum(numbers).numpy())
    eager = timeit.timeit(lambda: slow_sum(numbers), number=1)
    graph = min(timeit.repeat(lambda: fast_sum(numbers), number=1, repeat=5))
    print(f"the same loop by Python took {eager / graph:.0f} times as long as the graph")

    print("to_code(sample_function):")
    print(ag.to_code(sample_function))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
