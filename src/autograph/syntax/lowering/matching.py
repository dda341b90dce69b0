"""``match`` becomes a chain of conditionals over ``ag__.match``, which compares a value with a pattern (PEP 634).

A pattern is described to the staging layer by nested calls; what has to be looked up (a dotted name, a class) is
delayed until the matching gets there. Names are bound once the whole pattern has matched, and before the guard.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial

from ..nodes import LOAD, Position, assign, constant, fresh_name, load, position, staging_function, thunk
from ..scopes import Names, collect


class Call(ast.Call):
    """A call of the staging layer, which is not lowered again. (Named for ``ast.unparse``, which goes by the name.)"""


def lower_matches(arguments: ast.arguments, body: list[ast.stmt]) -> list[ast.stmt]:
    """Gives ``body`` without ``match`` statements."""
    names = Names()
    collect([arguments, *body], names)
    used = names.reads | names.binds | names.captured | {argument.arg for argument in arguments.args}

    return _block(body, partial(fresh_name, used))


def _block(body: list[ast.stmt], fresh: Callable[[str], str]) -> list[ast.stmt]:
    out: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Match):
            out += _match(statement, fresh)
            continue
        for name in ("body", "orelse", "finalbody"):
            block = getattr(statement, name, None)
            if block and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                setattr(statement, name, _block(block, fresh))
        for handler in getattr(statement, "handlers", ()):
            handler.body = _block(handler.body, fresh)
        out.append(statement)
    return out


def _match(node: ast.Match, fresh: Callable[[str], str]) -> list[ast.stmt]:
    at = position(node.subject)
    subject = fresh("match_subject")
    return [assign(subject, node.subject, at), *_cases(subject, node.cases, fresh)]


def _cases(subject: str, cases: list[ast.match_case], fresh: Callable[[str], str]) -> list[ast.stmt]:
    if not cases:
        return []
    case, *others = cases
    at = position(case.pattern)
    body = _block(case.body, fresh)
    captures = _captures(case.pattern)
    if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None:
        bind = [assign(name, load(subject, at), at) for name in captures]
        return [*bind, *body]
    rest = _cases(subject, others, fresh)
    test: ast.expr = _staging("match", [load(subject, at), _pattern(case.pattern)], at)
    if not captures and case.guard is None:
        return [ast.If(ast.Attribute(test, "hit", LOAD, **at), body, rest, **at)]
    result, hit = fresh("match_result"), fresh("match_hit")
    bound: list[ast.stmt] = [
        assign(name, ast.Subscript(load(result, at), constant(name, at), LOAD, **at), at) for name in captures
    ]
    if case.guard is not None:
        bound.append(assign(hit, case.guard, position(case.guard)))
    return [
        assign(result, test, at),
        assign(hit, ast.Attribute(load(result, at), "hit", LOAD, **at), at),
        ast.If(load(hit, at), bound, [], **at),
        ast.If(load(hit, at), body, rest, **at),
    ]


def _captures(pattern: ast.pattern) -> list[str]:
    """The names that a pattern binds, in the order of the text."""
    names: list[str] = []
    for node in ast.walk(pattern):
        name = node.rest if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
        if isinstance(node, ast.MatchAs | ast.MatchStar | ast.MatchMapping) and name and name not in names:
            names.append(name)
    return names


def _staging(function: str, arguments: list[ast.expr], at: Position) -> Call:
    return Call(staging_function(function, at), arguments, [], **at)


def _list(elements: list[ast.expr], at: Position) -> ast.Tuple:
    return ast.Tuple(elements, LOAD, **at)


def _pattern(node: ast.pattern) -> ast.expr:
    """The call that describes ``node``."""
    at = position(node)
    if isinstance(node, ast.MatchValue):
        return _staging("value_pattern", [thunk(node.value, at)], at)
    if isinstance(node, ast.MatchSingleton):
        return _staging("singleton_pattern", [constant(node.value, at)], at)
    if isinstance(node, ast.MatchOr):
        return _staging("or_pattern", [_pattern(part) for part in node.patterns], at)
    if isinstance(node, ast.MatchAs):
        inner = constant(None, at) if node.pattern is None else _pattern(node.pattern)
        return _staging("capture_pattern", [constant(node.name, at), inner], at)
    if isinstance(node, ast.MatchStar):
        return _staging("star_pattern", [constant(node.name, at)], at)
    if isinstance(node, ast.MatchSequence):
        return _staging("sequence_pattern", [_pattern(part) for part in node.patterns], at)
    if isinstance(node, ast.MatchMapping):
        keys: list[ast.expr] = [thunk(key, at) for key in node.keys]
        parts = [_pattern(part) for part in node.patterns]
        return _staging("mapping_pattern", [_list(keys, at), _list(parts, at), constant(node.rest, at)], at)
    assert isinstance(node, ast.MatchClass)
    names: list[ast.expr] = [constant(name, at) for name in node.kwd_attrs]
    parts = [_pattern(part) for part in node.patterns]
    keywords = [_pattern(part) for part in node.kwd_patterns]
    arguments = [thunk(node.cls, at), _list(parts, at), _list(names, at), _list(keywords, at)]
    return _staging("class_pattern", arguments, at)
