"""Positions: tracebacks, debuggers, line tracing and source info see the user's own file and nothing else."""

from __future__ import annotations

import bdb
import inspect
import io
import linecache
import os
import pdb
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import autograph as ag

PACKAGE = str(Path(ag.__file__).parent) + os.sep
HERE = __file__


def line_of(function: Callable[..., Any], mark: str) -> int:
    """The line of ``function`` that ends with the comment ``# mark``."""
    lines, first = inspect.getsourcelines(inspect.unwrap(function))
    found = [first + offset for offset, line in enumerate(lines) if line.rstrip().endswith(f"# {mark}")]
    assert len(found) == 1, (mark, found)
    return found[0]


def failure(call: Callable[[], Any], kind: type[BaseException] = Exception) -> BaseException:
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def entries(error: BaseException, name: str = "") -> list[traceback.FrameSummary]:
    """The entries of a traceback that lie in this file, below the test itself."""
    found = [entry for entry in traceback.extract_tb(error.__traceback__) if entry.filename == HERE]
    return [
        entry for entry in found if entry.name not in ("failure", "<lambda>") and not entry.name.startswith("test_")
    ]


def marked(entry: traceback.FrameSummary) -> str:
    """The text that the caret of an entry underlines."""
    assert entry.lineno is not None
    line = linecache.getline(entry.filename, entry.lineno)
    if entry.end_lineno != entry.lineno:
        return line[entry.colno :].rstrip()
    return line.encode()[entry.colno : entry.end_colno].decode()


def assert_clean(error: BaseException) -> None:
    """No frame of this package, and no file that does not exist."""
    for entry in traceback.extract_tb(error.__traceback__):
        assert not entry.filename.startswith(PACKAGE), entry
        assert os.path.exists(entry.filename) or entry.filename.startswith("<frozen"), entry


# --- tracebacks -------------------------------------------------------------------------------------------------------


def divides(a, b):
    total = 0
    while total < 10:
        if a > 0:
            total += a // (b - 1)  # division
        else:
            total += 1
    return total


def test_plain_traceback_has_the_users_lines_and_carets():
    error = failure(lambda: ag.convert(divides)(3, 1), ZeroDivisionError)
    assert_clean(error)
    last = entries(error)[-1]
    assert (last.lineno, last.name) == (line_of(divides, "division"), "divides")
    assert marked(last) == "a // (b - 1)"


def test_every_entry_of_a_plain_traceback_is_a_line_of_the_function():
    error = failure(lambda: ag.convert(divides)(3, 1), ZeroDivisionError)
    lines, first = inspect.getsourcelines(divides)
    for entry in entries(error):
        assert entry.name == "divides"
        assert first < entry.lineno < first + len(lines)
        assert marked(entry).strip()


def test_same_message_as_unconverted_code():
    plain = failure(lambda: divides(3, 1), ZeroDivisionError)
    converted = failure(lambda: ag.convert(divides)(3, 1), ZeroDivisionError)
    assert traceback.format_exception_only(plain) == traceback.format_exception_only(converted)
    assert entries(plain)[-1].line == entries(converted)[-1].line
    assert marked(entries(plain)[-1]) == marked(entries(converted)[-1])


def bad_shapes(x, y, n):
    total = jnp.zeros(())
    for i in range(n):
        if x[0] > i:
            total += jnp.sum(x + y)  # sum
    return total


def test_traceback_through_nested_staged_regions():
    x, y = jnp.ones(2), jnp.ones(3)
    error = failure(lambda: jax.jit(ag.convert(bad_shapes))(x, y, 4), TypeError)
    assert_clean(error)
    mine = entries(error)
    assert {entry.name for entry in mine} == {"bad_shapes"}
    assert mine[-1].lineno == line_of(bad_shapes, "sum")
    assert marked(mine[-1]) == "x + y"
    assert [marked(entry) for entry in mine[:-1]] == ["range(n)", "if x[0] > i"]


def test_traceback_under_jit_of_straight_line_code():
    def f(x, y):
        z = x * 2
        return (
            z  # first
            + y
        )

    error = failure(lambda: jax.jit(ag.convert(f))(jnp.ones(2), jnp.ones(3)), TypeError)
    assert_clean(error)
    last = entries(error)[-1]
    assert (last.lineno, last.name) == (line_of(f, "first"), "f")


def scale(v, factors):
    return v * factors  # product


def calls_scale(x, factors):
    if x.sum() > 0:
        x = scale(x, factors)  # call
    return x


def test_traceback_in_a_callee():
    call = jax.jit(ag.convert(calls_scale))
    error = failure(lambda: call(jnp.ones(2), jnp.ones(3)), TypeError)
    assert_clean(error)
    mine = entries(error)
    assert [entry.name for entry in mine[-2:]] == ["calls_scale", "scale"]
    assert [entry.lineno for entry in mine[-2:]] == [line_of(calls_scale, "call"), line_of(scale, "product")]
    assert marked(mine[-2]) == "scale(x, factors)"
    assert marked(mine[-1]) == "v * factors"


def test_traceback_in_a_lambda_of_the_user():
    def f(x):
        g = lambda v: v + undefined_name  # noqa: F821 # body
        if x > 0:
            return g(x)
        return x

    error = failure(lambda: ag.convert(f)(1), NameError)
    assert_clean(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    assert (last.filename, last.lineno, last.name) == (HERE, line_of(f, "body"), "<lambda>")
    assert marked(last) == "undefined_name"


def test_traceback_in_operands_ternaries_and_conditions():
    def f(x, table):
        ready = x > 0 and table["missing"]  # operand
        return 1 if ready else 2

    def g(x, table):
        return table["missing"] if x > 0 else 2  # branch

    for function, mark in ((f, "operand"), (g, "branch")):
        error = failure(lambda: ag.convert(function)(1, {}), KeyError)
        assert_clean(error)
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert (last.lineno, last.name) == (line_of(function, mark), function.__name__)
        assert marked(last) == 'table["missing"]'


def test_traceback_of_calls_of_builtins_and_methods():
    def f(xs):
        for x in xs:
            xs = xs + [len(x)]  # length
        return xs

    error = failure(lambda: ag.convert(f)([1]), TypeError)
    assert_clean(error)
    assert entries(error)[-1].lineno == line_of(f, "length")
    assert marked(traceback.extract_tb(error.__traceback__)[-1]) == "len(x)"


class Account:
    def __init__(self):
        self.log = []

    def pay(self, amount):
        if amount > 0:
            self.balance += amount  # attribute
        return self


def test_traceback_of_an_attribute_update():
    error = failure(lambda: ag.convert(Account().pay)(1), AttributeError)
    assert_clean(error)
    last = entries(error)[-1]
    assert (last.lineno, last.name) == (line_of(Account, "attribute"), "pay")
    assert str(error) == "'Account' object has no attribute 'balance'"


def test_traceback_of_an_item_assignment():
    def f(d, n):
        if n > 0:
            d[n] = 1  # store
        return d

    error = failure(lambda: ag.convert(f)((1, 2), 1), TypeError)
    assert_clean(error)
    assert traceback.extract_tb(error.__traceback__)[-1].lineno == line_of(f, "store")
    assert str(error) == "'tuple' object does not support item assignment"


def test_unbound_variable_is_the_users_own_error():
    def f(flag):
        if flag:
            value = 1
        return value  # read

    plain = failure(lambda: f(False), UnboundLocalError)
    error = failure(lambda: ag.convert(f)(False), UnboundLocalError)
    assert_clean(error)
    assert str(error) == str(plain)
    last = traceback.extract_tb(error.__traceback__)[-1]
    assert (last.lineno, last.name) == (line_of(f, "read"), "f")


def test_traceback_of_a_plain_raise_and_assert():
    def raises(n):
        for i in range(n):
            if i == 2:
                raise ValueError(f"bad {i}")  # raise
        return n

    def asserts(n):
        while n > 0:
            n -= 1
            assert n != 1, f"n is {n}"  # assert
        return n

    for function, mark, kind, text in (
        (raises, "raise", ValueError, "bad 2"),
        (asserts, "assert", AssertionError, "n is 1"),
    ):
        error = failure(lambda: ag.convert(function)(5), kind)
        assert_clean(error)
        assert str(error) == text
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert (last.lineno, last.name) == (line_of(function, mark), function.__name__)


def test_chained_exceptions_keep_their_own_positions():
    def f(d, n):
        if n > 0:
            try:
                return d[n]  # inner
            except KeyError as missing:
                raise ValueError("no entry") from missing  # outer
        return 0

    error = failure(lambda: ag.convert(f)({}, 1), ValueError)
    assert_clean(error)
    assert error.__cause__ is not None
    assert_clean(error.__cause__)
    assert traceback.extract_tb(error.__traceback__)[-1].lineno == line_of(f, "outer")
    assert traceback.extract_tb(error.__cause__.__traceback__)[-1].lineno == line_of(f, "inner")


def test_errors_at_run_time_end_at_the_users_line():
    @ag.function
    def f(x):
        while x < 10:
            x = x * 2
            if x > 6:
                raise ValueError("too large")  # raise
        return x

    @ag.function
    def g(x):
        for i in range(3):
            assert x > i, "x is too small"  # assert
        return x

    for function, mark, kind, text in (
        (f, "raise", ValueError, "too large"),
        (g, "assert", AssertionError, "x is too small"),
    ):
        error = failure(lambda: function(1), kind)
        assert_clean(error)
        assert str(error) == text
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert (last.filename, last.lineno) == (HERE, line_of(function.python_function, mark))
        assert last.name == function.__name__


def check_positive(v):
    assert v > 0, "not positive"  # check


def test_errors_at_run_time_in_a_callee_end_at_its_line():
    @ag.function
    def f(x):
        for i in range(20):
            check_positive(x - i)
        return x

    error = failure(lambda: f(3), AssertionError)
    assert_clean(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    assert (last.lineno, last.name) == (line_of(check_positive, "check"), "check_positive")


def test_frames_of_the_package_are_hidden_unless_asked_for(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import traceback
            import jax, jax.numpy as jnp
            import autograph as ag

            def inner(x, y):
                return x + y

            @ag.convert
            def plain(n):
                while n > 0:
                    if n == 2:
                        n = n / 0
                    n = n - 1

            @jax.jit
            @ag.convert
            def staged(x, y):
                for i in range(20):
                    if x[0] > i:
                        x = inner(x, y)
                return x

            for call in (lambda: plain(3), lambda: staged(jnp.ones(2), jnp.ones(3))):
                try:
                    call()
                except Exception as error:
                    for entry in traceback.extract_tb(error.__traceback__):
                        print(entry.filename)
                    print('--')
            """
        )
    )
    for setting, wanted in ((None, False), ("full", True)):
        environment = {**os.environ, "PYTHONPATH": str(Path(PACKAGE).parent)}
        environment.pop("AUTOGRAPH_TRACEBACKS", None)
        if setting is not None:
            environment["AUTOGRAPH_TRACEBACKS"] = setting
        finished = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=True, env=environment
        )
        parts = finished.stdout.split("--\n")
        assert len(parts) == 3, finished.stderr
        for part in parts[:2]:
            assert (PACKAGE in part) is wanted, part
            assert str(script) in part


def test_uncaught_exception_as_the_terminal_shows_it(tmp_path):
    script = tmp_path / "program.py"
    text = textwrap.dedent(
        """\
        import autograph as ag

        @ag.convert
        def mean(xs):
            total = 0
            for x in xs:
                if x is not None:
                    total += x
            return total / len(xs)

        mean([])
        """
    )
    script.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(Path(PACKAGE).parent)}
    environment.pop("AUTOGRAPH_TRACEBACKS", None)
    converted = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    script.write_text(text.replace("@ag.convert", "#"))
    plain = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    assert plain.returncode == converted.returncode == 1
    assert converted.stderr == plain.stderr


def test_names_of_code_are_the_users():
    def f(n):
        seen = []
        for i in range(n):
            if i > 1:
                seen.append(inspect.currentframe().f_code.co_qualname)
            while len(seen) == 1:
                seen.append(inspect.currentframe().f_code.co_name)
        return seen

    assert set(ag.convert(f)(4)) == {"f", f.__qualname__}


def test_no_file_is_generated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)

    def f(x):
        if x > 0:
            return x
        return -x

    converted = ag.convert(f)
    assert converted(-2) == 2
    assert converted.__code__.co_filename == HERE
    assert list(tmp_path.iterdir()) == []


# --- debuggers --------------------------------------------------------------------------------------------------------


class Stops(bdb.Bdb):
    """Notes each breakpoint that stops: the line, the function and the local variables."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, str, dict[str, Any]]] = []

    def user_line(self, frame: Any) -> None:
        if self.get_breaks(frame.f_code.co_filename, frame.f_lineno):
            self.seen.append((frame.f_lineno, frame.f_code.co_name, dict(frame.f_locals)))
        self.set_continue()


def stops(call: Callable[[], Any], *lines: int) -> list[tuple[int, str, dict[str, Any]]]:
    debugger = Stops()
    outer = sys.gettrace()
    for line in lines:
        assert debugger.set_break(HERE, line) is None
    try:
        debugger.runcall(call)
    finally:
        debugger.clear_all_breaks()
        sys.settrace(outer)
    return debugger.seen


def fresh_collatz() -> Callable[..., Any]:
    """The same function anew, since JAX remembers what it has traced."""

    def collatz(n):
        steps = 0
        while n != 1:
            if n % 2 == 0:
                n = n // 2  # even
            else:
                n = 3 * n + 1  # odd
            steps += 1  # count
        return steps

    return collatz


collatz = fresh_collatz()


def test_breakpoint_stops_inside_a_staged_body_while_it_is_traced():
    seen = stops(lambda: jax.jit(ag.convert(fresh_collatz()))(6), line_of(collatz, "even"), line_of(collatz, "odd"))
    assert {(line, name) for line, name, _ in seen} == {
        (line_of(collatz, "even"), "collatz"),
        (line_of(collatz, "odd"), "collatz"),
    }
    assert all(isinstance(variables["n"], jax.core.Tracer) for _, _, variables in seen)


def test_breakpoint_in_plain_mode_stops_as_often_as_the_line_runs():
    expected = stops(lambda: collatz(6), line_of(collatz, "even"), line_of(collatz, "odd"))
    seen = stops(lambda: ag.convert(collatz)(6), line_of(collatz, "even"), line_of(collatz, "odd"))
    assert [line for line, _, _ in seen] == [line for line, _, _ in expected]
    assert [variables["n"] for _, _, variables in seen] == [variables["n"] for _, _, variables in expected]


def test_breakpoint_in_a_branch_that_is_not_run_does_not_stop():
    def f(x):
        if x > 0:
            y = 1  # positive
        else:
            y = 2  # negative
        return y

    converted = ag.convert(f)
    assert stops(lambda: converted(1), line_of(f, "negative")) == []
    assert len(stops(lambda: converted(1), line_of(f, "positive"))) == 1
    assert len(stops(lambda: converted(-1), line_of(f, "negative"))) == 1


def test_breakpoint_on_an_operand_that_is_not_evaluated_does_not_stop():
    def f(x):
        # fmt: off
        ok = (
            x > 0
            and x.missing  # operand
        )
        # fmt: on
        return ok

    converted = ag.convert(f)
    assert stops(lambda: converted(-1), line_of(f, "operand")) == []


def test_pdb_session_in_a_staged_body():
    line = line_of(collatz, "odd")
    commands = io.StringIO(
        f"break {HERE}:{line}\ncontinue\np type(n).__name__\nlist {line}, {line}\nclear {HERE}:{line}\ncontinue\n"
    )
    output = io.StringIO()
    debugger = pdb.Pdb(stdin=commands, stdout=output, nosigint=True, readrc=False)
    debugger.use_rawinput = False
    outer = sys.gettrace()
    try:
        result = debugger.runcall(jax.jit(ag.convert(fresh_collatz())), 6)
    finally:
        debugger.clear_all_breaks()
        sys.settrace(outer)
    text = output.getvalue()
    assert int(result) == 8
    assert f"{HERE}({line})collatz()" in text
    assert "Tracer" in text
    assert "n = 3 * n + 1" in text


class Steps(bdb.Bdb):
    """Steps through everything, and notes the lines of one file's function."""

    def __init__(self, names: set[str]) -> None:
        super().__init__()
        self.names = names
        self.lines: list[int] = []

    def user_line(self, frame: Any) -> None:
        if frame.f_code.co_filename == HERE and frame.f_code.co_name in self.names:
            self.lines.append(frame.f_lineno)
        self.set_step()


def test_stepping_shows_the_users_lines_in_order():
    def steps(function: Callable[..., Any]) -> list[int]:
        debugger = Steps({"collatz"})
        outer = sys.gettrace()
        try:
            debugger.runcall(function, 3)
        finally:
            sys.settrace(outer)
        # Python reports the header of a loop once more where a region begins, which is the same line to the user.
        return [line for index, line in enumerate(debugger.lines) if index == 0 or debugger.lines[index - 1] != line]

    plain, converted = steps(collatz), steps(ag.convert(collatz))
    body = {line_of(collatz, mark) for mark in ("even", "odd", "count")}
    assert [line for line in converted if line in body] == [line for line in plain if line in body]
    assert set(converted) <= set(plain) | {inspect.getsourcelines(collatz)[1]}


def test_lines_traced_are_the_lines_that_ran():
    def lines(function: Callable[..., Any], *args: Any) -> set[int]:
        seen: set[int] = set()

        def trace(frame: Any, event: str, argument: Any) -> Any:
            if frame.f_code.co_filename == HERE and frame.f_code.co_name == "g":
                if event == "line":
                    seen.add(frame.f_lineno)
                return trace
            return None

        outer = sys.gettrace()
        sys.settrace(trace)
        try:
            function(*args)
        finally:
            sys.settrace(outer)
        return seen

    def g(n):
        total = 0
        for i in range(n):
            if i == 7:
                total = -1
                break
            total += i
        else:
            total *= 2
        try:
            total.missing
        except AttributeError:
            total += 1
        with io.StringIO() as stream:
            stream.write(str(total))
        return total if total > 3 else -total

    converted = ag.convert(g)
    for n in (0, 3, 9):
        plain = lines(g, n)
        assert lines(converted, n) == plain


def test_lines_traced_in_a_staged_body_are_lines_of_the_function():
    seen: set[tuple[str, int]] = set()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_name == "collatz" and event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace if frame.f_code.co_filename == HERE else None

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        jax.jit(ag.convert(fresh_collatz()))(6)
    finally:
        sys.settrace(outer)
    source, first = inspect.getsourcelines(collatz)
    assert {filename for filename, _ in seen} == {HERE}
    # Everything but the `def` and the `else:`, which are no statements of the body.
    assert {line for _, line in seen} == set(range(first + 1, first + len(source))) - {line_of(collatz, "even") + 1}


# --- JAX's source info ------------------------------------------------------------------------------------------------


def equations(jaxpr: Any) -> list[Any]:
    """All equations of a jaxpr but those of JAX's own inner functions, which are shared between callers."""
    found = []
    for equation in jaxpr.eqns:
        found.append(equation)
        if equation.primitive.name == "jit":
            continue
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    found += equations(inner)
    return found


def summary(equation: Any) -> str:
    from jax._src import source_info_util

    return source_info_util.summarize(equation.source_info)


def test_source_info_of_equations_is_the_users_line():
    jaxpr = jax.make_jaxpr(ag.convert(fresh_collatz()))(jnp.int32(6)).jaxpr
    places = {equation.primitive.name: set() for equation in equations(jaxpr)}
    for equation in equations(jaxpr):
        places[equation.primitive.name].add(summary(equation))
    lines, first = inspect.getsourcelines(collatz)
    for name, found in places.items():
        for place in found:
            assert place.startswith(f"{HERE}:"), (name, place)
            line = int(place.removeprefix(f"{HERE}:").split(":")[0])
            assert first < line < first + len(lines), (name, place)
    assert any(f":{line_of(collatz, 'odd')}" in place for place in places["mul"])


def test_source_info_of_a_loop_and_its_conditional():
    def f(x, n):
        for i in range(n):  # loop
            if x[0] > i:  # condition
                x = jnp.sin(x)  # body
        return x

    jaxpr = jax.make_jaxpr(ag.convert(f))(jnp.ones(3), 4).jaxpr
    expected = {"while": "loop", "cond": "condition", "sin": "body"}
    for equation in equations(jaxpr):
        if equation.primitive.name in expected:
            assert summary(equation).startswith(f"{HERE}:{line_of(f, expected.pop(equation.primitive.name))}")
    assert not expected


def test_compiled_program_names_the_users_file():
    text = jax.jit(ag.convert(fresh_collatz())).lower(6).compile().as_text()
    assert "test_positions.py" in text
    assert PACKAGE not in text
