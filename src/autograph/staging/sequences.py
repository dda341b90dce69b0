"""What a staged ``for`` goes through: ranges with staged bounds, arrays, and what ``enumerate``, ``zip``, ``map``,
``filter`` and ``reversed`` make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..engines.base import active_engine, engine
from ..errors import StagingError
from .dispatch import staged


class Step(NamedTuple):
    """A ``filter``, or a ``map`` that comes after one."""

    function: Callable[[Any], Any]
    is_filter: bool


class Sequence:
    """Items that a graph can compute from their number.

    Attributes:
        length: how many there are: an ``int``, or a staged scalar.
        slices: a pytree of arrays with ``length`` rows, given to ``item`` row by row (a scan goes through them).
        item: ``item(index, rows)`` is the item at ``index``.
        steps: what is done with an item before the loop's body has it, from the first ``filter`` on; ``visit`` does it.
        optional: whether Python could go through them just as well.
        rows_of: the array whose rows they are, or are made of: Python can go through them where the graph cannot.
        counter: ``(start, stop, step)``, where the items are the numbers of a range and ``step`` is an ``int``: the
            loop can then count by them.
    """

    __slots__ = ("counter", "item", "length", "optional", "rows_of", "slices", "steps")

    def __init__(
        self,
        length: Any,
        item: Callable[[Any, Any], Any],
        slices: Any = None,
        steps: tuple[Step, ...] = (),
        optional: bool = False,
        rows_of: Any = None,
    ) -> None:
        self.length, self.item, self.slices, self.steps = length, item, slices, steps
        self.optional, self.rows_of = optional, rows_of
        self.counter: tuple[Any, Any, int] | None = None

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.length, int):
            items = [self.item(index, row_of(self.slices, index)) for index in range(self.length)]
            for step in self.steps:
                items = list(filter(step.function, items) if step.is_filter else map(step.function, items))
            return iter(items)
        raise StagingError(
            "a sequence whose items or length the graph decides cannot be gone through by Python here "
            "(in a comprehension, or in code that was not converted); write a for statement"
        )

    def __len__(self) -> int:
        if isinstance(self.length, int):
            return self.length
        raise StagingError("the length of this sequence is decided by the graph; write len(...) in converted code")


def row_of(slices: Any, index: int) -> Any:
    """One row of a pytree of arrays."""
    building = active_engine() or engine("jax")
    return building.get_at(slices, index)


def numbers(start: Any, step: Any) -> Callable[[Any, Any], Any]:
    """The items of a range, without operations that change nothing."""

    def item(index: Any, _: Any) -> Any:
        offset = index if type(step) is int and step == 1 else index * step
        return offset if type(start) is int and start == 0 else start + offset

    return item


def python_range(values: range, optional: bool) -> Sequence:
    """A range of Python's own."""
    sequence = Sequence(len(values), numbers(values.start, values.step), optional=optional)
    sequence.counter = values.start, values.stop, values.step
    return sequence


class StagedRange(Sequence):
    """``range`` with a staged argument."""

    __slots__ = ("start", "step", "stop")

    def __init__(self, start: Any, stop: Any, step: Any, length: Any) -> None:
        super().__init__(length, numbers(start, step))
        self.start, self.stop, self.step = start, stop, step
        if type(step) is int:
            self.counter = start, stop, step

    def __repr__(self) -> str:
        return f"range({self.start}, {self.stop}, {self.step})"


def enumerated(inner: Sequence, start: Any) -> Sequence:
    return Sequence(
        inner.length,
        lambda index, rows: (start + index, inner.item(index, rows)),
        inner.slices,
        optional=inner.optional,
        rows_of=inner.rows_of,
    )


def zipped(parts: list[Sequence], length: Any, slices: list[Any]) -> Sequence:
    return Sequence(
        length,
        lambda index, rows: tuple(part.item(index, own) for part, own in zip(parts, rows, strict=True)),
        slices,
        optional=all(part.optional for part in parts),
        rows_of=_rows_of_all(parts),
    )


def _rows_of_all(parts: list[Sequence]) -> Any:
    """The rows of one of the parts, if Python can go through all of them."""
    rows = [part.rows_of for part in parts if part.rows_of is not None]
    others = [part for part in parts if part.rows_of is None]
    known = all(part.counter is not None and all(type(number) is int for number in part.counter) for part in others)
    return rows[0] if rows and known else None


def mapped(function: Callable[..., Any], inner: Sequence, star: bool) -> Sequence:
    def apply(value: Any) -> Any:
        return function(*value) if star else function(value)

    if inner.steps:
        # Only what passes the filter is given to the function.
        return _with_step(inner, Step(apply, False))
    return Sequence(
        inner.length,
        lambda index, rows: apply(inner.item(index, rows)),
        inner.slices,
        optional=inner.optional,
        rows_of=inner.rows_of,
    )


def filtered(predicate: Callable[[Any], Any], inner: Sequence) -> Sequence:
    return _with_step(inner, Step(predicate, True))


def _with_step(inner: Sequence, step: Step) -> Sequence:
    return Sequence(inner.length, inner.item, inner.slices, (*inner.steps, step), optional=inner.optional)


def visit(item: Any, steps: tuple[Step, ...], body: Callable[[Any], Any], names: tuple[str, ...], owners: Any) -> None:
    """Gives ``body`` what the steps make of an item, where it passes their filters."""
    if not steps:
        body(item)
        return
    step, rest = steps[0], steps[1:]
    result = step.function(item)
    if not step.is_filter:
        visit(result, rest, body, names, owners)
        return
    engine = staged(result)
    if engine is not None:
        engine.cond(result, lambda: visit(item, rest, body, names, owners), lambda: None, names, owners)
    elif result:
        visit(item, rest, body, names, owners)


def backwards(inner: Sequence, flip: Callable[[Any], Any]) -> Sequence:
    return Sequence(
        inner.length,
        lambda index, rows: inner.item(inner.length - 1 - index, rows),
        flip(inner.slices),
        optional=inner.optional,
    )
