"""How the gallery of ``docs/errors.md`` shows a mistake, and what is said of it."""

from __future__ import annotations

import html
import re
import textwrap
import traceback

from . import HERE, Mistake

WIDTH = 88
NAMES = {"jax": "JAX", "tensorflow": "TensorFlow"}


def program(mistake: Mistake, engine: str) -> str:
    """The program as the page shows it, with its call."""
    text = mistake.text(engine).rstrip().replace(f"  {HERE}", "")
    return f"{text}\n\nf({mistake.args[engine]})"


def notes(error: BaseException) -> list[str]:
    """What has been added to an exception; the remark of JAX's on its own traceback is none of it."""
    return [_plain(note) for note in getattr(error, "__notes__", ()) if not note.startswith("-----")]


def place(mistake: Mistake, engine: str, error: BaseException) -> str:
    """The last line of the user's in the traceback."""
    entries = [
        entry
        for entry in traceback.extract_tb(error.__traceback__)
        if entry.filename == mistake.filename(engine) and entry.name != "<module>"
    ]
    if not entries:
        return ""
    last = entries[-1]
    line = (last.line or "").replace(HERE, "").strip()
    return f"line {last.lineno}, in {last.name}\n    {line}"


def own(mistake: Mistake, engine: str, error: BaseException) -> list[str]:
    """What this project says besides the exception itself: the line, and the notes."""
    if mistake.when == "converting":
        return [wrapped(_plain(str(error)))]
    return [part for part in (place(mistake, engine, error), *map(wrapped, notes(error))) if part]


def shown(mistake: Mistake, engine: str, error: BaseException | None) -> str:
    """All that this project says."""
    if error is None:
        return "(nothing)"
    if mistake.when == "converting":
        return f"{type(error).__name__}:\n{own(mistake, engine, error)[0]}"
    line, *rest = own(mistake, engine, error)
    return "\n".join([line, wrapped(f"{type(error).__name__}: {message(error)}"), *rest])


def message(error: BaseException, most: int = 6) -> str:
    """The beginning of an exception's own message."""
    lines = [line.rstrip() for line in _plain(str(error)).strip().splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("See https://docs.jax.dev")]
    return "\n".join([*lines[:most], *(["..."] if len(lines) > most else [])])


def wrapped(text: str) -> str:
    """``text`` in lines of the page's width; lines of code stay as they are."""
    out: list[str] = []
    for line in text.splitlines():
        keeps = line.startswith(" ") or len(line) <= WIDTH
        out += (
            [line[: WIDTH + 20]]
            if keeps
            else textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        )
    return "\n".join(out)


_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_FOLDERS = re.compile(r"(?:/[\w.+-]+)+/(?=[\w.-]+\.py\b)")
_NUMBERED = re.compile(r"<staged value \d+>")
_GENERATED = re.compile(r"__autograph_generated_file\w+\.py")
_FILE = re.compile(r"[\w%.()-]+\.(?:jax|tensorflow)\.py")


def _plain(text: str) -> str:
    """``text`` without what is another one in each run."""
    text = _NUMBERED.sub("<staged value 1>", _ADDRESS.sub("0x...", text)).replace(f"  {HERE}", "")
    text = _GENERATED.sub("__autograph_generated_file.py", text)
    return _FILE.sub("program.py", _FOLDERS.sub("", text))


def pre(text: str) -> str:
    return f"<pre>{html.escape(text, quote=False)}</pre>"
