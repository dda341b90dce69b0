"""Random programs agree; and the fuzzer that writes them finds faults that are planted.

A short run is the same each time. `AUTOGRAPH_FUZZ_EXAMPLES=20000`, which `make fuzz` sets, makes a long one, with other
programs each time.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
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
from fuzz.runner import Disagreement, check_plain, check_staged
from fuzz.staged import staged_programs

LONG = int(os.environ.get("AUTOGRAPH_FUZZ_EXAMPLES", "0"))


def fuzz(
    programs: st.SearchStrategy[Program], check: Callable[[Program], None], examples: int, *, shorten: bool = True
) -> None:
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
        if shorten:
            # Raises again, for the shorter program.
            check(reduced(failed[0], check))
        raise


@pytest.mark.fuzz
def test_plain_programs_agree() -> None:
    fuzz(plain_programs(), lambda program: check_plain(program, ag.convert), LONG or 400)


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

    fuzz(staged_programs(), check, LONG // 10 or 60)


def test_programs_agree_with_themselves() -> None:
    fuzz(plain_programs(), lambda program: check_plain(program, faithful), 150)
    stage = unstaged(faithful)
    fuzz(staged_programs(), lambda program: check_staged(program, faithful, stage, stage), 150)


@pytest.mark.parametrize("fault", PLAIN_FAULTS)
def test_planted_fault_is_found_on_plain_values(fault: type[ast.NodeTransformer]) -> None:
    with pytest.raises(Disagreement):
        fuzz(plain_programs(), lambda program: check_plain(program, planted(fault)), 1500, shorten=False)


@pytest.mark.parametrize("fault", STAGED_FAULTS)
def test_planted_fault_is_found_on_staged_values(fault: type[ast.NodeTransformer]) -> None:
    stage = unstaged(planted(fault))
    with pytest.raises(Disagreement):
        check = lambda program: check_staged(program, faithful, stage, stage)  # noqa: E731
        fuzz(staged_programs(), check, 1500, shorten=False)


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
    assert len(statements) <= 6, report
