"""Staged loops: ``lax.while_loop`` and ``lax.scan`` over the state that the body changes.

The body is traced with inputs of the types that its state has at the start. If it leaves other types behind, the two
are joined and the body is traced again, until nothing changes: the usual ascent to a fixed point, which ends because
the lattice of types is of finite height. Only leaves that the body changes are carried; what it does not change is
closed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ...errors import StagingError
from ...staging.calls import NotStageable
from ...staging.choice import Choice
from ...staging.dispatch import staged
from ...staging.lists import Buffer, TensorList
from ...staging.logic import truth
from ...staging.sequences import Sequence as StagedSequence
from ...staging.state import CONTEXT, UNBOUND, Content, Location, Variables, about_to_write, plain_name
from ...staging.unify import Static, same_static, unify
from . import types
from .branches import capacity_of, make_buffer
from .regions import Run, trace_region

_MAX_ROUNDS = 12
_MAX_UNROLLED_ROWS = 512
_MAX_UNROLLED_EQUATIONS = 4096
_BOOLEAN = types.ArrayType((), jnp.dtype(bool), False)


def index_type() -> types.ArrayType:
    """The type of a Python ``int``: it depends on whether JAX has 64-bit types switched on."""
    return types.ArrayType((), jnp.result_type(0), True)


class _Unchanged:
    """The end value of a location that an iteration did not touch."""


_UNCHANGED = _Unchanged()


class _Slot:
    """One location of the loop's state, with its form at the head of an iteration."""

    def __init__(self, label: str, entry: Any, name: str | None, optional: bool, location: Location | None) -> None:
        self.label, self.name, self.optional, self.location = label, name, optional, location
        self.growth: int | None = None
        """How many elements each iteration adds to a list, if that is the same for all."""
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
            and (self.location is not None or not types.is_object(entry))
        ):
            unified = unify(self.label, [entry], self.optional, types, keep_numbers=False)
            self.structure, self.kinds, self.initial = unified.structure, unified.leaves, unified.paths[0]

    def place(self, variables: Variables, leaves: Sequence[Any]) -> Any:
        """Puts the value at the head of an iteration where the program looks for it."""
        value = self.entry if self.structure is None else types.unflatten(self.structure, leaves)
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
        return write[2] if write is not None else _UNCHANGED

    def widen(self, head: Any, end: Any, bound: int | None) -> bool:
        """Makes the form wide enough for ``end``; says whether that changed it."""
        if end is _UNCHANGED or (self.structure is None and end is self.entry):
            return False
        if isinstance(self.location, Content) and self._grows(head, end):
            self._make_room(head, end, bound)
            return True
        at_head = self.entry if self.structure is None else head
        unified = unify(self.label, [at_head, end], self.optional, types, keep_numbers=False)
        if (
            self.structure is not None
            and unified.structure == self.structure
            and _same_kinds(unified.leaves, self.kinds)
        ):
            return False
        if self.structure is None or unified.structure != self.structure:
            self.initial = unify(self.label, [self.entry, end], self.optional, types, keep_numbers=False).paths[0]
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
        before, growth = capacity_of(head), max(capacity_of(end) - capacity_of(head), 0)
        if growth and bound is None:
            raise StagingError(
                "a list grows in a loop whose number of iterations is not known when the graph is built. Say how "
                "long it can get, before the loop: ag.set_element_type(items, dtype, shape, capacity=...)"
            )
        if isinstance(end, list):
            self.growth = growth
        self.start(make_buffer(owner, before + growth * (bound or 0), [end], "room"))


def _same_kinds(ours: list[Any], theirs: list[Any]) -> bool:
    return all(
        a.value is b.value if isinstance(a, Static) and isinstance(b, Static) else a == b
        for a, b in zip(ours, theirs, strict=True)
    )


class _Options(dict[str, Any]):
    """What ``ag.set_loop_options`` says while the body is traced."""

    def __enter__(self) -> _Options:
        CONTEXT.loop_options.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        CONTEXT.loop_options.pop()


class _Loop:
    """The state of one loop, and its body as a jaxpr over it."""

    def __init__(
        self,
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        trip_count: int | None,
        extra: Sequence[types.ArrayType] = (),
    ) -> None:
        self.variables = Variables(owners, names)
        self.before = self.variables.snapshot()
        self.trip_count = trip_count
        self.extra = list(extra)
        """Types of inputs that are not state: the index, the rows of what the loop goes through."""
        self.options = _Options()
        self.slots = []
        for name in names:
            plain = plain_name(name)
            if plain in self.before:
                self.slots.append(_Slot(f"variable {plain!r}", self.before[plain], plain, plain != name, None))
        self.names = [str(slot.name) for slot in self.slots]

    def dynamic(self) -> list[tuple[_Slot, int]]:
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

    def trace(self, step: Callable[..., Any]) -> tuple[Run, dict[int, Any]]:
        """One trace of ``step`` from the present form; gives also the value of each slot at the head."""
        inputs = [kind.struct() for kind in self.extra] + [slot.kinds[index].struct() for slot, index in self.dynamic()]
        heads: dict[int, Any] = {}

        def prepare(values: Sequence[Any]) -> tuple[Any, ...]:
            leaves = self.leaves(values[len(self.extra) :])
            for slot in self.slots:
                if slot.location is not None:
                    about_to_write(slot.location)
                heads[id(slot)] = slot.place(self.variables, leaves[id(slot)])
            return tuple(values[: len(self.extra)])

        with self.options:
            run = trace_region(step, self.variables, self.names, inputs, prepare)
        return run, heads

    def settle(self, step: Callable[..., Any]) -> tuple[Run, dict[int, Any]]:
        """Traces ``step`` until the form of the state no longer changes."""
        suspects: dict[tuple[Any, ...], Run] = {}
        for _ in range(_MAX_ROUNDS):
            run, heads = self.trace(step)
            if run.raised is not None:
                return run, heads
            changed = self._find_locations(run, suspects)
            bound = self.trip_count if self.trip_count is not None else self.options.get("max_iterations")
            for slot in self.slots:
                if id(slot) in heads:
                    changed |= slot.widen(heads[id(slot)], slot.end(run), bound)
            if not changed:
                return run, heads
        raise StagingError(
            f"the types of a loop's state ({', '.join(slot.label for slot in self.slots)}) change with each iteration"
        )

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
            if id(location.owner) in visible or (key in suspects and suspects[key] is not run):
                self.slots.append(_Slot(location.describe(), old, None, False, location))
                again = True
            elif not suspects:
                again = True
            suspects.setdefault(key, run)
        return again

    def plan(self, run: Run, heads: dict[int, Any]) -> tuple[list[tuple[_Slot, int]], list[Any]]:
        """The leaves that have to be carried, and for each its value at the end of an iteration."""
        carried, ends = [], []
        for slot in self.slots:
            end = _UNCHANGED if run.raised is not None else slot.end(run)
            if slot.structure is None or end is _UNCHANGED:
                continue
            unified = unify(slot.label, [heads[id(slot)], end], slot.optional, types, keep_numbers=False)
            for index, kind in enumerate(slot.kinds):
                at_head, at_end = unified.paths[0][index], unified.paths[1][index]
                if isinstance(kind, Static) or at_head is at_end:
                    continue
                if type(at_end) in types.NUMBERS and same_static(at_end, slot.initial[index]):
                    continue  # what it was before the loop, it is at the end of each iteration
                carried.append((slot, index))
                ends.append(at_end)
        return carried, ends

    def initial(self, leaves: Sequence[tuple[_Slot, int]]) -> list[Any]:
        return [types.convert(slot.initial[index], slot.kinds[index]) for slot, index in leaves]

    def inputs(self, carried: Sequence[tuple[_Slot, int]], values: Sequence[Any]) -> list[Any]:
        """All dynamic leaves: the carried ones from ``values``, the others as they were before the loop."""
        given = {(id(slot), index): value for (slot, index), value in zip(carried, values, strict=True)}
        return [
            given[id(slot), index]
            if (id(slot), index) in given
            else types.convert(slot.initial[index], slot.kinds[index])
            for slot, index in self.dynamic()
        ]

    def finish(self, carried: Sequence[tuple[_Slot, int]], values: Sequence[Any], *, all_iterations: bool) -> None:
        """Gives the program's variables and objects the values that the graph computes."""
        given = {(id(slot), index): value for (slot, index), value in zip(carried, values, strict=True)}
        # A leaf that the loop leaves alone stays what it was: a Python number stays one.
        leaves = self.leaves([given.get((id(slot), index), slot.initial[index]) for slot, index in self.dynamic()])
        for slot in self.slots:
            if slot.structure is None:
                continue
            if slot.location is not None:
                about_to_write(slot.location)
            value = slot.place(self.variables, leaves[id(slot)])
            if isinstance(value, Buffer) and value.mode == "room" and slot.made_room:
                slot.location.write(Buffer(value.data, value.length))  # type: ignore[union-attr]
            if all_iterations and slot.growth is not None and isinstance(value, Buffer):
                # Every iteration has added as much, so the buffer is just full.
                slot.location.write(Buffer(value.data, value.capacity))  # type: ignore[union-attr]


class _Body:
    """One iteration as a function of the carried values."""

    def __init__(self, loop: _Loop, run: Run, heads: dict[int, Any]) -> None:
        self._loop, self._run = loop, run
        self.carried, self._ends = loop.plan(run, heads)

    def initial(self) -> list[Any]:
        return self._loop.initial(self.carried)

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        return self._loop.inputs(self.carried, values)

    def step(self, extra: Sequence[Any], values: Sequence[Any]) -> tuple[list[Any], Any]:
        """The carried values after an iteration, and what the body gave."""
        inputs = [types.convert(value, kind) for value, kind in zip(extra, self._loop.extra, strict=True)]
        get = self._run.evaluate(*inputs, *self.inputs(values))
        out = [
            types.convert(get(end), slot.kinds[index])
            for (slot, index), end in zip(self.carried, self._ends, strict=True)
        ]
        return out, get(self._run.result)


def stage_while(
    test: Callable[[], Any],
    body: Callable[[], Any],
    names: tuple[str, ...],
    owners: Sequence[Callable[..., Any]],
    first: Any,
) -> None:
    """``first`` is what ``test`` gave when it was evaluated for the first time."""
    loop = _Loop(names, owners, None)
    run, heads = loop.settle(lambda: body())
    condition, heads_of_test = loop.trace(lambda: truth(test()))
    if _is_pure(condition, loop, heads_of_test):
        iteration = _Body(loop, run, heads)

        def holds(values: list[Any]) -> Any:
            get = condition.evaluate(*iteration.inputs(values))
            return types.convert(get(condition.result), _BOOLEAN)

        out = lax.while_loop(holds, lambda values: iteration.step((), values)[0], iteration.initial())
        loop.finish(iteration.carried, out, all_iterations=False)
        return

    # The test changes something. It has been done once; it is done again at the end of each iteration.
    def body_and_test() -> Any:
        body()
        return truth(test())

    iteration = _Body(loop, *loop.settle(body_and_test))

    def rotated(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        values, goes_on = iteration.step((), state[1])
        return types.convert(goes_on, _BOOLEAN), values

    start = (types.convert(truth(first), _BOOLEAN), iteration.initial())
    _, out = lax.while_loop(lambda state: state[0], rotated, start)
    loop.finish(iteration.carried, out, all_iterations=False)


def _is_pure(condition: Run, loop: _Loop, heads: dict[int, Any]) -> bool:
    """Whether evaluating a test has no effect but its value."""
    assert condition.jaxpr is not None
    if condition.jaxpr.effects or condition.raised is not None:
        return False
    for slot in loop.slots:
        end = slot.end(condition)
        if end is _UNCHANGED or end is heads[id(slot)]:
            continue
        before, after = types.flatten(heads[id(slot)]), types.flatten(end)
        if before[1] != after[1] or any(a is not b for a, b in zip(before[0], after[0], strict=True)):
            return False
    return True


def stage_for(
    sequence: StagedSequence,
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any] | None,
    owners: Sequence[Callable[..., Any]],
) -> None:
    length = sequence.length if isinstance(sequence.length, int) else None
    if length == 0:
        return
    rows, structure = jax.tree_util.tree_flatten(sequence.slices)
    kinds = [types.type_of(row) for row in rows]
    counter = sequence.counter
    index_kind = _counter_type(counter) if counter is not None else index_type()
    extra = [index_kind, *(types.ArrayType(kind.shape[1:], kind.dtype, kind.weak) for kind in kinds if kind)]
    loop = _Loop(names, owners, length, extra)

    def one(index: Any, *slices: Any) -> None:
        item = index if counter is not None else sequence.item(index, types.unflatten(structure, slices))
        wanted = True if sequence.keep is None else sequence.keep(item)
        engine = staged(wanted)
        if engine is not None:
            engine.cond(wanted, lambda: body(item), lambda: None, names, owners)
        elif wanted:
            body(item)

    CONTEXT.probes += sequence.optional
    try:
        run, heads = loop.settle(one)
        if sequence.optional and not _is_worth_staging(run, loop):
            raise NotStageable
    except Exception as error:
        for slot in loop.slots:
            slot.undo()
        if sequence.optional or (sequence.rows_of is not None and (length or 0) <= _MAX_UNROLLED_ROWS):
            raise NotStageable from error
        raise
    finally:
        CONTEXT.probes -= sequence.optional
    iteration = _Body(loop, run, heads)
    first, stride = (counter[0], counter[2]) if counter is not None else (0, 1)
    start = (types.convert(first, index_kind), iteration.initial())
    if until is None and length is not None:

        def scanned(state: tuple[Any, list[Any]], slices: Sequence[Any]) -> tuple[tuple[Any, list[Any]], None]:
            index, values = state
            return (index + stride, iteration.step((index, *slices), values)[0]), None

        (_, out), _ = lax.scan(scanned, start, rows, length=length, unroll=loop.options.get("unroll") or 1)
        loop.finish(iteration.carried, out, all_iterations=True)
        return

    stop = loop.trace(lambda *_: truth(until()))[0] if until is not None else None
    unused = [types.zeros(kind) for kind in extra]

    def goes_on(state: tuple[Any, list[Any]]) -> Any:
        index, values = state
        if counter is None:
            more = index < sequence.length
        else:
            more = index < counter[1] if stride > 0 else index > counter[1]
        if stop is None:
            return more
        get = stop.evaluate(*unused, *iteration.inputs(values))
        return jnp.logical_and(more, jnp.logical_not(types.convert(get(stop.result), _BOOLEAN)))

    def one_more(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        index, values = state
        return index + stride, iteration.step((index, *types.get_row(rows, index)), values)[0]

    _, out = lax.while_loop(goes_on, one_more, start)
    loop.finish(iteration.carried, out, all_iterations=False)


def _counter_type(counter: tuple[Any, Any, int]) -> types.ArrayType:
    """The type of a range's numbers."""
    kinds = [types.type_of(value) for value in (counter[0], counter[2])]
    return types.join([types.ArrayType((), kind.dtype, kind.weak) for kind in kinds if kind is not None])


def _is_worth_staging(run: Run, loop: _Loop) -> bool:
    """Whether a loop that Python could run works on staged values, and is no worse for it.

    A list that some iterations add to has a length that Python can still know, if each iteration is one of Python's.
    """
    assert run.jaxpr is not None
    count = loop.trip_count
    short = count is not None and count <= _MAX_UNROLLED_ROWS
    short = short and (count or 0) * len(run.jaxpr.jaxpr.eqns) <= _MAX_UNROLLED_EQUATIONS
    if short and any(slot.has_staged_length() for slot in loop.slots):
        return False
    entry = [slot.initial[index] for slot, index in loop.dynamic()]
    return any(isinstance(value, types.Tracer) for value in (*entry, *run.jaxpr.consts))
