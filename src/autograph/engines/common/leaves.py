"""What every engine says of the arguments of a call: the leaves of their tree, in people's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...retracing import Leaf


class Mark:
    """Stands for a leaf of the arguments while their tree is gone through.

    Attributes:
        shape, dtype: of a traced leaf; ``None`` for a static one.
    """

    def __init__(self, text: str, kind: str, shape: tuple[object, ...] | None = None, dtype: str | None = None) -> None:
        self.text, self.kind, self.shape, self.dtype = text, kind, shape, dtype


def static_mark(value: Any) -> Mark:
    """The mark of a static value."""
    hasher: Any = type(value).__hash__
    if type(value) in (bool, int, float, complex):
        kind = "number"
    else:
        kind = "object" if hasher is None or hasher is object.__hash__ else type(value).__name__
    return Mark(describe(value), kind)


def describe(value: Any) -> str:
    """A static value, briefly."""
    kind: Any = type(value)
    if kind.__repr__ is object.__repr__:
        return f"a {type(value).__name__}"
    if isinstance(value, type) or callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__))
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def marked_leaves(value: Any, path: str, others: Any) -> Iterator[Leaf]:
    """The marks in a structure, each with its path; ``others`` gives the paths and marks in a node of a framework's."""
    if isinstance(value, Mark):
        yield Leaf(path, value.text, value.shape, value.dtype, value.kind)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from marked_leaves(item, f"{path}[{key!r}]", others)
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", None)
        for index, item in enumerate(value):
            yield from marked_leaves(item, f"{path}[{index}]" if names is None else f"{path}.{names[index]}", others)
    elif hasattr(type(value), "__dataclass_fields__"):
        for name in type(value).__dataclass_fields__:
            yield from marked_leaves(getattr(value, name, None), f"{path}.{name}", others)
    elif value is not None:
        for keys, mark in others(value):
            yield from marked_leaves(mark, path + keys, others)


def signature_text(leaves: Sequence[Leaf]) -> str:
    """The arguments as text, one line."""
    return ", ".join(
        f"{leaf.path}: {leaf.text}" if leaf.shape is not None else f"{leaf.path}={leaf.text}" for leaf in leaves
    )


def misfit(name: str, path: str, wanted: str, given: str, expected: str, actual: str) -> TypeError:
    """The error of a call that does not fit the ``input_signature``."""
    return TypeError(
        f"{name}() expects {wanted} as argument {path}, and got {given}\n"
        f"  expected: {name}({expected})\n"
        f"  given:    {name}({actual})"
    )


class Shown:
    """What is shown as this text within a structure."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
