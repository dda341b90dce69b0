"""A choice that the graph makes between values that no array can hold: strings, functions, enumeration members.

The graph knows each such value by a number; what is done with the choice (printing, comparing, looking up, calling) is
done for each option, and the number decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StagingError
from .dispatch import do_nothing, staged

_numbers: dict[Any, int] = {}
_values: list[Any] = []


def number_of(value: Any) -> int:
    """The number by which graphs know ``value``, the same throughout the process."""
    key = (type(value), value)
    number = _numbers.get(key)
    if number is None:
        number = _numbers[key] = len(_values)
        _values.append(value)
    return number


def value_of(number: int) -> Any:
    return _values[number]


def can_be_chosen(value: Any) -> bool:
    """Whether a value that differs between paths can be an option: it is hashable, and not an array or a number."""
    if value is None or isinstance(value, bool | int | float | complex):
        return False
    try:
        hash(value)
    except TypeError:
        return False
    return True


class Choice:
    """One of ``options``: the one whose number is ``number``, which is staged."""

    __slots__ = ("number", "options")
    __ag_engine__ = True
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, options: tuple[Any, ...], number: Any) -> None:
        self.options, self.number = options, number

    def __repr__(self) -> str:
        return f"<one of {', '.join(map(repr, self.options))}>"

    def among(self, accepted: list[bool]) -> Any:
        """Whether the option that is chosen is one of those that ``accepted`` marks."""
        from .logic import or_

        if all(accepted):
            return True
        result: Any = False
        for option, accept in zip(self.options, accepted, strict=True):
            if accept:
                same = self.number == number_of(option)
                result = or_(result, lambda same=same: same)
        return result

    def each(self, function: Any) -> Any:
        """``function`` of the option that is chosen."""
        from .branch import if_exp

        *others, last = self.options
        build: Callable[..., Any] = lambda: function(last)  # noqa: E731
        for option in reversed(others):
            test = self.number == number_of(option)
            build = lambda option=option, test=test, rest=build: if_exp(test, lambda: function(option), rest)  # noqa: E731
        return build()

    def change(self, function: Callable[[Any], Any]) -> None:
        """Calls ``function`` with the option that is chosen, for what it does."""
        engine: Any = staged(self.number)
        for option in self.options:
            same = self.number == number_of(option)
            engine.cond(same, lambda option=option: nothing(function(option)), do_nothing, (), [])

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Choice):
            same = [self.among([option == theirs for option in self.options]) for theirs in other.options]
            return other.each(lambda theirs: same[other.options.index(theirs)])
        return self.among([bool(option == other) for option in self.options])

    def __ne__(self, other: object) -> Any:
        from .logic import not_

        return not_(self == other)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from .calls import call

        return self.each(lambda option: call(option)(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.each(lambda option: getattr(option, name))

    def _refuse(self, *_: Any) -> Any:
        raise StagingError(
            f"the graph chooses between {', '.join(map(repr, self.options))}; the choice can be printed, compared, "
            "called, returned from ag.function and used as a key, but not this. Do it in each branch"
        )

    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __getitem__ = __iter__ = __contains__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __len__ = __bool__ = _refuse


def options_of(value: Any) -> tuple[Any, ...]:
    return value.options if type(value) is Choice else (value,)


def nothing(_: Any) -> None:
    """What a change gives back is nobody's business."""


def look_up(table: dict[Any, Any], key: Choice) -> Any:
    """``table[key]``"""
    makes = hasattr(type(table), "__missing__")
    missing = None if makes else next((option for option in key.options if option not in table), None)
    if missing is not None:
        raise KeyError(missing)
    return key.each(lambda option: table[option])


def is_open(value: Any) -> bool:
    """Whether ``value`` is a choice that the graph has still to make."""
    return type(value) is Choice and staged(value.number) is not None
