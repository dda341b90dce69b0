"""The programs of "AutoGraph: Imperative-style Coding with Graph-based Performance" (MLSys 2019).

A dynamic recurrent network; stochastic gradient descent with everything in Python, with the model in the graph, and
with the whole loop in the graph; L-BFGS; MAML; a network that translates; a decoder that reads what it writes; beam
search; a network over trees. Each as ordinary Python that is run eagerly, converted by this project and by
``tf.function``, and by hand, on JAX and on TensorFlow.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import autograph as ag

from . import peers
from .everybody import (
    BY_HAND,
    CONVERTED,
    EAGER,
    TF_BY_HAND,
    TF_BY_HAND_COMPILED,
    TF_COMPILED,
    TF_EAGER,
    TF_ENGINE,
    TF_FUNCTION,
)
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

IN_PYTHON = "jax.jit(update), with the loop in Python"
TF_IN_PYTHON = "tf.function(update), with the loop in Python"

_LONG = ("lbfgs", "maml", "tree_lstm")
"""Programs that take seconds to trace on TensorFlow, or to run eagerly."""
_WHY_SAME = (
    "XLA makes the same loops of both, with as many matrix products and as many carried values; what differs is a few "
    "operations on scalars and the order of the state."
)
_WHY = {
    "train": "The same loop with as many fused kernels, which carries the same values; 148 operations against 140, "
    "since places in the arrays are counted from either end.",
    "lbfgs": "The second operand of `and` in the test of the outer loop is evaluated under a condition; by hand both "
    "operands are evaluated. The loops and what they carry are the same.",
    "maml": "The same four loops; 88 fused kernels against 87, and one value more is carried back through one of them.",
    "seq2seq": "The next word is chosen by a conditional, so that the greatest number is looked for in half of the "
    "steps only; by hand it is looked for in all, and selected.",
}
_WHY_TF = (
    "TensorFlow runs a loop an operation at a time, as it runs those by hand and tf.function's, where XLA does not "
    "compile it: AutoGraph has XLA compile a function only if all of its operations are on a list, and the lists of "
    "states that the gradient of a loop keeps, as in maml, are not. It would need the number of iterations, which XLA "
    "wants to know."
)
_WHY_GAIN = "Where an operation takes long, eager execution loses little, and no graph can gain much."


def contests(scale: Scale) -> Iterator[Contest]:
    """For each program and size: JAX, then TensorFlow, then what both gain over eager execution."""
    workshop = Workshop()
    small = scale.kernel_size == 2
    programs = [
        ("recurrent", f", length {length}, batch {batch}", _sequences(length, batch))
        for length in scale.lengths
        for batch in scale.batches
    ]
    batches = _batches(4 if small else 100)
    programs += [
        ("train", f", {len(batches[2])} batches", batches),
        ("lbfgs", "", (_uniform(8), np.int32(3 if small else 10))),
        ("maml", "", _tasks(2 if small else 10)),
        ("seq2seq", "", _sentences(3 if small else 40)),
        ("decode", "", (*_decoder(32), np.int32(5 if small else 400))),
        ("beam_search", "", (_uniform(8), _uniform(40, 40) * 2 - 3, np.int32(4 if small else 60))),
        ("tree_lstm", "", _tree(8 if small else 128)),
    ]
    for name, size, given in programs:
        on_jax = _on_jax(workshop, name, given)
        yield _jax_contest(name, size, on_jax)
        if scale.everything or name not in _LONG:
            on_tensorflow = _on_tensorflow(workshop, name, given)
            yield _tensorflow_contest(name, size, on_tensorflow)
            yield _gain_contest(name, size, on_jax, on_tensorflow)


def _uniform(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).random(shape, dtype=np.float32)


def _sequences(length: int, batch: int, size: int = 64) -> tuple[Any, ...]:
    lengths = np.random.default_rng(1).integers(length // 2, length, batch).astype(np.int32)
    w, u, b = (_uniform(size, size) - 0.5) / 4, (_uniform(size, size + 1)[:, 1:] - 0.5) / 4, _uniform(size)
    return w, u, b, _uniform(length, batch, size), lengths


def _batches(count: int) -> tuple[Any, ...]:
    xs = _uniform(count, 100, 64)
    ys = np.random.default_rng(2).integers(0, 10, (count, 100)).astype(np.int32)
    return np.zeros((64, 10), np.float32), np.zeros(10, np.float32), xs, ys


def _tasks(count: int) -> tuple[Any, ...]:
    params = [(_uniform(1, 32) - 0.5, np.zeros(32, np.float32)), (_uniform(32, 1) - 0.5, np.zeros(1, np.float32))]
    xs = _uniform(count, 10, 1) * 6 - 3
    return params, xs, np.sin(xs)


def _sentences(length: int, batch: int = 16, size: int = 32, words: int = 50) -> tuple[Any, ...]:
    random = np.random.default_rng(3)
    source, target = random.integers(1, words, (2, length, batch)).astype(np.int32)
    encoder, decoder = _uniform(2 * size, size) - 0.5, _uniform(2 * size, size + 1)[:, 1:] - 0.5
    out = _uniform(size, words) - 0.5
    return _uniform(words, size) - 0.5, encoder, decoder, out, source, target, random.random(length) < 0.5


def _decoder(size: int) -> tuple[Any, ...]:
    embedding, w, u = _uniform(50, size) - 0.5, _uniform(size, size) - 0.5, _uniform(size, size + 1)[:, 1:] - 0.5
    out = _uniform(size, 50) - 0.5
    out[:, 0] = -1.0
    return embedding, w, u, out, _uniform(size)


def _tree(leaves: int, size: int = 32) -> tuple[Any, ...]:
    count = 2 * leaves - 1
    left, right = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    for node in range(leaves, count):
        left[node], right[node] = 2 * (node - leaves), 2 * (node - leaves) + 1
    return _uniform(count, size), left, right, _uniform(size, size) - 0.5, _uniform(size, size + 1)[:, 1:] - 0.5


def _shown(result: Any) -> str:
    total = sum(float(np.abs(np.asarray(leaf)).sum()) for leaf in jax.tree_util.tree_leaves(result))
    return f"{total:.2g}"


def _timed(name: str, function: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]]) -> Contestant:
    def call() -> Any:
        return jax.block_until_ready(function(*arguments()))

    return Contestant(name, lambda _: call, lambda: _shown(call()), may_refuse=name in (TF_FUNCTION, TF_COMPILED))


def _on_jax(workshop: Workshop, name: str, given: tuple[Any, ...]) -> dict[str, Contestant]:
    arguments = functools.cache(lambda: jax.tree.map(jnp.asarray, given))
    own = workshop.function(program("paper_jax"), name)
    converted = ag.convert(own)
    by_hand = workshop.function(program("paper_jax_lax"), name)
    if name == "maml":  # the gradient of the error after adaptation
        own, converted, by_hand = (jax.grad(function) for function in (own, converted, by_hand))
    functions = {BY_HAND: jax.jit(by_hand), CONVERTED: jax.jit(converted), EAGER: own}
    if name == "train":
        functions[IN_PYTHON] = functools.partial(_loop, jax.jit(workshop.function(program("paper_jax"), "update")))
    return {label: _timed(label, function, arguments) for label, function in functions.items()}


def _on_tensorflow(workshop: Workshop, name: str, given: tuple[Any, ...]) -> dict[str, Contestant]:
    tensorflow: Any = peers.load(peers.TENSORFLOW)
    if tensorflow is None:
        return {}
    arguments = functools.cache(lambda _=workshop: jax.tree.map(tensorflow.constant, given))  # its sources have to live

    def own() -> Any:
        return workshop.function(program("paper_tf"), name)

    by_hand = workshop.function(program("paper_tf_hand"), name)
    functions = {
        TF_BY_HAND: tensorflow.function(by_hand, autograph=False),
        TF_BY_HAND_COMPILED: tensorflow.function(by_hand, autograph=False, jit_compile=True),
        TF_ENGINE: ag.function(own()),
        TF_FUNCTION: tensorflow.function(own()),
        TF_COMPILED: tensorflow.function(own(), jit_compile=True),
        TF_EAGER: own(),
    }
    if name == "train":
        update = tensorflow.function(workshop.function(program("paper_tf"), "update"))
        functions[TF_IN_PYTHON] = functools.partial(_loop, update)
    return {label: _timed(label, function, arguments) for label, function in functions.items()}


def _loop(update: Callable[..., Any], weight: Any, bias: Any, xs: Any, ys: Any) -> Any:
    for k in range(len(xs)):
        weight, bias = update(weight, bias, xs[k], ys[k])
    return weight


def _key(name: str, size: str) -> str:
    return f"{name}{size.replace(' ', '-').replace(',', '')}"


def _jax_contest(name: str, size: str, on_jax: dict[str, Contestant]) -> Contest:
    what, why = f"{name}{size}", _WHY.get(name, _WHY_SAME)
    return Contest(
        f"paper-{_key(name, size)}",
        f"{what}, on JAX",
        "call",
        [on_jax[label] for label in (BY_HAND, CONVERTED)],
        [Ratio(f"{what}: AutoGraph / hand-written lax", CONVERTED, BY_HAND, at_most=1.05, why=why)],
        clock=time.process_time,
    )


def _tensorflow_contest(name: str, size: str, on_tensorflow: dict[str, Contestant]) -> Contest:
    what = f"{name}{size}, on TensorFlow"
    labels = (TF_BY_HAND, TF_BY_HAND_COMPILED, TF_ENGINE, TF_FUNCTION, TF_COMPILED)
    return Contest(
        f"paper-tensorflow-{_key(name, size)}",
        what,
        "call",
        [on_tensorflow[label] for label in labels if label in on_tensorflow],
        [
            Ratio(f"{what}: AutoGraph / hand-written graph", TF_ENGINE, TF_BY_HAND, at_most=1.05, why=_WHY_TF),
            Ratio(f"{what}: AutoGraph / hand-written graph with XLA", TF_ENGINE, TF_BY_HAND_COMPILED),
            Ratio(f"{what}: tf.function / AutoGraph", TF_FUNCTION, TF_ENGINE, at_least=1.0, why=_WHY_TF),
            Ratio(f"{what}: tf.function(jit_compile=True) / AutoGraph", TF_COMPILED, TF_ENGINE),
        ],
        missing=[] if on_tensorflow else labels,
    )


def _gain_contest(name: str, size: str, on_jax: dict[str, Contestant], on_tensorflow: dict[str, Contestant]) -> Contest:
    """Against eager execution, which takes long; all by the same clock."""
    what = f"{name}{size}"
    labels = (CONVERTED, BY_HAND, EAGER, IN_PYTHON, TF_ENGINE, TF_BY_HAND, TF_FUNCTION, TF_EAGER, TF_IN_PYTHON)
    everybody = {**on_jax, **on_tensorflow}
    of_train = [
        Ratio(f"{what}: the loop in Python / AutoGraph", IN_PYTHON, CONVERTED),
        Ratio(f"{what}, on TensorFlow: the loop in Python / AutoGraph", TF_IN_PYTHON, TF_ENGINE),
    ]
    return Contest(
        f"paper-gain-{_key(name, size)}",
        f"{what}, against eager execution",
        "call",
        [everybody[label] for label in labels if label in everybody],
        [
            Ratio(f"{what}: eager JAX / AutoGraph", EAGER, CONVERTED),
            Ratio(f"{what}, on TensorFlow: eager TensorFlow / AutoGraph", TF_EAGER, TF_ENGINE),
            Ratio(f"{what}, on TensorFlow: eager TensorFlow / tf.function", TF_EAGER, TF_FUNCTION),
            Ratio(
                f"{what}: gain over eager JAX / gain of tf.function over eager TensorFlow",
                EAGER,
                CONVERTED,
                at_least=1.0,
                why=_WHY_GAIN,
                over=(TF_EAGER, TF_FUNCTION),
            ),
            *(of_train if name == "train" else []),
        ],
        missing=[] if on_tensorflow else labels[4:],
        slow=True,
    )
