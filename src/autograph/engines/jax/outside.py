"""What a trace has read of the outside: globals, closures, attributes and items that were there before the call.

Which functions a trace has come to is known; so are the names that their code mentions. From their globals, closures
and static arguments, everything that those names lead to is looked through. Arrays found there that became constants of
the jaxpr turn into inputs, read anew at each call. Plain values found there are guarded: a call that finds another
value does not use the trace. Both are done by one generated function, of straight-line code, for each trace.

Objects on the way are not held, only the names and positions that lead to them, so a trace keeps nothing alive.
"""

from __future__ import annotations

import enum
import functools
import sys
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import jax
import numpy as np

from ...errors import StagingError
from ...staging.calls import is_library, is_users_class
from ...staging.state import Cell, Global
from .arguments import is_same_value
from .regions import current_trace
from .types import Array, Tracer, type_of

_SCALARS = (bool, int, float, complex, str, bytes, type(None), range, slice, frozenset, np.generic, np.dtype)
_MOST_NODES = 20_000
_MOST_ITEMS = 1000
_MOST_SCALARS = 10_000
_MOST_ELEMENTS = 65_536
"""Of a NumPy array that only Python has looked at: a larger one is known by its identity."""


def same_array(array: Any, copy: Any) -> bool:
    return (
        type(array) is type(copy)
        and array.dtype == copy.dtype
        and array.shape == copy.shape
        and array.tobytes() == copy.tobytes()
    )


def float_bytes(items: list[Any]) -> bytes | None:
    """What tells lists of floats apart to the last bit; ``None`` if something else is among them."""
    return array("d", items).tobytes() if set(map(type, items)) == {float} else None


def _names_in(code: CodeType, names: set[str]) -> None:
    names.update(code.co_names, code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _names_in(constant, names)
        elif isinstance(constant, str):
            names.add(constant)


class _Node:
    """A place that was looked at: how to get there from the one before, and what has to hold there."""

    __slots__ = ("array", "expression", "guards", "is_input", "is_written", "label", "needed", "parent")

    def __init__(self, parent: int | None, expression: str, label: str) -> None:
        self.parent, self.expression, self.label = parent, expression, label
        self.guards: list[str] = []
        self.array: Any = None
        self.is_input = self.is_written = self.needed = False


class Plan:
    """What one trace depends on, and the function that looks whether it still holds."""

    def __init__(
        self, function: Callable[..., Any], reached: dict[int, Any], statics: Sequence[Any], logs: Sequence[Any]
    ) -> None:
        self._nodes: list[_Node] = []
        self._env: dict[str, Any] = {
            "same": is_same_value,
            "same_array": same_array,
            "float_bytes": float_bytes,
            "Array": _ARRAY,
        }
        self._constants: dict[tuple[str, int], str] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        self._logs = {id(log) for log in logs}
        self.growing: list[str] = []
        self._names: set[str] = set()
        self._queue: deque[tuple[Any, int]] = deque()
        self._attribute_names: dict[type, tuple[list[str], list[str]]] = {}
        functions = [*reached.values()]
        while isinstance(function, functools.partial):
            function = function.func
        functions.append(getattr(function, "__func__", function))
        functions = [part for part in functions if isinstance(part, FunctionType)]
        for part in functions:
            _names_in(part.__code__, self._names)
        self._sorted: list[str] = sorted(self._names)
        self._is_trusted = True
        """Whether the places that are looked at were there before the trace."""
        for number, value in enumerate(statics):
            self._visit(value, None, f"s[{number}]", _label_of_static(value, number))
        owner = getattr(function, "__self__", None)
        if owner is not None and not isinstance(owner, ModuleType):
            self._visit(owner, None, self._constant("o", owner), "self")
        visited: set[tuple[int, str]] = set()
        for part in functions:
            self._visit_globals(part, visited)
        self._visit_cells(functions[-1:], visited)
        self._drain()
        # The cells of a function that the trace has made may hold what the trace has computed.
        self._is_trusted = False
        self._visit_cells(functions[:-1], visited)
        self._drain()
        self.read: Callable[[Sequence[Any]], tuple[Any, ...] | None] | None = None
        self.inputs: list[_Node] = []

    @property
    def has_arrays(self) -> bool:
        return any(node.array is not None for node in self._nodes)

    # The walk.

    def _visit_globals(self, function: FunctionType, visited: set[tuple[int, str]]) -> None:
        own: set[str] = set()
        _names_in(function.__code__, own)
        namespace = function.__globals__
        names = sorted(name for name in own if name in namespace and (id(namespace), name) not in visited)
        if names:
            base = self._constant("g", namespace)
            for name in names:
                visited.add((id(namespace), name))
                self._visit(namespace[name], None, f"{base}[{name!r}]", name)

    def _visit_cells(self, functions: Sequence[FunctionType], visited: set[tuple[int, str]]) -> None:
        for function in functions:
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
                if (id(cell), "") in visited:
                    continue
                visited.add((id(cell), ""))
                try:
                    value = cell.cell_contents
                except ValueError:
                    continue
                self._visit(value, None, f"{self._constant('c', cell)}.cell_contents", name)

    def _constant(self, prefix: str, value: Any) -> str:
        name = self._constants.get((prefix, id(value)))
        if name is None:
            name = self._constants[prefix, id(value)] = self._fresh(prefix, value)
        return name

    def _fresh(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self._env)}"
        self._env[name] = value
        return name

    def _node(self, parent: int | None, expression: str, label: str) -> tuple[_Node, int]:
        node = _Node(parent, expression, label)
        self._nodes.append(node)
        return node, len(self._nodes) - 1

    def _visit(self, value: Any, parent: int | None, expression: str, label: str) -> None:
        if isinstance(value, Tracer) and parent is not None and self._is_trusted and value._trace is current_trace():
            raise StagingError(
                f"{label} holds a value of the graph after the trace: it was put there in a way that this package does "
                "not see (a function that is not converted, or a container of another library). Return the value and "
                "store it after the call"
            )
        if len(self._nodes) >= _MOST_NODES or isinstance(value, Tracer) or _is_constant(value):
            return
        if id(value) in self._logs:
            return
        kind = type(value)
        node, number = self._node(parent, expression, label)
        here = f"v{number}"
        if isinstance(value, Array):
            node.array = value
            if kind is not _ARRAY:
                node.guards.append(f"type({here}) is not {self._constant('t', kind)}")
            return
        if isinstance(value, np.ndarray) and type_of(value) is not None:
            node.array = value
            node.guards.append(f"type({here}) is not {self._constant('t', kind)}")
            return
        if value is None or kind is bool or isinstance(value, type | enum.Enum):
            node.guards.append(f"{here} is not {self._fresh('k', value)}")
            if isinstance(value, type):
                self._queue.append((value, number))
            return
        if isinstance(value, _SCALARS):
            constant = self._fresh("k", value)
            node.guards.append(f"{here} is not {constant} and not same({here}, {constant})")
            return
        if isinstance(value, FunctionType) or hasattr(kind, "python_function"):
            self._guard_identity(node, here, value)
            return
        known = self._seen.get(id(value))
        if known is not None:
            node.guards.append(f"{here} is not v{known}")
            return
        self._seen[id(value)] = number
        self._kept.append(value)
        self._queue.append((value, number))

    def _guard_all(self, node: _Node, here: str, items: list[Any], expression: str, whole: int) -> None:
        """Guards a container of plain values as a whole; a very long one by its identity."""
        if len(items) > _MOST_SCALARS:
            node.guards.append(f"id({here}) != {whole}")
            return
        if all(type(item) is float for item in items):
            node.guards.append(f"float_bytes({expression}) != {self._fresh('k', float_bytes(items))}")
            return
        node.guards.append(f"{expression} != {self._fresh('k', items)}")
        zeros = [item for item in items if isinstance(item, float | complex) and not item]
        if zeros:  # of which there are two that are equal
            node.guards.append(f"not same({expression}, {self._fresh('k', items)})")
        elif any(isinstance(item, bool | int | float | complex) for item in items):
            node.guards.append(f"list(map(type, {expression})) != {self._fresh('k', [type(item) for item in items])}")

    def _guard_identity(self, node: _Node, here: str, value: Any) -> None:
        try:
            node.guards.append(f"{here} is not {self._fresh('w', weakref.ref(value))}()")
        except TypeError:
            node.guards.append(f"{here} is not {self._fresh('k', value)}")

    def _drain(self) -> None:
        while self._queue:
            value, number = self._queue.popleft()
            self._children(value, number, self._nodes[number])

    def _children(self, value: Any, number: int, node: _Node) -> None:
        here, kind, label = f"v{number}", type(value), node.label
        if isinstance(value, ModuleType):
            for name in self._sorted:
                if name in value.__dict__:
                    self._visit(value.__dict__[name], number, f"{here}.{name}", f"{label}.{name}")
            return
        if isinstance(value, type):
            for name in self._class_data(value):
                self._visit(getattr(value, name), number, f"{here}.{name}", f"{label}.{name}")
            return
        node.guards.append(f"type({here}) is not {self._constant('t', kind)}")
        if kind is MethodType:
            self._visit(value.__self__, number, f"{here}.__self__", label)
            self._visit(value.__func__, number, f"{here}.__func__", label)
        elif isinstance(value, functools.partial):
            for name in ("func", "args", "keywords"):
                self._visit(getattr(value, name), number, f"{here}.{name}", label)
        elif isinstance(value, dict):
            node.guards.append(f"len({here}) != {len(value)}")
            if len(value) > 8 and all(isinstance(item, _SCALARS) for item in value.values()):
                node.guards.append(f"{here}.keys() != {self._fresh('k', dict(value))}.keys()")
                self._guard_all(node, here, list(value.values()), f"list({here}.values())", id(value))
                return
            for index, (key, item) in enumerate(value.items()):
                if index >= _MOST_ITEMS:
                    break
                plain = isinstance(key, str | int) and type(key) in (str, int)
                shown = repr(key) if plain else self._fresh("k", key)
                self._visit(item, number, f"{here}[{shown}]", f"{label}[{key!r}]")
        elif isinstance(value, list | tuple | deque):
            node.guards.append(f"len({here}) != {len(value)}")
            if len(value) > 8 and all(isinstance(item, _SCALARS) for item in value):
                self._guard_all(node, here, list(value), f"list({here})", id(value))
                return
            for index, item in enumerate(value):
                if index >= _MOST_ITEMS:
                    break
                self._visit(item, number, f"{here}[{index}]", f"{label}[{index}]")
        elif isinstance(value, set):
            node.guards.append(f"not same({here}, {self._fresh('k', set(value))})")
        else:
            self._attributes(value, number, here, label)

    def _attributes(self, value: Any, number: int, here: str, label: str) -> None:
        kind = type(value)
        if kind not in self._attribute_names:
            slots = {name for base in kind.__mro__ for name in _slots(base)}
            self._attribute_names[kind] = [n for n in self._sorted if n in slots], self._class_data(kind)
        slots_used, in_class = self._attribute_names[kind]
        content = getattr(value, "__dict__", None)
        content = content if isinstance(content, dict) else {}
        names = [name for name in content if name in self._names] if len(content) < len(self._sorted) else self._sorted
        for name in names:
            if isinstance(name, str) and name in content and name.isidentifier():
                self._visit(content[name], number, f"{here}.{name}", f"{label}.{name}")
        for name in slots_used:
            if hasattr(value, name):
                self._visit(getattr(value, name), number, f"{here}.{name}", f"{label}.{name}")
        for name in in_class:
            if name not in content:
                self._visit(getattr(value, name), number, f"{here}.{name}", f"{label}.{name}")

    def _class_data(self, kind: type) -> list[str]:
        """The names under which a class of the user's, or one that it comes from, has data."""
        out = []
        bases = [base for base in kind.__mro__ if base is not object and is_users_class(base)]
        for name in self._sorted:
            for base in bases:
                if name in base.__dict__:
                    value = base.__dict__[name]
                    if not hasattr(type(value), "__get__") and not (name[:2] == "__" == name[-2:]):
                        out.append(name)
                    break
        return out

    # What comes of it.

    def owner_of(self, location: Any) -> Callable[[Any], Any]:
        """Finds the object that a write is to, at each call."""
        if isinstance(location, Cell | Global):
            return _none
        number = self._seen.get(id(location.owner))
        if number is None:
            owner = location.owner
            return lambda values: owner
        text = self._path(number)
        find = eval(f"lambda s: {text}", self._env)
        return lambda values: find(values.statics)

    def _path(self, number: int) -> str:
        node = self._nodes[number]
        if node.parent is None:
            return node.expression
        return self._path(node.parent) + node.expression[len(f"v{node.parent}") :]

    def writes(self, location: Any) -> None:
        """Notes a place that the call writes: what array is there before is of interest only if the graph takes it."""
        number = self._seen.get(id(location.owner))
        name = getattr(location, "name", None)
        for node in self._nodes:
            if number is not None:
                is_it = node.parent == number and (name is None or node.label.endswith(f".{name}"))
            else:
                is_it = node.parent is None and node.label == name
            node.is_written |= is_it

    def grows(self, owner: Any) -> None:
        """Notes a list that the call appends to. Whether its content matters as well is not known yet."""
        number = self._seen.get(id(owner))
        if number is not None:
            self.growing.append(self._nodes[number].label)

    def ignore(self, label: str) -> None:
        """Lets the content of a list be what it will."""
        dropped: set[int] = set()
        for number, node in enumerate(self._nodes):
            if node.label == label or node.parent in dropped:
                dropped.add(number)
                node.guards.clear()
                node.needed = False
        for node in self._nodes:
            node.needed = False
        self.read = self._generate()

    def finish(self) -> None:
        """To be called when all owners have been found."""
        self._seen.clear()
        self._kept.clear()

    def adopt(self, jaxpr: Any) -> list[int | None]:
        """Makes inputs of the arrays that are constants of ``jaxpr``, and the function that reads and guards.

        Returns:
            For each constant, which input it is; ``None`` for one that was not found outside.
        """
        inner = {id(constant) for constant in _inner_constants(jaxpr.jaxpr)}
        places: dict[int, list[int]] = {}
        for number, node in enumerate(self._nodes):
            if node.array is not None:
                places.setdefault(id(node.array), []).append(number)
        found: list[int | None] = []
        by_node: dict[int, int] = {}
        for constant in jaxpr.consts:
            numbers = places.get(id(constant)) or self._equal_host_array(constant)
            if not numbers:
                found.append(None)
                continue
            if numbers[0] not in by_node:
                by_node[numbers[0]] = len(self.inputs)
                self.inputs.append(self._nodes[numbers[0]])
                self._nodes[numbers[0]].is_input = True
                for other in numbers[1:]:
                    self._nodes[other].guards.append(f"v{other} is not v{numbers[0]}")
            found.append(by_node[numbers[0]])
        for number, node in enumerate(self._nodes):
            if node.array is None:
                continue
            here = f"v{number}"
            if isinstance(node.array, np.ndarray):
                if not node.is_input:
                    if node.array.size <= _MOST_ELEMENTS:
                        node.guards.append(f"not same_array({here}, {self._fresh('k', node.array.copy())})")
                    else:
                        self._guard_identity(node, here, node.array)
            elif not node.is_input:
                if node.is_written:
                    node.guards.append(f"type({here}) is not {self._constant('t', type(node.array))}")
                elif id(node.array) in inner or getattr(node.array, "_npy_value", None) is not None:
                    self._guard_identity(node, here, node.array)
                elif type(node.array) is _ARRAY:
                    node.guards.append(f"type({here}) is not Array or {here}.shape != {node.array.shape!r}")
            elif not node.guards:
                node.guards.append(f"type({here}) is not Array")
            node.array = None
        self.read = self._generate()
        return found

    def _equal_host_array(self, constant: Any) -> list[int]:
        """The NumPy array that became this constant, if no other could have."""
        if isinstance(constant, Array):
            return []
        value = np.asarray(constant)
        found = []
        for number, node in enumerate(self._nodes):
            array = node.array
            if isinstance(array, np.ndarray) and array.shape == value.shape:
                kind = type_of(array)
                if kind is not None and kind.dtype == value.dtype:
                    found += [number] if array.astype(value.dtype).tobytes() == value.tobytes() else []
        return found if len({id(self._nodes[number].array) for number in found}) == 1 else []

    def _generate(self) -> Callable[[Sequence[Any]], tuple[Any, ...] | None] | None:
        for node in reversed(self._nodes):
            if node.guards or node.is_input:
                node.needed = True
            if node.needed and node.parent is not None:
                self._nodes[node.parent].needed = True
        lines = []
        for number, node in enumerate(self._nodes):
            if not node.needed:
                continue
            lines.append(f"v{number} = {node.expression}")
            lines += [f"if {guard}: return None" for guard in node.guards]
        if not lines:
            return None
        numbers = [f"v{number}" for node in self.inputs for number, other in enumerate(self._nodes) if other is node]
        body = "".join(f"        {line}\n" for line in lines)
        text = (
            f"def read(s):\n    try:\n{body}"
            "    except (LookupError, AttributeError, NameError, ValueError, TypeError):\n        return None\n"
            f"    return ({''.join(f'{name}, ' for name in numbers)})\n"
        )
        exec(compile(text, "<outside state>", "exec"), self._env)
        read: Callable[[Sequence[Any]], tuple[Any, ...] | None] = self._env["read"]
        return read

    def form(self) -> list[tuple[str, ...]]:
        """What this plan and another have to share for one to stand for the other."""
        return [(node.expression, *node.guards) for node in self._nodes if node.needed]

    def differences(self, statics: Sequence[Any]) -> list[str]:
        """The labels of the places whose guards do not hold now."""
        env = dict(self._env)
        env["s"] = statics
        for number, node in enumerate(self._nodes):
            if not node.needed:
                continue
            try:
                env[f"v{number}"] = eval(node.expression, env)
                if any(eval(guard, env) for guard in node.guards):
                    return [node.label]
            except (LookupError, AttributeError, NameError, ValueError, TypeError):
                return [node.label]
        return []


_ARRAY = type(jax.numpy.zeros(()))


def _none(values: Any) -> None:
    return None


def _label_of_static(value: Any, number: int) -> str:
    return "self" if number == 0 else type(value).__name__


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _is_constant(value: Any) -> bool:
    """Whether nobody would expect a value to be another one later: modules and functions of libraries."""
    if isinstance(value, ModuleType):
        name = getattr(value, "__file__", None)
        return value.__name__ in sys.stdlib_module_names if name is None else is_library(name)
    if isinstance(value, FunctionType):
        return is_library(value.__code__.co_filename)
    if isinstance(value, type):
        return value.__module__ == "builtins" or not is_users_class(value)
    if isinstance(value, BuiltinFunctionType | np.ufunc):
        return True
    return type(value).__module__.startswith("jaxlib") and not isinstance(value, Array)


def mixes_precisions(jaxpr: Any) -> bool:
    """Whether several dtypes of one kind take part, so that it matters whether an array gives way to another dtype."""
    return any(len(dtypes) > 1 for dtypes in _precisions(jaxpr, {}).values())


def _precisions(jaxpr: Any, found: dict[str, set[Any]]) -> dict[str, set[Any]]:
    values = [*jaxpr.invars, *jaxpr.constvars]
    for equation in jaxpr.eqns:
        values += equation.outvars
        for parameter in equation.params.values():
            for part in parameter if isinstance(parameter, tuple | list) else (parameter,):
                inner = getattr(part, "jaxpr", part)
                if isinstance(inner, jax.extend.core.Jaxpr):
                    _precisions(inner, found)
    for value in values:
        dtype = getattr(value.aval, "dtype", None)
        if isinstance(dtype, np.dtype):
            found.setdefault("i" if dtype.kind == "u" else dtype.kind.replace("V", "f"), set()).add(dtype)
    return found


def _inner_constants(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        for parameter in equation.params.values():
            for part in parameter if isinstance(parameter, tuple | list) else (parameter,):
                if isinstance(part, jax.extend.core.ClosedJaxpr):
                    yield from part.consts
                    yield from _inner_constants(part.jaxpr)
                elif isinstance(part, jax.extend.core.Jaxpr):
                    yield from _inner_constants(part)


class ArgumentContents:
    """The containers among the arguments of a trace, which the caller has as well and sees change."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._found: dict[int, tuple[Any, tuple[Any, ...], Any]] = {}
        self.arrays: list[tuple[Any, Callable[[Any], Any]]] = []
        """The traced arrays, and what finds the caller's."""
        for index, value in enumerate(values):
            self._look(value, (("item", index),))

    def _look(self, value: Any, path: tuple[Any, ...]) -> None:
        if id(value) in self._found:
            return
        if isinstance(value, Tracer):
            if value.shape:
                self.arrays.append((value, _finder(path)))
        elif isinstance(value, dict):
            if type(value) is dict or hasattr(value, "copy"):
                self._found[id(value)] = value, path, dict(value)
            for key, item in value.items():
                self._look(item, (*path, ("item", key)))
        elif isinstance(value, list | tuple):
            if isinstance(value, list):
                self._found[id(value)] = value, path, list(value)
            for index, item in enumerate(value):
                self._look(item, (*path, ("item", index)))
        elif hasattr(type(value), "__dataclass_fields__"):
            fields = {name: getattr(value, name) for name in type(value).__dataclass_fields__ if hasattr(value, name)}
            self._found[id(value)] = value, path, fields
            for name, item in fields.items():
                self._look(item, (*path, ("attribute", name)))

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def changed(self) -> list[tuple[Callable[[Any], Any], Any]]:
        """For each that does not hold what it held: what finds the caller's, and the new content."""
        out: list[tuple[Callable[[Any], Any], Any]] = []
        for value, path, before in self._found.values():
            if isinstance(value, dict):
                after: Any = dict(value)
                same = list(after) == list(before) and all(after[key] is before[key] for key in before)
            elif isinstance(value, list):
                after = list(value)
                same = len(after) == len(before) and all(a is b for a, b in zip(after, before, strict=True))
            else:
                after = {name: getattr(value, name) for name in before if hasattr(value, name)}
                same = all(after.get(name) is before[name] for name in before)
            if not same:
                out.append((_finder(path), _with_kept(before, after)))
        return out


class Kept:
    """In the new content of a container: the item that was there before, which only the caller has as it was."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key


def _with_kept(before: Any, after: Any) -> Any:
    places = {id(item): key for key, item in (before.items() if isinstance(before, dict) else enumerate(before))}

    def kept(item: Any) -> Any:
        return Kept(places[id(item)]) if id(item) in places else item

    if isinstance(after, dict):
        return {key: kept(item) for key, item in after.items()}
    return [kept(item) for item in after]


def _finder(path: tuple[Any, ...]) -> Callable[[Any], Any]:
    def find(values: Any) -> Any:
        found = values.arguments
        for step, key in path:
            found = found[key] if step == "item" else getattr(found, key)
        return found

    return find
