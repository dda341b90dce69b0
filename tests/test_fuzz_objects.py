"""Random programs with objects under several names mean in a graph what they mean in Python (``fuzz/objects.py``)."""

from __future__ import annotations

import linecache
from typing import Any

import jax.numpy as jnp
import pytest

import autograph as ag
from fuzz.objects import Program


def load(seed: int) -> Any:
    text, name = Program(seed).text(), f"<objects {seed}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "objects"}
    exec(compile(text, name, "exec"), namespace)
    return namespace["program"]


@pytest.mark.parametrize("seed", range(13))
def test_objects_under_several_names_are_changed_as_in_python(seed: int) -> None:
    program = load(seed)
    compiled = ag.function(program)
    for x, y in ((4, 9), (7, 2), (1, 0)):
        assert tuple(map(int, compiled(jnp.asarray(x), jnp.asarray(y)))) == tuple(map(int, program(x, y)))
