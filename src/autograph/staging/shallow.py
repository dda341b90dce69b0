"""The staging layer for ``convert(recursive=False)``: the functions that converted code calls stay as they are."""

from typing import Any

from . import *  # noqa: F403
from .calls import REPLACEMENTS


def call(function: Any) -> Any:  # type: ignore[no-redef]
    """What converted code calls in place of ``function``: staged forms of built-in functions, and nothing else new."""
    try:
        return REPLACEMENTS.get(function, function)
    except TypeError:  # something unhashable
        return function
