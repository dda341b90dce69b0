"""Calls, and the reads that are calls in disguise: properties, items at an index that may be staged, f-strings."""

from __future__ import annotations

import ast

from ..nodes import constant, load, position, staging
from .base import FunctionLowering, lowers_expression, lowers_statement
from .mutation import items_of


@lowers_expression(ast.Call)
def lower_call(self: FunctionLowering, node: ast.Call) -> ast.expr:
    function = node.func
    at = position(node)
    if isinstance(function, ast.Name) and function.id == "super" and function.id not in self.scope.bound:
        return _lower_super(self, node)
    self.consumed.update(id(part) for part in node.args if isinstance(part, ast.GeneratorExp))
    self.children(node)
    if isinstance(function, ast.Attribute) and function.attr == "stack" and not node.args and not node.keywords:
        # `l.stack()`: a Python list has no such method, and where the list came from is only known at run time.
        return staging("stack_method", [function.value], at)
    node.func = staging("call", [node.func], position(function))
    return node


def _lower_super(self: FunctionLowering, node: ast.Call) -> ast.expr:
    """``super()`` asks its frame for the method's first argument; a region has another frame."""
    native = self.in_own_frame() or not self.has_class_cell or self.first_parameter is None
    if native or node.args or node.keywords:
        self.children(node)
        return node
    at = position(node)
    node.args = [load("__class__", at), load(str(self.first_parameter), at)]
    return node


@lowers_expression(ast.Attribute)
def lower_attribute(self: FunctionLowering, node: ast.Attribute) -> ast.expr:
    node.value = self.expr(node.value)
    if node.attr in self.unit.properties and isinstance(node.ctx, ast.Load):
        at = position(node)
        return staging("attribute", [node.value, constant(self.mangled(node.attr), at)], at)
    return node


@lowers_expression(ast.Subscript)
def lower_subscript(self: FunctionLowering, node: ast.Subscript) -> ast.expr:
    node.value = self.expr(node.value)
    node.slice = self.expr(node.slice)
    if isinstance(node.ctx, ast.Load) and not _is_static_index(node.slice):
        return staging("item", [node.value, node.slice], position(node))
    return node


def _is_static_index(index: ast.expr) -> bool:
    """Whether an index cannot be a staged number: then Python's own subscription serves."""
    if isinstance(index, ast.UnaryOp):
        index = index.operand
    return isinstance(index, ast.Constant | ast.Slice | ast.Tuple | ast.Starred)


@lowers_expression(ast.FormattedValue)
def lower_formatted_value(self: FunctionLowering, node: ast.FormattedValue) -> ast.expr:
    at = position(node.value)
    if node.format_spec is not None and node.conversion in (ord("r"), ord("s")):
        node.value = staging("shown", [self.expr(node.value), constant(chr(node.conversion), at)], at)
        node.conversion = -1
    elif not isinstance(node.value, ast.Constant):
        node.value = staging("text", [self.expr(node.value)], at)
    if node.format_spec is not None:
        node.format_spec = self.expr(node.format_spec)
    return node


@lowers_expression(ast.Starred)
def lower_starred(self: FunctionLowering, node: ast.Starred) -> ast.expr:
    lowered = self.expr(node.value)
    node.value = items_of(node.value, lowered) if isinstance(node.ctx, ast.Load) else lowered
    return node


@lowers_expression(ast.List)
def lower_list(self: FunctionLowering, node: ast.List) -> ast.expr:
    if not node.elts and isinstance(node.ctx, ast.Load):
        return staging("new_list", [], position(node))
    self.children(node)
    return node


@lowers_statement(ast.Assert)
def lower_assert(self: FunctionLowering, node: ast.Assert) -> list[ast.stmt]:
    self.binds(node)
    at = position(node)
    arguments = [self.expr(node.test)]
    if node.msg is not None:
        arguments.append(self.delayed(node.msg, at, "message"))
        message = arguments[1]
        node.msg = message.body if isinstance(message, ast.Lambda) else ast.Call(message, [], [], **at)
    node.test = staging("check", arguments, at)
    return [node]
