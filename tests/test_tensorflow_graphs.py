"""TensorFlow 1.x graphs: converted functions build nodes, which `Session.run` evaluates.

What a function prints and asserts runs because the function's result does, also if that is `tf.no_op()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag

v1 = tf.compat.v1


@contextmanager
def graph_and_session() -> Iterator[tuple[tf.Graph, Callable[..., Any]]]:
    """A fresh graph, and a function that initialises its variables once and then runs fetches."""
    graph = v1.Graph()
    with graph.as_default():
        session = v1.Session()
        initialised = []

        def run(fetches: Any, feed: dict[Any, Any] | None = None) -> Any:
            if not initialised:
                initialised.append(session.run(v1.global_variables_initializer()))
            return session.run(fetches, feed_dict=feed)

        with session:
            yield graph, run


def test_placeholders_are_fed_with_values_of_every_size() -> None:
    def sums(numbers, limit):
        even = count = 0
        for n in numbers:
            if n % 2 == 1:
                continue
            if even + n > limit:
                break
            even += n
            count += 1
        return even, count

    with graph_and_session() as (_, run):
        numbers, limit = v1.placeholder(tf.int32, [None]), v1.placeholder(tf.int32, [])
        nodes = ag.to_graph(sums)(numbers, limit)
        for values in ([], [1], [2, 4, 5, 6], list(range(20))):
            for bound in (5, 1000):
                assert run(nodes, {numbers: values, limit: bound}) == sums(values, bound)


def test_decorated_functions_build_nodes_too() -> None:
    @ag.convert()
    def gcd(a, b):
        while b != 0:
            a, b = b, a % b
        return a

    with graph_and_session() as (_, run):
        a, b = v1.placeholder(tf.int32, []), v1.placeholder(tf.int32, [])
        node = gcd(a, b)
        assert run(node, {a: 84, b: 36}) == 12
        assert run(node, {a: 7, b: 0}) == 7
    assert gcd(84, 36) == 12


def test_unknown_rank_and_strings_and_booleans() -> None:
    @ag.convert
    def describe(x, word, flag):
        if flag and word != "stop":
            while tf.reduce_sum(x) < 100.0:
                x = x * 2.0
        elif not flag:
            word = word + "!"
        return x, word

    with graph_and_session() as (_, run):
        x = v1.placeholder(tf.float32, None)
        word, flag = v1.placeholder(tf.string, []), v1.placeholder(tf.bool, [])
        nodes = describe(x, word, flag)
        found, text = run(nodes, {x: [[1.0, 2.0]], word: "go", flag: True})
        assert (found.tolist(), text) == ([[64.0, 128.0]], b"go")
        found, text = run(nodes, {x: 5.0, word: "stop", flag: True})
        assert (found.tolist(), text) == (5.0, b"stop")
        found, text = run(nodes, {x: [5.0], word: "stop", flag: False})
        assert (found.tolist(), text) == ([5.0], b"stop!")


# -------------------------------------------------------------------------------------------------------------- effects


def test_prints_run_in_order_because_the_result_does(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.convert
    def countdown(n):
        print("from", n)
        while n > 0:
            if n % 2 == 0:
                print(n, "is even")
            n -= 1
        print("done")
        return n

    with graph_and_session() as (_, run):
        n = v1.placeholder(tf.int32, [])
        node = countdown(n)
        assert capfd.readouterr().out == ""
        for _ in range(2):
            assert run(node, {n: 4}) == 0
            assert capfd.readouterr().out.splitlines() == ["from 4", "4 is even", "2 is even", "done"]


def test_prints_run_because_a_no_op_does(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.convert
    def greet(names):
        for name in names:
            if name != "nobody":
                print("hello", tf.strings.upper(name) if name == "ada" else name)
        return tf.no_op()

    with graph_and_session() as (_, run):
        names = v1.placeholder(tf.string, [None])
        node = greet(names)
        assert run(node, {names: ["ada", "nobody", "bob"]}) is None
        out = capfd.readouterr().out
        assert [word in out for word in ("ADA", "bob", "nobody")] == [True, True, False]
        assert out.count("hello") == 2


def test_every_result_carries_the_effects(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.convert
    def both(x):
        print("seen", x)
        return {"first": x + 1, "more": (x + 2, x)}

    with graph_and_session() as (_, run):
        x = v1.placeholder(tf.int32, [])
        nodes = both(x)
        for node, value in [(nodes["first"], 2), (nodes["more"][0], 3), (nodes["more"][1], 1)]:
            assert run(node, {x: 1}) == value
            assert capfd.readouterr().out == "seen 1\n"
        assert run(nodes, {x: 1}) == {"first": 2, "more": (3, 1)}
        assert capfd.readouterr().out == "seen 1\n"


def test_assertions_stop_the_run_with_the_message() -> None:
    @ag.convert
    def reciprocals(numbers):
        total = 0.0
        for i, x in enumerate(numbers):
            assert x != 0.0, "Do not pass zero!"
            if i > 1:
                assert x > 0.0, f"number {i} is not positive"
            total += 1.0 / x
        return total

    with graph_and_session() as (_, run):
        numbers = v1.placeholder(tf.float32, [None])
        node = reciprocals(numbers)
        np.testing.assert_allclose(run(node, {numbers: [1.0, -2.0, 4.0]}), 0.75)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Do not pass zero!"):
            run(node, {numbers: [1.0, 0.0]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="number 2 is not positive"):
            run(node, {numbers: [1.0, 1.0, -1.0]})
        np.testing.assert_allclose(run(node, {numbers: [4.0]}), 0.25)


def test_an_assertion_runs_before_what_follows_it(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.convert
    def guarded(x):
        print("before")
        assert x > 0, "too small"
        print("after")
        return tf.no_op()

    with graph_and_session() as (_, run):
        x = v1.placeholder(tf.int32, [])
        node = guarded(x)
        with pytest.raises(tf.errors.InvalidArgumentError, match="too small"):
            run(node, {x: 0})
        assert capfd.readouterr().out == "before\n"
        run(node, {x: 1})
        assert capfd.readouterr().out == "before\nafter\n"


def test_functions_that_are_called_bring_their_effects_along(capfd: pytest.CaptureFixture[str]) -> None:
    def check(x):
        assert x < 10, "too large"
        print("checked", x)

    @ag.convert
    def doubled(x):
        check(x)
        return x * 2

    with graph_and_session() as (_, run):
        x = v1.placeholder(tf.int32, [])
        node = doubled(x)
        assert run(node, {x: 4}) == 8
        assert capfd.readouterr().out == "checked 4\n"
        with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
            run(node, {x: 10})


# ------------------------------------------------------------------------------------------- variables and optimizers


@pytest.mark.parametrize("use_resource", [True, False])
def test_variables_change_in_program_order(use_resource: bool) -> None:
    with graph_and_session() as (_, run):
        total = v1.get_variable("total", initializer=0, use_resource=True)
        history = v1.get_variable("history", initializer=[0, 0, 0], use_resource=use_resource)

        @ag.convert
        def add(numbers):
            for n in numbers:
                if n > 0:
                    total.assign_add(n)
            before = total.read_value()
            total.assign(0)
            return before, total.read_value(), history + before

        numbers = v1.placeholder(tf.int32, [None])
        nodes = add(numbers)
        for values, expected in [([1, -5, 2], 3), ([7], 7)]:
            before, after, shifted = run(nodes, {numbers: values})
            assert (before, after, shifted.tolist()) == (expected, 0, [expected] * 3)


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: v1.train.GradientDescentOptimizer(0.1),
        lambda: v1.train.MomentumOptimizer(0.05, 0.9),
        lambda: v1.train.AdamOptimizer(0.1),
        lambda: v1.train.AdagradOptimizer(0.5),
    ],
    ids=["sgd", "momentum", "adam", "adagrad"],
)
def test_a_training_loop_is_one_run(make_optimizer: Callable[[], Any]) -> None:
    xs = np.float32([1.0, 2.0, 3.0])
    ys = np.float32([2.5, 4.4, 6.6])

    def loss_of(weight):
        errors = weight * xs - ys
        if tf.reduce_max(tf.abs(errors)) > 1.0:
            return tf.reduce_mean(tf.abs(errors))
        return tf.reduce_mean(errors * errors)

    @ag.convert
    def train(optimizer, weight, steps):
        losses = []
        ag.set_element_type(losses, tf.float32)
        i = 0
        while i < steps:
            with tf.GradientTape() as tape:
                loss = loss_of(weight)
            optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
            losses.append(loss)
            i += 1
        return ag.stack(losses), weight.read_value()

    with graph_and_session() as (_, run):
        weight = v1.get_variable("weight", initializer=0.5, use_resource=True)
        steps = v1.placeholder(tf.int32, [])
        losses, final = run(train(make_optimizer(), weight, steps), {steps: 12})

    # The same steps, one Session.run for each.
    with graph_and_session() as (_, run):
        weight = v1.get_variable("weight", initializer=0.5, use_resource=True)
        large = tf.reduce_max(tf.abs(weight * xs - ys)) > 1.0
        errors = weight * xs - ys
        loss = tf.where(large, tf.reduce_mean(tf.abs(errors)), tf.reduce_mean(errors * errors))
        step = make_optimizer().minimize(loss)
        expected = []
        for _ in range(12):
            expected.append(run(loss))
            run(step)
        np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(final, run(weight), rtol=1e-4)
    assert losses[-1] < losses[0]


def test_minimize_in_a_loop_over_a_dataset() -> None:
    @ag.convert
    def train(optimizer, weight, dataset):
        for x, y in dataset:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((weight * x - y) ** 2)
            if loss > 1e-3:
                optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
        return weight.read_value()

    xs = np.linspace(-1, 1, 40).astype(np.float32)
    with graph_and_session() as (_, run):
        weight = v1.get_variable("weight", initializer=0.0, use_resource=True)
        dataset = tf.data.Dataset.from_tensor_slices((xs, 3 * xs)).repeat(5).batch(8)
        found = run(train(v1.train.GradientDescentOptimizer(0.3), weight, dataset))
    expected = np.float32(0)
    for start in list(range(0, 40, 8)) * 5:
        x = xs[start : start + 8]
        error = expected * x - 3 * x
        if np.mean(error**2) > 1e-3:
            expected = expected - np.float32(0.3) * np.mean(2 * error * x)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_gradients_go_through_loops_and_branches() -> None:
    @ag.convert
    def iterate(x, steps):
        for _ in range(steps):
            if x > 1.0:
                x = tf.sqrt(x)
            else:
                x = x * x * 1.5
        return x

    def expected(value, steps):
        slope = 1.0
        for _ in range(steps):
            if value > 1.0:
                slope, value = slope * 0.5 / value**0.5, value**0.5
            else:
                slope, value = slope * 3.0 * value, value * value * 1.5
        return value, slope

    with graph_and_session() as (_, run):
        x, steps = v1.placeholder(tf.float32, []), v1.placeholder(tf.int32, [])
        y = iterate(x, steps)
        (slope,) = tf.gradients(y, x)
        for value, number in [(3.0, 0), (3.0, 4), (0.5, 3), (0.9, 5)]:
            np.testing.assert_allclose(run((y, slope), {x: value, steps: number}), expected(value, number), rtol=1e-4)


# ------------------------------------------------------------------------------------------------------------- the rest


def test_one_shot_iterators_and_datasets() -> None:
    @ag.convert
    def total_until(iterator, limit):
        total = tf.constant(0, tf.int64)
        while total < limit:
            n = iterator.get_next()
            if n % 2 == 0:
                total += n
        return total

    @ag.convert
    def weighted(dataset):
        total = tf.constant(0, tf.int64)
        for i, n in dataset.enumerate():
            if n == 3:
                continue
            total += i * n
        return total

    with graph_and_session() as (_, run):
        limit = v1.placeholder(tf.int64, [])
        iterator = v1.data.make_one_shot_iterator(tf.data.Dataset.range(100))
        node = total_until(iterator, limit)
        assert run(node, {limit: 5}) == 0 + 2 + 4
        assert run(node, {limit: 5}) == 6
        node = weighted(tf.data.Dataset.range(1, 6))
        assert run(node) == run(node) == 0 * 1 + 1 * 2 + 3 * 4 + 4 * 5


def test_lists_become_tensors_in_the_graph() -> None:
    @ag.convert
    def factors(n):
        found = []
        ag.utils.set_element_type(found, tf.int32)
        k = 2
        while n > 1:
            while n % k == 0:
                found.append(k)
                n = n // k
            k += 1
        return found.stack(), len(found)

    with graph_and_session() as (_, run):
        n = v1.placeholder(tf.int32, [])
        nodes = factors(n)
        for value, expected in [(60, [2, 2, 3, 5]), (97, [97]), (64, [2] * 6)]:
            found, length = run(nodes, {n: value})
            assert (found.tolist(), length) == (expected, len(expected))


def test_a_host_function_is_called_when_the_graph_runs() -> None:
    calls = []

    @ag.do_not_convert(run_as="py_func")
    def note(n) -> int:
        calls.append(int(n))
        return int(n) * 10

    @ag.do_not_convert(run_as="py_func")
    def finished(n) -> None:
        calls.append(("finished", int(n)))

    @ag.convert
    def run_notes(n):
        total = 0
        while n > 0:
            if n % 2 == 1:
                total += note(n)
            n -= 1
        finished(total)
        return total

    with graph_and_session() as (_, run):
        n = v1.placeholder(tf.int32, [])
        node = run_notes(n)
        assert calls == []
        assert run(node, {n: 5}) == 90
        assert calls == [5, 3, 1, ("finished", 90)]


def test_nodes_are_in_a_name_scope_named_after_the_function() -> None:
    def positive_part(x):
        if x > 0:
            return x
        return tf.zeros_like(x)

    with graph_and_session() as (graph, run):
        x = v1.placeholder(tf.float32, [], name="x")
        before = {op.name for op in graph.get_operations()}
        with tf.name_scope("outer"):
            first = ag.to_graph(positive_part)(x)
        second = ag.to_graph(positive_part)(x)
        new = [op.name for op in graph.get_operations() if op.name not in before]
        assert any(name.startswith("outer/positive_part/") for name in new)
        assert any(name.startswith("positive_part/") for name in new)
        assert all(name.split("/")[0] in {"outer", "positive_part", "positive_part_1"} for name in new)
        assert run((first, second), {x: 2.0}) == (2.0, 2.0)


def test_plain_values_stay_pythons_while_a_graph_is_built() -> None:
    @ag.convert
    def mixed(x, options):
        layers = []
        for name, size in options.items():
            if size > 2:
                layers.append(name)
            x = x + size
        return x, layers, len(layers)

    with graph_and_session() as (_, run):
        x = v1.placeholder(tf.int32, [])
        node, layers, count = mixed(x, {"a": 1, "b": 3, "c": 5})
        assert list(layers) == ["b", "c"]
        assert run(count) == 2  # a number is a node, so that a session can fetch it
        assert run(node, {x: 1}) == 10


def test_a_converted_function_is_eager_outside_of_a_graph() -> None:
    def sign(x):
        if x > 0:
            return 1
        return -1

    assert ag.to_graph(sign)(tf.constant(3.0)) == 1
    assert ag.to_graph(sign)(-3) == -1


def test_a_whole_graph_is_imported_and_run_elsewhere() -> None:
    @ag.convert
    def count_bits(n):
        bits = 0
        while n > 0:
            bits += n % 2
            n = n // 2
        return bits

    with graph_and_session() as (graph, _):
        n = v1.placeholder(tf.int32, [], name="n")
        tf.identity(count_bits(n), name="bits")
        definition = graph.as_graph_def()
    with v1.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(definition, name="")
        assert session.run("bits:0", {"n:0": 1013}) == 8
