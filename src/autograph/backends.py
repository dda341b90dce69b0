"""Which engine runs a call: that of the tensors among its arguments, else of captured ones, else the default."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

from .settings import config

_TENSORS = {
    "jax": frozenset(["Array", "ArrayImpl", "Tracer", "ShapeDtypeStruct", "Ref"]),
    "tensorflow": frozenset(
        [
            "Tensor",
            "Variable",
            "CompositeTensor",
            "TensorArray",
            "TypeSpec",
            "TensorSpec",
            "KerasTensor",
            "IndexedSlices",
        ]
    ),
}
"""The names of the classes whose objects are tensors of a framework, or stand for one."""

_ROOTS = {"jax": "jax", "jaxlib": "jax", "tensorflow": "tensorflow", "keras": "tensorflow"}

_known: dict[type, str | None] = dict.fromkeys((bool, int, float, complex, str, bytes, type(None), FunctionType))

_ENTRIES_LOOKED_AT = 1000
"""Of one list or dict among the arguments."""


def framework_of(value: Any) -> str | None:
    """The engine whose tensor ``value`` is, concrete or staged, found by its type without importing a framework."""
    kind = type(value)
    try:
        return _known[kind]
    except KeyError:
        found = _known[kind] = _find(kind)
        return found


def _find(kind: type) -> str | None:
    for base in kind.__mro__:
        engine = _ROOTS.get(base.__module__.partition(".")[0])
        if engine is not None and base.__name__ in _TENSORS[engine]:
            return engine
    declared = getattr(kind, "__ag_engine__", None)
    return declared if isinstance(declared, str) else None


def _tensors(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The tensors in a nested structure: their engine, and how an error message calls them."""
    name = framework_of(value)
    if name is not None:
        yield name, path
    elif isinstance(value, dict):
        if depth < 20:
            for index, (key, item) in enumerate(value.items()):
                if index >= _ENTRIES_LOOKED_AT:
                    break
                yield from _tensors(item, f"{path}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple):
        if depth < 20:
            names = getattr(value, "_fields", None)
            for index, item in enumerate(value[:_ENTRIES_LOOKED_AT]):
                inner = f"{path}[{index}]" if names is None else f"{path}.{names[index]}"
                yield from _tensors(item, inner, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and depth < 20:
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name, None), f"{path}.{field.name}", depth + 1)


def captured(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """The tensors in the closure, the globals, and the object of a method of ``function``."""
    if isinstance(function, MethodType):
        owner = function.__self__
        for name, value in list(getattr(owner, "__dict__", {}).items()):
            yield from _tensors(value, f"self.{name}")
        function = function.__func__
    code = getattr(function, "__code__", None)
    if not isinstance(function, FunctionType) or code is None:
        return
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield from _tensors(cell.cell_contents, name)
        except ValueError:  # not assigned yet
            continue
    for name in code.co_names:
        if name in function.__globals__:
            yield from _tensors(function.__globals__[name], name)


def _only(found: Iterator[tuple[str, str]], name: str, what: str) -> str | None:
    first = next(found, None)
    if first is None:
        return None
    engine, path = first
    for other, other_path in found:
        if other != engine:
            raise TypeError(
                f"{name}() got tensors of two engines: {what} {path} is one of {_TITLES[engine]}, and {what} "
                f"{other_path} is one of {_TITLES[other]}. Convert one of them, for example with numpy.asarray()"
            )
    return engine


_TITLES = {"jax": "JAX", "tensorflow": "TensorFlow"}


def choose(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The name of the engine that runs this call of an ``ag.function``.

    Raises:
        TypeError: the arguments hold tensors of two engines, or of another than the one that ``backend=`` names.
    """
    if function.backend != "auto":
        for name, path in _arguments(function, args, kwargs):
            if name != function.backend:
                raise TypeError(
                    f"{function.__name__}() has backend={function.backend!r}, and argument {path} is a tensor of "
                    f"{_TITLES[name]}. Convert it, for example with numpy.asarray(), or choose another backend"
                )
        return str(function.backend)
    found = _only(_arguments(function, args, kwargs), function.__name__, "argument")
    if found is None:
        found = function.captured_backend
    return found if found is not None else config.default_backend


def _arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    names = function.parameters.positional
    for index, value in enumerate(args):
        if framework_of(value) is not None or isinstance(value, dict | list | tuple) or dataclasses.is_dataclass(value):
            yield from _tensors(value, names[index] if index < len(names) else f"number {index + 1}")
        elif index == 0 and names[:1] in (("self",), ("cls",)):
            for name, item in list(getattr(value, "__dict__", {}).items()):
                yield from _tensors(item, f"self.{name}")
    for name, value in kwargs.items():
        yield from _tensors(value, name)
