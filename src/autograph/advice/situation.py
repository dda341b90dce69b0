"""Where an exception came from: the user's expression, and the staged values in it, by their names."""

from __future__ import annotations

import ast
import itertools
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import Any

from ..engines.base import Engine
from ..errors import ConversionError
from ..staging.dispatch import staged
from ..syntax.compiler import CONVERTED, convert_code, is_converted

_MISSING: Any = object()


@dataclass(slots=True)
class Situation:
    """The innermost line of the user's that an exception has passed.

    Attributes:
        frame: the frame of the user's function.
        node: the expression (or statement) that was being evaluated; ``None`` where its source is not to be had.
        text: its source.
        engine: what is building the graph.
        traceback: the entry of the traceback that this is about.
    """

    frame: FrameType
    node: ast.AST | None
    text: str
    engine: Engine
    traceback: TracebackType
    _values: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(error: BaseException, end: TracebackType, engine: Engine) -> Situation:
        frame = end.tb_frame
        node, text = _expression(frame.f_code, end.tb_lasti)
        found = Situation(frame, node, text, engine, end)
        if not found.staged_names():
            # What is left of an assignment, say, of which only the right side says anything.
            parsed = found.line()
            if parsed is not None:
                line_situation = Situation(frame, parsed, ast.unparse(parsed), engine, end)
                found = line_situation if line_situation.staged_names() else found
        return found

    # Values.

    def value(self, node: ast.AST | None) -> Any:
        """What a name, or an attribute of one, or a constant is; ``MISSING`` for anything that would have to be run."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            for names in (self.frame.f_locals, self.frame.f_globals, _builtins(self.frame)):
                if node.id in names:
                    return names[node.id]
            return _MISSING
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            if owner is _MISSING:
                return _MISSING
            if node.attr in getattr(owner, "__dict__", ()):
                return owner.__dict__[node.attr]
            for kind in type(owner).__mro__:
                if node.attr in kind.__dict__:
                    member = kind.__dict__[node.attr]
                    # A property would have to be run.
                    if not callable(member) or not hasattr(member, "__get__"):
                        return _MISSING
                    return member.__get__(owner, type(owner))
            return _lazily(owner, node.attr)
        return _MISSING

    def line(self) -> ast.AST | None:
        """The whole line, where it can be parsed by itself."""
        return _parsed(linecache.getline(self.frame.f_code.co_filename, self.traceback.tb_lineno).strip())

    def staged_names(self, within: ast.AST | None = None) -> list[tuple[str, Any]]:
        """The variables (and attributes of variables) in an expression whose values are staged, in order."""
        found: dict[str, Any] = {}
        for node in _outer_first(self.node if within is None else within):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                value = self.value(node)
                if value is not _MISSING and staged(value) is not None:
                    found.setdefault(ast.unparse(node), value)
        return list(found.items())

    def is_staged(self, node: ast.AST | None) -> bool:
        """Whether an expression is staged, or made of something that is."""
        return node is not None and bool(self.staged_names(node))

    def name_of(self, value: Any) -> str | None:
        """The variable of the frame that holds ``value``."""
        return next((name for name, held in self.frame.f_locals.items() if held is value), None)

    def describe(self, value: Any) -> str:
        """A value's type, as all messages show it."""
        return str(self.types.describe(value))

    @property
    def types(self) -> Any:
        return sys.modules[f"autograph.engines.{self.engine.name}.types"]

    @property
    def function(self) -> str:
        return self.frame.f_code.co_name

    # What the function around it is.

    def why_not_converted(self) -> str | None:
        """Why the function was run as it is; ``None`` for converted code."""
        code = self.frame.f_code
        if is_converted(code) or code.co_name == "<module>":
            return None
        caller = self.frame.f_back
        if caller is not None and caller.f_code is left_alone_code():
            return "it is marked with ag.do_not_convert"
        while caller is not None and code.co_name in ("<genexpr>", "<listcomp>", "<lambda>"):
            if is_converted(caller.f_code):
                return None
            caller = caller.f_back
            break
        try:
            convert_code(code.replace(co_flags=code.co_flags & ~CONVERTED), self.frame.f_globals)
        except ConversionError as error:
            return getattr(error, "reason", str(error))
        return None


MISSING = _MISSING


def left_alone_code() -> CodeType | None:
    """The code of what ``ag.do_not_convert`` puts around a function."""
    directives: Any = sys.modules.get("autograph.staging.directives")
    inner = (part for part in directives.do_not_convert.__code__.co_consts if isinstance(part, CodeType))
    return next((code for code in inner if code.co_name == "left_alone"), None)


def _builtins(frame: FrameType) -> dict[str, Any]:
    return frame.f_builtins


def _lazily(owner: Any, name: str) -> Any:
    """An attribute of a module that is loaded when it is asked for."""
    if type(owner).__name__ in ("module", "LazyLoader", "KerasLazyLoader") or hasattr(type(owner), "_mw_attributes"):
        return getattr(owner, name, _MISSING)
    return _MISSING


def _outer_first(node: ast.AST | None) -> Iterator[ast.AST]:
    if node is None:
        return
    yield node
    if isinstance(node, ast.Lambda | ast.FunctionDef | ast.For | ast.While | ast.If):
        # Of a statement that holds others only the header is meant.
        for name in ("args", "iter", "test"):
            yield from _outer_first(getattr(node, name, None))
        return
    for child in ast.iter_child_nodes(node):
        yield from _outer_first(child)


def _expression(code: CodeType, instruction: int) -> tuple[ast.AST | None, str]:
    """The source of an instruction, parsed."""
    place = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
    if place is None or place[0] is None:
        return None, ""
    line, end_line, column, end_column = place
    assert line is not None
    lines = linecache.getlines(code.co_filename)[line - 1 : end_line]
    if not lines:
        return None, ""
    if column is None or end_column is None:
        text = lines[0].strip()
    elif len(lines) == 1:
        text = lines[0].encode()[column:end_column].decode(errors="replace")
    else:
        last = lines[-1].encode()[:end_column].decode(errors="replace")
        text = lines[0].encode()[column:].decode(errors="replace") + "".join(lines[1:-1]) + last
    return _parsed(text), " ".join(text.split())


def _parsed(text: str) -> ast.AST | None:
    stripped = text.strip().removesuffix(":")
    for attempt in (f"({stripped})", stripped, f"{stripped}: pass", f"if {stripped.removeprefix('el')}: pass"):
        try:
            body = ast.parse(attempt).body
        except SyntaxError:
            continue
        if len(body) == 1:
            return body[0].value if isinstance(body[0], ast.Expr) else body[0]
    return None
