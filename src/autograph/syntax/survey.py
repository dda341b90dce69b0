"""One walk over the body of a function, which sorts its nodes by kind for all that has to look at some of them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from types import NoneType
from typing import TypeVar

from .scopes import CODE_FIELDS

Node = TypeVar("Node", bound=ast.AST)

_LEAVES = frozenset((ast.Name, ast.Constant, NoneType, bool, str))
_SCOPES = frozenset((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef))


class Survey:
    """The nodes of a function body other than names and constants.

    A function, lambda or class in it is one of its own nodes; the parts of that are not.
    """

    __slots__ = ("_nested", "_own")

    def __init__(self, body: Sequence[ast.AST]) -> None:
        self._own: dict[type, list[ast.AST]] = defaultdict(list)
        self._nested: dict[type, list[ast.AST]] = defaultdict(list)
        inside: list[ast.AST] = []
        _sort(list(body), self._own, inside)
        while inside:
            stack, inside = inside, []
            _sort(stack, self._nested, inside)

    def own(self, kind: type[Node]) -> Sequence[Node]:
        """The nodes of exactly this kind that are not parts of a function or class inside."""
        return self._own.get(kind, ())  # type: ignore[return-value]

    def every(self, kind: type[Node]) -> Sequence[Node]:
        """All nodes of exactly this kind."""
        nested = self._nested.get(kind)
        return [*self.own(kind), *nested] if nested else self.own(kind)  # type: ignore[list-item]


def _sort(stack: list[ast.AST], into: dict[type, list[ast.AST]], inside: list[ast.AST]) -> None:
    """Sorts what is under the nodes on the stack; the parts of a function or class go to ``inside``."""
    pop = stack.pop
    while stack:
        node = pop()
        kind = type(node)
        if kind in _LEAVES:
            continue
        into[kind].append(node)
        to = inside if kind in _SCOPES else stack
        for name in CODE_FIELDS[kind]:
            value = getattr(node, name, None)
            if type(value) is list:
                to += value
            elif value is not None:
                to.append(value)
