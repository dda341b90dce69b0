"""``do_not_convert(run_as="py_func")``: Python that runs on the host while the graph runs."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag

host = functools.partial(ag.do_not_convert, run_as="py_func")


def run(function: Any, *args: Any) -> Any:
    """Calls under a foreign ``jit``, and waits for effects."""
    out = jax.block_until_ready(jax.jit(ag.convert(function))(*args))
    jax.effects_barrier()
    return out


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "make", "dtype"),
    [(int, lambda n: n + 1, jnp.int32), (float, lambda n: n / 2, jnp.float32), (bool, lambda n: n > 2, jnp.bool_)],
)
def test_annotated_numbers(kind, make, dtype):
    def inner(n):
        return make(int(n))

    inner.__annotations__["return"] = kind
    inner = host(inner)

    def f(n):
        return inner(n)

    out = run(f, 5)
    assert out.dtype == dtype
    assert out == make(5)


def test_annotation_as_text():
    @host
    def digits(n) -> "int":
        return len(str(n))

    assert int(run(lambda n: digits(n) + 1, 12345)) == 6


def test_values_on_the_host_are_concrete():
    seen = []

    @host
    def look(scalar, array, tree, name) -> None:
        seen.append((scalar, array, tree, name))

    def f(x, xs):
        look(x, xs, {"a": (x, 7)}, name="n")
        return x

    run(f, 3, jnp.arange(4))
    ((scalar, array, tree, name),) = seen
    assert not isinstance(scalar, jax.Array)
    assert scalar == 3
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [0, 1, 2, 3]
    assert tree == {"a": (3, 7)}
    assert name == "n"


def test_declared_spec():
    @host(result=ag.TensorSpec((3,), "float32"))
    def roots(x):
        return [x**0.5, x, x * x]

    out = run(lambda x: roots(x) * 2, 4.0)
    assert out.dtype == jnp.float32
    assert out.tolist() == [4, 8, 32]


def test_annotated_spec():
    @host
    def pair(x) -> ag.TensorSpec((2,), "int32"):
        return np.array([x, x + 1])

    namespace_free = pair
    assert run(lambda x: namespace_free(x), 4).tolist() == [4, 5]


def test_a_structure_of_results():
    @host(result={"low": ag.TensorSpec((), "int32"), "rest": (jax.ShapeDtypeStruct((2,), jnp.float32), 0.0)})
    def split(x):
        return {"low": int(x), "rest": (np.ones(2) * x, x / 2)}

    out = run(lambda x: split(x), 5.0)
    assert int(out["low"]) == 5
    assert out["rest"][0].tolist() == [5, 5]
    assert float(out["rest"][1]) == 2.5


def test_result_like_an_array():
    @host(result=np.zeros((2, 2), np.float32))
    def square(x):
        return np.outer(x, x)

    assert run(lambda x: square(x), jnp.array([1.0, 2.0])).tolist() == [[1, 2], [2, 4]]


def test_none_results():
    seen = []

    @host
    def note(x) -> None:
        seen.append(int(x))

    def f(x):
        if note(x) is None:
            return x + 1
        return x

    assert int(run(f, 3)) == 4
    assert seen == [3]


def test_without_a_declared_result():
    @host
    def nothing_said(x):
        return x

    with pytest.raises(TypeError, match="nothing_said.*annotate"):
        run(lambda x: nothing_said(x), 1)


def test_another_shape_than_declared():
    @host(result=ag.TensorSpec((3,), "float32"))
    def short(x):
        return [x]

    with pytest.raises(Exception, match="shape"):
        run(lambda x: short(x), 1.0)


def test_an_unknown_size_cannot_be_declared():
    @host(result=ag.TensorSpec((None,), "float32"))
    def some(x):
        return [x]

    with pytest.raises(TypeError, match="unknown size"):
        run(lambda x: some(x), 1.0)


# --- plain calls ------------------------------------------------------------------------------------------------------


def test_outside_graphs_it_is_the_function():
    calls = []

    @host
    def f(x, *, y=2) -> int:
        """Doc."""
        calls.append(x)
        return x + y

    assert f(1) == 3
    assert type(f(1)) is int
    assert f.__name__ == "f"
    assert f.__doc__ == "Doc."
    assert ag.convert(lambda x: f(x, y=5) if x > 0 else 0)(2) == 7
    assert calls == [1, 1, 2]


def test_a_call_on_plain_values_while_tracing_is_made_at_once():
    calls = []

    @host
    def f(x) -> int:
        calls.append(x)
        return x + 1

    def g(x):
        n = f(3)
        for _ in range(n):
            x = x * 2
        return x

    assert int(run(g, 1)) == 16
    assert calls == [3]


# --- effects ----------------------------------------------------------------------------------------------------------


def test_order_of_effects_with_prints(capsys):
    @host
    def say(x) -> None:
        print("host", x)

    @host
    def ask(x) -> int:
        print("ask", x)
        return x * 10

    @ag.function
    def f(x):
        print("start", x)
        say(x)
        y = ask(x)
        print("answer", y)
        say(y)
        return y

    assert int(f(2)) == 20
    lines = capsys.readouterr().out.splitlines()
    # JAX orders callbacks that give a result and callbacks that give none each among themselves, and by their data.
    assert [line for line in lines if not line.startswith("ask")] == ["start 2", "host 2", "answer 20", "host 20"]
    assert lines.index("ask 2") < lines.index("answer 20")


def test_in_a_staged_loop_every_iteration_calls(capsys):
    @host
    def say(i, total) -> None:
        print(f"{i}: {total}")

    @ag.function
    def f(n):
        total = 0
        for i in range(n):
            total += i
            say(i, total)
            print("at", i)
        return total

    assert int(f(3)) == 3
    assert capsys.readouterr().out == "0: 0\nat 0\n1: 1\nat 1\n2: 3\nat 2\n"


def test_order_in_a_loop_with_results(capsys):
    @host
    def ask(i) -> int:
        print("ask", i)
        return i * 10

    @ag.function
    def f(n):
        total = 0
        for i in range(n):
            print("before", i)
            total += ask(i)
            print("after", total)
        return total

    assert int(f(3)) == 30
    expected = "before 0\nask 0\nafter 0\nbefore 1\nask 1\nafter 10\nbefore 2\nask 2\nafter 30\n"
    assert capsys.readouterr().out == expected


def test_in_a_loop_results_feed_the_next_iteration():
    seen = []

    @host
    def next_value(x) -> int:
        seen.append(int(x))
        return 3 * x + 1 if x % 2 else x // 2

    @ag.function
    def f(x):
        steps = 0
        while x != 1:
            x = next_value(x)
            steps += 1
        return steps

    assert int(f(6)) == 8
    assert seen == [6, 3, 10, 5, 16, 8, 4, 2]


def test_in_a_branch_only_the_branch_taken_calls():
    seen = []

    @host
    def positive(x) -> int:
        seen.append("positive")
        return 1

    @host
    def negative(x) -> int:
        seen.append("negative")
        return -1

    @ag.function
    def f(x):
        if x > 0:
            return positive(x)
        return negative(x)

    assert int(f(3)) == 1
    assert seen == ["positive"]
    assert int(f(-3)) == -1
    assert seen == ["positive", "negative"]


def test_plain_values_in_a_staged_region_wait_for_the_graph():
    seen = []

    @host
    def note(what) -> None:
        seen.append(what)

    @ag.function
    def f(x):
        if x > 0:
            note("yes")
        else:
            note("no")
        return x

    f(1)
    assert seen == ["yes"]
    f(-1)
    f(2)
    assert seen == ["yes", "no", "yes"]


def test_a_call_whose_result_nobody_reads_is_made():
    seen = []

    @host
    def note(x) -> int:
        seen.append(int(x))
        return 1

    @ag.function
    def f(x):
        note(x)
        return x

    f(1)
    f(2)
    assert seen == [1, 2]


def test_lazy_operands():
    seen = []

    @host
    def check(x) -> bool:
        seen.append(int(x))
        return True

    @ag.function
    def f(x):
        return x > 0 and check(x)

    assert bool(f(5)) is True
    assert bool(f(-5)) is False
    assert seen == [5]


def test_an_exception_on_the_host_has_its_own_type():
    @host
    def refuse(x) -> int:
        raise LookupError(f"no {x}")

    @ag.function
    def f(x):
        if x > 0:
            return refuse(x)
        return x

    assert int(f(-1)) == -1
    with pytest.raises(LookupError, match="no 4"):
        f(4)


def test_a_method_on_the_host():
    class Log:
        def __init__(self):
            self.entries = []

        @ag.do_not_convert(run_as="py_func")
        def add(self, x) -> None:
            self.entries.append(int(x))

    log = Log()

    @ag.function
    def f(n):
        for i in range(n):
            log.add(i)
        return n

    f(3)
    assert log.entries == [0, 1, 2]


def test_under_vmap():
    seen = []

    @host
    def half(x) -> float:
        seen.append(float(x))
        return float(x) / 2

    assert jax.vmap(ag.convert(lambda x: half(x)))(jnp.array([1.0, 2.0])).tolist() == [0.5, 1.0]
    assert seen == [1, 2]
    assert jax.jit(jax.vmap(ag.convert(lambda x: half(x) + 1)))(jnp.array([4.0, 2.0])).tolist() == [3, 2]
    assert seen == [1, 2, 4, 2]


def test_in_the_body_of_a_scan():
    seen = []

    @host
    def half(x) -> float:
        seen.append(float(x))
        return float(x) / 2

    def step(carry, x):
        if x > 1:
            carry = carry + half(x)
        return carry, carry

    out, _ = jax.jit(lambda xs: jax.lax.scan(ag.convert(step), 0.0, xs))(jnp.array([1.0, 2.0, 4.0]))
    assert float(out) == 3
    assert seen == [2, 4]
