"""TensorFlow: functions that XLA is given without being asked do what they do without it, failures included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import autograph as ag
from autograph.engines.tensorflow import xla


def is_compiled(function: Any) -> bool:
    (concrete,) = function.concrete_functions
    return type(concrete._inference_function) is xla.Compiled


def total(x: Any, count: Any) -> Any:
    result = 0.0
    i = 0
    while i < count:
        result += x[i]
        i += 1
    return result


def divided(number: Any, divisor: Any) -> Any:
    result = 0
    while divisor >= 0:
        result += number // divisor
        divisor -= 1
    return result


def remainders(number: Any, divisor: Any) -> Any:
    result = 0
    while divisor >= 0:
        if divisor < 2:
            for _ in range(3):
                result += number % divisor
        divisor -= 1
    return result


def while_divisible(number: Any, divisor: Any) -> Any:
    while number % divisor == 0:
        number = number // 2
        divisor -= 1
    return number


def gathered(x: Any, count: Any) -> Any:
    result = 0.0
    for i in tf.range(count):
        result += tf.gather(x, i)
    return result


def filled(x: Any, count: Any) -> Any:
    i = 0
    while i < count:
        x[i] = 1.0
        i += 1
    return x


def table(x: Any, count: Any) -> Any:
    square = tf.zeros((3, 3))
    for i in tf.range(count):
        for j in tf.range(count):
            square[i, j] = x[i] * x[j]
    return square


def power(base: Any, exponent: Any) -> Any:
    result = 0
    while exponent >= -1:
        result += base**exponent
        exponent -= 1
    return result


def entropies(logits: Any, label: Any) -> Any:
    result = 0.0
    while label >= 0:
        result += tf.nn.sparse_softmax_cross_entropy_with_logits([label], logits[None])[0]
        label -= 1
    return result


X = np.array([1.0, 2.0, 3.0], np.float32)
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...] | None, tuple[Any, ...] | None]] = [
    (total, (X, 3), (X, 5)),
    (divided, None, (np.int32(100), np.int32(3))),
    (remainders, None, (np.int32(100), np.int32(3))),
    (while_divisible, (np.int32(48), np.int32(8)), (np.int32(48), np.int32(2))),
    (gathered, (X, 3), (X, 5)),
    (filled, (X, 2), (X, 5)),
    (table, (X, 3), (X, 4)),
    (power, None, (np.int32(2), np.int32(3))),
    (entropies, None, (X, np.int32(3))),
]


def tensors(values: Any) -> list[Any]:
    return [tf.constant(value) for value in values]


@pytest.mark.parametrize(("program", "good", "bad"), PROGRAMS, ids=[p[0].__name__ for p in PROGRAMS])
def test_what_fails_without_xla_fails_with_it(program: Any, good: Any, bad: Any) -> None:
    function = ag.function(program)
    without = ag.function(program, jit_compile=False)
    with pytest.raises(tf.errors.InvalidArgumentError) as expected:
        without(*tensors(bad))
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        function(*tensors(bad))
    assert is_compiled(function)
    assert not is_compiled(without)
    assert str(expected.value.message).splitlines()[-1][:20] == str(raised.value.message).splitlines()[-1][:20]
    if good is not None:
        np.testing.assert_array_equal(function(*tensors(good)), without(*tensors(good)))


def collatz(n: Any) -> Any:
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def primes(limit: Any) -> Any:
    flags = tf.ones([50], tf.bool)
    i = 2
    while i * i < limit:
        if flags[i]:
            j = i * i
            while j < limit:
                flags[j] = False
                j += i
        i += 1
    return tf.reduce_sum(tf.cast(flags, tf.int32)) - 2


def bubble_sorted(x: Any) -> Any:
    for i in tf.range(len(x)):
        for j in tf.range(len(x) - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    return x


def common_divisor(a: Any, b: Any) -> Any:
    while b:
        a, b = b, a % b
    return a


def test_numeric_loops_are_compiled_and_right() -> None:
    cases = [
        (collatz, (np.int32(27),), 111),
        (primes, (np.int32(50),), 15),
        (bubble_sorted, (np.array([3.0, 1.0, 2.0], np.float32),), [1.0, 2.0, 3.0]),
        (common_divisor, (np.int32(48), np.int32(36)), 12),
    ]
    for program, arguments, expected in cases:
        function = ag.function(program)
        np.testing.assert_array_equal(function(*tensors(arguments)), expected)
        assert is_compiled(function), program.__name__


def test_training_in_a_loop_is_compiled_and_right() -> None:
    def trained(weight: Any, bias: Any, xs: Any, ys: Any) -> Any:
        hidden = tf.fill((tf.shape(xs)[1], tf.shape(weight)[0]), 0.5)
        for step in tf.range(5):
            with tf.GradientTape() as tape:
                tape.watch([weight, bias])
                logits = tf.nn.bias_add(tf.tanh(tf.nn.relu(xs) @ hidden) @ weight, bias)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(ys, logits))
                loss += 0.01 * tf.nn.l2_loss(tf.nn.softmax(logits)[:, :2]) + 0.0 * tf.cast(step, tf.float32)
            by_weight, by_bias = tape.gradient(loss, [weight, bias])
            weight, bias = weight - 0.5 * by_weight, bias - 0.5 * by_bias
        return weight, bias

    random = np.random.default_rng(0)
    arguments = tensors([random.normal(size=(4, 3)), np.zeros(3), random.normal(size=(8, 4))])
    arguments = [tf.cast(argument, tf.float32) for argument in arguments]
    labels = tf.constant(random.integers(0, 3, 8).astype(np.int32))
    function = ag.function(trained)
    for ours, expected in zip(function(*arguments, labels), trained(*arguments, labels), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)
    assert is_compiled(function)


def test_what_is_not_safe_or_does_not_pay_is_left_to_tensorflow() -> None:
    def no_loop(x: Any) -> Any:
        return x + 1.0 if x > 0 else x

    def prints(x: Any) -> Any:
        while x > 1:
            print("x is", x)
            x = x / 2
        return x

    def asserts(x: Any) -> Any:
        while x > 1:
            assert x < 100
            x = x / 2
        return x

    def grows(x: Any) -> Any:
        kept = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        while x > 1:
            kept = kept.write(kept.size(), x)
            x = x / 2
        return kept.stack()

    for program in (no_loop, prints, asserts, grows):
        function = ag.function(program)
        function(tf.constant(3.0))
        assert not is_compiled(function), program.__name__
    signature = ag.function(total, input_signature=[ag.TensorSpec([None], "float32"), ag.TensorSpec([], "int32")])
    assert signature(tf.constant(X), tf.constant(2)) == 3.0
    assert not is_compiled(signature)


def test_an_operation_that_xla_refuses_is_run_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xla, "_COMPILABLE", xla._COMPILABLE | {"Dawsn"})

    def special(x: Any) -> Any:
        while x > 0.1:
            x = tf.math.special.dawsn(x) / 2
        return x

    function = ag.function(special)
    expected = ag.function(special, jit_compile=False)(tf.constant(3.0))
    for _ in range(2):
        assert function(tf.constant(3.0)) == expected
    (concrete,) = function.concrete_functions
    assert concrete._inference_function._is_refused


def test_gradients_pass_through_what_is_compiled() -> None:
    def halved(x: Any) -> Any:
        while x > 1.0:
            x = x / 2.0
        return x

    function = ag.function(halved)
    x = tf.constant(5.0)
    assert function(x) == 0.625
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert is_compiled(function)
    assert tape.gradient(y, x) == 0.125


def test_a_compiled_function_is_saved_and_loaded(tmp_path: Any) -> None:
    class Sum(tf.Module):
        @ag.function
        def total(self, x: Any, count: Any) -> Any:
            return total(x, count)

    module = Sum()
    assert module.total(tf.constant(X), tf.constant(2)) == 3.0
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.total(tf.constant(X), tf.constant(3)) == 6.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        loaded.total(tf.constant(X), tf.constant(9))


def test_a_fault_in_a_try_statement_is_no_exception_of_the_program() -> None:
    def guarded(x: Any, n: Any) -> Any:
        result = 0
        try:
            while n >= 0:
                if n == 5:
                    raise ValueError("five")
                result += x // n
                n -= 1
        except ValueError:
            result = -1
        return result

    function = ag.function(guarded)
    assert function(tf.constant(12), tf.constant(7)) == -1
    with pytest.raises(tf.errors.InvalidArgumentError):
        function(tf.constant(12), tf.constant(3))
