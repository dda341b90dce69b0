"""Runs one module of Python's tests in a process of its own, and writes down what became of each test.

python -P worker.py MODULE plain|converted RESULTS.json
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import os
import pathlib
import sys
import tempfile
import unittest
from collections.abc import Callable
from types import CodeType
from typing import Any

from test import support


class Results(unittest.TestResult):
    """The outcome of each test, with the traceback of what went wrong.

    An outcome is a list, since each subtest may fail: ``ok``, ``skip``, or ``fail``, ``error`` and the like with the
    kind of exception.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_converted: Callable[[CodeType], bool] = lambda code: False
        self.outcomes: dict[str, list[str]] = {}
        self.details: dict[str, str] = {}
        self.converted: set[str] = set()

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        method = inspect.unwrap(getattr(test, getattr(test, "_testMethodName", ""), None) or _nothing)
        method = getattr(method, "__func__", method)
        if inspect.isfunction(method) and self.is_converted(method.__code__):
            self.converted.add(_name(test))

    def _note(self, test: Any, outcome: str, error: Any = None) -> None:
        name = _name(test)
        kinds = self.outcomes.setdefault(name, [])
        if error is not None:
            outcome = f"{outcome}: {error[0].__name__}"
            self.details[name] = self.details.get(name, "") + self._exc_info_to_string(error, test)  # type: ignore[attr-defined]
        kinds.append(outcome)

    def addSuccess(self, test: Any) -> None:
        self._note(test, "ok")

    def addFailure(self, test: Any, error: Any) -> None:
        self._note(test, "fail", error)

    def addError(self, test: Any, error: Any) -> None:
        self._note(test, "error", error)

    def addSkip(self, test: Any, reason: str) -> None:
        self._note(test, "skip")

    def addExpectedFailure(self, test: Any, error: Any) -> None:
        self._note(test, "expected failure", error)

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._note(test, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:
        if error is not None:
            self._note(test, "fail" if issubclass(error[0], test.failureException) else "error", error)


def _name(test: Any) -> str:
    return test.id().removeprefix("test.")


def _nothing() -> None: ...


def main(name: str, mode: str) -> dict[str, Any]:
    support.use_resources = {}  # nothing that takes long, much memory or the network
    support.verbose = 0
    sys.modules["hypothesis"] = None  # type: ignore[assignment]  # some tests use it where it happens to be installed
    sys.argv[1:] = []
    module = importlib.import_module(f"test.{name}")
    results = Results()
    conversion = None
    if mode != "plain":
        # Not at the top: the process that runs the tests as they are has nothing of this package in it.
        from autograph.syntax.compiler import is_converted
        from conversion import Conversion

        results.is_converted = is_converted
        conversion = Conversion()
        conversion.modules()
        convert_doctests(conversion)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    if mode == "traced":
        import jax

        def program(x: Any) -> Any:
            suite(results)
            return x

        jax.make_jaxpr(program)(1.0)
    else:
        suite(results)
    report: dict[str, Any] = {"outcomes": results.outcomes, "details": results.details}
    if conversion is not None:
        report["converted"] = conversion.converted
        report["left_alone"] = conversion.left_alone
        report["refused"] = conversion.refused
        report["converted_tests"] = sorted(results.converted)
    return report


def convert_doctests(conversion: Any) -> None:
    """Converts the functions that an example of a doctest has defined before the next example runs."""

    class Debugger(doctest._OutputRedirectingPdb):  # type: ignore[name-defined,misc]
        def set_continue(self) -> None:
            """What the runner of doctests calls after each example; a wrapped `exec` would be in each traceback."""
            super().set_continue()
            frame = sys._getframe(1)
            if frame.f_code.co_name == "__run":
                names = frame.f_locals["test"].globs
                conversion.namespace(names, names.__setitem__)

    doctest._OutputRedirectingPdb = Debugger  # type: ignore[attr-defined]


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    out = pathlib.Path(sys.argv[3]).absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # tests write files where they are
        sys.path.append(here)
        try:
            out.write_text(json.dumps(main(sys.argv[1], sys.argv[2])))
        finally:
            os.chdir(here)
