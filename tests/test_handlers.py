"""An exception under a staged condition, and an ``except`` clause that waits for it: the program is told of it."""

from __future__ import annotations

import contextlib

import jax
import pytest

import autograph as ag
from corpus import with_try


@pytest.mark.parametrize(
    "program",
    [
        with_try.raised_in_a_staged_branch_and_caught,
        with_try.raised_in_a_function_and_caught,
        with_try.raised_in_a_staged_loop_and_caught,
    ],
)
def test_a_staged_raise_that_an_except_clause_waits_for_is_refused(program):
    function = getattr(program, "function", program)
    with pytest.raises(ag.UnreachableHandlerError, match="raised under a staged condition, inside a try statement"):
        jax.jit(ag.convert(function))(3)


def test_the_error_gets_past_an_except_clause_that_catches_every_exception():
    def swallow(x):
        try:
            if x > 0:
                raise KeyError("x")
        except Exception:
            return -1
        return x

    with pytest.raises(ag.UnreachableHandlerError, match="KeyError"):
        jax.jit(ag.convert(swallow))(3)


def test_finally_and_with_are_no_handlers():
    def guarded(x):
        try:
            with contextlib.nullcontext():
                if x < 0:
                    raise ValueError("negative")
        finally:
            x = x + 1
        return x

    call = ag.function(guarded)
    assert int(call(1)) == 2
    with pytest.raises(ValueError, match="negative"):
        call(-1)


def test_an_exception_that_python_decides_is_caught_as_ever_in_a_graph():
    def lookup(x, table):
        try:
            factor = table["missing"]
        except KeyError:
            factor = 3
        return x * factor

    assert int(jax.jit(ag.convert(lambda x: lookup(x, {})))(2)) == 6
