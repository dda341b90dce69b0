"""Numeric code as it is written for NumPy and Numba: work arrays that helpers fill, prefix sums, tables, stencils."""

import numpy as np

from corpus import floats, ints, program


def scale(v, factor):
    v *= factor


def add_row(matrix, i, row):
    matrix[i, :] += row


@program((floats(1, 2, 3), 2.0))
def a_helper_scales(v, factor):
    scale(v, factor)
    scale(v, 0.5 * factor)
    return v


@program((np.zeros((3, 2), np.float32), floats(1, 2), 2), (np.zeros((3, 2), np.float32), floats(1, 2), 0))
def rows_are_added_by_a_helper(m, row, n):
    for i in range(n):
        add_row(m, i, row)
        add_row(m, i + 1, row * 2)
    return m


@program((ints(3, 1, 2, 2),))
def prefix_sums(xs):
    for i in range(1, len(xs)):
        xs[i] += xs[i - 1]
    return xs


@program((ints(0, 0, 0, 0), ints(1, 3, 3, 0, 1, 1)))
def a_histogram(counts, xs):
    for x in xs:
        counts[x] += 1
    return counts


@program((floats(0, 0, 9, 0, 0), 3))
def diffusion(u, steps):
    for _ in range(steps):
        old = u * 1
        for i in range(1, len(u) - 1):
            u[i] = 0.25 * old[i - 1] + 0.5 * old[i] + 0.25 * old[i + 1]
    return u


@program((np.zeros((4, 4), np.int32), ints(1, 2, 2), ints(2, 1, 2)))
def longest_common_subsequence(table, a, b):
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])
    return table[len(a), len(b)]


@program((ints(5, 2, 9, 1),), (ints(1, 2, 3, 4),))
def selection_sort(xs):
    n = len(xs)
    for i in range(n - 1):
        least = i
        for j in range(i + 1, n):
            if xs[j] < xs[least]:
                least = j
        xs[i], xs[least] = xs[least], xs[i]
    return xs


def sift(flags, p):
    k = p * p
    while k < len(flags):
        flags[k] = 0
        k += p


@program((np.ones(12, np.int32),))
def the_sieve(flags):
    flags[0] = flags[1] = 0
    p = 2
    while p * p < len(flags):
        if flags[p] == 1:
            sift(flags, p)
        p += 1
    return flags


@program((np.array([[4, 1], [2, 3]], np.float32), floats(9, 8)))
def gauss_elimination(a, b):
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i] -= factor * a[k]
            b[i] -= factor * b[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            b[k] -= a[k, j] * b[j]
        b[k] /= a[k, k]
    return b


class Filter:
    def __init__(self, window):
        self.window = window
        self.at = 0

    def push(self, x):
        self.window[self.at] = x
        self.at = (self.at + 1) % len(self.window)
        return self.window[0] + self.window[1] + self.window[2]


@program((floats(0, 0, 0), floats(3, 6, 9, 12), 5.0))
def a_moving_filter(window, xs, limit):
    f = Filter(window)
    out = 0.0
    for x in xs:
        s = f.push(x)
        if s > limit:
            out += s
    return out, window, f.at


def fill_diagonal(m, v):
    for i in range(m.shape[0]):
        m[i, i] = v


@program((np.zeros((3, 3), np.float32), 2.0), (np.zeros((3, 3), np.float32), -1.0))
def a_conditional_call_of_a_helper(m, v):
    view = m
    if v > 0:
        fill_diagonal(m, v)
    else:
        m[0, 1:] = v
    return m, view
