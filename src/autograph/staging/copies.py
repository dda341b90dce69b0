"""Lists, dicts and objects that stand for one of several, and are copies of them.

Where paths leave different containers in one place, or an index that the graph computes selects one, the values in them
are merged: what the program has then is a container of its own. As long as it is only read, nobody can tell. A change
to it, or to one that it was made of, would have to reach the other; that is an error where both can still be looked at.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from types import FrameType
from typing import Any

from ..errors import StagingError
from ..syntax.compiler import is_converted

_OTHERS = frozenset(("builtins", "jax", "jaxlib", "tensorflow", "numpy"))
_MOST = 2000
"""How many objects are looked at in the search for one."""


def note_copy(context: Any, copy: Any, originals: Sequence[Any]) -> None:
    """To be called when ``copy`` was made of one of ``originals``, which the graph chooses."""
    others = [original for original in originals if original is not copy]
    if others and type(copy).__name__ != "OneOf":
        context.copies.append((copy, others))
        del context.copies[:-64]


def check_copies(copies: list[tuple[Any, list[Any]]], owner: Any) -> None:
    """To be called before ``owner`` changes.

    Raises:
        StagingError: it is a copy of another container that can still be looked at, or the other way round.
    """
    for copy, originals in copies:
        if owner is copy:
            others = originals
        elif any(owner is original for original in originals):
            others = [copy]
        else:
            continue
        found = _visible(others, owner)
        if found is not None:
            raise StagingError(
                f"this {_kind(owner)} is one of several, as the graph decides, and {found} holds another, which may "
                "have to change with it: a graph cannot do that. Make the change in each branch, or write "
                "rows[i][j] = v for row = rows[i]; row[j] = v"
            )


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else type(value).__name__


def _visible(wanted: list[Any], owner: Any) -> str | None:
    """The variable of a running function of the program through which one of ``wanted`` can be reached."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if is_converted(frame.f_code):
            for name, value in frame.f_locals.items():
                if value is not owner and _leads_to(value, wanted, owner):
                    return f"variable {name!r}"
        frame = frame.f_back
    return None


def _leads_to(start: Any, wanted: list[Any], owner: Any) -> bool:
    seen = {id(owner)}
    waiting = deque([start])
    while waiting and len(seen) < _MOST:
        value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if any(value is one for one in wanted):
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value if not isinstance(value, list) else list.__iter__(value))
        elif type(value).__module__.partition(".")[0] not in _OTHERS and hasattr(value, "__dict__"):
            waiting.extend(vars(value).values())
    return False
