"""``if`` statements and conditional expressions of converted code."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from .calls import asked
from .dispatch import do_nothing, hide_frames, staged


def if_stmt(
    test: Any,
    body: FunctionType | None,
    orelse: FunctionType | None,
    names: tuple[str, ...],
) -> Any:
    """Runs ``body`` or ``orelse``; stages both if ``test`` is staged. Gives what the branch returns."""
    try:
        if test is True:
            return body() if body is not None else None
        if test is False:
            return orelse() if orelse is not None else None
        engine = staged(test)
        if engine is None:
            test = asked(test)
            engine = staged(test)
        if engine is None:
            branch = body if test else orelse
            return branch() if branch is not None else None
        owners = [branch for branch in (body, orelse) if branch is not None]
        return engine.cond(test, body or do_nothing, orelse or do_nothing, names, owners)
    except BaseException as error:
        hide_frames(error)
        raise


def if_exp(test: Any, body: Callable[..., Any], orelse: Callable[..., Any]) -> Any:
    """``body() if test else orelse()``"""
    try:
        if test is True:
            return body()
        if test is False:
            return orelse()
        engine = staged(test)
        if engine is None:
            test = asked(test)
            engine = staged(test)
        if engine is None:
            return body() if test else orelse()
        return engine.cond(test, body, orelse, None, [f for f in (body, orelse) if isinstance(f, FunctionType)])
    except BaseException as error:
        hide_frames(error)
        raise
