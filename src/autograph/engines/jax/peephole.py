"""What stands for the result of an operation, by what is known of its operands: numbers, truth values, shapes.

Each rule is given the scope that rewrites a jaxpr (``tidying``) and an equation, and gives an atom, or ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from jax import lax
from jax.extend.core import Literal, Var

from .arithmetic import is_floored, positive
from .ranges import Ranges
from .settling import floor_bounds

_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
UNKNOWN = object()


class Scope(Protocol):
    """A jaxpr as it is rewritten."""

    ranges: Ranges
    made: dict[Any, Any]
    """The equation that each variable comes from."""

    def emit(self, primitive: Any, operands: Sequence[Any], aval: Any, params: dict[str, Any] | None = None) -> Any:
        """One more operation, or an equal one that is there."""

    def add(self, equation: Any) -> Sequence[Any]:
        """Adds an operation, unless there is an equal one; gives what stands for its results."""


Rule = Callable[[Any, Any], Any]


def atom_key(atom: Any) -> Any:
    if not isinstance(atom, Literal):
        return atom
    value = np.asarray(atom.val)
    return (str(atom.aval.dtype), value.shape, value.astype(atom.aval.dtype).tobytes())


def is_same(a: Any, b: Any) -> bool:
    return a is b or (
        isinstance(a, Literal)
        and isinstance(b, Literal)
        and a.aval.shape == b.aval.shape
        and atom_key(a) == atom_key(b)
    )


def literal(value: Any, aval: Any) -> Literal:
    return Literal(np.asarray(value, aval.dtype)[()], aval)


def is_kind(aval: Any, kinds: str) -> bool:
    """Whether an array's dtype is of one of ``kinds``, as NumPy names them; those of JAX alone are of none."""
    return isinstance(aval.dtype, np.dtype) and aval.dtype.kind in kinds


def number_of(atom: Any) -> Any:
    """The value of a literal integer or truth value; ``None`` for anything else."""
    if not isinstance(atom, Literal) or np.ndim(atom.val) or not is_kind(atom.aval, "biu"):
        return None
    return int(atom.val)


def _compare(scope: Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    if out.shape or not is_kind(equation.invars[0].aval, "biu"):
        return UNKNOWN
    found = scope.ranges.decide(equation)
    return UNKNOWN if found is None else literal(found, out)


def _and(scope: Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    for atom, other in (equation.invars, equation.invars[::-1]):
        value = number_of(atom)
        if value is None:
            continue
        if out.dtype == bool:
            return other if value else literal(False, out)
        if value == 0 and not out.shape:
            return literal(0, out)
        bounds = scope.ranges.of(other)
        is_mask = value >= 0 and not value & (value + 1)
        if is_mask and bounds is not None and bounds[0] >= 0 and bounds[1] <= value:
            return other
    return _if_same(equation)


def _if_same(equation: Any) -> Any:
    a, b = equation.invars
    return a if a is b else UNKNOWN


def _or(scope: Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    for atom, other in (equation.invars, equation.invars[::-1]):
        value = number_of(atom)
        if value is not None and out.dtype == bool and not out.shape:
            return literal(True, out) if value else other
    return _if_same(equation)


def _not(scope: Scope, equation: Any) -> Any:
    [atom] = equation.invars
    out = equation.outvars[0].aval
    value = number_of(atom)
    if out.dtype == bool and value is not None:
        return literal(not value, out)
    inner = scope.made.get(atom) if isinstance(atom, Var) else None
    return inner.invars[0] if inner is not None and inner.primitive.name == "not" else UNKNOWN


def _select(scope: Scope, equation: Any) -> Any:
    predicate, *cases = equation.invars
    if len(cases) != 2:
        return UNKNOWN
    out = equation.outvars[0].aval
    if any(case.aval.shape != out.shape for case in cases):
        return UNKNOWN
    value = number_of(predicate)
    if value is not None:
        return cases[value]
    if is_same(*cases):
        return cases[0]
    made = scope.made.get(predicate)
    if made is None or made.primitive.name not in ("lt", "le", "gt", "ge") or not is_kind(out, "iu"):
        return UNKNOWN
    a, b = made.invars
    if_false, if_true = cases
    if any(atom.aval.shape != out.shape or atom.aval.dtype != out.dtype for atom in (a, b)):
        return UNKNOWN
    is_less = made.primitive.name in ("lt", "le")
    if is_same(if_true, a) and is_same(if_false, b):
        return scope.emit(lax.min_p if is_less else lax.max_p, [a, b], out)
    if is_same(if_true, b) and is_same(if_false, a):
        return scope.emit(lax.max_p if is_less else lax.min_p, [a, b], out)
    return UNKNOWN


def _add(scope: Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not is_kind(equation.outvars[0].aval, "iu"):
        return UNKNOWN
    if number_of(b) == 0:
        return a
    return b if number_of(a) == 0 and equation.primitive.name == "add" else UNKNOWN


def _mul(scope: Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not is_kind(equation.outvars[0].aval, "iu"):
        return UNKNOWN
    return a if number_of(b) == 1 else b if number_of(a) == 1 else UNKNOWN


def _extreme(scope: Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not is_kind(equation.outvars[0].aval, "iu"):
        return UNKNOWN
    least, most = (scope.ranges.of(a), scope.ranges.of(b))
    if least is None or most is None or a.aval.shape != b.aval.shape:
        return UNKNOWN
    is_max = equation.primitive.name == "max"
    if least[1] <= most[0]:
        return b if is_max else a
    if most[1] <= least[0]:
        return a if is_max else b
    return UNKNOWN


def _convert(scope: Scope, equation: Any) -> Any:
    [atom] = equation.invars
    out = equation.outvars[0].aval
    if equation.params.get("sharding") is None and atom.aval.dtype == out.dtype:
        return atom  # it has another weak type at most, which is put right where it shows
    return UNKNOWN


def _squeeze(scope: Scope, equation: Any) -> Any:
    """A number that was made an array of one element, as the number again."""
    [atom] = equation.invars[:1]
    made = scope.made.get(atom) if isinstance(atom, Var) else None
    out = equation.outvars[0].aval
    if made is None or atom.aval.size != 1 or made.primitive.name not in ("broadcast_in_dim", "reshape", "squeeze"):
        return UNKNOWN
    source = made.invars[0]
    return source if len(made.invars) == 1 and source.aval.shape == out.shape else UNKNOWN


def _slice(scope: Scope, equation: Any) -> Any:
    """A part of several numbers that were put side by side."""
    [atom] = equation.invars
    made = scope.made.get(atom) if isinstance(atom, Var) else None
    params = equation.params
    if atom.aval.ndim != 1 or params["strides"] not in (None, (1,)):
        return UNKNOWN
    [start], [end] = params["start_indices"], params["limit_indices"]
    if not isinstance(start, int) or not isinstance(end, int):
        return UNKNOWN
    if end - start == atom.aval.shape[0]:
        return atom
    if made is None or made.primitive.name != "concatenate" or end - start != 1:
        return UNKNOWN
    if any(operand.aval.shape != (1,) for operand in made.invars):
        return UNKNOWN
    return made.invars[start]


def _floored(scope: Scope, equation: Any) -> Any:
    """A floor division whose divisor is known to be positive."""
    if not is_floored(equation):
        return UNKNOWN
    number, divisor = (scope.ranges.of(atom) for atom in equation.invars)
    if number is None or divisor is None or divisor[0] < 1:
        return UNKNOWN
    [out] = scope.add(positive(equation, number[0] >= 0))
    scope.ranges.set(out, floor_bounds(equation.params["name"], number, divisor))
    return out


def _shift(scope: Scope, equation: Any) -> Any:
    """The sign of a number that is known not to be negative."""
    bounds, by = scope.ranges.of(equation.invars[0]), number_of(equation.invars[1])
    out = equation.outvars[0].aval
    if bounds is None or by is None or not 0 <= by < 8 * out.dtype.itemsize or bounds[0] >> by != bounds[1] >> by:
        return UNKNOWN
    return UNKNOWN if out.shape else literal(bounds[0] >> by, out)


RULES: dict[str, Rule] = {
    "jit": _floored,
    "shift_right_arithmetic": _shift,
    **dict.fromkeys(_COMPARISONS, _compare),
    "and": _and,
    "or": _or,
    "not": _not,
    "select_n": _select,
    "add": _add,
    "sub": _add,
    "mul": _mul,
    "max": _extreme,
    "min": _extreme,
    "convert_element_type": _convert,
    "squeeze": _squeeze,
    "reshape": _squeeze,
    "slice": _slice,
}
