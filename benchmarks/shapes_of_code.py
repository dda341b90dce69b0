"""Functions to convert: loops in loops, and a tree of calls."""

from __future__ import annotations


def nested(depth: int) -> str:
    """A function with loops and conditionals in one another, ``depth`` of each."""
    lines = ["def nested(xs, limit, total):"]
    for level in range(depth):
        pad = "    " * (2 * level + 1)
        lines.append(f"{pad}for i{level} in range(limit % {level + 2} + 1):")
        lines.append(f"{pad}    if total % 3 != {level % 3}:")
    lines.append("    " * (2 * depth + 1) + "total += len(xs) + 1")
    for level in reversed(range(depth)):
        pad = "    " * (2 * level + 2)
        lines.append(f"{pad}else:")
        lines.append(f"{pad}    total -= i{level}")
    return "\n".join([*lines, "    return total", ""])


def call_tree(count: int) -> str:
    """``count`` functions, each of which calls two others with the number that it has computed, down to the leaves."""
    parts = []
    for number in range(count):
        calls = [child for child in (2 * number + 1, 2 * number + 2) if child < count]
        lines = [f"def node{number}(x):", f"    if x > {number % 5}:", f"        x = x - {number % 3 + 1}"]
        lines += ["    else:", "        x = x + 2"]
        lines += [f"    x = x + node{child}(x)" for child in calls]
        parts.append("\n".join([*lines, "    return x % 1000", ""]))
    return "\n".join(parts)
