"""Nested choices between a new value and what there was, as one choice.

A chain of conditionals chooses, for each variable, between a value and the choice of the next conditional. A variable
that few of them change is chosen again on all levels. What decides is whether all conditions on the way to the new
value hold; those that must not hold have prefixes in common with those of the other variables, which are computed
once. Where a number is equal to one constant, it is not asked whether it is another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from jax import lax
from jax.extend.core import Literal, Var

_LONGEST = 64


def merged(jaxpr: Any, apart: Collection[Any]) -> Any:
    """``jaxpr`` with such chains as one choice; those by a condition in ``apart`` stay as they are."""
    choices = [equation for equation in jaxpr.eqns if _is_choice(equation, apart)]
    if len(choices) < 2:
        return jaxpr
    return jaxpr.replace(eqns=_Chains(jaxpr, choices).equations)


def _is_choice(equation: Any, apart: Collection[Any]) -> bool:
    if equation.primitive.name != "select_n" or len(equation.invars) != 3:
        return False
    predicate = equation.invars[0]
    return isinstance(predicate, Var) and predicate.aval.shape == () and predicate not in apart


class _Chains:
    def __init__(self, jaxpr: Any, choices: Sequence[Any]) -> None:
        self._made = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
        self._choices = {equation.outvars[0]: equation for equation in choices}
        self._uses: dict[Any, int] = {}
        for equation in jaxpr.eqns:
            for atom in equation.invars:
                if isinstance(atom, Var):
                    self._uses[atom] = self._uses.get(atom, 0) + 1
        for atom in jaxpr.outvars:
            if isinstance(atom, Var):
                self._uses[atom] = self._uses.get(atom, 0) + 1
        self._known: dict[Any, Var] = {}
        inner: set[Any] = set()
        chains = {}
        for equation in reversed(choices):
            if equation.outvars[0] not in inner:
                found = self._chain(equation)
                if found is not None:
                    chains[equation.outvars[0]] = found
                    inner.update(found[3])
        self.equations: list[Any] = []
        for equation in jaxpr.eqns:
            variable = equation.outvars[0] if equation.outvars else None
            if variable in inner:
                continue
            if variable in chains:
                equation = self._one(equation, *chains[variable][:3])
            self.equations.append(equation)

    def _chain(self, equation: Any) -> tuple[list[tuple[Any, bool]], Any, Any, list[Any]] | None:
        """The conditions under which a choice is not ``rest``, what it is then, ``rest``, and the choices within."""
        predicate, *cases = equation.invars
        best = None
        for side in (0, 1):
            rest, value = cases[1 - side], cases[side]
            conditions = [(predicate, bool(side))]
            inside = []
            while value in self._choices if isinstance(value, Var) else False:
                if self._uses[value] > 1 or len(conditions) > _LONGEST:
                    break
                condition, if_false, if_true = self._choices[value].invars
                if _is_same(if_false, rest):
                    conditions.append((condition, True))
                    inside.append(value)
                    value = if_true
                elif _is_same(if_true, rest):
                    conditions.append((condition, False))
                    inside.append(value)
                    value = if_false
                else:
                    break
            if inside and (best is None or len(inside) > len(best[3])):
                best = conditions, value, rest, inside
        return best

    def _one(self, equation: Any, conditions: list[tuple[Any, bool]], value: Any, rest: Any) -> Any:
        true, false = self._needed(conditions)
        decides = None
        for condition in true:
            decides = condition if decides is None else self._both("and", equation, decides, condition)
        none = None
        for condition in false:
            none = condition if none is None else self._both("or", equation, none, condition)
        if decides is None:
            return equation.replace(invars=[none, value, rest])
        if none is not None:
            decides = self._both("and", equation, self._not(equation, none), decides)
        return equation.replace(invars=[decides, rest, value])

    def _needed(self, conditions: list[tuple[Any, bool]]) -> tuple[list[Any], list[Any]]:
        """The conditions that have to hold, and those that must not, without what the former say of the latter."""
        true = list(dict.fromkeys(condition for condition, holds in conditions if holds))
        false = list(dict.fromkeys(condition for condition, holds in conditions if not holds))
        equal = {}
        for condition in true:
            number, constant = self._equality(condition)
            if number is not None:
                equal[number] = constant
        return true, [
            condition
            for condition in false
            if (found := self._equality(condition))[0] not in equal or equal[found[0]] == found[1]
        ]

    def _equality(self, condition: Any) -> tuple[Any, Any]:
        """The number and the constant that a condition compares, if it does that."""
        made = self._made.get(condition)
        if made is None or made.primitive.name != "eq":
            return None, None
        number, constant = made.invars
        if not isinstance(constant, Literal) or not isinstance(number, Var) or number.aval.dtype.kind not in "iu":
            return None, None
        return number, int(constant.val)

    def _both(self, name: str, template: Any, a: Any, b: Any) -> Any:
        return self._emit(lax.and_p if name == "and" else lax.or_p, template, [a, b])

    def _not(self, template: Any, a: Any) -> Any:
        return self._emit(lax.not_p, template, [a])

    def _emit(self, primitive: Any, template: Any, operands: list[Any]) -> Any:
        key = (primitive, *operands)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Var(operands[0].aval)
            self.equations.append(
                template.replace(invars=operands, outvars=[found], primitive=primitive, params={}, effects=frozenset())
            )
        return found


def _is_same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    return (
        isinstance(a, Literal)
        and isinstance(b, Literal)
        and a.aval == b.aval
        and a.aval.shape == ()
        and a.aval.dtype.kind in "biu"
        and int(a.val) == int(b.val)
    )
