"""Staged values in text: ``print``, f-strings, and the messages of assertions and exceptions.

A staged value has no digits yet when an f-string is evaluated. The string then carries a mark in its place, and
whatever finally shows the string at run time (``print``, an exception) puts the value there, formatted as asked.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from .dispatch import active_engine, staged
from .values import Maybe

MARK = re.compile(r"<staged value (\d+)>")
_MAX_MARKS = 10_000

_marks: OrderedDict[int, tuple[Any, Callable[[Any], str]]] = OrderedDict()
_numbers = count(1)


class StagedText:
    """A staged value on its way into a string."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def _mark(self, show: Callable[[Any], str]) -> str:
        number = next(_numbers)
        _marks[number] = self._value, show
        while len(_marks) > _MAX_MARKS:
            _marks.popitem(last=False)
        return f"<staged value {number}>"

    def __str__(self) -> str:
        return self._value if isinstance(self._value, str) else self._mark(str)

    def __repr__(self) -> str:
        return self._mark(repr)

    def __format__(self, spec: str) -> str:
        return str(self) if not spec and isinstance(self._value, str) else self._mark(lambda value: format(value, spec))


def text(value: Any) -> Any:
    """``value``, on its way into an f-string."""
    if active_engine() is None:
        return value
    from .told import told  # which calls functions of the user's

    if issubclass(type(value), str):  # a class may compute ``__class__``, which Python does not look at here
        return StagedText(value) if MARK.search(value) else value
    return StagedText(value) if holds_staged(value) else told(value)


def shown(value: Any, conversion: str) -> Any:
    """``value!r`` or ``value!s``, on its way into an f-string that has still to format it."""
    return text(repr(text(value)) if conversion == "r" else str(text(value)))


def percent(pattern: str, values: Any) -> str:
    """``pattern % values``"""
    if not holds_staged(values):
        return pattern % values
    return StagedText(values)._mark(lambda concrete: pattern % concrete)


def holds_staged(value: Any) -> bool:
    """Whether ``value`` is staged, or a built-in container of something that is."""
    return active_engine() is not None and _holds_staged(value, ())


def _holds_staged(value: Any, around: tuple[Any, ...]) -> bool:
    kind = type(value)
    if kind is str:
        return False
    if staged(value) is not None:
        return True
    if any(value is outer for outer in around):
        return False  # a container that holds itself
    if issubclass(kind, BaseException):
        return _holds_staged((value.args, value.__dict__), (*around, value))
    if issubclass(kind, tuple | list | set | frozenset):
        return any(_holds_staged(item, (*around, value)) for item in value)
    return issubclass(kind, dict) and any(_holds_staged(item, (*around, value)) for item in dict.values(value))


def split(value: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The staged leaves in ``value``, and a function that puts concrete ones in their place.

    Marks in strings count as leaves too. What comes back is made of Python's own numbers and NumPy arrays, so that it
    prints as it would in a program that was never staged.
    """
    leaves: list[Any] = []

    def walk(part: Any) -> Callable[[Sequence[Any]], Any]:
        if isinstance(part, str):
            return _text_of(part, walk)
        if type(part) is Maybe:
            present, inner = walk(part.present), walk(part.value)
            return lambda values: inner(values) if present(values) else None
        engine = staged(part)
        if engine is not None:
            data, show = engine.to_host(part)
            start = len(leaves)
            leaves.extend(data)
            stop = len(leaves)
            return lambda values: show(values[start:stop])
        if isinstance(part, BaseException) and (_holds_staged(part, ()) or MARK.search(str(part.args))):
            return _exception_of(part, walk)
        if isinstance(part, dict):
            items = [(key, walk(item)) for key, item in part.items()]
            return lambda values: type(part)((key, item(values)) for key, item in items)
        if isinstance(part, tuple | list | set | frozenset):
            parts = [walk(item) for item in part]
            if isinstance(part, tuple) and hasattr(part, "_fields"):
                return lambda values: type(part)(*(item(values) for item in parts))
            kind = list if isinstance(part, list) else type(part)
            return lambda values: kind(item(values) for item in parts)
        return lambda values: part

    rebuild = walk(value)
    return leaves, rebuild


def _exception_of(
    part: BaseException, walk: Callable[[Any], Callable[[Sequence[Any]], Any]]
) -> Callable[[Sequence[Any]], BaseException]:
    args, state = walk(part.args), walk({name: value for name, value in vars(part).items() if name[:5] != "__ag_"})

    def rebuild(values: Sequence[Any]) -> BaseException:
        return exception_of(type(part), args(values), state(values))

    return rebuild


def exception_of(kind: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An exception of a class, whose constructor may be any, that has these arguments and attributes."""
    new: BaseException = kind.__new__(kind, *args)
    native: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    native.__init__(new, *args)  # the message of a SyntaxError and the like are no attributes of Python's
    new.args = args
    new.__dict__.update(state)
    return new


def marked_values(part: str) -> tuple[list[Any], Callable[[Sequence[Any]], str]]:
    """The values that a string has marks for, and a function that makes the same string with others."""
    found = [(match, _marks[int(match[1])]) for match in MARK.finditer(part) if int(match[1]) in _marks]

    def rebuild(values: Sequence[Any]) -> str:
        pieces, end = [], 0
        for (match, (_, show)), value in zip(found, values, strict=True):
            pieces += [part[end : match.start()], StagedText(value)._mark(show)]
            end = match.end()
        return "".join(pieces) + part[end:]

    return [value for _, (value, _) in found], rebuild


def _text_of(part: str, walk: Callable[[Any], Callable[[Sequence[Any]], Any]]) -> Callable[[Sequence[Any]], str]:
    """A string with the values of its marks."""
    pieces: list[Callable[..., str]] = []
    end = 0
    for match in MARK.finditer(part):
        entry = _marks.get(int(match[1]))
        if entry is None:
            continue
        before = part[end : match.start()]
        value, show = entry
        inner = walk(value)
        pieces.append(lambda values, before=before, inner=inner, show=show: before + show(inner(values)))
        end = match.end()
    last = part[end:]
    if not pieces:
        return lambda values: part
    return lambda values: "".join(piece(values) for piece in pieces) + last


__all__ = ["MARK", "StagedText", "exception_of", "holds_staged", "marked_values", "split", "text"]
