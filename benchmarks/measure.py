"""Contests: several contestants do the same work, in turns, in one process.

``timeit`` times the calls; ``pyperf`` keeps the values and computes the statistics. Its own runner gives each
benchmark processes of its own, one benchmark after the other, so that a machine that slows down half-way would show as
a ratio. Here every round times each contestant once, in an order that rotates, and ratios are taken within a round.
"""

from __future__ import annotations

import contextlib
import gc
import math
import signal
import statistics
import threading
import time
import timeit
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyperf

MOST_CALLS = 100_000
_SLOW = 5.0
"""Seconds after which a contestant is slow enough for one call to be as good as several."""


@dataclass(frozen=True)
class Contestant:
    """One way to do the work.

    Attributes:
        prepare: given a number of calls, makes the statement that is then called and timed so many times.
        answer: what the work gives, for comparison with the other contestants.
        work: how many units of work one call does.
        calls: how many calls a round may time at most; a call that uses up a prepared function is expensive to prepare.
        may_refuse: whether it is known that some programs are not for it. What it then says is part of the result.
    """

    name: str
    prepare: Callable[[int], Callable[[], Any]]
    answer: Callable[[], Any]
    work: int = 1
    calls: int = MOST_CALLS
    may_refuse: bool = False


@dataclass(frozen=True)
class Ratio:
    """A quotient of two contestants' times, and what it should be at least or at most, if anything is asked of it.

    Attributes:
        why: what the profile shows where this project is behind, and what it would take.
        over: two more contestants, by whose quotient this one is divided: one gain against another.
    """

    question: str
    numerator: str
    denominator: str
    at_least: float | None = None
    at_most: float | None = None
    why: str = ""
    over: tuple[str, str] | None = None

    @property
    def contestants(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator, *(self.over or ()))

    def values(self, seconds: Mapping[str, Sequence[float]]) -> list[float]:
        """The quotient in each round."""
        found = [a / b for a, b in zip(seconds[self.numerator], seconds[self.denominator], strict=True)]
        if self.over is not None:
            others = zip(found, *(seconds[name] for name in self.over), strict=True)
            found = [value / (a / b) for value, a, b in others]
        return found

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"

    def is_met(self, value: float) -> bool | None:
        if self.at_least is not None:
            return value >= self.at_least
        return None if self.at_most is None else value <= self.at_most


@dataclass(frozen=True)
class Contest:
    """Contestants that do the same work, and the ratios between them that are of interest.

    Attributes:
        unit: what the times are for.
        missing: the names of contestants that are not installed.
        same_answers: whether all contestants have to give the same answer.
        slow: whether a round takes many seconds.
        clock: what is timed. The processor time of all threads is disturbed least by other programs on the machine, and
            is the measure unless a contestant leaves work to threads of its own, or waits.
        memory: whether not time is measured but the most bytes that Python's allocator hands out at once.
        counts: whether nothing is measured: the statement gives bytes that the compiler knows of.
        patience: how many seconds a contestant that may refuse has for its first answer, compilation included.
    """

    name: str
    title: str
    unit: str
    contestants: Sequence[Contestant]
    ratios: Sequence[Ratio] = ()
    missing: Sequence[str] = ()
    same_answers: bool = True
    slow: bool = False
    clock: Callable[[], float] = pyperf.perf_counter
    memory: bool = False
    counts: bool = False
    patience: float = 60.0

    @property
    def in_bytes(self) -> bool:
        return self.memory or self.counts

    @property
    def clock_name(self) -> str:
        if self.in_bytes:
            return "bytes"
        return "processor time" if self.clock is time.process_time else "elapsed time"


@dataclass(frozen=True)
class Spread:
    """The median and the spread of some values: the ends of their middle half, and the extremes."""

    median: float
    low: float
    high: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) == 1:
            return cls(*[values[0]] * 5)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, min(values), max(values))


@dataclass
class Outcome:
    """What a contest gave.

    Attributes:
        seconds: for each contestant, the time per unit of work in each round.
        calls: for each contestant, how many calls a round timed.
        failed: contestants that raised, or gave another answer, with what they did.
        refused: the same for those for which the program may not be.
    """

    contest: Contest
    seconds: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def benchmark(self, name: str) -> pyperf.Benchmark:
        """The times of one contestant as a ``pyperf`` benchmark."""
        metadata = {"name": f"{self.contest.name}: {name}", "loops": self.calls[name]}
        return pyperf.Benchmark([pyperf.Run(self.seconds[name], metadata=metadata, collect_metadata=False)])

    def ratios(self) -> Iterator[tuple[Ratio, Spread]]:
        """The ratios whose two sides took part, each over all rounds."""
        for ratio in self.contest.ratios:
            if all(name in self.seconds for name in ratio.contestants):
                yield ratio, Spread.of(ratio.values(self.seconds))


class TooLong(BaseException):
    """A contestant has used up the time for its first answer; no library takes this for an error of its own."""


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Stops what runs under it after so many seconds, where the interpreter next looks for signals."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise TooLong(f"no answer within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def qualify(contest: Contest) -> tuple[dict[str, float], dict[str, str]]:
    """Checks the answers, of which the first is taken to be right.

    Returns:
        For each contestant that gave it, about how many seconds that took, and what the others did instead.
    """
    qualified: dict[str, float] = {}
    failed: dict[str, str] = {}
    expected: Any = None
    for contestant in contest.contestants:
        start = contest.clock()
        try:
            with _within(contest.patience) if contestant.may_refuse else contextlib.nullcontext():
                answer = contestant.answer()
        except (Exception, TooLong) as error:
            failed[contestant.name] = _in_a_line(error)
            continue
        if not qualified:
            expected = answer
        elif contest.same_answers and answer != expected:
            failed[contestant.name] = f"gave {answer!r}, not {expected!r}"
            continue
        qualified[contestant.name] = contest.clock() - start
    return qualified, failed


def _in_a_line(error: BaseException) -> str:
    """The type and the first line of an error; the last one, where the first only says whose code it was in."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    text = lines[-1] if lines[0].endswith("code:") else lines[0]
    name = type(error).__name__
    return text if text.startswith(f"{name}: ") else f"{name}: {text}"


def run(contest: Contest, *, rounds: int, seconds: float, budget: float = math.inf) -> Outcome:
    """Times the contestants in turns; each takes about ``seconds`` of a round, or one call if that lasts longer.

    No round begins after ``budget`` seconds, but for the first two.
    """
    qualified, failed = qualify(contest)
    outcome = Outcome(contest)
    for contestant in contest.contestants:
        if contestant.name in failed:
            said = outcome.refused if contestant.may_refuse else outcome.failed
            said[contestant.name] = failed[contestant.name]
    gc.collect()
    gc.freeze()  # what the frameworks have made is not gone through again before each measurement
    try:
        _take_turns(outcome, qualified, rounds, seconds, budget)
    finally:
        gc.unfreeze()
    return outcome


def _take_turns(outcome: Outcome, qualified: dict[str, float], rounds: int, seconds: float, budget: float) -> None:
    contest = outcome.contest
    contestants = [contestant for contestant in contest.contestants if contestant.name in qualified]
    for contestant in contestants:
        calls = 1
        # The answer has warmed up what is slow; the rest is called once to warm up, then to see how long it takes.
        if (
            seconds > 0
            and not contest.in_bytes
            and qualified[contestant.name] < _SLOW
            and _time(contestant, 1, contest.clock) < seconds
        ):
            once = _time(contestant, min(3, contestant.calls), contest.clock)
            calls = max(1, min(contestant.calls, math.ceil(seconds / max(once, 1e-9))))
        outcome.calls[contestant.name] = calls
        outcome.seconds[contestant.name] = []
    end = time.monotonic() + budget
    for turn in range(rounds):
        if turn >= 2 and time.monotonic() > end:
            break
        start = turn % max(len(contestants), 1)
        for contestant in [*contestants[start:], *contestants[:start]]:
            calls = outcome.calls[contestant.name]
            if contest.counts:
                taken = float(contestant.prepare(1)())
            else:
                taken = _memory(contestant) if contest.memory else _time(contestant, calls, contest.clock)
            outcome.seconds[contestant.name].append(taken / contestant.work)


def _memory(contestant: Contestant) -> float:
    """The most bytes that one call holds at once."""
    statement = contestant.prepare(1)
    gc.collect()
    tracemalloc.start()
    try:
        statement()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _time(contestant: Contestant, calls: int, clock: Callable[[], float]) -> float:
    """The seconds that one of ``calls`` calls takes. ``timeit`` keeps the garbage collector out of it."""
    statement = contestant.prepare(calls)
    gc.collect()
    return timeit.Timer(statement, timer=clock).timeit(calls) / calls
