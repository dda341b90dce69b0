"""Builders for syntax nodes that carry the position of the code they stand for.

The tree is compiled under the user's file name, so a position is what makes a traceback, a breakpoint or a profiler
point at the user's line. ``ast.fix_missing_locations`` would cost a walk over the whole tree; here every builder takes
the position from a node that has one.
"""

from __future__ import annotations

import ast
from typing import TypedDict

STAGING = "ag__"
"""The name under which converted code finds the staging layer."""


class Position(TypedDict):
    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


LOAD = ast.Load()
STORE = ast.Store()


def position(node: ast.AST) -> Position:
    """The place of ``node`` itself."""
    return {
        "lineno": node.lineno,  # type: ignore[attr-defined]
        "col_offset": node.col_offset,  # type: ignore[attr-defined]
        "end_lineno": node.end_lineno,  # type: ignore[attr-defined]
        "end_col_offset": node.end_col_offset,  # type: ignore[attr-defined]
    }


def header(statement: ast.stmt, until: ast.expr) -> Position:
    """The place of a compound statement's first line: from its keyword to the end of ``until``."""
    return {
        "lineno": statement.lineno,
        "col_offset": statement.col_offset,
        "end_lineno": until.end_lineno,
        "end_col_offset": until.end_col_offset,
    }


def load(name: str, at: Position) -> ast.Name:
    return ast.Name(name, LOAD, **at)


def store(name: str, at: Position) -> ast.Name:
    return ast.Name(name, STORE, **at)


def constant(value: object, at: Position) -> ast.Constant:
    return ast.Constant(value, **at)  # type: ignore[arg-type]


def assign(name: str, value: ast.expr, at: Position) -> ast.Assign:
    return ast.Assign([store(name, at)], value, **at)


def staging(function: str, arguments: list[ast.expr], at: Position) -> ast.Call:
    """``ag__.function(*arguments)``"""
    return ast.Call(staging_function(function, at), arguments, [], **at)


def staging_function(function: str, at: Position) -> ast.Attribute:
    """``ag__.function``"""
    # The compiler puts a method call on the line where the method's name ends, which must be the line of its beginning.
    start: Position = {
        "lineno": at["lineno"],
        "col_offset": at["col_offset"],
        "end_lineno": at["lineno"],
        "end_col_offset": at["col_offset"],
    }
    return ast.Attribute(load(STAGING, start), function, LOAD, **start)


_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])


def parameters(names: list[str], at: Position) -> ast.arguments:
    if not names:
        return _NO_ARGUMENTS
    return ast.arguments([], [ast.arg(name, **at) for name in names], None, [], [], None, [])


def thunk(body: ast.expr, at: Position) -> ast.Lambda:
    """``lambda: body``"""
    return ast.Lambda(_NO_ARGUMENTS, body, **at)


def define(name: str, params: list[str], body: list[ast.stmt], at: Position) -> ast.FunctionDef:
    node = ast.FunctionDef(name, parameters(params, at), body, [], None, **at)
    node.type_params = []  # type: ignore[attr-defined]  # read by the compiler from 3.12 on
    return node


def names_tuple(names: list[str], at: Position) -> ast.Constant:
    return constant(tuple(names), at)


def fresh_name(used: set[str], name: str) -> str:
    """A name like ``name`` that is not in ``used``, which it is added to."""
    candidate, number = name, 0
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate)
    return candidate
