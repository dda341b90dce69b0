"""What ``ag.function`` returns and writes: values that a compiled call cannot give are put together from those it can.

A compiled call gives arrays. A result may also hold ``None`` on some paths, a string that the graph has chosen, a list
whose length the graph decides, an object of the user's, or any Python value that was settled while tracing; and the
call may have written to the outside. Then what leaves the compiled call is ``Parts``: the arrays, and the form in which
to put them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ...staging import formatting
from ...staging.choice import Choice, value_of
from ...staging.dispatch import unbound_local
from ...staging.lists import Buffer, TensorList
from ...staging.one_of import OneOf
from ...staging.records import record_of
from ...staging.undecided import decided
from ...staging.values import Late, Maybe
from .growing import Found
from .rows import rows_of
from .types import NUMBERS, Array, Tracer, type_of

_STAGED = (Maybe, Late, TensorList, Choice, OneOf)


class Values:
    """The arrays that a call gave, the static arguments and the others, and what has been put together already."""

    __slots__ = ("arguments", "arrays", "made", "statics")

    def __init__(self, arrays: Sequence[Any], statics: Sequence[Any], arguments: Sequence[Any]) -> None:
        self.arrays, self.statics, self.arguments = arrays, statics, arguments
        self.made: dict[int, Any] = {}
        """Objects by the identity that they had in the trace: one object there is one object here."""


_Maker = Callable[[Values], Any]


class Form:
    """How a result is put together, and what else a call does when it is over.

    Attributes:
        has_effects: whether the graph prints or raises, so that the call has to wait for it.
        rooms, sizes: the rooms of lists, and how much of each the graph has needed.
        writes: for each location that the call writes, what finds its owner, and what does the write.
    """

    def __init__(self) -> None:
        self.make: _Maker = _nothing
        self.has_effects = False
        self.rooms: Found = ()
        self.sizes: list[_Maker] = []
        self.writes: list[tuple[Callable[[Values], Any], Callable[[Any, Values], None]]] = []


def _nothing(values: Values) -> Any:
    return None


class Parts:
    """A result in pieces; ``whole()`` puts it together once the pieces are concrete."""

    __slots__ = ("arrays", "form")

    def __init__(self, arrays: Sequence[Any], form: Form) -> None:
        self.arrays, self.form = arrays, form

    def sizes(self) -> list[Any]:
        """How much of each room has been needed."""
        values = Values(self.arrays, (), ())
        return [size(values) for size in self.form.sizes]

    def whole(self, statics: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """The result, after everything that the call writes has been written.

        Raises:
            JaxRuntimeError: the graph has failed. Nothing is written then.
        """
        form = self.form
        if form.has_effects:
            jax.block_until_ready(self.arrays)
            jax.effects_barrier()
        values = Values(self.arrays, statics, arguments)
        result = form.make(values)
        owners = [find(values) for find, _ in form.writes]
        for owner, (_, write) in zip(owners, form.writes, strict=True):
            write(owner, values)
        return result


jax.tree_util.register_pytree_node(
    Parts, lambda parts: (tuple(parts.arrays), parts.form), lambda form, arrays: Parts(arrays, form)
)


def is_array(leaf: Any) -> bool:
    return isinstance(leaf, Array) or type(leaf) in NUMBERS or type_of(leaf) is not None


def _leaves(value: Any) -> tuple[list[Any], Any]:
    return jax.tree_util.tree_flatten(value, is_leaf=lambda part: isinstance(part, _STAGED))


def is_plain(result: Any) -> bool:
    """Whether a compiled call can give ``result`` as it is."""
    return all(is_array(leaf) for leaf in _leaves(result)[0])


class Assembly:
    """Takes values of a trace apart: collects their arrays, and makes what puts them together again.

    ``settle()`` is to be called when the trace's changes have been taken back: an object of the user's that then still
    holds traced values was made by the trace, any other was there before.
    """

    def __init__(self, statics: Sequence[Any]) -> None:
        self.arrays: list[Any] = []
        self._statics = {id(value): index for index, value in enumerate(statics)}
        self._objects: dict[int, tuple[Any, _Maker]] = {}
        self._new: dict[int, bool] = {}
        self._places: dict[int, int] = {}

    def maker(self, value: Any, keep_numbers: bool = False) -> _Maker:
        leaves, structure = _leaves(value)
        makers = [self._leaf(leaf, keep_numbers) for leaf in leaves]
        if len(makers) == 1 and leaves[0] is value:
            return makers[0]
        return lambda values: jax.tree_util.tree_unflatten(structure, [make(values) for make in makers])

    def _leaf(self, leaf: Any, keep_numbers: bool) -> _Maker:
        if isinstance(decided(leaf), Maybe):
            present, inner = self._add(leaf.present), self.maker(leaf.value)
            return lambda values: inner(values) if bool(present(values)) else None
        if isinstance(leaf, Late):
            bound, inner = self._add(leaf.bound), self.maker(leaf.value)

            def decide(values: Values) -> Any:
                if not bool(bound(values)):
                    raise unbound_local("result")
                return inner(values)

            return decide
        if isinstance(leaf, Choice):
            number = self._add(leaf.number)
            return lambda values: value_of(int(number(values)))
        if type(leaf) is OneOf:
            which = self._add(leaf.number)
            among = {entry.code: self.maker(entry.value) for entry in leaf.entries}
            return lambda values: among[int(which(values))](values)
        if isinstance(leaf, TensorList):
            content, kind = leaf.__ag_content__(), leaf.kind_outside()
            if isinstance(content, Buffer):
                data, length = self.maker(content.data), self._add(content.length)
                return self._once(leaf, lambda values: kind(_rows(data(values), int(length(values)))))
            items = self.maker(content, keep_numbers)
            return self._once(leaf, lambda values: kind(items(values)))
        if isinstance(leaf, str) and formatting.split(leaf)[0]:
            marked, rebuild = formatting.split(leaf)
            parts = [self._add(part) for part in marked]
            return lambda values: rebuild([np.asarray(part(values)) for part in parts])
        if keep_numbers and type(leaf) in NUMBERS:
            return lambda values: leaf
        if is_array(leaf):
            return self._add(leaf)
        index = self._statics.get(id(leaf))
        if index is not None:
            return lambda values: values.statics[index]
        return self._object(leaf)

    def _once(self, key: Any, make: _Maker) -> _Maker:
        number = id(key)
        self._objects.setdefault(number, (key, make))  # keeps it, and so its identity

        def made(values: Values) -> Any:
            if number not in values.made:
                values.made[number] = make(values)
            return values.made[number]

        return made

    def _object(self, leaf: Any) -> _Maker:
        number = id(leaf)
        if number in self._objects:
            return self._objects[number][1]
        record = record_of(leaf)
        if record is None or not holds_tracers(leaf):
            return lambda values: leaf
        fields: dict[str, _Maker] = {}
        kind, new = record.kind, self._new

        def make(values: Values) -> Any:
            if not new[number]:
                return leaf
            if number not in values.made:
                made: Any = object.__new__(kind)
                values.made[number] = made
                for name, field in fields.items():
                    object.__setattr__(made, name, field(values))
            return values.made[number]

        self._objects[number] = leaf, make
        for name, value in record.fields.items():
            fields[name] = self.maker(value, keep_numbers=True)
        return make

    def settle(self) -> None:
        for number, (leaf, _) in self._objects.items():
            if not isinstance(leaf, TensorList):
                self._new[number] = holds_tracers(leaf)

    def forget(self) -> None:
        """Lets go of the objects of the trace that will not be returned."""
        for number in list(self._objects):
            if isinstance(self._objects[number][0], TensorList):
                del self._objects[number]
        self._places.clear()

    def _add(self, value: Any) -> _Maker:
        index = self._places.get(id(value))
        if index is None:
            index = self._places[id(value)] = len(self.arrays)
            self.arrays.append(value)
        return lambda values: values.arrays[index]


def holds_tracers(value: Any, seen: set[int] | None = None) -> bool:
    """Whether a traced value can be reached from ``value`` through containers and the user's objects."""
    seen = set() if seen is None else seen
    for leaf in jax.tree_util.tree_leaves(value, is_leaf=lambda part: isinstance(part, _STAGED)):
        if isinstance(leaf, Tracer | Maybe | Late | Choice) or type(leaf) is OneOf:
            return True
        if isinstance(leaf, TensorList):
            if leaf.is_buffered() or any(holds_tracers(item, seen) for item in leaf):
                return True
        elif id(leaf) not in seen and not is_array(leaf):
            seen.add(id(leaf))
            record = record_of(leaf)
            if record is not None and any(holds_tracers(field, seen) for field in record.fields.values()):
                return True
    return False


def _rows(data: Any, length: int) -> list[Any]:
    """The first ``length`` elements of a buffer."""
    leaves, structure = jax.tree_util.tree_flatten(data)
    columns = [rows_of(leaf, length) for leaf in leaves]
    return [jax.tree_util.tree_unflatten(structure, row) for row in zip(*columns, strict=True)]
