"""Directives with arguments that they cannot have."""

from __future__ import annotations

from . import Mistake, scalar

MISTAKES = [
    Mistake(
        "a gradient that may keep no state",
        """
        def f(n):
            while n > 1:
                ag.set_loop_options(checkpoints=0)  # here
                n = n // 2
            return n
        """,
        scalar("3"),
        "ValueError",
        ("set_loop_options(checkpoints=) is 0", "at least 1"),
    ),
    Mistake(
        "a number of iterations that is none",
        """
        def f(n):
            while n > 1:
                ag.set_loop_options(unroll="many")  # here
                n = n // 2
            return n
        """,
        scalar("3"),
        "TypeError",
        ("set_loop_options(unroll=) is 'many'", "is an int"),
    ),
    Mistake(
        "a dtype that does not exist",
        """
        def f(n):
            items = []
            ag.set_element_type(items, "int31")  # here
            for i in range(n):
                items.append(i)
            return n
        """,
        scalar("3"),
        "TypeError",
        ("'int31' is no dtype",),
    ),
    Mistake(
        "an element type for a tuple",
        """
        def f(n):
            items = ()
            ag.set_element_type(items, "int32")  # here
            return n
        """,
        scalar("3"),
        "TypeError",
        ("takes a list, not a tuple", "items = []"),
    ),
    Mistake(
        "a stack of an empty list",
        """
        def f(n):
            items = []
            return ag.stack(items)  # here
        """,
        scalar("3"),
        "ValueError",
        ("`ag.stack(items)` is of an empty list", "ag.set_element_type(items, dtype, shape)"),
    ),
    Mistake(
        "a list with less room than it has items",
        """
        def f(n):
            items = [n, n]
            ag.set_element_type(items, "int32", capacity=1)  # here
            return n
        """,
        scalar("3"),
        "ValueError",
        ("capacity is 1, but the list holds 2 elements",),
    ),
]
