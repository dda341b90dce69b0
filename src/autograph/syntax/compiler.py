"""The pipeline from a function to its converted form, and the cache of what has been converted.

A converted function is an ordinary function over new code: it shares the globals, defaults and closure cells of the
original, so the two see and make the same changes. The code is compiled under the original file name and keeps the
original names, so that tracebacks, debuggers and profilers see the user's function.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import sys
import threading
import weakref
from types import CellType, CodeType, FunctionType
from typing import Any

from ..errors import ConversionError
from .directives import check_directives
from .lowering import Unconvertible, Unit, check_convertible, lower_function_body, split_docstring
from .nodes import STAGING, define, position
from .passing import explaining, keeping_place
from .refusals import COROUTINE, of_flags, refusal, refusal_at
from .source import Definition, find_definition, properties_in_file

CONVERTED = 0x40000000
"""A code flag that CPython does not use; it marks code that came out of this module."""

REGION = 0x20000000
"""Another such flag; it marks code of a function that the converter has made of a part of the user's."""

_FUTURE = 0
for _feature in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _feature).compiler_flag


def is_converted(code: CodeType) -> bool:
    return bool(code.co_flags & CONVERTED)


def _check_kind(code: CodeType, namespace: dict[str, Any]) -> None:
    found = of_flags(code.co_flags)
    if found is not None:
        raise refusal(code, namespace, *found)


class _Cache:
    """Converted code by the identity of the original, for as long as that lives.

    A code object compares by value, so a dictionary keyed by it would mix up equal code of different files.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[CodeType], CodeType | ConversionError]] = {}

    def get(self, code: CodeType) -> CodeType | ConversionError | None:
        entry = self._entries.get(id(code))
        return entry[1] if entry is not None and entry[0]() is code else None

    def put(self, code: CodeType, converted: CodeType | ConversionError) -> None:
        key = id(code)
        entries = self._entries
        self._entries[key] = weakref.ref(code, lambda _: entries.pop(key, None)), converted


_cache = _Cache()
_cache_with_equality = _Cache()


def convert_function(function: FunctionType, layer: Any, *, equality: bool = False) -> FunctionType:
    """The converted form of ``function``; ``layer`` is the object that its code finds under the name ``ag__``.

    ``equality`` makes calls of ``==`` and ``!=`` too, for tensors that would compare by identity.

    Raises:
        ConversionError: the function has no source, or something in it cannot be converted.
    """
    code = function.__code__
    cache = _cache_with_equality if equality else _cache
    converted = cache.get(code)
    if converted is None:
        try:
            converted = _convert_deep_code(code, function.__globals__, _EQUALITY if equality else frozenset())
        except ConversionError as error:
            converted = error
        cache.put(code, converted)
    if isinstance(converted, ConversionError):
        raise ConversionError(*converted.args)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    cells[STAGING] = CellType(layer)
    closure = tuple(cells[name] for name in converted.co_freevars)
    new = FunctionType(converted, function.__globals__, function.__name__, function.__defaults__, closure)
    new.__kwdefaults__ = function.__kwdefaults__
    new.__annotations__ = function.__annotations__
    new.__qualname__ = function.__qualname__
    new.__module__ = function.__module__
    new.__doc__ = function.__doc__
    new.__dict__.update(function.__dict__)
    if hasattr(function, "__type_params__"):
        new.__type_params__ = function.__type_params__  # type: ignore[attr-defined]
    return new


_DEEP = 50_000
_deep_lock = threading.Lock()


_EQUALITY = frozenset(["__eq__", "__ne__"])


def _convert_deep_code(code: CodeType, namespace: dict[str, Any], overloads: frozenset[str]) -> CodeType:
    """``convert_code``, also for code that nests deeper than Python's recursion limit allows for here."""
    try:
        return convert_code(code, namespace, overloads)
    except RecursionError:
        with _deep_lock:
            limit = sys.getrecursionlimit()
            sys.setrecursionlimit(max(limit, _DEEP))
            try:
                return convert_code(code, namespace, overloads)
            finally:
                sys.setrecursionlimit(limit)


def convert_code(code: CodeType, namespace: dict[str, Any], overloads: frozenset[str] = frozenset()) -> CodeType:
    """Finds, lowers and compiles the definition of ``code``; ``overloads`` are operators to call in any case."""
    _check_kind(code, namespace)
    definition = find_definition(code, namespace)
    check_directives(definition.node, code, namespace)
    properties = properties_in_file(code.co_filename, namespace) | _properties_in(namespace)
    unit = Unit(properties=properties | overloads, namespace=namespace)
    node = _as_function(definition)
    _lower(node, definition, unit, "__class__" in code.co_freevars, code)
    return _compile(node, definition, unit, code)


def _properties_in(namespace: dict[str, Any]) -> frozenset[str]:
    """The properties of the classes that a module has at hand."""
    names = {
        name
        for value in list(namespace.values())
        if isinstance(value, type)
        for name, member in value.__dict__.items()
        if isinstance(member, property)
        or (isinstance(member, FunctionType) and name.startswith("__") and member.__code__.co_filename[0] != "<")
        or isinstance(getattr(type(member), "__get__", None), FunctionType)
    }
    return frozenset(names)


def generated_source(function: FunctionType) -> str:
    """The converted form of ``function`` as text, for people to read."""
    code = function.__code__
    _check_kind(code, function.__globals__)
    definition = find_definition(code, function.__globals__)
    unit = Unit(
        properties=properties_in_file(code.co_filename, function.__globals__) | _properties_in(function.__globals__),
        namespace=function.__globals__,
    )
    node = _as_function(definition)
    _lower(node, definition, unit, "__class__" in code.co_freevars, code)
    if isinstance(definition.node, ast.Lambda) and len(node.body) == 1 and isinstance(node.body[0], ast.Return):
        assert node.body[0].value is not None
        return ast.unparse(ast.Lambda(node.args, node.body[0].value))
    return ast.unparse(node)


def code_for_node(node: ast.FunctionDef | ast.AsyncFunctionDef, *, filename: str, class_name: str | None = None) -> str:
    """The generated code of a definition in a file that has been parsed but not run.

    Raises:
        ConversionError: the definition is a generator, a coroutine, or looks at its own frame.
    """
    definition = Definition(node, class_name, filename)
    if isinstance(node, ast.AsyncFunctionDef):
        raise refusal_at(node.name, filename, (node.lineno, None, None), *COROUTINE)
    _lower(node, definition, Unit(), class_name is not None, None)
    return ast.unparse(node)


def _as_function(definition: Definition) -> ast.FunctionDef:
    """The definition without its decorators; a lambda as a function that returns its body."""
    node = definition.node
    if isinstance(node, ast.Lambda):
        at = position(node)
        function = ast.FunctionDef("lambda_", node.args, [ast.Return(node.body, **position(node.body))], [], None, **at)
        function.type_params = []  # type: ignore[attr-defined]
        return function
    assert isinstance(node, ast.FunctionDef)
    node.decorator_list = []
    return node


def _lower(
    node: ast.FunctionDef, definition: Definition, unit: Unit, has_class_cell: bool, code: CodeType | None
) -> None:
    try:
        names = check_convertible(node)
    except Unconvertible as found:
        name = code.co_qualname if code else node.name
        where = (node.lineno, None, None) if found.node is None else _span(found.node)
        raise refusal_at(name, definition.filename, where, str(found), found.way_out) from None
    lower_function_body(node, unit, definition.class_name, has_class_cell, names)


def _span(node: ast.expr) -> tuple[int, int, int | None]:
    return node.lineno, node.col_offset, node.end_col_offset if node.end_lineno == node.lineno else None


def _compile(node: ast.FunctionDef, definition: Definition, unit: Unit, original: CodeType) -> CodeType:
    """Compiles ``node`` inside a function that has its free variables, and takes its code out again."""
    at = position(node)
    _strip_signature(node)
    node.name = "ag__function"  # its own name may be a global that it reads
    if original.co_firstlineno < node.lineno:
        # A function begins at its first decorator; this one stands for it, and is never evaluated.
        line = original.co_firstlineno
        node.decorator_list = [ast.Constant(None, lineno=line, col_offset=0, end_lineno=line, end_col_offset=0)]
    docstring, body = split_docstring(node.body)
    node.body = [*docstring, explaining(body, at) if body else ast.Pass(**at)]
    tree: ast.stmt = define("make", [STAGING, *original.co_freevars], [node], at)
    if definition.class_name is not None:
        # The compiler mangles private names by the class around them.
        tree = ast.ClassDef(definition.class_name, [], [], [tree], [], **at)
        tree.type_params = []  # type: ignore[attr-defined]
    module = ast.Module([tree], [])
    flags = original.co_flags & _FUTURE
    code = compile(module, definition.filename, "exec", flags=flags, dont_inherit=True)
    for _ in range(3 if definition.class_name is not None else 2):
        code = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return _rename(keeping_place(code), original.co_name, original.co_qualname, unit)


def _strip_signature(node: ast.FunctionDef) -> None:
    """Takes off what the original definition has evaluated already."""
    arguments = node.args
    arguments.defaults = []
    arguments.kw_defaults = [None] * len(arguments.kwonlyargs)
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument is not None:
            argument.annotation = None
    node.returns = None
    node.type_params = []  # type: ignore[attr-defined]


def _rename(code: CodeType, name: str, qualified_name: str, unit: Unit, flags: int = CONVERTED) -> CodeType:
    """Gives code the user's names: a region goes by the name of the function that it was cut out of."""
    constants = list(code.co_consts)
    for index, inner in enumerate(constants):
        if not isinstance(inner, CodeType):
            continue
        is_class = not inner.co_flags & inspect.CO_OPTIMIZED
        inside_class = not code.co_flags & inspect.CO_OPTIMIZED
        is_own_lambda = inner.co_name == "<lambda>" and not inside_class and not _is_users_lambda(inner, unit)
        if inner.co_name in unit.regions or is_own_lambda:
            constants[index] = _rename(inner, name, qualified_name, unit, CONVERTED | REGION)
            continue
        if inner.co_name.startswith("<generic parameters of "):
            constants[index] = _rename(inner, inner.co_name, qualified_name, unit)
            continue
        if "<locals>" not in inner.co_qualname and not inside_class:
            inner_name = inner.co_qualname  # declared global
        else:
            inner_name = f"{qualified_name}.{'' if inside_class else '<locals>.'}{inner.co_name}"
        renamed = _rename(inner, inner.co_name, inner_name, unit)
        if is_class:
            # The body of a class sets its own `__qualname__` from a constant.
            own = tuple(inner_name if value == inner.co_qualname else value for value in renamed.co_consts)
            renamed = renamed.replace(co_consts=own)
        constants[index] = renamed
    return code.replace(
        co_name=name,
        co_qualname=qualified_name,
        co_consts=tuple(constants),
        co_flags=code.co_flags | flags,
    )


def _is_users_lambda(code: CodeType, unit: Unit) -> bool:
    if not unit.lambdas:
        return False
    places = [(line, column) for line, _, column, _ in list(code.co_positions())[1:] if line is not None]
    return not places or any(place in unit.lambdas for place in places)
