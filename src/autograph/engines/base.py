"""What an engine has to offer, and how the engine of a value is found.

Importing this module loads no framework: an engine is loaded when a value of its framework first appears, which cannot
happen before the program itself has imported the framework.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Engine(Protocol):
    """The staging layer's view of a graph framework.

    Regions are passed as functions of no arguments (loop bodies: of one, the item). ``names`` are the variables of a
    region's state that matter afterwards, ``?`` behind those that may be read while unbound; ``None`` means all that
    the region changes. ``owners`` are the converted functions whose closure cells hold the variables.
    """

    name: str
    types: Any
    """Its values, as ``staging/unify.py`` sees them."""

    def active(self) -> bool:
        """Whether a graph is being built in this thread."""

    def is_staged(self, value: Any) -> bool:
        """Whether ``value`` is one that the graph will compute."""

    def cond(
        self,
        test: Any,
        body: Callable[..., Any],
        orelse: Callable[..., Any],
        names: tuple[str, ...] | None,
        owners: Sequence[Callable[..., Any]],
    ) -> Any:
        """Stages a conditional; gives what the branch that is taken returns."""

    def while_loop(
        self,
        test: Callable[[], Any],
        body: Callable[[], Any],
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        first: Any,
    ) -> None:
        """Stages a loop. ``test`` has been evaluated once before the call, to ``first``, and is evaluated again."""

    def begins_in_graph(
        self,
        test: Callable[[], Any],
        body: Callable[[], Any],
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
    ) -> bool:
        """Whether a loop whose first test Python has decided can be the graph's all the same, from the first iteration.

        It can where the graph decides the second test, and the state has the same form before and after an iteration.
        """

    def for_loop(
        self,
        sequence: Any,
        body: Callable[[Any], Any],
        names: tuple[str, ...],
        until: Callable[[], Any] | None,
        owners: Sequence[Callable[..., Any]],
    ) -> None:
        """Stages a loop over a sequence that ``sequence_of`` gave."""

    def unrolled(self) -> AbstractContextManager[Any]:
        """While Python runs a loop itself; gives what is to be told the ``number`` of the iteration."""

    def sequence_of(self, iterable: Any) -> Any | None:
        """``iterable`` as something that ``for_loop`` can go through, or ``None`` if Python has to iterate over it."""

    def is_stream(self, value: Any) -> bool:
        """Whether ``value`` gives its items one after another, and has no other form in the graph."""

    def must_end(self, value: Any) -> None:
        """Makes the call end with an error where ``value``, which is to become a list, never ends."""

    # Calls and effects.

    def prepare(self, function: Any) -> Any:
        """The ``FunctionState`` (``concrete.py``) of an ``ag.function``; made once, see ``function.state(name)``."""

    def run(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls an ``ag.function``."""

    def use_cache(self, folder: str | None) -> None:
        """Keeps compiled programs in ``folder`` across processes, where the framework can."""

    def builds_nodes(self) -> bool:
        """Whether a graph is being built whose nodes are run by fetching them (TensorFlow 1.x)."""

    def for_graphs(self, converted: Any, original: Any, by_identity: Callable[[], Any]) -> Any:
        """A converted function that may be called while such a graph is being built.

        ``by_identity`` gives its form for tensors that compare by identity.
        """

    def decorated_again(self, function: Any, convert: Callable[[Any], Any]) -> Any | None:
        """A function of the user's under one of the framework's decorators, with that around the converted function.

        ``None`` for any other function of the framework.
        """

    def host_call(self, function: Callable[..., Any], leaves: list[Any], result: Any, name: str) -> Any:
        """Calls ``function`` with the values of ``leaves`` when the graph runs; ``result`` says what it returns."""

    def print(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Prints when the graph runs, as Python's ``print`` would."""

    def check(self, ok: Any, make: Callable[[], BaseException]) -> None:
        """Makes the call end with ``make()`` where ``ok`` is false when the graph runs."""

    def assertion(self, test: Any, message: Callable[[], Any] | None) -> None:
        """Makes the call end with an ``AssertionError`` where ``test`` is false when the graph runs."""

    def to_host(self, value: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """The arrays that make up ``value``, and a function that rebuilds it from concrete ones as Python's values."""

    def loop_source(self, function: Any) -> Callable[..., Any] | None:
        """What a loop calls instead of a function of the framework's that makes an array to go through, if anything."""

    def items(self, value: Any) -> Any:
        """A staged value as something that Python can iterate over, if its length is known."""

    def next_of(self, iterator: Any) -> Any:
        """``next(iterator)`` of an iterator that the graph draws from."""

    def next_or(self, iterator: Any, default: Any) -> Any:
        """``next(iterator, default)`` of an iterator that the graph draws from."""

    def length(self, value: Any) -> Any:
        """``len(value)`` of a staged value."""

    # Truth.

    def truth(self, value: Any) -> Any:
        """A scalar of booleans, as Python's ``bool`` sees ``value``."""

    def logical_not(self, value: Any) -> Any:
        """``not value`` of a truth value."""

    def logical_and(self, left: Any, right: Any) -> Any:
        """``left and right`` of truth values."""

    def logical_or(self, left: Any, right: Any) -> Any:
        """``left or right`` of truth values."""

    def absent(self, value: Any) -> Any:
        """Whether a ``Maybe`` is ``None``."""

    def equal(self, left: Any, right: Any) -> Any:
        """``left == right``, where one of them is staged."""

    def contains(self, array: Any, value: Any) -> Any:
        """``value in array``"""

    # Arrays.

    def is_array(self, value: Any) -> bool:
        """Whether ``value`` is an array of the framework, staged or not."""

    def as_element(self, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        """``value`` as an element of a list whose elements have this shape and dtype."""

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An array of zeros."""

    def rows(self, array: Any) -> Any:
        """An array of any framework as a sequence for ``for_loop``."""

    def get_item(self, array: Any, key: Any) -> Any:
        """``array[key]`` where ``key`` is staged and ``array`` is not."""

    def item_at(self, array: Any, index: Any) -> Any:
        """``array[index]`` where ``index`` is staged, or ``NotImplemented`` where ``array`` knows best."""

    def updated(self, array: Any, key: Any, value: Any) -> Any:
        """``array`` with ``array[key] = value``, in the dtype of ``array``."""

    def wrapped_index(self, index: Any, length: Any) -> Any:
        """A staged index counted from the start, where it may be negative."""

    def sum_rows(self, array: Any) -> Any:
        """``sum(array)`` over the first axis."""

    # Built-in functions over staged values.

    def range(self, start: Any, stop: Any, step: Any) -> Any:
        """``range`` with a staged argument."""

    def sorted(self, items: Any, key: Callable[[Any], Any] | None, reverse: bool) -> list[Any]:
        """The elements in ascending order of their keys, equal ones in the order in which they came."""

    def python_number(self, value: Any) -> type | None:
        """The class of the number of Python's that a staged scalar stands for; ``None`` for an array."""

    def round(self, number: Any, digits: Any) -> Any:
        """``round(number, digits)``; an integer where ``digits`` is ``None``."""

    def to_int(self, value: Any) -> Any:
        """``int(value)``"""

    def to_float(self, value: Any) -> Any:
        """``float(value)``"""

    # Pytrees of arrays that share their first axis: the content of a list, the rows of a sequence.

    def leading_size(self, data: Any) -> int:
        """How many rows there are."""

    def first(self, data: Any, count: int) -> Any:
        """The first ``count`` rows."""

    def flipped(self, slices: Any) -> Any:
        """The rows from last to first."""

    def stack_trees(self, items: list[Any]) -> Any:
        """The rows ``items``, stacked."""

    def list_argument(self, function: Callable[..., Any], items: Any) -> Any:
        """What a function of a library's is given for a list that the graph fills."""

    def unstack(self, data: Any, count: int) -> list[Any]:
        """Each of ``count`` rows for itself."""

    def get_at(self, data: Any, index: Any) -> Any:
        """One row."""

    def set_at(self, data: Any, index: Any, value: Any) -> Any:
        """The rows with another one at ``index``."""

    def reserved(self, content: Any, element: Any, capacity: int) -> Any:
        """A list's buffer that holds ``content`` (a list or a buffer), with room for ``capacity`` like ``element``."""

    def concrete_items(self, buffer: Any) -> list[Any] | None:
        """The elements of a list's buffer, if nothing about them is staged."""


_loaded: dict[str, Engine] = {}
_MODULES = {"jax": "autograph.engines.jax", "tensorflow": "autograph.engines.tensorflow"}
_framework_of_type: dict[type, str | None] = {}
_package_of_type: dict[type, str | None] = {}
_OF_THE_GRAPH = "?"
"""In place of a framework's name: values of this package's own, which belong to the graph that is being built."""


def engine(name: str) -> Engine:
    """The engine called ``name``, loaded if need be.

    Raises:
        ImportError: its framework is not installed; the message says which extra to install.
    """
    known = _loaded.get(name)
    if known is None:
        try:
            module = importlib.import_module(_MODULES[name])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != name:
                raise
            raise ModuleNotFoundError(
                f"backend {name!r} needs the package {error.name}, which is not installed. "
                f"Install it with: pip install 'autograph-compiler[{name}]'",
                name=error.name,
            ) from error
        known = _loaded[name] = module.ENGINE
    return known


def engine_of(value: Any) -> Engine | None:
    """The engine for which ``value`` is staged, or ``None`` for a value that Python can look at."""
    kind = type(value)
    try:
        name = _framework_of_type[kind]
    except KeyError:
        name = _find(kind)
    if name is None:
        return None
    candidate = active_engine() if name is _OF_THE_GRAPH else engine(name)
    return candidate if candidate is not None and candidate.is_staged(value) else None


def array_engine(value: Any) -> Engine | None:
    """The engine whose framework's array ``value`` is, staged or not."""
    kind = type(value)
    name = _framework_of_type[kind] if kind in _framework_of_type else _find(kind)
    if name is None or name is _OF_THE_GRAPH:
        return None
    found = engine(name)
    return found if found.is_array(value) else None


def framework_of(kind: type) -> str | None:
    """The framework that a class, or a class that it derives from, belongs to."""
    if kind not in _package_of_type:
        packages = [str(base.__module__).partition(".")[0] for base in kind.__mro__]
        _package_of_type[kind] = next((package for package in packages if package in _MODULES), None)
    return _package_of_type[kind]


def _find(kind: type) -> str | None:
    name = _OF_THE_GRAPH if getattr(kind, "__ag_engine__", False) is True else framework_of(kind)
    _framework_of_type[kind] = name
    return name


def active_engine() -> Engine | None:
    """The engine that is building a graph in this thread, if any."""
    for name in _MODULES:
        if name in _loaded:
            if _loaded[name].active():
                return _loaded[name]
        elif name in sys.modules and hasattr(sys.modules[name], _READY[name]):
            candidate = engine(name)
            if candidate.active():
                return candidate
    return None


_READY = {"jax": "jit", "tensorflow": "function"}
"""What a framework's module has once it has been imported to its end."""
