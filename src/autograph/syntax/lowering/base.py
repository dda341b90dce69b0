"""The frame in which constructs are lowered: one pass over one function, with a handler per kind of node.

A *frame* is one Python function of the converted code: the user's own, or a region (a branch, a loop body, a loop
test) cut out of it. Every variable stays a variable of the user's function; a region that assigns one declares it
``nonlocal``, so the variable becomes a closure cell that the staging layer can read, replace and restore.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..flow import DefiniteAssignment, Liveness
from ..nodes import Position, constant, define, load, names_tuple, position, staging, thunk
from ..scopes import CODE_FIELDS, Names, Scope, collect, root_of_subscripts
from ..survey import Survey
from .jumps import JumpLowering


class Unconvertible(Exception):
    """Raised where a function uses something that only means what it says in the function's own frame.

    ``node`` is what it uses, ``way_out`` what to write instead.
    """

    def __init__(self, reason: str, way_out: str, node: ast.expr | None = None) -> None:
        super().__init__(reason)
        self.way_out, self.node = way_out, node


@dataclass(slots=True)
class Frame:
    """One function of the converted code."""

    private: int = 0
    """Variables that belong to this region alone."""
    bound: int = 0
    """Variables that its own statements bind."""
    reaches: int = 0
    """Variables of the function's that a nested function writes, so that any call may change them."""


@dataclass(slots=True)
class Unit:
    """What the functions that are converted together share."""

    properties: frozenset[str] = frozenset()
    """Attribute names that some class in sight defines as a property, so that reading one is a call, and the names of
    the operator methods that one defines, so that an operator may be a call."""
    namespace: dict[str, Any] | None = None
    """The module's names, where it is there already."""
    regions: set[str] = field(default_factory=set)
    """Names of the functions that the converter made."""
    late: frozenset[str] = frozenset()
    """Variables of the functions around that nested ones capture and that only some paths assign."""
    lambdas: set[tuple[int, int]] = field(default_factory=set)
    """Where the bodies of the user's own lambdas begin: the other lambdas are the converter's."""

    def overloads(self, operator: ast.operator | ast.cmpop) -> bool:
        """Whether a class in sight gives ``operator`` a meaning of its own."""
        return not self.properties.isdisjoint(_METHODS.get(type(operator), ()))


_METHODS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Add: ("__add__", "__radd__"),
    ast.Sub: ("__sub__", "__rsub__"),
    ast.Mult: ("__mul__", "__rmul__"),
    ast.Div: ("__truediv__", "__rtruediv__"),
    ast.FloorDiv: ("__floordiv__", "__rfloordiv__"),
    ast.Mod: ("__mod__", "__rmod__"),
    ast.Pow: ("__pow__", "__rpow__"),
    ast.MatMult: ("__matmul__", "__rmatmul__"),
    ast.LShift: ("__lshift__", "__rlshift__"),
    ast.RShift: ("__rshift__", "__rrshift__"),
    ast.BitAnd: ("__and__", "__rand__"),
    ast.BitOr: ("__or__", "__ror__"),
    ast.BitXor: ("__xor__", "__rxor__"),
    ast.Eq: ("__eq__",),
    ast.NotEq: ("__ne__", "__eq__"),
    ast.Lt: ("__lt__", "__gt__"),
    ast.LtE: ("__le__", "__ge__"),
    ast.Gt: ("__gt__", "__lt__"),
    ast.GtE: ("__ge__", "__le__"),
}


class FunctionLowering:
    """Lowers the body of one function; nested functions get a lowering of their own."""

    def __init__(
        self,
        arguments: ast.arguments,
        body: list[ast.stmt],
        unit: Unit,
        *,
        class_name: str | None,
        has_class_cell: bool,
        names: Names,
        survey: Survey,
        cuts_try: bool = False,
    ) -> None:
        self.unit = unit
        self.cuts_try = cuts_try
        """Whether the blocks of a ``try`` become functions of their own."""
        self.class_name = class_name
        self.has_class_cell = has_class_cell
        self.scope = Scope(arguments, body, names)
        names = self.scope.names
        self._numbers: dict[str, int] = {}
        self._used = names.reads | names.captured | self.scope.bound
        positional = [*arguments.posonlyargs, *arguments.args]
        self.first_parameter = positional[0].arg if positional else None
        self.frames: list[Frame] = []
        self._hoisted: list[ast.stmt] = []
        self._sealed = 0
        """Depth of lambdas and comprehensions around the current expression, out of which nothing can be hoisted."""
        self.consumed: set[int] = set()
        """Generator expressions that are arguments of calls (``any(x > 0 for x in xs)``), by identity."""
        self.lambda_parameters: frozenset[str] = frozenset()
        """The parameters of the lambdas around the current expression."""
        self._iterables = 0
        """Depth of comprehensions' iterables around the current expression."""
        self._delayed = 0
        """Depth of expressions around the current one that were made functions of their own."""
        self._has_walrus = bool(survey.every(ast.NamedExpr))
        self.resized = _resized(survey)
        """Names of variables and attributes whose lists this function changes the length of."""
        self.numbers = _numbers(survey)
        """Names of variables that this function gives a number somewhere, so that they are no sequences."""
        self.filled = _filled(self.scope, body, survey)
        """Parameters that a function which returns nothing updates with ``+=`` and never binds anew."""
        self.shared = _shared(self.scope, survey)
        """Variables that ``+=`` updates and that may be an array which others hold too."""
        self.body = self._lower(body)

    def _lower(self, body: list[ast.stmt]) -> list[ast.stmt]:
        scope = self.scope
        assignment = DefiniteAssignment(scope, body, self._has_walrus)
        self.maybe_unbound = assignment.maybe_unbound
        self._flagged = assignment.on_some_paths & scope.mask(scope.names.captured & scope.locals)
        """Variables that carry a flag though nested functions capture them, which then ask for it."""
        around = self.unit.late
        self.late = around - scope.locals
        self.unit.late = self.late | frozenset(scope.unmask(self._flagged))
        self.jumps = JumpLowering(self._fresh_variable, self.cuts_try)
        body = self.jumps.function(body)
        self.liveness = Liveness(scope, body, self.jumps.untils)
        self._regions_private = 0
        self._bound_in_operands = 0
        frame = Frame()
        self.frames.append(frame)
        lowered = self.block(body)
        self.unit.late = around
        self.frames.pop()
        bound = frame.bound & ~self._bound_in_operands
        missing = scope.mask(scope.locals - set(scope.parameters)) & ~bound & ~self._regions_private
        return self._declare_local(missing, position(body[0])) + lowered if missing else lowered

    def _declare_local(self, names: int, at: Position) -> list[ast.stmt]:
        """``name: ...``, which makes a name local to a function that does not assign it."""
        return [
            ast.AnnAssign(ast.Name(name, ast.Store(), **at), constant(..., at), None, 1, **at)
            for name in self.scope.unmask(names)
        ]

    # Names.

    def fresh(self, name: str) -> str:
        """``name``, or the first of ``name_1``, ``name_2``... that the function does not use yet."""
        number = self._numbers.get(name, 0)
        candidate = f"{name}_{number}" if number else name
        while candidate in self._used:
            number += 1
            candidate = f"{name}_{number}"
        self._numbers[name] = number + 1
        self._used.add(candidate)
        return candidate

    def _fresh_variable(self, name: str) -> str:
        fresh = self.fresh(name)
        self.scope.add_local(fresh)
        return fresh

    def region_name(self, name: str) -> str:
        fresh = self.fresh(name)
        self.unit.regions.add(fresh)
        return fresh

    def state(self, mask: int, at: Position) -> ast.Constant:
        """The names of a region's state, ``?`` behind those that may be unbound where they are read."""
        # A nested function reads a variable as it is, unless it is known that it may carry a flag.
        optional = (self.maybe_unbound & ~self.scope.always_live) | self._flagged
        names = self.scope.unmask(mask)
        if mask & optional:
            names = [name + "?" if self.scope.bit(name) & optional else name for name in names]
        return names_tuple(names, at)

    # Statements.

    def block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            outer, self._hoisted = self._hoisted, []
            lowered = self.statement(statement)
            out += self._hoisted
            if self.scope.outer:
                out += self._announce(statement)
            out += lowered
            self._hoisted = outer
        if statements and not out:
            out.append(ast.Pass(**position(statements[0])))
        return out

    def _announce(self, statement: ast.stmt) -> list[ast.stmt]:
        """Tells the journal that a statement is about to write variables that are not this function's own."""
        if isinstance(statement, ast.Try | ast.TryStar):
            return []
        facts = self.scope.facts(statement)
        mask = facts.writes | facts.deletes
        if isinstance(statement, ast.If | ast.For | ast.While):
            mask |= self.liveness.effect(statement).assigned
        return self.announce_names(mask, position(statement))

    def announce_names(self, mask: int, at: Position) -> list[ast.stmt]:
        written = set(self.scope.unmask(mask)) & self.scope.outer
        return [ast.Expr(staging("writes", [thunk(load(name, at), at)], at), **at) for name in sorted(written)]

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        handler = STATEMENTS.get(type(node))
        if handler is not None:
            return handler(self, node)
        self.binds(node)
        self.children(node)
        return [node]

    def binds(self, node: ast.stmt) -> None:
        facts = self.scope.facts(node)
        self.frames[-1].bound |= facts.writes | facts.deletes

    # Expressions.

    def expr(self, node: ast.expr) -> ast.expr:
        kind = type(node)
        if kind is ast.Constant:
            return node
        if kind is ast.Name:
            if (self.maybe_unbound or self._flagged or self.late) and type(node.ctx) is ast.Load:  # type: ignore[attr-defined]
                return self._read(node)  # type: ignore[arg-type]
            return node
        handler = EXPRESSIONS.get(kind)
        if handler is not None:
            return handler(self, node)
        self.children(node)
        return node

    def _read(self, node: ast.Name) -> ast.expr:
        at = position(node)
        is_flagged = bool(self._sealed and self.scope.bit(node.id) & self._flagged)
        if (is_flagged or node.id in self.late) and node.id not in self.lambda_parameters:
            return staging("read_free", [constant(node.id, at), thunk(load(node.id, at), at)], at)
        if self._sealed or not self.scope.bit(node.id) & self.maybe_unbound:
            return node
        return staging("read", [constant(node.id, at), thunk(load(node.id, at), at)], at)

    def children(self, node: ast.AST) -> None:
        """Lowers the expressions directly under ``node``, in place."""
        for name in CODE_FIELDS[type(node)]:
            value = getattr(node, name, None)
            if isinstance(value, ast.expr):
                setattr(node, name, self.expr(value))
            elif type(value) is list:
                for index, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        value[index] = self.expr(item)
                    elif isinstance(item, _PARTS):
                        self.children(item)

    @contextmanager
    def sealed(self) -> Iterator[None]:
        """Inside a lambda or comprehension, whose variables nothing outside can see."""
        self._sealed += 1
        yield
        self._sealed -= 1

    def mangled(self, name: str) -> str:
        """The name that Python gives to the private attribute ``__name`` of a class."""
        if self.class_name is None or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{self.class_name.lstrip('_')}{name}" if self.class_name.strip("_") else name

    def can_assign(self) -> bool:
        """Whether an assignment expression can stand here."""
        return not self._sealed and not self._iterables

    @contextmanager
    def iterable(self) -> Iterator[None]:
        """Inside what a comprehension goes through, where Python allows no assignment expression."""
        self._iterables += 1
        yield
        self._iterables -= 1

    def can_delay(self, node: ast.expr) -> bool:
        """Whether ``delayed(node)`` can be built here."""
        return not self._sealed or not self.binds_variable(node)

    def binds_variable(self, node: ast.expr) -> bool:
        """Whether evaluating ``node``, which is not lowered yet, assigns a variable of the function around it."""
        return self._has_walrus and binds_variable(node)

    def delayed(self, node: ast.expr, at: Position, name: str = "operand") -> ast.expr:
        """A function of no arguments that evaluates ``node`` when it is asked to.

        The function itself stands at ``at``, the place of the whole: a breakpoint on ``node``'s line must not stop
        where the function is only made.
        """
        self._delayed += 1
        try:
            return self._delay(node, at, name)
        finally:
            self._delayed -= 1

    def in_own_frame(self) -> bool:
        """Whether the current expression is evaluated by the user's function itself."""
        return len(self.frames) == 1 and not self._delayed and not self._sealed

    def _delay(self, node: ast.expr, at: Position, name: str) -> ast.expr:
        if not self.binds_variable(node):
            return thunk(self.expr(node), at)
        # A lambda would keep the variable of an assignment expression to itself.
        names = Names()
        collect([node], names)
        frame = Frame(bound=self.scope.mask(names.binds))
        self._bound_in_operands |= frame.bound
        self.frames.append(frame)
        outer, self._hoisted = self._hoisted, []
        body: list[ast.stmt] = [ast.Return(self.expr(node), **position(node))]
        body, self._hoisted = self._hoisted + body, outer
        self.frames.pop()
        region = self.region_name(name)
        self._hoisted.append(define(region, [], self.declarations(frame, at) + body, at))
        return load(region, at)

    # Regions.

    def region(
        self,
        name: str,
        block: list[ast.stmt],
        at: Position,
        parameter: str = "",
        prologue: Callable[[], list[ast.stmt]] | None = None,
    ) -> ast.FunctionDef:
        """Cuts ``block`` out into a function of its own."""
        frame = Frame(private=self.liveness.private(block), reaches=self.scope.written_elsewhere)
        self.frames.append(frame)
        body = (prologue() if prologue else []) + self.block(block)
        self.frames.pop()
        frame.private &= ~self._regions_private  # a region further in keeps these
        self._regions_private |= frame.private
        parameters = [parameter] if parameter else []
        return define(name, parameters, self.declarations(frame, at, parameter) + body, at)

    def declarations(self, frame: Frame, at: Position, parameter: str = "") -> list[ast.stmt]:
        scope = self.scope
        own = frame.private | (scope.bit(parameter) if parameter else 0)
        out: list[ast.stmt] = []
        shared = frame.bound & ~own & scope.rebindable
        if scope.names.globals:
            declared_global = shared & scope.mask(scope.names.globals)
            if declared_global:
                out.append(ast.Global(sorted(scope.unmask(declared_global)), **at))
                shared &= ~declared_global
        if shared:
            out.append(ast.Nonlocal(scope.unmask(shared), **at))
        # An outer variable that something called from here may write has to be within reach.
        reached = frame.reaches & ~frame.bound & ~own
        if reached:
            nonlocals = [name for name in scope.unmask(reached) if name not in scope.names.globals]
            if nonlocals:
                out.append(ast.Nonlocal(nonlocals, **at))
        undeclared = own & frame.private & ~(frame.bound & ~self._bound_in_operands)
        if parameter:
            undeclared &= ~scope.bit(parameter)
        return out + self._declare_local(undeclared, at) if undeclared else out


def binds_variable(node: ast.expr) -> bool:
    """Whether evaluating ``node`` assigns a variable of the function around it."""
    return any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))


def _filled(scope: Scope, body: list[ast.stmt], survey: Survey) -> frozenset[str]:
    found = {node.target.id for node in survey.own(ast.AugAssign) if isinstance(node.target, ast.Name)}
    found &= set(scope.parameters)
    if not found or any(node.value is not None for node in survey.own(ast.Return)):
        return frozenset()
    stack: list[ast.AST] = list(body)
    while stack and found:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.AugAssign):
            stack.append(node.value)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.discard(node.id)
        stack.extend(ast.iter_child_nodes(node))
    return frozenset(found)


def _shared(scope: Scope, survey: Survey) -> frozenset[str]:
    updated = {node.target.id for node in survey.every(ast.AugAssign) if isinstance(node.target, ast.Name)}
    if not updated:
        return frozenset()
    shared = set(scope.parameters)
    numbers: set[str] = set()
    for assign in survey.every(ast.Assign):
        values = assign.value.elts if isinstance(assign.value, _DISPLAYS) else [assign.value]
        shared |= {value.id for value in values if isinstance(value, ast.Name)}
        if isinstance(assign.value, _PLACES):
            shared |= {target.id for target in assign.targets if isinstance(target, ast.Name)}
    # An array of several items has no truth, and is no bound of a range and no index.
    for compare in survey.every(ast.Compare):
        numbers |= {part.id for part in (compare.left, *compare.comparators) if isinstance(part, ast.Name)}
    for call in survey.every(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "range":
            numbers |= {argument.id for argument in call.args if isinstance(argument, ast.Name)}
    numbers |= {node.slice.id for node in survey.every(ast.Subscript) if isinstance(node.slice, ast.Name)}
    return frozenset((updated & shared & scope.locals) - numbers)


_DISPLAYS = (ast.Tuple, ast.List)
_PLACES = (ast.Name, ast.Attribute, ast.Subscript, ast.IfExp)
_RESIZING = frozenset(("append", "extend", "insert", "pop", "remove", "clear"))


_RESIZING_FUNCTIONS = frozenset(("heappush", "heappop", "heapify", "insort", "insort_left", "insort_right"))


def _called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _resized(survey: Survey) -> frozenset[str]:
    found = {node.target.id for node in survey.every(ast.AugAssign) if isinstance(node.target, ast.Name)}
    owners = [node.value for node in survey.every(ast.Attribute) if node.attr in _RESIZING]
    owners += [node.value for node in survey.every(ast.Subscript) if isinstance(node.ctx, ast.Del)]
    for owner in map(root_of_subscripts, owners):
        if isinstance(owner, ast.Name):
            found.add(owner.id)
        elif isinstance(owner, ast.Attribute):
            found.add(owner.attr)
    for node in survey.every(ast.Call):
        if node.args and _called(node) in _RESIZING_FUNCTIONS:
            owner = root_of_subscripts(node.args[0])
            if isinstance(owner, ast.Name):
                found.add(owner.id)
    copies = [
        (target.id, assign.value.id)
        for assign in survey.every(ast.Assign)
        if isinstance(assign.value, ast.Name)
        for target in assign.targets
        if isinstance(target, ast.Name)
    ]
    before = -1
    while before != len(found):
        before = len(found)
        found.update(name for pair in copies for name in pair if not found.isdisjoint(pair))
    return frozenset(found)


def _numbers(survey: Survey) -> frozenset[str]:
    found: set[str] = set()
    for assign in survey.every(ast.Assign):
        if isinstance(assign.value, ast.Tuple):
            for target in assign.targets:
                if isinstance(target, ast.Tuple) and len(target.elts) == len(assign.value.elts):
                    pairs = zip(target.elts, assign.value.elts, strict=True)
                    found.update(to.id for to, value in pairs if isinstance(to, ast.Name) and _is_number(value))
        elif _is_number(assign.value):
            found.update(target.id for target in assign.targets if isinstance(target, ast.Name))
    for update in survey.every(ast.AugAssign):
        if isinstance(update.target, ast.Name) and (
            not isinstance(update.op, ast.Add | ast.Mult) or _is_number(update.value)
        ):
            found.add(update.target.id)
    for loop in survey.every(ast.For):
        if isinstance(loop.target, ast.Name) and _is_range(loop.iter):
            found.add(loop.target.id)
    return frozenset(found)


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _called(node) == "range"


def _is_number(node: ast.expr) -> bool:
    """Whether an expression is seen to be a number, or an array of them."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool | int | float | complex)
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Add | ast.Mult) or _is_number(node.left) or _is_number(node.right)
    return isinstance(node, ast.UnaryOp | ast.Compare) or (isinstance(node, ast.Call) and _called(node) == "len")


_PARTS = (ast.keyword, ast.withitem, ast.comprehension)
"""Nodes that are no expressions and hold some."""

Node = TypeVar("Node", bound=ast.AST)
STATEMENTS: dict[type[ast.AST], Callable[[FunctionLowering, ast.AST], list[ast.stmt]]] = {}
EXPRESSIONS: dict[type[ast.AST], Callable[[FunctionLowering, ast.AST], ast.expr]] = {}


def lowers_statement(*kinds: type[ast.stmt]) -> Callable:
    def register(handler: Callable) -> Callable:
        STATEMENTS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def lowers_expression(*kinds: type[ast.expr]) -> Callable:
    def register(handler: Callable) -> Callable:
        EXPRESSIONS.update(dict.fromkeys(kinds, handler))
        return handler

    return register
