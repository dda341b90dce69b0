"""The loops over numbers by hand."""

import jax.numpy as jnp
from jax import lax


def collatz(limit):
    def count(start, total):
        def step(state):
            n, total = state
            return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), total + 1

        return lax.while_loop(lambda state: state[0] != 1, step, (start, total))[1]

    return lax.fori_loop(1, limit, count, 0)


def mandelbrot(size, most):
    def point(row, column):
        c_re = 3.0 * column / size - 2.0
        c_im = 2.0 * row / size - 1.0

        def goes_on(state):
            x, y, steps = state
            return (steps < most) & (x * x + y * y <= 4.0)

        def step(state):
            x, y, steps = state
            return x * x - y * y + c_re, 2.0 * x * y + c_im, steps + 1

        return lax.while_loop(goes_on, step, (0.0, 0.0, 0))[2]

    def line(row, total):
        return lax.fori_loop(0, size, lambda column, total: total + point(row, column), total)

    return lax.fori_loop(0, size, line, 0)


def primes_by_trial(limit):
    def is_prime(n):
        def goes_on(state):
            divisor, found = state
            return ~found & (divisor * divisor <= n)

        def step(state):
            divisor, _ = state
            found = n % divisor == 0
            return jnp.where(found, divisor, divisor + 1), found

        return ~lax.while_loop(goes_on, step, (2, False))[1]

    return lax.fori_loop(2, limit, lambda n, count: count + is_prime(n), 0)


def gcd(limit):
    def divisor(a, b):
        return lax.while_loop(lambda state: state[1] != 0, lambda state: (state[1], state[0] % state[1]), (a, b))[0]

    def line(a, total):
        return lax.fori_loop(1, limit, lambda b, total: total + divisor(a, b), total)

    return lax.fori_loop(1, limit, line, 0)


def newton(count):
    def add_root(k, total):
        x = 1.0 * k
        root = lax.while_loop(lambda root: jnp.abs(root * root - x) > 1e-9 * x, lambda root: (root + x / root) / 2.0, x)
        return total + root

    return lax.fori_loop(1, count, add_root, 0.0)


def bisection(count):
    def add_root(k, total):
        def halve(state):
            low, high = state
            middle = (low + high) / 2.0
            above = middle * middle * middle - middle - k > 0.0
            return jnp.where(above, low, middle), jnp.where(above, middle, high)

        return total + lax.while_loop(lambda state: state[1] - state[0] > 1e-9, halve, (0.0, 1.0 + k))[0]

    return lax.fori_loop(1, count, add_root, 0.0)
