"""Arrays of NumPy's among the arguments: a function that changes one in place changes it for its caller too.

A trace serves calls with tensors and with arrays of NumPy's alike. One that was made for tensors alone, which cannot
change, gives no changes; a call with arrays of NumPy's makes another in its place.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ...errors import StagingError
from ...staging.state import CONTEXT, Callers
from ..common.overlap import check_overlap

Path = tuple[Any, ...]


class _Call(threading.local):
    """Whether the call that is being made has arrays of NumPy's among its arguments."""

    numpys = False


_CALL = _Call()


def _arrays(value: Any, path: Path = ()) -> Iterator[tuple[Any, Path]]:
    """The arrays in ``value``, each with the keys that lead to it."""
    if isinstance(value, np.ndarray | tf.Tensor):
        if value.shape != ():
            yield value, path
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _arrays(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(item, (*path, key))


def has_numpys(value: Any) -> bool:
    """Whether there is an array of NumPy's among the arguments."""
    return any(isinstance(array, np.ndarray) for array, _ in _arrays(value))


@contextlib.contextmanager
def calling(values: Any) -> Iterator[bool]:
    """While a call with these arguments is made, and perhaps traced; gives whether arrays of NumPy's are among them."""
    before, _CALL.numpys = _CALL.numpys, has_numpys(values)
    try:
        yield _CALL.numpys
    finally:
        _CALL.numpys = before


class Watch:
    """What a function that is being traced does to the arrays among its arguments."""

    def __init__(self, values: Any) -> None:
        self._arrays = list(_arrays(values))
        self._callers = Callers([array for array, _ in self._arrays])
        self._before: Callers | None = None

    def __enter__(self) -> Watch:
        self._before, CONTEXT.callers = CONTEXT.callers, self._callers
        return self

    def __exit__(self, *_: object) -> None:
        CONTEXT.callers = self._before

    def fills(self, graph: Any) -> list[tuple[Path, Any]]:
        """What has been changed in place, with the path of each array, if the caller is to see that.

        Raises:
            StagingError: an array of NumPy's would have changed unseen.
        """
        changed, refusal = self._callers.changed(), self._callers.refusal
        if not changed and refusal is None:
            return []
        graph.ag_changes = "seen" if _CALL.numpys else "unseen"
        if not _CALL.numpys:
            return []
        if refusal is not None:
            raise StagingError(refusal)
        return [(self._arrays[number][1], now) for number, now in changed]


def is_unseen(graph: Any) -> bool:
    """Whether the graph of a trace changes arguments in place, and does not give the changes."""
    return getattr(graph, "ag_changes", None) == "unseen"


def changes_arguments(graph: Any) -> bool:
    """Whether the graph of a trace changes arguments in place."""
    return hasattr(graph, "ag_changes")


def fill(values: Any, changes: Sequence[tuple[Path, Any]]) -> None:
    """Changes the arrays at the ends of paths that are NumPy's; others cannot be changed."""
    found = [(array, path) for array, path in _arrays(values) if isinstance(array, np.ndarray)]
    now = dict(changes)
    check_overlap([array for array, _ in found], [number for number, (_, path) in enumerate(found) if path in now])
    for array, path in found:
        if path in now:
            array[...] = now[path]


def refuse_concrete(name: str) -> None:
    """A trace that is called for itself gives what its graph gives."""
    raise StagingError(
        f"{name} changes an array among its arguments in place, and one trace of it, called for itself, cannot change "
        "an array of NumPy's. Call the function, or give it tensors, which do not change"
    )
