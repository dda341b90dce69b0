"""``ag.function``: what it says of its traces, and when it complains about them."""

from __future__ import annotations

import pickle
import re
import runpy
import threading
import time
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag


@ag.function
def clipped(x, limit=2, *, mode="low"):
    """Doc."""
    if x.sum() > limit:
        return {"sum": x.sum(), "mode": mode}
    return {"sum": x.sum() * 0, "mode": mode}


def test_tracing_prints_once_for_each_type_as_tf_function_does(capsys):
    @ag.function
    def myadd(a, b):
        print("Tracing with", type(a).__name__ != "", type(b).__name__ != "")
        return a + b

    assert int(myadd(jnp.array(1), jnp.array(2))) == 3
    assert capsys.readouterr().out == "Tracing with True True\n"
    assert int(myadd(jnp.array(3), jnp.array(4))) == 7
    assert capsys.readouterr().out == ""
    assert float(myadd(jnp.array(1.5), jnp.array(2.5))) == 4
    assert capsys.readouterr().out == "Tracing with True True\n"
    assert myadd.tracing_count == 2


def test_the_page_about_tracing_prints_what_it_says(tmp_path, capsys):
    page = (Path(__file__).parent.parent / "docs" / "tracing.md").read_text()
    text = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    call = "mean_above(jnp.ones((5, 4)), 1.0)\n"
    assert call in text
    text = text.replace(call, f"try:\n    {call}except TypeError as error:\n    print(error)\n")
    text = text.replace("model.step(1.0)", "print(float(model.step(1.0)), Model.step.tracing_count)")
    file = tmp_path / "page.py"
    file.write_text(text)
    with pytest.warns(ag.RetracingWarning, match=r"myadd\(\) has been traced 5 times in a row. Argument a was float32"):
        runpy.run_path(str(file))
    out = capsys.readouterr().out.splitlines()
    assert out[:6] == ["tracing"] * 4 + ["x is 1", "x is 2"]
    assert out[6] == "tracing"
    assert all(line.strip() in page for line in out[7:10])
    assert out[10:14] == ["3.0 1", "0.0 1", "-3.0 1", "-9.0 2"]


def test_what_a_function_says_of_itself():
    f = ag.function(clipped.python_function)
    assert (f.tracing_count, f.concrete_functions) == (0, [])
    assert repr(f) == "<ag.function clipped(x, limit=2, *, mode='low'), no traces>"
    f(jnp.ones(3))
    f(jnp.ones((2, 2)), 4.0, mode="high")
    assert [concrete.signature for concrete in f.concrete_functions] == [
        "x: float32[3], limit=2, mode='low'",
        "x: float32[2,2], limit: float32[] (weak), mode='high'",
    ]
    assert repr(f) == "<ag.function clipped(x, limit=2, *, mode='low'), traces: 2 on jax>"
    assert repr(f.concrete_functions[0]) == "<trace of clipped(x: float32[3], limit=2, mode='low')>"
    assert "ag__.if_stmt" in f.code or "ag__.if" in f.code
    assert f.python_function.__doc__ == f.__doc__ == "Doc."
    page = f._repr_html_()
    assert "x: float32[3], limit=2" in page
    assert "<pre>def clipped" in page
    f.clear_cache()
    assert f.concrete_functions == []
    f(jnp.ones(3))
    assert f.tracing_count == 3


def test_a_concrete_function_from_specs_is_compiled_before_it_is_called():
    f = ag.function(clipped.python_function)
    concrete = f.get_concrete_function(ag.TensorSpec([3], "float32"))
    assert f.tracing_count == 1
    assert concrete.inputs == (ag.TensorSpec((3,), "float32", "x"),)
    assert [spec.shape for spec in concrete.outputs] == [()]
    assert "sum" not in concrete.signature
    assert isinstance(concrete.graph, jax.extend.core.ClosedJaxpr)
    assert "reduce_sum" in str(concrete.graph)
    assert "stablehlo" in concrete.as_text()
    assert float(concrete(jnp.ones(3))["sum"]) == 3
    assert float(f(jnp.ones(3))["sum"]) == 3
    assert float(concrete(jnp.ones(3), 2, mode="low")["sum"]) == 3
    assert f.tracing_count == 1
    for wrong in (lambda: concrete(jnp.ones(4)), lambda: concrete(jnp.ones(3, jnp.int32)), lambda: concrete()):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(TypeError, match=r"expects float32\[3\] as argument x, and got float32\[4\]"):
        concrete(jnp.ones(4))
    with pytest.raises(TypeError, match="expects 'low' as argument mode, and got 'high'"):
        concrete(jnp.ones(3), mode="high")


def test_concrete_functions_from_values_structs_and_static_arguments():
    @ag.function
    def f(mode, x, n):
        return x["a"] * n if mode == "times" else x["a"] + n

    x = {"a": jnp.ones(2)}
    times = f.get_concrete_function("times", x, 3)
    plus = f.get_concrete_function("plus", {"a": jax.ShapeDtypeStruct((2,), jnp.float32)}, 3)
    assert times(x, 4).tolist() == times("times", x, 4).tolist() == [4, 4]
    assert plus(x, 4).tolist() == [5, 5]
    assert f.get_concrete_function("times", x, 5) is times
    assert f.tracing_count == 2
    with pytest.raises(TypeError, match="open size"):
        f.get_concrete_function("times", {"a": ag.TensorSpec([None], "float32")}, 3)


def test_concrete_functions_of_methods_and_signatures():
    class Model:
        def __init__(self):
            self.w = jnp.full(2, 3.0)

        @ag.function
        def apply(self, x):
            return x * self.w

    model = Model()
    concrete = model.apply.get_concrete_function(ag.TensorSpec([2], "float32"))
    assert concrete(jnp.ones(2)).tolist() == [3, 3]
    model.w = jnp.full(2, 4.0)
    assert concrete(jnp.ones(2)).tolist() == [4, 4]
    assert Model.apply.tracing_count == 1

    @ag.function(input_signature=[ag.TensorSpec([None], "float32")])
    def total(x):
        return x.sum()

    concrete = total.get_concrete_function()
    assert concrete.inputs == (ag.TensorSpec((None,), "float32", "x"),)
    assert [float(concrete(jnp.ones(n))) for n in (1, 2, 3)] == [1, 2, 3]
    assert total.tracing_count == 1


# --- retracing --------------------------------------------------------------------------------------------------------


def complaint(call, values) -> str:
    """The one warning that the calls give, at the fifth of them."""
    messages = []
    for value in values:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(value)
        messages.append([str(warning.message) for warning in caught])
    assert [len(found) for found in messages] == [0, 0, 0, 0, 1, *[0] * (len(messages) - 5)]
    return messages[4][0]


def test_five_traces_in_a_row_are_explained_once():
    f = ag.function(lambda xs: xs * 2)
    message = complaint(lambda n: f(jnp.ones((n, 3))), range(1, 9))
    assert "traced 5 times in a row. Argument xs was float32[4,3] and is now float32[5,3]" in message
    assert "reduce_retracing=True" in message
    assert "ag.TensorSpec([None, 3], 'float32')" in message

    g = ag.function(lambda xs, mode: xs)
    message = complaint(lambda n: g(1, f"mode {n}"), range(7))
    assert "Argument mode was 'mode 3' and is now 'mode 4'" in message
    assert "pass a tensor" in message
    assert "static_argnames" in message

    h = ag.function(lambda x, k: x * k, static_argnames="k")
    assert "Argument k was 3 and is now 4. Each value of a static number" in complaint(lambda n: h(1.0, n), range(7))

    kinds = ag.function(lambda x: x)
    values = [1, 1.0, True, 1j, np.float16(1), np.int8(1)]
    assert "was complex64[] (weak) and is now float16[]. Convert it to one dtype" in complaint(kinds, values)

    trees = ag.function(lambda d: d["a"])
    message = complaint(lambda n: trees({"a": 1.0, **{f"k{i}": 1.0 for i in range(n)}}), range(6))
    assert "d['k3']" in message
    assert "same structure" in message


rate = 0


def test_values_outside_that_change_are_explained():
    global rate

    @ag.function
    def f(x):
        return x * rate

    def call(n):
        global rate
        rate = n
        return f(1.0)

    assert "rate, which it reads outside, was another value each time" in complaint(call, range(7))


def test_traces_with_calls_between_them_are_not_complained_about():
    f, g = ag.function(lambda x: x * 2), ag.function(lambda x, mode: x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in range(1, 9):
            for _ in range(2):
                f(jnp.ones(n))
                g(1.0, f"mode {n}")


def test_the_warning_is_at_the_callers_line():
    f = ag.function(lambda x: x)
    with pytest.warns(ag.RetracingWarning) as caught:
        for n in range(6):
            f(jnp.ones(n))
    assert caught[0].filename == __file__


# --- as an object -----------------------------------------------------------------------------------------------------


def test_it_is_pickled_by_name_and_is_its_own_copy():
    import copy

    assert pickle.loads(pickle.dumps(clipped)) is clipped
    assert copy.copy(clipped) is copy.deepcopy([clipped])[0] is clipped
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(ag.function(lambda x: x))


def test_functions_call_each_other_and_themselves_and_are_arguments():
    @ag.function
    def power(x, n):
        return x * power(x, n - 1) if n else 1

    double = ag.function(lambda x: x * 2 if x > 0 else x)

    @ag.function
    def twice(f, x):
        return f(f(x))

    @ag.function
    def cube(x):
        return power(x, 3)

    assert float(cube(2.0)) == 8
    assert int(twice(double, 3)) == 12
    assert int(twice(double, -3)) == -3
    assert cube.tracing_count == 1
    assert power.tracing_count == 0


def test_under_the_transformations_of_jax():
    @ag.function
    def f(x):
        if x > 1:
            return x * x
        return 3 * x

    xs = jnp.array([0.5, 2.0])
    assert jax.vmap(f)(xs).tolist() == [1.5, 4]
    assert jax.vmap(jax.grad(f))(xs).tolist() == [3, 4]
    assert float(jax.jit(f)(2.0)) == 4
    assert float(jax.jit(lambda x: f(2.0) + x)(1.0)) == 5
    assert f.tracing_count == 0
    assert float(f(2.0)) == 4

    @ag.function
    def slope(x):
        return jax.grad(f)(x)

    assert [float(slope(x)) for x in (0.5, 2.0)] == [3, 4]


def test_eager_runs_are_plain_python():
    seen = []

    @ag.function
    def f(x):
        seen.append(type(x))
        return x + 1

    with ag.run_functions_eagerly(True):
        assert type(f(1)) is int
        with ag.run_functions_eagerly(False):
            f(1)
        assert type(f(1)) is int
    assert isinstance(f(1), jax.Array)
    assert seen[0] is seen[2] is int
    assert issubclass(seen[1], jax.core.Tracer)
    f(1)
    ag.run_functions_eagerly(True)
    assert type(f(1)) is int
    ag.run_functions_eagerly(False)
    assert isinstance(f(1), jax.Array)


def test_a_raise_after_an_effect_comes_after_the_effect(capsys):
    @ag.function
    def f(x):
        print("before", x)
        raise KeyError("always")

    @ag.function
    def g(x):
        print("before", x)
        return {}["missing"]

    for function in (f, g):
        for value in (1, 2):
            with pytest.raises(KeyError):
                function(value)
            assert capsys.readouterr().out == f"before {value}\n"
        assert function.tracing_count == 1


# --- threads ----------------------------------------------------------------------------------------------------------


def test_sixteen_threads_that_call_first_trace_once():
    class Model:
        def __init__(self):
            self.w = jnp.ones(4)

        @ag.function
        def apply(self, x):
            while x.sum() < 100:
                x = x * 2 + self.w
            return x

    def plain(x):
        while x.sum() < 100:
            x = x * 2 + 1
        return x

    model, plain_function = Model(), ag.function(plain)
    static = ag.function(lambda x, mode: x + 1 if mode == "up" else x)
    results, errors = {}, []
    barrier = threading.Barrier(16)

    def work(k):
        try:
            barrier.wait()
            x = jnp.full(4, float(k))
            results[k] = [np.asarray(out) for out in (plain_function(x), model.apply(x), static(x, "up"))]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for k, (first, second, third) in results.items():
        expected = plain(np.full(4, float(k)))
        np.testing.assert_array_equal(first, expected)
        np.testing.assert_array_equal(second, expected)
        np.testing.assert_array_equal(third, np.full(4, k + 1.0))
    assert plain_function.tracing_count == Model.apply.tracing_count == static.tracing_count == 1


def test_a_trace_in_one_thread_is_not_seen_by_the_functions_of_another():
    weight = jnp.ones(2)
    tracing = threading.Event()
    found = []

    @ag.do_not_convert
    def pause():
        tracing.set()
        time.sleep(0.2)

    @ag.function
    def writes(x):
        nonlocal weight
        weight = weight * x
        pause()
        return weight

    @ag.function
    def reads(x):
        return weight + x

    reads(0.0)

    def look():
        assert tracing.wait(30)
        found.append(ag.function(lambda x: x + 1)(1))
        found.append(reads(0.0))

    thread = threading.Thread(target=look)
    thread.start()
    assert writes(3.0).tolist() == weight.tolist() == [3, 3]
    thread.join()
    assert int(found[0]) == 2
    assert found[1].tolist() in ([1, 1], [3, 3])
    assert reads.tracing_count == 1
