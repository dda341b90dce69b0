"""What differs between the paths through a graph, and loops and calls that do not end."""

from __future__ import annotations

from . import Mistake, scalar, vector

_ONE_TYPE = "no type holds both in a graph"

MISTAKES = [
    Mistake(
        "a number on one path, a string on the other",
        """
        def f(x):
            if x > 0:  # here
                value = x
            else:
                value = "none"
            return value
        """,
        scalar("3"),
        "StagingError",
        ("variable 'value'", "int32[]", "'none'", _ONE_TYPE, "a number that stands for the text"),
    ),
    Mistake(
        "an object on one path",
        """
        def f(x):
            value = object()
            if x > 0:  # here
                value = x
            return value
        """,
        scalar("3"),
        "StagingError",
        ("variable 'value'", "int32[]", "object", _ONE_TYPE),
    ),
    Mistake(
        "another shape after a branch",
        """
        def f(x):
            if x[0] > 0:  # here
                part = x
            else:
                part = x[:2]
            return part
        """,
        {"jax": "jnp.ones(3)"},
        "StagingError",
        ("variable 'part'", "float32[3]", "float32[2]", "Pad"),
    ),
    Mistake(
        "another shape after an iteration",
        """
        def f(x, n):
            for _ in range(n):  # here
                x = jnp.concatenate([x, x])
            return x
        """,
        {"jax": "jnp.ones(3), 2"},
        "StagingError",
        ("variable 'x'", "float32[3]", "float32[6]", "ag.stack"),
    ),
    Mistake(
        "another dtype after a branch",
        """
        def f(x):
            if x[0] > 0:  # here
                part = x
            else:
                part = tf.strings.as_string(x)
            return part
        """,
        {"tensorflow": "tf.ones(3)"},
        "StagingError",
        ("variable 'part'", "float32[3]", "string[3]", _ONE_TYPE),
    ),
    Mistake(
        "another type after an iteration",
        """
        def f(n):
            label = 1
            for i in range(n):  # here
                label = "seen"
            return label
        """,
        scalar("3"),
        "StagingError",
        ("variable 'label'", "int32[]", "'seen'", _ONE_TYPE),
    ),
    Mistake(
        "another structure after a branch",
        """
        def f(n):
            state = (n,)
            if n > 1:  # here
                state = {"n": n}
            return state
        """,
        scalar("3"),
        "StagingError",
        ("variable 'state'", "{'n': int32[]}", "(int32[],)", "same structure"),
    ),
    Mistake(
        "a tuple that grows in a loop",
        """
        def f(n):
            state = (n,)
            for i in range(n):  # here
                state = (*state, i)
            return state
        """,
        scalar("3"),
        "StagingError",
        ("variable 'state'", "(int32[],)", "(int32[], int32[])", "append"),
    ),
    Mistake(
        "a variable of a type that no graph holds, assigned in a loop",
        """
        def f(n):
            for i in range(n):  # here
                found = object()
            return found
        """,
        scalar("3"),
        "StagingError",
        ("variable 'found'", "object", "no graph can hold"),
    ),
    Mistake(
        "results of different structure",
        """
        def f(x):
            if x > 0:  # here
                return x, x
            return x
        """,
        scalar("3"),
        "StagingError",
        ("result", "(int32[], int32[])", "int32[]", "same structure"),
    ),
    Mistake(
        "None in a tuple on one path, a list on the other",
        """
        def f(x):
            if x > 0:  # here
                return x, None
            return [x]
        """,
        scalar("3"),
        "StagingError",
        ("result", "(int32[], None)", "[int32[]]"),
    ),
    Mistake(
        "a dict with other keys on one path",
        """
        def f(x):
            table = {"a": x}
            if x > 0:  # here
                table["b"] = x
            return table["a"]
        """,
        scalar("3"),
        "StagingError",
        ("a dict", "other keys", "'b' on one alone", "same keys on every path"),
    ),
    Mistake(
        "a set that has an item on one path",
        """
        def f(x):
            seen = set()
            if x > 0:  # here
                seen.add("positive")
            return len(seen)
        """,
        scalar("3"),
        "StagingError",
        ("a set", "other keys", "'positive' on one alone", "a flag for each"),
    ),
    Mistake(
        "an f-string that leaves a branch",
        """
        def f(x):
            message = "none"
            if x > 0:  # here
                message = f"positive: {x}"
            print(message)
            return x
        """,
        scalar("3"),
        "StagingError",
        ("variable 'message'", "an f-string", "print it there", "make the string behind"),
    ),
    Mistake(
        "a dict that holds itself, made in a loop",
        """
        def f(x):
            node = {"value": x, "next": None}
            for i in range(x):  # here
                node = {"value": i, "next": None}
                node["next"] = node
            return node["next"]["value"]
        """,
        scalar("3"),
        "StagingError",
        ("a dict", "holds itself", "an object of a class"),
    ),
    Mistake(
        "the truth of an array",
        """
        def f(x):
            if x > 0:  # here
                return x
            return -x
        """,
        vector(),
        "ValueError",
        ("`x` is float32[3]", "neither true nor false"),
        {"jax": ("jnp.all(x > 0)", "jnp.where(x > 0, a, b)"), "tensorflow": ("tf.reduce_all(x > 0)",)},
    ),
    Mistake(
        "recursion without a static end",
        """
        def f(n):
            if n <= 1:
                return 1
            return n * f(n - 1)  # here
        """,
        scalar("5"),
        "RecursionError",
        ("f() calls itself under a condition that only the graph can decide", "write a loop"),
    ),
]
