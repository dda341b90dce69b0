"""What a program says to the converter in passing; all of it means nothing under plain Python."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..engines.base import active_engine, array_engine, engine
from ..syntax.directives import LOOP_OPTIONS
from .lists import TensorList
from .state import CONTEXT

F = TypeVar("F", bound=Callable[..., Any])


_COUNTS = {
    "checkpoints": "the number of states that a gradient keeps",
    "unroll": "the number of iterations that a step takes",
    "parallel_iterations": "the number of iterations that may run at once",
}


def set_element_type(list_: list[Any], dtype: Any, shape: Any = (), capacity: int | None = None) -> None:
    """Says what a list will hold, before a staged loop or branch fills it.

    Args:
        list_: a list made in the converted function (``items = []``).
        dtype: the dtype of its elements.
        shape: the shape of one element.
        capacity: the most elements that it will ever hold; needed where the graph alone knows how many there will be.

    Under plain Python, and for a list that no graph fills, this does nothing.

    Example:
        >>> import autograph as ag
        >>> @ag.function
        ... def evens(n):
        ...     found = []
        ...     ag.set_element_type(found, "int32", capacity=10)
        ...     for i in range(n):
        ...         if i % 2 == 0:
        ...             found.append(i)
        ...     return found
        >>> [int(x) for x in evens(7)]
        [0, 2, 4, 6]

    Raises:
        TypeError: ``list_`` is no list, or the engine has no such dtype.
        ValueError: ``capacity`` is negative or smaller than the list is long.
    """
    given: Any = list_
    if isinstance(given, tuple | dict | str | int | float) or given is None:
        kind = type(given).__name__
        raise TypeError(f"set_element_type() takes a list, not a {kind}: make one with `items = []` and name it here")
    if capacity is not None and capacity < len(list_):
        raise ValueError(f"capacity is {capacity}, but the list holds {len(list_)} elements already")
    building = active_engine()
    if building is None or not isinstance(list_, TensorList):
        return
    shape = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    try:
        building.zeros(shape, dtype)
    except TypeError as error:
        raise TypeError(f"set_element_type(): {dtype!r} is no dtype of {building.name}'s ({error})") from None
    list_.declare(shape, dtype)
    if capacity is not None and not list_.is_buffered():
        list_.reserve(building.zeros(shape, dtype), capacity)


def stack(list_: Any) -> Any:
    """The elements of a list in one array, along a new first axis.

    Elements may be numbers, arrays of one shape, or pytrees of them. A list whose length the graph decides gives all of
    its buffer, ``capacity`` rows, of which the rows behind the last element are zeros.

    Example:
        >>> import jax, autograph as ag
        >>> @jax.jit
        ... @ag.convert
        ... def squares(x):
        ...     out = []
        ...     for i in range(4):
        ...         out.append(x * i)
        ...     return ag.stack(out)
        >>> squares(2).tolist()
        [0, 2, 4, 6]

    Raises:
        ValueError: the list is empty, so that its element type is not known.
    """
    if isinstance(list_, TensorList):
        return list_.stack()
    if hasattr(list_, "dtype"):
        return list_
    items = list(list_)
    building = active_engine() or next(filter(None, map(array_engine, items)), None) or engine("jax")
    return building.stack_trees(items)


def stack_method(value: Any) -> Any:
    """``value.stack()``, which a Python list does not have."""
    return stack(value) if isinstance(value, list) and not hasattr(type(value), "stack") else value.stack()


def set_loop_options(**options: Any) -> None:
    """Says how a loop is to be staged; the first statement of the loop's body.

    Args:
        max_iterations: a bound on the number of iterations. It gives room to lists that grow in a loop whose trip count
            only the graph knows. The gradient of the loop (JAX) may then keep twice as many states as its square root,
            with which one run forward more is enough; that gradient is right even where the bound is not. On TensorFlow
            the loop also ends there.
        maximum_iterations: TensorFlow's name for it.
        checkpoints: how many states the gradient of a loop may keep (JAX), an ``int`` of at least 1. Half of them are
            the states of a segment of the loop, the others checkpoints at the heads of segments. Few of them cost time:
            with ``2 c`` states, a loop of ``c * binomial(c + r, c)`` iterations runs forward ``r`` times more. Without
            it, a gradient keeps at most 1024 + 1024 states, 2 MiB of them if that is fewer, and 8 + 8 at least. A loop
            over a known number of items, whose gradient would keep all states otherwise, keeps to it too.
        unroll: how many iterations of a counted loop one step of the graph takes (JAX).
        parallel_iterations, swap_memory, shape_invariants: for TensorFlow.

    Example:
        >>> import jax, autograph as ag
        >>> def decay(x):
        ...     while x > 1e-3:
        ...         ag.set_loop_options(checkpoints=20)
        ...         x = x * 0.9
        ...     return x
        >>> print(f"{jax.grad(ag.convert(decay))(1.0):.5f}")
        0.00097

    Raises:
        TypeError: an option has another name, or a number of states or iterations is not an ``int``.
        ValueError: such a number is less than 1.
        ConversionError: when the function is converted: the directive is in no loop, or has unknown options.
    """
    for name in options:
        if name not in LOOP_OPTIONS:
            raise TypeError(f"set_loop_options() got an unexpected option {name!r}; it has {sorted(LOOP_OPTIONS)}")
    for name, meaning in _COUNTS.items():
        count = options.get(name)
        if count is None:
            continue
        try:
            number = operator.index(count)
        except TypeError:
            raise TypeError(f"set_loop_options({name}=) is {count!r}; {meaning} is an int") from None
        if number < 1:
            raise ValueError(f"set_loop_options({name}=) is {count}; {meaning} is at least 1")
    if CONTEXT.loop_options:
        CONTEXT.loop_options[-1].update(options)


@overload
def do_not_convert(fn: F) -> F: ...
@overload
def do_not_convert(fn: None = None, *, run_as: str | None = None, result: Any = None) -> Callable[[F], F]: ...
def do_not_convert(fn: Any = None, *, run_as: str | None = None, result: Any = None) -> Any:
    """Leaves a function as Python.

    Args:
        fn: the function.
        run_as: ``"py_func"`` runs it on the host when the graph runs, in program order with what the program prints,
            and with NumPy values for staged arguments.
        result: with ``run_as``, what it returns: ``ag.TensorSpec``, ``jax.ShapeDtypeStruct``, an array or a number, or
            a pytree of them. Without it the function's return annotation is used (``int``, ``float``, ``bool``, a spec,
            or ``None`` for a function that is called for its effect).

    Example:
        >>> import autograph as ag
        >>> @ag.do_not_convert(run_as="py_func")
        ... def digits(n) -> int:
        ...     return len(str(int(n)))
        >>> @ag.function
        ... def f(n):
        ...     return digits(n) + 1
        >>> int(f(1234))
        5

    Raises:
        ValueError: ``run_as`` is not known.
    """
    if run_as not in (None, "py_func"):
        raise ValueError(f"run_as is {run_as!r}; it can be None or 'py_func'")
    if fn is None:
        return lambda function: do_not_convert(function, run_as=run_as, result=result)

    @functools.wraps(fn)
    def left_alone(*args: Any, **kwargs: Any) -> Any:
        if run_as is None:
            return fn(*args, **kwargs)
        from .host import call_on_host

        return call_on_host(fn, args, kwargs, result)

    return left_alone
