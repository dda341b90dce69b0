"""The programs of the AutoGraph paper on TensorFlow, by hand."""

import tensorflow as tf

from benchmarks.programs.paper_tf import dot, error, put, rosenbrock, slope_at, update


def recurrent(w, u, b, xs, lengths):
    rows = tf.TensorArray(tf.float32, tf.shape(xs)[0]).unstack(xs)

    def step(t, h):
        new = tf.tanh(rows.read(t) @ w + h @ u + b)
        return t + 1, tf.where((t < lengths)[:, None], new, h)

    start = (0, tf.zeros((tf.shape(xs)[1], tf.shape(u)[0])))
    return tf.while_loop(lambda t, _: t < tf.shape(xs)[0], step, start)[1]


def train(weight, bias, xs, ys):
    def step(k, weight, bias):
        return k + 1, *update(weight, bias, xs[k], ys[k])

    return tf.while_loop(lambda k, *_: k < tf.shape(xs)[0], step, (0, weight, bias))[1]


def lbfgs(x, most):
    memory = 5

    def step(x, slope, steps, changes, count):
        known = tf.minimum(count, memory)

        def first(back, q, factors):
            at = (count - 1 - back) % memory
            factor = dot(steps[at], q) / dot(changes[at], steps[at])
            return back + 1, q - factor * changes[at], put(factors, at, factor)

        _, q, factors = tf.while_loop(lambda back, *_: back < known, first, (0, slope, tf.zeros(memory)))

        def second(back, q):
            at = (count - known + back) % memory
            factor = dot(changes[at], q) / dot(changes[at], steps[at])
            return back + 1, q + steps[at] * (factors[at] - factor)

        q = tf.while_loop(lambda back, _: back < known, second, (0, q))[1]

        def too_long(size):
            limit = rosenbrock(x) - 1e-4 * size * dot(slope, q)
            return (rosenbrock(x - size * q) > limit) & (size > 1e-6)

        size = tf.while_loop(too_long, lambda size: (size / 2,), (1.0,))[0]
        new = x - size * q
        new_slope = slope_at(new)
        at = count % memory
        changes = put(changes, at, new_slope - slope + 1e-6 * (new - x))
        return new, new_slope, put(steps, at, new - x), changes, count + 1

    def goes_on(x, slope, steps, changes, count):
        return (count < most) & (tf.reduce_max(tf.abs(slope)) > 1e-3)

    none = tf.zeros((memory, x.shape[0]))
    return tf.while_loop(goes_on, step, (x, slope_at(x), none, none, 0))[0]


def maml(params, xs, ys):
    def of_task(k, total):
        def step(t, params):
            with tf.GradientTape() as tape:
                tape.watch(params)
                value = error(params, xs[k], ys[k])
            slopes = tape.gradient(value, params)
            return t + 1, tf.nest.map_structure(lambda p, g: p - 0.05 * g, params, slopes)

        adapted = tf.while_loop(lambda t, _: t < 10, step, (0, params), maximum_iterations=10)[1]
        return k + 1, total + error(adapted, xs[k], ys[k])

    with tf.GradientTape() as tape:
        tape.watch(params)
        count = xs.shape[0]
        total = tf.while_loop(lambda k, _: k < count, of_task, (0, 0.0), maximum_iterations=count)[1]
    return tape.gradient(total, params)


def seq2seq(embedding, encoder, decoder, out, source, target, teach):
    def read(k, h):
        return k + 1, tf.tanh(tf.concat([tf.gather(embedding, source[k]), h], 1) @ encoder)

    start = tf.zeros((tf.shape(source)[1], tf.shape(out)[0]))
    h = tf.while_loop(lambda k, _: k < tf.shape(source)[0], read, (0, start))[1]

    def write(k, h, words, loss):
        h = tf.tanh(tf.concat([tf.gather(embedding, words), h], 1) @ decoder)
        logits = h @ out
        loss += tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(target[k], logits))
        words = tf.cond(teach[k], lambda: target[k], lambda: tf.argmax(logits, 1, tf.int32))
        return k + 1, h, words, loss

    state = (0, h, tf.zeros_like(target[0]), 0.0)
    return tf.while_loop(lambda k, *_: k < tf.shape(target)[0], write, state)[3]


def decode(embedding, w, u, out, h, most):
    def step(h, token, written, checksum, _):
        h = tf.tanh(embedding[token][None] @ w + h[None] @ u)[0]
        token = tf.argmax((h[None] @ out)[0], output_type=tf.int32)
        ends = token == 0
        checksum = tf.where(ends, checksum, (checksum * 7 + token) % 10007)
        return h, token, tf.where(ends, written, written + 1), checksum, ends

    def goes_on(h, token, written, checksum, ended):
        return (written < most) & ~ended

    _, _, written, checksum, _ = tf.while_loop(goes_on, step, (h, 1, 0, 0, False))
    return checksum + written


def beam_search(start, transition, most):
    width, symbols = start.shape[0], transition.shape[0]

    def step(scores, last, best, step, _):
        extended = scores[:, None] + tf.gather(transition, last)
        best = tf.maximum(best, tf.reduce_max(extended[:, 0]))
        scores, chosen = tf.math.top_k(tf.reshape(extended[:, 1:], [-1]), width)
        return scores, chosen % (symbols - 1) + 1, best, step + 1, scores[0] <= best

    def goes_on(scores, last, best, step, ended):
        return (step < most) & ~ended

    begin = (start, tf.range(width) % (symbols - 1) + 1, -1e9, 0, False)
    _, _, best, count, _ = tf.while_loop(goes_on, step, begin)
    return best + tf.cast(count, tf.float32)


def tree_lstm(words, left, right, w, u):
    count, size = left.shape[0], u.shape[0]

    def visit(node, states, cells):
        def leaf():
            return tf.tanh(words[node][None] @ w)[0]

        def inner():
            gates = (states[left[node]] + states[right[node]])[None] @ u
            return tf.tanh(gates[0]) + 0.5 * (cells[left[node]] + cells[right[node]])

        cell = tf.cond(left[node] < 0, leaf, inner)
        return node + 1, put(states, node, tf.sigmoid(cell) * tf.tanh(cell)), put(cells, node, cell)

    none = tf.zeros((count, size))
    return tf.while_loop(lambda node, *_: node < count, visit, (0, none, none))[1][count - 1]
