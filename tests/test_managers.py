"""``with`` statements whose block the graph may leave by an exception."""

from __future__ import annotations

import contextlib
import importlib
import sys

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


ELSEWHERE = """
class Guard:
    def __init__(self):
        self.caught = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.caught += kind is ValueError
        return kind is ValueError
"""

HERE = """
import contextlib
import jax
import elsewhere

def a_librarys(x):
    with contextlib.suppress(KeyError), jax.named_scope("scope"), open("file") as file:
        x = x + len(file.read())
    return x

def named(x):
    guard = elsewhere.Guard()
    with guard:
        if x > 2:
            raise ValueError(x)
        x = x + 1
    return x, guard.caught

def handed(x, make):
    with make() as guard:
        for k in range(x):
            if k > 2:
                raise ValueError(k)
            x = x + k
    return x, guard.caught
"""


@pytest.mark.parametrize("engine", ["jax", "tensorflow"])
def test_a_manager_of_a_class_that_no_module_in_sight_has_is_left_by_the_graph(engine, tmp_path, monkeypatch) -> None:
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "uses_elsewhere.py").write_text(HERE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "elsewhere", raising=False)
    monkeypatch.delitem(sys.modules, "uses_elsewhere", raising=False)
    here = importlib.import_module("uses_elsewhere")
    run = (lambda f, x, *rest: ag.function(f)(jnp.asarray(x), *rest)) if engine == "jax" else None
    for x in (1, 5):
        for function, rest in ((here.named, ()), (here.handed, (here.elsewhere.Guard,))):
            call = run or (lambda f, x, *rest: staged(f, ("make",))(x, *rest))
            assert tuple(map(int, call(function, x, *rest))) == function(x, *rest), function.__name__
    assert "ag__.manager" in ag.to_code(here.named)
    assert "ag__.manager" not in ag.to_code(here.a_librarys)
