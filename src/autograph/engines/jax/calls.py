"""Calls of ``ag.function`` on JAX.

``jax.jit`` tells signatures apart and finds what was compiled for them, in C++. What it cannot know is done here: which
arguments are static, and what a trace depends on outside its arguments. A function that has neither is called by
``jax.jit`` alone, without a look at the arguments (``Function.direct``).
"""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax

from ... import backends
from ...config import config
from ...functions import Function
from ...signatures import NO_DEFAULT
from ..base import engine
from ..common.failures import raise_at
from . import callbacks
from .arguments import (
    DYNAMIC,
    FIELDS,
    STATIC,
    Default,
    Forced,
    expanded,
    is_same_value,
    kind_of,
    static_key,
    watch,
)
from .concrete import JaxConcrete, leaves_of
from .results import Parts
from .specs import Signature
from .traces import LOCAL, caller_arguments, run_python
from .types import NUMBERS

_EXACT = frozenset(NUMBERS)
_MOST_VARIANTS = 32
"""Of one signature with different values outside; the one used least recently is forgotten."""


class _Stale(Exception):
    """What the trace depends on outside is not what it was."""


class _Unsure(Exception):
    """An argument that ``jax.jit`` takes for a number may be more than that."""


class Entry:
    """One choice of static arguments: what is traced, and the traces for it.

    Attributes:
        structure, places: the tree of all arguments and which of its leaves are static; ``None`` where all are traced,
            and ``jax.jit`` gets the arguments themselves.
        variants: the traces, by what they depend on outside; the last one that was used comes first.
    """

    __slots__ = ("keeps", "key", "numbers", "places", "structure", "variants")

    def __init__(self, key: Any, structure: Any, places: tuple[int, ...]) -> None:
        self.key, self.structure, self.places = key, structure, places
        self.variants: list[Variant] = []
        self.keeps: list[Any] = []
        self.numbers: list[int] = []

    def values(self, payload: Sequence[Any], statics: Sequence[Any]) -> tuple[Any, ...]:
        """The values of the parameters, from traced and static leaves."""
        if self.structure is None:
            return tuple(payload)
        leaves: list[Any] = []
        dynamic, static = iter(payload), dict(zip(self.places, statics, strict=True))
        for index in range(self.structure.num_leaves):
            leaves.append(static[index] if index in static else next(dynamic))
        values: tuple[Any, ...] = jax.tree_util.tree_unflatten(self.structure, leaves)
        return values

    def as_tree(self, payload: tuple[Any, ...]) -> Any:
        """What is traced, as a pytree of arrays alone."""
        return expanded(payload) if self.structure is None else payload


class Variant:
    """What was traced under one set of conditions outside. ``jax.jit`` keeps one graph for each type of the arguments.

    Attributes:
        call: what ``jax.jit`` made; takes the arrays read outside, if there are any, and the traced arguments.
        read: reads those arrays; ``None`` where nothing outside matters. Gives ``None`` when the trace does not hold.
    """

    def __init__(self, state: JaxFunction, entry: Entry) -> None:
        self._state, self._entry = weakref.ref(state), entry
        self.read: Callable[[Sequence[Any]], tuple[Any, ...] | None] | None = None
        self.takes_state = False
        self.is_retired = False
        self._plan: Any = None
        self._jaxpr: Any = None
        self._structure: Any = None
        self._inputs: list[int | None] = []
        self.call = self._compiled(self._trace, 0)

    def _compiled(self, trace: Callable[..., Any], offset: int) -> Any:
        state = self.state
        donated = state.donated(self._entry, offset)

        def traced(*payload: Any) -> Any:
            return trace(*payload)

        traced.__name__ = traced.__qualname__ = state.function.__name__
        return jax.jit(traced, donate_argnums=donated) if donated else jax.jit(traced)

    @property
    def state(self) -> JaxFunction:
        state = self._state()
        assert state is not None
        return state

    def _run(self, payload: Sequence[Any]) -> Any:
        state, statics = self.state, LOCAL.statics
        outcome = run_python(state.function, self._entry.values(payload, statics), statics)
        state.was_traced(self._entry, self, payload, statics, outcome)
        return outcome

    def _trace(self, *payload: Any) -> Any:
        """What ``jax.jit`` traces where no array outside is read."""
        if self._entry.structure is None:
            self.state.check_numbers(payload)
        outcome = self._run(payload)
        if self._plan is None:
            self._plan = outcome.plan
        elif LOCAL.is_looking:
            pass
        elif outcome.plan.has_arrays or self._differs(outcome.plan):
            # Right for this call; the next one traces with what this trace has found.
            self.state.retire(self)
        return outcome.result

    def _differs(self, plan: Any) -> bool:
        plan.adopt(_NO_CONSTANTS)
        return bool(plan.form() != self._plan.form())

    def _trace_with_state(self, arrays: tuple[Any, ...], *payload: Any) -> Any:
        """What ``jax.jit`` traces where arrays outside are read: the jaxpr, with its constants as arguments."""
        jaxpr, structure, inputs = self._jaxpr, self._structure, self._inputs
        leaves = jax.tree_util.tree_leaves(self._entry.as_tree(payload))
        if jaxpr is None or [_type(v) for v in leaves] != [_type(a) for a in jaxpr.in_avals]:
            jaxpr, structure, plan = self._trace_apart(payload)
            inputs = plan.adopt(jaxpr)
            if plan.form() != self._plan.form():
                self.state.retire(self)
                inputs = [None] * len(jaxpr.consts)
        self._jaxpr = None
        constants = [
            constant if index is None else arrays[index] for constant, index in zip(jaxpr.consts, inputs, strict=True)
        ]
        out = jax.core.eval_jaxpr(jaxpr.jaxpr, constants, *leaves)
        return jax.tree_util.tree_unflatten(structure, out)

    def _trace_apart(self, payload: Sequence[Any]) -> tuple[Any, Any, Any]:
        leaves, form = jax.tree_util.tree_flatten(self._entry.as_tree(tuple(payload)))
        seen: list[Any] = []

        def run(*values: Any) -> Any:
            outcome = self._run(jax.tree_util.tree_unflatten(form, values))
            flat, structure = jax.tree_util.tree_flatten(outcome.result)
            seen.extend((structure, outcome.plan))
            return flat

        structs = [jax.ShapeDtypeStruct(v.shape, v.dtype, weak_type=_type(v)[2]) for v in leaves]
        jaxpr = jax.make_jaxpr(run)(*structs)
        return jaxpr, seen[0], seen[1]

    def prepare(self, payload: Sequence[Any]) -> None:
        """Traces for the first time, and finds out what of the outside matters."""
        traced = self.call.trace(*payload)
        jaxpr = traced.jaxpr
        self._inputs = self._plan.adopt(jaxpr)
        self.read = self._plan.read
        if self._plan.inputs:
            self.takes_state = True
            self._jaxpr, self._structure = jaxpr, traced.out_tree
            self.call = self._compiled(self._trace_with_state, 1)

    def stale_places(self, statics: Sequence[Any]) -> list[str]:
        return self._plan.differences(statics) if self._plan is not None else []


class _NoConstants:
    class jaxpr:  # noqa: N801 - stands for one
        eqns = ()

    consts = ()


_NO_CONSTANTS = _NoConstants()


def _type(value: Any) -> tuple[Any, ...]:
    aval = value if isinstance(value, jax.core.ShapedArray) else jax.typeof(value)
    return aval.shape, aval.dtype, bool(aval.weak_type)


class JaxFunction:
    """What is kept for one ``ag.function``: its entries, and how its calls get to them."""

    def __init__(self, function: Function) -> None:
        self._function = weakref.ref(function)
        self.entries: OrderedDict[Any, Entry] = OrderedDict()
        self.traces: OrderedDict[Any, JaxConcrete] = OrderedDict()
        self.tracing_count = 0
        self._number_defaults: list[tuple[int, Any]] = []
        self._refresh_defaults()
        names = function.parameters.names
        self.signature = None if function.input_signature is None else Signature(function)
        self._forced = [names.index(name) for name in function.static_argnames]
        self._by_identity: dict[int, set[Any]] = {}
        self._watches: dict[int, Any] = {}
        _live.add(self)

    @property
    def function(self) -> Function:
        function = self._function()
        assert function is not None
        return function

    def _refresh_defaults(self) -> None:
        self._number_defaults = [
            (index, default)
            for index, default in enumerate(self.function.parameters.defaults)
            if default is not NO_DEFAULT and any(type(leaf) in NUMBERS for leaf in jax.tree_util.tree_leaves(default))
        ]

    # Calls.

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function = self.function
        if not function.parameters.is_current():
            function.refresh_parameters()
            self._refresh_defaults()
        if self.signature is not None:
            return self.call(self.signature.bind(args, kwargs))
        return self.call(function.parameters.bind(*args, **kwargs))

    def call(self, values: tuple[Any, ...]) -> Any:
        """Calls with one value for each parameter."""
        key, structure, places, payload, statics = self.split(values)
        before = LOCAL.statics
        LOCAL.statics = statics
        try:
            result = self._call(key, structure, places, payload, statics)
            return result.whole(statics, values) if type(result) is Parts else result
        except jax.errors.JaxRuntimeError as error:
            failure = callbacks.FAILURES.take(str(error))
            if failure is None:
                raise
        finally:
            LOCAL.statics = before
        raise_at(*failure)

    def _call(self, key: Any, structure: Any, places: Any, payload: Sequence[Any], statics: Sequence[Any]) -> Any:
        entry = self.entries.get(key)
        if entry is not None:
            for variant in entry.variants:
                if variant.read is None:
                    return variant.call(*payload)
                arrays = variant.read(statics)
                if arrays is not None:
                    if variant is not entry.variants[0]:
                        self._use_first(entry, variant)
                    return variant.call(arrays, *payload) if variant.takes_state else variant.call(*payload)
        with self.function.lock:
            entry = self.entries.get(key)
            if entry is None:
                entry = self._new_entry(key, structure, places, statics)
            found, arrays = self._find(entry, statics)
            variant = self._new_variant(entry, payload, statics) if found is None else found
            if found is None and variant.read is not None:
                arrays = variant.read(statics)
        return variant.call(arrays, *payload) if variant.takes_state else variant.call(*payload)

    def _find(self, entry: Entry, statics: Sequence[Any]) -> tuple[Variant | None, Any]:
        for variant in entry.variants:
            arrays = () if variant.read is None else variant.read(statics)
            if arrays is not None:
                return variant, arrays
        return None, None

    def _use_first(self, entry: Entry, variant: Variant) -> None:
        with self.function.lock:
            if variant in entry.variants:
                entry.variants.remove(variant)
                entry.variants.insert(0, variant)
        self._choose_direct(entry, variant)

    def split(self, values: tuple[Any, ...]) -> tuple[Any, Any, tuple[int, ...], Sequence[Any], Sequence[Any]]:
        """The key of a call, what is traced of its arguments, and what is static."""
        marked: Any = values
        if self._forced or self._number_defaults:
            changed = list(values)
            for index, default in self._number_defaults:
                value = values[index]
                if value is default or is_same_value(value, default):
                    changed[index] = Default(value)
            for index in self._forced:
                changed[index] = Forced(values[index])
            marked = tuple(changed)
        leaves, structure = jax.tree_util.tree_flatten(marked)
        kinds = [DYNAMIC if type(leaf) in _EXACT else kind_of(leaf) for leaf in leaves]
        if FIELDS in kinds:
            marked = expanded(marked)
            leaves, structure = jax.tree_util.tree_flatten(marked)
            kinds = [kind_of(leaf) for leaf in leaves]
        if STATIC not in kinds:
            return self._bounded(None, leaves), None, (), marked, ()
        seen: list[Any] = []
        places = tuple([index for index, kind in enumerate(kinds) if kind == STATIC])
        keys = tuple([static_key(leaves[index], seen.append) for index in places])
        statics = [leaf.value if isinstance(leaf, Forced) else leaf for leaf in map(leaves.__getitem__, places)]
        payload = [leaf for leaf, kind in zip(leaves, kinds, strict=True) if kind != STATIC]
        return self._bounded((structure, places, keys), payload), structure, places, payload, statics

    def _bounded(self, key: Any, leaves: Sequence[Any]) -> Any:
        """The key, with the types of the arguments in it where each trace has to be counted for itself."""
        if config.max_traces is None:
            return key
        key = key, tuple([(type(leaf), _type_of_argument(leaf)) for leaf in leaves])
        if key in self.entries:
            self.entries.move_to_end(key)
        return key

    # Entries.

    def donated(self, entry: Entry, offset: int) -> tuple[int, ...]:
        """The places of what is traced that a call may use up; ``offset`` arguments come before."""
        names, wanted = self.function.parameters.names, self.function.donate_argnames
        if not wanted:
            return ()
        if entry.structure is None:
            return tuple([index + offset for index, name in enumerate(names) if name in wanted])
        leaves: list[int] = []
        for name, part in zip(names, entry.structure.children(), strict=True):
            leaves += [name in wanted] * part.num_leaves
        traced = [flag for index, flag in enumerate(leaves) if index not in entry.places]
        return tuple([index + offset for index, flag in enumerate(traced) if flag])

    def _new_entry(self, key: Any, structure: Any, places: tuple[int, ...], statics: Sequence[Any]) -> Entry:
        entry = self.entries[key] = Entry(key, structure, places)
        seen: list[Any] = []
        for value in statics:
            static_key(value, seen.append)
        for value in seen:
            number = id(value)
            entry.numbers.append(number)
            self._by_identity.setdefault(number, set()).add(key)
            if number not in self._watches:
                self._watches[number] = watch(value, functools.partial(_forget, weakref.ref(self)))
        if config.max_traces is not None:
            while len(self.entries) > config.max_traces:
                self.forget_entry(next(iter(self.entries)))
        return entry

    def _new_variant(self, entry: Entry, payload: Sequence[Any], statics: Sequence[Any]) -> Variant:
        variant = Variant(self, entry)
        self.stale = entry.variants[0].stale_places(statics) if entry.variants else []
        variant.prepare(payload)
        entry.variants.insert(0, variant)
        del entry.variants[_MOST_VARIANTS:]
        self._choose_direct(entry, variant)
        return variant

    def retire(self, variant: Variant) -> None:
        """Keeps a trace from being used again."""
        with self.function.lock:
            self.function.direct = None
            for entry in self.entries.values():
                if variant in entry.variants:
                    entry.variants.remove(variant)

    def forget_entry(self, key: Any) -> None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        for number in entry.numbers:
            keys = self._by_identity.get(number)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._by_identity[number]
                    self._watches.pop(number, None)
        for trace in [trace for trace, concrete in list(self.traces.items()) if concrete.entry_key == key]:
            self.traces.pop(trace, None)

    def forget_object(self, number: int) -> None:
        """Forgets what was traced for an object that is gone."""
        for key in list(self._by_identity.get(number, ())):
            self.forget_entry(key)
        self._watches.pop(number, None)

    def clear(self) -> None:
        self.function.direct = None
        self.entries.clear()
        self.traces.clear()
        self._by_identity.clear()
        self._watches.clear()

    # Direct calls.

    def _choose_direct(self, entry: Entry, variant: Variant) -> None:
        """Lets calls reach ``jax.jit`` at once, if nothing but the arrays among their arguments matters."""
        function = self.function
        if (
            entry.key is not None
            or not function.parameters.is_plain
            or self._forced
            or function.input_signature is not None
        ):
            return
        function.context, function.idle = _TRACING, _IDLE
        function.pieces = Parts
        function.finish = _finish
        function.failed = self.failed
        read, call = variant.read, variant.call
        if read is None:
            function.direct = _exact(call) if self.has_numbers else call
        else:
            function.direct = _reading(read, call, variant.takes_state, self.has_numbers)

    has_numbers = False
    """Whether direct calls have been traced with Python numbers, for which an enumeration member might be taken."""

    stale: Sequence[str] = ()
    """The places outside whose change made the trace that is being made necessary."""

    def check_numbers(self, payload: Sequence[Any]) -> None:
        """Sees to it that nothing but a number is ever taken for one, when a call is traced with one first."""
        if self.has_numbers or not any(_is_weak_scalar(leaf) for leaf in jax.tree_util.tree_leaves(payload)):
            return
        self.has_numbers = True
        function = self.function
        args = caller_arguments(Function.__call__.__code__)
        if function.direct is not None and args is not None:
            function.direct = _exact(function.direct)
            if any(kind_of(leaf) != DYNAMIC for leaf in jax.tree_util.tree_leaves(args)):
                raise _Unsure

    def failed(self, error: BaseException, args: tuple[Any, ...]) -> Any:
        """What a direct call ends with that has raised ``error``."""
        if isinstance(error, _Stale | _Unsure):
            return self.run(args, {})
        if isinstance(error, jax.errors.JaxRuntimeError):
            failure = callbacks.FAILURES.take(str(error))
            if failure is None:
                raise error
            raise_at(*failure)
        if isinstance(error, TypeError | ValueError) and not _is_all_arrays(args):
            # Some argument is not for JAX to look at: nothing has run yet.
            return engine(backends.choose(self.function, args, {})).run(self.function, args, {})
        raise error

    # Traces.

    def was_traced(
        self, entry: Entry, variant: Variant, payload: Sequence[Any], statics: Sequence[Any], outcome: Any
    ) -> None:
        """Notes a trace."""
        if LOCAL.is_looking:
            return
        self.tracing_count += 1
        leaves = leaves_of(self.function.parameters.names, entry, payload, statics)
        concrete = JaxConcrete(self, entry, variant, payload, leaves)
        self.traces[entry.key, id(variant), tuple([leaf[:2] for leaf in leaves])] = concrete
        self.stale = ()

    def concrete_functions(self) -> list[JaxConcrete]:
        return list(self.traces.values())

    def trace_again(self, variant: Variant, structs: Any, statics: Sequence[Any] | None) -> Any:
        """JAX's record of a trace; it remembers what it has traced."""
        before = LOCAL.statics, LOCAL.is_looking
        LOCAL.statics, LOCAL.is_looking = () if statics is None else statics, True
        try:
            if variant.takes_state:
                arrays = variant.read(LOCAL.statics) if variant.read is not None else ()
                return variant.call.trace(arrays, *structs)
            return variant.call.trace(*structs)
        finally:
            LOCAL.statics, LOCAL.is_looking = before

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> JaxConcrete:
        raise NotImplementedError

    def call_concrete(self, concrete: JaxConcrete, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = concrete.complete(args, kwargs, self.function)
        return self.call(values)


def _forget(state: weakref.ref[JaxFunction], number: int) -> None:
    found = state()
    if found is not None:
        found.forget_object(number)


_live: weakref.WeakSet[JaxFunction] = weakref.WeakSet()


def limit_traces() -> None:
    """Makes the functions that there are follow a changed ``config.max_traces``."""
    for state in list(_live):
        function = state._function()
        if function is not None:
            with function.lock:
                state.clear()


def _finish(result: Any, args: tuple[Any, ...]) -> Any:
    return result.whole((), args)


def _exact(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, for arguments that are what they seem: a member of an ``IntEnum`` is no number to this package."""

    def exact(*args: Any) -> Any:
        if _SIMPLE.issuperset(map(type, args)) or _is_exact(args):
            return call(*args)
        raise _Unsure

    return exact


def _is_exact(args: tuple[Any, ...]) -> bool:
    leaves = jax.tree_util.tree_leaves(args)
    return _SIMPLE.issuperset(map(type, leaves)) or all(kind_of(leaf) == DYNAMIC for leaf in leaves)


_SIMPLE = frozenset((*NUMBERS, type(jax.numpy.zeros(()))))


def _reading(
    read: Callable[[Sequence[Any]], tuple[Any, ...] | None], call: Callable[..., Any], takes_state: bool, exact: bool
) -> Callable[..., Any]:
    """``call`` with what it reads outside, if that is still what it was traced for."""

    def reading(*args: Any) -> Any:
        arrays = read(())
        if arrays is None:
            raise _Stale
        return call(arrays, *args)

    def guarded(*args: Any) -> Any:
        if read(()) is None:
            raise _Stale
        return call(*args)

    chosen = reading if takes_state else guarded
    return _exact(chosen) if exact else chosen


def _is_weak_scalar(leaf: Any) -> bool:
    return not getattr(leaf, "shape", ()) and bool(getattr(jax.typeof(leaf), "weak_type", False))


def _type_of_argument(leaf: Any) -> Any:
    aval = jax.typeof(leaf)
    return aval.shape, aval.dtype, aval.weak_type


def _is_all_arrays(args: tuple[Any, ...]) -> bool:
    return all(kind_of(leaf) == DYNAMIC for leaf in jax.tree_util.tree_leaves(args))


class _AskEachTime:
    """Tells whether JAX is tracing where its own record of that cannot be looked at."""

    @property
    def trace(self) -> bool:
        return isinstance(jax.numpy.zeros(()) + 0, jax.core.Tracer)


try:
    from jax._src import core as _core

    _TRACING: Any = _core.trace_ctx
    _IDLE: Any = _core.eval_trace
except (ImportError, AttributeError):  # pragma: no cover - another version of JAX
    _TRACING, _IDLE = _AskEachTime(), False


def run(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls ``function`` (an ``ag.function``) as a compiled graph."""
    return function.state("jax").run(args, kwargs)

