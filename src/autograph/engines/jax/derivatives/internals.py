"""What the rules of differentiable loops need of JAX's own machinery, and every private name that they import.

JAX has no public way to give a control-flow primitive rules of its own for linearization, transposition and batching.
These names are those of JAX 0.10 to 0.12; another version that moves them changes this module alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jax._src import core, source_info_util
from jax._src import linear_util as lu
from jax._src.ad_checkpoint import nothing_saveable
from jax._src.ad_util import stop_gradient_p
from jax._src.api_util import fun_sourceinfo
from jax._src.core import jaxpr_as_fun
from jax._src.custom_derivatives import custom_vjp_call_p
from jax._src.dispatch import apply_primitive
from jax._src.dtypes import canonicalize_value
from jax._src.interpreters import ad, batching
from jax._src.interpreters import mlir as lowering
from jax._src.interpreters import partial_eval as pe
from jax._src.lax.control_flow.loops import _while_lowering as lower_while
from jax._src.state.discharge import discharge_state
from jax._src.state.types import AbstractRef
from jax._src.util import weakref_lru_cache
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive
from jax.interpreters import mlir

__all__ = [
    "AbstractRef",
    "ClosedJaxpr",
    "Jaxpr",
    "Primitive",
    "ad",
    "apply_primitive",
    "batching",
    "broadcast_or_move",
    "canonicalize_value",
    "core",
    "custom_vjp_call_p",
    "dce",
    "discharge_state",
    "jaxpr_as_fun",
    "linearization",
    "lower_call",
    "lower_while",
    "mlir",
    "nothing_saveable",
    "pe",
    "source_info_util",
    "split_at",
    "stop_gradient_p",
    "trace",
    "weakref_lru_cache",
    "zeros",
]


def trace(function: Callable[..., Any], avals: Sequence[Any]) -> ClosedJaxpr:
    """The jaxpr of a function from a flat list of values of types ``avals`` to another flat list."""
    names = tuple(f"values[{index}]" for index in range(len(avals)))
    debug_info = core.DebugInfo("jit", fun_sourceinfo(function), names, None)
    jaxpr, _, constants = pe.trace_to_jaxpr_dynamic(lu.wrap_init(function, debug_info=debug_info), list(avals))
    return ClosedJaxpr(jaxpr, constants)


def linearization(rule: Callable[..., tuple[Any, Any, Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """A rule of ``ad.primitive_linearizations``, as the version of JAX that runs asks for it.

    A later one asks for residuals in two parts, of which the second keeps its structure; there are none of those here.
    """
    if "structured_residuals" not in ad.LinearizeTrace.__init__.__code__.co_names:
        return rule

    def in_two_parts(*args: Any, **params: Any) -> tuple[Any, ...]:
        out, nonzero, residuals, linearized = rule(*args, **params)
        return out, nonzero, residuals, None, lambda given, _, *tangents: linearized(given, *tangents)

    return in_two_parts


def lower_call(context: Any, name: str, closed: ClosedJaxpr, operands: Sequence[Any]) -> Sequence[Any]:
    """A call of ``closed``, which has no effects, that XLA does not put into its caller."""
    out, _ = lowering.call_lowering(
        name,
        closed,
        None,
        context.module_context,
        context.avals_in,
        context.avals_out,
        lowering.TokenSet(),
        *operands,
        dim_var_values=context.dim_var_values,
        const_lowering=context.const_lowering,
        attributes={"inlineable": mlir.ir.StringAttr.get("false")},
    )
    return out


def dce(
    closed: ClosedJaxpr, used: Sequence[bool], keep: Sequence[bool] | bool = False
) -> tuple[ClosedJaxpr, list[bool]]:
    """``closed`` with its ``used`` outputs alone, and which of its inputs these need; ``keep`` are kept in any case."""
    jaxpr, needed = pe.dce_jaxpr(closed.jaxpr, list(used), keep)
    return ClosedJaxpr(jaxpr, closed.consts), list(needed)


def zeros(aval: Any) -> Any:
    """Zeros of an array type, sharded and varying as it says."""
    return ad.instantiate_zeros(ad.Zero(aval))


def broadcast_or_move(axis_data: Any, value: Any, source: int | None, target: int | None) -> Any:
    """``value`` with its batch axis, which may be absent, at ``target``."""
    return batching.matchaxis(axis_data, source, target, value)


def split_at(values: Sequence[Any], *counts: int) -> list[list[Any]]:
    """``values`` in groups of ``counts``, and the rest."""
    groups, start = [], 0
    for count in counts:
        groups.append(list(values[start : start + count]))
        start += count
    groups.append(list(values[start:]))
    return groups
