"""Functions, lambdas, classes and comprehensions inside a function that is being converted."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from copy import deepcopy

from ..flow import blocks_of
from ..nodes import Position, constant, load, position, staging, store, thunk
from ..refusals import GENERATOR
from ..scopes import Names, collect, every_argument
from ..survey import Survey
from .base import FunctionLowering, Unconvertible, Unit, lowers_expression, lowers_statement
from .managers import lower_withs, may_be_users
from .matching import lower_matches
from .mutation import items_of


def split_docstring(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[:1], body[1:]
    return [], body


@lowers_statement(ast.FunctionDef)
def lower_function(self: FunctionLowering, node: ast.FunctionDef) -> list[ast.stmt]:
    self.binds(node)
    _lower_body(self, node, self.class_name, self.has_class_cell)
    _lower_signature(self, node)
    return [node]


def _lower_signature(self: FunctionLowering, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """What the statement evaluates where it stands."""
    node.decorator_list = [self.expr(decorator) for decorator in node.decorator_list]
    _lower_defaults(self, node.args)


def _lower_defaults(self: FunctionLowering, arguments: ast.arguments) -> None:
    arguments.defaults = [self.expr(default) for default in arguments.defaults]
    arguments.kw_defaults = [default and self.expr(default) for default in arguments.kw_defaults]


def _lower_body(self: FunctionLowering, node: ast.FunctionDef, class_name: str | None, has_class_cell: bool) -> None:
    """Converts a nested function, unless it is marked to be left alone or has to be."""
    if any(_leaves_alone(decorator) for decorator in node.decorator_list):
        return
    try:
        names = check_convertible(node)
    except Unconvertible:
        return
    lower_function_body(node, self.unit, class_name, has_class_cell, names)


_FRAME_READERS = {"locals": 1, "vars": 1, "dir": 1, "eval": 2, "exec": 2}
"""Built-in functions that look at their caller's variables when they get fewer arguments than this."""


def check_convertible(node: ast.FunctionDef | ast.Lambda) -> Names:
    """What the body of ``node`` does with names.

    Raises:
        Unconvertible: the code only means what it says in a frame that holds all its variables.
    """
    names = Names()
    body: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    collect(body, names)
    if names.is_generator:
        raise Unconvertible(*GENERATOR)
    if not names.reads.isdisjoint(_FRAME_READERS):
        for call in (inner for part in body for inner in ast.walk(part)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.keywords:
                name = call.func.id
                if len(call.args) < _FRAME_READERS.get(name, 0) and name not in names.binds:
                    raise Unconvertible(
                        f"it calls {name}(), which looks at the variables of the function around it",
                        f"Name what it is to see: hand {name}() a dict, or write the variables out",
                        call,
                    )
    return names


def lower_function_body(
    node: ast.FunctionDef, unit: Unit, class_name: str | None, has_class_cell: bool, names: Names
) -> None:
    """Converts the body of ``node`` in place."""
    docstring, body = split_docstring(node.body)
    if not body:
        return
    survey = Survey(body)
    if survey.own(ast.Match):
        body = lower_matches(node.args, body)
        survey = Survey(body)
        names = Names()
        collect(list(body), names)

    def lowered(statements: list[ast.stmt], survey: Survey, names: Names, cuts_try: bool) -> list[ast.stmt]:
        return FunctionLowering(
            node.args,
            statements,
            unit,
            class_name=class_name,
            has_class_cell=has_class_cell,
            names=names,
            survey=survey,
            cuts_try=cuts_try,
        ).body

    withs = survey.own(ast.With)
    cuts_with = bool(withs) and ("__exit__" in unit.properties or _may_be_left(withs, unit, names, node.args))
    if not cuts_with and not survey.own(ast.Try):
        node.body = docstring + lowered(body, survey, names, cuts_try=False)
        return
    at = position(body[0])
    declared = _take_declarations(body)
    cut, survey_of_cut, names_of_cut = deepcopy(body), survey, names
    if cuts_with:
        cut = lower_withs(cut, names.reads | names.captured | names.binds)
        survey_of_cut = Survey(cut)
        names_of_cut = Names()
        collect(list(cut), names_of_cut)
        names_of_cut.globals, names_of_cut.nonlocals = names.globals, names.nonlocals
    in_regions = lowered(cut, survey_of_cut, names_of_cut, cuts_try=True)
    in_place = lowered(body, survey, names, cuts_try=False)
    both = ast.If(staging("building", [], at), in_regions, in_place, **at)
    node.body = [*docstring, *declared, both]


def _may_be_left(withs: Sequence[ast.With], unit: Unit, names: Names, parameters: ast.arguments) -> bool:
    """Whether one of the context managers may have an ``__exit__`` of the user's."""
    local = names.binds | {argument.arg for argument in every_argument(parameters)}
    return unit.namespace is not None and any(may_be_users(part, unit.namespace, local) for part in withs)


def _take_declarations(block: list[ast.stmt]) -> list[ast.stmt]:
    """Takes the ``global`` and ``nonlocal`` statements out of ``block``: a function may have each but once."""
    found: list[ast.stmt] = []
    for index, statement in enumerate(block):
        if isinstance(statement, ast.Global | ast.Nonlocal):
            found.append(statement)
            block[index] = ast.Pass(**position(statement))
        for inner in blocks_of(statement):
            found += _take_declarations(inner)
    return found


def _leaves_alone(decorator: ast.expr) -> bool:
    """Whether a decorator is ``@ag.do_not_convert``, however it is spelt."""
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name == "do_not_convert"


if hasattr(ast, "TypeAlias"):  # from 3.12 on

    @lowers_statement(ast.TypeAlias)
    def lower_type_alias(self: FunctionLowering, node: ast.stmt) -> list[ast.stmt]:
        self.binds(node)
        return [node]


@lowers_statement(ast.AsyncFunctionDef)
def lower_async_function(self: FunctionLowering, node: ast.AsyncFunctionDef) -> list[ast.stmt]:
    self.binds(node)
    _lower_signature(self, node)
    return [node]


@lowers_statement(ast.ClassDef)
def lower_class(self: FunctionLowering, node: ast.ClassDef) -> list[ast.stmt]:
    """The body of a class runs in a scope that no function sees, so it stays; its methods are converted."""
    self.binds(node)
    node.decorator_list = [self.expr(decorator) for decorator in node.decorator_list]
    node.bases = [self.expr(base) for base in node.bases]
    for keyword in node.keywords:
        keyword.value = self.expr(keyword.value)
    _lower_methods(self, node.body, node.name)
    return [node]


def _lower_methods(self: FunctionLowering, body: list[ast.stmt], class_name: str) -> None:
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            _lower_body(self, statement, class_name, has_class_cell=True)
        elif isinstance(statement, ast.ClassDef):
            _lower_methods(self, statement.body, statement.name)


@lowers_expression(ast.Lambda)
def lower_lambda(self: FunctionLowering, node: ast.Lambda) -> ast.expr:
    _lower_defaults(self, node.args)
    try:
        check_convertible(node)
    except Unconvertible:
        return node
    outer, self.first_parameter = self.first_parameter, None
    self.unit.lambdas.add((node.body.lineno, node.body.col_offset))
    hidden = self.lambda_parameters
    self.lambda_parameters = hidden | {argument.arg for argument in every_argument(node.args)}
    with self.sealed():
        node.body = self.expr(node.body)
    self.first_parameter, self.lambda_parameters = outer, hidden
    return node


@lowers_expression(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
def lower_comprehension(self: FunctionLowering, node: ast.expr) -> ast.expr:
    generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
    if any(generator.is_async for generator in generators):
        return node
    # A generator expression that is kept runs when the program asks it to, with the variables of that time.
    is_list = isinstance(node, ast.ListComp) or (isinstance(node, ast.GeneratorExp) and id(node) in self.consumed)
    if is_list and self.can_assign() and _can_be_loop(self, node):  # type: ignore[arg-type]
        return _either(self, node)  # type: ignore[arg-type]
    return _lower_in_place(self, node, generators)


_ITEMS, _OUT = "ag__items", "ag__out"


def _can_be_loop(self: FunctionLowering, node: ast.ListComp | ast.GeneratorExp) -> bool:
    def is_simple(target: ast.expr) -> bool:
        if isinstance(target, ast.Tuple | ast.List):
            return all(map(is_simple, target.elts))
        return isinstance(target, ast.Name)

    if any(isinstance(inner, ast.Await | ast.Yield | ast.YieldFrom) for inner in ast.walk(node)):
        return False  # it belongs to the function around
    return all(is_simple(generator.target) for generator in node.generators) and not self.binds_variable(node)


def _either(self: FunctionLowering, node: ast.ListComp | ast.GeneratorExp) -> ast.expr:
    """The comprehension as it stands, and as a loop that appends; what it goes through decides between them."""
    at = position(node)
    has_conditions = any(generator.ifs for generator in node.generators)
    first = self.expr(node.generators[0].iter)
    # The variable outlives the comprehension, and is not to keep alive what that goes through.
    held = ast.NamedExpr(store(_ITEMS, at), ast.List([first], ast.Load(), **at), **at)
    test = staging("is_loop", [held, constant(has_conditions, at)], at)
    parameters = ast.arguments([], [ast.arg(_OUT, **at), ast.arg(_ITEMS, **at)], None, [], [], None, [])
    copy = deepcopy(node)
    with self.sealed():
        body = _loop(self, copy.generators, copy.elt, load(_ITEMS, at), at)
    lazy = constant(isinstance(node, ast.GeneratorExp), at)
    loop = staging("comprehension", [_taken(at), ast.Lambda(parameters, body, **at), lazy], at)
    in_place = _lower_in_place(self, node, node.generators, items_of(node.generators[0].iter, _taken(at)))
    return ast.IfExp(test, loop, in_place, **at)


def _taken(at: Position) -> ast.expr:
    return ast.Call(ast.Attribute(load(_ITEMS, at), "pop", ast.Load(), **at), [], [], **at)


def _loop(
    self: FunctionLowering, generators: list[ast.comprehension], element: ast.expr, items: ast.expr, at: Position
) -> ast.expr:
    generator, *others = generators
    body: ast.expr
    if others:
        body = _loop(self, others, element, self.expr(others[0].iter), at)
    else:
        append = ast.Attribute(load(_OUT, at), "append", ast.Load(), **at)
        body = ast.Call(append, [self.expr(element)], [], **at)
    for condition in reversed(generator.ifs):
        none = constant(None, at)
        branch = staging("if_stmt", [self.expr(condition), thunk(body, at), none, ast.Tuple([], ast.Load(), **at)], at)
        body = branch
    return staging("for_stmt", [items, _taking(generator.target, body, at), ast.Tuple([], ast.Load(), **at)], at)


def _taking(target: ast.expr, body: ast.expr, at: Position) -> ast.Lambda:
    """A function of one item that names the parts of it and gives ``body``."""
    if isinstance(target, ast.Name):
        return ast.Lambda(ast.arguments([], [ast.arg(target.id, **at)], None, [], [], None, []), body, **at)
    assert isinstance(target, ast.Tuple | ast.List)
    names = [f"ag__part_{index}" for index in range(len(target.elts))]
    for index, part in reversed(list(enumerate(target.elts))):
        if isinstance(part, ast.Name):
            names[index] = part.id
        else:
            body = ast.Call(_taking(part, body, at), [load(names[index], at)], [], **at)
    inner = ast.Lambda(ast.arguments([], [ast.arg(name, **at) for name in names], None, [], [], None, []), body, **at)
    item = "ag__item"
    call = ast.Call(inner, [ast.Starred(load(item, at), ast.Load(), **at)], [], **at)
    return ast.Lambda(ast.arguments([], [ast.arg(item, **at)], None, [], [], None, []), call, **at)


def _lower_in_place(
    self: FunctionLowering, node: ast.expr, generators: list[ast.comprehension], first: ast.expr | None = None
) -> ast.expr:
    # The first iterable is evaluated outside, everything else inside.
    if first is None:
        with self.iterable():
            first = items_of(generators[0].iter, self.expr(generators[0].iter))
    generators[0].iter = first
    with self.sealed():
        for name in ("key", "value", "elt"):
            part = getattr(node, name, None)
            if part is not None:
                setattr(node, name, self.expr(part))
        for number, generator in enumerate(generators):
            if number:
                generator.iter = items_of(generator.iter, self.expr(generator.iter))
            generator.ifs = [self.expr(condition) for condition in generator.ifs]
    return node
