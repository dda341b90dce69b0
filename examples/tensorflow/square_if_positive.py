"""A conditional: the square of a positive number, and zero otherwise.

The value that reaches the `if` decides what becomes of it. Python decides about a Python number; about a tensor the
graph does, with a `tf.cond`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def g(x):
    if x > 0:
        x = x * x
    else:
        x = 0.0
    return x


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    graph = ag.function(g)
    for x in (9.0, -9.0):
        print(f"g({x}) by Python: {g(x)}")
        print(f"g({x}) as a TensorFlow 2 function: {graph(tf.constant(x))}")
        print(f"g({x}) as a 1.x graph: {run_in_session(g, np.float32(x))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
