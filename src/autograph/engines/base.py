"""What an engine has to offer, and how the engine of a value is found.

Importing this module loads no framework: an engine is loaded when a value of its framework first appears, which cannot
happen before the program itself has imported the framework.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Protocol


class Engine(Protocol):
    """The staging layer's view of a graph framework.

    Regions are passed as functions of no arguments (loop bodies: of one, the item). ``names`` are the variables of a
    region's state that matter afterwards, ``?`` behind those that may be read while unbound; ``None`` means all that
    the region changes. ``owners`` are the converted functions whose closure cells hold the variables.
    """

    name: str

    def active(self) -> bool:
        """Whether a graph is being built in this thread."""

    def is_staged(self, value: Any) -> bool:
        """Whether ``value`` is one that the graph will compute."""

    def cond(
        self,
        test: Any,
        body: Callable[[], Any],
        orelse: Callable[[], Any],
        names: tuple[str, ...] | None,
        owners: Sequence[FunctionType],
    ) -> Any:
        """Stages a conditional; gives what the branch that is taken returns."""

    def while_loop(
        self,
        test: Callable[[], Any],
        body: Callable[[], Any],
        names: tuple[str, ...],
        owners: Sequence[FunctionType],
    ) -> None:
        """Stages a loop. ``test`` has been evaluated once, staged, before the call, and is evaluated again."""

    def for_loop(
        self,
        sequence: Any,
        body: Callable[[Any], Any],
        names: tuple[str, ...],
        until: Callable[[], Any] | None,
        owners: Sequence[FunctionType],
    ) -> None:
        """Stages a loop over a sequence that ``sequence_of`` gave."""

    def sequence_of(self, iterable: Any) -> Any | None:
        """``iterable`` as something that ``for_loop`` can go through, or ``None`` if Python has to iterate over it."""


_loaded: dict[str, Engine] = {}
_MODULES = {"jax": "autograph.engines.jax"}
_engine_of_type: dict[type, Engine | None] = {}


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
            if error.name is not None and error.name.partition(".")[0] == name:
                error.add_note(f"install it with: pip install 'autograph-compiler[{name}]'")
            raise
        known = _loaded[name] = module.ENGINE
        _engine_of_type.clear()
    return known


def engine_of(value: Any) -> Engine | None:
    """The engine for which ``value`` is staged, or ``None`` for a value that Python can look at."""
    kind = type(value)
    try:
        candidate = _engine_of_type[kind]
    except KeyError:
        candidate = _engine_of_type[kind] = _find(kind)
    if candidate is not None and candidate.is_staged(value):
        return candidate
    return None


def _find(kind: type) -> Engine | None:
    for name in _MODULES:
        if name in sys.modules and any(base.__module__.partition(".")[0] == name for base in kind.__mro__):
            return engine(name)
    if getattr(kind, "__ag_engine__", None) is not None:
        return engine(kind.__ag_engine__)
    return None


def active_engine() -> Engine | None:
    """The engine that is building a graph in this thread, if any."""
    for name in _MODULES:
        if name in _loaded:
            if _loaded[name].active():
                return _loaded[name]
        elif name in sys.modules and hasattr(sys.modules[name], "jit"):
            candidate = engine(name)
            if candidate.active():
                return candidate
    return None
