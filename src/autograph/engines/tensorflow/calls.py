"""Calls of ``ag.function`` on TensorFlow: a ``tf.function`` of the converted code, and what becomes of its result."""

from __future__ import annotations

from typing import Any


def run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``function`` (an ``ag.function``) as a graph of TensorFlow's."""
    raise NotImplementedError
