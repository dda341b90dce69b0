"""Calls of ``ag.function`` on TensorFlow: a ``tf.function`` of the converted code, and what becomes of its result.

TensorFlow's own rules hold for the arguments: tensors by dtype and shape, Python's values as part of the signature.
"""

from __future__ import annotations

import functools
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.eager.polymorphic_function import (
    concrete_function,
    function_type_utils,
    polymorphic_function,
    tracing_compilation,
    transform,
)

from ... import retracing
from ...backends import choose
from ...eager import EAGER
from ...functions import BoundFunction
from ...settings import config
from ...signatures import Parameters
from ...staging.calls import is_library
from ..base import engine, framework_of
from ..common.failures import FAILURES, Place, raise_at
from ..common.leaves import signature_text
from ..common.regions import raised_by_program
from . import callers, effects, xla
from .arguments import prepared, reference_to, restored
from .dispatch import THREAD, Calls, Stale, all_tensors, is_quick
from .leaks import check_leaks
from .results import Parts, in_parts
from .signatures import explain, leaves_of, leaves_of_types, specs_of


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
    """The ``tf.function`` of one ``ag.function``, or of it and one object; also what a ``tf.Module`` saves.

    Attributes:
        parameters: what it takes.
        calls: the calls that can be made again without TensorFlow's binding of the arguments.
    """

    def __init__(self, traced: Any, state: TensorFlowFunction, parameters: Parameters) -> None:
        function = state.function
        super().__init__(
            traced,
            function.__name__,
            input_signature=specs_of(function.input_signature),
            autograph=False,
            jit_compile=function.jit_compile,
            reduce_retracing=function.reduce_retracing,
        )
        self._omit_frequent_tracing_warning = True  # this package gives one of its own
        self._ag_state = weakref.ref(state)
        self.parameters = parameters
        self.calls = Calls(state.touch)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if EAGER.on or self._run_functions_eagerly:
            return self._python_function.__ag_original__(*args, **kwargs)
        if not context.executing_eagerly():
            _INLINING.on = True
            return self._python_function(*args, **kwargs)
        state = self._ag_state()
        failure: tuple[BaseException, Place | None]
        try:
            if not kwargs and not self.parameters.has_named_only:
                try:
                    return _finished(self.calls(args))
                except Stale:
                    pass
            values, ready = self.bound(args, kwargs)
            traces = -1 if state is None else state.tracing_count
            with callers.calling(values) as has_numpys:
                if has_numpys and state is not None and state.has_unseen_changes:
                    self._forget_unseen()
                result = super().__call__(*ready.args, **ready.kwargs)
        except tf.errors.OpError as error:
            found = failure_of(error)
            if found is None:
                raise
            failure = found
        else:
            if state is not None:
                if state.tracing_count == traces:
                    state.history.was_used()
                self._learn(args if not kwargs else values, ready, state, state.tracing_count != traces)
            if has_numpys and type(result) is Parts:
                result.fill(values)
            return _finished(result)
        raise_at(*failure)

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], Arguments]:
        """A value for each parameter, and the arguments as TensorFlow is to get them.

        Raises:
            TypeError: they do not fit the function, or its ``input_signature``.
        """
        signature = self.input_signature
        if signature is None:
            values = self.parameters.bind(*args, **kwargs)
            return values, self._ready(values)
        try:
            values = self.parameters.bind(*args, **kwargs)
            ready = self._ready(values)
            function_type_utils.bind_function_inputs(ready.args, ready.kwargs, self.function_type, self._default_values)
        except TypeError:
            found = explain(self._name, self.parameters, signature, args, kwargs)
            if found is None:
                raise
            raise found from None
        return values, ready

    def _ready(self, values: tuple[Any, ...]) -> Arguments:
        """The arguments as TensorFlow is to get them, from a value for each parameter."""
        count = 0 if self.input_signature is None else len(self.input_signature)  # those are cast to their specs
        return Arguments(*self.parameters.spread((*values[:count], *map(prepared, values[count:]))))

    def _learn(self, args: tuple[Any, ...], ready: Arguments, state: TensorFlowFunction, is_new: bool) -> None:
        """Sees to it that the next call like this one is made at once."""
        options = self._no_variable_creation_config if self._created_variables else self._variable_creation_config
        if options is None or options.function_captures.capture_types:
            return
        if not is_new and not is_quick(args):
            return
        concrete = tracing_compilation.trace_function(ready.args, ready.kwargs, options)  # it is there already
        if is_new:
            state.keep(self, concrete)
        takes_numbers = self.input_signature is not None and not all_tensors(args)
        if takes_numbers or self.parameters.is_variadic_at_all:
            return

        def bind(values: Any) -> Any:
            is_whole = len(values) == len(self.parameters.names)
            apart = self._ready(tuple(values) if is_whole else self.parameters.bind(*values))
            return concrete.function_type.bind(*apart.args, **apart.kwargs)

        self.calls.learn(args, concrete, bind)
        state.call_directly()

    def _forget_unseen(self) -> None:
        """Forgets the traces that do not give what they change in arrays of NumPy's, which are made again."""
        for concrete in self._list_all_concrete_functions():
            if callers.is_unseen(concrete.graph):
                self.forget(concrete)

    def forget(self, concrete: Any) -> None:
        """Forgets one trace."""
        self.calls.forget(concrete)
        with self._lock:
            for options in (self._variable_creation_config, self._no_variable_creation_config):
                if options is None or options.function_cache is None:
                    continue
                cache: Any = options.function_cache
                for (around, kind), known in list(cache._primary.items()):
                    if known is concrete:
                        cache.delete(kind, around)


class Arguments(NamedTuple):
    """The arguments of a call."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def _finished(result: Any) -> Any:
    return result.whole() if type(result) is Parts else result


class ConcreteFunction(concrete_function.ConcreteFunction):  # type: ignore[misc]
    """One trace: TensorFlow's own, with what every engine says of a trace."""

    @property
    def signature(self) -> str:
        """The arguments as text, one line."""
        parameters = self.function_type.parameters
        kinds = [parameter.type_constraint for parameter in parameters.values()]
        return signature_text(leaves_of_types(list(parameters), kinds))

    def as_text(self) -> str:
        """The graph as text."""
        return str(self.graph.as_graph_def())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if callers.changes_arguments(self.graph) and callers.has_numpys((args, kwargs)):
            callers.refuse_concrete(self.graph.name)
        try:
            result = super().__call__(*args, **kwargs)
        except tf.errors.OpError as error:
            failure = failure_of(error)
            if failure is None:
                raise
        else:
            return _finished(result)
        raise_at(*failure)

    def __repr__(self) -> str:
        return f"<trace of {self.graph.name}({self.signature})>"


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
        return _traced_ahead(bound, args, kwargs)


class TensorFlowFunction:
    """What is kept for one ``ag.function``."""

    def __init__(self, function: Any) -> None:
        self._function = weakref.ref(function)
        self.tracing_count = 0
        self.has_unseen_changes = False
        """Whether a trace for tensors changes arguments in place, which a call with arrays of NumPy's has to see."""
        self.history = retracing.History(function.__name__)
        self._bound: dict[int, tuple[Any, GraphFunction]] = {}
        self._kept: OrderedDict[int, tuple[GraphFunction, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.graph_function = self._make()
        _live.add(self)

    @property
    def function(self) -> Any:
        function = self._function()
        assert function is not None
        return function

    def _make(self) -> GraphFunction:
        function = self.function
        converted, original = function.converted, function.python_function
        parameters = function.parameters

        def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return converted(*args, **kwargs)

        traced = _traced(function, run, parameters, weakref.ref(self))
        functools.update_wrapper(traced, original)
        traced.__ag_original__ = original
        return GraphFunction(traced, self, parameters)

    def _make_bound(self, instance: Any) -> GraphFunction:
        function = self.function
        converted, original = function.converted, function.python_function
        itself = reference_to(instance)

        def signature_only() -> None:
            """Stands for the function without its first parameter."""

        signature = function.parameters.signature
        signature_only.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=list(signature.parameters.values())[1:]
        )
        parameters = Parameters(signature_only, function.__name__)

        def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return converted(itself(), *args, **kwargs)

        def eagerly(*args: Any, **kwargs: Any) -> Any:
            return original(itself(), *args, **kwargs)

        traced = _traced(function, run, parameters, weakref.ref(self))
        traced.__name__, traced.__doc__ = function.__name__, original.__doc__
        traced.__ag_original__ = eagerly
        traced.__signature__ = parameters.signature
        return GraphFunction(traced, self, parameters)

    def bound_to(self, instance: Any) -> GraphFunction:
        """The function as a method of ``instance``, with traces of its own; it does not keep the instance alive."""
        number = id(instance)
        known = self._bound.get(number)
        if known is None or known[0]() is not instance:
            with self._lock:
                known = self._bound.get(number)
                if known is None or known[0]() is not instance:
                    known = self._bound[number] = _watched(instance, self), self._make_bound(instance)
        return known[1]

    def forget_object(self, number: int) -> None:
        """Forgets the method of an object that is gone."""
        known = self._bound.get(number)
        if known is not None and known[0]() is None:
            del self._bound[number]
            for key, (owner, _) in list(self._kept.items()):
                if owner is known[1]:
                    self._kept.pop(key, None)

    def method(self, instance: Any) -> Method:
        return Method(self.function, instance)

    # Traces.

    def keep(self, owner: GraphFunction, concrete: Any) -> None:
        """Notes a trace that has been made; the one that was used least recently goes if there are too many."""
        with self._lock:
            self._kept[id(concrete)] = owner, concrete
        self.limit()

    def touch(self, concrete: Any) -> None:
        """Notes that a trace has been used."""
        with self._lock:
            if id(concrete) in self._kept:
                self._kept.move_to_end(id(concrete))

    def limit(self) -> None:
        """Keeps to ``ag.config.max_traces``."""
        limit = config.max_traces
        while limit is not None and len(self._kept) > limit:
            with self._lock:
                _, (owner, concrete) = self._kept.popitem(last=False)
            owner.forget(concrete)

    def concrete_functions(self) -> list[ConcreteFunction]:
        owners = [self.graph_function, *(bound for _, bound in list(self._bound.values()))]
        return [_named(concrete) for owner in owners for concrete in owner._list_all_concrete_functions()]

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ConcreteFunction:
        if self.has_own_traces(args):
            return _traced_ahead(self.bound_to(args[0]), args[1:], kwargs)
        return _traced_ahead(self.graph_function, args, kwargs)

    def clear(self) -> None:
        self.history.in_a_row = 0
        self._bound.clear()
        self._kept.clear()
        self.graph_function = self._make()

    # Calls.

    def has_own_traces(self, args: tuple[Any, ...]) -> bool:
        """Whether the first argument is an object whose method this is, which has a ``tf.function`` of its own."""
        # A signature leaves out the instance, and a module saves the traces of its own methods.
        function = self.function
        if not args or function.parameters.positional[:1] != ("self",):
            return False
        return function.input_signature is not None or framework_of(type(args[0])) == "tensorflow"

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function = self.function
        if not function.parameters.is_current():
            function.refresh_parameters()
            self.graph_function.parameters = function.parameters
            self.graph_function.calls.clear()
            function.direct = None
        if self.has_own_traces(args):
            return self.bound_to(args[0])(*args[1:], **kwargs)
        return self.graph_function(*args, **kwargs)

    def call_directly(self) -> None:
        """Has calls come here at once, see ``Function.direct``."""
        function = self.function
        if type(function.direct) is _Direct and function.failed == self.failed:
            return
        function.context, function.idle = THREAD, True
        function.pieces = None
        function.failed = self.failed
        function.named = None if function.parameters.is_variadic_at_all else function.parameters.bind_as_now
        function.direct = _Direct(self)

    def failed(self, error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a direct call ends with that has raised ``error``."""
        if isinstance(error, Stale):
            return engine(choose(self.function, args, kwargs)).run(self.function, args, kwargs)
        if isinstance(error, tf.errors.OpError):
            found = failure_of(error)
            if found is not None:
                raise_at(*found)
        raise error


class _Direct:
    """What a function calls first whose calls have been on TensorFlow."""

    __slots__ = ("_calls", "_function", "_history", "_parameters")

    def __init__(self, state: TensorFlowFunction) -> None:
        self._calls, self._history = state.graph_function.calls, state.history
        self._parameters = state.graph_function.parameters

    def __call__(self, *args: Any) -> Any:
        if not self._parameters.is_current():
            raise Stale
        result = self._calls(args)
        self._history.in_a_row = 0
        return result.whole() if type(result) is Parts else result


def _traced(
    function: Any,
    run: Callable[[tuple[Any, ...], dict[str, Any]], Any],
    parameters: Parameters,
    state: weakref.ref[TensorFlowFunction],
) -> Any:
    """What TensorFlow traces: ``run``, with the arguments as the program has them."""
    may_choose = function.jit_compile is None

    def traced(*args: Any, **kwargs: Any) -> Any:
        if _INLINING.on:
            _INLINING.on = False
            return run(args, kwargs)
        args, kwargs = restored(args), restored(kwargs)
        values = parameters.bind(*args, **kwargs)
        _was_traced(state(), parameters, values)
        graph = tf.compat.v1.get_default_graph()
        if may_choose:
            xla.may_compile(graph)
        with callers.Watch(values) as watch:
            try:
                result = run(args, kwargs)
            except Exception as error:
                if not getattr(graph, "_ag_effects", None) or not raised_by_program(error):
                    raise
                effects.raise_when_run(error)  # what comes before it in the program has to happen first
                result = None
        result = in_parts(result, watch.fills(graph))
        if callers.is_unseen(graph) and (owner := state()) is not None:
            owner.has_unseen_changes = True
        check_leaks(graph)
        xla.trace_ends(graph)
        return result

    return traced


def _was_traced(state: TensorFlowFunction | None, parameters: Parameters, values: tuple[Any, ...]) -> None:
    if state is None:
        return
    state.tracing_count += 1
    state.history.was_traced(leaves_of(parameters.names, values), ())


def _traced_ahead(function: GraphFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ConcreteFunction:
    given, named = specs_of(args), specs_of(kwargs)
    state = function._ag_state()
    traces = -1 if state is None else state.tracing_count
    if function.input_signature is not None and not given and not named:
        concrete = function.get_concrete_function()
    else:
        _, ready = function.bound(given, named)
        concrete = function.get_concrete_function(*ready.args, **ready.kwargs)
    if state is not None and state.tracing_count != traces:
        state.keep(function, concrete)
    return _named(concrete)


def _watched(instance: Any, state: TensorFlowFunction) -> Any:
    """What gives ``instance`` as long as it lives, and has its method forgotten when it does not."""
    number, owner = id(instance), weakref.ref(state)

    def gone(_: Any) -> None:
        found = owner()
        if found is not None:
            found.forget_object(number)

    try:
        return weakref.ref(instance, gone)
    except TypeError:
        return lambda: instance


_live: weakref.WeakSet[TensorFlowFunction] = weakref.WeakSet()


def limit_traces() -> None:
    """Has the functions that there are keep to ``ag.config.max_traces``."""
    for state in list(_live):
        state.limit()


def run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``function`` (an ``ag.function``) as a graph of TensorFlow's."""
    return function.state("tensorflow").run(args, kwargs)


def _named(concrete: Any) -> ConcreteFunction:
    if type(concrete) is concrete_function.ConcreteFunction:
        concrete.__class__ = ConcreteFunction
    return concrete


_ASSERTION = re.compile(r"assertion failed: \[(.*)\]\n", re.DOTALL)
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')


def failure_of(error: Any) -> tuple[BaseException, Place | None] | None:
    """The exception of the program's that stopped a graph, and its line; ``None`` if it is TensorFlow's own."""
    report = str(error)
    found = FAILURES.take(report)
    if found is not None:
        kept, place = found
        if type(kept) is AssertionError:
            failed = AssertionFailed(str(kept))
            for note in getattr(kept, "__notes__", ()):
                failed.add_note(note)
            return failed, place
        return kept, place
    if not isinstance(error, tf.errors.InvalidArgumentError | tf.errors.OutOfRangeError):
        return None
    frames = [frame for frame in _FRAME.findall(report) if not is_library(frame[0])]
    place = Place(frames[-1][0], int(frames[-1][1]), frames[-1][2]) if frames else None
    of_list = _LIST_OPERATION.search(report)
    if of_list is not None:
        return IndexError(_COMPLAINTS[of_list[1]]), place
    match = _ASSERTION.search(report + "\n")
    if match is None:
        return None
    text, *iterations = match[1].partition("]\n")[0].split(effects.ITERATION)
    failed = AssertionFailed(_unescaped(text))
    if iterations:
        said = ", ".join(f"iteration {_unescaped(' '.join(part.split('] [', 1)))}" for part in iterations)
        failed.add_note(f"In {said}; the first iteration is 0")
    return failed, place


_COMPLAINTS = {
    "item_of_list": "list index out of range",
    "put_into_list": "list assignment index out of range",
    "pop_of_list": "pop from empty list",
}
"""What Python says where an operation of this name fails."""

_LIST_OPERATION = re.compile(rf"node (?:[^ ]*/)?({'|'.join(_COMPLAINTS)})(?:_\d+)?\b")


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
