"""``ag.function``: methods and objects, memory, processes, and what outlives them."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import textwrap
import tracemalloc
import weakref
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag

pytestmark = pytest.mark.filterwarnings("ignore:.*times in a row")


# --- methods ----------------------------------------------------------------------------------------------------------


class Base:
    factor = 2

    def __init__(self, bias):
        self.bias = bias

    @ag.function
    def apply(self, x):
        """Doc."""
        if x > 10:
            return x
        return x * self.factor + self.bias

    @classmethod
    @ag.function
    def of_class(cls, x):
        return x * cls.factor if x > 0 else x

    @staticmethod
    @ag.function
    def static(x):
        return x + 1 if x > 0 else x


class Derived(Base):
    factor = 3

    @ag.function
    def apply(self, x):
        return super().apply(x) + 1000


def test_methods_of_classes_subclasses_and_instances():
    base, derived = Base(1), Derived(5)
    for _ in range(2):
        assert int(base.apply(2)) == 5
        assert int(base.apply(11)) == 11
        assert int(derived.apply(2)) == 1011
        assert int(Base.apply(derived, 2)) == 11
        assert int(derived.apply(x=11)) == 1011
        assert [int(kind.of_class(2)) for kind in (Base, Derived)] == [4, 6]
        assert int(Base.static(1)) == int(derived.static(1)) == 2
    assert (base.apply.__name__, base.apply.__doc__, base.apply.__self__) == ("apply", "Doc.", base)
    assert base.apply == base.apply
    assert base.apply != derived.apply
    assert len({base.apply, base.apply, Base(1).apply}) == 2
    base.bias = 7
    assert int(base.apply(2)) == 11


def test_instances_of_every_kind_have_traces_of_their_own_and_are_let_go():
    @dataclass(frozen=True)
    class Frozen:
        k: int

        @ag.function
        def apply(self, x):
            return x * self.k

    class Slotted:
        __slots__ = ("__weakref__", "k")

        def __init__(self, k):
            self.k = k

        @ag.function
        def apply(self, x):
            return x * self.k

    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __init__(self, k):
            self.k = k

        @ag.function
        def apply(self, x):
            return x * self.k

    class Equal(Unhashable):
        def __eq__(self, other):
            return True

        __hash__ = object.__hash__

    @dataclass(frozen=True)
    class FrozenWithArrays:
        k: Any
        scale: int = 1

        @ag.function
        def apply(self, x):
            return x * self.k * self.scale

    a, b = FrozenWithArrays(jnp.full((), 2)), FrozenWithArrays(jnp.full((), 3))
    assert [int(o.apply(5)) for o in (a, b, a, b)] == [10, 15, 10, 15]
    assert FrozenWithArrays.apply.tracing_count == 1  # they differ in arrays alone, which are inputs

    for kind in (Frozen, Slotted, Unhashable, Equal):
        a, b = kind(2), kind(3)
        assert [int(o.apply(5)) for o in (a, b, a, b)] == [10, 15, 10, 15]
        references = [weakref.ref(a), weakref.ref(b)]
        del a, b
        gc.collect()
        assert [reference() for reference in references] == [None, None]


def test_a_method_is_pickled_with_its_object():
    bound = pickle.loads(pickle.dumps(Base(4).apply))
    assert int(bound(1)) == 6


# --- memory -----------------------------------------------------------------------------------------------------------


def test_traces_die_with_the_function():
    class Token:
        pass

    token = Token()

    def f(x):
        token.seen = True  # noqa: F821 - it is deleted below
        return x + 1

    function = ag.function(f)
    function(1.0)
    function(jnp.ones(3))
    references = [weakref.ref(function), weakref.ref(token)]
    del f, function, token
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_calls_with_one_signature_leave_nothing_behind():
    class Model:
        def __init__(self):
            self.w = jnp.ones(2)

        @ag.function
        def step(self, x):
            self.w = self.w + x
            return self.w

    @ag.function
    def plain(x):
        return x + 1

    @ag.function
    def static(x, mode):
        return x + 1

    model, x = Model(), jnp.ones(2)

    def call(count):
        for _ in range(count):
            plain(x)
            static(x, "mode")
            model.step(x)

    call(200)
    gc.collect()
    tracemalloc.start()
    try:
        call(500)
        gc.collect()
        before, objects = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
        call(5000)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        assert after - before < 20_000
        assert len(gc.get_objects()) - objects < 100
    finally:
        tracemalloc.stop()


def test_many_signatures_leave_what_the_cache_holds():
    @ag.function(static_argnames="k")
    def f(x, k):
        return x + k

    ag.config.max_traces = 4
    try:
        for k in range(60):
            assert int(f(1, k)) == 1 + k
        assert [c.signature for c in f.concrete_functions] == [f"x: int32[] (weak), k={k}" for k in range(56, 60)]
        assert f.tracing_count == 60
        assert int(f(1, 56)) == 57  # used again, so that 57 is the oldest
        assert int(f(1, 100)) == 101
        assert f.tracing_count == 61
        int(f(1, 56))
        assert f.tracing_count == 61
        int(f(1, 57))
        assert f.tracing_count == 62

        g = ag.function(lambda x: x * 2)
        for n in (1, 2, 3, 4, 1, 5, 1, 2):
            assert g(jnp.ones(n)).shape == (n,)
        assert g.tracing_count == 6
        gc.collect()
        count = len(gc.get_objects())
        for k in range(60, 90):
            f(1, k)
        gc.collect()
        assert len(gc.get_objects()) - count < 3000
    finally:
        ag.config.max_traces = None
    for wrong, error in ((0, ValueError), ("many", TypeError), (True, TypeError)):
        with pytest.raises(error):
            ag.config.max_traces = wrong


def test_donated_arguments_are_used_up():
    @ag.function(donate_argnames="state")
    def step(scale, state, mode="add"):
        return jax.tree.map(lambda leaf: leaf + scale, state)

    for mode in ("add", "other"):
        state, scale = {"a": jnp.ones(1000), "b": jnp.zeros(10)}, jnp.ones(())
        out = step(scale, state, mode)
        assert out["a"][0] == 2
        assert all(leaf.is_deleted() for leaf in state.values())
        assert not scale.is_deleted()
    with pytest.raises(ValueError, match="'missing'"):
        ag.function(lambda x: x, donate_argnames=["missing"])


# --- processes --------------------------------------------------------------------------------------------------------

PROGRAM = """
import multiprocessing, sys, time
import jax, jax.numpy as jnp
import autograph as ag

@ag.function
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps

def work(n):
    return int(collatz(n))

if __name__ == "__main__":
    print(work(27))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [27, 6]), pool.apply(collatz, (7,)))
"""


def run_program(path: Any, text: str, **environment: str) -> str:
    path.write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_under_spawn(tmp_path):
    assert run_program(tmp_path / "program.py", PROGRAM) == "111\n[111, 8] 16\n"


def test_a_second_process_finds_what_the_first_has_compiled(tmp_path):
    program = """
    import os, sys
    import jax, jax.numpy as jnp
    import autograph as ag

    hits = []
    from jax import monitoring
    monitoring.register_event_listener(lambda event, **_: hits.append(event))

    @ag.function
    def f(x):
        for i in range(x.shape[0]):
            if x[i] > 2:
                x = x + jnp.sin(x)
        return x

    f(jnp.arange(20.0))
    print(sum(event == "/jax/compilation_cache/cache_hits" for event in hits) > 0, ag.config.cache_dir == sys.argv[-1])
    """
    folder = tmp_path / "cache"
    out = [run_program(tmp_path / "program.py", program, AUTOGRAPH_CACHE_DIR=str(folder)) for _ in range(2)]
    assert [line.split()[0] for line in out] == ["False", "True"]
    assert any(folder.iterdir())


def test_the_cache_folder_can_be_set_while_the_program_runs(tmp_path):
    before = jax.config.jax_compilation_cache_dir
    ag.config.cache_dir = tmp_path
    try:
        ag.function(lambda x: jnp.cos(x) * 3.25 + 1.5)(jnp.ones(7))
        assert list(tmp_path.iterdir())
        assert repr(str(tmp_path)) in repr(ag.config)
    finally:
        ag.config.cache_dir = before


def test_numbers_too_large_for_the_engine_are_its_error_each_time():
    f = ag.function(lambda x: x + 1)
    for _ in range(2):
        with pytest.raises(OverflowError):
            f(2**40)
        assert int(f(1)) == 2


def test_arrays_of_every_kind_are_inputs():
    f = ag.function(lambda x: x)
    for value in (
        np.ones(2),
        np.float64(2),
        np.array(3),
        np.bool_(True),
        jnp.ones(2, jnp.bfloat16),
        jax.random.key(0),
        np.ones((0, 3), np.int8),
    ):
        out = f(value)
        assert out.shape == np.shape(value)
    assert f(np.array(["a"], dtype=object)) is not None
