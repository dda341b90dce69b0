"""``for`` and ``while``."""

from __future__ import annotations

import ast

from ..nodes import Position, header, load, position, staging, thunk
from .base import FunctionLowering, lowers_statement
from .mutation import assign_to, items_of


@lowers_statement(ast.For)
def lower_for(self: FunctionLowering, node: ast.For) -> list[ast.stmt]:
    at = header(node, node.iter)
    iterated = self.expr(node.iter)
    if _counts(node.iter):
        # `for i in tf.range(n)` counts; the numbers need not be written down first.
        assert isinstance(iterated, ast.Call)
        assert isinstance(iterated.func, ast.Call)
        iterated.func = staging("iterated", iterated.func.args, position(iterated.func))
    target, body = node.target, node.body
    out: list[ast.stmt] = []
    if isinstance(target, ast.Name) and self.scope.bit(target.id) & self.liveness.private(body):
        parameter, prologue = target.id, None
    else:
        parameter = self.fresh("item")

        def prologue() -> list[ast.stmt]:
            place = position(target)
            frame = self.frames[-1]
            frame.bound |= self.scope.facts(node).writes
            announced = self.announce_names(self.scope.facts(node).writes, at)
            item: ast.expr = load(parameter, place)
            if isinstance(target, ast.Tuple | ast.List) and not _gives_tuples(node.iter):
                item = items_of(item, item)
            return announced + assign_to(self, target, item, place)

    region = self.region_name("for_body")
    out.append(self.region(region, body, at, parameter, prologue))
    # What `iter()` and `next()` raise, Python raises at the expression that is iterated over.
    call = staging("for_stmt", [iterated, load(region, at), _state(self, node, at)], position(node.iter))
    _add_until(self, node, call, at)
    return [*out, ast.Expr(call, **at)]


@lowers_statement(ast.While)
def lower_while(self: FunctionLowering, node: ast.While) -> list[ast.stmt]:
    at = header(node, node.test)
    test = self.delayed(node.test, at, "while_test")
    region = self.region_name("while_body")
    out: list[ast.stmt] = [self.region(region, node.body, at)]
    call = staging("while_stmt", [test, load(region, at), _state(self, node, at)], at)
    _add_until(self, node, call, at)
    return [*out, ast.Expr(call, **at)]


def _counts(node: ast.expr) -> bool:
    """Whether an expression is a call like ``tf.range(n)``; the node is lowered in place, so ``func`` is a call too."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Call) or not node.func.args:
        return False
    function = node.func.args[0]
    return isinstance(function, ast.Attribute) and function.attr in ("range", "count")


def _gives_tuples(iterated: ast.expr) -> bool:
    """Whether what is iterated over is one of the calls whose items are tuples of Python's."""
    if not isinstance(iterated, ast.Call):
        return False
    function = iterated.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in ("enumerate", "zip", "items")


def _state(self: FunctionLowering, node: ast.For | ast.While, at: Position) -> ast.Constant:
    liveness = self.liveness
    matters = liveness.after[id(node)] | liveness.head[id(node)]
    return self.state((liveness.effect(node).assigned | self.scope.written_elsewhere) & matters, at)


def _add_until(self: FunctionLowering, node: ast.For | ast.While, call: ast.Call, at: Position) -> None:
    flags: list[ast.expr] = [load(flag, at) for flag in self.jumps.untils.get(id(node), ())]
    if flags:
        test = flags[0] if len(flags) == 1 else self.expr(ast.BoolOp(ast.Or(), flags, **at))
        call.keywords.append(ast.keyword("until", thunk(test, at), **at))
