"""Whether a ``try`` statement of the program is waiting for an exception.

An exception under a staged condition is raised when the graph runs, and by then no ``except`` of a converted function
is there to catch it. The program has to be told so while it is traced.
"""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from types import CodeType, FrameType

from ..syntax.compiler import is_converted
from ..syntax.passing import is_explaining


def waiting_handler() -> tuple[CodeType, int] | None:
    """The innermost function of converted code, and its line, that is inside a ``try`` with an ``except`` clause."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_converted(code) and any(start <= frame.f_lasti < end for start, end in _caught_ranges(code)):
            return code, frame.f_lineno
        frame = frame.f_back
    return None


@lru_cache(maxsize=1024)
def _caught_ranges(code: CodeType) -> tuple[tuple[int, int], ...]:
    """The instruction ranges whose exceptions go to an ``except`` clause, and not just to ``finally`` or ``with``."""
    instructions = list(dis.get_instructions(code))
    at = {instruction.offset: index for index, instruction in enumerate(instructions)}
    ranges = []
    for entry in dis.Bytecode(code).exception_entries:  # type: ignore[attr-defined]
        index = at.get(entry.target)
        if index is None or instructions[index].opname != "PUSH_EXC_INFO":
            continue
        rest = instructions[index + 1 :]
        if _catches([instruction.opname for instruction in rest]) and not is_explaining(rest):
            ranges.append((entry.start, entry.end))
    return tuple(ranges)


def _catches(names: list[str]) -> bool:
    """Whether the handler that begins with these instructions has an ``except`` clause."""
    if names and names[0] == "POP_TOP":
        return True  # a bare `except:`
    for name in names:
        if name in ("CHECK_EXC_MATCH", "CHECK_EG_MATCH"):
            return True
        if name in ("WITH_EXCEPT_START", "RERAISE", "PUSH_EXC_INFO", "RETURN_VALUE"):
            return False
    return False
