"""``collections.deque`` as a graph can fill it: a ``TensorList`` with both ends.

Taking from the left moves the other elements, which a graph does in one operation of the queue's size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import FunctionType
from typing import Any, SupportsIndex, cast

from ..engines.base import active_engine
from .branch import if_stmt
from .calls import REPLACEMENTS
from .lists import TensorList
from .state import was_born


class Queue(TensorList):
    """What ``deque()`` is while a graph is being built."""

    __hash__ = None
    __class__ = property(lambda self: deque)

    def __init__(self, items: Iterable[Any] = (), maxlen: int | None = None) -> None:
        super().__init__()
        if maxlen is not None and maxlen < 0:
            raise ValueError("maxlen must be non-negative")
        self.maxlen = maxlen
        self.extend(items)

    def _keep(self, end: int) -> None:
        """Drops an element from an ``end`` if there are too many."""
        if self.maxlen is not None:
            too_many = cast(FunctionType, lambda: self._drop(end))
            if_stmt(self.staged_length() > self.maxlen, too_many, None, ())

    def _drop(self, end: int) -> None:
        super().pop(end)

    def append(self, value: Any) -> None:
        super().append(value)
        self._keep(0)

    def appendleft(self, value: Any) -> None:
        super().insert(0, value)
        self._keep(-1)

    def extendleft(self, values: Iterable[Any]) -> None:
        for value in list(values):
            self.appendleft(value)

    def insert(self, index: SupportsIndex, value: Any) -> None:
        if self.maxlen is not None and self.staged_length() >= self.maxlen:
            raise IndexError("deque already at its maximum size")
        super().insert(index, value)

    def pop(self) -> Any:  # type: ignore[override]
        self._check_not_empty()
        return super().pop()

    def popleft(self) -> Any:
        self._check_not_empty()
        return super().pop(0)

    def _check_not_empty(self) -> None:
        length = self.staged_length()
        if isinstance(length, int):
            if not length:
                raise IndexError("pop from an empty deque")
            return
        engine = active_engine()
        assert engine is not None
        engine.check(length > 0, lambda: IndexError("pop from an empty deque"))

    def rotate(self, count: int = 1) -> None:
        def once() -> None:
            if count > 0:
                self.appendleft(self.pop())
            else:
                self.append(self.popleft())

        for _ in range(abs(count)):
            if_stmt(self.staged_length() > 1, cast(FunctionType, once), None, ())

    def __eq__(self, other: object) -> Any:
        return super().__eq__(list(other)) if isinstance(other, deque) else False

    def __ne__(self, other: object) -> Any:
        return super().__ne__(list(other)) if isinstance(other, deque) else True

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, deque):
            return NotImplemented
        both = self.copy()
        both.extend(other)
        return both

    def __mul__(self, times: Any) -> Any:
        return _queue(list(self) * times, self.maxlen)

    __rmul__ = __mul__

    def kind_outside(self) -> Callable[[list[Any]], Any]:
        return partial(deque, maxlen=self.maxlen)

    def copy(self) -> Queue:
        new = Queue(maxlen=self.maxlen)
        new.__ag_set_content__(self.__ag_content__())
        return new

    __copy__ = copy

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return deque, ((), self.maxlen), None, iter(self)

    def __repr__(self) -> str:
        ending = "" if self.maxlen is None else f", maxlen={self.maxlen}"
        return f"deque({super().__repr__()}{ending})" if self.plain() is not None else super().__repr__()


def _queue(iterable: Any = (), maxlen: int | None = None) -> Queue:
    made = Queue(iterable, maxlen)
    was_born(made)
    return made


REPLACEMENTS[deque] = _queue
