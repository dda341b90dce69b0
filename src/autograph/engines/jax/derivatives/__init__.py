"""Loops of unknown length with derivatives in forward and reverse mode."""

from .loop import while_loop
from .reversal import Budget

__all__ = ["Budget", "while_loop"]
