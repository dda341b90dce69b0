"""A `while` loop with a conditional in it: how many steps the Collatz sequence takes to reach 1.

The number of steps is known only when the graph runs, so no unrolled graph could hold it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    graph = ag.function(collatz)
    for n in (1, 6, 27):
        print(f"collatz({n}) by Python: {collatz(n)}")
        print(f"collatz({n}) as a TensorFlow 2 function: {graph(tf.constant(n))}")
        print(f"collatz({n}) as a 1.x graph: {run_in_session(collatz, np.int32(n))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
