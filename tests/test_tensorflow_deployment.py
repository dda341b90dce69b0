"""Converted functions that leave the process: as SavedModel, and as TFLite.

A loop and a branch go along, and give the same results where no AutoGraph is.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag


class Solver(tf.Module):
    """Square roots by Newton's method, with weights, a table and a count of calls."""

    def __init__(self) -> None:
        super().__init__()
        self.damping = tf.Variable(0.5)
        self.calls = tf.Variable(0, trainable=False)

    @ag.function(input_signature=[tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32)])
    def root(self, a, tolerance):
        self.calls.assign_add(1)
        assert a >= 0.0, "only numbers that have a root"
        x = a
        steps = 0
        while tf.abs(x * x - a) > tolerance:
            if steps >= 50:
                break
            x = x - self.damping * (x * x - a) / x
            steps += 1
        return {"root": x, "steps": steps}

    @ag.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def roots(self, numbers):
        found = []
        for a in numbers:
            if a < 0.0:
                continue
            found.append(self.root(a, 1e-4)["root"])
        return ag.stack(found)

    @ag.function
    def label(self, word, upper=False):
        if tf.strings.length(word) > 3:
            word = tf.strings.substr(word, 0, 3)
        return tf.strings.upper(word) if upper else word


NUMBERS = np.float32([4.0, -1.0, 2.0, 0.25, 9.0])
ROOTS = np.float32([2.0, 2.0**0.5, 0.5, 3.0])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "solver"
    solver = Solver()
    for upper in (False, True):
        solver.label.get_concrete_function(tf.TensorSpec([], tf.string), upper=upper)
    tf.saved_model.save(solver, str(folder), signatures={"root": solver.root, "serving_default": solver.roots})
    return folder


def test_a_module_is_saved_and_loaded(saved: Path) -> None:
    loaded = tf.saved_model.load(str(saved))
    np.testing.assert_allclose(loaded.roots(tf.constant(NUMBERS)), ROOTS, rtol=1e-3)
    assert int(loaded.calls.numpy()) == 4
    found = loaded.root(tf.constant(16.0), tf.constant(1e-3))
    expected = Solver().root(tf.constant(16.0), tf.constant(1e-3))
    np.testing.assert_allclose(found["root"], expected["root"], rtol=1e-6)
    assert int(found["steps"]) == int(expected["steps"]) > 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="only numbers that have a root"):
        loaded.root(tf.constant(-1.0), tf.constant(1e-3))


def test_python_arguments_of_a_saved_function_choose_its_trace(saved: Path) -> None:
    loaded = tf.saved_model.load(str(saved))
    assert loaded.label(tf.constant("autograph")).numpy() == b"aut"
    assert loaded.label(tf.constant("autograph"), upper=True).numpy() == b"AUT"
    assert loaded.label(tf.constant("ag"), upper=False).numpy() == b"ag"


def test_variables_of_a_loaded_module_are_the_ones_that_its_functions_read(saved: Path) -> None:
    loaded = tf.saved_model.load(str(saved))
    before = int(loaded.root(tf.constant(16.0), tf.constant(1e-3))["steps"])
    loaded.damping.assign(0.25)
    after = int(loaded.root(tf.constant(16.0), tf.constant(1e-3))["steps"])
    assert after > before


def test_signatures_are_served(saved: Path) -> None:
    signatures = tf.saved_model.load(str(saved)).signatures
    assert set(signatures) == {"root", "serving_default"}
    found = signatures["root"](a=tf.constant(4.0), tolerance=tf.constant(1e-4))
    assert set(found) == {"root", "steps"}
    np.testing.assert_allclose(found["root"], 2.0, rtol=1e-3)
    (roots,) = signatures["serving_default"](numbers=tf.constant(NUMBERS)).values()
    np.testing.assert_allclose(roots, ROOTS, rtol=1e-3)


def test_a_saved_module_needs_neither_its_source_nor_this_package(saved: Path) -> None:
    script = (
        "import sys\n"
        "import tensorflow as tf\n"
        f"solver = tf.saved_model.load({str(saved)!r})\n"
        "print(*solver.roots(tf.constant([4.0, -1.0, 9.0])).numpy().round(2))\n"
        "print('autograph' in sys.modules)\n"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert finished.stdout.splitlines() == ["2.0 3.0", "False"], finished.stderr


def test_the_1x_loader_runs_the_saved_graph(saved: Path) -> None:
    with tf.compat.v1.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(saved))
        signature = meta.signature_def["serving_default"]
        (output,) = signature.outputs.values()
        roots = session.run(output.name, {signature.inputs["numbers"].name: NUMBERS})
    np.testing.assert_allclose(roots, ROOTS, rtol=1e-3)


# -------------------------------------------------------------------------------------------------------------- TFLite


def as_tflite(function: Any, *specs: tf.TensorSpec) -> Callable[..., list[np.ndarray]]:
    """Convert a function, and give one that runs the result in the interpreter."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function(*specs)])
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()

    def run(*values: Any) -> list[np.ndarray]:
        for detail, value in zip(interpreter.get_input_details(), values, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]

    return run


def test_a_loop_and_a_branch_run_in_tflite() -> None:
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

    run = as_tflite(collatz, tf.TensorSpec([], tf.int32))
    for n, steps in [(1, 0), (6, 8), (27, 111)]:
        assert [int(x) for x in run(np.int32(n))] == [steps]


def test_a_loop_over_rows_with_early_exit_runs_in_tflite() -> None:
    def first_large(rows, limit):
        total = 0.0
        for row in rows:
            total += tf.reduce_sum(row)
            if total > limit:
                break
        if total < 0.0:
            total = -total
        return total

    run = as_tflite(ag.function(first_large), tf.TensorSpec([3, 2], tf.float32), tf.TensorSpec([], tf.float32))
    for rows, limit in [
        ([[1, 2], [3, 4], [5, 6]], 5),
        ([[1, 2], [3, 4], [5, 6]], 100),
        ([[-1, -2], [-3, 1], [0, 0]], 5),
    ]:
        expected = first_large(tf.constant(rows, tf.float32), limit)
        np.testing.assert_allclose(run(np.float32(rows), np.float32(limit)), [expected], rtol=1e-6)


def test_a_tensor_array_runs_in_tflite() -> None:
    def cumulative(numbers):
        totals = tf.TensorArray(tf.float32, size=4, element_shape=[])
        total = 0.0
        for i, n in enumerate(numbers):
            if n > 0.0:
                total += n
            totals = totals.write(i, total)
        return totals.stack()

    run = as_tflite(ag.function(cumulative), tf.TensorSpec([4], tf.float32))
    np.testing.assert_allclose(run(np.float32([1, -2, 3, 4])), [[1, 1, 4, 8]])


def test_a_keras_model_with_a_condition_runs_in_tflite() -> None:
    import keras

    class Gate(keras.layers.Layer):
        @ag.convert
        def call(self, x):
            if tf.reduce_sum(x) > 0.0:
                return x * 2.0
            return x - 1.0

    model = keras.Sequential([keras.Input([3], batch_size=2), Gate(), keras.layers.Dense(2)])
    function = ag.function(lambda x: model(x))
    run = as_tflite(function, tf.TensorSpec([2, 3], tf.float32))
    for scale in (1.0, -1.0):
        x = np.full((2, 3), scale, np.float32)
        np.testing.assert_allclose(run(x)[0], model(x), rtol=1e-5, atol=1e-6)
