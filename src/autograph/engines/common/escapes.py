"""Values of a trace that is over, in the graph of another: what both engines raise for one."""

from __future__ import annotations

from typing import NoReturn

from ...advice import leaks
from .failures import Place, raise_at


def refuse_escape(error: BaseException, used: Place | None, made: Place | None) -> NoReturn:
    """Raises ``error`` from the line that uses the value, with a note that names it and the line that made it."""
    error.add_note(leaks.text(used.text if used else "", str(made) if made else ""))
    error.__ag_explained__ = True  # type: ignore[attr-defined]
    raise_at(error, used)
