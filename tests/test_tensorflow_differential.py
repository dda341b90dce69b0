"""The corpus on TensorFlow: staged, with tensors for arrays and for numbers, and eager Python as the reference.

Programs that use JAX's functions are not for TensorFlow, and nor are those that eager TensorFlow itself refuses
(methods that only NumPy's arrays have), unless the graph can run them all the same.
"""

from __future__ import annotations

import contextlib
import io
from types import CodeType, ModuleType
from typing import Any

import jax
import pytest
import tensorflow as tf

import corpus
from autograph.errors import UnreachableHandlerError
from corpus import Call, Program
from differential import Outcome, fresh, observe, raised_difference, staged_difference
from tensorflow_staging import staged, to_numpy


def uses_jax(code: CodeType, namespace: dict[str, Any]) -> bool:
    for name in code.co_names:
        value = namespace.get(name)
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if str(module).partition(".")[0] == "jax":
            return True
    return any(uses_jax(inner, namespace) for inner in code.co_consts if isinstance(inner, CodeType))


def is_given_jax(program: Program) -> bool:
    values = [value for call in program.calls for value in (*call.args, *call.kwargs.values())]
    return any(isinstance(value, jax.Array) for value in values)


PROGRAMS = [
    program
    for program in corpus.load()
    if program.staged
    and not uses_jax(program.function.__code__, program.function.__globals__)
    and not is_given_jax(program)
]


def staged_call(program: Program, call: Call) -> Outcome:
    args, kwargs = fresh((call.args, call.kwargs))
    function = staged(program.function, program.static)
    value, error = None, None
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        try:
            value = function(*args, **kwargs)
        except Exception as raised:
            error = raised
    return Outcome(value, error, stream.getvalue(), None)


def eager(program: Program, call: Call) -> Outcome:
    """Runs a program as plain Python on eager tensors."""
    args, kwargs = fresh((call.args, call.kwargs), array=lambda a: tf.constant(a) if a.dtype != object else a)
    value, error = None, None
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        try:
            value = to_numpy(program.plain(*args, **kwargs))
        except Exception as raised:
            error = raised
    return Outcome(value, error, stream.getvalue(), None)


BEYOND = frozenset(
    """
    exceptions::a_bare_except
    exceptions::a_class_of_the_function_itself
    exceptions::a_deleted_variable_and_else
    exceptions::a_failed_assertion_is_caught
    exceptions::a_list_as_it_was_at_the_raise
    exceptions::an_exception_on_the_way_out_cancels_break
    exceptions::an_exception_on_the_way_out_cancels_return
    exceptions::break_and_continue_with_else_and_finally
    exceptions::continue_in_the_clause
    exceptions::each_item_has_a_try_of_its_own
    exceptions::finally_runs_before_the_caller_sees_it
    exceptions::items_of_a_dict_at_the_raise
    exceptions::raised_again_through_finally
    exceptions::raised_from_another_and_its_cause
    exceptions::raised_in_a_conditional_expression
    exceptions::raised_in_a_method_two_calls_deep
    exceptions::raised_in_a_while_loop
    exceptions::raised_in_operands
    exceptions::raised_in_the_test_of_a_loop
    exceptions::stop_iteration_of_next
    exceptions::the_first_clause_that_fits
    exceptions::three_calls_in_one_block
    exceptions::two_loops_and_a_break_in_the_clause
    growing_lists::grows_until_it_raises
    open_lists::assign_and_delete_items
    open_lists::built_in_functions_of_a_list
    open_lists::changes_of_length_in_branches
    open_lists::comparisons
    open_lists::enumerate_zip_and_reversed
    open_lists::extend_and_add
    open_lists::index_error_caught
    open_lists::insert
    open_lists::item_by_index
    open_lists::item_of_a_list_display
    open_lists::moving_window
    open_lists::pop_by_index
    open_lists::remove_index_and_count
    open_lists::reverse_and_slices
    open_lists::sort
    open_lists::the_smallest_four
    open_lists::two_names_for_a_list
    program_state::name_error_caught
    program_state::sorted_filtered
    """.split()
)
"""Programs that the graph refuses: exceptions that a clause waits for, and changes in the middle of a list whose length
the graph decides."""

REFUSED: list[str] = []
"""Calls that neither eager TensorFlow nor the graph can run."""


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.id not in BEYOND], ids=lambda program: program.id)
def test_program_means_in_a_graph_what_it_means_in_python(program: Program) -> None:
    for call in program.calls:
        plain = observe(program.plain, call)
        actual = staged_call(program, call)
        if plain.error is None:
            difference = staged_difference(plain, actual, rtol=max(program.rtol, 1e-5), promotes=True)
        else:
            difference = raised_difference(plain, actual, rtol=program.rtol)
            if "division by zero" in str(actual.error):
                continue  # TensorFlow divides and asserts at once, and either may be the first to fail
        if difference is not None:
            reference = eager(program, call)
            if reference.error is not None and type(reference.error) is not type(plain.error):
                REFUSED.append(program.id)
                continue
            if plain.error is None and staged_difference(reference, actual, rtol=1e-5, promotes=True) is None:
                continue  # eager TensorFlow differs from NumPy here, and the graph agrees with it
        assert difference is None, f"{difference}\nplain:  {plain}\nstaged: {actual}"


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.id in BEYOND], ids=lambda program: program.id)
def test_program_that_the_graph_refuses_is_an_error_and_no_other_result(program: Program) -> None:
    for call in program.calls:
        plain = observe(program.plain, call)
        try:
            actual = staged_call(program, call)
        except UnreachableHandlerError:
            continue
        if plain.error is None and actual.error is None:
            assert staged_difference(plain, actual, rtol=1e-5, promotes=True) is None


def test_few_programs_are_beyond_tensorflow() -> None:
    assert len(PROGRAMS) > 600
    assert len(set(REFUSED)) <= 25, sorted(set(REFUSED))
