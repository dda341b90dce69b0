"""Lists that a graph can fill.

A list made by converted code while a graph is being built (``items = []``) is a ``TensorList``. It is an ordinary list
of values until a staged loop or branch changes its length; from then on its values lie in a ``Buffer``, one array for
each leaf of an element, with a length that may be staged. It stays the same object throughout, so all names for it see
each change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any, SupportsIndex, TypeGuard

from ..engines.base import active_engine, engine
from ..errors import StagingError
from .state import CONTEXT, Content, about_to_write, was_born


def _engine() -> Any:
    """The engine that is building a graph; a list that has left one is of arrays that JAX knows."""
    return active_engine() or engine("jax")


class Buffer:
    """Elements stacked along a new first axis, of which the first ``length`` count.

    A buffer does not change: what changes it gives a new one. An engine with a better form for lists derives its own.

    Attributes:
        data: a pytree like one element, each leaf of shape ``[capacity, ...]``.
        length: an ``int``, or a staged scalar.
        mode: ``"free"`` if the buffer grows with each element that it may get, ``"room"`` if it has room for all that
            a loop will add, ``"fixed"`` if its capacity is the user's word, which is checked when the graph runs. An
            object is told of each length (``require``) and of each look at the elements (``is_read``).
        bound: how long it can be by now, where that is known to be less than its capacity.
    """

    __slots__ = ("bound", "data", "items", "length", "mode", "since")

    def __init__(self, data: Any, length: Any, mode: Any = "free", bound: int | None = None) -> None:
        self.data, self.length, self.mode, self.bound = data, length, mode, bound
        self.items: list[Any] | None = None
        """The rows each for itself, where they are still known."""
        self.since: tuple[Any, int] | None = None
        """An earlier point of the program, and how many elements more there are than at that point."""

    @property
    def capacity(self) -> Any:
        return _engine().leading_size(self.data)

    @staticmethod
    def of(content: Buffer | list[Any], capacity: int, like: Buffer) -> Buffer:
        """``content`` with room for ``capacity`` elements; an empty list takes the element type of ``like``."""
        building = _engine()
        if isinstance(content, Buffer):
            if content.capacity == capacity:
                return content
            return Buffer(building.grown(content.data, capacity), content.length)
        if content:
            return Buffer(building.grown(building.stack_trees(content), capacity), len(content))
        return Buffer(building.empty_like(like.data, capacity), 0)

    def get(self, index: Any) -> Any:
        """The element at an index that counts from the start."""
        self.looked_at()
        return _engine().get_at(self.data, index)

    def put(self, index: Any, value: Any) -> Buffer:
        """The same elements but for the one at an index that counts from the start."""
        new = Buffer(_engine().set_at(self.data, index, value), self.length, self.mode, self.bound)
        return new.longer_than(self, 0)

    def longer_than(self, before: Buffer, count: int) -> Any:
        """This buffer, which is ``before`` with so many elements more."""
        if before.since is not None:
            self.since = before.since[0], before.since[1] + count
        return self

    def looked_at(self) -> None:
        """To be called where the program uses what the elements are."""
        if not isinstance(self.mode, str):
            self.mode.is_read = True

    def append(self, value: Any) -> Buffer:
        building = _engine()
        data, length, capacity, bound = self.data, self.length, self.capacity, self.bound
        if isinstance(length, int):
            if length >= capacity:
                data = building.grown(data, max(2 * capacity, length + 1))
        elif self.mode == "fixed":
            building.check(length < capacity, lambda: _full(capacity))
        elif self.mode == "free":
            bound = (capacity if bound is None else bound) + 1
            if bound > capacity:
                data = building.grown(data, bound)
        if not isinstance(self.mode, str):
            self.mode.require(length + 1)
        return Buffer(building.set_at(data, length, value), length + 1, self.mode, bound).longer_than(self, 1)

    def pop(self) -> tuple[Any, Buffer]:
        """The last element, and the others."""
        last = self.length - 1
        return self.get(last), Buffer(self.data, last, self.mode, self.bound).longer_than(self, -1)

    def stack(self) -> Any:
        """The elements in one array; with a staged length, all of the rows."""
        self.looked_at()
        if isinstance(self.length, int):
            return _engine().first(self.data, self.length)
        if CONTEXT.rooms is not None and CONTEXT.rooms.owner.has_open_sizes:
            raise StagingError(
                "how many rows this list has in one array is known for known sizes of the arguments only"
            )
        return self.data


class TensorList(list):
    """A list of the program's whose length or contents the graph may decide."""

    __ag_engine__ = True
    __hash__ = None

    def __init__(self, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self._buffer: Buffer | None = None
        self._element: tuple[tuple[int, ...], Any] | None = None
        self.place: tuple[str, int, str] | None = None
        """The user's line that made the list: file, number, function."""
        was_born(self)

    @staticmethod
    def of(content: Buffer | list[Any]) -> TensorList:
        """A list with this content."""
        new = TensorList()
        was_born(new)
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

    def rows(self) -> list[Any] | None:
        """The elements of a buffer each for itself, those behind the last one too, where they are still known."""
        return None if self._buffer is None else self._buffer.items

    def plain(self) -> list[Any] | None:
        """The same as a list of Python's, if nothing about it is staged."""
        if self._buffer is None:
            return list(super().__iter__())
        return _engine().concrete_items(self._buffer)

    def kind_outside(self) -> Callable[[list[Any]], Any]:
        """What makes of the elements that which the program has once it has left the graph."""
        return list

    def reserve(self, element: Any, capacity: int) -> None:
        """Makes the list a buffer for ``capacity`` elements like ``element`` (an array or a pytree of them)."""
        content = self.__ag_content__()
        about_to_write(Content(self))
        self.__ag_set_content__(_engine().reserved(content, element, capacity))

    def staged_length(self) -> Any:
        return len(self) if self._buffer is None else self._buffer.length

    def stack(self) -> Any:
        """All elements in one array (a pytree of arrays, if the elements are pytrees), along a new first axis."""
        if self._buffer is None:
            return _engine().stack_trees(list(super().__iter__()))
        return self._buffer.stack()

    # What the program sees.

    def __len__(self) -> int:
        if self._buffer is None:
            return super().__len__()
        length = self._buffer.length
        if isinstance(length, int) or not _engine().is_staged(length):
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
        open_lists = equal_lists(self, other) if isinstance(other, list) else None
        if open_lists is not None:
            return open_lists
        if self._buffer is None:
            return super().__eq__(other)
        plain = self.plain()
        return self is other if plain is None else plain == other

    def __ne__(self, other: object) -> Any:
        open_lists = equal_lists(self, other) if isinstance(other, list) else None
        if open_lists is not None:
            return not open_lists if isinstance(open_lists, bool) else _engine().logical_not(open_lists)
        return super().__ne__(other) if self._buffer is None else not self == other

    def __contains__(self, value: object) -> bool:
        if self._buffer is None:
            return super().__contains__(value)
        return bool(_engine().contains(self.stack(), value))

    def __getitem__(self, index: Any) -> Any:
        if self._buffer is None:
            if _engine().is_staged(index):
                check_index(index, super().__len__(), "list index out of range")
                return _engine().get_at(_engine().stack_trees(list(super().__iter__())), index)
            return super().__getitem__(index)
        length = self._buffer.length
        if isinstance(index, slice):
            known = isinstance(length, int) and not any(map(_engine().is_staged, (index.start, index.stop)))
            changes = None if known else _changes()
            return list(self)[index] if changes is None else TensorList.of(changes.part(self._buffer, index))
        if isinstance(index, int):
            if isinstance(length, int):
                if not -length <= index < length:
                    raise raised_here(IndexError("list index out of range"))
                return self._buffer.get(index % length if length else index)
            check_index(index, length, "list index out of range")
            return self._buffer.get(index if index >= 0 else length + index)
        check_index(index, length, "list index out of range")
        return self._buffer.get(_engine().wrapped_index(index, length))

    def __setitem__(self, index: Any, value: Any) -> None:
        about_to_write(Content(self))
        if self._buffer is None and not _engine().is_staged(index):
            super().__setitem__(index, value)
            return
        content = self.__ag_content__()
        length = len(content) if isinstance(content, list) else content.length
        check_index(index, length, "list assignment index out of range")
        about_to_write(Content(self))  # once more: an exception that may be under way here begins a journal
        if isinstance(content, list):
            data = _engine().set_at(_engine().stack_trees(content), _engine().wrapped_index(index, len(content)), value)
            self.__ag_set_content__(_engine().unstack(data, len(content)))
            return
        self._buffer = content.put(_engine().wrapped_index(index, content.length), value)

    def declare(self, shape: tuple[int, ...], dtype: Any) -> None:
        """Says what the elements are; what is appended from now on becomes that."""
        self._element = shape, dtype

    def append(self, value: Any) -> None:
        about_to_write(Content(self))
        if self._element is not None:
            value = _engine().as_element(value, *self._element)
        if self._buffer is None:
            super().append(value)
            return
        longer = self._buffer.append(value)
        about_to_write(Content(self))
        self._buffer = longer

    def pop(self, index: SupportsIndex = -1) -> Any:
        about_to_write(Content(self))
        if self._buffer is None and not _engine().is_staged(index):
            if not super().__len__():
                raise raised_here(IndexError("pop from empty list"))
            return super().pop(index)
        if not isinstance(index, int) or index != -1:
            return self._take(index, "pop index out of range")
        assert self._buffer is not None
        length = self._buffer.length
        if isinstance(length, int):
            if not length:
                raise raised_here(IndexError("pop from empty list"))
        else:
            _engine().check(length > 0, lambda: IndexError("pop from empty list"))
            about_to_write(Content(self))
        value, self._buffer = self._buffer.pop()
        return value

    def _take(self, index: Any, complaint: str) -> Any:
        """Takes the element at any index out; ``complaint`` is about one that is out of range."""
        changes = _changes()
        if changes is None:
            return self._materialised().pop(index)
        length = self._as_buffer().length
        check_index(index, length, complaint, is_read=False)
        about_to_write(Content(self))
        buffer = self._as_buffer()
        place = _engine().wrapped_index(index, length)
        self._buffer = changes.deleted(buffer, place)
        return buffer.get(place)

    def extend(self, values: Iterable[Any]) -> None:
        other = values.__ag_content__() if isinstance(values, TensorList) else None
        if isinstance(other, Buffer) and not isinstance(other.length, int):
            self._join(other)
            return
        for value in list(self) if values is self else values:
            self.append(value)

    def _join(self, other: Buffer) -> None:
        about_to_write(Content(self))
        own, changes = self.__ag_content__(), _changes()
        if changes is None:
            raise StagingError("a list whose length the graph decides cannot be added to another one here")
        other.looked_at()
        if isinstance(own, list):
            own = changes.like(own, other, 0)
        self._buffer = changes.joined(own, other)

    def _materialised(self) -> TensorList:
        """Turns a buffer of known length back into separate elements."""
        items = list(self)
        about_to_write(Content(self))
        self.__ag_set_content__(items)
        return self

    def insert(self, index: SupportsIndex, value: Any) -> None:
        about_to_write(Content(self))
        changes = _changes()
        if changes is None or (self._buffer is None and not _engine().is_staged(index)):
            list.insert(self._materialised(), index, value)
            return
        content = self.__ag_content__()
        if isinstance(content, list):
            content = changes.like(content, _stacked([value]), 1)
        self.__ag_set_content__(changes.inserted(content, index, value))

    def remove(self, value: Any) -> None:
        about_to_write(Content(self))
        changes = _changes()
        if changes is None or (self._buffer is None and not _any_staged([value, *super().__iter__()])):
            list.remove(self._materialised(), value)
            return
        buffer = self._as_buffer()
        found, index = changes.first_match(buffer, value)
        _engine().check(found, lambda: ValueError("list.remove(x): x not in list"))
        about_to_write(Content(self))
        self._buffer = changes.deleted(buffer, index)

    def index(self, value: Any, *limits: Any) -> Any:
        from .builtins import repr_ as shown

        changes = _changes()
        if changes is None or limits or (self._buffer is None and not _any_staged([value, *super().__iter__()])):
            return list(self).index(value, *limits)
        content = self.__ag_content__()
        found, index = changes.first_match(content if isinstance(content, Buffer) else _stacked(content), value)
        _engine().check(found, lambda: ValueError(f"{shown(value)} is not in list"))
        return index

    def count(self, value: Any) -> Any:
        changes = _changes()
        if changes is None or (self._buffer is None and not _any_staged([value, *super().__iter__()])):
            return list(self).count(value)
        content = self.__ag_content__()
        return changes.matches(content if isinstance(content, Buffer) else _stacked(content), value)

    def _as_buffer(self) -> Buffer:
        """The content as a buffer, which it is from now on."""
        if self._buffer is None:
            self.__ag_set_content__(_stacked(list(super().__iter__())))
        assert self._buffer is not None
        return self._buffer

    def clear(self) -> None:
        about_to_write(Content(self))
        if self._buffer is not None and _changes() is not None:
            self._buffer = _changes().emptied(self._buffer)
            return
        self.__ag_set_content__([])

    def reverse(self) -> None:
        about_to_write(Content(self))
        changes = _changes()
        if self._buffer is None or changes is None:
            list.reverse(self._materialised())
        else:
            self._buffer = changes.backwards(self._buffer)

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        about_to_write(Content(self))
        changes = _changes()
        if changes is None or (self._buffer is None and not _any_staged(list(super().__iter__()))):
            list.sort(self._materialised(), key=key, reverse=reverse)
        elif len(self) if self._buffer is None else True:
            was_list, count = self._buffer is None, super().__len__()
            buffer = changes.ordered(self._as_buffer(), key, bool(reverse))
            self.__ag_set_content__(changes.elements(buffer, count) if was_list else buffer)

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
        if isinstance(other, list) and (_has_open_length(self) or _has_open_length(other)):
            both = self.copy()
            both.extend(other)
            return both
        return [*self, *other] if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, list) and _has_open_length(self):
            both = TensorList.of(list(other))
            both.extend(self)
            return both
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        if self._buffer is None and not _engine().is_staged(times):
            return super().__mul__(times)
        changes = _changes()
        if not _has_open_length(self) and not _engine().is_staged(times):
            return list(self) * times
        if changes is None or (self._buffer is None and not len(self)):
            return []
        return TensorList.of(changes.repeated(self.copy()._as_buffer(), times))

    __rmul__ = __mul__

    def __imul__(self, times: Any) -> TensorList:
        about_to_write(Content(self))
        self.__ag_set_content__((self * times).__ag_content__() if _has_open_length(self) else list(self * times))
        return self

    def __iadd__(self, other: Any) -> TensorList:
        self.extend(other)
        return self

    def __delitem__(self, index: Any) -> None:
        about_to_write(Content(self))
        if isinstance(index, slice) or _changes() is None:
            list.__delitem__(self._materialised(), index)
        elif self._buffer is None and not _engine().is_staged(index):
            super().__delitem__(index)
        else:
            self._take(index, "list assignment index out of range")


def is_tensor_list(value: Any) -> TypeGuard[TensorList]:
    """Whether ``value`` is a list (or queue) that a graph can fill; it is not asked for its ``__class__``."""
    return issubclass(type(value), TensorList)


def _changes() -> Any:
    """What the engine that is building a graph does to buffers; ``None`` where lists have a form of its own."""
    return getattr(_engine(), "buffers", None)


def _any_staged(items: list[Any]) -> bool:
    engine = _engine()
    return any(engine.is_staged(item) for item in items)


def _has_open_length(value: list[Any]) -> bool:
    content = value.__ag_content__() if isinstance(value, TensorList) else None
    return isinstance(content, Buffer) and not isinstance(content.length, int)


def _stacked(items: list[Any]) -> Buffer:
    return _engine().buffers.of(items)


def equal_lists(left: list[Any], right: list[Any]) -> Any:
    """``left == right`` of two lists, if the graph decides how long one of them is; otherwise ``None``."""
    if not (_has_open_length(left) or _has_open_length(right)) or _changes() is None:
        return None
    contents = [part.__ag_content__() if isinstance(part, TensorList) else list(part) for part in (left, right)]
    buffers = [content if isinstance(content, Buffer) else _stacked(content) for content in contents if content]
    if len(buffers) == 1:
        return buffers[0].length == 0
    return _changes().equal(*buffers)


def check_index(index: Any, length: Any, complaint: str, *, is_read: bool = True) -> None:
    """Makes a call of ``ag.function`` end with an ``IndexError`` where the graph finds an index out of range.

    ``is_read`` says that an element is going to be read there, which TensorFlow checks by itself.
    """
    engine = _engine()
    if CONTEXT.rooms is not None or CONTEXT.scopes or (not is_read and engine.name == "tensorflow"):
        if engine.is_staged(index):
            inside = (index >= -length) & (index < length)
        else:
            inside = length > index if index >= 0 else length >= -index
        engine.check(inside, lambda: IndexError(complaint))


def raised_here(error: Exception) -> Exception:
    """An exception that is what the program does on this path, rather than a mistake in the tracing of it."""
    if not CONTEXT.probes:
        error.__ag_raised__ = True  # type: ignore[attr-defined]
    return error


def _full(capacity: int) -> Exception:
    return IndexError(f"append to a list that is full: its capacity is {capacity} (see ag.set_element_type)")


def new_list(items: list[Any] | None = None) -> list[Any]:
    """``[]``, or a list that the program has just made and is going to change."""
    if active_engine() is None:
        return [] if items is None else items
    if items is not None and type(items) is not list:
        return items
    made = TensorList(items or ())
    frame = sys._getframe(1)
    made.place = frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
    was_born(made)
    return made
