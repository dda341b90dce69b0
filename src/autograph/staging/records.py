"""Objects of the user's classes, leaf by leaf."""

from __future__ import annotations

import dataclasses
from typing import Any

from .calls import is_users_class
from .state import was_born


class Record:
    """The attributes of an object, as a pytree; its other end is an object again."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: type, fields: dict[str, Any]) -> None:
        self.kind, self.fields = kind, fields

    def instance(self) -> Any:
        made: Any = object.__new__(self.kind)
        for name, value in self.fields.items():
            object.__setattr__(made, name, value)
        was_born(made)
        return made


def is_frozen(value: Any) -> bool:
    """Whether an object's class says that it does not change."""
    parameters = getattr(type(value), "__dataclass_params__", None)
    return parameters is not None and parameters.frozen


def record_of(value: Any) -> Record | None:
    """The attributes of an object of a user's class, or ``None`` for anything else."""
    kind: Any = type(value)
    metaclass: Any = type(kind)
    if kind.__module__ in ("builtins", __name__) or isinstance(value, type | BaseException):
        return None
    if (
        metaclass is not type
        or kind.__new__ is not object.__new__
        or any("__call__" in base.__dict__ for base in kind.__mro__)
    ):
        return None
    if not is_users_class(kind):
        return None
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
    elif hasattr(value, "__dict__"):
        names = list(value.__dict__)
    else:
        names = [name for name in getattr(kind, "__slots__", ()) if hasattr(value, name)]
    return Record(kind, {name: getattr(value, name) for name in names if hasattr(value, name)})
