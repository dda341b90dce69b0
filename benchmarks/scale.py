"""How large the contests are: in full, quick, or as small as they can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Attributes:
    rounds: how often each contestant is timed.
    slow_rounds: the same where a round takes many seconds.
    budget: how many seconds the rounds of a contest take together at most, two of them excepted.
    seconds: about how long a contestant runs in one round; one call may take longer.
    long_function: the lines of the long function.
    growth: the lines of the functions that show how conversion grows.
    limit: the end of the range of the Collatz contest.
    slow_limit: the same where slow contestants take part.
    gradient_sizes: how many elements the state of a differentiated loop has.
    gradient_steps: how many iterations that loop does.
    kernel_size: which of a kernel's sizes: 0 for the full one, 1 for a smaller one, 2 for the smallest.
    nesting: the depths of nested loops that are converted.
    call_tree: how many functions the tree of calls has that is converted.
    lengths, batches: of the sequences that the recurrent network reads.
    curve_steps: how many points each of the curves of growth has.
    everything: whether all programs and curves take part, rather than some of each kind.
    """

    rounds: int
    slow_rounds: int
    budget: float
    seconds: float
    long_function: int
    growth: tuple[int, ...]
    limit: int
    slow_limit: int
    gradient_sizes: tuple[int, ...]
    gradient_steps: tuple[int, ...]
    kernel_size: int
    nesting: tuple[int, ...]
    call_tree: int
    lengths: tuple[int, ...]
    batches: tuple[int, ...]
    curve_steps: int
    everything: bool


FULL = Scale(
    rounds=11,
    slow_rounds=5,
    budget=10.0,
    seconds=0.06,
    long_function=362,
    growth=(100, 300, 1000, 3000),
    limit=100_000,
    slow_limit=3_000,
    gradient_sizes=(1, 1000),
    gradient_steps=(100, 10_000, 1_000_000),
    kernel_size=0,
    nesting=(1, 4, 8, 12),
    call_tree=200,
    lengths=(64, 128),
    batches=(32, 64, 128),
    curve_steps=9,
    everything=True,
)
QUICK = Scale(
    rounds=5,
    slow_rounds=3,
    budget=4.0,
    seconds=0.03,
    long_function=92,
    growth=(100, 1000),
    limit=30_000,
    slow_limit=1_000,
    gradient_sizes=(1, 1000),
    gradient_steps=(100, 10_000),
    kernel_size=1,
    nesting=(1, 6, 12),
    call_tree=50,
    lengths=(64,),
    batches=(32,),
    curve_steps=6,
    everything=False,
)
TINY = Scale(
    rounds=1,
    slow_rounds=1,
    budget=1.0,
    seconds=0.0,
    long_function=32,
    growth=(17, 62),
    limit=20,
    slow_limit=10,
    gradient_sizes=(1,),
    gradient_steps=(5,),
    kernel_size=2,
    nesting=(1, 3),
    call_tree=5,
    lengths=(4,),
    batches=(2,),
    curve_steps=3,
    everything=True,
)
