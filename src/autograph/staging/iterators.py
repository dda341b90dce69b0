"""``iter(items)`` and ``next(it)`` while a graph is being built.

An iterator of Python's gives each item once, also to a trace that comes to nothing. One of these is an object like any
other: how far it has got is an attribute, which a region can change and have put back, and which the graph may decide.
"""

from __future__ import annotations

from typing import Any

from ..engines.base import active_engine
from ..errors import StagingError
from .branch import if_exp
from .dispatch import staged
from .lists import TensorList, raised_here
from .state import Attribute, about_to_write, was_born

_AT_END = 2**31 - 1


class Iterator:
    """Goes through a list, a tuple, a range or an array; ``position`` is the number of items that are taken."""

    __slots__ = ("items", "position")

    def __init__(self, items: Any) -> None:
        self.items = items
        self.position: Any = 0
        was_born(self)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        if staged(self.position) is not None or staged(self._length()) is not None:
            raise StagingError(
                "the graph decides how far this iterator has got, so that Python cannot go through the rest of it; "
                "write a while statement with next(it, default)"
            )
        return self.take()

    def __length_hint__(self) -> int:
        return max(0, len(self.items) - int(self.position))

    def __setstate__(self, position: int) -> None:
        about_to_write(Attribute(self, "position"))
        self.position = max(0, position)

    def __reduce__(self) -> Any:
        plain = iter(self.items)
        if isinstance(self.position, int) and hasattr(plain, "__setstate__"):
            plain.__setstate__(self.position)
        return plain.__reduce__()

    def _length(self) -> Any:
        from .builtins import len_

        return len_(self.items)

    def take(self, *default: Any) -> Any:
        """The next item; ``default``, or a ``StopIteration``, behind the last one."""
        more = self.position < self._length()
        if staged(more) is not None:
            if default:
                return if_exp(more, self._taken, lambda: default[0])
            engine = active_engine()
            assert engine is not None
            engine.check(more, StopIteration)
        elif not more:
            # One that has come to its end has no more items, whatever its list gets.
            about_to_write(Attribute(self, "position"))
            self.position = _AT_END
            if default:
                return default[0]
            raise raised_here(StopIteration())
        return self._taken()

    def _taken(self) -> Any:
        from .mutation import item

        value = item(self.items, self.position)
        about_to_write(Attribute(self, "position"))
        self.position = self.position + 1
        return value


def iterator_of(iterable: Any) -> Any:
    """``iter(iterable)``, as an ``Iterator`` where items can be had by their number."""
    if type(iterable) in (list, tuple, range, TensorList):
        return Iterator(iterable)
    if getattr(iterable, "ndim", 0) and (staged(iterable) is not None or type(iterable).__module__ == "numpy"):
        return Iterator(iterable)
    return iter(iterable)
