"""A trace that begins in the middle of a program, and ends where the program says (see ``common.raising``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow.python.framework import ops

from . import branches, types
from .regions import Run, new_run


class Leaving:
    """How regions of TensorFlow's are left by an exception (a ``raising.Backend``)."""

    types: Any = types

    def current_trace(self) -> Any:
        return ops.get_default_graph()

    def open_trace(self) -> OpenTrace:
        return OpenTrace()

    def exit_run(self) -> Run:
        return new_run("raised")

    def build(self, predicate: Any, runs: list[Any], wanted: Any) -> Sequence[Any]:
        return branches.build(predicate, runs, wanted)

    def cond(self, test: Any, body: Any, orelse: Any, names: tuple[str, ...], owners: Any) -> Any:
        return branches.stage_cond(test, body, orelse, names, owners)


class OpenTrace:
    """The graph of a region that is being built: from here until ``close`` or ``abandon``."""

    def __init__(self) -> None:
        self.run = new_run("rest")
        self.trace = self.run.graph
        self._scope = self.trace.as_default()
        self._scope.__enter__()

    def close(self) -> None:
        """Ends the trace; its outputs are added when it is one side of a conditional."""
        self.abandon()

    def abandon(self) -> None:
        """Goes back to the graph around this one."""
        self._scope.__exit__(None, None, None)
