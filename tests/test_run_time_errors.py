"""Exceptions that a graph raises: the user's frames, the iteration, and what they cost where there are none."""

from __future__ import annotations

import re
import traceback
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import autograph as ag


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


def failure(function: Any, *args: Any, kind: type[BaseException] = Exception) -> BaseException:
    with pytest.raises(kind) as caught:
        function(*args)
    return caught.value


def carried(function: Any, *args: Any) -> list[int]:
    """How many values each loop of a graph carries."""
    found = []

    def look(jaxpr: Any) -> None:
        for equation in jaxpr.eqns:
            if equation.primitive.name in ("while", "scan", "bounded_while", "ag_while"):
                found.append(len(equation.outvars))
            for parameter in equation.params.values():
                for inner in parameter if isinstance(parameter, tuple | list) else (parameter,):
                    inner = getattr(inner, "jaxpr", inner)
                    if hasattr(inner, "eqns"):
                        look(inner)

    look(jax.make_jaxpr(ag.convert(function))(*args).jaxpr)
    return found


def test_without_a_check_a_loop_carries_its_variables_and_nothing_more():
    def plain(n):
        total = 0
        while n > 1:
            total = total + n
            n = n // 2
        return total

    def checked(n):
        total = 0
        while n > 1:
            total = total + n
            assert total < 1000, "too much"
            n = n // 2
        return total

    assert carried(plain, 5) == [2]
    # The iteration's number, which exception ends the loop, and the number that it takes along.
    assert carried(checked, 5) == [2 + 3]


def test_without_a_check_the_compiled_program_is_that_of_lax():
    start = jnp.arange(5)  # an array: the test of a loop over numbers alone has operations for LLVM in it

    def plain(n):
        total = start
        while n > 1:
            total = total + n
            n = n - 3
        return total

    def by_hand(n):
        def body(state):
            total, n = state
            return total + n, n - 3

        return jax.lax.while_loop(lambda state: state[1] > 1, body, (start, jnp.asarray(n)))[0]

    def operations(function: Any) -> list[str]:
        text = jax.jit(function).lower(jnp.int32(5)).compile().as_text()
        return sorted(re.findall(r"= \S+ ([a-z-]+)\(", text))

    assert operations(ag.convert(plain)) == operations(by_hand)


def test_ranges_with_steps_rows_and_loops_of_pythons_own_are_counted_from_zero():
    @ag.function
    def stepped(n):
        for i in range(10, n, -2):  # 10, 8, 6, 4
            assert i != 4, "four"
        return n

    @ag.function
    def rows(xs):
        for x in xs:
            assert x != 7, "seven"
        return xs

    @ag.function
    def unrolled(x):
        for factor in (1, 2, 3):
            assert x * factor != 12, f"{factor}"
        return x

    @ag.function
    def unrolled_while(x):
        k = 0
        while k < 3:
            k += 1
            assert x * k != 12
        return x

    for function, argument, number in (
        (stepped, 0, 3),
        (rows, jnp.arange(20), 7),
        (unrolled, 4, 2),
        (unrolled_while, 6, 1),
    ):
        error = failure(function, argument, kind=AssertionError)
        assert f"In iteration {number} of `" in notes(error), (function, notes(error))


def test_nested_loops_are_named_from_the_outermost_in_and_across_functions():
    def check(i, j):
        assert i * j != 6, f"{i} {j}"

    def inner(i):
        for j in range(20):
            check(i, j)

    @ag.function
    def f(n):
        for i in range(n):
            inner(i)
        return n

    error = failure(f, 9, kind=AssertionError)
    assert str(error) == "1 6"
    first = f.python_function.__code__.co_firstlineno
    outer = re.escape(f'iteration 1 of `for i in range(n):` (File "{__file__}", line {first + 2}, in f)')
    line = inner.__code__.co_firstlineno + 1
    within = re.escape(f'iteration 6 of `for j in range(20):` (File "{__file__}", line {line}, in inner)')
    assert re.search(f"In {outer}, {within}; the first iteration is 0", notes(error)), notes(error)


def test_an_exception_outside_of_loops_has_no_note():
    @ag.function
    def f(x):
        for _ in range(20):
            x = x + 1
        assert x < 0, "positive"
        return x

    assert notes(failure(f, 1, kind=AssertionError)) == ""


def test_under_a_foreign_jit_the_report_names_the_line_and_the_iteration():
    def f(n):
        for i in range(n):
            assert i < 3, f"i is {i}"
        return n

    error = failure(jax.jit(ag.convert(f)), 5)
    assert type(error).__name__ == "JaxRuntimeError"
    line = f.__code__.co_firstlineno
    assert f'File "{__file__}", line {line + 2}, in f (In iteration 3 of `for i in range(n):`' in str(error)
    assert "AssertionError: i is 3" in str(error)


@ag.function
def inner_function(x, y):
    if x[0] > 0:
        return x + y
    return x


@ag.function
def outer_function(x, y):
    for _ in range(20):
        if x[0] > 1:
            x = inner_function(x, y)
    return x


def test_a_traceback_through_nested_functions_and_regions_has_the_users_frames_alone_in_order():
    error = failure(outer_function, jnp.ones(2), jnp.ones(3), kind=TypeError)
    entries = [e for e in traceback.extract_tb(error.__traceback__) if e.name not in ("failure",)]
    names = [entry.name for entry in entries]
    assert names == ["outer_function", "outer_function", "outer_function", "inner_function", "inner_function"]
    assert [entry.line for entry in entries] == [
        "for _ in range(20):",
        "if x[0] > 1:",
        "x = inner_function(x, y)",
        "if x[0] > 0:",
        "return x + y",
    ]
    assert {entry.filename for entry in entries} == {__file__}
    last = entries[-1]
    assert last.line is not None
    line = "        return x + y"
    assert line[last.colno : last.end_colno] == "x + y"
    assert "`x` is float32[2], `y` is float32[3]" in notes(error)


def test_a_note_costs_nothing_to_an_exception_that_the_program_catches():
    def f(x):
        try:
            table = {0: x}
            return table[x]
        except TypeError:
            return x * 2

    assert int(jax.jit(ag.convert(f))(4)) == 8


def test_isinstance_of_a_number_of_pythons_is_what_python_says():
    def f(n, x, xs):
        return [isinstance(n, int), isinstance(n, float), isinstance(x, (float, str)), isinstance(xs, int)]

    plain = f(3, 2.0, jnp.ones(3))
    assert ag.function(f)(3, 2.0, jnp.ones(3)) == plain == [True, False, True, False]


def test_what_a_loop_raises_is_raised_behind_it_and_the_loop_calls_no_host():
    def checked(n):
        total = 0
        items = [1, 2, 3]
        for i in range(n):
            assert total < 1000, f"too much in {i}"
            if i == 7:
                raise KeyError(i)
            total += items[i % 3]
            items[i % 3] = total
        return total

    function = ag.function(checked)
    assert int(function(jnp.int32(5))) == checked(5)
    with pytest.raises(KeyError) as caught:
        function(jnp.int32(9))
    assert int(caught.value.args[0]) == 7
    assert any("iteration 7 of `for i in range(n):`" in note for note in caught.value.__notes__)
    graph = jax.make_jaxpr(ag.convert(checked))(jnp.int32(5)).jaxpr
    [loop] = [equation for equation in graph.eqns if equation.primitive.name == "while"]
    assert not loop.effects
    assert not loop.params["body_jaxpr"].effects


def test_what_is_printed_before_a_loop_raises_is_printed_and_nothing_after(capsys):
    def talks(n):
        for i in range(n):
            print("before", i)
            if i == 2:
                raise ValueError(f"no {i}")
            print("after", i)
        print("done", n)

    function = ag.function(talks)
    for n in (2, 5):
        outcomes = []
        for run in (talks, function):
            try:
                run(n if run is talks else jnp.int32(n))
                error = None
            except ValueError as raised:
                error = str(raised)
            outcomes.append((error, capsys.readouterr().out))
        assert outcomes[0] == outcomes[1]


def test_what_a_function_under_vmap_in_a_loop_raises_is_raised():
    def each(n, values):
        def checked(value):
            if value > 3:
                raise ValueError("too large")
            return value + 1

        for _ in range(n):
            values = jax.vmap(checked)(values)
        return values

    function = ag.function(each)
    assert function(jnp.int32(2), jnp.array([0, 1])).tolist() == [2, 3]
    with pytest.raises(ValueError, match="too large"):
        function(jnp.int32(4), jnp.array([0, 1]))


def test_a_loop_with_a_known_count_is_a_scan_unless_it_would_work_long_in_vain():
    def checked(xs, rows):
        total = rows[0]
        for x in xs:
            assert x < 5
            total = jnp.sin(total + x)
        return total

    def loops(size):
        graph = jax.make_jaxpr(ag.convert(checked))(jnp.ones(100), jnp.ones((1, size))).jaxpr
        return [equation.primitive.name for equation in graph.eqns if equation.primitive.name in ("scan", "while")]

    assert loops(10) == ["scan"]
    assert loops(1_000_000) == ["while"]
    function = ag.function(checked)
    for size in (10, 1_000_000):
        with pytest.raises(AssertionError) as caught:
            function(jnp.arange(100.0), jnp.ones((1, size)))
        assert "iteration 5 of `for x in xs:`" in notes(caught.value)
