"""The switch that makes every ``ag.function`` run its original Python."""

from __future__ import annotations

import os
from types import TracebackType


class Switch:
    """Whether functions run eagerly. The environment variable ``AUTOGRAPH_EAGER`` says how the process starts."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = os.environ.get("AUTOGRAPH_EAGER", "0").strip().lower() not in ("", "0", "false", "no", "off")


EAGER = Switch()


class _Restore:
    """What ``run_functions_eagerly`` gives back: as a context manager, it restores what was."""

    __slots__ = ("_before", "_flag")

    def __init__(self, flag: bool, before: bool) -> None:
        self._flag, self._before = flag, before

    def __enter__(self) -> None:
        EAGER.on = self._flag

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        EAGER.on = self._before


def run_functions_eagerly(flag: bool = True) -> _Restore:
    """Makes every ``ag.function`` of the process run its original Python (``True``), or its graph again (``False``).

    Values are concrete then, so that breakpoints, ``print`` and debuggers work as in any Python. As a context manager,
    it puts back what was. ``AUTOGRAPH_EAGER=1`` in the environment starts the process that way.

    Example:
        >>> import autograph as ag
        >>> kind = ag.function(lambda x: type(x).__name__)
        >>> with ag.run_functions_eagerly(True):
        ...     kind(1)
        'int'
        >>> ag.run_functions_eagerly(True) and kind(1)
        'int'
        >>> _ = ag.run_functions_eagerly(False)
    """
    before = EAGER.on
    EAGER.on = bool(flag)
    return _Restore(EAGER.on, before)
