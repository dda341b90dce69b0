"""Assignments to attributes and items, which change an object rather than a variable.

Converted code makes such changes through the staging layer, so that a region's effects on objects can be found and put
back. A subscript of a variable is also assigned back to the variable (``a = ag__.set_item(v, a, i)``): engines whose
arrays cannot change in place then give the variable a new array. The order of evaluation is Python's: the value first,
then the object, then the index.
"""

from __future__ import annotations

import ast

from ..nodes import STORE, Position, assign, constant, load, position, staging
from ..scopes import root_of_subscripts
from .base import FunctionLowering, lowers_statement
from .logic import BINARY_SYMBOLS


def _only_names(target: ast.expr) -> bool:
    if isinstance(target, ast.Name):
        return True
    if isinstance(target, ast.Tuple | ast.List):
        return all(_only_names(element) for element in target.elts)
    return isinstance(target, ast.Starred) and _only_names(target.value)


_DISPLAYS = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.Constant)


def items_of(node: ast.expr, lowered: ast.expr) -> ast.expr:
    """An expression that Python is going to iterate over: the tensors of some engines cannot do that by themselves."""
    return lowered if isinstance(node, _DISPLAYS) else staging("items", [lowered], position(node))


def _is_unpacking(target: ast.expr) -> bool:
    return isinstance(target, ast.Tuple | ast.List)


@lowers_statement(ast.Assign)
def lower_assign(self: FunctionLowering, node: ast.Assign) -> list[ast.stmt]:
    self.binds(node)
    node.value = _value(self, node.value, node.targets)
    if len(node.targets) == 1 and _is_unpacking(node.targets[0]):
        node.value = items_of(node.value, node.value)
    if all(_only_names(target) for target in node.targets):
        return [node]
    at = position(node)
    if len(node.targets) == 1:
        return assign_to(self, node.targets[0], node.value, at)
    value = self.fresh("value")
    out: list[ast.stmt] = [assign(value, node.value, at)]
    for target in node.targets:
        out += assign_to(self, target, load(value, at), at)
    return out


def _value(self: FunctionLowering, value: ast.expr, targets: list[ast.expr]) -> ast.expr:
    """The value of an assignment; a list that is going to change its length has to be one that a graph can hold."""
    made = value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Add) else value
    is_list = isinstance(made, ast.ListComp) or (isinstance(made, ast.List) and bool(made.elts))
    target = targets[0]
    target = root_of_subscripts(target)
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if is_list and name in self.resized:
        return staging("new_list", [self.expr(value)], position(value))
    if isinstance(value, ast.Tuple) and isinstance(target, ast.Tuple) and len(value.elts) == len(target.elts):
        value.elts = [_value(self, part, [to]) for part, to in zip(value.elts, target.elts, strict=True)]
        return value
    return self.expr(value)


def assign_to(self: FunctionLowering, target: ast.expr, value: ast.expr, at: Position) -> list[ast.stmt]:
    """``target = value``, where ``value`` is lowered already."""
    if _only_names(target):
        return [ast.Assign([target], value, **at)]
    if isinstance(target, ast.Attribute):
        attribute = constant(self.mangled(target.attr), at)
        return [ast.Expr(staging("set_attribute", [value, self.expr(target.value), attribute], at), **at)]
    if isinstance(target, ast.Subscript):
        return [_store(self, "set_item", [value], target, at)]
    assert isinstance(target, ast.Tuple | ast.List | ast.Starred)
    if isinstance(target, ast.Starred):
        return assign_to(self, target.value, value, at)
    parts: list[ast.expr] = []
    after: list[ast.stmt] = []
    read: set[str] = set()
    for element in target.elts:
        named = {part.id for part in ast.walk(element) if isinstance(part, ast.Name)}
        if _only_names(element) and read.isdisjoint(named):
            parts.append(element)
            continue
        read |= named  # what an earlier target looks at gets its new value after that
        part = self.fresh("value")
        name: ast.expr = ast.Name(part, STORE, **at)
        parts.append(ast.Starred(name, STORE, **at) if isinstance(element, ast.Starred) else name)
        after += assign_to(self, element, load(part, at), at)
    unpack = ast.Assign([ast.Tuple(parts, STORE, **at)], value, **at)
    return [unpack, *after]


def _store(
    self: FunctionLowering, function: str, arguments: list[ast.expr], target: ast.Subscript, at: Position
) -> ast.stmt:
    """A change of an item, assigned back to the variable that holds the container where there is one."""
    root = root_of_subscripts(target)
    if isinstance(root, ast.Name) and root.id in self.scope.bound:
        call = staging(function, [*arguments, self.expr(root), *_keys(self, target)], at)
        return assign(root.id, call, at)
    if isinstance(root, ast.Attribute):
        name = constant(self.mangled(root.attr), at)
        function = function.replace("item", "attribute_item")
        return ast.Expr(staging(function, [*arguments, self.expr(root.value), name, *_keys(self, target)], at), **at)
    container = ast.copy_location(target.value, target)
    _as_load(container)
    return ast.Expr(staging(function, [*arguments, self.expr(container), _key(self, target)], at), **at)


def _as_load(node: ast.expr) -> None:
    if isinstance(node, ast.Subscript | ast.Attribute | ast.Name):
        node.ctx = ast.Load()


def _keys(self: FunctionLowering, target: ast.expr) -> list[ast.expr]:
    keys: list[ast.expr] = []
    while isinstance(target, ast.Subscript):
        keys.append(_key(self, target))
        target = target.value
    keys.reverse()
    return keys


def _key(self: FunctionLowering, target: ast.Subscript) -> ast.expr:
    """The index as a value; a slice, which is only syntax, is written ``ag__.index[a:b, c]``."""
    at = position(target.slice)
    key = self.expr(target.slice)
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    if any(isinstance(part, ast.Slice | ast.Starred) for part in parts):
        return ast.Subscript(ast.Attribute(load("ag__", at), "index", ast.Load(), **at), key, ast.Load(), **at)
    return key


@lowers_statement(ast.Expr)
def lower_expression_statement(self: FunctionLowering, node: ast.Expr) -> list[ast.stmt]:
    self.binds(node)
    call = node.value
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("sort", "fill")
        and isinstance(call.func.value, ast.Name)
        and not call.keywords
        and not any(isinstance(argument, ast.Starred) for argument in call.args)
    ):
        at = position(call)
        arguments = [self.expr(argument) for argument in call.args]
        array = self.expr(call.func.value)
        node.value = staging("change_array", [array, constant(call.func.attr, at), *arguments], at)
        return [node]
    self.children(node)
    return [node]


@lowers_statement(ast.AugAssign)
def lower_aug_assign(self: FunctionLowering, node: ast.AugAssign) -> list[ast.stmt]:
    self.binds(node)
    at = position(node)
    target = node.target
    if isinstance(target, ast.Name) and target.id in self.filled and self.can_delay(node.value):
        symbol = constant(BINARY_SYMBOLS[type(node.op)], at)
        call = staging("fill_in_place", [symbol, self.delayed(node.value, at), load(target.id, at)], at)
        return [assign(target.id, call, at)]
    if isinstance(target, ast.Name) and target.id in self.shared and self.can_delay(node.value):
        symbol = constant(BINARY_SYMBOLS[type(node.op)], at)
        call = staging("update", [symbol, self.delayed(node.value, at), self.expr(load(target.id, at))], at)
        return [assign(target.id, call, at)]
    if isinstance(target, ast.Name):
        node.value = self.expr(node.value)
        return [*_check_bound(self, target.id, at), node]
    if not self.can_delay(node.value):
        self.children(node)
        return [node]
    arguments: list[ast.expr] = [constant(BINARY_SYMBOLS[type(node.op)], at), self.delayed(node.value, at)]
    if isinstance(target, ast.Attribute):
        attribute = constant(self.mangled(target.attr), at)
        return [ast.Expr(staging("update_attribute", [*arguments, self.expr(target.value), attribute], at), **at)]
    return [_store(self, "update_item", arguments, target, at)]


def _check_bound(self: FunctionLowering, name: str, at: Position) -> list[ast.stmt]:
    """Makes sure that a variable which may be unbound is not, before an operation that reads it implicitly."""
    if not self.scope.bit(name) & self.maybe_unbound and name not in self.late:
        return []
    return [assign(name, self.expr(load(name, at)), at)]


@lowers_statement(ast.AnnAssign)
def lower_ann_assign(self: FunctionLowering, node: ast.AnnAssign) -> list[ast.stmt]:
    if node.value is None:
        if isinstance(node.target, ast.Name):
            return []
        # Python evaluates the parts of such a target and does nothing with them.
        parts = [node.target.value, *([node.target.slice] if isinstance(node.target, ast.Subscript) else [])]
        return [ast.Expr(self.expr(part), **position(node)) for part in parts]
    self.binds(node)
    at = position(node)
    node.value = self.expr(node.value)
    if isinstance(node.target, ast.Name):
        # Its annotation is never evaluated in a function, and a region could not declare the name `nonlocal` with it.
        return [ast.Assign([node.target], node.value, **at)]
    return assign_to(self, node.target, node.value, at)


@lowers_statement(ast.Delete)
def lower_delete(self: FunctionLowering, node: ast.Delete) -> list[ast.stmt]:
    self.binds(node)
    out: list[ast.stmt] = []
    for target in node.targets:
        out += _delete(self, target)
    return out


def _delete(self: FunctionLowering, target: ast.expr) -> list[ast.stmt]:
    at = position(target)
    if isinstance(target, ast.Tuple | ast.List):
        return [statement for element in target.elts for statement in _delete(self, element)]
    if isinstance(target, ast.Attribute):
        attribute = constant(self.mangled(target.attr), at)
        return [ast.Expr(staging("delete_attribute", [self.expr(target.value), attribute], at), **at)]
    if isinstance(target, ast.Subscript):
        return [ast.Expr(staging("delete_item", [self.expr(target.value), _key(self, target)], at), **at)]
    assert isinstance(target, ast.Name)
    return [*_check_bound(self, target.id, at), ast.Delete([target], **at)]
