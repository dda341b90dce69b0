"""Gradients of loops: the converted loop against ``lax.scan`` of known length and Equinox's checkpointed loop.

The loop is the same everywhere, and so are its gradients, to three digits. ``lax.scan`` has to know the number of
iterations when the graph is built and keeps something of each; it is left out where that would take more than a GiB.
Equinox's loop is given twice the square root of the number of iterations as checkpoints, which is its own proposal.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from . import peers
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

CONVERTED = "ag.convert(f)"
WHILE = "hand-written lax.while_loop"
SCAN = "hand-written lax.scan"
EQUINOX = "eqxi.while_loop(kind='checkpointed')"

_WHY = "The same operations; short loops differ by what a call costs, and by the order of the state."
_WHY_GRADIENT = (
    "The number of iterations is not known, so the states go into buffers of fixed size and segments of the loop "
    "run again; a scan of known length keeps all of them and runs once. Equinox's loop takes 3 to 4 times as long "
    "as the scan at these sizes, so the gradient would have to be a quarter to a third faster than the scan's: "
    "states written down on the way forward, and several iterations unrolled into one, which would take longer to "
    "compile. See differentiating-loops.md."
)
_WHY_COMPILED = (
    "The graph of a gradient runs the loop forward and counts, runs segments of it again with the states written "
    "down, and goes back through them; each is a loop that XLA compiles, with the schedule of the checkpoints "
    "around the last two. A scan of known length has two loops. Over a scalar XLA makes one function of the loops "
    "that go back, with five times as many lines of LLVM's code as one of the scan's; over 1,000 elements it makes "
    "25 kernels, where the scan has 11."
)
_MOST_OF_SCAN = 1 << 30
_LONG = 1_000_000
_WORK = 10_000


def contests(scale: Scale) -> Iterator[Contest]:
    """For each size of the state and each length: the loop forward, and its gradient; then what a compilation costs."""
    workshop = Workshop()
    for size in scale.gradient_sizes:
        for steps in scale.gradient_steps:
            yield _forward(workshop, size, steps)
            yield _gradient(workshop, size, steps)
        yield _compilation(workshop, size)


def state(size: int) -> Any:
    return jnp.float32(0.5) if size == 1 else jnp.linspace(0.1, 0.9, size, dtype=jnp.float32)


def gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.grad(function, argnums=(0, 1))


def by_equinox(step: Callable[..., Any], checkpoints: int) -> Callable[..., Any]:
    """The recurrence with Equinox's loop."""
    import equinox.internal as eqxi

    def recurrence(a: Any, x: Any, n: Any) -> Any:
        def once(state: Any) -> Any:
            return state[0] + 1, step(a, state[1])

        out = eqxi.while_loop(
            lambda state: state[0] < n, once, (0, x), kind="checkpointed", max_steps=None, checkpoints=checkpoints
        )
        return jnp.sum(out[1])

    return recurrence


def functions(workshop: Workshop, size: int, steps: int) -> dict[str, Callable[..., Any]]:
    """The contestants, each a function of ``a``, ``x`` and the number of steps; fresh ones in each call."""
    found: dict[str, Callable[..., Any]] = {
        CONVERTED: ag.convert(workshop.function(program("recurrence"), "recurrence"))
    }
    if 2 * 4 * size * steps <= _MOST_OF_SCAN:
        scanned = workshop.function(program("recurrence_lax"), "scanned")
        found[SCAN] = lambda a, x, n: scanned(a, x, steps)
        if peers.load(peers.EQUINOX) is not None:
            step = workshop.function(program("recurrence_lax"), "step")
            found[EQUINOX] = by_equinox(step, max(2, 2 * math.isqrt(steps)))
    return found


def _title(size: int, steps: int) -> str:
    return f"{steps:,} steps of {'a scalar' if size == 1 else f'{size:,} elements'}"


def _timed(name: str, function: Callable[..., Any], size: int, steps: int) -> Contestant:
    """Short loops run several times in one graph, or the time would be that of the call."""
    repeats = max(1, _WORK // steps)

    def several(a: Any, x: Any, n: Any) -> Any:
        return jax.lax.map(lambda shift: function(a, x + shift, n), jnp.linspace(0.0, 0.1, repeats))

    executable = functools.cache(lambda: jax.jit(function if repeats == 1 else several))

    def call() -> Any:
        return jax.block_until_ready(executable()(jnp.float32(0.9), state(size), steps))

    def answer() -> list[str]:
        return [f"{float(jnp.sum(leaf)):.3g}" for leaf in jax.tree_util.tree_leaves(call())][:1]

    return Contestant(name, lambda _: call, answer, work=steps * repeats)


def _forward(workshop: Workshop, size: int, steps: int) -> Contest:
    by_hand = workshop.function(program("recurrence_lax"), "recurrence")
    own = ag.convert(workshop.function(program("recurrence"), "recurrence"))
    what = _title(size, steps)
    return Contest(
        f"loop-{size}-{steps}",
        f"A loop that is not differentiated, {what}: time of a step",
        "step",
        [_timed(WHILE, by_hand, size, steps), _timed(CONVERTED, own, size, steps)],
        [Ratio(f"Forward, {what}: AutoGraph / lax.while_loop", CONVERTED, WHILE, at_most=1.05, why=_WHY)],
        clock=time.process_time,
        slow=size * steps >= 100 * _LONG,
    )


def _gradient(workshop: Workshop, size: int, steps: int) -> Contest:
    contestants = [
        _timed(name, gradient(function), size, steps) for name, function in functions(workshop, size, steps).items()
    ]
    what = _title(size, steps)
    return Contest(
        f"gradient-{size}-{steps}",
        f"The gradient of a loop, {what}: time of a step",
        "step",
        contestants,
        [
            Ratio(f"Gradient, {what}: AutoGraph / lax.scan", CONVERTED, SCAN, at_most=3, why=_WHY_GRADIENT),
            Ratio(f"Gradient, {what}: Equinox / AutoGraph", EQUINOX, CONVERTED, at_least=5, why=_WHY_GRADIENT),
        ]
        if len(contestants) > 1
        else [],
        missing=[EQUINOX] if peers.load(peers.EQUINOX) is None else [],
        clock=time.process_time,
        slow=size * steps >= _LONG,
    )


def _compilation(workshop: Workshop, size: int) -> Contest:
    """Tracing, lowering and compilation of a gradient. Each call compiles a function that has not been seen before."""
    steps = 100

    def contestant(name: str) -> Contestant:
        def compiled() -> Any:
            function = gradient(functions(workshop, size, steps)[name])
            return jax.jit(function).lower(jnp.float32(0.9), state(size), jnp.int32(steps)).compile()

        def answer() -> str:
            return f"{float(compiled()(jnp.float32(0.9), state(size), jnp.int32(steps))[0]):.3g}"

        return Contestant(name, lambda _: compiled, answer, calls=5)

    names = list(functions(workshop, size, steps))
    what = "a scalar" if size == 1 else f"{size:,} elements"
    return Contest(
        f"gradient-compilation-{size}",
        f"The gradient of a loop over {what}: conversion, tracing and compilation",
        "gradient",
        [contestant(name) for name in names],
        [
            Ratio(
                f"Compilation of a gradient, {what}: AutoGraph / lax.scan",
                CONVERTED,
                SCAN,
                at_most=2,
                why=_WHY_COMPILED,
            ),
            Ratio(f"Compilation of a gradient, {what}: Equinox / AutoGraph", EQUINOX, CONVERTED),
        ],
        missing=[EQUINOX] if peers.load(peers.EQUINOX) is None else [],
        clock=time.process_time,
    )


# The curves of docs/differentiating-loops.md.


def curves(lengths: list[int], size: int) -> dict[str, list[tuple[int, float, int]]]:
    """For each contestant its lengths, with the seconds that a gradient took (the best of five) and the bytes it needs.

    The bytes are what the compiled executable says of its temporary arrays.
    """
    workshop = Workshop()
    found: dict[str, list[tuple[int, float, int]]] = {}
    for steps in lengths:
        for name, function in functions(workshop, size, steps).items():
            arguments = (jnp.float32(0.9), state(size), jnp.int32(steps))
            executable = jax.jit(gradient(function)).lower(*arguments).compile()
            if name == EQUINOX and steps * size > 10_000_000:
                continue  # a minute a call
            jax.block_until_ready(executable(*arguments))
            taken = []
            for _ in range(5):
                start = time.perf_counter()
                jax.block_until_ready(executable(*arguments))
                taken.append(time.perf_counter() - start)
                if taken[0] > 3:
                    break
            found.setdefault(name, []).append((steps, min(taken), executable.memory_analysis().temp_size_in_bytes))
    return found


def plot(path: str, lengths: list[int] | None = None) -> dict[int, dict[str, list[tuple[int, float, int]]]]:
    """Draws time and memory over length, for a scalar and for 1,000 elements, and gives what it has drawn."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lengths = lengths or [10, 100, 1000, 10_000, 100_000, 1_000_000]
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), sharex=True, layout="constrained")
    drawn = {}
    for column, size in enumerate((1, 1000)):
        drawn[size] = curves([n for n in lengths if n * size <= 100_000_000], size)
        for name, points in drawn[size].items():
            steps, seconds, size_in_bytes = zip(*points, strict=True)
            axes[0][column].loglog(steps, seconds, marker="o", label=name)
            axes[1][column].loglog(steps, size_in_bytes, marker="o", label=name)
        axes[0][column].set_title("a scalar" if size == 1 else f"{size:,} elements")
        axes[1][column].set_xlabel("iterations")
    axes[0][0].set_ylabel("seconds for a gradient")
    axes[1][0].set_ylabel("bytes of temporary arrays")
    axes[0][0].legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return drawn


if __name__ == "__main__":
    import sys

    for size, lines in plot(sys.argv[1]).items():
        for name, points in lines.items():
            for steps, seconds, size_in_bytes in points:
                print(f"{size:5} {name:40} {steps:9,} steps {seconds * 1e3:10.3f} ms {size_in_bytes:12,} bytes")
