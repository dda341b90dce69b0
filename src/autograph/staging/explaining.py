"""What converted code does with an exception that passes it."""

from __future__ import annotations

import sys

from .dispatch import active_engine


def explain() -> None:
    """To be called in the handler around the body of a converted function; the exception goes on afterwards.

    While a graph is being built, it gets a note on what to write instead.
    """
    error = sys.exception()
    if error is not None and active_engine() is not None:
        from ..advice import explain as add_note

        add_note(error)
