"""The `autograph` command: what it prints, and how it ends when it is asked for what does not exist."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import autograph as ag
from autograph import cli
from autograph.demo import case_studies

PROGRAM = '''
"""A module that must never run."""
import os
from math import sqrt as root
raise SystemExit("this file was run")

def clip(x, low=0, *, high: int = 1):
    """Keep x between the limits."""
    if x < low:
        return low
    return high if x > high else x

class Account:
    balance = 0

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError(amount)
        self.balance -= amount

    class Log:
        def write(self, line):
            while line:
                line = line[1:]

def outer():
    def inner(n):
        while n > 0:
            n -= 1
        return n
    return inner

if os.name == "nowhere":
    def chosen(x):
        return 1
else:
    try:
        def chosen(x):
            return 2
    except ValueError:
        pass

async def fetch(url):
    async for line in url:
        if line:
            return line

def counter(n):
    while n:
        yield n

square = lambda x: x * x
LIMIT: int = 3
'''


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return file


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command, which must end with exit code 2 and one line; return that line."""
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("autograph: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    return captured.err


def prints(capsys: pytest.CaptureFixture[str], target: str) -> str:
    """Run `autograph code`, which must succeed; return what it printed, which must be Python."""
    assert cli.main(["code", target]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    compile(captured.out, target, "exec")
    return captured.out


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograph.cli", *arguments],
        capture_output=True,
        text=True,
        **options,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("clip", "def clip(x, low=0, *, high: int=1):"),
        ("Account.withdraw", "def withdraw(self, amount):"),
        ("Account.Log.write", "def write(self, line):"),
        ("outer.inner", "def inner(n):"),
        ("outer.<locals>.inner", "def inner(n):"),
    ],
)
def test_code_of_a_file_that_is_not_run(
    program: Path, capsys: pytest.CaptureFixture[str], name: str, signature: str
) -> None:
    lines = prints(capsys, f"{program}:{name}").splitlines()
    assert signature.replace(" ", "") in [line.replace(" ", "") for line in lines]


@pytest.mark.parametrize("place", [case_studies.__file__, case_studies.__name__])
def test_code_is_what_to_code_gives(capsys: pytest.CaptureFixture[str], place: str) -> None:
    assert prints(capsys, f"{place}:sum_even").strip() == ag.to_code(case_studies.sum_even).strip()


def test_code_is_converted(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "if_stmt(" in prints(capsys, f"{program}:clip")


@pytest.mark.parametrize(("name", "reason"), [("fetch", "coroutine"), ("counter", "generator")])
def test_what_is_left_as_it_is(program: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str) -> None:
    line = fails(capsys, "code", f"program.py:{name}")
    assert name in line
    assert reason in line


def test_the_last_of_several_definitions_counts(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = prints(capsys, "program.py:chosen")
    assert "2" in code
    assert "1" not in code


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("program.py:clop", "there is no function 'clop' in program.py; did you mean clip?"),
        ("program.py:Account.withdrew", "'Account.withdrew' in program.py; did you mean Account.withdraw"),
        ("program.py:Account", "is a class; name a method of it: Account.withdraw"),
        ("program.py:square", "is a lambda"),
        ("program.py:LIMIT", "is a variable (line 53)"),
        ("program.py:os", "is imported (line 3)"),
        ("program.py:root", "is imported from math (line 4)"),
        ("program.py", "'program.py' names no function"),
        ("program.py:", "names no function"),
        (":clip", "names no function"),
        ("programm.py:clip", "there is no file programm.py; did you mean program.py?"),
        ("nowhere/program.py:clip", "there is no file"),
        (".:clip", "cannot be read"),
    ],
)
def test_what_is_not_there(program: Path, capsys: pytest.CaptureFixture[str], target: str, line: str) -> None:
    if target.startswith("."):
        target = f".{os.sep}{target}"
    assert line in fails(capsys, "code", target)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"def f(:\n    pass\n", "does not parse, line 1: invalid syntax"),
        (b"x = 1\n\ndef f():\n  return 1\n return 2\n", "does not parse, line 5: unindent does not match"),
        (b"def f():\n    break\n", "does not parse, line 2: 'break' outside loop"),
        (b"# coding: none-such\ndef f(): pass\n", "does not parse: unknown encoding: none-such"),
        (b"def f():\n    return '\xff'\n", "does not parse"),
        (b"def f():\n    return 1\0\n", "null bytes"),
        (b"def f(): return " + b"-" * 100_000 + b"1\n", "does not parse"),
    ],
)
def test_a_file_that_does_not_parse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: bytes, reason: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_bytes(source)
    line = fails(capsys, "code", f"{file}:f")
    assert "broken.py does not parse" in line
    assert reason in line


def test_encodings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latin.py").write_bytes("# coding: latin-1\ndef f(x):\n    return 'é'\n".encode("latin-1"))
    (tmp_path / "marked.py").write_bytes("\ufeffdef f(x):\n    return 'é'\n".encode())
    for file in ("latin.py", "marked.py"):
        assert "é" in prints(capsys, f"{tmp_path / file}:f")


# ------------------------------------------------------------------------------------------------------------ modules


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package, with a namespace package in it, whose every file would say so if it were run."""
    for file in ("outside/__init__.py", "outside/middle/leaf.py", "plainspace/deep/leaf.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", ["outside", "outside.middle.leaf", "plainspace.deep.leaf"])
def test_a_module_is_found_and_not_run(package: Path, capsys: pytest.CaptureFixture[str], module: str) -> None:
    assert "def withdraw(self, amount)" in prints(capsys, f"{module}:Account.withdraw")
    assert not {name for name in sys.modules if name.startswith(("outside", "plainspace"))}


def test_a_module_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped/__init__.py", "raise SystemExit(1)\n")
        file.writestr("zipped/inside.py", PROGRAM)
    finished = command("code", "zipped.inside:clip", env={**os.environ, "PYTHONPATH": _path(archive)})
    assert finished.returncode == 0, finished.stderr
    assert "def clip(" in finished.stdout


@pytest.mark.parametrize("target", ["bisect:insort_right", "json.decoder:JSONDecoder.decode", "os.path:join"])
def test_the_standard_library(capsys: pytest.CaptureFixture[str], target: str) -> None:
    if target.startswith("os.path"):
        assert "os is not a package" in fails(capsys, "code", target)
    else:
        assert f"def {target.rpartition('.')[2].rpartition(':')[2]}(" in prints(capsys, target)


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("sys:exit", "'exit' has no Python source: module sys is built into Python"),
        ("numpy._core._multiarray_umath:add", "has no Python source: module numpy._core._multiarray_umath is compiled"),
        ("plainspace.deep:f", "has no Python source: module plainspace.deep is a namespace package"),
        ("jsn:loads", "there is no module jsn; did you mean json"),
        ("json.decodr:f", "there is no module json.decodr; did you mean decoder"),
        ("json.decoder.more:f", "there is no module json.decoder.more: json.decoder is not a package"),
        ("json:load_it", "there is no function 'load_it' in module json; did you mean load"),
        ("two words:f", "'two words' is neither a file nor the name of a module"),
    ],
)
def test_modules_without_it(package: Path, capsys: pytest.CaptureFixture[str], target: str, line: str) -> None:
    assert line in fails(capsys, "code", target)


def test_a_module_without_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import py_compile

    (tmp_path / "bare.py").write_text(PROGRAM)
    py_compile.compile(str(tmp_path / "bare.py"), cfile=str(tmp_path / "bare.pyc"))
    (tmp_path / "bare.py").unlink()
    finished = command("code", "bare:clip", cwd=tmp_path)
    assert finished.returncode == 2
    assert "'clip' has no Python source" in finished.stderr


# ------------------------------------------------------------------------------------------------------------ process


def _path(*folders: Path) -> str:
    """A search path with these folders, on which this package is found as it is here."""
    here = Path(cli.__file__).parent.parent
    return os.pathsep.join(map(str, [*folders, here]))


def test_output_is_plain_when_piped_and_coloured_at_a_terminal(program: Path) -> None:
    arguments = ["code", "program.py:clip"]
    piped = command(*arguments)
    assert piped.returncode == 0
    assert "\x1b" not in piped.stdout

    assert "\x1b[" in at_a_terminal(*arguments, NO_COLOR=None)
    assert "\x1b[" not in at_a_terminal(*arguments, NO_COLOR="1")


def at_a_terminal(*arguments: str, NO_COLOR: str | None) -> str:
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    if NO_COLOR is not None:
        environment["NO_COLOR"] = NO_COLOR
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "autograph.cli", *arguments], stdout=terminal, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        output = b""
        try:
            while chunk := os.read(controller, 4096):
                output += chunk
        except OSError:
            pass  # on Linux, how a terminal says that its other end has closed
        os.close(controller)
    assert process.returncode == 0, output
    return output.decode()


def test_a_reader_that_leaves_early(program: Path) -> None:
    program.write_text("def f(x):\n" + "    x = x + 1\n" * 20_000)
    with subprocess.Popen(
        [sys.executable, "-m", "autograph.cli", "code", "program.py:f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_version_and_help() -> None:
    version = command("--version")
    assert version.returncode == 0
    assert version.stdout == f"autograph {ag.__version__}\n"
    help_ = command("--help")
    assert help_.returncode == 0
    assert "demo" in help_.stdout
    assert "code" in help_.stdout


@pytest.mark.parametrize("arguments", [[], ["dmeo"], ["code"], ["demo", "--steps", "0"], ["demo", "--steps", "many"]])
def test_wrong_usage(arguments: list[str]) -> None:
    finished = command(*arguments)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "usage: autograph" in finished.stderr


def test_demo_names_the_extra_that_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import util

    find_spec = util.find_spec
    absent = {"rich", "jax"}
    monkeypatch.setattr(util, "find_spec", lambda name, *rest: None if name in absent else find_spec(name, *rest))
    line = fails(capsys, "demo")
    assert line == "autograph: jax and rich are not installed; pip install 'autograph-compiler[demo,jax]'\n"
