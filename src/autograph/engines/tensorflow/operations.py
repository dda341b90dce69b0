"""The functional operations ``If`` and ``While``, from graphs that have been traced already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.ops import cond_v2, while_v2

from . import effects
from .regions import Run, copy_handle_data

_MAX_INLINED = 12
_INLINED = frozenset(
    [
        *("Const", "Identity", "Cast", "Neg", "Abs", "Sign", "AddV2", "Sub", "Mul", "Minimum", "Maximum", "Square"),
        *("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr", "LogicalNot"),
        *("BitwiseAnd", "BitwiseOr", "BitwiseXor", "Select", "SelectV2", "FloorMod", "FloorDiv"),
    ]
)
"""Operations that are cheaper done than chosen, where each value is one number."""
_INTEGERS_ONLY = frozenset(["Mul", "Square", "FloorMod", "FloorDiv"])
"""Of these, a floating-point result may overflow, and a gradient through the side that is not taken be NaN."""


def is_cheap(run: Run) -> bool:
    """Whether a branch may be evaluated where it is not taken: it is short, has no effect and cannot fail."""
    operations = run.operations
    return run.raised is None and len(operations) <= _MAX_INLINED and all(map(_is_cheap, operations))


def _is_cheap(op: Any) -> bool:
    if op.type == "Placeholder":
        return True
    if op.type not in _INLINED or op.control_inputs:
        return False
    tensors = (*op.inputs, *op.outputs)
    if any(tensor.shape.rank != 0 for tensor in tensors) or any(tensor.dtype == tf.string for tensor in tensors):
        return False
    if op.type in ("FloorMod", "FloorDiv"):
        divisor = tf.get_static_value(op.inputs[1])
        return divisor is not None and divisor != 0 and op.inputs[0].dtype.is_integer
    return op.type not in _INTEGERS_ONLY or op.inputs[0].dtype.is_integer


def inline(run: Run, wanted: Sequence[Any]) -> list[Any]:
    """The operations of a traced region, again in the graph around it; gives the tensors ``wanted`` of it."""
    graph = ops.get_default_graph()
    region = run.graph
    values = {id(inner): outer for outer, inner in region.captures}
    for op in region.get_operations():
        if op.type == "Placeholder":
            continue
        inputs = [values[id(tensor)] for tensor in op.inputs]
        made = _again(graph, op, inputs)
        values.update((id(old), new) for old, new in zip(op.outputs, made.outputs, strict=True))
    return [values.get(id(tensor), tensor) for tensor in wanted]


def _again(graph: Any, op: Any, inputs: list[Any]) -> Any:
    types = [tensor.dtype for tensor in op.outputs]
    attrs = {name: value for name, value in op.node_def.attr.items() if not name.startswith("_")}
    inputs = [graph.capture(tensor) if hasattr(graph, "capture") else tensor for tensor in inputs]
    return graph._create_op_internal(op.type, inputs, types, attrs=attrs, op_def=op.op_def)


def build_if(predicate: Any, branches: Sequence[Run], has_effects: bool) -> list[Any]:
    """One ``If`` over two traced branches whose outputs agree in number and dtype."""
    graph = ops.get_default_graph()
    with ops.name_scope("cond") as scope:
        cond_v2.verify_captures(cond_v2._COND, [run.graph for run in branches])
        outputs = cond_v2._build_cond(
            predicate,
            branches[0].graph,
            branches[1].graph,
            branches[0].graph.external_captures,
            branches[1].graph.external_captures,
            building_gradient=False,
            name=scope,
        )
    if has_effects:
        effects.in_order(graph, scope)
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def build_while(
    condition: Run,
    body: Run,
    carried: Sequence[Any],
    heads: Sequence[tuple[Any, Any]],
    fixed: Sequence[tuple[Any, Any, Any]],
    shapes: Sequence[Any],
    counters: Sequence[Any],
    *,
    maximum_iterations: Any,
    parallel_iterations: int,
    has_effects: bool,
    always: bool,
) -> list[Any]:
    """One ``While`` over traced graphs.

    Args:
        condition, body: the traced graphs; the condition gives one truth value, the body the carried values.
        carried: the values before the first iteration.
        heads: for each carried value its placeholder among the heads of the condition and of the body (``None``
            where there is none).
        fixed: for what is read but not carried: the two placeholders, and the value that stands for both.
        shapes: for each carried value the shape that all iterations keep to.
        counters: placeholders among the heads that are the number of the iteration.
        maximum_iterations: a bound, or ``None``.
        parallel_iterations: how many iterations may overlap.
        has_effects: whether the loop does anything but compute values.
        always: whether the bound alone ends the loop.

    Returns:
        The carried values after the last iteration.
    """
    graph = ops.get_default_graph()
    limit = tf.constant(-1) if maximum_iterations is None else maximum_iterations
    limit = tf.convert_to_tensor(limit)
    counter = tf.constant(0, limit.dtype, name="loop_counter")
    with ops.name_scope("while") as scope:
        start = [counter, limit, *carried]
        inputs = []
        for index, run in enumerate((condition, body)):
            own_heads = [pair[index] for pair in heads]
            own_fixed = {id(entry[index]): entry[2] for entry in fixed if entry[index] is not None}
            inputs.append(_connect(run.graph, start, own_heads, own_fixed, counters, shapes))
        condition_graph, body_graph = condition.graph, body.graph
        if maximum_iterations is not None:
            with condition_graph.as_default():
                more = inputs[0][0] < inputs[0][1]
                condition_graph.outputs = [more if always else tf.logical_and(more, condition_graph.outputs[0])]
        with body_graph.as_default():
            body_graph.outputs = [inputs[1][0] + 1, tf.identity(inputs[1][1]), *body_graph.outputs]
        captures = _share_captures(condition_graph, body_graph)
        body_graph.outputs.extend(body_graph.internal_captures)
        for run_graph in (condition_graph, body_graph):
            run_graph.structured_outputs = list(run_graph.outputs)
        all_shapes = [counter.shape, limit.shape, *shapes, *(tensor.shape for tensor in captures)]
        controls = [*condition_graph.function_captures.control, *body_graph.function_captures.control]
        with ops.control_dependencies(controls):
            outputs = while_v2._build_while_op(
                [*start, *captures],
                condition_graph,
                body_graph,
                output_shapes=all_shapes,
                parallel_iterations=parallel_iterations,
                name=scope,
                num_original_outputs=len(body_graph.outputs),
            )
    if has_effects:
        effects.in_order(graph, scope)
    if not graph.building_function:
        outputs = [tf.identity(tensor) for tensor in outputs]
    return list(outputs[2 : 2 + len(carried)])


def _connect(
    graph: Any,
    start: Sequence[Any],
    heads: Sequence[Any],
    fixed: dict[int, Any],
    counters: Sequence[Any],
    shapes: Sequence[Any],
) -> list[Any]:
    """Gives a loop's graph its inputs: captures of the heads become what they stood for."""
    inside = {id(outer): inner for outer, inner in graph.captures}
    with graph.as_default():
        counter = next((inside[id(head)] for head in counters if id(head) in inside), None)
        inputs = [_input(start[0], ()) if counter is None else counter, _input(start[1], ())]
        for tensor, head, shape in zip(start[2:], heads, shapes, strict=True):
            inner = inside.get(id(head)) if head is not None else None
            if inner is None:
                inner = _input(tensor, shape)
            else:
                copy_handle_data(tensor, inner)
            inputs.append(inner)
    own = {id(head) for head in (*heads, *counters) if head is not None}
    kept: list[tuple[Any, Any]] = []
    for outer, inner in graph.captures:
        if id(outer) in own:
            continue
        outer = fixed.get(id(outer), outer)
        if any(outer is other for other, _ in kept):
            outer = tf.identity(outer)  # a graph captures a tensor once
        copy_handle_data(outer, inner)
        kept.append((outer, inner))
    graph.function_captures.reset_captures([outer for outer, _ in kept], [inner for _, inner in kept])
    graph.inputs = [*inputs, *(inner for _, inner in kept)]
    return inputs


def _input(tensor: Any, shape: Any) -> Any:
    made = tf.compat.v1.placeholder(tensor.dtype, shape)
    copy_handle_data(tensor, made)
    return made


def _share_captures(condition: Any, body: Any) -> list[Any]:
    """Gives both graphs the same captures in the same order."""
    wanted: dict[int, Any] = {}
    for graph in (condition, body):
        for outer, _ in graph.captures:
            wanted.setdefault(id(outer), outer)
    outers = list(wanted.values())
    for graph in (condition, body):
        count = len(graph.inputs) - len(graph.captures)
        inside = {id(outer): inner for outer, inner in graph.captures}
        inners = []
        with graph.as_default():
            for outer in outers:
                inner = inside.get(id(outer))
                inners.append(graph.capture(outer) if inner is None else inner)
        graph.function_captures.reset_captures(outers, inners)
        graph.inputs = [*graph.inputs[:count], *inners]
    return outers
