"""What goes wrong when the graph runs."""

from __future__ import annotations

from . import Mistake, scalar


def _run(
    title: str,
    program: str,
    args: dict[str, str],
    error: str | dict[str, str],
    says: tuple[str, ...],
    says_too: dict[str, tuple[str, ...]] | None = None,
) -> Mistake:
    return Mistake(title, program, args, error, says, says_too or {}, when="running")


_FAILED = {"jax": "AssertionError", "tensorflow": "AssertionFailed"}

MISTAKES = [
    _run(
        "an assertion that fails in a loop",
        """
        def f(n):
            total = 0
            for i in range(n):
                assert i < 3, f"i is {i}"  # here
                total += i
            return total
        """,
        scalar("5"),
        _FAILED,
        ("i is 3", "iteration 3", "line 3", "for i in range(n)"),
    ),
    _run(
        "an assertion without a message",
        """
        def f(n):
            while n < 100:
                n = n * 2
                assert n != 12  # here
            return n
        """,
        scalar("3"),
        _FAILED,
        ("iteration 1", "line 2", "while n < 100"),
    ),
    _run(
        "an exception in nested loops",
        """
        def f(n):
            total = 0
            for i in range(n):
                j = 0
                while j < n:
                    if i * j == 6:
                        raise ValueError(f"{i} times {j}")  # here
                    j += 1
                    total += j
            return total
        """,
        scalar("5"),
        "ValueError",
        ("2 times 3", "iteration 2", "line 3", "for i in range(n)", "iteration 3", "line 5", "while j < n"),
    ),
    _run(
        "a list index out of range",
        """
        def f(n):
            items = [1, 2, 3]
            total = 0
            for i in range(n):
                total += items[i]  # here
            return total
        """,
        scalar("5"),
        "IndexError",
        ("list index out of range",),
        {"jax": ("iteration 3", "line 4", "for i in range(n)")},
    ),
    _run(
        "an item taken from an empty list",
        """
        def f(n):
            items = []
            for i in range(n):
                items.append(i)
            for i in range(n + 1):
                items.pop()  # here
            return n
        """,
        scalar("3"),
        "IndexError",
        ("pop from empty list",),
        {"jax": ("iteration 3", "line 5")},
    ),
    _run(
        "a variable that has not been assigned",
        """
        def f(n):
            for i in range(n):
                if i == 2:
                    last = i
                n = n + last  # here
            return n
        """,
        scalar("5"),
        "UnboundLocalError",
        ("'last'", "iteration 0", "line 2"),
    ),
    _run(
        "a variable of a loop that never ran",
        """
        def f(n):
            for i in range(n):
                last = i * 2
            return last  # here
        """,
        scalar("0"),
        "UnboundLocalError",
        ("'last'",),
    ),
    _run(
        "arithmetic with None",
        """
        def f(n):
            best = None
            for i in range(n):
                if i > 10:
                    best = i
            return best + 1  # here
        """,
        scalar("5"),
        "TypeError",
        ("NoneType",),
    ),
    _run(
        "a loop whose condition nothing changes",
        """
        def f(n):
            steps = 0
            while n > 1:  # here
                steps = steps + 1
            return steps
        """,
        scalar("5"),
        "RuntimeError",
        ("never ends", "`n > 1`", "line 3", "the body changes 'steps'"),
    ),
]
