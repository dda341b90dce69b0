"""``isinstance`` of staged values: what was asked and denied, in case that the program stumbles over it later."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from types import CodeType, FrameType
from typing import Any, NamedTuple

from .calls import REPLACEMENTS
from .dispatch import staged


class Question(NamedTuple):
    """One ``isinstance(name, kinds)`` that was false of a staged value."""

    code: weakref.ref[CodeType]
    line: int
    name: str | None
    kinds: str
    description: str


_recent: deque[Question] = deque(maxlen=16)


def _stands_for(number: type | None, kinds: Any) -> bool:
    """Whether a number of Python's would be one of ``kinds``."""
    return number is not None and isinstance(number(), kinds)


def isinstance_(value: Any, kinds: Any, /) -> bool:
    """``isinstance``, where a staged number that Python's program would have as a number is one."""
    found = isinstance(value, kinds)
    engine = None if found else staged(value)
    if engine is None:
        return found
    if _stands_for(engine.python_number(value), kinds):
        return True
    frame = sys._getframe(1)
    types = sys.modules[f"autograph.engines.{engine.name}.types"]
    name = next((name for name, held in frame.f_locals.items() if held is value), None)
    shown = kinds if isinstance(kinds, tuple) else (kinds,)
    text = ", ".join(getattr(kind, "__name__", str(kind)) for kind in shown)
    _recent.append(
        Question(
            weakref.ref(frame.f_code),
            frame.f_lineno,
            name,
            f"({text})" if len(shown) > 1 else text,
            str(types.describe(value)),
        )
    )
    return False


def question_before(frame: FrameType | None) -> Question | None:
    """What a function, or one that called it, has asked and been denied."""
    while frame is not None:
        for question in reversed(_recent):
            if question.code() is frame.f_code:
                return question
        frame = frame.f_back
    return None


REPLACEMENTS[isinstance] = isinstance_
