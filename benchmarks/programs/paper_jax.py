"""The programs of the AutoGraph paper (MLSys 2019) on JAX, as ordinary Python."""

import jax
import jax.numpy as jnp


def recurrent(w, u, b, xs, lengths):
    """A recurrent network over a batch of sequences, each of which stops where it ends."""
    h = jnp.zeros((xs.shape[1], u.shape[0]))
    step = 0
    for x in xs:
        new = jnp.tanh(x @ w + h @ u + b)
        h = jnp.where((step < lengths)[:, None], new, h)
        step += 1  # noqa: SIM113 - counted by hand, as in the paper
    return h


def loss(weight, bias, x, y):
    logits = jax.nn.log_softmax(x @ weight + bias)
    return -jnp.mean(jnp.take_along_axis(logits, y[:, None], axis=1))


def update(weight, bias, x, y):
    by_weight, by_bias = jax.grad(loss, argnums=(0, 1))(weight, bias, x, y)
    return weight - 0.1 * by_weight, bias - 0.1 * by_bias


def train(weight, bias, xs, ys):
    """Stochastic gradient descent on a small classifier, a batch after another."""
    for k in range(len(xs)):
        weight, bias = update(weight, bias, xs[k], ys[k])
    return weight


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def lbfgs(x, most):
    """Minimizes a function with the last five steps for its curvature, and a line search."""
    memory = 5
    steps, changes = jnp.zeros((memory, x.size)), jnp.zeros((memory, x.size))
    slope = jax.grad(rosenbrock)(x)
    count = 0
    while count < most and jnp.max(jnp.abs(slope)) > 1e-3:
        q = slope
        factors = jnp.zeros(memory)
        known = jnp.minimum(count, memory)
        for back in range(known):
            at = (count - 1 - back) % memory
            factor = jnp.vdot(steps[at], q) / jnp.vdot(changes[at], steps[at])
            factors = factors.at[at].set(factor)
            q = q - factor * changes[at]
        for back in range(known):
            at = (count - known + back) % memory
            factor = jnp.vdot(changes[at], q) / jnp.vdot(changes[at], steps[at])
            q = q + steps[at] * (factors[at] - factor)
        size = 1.0
        while rosenbrock(x - size * q) > rosenbrock(x) - 1e-4 * size * jnp.vdot(slope, q) and size > 1e-6:
            size = size / 2
        new = x - size * q
        new_slope = jax.grad(rosenbrock)(new)
        steps = steps.at[count % memory].set(new - x)
        changes = changes.at[count % memory].set(new_slope - slope + 1e-6 * (new - x))
        x, slope = new, new_slope
        count += 1
    return x


def network(params, x):
    (w1, b1), (w2, b2) = params
    return jnp.tanh(x @ w1 + b1) @ w2 + b2


def error(params, x, y):
    return jnp.mean((network(params, x) - y) ** 2)


def adapted(params, x, y):
    """The inner loop of MAML: ten steps on one task."""
    for _ in range(10):
        slopes = jax.grad(error)(params, x, y)
        params = jax.tree.map(lambda p, g: p - 0.05 * g, params, slopes)
    return error(params, x, y)


def maml(params, xs, ys):
    """The gradient of the error after adaptation, over a batch of tasks."""
    total = 0.0
    for k in range(len(xs)):
        total += adapted(params, xs[k], ys[k])
    return total


def seq2seq(embedding, encoder, decoder, out, source, target, teach):
    """The loss of a translation: one network reads, another writes, and is told the right word at some steps."""
    h = jnp.zeros((source.shape[1], out.shape[0]))
    for words in source:
        h = jnp.tanh(jnp.concatenate([embedding[words], h], 1) @ encoder)
    loss = 0.0
    words = jnp.zeros_like(target[0])
    for k in range(len(target)):
        h = jnp.tanh(jnp.concatenate([embedding[words], h], 1) @ decoder)
        logits = jax.nn.log_softmax(h @ out)
        loss -= jnp.mean(jnp.take_along_axis(logits, target[k][:, None], axis=1))
        if teach[k]:
            words = target[k]
        else:
            words = jnp.argmax(logits, 1)
    return loss


def decode(embedding, w, u, out, h, most):
    """A sequence model that reads what it has written, until it writes the end."""
    token = 1
    written = 0
    checksum = 0
    while written < most:
        h = jnp.tanh(embedding[token] @ w + h @ u)
        token = jnp.argmax(h @ out)
        if token == 0:
            break
        checksum = (checksum * 7 + token) % 10007
        written += 1
    return checksum + written


def beam_search(start, transition, most):
    """The most probable sequence of symbols, of which the first ends it; stops when nothing can become better."""
    width = len(start)
    symbols = len(transition)
    scores = start
    last = jnp.arange(width) % (symbols - 1) + 1
    best = jnp.float32(-1e9)
    step = 0
    while step < most:
        extended = scores[:, None] + transition[last]
        ended = jnp.max(extended[:, 0])
        if ended > best:
            best = ended
        flat = extended[:, 1:].reshape(-1)
        scores, chosen = jax.lax.top_k(flat, width)
        last = chosen % (symbols - 1) + 1
        step += 1
        if scores[0] <= best:
            break
    return best + step


def tree_lstm(words, left, right, w, u):
    """A recursive network over a binary tree whose nodes are in the order of their children before them."""
    count, size = len(left), u.shape[0]
    states = jnp.zeros((count, size))
    cells = jnp.zeros((count, size))
    for node in range(count):
        if left[node] < 0:
            gates = words[node] @ w
            cell = jnp.tanh(gates[:size])
        else:
            gates = (states[left[node]] + states[right[node]]) @ u
            cell = jnp.tanh(gates[:size]) + 0.5 * (cells[left[node]] + cells[right[node]])
        states = states.at[node].set(jax.nn.sigmoid(cell) * jnp.tanh(cell))
        cells = cells.at[node].set(cell)
    return states[count - 1]
