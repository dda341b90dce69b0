"""The text of functions of any length, made of blocks of 15 lines that differ from one another.

Each block has loops, conditionals and jumps of another kind, reads what earlier blocks left, and goes on from there.
"""

from __future__ import annotations

NAME = "long_function"
LINES_OF_BLOCK = 15

_BLOCKS = (
    """\
    assert limit >= 0, "the limit is negative"
    for i{k} in range(limit):
        if i{k} % 2 == {k} % 2:
            continue
        for x{k} in xs:
            if x{k} > limit + {k}:
                break
            total += x{k} if x{k} > 0 else -x{k}
            if total > 100000 + {k}:
                print("stopped at", i{k}, x{k})
                {leave}
        total -= i{k}
    if total % 7 == 3:
        total += {k}
    total %= 997
""",
    """\
    n{k}, steps{k} = total % 50 + 1, 0
    while n{k} != 1:
        n{k} = n{k} // 2 if n{k} % 2 == 0 else 3 * n{k} + 1
        steps{k} += 1
        if steps{k} > 200 + {k}:
            break
    if steps{k} > 100000:
        print("too many steps", steps{k})
        {leave}
    elif steps{k} > 20 and n{k} == 1:
        total += steps{k}
    else:
        total -= 1
    assert n{k} >= 1, n{k}
    total = (total + steps{k} * {k}) % 997
""",
    """\
    seen{k} = []
    for i{k}, x{k} in enumerate(xs):
        if x{k} in seen{k} or x{k} == {k}:
            continue
        seen{k}.append(x{k} + i{k})
    low{k}, high{k} = min(seen{k}), max(seen{k})
    if not low{k} <= high{k}:
        print("out of order", low{k}, high{k})
        {leave}
    for y{k} in seen{k}:
        if y{k} < 0:
            break
        for z{k} in range(y{k} % 3):
            total += z{k} * {k}
    total = abs(total - len(seen{k})) % 997
""",
    """\
    i{k}, best{k} = 0, -1
    while i{k} < limit:
        j{k} = i{k}
        while j{k} < limit:
            j{k} += 1
            if (i{k} + j{k}) % 3 == {k} % 3:
                continue
            best{k} = max(best{k}, i{k} * j{k} + total % 5)
            if best{k} > 100000:
                {leave}
        i{k} += 1
    bonus{k} = best{k} if best{k} > 0 or limit == {k} else 1
    assert bonus{k} > 0, "no bonus"
    total += bonus{k} % 11
    total %= 997
""",
)


def source(blocks: int, *, early_returns: bool = True) -> str:
    """The text of a function of ``2 + 15 * blocks`` lines; without early returns, other statements stand there."""
    leave = "return total" if early_returns else "total -= 1"
    text = [f"def {NAME}(xs, limit, total):\n"]
    text += [_BLOCKS[k % len(_BLOCKS)].format(k=k, leave=leave) for k in range(blocks)]
    text.append("    return total\n")
    return "".join(text)


def blocks_for(lines: int) -> int:
    """How many blocks make about ``lines`` lines."""
    return max(1, round((lines - 2) / LINES_OF_BLOCK))
