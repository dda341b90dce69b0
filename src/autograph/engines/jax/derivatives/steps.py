"""One iteration of a loop, as differentiation sees it: a part that is known, and a part that is linear in tangents.

The inputs of an iteration are, in this order, the constants that are known, the linear constants, the known part of the
state and its linear part. Known values never depend on linear ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....errors import StagingError
from .customs import explicit
from .internals import ClosedJaxpr, Jaxpr, ad, batching, dce, pe, split_at
from .selection import transposable

_FOR_EFFECT = {"debug_callback", "debug_print"}


@dataclass(frozen=True)
class Counts:
    """How many values of each kind an iteration takes."""

    known_consts: int
    linear_consts: int
    known_carry: int
    linear_carry: int

    def split(self, values: Sequence[Any]) -> list[list[Any]]:
        return split_at(values, self.known_consts, self.linear_consts, self.known_carry)

    @property
    def known(self) -> list[bool]:
        """For each input, whether it is known."""
        return (
            [True] * self.known_consts
            + [False] * self.linear_consts
            + [True] * self.known_carry
            + [False] * self.linear_carry
        )


@dataclass(frozen=True)
class Derivative:
    """The derivative of ``body`` with respect to some of its constants and of its state."""

    body: ClosedJaxpr
    consts: tuple[bool, ...]
    carry: tuple[bool, ...]

    @property
    def counts(self) -> Counts:
        return Counts(len(self.consts), sum(self.consts), len(self.carry), sum(self.carry))

    def joint(self) -> ClosedJaxpr:
        """Known and linear part in one jaxpr."""
        jaxpr, _ = ad.jvp_jaxpr(self.body, [*self.consts, *self.carry], instantiate=list(self.carry))
        counts = self.counts
        return ad.rearrange_binders(
            jaxpr,
            [counts.known_consts, counts.known_carry],
            [counts.linear_consts, counts.linear_carry],
            [counts.known_carry],
            [counts.linear_carry],
        )

    def parted(self) -> tuple[ClosedJaxpr, ClosedJaxpr]:
        """The known part, which also gives residuals, and the linear part, which takes these first."""
        known, _, _, _, linear = ad.linearize_jaxpr(
            self.body,
            [*self.consts, *self.carry],
            allow_fwds=False,
            instantiate=list(self.carry),
            is_vjp=True,
        )
        return known, linear

    def known(self) -> ClosedJaxpr:
        """The body as its derivative has it: the forward rules in place of the functions that they belong to."""
        known, _ = self.parted()
        count = len(self.carry)
        return dce(known, [place < count for place in range(len(known.out_avals))], True)[0]

    def batched(self, axis_data: Any, axes: list[list[int | None]]) -> Step:
        """The same of a body that goes through a batch; ``axes`` says for each kind where the batch is."""
        consts, linear_consts, carry, linear_carry = axes
        of_tangents = iter([*linear_consts, *linear_carry])
        alike = all(
            next(of_tangents) == axis
            for axis, linear in zip([*consts, *carry], [*self.consts, *self.carry], strict=True)
            if linear
        )
        if not alike:
            return Joint(explicit(self.joint()), self.counts).batched(axis_data, axes)
        body, _ = batching.batch_jaxpr_axes(self.body, axis_data, [*consts, *carry], carry)
        return Derivative(body, self.consts, self.carry)


@dataclass(frozen=True)
class Joint:
    """An iteration whose known and linear part are given in one jaxpr."""

    jaxpr: ClosedJaxpr
    counts: Counts

    def joint(self) -> ClosedJaxpr:
        return self.jaxpr

    def parted(self) -> tuple[ClosedJaxpr, ClosedJaxpr]:
        counts = self.counts
        instantiate = [False] * counts.known_carry + [True] * counts.linear_carry
        known, linear, unknown, _ = pe.partial_eval_jaxpr_nounits(
            self.jaxpr, [not known for known in counts.known], instantiate
        )
        assert list(unknown) == instantiate
        return known, linear

    def batched(self, axis_data: Any, axes: list[list[int | None]]) -> Step:
        flat = [axis for kind in axes for axis in kind]
        jaxpr, _ = batching.batch_jaxpr_axes(self.jaxpr, axis_data, flat, [*axes[2], *axes[3]])
        return Joint(transposable(jaxpr, [not known for known in self.counts.known]), self.counts)


Step = Derivative | Joint


def differentiate(
    step: Step, consts: Sequence[bool], carry: Sequence[bool], *, linear_too: bool
) -> tuple[Step, list[bool]]:
    """The derivative of ``step`` itself, for derivatives of higher order.

    ``consts`` and ``carry`` say with respect to which of its known inputs. With ``linear_too`` what was linear stays
    so, beside its own derivative; otherwise it counts as known, and all of the linear state and no linear constant is
    differentiated. Gives also which of the known state has a derivative after all iterations.
    """
    counts = step.counts
    joint = explicit(step.joint())
    carry = list(carry)
    linear_consts = [linear_too] * counts.linear_consts
    linear_carry = [True] * counts.linear_carry
    while True:
        nonzero = [*consts, *linear_consts, *carry, *linear_carry]
        jaxpr, out = ad.jvp_jaxpr(joint, nonzero, instantiate=[*carry, *linear_carry])
        grown = [a or b for a, b in zip(carry, out[: counts.known_carry], strict=True)]
        if grown == carry:
            break
        carry = grown
    groups = [counts.known_consts, counts.linear_consts, counts.known_carry, counts.linear_carry]
    tangents = [sum(consts), sum(linear_consts), sum(carry), sum(linear_carry)]
    # From (values, tangents) to (values, tangents) for each kind in turn.
    jaxpr = ad.rearrange_binders(jaxpr, groups, tangents, groups[2:], tangents[2:])
    # Now: kc kc' lc lc' kx kx' lx lx', and kx kx' lx lx' out.
    if linear_too:
        new = Counts(*(count + tangent for count, tangent in zip(groups, tangents, strict=True)))
        return Joint(jaxpr, new), carry
    # Known: kc lc kx lx; linear: kc' kx' lx'.
    kc, kct, lc, _, kx, kxt, lx, lxt = _ranges([n for pair in zip(groups, tangents, strict=True) for n in pair])
    ins = [*kc, *lc, *kct, *kx, *lx, *kxt, *lxt]
    okx, okxt, olx, olxt = _ranges([groups[2], tangents[2], groups[3], tangents[3]])
    outs = [*okx, *olx, *okxt, *olxt]
    inner = jaxpr.jaxpr
    permuted = inner.replace(
        invars=[inner.invars[index] for index in ins],
        outvars=[inner.outvars[index] for index in outs],
        debug_info=inner.debug_info.with_unknown_names(),
    )
    new = Counts(groups[0] + groups[1], tangents[0], groups[2] + groups[3], tangents[2] + tangents[3])
    return Joint(ClosedJaxpr(permuted, jaxpr.consts), new), carry


def _ranges(counts: Sequence[int]) -> list[range]:
    out, start = [], 0
    for count in counts:
        out.append(range(start, start + count))
        start += count
    return out


def without_effects(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` without its prints and failures, which have happened when the loop ran forward.

    Raises:
        StagingError: the body calls a host function for its result, which cannot be called again.
    """
    return ClosedJaxpr(_without_effects(closed.jaxpr), closed.consts) if closed.effects else closed


def _without_effects(jaxpr: Jaxpr) -> Jaxpr:
    if not jaxpr.effects:
        return jaxpr
    equations = []
    for equation in jaxpr.eqns:
        if not equation.effects:
            equations.append(equation)
            continue
        if equation.primitive.name in _FOR_EFFECT:
            continue
        params = {name: _in_param(value) for name, value in equation.params.items()}
        if all(params[name] is equation.params[name] for name in params):
            raise StagingError(
                "a loop that calls a host function for its result cannot be differentiated in reverse mode: that goes "
                "through the iterations a second time, and would call the function again. Call it before the loop, or "
                "use forward mode (jax.jvp, jax.jacfwd)"
            )
        equations.append(equation.replace(params=params, effects=set()))
    return jaxpr.replace(eqns=equations, effects=set())


def _in_param(value: Any) -> Any:
    if isinstance(value, ClosedJaxpr):
        return without_effects(value)
    if isinstance(value, Jaxpr):
        return _without_effects(value)
    if isinstance(value, tuple) and any(isinstance(part, ClosedJaxpr | Jaxpr) for part in value):
        return tuple(_in_param(part) for part in value)
    return value
