"""Loops that can never end: nothing that their condition depends on is changed by their body.

Plain Python would go round for ever. Here the graph says so instead, if it gets to such a loop and its condition holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..base import active_engine
from .failures import Place


def refuse_endless(first: Any, place: Place | None, changed: Sequence[str]) -> None:
    """Makes the graph raise where the condition, which is ``first`` before the loop, holds.

    ``changed`` are the names of what the body changes.
    """
    engine = active_engine()
    assert engine is not None
    header = place.text if place is not None else "while"
    test = header.removeprefix("while ").removesuffix(":")
    names = ", ".join(dict.fromkeys(changed)) or "nothing"
    text = (
        f"the loop `{header}` never ends: the body changes {names}, and `{test}` does not depend on that. Change in "
        "the body what the condition looks at, or leave the loop with break"
    )
    if place is not None:
        text += f" ({place})"
    engine.check(engine.logical_not(engine.truth(first)), lambda: RuntimeError(text))
