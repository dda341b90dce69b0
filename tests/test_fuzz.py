"""Random programs agree; and the fuzzer that writes them finds faults that are planted.

A short run is the same each time. `AUTOGRAPH_FUZZ_EXAMPLES=20000`, which `make fuzz` sets, makes a long one, with other
programs each time.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import autograph as ag
from fuzz.faults import PLAIN_FAULTS, STAGED_FAULTS, DropsContinue, faithful, planted, unstaged
from fuzz.grammar import Program
from fuzz.plain import plain_programs
from fuzz.reduce import reduced
from fuzz.runner import Disagreement, Function, check_plain, check_staged
from fuzz.staged import staged_programs

LONG = int(os.environ.get("AUTOGRAPH_FUZZ_EXAMPLES", "0"))


def fuzz(programs: st.SearchStrategy[Program], check: Callable[[Program], None], examples: int) -> None:
    """Check so many random programs; raise for the first that fails, made short."""
    failed: list[Program] = []

    # What fails is made short by `reduced`, so Hypothesis only has to find it.
    @settings(
        max_examples=examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(programs)
    def each(program: Program) -> None:
        try:
            check(program)
        except Disagreement:
            failed.append(program)
            raise

    try:
        each()
    except Disagreement:
        # Raises again, for the shorter program.
        check(reduced(failed[0], check))
        raise


@pytest.mark.fuzz
def test_plain_programs_agree() -> None:
    programs = plain_programs(40) if LONG else plain_programs()
    fuzz(programs, lambda program: check_plain(program, ag.convert), LONG or 400)


@pytest.mark.fuzz
def test_staged_programs_agree() -> None:
    done = 0

    def check(program: Program) -> None:
        nonlocal done
        done += 1
        if done % 200 == 0:
            # Each program leaves a compiled one behind.
            jax.clear_caches()
        check_staged(program, ag.convert, lambda function: jax.jit(ag.convert(function)), ag.function)

    fuzz(staged_programs(24) if LONG else staged_programs(), check, LONG // 10 or 60)


@pytest.mark.fuzz
def test_staged_programs_agree_on_tensorflow() -> None:
    tensorflow_staging = pytest.importorskip("tensorflow_staging")

    methods = re.compile(r"\.(reshape|sum|min|max|mean|any|all|astype|copy|T|at|ndim|size|prod|argmax|argmin|cumsum)\b")
    checked = 0

    def check(program: Program) -> None:
        nonlocal checked
        if methods.search(program.source):
            return  # the methods of NumPy's arrays, which tensors do not have
        checked += 1
        try:
            check_staged(program, ag.convert, tensorflow_staging.staged, tensorflow_staging.staged)
        except Disagreement as found:
            # Tensors of different dtypes do not mix, in eager TensorFlow either.
            if "that does not match type" not in str(found):
                raise

    fuzz(staged_programs(24) if LONG else staged_programs(), check, LONG // 10 or 60)
    assert checked >= 20


def written(programs: st.SearchStrategy[Program], count: int) -> list[Program]:
    """So many random programs, the same each time."""
    collected: list[Program] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(programs)
    def each(program: Program) -> None:
        collected.append(program)

    each()
    return collected


def found(programs: list[Program], check: Callable[[Program], None]) -> bool:
    for program in programs:
        try:
            check(program)
        except Disagreement:
            return True
    return False


def test_planted_faults_are_found_on_plain_values() -> None:
    programs = written(plain_programs(), 800)
    assert not found(programs, lambda program: check_plain(program, faithful))
    missed = [fault for fault in PLAIN_FAULTS if not found(programs, partial(check_plain, convert=planted(fault)))]
    assert not missed


def test_planted_faults_are_found_on_staged_values() -> None:
    programs = written(staged_programs(), 600)

    def check(program: Program, stage: Function) -> None:
        check_staged(program, faithful, stage, stage)

    assert not found(programs, partial(check, stage=unstaged(faithful)))
    missed = [fault for fault in STAGED_FAULTS if not found(programs, partial(check, stage=unstaged(planted(fault))))]
    assert not missed


def test_failure_is_reported_as_a_short_program_of_the_corpus() -> None:
    with pytest.raises(Disagreement) as failure:
        fuzz(plain_programs(), lambda program: check_plain(program, planted(DropsContinue)), 1000)
    report = str(failure.value)
    source = report[report.index("@program(") :]
    recorded: dict[str, Any] = {}

    def program(*calls: tuple[Any, ...], **options: Any) -> Callable[[Any], Any]:
        recorded.update(calls=calls, options=options)
        return lambda function: function

    exec(compile(source, "<corpus>", "exec"), {"program": program, "raises": lambda *values: values})
    (call,) = recorded["calls"]
    assert len(call) == 4
    assert recorded["options"]["staged"] is False
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    assert any(isinstance(node, ast.Continue) for node in statements)
    assert len(statements) <= 10, report
