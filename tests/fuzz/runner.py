"""Run a random program every way there is, and say where two ways disagree.

A program is a module of its own: it is compiled under a name of its own, and its text is put where `inspect` looks for
it. What it does to its arguments, to its globals and to the chain of exceptions counts as much as what it returns.
"""

from __future__ import annotations

import functools
import itertools
import linecache
import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from corpus import Call
from differential import Outcome, exact_difference, observe, raised_difference, staged_difference

from .grammar import Program

Function = Callable[..., Any]
Convert = Callable[[Function], Function]

_numbers = itertools.count()


class Disagreement(AssertionError):
    """A program that does not do the same in two ways; the message holds it as a program of the corpus."""


@functools.cache
def _disagreement(kind: str) -> type[Disagreement]:
    # Hypothesis takes failures of one type that are raised at one line for one failure, and goes on with the others.
    return type("Disagreement", (Disagreement,), {"kind": kind, "__module__": __name__})


@contextmanager
def loaded(program: Program) -> Iterator[Function]:
    """The program's function, in a module of its own."""
    name = f"<fuzz-{next(_numbers)}>"
    linecache.cache[name] = (len(program.source), None, program.source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "fuzz_program"}
    try:
        with warnings.catch_warnings():
            # Random programs compare literals by `is`, and assert tuples.
            warnings.simplefilter("ignore")
            exec(compile(program.source, name, "exec"), namespace)
            yield namespace["fuzzed"]
    finally:
        del linecache.cache[name]


def run(function: Function, original: Function, values: tuple[Any, ...], *, staged: bool = False) -> Outcome:
    """What a call does, with the globals of the program's module among the arguments that it may change."""
    module = original.__globals__
    start = {name: deepcopy(value) for name, value in sorted(module.items()) if name in ("G", "TRACE")}
    outcome = observe(function, Call(values), staged=staged)
    left = {name: module.get(name) for name in start}
    module.update(start)
    return replace(outcome, arguments=(outcome.arguments, left))


def check_plain(program: Program, convert: Convert) -> None:
    """Plain values: plain Python and converted code may not differ in anything."""
    with loaded(program) as function:
        converted = _made(program, convert, function, "converted")
        for values in program.inputs:
            expected = run(function, function, values)
            actual = run(converted, function, values)
            difference = exact_difference(expected, actual) or error_difference(expected, actual, function)
            if difference is not None and difference.startswith("line:") and len(program.inputs) > 1:
                # CPython 3.11 reports another line once it has specialized a function that was called before.
                check_plain(replace(program, inputs=(values,)), convert)
            elif difference is not None:
                raise _report(program, values, "converted", difference, expected, actual)


def check_staged(program: Program, convert: Convert, jit: Convert, compile: Convert) -> None:
    """Plain values as above; then staged under `jit`, or under `compile` where plain Python raises."""
    check_plain(program, convert)
    with loaded(program) as function:
        fails = any(run(function, function, values).error is not None for values in program.inputs)
    way, make = ("ag.function", compile) if fails else ("jax.jit", jit)
    with loaded(program) as function:
        staged = _made(program, make, function, way)
        for values in program.inputs:
            expected = run(function, function, values)
            with _ending(program, values):
                actual = run(staged, function, values, staged=True)
            if expected.error is None:
                difference = staged_difference(expected, actual, rtol=0, promotes=True)
            else:
                difference = raised_difference(expected, actual, rtol=0)
            if difference is not None:
                raise _report(program, values, way, difference, expected, actual)


@contextmanager
def _ending(program: Program, values: tuple[Any, ...], seconds: float = 200) -> Iterator[None]:
    """End the process, with a report, where a graph does not end: no exception can interrupt one."""

    def end() -> None:
        print(f"still running after {seconds} s on {values!r}:\n{program.source}", file=sys.__stderr__, flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _made(program: Program, make: Convert, function: Function, way: str) -> Function:
    try:
        return make(function)
    except Exception as error:
        failed = Outcome(None, error, "", None)
        raise _report(program, program.inputs[0], way, f"conversion raised {error!r}", None, failed) from error


def error_difference(expected: Outcome, actual: Outcome, function: Function) -> str | None:
    """How two exceptions of the same type and arguments differ: in their chain, or in the line that they come from."""
    wanted, found = _chain(expected.error), _chain(actual.error)
    if wanted != found:
        return f"chain: expected {wanted}, got {found}"
    file = function.__code__.co_filename
    line, other = _line(expected.error, file), _line(actual.error, file)
    if line != other:
        return f"line: expected {type(expected.error).__name__} from line {line}, got it from line {other}"
    return None


def _chain(error: BaseException | None) -> list[str]:
    """The names of an exception and of those that it came from, each with the link that leads on from it."""
    names = []
    while error is not None:
        link = "cause" if error.__cause__ is not None else "suppressed" if error.__suppress_context__ else "context"
        names.append(f"{type(error).__name__} {link}")
        error = error.__cause__ or error.__context__
    return names


def _line(error: BaseException | None, file: str) -> int | None:
    """The innermost line of the file that an exception passed through."""
    if error is None:
        return None
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else None


# Reports.


def as_corpus(program: Program) -> str:
    """The program as it would stand in the corpus."""
    with loaded(program) as function:
        calls = []
        for values in program.inputs:
            literals = ", ".join(_literal(value) for value in values)
            raises = run(function, function, values).error is not None
            calls.append(f"raises({literals})" if raises else f"({literals})")
    calls += [] if program.staged else ["staged=False", 'why="written for plain values"']
    head, define, body = program.source.partition("def fuzzed(")
    return f"{head}\n@program({', '.join(calls)})\n{define}{body}"


def _literal(value: Any) -> str:
    if isinstance(value, np.ndarray):
        kind = {"i": "ints", "f": "floats", "b": "bools"}[value.dtype.kind]
        return f"{kind}({', '.join(str(item) for item in value.tolist())})"
    return repr(value)


def _report(
    program: Program, values: tuple[Any, ...], way: str, difference: str, expected: Outcome | None, actual: Outcome
) -> Disagreement:
    lines = [
        f"{way}: {difference}",
        f"on ({', '.join(_literal(value) for value in values)})",
        f"plain:     {expected}",
        f"{way + ':':10} {actual}",
    ]
    if actual.error is not None and (expected is None or expected.error is None):
        lines += ["", *traceback.format_exception(actual.error)]
    lines += ["", as_corpus(program)]
    return _disagreement(f"{way} {_kind(difference, actual.error)}")("\n".join(lines))


def _kind(difference: str, error: BaseException | None) -> str:
    """What failures with one cause have in common: the place in this package that raised, or what differs."""
    if error is not None and difference.startswith(("error", "conversion")):
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
            name = frame.f_globals.get("__name__", "")
            if name.partition(".")[0] == "autograph":
                return f"{type(error).__name__} in {name}:{line}"
    return re.sub(r"\d+|(?<=: ).*", "", difference)
