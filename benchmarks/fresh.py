"""Functions that nobody has seen before, so that no converter, tracer or compiler finds them in a cache.

TensorFlow and malt remember conversions by code object, and code objects of equal text in different files are equal.
So each copy gets a module of its own, from a real file, in which the functions have names of their own.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys
import tempfile
import weakref
from pathlib import Path
from types import FunctionType

PROGRAMS = Path(__file__).parent / "programs"

_serial = itertools.count()


def program(name: str) -> str:
    """The text of one of the programs."""
    return (PROGRAMS / f"{name}.py").read_text()


class Workshop:
    """Makes fresh copies of functions; their files and modules live as long as the workshop."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autograph-benchmarks-")
        self._modules: list[str] = []
        weakref.finalize(self, _forget, self._modules)

    def function(self, source: str, name: str) -> FunctionType:
        """A copy of the function ``name`` of a module with the text ``source``."""
        suffix = f"_{next(_serial)}"
        defined = re.findall(r"^def (\w+)", source, re.MULTILINE)
        text = re.sub(rf"\b({'|'.join(defined)})\b", rf"\1{suffix}", source)
        module_name = f"benchmark_program{suffix}"
        path = Path(self._folder.name) / f"{module_name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        self._modules.append(module_name)
        spec.loader.exec_module(module)
        return getattr(module, name + suffix)


def _forget(modules: list[str]) -> None:
    for name in modules:
        sys.modules.pop(name, None)
