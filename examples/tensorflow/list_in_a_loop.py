"""A list that a loop fills, and its elements as one tensor.

In the graph the list is a TensorArray. `ag.set_element_type` says what it will hold, which is needed only where no
`append` tells; `ag.stack(z)` gives the tensor, and inside converted code so does `z.stack()`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def squares(n):
    z = []
    ag.set_element_type(z, tf.int32)
    for i in range(n):
        z.append(i * i)
    return ag.stack(z)


def running_maximum(numbers):
    highest = [numbers[0]]
    for n in numbers[1:]:
        highest.append(max(highest[-1], n))
    return ag.stack(highest)


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    print(f"squares(7) by Python: {as_text(squares(7))}")
    print(f"squares(7) as a TensorFlow 2 function: {as_text(ag.function(squares)(tf.constant(7)))}")
    print(f"squares(7) as a 1.x graph: {as_text(run_in_session(squares, np.int32(7)))}")

    numbers = [3, 1, 4, 1, 5, 9, 2, 6]
    call = f"running_maximum({numbers})"
    print(f"{call} by Python: {as_text(running_maximum(numbers))}")
    print(f"{call} as a TensorFlow 2 function: {as_text(ag.function(running_maximum)(tf.constant(numbers)))}")
    print(f"{call} as a 1.x graph: {as_text(run_in_session(running_maximum, np.int32(numbers)))}")
    return 0


def as_text(tensor: tf.Tensor | np.ndarray) -> str:
    return str(np.asarray(tensor).tolist())


if __name__ == "__main__":
    raise SystemExit(main())
