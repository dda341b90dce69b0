"""``try`` and ``with``.

While a graph is being built, a ``try`` is a call with functions for its block and its clauses, so that an exception
that the graph decides on can reach them (``staging/exceptions.py``). Otherwise it stays as it is, and shows in
tracebacks as it is: a function with a ``try`` is lowered twice, and finds out which of the two to run when it is
called. A ``with`` stays in both.
"""

from __future__ import annotations

import ast

from ..nodes import Position, constant, define, load, position, staging
from .base import Frame, FunctionLowering, lowers_statement
from .jumps import OUTCOME


@lowers_statement(ast.Try)
def lower_try(self: FunctionLowering, node: ast.Try) -> list[ast.stmt]:
    if not self.cuts_try:
        return lower_try_in_place(self, node)
    line = node.lineno
    at: Position = {
        "lineno": line,
        "col_offset": node.col_offset,
        "end_lineno": line,
        "end_col_offset": node.col_offset + len("try:"),
    }
    liveness = self.liveness
    assigned = liveness.effect(node).assigned | self.scope.written_elsewhere
    inside = self.state(assigned & liveness.head[id(node)], at)
    after = self.state(assigned & liveness.after[id(node)], at)
    body = self.region_name("try_body")
    out: list[ast.stmt] = [self.region(body, node.body, at)]
    clauses: ast.expr = constant(None, at)
    final: ast.expr = constant(None, at)
    if node.handlers:
        out.append(_clauses(self, node, at))
        clauses = load(out[-1].name, at)  # type: ignore[attr-defined]
    if node.finalbody:
        out.append(_final(self, node, at))
        final = load(out[-1].name, at)  # type: ignore[attr-defined]
    call = staging("try_stmt", [load(body, at), clauses, final, inside, after], at)
    return [*out, ast.Expr(call, **at)]


def _clauses(self: FunctionLowering, node: ast.Try, at: Position) -> ast.FunctionDef:
    frame = Frame(reaches=self.scope.written_elsewhere)
    self.frames.append(frame)
    _lower_handlers(self, node)
    orelse = self.block(node.orelse)
    self.frames.pop()
    inner = ast.Try([_outcome(at)], node.handlers, orelse, [], **position(node))
    return _function(self, "try_clauses", frame, inner, at)


def _final(self: FunctionLowering, node: ast.Try, at: Position) -> ast.FunctionDef:
    frame = Frame(reaches=self.scope.written_elsewhere)
    self.frames.append(frame)
    finalbody = self.block(node.finalbody)
    self.frames.pop()
    inner = ast.Try([_outcome(at)], [], [], finalbody, **position(node))
    return _function(self, "try_final", frame, inner, at)


def _outcome(at: Position) -> ast.stmt:
    return ast.Expr(ast.Call(load(OUTCOME, at), [], [], **at), **at)


def _function(self: FunctionLowering, name: str, frame: Frame, inner: ast.stmt, at: Position) -> ast.FunctionDef:
    return define(self.region_name(name), [OUTCOME], [*self.declarations(frame, at), inner], at)


def _lower_handlers(self: FunctionLowering, node: ast.Try | ast.TryStar) -> None:
    for handler in node.handlers:
        if handler.name is not None:
            self.frames[-1].bound |= self.scope.bit(handler.name)
        if handler.type is not None:
            handler.type = self.expr(handler.type)
        handler.body = self.block(handler.body)


@lowers_statement(ast.TryStar)
def lower_try_in_place(self: FunctionLowering, node: ast.Try | ast.TryStar) -> list[ast.stmt]:
    node.body = self.block(node.body)
    _lower_handlers(self, node)
    node.orelse = self.block(node.orelse)
    node.finalbody = self.block(node.finalbody)
    return [node]


@lowers_statement(ast.With)
def lower_with(self: FunctionLowering, node: ast.With) -> list[ast.stmt]:
    self.binds(node)
    for item in node.items:
        item.context_expr = self.expr(item.context_expr)
    node.body = self.block(node.body)
    return [node]
