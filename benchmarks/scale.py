"""How large the contests are: in full, quick, or as small as they can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Attributes:
    rounds: how often each contestant is timed.
    slow_rounds: the same where a round takes many seconds.
    seconds: about how long a contestant runs in one round; one call may take longer.
    long_function: the lines of the long function.
    growth: the lines of the functions that show how conversion grows.
    limit: the end of the range of the Collatz contest.
    slow_limit: the same where slow contestants take part.
    gradient_sizes: how many elements the state of a differentiated loop has.
    gradient_steps: how many iterations that loop does.
    """

    rounds: int
    slow_rounds: int
    seconds: float
    long_function: int
    growth: tuple[int, ...]
    limit: int
    slow_limit: int
    gradient_sizes: tuple[int, ...]
    gradient_steps: tuple[int, ...]


FULL = Scale(
    rounds=15,
    slow_rounds=3,
    seconds=0.1,
    long_function=362,
    growth=(100, 300, 1000, 3000),
    limit=100_000,
    slow_limit=3_000,
    gradient_sizes=(1, 1000),
    gradient_steps=(100, 10_000, 1_000_000),
)
QUICK = Scale(
    rounds=5,
    slow_rounds=3,
    seconds=0.03,
    long_function=362,
    growth=(100, 300, 1000),
    limit=30_000,
    slow_limit=1_000,
    gradient_sizes=(1, 1000),
    gradient_steps=(100, 10_000),
)
TINY = Scale(
    rounds=1,
    slow_rounds=1,
    seconds=0.0,
    long_function=32,
    growth=(17, 62),
    limit=20,
    slow_limit=10,
    gradient_sizes=(1,),
    gradient_steps=(5,),
)
