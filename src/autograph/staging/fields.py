"""Objects of dataclasses that are made while a graph is being built.

The ``__init__`` of a dataclass has no source. It runs as it is, except that ``__post_init__``, which is the user's, is
converted, and that a list which ``field(default_factory=list)`` makes is one that the graph can fill.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from .lists import TensorList
from .state import was_born

_POST = "__post_init__"


def is_generated(kind: type) -> bool:
    """Whether the constructor of a class is the one that ``dataclass`` has made for it."""
    initialise: Any = kind.__init__  # type: ignore[misc]
    code = getattr(initialise, "__code__", None)
    return dataclasses.is_dataclass(kind) and code is not None and code.co_filename.startswith("<")


def constructor(kind: Any, call: Callable[[Any], Any]) -> Callable[..., Any]:
    """What makes an object of a dataclass; ``call`` gives the converted form of a function."""
    lists = [field.name for field in dataclasses.fields(kind) if field.default_factory is list]

    def construct(*args: Any, **kwargs: Any) -> Any:
        made = kind.__new__(kind)
        was_born(made)
        waiting: list[tuple[Any, ...]] = []
        hides = hasattr(kind, _POST) and hasattr(made, "__dict__")
        if hides:
            made.__dict__[_POST] = lambda *given: waiting.append(given)
        try:
            kind.__init__(made, *args, **kwargs)
        finally:
            if hides:
                del made.__dict__[_POST]
        given = (*args, *kwargs.values())
        for name in lists:
            value = getattr(made, name)
            if type(value) is list and not any(value is one for one in given):
                object.__setattr__(made, name, TensorList(value))
        for values in waiting:
            call(getattr(kind, _POST))(made, *values)
        return made

    return construct
