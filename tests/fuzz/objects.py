"""Random programs with objects under several names, lists that grow, ``None``, closures, late variables and exceptions.

Everything that a program computes is a small integer, and each path ends: what differs between plain Python and the
graph is a mistake of the converter's.
"""

from __future__ import annotations

import random

PRELUDE = """
class Box:
    def __init__(self, v):
        self.v = v
        self.n = 0

    def add(self, k):
        if k % 2 == 0:
            self.v = (self.v + k) % 97
        else:
            self.n += 1
        return self.v

    @property
    def twice(self):
        return self.v * 2 % 97


class Stop(Exception):
    pass
"""


class Program:
    """One random function of two integers."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lines: list[str] = []
        self._loops = 0
        self._in_try = 0

    def text(self) -> str:
        head = ["a, b = Box(x % 7), Box(y % 5)", "c = a", "items = []", "best = None", "count = 0"]
        nested = [
            "def bump(k):",
            "    nonlocal count",
            "    if k % 3 == 0:",
            "        count += 1",
            "    return count + x % 2",
        ]
        for line in head + nested:
            self._lines.append("    " + line)
        self._block(1, self._random.randint(4, 7), 0)
        tail = [
            "rest = best if best is not None else -1",
            "total = 0",
            "for item in items:",
            "    total = (total * 3 + item) % 97",
            "return a.v, a.n, b.v, b.n, c.v, c is a, total, len(items), rest, count",
        ]
        for line in tail:
            self._lines.append("    " + line)
        return PRELUDE + "\n\ndef program(x, y):\n" + "\n".join(self._lines) + "\n"

    def _pick(self, *options: str) -> str:
        return self._random.choice(options)

    def _number(self) -> str:
        return self._pick("x", "y", "a.v", "b.n", "c.v", "count", "b.twice", "3", "len(items)", "bump(x)", "a.add(y)")

    def _test(self) -> str:
        return self._pick(
            f"{self._number()} % 3 == {self._random.randint(0, 2)}",
            f"{self._number()} < {self._number()}",
            "best is None",
            f"best is not None and best > {self._random.randint(0, 20)}",
            "c is b",
            "len(items) > 2",
        )

    def _block(self, level: int, length: int, depth: int) -> None:
        for _ in range(length):
            self._statement(level, depth)

    def _statement(self, level: int, depth: int) -> None:
        kind = self._random.random()
        if depth < 3 and kind < 0.25:
            self._add(level, f"if {self._test()}:")
            self._block(level + 1, self._random.randint(1, 3), depth + 1)
            if self._random.random() < 0.6:
                self._add(level, "else:")
                self._block(level + 1, self._random.randint(1, 2), depth + 1)
        elif depth < 2 and kind < 0.35:
            self._loops += 1
            self._add(level, f"for i{self._loops} in range({self._pick('x % 4', '3', 'y % 5')}):")
            self._block(level + 1, self._random.randint(1, 3), depth + 1)
        elif depth < 2 and kind < 0.42:
            self._in_try += 1
            self._add(level, "try:")
            self._block(level + 1, self._random.randint(1, 3), depth + 1)
            self._add(level + 1, f"if {self._test()}:")
            self._add(level + 2, f"raise Stop({self._number()} % 97)")
            self._in_try -= 1
            self._add(level, "except Stop as stop:")
            self._add(level + 1, self._pick("a.v = stop.args[0]", "items.append(stop.args[0])", "best = stop.args[0]"))
            if self._random.random() < 0.4:
                self._add(level, "finally:")
                self._add(level + 1, "b.n += 1")
        else:
            self._simple(level)

    def _simple(self, level: int) -> None:
        number = self._number()
        self._add(
            level,
            self._pick(
                f"a.v = {number} % 97",
                f"c.v = (c.v + {number}) % 97",
                f"b.add({number})",
                f"c.add({number})",
                f"c = a if {self._test()} else b",
                "c = b",
                "a, b = b, a",
                f"items.append({number} % 97)",
                f"best = {number} % 97",
                f"best = None if {self._test()} else {number} % 97",
                f"count = (count + {number}) % 97",
                f"bump({number})",
                f"items.append(items.pop() + 1 if len(items) > 0 else {number} % 97)",
            ),
        )

    def _add(self, level: int, line: str) -> None:
        self._lines.append("    " * level + line)
