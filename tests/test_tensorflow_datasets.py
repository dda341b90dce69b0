"""Datasets and iterators: loops over them in the graph, and functions given to them.

A loop over a dataset does not load it: what comes after a `break` is never produced.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag

SOURCE = Path(__file__).parent.parent / "src"


def plain(value: Any) -> Any:
    """Tensors as Python's values."""
    return tf.nest.map_structure(lambda leaf: np.asarray(leaf).tolist() if tf.is_tensor(leaf) else leaf, value)


def both(function: Any, *args: Any) -> Any:
    """What a function gives as a graph, which has to be what it gives eagerly."""
    expected = plain(function(*args))
    assert plain(ag.function(function)(*args)) == expected
    return expected


# --------------------------------------------------------------------------------------------------------------- loops


def test_a_dataset_is_gone_through_with_break_continue_and_return() -> None:
    def sums(dataset, limit):
        even = total = 0
        for n in dataset:
            if n % 2 == 1:
                continue
            if n > limit:
                break
            even += n
        for n in dataset:
            if total > limit:
                return even, total, n
            total += n
        return even, total, tf.constant(-1)

    dataset = tf.data.Dataset.range(10)
    assert both(sums, dataset, tf.constant(5, tf.int64)) == (6, 6, 4)
    assert both(sums, dataset, tf.constant(100, tf.int64)) == (20, 45, -1)


def test_what_comes_after_a_break_is_never_produced() -> None:
    produced = []

    def generate() -> Iterator[int]:
        for n in range(1000):
            produced.append(n)
            yield n

    @ag.function
    def first_above(dataset, limit):
        found = -1
        for n in dataset:
            if n > limit:
                found = n
                break
        return found

    dataset = tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec([], tf.int32))
    assert int(first_above(dataset, tf.constant(4))) == 5
    assert len(produced) < 100  # from_generator itself runs a few ahead


def test_an_endless_dataset_is_left() -> None:
    def halve(dataset):
        x = 100.0
        for _ in dataset:
            x = x / 2.0
            if x < 1.0:
                break
        return x

    assert both(halve, tf.data.Dataset.range(3).repeat()) == 0.78125


def test_an_empty_dataset_runs_no_iteration() -> None:
    def count(dataset):
        total = 0
        for n in dataset:
            total += n
        else:
            total -= 1
        return total

    assert both(count, tf.data.Dataset.from_tensor_slices([1, 2]).take(0)) == -1
    assert both(count, tf.data.Dataset.from_tensor_slices([1, 2])) == 2


def test_enumerate_zip_batch_and_structures() -> None:
    def run(dataset, names):
        weighted, total, last = 0, 0, tf.constant("")
        for i, (x, more) in enumerate(dataset):
            weighted += i * x
            total += tf.reduce_sum(more["pair"][0]) - more["pair"][1]
        for (x, _), name in zip(dataset, names):
            if x > 1:
                last = tf.strings.join([last, name])
        for batch in names.batch(2):
            last = tf.strings.join([last, batch[-1]])
        return weighted, total, last

    xs = np.arange(4, dtype=np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((xs, {"pair": (np.ones((4, 2), np.int32), xs)}))
    names = tf.data.Dataset.from_tensor_slices(["a", "b", "c", "d", "e"])
    assert both(run, dataset, names) == (14, 2, b"cdbde")


def comprehensions(count, bound):
    dataset = tf.data.Dataset.range(count)
    multiples = dataset.filter(lambda value: value % 3 == 0)
    squares = [(x - bound) ** 2 for x in dataset if x != 2]
    pairs = [x * y for x in multiples for y in dataset if x > y]
    asked = any(x > bound for x in dataset), all(x < bound for x in dataset)
    return squares, pairs, asked, sum(x for x in multiples), max(x % bound for x in dataset)


def test_comprehensions_and_generator_expressions_over_datasets() -> None:
    for count in (9, 4):
        both(comprehensions, tf.constant(count, tf.int64), tf.constant(5, tf.int64))


def test_a_comprehension_over_an_endless_dataset_is_an_error() -> None:
    def f(bound):
        dataset = tf.data.Dataset.range(3).repeat()
        return any(x > bound for x in dataset)

    with pytest.raises(ag.StagingError, match="without end"):
        ag.function(f)(tf.constant(1, tf.int64))


def test_lists_collect_elements_of_a_dataset() -> None:
    def large_ones(dataset, limit):
        found = []
        ag.set_element_type(found, tf.float32)
        for batch in dataset:
            for value in batch:
                if value > limit:
                    found.append(value)
        return ag.stack(found), len(found)

    dataset = tf.data.Dataset.from_tensor_slices(np.float32([3, 1, 4, 1, 5, 9, 2])).batch(3)
    assert both(large_ones, dataset, tf.constant(2.5)) == ([3.0, 4.0, 5.0, 9.0], 4)


def test_ragged_and_sparse_elements() -> None:
    def run(rows, matrices):
        longest, total = 0, 0.0
        for row in rows:
            for inner in row:
                if tf.size(inner) > longest:
                    longest = tf.size(inner)
        for matrix in matrices:
            if tf.sparse.reduce_sum(matrix) > 1.0:
                total += tf.reduce_max(tf.sparse.to_dense(matrix))
        return longest, total

    rows = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], [2, 3, 4], [], [5, 6]])).ragged_batch(2)
    matrices = tf.data.Dataset.from_tensor_slices(tf.sparse.from_dense([[1.0, 0.0], [2.0, 3.0], [0.0, 4.0]]))
    assert both(run, rows, matrices) == (3, 7.0)


def test_a_dataset_made_inside_the_function() -> None:
    def run(n):
        dataset = tf.data.Dataset.range(n).filter(lambda x: x % 2 == 0)
        total = tf.constant(0, tf.int64)
        for x in dataset:
            total += x
        return total, dataset.reduce(tf.constant(0, tf.int64), lambda count, _: count + 1)

    assert both(run, tf.constant(7, tf.int64)) == (12, 4)


def test_prints_in_a_loop_over_a_dataset(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.function
    def show(dataset):
        for i, n in enumerate(dataset):
            if n > 1:
                print("element", i, "is", n)

    show(tf.data.Dataset.from_tensor_slices([1, 2, 3]))
    assert capfd.readouterr().out.splitlines() == ["element 1 is 2", "element 2 is 3"]


def test_variables_are_updated_for_each_element() -> None:
    total = tf.Variable(0, dtype=tf.int64)
    seen = tf.Variable([], dtype=tf.int64, shape=[None])

    @ag.function
    def run(dataset):
        for n in dataset:
            total.assign_add(n)
            if total > 3:
                seen.assign(tf.concat([seen, [n]], axis=0))

    run(tf.data.Dataset.range(5))
    assert int(total.numpy()) == 10
    assert seen.numpy().tolist() == [3, 4]


# ----------------------------------------------------------------------------------------------------------- iterators


def test_an_iterator_goes_on_where_it_was_left() -> None:
    @ag.function
    def take_until(iterator, limit):
        total = tf.constant(0, tf.int64)
        for n in iterator:
            total += n
            if n >= limit:
                break
        return total

    iterator = iter(tf.data.Dataset.range(6))
    assert int(take_until(iterator, tf.constant(2, tf.int64))) == 3
    assert int(take_until(iterator, tf.constant(3, tf.int64))) == 3
    assert int(take_until(iterator, tf.constant(100, tf.int64))) == 9
    assert int(take_until(iterator, tf.constant(100, tf.int64))) == 0


def test_next_takes_one_and_stops_at_the_end() -> None:
    @ag.function
    def pairs(iterator, count):
        total = tf.constant(0, tf.int64)
        for _ in range(count):
            total += next(iterator) * next(iterator)
        return total

    assert int(pairs(iter(tf.data.Dataset.range(6)), tf.constant(3))) == 0 * 1 + 2 * 3 + 4 * 5
    with pytest.raises((tf.errors.OutOfRangeError, StopIteration)):
        pairs(iter(tf.data.Dataset.range(6)), tf.constant(4))


def test_iter_of_a_dataset_in_the_function() -> None:
    def run(dataset):
        first = next(iter(dataset))
        total = tf.constant(0, tf.int64)
        for n in iter(dataset):
            total += n
        return first, total

    assert both(run, tf.data.Dataset.range(3, 6)) == (3, 12)


# ------------------------------------------------------------------------------------- functions given to a pipeline


def collatz_steps(n):
    steps = tf.constant(0, tf.int64)
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def test_a_pipeline_in_a_function_converts_what_it_is_given() -> None:
    def keep(n, steps):
        if n % 3 == 0:
            return steps > 5
        return steps > 15

    def repeated(n, steps):
        if n > 15:
            return tf.data.Dataset.from_tensors(n).repeat(2)
        return tf.data.Dataset.from_tensors(steps).repeat(1)

    def saturate(total, n):
        total += n
        if total > 50:
            total = tf.constant(50, tf.int64)
        return total

    def running(state, n):
        if n > 10:
            state = state + 1
        return state, state * n

    @ag.function
    def run(limit):
        dataset = tf.data.Dataset.range(1, limit)
        kept = dataset.map(lambda n: (n, collatz_steps(n))).filter(keep)
        flat = kept.flat_map(lambda n, steps: tf.data.Dataset.range(steps if n % 2 == 0 else n).take(2))
        woven = kept.interleave(
            lambda n, steps: tf.data.Dataset.from_tensors(n if n > 8 else steps).repeat(2), cycle_length=2
        )
        scanned = dataset.scan(tf.constant(0, tf.int64), running)
        short = dataset.take_while(lambda n: n < 5 if limit > 3 else n < 2)
        results = []
        for each in (kept.map(lambda n, _: n), flat, woven, scanned, short):
            results.append(each.reduce(tf.constant("", tf.string), joined))
        return results, dataset.reduce(tf.constant(0, tf.int64), saturate)

    def joined(text, n):
        if text == "":
            return tf.strings.as_string(n)
        return tf.strings.join([text, tf.strings.as_string(n)], ",")

    def steps_of(n):
        count = 0
        while n > 1:
            n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
        return count

    limit = 20
    pairs = [(n, steps_of(n)) for n in range(1, limit)]
    kept = [(n, s) for n, s in pairs if (s > 5 if n % 3 == 0 else s > 15)]
    flat = [x for n, s in kept for x in list(range(s if n % 2 == 0 else n))[:2]]
    values = [n if n > 8 else s for n, s in kept]
    woven = []
    for i in range(0, len(values), 2):
        group = values[i : i + 2]
        woven += group + group
    state, scanned = 0, []
    for n in range(1, limit):
        state += n > 10
        scanned.append(state * n)
    expected = [[n for n, _ in kept], flat, woven, scanned, [1, 2, 3, 4]]
    found, total = run(tf.constant(limit, tf.int64))
    assert [[int(x) for x in text.numpy().split(b",")] for text in found] == expected
    assert int(total) == 50


def test_a_pipeline_outside_a_function_takes_converted_ones() -> None:
    @ag.convert
    def prepared(text, label):
        words = tf.strings.split(text)
        count = 0
        for word in words:
            if tf.strings.length(word) > 3:
                count += 1
        return count, label

    @ag.function
    def wanted(count, label):
        return count > 1 if label == 0 else count > 0

    texts = ["one small step", "a giant leap for mankind", "x y z", "words words words", "hello"]
    dataset = tf.data.Dataset.from_tensor_slices((texts, [0, 0, 1, 1, 1])).map(prepared).filter(wanted)
    assert [(int(count), int(label)) for count, label in dataset] == [(2, 0), (3, 0), (3, 1), (1, 1)]


# --------------------------------------------------------------------------------------------------------- distribution

# Logical devices are set before TensorFlow starts, so these programs have a process of their own.
DISTRIBUTED = """
import json
import numpy as np
import keras
import tensorflow as tf
import autograph as ag

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def train(strategy, weight, iterator_or_dataset, limit):
    def step_fn(x):
        with tf.GradientTape() as tape:
            loss = 0.0
            for value in x:
                error = weight * value - 2.0 * value
                if tf.abs(error) > 1.0:
                    loss += tf.abs(error)
                else:
                    loss += error * error
        gradient = tape.gradient(loss, weight)
        gradient = tf.distribute.get_replica_context().all_reduce("SUM", gradient)
        if tf.abs(gradient) > limit:
            gradient = tf.sign(gradient) * limit
        weight.assign_sub(0.05 * gradient)
        return loss

    total, batches = 0.0, 0
    for x in iterator_or_dataset:
        total += strategy.reduce("SUM", strategy.run(step_fn, args=(x,)), axis=None)
        batches += 1
        if batches >= 8:
            break
    return total, batches


def run(strategy, as_iterator, convert):
    with strategy.scope():
        weight = tf.Variable(0.0, aggregation=tf.VariableAggregation.MEAN)
    data = tf.data.Dataset.from_tensor_slices(np.linspace(-1, 1, 12).astype(np.float32)).repeat(4).batch(4)
    if not as_iterator:
        # To leave an iterator that the function itself made over a distributed dataset blocks in TensorFlow.
        data = data.take(8)
    distributed = strategy.experimental_distribute_dataset(data)
    source = iter(distributed) if as_iterator else distributed
    function = ag.function(train) if convert else train
    total, batches = function(strategy, weight, source, tf.constant(2.0))
    return [float(weight.numpy()), float(total), int(batches)]


def keras_in_scope(strategy):
    class Gated(keras.layers.Layer):
        def build(self, shape):
            self.gate = self.add_weight(shape=(), initializer="ones")

        @ag.convert
        def call(self, x):
            if tf.reduce_sum(x) > 0.0:
                return x * self.gate
            return -x * self.gate

    with strategy.scope():
        model = keras.Sequential([Gated(), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    x = np.linspace(0.1, 1, 16).astype(np.float32).reshape(8, 2)
    model.fit(x, x.sum(axis=1, keepdims=True) * 3, batch_size=8, epochs=3, shuffle=False, verbose=0)
    return [w.tolist() for w in model.get_weights()]


one, two = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
results = {
    "eager": run(one, False, False),
    "one": run(one, False, True),
    "one, iterator": run(one, True, True),
    "two": run(two, False, True),
    "two, iterator": run(two, True, True),
    "OneDeviceStrategy": run(tf.distribute.OneDeviceStrategy("CPU:0"), False, True),
    "keras": [keras_in_scope(one), keras_in_scope(two)],
}
print("RESULT", json.dumps(results))
"""


def test_strategies_train_to_the_weights_of_one_device(tmp_path: Path) -> None:
    # Converted code is read from a file, so the program has to be one.
    (tmp_path / "distributed.py").write_text(DISTRIBUTED)
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    finished = subprocess.run(
        [sys.executable, str(tmp_path / "distributed.py")],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert finished.returncode == 0, finished.stderr
    results = json.loads(finished.stdout.rpartition("RESULT ")[2])
    expected = results.pop("eager")
    one, two = results.pop("keras")
    assert expected[2] == 8
    for name, found in results.items():
        np.testing.assert_allclose(found, expected, rtol=1e-4, err_msg=name)
    for found, single in zip(two, one, strict=True):
        np.testing.assert_allclose(found, single, rtol=1e-3)


def test_a_program_that_waits_for_the_end_of_an_iterator_goes_on_there() -> None:
    def total(numbers: Any) -> Any:
        iterator = iter(numbers)
        result = tf.constant(0, tf.int64)
        while True:
            try:
                number = next(iterator)
            except StopIteration:
                break
            result += number
        return result

    assert ag.function(total)(tf.data.Dataset.range(6)) == 15
    assert ag.function(total)(tf.data.Dataset.range(0)) == 0
