"""What cannot be converted."""

from __future__ import annotations

from . import Mistake

_BOTH = {"jax": "3", "tensorflow": "3"}


def _found(title: str, program: str, says: tuple[str, ...]) -> Mistake:
    return Mistake(title, program, _BOTH, "ConversionError", says, when="converting")


MISTAKES = [
    _found(
        "a generator function",
        """
        def f(x):
            while x > 0:
                yield x
                x = x - 1
        """,
        ("f() cannot be converted: it is a generator function", "line 1\n    def f(x):\n        ^", "return a list"),
    ),
    _found(
        "a coroutine function",
        """
        async def f(x):
            return x
        """,
        (
            "f() cannot be converted: it is a coroutine function",
            "line 1\n    async def f(x):\n              ^",
            "(def)",
        ),
    ),
    _found(
        "an asynchronous generator",
        """
        async def f(x):
            yield x
        """,
        ("it is an asynchronous generator function", "line 1\n    async def f(x):\n              ^", "(def)"),
    ),
    _found(
        "a function of native code",
        """
        import math
        f = math.sin
        """,
        ("math.sin cannot be converted", "native code", "inside a converted function"),
    ),
    _found(
        "a decorator that hides the function",
        """
        import functools

        @functools.lru_cache
        def f(x):
            return x if x > 0 else -x
        """,
        ("lru_cache_wrapper", "line 4\n    def f(x):\n        ^", "f.__wrapped__", "change places"),
    ),
    _found(
        "a function without source",
        """
        namespace = {}
        exec("def f(x):\\n    return x", namespace)
        f = namespace["f"]
        """,
        ("f() cannot be converted: its source is not available", "compiled from a string", "linecache.cache"),
    ),
    _found(
        "a source that has changed",
        """
        import linecache

        def f(x):
            return x

        linecache.cache[__import__("inspect").currentframe().f_code.co_filename] = (1, None, ["# new\\n"], "")
        """,
        ("f() cannot be converted: its source has changed", "line 3", "Reload the module"),
    ),
    _found(
        "locals() in a converted function",
        """
        def f(x):
            scale = 2
            return eval("x * scale")
        """,
        ("it calls eval()", 'line 3\n    return eval("x * scale")\n           ^', "Name what it is to see"),
    ),
    _found(
        "a directive outside of any loop",
        """
        def f(n):
            ag.set_loop_options(max_iterations=10)
            while n > 1:
                n = n // 2
            return n
        """,
        ("outside of any loop", "line 2\n    ag.set_loop_options(", "first statement of the loop's body"),
    ),
    _found(
        "a directive with an unknown option",
        """
        def f(n):
            while n > 1:
                ag.set_loop_options(max_iters=10)
                n = n // 2
            return n
        """,
        (
            "no option 'max_iters'",
            "line 3\n    ag.set_loop_options(max_iters=10)\n                        ^^^^^^^^^^^^",
            "max_iterations",
        ),
    ),
]
