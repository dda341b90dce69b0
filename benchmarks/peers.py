"""The other projects in the contests: which of them are installed, and in which version."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
from types import ModuleType

TENSORFLOW = "TensorFlow"
MALT = "diastatic-malt"
EQUINOX = "Equinox"
NUMBA = "Numba"
TORCH = "PyTorch"
JAXIFY = "jaxify"

_MODULES = {
    TENSORFLOW: "tensorflow",
    MALT: "malt",
    EQUINOX: "equinox",
    NUMBA: "numba",
    TORCH: "torch",
    JAXIFY: "jaxify",
}
_OWN = {"AutoGraph": "autograph", "JAX": "jax", "jaxlib": "jaxlib", "NumPy": "numpy", "pyperf": "pyperf"}


def load(peer: str) -> ModuleType | None:
    """The module of a peer, or ``None`` if it is not installed. One that is installed but broken is an error."""
    name = _MODULES[peer]
    if importlib.util.find_spec(name) is None:
        return None
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return importlib.import_module(name)


def versions() -> dict[str, str]:
    """The version of every package in the contests; ``"not installed"`` where it is."""
    distributions = importlib.metadata.packages_distributions()
    found = {}
    for title, module in {**_OWN, **_MODULES}.items():
        if module in distributions:
            found[title] = importlib.metadata.version(distributions[module][0])
        elif importlib.util.find_spec(module) is None:
            found[title] = "not installed"
        else:  # run from the source tree
            found[title] = getattr(importlib.import_module(module), "__version__", "unknown")
    return found
