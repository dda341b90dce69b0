"""NumPy's functions over staged values. Those that the framework has too are replaced by its own, and are no mistake."""

from __future__ import annotations

from . import Mistake, vector

_NUMPYS = "is NumPy's and needs the numbers themselves"
_HOST = 'run_as="py_func"'

MISTAKES = [
    Mistake(
        "np.sum in a function that is not converted",
        """
        @ag.do_not_convert
        def total(x):
            return np.sum(x, keepdims=np.bool_(True)).astype(np.float64).item()  # here

        def f(x):
            return total(x)
        """,
        vector(),
        {"jax": "ConcretizationTypeError", "tensorflow": "NotImplementedError"},
        ("`x` is staged (float32[3])",),
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
