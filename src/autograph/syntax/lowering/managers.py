"""``with`` in code that builds a graph becomes ``try``, so that what the graph raises reaches ``__exit__``.

This is the expansion of PEP 343, whose methods are called through ``ag__.manager``. It is done where a class in sight
defines ``__exit__``, and where what a ``with`` statement enters is not known to be a library's, which a look at the
module's names can say; which it is, ``ag__.manager`` sees. Any other ``with`` stays, as do all in code that runs
without a graph.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
from collections.abc import Callable, Container
from functools import partial
from types import ModuleType
from typing import Any

from ..nodes import LOAD, assign, constant, fresh_name, load, position, staging_function
from .matching import Call

_UNKNOWN = object()
_FRAMEWORKS = frozenset(["autograph", "jax", "jaxlib", "keras", "numpy", "tensorflow"])
_STDLIB = os.path.dirname(os.__file__) + os.sep


def may_be_users(statement: ast.With, namespace: dict[str, Any], local: Container[str]) -> bool:
    """Whether a context manager of the statement may be of a class, or a generator, of the user's.

    ``local`` are the variables of the function, of which nothing is known.
    """
    for item in statement.items:
        entered = item.context_expr
        value = _value_of(entered.func if isinstance(entered, ast.Call) else entered, namespace, local)
        if value is _UNKNOWN or not _is_librarys(value):
            return True
    return False


def _value_of(node: ast.expr, namespace: dict[str, Any], local: Container[str]) -> Any:
    """What a global name, or an attribute of a module or class, stands for now."""
    if isinstance(node, ast.Name) and node.id not in local:
        return namespace.get(node.id, getattr(builtins, node.id, _UNKNOWN))
    if isinstance(node, ast.Attribute):
        owner = _value_of(node.value, namespace, local)
        if isinstance(owner, ModuleType | type):
            return getattr(owner, node.attr, _UNKNOWN)
    return _UNKNOWN


def _is_librarys(value: Any) -> bool:
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        module = type(value).__module__
    top = module.partition(".")[0]
    if top in _FRAMEWORKS or top in sys.builtin_module_names:
        return True
    filename = getattr(sys.modules.get(top), "__file__", None)
    return isinstance(filename, str) and filename.startswith(_STDLIB) and "-packages" not in filename


def lower_withs(body: list[ast.stmt], used: set[str]) -> list[ast.stmt]:
    """Gives ``body``, which is changed, without ``with`` statements; ``used`` are the names that it has."""

    return _block(body, partial(fresh_name, used))


def _block(body: list[ast.stmt], fresh: Callable[[str], str]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.With):
            out += _expanded(statement.items, statement.body, fresh)
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(statement, name, None)
                if block:
                    setattr(statement, name, _block(block, fresh))
            for handler in getattr(statement, "handlers", ()):
                handler.body = _block(handler.body, fresh)
        out.append(statement)
    return out


def _expanded(items: list[ast.withitem], body: list[ast.stmt], fresh: Callable[[str], str]) -> list[ast.stmt]:
    item, *others = items
    inner = _expanded(others, body, fresh) if others else _block(body, fresh)
    at = position(item.context_expr)
    manager, is_left, error = fresh("with_manager"), fresh("with_is_left"), fresh("with_error")

    def method(name: str, *arguments: ast.expr) -> ast.expr:
        return Call(ast.Attribute(load(manager, at), name, LOAD, **at), list(arguments), [], **at)

    entered: ast.stmt = ast.Expr(method("enter"), **at)
    if item.optional_vars is not None:
        entered = ast.Assign([item.optional_vars], method("enter"), **at)
    swallowed = ast.UnaryOp(ast.Not(), method("caught", load(error, at)), **at)
    caught: list[ast.stmt] = [
        assign(is_left, constant(True, at), at),
        ast.If(swallowed, [ast.Raise(None, None, **at)], [], **at),
    ]
    handler = ast.ExceptHandler(load("BaseException", at), error, caught, **at)
    leave = ast.If(ast.UnaryOp(ast.Not(), load(is_left, at), **at), [ast.Expr(method("left"), **at)], [], **at)
    return [
        assign(manager, Call(staging_function("manager", at), [item.context_expr], [], **at), at),
        entered,
        assign(is_left, constant(False, at), at),
        ast.Try([ast.Try(inner, [handler], [], [], **at)], [], [], [leave], **at),
    ]
