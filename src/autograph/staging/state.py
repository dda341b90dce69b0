"""What a region changes: closure cells for variables, a journal for everything else.

A region is run under a trace, possibly more than once, before the graph takes its place. Whatever it changed while it
ran has to be found, read and put back, so that the graph alone makes the change. Variables are closure cells, which can
be snapshotted; writes to attributes and containers go through the staging layer, which notes each location and its old
value in the journal before the first write.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import CellType
from typing import Any, NamedTuple

from .copies import check_copies


class Unbound:
    """The value of a variable that has none."""

    _instance: Unbound | None = None

    def __new__(cls) -> Unbound:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "<unbound>"


UNBOUND = Unbound()


def read_cell(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return UNBOUND


def write_cell(cell: CellType, value: Any) -> None:
    if value is UNBOUND:
        with contextlib.suppress(ValueError):  # it may be empty already
            del cell.cell_contents
    else:
        cell.cell_contents = value


class Variables:
    """The variables that some converted functions can change, by name."""

    def __init__(self, owners: Sequence[Callable[..., Any]], names: tuple[str, ...] | None) -> None:
        self._cells: dict[str, CellType] = {}
        self._globals: dict[str, Any] = {}
        for owner in owners:
            if owner.__closure__ is not None:
                self._cells.update(zip(owner.__code__.co_freevars, owner.__closure__, strict=True))
        self._cells.pop("ag__", None)
        self._global_names: list[str] = []
        if names is not None:
            self._global_names = [name for name in map(plain_name, names) if name not in self._cells]
            self._globals = owners[0].__globals__ if owners else {}

    def cell(self, name: str) -> CellType | None:
        """The cell of a variable, if it has one."""
        cell = self._cells.get(name)
        return cell if cell is not None and read_cell(cell) is not UNBOUND else None

    def holds(self, location: Location) -> bool:
        """Whether ``location`` is one of these variables."""
        if isinstance(location, Cell):
            return any(cell is location.owner for cell in self._cells.values())
        return isinstance(location, Global) and location.owner is self._globals and location.name in self._global_names

    def read(self, name: str) -> Any:
        cell = self._cells.get(name)
        return read_cell(cell) if cell is not None else self._globals.get(name, UNBOUND)

    def write(self, name: str, value: Any) -> None:
        cell = self._cells.get(name)
        if cell is not None:
            write_cell(cell, value)
        elif value is UNBOUND:
            self._globals.pop(name, None)
        else:
            self._globals[name] = value

    def snapshot(self) -> dict[str, Any]:
        values = {name: read_cell(cell) for name, cell in self._cells.items()}
        for name in self._global_names:
            values[name] = self._globals.get(name, UNBOUND)
        return values

    def restore(self, snapshot: dict[str, Any]) -> None:
        for name, value in snapshot.items():
            self.write(name, value)

    def changed(self, snapshot: dict[str, Any]) -> list[str]:
        return [name for name, value in snapshot.items() if self.read(name) is not value]


def plain_name(name: str) -> str:
    return name[:-1] if name.endswith("?") else name


class Location:
    """A place outside the variables that holds a value. ``key`` is its identity; ``owner`` keeps that valid."""

    __slots__ = ("key", "owner")

    owner: Any
    key: tuple[Any, ...]
    is_outside = False
    """Whether it is certain that the owner was there before any region began."""

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError

    def describe(self) -> str:
        raise NotImplementedError


class Attribute(Location):
    __slots__ = ("name",)

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name, self.key = owner, name, (id(owner), name)

    def read(self) -> Any:
        return getattr(self.owner, self.name, UNBOUND)

    def write(self, value: Any) -> None:
        if value is not UNBOUND:
            setattr(self.owner, self.name, value)
        elif hasattr(self.owner, self.name):
            delattr(self.owner, self.name)

    def describe(self) -> str:
        return f"the attribute {self.name!r} of a {type(self.owner).__name__}"


class Cell(Location):
    """A variable of an enclosing function, as a nested function that writes it sees it."""

    __slots__ = ("name",)

    def __init__(self, cell: CellType, name: str) -> None:
        self.owner, self.name, self.key = cell, name, (id(cell),)

    def read(self) -> Any:
        return read_cell(self.owner)

    def write(self, value: Any) -> None:
        write_cell(self.owner, value)

    def describe(self) -> str:
        return f"variable {self.name!r}"


class Global(Location):
    """A global variable."""

    __slots__ = ("name",)

    def __init__(self, namespace: dict[str, Any], name: str) -> None:
        self.owner, self.name, self.key = namespace, name, (id(namespace), name)

    def read(self) -> Any:
        return self.owner.get(self.name, UNBOUND)

    def write(self, value: Any) -> None:
        if value is UNBOUND:
            self.owner.pop(self.name, None)
        else:
            self.owner[self.name] = value

    def describe(self) -> str:
        return f"global variable {self.name!r}"


class Argument(Location):
    """An array that the caller of the function that is being traced holds."""

    __slots__ = ("index",)
    is_outside = True

    def __init__(self, arguments: list[Any], index: int) -> None:
        self.owner, self.index, self.key = arguments, index, (id(arguments), index, "argument")

    def read(self) -> Any:
        return self.owner[self.index]

    def write(self, value: Any) -> None:
        self.owner[self.index] = value

    def describe(self) -> str:
        return "an argument"


class Reference:
    """A container inside another one, which is the same object on all paths: what it holds is its own location."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self.value = value


def _without_references(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: value.value if type(value) is Reference else value for key, value in content.items()}
    if type(content) is list:
        return [value.value if type(value) is Reference else value for value in content]
    return content


class Content(Location):
    """All that a list, dict or set holds."""

    __slots__ = ()

    def __init__(self, owner: Any) -> None:
        self.owner, self.key = owner, (id(owner),)

    def read(self) -> Any:
        owner = self.owner
        content = getattr(owner, "__ag_content__", None)
        if content is not None:
            return content()
        if isinstance(owner, dict):
            return dict(owner)
        if isinstance(owner, set):
            return set(owner)
        return list(owner)

    def write(self, value: Any) -> None:
        owner, value = self.owner, _without_references(value)
        set_content = getattr(owner, "__ag_set_content__", None)
        if set_content is not None:
            set_content(value)
        elif isinstance(owner, dict | set):
            owner.clear()
            owner.update(value)
        elif isinstance(owner, deque):
            owner.clear()
            owner.extend(value)
        else:
            owner[:] = value

    def describe(self) -> str:
        return "a list" if isinstance(self.owner, list) else f"a {type(self.owner).__name__}"


class Journal:
    """The first old value of each location written while a region runs."""

    def __init__(self) -> None:
        self.old: dict[tuple[Any, ...], tuple[Location, Any]] = {}
        self.born: dict[int, Any] = {}
        """Objects that came into being in the region: changes to them are nobody else's business."""

    def before_write(self, location: Location) -> None:
        if location.key not in self.old and id(location.owner) not in self.born:
            self.old[location.key] = location, location.read()

    def changes(self) -> dict[tuple[Any, ...], tuple[Location, Any, Any]]:
        """The locations whose value is not what it was, with the old and the new value."""
        out = {}
        for key, (location, old) in self.old.items():
            new = location.read()
            if not _same(old, new):
                out[key] = location, old, new
        return out

    def roll_back(self) -> None:
        for location, old in self.old.values():
            location.write(old)


class Callers:
    """The arrays that the caller of the function that is being traced holds, and what happens to them."""

    def __init__(self, arguments: list[Any]) -> None:
        self.given = list(arguments)
        """The arrays among the arguments."""
        self.arguments = arguments
        """The same as they are now."""
        self.numpys: list[Any] = []
        """Traced arrays that stand for arrays of NumPy's which the program has made."""
        self.refusal: str | None = None
        """Why the function cannot be called with arrays of NumPy's, which would change unseen."""

    def is_numpys(self, array: Any) -> bool:
        return any(array is one for one in self.numpys)

    def changed(self) -> list[tuple[int, Any]]:
        """The arguments that the function has changed in place, by their number, and what they are now."""
        pairs = enumerate(zip(self.given, self.arguments, strict=True))
        return [(number, now) for number, (array, now) in pairs if now is not array]


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
    if isinstance(old, dict):
        return list(old) == list(new) and all(old[key] is new[key] for key in old)
    if isinstance(old, set):
        return old == new
    return False


class Origin(NamedTuple):
    """That an array stands at the head of an iteration for what was ``initial`` before the loop."""

    head: Any
    initial: Any
    names: Any
    """Of the loop, which of its variables are one array (``common.loops.Names``)."""
    leaf: tuple[int, int]
    """By what ``names`` knows the variable."""


class _Context(threading.local):
    """What this thread is tracing."""

    def __init__(self) -> None:
        self.journals: list[Journal] = []
        self.copies: list[tuple[Any, list[Any]]] = []
        """Containers that are copies of others, with those."""
        self.loop_options: list[dict[str, Any]] = []
        self.negations: list[tuple[Any, Any]] = []
        """Staged flags that are the opposite of others, with those."""
        self.compounds: list[tuple[Any, bool, list[Any]]] = []
        """Staged results of ``and`` (``True``) and ``or`` (``False``), with their operands."""
        self.probes = 0
        """Depth of traces that may come to nothing: loops that Python could run as well."""
        self.flattening = 0
        """Depth of the engine's own walks through pytrees, as against those of the user's transformations."""
        self.by_identity = False
        """Whether the tensors of the graph compare by identity, as those of TensorFlow 1.x do."""
        self.iterations: list[Any] = []
        """The iterations of loops that are being traced, from the outermost in (``engines/common/iterations.py``)."""
        self.effects = 0
        """How many effects on the host have been put into graphs so far."""
        self.scopes: list[Any] = []
        """Regions under an active ``try``, from the outermost in; empty where none is waiting for an exception."""
        self.variables: list[Variables] = []
        """The variables of the regions that are being traced, from the outermost in."""
        self.origins: list[Origin] = []
        """What arrays at the head of an iteration that is being traced were before the loop."""
        self.rooms: Any = None
        """The rooms of the lists of the ``ag.function`` that is being traced."""
        self.raises = 0
        """How many exceptions have been raised under a ``try`` while tracing: they are known by their number."""
        self.assumptions: list[tuple[Any, bool]] = []
        """What enclosing conditions have established: a staged flag and its value here."""
        self.boundary: Journal | None = None
        """What the whole function that is being traced writes to the outside, apart from its regions."""
        self.callers: Callers | None = None
        """The arrays among the arguments of the function that is being traced."""
        self.reached: dict[int, Any] | None = None
        """The functions that the trace has come to, by identity."""


CONTEXT = _Context()


def in_region() -> bool:
    """Whether the code that runs now is being traced as part of a staged region."""
    return bool(CONTEXT.journals)


def about_to_write(location: Location) -> None:
    """To be called before any change of ``location``."""
    if CONTEXT.copies:
        check_copies(CONTEXT.copies, location.owner)
    if CONTEXT.journals:
        CONTEXT.journals[-1].before_write(location)
    elif CONTEXT.boundary is not None:
        CONTEXT.boundary.before_write(location)


def was_born(value: Any) -> None:
    """To be called when a mutable object is made in converted code."""
    if CONTEXT.journals:
        CONTEXT.journals[-1].born[id(value)] = value
    elif CONTEXT.boundary is not None:
        CONTEXT.boundary.born[id(value)] = value


def were_born(value: Any) -> None:
    """To be called when ``value``, and the dicts and lists in it, were put together anew."""
    if isinstance(value, dict | list):
        was_born(value)
        for item in value.values() if isinstance(value, dict) else list.__iter__(value):
            were_born(item)
    elif isinstance(value, tuple):
        for item in value:
            were_born(item)


def is_journaled() -> bool:
    """Whether changes of containers have to be announced."""
    return bool(CONTEXT.journals) or CONTEXT.boundary is not None


def note_reached(function: Any) -> None:
    """To be called when the trace comes to a function of the user's."""
    if CONTEXT.reached is not None:
        CONTEXT.reached[id(function)] = function
