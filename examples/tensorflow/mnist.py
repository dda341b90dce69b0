"""MNIST: a three-layer model whose whole training loop is one graph, as a TensorFlow 2 function and as one Session.run.

The images come from IDX files. Without `--data` these are scikit-learn's digits, which the program writes in that
format first; with it, a folder with the four files of MNIST. Loss and accuracy of each step are kept in four lists,
which leave the graph as four tensors and become a picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import autograph as ag
from case_study import command_line
from data_files import DataFileError, Images, ImageSets, read_images, write_digits

BATCH_SIZE = 100
LEARNING_RATE = 0.1
MOMENTUM = 0.9


class Curves(NamedTuple):
    """One value for each training step, in each of them."""

    train_losses: tf.Tensor
    train_accuracies: tf.Tensor
    test_losses: tf.Tensor
    test_accuracies: tf.Tensor


# ----------------------------------------------------------------------------------------- what becomes the graph


def train(model, optimizer, train_batches, test_batches, steps):
    # TensorFlow's own variables, which the optimizers of Keras take as well as those of TensorFlow 1.
    variables = [variable.value for variable in model.trainable_variables]
    train_losses, train_accuracies = [], []
    test_losses, test_accuracies = [], []

    step = 0
    while step < steps:
        images, labels = train_batches.get_next()
        with tf.GradientTape() as tape:
            loss, accuracy = evaluate(model, images, labels)
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        train_losses.append(loss)
        train_accuracies.append(accuracy)

        images, labels = test_batches.get_next()
        loss, accuracy = evaluate(model, images, labels)
        test_losses.append(loss)
        test_accuracies.append(accuracy)

        if step % 50 == 0:
            print("step", step, "training loss", train_losses[-1], "test accuracy", accuracy)
        step += 1

    return Curves(
        train_losses=ag.stack(train_losses),
        train_accuracies=ag.stack(train_accuracies),
        test_losses=ag.stack(test_losses),
        test_accuracies=ag.stack(test_accuracies),
    )


def evaluate(model, images, labels):
    scores = model(images)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores)
    right = tf.equal(tf.argmax(scores, axis=1, output_type=tf.int32), labels)
    return tf.reduce_mean(losses), tf.reduce_mean(tf.cast(right, tf.float32))


# -------------------------------------------------------------------------------------------------- both ways to run


def train_in_a_function(sets: ImageSets, steps: int) -> Curves:
    """TensorFlow 2: the loop is a function of the model, two iterators and the number of steps."""
    model = make_model(sets.train.images.shape[1:])
    optimizer = keras.optimizers.SGD(LEARNING_RATE, MOMENTUM)
    optimizer.build(model.trainable_variables)
    curves = ag.function(train)(
        model,
        optimizer,
        iter(batches(sets.train)),
        iter(batches(sets.test)),
        tf.constant(steps),
    )
    return Curves(*(curve.numpy() for curve in curves))


def train_in_a_session(sets: ImageSets, steps: int) -> Curves:
    """TensorFlow 1: the loop is four nodes of a graph, and running them once trains the model."""
    with tf.compat.v1.Graph().as_default():
        model = make_model(sets.train.images.shape[1:])
        number = tf.compat.v1.placeholder(tf.int32, [])
        curves = ag.to_graph(train)(
            model,
            tf.compat.v1.train.MomentumOptimizer(LEARNING_RATE, MOMENTUM),
            tf.compat.v1.data.make_one_shot_iterator(batches(sets.train)),
            tf.compat.v1.data.make_one_shot_iterator(batches(sets.test)),
            number,
        )
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            return Curves(*session.run(tuple(curves), feed_dict={number: steps}))


def make_model(image_shape: tuple[int, ...]) -> keras.Model:
    initializers = [keras.initializers.GlorotUniform(seed=seed) for seed in range(3)]
    model = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation="relu", kernel_initializer=initializers[0]),
            keras.layers.Dense(100, activation="relu", kernel_initializer=initializers[1]),
            keras.layers.Dense(10, kernel_initializer=initializers[2]),
        ]
    )
    model.build((None, *image_shape))
    return model


def batches(images: Images) -> tf.data.Dataset:
    """The images in a random order that is always the same, over and over, with pixels from 0 to 1."""

    def prepared(image, label):
        return tf.cast(image, tf.float32) / 255.0, tf.cast(label, tf.int32)

    order = np.random.default_rng(0).permutation(len(images.labels))
    dataset = tf.data.Dataset.from_tensor_slices((images.images[order], images.labels[order]))
    return dataset.repeat().map(prepared).batch(BATCH_SIZE)


# -------------------------------------------------------------------------------------------------------- the program


def plot(curves: Curves, file: Path) -> None:
    """Write loss and accuracy against training steps, as PNG."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(1, 2)
    for axes, title, train_curve, test_curve in [
        (loss, "Cross-entropy", curves.train_losses, curves.test_losses),
        (accuracy, "Accuracy", curves.train_accuracies, curves.test_accuracies),
    ]:
        axes.plot(train_curve, label="training batch", linewidth=0.8)
        axes.plot(test_curve, label="test batch", linewidth=0.8)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with the four files of MNIST")
    parser.add_argument("--out", type=Path, default=Path("mnist"), metavar="DIR", help="where plots go (%(default)s)")
    parser.add_argument("--steps", type=int, metavar="N", help="training steps")
    options = parser.parse_args(argv)
    steps = options.steps or (60 if options.quick else 500)

    try:
        sets = load(options.data)
    except (FileNotFoundError, DataFileError) as error:
        parser.error(str(error))
    count, height, width = sets.train.images.shape
    print(f"{count} images of {height} by {width} pixels to train on, {len(sets.test.labels)} to test with")

    for title, run, file in [
        ("a TensorFlow 2 function", train_in_a_function, options.out / "function.png"),
        ("one Session.run", train_in_a_session, options.out / "session.png"),
    ]:
        print(f"{steps} steps as {title}:", flush=True)
        curves = run(sets, steps)
        print(f"accuracy on the last ten test batches: {np.mean(curves.test_accuracies[-10:]):.1%}")
        plot(curves, file)
        print(f"the curves: {file}")
    return 0


def load(directory: Path | None) -> ImageSets:
    if directory is not None:
        return read_images(directory)
    with tempfile.TemporaryDirectory() as folder:
        write_digits(Path(folder))
        return read_images(Path(folder))


if __name__ == "__main__":
    raise SystemExit(main())
