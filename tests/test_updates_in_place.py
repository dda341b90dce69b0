"""``x += y`` on arrays that have other names: as NumPy does it, or an error, and never a silent difference."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

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
    return x + 1


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


BACKENDS = pytest.mark.parametrize("backend", ["jax", "tensorflow"])
ARRAY = {"jax": jnp.asarray, "tensorflow": tf.constant}


@BACKENDS
@pytest.mark.parametrize("function", [two_names_of_an_argument, the_callers_array], ids=lambda f: f.__name__)
def test_numpys_arrays_are_refused_where_they_would_change_unseen(function, backend: str) -> None:
    x = np.ones(3, np.float32)
    staged = ag.function(function, backend=backend)
    for _ in range(2):
        with pytest.raises(ag.StagingError, match=r"x\[\.\.\.\] \+= y"):
            staged(x)
        np.testing.assert_array_equal(x, np.ones(3))
        staged(ARRAY[backend](x))  # which cannot change


@BACKENDS
def test_an_update_in_a_loop_is_refused_as_well(backend: str) -> None:
    with pytest.raises(ag.StagingError, match="in_a_loop"):
        ag.function(in_a_loop, backend=backend)(np.ones(3, np.float32), 2)


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


def filled(x, n):
    for i in range(n):
        x[i] = i


def filled_in_inner_loops(x, n):
    y, i = x, 0
    while i < n:
        for j in range(n):
            if i > j:
                y[i] += j
        i += 1


def updated(x, n):
    for _ in range(n):
        x += 1


def kept_after_a_new_array(x, n):
    x[0] = n
    x = x + 1
    for i in range(n):
        x[i] = 9


def filled_in_a_structure(pair, n):
    for i in range(n):
        pair["a"][i] += pair["b"][0][i]
        if i > 1:
            return
        pair["b"][0][i] = -1


@BACKENDS
def test_the_caller_sees_what_a_function_does_to_its_arrays_of_numpys(backend: str) -> None:
    for function in (filled, filled_in_inner_loops, updated, kept_after_a_new_array):
        staged, wanted, seen = ag.function(function, backend=backend), np.arange(5.0), np.arange(5.0)
        staged(ARRAY[backend](seen.astype(np.float32)), 3)
        for _ in range(2):
            function(wanted, 3)
            staged(seen, ARRAY[backend](3))
            np.testing.assert_array_equal(seen, wanted, function.__name__)
    wanted, seen = ({"b": [np.ones(4)], "a": np.arange(4.0)} for _ in range(2))
    filled_in_a_structure(wanted, 3)
    ag.function(filled_in_a_structure, backend=backend)(seen, ARRAY[backend](3))
    np.testing.assert_array_equal(seen["a"], wanted["a"])
    np.testing.assert_array_equal(seen["b"][0], wanted["b"][0])


def test_on_tensorflow_tensors_and_arrays_of_numpys_share_the_trace_that_changes_them() -> None:
    staged, array = ag.function(filled, backend="tensorflow"), np.zeros(3, np.float32)
    staged(tf.zeros(3), 3)
    staged(array, 3)
    assert array.tolist() == [0, 1, 2]
    count = staged.tracing_count
    staged(tf.zeros(3), 3)
    staged(array, 3)
    assert staged.tracing_count == count == 2


def test_one_trace_of_tensorflows_called_for_itself_refuses_to_change_an_array_of_numpys() -> None:
    staged = ag.function(filled, backend="tensorflow")
    trace = staged.get_concrete_function(tf.TensorSpec([3], tf.float32), tf.TensorSpec([], tf.int32))
    with pytest.raises(ag.StagingError, match="in place"):
        trace(np.zeros(3, np.float32), tf.constant(1))


@BACKENDS
def test_an_array_that_is_given_twice_is_refused_where_it_changes(backend: str) -> None:
    def f(x, y):
        x[0] = 5.0
        return y[0]

    staged, array = ag.function(f, backend=backend), np.zeros((2, 3))
    with pytest.raises(ag.StagingError, match="given to it twice"):
        staged(array[0], array[0, :2])
    assert array.sum() == 0
    staged(array[:, 0], array[:, 1])
    assert array[0, 0] == 5


def two_names_in_a_loop(n):
    x = np.zeros(3)
    y = x
    for i in range(n):
        x[i] = 1
        y[i] += 1
    return x, y


def two_names_that_part(n):
    x = np.zeros(3)
    y = x
    for _ in range(n):
        x[0] += 1
        x = x * 2
    return x, y


def a_new_name_for_an_argument(x, n):
    for _ in range(n):
        x[0] += 1
        x = x * 2
    return x


@BACKENDS
def test_names_that_a_loop_assigns_are_one_array_for_as_long_as_the_loop_leaves_them_so(backend: str) -> None:
    three = ARRAY[backend](3)
    np.testing.assert_array_equal(ag.function(two_names_in_a_loop, backend=backend)(three), two_names_in_a_loop(3))
    with pytest.raises(ag.StagingError, match=r"'x' and variable 'y'.*y = x\.copy\(\)"):
        ag.function(two_names_that_part, backend=backend)(three)
    staged, array = ag.function(a_new_name_for_an_argument, backend=backend), np.ones(2, np.float32)
    result = staged(ARRAY[backend](array), three)
    with pytest.raises(ag.StagingError, match="an argument and variable 'x'"):
        staged(array, three)
    np.testing.assert_array_equal(result, a_new_name_for_an_argument(array, 3))
