"""Staged loops: ``while_loop`` (JAX's, with derivatives) and ``lax.scan`` over the state that the body changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...staging.calls import NotStageable
from ...staging.logic import truth
from ...staging.sequences import Sequence as StagedSequence
from ...staging.sequences import visit
from ...staging.state import CONTEXT, UNBOUND, Variables, plain_name
from ..common.endless import refuse_endless
from ..common.iterations import Iteration, from_counter
from ..common.loops import Loop, is_pure
from ..common.raising import Pending, leave
from . import types
from .derivatives import Budget, while_loop
from .elements import apart
from .growing import Needed
from .regions import Run, trace_region
from .tidying import as_a_whole
from .work import is_total, work

_MAX_UNROLLED_ROWS = 512
_MAX_UNROLLED_EQUATIONS = 4096
_MOST_IN_VAIN = 10_000_000
"""How many numbers a loop may compute after it has raised: some milliseconds' work."""
_BOOLEAN = types.ArrayType((), jnp.dtype(bool), False)


def index_type() -> types.ArrayType:
    """The type of a Python ``int``: it depends on whether JAX has 64-bit types switched on."""
    return types.ArrayType((), jnp.result_type(0), True)


def _budget(loop: Loop, length: int | None = None) -> Budget:
    """What the gradient of a loop of at most ``length`` iterations may keep, as ``ag.set_loop_options`` says."""
    bound = loop.options.get("max_iterations", length)
    return Budget(loop.options.get("checkpoints"), bound if isinstance(bound, int) else None)


class _Loop(Loop):
    """The state of one loop, whose first input of its own is what it counts by: ``counter``, or the iterations."""

    def __init__(self, counter: tuple[Any, Any, int] | None, names: Any, owners: Any, count: int | None, extra: Any):
        super().__init__(types, trace_region, names, owners, count, extra)
        self._counter = counter

    def number(self, iteration: Iteration, extra: Sequence[Any]) -> None:
        if self._counter is None:
            iteration.number = extra[0]
        else:
            iteration.number, iteration.find = (extra[0], self._counter[0], self._counter[2]), from_counter


class _Body:
    """One iteration as a function of the carried values."""

    def __init__(self, loop: Loop, run: Run, heads: dict[int, Any]) -> None:
        self._loop, self._run = loop, run
        if run.jaxpr is not None:
            run.jaxpr = apart(run.jaxpr)
        self.carried, self._ends = loop.plan(run, heads)
        self.pending: Pending | None = run.pending
        """What an iteration may raise; its number and arrays are carried too, behind the state."""
        self._raised: list[tuple[types.ArrayType, Any]] = []
        if self.pending is not None:
            self._raised = [(types.CODE, self.pending.code)]
            self._raised += [(_type_of(leaf), leaf) for leaf in self.pending.leaves()]

    def initial(self) -> list[Any]:
        return self._loop.initial(self.carried) + [types.zeros(kind) for kind, _ in self._raised]

    def inputs(self, values: Sequence[Any]) -> list[Any]:
        return self._loop.inputs(self.carried, values[: len(self.carried)])

    def while_there_is_room(self) -> Callable[[Sequence[Any], Any], Any]:
        """A condition that ends a loop which looks at a list that has run out of room: it might not end otherwise."""
        rooms = CONTEXT.rooms
        if rooms is None or not rooms.rooms:
            return lambda _, goes_on: goes_on
        own = [
            (position, slot.location.owner)
            for position, (slot, _) in enumerate(self.carried)
            if isinstance(slot.location, Needed) and slot.location.owner.is_read
        ]
        before = rooms.fit_so_far([room for _, room in own])

        def condition(values: Sequence[Any], goes_on: Any) -> Any:
            for position, room in own:
                goes_on = jnp.logical_and(goes_on, values[position] <= room.capacity)
            return goes_on if before is None else jnp.logical_and(goes_on, before)

        return condition

    def unless_raised(self, values: Sequence[Any], goes_on: Any) -> Any:
        """``goes_on``, if no iteration has raised."""
        if self.pending is None:
            return goes_on
        return jnp.logical_and(goes_on, values[len(self.carried)] == 0)

    def first_raised(self, before: Sequence[Any], after: list[Any]) -> list[Any]:
        """``after``, with the exception of an iteration before if that has raised one."""
        if self.pending is None:
            return after
        count = len(self.carried)
        has_raised = before[count] != 0
        return after[:count] + [
            jnp.where(has_raised, old, new) for old, new in zip(before[count:], after[count:], strict=True)
        ]

    def finish(self, values: Sequence[Any], *, all_iterations: bool) -> None:
        """Gives the program the state that the graph computes, and what may be pending."""
        count = len(self.carried)
        self._loop.finish(self.carried, values[:count], all_iterations=all_iterations)
        if self.pending is not None:
            pending = self.pending.carrying(values[count], values[count + 1 :])
            pending.certain = False
            leave(pending)

    def step(self, extra: Sequence[Any], values: Sequence[Any]) -> tuple[list[Any], Any]:
        """The carried values after an iteration, and what the body gave."""
        inputs = [
            value if type(value) is np.ndarray else types.convert(value, kind)
            for value, kind in zip(extra, self._loop.extra, strict=True)
        ]
        get = self._run.evaluate(*inputs, *self.inputs(values))
        out = [
            types.convert(get(end), slot.kinds[index])
            for (slot, index), end in zip(self.carried, self._ends, strict=True)
        ]
        out += [types.convert(get(value), kind) for kind, value in self._raised]
        return out, get(self._run.result)


def _type_of(leaf: Any) -> types.ArrayType:
    kind = types.type_of(leaf)
    assert kind is not None
    return kind


def stage_while(
    test: Callable[[], Any],
    body: Callable[[], Any],
    names: tuple[str, ...],
    owners: Sequence[Callable[..., Any]],
    first: Any,
) -> None:
    """``first`` is what ``test`` gave when it was evaluated for the first time."""
    kind = index_type()
    loop = _Loop(None, names, owners, None, [kind])
    run, heads = loop.settle(lambda _: body())
    count = _Count(loop, kind)
    condition, heads_of_test = loop.trace(lambda _: truth(test()))
    if not condition.jaxpr.effects and is_pure(condition, loop, heads_of_test):
        iteration = _Body(loop, run, heads)
        if _never_ends(loop, run, condition, iteration):
            refuse_endless(first, loop.place, [slot.label.removeprefix("variable ") for slot, _ in iteration.carried])
            iteration.finish(iteration.initial(), all_iterations=False)
            return
        has_room = iteration.while_there_is_room()

        def holds(state: tuple[Any, list[Any]]) -> Any:
            number, values = state
            get = condition.evaluate(count.of(number), *iteration.inputs(values))
            goes_on = types.convert(get(condition.result), _BOOLEAN)
            return has_room(values, iteration.unless_raised(values, goes_on))

        def next_state(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
            number, values = state
            return count.next(number), iteration.step((count.of(number),), values)[0]

        budget = _budget(loop)
        _, out = as_a_whole(lambda: while_loop(holds, next_state, (count.start, iteration.initial()), budget))
        iteration.finish(out, all_iterations=False)
        return

    # The test changes something. It has been done once; it is done again at the end of each iteration.
    def body_and_test(_: Any) -> Any:
        body()
        return truth(test())

    iteration = _Body(loop, *loop.settle(body_and_test))
    count = _Count(loop, kind)
    has_room = iteration.while_there_is_room()

    def rotated(state: tuple[Any, Any, list[Any]]) -> tuple[Any, Any, list[Any]]:
        number = state[0]
        values, goes_on = iteration.step((count.of(number),), state[2])
        return count.next(number), iteration.unless_raised(values, types.convert(goes_on, _BOOLEAN)), values

    def build() -> Any:
        start = (count.start, types.convert(truth(first), _BOOLEAN), iteration.initial())
        return while_loop(lambda state: has_room(state[2], state[1]), rotated, start, _budget(loop))

    _, _, out = as_a_whole(build)
    iteration.finish(out, all_iterations=False)


def begins_in_graph(
    test: Callable[[], Any], body: Callable[[], Any], names: tuple[str, ...], owners: Sequence[Callable[..., Any]]
) -> bool:
    """Whether a loop whose first test Python has decided need not have its first iteration in the graph for itself.

    The iteration is tried under a trace that comes to nothing. The graph can do it if it has no effect but on
    variables, these keep their form, and the graph decides the test behind it.
    """
    if CONTEXT.probes or (CONTEXT.scopes and not CONTEXT.scopes[-1].hoists):
        return False
    variables = Variables(owners, names)
    before = variables.snapshot()

    def first() -> Any:
        body()
        return truth(test())

    CONTEXT.probes += 1
    try:
        run = trace_region(first, variables, names)
    except Exception:
        return False  # it is done again by Python, which raises again what the program has to see
    finally:
        CONTEXT.probes -= 1
    if run.raised is not None or run.pending is not None or run.writes or run.jaxpr is None or run.jaxpr.effects:
        return False
    return isinstance(run.result, types.Tracer) and all(
        _keeps_form(before[name], run.variables[name]) for name in map(plain_name, names) if name in before
    )


def _keeps_form(old: Any, new: Any) -> bool:
    """Whether what holds ``old`` can hold ``new`` without becoming of another type."""
    if old is new:
        return True
    if old is UNBOUND or new is UNBOUND:
        return False
    (leaves, structure), (ends, form) = types.flatten(old), types.flatten(new)
    if structure != form:
        return False
    for leaf, end in zip(leaves, ends, strict=True):
        kind, kind_after = types.type_of(leaf), types.type_of(end)
        if kind is None or kind_after is None:
            if leaf is not end:
                return False
        elif kind.shape != kind_after.shape or not _holds(kind, kind_after):
            return False
    return True


def _holds(before: types.ArrayType, after: types.ArrayType) -> bool:
    """Whether a variable that begins as a number of one type is none of another kind for becoming one of ``after``."""
    if before.dtype == after.dtype:
        return True
    return before.dtype.kind == after.dtype.kind and types.join([before, after]).dtype == after.dtype


def _never_ends(loop: Loop, run: Run, condition: Run, iteration: _Body) -> bool:
    """Whether the condition depends on nothing that the body changes, and nothing else ends the loop."""
    assert run.jaxpr is not None
    assert condition.jaxpr is not None
    if run.raised is not None or run.jaxpr.effects or iteration.pending is not None:
        return False
    jaxpr = condition.jaxpr.jaxpr
    position = condition.outputs.get(id(condition.result))
    needed = set() if position is None else {id(jaxpr.outvars[position])}
    for equation in reversed(jaxpr.eqns):
        if any(id(variable) in needed for variable in equation.outvars):
            needed.update(map(id, equation.invars))
    carried = {(id(slot), index) for slot, index in iteration.carried}
    inputs = zip(loop.dynamic(), jaxpr.invars[len(loop.extra) :], strict=True)
    return not any(id(variable) in needed for (slot, index), variable in inputs if (id(slot), index) in carried)


class _Count:
    """The number of the iteration of a loop that has none by itself: carried only where something wants to know it."""

    def __init__(self, loop: Loop, kind: types.ArrayType) -> None:
        self._unused = np.zeros((), kind.dtype)
        self.start: Any = types.convert(0, kind) if loop.iteration.is_wanted else ()

    def of(self, number: Any) -> Any:
        """The number of an iteration, from its part of the state."""
        return self._unused if isinstance(number, tuple) else number

    def next(self, number: Any) -> Any:
        return number if isinstance(number, tuple) else types.plus(number, 1)


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
    loop = _Loop(counter, names, owners, length, extra)

    def one(index: Any, *slices: Any) -> None:
        item = index if counter is not None else sequence.item(index, types.unflatten(structure, slices))
        visit(item, sequence.steps, body, names, owners)

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

    def start() -> tuple[Any, list[Any]]:
        return types.convert(first, index_kind), iteration.initial()

    is_counted = until is None and length is not None
    # Where no try statement waits, nobody sees the state that an exception leaves behind.
    is_seen = iteration.pending is not None and not CONTEXT.scopes[-1].hoists
    runs_on = iteration.pending is None or (not is_seen and _may_run_on(run, length))
    if is_counted and runs_on and loop.options.get("checkpoints") is None:
        # The number comes last: XLA does the operations of an iteration in the order of the state that they lead to.
        def scanned(state: tuple[list[Any], Any], slices: Sequence[Any]) -> tuple[tuple[list[Any], Any], None]:
            values, index = state
            after = iteration.step((index, *slices), values)[0]
            return (iteration.first_raised(values, after), types.plus(index, stride)), None

        unroll = loop.options.get("unroll") or 1
        (out, _), _ = as_a_whole(lambda: lax.scan(scanned, start()[::-1], rows, length=length, unroll=unroll))
        iteration.finish(out, all_iterations=True)
        return

    stop = loop.trace(lambda *_: truth(until()))[0] if until is not None else None
    unused = [types.zeros(kind) for kind in extra] if stop is not None else []

    def goes_on(state: tuple[Any, list[Any]]) -> Any:
        index, values = state
        if counter is None:
            more = types.is_less(index, sequence.length)
        else:
            more = types.is_less(index, counter[1]) if stride > 0 else types.is_less(counter[1], index)
        more = iteration.unless_raised(values, more)
        if stop is None:
            return more
        get = stop.evaluate(*unused, *iteration.inputs(values))
        return jnp.logical_and(more, jnp.logical_not(types.convert(get(stop.result), _BOOLEAN)))

    def one_more(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        index, values = state
        return types.plus(index, stride), iteration.step((index, *types.get_row(rows, index)), values)[0]

    _, out = as_a_whole(lambda: while_loop(goes_on, one_more, start(), _budget(loop, length)))
    iteration.finish(out, all_iterations=is_counted and not is_seen)


def _may_run_on(run: Run, length: int | None) -> bool:
    """Whether a loop may do all its iterations though one of the first has raised: nobody waits for them for long."""
    if run.jaxpr is None or length is None:
        return False
    return is_total(run.jaxpr.jaxpr) and length * work(run.jaxpr.jaxpr) <= _MOST_IN_VAIN


def _counter_type(counter: tuple[Any, Any, int]) -> types.ArrayType:
    """The type of a range's numbers."""
    kinds = [types.type_of(value) for value in (counter[0], counter[2])]
    return types.join([types.ArrayType((), kind.dtype, kind.weak) for kind in kinds if kind is not None])


def _is_worth_staging(run: Run, loop: Loop) -> bool:
    """Whether a loop that Python could run works on staged values, and is no worse for it.

    A list that some iterations add to has a length that Python can still know, if each iteration is one of Python's.
    """
    assert run.jaxpr is not None
    count = loop.trip_count
    short = count is not None and count <= _MAX_UNROLLED_ROWS
    short = short and (count or 0) * len(run.jaxpr.jaxpr.eqns) <= _MAX_UNROLLED_EQUATIONS
    if short and any(slot.has_staged_length() for slot in loop.slots):
        return False
    entry = [slot.initial[index] for slot, index in loop.dynamic() if not slot.made_room]
    for slot in loop.slots:
        if slot.made_room:
            entry += types.flatten(slot.contents_before())[0]
    return any(isinstance(value, types.Tracer) for value in (*entry, *run.jaxpr.consts))
