"""The last look at a loop before it becomes part of the graph: what its operations need not do.

A region is traced without knowing what is around it, so its jaxpr asks much that the loops around it answer: whether
the number of an iteration is negative (as an index, it would count from the end), whether a place is inside of an
array, what an item is that has just been stored. When the outermost loop is complete, all that it contains is gone
through once, from the outside in: equal operations become one, what is known of the bounds of integers decides
comparisons, an item that was stored is not read again, and state that is another state or its opposite is not carried.
Then the items of arrays that loops change are set apart anew (``elements``), since fewer have to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, Var

from ...staging.state import in_region
from . import peephole, placing, scans
from .arithmetic import is_floored
from .choices import merged
from .derivatives.internals import source_info_util, trace
from .derivatives.loop import while_p
from .derivatives.pruning import ends
from .elements import apart, changed, is_read, joined
from .flags import duplicates
from .peephole import UNKNOWN, atom_key
from .ranges import MOST_ITERATIONS, Counter, Ranges, of_dtype, of_value, restrict, step_of
from .replay import evaluate
from .settling import divides, of_while

_NOT_SHARED = ("copy", "copy_p", "optimization_barrier", "rng_uniform", "pure_callback", "while", "scan", "cond")
_MOST_INLINED = 32
_RULES = {**peephole.RULES, **placing.RULES}


def as_a_whole(build: Callable[[], Any]) -> Any:
    """What ``build`` gives, which makes loops of the graph: if none is around them, all of it is tidied first."""
    if in_region() or jax.config.jax_disable_jit:
        return build()
    structures = []
    here = source_info_util.current().traceback  # a trace has no frames of the program's but those that run in it

    def flat() -> list[Any]:
        with source_info_util.user_context(here):
            leaves, structure = jax.tree_util.tree_flatten(build())
        structures.append(structure)
        return leaves

    closed = tidied(trace(flat, []))
    return jax.tree_util.tree_unflatten(structures[0], evaluate(closed, []))


def has_loop(closed: ClosedJaxpr) -> bool:
    return any(
        equation.primitive is while_p or equation.primitive is lax.scan_p or any(map(has_loop, _parts(equation)))
        for equation in closed.jaxpr.eqns
    )


def _parts(equation: Any) -> list[ClosedJaxpr]:
    """The jaxprs of a conditional or a call."""
    if equation.primitive.name == "cond":
        return list(equation.params["branches"])
    if equation.primitive.name == "jit":
        return [equation.params["jaxpr"]]
    return []


def tidied(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` with the same inputs, outputs and effects, and the fewest operations that are found to do."""
    jaxpr = closed.jaxpr
    scope = _Scope()
    for variable, value in zip(jaxpr.constvars, closed.consts, strict=True):
        scope.ranges.set(variable, of_value(value))
    return closed.replace(jaxpr=scope.rewritten(jaxpr))


class _Scope:
    """One jaxpr as it is rewritten. A variable that has become another atom is in ``names``."""

    def __init__(self) -> None:
        self.ranges = Ranges()
        self.names: dict[Any, Any] = {}
        self.made: dict[Any, Any] = {}
        self.equations: list[Any] = []
        self._shared: dict[Any, list[Any]] = {}
        self._template: Any = None

    # Atoms.

    def now(self, atom: Any) -> Any:
        return atom if isinstance(atom, Literal) else self.names.get(atom, atom)

    def of_type(self, atom: Any, aval: Any) -> Any:
        """``atom`` with the type of ``aval`` to the last: also as weak as that."""
        if atom.aval.weak_type == aval.weak_type:
            return atom
        if isinstance(atom, Literal):
            return Literal(atom.val, aval)
        params = {"new_dtype": aval.dtype, "weak_type": aval.weak_type, "sharding": None}
        return self.emit(lax.convert_element_type_p, [atom], aval, params)

    def emit(self, primitive: Any, operands: Sequence[Any], aval: Any, params: dict[str, Any] | None = None) -> Any:
        """One more operation, or an equal one that is there."""
        out = Var(aval)
        equation = self._template.replace(
            invars=list(operands), outvars=[out], primitive=primitive, params=params or {}, effects=frozenset()
        )
        return self.add(equation)[0]

    # Equations.

    def rewritten(self, jaxpr: Any) -> Any:
        """``jaxpr`` with the equations and outputs that this scope makes of its own."""
        for equation in _inlined(jaxpr.eqns, self.names):
            self.visit(equation)
        outputs = []
        for atom in jaxpr.outvars:
            new = self.now(atom)
            outputs.append(new if new is atom or self._template is None else self.of_type(new, atom.aval))
        equations = needed(self.equations, outputs)
        return jaxpr.replace(eqns=equations, outvars=outputs, debug_info=jaxpr.debug_info.with_unknown_names())

    def visit(self, equation: Any) -> None:
        self._template = equation
        operands = [self.now(atom) for atom in equation.invars]
        name = equation.primitive.name
        if equation.ctx.xla_metadata or equation.ctx.compute_type:
            self._keep(equation, operands)
            return
        if equation.primitive is while_p:
            self._while(equation, self._typed(equation, operands))
            return
        if equation.primitive is lax.scan_p:
            self._scan(equation, self._typed(equation, operands))
            return
        if name == "cond":
            self._cond(equation, self._typed(equation, operands))
            return
        if equation.effects or not equation.outvars:
            self._keep(equation, operands)
            return
        if name == "jit":
            operands = self._typed(equation, operands)
            if has_loop(equation.params["jaxpr"]):
                body = self._inner(equation.params["jaxpr"], operands)
                equation = equation.replace(params={**equation.params, "jaxpr": body})
        equation = equation.replace(invars=operands)
        found = UNKNOWN
        rule = _RULES.get(name)
        if rule is not None:
            found = rule(self, equation)
        if found is UNKNOWN:
            for old, new in zip(equation.outvars, self.add(equation), strict=True):
                if new is not old:
                    self.names[old] = new
        else:
            self.names[equation.outvars[0]] = found

    def _typed(self, equation: Any, operands: Sequence[Any]) -> list[Any]:
        """Operands for what has a jaxpr of its own, whose inputs have types."""
        return [
            new if new is old else self.of_type(new, old.aval)
            for new, old in zip(operands, equation.invars, strict=True)
        ]

    def _keep(self, equation: Any, operands: Sequence[Any]) -> None:
        operands = self._typed(equation, operands)
        if any(new is not old for new, old in zip(operands, equation.invars, strict=True)):
            equation = equation.replace(invars=operands)
        self.equations.append(equation)

    def add(self, equation: Any) -> Sequence[Any]:
        """Adds an operation, unless there is an equal one; gives what stands for its results."""
        key = _key(equation)
        if key is not None:
            shared = self._shared.get(key)
            if shared is not None and all(
                new.aval.shape == old.aval.shape and new.aval.dtype == old.aval.dtype
                for new, old in zip(shared, equation.outvars, strict=True)
            ):
                return shared
            self._shared[key] = equation.outvars
        self.equations.append(equation)
        for variable in equation.outvars:
            self.made[variable] = equation
        self.ranges.visit(equation)
        return equation.outvars

    # Loops and what else has jaxprs of its own.

    def _inner(self, closed: ClosedJaxpr, operands: Sequence[Any]) -> ClosedJaxpr:
        scope = _Scope()
        for variable, value in zip(closed.jaxpr.constvars, closed.consts, strict=True):
            scope.ranges.set(variable, of_value(value))
        for variable, atom in zip(closed.jaxpr.invars, operands, strict=True):
            scope.ranges.set(variable, self.ranges.of(atom))
        return closed.replace(jaxpr=scope.rewritten(closed.jaxpr))

    def _cond(self, equation: Any, operands: Sequence[Any]) -> None:
        branches = tuple(self._inner(branch, operands[1:]) for branch in equation.params["branches"])
        self.equations.append(equation.replace(invars=list(operands), params={**equation.params, "branches": branches}))

    def _scan(self, equation: Any, operands: Sequence[Any]) -> None:
        params = equation.params
        count, carried = scans.counts(params)
        body = params["jaxpr"]
        bounds = [self.ranges.of(atom) for atom in operands]
        length = params["length"]
        counters = _counters(body, count, carried, bounds) if isinstance(length, int) else {}
        scope = _Scope()
        invars = body.jaxpr.invars
        for position, variable in enumerate(invars):
            if position < count or position >= count + carried:
                scope.ranges.set(variable, bounds[position])
            elif variable in counters:
                scope.ranges.set(variable, counters[variable].in_body(length))
        jaxpr = scope.rewritten(body.jaxpr)
        for position in range(carried):
            counter = counters.get(invars[count + position])
            if counter is not None:
                self.ranges.set(equation.outvars[position], counter.at_test(length))
        new = apart(body.replace(jaxpr=merged(jaxpr, ())))
        self.equations.append(equation.replace(invars=list(operands), params={**params, "jaxpr": new}))

    def _while(self, equation: Any, operands: Sequence[Any]) -> None:
        params = equation.params
        of_cond, of_body = params["cond_nconsts"], params["body_nconsts"]
        cond, body = params["cond_jaxpr"], params["body_jaxpr"]
        bounds = [self.ranges.of(atom) for atom in operands]
        heads = body.jaxpr.invars[of_body:]
        counters = _counters(body, of_body, len(heads), bounds[of_cond:])
        tested = _Scope()
        at_test = cond.jaxpr.invars[of_cond:]
        for variable, found in zip(cond.jaxpr.invars, bounds[:of_cond], strict=False):
            tested.ranges.set(variable, found)
        of_test = {at: counters[head] for at, head in zip(at_test, heads, strict=True) if head in counters}
        made = {variable: part for part in cond.jaxpr.eqns for variable in part.outvars}
        restrict(cond.jaxpr.outvars[0], made, of_test, tested.ranges.of)
        most = min((counter.most_iterations() for counter in counters.values()), default=MOST_ITERATIONS)
        most = min(most, MOST_ITERATIONS)
        for variable, counter in of_test.items():
            tested.ranges.set(variable, counter.at_test(most))
        in_body: Sequence[Any] = [None] * len(heads)
        if divides(body.jaxpr):
            in_body, found_at_test = of_while(equation, bounds, counters, most)
            for variable, out, found in zip(at_test, equation.outvars, found_at_test, strict=True):
                tested.ranges.set(variable, found)
                self.ranges.set(out, found)
        scope = _Scope()
        for variable, found in zip(body.jaxpr.invars, bounds[of_cond : of_cond + of_body], strict=False):
            scope.ranges.set(variable, found)
        for variable, found in zip(heads, in_body, strict=True):
            scope.ranges.set(variable, counters[variable].in_body(most) if variable in counters else found)
        new_cond = cond.replace(jaxpr=tested.rewritten(cond.jaxpr))
        new_body = body.replace(jaxpr=scope.rewritten(body.jaxpr))
        for variable, head in zip(equation.outvars, heads, strict=True):
            if head in counters:
                self.ranges.set(variable, counters[head].at_test(most))
        equation = equation.replace(
            invars=list(operands), params={**params, "cond_jaxpr": new_cond, "body_jaxpr": new_body}
        )
        equation, stands_for = duplicates(equation) if not equation.effects else (equation, {})
        body = equation.params["body_jaxpr"]
        jaxpr = merged(body.jaxpr, ends(body, equation.params["cond_jaxpr"], equation.params["cond_nconsts"]))
        equation = equation.replace(params={**equation.params, "body_jaxpr": apart(body.replace(jaxpr=jaxpr))})
        self.equations.append(equation)
        for variable, (other, is_opposite) in stands_for.items():
            self.names[variable] = self.emit(lax.not_p, [other], other.aval) if is_opposite else other


def _counters(body: ClosedJaxpr, consts: int, carried: int, bounds: Sequence[Any]) -> dict[Any, Counter]:
    """The numbers of a loop's state that each iteration changes by a bounded amount."""
    jaxpr = body.jaxpr
    heads = jaxpr.invars[consts : consts + carried]
    if not any(head.aval.shape == () and of_dtype(head.aval.dtype) for head in heads):
        return {}
    made = {variable: part for part in jaxpr.eqns for variable in part.outvars}
    outer = dict(zip(jaxpr.invars[:consts], bounds, strict=False))

    def known(atom: Any) -> Any:
        if isinstance(atom, Literal):
            return of_value(atom.val)
        return outer.get(atom)

    found = {}
    for head, out, start in zip(heads, jaxpr.outvars, bounds[consts:], strict=False):
        limits = of_dtype(head.aval.dtype) if head.aval.shape == () and head.aval.dtype != bool else None
        step = step_of(out, head, made, known) if limits is not None and start is not None else None
        if step is not None and limits is not None:
            found[head] = Counter(start, step, limits)
    return found


def needed(equations: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """The operations that outputs or effects depend on."""
    live = {atom for atom in outputs if not isinstance(atom, Literal)}
    kept = []
    for equation in reversed(equations):
        if equation.effects or not equation.outvars or any(variable in live for variable in equation.outvars):
            kept.append(equation)
            live.update(atom for atom in equation.invars if not isinstance(atom, Literal))
    return kept[::-1]


def _inlined(equations: Sequence[Any], names: dict[Any, Any]) -> Iterator[Any]:
    """The equations, with those of short jitted functions in their place, and items that are set apart put back."""
    for equation in equations:
        if equation.primitive.name != "jit" or not _is_short(equation):
            yield from joined(equation, names)
            continue
        body = equation.params["jaxpr"]
        own: dict[Any, Any] = dict(zip(body.jaxpr.invars, equation.invars, strict=True))
        for part in body.jaxpr.eqns:
            outvars = [Var(variable.aval) for variable in part.outvars]
            own.update(zip(part.outvars, outvars, strict=True))
            operands = [atom if isinstance(atom, Literal) else own[atom] for atom in part.invars]
            part = part.replace(invars=operands, outvars=outvars, source_info=equation.source_info)
            yield from _inlined([part], names)
        for variable, atom in zip(equation.outvars, body.jaxpr.outvars, strict=True):
            new = atom if isinstance(atom, Literal) else own[atom]
            names[variable] = new if isinstance(new, Literal) else names.get(new, new)


def _is_short(equation: Any) -> bool:
    """Whether a jitted function works on numbers, or on items of arrays, and says nothing of how it is to be run."""
    closed = equation.params["jaxpr"]
    jaxpr = closed.jaxpr
    if closed.consts or jaxpr.effects or len(jaxpr.eqns) > _MOST_INLINED or is_floored(equation):
        return False
    avals = [variable.aval for variable in jaxpr.invars]
    is_plain = all(getattr(aval, "shape", None) == () for aval in avals)
    return (is_plain or is_read(equation) or bool(changed(equation))) and not any(
        part.primitive.name in ("while", "scan", "cond") or part.effects for part in jaxpr.eqns
    )


def _key(equation: Any) -> Any:
    if equation.effects or equation.primitive.name in _NOT_SHARED:
        return None
    operands = tuple(atom_key(atom) for atom in equation.invars)
    try:
        key = (equation.primitive, operands, tuple(sorted(equation.params.items())))
        hash(key)
    except TypeError:
        return None
    return key
