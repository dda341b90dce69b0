"""Make a failing program short: greedy edits of its syntax tree, each kept if the program still fails in the same way.

Hypothesis shrinks what a program was drawn from. Edits of the program itself go further in fewer steps, which matters
where each step compiles a graph: a statement goes, a block takes the place of what holds it, a part of an expression
takes the place of the whole.
"""

from __future__ import annotations

import ast
import copy
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from .grammar import Program
from .hazards import hazards
from .runner import Disagreement, loaded, run

Check = Callable[[Program], None]
Path = tuple[tuple[str, int | None], ...]
Edit = Callable[[ast.AST], None]

# What an expression in these places stands for is not a number: a new one there is a failure of its own.
_NO_NUMBERS = ("exc", "cause", "func", "iter", "context_expr")
_COUNTER = re.compile(r"\bk\d+\b")


class _TimeUp(BaseException):
    """An edit has made the program run for ever."""


def reduced(program: Program, check: Check, seconds: float = 120) -> Program:
    """The shortest program found that fails `check` with the same kind of disagreement."""
    kind = _failure(program, check)
    if kind is None:
        raise ValueError("the program does not fail")
    endings = _endings(program)
    known = hazards(program.source)
    end = time.monotonic() + seconds
    tried = {program.source, ""}

    def fails(candidate: Program) -> bool:
        # A new ending in plain Python, such as the name of a deleted variable, would make it another failure.
        try:
            with _time_limit(2):
                if not _loads(candidate) or program.staged and not hazards(candidate.source) <= known:
                    return False
                return _endings(candidate) <= endings and _failure(candidate, check) is kind
        except _TimeUp:
            return False

    for values in program.inputs:
        single = replace(program, inputs=(values,))
        if len(program.inputs) > 1 and fails(single):
            program = single
            break

    shorter = True
    while shorter:
        shorter = False
        number = 0
        while time.monotonic() < end:
            tree = ast.parse(program.source)
            edits = list(_edits(tree, keep_values=program.staged))
            if number >= len(edits):
                break
            path, edit = edits[number]
            edit(_at(tree, path))
            source = _text(tree)
            candidate = replace(program, source=source)
            if source not in tried and len(source) <= len(program.source) and fails(candidate):
                program, shorter = candidate, True
            else:
                number += 1
            tried.add(source)
        for candidate in _simpler_inputs(program):
            if time.monotonic() < end and fails(candidate):
                program, shorter = candidate, True
                break
    return program


def _text(tree: ast.Module) -> str:
    """The tree as source; nothing where an edit took away what its node cannot do without."""
    try:
        return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    except (AttributeError, IndexError, TypeError, ValueError):
        return ""


def _loads(program: Program) -> bool:
    """Whether the module can still be compiled and executed, and defines the function."""
    try:
        with loaded(program) as function:
            return callable(function)
    except Exception:
        return False


def _failure(program: Program, check: Check) -> type[Disagreement] | None:
    try:
        check(program)
    except Disagreement as failure:
        return type(failure)
    return None


def _endings(program: Program) -> set[str]:
    """How plain Python ends the program on its inputs: the kinds of exceptions, and whether it returns None."""
    with loaded(program) as function:
        outcomes = [run(function, function, values) for values in program.inputs]
    endings = {type(outcome.error).__name__ for outcome in outcomes if outcome.error is not None}
    # An address that is printed is another one each time.
    endings |= {"address" for outcome in outcomes if " at 0x" in outcome.printed}
    # A graph cannot return None on some paths only, so None would be another failure too.
    return endings | {"None" if outcome.value is None else "value" for outcome in outcomes if outcome.error is None}


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt plain Python that does not end; no graph is then built of it, because plain Python runs first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    limit = time.monotonic() + seconds

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise _TimeUp(f"still running at {limit}")

    # Random programs contain `except:`, which catches the first interrupt, so there are more.
    kept = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)


# Edits.


def _at(tree: ast.AST, path: Path) -> Any:
    node: Any = tree
    for field, index in path:
        node = getattr(node, field)
        if index is not None:
            node = node[index]
    return node


def _walk(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """All nodes from the outermost inwards, so that the largest edits are tried first."""
    level = [(path, node)]
    while level:
        yield from level
        following: list[tuple[Path, ast.AST]] = []
        for above, parent in level:
            for field, value in ast.iter_fields(parent):
                if isinstance(value, ast.AST):
                    following.append(((*above, (field, None)), value))
                elif isinstance(value, list):
                    following += [
                        ((*above, (field, i)), item) for i, item in enumerate(value) if isinstance(item, ast.AST)
                    ]
        level = following


def _edits(tree: ast.AST, *, keep_values: bool) -> Iterator[tuple[Path, Edit]]:
    nodes = list(_walk(tree))
    for path, node in nodes:
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            items = getattr(node, field, None)
            if isinstance(items, list):
                yield from ((path, edit) for edit in _list_edits(field, items))
    for path, node in nodes:
        # Where a graph returns a number on one path it returns one on all.
        if not (keep_values and isinstance(node, ast.Return)) or node.value is None:
            yield from ((path, edit) for edit in _omissions(node))
        yield from ((path, edit) for edit in _part_edits(node))


def _list_edits(field: str, items: list[Any]) -> Iterator[Edit]:
    required = field in ("body", "cases")
    if len(items) > 1 and not any(_keeps_loop_finite(item) for item in items) and field != "cases":
        yield lambda node: setattr(node, field, [ast.Pass()] if required else [])
    for index, item in enumerate(items):
        if _keeps_loop_finite(item):
            continue
        if isinstance(item, ast.stmt) and len(items) == 1 and required:
            if not isinstance(item, ast.Pass):
                yield lambda node, index=index: _put(node, field, index, [ast.Pass()])
        elif len(items) > 1 or not required:
            yield lambda node, index=index: _put(node, field, index, [])
        for inner in _blocks(item):
            yield lambda node, index=index, inner=inner: _put(node, field, index, copy.deepcopy(inner))


def _put(node: Any, field: str, index: int, new: list[Any]) -> None:
    getattr(node, field)[index : index + 1] = new


def _blocks(item: ast.AST) -> Iterator[list[Any]]:
    """The blocks and the expression that a statement holds, each of which may take its place."""
    if not isinstance(item, ast.stmt) or isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for field in ("body", "orelse", "finalbody"):
        if inner := getattr(item, field, None):
            yield inner
    for part in (*getattr(item, "handlers", ()), *getattr(item, "cases", ())):
        yield part.body
    for field in ("test", "iter", "subject", "value"):
        if isinstance(value := getattr(item, field, None), ast.expr) and not isinstance(item, ast.Expr):
            yield [ast.Expr(value)]


def _keeps_loop_finite(item: ast.AST) -> bool:
    """Whether a statement steps or tests the counter of a loop, without which the loop would not end."""
    if isinstance(item, (ast.AugAssign, ast.If)):
        head = item.test if isinstance(item, ast.If) else item
        return _COUNTER.search(ast.unparse(head)) is not None
    return False


def _part_edits(node: ast.AST) -> Iterator[Edit]:
    """Edits of the parts of a node that are no statements."""
    for field, value in ast.iter_fields(node):
        if field == "value" and isinstance(node, (ast.Subscript, ast.Attribute)):
            continue
        if isinstance(value, ast.expr) and not _COUNTER.search(ast.unparse(value)):
            yield from (
                lambda node, field=field, new=new: setattr(node, field, copy.deepcopy(new))
                for new in _simpler(value)
                if isinstance(new, ast.Name) or field not in _NO_NUMBERS
            )
        if (
            isinstance(value, list)
            and value
            and not isinstance(value[0], (ast.stmt, ast.excepthandler, ast.match_case))
        ):
            for index, item in enumerate(value):
                yield lambda node, field=field, index=index: _put(node, field, index, [])
                if isinstance(item, ast.expr) and not _COUNTER.search(ast.unparse(item)):
                    yield from (
                        lambda node, field=field, index=index, new=new: _put(node, field, index, [copy.deepcopy(new)])
                        for new in _simpler(item)
                    )


def _omissions(node: ast.AST) -> Iterator[Edit]:
    optional = {
        ast.Return: "value",
        ast.withitem: "optional_vars",
        ast.match_case: "guard",
        ast.Assert: "msg",
        ast.ExceptHandler: "name",
        ast.Raise: "cause",
    }
    if (name := optional.get(type(node))) is not None and getattr(node, name) is not None:
        yield lambda node: setattr(node, name, None)


def _simpler(value: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(getattr(value, "ctx", ast.Load()), ast.Load) or isinstance(value, (ast.Constant, ast.Slice)):
        return
    for constant in (0, 1):
        yield ast.Constant(constant)
    if isinstance(value, ast.Name):
        return
    for child in ast.walk(value):
        if (
            child is not value
            and isinstance(child, ast.expr)
            and isinstance(getattr(child, "ctx", ast.Load()), ast.Load)
        ):
            yield child


def _simpler_inputs(program: Program) -> Iterator[Program]:
    if len(program.inputs) != 1:
        return
    (values,) = program.inputs
    for index, value in enumerate(values):
        for new in _simpler_values(value):
            yield replace(program, inputs=((*values[:index], new, *values[index + 1 :]),))


def _simpler_values(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        if value.any():
            yield np.zeros_like(value)
    elif isinstance(value, list) and value:
        yield value[:-1]
        yield value[1:]
    elif isinstance(value, (bool, int, float, np.generic)) and value:
        yield type(value)(0)
        if value != 1:
            yield type(value)(1)
