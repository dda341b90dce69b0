"""``ag.function`` on TensorFlow: traces that are told apart, bounded, explained and shown, and calls that are quick."""

from __future__ import annotations

import copy
import dataclasses
import enum
import gc
import threading
import warnings
import weakref
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag

ONE = tf.constant(1.0)


@pytest.fixture(autouse=True)
def bounds() -> Iterator[None]:
    yield
    ag.config.max_traces = None


def text(value: Any) -> str:
    return str(value.numpy().decode())


class Level(enum.IntEnum):
    LOW = 1


# ------------------------------------------------------------------------------------------------------- static values


@pytest.mark.parametrize(
    "values",
    [
        (1, True, 1.0, 1 + 0j, Level.LOW),
        (0, False, 0.0, -0.0),
        (float("nan"), float("-nan")),
        ("a", b"a"),
        (1e16, 10**16),
    ],
)
def test_static_values_that_compare_equal_do_not_share_a_trace(values: tuple[Any, ...]) -> None:
    @ag.function
    def shown(x, value, pair):
        return x, repr(value), repr(pair[0])

    for value in values * 3:
        _, found, inner = shown(ONE, value, (value,))
        assert text(found) == text(inner) == repr(value)
    assert shown.tracing_count == len({(type(value), repr(value)) for value in values})


def test_every_spelling_reaches_one_trace_and_wrong_ones_are_pythons_errors() -> None:
    @ag.function
    def weighted(x, factor=2.0, *, offset=True):
        return x * factor + float(offset)

    calls: list[Callable[[], Any]] = [
        lambda: weighted(ONE),
        lambda: weighted(ONE, 2.0),
        lambda: weighted(x=ONE, factor=2.0),
        lambda: weighted(factor=2.0, offset=True, x=ONE),
        lambda: weighted(ONE, offset=True),
    ]
    for call in calls * 3:
        assert float(call()) == 3.0
    assert weighted.tracing_count == 1
    assert float(weighted(ONE, 3.0, offset=False)) == 3.0
    for wrong, message in (
        (lambda: weighted(), "missing 1 required positional argument: 'x'"),
        (lambda: weighted(ONE, 2.0, True), "takes from 1 to 2 positional arguments"),
        (lambda: weighted(ONE, x=ONE), "multiple values for argument 'x'"),
        (lambda: weighted(ONE, scale=1), "unexpected keyword argument 'scale'"),
    ):
        for _ in range(2):
            with pytest.raises(TypeError, match=message):
                wrong()


def test_defaults_that_change_are_followed() -> None:
    def plus(x, n=1.0):
        return x + n

    function = ag.function(plus)
    assert [float(function(ONE)) for _ in range(3)] == [2.0] * 3
    plus.__defaults__ = (5.0,)
    assert [float(function(ONE)) for _ in range(3)] == [6.0] * 3


@dataclasses.dataclass
class State:
    position: Any
    name: str = "s"


@dataclasses.dataclass(frozen=True)
class Options:
    rate: float


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, k: float) -> None:
        self.k = k

    def __eq__(self, other: object) -> bool:
        return True


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k: float) -> None:
        self.k = k


Pair = namedtuple("Pair", ["left", "right"])


def test_dataclasses_with_tensors_are_traced_inside_and_come_back() -> None:
    @ag.function
    def moved(state, pair, times):
        while state.position < 10.0:
            state = State(state.position * times, state.name)
        return State(state.position + pair.left, state.name + pair.right)

    for start, end in ((1.0, 17.0), (3.0, 13.0), (5.0, 11.0)):
        found = moved(State(tf.constant(start)), Pair(ONE, "!"), 2.0)
        assert isinstance(found, State)
        assert float(found.position) == end
        assert found.name == "s!"
    assert moved.tracing_count == 1
    assert moved.concrete_functions[0].signature == (
        "state.position: float32[], state.name='s', pair.left: float32[], pair.right='!', times=2.0"
    )


def test_objects_of_every_kind_are_static_and_none_is_kept_alive() -> None:
    @ag.function
    def scaled(x, options):
        return x * options.k

    for kind in (Unhashable, Slotted):
        scaled.clear_cache()
        count = scaled.tracing_count
        first, second = kind(2.0), kind(5.0)
        assert [float(scaled(ONE, each)) for each in (first, second, first, second)] == [2.0, 5.0, 2.0, 5.0]
        assert scaled.tracing_count == count + 2
    gone = Unhashable(3.0)
    assert float(scaled(ONE, gone)) == 3.0
    reference = weakref.ref(gone)
    del gone
    gc.collect()
    assert reference() is None

    @ag.function
    def rated(x, options):
        return x * options.rate

    assert [float(rated(ONE, Options(2.0))) for _ in range(3)] == [2.0] * 3
    assert rated.tracing_count == 1


class Scaler:
    def __init__(self, k: float) -> None:
        self.k = k

    @ag.function
    def scale(self, x):
        return x * self.k

    @ag.function(input_signature=[ag.TensorSpec([None], "float32")])
    def total(self, xs):
        return tf.reduce_sum(xs) * self.k


class Shifted(Scaler):
    @ag.function
    def scale(self, x):
        return super().scale(x) + 1.0


class UnhashableScaler(Scaler):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class FrozenScaler:
    k: float

    @ag.function
    def scale(self, x):
        return x * self.k


@pytest.mark.parametrize("kind", [Scaler, Shifted, UnhashableScaler, FrozenScaler])
def test_methods_have_traces_for_each_object_and_keep_none_alive(kind: Any) -> None:
    first, second = kind(2.0), kind(5.0)
    extra = 1.0 if kind is Shifted else 0.0
    for _ in range(3):
        assert [float(each.scale(ONE)) for each in (first, second)] == [2.0 + extra, 5.0 + extra]
        if kind is not FrozenScaler:
            assert [float(each.total(tf.ones(3))) for each in (first, second)] == [6.0, 15.0]
            with pytest.raises(TypeError, match=r"total\(\) expects float32\[None\] as argument xs, and got int32\[\]"):
                first.total(tf.constant(1))
    reference = weakref.ref(first)
    del first
    gc.collect()
    assert reference() is None


# --------------------------------------------------------------------------------------------------------- signatures


@ag.function(backend="tensorflow", input_signature=[ag.TensorSpec([None, 3], "float32"), ag.TensorSpec([], "float32")])
def above(rows, limit):
    count = 0
    for row in rows:
        if tf.reduce_sum(row) > limit:
            count += 1
    return count


def test_a_call_that_does_not_fit_is_told_what_was_expected_and_what_was_given() -> None:
    for size in (0, 2, 5):
        assert int(above(tf.ones([size, 3]), 1.0)) == int(above(np.ones([size, 3], np.float32), limit=2)) == size
    assert above.tracing_count == 1
    for call, argument, wanted, given in (
        (lambda: above(tf.ones([2, 4]), 1.0), "rows", "float32[None,3]", "float32[2,4]"),
        (lambda: above(tf.ones([2, 3], tf.int32), 1.0), "rows", "float32[None,3]", "int32[2,3]"),
        (lambda: above(tf.ones([2, 3]), limit="much"), "limit", "float32[]", "'much'"),
        (lambda: above(tf.ones([2, 3]), None), "limit", "float32[]", "None"),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        lines = str(caught.value).splitlines()
        assert lines[0] == f"above() expects {wanted} as argument {argument}, and got {given}"
        assert lines[1] == "  expected: above(rows: float32[None,3], limit: float32[])"
        assert lines[2].startswith("  given:    above(rows: ")
        assert given in lines[2]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'limit'.*limit: float32"):
        above(tf.ones([2, 3]))


def test_nested_specs_name_the_leaf_that_does_not_fit() -> None:
    spec = {"a": tf.TensorSpec([None], tf.float32), "b": (ag.TensorSpec([], "int32"),)}

    @ag.function(input_signature=[spec])
    def nested(tree):
        return tf.reduce_sum(tree["a"]) * tf.cast(tree["b"][0], tf.float32)

    assert float(nested({"a": tf.ones(3), "b": (tf.constant(2),)})) == 6.0
    with pytest.raises(TypeError, match=r"expects int32\[\] as argument tree\['b'\]\[0\], and got float32\[\]"):
        nested({"a": tf.ones(3), "b": (ONE,)})
    with pytest.raises(TypeError, match=r"as argument tree, and got \{'a': float32\[3\]\}"):
        nested({"a": tf.ones(3)})


# ------------------------------------------------------------------------------------------------------ looking at it


def test_traces_are_shown_and_can_be_called() -> None:
    @ag.function
    def scaled(xs, mode="double", **rest):
        if mode == "double":
            return xs * 2
        return xs

    scaled(tf.ones(3))
    scaled(tf.ones(3), mode="same", more={"q": (ONE, 1)})
    assert [each.signature for each in scaled.concrete_functions] == [
        "xs: float32[3], mode='double'",
        "xs: float32[3], mode='same', more['q'][0]: float32[], more['q'][1]=1",
    ]
    ahead = scaled.get_concrete_function(tf.TensorSpec([None], tf.int32), mode="double")
    assert scaled.tracing_count == 3
    assert ahead.signature == "xs: int32[None], mode='double'"
    assert repr(ahead) == "<trace of scaled(xs: int32[None], mode='double')>"
    np.testing.assert_array_equal(ahead(tf.constant([1, 2])), [2, 4])
    assert [(each.dtype, each.shape.as_list()) for each in ahead.inputs] == [(tf.int32, [None])]
    assert [each.dtype for each in ahead.outputs] == [tf.int32]
    assert ahead.graph.as_graph_def().node
    assert "Mul" in ahead.as_text()
    assert repr(scaled).endswith("scaled(xs, mode='double', **rest), traces: 3 on tensorflow>")
    html = scaled._repr_html_()
    assert "xs: int32[None]" in html
    assert "ag__" in html
    scaled.clear_cache()
    assert scaled.concrete_functions == []
    np.testing.assert_array_equal(scaled(tf.constant([1, 2])), [2, 4])
    assert scaled.tracing_count == 4
    assert copy.copy(scaled) is copy.deepcopy(scaled) is scaled


def test_the_cache_is_bounded_least_recently_used_first() -> None:
    @ag.function
    def total(xs):
        return tf.reduce_sum(xs)

    ag.config.max_traces = 3
    for size in (1, 2, 3):
        total(tf.ones(size))
    total(tf.ones(1))  # the one of 2 is the oldest now
    total(tf.ones(4))
    assert total.tracing_count == 4
    assert sorted(each.signature for each in total.concrete_functions) == [f"xs: float32[{n}]" for n in (1, 3, 4)]
    for size in (1, 3, 4):
        assert float(total(tf.ones(size))) == size
    assert total.tracing_count == 4
    assert float(total(tf.ones(2))) == 2
    assert total.tracing_count == 5
    ag.config.max_traces = 1
    assert len(total.concrete_functions) == 1


def complaint(call: Callable[[Any], Any], values: Any) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in values:
            call(value)
    found = [each for each in caught if issubclass(each.category, ag.RetracingWarning)]
    assert len(found) <= 1
    assert all(each.filename == __file__ for each in found)
    return str(found[0].message) if found else ""


def test_five_traces_in_a_row_are_explained_once() -> None:
    @ag.function
    def f(x, options):
        return x

    sizes = complaint(lambda n: f(tf.ones(n), None), range(1, 9))
    assert "f() has been traced 5 times in a row. Argument x was float32[4] and is now float32[5]" in sizes
    assert "reduce_retracing=True or an input_signature with ag.TensorSpec([None], 'float32')" in sizes
    f = ag.function(lambda x, options: x)
    numbers = complaint(lambda n: f(ONE, {"rate": n}), range(1, 9))
    assert "Argument options['rate'] was 4 and is now 5. Each value of a static number has its own trace" in numbers
    f = ag.function(lambda x, options: x)
    kinds = complaint(
        lambda kind: f(tf.zeros([], kind), None), (tf.float32, tf.int32, tf.int64, tf.float64, tf.int8, tf.int16)
    )
    assert "Argument x was float64[] and is now int8[]. Convert it to one dtype" in kinds
    f = ag.function(lambda x, options: x)
    assert complaint(lambda n: (f(tf.ones(n), None), f(tf.ones(n), None)), range(1, 9)) == ""
    f = ag.function(lambda x, options: x, reduce_retracing=True)
    assert complaint(lambda n: f(tf.ones(n), None), range(1, 9)) == ""
    assert f.tracing_count == 2


# ----------------------------------------------------------------------------------------------- calls, threads, memory


def test_calls_as_before_see_tapes_variables_devices_and_the_eager_switch() -> None:
    weight = tf.Variable(3.0)
    seen: list[str] = []

    @ag.function
    def scaled(x):
        seen.append("python")
        return x * weight, {"twice": x * 2}

    for _ in range(3):
        assert [float(part) for part in (scaled(ONE)[0], scaled(ONE)[1]["twice"])] == [3.0, 2.0]
    weight.assign(4.0)
    with tf.GradientTape() as tape:
        tape.watch(ONE)
        value = scaled(ONE)[0]
    assert [float(each) for each in (value, *tape.gradient(value, [ONE, weight]))] == [4.0, 4.0, 1.0]
    with tf.autodiff.ForwardAccumulator(ONE, tf.constant(2.0)) as forward:
        value = scaled(ONE)[0]
    assert float(forward.jvp(value)) == 8.0
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    assert float(strategy.run(scaled, args=(ONE,))[0]) == 4.0
    seen.clear()
    with ag.run_functions_eagerly(True):
        assert float(scaled(ONE)[0]) == 4.0
    tf.config.run_functions_eagerly(True)
    try:
        assert float(scaled(ONE)[0]) == 4.0
    finally:
        tf.config.run_functions_eagerly(False)
    assert seen == ["python", "python"]
    assert float(scaled(ONE)[0]) == 4.0
    assert float(tf.function(lambda x: scaled(x)[0] + 1.0)(ONE)) == 5.0


def test_the_order_of_arguments_in_containers_and_keywords_makes_no_difference() -> None:
    @ag.function
    def f(tree, *, b, a):
        return tree["x"] + 10.0 * tree["y"] + 100.0 * a + 1000.0 * b

    one, two, three, four = (tf.constant(float(n)) for n in (1, 2, 3, 4))
    for _ in range(3):
        assert float(f({"x": one, "y": two}, a=three, b=four)) == 4321.0
        assert float(f({"y": two, "x": one}, b=four, a=three)) == 4321.0
        assert float(f({"x": one, "y": one}, a=one, b=one)) == 1111.0
    assert f.tracing_count == 1


def test_failures_of_quick_calls_are_the_programs() -> None:
    @ag.function
    def checked(x):
        assert x > 0, "not positive"
        return tf.sqrt(x)

    for _ in range(3):
        assert float(checked(tf.constant(4.0))) == 2.0
        with pytest.raises(AssertionError, match="not positive"):
            checked(tf.constant(-4.0))
        with pytest.raises(AssertionError, match="not positive"):
            checked(x=tf.constant(-4.0))


def test_one_function_serves_both_engines_in_turn() -> None:
    jnp = pytest.importorskip("jax.numpy")

    @ag.function
    def plus(x, n=1):
        if x > 0:
            return x + n
        return x

    for _ in range(4):
        assert float(plus(jnp.float32(1))) == float(plus(ONE)) == 2.0
        assert float(plus(jnp.float32(1), n=3)) == float(plus(ONE, n=3.0)) == 4.0
        assert plus(jnp.float32(1)).__class__.__module__.startswith("jax")
        assert isinstance(plus(ONE), tf.Tensor)


def test_sixteen_first_calls_at_once_trace_once() -> None:
    runs: list[int] = []
    barrier = threading.Barrier(16)
    found: dict[int, float] = {}

    @ag.function
    def total(xs):
        ag.do_not_convert(runs.append)(1)
        s = 0.0
        for x in xs:
            s += x
        return s

    def call(number: int) -> None:
        barrier.wait()
        for _ in range(5):
            found[number] = float(total(tf.fill([3], float(number))))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert found == {number: 3.0 * number for number in range(16)}


def test_traces_die_with_the_function_and_calls_leave_nothing_behind() -> None:
    class Captured:
        pass

    def made() -> list[Any]:
        captured = Captured()

        @ag.function
        def f(x):
            return x + (0.0 if captured is None else 1.0)

        f(ONE)
        f(tf.ones(2))
        return [weakref.ref(f), weakref.ref(captured), weakref.ref(f.concrete_functions[0].graph)]

    references = made()
    gc.collect()
    assert [reference() for reference in references] == [None] * 3

    @ag.function
    def plus(x, mode):
        return x + 1.0

    for _ in range(20):
        plus(ONE, "a")
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(5000):
        plus(ONE, mode="a")
        plus(ONE, "a")
    gc.collect()
    assert len(gc.get_objects()) < before + 50
