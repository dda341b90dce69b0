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

    @property
    def dtype_name(self) -> str:
        """The name of the dtype, however it was given."""
        return _dtype_name(self.dtype)

    def __str__(self) -> str:
        return f"{self.dtype_name}[{','.join(map(str, self.shape))}]"


def _dtype_name(dtype: Any) -> str:
    if isinstance(dtype, str):
        return dtype
    for name in (getattr(dtype, "name", None), getattr(getattr(dtype, "dtype", None), "name", None)):
        if isinstance(name, str):
            return name
    return str(getattr(dtype, "__name__", dtype))


def as_spec(value: Any) -> TensorSpec | None:
    """``value`` as a ``TensorSpec`` if it is one of this package, of JAX or of TensorFlow, else ``None``."""
    if isinstance(value, TensorSpec):
        return value
    for kind in type(value).__mro__:
        root = kind.__module__.partition(".")[0]
        if kind.__name__ == "ShapeDtypeStruct" and root == "jax":
            return TensorSpec(value.shape, value.dtype)
        if kind.__name__ == "TensorSpec" and root == "tensorflow":
            return TensorSpec(value.shape.as_list(), _dtype_name(value.dtype), value.name)
    return None


def with_specs(value: Any) -> Any:
    """A nested structure of specs with each one as a ``TensorSpec``."""
    spec = as_spec(value)
    if spec is not None:
        return spec
    if isinstance(value, dict):
        return type(value)((key, with_specs(item)) for key, item in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(with_specs, value))
    if isinstance(value, list | tuple):
        return type(value)(map(with_specs, value))
    return value
