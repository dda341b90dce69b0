"""``ag.function``: convert, trace, compile, and cache by the types of the arguments.

What is here is the same for every engine: the options, the choice of the engine, and what a ``Function`` says of
itself. Which arguments are traced, what a signature is and how a trace is kept is the engine's business; it keeps that
in a state of its own (``FunctionState``).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from .api import to_code, to_graph
from .backends import captured, choose
from .concrete import ConcreteFunction, FunctionState, as_html
from .eager import EAGER, run_functions_eagerly
from .engines.base import active_engine, engine, framework_of
from .errors import ConversionError
from .settings import ENGINES
from .signatures import Parameters
from .staging.dispatch import hide_frames
from .staging.state import note_reached

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["BoundFunction", "Function", "function", "run_functions_eagerly"]


def _never(error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    raise error


class Function:
    """A function that runs as a compiled graph; made by ``ag.function``.

    Attributes:
        python_function: the original.
        backend: what was asked for: ``"auto"`` or the name of an engine.
        input_signature: the specs of the arguments, or ``None``.
        static_argnames: the arguments that are static whatever their type.
        donate_argnames: the arguments whose memory the call may use again.
        jit_compile: whether XLA is to compile; ``None`` leaves that to the engine.
        reduce_retracing: whether sizes that differ are generalised.
        parameters: what the function takes.
    """

    __name__: str
    __qualname__: str

    # What a call looks at first. An engine that can call a function without looking at the arguments itself sets
    # ``direct``; it is used while the attribute ``trace`` of ``context`` is ``idle``, which says that no graph is being
    # built (a call of a function to ask that would cost more than all the rest). ``named`` gives the values of the
    # parameters of a call with keywords. Results of type ``pieces`` go through ``finish``, and ``failed`` gets what was
    # raised: it raises, or returns a result.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "backend",
        "context",
        "direct",
        "donate_argnames",
        "failed",
        "finish",
        "has_named_only",
        "idle",
        "input_signature",
        "jit_compile",
        "lock",
        "named",
        "parameters",
        "pieces",
        "python_function",
        "reduce_retracing",
        "static_argnames",
    )

    trace = None

    def __init__(
        self,
        python_function: Callable[..., Any],
        *,
        backend: str = "auto",
        input_signature: Sequence[Any] | None = None,
        static_argnames: Sequence[str] | str = (),
        donate_argnames: Sequence[str] | str = (),
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        name: str | None = None,
    ) -> None:
        if backend not in ("auto", *ENGINES):
            raise ValueError(f"backend is {backend!r}; it can be 'auto', {' or '.join(map(repr, ENGINES))}")
        self.direct: Callable[..., Any] | None = None
        self.named: Callable[..., tuple[Any, ...]] | None = None
        self.context: Any = self
        self.idle: Any = None
        self.pieces: type | None = None
        self.finish: Callable[[Any, tuple[Any, ...]], Any] = _same
        self.failed: Callable[[BaseException, tuple[Any, ...], dict[str, Any]], Any] = _never
        self.python_function = python_function
        self.backend = backend
        self.jit_compile = jit_compile
        self.reduce_retracing = reduce_retracing
        self.lock = threading.RLock()
        self._converted = to_graph(python_function)
        self._states: dict[str, FunctionState] = {}
        self._captured: tuple[str | None] | None = None
        functools.update_wrapper(self, python_function)
        if name is not None:
            self.__name__ = name
        elif not hasattr(self, "__name__"):  # a partial, or an object that can be called
            inner = getattr(python_function, "func", type(python_function))
            self.__name__ = getattr(inner, "__name__", "function")
        if "__qualname__" not in self.__dict__:
            self.__qualname__ = self.__name__
        self.parameters = Parameters(python_function, self.__name__)
        self.has_named_only = self.parameters.has_named_only  # a direct call cannot tell them from positional ones
        self.static_argnames = self._names("static_argnames", static_argnames)
        self.donate_argnames = self._names("donate_argnames", donate_argnames)
        self.input_signature = None if input_signature is None else tuple(input_signature)

    def _names(self, option: str, names: Sequence[str] | str) -> tuple[str, ...]:
        given = (names,) if isinstance(names, str) else tuple(names)
        for argument in given:
            if argument not in self.parameters.names:
                raise ValueError(f"{option} has {argument!r}, which is not an argument of {self.__name__}()")
        return given

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            direct = self.direct
            if direct is None or EAGER.on or self.context.trace is not self.idle:
                return self._call(args, kwargs)
            values = args
            if kwargs:
                if self.named is None:
                    return self._call(args, kwargs)
                try:
                    values = self.named(*args, **kwargs)
                except TypeError:  # the long way says what is wrong
                    return self._call(args, kwargs)
            elif self.has_named_only:
                return self._call(args, kwargs)
            try:
                result = direct(*values)
                return self.finish(result, values) if type(result) is self.pieces else result
            except BaseException as error:
                caught = error
            return self.failed(caught, args, kwargs)
        except BaseException as error:
            hide_frames(error)
            raise

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if EAGER.on:
            return self.python_function(*args, **kwargs)
        if active_engine() is not None:
            note_reached(self.python_function)
            return self._converted(*args, **kwargs)
        return engine(choose(self, args, kwargs)).run(self, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        if self.backend != "jax" and framework_of(type(instance)) == "tensorflow":
            return self.state("tensorflow").method(instance)
        return _bind(BoundFunction, self, instance)

    # As an object: like a Python function, it is its own copy and is pickled by its name.

    def __copy__(self) -> Function:
        return self

    def __deepcopy__(self, memo: Any) -> Function:
        return self

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        counts = [f"{len(state.concrete_functions())} on {name}" for name, state in self._states.items()]
        traces = f"traces: {', '.join(counts)}" if counts else "no traces"
        return f"<ag.function {self.__qualname__}{self.parameters.signature}, {traces}>"

    def _repr_html_(self) -> str:
        rows = [
            (concrete.signature, name)
            for name, state in self._states.items()
            for concrete in state.concrete_functions()
        ]
        try:
            code = self.code
        except ConversionError:
            code = ""
        return as_html(f"ag.function {self.__qualname__}{self.parameters.signature}", rows, code)

    # What it says of itself.

    @property
    def code(self) -> str:
        """The generated source."""
        return to_code(self.python_function)

    @property
    def tracing_count(self) -> int:
        """How often the function's Python has been run to make a graph."""
        return sum(state.tracing_count for state in self._states.values())

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces that are kept, each with its signature."""
        return [concrete for state in self._states.values() for concrete in state.concrete_functions()]

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for these arguments, which may be values or specs; made and compiled ahead of time.

        Args:
            args, kwargs: values, or ``ag.TensorSpec``, ``jax.ShapeDtypeStruct`` or ``tf.TensorSpec`` in their place.
                With an ``input_signature``, they may be left out.

        Returns:
            What runs this trace when it is called, with its ``.inputs``, ``.outputs``, ``.graph`` and ``.as_text()``.

        Example:
            >>> import autograph as ag
            >>> double = ag.function(lambda x: x * 2)
            >>> concrete = double.get_concrete_function(ag.TensorSpec([3], "float32"))
            >>> concrete.inputs
            (TensorSpec(shape=(3,), dtype='float32', name='x'),)

        Raises:
            TypeError: the arguments do not fit the function or its ``input_signature``.
        """
        try:
            name = choose(self, args, kwargs)
            return self.state(name).get_concrete_function(args, kwargs)
        except BaseException as error:
            hide_frames(error)
            raise

    def clear_cache(self) -> None:
        """Forgets all traces and what was compiled for them."""
        with self.lock:
            self.direct = None
            for state in self._states.values():
                state.clear()

    # What an engine asks for.

    @property
    def converted(self) -> Callable[..., Any]:
        """The converted form of the original."""
        return self._converted

    @property
    def captured_backend(self) -> str | None:
        """The engine of the first tensor that the function captures."""
        if self._captured is None:
            self._captured = (next((name for name, _ in captured(self.python_function)), None),)
        return self._captured[0]

    def refresh_parameters(self) -> None:
        """Follows a change of the original's defaults."""
        self.parameters = Parameters(self.python_function, self.__name__)

    def state(self, name: str) -> Any:
        """What the engine called ``name`` keeps for this function, made when it first asks."""
        found = self._states.get(name)
        if found is None:
            backend = engine(name)
            with self.lock:
                found = self._states.get(name)
                if found is None:
                    found = self._states[name] = backend.prepare(self)
                    if name == "tensorflow":
                        self.__class__ = _OfTensorFlow
        return found


class _OfTensorFlow(Function):
    """A function that TensorFlow has run, with what a ``tf.function`` has besides, for programs written for that.

    A class of its own, because Python finds every attribute of an object more slowly where its class has this method.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.__dict__["_states"]["tensorflow"].graph_function, name)


def _same(result: Any, args: tuple[Any, ...]) -> Any:
    return result


_bind = functools.partial.__new__


class BoundFunction(functools.partial[Any]):
    """An ``ag.function`` of a class, bound to an instance as a method is."""

    __slots__ = ()

    func: Function

    @property
    def __self__(self) -> Any:
        return self.args[0]

    @property
    def __func__(self) -> Function:
        return self.func

    def __getattr__(self, name: str) -> Any:
        if name in ("__wrapped__", "__signature__"):  # what they say counts the instance as an argument
            raise AttributeError(name)
        return getattr(self.func, name)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.func.__doc__

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """As ``Function.get_concrete_function``, for this instance."""
        return self.func.get_concrete_function(self.args[0], *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundFunction) and self.func is other.func and self.args[0] is other.args[0]

    def __hash__(self) -> int:
        return hash((id(self.args[0]), id(self.func)))

    def __reduce__(self) -> Any:
        return getattr, (self.args[0], self.func.__name__)

    def __repr__(self) -> str:
        return f"<bound {self.func!r} of {self.args[0]!r}>"


@overload
def function(
    fn: F,
    *,
    backend: str = "auto",
    input_signature: Sequence[Any] | None = None,
    static_argnames: Sequence[str] | str = (),
    donate_argnames: Sequence[str] | str = (),
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
    static_argnames: Sequence[str] | str = (),
    donate_argnames: Sequence[str] | str = (),
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Callable[[F], F]: ...
def function(
    fn: Any = None,
    *,
    backend: str = "auto",
    input_signature: Sequence[Any] | None = None,
    static_argnames: Sequence[str] | str = (),
    donate_argnames: Sequence[str] | str = (),
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Any:
    """Converts a function and runs it as a compiled graph.

    Args:
        fn: the function.
        backend: the engine, ``"jax"`` or ``"tensorflow"``. ``"auto"`` takes that of the first tensor among the
            arguments, else among captured values, else ``ag.config.default_backend``.
        input_signature: a spec for each argument (or a nested structure of specs): ``ag.TensorSpec``,
            ``jax.ShapeDtypeStruct`` or ``tf.TensorSpec``. A call that does not fit is an error.
        static_argnames: arguments that are Python values while tracing, a new one tracing again.
        donate_argnames: arguments whose memory the call may use for its results (JAX); they cannot be used afterwards.
        jit_compile: for engines that can do without; JAX always compiles.
        reduce_retracing: generalises sizes that differ between calls, so that the next one need not be traced.
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
        ImportError: the engine's framework is not installed (when it is called).
        TypeError: a call does not fit the function or its ``input_signature``, or mixes tensors of two engines.
        ValueError: ``backend`` is not known, or ``static_argnames`` has a name that is not an argument's.
    """

    options: dict[str, Any] = {
        "backend": backend,
        "input_signature": input_signature,
        "static_argnames": static_argnames,
        "donate_argnames": donate_argnames,
        "jit_compile": jit_compile,
        "reduce_retracing": reduce_retracing,
        "name": name,
    }
    if fn is None:
        return functools.partial(function, **options)
    try:
        return Function(fn, **options)
    except ConversionError as error:
        hide_frames(error)
        raise
