"""A recurrent network over sequences of different length, with `while` and `break`.

The network reads a sequence of brackets symbol by symbol and stops at its end; the batch is a `vmap`, so every sequence
has its own number of iterations, and padding is never read. It learns whether the brackets are balanced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from study import options, plot

import autograph as ag

END = 2


def brackets(count: int, longest: int) -> tuple[Any, Any]:
    """Sequences of 0 for `(` and 1 for `)`, with an `END` and zeros behind it; and whether each is balanced."""
    random = np.random.default_rng(0)
    rows = np.zeros((count, longest + 1), np.int32)
    balanced = np.zeros(count, np.float32)
    for row in range(count):
        length = int(random.integers(1, longest // 2 + 1)) * 2
        depth, symbols = 0, []
        for place in range(length):
            left = length - place
            opens = depth == 0 or (depth < left and random.random() < 0.5)
            symbols.append(0 if opens else 1)
            depth += 1 if opens else -1
        balanced[row] = row % 2
        if row % 2 == 0:
            flipped = random.integers(length)
            symbols[flipped] = 1 - symbols[flipped]
        rows[row, :length], rows[row, length] = symbols, END
    return jnp.asarray(rows), jnp.asarray(balanced)


def initial(key: jax.Array, size: int) -> dict[str, Any]:
    a, b, c = jax.random.split(key, 3)
    return {
        "symbol": jax.random.normal(a, (2, 3 * size)) * 0.5,
        "state": jax.random.normal(b, (size, 3 * size)) / size**0.5,
        "bias": jnp.zeros(3 * size),
        "out": jax.random.normal(c, (size,)) / size**0.5,
    }


def read(params, symbols):
    """A gated recurrent unit over one sequence; says also how many symbols it has read."""
    h = jnp.zeros(params["out"].shape[0])
    place = 0
    while True:
        symbol = symbols[place]
        if symbol == END:
            break
        from_symbol = params["symbol"][symbol] + params["bias"]
        from_state = h @ params["state"]
        (a, b, c), (d, e, f) = jnp.split(from_symbol, 3), jnp.split(from_state, 3)
        keep, reset = jax.nn.sigmoid(a + d), jax.nn.sigmoid(b + e)
        h = keep * h + (1 - keep) * jnp.tanh(c + reset * f)
        place += 1
    return h @ params["out"], place


def loss_of(params, rows, balanced):
    logits, read_symbols = jax.vmap(read, in_axes=(None, 0))(params, rows)
    loss = jnp.mean(optax.sigmoid_binary_cross_entropy(logits, balanced))
    return loss, (jnp.mean((logits > 0) == balanced), read_symbols)


def run(quick: bool) -> dict[str, Any]:
    count, longest, size, updates = (24, 6, 8, 10) if quick else (512, 20, 24, 200)
    rows, balanced = brackets(count, longest)
    params = initial(jax.random.key(0), size)
    optimizer = optax.adam(0.01)
    state = optimizer.init(params)

    @jax.jit
    def update(params, state):
        (loss, seen), slopes = jax.value_and_grad(ag.convert(loss_of), has_aux=True)(params, rows, balanced)
        changes, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, changes), state, loss, seen

    curve, accuracies = [], []
    for number in range(updates):
        params, state, loss, (accuracy, lengths) = update(params, state)
        curve.append(float(loss))
        accuracies.append(float(accuracy))
        if number % max(updates // 8, 1) == 0:
            print(f"update {number:4} loss {loss:.4f} accuracy {accuracy:.1%} symbols {lengths.min()}-{lengths.max()}")
    expected = np.argmax(np.asarray(rows) == END, axis=1)
    return {"curve": curve, "accuracies": accuracies, "lengths": np.asarray(lengths), "expected": expected}


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    updates = range(len(found["curve"]))
    lines = {"loss": (updates, found["curve"]), "accuracy": (updates, found["accuracies"])}
    plot(chosen.output, "recurrent", lines, x="update", y="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
