"""``ag.function``: what is traced and what is static, what comes back, and what goes wrong."""

from __future__ import annotations

import inspect
import threading
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import monitoring

import autograph as ag


def counted(**options: Any) -> tuple[Any, list[Any]]:
    """An ``ag.function`` that gives its argument back, and the list of the types that it was traced with."""
    traces: list[Any] = []

    @ag.do_not_convert
    def note(x):
        traces.append(x)

    @ag.function(**options)
    def f(x, *rest, **named):
        note(x)
        return x

    return f, traces


# --- traced and static ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, 2),
        (1.5, -2.5),
        (True, False),
        (1j, 2j),
        (jnp.ones(3), jnp.zeros(3)),
        (np.ones(3, np.float32), np.zeros(3, np.float32)),
        (np.float32(1), np.float32(2)),
        ((1, [2.0, {"a": 3}]), (4, [5.0, {"a": 6}])),
    ],
)
def test_numbers_and_arrays_are_traced_once(first, second):
    f, traces = counted()
    for value in (first, second, first):
        jax.tree.map(np.testing.assert_array_equal, f(value), value)
    assert len(traces) == 1
    assert all(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(traces[0]))


def test_python_numbers_of_other_kinds_are_traced_again():
    f, traces = counted()
    for value in (1, True, 1.0, 1j):
        out = f(value)
        assert out == value
        assert out.dtype == jnp.result_type(type(value))
    assert len(traces) == 4


def test_other_shapes_and_dtypes_are_traced_again():
    f, traces = counted()
    for value in (jnp.ones(3), jnp.ones(4), jnp.ones((3, 1)), jnp.ones(3, jnp.int32), jnp.ones(3)):
        assert f(value).shape == value.shape
    assert len(traces) == 4


def text_of(mode: Any) -> str:
    return f"{type(mode).__name__} {mode!r}"


def asks_for_text(**options: Any) -> Any:
    """A function whose graph depends on the text of a static argument, as a number."""
    known: dict[str, int] = {}

    @ag.do_not_convert
    def number_of(mode):
        assert not isinstance(mode, jax.core.Tracer)
        return known.setdefault(text_of(mode), len(known))

    @ag.function(**options)
    def f(x, mode):
        return x + number_of(mode)

    f.known = known
    return f


@pytest.mark.parametrize(
    "values",
    [
        ("a", "b", "a"),
        (None, "None"),
        ((), ("",)),
        (b"a", "a"),
        (int, float, str),
        (range(3), range(4)),
        (frozenset([1]), frozenset([2])),
    ],
)
def test_other_values_are_static_by_type_and_value(values):
    f = asks_for_text()
    for value in (*values, *values):
        assert int(f(1, value)) == 1 + f.known[text_of(value)]
    assert set(f.known) == {text_of(value) for value in values}


def test_static_values_are_traced_once_each():
    traces = []

    @ag.function
    def f(x, mode):
        traces.append(mode)
        return x

    for value in ("a", "b", "a", "b", None, None):
        f(1, value)
    assert traces == ["a", "b", None]


@pytest.mark.parametrize(
    "values", [(True, 1, 1.0, True, 1), (0.0, -0.0, 0.0), (False, 0, -0.0), (1, np.int32(1), 1 + 0j)]
)
def test_static_argnames_tell_equal_values_apart(values):
    f = asks_for_text(static_argnames="mode")
    for value in values:
        assert int(f(1, value)) == 1 + f.known[text_of(value)]
        assert int(f(1, mode=value)) == 1 + f.known[text_of(value)]
    assert set(f.known) == {text_of(value) for value in values}


def test_static_argnames_with_a_nan_trace_once():
    traces = []

    @ag.function(static_argnames=("k",))
    def f(x, k):
        traces.append(k)
        return x + (0 if k != k else 1)

    for _ in range(3):
        assert int(f(1, float("nan"))) == 1
    assert len(traces) == 1


def test_static_argnames_decide_in_python():
    @ag.function(static_argnames=["n", "mode"])
    def f(x, n, *, mode="add"):
        assert type(n) is int
        for _ in range(n):
            if mode == "add":
                x = x + 1
            else:
                x = x * 2
        return x

    assert int(f(1, 3)) == 4
    assert int(f(1, n=3, mode="double")) == 8
    assert int(f(mode="double", n=2, x=3)) == 12


def test_a_static_name_does_not_make_an_equal_argument_static():
    @ag.function(static_argnames="n")
    def f(x, n):
        return isinstance(x, jax.Array) and not isinstance(n, jax.Array)

    for value in (3, 1000, True):
        assert bool(f(value, value)) is True


def test_an_unknown_static_name():
    with pytest.raises(ValueError, match="'size'"):

        @ag.function(static_argnames="size")
        def f(x):
            return x


def test_an_unhashable_static_object_is_known_by_identity():
    class Box:
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, factor):
            self.factor = factor

    traces = []

    @ag.function
    def f(x, box):
        traces.append(box)
        return x * box.factor

    a, b = Box(2), Box(3)
    assert [int(f(1, box)) for box in (a, b, a, b)] == [2, 3, 2, 3]
    assert len(traces) == 2


def test_a_function_as_an_argument():
    def double(x):
        return x * 2 if x > 0 else x

    @ag.function
    def apply(g, x):
        return g(x)

    assert int(apply(double, 3)) == 6
    assert int(apply(double, -3)) == -3
    assert int(apply(lambda v: v + 1, 3)) == 4


def test_registered_containers_are_traced_inside():
    Pair = namedtuple("Pair", "a b")

    @ag.function
    def f(pair):
        if pair.a > pair.b:
            pair = pair._replace(a=pair.b)
        return pair

    out = f(Pair(3, 2))
    assert type(out) is Pair
    assert (int(out.a), int(out.b)) == (2, 2)


def test_an_object_of_a_class_that_is_no_pytree_is_static():
    @dataclass(frozen=True)
    class Config:
        factor: int

    traces = []

    @ag.function
    def f(x, config):
        traces.append(1)
        return x * config.factor

    assert [int(f(1, Config(k))) for k in (2, 3, 2)] == [2, 3, 2]
    assert len(traces) == 2


# --- how it is called -------------------------------------------------------------------------------------------------


def test_keywords_defaults_and_variadics():
    @ag.function
    def f(a, b=2, *rest, c=3, **more):
        total = a + b * 10 + c * 100
        for value in rest:
            total += value * 1000
        for name in more:
            total += more[name] * 10_000
        return total

    assert int(f(1)) == 321
    assert int(f(1, 5, 1, 1, c=0, z=2)) == 22_051
    assert int(f(b=1, a=1, c=1)) == 111
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f()


def test_it_looks_like_the_function():
    @ag.function
    def f(x: int, y=2) -> int:
        """Doc."""
        return x

    assert (f.__name__, f.__doc__, f.__wrapped__) == ("f", "Doc.", f.python_function)
    assert f.__qualname__ == f.python_function.__qualname__
    assert inspect.signature(f) == inspect.signature(f.python_function)
    assert ag.function(f.python_function, name="other").__name__ == "other"
    assert "f" in repr(f)


def test_methods():
    class Counter:
        step = 2

        @ag.function
        def advance(self, n):
            if n > 10:
                return n
            return n + self.step

        @staticmethod
        @ag.function
        def double(n):
            return n * 2 if n > 0 else n

        @classmethod
        @ag.function
        def stepped(cls, n):
            return n + cls.step if n > 0 else n

    class Big(Counter):
        step = 5

    a, b = Counter(), Big()
    assert [int(a.advance(1)), int(b.advance(1)), int(a.advance(11))] == [3, 6, 11]
    assert [int(Counter.double(3)), int(a.double(-3))] == [6, -3]
    assert [int(Counter.stepped(1)), int(Big.stepped(1))] == [3, 6]
    assert a.advance.__name__ == "advance"


def test_of_lambdas_partials_bound_methods_and_callable_objects():
    import functools

    class Scale:
        def __call__(self, x):
            return x * 3 if x > 0 else x

        def half(self, x):
            return x / 2 if x > 0 else x

    assert int(ag.function(lambda x: x + 1 if x > 0 else 0)(2)) == 3
    assert int(ag.function(functools.partial(lambda a, b: a - b if a > b else b, b=2))(5)) == 3
    assert float(ag.function(Scale().half)(5.0)) == 2.5
    assert int(ag.function(Scale())(2)) == 6


def test_with_and_without_parentheses():
    @ag.function()
    def f(x):
        return x + 1

    @ag.function(reduce_retracing=True, jit_compile=True, backend="jax")
    def g(x):
        return x + 1

    assert int(f(1)) == int(g(1)) == 2


def test_an_unknown_backend():
    with pytest.raises(ValueError, match="fortran"):
        ag.function(lambda x: x, backend="fortran")


def test_input_signature():
    @ag.function(input_signature=[ag.TensorSpec((None, 2), "float32", name="points"), ag.TensorSpec((), "int32")])
    def f(points, k):
        return points * k

    assert f(jnp.ones((3, 2)), 2).shape == (3, 2)
    assert f(jnp.ones((4, 2)), 2).shape == (4, 2)
    with pytest.raises(TypeError, match="points"):
        f(jnp.ones((3, 3)), 2)
    with pytest.raises(TypeError, match="2 positional arguments"):
        f(jnp.ones((3, 2)))


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_that_may_be_none():
    @ag.function
    def first_above(xs, limit):
        for x in xs:
            if x > limit:
                return x

    assert int(first_above(jnp.array([1, 5, 9]), 4)) == 5
    assert first_above(jnp.array([1, 2, 3]), 4) is None


def test_none_inside_structures():
    @ag.function
    def f(x):
        low = high = None
        if x > 0:
            high = x
        else:
            low = x
        return {"low": low, "high": [high, 1]}

    out = f(3)
    assert out["low"] is None
    assert int(out["high"][0]) == 3
    out = f(-3)
    assert int(out["low"]) == -3
    assert out["high"][0] is None


def test_results_that_are_always_none():
    @ag.function
    def nothing(x):
        x + 1

    @ag.function
    def some(x):
        return None, x, (None, True)

    assert nothing(1) is None
    out = some(5)
    assert out[0] is None
    assert int(out[1]) == 5
    assert out[2][0] is None
    assert bool(out[2][1]) is True


def test_lists_of_other_lengths_come_back_without_anything_being_compiled():
    @ag.function
    def odd_ones(limit, step):
        found, pairs = [], []
        for number in range(limit):
            if number % 2 == 1:
                found.append(number)
                pairs.append((number * step, jnp.array([number, number + 1])))
        return found, pairs

    def expected(limit):
        odd = range(1, limit, 2)
        return list(odd), [(0.5 * number, [number, number + 1]) for number in odd]

    compiled: list[str] = []

    def count(event: str, *_: Any, **__: Any) -> None:
        compiled.append(event)

    step = jnp.float32(0.5)
    odd_ones(jnp.int32(15), step)
    monitoring.register_event_duration_secs_listener(count)
    try:
        results = {limit: odd_ones(jnp.int32(limit), step) for limit in (0, 1, 2, 7, 12, 15)}
    finally:
        monitoring.unregister_event_duration_listener(count)
    assert not [event for event in compiled if "compile" in event]
    for limit, (found, pairs) in results.items():
        assert all(isinstance(value, jax.Array) and value.shape == () for value in found)
        assert ([int(value) for value in found], [(float(a), b.tolist()) for a, b in pairs]) == expected(limit)


def test_lists_come_back_as_lists():
    @ag.function
    def squares(n):
        out = []
        ag.set_element_type(out, "int32", capacity=10)
        for i in range(n):
            out.append(i * i)
        return out

    out = squares(4)
    assert type(out) is list
    assert [int(v) for v in out] == [0, 1, 4, 9]
    assert squares(0) == []


def test_arguments_are_not_changed():
    @ag.function
    def f(xs):
        xs[0] = 5
        return xs

    xs = jnp.arange(3)
    assert f(xs).tolist() == [5, 1, 2]
    assert xs.tolist() == [0, 1, 2]


# --- effects and exceptions -------------------------------------------------------------------------------------------


def test_prints_in_program_order(capsys):
    @ag.function
    def f(n):
        print("start", n)
        total = 0
        for i in range(n):
            if i % 2 == 0:
                print("even", i)
            else:
                print("odd", i, total)
            total += i
        print(f"total: {total:d}")
        return total

    for n, total in ((3, 3), (0, 0)):
        assert int(f(n)) == total
        lines = ["start %d" % n]
        if n:
            lines += ["even 0", "odd 1 0", "even 2"]
        assert capsys.readouterr().out.splitlines() == [*lines, f"total: {total}"]


def test_prints_as_python_prints(capsys):
    def f(x, xs, flag):
        print(x, xs, flag, sep="|", end="!\n")
        print([x, (flag,)], {"k": x})
        print("%d and %s" % (x, flag), "{:>5}".format(x), f"{xs}")

    f(3, np.array([1, 2]), True)
    expected = capsys.readouterr().out
    ag.function(f)(3, jnp.array([1, 2]), True)
    assert capsys.readouterr().out == expected


def test_a_print_of_plain_values_shows_traces(capsys):
    @ag.function
    def f(x):
        print("tracing")
        return x + 1

    f(1)
    f(2)
    f(1.5)
    assert capsys.readouterr().out == "tracing\n" * 2


class Trouble(Exception):
    def __init__(self, code, detail):
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def test_exceptions_keep_type_arguments_and_message():
    @ag.function
    def f(x):
        if x > 2:
            raise Trouble(7, f"x was {x}")
        if x > 1:
            raise KeyError("missing")
        assert x > 0, ("tuple", "message")
        return x

    assert int(f(1)) == 1
    with pytest.raises(Trouble) as trouble:
        f(3)
    assert (trouble.value.code, trouble.value.detail) == (7, "x was 3")
    with pytest.raises(KeyError) as missing:
        f(2)
    assert missing.value.args == ("missing",)
    with pytest.raises(AssertionError) as failed:
        f(0)
    assert failed.value.args == (("tuple", "message"),)


def test_effects_before_a_failure_happen_and_those_after_do_not(capsys):
    @ag.function
    def f(n):
        for i in range(n):
            print("step", i)
            if i == 2:
                raise ValueError("stop")
        print("done", n)
        return n

    with pytest.raises(ValueError, match="stop"):
        f(5)
    assert capsys.readouterr().out == "step 0\nstep 1\nstep 2\n"
    f(1)
    assert capsys.readouterr().out == "step 0\ndone 1\n"


def test_an_exception_while_tracing_is_raised_and_not_remembered():
    fail = True

    @ag.do_not_convert
    def maybe_fail():
        if fail:
            raise OSError("tracing failed")

    @ag.function
    def f(x):
        maybe_fail()
        return x + 1

    with pytest.raises(OSError, match="tracing failed"):
        f(1)
    fail = False
    assert int(f(1)) == 2


# --- run eagerly ------------------------------------------------------------------------------------------------------


@pytest.fixture
def eagerly():
    ag.run_functions_eagerly(True)
    yield
    ag.run_functions_eagerly(False)


def test_run_functions_eagerly(eagerly):
    seen = []

    @ag.function
    def f(x):
        seen.append(type(x))
        if x > 0:
            return x + 1

    assert f(1) == 2
    assert type(f(1)) is int
    assert f(-1) is None
    assert seen == [int, int, int]
    ag.run_functions_eagerly(False)
    assert isinstance(f(1), jax.Array)
    assert issubclass(seen[-1], jax.core.Tracer)


# --- threads ----------------------------------------------------------------------------------------------------------


def test_threads_trace_once_and_get_their_own_results():
    traces = []

    @ag.function
    def f(x, n):
        traces.append(1)
        while x < n:
            x = x * 2 if x % 3 else x + 1
        return x

    expected = {}
    for x in range(1, 9):
        value = x
        while value < 500:
            value = value * 2 if value % 3 else value + 1
        expected[x] = value

    results: dict[int, int] = {}
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work(x):
        try:
            barrier.wait()
            results[x] = int(f(x, 500))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(x,)) for x in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert results == expected


def test_threads_that_fail_get_their_own_exception():
    @ag.function
    def f(x):
        for _ in range(20):
            if x < 0:
                raise ValueError(f"thread {-x}")
        return x

    assert int(f(1)) == 1
    seen: dict[int, str] = {}
    barrier = threading.Barrier(6)

    def work(k):
        barrier.wait()
        try:
            f(-k)
        except ValueError as error:
            seen[k] = str(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {k: f"thread {k}" for k in range(1, 7)}
