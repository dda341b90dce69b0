"""With ``None`` in an ``input_signature``, JAX traces the Python once for all sizes, whatever it does with the rows."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag

VECTOR, ROWS, MATRIX = (ag.TensorSpec(shape, "float32") for shape in ([None], [None, 3], [None, None]))
NUMBER = ag.TensorSpec([], "float32")


def branches(x, s):
    if s > 0:
        y = x * 2
    else:
        y = x / 2
    if y.sum() > s:
        return y, y.mean()
    return y, y.max()


def walks(x, s):
    total, last, best = 0.0, x[0], x[0]
    for index, value in enumerate(x):
        total += index * value
        if value > s:
            last = value
        best = max(best, value * 0.5 + s)
    for value in reversed(x):
        total = total * 0.5 + value
    for index in range(len(x)):
        if x[index] > s:
            x[index] = 0.0
    return total, last, best, x, x.sum() / x.shape[0] + len(x)


def leaves_early(x, s):
    for value in x:
        if value > s:
            return value
    return s


def lists(x, s):
    above = []
    for value in x:
        if value > s:
            above.append(value)
    doubled = [value * 2 for value in x]
    return above, sum(doubled), sum(value for value in x if value > s), any(value > s for value in x), min(x)


def arrays(x, s):
    joined = jnp.concatenate([x, x * s])[::2]
    slope = jax.grad(lambda y: (y * y * s).sum())(x)
    return joined, slope, jnp.sort(x), x[1:] - x[:-1], jnp.zeros_like(x) + jnp.arange(x.shape[0])


def rows(m, s):
    total, count = 0.0, 0
    for row in m:
        if row[0] > 2:
            break
        for value in row:
            if value > s:
                total += value
                count += 1
    return total, count, jax.vmap(lambda row: row.sum() if s > 0 else row.max())(m), m.T @ m


def places(m, s):
    best = s
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if m[i, j] > best:
                best = m[i, j]
    while m.sum() < s:
        m = m + 1
    return best, m


@pytest.mark.parametrize(
    ("program", "spec"),
    [
        (branches, VECTOR),
        (walks, VECTOR),
        (leaves_early, VECTOR),
        (lists, VECTOR),
        (arrays, VECTOR),
        (rows, ROWS),
        (places, MATRIX),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_python_is_run_once_for_all_sizes(program: Any, spec: ag.TensorSpec) -> None:
    function = ag.function(program, input_signature=[spec, NUMBER])
    random = np.random.default_rng(0)
    for size in (2, 5, 3):
        shape = [size + axis if length is None else length for axis, length in enumerate(spec.shape)]
        array = random.normal(size=shape).astype(np.float32)
        for s in (0.3, -0.3):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = function(jnp.asarray(array), s)
            expected = jax.disable_jit()(program)(array.copy(), np.float32(s))
            for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert function.tracing_count == 1


def test_a_list_in_one_array_has_the_rows_that_it_has() -> None:
    @ag.function(input_signature=[VECTOR, NUMBER])
    def scaled(x, s):
        out = []
        for value in x:
            out.append(value * s)
        return ag.stack(out)

    with pytest.warns(ag.RetracingWarning, match="how many rows this list has"):
        for size in (2, 20, 3):
            np.testing.assert_allclose(scaled(jnp.ones(size), 2.0), 2 * np.ones(size))
