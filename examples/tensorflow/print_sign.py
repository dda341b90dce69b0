"""`print` in both branches: only the branch that is taken prints, when the graph runs.

In a 1.x graph the prints are control dependencies of what the function returns, so that running its result is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import autograph as ag
from case_study import parse, run_in_session


def print_sign(n):
    if n >= 0:
        print(n, "is positive or zero!")
    else:
        print(n, "is negative!")
    return n


def main(argv: Sequence[str] | None = None) -> int:
    parse(__doc__, argv)
    graph = ag.function(print_sign)
    for n in (1, -1):
        print(f"print_sign({n}) by Python:", flush=True)
        print_sign(n)
        print(f"print_sign({n}) as a TensorFlow 2 function:", flush=True)
        graph(tf.constant(n))
        print(f"print_sign({n}) as a 1.x graph:", flush=True)
        run_in_session(print_sign, np.int32(n))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
