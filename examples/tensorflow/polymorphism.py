"""One function, several traces: Python runs once for each combination of types.

`print("tracing")` prints a Python value outside any branch or loop, so it prints while Python builds a graph. Two calls
with string tensors share one trace, integer tensors need another, and each new pair of Python strings is a signature
of its own: a Python value is part of the program, not an input of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

import autograph as ag
from case_study import parse


@ag.function(backend="tensorflow")
def myadd(a, b):
    print("tracing")
    return a + b


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    for title, a, b in [
        ("two string tensors", tf.constant("hello, "), tf.constant("world")),
        ("two other string tensors", tf.constant("good "), tf.constant("morning")),
        ("two integer tensors", tf.constant(1), tf.constant(2)),
        ("two Python strings", "hello, ", "world"),
        ("the same Python strings", "hello, ", "world"),
        ("two other Python strings", "good ", "morning"),
    ]:
        print(f"{title}:")
        print(" ", as_text(myadd(a, b)))
    return 0


def as_text(tensor: tf.Tensor) -> str:
    value = tensor.numpy()
    return repr(value.decode() if isinstance(value, bytes) else value.item())


if __name__ == "__main__":
    raise SystemExit(main())
