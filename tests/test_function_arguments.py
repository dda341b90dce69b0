"""``ag.function`` on JAX: how a call is spelt, what is traced, what is static, and what a signature asks for."""

from __future__ import annotations

import enum
import functools
import gc
import math
import weakref
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag

pytestmark = pytest.mark.filterwarnings("ignore:.*times in a row")

# --- spelling ---------------------------------------------------------------------------------------------------------


def test_any_spelling_reaches_the_same_trace():
    @ag.function
    def f(a, b, c=3, *, d=4.0):
        return a * 1000 + b * 100 + c * 10 + d

    expected = 1234.0
    calls = [
        lambda: f(1, 2),
        lambda: f(1, b=2),
        lambda: f(b=2, a=1),
        lambda: f(1, 2, 3),
        lambda: f(1, 2, c=3),
        lambda: f(1, 2, d=4.0),
        lambda: f(a=1, b=2, c=3, d=4.0),
        lambda: f(d=4.0, c=3, b=2, a=1),
        lambda: f(*(1, 2), **{"c": 3}),
    ]
    for call in calls:
        assert float(call()) == expected
    assert f.tracing_count == 1
    assert float(f(1, 2, 5)) == 1254.0
    assert float(f(1, 2, c=6)) == 1264.0
    assert f.tracing_count == 2


def test_keywords_and_positions_of_plain_arrays_share_a_trace():
    @ag.function
    def f(x, y):
        return x - y

    x, y = jnp.ones(3), jnp.zeros(3)
    for out in (f(x, y), f(x, y=y), f(y=y, x=x)):
        assert out.tolist() == [1, 1, 1]
    assert f.tracing_count == 1


def test_variadic_arguments_share_a_trace_by_structure():
    @ag.function
    def f(*rest, scale=2, **more):
        total = 0.0
        for value in rest:
            total += value
        for name in more:
            total += more[name]
        return total * scale

    assert float(f(1.0, 2.0)) == 6
    assert float(f(3.0, 4.0, scale=2)) == 14
    assert f.tracing_count == 1
    assert float(f(1.0, a=1.0, b=2.0)) == 8
    assert float(f(1.0, b=2.0, a=1.0)) == 8
    assert f.tracing_count == 2


def test_positional_only_and_keyword_only_arguments():
    @ag.function
    def f(a, /, b, *, c):
        return a + b * 10 + c * 100

    assert int(f(1, 2, c=3)) == int(f(1, c=3, b=2)) == 321
    assert f.tracing_count == 1
    for wrong, message in (
        (lambda: f(a=1, b=2, c=3), "positional-only"),
        (lambda: f(1, 2, 3), "positional argument"),
        (lambda: f(1, 2), "keyword-only argument: 'c'"),
        (lambda: f(1, 2, c=3, d=4), "unexpected keyword argument 'd'"),
        (lambda: f(1, 2, b=2, c=3), "multiple values for argument 'b'"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong()


def test_wrong_arguments_after_a_compiled_call_are_pythons_own_errors():
    @ag.function
    def f(x):
        return x + 1

    f(jnp.ones(2))
    with pytest.raises(TypeError, match=r"f\(\) (takes|missing)"):
        f()
    with pytest.raises(TypeError, match=r"f\(\) takes 1 positional argument"):
        f(jnp.ones(2), jnp.ones(2))
    assert f(jnp.ones(2)).tolist() == [2, 2]


def test_defaults_that_are_numbers_stay_pythons_until_another_is_given():
    @ag.function
    def f(x, axis=-1, shape=(2, 3)):
        return jnp.sum(x, axis=axis) + jnp.zeros(shape).size

    x = jnp.ones((2, 4))
    assert f(x).tolist() == f(x, -1).tolist() == f(x, axis=-1, shape=(2, 3)).tolist() == [10, 10]
    assert f.tracing_count == 1


def test_defaults_that_change_are_followed():
    def plain(x, step=1):
        return x + step

    f = ag.function(plain)
    assert int(f(1)) == 2
    plain.__defaults__ = (10,)
    assert int(f(1)) == 11


# --- pytrees ----------------------------------------------------------------------------------------------------------

Pair = namedtuple("Pair", "first second")


@dataclass
class State:
    weights: Any
    step: Any = 0
    name: str = "s"


@dataclass(frozen=True)
class Options:
    rate: Any
    on: bool = True


class Ring:
    def __init__(self, items, label):
        self.items, self.label = items, label


jax.tree_util.register_pytree_node(Ring, lambda r: ((r.items,), r.label), lambda label, c: Ring(c[0], label))


def test_every_kind_of_tree_is_traced_inside():
    @ag.function
    def f(tree):
        total = 0.0
        for leaf in jax.tree.leaves(tree):
            total += leaf
        return total

    for tree in (
        (1.0, [2.0, {"a": 3.0}]),
        Pair(1.0, (2.0, None, 3.0)),
        OrderedDict(b=1.0, a=5.0),
        Ring([1.0, 2.0], "x"),
        {"deep": [{"er": (6.0,)}]},
    ):
        assert float(f(tree)) == sum(jax.tree.leaves(tree))
        again = f.tracing_count
        assert float(f(jax.tree.map(lambda v: v * 2, tree))) == 2 * sum(jax.tree.leaves(tree))
        assert f.tracing_count == again


def test_dataclasses_with_arrays_are_traced_inside_and_come_back():
    @ag.function
    def step(state, gradient):
        if state.step > 1:
            gradient = gradient * 0.5
        return State(state.weights - gradient, state.step + 1, state.name)

    state = State(jnp.ones(2))
    for _ in range(4):
        state = step(state, jnp.ones(2))
    assert type(state) is State
    assert state.weights.tolist() == [-2, -2]
    assert int(state.step) == 4
    assert state.name == "s"
    assert step.tracing_count == 1


def test_frozen_dataclasses_without_arrays_are_static_to_the_last_field():
    seen = []

    @ag.function
    def f(x, options):
        seen.append(options)
        return x * options.rate if options.on else x

    assert [int(f(3, Options(rate, on))) for rate, on in ((2, True), (2, True), (4, True), (4, False))] == [6, 6, 12, 3]
    assert len(seen) == 3
    f(3, Options(True, True))
    f(3, Options(1, 1))
    f(3, Options(1.0, True))
    assert len(seen) == 6


def test_none_is_part_of_the_structure():
    @ag.function
    def f(x, mask=None):
        return x if mask is None else x * mask

    assert f(jnp.ones(2)).tolist() == f(jnp.ones(2), None).tolist() == [1, 1]
    assert f(jnp.ones(2), jnp.zeros(2)).tolist() == [0, 0]
    assert f.tracing_count == 2


def test_containers_that_a_function_changes_are_changed_for_the_caller():
    @ag.function
    def f(table, items, state):
        table["n"] = table["n"] + 1
        table["new"] = items[0] * 2
        items.append(table["n"])
        items[0] = items[0] - 1
        state.weights = state.weights * 2
        return table["n"]

    state, table, items = State(jnp.ones(2)), {"n": jnp.array(1), "keep": 5}, [7.0, "text"]
    for n in (2, 3):
        assert int(f(table, items, state)) == n
        items.pop()
    assert {name: float(value) for name, value in table.items()} == {"n": 3, "keep": 5, "new": 12}
    assert table["keep"] == 5
    assert type(table["keep"]) is int
    assert float(items[0]) == 5
    assert items[1:] == ["text"]
    assert state.weights.tolist() == [4, 4]
    assert f.tracing_count == 2  # the first call has added an entry


# --- static values ----------------------------------------------------------------------------------------------------


class Mode(enum.IntEnum):
    ADD = 1
    SUBTRACT = 2


def test_members_of_an_int_enum_are_never_taken_for_numbers():
    @ag.function
    def f(x, mode):
        if mode is Mode.ADD:
            return x + 100
        if mode is Mode.SUBTRACT:
            return x - 100
        return x * mode

    for _ in range(2):
        assert int(f(1, 1)) == 1
        assert int(f(1, Mode.ADD)) == 101
        assert int(f(1, 2)) == 2
        assert int(f(1, Mode.SUBTRACT)) == -99

    @ag.function
    def g(tree):
        return tree["x"] + 1 if tree["mode"] is Mode.ADD else tree["x"]

    g({"x": jnp.array(1, jnp.int32), "mode": jnp.array(1, jnp.int32)})
    assert int(g({"x": 1, "mode": 1})) == 1
    assert int(g({"x": 1, "mode": Mode.ADD})) == 2
    assert int(g({"x": 1, "mode": 1})) == 1


def text_of(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"


@pytest.mark.parametrize(
    "values",
    [
        (True, 1, 1.0, np.float32(1), np.int64(1), np.bool_(True), 1 + 0j),
        (0.0, -0.0, 0, False, -0j),
        ((1, True), (True, 1), (1, 1), (1.0, 1)),
        ((0.0,), (-0.0,), [0.0], [-0.0]),
        (frozenset([1]), frozenset([True]), frozenset([1.0])),
        ({"a": 1}, {"a": True}, {"a": 1.0}),
        (math.nan, (math.nan,), 1.0),
        (np.arange(2), np.arange(2.0), np.arange(3)),
        (functools.partial(max, 1), functools.partial(max, True), functools.partial(min, 1)),
    ],
)
def test_static_values_that_compare_equal_do_not_share_a_trace_by_mistake(values):
    known: dict[str, int] = {}

    @ag.do_not_convert
    def number_of(value):
        return known.setdefault(text_of(value), len(known))

    @ag.function(static_argnames="value")
    def f(x, value):
        return x + number_of(value)

    for _ in range(2):
        for value in values:
            assert int(f(0, value)) == known[text_of(value)]
    assert f.tracing_count == len(known) == len(values)


def test_objects_known_by_identity_are_held_weakly():
    class Scale:
        def __init__(self, by):
            self.by = by

    class Unhashable(Scale):
        def __eq__(self, other):
            return True

    @ag.function
    def f(x, scale):
        return x * scale.by

    kept = Scale(2)
    for kind in (Scale, Unhashable):
        for by in (3, 4):
            scale = kind(by)
            assert int(f(2, scale)) == int(f(2, scale)) == 2 * by
            reference = weakref.ref(scale)
            del scale
            gc.collect()
            assert reference() is None
    assert int(f(2, kept)) == 4
    gc.collect()
    assert len(f.concrete_functions) == 1


def test_a_new_object_at_an_old_address_has_a_trace_of_its_own():
    class Scale:
        def __init__(self, by):
            self.by = by

    @ag.function
    def f(x, scale):
        return x * scale.by

    for by in range(2, 12):
        assert int(f(1, Scale(by))) == by
    gc.collect()
    assert len(f.concrete_functions) <= 1


def test_slotted_objects_without_weak_references_are_static_too():
    class Slotted:
        __slots__ = ("by",)

        def __init__(self, by):
            self.by = by

    @ag.function
    def f(x, scale):
        return x * scale.by

    a, b = Slotted(2), Slotted(3)
    assert [int(f(1, s)) for s in (a, b, a, b)] == [2, 3, 2, 3]
    assert f.tracing_count == 2


# --- signatures -------------------------------------------------------------------------------------------------------


def test_a_signature_of_nested_specs():
    @ag.function(
        input_signature=[
            {"w": ag.TensorSpec([2], "float32"), "b": (jax.ShapeDtypeStruct((), jnp.float32),)},
            ag.TensorSpec([], jnp.int32, name="count"),
        ]
    )
    def f(params, k):
        return params["w"] * k + params["b"][0]

    good = {"w": np.ones(2, np.float32), "b": (2,)}
    assert f(good, 3).tolist() == f(good, k=np.int32(3)).tolist() == [5, 5]
    assert f.tracing_count == 1
    for bad, k, expected in (
        ({"w": np.ones(3, np.float32), "b": (2,)}, 1, "params['w']"),
        ({"w": np.ones(2, np.int32), "b": (2,)}, 1, "got int32[2]"),
        ({"w": np.ones(2, np.float32), "c": (2,)}, 1, "argument params"),
        ({"w": np.ones(2, np.float32), "b": ("text",)}, 1, "'text'"),
        (good, 1.5, "argument count"),
        (good, [1], "argument count"),
    ):
        with pytest.raises(TypeError) as caught:
            f(bad, k)
        message = str(caught.value)
        assert expected in message
        assert "expected: f(params: {'b': (float32[],), 'w': float32[2]}, k: int32[])" in message
        assert "given:    f(params:" in message


def test_a_signature_that_does_not_fit_the_function():
    with pytest.raises(ValueError, match="2 specs"):
        ag.function(lambda x: x, input_signature=[ag.TensorSpec([], "int32")] * 2)(1)
    with pytest.raises(ValueError, match="no spec for argument 'y'"):
        ag.function(lambda x, y: x, input_signature=[ag.TensorSpec([], "int32")])(1, 2)


def test_the_signature_of_a_method_leaves_self_out():
    class Model:
        scale = 3

        @ag.function(input_signature=[ag.TensorSpec([None], "float32")])
        def apply(self, x):
            return x * self.scale

    model = Model()
    assert model.apply(jnp.ones(2)).tolist() == [3, 3]
    assert model.apply(jnp.ones(3)).tolist() == [3, 3, 3]
    assert Model.apply.tracing_count == 1


def test_open_sizes_are_traced_once(capsys):
    @ag.function(input_signature=[ag.TensorSpec([None, 3], "float32"), ag.TensorSpec([], "float32")])
    def f(rows, limit):
        print("tracing")
        total, count = 0.0, 0
        for row in rows:
            if row.sum() > limit:
                total += row.sum()
                count += 1
        for i in range(len(rows)):
            total += i
        if total > 3000:
            raise ValueError(f"{len(rows)} rows")
        return total / rows.shape[0], count, jnp.concatenate([rows, rows])

    for n in (1, 2, 5, 17):
        rows = np.arange(3.0 * n, dtype=np.float32).reshape(n, 3)
        mean, count, twice = f(rows, 4)
        sums = [row.sum() for row in rows if row.sum() > 4]
        np.testing.assert_allclose(mean, (sum(sums) + sum(range(n))) / n, rtol=1e-6)
        assert int(count) == len(sums)
        assert twice.shape == (2 * n, 3)
    with pytest.raises(ValueError, match="99 rows"):
        f(np.ones((99, 3), np.float32), 2)
    assert capsys.readouterr().out == "tracing\n"
    assert f.tracing_count == 1
    (concrete,) = f.concrete_functions
    assert concrete.inputs[0].shape == (None, 3)
    with pytest.raises(TypeError, match=r"float32\[None,3\] as argument rows, and got float32\[2,4\]"):
        f(np.ones((2, 4), np.float32), 4)


def test_open_sizes_of_several_arguments():
    @ag.function(input_signature=[ag.TensorSpec([None], "float32"), ag.TensorSpec([None], "float32")])
    def f(x, y):
        return jnp.sum(x) - jnp.sum(y)

    @ag.function(input_signature=[ag.TensorSpec([None], "float32"), ag.TensorSpec([None], "float32")])
    def dot(x, y):
        return x @ y

    for n, m in ((3, 4), (5, 2), (6, 6)):
        assert float(f(jnp.ones(n), jnp.ones(m))) == n - m
    assert f.tracing_count == 1
    for n in (3, 4, 7):
        assert float(dot(jnp.ones(n), jnp.ones(n))) == n
    assert dot.tracing_count == 1


def test_open_sizes_fall_back_to_a_trace_for_each_with_one_warning():
    @ag.function(input_signature=[ag.TensorSpec([None], "float32")])
    def f(x):
        if x.shape[0] > 3:  # undecided
            return x.sum()
        return x.prod()

    with pytest.warns(ag.RetracingWarning, match="a trace for each size") as caught:
        assert float(f(jnp.full(2, 2.0))) == 4
        assert float(f(jnp.full(5, 2.0))) == 10
        assert float(f(jnp.full(2, 3.0))) == 9
    assert len(caught) == 1
    assert f.tracing_count == 2
    line = next(n for n, text in enumerate(open(__file__), 1) if text.rstrip().endswith("# undecided"))
    assert f"line {line}" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_reduce_retracing_opens_the_sizes_that_differ():
    @ag.function(reduce_retracing=True)
    def f(x, y):
        return (x * 2).sum() + y

    for n in range(1, 8):
        assert float(f(jnp.ones((n, 2)), 1.0)) == 4 * n + 1
    assert f.tracing_count == 2
    assert [concrete.inputs[0].shape for concrete in f.concrete_functions] == [(1, 2), (None, 2)]
