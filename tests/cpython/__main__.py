"""``python -m tests.cpython [--traced] [MODULE ...]``: counts for each module of Python's tests, and what differs."""

from __future__ import annotations

import argparse
import platform
import sys
from concurrent.futures import ThreadPoolExecutor

from .exceptions import EXCEPTIONS, ONLY_TRACED
from .harness import Comparison, WorkerFailed, compare, missing
from .modules import TRACED, modules

_COLUMNS = ("module", "functions", "converted", "left alone", "tests", "run converted", "equal", "exceptions")


def _row(name: str, cells: list[int]) -> str:
    return f"{name:28}" + "".join(f"{cell:{len(title) + 2}}" for title, cell in zip(_COLUMNS[1:], cells, strict=True))


def _cells(result: Comparison) -> list[int]:
    functions = result.converted + len(result.left_alone)
    return [
        functions,
        result.converted,
        len(result.left_alone),
        result.tests,
        result.converted_tests,
        result.equal,
        len(result.excepted),
    ]


def _attempt(name: str, mode: str) -> Comparison | WorkerFailed:
    try:
        return compare(name, mode)
    except WorkerFailed as error:
        return error


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cpython", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="test_grammar and the like; all that are listed")
    parser.add_argument("--jobs", type=int, default=2, help="modules to run at a time (default: 2)")
    parser.add_argument("--traced", action="store_true", help="run the tests while JAX builds a graph")
    parser.add_argument("--verbose", action="store_true", help="show the traceback of each difference")
    options = parser.parse_args()
    reason = missing()
    if reason is not None:
        parser.exit(2, f"{reason}\n")
    mode = "traced" if options.traced else "converted"
    names = options.modules or (TRACED if options.traced else modules())
    print(f"{platform.python_implementation()} {platform.python_version()}\n")
    print(f"{_COLUMNS[0]:28}" + "".join(f"{title:>{len(title) + 2}}" for title in _COLUMNS[1:]))
    results: list[Comparison] = []
    failures: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for name, result in zip(names, pool.map(_attempt, names, [mode] * len(names)), strict=True):
            if isinstance(result, WorkerFailed):
                failures.append(str(result))
                print(f"{name:28}  failed")
                continue
            results.append(result)
            print(_row(name, _cells(result)), flush=True)
    print(_row("total", [sum(column) for column in zip(*map(_cells, results), strict=True)] if results else [0] * 7))
    for result in results:
        for test in result.excepted:
            print(f"\n{test}\n    excepted: {(EXCEPTIONS | ONLY_TRACED)[test].reason}")
        for test in result.unexpected:
            text = result.differences[test]
            failures.append(f"{test} {text if options.verbose else text.splitlines()[0]}")
        failures += [f"{test} is the same now: take it out of the table of exceptions" for test in result.outdated]
    for failure in failures:
        print(f"\n{failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
