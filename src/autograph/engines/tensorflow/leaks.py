"""Tensors of a function's graph in that of another: found when it has been traced, with the line that uses them.

TensorFlow finds them where the function is called, when the program's frames are gone.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework.errors_impl import InaccessibleTensorError
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.ops import EagerTensor

from ...advice import leaks
from ...staging.calls import is_library
from ..common.failures import Place, raise_at


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
        made = _place(external.op)
        made_in = f'File "{made.filename}", line {made.line}, in {made.function}' if made else ""
        error = InaccessibleTensorError(f"{external!r} is out of scope: it belongs to the graph of another function")
        error.add_note(leaks.text(place.text if place else "", made_in))
        error.__ag_explained__ = True
        raise_at(error, place)


def _place(operation: Any) -> Place | None:
    """The user's line that made an operation."""
    frames = [frame for frame in operation.traceback or () if not is_library(frame.filename)]
    return Place(frames[-1].filename, frames[-1].lineno, frames[-1].name) if frames else None
