"""The handler around the body of a converted function, which lets an exception pass as if it were not there.

A ``try`` statement around the body costs nothing while no exception passes. What it would change is where the frame
says that it ended: at the handler rather than at the user's expression, and some frameworks build tracebacks from that.
CPython can restore the place, as it does at the end of a ``with`` block; the compiler asks for it by a flag in the
table of handlers and an operand of ``RERAISE``, which are set here.
"""

from __future__ import annotations

import ast
import dis
import itertools
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

from .nodes import STAGING, Position, position, staging

_HOOK = "explain"


def explaining(body: list[ast.stmt], at: Position) -> ast.stmt:
    """``body``, with a handler that hands an exception to ``ag__.explain`` and raises it again."""
    call = ast.Expr(staging(_HOOK, [], at), **at)
    handler = ast.ExceptHandler(None, None, [call, ast.Raise(None, None, **at)], **at)
    return ast.Try(body, [handler], [], [], **position(body[0]))


def is_explaining(handler: list[dis.Instruction]) -> bool:
    """Whether the instructions behind a ``PUSH_EXC_INFO`` are such a handler's."""
    return (
        len(handler) > 2
        and handler[0].opname == "POP_TOP"
        and handler[1].argval == STAGING
        and handler[2].argval == _HOOK
    )


class _Entry(NamedTuple):
    start: int
    end: int
    target: int
    depth: int
    keeps_place: bool


def keeping_place(code: CodeType) -> CodeType:
    """``code``, whose frame ends where the exception was raised that its handler has let pass."""
    text = code.co_code
    entries = list(_parsed(code.co_exceptiontable))
    handler = next((entry.target for entry in entries if _begins_handler(code, entry.target)), None)
    if handler is None:
        return code
    cleanups = {entry.target for entry in entries if entry.start <= handler < entry.end and entry.target != handler}
    if len(cleanups) != 1:
        return code
    cleanup = cleanups.pop()
    tail = list(itertools.islice(_operations(text, cleanup), 3))
    is_usual = [operation for operation, _, _ in tail] == _TAIL and tail[2][1] == 1
    if not is_usual or any(entry.start < handler for entry in entries if entry.target == cleanup):
        return code
    changed = [
        entry._replace(keeps_place=True)
        if entry.target == handler
        else entry._replace(depth=entry.depth + 1)
        if entry.target == cleanup
        else entry
        for entry in entries
    ]
    new = bytearray(text)
    new[tail[2][2] + 1] = 3  # the place lies under the exception before, and the place in the handler
    return code.replace(co_code=bytes(new), co_exceptiontable=_encoded(changed), co_stacksize=code.co_stacksize + 1)


_HEAD = [dis.opmap["PUSH_EXC_INFO"], dis.opmap["POP_TOP"], dis.opmap["LOAD_DEREF"]]
_TAIL = [dis.opmap["COPY"], dis.opmap["POP_EXCEPT"], dis.opmap["RERAISE"]]


def _begins_handler(code: CodeType, target: int) -> bool:
    """Whether the handler that ``explaining`` makes begins at an instruction."""
    first = list(itertools.islice(_operations(code.co_code, target), 4))
    if [operation for operation, _, _ in first[:3]] != _HEAD or len(first) < 4:
        return False
    operation, number, _ = first[3]
    if operation == dis.opmap["LOAD_ATTR"]:
        number >>= 1  # its last bit says that a method is loaded
    elif operation != dis.opmap.get("LOAD_METHOD"):
        return False
    return number < len(code.co_names) and code.co_names[number] == _HOOK


def _operations(text: bytes, offset: int) -> Iterator[tuple[int, int, int]]:
    """Each instruction from an offset on: what it does, its operand, and its offset. ``dis`` would take a long time."""
    extended = 0
    for place in range(offset, len(text), 2):
        operation, operand = text[place], text[place + 1]
        if operation == dis.EXTENDED_ARG:
            extended = (extended | operand) << 8
        elif operation != _CACHE:
            yield operation, extended | operand, place
            extended = 0


_CACHE = dis.opmap.get("CACHE", 0)


def _parsed(table: bytes) -> Iterator[_Entry]:
    """The entries of a table of handlers (CPython, ``Objects/exception_handling_notes.txt``)."""
    numbers = iter(table)

    def number() -> int:
        byte = next(numbers)
        value = byte & 63
        while byte & 64:
            byte = next(numbers)
            value = value << 6 | byte & 63
        return value

    while True:
        try:
            start = number() * 2
        except StopIteration:
            return
        length, target, depth = number() * 2, number() * 2, number()
        yield _Entry(start, start + length, target, depth >> 1, bool(depth & 1))


def _encoded(entries: list[_Entry]) -> bytes:
    out = bytearray()
    for entry in entries:
        values = (
            entry.start // 2,
            (entry.end - entry.start) // 2,
            entry.target // 2,
            entry.depth << 1 | entry.keeps_place,
        )
        for place, value in enumerate(values):
            digits = [value & 63]
            while value > 63:
                value >>= 6
                digits.append(value & 63)
            digits.reverse()
            for index, digit in enumerate(digits):
                first = 128 if place == 0 and index == 0 else 0
                out.append(digit | first | (64 if index < len(digits) - 1 else 0))
    return bytes(out)
