"""`autograph demo --quick` as a user runs it, and that it would notice a graph which is wrong."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import image

import autograph as ag
from autograph import demo
from autograph.demo import case_studies, comparison, digits
from autograph.demo.comparison import Outcome

STEPS = 100


class Quick(NamedTuple):
    """A run of the demonstration: how it ended, where its plot went, and how long processors worked for it."""

    finished: subprocess.CompletedProcess[str]
    out: Path
    processor_seconds: float


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Quick:
    out = tmp_path_factory.mktemp("demo") / "new" / "folder"
    before = processor_seconds()
    finished = subprocess.run(
        [sys.executable, "-m", "autograph.cli", "demo", "--quick", "--steps", str(STEPS), "--out", str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )
    return Quick(finished, out, processor_seconds() - before)


def test_it_is_quick(quick: Quick) -> None:
    """Done in 20 seconds on two cores is at most 40 of processor time, which other processes do not change much."""
    assert quick.processor_seconds < 40


def test_it_succeeds(quick: Quick) -> None:
    finished = quick.finished
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Every graph gave what Python gave." in finished.stdout
    assert "different" not in finished.stdout
    assert "\x1b" not in finished.stdout


def test_it_shows_every_program(quick: Quick) -> None:
    finished = quick.finished
    table = finished.stdout.partition("4. How long it takes")[2]
    for case in case_studies.case_studies(quick=True):
        assert case.title in finished.stdout
        assert f"{case.name}(" in finished.stdout
        assert case.name in table
    assert "train" in table


def test_it_shows_prints_and_failures_from_both(quick: Quick) -> None:
    finished = quick.finished
    for seen in ("3 is positive or zero", "-3 is negative", "AssertionError: Do not pass zero!"):
        assert finished.stdout.count(seen) == 2, seen


def test_it_shows_generated_code(quick: Quick) -> None:
    finished = quick.finished
    assert "def for_body(" in finished.stdout.partition("2. Programs")[0]


def test_the_training_loop_logs_each_tenth_of_its_steps(quick: Quick) -> None:
    finished = quick.finished
    logged = [int(line.split()[1]) for line in finished.stdout.splitlines() if line.startswith("step ")]
    assert logged == list(range(0, STEPS, STEPS // 10))


def test_the_plot_is_a_picture(quick: Quick) -> None:
    file = quick.out / "digits.png"
    assert str(file) in quick.finished.stdout
    pixels = image.imread(file)
    height, width = pixels.shape[:2]
    assert height >= 400
    assert width >= 1000
    # Two plots with curves: more than the background and the axes.
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


def test_a_wrong_graph_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    function = ag.function

    def wrong(program: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        if program is case_studies.sum_even:
            return lambda numbers: jnp.sum(numbers)
        return function(program, **options)

    few = [case for case in case_studies.case_studies(quick=True) if case.name in {"sum_even", "fibonacci"}]
    monkeypatch.setattr(case_studies, "case_studies", lambda quick: few)
    monkeypatch.setattr(ag, "function", wrong)
    assert demo.run(quick=True, out=tmp_path, steps=1) == 1
    output = capsys.readouterr().out
    assert "different" in output
    assert "Graph and Python differ: sum_even(" in " ".join(output.split())


def test_training_learns_the_digits() -> None:
    arguments = digits.training_arguments()
    _, train_set, test_set, _ = arguments
    params, curves = ag.function(digits.train, static_argnames=("steps",))(*arguments, steps=demo.FULL_STEPS)
    assert digits.accuracy_of(params, train_set) > 0.95
    assert digits.accuracy_of(params, test_set) > 0.9
    for curve in curves:
        assert curve.shape == (demo.FULL_STEPS,)
    assert curves.train_loss[-1] < curves.train_loss[0] / 10
    assert curves.test_accuracy[-1] == digits.accuracy_of(params, test_set)


def test_training_is_what_python_does(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = digits.training_arguments()
    expected_params, expected_curves = digits.train(*arguments, steps=3)
    expected_log = capsys.readouterr().out
    params, curves = ag.function(digits.train, static_argnames=("steps",))(*arguments, steps=3)
    assert len(expected_log.splitlines()) == len(capsys.readouterr().out.splitlines()) == 3
    for expected, found in zip(
        jax.tree.leaves((expected_params, expected_curves)), jax.tree.leaves((params, curves)), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("python", "graph", "same"),
    [
        (3, jnp.int32(3), True),
        (3, jnp.int32(4), False),
        (3, jnp.float32(3), False),
        (True, jnp.bool_(True), True),
        (1, jnp.bool_(True), False),
        (0.1, jnp.float32(0.1), True),
        (0.1, jnp.float32(0.1001), False),
        (None, None, True),
        (None, jnp.int32(0), False),
        ((1, 2), (jnp.int32(1), jnp.int32(2)), True),
        ((1, 2), (jnp.int32(1), jnp.int32(3)), False),
        ((1, 2), (jnp.int32(1),), False),
        ((1, 2), jnp.array([1, 2]), False),
        (np.array([1, 2]), jnp.array([1, 2]), True),
        (np.array([1, 2]), jnp.array([[1, 2]]), False),
    ],
)
def test_same_value(python: Any, graph: Any, same: bool) -> None:
    assert comparison.same_value(python, graph) is same


def test_prints_and_errors_count() -> None:
    value = Outcome(1, None, "x\n")
    assert value.same(Outcome(jnp.int32(1), None, "x\n"))
    assert not value.same(Outcome(1, None, "y\n"))
    assert not value.same(Outcome(1, "ValueError: no", "x\n"))


def test_observe_keeps_prints_and_errors() -> None:
    def noisy() -> None:
        print("before")
        raise KeyError("gone")

    assert comparison.observe(noisy, ()) == Outcome(None, "KeyError: 'gone'", "before\n")
