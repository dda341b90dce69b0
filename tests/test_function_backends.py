"""``ag.function``: which engine runs a call."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag
from autograph.backends import choose, framework_of

tf = pytest.importorskip("tensorflow")


def identity(x, *rest, **named):
    return x


@pytest.fixture(autouse=True)
def default():
    ag.config.default_backend = "jax"
    yield
    ag.config.default_backend = None


def chosen(function, *args, **kwargs):
    return choose(function, args, kwargs)


def test_the_first_tensor_among_the_arguments_decides():
    f = ag.function(identity)
    j, t = jnp.ones(2), tf.ones(2)
    for args, engine in (
        ((j,), "jax"),
        ((t,), "tensorflow"),
        ((1, "a", None, t), "tensorflow"),
        (({"a": [1, (2, t)]},), "tensorflow"),
        (({"a": [1, (2, j)]},), "jax"),
        ((tf.Variable(1.0),), "tensorflow"),
        ((jax.ShapeDtypeStruct((2,), jnp.float32),), "jax"),
        ((tf.TensorSpec([2]),), "tensorflow"),
        ((np.ones(2), 3), "jax"),
    ):
        assert chosen(f, *args) == engine
    assert chosen(f, 1, named={"deep": [t]}) == "tensorflow"
    assert type(f(t)) is type(t)
    assert isinstance(f(j), jax.Array)


def test_captured_tensors_decide_where_no_argument_does():
    weight, number = tf.constant(2.0), 3.0

    def captures(x):
        return x * weight

    def captures_none(x):
        return x * number

    class Model:
        def __init__(self, scale):
            self.scale = scale

        @ag.function
        def apply(self, x):
            return x * self.scale

    assert chosen(ag.function(captures), 2.0) == "tensorflow"
    assert chosen(ag.function(captures_none), 2.0) == "jax"
    assert chosen(Model.apply, Model(tf.constant(2.0)), 1.0) == "tensorflow"
    assert chosen(Model.apply, Model(jnp.ones(2)), 1.0) == "jax"


def test_the_default_decides_where_there_are_no_tensors():
    f = ag.function(identity)
    assert chosen(f, 1) == "jax"
    ag.config.default_backend = "tensorflow"
    assert chosen(f, 1) == "tensorflow"
    assert chosen(ag.function(identity, backend="jax"), 1) == "jax"
    with pytest.raises(ValueError, match="fortran"):
        ag.config.default_backend = "fortran"
    with pytest.raises(AttributeError):
        ag.config.defualt_backend = "jax"


def test_tensors_of_two_engines_are_an_error_that_names_both():
    f = ag.function(lambda first, second: first)
    with pytest.raises(TypeError, match=r"two engines: argument first is one of JAX, and argument second\['a'\]\[0\]"):
        f(jnp.ones(2), {"a": [tf.ones(2)]})
    f(jnp.ones(2), jnp.ones(2))  # compiled, and called directly from now on
    with pytest.raises(
        TypeError, match="two engines: argument first is one of JAX, and argument second is one of Tens"
    ):
        f(jnp.ones(2), tf.ones(2))
    with pytest.raises(TypeError, match="backend='jax', and argument second is a tensor of TensorFlow"):
        ag.function(lambda first, second: first, backend="jax")(1, tf.ones(2))


def test_one_function_serves_both_engines():
    @ag.function
    def double(x):
        while x < 100:
            x = x * 2
        return x

    for _ in range(2):
        assert int(double(jnp.array(3))) == int(double(tf.constant(3))) == 192
    assert double.tracing_count == 2
    assert "1 on jax" in repr(double)
    assert "1 on tensorflow" in repr(double)


def test_types_are_known_without_an_import():
    assert framework_of(jnp.ones(1)) == "jax"
    assert framework_of(tf.ones(1)) == "tensorflow"
    assert framework_of(np.ones(1)) is framework_of("text") is framework_of(None) is None
    assert framework_of(jax.ShapeDtypeStruct) is None


def run(path, code: str, **environment: str) -> str:
    path.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_environment_variables_and_a_missing_framework(tmp_path):
    out = run(
        tmp_path / "program.py",
        """
        import sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "tensorflow":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.meta_path.insert(0, Missing())
        import autograph as ag
        assert "jax" not in sys.modules
        print(ag.config.default_backend)
        f = ag.function(lambda x: type(x).__name__)
        print(f(1))
        ag.run_functions_eagerly(False)
        try:
            f(1)
        except ImportError as error:
            print(error)
        """,
        AUTOGRAPH_BACKEND="tensorflow",
        AUTOGRAPH_EAGER="1",
    )
    first, second, third = out.splitlines()
    assert (first, second) == ("tensorflow", "int")
    assert third == (
        "backend 'tensorflow' needs the package tensorflow, which is not installed. "
        "Install it with: pip install 'autograph-compiler[tensorflow]'"
    )
