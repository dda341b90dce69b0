"""``if`` and the conditional expression."""

from __future__ import annotations

import ast

from ..nodes import Position, constant, header, load, position, staging
from .base import FunctionLowering, lowers_expression, lowers_statement


@lowers_statement(ast.If)
def lower_if(self: FunctionLowering, node: ast.If) -> list[ast.stmt]:
    self.binds(node)
    if id(node) in self.jumps.unstaged or isinstance(node.test, ast.Constant):
        exits = id(node) in self.jumps.exits
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)
        return [node, ast.Return(None, **position(node))] if exits else [node]
    at = header(node, node.test)
    test = self.expr(node.test)
    exits = id(node) in self.jumps.exits
    out: list[ast.stmt] = []
    body = _branch(self, "if_body", node.body, exits, at, out)
    orelse = _branch(self, "else_body", node.orelse, exits, at, out)
    changed = self.liveness.assigned(node.body) | self.liveness.assigned(node.orelse)
    state = self.state(changed & self.liveness.after[id(node)], at)
    call = staging("if_stmt", [test, body, orelse, state], at)
    out.append(ast.Return(call, **at) if exits else ast.Expr(call, **at))
    return out


def _branch(
    self: FunctionLowering, name: str, block: list[ast.stmt], exits: bool, at: Position, out: list[ast.stmt]
) -> ast.expr:
    """The function that runs one branch; ``None`` for a branch that does nothing."""
    if all(isinstance(statement, ast.Pass) for statement in block):
        return constant(None, at)
    first = block[0]
    if exits and isinstance(first, ast.Return) and first.value is not None and not self.binds_variable(first.value):
        return self.delayed(first.value, at)
    region = self.region_name(name)
    out.append(self.region(region, block, at))
    return load(region, at)


@lowers_expression(ast.IfExp)
def lower_if_exp(self: FunctionLowering, node: ast.IfExp) -> ast.expr:
    if not (self.can_delay(node.body) and self.can_delay(node.orelse)):
        self.children(node)
        return node
    at = position(node)
    test = self.expr(node.test)
    return staging("if_exp", [test, self.delayed(node.body, at), self.delayed(node.orelse, at)], at)
