"""Code with effects that no journal takes back runs as often as Python runs it, also while a graph is being built."""

from __future__ import annotations

import collections
import io

import jax
import pytest

import autograph as ag


def through_an_iterator(x):
    numbers = iter([1, 2, 3])
    out = 0
    while True:
        try:
            number = next(numbers)
        except StopIteration:
            break
        out = out * 10 + number
    return x + out


def into_a_file(x):
    out = io.StringIO()
    for _ in range(200):
        out.write("x")
    return x + len(out.getvalue())


def into_a_deque(x):
    queue = collections.deque()
    for i in range(200):
        queue.append(i)
    return x + sum(queue)


def past_a_generator(x):
    squares = (i * i for i in range(50))
    total = 0
    for _ in range(20):
        total += next(squares)
    return x + total


def return_in_finally(x):
    if x is not None:
        try:
            divmod()  # a TypeError
        finally:
            return 7  # noqa: B012
    return 0


@pytest.mark.parametrize(
    "program", [through_an_iterator, into_a_file, into_a_deque, past_a_generator, return_in_finally]
)
def test_effects_happen_as_often_as_in_python(program):
    expected = program(1)
    assert ag.convert(program)(1) == expected
    assert int(jax.jit(ag.convert(program))(1)) == expected
