"""Collatz over a range, as anybody would write it."""


def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def total_steps(limit):
    s = 0
    for k in range(1, limit):
        s += collatz(k)
    return s
