"""Lists that a graph fills, where a function of a library's is given one.

A library knows nothing of such lists: it would see the array that one lies in, and the room behind the last element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engines.base import active_engine
from .lists import TensorList


def handed(function: Callable[..., Any], value: Any) -> Any:
    """``value`` as an argument of a library's ``function``, with such lists in it as what that can take."""
    kind = type(value)
    if kind is TensorList:
        engine = active_engine()
        return value if engine is None else engine.list_argument(function, value)
    if (kind is list or kind is tuple) and any(type(item) in _MAY_HOLD for item in value):
        items = [handed(function, item) for item in value]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            return kind(items)
    elif kind is dict and any(type(item) in _MAY_HOLD for item in value.values()):
        made = {key: handed(function, item) for key, item in value.items()}
        if any(made[key] is not item for key, item in value.items()):
            return made
    return value


_MAY_HOLD = frozenset((TensorList, list, tuple, dict))
