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


REFUSED: list[str] = []
"""Calls that neither eager TensorFlow nor the graph can run."""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.id)
def test_program_means_in_a_graph_what_it_means_in_python(program: Program) -> None:
    for call in program.calls:
        plain = observe(program.plain, call)
        actual = staged_call(program, call)
        if plain.error is None:
            difference = staged_difference(plain, actual, rtol=max(program.rtol, 1e-5), promotes=True)
        else:
            difference = raised_difference(plain, actual, rtol=program.rtol)
        if difference is not None:
            reference = eager(program, call)
            if reference.error is not None and type(reference.error) is not type(plain.error):
                REFUSED.append(program.id)
                continue
            if plain.error is None and staged_difference(reference, actual, rtol=1e-5, promotes=True) is None:
                continue  # eager TensorFlow differs from NumPy here, and the graph agrees with it
        assert difference is None, f"{difference}\nplain:  {plain}\nstaged: {actual}"


def test_few_programs_are_beyond_tensorflow() -> None:
    assert len(PROGRAMS) > 600
    assert len(set(REFUSED)) <= 25, sorted(set(REFUSED))
