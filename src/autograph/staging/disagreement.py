"""What to say where the paths through a graph leave values in one place that no type holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .choice import Choice
from .state import UNBOUND


def message(name: str, values: Sequence[Any], types: Any) -> str:
    """The complaint: the place, the values as the paths leave them, and what to write instead."""
    if all(isinstance(value, dict) for value in values) and any(set(value) != set(values[0]) for value in values):
        return of_keys(name, values)
    seen = list(dict.fromkeys(types.describe(value) for value in values))
    kinds = " on one path and ".join(seen[:2])
    return f"{name} is {kinds} on another, and no type holds both in a graph. {_way_out(values, types)}"


def of_keys(name: str, values: Sequence[Any]) -> str:
    """The complaint about dicts or sets whose keys differ between paths."""
    keys = list(dict.fromkeys(key for value in values for key in value))
    partly = [repr(key) for key in keys if not all(key in value for value in values)]
    shown = ", ".join(partly[:3]) + (" and more" if len(partly) > 3 else "")
    if any(isinstance(value, set) for value in values):
        way_out = "A dict with a flag for each can say what is in it: seen = {'a': False}"
    else:
        way_out = "Give it the same keys on every path: put them in before the condition or the loop"
    which = f"other keys on one path than on another ({shown} on one alone)"
    return f"{name} has {which}, which a graph cannot hold. {way_out}"


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
