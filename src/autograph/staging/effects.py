"""What converted code does to the outside, and reads of variables that may not be there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dispatch import hide_frames, staged, unbound_local
from .formatting import holds_staged
from .values import Late, backend


def read(name: str, load: Callable[[], Any]) -> Any:
    """The value of a variable of the user's function that may be unbound."""
    try:
        value = load()
    except NameError as error:
        if error.name not in (None, name):
            raise
        error = unbound_local(name)
        error.name = name
    else:
        if type(value) is Late:
            if value.bound is not True:
                backend().check(value.bound, lambda: unbound_local(name))
            return value.value
        return value
    try:
        raise error
    finally:
        del error


def check(test: Any, message: Callable[[], Any] | None = None) -> bool:
    """Whether an assertion that Python can decide holds; a staged one is left to the graph."""
    try:
        if test is True:
            return True
        engine = staged(test)
        if engine is None:
            return bool(test)
        # The message is evaluated only if it is needed, so under the condition that it is.
        engine.assert_(test, message)
        return True
    except BaseException as error:
        hide_frames(error)
        raise


__all__ = ["check", "holds_staged", "read"]
