"""A training epoch as one graph: a loop over an enumerated dataset, a Keras model, Adam, and a line each tenth step.

The loop does not load the dataset into memory, and the line is printed while the graph runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import autograph as ag
from case_study import command_line


def train_epoch(model, optimizer, dataset):
    for step, (images, labels) in enumerate(dataset):
        with tf.GradientTape() as tape:
            scores = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        if step % 10 == 0:
            print("step", step, "loss", loss)
    return loss


def make_model() -> tuple[keras.Model, keras.optimizers.Optimizer]:
    """A small classifier for 8 by 8 pixels and its optimizer, both with all of their variables."""
    model = keras.Sequential(
        [
            keras.layers.Dense(64, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=1)),
            keras.layers.Dense(10, kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
        ]
    )
    model.build((None, 64))
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def digits(batches: int) -> tf.data.Dataset:
    """The first digits of scikit-learn, in batches of 32."""
    images, labels = load_digits(return_X_y=True)
    dataset = tf.data.Dataset.from_tensor_slices(((images / 16).astype(np.float32), labels.astype(np.int32)))
    return dataset.batch(32, drop_remainder=True).take(batches)


def main(argv: Sequence[str] | None = None) -> int:
    quick = command_line(__doc__).parse_args(argv).quick
    model, optimizer = make_model()
    dataset = digits(batches=25 if quick else 56)
    train = ag.function(train_epoch)
    for epoch in range(1, 3 if quick else 6):
        print("epoch", epoch, flush=True)
        loss = train(model, optimizer, dataset)
        print(f"the last loss of epoch {epoch}: {float(loss):.4f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
