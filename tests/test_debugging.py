"""Debuggers, profilers, coverage and the log: what they show of converted code is the user's program."""

from __future__ import annotations

import cProfile
import io
import logging
import os
import pstats
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import jax
import jax.numpy as jnp
import pexpect
import pytest

import autograph as ag
from autograph import debugging, reporting

SOURCE = str(Path(ag.__file__).parent.parent)
PROMPT = r"\(Pdb\) "

SEARCH = """\
    {framework}
    import autograph as ag

    @ag.function(backend="{backend}")
    def search(xs, limit):
        best = 0.0
        turns = 5
        for x in xs:
            if x > best:
                {stop}
                best = x
                turns = turns + 1
            else:
                turns = turns - 1
        return best + turns

    print("result", float(search({xs}, 3)))
"""
JAX = {"framework": "import jax.numpy as jnp", "backend": "jax", "xs": "jnp.arange(10.0)"}
TENSORFLOW = {"framework": "import tensorflow as tf", "backend": "tensorflow", "xs": "tf.range(10.0)"}


class Session:
    """A program under ``pdb``, with somebody at the prompt."""

    def __init__(self, tmp_path: Path, text: str, *options: str) -> None:
        self.script = tmp_path / "program.py"
        self.script.write_text(textwrap.dedent(text))
        environment = {**os.environ, "PYTHONPATH": SOURCE, "TF_CPP_MIN_LOG_LEVEL": "3", "TERM": "dumb", "NO_COLOR": "1"}
        for name in ("PYTHONBREAKPOINT", "AUTOGRAPH_TRACEBACKS", "AUTOGRAPH_VERBOSITY"):
            environment.pop(name, None)
        self.child = pexpect.spawn(
            sys.executable, [*options, str(self.script)], env=environment, encoding="utf-8", timeout=60, echo=False
        )

    def wait(self) -> str:
        """What is shown up to the next prompt."""
        self.child.expect(PROMPT)
        return str(self.child.before)

    def say(self, command: str) -> str:
        self.child.sendline(command)
        return self.wait()

    def line(self, shown: str) -> int:
        """The line of the program at which the debugger has stopped."""
        found = re.findall(rf"> {re.escape(str(self.script))}\((\d+)\)search\(\)", shown)
        assert found, shown
        return int(found[-1])

    def end(self, command: str) -> str:
        self.child.sendline(command)
        self.child.expect(pexpect.EOF)
        return str(self.child.before)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    made: list[Session] = []

    def start(text: str, *options: str) -> Session:
        made.append(Session(tmp_path, text, *options))
        return made[-1]

    yield start
    for one in made:
        one.child.close(force=True)


def test_breakpoint_stops_while_tracing_with_the_users_variables_and_next_goes_on_line_by_line(session: Any) -> None:
    pdb = session(SEARCH.format(stop="breakpoint()", **JAX))
    assert pdb.line(pdb.wait()) in (10, 11)  # from 3.13 on, the line of the breakpoint itself
    for name in ("best", "x", "turns", "limit"):
        assert "Tracer" in pdb.say(f"p {name}")
    names = pdb.say("p sorted(name for name in locals() if not name.startswith('__'))")
    assert "['best', 'limit', 'turns', 'x', 'xs']" in names
    stack = pdb.say("w")
    assert stack.count("search()") == 1
    assert "autograph" not in stack
    assert "jax/_src" not in stack
    assert "<module>()" in pdb.say("up")
    assert "search()" in pdb.say("down")
    lines = [pdb.line(pdb.say("n")) for _ in range(6)]
    assert lines[lines.index(12) :][:2] == [12, 14], lines  # one branch is traced, then the other
    assert set(lines) <= set(range(9, 17)), lines
    assert "*** NameError" not in pdb.say("!turns = 100")
    assert "100" in pdb.say("p turns")


def test_pdb_by_file_and_line_steps_through_the_users_lines_alone(session: Any) -> None:
    pdb = session(SEARCH.format(stop="pass", **JAX), "-m", "pdb")
    pdb.wait()
    assert "Breakpoint 1" in pdb.say("b 12")
    assert pdb.line(pdb.say("c")) == 12
    assert "Tracer" in pdb.say("p turns")
    pdb.say("clear 1")
    lines = []
    for _ in range(4):
        shown = pdb.say("s")
        assert "--Call--" not in shown
        assert "jax" not in shown
        assert "src/autograph" not in shown
        lines.append(pdb.line(shown))
    assert lines[0] == 14
    assert set(lines) <= set(range(6, 16))


def test_breakpoint_if_stops_at_run_time_with_concrete_values_on_jax(session: Any) -> None:
    pdb = session(SEARCH.format(stop="ag.breakpoint_if(x > 7)", **JAX))
    shown = pdb.wait()
    assert pdb.line(shown) == 10
    assert "In iteration 8 of `for x in xs:`" in shown
    assert "8.0" in pdb.say("p x")
    assert "7.0" in pdb.say("p best")
    assert "11" in pdb.say("p turns")
    assert "src/autograph" not in pdb.say("w")
    assert "iteration 9" in pdb.say("c")
    assert "8.0" in pdb.say("p best")
    assert "result 22.0" in pdb.end("c")


def test_both_kinds_of_breakpoint_on_tensorflow(session: Any) -> None:
    pdb = session(SEARCH.format(stop="breakpoint(); ag.breakpoint_if(x > 7)", **TENSORFLOW))
    pdb.wait()
    shown = pdb.say("p best, x, limit")
    assert "Tensor" in shown
    assert "3)" in shown
    assert "tensorflow" not in pdb.say("w").replace(str(pdb.script), "")
    while "iteration" not in pdb.say("c"):
        pass  # the body is traced more than once
    assert "8.0" in pdb.say("p x")
    assert "7.0" in pdb.say("p best")
    assert "iteration 9" in pdb.say("c")
    assert "result " in pdb.end("c")


def test_breakpoint_if_that_is_left_with_q_ends_the_call(session: Any) -> None:
    pdb = session(SEARCH.format(stop="ag.breakpoint_if(x > 7)", **JAX))
    pdb.wait()
    shown = pdb.end("q")
    assert "BdbQuit" in shown
    assert "result 22.0" not in shown


def test_breakpoint_if_in_plain_python_stops_where_the_condition_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    stops: list[tuple[int, Any]] = []

    class Debugger:
        def set_trace(self, frame: Any) -> None:
            stops.append((frame.f_lineno, frame.f_locals["i"]))

    monkeypatch.setattr(debugging, "_debugger", Debugger)

    def f(n: int) -> int:
        for i in range(n):
            ag.breakpoint_if(i == 2)
        return n

    assert f(4) == 4
    assert ag.convert(f)(4) == 4
    line = f.__code__.co_firstlineno + 2
    assert stops == [(line, 2), (line, 2)]


def test_another_debugger_is_called_from_the_users_own_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: seen.append(sys._getframe(1).f_code.co_name))

    @ag.convert
    def f(x):
        if x > 0:
            breakpoint()
        return x

    assert f(1) == 1
    jax.jit(f)(1)
    assert seen == ["f", "f"]


def test_variables_of_a_region_are_those_of_the_function() -> None:
    seen_from = []

    @ag.do_not_convert
    def note() -> None:
        frame = sys._getframe(2)
        seen_from.append(debugging.variables(frame))

    def f(x):
        unused = "untouched"
        total = 0
        for i in range(x):
            if i > 2:
                note()
                total = total + i
        return total

    jax.jit(ag.convert(f))(5)
    assert {"unused", "total", "x", "i", "note"} <= set(seen_from[0])
    assert seen_from[0]["unused"] == "untouched"
    assert not any(name.startswith("ag__") or name in ("for_body", "body") for name in seen_from[0])


# --- coverage and profilers -------------------------------------------------------------------------------------------

MEASURED = """\
def measured(x):
    total = 0
    for i in range(20):
        if x > i:
            total = total + i
        else:
            total = total - 1
    while total > 100:
        total = total // 2
    if isinstance(x, str):
        total = "never"
    return total
"""


def test_coverage_measures_converted_code_traced_and_plain(tmp_path: Path) -> None:
    script = tmp_path / "measured.py"
    script.write_text(MEASURED)
    for run, missed in ((lambda f: jax.jit(f)(7), [11]), (lambda f: f(7), [9, 11])):
        namespace: dict[str, Any] = {}
        measure = coverage.Coverage(data_file=None, include=[str(script)])
        outer = sys.gettrace()
        measure.start()
        try:
            exec(compile(MEASURED, str(script), "exec"), namespace)
            run(ag.convert(namespace["measured"]))
        finally:
            measure.stop()
            sys.settrace(outer)
        _, statements, _, missing, _ = measure.analysis2(str(script))
        assert missing == missed
        assert len(statements) == 11


def test_a_profile_has_the_users_names_and_lines() -> None:
    def helper(v):
        if v > 2:
            return v * 2
        return v

    def profiled(n):
        total = 0
        for i in range(n):
            total = total + helper(i)
        return total

    for call in (ag.convert(profiled), jax.jit(ag.convert(profiled))):
        profile = cProfile.Profile()
        profile.runcall(call, 5)
        entries = {
            (name, line) for file, line, name in pstats.Stats(profile, stream=io.StringIO()).stats if file == __file__
        }
        assert ("helper", helper.__code__.co_firstlineno) in entries
        assert ("profiled", profiled.__code__.co_firstlineno) in entries
        assert {name for name, _ in entries} <= {"helper", "profiled"}


# --- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    def start(level: int) -> pytest.LogCaptureFixture:
        ag.set_verbosity(level)
        return caplog

    yield start
    ag.set_verbosity(0)
    reporting.LOGGER.setLevel(logging.WARNING)


def test_the_log_says_what_was_converted_and_what_was_not_and_why(log: Any) -> None:
    def steps(x):
        yield x

    def f(x):
        for value in steps(x):
            x = x + value
        return x if x > 0 else jnp.sin(x)

    records = log(1)
    jax.jit(ag.convert(f))(1.0)
    said = records.messages
    assert any(re.match(rf'converted {re.escape(f.__qualname__)} \(File ".*", line \d+\)', text) for text in said)
    assert any("not converted" in text and "steps" in text and "it is a generator function" in text for text in said)
    assert not any("in the graph" in text for text in said)


def test_the_log_says_the_state_of_each_region_and_what_was_promoted(log: Any) -> None:
    def f(x):
        best = 0
        for i in range(x):
            if i > 3:
                best = best + 0.5
        return best

    records = log(2)
    jax.jit(ag.convert(f))(7)
    loops = [text for text in records.messages if text.startswith("a loop in the graph")]
    conditionals = [text for text in records.messages if text.startswith("a conditional in the graph")]
    line = f.__code__.co_firstlineno
    assert f"line {line + 2}, in f" in loops[-1]
    assert re.search(r"best: float32\[\] \(joined from 0 \(int32\[\]\)\)", loops[-1])
    assert f"line {line + 3}, in f" in conditionals[-1]
    assert "best: float32[]" in conditionals[-1]


def test_the_log_shows_generated_code_and_libraries_only_when_asked(log: Any) -> None:
    def f(x):
        return jnp.sin(x) if x > 0 else x

    records = log(3)
    jax.jit(ag.convert(f))(1.0)
    assert any("ag__.if_exp(" in text for text in records.messages)
    records.clear()
    ag.set_verbosity(0)

    def g(x):
        return x if x > 0 else -x

    jax.jit(ag.convert(g))(1.0)
    assert not records.messages


def test_a_verbosity_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="the verbosity is 4; it can be 0, 1, 2, 3"):
        ag.set_verbosity(4)


def test_the_environment_says_how_much_is_told_from_the_start(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("import autograph as ag\n\ndef f(x):\n    return x if x else 1\n\nprint(ag.convert(f)(2))\n")
    for setting, wanted, code in (("1", f'autograph: converted f (File "{script}", line 3)\n', 0), ("loud", "", 1)):
        environment = {**os.environ, "PYTHONPATH": SOURCE, "AUTOGRAPH_VERBOSITY": setting}
        finished = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
        assert finished.returncode == code
        if code == 0:
            assert (finished.stdout, finished.stderr) == ("2\n", wanted)
        else:
            assert "AUTOGRAPH_VERBOSITY is 'loud'; it can be 0, 1, 2, 3" in finished.stderr
