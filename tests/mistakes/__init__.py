"""Mistakes that users make, as data: the program, how it is called, and what has to be said of it.

The gallery in ``docs/errors.md`` is made of them, and ``tests/test_mistakes.py`` holds what is said.
"""

from __future__ import annotations

import contextlib
import linecache
import tempfile
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ENGINES = ("jax", "tensorflow")
HERE = "# here"


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        title: what is wrong.
        program: the program, which defines ``f``; the line that the error is to end at has the comment ``# here``.
            ``xp`` stands for ``jnp`` or ``tf``. A dict has one for each engine.
        args: the arguments of ``f``, as text, for each engine that the mistake can be made on.
        error: the type of the exception, or several with `|` between them, where it depends on the version of Python;
            a dict has one for each engine.
        says: what the message or the notes have to contain; a dict has more for each engine.
        options: of ``ag.function``.
        when: the stage at which it is found: ``converting``, ``tracing`` or ``running``.
    """

    title: str
    program: str | dict[str, str]
    args: dict[str, str]
    error: str | dict[str, str]
    says: tuple[str, ...]
    says_too: dict[str, tuple[str, ...]] = field(default_factory=dict)
    when: str = "tracing"

    @property
    def key(self) -> str:
        return "-".join(self.title.replace("'", "").replace(",", "").replace("(", "").replace(")", "").split())

    def text(self, engine: str) -> str:
        """The program for an engine."""
        program = self.program if isinstance(self.program, str) else self.program[engine]
        return textwrap.dedent(program).lstrip("\n").replace("xp.", "jnp." if engine == "jax" else "tf.")

    def filename(self, engine: str) -> str:
        return f"{self.key}.{engine}.py"

    def line(self, engine: str) -> int | None:
        """The line that the error has to end at."""
        lines = self.text(engine).splitlines()
        return next((number for number, line in enumerate(lines, 1) if line.endswith(HERE)), None)

    def error_type(self, engine: str) -> str:
        return self.error if isinstance(self.error, str) else self.error[engine]

    def parts(self, engine: str) -> tuple[str, ...]:
        return self.says + self.says_too.get(engine, ())

    def run(self, engine: str, wrap: Callable[[Any], Any]) -> BaseException | None:
        """Runs the program, with ``wrap`` around ``f`` and in a folder of its own; gives what it raises."""
        text = self.text(engine)
        filename = self.filename(engine)
        linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
        namespace = modules(engine)
        namespace["wrap"] = wrap
        try:
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                exec(compile(text, filename, "exec"), namespace)
                arguments = eval(f"({self.args[engine]},)" if self.args[engine] else "()", namespace)
                wrap(namespace["f"])(*arguments)
        except BaseException as error:
            return error
        return None

    def lines(self, error: BaseException, engine: str) -> list[int | None]:
        """The lines of the program in a traceback, from the outermost in."""
        filename = self.filename(engine)
        return [entry.lineno for entry in traceback.extract_tb(error.__traceback__) if entry.filename == filename]


def modules(engine: str) -> dict[str, Any]:
    """What the programs find imported."""
    import numpy as np

    import autograph as ag

    found = {"__name__": "program", "np": np, "ag": ag}
    if engine == "jax":
        import jax

        return {**found, "jax": jax, "jnp": jax.numpy}
    import tensorflow as tf

    return {**found, "tf": tf}


def said(error: BaseException) -> str:
    """All that an exception says."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def every() -> list[Mistake]:
    """All mistakes, in the order of the gallery."""
    from . import containers, converting, directives, native, numpys, paths, running

    homes = (converting, paths, containers, native, numpys, directives, running)
    return [mistake for home in homes for mistake in home.MISTAKES]


def scalar(value: str) -> dict[str, str]:
    """One number as the argument on each engine."""
    return {"jax": value, "tensorflow": f"tf.constant({value})"}


def vector(*more: str) -> dict[str, str]:
    """Three ones, and numbers behind them."""
    return {
        "jax": ", ".join(["jnp.ones(3)", *more]),
        "tensorflow": ", ".join(["tf.ones(3)", *(f"tf.constant({number})" for number in more)]),
    }
