"""How time and memory grow: with iterations, with the size of the state, and with the size of the program.

Each curve is a contest of one contestant with itself, at sizes that grow; the time is that for a unit of work. What
costs more for each unit at the end than half-way grows faster than the work, and misses a target.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from . import gradients, peers
from .fresh import Workshop
from .measure import Contest, Contestant, Outcome, Ratio
from .scale import Scale

OWN = "AutoGraph"
BY_HAND = "hand-written lax"
TF_ENGINE = "AutoGraph on TensorFlow"
TF_FUNCTION = "tf.function"
NUMBA = "Numba"
PYTHON = "plain Python"
CACHED = 1.5
"""How much more a unit may cost at the end: caches are small, and a curve has noise."""
_WHY = {
    "growth-gradient-time": "A buffer of fixed size holds the checkpoints, so that more steps are run again.",
    "growth-state-time": "The array has left the processor's caches.",
    "growth-variables-run": "XLA's own, since the version by hand grows by the same factor: it makes a small loop one "
    "compiled function, and runs a larger one as a list of calls in each iteration.",
}


@dataclass(frozen=True)
class Curve:
    """One contestant at growing sizes.

    Attributes:
        make: given a size, the statement that is timed.
        most: the largest size that it is given.
        fresh: whether each call needs a statement of its own.
    """

    name: str
    make: Callable[[int], Callable[[], Any]]
    most: int = 10**9
    fresh: bool = False


@dataclass(frozen=True)
class Axis:
    """What grows.

    Attributes:
        work: how much work there is at a size.
        measure: what is counted to the side.
    """

    name: str
    title: str
    measure: str
    sizes: Sequence[int]
    curves: Sequence[Curve]
    work: Callable[[int], int] = lambda size: size
    memory: bool = False
    counts: bool = False

    def contest(self) -> Contest:
        contestants = [
            self._contestant(curve, size) for curve in self.curves for size in self.sizes if size <= curve.most
        ]
        few, many = self.sizes[len(self.sizes) // 2], self.sizes[-1]
        end, middle = _label(OWN, many), _label(OWN, few)
        ratios = [
            Ratio(
                f"{self.title}: a unit at {many:,} {self.measure} / at {few:,}",
                end,
                middle,
                at_most=CACHED,
                why=_WHY.get(self.name, ""),
            )
        ]
        if any(curve.name == BY_HAND for curve in self.curves):
            hand = _label(BY_HAND, many)
            ratios.append(Ratio(f"{self.title}, {many:,} {self.measure}: AutoGraph / hand-written lax", end, hand))
        return Contest(
            self.name,
            self.title,
            "unit of work",
            contestants,
            ratios,
            same_answers=False,
            slow=True,
            clock=time.process_time if not self.memory else time.perf_counter,
            memory=self.memory,
            counts=self.counts,
        )

    def _contestant(self, curve: Curve, size: int) -> Contestant:
        def prepare(calls: int) -> Callable[[], Any]:
            if not curve.fresh:
                return ready()
            statements = iter([curve.make(size) for _ in range(calls)])
            return lambda: next(statements)()

        ready = functools.cache(lambda: curve.make(size))
        return Contestant(
            _label(curve.name, size),
            prepare,
            lambda: prepare(1)(),
            work=self.work(size),
            calls=3 if curve.fresh else 100_000,
            may_refuse=curve.name != OWN,
        )

    def plot(self, outcome: Outcome) -> Plot:
        """What has been measured, as curves."""
        curves = {
            curve.name: [
                (size, outcome.benchmark(label).median() * self.work(size))
                for size in self.sizes
                if (label := _label(curve.name, size)) in outcome.seconds
            ]
            for curve in self.curves
        }
        unit = "bytes" if outcome.contest.in_bytes else "seconds"
        drawn = {name: points for name, points in curves.items() if points}
        return Plot(self.name, self.title, self.measure, unit, drawn, self.work)


def _label(name: str, size: int) -> str:
    return f"{name}, {size:,}"


@dataclass(frozen=True)
class Plot:
    """Curves: for each its points, the seconds (or bytes) over a size.

    Attributes:
        name: that of the contest that has measured it; what is before the last hyphen names the picture.
        unit: what is counted upwards.
        measure: what is counted to the side.
        work: how much work there is at a size.
    """

    name: str
    title: str
    measure: str
    unit: str
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    work: Callable[[int], int] = lambda size: size

    @property
    def file(self) -> str:
        return f"{self.name.rpartition('-')[0]}.png"

    @property
    def text(self) -> str:
        """What the curves say in numbers: how much a unit costs at the end, against half-way."""
        parts = []
        for name, points in self.curves.items():
            (few, cost), (many, most) = points[len(points) // 2], points[-1]
            growth = (most / self.work(many)) / (cost / self.work(few))
            end = f"{_shown(most, self.unit)} at {many:,} {self.measure}"
            parts.append(f"{name}: {end}, {growth:.2f} times as much for each unit as at {few:,}")
        return ". ".join(parts) + "."

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "measure": self.measure, "unit": self.unit, "curves": self.curves}

    def draw(self, axes: Any) -> None:
        """Draws the curves into one of ``matplotlib``'s axes."""
        for name, points in self.curves.items():
            axes.loglog(*zip(*points, strict=True), marker="o", label=name)
        axes.set_title(self.title)
        axes.set_xlabel(self.measure)
        axes.set_ylabel(self.unit)
        axes.legend()


def _shown(value: float, unit: str) -> str:
    if unit != "seconds":
        return f"{value:,.0f} {unit}"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} us"


def contests(scale: Scale) -> Iterator[Contest]:
    for axis in axes_of(scale):
        yield axis.contest()


def plots(scale: Scale, outcomes: Iterable[Outcome]) -> list[Plot]:
    """The curves that some of the outcomes are."""
    axes = {axis.name: axis for axis in axes_of(scale)}
    return [axes[name].plot(outcome) for outcome in outcomes if (name := outcome.contest.name) in axes]


def axes_of(scale: Scale) -> Iterator[Axis]:
    for axis in _all_axes(scale):
        if scale.everything or axis.name.rpartition("-")[2] in ("time", "run", "trace"):
            yield axis


def _all_axes(scale: Scale) -> Iterator[Axis]:
    workshop, steps = Workshop(), scale.curve_steps
    yield _iterations(workshop, [10**power for power in range(steps)])
    yield from _state(workshop, [4**power for power in range(steps + 2)])
    yield from _gradient(workshop, [10**power for power in range(1, steps - 1)])
    depths, powers = ([*sizes][: max(3, steps // 2 + 1)] for sizes in ((1, 2, 4, 8, 12), (1, 4, 16, 64, 128)))
    yield from _of_program(workshop, "nesting", "loops in one another", _nested, _nested_by_hand, depths)
    yield from _of_program(workshop, "variables", "variables of a loop", _variables, _variables_by_hand, powers)
    yield from _of_program(workshop, "branches", "branches in a loop", _branches, _branches_by_hand, powers)


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


def _iterations(workshop: Workshop, counts: list[int]) -> Axis:
    def own() -> Any:
        return workshop.function(_COUNT, "count")

    def on_jax(function: Callable[..., Any]) -> Callable[[int], Callable[[], Any]]:
        compiled = functools.cache(lambda: jax.jit(function).lower(1).compile())
        return lambda n: lambda: compiled()(n).block_until_ready()

    curves = [
        Curve(OWN, on_jax(ag.convert(own()))),
        Curve(BY_HAND, on_jax(_count_by_hand)),
        Curve(PYTHON, lambda n: lambda: _PLAIN(n), most=10**5),
    ]
    numba, tensorflow = peers.load(peers.NUMBA), peers.load(peers.TENSORFLOW)
    if numba is not None:
        compiled = numba.njit(own())
        curves.append(Curve(NUMBA, lambda n: lambda: compiled(n)))
    if tensorflow is not None:
        for name, function, most in (
            (TF_ENGINE, ag.function(own()), 10**7),
            (TF_FUNCTION, tensorflow.function(own()), 10**4),
        ):
            curves.append(Curve(name, functools.partial(_on_tensorflow, tensorflow, function), most))
    return Axis("growth-iterations-time", "A loop of known work", "iterations", counts, curves)


def _plain() -> Callable[[int], int]:
    names: dict[str, Any] = {}
    exec(_COUNT, names)
    return names["count"]


_PLAIN = _plain()


def _on_tensorflow(tensorflow: Any, function: Callable[..., Any], size: int) -> Callable[[], Any]:
    end = tensorflow.constant(size)
    return lambda: int(function(end))


_DECAY = """
def decay(x, n):
    k = 0
    while k < n:
        x = x * 0.5 + 1.0
        k += 1
    return x
"""


def _decay_by_hand(x: Any, n: Any) -> Any:
    return jax.lax.fori_loop(0, n, lambda _, x: x * 0.5 + 1.0, x)


def _state(workshop: Workshop, sizes: list[int]) -> Iterator[Axis]:
    functions = {OWN: ag.convert(workshop.function(_DECAY, "decay")), BY_HAND: _decay_by_hand}

    @functools.cache
    def compiled(name: str, size: int) -> tuple[Any, Any]:
        x = jnp.ones(size, jnp.float32)
        return jax.jit(functions[name]).lower(x, 100).compile(), x

    def run(name: str, size: int) -> Callable[[], Any]:
        program, x = compiled(name, size)
        return lambda: program(x, 100).block_until_ready()

    def memory(name: str, size: int) -> Callable[[], Any]:
        return lambda: _bytes_of(compiled(name, size)[0])

    for what, title, make in (("time", "time", run), ("memory", "memory", memory)):
        yield Axis(
            f"growth-state-{what}",
            f"100 iterations over an array: {title}",
            "elements",
            sizes,
            [Curve(name, functools.partial(make, name)) for name in functions],
            counts=what == "memory",
        )


def _bytes_of(compiled: Any) -> int:
    """What an executable needs for its results and on the way to them."""
    analysis = compiled.memory_analysis()
    return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)


def _gradient(workshop: Workshop, counts: list[int]) -> Iterator[Axis]:
    """The gradient of a loop whose length only the graph knows."""

    @functools.cache
    def compiled() -> Any:
        function = gradients.gradient(gradients.functions(workshop, 1, 10)[gradients.CONVERTED])
        return jax.jit(function).lower(jnp.float32(0.9), gradients.state(1), jnp.int32(10)).compile()

    def run(size: int) -> Callable[[], Any]:
        arguments = (jnp.float32(0.9), gradients.state(1), jnp.int32(size))
        return lambda: jax.block_until_ready(compiled()(*arguments))

    title = "The gradient of a loop: {}"
    yield Axis("growth-gradient-time", title.format("time"), "iterations", counts, [Curve(OWN, run)])
    memory = [Curve(OWN, lambda _: lambda: _bytes_of(compiled()))]
    yield Axis("growth-gradient-memory", title.format("memory"), "iterations", counts, memory, counts=True)


def _nested(depth: int) -> str:
    lines = ["def program(n, x):"]
    for level in range(depth):
        pad = "    " * (level + 1)
        lines += [f"{pad}k{level} = 0", f"{pad}while k{level} < n:", f"{pad}    k{level} += 1"]
    lines += ["    " * (depth + 1) + "x = x * 3 % 7 + k0", "    return x", ""]
    return "\n".join(lines)


def _nested_by_hand(depth: int) -> Callable[..., Any]:
    def program(n: Any, x: Any) -> Any:
        def outer(k: Any, x: Any) -> Any:
            def loop(level: int, x: Any) -> Any:
                if level == depth:
                    return x * 3 % 7 + k + 1
                return jax.lax.fori_loop(0, n, lambda _, x: loop(level + 1, x), x)

            return loop(1, x)

        return jax.lax.fori_loop(0, n, outer, x)

    return program


def _variables(count: int) -> str:
    names = [f"v{number}" for number in range(count)]
    lines = ["def program(n, x):", *(f"    {name} = x" for name in names), "    k = 0", "    while k < n:"]
    lines += [f"        {name} = {name} + {other}" for name, other in zip(names, [*names[1:], "k"], strict=True)]
    return "\n".join([*lines, "        k += 1", "    return v0", ""])


def _variables_by_hand(count: int) -> Callable[..., Any]:
    def program(n: Any, x: Any) -> Any:
        def step(k: Any, values: Any) -> Any:
            return tuple(value + other for value, other in zip(values, (*values[1:], k), strict=True))

        return jax.lax.fori_loop(0, n, step, (x,) * count)[0]

    return program


def _branches(count: int) -> str:
    lines = ["def program(n, x):", "    k = 0", "    while k < n:"]
    for number in range(count):
        lines += [f"        if x % {number + 2} == 1:", f"            x = x // 2 + {number}"]
        lines += ["        else:", f"            x = x + {number + 1}"]
    return "\n".join([*lines, "        k += 1", "    return x", ""])


def _branches_by_hand(count: int) -> Callable[..., Any]:
    def program(n: Any, x: Any) -> Any:
        def step(_: Any, x: Any) -> Any:
            for number in range(count):
                x = jnp.where(x % (number + 2) == 1, x // 2 + number, x + number + 1)
            return x

        return jax.lax.fori_loop(0, n, step, x)

    return program


_INNERMOST = 4096


def _repeats(name: str, size: int) -> int:
    """How many iterations a loop does: together as many at each depth of nesting, and a thousand elsewhere."""
    return round(_INNERMOST ** (1 / size)) if name == "nesting" else 1000


def _work_of_run(name: str, size: int) -> int:
    repeats = _repeats(name, size)
    return sum(repeats**level for level in range(1, size + 1)) if name == "nesting" else repeats * size


def _of_program(
    workshop: Workshop,
    name: str,
    measure: str,
    text: Callable[[int], str],
    by_hand: Callable[[int], Callable[..., Any]],
    sizes: list[int],
) -> Iterator[Axis]:
    """What a run costs, what the first call costs in time, and what its trace holds in memory."""

    def fresh(label: str, size: int) -> Any:
        function = ag.convert(workshop.function(text(size), "program")) if label == OWN else by_hand(size)
        return jax.jit(function)

    def run(label: str, size: int) -> Callable[[], Any]:
        compiled = fresh(label, size).lower(2, 5).compile()
        return lambda: compiled(_repeats(name, size), 5).block_until_ready()

    def trace(label: str, size: int) -> Callable[[], Any]:
        function = fresh(label, size)
        return lambda: function.trace(2, 5)

    def compilation(label: str, size: int) -> Callable[[], Any]:
        traced = fresh(label, size).trace(2, 5)
        return lambda: traced.lower().compile()

    for what, title, make in (
        ("run", "a run", run),
        ("trace", "conversion and tracing", trace),
        ("memory", "memory of conversion and tracing", trace),
        ("compilation", "lowering and compilation", compilation),
    ):
        yield Axis(
            f"growth-{name}-{what}",
            f"{measure.capitalize()}: {title}",
            measure,
            sizes,
            [Curve(label, functools.partial(make, label), fresh=what != "run") for label in (OWN, BY_HAND)],
            work=functools.partial(_work_of_run, name) if what == "run" else lambda size: size,
            memory=what == "memory",
        )
