"""NumPy's functions over staged values. Those that the framework has too become its own, and are no mistake."""

from __future__ import annotations

from . import Mistake, vector

_NUMPYS = "is NumPy's and needs the numbers themselves"
_HOST = 'run_as="py_func"'

MISTAKES = [
    Mistake(
        "NumPy in a function that is not converted",
        """
        @ag.do_not_convert
        def grow(x):
            return np.exp(x)  # here

        def f(x):
            return grow(x)
        """,
        vector(),
        {"jax": "TracerArrayConversionError", "tensorflow": "NotImplementedError"},
        ("`x` is staged (float32[3])", f"`np.exp` {_NUMPYS}", "grow() was run as it is", "ag.do_not_convert"),
        {"jax": ("jnp.exp does the same",), "tensorflow": ("tf.exp does the same",)},
    ),
    Mistake(
        "np.vectorize over a staged array",
        """
        def f(x):
            return np.vectorize(abs)(x)  # here
        """,
        vector(),
        {"jax": "TracerArrayConversionError", "tensorflow": "NotImplementedError"},
        ("`x` is staged (float32[3])", f"`np.vectorize` {_NUMPYS}"),
        {"jax": ("jnp.vectorize does the same",), "tensorflow": (_HOST,)},
    ),
    Mistake(
        "np.median over a staged tensor",
        """
        def f(x):
            return np.median(x)  # here
        """,
        {"tensorflow": "tf.ones(3)"},
        "NotImplementedError",
        ("`x` is staged (float32[3])", f"`np.median` {_NUMPYS}", _HOST),
    ),
    Mistake(
        "an array written to a file by NumPy",
        """
        def f(x):
            np.savetxt("array.txt", x)  # here
            return x
        """,
        vector(),
        {"jax": "TracerArrayConversionError", "tensorflow": "NotImplementedError"},
        ("`x` is staged (float32[3])", f"`np.savetxt` {_NUMPYS}", _HOST),
    ),
    Mistake(
        "random numbers of NumPy's, as many as the graph says",
        """
        def f(x, n):
            return x + np.random.rand(n)  # here
        """,
        vector("3"),
        {"jax": "TracerIntegerConversionError", "tensorflow": "TypeError"},
        ("`n` is staged (int32[])", "`np.random.rand` draws its numbers while the graph is built"),
        {"jax": ("jax.random",), "tensorflow": ("tf.random",)},
    ),
]
