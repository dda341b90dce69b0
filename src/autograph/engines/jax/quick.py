"""Calls whose arguments are of types that were seen before, positional and without containers: no tree is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from .arguments import STATIC, kind_of
from .types import NUMBERS

if TYPE_CHECKING:
    from .calls import Entry

_ARRAY = type(jax.numpy.zeros(()))
_TRACED = frozenset((*NUMBERS, _ARRAY))
_BY_VALUE = frozenset((str, bytes))
_FORCED_BY_VALUE = frozenset((str, bytes, int, bool))


class Shape:
    """Arguments of certain types: which of them are traced, which are static, and the entries for the static ones.

    Attributes:
        traced: the places of traced arguments; ``None`` where they all are.
        static: the places of static arguments, with whether they are known by identity.
        rest: static values of the parameters after the last argument, from their defaults.
    """

    __slots__ = ("entries", "rest", "static", "traced")

    def __init__(self, traced: tuple[int, ...] | None, static: tuple[tuple[int, bool], ...], rest: list[Any]) -> None:
        self.traced, self.static, self.rest = traced, static, rest
        self.entries: dict[Any, Entry] = {}

    def key(self, args: tuple[Any, ...]) -> Any:
        static = self.static
        if len(static) == 1:
            place, by_identity = static[0]
            return id(args[place]) if by_identity else args[place]
        return tuple([id(args[place]) if by_identity else args[place] for place, by_identity in static])

    def statics(self, args: tuple[Any, ...]) -> Sequence[Any]:
        return [args[place] for place, _ in self.static] + self.rest

    def payload(self, args: tuple[Any, ...]) -> Sequence[Any]:
        return args if self.traced is None else [args[place] for place in self.traced]


def shape_of(
    args: tuple[Any, ...], values: tuple[Any, ...], forced: Sequence[int], number_defaults: Sequence[int], plain: bool
) -> Shape | None:
    """What can be known of calls with arguments of these types, ``None`` if each has to be looked at."""
    traced: list[int] = []
    static: list[tuple[int, bool]] = []
    for place, value in enumerate(args):
        kind: Any = type(value)
        if place in forced:
            if kind in _FORCED_BY_VALUE:
                static.append((place, False))
            elif kind.__hash__ is object.__hash__:
                static.append((place, True))
            else:
                return None
        elif kind in _TRACED:
            if place in number_defaults and kind is not _ARRAY:
                return None  # whether it is the default's value matters
            traced.append(place)
        elif kind in _BY_VALUE:
            static.append((place, False))
        elif kind_of(value) == STATIC and (kind.__hash__ is None or kind.__hash__ is object.__hash__):
            if isinstance(value, set | list | dict):
                return None
            static.append((place, True))
        else:
            return None
    rest = values[len(args) :]
    if plain:
        return None if rest else Shape(None, (), [])
    for place, value in enumerate(rest, len(args)):
        if value is not None and (kind_of(value) != STATIC and place not in number_defaults):
            return None
        if isinstance(value, dict | list | tuple):
            return None
    return Shape(tuple(traced), tuple(static), [value for value in rest if value is not None])
