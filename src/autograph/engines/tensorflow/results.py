"""What ``ag.function`` returns: values that a ``tf.function`` cannot give are put together from tensors that it can.

A ``tf.function`` gives tensors, composites of them and ``None``. A result may also be ``None`` on some paths only, a
string or an object that the graph has chosen, or a list whose length the graph decides. Such a result leaves the
function as ``Parts``, a composite of TensorFlow's with the form in which to put it together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree
import tensorflow as tf

from ...staging.choice import Choice, value_of
from ...staging.dispatch import unbound_local
from ...staging.lists import TensorList, is_tensor_list
from ...staging.one_of import OneOf
from ...staging.records import Record, record_of
from ...staging.undecided import decided
from ...staging.values import Late, Maybe
from . import callers, effects, types
from .sources import is_symbolic

_Maker = Callable[[Sequence[Any]], Any]
_Fill = tuple[callers.Path, _Maker]
_STAGED = (Maybe, Late, TensorList, Choice, OneOf)


class Parts(tf.__internal__.CompositeTensor):  # type: ignore[misc]
    """A result in pieces; ``whole()`` puts it together once the pieces are concrete."""

    def __init__(self, values: Sequence[Any], make: _Maker, fills: Sequence[_Fill] = ()) -> None:
        self.values, self._make, self._fills = list(values), make, tuple(fills)

    def whole(self) -> Any:
        return self._make(self.values)

    def fill(self, arguments: Any) -> None:
        """Makes the changes that the function has made to arrays among its arguments."""
        callers.fill(arguments, [(path, make(self.values)) for path, make in self._fills])

    @property
    def _type_spec(self) -> PartsSpec:
        return PartsSpec([tf.type_spec_from_value(value) for value in self.values], self._make, self._fills)


class PartsSpec(tf.TypeSpec):  # type: ignore[misc]
    """The type of a result in pieces."""

    value_type = property(lambda self: Parts)

    def __init__(self, specs: Sequence[Any], make: _Maker, fills: Sequence[_Fill] = ()) -> None:
        self._specs, self._make, self._fills = list(specs), make, tuple(fills)

    def _serialize(self) -> tuple[Any, ...]:
        return tuple(self._specs), self._make, self._fills

    @property
    def _component_specs(self) -> list[Any]:
        return self._specs

    def _to_components(self, value: Parts) -> list[Any]:
        return value.values

    def _from_components(self, components: Sequence[Any]) -> Parts:
        return Parts(components, self._make, self._fills)


def in_parts(result: Any, fills: Sequence[tuple[callers.Path, Any]] = ()) -> Any:
    """``result`` if a ``tf.function`` can give it as it is, otherwise as ``Parts``, with arrays that it has changed."""
    effects.order_failures(tf.compat.v1.get_default_graph())
    plain = _plain(result)
    if _has_operations(plain):
        plain = _without_operations(plain)
    leaves, _ = _leaves(plain)
    if not fills and all(map(_can_leave, leaves)):
        return plain
    values: list[Any] = []
    make = _maker(plain, values)
    return Parts(values, make, [(path, _maker(now, values)) for path, now in fills])


def _plain(value: Any) -> Any:
    """``value`` with Python's lists in place of those that no graph has filled."""
    if is_tensor_list(value):
        content = value.plain()
        return value if content is None else value.kind_outside()([_plain(item) for item in content])
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is tuple:
        return tuple(_plain(item) for item in value)
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


def _has_operations(value: Any) -> bool:
    return any(isinstance(leaf, tf.Operation) for leaf in _leaves(value)[0])


def _without_operations(value: Any) -> Any:
    """``value`` with ``None`` for operations such as ``tf.no_op()``; those that have an effect run anyway."""
    leaves, structure = _leaves(value)
    return optree.tree_unflatten(structure, [None if isinstance(leaf, tf.Operation) else leaf for leaf in leaves])


def _can_leave(leaf: Any) -> bool:
    if leaf is None or isinstance(leaf, tf.Tensor | tf.Variable | tf.Operation | tf.TensorArray):
        return True
    if isinstance(leaf, bool | int | float | complex | np.ndarray | np.generic | str | bytes):
        return True
    return isinstance(leaf, tf.__internal__.CompositeTensor)


def _leaves(value: Any) -> tuple[list[Any], Any]:
    return optree.tree_flatten(value, is_leaf=lambda part: isinstance(part, _STAGED), none_is_leaf=True)


def _maker(value: Any, values: list[Any]) -> _Maker:
    """Adds the tensors of ``value`` to ``values``; gives what makes the value again from their concrete ones."""
    leaves, structure = _leaves(value)
    makers = [_leaf_maker(leaf, values) for leaf in leaves]
    return lambda concrete: optree.tree_unflatten(structure, [make(concrete) for make in makers])


def _leaf_maker(leaf: Any, values: list[Any]) -> _Maker:
    if isinstance(decided(leaf), Maybe):
        present, inner = _add(leaf.present, values), _maker(leaf.value, values)
        return lambda concrete: inner(concrete) if bool(present(concrete)) else None
    if isinstance(leaf, Late):
        bound, value = _add(leaf.bound, values), _maker(leaf.value, values)

        def decide(concrete: Sequence[Any]) -> Any:
            if not bool(bound(concrete)):
                raise unbound_local("result")
            return value(concrete)

        return decide
    if isinstance(leaf, Choice):
        number = _add(leaf.number, values)
        return lambda concrete: value_of(int(number(concrete)))
    if type(leaf) is OneOf:
        which = _add(leaf.number, values)
        among = {entry.code: _maker(entry.value, values) for entry in leaf.entries}
        return lambda concrete: among[int(which(concrete))](concrete)
    if isinstance(leaf, TensorList):
        content = leaf.__ag_content__()
        assert isinstance(content, types.Handles)
        columns, structure = types.flatten(content.stack())
        adds = [_add(column, values) for column in columns]
        kind = leaf.kind_outside()
        return lambda concrete: kind(_rows([add(concrete) for add in adds], structure))
    if leaf is not None and _can_leave(leaf):
        return _add(leaf, values)
    record = record_of(leaf) if leaf is not None else None
    if record is not None and any(map(is_symbolic, record.fields.values())):
        fields = {name: _maker(value, values) for name, value in record.fields.items()}
        made = Record
        return lambda concrete: made(record.kind, {name: make(concrete) for name, make in fields.items()}).instance()
    return lambda _: leaf


def _add(value: Any, values: list[Any]) -> _Maker:
    index = len(values)
    values.append(value if isinstance(value, tf.__internal__.CompositeTensor) else tf.convert_to_tensor(value))
    return lambda concrete: concrete[index]


def _rows(columns: Sequence[Any], structure: Any) -> list[Any]:
    unstacked = [tf.unstack(column) if column.shape[0] else [] for column in columns]
    return [types.unflatten(structure, row) for row in zip(*unstacked, strict=True)]
