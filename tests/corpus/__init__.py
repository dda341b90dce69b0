"""Programs that mean the same as plain Python and as a graph, one module for each construct.

A program is an ordinary function under `@program(call, call, ...)`, where each call is the tuple of its arguments.
The decorator registers the function and returns it unchanged, so programs can call each other and themselves.
`test_differential.py` runs every program in every mode, and says what has to agree.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Call:
    """The arguments of one run of a program, and whether it ends with an exception."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    raises: bool = False


@dataclass(frozen=True, eq=False)
class Program:
    """A function, the calls to compare, and what may differ once its arguments are staged."""

    function: Callable[..., Any]
    calls: tuple[Call, ...]
    static: tuple[str, ...]
    jit: bool
    staged: bool
    why: str
    rtol: float
    promotes: bool
    retrace: bool
    reference: Callable[..., Any] | None

    @property
    def plain(self) -> Callable[..., Any]:
        """The function that plain Python runs."""
        return self.reference or self.function

    @property
    def group(self) -> str:
        return self.function.__module__.rpartition(".")[2]

    @property
    def id(self) -> str:
        return f"{self.group}::{self.function.__name__}"


_programs: dict[str, Program] = {}


def program(
    *calls: Any,
    static: tuple[str, ...] = (),
    jit: bool = True,
    staged: bool = True,
    why: str = "",
    rtol: float = 1e-4,
    promotes: bool = False,
    retrace: bool = False,
    reference: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a program of the corpus.

    Each call is a tuple of positional arguments, or `call(...)` with keyword arguments, or `raises(...)`.

    static: arguments that stay Python values when the others are staged.
    jit: False for what `jax.jit` cannot express; the program then runs under `ag.function` only.
    staged: False for what has no meaning on staged values at all, such as a program on strings.
    why: the reason, wherever `jit` or `staged` is False.
    promotes: the result's numeric kind depends on the path (`int` here, `float` there), so staged it is the wider one.
    retrace: the program prints plain values outside every region, which happens while it is traced; trace each call anew.
    reference: the same in plain Python, for a program that hands functions with control flow to JAX, which traces them
        even on plain values; such a program is then compared by value in every mode.
    """
    assert calls, "a program needs at least one call"
    assert (jit and staged) or why, "say why the program cannot run under jit"

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        entry = Program(
            function=function,
            calls=tuple(call if isinstance(call, Call) else Call(call) for call in calls),
            static=static,
            jit=jit and staged,
            staged=staged,
            why=why,
            rtol=rtol,
            promotes=promotes,
            retrace=retrace,
            reference=reference,
        )
        assert entry.id not in _programs, f"two programs are named {entry.id}"
        _programs[entry.id] = entry
        return function

    return register


def call(*args: Any, **kwargs: Any) -> Call:
    """A call with keyword arguments."""
    return Call(args, kwargs)


def raises(*args: Any, **kwargs: Any) -> Call:
    """A call on which the program raises an exception."""
    return Call(args, kwargs, raises=True)


def ints(*items: Any) -> np.ndarray:
    """An `int32` array of the items."""
    return np.array(items, dtype=np.int32)


def floats(*items: Any) -> np.ndarray:
    """A `float32` array of the items."""
    return np.array(items, dtype=np.float32)


def bools(*items: Any) -> np.ndarray:
    """A `bool` array of the items."""
    return np.array(items, dtype=np.bool_)


def load() -> list[Program]:
    """All programs, in the order of their modules' names and of their definitions."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        importlib.import_module(f"{__name__}.{module.name}")
    return list(_programs.values())
