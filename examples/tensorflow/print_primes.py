"""Nested loops, `break`, `continue` and a list: the primes below a number, printed by the graph.

The function ends with `tf.no_op()`, as 1.x programs did that were run for what they printed. Its prints and its
assertion run when that operation runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import command_line, run_in_session


def print_primes(n):
    assert n > 0, "There are no numbers below that."
    primes = []
    ag.set_element_type(primes, tf.int32)
    for i in range(2, n):
        is_prime = True
        for k in range(2, i):
            if i % k == 0:
                is_prime = False
                break
        if not is_prime:
            continue
        primes.append(i)
    all_primes = ag.stack(primes)
    print("The prime numbers less than", n, "are:")
    print(all_primes)
    return tf.no_op()


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__)
    parser.add_argument("limit", nargs="?", type=int, default=50, help="print the primes below it (%(default)s)")
    limit = parser.parse_args(argv).limit

    print("As a TensorFlow 2 function:", flush=True)
    ag.function(print_primes)(tf.constant(limit))
    print("As a 1.x graph:", flush=True)
    run_in_session(print_primes, np.int32(limit))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
