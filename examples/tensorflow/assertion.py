"""`assert` in the graph: a division that refuses zero, with the message that the program gives.

Python raises its AssertionError. TensorFlow stops the run of the graph with an InvalidArgumentError that carries the
message. In a 1.x graph nothing has to be fetched or ordered by hand: the assertion runs because the function's result
does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def inverse(x):
    assert x != 0.0, "Do not pass zero!"
    return 1.0 / x


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    graph = ag.function(inverse)
    print(f"inverse(4.0) by Python: {inverse(4.0)}")
    print(f"inverse(4.0) as a TensorFlow 2 function: {graph(tf.constant(4.0))}")
    print(f"inverse(4.0) as a 1.x graph: {run_in_session(inverse, np.float32(4.0))}")

    try:
        inverse(0.0)
    except AssertionError as error:
        print(f"inverse(0.0) by Python: AssertionError: {error}")
    try:
        graph(tf.constant(0.0))
    except tf.errors.InvalidArgumentError as error:
        print(f"inverse(0.0) as a TensorFlow 2 function: InvalidArgumentError: {words_of_the_program(error)}")
    try:
        run_in_session(inverse, np.float32(0.0))
    except tf.errors.InvalidArgumentError as error:
        print(f"inverse(0.0) as a 1.x graph: InvalidArgumentError: {words_of_the_program(error)}")
    return 0


def words_of_the_program(error: tf.errors.InvalidArgumentError) -> str:
    """The message of the `assert`, without what TensorFlow writes around it."""
    message = "Do not pass zero!"
    return message if message in error.message else f"something else: {error.message}"


if __name__ == "__main__":
    raise SystemExit(main())
