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

_MARK = re.compile(r"<staged value (\d+)>")
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
        return self._mark(str)

    def __repr__(self) -> str:
        return self._mark(repr)

    def __format__(self, spec: str) -> str:
        return self._mark(lambda value: format(value, spec))


def text(value: Any) -> Any:
    """``value``, on its way into an f-string."""
    return StagedText(value) if holds_staged(value) else value


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


def _text_of(part: str, walk: Callable[[Any], Callable[[Sequence[Any]], Any]]) -> Callable[[Sequence[Any]], str]:
    """A string with the values of its marks."""
    pieces: list[Callable[..., str]] = []
    end = 0
    for match in _MARK.finditer(part):
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


__all__ = ["StagedText", "holds_staged", "split", "text"]
