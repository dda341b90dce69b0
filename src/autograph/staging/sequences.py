"""What a staged ``for`` goes through: ranges with staged bounds, arrays, and what ``enumerate``, ``zip``, ``map``,
``filter`` and ``reversed`` make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..engines.base import active_engine, engine
from ..errors import StagingError


class Sequence:
    """Items that a graph can compute from their number.

    Attributes:
        length: how many there are: an ``int``, or a staged scalar.
        slices: a pytree of arrays with ``length`` rows, given to ``item`` row by row (a scan goes through them).
        item: ``item(index, rows)`` is the item at ``index``.
        keep: a predicate that items have to pass (``filter``), or ``None``.
        optional: whether Python could go through them just as well.
        rows_of: the array whose rows they are, if it is one.
        counter: ``(start, stop, step)``, where the items are the numbers of a range and ``step`` is an ``int``: the
            loop can then count by them.
    """

    __slots__ = ("counter", "item", "keep", "length", "optional", "rows_of", "slices")

    def __init__(
        self,
        length: Any,
        item: Callable[[Any, Any], Any],
        slices: Any = None,
        keep: Callable[[Any], Any] | None = None,
        optional: bool = False,
        rows_of: Any = None,
    ) -> None:
        self.length, self.item, self.slices, self.keep = length, item, slices, keep
        self.optional, self.rows_of = optional, rows_of
        self.counter: tuple[Any, Any, int] | None = None

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.length, int):
            items = [self.item(index, row_of(self.slices, index)) for index in range(self.length)]
            return iter(items if self.keep is None else filter(self.keep, items))
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
    )


def zipped(parts: list[Sequence], length: Any, slices: list[Any]) -> Sequence:
    return Sequence(
        length,
        lambda index, rows: tuple(part.item(index, own) for part, own in zip(parts, rows, strict=True)),
        slices,
        optional=all(part.optional for part in parts),
    )


def mapped(function: Callable[..., Any], inner: Sequence, star: bool) -> Sequence:
    def item(index: Any, rows: Any) -> Any:
        value = inner.item(index, rows)
        return function(*value) if star else function(value)

    return Sequence(inner.length, item, inner.slices, inner.keep, optional=inner.optional)


def filtered(predicate: Callable[[Any], Any], inner: Sequence) -> Sequence:
    outer = inner.keep

    def keep(value: Any) -> Any:
        if outer is None:
            return predicate(value)
        from .logic import and_

        return and_(outer(value), lambda: predicate(value))

    return Sequence(inner.length, inner.item, inner.slices, keep, optional=inner.optional)


def backwards(inner: Sequence, flip: Callable[[Any], Any]) -> Sequence:
    return Sequence(
        inner.length,
        lambda index, rows: inner.item(inner.length - 1 - index, rows),
        flip(inner.slices),
        optional=inner.optional,
    )
