"""The programs of the AutoGraph paper on JAX, by hand."""

import jax
import jax.numpy as jnp
from jax import lax


def recurrent(w, u, b, xs, lengths):
    def step(state, x):
        h, step = state
        new = jnp.tanh(x @ w + h @ u + b)
        return (jnp.where((step < lengths)[:, None], new, h), step + 1), None

    return lax.scan(step, (jnp.zeros((xs.shape[1], u.shape[0])), 0), xs)[0][0]


def loss(weight, bias, x, y):
    logits = jax.nn.log_softmax(x @ weight + bias)
    return -jnp.mean(jnp.take_along_axis(logits, y[:, None], axis=1))


def update(weight, bias, x, y):
    by_weight, by_bias = jax.grad(loss, argnums=(0, 1))(weight, bias, x, y)
    return weight - 0.1 * by_weight, bias - 0.1 * by_bias


def train(weight, bias, xs, ys):
    return lax.scan(lambda state, batch: (update(*state, *batch), None), (weight, bias), (xs, ys))[0][0]


def rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def lbfgs(x, most):
    memory = 5

    def step(state):
        x, slope, steps, changes, count = state
        known = jnp.minimum(count, memory)

        def first(back, state):
            q, factors = state
            at = (count - 1 - back) % memory
            factor = jnp.vdot(steps[at], q) / jnp.vdot(changes[at], steps[at])
            return q - factor * changes[at], factors.at[at].set(factor)

        q, factors = lax.fori_loop(0, known, first, (slope, jnp.zeros(memory)))

        def second(back, q):
            at = (count - known + back) % memory
            factor = jnp.vdot(changes[at], q) / jnp.vdot(changes[at], steps[at])
            return q + steps[at] * (factors[at] - factor)

        q = lax.fori_loop(0, known, second, q)

        def too_long(size):
            limit = rosenbrock(x) - 1e-4 * size * jnp.vdot(slope, q)
            return (rosenbrock(x - size * q) > limit) & (size > 1e-6)

        size = lax.while_loop(too_long, lambda size: size / 2, 1.0)
        new = x - size * q
        new_slope = jax.grad(rosenbrock)(new)
        at = count % memory
        change = new_slope - slope + 1e-6 * (new - x)
        return new, new_slope, steps.at[at].set(new - x), changes.at[at].set(change), count + 1

    def goes_on(state):
        return (state[4] < most) & (jnp.max(jnp.abs(state[1])) > 1e-3)

    none = jnp.zeros((memory, x.size))
    return lax.while_loop(goes_on, step, (x, jax.grad(rosenbrock)(x), none, none, 0))[0]


def network(params, x):
    (w1, b1), (w2, b2) = params
    return jnp.tanh(x @ w1 + b1) @ w2 + b2


def error(params, x, y):
    return jnp.mean((network(params, x) - y) ** 2)


def maml(params, xs, ys):
    def of_task(total, task):
        def step(params, _):
            slopes = jax.grad(error)(params, *task)
            return jax.tree.map(lambda p, g: p - 0.05 * g, params, slopes), None

        return total + error(lax.scan(step, params, None, length=10)[0], *task), None

    return lax.scan(of_task, 0.0, (xs, ys))[0]


def seq2seq(embedding, encoder, decoder, out, source, target, teach):
    def read(h, words):
        return jnp.tanh(jnp.concatenate([embedding[words], h], 1) @ encoder), None

    h = lax.scan(read, jnp.zeros((source.shape[1], out.shape[0])), source)[0]

    def write(state, given):
        h, words, loss = state
        right, told = given
        h = jnp.tanh(jnp.concatenate([embedding[words], h], 1) @ decoder)
        logits = jax.nn.log_softmax(h @ out)
        loss -= jnp.mean(jnp.take_along_axis(logits, right[:, None], axis=1))
        return (h, jnp.where(told, right, jnp.argmax(logits, 1)), loss), None

    return lax.scan(write, (h, jnp.zeros_like(target[0]), 0.0), (target, teach))[0][2]


def decode(embedding, w, u, out, h, most):
    def step(state):
        h, token, written, checksum, _ = state
        h = jnp.tanh(embedding[token] @ w + h @ u)
        token = jnp.argmax(h @ out)
        ends = token == 0
        checksum = jnp.where(ends, checksum, (checksum * 7 + token) % 10007)
        return h, token, jnp.where(ends, written, written + 1), checksum, ends

    start = (h, jnp.asarray(1), 0, jnp.asarray(0), False)
    _, _, written, checksum, _ = lax.while_loop(lambda state: (state[2] < most) & ~state[4], step, start)
    return checksum + written


def beam_search(start, transition, most):
    width, symbols = len(start), len(transition)

    def step(state):
        scores, last, best, step, _ = state
        extended = scores[:, None] + transition[last]
        best = jnp.maximum(best, jnp.max(extended[:, 0]))
        scores, chosen = lax.top_k(extended[:, 1:].reshape(-1), width)
        return scores, chosen % (symbols - 1) + 1, best, step + 1, scores[0] <= best

    begin = (start, jnp.arange(width) % (symbols - 1) + 1, jnp.float32(-1e9), 0, False)
    _, _, best, step, _ = lax.while_loop(lambda state: (state[3] < most) & ~state[4], step, begin)
    return best + step


def tree_lstm(words, left, right, w, u):
    count, size = len(left), u.shape[0]

    def visit(node, tables):
        states, cells = tables

        def leaf(_):
            return jnp.tanh((words[node] @ w)[:size])

        def inner(_):
            gates = (states[left[node]] + states[right[node]]) @ u
            return jnp.tanh(gates[:size]) + 0.5 * (cells[left[node]] + cells[right[node]])

        cell = lax.cond(left[node] < 0, leaf, inner, None)
        return states.at[node].set(jax.nn.sigmoid(cell) * jnp.tanh(cell)), cells.at[node].set(cell)

    none = jnp.zeros((count, size))
    return lax.fori_loop(0, count, visit, (none, none))[0][count - 1]
