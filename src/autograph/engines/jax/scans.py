"""How the inputs of a ``lax.scan`` are divided, which JAX's versions write down in two ways.

Up to JAX 0.10 an equation has two numbers, later the inputs and outputs as trees of two levels.
"""

from __future__ import annotations

import importlib
from typing import Any


def counts(params: dict[str, Any]) -> tuple[int, int]:
    """How many inputs are constants, and how many are carried."""
    if "ft_in" not in params:
        return params["num_consts"], params["num_carry"]
    consts, carried, _ = (len(list(part)) for part in params["ft_in"].unpack())
    return consts, carried


def with_constant(params: dict[str, Any], jaxpr: Any) -> dict[str, Any]:
    """The parameters for a body that takes one constant more, in front of the others."""
    if "ft_in" not in params:
        return {**params, "jaxpr": jaxpr, "num_consts": params["num_consts"] + 1}
    trees = importlib.import_module("jax._src.flattree")
    consts, carried, rows = params["ft_in"].unpack()
    return {**params, "jaxpr": jaxpr, "ft_in": trees.pack((trees.nones(len(list(consts)) + 1), carried, rows))}
