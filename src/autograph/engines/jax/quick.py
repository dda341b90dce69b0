"""Calls whose arguments are of types that were seen before: which entry serves them is looked up, not worked out.

The types of the arguments say which of them are traced and which are static; the values of the static ones, or the
identities of objects, then say which entry. Arguments with containers are looked at leaf by leaf, by JAX's own walk.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from .arguments import STATIC, is_same_value, kind_of
from .patterns import Pattern
from .results import Parts
from .traces import LOCAL
from .types import NUMBERS

if TYPE_CHECKING:
    from .calls import Entry, JaxFunction

ARRAY = type(jax.numpy.zeros(()))
_TRACED = frozenset((*NUMBERS, ARRAY))
_BY_VALUE = frozenset((str, bytes))
_FORCED_BY_VALUE = frozenset((str, bytes, int, bool))
_CONTAINERS = frozenset((tuple, list, dict, type(None)))


class Stale(Exception):
    """No call like this one was seen before, or what its trace depends on outside is not what it was."""


class _Roles(NamedTuple):
    """Which of the arguments (and leaves of containers among them) are traced, and which are static.

    Attributes:
        static: the places of static ones, with whether they are known by identity.
        rest: static values of the parameters after the last argument, from their defaults.
    """

    traced: tuple[int, ...]
    static: tuple[tuple[int, bool], ...]
    rest: tuple[Any, ...]


class Calls:
    """The calls of one function that were seen before."""

    def __init__(self, state: JaxFunction) -> None:
        function = state.function
        parameters = function.parameters
        self._forced = frozenset(map(parameters.names.index, function.static_argnames))
        self._known: dict[Any, Callable[[Any, Any], Any]] = {}
        self._seen: dict[Any, tuple[_Roles, dict[Any, Entry]]] = {}
        self._history = state.history
        self.takes_any_number = parameters.is_variadic_at_all
        self._direct: Callable[..., Any] | None = None
        self.defaults_changed(parameters, ())

    def defaults_changed(self, parameters: Any, defaults: Sequence[tuple[int, Any]]) -> None:
        """To be told which parameters have numbers as defaults."""
        self._parameters, self._defaults = parameters, tuple(defaults)
        self.clear()

    def clear(self) -> None:
        self._known.clear()
        for _, entries in self._seen.values():
            entries.clear()  # which the code of the latest call holds
        self._seen.clear()
        self._direct = None

    def direct(self) -> Callable[..., Any]:
        """What such a function calls first; another one when calls of other types have been learnt."""
        if self._direct is None:
            self._direct = self._by_types()
        return self._direct

    def _by_types(self) -> Callable[..., Any]:
        known, defaults = self._known, self._defaults

        if defaults:

            def quick(*args: Any) -> Any:
                kinds: Any = tuple(map(type, args))
                found = known.get((kinds, _which_are_defaults(args, defaults)))
                if found is None:
                    raise Stale
                return found(args, args)

        else:

            def quick(*args: Any) -> Any:
                kinds: Any = tuple(map(type, args))
                found = known.get(kinds)
                if found is None:
                    raise Stale
                return found(args, args)

        return quick

    def _kinds_of(self, args: tuple[Any, ...]) -> Any:
        kinds = tuple(map(type, args))
        return (kinds, _which_are_defaults(args, self._defaults)) if self._defaults else kinds

    def learn(self, args: tuple[Any, ...], values: tuple[Any, ...], entry: Entry) -> bool:
        """Remembers what a call with arguments of these types needs, if that can be known; says whether."""
        if self.takes_any_number and entry.key is not None:
            return False
        kinds = self._kinds_of(args)
        if self.takes_any_number:
            if not _TRACED.issuperset(map(type, args)):
                return False
            self._known.setdefault(kinds, self._of_any_number(entry))
            return True
        if _CONTAINERS.isdisjoint(map(type, args)):
            return self._learn_leaves(kinds, self._known, args, args, values, entry)
        if any(type(args[place]) in _CONTAINERS for place in self._forced if place < len(args)):
            return False
        if any(type(args[place]) in _CONTAINERS for place, _ in self._defaults if place < len(args)):
            return False
        inner: Any = self._known.get(kinds)
        if inner is None:
            inner = self._known[kinds] = _Trees()
        leaves, structure = jax.tree_util.tree_flatten(args)
        return self._learn_leaves(
            (structure, tuple(map(type, leaves))), inner.known, args, tuple(leaves), values, entry
        )

    def _learn_leaves(
        self,
        kinds: Any,
        known: dict[Any, Any],
        args: tuple[Any, ...],
        leaves: tuple[Any, ...],
        values: tuple[Any, ...],
        entry: Entry,
    ) -> bool:
        seen = self._seen.get((id(known), kinds))
        if seen is None:
            roles = self._roles(args, leaves, values, is_tree=leaves is not args)
            if roles is None or (entry.key is None and (roles.rest or roles.static)):
                return False
            seen = self._seen[id(known), kinds] = roles, {}
            known[kinds] = self._run(roles, seen[1], entry.key is None)
            if leaves is args:
                self._direct = self._expecting(args, roles, seen[1])
        roles, entries = seen
        entries[_key(roles, leaves)] = entry
        return True

    def _roles(
        self, args: tuple[Any, ...], leaves: tuple[Any, ...], values: tuple[Any, ...], is_tree: bool
    ) -> _Roles | None:
        """``None`` if each call has to be looked at."""
        defaults = {} if is_tree else dict(self._defaults)
        forced = frozenset() if is_tree else self._forced
        if is_tree and (self._forced or any(place < len(args) for place, _ in self._defaults)):
            return None  # which leaves belong to those arguments is not known here
        traced: list[int] = []
        static: list[tuple[int, bool]] = []
        for place, value in enumerate(leaves):
            kind: Any = type(value)
            if place in forced:
                if kind in _FORCED_BY_VALUE:
                    static.append((place, False))
                elif kind.__hash__ is object.__hash__:
                    static.append((place, True))
                else:
                    return None
            elif place in defaults and is_same_value(value, defaults[place]):
                static.append((place, True))
            elif kind in _TRACED:
                traced.append(place)
            elif kind in _BY_VALUE:
                static.append((place, False))
            elif kind_of(value) == STATIC and (kind.__hash__ is None or kind.__hash__ is object.__hash__):
                if isinstance(value, set | list | dict):
                    return None
                static.append((place, True))
            else:
                return None
        rest = values[len(args) :]
        number_defaults = [place for place, _ in self._defaults]
        for place, value in enumerate(rest, len(args)):
            if value is not None and (kind_of(value) != STATIC and place not in number_defaults):
                return None
            if isinstance(value, dict | list | tuple):
                return None
        return _Roles(tuple(traced), tuple(static), tuple(value for value in rest if value is not None))

    def _run(self, roles: _Roles, entries: dict[Any, Entry], is_plain: bool) -> Callable[[Any, Any], Any]:
        """What makes calls with such arguments."""
        traced, static, rest = roles
        if is_plain:
            payload: Callable[[Any], Any] | None = None
        elif len(traced) == 1:
            place = traced[0]

            def payload(leaves: Any) -> Any:
                return (leaves[place],)

        elif traced:
            payload = operator.itemgetter(*traced)
        else:
            payload = _nothing
        places = tuple([place for place, _ in static])
        only = static[0][0] if len(static) == 1 and not static[0][1] else None
        has_identities = any(by_identity for _, by_identity in static)
        history, parameters = self._history, self._parameters
        watches_defaults = bool(rest)

        def run(args: tuple[Any, ...], leaves: Any) -> Any:
            entry = entries.get(leaves[only] if only is not None else _key(roles, leaves))
            if entry is None or not entry.variants or (watches_defaults and not parameters.is_current()):
                raise Stale
            variant = entry.variants[0]
            statics: Sequence[Any] = (*[leaves[place] for place in places], *rest)
            arrays: Any = None
            if variant.read is not None:
                arrays = variant.read(statics)
                if arrays is None:
                    raise Stale
            LOCAL.statics = statics
            row = history.in_a_row
            try:
                given = args if payload is None else payload(leaves)
                result = variant.call(arrays, *given) if variant.takes_state else variant.call(*given)
            finally:
                if has_identities:
                    LOCAL.statics = ()
            if row and row == history.in_a_row:
                history.was_used()
            return result.whole(statics, args) if type(result) is Parts else result

        return run

    def _expecting(self, args: tuple[Any, ...], roles: _Roles, entries: dict[Any, Entry]) -> Callable[..., Any]:
        """What a function calls first that expects arguments like these: code that looks no types up."""
        names = [f"a{place}" for place in range(len(args))]
        tests = [f"type({name}) is kind_{name}" for name in names]
        env: dict[str, Any] = {f"kind_{name}": type(value) for name, value in zip(names, args, strict=True)}
        for place, default in self._defaults:
            if place < len(args):
                name = names[place]
                env[f"default_{name}"] = default
                is_default = f"{name} is default_{name}"
                if type(args[place]) is type(default):
                    is_default += (
                        f" or {name} == default_{name}"
                        if type(default) in (int, bool)
                        else (f" or is_same_value({name}, default_{name})")
                    )
                is_given = args[place] is default or is_same_value(args[place], default)
                tests.append(f"({is_default})" if is_given else f"not ({is_default})")
        keys = [f"id(a{place})" if by_identity else f"a{place}" for place, by_identity in roles.static]
        key = keys[0] if len(keys) == 1 else f"({', '.join(keys)})"
        statics = "".join(f"a{place}, " for place, _ in roles.static) + ("*rest, " if roles.rest else "")
        traced = ", ".join(f"a{place}" for place in roles.traced)
        env |= {
            "Parts": Parts,
            "Stale": Stale,
            "LOCAL": LOCAL,
            "get": entries.get,
            "history": self._history,
            "is_current": self._parameters.is_current,
            "is_same_value": is_same_value,
            "others": self._by_types(),
            "rest": roles.rest,
            "__name__": __name__,
        }
        code = _code_of_call(
            tuple(names),
            " and ".join(tests),
            key,
            f"({statics})",
            traced,
            bool(roles.rest),
            any(by_identity for _, by_identity in roles.static),
        )
        exec(code, env)
        made: Callable[..., Any] = env["expecting"]
        return made

    def _of_any_number(self, entry: Entry) -> Callable[[Any, Any], Any]:
        history, parameters = self._history, self._parameters

        def run(args: tuple[Any, ...], _: Any) -> Any:
            if not entry.variants or not parameters.is_current():
                raise Stale
            variant = entry.variants[0]
            arrays = None if variant.read is None else variant.read(())
            if arrays is None and variant.read is not None:
                raise Stale
            values = parameters.bind(*args)
            row = history.in_a_row
            result = variant.call(arrays, *values) if variant.takes_state else variant.call(*values)
            if row and row == history.in_a_row:
                history.was_used()
            return result.whole((), values) if type(result) is Parts else result

        return run


@functools.lru_cache(maxsize=256)
def _code_of_call(
    names: tuple[str, ...], test: str, key: str, statics: str, traced: str, has_defaults: bool, has_identities: bool
) -> CodeType:
    call = f"variant.call(arrays, {traced}) if variant.takes_state else variant.call({traced})"
    lines = [
        "def expecting(*args):",
        f"    if len(args) == {len(names)}:",
        f"        {', '.join(names)}, = args" if names else "        pass",
        f"        entry = get({key}) if {test or 'True'} else None",
        f"        if entry is not None and entry.variants{' and is_current()' if has_defaults else ''}:",
        "            variant = entry.variants[0]",
        f"            statics = {statics}",
        "            row = history.in_a_row",
        "            if variant.read is not None:",
        "                arrays = variant.read(statics)",
        "                if arrays is None:",
        "                    raise Stale",
        "            LOCAL.statics = statics",
        "            try:" if has_identities else "            if True:",
        "                if variant.read is None:",
        f"                    result = variant.call({traced})",
        "                else:",
        f"                    result = {call}",
        *(["            finally:", "                LOCAL.statics = ()"] if has_identities else []),
        "            if row and row == history.in_a_row:",
        "                history.was_used()",
        "            return result.whole(statics, args) if type(result) is Parts else result",
        "    return others(*args)",
    ]
    return compile("\n".join(lines), "<call>", "exec")


class _Trees:
    """Calls with containers among the arguments, by the structure of those and the types of their leaves."""

    def __init__(self) -> None:
        self.known: dict[Any, Callable[[Any, Any], Any]] = {}

    def __call__(self, args: tuple[Any, ...], _: Any) -> Any:
        leaves, structure = jax.tree_util.tree_flatten(args)
        found = self.known.get((structure, tuple(map(type, leaves))))
        if found is None:
            raise Stale
        return found(args, leaves)


def _nothing(leaves: Any) -> Any:
    return ()


def _which_are_defaults(args: tuple[Any, ...], defaults: Sequence[tuple[int, Any]]) -> tuple[bool, ...]:
    """Which of the numbers that are given are what their parameters have anyway."""
    return tuple(
        [
            place < len(args) and (args[place] is default or is_same_value(args[place], default))
            for place, default in defaults
        ]
    )


def _key(roles: _Roles, leaves: Any) -> Any:
    static = roles.static
    if len(static) == 1:
        place, by_identity = static[0]
        return id(leaves[place]) if by_identity else leaves[place]
    return tuple([id(leaves[place]) if by_identity else leaves[place] for place, by_identity in static])


# Calls whose shapes have to fit.


def fitting(pattern: Pattern, kinds: Sequence[Any], call: Callable[..., Any], converts: bool) -> Callable[..., Any]:
    """``call``, for arrays of the shapes of ``pattern`` and of these types.

    Args:
        kinds: for each argument its dtype, and whether it has a weak type.
        converts: whether Python's numbers become arrays of those dtypes, as a signature asks for.

    Returns:
        A function of straight-line Python that raises ``Stale`` for other arguments.
    """
    names = [f"a{index}" for index in range(len(kinds))]
    lines = [f"def fitting({', '.join(names)}):"]
    known: dict[str, str] = {}
    env: dict[str, Any] = {"ARRAY": ARRAY, "Stale": Stale, "call": call, "asarray": np.asarray}
    for name, (dtype, weak), shape in zip(names, kinds, pattern.shapes, strict=True):
        env[f"dtype_{name}"] = dtype
        numbers = _numbers_for(dtype) if converts and not shape else ()
        env[f"numbers_{name}"] = numbers
        lines.append(f"    if type({name}) is not ARRAY:")
        if numbers:
            lines.append(f"        if type({name}) not in numbers_{name}: raise Stale")
            lines.append(f"        {name} = asarray({name}, dtype_{name})")
            lines.append("    else:")
        else:
            lines.append("        raise Stale")
            lines.append("    else:")
        lines.append(f"        if {name}.dtype != dtype_{name} or {name}.weak_type is not {bool(weak)}: raise Stale")
        lines.append(f"        shape = {name}.shape")
        lines.append(f"        if len(shape) != {len(shape)}: raise Stale")
        for axis, size in enumerate(shape):
            if isinstance(size, str) and size not in known:
                known[size] = f"size_{len(known)}"
                lines.append(f"        {known[size]} = shape[{axis}]")
                lines.append(f"        if {known[size]} < 1: raise Stale")
            else:
                lines.append(
                    f"        if shape[{axis}] != {known[size] if isinstance(size, str) else size}: raise Stale"
                )
    lines.append(f"    return call({', '.join(names)})")
    exec(compile("\n".join(lines), "<fitting>", "exec"), env)
    made: Callable[..., Any] = env["fitting"]
    return made


def _numbers_for(dtype: Any) -> tuple[type, ...]:
    rank = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}.get(np.dtype(dtype).kind, -1)
    return NUMBERS[:1] if rank == 0 else NUMBERS[1 : rank + 1]
