"""How time and memory grow: with iterations, with the size of the state, and with the size of the program."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from .fresh import Workshop
from .measure import Contest
from .scale import Scale

_TIMES = 3


@dataclass(frozen=True)
class Plot:
    """One curve, or several: for each its points, the seconds (or bytes) over a size.

    Attributes:
        file: the name of the picture.
        unit: what is counted upwards.
        measure: what is counted to the side.
    """

    file: str
    title: str
    measure: str
    unit: str
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What the curves say in numbers: how much a unit costs at the end, against half-way."""
        parts = []
        for name, points in self.curves.items():
            (few, cost), (many, most) = points[len(points) // 2], points[-1]
            growth = (most / many) / (cost / few)
            end = f"{_shown(most, self.unit)} at {many:,} {self.measure}"
            parts.append(f"{name}: {end}, {growth:.2f} times as much for each as at {few:,}")
        return ". ".join(parts) + "."

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "measure": self.measure, "unit": self.unit, "curves": self.curves}

    def draw(self, path: Path) -> None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
        for name, points in self.curves.items():
            axes.loglog(*zip(*points, strict=True), marker="o", label=name)
        axes.set_title(self.title)
        axes.set_xlabel(self.measure)
        axes.set_ylabel(self.unit)
        axes.legend()
        figure.savefig(path, dpi=110)
        pyplot.close(figure)


def _shown(value: float, unit: str) -> str:
    if unit != "seconds":
        return f"{value:,.0f} {unit}"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} us"


def contests(_: Scale) -> Iterator[Contest]:
    """No contest: nobody else takes part in most of the curves."""
    return iter(())


def plots(scale: Scale) -> list[Plot]:
    """Measures all curves."""
    workshop, steps = Workshop(), scale.curve_steps
    return [
        _iterations(workshop, [10**power for power in range(steps)]),
        *_state(workshop, [4**power for power in range(steps + 1)]),
        _compiled(workshop, "nesting", "loops in one another", _nested, [1, 2, 3, 4, 6, 8, 10, 12][:steps]),
        _compiled(workshop, "variables", "variables that a loop carries", _variables, _powers(steps)),
        _compiled(workshop, "branches", "branches in a loop", _branches, _powers(steps)),
    ]


def _powers(steps: int) -> list[int]:
    return [2**power for power in range(min(steps, 8))]


def _best(call: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
        if taken[0] > 1:
            break
    return min(taken)


_COUNT = """
def count(n):
    total = 0
    k = 0
    while k < n:
        total = (total * 3 + k) % 1001
        k += 1
    return total
"""


def _count_by_hand(n: Any) -> Any:
    def step(state: Any) -> Any:
        k, total = state
        return k + 1, (total * 3 + k) % 1001

    return jax.lax.while_loop(lambda state: state[0] < n, step, (0, 0))[1]


def _iterations(workshop: Workshop, counts: list[int]) -> Plot:
    plot = Plot("growth-iterations.png", "A loop of known work", "iterations", "seconds")
    functions = {"AutoGraph": ag.convert(workshop.function(_COUNT, "count")), "hand-written lax": _count_by_hand}
    for name, function in functions.items():
        compiled = jax.jit(function).lower(1).compile()
        plot.curves[name] = [(n, _best(lambda n=n, f=compiled: f(n).block_until_ready())) for n in counts]
    return plot


_DECAY = """
def decay(x, n):
    k = 0
    while k < n:
        x = x * 0.5 + 1.0
        k += 1
    return x
"""


def _state(workshop: Workshop, sizes: list[int]) -> list[Plot]:
    memory = []
    timed = []
    for size in sizes:
        x = jnp.ones(size, jnp.float32)
        compiled = jax.jit(ag.convert(workshop.function(_DECAY, "decay"))).lower(x, 100).compile()
        timed.append((size, _best(lambda x=x, compiled=compiled: compiled(x, 100).block_until_ready())))
        memory.append((size, float(max(compiled.memory_analysis().temp_size_in_bytes, 1))))
    title = "100 iterations over an array"
    return [
        Plot("growth-state.png", title, "elements", "seconds", {"AutoGraph": timed}),
        Plot("growth-memory.png", f"{title}: temporary memory", "elements", "bytes", {"AutoGraph": memory}),
    ]


def _nested(depth: int) -> str:
    lines = ["def program(n, x):"]
    for level in range(depth):
        pad = "    " * (level + 1)
        lines += [f"{pad}k{level} = 0", f"{pad}while k{level} < n:", f"{pad}    k{level} += 1"]
    lines += ["    " * (depth + 1) + "x = x * 3 % 7 + k0", "    return x", ""]
    return "\n".join(lines)


def _variables(count: int) -> str:
    names = [f"v{number}" for number in range(count)]
    lines = ["def program(n, x):", *(f"    {name} = x" for name in names), "    k = 0", "    while k < n:"]
    lines += [f"        {name} = {name} + {other}" for name, other in zip(names, [*names[1:], "k"], strict=True)]
    return "\n".join([*lines, "        k += 1", "    return v0", ""])


def _branches(count: int) -> str:
    lines = ["def program(n, x):", "    k = 0", "    while k < n:"]
    for number in range(count):
        lines += [f"        if x % {number + 2} == 1:", f"            x = x // 2 + {number}"]
        lines += ["        else:", f"            x = x + {number + 1}"]
    return "\n".join([*lines, "        k += 1", "    return x", ""])


def _compiled(workshop: Workshop, name: str, measure: str, text: Callable[[int], str], sizes: list[int]) -> Plot:
    """What the first call costs: conversion and tracing, and the compilation of the graph."""
    plot = Plot(f"growth-{name}.png", f"The first call, by {measure}", measure, "seconds")
    traced, compiled = [], []
    for size in sizes:
        found = []
        for _ in range(_TIMES):
            function = workshop.function(text(size), "program")
            start = time.perf_counter()
            trace = jax.jit(ag.convert(function)).trace(2, 5)
            middle = time.perf_counter()
            trace.lower().compile()
            found.append((middle - start, time.perf_counter() - middle))
        traced.append((size, min(first for first, _ in found)))
        compiled.append((size, min(second for _, second in found)))
    plot.curves["conversion and tracing"] = traced
    plot.curves["lowering and compilation"] = compiled
    return plot
