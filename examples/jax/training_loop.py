"""A whole training run in one graph: early stopping, a learning-rate schedule, gradient accumulation, curves in lists.

The loop over epochs ends by `break` when the validation loss has not improved for a while. The graph decides that, so
one call trains the classifier, and only its result comes back to Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from study import options, plot

import autograph as ag


def digits(count: int) -> tuple[Any, Any, Any, Any]:
    """Images and labels for training and for validation."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))[:count]
    images, labels = jnp.asarray(images[order] / 16, jnp.float32), jnp.asarray(labels[order])
    split = count * 3 // 4
    return images[:split], labels[:split], images[split:], labels[split:]


def initial(key: jax.Array, hidden: int) -> dict[str, Any]:
    first, second = jax.random.split(key)
    return {
        "in": jax.random.normal(first, (64, hidden)) / 8,
        "out": jax.random.normal(second, (hidden, 10)) / hidden**0.5,
        "bias": jnp.zeros(10),
    }


def loss_of(params, images, labels):
    logits = jnp.tanh(images @ params["in"]) @ params["out"] + params["bias"]
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


@ag.function
def train(params, train_images, train_labels, test_images, test_labels, epochs, patience):
    """`epochs` and `patience` may be staged: the graph is the same for all of them."""
    micro_batches = 4
    rate = 0.5
    momentum = jax.tree.map(jnp.zeros_like, params)
    train_curve, test_curve = [], []
    ag.set_element_type(train_curve, jnp.float32, capacity=500)
    ag.set_element_type(test_curve, jnp.float32, capacity=500)
    best, best_params, waited = jnp.inf, params, 0

    for epoch in range(epochs):
        # Gradient accumulation: one update from several parts of the data.
        slopes = jax.tree.map(jnp.zeros_like, params)
        total = 0.0
        for part in range(micro_batches):
            images = train_images.reshape(micro_batches, -1, 64)[part]
            labels = train_labels.reshape(micro_batches, -1)[part]
            loss, more = jax.value_and_grad(loss_of)(params, images, labels)
            slopes = jax.tree.map(lambda a, b: a + b / micro_batches, slopes, more)
            total += loss / micro_batches
        # A schedule with `if`: warm up, then slower after each plateau.
        if epoch < 5:
            step = rate * (epoch + 1) / 5
        else:
            step = rate
        momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, slopes)
        params = jax.tree.map(lambda p, m, step=step: p - step * m, params, momentum)

        test_loss = loss_of(params, test_images, test_labels)
        train_curve.append(total)
        test_curve.append(test_loss)
        if epoch % 20 == 0:
            print("epoch", epoch, "training loss", total, "validation loss", test_loss, "rate", step)
        if test_loss < best - 1e-3:
            best, best_params, waited = test_loss, params, 0
        else:
            waited += 1
            if waited % 5 == 0:
                rate = rate / 2
            if waited == patience:
                print("no improvement for", patience, "epochs: stopped at epoch", epoch)
                break
    return best_params, best, train_curve, test_curve


def run(quick: bool) -> dict[str, Any]:
    train_images, train_labels, test_images, test_labels = digits(320 if quick else 1600)
    params = initial(jax.random.key(0), 16 if quick else 64)
    data = (train_images, train_labels, test_images, test_labels)
    params, best, train_curve, test_curve = train(params, *data, 60 if quick else 400, 12)
    guesses = jnp.argmax(jnp.tanh(test_images @ params["in"]) @ params["out"] + params["bias"], axis=1)
    return {
        "best": float(best),
        "accuracy": float(jnp.mean(guesses == test_labels)),
        "train": [float(v) for v in train_curve],
        "test": [float(v) for v in test_curve],
    }


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    print(f"{len(found['test'])} epochs, best validation loss {found['best']:.4f}, accuracy {found['accuracy']:.1%}")
    epochs = range(len(found["test"]))
    lines = {"training": (epochs, found["train"]), "validation": (epochs, found["test"])}
    plot(chosen.output, "training_loop", lines, x="epoch", y="cross entropy", log=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
