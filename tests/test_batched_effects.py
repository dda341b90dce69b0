"""Under `vmap`, each example prints, fails and fills lists as it would by itself."""

from __future__ import annotations

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag


def printed(capfd, function, *arguments):
    capfd.readouterr()
    function(*arguments)
    jax.effects_barrier()
    return Counter(capfd.readouterr().out.splitlines())


def one_by_one(capfd, function, examples):
    total = Counter()
    for example in examples:
        total += printed(capfd, function, example)
    return total


def test_prints_of_branches_and_of_loops_of_different_length(capfd):
    def noisy(x):
        while x < 10:
            if x > 2:
                print("large", x)
            else:
                print("small")
            x = x * 2
        print("done")
        return x

    xs = jnp.array([1.0, 3.0, 50.0])
    expected = one_by_one(capfd, noisy, xs)
    expected["done"] = 3
    converted = ag.convert(noisy)
    for function in (jax.vmap(converted), jax.jit(jax.vmap(jax.grad(converted)))):
        found = printed(capfd, function, xs)
        assert found.pop("done") in (1, 3)  # what does not depend on the example is printed for all of them at once
        assert found == {line: count for line, count in expected.items() if line != "done"}


def test_prints_of_nested_loops_under_two_batches(capfd):
    def nested(x):
        i = 0
        while i < 3:
            j = 0
            while j < x:
                print(f"{i} {j} {x}")
                j += 1
            for k in range(10):
                if k == x:
                    print(f"found {k}")
                    break
            i += 1
        return x

    xs = jnp.array([[1, 2], [0, 1]])
    expected = one_by_one(capfd, nested, xs.reshape(-1).tolist())
    assert printed(capfd, jax.vmap(jax.vmap(ag.convert(nested))), xs) == expected


def test_an_assertion_fails_only_for_an_example_that_reaches_it():
    def checked(x):
        while x < 10:
            assert x > 0, "not positive"
            x = x * 2
        if x > 100:
            raise ValueError("too large")
        return x

    converted = ag.convert(checked)
    np.testing.assert_array_equal(jax.vmap(converted)(jnp.array([1.0, 3.0, 20.0])), [16, 12, 20])
    np.testing.assert_array_equal(jax.vmap(jax.grad(converted))(jnp.array([1.0, 3.0, 20.0])), [16, 4, 1])
    with pytest.raises(jax.errors.JaxRuntimeError, match="not positive"):
        jax.block_until_ready(jax.jit(jax.vmap(converted))(jnp.array([1.0, -3.0])))
    with pytest.raises(jax.errors.JaxRuntimeError, match="too large"):
        jax.block_until_ready(jax.jit(jax.vmap(converted))(jnp.array([1.0, 300.0])))


def test_lists_have_the_length_of_each_example_and_fill_up_for_themselves():
    def doubled(x):
        seen = []
        ag.set_element_type(seen, jnp.float32, capacity=4)
        while x < 10:
            seen.append(x)
            x = x * 2
        return ag.stack(seen), len(seen)

    converted = ag.convert(doubled)
    rows, lengths = jax.vmap(converted)(jnp.array([1.0, 3.0, 11.0]))
    assert rows.tolist() == [[1, 2, 4, 8], [3, 6, 0, 0], [0, 0, 0, 0]]
    assert lengths.tolist() == [4, 2, 0]
    slopes = jax.vmap(jax.grad(lambda x: jnp.sum(converted(x)[0])))(jnp.array([1.0, 3.0, 11.0]))
    assert slopes.tolist() == [15, 3, 0]
    with pytest.raises(jax.errors.JaxRuntimeError, match="list that is full"):
        jax.block_until_ready(jax.jit(jax.vmap(converted))(jnp.array([1.0, 0.1])))
