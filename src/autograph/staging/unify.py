"""One type for a location over all paths.

The values that a location has at the end of each path are matched leaf by leaf. A leaf that is the same Python value on
all paths stays one; otherwise it becomes an array of the least type that holds all of them: dtypes are promoted by the
engine's lattice, and a scalar takes the shape of the other paths. A value that only some paths have gets a flag.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import StagingError
from . import disagreement, formatting
from .choice import Choice, number_of, options_of
from .lists import TensorList
from .one_of import between
from .state import UNBOUND, Reference
from .values import PLACEHOLDER, Late, Maybe


class Types(Protocol):
    """What unification has to know of an engine's values."""

    def flatten(self, value: Any) -> tuple[list[Any], Any]: ...

    def unflatten(self, structure: Any, leaves: Sequence[Any]) -> Any: ...

    def type_of(self, leaf: Any) -> Any | None:
        """The array type of a leaf, or ``None`` for a value that no array can hold."""

    def join(self, types: Sequence[Any]) -> Any:
        """The least type that holds all of ``types``; raises ``ValueError`` if shapes do not fit."""

    def is_option(self, leaf: Any) -> bool:
        """Whether a leaf that no array can hold may be one option of a choice."""

    def flatten_choices(self, value: Any) -> tuple[list[Any], Any]:
        """``flatten``, through choices to their numbers."""

    def expand(self, leaf: Any) -> Any:
        """An object of the user's as a pytree of its attributes; anything else as it is."""

    def describe(self, value: Any) -> str: ...


@dataclass(frozen=True, slots=True)
class Static:
    """A leaf that is the same Python value on all paths."""

    value: Any


@dataclass(slots=True)
class Unified:
    """The common form of a location: its structure, and for each leaf a type or a Python value."""

    structure: Any
    leaves: list[Any]
    """For each leaf ``Static``, or a type of the engine."""
    paths: list[list[Any]]
    """For each path its leaves, ``PLACEHOLDER`` where the path has none."""


def unify(
    name: str,
    values: Sequence[Any],
    optional: bool,
    types: Types,
    *,
    keep_numbers: bool = True,
    pad_lists: bool = False,
    is_content: bool = False,
    fresh: Container[int] | None = None,
) -> Unified:
    """The common form of ``values``, one for each path.

    ``optional`` says that the location may be read where no path has assigned it. ``keep_numbers`` lets equal Python
    numbers stay as they are; a loop's state cannot. ``pad_lists`` makes one list of those of several lengths.
    ``is_content`` says that the values are what a container holds, in which containers may be held by reference.
    ``fresh`` are the identities of objects that the paths have made: others stay themselves, and are chosen between.

    Raises:
        StagingError: no common form exists; the message names ``name`` and both values.
    """
    if is_content:
        values = _with_references(values)
    values = _aligned(_with_flags(values, optional), types, pad_lists, fresh)
    flat = [None if value is PLACEHOLDER else types.flatten(value) for value in values]
    _refuse_texts(name, flat)
    flat = _as_choices(flat, types)
    if any(part is not None and _objects_differ(part, flat, types) for part in flat):
        flat = [
            None
            if part is None
            else types.flatten_choices(types.unflatten(part[1], [types.expand(leaf) for leaf in part[0]]))
            for part in flat
        ]
    present = [part for part in flat if part is not None]
    if not present:
        return Unified(types.flatten(UNBOUND)[1], [Static(UNBOUND)], [[UNBOUND] for _ in values])
    structure = next((part[1] for part in present if not _has_placeholder(part[0])), present[0][1])
    paths: list[list[Any]] = []
    for part in flat:
        leaves = _matched(part, structure)
        if leaves is None:
            raise StagingError(disagreement.message(name, [v for v in values if v is not PLACEHOLDER], types))
        paths.append(leaves)
    merged = [_merge(name, list(column), types, keep_numbers) for column in zip(*paths, strict=True)]
    return Unified(structure, merged, paths)


class Padded:
    """A list that has other lengths on other paths: as many items as the longest, of which ``length`` count."""

    __slots__ = ("items", "length")

    def __init__(self, items: list[Any], length: Any) -> None:
        self.items, self.length = items, length


def _aligned(
    values: list[Any], types: Types, pads: bool, fresh: Container[int] | None, inside: bool = False
) -> list[Any]:
    """The values of all paths, with flags where a part of one is ``None`` and lists made as long as each other."""
    values = _with_none(values) if inside else values
    present = [value for value in values if value is not PLACEHOLDER]
    if len(present) < 2 or all(value is present[0] for value in present[1:]):
        return values
    chosen = None if fresh is None else between(values, fresh, types)
    if chosen is not None:
        return chosen
    kind: Any = type(present[0])
    if kind in (Maybe, Late) and all(type(value) is kind for value in present):
        inner = iter(_aligned([value.value for value in present], types, pads, fresh))
        flag = "present" if kind is Maybe else "bound"
        return [value if value is PLACEHOLDER else kind(next(inner), getattr(value, flag)) for value in values]
    if all(type(value) is kind for value in present) and (issubclass(kind, tuple) or kind in (dict, list)):
        keys = list(present[0]) if kind is dict else range(len(present[0]))
        if all((list(value) == keys) if kind is dict else len(value) == len(keys) for value in present):
            return _part_by_part(values, present, keys, types, pads, fresh)
    if pads and all(isinstance(value, list) for value in present):
        return _lists_of_one_form(values, present)
    return values


def _part_by_part(
    values: list[Any],
    present: list[Any],
    keys: Sequence[Any],
    types: Types,
    pads: bool,
    fresh: Container[int] | None,
) -> list[Any]:
    columns = [_aligned([value[key] for value in present], types, pads, fresh, inside=True) for key in keys]
    rows = iter(zip(*columns, strict=True)) if keys else iter([()] * len(present))
    out: list[Any] = []
    for value in values:
        if value is PLACEHOLDER:
            out.append(value)
            continue
        row = next(rows)
        if all(new is value[key] for new, key in zip(row, keys, strict=True)):
            out.append(value)
        elif isinstance(value, dict):
            out.append(dict(zip(keys, row, strict=True)))
        else:
            out.append(type(value)(*row) if hasattr(value, "_fields") else type(value)(row))
    return out


def _lists_of_one_form(values: list[Any], present: list[Any]) -> list[Any]:
    rows: list[tuple[list[Any], Any]] = []
    for value in present:
        content = value.__ag_content__() if isinstance(value, TensorList) else list(value)
        if isinstance(content, list):
            rows.append((content, len(content)))
        elif content.items is not None:
            rows.append((content.items, content.length))
        else:
            return values
    longest = max((items for items, _ in rows), key=len)
    if all(isinstance(length, int) and length == len(longest) for _, length in rows):
        same = all(type(value) is type(present[0]) for value in present)
        return values if same else [v if v is PLACEHOLDER else TensorList(v) for v in values]
    missing = [_without_values(item) for item in longest]
    padded = iter([Padded([*items, *missing[len(items) :]], length) for items, length in rows])
    return [value if value is PLACEHOLDER else next(padded) for value in values]


def _without_values(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _without_values(part) for key, part in item.items()}
    if isinstance(item, tuple):
        parts = [_without_values(part) for part in item]
        return type(item)(*parts) if hasattr(item, "_fields") else tuple(parts)
    return PLACEHOLDER


def _refuse_texts(name: str, flat: list[tuple[list[Any], Any] | None]) -> None:
    """A string with the mark of a staged value is put together where it is shown, and no graph carries it there.

    Raises:
        StagingError: not all paths have the string from before.
    """
    texts = [[leaf for leaf in part[0] if isinstance(leaf, str)] for part in flat if part is not None]
    for text in {id(text): text for column in texts for text in column}.values():
        if formatting.MARK.search(text) is None or not formatting.marked_values(text)[0]:
            continue
        if len(texts) == len(flat) and all(any(text is one for one in column) for column in texts):
            continue
        raise StagingError(
            f"{name} is a string with the value of a staged one in it (an f-string, str(), % or format()) that is made "
            "under a staged condition or in a staged loop. A graph puts such a string together where it is shown, and "
            "has none to carry out: print it there, or keep the value and make the string behind"
        )


def _as_choices(flat: list[tuple[list[Any], Any] | None], types: Types) -> list[tuple[list[Any], Any] | None]:
    """Makes one choice, with the same options on all paths, of strings and the like that differ between paths."""
    present = [part for part in flat if part is not None]
    if len(present) < 2 or any(part[1] != present[0][1] for part in present[1:]):
        return flat
    found = False
    columns = [list(column) for column in zip(*(part[0] for part in present), strict=True)]
    for column in columns:
        real = [leaf for leaf in column if leaf is not PLACEHOLDER]
        alike = all(leaf is real[0] or same_static(leaf, real[0]) for leaf in real)
        if alike and not any(type(leaf) is Choice for leaf in real):
            continue
        if any(types.type_of(leaf) is not None or not (type(leaf) is Choice or types.is_option(leaf)) for leaf in real):
            continue
        found = True
        options = tuple(dict.fromkeys(option for leaf in real for option in options_of(leaf)))
        for index, leaf in enumerate(column):
            if type(leaf) is Choice:
                column[index] = Choice(options, leaf.number)
            elif leaf is not PLACEHOLDER:
                column[index] = Choice(options, number_of(leaf))
            else:
                column[index] = Choice(options, PLACEHOLDER)
    if not found:
        return flat
    rows = iter(zip(*columns, strict=True))
    return [None if part is None else types.flatten_choices(types.unflatten(part[1], next(rows))) for part in flat]


def _objects_differ(part: tuple[list[Any], Any], flat: list[tuple[list[Any], Any] | None], types: Types) -> bool:
    """Whether paths have different objects in one place, which may still be alike in their attributes."""
    for other in flat:
        if other is None or other is part or other[1] != part[1]:
            continue
        if any(
            a is not b and type(a) is type(b) and types.type_of(a) is None and types.expand(a) is not a
            for a, b in zip(part[0], other[0], strict=True)
        ):
            return True
    return False


def _has_placeholder(leaves: list[Any]) -> bool:
    return any(leaf is PLACEHOLDER for leaf in leaves)


def _matched(part: tuple[list[Any], Any] | None, structure: Any) -> list[Any] | None:
    """The leaves of one path in the common structure, or ``None`` if it has another."""
    count = structure.num_leaves
    if part is None:
        return [PLACEHOLDER] * count
    leaves, own = part
    if own == structure:
        return leaves
    # `Late(PLACEHOLDER, False)` and `Maybe(PLACEHOLDER, False)`: one leaf stands for all of the value's.
    if len(leaves) == 2 and leaves[0] is PLACEHOLDER:
        return [PLACEHOLDER] * (count - 1) + [leaves[1]]
    if len(leaves) == 3 and leaves[0] is PLACEHOLDER and leaves[1] is PLACEHOLDER:
        return [PLACEHOLDER] * (count - 1) + [leaves[2]]
    return None


def _with_flags(values: Sequence[Any], optional: bool) -> list[Any]:
    """Gives all paths the same kind of absence."""
    out = list(values)
    if any(value is UNBOUND or type(value) is Late for value in out) and not all(value is UNBOUND for value in out):
        if optional or any(type(value) is Late for value in out):
            inner = [
                PLACEHOLDER if value is UNBOUND else value.value if type(value) is Late else value for value in out
            ]
            bound = [False if value is UNBOUND else value.bound if type(value) is Late else True for value in out]
            return [Late(value, flag) for value, flag in zip(_with_none(inner), bound, strict=True)]
        out = [PLACEHOLDER if value is UNBOUND else value for value in out]
    return _with_none(out)


def _with_none(values: list[Any]) -> list[Any]:
    some = [value for value in values if value is not PLACEHOLDER]
    if any(value is None or type(value) is Maybe for value in some) and not all(value is None for value in some):
        return [
            value
            if type(value) is Maybe or value is PLACEHOLDER
            else Maybe(PLACEHOLDER, False)
            if value is None
            else Maybe(value, True)
            for value in values
        ]
    return values


def _merge(name: str, column: list[Any], types: Types, keep_numbers: bool) -> Any:
    """One leaf over all paths."""
    real = [leaf for leaf in column if leaf is not PLACEHOLDER]
    if not real:
        return Static(UNBOUND)
    first = real[0]
    found = [types.type_of(leaf) for leaf in real]
    if all(same_static(first, leaf) for leaf in real[1:]) and (
        found[0] is None
        or (keep_numbers and isinstance(first, bool))
        or (keep_numbers and isinstance(first, int | float | complex) and len(real) == len(column))
    ):
        return Static(first)
    if any(kind is None for kind in found):
        raise StagingError(disagreement.message(name, real, types))
    try:
        return types.join(found)
    except ValueError:
        raise StagingError(disagreement.message(name, real, types)) from None


def _with_references(values: Sequence[Any]) -> Sequence[Any]:
    """What a container holds on each path, where a container in it that is the same on all paths is a reference."""
    present = [value for value in values if value is not PLACEHOLDER]
    if not present or not all(type(value) is type(present[0]) for value in present):
        return values
    keys: Any
    if isinstance(present[0], dict):
        keys = list(present[0])
        if any(list(value) != keys for value in present[1:]):
            return values
    elif type(present[0]) is list and all(len(value) == len(present[0]) for value in present[1:]):
        keys = range(len(present[0]))
    else:
        return values
    shared: dict[Any, Reference] = {}
    for key in keys:
        held = [_referred(value[key]) for value in present]
        if isinstance(held[0], list | dict | set) and all(other is held[0] for other in held[1:]):
            shared[key] = Reference(held[0])
    return [value if value is PLACEHOLDER else _holding(value, shared) for value in values]


def _referred(value: Any) -> Any:
    return value.value if type(value) is Reference else value


def _holding(content: Any, shared: dict[Any, Reference]) -> Any:
    if isinstance(content, dict):
        return {key: shared.get(key, _referred(value)) for key, value in content.items()}
    return [shared.get(index, _referred(value)) for index, value in enumerate(content)]


def same_static(a: Any, b: Any) -> bool:
    """Whether two Python values are interchangeable: the same object, or equal and of one type."""
    if a is b:
        return True
    if type(a) is Reference and type(b) is Reference:
        return a.value is b.value
    if type(a) is not type(b) or not isinstance(a, bool | int | float | complex | str | bytes | frozenset | range):
        return False
    if isinstance(a, float) and a == 0:
        return str(a) == str(b)  # 0.0 and -0.0
    return bool(a == b)


def shown(value: Any, types: Any) -> str:
    """A value's type as an error message shows it; ``types`` is the engine's module of that name."""
    if value is UNBOUND:
        return "unassigned"
    if value is None:
        return "None"
    found = types.type_of(value)
    if found is not None:
        return f"{value!r} ({found})" if type(value) in types.NUMBERS else str(found)
    leaves, structure = types.flatten(value)
    if len(leaves) == 1 and leaves[0] is value:
        text = repr(value)
        return text if len(text) < 60 else f"a {type(value).__name__}"
    return str(types.unflatten(structure, [AsIs(shown(leaf, types)) for leaf in leaves]))


class AsIs:
    """Text that stands in a structure without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
