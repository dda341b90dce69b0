"""Runs one module of Python's tests in a process of its own, and writes down what became of each test.

    python -P worker.py MODULE plain|converted RESULTS.json
"""

from __future__ import annotations

import doctest
import importlib
import json
import os
import pathlib
import sys
import tempfile
import unittest
from typing import Any

from test import support

Outcome = list[str]
"""``ok`` or ``skip``, or else ``fail``, ``error`` and the like with the kinds of exception."""


class Results(unittest.TestResult):
    """The outcome of each test, with the traceback of what went wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, Outcome] = {}
        self.details: dict[str, str] = {}

    def _note(self, test: Any, outcome: str, error: Any = None) -> None:
        name = test.id().removeprefix("test.")
        kinds = self.outcomes.setdefault(name, [])
        if error is not None:
            outcome = f"{outcome}: {error[0].__name__}"
            self.details[name] = self.details.get(name, "") + self._exc_info_to_string(error, test)
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


def main(name: str, mode: str, results: str) -> None:
    support.use_resources = {}  # nothing that takes long, much memory or the network
    support.verbose = 0
    sys.argv[1:] = []
    module = importlib.import_module(f"test.{name}")
    report: dict[str, Any] = {}
    conversion = None
    if mode == "converted":
        from conversion import Conversion

        conversion = Conversion()
        conversion.modules()
        convert_doctests(conversion)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    outcome = Results()
    suite(outcome)
    report["outcomes"] = outcome.outcomes
    report["details"] = outcome.details
    if conversion is not None:
        report["converted"] = conversion.converted
        report["left_alone"] = conversion.left_alone
        report["refused"] = conversion.refused
    pathlib.Path(results).write_text(json.dumps(report))


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
    path = os.path.dirname(os.path.abspath(__file__))
    out = os.path.abspath(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # tests write files where they are
        sys.path.append(path)
        try:
            main(sys.argv[1], sys.argv[2], out)
        finally:
            os.chdir(path)
