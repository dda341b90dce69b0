"""What operations do in vain where nobody waits for them: whether they come to an end, and how much they compute."""

from __future__ import annotations

import math
from typing import Any

from jax._src import core


def is_total(jaxpr: Any) -> bool:
    """Whether operations come to an end, and are not seen, whatever their operands are."""
    return all(
        not equation.effects
        and equation.primitive.name != "while"
        and "callback" not in equation.primitive.name
        and all(map(is_total, core.jaxprs_in_params(equation.params)))
        for equation in jaxpr.eqns
    )


def work(jaxpr: Any) -> float:
    """About how many numbers operations compute; those of a product count for each that is added up."""
    total = 0.0
    for equation in jaxpr.eqns:
        inner = sum(map(work, core.jaxprs_in_params(equation.params)))
        own = sum(_size(out.aval) for out in equation.outvars)
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            own *= math.prod(_known(equation.invars[0].aval.shape[axis]) for axis in contracted)
        elif equation.primitive.name == "conv_general_dilated":
            own *= _size(equation.invars[1].aval)
        total += inner * equation.params.get("length", 1) + own
    return total


def _size(aval: Any) -> float:
    return math.prod(map(_known, getattr(aval, "shape", ())))


def _known(size: Any) -> float:
    """A size, which may be open."""
    return size if isinstance(size, int) else math.inf
