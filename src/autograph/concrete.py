"""What every engine says of one trace of an ``ag.function``, and how that is shown."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Protocol


class ConcreteFunction(Protocol):
    """One trace, compiled for one signature.

    Attributes:
        name: the function's.
        signature: the arguments as text, one line: ``xs: float32[3], limit: int32[] (weak), mode='fast'``.
        inputs: what the graph takes: a shape and a dtype for each array.
        outputs: what it gives, in the same form.
        graph: the engine's own graph (a jaxpr, a ``FuncGraph``).
    """

    @property
    def name(self) -> str: ...
    @property
    def signature(self) -> str: ...
    @property
    def inputs(self) -> Sequence[Any]: ...
    @property
    def outputs(self) -> Sequence[Any]: ...
    @property
    def graph(self) -> Any: ...

    def as_text(self) -> str:
        """The graph as text."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the graph; the static arguments may be given again or left out.

        Raises:
            TypeError: the arguments do not fit the signature.
        """


class FunctionState(Protocol):
    """What an engine keeps for one ``ag.function``; made by ``Engine.prepare``, once, under the function's lock."""

    @property
    def tracing_count(self) -> int:
        """How often the function's Python has been run to make a graph."""

    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces that are kept, oldest first."""

    def get_concrete_function(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ConcreteFunction:
        """The trace for these values or specs, made and compiled if it is not there."""

    def clear(self) -> None:
        """Forgets all traces."""


def as_html(title: str, rows: Sequence[tuple[str, str]], code: str) -> str:
    """A table of traces, and generated code, for a notebook."""
    cells = "".join(
        f"<tr><td style='text-align:left'><code>{html.escape(signature)}</code></td>"
        f"<td style='text-align:left'>{html.escape(engine)}</td></tr>"
        for signature, engine in rows
    )
    table = (
        f"<table><thead><tr><th>trace</th><th>engine</th></tr></thead><tbody>{cells}</tbody></table>" if rows else ""
    )
    listing = f"<details><summary>generated code</summary><pre>{html.escape(code)}</pre></details>" if code else ""
    return f"<div><code>{html.escape(title)}</code>{table}{listing}</div>"
