"""Debuggers in converted code: they show the user's function as one frame, with the user's variables, line by line.

A branch or a loop's body is a function of its own in converted code, called through this package and the framework. A
debugger of the standard library's ``bdb`` would show that: steps into the package, a frame for each region, and in a
region only the variables that it mentions. ``adopt`` gives such a debugger the eyes of the user: frames of libraries
that the user's code has not called itself are passed over, the regions of one call are one frame, and what their
functions see together are its variables.
"""

from __future__ import annotations

import bdb
import dis
import os
import pdb
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from .engines.base import active_engine
from .engines.common.failures import Place, run_at
from .engines.common.iterations import taken_along
from .staging import formatting
from .staging.calls import is_installed, is_library
from .staging.dispatch import FULL_TRACEBACKS, do_nothing, is_own_file, staged
from .syntax.compiler import REGION, is_converted

_GENERATED = "ag__"


def activation(frame: FrameType) -> FrameType:
    """The frame of the user's function that ``frame`` is a region of; the frame itself, if it is none."""
    inner = frame
    while inner.f_code.co_flags & REGION:
        outer = inner.f_back
        while outer is not None and not _is_same_function(outer.f_code, frame.f_code):
            outer = outer.f_back
        if outer is None:
            return frame
        inner = outer
    return inner


def _is_same_function(code: CodeType, other: CodeType) -> bool:
    return code.co_qualname == other.co_qualname and code.co_filename == other.co_filename and is_converted(code)


def variables(frame: FrameType) -> dict[str, Any]:
    """The variables of the user's function, as its regions see them; the innermost region counts."""
    found: dict[str, Any] = {}
    chain = [frame]
    top = activation(frame)
    while chain[-1] is not top and chain[-1].f_back is not None:
        chain.append(chain[-1].f_back)
    for inner in reversed(chain):
        if inner is frame or _is_same_function(inner.f_code, frame.f_code):
            found.update(inner.f_locals)
    return {name: value for name, value in found.items() if not _is_generated(name, value)}


def _is_generated(name: str, value: Any) -> bool:
    if name.startswith(_GENERATED):
        return True
    return isinstance(value, FunctionType) and bool(value.__code__.co_flags & REGION)


def is_of_user(frame: FrameType) -> bool:
    """Whether a debugger is to show a frame: the user's code, or what that has called of a library itself."""
    code = frame.f_code
    if is_converted(code):
        return True
    filename = code.co_filename
    if filename.startswith("<"):
        # Generated code, such as the methods of a dataclass, is its module's.
        module = sys.modules.get(str(frame.f_globals.get("__name__")))
        filename = getattr(module, "__file__", None) or ("" if module is None else filename)
    if filename and not is_library(filename) and not is_installed(filename):
        return True
    if is_own_file(filename) or (is_library(filename) and is_installed(filename)):
        return False
    caller = frame.f_back
    if caller is None:
        return False
    of_caller = caller.f_code.co_filename
    return is_converted(caller.f_code) or not (is_library(of_caller) or is_installed(of_caller))


class UsersEyes:
    """What is put before a debugger's own class (a subclass of ``bdb.Bdb``)."""

    def stop_here(self: Any, frame: FrameType) -> bool:
        if not is_of_user(frame):
            return False
        stop = self.stopframe
        if stop is not None and frame is not stop and is_converted(frame.f_code) and activation(frame) is stop:
            return bool(self.stoplineno != -1 and frame.f_lineno >= self.stoplineno)
        return bool(super().stop_here(frame))  # type: ignore[misc]

    def user_call(self: Any, frame: FrameType, argument_list: Any) -> None:
        if not frame.f_code.co_flags & REGION:
            super().user_call(frame, argument_list)  # type: ignore[misc]

    def user_return(self: Any, frame: FrameType, return_value: Any) -> None:
        if not frame.f_code.co_flags & REGION:
            super().user_return(frame, return_value)  # type: ignore[misc]

    def user_line(self: Any, frame: FrameType) -> None:
        code = frame.f_code
        if code.co_flags & REGION and frame.f_lineno == code.co_firstlineno and _is_at_start(frame):
            return  # the header, at which the debugger has stopped before
        super().user_line(frame)  # type: ignore[misc]

    def set_next(self: Any, frame: FrameType) -> None:
        super().set_next(activation(frame))  # type: ignore[misc]

    def set_until(self: Any, frame: FrameType, lineno: int | None = None) -> None:
        super().set_until(activation(frame), frame.f_lineno + 1 if lineno is None else lineno)  # type: ignore[misc]

    def set_return(self: Any, frame: FrameType) -> None:
        super().set_return(activation(frame))  # type: ignore[misc]

    def get_stack(self: Any, frame: FrameType | None, traceback: TracebackType | None) -> Any:
        stack, _ = super().get_stack(frame, traceback)  # type: ignore[misc]
        shown: list[tuple[FrameType, int]] = []
        for entry in stack:
            inner = entry[0]
            if not is_of_user(inner) and inner is not frame:
                continue
            if inner.f_code.co_flags & REGION:
                top = activation(inner)
                shown = [other for other in shown if activation(other[0]) is not top or other[0] is inner]
            shown.append(entry)
        index = next((place for place, entry in enumerate(shown) if entry[0] is frame), max(len(shown) - 1, 0))
        return shown, index

    def setup(self: Any, frame: FrameType | None, traceback: TracebackType | None) -> Any:
        result = super().setup(frame, traceback)  # type: ignore[misc]
        self._show_variables()
        return result

    def _select_frame(self: Any, number: int) -> None:
        super()._select_frame(number)  # type: ignore[misc]
        self._show_variables()

    def _show_variables(self: Any) -> None:
        frame = getattr(self, "curframe", None)
        if frame is not None and is_converted(frame.f_code) and "curframe_locals" in self.__dict__:
            self._own_variables = self.curframe_locals
            self.curframe_locals = variables(frame)

    def default(self: Any, line: str) -> Any:
        result = super().default(line)  # type: ignore[misc]
        # A statement may have assigned to variables: those of the frame itself are changed.
        own = self.__dict__.get("_own_variables")
        if own is not None and own is not self.curframe_locals:
            for name in list(own):
                if name in self.curframe_locals and self.curframe_locals[name] is not own[name]:
                    own[name] = self.curframe_locals[name]
        return result


def _is_at_start(frame: FrameType) -> bool:
    """Whether nothing of a region has been executed but what makes it a function."""
    return frame.f_lasti <= _start(frame.f_code)


def _start(code: CodeType) -> int:
    return next((part.offset for part in dis.get_instructions(code) if part.opname == "RESUME"), 0)


_adopted: dict[type, type] = {}


def adopt(debugger: Any) -> None:
    """Gives a debugger the eyes of the user, unless ``AUTOGRAPH_TRACEBACKS=full`` asks for all frames."""
    kind = type(debugger)
    if FULL_TRACEBACKS or not isinstance(debugger, bdb.Bdb) or isinstance(debugger, UsersEyes):
        return
    if kind not in _adopted:
        _adopted[kind] = type(kind.__name__, (UsersEyes, kind), {"__module__": kind.__module__})
    debugger.__class__ = _adopted[kind]


def adopt_active() -> None:
    """Gives the debugger under which the program runs, if there is one, the eyes of the user."""
    trace = sys.gettrace()
    if trace is not None:
        adopt(getattr(trace, "__self__", None))


# Breakpoints in the program.


def stop_function(original: Callable[..., Any]) -> Callable[..., Any]:
    """What converted code calls in place of ``breakpoint`` and ``pdb.set_trace``.

    Another debugger than ``pdb`` is left to itself: it has to be called from the user's own frame.
    """
    chosen = os.environ.get("PYTHONBREAKPOINT", "")
    if original is breakpoint and (sys.breakpointhook is not sys.__breakpointhook__ or chosen not in ("", _PDB)):
        return original
    if getattr(pdb.set_trace, "__module__", "") != "pdb":
        return original  # somebody has put another function in its place
    return _stop


_PDB = "pdb.set_trace"


def _stop(*_: Any, **options: Any) -> None:
    header = options.get("header")
    debugger = _debugger()
    if header is not None:
        debugger.message(header)
    debugger.set_trace(sys._getframe(1))


def _debugger() -> Any:
    """The ``pdb`` under which the program runs, or a new one."""
    found = getattr(sys.gettrace(), "__self__", None)
    debugger = found if isinstance(found, pdb.Pdb) else pdb.Pdb()
    adopt(debugger)
    return debugger


def breakpoint_if(condition: Any) -> None:
    """Stops in ``pdb`` where ``condition`` holds, when the program runs, with the values that its variables have then.

    In a graph this is a breakpoint of the run, where ``breakpoint()`` is one of the trace: the graph hands the values
    of the function's variables to the host, in the order of what it prints, and waits for the prompt to be left.
    ``p name`` shows a variable, ``q`` ends the call with ``bdb.BdbQuit``, and ``c``, ``n`` and ``s`` go on, to the next
    time that the condition holds.

    Args:
        condition: a truth value, staged or not.

    Example:
        >>> import autograph as ag
        >>> @ag.function
        ... def sum_of_roots(xs):
        ...     total = 0.0
        ...     for x in xs:
        ...         ag.breakpoint_if(x < 0)
        ...         total += x ** 0.5
        ...     return total
        >>> import jax.numpy as jnp
        >>> print(f"{sum_of_roots(jnp.array([1.0, 4.0])):.1f}")
        3.0

    Raises:
        bdb.BdbQuit: the user has left the debugger with ``q``.
    """
    frame = sys._getframe(1)
    engine = staged(condition) or active_engine()
    if engine is None:
        if condition:
            _debugger().set_trace(frame)
        return
    place = Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
    namespace = frame.f_globals
    leaves, rebuild = formatting.split(variables(frame))
    numbers, say = taken_along()

    def stop(*values: Any) -> None:
        show(place, namespace, rebuild(values[: len(leaves)]), say(values[len(leaves) :]))

    def hit() -> None:
        engine.host_call(stop, [*leaves, *numbers], None, "breakpoint_if")

    if staged(condition) is not None:
        engine.cond(condition, hit, do_nothing, (), [])
    elif condition:
        hit()


def show(place: Place, namespace: dict[str, Any], found: dict[str, Any], header: str) -> None:
    """Opens ``pdb`` on a line of the user's, with variables that have these values."""

    def interact() -> None:
        debugger = pdb.Pdb(nosigint=True)
        adopt(debugger)
        debugger.reset()
        if header:
            debugger.message(header)
        debugger.interaction(sys._getframe(1), None)
        if debugger.quitting:
            raise bdb.BdbQuit

    run_at(place, {**namespace, "ag__interact": interact}, found, "ag__interact()")
