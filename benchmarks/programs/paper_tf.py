"""The programs of the AutoGraph paper on TensorFlow, as ordinary Python."""

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


def put(table, place, row):
    return tf.tensor_scatter_nd_update(table, [[place]], [row])


def dot(a, b):
    return tf.reduce_sum(a * b)


def rosenbrock(x):
    return tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def slope_at(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = rosenbrock(x)
    return tape.gradient(value, x)


def lbfgs(x, most):
    memory = 5
    steps, changes = tf.zeros((memory, x.shape[0])), tf.zeros((memory, x.shape[0]))
    slope = slope_at(x)
    count = 0
    while count < most and tf.reduce_max(tf.abs(slope)) > 1e-3:
        q = slope
        factors = tf.zeros(memory)
        known = tf.minimum(count, memory)
        for back in range(known):
            at = (count - 1 - back) % memory
            factor = dot(steps[at], q) / dot(changes[at], steps[at])
            factors = put(factors, at, factor)
            q = q - factor * changes[at]
        for back in range(known):
            at = (count - known + back) % memory
            factor = dot(changes[at], q) / dot(changes[at], steps[at])
            q = q + steps[at] * (factors[at] - factor)
        size = 1.0
        while rosenbrock(x - size * q) > rosenbrock(x) - 1e-4 * size * dot(slope, q) and size > 1e-6:
            size = size / 2
        new = x - size * q
        new_slope = slope_at(new)
        at = count % memory
        steps = put(steps, at, new - x)
        changes = put(changes, at, new_slope - slope + 1e-6 * (new - x))
        x, slope = new, new_slope
        count += 1
    return x


def error(params, x, y):
    (w1, b1), (w2, b2) = params
    return tf.reduce_mean((tf.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2)


def adapted(params, x, y):
    for _ in range(10):
        with tf.GradientTape() as tape:
            tape.watch(params)
            value = error(params, x, y)
        slopes = tape.gradient(value, params)
        params = tf.nest.map_structure(lambda p, g: p - 0.05 * g, params, slopes)
    return error(params, x, y)


def maml(params, xs, ys):
    with tf.GradientTape() as tape:
        tape.watch(params)
        total = 0.0
        for k in tf.range(tf.shape(xs)[0]):
            total += adapted(params, xs[k], ys[k])
    return tape.gradient(total, params)


def seq2seq(embedding, encoder, decoder, out, source, target, teach):
    h = tf.zeros((tf.shape(source)[1], tf.shape(out)[0]))
    for words in source:
        h = tf.tanh(tf.concat([tf.gather(embedding, words), h], 1) @ encoder)
    loss = 0.0
    words = tf.zeros_like(target[0])
    for k in tf.range(tf.shape(target)[0]):
        h = tf.tanh(tf.concat([tf.gather(embedding, words), h], 1) @ decoder)
        logits = h @ out
        loss += tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(target[k], logits))
        if teach[k]:
            words = target[k]
        else:
            words = tf.argmax(logits, 1, tf.int32)
    return loss


def decode(embedding, w, u, out, h, most):
    token = 1
    written = 0
    checksum = 0
    while written < most:
        h = tf.tanh(embedding[token][None] @ w + h[None] @ u)[0]
        token = tf.argmax((h[None] @ out)[0], output_type=tf.int32)
        if token == 0:
            break
        checksum = (checksum * 7 + token) % 10007
        written += 1
    return checksum + written


def beam_search(start, transition, most):
    width = start.shape[0]
    symbols = transition.shape[0]
    scores = start
    last = tf.range(width) % (symbols - 1) + 1
    best = -1e9
    step = 0
    while step < most:
        extended = scores[:, None] + tf.gather(transition, last)
        ended = tf.reduce_max(extended[:, 0])
        if ended > best:
            best = ended
        scores, chosen = tf.math.top_k(tf.reshape(extended[:, 1:], [-1]), width)
        last = chosen % (symbols - 1) + 1
        step += 1
        if scores[0] <= best:
            break
    return best + tf.cast(step, tf.float32)


def tree_lstm(words, left, right, w, u):
    count, size = left.shape[0], u.shape[0]
    states = tf.zeros((count, size))
    cells = tf.zeros((count, size))
    for node in tf.range(count):
        if left[node] < 0:
            gates = words[node][None] @ w
            cell = tf.tanh(gates[0])
        else:
            gates = (states[left[node]] + states[right[node]])[None] @ u
            cell = tf.tanh(gates[0]) + 0.5 * (cells[left[node]] + cells[right[node]])
        states = put(states, node, tf.sigmoid(cell) * tf.tanh(cell))
        cells = put(cells, node, cell)
    return states[count - 1]
