"""What a block of Python binds, reads, deletes and captures.

Sets of names are held as ``int`` bit masks over the names of one function, so that a data-flow equation is one machine
operation however many variables there are.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from types import NoneType
from typing import NamedTuple


@dataclass(slots=True)
class Names:
    """The names that a piece of code mentions, by what it does with them."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    updates: set[str] = field(default_factory=set)
    """Roots of subscript targets: ``a`` in ``a[i] = v``, which an engine without in-place arrays has to rebind."""
    captured: set[str] = field(default_factory=set)
    """Names that a nested function, class or generator expression takes from here and may use at any later time."""
    captured_writes: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    is_generator: bool = False


def root_of_subscripts(target: ast.expr) -> ast.expr:
    """``a`` of ``a[i][j]``."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return target


_NO_NAMES = frozenset(
    [
        "ctx",
        "op",
        "ops",
        "attr",
        "id",
        "n",
        "s",
        "kind",
        "value_kind",
        "type_comment",
        "arg",
        "name",
        "asname",
        "module",
        "level",
        "simple",
        "is_async",
        "conversion",
        "rest",
        "kwd_attrs",
        "tag",
    ]
)
"""Fields of syntax nodes that hold no code."""


class _Children(dict[type, tuple[str, ...]]):
    """The fields of each kind of node that hold code."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        self[kind] = fields = tuple(name for name in kind._fields if name not in _NO_NAMES)
        return fields


CODE_FIELDS = _Children()


def collect(nodes: list[ast.AST], into: Names) -> None:
    """Adds to ``into`` what ``nodes`` do with names in their own scope, and what scopes nested in them capture."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is ast.Name:
            context = type(node.ctx)  # type: ignore[attr-defined]
            if context is ast.Load:
                into.reads.add(node.id)  # type: ignore[attr-defined]
            elif context is ast.Store:
                into.binds.add(node.id)  # type: ignore[attr-defined]
            else:
                into.deletes.add(node.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Constant:
            continue
        special = _SPECIAL.get(kind)
        if special is not None:
            stack.extend(special(node, into))
            continue
        for name in CODE_FIELDS[kind]:
            value = getattr(node, name, None)
            if value is None:
                continue
            if type(value) is list:
                for item in value:
                    if item is not None:
                        stack.append(item)
            else:
                stack.append(value)


def _function(node: ast.AST, into: Names) -> list[ast.AST]:
    outside: list[ast.AST] = []
    arguments: ast.arguments = node.args  # type: ignore[attr-defined]
    outside.extend(arguments.defaults)
    outside.extend(default for default in arguments.kw_defaults if default is not None)
    if not isinstance(node, ast.Lambda):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        into.binds.add(node.name)
        outside.extend(node.decorator_list)
        outside.extend(a.annotation for a in every_argument(arguments) if a.annotation is not None)
        if node.returns is not None:
            outside.append(node.returns)
    _capture(free_names(node), into)
    return outside


def every_argument(arguments: ast.arguments) -> list[ast.arg]:
    every = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg is not None:
        every.append(arguments.vararg)
    every.extend(arguments.kwonlyargs)
    if arguments.kwarg is not None:
        every.append(arguments.kwarg)
    return every


def _capture(free: Free, into: Names) -> None:
    into.captured |= free.reads
    into.captured_writes |= free.writes


class Free(NamedTuple):
    """Names that a nested scope takes from around it."""

    reads: frozenset[str] | set[str]
    writes: frozenset[str] | set[str]


def free_names(node: ast.AST) -> Free:
    """The free variables of a nested function or lambda."""
    inner = Names()
    body = node.body  # type: ignore[attr-defined]
    collect(body if isinstance(body, list) else [body], inner)
    bound = {argument.arg for argument in every_argument(node.args)}  # type: ignore[attr-defined]
    bound |= (inner.binds | inner.deletes) - inner.nonlocals
    bound |= inner.globals
    reads = (inner.reads | inner.captured | inner.captured_writes | inner.nonlocals) - (bound - inner.nonlocals)
    writes = (inner.nonlocals & (inner.binds | inner.deletes)) | (inner.captured_writes - bound)
    return Free(reads, writes)


def _class(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.ClassDef)
    into.binds.add(node.name)
    inner = Names()
    collect(list(node.body), inner)
    # A name that a class body binds may still be read from around it before that, so only functions hide names here.
    free = Free(inner.reads | inner.captured | inner.nonlocals, (inner.nonlocals & inner.binds) | inner.captured_writes)
    _capture(free, into)
    into.reads |= inner.reads
    return [*node.bases, *node.keywords, *node.decorator_list]


def _comprehension(node: ast.AST, into: Names) -> list[ast.AST]:
    inner = Names()
    generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
    parts: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]
    targets = Names()
    for generator in generators:
        collect([generator.target], targets)
        parts.extend(generator.ifs)
    parts.extend(generator.iter for generator in generators[1:])
    collect(parts, inner)
    into.reads |= inner.reads - targets.binds
    into.binds |= inner.binds  # an assignment expression binds in the function around
    into.captured |= inner.captured - targets.binds
    into.captured_writes |= inner.captured_writes - targets.binds
    if isinstance(node, ast.GeneratorExp):
        into.captured |= inner.reads - targets.binds
    return [generators[0].iter]


def _subscript(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.Subscript)
    if isinstance(node.ctx, ast.Store):
        root = root_of_subscripts(node)
        if isinstance(root, ast.Name):
            into.updates.add(root.id)
    return [node.value, node.slice]


def _aug_assign(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.AugAssign)
    if isinstance(node.target, ast.Name):
        into.reads.add(node.target.id)
    return [node.target, node.value]


def _ann_assign(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.AnnAssign)
    if node.value is not None:
        return [node.target, node.value]
    if isinstance(node.target, ast.Name):
        if node.simple:
            into.binds.add(node.target.id)  # makes the name local, although it assigns nothing
        return []
    return [node.target]


def _handler(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.ExceptHandler)
    if node.name is not None:
        into.binds.add(node.name)
        into.deletes.add(node.name)
    return [*([node.type] if node.type else []), *node.body]


def _import(node: ast.AST, into: Names) -> list[ast.AST]:
    for alias in node.names:  # type: ignore[attr-defined]
        into.binds.add(alias.asname or alias.name.partition(".")[0])
    return []


def _global(node: ast.AST, into: Names) -> list[ast.AST]:
    into.globals.update(node.names)  # type: ignore[attr-defined]
    return []


def _nonlocal(node: ast.AST, into: Names) -> list[ast.AST]:
    into.nonlocals.update(node.names)  # type: ignore[attr-defined]
    return []


def _capture_pattern(node: ast.AST, into: Names) -> list[ast.AST]:
    if node.name is not None:  # type: ignore[attr-defined]
        into.binds.add(node.name)  # type: ignore[attr-defined]
    pattern = getattr(node, "pattern", None)
    return [pattern] if pattern is not None else []


def _mapping_pattern(node: ast.AST, into: Names) -> list[ast.AST]:
    assert isinstance(node, ast.MatchMapping)
    if node.rest is not None:
        into.binds.add(node.rest)
    return [*node.keys, *node.patterns]


def _yield(node: ast.AST, into: Names) -> list[ast.AST]:
    into.is_generator = True
    value = node.value  # type: ignore[attr-defined]
    return [value] if value is not None else []


_SPECIAL = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _function,
    ast.ClassDef: _class,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Subscript: _subscript,
    ast.AugAssign: _aug_assign,
    ast.AnnAssign: _ann_assign,
    ast.ExceptHandler: _handler,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.MatchAs: _capture_pattern,
    ast.MatchStar: _capture_pattern,
    ast.MatchMapping: _mapping_pattern,
    ast.MatchSingleton: lambda node, into: [],
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Await: _yield,
}


if hasattr(ast, "TypeAlias"):  # from 3.12 on

    def _type_alias(node: ast.AST, into: Names) -> list[ast.AST]:
        # Its value is evaluated when it is asked for, in a scope of its own.
        into.binds.add(node.name.id)  # type: ignore[attr-defined]
        inner = Names()
        collect([node.value, *node.type_params], inner)  # type: ignore[attr-defined]
        parameters = {parameter.name for parameter in node.type_params}  # type: ignore[attr-defined]
        into.captured |= (inner.reads | inner.captured) - parameters
        return []

    _SPECIAL[ast.TypeAlias] = _type_alias


_NAMELESS = frozenset((ast.Constant, NoneType))


class Facts(NamedTuple):
    """What the header of one statement does, as masks. The blocks under it are statements of their own."""

    reads: int
    writes: int
    deletes: int


class Scope:
    """The names of one function that is being converted.

    ``bound`` holds the names that belong to the function or that it may assign to (``nonlocal``, ``global``);
    ``always_live`` those whose value can be asked for at a time that no analysis of this function sees: outer
    variables, and variables that a nested function captures.
    """

    def __init__(self, arguments: ast.arguments, body: list[ast.stmt], names: Names | None = None) -> None:
        self._bits: dict[str, int] = {}
        self._names: list[str] = []
        self._facts: dict[int, Facts] = {}
        self._kept: list[ast.stmt] = []
        self.parameters = [argument.arg for argument in every_argument(arguments)]
        if names is None:
            names = Names()
            collect(list(body), names)
        self.names = names
        self.outer = names.globals | names.nonlocals
        self.locals = (names.binds | names.deletes | set(self.parameters)) - self.outer
        self.bound = self.locals | self.outer
        for name in (*self.parameters, *sorted(self.bound)):  # a fixed order: generated code is the same each time
            self.bit(name)
        self.rebindable = self.mask(self.bound)
        self.written_elsewhere = self.mask(names.captured_writes & self.locals)
        self.always_live = self.mask((self.outer | names.captured | names.captured_writes) & self.bound)

    def bit(self, name: str) -> int:
        bits = self._bits
        bit = bits.get(name)
        if bit is None:
            bit = bits[name] = 1 << len(bits)
            self._names.append(name)
        return bit

    def mask(self, names: set[str]) -> int:
        mask = 0
        for name in names:
            mask |= self.bit(name)
        return mask

    def unmask(self, mask: int) -> list[str]:
        """The names of ``mask``: parameters first, then by the alphabet."""
        names, out = self._names, []
        while mask:
            lowest = mask & -mask
            out.append(names[lowest.bit_length() - 1])
            mask ^= lowest
        return out

    def add_local(self, name: str) -> None:
        """Makes room for a variable that the converter invents."""
        self.locals.add(name)
        self.bound.add(name)
        self.rebindable |= self.bit(name)

    def facts(self, statement: ast.stmt) -> Facts:
        """What the header of ``statement`` reads, writes and deletes."""
        known = self._facts.get(id(statement))
        if known is None:
            known = self._simple_facts(statement) or self._any_facts(statement)
            self._facts[id(statement)] = known
            self._kept.append(statement)  # an id is only good for as long as its object lives
        return known

    def _simple_facts(self, statement: ast.stmt) -> Facts | None:
        """The facts of a statement without nested scopes, straight as masks; ``None`` for any other."""
        reads = writes = deletes = 0
        stack = header_of(statement)
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is ast.Name:
                bit, context = self.bit(node.id), type(node.ctx)  # type: ignore[attr-defined]
                if context is ast.Load:
                    reads |= bit
                elif context is ast.Store:
                    writes |= bit
                else:
                    deletes |= bit
                continue
            if kind in _NAMELESS:
                continue
            if kind in _SPECIAL:
                return None
            for name in CODE_FIELDS[kind]:
                value = getattr(node, name, None)
                if type(value) is list:
                    stack += value
                elif value is not None:
                    stack.append(value)
        return Facts(reads | deletes, writes, deletes)

    def _any_facts(self, statement: ast.stmt) -> Facts:
        names = Names()
        collect(header_of(statement), names)
        if isinstance(statement, ast.Try | ast.TryStar):
            names.deletes.clear()
        updates = self.mask(names.updates) & self.rebindable
        reads = self.mask(names.reads | names.deletes)
        writes = self.mask(names.binds) | updates
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            writes = 0
        return Facts(reads, writes, self.mask(names.deletes))


WITHOUT_BLOCKS = frozenset(
    (
        ast.AnnAssign,
        ast.Assert,
        ast.Assign,
        ast.AugAssign,
        ast.Break,
        ast.Continue,
        ast.Delete,
        ast.Expr,
        ast.Global,
        ast.Import,
        ast.ImportFrom,
        ast.Nonlocal,
        ast.Pass,
        ast.Raise,
        ast.Return,
    )
)
"""Most statements: they are seen to have no others under them by a look at their kind."""


def header_of(statement: ast.stmt) -> list[ast.AST]:
    if type(statement) in WITHOUT_BLOCKS:
        return [statement]
    if isinstance(statement, ast.If | ast.While):
        return [statement.test]
    if isinstance(statement, ast.For):
        return [statement.target, statement.iter]
    if isinstance(statement, ast.With):
        return list(statement.items)
    if isinstance(statement, ast.Try | ast.TryStar):
        return [handler.type for handler in statement.handlers if handler.type is not None]
    return [statement]
