"""Functions that run on the host while the graph runs (``do_not_convert(run_as="py_func")``)."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from ..engines.base import active_engine
from .formatting import holds_staged, split
from .state import in_region

_MISSING: Any = object()


def call_on_host(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    """Calls ``function`` now, or when the graph runs if an argument is staged or a graph is being built."""
    engine = active_engine()
    if engine is None or not (holds_staged(args) or holds_staged(kwargs) or in_region()):
        return function(*args, **kwargs)
    leaves, rebuild = split((args, kwargs))

    def on_host(*values: Any) -> Any:
        positional, named = rebuild(values)
        return function(*positional, **named)

    return engine.host_call(on_host, leaves, declared_result(function, result), function.__name__)


def declared_result(function: Callable[..., Any], result: Any) -> Any:
    """What a function says that it returns: its declared spec, or its annotation.

    Raises:
        TypeError: it says nothing.
    """
    if result is not None:
        return result
    annotation = typing.get_type_hints(function).get("return", _MISSING)
    if annotation is _MISSING:
        raise TypeError(
            f"{function.__qualname__} runs on the host, and the graph has to know what it returns: annotate it "
            "(-> float, -> None) or give do_not_convert(run_as='py_func', result=ag.TensorSpec(shape, dtype))"
        )
    return None if annotation is type(None) else annotation
