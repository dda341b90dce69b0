"""Traces a region of converted code with TensorFlow, once, into the function that the graph will run.

A region is traced into a ``FuncGraph`` before it is known what it has to give and take: what it reads from outside
becomes a capture by itself, and its outputs are added when the other paths have been seen. The state of a loop stands
in placeholders of a graph of its own (``heads``) while the body is traced; a capture of one of them shows that the body
reads it, and is connected once it is known what the loop carries.

This module and ``operations`` use parts of TensorFlow that are not public: the public ``tf.cond`` and ``tf.while_loop``
run a Python function for each region, which would have to be run twice at each level of nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.framework.auto_control_deps import AutomaticControlDependencies
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.ops import control_flow_util_v2, handle_data_util

from ...staging.state import Location, Variables
from ..common import regions
from ..common.regions import explain_recursion
from . import effects, faults

READS = frozenset(["ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarIsInitializedOp"])
"""Operations on a resource that leave it as it is."""


@dataclass(slots=True)
class Run(regions.Run):
    """What one trace of a region did, with its graph."""

    graph: Any = None
    heads: list[list[Any]] = field(default_factory=list)
    """For each input the placeholders that stand for it."""
    order: Any = None
    fault: Any = None
    """Whether an operation in it fails, where that is asked."""

    def adds(self, build: Callable[[], Sequence[Any]]) -> None:
        """Ends the trace with the outputs that ``build`` makes in its graph."""
        graph = self.graph
        with graph.as_default():
            outputs = [self.order.mark_as_return(tensor) for tensor in build()]
            self.order.__exit__(None, None, None)
            graph.control_outputs.extend(self.order.ops_which_must_run)
        graph.outputs = outputs
        graph.structured_outputs = list(outputs)

    @property
    def operations(self) -> list[Any]:
        return self.graph.get_operations()

    @property
    def has_effects(self) -> bool:
        """Whether the region does anything but compute values."""
        return any(op._is_stateful and op.type not in READS for op in self.operations)


def new_run(name: str, kind: type = control_flow_util_v2.CondBranchFuncGraph) -> Run:
    """A graph for a region, with nothing in it."""
    outer = ops.get_default_graph()
    label = control_flow_util_v2.unique_fn_name(outer.get_name_scope(), name)
    run = Run(graph=kind(label, collections=outer._collections))
    faults.watch_region(run.graph, outer)
    with run.graph.as_default():
        # In a graph of TensorFlow 1's nothing else would make a print or an assertion in a region happen.
        run.order = AutomaticControlDependencies()
        run.order.__enter__()
    return run


def trace_region(
    body: Callable[..., Any],
    variables: Variables,
    names: Sequence[str] | None,
    inputs: Sequence[Any] = (),
    prepare: Callable[[Sequence[Any]], tuple[Any, ...]] | None = None,
    assumption: tuple[Any, bool] | None = None,
    locations: Sequence[Location] = (),
    graph_kind: type = control_flow_util_v2.CondBranchFuncGraph,
    name: str = "region",
) -> Run:
    """Runs ``body`` into a graph of its own and puts back everything that it changed.

    ``prepare`` turns the traced ``inputs`` into the arguments of ``body`` and may set variables and locations from
    them. ``names`` are the variables to look at afterwards; ``None`` means those that changed.
    """
    run = new_run(name, graph_kind)
    values: list[Any] = []
    if inputs:
        with FuncGraph("heads").as_default():
            for kind in inputs:
                tensors = [tf.compat.v1.placeholder(spec.dtype, spec.shape) for spec in kind.specs()]
                run.heads.append(tensors)
                values.append(kind.value(tensors))
    given = None if prepare is None else lambda: prepare(values)
    with run.graph.as_default():
        try:
            run.execute(body, variables, names, given, assumption, locations, effects.raise_when_run)
        except RecursionError as error:
            explain_recursion(error)
            raise
    effects.order_failures(run.graph)
    run.fault = faults.collect(run.graph)
    return run


def copy_handle_data(source: Any, target: Any) -> None:
    """Tells TensorFlow what a resource or variant tensor holds, where it stands for another."""
    if source.dtype in (tf.resource, tf.variant):
        handle_data_util.copy_handle_data(source, target)
