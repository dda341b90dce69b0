"""``and``, ``or``, ``not``, chained comparisons and membership: lazy where Python is lazy."""

from __future__ import annotations

import ast

from ..nodes import constant, position, staging
from .base import FunctionLowering, lowers_expression

BINARY_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}

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


_MEMBERSHIP = (ast.In, ast.NotIn)
_IDENTITY = (ast.Is, ast.IsNot)
_DISPLAYS = (ast.Tuple, ast.List)
_PLACES = (ast.Attribute, ast.Subscript, ast.Call, ast.IfExp, ast.NamedExpr)


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
    node.left, node.comparators[0] = self.expr(node.left), self.expr(node.comparators[0])
    operator = node.ops[0]
    if isinstance(operator, _MEMBERSHIP):
        return staging("in_" if isinstance(operator, ast.In) else "not_in", [node.left, node.comparators[0]], at)
    left, right = node.left, node.comparators[0]
    if isinstance(operator, _IDENTITY):
        return staging("is_" if isinstance(operator, ast.Is) else "is_not", [left, right], at)
    has_display = isinstance(left, _DISPLAYS) or isinstance(right, _DISPLAYS)
    if self.unit.overloads(operator) and not has_display:
        return staging("operate", [constant(_SYMBOLS[type(operator)], at), left, right], at)
    if has_display or (_may_be_sequence(self, left) and _may_be_sequence(self, right)):
        if isinstance(operator, ast.Eq | ast.NotEq):
            return staging("eq" if isinstance(operator, ast.Eq) else "not_eq", [left, right], at)
        return staging("order", [constant(_SYMBOLS[type(operator)], at), left, right], at)
    return node


def _may_be_sequence(self: FunctionLowering, node: ast.expr) -> bool:
    """Whether an operand may be a tuple or a list, as far as can be seen: those compare their elements in C."""
    if isinstance(node, ast.Name):
        return node.id not in self.numbers
    return isinstance(node, _PLACES)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


@lowers_expression(ast.BinOp)
def lower_bin_op(self: FunctionLowering, node: ast.BinOp) -> ast.expr:
    node.left, node.right = self.expr(node.left), self.expr(node.right)
    at = position(node)
    if isinstance(node.op, ast.Mod) and _is_text(node.left):
        return staging("percent", [node.left, node.right], at)
    if self.unit.overloads(node.op):
        return staging("operate", [constant(BINARY_SYMBOLS[type(node.op)], at), node.left, node.right], at)
    return node
