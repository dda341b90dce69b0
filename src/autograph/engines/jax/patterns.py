"""Traces for more than one size: which sizes are open, and the jaxpr of a trace with sizes in their place.

A trace with open sizes is made with symbolic dimensions, as ``jax.export`` makes them. For each size that a call has,
the numbers are put into the jaxpr, which is compiled; the Python is not run again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import export
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from .types import type_of

Shape = tuple[int | str, ...]


class Pattern:
    """The shapes of the traced arguments, a letter in place of each open size; one letter is one size."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = list(shapes)
        self.letters = sorted({size for shape in shapes for size in shape if isinstance(size, str)})

    def solve(self, leaves: Sequence[Any]) -> dict[str, int] | None:
        """The sizes that the letters have for these arguments, ``None`` if they do not fit."""
        sizes: dict[str, int] = {}
        if len(leaves) != len(self.shapes):
            return None
        for shape, leaf in zip(self.shapes, leaves, strict=True):
            given = jax.numpy.shape(leaf)
            if len(given) != len(shape):
                return None
            for want, have in zip(shape, given, strict=True):
                if isinstance(want, str) and is_symbolic(have):
                    continue  # a spec in place of a value
                if isinstance(want, str):
                    if not isinstance(have, int) or have < 1 or sizes.setdefault(want, have) != have:
                        return None
                elif want != have:
                    return None
        return sizes

    def structs(self, leaves: Sequence[Any]) -> list[jax.ShapeDtypeStruct]:
        """The arguments with symbolic sizes."""
        scope = export.SymbolicScope()
        made = {letter: export.symbolic_shape(letter, scope=scope)[0] for letter in self.letters}
        out = []
        for shape, leaf in zip(self.shapes, leaves, strict=True):
            kind = type_of(leaf)
            assert kind is not None
            sizes = tuple([made[size] if isinstance(size, str) else size for size in shape])
            out.append(jax.ShapeDtypeStruct(sizes, kind.dtype, weak_type=kind.weak))
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.shapes == other.shapes

    __hash__ = None  # type: ignore[assignment]


_LETTERS = ("".join(letters) for length in (1, 2) for letters in itertools.product("nmkpqrstuvw", repeat=length))
_NAMES = tuple(itertools.islice(_LETTERS, 128))


def with_open(shapes: Sequence[Sequence[int | None]], sizes: Sequence[Sequence[int]] | None) -> Pattern:
    """A pattern that is open where ``shapes`` have ``None``.

    Sizes of one axis that are equal in ``sizes``, those of a call, get one letter: arrays that are added or multiplied
    have to have one size, and which they are is not known before.
    """
    names = iter(_NAMES)
    known: dict[Any, str] = {}
    out: list[Shape] = []
    for number, shape in enumerate(shapes):
        row: list[int | str] = []
        for axis, size in enumerate(shape):
            if size is not None:
                row.append(size)
                continue
            place = (number, axis) if sizes is None else sizes[number][axis]
            if place not in known:
                known[place] = next(names)
            row.append(known[place])
        out.append(tuple(row))
    return Pattern(out)


def generalised(before: Sequence[Shape], now: Sequence[Sequence[int]]) -> Pattern | None:
    """A pattern for both: open where they differ; ``None`` where they differ in more than sizes."""
    shapes: list[list[int | None]] = []
    for old, new in zip(before, now, strict=True):
        if len(old) != len(new):
            return None
        shapes.append([have if have == want else None for want, have in zip(old, new, strict=True)])
    return with_open(shapes, [tuple(shape) for shape in now])


# Sizes in place of letters.


def filled(jaxpr: ClosedJaxpr, sizes: dict[str, int]) -> ClosedJaxpr:
    """``jaxpr`` with the sizes in place of the letters."""
    return ClosedJaxpr(_Filling(sizes).jaxpr(jaxpr.jaxpr), jaxpr.consts)


class _Filling:
    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = sizes

    def size(self, value: Any) -> int:
        return int(value._evaluate(self._sizes))

    def aval(self, aval: Any) -> Any:
        shape = getattr(aval, "shape", None)
        if shape is None or all(isinstance(size, int) for size in shape):
            return aval
        return aval.update(shape=tuple([size if isinstance(size, int) else self.size(size) for size in shape]))

    def parameter(self, value: Any) -> Any:
        if is_symbolic(value):
            return self.size(value)
        if isinstance(value, ClosedJaxpr):
            return ClosedJaxpr(self.jaxpr(value.jaxpr), value.consts)
        if isinstance(value, Jaxpr):
            return self.jaxpr(value)
        if isinstance(value, jax.core.ShapedArray):
            return self.aval(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self.parameter, value))
        if isinstance(value, tuple | list):
            return type(value)(map(self.parameter, value))
        if isinstance(value, dict):
            return {key: self.parameter(item) for key, item in value.items()}
        if isinstance(value, jax.ShapeDtypeStruct):
            return jax.ShapeDtypeStruct(tuple(map(self.parameter, value.shape)), value.dtype)
        return value

    def jaxpr(self, jaxpr: Any) -> Any:
        known: dict[Any, Any] = {}

        def variable(value: Any) -> Any:
            if isinstance(value, Literal):
                return value
            if value not in known:
                aval = self.aval(value.aval)
                known[value] = value if aval is value.aval else _like(value, aval)
            return known[value]

        invars = [variable(value) for value in jaxpr.invars]
        constvars = [variable(value) for value in jaxpr.constvars]
        equations = [self.equation(equation, variable) for equation in jaxpr.eqns]
        return jaxpr.replace(
            invars=invars, constvars=constvars, outvars=[variable(value) for value in jaxpr.outvars], eqns=equations
        )

    def equation(self, equation: Any, variable: Callable[[Any], Any]) -> Any:
        invars = [variable(value) for value in equation.invars]
        outvars = [variable(value) for value in equation.outvars]
        if equation.primitive.name == "dim_as_value":
            aval = equation.outvars[0].aval
            literal = Literal(np.asarray(self.size(equation.params["dim"]), aval.dtype)[()], aval)
            parameters = {"new_dtype": aval.dtype, "weak_type": bool(aval.weak_type), "sharding": None}
            return equation.replace(
                primitive=jax.lax.convert_element_type_p, invars=[literal], outvars=outvars, params=parameters
            )
        parameters = {name: self.parameter(value) for name, value in equation.params.items()}
        return equation.replace(invars=invars, outvars=outvars, params=parameters)


def _like(value: Any, aval: Any) -> Any:
    return type(value)(aval) if type(value) is not Var else Var(aval)


def is_symbolic(value: Any) -> bool:
    """Whether ``value`` is a size that a trace leaves open."""
    return bool(export.is_symbolic_dim(value))
