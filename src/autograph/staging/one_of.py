"""One of several objects that exist already: ``account = a if x > 0 else b``, ``accounts[i]``, ``node = node.next``.

The graph knows which by a number. Reading an attribute selects among the objects' attributes, and an assignment or the
call of a method is done for each object under the condition that it is the one: whatever the name, the object itself
changes, and all who hold it see that. Objects that a path makes for itself are merged attribute by attribute instead
(``unify.py``): nobody else can hold them.
"""

from __future__ import annotations

import itertools
import operator
import weakref
from collections.abc import Callable, Container, Sequence
from types import FunctionType
from typing import Any

from ..errors import StagingError
from .choice import nothing
from .dispatch import do_nothing, staged
from .records import is_frozen, record_of
from .state import was_born
from .values import ARITHMETIC, PLACEHOLDER, Maybe

_CONTAINERS = (list, dict, set)
_codes = itertools.count(1)


class Entry:
    """An object, and the number by which graphs know it for as long as a choice with it exists."""

    __slots__ = ("__weakref__", "code", "value")

    def __init__(self, value: Any) -> None:
        self.value, self.code = value, next(_codes)


_entries: weakref.WeakValueDictionary[int, Entry] = weakref.WeakValueDictionary()


def _entry(value: Any) -> Entry:
    entry = _entries.get(id(value))
    if entry is None or entry.value is not value:
        entry = _entries[id(value)] = Entry(value)
    return entry


class OneOf:
    """The object among those of ``entries`` whose code is ``number``, which is staged."""

    __slots__ = ("entries", "number")
    __ag_engine__ = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, entries: tuple[Entry, ...], number: Any) -> None:
        object.__setattr__(self, "entries", entries)
        object.__setattr__(self, "number", number)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks
        kinds = {type(entry.value) for entry in self.entries}
        kind = kinds.pop()
        return OneOf if kinds or issubclass(kind, _CONTAINERS) else kind

    def __repr__(self) -> str:
        return f"<one of {', '.join(type(entry.value).__name__ for entry in self.entries)}>"

    def is_it(self, value: Any) -> Any:
        """Whether ``value`` is the object."""
        if type(value) is OneOf:
            result: Any = False
            for entry in self.entries:
                result = _or(result, _and(self._test(entry), value.is_it(entry.value)))
            return result
        entry = next((entry for entry in self.entries if entry.value is value), None)
        return False if entry is None else self._test(entry)

    def _test(self, entry: Entry) -> Any:
        return self.number == entry.code

    def change(self, function: Callable[[Any], Any]) -> None:
        """Calls ``function`` with the object, for what it does to it."""
        if isinstance(self.number, int):
            function(self._only())
            return
        for entry in self.entries:
            engine: Any = staged(self.number)
            engine.cond(self._test(entry), lambda value=entry.value: nothing(function(value)), do_nothing, (), [])

    def each(self, function: Callable[[Any], Any]) -> Any:
        """``function`` of the object, which may change it."""
        if isinstance(self.number, int):
            return function(self._only())
        result: Any = PLACEHOLDER
        for entry in self.entries:
            engine: Any = staged(self.number)
            result = engine.cond(
                self._test(entry), lambda value=entry.value: function(value), lambda result=result: result, None, []
            )
        return result

    def _only(self) -> Any:
        return next(entry.value for entry in self.entries if entry.code == self.number)

    def read(self, name: str) -> Any:
        """The attribute ``name`` of the object."""
        from .mutation import attribute as get
        from .mutation import is_computed

        if any(isinstance(entry.value, _CONTAINERS) for entry in self.entries):
            return Method(self, name)
        found = [_member(entry.value, name) for entry in self.entries]
        if any(isinstance(member, FunctionType) for member in found):
            return Method(self, name)
        if any(is_computed(entry.value, name) for entry in self.entries):
            return self.each(lambda value: get(value, name))
        values = [get(entry.value, name) for entry in self.entries]
        if all(value is values[0] for value in values):
            return values[0]
        if all(isinstance(value, _CONTAINERS) for value in values):
            held = [_entry(value) for value in values]
            return OneOf(tuple(dict.fromkeys(held)), self.select([entry.code for entry in held]))
        return self.select(values)

    def select(self, values: Sequence[Any]) -> Any:
        """The one of ``values`` that stands where the object does among ``entries``."""
        from .branch import if_exp

        result = values[0]
        for entry, value in zip(self.entries[1:], values[1:], strict=True):
            result = if_exp(self._test(entry), lambda value=value: value, lambda result=result: result)
        return result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self.read(name)

    def __setattr__(self, name: str, value: Any) -> None:
        from .mutation import set_attribute

        set_attribute(value, self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .calls import call

        return self.each(lambda value: call(value)(*args, **kwargs))

    def __getitem__(self, key: Any) -> Any:
        from .mutation import item

        return self.each(lambda value: item(value, key))

    def __eq__(self, other: object) -> Any:
        from .logic import truth
        from .operators import operate

        if not any(isinstance(type(entry.value).__eq__, FunctionType) for entry in self.entries):
            return self.is_it(other)
        return self.each(lambda value: truth(operate("==", value, other)))

    def __ne__(self, other: object) -> Any:
        from .logic import not_

        return not_(self == other)

    def __len__(self) -> int:
        from .builtins import len_

        length = self.each(len_)
        if isinstance(length, int):
            return length
        raise StagingError("the graph decides which object this is, and so its length. Write len(...) in each branch")

    def __iter__(self) -> Any:
        lengths = {len(e.value) if isinstance(e.value, list) and not is_buffered(e.value) else -1 for e in self.entries}
        if len(lengths) == 1 and lengths != {-1}:
            return iter([self[index] for index in range(*lengths)])
        raise StagingError(
            f"a loop goes through one of several objects ({', '.join(type(e.value).__name__ for e in self.entries)}), "
            "and the graph decides which. Write the loop in each branch, or in a method of the object"
        )


def _and(left: Any, right: Any) -> Any:
    from .logic import and_

    return and_(left, lambda: right)


def _or(left: Any, right: Any) -> Any:
    from .logic import or_

    return or_(left, lambda: right)


class Method:
    """A method of the object that the graph chooses."""

    __slots__ = ("_name", "_owner")

    def __init__(self, owner: OneOf, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .calls import call

        return self._owner.each(lambda value: call(getattr(value, self._name))(*args, **kwargs))


def _member(value: Any, name: str) -> Any:
    """The function that a class has under ``name``, if an object of it has no attribute of its own there."""
    if name in getattr(value, "__dict__", ()):
        return None
    found = next((kind.__dict__[name] for kind in type(value).__mro__ if name in kind.__dict__), None)
    return found if isinstance(found, FunctionType) else None


def _operation(symbol: str, reflected: bool) -> Callable[[OneOf, Any], Any]:
    def apply(self: OneOf, other: Any) -> Any:
        from .operators import operate

        if reflected:
            return self.each(lambda value: operate(symbol, other, value))
        return self.each(lambda value: operate(symbol, value, other))

    return apply


for _name, _symbol in ARITHMETIC.items():
    setattr(OneOf, f"__{_name}__", _operation(_symbol, False))
    setattr(OneOf, f"__r{_name}__", _operation(_symbol, True))
for _name, _symbol in {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(OneOf, f"__{_name}__", _operation(_symbol, False))
for _apply in (operator.neg, operator.pos, operator.abs, operator.invert):
    setattr(OneOf, f"__{_apply.__name__}__", lambda self, apply=_apply: self.each(apply))


def is_object(value: Any, types: Any) -> bool:
    """Whether ``value`` is an object of the user's that can change."""
    return type(value) is OneOf or (
        type(value) not in (tuple, list, dict)
        and types.is_object(value)
        and record_of(value) is not None
        and not is_frozen(value)
    )


def between(values: Sequence[Any], fresh: Container[int], types: Any) -> list[Any] | None:
    """The objects that several paths leave in one place as choices between the same ones.

    ``None`` if they are no objects, or if a path has made one for itself (``fresh`` has their identities).
    """
    entries: dict[Entry, None] = {}
    for value in values:
        if value is PLACEHOLDER:
            continue
        if not is_object(value, types):
            return None
        for entry in value.entries if type(value) is OneOf else (_entry(value),):
            if id(entry.value) in fresh:
                return None
            entries[entry] = None
    among = tuple(entries)
    return [
        value if value is PLACEHOLDER else OneOf(among, value.number if type(value) is OneOf else _entry(value).code)
        for value in values
    ]


def by_index(items: Sequence[Any], index: Any, types: Any) -> Any:
    """``items[index]`` for objects of the user's, some of which may be ``None``; ``index`` counts from the start.

    Gives ``NotImplemented`` for anything else.
    """
    if not items or not all(value is None or is_object(value, types) for value in items):
        return NotImplemented
    if any(type(value) is OneOf for value in items) or all(value is None for value in items):
        return NotImplemented
    from .lists import TensorList

    entries = [None if value is None else _entry(value) for value in items]
    number = TensorList([0 if entry is None else entry.code for entry in entries])[index]
    chosen = OneOf(tuple(dict.fromkeys(entry for entry in entries if entry is not None)), number)
    return Maybe(chosen, number != 0) if None in entries else chosen


def is_buffered(items: Any) -> bool:
    """Whether the elements of a list lie in one array."""
    from .lists import TensorList

    return isinstance(items, TensorList) and items.is_buffered()


def holds_containers(items: Any) -> bool:
    """Whether ``items`` is a list or tuple of what can be changed in place."""
    if not issubclass(type(items), list | tuple) or is_buffered(items) or not items:
        return False
    return all(isinstance(value, _CONTAINERS) or type(value) is OneOf or _is_users(value) for value in items)


def _is_users(value: Any) -> bool:
    return staged(value) is None and record_of(value) is not None and not is_frozen(value)


def each_at(items: Sequence[Any], index: Any, function: Callable[[Any], Any]) -> None:
    """Calls ``function`` with ``items[index]`` for what it does to it; ``index`` is staged."""
    from .lists import check_index

    check_index(index, len(items), "list index out of range")
    engine: Any = staged(index)
    place = engine.wrapped_index(index, len(items))
    for number, value in enumerate(items):
        engine.cond(place == number, lambda value=value: nothing(function(value)), do_nothing, (), [])


def with_own_copies(value: Any, born: Container[int]) -> Any:
    """At the end of a region: a choice with objects that were made in it becomes an object of its own."""
    if type(value) is Maybe and type(value.value) is OneOf:
        inner = with_own_copies(value.value, born)
        return value if inner is value.value else Maybe(inner, value.present)
    if type(value) is not OneOf or not any(id(entry.value) in born for entry in value.entries):
        return value
    return value.each(_copy)


def _copy(value: Any) -> Any:
    record = record_of(value)
    assert record is not None
    made = record.instance()
    was_born(made)
    return made


__all__ = ["OneOf", "between", "by_index", "is_object", "with_own_copies"]
