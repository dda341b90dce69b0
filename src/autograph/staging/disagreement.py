"""What to say where the paths through a graph leave values in one place that no type holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .choice import Choice
from .state import UNBOUND


def message(name: str, values: Sequence[Any], types: Any) -> str:
    """The complaint: the place, the values as the paths leave them, and what to write instead."""
    seen = list(dict.fromkeys(types.describe(value) for value in values))
    kinds = " on one path and ".join(seen[:2])
    return f"{name} is {kinds} on another, and no type holds both in a graph. {_way_out(values, types)}"


def _way_out(values: Sequence[Any], types: Any) -> str:
    leaves = [types.flatten(value) for value in values if value is not UNBOUND]
    structures = [structure for _, structure in leaves]
    if any(structure != structures[0] for structure in structures[1:]):
        if all(isinstance(value, tuple | list) for value in values) and len({type(value) for value in values}) == 1:
            kind = type(values[0]).__name__
            return (
                f"A {kind} that has other lengths on other paths, or grows in a loop, can be a list that append() "
                "makes longer, `items = []` and `items.append(x)`; otherwise give it the same length everywhere"
            )
        return "Give it the same structure on every path: the same containers, of the same lengths, with the same keys"
    columns = list(zip(*(part for part, _ in leaves), strict=True))
    for column in columns:
        kinds = [types.type_of(leaf) for leaf in column]
        if any(isinstance(leaf, str | bytes) or type(leaf) is Choice for leaf in column):
            return (
                "A graph holds numbers: use a number that stands for the text on every path, and look the text up when "
                "the graph has run"
            )
        if any(kind is None for kind in kinds):
            return (
                "A graph holds arrays and numbers: an object is only possible where every path has the same one. Keep "
                "its numbers in variables, or decide before the graph is built which one it is"
            )
        shapes = {getattr(kind, "shape", None) for kind in kinds}
        if len(shapes) > 1:
            return (
                "Pad the shorter one so that it has one shape on every path; an array that grows in a loop can be a "
                "list, to be made one array with ag.stack(items) afterwards"
            )
    return "Give it one type, shape and structure on every path, before and after the conditional or loop"
