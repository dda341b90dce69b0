"""Each mistake of the catalogue: the exception that it ends in, the user's line, the variable's name, the way out."""

from __future__ import annotations

import html
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest

import autograph as ag
from mistakes import ENGINES, Mistake, every, said
from mistakes.gallery import own, program

PAGE = (Path(__file__).parent.parent / "docs" / "errors.md").read_text()
PACKAGE = str(Path(ag.__file__).parent) + os.sep


def _on(backend: str) -> Callable[[Any], Any]:
    return lambda function: ag.function(function, backend=backend)


def _jit(function: Any) -> Any:
    return jax.jit(ag.convert(function))


CASES = [
    pytest.param(mistake, engine, wrap, id=f"{mistake.key}-{name}")
    for mistake in every()
    for engine in ENGINES
    if engine in mistake.args
    for name, wrap in (
        [(engine, _on(engine))] + ([("jit", _jit)] if engine == "jax" and mistake.when != "running" else [])
    )
]
_LEAKS = "another trace"
"""Straight-line code under JAX's own ``jit`` has nobody to look for a value that has outlived its trace but JAX."""


@pytest.mark.parametrize(("mistake", "engine", "wrap"), CASES)
def test_a_mistake_is_told_in_the_words_of_the_program(mistake: Mistake, engine: str, wrap: Any, request: Any) -> None:
    error = mistake.run(engine, wrap)
    assert error is not None, "nothing was raised"
    assert type(error).__name__ in mistake.error_type(engine).split("|"), said(error)
    if wrap is _jit and _LEAKS in mistake.parts(engine):
        return
    text = said(error)
    for part in mistake.parts(engine):
        assert part in text, (part, text)
    line = mistake.line(engine)
    if line is not None:
        assert mistake.lines(error, engine)[-1:] == [line], traceback.format_exception(error)
        last = traceback.extract_tb(error.__traceback__)[-1]
        assert last.filename == mistake.filename(engine), f"the traceback ends in {last}"
    for entry in traceback.extract_tb(error.__traceback__):
        assert not entry.filename.startswith(PACKAGE), entry
    if wrap is not _jit:
        for part in own(mistake, engine, error):
            assert html.escape(part, quote=False) in PAGE, f"docs/errors.md is not up to date: {part}"


def test_the_gallery_shows_every_program() -> None:
    for mistake in every():
        for engine in mistake.args:
            assert f"```python\n{program(mistake, engine)}\n```" in PAGE


def test_the_catalogue_is_large_and_covers_both_engines() -> None:
    mistakes = every()
    assert len({mistake.key for mistake in mistakes}) == len(mistakes) >= 60
    for engine in ENGINES:
        assert sum(engine in mistake.args for mistake in mistakes) >= 55
