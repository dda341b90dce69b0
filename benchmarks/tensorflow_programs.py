"""The same programs on TensorFlow: ``ag.function`` against ``tf.function``, which converts with its own AutoGraph.

The steady state, the first call, a call that does next to nothing, and the size of the graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import autograph as ag

from . import peers
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

FUNCTION = "ag.function(f) on TensorFlow"
PLAIN = "ag.function(f, jit_compile=False) on TensorFlow"
TF_FUNCTION = "tf.function(f)"
TF_COMPILED = "tf.function(f, jit_compile=True)"

_WHY = "At this size a call costs as much as the loop: the call is TensorFlow's own for both."
_WHY_FIRST = (
    "Conversion is faster, and the graph is TensorFlow's to build and to optimise; where XLA compiles the loop, that "
    "compilation is added."
)
_PROGRAMS = {
    "collatz": ("total_steps", lambda scale: scale.slow_limit // 10),
    "mandelbrot": ("bounded_iterations", lambda scale: max(2, scale.slow_limit // 60)),
    "nested_sums": ("triangle", lambda scale: max(4, scale.slow_limit // 10)),
    "primes": ("count_primes", lambda scale: scale.slow_limit // 3),
    "sign": ("square_if_positive", lambda scale: 3),
}
_NOT_FOR_XLA = ("nested_sums",)
"""What ``tf.function(jit_compile=True)`` refuses: a ``range`` whose end the graph computes."""
_LOOPS = ("collatz", "mandelbrot", "nested_sums", "primes")


def contests(scale: Scale) -> Iterator[Contest]:
    """For each program the steady state and the first call; TensorFlow may be missing."""
    tensorflow = peers.load(peers.TENSORFLOW)
    workshop = Workshop()
    for text, (name, size) in _PROGRAMS.items():
        yield _steady(tensorflow, workshop, text, name, size(scale))
        yield _first(tensorflow, workshop, text, name, size(scale))


def _makers(tensorflow: Any, text: str) -> dict[str, Callable[[Any], Callable[..., Any]]]:
    makers = {
        FUNCTION: ag.function,
        PLAIN: lambda function: ag.function(function, jit_compile=False),
        TF_FUNCTION: tensorflow.function,
    }
    if text not in _NOT_FOR_XLA:
        makers[TF_COMPILED] = lambda function: tensorflow.function(function, jit_compile=True)
    return makers


def _steady(tensorflow: Any, workshop: Workshop, text: str, name: str, size: int) -> Contest:
    contestants = []
    if tensorflow is not None:
        argument = tensorflow.constant(size)
        for label, make in _makers(tensorflow, text).items():
            function = make(workshop.function(program(text), name))

            def call(function: Callable[..., Any] = function) -> int:
                return int(function(argument))

            contestants.append(Contestant(label, lambda _, call=call: call, call))
    target: dict[str, Any] = {"at_least": 50.0 if text in _LOOPS else 1.0, "why": _WHY}
    return Contest(
        f"tensorflow-{text}",
        f"{name}({size}) on TensorFlow, after the first call",
        "call",
        contestants,
        [
            Ratio(f"{name} on TensorFlow: tf.function / ag.function", TF_FUNCTION, FUNCTION, **target),
            Ratio(f"{name} on TensorFlow: tf.function / ag.function without XLA", TF_FUNCTION, PLAIN),
            *_against_compiled(name, text),
        ],
        missing=_missing(tensorflow),
        slow=text in _LOOPS,
        # A call that does next to nothing is disturbed most by what else runs, and leaves no work to other threads.
        clock=time.perf_counter if text in _LOOPS else time.process_time,
    )


def _first(tensorflow: Any, workshop: Workshop, text: str, name: str, size: int) -> Contest:
    contestants = []
    if tensorflow is not None:
        argument = tensorflow.constant(min(size, 4))
        for label, make in _makers(tensorflow, text).items():

            def prepare(calls: int, make: Callable[[Any], Callable[..., Any]] = make) -> Callable[[], Any]:
                fresh = iter([workshop.function(program(text), name) for _ in range(calls)])
                return lambda: int(make(next(fresh))(argument))

            contestants.append(Contestant(label, prepare, lambda prepare=prepare: prepare(1)(), calls=3))
    return Contest(
        f"tensorflow-{text}-first",
        f"{name} on TensorFlow, the first call",
        "first call",
        contestants,
        [
            Ratio(
                f"First call of {name}: tf.function / ag.function", TF_FUNCTION, FUNCTION, at_least=1.0, why=_WHY_FIRST
            ),
            Ratio(
                f"First call of {name}: tf.function / ag.function without XLA",
                TF_FUNCTION,
                PLAIN,
                at_least=1.0,
                why=_WHY_FIRST,
            ),
        ],
        missing=_missing(tensorflow),
        slow=True,
    )


def _against_compiled(name: str, text: str) -> list[Ratio]:
    if text in _NOT_FOR_XLA:
        return []
    return [Ratio(f"{name} on TensorFlow: tf.function(jit_compile=True) / ag.function", TF_COMPILED, FUNCTION)]


def _missing(tensorflow: Any) -> list[str]:
    return [] if tensorflow is not None else [FUNCTION, PLAIN, TF_FUNCTION, TF_COMPILED]
