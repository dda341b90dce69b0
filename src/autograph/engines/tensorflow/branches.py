"""Staged conditionals: ``tf.cond``'s operation, or a selection where both sides are cheap and safe to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from ...staging.values import PLACEHOLDER
from ..common import branches
from ..common.branches import Wanted
from . import faults, operations, types
from .regions import Run, trace_region


def stage_cond(
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    owners: Sequence[Callable[..., Any]],
) -> Any:
    return branches.stage_cond(types, trace_region, build, predicate, body, orelse, names, owners)


def build(predicate: Any, runs: list[Run], wanted: Wanted) -> Sequence[Any]:
    """The operations of the conditional: one value for each of ``wanted``."""
    has_effects = any(run.has_effects for run in runs)
    failing = [run.fault for run in runs]
    may_fail = any(fault is not None for fault in failing)
    if not wanted and not has_effects and not may_fail:
        return []
    if not has_effects and not may_fail and all(map(_selectable, wanted)) and all(map(operations.is_cheap, runs)):
        return _select(predicate, runs, wanted)
    for side, run in enumerate(runs):
        run.adds(partial(_tensors, side, wanted, [failing[side]] if may_fail else []))
    tensors = iter(operations.build_if(predicate, runs, has_effects))
    results = [kind.value([next(tensors) for _ in kind.specs()]) for kind, _ in wanted]
    if may_fail:
        faults.of_current_graph().add(next(tensors))
    return results


def _tensors(side: int, wanted: Wanted, failing: list[Any]) -> list[Any]:
    """What a branch gives, in its own graph."""
    tensors = [
        tensor for kind, pair in wanted for tensor in kind.tensors(types.convert(pair[side], kind, pair[1 - side]))
    ]
    return tensors + [tf.constant(False) if fault is None else fault for fault in failing]


def _selectable(entry: tuple[Any, tuple[Any, Any]]) -> bool:
    kind, _ = entry
    return isinstance(kind, types.ArrayType) and kind.shape == () and kind.dtype not in (tf.string, tf.variant)


def _select(predicate: Any, runs: list[Run], wanted: Wanted) -> list[Any]:
    sides = [operations.inline(run, [pair[side] for _, pair in wanted]) for side, run in enumerate(runs)]
    out = []
    for (kind, _), if_true, if_false in zip(wanted, *sides, strict=True):
        if if_true is PLACEHOLDER or if_false is PLACEHOLDER:
            only = types.convert(if_false if if_true is PLACEHOLDER else if_true, kind)
            out.append(kind.value([only]) if isinstance(kind, types.ArrayType) else only)
            continue
        on_true, on_false = types.convert(if_true, kind), types.convert(if_false, kind)
        out.append(kind.value([tf.raw_ops.SelectV2(condition=predicate, t=on_true, e=on_false)]))
    return out
