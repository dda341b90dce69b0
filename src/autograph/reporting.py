"""What the converter does, told through ``logging``: ``ag.set_verbosity`` and ``AUTOGRAPH_VERBOSITY``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

LOGGER = logging.getLogger("autograph")
_LEVELS = {0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG, 3: logging.DEBUG - 5}


class _Report:
    """How much is told. A place that many calls pass looks at ``level`` first."""

    __slots__ = ("_handler", "level")

    def __init__(self) -> None:
        self.level = 0
        self._handler: logging.Handler | None = None

    def set(self, level: int, stream: Any) -> None:
        self.level = level
        LOGGER.setLevel(_LEVELS[level])
        if self._handler is not None:
            LOGGER.removeHandler(self._handler)
            self._handler = None
        if level and (stream is not None or not LOGGER.hasHandlers()):
            self._handler = logging.StreamHandler(stream)
            self._handler.setFormatter(logging.Formatter("autograph: %(message)s"))
            LOGGER.addHandler(self._handler)


REPORT = _Report()


def set_verbosity(level: int, also_log_to_stdout: bool = False) -> None:
    """Says how much the converter tells of what it does, through the logger ``autograph``.

    Without a handler of the program's own, it is written to the standard error.

    Args:
        level: 0, nothing; 1, which functions were converted, and which were not and why; 2, also what was left alone,
            and for each conditional and loop of a graph its state and the variables whose types were joined; 3, also
            the generated code. The environment variable ``AUTOGRAPH_VERBOSITY`` says how the process starts.
        also_log_to_stdout: whether it is written to the standard output, too.

    Example:
        >>> import autograph as ag
        >>> ag.set_verbosity(1, also_log_to_stdout=True)
        >>> def half(x):
        ...     return x / 2 if x > 0 else x
        >>> ag.convert(half)(4)  # doctest: +ELLIPSIS
        autograph: converted half (File "...", line 1)
        2.0
        >>> ag.set_verbosity(0)

    Raises:
        ValueError: there is no such level.
    """
    if level not in _LEVELS:
        raise ValueError(f"the verbosity is {level!r}; it can be {', '.join(map(str, _LEVELS))}")
    REPORT.set(level, sys.stdout if also_log_to_stdout else None)


def _from_environment() -> None:
    text = os.environ.get("AUTOGRAPH_VERBOSITY", "").strip()
    if text:
        try:
            set_verbosity(int(text))
        except ValueError:
            raise ValueError(f"AUTOGRAPH_VERBOSITY is {text!r}; it can be {', '.join(map(str, _LEVELS))}") from None


def name_of(code: CodeType) -> str:
    return f'{code.co_qualname} (File "{code.co_filename}", line {code.co_firstlineno})'


def converted(code: CodeType, source: Callable[[], str]) -> None:
    """Tells that a function has been converted; ``source`` gives the generated code."""
    LOGGER.info("converted %s", name_of(code))
    if REPORT.level > 2:
        LOGGER.log(_LEVELS[3], "%s", source())


def not_converted(code: CodeType, reason: str) -> None:
    LOGGER.info("not converted: %s, because %s", name_of(code), reason)


def left_alone(function: Any) -> None:
    LOGGER.debug("left alone: %s.%s, of a library", function.__module__, getattr(function, "__qualname__", function))


def region(kind: str, place: Any, state: Iterable[tuple[str, list[str], str]]) -> None:
    """Tells of a conditional or loop: for each part of its state the label, the types that meet, and the type."""
    where = str(place) if place is not None else "unknown place"
    lines = []
    for label, met, joined in state:
        different = list(dict.fromkeys(met))
        change = f" (joined from {' and '.join(different)})" if different != [joined] else ""
        lines.append(f"\n  {label}: {joined}{change}")
    LOGGER.debug("%s in the graph (%s), state:%s", kind, where, "".join(lines) or " none")


_from_environment()
