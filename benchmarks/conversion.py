"""How long it takes to convert a function, and how that grows with its length."""

from __future__ import annotations

import contextlib
import io
import linecache
import time
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import autograph as ag

from . import long_function, peers, shapes_of_code
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

AUTOGRAPH = "AutoGraph"
TF_AUTOGRAPH = "tf.autograph"
PYTHON = "Python's parser and compiler"

_WHY = (
    "Python's own compiler takes over a quarter of a conversion, since the converted code has twice the syntax nodes "
    "and several times the functions of the source, and its parser a tenth. The rest is spread over all passes, which "
    "visit each node a few times in Python. It would need a rewriting in native code."
)
_WHY_TREE = (
    "Small functions cost what a conversion costs before its first line: a third is Python's own parser and compiler "
    "for the function and the one that holds its free variables, a twentieth the handler around the body, and each "
    "pass begins anew. The peers' cost grows with length more than with number."
)
_WHY_RETURNS = (
    "What follows an early return moves into the branch that does not return, up to twenty levels deep: a short "
    "function has few levels, and long ones have them all. Between 1,000 and 3,000 lines a line costs 1.1 times as "
    "much."
)
_SAMPLES = (([3, -1, 4, -1, 5, 9, 2, 6], 12, 7), ([3], 5, 200_000), ([0, 1], 0, 40), ([2], -1, 0))
"""Arguments that go through to the end, that stop early, that skip the loops, and that fail the assertion."""


def contests(scale: Scale) -> Iterator[Contest]:
    """The short function and the long one against the peers, then the growth of our own time."""
    yield _against_peers(
        "conversion-short",
        "Conversion of a function of 17 lines",
        _text_of_definition(program("tally")),
        "tally",
        at_least=50,
    )
    long_text = long_function.source(long_function.blocks_for(scale.long_function))
    lines = long_text.count("\n")
    yield _against_peers(
        "conversion-long",
        f"Conversion of a function of {lines} lines",
        long_text,
        long_function.NAME,
        at_least=100,
        slow=True,
    )
    yield _memory(long_function.source(min(4, long_function.blocks_for(scale.long_function))))
    yield _nesting(scale)
    yield _call_tree(scale)
    yield _growth("conversion-growth", "without early returns", scale, early_returns=False)
    yield _growth("conversion-growth-returns", "with an early return in each block", scale, early_returns=True)


def _against_peers(
    name: str, title: str, source: str, function: str, *, at_least: float, slow: bool = False
) -> Contest:
    workshop = Workshop()
    converters: dict[str, Callable[[FunctionType], Any] | None] = {AUTOGRAPH: ag.to_graph}
    tensorflow, malt = peers.load(peers.TENSORFLOW), peers.load(peers.MALT)
    converters[TF_AUTOGRAPH] = None if tensorflow is None else tensorflow.autograph.to_graph
    converters[peers.MALT] = None if malt is None else malt.to_graph
    converters[PYTHON] = parse_and_compile
    contestants = [
        _contestant(title, convert, workshop, source, function)
        for title, convert in converters.items()
        if convert is not None
    ]
    return Contest(
        name,
        title,
        "conversion",
        contestants,
        [
            Ratio(f"{title}: tf.autograph / AutoGraph", TF_AUTOGRAPH, AUTOGRAPH, at_least=at_least, why=_WHY),
            Ratio(f"{title}: diastatic-malt / AutoGraph", peers.MALT, AUTOGRAPH, at_least=at_least, why=_WHY),
            Ratio(f"{title}: AutoGraph / Python's parser and compiler", AUTOGRAPH, PYTHON),
        ],
        missing=[title for title, convert in converters.items() if convert is None],
        slow=slow,
        clock=time.process_time,
    )


def _memory(source: str) -> Contest:
    """The most memory that a conversion holds at once: bytes, where other contests have seconds."""
    workshop = Workshop()
    tensorflow, malt = peers.load(peers.TENSORFLOW), peers.load(peers.MALT)
    converters: dict[str, Callable[[FunctionType], Any] | None] = {
        AUTOGRAPH: ag.to_graph,
        TF_AUTOGRAPH: None if tensorflow is None else tensorflow.autograph.to_graph,
        peers.MALT: None if malt is None else malt.to_graph,
    }

    def contestant(name: str, convert: Callable[[FunctionType], Any]) -> Contestant:
        def prepare(_: int) -> Callable[[], Any]:
            function = workshop.function(source, long_function.NAME)
            return lambda: convert(function)

        return Contestant(name, prepare, lambda: prepare(1)().__name__.partition("_")[0], calls=1)

    return Contest(
        "conversion-memory",
        f"The most memory that the conversion of {source.count(chr(10))} lines holds at once",
        "conversion",
        [contestant(name, convert) for name, convert in converters.items() if convert is not None],
        [
            Ratio("Memory of a conversion: tf.autograph / AutoGraph", TF_AUTOGRAPH, AUTOGRAPH),
            Ratio("Memory of a conversion: diastatic-malt / AutoGraph", peers.MALT, AUTOGRAPH),
        ],
        missing=[name for name, convert in converters.items() if convert is None],
        same_answers=False,
        slow=True,
        memory=True,
    )


def _nesting(scale: Scale) -> Contest:
    workshop = Workshop()
    contestants = []
    for depth in scale.nesting:
        source = shapes_of_code.nested(depth)
        lines = source.count("\n")
        contestants.append(_contestant(f"depth {depth}", ag.to_graph, workshop, source, "nested", work=lines))
    least, most = contestants[0].name, contestants[-1].name
    return Contest(
        "conversion-nesting",
        "Conversion of nested loops and conditionals: time per line",
        "line",
        contestants,
        [Ratio(f"Conversion: a line at {most} / a line at {least}", most, least, at_most=2.5)],
        same_answers=False,
        clock=time.process_time,
    )


def _call_tree(scale: Scale) -> Contest:
    """Each function is converted where it is called: here by calls of plain numbers."""
    workshop = Workshop()
    source = shapes_of_code.call_tree(scale.call_tree)
    tensorflow, malt = peers.load(peers.TENSORFLOW), peers.load(peers.MALT)
    converters: dict[str, Callable[[FunctionType], Any] | None] = {
        AUTOGRAPH: ag.convert,
        TF_AUTOGRAPH: None if tensorflow is None else tensorflow.autograph.to_graph,
        peers.MALT: None if malt is None else malt.to_graph,
    }

    def contestant(name: str, convert: Callable[[FunctionType], Any]) -> Contestant:
        def prepare(calls: int) -> Callable[[], Any]:
            functions = iter([workshop.function(source, "node0") for _ in range(calls)])
            return lambda: convert(next(functions))(7)

        return Contestant(name, prepare, lambda: prepare(1)(), calls=10)

    return Contest(
        "conversion-call-tree",
        f"A tree of {scale.call_tree} functions: conversion of all, and one call",
        "tree",
        [contestant(name, convert) for name, convert in converters.items() if convert is not None],
        [
            Ratio("A tree of calls: tf.autograph / AutoGraph", TF_AUTOGRAPH, AUTOGRAPH, at_least=50, why=_WHY_TREE),
            Ratio("A tree of calls: diastatic-malt / AutoGraph", peers.MALT, AUTOGRAPH, at_least=50, why=_WHY_TREE),
        ],
        missing=[name for name, convert in converters.items() if convert is None],
        slow=True,
        clock=time.process_time,
    )


def _growth(name: str, kind: str, scale: Scale, *, early_returns: bool) -> Contest:
    workshop = Workshop()
    contestants = []
    for lines in scale.growth:
        source = long_function.source(long_function.blocks_for(lines), early_returns=early_returns)
        lines = source.count("\n")
        contestants.append(_contestant(f"{lines} lines", ag.to_graph, workshop, source, long_function.NAME, work=lines))
    shortest, longest = contestants[0].name, contestants[-1].name
    return Contest(
        name,
        f"Conversion {kind}: time per line",
        "line",
        contestants,
        [
            Ratio(
                f"Conversion {kind}: a line of {longest} / a line of {shortest}",
                longest,
                shortest,
                at_most=1.5,
                why=_WHY_RETURNS if early_returns else "",
            )
        ],
        same_answers=False,
        clock=time.process_time,
    )


def parse_and_compile(function: FunctionType) -> FunctionType:
    """What Python itself does with the source of a function, for scale."""
    filename = function.__code__.co_filename
    names: dict[str, Any] = {}
    exec(compile("".join(linecache.getlines(filename)), filename, "exec"), names)
    return names[function.__name__]


def _contestant(
    name: str, convert: Callable[[FunctionType], Any], workshop: Workshop, source: str, function: str, work: int = 1
) -> Contestant:
    def fresh() -> FunctionType:
        return workshop.function(source, function)

    def prepare(calls: int) -> Callable[[], Any]:
        functions = iter([fresh() for _ in range(calls)])
        return lambda: convert(next(functions))

    def answer() -> list[Any]:
        original = fresh()
        expected = behaviour(original)
        found = behaviour(convert(original))
        if found != expected:
            raise ValueError(f"the converted function does {found}, the original {expected}")
        return found

    return Contestant(name, prepare, answer, work=work, calls=30)


def behaviour(function: Callable[..., Any]) -> list[tuple[Any, str]]:
    """What a function returns or raises, and prints, for each of the samples."""
    seen = []
    for arguments in _SAMPLES:
        printed = io.StringIO()
        result: Any
        with contextlib.redirect_stdout(printed):
            try:
                result = function(*arguments)
            except AssertionError as error:
                result = type(error).__name__
        seen.append((result, printed.getvalue()))
    return seen


def _text_of_definition(text: str) -> str:
    """A module's text from its first definition on."""
    return text[text.index("def ") :]
