"""The kernels as NumPy is meant to be used: whole arrays at a time, where there is such a form of the work."""

import numpy as np


def collatz(limit):
    n = np.arange(1, limit)
    total = 0
    while (n := n[n != 1]).size:
        n = np.where(n % 2 == 0, n // 2, 3 * n + 1)
        total += n.size
    return total


def mandelbrot(size, most):
    steps = np.arange(size)
    c_re, c_im = (part.ravel() for part in np.meshgrid(3.0 * steps / size - 2.0, 2.0 * steps / size - 1.0))
    x, y = np.zeros_like(c_re), np.zeros_like(c_im)
    total = 0
    for _ in range(most):
        inside = x * x + y * y <= 4.0
        x, y, c_re, c_im = x[inside], y[inside], c_re[inside], c_im[inside]
        x, y = x * x - y * y + c_re, 2.0 * x * y + c_im
        total += x.size
    return total


def primes_by_trial(limit):
    n = np.arange(2, limit)
    is_prime = np.ones(n.size, bool)
    divisor = 2
    while divisor * divisor < limit:
        is_prime &= (n % divisor != 0) | (n < divisor * divisor)
        divisor += 1
    return is_prime.sum()


def gcd(limit):
    x, y = (part.ravel() for part in np.meshgrid(np.arange(1, limit), np.arange(1, limit)))
    total = 0
    while x.size:
        total += x[y == 0].sum()
        x, y = x[y != 0], y[y != 0]
        x, y = y, x % y
    return total


def newton(count):
    x = 1.0 * np.arange(1, count)
    root = x.copy()
    while (far := np.abs(root * root - x) > 1e-9 * x).any():
        root[far] = (root[far] + x[far] / root[far]) / 2.0
    return root.sum()


def bisection(count):
    k = np.arange(1, count)
    low, high = np.zeros(k.size), 1.0 + k
    while (wide := high - low > 1e-9).any():
        middle = (low + high) / 2.0
        above = middle * middle * middle - middle - k > 0.0
        high = np.where(wide & above, middle, high)
        low = np.where(wide & ~above, middle, low)
    return low.sum()


def sieve(is_composite):
    for n in range(2, len(is_composite)):
        if n * n >= len(is_composite):
            break
        if not is_composite[n]:
            is_composite[n * n :: n] = True
    return len(is_composite) - 2 - is_composite[2:].sum()


def binary_search(values, queries):
    return np.searchsorted(values, queries).sum()


def run_lengths(values):
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    lengths = np.diff(starts, append=len(values))
    return lengths.max() * 1000 + len(lengths)


def bubble_sort(values):
    return np.sort(values)


def quick_sort(values, lows, highs):
    return np.sort(values)


def edit_distance(left, right, row):
    """A row at a time; what comes from the left is a running minimum."""
    places = np.arange(len(right) + 1)
    row = places
    for i in range(len(left)):
        best = np.minimum(row[:-1] + (right != left[i]), row[1:] + 1)
        row = np.minimum.accumulate(np.concatenate([[i + 1], best]) - places) + places
    return row[-1]


def floyd_warshall(distances):
    for k in range(len(distances)):
        distances = np.minimum(distances, distances[:, k, None] + distances[k])
    return distances


def matrix_chain(sizes, costs):
    count = len(sizes) - 1
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length - 1
            costs[i, j] = (
                costs[i, i:j] + costs[i + 1 : j + 1, j] + sizes[i] * sizes[i + 1 : j + 1] * sizes[j + 1]
            ).min()
    return costs[0, count - 1]


def viterbi(observed, start, transition, emission, scores, back):
    scores[0] = start + emission[:, observed[0]]
    for t in range(1, len(observed)):
        paths = scores[t - 1, :, None] + transition
        back[t] = paths.argmax(0)
        scores[t] = paths.max(0) + emission[:, observed[t]]
    checksum = state = int(scores[-1].argmax())
    for t in range(len(observed) - 1, 0, -1):
        state = int(back[t, state])
        checksum = (checksum * 31 + state) % 1000003
    return checksum


def life(board, following, generations):
    for _ in range(generations):
        rows = np.roll(board, 1, 0) + board + np.roll(board, -1, 0)
        neighbours = np.roll(rows, 1, 1) + rows + np.roll(rows, -1, 1) - board
        board = ((neighbours == 3) | ((neighbours == 2) & (board == 1))).astype(board.dtype)
    return board.sum()


def n_body(x, y, vx, vy, mass, steps):
    for _ in range(steps):
        dx, dy = x - x[:, None], y - y[:, None]
        square = dx * dx + dy * dy + 0.01
        pull = mass / (square * np.sqrt(square))
        vx = vx + 0.001 * (dx * pull).sum(1)
        vy = vy + 0.001 * (dy * pull).sum(1)
        x, y = x + 0.001 * vx, y + 0.001 * vy
    return x
