"""Two programs of the AutoGraph paper on TensorFlow, as ordinary Python."""

import tensorflow as tf


def recurrent(w, u, b, xs, lengths):
    h = tf.zeros((tf.shape(xs)[1], tf.shape(u)[0]))
    step = 0
    for x in xs:
        new = tf.tanh(x @ w + h @ u + b)
        h = tf.where((step < lengths)[:, None], new, h)
        step += 1  # noqa: SIM113 - counted by hand, as in the paper
    return h


def update(weight, bias, x, y):
    with tf.GradientTape() as tape:
        tape.watch([weight, bias])
        logits = x @ weight + bias
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
    by_weight, by_bias = tape.gradient(loss, [weight, bias])
    return weight - 0.1 * by_weight, bias - 0.1 * by_bias


def train(weight, bias, xs, ys):
    for k in tf.range(tf.shape(xs)[0]):
        weight, bias = update(weight, bias, xs[k], ys[k])
    return weight
