"""What a call of a compiled function costs when the function itself does next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import autograph as ag

from . import peers
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

JIT = "jax.jit(f)"
FUNCTION = "ag.function(f)"
TF_FUNCTION = "tf.function(f)"
TF_ENGINE = "ag.function(f) on TensorFlow"
TF_FLAT = "TensorFlow's concrete function, given a flat list"

AT_MOST = 1.15
AT_MOST_OF_TENSORFLOW = 0.5

_TREE = "def total(tree):\n    return tree['a'] + tree['b']['c'] + tree['b']['d'][0] + tree['e'][1]\n"
_MODE = "def total(x, mode):\n    if mode == 'a':\n        return x + 1\n    return x\n"
_SUM = "def total(x, y):\n    return x + y\n"
_WHY = (
    "A function without static arguments that reads nothing outside is JAX's own compiled function behind one call in "
    "Python. What is above 1 is that call, and the look at whether a trace is under way. Static arguments are compared "
    "in Python too, and keywords put in order, which jax.jit does in C++."
)


def contests(_: Scale) -> Iterator[Contest]:
    """One contest for each form of arguments, on both engines, and one for what is read outside them."""
    workshop = Workshop()
    one = jax.block_until_ready(jnp.asarray(1.0, jnp.float32))
    tensorflow = peers.load(peers.TENSORFLOW)
    yield _scalar(workshop, one, tensorflow)
    for count in (10, 100):
        title = f"A call with {count} array arguments"
        yield _contest(f"dispatch of {count}", title, workshop, _sum_of(count), [one] * count, at_most=AT_MOST)
        if tensorflow is not None:
            number = tensorflow.constant(1.0)
            yield _on_tensorflow(f"dispatch of {count}", title, workshop, _sum_of(count), [number] * count, {})
    title = "A call with a nested dict"
    yield _contest("dispatch of a dict", title, workshop, _TREE, [_tree_of(one)], at_most=AT_MOST)
    if tensorflow is not None:
        yield _on_tensorflow("dispatch of a dict", title, workshop, _TREE, [_tree_of(tensorflow.constant(1.0))], {})
    yield from _other_forms(workshop, one, tensorflow)
    yield _outside(workshop, one)


def _tree_of(one: Any) -> Any:
    return {"a": one, "b": {"c": one, "d": [one, one]}, "e": (one, one)}


def _other_forms(workshop: Workshop, one: Any, tensorflow: Any) -> Iterator[Contest]:
    """Static strings, keywords and signatures: what more than the types of positional arrays has to be looked at."""
    number = None if tensorflow is None else tensorflow.constant(1.0)
    for name, title, text, values, named, static in (
        ("a string", "A call with a static string", _MODE, 1, {"mode": "a"}, "mode"),
        ("keywords", "A call with two arrays by keyword", _SUM, 0, {"x": None, "y": None}, ()),
        ("a signature", "A call of a function with an input_signature", _SUM, 2, {}, ()),
    ):
        specs = [ag.TensorSpec([], "float32")] * 2 if name == "a signature" else None
        on_jax = {key: one if value is None else value for key, value in named.items()}
        yield _contest(
            f"dispatch of {name}", title, workshop, text, [one] * values, on_jax, static_argnames=static, specs=specs
        )
        if tensorflow is not None:
            given = {key: number if value is None else value for key, value in named.items()}
            yield _on_tensorflow(f"dispatch of {name}", title, workshop, text, [number] * values, given, specs)


def _on_tensorflow(
    name: str,
    title: str,
    workshop: Workshop,
    text: str,
    arguments: list[Any],
    named: dict[str, Any],
    specs: Any = None,
) -> Contest:
    tensorflow: Any = peers.load(peers.TENSORFLOW)
    signature = None if specs is None else [tensorflow.TensorSpec(spec.shape, spec.dtype) for spec in specs]
    by_peer = tensorflow.function(workshop.function(text, "total"), input_signature=signature)
    own = ag.function(workshop.function(text, "total"), backend="tensorflow", input_signature=specs)
    concrete = by_peer.get_concrete_function(*arguments, **named)
    tensors = [leaf for leaf in tensorflow.nest.flatten([arguments, named]) if tensorflow.is_tensor(leaf)]
    return Contest(
        f"{name} on TensorFlow",
        f"{title}, on TensorFlow",
        "call",
        [
            _contestant(TF_FUNCTION, by_peer, *arguments, **named),
            _contestant(TF_ENGINE, own, *arguments, **named),
            Contestant(
                TF_FLAT,
                lambda _: lambda: concrete._call_flat(list(tensors), []),
                lambda: float(concrete._call_flat(list(tensors), [])),
            ),
        ],
        [
            Ratio(
                f"{title}: ag.function on TensorFlow / tf.function",
                TF_ENGINE,
                TF_FUNCTION,
                at_most=AT_MOST_OF_TENSORFLOW,
            ),
            Ratio(f"{title}: ag.function on TensorFlow / {TF_FLAT}", TF_ENGINE, TF_FLAT),
        ],
    )


def _sum_of(count: int) -> str:
    names = [f"a{index}" for index in range(count)]
    return f"def total({', '.join(names)}):\n    return {' + '.join(names)}\n"


def _scalar(workshop: Workshop, one: Any, tensorflow: Any) -> Contest:
    def successor() -> Any:
        return workshop.function(program("successor"), "successor")

    contestants = [
        _contestant(JIT, jax.jit(successor()), one),
        _contestant(FUNCTION, ag.function(successor()), one),
    ]
    if tensorflow is not None:
        number = tensorflow.constant(1.0)
        contestants.append(_contestant(TF_FUNCTION, tensorflow.function(successor()), number))
        contestants.append(_contestant(TF_ENGINE, ag.function(successor()), number))
    return Contest(
        "dispatch",
        "A call of a compiled function of one scalar",
        "call",
        contestants,
        [
            Ratio("A call: ag.function / jax.jit", FUNCTION, JIT, at_most=AT_MOST, why=_WHY),
            Ratio("A call: tf.function / ag.function", TF_FUNCTION, FUNCTION),
            Ratio(
                "A call: ag.function on TensorFlow / tf.function",
                TF_ENGINE,
                TF_FUNCTION,
                at_most=AT_MOST_OF_TENSORFLOW,
            ),
        ],
        missing=[TF_FUNCTION] if tensorflow is None else [],
    )


def _contest(
    name: str,
    title: str,
    workshop: Workshop,
    text: str,
    arguments: list[Any],
    named: dict[str, Any] | None = None,
    *,
    static_argnames: Any = (),
    specs: Any = None,
    at_most: float | None = None,
) -> Contest:
    by_jit = jax.jit(workshop.function(text, "total"), static_argnames=static_argnames)
    by_function = ag.function(workshop.function(text, "total"), input_signature=specs)
    return Contest(
        name,
        title,
        "call",
        [
            _contestant(JIT, by_jit, *arguments, **(named or {})),
            _contestant(FUNCTION, by_function, *arguments, **(named or {})),
        ],
        [Ratio(f"{title}: ag.function / jax.jit", FUNCTION, JIT, at_most=at_most, why=_WHY)],
    )


_OUTSIDE = """
import jax.numpy as jnp
weight, rate = jnp.ones(()), 0.5

def scaled(x):
    return x * weight * rate
"""


def _outside(workshop: Workshop, one: Any) -> Contest:
    """A function that reads an array and a number outside, against one that is given them."""
    reads = ag.function(workshop.function(_OUTSIDE, "scaled"))
    given = jax.jit(lambda weight, x: x * weight * 0.5)
    weight = jnp.ones(())
    return Contest(
        "dispatch with outside state",
        "A call that reads an array and a number outside",
        "call",
        [
            Contestant(JIT, lambda _: lambda: given(weight, one), lambda: float(given(weight, one))),
            _contestant(FUNCTION, reads, one),
        ],
        [Ratio("Outside state: ag.function / jax.jit with arguments", FUNCTION, JIT)],
    )


def _contestant(name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Contestant:
    return Contestant(
        name, lambda _: lambda: function(*arguments, **named), lambda: float(function(*arguments, **named))
    )
