"""The differential harness finds what it is there to find: each difference planted here is reported."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import corpus
from corpus import Call, floats, ints
from differential import (
    Outcome,
    exact_difference,
    foreign_raised_difference,
    observe,
    raised_difference,
    staged_difference,
)

Point = collections.namedtuple("Point", "x y")


def outcome(
    value: Any = None, *, error: BaseException | None = None, printed: str = "", arguments: Any = ()
) -> Outcome:
    return Outcome(value, error, printed, arguments)


def staged(expected: Outcome, actual: Outcome, *, promotes: bool = False) -> str | None:
    return staged_difference(expected, actual, rtol=1e-4, promotes=promotes)


class Box:
    def __init__(self, item: Any) -> None:
        self.item = item


@pytest.mark.parametrize(
    "value",
    [1, True, 1.5, float("nan"), "text", None, (1, [2, {"a": 3.0}]), Point(1, 2), ints(1, 2), np.float32(2), {1, 2}],
    ids=repr,
)
def test_exact_accepts_the_same_value(value: Any) -> None:
    assert exact_difference(outcome(value), outcome(value)) is None


def test_exact_compares_objects_by_their_attributes() -> None:
    assert exact_difference(outcome(Box([1])), outcome(Box([1]))) is None
    assert "item" in (exact_difference(outcome(Box([1])), outcome(Box([2]))) or "")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 2),
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (1, np.int32(1)),
        (np.float32(1), np.float64(1)),
        (ints(1, 2), ints(1, 3)),
        (ints(1, 2), ints([1, 2])),
        (ints(1, 2), jnp.array([1, 2])),
        ((1, 2), [1, 2]),
        ((1, 2), Point(1, 2)),
        ((1, 2), (1, 2, 3)),
        ([1, (2, 3)], [1, (2, 4)]),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (None, 0),
        ("a", "b"),
    ],
    ids=repr,
)
def test_exact_reports_a_wrong_value_or_type(expected: Any, actual: Any) -> None:
    assert exact_difference(outcome(expected), outcome(actual)) is not None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (ValueError("a"), None),
        (None, ValueError("a")),
        (ValueError("a"), ValueError("b")),
        (ValueError("a"), TypeError("a")),
        (UnboundLocalError("a"), NameError("a")),
        (KeyError("a", 1), KeyError("a", 2)),
    ],
    ids=repr,
)
def test_exact_reports_a_wrong_exception(expected: BaseException | None, actual: BaseException | None) -> None:
    assert exact_difference(outcome(error=expected), outcome(error=actual)) is not None


def test_exact_reports_a_wrong_print_and_a_changed_argument() -> None:
    assert "stdout" in (exact_difference(outcome(printed="1\n"), outcome(printed="1.0\n")) or "")
    assert "arguments" in (exact_difference(outcome(arguments=[1]), outcome(arguments=[2])) or "")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, jnp.array(1)),
        (True, jnp.array(True)),
        (1.5, jnp.array(1.5)),
        (np.float32(0.1), jnp.array(0.1)),
        (0.1 + 0.2, jnp.array(0.3)),
        (float("nan"), jnp.array(jnp.nan)),
        (ints(1, 2), jnp.array([1, 2])),
        ((1, [2.0]), (jnp.array(1), [jnp.array(2.0)])),
        ({"b": 1, "a": 2}, {"a": jnp.array(2), "b": jnp.array(1)}),
        (Point(1, 2), Point(jnp.array(1), jnp.array(2))),
        (None, None),
    ],
    ids=repr,
)
def test_staged_accepts_the_same_numbers(expected: Any, actual: Any) -> None:
    assert staged(outcome(expected), outcome(actual)) is None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, jnp.array(2)),
        (1, jnp.array(1.0)),
        (1, jnp.array(True)),
        (True, jnp.array(1)),
        (1.0, jnp.array(1)),
        (1.0, jnp.array(1.001)),
        (1.0, jnp.array(jnp.nan)),
        (1, jnp.array([1])),
        (ints(1, 2), jnp.array([1, 3])),
        (floats(1, 2), jnp.array([[1.0, 2.0]])),
        ((1, 2), [jnp.array(1), jnp.array(2)]),
        ((1, 2), (jnp.array(1),)),
        ((1, 2), Point(jnp.array(1), jnp.array(2))),
        ({"a": 1}, {"b": jnp.array(1)}),
        ({"a": 1}, {"a": jnp.array(2)}),
        (None, jnp.array(0)),
        (0, None),
    ],
    ids=repr,
)
def test_staged_reports_a_wrong_value_kind_or_structure(expected: Any, actual: Any) -> None:
    assert staged(outcome(expected), outcome(actual)) is not None


def test_staged_allows_a_wider_kind_only_where_asked() -> None:
    assert staged(outcome(1), outcome(jnp.array(1.0)), promotes=True) is None
    assert staged(outcome(1.0), outcome(jnp.array(1)), promotes=True) is not None
    assert staged(outcome(1), outcome(jnp.array(2.0)), promotes=True) is not None


def test_staged_reports_an_error() -> None:
    assert "boom" in (staged(outcome(1), outcome(error=TypeError("boom"))) or "")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("loss 0.30000000000000004\n", "loss 0.3\n"),
        ("[1. 2.  3.]\n", "[1.  2. 3.]\n"),
        ("a 1\nb 2\n", "a 1\nb 2\n"),
        ("x=-1, nan\n", "x=-1, nan\n"),
    ],
)
def test_text_accepts_rounding_and_padding(expected: str, actual: str) -> None:
    assert staged(outcome(printed=expected), outcome(printed=actual)) is None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1\n", ""),
        ("", "1\n"),
        ("1\n", "2\n"),
        ("1\n", "1.0\n"),
        ("1.0\n", "1.01\n"),
        ("True\n", "1\n"),
        ("True\n", "False\n"),
        ("a 1\nb 2\n", "b 2\na 1\n"),
        ("a 1\n", "b 1\n"),
        ("1 2\n", "1\n2\n"),
        ("1 2\n", "12\n"),
        ("[1, 2]\n", "[1 2]\n"),
        ("[1 2]\n", "[1 2 3]\n"),
    ],
)
def test_text_reports_a_wrong_print(expected: str, actual: str) -> None:
    assert staged(outcome(printed=expected), outcome(printed=actual)) is not None


def raised(expected: Outcome, actual: Outcome) -> str | None:
    return raised_difference(expected, actual, rtol=1e-4)


def foreign(expected: Outcome, actual: Outcome) -> str | None:
    return foreign_raised_difference(expected, actual, rtol=1e-4)


EXPECTED_ERROR = outcome(error=AssertionError("x is 3"), printed="before\n")


def test_raised_accepts_the_same_exception() -> None:
    assert raised(EXPECTED_ERROR, outcome(error=AssertionError("x is 3"), printed="before\n")) is None


@pytest.mark.parametrize(
    "actual",
    [
        outcome(3, printed="before\n"),
        outcome(error=ValueError("x is 3"), printed="before\n"),
        outcome(error=AssertionError("x is 4"), printed="before\n"),
        outcome(error=AssertionError(), printed="before\n"),
        outcome(error=AssertionError("x is 3")),
        outcome(error=AssertionError("x is 3"), printed="before\nafter\n"),
    ],
    ids=str,
)
def test_raised_reports_another_exception_or_print(actual: Outcome) -> None:
    assert raised(EXPECTED_ERROR, actual) is not None
    assert foreign(EXPECTED_ERROR, actual) is not None


def test_foreign_reads_the_exception_in_the_text() -> None:
    def runtime_error(text: str) -> Outcome:
        return outcome(error=jax.errors.JaxRuntimeError(f"INTERNAL: callback failed\n{text}\n"), printed="before\n")

    assert foreign(EXPECTED_ERROR, runtime_error("AssertionError: x is 3")) is None
    assert foreign(EXPECTED_ERROR, runtime_error("AssertionError: x is 4")) is not None
    assert foreign(EXPECTED_ERROR, runtime_error("ValueError: x is 3")) is not None
    assert foreign(EXPECTED_ERROR, runtime_error("")) is not None
    assert foreign(EXPECTED_ERROR, outcome(error=TypeError("AssertionError: x is 3"), printed="before\n")) is not None


# Whole runs, with a conversion that goes wrong in one way.


def clamp(x: Any) -> Any:
    print("clamping", x)
    if x < 0:
        raise ValueError("negative")
    return x * 2


def off_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: function(x) + 1


def silent(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        if x < 0:
            raise ValueError("negative")
        return x * 2

    return run


def lenient(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        print("clamping", x)
        return x * 2

    return run


@pytest.mark.parametrize(
    ("conversion", "argument", "found"),
    [(off_by_one, 3, "result"), (silent, 3, "stdout"), (lenient, -3, "error"), (silent, -3, "stdout")],
)
def test_a_wrong_conversion_is_reported(conversion: Callable[..., Any], argument: int, found: str) -> None:
    plain = observe(clamp, Call((argument,)))
    wrong = observe(conversion(clamp), Call((argument,)))
    assert exact_difference(plain, observe(clamp, Call((argument,)))) is None
    assert found in (exact_difference(plain, wrong) or "")


def test_a_wrong_graph_is_reported() -> None:
    def halve(xs: Any) -> Any:
        return xs / 2

    call = Call((floats(1, 2),))
    plain = observe(halve, call)
    assert staged(plain, observe(jax.jit(halve), call, staged=True)) is None
    assert staged(plain, observe(jax.jit(lambda xs: xs // 2), call, staged=True)) is not None
    assert staged(plain, observe(jax.jit(lambda xs: xs.astype(int)), call, staged=True)) is not None
    assert staged(plain, observe(jax.jit(lambda xs: [xs / 2]), call, staged=True)) is not None


def test_arguments_are_copied_for_each_run() -> None:
    def clear(xs: Any) -> Any:
        xs[0] = 0
        return xs

    call = Call((ints(1, 2),))
    assert observe(clear, call).arguments[0][0].tolist() == [0, 2]
    assert call.args[0].tolist() == [1, 2]


def test_the_corpus_is_complete_and_its_programs_keep_no_state() -> None:
    programs = corpus.load()
    assert len(programs) >= 330
    assert len({program.group for program in programs}) >= 21
    for program in programs:
        for call in program.calls:
            first, second = observe(program.plain, call), observe(program.plain, call)
            assert exact_difference(first, second) is None, program.id
            assert (first.error is not None) is call.raises, program.id
