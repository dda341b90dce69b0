"""A place in the user's source as a message shows it: file, line, the text of the line, and a caret."""

from __future__ import annotations

import linecache
from types import CodeType
from typing import Any

_WIDTH = 160


def excerpt(
    filename: str,
    line: int,
    column: int | None = None,
    end_column: int | None = None,
    *,
    function: str = "",
    namespace: dict[str, Any] | None = None,
) -> str:
    """``File "f.py", line 3``, and under it the line with what is meant underlined, where the source is to be had.

    ``column`` and ``end_column`` count bytes, as syntax trees do; without them the whole statement is underlined.
    """
    where = f'  File "{filename}", line {line}' + (f", in {function}" if function else "")
    text = linecache.getline(filename, line, namespace).rstrip("\n")
    if not text.strip():
        return where
    encoded = text.encode()
    start = len(text) - len(text.lstrip()) if column is None else len(encoded[:column].decode(errors="replace"))
    stop = len(text) if end_column is None else len(encoded[:end_column].decode(errors="replace"))
    margin = len(text) - len(text.lstrip())
    shown = text.strip()[:_WIDTH]
    carets = "^" * max(min(stop - margin, len(shown)) - (start - margin), 1)
    return f"{where}\n    {shown}\n    {' ' * max(start - margin, 0)}{carets}"


def excerpt_of(code: CodeType, namespace: dict[str, Any] | None = None) -> str:
    """Where a function begins, with its name underlined where it has a ``def``."""
    first = code.co_firstlineno
    lines = linecache.getlines(code.co_filename, namespace)
    for line in range(first, min(first + 50, len(lines)) + 1):
        text = lines[line - 1]
        stripped = text.lstrip()
        if stripped.startswith((f"def {code.co_name}", f"async def {code.co_name}")):
            start = text.index(f"{code.co_name}(") if f"{code.co_name}(" in text else text.index(code.co_name)
            column = len(text[:start].encode())
            return excerpt(code.co_filename, line, column, column + len(code.co_name.encode()), namespace=namespace)
        if not stripped.startswith(("@", "#")) and line > first + 20:
            break
    return excerpt(code.co_filename, first, namespace=namespace)
