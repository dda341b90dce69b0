"""The reverse pass of a loop whose length is known once it has run, in bounded memory.

Going back through n iterations needs their states in reverse order. A segment of ``segment`` iterations is run again
from a checkpoint, with its states written into a buffer, and then gone back through; the checkpoints lie at the heads
of segments. All buffers are of fixed size, as XLA wants it, whatever n is.

Where to put the checkpoints when there are more segments than places is the subject of Griewank, "Achieving logarithmic
growth of temporal and spatial complexity in reverse automatic differentiation", Optimization Methods and Software 1
(1992), and Griewank and Walther, "Algorithm 799: revolve", ACM Transactions on Mathematical Software 26 (2000): with c
places free and every segment run forward again at most r times, binomial(c + r + 1, r) segments can be reversed. With
c and the segment both of the order of sqrt(n), r is 1: the loop runs forward twice and backward once. (That n is known
here makes the online schedules of Wang and Moin, 2008, and of Stumm and Walther, 2010, unnecessary.) With fewer places
than that, r grows like a root of n, and the result stays the same.

Where a loop has been batched, its examples end at iterations of their own. The derivative of an example's iteration
after its end is not taken at the state where the loop left it, which may be a pole of the body, but at the state of an
example that is still running; times a cotangent of zero this adds nothing, not even a NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .internals import (
    AbstractRef,
    ClosedJaxpr,
    Jaxpr,
    ad,
    core,
    dce,
    discharge_state,
    jaxpr_as_fun,
    split_at,
    trace,
    zeros,
)
from .steps import Step

_BUFFER_BYTES = 1 << 20
_ROOT_BYTES = 1 << 26
_FEWEST, _MOST = 8, 1024
_SMALL_ROW = 1024


class Budget(NamedTuple):
    """What ``ag.set_loop_options`` says about the states that a gradient may keep."""

    checkpoints: int | None = None
    max_iterations: int | None = None

    def slots(self, state_bytes: int, row_bytes: int) -> tuple[int, int]:
        """How many rows of a segment, and how many checkpoints, are kept."""
        if self.checkpoints is not None:
            segment = max(1, self.checkpoints // 2)
            places = max(1, self.checkpoints - segment)
        else:
            segment, places = (
                min(max(_BUFFER_BYTES // max(size, 1), _FEWEST), _MOST) for size in (row_bytes, state_bytes)
            )
            if self.max_iterations is not None:
                root = math.isqrt(max(self.max_iterations - 1, 0)) + 1
                segment, places = (
                    max(count, min(root, _ROOT_BYTES // max(size, 1)))
                    for count, size in ((segment, row_bytes), (places, state_bytes))
                )
        if self.max_iterations is not None:
            segment = max(1, min(segment, self.max_iterations))
            places = max(1, min(places, -(-self.max_iterations // segment)))
        return segment, places


def reverse(
    step: Step,
    budget: Budget,
    rows: Sequence[int],
    linear_rows: Sequence[int],
    count: Any,
    consts: Sequence[Any],
    start: Sequence[Any],
    cotangents: Sequence[Any],
) -> tuple[list[Any], list[Any]]:
    """The cotangents of the linear constants and of the linear state at the start of a loop.

    Args:
        step: an iteration.
        rows: for each known constant, how many leading axes it shares with ``count``.
        linear_rows: the same for the linear constants.
        count: how many iterations the loop has done; an array, if each example has done its own number.
        consts: the known constants.
        start: the known state at the start.
        cotangents: of the linear state at the end.
    """
    counts = step.counts
    known, linear = step.parted()
    residuals = len(known.out_avals) - counts.known_carry
    known, used_consts, used_carry = _prune(known, counts.known_consts, counts.known_carry)
    consts = _chosen(used_consts, consts)
    start = _chosen(used_carry, start)
    examples = Examples(count, _chosen(used_consts, rows))
    back = _transposed(linear, residuals, counts.linear_consts, linear_rows, examples)
    accumulated = [zeros(aval) for aval in step_avals(linear, residuals)[: counts.linear_consts]]
    carry = [*accumulated, *cotangents]
    stop = examples.longest()
    if not start:
        residuals_of = jaxpr_as_fun(known)
        found = None if examples.rank else residuals_of(*consts)

        def backward(index: Any, carry: Sequence[Any]) -> list[Any]:
            return back(index, residuals_of(*examples.safe(index, consts, ())) if found is None else found, carry)

        out = _going_back(stop, backward, carry)
    else:
        tape = _tape(known, consts, start, examples)
        out = _with_checkpoints(
            stop, tape, lambda index, row, carry: back(index, tape.read(index, row), carry), start, carry, budget
        )
    return out[: counts.linear_consts], out[counts.linear_consts :]


class _Tape(NamedTuple):
    """What a segment writes down about each of its iterations."""

    forward: Callable[[Any, Sequence[Any]], tuple[list[Any], list[Any]]]
    """From the number of an iteration and the state before it to the row that is written down, and the next state."""
    read: Callable[[Any, Sequence[Any]], list[Any]]
    """From the number of an iteration and its row to its residuals."""
    blank: list[Any]
    """A row that nobody reads."""


def _tape(known: ClosedJaxpr, consts: Sequence[Any], start: Sequence[Any], examples: Examples) -> _Tape:
    """Writes down residuals if these are not much larger than the state, otherwise the states that they follow from."""
    carry, outs = len(start), known.jaxpr.outvars
    types = [core.typeof(value) for value in start]
    varying = _depends(known.jaxpr, len(consts))
    # What the loop does not change is computed once; what two residuals have in common is written down once.
    changing = [isinstance(var, core.Var) and var in varying for var in outs]
    rows = list(dict.fromkeys(var for var, changes in zip(outs[carry:], changing[carry:], strict=True) if changes))
    plain = examples.rank == 0 and not any(jnp.issubdtype(var.aval.dtype, jax.dtypes.extended) for var in rows)
    if plain and _bytes(var.aval for var in rows) <= max(4 * _bytes(types), _SMALL_ROW):
        jaxpr = known.jaxpr
        fixed = [place for place in range(carry, len(outs)) if not changing[place]]
        before, needed = dce(known, [place in fixed for place in range(len(outs))])
        once = dict(zip(fixed, jaxpr_as_fun(before)(*_chosen(needed, [*consts, *start])), strict=True))
        inner = jaxpr.replace(outvars=[*outs[:carry], *rows], debug_info=jaxpr.debug_info.with_unknown_names())
        step = jaxpr_as_fun(dce(ClosedJaxpr(inner, known.consts), [True] * (carry + len(rows)), True)[0])
        where = {var: place for place, var in enumerate(rows)}

        def forward(_: Any, state: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            state, row = split_at(step(*consts, *state), carry)
            return row, state

        def read(_: Any, row: Sequence[Any]) -> list[Any]:
            return [once[place] if place in once else row[where[outs[place]]] for place in range(carry, len(outs))]

        return _Tape(forward, read, [zeros(var.aval) for var in rows])
    advance = jaxpr_as_fun(dce(known, [place < carry for place in range(len(outs))], True)[0])
    residuals_of = jaxpr_as_fun(dce(known, [place >= carry for place in range(len(outs))], True)[0])
    return _Tape(
        lambda index, state: (list(state), examples.keep(index, advance(*consts, *state), state)),
        lambda index, row: residuals_of(*examples.safe(index, consts, row)),
        list(start),
    )


def _depends(jaxpr: Jaxpr, first: int) -> set[Any]:
    """The variables of a jaxpr that depend on its inputs from the ``first`` on."""
    found = set(jaxpr.invars[first:])
    for equation in jaxpr.eqns:
        if any(isinstance(atom, core.Var) and atom in found for atom in equation.invars):
            found.update(equation.outvars)
    return found


def _bytes(types: Iterable[Any]) -> int:
    return sum(math.prod(aval.shape) * int(getattr(aval.dtype, "itemsize", 8)) for aval in types)


def step_avals(linear: ClosedJaxpr, residuals: int) -> list[Any]:
    """The types of the cotangents of what a linear part takes."""
    return [aval.to_ct_aval() for aval in linear.in_avals[residuals:]]


def _prune(known: ClosedJaxpr, consts: int, carry: int) -> tuple[ClosedJaxpr, list[bool], list[bool]]:
    """Leaves out of the known part what no residual depends on."""
    residuals = [True] * (len(known.out_avals) - carry)
    used = [False] * carry
    while True:
        pruned, needed = dce(known, [*used, *residuals], [False] * consts + used)
        if needed[consts:] == used:
            return pruned, needed[:consts], used
        used = needed[consts:]


def _chosen(which: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    return [value for value, chosen in zip(values, which, strict=True) if chosen]


class Examples:
    """The examples of a batched loop, each with its own number of iterations; a plain loop is one of none.

    The state has the axes of ``count`` in front. A constant has the first few of them, or none: an axis that a later
    batch adds comes first, and what has an older axis is given the newer ones too.
    """

    def __init__(self, count: Any, rows: Sequence[int]) -> None:
        self._count, self._rows = count, rows
        self.rank = np.ndim(count)

    def longest(self) -> Any:
        return jnp.max(self._count) if self.rank else self._count

    def _running(self, index: Any) -> Any:
        """Which examples do iteration ``index``."""
        return index < self._count

    def keep(self, index: Any, new: Sequence[Any], old: Sequence[Any], rows: int | None = None) -> list[Any]:
        """``new`` for the examples that do iteration ``index``, ``old`` for the others."""
        if not self.rank:
            return list(new)
        running = self._running(index)
        if rows is not None:
            running = jnp.any(running, range(rows, self.rank))
        return [_select(running, a, b) for a, b in zip(new, old, strict=True)]

    def safe(self, index: Any, consts: Sequence[Any], state: Sequence[Any]) -> list[Any]:
        """Constants and state; those of an example that has ended are replaced by those of one that is running."""
        values = [*consts, *state]
        rows = [*self._rows, *[self.rank] * len(state)]
        running = self._running(index)
        for axis in reversed(range(self.rank)):
            first = jnp.expand_dims(jnp.argmax(running, axis), axis)
            for place, value in enumerate(values):
                if rows[place] > axis:
                    there = lax.expand_dims(first, range(first.ndim, value.ndim))
                    one = jnp.take_along_axis(value, there, axis, mode="promise_in_bounds")
                    values[place] = _select(running, value, jnp.broadcast_to(one, value.shape))
            running = jnp.any(running, axis)
        return values


def more_rows(batched: Sequence[bool], rows: Sequence[int]) -> tuple[list[bool], tuple[int, ...]]:
    """Which constants of a loop are batched, and their axes, when each example of one more batch ends on its own."""
    flags = [flag or row > 0 for flag, row in zip(batched, rows, strict=True)]
    return flags, tuple(row + 1 if flag else 0 for flag, row in zip(flags, rows, strict=True))


def _select(running: Any, new: Any, old: Any) -> Any:
    return lax.select(lax.broadcast_in_dim(running, new.shape, range(running.ndim)), new, old)


def _transposed(
    linear: ClosedJaxpr, residuals: int, consts: int, linear_rows: Sequence[int], examples: Examples
) -> Callable[[Any, Sequence[Any], Sequence[Any]], list[Any]]:
    """One iteration back: from what has been accumulated for the constants, and the cotangents of the state after it.

    What flows back to an array whose rows a loop reads one by one is added in place, through a reference: each row then
    costs a row, and not the array.
    """
    avals = linear.in_avals
    types = step_avals(linear, residuals)
    by_row = _read_by_row(linear.jaxpr)[residuals:]
    in_place = [row == 0 and reads for row, reads in zip(linear_rows, by_row, strict=False)]
    ends = [aval.to_ct_aval() for aval in linear.out_avals]

    def transposed(*values: Any) -> list[Any]:
        references, known, cotangents = split_at(values, sum(in_place), residuals)
        rest = iter(references)
        accumulators = [
            ad.RefAccum(aval, next(rest)) if direct else ad.ValAccum(aval)
            for aval, direct in zip(types[:consts], in_place, strict=True)
        ]
        accumulators += [ad.ValAccum(aval) for aval in types[consts:]]
        ad.backward_pass3(linear.jaxpr, False, linear.consts, [*known, *accumulators], cotangents)
        return [
            ad.instantiate_zeros(accumulator.freeze())
            for accumulator, direct in zip(accumulators, [*in_place, *[False] * len(ends)], strict=True)
            if not direct
        ]

    references = [AbstractRef(aval) for aval, direct in zip(types[:consts], in_place, strict=True) if direct]
    stateful = trace(transposed, [*references, *avals[:residuals], *ends])
    pure = jaxpr_as_fun(discharge_state(stateful))

    def back(index: Any, found: Sequence[Any], carry: Sequence[Any]) -> list[Any]:
        accumulated, cotangents = split_at(carry, consts)
        incoming = examples.keep(index, cotangents, [lax.full_like(value, 0) for value in cotangents])
        direct = _chosen(in_place, accumulated)
        out = pure(*direct, *found, *incoming)
        others, state, added = split_at(out, consts - len(direct), len(cotangents))
        done, other = iter(added), iter(others)
        total = []
        for value, was_direct, row in zip(accumulated, in_place, linear_rows, strict=True):
            if was_direct:
                total.append(next(done))
            else:
                new = next(other)
                total.append(value + examples.keep(index, [new], [lax.full_like(new, 0)], row)[0])
        return [*total, *examples.keep(index, state, cotangents)]

    return back


def _read_by_row(jaxpr: Jaxpr) -> list[bool]:
    """Which inputs are read by slices that start at an index of the graph's, in this jaxpr or one that it calls."""
    by_row: set[Any] = set()
    otherwise: set[Any] = set()
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        inner, operands = [], list(equation.invars)
        if name == "cond":
            inner, operands = [branch.jaxpr for branch in params["branches"]], operands[1:]
        elif name in ("jit", "pjit"):
            inner = [params["jaxpr"].jaxpr]
        reads = [any(found) for found in zip(*map(_read_by_row, inner), strict=True)] if inner else None
        for place, operand in enumerate(operands):
            if isinstance(operand, core.Var):
                direct = name == "dynamic_slice" and place == 0
                (by_row if direct or (reads and reads[place]) else otherwise).add(operand)
    # Other uses, such as a slice at fixed places, need not have a rule that adds in place.
    return [var in by_row and var not in otherwise for var in jaxpr.invars]


def _going_back(stop: Any, backward: Callable[[Any, Sequence[Any]], list[Any]], carry: Sequence[Any]) -> list[Any]:
    """``backward(index, carry)`` for ``index`` from ``stop - 1`` down to 0."""

    def one(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        index = state[0] - 1
        return index, backward(index, state[1])

    return lax.while_loop(lambda state: state[0] > 0, one, (stop, list(carry)))[1]


def _with_checkpoints(
    count: Any,
    tape: _Tape,
    backward: Callable[[Any, Sequence[Any], Sequence[Any]], list[Any]],
    start: Sequence[Any],
    carry: Sequence[Any],
    budget: Budget,
) -> list[Any]:
    """Goes back through ``count`` iterations from ``start``."""
    segment, places = budget.slots(_bytes(map(core.typeof, start)), _bytes(map(core.typeof, tape.blank)))
    zero = count & 0  # a constant would not vary over a mesh where the count does
    # One place more, which nobody reads, takes what is not to be kept: a choice between two buffers would copy them.
    stack = [lax.broadcast(value, (places + 1,)) for value in start]
    heads = lax.broadcast(zero, (places + 1,))
    record = [lax.broadcast(value, (segment,)) for value in tape.blank]
    segments = lax.div(count + (segment - 1), jnp.int32(segment))

    def run_segment(first: Any, length: Any, state: Any, record: list[Any]) -> tuple[Any, list[Any]]:
        """Runs ``length`` iterations from ``state`` and writes down a row for each."""

        def one(loop: tuple[Any, list[Any], list[Any]]) -> tuple[Any, list[Any], list[Any]]:
            offset, state, record = loop
            row, state = tape.forward(first + offset, state)
            return offset + 1, state, [_put(buffer, value, offset) for buffer, value in zip(record, row, strict=True)]

        _, state, record = lax.while_loop(lambda loop: loop[0] < length, one, (zero, state, record))
        return state, record

    def last_segment(loop: tuple[Any, ...]) -> tuple[Any, ...]:
        """Goes back through the last of ``left`` segments."""
        left, top, heads, stack, record, carry = loop

        def next_segment(inner: tuple[Any, ...]) -> tuple[Any, ...]:
            at, length, mark, fresh, top, heads, stack, state, record = inner
            keep = at == mark
            top = top + keep.astype(jnp.int32)
            place = lax.select(keep, top, zero + places)
            heads = _put(heads, at, place)
            stack = [_put(buffer, value, place) for buffer, value in zip(stack, state, strict=True)]
            mark = lax.select(keep | fresh, _next_mark(at, left, places - 1 - top), mark)
            length = jnp.minimum(count - at * segment, segment)
            state, record = run_segment(at * segment, length, state, record)
            return at + 1, length, mark, fresh & False, top, heads, stack, state, record

        at = _get(heads, top)
        state = [_get(buffer, top) for buffer in stack]
        inner = (at, zero, zero - 1, at == at, top, heads, stack, state, record)
        _, length, _, _, top, heads, stack, _, record = lax.while_loop(lambda s: s[0] < left, next_segment, inner)
        left = left - 1

        def one_back(offset: Any, carry: Sequence[Any]) -> list[Any]:
            return backward(left * segment + offset, [_get(buffer, offset) for buffer in record], carry)

        carry = _going_back(length, one_back, carry)
        done = (_get(heads, top) == left) & (top > 0)
        return left, top - done.astype(jnp.int32), heads, stack, record, carry

    loop = (segments, zero, heads, stack, record, list(carry))
    return lax.while_loop(lambda loop: loop[0] > 0, last_segment, loop)[-1]


def _next_mark(at: Any, left: Any, free: Any) -> Any:
    """At the head of which segment to put the next checkpoint, when the last one is at ``at`` and ``free`` are left.

    With ``c`` free places and ``r`` repetitions, ``binomial(c + r + 1, r)`` segments can be reversed, of which those
    behind the next checkpoint are ``(c + 1) / (c + r + 1)``. The binomial is the product of ``r + 1`` to ``r + c + 1``
    by the factorial of ``c + 1``, so about a power of the middle of these, which gives ``r`` without a loop; the
    factorial is Stirling's. Any mark gives the right result, and these cost at most a few per cent more runs of
    segments than the best.
    """
    length = left - at
    factors = free.astype(jnp.float32) + 1.0
    wanted = length.astype(jnp.float32)
    stirling = (factors + 0.5) * jnp.log(factors) - factors + 0.9189385 + 0.0833333 / factors
    middle = jnp.exp((jnp.log(wanted) + stirling) / factors)
    repetitions = jnp.maximum(middle - (factors + 1.0) * 0.5, 1.0)
    behind = lax.select(wanted <= factors + 1.0, factors, wanted * factors / (factors + repetitions))
    ahead = jnp.maximum(wanted - behind, 1.0).astype(jnp.int32)
    return lax.select(free > 0, at + jnp.minimum(ahead, jnp.maximum(length - 1, 1)), free * 0 - 1)


def _get(buffer: Any, index: Any) -> Any:
    return lax.dynamic_index_in_dim(buffer, index, 0, keepdims=False)


def _put(buffer: Any, value: Any, index: Any) -> Any:
    return lax.dynamic_update_index_in_dim(buffer, value, index, 0)
