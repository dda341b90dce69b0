"""Runs a function as a graph of TensorFlow's in which everything that it is given is a tensor.

Numbers of Python's become tensors too, which the graph treats as the numbers that they stand for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import tensorflow as tf

import autograph as ag
from autograph.engines.tensorflow import calls, numbers, results


def to_numpy(value: Any) -> Any:
    """What a call returned, with NumPy's arrays in place of tensors."""
    if isinstance(value, tf.Tensor):
        array = value.numpy()
        return array.decode() if isinstance(array, bytes) else np.asarray(array)
    if isinstance(value, dict):
        return {key: to_numpy(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(to_numpy, value))
    if isinstance(value, list | tuple):
        return type(value)(map(to_numpy, value))
    return value


class _Staged:
    """The arguments of a call as tensors, and how to put them together again inside the graph."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []

    def __call__(self, value: Any) -> Callable[[Any], Any]:
        if isinstance(value, np.ndarray | jax.Array) and value.dtype != object:
            return self._tensor(np.asarray(value))
        if isinstance(value, bool | np.bool_):
            return self._tensor(value)
        if type(value) in (int, float, complex) or isinstance(value, np.integer | np.floating):
            read = self._tensor(value if type(value) is not int or abs(value) < 2**31 else np.int64(value))
            return lambda tensors: numbers.as_number(tf.identity(read(tensors)))
        if isinstance(value, dict):
            items = {key: self(item) for key, item in value.items()}
            return lambda tensors: {key: read(tensors) for key, read in items.items()}
        if isinstance(value, list | tuple):
            parts = [self(item) for item in value]
            if hasattr(value, "_fields"):
                return lambda tensors: type(value)(*(read(tensors) for read in parts))
            return lambda tensors: type(value)(read(tensors) for read in parts)
        return lambda tensors: value

    def _tensor(self, value: Any) -> Callable[[Any], Any]:
        index = len(self.tensors)
        self.tensors.append(tf.constant(value))
        return lambda tensors: tensors[index]


def staged(function: Callable[..., Any], static: tuple[str, ...] = ()) -> Callable[..., Any]:
    """``function`` as a ``tf.function`` in which everything but static arguments is a tensor."""
    converted = ag.convert(function)
    names = list(inspect.signature(function).parameters)

    def run(*args: Any, **kwargs: Any) -> Any:
        stage = _Staged()

        def reader(name: str | None, value: Any) -> Callable[[Any], Any]:
            return (lambda _: value) if name in static else stage(value)

        positional = [reader(names[index] if index < len(names) else None, value) for index, value in enumerate(args)]
        named = {name: reader(name, value) for name, value in kwargs.items()}

        def traced(*tensors: Any) -> Any:
            given = [read(tensors) for read in positional]
            return results.in_parts(converted(*given, **{name: read(tensors) for name, read in named.items()}))

        graph = tf.function(traced, autograph=False)
        try:
            result = graph(*stage.tensors)
            return to_numpy(result.whole() if isinstance(result, results.Parts) else result)
        except tf.errors.OpError as error:
            failure = calls.failure_of(error)
            if failure is None:
                raise
            raised, place = failure
            for kind in (AssertionError, IndexError):
                if isinstance(raised, kind):
                    raised = kind(*raised.args)
            calls.raise_at(raised, place)

    return run
