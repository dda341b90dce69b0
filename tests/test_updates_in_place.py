"""``x += y`` on arrays that have other names: as NumPy does it, or an error, and never a silent difference."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag


def two_names_of_an_array_that_the_function_makes(x):
    out = np.zeros(3, np.float32)
    alias = out
    out += x
    out += x
    return alias, out


def two_names_of_an_argument(x):
    y = x
    y += 1
    return x


def the_callers_array(x):
    x *= 2
    return x.sum()


def a_new_array(x):
    x = x + 1
    total = x.sum()
    total += 1
    return total


def in_a_loop(x, n):
    for _ in range(n):
        x -= 1
    return x


def test_arrays_that_the_function_makes_with_numpy_change_under_all_their_names() -> None:
    x = jnp.arange(3.0, dtype=jnp.float32)
    for result in ag.function(two_names_of_an_array_that_the_function_makes)(x):
        np.testing.assert_array_equal(result, 2 * np.arange(3))


@pytest.mark.parametrize("function", [two_names_of_an_argument, the_callers_array], ids=lambda f: f.__name__)
def test_numpys_arrays_are_refused_where_they_would_change_unseen(function) -> None:
    x = np.ones(3, np.float32)
    with pytest.raises(ag.StagingError, match=r"x\[\.\.\.\] \+= y"):
        ag.function(function)(x)
    np.testing.assert_array_equal(x, np.ones(3))


def test_an_update_in_a_loop_is_refused_as_well() -> None:
    with pytest.raises(ag.StagingError, match="in_a_loop"):
        ag.function(in_a_loop)(np.ones(3, np.float32), 2)


@pytest.mark.parametrize("function", [two_names_of_an_argument, the_callers_array, a_new_array])
def test_jaxs_arrays_get_new_ones_as_they_do_without_the_converter(function) -> None:
    x = jnp.ones(3)
    np.testing.assert_array_equal(ag.function(function)(x), function(x))


def test_a_new_array_is_nobody_elses() -> None:
    x = np.ones(3, np.float32)
    assert ag.function(a_new_array)(x) == a_new_array(x)


def test_lists_from_outside_are_extended_in_place_under_a_condition() -> None:
    def f(x):
        items = [1, 2]
        other = items
        if x > 0:
            items += [3, 4]
        return other

    assert list(map(int, ag.function(f)(jnp.asarray(1)))) == [1, 2, 3, 4]
    assert list(map(int, ag.function(f)(jnp.asarray(-1)))) == [1, 2]
