"""Python's integer ``//`` and ``%`` by a constant, in the fewest operations that have its meaning.

JAX's own functions divide towards zero and put the result right, whatever the operands are. Where the divisor is a
positive number that the graph knows, the floor of the quotient by a power of two *is* a shift in two's complement, and
the remainder a mask; by any other number one division and the sign of its remainder suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal

from .types import ArrayType, convert

FLOORED: dict[str, Callable[[Any, Any], Any]] = {"remainder": jnp.remainder, "floor_divide": jnp.floor_divide}
_originals: dict[tuple[Any, ...], Any] = {}


def simplified(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` with such operations in their short form; values and types stay what they are."""
    equations = closed.jaxpr.eqns
    if not any(equation.params.get("name") in FLOORED for equation in equations):
        return closed
    found = [_short(equation) for equation in equations]
    if all(new is old for new, old in zip(found, equations, strict=True)):
        return closed
    return closed.replace(jaxpr=closed.jaxpr.replace(eqns=found))


def _short(equation: Any) -> Any:
    name = equation.params.get("name")
    if name not in FLOORED or len(equation.invars) != 2 or len(equation.outvars) != 1:
        return equation
    number, divisor = equation.invars
    out = equation.outvars[0].aval
    if (
        not isinstance(divisor, Literal)
        or out.dtype.kind not in "iu"
        or divisor.aval.dtype.kind not in "iu"
        or np.ndim(divisor.val)
        or number.aval.shape != out.shape
        or not 0 < int(divisor.val) <= np.iinfo(out.dtype).max
    ):
        return equation
    short = _with_body(equation, lambda *kinds: _body(name, *kinds, int(divisor.val)))
    is_short = equation.params["jaxpr"] is short.params["jaxpr"]
    return equation if is_short or not is_floored(equation) else short


def _with_body(equation: Any, body: Callable[[ArrayType, ArrayType, ArrayType], ClosedJaxpr]) -> Any:
    avals = [atom.aval for atom in (*equation.invars, *equation.outvars)]
    kinds = [ArrayType(tuple(aval.shape), aval.dtype, bool(aval.weak_type)) for aval in avals]
    return equation.replace(params={**equation.params, "jaxpr": body(*kinds)})


def positive(equation: Any, both: bool) -> Any:
    """``equation``, one for which `is_floored` holds, for a divisor that is positive; with ``both``, the number is not
    negative either.

    The maximum of the divisor and 1 is the divisor. It tells LLVM what XLA does not know, so that no instruction guards
    the division against zero and overflow.
    """
    return _with_body(equation, lambda *kinds: _positive_body(equation.params["name"], both, *kinds))


def is_floored(equation: Any) -> bool:
    """Whether an equation is JAX's ``remainder`` or ``floor_divide``, and not another function with that name."""
    if equation.params.get("name") not in FLOORED:
        return False
    avals, outs = ([atom.aval for atom in atoms] for atoms in (equation.invars, equation.outvars))
    if len(avals) != 2 or len(outs) != 1:
        return False
    if any(
        aval.shape not in ((), outs[0].shape) or getattr(aval.dtype, "kind", "") not in ("i", "u") for aval in avals
    ):
        return False
    key = (equation.params["name"], *((aval.shape, aval.dtype, aval.weak_type) for aval in avals))
    body = equation.params["jaxpr"]
    if _originals.get(key) is body:
        return True
    structs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type) for aval in avals]
    found = jax.make_jaxpr(FLOORED[equation.params["name"]])(*structs).eqns
    _originals[key] = found[-1].params.get("jaxpr")
    return len(found) == 1 and _originals[key] is body


@lru_cache(maxsize=1024)
def _body(name: str, number: ArrayType, divisor: ArrayType, out: ArrayType, by: int) -> ClosedJaxpr:
    dtype = np.dtype(out.dtype)
    exponent = by.bit_length() - 1
    is_power = by == 1 << exponent
    is_signed = dtype.kind == "i"

    def compute(value: Any, _: Any) -> Any:
        value = lax.convert_element_type(value, dtype)

        def constant(number: int) -> Any:
            return lax.full_like(value, number)

        if name == "remainder" and is_power:
            result = lax.bitwise_and(value, constant(by - 1))
        elif name == "floor_divide" and is_power:
            shift = lax.shift_right_arithmetic if is_signed else lax.shift_right_logical
            result = shift(value, constant(exponent))
        else:
            result = _by_positive(name, value, constant(by), is_signed)
        return convert(result, out)

    return jax.make_jaxpr(compute)(number.struct(), divisor.struct())


@lru_cache(maxsize=1024)
def _positive_body(name: str, both: bool, number: ArrayType, divisor: ArrayType, out: ArrayType) -> ClosedJaxpr:
    dtype = np.dtype(out.dtype)

    def compute(value: Any, by: Any) -> Any:
        value, by = (jnp.broadcast_to(lax.convert_element_type(part, dtype), out.shape) for part in (value, by))
        result = _by_positive(name, value, lax.max(by, lax.full_like(by, 1)), dtype.kind == "i" and not both)
        return convert(result, out)

    return jax.make_jaxpr(compute)(number.struct(), divisor.struct())


def _by_positive(name: str, value: Any, by: Any, may_be_negative: bool) -> Any:
    """The floor of ``value / by``, or its remainder, for a positive ``by``."""
    sign_bit = lax.full_like(value, 8 * value.dtype.itemsize - 1)
    if name == "remainder":
        result = lax.rem(value, by)
        if not may_be_negative:
            return result
        if value.dtype.itemsize == 8:  # where a choice takes less time than the operations of the other form
            return lax.select(lax.lt(result, lax.full_like(result, 0)), result + by, result)
        # A negative remainder is all ones behind the sign.
        return result + lax.bitwise_and(lax.shift_right_arithmetic(result, sign_bit), by)
    result = lax.div(value, by)
    if may_be_negative:
        result = result + lax.shift_right_arithmetic(value - result * by, sign_bit)
    return result
