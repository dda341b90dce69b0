"""The exceptions of AutoGraph's own making. Everything else keeps the type that Python or the engine gave it."""

from __future__ import annotations


class ConversionError(Exception):
    """A function cannot be converted: it has no source, is native code, or hides behind something that is.

    Attributes:
        reason: why not, in a few words that can follow "because".
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message, reason)
        self.reason = message if reason is None else reason

    def __str__(self) -> str:
        return str(self.args[0])


class UnreachableHandlerError(BaseException):
    """An exception is raised under a staged condition while an ``except`` clause waits for it, which a graph cannot
    reach. It is no ``Exception``, or that very clause might catch it and the mistake would go unseen."""


class StagingError(TypeError):
    """A program has no meaning as a graph; the message names the variable and says what to write instead."""


class RetracingWarning(UserWarning):
    """A function is traced again and again, or once for each size, and the message says why and what to do."""
