"""Puts the converted form of every function in a module of Python's tests in the place of the function itself.

The functions of the standard library are never converted when converted code merely calls them, and Python's tests lie
in the standard library. So each function is converted on its own: test methods, helpers, methods of the classes that
tests use, and what decorators have wrapped.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import test

from autograph import ConversionError, to_graph

_TESTS = os.path.dirname(os.path.abspath(test.__file__)) + os.sep
# What runs the tests, and not what they test.
_NOT_TESTS = (_TESTS + "support" + os.sep, _TESTS + "libregrtest" + os.sep)

# What looks at the variables of the function that calls it.
_READERS = frozenset(("locals", "vars", "dir", "eval", "exec"))
_HEAP_TYPE = 1 << 9


@dataclass
class Conversion:
    """What became of the functions of a module."""

    converted: int = 0
    left_alone: dict[str, str] = field(default_factory=dict)
    """Functions that conversion leaves as they are by design: generators, coroutines, and readers of their frame."""
    refused: dict[str, str] = field(default_factory=dict)
    """Any other function that could not be converted."""
    _known: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def modules(self) -> None:
        """Converts every module of tests that has been imported; each takes helpers from others."""
        for module in list(sys.modules.values()):
            if is_test_file(getattr(module, "__file__", None) or ""):
                self.namespace(vars(module), lambda name, value, module=module: setattr(module, name, value))

    def namespace(self, names: dict[str, Any], assign: Any) -> None:
        """Converts the functions and classes of a module, a class or a doctest."""
        for name, value in list(names.items()):
            if issubclass(type(value), type):
                self.class_(value)
            else:
                new = self.value(value)
                if new is not value:
                    assign(name, new)

    def class_(self, kind: type) -> None:
        if id(kind) in self._known or not _is_of_tests(kind):
            return
        self._known[id(kind)] = kind, kind
        # A class may define what its class has too (`__dict__`, `__class__`); that cannot be assigned from outside.
        owners = type(kind).__mro__
        members = {
            name: value
            for name, value in vars(kind).items()
            if not any(hasattr(vars(owner).get(name), "__set__") for owner in owners)
        }
        # A metaclass may object to assignments, as that of enumerations does; `type` does not.
        self.namespace(members, functools.partial(type.__setattr__, kind))

    def value(self, value: Any) -> Any:
        """The converted form of a function, or of something around functions; other values as they are."""
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        new = self._new(value)
        if new is not value:
            self._known[id(value)] = value, new
            self._known[id(new)] = new, new
        return new

    def _new(self, value: Any) -> Any:
        if type(value) is types.FunctionType:
            self._known[id(value)] = value, value
            for cell in value.__closure__ or ():
                self._cell(cell)
            if "__wrapped__" in vars(value):
                value.__wrapped__ = self.value(value.__wrapped__)
            return self._function(value)
        if type(value) in (staticmethod, classmethod):
            inner = self.value(value.__func__)
            if inner is value.__func__:
                return value
            new = type(value)(inner)
            new.__dict__.update({key: item for key, item in vars(value).items() if key != "__wrapped__"})
            return new
        if type(value) is property:
            parts = value.fget, value.fset, value.fdel
            inner = tuple(map(self.value, parts))
            return value if all(map(_is, parts, inner)) else property(*inner, value.__doc__)
        if type(value) in (functools.cached_property, functools.partialmethod):
            value.func = self.value(value.func)
        return value

    def _cell(self, cell: types.CellType) -> None:
        """What a decorator keeps in its closure is mostly the function that it decorates."""
        try:
            content = cell.cell_contents
        except ValueError:
            return
        if issubclass(type(content), type):
            self.class_(content)
        elif type(content) is types.FunctionType:
            cell.cell_contents = self.value(content)

    def _function(self, function: types.FunctionType) -> types.FunctionType:
        if not is_test_file(function.__code__.co_filename):
            return function
        try:
            new = to_graph(function)
        except Exception as error:  # whatever it is, it is written down and the test fails
            reason = f"{type(error).__name__}: {error}"
            name = f"{function.__module__}.{function.__qualname__}".removeprefix("test.")
            by_design = isinstance(error, ConversionError) and _stays(function.__code__)
            (self.left_alone if by_design else self.refused)[name] = reason
            return function
        self.converted += 1
        return new


def is_test_file(filename: str) -> bool:
    """Whether a file is one of Python's tests, a helper of theirs, or a doctest in one."""
    return (filename.startswith(_TESTS) and not filename.startswith(_NOT_TESTS)) or filename.startswith(
        "<doctest test."
    )


def _is_of_tests(kind: type) -> bool:
    module = sys.modules.get(kind.__module__)
    return is_test_file(getattr(module, "__file__", None) or "") and bool(kind.__flags__ & _HEAP_TYPE)


def _stays(code: types.CodeType) -> bool:
    """Whether a function with this code is not to be converted."""
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return True
    if not _READERS.isdisjoint(code.co_names):
        return True
    return any(isinstance(inner, types.CodeType) and _stays(inner) for inner in code.co_consts)


def _is(left: Any, right: Any) -> bool:
    return left is right
