"""Programs that came in no file: on the command line (``python -c``), or through standard input.

The text of the first is among the arguments of the process, and that of the second can be read again where standard
input is a file. Python 3.13 keeps the first itself. Both go by names that any other code may have that was compiled
from a string, so the text is only believed where compiling it gives the very code that is asked for.
"""

from __future__ import annotations

import linecache
import os
import stat
import sys
from types import CodeType
from typing import Any

_NAMES = ("<string>", "<stdin>")


def is_shared(filename: str) -> bool:
    """Whether code of several sources may go by a name."""
    return filename in _NAMES


def enter(code: CodeType) -> None:
    """Enters the program that ``code`` is from into Python's cache of source lines, where its text can be had."""
    filename = code.co_filename
    if filename not in _NAMES or linecache.getlines(filename):
        return
    text = _from_arguments() if filename == "<string>" else _from_input()
    if text is not None and contains(text, code):
        linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename


def contains(text: str, code: CodeType) -> bool:
    """Whether compiling ``text`` gives ``code``, at any depth."""
    try:
        waiting = [compile(text, code.co_filename, "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return False
    while waiting:
        found = waiting.pop()
        if _key(found) == _key(code):
            return True
        waiting += [constant for constant in found.co_consts if isinstance(constant, CodeType)]
    return False


def _key(code: CodeType) -> tuple[Any, ...]:
    """What two compilations of one definition have in common, whatever features of the future each was made with."""
    return code.co_name, code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, _values(code)


def _values(code: CodeType) -> tuple[Any, ...]:
    return tuple((type(value), value) for value in code.co_consts if not isinstance(value, CodeType))


def _from_arguments() -> str | None:
    """The program behind ``-c``."""
    arguments = iter(sys.orig_argv[1:])
    for argument in arguments:
        if not argument.startswith("-") or argument in ("-", "--") or argument.startswith("--"):
            return None
        if argument[1] in "XW":
            if len(argument) == 2:
                next(arguments, None)
            continue
        options, has_command, command = argument[1:].partition("c")
        if has_command and "m" not in options:
            return command or next(arguments, None)
    return None


def _from_input() -> str | None:
    """The program in the file that standard input is."""
    try:
        found = os.fstat(0)
        if not stat.S_ISREG(found.st_mode):
            return None
        return os.pread(0, found.st_size, 0).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
