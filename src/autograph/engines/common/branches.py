"""What the two branches of a staged conditional change, joined into one form."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from ... import reporting
from ...errors import StagingError
from ...reporting import REPORT
from ...staging import disagreement
from ...staging.copies import note_copy
from ...staging.lists import Buffer, TensorList
from ...staging.one_of import OneOf, between
from ...staging.state import (
    CONTEXT,
    UNBOUND,
    Content,
    Location,
    Variables,
    about_to_write,
    plain_name,
    were_born,
)
from ...staging.unify import AsIs, Static, Unified, unify
from ...staging.values import PLACEHOLDER, Late, Maybe
from .contents import as_paths_left, with_attributes
from .failures import current_place
from .raising import Pending, leave
from .regions import Run

Wanted = list[tuple[Any, tuple[Any, Any]]]
"""The leaves that a conditional has to give: for each its type, and its value at the end of each branch."""


def stage_cond(
    types: Any,
    trace_region: Callable[..., Run],
    build: Callable[[Any, list[Any], Wanted], Sequence[Any]],
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    owners: Sequence[Callable[..., Any]],
) -> Any:
    """Traces both branches with ``trace_region``, has ``build`` make the operations, and writes back what they give."""
    variables = Variables(owners, names)
    before = variables.snapshot()
    runs = _trace_both(types, trace_region, predicate, body, orelse, names, variables)
    result, pending = merge(types, build, predicate, runs, names, variables, before)
    if pending is not None:
        leave(pending)
    return result


def merge(
    types: Any,
    build: Callable[[Any, list[Any], Wanted], Sequence[Any]],
    predicate: Any,
    runs: list[Run],
    names: tuple[str, ...] | None,
    variables: Variables,
    before: dict[str, Any],
) -> tuple[Any, Pending | None]:
    """Makes one state of those at the ends of two paths; gives the result, and what is pending."""
    fresh = frozenset().union(*(run.journal.born for run in runs))
    slots = _slots(types, runs, names, before, fresh)
    if REPORT.level > 1:
        _report(types, slots)
    leaves = [
        (kind, pair) for slot in slots for kind, pair in zip(slot.unified.leaves, _pairs(slot.unified), strict=True)
    ]
    chosen = [(kind, pair) for kind, pair in leaves if not isinstance(kind, Static) and pair[0] is not pair[1]]
    # What is one array on each path, under however many names, is one array afterwards.
    wanted = list({(id(pair[0]), id(pair[1]), kind): (kind, pair) for kind, pair in chosen}.values())
    built = build(predicate, runs, wanted + _pending_pairs(types, runs))
    value_of = {(id(pair[0]), id(pair[1]), kind): value for (kind, pair), value in zip(wanted, built, strict=False)}
    made: dict[tuple[int, ...], Any] = {}
    for slot in slots:
        if slot.ends and slot.ends in made:  # one object on each path, under two names, is one object afterwards
            slot.value = made[slot.ends]
            continue
        out = []
        for kind, pair in zip(slot.unified.leaves, _pairs(slot.unified), strict=True):
            if isinstance(kind, Static):
                out.append(kind.value)
            elif pair[0] is pair[1]:
                out.append(pair[0])
            else:
                out.append(value_of[id(pair[0]), id(pair[1]), kind])
        slot.value = types.unflatten(slot.unified.structure, out)
        slot.value = in_order_of(slot.like, slot.value)
        put_together(slot.value)
        if type(slot.value) is Buffer and slot.bound is not None:
            slot.value.bound = slot.bound  # or each append behind this would need more capacity than the last
            slot.value.since = slot.since
        if slot.ends:
            made[slot.ends] = slot.value
            note_copy(CONTEXT, slot.value, slot.originals)
    result = None
    for slot in slots:
        if slot.location is not None:
            about_to_write(slot.location)
            slot.location.write(slot.value)
        elif slot.name is not None:
            variables.write(slot.name, slot.value)
        else:
            result = slot.value
    return None if result is PLACEHOLDER else result, _pending(runs, built[len(wanted) :])


def in_order_of(like: Any, value: Any) -> Any:
    """``value`` with the keys of its dicts in the order of those of ``like``."""
    if type(value) in (Late, Maybe):
        inner = in_order_of(like.value if type(like) is type(value) else like, value.value)
        flag = value.bound if type(value) is Late else value.present
        return value if inner is value.value else type(value)(inner, flag)
    if type(value) is dict and isinstance(like, dict) and set(value) == set(like):
        parts = {key: in_order_of(part, value[key]) for key, part in like.items()}
        same = list(value) == list(parts) and all(parts[key] is part for key, part in value.items())
        return value if same else parts
    if type(value) in (tuple, list) and isinstance(like, tuple | list) and len(like) == len(value):
        items = [in_order_of(a, b) for a, b in zip(like, value, strict=True)]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    return value


def put_together(value: Any) -> None:
    """To be called with what was made from the leaves of a location: its containers are new here."""
    if type(value) is Late or type(value) is Maybe:
        put_together(value.value)
    elif isinstance(value, dict | list | tuple):
        were_born(value)


def _pending_pairs(types: Any, runs: list[Run]) -> Wanted:
    """The number of what is pending on each path, and the arrays of every exception that may be."""
    found = [run.pending for run in runs]
    if found == [None, None]:
        return []
    pairs: Wanted = [(types.CODE, (_code_of(found[0]), _code_of(found[1])))]
    for side, pending in enumerate(found):
        for leaf in pending.leaves() if pending is not None else ():
            pairs.append((types.type_of(leaf), (leaf, PLACEHOLDER) if side == 0 else (PLACEHOLDER, leaf)))
    return pairs


def _code_of(pending: Pending | None) -> Any:
    return 0 if pending is None else pending.code


def _pending(runs: list[Run], values: Sequence[Any]) -> Pending | None:
    found: list[Pending] = [run.pending for run in runs if run.pending is not None]
    if not found:
        return None
    both = Pending(None, [site for pending in found for site in pending.sites])
    both.certain = len(found) == 2 and all(pending.certain for pending in found)
    return both.carrying(values[0], values[1:])


def _opened(types: Any, value: Any) -> Any:
    """``value`` with the attributes of its objects in their place."""
    if value is PLACEHOLDER or value is UNBOUND:
        return value
    leaves, structure = types.flatten(value)
    return types.unflatten(structure, [types.expand(leaf) for leaf in leaves])


def _trace_both(
    types: Any,
    trace_region: Callable[..., Run],
    predicate: Any,
    body: Callable[[], Any],
    orelse: Callable[[], Any],
    names: tuple[str, ...] | None,
    variables: Variables,
) -> list[Run]:
    """Traces both branches; lists that do not end with one length are made buffers first."""
    while True:
        runs = [
            _trace_branch(trace_region, branch, predicate, side, names, variables)
            for branch, side in ((body, True), (orelse, False))
        ]
        if not _make_buffers(types, runs):
            return runs


def _trace_branch(
    trace_region: Callable[..., Run],
    branch: Callable[[], Any],
    predicate: Any,
    side: bool,
    names: tuple[str, ...] | None,
    variables: Variables,
) -> Run:
    visible = {id(value) for value in variables.snapshot().values()}
    run = trace_region(branch, variables, names, assumption=(predicate, side))
    if any(id(location.owner) not in visible and not location.is_outside for location, _, _ in run.writes.values()):
        # An object that the region itself made is another one in the next trace: a change to it is not state.
        again = trace_region(branch, variables, names, assumption=(predicate, side))
        again.writes = {key: write for key, write in again.writes.items() if key in run.writes}
        again.suspects = run
        return again
    return run


def _make_buffers(types: Any, runs: list[Run]) -> bool:
    """Turns the lists that have another length after one branch than after the other into buffers."""
    made = False
    for key in dict.fromkeys([*runs[0].writes, *runs[1].writes]):
        location, old = next(run.writes[key][:2] for run in runs if key in run.writes)
        ends = [run.writes[key][2] if key in run.writes else old for run in runs if not run.is_lost]
        if not isinstance(location, Content) or len({_form(end) for end in ends}) <= 1:
            continue
        if isinstance(location.owner, dict | set):
            raise StagingError(disagreement.of_keys(location.describe(), ends))
        if not isinstance(location.owner, TensorList):
            raise StagingError(
                "a list has another length on one path than on another. Make the list inside the converted function "
                "(`items = []`), so that it can be a buffer in the graph"
            )
        capacity = max(map(capacity_of, ends))
        types.make_buffer(location.owner, capacity, ends, _mode_of(ends, capacity))
        made = True
    return made


def _mode_of(ends: Sequence[Any], capacity: int) -> Any:
    """How a list gets room whose end on some path is in a buffer with a room of its own, which all of them share."""
    modes = [end.mode for end in ends if isinstance(end, Buffer)]
    room = next((mode for mode in modes if not isinstance(mode, str)), None)
    if room is None:
        return "fixed" if "fixed" in modes else "free"
    room.capacity = max(room.capacity, capacity)
    return room


def _form(content: Any) -> Any:
    if isinstance(content, dict):
        return frozenset(content)
    if not isinstance(content, Buffer):
        return len(content)
    return "buffer", content.capacity, content.mode if isinstance(content.mode, str) else id(content.mode)


def capacity_of(content: Any) -> int:
    return (content.capacity or 0) if isinstance(content, Buffer) else len(content)


def _report(types: Any, slots: list[_Slot]) -> None:
    state = []
    for slot in slots:
        label = slot.location.describe() if slot.location is not None else slot.name or "the result"
        paths = [types.unflatten(slot.unified.structure, path) for path in slot.unified.paths]
        kinds = [kind.value if isinstance(kind, Static) else AsIs(str(kind)) for kind in slot.unified.leaves]
        joined = types.describe(types.unflatten(slot.unified.structure, kinds))
        state.append((label, [types.describe(path) for path in paths], joined))
    reporting.region("a conditional", current_place(), state)


class _Slot:
    """One location that the conditional gives a value to."""

    def __init__(
        self,
        unified: Unified,
        name: str | None = None,
        location: Location | None = None,
        ends: tuple[int, ...] = (),
    ) -> None:
        self.unified, self.name, self.location, self.ends = unified, name, location, ends
        self.like: Any = None
        """A value with the dicts in their order, which those of pytrees have not."""
        self.originals: list[Any] = []
        """The containers on the paths that were there before, if it is one of those."""
        self.bound: int | None = None
        """How long a list can be, as it was known on each path."""
        self.since: Any = None
        self.value: Any = None

    def between(self, ends: Sequence[Any], fresh: Container[int]) -> _Slot:
        """Takes note of what the paths leave."""
        self.like = next((end for end in ends if end is not PLACEHOLDER), None)
        self.bound, self.since = _bound_of(ends), _since_of(ends)
        if self.ends:
            self.originals = [end for end in ends if id(end) not in fresh and type(end) is not OneOf]
        return self


def _stay_themselves(types: Any, ends: Sequence[Any], fresh: Container[int]) -> bool:
    """Whether the paths leave objects that were there before, which are chosen between and not merged."""
    inner = [end.value if type(end) in (Late, Maybe) else end for end in ends]
    found = [end for end in inner if end is not None and end is not UNBOUND and end is not PLACEHOLDER]
    return bool(found) and between(found, fresh, types) is not None


def _identities(types: Any, ends: Sequence[Any]) -> tuple[int, ...]:
    """By what the objects at the ends of the paths are known, if they are objects."""
    return tuple(map(id, ends)) if all(types.is_object(end) for end in ends) else ()


def _since_of(ends: Sequence[Any]) -> Any:
    """By how much a list has grown since an earlier point, if by as much on each path that goes on."""
    found = [end.since if type(end) is Buffer else None for end in ends if end is not PLACEHOLDER]
    return found[0] if found and all(since == found[0] for since in found) else None


def _bound_of(ends: Sequence[Any]) -> int | None:
    """How long a list can be at the end of one of the paths."""
    if not any(type(end) is Buffer for end in ends):
        return None
    return max(most(end) for end in ends if end is not PLACEHOLDER)


def most(content: Buffer | list[Any]) -> int:
    """How long a list can be."""
    if not isinstance(content, Buffer):
        return len(content)
    if isinstance(content.length, int):
        return content.length
    return int(content.capacity if content.bound is None else content.bound)


def _pairs(unified: Unified) -> list[tuple[Any, Any]]:
    return list(zip(*unified.paths, strict=True)) if unified.paths[0] else []


def _slots(
    types: Any, runs: list[Run], names: tuple[str, ...] | None, before: dict[str, Any], fresh: Container[int]
) -> list[_Slot]:
    out = []
    wanted = names if names is not None else tuple(dict.fromkeys([*runs[0].variables, *runs[1].variables]))
    for name in wanted:
        plain = plain_name(name)
        ends = [PLACEHOLDER if run.is_lost else run.variables.get(plain, before.get(plain)) for run in runs]
        if all(end is before.get(plain) for end in ends if end is not PLACEHOLDER):
            continue
        identities = _identities(types, ends)
        if ends[0] is not ends[1] and not _stay_themselves(types, ends, fresh):
            ends = as_paths_left(ends, runs)
            left = [with_attributes(types, end, run) for end, run in zip(ends, runs, strict=True)]
            if any(new is not end for new, end in zip(left, ends, strict=True)):
                ends = [new if new is not end else _opened(types, end) for new, end in zip(left, ends, strict=True)]
        pads = getattr(types, "PADS_LISTS", False)
        unified = unify(f"variable {plain!r}", ends, name != plain, types, pad_lists=pads, fresh=fresh)
        out.append(_Slot(unified, name=plain, ends=identities).between(ends, fresh))
    for key in dict.fromkeys([*runs[0].writes, *runs[1].writes]):
        location, old = next((run.writes[key][0], run.writes[key][1]) for run in runs if key in run.writes)
        ends = [PLACEHOLDER if run.is_lost else run.writes[key][2] if key in run.writes else old for run in runs]
        ends = as_paths_left(ends, runs)
        out.append(
            _Slot(
                unify(location.describe(), ends, False, types, is_content=isinstance(location, Content), fresh=fresh),
                location=location,
                ends=() if isinstance(location, Content) else _identities(types, ends),
            ).between(ends, fresh)
        )
    results = as_paths_left([PLACEHOLDER if run.is_lost else run.result for run in runs], runs)
    if any(result is not None for result in results):
        pads = getattr(types, "PADS_LISTS", False)
        unified = unify("the result", results, False, types, pad_lists=pads, fresh=fresh)
        out.append(_Slot(unified, ends=_identities(types, results)).between(results, fresh))
    return out
