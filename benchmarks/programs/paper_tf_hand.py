"""Two programs of the AutoGraph paper on TensorFlow, by hand."""

import tensorflow as tf


def recurrent(w, u, b, xs, lengths):
    rows = tf.TensorArray(tf.float32, tf.shape(xs)[0]).unstack(xs)

    def step(t, h):
        new = tf.tanh(rows.read(t) @ w + h @ u + b)
        return t + 1, tf.where((t < lengths)[:, None], new, h)

    start = (0, tf.zeros((tf.shape(xs)[1], tf.shape(u)[0])))
    return tf.while_loop(lambda t, _: t < tf.shape(xs)[0], step, start)[1]


def update(weight, bias, x, y):
    with tf.GradientTape() as tape:
        tape.watch([weight, bias])
        logits = x @ weight + bias
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
    by_weight, by_bias = tape.gradient(loss, [weight, bias])
    return weight - 0.1 * by_weight, bias - 0.1 * by_bias


def train(weight, bias, xs, ys):
    def step(k, weight, bias):
        return k + 1, *update(weight, bias, xs[k], ys[k])

    return tf.while_loop(lambda k, *_: k < tf.shape(xs)[0], step, (0, weight, bias))[1]
