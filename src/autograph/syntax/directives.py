"""Directives that mean nothing where they stand, found when a function is converted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

from .refusals import refusal_at

LOOP_OPTIONS = frozenset(
    [
        "checkpoints",
        "max_iterations",
        "maximum_iterations",
        "parallel_iterations",
        "shape_invariants",
        "swap_memory",
        "unroll",
    ]
)
_LOOP_DIRECTIVE = "set_loop_options"
_HOME = "autograph.staging.directives"


def check_directives(node: ast.AST, code: CodeType, namespace: dict[str, Any]) -> None:
    """Looks at each ``ag.set_loop_options`` in a function.

    Raises:
        ConversionError: it is in no loop, or has options that no engine knows.
    """
    if not _names_directive(code):
        return
    for call, is_in_loop in _directives(node, False):
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name != _LOOP_DIRECTIVE or getattr(_found(function, namespace), "__module__", None) != _HOME:
            continue
        if not is_in_loop:
            raise _refused(code, call, "ag.set_loop_options() stands outside of any loop", _PLACE)
        for keyword in call.keywords:
            if keyword.arg is not None and keyword.arg not in LOOP_OPTIONS:
                known = ", ".join(sorted(LOOP_OPTIONS))
                reason = f"ag.set_loop_options() has no option {keyword.arg!r}"
                raise _refused(code, keyword, reason, f"Its options are {known}")
        if call.args:
            raise _refused(code, call.args[0], "the options of ag.set_loop_options() are given by name", _PLACE)


def _names_directive(code: CodeType) -> bool:
    return _LOOP_DIRECTIVE in code.co_names or any(
        _names_directive(part) for part in code.co_consts if type(part) is CodeType
    )


_PLACE = "Make it the first statement of the loop's body, `ag.set_loop_options(max_iterations=...)`"


def _refused(code: CodeType, node: ast.Call | ast.keyword | ast.expr, reason: str, way_out: str) -> Exception:
    end = node.end_col_offset if node.end_lineno == node.lineno else None
    return refusal_at(code.co_qualname, code.co_filename, (node.lineno, node.col_offset, end), reason, way_out)


def _directives(node: ast.AST, is_in_loop: bool) -> Iterator[tuple[ast.Call, bool]]:
    if isinstance(node, ast.Call):
        yield node, is_in_loop
    for name, value in ast.iter_fields(node):
        inside = is_in_loop
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            inside = is_in_loop or name == "body"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = False
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, ast.AST):
                yield from _directives(part, inside)


def _found(node: ast.expr, namespace: dict[str, Any]) -> Any:
    """What a name, or an attribute of a module, is."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _found(node.value, namespace)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
    return None
