"""AutoGraph: ordinary Python control flow as graphs for a real compiler.

Each public name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import utils
    from .api import convert, to_code, to_graph
    from .debugging import breakpoint_if
    from .eager import run_functions_eagerly
    from .errors import ConversionError, RetracingWarning, StagingError, UnreachableHandlerError
    from .functions import function
    from .reporting import set_verbosity
    from .settings import config
    from .spec import TensorSpec
    from .staging.directives import do_not_convert, set_element_type, set_loop_options, stack

__version__ = "0.1.0"

__all__ = [
    "ConversionError",
    "RetracingWarning",
    "StagingError",
    "TensorSpec",
    "UnreachableHandlerError",
    "breakpoint_if",
    "config",
    "convert",
    "do_not_convert",
    "function",
    "run_functions_eagerly",
    "set_element_type",
    "set_loop_options",
    "set_verbosity",
    "stack",
    "to_code",
    "to_graph",
    "utils",
]

_HOMES = {
    "ConversionError": ".errors",
    "RetracingWarning": ".errors",
    "StagingError": ".errors",
    "TensorSpec": ".spec",
    "UnreachableHandlerError": ".errors",
    "breakpoint_if": ".debugging",
    "config": ".settings",
    "convert": ".api",
    "do_not_convert": ".staging.directives",
    "function": ".functions",
    "run_functions_eagerly": ".eager",
    "set_element_type": ".staging.directives",
    "set_loop_options": ".staging.directives",
    "set_verbosity": ".reporting",
    "stack": ".staging.directives",
    "to_code": ".api",
    "to_graph": ".api",
}


def __getattr__(name: str) -> Any:
    if name == "utils":
        return import_module(".utils", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
