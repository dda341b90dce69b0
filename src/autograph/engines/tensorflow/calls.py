"""Calls of ``ag.function`` on TensorFlow: a ``tf.function`` of the converted code, and what becomes of its result.

TensorFlow's own rules hold for the arguments: tensors by dtype and shape, Python's values as part of the signature.
"""

from __future__ import annotations

import functools
import re
import threading
import weakref
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.eager.polymorphic_function import (
    concrete_function,
    function_context,
    polymorphic_function,
    tracing_compilation,
    transform,
)
from tensorflow.python.framework.ops import EagerTensor

from ...eager import EAGER
from ...functions import BoundFunction
from ...spec import TensorSpec
from ...staging.dispatch import is_own_file
from ..base import framework_of
from ..common.failures import FAILURES, Place, raise_at
from . import xla
from .results import Parts, in_parts


class AssertionFailed(AssertionError, tf.errors.InvalidArgumentError):  # type: ignore[misc]
    """An ``assert`` of the program's that failed in a graph: Python's exception, and TensorFlow's."""

    def __init__(self, message: str) -> None:
        tf.errors.InvalidArgumentError.__init__(self, None, None, message)
        self.args = (message,) if message else ()

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> Any:
        return AssertionFailed, (self.message,)


class _Inlining(threading.local):
    """Whether a function's code is wanted in the graph that is being built, not as a function of its own."""

    on = False


_INLINING = _Inlining()


class GraphFunction(polymorphic_function.Function):  # type: ignore[misc]
    """The ``tf.function`` of one ``ag.function``; also what a ``tf.Module`` saves."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if EAGER.on or self._run_functions_eagerly:
            return self._python_function.__ag_original__(*args, **kwargs)
        if not context.executing_eagerly():
            _INLINING.on = True
            return self._python_function(*args, **kwargs)
        key = None if kwargs else _key_of(args)
        concrete = None if key is None else self._ag_known().get(key)
        failure: tuple[BaseException, Place | None]
        try:
            if concrete is not None:
                result = concrete._call_flat(list(args), concrete.captured_inputs)
            else:
                result = super().__call__(*args, **kwargs)
        except tf.errors.OpError as error:
            found = failure_of(error)
            if found is None:
                raise
            failure = found
        else:
            if concrete is None and key is not None:
                self._remember(key, args)
            return result.whole() if type(result) is Parts else result
        raise_at(*failure)

    def _ag_known(self) -> dict[Any, Any]:
        """The traces for tensors alone, found without TensorFlow's binding of the arguments."""
        return self.__dict__.setdefault("_ag_concrete", {})

    def _remember(self, key: Any, args: tuple[Any, ...]) -> None:
        options = self._no_variable_creation_config if self._created_variables else self._variable_creation_config
        if options is None or options.function_captures.capture_types:
            return
        concrete = tracing_compilation.trace_function(args, {}, options)  # it is there: the call has made it
        if len(concrete.function_type.flat_inputs) == len(args) and not concrete.graph.deferred_external_captures:
            self._ag_known()[key] = concrete


def _key_of(args: tuple[Any, ...]) -> Any:
    """What decides which trace serves a call with these arguments, if all of them are eager tensors."""
    parts: list[Any] = [function_context.make_function_context()]
    for value in args:
        if type(value) is not EagerTensor:
            return None
        parts.append((value._datatype_enum(), value._shape_tuple()))
    return tuple(parts)


class ConcreteFunction(concrete_function.ConcreteFunction):  # type: ignore[misc]
    """One trace: TensorFlow's own, with what every engine says of a trace."""

    @property
    def signature(self) -> str:
        """The arguments as text, one line."""
        parts = []
        for name, parameter in self.function_type.parameters.items():
            parts.append(f"{name}={parameter.type_constraint}" if parameter.type_constraint is not None else name)
        return ", ".join(parts)

    def as_text(self) -> str:
        """The graph as text."""
        return str(self.graph.as_graph_def())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            result = super().__call__(*args, **kwargs)
        except tf.errors.OpError as error:
            failure = failure_of(error)
            if failure is None:
                raise
        else:
            return whole(result)
        raise_at(*failure)


class Method(BoundFunction):
    """An ``ag.function`` of a ``tf.Module``, bound to an object.

    TensorFlow saves the attributes of a module that are instances of ``tf.function``'s class, and asks them for their
    traces; so that is what this says it is, and what it answers for.
    """

    __slots__ = ()

    __class__ = property(lambda self: GraphFunction)

    def __getattr__(self, name: str) -> Any:
        if name in ("__wrapped__", "__signature__"):
            raise AttributeError(name)
        return getattr(self.func.state("tensorflow").bound_to(self.args[0]), name)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.func.state("tensorflow").bound_to(self.args[0])
        return _named(bound.get_concrete_function(*_specs(args), **_specs(kwargs)))


class TensorFlowFunction:
    """What is kept for one ``ag.function``."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.graph_function = self._make()

    def _make(self) -> GraphFunction:
        function = self._function
        converted, original = function.converted, function.python_function

        @functools.wraps(original)
        def traced(*args: Any, **kwargs: Any) -> Any:
            if _INLINING.on:
                _INLINING.on = False
                return converted(*args, **kwargs)
            if function.jit_compile is None:
                xla.may_compile(tf.compat.v1.get_default_graph())
            result = in_parts(converted(*args, **kwargs))
            xla.trace_ends(tf.compat.v1.get_default_graph())
            return result

        traced.__ag_original__ = original  # type: ignore[attr-defined]
        return GraphFunction(
            traced,
            function.__name__,
            input_signature=_specs(function.input_signature),
            autograph=False,
            jit_compile=function.jit_compile,
            reduce_retracing=function.reduce_retracing,
        )

    def bound_to(self, instance: Any) -> GraphFunction:
        """The function as a method of ``instance``, with traces of its own; it does not keep the instance alive."""
        return self.graph_function.__get__(instance, type(instance))

    def method(self, instance: Any) -> Method:
        return Method(self._function, instance)

    @property
    def tracing_count(self) -> int:
        return int(self.graph_function.experimental_get_tracing_count())

    def concrete_functions(self) -> list[ConcreteFunction]:
        return [_named(concrete) for concrete in self.graph_function._list_all_concrete_functions()]

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ConcreteFunction:
        return _named(self.graph_function.get_concrete_function(*_specs(args), **_specs(kwargs)))

    def clear(self) -> None:
        self.graph_function = self._make()


def run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``function`` (an ``ag.function``) as a graph of TensorFlow's."""
    state = function.state("tensorflow")
    # A signature leaves out the instance, and a module saves the traces of its own methods.
    has_own_traces = function.input_signature is not None or (args and framework_of(type(args[0])) == "tensorflow")
    if has_own_traces and args and function.parameters.positional[:1] == ("self",):
        return state.bound_to(args[0])(*args[1:], **kwargs)
    return state.graph_function(*args, **kwargs)


def _named(concrete: Any) -> ConcreteFunction:
    if type(concrete) is concrete_function.ConcreteFunction:
        concrete.__class__ = ConcreteFunction
    return concrete


def _specs(value: Any) -> Any:
    """``value`` with TensorFlow's specs in place of the others."""
    if isinstance(value, TensorSpec):
        return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype), value.name)
    if type(value).__name__ == "ShapeDtypeStruct":
        return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_specs, value))
    if isinstance(value, list | tuple):
        return type(value)(map(_specs, value))
    if isinstance(value, dict):
        return {key: _specs(item) for key, item in value.items()}
    return value


def whole(result: Any) -> Any:
    """A function's result as Python's values."""
    if isinstance(result, Parts):
        return result.whole()
    return result


_ASSERTION = re.compile(r"assertion failed: \[(.*)\]\n", re.DOTALL)
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')


def failure_of(error: Any) -> tuple[BaseException, Place | None] | None:
    """The exception of the program's that stopped a graph, and its line; ``None`` if it is TensorFlow's own."""
    report = str(error)
    found = FAILURES.take(report)
    if found is not None:
        kept, place = found
        if type(kept) is AssertionError:
            return AssertionFailed(str(kept)), place
        return kept, place
    match = _ASSERTION.search(report + "\n")
    if match is None or not isinstance(error, tf.errors.InvalidArgumentError):
        return None
    frames = [frame for frame in _FRAME.findall(report) if not is_own_file(frame[0])]
    place = Place(frames[-1][0], int(frames[-1][1]), frames[-1][2]) if frames else None
    return AssertionFailed(_unescaped(match[1].partition("]\n")[0])), place


def _unescaped(text: str) -> str:
    """A message as it was before TensorFlow put it in its report."""
    return text.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


transform.CONCRETE_FUNCTION_CALLBACKS.append(xla.compile_if_it_pays)


_DECORATORS = {"custom_gradient": tf.custom_gradient, "recompute_grad": tf.recompute_grad}
_decorated: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def decorated_again(function: Any, convert: Callable[[Any], Any]) -> Any:
    """A function of the user's under one of TensorFlow's decorators, with that around the converted function."""
    known = _decorated.get(function)
    if known is not None:
        return known
    decorator = function._tf_decorator
    again = _DECORATORS.get(decorator.decorator_name)
    if again is None:
        return None
    target = decorator.decorated_target
    converted = convert(target)
    made = _decorated[function] = function if converted is target else again(converted)
    return made
