"""The control-flow kernels: each as ordinary Python, which all contestants read, and by hand for JAX.

The same text runs as plain Python over NumPy's arrays, is compiled by Numba, and is converted by this project and by
TensorFlow's AutoGraph where that can. Numbers have 64 bits everywhere, as Python's do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kernel:
    """One kernel.

    Attributes:
        family: the module that it is in; the version by hand is in ``<family>_lax``.
        arguments: numbers and NumPy arrays, fresh ones in each call, for a size.
        sizes: the sizes for the scales ``full``, ``quick`` and ``tiny``.
        shared: the same where everybody takes part, some of whom need milliseconds for a step.
        is_scalar: whether it works on numbers alone.
        arguments_of_few: arguments for those sizes, where they mean something else.
        needs_doubles: whether a loop does not end in floats of 32 bits, which Python's are on TensorFlow.
    """

    name: str
    family: str
    arguments: Callable[[int], tuple[Any, ...]]
    sizes: tuple[int, int, int]
    shared: tuple[int, int, int]
    is_scalar: bool = False
    arguments_of_few: Callable[[int], tuple[Any, ...]] | None = None
    needs_doubles: bool = False

    def shared_arguments(self, size: int) -> tuple[Any, ...]:
        return (self.arguments_of_few or self.arguments)(size)

    def module(self, suffix: str = "") -> ModuleType:
        return importlib.import_module(f"{__name__}.{self.family}{suffix}")

    @property
    def function(self) -> Callable[..., Any]:
        """The kernel as ordinary Python."""
        return getattr(self.module(), self.name)

    @property
    def by_hand(self) -> Callable[..., Any]:
        """The kernel as somebody who knows ``jax.lax`` would write it."""
        return getattr(self.module("_lax"), self.name)

    @property
    def source(self) -> str:
        """The text of the module with the ordinary version."""
        return _text(self.module())

    @property
    def source_by_hand(self) -> str:
        return _text(self.module("_lax"))


def _text(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text()


def _random() -> np.random.Generator:
    return np.random.default_rng(7)


def _integers(high: int, *shape: int) -> Any:
    return _random().integers(0, high, shape)


def _floats(*shape: int) -> Any:
    return _random().random(shape)


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, int)


def _viterbi(length: int) -> tuple[Any, ...]:
    states, symbols = 12, 6
    tables = np.log(_floats(states, 1 + states + symbols) + 0.1)
    start, transition, emission = tables[:, 0], tables[:, 1 : states + 1], tables[:, states + 1 :]
    parts = [np.ascontiguousarray(part) for part in (start, transition, emission)]
    return (_integers(symbols, length), *parts, np.zeros((length, states)), _zeros(length, states))


def _bodies(steps: int) -> tuple[Any, ...]:
    x, y, vx, vy, mass = np.ascontiguousarray(_floats(5, 16))
    return x.copy(), y.copy(), vx.copy(), vy.copy(), mass.copy(), steps


_PROGRAM = [(2, 0), (2, 0), (4, 0), (1, 3), (3, 0), (5, 0), (6, 0), (7, 0), (0, 0)]
"""``while counter > 0: accumulator += counter * counter % 10007 + 3; counter -= 1``, and then it stops."""


KERNELS = [
    Kernel("collatz", "numbers", lambda n: (n,), (20_000, 5_000, 30), (60, 30, 3), is_scalar=True),
    Kernel("mandelbrot", "numbers", lambda n: (n, 200), (64, 32, 4), (6, 4, 2), is_scalar=True),
    Kernel("primes_by_trial", "numbers", lambda n: (n,), (20_000, 5_000, 30), (150, 60, 10), is_scalar=True),
    Kernel("gcd", "numbers", lambda n: (n,), (300, 150, 12), (30, 12, 4), is_scalar=True),
    Kernel("newton", "numbers", lambda n: (n,), (10_000, 3_000, 20), (100, 30, 4), is_scalar=True, needs_doubles=True),
    Kernel("bisection", "numbers", lambda n: (n,), (5_000, 2_000, 10), (30, 12, 3), is_scalar=True, needs_doubles=True),
    Kernel("sieve", "arrays", lambda n: (np.zeros(n, bool),), (300_000, 50_000, 200), (1500, 300, 20)),
    Kernel("bubble_sort", "arrays", lambda n: (_floats(n),), (400, 200, 12), (50, 25, 4)),
    Kernel(
        "quick_sort",
        "arrays",
        lambda n: (_floats(n), _zeros(n + 2), _zeros(n + 2)),
        (5_000, 2_000, 20),
        (150, 40, 6),
    ),
    Kernel(
        "binary_search",
        "arrays",
        lambda n: (np.sort(_floats(n)), _floats(2, n)[1].copy()),
        (20_000, 5_000, 20),
        (200, 50, 5),
    ),
    Kernel("run_lengths", "arrays", lambda n: (_integers(2, n),), (50_000, 20_000, 600), (150, 60, 10)),
    Kernel(
        "edit_distance",
        "tables",
        lambda n: (_integers(4, n), _integers(4, 2, n)[1].copy(), _zeros(n + 1)),
        (400, 200, 10),
        (45, 20, 4),
    ),
    Kernel("floyd_warshall", "tables", lambda n: (_floats(n, n),), (64, 40, 10), (12, 10, 3)),
    Kernel(
        "matrix_chain",
        "tables",
        lambda n: (_integers(30, n + 1) + 1, _zeros(n, n)),
        (100, 60, 10),
        (20, 12, 4),
    ),
    Kernel("viterbi", "tables", _viterbi, (2_000, 500, 20), (12, 5, 3)),
    Kernel(
        "life",
        "simulations",
        lambda n: (_integers(2, 64, 64), _zeros(64, 64), n),
        (20, 5, 2),
        (16, 10, 4),
        arguments_of_few=lambda n: (_integers(2, n, n), _zeros(n, n), 2),
    ),
    Kernel("n_body", "simulations", _bodies, (500, 200, 3), (6, 2, 1)),
    Kernel(
        "stack_machine",
        "simulations",
        lambda n: (np.asarray(_PROGRAM), _zeros(8), n),
        (20_000, 5_000, 5),
        (200, 50, 2),
    ),
]

CONDITIONAL = Kernel("piecewise", "conditionals", lambda n: (n,), (7, 7, 7), (7, 7, 7), is_scalar=True)
"""No kernel of its own, since a call costs more than it does; for those who have conditionals and no loops."""
