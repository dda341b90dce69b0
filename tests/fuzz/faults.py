"""Stand-ins for the converter with one planted fault each, to show that the fuzzer finds such faults.

A fault is a rewriting of the program's own syntax tree, so that nothing but the fault can differ.
"""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

Function = Callable[..., Any]


def faithful(function: Function) -> Function:
    """No fault: the fuzzer must find none."""
    return function


def planted(fault: type[ast.NodeTransformer]) -> Callable[[Function], Function]:
    """A converter that rewrites the program's function by the fault."""

    def convert(function: Function) -> Function:
        file = function.__code__.co_filename
        tree = ast.fix_missing_locations(fault().visit(ast.parse("".join(linecache.getlines(file)))))
        namespace: dict[str, Any] = {}
        exec(compile(tree, file, "exec"), namespace)
        return types.FunctionType(namespace[function.__name__].__code__, function.__globals__)

    return convert


def unstaged(convert: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """A converter in the place of `jax.jit`: plain Python on the values of the arrays."""

    def stage(function: Function) -> Function:
        converted = convert(function)
        return lambda *values: converted(*(np.array(v) if isinstance(v, jax.Array) else v for v in values))

    return stage


class DropsContinue(ast.NodeTransformer):
    def visit_Continue(self, node: ast.Continue) -> ast.AST:
        return ast.Pass()


class DropsBreak(ast.NodeTransformer):
    """Loops with a counter still end."""

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body = [_without_break(statement) for statement in node.body]
        return node


def _without_break(node: ast.stmt) -> ast.stmt:
    class Drop(ast.NodeTransformer):
        def visit_Break(self, node: ast.Break) -> ast.AST:
            return ast.Pass()

        def visit_While(self, node: ast.While) -> ast.AST:
            return node

        visit_For = visit_While

    return Drop().visit(node)


class SwapsOperands(ast.NodeTransformer):
    """Evaluates the right operand of `+` first."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Add):
            return node
        pair = ast.Tuple([node.right, node.left], ast.Load())
        argument = ast.arguments([], [ast.arg("pair")], kwonlyargs=[], kw_defaults=[], defaults=[])
        items = [ast.Subscript(ast.Name("pair", ast.Load()), ast.Constant(i), ast.Load()) for i in (1, 0)]
        return ast.Call(ast.Lambda(argument, ast.BinOp(items[0], node.op, items[1])), [pair], [])


class RunsLoopElseAlways(ast.NodeTransformer):
    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        after, node.orelse = node.orelse, []
        return [node, *after]

    visit_While = visit_For


class EvaluatesMiddleTwice(ast.NodeTransformer):
    """Writes `a < b < c` as `a < b and b < c`."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1:
            return node
        middle, *rest = node.comparators
        return ast.BoolOp(
            ast.And(), [ast.Compare(node.left, node.ops[:1], [middle]), ast.Compare(middle, node.ops[1:], rest)]
        )


class LogicIsBoolean(ast.NodeTransformer):
    """`a or b` gives True in place of `a`."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("bool", ast.Load()), [node], [])


class DropsFinally(ast.NodeTransformer):
    """A `finally` runs only where the block before it ends in the ordinary way."""

    def visit_Try(self, node: ast.Try) -> Any:
        self.generic_visit(node)
        final, node.finalbody = node.finalbody, []
        return [node, *final] if node.handlers else [*node.body, *final]


class KeepsHandlerName(ast.NodeTransformer):
    """Does not unbind the name of `except ... as name`."""

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if node.name is not None:
            kept = ast.Assign([ast.Name(node.name, ast.Store())], ast.Constant(0))
            node.name, node.body = None, [kept, *node.body]
        return node


class BindsEarly(ast.NodeTransformer):
    """A lambda sees its free variables `a` and `b` as they were when the lambda was made."""

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.args.kwonlyargs = [ast.arg(name) for name in "ab"]
        node.args.kw_defaults = [ast.Name(name, ast.Load()) for name in "ab"]
        return node


class LosesNonlocal(ast.NodeTransformer):
    """Forgets that a variable is that of the function outside."""

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        return ast.Pass()


class ReadsUnboundAsNone(ast.NodeTransformer):
    """A variable that was never assigned is None."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name == "fuzzed":
            at = 1 if isinstance(node.body[0], ast.Global) else 0
            node.body.insert(at, ast.parse("c = d = e = None").body[0])
        return node


class UpwardRangesOnly(ast.NodeTransformer):
    """A range with a negative step is taken for empty."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "range" and len(node.args) == 3:
            node.args[2] = ast.Call(ast.Name("max", ast.Load()), [node.args[2], ast.Constant(1)], [])
        return node


class ForgetsLoopVariable(ast.NodeTransformer):
    """After a loop its variable has the value from before."""

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name) or node.target.id not in "abc":
            return node
        keep = ast.Assign([ast.Name("kept", ast.Store())], ast.Name(node.target.id, ast.Load()))
        back = ast.Assign([ast.Name(node.target.id, ast.Store())], ast.Name("kept", ast.Load()))
        return [keep, node, back]


class TakesBothBranches(ast.NodeTransformer):
    """A print in a branch that is not taken is printed."""

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        prints = [s for s in node.body if isinstance(s, ast.Expr) and ast.unparse(s).startswith("print(")]
        node.body = [s for s in node.body if s not in prints] or [ast.Pass()]
        return [node, *prints]


PLAIN_FAULTS = (
    DropsContinue,
    DropsBreak,
    SwapsOperands,
    RunsLoopElseAlways,
    EvaluatesMiddleTwice,
    LogicIsBoolean,
    DropsFinally,
    KeepsHandlerName,
    BindsEarly,
    LosesNonlocal,
    ReadsUnboundAsNone,
)
STAGED_FAULTS = (
    DropsContinue,
    DropsBreak,
    RunsLoopElseAlways,
    LogicIsBoolean,
    UpwardRangesOnly,
    ForgetsLoopVariable,
    TakesBothBranches,
)
