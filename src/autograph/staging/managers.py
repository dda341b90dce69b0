"""``with`` statements while a graph is being built: what enters a context manager, and how it is left."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from ..errors import UnreachableHandlerError
from .calls import call, is_library
from .dispatch import hide_frames
from .logic import truth


class Manager:
    """The context manager of one ``with`` statement.

    One of the user's is left on each path that the block can take, by its own ``__exit__``. Any other does something
    to the program that builds the graph, which leaves its block once.
    """

    __slots__ = ("_enter", "_exit", "_is_left", "_is_users", "_value")

    def __init__(self, value: Any) -> None:
        kind = type(value)
        self._value, self._is_left = value, False
        try:
            self._enter, self._exit = kind.__enter__, kind.__exit__
        except AttributeError as error:
            missed = " (missed __exit__ method)" if error.name == "__exit__" else ""
            complaint = f"'{kind.__qualname__}' object does not support the context manager protocol{missed}"
            raise TypeError(complaint) from None
        self._is_users = isinstance(self._exit, FunctionType) and not is_library(self._exit.__code__.co_filename)

    def enter(self) -> Any:
        """What ``as`` gives a name to."""
        try:
            return call(self._enter)(self._value)
        except BaseException as error:
            hide_frames(error)
            raise

    def caught(self, error: BaseException) -> Any:
        """Leaves the block by ``error``; says whether that ends there."""
        try:
            if self._is_users:
                return truth(call(self._exit)(self._value, type(error), error, error.__traceback__))
            if self._is_left:
                return False
            self._is_left = True
            if not hasattr(error, "__ag_place__"):
                return self._exit(self._value, type(error), error, error.__traceback__)
            if not is_library(_code_of(self._value)):
                raise UnreachableHandlerError(
                    f"{type(error).__name__} is raised under a staged condition in a `with` block whose context "
                    "manager is a generator, which a graph cannot go on with for one path alone. Write the manager "
                    "as a class with __enter__ and __exit__"
                )
            self._exit(self._value, None, None, None)
            return False
        except BaseException as failure:
            hide_frames(failure)
            raise

    def left(self) -> None:
        """Leaves the block at its end, or by a jump."""
        try:
            if self._is_users:
                call(self._exit)(self._value, None, None, None)
            elif not self._is_left:
                self._is_left = True
                self._exit(self._value, None, None, None)
        except BaseException as error:
            hide_frames(error)
            raise


def _code_of(value: Any) -> str:
    """The file of the code that a context manager runs."""
    generator = getattr(value, "gen", None)
    if generator is not None and hasattr(generator, "gi_code"):
        return str(generator.gi_code.co_filename)
    code = getattr(type(value).__exit__, "__code__", None)
    return "<frozen >" if code is None else str(code.co_filename)


def manager(value: Any) -> Manager:
    """The context manager of a ``with`` statement."""
    return Manager(value)
