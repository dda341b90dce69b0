"""Calls of ``ag.function`` on JAX.

``jax.jit`` tells signatures apart and finds what was compiled for them, in C++. What it cannot know is done here: which
arguments are static, and what a trace depends on outside its arguments. A function that has neither is called by
``jax.jit`` alone, without a look at the arguments (``Function.direct``).
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax

from ... import backends, retracing
from ...functions import Function
from ...settings import config
from ...signatures import NO_DEFAULT
from ...spec import TensorSpec, with_specs
from ...syntax.compiler import is_converted
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
from .growing import Growth
from .leaks import check_leaks, explain_leak
from .outside import mixes_precisions
from .patterns import Pattern, filled, generalised, with_open
from .quick import Calls, Stale, fitting
from .results import Parts
from .specs import Signature, canonical, structs_of
from .traces import LOCAL, TRACING, caller_arguments, run_python
from .types import NUMBERS, convert, type_of

_EXACT = frozenset(NUMBERS)
_MOST_VARIANTS = 32
"""Of one signature with different values outside; the one used least recently is forgotten."""


class _Unsure(Exception):
    """An argument that ``jax.jit`` takes for a number may be more than that."""


class Entry:
    """One choice of static arguments: what is traced, and the traces for it.

    Attributes:
        structure, places: the tree of all arguments and which of its leaves are static; ``None`` where all are traced,
            and ``jax.jit`` gets the arguments themselves.
        variants: the traces, by what they depend on outside; the last one that was used comes first.
    """

    __slots__ = ("key", "numbers", "places", "structure", "tried", "variants")

    def __init__(self, key: Any, structure: Any, places: tuple[int, ...]) -> None:
        self.key, self.structure, self.places = key, structure, places
        self.variants: list[Variant] = []
        self.numbers: list[int] = []
        self.tried: list[Pattern] = []

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

    def signature(self, names: Sequence[str], offset: int) -> inspect.Signature:
        """The names of what is traced, ``offset`` arrays from outside before the arguments."""
        if self.structure is None:
            own = list(names)
        else:
            numbers = jax.tree_util.tree_unflatten(self.structure, range(self.structure.num_leaves))
            found = [
                names[path[0].idx] if path and isinstance(path[0], jax.tree_util.SequenceKey) else "argument"
                for path, _ in jax.tree_util.tree_flatten_with_path(numbers)[0]
            ]
            own = [name for index, name in enumerate(found) if index not in self.places]
        taken: dict[str, int] = {}
        out = []
        for name in (["outside"] * offset) + own:
            count = taken[name] = taken.get(name, 0) + 1
            out.append(name if count == 1 else f"{name}_{count}")
        return inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in dict.fromkeys(out)]
        )

    def as_tree(self, payload: tuple[Any, ...]) -> Any:
        """What is traced, as a pytree of arrays alone."""
        return expanded(payload) if self.structure is None else payload


class Variant:
    """What was traced under one set of conditions outside. ``jax.jit`` keeps one graph for each type of the arguments.

    Attributes:
        call: what ``jax.jit`` made; takes the arrays read outside, if there are any, and the traced arguments.
        read: reads those arrays; ``None`` where nothing outside matters. Gives ``None`` when the trace does not hold.
        pattern: the shapes that it is for, where ``jax.jit`` does not see to that.
        symbolic: JAX's record of a trace with open sizes.
    """

    def __init__(self, state: JaxFunction, entry: Entry) -> None:
        self._state, self._entry = weakref.ref(state), entry
        self.read: Callable[[Sequence[Any]], tuple[Any, ...] | None] | None = None
        self.takes_state = False
        self.pattern: Pattern | None = None
        self.symbolic: Any = None
        self.text = ""
        self._plan: Any = None
        self._jaxpr: Any = None
        self._structure: Any = None
        self._inputs: list[int | None] = []
        self.growth = Growth(state.sizes)
        self._is_prepared = False
        self.jitted = self._compiled(self._trace, 0)
        self.call: Callable[..., Any] = self.jitted

    def _compiled(self, trace: Callable[..., Any], offset: int) -> Any:
        state = self.state
        donated = state.donated(self._entry, offset)

        def traced(*payload: Any) -> Any:
            return trace(*payload)

        traced.__name__ = traced.__qualname__ = state.function.__name__
        # JAX's messages then speak of the user's function and arguments.
        traced.__wrapped__ = state.function.python_function  # type: ignore[attr-defined]
        traced.__signature__ = self._entry.signature(state.function.parameters.names, offset)  # type: ignore[attr-defined]
        return jax.jit(traced, donate_argnums=donated) if donated else jax.jit(traced)

    @property
    def state(self) -> JaxFunction:
        state = self._state()
        assert state is not None
        return state

    def _run(self, payload: Sequence[Any]) -> Any:
        state, statics = self.state, LOCAL.statics if self._entry.places else ()
        outcome = run_python(state.function, self._entry.values(payload, statics), statics, self.growth)
        if self.growth.grows and self.call is self.jitted and self._is_prepared:
            state.retire(self)  # the call may have to be repeated, which nobody has prepared for
            raise Stale
        if not self.growth.is_repeat:
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

    def _trace_built(self, *payload: Any) -> Any:
        """What ``jax.jit`` traces where arrays outside are read, or sizes are open: the jaxpr of the first trace.

        Its constants become the arrays that were read, and its open sizes those of this call.
        """
        arrays, payload = (payload[0], payload[1:]) if self.takes_state else ((), payload)
        jaxpr, structure, inputs = self._jaxpr, self._structure, self._inputs
        leaves = jax.tree_util.tree_leaves(self._entry.as_tree(payload))
        if jaxpr is not None and self.symbolic is not None:
            assert self.pattern is not None
            sizes = self.pattern.solve(leaves)
            jaxpr = None if sizes is None else filled(jaxpr, sizes)
        if jaxpr is None or not self._is_for(jaxpr, arrays, leaves):
            jaxpr, structure, plan = self._trace_apart(payload)
            inputs = plan.adopt(jaxpr)
            if plan.form() != self._plan.form():
                self.state.retire(self)
                inputs = [None] * len(jaxpr.consts)
        constants = []
        for constant, index in zip(jaxpr.consts, inputs, strict=True):
            kind = None if index is None else type_of(constant)
            constants.append(constant if index is None or kind is None else convert(arrays[index], kind))
        out = jax.core.eval_jaxpr(jaxpr.jaxpr, constants, *leaves)
        return jax.tree_util.tree_unflatten(structure, out)

    def _is_for(self, jaxpr: Any, arrays: Sequence[Any], leaves: Sequence[Any]) -> bool:
        if [_type(leaf) for leaf in leaves] != [_type(aval) for aval in jaxpr.in_avals]:
            return False
        for constant, index in zip(jaxpr.consts, self._inputs, strict=True):
            if index is None:
                continue
            now, then = _type(arrays[index]), _type(constant)
            if now != then and (now is None or now[:2] != then[:2] or mixes_precisions(jaxpr.jaxpr)):
                return False
        return True

    def _trace_apart(self, payload: Sequence[Any]) -> tuple[Any, Any, Any]:
        leaves, form = jax.tree_util.tree_flatten(self._entry.as_tree(tuple(payload)))
        seen: list[Any] = []

        def run(*values: Any) -> Any:
            outcome = self._run(jax.tree_util.tree_unflatten(form, values))
            flat, structure = jax.tree_util.tree_flatten(outcome.result)
            seen.extend((structure, outcome.plan))
            return flat

        structs = [jax.ShapeDtypeStruct(v.shape, v.dtype, weak_type=bool(jax.typeof(v).weak_type)) for v in leaves]
        jaxpr = jax.make_jaxpr(run)(*structs)
        return jaxpr, seen[0], seen[1]

    def prepare(self, payload: Sequence[Any], pattern: Pattern | None) -> None:
        """Traces for the first time, and finds out what of the outside matters."""
        self.pattern = pattern
        is_open = pattern is not None and bool(pattern.letters)
        if pattern is not None and is_open:
            leaves, form = jax.tree_util.tree_flatten(self._entry.as_tree(tuple(payload)))
            payload = self._entry.as_tree(jax.tree_util.tree_unflatten(form, pattern.structs(leaves)))
        self.growth.has_open_sizes = is_open
        traced = self.jitted.trace(*payload)
        self.growth.has_open_sizes = False
        jaxpr = traced.jaxpr
        check_leaks(jaxpr, getattr(traced, "_consts", ()))
        self._inputs = self._plan.adopt(jaxpr)
        self.read = self._plan.read
        self.takes_state = bool(self._plan.inputs)
        self.text = str(jaxpr) if self._plan.growing else ""
        if self.takes_state or is_open:
            self._jaxpr, self._structure = jaxpr, traced.out_tree
            self.symbolic = traced if is_open else None
            self.jitted = self._compiled(self._trace_built, 1 if self.takes_state else 0)
        self.call = self._repeating if self.growth.grows else self.jitted
        self._is_prepared = True

    def _repeating(self, *payload: Any) -> Any:
        """Calls until the lists that grow have had room."""

        def attempt() -> Any:
            result = self.jitted(*payload)
            return (result, result.form.rooms, result.sizes()) if type(result) is Parts else (result, (), ())

        def again() -> None:
            self._jaxpr = None
            built = self.takes_state or self.symbolic is not None
            self.jitted = self._compiled(self._trace_built if built else self._trace, 1 if self.takes_state else 0)

        return self.growth.call(attempt, again)

    def forget_growth(self, before: Variant, stale: Sequence[str]) -> None:
        """Stops guarding a list that grows with each call, if another length has made no difference to the graph."""
        if self.text and self.text == before.text and all(label in self._plan.growing for label in stale):
            for label in stale:
                self._plan.ignore(label)
            self.read = self._plan.read

    def fits(self, payload: Sequence[Any]) -> bool:
        if self.pattern is None:
            return True
        return self.pattern.solve(jax.tree_util.tree_leaves(self._entry.as_tree(tuple(payload)))) is not None

    def stale_places(self, statics: Sequence[Any]) -> list[str]:
        return self._plan.differences(statics) if self._plan is not None else []


class _NoConstants:
    class jaxpr:  # noqa: N801 - stands for one
        eqns = ()

    consts = ()


_NO_CONSTANTS = _NoConstants()


def _type(value: Any) -> Any:
    if isinstance(value, jax.core.ShapedArray):
        return tuple(value.shape), value.dtype, bool(value.weak_type) and value.dtype != bool
    found = type_of(value)
    return None if found is None else tuple(found)


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
        self.has_open_sizes = function.reduce_retracing or (
            self.signature is not None and self.signature.is_polymorphic
        )
        """Whether a trace may be for more than one size, so that which one fits is found out here."""
        self.was_told = False
        self._may_be_quick = self.signature is None and not self.has_open_sizes
        self.sizes: dict[Any, int] = {}
        self.is_mixed = False
        """Whether some calls have static arguments and others have none."""
        self.history = retracing.History(function.__name__)
        self._quick = Calls(self)
        self._quick.defaults_changed(function.parameters, self._number_defaults)
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
            self._quick.defaults_changed(function.parameters, self._number_defaults)
            function.direct = None
        if self.signature is not None:
            return self.call(self.signature.bind(args, kwargs))
        values = function.parameters.bind(*args, **kwargs)
        if not kwargs:
            return self.call(values, args)
        return self.call(values, None if function.parameters.is_variadic_at_all else values)

    def call(self, values: tuple[Any, ...], args: tuple[Any, ...] | None = None) -> Any:
        """Calls with one value for each parameter; ``args`` are the arguments where all were given by position."""
        key, structure, places, payload, statics = self.split(values)
        before, traces = LOCAL.statics, self.tracing_count
        LOCAL.statics = statics
        try:
            result = self._call(key, structure, places, payload, statics)
            if self.history.in_a_row and self.tracing_count == traces:
                self.history.was_used()
            if args is not None and self._may_be_quick:
                self._learn(args, values, key)
            return result.whole(statics, values) if type(result) is Parts else result
        except jax.errors.JaxRuntimeError as error:
            failure = callbacks.FAILURES.take(str(error))
            if failure is None:
                raise
        except jax.errors.UnexpectedTracerError as error:
            explain_leak(error)
            raise
        finally:
            LOCAL.statics = before
        raise_at(*failure)

    def _learn(self, args: tuple[Any, ...], values: tuple[Any, ...], key: Any) -> None:
        """Remembers what a call with arguments of these types needs, for the next one."""
        entry = self.entries.get(key)
        function = self.function
        if entry is None or config.max_traces is not None:
            return
        if key is None and not self.is_mixed and function.parameters.is_plain:
            return
        if self._quick.learn(args, values, entry) and function.direct is not self._quick.direct():
            function.pieces = None
            self._set_direct(self._quick.direct())

    def is_quick(self) -> bool:
        """Whether calls are looked up by the types of their arguments first."""
        return getattr(self.function.direct, "__module__", None) == Calls.__module__

    def _set_direct(self, direct: Callable[..., Any]) -> None:
        function = self.function
        function.context, function.idle = _TRACING, _IDLE
        function.failed = self.failed
        function.named = None if function.parameters.is_variadic_at_all else function.parameters.bind_as_now
        function.direct = direct

    def _call(self, key: Any, structure: Any, places: Any, payload: Sequence[Any], statics: Sequence[Any]) -> Any:
        entry = self.entries.get(key)
        if entry is not None:
            for variant in entry.variants:
                if variant.pattern is not None and not variant.fits(payload):
                    continue
                if variant.read is None:
                    return variant.call(*payload)
                arrays = variant.read(statics)
                if arrays is not None:
                    if variant is not entry.variants[0]:
                        self._use_first(entry, variant)
                    return variant.call(arrays, *payload) if variant.takes_state else variant.call(*payload)
        variant, arrays = self.variant_for(key, structure, places, payload, statics)
        return variant.call(arrays, *payload) if variant.takes_state else variant.call(*payload)

    def variant_for(
        self, key: Any, structure: Any, places: Any, payload: Sequence[Any], statics: Sequence[Any]
    ) -> tuple[Variant, Any]:
        """The trace for these arguments, made if need be, and the arrays that it reads outside."""
        if key in self.entries:
            TRACING.wait_for_others()  # what does not hold may be a trace's doing, and hold again when it is over
        with self.function.lock:
            entry = self.entries.get(key)
            if entry is None:
                entry = self._new_entry(key, structure, places, statics)
            found, arrays = self._find(entry, payload, statics)
            variant = self._new_variant(entry, payload, statics) if found is None else found
            if found is None and variant.read is not None:
                arrays = variant.read(statics)
        return variant, arrays

    def _find(self, entry: Entry, payload: Sequence[Any], statics: Sequence[Any]) -> tuple[Variant | None, Any]:
        for variant in entry.variants:
            if not variant.fits(payload):
                continue
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
            return self._narrowed(None, leaves, structure), None, (), marked, ()
        seen: list[Any] = []
        places = tuple([index for index, kind in enumerate(kinds) if kind == STATIC])
        keys = tuple([static_key(leaves[index], seen.append) for index in places])
        statics = [leaf.value if isinstance(leaf, Forced) else leaf for leaf in map(leaves.__getitem__, places)]
        payload = [leaf for leaf, kind in zip(leaves, kinds, strict=True) if kind != STATIC]
        return self._narrowed((structure, places, keys), payload, structure), structure, places, payload, statics

    def _narrowed(self, key: Any, leaves: Sequence[Any], structure: Any) -> Any:
        """The key, with the types of the arguments in it where ``jax.jit`` is not to tell them apart."""
        if self.has_open_sizes:
            types = [(len(kind.shape), kind.dtype, kind.weak) for kind in map(type_of, leaves) if kind is not None]
            key = key, structure, tuple(types)
        elif config.max_traces is not None:
            key = key, structure, tuple([(type(leaf) in NUMBERS, type_of(leaf)) for leaf in leaves])
        if config.max_traces is not None:
            with self.function.lock:
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
        stale = entry.variants[0].stale_places(statics) if entry.variants and not self.has_open_sizes else []
        for pattern in self._patterns(entry, payload):
            self.stale = stale
            variant = Variant(self, entry)
            if pattern is None or not pattern.letters:
                variant.prepare(payload, pattern)
                break
            entry.tried.append(pattern)
            try:
                variant.prepare(payload, pattern)
                break
            except Exception as error:
                undecided = error
            # If the sizes of this call fail in the same way, it is the program that fails.
            variant = Variant(self, entry)
            variant.prepare(payload, _exact_pattern(entry, payload))
            where = _users_line(undecided)
            reason = str(undecided).strip().partition("\n")[0]
            if not self.was_told:
                self.was_told = True
                retracing.warn(
                    f"{self.function.__name__}() needs a trace for each size: with open sizes, JAX cannot decide what "
                    f"this line asks{where}: {type(undecided).__name__}: {reason}"
                )
            break
        if stale:
            variant.forget_growth(entry.variants[0], stale)
        entry.variants.insert(0, variant)
        if config.max_traces is not None:
            del entry.variants[config.max_traces :]
        elif not self.has_open_sizes:
            del entry.variants[_MOST_VARIANTS:]
        self._choose_direct(entry, variant)
        return variant

    def _patterns(self, entry: Entry, payload: Sequence[Any]) -> list[Pattern | None]:
        """What shapes to trace for, in the order of preference; one that works is enough."""
        if not self.has_open_sizes:
            return [None]
        leaves = jax.tree_util.tree_leaves(entry.as_tree(tuple(payload)))
        given = [tuple(jax.numpy.shape(leaf)) for leaf in leaves]
        exact = _exact_pattern(entry, payload)
        candidates: list[Pattern | None] = []
        if self.signature is not None and self.signature.is_polymorphic:
            shapes = self.signature.open_shapes(entry, payload, given)
            known = all(isinstance(size, int) for shape in given for size in shape)
            candidates = [with_open(shapes, given if known else None), with_open(shapes, None)]
        elif entry.variants and entry.variants[0].pattern is not None:
            candidates = [generalised(entry.variants[0].pattern.shapes, given)]
        fitting = [
            pattern
            for pattern in candidates
            if pattern is not None and pattern not in entry.tried and pattern.solve(leaves) is not None
        ]
        return [*fitting, exact]

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
        self._quick.clear()
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
        self.history.in_a_row = 0
        self.function.direct = None
        self.entries.clear()
        self._quick.clear()
        self.traces.clear()
        self._by_identity.clear()
        self._watches.clear()

    # Direct calls.

    def _choose_direct(self, entry: Entry, variant: Variant) -> None:
        """Lets calls reach ``jax.jit`` at once, if nothing but the arrays among their arguments matters."""
        function = self.function
        self.is_mixed = self.is_mixed or (entry.key is None and self.is_quick())
        if entry.structure is not None or self.is_mixed or not function.parameters.is_plain or self._forced:
            return
        read, call = variant.read, variant.call
        is_fitted = self.signature is not None or self.has_open_sizes
        if not is_fitted and entry.key is not None:
            return
        has_numbers = self.has_numbers and not is_fitted
        if read is not None:
            direct = _reading(read, call, variant.takes_state, has_numbers)
        else:
            direct = _exact(call) if has_numbers else call
        if is_fitted:
            kinds = self._kinds_of(entry)
            if kinds is None:
                return
            pattern = variant.pattern or with_open([spec.shape for spec in self._specs()], None)
            direct = fitting(pattern, kinds, direct, self.signature is not None)
        function.pieces = Parts
        function.finish = _finish
        self._set_direct(direct)
        self._watch_direct()

    def _specs(self) -> list[TensorSpec]:
        assert self.signature is not None
        return [self.signature.specs[index] for index in range(len(self.function.parameters.names))]

    def _kinds_of(self, entry: Entry) -> list[tuple[Any, bool]] | None:
        """The dtypes of the arguments, and whether they are weak; ``None`` unless each argument is one array."""
        count = len(self.function.parameters.names)
        if config.max_traces is not None or self._number_defaults:
            return None
        if self.has_open_sizes:
            _, structure, types = entry.key
            if structure.num_leaves != count or not all(map(jax.tree_util.treedef_is_leaf, structure.children())):
                return None
            return [(dtype, weak) for _, dtype, weak in types]
        assert self.signature is not None
        if len(self.signature.specs) != count or not all(isinstance(spec, TensorSpec) for spec in self._specs()):
            return None
        return [(canonical(spec), False) for spec in self._specs()]

    has_numbers = False
    """Whether direct calls have been traced with Python numbers, for which an enumeration member might be taken."""

    stale: Sequence[str] = ()
    """The places outside whose change made the trace that is being made necessary."""

    def check_numbers(self, payload: Sequence[Any]) -> None:
        """Sees to it that nothing but a number is ever taken for one, when a call is traced with one first."""
        if self.has_numbers or not any(_is_weak_scalar(leaf) for leaf in jax.tree_util.tree_leaves(expanded(payload))):
            return
        self.has_numbers = True
        function = self.function
        args = caller_arguments(Function.__call__.__code__)
        if function.direct is not None and args is not None and function.failed == self.failed:
            inner = function.direct
            function.direct = _exact(inner.inner if isinstance(inner, _Watched) else inner)
            if any(kind_of(leaf) != DYNAMIC for leaf in jax.tree_util.tree_leaves(args)):
                raise _Unsure

    def failed(self, error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a direct call ends with that has raised ``error``."""
        is_misfit = isinstance(error, TypeError) and self.signature is not None  # nothing has run yet
        if isinstance(error, Stale | _Unsure) or is_misfit:
            return engine(backends.choose(self.function, args, kwargs)).run(self.function, args, kwargs)
        if isinstance(error, jax.errors.JaxRuntimeError):
            failure = callbacks.FAILURES.take(str(error))
            if failure is None:
                raise error
            raise_at(*failure)
        explain_leak(error)
        given = (*args, *kwargs.values())
        if isinstance(error, TypeError | ValueError) and not self.is_quick() and not _is_all_arrays(given):
            # Some argument is not for JAX to look at: nothing has run yet.
            self.is_mixed = True
            return engine(backends.choose(self.function, args, kwargs)).run(self.function, args, kwargs)
        raise error

    # Traces.

    def was_traced(
        self, entry: Entry, variant: Variant, payload: Sequence[Any], statics: Sequence[Any], outcome: Any
    ) -> None:
        """Notes a trace."""
        if LOCAL.is_looking:
            return
        self.tracing_count += 1
        function = self.function
        leaves = leaves_of(function.parameters.names, entry, payload, statics)
        concrete = JaxConcrete(self, entry, variant, payload, leaves)
        self.traces[entry.key, id(variant), tuple([leaf[:2] for leaf in leaves])] = concrete
        self.history.was_traced(leaves, self.stale)
        self.stale = ()
        if function.direct is not None:
            self._watch_direct()

    def _watch_direct(self) -> None:
        """Has the next direct call looked at: one that needs no trace ends a row of traces, and the looking."""
        function = self.function
        inner = function.direct
        if inner is None or isinstance(inner, _Watched) or self.is_quick():
            return
        function.direct = _Watched(self, inner)

    def concrete_functions(self) -> list[JaxConcrete]:
        return list(self.traces.values())

    def trace_again(self, variant: Variant, structs: Any, statics: Sequence[Any] | None) -> Any:
        """JAX's record of a trace; it remembers what it has traced."""
        before = LOCAL.statics, LOCAL.is_looking
        LOCAL.statics, LOCAL.is_looking = () if statics is None else statics, True
        try:
            if variant.takes_state:
                arrays = variant.read(LOCAL.statics) if variant.read is not None else ()
                return variant.jitted.trace(arrays, *structs)
            return variant.jitted.trace(*structs)
        finally:
            LOCAL.statics, LOCAL.is_looking = before

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> JaxConcrete:
        values = self._with_structs(args, kwargs)
        key, structure, places, payload, statics = self.split(values)
        before = LOCAL.statics
        LOCAL.statics = statics
        try:
            variant, _ = self.variant_for(key, structure, places, payload, statics)
            entry = self.entries[key]
            if variant.symbolic is None:
                self._trace_ahead(variant, payload, statics)
        finally:
            LOCAL.statics = before
        leaves = leaves_of(self.function.parameters.names, entry, payload, statics)
        wanted = key, id(variant), tuple([leaf[:2] for leaf in leaves])
        concrete = self.traces.get(wanted) or next(
            trace for (_, number, _), trace in reversed(self.traces.items()) if number == id(variant)
        )
        concrete.hold(values, statics)
        concrete.compile()
        return concrete

    def _trace_ahead(self, variant: Variant, payload: Sequence[Any], statics: Sequence[Any]) -> None:
        if variant.takes_state:
            assert variant.read is not None
            variant.jitted.trace(variant.read(statics), *payload)
        else:
            variant.jitted.trace(*payload)

    def _with_structs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """One value for each parameter, with what JAX takes in place of specs."""
        function = self.function
        if self.signature is not None:
            return self.signature.structs(args, kwargs)
        specs = with_specs(function.parameters.bind(*args, **kwargs))
        return tuple(map(structs_of, specs))

    def call_concrete(self, concrete: JaxConcrete, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls one trace.

        Raises:
            TypeError: the arguments do not fit its signature.
        """
        values = concrete.complete(args, kwargs, self.function)
        if self.signature is not None:
            values = self.signature.fit(values)
        key, structure, places, payload, statics = self.split(values)
        entry = Entry(key, structure, places)
        concrete.check(leaves_of(self.function.parameters.names, entry, payload, statics))
        return self.call(values)


class _Watched:
    """A direct call, for as long as nobody knows whether the one after a trace needs a trace too."""

    __slots__ = ("_state", "inner")

    def __init__(self, state: JaxFunction, inner: Callable[..., Any]) -> None:
        self._state, self.inner = weakref.ref(state), inner

    def __call__(self, *args: Any) -> Any:
        state = self._state()
        assert state is not None
        before = state.tracing_count
        result = self.inner(*args)
        if state.tracing_count == before:
            state.history.was_used()
            if state.function.direct is self:
                state.function.direct = self.inner
        return result


def _users_line(error: BaseException) -> str:
    found = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_converted(code):
            found = f' (File "{code.co_filename}", line {traceback.tb_lineno}, in {code.co_name})'
        traceback = traceback.tb_next
    return found


def _exact_pattern(entry: Entry, payload: Sequence[Any]) -> Pattern:
    leaves = jax.tree_util.tree_leaves(entry.as_tree(tuple(payload)))
    return Pattern([tuple(jax.numpy.shape(leaf)) for leaf in leaves])


def _forget(state: weakref.ref[JaxFunction], number: int) -> None:
    found = state()
    if found is not None:
        found.forget_object(number)


_live: weakref.WeakSet[JaxFunction] = weakref.WeakSet()


def limit_traces() -> None:
    """Makes the functions that there are start again, and count their traces from now on."""
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
            raise Stale
        return call(arrays, *args)

    def guarded(*args: Any) -> Any:
        if read(()) is None:
            raise Stale
        return call(*args)

    chosen = reading if takes_state else guarded
    return _exact(chosen) if exact else chosen


def _is_weak_scalar(leaf: Any) -> bool:
    return not getattr(leaf, "shape", ()) and bool(getattr(jax.typeof(leaf), "weak_type", False))


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
