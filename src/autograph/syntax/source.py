"""Finds and parses the source of a code object: in modules, lambdas, notebooks and at the interactive prompt.

Only the lines of the function are parsed where that is possible, since parsing a whole module would cost more than the
conversion. They are parsed at their own line and column, so that positions need no correction.
"""

from __future__ import annotations

import ast
import copy
import linecache
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from . import programs
from .refusals import CHANGED, refusal, without_source
from .scopes import every_argument


@dataclass(frozen=True, slots=True)
class Definition:
    """A function's own syntax tree, and the class whose body it stands in (for private names)."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    class_name: str | None
    filename: str


def find_definition(code: CodeType, namespace: dict[str, Any]) -> Definition:
    """The definition that ``code`` was compiled from.

    Raises:
        ConversionError: there is no source, or what stands there is another function.
    """
    programs.enter(code)
    lines = linecache.getlines(code.co_filename, namespace)
    if not lines or (programs.is_shared(code.co_filename) and not programs.contains("".join(lines), code)):
        raise refusal(code, namespace, *without_source(code))
    node = _find_lambda(code, lines) if code.co_name == "<lambda>" else _find_function(code, lines)
    if node is None:
        raise refusal(code, namespace, *CHANGED)
    return Definition(node, class_of(code.co_qualname), code.co_filename)


def class_of(qualified_name: str) -> str | None:
    """The innermost class around a function, from its qualified name."""
    for part in reversed(qualified_name.split(".<locals>.")):
        classes = part.split(".")[:-1]
        if classes:
            return classes[-1]
    return None


def _find_function(code: CodeType, lines: list[str]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    start = code.co_firstlineno - 1
    if start >= len(lines):
        return None
    for text in (_block(lines, start, _last_line(code)), None):
        try:
            tree = ast.parse(text) if text is not None else _parse_file(code.co_filename, lines)
        except SyntaxError:
            continue
        body = tree.body
        if text is not None and len(body) == 1 and isinstance(body[0], ast.If):
            body = body[0].body
        candidates = body if text is not None else list(ast.walk(tree))
        for node in candidates:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _fits(node, code):
                return node if text is not None else copy.deepcopy(node)
    return None


def _block(lines: list[str], start: int, last: int) -> str:
    """The text of the block that begins at line ``start``, with everything before it blank."""
    indentation = _indentation(lines[start])
    stop = max(last, start + 1)
    while stop < len(lines) and (not lines[stop].strip() or _indentation(lines[stop]) > indentation):
        stop += 1
    block = "".join(lines[start:stop])
    if not indentation:
        return "\n" * start + block
    return "\n" * (start - 1) + "if 1:\n" + block


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last_line(code: CodeType) -> int:
    lines = [line for _, _, line in code.co_lines() if line is not None]
    lines += [_last_line(inner) for inner in code.co_consts if type(inner) is CodeType]
    return max(lines, default=code.co_firstlineno)


def _fits(node: ast.FunctionDef | ast.AsyncFunctionDef, code: CodeType) -> bool:
    first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
    return node.name == code.co_name and first == code.co_firstlineno and _same_arguments(node.args, code)


def _same_arguments(arguments: ast.arguments, code: CodeType) -> bool:
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return len(names) == len(own) and all(
        mine == theirs or (mine.startswith("__") and theirs.endswith(mine))
        for mine, theirs in zip(names, own, strict=True)
    )


_files: dict[str, tuple[list[str], ast.Module]] = {}


def _parse_file(filename: str, lines: list[str]) -> ast.Module:
    known = _files.get(filename)
    if known is None or known[0] != lines:
        known = _files[filename] = lines, ast.parse("".join(lines))
    return known[1]


def _find_lambda(code: CodeType, lines: list[str]) -> ast.Lambda | None:
    try:
        tree = _parse_file(code.co_filename, lines)
    except SyntaxError:
        return None
    candidates = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _same_arguments(node.args, code)
    ]
    if len(candidates) > 1:
        candidates = [node for node in candidates if _same_place(node.body, code)]
    return copy.deepcopy(candidates[0]) if len(candidates) == 1 else None


def _same_place(body: ast.expr, code: CodeType) -> bool:
    """Whether the instructions of a lambda cover exactly ``body``."""
    starts, ends = [], []
    for line, end_line, column, end_column in list(code.co_positions())[1:]:
        if line is None or column is None or end_line is None or end_column is None:
            continue
        if end_column > column or end_line > line:
            starts.append((line, column))
            ends.append((end_line, end_column))
    if not starts:
        return True
    return min(starts) == (body.lineno, body.col_offset) and max(ends) == (body.end_lineno, body.end_col_offset)


_PROPERTY = re.compile(r"@[\w.]*property\b[^\n]*\n(?:\s*@[^\n]*\n)*\s*def\s+(\w+)|def (__\w+__)\(")
_found: dict[tuple[str, str], tuple[list[str], Any]] = {}


def _in_file(filename: str, namespace: dict[str, Any], what: str, find: Callable[[str], Any]) -> Any:
    """What ``find`` finds in the text of a file, looked for again when the file has changed."""
    lines = linecache.getlines(filename, namespace)
    known = _found.get((filename, what))
    if known is None or known[0] is not lines:
        known = _found[filename, what] = lines, find("".join(lines))
    return known[1]


def properties_in_file(filename: str, namespace: dict[str, Any]) -> frozenset[str]:
    """The names that the classes of a file define as properties or as special methods, read off its text."""
    found: frozenset[str] = _in_file(filename, namespace, "properties", _properties)
    return found


def _properties(text: str) -> frozenset[str]:
    found = frozenset(name for match in _PROPERTY.findall(text) for name in match if name)
    return found | {"__exit__"} if "contextmanager" in text else found


def mentions(function: FunctionType, text: str) -> bool:
    """Whether ``text`` stands anywhere in the file that ``function`` is from."""
    filename = function.__code__.co_filename
    found: bool = _in_file(filename, function.__globals__, f"mention of {text}", lambda all_text: text in all_text)
    return found


__all__ = ["Definition", "class_of", "every_argument", "find_definition", "mentions", "properties_in_file"]
