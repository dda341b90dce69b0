"""`ag.function` over TensorFlow values: when it traces, what it takes and gives, and what it composes with.

Each result is compared with what the same Python gives eagerly.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag


def same(found: Any, expected: Any) -> None:
    """Asserts that two structures hold equal values: floats to the precision of 32 bits, everything else exactly.

    A list stands for the tensor of its elements where a tensor was found.
    """
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            same(found[key], expected[key])
    elif isinstance(found, list | tuple):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            same(f, e)
    elif found is None or expected is None:
        assert found is expected
    else:
        f, e = np.asarray(found), np.asarray(expected)
        assert f.shape == e.shape
        if f.dtype.kind == "f":
            np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(f, e)


class Traced:
    """Counts how often Python runs a function: once for each trace."""

    def __init__(self) -> None:
        self.count = 0

    def here(self) -> None:
        self.count += 1


# ----------------------------------------------------------------------------------------------------------- signatures


def test_one_trace_for_each_dtype_and_shape() -> None:
    traced = Traced()

    @ag.function
    def double_until_large(x):
        ag.do_not_convert(traced.here)()
        while tf.reduce_sum(x) < 100:
            x = x * 2
        return x

    same(double_until_large(tf.constant([1, 2])), [64, 128])
    same(double_until_large(tf.constant([3, 30])), [12, 120])
    assert traced.count == 1
    same(double_until_large(tf.constant([1.0, 2.0])), np.float32([64, 128]))
    assert traced.count == 2
    same(double_until_large(tf.constant([1, 2, 3])), [32, 64, 96])
    assert traced.count == 3
    assert double_until_large.experimental_get_tracing_count() == 3


def test_a_new_python_value_traces_again_and_an_old_one_does_not() -> None:
    traced = Traced()

    @ag.function
    def power(x, exponent, mode="product"):
        ag.do_not_convert(traced.here)()
        if mode == "sum":
            return x * exponent
        result = tf.ones_like(x)
        for _ in range(exponent):
            result = result * x
        return result

    x = tf.constant(3.0)
    same(power(x, 2), np.float32(9))
    same(power(x, 2, "product"), np.float32(9))
    assert traced.count == 1
    same(power(x, 3), np.float32(27))
    same(power(x, 3, mode="sum"), np.float32(9))
    assert traced.count == 3
    same(power(x, tf.constant(4)), np.float32(81))
    same(power(x, tf.constant(5)), np.float32(243))
    assert traced.count == 4


def test_none_dimensions_in_a_signature_trace_once() -> None:
    traced = Traced()

    @ag.function(input_signature=[tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([], tf.int32)])
    def rows_above(rows, limit):
        ag.do_not_convert(traced.here)()
        count = 0
        for row in rows:
            if tf.reduce_sum(row) > tf.cast(limit, tf.float32):
                count += 1
        return count

    for size in (0, 1, 5):
        rows = np.arange(3.0 * size, dtype=np.float32).reshape(size, 3)
        same(rows_above(tf.constant(rows), tf.constant(10)), int((rows.sum(axis=1) > 10).sum()))
    assert traced.count == 1
    with pytest.raises((TypeError, ValueError)):
        rows_above(tf.zeros([2, 4]), tf.constant(1))
    with pytest.raises((TypeError, ValueError)):
        rows_above(tf.zeros([2, 3], tf.string), tf.constant(1))


def test_the_packages_own_spec_is_a_signature_too() -> None:
    @ag.function(backend="tensorflow", input_signature=[ag.TensorSpec([None], "int32")])
    def total(numbers):
        result = 0
        for n in numbers:
            result += n
        return result

    same(total(tf.constant([1, 2, 3])), 6)
    same(total(tf.constant([4])), 4)


def test_concrete_functions_are_had_by_spec_and_by_example() -> None:
    @ag.function
    def collatz(n):
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

    concrete = collatz.get_concrete_function(tf.TensorSpec([], tf.int32))
    same(concrete(tf.constant(27)), 111)
    same(collatz.get_concrete_function(tf.constant(1))(tf.constant(6)), 8)
    assert collatz.experimental_get_tracing_count() == 1
    assert concrete.structured_input_signature[0][0].dtype == tf.int32


def test_reduce_retracing_generalises_shapes() -> None:
    traced = Traced()

    @ag.function(reduce_retracing=True)
    def largest(numbers):
        ag.do_not_convert(traced.here)()
        best = numbers[0]
        for n in numbers:
            if n > best:
                best = n
        return best

    for size in range(1, 6):
        same(largest(tf.range(size)), size - 1)
    assert traced.count < 5


def test_compiled_by_xla_it_gives_the_same() -> None:
    def escape(c_re, c_im):
        x, y, steps = 0.0, 0.0, 0
        while x * x + y * y <= 4.0 and steps < 50:
            x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
            steps += 1
        return steps

    for jit in (True, False, None):
        function = ag.function(escape, jit_compile=jit)
        for c in (0.0, 0.4, 1.0):
            same(function(tf.constant(c), tf.constant(0.1)), escape(c, 0.1))


@pytest.mark.parametrize("switch", [ag.run_functions_eagerly, tf.config.run_functions_eagerly])
def test_functions_run_eagerly_when_told_to(switch: Any) -> None:
    seen = []

    @ag.function
    def sign(x):
        seen.append(x)
        if x > 0:
            return 1
        return -1

    switch(True)
    try:
        same(sign(tf.constant(3)), 1)
        same(sign(tf.constant(-3)), -1)
    finally:
        switch(False)
    assert [int(x) for x in seen] == [3, -3]


# ------------------------------------------------------------------------------------------------ arguments and results

Point = namedtuple("Point", ["x", "y"])


def test_nested_structures_none_and_python_values_go_in_and_out() -> None:
    def inspect_all(data, extra=None, *, scale=1):
        total = tf.zeros([])
        for point in data["points"]:
            if point.x > point.y:
                total += point.x * scale
        if extra is not None:
            total += extra
        return {"total": total, "points": [Point(p.y, p.x) for p in data["points"]], "nothing": None, "n": (1, [2])}

    data = {"points": [Point(tf.constant(1.0), tf.constant(2.0)), Point(tf.constant(5.0), tf.constant(3.0))]}
    function = ag.function(inspect_all)
    for extra, scale in ((None, 1), (tf.constant(7.0), 2)):
        found, expected = function(data, extra, scale=scale), inspect_all(data, extra, scale=scale)
        assert found["nothing"] is None
        assert isinstance(found["points"][0], Point)
        same(found, expected)


def test_a_result_that_is_none_on_the_path_taken_is_none() -> None:
    @ag.function
    def first_above(numbers, limit):
        for n in numbers:
            if n > limit:
                return n
        return None

    numbers = tf.constant([1, 5, 9])
    same(first_above(numbers, tf.constant(4)), 5)
    assert first_above(numbers, tf.constant(10)) is None


def test_strings_are_compared_joined_and_chosen() -> None:
    def describe(word, number):
        if word == "skip":
            return tf.constant("nothing")
        text = word
        while tf.strings.length(text) < number:
            text = text + "-" + word
        return text

    function = ag.function(describe)
    for word, number in (("skip", 9), ("ab", 9), ("long enough", 2)):
        expected = describe(tf.constant(word), tf.constant(number))
        assert function(tf.constant(word), tf.constant(number)).numpy() == expected.numpy()


def test_ragged_tensors_are_iterated_row_by_row() -> None:
    def longest_and_total(rows):
        best, total = 0, 0
        for row in rows:
            if tf.size(row) > best:
                best = tf.size(row)
            for value in row:
                if value < 0:
                    continue
                total += value
        return best, total

    rows = tf.ragged.constant([[1, 2, 3], [], [4, -5], [6]])
    same(ag.function(longest_and_total)(rows), longest_and_total(rows))
    signature = [tf.RaggedTensorSpec([None, None], tf.int32)]
    function = ag.function(longest_and_total, input_signature=signature)
    for rows in (rows, tf.ragged.constant([[7], [8, 9]]), tf.ragged.constant([[]], dtype=tf.int32, ragged_rank=1)):
        same(function(rows), longest_and_total(rows))


def test_sparse_tensors_pass_through_conditions_and_loops() -> None:
    def scaled(matrix, vector, times):
        for _ in range(times):
            if tf.sparse.reduce_sum(matrix) > 3:
                vector = tf.sparse.sparse_dense_matmul(matrix, vector)
        return matrix, vector

    matrix = tf.sparse.from_dense([[1.0, 0.0], [0.0, 2.0]])
    for times in (0, 2):
        for m in (matrix, matrix * 2.0):
            expected = scaled(m, tf.ones([2, 1]), times)
            found = ag.function(scaled)(m, tf.ones([2, 1]), tf.constant(times))
            same(tf.sparse.to_dense(found[0]), tf.sparse.to_dense(expected[0]))
            same(found[1], expected[1])


def test_a_composite_chosen_by_a_condition_is_one_value() -> None:
    def pick(flag, a, b):
        if flag:
            rows = a
        else:
            rows = b
        return rows.to_tensor(), rows.nrows()

    a, b = tf.ragged.constant([[1, 2], [3]]), tf.ragged.constant([[4], [5], [6, 7]])
    for flag in (True, False):
        same(ag.function(pick)(tf.constant(flag), a, b), pick(flag, a, b))


# ------------------------------------------------------------------------------------------------ variables and modules


def test_variables_are_captured_and_updated_in_program_order() -> None:
    total, count = tf.Variable(0), tf.Variable(0)

    @ag.function
    def add_until(numbers, limit):
        for n in numbers:
            if total > limit:
                break
            total.assign_add(n)
            count.assign_add(1)
        before = total.read_value()
        total.assign(before * 2)
        return before, total.read_value()

    same(add_until(tf.range(10), tf.constant(5)), (6, 12))
    same((total.numpy(), count.numpy()), (12, 4))
    total.assign(0)
    same(add_until(tf.range(10), tf.constant(100)), (45, 90))
    same(count.numpy(), 14)


def test_a_variable_made_on_the_first_call_stays_and_made_later_is_an_error() -> None:
    class Counter:
        variable = None

        @ag.function
        def step(self, x):
            if self.variable is None:
                self.variable = tf.Variable(0, trainable=False)
            if x > 0:
                self.variable.assign_add(x)
            return self.variable.read_value()

    counter = Counter()
    same([counter.step(tf.constant(n)) for n in (3, -1, 4)], [3, 3, 7])

    @ag.function
    def always(x):
        return tf.Variable(x) + 1

    with pytest.raises(ValueError, match="(?i)variable"):
        always(tf.constant(1))


class Accumulator(tf.Module):
    """A module with a state, two methods of which one calls the other."""

    def __init__(self) -> None:
        super().__init__()
        self.total = tf.Variable(0.0)
        self.calls = tf.Variable(0)

    @ag.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def add(self, numbers):
        self.calls.assign_add(1)
        for n in numbers:
            if n < 0:
                continue
            self.total.assign_add(n)
        return self.mean(tf.size(numbers))

    @ag.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def mean(self, count):
        if count == 0:
            return 0.0
        return self.total / tf.cast(count, tf.float32)


def test_methods_of_a_module_are_functions_for_each_object() -> None:
    first, second = Accumulator(), Accumulator()
    same(first.add(tf.constant([1.0, -5.0, 3.0])), np.float32(4 / 3))
    same(first.add(tf.constant([2.0, 2.0])), np.float32(4))
    same(second.add(tf.constant([], tf.float32)), np.float32(0))
    same((first.total.numpy(), first.calls.numpy()), (np.float32(8), 2))
    same((second.total.numpy(), second.calls.numpy()), (np.float32(0), 1))
    assert len(first.variables) == 2


# ------------------------------------------------------------------------------------------------------------ gradients


def newton(a, steps):
    x = a
    for _ in range(steps):
        if x * x > a:
            x = 0.5 * (x + a / x)
        else:
            x = x + 0.1 * (a - x * x)
    return x


def gradient_by_tape(function: Any, a: float, *rest: Any) -> Any:
    a = tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = function(a, *rest)
    return value, tape.gradient(value, a)


@pytest.mark.parametrize("a", [0.5, 2.0, 9.0])
def test_a_tape_outside_sees_through_loops_and_branches(a: float) -> None:
    same(gradient_by_tape(ag.function(newton), a, tf.constant(6)), gradient_by_tape(newton, a, 6))


@pytest.mark.parametrize("a", [0.5, 2.0])
def test_a_tape_inside_is_part_of_the_graph(a: float) -> None:
    def gradient(a, steps):
        with tf.GradientTape() as outer:
            outer.watch(a)
            with tf.GradientTape() as inner:
                inner.watch(a)
                value = newton(a, steps)
            first = inner.gradient(value, a)
        return value, first, outer.gradient(first, a)

    found = ag.function(gradient)(tf.constant(a), tf.constant(4))
    same(found, gradient(tf.constant(a), 4))


def test_gradient_descent_with_a_tape_in_the_loop() -> None:
    def minimise(start, rate):
        x = start
        steps = 0
        while True:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = (x - 3.0) ** 2 + 1.0
            slope = tape.gradient(y, x)
            if tf.abs(slope) < 1e-3:
                break
            x = x - rate * slope
            steps += 1
        return x, steps

    same(ag.function(minimise)(tf.constant(10.0), tf.constant(0.2)), minimise(tf.constant(10.0), tf.constant(0.2)))


def test_variables_are_trained_in_a_loop() -> None:
    def fit(weight, xs, ys):
        for x, y in zip(xs, ys):
            with tf.GradientTape() as tape:
                error = weight * x - y
                loss = error * error if tf.abs(error) < 1.0 else 2.0 * tf.abs(error) - 1.0
            weight.assign_sub(0.1 * tape.gradient(loss, weight))
        return weight.read_value()

    xs, ys = tf.constant([1.0, 2.0, 0.5, 3.0]), tf.constant([2.0, 4.1, 1.0, 6.3])
    same(ag.function(fit)(tf.Variable(0.0), xs, ys), fit(tf.Variable(0.0), xs, ys))


def test_custom_gradients_are_converted() -> None:
    def scaled(x):
        @tf.custom_gradient
        def clipped(x):
            y = x
            if y > 1.0:
                y = tf.ones_like(y)

            def gradient(upstream):
                if upstream > 5.0:
                    upstream = tf.constant(5.0)
                return upstream * 2.0

            return y, gradient

        return clipped(x) * 10.0

    for a in (0.5, 3.0):
        value, gradient = gradient_by_tape(ag.function(scaled), a)
        same(value, np.float32(min(a, 1.0) * 10))
        same(gradient, np.float32(10))


def test_a_custom_gradient_made_elsewhere_takes_a_converted_function() -> None:
    @tf.custom_gradient
    @ag.convert
    def halved_when_large(x):
        def gradient(upstream):
            return upstream * 0.5 if x > 1.0 else upstream

        if x > 1.0:
            return x * 0.5, gradient
        return x, gradient

    for a, slope in ((0.5, 3.0), (3.0, 1.5)):
        value, gradient = gradient_by_tape(ag.function(lambda x: 3.0 * halved_when_large(x)), a)
        same(value, np.float32(slope * a))
        same(gradient, np.float32(slope))


def test_recomputed_gradients_are_the_same() -> None:
    def block(x):
        for _ in range(tf.constant(3)):
            if x > 2.0:
                x = tf.sin(x)
            else:
                x = x * x
        return x

    def function(x):
        return tf.recompute_grad(block)(x)

    for a in (0.7, 2.5):
        same(gradient_by_tape(ag.function(function), a), gradient_by_tape(block, a))


# ----------------------------------------------------------------------------------------------- functions of functions


def collatz_steps(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


NUMBERS = np.int32([1, 6, 27, 8])
STEPS = np.int32([0, 8, 111, 3])


def test_map_fn_converts_what_it_is_given() -> None:
    @ag.function
    def all_steps(numbers):
        return tf.map_fn(collatz_steps, numbers)

    same(all_steps(tf.constant(NUMBERS)), STEPS)


def test_vectorized_map_converts_what_it_is_given() -> None:
    @ag.function
    def clip(rows, limit):
        def one(row):
            return row if tf.reduce_sum(row) < limit else tf.zeros_like(row)

        return tf.vectorized_map(one, rows)

    same(clip(tf.constant([[1.0, 2.0], [5.0, 6.0]]), tf.constant(10.0)), np.float32([[1, 2], [0, 0]]))


def test_scan_and_folds_convert_what_they_are_given() -> None:
    def saturating(total, n):
        total = total + n
        if total > 30:
            total = 30
        return total

    @ag.function
    def run(numbers):
        return (
            tf.scan(saturating, numbers, initializer=0),
            tf.foldl(saturating, numbers, initializer=0),
            tf.foldr(lambda total, n: n if n > total else total, numbers, initializer=0),
        )

    same(run(tf.constant(NUMBERS)), ([1, 7, 30, 30], 30, 27))


def test_functional_control_flow_of_tensorflow_converts_what_it_is_given() -> None:
    def smallest_power(n):
        return tf.while_loop(
            lambda p: p < n if n > 10 else p < 2 * n, lambda p: (p * 2 if p < 64 else p * 3,), (tf.constant(1),)
        )[0]

    @ag.function
    def run(n):
        def large():
            total = 0
            for i in range(n):
                if i % 3 == 0:
                    total += i
            return total

        chosen = tf.cond(n > 10, large, lambda: -n if n % 2 == 0 else n)
        cased = tf.case([(n > 100, lambda: 1), (n > 10, large)], default=lambda: 0)
        switched = tf.switch_case(n % 2, [lambda: 10 if n > 5 else 20, lambda: 30])
        return chosen, cased, switched, smallest_power(n)

    for n in (4, 7, 12, 150):
        total = sum(range(0, n, 3))
        power = 1
        while power < (n if n > 10 else 2 * n):
            power = power * 2 if power < 64 else power * 3
        same(
            run(tf.constant(n)),
            (
                total if n > 10 else (-n if n % 2 == 0 else n),
                1 if n > 100 else total if n > 10 else 0,
                30 if n % 2 else (10 if n > 5 else 20),
                power,
            ),
        )


def test_a_python_function_is_called_from_the_graph() -> None:
    seen = []

    def note(x):
        seen.append(int(x))
        return x * 10

    @ag.function
    def run(numbers):
        total = 0
        for n in numbers:
            if n % 2 == 0:
                total += tf.py_function(note, [n], tf.int32)
        return total

    same(run(tf.constant([1, 2, 3, 4])), 60)
    assert seen == [2, 4]


def test_a_function_left_alone_runs_on_the_host_in_program_order(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.do_not_convert(run_as="py_func")
    def digits(n) -> int:
        print("host", int(n))
        return len(str(int(n)))

    @ag.function
    def run(n):
        total = 0
        while n > 0:
            print("graph", n)
            total += digits(n)
            n = n // 10
        return total

    same(run(tf.constant(123)), 6)
    assert capfd.readouterr().out.split() == "graph 123 host 123 graph 12 host 12 graph 1 host 1".split()


def test_functions_call_functions_of_both_kinds() -> None:
    @ag.function
    def inner(x):
        if x > 0:
            return x
        return -x

    @tf.function(autograph=False)
    def theirs(x):
        return inner(x) + 1

    @ag.function
    def outer(x):
        total = x
        for _ in range(tf.constant(2)):
            total += theirs(x) * inner(total)
        return total

    def plain(x):
        total = x
        for _ in range(2):
            total += (abs(x) + 1) * abs(total)
        return total

    for x in (3, -3):
        same(outer(tf.constant(x)), plain(x))
        same(theirs(tf.constant(x)), abs(x) + 1)


def test_convert_composes_with_tensorflows_own_function() -> None:
    @tf.function(autograph=False, input_signature=[tf.TensorSpec([], tf.int32)])
    @ag.convert
    def steps(n):
        return collatz_steps(n)

    same([steps(tf.constant(n)) for n in NUMBERS], list(STEPS))


def test_tensorflows_own_conversion_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow.python.autograph.impl import api

    converted = []
    convert = api._convert_actual

    def recorded(entity: Any, *rest: Any) -> Any:
        converted.append(entity)
        return convert(entity, *rest)

    monkeypatch.setattr(api, "_convert_actual", recorded)

    def own(x):
        return tf.constant(1) if x > 0 else tf.constant(-1)

    tf.function(own)(tf.constant(3))
    assert converted  # so this is where TensorFlow converts
    converted.clear()

    @ag.function
    def run(numbers):
        mapped = tf.map_fn(collatz_steps, numbers)
        total = tf.foldl(lambda s, n: s + n if n > 1 else s, numbers)
        dataset = tf.data.Dataset.from_tensor_slices(numbers).map(collatz_steps).filter(lambda n: n > 3 or n == 0)
        for n in dataset:
            if n > 100:
                break
            total += n
        chosen = tf.cond(total > 3, lambda: collatz_steps(total), lambda: 0)
        return mapped, total, chosen

    mapped, total, chosen = run(tf.constant(NUMBERS))
    same(mapped, STEPS)
    same((total, chosen), (50, 24))
    assert converted == []


# -------------------------------------------------------------------------------------------------- prints and failures


def test_prints_and_assertions_happen_in_program_order(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.function
    def run(numbers):
        total = 0
        for i, n in enumerate(numbers):
            print("item", i, "is", n)
            assert n >= 0, "negative numbers are not allowed"
            total += n
            if total > 5:
                print(f"{total} is more than 5")
        return total

    same(run(tf.constant([1, 5, 0])), 6)
    assert capfd.readouterr().out.splitlines() == [
        "item 0 is 1",
        "item 1 is 5",
        "6 is more than 5",
        "item 2 is 0",
        "6 is more than 5",
    ]
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative numbers are not allowed"):
        run(tf.constant([4, -1, 9]))
    assert capfd.readouterr().out.splitlines() == ["item 0 is 4", "item 1 is -1"]


def test_vectors_strings_and_booleans_print_as_python_writes_them(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.function
    def show(vector, word, flag, number):
        if flag:
            print(vector, word, flag, number, sep="; ", end="!\n")

    show(tf.constant([1, 2, 3]), tf.constant("word"), tf.constant(True), tf.constant(0.5))
    out = capfd.readouterr().out
    assert out.startswith("[1 2 3]; ")
    assert "word" in out
    assert out.endswith("; True; 0.5!\n")


# ----------------------------------------------------------------------------------------------------- lists and arrays


def test_lists_grow_shrink_and_are_changed_in_loops() -> None:
    def shunt(numbers):
        stack, done = [], []
        ag.set_element_type(stack, tf.int32)
        ag.set_element_type(done, tf.int32)
        for n in numbers:
            while len(stack) > 0 and stack[-1] > n:
                done.append(stack.pop())
            stack.append(n)
            stack[0] = stack[0] + 0
        while len(stack) > 0:
            done.append(stack.pop())
        return ag.stack(done), len(done)

    numbers = [5, 2, 8, 1, 9, 3]
    expected = shunt(numbers)
    same(ag.function(shunt)(tf.constant(numbers)), expected)


def test_elements_may_be_vectors_pairs_and_of_unknown_size() -> None:
    @ag.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def cumulative(matrix):
        rows, sums = [], []
        running = tf.zeros_like(matrix[0])
        for row in matrix:
            running = running + row
            rows.append(running)
            sums.append(tf.reduce_sum(running))
        return ag.stack(rows), ag.stack(sums)

    for shape in [(1, 1), (3, 2), (5, 4)]:
        matrix = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        expected = matrix.cumsum(axis=0)
        same(cumulative(tf.constant(matrix)), (expected, expected.sum(axis=1)))


def test_functions_of_tensorflow_take_a_list_whose_length_the_graph_decides() -> None:
    def positive_ones(numbers):
        found = []
        for n in numbers:
            if n > 0:
                found.append(n * 2)
        return tf.reduce_sum(found), tf.convert_to_tensor(found), np.max(found), tf.stack(found)

    numbers = tf.constant([5.0, -2.0, 8.0])
    same(ag.function(positive_ones)(numbers), positive_ones(numbers))


def test_a_function_that_needs_the_length_of_a_list_says_what_to_write_instead() -> None:
    @ag.function
    def joined(numbers):
        found = []
        for n in numbers:
            if n > 0:
                found.append(tf.stack([n, n]))
        return tf.concat(found, 0)

    with pytest.raises(ag.StagingError, match=r"concat\(\) takes one whose length Python knows. ag.stack\(items\)"):
        joined(tf.constant([5.0, -2.0, 8.0]))


def test_a_tensor_array_of_the_users_works() -> None:
    def fibonacci(n):
        numbers = tf.TensorArray(tf.int32, size=n, clear_after_read=False)
        for i in range(n):
            if i < 2:
                numbers = numbers.write(i, i)
            else:
                numbers = numbers.write(i, numbers.read(i - 1) + numbers.read(i - 2))
        return numbers.stack()

    same(ag.function(fibonacci)(tf.constant(10)), [0, 1, 1, 2, 3, 5, 8, 13, 21, 34])


def test_loop_options_reach_the_loop() -> None:
    @ag.function
    def run(n):
        x = tf.zeros([1])
        i = 0
        while i < n:
            ag.set_loop_options(
                maximum_iterations=5,
                parallel_iterations=1,
                swap_memory=True,
                shape_invariants=[(x, tf.TensorShape([None]))],
            )
            x = tf.concat([x, [tf.cast(i, tf.float32)]], axis=0)
            i += 1
        return x

    same(run(tf.constant(3)), np.float32([0, 0, 1, 2]))
    same(run(tf.constant(100)), np.float32([0, 0, 1, 2, 3, 4]))
    graph = run.get_concrete_function(tf.constant(3)).graph
    loops = [op for op in graph.get_operations() if op.type in ("While", "StatelessWhile")]
    assert [op.get_attr("parallel_iterations") for op in loops] == [1]


def test_what_is_printed_before_an_exception_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    @ag.function
    def f(x):
        text = f"x is {x}"
        print(text)
        raise KeyError(f"{text:>9}")

    with pytest.raises(KeyError, match="   x is 3"):
        f(tf.constant(3))
    assert capfd.readouterr().out == "x is 3\n"
