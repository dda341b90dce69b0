"""What is known of a loop that is complete: that it is true, and that the graph does without what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import autograph as ag
from autograph.engines.jax import ranges

INTERVALS = [(-128, 127), (-7, 5), (0, 9), (3, 3), (-4, -1), (1, 6), (0, 127), (-128, -128)]
OPERATIONS: dict[str, tuple[Callable[..., Any], bool]] = {
    "add": (lax.add, True),
    "sub": (lax.sub, True),
    "mul": (lax.mul, True),
    "max": (lax.max, True),
    "min": (lax.min, True),
    "and": (lax.bitwise_and, True),
    "rem": (lax.rem, True),
    "div": (lax.div, True),
    "shift_right_arithmetic": (lax.shift_right_arithmetic, True),
    "shift_right_logical": (lax.shift_right_logical, True),
    "neg": (lax.neg, False),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_bounds_hold_for_all_values_within_the_bounds_of_the_operands(name):
    operation, is_binary = OPERATIONS[name]
    every = np.arange(-128, 128, dtype=np.int8)
    grid = np.meshgrid(every, every, indexing="ij") if is_binary else [every]
    [equation] = jax.make_jaxpr(operation)(*(np.int8(1) for _ in grid)).eqns
    results = np.asarray(jax.jit(operation)(*grid)).astype(int)
    known = 0
    for left in INTERVALS:
        for right in INTERVALS if is_binary else [(0, 0)]:
            if name in ("rem", "div") and right[0] <= 0 <= right[1]:
                continue
            bounds = ranges.Ranges()
            for variable, interval in zip(equation.invars, (left, right), strict=False):
                bounds.set(variable, interval)
            bounds.visit(equation)
            low, high = bounds.of(equation.outvars[0])
            found = results[tuple(slice(a + 128, b + 129) for a, b in ((left, right) if is_binary else (left,)))]
            assert low <= found.min() <= found.max() <= high
            known += (low, high) != (-128, 127)
    assert known > 0


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_a_comparison_is_decided_only_as_it_is_for_all_values(name):
    operation = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
    operation |= {"eq": np.equal, "ne": np.not_equal}
    decided = 0
    for left in INTERVALS:
        for right in INTERVALS:
            found = operation[name].outer(np.arange(left[0], left[1] + 1), np.arange(right[0], right[1] + 1))
            answer = ranges.decide(name, left, right)
            if answer is not None:
                assert found.all() if answer else not found.any()
                decided += 1
            else:
                assert found.any()
                assert not found.all()
    assert decided > 4


# Programs whose meaning hangs on what is found out about them.


def from_the_end(a, n):
    total = 0
    for i in range(-3, n):
        total += a[i] * (i + 10)
    return total


def down_to_the_last(a, n):
    out = a * 0
    for i in range(len(a) - 1, -n, -1):
        out[i - 1] = a[i] + out[i]
    return out


def neighbours_of_what_is_stored(a, n):
    for i in range(1, len(a) - 1):
        a[i] = a[i - 1] + a[i + 1] + a[i]
        a[i + 1] = a[i] - a[i - 1]
        a[i] = a[i] + a[i + 1]
    return a


def two_places_that_may_be_one(a, n):
    for i in range(len(a)):
        j = (i * n) % len(a)
        a[i] = a[i] + 7
        a[j] = a[j] * 2
        a[i] = a[i] - a[j]
    return a


def least_and_greatest(a, n):
    least, greatest, where = 1000, -1000, 0
    for i in range(len(a)):
        v = a[i] * n - i
        if v < least:
            least = v
        if greatest <= v:
            greatest = v
            where = i
    return least * 10000 + greatest * 100 + where


def flags_that_part_later(a, n):
    first, second, third = False, False, True
    count = 0
    while count < 6 and not (first and second):
        second = first
        first = a[count] > n
        third = not third
        count += 1
    return count * 8 + first * 4 + second * 2 + third


def flags_that_agree(a, n):
    found, missing, where = False, True, 0
    for i in range(len(a)):
        if a[i] == n:
            found = True
            missing = False
            where = i
            break
    return where * 4 + found * 2 + missing


def counters_of_a_loop_under_a_condition(a, n):
    total, i, low, high = 0, 2, 0, 9
    for k in range(4):
        if a[k] % 2 == n % 2:
            while i < 5 + k:
                a[i] = a[i] + k
                i += 1
            while low <= high:
                low += 2
                high -= 1
                a[low % 10] = a[low % 10] + high
        total += i * 100 + low * 10 + high
        low = k
        high = 9 - k
        i = i - 2
    return total, a


def a_step_that_varies(a, n):
    i = 0
    total = 0
    while i < 10:
        total += a[i] * i
        if a[i] > n:
            i += 3
        else:
            i += 1
    return total * 100 + i


def stops_by_patience(a, n):
    best, patience, steps = 1000, 3, 0
    for step in range(30):
        v = max(20 - step * n, 8)
        steps = step
        if v < best:
            best, patience = v, 3
        else:
            patience -= 1
            if patience == 0:
                break
    return steps * 100 + best


def a_chain_of_conditionals(a, n):
    x, y, z = 0, 1, 2
    for k in range(24):
        operation = (a[k % 10] + k) % 6
        if operation == 0:
            x += n
        elif operation == 1:
            y += x
        elif operation < 3:
            a[k % 10] = y + a[k % 7]
        elif x > y:
            z = x
        elif operation == 3:
            a[n] = a[k % 10] + z
            x -= 1
        elif operation == 4:
            if z > 3:
                y = z
                a[n + 1] = z
            else:
                a[n + 1] = 1
        elif k > 20:
            break
        else:
            z += 1
    return x, y, z, a


PROGRAMS = [
    a_chain_of_conditionals,
    from_the_end,
    down_to_the_last,
    neighbours_of_what_is_stored,
    two_places_that_may_be_one,
    least_and_greatest,
    flags_that_part_later,
    flags_that_agree,
    counters_of_a_loop_under_a_condition,
    a_step_that_varies,
    stops_by_patience,
]


def _python(program: Callable[..., Any], a: Any, n: int) -> list[Any]:
    return [np.asarray(value) for value in jax.tree_util.tree_leaves(program(a.copy(), n))]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_loop_gives_what_python_gives_in_either_width_and_for_each_example_of_a_batch(program):
    rng = np.random.default_rng(3)
    arrays, numbers = rng.integers(-9, 9, (4, 10)), np.array([1, 3, 2, 4])
    expected = [_python(program, a, int(n)) for a, n in zip(arrays, numbers, strict=True)]
    for wide in (True, False):
        with jax.enable_x64(wide):
            compiled = jax.jit(ag.convert(program))
            for a, n, results in zip(arrays, numbers, expected, strict=True):
                found = jax.tree_util.tree_leaves(compiled(jnp.asarray(a), jnp.asarray(n)))
                for result, value in zip(results, found, strict=True):
                    np.testing.assert_array_equal(value, result)
    batched = jax.tree_util.tree_leaves(
        jax.jit(jax.vmap(ag.convert(program)))(jnp.asarray(arrays), jnp.asarray(numbers))
    )
    for position, values in enumerate(batched):
        np.testing.assert_array_equal(values, np.stack([results[position] for results in expected]))


def test_what_lies_outside_of_an_array_is_not_stored_at_its_end():
    def filled(a):
        for i in range(14):
            a[i] = i + 1
        return a

    def filled_by_staged(a, n):
        for i in range(n):
            a[i + 2] = i + 1
        return a

    np.testing.assert_array_equal(jax.jit(ag.convert(filled))(jnp.zeros(10, int)), np.arange(1, 11))
    expected = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    np.testing.assert_array_equal(jax.jit(ag.convert(filled_by_staged))(jnp.zeros(10, int), 14), expected)


def test_a_number_that_leaves_its_dtype_is_no_longer_known():
    def wrapped(a, n):
        place = jnp.int32(2**30)
        total = jnp.int32(0)
        for _ in range(9):
            place = place + jnp.int32(2**30)
            if place < 0:
                total += a[0] + n
            else:
                total += a[1]
        return total

    def by_hand(a, n):
        place, total = np.int32(2**30), 0
        for _ in range(9):
            place = np.int32((int(place) + 2**30 + 2**31) % 2**32 - 2**31)
            total += a[0] + n if place < 0 else a[1]
        return total

    assert int(jax.jit(ag.convert(wrapped))(jnp.array([100, 1]), 5)) == by_hand([100, 1], 5)


def test_derivatives_of_a_loop_over_items_are_those_of_the_unrolled_loop():
    def smoothed(a):
        for i in range(1, len(a) - 1):
            a[i] = 0.5 * a[i] + 0.25 * a[i - 1] * a[i + 1]
            if a[i] > a[i - 1]:
                a[i], a[i - 1] = a[i - 1], a[i]
        return (a * a).sum()

    def unrolled(a):
        for i in range(1, len(a) - 1):
            new = 0.5 * a[i] + 0.25 * a[i - 1] * a[i + 1]
            swap = new > a[i - 1]
            low, high = jnp.where(swap, a[i - 1], new), jnp.where(swap, new, a[i - 1])
            a = a.at[i].set(low).at[i - 1].set(high)
        return (a * a).sum()

    a = jnp.asarray(np.random.default_rng(5).random(12))
    np.testing.assert_allclose(jax.grad(ag.convert(smoothed))(a), jax.grad(unrolled)(a), rtol=1e-5)
    np.testing.assert_allclose(
        jax.jvp(ag.convert(smoothed), (a,), (a + 1,))[1], jax.jvp(unrolled, (a,), (a + 1,))[1], rtol=1e-5
    )


def test_a_variable_that_one_conditional_of_a_chain_changes_is_chosen_once():
    def machine(codes, n):
        u, v, x, y, z = 0, 1, 2, 3, 4
        for code in codes:
            if code == 0:
                u += n
            elif code == 1:
                v += u
            elif code == 2:
                x += v
            elif code < n:
                y += x
            elif code == 4:
                z += y
        return u, v, x, y, z

    codes = np.random.default_rng(2).integers(0, 6, 40)
    graph = str(jax.make_jaxpr(ag.convert(machine))(jnp.asarray(codes), 4))
    assert graph.count("select_n") == 5
    assert [int(value) for value in jax.jit(ag.convert(machine))(codes, 4)] == [int(v) for v in machine(codes, 4)]


# Loops that begin with a test of Python's.


def _sines(function: Callable[..., Any], *args: Any) -> int:
    return len(re.findall(r"\bsin\b", str(jax.make_jaxpr(function)(*args))))


def test_a_loop_whose_second_test_is_the_graphs_is_in_the_graph_once():
    def popped(x, n):
        waiting = 1
        while waiting > 0:
            waiting -= 1
            x = jnp.sin(x)
            if x > 0.3 and n > 0:
                waiting += 1
                n -= 1
        return x, n

    def left(x, n):
        steps = 0
        while True:
            x = jnp.sin(x) * 0.9
            steps += 1
            if x < 0.2:
                break
        return x, steps

    for program in (popped, left):
        assert _sines(ag.convert(program), 1.5, 20) == 1
        expected = [float(value) for value in program(1.5, 20)]
        np.testing.assert_allclose(jax.jit(ag.convert(program))(1.5, 20), expected, rtol=1e-5)


def test_a_first_iteration_that_changes_what_kind_of_value_is_held_stays_pythons():
    def from_nothing(x):
        best, k = None, 0
        while best is None or best < 3:
            best = x if best is None else best + x
            k += 1
        return best, k

    def from_an_integer(x):
        y = 1
        while y < 50:
            y = y * x
        return y

    def assigned_within(x):
        more = True
        while more:
            y = x * 2
            x = y
            more = x < 40
        return y

    for program in (from_nothing, from_an_integer, assigned_within):
        expected = [float(value) for value in jax.tree_util.tree_leaves(program(1.5))]
        found = jax.tree_util.tree_leaves(jax.jit(ag.convert(program))(1.5))
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_first_iteration_with_effects_happens_once(capsys):
    source = iter([5, 6, 7])

    def told(x):
        more, k = True, 0
        while more:
            print("iteration", k)
            x = x * 2
            k += 1
            more = x < 10
        return x

    def drawn(x):
        more = True
        while more:
            x = x + next(source)
            more = False
        return x

    assert float(jax.jit(ag.convert(told))(1.0)) == 16.0
    jax.effects_barrier()
    assert capsys.readouterr().out.splitlines() == [f"iteration {k}" for k in range(4)]
    assert float(jax.jit(ag.convert(drawn))(1.0)) == 6.0
    assert next(source) == 6


def test_an_exception_of_the_first_iteration_is_the_programs():
    def looked_up(x):
        more = True
        while more:
            x = x + {"a": 1.0}["b"]
            more = x < 3
        return x

    with pytest.raises(KeyError, match="b"):
        jax.jit(ag.convert(looked_up))(1.0)
