"""Data flow over structured code: definite assignment (forward, must) and liveness (backward, may).

Both are the textbook analyses (Aho, Lam, Sethi and Ullman, *Compilers*, chapter 9), computed on the syntax tree itself:
a statement's effect on a set of names is ``gen | (after & transparent)``, such functions compose, and the effect of a
loop is reached without iterating because ``F(F(0)) == F(0)`` for functions of that form. Each analysis therefore takes
one pass over the code, however deeply loops nest.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from .scopes import WITHOUT_BLOCKS, Scope, header_of

_ALL = -1


def is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


class DefiniteAssignment:
    """Finds the local variables that some statement may read before anything was assigned to them.

    Runs on the code as the user wrote it, before jumps are lowered: flags would hide which assignments belong together.
    """

    def __init__(self, scope: Scope, body: list[ast.stmt], has_walrus: bool) -> None:
        self._scope = scope
        self._locals = scope.mask(scope.locals)
        self._breaks: list[int] = []
        self._continues: list[int] = []
        self._has_walrus = has_walrus
        self.maybe_unbound = 0
        self.on_some_paths = 0
        """Variables that are assigned on some paths only where those of a conditional or loop meet."""
        self._block(body, scope.mask(set(scope.parameters)))

    def _read(self, mask: int, assigned: int) -> None:
        self.maybe_unbound |= mask & self._locals & ~assigned

    def _block(self, statements: list[ast.stmt], assigned: int) -> int:
        for statement in statements:
            assigned = self._statement(statement, assigned)
        return assigned

    def _statement(self, statement: ast.stmt, assigned: int) -> int:
        facts = self._scope.facts(statement)
        kind = type(statement)
        if self._has_walrus:
            facts = facts._replace(writes=facts.writes & ~self._doubtful(statement))
        if kind is ast.For:
            return self._loop(statement, assigned, facts.reads, facts.writes)
        if kind is ast.While:
            return self._loop(statement, assigned, facts.reads, facts.writes)
        self._read(facts.reads, assigned)
        if kind is ast.If:
            assigned |= facts.writes
            after = self._block(statement.body, assigned)  # type: ignore[attr-defined]
            otherwise = self._block(statement.orelse, assigned)  # type: ignore[attr-defined]
            if _ALL not in (after, otherwise):
                self.on_some_paths |= (after ^ otherwise) & self._locals
            return after & otherwise
        if kind is ast.Try or kind is ast.TryStar:
            return self._try(statement, assigned)  # type: ignore[arg-type]
        assigned = (assigned | facts.writes) & ~facts.deletes
        if kind is ast.With:
            return self._block(statement.body, assigned)  # type: ignore[attr-defined]
        if kind is ast.Return or kind is ast.Raise:
            return _ALL
        if kind is ast.Break:
            self._breaks[-1] &= assigned
            return _ALL
        if kind is ast.Continue:
            self._continues[-1] &= assigned
            return _ALL
        return assigned

    def _doubtful(self, statement: ast.stmt) -> int:
        """Variables that only a part of an expression which may not be evaluated assigns."""
        certain: set[str] = set()
        doubtful: set[str] = set()
        for part in header_of(statement):
            _walrus_names(part, True, certain, doubtful)
        return self._scope.mask(doubtful - certain)

    def _loop(self, loop: ast.stmt, assigned: int, reads: int, writes: int) -> int:
        assert isinstance(loop, ast.For | ast.While)
        assigned &= ~deleted_in(self._scope, loop.body)
        self._read(reads, assigned)
        self._breaks.append(_ALL)
        self._continues.append(_ALL)
        after = self._block(loop.body, assigned | writes)
        if after != _ALL:
            self.on_some_paths |= after & ~assigned & self._locals
        self._continues.pop()
        leaves = assigned
        if isinstance(loop, ast.While):
            leaves = _ALL if is_true(loop.test) else assigned | writes
        return self._block(loop.orelse, leaves) & self._breaks.pop()

    def _try(self, statement: ast.Try | ast.TryStar, assigned: int) -> int:
        after = self._block(statement.body, assigned)
        raised = assigned & ~deleted_in(self._scope, statement.body)
        after = self._block(statement.orelse, after)
        for handler in statement.handlers:
            bit = self._scope.bit(handler.name) if handler.name else 0
            after &= self._block(handler.body, raised | bit) & ~bit
        if not statement.finalbody:
            return after
        finished = self._block(statement.finalbody, after & raised)
        return (after | finished) & ~deleted_in(self._scope, statement.finalbody)


def _walrus_names(node: ast.AST, is_certain: bool, certain: set[str], doubtful: set[str]) -> None:
    """Sorts the targets of assignment expressions by whether they are evaluated whenever ``node`` is.

    What any other construct binds counts as certain.
    """
    if isinstance(node, ast.NamedExpr):
        (certain if is_certain else doubtful).add(node.target.id)
        _walrus_names(node.value, is_certain, certain, doubtful)
        return
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            certain.add(node.id)
        return
    always: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.BoolOp):
        always = [node.values[0]]
    elif isinstance(node, ast.IfExp):
        always = [node.test]
    elif isinstance(node, ast.Compare):
        always = [node.left, node.comparators[0]]
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        always = [node.generators[0].iter]
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                doubtful.add(inner.target.id)
        _walrus_names(always[0], is_certain, certain, doubtful)
        return
    elif isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for child in ast.iter_child_nodes(node):
        _walrus_names(child, is_certain and any(child is one for one in always), certain, doubtful)


def deleted_in(scope: Scope, statements: list[ast.stmt]) -> int:
    mask = 0
    if not scope.names.deletes:
        return mask
    for statement in statements:
        mask |= scope.facts(statement).deletes
        for block in blocks_of(statement):
            mask |= deleted_in(scope, block)
        if isinstance(statement, ast.Try | ast.TryStar):
            for handler in statement.handlers:
                if handler.name:
                    mask |= scope.bit(handler.name)
    return mask


def blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The statement lists directly under ``statement`` that belong to the same function."""
    if type(statement) in WITHOUT_BLOCKS:
        return []
    if isinstance(statement, ast.If | ast.For | ast.While):
        return [statement.body, statement.orelse]
    if isinstance(statement, ast.With):
        return [statement.body]
    if isinstance(statement, ast.Try | ast.TryStar):
        handlers = [handler.body for handler in statement.handlers]
        return [statement.body, *handlers, statement.orelse, statement.finalbody]
    return []


_FRAMEWORKS = frozenset(["tf", "tensorflow", "jax", "torch", "np", "numpy", "keras"])


def may_swallow(statement: ast.With) -> bool:
    """Whether a context manager of a ``with`` statement may keep an exception from leaving it.

    Those of the frameworks do not (gradient tapes, name scopes, devices), and nor does ``open``; with these, what the
    body assigns is assigned.
    """
    for item in statement.items:
        function: ast.expr = item.context_expr
        if not isinstance(function, ast.Call):
            return True
        function = function.func
        while isinstance(function, ast.Attribute):
            function = function.value
        if not isinstance(function, ast.Name) or function.id not in (*_FRAMEWORKS, "open"):
            return True
    return False


class Effect(NamedTuple):
    """How a statement transforms the set of live names, backwards."""

    gen: int
    """Names that it may read before it assigns them."""
    passes: int
    """Names that stay live through it when it completes."""
    leaves: int
    """Names that stay live through it when it leaves its frame by ``return``."""
    assigned: int
    """Names that it, or anything under it, may assign."""


class Span(NamedTuple):
    """A statement list's place in the order of the headers."""

    start: int
    stop: int


class Liveness:
    """Which variables matter after each conditional and loop; runs on code whose jumps are lowered.

    ``after[id(statement)]`` are the names whose value may be read once the statement has ended, ``head[id(loop)]``
    those that the next iteration may read, ``head[id(try)]`` those that a clause or what follows may.
    ``private(block)`` are names that a block may keep to itself. ``untils`` are the flags that each loop tests before
    every iteration.
    """

    def __init__(self, scope: Scope, body: list[ast.stmt], untils: dict[int, list[str]]) -> None:
        self._scope = scope
        self._untils = {loop: scope.mask(set(flags)) for loop, flags in untils.items()}
        self._always = scope.always_live
        self._effects: dict[int, Effect] = {}
        self._blocks: dict[int, Effect] = {}
        self._spans: dict[int, Span] = {}
        self._mentions: list[int] = []
        self.after: dict[int, int] = {}
        self.head: dict[int, int] = {}
        self._summarise(body)
        self._before = [scope.mask(set(scope.parameters)) | self._always]
        for mask in self._mentions:
            self._before.append(self._before[-1] | mask)
        self._behind = [0]
        for mask in reversed(self._mentions):
            self._behind.append(self._behind[-1] | mask)
        self._behind.reverse()
        self._flow(body, self._always, self._always, self._always)

    def assigned(self, block: list[ast.stmt]) -> int:
        """Names that a block may assign, by itself or by calling a nested function."""
        return self._blocks[id(block)].assigned | (self._scope.written_elsewhere if block else 0)

    def effect(self, statement: ast.stmt) -> Effect:
        return self._effects[id(statement)]

    def private(self, block: list[ast.stmt]) -> int:
        """Names that only ``block`` mentions and that it assigns before it reads them."""
        span = self._spans[id(block)]
        effect = self._blocks[id(block)]
        return effect.assigned & ~(self._before[span.start] | self._behind[span.stop] | effect.gen)

    def _summarise(self, block: list[ast.stmt], target: int = 0) -> Effect:
        start = len(self._mentions)
        if target:
            self._mentions.append(target)
        gen, passes, leaves, assigned = 0, _ALL, 0, target
        for statement in block:
            effect = self._statement(statement)
            gen |= effect.gen & passes
            leaves |= effect.leaves & passes
            passes &= effect.passes
            assigned |= effect.assigned
        if target:
            gen, passes, leaves = gen & ~target, passes & ~target, leaves & ~target
        effect = self._blocks[id(block)] = Effect(gen, passes, leaves, assigned)
        self._spans[id(block)] = Span(start, len(self._mentions))
        return effect

    def _statement(self, statement: ast.stmt) -> Effect:
        facts = self._scope.facts(statement)
        if isinstance(statement, ast.Try | ast.TryStar):
            self._mentions.append(self._scope.mask({handler.name for handler in statement.handlers if handler.name}))
        reads, writes = facts.reads | self._untils.get(id(statement), 0), facts.writes | facts.deletes
        kind = type(statement)
        if kind is ast.For:
            self._mentions.append(reads)
            body = self._summarise(statement.body, writes)  # type: ignore[attr-defined]
            effect = Effect(reads | body.gen, _ALL, 0, body.assigned)
        else:
            self._mentions.append(reads | writes)
            if kind is ast.If:
                body = self._summarise(statement.body)  # type: ignore[attr-defined]
                orelse = self._summarise(statement.orelse)  # type: ignore[attr-defined]
                effect = Effect(
                    reads | ((body.gen | orelse.gen) & ~writes),
                    (body.passes | orelse.passes) & ~writes,
                    (body.leaves | orelse.leaves) & ~writes,
                    writes | body.assigned | orelse.assigned,
                )
            elif kind is ast.While:
                body = self._summarise(statement.body)  # type: ignore[attr-defined]
                effect = Effect(reads | (body.gen & ~writes), ~writes, 0, writes | body.assigned)
            elif kind is ast.With:
                body = self._summarise(statement.body)  # type: ignore[attr-defined]
                effect = self._summarise_with(statement, body, reads, writes)  # type: ignore[arg-type]
            elif kind is ast.Try or kind is ast.TryStar:
                effect = self._summarise_try(statement, reads)  # type: ignore[arg-type]
            elif kind is ast.Return:
                effect = Effect(reads, 0, _ALL, writes)
            elif kind is ast.Raise:
                effect = Effect(reads, 0, 0, writes)
            else:
                # An update in place (`a[i] = v`) reads the name too, so `gen` keeps it live before the statement.
                effect = Effect(reads, ~writes, 0, writes)
        self._effects[id(statement)] = effect
        return effect

    def _summarise_with(self, statement: ast.With, body: Effect, reads: int, writes: int) -> Effect:
        if not may_swallow(statement):
            gen = reads | (body.gen & ~writes)
            return Effect(gen, body.passes & ~writes, body.leaves & ~writes, writes | body.assigned)
        # A context manager may swallow an exception: then not all of the body has run. But the target of the first is
        # bound before anything that it could swallow.
        first = writes if len(statement.items) == 1 and isinstance(statement.items[0].optional_vars, ast.Name) else 0
        return Effect(reads | (body.gen & ~first), ~first, body.leaves & ~first, writes | body.assigned)

    def _summarise_try(self, statement: ast.Try | ast.TryStar, reads: int) -> Effect:
        gen, leaves, assigned = reads, 0, 0
        for block in blocks_of(statement):
            part = self._summarise(block)
            gen, leaves, assigned = gen | part.gen, leaves | part.leaves, assigned | part.assigned
        for handler in statement.handlers:
            if handler.name:
                assigned |= self._scope.bit(handler.name)
        # An exception may cut the body anywhere, so nothing is known to be overwritten.
        return Effect(gen, _ALL, leaves and _ALL, assigned)

    def _flow(self, block: list[ast.stmt], after: int, leave: int, also: int) -> None:
        """Records what is live after each compound statement of ``block``.

        ``after`` is live where the block ends, ``leave`` where its frame is left by ``return``, and ``also`` all the
        way through (an exception handler's reads, for one).
        """
        live = after | also
        for statement in reversed(block):
            effect = self._effects[id(statement)]
            kind = type(statement)
            if kind is ast.If:
                self.after[id(statement)] = live
                self._flow(statement.body, live, leave, also)  # type: ignore[attr-defined]
                self._flow(statement.orelse, live, leave, also)  # type: ignore[attr-defined]
            elif kind is ast.For or kind is ast.While:
                self.after[id(statement)] = live
                head = self._blocks[id(statement.body)].gen | live | self._untils.get(id(statement), 0)  # type: ignore[attr-defined]
                if kind is ast.While:
                    head |= self._scope.facts(statement).reads
                self.head[id(statement)] = head
                self._flow(statement.body, head, head, also)  # type: ignore[attr-defined]
            elif kind is ast.With:
                cut_short = live if may_swallow(statement) else 0  # type: ignore[arg-type]
                self._flow(statement.body, live, leave, also | cut_short)  # type: ignore[attr-defined]
            elif isinstance(statement, ast.Try | ast.TryStar):
                exceptional = also | effect.gen | live
                self.after[id(statement)] = live
                self.head[id(statement)] = exceptional
                for inner in blocks_of(statement):
                    self._flow(inner, live, leave, exceptional)
            live = effect.gen | (live & effect.passes) | (leave & effect.leaves) | also
