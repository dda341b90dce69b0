"""Keras on TensorFlow: layers, models, losses, metrics and training steps with Python control flow over tensors.

Keras calls these itself, so they are decorated with `ag.convert`. Each works when it is called, in `fit`, `evaluate`
and `predict`, and after it was saved and loaded, and gives what the same code gives eagerly.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import autograph as ag

GENERATOR = np.random.default_rng(7)
INPUTS = GENERATOR.normal(size=(48, 6)).astype(np.float32)
TARGETS = (INPUTS.sum(axis=1, keepdims=True) + 0.1 * INPUTS[:, :1] ** 2).astype(np.float32)


@keras.saving.register_keras_serializable("autograph_tests")
class Iterated(keras.layers.Layer):
    """Applies its weights until the result is large enough, at most `limit` times, and skips rows without news."""

    def __init__(self, limit, **options):
        super().__init__(**options)
        self.limit = limit

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], input_shape[-1]), initializer=keras.initializers.Orthogonal(seed=1)
        )
        self.rounds = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    @ag.convert
    def call(self, inputs, training=False):
        outputs = inputs
        rounds = 0
        while tf.reduce_mean(tf.abs(outputs)) < 3.0:
            if rounds >= self.limit:
                break
            outputs = tf.matmul(outputs, self.kernel) * 1.5
            rounds += 1
        if training:
            self.rounds.assign_add(rounds)
        return outputs

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}


class IteratedEagerly(Iterated):
    """The same without conversion, for eager runs."""

    def call(self, inputs, training=False):
        outputs = inputs
        rounds = 0
        while tf.reduce_mean(tf.abs(outputs)) < 3.0 and rounds < self.limit:
            outputs = tf.matmul(outputs, self.kernel) * 1.5
            rounds += 1
        if training:
            self.rounds.assign_add(rounds)
        return outputs

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


@keras.saving.register_keras_serializable("autograph_tests")
@ag.convert
def careful_loss(expected, found):
    """Squared where the error of the batch is small, absolute where it is large."""
    error = found - expected
    if tf.reduce_max(tf.abs(error)) > 2.0:
        return tf.reduce_mean(tf.abs(error), axis=-1)
    return tf.reduce_mean(error * error, axis=-1)


@keras.saving.register_keras_serializable("autograph_tests")
class WorstBatch(keras.metrics.Metric):
    """The largest mean error of a batch, and how many batches there were."""

    def __init__(self, name="worst_batch", **options):
        super().__init__(name=name, **options)
        self.worst = self.add_variable(shape=(), initializer="zeros", name="worst")
        self.batches = self.add_variable(shape=(), initializer="zeros", name="batches")

    @ag.convert
    def update_state(self, expected, found, sample_weight=None):
        error = tf.reduce_mean(tf.abs(found - expected))
        if error > self.worst:
            self.worst.assign(error)
        self.batches.assign_add(1.0)

    def result(self):
        return tf.convert_to_tensor(self.worst)


def make_model(layer: Callable[..., keras.layers.Layer] = Iterated, run_eagerly: bool = False) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input([6]),
            keras.layers.Dense(5, activation="tanh", kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
            layer(limit=4),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=3)),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), careful_loss, metrics=[WorstBatch()], run_eagerly=run_eagerly)
    return model


def test_a_layer_that_is_called_gives_what_it_gives_eagerly() -> None:
    layer, eager = Iterated(limit=4), IteratedEagerly(limit=4)
    for scale in (0.1, 1.0, 10.0):
        inputs = tf.constant(INPUTS * scale)
        np.testing.assert_allclose(layer(inputs), eager(inputs), rtol=1e-5)
        np.testing.assert_allclose(tf.function(layer, autograph=False)(inputs), eager(inputs), rtol=1e-5)
        np.testing.assert_allclose(ag.function(layer)(inputs), eager(inputs), rtol=1e-5)


def test_fit_evaluate_and_predict_run_the_control_flow_in_their_graphs() -> None:
    graph, eager = make_model(), make_model(IteratedEagerly, run_eagerly=True)
    histories = [
        model.fit(INPUTS, TARGETS, batch_size=16, epochs=3, shuffle=False, verbose=0).history
        for model in (graph, eager)
    ]
    for name in histories[1]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-3)
    for found, expected in zip(graph.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert int(graph.layers[1].rounds.numpy()) == int(eager.layers[1].rounds.numpy()) > 9
    np.testing.assert_allclose(
        graph.evaluate(INPUTS, TARGETS, verbose=0), eager.evaluate(INPUTS, TARGETS, verbose=0), rtol=1e-3
    )
    np.testing.assert_allclose(graph.predict(INPUTS, verbose=0), eager.predict(INPUTS, verbose=0), rtol=1e-3, atol=1e-4)


def test_a_model_is_saved_loaded_and_trained_on(tmp_path: Path) -> None:
    model = make_model()
    model.fit(INPUTS, TARGETS, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(INPUTS, verbose=0), model.predict(INPUTS, verbose=0), rtol=1e-5)
    histories = [each.fit(INPUTS, TARGETS, batch_size=16, shuffle=False, verbose=0).history for each in (model, loaded)]
    assert histories[0].keys() == histories[1].keys() == {"loss", "worst_batch"}
    np.testing.assert_allclose(histories[1]["loss"], histories[0]["loss"], rtol=1e-4)


def test_a_model_is_exported_with_its_control_flow(tmp_path: Path) -> None:
    model = make_model()
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    for scale in (0.01, 1.0, 10.0):
        np.testing.assert_allclose(served.serve(INPUTS * scale), model(INPUTS * scale), rtol=1e-4, atol=1e-5)


def test_a_functional_model_with_a_subclassed_one_inside() -> None:
    @keras.saving.register_keras_serializable("autograph_tests")
    class Recurrent(keras.Model):
        """A recurrent network unrolled over as many steps as the input has, which the model does not know."""

        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.cell = keras.layers.SimpleRNNCell(units, kernel_initializer=keras.initializers.GlorotUniform(seed=5))

        def build(self, input_shape):
            self.cell.build((input_shape[0], input_shape[2]))

        @ag.convert
        def call(self, sequences):
            state = [tf.zeros([tf.shape(sequences)[0], self.units])]
            outputs = []
            for step in range(tf.shape(sequences)[1]):
                output, state = self.cell(sequences[:, step], state)
                if tf.reduce_max(tf.abs(output)) > 0.9:
                    output = output * 0.5
                outputs.append(output)
            return tf.transpose(ag.stack(outputs), [1, 0, 2])

    recurrent = Recurrent(4)
    inputs = keras.Input([None, 3])
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(recurrent(inputs)))
    for length in (1, 5):
        sequences = GENERATOR.normal(size=(2, length, 3)).astype(np.float32)
        state = [tf.zeros([2, 4])]
        outputs = []
        for step in range(length):
            output, state = recurrent.cell(tf.constant(sequences[:, step]), state)
            outputs.append(output * 0.5 if tf.reduce_max(tf.abs(output)) > 0.9 else output)
        expected = np.mean(outputs, axis=0)
        np.testing.assert_allclose(model(sequences), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.predict(sequences, verbose=0), expected, rtol=1e-5, atol=1e-6)


class Clipped(keras.Model):
    """A model with a training step of its own: small gradients, and steps that are skipped."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=4))
        self.skipped = keras.metrics.Sum(name="skipped")
        self.mean_loss = keras.metrics.Mean(name="loss")

    def call(self, inputs):
        return self.dense(inputs)

    @property
    def metrics(self):
        return [self.mean_loss, self.skipped]

    def plain_train_step(self, data):
        inputs, targets = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(inputs, training=True) - targets))
        gradients = tape.gradient(loss, self.trainable_variables)
        norm = tf.linalg.global_norm(gradients)
        if norm > 100.0:
            self.skipped.update_state(1.0)
        else:
            if norm > 1.0:
                gradients = [g / norm for g in gradients]
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            self.skipped.update_state(0.0)
        self.mean_loss.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics}

    train_step = plain_train_step


class ClippedGraph(Clipped):
    train_step = ag.convert(Clipped.plain_train_step)


def test_a_train_step_with_conditions_trains_as_it_does_eagerly() -> None:
    inputs, targets = INPUTS.copy(), TARGETS.copy()
    targets[:16] *= 1000  # the first batch is skipped
    results = []
    for cls, run_eagerly in ((ClippedGraph, False), (Clipped, True)):
        model = cls()
        model.compile(keras.optimizers.Adam(0.05), run_eagerly=run_eagerly, jit_compile=False)
        history = model.fit(inputs, targets, batch_size=16, epochs=4, shuffle=False, verbose=0).history
        assert history["skipped"] == [1.0] * 4
        results.append((history["loss"], model.get_weights()))
    (loss, weights), (expected_loss, expected_weights) = results
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-3)
    for found, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_whole_model_and_its_training_loop_are_one_function() -> None:
    def train(model, optimizer, dataset, patience):
        best = float("inf")
        waited, epochs = 0, 0
        while waited < patience and epochs < 20:
            total = 0.0
            for inputs, targets in dataset:
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(model(inputs, training=True) - targets))
                gradients = tape.gradient(loss, model.trainable_variables)
                optimizer.apply_gradients(zip(gradients, model.trainable_variables))
                total += loss
            if total < best * 0.9:
                best, waited = total, 0
            else:
                waited += 1
            epochs += 1
        return best, epochs

    results = []
    for function in (ag.function(train), train):
        model = keras.Sequential([keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=6))])
        model.build((None, 6))
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        dataset = tf.data.Dataset.from_tensor_slices((INPUTS, TARGETS)).batch(16)
        results.append((*map(float, function(model, optimizer, dataset, tf.constant(2))), *model.get_weights()))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("decorate", [ag.convert, ag.function], ids=["convert", "function"])
def test_constraints_schedules_and_callbacks_of_the_users(decorate: Any) -> None:
    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        @decorate
        def __call__(self, step):
            step = tf.cast(step, tf.float32)
            if step < 5.0:
                rate = step / 5.0
            else:
                rate = 5.0 / step
            return 0.1 * rate

    class Bounded(keras.constraints.Constraint):
        @decorate
        def __call__(self, weights):
            while tf.norm(weights) > 1.0:
                weights = weights * 0.9
            return weights

    model = keras.Sequential(
        [keras.Input([6]), keras.layers.Dense(1, kernel_initializer="zeros", kernel_constraint=Bounded())]
    )
    model.compile(keras.optimizers.SGD(Schedule()), "mse", jit_compile=False)
    model.fit(INPUTS, TARGETS, batch_size=8, epochs=2, shuffle=False, verbose=0)

    weights, bias = np.zeros((6, 1), np.float32), np.zeros(1, np.float32)
    for step in range(12):
        rows = slice(8 * (step % 6), 8 * (step % 6) + 8)
        error = 2 * (INPUTS[rows] @ weights + bias - TARGETS[rows]) / 8
        rate = 0.1 * (step / 5 if step < 5 else 5 / step)
        weights, bias = weights - rate * (INPUTS[rows].T @ error), bias - rate * error.sum(axis=0)
        while np.linalg.norm(weights) > 1:
            weights = weights * 0.9
    np.testing.assert_allclose(model.get_weights()[0], weights, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-3, atol=1e-4)
