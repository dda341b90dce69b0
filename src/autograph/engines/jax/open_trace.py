"""A trace that begins in the middle of a program, and ends where the program says.

``jax.make_jaxpr`` traces a function from its first line to its last. What follows a statement that may have raised is
no function: it is the rest of the ``try`` block, through all the calls that the program is in. So a trace is opened
where that begins, and closed where the block ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax._src import core, source_info_util
from jax._src.api_util import debug_info
from jax._src.interpreters import partial_eval
from jax.extend.core import ClosedJaxpr

from ...staging.state import CONTEXT
from . import branches, types
from .regions import Run, current_trace


class Leaving:
    """How regions of JAX's are left by an exception (a ``raising.Backend``)."""

    types: Any = types

    def current_trace(self) -> Any:
        return current_trace()

    def open_trace(self) -> OpenTrace:
        return OpenTrace()

    def exit_run(self) -> Run:
        return Run()

    def build(self, predicate: Any, runs: list[Any], wanted: Any) -> Sequence[Any]:
        return branches.build(predicate, runs, wanted)

    def cond(self, test: Any, body: Any, orelse: Any, names: tuple[str, ...], owners: Any) -> Any:
        return branches.stage_cond(test, body, orelse, names, owners)


def _rest() -> None:
    """Stands for the rest of a block in JAX's messages."""


class OpenTrace:
    """A jaxpr without inputs that is being built: from here until ``close`` or ``abandon``."""

    def __init__(self) -> None:
        self.run = Run()
        self._outer = core.trace_ctx.trace
        self._debug_info = debug_info("autograph", _rest, (), {}).with_unknown_names()
        self.trace: Any = partial_eval.DynamicJaxprTrace(self._debug_info, parent_trace=self._outer)
        core.trace_ctx.set_trace(self.trace)
        self._rooms = CONTEXT.rooms
        if self._rooms is not None:
            self._rooms.enter(self._outer)

    def close(self) -> None:
        """Ends the trace; ``run`` has its jaxpr then."""
        source = source_info_util.current()
        outputs = [self.trace.to_jaxpr_tracer(leaf, source_info=source) for leaf in self.run.leaves]
        jaxpr, constants = self.trace.frame.to_jaxpr(self.trace, outputs, self._debug_info, source)
        self.abandon()
        self.run.jaxpr = ClosedJaxpr(jaxpr, constants)

    def abandon(self) -> None:
        """Goes back to the trace around this one."""
        core.trace_ctx.set_trace(self._outer)
        if self._rooms is not None:
            self._rooms.leave()
