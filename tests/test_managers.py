"""``with`` statements whose block the graph may leave by an exception."""

from __future__ import annotations

import contextlib

import jax.numpy as jnp
import pytest

import autograph as ag
from autograph.errors import UnreachableHandlerError
from tensorflow_staging import staged


class Guard:
    def __init__(self, swallows):
        self.swallows, self.left = swallows, 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.left += 10 if kind is ValueError else 1
        return kind is not None and self.swallows


def left_in_a_loop(x):
    guard = Guard(True)
    total = 0
    for i in range(5):
        with guard as same:
            if i == x:
                continue
            if i > x + 1:
                raise ValueError(i)
            total += i
        same.left += 100
    return total, guard.left


def returned_from(x):
    guard = Guard(False)
    try:
        with guard:
            if x > 0:
                return guard.left
            raise ValueError(x)
    except ValueError:
        return guard.left + 1000
    finally:
        print("left", guard.left)


@contextlib.contextmanager
def generated(log):
    log.append("in")
    yield log
    log.append("out")


def in_a_generator(x):
    log = []
    with generated(log):
        x = x + 1 if x > 0 else x
    return x, len(log)


def raised_in_a_generator(x):
    log = []
    try:
        with generated(log):
            if x > 0:
                raise ValueError(x)
    except ValueError:
        x = -1
    return x, len(log)


@pytest.mark.parametrize("function", [left_in_a_loop, returned_from, in_a_generator], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [-1, 1, 3])
def test_a_block_is_left_as_in_python(function, x, capsys) -> None:
    def numbers(result):
        return tuple(map(int, result)) if isinstance(result, tuple) else int(result)

    expected = numbers(function(x)), capsys.readouterr().out
    assert (numbers(ag.function(function)(jnp.asarray(x))), capsys.readouterr().out) == expected
    assert (numbers(staged(function)(x)), capsys.readouterr().out) == expected


def test_a_generator_cannot_be_left_by_what_the_graph_raises() -> None:
    with pytest.raises(UnreachableHandlerError, match="generator"):
        ag.function(raised_in_a_generator)(jnp.asarray(1))
