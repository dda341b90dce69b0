"""What a graph minds in a program and plain Python does not, so that no edit of a failing program may bring it in.

A graph holds the paths that Python does not take. A variable without a value on one of them is an error there, and so
is a path that returns nothing where others return a number. What is printed without a staged argument, outside every
region, is printed while the graph is built.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence

Bound = frozenset[str] | None
"""Names that are certainly assigned; None where control never gets."""


def hazards(source: str) -> frozenset[str]:
    """Names that may be read unassigned, functions that may end without a value, and prints of plain values.

    What conditions say is not considered.
    """
    module = ast.parse(source)
    reads = _Reads()
    reads.block(module.body, frozenset(dir(builtins)))
    return frozenset(reads.unbound) | frozenset(_printed_while_tracing(module))


def _printed_while_tracing(module: ast.Module) -> Iterator[str]:
    """Prints that nothing staged makes wait for the graph."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            if not any(isinstance(child, ast.Name) and child.id == "w" for child in ast.walk(node)):
                yield ast.unparse(node)


def _join(bounds: Iterable[Bound]) -> Bound:
    reached = [bound for bound in bounds if bound is not None]
    return frozenset.intersection(*reached) if reached else None


class _Reads:
    def __init__(self) -> None:
        self.unbound: set[str] = set()

    def read(self, node: ast.AST | None, bound: frozenset[str]) -> None:
        if node is None:
            return
        # The variables of comprehensions and lambdas.
        scopes = [child for child in ast.walk(node) if isinstance(child, (ast.comprehension, ast.arg))]
        own = {
            name
            for scope in scopes
            for name in (_stored(scope) if isinstance(scope, ast.comprehension) else [scope.arg])
        }
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load) and child.id not in bound | own:
                self.unbound.add(child.id)

    def block(self, body: Sequence[ast.stmt], bound: Bound) -> Bound:
        for statement in body:
            if bound is None:
                return None
            bound = self.statement(statement, bound)
        return bound

    def statement(self, node: ast.stmt, bound: frozenset[str]) -> Bound:
        match node:
            case ast.If():
                self.read(node.test, bound)
                return _join((self.block(node.body, bound), self.block(node.orelse, bound)))
            case ast.While():
                self.read(node.test, bound)
                self.block(node.body, bound)
                self.block(node.orelse, bound)
                return bound
            case ast.For():
                self.read(node.iter, bound)
                self.block(node.body, bound | set(_stored(node.target)))
                self.block(node.orelse, bound)
                return bound
            case ast.Try() | ast.TryStar():
                ends = [self.block([*node.body, *node.orelse], bound)]
                for handler in node.handlers:
                    ends.append(self.block(handler.body, bound | {handler.name} if handler.name else bound))
                final = self.block(node.finalbody, bound)
                end = _join(ends)
                return None if end is None or final is None else end | final
            case ast.With():
                for item in node.items:
                    self.read(item.context_expr, bound)
                    bound |= set(_stored(item.optional_vars))
                return self.block(node.body, bound)
            case ast.Match():
                self.read(node.subject, bound)
                ends = [bound]
                for case in node.cases:
                    inside = bound | set(_stored(case.pattern))
                    self.read(case.guard, inside)
                    ends.append(self.block(case.body, inside))
                    if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None:
                        ends[0] = None
                return _join(ends)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                bound |= {node.name}
                arguments = node.args
                named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                named += [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
                end = self.block(node.body, bound | {argument.arg for argument in named})
                if end is not None:
                    self.unbound.add(f"the value of {node.name}")
                return bound
            case ast.ClassDef():
                self.block(node.body, bound)
                return bound | {node.name}
            case ast.AugAssign():
                self.read(node.value, bound)
                if isinstance(node.target, ast.Name) and node.target.id not in bound:
                    self.unbound.add(node.target.id)
            case _:
                self.read(node, bound)
        if isinstance(node, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
            return None
        return bound | set(_stored(node))


def _stored(node: ast.AST | None) -> Iterator[str]:
    for child in ast.walk(node) if node is not None else ():
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif isinstance(child, (ast.MatchAs, ast.MatchStar)) and child.name is not None:
            yield child.name
        elif isinstance(child, ast.MatchMapping) and child.rest is not None:
            yield child.rest
        elif isinstance(child, ast.alias):
            yield (child.asname or child.name).partition(".")[0]
