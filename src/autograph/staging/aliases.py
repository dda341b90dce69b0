"""Arrays under several names, where one name is used to change an item.

``a[i] = v`` changes an array in place, and all who hold it see that: the caller of a function that fills its argument,
another variable, a closure. An engine's arrays do not change, so the assignment makes a new one; the variables of the
functions that are running and hold the old one are given the new one. A variable that a region outside of which it
lives thereby changes is noted in the journal like any other location.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from types import CellType, FrameType
from typing import Any

from ..errors import StagingError
from ..syntax.compiler import is_converted
from .dispatch import is_own_file
from .state import CONTEXT, UNBOUND, Argument, Cell, Global, Location, about_to_write


class AliasCell(Cell):
    """A variable of an enclosing function that is changed under another name."""

    __slots__ = ()


class FrameVariable(Location):
    """A variable of a function that is running."""

    __slots__ = ("name",)

    def __init__(self, frame: FrameType, name: str) -> None:
        self.owner, self.name, self.key = frame, name, (id(frame), name, "variable")

    def read(self) -> Any:
        return self.owner.f_locals.get(self.name, UNBOUND)

    def write(self, value: Any) -> None:
        names = self.owner.f_locals
        if value is UNBOUND:
            names.pop(self.name, None)
        else:
            names[self.name] = value
        if sys.version_info < (3, 13):  # from there on `f_locals` writes through
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.owner), ctypes.c_int(1))

    def describe(self) -> str:
        return f"variable {self.name!r}"


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if is_converted(frame.f_code) and not is_own_file(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def replaced(old: Any, new: Any) -> None:
    """Gives the variables of the running functions that hold the array ``old`` the array ``new``."""
    olds = earlier(old)
    if CONTEXT.origins:
        _look_for_names(old, olds)
    for frame in _frames():
        code = frame.f_code
        for name, value in list(frame.f_locals.items()):
            if any(value is one for one in olds):
                location: Location
                cell = _cell(name, value) if name in code.co_cellvars or name in code.co_freevars else None
                location = FrameVariable(frame, name) if cell is None else AliasCell(cell, name)
                about_to_write(location)
                location.write(new)
        for name in code.co_names:
            if any(frame.f_globals.get(name) is one for one in olds):
                about_to_write(Global(frame.f_globals, name))
                frame.f_globals[name] = new
    if CONTEXT.callers is not None:
        arguments = CONTEXT.callers.arguments
        for index, value in enumerate(arguments):
            if any(value is one for one in olds):
                about_to_write(Argument(arguments, index))
                arguments[index] = new


def earlier(array: Any) -> list[Any]:
    """``array``, and what it was before the loops that are being traced."""
    found = [array]
    for origin in reversed(CONTEXT.origins):
        if origin.head is found[-1]:
            found.append(origin.initial)
    return found


def _look_for_names(old: Any, olds: list[Any]) -> None:
    """Sees to variables that were the array ``old`` before a loop, and have a value of their own in its body."""
    first = olds[-1]
    for origin in CONTEXT.origins:
        other = earlier(origin.head)
        if other[-1] is not first or any(origin.head is one for one in olds):
            continue
        callers = CONTEXT.callers
        is_callers = callers is not None and any(origin.head is one for one in callers.arguments)
        if not is_callers and not is_held(origin.head):
            continue
        complaint = _are_one(olds, other)
        if complaint is not None and callers is not None and is_callers:
            callers.refusal = callers.refusal or f"{current_line()}: {complaint}"
        elif complaint is not None:
            raise StagingError(complaint)


def _are_one(olds: list[Any], others: list[Any]) -> str | None:
    """Has the loop in which two arrays part that were one treat them as one; says so if an iteration leaves two."""
    while olds[-1] is others[-1]:
        olds, others = olds[:-1], others[:-1]
        if not olds or not others:
            return None
    ours, theirs = (next(origin for origin in CONTEXT.origins if origin.head is chain[-1]) for chain in (olds, others))
    if ours.names is theirs.names and ours.names.part(ours.leaf, theirs.leaf):
        names = " and ".join(sorted({ours.names.label(ours.leaf), ours.names.label(theirs.leaf)}))
        return (
            f"an item of an array is assigned to that is {names} in the first iteration of a loop, and one of them "
            "alone in later ones, which a graph cannot tell apart. Give one of them an array of its own before the "
            "loop (y = x.copy()), or write x[...] = v for x = v, which keeps the array"
        )
    ours.names.look()
    theirs.names.look()
    return None


def is_held(value: Any) -> bool:
    """Whether a variable of a running function holds ``value``."""
    return any(held is value for frame in _frames() for held in frame.f_locals.values())


def is_shared(value: Any) -> bool:
    """Whether the array ``value`` is an argument of the function that is being traced, or has more than one name."""
    olds = earlier(value)
    if CONTEXT.callers is not None and any(held is one for held in CONTEXT.callers.arguments for one in olds):
        return True
    names = {
        (id(frame.f_code), name)
        for frame in _frames()
        for name, held in frame.f_locals.items()
        if any(held is one for one in olds) and not name.startswith("ag__")
    }
    return len({name for _, name in names}) > 1


def current_line() -> str:
    """The line of the program that is running."""
    frame = next(_frames())
    return f"line {frame.f_lineno} of {frame.f_code.co_name}()"


def _cell(name: str, content: Any) -> CellType | None:
    """The cell of a variable that a region under way can change."""
    for variables in reversed(CONTEXT.variables):
        cell = variables.cell(name)
        if cell is not None and cell.cell_contents is content:
            found: CellType = cell
            return found
    return None


def refuse_view(name: str) -> None:
    """An array that is part of another one changes that one too, which a graph's arrays do not do."""
    raise StagingError(
        f"an item of a part of an array is assigned to, and the whole, {name}, would have to change with it. "
        "Assign to the item of the whole: write m[i, j] = v for row = m[i]; row[j] = v"
    )


def rebinding() -> str:
    """That an array of NumPy's would have changed where a variable got a new array."""
    return (
        f"{current_line()} updates an array in place (x += y), and it has other names or is the caller's: an array "
        "of NumPy's changes for all of them, and here the variable got a new one. Write x[...] += y to change it, "
        "x = x + y for a new array, or give the function arrays of the framework's, which do not change"
    )
