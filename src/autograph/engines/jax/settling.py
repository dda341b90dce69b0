"""Between which bounds the integers of a loop stay, whatever an iteration does to them.

Abstract interpretation (P. Cousot and R. Cousot, "Abstract interpretation: a unified lattice model for static analysis
of programs by construction or approximation of fixpoints", POPL 1977): the body is gone through for the bounds of the
state, at first those before the loop, then joined with those that an iteration leaves. A bound that moves a second time
is given up, so that two or three passes settle a loop. What the loop's test says bounds the state in the body: behind
``while y != 0``, a ``y`` that is never negative is at least 1, and ``x % y`` is not negative either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from .arithmetic import is_floored
from .ranges import Bounds, Counter, Ranges, decide, of_dtype, of_value

_MOST_PASSES = 8
_DEEPEST = 2
"""How many levels of loops in loops are followed: each is gone through anew in each pass of the one around it."""

Found = Sequence[Bounds | None]


def divides(jaxpr: Jaxpr) -> bool:
    """Whether a jaxpr, or one in it, has a division whose form depends on the signs of integers."""
    return any(is_floored(equation) or any(map(divides, _inner(equation))) for equation in jaxpr.eqns)


def _inner(equation: Any) -> Iterator[Jaxpr]:
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr


def floor_bounds(name: str, number: Bounds, divisor: Bounds) -> Bounds | None:
    """The bounds of Python's ``number % divisor`` (``remainder``) or ``number // divisor`` for a positive divisor."""
    if divisor[0] < 1:
        return None
    if name == "remainder":
        return 0, min(divisor[1] - 1, number[1]) if number[0] >= 0 else divisor[1] - 1
    ends = [a // b for a in number for b in divisor]
    return min(ends), max(ends)


def of_while(
    equation: Any, operands: Found, known: dict[Var, Counter], most: int, depth: int = 0
) -> tuple[list[Bounds | None], list[Bounds | None]]:
    """The bounds of a ``while`` loop's state in the body, and wherever the test looks at it.

    Args:
        operands: the bounds of the equation's operands.
        known: the state for which counting has found bounds, for at most ``most`` iterations.
        depth: how many loops around it are being gone through.
    """
    params = equation.params
    of_cond, of_body = params["cond_nconsts"], params["body_nconsts"]
    cond, body = params["cond_jaxpr"].jaxpr, params["body_jaxpr"]
    cond_consts, consts, start = (
        operands[:of_cond],
        operands[of_cond : of_cond + of_body],
        operands[of_cond + of_body :],
    )
    heads = body.jaxpr.invars[of_body:]
    fixed = {
        place: (known[head].in_body(most), known[head].at_test(most))
        for place, head in enumerate(heads)
        if head in known
    }
    comparisons = list(_comparisons(cond))

    def in_body(state: Found) -> list[Bounds | None]:
        bounded = _bounded(cond, comparisons, [*cond_consts, *state], depth)[of_cond:]
        return [fixed[place][0] if place in fixed else found for place, found in enumerate(bounded)]

    def ends(state: Found) -> list[Bounds | None]:
        return _outputs(body, [*consts, *in_body(state)], depth + 1)

    at_test = _settled(heads, start, {place: found for place, (_, found) in fixed.items()}, ends)
    return in_body(at_test), at_test


def _of_scan(equation: Any, operands: Found, depth: int) -> list[Bounds | None]:
    """The bounds of a scan's state, before and after any iteration."""
    body, count = equation.params["jaxpr"], equation.params["num_consts"]
    carried = equation.params["num_carry"]
    consts, start, rows = operands[:count], operands[count : count + carried], operands[count + carried :]

    def ends(state: Found) -> list[Bounds | None]:
        return _outputs(body, [*consts, *state, *rows], depth + 1)[:carried]

    return _settled(body.jaxpr.invars[count : count + carried], start, {}, ends)


def _settled(
    heads: Sequence[Var],
    start: Found,
    fixed: dict[int, Bounds | None],
    ends: Callable[[Found], Found],
) -> list[Bounds | None]:
    limits = [of_dtype(getattr(head.aval, "dtype", None)) for head in heads]
    state = [fixed.get(place, found) for place, found in enumerate(start)]
    for attempt in range(_MOST_PASSES):
        after = [
            old if place in fixed else _join(old, new)
            for place, (old, new) in enumerate(zip(state, ends(state), strict=True))
        ]
        if after == state:
            return state
        state = [
            _widened(old, new, limit) if attempt else new for old, new, limit in zip(state, after, limits, strict=True)
        ]
    return [fixed.get(place, limit) for place, limit in enumerate(limits)]


def _join(one: Bounds | None, other: Bounds | None) -> Bounds | None:
    return None if one is None or other is None else (min(one[0], other[0]), max(one[1], other[1]))


def _widened(old: Bounds | None, new: Bounds | None, limits: Bounds | None) -> Bounds | None:
    """``new``, with a bound that has moved at 1 or 0 where that holds, and given up otherwise."""
    if old is None or new is None or limits is None:
        return new
    low = new[0] if new[0] == old[0] else next((bound for bound in (1, 0) if new[0] >= bound), limits[0])
    return low, new[1] if new[1] == old[1] else limits[1]


def _outputs(closed: ClosedJaxpr, inputs: Found, depth: int) -> list[Bounds | None]:
    """The bounds of what a jaxpr gives."""
    ranges = Ranges()
    for variable, value in zip(closed.jaxpr.constvars, closed.consts, strict=True):
        ranges.set(variable, of_value(value))
    _visit(closed.jaxpr, inputs, ranges, depth)
    return [ranges.of(atom) for atom in closed.jaxpr.outvars]


def _visit(jaxpr: Jaxpr, inputs: Found, ranges: Ranges, depth: int) -> None:
    for variable, bounds in zip(jaxpr.invars, inputs, strict=True):
        ranges.set(variable, bounds)
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name not in ("jit", "cond", "while", "scan"):
            ranges.visit(equation)
            continue
        operands = [ranges.of(atom) for atom in equation.invars]
        found: Found
        if is_floored(equation):
            number, divisor = operands
            found = [number and divisor and floor_bounds(equation.params["name"], number, divisor)]
        elif name == "jit":
            found = _outputs(equation.params["jaxpr"], operands, depth)
        elif name == "cond":
            found = _outputs(equation.params["branches"][0], operands[1:], depth)
            for branch in equation.params["branches"][1:]:
                other_ends = _outputs(branch, operands[1:], depth)
                found = [_join(one, other) for one, other in zip(found, other_ends, strict=True)]
        elif depth > _DEEPEST:
            found = []
        elif name == "while":
            found = of_while(equation, operands, {}, 0, depth)[1]
        else:
            found = _of_scan(equation, operands, depth)
        for variable, bounds in zip(equation.outvars, found, strict=False):
            ranges.set(variable, bounds)


def _comparisons(cond: Jaxpr) -> Iterator[tuple[str, Any, Any]]:
    """The comparisons that all hold where a test does; ``gt`` and ``ge`` are turned round."""
    made = {variable: equation for equation in cond.eqns for variable in equation.outvars}
    waiting = [cond.outvars[0]]
    while waiting:
        atom = waiting.pop()
        equation = None if isinstance(atom, Literal) or atom.aval.shape else made.get(atom)
        if equation is None:
            continue
        name = equation.primitive.name
        if name == "and":
            waiting += equation.invars
        elif name in ("lt", "le", "ne", "eq"):
            yield name, *equation.invars
        elif name in ("gt", "ge"):
            yield "lt" if name == "gt" else "le", *reversed(equation.invars)


def _bounded(
    cond: Jaxpr, comparisons: Sequence[tuple[str, Any, Any]], inputs: Found, depth: int
) -> list[Bounds | None]:
    """The bounds of a test's inputs where it holds."""
    ranges = Ranges()
    _visit(cond, inputs, ranges, depth + 1)
    own = set(cond.invars)
    for name, left, right in comparisons:
        a, b = ranges.of(left), ranges.of(right)
        if a is None or b is None or decide(name, a, b) is not None:
            continue  # nothing new; or there is no iteration
        for atom, bounds in zip((left, right), _COMPARED[name](a, b), strict=True):
            if not isinstance(atom, Literal) and atom in own:
                ranges.set(atom, bounds)
    return [ranges.of(variable) for variable in cond.invars]


def _less(by: int) -> Callable[[Bounds, Bounds], tuple[Bounds, Bounds]]:
    return lambda a, b: ((a[0], min(a[1], b[1] - by)), (max(b[0], a[0] + by), b[1]))


def _other(a: Bounds, b: Bounds) -> tuple[Bounds, Bounds]:
    def without(number: Bounds, other: Bounds) -> Bounds:
        if other[0] != other[1]:
            return number
        return number[0] + (number[0] == other[0]), number[1] - (number[1] == other[0])

    return without(a, b), without(b, a)


def _equal(a: Bounds, b: Bounds) -> tuple[Bounds, Bounds]:
    both = max(a[0], b[0]), min(a[1], b[1])
    return both, both


_COMPARED = {"lt": _less(1), "le": _less(0), "ne": _other, "eq": _equal}
