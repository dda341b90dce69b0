"""The tests that do not come out the same when converted, each with its reason. The tests keep this table exact."""

from __future__ import annotations

from dataclasses import dataclass

ALL = frozenset(((3, 11), (3, 12), (3, 13)))


@dataclass(frozen=True)
class Exempt:
    reason: str
    versions: frozenset[tuple[int, int]] = ALL


EXCEPTIONS: dict[str, Exempt] = {}
