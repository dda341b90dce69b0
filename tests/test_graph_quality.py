"""How large the graphs of the kernels are, without a clock: against `jax.lax` by hand, and against `tf.function`.

Each kernel of `benchmarks/kernels` is compiled twice for small arguments, and what XLA makes of it is counted after its
optimisation: operations, also those inside of fusions and called computations (these are none themselves, nor are
parameters, constants and what packs and unpacks tuples), loops, conditionals, copies of whole arrays inside loops, and
values that loops carry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks.kernels import KERNELS, Kernel

import autograph as ag


@dataclass(frozen=True)
class Size:
    operations: int
    loops: int
    conditionals: int
    carried: int

    @classmethod
    def of(cls, hlo: str) -> Size:
        kinds = Counter(re.findall(r"^ +(?:ROOT )?%[\w.\-]+ = (?:\(.*?\)|\S+) ([\w\-]+)\(", hlo, re.MULTILINE))
        states = re.findall(r" = (\(.*?\)) while\(", hlo)
        return cls(
            sum(count for kind, count in kinds.items() if kind not in _FREE),
            kinds["while"],
            kinds["conditional"],
            sum(len(re.findall(r"\w+\[[\d,]*\]", state)) for state in states),
        )


_FREE = ("parameter", "constant", "get-tuple-element", "tuple", "bitcast", "fusion", "call")
"""What does nothing itself: what a fusion or a called computation consists of is counted, wherever it is."""

MORE_THAN_BY_HAND = {
    # Two numbers of which each needs the other's old value are carried as one, which saves the copies of both.
    "mandelbrot": Size(operations=2, loops=0, conditionals=0, carried=0),
    # The flag of the `break`, which stands in the middle of an iteration; by hand, the test of the loop looks ahead.
    "stack_machine": Size(operations=0, loops=0, conditionals=0, carried=1),
}
"""By how much the graphs of some kernels may be larger than those by hand."""


@pytest.fixture(autouse=True)
def _numbers_of_64_bits():
    with jax.enable_x64(True):
        yield


def optimised(function: Callable[..., Any], kernel: Kernel) -> tuple[str, Any]:
    """The text of the compiled function, and what it gives."""
    arguments = [jnp.asarray(argument) for argument in kernel.arguments(kernel.sizes[2])]
    compiled = jax.jit(function).lower(*arguments).compile()
    return compiled.as_text(), compiled(*arguments)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_a_kernel_is_no_larger_than_by_hand_and_gives_what_python_gives(kernel):
    expected = np.asarray(kernel.function(*kernel.arguments(kernel.sizes[2])))
    own_text, own = optimised(ag.convert(kernel.function), kernel)
    text, by_hand = optimised(kernel.by_hand, kernel)
    np.testing.assert_allclose(own, expected, rtol=1e-9)
    np.testing.assert_allclose(by_hand, expected, rtol=1e-9)
    most, found = Size.of(text), Size.of(own_text)
    more = MORE_THAN_BY_HAND.get(kernel.name, Size(0, 0, 0, 0))
    sizes = f"{kernel.name}: {found}, by hand {most}"
    assert found.conditionals <= most.conditionals, sizes
    assert found.loops <= most.loops + more.loops, sizes
    assert found.carried <= most.carried + more.carried, sizes
    assert found.operations <= most.operations + more.operations, sizes


CHANGED_IN_PLACE = """
    sieve bubble_sort quick_sort run_lengths edit_distance floyd_warshall matrix_chain viterbi n_body stack_machine
"""


@pytest.mark.parametrize("name", CHANGED_IN_PLACE.split())
def test_no_array_is_copied_in_a_loop(name):
    [kernel] = [kernel for kernel in KERNELS if kernel.name == name]
    text, _ = optimised(ag.convert(kernel.function), kernel)
    main = text[text.index("ENTRY ") :]
    in_loops = text[: text.index("ENTRY ")]
    copied = re.findall(r"= \w+\[([\d,]+)\]\S* copy\(", in_loops)
    assert copied == []
    assert "while" in main + in_loops


def test_a_remainder_by_a_power_of_two_is_a_mask():
    def odd_ones(n):
        count = 0
        while n != 0:
            count += n % 2
            n = n // 2
        return count

    text = jax.jit(ag.convert(odd_ones)).lower(13).compile().as_text()
    assert re.findall(r" (remainder|divide|select|and|shift-right-arithmetic)\(", text) == [
        "and",
        "shift-right-arithmetic",
    ]


def test_what_a_break_leaves_behind_is_not_chosen():
    """The next divisor does not wait for the remainder by this one, unless the divisor that was found is wanted."""

    def has_divisor(n):
        found, divisor = False, 2
        while divisor * divisor <= n:
            if n % divisor == 0:
                found = True
                break
            divisor += 1
        return found

    def least_divisor(n):
        divisor = 2
        while divisor * divisor <= n:
            if n % divisor == 0:
                break
            divisor += 1
        return divisor

    def chosen(function: Callable[..., Any]) -> int:
        return jax.jit(ag.convert(function)).lower(35).as_text().count("stablehlo.select %")

    assert bool(jax.jit(ag.convert(has_divisor))(35)) is True
    assert bool(jax.jit(ag.convert(has_divisor))(37)) is False
    assert int(jax.jit(ag.convert(least_divisor))(35)) == 5
    assert chosen(has_divisor) < chosen(least_divisor)


# TensorFlow, against TensorFlow's own AutoGraph.


def count_to(n):
    total = 0
    for k in range(n):
        total += k * k
    return total


def halved(x):
    steps = 0
    while x > 1.0:
        x = x / 2.0
        steps += 1
    return steps


def clipped(x):
    if x > 10:
        x = x - 10
    else:
        x = x + 1
    return x


@pytest.mark.parametrize(("function", "argument"), [(count_to, 7), (halved, 40.0), (clipped, 12)])
def test_a_graph_on_tensorflow_is_no_larger_than_tf_functions(function, argument):
    tf = pytest.importorskip("tensorflow")
    argument = tf.constant(argument)

    def looped(n):
        total = tf.constant(0)
        for k in tf.range(n):
            total += k * k
        return total

    theirs_of = looped if function is count_to else function
    own = tf.function(ag.convert(function), autograph=False)
    theirs = tf.function(theirs_of)
    assert int(own(argument)) == int(theirs(argument)) == int(function(argument.numpy()))
    assert _nodes(own, argument) <= _nodes(theirs, argument)
    assert _carried(own, argument) <= _carried(theirs, argument)


def _nodes(function: Any, argument: Any) -> int:
    graph = function.get_concrete_function(argument).graph.as_graph_def()
    return len(graph.node) + sum(len(body.node_def) for body in graph.library.function)


def _carried(function: Any, argument: Any) -> int:
    operations = function.get_concrete_function(argument).graph.get_operations()
    return sum(len(op.inputs) for op in operations if op.type in ("While", "StatelessWhile"))


def test_short_loops_in_loops_do_not_become_a_copy_for_each_combination():
    def totals(xs):
        total = xs[0]
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    total = 0.1 * jnp.sin(total) + xs[i] * xs[j] - xs[k]
        return total

    xs = jnp.arange(8.0)
    graph = jax.make_jaxpr(ag.convert(totals))(xs)
    assert str(graph).count("sin ") <= 32
    np.testing.assert_allclose(jax.jit(ag.convert(totals))(xs), totals(xs), rtol=1e-5)
