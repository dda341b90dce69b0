"""The exceptions of AutoGraph's own making. Everything else keeps the type that Python or the engine gave it."""

from __future__ import annotations


class ConversionError(Exception):
    """A function cannot be converted: it has no source, is native code, or hides behind something that is."""


class StagingError(TypeError):
    """A program has no meaning as a graph; the message names the variable and says what to write instead."""
