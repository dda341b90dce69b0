"""``TensorSpec``: the type of an argument or a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, init=False)
class TensorSpec:
    """A shape and a dtype.

    Args:
        shape: the size of each axis; ``None`` for a size that may differ from call to call.
        dtype: a dtype, or its name.
        name: the name of the argument, for messages.

    Example:
        >>> import autograph as ag
        >>> ag.TensorSpec([None, 3], "float32")
        TensorSpec(shape=(None, 3), dtype='float32', name=None)
    """

    shape: tuple[int | None, ...]
    dtype: Any
    name: str | None = None

    def __init__(self, shape: Sequence[int | None] | int, dtype: Any, name: str | None = None) -> None:
        object.__setattr__(self, "shape", (shape,) if isinstance(shape, int) else tuple(shape))
        object.__setattr__(self, "dtype", dtype)
        object.__setattr__(self, "name", name)
