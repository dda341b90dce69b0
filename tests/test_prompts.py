"""Where programs come from: notebooks, prompts, the command line, standard input, archives, strings, doctests."""

from __future__ import annotations

import doctest
import linecache
import os
import subprocess
import sys
import textwrap
import zipapp
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pexpect
import pytest

import autograph as ag

SOURCE = str(Path(ag.__file__).parent.parent)
CODE = """\
import autograph as ag

def half(n):
    while n > 10:
        n = n // 2
    return n

print("ag__.while_stmt(" in ag.to_code(half), ag.convert(half)(100))
"""


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, timeout=120, **options
    )


def test_the_command_line() -> None:
    for arguments in (["-c", CODE], ["-I", "-c", f"import sys; sys.path.insert(0, {SOURCE!r})\n{CODE}"], ["-Bc", CODE]):
        finished = python(*arguments)
        assert finished.stdout == "True 6\n", finished.stderr


def test_standard_input_that_is_a_file(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(CODE)
    with script.open() as stream:
        finished = python("-", stdin=stream)
    assert finished.stdout == "True 6\n", finished.stderr


def test_standard_input_that_is_a_pipe_has_no_source_and_the_error_says_so() -> None:
    finished = python("-", input=CODE)
    if finished.returncode == 0:  # a Python that keeps it
        assert finished.stdout == "True 6\n"
        return
    assert "ConversionError: half() cannot be converted: its source is not available" in finished.stderr
    assert "save it in a file" in finished.stderr


def test_the_interactive_option_behind_a_file(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(CODE)
    finished = python("-i", str(script), input="print('prompt', half(40), ag.convert(half)(40))\n")
    assert "True 6" in finished.stdout
    assert "prompt 10 10" in finished.stdout


def test_the_prompt_keeps_what_is_typed_from_3_13_on_and_says_so_where_it_does_not() -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCE, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"}
    prompt = pexpect.spawn(sys.executable, ["-q"], env=environment, encoding="utf-8", timeout=60, echo=False)

    def say(line: str) -> str:
        prompt.sendline(line)
        prompt.expect(">>> ")
        return str(prompt.before)

    prompt.expect(">>> ")
    say("import autograph as ag")
    say("first = lambda n: n + 1 if n > 3 else n")
    said = say("ag.convert(first)(5)")
    if sys.version_info >= (3, 13):
        assert said.strip().endswith("6")
        say("first = lambda n: n + 2 if n > 3 else n")
        assert say("ag.convert(first)(5)").strip().endswith("7")
    else:
        assert "its source is not available" in said
        assert "the prompt of Python 3.13" in said
    prompt.close(force=True)


def test_other_code_of_the_same_name_is_not_taken_for_the_command_line() -> None:
    text = CODE + textwrap.dedent(
        """
        namespace = {}
        exec("\\n\\ndef half(n):\\n    return n + 1 if n > 10 else n", namespace)
        try:
            ag.convert(namespace["half"])
        except ag.ConversionError as error:
            print("refused:", "its source is not available" in str(error))
        """
    )
    finished = python("-c", text)
    assert finished.stdout == "True 6\nrefused: True\n", finished.stderr


def test_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "__main__.py").write_text("import inside\n" + CODE)
    (folder / "inside.py").write_text(CODE)
    zipapp.create_archive(folder, tmp_path / "program.pyz")
    finished = python(str(tmp_path / "program.pyz"))
    assert finished.stdout == "True 6\nTrue 6\n", finished.stderr


def test_a_string_with_an_entry_in_the_cache_of_lines_and_without() -> None:
    text = "def half(n):\n    while n > 10:\n        n = n // 2\n    return n\n"
    namespace: dict[str, Any] = {}
    exec(compile(text, "<made>", "exec"), namespace)
    with pytest.raises(ag.ConversionError, match=r"linecache.cache\['<made>'\]"):
        ag.convert(namespace["half"])
    linecache.cache["<made>"] = (len(text), None, text.splitlines(True), "<made>")
    again: dict[str, Any] = {}
    exec(compile(text, "<made>", "exec"), again)
    assert ag.convert(again["half"])(100) == 6
    assert "ag__.while_stmt(" in ag.to_code(again["half"])


def test_a_doctest() -> None:
    text = """
    >>> import autograph as ag
    >>> @ag.convert
    ... def half(n):
    ...     while n > 10:
    ...         n = n // 2
    ...     return n
    >>> half(100)
    6
    >>> "ag__.while_stmt(" in ag.to_code(lambda n: [half(n) for _ in range(2) if n]) or "half" in ag.to_code(half)
    True
    """
    found = doctest.DocTestParser().get_doctest(text, {}, "prompt", None, None)
    runner = doctest.DocTestRunner()
    assert runner.run(found).failed == 0


CELLS = [
    "import sys\nimport jax\nimport jax.numpy as jnp\nimport autograph as ag",
    "@ag.function\ndef f(x):\n    if x > 0:\n        return x + 1\n    return x\n\nint(f(1))",
    # The same cell again, with another body: the new source counts.
    "@ag.function\ndef f(x):\n    if x > 0:\n        return x + 10\n    return x\n\nint(f(1))",
    "def g(x):\n    while x < 100:\n        x = x * 2\n    return x\n\nint(jax.jit(ag.convert(g))(3))",
    "def g(x):\n    while x < 1000:\n        x = x * 2\n    return x\n\nint(jax.jit(ag.convert(g))(3))",
    "def h(i):\n    table = {0: 1.0}\n    return table[i]\n\nag.function(h)(0)",
    "import asyncio\nag.to_code(f)",
]


def test_a_notebook_with_cells_that_are_defined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", SOURCE)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    outputs = [cell.outputs for cell in notebook.cells]
    results = [part[-1]["data"]["text/plain"] for part in outputs[1:5]]
    assert results == ["2", "11", "192", "1536"]
    failed = outputs[5][-1]
    assert failed["ename"] == "TypeError"
    shown = "\n".join(failed["traceback"])
    assert "a key of `table`" in shown
    assert "table[i]" in shown
    assert "site-packages" not in shown
    assert "ag__.if_stmt(" in outputs[6][-1]["data"]["text/plain"]
