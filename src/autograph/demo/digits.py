"""A perceptron that learns scikit-learn's handwritten digits, in a training loop that is one ordinary function."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import autograph as ag

LAYERS = (64, 100, 100, 10)
BATCH_SIZE = 100

optimizer = optax.sgd(0.1, momentum=0.9)


class Curves(NamedTuple):
    """One value for each training step."""

    train_loss: jax.Array
    train_accuracy: jax.Array
    test_loss: jax.Array
    test_accuracy: jax.Array


class Digits(NamedTuple):
    """Images, a row of 64 pixels each, and the digits that they show."""

    images: jax.Array
    labels: jax.Array


def perceptron(params, images):
    *hidden, last = params
    for weights, bias in hidden:
        images = jax.nn.relu(images @ weights + bias)
    weights, bias = last
    return images @ weights + bias


def loss_of(params, digits):
    scores = perceptron(params, digits.images)
    return optax.softmax_cross_entropy_with_integer_labels(scores, digits.labels).mean()


def accuracy_of(params, digits):
    scores = perceptron(params, digits.images)
    return (scores.argmax(axis=1) == digits.labels).mean()


def train(params, train_set, test_set, key, steps):
    opt_state = optimizer.init(params)
    train_losses, train_accuracies = [], []
    test_losses, test_accuracies = [], []

    for step in range(steps):
        step_key = jax.random.fold_in(key, step)
        chosen = jax.random.choice(step_key, len(train_set.labels), (BATCH_SIZE,))
        batch = Digits(train_set.images[chosen], train_set.labels[chosen])

        loss, gradient = jax.value_and_grad(loss_of)(params, batch)
        updates, opt_state = optimizer.update(gradient, opt_state)
        params = optax.apply_updates(params, updates)

        train_losses.append(loss)
        train_accuracies.append(accuracy_of(params, batch))
        test_losses.append(loss_of(params, test_set))
        test_accuracies.append(accuracy_of(params, test_set))

        if step % max(steps // 10, 1) == 0:
            print("step", step, " training loss", loss, " test loss", test_losses[-1])

    return params, Curves(
        train_loss=ag.stack(train_losses),
        train_accuracy=ag.stack(train_accuracies),
        test_loss=ag.stack(test_losses),
        test_accuracy=ag.stack(test_accuracies),
    )


def training_arguments() -> tuple[list[tuple[jax.Array, jax.Array]], Digits, Digits, jax.Array]:
    """What `train` takes before `steps`: initial weights, digits to train on and to test with, and a random key."""
    images, labels = load_digits(return_X_y=True)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images / 16, labels, test_size=0.2, random_state=0, stratify=labels
    )
    generator = np.random.default_rng(0)
    params = []
    for inputs, outputs in itertools.pairwise(LAYERS):
        weights = generator.normal(scale=math.sqrt(2 / inputs), size=(inputs, outputs))
        params.append((jnp.asarray(weights, jnp.float32), jnp.zeros(outputs, jnp.float32)))
    train_set = Digits(jnp.asarray(train_images, jnp.float32), jnp.asarray(train_labels, jnp.int32))
    test_set = Digits(jnp.asarray(test_images, jnp.float32), jnp.asarray(test_labels, jnp.int32))
    return params, train_set, test_set, jax.random.key(0)
