"""Lists that a graph can fill.

A list made by converted code while a graph is being built (``items = []``) is a ``TensorList``. It is an ordinary list
of values until a staged loop or branch changes its length; from then on its values lie in a ``Buffer``, one array for
each leaf of an element, with a length that may be staged. It stays the same object throughout, so all names for it see
each change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, SupportsIndex

from ..engines.base import active_engine, engine
from ..errors import StagingError
from .state import Content, about_to_write, was_born


def _jax() -> Any:
    return engine("jax")


class Buffer:
    """Elements stacked along a new first axis, of which the first ``length`` count.

    Attributes:
        data: a pytree like one element, each leaf of shape ``[capacity, ...]``.
        length: an ``int``, or a staged scalar.
        mode: ``"free"`` if the buffer grows with each element that it may get, ``"room"`` if it has room for all that
            a loop will add, ``"fixed"`` if its capacity is the user's word, which is checked when the graph runs.
        bound: how long it can be by now, where that is known to be less than its capacity.
    """

    __slots__ = ("bound", "data", "length", "mode")

    def __init__(self, data: Any, length: Any, mode: str = "free", bound: int | None = None) -> None:
        self.data, self.length, self.mode, self.bound = data, length, mode, bound

    @property
    def capacity(self) -> int:
        return _jax().leading_size(self.data)

    @staticmethod
    def of(content: Buffer | list[Any], capacity: int, like: Buffer) -> Buffer:
        """``content`` with room for ``capacity`` elements; an empty list takes the element type of ``like``."""
        jax = _jax()
        if isinstance(content, Buffer):
            if content.capacity == capacity:
                return content
            return Buffer(jax.grown(content.data, capacity), content.length)
        if content:
            return Buffer(jax.grown(jax.stack_trees(content), capacity), len(content))
        return Buffer(jax.empty_like(like.data, capacity), 0)


class TensorList(list):
    """A list of the program's whose length or contents the graph may decide."""

    __ag_engine__ = "jax"
    __hash__ = None

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self._buffer: Buffer | None = None
        self._element: tuple[tuple[int, ...], Any] | None = None

    @classmethod
    def of(cls, content: Buffer | list[Any]) -> TensorList:
        """A list with this content."""
        new = cls()
        new.__ag_set_content__(content)
        return new

    # What the journal and the engine see.

    def __ag_content__(self) -> Buffer | list[Any]:
        return self._buffer if self._buffer is not None else list(super().__iter__())

    def __ag_set_content__(self, content: Buffer | list[Any]) -> None:
        super().clear()
        self._buffer = None
        if isinstance(content, Buffer):
            self._buffer = content
        else:
            super().extend(content)

    def is_buffered(self) -> bool:
        return self._buffer is not None

    def plain(self) -> list[Any] | None:
        """The same as a list of Python's, if nothing about it is staged."""
        if self._buffer is None:
            return list(super().__iter__())
        return _jax().concrete_items(self._buffer)

    def reserve(self, element: Any, capacity: int) -> None:
        """Makes the list a buffer for ``capacity`` elements like ``element`` (an array or a pytree of them)."""
        content = self.__ag_content__()
        about_to_write(Content(self))
        like = Buffer(_jax().stack_trees([element]), 1)
        buffer = Buffer.of(content, capacity, like)
        self.__ag_set_content__(Buffer(buffer.data, buffer.length, "fixed"))

    def staged_length(self) -> Any:
        return len(self) if self._buffer is None else self._buffer.length

    def stack(self) -> Any:
        """All elements in one array (a pytree of arrays, if the elements are pytrees), along a new first axis."""
        if self._buffer is None:
            return _jax().stack_trees(list(super().__iter__()))
        if isinstance(self._buffer.length, int):
            return _jax().first(self._buffer.data, self._buffer.length)
        return self._buffer.data

    # What the program sees.

    def __len__(self) -> int:
        if self._buffer is None:
            return super().__len__()
        length = self._buffer.length
        if isinstance(length, int) or not _jax().is_staged(length):
            return int(length)
        raise StagingError(
            "the length of this list is decided by the graph, and here Python needs it as a number. "
            "In converted code, write len(items)"
        )

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[Any]:
        if self._buffer is None:
            return super().__iter__()
        plain = self.plain()
        return iter(plain if plain is not None else [self[index] for index in range(len(self))])

    def __repr__(self) -> str:
        if self._buffer is None:
            return super().__repr__()
        plain = self.plain()
        return repr(plain) if plain is not None else f"<list of {self._buffer.length} staged elements>"

    def __eq__(self, other: object) -> Any:
        if self._buffer is None:
            return super().__eq__(other)
        plain = self.plain()
        return self is other if plain is None else plain == other

    def __contains__(self, value: object) -> bool:
        if self._buffer is None:
            return super().__contains__(value)
        return bool(_jax().contains(self.stack(), value))

    def __getitem__(self, index: Any) -> Any:
        if self._buffer is None:
            if _jax().is_staged(index):
                return _jax().get_at(_jax().stack_trees(list(super().__iter__())), index)
            return super().__getitem__(index)
        length = self._buffer.length
        if isinstance(index, slice):
            return list(self)[index]
        if isinstance(index, int):
            if isinstance(length, int):
                if not -length <= index < length:
                    raise IndexError("list index out of range")
                return _jax().get_at(self._buffer.data, index % length if length else index)
            return _jax().get_at(self._buffer.data, index if index >= 0 else length + index)
        return _jax().get_at(self._buffer.data, _jax().wrapped_index(index, length))

    def __setitem__(self, index: Any, value: Any) -> None:
        about_to_write(Content(self))
        if self._buffer is None and not _jax().is_staged(index):
            super().__setitem__(index, value)
            return
        content = self.__ag_content__()
        if isinstance(content, list):
            data = _jax().set_at(_jax().stack_trees(content), _jax().wrapped_index(index, len(content)), value)
            self.__ag_set_content__(_jax().unstack(data, len(content)))
            return
        where = _jax().wrapped_index(index, content.length)
        self._buffer = Buffer(_jax().set_at(content.data, where, value), content.length, content.mode, content.bound)

    def declare(self, shape: tuple[int, ...], dtype: Any) -> None:
        """Says what the elements are; what is appended from now on becomes that."""
        self._element = shape, dtype

    def append(self, value: Any) -> None:
        about_to_write(Content(self))
        if self._element is not None:
            value = _jax().as_element(value, *self._element)
        if self._buffer is None:
            super().append(value)
            return
        old = self._buffer
        data, length, capacity, bound = old.data, old.length, old.capacity, old.bound
        if isinstance(length, int):
            if length >= capacity:
                data = _jax().grown(data, max(2 * capacity, length + 1))
        elif old.mode == "fixed":
            _jax().check(length < capacity, lambda: _full(capacity))
        elif old.mode == "free":
            bound = (capacity if bound is None else bound) + 1
            if bound > capacity:
                data = _jax().grown(data, bound)
        self._buffer = Buffer(_jax().set_at(data, length, value), length + 1, old.mode, bound)

    def pop(self, index: SupportsIndex = -1) -> Any:
        about_to_write(Content(self))
        if self._buffer is None:
            return super().pop(index)
        if index != -1:
            return self._materialised().pop(index)
        length = self._buffer.length
        if isinstance(length, int):
            if not length:
                raise IndexError("pop from empty list")
        else:
            _jax().check(length > 0, lambda: IndexError("pop from empty list"))
        value = _jax().get_at(self._buffer.data, length - 1)
        self._buffer = Buffer(self._buffer.data, length - 1, self._buffer.mode, self._buffer.bound)
        return value

    def extend(self, values: Iterable[Any]) -> None:
        for value in list(self) if values is self else values:
            self.append(value)

    def _materialised(self) -> TensorList:
        """Turns a buffer of known length back into separate elements."""
        items = list(self)
        about_to_write(Content(self))
        self.__ag_set_content__(items)
        return self

    def insert(self, index: SupportsIndex, value: Any) -> None:
        about_to_write(Content(self))
        list.insert(self._materialised(), index, value)

    def remove(self, value: Any) -> None:
        about_to_write(Content(self))
        list.remove(self._materialised(), value)

    def clear(self) -> None:
        about_to_write(Content(self))
        self.__ag_set_content__([])

    def reverse(self) -> None:
        about_to_write(Content(self))
        list.reverse(self._materialised())

    def sort(self, **options: Any) -> None:
        about_to_write(Content(self))
        list.sort(self._materialised(), **options)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        # As pickle does for a list: an empty one first, so that a list may contain itself.
        return list, (), None, iter(self)

    def copy(self) -> TensorList:
        return TensorList.of(self.__ag_content__())

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> TensorList:
        if self._buffer is not None:
            return self.copy()  # arrays do not change
        made = TensorList()
        was_born(made)
        memo[id(self)] = made
        for value in self:
            made.append(deepcopy(value, memo))
        return made

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __iadd__(self, other: Any) -> TensorList:
        self.extend(other)
        return self

    def __delitem__(self, index: Any) -> None:
        about_to_write(Content(self))
        list.__delitem__(self._materialised(), index)


def _full(capacity: int) -> Exception:
    return IndexError(f"append to a list that is full: its capacity is {capacity} (see ag.set_element_type)")


def new_list() -> list[Any]:
    """``[]``"""
    if active_engine() is None:
        return []
    made = TensorList()
    was_born(made)
    return made
