"""``input_signature`` on JAX: whether a call fits, and its arguments in the types that the signature asks for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from ...functions import Function
from ...signatures import NO_DEFAULT
from ...spec import TensorSpec, with_specs
from ..common.leaves import Shown, misfit
from .types import NUMBERS, type_of

_RANK = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


class Signature:
    """The specs of a function's arguments.

    Attributes:
        is_polymorphic: whether some size may differ from call to call.
    """

    def __init__(self, function: Function) -> None:
        assert function.input_signature is not None
        self._name, self._parameters = function.__name__, function.parameters
        names = self._parameters.names
        specs = tuple(map(with_specs, function.input_signature))
        offset = 1 if names[:1] in (("self",), ("cls",)) and len(specs) < len(names) else 0
        if len(specs) > len(names) - offset:
            raise ValueError(f"input_signature has {len(specs)} specs, and {self._name}() takes {len(names)} arguments")
        self.specs: dict[int, Any] = {index + offset: spec for index, spec in enumerate(specs)}
        for index in range(offset + len(specs), len(names)):
            if self._parameters.defaults[index] is NO_DEFAULT and not self._parameters.is_variadic(index):
                raise ValueError(f"input_signature of {self._name}() has no spec for argument {names[index]!r}")
        self.is_polymorphic = any(None in spec.shape for spec in jax.tree_util.tree_leaves(list(self.specs.values())))

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        try:
            values = self._parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"{error}. Its input_signature has {len(self.specs)} positional arguments: {self._expected()}"
            ) from None
        return self.fit(values)

    def fit(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values, with numbers as arrays of the dtype that the signature has for them.

        Raises:
            TypeError: a value does not fit.
        """
        out = list(values)
        for index, spec in self.specs.items():
            out[index] = self._fit(spec, values[index], self._parameters.names[index], values)
        return tuple(out)

    def structs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The values of a call, or what the signature has in their place, with open sizes as symbols."""
        names = self._parameters.names
        missing = {
            names[index]: spec
            for index, spec in self.specs.items()
            if names[index] not in kwargs and index >= len(args)
        }
        values = list(self.bind(args, {**kwargs, **missing}))
        symbols = itertools.count()
        scope = export.SymbolicScope()

        def leaf(part: Any) -> Any:
            if not isinstance(part, TensorSpec):
                return part
            sizes = [
                export.symbolic_shape(f"s{next(symbols)}", scope=scope)[0] if size is None else size
                for size in part.shape
            ]
            return jax.ShapeDtypeStruct(tuple(sizes), canonical(part))

        return tuple(jax.tree_util.tree_map(leaf, with_specs(value)) for value in values)

    def open_shapes(self, entry: Any, payload: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        """For each traced leaf its shape, with ``None`` where the signature has it."""
        if entry.structure is None:
            parts = jax.tree_util.tree_structure(entry.as_tree(tuple(payload))).children()
        else:
            parts = entry.structure.children()
        shapes: list[Any] = []
        for index, part in enumerate(parts):
            if index in self.specs:
                leaves = jax.tree_util.tree_leaves(self.specs[index])
                shapes += [leaf.shape if isinstance(leaf, TensorSpec) else None for leaf in leaves]
            else:
                shapes += [None] * part.num_leaves
        traced = [shape for index, shape in enumerate(shapes) if index not in entry.places]
        return [have if want is None else want for want, have in zip(traced, given, strict=True)]

    def _fit(self, spec: Any, value: Any, path: str, values: tuple[Any, ...]) -> Any:
        if isinstance(spec, TensorSpec):
            return self._fit_leaf(spec, value, path, values)
        wanted, form = jax.tree_util.tree_flatten(spec)
        try:
            given = form.flatten_up_to(value)
        except (ValueError, TypeError):
            raise self._misfit(path, _show(spec), _show(value), values) from None
        paths, _ = jax.tree_util.tree_flatten_with_path(spec)
        fitted = [
            self._fit_leaf(one, leaf, path + jax.tree_util.keystr(keys), values)
            for one, leaf, (keys, _) in zip(wanted, given, paths, strict=True)
        ]
        return jax.tree_util.tree_unflatten(form, fitted)

    def _fit_leaf(self, spec: Any, value: Any, path: str, values: tuple[Any, ...]) -> Any:
        if not isinstance(spec, TensorSpec):  # a static value: the same one is wanted
            if type(spec) is type(value) and spec == value:
                return value
            raise self._misfit(path, repr(spec), _show(value), values)
        path = spec.name or path
        kind = type_of(value) if not isinstance(value, TensorSpec) else None
        if isinstance(value, TensorSpec):
            shape: tuple[int | None, ...] = value.shape
            dtype = canonical(value)
        elif kind is not None:
            shape, dtype = kind.shape, kind.dtype
        else:
            raise self._misfit(path, str(spec), _show(value), values)
        fits = len(shape) == len(spec.shape) and all(
            want is None or want == have for want, have in zip(spec.shape, shape, strict=True)
        )
        wanted = canonical(spec)
        if fits and dtype != wanted:
            fits = kind is not None and kind.weak and _RANK.get(dtype.kind, 9) <= _RANK.get(wanted.kind, -1)
        if not fits:
            raise self._misfit(path, str(spec), _show(value), values)
        if type(value) in NUMBERS:
            return np.asarray(value, wanted)
        if kind is not None and kind.weak:
            return jnp.asarray(value, wanted)
        return value

    def _expected(self) -> str:
        names = self._parameters.names
        return ", ".join(f"{names[index]}: {_show(spec)}" for index, spec in self.specs.items())

    def _misfit(self, path: str, wanted: str, given: str, values: tuple[Any, ...]) -> TypeError:
        names = self._parameters.names
        actual = ", ".join(f"{names[index]}: {_show(values[index])}" for index in self.specs)
        return misfit(self._name, path, wanted, given, self._expected(), actual)


def canonical(spec: TensorSpec) -> Any:
    """The dtype that arrays of a spec have on JAX."""
    return jax.dtypes.canonicalize_dtype(jnp.dtype(spec.dtype_name))


def _show(value: Any) -> str:
    def leaf(part: Any) -> Shown:
        if isinstance(part, TensorSpec):
            return Shown(str(part))
        kind = type_of(part)
        if kind is not None:
            return Shown(f"{part!r}" if type(part) in NUMBERS else str(kind))
        text = repr(part)
        return Shown(text if len(text) <= 60 else f"a {type(part).__name__}")

    return repr(jax.tree_util.tree_map(leaf, value))


def structs_of(value: Any) -> Any:
    """``value`` with the specs in it as JAX has them.

    Raises:
        TypeError: a spec has an open size.
    """

    def leaf(part: Any) -> Any:
        if not isinstance(part, TensorSpec):
            return part
        if None in part.shape:
            raise TypeError(f"{part} has an open size: give the function an input_signature with it")
        return jax.ShapeDtypeStruct(part.shape, canonical(part))

    return jax.tree_util.tree_map(leaf, value)
