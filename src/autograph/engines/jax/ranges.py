"""Between which bounds the integers of a graph lie.

An interval analysis (P. Cousot and R. Cousot, "Abstract interpretation", POPL 1977) over jaxprs. A variable of a loop
that each iteration changes by a bounded amount is bounded by where it starts, what the loop's test says of it, and the
number of iterations; any other has the bounds of its dtype. Bounds are those of all elements of an array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import Literal, Var

Bounds = tuple[int, int]

MOST_ITERATIONS = 1 << 60
"""No loop does more iterations: at a tenth of a nanosecond each they would take three years."""
_DEEPEST = 16
_OF_SHAPES = ("iota", "argmax", "argmin")
"""Operations whose result has bounds whatever their operands are."""


def of_dtype(dtype: Any) -> Bounds | None:
    """The bounds of an integer dtype; a truth value is 0 or 1."""
    kind = np.dtype(dtype).kind if isinstance(dtype, np.dtype) else ""
    if kind == "b":
        return 0, 1
    if kind not in "iu" or not kind:
        return None
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def of_value(value: Any) -> Bounds | None:
    """The bounds of a constant."""
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic | int | bool) else None
    if array is None or array.dtype.kind not in "biu" or not 0 < array.size <= 64:
        return None
    return int(array.min()), int(array.max())


class Ranges:
    """The bounds of the variables of one jaxpr."""

    def __init__(self) -> None:
        self._found: dict[Any, Bounds] = {}

    def set(self, variable: Any, bounds: Bounds | None) -> None:
        limits = of_dtype(getattr(variable.aval, "dtype", None))
        if bounds is not None and limits is not None and limits[0] <= bounds[0] <= bounds[1] <= limits[1]:
            self._found[variable] = bounds

    def of(self, atom: Any) -> Bounds | None:
        """The bounds of an operand, at the least those of its dtype; ``None`` if it is no integer."""
        if isinstance(atom, Literal):
            return of_value(atom.val) or of_dtype(getattr(atom.aval, "dtype", None))
        return self._found.get(atom) or of_dtype(getattr(atom.aval, "dtype", None))

    def visit(self, equation: Any) -> None:
        """Finds the bounds of what an operation gives."""
        rule = _RULES.get(equation.primitive.name)
        if rule is None or len(equation.outvars) != 1:
            return
        operands = [self.of(atom) for atom in equation.invars]
        if equation.primitive.name in _OF_SHAPES or (operands and all(bounds is not None for bounds in operands)):
            self.set(equation.outvars[0], rule(equation, operands))

    def decide(self, equation: Any) -> bool | None:
        """What a comparison gives, if the bounds say so."""
        a, b = (self.of(atom) for atom in equation.invars)
        if a is None or b is None:
            return None
        return decide(equation.primitive.name, a, b)


def decide(name: str, a: Bounds, b: Bounds) -> bool | None:
    """The outcome of a comparison of two integers within bounds."""
    if name in ("gt", "ge"):
        return decide("lt" if name == "gt" else "le", b, a)
    if name == "lt":
        return True if a[1] < b[0] else False if a[0] >= b[1] else None
    if name == "le":
        return True if a[1] <= b[0] else False if a[0] > b[1] else None
    apart = a[1] < b[0] or b[1] < a[0]
    same = a[0] == a[1] == b[0] == b[1]
    if not apart and not same:
        return None
    return same if name == "eq" else apart


def _corners(function: Callable[[int, int], int]) -> Callable[[Any, Sequence[Bounds]], Bounds]:
    def rule(_: Any, operands: Sequence[Bounds]) -> Bounds:
        values = [function(a, b) for a in operands[0] for b in operands[1]]
        return min(values), max(values)

    return rule


def _union(_: Any, operands: Sequence[Bounds]) -> Bounds:
    return min(low for low, _ in operands), max(high for _, high in operands)


def _same(_: Any, operands: Sequence[Bounds]) -> Bounds:
    return operands[0]


def _and(_: Any, operands: Sequence[Bounds]) -> Bounds | None:
    highs = [high for low, high in operands if low >= 0]
    return (0, min(highs)) if highs else None


def _rem(_: Any, operands: Sequence[Bounds]) -> Bounds | None:
    (low, high), (least, most) = operands
    if least <= 0:
        return None
    return max(min(low, 0), 1 - most), min(max(high, 0), most - 1)


def _truncated(a: int, b: int) -> int:
    return a // b if a >= 0 else -(-a // b)


def _div(_: Any, operands: Sequence[Bounds]) -> Bounds | None:
    if operands[1][0] <= 0:
        return None
    values = [_truncated(a, b) for a in operands[0] for b in operands[1]]
    return min(values), max(values)


def _shift_right(equation: Any, operands: Sequence[Bounds]) -> Bounds | None:
    (low, high), (least, most) = operands
    if not 0 <= least <= most < 8 * equation.outvars[0].aval.dtype.itemsize:
        return None
    if equation.primitive.name == "shift_right_logical" and low < 0:
        return None
    return min(low >> least, low >> most), max(high >> least, high >> most)


def _convert(equation: Any, operands: Sequence[Bounds]) -> Bounds | None:
    return operands[0] if equation.outvars[0].aval.dtype.kind in "iu" else None


def _iota(equation: Any, _: Any) -> Bounds | None:
    size = equation.params["shape"][equation.params["dimension"]]
    return (0, size - 1) if isinstance(size, int) and size else None


def _arg(equation: Any, _: Any) -> Bounds | None:
    [axis] = equation.params["axes"]
    size = equation.invars[0].aval.shape[axis]
    return (0, size - 1) if isinstance(size, int) and size else None


_RULES: dict[str, Callable[[Any, Any], Bounds | None]] = {
    "add": _corners(lambda a, b: a + b),
    "sub": _corners(lambda a, b: a - b),
    "mul": _corners(lambda a, b: a * b),
    "max": lambda _, o: (max(o[0][0], o[1][0]), max(o[0][1], o[1][1])),
    "min": lambda _, o: (min(o[0][0], o[1][0]), min(o[0][1], o[1][1])),
    "neg": lambda _, o: (-o[0][1], -o[0][0]),
    "abs": lambda _, o: (max(o[0][0], -o[0][1], 0), max(-o[0][0], o[0][1])),
    "and": _and,
    "rem": _rem,
    "div": _div,
    "shift_right_arithmetic": _shift_right,
    "shift_right_logical": _shift_right,
    "convert_element_type": _convert,
    "clamp": lambda _, o: (min(max(o[1][0], o[0][0]), o[2][0]), min(max(o[1][1], o[0][1]), o[2][1])),
    "select_n": lambda equation, o: _union(equation, o[1:]),
    "concatenate": _union,
    "iota": _iota,
    "argmax": _arg,
    "argmin": _arg,
    **dict.fromkeys(
        ("broadcast_in_dim", "reshape", "squeeze", "copy", "copy_p", "slice", "rev", "transpose", "expand_dims"), _same
    ),
    "dynamic_slice": _same,
}


def step_of(out: Any, head: Var, made: dict[Any, Any], bounds: Callable[[Any], Bounds | None]) -> Bounds | None:
    """By how much ``out`` may differ from ``head``, from which it is made; ``None`` if that is not bounded."""
    return _step(out, head, made, bounds, 0)


def _step(
    out: Any, head: Var, made: dict[Any, Any], bounds: Callable[[Any], Bounds | None], depth: int
) -> Bounds | None:
    if out is head:
        return 0, 0
    equation = None if isinstance(out, Literal) else made.get(out)
    if equation is None or depth > _DEEPEST:
        return None
    name, operands = equation.primitive.name, equation.invars
    if name == "add" or name == "sub":
        for position in (0, 1) if name == "add" else (0,):
            inner = _step(operands[position], head, made, bounds, depth + 1)
            by = bounds(operands[1 - position]) if inner is not None else None
            if inner is not None and by is not None:
                return (inner[0] + by[0], inner[1] + by[1]) if name == "add" else (inner[0] - by[1], inner[1] - by[0])
        return None
    if name == "select_n":
        cases = [_step(operand, head, made, bounds, depth + 1) for operand in operands[1:]]
        if any(case is None for case in cases):
            return None
        return min(case[0] for case in cases if case), max(case[1] for case in cases if case)
    if name in ("convert_element_type", "copy", "copy_p") and operands[0].aval.dtype == out.aval.dtype:
        return _step(operands[0], head, made, bounds, depth + 1)
    return None


class Counter:
    """A number that a loop carries: where it starts, how an iteration changes it, and what the test says of it."""

    def __init__(self, start: Bounds, step: Bounds, limits: Bounds) -> None:
        self.start, self.step, self.limits = start, step, limits
        self.least, self.most = limits
        """What the test says of it where there is a further iteration."""

    def most_iterations(self) -> int:
        """How many iterations the test allows."""
        if self.step[0] > 0:
            return max(0, (self.most - self.start[0]) // self.step[0] + 1)
        if self.step[1] < 0:
            return max(0, (self.start[1] - self.least) // -self.step[1] + 1)
        return MOST_ITERATIONS

    def in_body(self, iterations: int) -> Bounds | None:
        """Its bounds at the head of an iteration; ``None`` where it may leave its dtype and begin anew."""
        past = max(iterations - 1, 0)
        low, high = self.start[0] + past * min(self.step[0], 0), self.start[1] + past * max(self.step[1], 0)
        low, high = max(low, self.least), min(high, self.most)
        after = low + min(self.step[0], 0), high + max(self.step[1], 0)
        if after[0] < self.limits[0] or after[1] > self.limits[1] or low > high:
            return None
        return low, high

    def at_test(self, iterations: int) -> Bounds | None:
        """Its bounds wherever the test looks at it, and after the loop."""
        body = self.in_body(iterations)
        if body is None:
            return self.start if not iterations else None
        low, high = body[0] + min(self.step[0], 0), body[1] + max(self.step[1], 0)
        return min(low, self.start[0]), max(high, self.start[1])


def restrict(test: Any, made: dict[Any, Any], counters: dict[Any, Counter], bounds: Callable[[Any], Any]) -> None:
    """Tells the counters what holds where ``test`` does."""
    equation = None if isinstance(test, Literal) else made.get(test)
    if equation is None:
        return
    name = equation.primitive.name
    if name == "and":
        for operand in equation.invars:
            restrict(operand, made, counters, bounds)
    if name not in ("lt", "le", "gt", "ge"):
        return
    left, right = equation.invars
    if name in ("gt", "ge"):
        left, right, name = right, left, "lt" if name == "gt" else "le"
    strict = name == "lt"
    for atom, other, is_left in ((left, right, True), (right, left, False)):
        counter = None if isinstance(atom, Literal) else counters.get(atom)
        limit = bounds(other) if counter is not None else None
        if counter is None or limit is None:
            continue
        if is_left:
            counter.most = min(counter.most, limit[1] - strict)
        else:
            counter.least = max(counter.least, limit[0] + strict)
