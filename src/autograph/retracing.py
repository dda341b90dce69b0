"""Says why a function is traced again and again, and what can be done about it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from .errors import RetracingWarning
from .staging.dispatch import is_own_file

IN_A_ROW = 5
"""Traces after which a function's caller is told."""


class Leaf(NamedTuple):
    """One leaf of a call's arguments, as a trace sees it.

    Attributes:
        path: where it is: ``xs``, ``config['rate']``.
        text: its type (``float32[3]``) if it is traced, else its value.
        shape, dtype: of a traced leaf; ``None`` for a static one.
        kind: the name of a static value's type, or ``"number"``.
    """

    path: str
    text: str
    shape: tuple[object, ...] | None
    dtype: str | None
    kind: str


class History:
    """The traces of one function, one after the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: list[Leaf] | None = None
        self._warned = False
        self.in_a_row = 0

    def was_used(self) -> None:
        """To be called when a call needed no trace."""
        self.in_a_row = 0

    def was_traced(self, leaves: list[Leaf], outside: Sequence[str]) -> None:
        """To be called at each trace; ``outside`` are the places that are not what the trace before has found."""
        self.in_a_row += 1
        if self.in_a_row >= IN_A_ROW and not self._warned and self._last is not None:
            self._warned = True
            warn(f"{self._name}() has been traced {self.in_a_row} times in a row. {self._reason(leaves, outside)}")
        self._last = leaves

    def _reason(self, leaves: list[Leaf], outside: Sequence[str]) -> str:
        assert self._last is not None
        if outside:
            return (
                f"{outside[0]}, which it reads outside, was another value each time. Values that change belong into "
                "tensors, which are read at each call without a trace"
            )
        before = {leaf.path: leaf for leaf in self._last}
        for leaf in leaves:
            old = before.get(leaf.path)
            if old is None:
                continue
            if old.text != leaf.text or old.kind != leaf.kind:
                return f"Argument {leaf.path} was {old.text} and is now {leaf.text}. {_remedy(old, leaf)}"
        if set(before) != {leaf.path for leaf in leaves}:
            new = sorted({leaf.path for leaf in leaves} ^ set(before))
            return (
                f"Its arguments have another structure: {', '.join(new[:3])} is in one call and not in the other. Pass "
                "the same structure each time, a list of varying length as one tensor"
            )
        return "Its arguments look the same; static ones are other objects. Make them once, outside the loop"


def _remedy(old: Leaf, new: Leaf) -> str:
    if old.shape is not None and new.shape is not None:
        if old.shape != new.shape:
            if len(old.shape) == len(new.shape):
                sizes = [a if a == b else None for a, b in zip(old.shape, new.shape, strict=True)]
                spec = f"ag.TensorSpec([{', '.join(map(str, sizes))}], {new.dtype!r})"
                return (
                    f"Pad it to one size, or give the function reduce_retracing=True or an input_signature with {spec}"
                )
            return "A number of axes has a trace of its own; pass tensors of one rank"
        return f"Convert it to one dtype before the call, or give an input_signature with dtype {new.dtype!r}"
    if old.shape is not None or new.shape is not None:
        return (
            "It is traced in one call and static in the other: pass a tensor each time, or name it in static_argnames"
        )
    if new.kind == "number":
        return "Each value of a static number has its own trace: pass a tensor, or take it out of static_argnames"
    if new.kind == "object":
        return (
            "An object that is compared by identity has its own trace: make it once, give its class __eq__ and "
            "__hash__, or pass its arrays as tensors"
        )
    return (
        "Each value of a static argument has its own trace: pass a tensor where the value is data, and keep to a few "
        "values where it is an option (static_argnames says that it is one)"
    )


def warn(message: str) -> None:
    """Warns at the user's line."""
    level, frame = 1, sys._getframe()
    while frame is not None and _is_inside(frame.f_code.co_filename):
        level += 1
        frame = frame.f_back  # type: ignore[assignment]
    warnings.warn(message, RetracingWarning, stacklevel=level)


_FRAMEWORKS = ("jax", "jaxlib", "tensorflow", "keras")


def _is_inside(filename: str) -> bool:
    if is_own_file(filename):
        return True
    parts = filename.replace("\\", "/").split("/")
    return any(site in parts and parts[parts.index(site) + 1] in _FRAMEWORKS for site in ("site-packages",)) or (
        filename.endswith(("contextlib.py", "threading.py"))
    )
