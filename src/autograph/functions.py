"""``ag.function``: convert, trace, compile, and cache by the types of the arguments.

JAX arrays, NumPy arrays and Python numbers are traced; everything else is static, compared by type and value, or by
identity where it cannot be hashed. The engine's own compiled call does the work.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, TypeVar, overload

from .api import to_graph
from .engines.base import active_engine, engine
from .spec import TensorSpec
from .staging.dispatch import hide_frames

F = TypeVar("F", bound=Callable[..., Any])

_run_eagerly = False


def run_functions_eagerly(flag: bool) -> None:
    """Makes every ``ag.function`` run its original Python (``True``), or its graph again (``False``).

    Example:
        >>> import autograph as ag
        >>> ag.run_functions_eagerly(True)
        >>> ag.function(lambda x: type(x).__name__)(1)
        'int'
        >>> ag.run_functions_eagerly(False)
    """
    global _run_eagerly
    _run_eagerly = bool(flag)


class StaticArgument:
    """An argument that is a Python value while tracing, whatever its type."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Function:
    """A function that runs as a compiled graph; made by ``ag.function``.

    Attributes:
        python_function: the original.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        python_function: Callable[..., Any],
        *,
        backend: str,
        input_signature: Sequence[Any] | None,
        static_argnames: Sequence[str],
        name: str | None,
    ) -> None:
        if backend not in ("auto", "jax"):
            raise ValueError(f"backend is {backend!r}; this version has 'auto' and 'jax'")
        self.python_function = python_function
        self._converted = to_graph(python_function)
        self._input_signature = None if input_signature is None else list(input_signature)
        self._static_argnames = tuple([static_argnames] if isinstance(static_argnames, str) else static_argnames)
        self._signature = _signature_of(python_function)
        self._concrete: dict[Any, Any] = {}
        self._lock = threading.Lock()
        functools.update_wrapper(self, python_function)
        if name is not None:
            self.__name__ = name
        for argument in self._static_argnames:
            if self._signature is not None and argument not in self._signature.parameters:
                raise ValueError(f"static_argnames has {argument!r}, which is not an argument of {self.__name__}()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _run_eagerly:
            return self.python_function(*args, **kwargs)
        if active_engine() is not None:
            return self._converted(*args, **kwargs)
        if self._input_signature is not None:
            _check_signature(self.__name__, self._input_signature, args, kwargs)
        backend: Any = engine("jax")
        try:
            return backend.run(self, args, kwargs)
        except BaseException as error:
            hide_frames(error)
            raise

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<ag.function {self.__qualname__}, {len(self._concrete)} traces>"

    # What the engine asks for.

    @property
    def converted(self) -> Callable[..., Any]:
        """The converted form of the original."""
        return self._converted

    def with_static_marked(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, those that ``static_argnames`` names each wrapped in a ``StaticArgument``."""
        if not self._static_argnames or self._signature is None:
            return args, kwargs
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name in self._static_argnames:
            bound.arguments[name] = StaticArgument(bound.arguments[name])
        return bound.args, bound.kwargs

    def concrete(self, key: Any, make: Callable[[], Any]) -> Any:
        """The entry for ``key``, made once however many threads ask for it."""
        entry = self._concrete.get(key)
        if entry is None:
            with self._lock:
                entry = self._concrete.get(key)
                if entry is None:
                    entry = self._concrete[key] = make()
        return entry


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _check_signature(name: str, specs: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if kwargs or len(args) != len(specs):
        raise TypeError(
            f"{name}() has an input_signature of {len(specs)} positional arguments, and got {len(args)}"
            + (f" and the keywords {sorted(kwargs)}" if kwargs else "")
        )
    for position, (spec, value) in enumerate(zip(specs, args, strict=True)):
        if not isinstance(spec, TensorSpec):
            continue
        shape = getattr(value, "shape", ())
        fits = len(shape) == len(spec.shape) and all(
            want is None or want == have for want, have in zip(spec.shape, shape, strict=True)
        )
        if not fits:
            raise TypeError(
                f"{name}() expects {spec.dtype}{list(spec.shape)} as argument {spec.name or position}, "
                f"and got shape {list(shape)}"
            )


@overload
def function(
    fn: F,
    *,
    backend: str = "auto",
    input_signature: Sequence[Any] | None = None,
    static_argnames: Sequence[str] = (),
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> F: ...
@overload
def function(
    fn: None = None,
    *,
    backend: str = "auto",
    input_signature: Sequence[Any] | None = None,
    static_argnames: Sequence[str] = (),
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Callable[[F], F]: ...
def function(
    fn: Any = None,
    *,
    backend: str = "auto",
    input_signature: Sequence[Any] | None = None,
    static_argnames: Sequence[str] = (),
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Any:
    """Converts a function and runs it as a compiled graph.

    Args:
        fn: the function.
        backend: the engine, ``"jax"``; ``"auto"`` finds it.
        input_signature: a ``TensorSpec`` for each argument; a call that does not fit is an error.
        static_argnames: arguments that are Python values while tracing, a new one tracing again.
        jit_compile: for engines that can do without; JAX always compiles.
        reduce_retracing: accepted for every engine; on JAX each shape has its own trace.
        name: a name for the function.

    Returns:
        A ``Function``. What it prints and raises is what the original prints and raises, in the same order. A value
        that is ``None`` on the path taken is returned as ``None``.

    Example:
        >>> import autograph as ag
        >>> @ag.function
        ... def first_above(xs, limit):
        ...     for x in xs:
        ...         if x > limit:
        ...             return x
        >>> import jax.numpy as jnp
        >>> int(first_above(jnp.array([1, 5, 9]), 4))
        5
        >>> first_above(jnp.array([1, 2, 3]), 4) is None
        True

    Raises:
        ConversionError: the function cannot be converted.
        ValueError: ``backend`` is not known, or ``static_argnames`` has a name that is not an argument's.
    """

    def decorate(target: Any) -> Function:
        return Function(
            target,
            backend=backend,
            input_signature=input_signature,
            static_argnames=static_argnames,
            name=name,
        )

    return decorate if fn is None else decorate(fn)
