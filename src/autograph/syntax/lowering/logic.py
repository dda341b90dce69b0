"""``and``, ``or``, ``not``, chained comparisons and membership: lazy where Python is lazy."""

from __future__ import annotations

import ast

from ..nodes import constant, position, staging
from .base import FunctionLowering, lowers_expression

_SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


@lowers_expression(ast.BoolOp)
def lower_bool_op(self: FunctionLowering, node: ast.BoolOp) -> ast.expr:
    first, *others = node.values
    if not all(self.can_delay(operand) for operand in others):
        self.children(node)
        return node
    at = position(node)
    arguments = [self.expr(first), *(self.delayed(operand, at) for operand in others)]
    return staging("and_" if isinstance(node.op, ast.And) else "or_", arguments, at)


@lowers_expression(ast.UnaryOp)
def lower_not(self: FunctionLowering, node: ast.UnaryOp) -> ast.expr:
    operand = self.expr(node.operand)
    if isinstance(node.op, ast.Not):
        return staging("not_", [operand], position(node))
    node.operand = operand
    return node


@lowers_expression(ast.Compare)
def lower_compare(self: FunctionLowering, node: ast.Compare) -> ast.expr:
    at = position(node)
    if len(node.ops) > 1:
        if not all(self.can_delay(operand) for operand in node.comparators):
            self.children(node)
            return node
        arguments = [self.expr(node.left)]
        for operator, operand in zip(node.ops, node.comparators, strict=True):
            arguments += [constant(_SYMBOLS[type(operator)], at), self.delayed(operand, at)]
        return staging("compare", arguments, at)
    self.children(node)
    operator = node.ops[0]
    if isinstance(operator, ast.In | ast.NotIn):
        return staging("in_" if isinstance(operator, ast.In) else "not_in", [node.left, node.comparators[0]], at)
    displays = ast.Tuple | ast.List
    if isinstance(operator, ast.Eq | ast.NotEq) and isinstance(node.left, displays) | isinstance(
        node.comparators[0], displays
    ):
        return staging("eq" if isinstance(operator, ast.Eq) else "not_eq", [node.left, node.comparators[0]], at)
    return node
