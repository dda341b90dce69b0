"""Loops over a few numbers: what the graph leaves out of them, and that they still give what Python gives.

The bounds of integers (`engines/jax/settling.py`), flags that say the same (`flags.py`), and state that is carried in
pairs (`derivatives/registers.py`).
"""

from __future__ import annotations

import itertools
import math
import re
import runpy
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import autograph as ag
from autograph.engines.jax import settling


def optimised(function: Callable[..., Any], *arguments: Any) -> str:
    return jax.jit(ag.convert(function)).lower(*arguments).compile().as_text()


def innermost(function: Callable[..., Any], *arguments: Any) -> str:
    """The text of the innermost loop's body, as XLA has optimised it."""
    text = optimised(function, *arguments)
    bodies = re.findall(r"body=%([\w.\-]+)", text)
    found = [re.search(rf"^%{re.escape(body)} .*?^}}", text, re.MULTILINE | re.DOTALL) for body in bodies]
    [body] = [
        match[0] for match in found if match is not None and " while(" not in match[0] and " call(" not in match[0]
    ]
    return body


def agrees(function: Callable[..., Any], arguments: list[tuple[Any, ...]], *, x64: bool = True) -> None:
    """The compiled function gives what Python gives, for all of these arguments."""
    with jax.enable_x64(x64):
        compiled = jax.jit(ag.convert(function))
        for given in arguments:
            expected = function(*given)
            found = compiled(*given)
            for own, other in zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(expected), strict=True):
                np.testing.assert_allclose(np.asarray(own), other, rtol=1e-12 if x64 else 1e-5, err_msg=str(given))


# Ranges of integers.


def gcd(a, b):
    x, y = a, b
    while y != 0:
        x, y = y, x % y
    return x


def sum_of_gcds(limit):
    total = 0
    for a in range(1, limit):
        for b in range(1, limit):
            x, y = a, b
            while y != 0:
                x, y = y, x % y
            total += x
    return total


def count_primes(limit):
    count = 0
    for n in range(2, limit):
        is_prime = True
        divisor = 2
        while divisor * divisor <= n:
            if n % divisor == 0:
                is_prime = False
                break
            divisor += 1
        if is_prime:
            count += 1
    return count


def from_below_zero(start, limit):
    total = 0
    for n in range(-5, limit):
        for d in range(1, 4):
            total = total % 1000 * 3 + n % d + 10 * (n // d)
    return total + start


def downwards(n):
    total = 0
    divisor = 5
    while divisor > -6:
        if divisor != 0:
            total = 2 * total + n % divisor - n // divisor
        divisor -= 1
    return total


def digits(n, base):
    total = 0
    k = 1
    while n > 0:
        total += (n % base) * k
        n = n // base
        k += 1
    return total, n


def alternating(n, m):
    sign, total = 1, 0
    while n > 0:
        total += m % sign + m // (sign * n)
        sign = -sign
        n -= 1
    return total


def of_clipped(n, m):
    total = 0
    for i in range(1, 20):
        a = max(n - i, 0)
        b = min(abs(m), 6) + 1
        c = (n * i) & 15
        total += a % b + c // b + (n + i) % b + (a >> 1) % (c + 1) - (n - i) // (c + 2)
    return total


def conditional_step(n, m):
    d, total = 1, 0
    while d < n:
        total += m % d
        if total % 3 == 1:
            d += 2
        else:
            d += 1
    return total


def in_branches(n, m):
    total = 0
    i = 1
    while i < n:
        if m > 3:
            d = i
        elif m > 0:
            d = 2 * i + 1
        else:
            d = -i
        total += m % d + m // d
        i += 1
    return total


_PAIRS = list(itertools.product([-17, -3, -1, 0, 1, 2, 7, 30], [-9, -4, -1, 1, 2, 5, 16]))


@pytest.mark.parametrize("x64", [True, False], ids=["64 bits", "32 bits"])
def test_the_floor_is_pythons_whatever_the_signs_in_a_loop(x64):
    agrees(gcd, _PAIRS, x64=x64)
    for function in (alternating, of_clipped, conditional_step, in_branches):
        agrees(function, _PAIRS, x64=x64)
    agrees(digits, [(n, base) for n, base in _PAIRS if base > 1 or n <= 0], x64=x64)
    agrees(downwards, [(n,) for n, _ in _PAIRS], x64=x64)
    agrees(from_below_zero, [(3, limit) for limit in range(-6, 4)], x64=x64)
    agrees(sum_of_gcds, [(limit,) for limit in range(6)], x64=x64)
    agrees(count_primes, [(limit,) for limit in range(12)], x64=x64)


def test_a_number_that_wraps_round_may_be_negative():
    """In 32 bits `step` is negative after 31 doublings, and so is what it is the divisor of."""

    def doubling(n, times):
        step, total, i = 1, 0, 0
        while i < times:
            step = step * 2 + 1
            total = n % step
            i += 1
        return step, total

    step, total = jax.jit(ag.convert(doubling))(jnp.int32(1000), 31)
    assert int(step) == -1
    assert int(total) == 0
    step, total = jax.jit(ag.convert(doubling))(jnp.int32(-1000), 30)
    assert (int(step), int(total)) == (2**31 - 1, 2**31 - 1 - 1000)


@pytest.mark.parametrize("x64", [True, False], ids=["64 bits", "32 bits"])
def test_numbers_that_are_not_negative_are_divided_by_one_instruction(x64):
    with jax.enable_x64(x64):
        text = optimised(sum_of_gcds, 9)
        unknown = optimised(gcd, 9, 5)
    assert len(re.findall(r" remainder\(", text)) == 1
    assert 'direction=LT, metadata={op_name="jit(sum_of_gcds)/while/body/while/body/while' not in text
    assert not re.search(r" select\(", text)
    assert re.search(r" select\(", unknown)


def test_loops_in_loops_are_gone_through_as_often_as_there_are_loops(monkeypatch, tmp_path):
    """Not as a power of the depth: what a loop finds is found again for the loops in it, not through all of them."""
    calls = 0
    outputs = settling._outputs

    def counted(*arguments):
        nonlocal calls
        calls += 1
        return outputs(*arguments)

    monkeypatch.setattr(settling, "_outputs", counted)
    found = []
    for depth in (4, 8):
        lines = ["def nested(n):", "    t, u = 1, 3"]
        for level in range(depth):
            lines.append(f"{'    ' * (level + 1)}for i{level} in range(1, n):")
            lines.append(f"{'    ' * (level + 2)}t, u = u % (t + 1) + i{level}, t % 7")
        lines.append("    return t, u")
        file = tmp_path / f"nested_{depth}.py"
        file.write_text("\n".join(lines) + "\n")
        nested = runpy.run_path(str(file))["nested"]
        calls = 0
        jax.make_jaxpr(ag.convert(nested))(3)
        found.append(calls)
        assert 0 < calls
    assert found[1] <= 4 * found[0]


# Flags.


def first_divisor(n):
    found, divisor = False, 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            found = True
            break
        divisor += 1
    return found


def opposites(n):
    is_prime, divisor = True, 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            is_prime = False
            break
        divisor += 1
    return is_prime


def both_wanted(n):
    even, odd = True, False
    while n > 0:
        even, odd = odd, not odd
        n -= 1
    return even, odd


def alike_but_not_from_the_start(n, flag):
    one, other = False, flag
    k = 0
    while k < n and not other:
        hit = k * k > 20
        one = one or hit
        other = other or hit
        k += 1
    return one, k


def alike_until_an_iteration_tells_them_apart(n):
    one, other = False, False
    k, seen = 0, 0
    while k < n and not other:
        one = one or k > 3
        other = other or k > 5
        if one:
            seen += 1
        k += 1
    return seen, k


def test_flags_that_say_the_same_give_what_python_gives():
    for function in (first_divisor, opposites, both_wanted, alike_until_an_iteration_tells_them_apart):
        agrees(function, [(n,) for n in range(30)])
    agrees(alike_but_not_from_the_start, [(n, flag) for n in range(12) for flag in (False, True)])


@pytest.mark.parametrize("function", [first_divisor, opposites])
def test_a_flag_and_the_end_of_its_loop_are_carried_as_one(function):
    text = jax.jit(ag.convert(function)).lower(35).as_text()
    [state] = re.findall(r"stablehlo.while\((.*?)\)", text)
    kinds = re.findall(r"stablehlo.while\(.*?\) : (.*)", text)[0]
    assert kinds.count("tensor<i1>") == 1, state


# Pairs.


def orbit(c_re, c_im, most):
    x, y, steps = 0.0, 0.0, 0
    while steps < most and x * x + y * y <= 4.0:
        x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
        steps += 1
    return x, y, steps


def swung(x, v, n):
    i = 0
    while i < n:
        x, v = x + 0.125 * v, v - 0.125 * x
        i += 1
    return x, v


def fibonacci(a, b, most):
    while b < most:
        a, b = b, a + b
    return a, b


def bisected(low, high):
    while high - low > 1e-3:
        middle = (low + high) / 2
        if middle * middle > 2:
            high = middle
        else:
            low = middle
    return low, high


def three(x, y, z, n):
    while n > 0:
        x, y, z = y, z, x + y
        n -= 1
    return x, y, z


def number_and_truth(n, flag):
    k = 0
    while k < n:
        flag, k = k % 3 == 0, (k + 1 if flag else k + 2)
    return flag, k


@pytest.mark.parametrize("x64", [True, False], ids=["64 bits", "32 bits"])
def test_variables_that_need_each_others_old_values_have_them(x64):
    agrees(orbit, [(-0.5, 0.25, 20), (0.5, 1.0, 20), (1.0, 1.0, 0)], x64=x64)
    agrees(swung, [(1.0, 0.5, n) for n in (0, 1, 2, 17)], x64=x64)
    agrees(fibonacci, [(0, 1, 100), (-1, 2, 100), (-3, 5, 5), (-8, -1, -7), (-7, 2**30, 2**30)], x64=x64)
    agrees(bisected, [(0.0, 2.0), (1.0, 1.5), (1.0, 1.0)], x64=x64)
    agrees(three, [(1, 2, 3, n) for n in range(5)], x64=x64)
    agrees(number_and_truth, [(n, flag) for n in range(6) for flag in (True, False)], x64=x64)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.uint32])
def test_a_pair_keeps_every_number_as_it_is(kind):
    """Infinities, numbers that are not one, negative zeros, and the ends of the integers."""

    def swapped(a, b, n):
        while n > 0:
            a, b = b, a
            n -= 1
        return a, b

    values = [-0.0, 0.0, math.inf, -math.inf, math.nan, 5e-324, 1.5]
    if np.issubdtype(kind, np.integer):
        values = [0, 1, np.iinfo(kind).min, np.iinfo(kind).max, 12345]
    with jax.enable_x64(kind == np.float64):
        compiled = jax.jit(ag.convert(swapped))
        for a, b in itertools.product(values, values):
            pair = np.asarray(a, kind), np.asarray(b, kind)
            found = compiled(*pair, 3)
            assert [np.asarray(value).tobytes() for value in found] == [value.tobytes() for value in reversed(pair)]
            assert all(value.dtype == kind for value in found)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(orbit, (0.1, 0.1, 9)), (swung, (1.0, 0.5, 9)), (fibonacci, (0, 1, 99)), (bisected, (0.0, 2.0))],
)
def test_a_pair_needs_no_copies(function, arguments):
    assert " copy(" not in innermost(function, *arguments)


def test_pairs_have_derivatives_and_batches():
    def position(x, v, n):
        return ag.convert(swung)(x, v, n)[0]

    def by_matrix(x, v, n):
        return (np.linalg.matrix_power(np.array([[1, 0.125], [-0.125, 1]]), n) @ np.array([x, v]))[0]

    with jax.enable_x64(True):
        slopes = jax.jit(jax.grad(position, (0, 1)))(1.0, 0.5, 7)
        expected = by_matrix(1.0, 0.0, 7), by_matrix(0.0, 1.0, 7)
        np.testing.assert_allclose(slopes, expected, rtol=1e-12)
        _, tangent = jax.jvp(lambda x: position(x, 0.5, 7), (1.0,), (1.0,))
        np.testing.assert_allclose(tangent, expected[0], rtol=1e-12)
        counts = jnp.array([0, 3, 7])
        rows = jax.jit(jax.vmap(lambda n: position(1.0, 0.5, n)))(counts)
        np.testing.assert_allclose(rows, [by_matrix(1.0, 0.5, int(n)) for n in counts], rtol=1e-12)
