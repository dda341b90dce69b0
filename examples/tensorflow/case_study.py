"""What the small case studies share: their command line, and a call as TensorFlow 1.x makes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import autograph as ag


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows `--quick`, which every case study has; the small ones are quick anyway."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller inputs and fewer steps")
    return parser


def parse(description: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of a case study that has none but `--quick`."""
    return command_line(description).parse_args(argv)


def run_in_session(function: Callable[..., Any], *values: Any) -> Any:
    """Call `function` as in 2018: build a graph with a placeholder for each argument, and run it with these values."""
    values = tuple(np.asarray(value) for value in values)
    with tf.compat.v1.Graph().as_default():
        placeholders = [tf.compat.v1.placeholder(value.dtype, value.shape) for value in values]
        result = ag.to_graph(function)(*placeholders)
        with tf.compat.v1.Session() as session:
            return session.run(result, feed_dict=dict(zip(placeholders, values, strict=True)))
