"""Containers and objects as a path left them.

A region's changes are put back when its trace is over, so that a variable which it made hold a list or dict holds,
where paths meet, one with the content of before.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ...staging.lists import Buffer, TensorList, is_tensor_list
from ...staging.records import record_of
from ...staging.state import UNBOUND, Attribute, Content
from ...staging.values import PLACEHOLDER, Late, Maybe
from .regions import Run


def as_paths_left(ends: list[Any], runs: Sequence[Run]) -> list[Any]:
    """What paths end with, with the content that each left in containers, where that is not one object on all."""
    if all(end is ends[0] for end in ends):
        return ends
    return [as_left(end, run) for end, run in zip(ends, runs, strict=True)]


def as_left(value: Any, run: Run) -> Any:
    """``value`` with the content that ``run`` left in the containers in it."""
    contents = {id(location.owner): new for location, _, new in run.writes.values() if isinstance(location, Content)}
    return _left(value, contents, ()) if contents else value


def _left(value: Any, contents: dict[int, Any], within: tuple[int, ...]) -> Any:
    if type(value) is Late:
        inner = _left(value.value, contents, within)
        return value if inner is value.value else Late(inner, value.bound)
    if type(value) is Maybe:
        inner = _left(value.value, contents, within)
        return value if inner is value.value else Maybe(inner, value.present)
    if not isinstance(value, dict | list | tuple | set) or id(value) in within:
        return value
    within = (*within, id(value))
    content = contents.get(id(value))
    if isinstance(value, set):
        return value if content is None else _copied(value, content)
    if isinstance(content, Buffer):
        return TensorList.of(content)
    if isinstance(value, dict):
        old = value if content is None else content
        items = {key: _left(item, contents, within) for key, item in old.items()}
        is_same = content is None and all(items[key] is item for key, item in value.items())
        return value if is_same else _copied(value, items)
    if content is None and is_tensor_list(value) and value.is_buffered():
        return value
    rows = list(
        tuple.__iter__(value) if isinstance(value, tuple) else list.__iter__(value if content is None else content)
    )
    new = [_left(row, contents, within) for row in rows]
    if content is None and all(a is b for a, b in zip(new, rows, strict=True)):
        return value
    if isinstance(value, tuple):
        return type(value)(*new) if hasattr(value, "_fields") else tuple(new)
    return TensorList.of(new) if is_tensor_list(value) else _copied(value, new)


def _copied(container: Any, content: Any) -> Any:
    """A container of the same kind with another content."""
    made = copy.copy(container)
    made.clear()
    made.extend(content) if isinstance(made, list) else made.update(content)
    return made


def with_attributes(types: Any, value: Any, run: Run) -> Any:
    """``value`` with the attributes that ``run`` wrote in objects, which other paths may have left otherwise."""
    writes = run.writes
    owners = {id(location.owner) for location, _, _ in writes.values() if isinstance(location, Attribute)}
    if not owners or value is PLACEHOLDER or value is UNBOUND:
        return value

    def left(leaf: Any) -> Any:
        record = record_of(leaf)
        if record is None or id(leaf) not in owners:
            return leaf
        for location, _, new in writes.values():
            if isinstance(location, Attribute) and location.owner is leaf and new is not UNBOUND:
                record.fields[location.name] = new
        return record

    leaves, structure = types.flatten(value)
    new = [left(leaf) for leaf in leaves]
    return value if all(a is b for a, b in zip(new, leaves, strict=True)) else types.unflatten(structure, new)
