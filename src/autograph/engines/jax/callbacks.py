"""Effects on the host: printing, and exceptions that are raised when the graph runs.

An ordered callback runs where the program's text has it. A callback that raises stops the call; JAX reports that as a
``JaxRuntimeError`` with the text of the exception, and ``ag.function``, which makes the call itself, finds the
exception here and raises it in its own type.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from ...staging import formatting
from ...staging.state import CONTEXT
from ..common.failures import FAILURES, Place, current_place, mark, place_of, raise_from, remade


class _Quiet(logging.Filter):
    """Keeps JAX from logging what is about to be raised anyway."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not getattr(error, "__ag_raised__", False)


for _name in ("jax._src.debugging", "jax._src.callback"):
    logging.getLogger(_name).addFilter(_Quiet())


def _add(report: Callable[..., None], leaves: list[Any], fails: bool = False) -> None:
    CONTEXT.effects += 1
    if CONTEXT.rooms is not None:
        report, leaves = CONTEXT.rooms.kept_back(report, leaves, fails)
    jax.debug.callback(report, *leaves, ordered=True)


def raise_when_run(error: BaseException, place: Place | None = None, unless: Any = None) -> None:
    """Makes the graph raise ``error``, with the staged values in its arguments filled in, when it gets here.

    With ``unless`` examples of a batch for which that is true do not.
    """
    leaves, make = remade(error, place)

    def report(*values: Any) -> None:
        raise_from(make(values))

    if unless is None:
        _add(report, leaves, fails=True)
    else:
        _add(lambda fine, *values: None if fine else report(*values), [unless, *leaves], fails=True)


def raise_unless(ok: Any, make: Callable[[], BaseException], place: Place | None = None) -> None:
    """Makes the graph raise ``make()`` when it gets here and ``ok`` is false."""

    lax.cond(ok, lambda: None, lambda: raise_when_run(make(), place, unless=ok))


def print_when_run(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Makes the graph print ``args`` as Python would, when it gets here."""
    leaves, rebuild = formatting.split((args, options))

    def report(*values: Any) -> None:
        shown, how = rebuild(values)
        print(*shown, **how)

    _add(report, leaves)


__all__ = ["FAILURES", "Place", "current_place", "mark", "place_of", "print_when_run", "raise_unless", "raise_when_run"]
