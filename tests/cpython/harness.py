"""Runs a module of Python's tests as it is and converted, each in a process of its own, and compares the outcomes."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

import autograph

from .exceptions import EXCEPTIONS, ONLY_TRACED

_WORKER = pathlib.Path(__file__).with_name("worker.py")
_SOURCE = pathlib.Path(autograph.__file__).parent.parent
_LIMIT_S = 180.0


class WorkerFailed(Exception):
    """The process that ran a module ended without results."""


@dataclass(frozen=True)
class Comparison:
    """A module's tests with its functions as they are, and with its functions converted."""

    module: str
    tests: int
    equal: int
    converted: int
    """Functions that were converted."""
    converted_tests: int
    """Tests whose own function was one of them; doctests have none."""
    left_alone: dict[str, str]
    """Functions that conversion leaves as they are by design, with what it says."""
    differences: dict[str, str]
    """What differs: tests by their outcomes, and functions that could not be converted."""
    excepted: list[str]
    """Those of the differences that the table of exceptions has."""
    unexpected: list[str]
    """Those that it does not have."""
    outdated: list[str]
    """Entries of the table for this module and this Python that are not among the differences."""


def missing() -> str | None:
    """Why Python's tests cannot be run here, if they cannot."""
    if importlib.util.find_spec("test.test_grammar") is None:
        return f"Python's own tests (the package `test`) are not installed with {sys.executable}"
    return None


def compare(module: str, mode: str = "converted") -> Comparison:
    """Runs a module as it is and in ``mode``: ``"converted"``, or ``"traced"`` for converted inside a graph."""
    exceptions = EXCEPTIONS | ONLY_TRACED if mode == "traced" else EXCEPTIONS
    return comparison(module, run(module, "plain"), run(module, mode), exceptions)


def comparison(module: str, plain: dict[str, Any], converted: dict[str, Any], exceptions: dict[str, Any]) -> Comparison:
    """What two runs of a module differ in."""
    before, after = plain["outcomes"], converted["outcomes"]
    names = before.keys() | after.keys()
    differences = {
        name: f"{_short(before.get(name))} became {_short(after.get(name))}\n{converted['details'].get(name, '')}"
        for name in names
        if before.get(name) != after.get(name)
    }
    differences |= {name: f"not converted: {reason}" for name, reason in converted["refused"].items()}
    listed = {
        name
        for name, exception in exceptions.items()
        if name.split(".")[0] == module and sys.version_info[:2] in exception.versions
    }
    return Comparison(
        module=module,
        tests=len(names),
        equal=sum(before.get(name) == after.get(name) for name in names),
        converted=converted["converted"],
        converted_tests=len(converted["converted_tests"]),
        left_alone=converted["left_alone"],
        differences=differences,
        excepted=sorted(differences.keys() & listed),
        unexpected=sorted(differences.keys() - listed),
        outdated=sorted(listed - differences.keys()),
    )


def _short(outcome: list[str] | None) -> str:
    if outcome is None:
        return "no such test"
    return ", ".join(dict.fromkeys(outcome))


def run(module: str, mode: str) -> dict[str, Any]:
    """The outcomes of one module, with its functions ``"plain"``, ``"converted"`` or ``"traced"``.

    Raises:
        WorkerFailed: the process crashed, hung, or could not import the module.
    """
    # Sets of strings have the same order in both runs.
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(_SOURCE)}
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder, "results.json")
        output = pathlib.Path(folder, "output.txt")
        # The tests write into standard output what they like, and some look for a file there.
        with output.open("wb") as stream:
            command = [sys.executable, "-P", str(_WORKER), module, mode, str(results)]
            try:
                process = subprocess.run(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=_LIMIT_S
                )
                ending = f"ended with {process.returncode}"
            except subprocess.TimeoutExpired:
                ending = f"did not end in {_LIMIT_S:.0f} s"
        if not results.exists():
            tail = output.read_text(errors="replace")[-4000:]
            raise WorkerFailed(f"test.{module}, {mode}, {ending}:\n{tail}")
        return json.loads(results.read_text())
