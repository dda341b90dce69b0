"""The programs of "AutoGraph: Imperative-style Coding with Graph-based Performance" (MLSys 2019).

A dynamic recurrent network; stochastic gradient descent with the loop in Python, with the model in the graph, and with
the whole loop in the graph; L-BFGS; MAML; a decoder that reads what it writes; beam search; a network over trees. Each
as ordinary Python that is run eagerly, converted, and by hand; the first two on TensorFlow as well.
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
from .fresh import Workshop, program
from .measure import Contest, Contestant, Ratio
from .scale import Scale

EAGER = "eager JAX"
CONVERTED = "jax.jit(ag.convert(f))"
BY_HAND = "hand-written lax"
IN_PYTHON = "jax.jit(update), with the loop in Python"
TF_EAGER = "eager TensorFlow"
TF_ENGINE = "ag.function(f) on TensorFlow"
TF_FUNCTION = "tf.function(f)"
TF_BY_HAND = "hand-written tf.while_loop"
TF_IN_PYTHON = "tf.function(update), with the loop in Python"

_WHY = {
    "decode": "XLA makes the same loop of both; what differs is the order of its state.",
    "train": "XLA makes the same loop of both; what differs is the order of its state.",
}
_WHY_TF = (
    "Where all operations are on its list, AutoGraph compiles the loop with XLA, which pays off for small operations; "
    "for matrix products XLA's are not those of oneDNN. jit_compile=False gives the graph that TensorFlow runs itself."
)


def contests(scale: Scale) -> Iterator[Contest]:
    """One contest for each program and size, first on JAX and then on TensorFlow."""
    workshop = Workshop()
    small = scale.kernel_size == 2
    for length in scale.lengths:
        for batch in scale.batches:
            yield _on_jax(workshop, "recurrent", f", length {length}, batch {batch}", _sequences(length, batch))
    batches = _batches(4 if small else 100)
    yield _on_jax(workshop, "train", f", {len(batches[2])} batches", batches)
    yield _on_jax(workshop, "lbfgs", "", (_uniform(8), 3 if small else 10))
    yield _on_jax(workshop, "maml", "", _tasks(2 if small else 10), gradient=True)
    yield _on_jax(workshop, "decode", "", (*_decoder(32), 5 if small else 400))
    yield _on_jax(workshop, "beam_search", "", (_uniform(8), _uniform(40, 40) * 2 - 3, 4 if small else 60))
    yield _on_jax(workshop, "tree_lstm", "", _tree(8 if small else 128))
    tensorflow = peers.load(peers.TENSORFLOW)
    for length in scale.lengths:
        yield _on_tensorflow(
            tensorflow, workshop, "recurrent", f", length {length}", _sequences(length, scale.batches[0])
        )
    yield _on_tensorflow(tensorflow, workshop, "train", f", {len(batches[2])} batches", batches)


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
    given = functools.cache(arguments)

    def call() -> Any:
        return jax.block_until_ready(function(*given()))

    return Contestant(name, lambda _: call, lambda: _shown(call()))


def _on_jax(workshop: Workshop, name: str, size: str, given: tuple[Any, ...], gradient: bool = False) -> Contest:
    def arguments() -> tuple[Any, ...]:
        return jax.tree.map(jnp.asarray, given)

    own = workshop.function(program("paper_jax"), name)
    converted = ag.convert(own)
    by_hand = workshop.function(program("paper_jax_lax"), name)
    if gradient:
        own, converted, by_hand = (jax.grad(function) for function in (own, converted, by_hand))
    contestants = [
        _timed(BY_HAND, jax.jit(by_hand), arguments),
        _timed(CONVERTED, jax.jit(converted), arguments),
        _timed(EAGER, own, arguments),
    ]
    if name == "train":
        update = jax.jit(workshop.function(program("paper_jax"), "update"))
        contestants.append(_timed(IN_PYTHON, functools.partial(_loop, update), arguments))
    what = f"{name}{size}"
    return Contest(
        f"paper-{name}{size.replace(' ', '-').replace(',', '')}",
        f"{what}, on JAX",
        "call",
        contestants,
        [
            Ratio(f"{what}: AutoGraph / hand-written lax", CONVERTED, BY_HAND, at_most=1.05, why=_WHY.get(name, "")),
            Ratio(f"{what}: eager JAX / AutoGraph", EAGER, CONVERTED),
            *([Ratio(f"{what}: the loop in Python / AutoGraph", IN_PYTHON, CONVERTED)] if name == "train" else []),
        ],
        slow=True,
        clock=time.process_time,
    )


def _loop(update: Callable[..., Any], weight: Any, bias: Any, xs: Any, ys: Any) -> Any:
    for k in range(len(xs)):
        weight, bias = update(weight, bias, xs[k], ys[k])
    return weight


def _on_tensorflow(tensorflow: Any, workshop: Workshop, name: str, size: str, given: tuple[Any, ...]) -> Contest:
    names = [TF_BY_HAND, TF_ENGINE, TF_FUNCTION, TF_EAGER]
    contestants = []
    if tensorflow is not None:

        def arguments(_: Workshop = workshop) -> tuple[Any, ...]:
            return tuple(tensorflow.constant(array) for array in given)  # the sources live as long as the workshop

        by_hand = workshop.function(program("paper_tf_hand"), name)
        functions = {
            TF_BY_HAND: tensorflow.function(by_hand, autograph=False),
            TF_ENGINE: ag.function(workshop.function(program("paper_tf"), name)),
            TF_FUNCTION: tensorflow.function(workshop.function(program("paper_tf"), name)),
            TF_EAGER: workshop.function(program("paper_tf"), name),
        }
        if name == "train":
            update = tensorflow.function(workshop.function(program("paper_tf"), "update"))
            functions[TF_IN_PYTHON] = functools.partial(_loop, update)
        contestants = [_timed(label, function, arguments) for label, function in functions.items()]
    what = f"{name}{size}, on TensorFlow"
    return Contest(
        f"paper-tensorflow-{name}{size.replace(' ', '-').replace(',', '')}",
        what,
        "call",
        contestants,
        [
            Ratio(f"{what}: AutoGraph / hand-written graph", TF_ENGINE, TF_BY_HAND, at_most=1.05, why=_WHY_TF),
            Ratio(f"{what}: tf.function / AutoGraph", TF_FUNCTION, TF_ENGINE, at_least=1.0, why=_WHY_TF),
            Ratio(f"{what}: eager TensorFlow / AutoGraph", TF_EAGER, TF_ENGINE),
        ],
        missing=names if tensorflow is None else [],
        slow=True,
    )
