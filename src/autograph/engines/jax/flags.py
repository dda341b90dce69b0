"""State of a loop that is other state of it, or its opposite.

``found = True; break`` sets a variable of the program's and the flag of the jump, in each iteration alike. Truth values
that begin as constants are taken to agree, or to be opposites, as their constants do, and those that an iteration does
not keep so are parted, until nothing changes: partition refinement, as congruences of programs are found (B. Alpern,
M. N. Wegman and F. K. Zadeck, "Detecting equality of variables in programs", POPL 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, Var

_DEEPEST = 24


def duplicates(equation: Any) -> tuple[Any, dict[Any, tuple[Any, bool]]]:
    """A ``while`` equation without truth values that it carries twice.

    Gives with it, for each output that it no longer has, the output that is left, and whether that is the opposite.
    """
    params = equation.params
    of_cond, of_body = params["cond_nconsts"], params["body_nconsts"]
    body, cond = params["body_jaxpr"], params["cond_jaxpr"]
    starts = equation.invars[of_cond + of_body :]
    flags = {
        position: bool(start.val)
        for position, start in enumerate(starts)
        if isinstance(start, Literal) and start.aval.shape == () and start.aval.dtype == bool
    }
    if len(flags) < 2:
        return equation, {}
    heads = body.jaxpr.invars[of_body:]
    classes = _classes(body, heads, flags)
    kept_for = {
        position: (members[0], flags[members[0]] != flags[position]) for members in classes for position in members[1:]
    }
    if not kept_for:
        return equation, {}
    kept = [position for position in range(len(heads)) if position not in kept_for]
    outvars = equation.outvars
    new = equation.replace(
        invars=[*equation.invars[: of_cond + of_body], *(starts[position] for position in kept)],
        outvars=[outvars[position] for position in kept],
        params={
            **params,
            "body_jaxpr": _without(body, of_body, kept, kept_for, True, equation),
            "cond_jaxpr": _without(cond, of_cond, kept, kept_for, False, equation),
        },
    )
    return new, {outvars[position]: (outvars[other], opposite) for position, (other, opposite) in kept_for.items()}


def _classes(body: ClosedJaxpr, heads: Sequence[Var], flags: dict[int, bool]) -> list[list[int]]:
    """The flags in groups that are equal, or opposites as their first values are, in each iteration."""
    made = {variable: equation for equation in body.jaxpr.eqns for variable in equation.outvars}
    classes = [list(flags)]
    while True:
        place = {
            heads[position]: (number, flags[position]) for number, members in enumerate(classes) for position in members
        }
        refined: list[list[int]] = []
        for members in classes:
            groups: dict[Any, list[int]] = {}
            for position in members:
                form = _form(body.jaxpr.outvars[position], flags[position], made, place, 0)
                groups.setdefault(form, []).append(position)
            refined += groups.values()
        if len(refined) == len(classes):
            return classes
        classes = refined


def _form(atom: Any, negated: bool, made: dict[Any, Any], place: dict[Any, tuple[int, bool]], depth: int) -> Any:
    """A truth value, or its negation, in a form in which equal ones look alike."""
    if isinstance(atom, Literal):
        return bool(atom.val) is not negated
    if atom in place:
        number, first = place[atom]
        return "state", number, first is not negated
    equation: Any = made.get(atom)
    name = equation.primitive.name if equation is not None and depth < _DEEPEST and atom.aval.dtype == bool else ""
    if name == "not":
        return _form(equation.invars[0], not negated, made, place, depth + 1)
    if name in ("and", "or"):
        parts = frozenset(_form(operand, negated, made, place, depth + 1) for operand in equation.invars)
        return "and" if (name == "and") is not negated else "or", parts
    if name == "select_n" and len(equation.invars) == 3:
        predicate, *cases = equation.invars
        return predicate, *(_form(case, negated, made, place, depth + 1) for case in cases)
    return atom, negated


def _without(
    closed: ClosedJaxpr,
    consts: int,
    kept: Sequence[int],
    kept_for: dict[int, tuple[int, bool]],
    is_body: bool,
    template: Any,
) -> ClosedJaxpr:
    """A loop's body or test that is given the ``kept`` state alone."""
    jaxpr = closed.jaxpr
    heads = jaxpr.invars[consts:]
    first: list[Any] = []
    names: dict[Any, Any] = {}
    for position, (other, is_opposite) in kept_for.items():
        names[heads[position]] = heads[other]
        if is_opposite:
            names[heads[position]] = opposite = Var(heads[position].aval)
            first.append(
                template.replace(
                    invars=[heads[other]], outvars=[opposite], primitive=lax.not_p, params={}, effects=frozenset()
                )
            )

    def renamed(atoms: Sequence[Any]) -> list[Any]:
        return [atom if isinstance(atom, Literal) else names.get(atom, atom) for atom in atoms]

    outputs = [jaxpr.outvars[position] for position in kept] if is_body else jaxpr.outvars
    equations = [*first, *(equation.replace(invars=renamed(equation.invars)) for equation in jaxpr.eqns)]
    return closed.replace(
        jaxpr=jaxpr.replace(
            invars=[*jaxpr.invars[:consts], *(heads[position] for position in kept)],
            outvars=renamed(outputs),
            eqns=equations,
            debug_info=jaxpr.debug_info.with_unknown_names(),
        )
    )
