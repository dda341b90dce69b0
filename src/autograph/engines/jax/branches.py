"""Staged conditionals: ``lax.cond``, or ``select`` where both sides are cheap and safe to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Literal

from ...errors import StagingError
from ...staging.lists import Buffer, TensorList
from ...staging.state import Content, Location, Variables, about_to_write, plain_name
from ...staging.unify import Static, Unified, unify
from ...staging.values import PLACEHOLDER
from . import types
from .regions import Run, trace_region

_MAX_SELECTED_EQUATIONS = 12
_MAX_SELECTED_SIZE = 64

_SAFE_ON_ANY = {"select_n", "copy", "copy_p", "max", "min", "neg", "add", "sub", "add_any"}
"""Cheap operations whose value and derivative are finite for finite operands, so that the side that is not taken can
neither trap nor put a NaN into a gradient (the well-known trap of ``where``)."""
_SAFE_ON_INTEGERS = _SAFE_ON_ANY | {
    "mul",
    "div",
    "rem",
    "integer_pow",
    "and",
    "or",
    "not",
    "xor",
    "sign",
    "abs",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "population_count",
    "clamp",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "convert_element_type",
    "broadcast_in_dim",
    "reshape",
    "squeeze",
    "stop_gradient",
    "is_finite",
    "floor",
    "ceil",
    "round",
}


def stage_cond(
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    owners: Sequence[Callable[..., Any]],
) -> Any:
    variables = Variables(owners, names)
    before = variables.snapshot()
    runs = _trace_both(predicate, body, orelse, names, variables)
    slots = _slots(runs, names, before)
    leaves = [
        (kind, pair) for slot in slots for kind, pair in zip(slot.unified.leaves, _pairs(slot.unified), strict=True)
    ]
    wanted = [(kind, pair) for kind, pair in leaves if not isinstance(kind, Static) and pair[0] is not pair[1]]
    values = iter(_build(predicate, runs, wanted))
    for slot in slots:
        out = []
        for kind, pair in zip(slot.unified.leaves, _pairs(slot.unified), strict=True):
            if isinstance(kind, Static):
                out.append(kind.value)
            elif pair[0] is pair[1]:
                out.append(pair[0])
            else:
                out.append(next(values))
        slot.value = types.unflatten(slot.unified.structure, out)
    result = None
    for slot in slots:
        if slot.location is not None:
            about_to_write(slot.location)
            slot.location.write(slot.value)
        elif slot.name is not None:
            variables.write(slot.name, slot.value)
        else:
            result = slot.value
    return None if result is PLACEHOLDER else result


def _trace_both(
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    variables: Variables,
) -> list[Run]:
    """Traces both branches; lists that do not end with one length are made buffers first."""
    while True:
        runs = [
            _trace_branch(branch, predicate, side, names, variables) for branch, side in ((body, True), (orelse, False))
        ]
        if not _make_buffers(runs):
            return runs


def _trace_branch(
    branch: Callable[[], Any], predicate: Any, side: bool, names: tuple[str, ...] | None, variables: Variables
) -> Run:
    visible = {id(value) for value in variables.snapshot().values()}
    run = trace_region(branch, variables, names, assumption=(predicate, side))
    if any(id(location.owner) not in visible for location, _, _ in run.writes.values()):
        # An object that the region itself made is another one in the next trace: a change to it is not state.
        again = trace_region(branch, variables, names, assumption=(predicate, side))
        again.writes = {key: write for key, write in again.writes.items() if key in run.writes}
        again.suspects = run
        return again
    return run


def _make_buffers(runs: list[Run]) -> bool:
    """Turns the lists that have another length after one branch than after the other into buffers."""
    made = False
    for key in dict.fromkeys([*runs[0].writes, *runs[1].writes]):
        location, old = next(run.writes[key][:2] for run in runs if key in run.writes)
        ends = [run.writes[key][2] if key in run.writes else old for run in runs if run.raised is None]
        if not isinstance(location, Content) or len({_form(end) for end in ends}) <= 1:
            continue
        if isinstance(location.owner, dict | set):
            raise StagingError(
                f"{location.describe()} has other keys on one path than on another, which a graph cannot hold. "
                "Give it the same keys on every path"
            )
        if not isinstance(location.owner, TensorList):
            raise StagingError(
                "a list has another length on one path than on another. Make the list inside the converted function "
                "(`items = []`), so that it can be a buffer in the graph"
            )
        make_buffer(location.owner, max(map(capacity_of, ends)), ends)
        made = True
    return made


def _form(content: Any) -> Any:
    if isinstance(content, dict):
        return tuple(content)
    return ("buffer", content.capacity) if isinstance(content, Buffer) else len(content)


def capacity_of(content: Any) -> int:
    return content.capacity if isinstance(content, Buffer) else len(content)


def make_buffer(owner: TensorList, capacity: int, examples: Sequence[Any], mode: str = "free") -> Buffer:
    """Makes a list of the program's a buffer, with elements of the least type that holds those of ``examples``.

    The examples may be of another trace: only their types are looked at.
    """
    old = owner.__ag_content__()
    elements: list[Any] = []
    for content in (old, *examples):
        elements += [types.row_struct(content.data)] if isinstance(content, Buffer) else content
    unified = unify("an element of a list", elements, False, types, keep_numbers=False)
    if any(isinstance(kind, Static) for kind in unified.leaves):
        raise StagingError("a list that grows in a staged loop or branch can only hold numbers and arrays")
    data = types.unflatten(unified.structure, [types.zeros_rows(kind, capacity) for kind in unified.leaves])
    if isinstance(old, Buffer):
        buffer = Buffer(types.copy_rows(old.data, data), old.length, mode, old.capacity)
    else:
        for index, item in enumerate(old):
            data = types.set_row(data, index, item)
        buffer = Buffer(data, len(old), mode, len(old))
    about_to_write(Content(owner))
    owner.__ag_set_content__(buffer)
    return buffer


class _Slot:
    """One location that the conditional gives a value to."""

    def __init__(self, unified: Unified, name: str | None = None, location: Location | None = None) -> None:
        self.unified, self.name, self.location = unified, name, location
        self.value: Any = None


def _pairs(unified: Unified) -> list[tuple[Any, Any]]:
    return list(zip(*unified.paths, strict=True)) if unified.paths[0] else []


def _slots(runs: list[Run], names: tuple[str, ...] | None, before: dict[str, Any]) -> list[_Slot]:
    out = []
    wanted = names if names is not None else tuple(dict.fromkeys([*runs[0].variables, *runs[1].variables]))
    for name in wanted:
        plain = plain_name(name)
        ends = [PLACEHOLDER if run.raised else run.variables.get(plain, before.get(plain)) for run in runs]
        if all(end is before.get(plain) for end in ends):
            continue
        out.append(_Slot(unify(f"variable {plain!r}", ends, name != plain, types), name=plain))
    for key in dict.fromkeys([*runs[0].writes, *runs[1].writes]):
        location, old = next((run.writes[key][0], run.writes[key][1]) for run in runs if key in run.writes)
        ends = [PLACEHOLDER if run.raised else run.writes[key][2] if key in run.writes else old for run in runs]
        out.append(_Slot(unify(location.describe(), ends, False, types), location=location))
    results = [PLACEHOLDER if run.raised else run.result for run in runs]
    if any(result is not None for result in results):
        out.append(_Slot(unify("the value", results, False, types)))
    return out


def _build(predicate: Any, runs: list[Run], wanted: list[tuple[types.ArrayType, tuple[Any, Any]]]) -> Sequence[Any]:
    """The operations of the conditional: one value for each of ``wanted``."""
    effects = [bool(run.jaxpr.effects) for run in runs]  # type: ignore[union-attr]
    if not wanted and not any(effects):
        return []
    if not any(effects) and all(_can_select(run, wanted) for run in runs):
        get_true, get_false = runs[0].evaluate(), runs[1].evaluate()
        return [_select(predicate, get_true(a), get_false(b), kind) for kind, (a, b) in wanted]

    def branch(side: int) -> Callable[[], list[Any]]:
        def build() -> list[Any]:
            get = runs[side].evaluate()
            return [types.convert(get(pair[side]), kind) for kind, pair in wanted]

        return build

    return lax.cond(predicate, branch(0), branch(1))


def _select(predicate: Any, if_true: Any, if_false: Any, kind: types.ArrayType) -> Any:
    if if_true is if_false:
        return types.convert(if_true, kind)
    if if_true is PLACEHOLDER or if_false is PLACEHOLDER:
        return types.convert(if_false if if_true is PLACEHOLDER else if_true, kind)
    if kind.dtype == np.dtype(bool) and not kind.shape:
        if if_true is True or if_true is predicate:
            return predicate if if_false is False else lax.bitwise_or(predicate, types.convert(if_false, kind))
        if if_false is False or if_false is predicate:
            return lax.bitwise_and(predicate, types.convert(if_true, kind))
        if if_true is False:
            negated = lax.bitwise_not(predicate)
            return negated if if_false is True else lax.bitwise_and(negated, types.convert(if_false, kind))
        if if_false is True:
            return lax.bitwise_or(lax.bitwise_not(predicate), types.convert(if_true, kind))
    on_true, on_false = types.convert(if_true, kind), types.convert(if_false, kind)
    if jnp.issubdtype(kind.dtype, jax.dtypes.extended):
        return jnp.where(predicate, on_true, on_false)
    return lax.select(predicate, on_true, on_false)


def _can_select(run: Run, wanted: list[tuple[types.ArrayType, tuple[Any, Any]]]) -> bool:
    """Whether one branch is cheap, and safe to evaluate when it is not taken."""
    if run.raised is not None:
        return False
    if any(int(np.prod(kind.shape)) > _MAX_SELECTED_SIZE for kind, _ in wanted):
        return False
    jaxpr = run.jaxpr.jaxpr  # type: ignore[union-attr]
    return len(jaxpr.eqns) <= _MAX_SELECTED_EQUATIONS and all(_is_cheap(equation) for equation in jaxpr.eqns)


def _is_cheap(equation: Any) -> bool:
    name = equation.primitive.name
    if name in ("jit", "pjit"):
        inner = equation.params["jaxpr"].jaxpr
        return len(inner.eqns) <= _MAX_SELECTED_EQUATIONS and all(_is_cheap(part) for part in inner.eqns)
    avals = [variable.aval for variable in (*equation.invars, *equation.outvars)]
    if any(getattr(aval, "size", _MAX_SELECTED_SIZE + 1) > _MAX_SELECTED_SIZE for aval in avals):
        return False
    if name == "mul" and any(isinstance(operand, Literal) for operand in equation.invars):
        return True
    if all(aval.dtype.kind in "biu" for aval in avals):
        return name in _SAFE_ON_INTEGERS
    if name in ("eq", "ne", "lt", "le", "gt", "ge", "convert_element_type", "broadcast_in_dim", "is_finite"):
        return True
    return name in _SAFE_ON_ANY
