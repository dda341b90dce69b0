"""AutoGraph: ordinary Python control flow as graphs for a real compiler."""

from . import utils
from .api import convert, to_code, to_graph
from .errors import ConversionError, StagingError, UnreachableHandlerError
from .function import function, run_functions_eagerly
from .spec import TensorSpec
from .staging.directives import do_not_convert, set_element_type, set_loop_options, stack

__version__ = "0.1.0"

__all__ = [
    "ConversionError",
    "StagingError",
    "TensorSpec",
    "UnreachableHandlerError",
    "convert",
    "do_not_convert",
    "function",
    "run_functions_eagerly",
    "set_element_type",
    "set_loop_options",
    "stack",
    "to_code",
    "to_graph",
    "utils",
]
