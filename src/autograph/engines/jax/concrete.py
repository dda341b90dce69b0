"""One trace of an ``ag.function`` as it is shown to people, and called by itself."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ...retracing import Leaf
from ...signatures import NO_DEFAULT
from ...spec import TensorSpec
from ..common.leaves import Mark, marked_leaves, signature_text, static_mark
from .arguments import Forced, is_same_value
from .types import NUMBERS, type_of

if TYPE_CHECKING:
    from .calls import Entry, JaxFunction, Variant


def describe_type(value: Any) -> str:
    kind = type_of(value)
    assert kind is not None
    return f"{kind} (weak)" if kind.weak else str(kind)


def _spec(value: Any) -> TensorSpec:
    kind = type_of(value)
    assert kind is not None
    dtype = kind.dtype.name if isinstance(kind.dtype, np.dtype) else str(kind.dtype)
    return TensorSpec([size if isinstance(size, int) else None for size in kind.shape], dtype)


def _in_a_node(value: Any) -> Iterator[tuple[str, Mark]]:
    flat, _ = jax.tree_util.tree_flatten_with_path(value, is_leaf=lambda part: isinstance(part, Mark))
    return ((jax.tree_util.keystr(keys), leaf) for keys, leaf in flat if isinstance(leaf, Mark))


def _traced_mark(leaf: Any) -> Mark:
    spec = _spec(leaf)
    return Mark(describe_type(leaf), "tensor", spec.shape, spec.dtype)


def leaves_of(names: Sequence[str], entry: Entry, payload: Sequence[Any], statics: Sequence[Any]) -> list[Leaf]:
    """The leaves of a call's arguments."""
    traced = [_traced_mark(leaf) for leaf in jax.tree_util.tree_leaves(entry.as_tree(tuple(payload)))]
    if entry.structure is None:
        form = jax.tree_util.tree_structure(entry.as_tree(tuple(payload)))
        values = jax.tree_util.tree_unflatten(form, traced)
    else:
        plain = [value.value if isinstance(value, Forced) else value for value in statics]
        values = entry.values(traced, list(map(static_mark, plain)))
    return [leaf for name, value in zip(names, values, strict=False) for leaf in marked_leaves(value, name, _in_a_node)]


class JaxConcrete:
    """See ``autograph.concrete.ConcreteFunction``."""

    def __init__(
        self,
        state: JaxFunction,
        entry: Entry,
        variant: Variant,
        payload: Sequence[Any],
        leaves: list[Leaf],
    ) -> None:
        self.name = state.function.__name__
        self.entry_key = entry.key
        self.leaves = leaves
        self._state, self._entry, self._variant = weakref.ref(state), entry, weakref.ref(variant)
        self._structs = jax.tree_util.tree_map(_struct, entry.as_tree(tuple(payload)))
        self._statics: Sequence[Any] | None = None
        self._values: tuple[Any, ...] | None = None
        self._traced: Any = None

    @property
    def signature(self) -> str:
        return signature_text(self.leaves)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(leaf.shape, leaf.dtype, leaf.path)  # type: ignore[arg-type]
            for leaf in self.leaves
            if leaf.shape is not None
        )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return tuple(_spec(jax.ShapeDtypeStruct(aval.shape, aval.dtype)) for aval in self.graph.out_avals)

    @property
    def graph(self) -> Any:
        """The jaxpr."""
        return self._trace().jaxpr

    def as_text(self) -> str:
        """The program that XLA gets, in StableHLO."""
        if any(None in spec.shape for spec in self.inputs):
            return str(self.graph)  # what XLA gets is decided when the sizes are known
        return str(self._trace().lower().as_text())

    def hold(self, values: tuple[Any, ...], statics: Sequence[Any]) -> None:
        """Keeps the static arguments, so that a call may leave them out."""
        self._values, self._statics = values, statics

    def compile(self) -> None:
        if not any(None in spec.shape for spec in self.inputs):
            self._trace().lower().compile()

    def _trace(self) -> Any:
        if self._traced is None:
            variant, state = self._variant(), self._state()
            if variant is None or state is None:
                raise RuntimeError(f"this trace of {self.name}() has been forgotten")
            again = variant.symbolic is None
            self._traced = state.trace_again(variant, self._structs, self._statics) if again else variant.symbolic
        return self._traced

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = self._state()
        if state is None:
            raise RuntimeError(f"{self.name}() is gone, and its traces with it")
        return state.call_concrete(self, args, kwargs)

    def check(self, leaves: list[Leaf]) -> None:
        """Refuses arguments that this trace is not for.

        Raises:
            TypeError: they do not fit the signature.
        """
        given = {leaf.path: leaf for leaf in leaves}
        for leaf in self.leaves:
            other = given.pop(leaf.path, None)
            if other is None or not _fits(leaf, other):
                raise TypeError(
                    f"this trace of {self.name}() expects {leaf.text} as argument {leaf.path}, and got "
                    f"{'nothing' if other is None else other.text}\n  expected: {self.name}({self.signature})\n"
                    f"  given:    {self.name}({signature_text(leaves)})"
                )
        if given:
            raise TypeError(f"this trace of {self.name}() has no argument {next(iter(given))}")

    def complete(self, args: tuple[Any, ...], kwargs: dict[str, Any], function: Any) -> tuple[Any, ...]:
        """The values of a call, with static arguments that it leaves out filled in."""
        parameters = function.parameters
        if self._values is None:
            return tuple(parameters.bind(*args, **kwargs))
        known = {
            name: value
            for index, (name, value) in enumerate(zip(parameters.names, self._values, strict=True))
            if not parameters.is_variadic(index) and not _has_arrays(value)
        }
        for index, default in enumerate(parameters.defaults):  # a number that is the default is static
            name = parameters.names[index]
            if default is not NO_DEFAULT and name not in known and is_same_value(self._values[index], default):
                known[name] = default
        traced = [name for name in parameters.positional if name not in known and name not in kwargs]
        given = dict(zip(traced if len(args) == len(traced) else parameters.positional, args, strict=False))
        if len(args) > len(parameters.positional) or parameters.has_positional_only:
            return tuple(parameters.bind(*args, **kwargs))
        return tuple(parameters.bind(**{**known, **given, **kwargs}))

    def __repr__(self) -> str:
        return f"<trace of {self.name}({self.signature})>"


def _fits(leaf: Leaf, other: Leaf) -> bool:
    if leaf.shape is None or other.shape is None:
        return leaf.text == other.text and leaf.kind == other.kind
    return (
        len(leaf.shape) == len(other.shape)
        and all(want is None or want == have for want, have in zip(leaf.shape, other.shape, strict=True))
        and leaf.dtype == other.dtype
    )


def _has_arrays(value: Any) -> bool:
    return any(
        type_of(leaf) is not None or isinstance(leaf, TensorSpec)
        for leaf in jax.tree_util.tree_leaves(value)
        if not isinstance(leaf, Forced)
    )


def _struct(leaf: Any) -> Any:
    if type(leaf) in NUMBERS:
        return jax.ShapeDtypeStruct((), type_of(leaf).dtype, weak_type=type(leaf) is not bool)  # type: ignore[union-attr]
    kind = type_of(leaf)
    assert kind is not None
    return jax.ShapeDtypeStruct(kind.shape, kind.dtype, weak_type=kind.weak)
