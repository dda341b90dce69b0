"""Beam search with `break`: the most probable words of a character model, and the search in one graph.

The model counts which character follows which two in a text. The search keeps the best beginnings, extends each by
every character, and ends as soon as no unfinished beginning can become better than the best finished word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from study import options, plot

import autograph as ag

TEXT = """
a graph is built by running a program once on values that stand for others and a loop in a graph goes round until its
test fails the gradient of a loop goes round the other way and needs the states that the loop went through it can keep
them all or keep some and run the loop again between them a search keeps the best few beginnings of an answer and drops
the rest a beam that is wide finds more than one that is narrow and costs more a program that stops when nothing better
can come is both right and fast
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
END = 26


def model() -> Any:
    """The logarithm of how probable each character is behind any two; `END` stands before and behind a word."""
    counts = np.full((27, 27, 27), 0.02)
    for word in TEXT.split():
        places = [END, END, *map(LETTERS.index, word), END]
        for first, second, third in zip(places, places[1:], places[2:], strict=False):
            counts[first, second, third] += 1
    return jnp.asarray(np.log(counts / counts.sum(axis=2, keepdims=True)), jnp.float32)


def search(table, width, longest):
    """The best word, its score, and how many steps it took to be sure of it."""
    words = jnp.full((width, longest), END)
    first, second = jnp.full(width, END), jnp.full(width, END)
    scores = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf)  # one beginning, the empty one
    best, best_score = jnp.full(longest, END), -jnp.inf
    history = []
    ag.set_element_type(history, jnp.float32, capacity=30)
    step = 0
    while step < longest:
        extended = scores[:, None] + table[first, second]
        # A word has at least six letters here.
        if step < 6:
            finished = jnp.full(width, -jnp.inf)
        else:
            finished = extended[:, END]
        winner = jnp.argmax(finished)
        if finished[winner] > best_score:
            best, best_score = words[winner], finished[winner]
        scores, chosen = jax.lax.top_k(extended[:, :END].reshape(-1), width)
        parents, letters = chosen // END, chosen % END
        words = words[parents].at[:, step].set(letters)
        first, second = second[parents], letters
        history.append(scores[0])
        step += 1
        if scores[0] < best_score:
            break
    return best, best_score, step, history


def spelled(word: Any) -> str:
    return "".join(LETTERS[letter] for letter in np.asarray(word) if letter < END)


def run(quick: bool) -> dict[int, tuple[str, float, int, list[float]]]:
    table = model()
    found = {}
    for width in (1, 4) if quick else (1, 2, 4, 16, 64):
        word, score, steps, history = ag.function(lambda table, width=width: search(table, width, 20))(table)
        found[width] = (spelled(word), float(score), int(steps), [float(v) for v in history])
        print(f"width {width:2}: {found[width][0]!r} with {found[width][1]:.3f}, sure after {found[width][2]} steps")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options(__doc__, argv)
    found = run(chosen.quick)
    lines = {f"width {width}": (range(1, len(h) + 1), h) for width, (_, _, _, h) in found.items()}
    plot(chosen.output, "beam_search", lines, x="step", y="score of the best unfinished beginning")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
