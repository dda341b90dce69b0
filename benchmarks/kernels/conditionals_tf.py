"""The conditionals by hand for TensorFlow."""

import tensorflow as tf


def piecewise(x):
    y = tf.cond(x > 100, lambda: x - 100, lambda: tf.cond(x > 10, lambda: 10 * x, lambda: x * x))
    return tf.cond(y > 50, lambda: y, lambda: -y)
