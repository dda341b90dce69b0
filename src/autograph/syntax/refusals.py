"""Why a function cannot be converted, where it stands, and the way out."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import Any

from ..errors import ConversionError
from .excerpt import excerpt, excerpt_of

GENERATOR = (
    "it is a generator function",
    "Convert the function that goes through what it yields. Where its own if or while depends on values of a graph, "
    "let it return a list instead",
)
COROUTINE = (
    "it is a coroutine function",
    "A graph has nothing to wait for: put the computation into an ordinary function (def), convert that, and call it "
    "from the coroutine",
)
ASYNC_GENERATOR = ("it is an asynchronous generator function", COROUTINE[1])


def of_flags(flags: int) -> tuple[str, str] | None:
    """Why functions with these code flags stay as they are, whatever their source says."""
    if flags & inspect.CO_ASYNC_GENERATOR:
        return ASYNC_GENERATOR
    if flags & inspect.CO_COROUTINE:
        return COROUTINE
    return GENERATOR if flags & inspect.CO_GENERATOR else None


def refusal(code: CodeType, namespace: dict[str, Any] | None, reason: str, way_out: str) -> ConversionError:
    """The error for a function; ``reason`` follows "cannot be converted: "."""
    return _error(f"{code.co_qualname}()", reason, way_out, excerpt_of(code, namespace))


def refusal_at(
    name: str, filename: str, place: tuple[int, int | None, int | None], reason: str, way_out: str
) -> ConversionError:
    """The error for a place in a function: a line, and the columns where what is meant begins and ends."""
    return _error(f"{name}()", reason, way_out, excerpt(filename, *place))


def _error(name: str, reason: str, way_out: str, where: str) -> ConversionError:
    return ConversionError(f"{name} cannot be converted: {reason}. {way_out}.\n{where}", reason)


def without_source(code: CodeType) -> tuple[str, str]:
    """The reason and the way out where no source can be found."""
    filename = code.co_filename
    reason = "its source is not available"
    if filename == "<stdin>":
        return reason, (
            "The program came in through a pipe or a prompt, whose text Python does not keep: save it in a file, or "
            "use the prompt of Python 3.13, of IPython or of a notebook"
        )
    if filename.startswith("<"):
        return reason, (
            "It was compiled from a string: write the string to a file, or enter it in Python's cache of source lines, "
            f"linecache.cache[{filename!r}] = (len(text), None, text.splitlines(True), {filename!r})"
        )
    return reason, f"The file {filename} is missing or empty: install the source beside the compiled code"


CHANGED = (
    "its source has changed since it was imported, or is another function's",
    "Reload the module, or start the program again",
)


def native(name: str) -> ConversionError:
    """The error for something that is no Python function."""
    reason = "it is native code"
    return ConversionError(
        f"{name} cannot be converted: {reason}: it has no Python source to convert. Call it inside a converted "
        "function, which leaves it as it is, or write what it does in Python",
        reason,
    )


def hidden(name: str, inside: CodeType) -> ConversionError:
    """The error for an object of native code that a decorator has put around a Python function."""
    reason = f"a {name} hides the function {inside.co_qualname}"
    return ConversionError(
        f"{inside.co_qualname}() cannot be converted: a {name}, which is native code, stands around it. Let the "
        f"decorators change places, so that the function is converted first, or convert what is inside, "
        f"{inside.co_name}.__wrapped__.\n{excerpt_of(inside)}",
        reason,
    )
