"""``with`` in code that builds a graph becomes ``try``, so that what the graph raises reaches ``__exit__``.

This is the expansion of PEP 343, whose methods are called through ``ag__.manager``. It is done where a class in sight
defines ``__exit__``; any other ``with`` stays, as do all in code that runs without a graph.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial

from ..nodes import LOAD, assign, constant, fresh_name, load, position, staging_function
from .matching import Call


def lower_withs(body: list[ast.stmt], used: set[str]) -> list[ast.stmt]:
    """Gives ``body``, which is changed, without ``with`` statements; ``used`` are the names that it has."""

    return _block(body, partial(fresh_name, used))


def _block(body: list[ast.stmt], fresh: Callable[[str], str]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.With):
            out += _expanded(statement.items, statement.body, fresh)
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(statement, name, None)
                if block:
                    setattr(statement, name, _block(block, fresh))
            for handler in getattr(statement, "handlers", ()):
                handler.body = _block(handler.body, fresh)
        out.append(statement)
    return out


def _expanded(items: list[ast.withitem], body: list[ast.stmt], fresh: Callable[[str], str]) -> list[ast.stmt]:
    item, *others = items
    inner = _expanded(others, body, fresh) if others else _block(body, fresh)
    at = position(item.context_expr)
    manager, is_left, error = fresh("with_manager"), fresh("with_is_left"), fresh("with_error")

    def method(name: str, *arguments: ast.expr) -> ast.expr:
        return Call(ast.Attribute(load(manager, at), name, LOAD, **at), list(arguments), [], **at)

    entered: ast.stmt = ast.Expr(method("enter"), **at)
    if item.optional_vars is not None:
        entered = ast.Assign([item.optional_vars], method("enter"), **at)
    swallowed = ast.UnaryOp(ast.Not(), method("caught", load(error, at)), **at)
    caught: list[ast.stmt] = [
        assign(is_left, constant(True, at), at),
        ast.If(swallowed, [ast.Raise(None, None, **at)], [], **at),
    ]
    handler = ast.ExceptHandler(load("BaseException", at), error, caught, **at)
    leave = ast.If(ast.UnaryOp(ast.Not(), load(is_left, at), **at), [ast.Expr(method("left"), **at)], [], **at)
    return [
        assign(manager, Call(staging_function("manager", at), [item.context_expr], [], **at), at),
        entered,
        assign(is_left, constant(False, at), at),
        ast.Try([ast.Try(inner, [handler], [], [], **at)], [], [], [leave], **at),
    ]
