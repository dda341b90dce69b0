"""What graphs are made of: which operations stand in a jaxpr, and what loops carry. No clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag


def jaxpr_of(function: Any, *args: Any, **static: Any) -> Any:
    return jax.make_jaxpr(ag.convert(function), **static)(*args).jaxpr


def equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those of inner jaxprs included."""
    for equation in jaxpr.eqns:
        yield equation
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from equations(inner)


def primitives(function: Any, *args: Any, **static: Any) -> Counter[str]:
    return Counter(equation.primitive.name for equation in equations(jaxpr_of(function, *args, **static)))


def only(function: Any, name: str, *args: Any) -> Any:
    """The one equation called ``name``."""
    found = [equation for equation in equations(jaxpr_of(function, *args)) if equation.primitive.name == name]
    assert len(found) == 1, found
    return found[0]


def carried(equation: Any) -> int:
    """How many values a loop carries from one iteration to the next."""
    if equation.primitive.name == "while":
        return len(equation.outvars)
    return equation.params["num_carry"]


# --- conditionals -----------------------------------------------------------------------------------------------------


def test_cheap_and_safe_branches_become_a_select():
    def f(x, y):
        if x > y:
            z = x - y
        else:
            z = y - x
        return z

    found = primitives(f, 1.0, 2.0)
    assert found["select_n"] == 1
    assert found["cond"] == 0


def test_integer_branches_become_a_select():
    def f(n):
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        return n

    assert primitives(f, 7)["cond"] == 0


def test_expensive_branches_become_a_cond():
    def f(x):
        if x[0, 0] > 0:
            x = x @ x @ x
        return x

    found = primitives(f, jnp.ones((32, 32)))
    assert found["cond"] == 1
    assert found["dot_general"] == 2


def test_branches_that_are_not_safe_for_a_gradient_become_a_cond():
    def root(x):
        return jnp.sqrt(x) if x > 0 else x

    def quotient(x):
        return 1 / x if x != 0 else x

    def logarithm(x):
        if x > 0:
            x = jnp.log(x)
        return x

    for function in (root, quotient, logarithm):
        assert primitives(function, 1.0)["cond"] == 1


def test_branches_with_effects_become_a_cond():
    def f(x):
        if x > 0:
            print(x)
        return x

    assert primitives(f, 1)["cond"] == 1


def test_a_branch_that_changes_nothing_is_no_conditional_at_all():
    def f(x):
        if x > 0:
            y = x + 1  # nobody reads it
        return x * 2

    found = primitives(f, 1)
    assert found["cond"] == found["select_n"] == 0


def test_only_what_matters_comes_out_of_a_conditional():
    def f(x):
        a = b = jnp.zeros((50, 50))
        if x > 0:
            a = a @ a + x
            b = b @ b - x
            temporary = a + b
        return b

    assert len(only(f, "cond", 1.0).outvars) == 1


def test_the_same_value_on_both_paths_is_not_selected():
    def f(x, y):
        if x > 0:
            a, b = y, x + 1
        else:
            a, b = y, x - 1
        return a, b

    assert primitives(f, 1, 2)["select_n"] == 1
    jaxpr = jaxpr_of(f, 1, 2)
    assert jaxpr.outvars[0] is jaxpr.invars[1]


def test_equal_constants_stay_pythons():
    def f(x):
        if x > 0:
            n = 3
            x = x + 1
        else:
            n = 3
        for _ in range(n):
            x = x * 2
        return x

    found = primitives(f, 1)
    assert found["while"] == found["scan"] == 0


def test_a_condition_of_pythons_leaves_no_trace():
    def f(x, flag):
        if flag:
            return x + 1
        return x - 1

    found = primitives(f, 1, True, static_argnums=1)
    assert found == Counter({"add": 1})


def test_an_early_return_is_one_conditional_without_flags():
    def g(m):
        if m[0, 0] > 0:
            return m @ m
        y = m + 1
        return y @ y

    equation = only(g, "cond", jnp.ones((40, 40)))
    assert len(equation.outvars) == 1


# --- logic ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c: a and b,
        lambda a, b, c: a or b,
        lambda a, b, c: a and b or not c,
        lambda a, b, c: not (a or b) and c,
    ],
)
def test_logic_of_booleans_needs_no_conditional(function):
    found = primitives(function, True, False, True)
    assert found["cond"] == found["select_n"] == 0
    assert found["and"] + found["or"] + found["not"] >= 1


def test_comparisons_joined_by_logic_need_no_conditional():
    def f(x, y):
        return x > 0 and y > 0 or x < -5

    def chained(x, y):
        return 0 < x < y <= 10

    for function in (f, chained):
        found = primitives(function, 1, 2)
        assert found["cond"] == found["select_n"] == 0


def test_an_expensive_second_operand_is_evaluated_lazily():
    def f(x):
        return x[0, 0] > 0 and (x @ x)[0, 0] > 1

    assert primitives(f, jnp.ones((32, 32)))["cond"] == 1


# --- loops ------------------------------------------------------------------------------------------------------------


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def test_a_while_loop_carries_its_variables_and_nothing_else():
    equation = only(collatz, "while", 27)
    assert carried(equation) == 2
    assert primitives(collatz, 27)["cond"] == 0


def test_what_the_body_does_not_change_is_not_carried():
    def f(x, big, limit):
        unchanged = x * 2
        while x < limit:
            temporary = x + unchanged
            x = temporary + jnp.sum(big)
        return x + unchanged

    equation = only(f, "while", 1.0, jnp.ones(100), 1000.0)
    assert carried(equation) == 1
    shapes = [variable.aval.shape for variable in equation.outvars]
    assert shapes == [()]


def test_variables_that_nobody_reads_again_are_not_carried():
    def f(x, n):
        last = jnp.zeros(1000)
        for i in range(n):
            last = jnp.full(1000, x)
            x = x + last[0]
        return x

    equation = only(f, "while", 1.0, 5)
    assert (1000,) not in [variable.aval.shape for variable in equation.outvars]
    assert carried(equation) == 2  # the index and x


def test_unchanged_leaves_of_a_structure_are_not_carried():
    def f(x, n):
        state = {"count": 0, "table": x}
        for _ in range(n):
            state = {"count": state["count"] + 1, "table": state["table"]}
        return state

    equation = only(f, "while", jnp.ones((16, 16)), 5)
    assert (16, 16) not in [variable.aval.shape for variable in equation.outvars]


def test_a_loop_over_an_array_is_a_scan():
    def f(xs):
        total = 0.0
        for x in xs:
            total = total + x
        return total

    found = primitives(f, jnp.ones(100))
    assert (found["scan"], found["while"]) == (1, 0)


def test_a_loop_over_rows_slices_nothing_by_hand():
    def f(xs):
        total = jnp.zeros(5)
        for row in xs:
            total = total + row
        return total

    found = primitives(f, jnp.ones((30, 5)))
    assert found["scan"] == 1
    assert found["dynamic_slice"] == found["gather"] == 0


def test_enumerate_and_zip_over_arrays_are_one_scan():
    def f(xs, ys):
        total = 0.0
        for i, (x, y) in enumerate(zip(xs, ys)):
            total = total + i * x * y
        return total

    found = primitives(f, jnp.ones(40), jnp.ones(40))
    assert (found["scan"], found["while"]) == (1, 0)


def test_a_loop_over_an_array_with_a_break_stops_early():
    def f(xs):
        total = 0.0
        for x in xs:
            if x < 0:
                break
            total = total + x
        return total

    found = primitives(f, jnp.ones(40))
    assert (found["scan"], found["while"]) == (0, 1)


def test_a_staged_range_is_one_while_loop():
    def f(n):
        total = 0
        for i in range(n):
            total += i
        return total

    equation = only(f, "while", 5)
    assert carried(equation) == 2


def test_a_loop_with_continue_needs_no_flag():
    def f(n):
        total = 0
        for i in range(n):
            if i % 2 > 0:
                continue
            total += i
        return total

    assert carried(only(f, "while", 5)) == 2


def test_a_loop_with_break_carries_one_flag():
    def f(n):
        total = 0
        for i in range(n):
            if total > 20:
                break
            total += i
        return total

    equation = only(f, "while", 5)
    assert carried(equation) == 3


def test_the_loop_variable_is_carried_only_if_it_is_read_afterwards():
    def f(n):
        total = 0
        for i in range(n):
            total += i
        return total

    def g(n):
        total = i = 0
        for i in range(n):
            total += i
        return total, i

    assert carried(only(f, "while", 5)) == 2
    assert carried(only(g, "while", 5)) == 3


def size(function: Any, *args: Any, **static: Any) -> int:
    return sum(primitives(function, *args, **static).values())


def test_a_long_static_range_compiles_to_one_loop():
    def f(x, n):
        for i in range(n):
            if x > i:
                x = x - 1
        return x

    sizes = {n: size(f, 5, n, static_argnums=1) for n in (50, 500, 10_000)}
    assert len(set(sizes.values())) == 1, sizes
    found = primitives(f, 5, 10_000, static_argnums=1)
    assert found["scan"] + found["while"] == 1


def test_a_long_static_range_runs_its_python_a_few_times_only():
    runs = 0

    @ag.do_not_convert
    def count(x):
        nonlocal runs
        runs += 1
        return x + 1

    def f(x):
        for i in range(10_000):
            x = count(x)
        return x

    assert int(jax.jit(ag.convert(f))(0)) == 10_000
    assert runs <= 6


def test_nested_long_ranges_are_nested_loops():
    def f(x):
        for i in range(300):
            for j in range(200):
                x = x + i * j
        return x

    found = primitives(f, 1)
    assert found["scan"] + found["while"] == 2
    assert sum(found.values()) < 30


def test_a_short_static_range_is_unrolled():
    def f(x):
        for i in range(4):
            x = x * (i + 1)
        return x

    found = primitives(f, 1)
    assert found["scan"] == found["while"] == 0
    assert found["mul"] in (3, 4)


def test_a_loop_that_needs_its_index_in_python_is_unrolled():
    def f(xs):
        parts = {}
        for i in range(20):
            parts[f"k{i}"] = xs[i] * 2
        return parts

    out = jax.jit(ag.convert(f))(jnp.arange(20))
    assert sorted(out, key=lambda k: int(k[1:])) == [f"k{i}" for i in range(20)]
    assert int(out["k7"]) == 14


def test_a_loop_on_plain_values_inside_a_trace_stays_pythons():
    def f(x):
        n = 0
        for i in range(100):
            n += i
        return x + n

    found = primitives(f, 1)
    assert found["scan"] == found["while"] == 0


def test_a_loop_body_is_not_duplicated():
    def f(x):
        while jnp.sum(x) < 100:
            x = jnp.sin(x) @ x
        return x

    found = primitives(f, jnp.ones((4, 4)))
    assert found["sin"] == 1
    assert found["dot_general"] == 1


def test_unroll_option():
    def f(xs):
        total = 0.0
        for x in xs:
            ag.set_loop_options(unroll=5)
            total = total + x
        return total

    assert only(f, "scan", jnp.ones(40)).params["unroll"] == 5


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_filled_in_a_loop_is_one_buffer():
    def f(x):
        out = []
        for i in range(50):
            out.append(x * i)
        return ag.stack(out)

    jaxpr = jaxpr_of(f, 2.0)
    assert jaxpr.outvars[0].aval.shape == (50,)
    found = Counter(equation.primitive.name for equation in equations(jaxpr))
    assert found["scan"] + found["while"] == 1
    assert found["concatenate"] == 0


def test_the_size_of_the_graph_does_not_depend_on_the_list():
    def f(x, n):
        out = []
        for i in range(n):
            out.append(x * i)
        return ag.stack(out)

    assert size(f, 2.0, 50, static_argnums=1) == size(f, 2.0, 5000, static_argnums=1)


# --- carried types ----------------------------------------------------------------------------------------------------


def test_an_int_that_becomes_a_float_is_promoted():
    def f(x, n):
        total = 0
        for _ in range(n):
            total = total + x
        return total

    out = jax.jit(ag.convert(f))(0.5, 3)
    assert out.dtype == jnp.float32
    assert float(out) == 1.5
    assert float(jax.jit(ag.convert(f))(0.5, 0)) == 0


def test_a_scalar_that_becomes_a_vector_is_broadcast():
    def f(x, n):
        total = 0
        while n > 0:
            total = total + x
            n -= 1
        return total

    out = jax.jit(ag.convert(f))(jnp.array([1.0, 2.0, 3.0]), 2)
    np.testing.assert_allclose(out, [2, 4, 6])
    np.testing.assert_allclose(jax.jit(ag.convert(f))(jnp.array([1.0, 2.0, 3.0]), 0), [0, 0, 0])


def test_promotion_takes_a_few_traces_however_deep():
    def f(a, n):
        b = c = d = 0
        for _ in range(n):
            d = c
            c = b
            b = a
        return b, c, d

    out = jax.jit(ag.convert(f))(1.5, 3)
    assert [float(v) for v in out] == [1.5, 1.5, 1.5]
    assert all(v.dtype == jnp.float32 for v in out)
    assert [float(v) for v in jax.jit(ag.convert(f))(1.5, 1)] == [1.5, 0, 0]


def test_weak_types_stay_weak():
    def f(n):
        total = 0
        for i in range(n):
            total += i
        return total * jnp.float16(2)

    assert jax.jit(ag.convert(f))(3).dtype == jnp.float16
