"""Staged loops: ``tf.while_loop``'s operation over the state that the body changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util_v2

from ...staging.calls import NotStageable
from ...staging.dispatch import staged
from ...staging.logic import not_, truth
from ...staging.sequences import Sequence as StagedSequence
from ...staging.sequences import visit
from ...staging.state import CONTEXT
from ...staging.values import PLACEHOLDER
from ..common import loops
from ..common.endless import refuse_endless
from ..common.iterations import Iteration
from ..common.loops import is_pure
from ..common.raising import Pending, leave
from . import faults, operations, types
from .regions import Run, trace_region
from .sources import Rows, is_symbolic, rows_of

_MAX_UNROLLED_ROWS = 512
_MAX_UNROLLED_OPERATIONS = 4096
_BOOLEAN = types.ArrayType((), tf.bool)
_INDEX = types.ArrayType((), tf.int32, True)


class _Loop(loops.Loop):
    """The state of one loop, and what else goes round: the number of the iteration, and ``extras``."""

    def __init__(
        self,
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        trip_count: int | None = None,
        index: types.ArrayType | None = None,
        extras: Sequence[Any] = (),
    ) -> None:
        self.initial_extras = list(extras)
        self.has_index = index is not None
        kinds = [] if index is None else [index]
        kinds += [types.type_of(value) for value in extras]  # type: ignore[misc]
        super().__init__(types, self._traced, names, owners, trip_count, kinds)
        self._part = "body"
        self.pending: Pending | None = None
        self.raised: list[tuple[Any, Any]] = []
        """What an iteration may raise, with its types: its number and tensors are carried too. Likewise whether it
        has failed (see ``faults``)."""
        self.fault: Any = None
        self.decides = False
        """Whether the condition is more than a bound."""

    def _traced(
        self, body: Callable[..., Any], variables: Any, names: Sequence[str], inputs: Sequence[Any], prepare: Any
    ) -> Run:
        kinds = {"body": control_flow_util_v2.WhileBodyFuncGraph, "cond": control_flow_util_v2.WhileCondFuncGraph}
        kind = kinds[self._part]
        return trace_region(body, variables, names, inputs, prepare, graph_kind=kind, name=self._part)

    def number(self, iteration: Iteration, extra: Sequence[Any]) -> None:
        if self.has_index:
            iteration.number = extra[0]

    def trace_test(self, test: Callable[..., Any], body: Run) -> tuple[Run, dict[int, Any]]:
        """Traces the condition, which also holds only while no iteration of ``body`` has raised."""
        self.pending, self.fault = body.pending, body.fault
        count = len(self.extra)
        if self.pending is not None:
            self.raised = [(types.CODE, self.pending.code)]
            self.raised += [(_kind(leaf), leaf) for leaf in self.pending.leaves()]
        if self.fault is not None:
            self.raised.append((_BOOLEAN, self.fault))
        self.extra += [kind for kind, _ in self.raised]

        def goes_on(*values: Any) -> Any:
            result = test(*values[:count])
            self.decides = result is not True
            if self.pending is not None:
                result = _both(tf.equal(values[count], 0), result)
            if self.fault is not None:
                result = _both(tf.logical_not(values[-1]), result)
            return result

        self._part = "cond"
        try:
            return self.trace(goes_on)
        finally:
            self._part = "body"

    def adjust(self, heads: dict[int, Any]) -> bool:
        """Takes the shapes that ``ag.set_loop_options(shape_invariants=...)`` gives; says whether that changed any."""
        changed = False
        for value, shape in self.options.get("shape_invariants") or ():
            for slot in self.slots:
                if heads.get(id(slot)) is not value or not isinstance(slot.kinds[0], types.ArrayType):
                    continue
                wanted = types.shape_of(tf.TensorShape(shape))
                changed |= slot.kinds[0].shape != wanted
                slot.kinds[0] = types.ArrayType(wanted, slot.kinds[0].dtype)
        return changed

    def build(self, test: Run, body: Run, heads: dict[int, Any], maximum: Any) -> None:
        """Makes the operation and gives the program's variables and objects what it computes.

        ``test`` gives a truth value, ``body`` the next of the ``extras``.
        """
        carried, ends = self.plan(body, heads)
        goes_round = {(id(slot), index) for slot, index in carried}
        first = int(self.has_index)
        own_extras = len(self.extra) - len(self.raised)
        values: list[Any] = []
        pairs: list[tuple[Any, Any]] = []
        fixed: list[tuple[Any, Any, Any]] = []

        for number, value in enumerate(self.initial_extras, first):
            values.extend(_tensors(value, self.extra[number]))
            pairs.extend(zip(test.heads[number], body.heads[number], strict=True))
        for number, (kind, _) in enumerate(self.raised, own_extras):
            for in_test, tensor in zip(test.heads[number], _tensors(PLACEHOLDER, kind), strict=True):
                values.append(tensor)
                pairs.append((in_test, None))
        for number, (slot, index) in enumerate(self.dynamic(), own_extras):
            kind = slot.kinds[index]
            tensors = _tensors(slot.initial[index], kind)
            in_tests, in_bodies = test.heads[number + len(self.raised)], body.heads[number]
            if (id(slot), index) in goes_round:
                values.extend(tensors)
                pairs.extend(zip(in_tests, in_bodies, strict=True))
            else:
                fixed.extend(zip(in_tests, in_bodies, tensors, strict=True))

        next_extras = [] if body.raised is not None else body.result
        test.adds(lambda: [types.convert(test.result, _BOOLEAN)])
        extra_kinds = self.extra[first:own_extras]
        body.adds(
            lambda: [
                *(t for value, kind in zip(next_extras, extra_kinds, strict=True) for t in _tensors(value, kind)),
                *(t for kind, value in self.raised for t in _tensors(value, kind)),
                *(t for (s, i), end in zip(carried, ends, strict=True) for t in _tensors(end, s.kinds[i])),
            ]
        )
        outputs = operations.build_while(
            test,
            body,
            values,
            pairs,
            fixed,
            [(in_test if in_body is None else in_body).shape for in_test, in_body in pairs],
            [*test.heads[0], *body.heads[0]] if self.has_index else [],
            maximum_iterations=self._maximum(maximum),
            parallel_iterations=self.options.get("parallel_iterations") or 10,
            has_effects=test.has_effects or body.has_effects,
            always=test.result is True,
        )
        rest = iter(outputs[sum(len(kind.specs()) for kind in extra_kinds) :])
        raised = [kind.value([next(rest) for _ in kind.specs()]) for kind, _ in self.raised]
        results = []
        for (slot, index), end in zip(carried, ends, strict=True):
            kind = _final(slot.kinds[index], end)
            results.append(kind.value([next(rest) for _ in kind.specs()]))
        self.finish(carried, results, all_iterations=self._runs_all(body))
        if self.fault is not None:
            faults.of_current_graph().add(raised.pop())
        if test.fault is not None:
            faults.of_current_graph().lose()
        if self.pending is not None:
            pending = self.pending.carrying(raised[0], raised[1:])
            pending.certain = False
            leave(pending)

    def never_ends(self, body: Run, condition: Run, heads: dict[int, Any]) -> bool:
        """Whether the condition depends on nothing that the body changes, and nothing else ends the loop."""
        if body.raised is not None or body.has_effects or body.fault is not None or self.pending is not None:
            return False
        if any(name in self.options for name in ("maximum_iterations", "max_iterations")):
            return False
        result = condition.result
        if isinstance(result, tf.Tensor) and condition.heads and result.graph is condition.heads[0][0].graph:
            return False  # it is a part of the state itself
        read = {id(outer) for outer, _ in condition.graph.captures}
        carried = {(id(slot), index) for slot, index in self.plan(body, heads)[0]}
        own = zip(self.dynamic(), condition.heads[len(self.extra) :], strict=True)
        changed = [parts for (slot, index), parts in own if (id(slot), index) in carried]
        return not any(id(head) in read for parts in changed for head in parts)

    def _runs_all(self, body: Run) -> bool:
        """Whether each of a known number of iterations runs to its end."""
        limited = any(name in self.options for name in ("maximum_iterations", "max_iterations"))
        is_open = self.trip_count is None or limited or body.raised is not None or self.pending is not None
        return not is_open and not self.decides

    def _maximum(self, known: Any) -> Any:
        """How many iterations there are at most."""
        given = self.options.get("maximum_iterations", self.options.get("max_iterations"))
        if given is None or known is None:
            return known if given is None else given
        return tf.minimum(tf.convert_to_tensor(known), tf.cast(given, tf.convert_to_tensor(known).dtype))


def _both(holds: Any, result: Any) -> Any:
    return holds if result is True else tf.logical_and(holds, types.convert(result, _BOOLEAN))


def _kind(leaf: Any) -> types.Type:
    kind = types.type_of(leaf)
    assert kind is not None
    return kind


def _tensors(value: Any, kind: types.Type) -> list[Any]:
    return kind.tensors(types.convert(value, kind))


def _final(kind: types.Type, end: Any) -> types.Type:
    """The type after the loop: a number of Python's only if each iteration leaves one."""
    if isinstance(kind, types.ArrayType) and kind.weak:
        found = types.type_of(end)
        return types.ArrayType(kind.shape, kind.dtype, found is None or found.weak)
    return kind


def stage_while(
    test: Callable[[], Any],
    body: Callable[[], Any],
    names: tuple[str, ...],
    owners: Sequence[Callable[..., Any]],
    first: Any,
) -> None:
    """``first`` is what ``test`` gave when it was evaluated for the first time."""
    loop = _Loop(names, owners, index=_INDEX)

    def once(_: Any) -> tuple[Any, ...]:
        body()
        return ()

    run, heads = loop.settle(once)
    condition, heads_of_test = loop.trace_test(lambda _: truth(test()), run)
    if not condition.has_effects and condition.fault is None and is_pure(condition, loop, heads_of_test):
        if loop.never_ends(run, condition, heads):
            carried = loop.plan(run, heads)[0]
            refuse_endless(first, loop.place, [slot.label.removeprefix("variable ") for slot, _ in carried])
            loop.finish(carried, loop.initial(carried), all_iterations=False)
            return
        loop.build(condition, run, heads, None)
        return

    # The test changes something. It has been done once; it is done again at the end of each iteration.
    loop = _Loop(names, owners, index=_INDEX, extras=[types.convert(truth(first), _BOOLEAN)])

    def once_and_test(*_: Any) -> tuple[Any, ...]:
        body()
        return (truth(test()),)

    run, heads = loop.settle(once_and_test)
    condition, _ = loop.trace_test(lambda _, goes_on: goes_on, run)
    loop.build(condition, run, heads, None)


def stage_for(
    sequence: StagedSequence,
    body: Callable[[Any], Any],
    names: tuple[str, ...],
    until: Callable[[], Any] | None,
    owners: Sequence[Callable[..., Any]],
) -> None:
    length = sequence.length
    if isinstance(length, int) and length <= 0:
        return
    trip_count = length if isinstance(length, int) else None
    index_dtype = length.dtype if isinstance(length, tf.Tensor) else tf.int32
    with _Probe(sequence) as probe:
        rows = rows_of(sequence.slices)
        loop = _Loop(names, owners, trip_count, types.ArrayType((), index_dtype, True), rows.first_draws())

        def one(index: Any, *drawn: Any) -> tuple[Any, ...]:
            visit(sequence.item(index, rows.row(index, drawn)), sequence.steps, body, names, owners)
            return _next_draws(rows, until)

        probe.loop = loop
        run, heads = loop.settle(one)
        if sequence.optional and not _is_worth_staging(run, loop):
            raise NotStageable

    def goes_on(_: Any, *drawn: Any) -> Any:
        more = rows.has_more(drawn)
        if until is None:
            return more
        stop = not_(truth(until()))
        return stop if more is True else tf.logical_and(more, types.convert(stop, _BOOLEAN))

    condition, _ = loop.trace_test(goes_on, run)
    loop.build(condition, run, heads, length)


def _next_draws(rows: Rows, until: Callable[[], Any] | None) -> tuple[Any, ...]:
    """The next elements of datasets and iterators, of which a loop that is left takes none."""
    if not rows.draws or until is None:
        return tuple(rows.next_draws())
    stop = truth(until())
    if not is_symbolic(stop):
        return tuple(rows.no_draws() if stop else rows.next_draws())
    engine = staged(stop)
    assert engine is not None
    return tuple(engine.cond(stop, lambda: list(rows.no_draws()), lambda: list(rows.next_draws()), None, []))


class _Probe:
    """The trace of a loop that Python could run as well, or run by rows, which may come to nothing."""

    def __init__(self, sequence: StagedSequence) -> None:
        self._sequence = sequence
        self.loop: _Loop | None = None

    def __enter__(self) -> _Probe:
        CONTEXT.probes += self._sequence.optional
        return self

    def __exit__(self, kind: Any, error: BaseException | None, _: object) -> None:
        sequence = self._sequence
        CONTEXT.probes -= sequence.optional
        if not isinstance(error, Exception):
            return
        for slot in self.loop.slots if self.loop is not None else ():
            slot.undo()
        by_rows = sequence.rows_of is not None and isinstance(sequence.length, int)
        if (sequence.optional or by_rows) and sequence.length <= _MAX_UNROLLED_ROWS:
            raise NotStageable from error


def _is_worth_staging(run: Run, loop: _Loop) -> bool:
    """Whether a loop that Python could run works on staged values, and is no worse for it.

    A list that some iterations add to has a length that Python can still know, if each iteration is one of Python's.
    """
    count = loop.trip_count
    short = count is not None and count <= _MAX_UNROLLED_ROWS
    short = short and (count or 0) * len(run.operations) <= _MAX_UNROLLED_OPERATIONS
    if short and any(slot.has_staged_length() for slot in loop.slots):
        return False
    entry = [slot.initial[index] for slot, index in loop.dynamic()]
    heads = {id(tensor) for tensors in run.heads for tensor in tensors}
    outside = [outer for outer, _ in run.graph.captures if id(outer) not in heads]
    return any(is_symbolic(value) or getattr(value, "dtype", None) == tf.resource for value in (*entry, *outside))
