"""The state of a staged loop, brought to a form that each iteration keeps.

The body is traced with inputs of the types that its state has at the start. If it leaves other types behind, the two
are joined and the body is traced again, until nothing changes: the usual ascent to a fixed point, which ends because
the lattice of types is of finite height. Only leaves that the body changes are carried; what it does not change is
closed over.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from ... import reporting
from ...errors import StagingError
from ...reporting import REPORT
from ...staging.aliases import AliasCell, FrameVariable, earlier
from ...staging.choice import Choice
from ...staging.copies import note_copy
from ...staging.lists import Buffer, TensorList
from ...staging.state import (
    CONTEXT,
    UNBOUND,
    Argument,
    Content,
    Location,
    Origin,
    Reference,
    Variables,
    about_to_write,
    plain_name,
)
from ...staging.unify import AsIs, Static, Unified, same_static, unify
from .branches import capacity_of, in_order_of, most, put_together
from .contents import as_left
from .failures import current_place
from .iterations import Iteration, within
from .regions import Run

_MAX_ROUNDS = 12


class Unchanged:
    """The end value of a location that an iteration did not touch."""


UNCHANGED = Unchanged()


class Slot:
    """One location of the loop's state, with its form at the head of an iteration."""

    def __init__(
        self, types: Any, label: str, entry: Any, name: str | None, optional: bool, location: Location | None
    ) -> None:
        self._types = types
        self.label, self.name, self.optional, self.location = label, name, optional, location
        self.full: int | None = None
        """How long a list is after all iterations, if each adds as much."""
        self.growth: int | None = None
        """How many elements each iteration adds to a list, if that is the same for all."""
        self.keeps_length = False
        """Whether no iteration changes the length of a list."""
        self.fresh: Container[int] = ()
        """The identities of the objects that the last traced iteration made."""
        self._original = entry
        self.start(entry)

    def undo(self) -> None:
        """Gives a list that was made a buffer for this loop its elements back."""
        if self.entry is not self._original and self.location is not None:
            self.location.write(self._original)

    @property
    def made_room(self) -> bool:
        """Whether the list got its room for this loop, and not for one around it."""
        return self.entry is not self._original

    def contents_before(self) -> Any:
        """What the location held before the loop, be it that the loop made a buffer of it."""
        return self._original

    def confirm_growth(self, run: Run) -> None:
        """Forgets that each iteration adds as much to a list, if in the end it does not."""
        end = self.end(run)
        self.keeps_length = isinstance(end, Buffer) and end.since == (self, 0)
        if self.growth is None:
            return
        if not isinstance(end, Buffer) or end.since is None or end.since != (self, self.growth):
            self.growth = None

    def has_staged_length(self) -> bool:
        """Whether only the graph knows how long a list of the program's is that Python could have counted."""
        return isinstance(self.entry, Buffer) and not isinstance(self._original, Buffer) and self.growth is None

    def start(self, entry: Any) -> None:
        """Takes the form of the value before the loop."""
        self.entry = entry
        self.structure: Any = None
        """``None`` while the location holds nothing at the head."""
        self.kinds: list[Any] = []
        self.initial: list[Any] = []
        # An object is followed by its identity; what happens inside it is another location's business.
        if (
            entry is not UNBOUND
            and entry is not None
            and type(entry) is not Choice
            and (self.location is not None or not self._types.is_object(entry))
        ):
            unified = self.joined([entry])
            self.structure, self.kinds, self.initial = unified.structure, unified.leaves, unified.paths[0]

    def joined(self, values: Sequence[Any]) -> Unified:
        """The common form of several values of the location."""
        is_content = isinstance(self.location, Content)
        return unify(
            self.label,
            values,
            self.optional,
            self._types,
            keep_numbers=False,
            is_content=is_content,
            fresh=self.fresh,
        )

    def place(self, variables: Variables, leaves: Sequence[Any]) -> Any:
        """Puts the value at the head of an iteration where the program looks for it."""
        if self.structure is None:
            value = self.entry
        else:
            value = in_order_of(self.entry, self._types.unflatten(self.structure, leaves))
            put_together(value)
        if self.location is not None:
            self.location.write(value)
        else:
            variables.write(str(self.name), value)
        return value

    def end(self, run: Run) -> Any:
        """The value at the end of an iteration."""
        if self.location is None:
            return run.variables[str(self.name)]
        write = run.writes.get(self.location.key)
        return write[2] if write is not None else UNCHANGED

    def widen(self, head: Any, end: Any, bound: int | None) -> bool:
        """Makes the form wide enough for ``end``; says whether that changed it."""
        if end is UNCHANGED or (self.structure is None and end is self.entry):
            return False
        if isinstance(self.location, Content) and self._grows(head, end):
            self._make_room(head, end, bound)
            return True
        at_head = self.entry if self.structure is None else head
        unified = self.joined([at_head, end])
        if (
            self.structure is not None
            and unified.structure == self.structure
            and _same_kinds(unified.leaves, self.kinds)
        ):
            return False
        if self.structure is None or unified.structure != self.structure:
            self.initial = self.joined([self.entry, end]).paths[0]
        self.structure, self.kinds = unified.structure, unified.leaves
        return True

    @staticmethod
    def _grows(head: Any, end: Any) -> bool:
        return (
            not isinstance(head, dict | set)
            and (isinstance(head, Buffer) != isinstance(end, Buffer) or capacity_of(head) != capacity_of(end))
            and not (isinstance(head, Buffer) and head.mode == "fixed")
        )

    def _make_room(self, head: Any, end: Any, bound: int | None) -> None:
        """Makes a list that grows in the loop a buffer with room for all iterations."""
        assert self.location is not None
        owner = self.location.owner
        if not isinstance(owner, TensorList):
            raise StagingError(
                "a list changes its length in a staged loop. Make it inside the converted function (`items = []`), "
                "so that it can be a buffer in the graph"
            )
        # A list that has been made a buffer around the loop may have more room than it is long.
        has, growth = capacity_of(head), max(capacity_of(end) - capacity_of(head), 0)
        before = min(has, most(self.entry)) if isinstance(self.entry, Buffer) else has
        if growth and bound is None and self._types.LISTS_NEED_ROOM:
            room = self._types.room_for(owner, before + growth)
            if room is None:
                where = f" (made on line {owner.place[1]}, in {owner.place[2]}())" if owner.place else ""
                raise StagingError(
                    f"a list{where} grows in a loop whose number of iterations is not known when the graph is built. "
                    "ag.function finds out how long it gets; here, inside a transformation of JAX's, say it before the "
                    "loop: ag.set_element_type(items, dtype, shape, capacity=...)"
                )
            room.capacity = max(room.capacity, has)
            self.start(self._types.make_buffer(owner, room.capacity, [end], room))
            return
        if isinstance(end, list) and growth and bound is not None:
            self.growth, self.full = growth, before + growth * bound
        self.start(self._types.make_buffer(owner, max(has, before + growth * (bound or 0)), [end], "room"))


def _unsettled(types: Any, slots: Sequence[Slot], heads: dict[int, Any], run: Run) -> str:
    """The complaint about locations that each iteration leaves with another type."""
    said = []
    for slot in slots:
        ends = [types.describe(value) for value in (heads[id(slot)], slot.end(run))]
        change = f"{ends[0]} before an iteration and {ends[1]} after it" if ends[0] != ends[1] else f"another {ends[0]}"
        said.append(f"{slot.label} is {change}, each time")
    return (
        f"{'; '.join(said) or 'the state of a loop never settles'}. That no graph can hold: its loops have a state of "
        "one type. Use arrays and numbers for what an iteration leaves to the next, or a list and append() for "
        "what grows"
    )


def _same_kinds(ours: list[Any], theirs: list[Any]) -> bool:
    return all(
        _is_same(a.value, b.value) if isinstance(a, Static) and isinstance(b, Static) else a == b
        for a, b in zip(ours, theirs, strict=True)
    )


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is Reference and type(b) is Reference and a.value is b.value)


class Names:
    """Which variables of a loop were one array before it, where an assignment to an item changes it for all of them."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.apart: set[tuple[int, int]] = set()
        """Leaves of the state that began as one array with another and did not stay so."""
        self.matter = False
        """Whether such an assignment has been seen."""
        self._is_new = False

    def look(self) -> None:
        """To be called when an assignment to an item has been seen of an array that another variable was as well."""
        self._is_new |= not self.matter
        self.matter = True

    def were_asked_for(self) -> bool:
        """Whether ``look`` has been called for the first time since this was asked."""
        is_new, self._is_new = self._is_new, False
        return is_new

    def part(self, *leaves: tuple[int, int]) -> bool:
        """Whether two leaves are known not to stay one array."""
        return not self.apart.isdisjoint(leaves)

    def label(self, leaf: tuple[int, int]) -> str:
        return next(slot.label for slot in self._loop.slots if id(slot) == leaf[0])


class Options(dict[str, Any]):
    """What ``ag.set_loop_options`` says while the body is traced."""

    def __enter__(self) -> Options:
        CONTEXT.loop_options.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        CONTEXT.loop_options.pop()


class Loop:
    """The state of one loop, and its body over it."""

    def __init__(
        self,
        types: Any,
        trace_region: Callable[..., Any],
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        trip_count: int | None,
        extra: Sequence[Any] = (),
    ) -> None:
        self._types, self._trace_region = types, trace_region
        self.place = current_place()
        self.iteration = Iteration(self.place, 0)
        """The iteration of the last trace."""
        self.variables = Variables(owners, names)
        self.before = self.variables.snapshot()
        self.trip_count = trip_count
        self.extra = list(extra)
        """Types of inputs that are not state: the index, the rows of what the loop goes through."""
        self.options = Options()
        self.slots = []
        for name in names:
            plain = plain_name(name)
            if plain in self.before:
                self.slots.append(Slot(types, f"variable {plain!r}", self.before[plain], plain, plain != name, None))
        self.names = [str(slot.name) for slot in self.slots]
        self._followers: dict[tuple[int, int], tuple[Slot, int]] = {}
        """Leaves that are one array with another leaf, which is carried for both."""
        self._same = Names(self)

    def dynamic(self) -> list[tuple[Slot, int]]:
        """The leaves of the state that are arrays, in order."""
        return [
            (slot, index)
            for slot in self.slots
            if slot.structure is not None
            for index, kind in enumerate(slot.kinds)
            if not isinstance(kind, Static)
        ]

    def leaves(self, values: Sequence[Any]) -> dict[int, list[Any]]:
        """The leaves of each slot, from the values of the dynamic ones."""
        leaves = {
            id(slot): [kind.value if isinstance(kind, Static) else None for kind in slot.kinds] for slot in self.slots
        }
        for (slot, index), value in zip(self.dynamic(), values, strict=True):
            leaves[id(slot)][index] = value
        return leaves

    def trace(self, step: Callable[..., Any]) -> tuple[Any, dict[int, Any]]:
        """One trace of ``step`` from the present form; gives also the value of each slot at the head."""
        inputs = [kind.struct() for kind in self.extra] + [slot.kinds[index].struct() for slot, index in self.dynamic()]
        heads: dict[int, Any] = {}
        self._find_followers()

        def prepare(values: Sequence[Any]) -> tuple[Any, ...]:
            values = self._as_one(values)
            leaves = self.leaves(values[len(self.extra) :])
            for (slot, index), value in zip(self.dynamic(), values[len(self.extra) :], strict=True):
                if getattr(slot.initial[index], "ndim", 0):
                    CONTEXT.origins.append(Origin(value, slot.initial[index], self._same, (id(slot), index)))
            for slot in self.slots:
                if slot.location is not None:
                    about_to_write(slot.location)
                head = heads[id(slot)] = slot.place(self.variables, leaves[id(slot)])
                if isinstance(head, Buffer):
                    head.since = slot, 0
            self.number(self.iteration, values[: len(self.extra)])
            return tuple(values[: len(self.extra)])

        count = len(CONTEXT.origins)
        self.iteration = Iteration(self.place, 0)
        try:
            with self.options, within(self.iteration):
                run = self._trace_region(step, self.variables, self.names, inputs, prepare)
        finally:
            del CONTEXT.origins[count:]
        for slot in self.slots:
            name = str(slot.name)
            if slot.location is None and name in run.variables and run.variables[name] is not heads.get(id(slot)):
                run.variables[name] = as_left(run.variables[name], run)
        return run, heads

    def number(self, iteration: Iteration, extra: Sequence[Any]) -> None:
        """Sets the number of an iteration, which the engine has among its own inputs."""

    def _find_followers(self) -> None:
        """Arrays that an assignment to an item changes under several names have to be one array in the body too."""
        self._followers = {}
        first: dict[tuple[int, Any], tuple[Slot, int]] = {}
        dynamic = self.dynamic()
        if not self._same.matter and not any(
            isinstance(slot.location, AliasCell | FrameVariable | Argument) for slot, _ in dynamic
        ):
            return
        for slot, index in dynamic:
            initial = slot.initial[index]
            if not getattr(initial, "ndim", 0) or (id(slot), index) in self._same.apart:
                continue
            leader = first.setdefault((id(earlier(initial)[-1]), slot.kinds[index]), (slot, index))
            if leader != (slot, index):
                self._followers[id(slot), index] = leader

    def _as_one(self, values: Sequence[Any]) -> list[Any]:
        """The inputs of an iteration, with the values of leaders for their followers."""
        out = list(values)
        places = {(id(slot), index): len(self.extra) + number for number, (slot, index) in enumerate(self.dynamic())}
        for follower, (slot, index) in self._followers.items():
            out[places[follower]] = out[places[id(slot), index]]
        return out

    def _separate(self, run: Run) -> bool:
        """Parts the leaves that an iteration leaves as different arrays; says whether there are any."""
        by_id = {id(slot): slot for slot in self.slots}
        parted = False
        for (slot_id, index), (leader, leader_index) in self._followers.items():
            ends = []
            for slot, number in ((by_id[slot_id], index), (leader, leader_index)):
                end = slot.end(run)
                leaves = [] if end is UNCHANGED else self.flatten(end)[0]
                ends.append(leaves[number] if number < len(leaves) else UNCHANGED)
            if ends[0] is not ends[1]:
                self._same.apart.add((slot_id, index))
                parted = True
        return parted

    def settle(self, step: Callable[..., Any]) -> tuple[Any, dict[int, Any]]:
        """Traces ``step`` until the form of the state no longer changes."""
        suspects: dict[tuple[Any, ...], Run] = {}
        for _ in range(_MAX_ROUNDS):
            run, heads = self.trace(step)
            if run.is_lost:
                return run, heads
            changed = self._find_locations(run, suspects)
            for slot in self.slots:
                slot.fresh = run.journal.born
            bound = self.trip_count if self.trip_count is not None else self.options.get("max_iterations")
            restless = []
            for slot in self.slots:
                if id(slot) in heads and slot.widen(heads[id(slot)], slot.end(run), bound):
                    changed = True
                    restless.append(slot)
            changed |= self.adjust(heads)
            changed |= self._separate(run)
            changed |= self._same.were_asked_for()
            if not changed:
                for slot in self.slots:
                    slot.confirm_growth(run)
                if REPORT.level > 1:
                    self._report()
                return run, heads
        raise StagingError(_unsettled(self._types, restless, heads, run))

    def _report(self) -> None:
        types = self._types
        state = []
        for slot in self.slots:
            if slot.structure is None:
                continue
            kinds = [kind.value if isinstance(kind, Static) else AsIs(str(kind)) for kind in slot.kinds]
            joined = types.describe(types.unflatten(slot.structure, kinds))
            state.append((slot.name or slot.label, [types.describe(slot.entry)], joined))
        reporting.region("a loop", self.place, state)

    def adjust(self, heads: dict[int, Any]) -> bool:
        """Changes the form as the options ask, where the engine has such options; says whether that changed it."""
        return False

    def _find_locations(self, run: Run, suspects: dict[tuple[Any, ...], Run]) -> bool:
        """Makes state of the locations that were written and were there before; says whether to trace again.

        An object that an iteration makes for itself is another one in each trace.
        """
        known = {slot.location.key for slot in self.slots if slot.location is not None}
        visible = {id(value) for value in self.before.values()}
        again = False
        for key, (location, old, _) in run.writes.items():
            if key in known:
                continue
            if id(location.owner) in visible or location.is_outside or (key in suspects and suspects[key] is not run):
                self.slots.append(Slot(self._types, location.describe(), old, None, False, location))
                again = True
            elif not suspects:
                again = True
            suspects.setdefault(key, run)
        return again

    def plan(self, run: Run, heads: dict[int, Any]) -> tuple[list[tuple[Slot, int]], list[Any]]:
        """The leaves that have to be carried, and for each its value at the end of an iteration."""
        carried, ends = [], []
        for slot in self.slots:
            slot.fresh = run.journal.born
            end = UNCHANGED if run.is_lost else slot.end(run)
            if slot.structure is None or end is UNCHANGED:
                continue
            unified = slot.joined([heads[id(slot)], end])
            for index, kind in enumerate(slot.kinds):
                at_head, at_end = unified.paths[0][index], unified.paths[1][index]
                if isinstance(kind, Static) or at_head is at_end or (id(slot), index) in self._followers:
                    continue
                if type(at_end) in self._types.NUMBERS and same_static(at_end, slot.initial[index]):
                    continue  # what it was before the loop, it is at the end of each iteration
                carried.append((slot, index))
                ends.append(at_end)
        return carried, ends

    def initial(self, leaves: Sequence[tuple[Slot, int]]) -> list[Any]:
        return [self._types.convert(slot.initial[index], slot.kinds[index]) for slot, index in leaves]

    def _given(self, carried: Sequence[tuple[Slot, int]], values: Sequence[Any]) -> dict[tuple[int, int], Any]:
        given = {(id(slot), index): value for (slot, index), value in zip(carried, values, strict=True)}
        for follower, (slot, index) in self._followers.items():
            if (id(slot), index) in given:
                given[follower] = given[id(slot), index]
        return given

    def inputs(self, carried: Sequence[tuple[Slot, int]], values: Sequence[Any]) -> list[Any]:
        """All dynamic leaves: the carried ones from ``values``, the others as they were before the loop."""
        given = self._given(carried, values)
        return [
            given[id(slot), index]
            if (id(slot), index) in given
            else self._types.convert(slot.initial[index], slot.kinds[index])
            for slot, index in self.dynamic()
        ]

    def finish(self, carried: Sequence[tuple[Slot, int]], values: Sequence[Any], *, all_iterations: bool) -> None:
        """Gives the program's variables and objects the values that the graph computes."""
        given = self._given(carried, values)
        # A leaf that the loop leaves alone stays what it was: a Python number stays one.
        leaves = self.leaves([given.get((id(slot), index), slot.initial[index]) for slot, index in self.dynamic()])
        for slot in self.slots:
            if slot.structure is None:
                continue
            if slot.location is not None:
                about_to_write(slot.location)
            value = slot.place(self.variables, leaves[id(slot)])
            if self._types.is_object(slot.entry) and self._types.is_object(value):
                note_copy(CONTEXT, value, [slot.entry])
            if isinstance(value, Buffer) and value.mode == "room" and slot.made_room:
                slot.location.write(Buffer(value.data, value.length))  # type: ignore[union-attr]
            if isinstance(value, Buffer) and slot.keeps_length and isinstance(slot.entry, Buffer):
                value.bound = slot.entry.bound
            if all_iterations and slot.growth is not None and isinstance(value, Buffer):
                # Every iteration has added as much, so the length is known again.
                slot.location.write(self._types.filled(value, slot.full))  # type: ignore[union-attr]

    def flatten(self, value: Any) -> Any:
        return self._types.flatten(value)


def is_pure(condition: Run, loop: Loop, heads: dict[int, Any]) -> bool:
    """Whether evaluating a test changes none of the state."""
    if condition.raised is not None or condition.pending is not None:
        return False
    flatten = loop.flatten
    for slot in loop.slots:
        end = slot.end(condition)
        if end is UNCHANGED or end is heads[id(slot)]:
            continue
        before, after = flatten(heads[id(slot)]), flatten(end)
        if before[1] != after[1] or any(a is not b for a, b in zip(before[0], after[0], strict=True)):
            return False
    return True
