"""Programs that have no meaning as a graph: each error names what is wrong, and where."""

from __future__ import annotations

import traceback
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import autograph as ag


def error_of(function: Any, *args: Any, kind: type[BaseException] = TypeError) -> BaseException:
    with pytest.raises(kind) as caught:
        jax.jit(ag.convert(function))(*args)
    return caught.value


def lines_of(error: BaseException) -> list[int]:
    return [entry.lineno for entry in traceback.extract_tb(error.__traceback__) if entry.filename == __file__]


# --- a variable has one type ------------------------------------------------------------------------------------------


def test_a_shape_that_differs_between_branches_names_the_variable_and_both_types():
    def f(x):
        if x[0] > 0:
            result = x
        else:
            result = jnp.concatenate([x, x])
        return result

    error = error_of(f, jnp.ones(3))
    assert isinstance(error, ag.StagingError)
    for part in ("'result'", "float32[3]", "float32[6]"):
        assert part in str(error), error
    assert f.__code__.co_firstlineno + 1 in lines_of(error)


def test_a_shape_that_grows_in_a_loop_names_the_variable():
    def f(x, n):
        grown = x
        for _ in range(n):
            grown = jnp.concatenate([grown, x])
        return grown

    error = error_of(f, jnp.ones(2), 3)
    assert "'grown'" in str(error)
    assert "float32[2]" in str(error)
    assert "float32[4]" in str(error)
    assert f.__code__.co_firstlineno + 2 in lines_of(error)


def test_a_shape_that_grows_in_a_while_loop_names_the_variable():
    def f(x):
        while jnp.sum(x) < 100:
            x = jnp.concatenate([x, x])
        return x

    error = error_of(f, jnp.ones(2))
    assert "'x'" in str(error)


def test_what_cannot_be_done_with_one_of_two_strings():
    def f(x):
        label = "small"
        if x > 10:
            label = "large"
        return x, label.encode()

    error = error_of(f, 1)
    assert "'small'" in str(error)
    assert "'large'" in str(error)


def test_a_number_or_a_string():
    def f(x):
        if x > 10:
            value = x
        else:
            value = "none"
        return value

    error = error_of(f, 1)
    assert "'value'" in str(error)
    assert "'none'" in str(error)


def test_tuples_of_other_lengths():
    def f(x):
        pair = (x, x)
        if x > 10:
            pair = (x, x, x)
        return pair

    error = error_of(f, 1)
    assert "'pair'" in str(error)


def test_a_structure_that_changes_in_a_loop():
    def f(x, n):
        state = (x,)
        for _ in range(n):
            state = (*state, x)
        return state

    error = error_of(f, 1, 5)
    assert "'state'" in str(error)


def test_results_of_other_shapes():
    def f(x):
        if x[0] > 0:
            return x
        return jnp.concatenate([x, x])

    error = error_of(f, jnp.ones(3))
    assert isinstance(error, ag.StagingError)
    assert "float32[3]" in str(error)
    assert "float32[6]" in str(error)


def test_an_attribute_of_another_shape_is_named():
    class Box:
        pass

    def f(x):
        box = Box()
        box.content = x
        if x[0] > 0:
            box.content = jnp.concatenate([x, x])
        return box.content

    error = error_of(f, jnp.ones(3))
    assert "'content'" in str(error)
    assert "Box" in str(error)


def test_modules_on_two_paths():
    def f(x):
        module = jnp
        if x > 0:
            module = jax
        return jnp.zeros(3, dtype=module)

    error = error_of(f, 1.0)
    assert f.__code__.co_firstlineno + 4 in lines_of(error) or "'module'" in str(error)


# --- variables that may be unbound ------------------------------------------------------------------------------------


def test_an_unbound_variable_is_the_users_error_at_run_time():
    @ag.function
    def f(x):
        if x > 0:
            y = x + 1
        return y

    assert int(f(1)) == 2
    with pytest.raises(UnboundLocalError, match="'y'"):
        f(-1)


def test_a_variable_unbound_after_a_loop_that_never_ran():
    @ag.function
    def f(n):
        for i in range(n):
            last = i * 2
        return last

    assert int(f(3)) == 4
    with pytest.raises(UnboundLocalError, match="'last'"):
        f(0)


def test_the_loop_variable_of_an_empty_loop():
    @ag.function
    def f(n):
        for i in range(n):
            pass
        return i

    assert int(f(3)) == 2
    with pytest.raises(UnboundLocalError, match="'i'"):
        f(0)


def test_a_variable_that_is_never_assigned():
    def f(x):
        if x > 0:
            return never_defined_anywhere  # noqa: F821
        return x

    error = error_of(f, 1, kind=NameError)
    assert "never_defined_anywhere" in str(error)


def test_a_deleted_variable():
    @ag.function
    def f(x):
        y = x
        del y
        if x > 0:
            x = y  # noqa: F821
        return x

    assert int(f(-1)) == -1
    with pytest.raises(UnboundLocalError, match="'y'"):
        f(1)


# --- recursion --------------------------------------------------------------------------------------------------------


def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


def test_recursion_with_a_static_bound_works():
    assert jax.jit(ag.convert(factorial), static_argnums=0)(5) == 120


def test_endless_staged_recursion_says_so():
    error = error_of(factorial, 5, kind=RecursionError)
    assert "factorial" in str(error) + str(getattr(error, "__notes__", ""))
    assert "recursi" in str(error).lower()
    assert "graph" in str(error) or "stage" in str(error)


def test_endless_staged_recursion_under_ag_function_and_through_two_functions():
    def even(n):
        if n == 0:
            return True
        return odd(n - 1)

    def odd(n):
        if n == 0:
            return False
        return even(n - 1)

    with pytest.raises(RecursionError) as caught:
        ag.function(even)(5)
    assert "graph" in str(caught.value) or "stage" in str(caught.value)


def test_endless_recursion_of_plain_values_is_pythons_own():
    def f(n):
        return f(n + 1) if n >= 0 else 0

    with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
        ag.convert(f)(0)


# --- lists and dicts --------------------------------------------------------------------------------------------------


def test_a_list_that_grows_without_bound_asks_for_a_capacity():
    def f(n):
        items = []
        for i in range(n):
            items.append(i)
        return items

    error = error_of(f, 3)
    assert isinstance(error, ag.StagingError)
    assert "capacity" in str(error)
    assert "set_element_type" in str(error)


def test_a_list_that_grows_in_a_while_loop_asks_for_a_capacity():
    def f(x):
        items = []
        while x < 100:
            items.append(x)
            x = x * 2
        return ag.stack(items)

    error = error_of(f, 3)
    assert "capacity" in str(error)


def test_a_list_from_outside_cannot_grow():
    def f(items, n):
        for i in range(n):
            items.append(i)
        return len(items)

    plain = [1]
    error = error_of(lambda n: f(plain, n), 3)
    assert "inside the converted function" in str(error)
    assert plain == [1]


def test_a_list_that_is_full():
    @ag.function
    def f(n):
        items = []
        ag.set_element_type(items, "int32", capacity=3)
        for i in range(n):
            items.append(i)
        return ag.stack(items)

    assert f(3).tolist() == [0, 1, 2]
    with pytest.raises(IndexError, match="capacity is 3"):
        f(4)


def test_pop_from_an_empty_list():
    @ag.function
    def f(n):
        items = []
        ag.set_element_type(items, "int32", capacity=5)
        for i in range(n):
            items.append(i)
        return items.pop()

    assert int(f(3)) == 2
    with pytest.raises(IndexError, match="pop from empty list"):
        f(0)


def test_elements_of_other_shapes():
    def f(x):
        items = []
        for i in range(20):
            if x[0] > i:
                items.append(x)
            else:
                items.append(jnp.concatenate([x, x]))
        return items

    error = error_of(f, jnp.ones(2))
    assert "list" in str(error)
    assert "float32[2]" in str(error)
    assert "float32[4]" in str(error)


def test_a_dict_with_other_keys_on_one_path():
    def f(x):
        table = {"a": x}
        if x > 0:
            table["b"] = x
        return table["a"]

    error = error_of(f, 1)
    assert isinstance(error, ag.StagingError)
    assert "keys" in str(error)


def test_a_dict_key_that_is_staged():
    def f(x):
        table = {0: 1, 1: 2}
        return table[x]

    error = error_of(f, 1)
    assert "hash" in str(error) or "key" in str(error)


def test_a_comprehension_over_a_staged_range():
    def f(n):
        return [i * 2 for i in range(n)]

    error = error_of(f, 3)
    assert "capacity" in str(error)
    assert [int(x) for x in ag.function(f)(3)] == [0, 2, 4]


def test_len_of_a_staged_sequence_for_python():
    def f(n):
        return list(range(n))

    error = error_of(f, 3)
    assert "for statement" in str(error) or "graph" in str(error)


def test_set_element_type_with_too_small_a_capacity():
    with pytest.raises(ValueError, match="capacity is 1"):
        ag.set_element_type([1, 2], "int32", capacity=1)


def test_stack_of_nothing():
    with pytest.raises(ValueError, match="stack"):
        ag.stack([])


# --- truth, ranges, options -------------------------------------------------------------------------------------------


def test_the_truth_of_an_array_is_ambiguous():
    def f(x):
        if x > 0:
            return x
        return -x

    error = error_of(f, jnp.ones(3), kind=ValueError)
    assert "ambiguous" in str(error)
    assert f.__code__.co_firstlineno + 1 in lines_of(error)


def test_the_truth_of_an_empty_array():
    def f(x):
        while x:
            x = x - 1
        return x

    assert "ambiguous" in str(error_of(f, jnp.ones(0), kind=ValueError))


def test_range_over_a_float():
    def f(x):
        total = 0
        for i in range(x):
            total += i
        return total

    assert "integer" in str(error_of(f, 1.5))


def test_range_with_a_step_of_zero():
    @ag.function
    def f(n, step):
        total = 0
        for i in range(0, n, step):
            total += i
        return total

    assert int(f(10, 3)) == 18
    with pytest.raises(ValueError, match="must not be zero"):
        f(10, 0)


def test_an_unknown_loop_option():
    with pytest.raises(TypeError, match="max_iteration"):
        ag.set_loop_options(max_iteration=3)


def test_an_unknown_way_to_run_a_host_function():
    with pytest.raises(ValueError, match="run_as"):
        ag.do_not_convert(lambda x: x, run_as="thread")


# --- exceptions of the program ----------------------------------------------------------------------------------------


def test_a_staged_assert_under_a_foreign_jit_names_the_assertion():
    def f(x):
        assert x > 0, f"x is {x}"
        return x

    jitted = jax.jit(ag.convert(f))
    assert int(jitted(1)) == 1
    with pytest.raises(jax.errors.JaxRuntimeError, match="AssertionError: x is -1"):
        jax.block_until_ready(jitted(-1))
        jax.effects_barrier()


class OutOfRange(ValueError):
    def __init__(self, value, limit):
        super().__init__(value, limit)
        self.limit = limit

    def __str__(self):
        return f"{self.args[0]} is over {self.limit}"


def test_an_exception_of_the_users_class():
    @ag.function
    def f(x):
        if x > 10:
            raise OutOfRange(x, 10)
        return x

    assert int(f(3)) == 3
    with pytest.raises(OutOfRange) as caught:
        f(30)
    assert str(caught.value) == "30 is over 10"
    assert int(caught.value.args[0]) == 30
    assert caught.value.limit == 10


def test_the_first_failure_in_program_order_is_raised():
    @ag.function
    def f(x):
        assert x > 0, "first"
        assert x > 1, "second"
        return x

    for value, text in ((-1, "first"), (1, "second")):
        with pytest.raises(AssertionError) as caught:
            f(value)
        assert str(caught.value) == text
    assert int(f(2)) == 2


def test_a_failure_does_not_spoil_the_next_call():
    @ag.function
    def f(x):
        if x < 0:
            raise KeyError("negative")
        return x * 2

    for _ in range(3):
        with pytest.raises(KeyError, match="negative"):
            f(-1)
        assert int(f(4)) == 8


def test_an_error_while_tracing_leaves_objects_as_they_were():
    class Box:
        count = 0

    box = Box()
    items = [1]

    def f(x):
        if x[0] > 0:
            box.count = box.count + 1
            items.append(2)
            x = x @ jnp.ones((7, 7))
        return x

    error_of(f, jnp.ones(3))
    assert Box.count == 0
    assert "count" not in vars(box) or box.count == 0
    assert items == [1]


def test_a_failed_trace_does_not_break_the_next_one():
    def f(x):
        if x[0] > 0:
            y = x @ jnp.ones((2, 2))
        else:
            y = x
        return y

    converted = ag.convert(f)
    with pytest.raises(TypeError):
        jax.jit(converted)(jnp.ones(3))
    assert jax.jit(converted)(jnp.ones(2)).tolist() == [2, 2]
    assert converted(jnp.ones(2)).tolist() == [2, 2]

    def g(x):
        print(x)
        return x

    # Outside any region again: printing of plain values happens at once.
    assert ag.convert(g)(3) == 3


def test_may_be_none_under_a_foreign_jit():
    def f(x):
        if x > 0:
            return x

    error = error_of(f, 1)
    assert "None" in str(error) or "Maybe" in str(error)


def test_arithmetic_with_none_on_the_path_taken():
    @ag.function
    def f(x):
        best = None
        if x > 0:
            best = x
        return best + 1

    assert int(f(1)) == 2
    with pytest.raises(TypeError, match="NoneType"):
        f(-1)
