"""Calls of converted code: which functions are converted as they are reached, and which are left alone.

The user's functions are converted, to any depth. The standard library and the frameworks are called as they are, but a
function of the user's that is handed to one of them (``jax.vmap(f)``, ``functools.reduce(f, xs)``) is converted on the
way.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import os
import sys
import sysconfig
import weakref
from collections import deque
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any

from .. import reporting
from ..engines.base import active_engine, engine
from ..errors import ConversionError
from ..reporting import REPORT
from ..syntax.compiler import CONVERTED, convert_function, generated_source
from ..syntax.source import mentions
from . import fields
from .choice import Choice
from .dispatch import is_own_file
from .handed import handed
from .lists import TensorList
from .state import CONTEXT, Content, about_to_write, is_journaled, note_reached, was_born
from .undecided import Undecided

_FRAMEWORKS = frozenset(
    [
        "jax",
        "jaxlib",
        "flax",
        "optax",
        "optree",
        "equinox",
        "chex",
        "haiku",
        "optimistix",
        "diffrax",
        "lineax",
        "jaxtyping",
        "orbax",
        "numpyro",
        "distrax",
        "numpy",
        "scipy",
        "sklearn",
        "pandas",
        "matplotlib",
        "numba",
        "tensorflow",
        "tf_keras",
        "keras",
        "torch",
        "malt",
        "pytest",
        "_pytest",
        "pluggy",
        "hypothesis",
        "rich",
        "pygments",
        "IPython",
        "ipykernel",
        "mypy",
        "coverage",
    ]
)

_STDLIB = tuple(
    os.path.normcase(path) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__)}
    if path
)
_SITE = ("site-packages", "dist-packages")

_is_library: dict[str, bool] = {}


def is_library(filename: str) -> bool:
    """Whether a file belongs to the standard library, to a framework or to this package."""
    known = _is_library.get(filename)
    if known is None:
        known = _is_library[filename] = _find_library(filename)
    return known


def _find_library(filename: str) -> bool:
    if filename.startswith("<frozen "):
        return True
    if is_own_file(filename):
        return True
    parts = filename.replace("\\", "/").split("/")
    for site in _SITE:
        if site in parts:
            package = parts[parts.index(site) + 1]
            return package.partition(".")[0] in _FRAMEWORKS
    return os.path.normcase(filename).startswith(_STDLIB)


def is_users_class(kind: type) -> bool:
    """Whether a class is defined in the user's code."""
    module = sys.modules.get(kind.__module__)
    filename = getattr(module, "__file__", None)
    return filename is None or not is_library(filename)


REPLACEMENTS: dict[Any, Callable[..., Any]] = {}
"""The staged forms of built-in functions and classes; ``builtins`` of this package fills it."""

_CONTAINERS = (list, dict, set, deque)
_MUTATORS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "appendleft",
        "discard",
        "extendleft",
        "popleft",
        "rotate",
        "subtract",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
    ]
)


class _Converted:
    """What is known of one function; kept in the function's own ``__dict__``, so that it dies with it."""

    __slots__ = ("code", "function", "owner", "reason")

    def __init__(self, owner: FunctionType, function: FunctionType, reason: ConversionError | None) -> None:
        self.owner = weakref.ref(owner)
        self.code: CodeType = owner.__code__
        self.function = function
        self.reason = reason


_KEY = "__ag_converted__"
_KEY_BY_IDENTITY = "__ag_converted_by_identity__"


def converted(function: FunctionType) -> FunctionType:
    """The converted form of ``function``, made once.

    Raises:
        ConversionError: it cannot be converted.
    """
    entry = _entry(function)
    if entry.reason is not None:
        raise ConversionError(*entry.reason.args)
    return entry.function


def _entry(function: FunctionType) -> _Converted:
    note_reached(function)
    key = _KEY_BY_IDENTITY if CONTEXT.by_identity else _KEY
    entry = function.__dict__.get(key)
    if (
        entry is not None
        and entry.owner() is function
        and entry.code is function.__code__
        and entry.function.__defaults__ is function.__defaults__
    ):
        return entry
    if function.__code__.co_flags & CONVERTED:
        return _Converted(function, function, None)
    try:
        new = convert_function(function, sys.modules["autograph.staging"], equality=CONTEXT.by_identity)
        new.__dict__.pop(_KEY, None)
        new.__dict__.pop(_KEY_BY_IDENTITY, None)
        entry = _Converted(function, _for_frameworks(new), None)
        if REPORT.level:
            reporting.converted(function.__code__, lambda: generated_source(function))
    except ConversionError as error:
        entry = _Converted(function, function, error)
        if REPORT.level:
            reporting.not_converted(function.__code__, error.reason)
    function.__dict__[key] = entry
    return entry


def for_graphs(function: FunctionType, original: FunctionType) -> Any:
    """A converted function as TensorFlow 1.x needs it, if it may be called under a graph of that."""
    if not hasattr(sys.modules["tensorflow"], "function"):
        return function  # TensorFlow is being imported
    found = engine("tensorflow")
    if not found.builds_nodes() and not mentions(original, "compat.v1"):
        return function

    def by_identity() -> FunctionType:
        return converted(original)

    return found.for_graphs(function, original, by_identity)


def _for_frameworks(function: FunctionType) -> FunctionType:
    """A converted function, with the sign by which TensorFlow's own AutoGraph knows to leave it alone."""
    if "tensorflow" in sys.modules:
        function.__dict__["autograph_info__"] = {"by": "autograph-compiler"}
    return function


class NotStageable(Exception):
    """A loop that Python can run cannot be staged, or gains nothing from it."""


_JOURNALED = (list, dict, set, str, bytes, tuple, int, float, bool, complex, frozenset, type, TensorList)
_PURE_MODULES = frozenset(("builtins", "math", "cmath", "operator", "_operator", "_functools"))
_IMPURE_BUILTINS = frozenset(("next", "anext", "input", "open", "setattr", "delattr", "exec", "eval", "__import__"))


def _may_have_effects(function: Any, kind: type) -> bool:
    """Whether calling something that is not converted might change what no journal puts back."""
    if kind is BuiltinFunctionType:
        owner = function.__self__
        if owner is None or isinstance(owner, ModuleType):
            module = str(getattr(function, "__module__", None) or getattr(owner, "__name__", ""))
            if module == "builtins":
                return function.__name__ in _IMPURE_BUILTINS
            return module not in _PURE_MODULES and module.partition(".")[0] not in _FRAMEWORKS
        return not _is_journaled(owner)
    if kind is MethodWrapperType:  # such as ``generator.__next__``
        return not _is_journaled(function.__self__)
    if kind is MethodType:
        return _may_have_effects(function.__func__, type(function.__func__))
    if kind is FunctionType:
        code = function.__code__
        if code.co_flags & CONVERTED:
            return False
        if is_own_file(code.co_filename):
            return False  # with `do_not_convert`, the user answers for what a function does while it is traced
        if is_library(code.co_filename):
            return not is_installed(code.co_filename)
        return _entry(function).reason is not None and not inspect.isgeneratorfunction(function)
    return False


def _is_journaled(owner: Any) -> bool:
    """Whether what the methods of an object change is put back, or nothing."""
    return type(owner) in _JOURNALED or type(owner).__module__.partition(".")[0] in _FRAMEWORKS


def call(function: Any) -> Any:
    """What converted code calls in place of ``function``."""
    kind = type(function)
    if CONTEXT.probes and _may_have_effects(function, kind):
        raise NotStageable
    if kind is FunctionType:
        code = function.__code__
        if code.co_flags & CONVERTED:
            return function
        if is_library(code.co_filename):
            if sys._getframe(1).f_code.co_filename == code.co_filename and not is_own_file(code.co_filename):
                return _entry(function).function  # a function of a library that was converted, and calls its neighbour
            return _library_function(function, code)
        return _entry(function).function
    if kind is BuiltinFunctionType:
        owner = function.__self__
        if isinstance(owner, _CONTAINERS):
            if is_journaled() and function.__name__ in _MUTATORS:
                return _mutator(function, owner)
            return function
        if type(owner) is str:
            return _formatter(function)
        try:
            replacement = REPLACEMENTS.get(function)
        except TypeError:  # a method of something unhashable
            return function
        if replacement is not None:
            return function if active_engine() is None else replacement
        if function is breakpoint:
            return _stop_function(function)
        return _numpy_function(function) if function.__module__ == "numpy" else function
    if kind is MethodType:
        inner = call(function.__func__)
        return function if inner is function.__func__ else MethodType(inner, function.__self__)
    if issubclass(kind, type):
        return _class(function)
    if kind is Choice:
        return function
    if kind is functools.partial:
        inner = call(function.func)
        return function if inner is function.func else functools.partial(inner, *function.args, **function.keywords)
    return _callable_object(function, kind)


def _library_function(function: FunctionType, code: CodeType) -> Callable[..., Any]:
    """A function that is not converted, given converted ones where it is given functions."""
    if REPORT.level > 1:
        reporting.left_alone(function)
    if hasattr(function, "_tf_decorator"):
        again = engine("tensorflow").decorated_again(function, argument)
        if again is not None:
            return again
    if function.__module__ == "pdb" and function.__name__ == "set_trace":
        return _stop_function(function)
    if function in _MAKE_OBJECTS and is_journaled():
        return _with_new_result(function)
    if is_own_file(code.co_filename) or not is_installed(code.co_filename):
        return _single_dispatch(function) if hasattr(function, "register") else function
    return _with_converted_arguments(function)


def _single_dispatch(function: FunctionType) -> Callable[..., Any]:
    """A generic function of ``functools``, which picks one of the user's by the type of its first argument."""
    dispatch = getattr(function, "dispatch", None)
    if dispatch is not None:
        return lambda *args, **kwargs: (call(dispatch(type(args[0]))) if args else function)(*args, **kwargs)
    descriptor = getattr(function.register, "__self__", None)  # type: ignore[attr-defined]
    if isinstance(descriptor, functools.singledispatchmethod) and function.__closure__ is not None:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
        obj, cls = cells["obj"].cell_contents, cells["cls"].cell_contents
        choose = descriptor.dispatcher.dispatch
        return lambda *args, **kwargs: call(choose(type(args[0])).__get__(obj, cls))(*args, **kwargs)
    return function


_installed: dict[str, bool] = {}


def _stop_function(function: Callable[..., Any]) -> Callable[..., Any]:
    from ..debugging import stop_function

    return stop_function(function)


def is_installed(filename: str) -> bool:
    """Whether a file belongs to an installed package."""
    known = _installed.get(filename)
    if known is None:
        parts = filename.replace("\\", "/").split("/")
        known = _installed[filename] = any(site in parts for site in _SITE)
    return known


def _with_converted_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        converted_args = [argument(handed(function, value)) for value in args]
        if converted_args and converted_args[0] is args[0] and _takes_function_first(function):
            converted_args[0] = call(args[0])
        return function(*converted_args, **{name: argument(handed(function, v)) for name, v in kwargs.items()})

    return called


def _takes_function_first(function: Any) -> bool:
    """Whether the first argument of a library's function is one to call, so that an object given for it is too."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_varnames[:1] in (("fun",), ("f",), ("func",), ("fn",), ("function",))


def argument(value: Any) -> Any:
    """An argument of a library's function, converted if it is a function of the user's."""
    kind = type(value)
    if kind is FunctionType:
        if value.__code__.co_flags & CONVERTED:
            return _for_frameworks(value)
        if is_library(value.__code__.co_filename):
            return value
        return _entry(value).function
    if kind is MethodType:
        inner = argument(value.__func__)
        return value if inner is value.__func__ else MethodType(inner, value.__self__)
    if kind is functools.partial:
        inner = argument(value.func)
        return value if inner is value.func else functools.partial(inner, *value.args, **value.keywords)
    if (kind is list or kind is tuple) and value and all(callable(item) for item in value):
        return kind(map(argument, value))
    return value


def _mutator(method: Callable[..., Any], owner: Any) -> Callable[..., Any]:
    def mutate(*args: Any, **kwargs: Any) -> Any:
        about_to_write(Content(owner))
        return method(*args, **kwargs)

    return mutate


def _formatter(method: Callable[..., Any]) -> Callable[..., Any]:
    if method.__name__ != "format":
        return method
    from .formatting import text

    def formatted(*args: Any, **kwargs: Any) -> Any:
        return method(*map(text, args), **{name: text(value) for name, value in kwargs.items()})

    return formatted


def _class(kind: Any) -> Any:
    """A class that is called: its ``__init__`` is a function like any other."""
    replacement = REPLACEMENTS.get(kind) if type(kind) is type else None
    if replacement is not None:
        return kind if active_engine() is None else replacement
    if kind is functools.partial:
        return _with_converted_arguments(kind)
    initialise = kind.__init__
    if active_engine() is None:
        return kind
    if type(initialise) is not FunctionType or type(kind).__call__ is not type.__call__:
        return _announcing(kind)
    is_exception = issubclass(kind, BaseException)
    if kind.__new__ is not object.__new__ and not is_exception:
        return _announcing(kind)
    if type(kind.__new__) is not BuiltinFunctionType:
        return _announcing(kind)
    inner = call(initialise)
    if inner is initialise:
        return fields.constructor(kind, call) if fields.is_generated(kind) else _announcing(kind)

    def construct(*args: Any, **kwargs: Any) -> Any:
        made = kind.__new__(kind, *args, **kwargs) if is_exception else object.__new__(kind)
        was_born(made)
        result = inner(made, *args, **kwargs)
        if result is not None:
            raise TypeError(f"__init__() should return None, not {type(result).__name__!r}")
        return made

    return construct


def asked(value: Any) -> Any:
    """What decides the truth of ``value``: what the user's ``__bool__`` or ``__len__`` gives, if its class has one."""
    kind: Any = type(value)
    if kind.__module__ == "builtins" or active_engine() is None:
        return value
    if kind is Undecided:
        return value.truth
    method = getattr(kind, "__bool__", None) or getattr(kind, "__len__", None)
    if type(method) is not FunctionType or is_library(method.__code__.co_filename):
        return value
    return call(method)(value)


def _announcing(kind: Any) -> Any:
    """A class of the user's whose constructor is not converted; what it makes is new all the same."""
    if not is_journaled() or issubclass(kind, BaseException) or not is_users_class(kind):
        return kind
    return _with_new_result(kind)


def _with_new_result(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        was_born(result)
        return result

    return made


_MAKE_OBJECTS: set[Any] = {copy.copy, copy.deepcopy, dataclasses.replace}
"""Functions of the standard library whose result is a new object."""


def _numpy_function(function: Any) -> Any:
    """A function of NumPy's, which becomes the engine's own where an argument is staged."""
    find = getattr(active_engine(), "numpy_function", None)
    if find is None:
        return function

    def applied(*args: Any, **kwargs: Any) -> Any:
        from .formatting import holds_staged

        if holds_staged(args) or holds_staged(kwargs):
            own = find(function)
            if own is not None:
                given = [handed(own, value) for value in args]
                return own(*given, **{name: handed(own, value) for name, value in kwargs.items()})
        return function(*args, **kwargs)

    return applied


def _callable_object(function: Any, kind: type) -> Any:
    if kind.__module__ == "numpy" and kind.__name__ in ("ufunc", "_ArrayFunctionDispatcher"):
        return _numpy_function(function)
    if kind.__module__.startswith("tensorflow.") and "_tf_decorator" in getattr(function, "__dict__", ()):
        return engine("tensorflow").decorated_again(function, argument) or function
    method = kind.__dict__.get("__call__") or getattr(kind, "__call__", None)  # noqa: B004
    if type(method) is FunctionType:
        inner = call(method)
        if inner is not method and not is_library(method.__code__.co_filename):
            return MethodType(inner, function)
    return function
