"""``convert``, ``to_graph`` and ``to_code``: conversion without compilation."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, TypeVar, overload

from . import staging
from .errors import ConversionError
from .staging.calls import converted, for_graphs
from .staging.dispatch import hide_frames
from .syntax.compiler import generated_source
from .syntax.refusals import hidden, native

F = TypeVar("F", bound=Callable[..., Any])

_ = staging  # converted code finds it in sys.modules


@overload
def convert(fn: F) -> F: ...
@overload
def convert(fn: None = None, *, recursive: bool = True) -> Callable[[F], F]: ...
def convert(fn: Any = None, *, recursive: bool = True) -> Any:
    """Converts a function so that it means the same on staged values as on Python's.

    The result is a function like the original: same name, signature, defaults and closure. Under plain values it does
    what the original does; under ``jax.jit``, ``vmap``, ``grad`` and the like, its control flow becomes the graph's.

    Args:
        fn: a function, method, ``functools.partial``, class or callable object.
        recursive: whether functions that it calls are converted as they are reached.

    Example:
        >>> import jax, autograph as ag
        >>> @jax.jit
        ... @ag.convert
        ... def collatz(n):
        ...     steps = 0
        ...     while n != 1:
        ...         if n % 2 == 0:
        ...             n = n // 2
        ...         else:
        ...             n = 3 * n + 1
        ...         steps += 1
        ...     return steps
        >>> int(collatz(27))
        111

    Raises:
        ConversionError: the function has no source, is native code, a generator or a coroutine.
        TypeError: ``fn`` cannot be called.
    """
    if fn is None:
        return functools.partial(convert, recursive=recursive)
    try:
        return _converted(fn, recursive)
    except ConversionError as error:
        hide_frames(error)
        raise


def to_graph(fn: Any, *, recursive: bool = True) -> Any:
    """The converted form of ``fn``; see ``convert``, of which this is the undecorated spelling."""
    try:
        return _converted(fn, recursive)
    except ConversionError as error:
        hide_frames(error)
        raise


def _converted(fn: Any, recursive: bool) -> Any:
    if isinstance(fn, staticmethod | classmethod):
        return type(fn)(to_graph(fn.__func__, recursive=recursive))
    if isinstance(fn, property):
        fget, fset, fdel = (part and to_graph(part, recursive=recursive) for part in (fn.fget, fn.fset, fn.fdel))
        return property(fget, fset, fdel, fn.__doc__)
    if sys.gettrace() is not None:
        from .debugging import adopt_active

        adopt_active()
    if type(fn) is FunctionType:
        return _convert_function(fn, recursive)
    if type(fn) is MethodType:
        return MethodType(to_graph(fn.__func__, recursive=recursive), fn.__self__)
    if isinstance(fn, functools.partial):
        return functools.partial(to_graph(fn.func, recursive=recursive), *fn.args, **fn.keywords)
    if not callable(fn):
        raise TypeError(f"convert() takes something that can be called, not a {type(fn).__name__}")
    if isinstance(fn, type):
        return fn
    if isinstance(fn, BuiltinFunctionType):
        raise native(f"{fn.__module__}.{fn.__qualname__}" if fn.__module__ else fn.__qualname__)
    method = type(fn).__call__
    if isinstance(method, FunctionType):
        return MethodType(_convert_function(method, recursive), fn)
    inside = inspect.unwrap(fn)
    if isinstance(inside, FunctionType):
        raise hidden(type(fn).__name__, inside.__code__)
    raise native(f"a {type(fn).__name__}")


def _convert_function(fn: FunctionType, recursive: bool) -> FunctionType:
    if recursive:
        made = converted(fn)
        # A function converted for TensorFlow 1.x is called under a graph, whose nodes it has to tie together.
        return for_graphs(made, fn) if "tensorflow" in sys.modules else made
    from .staging import shallow
    from .syntax.compiler import convert_function

    return convert_function(fn, shallow)


def to_code(fn: Any) -> str:
    """The source text of the converted form of ``fn``, for people to read.

    Example:
        >>> import autograph as ag
        >>> def relu(x):
        ...     return x if x > 0 else 0
        >>> print(ag.to_code(relu))
        def relu(x):
            return ag__.if_exp(x > 0, lambda: x, lambda: 0)

    Raises:
        ConversionError: the function cannot be converted.
    """
    while True:
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, MethodType | staticmethod | classmethod):
            fn = fn.__func__
        elif hasattr(fn, "python_function"):
            fn = fn.python_function
        else:
            break
    if not isinstance(fn, FunctionType):
        method = getattr(type(fn), "__call__", None)  # noqa: B004
        if not isinstance(method, FunctionType) or isinstance(fn, type):
            raise ConversionError(f"{getattr(fn, '__qualname__', fn)!s} has no Python source to convert")
        fn = method
    return generated_source(fn)
