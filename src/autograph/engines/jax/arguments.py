"""Which arguments are traced and which are static, and when two static ones are the same.

Arrays and Python numbers are traced. Everything else is static: compared by type and value where it has a value, to any
depth, and by identity where it has not. Objects that are compared by identity are held weakly: what was traced for one
goes when it does.
"""

from __future__ import annotations

import dataclasses
import functools
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

import jax
import numpy as np

from ...spec import TensorSpec
from .types import NUMBERS, type_of

DYNAMIC, STATIC, ASK, FIELDS = range(4)
"""A type's leaves: always traced, never, to be looked at one by one, or a dataclass."""

_kinds: dict[type, int] = {str: STATIC, bytes: STATIC, **dict.fromkeys(NUMBERS, DYNAMIC)}


class Forced:
    """An argument that is static whatever its type."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Default(Forced):
    """An argument that has its default's value."""

    __slots__ = ()


class Fields:
    """The fields of a dataclass that holds arrays or can change, for as long as they are a pytree."""

    __slots__ = ("kind", "names", "values")

    def __init__(self, kind: type, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        self.kind, self.names, self.values = kind, names, values


def _instance(form: tuple[type, tuple[str, ...]], values: Any) -> Any:
    made: Any = object.__new__(form[0])
    for name, value in zip(form[1], values, strict=True):
        object.__setattr__(made, name, value)
    return made


jax.tree_util.register_pytree_node(Fields, lambda node: (node.values, (node.kind, node.names)), _instance)


def _kind(kind: type) -> int:
    if issubclass(kind, jax.Array | jax.core.Tracer):
        return DYNAMIC
    if issubclass(kind, np.ndarray | np.generic | TensorSpec | jax.ShapeDtypeStruct):
        return ASK
    if issubclass(kind, Forced):
        return STATIC
    if dataclasses.is_dataclass(kind) and kind.__new__ is object.__new__:
        return FIELDS
    return STATIC


def kind_of(leaf: Any) -> int:
    """``DYNAMIC``, ``STATIC`` or ``FIELDS``."""
    kind = type(leaf)
    try:
        found = _kinds[kind]
    except KeyError:
        found = _kinds[kind] = _kind(kind)
    if found == ASK:
        return DYNAMIC if isinstance(leaf, TensorSpec) or type_of(leaf) is not None else STATIC
    if found == FIELDS:
        return FIELDS if _holds_arrays(leaf) or type(leaf).__hash__ is None else STATIC
    return found


def _holds_arrays(value: Any) -> bool:
    fields = [getattr(value, field.name) for field in dataclasses.fields(value) if hasattr(value, field.name)]
    for leaf in jax.tree_util.tree_leaves(fields):
        kind = kind_of(leaf)
        if kind == FIELDS or (kind == DYNAMIC and type(leaf) not in NUMBERS):
            return True
    return False


def _expanded(leaf: Any) -> Any:
    if type(leaf) in NUMBERS or kind_of(leaf) != FIELDS:
        return leaf
    names = tuple(field.name for field in dataclasses.fields(leaf) if hasattr(leaf, field.name))
    return Fields(type(leaf), names, tuple(expanded(getattr(leaf, name)) for name in names))


def expanded(value: Any) -> Any:
    """``value`` with the dataclasses in it that are to be traced inside as pytrees."""
    return jax.tree_util.tree_map(_expanded, value)


class Identity:
    """In a key: this very object, which the key does not keep alive."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return type(other) is Identity and self.number == other.number

    def __hash__(self) -> int:
        return self.number


def static_key(value: Any, seen: Callable[[Any], None]) -> Any:
    """What two static arguments have to share to share a trace. ``seen`` is told of objects known by identity."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or kind is bytes or value is None:
        return kind, value
    if kind is float or kind is complex:
        return kind, repr(value)  # tells -0.0 from 0.0, and a NaN from no other
    if isinstance(value, Forced):
        return kind, static_key(value.value, seen)
    if isinstance(value, tuple | list):
        return kind, tuple([static_key(item, seen) for item in value])
    if kind is dict:
        return kind, tuple([(static_key(key, seen), static_key(item, seen)) for key, item in value.items()])
    if kind is frozenset or kind is set:
        return kind, frozenset([static_key(item, seen) for item in value])
    if isinstance(value, np.generic):
        return kind, value.dtype.str, value.tobytes()
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return kind, value.dtype.str, value.shape, value.tobytes()
    if kind is MethodType:
        return kind, static_key(value.__self__, seen), static_key(value.__func__, seen)
    if kind is functools.partial:
        return kind, *(static_key(part, seen) for part in (value.func, value.args, value.keywords))
    hasher: Any = kind.__hash__
    if hasher is None or hasher is object.__hash__:
        seen(value)
        return kind, Identity(id(value))
    if dataclasses.is_dataclass(value) and "__eq__" in kind.__dict__ and kind.__dataclass_params__.eq:
        names = [field.name for field in dataclasses.fields(value) if field.compare]
        return kind, tuple([static_key(getattr(value, name), seen) for name in names])
    try:
        hash(value)
    except TypeError:
        seen(value)
        return kind, Identity(id(value))
    return kind, value


def is_same_value(left: Any, right: Any) -> bool:
    """Whether two plain values cannot be told apart."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    try:
        return bool(static_key(left, _ignore) == static_key(right, _ignore))
    except TypeError:
        return False


def _ignore(value: Any) -> None:
    pass


def watch(value: Any, gone: Callable[[int], None]) -> Any:
    """Has ``gone`` called with the identity of ``value`` when it dies.

    Returns:
        What has to be kept for that: a weak reference, or ``value`` itself where its type allows none.
    """
    number = id(value)
    try:
        return weakref.ref(value, lambda _: gone(number))
    except TypeError:
        return value
