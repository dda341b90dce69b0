"""A Keras layer with a condition on its input: vectors that are too long are scaled down, others pass unchanged.

`@ag.convert` on `call` is all that it takes: the layer then works in `model(...)`, in `fit` and `predict`, and after
the model was saved and loaded.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import autograph as ag
from case_study import command_line


@keras.saving.register_keras_serializable("autograph_examples")
class LimitedNorm(keras.layers.Layer):
    """Keeps the norm of the whole batch at or below `limit`, and counts how often that changed something."""

    def __init__(self, limit, **options):
        super().__init__(**options)
        self.limit = limit
        self.scaled = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="scaled")

    @ag.convert
    def call(self, inputs):
        norm = tf.norm(inputs)
        if norm > self.limit:
            self.scaled.assign_add(1)
            outputs = inputs * (self.limit / norm)
        else:
            outputs = inputs
        return outputs

    def get_config(self):
        return {**super().get_config(), "limit": self.limit}


def make_model(limit: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input([64]), keras.layers.Dense(32, activation="relu"), LimitedNorm(limit), keras.layers.Dense(10)]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def main(argv: Sequence[str] | None = None) -> int:
    quick = command_line(__doc__).parse_args(argv).quick

    layer = LimitedNorm(5.0)
    for vector in ([3.0, 4.0], [6.0, 8.0]):
        print(f"LimitedNorm(5) of {vector}: {layer(tf.constant(vector)).numpy().tolist()}")
    print("vectors scaled:", int(layer.scaled.numpy()))

    images, labels = load_digits(return_X_y=True)
    images, labels = (images / 16).astype(np.float32), labels.astype(np.int32)
    model = make_model(limit=20.0)
    history = model.fit(images, labels, batch_size=64, epochs=3 if quick else 20, verbose=0)
    print(
        f"loss after the first epoch {history.history['loss'][0]:.3f}, after the last {history.history['loss'][-1]:.3f}"
    )
    print("batches scaled while training:", int(model.layers[1].scaled.numpy()))
    print(f"digits recognised: {np.mean(model.predict(images, verbose=0).argmax(axis=1) == labels):.1%}")

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.saving.load_model(file)
    same = np.allclose(model.predict(images[:100], verbose=0), loaded.predict(images[:100], verbose=0), atol=1e-5)
    print("saved and loaded, it predicts", "the same" if same else "something else")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
