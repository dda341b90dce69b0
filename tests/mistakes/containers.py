"""Staged values in the places of Python's numbers: indices, keys, lengths, and in containers that nobody looks into."""

from __future__ import annotations

from . import Mistake, scalar, vector

_STATIC = 'static_argnames=["{}"]'
_STAGED = "`{}` is staged (int32[]): its value is known only when the graph runs."

MISTAKES = [
    Mistake(
        "a list of mixed items at a staged index",
        """
        def f(i):
            table = [1, "two", 3.0]
            return table[i]  # here
        """,
        scalar("1"),
        {"jax": "TypeError", "tensorflow": "StagingError"},
        (_STAGED.format("i"), "`table`", "'two'", "one type and shape", _STATIC.format("i")),
    ),
    Mistake(
        "a list of arrays of different shape at a staged index",
        """
        def f(x, i):
            table = [x, x[:2]]
            return table[i] + 1  # here
        """,
        vector("1"),
        "ValueError",
        (_STAGED.format("i"), "float32[3], float32[2]", "pad"),
    ),
    Mistake(
        "a staged key of a dict",
        """
        def f(i):
            table = {0: 1.0, 1: 2.0}
            return table[i]  # here
        """,
        scalar("1"),
        "TypeError",
        (_STAGED.format("i"), "a key of `table`", "values[i]", _STATIC.format("i")),
    ),
    Mistake(
        "an item stored under a staged key",
        """
        def f(i):
            table = {}
            table[i] = 1.0  # here
            return i
        """,
        scalar("1"),
        "TypeError",
        (_STAGED.format("i"), "a key of `table`", _STATIC.format("i")),
    ),
    Mistake(
        "a dict display with a staged key",
        """
        def f(i):
            table = {i: 1}  # here
            return i
        """,
        scalar("1"),
        "TypeError",
        (_STAGED.format("i"), "cannot be a key of a dict", _STATIC.format("i")),
    ),
    Mistake(
        "dict.get with a staged key",
        """
        def f(i):
            table = {0: 1.0, 1: 2.0}
            return table.get(i, 0.0)  # here
        """,
        scalar("1"),
        "TypeError",
        (_STAGED.format("i"), "cannot be a key", "values[i]", _STATIC.format("i")),
    ),
    Mistake(
        "a staged value in a set",
        """
        def f(i):
            seen = {i}  # here
            return i
        """,
        scalar("1"),
        "TypeError",
        (_STAGED.format("i"), "no set can hold it", _STATIC.format("i")),
    ),
    Mistake(
        "a dict comprehension over a staged range",
        """
        def f(n):
            table = {k: 0 for k in range(n)}  # here
            return n
        """,
        scalar("3"),
        "StagingError",
        (_STAGED.format("n"), "to make a dict", "A list can grow in the graph", _STATIC.format("n")),
    ),
    Mistake(
        "a set comprehension over a staged range",
        """
        def f(n):
            seen = {k % 2 for k in range(n)}  # here
            return n
        """,
        scalar("3"),
        "StagingError",
        (_STAGED.format("n"), "to make a set", _STATIC.format("n")),
    ),
    Mistake(
        "a staged bound of an array's slice",
        """
        def f(x, n):
            return x[:n]  # here
        """,
        {"jax": "jnp.ones(3), 2"},
        "IndexError",
        (_STAGED.format("n"), "dynamic_slice_in_dim(x, start, size)", "jnp.arange(len(x)) < n", _STATIC.format("n")),
    ),
    Mistake(
        "a staged bound of a list's slice",
        """
        def f(n):
            items = [1, 2, 3]
            return items[:n]  # here
        """,
        scalar("2"),
        {"jax": "TracerIntegerConversionError", "tensorflow": "TypeError"},
        (_STAGED.format("n"), "the list `items`", "`break`", _STATIC.format("n")),
    ),
    Mistake(
        "a staged index of a string",
        """
        def f(n):
            letters = "abc"
            return letters[n]  # here
        """,
        scalar("2"),
        {"jax": "TracerIntegerConversionError", "tensorflow": "TypeError"},
        (_STAGED.format("n"), "the string `letters`", _STATIC.format("n")),
    ),
    Mistake(
        "a list repeated as often as the graph says",
        """
        def f(n):
            return [0] * n  # here
        """,
        {"jax": "3"},
        "TypeError",
        (_STAGED.format("n"), "cannot be repeated", "for _ in range(n)", _STATIC.format("n")),
    ),
    Mistake(
        "a staged shape",
        """
        def f(n):
            return xp.zeros(n) + 1.0  # here
        """,
        {"jax": "3"},
        "TypeError",
        (_STAGED.format("n"), "A shape has to be known", "jnp.arange(size) < n", _STATIC.format("n")),
    ),
    Mistake(
        "an array reshaped to a staged size",
        """
        def f(x, n):
            return x.reshape(n)  # here
        """,
        {"jax": "jnp.ones(3), 3"},
        "TypeError",
        ("`n`", "A shape has to be known", _STATIC.format("n")),
    ),
    Mistake(
        "a shape fixed by a staged size",
        """
        def f(x, n):
            x.set_shape([n])  # here
            return x
        """,
        {"tensorflow": "tf.ones(3), tf.constant(3)"},
        "TypeError",
        ("`n`", "A shape has to be known", _STATIC.format("n")),
    ),
    Mistake(
        "the length of a scalar",
        """
        def f(x):
            return len(x)  # here
        """,
        scalar("3"),
        "TypeError",
        ("`x` is a scalar (int32[]): it has no length", "`range(x)`", "`x.shape[0]`"),
    ),
    Mistake(
        "a loop over a scalar",
        """
        def f(x):
            total = 0
            for item in x:  # here
                total += item
            return total
        """,
        scalar("3"),
        "TypeError",
        ("`x` is a scalar (int32[]): it has no items", "`range(x)`"),
    ),
    Mistake(
        "a scalar taken apart",
        """
        def f(x):
            a, b = x  # here
            return a
        """,
        scalar("3"),
        "TypeError",
        ("`x` is a scalar (int32[]): it has no items",),
    ),
    Mistake(
        "a staged value in a queue, used when its branch is over",
        """
        import queue
        kept = queue.SimpleQueue()

        def f(x):
            if x > 0:
                kept.put(x * 2)
            return x + kept.get()  # here
        """,
        scalar("3"),
        {"jax": "UnexpectedTracerError", "tensorflow": "InaccessibleTensorError"},
        ("x + kept.get()`", "another trace", "Return the value"),
    ),
    Mistake(
        "a staged value of another function's trace",
        """
        import queue
        kept = queue.SimpleQueue()

        def g(x):
            kept.put(x * 2)
            return x

        def f(x):
            return x + kept.get()  # here

        ag.function(g)(xp.ones(3))
        """,
        vector(),
        {"jax": "UnexpectedTracerError", "tensorflow": "InaccessibleTensorError"},
        ("x + kept.get()`", "another trace", "line 5", "Return the value"),
    ),
    Mistake(
        "a staged value in an attribute set behind Python's back",
        """
        class Box:
            pass

        box = Box()

        def f(n):
            for i in range(n):
                object.__setattr__(box, "last", i * 2)
            return n + box.last  # here
        """,
        scalar("3"),
        {"jax": "UnexpectedTracerError", "tensorflow": "InaccessibleTensorError"},
        ("n + box.last`", "another trace", "in an attribute"),
    ),
    Mistake(
        "a staged value in an array of objects",
        """
        kept = np.empty(1, object)

        def f(n):
            for i in range(n):
                kept[0] = i * 2  # here
            return n
        """,
        scalar("3"),
        "TypeError",
        ("`i` is staged", "`kept` is an array of objects", "list or a dict"),
    ),
]
