"""What ``ag.function`` returns: values that a compiled call cannot give are put together from values that it can.

A compiled call gives arrays. A result may also hold ``None`` on some paths, a string that the graph has chosen, a list
whose length the graph decides, or any Python value that was settled while tracing. Such a result leaves the compiled
call as a ``Parts``: the arrays, and the form in which to put them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ...staging.choice import Choice, value_of
from ...staging.dispatch import unbound_local
from ...staging.lists import Buffer, TensorList
from ...staging.values import Late, Maybe
from .types import NUMBERS, Array, type_of

_Maker = Callable[[Sequence[Any]], Any]
_STAGED = (Maybe, Late, TensorList, Choice)


class Parts:
    """A result in pieces; ``whole()`` puts it together once the pieces are concrete."""

    __slots__ = ("_make", "_values")

    def __init__(self, values: Sequence[Any], make: _Maker) -> None:
        self._values, self._make = values, make

    def whole(self) -> Any:
        return self._make(self._values)


jax.tree_util.register_pytree_node(
    Parts, lambda parts: (tuple(parts._values), parts._make), lambda make, values: Parts(values, make)
)


def in_parts(result: Any) -> Any:
    """``result`` if a compiled call can give it as it is, otherwise as ``Parts``."""
    if all(_is_array(leaf) for leaf in _leaves(result)[0]):
        return result
    values: list[Any] = []
    return Parts(values, _maker(result, values))


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, Array) or type(leaf) in NUMBERS or type_of(leaf) is not None


def _leaves(value: Any) -> tuple[list[Any], Any]:
    return jax.tree_util.tree_flatten(value, is_leaf=lambda part: isinstance(part, _STAGED))


def _maker(value: Any, values: list[Any]) -> _Maker:
    """Adds the arrays of ``value`` to ``values``; gives what makes the value again from their concrete ones."""
    leaves, structure = _leaves(value)
    makers = [_leaf_maker(leaf, values) for leaf in leaves]
    return lambda concrete: jax.tree_util.tree_unflatten(structure, [make(concrete) for make in makers])


def _leaf_maker(leaf: Any, values: list[Any]) -> _Maker:
    if isinstance(leaf, Maybe):
        present, inner = _add(leaf.present, values), _maker(leaf.value, values)
        return lambda concrete: inner(concrete) if bool(present(concrete)) else None
    if isinstance(leaf, Late):
        bound, inner = _add(leaf.bound, values), _maker(leaf.value, values)

        def decide(concrete: Sequence[Any]) -> Any:
            if not bool(bound(concrete)):
                raise unbound_local("result")
            return inner(concrete)

        return decide
    if isinstance(leaf, Choice):
        number = _add(leaf.number, values)
        return lambda concrete: value_of(int(number(concrete)))
    if isinstance(leaf, TensorList):
        content = leaf.__ag_content__()
        if isinstance(content, Buffer):
            data, length = _maker(content.data, values), _add(content.length, values)
            return lambda concrete: _rows(data(concrete), int(length(concrete)))
        return _maker(content, values)
    if _is_array(leaf):
        return _add(leaf, values)
    return lambda _: leaf


def _add(value: Any, values: list[Any]) -> _Maker:
    index = len(values)
    values.append(value)
    return lambda concrete: concrete[index]


def _rows(data: Any, length: int) -> list[Any]:
    """The first ``length`` elements of a buffer."""
    leaves, structure = jax.tree_util.tree_flatten(data)
    columns = [list(leaf[:length]) for leaf in leaves]
    return [jax.tree_util.tree_unflatten(structure, row) for row in zip(*columns, strict=True)]
