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
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, Var

from ...staging.state import in_region
from . import scans
from .arithmetic import is_floored, positive
from .choices import merged
from .derivatives.internals import core, source_info_util, trace
from .derivatives.loop import while_p
from .derivatives.pruning import ends
from .elements import apart, changed, is_read, joined
from .flags import duplicates
from .ranges import MOST_ITERATIONS, Counter, Ranges, of_dtype, of_value, restrict, step_of
from .replay import evaluate
from .settling import divides, floor_bounds, of_while

_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_NOT_SHARED = ("copy", "copy_p", "optimization_barrier", "rng_uniform", "pure_callback", "while", "scan", "cond")
_MOST_INLINED = 32
_UNKNOWN = object()


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
        found = _UNKNOWN
        rule = _RULES.get(name)
        if rule is not None:
            found = rule(self, equation)
        if found is _UNKNOWN:
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
    operands = tuple(_atom_key(atom) for atom in equation.invars)
    try:
        key = (equation.primitive, operands, tuple(sorted(equation.params.items())))
        hash(key)
    except TypeError:
        return None
    return key


def _atom_key(atom: Any) -> Any:
    if not isinstance(atom, Literal):
        return atom
    value = np.asarray(atom.val)
    return (str(atom.aval.dtype), value.shape, value.astype(atom.aval.dtype).tobytes())


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (
        isinstance(a, Literal)
        and isinstance(b, Literal)
        and a.aval.shape == b.aval.shape
        and _atom_key(a) == _atom_key(b)
    )


def _literal(value: Any, aval: Any) -> Literal:
    return Literal(np.asarray(value, aval.dtype)[()], aval)


def _is_kind(aval: Any, kinds: str) -> bool:
    """Whether an array's dtype is of one of ``kinds``, as NumPy names them; those of JAX alone are of none."""
    return isinstance(aval.dtype, np.dtype) and aval.dtype.kind in kinds


def _number(atom: Any) -> Any:
    """The value of a literal integer or truth value; ``None`` for anything else."""
    if not isinstance(atom, Literal) or np.ndim(atom.val) or not _is_kind(atom.aval, "biu"):
        return None
    return int(atom.val)


# The rules: what stands for the result of an operation, or `_UNKNOWN`.


def _compare(scope: _Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    if out.shape or not _is_kind(equation.invars[0].aval, "biu"):
        return _UNKNOWN
    found = scope.ranges.decide(equation)
    return _UNKNOWN if found is None else _literal(found, out)


def _and(scope: _Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    for atom, other in (equation.invars, equation.invars[::-1]):
        value = _number(atom)
        if value is None:
            continue
        if out.dtype == bool:
            return other if value else _literal(False, out)
        if value == 0 and not out.shape:
            return _literal(0, out)
        bounds = scope.ranges.of(other)
        is_mask = value >= 0 and not value & (value + 1)
        if is_mask and bounds is not None and bounds[0] >= 0 and bounds[1] <= value:
            return other
    return _if_same(equation)


def _if_same(equation: Any) -> Any:
    a, b = equation.invars
    return a if a is b else _UNKNOWN


def _or(scope: _Scope, equation: Any) -> Any:
    out = equation.outvars[0].aval
    for atom, other in (equation.invars, equation.invars[::-1]):
        value = _number(atom)
        if value is not None and out.dtype == bool and not out.shape:
            return _literal(True, out) if value else other
    return _if_same(equation)


def _not(scope: _Scope, equation: Any) -> Any:
    [atom] = equation.invars
    out = equation.outvars[0].aval
    value = _number(atom)
    if out.dtype == bool and value is not None:
        return _literal(not value, out)
    inner = scope.made.get(atom) if isinstance(atom, Var) else None
    return inner.invars[0] if inner is not None and inner.primitive.name == "not" else _UNKNOWN


def _select(scope: _Scope, equation: Any) -> Any:
    predicate, *cases = equation.invars
    if len(cases) != 2:
        return _UNKNOWN
    out = equation.outvars[0].aval
    if any(case.aval.shape != out.shape for case in cases):
        return _UNKNOWN
    value = _number(predicate)
    if value is not None:
        return cases[value]
    if _is_same(*cases):
        return cases[0]
    made = scope.made.get(predicate)
    if made is None or made.primitive.name not in ("lt", "le", "gt", "ge") or not _is_kind(out, "iu"):
        return _UNKNOWN
    a, b = made.invars
    if_false, if_true = cases
    if any(atom.aval.shape != out.shape or atom.aval.dtype != out.dtype for atom in (a, b)):
        return _UNKNOWN
    is_less = made.primitive.name in ("lt", "le")
    if _is_same(if_true, a) and _is_same(if_false, b):
        return scope.emit(lax.min_p if is_less else lax.max_p, [a, b], out)
    if _is_same(if_true, b) and _is_same(if_false, a):
        return scope.emit(lax.max_p if is_less else lax.min_p, [a, b], out)
    return _UNKNOWN


def _add(scope: _Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not _is_kind(equation.outvars[0].aval, "iu"):
        return _UNKNOWN
    if _number(b) == 0:
        return a
    return b if _number(a) == 0 and equation.primitive.name == "add" else _UNKNOWN


def _mul(scope: _Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not _is_kind(equation.outvars[0].aval, "iu"):
        return _UNKNOWN
    return a if _number(b) == 1 else b if _number(a) == 1 else _UNKNOWN


def _extreme(scope: _Scope, equation: Any) -> Any:
    a, b = equation.invars
    if not _is_kind(equation.outvars[0].aval, "iu"):
        return _UNKNOWN
    least, most = (scope.ranges.of(a), scope.ranges.of(b))
    if least is None or most is None or a.aval.shape != b.aval.shape:
        return _UNKNOWN
    is_max = equation.primitive.name == "max"
    if least[1] <= most[0]:
        return b if is_max else a
    if most[1] <= least[0]:
        return a if is_max else b
    return _UNKNOWN


def _convert(scope: _Scope, equation: Any) -> Any:
    [atom] = equation.invars
    out = equation.outvars[0].aval
    if equation.params.get("sharding") is None and atom.aval.dtype == out.dtype:
        return atom  # it has another weak type at most, which is put right where it shows
    return _UNKNOWN


def _squeeze(scope: _Scope, equation: Any) -> Any:
    """A number that was made an array of one element, as the number again."""
    [atom] = equation.invars[:1]
    made = scope.made.get(atom) if isinstance(atom, Var) else None
    out = equation.outvars[0].aval
    if made is None or atom.aval.size != 1 or made.primitive.name not in ("broadcast_in_dim", "reshape", "squeeze"):
        return _UNKNOWN
    source = made.invars[0]
    return source if len(made.invars) == 1 and source.aval.shape == out.shape else _UNKNOWN


def _slice(scope: _Scope, equation: Any) -> Any:
    """A part of several numbers that were put side by side."""
    [atom] = equation.invars
    made = scope.made.get(atom) if isinstance(atom, Var) else None
    params = equation.params
    if atom.aval.ndim != 1 or params["strides"] not in (None, (1,)):
        return _UNKNOWN
    [start], [end] = params["start_indices"], params["limit_indices"]
    if not isinstance(start, int) or not isinstance(end, int):
        return _UNKNOWN
    if end - start == atom.aval.shape[0]:
        return atom
    if made is None or made.primitive.name != "concatenate" or end - start != 1:
        return _UNKNOWN
    if any(operand.aval.shape != (1,) for operand in made.invars):
        return _UNKNOWN
    return made.invars[start]


def _widest(scope: _Scope, places: Sequence[Any]) -> list[Any]:
    """Places in an array as they were before they were made narrower, which they need not be."""
    sources = []
    for atom in places:
        made = scope.made.get(atom) if isinstance(atom, Var) else None
        if made is not None and made.primitive.name == "convert_element_type":
            source = made.invars[0]
            bounds, limits = scope.ranges.of(source), of_dtype(atom.aval.dtype)
            if (
                _is_kind(source.aval, "i")
                and bounds is not None
                and limits is not None
                and limits[0] <= bounds[0]
                and bounds[1] <= limits[1]
            ):
                atom = source
        sources.append(atom)
    kinds = {atom.aval.dtype for atom in sources if not isinstance(atom, Literal)}
    if len(kinds) != 1 or any(
        isinstance(atom, Literal) and (_number(atom) is None or atom.aval.dtype.kind not in "iu") for atom in sources
    ):
        return list(places)
    [dtype] = kinds
    limits = of_dtype(dtype)
    assert limits is not None
    out = []
    for atom in sources:
        if isinstance(atom, Literal):
            if not limits[0] <= int(atom.val) <= limits[1]:
                return list(places)
            if atom.aval.dtype != dtype:
                atom = _literal(int(atom.val), core.ShapedArray((), dtype))
        out.append(atom)
    return out


def _is_inside(scope: _Scope, places: Sequence[Any], array: Any, sizes: Sequence[int]) -> bool:
    """Whether a part of an array with its first item at ``places`` lies within the array, as far as is known."""
    for atom, whole, part in zip(places, array.aval.shape, sizes, strict=True):
        bounds = scope.ranges.of(atom)
        if bounds is None or not isinstance(whole, int) or bounds[0] < 0 or bounds[1] > whole - part:
            return False
    return True


def _base(scope: _Scope, atom: Any) -> tuple[Any, int]:
    """A number as another one and a constant that is added to it."""
    offset = 0
    while isinstance(atom, Var):
        made = scope.made.get(atom)
        if made is None or made.primitive.name not in ("add", "sub"):
            break
        a, b = made.invars
        if made.primitive.name == "add" and _number(a) is not None:
            a, b = b, a
        by = _number(b)
        if by is None:
            break
        atom, offset = a, offset + (by if made.primitive.name == "add" else -by)
    value = _number(atom)
    return (None, offset + value) if value is not None else (atom, offset)


def _are_apart(scope: _Scope, ours: Sequence[Any], theirs: Sequence[Any], sizes: Sequence[int]) -> bool:
    """Whether two parts of one size, both inside of the array, have no item in common."""
    for a, b, size in zip(ours, theirs, sizes, strict=True):
        base, offset = _base(scope, a)
        other, by = _base(scope, b)
        if base is other and abs(offset - by) >= size:
            return True
    return False


def _dynamic_slice(scope: _Scope, equation: Any) -> Any:
    array, *places = equation.invars
    sizes = equation.params["slice_sizes"]
    places = _widest(scope, places)
    while isinstance(array, Var):
        made = scope.made.get(array)
        if made is None or made.primitive.name != "dynamic_update_slice" or made.invars[1].aval.shape != tuple(sizes):
            break
        stored = made.invars[2:]
        if all(_is_same(a, b) for a, b in zip(places, stored, strict=True)):
            return made.invars[1]
        if not (
            _is_inside(scope, places, array, sizes)
            and _is_inside(scope, stored, array, sizes)
            and _are_apart(scope, places, stored, sizes)
        ):
            break
        array = made.invars[0]
    return scope.add(equation.replace(invars=[array, *places]))[0]


def _dynamic_update_slice(scope: _Scope, equation: Any) -> Any:
    array, value, *places = equation.invars
    return scope.add(equation.replace(invars=[array, value, *_widest(scope, places)]))[0]


def _scatter(scope: _Scope, equation: Any) -> Any:
    """An item that is stored at a place which is known to be inside."""
    array, indices, value = equation.invars
    params = equation.params
    numbers = params["dimension_numbers"]
    if (
        params["mode"] != lax.GatherScatterMode.FILL_OR_DROP
        or indices.aval.ndim != 1
        or value.aval.ndim
        or numbers.update_window_dims
        or len(numbers.inserted_window_dims) != array.aval.ndim
        or value.aval.dtype != array.aval.dtype
    ):
        return _UNKNOWN
    made = scope.made.get(indices) if isinstance(indices, Var) else None
    if made is None:
        return _UNKNOWN
    parts = made.invars if made.primitive.name == "concatenate" else [indices]
    order = numbers.scatter_dims_to_operand_dims
    if len(parts) != len(order) or any(part.aval.shape != (1,) for part in parts):
        return _UNKNOWN
    places = []
    for axis in range(array.aval.ndim):
        part = parts[order.index(axis)]
        made = scope.made.get(part) if isinstance(part, Var) else None
        if made is None or made.primitive.name not in ("broadcast_in_dim", "reshape") or made.invars[0].aval.shape:
            return _UNKNOWN
        places.append(made.invars[0])
    places = _widest(scope, places)
    shape = (1,) * array.aval.ndim
    if not _is_inside(scope, places, array, shape):
        return _UNKNOWN
    aval = core.ShapedArray(shape, array.aval.dtype)
    item = scope.emit(lax.reshape_p, [value], aval, {"new_sizes": shape, "dimensions": None, "sharding": None})
    return scope.emit(lax.dynamic_update_slice_p, [array, item, *places], array.aval)


def _floored(scope: _Scope, equation: Any) -> Any:
    """A floor division whose divisor is known to be positive."""
    if not is_floored(equation):
        return _UNKNOWN
    number, divisor = (scope.ranges.of(atom) for atom in equation.invars)
    if number is None or divisor is None or divisor[0] < 1:
        return _UNKNOWN
    [out] = scope.add(positive(equation, number[0] >= 0))
    scope.ranges.set(out, floor_bounds(equation.params["name"], number, divisor))
    return out


def _shift(scope: _Scope, equation: Any) -> Any:
    """The sign of a number that is known not to be negative."""
    bounds, by = scope.ranges.of(equation.invars[0]), _number(equation.invars[1])
    out = equation.outvars[0].aval
    if bounds is None or by is None or not 0 <= by < 8 * out.dtype.itemsize or bounds[0] >> by != bounds[1] >> by:
        return _UNKNOWN
    return _UNKNOWN if out.shape else _literal(bounds[0] >> by, out)


_RULES: dict[str, Callable[[_Scope, Any], Any]] = {
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
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "scatter": _scatter,
}
