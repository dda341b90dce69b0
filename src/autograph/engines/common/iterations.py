"""Which iteration of which loop the program is in: said by the exceptions that a graph raises.

While a loop's body is traced, the loop and the number of its iteration are on ``CONTEXT.iterations``. An exception that
the graph is to raise takes the numbers along. Where none does, nobody has asked for the number, and the graph does not
count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...staging import formatting
from ...staging.state import CONTEXT
from .failures import Place


class Iteration:
    """An iteration that is being traced.

    Attributes:
        place: the header of the loop.
        number: what ``find`` makes the number of, counted from 0; staged, or Python's.
        is_wanted: whether an exception takes the number along.
        copies: how many there are of it in the graph.
    """

    __slots__ = ("copies", "find", "is_wanted", "number", "place")

    def __init__(self, place: Place | None, number: Any, find: Callable[[Any], int] = int) -> None:
        self.place, self.number, self.find = place, number, find
        self.is_wanted = False
        self.copies = 1


@contextmanager
def within(iteration: Iteration) -> Iterator[Iteration]:
    """While an iteration is traced."""
    CONTEXT.iterations.append(iteration)
    try:
        yield iteration
    finally:
        CONTEXT.iterations.pop()


def from_counter(values: tuple[Any, Any, Any]) -> int:
    """The number of the iteration in which a range that counts has come to a value."""
    value, start, step = values
    return (int(value) - int(start)) // int(step)


def taken_along() -> tuple[list[Any], Callable[[Sequence[Any]], str]]:
    """The staged numbers of the iterations that are being traced, and what says which they are."""
    iterations: list[Iteration] = [found for found in CONTEXT.iterations if found.place is not None]
    for iteration in iterations:
        iteration.is_wanted = True
    leaves, rebuild = formatting.split(tuple(iteration.number for iteration in iterations))
    places = [(iteration.place, iteration.find) for iteration in iterations]

    def say(values: Sequence[Any]) -> str:
        return description(
            [(place, find(number)) for (place, find), number in zip(places, rebuild(values), strict=True)]
        )

    return leaves, say


def header_of(place: Place) -> str:
    """The header of a loop, behind the number of its iteration."""
    return f"of `{place.text}` ({place})"


def description(iterations: Sequence[tuple[Place | None, int]]) -> str:
    """The note for an exception: each loop's line and iteration, from the outermost in."""
    parts = [f"iteration {number} {header_of(place)}" for place, number in iterations if place is not None]
    return f"In {', '.join(parts)}; the first iteration is 0" if parts else ""
