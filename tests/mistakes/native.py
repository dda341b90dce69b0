"""Staged values where native code, a library or Python itself needs a number."""

from __future__ import annotations

from . import Mistake, scalar, vector

_STATIC = 'static_argnames=["n"]'
_HOST = 'run_as="py_func"'
_STAGED = "`n` is staged (int32[]): its value is known only when the graph runs."

MISTAKES = [
    Mistake(
        "operator.index of a staged value",
        """
        import operator

        def f(n):
            return operator.index(n)  # here
        """,
        scalar("3"),
        {"jax": "TracerIntegerConversionError", "tensorflow": "TypeError"},
        (_STAGED, "`operator.index` is native code", _HOST, _STATIC),
    ),
    Mistake(
        "int() of a staged value in native code",
        """
        import struct

        def f(n):
            return struct.pack("i", n)  # here
        """,
        scalar("3"),
        {"jax": "TracerIntegerConversionError", "tensorflow": "error"},
        (_STAGED, "`struct.pack` is native code", _HOST, _STATIC),
    ),
    Mistake(
        "float() of a staged value in native code",
        """
        import time

        def f(n):
            time.sleep(n)  # here
            return n
        """,
        scalar("3.0"),
        "TypeError",
        ("`n` is staged (float32[])", "`time.sleep` is native code", _HOST, _STATIC),
    ),
    Mistake(
        "bool() of a staged value in native code",
        """
        import operator

        def f(n):
            return 1 if operator.truth(n) else 0  # here
        """,
        scalar("3"),
        {"jax": "TracerBoolConversionError", "tensorflow": "OperatorNotAllowedInGraphError"},
        (_STAGED, "`operator.truth` is native code", _STATIC),
    ),
    Mistake(
        "hash() of a staged value",
        """
        def f(n):
            return hash(n)  # here
        """,
        scalar("3"),
        "TypeError",
        (_STAGED, "no hash", _STATIC),
    ),
    Mistake(
        "a cache in front of a function of staged values",
        """
        import functools

        @functools.lru_cache
        def double(n):
            return n * 2

        def f(n):
            return double(n)  # here
        """,
        scalar("3"),
        "TypeError",
        (_STAGED, "functools.lru_cache", "Leave out the cache", _STATIC),
    ),
    Mistake(
        "complex() of a staged value",
        """
        def f(n):
            return complex(n)  # here
        """,
        scalar("3"),
        {"jax": "ConcretizationTypeError", "tensorflow": "TypeError"},
        (_STAGED, "`complex`", _STATIC),
    ),
    Mistake(
        "a random number of Python's with a staged bound",
        """
        import random

        def f(n):
            return random.randint(0, n)  # here
        """,
        scalar("3"),
        {"jax": "ConcretizationTypeError|TracerIntegerConversionError", "tensorflow": "TypeError"},
        (_STAGED, "`random.randint`", "once and for all calls", _STATIC),
        {"jax": ("jax.random",), "tensorflow": ("tf.random",)},
    ),
    Mistake(
        "an f-string as a key",
        """
        def f(n):
            table = {"step 1": 10}
            return table[f"step {n}"]  # here
        """,
        scalar("1"),
        "KeyError",
        ("digits of `n` (int32[])", "as a key", _STATIC, _HOST),
    ),
    Mistake(
        "a % format as a number",
        """
        def f(n):
            return int("%d0" % n)  # here
        """,
        scalar("1"),
        "ValueError",
        ("digits of `n` (int32[])", _STATIC, _HOST),
    ),
    Mistake(
        "a formatted name of a file",
        """
        def f(n):
            with open("no/such/{}.txt".format(n)) as file:  # here
                return file.read()
        """,
        scalar("1"),
        "FileNotFoundError",
        ("digits of `n` (int32[])", "the name of a file", _HOST),
    ),
    Mistake(
        "isinstance of a staged value",
        """
        def f(n):
            if isinstance(n, np.ndarray):
                return n + 1
            raise TypeError("n is no array")  # here
        """,
        vector(),
        "TypeError",
        ("n is no array", "isinstance(n, ndarray) was False on line 2", "`n` is staged (float32[3])", _STATIC),
        {"jax": ("jax.Array",), "tensorflow": ("tf.Tensor",)},
    ),
    Mistake(
        "a value read out of the graph",
        {
            "jax": """
            def f(n):
                return [0, 1, 2][n.item()]  # here
            """,
            "tensorflow": """
            def f(n):
                return [0, 1, 2][n.numpy()]  # here
            """,
        },
        scalar("1"),
        {"jax": "ConcretizationTypeError", "tensorflow": "AttributeError"},
        (_STAGED, "asks for it now", _HOST),
    ),
    Mistake(
        "an array read out of the graph",
        """
        def f(x):
            return sum(x.tolist())  # here
        """,
        vector(),
        {"jax": "ConcretizationTypeError", "tensorflow": "AttributeError"},
        ("`x` is staged (float32[3])", "`.tolist()` asks for it now", _HOST),
    ),
    Mistake(
        "control flow on staged values in a generator",
        """
        def halves(value):
            while value > 1:  # here
                value = value / 2
                yield value

        def f(x):
            return sum(halves(x))
        """,
        scalar("3.0"),
        {"jax": "TracerBoolConversionError", "tensorflow": "OperatorNotAllowedInGraphError"},
        ("`value` is staged (float32[])", "halves() was run as it is, because it is a generator function"),
    ),
    Mistake(
        "control flow on staged values in code without source",
        """
        namespace = {}
        exec("def sign(x):\\n    return 1 if x > 0 else -1", namespace)
        sign = namespace["sign"]

        def f(x):
            return sign(x)
        """,
        scalar("3"),
        {"jax": "TracerBoolConversionError", "tensorflow": "OperatorNotAllowedInGraphError"},
        ("sign() was run as it is, because its source is not available",),
    ),
    Mistake(
        "shapes that do not fit",
        """
        def f(x, y):
            return x + y  # here
        """,
        {"jax": "jnp.ones(3), jnp.ones(2)", "tensorflow": "tf.ones(3), tf.ones(2)"},
        {"jax": "TypeError", "tensorflow": "ValueError"},
        ("In `x + y`", "`x` is float32[3]", "`y` is float32[2]"),
    ),
    Mistake(
        "an attribute that arrays do not have",
        """
        def f(x):
            return x.total  # here
        """,
        vector(),
        "AttributeError",
        ("total", "In `x.total`", "`x` is float32[3]"),
    ),
]
