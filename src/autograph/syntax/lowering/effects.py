"""``try`` and ``with``: they stay, and their blocks are lowered where they stand."""

from __future__ import annotations

import ast

from .base import FunctionLowering, lowers_statement


@lowers_statement(ast.Try, ast.TryStar)
def lower_try(self: FunctionLowering, node: ast.Try | ast.TryStar) -> list[ast.stmt]:
    node.body = self.block(node.body)
    for handler in node.handlers:
        if handler.name is not None:
            self.frames[-1].bound |= self.scope.bit(handler.name)
        if handler.type is not None:
            handler.type = self.expr(handler.type)
        handler.body = self.block(handler.body)
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
