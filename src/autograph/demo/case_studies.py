"""The small programs of `autograph demo`: ordinary Python, with nothing in it that belongs to a framework.

The two names that are not Python's, `ag.stack` and `ag.set_element_type`, also work on plain lists.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograph as ag


def longest_collatz(limit):
    best_start, best_steps = 1, 0
    for start in range(1, limit):
        n = start
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        if steps > best_steps:
            best_start, best_steps = start, steps
    return best_start, best_steps


def sum_even(numbers):
    total = 0
    for n in numbers:
        if n % 2 > 0:
            continue
        total += n
    return total


def sum_even_until(numbers, limit):
    total = 0
    for n in numbers:
        if total > limit:
            break
        if n % 2 == 0:
            total += n
    return total


def inverse(x):
    assert x != 0, "Do not pass zero!"
    return 1 / x


def print_sign(x):
    if x >= 0:
        print(x, "is positive or zero")
    else:
        print(x, "is negative")


def running_totals(numbers):
    totals = []
    total = 0
    for n in numbers:
        total += n
        totals.append(total)
    return ag.stack(totals)


def primes_below(n):
    primes = []
    ag.set_element_type(primes, "int32", capacity=1000)
    for candidate in range(2, n):
        for divisor in range(2, candidate):
            if candidate % divisor == 0:
                break
        else:
            primes.append(candidate)
    return len(primes), primes[-1]


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def sum_positive(matrix):
    total = 0
    for row in matrix:
        for value in row:
            if value > 0:
                total += value
    return total


@dataclass(frozen=True)
class CaseStudy:
    """A program and the calls to make. Lists in a call are arrays when the program runs as a graph."""

    title: str
    function: Callable[..., Any]
    calls: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        return self.function.__name__


def case_studies(quick: bool) -> list[CaseStudy]:
    """All of them, on inputs large enough to time, or small enough to be quick."""
    scale = 1 if quick else 10
    # All sums stay inside 32 bits, the integers of a graph.
    generator = random.Random(2018)
    numbers = [generator.randrange(1000) for _ in range(10_000 * scale)]
    matrix = [[generator.randrange(-100, 100) for _ in range(100)] for _ in range(100 * scale)]
    return [
        CaseStudy("Collatz steps over a range", longest_collatz, ((3_000 * scale,),)),
        CaseStudy("The sum of even numbers, with continue", sum_even, ((numbers,),)),
        CaseStudy("The same, with break", sum_even_until, ((numbers, 2_000_000 * scale),)),
        CaseStudy("An assertion that fails", inverse, ((4.0,), (0.0,))),
        CaseStudy("print in both branches", print_sign, ((3,), (-3,))),
        CaseStudy("A list filled in a loop, and stacked", running_totals, ((numbers,),)),
        CaseStudy("Primes, with nested loops, break and a list", primes_below, ((500 * scale,),)),
        CaseStudy("Fibonacci numbers", fibonacci, ((10,), (40,))),
        CaseStudy("Nested loops over a matrix, with a condition", sum_positive, ((matrix,),)),
    ]
