"""What converted code does to the outside, and reads of variables that may not be there."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from .calls import asked
from .dispatch import hide_frames, staged, unbound_free, unbound_local
from .state import Cell, Global, about_to_write, is_journaled
from .values import Late, backend


def read(name: str, load: Callable[[], Any]) -> Any:
    """The value of a variable of the user's function that may be unbound."""
    try:
        try:
            value = load()
        except NameError as error:
            if error.name not in (None, name):
                raise
            unbound = unbound_local(name)
        else:
            if type(value) is not Late:
                return value
            if value.bound is not True:
                backend().check(value.bound, lambda: unbound_local(name))
            return value.value
        raise unbound
    except BaseException as error:
        hide_frames(error)
        raise


def read_free(name: str, load: Callable[[], Any]) -> Any:
    """The value of a variable of a function around the user's that may be unbound."""
    try:
        try:
            value = load()
        except NameError as error:
            error.__ag_raised__ = True  # type: ignore[attr-defined]
            raise
        if type(value) is not Late:
            return value
        if value.bound is not True:
            backend().check(value.bound, lambda: unbound_free(name))
        return value.value
    except BaseException as error:
        hide_frames(error)
        raise


def writes(variable: FunctionType) -> None:
    """Announces that the variable which ``variable`` reads, an outer one, is about to be written."""
    if is_journaled():
        code = variable.__code__
        if variable.__closure__:
            about_to_write(Cell(variable.__closure__[0], code.co_freevars[0]))
        else:
            about_to_write(Global(variable.__globals__, code.co_names[0]))


def check(test: Any, message: Callable[[], Any] | None = None) -> bool:
    """Whether an assertion that Python can decide holds; a staged one is left to the graph."""
    try:
        if test is True:
            return True
        engine = staged(test)
        if engine is None:
            test = asked(test)
            engine = staged(test)
        if engine is None:
            return bool(test)
        # The message is evaluated only if it is needed, so under the condition that it is.
        engine.assertion(test, message)
        return True
    except BaseException as error:
        hide_frames(error)
        raise
