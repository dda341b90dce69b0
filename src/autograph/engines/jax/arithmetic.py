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

_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {"remainder": jnp.remainder, "floor_divide": jnp.floor_divide}
_originals: dict[tuple[Any, ...], ClosedJaxpr] = {}


def simplified(closed: ClosedJaxpr) -> ClosedJaxpr:
    """``closed`` with such operations in their short form; values and types stay what they are."""
    equations = closed.jaxpr.eqns
    if not any(equation.params.get("name") in _FUNCTIONS for equation in equations):
        return closed
    found = [_short(equation) for equation in equations]
    if all(new is old for new, old in zip(found, equations, strict=True)):
        return closed
    return closed.replace(jaxpr=closed.jaxpr.replace(eqns=found))


def _short(equation: Any) -> Any:
    name = equation.params.get("name")
    if name not in _FUNCTIONS or len(equation.invars) != 2 or len(equation.outvars) != 1:
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
        or not _is_jax_own(equation)
    ):
        return equation
    avals = (number.aval, divisor.aval, out)
    kinds = [ArrayType(tuple(aval.shape), aval.dtype, bool(aval.weak_type)) for aval in avals]
    body = _body(name, *kinds, int(divisor.val))
    return equation.replace(params={**equation.params, "jaxpr": body})


def _is_jax_own(equation: Any) -> bool:
    """Whether a jitted function with the name of one of JAX's is that one."""
    avals = [atom.aval for atom in equation.invars]
    key = (equation.params["name"], *((aval.shape, aval.dtype, aval.weak_type) for aval in avals))
    body = equation.params["jaxpr"]
    if _originals.get(key) is body:
        return True
    structs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type) for aval in avals]
    [original] = jax.make_jaxpr(_FUNCTIONS[equation.params["name"]])(*structs).eqns
    _originals[key] = original.params["jaxpr"]
    return original.params["jaxpr"] is body


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
        elif name == "remainder":
            result = lax.rem(value, constant(by))
            if is_signed:  # a negative remainder is all ones behind the sign
                sign = lax.shift_right_arithmetic(result, constant(8 * dtype.itemsize - 1))
                result = result + lax.bitwise_and(sign, constant(by))
        else:
            result = lax.div(value, constant(by))
            if is_signed:
                rest = value - result * constant(by)
                result = result + lax.shift_right_arithmetic(rest, constant(8 * dtype.itemsize - 1))
        return convert(result, out)

    return jax.make_jaxpr(compute)(number.struct(), divisor.struct())
