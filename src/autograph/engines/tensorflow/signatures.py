"""Signatures on TensorFlow: the specs of an ``input_signature``, what a call that does not fit is told, and traces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.function import trace_type
from tensorflow.core.function.trace_type import custom_nest_trace_type, default_types

from ...retracing import Leaf
from ...signatures import Parameters
from ...spec import TensorSpec
from ..common.leaves import Mark, Shown, marked_leaves, misfit, static_mark
from .arguments import Fields, prepared


def specs_of(value: Any) -> Any:
    """``value`` with TensorFlow's specs in place of the others."""
    if isinstance(value, TensorSpec):
        return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype), value.name)
    if type(value).__name__ == "ShapeDtypeStruct":
        return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(specs_of, value))
    if isinstance(value, list | tuple):
        return type(value)(map(specs_of, value))
    if isinstance(value, dict):
        return {key: specs_of(item) for key, item in value.items()}
    return value


def leaves_of(names: Sequence[str], values: Sequence[Any]) -> list[Leaf]:
    """The leaves of the arguments with which a function is traced."""
    context = trace_type.InternalTracingContext()
    kinds = [trace_type.from_value(prepared(value), context) for value in values]
    return leaves_of_types(names, kinds)


def leaves_of_types(names: Sequence[str], kinds: Sequence[Any]) -> list[Leaf]:
    return [leaf for name, kind in zip(names, kinds, strict=True) for leaf in marked_leaves(_marks(kind), name, _none)]


def _none(value: Any) -> Iterator[tuple[str, Any]]:
    return iter(())


def _marks(kind: Any) -> Any:
    """A type with a mark for each leaf."""
    if isinstance(kind, tf.TensorSpec):
        shape = tuple(kind.shape.as_list()) if kind.shape.rank is not None else ("...",)
        return Mark(text_of(kind), "tensor", shape, kind.dtype.name)
    if isinstance(kind, default_types.NamedTuple):
        return _fields_of(kind.attribute_names, map(_marks, kind.attributes.components))
    if isinstance(kind, default_types.List):
        return list(map(_marks, kind.components_tuple.components))
    if isinstance(kind, default_types.Tuple):
        return tuple(map(_marks, kind.components))
    if isinstance(kind, default_types.Dict):
        return {key: _marks(item) for key, item in kind.mapping.items()}
    if isinstance(kind, custom_nest_trace_type.CustomNestTraceType):
        if issubclass(kind.value_type, Fields):
            return _fields_of(kind.metadata[1], map(_marks, kind.components))
        return tuple(map(_marks, kind.components))
    if isinstance(kind, tf.TypeSpec):
        return Mark(text_of(kind), "tensor", (), None)
    if isinstance(kind, default_types.Literal) and kind.value is default_types.NanMarker:
        return static_mark(float("nan"))
    return static_mark(kind.placeholder_value(None))


class _Named(tuple[Any, ...]):
    """Fields with names, as a named tuple has them."""

    _fields: tuple[str, ...]


def _fields_of(names: Sequence[str], values: Any) -> Any:
    made = _Named(values)
    made._fields = tuple(names)
    return made


def text_of(kind: Any) -> str:
    """A type of TensorFlow's, as an ``ag.TensorSpec`` is shown."""
    if isinstance(kind, tf.TensorSpec):
        sizes = ["..."] if kind.shape.rank is None else [str(size) for size in kind.shape.as_list()]
        return f"{kind.dtype.name}[{','.join(sizes)}]"
    return str(kind)


def explain(
    name: str, parameters: Parameters, signature: Sequence[Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> TypeError | None:
    """Why a call does not fit the ``input_signature``, ``None`` if that cannot be found."""
    named = dict(zip(parameters.names, signature, strict=False))
    expected = ", ".join(f"{argument}: {_show(spec)}" for argument, spec in named.items())
    try:
        values = parameters.bind(*args, **kwargs)
    except TypeError as error:
        return TypeError(f"{error}. Its input_signature has {len(named)} positional arguments: {expected}")
    given = dict(zip(parameters.names, values, strict=True))
    actual = ", ".join(f"{argument}: {_show(given[argument])}" for argument in named)
    for argument, spec in named.items():
        for path, wanted, value in _differences(spec, given[argument], argument):
            return misfit(name, path, _show(wanted), _show(value), expected, actual)
    return None


def _differences(spec: Any, value: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(spec, tf.TypeSpec):
        try:
            spec.cast(value, trace_type.InternalCastContext(allow_specs=True))
        except (TypeError, ValueError, AssertionError):
            yield getattr(spec, "name", None) or path, spec, value
    elif isinstance(spec, dict):
        if not isinstance(value, dict) or value.keys() != spec.keys():
            yield path, spec, value
        else:
            for key, item in spec.items():
                yield from _differences(item, value[key], f"{path}[{key!r}]")
    elif isinstance(spec, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(spec):
            yield path, spec, value
        else:
            names = getattr(spec, "_fields", None)
            for index, item in enumerate(spec):
                inner = f"{path}[{index}]" if names is None else f"{path}.{names[index]}"
                yield from _differences(item, value[index], inner)
    elif spec != value:
        yield path, spec, value


def _show(value: Any) -> str:
    return repr(_shown(value))


def _shown(value: Any) -> Any:
    if isinstance(value, tf.TypeSpec):
        return Shown(text_of(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_shown, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_shown, value))
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        text = repr(value)
        return Shown(text if len(text) <= 60 else f"a {type(value).__name__}")
    try:
        return Shown(text_of(tf.type_spec_from_value(value)))
    except TypeError:
        return Shown(f"a {type(value).__name__}")
