"""Arguments as TensorFlow traces them, where its own rules would fail or take two values for one.

TensorFlow compares Python's values with ``==``, so that ``True`` and ``1``, or ``0.0`` and ``-0.0``, would share a
trace; it has no rule for objects that cannot be hashed, and none for dataclasses that hold tensors. Such values reach
it in objects that say how they are to be traced; the function gets the values themselves.
"""

from __future__ import annotations

import dataclasses
import enum
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.function.trace_type import default_types
from tensorflow.python.types import trace

_PLAIN = frozenset((int, str, bytes, type(None)))
_NUMBERS = frozenset((bool, float, complex))
_TREATED = (tf.Tensor, tf.Variable, tf.TypeSpec, tf.Module, trace.SupportsTracingProtocol, trace.TraceType)


class _Exact(default_types.Literal):  # type: ignore[misc]
    """A value that is itself and no other that equals it."""

    def __init__(self, value: Any) -> None:
        self._reference = reference_to(value) if dataclasses.is_dataclass(value) else lambda: value
        self._identity = _identity(value)
        self._value_hash = hash(self._identity)

    @property
    def value(self) -> Any:
        """The value; ``None`` for an object that is gone."""
        return self._reference()

    def placeholder_value(self, placeholder_context: Any) -> Any:
        return self.value

    def cast(self, value: Any, casting_context: Any) -> Any:
        given = value.value if isinstance(value, Exactly) else value
        if _Exact(given) != self:
            raise ValueError(f"Can not cast {given!r} to {self!r}")
        return given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Exact) and self._identity == other._identity

    def __hash__(self) -> int:
        return self._value_hash


def _identity(value: Any) -> Any:
    """What two values have to share to be one."""
    kind = type(value)
    if kind in _NUMBERS:
        return kind, repr(value)  # tells -0.0 from 0.0, and a NaN from no other
    if kind is tuple:
        return kind, tuple(map(_identity, value))
    if dataclasses.is_dataclass(value):
        fields = [field for field in dataclasses.fields(value) if field.compare]
        return kind, tuple([_identity(getattr(value, field.name)) for field in fields])
    return kind, value


class Exactly:
    """An argument that is static by its type and value."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __tf_tracing_type__(self, context: Any) -> Any:
        return _Exact(self.value)


class _This(trace.TraceType):  # type: ignore[misc]
    """One object, which the type does not keep alive where it can be held weakly."""

    def __init__(self, reference: Any, number: int) -> None:
        self._reference, self._number = reference, number

    def is_subtype_of(self, other: Any) -> bool:
        return bool(self == other)

    def most_specific_common_supertype(self, types: Sequence[Any]) -> Any:
        return self if all(self == other for other in types) else None

    def placeholder_value(self, placeholder_context: Any) -> Any:
        return ByIdentity(self._reference())

    def to_tensors(self, value: Any) -> list[Any]:
        return []

    def from_tensors(self, tensors: Any) -> Any:
        return self._reference()

    def flatten(self) -> list[Any]:
        return []

    def cast(self, value: Any, casting_context: Any) -> Any:
        given = value.value if isinstance(value, ByIdentity) else value
        if given is not self._reference():
            raise ValueError(f"Can not cast {given!r} to {self!r}")
        return given

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _This):
            return False
        return self is other or (self._reference() is other._reference() and self._reference() is not None)

    def __hash__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"This[{type(self._reference()).__name__} at {self._number:#x}]"


class ByIdentity:
    """An argument that is static by its identity."""

    __slots__ = ("_reference",)

    def __init__(self, value: Any) -> None:
        self._reference = reference_to(value)

    @property
    def value(self) -> Any:
        return self._reference()

    def __tf_tracing_type__(self, context: Any) -> Any:
        return _This(self._reference, id(self.value))


def reference_to(value: Any) -> Any:
    """What gives ``value``, or ``None`` when it is gone; it stays where its class allows no weak references."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


class Fields:
    """A dataclass that holds tensors: traced inside."""

    __slots__ = ("kind", "names", "values")

    def __init__(self, kind: type, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        self.kind, self.names, self.values = kind, names, values

    def __tf_flatten__(self) -> tuple[Any, tuple[Any, ...]]:
        return (self.kind, self.names), self.values

    @classmethod
    def __tf_unflatten__(cls, metadata: Any, components: Any) -> Fields:
        kind, names = metadata
        return cls(kind, names, tuple(components))

    def instance(self) -> Any:
        """The dataclass's object."""
        made: Any = object.__new__(self.kind)
        for name, value in zip(self.names, self.values, strict=True):
            object.__setattr__(made, name, restored(value))
        return made


def prepared(value: Any) -> Any:
    """``value`` as TensorFlow is to see it."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind in _NUMBERS:
        return Exactly(value)
    if kind is tuple or kind is list:
        return kind([prepared(item) for item in value])
    if kind is dict:
        return {key: prepared(item) for key, item in value.items()}
    if isinstance(value, _TREATED):
        return value
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return kind(*map(prepared, value))
    if isinstance(value, enum.Enum):
        return Exactly(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _prepared_dataclass(value)
    if _is_treated(value):
        return value
    return value if _has_hash(value) else ByIdentity(value)


def restored(value: Any) -> Any:
    """What the function gets for an argument that TensorFlow has seen in the form of ``prepared``."""
    kind: Any = type(value)
    if kind is ByIdentity or kind is Exactly:
        return value.value
    if kind is Fields:
        return value.instance()
    if kind is tuple or kind is list:
        return kind([restored(item) for item in value])
    if kind is dict:
        return {key: restored(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return kind(*map(restored, value))
    return value


def _prepared_dataclass(value: Any) -> Any:
    if _is_treated(value):
        return value
    names = tuple(field.name for field in dataclasses.fields(value) if hasattr(value, field.name))
    values = tuple(getattr(value, name) for name in names)
    if any(isinstance(leaf, tf.Tensor | tf.Variable | tf.TypeSpec) for leaf in _leaves(values)):
        return Fields(type(value), names, tuple(map(prepared, values)))
    if not _has_hash(value):
        return ByIdentity(value)
    is_value = type(value).__dataclass_params__.eq and "__eq__" in type(value).__dict__
    return Exactly(value) if is_value else value


def _is_treated(value: Any) -> bool:
    """Whether TensorFlow has a rule for it: what it traces inside, and arrays."""
    kind = type(value)
    return any(
        hasattr(kind, name) for name in ("__tf_flatten__", "__attrs_attrs__", "__array__", "__iter__")
    ) or hasattr(value, "__wrapped__")


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _leaves(getattr(value, field.name, None))
    else:
        yield value
