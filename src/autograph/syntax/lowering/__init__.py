"""One module per construct; importing the package registers their handlers."""

from . import branches, calls, effects, functions, logic, loops, mutation
from .base import FunctionLowering, Unconvertible, Unit
from .functions import check_convertible, lower_function_body, split_docstring
from .matching import lower_matches

__all__ = [
    "FunctionLowering",
    "Unconvertible",
    "Unit",
    "branches",
    "calls",
    "check_convertible",
    "effects",
    "functions",
    "logic",
    "loops",
    "lower_function_body",
    "lower_matches",
    "mutation",
    "split_docstring",
]
