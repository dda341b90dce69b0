"""Tensors of a function's graph in that of another: found when it has been traced, with the line that uses them.

TensorFlow finds them where the function is called, when the program's frames are gone.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework.errors_impl import InaccessibleTensorError
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.ops import EagerTensor

from ...staging.calls import is_library
from ..common.escapes import refuse_escape
from ..common.failures import Place


def check_leaks(graph: Any) -> None:
    """Sees to it that a function's graph reads no tensor of one that is not around it.

    Raises:
        InaccessibleTensorError: it does; raised from the user's line that uses the tensor.
    """
    around = set()
    outer = graph
    while isinstance(outer, FuncGraph):
        outer = outer.outer_graph
        around.add(outer)
    for external, internal in graph.captures:
        if isinstance(external, EagerTensor) or not isinstance(external, tf.Tensor) or external.graph in around:
            continue
        place = next((found for found in map(_place, internal.consumers()) if found is not None), None)
        error = InaccessibleTensorError(f"{external!r} is out of scope: it belongs to the graph of another function")
        refuse_escape(error, place, _place(external.op))


def _place(operation: Any) -> Place | None:
    """The user's line that made an operation."""
    frames = [frame for frame in operation.traceback or () if not is_library(frame.filename)]
    return Place(frames[-1].filename, frames[-1].lineno, frames[-1].name) if frames else None
