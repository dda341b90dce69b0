"""Staged values that outlive their trace, because they were put where nobody looks for them."""

from __future__ import annotations

from .situation import Situation

_KINDS = ("UnexpectedTracerError", "InaccessibleTensorError")


def note(error: Exception, situation: Situation) -> str | None:
    """What to say where a value of another trace is used."""
    if type(error).__name__ not in _KINDS and "out of scope" not in str(error):
        return None
    return text(situation.text)


def text(used_in: str = "", made_in: str = "") -> str:
    """The note, for a value that is used in one expression and was made on another line."""
    what = f"A value in `{used_in}`" if used_in else "A value"
    where = f" ({made_in})" if made_in else ""
    return (
        f"{what} was computed by another trace{where}, which is over. What a converted function assigns to variables, "
        "to attributes and to items of lists, dicts and sets becomes part of the graph; what it puts elsewhere (a "
        "queue, an object of native code, an attribute set behind Python's back, a variable of a library's) is left "
        "behind when the trace ends. Return the value from the function that computes it, or keep it in an attribute, "
        "a list or a dict"
    )
