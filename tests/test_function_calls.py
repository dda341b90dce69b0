"""Calls of ``ag.function`` on JAX that are looked up by the types of their arguments do what the first one did."""

from __future__ import annotations

import enum
import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag

ONE, TWO = jnp.float32(1), jnp.float32(2)


class Mode(enum.IntEnum):
    LOW = 1


class Box:
    def __init__(self, k: float) -> None:
        self.k = k


@ag.do_not_convert
def look(value: Any) -> str:
    return repr(value) if isinstance(value, float) else "traced"


def test_a_number_given_for_a_default_is_told_from_it_to_the_last_bit() -> None:
    @ag.function
    def f(x, n=0.0, *, flag=False):
        return x, look(n), type(flag).__name__

    for _ in range(3):
        assert f(ONE)[1:] == f(ONE, 0.0)[1:] == f(ONE, n=0.0)[1:] == f(x=ONE)[1:] == ("0.0", "bool")
        assert f(ONE, -0.0)[1] == f(ONE, n=-0.0)[1] == f(ONE, 1.5)[1] == f(ONE, n=jnp.float32(0))[1] == "traced"
        assert f(ONE, 0)[1] == f(ONE, False)[1] == f(ONE, Mode.LOW)[1] == "traced"


def test_static_values_within_containers_decide_with_their_structure() -> None:
    @ag.function
    def f(tree, options, box=None):
        if options["mode"] == "sum":
            out = tree["a"] + tree["b"][0]
        else:
            out = tree["a"] * tree["b"][0]
        return out if box is None else out * box.k

    tree = {"a": TWO, "b": (jnp.float32(5), None)}
    box, other = Box(10.0), Box(100.0)
    for _ in range(4):
        assert float(f(tree, {"mode": "sum"})) == float(f(tree, options={"mode": "sum"})) == 7
        assert float(f(tree, {"mode": "product"})) == 10
        assert float(f(tree, {"mode": "sum"}, box)) == float(f(box=box, tree=tree, options={"mode": "sum"})) == 70
        assert float(f(tree, {"mode": "product"}, other)) == 1000
        assert float(f({"a": TWO, "b": [5.0]}, {"mode": "sum"})) == 7
    assert f.tracing_count == 5
    box.k = 20.0
    assert float(f(tree, {"mode": "sum"}, box)) == 140
    reference = weakref.ref(other)
    del other
    gc.collect()
    assert reference() is None


def test_variadic_and_keyword_only_arguments_keep_pythons_rules() -> None:
    @ag.function
    def total(first, *rest, scale=1.0, **more):
        for value in rest:
            first = first + value
        return (first + sum(more.values())) * scale

    @ag.function
    def joined(a, /, b, *, c):
        return a + 10 * b + 100 * c

    for _ in range(3):
        assert float(total(ONE, TWO)) == 3
        assert float(total(ONE, TWO, TWO)) == 5
        assert float(total(ONE, TWO, scale=2.0)) == 6
        assert float(total(ONE, TWO, other=TWO)) == 5
        assert float(joined(ONE, TWO, c=ONE)) == float(joined(ONE, b=TWO, c=ONE)) == 121
        for wrong in (
            lambda: joined(ONE, TWO, ONE),
            lambda: joined(ONE, TWO),
            lambda: joined(a=ONE, b=TWO, c=ONE),
            lambda: joined(ONE, TWO, b=TWO, c=ONE),
        ):
            with pytest.raises(TypeError, match="joined"):
                wrong()


def test_signatures_are_kept_by_every_call_and_convert_numbers() -> None:
    @ag.function(
        input_signature=[
            ag.TensorSpec([None], "float32"),
            ag.TensorSpec([None], "float32"),
            ag.TensorSpec([], "float32"),
        ]
    )
    def f(x, y, scale):
        if scale > 1:
            return (x * y).sum() * scale
        return jnp.float32(0)

    for size in (3, 3, 4, 3):
        ones = jnp.ones(size)
        assert float(f(ones, ones, 2)) == float(f(ones, y=ones, scale=2.0)) == float(f(ones, ones, TWO)) == 2 * size
        assert float(f(np.ones(size, np.float32), ones, 1)) == 0
        for wrong, name in (
            (lambda ones=ones: f(ones, ones, "2"), "scale"),
            (lambda ones=ones: f(ones, ones[None], 2.0), "y"),
            (lambda ones=ones: f(ones.astype(int), ones, 2.0), "x"),
            (lambda ones=ones: f(ones, scale=2j, y=ones), "scale"),
            (lambda ones=ones: f(ones, ones, True), "scale"),
        ):
            with pytest.raises(TypeError, match=f"as argument {name}"):
                wrong()
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'scale'"):
            f(ones, ones)
    assert f.tracing_count == 1
    with pytest.raises(TypeError, match="incompatible shapes"):
        f(jnp.ones(3), jnp.ones(4), 2.0)


def test_arrays_read_outside_are_read_by_every_kind_of_call() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = jnp.float32(2)

        @ag.function
        def apply(self, x, mode, n=3):
            if x > 0:
                return x * self.w * n
            return x if mode == "keep" else -x

    model = Model()
    expected: list[Any] = []
    found: list[Any] = []
    for step in range(5):
        model.w = jnp.float32(step)
        for x in (2.0, -2.0):
            array = jnp.float32(x)
            found += [model.apply(array, "keep"), model.apply(array, mode="flip"), model.apply(array, "flip", n=4)]
            expected += [2.0 * step * 3, 2.0 * step * 3, 2.0 * step * 4] if x > 0 else [-2.0, 2.0, 2.0]
    np.testing.assert_allclose([float(value) for value in found], expected)
    assert Model.apply.tracing_count == 3


def test_quick_calls_are_inlined_where_a_graph_is_built() -> None:
    @ag.function
    def f(x, mode, *, n):
        if x > 0:
            return x * n if mode == "a" else x
        return -x

    for _ in range(3):
        assert float(f(TWO, "a", n=3.0)) == 6
        assert float(jax.jit(lambda x: f(x, "a", n=x))(TWO)) == 4
        assert float(jax.grad(lambda x: f(x, mode="a", n=x))(TWO)) == 4
        np.testing.assert_array_equal(jax.vmap(lambda x: f(x, "a", n=3.0))(jnp.array([1.0, -1.0])), [3, 1])
    with ag.run_functions_eagerly(True):
        assert f(2, "a", n=3) == 6


def test_calls_that_take_turns_give_what_python_gives() -> None:
    class Scale:
        def __init__(self, by: int) -> None:
            self.by = by

    def f(x: Any, how: str = "up", by: Any = 2, scale: Any = None) -> Any:
        x = x + by if how == "up" else x - by
        return x if scale is None else x * scale.by

    staged = ag.function(f)
    double, triple = Scale(2), Scale(3)
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((TWO,), {}),
        ((TWO, "down"), {}),
        ((TWO, "up", 2), {}),
        ((TWO, "up", 7), {}),
        ((TWO, "up", True), {}),
        ((TWO, "up", 2.0), {}),
        ((TWO, "down", 2, double), {}),
        ((TWO, "down", 2, triple), {}),
        ((TWO,), {"how": "down", "scale": triple}),
    ]
    for repeated in (1, 3, 1):
        for args, kwargs in calls:
            for _ in range(repeated):
                assert float(staged(*args, **kwargs)) == float(f(*args, **kwargs))
    staged.clear_cache()
    assert not staged.concrete_functions
    for args, kwargs in reversed(calls[:2]):
        assert float(staged(*args, **kwargs)) == float(f(*args, **kwargs))
    double.by = 10
    assert float(staged(TWO, "down", 2, double)) == 0
    assert float(staged(ONE, "down", 2, double)) == -10
    with pytest.raises(TypeError):
        staged(TWO, "up", 2, None, 1)
