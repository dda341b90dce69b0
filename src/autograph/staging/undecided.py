"""``a and b``, ``a or b`` of operands that no type in a graph holds both of: a truth value, and an error for its user.

Most such expressions are conditions (``if x > 0 and name``), of which only the truth matters.
"""

from __future__ import annotations

from enum import Enum
from types import BuiltinFunctionType, FunctionType
from typing import Any, NoReturn

from ..errors import StagingError


class Undecided:
    """An operand of ``and`` or ``or`` that the graph chooses and cannot hold.

    Attributes:
        truth: its truth value, which is staged.
        error: why it is no more than that.
        if_true: gives what it is where it is true, if that is a value of Python's on all paths.
    """

    __slots__ = ("error", "if_true", "truth")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, truth: Any, error: StagingError, value: Any = None) -> None:
        self.truth, self.error = truth, StagingError(*error.args)
        known = isinstance(value, str | bytes | FunctionType | BuiltinFunctionType | type | Enum)
        self.if_true = (lambda: value) if known else None

    def refuse(self, *_: Any) -> NoReturn:
        """To be called where the program uses it for more than its truth."""
        raise StagingError(
            f"`and` and `or` give one of their operands, and here the graph decides which: {self.error}. As a "
            "condition it can be used; for its value, write `b if a else c`"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse()

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getitem__ = __iter__ = __len__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __mod__ = refuse
    __neg__ = __abs__ = __call__ = __str__ = __format__ = __int__ = __float__ = __index__ = __bool__ = refuse


def decided(value: Any) -> Any:
    """``value``, which the program uses for what it is."""
    if type(value) is Undecided:
        value.refuse()
    return value
