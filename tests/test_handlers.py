"""Exceptions that the graph decides on: what cannot be caught, and what catching costs."""

from __future__ import annotations

import contextlib

import jax
import jax.numpy as jnp
import pytest

import autograph as ag


def test_a_raise_inside_a_transformation_of_jax_cannot_reach_a_clause_around_it():
    def checked(x):
        if x < 0:
            raise ValueError("negative")
        return x

    def caught(xs):
        try:
            return jax.vmap(checked)(xs)
        except ValueError:
            return xs

    with pytest.raises(ag.UnreachableHandlerError, match="ValueError is raised under a staged condition, inside a try"):
        jax.jit(ag.convert(caught))(jnp.arange(3))


def test_the_error_gets_past_an_except_clause_that_catches_every_exception():
    def swallow(x):
        try:
            if x > 0:
                raise KeyError("x")
        except* KeyError:
            return_value = -1
        else:
            return_value = x
        return return_value

    with pytest.raises(ag.UnreachableHandlerError, match="KeyError"):
        jax.jit(ag.convert(swallow))(3)


def test_a_program_without_try_has_the_graph_that_it_had():
    def checked(x):
        if x < 0:
            raise ValueError("negative")
        return x * 2

    def without(x):
        return checked(x) + 1

    def with_nothing_to_catch(x):
        try:
            y = x * 2
        except ValueError:
            y = 0
        return y + 1

    def by_hand(x):
        return x * 2 + 1

    names = [equation.primitive.name for equation in jax.make_jaxpr(ag.convert(without))(3).eqns]
    assert names == ["lt", "convert_element_type", "cond", "mul", "add"], names
    caught = jax.make_jaxpr(ag.convert(with_nothing_to_catch))(3)
    assert str(caught) == str(jax.make_jaxpr(by_hand)(3))


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
