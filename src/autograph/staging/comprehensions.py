"""Comprehensions and generator expressions whose length or conditions the graph decides: they are loops that append."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dispatch import active_engine, hide_frames
from .lists import Buffer, TensorList, is_tensor_list
from .sequences import Sequence
from .state import was_born

_SIZED = (list, tuple, dict, set, frozenset, range, str)


def is_loop(held: list[Any], has_conditions: bool) -> bool:
    """Whether a comprehension over the one that ``held`` holds has to be a loop of the converter's.

    Python goes through anything else: something without a length may have no end.
    """
    building = active_engine()
    if building is None:
        return False
    items = held[0]
    if issubclass(type(items), Sequence):
        return has_conditions or not isinstance(items.length, int) or bool(items.steps)
    if is_tensor_list(items):
        return has_conditions or has_open_length(items)
    shape = getattr(items, "shape", None)
    if type(shape) is tuple and shape and not isinstance(shape[0], int):
        return True  # of an open size
    if building.is_stream(items):
        return True
    return has_conditions and (issubclass(type(items), _SIZED) or hasattr(items, "dtype"))


def has_open_length(items: TensorList) -> bool:
    content = items.__ag_content__()
    return isinstance(content, Buffer) and not isinstance(content.length, int)


def comprehension(items: Any, run: Callable[[TensorList, Any], Any], lazy: bool) -> Any:
    """What ``run(out, items)`` appends to ``out``: a list, or what a generator expression gives (``lazy``)."""
    try:
        out = TensorList()
        was_born(out)
        building = active_engine()
        if building is not None:
            building.must_end(items)
        run(out, items)
        return iter(out) if lazy and not has_open_length(out) else out
    except BaseException as error:
        hide_frames(error)
        raise
