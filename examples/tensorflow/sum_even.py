"""`continue` and `break` in a loop over a tensor.

What follows the `if` with the `continue` moves into the other branch. The `break` ends the loop in the graph, after a
number of items that only the graph knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def sum_even(numbers):
    s = 0
    for n in numbers:
        if n % 2 > 0:
            continue
        s += n
    return s


def sum_even_until(numbers, limit):
    s = 0
    for n in numbers:
        if s > limit:
            break
        if n % 2 == 0:
            s += n
    return s


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    numbers = [10, 12, 15, 20, 7, 4]
    print(f"sum_even({numbers}) by Python: {sum_even(numbers)}")
    print(f"sum_even({numbers}) as a TensorFlow 2 function: {ag.function(sum_even)(tf.constant(numbers))}")
    print(f"sum_even({numbers}) as a 1.x graph: {run_in_session(sum_even, np.int32(numbers))}")

    until = ag.function(sum_even_until)
    for limit in (0, 15, 100):
        call = f"sum_even_until({numbers}, {limit})"
        print(f"{call} by Python: {sum_even_until(numbers, limit)}")
        print(f"{call} as a TensorFlow 2 function: {until(tf.constant(numbers), tf.constant(limit))}")
        print(f"{call} as a 1.x graph: {run_in_session(sum_even_until, np.int32(numbers), np.int32(limit))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
