"""CPython's own tests come out the same with their functions converted.

`python -m tests.cpython` prints how many functions and tests that is, for each module.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest

from cpython.exceptions import ALL, EXCEPTIONS, ONLY_TRACED, Exempt
from cpython.harness import Comparison, WorkerFailed, compare, comparison, missing, run
from cpython.modules import MODULES, TRACED, modules

_MISSING = missing()
needs_tests = pytest.mark.skipif(_MISSING is not None, reason=_MISSING or "")


@needs_tests
@pytest.mark.parametrize("module", modules())
def test_module(module: str) -> None:
    check(compare(module))


@needs_tests
@pytest.mark.parametrize("module", TRACED)
def test_module_while_a_graph_is_built(module: str) -> None:
    check(compare(module, "traced"))


def check(result: Comparison) -> None:
    assert result.converted > 0
    assert result.tests > 0
    assert not result.unexpected, "\n\n".join(f"{name}: {result.differences[name]}" for name in result.unexpected)
    assert not result.outdated, "these are the same now: take them out of the table of exceptions"


@needs_tests
def test_the_list_names_modules_of_this_python() -> None:
    assert [name for name in modules() if importlib.util.find_spec(f"test.{name}") is None] == []


def test_each_exception_is_of_a_module_that_is_run() -> None:
    assert {name.split(".")[0] for name in EXCEPTIONS} <= MODULES.keys()
    assert {name.split(".")[0] for name in ONLY_TRACED} <= set(TRACED)
    assert set(TRACED) <= set(modules())
    exempts = [*EXCEPTIONS.values(), *ONLY_TRACED.values()]
    assert all(exempt.reason and exempt.versions and exempt.versions <= ALL for exempt in exempts)


@needs_tests
def test_a_module_that_does_not_load_is_an_error() -> None:
    with pytest.raises(WorkerFailed, match="No module named 'test.test_of_no_such_name'"):
        run("test_of_no_such_name", "plain")


@needs_tests
def test_functions_run_converted() -> None:
    result = run("test_scope", "converted")
    own = {name for name in result["outcomes"] if name not in result["left_alone"]}
    assert set(result["converted_tests"]) == own
    assert len(own) > 30


def outcomes(**tests: str) -> dict[str, Any]:
    return {
        "outcomes": {f"test_x.T.{name}": [outcome] for name, outcome in tests.items()},
        "details": {},
        "converted": len(tests),
        "converted_tests": list(tests),
        "left_alone": {},
        "refused": {},
    }


def test_a_difference_is_unexpected_unless_it_is_excepted() -> None:
    plain = outcomes(a="ok", b="ok", c="skip", d="error: ValueError")
    converted = outcomes(a="ok", b="fail: AssertionError", c="ok", d="error: TypeError")
    table = {"test_x.T.b": Exempt("it is meant to be")}
    result = comparison("test_x", plain, converted, table)
    assert result.excepted == ["test_x.T.b"]
    assert result.unexpected == ["test_x.T.c", "test_x.T.d"]
    assert (result.tests, result.equal, result.outdated) == (4, 1, [])


def test_an_exception_that_is_none_is_outdated() -> None:
    table = {"test_x.T.a": Exempt("once"), "test_y.T.a": Exempt("of another module")}
    other = {"test_x.T.b": Exempt("of another Python", ALL - {sys.version_info[:2]})}
    result = comparison("test_x", outcomes(a="ok", b="ok"), outcomes(a="ok", b="ok"), table | other)
    assert (result.unexpected, result.outdated) == ([], ["test_x.T.a"])


def test_a_test_that_is_gone_or_not_converted_is_a_difference() -> None:
    converted = outcomes(a="ok") | {"refused": {"test_x.T.helper": "SyntaxError: no binding"}}
    result = comparison("test_x", outcomes(a="ok", b="ok"), converted, {})
    assert result.unexpected == ["test_x.T.b", "test_x.T.helper"]
