"""Write `docs/errors.md`: what is said of each mistake of the catalogue, here and by others.

Run it after a change of a message or of the catalogue: `python docs/write_errors_page.py`. It runs each program of
`tests/mistakes/` with this project, with `jax.jit`, with `tf.function` and with diastatic-malt, each in a process of
its own, since some of them never end. A test compares what the page says of this project with what it says.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent / "tests")]

from mistakes import Mistake, every  # noqa: E402
from mistakes.gallery import NAMES, message, pre, program, shown, wrapped  # noqa: E402

PAGE = DOCS / "errors.md"
PATIENCE = 20.0
"""Seconds after which a program counts as one that never ends."""

CONTESTANTS = {"jax": ("ag", "jit", "malt"), "tensorflow": ("ag", "tf")}
TITLES = {
    "jit": "<code>jax.jit</code>",
    "tf": "<code>tf.function</code>",
    "malt": "diastatic-malt, under <code>jax.jit</code>",
}
SECTIONS = {"converting": "While converting", "tracing": "While tracing", "running": "While running"}

HEAD = """\
# What is said of mistakes

Each of these programs has a mistake in it. The page is written by `docs/write_errors_page.py`, which runs every one of
them with this project, with `jax.jit` or `tf.function` alone, and converted by diastatic-malt under `jax.jit`; `make
pages` writes it anew. Long messages of others are cut off after six lines. The programs are in `tests/mistakes/`, and a
test holds the line, the variable's name and the advice of each.

An exception keeps the type and the message that Python or the engine gave it. What this project adds are *notes*
(`error.__notes__`), which Python shows below the message, and a traceback that ends at the user's expression. That
others say nothing of a program can mean that it is no mistake there, that they raise nothing, or that they run
something else than what was written.

"""


def worker(engine: str, contestant: str) -> None:
    """Runs the mistakes whose numbers it reads, and writes what is raised."""
    mistakes = every()
    wrap = _wrapper(engine, contestant)
    for line in sys.stdin:
        mistake = mistakes[int(line)]
        error = mistake.run(engine, wrap)
        if contestant == "ag":
            text = shown(mistake, engine, error)
        elif error is None:
            text = "(no exception)"
        else:
            text = wrapped(f"{type(error).__name__}: {message(error)}")
        print("\n" + json.dumps(text), flush=True)


def _wrapper(engine: str, contestant: str) -> Any:
    if contestant == "ag":
        import autograph as ag

        return lambda function: ag.function(function, backend=engine)
    if contestant == "tf":
        import tensorflow as tf

        return tf.function
    import jax

    if contestant == "jit":
        return jax.jit
    import malt

    return lambda function: jax.jit(malt.to_graph(function))


class Worker:
    """A process that runs mistakes, started anew when one of them never ends."""

    def __init__(self, engine: str, contestant: str) -> None:
        self._command = [sys.executable, __file__, "--worker", engine, contestant]
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        self._lines = lines
        return process

    def ask(self, number: int) -> str:
        patience = PATIENCE if self._process is not None else PATIENCE * 3
        self._process = self._process or self._start()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                self.end()
                return "(runs for ever)"
            if line.startswith('"'):
                return str(json.loads(line))
            if not line:
                self.end()
                return "(the process ends)"

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def section(number: int, mistake: Mistake, workers: dict[tuple[str, str], Worker]) -> str:
    out = [f"### {mistake.title[0].upper()}{mistake.title[1:]}\n"]
    for engine in mistake.args:
        said = {name: workers[engine, name].ask(number) for name in CONTESTANTS[engine]}
        others = "".join(f"{TITLES[name]}{pre(text)}" for name, text in said.items() if name != "ag")
        out.append(f"```python\n{program(mistake, engine)}\n```\n")
        out.append(
            f"<table><tr><th>This project, on {NAMES[engine]}</th><th>Others</th></tr>\n"
            f"<tr><td>{pre(said['ag'])}</td><td>{others}</td></tr></table>\n"
        )
    return "\n".join(out)


def main() -> None:
    mistakes = every()
    workers = {(engine, name): Worker(engine, name) for engine, names in CONTESTANTS.items() for name in names}
    parts = [HEAD]
    try:
        for stage, title in SECTIONS.items():
            parts.append(f"## {title}\n\n")
            for number, mistake in enumerate(mistakes):
                if mistake.when == stage:
                    parts.append(section(number, mistake, workers) + "\n")
                    print(mistake.title, file=sys.stderr)
    finally:
        for one in workers.values():
            one.end()
    PAGE.write_text("".join(parts).rstrip() + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:4])
    else:
        main()
