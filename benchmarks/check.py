"""Whether ratios are worse than those of an earlier run, by more than machines that others use can be blamed for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ATTEMPTS = 3
"""A ratio is worse if it is so each time: what another program does to one run, it does not do to all."""
FACTOR = 2.5
"""Between a run on a quiet machine and runs beside ten other busy programs on its two cores, one of a hundred ratios
was beyond a factor of 2 in the better end of its rounds: elapsed times of calls of microseconds, which has since become
processor time."""
SLACK = 0.25
"""What may be added to a small ratio: a call of a microsecond is disturbed by more than its share."""


def regressions(stored: Mapping[str, Any], now: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """What has become worse, in words, by contest and question; both arguments are what ``results.json`` holds.

    Only ratios with a target are compared: of the others it is not said which way is the better one. A ratio that one
    of the runs has not measured, since a contestant is not installed or the contest is new, says nothing.
    """
    before = {(ratio["contest"], ratio["question"]): ratio for ratio in stored["ratios"]}
    found = {}
    for ratio in now["ratios"]:
        old = before.get((ratio["contest"], ratio["question"]))
        if old is None or not ratio["target"]:
            continue
        limit = worst(old["median"], ratio["better"])
        low, high = ratio["quartiles"]  # the better end of the rounds: what is slower is so in all of them
        if low > limit if ratio["better"] == "less" else high < limit:
            found[ratio["contest"], ratio["question"]] = (
                f"{ratio['question']}: {ratio['median']:.4g}, and {old['median']:.4g} before (limit {limit:.4g})"
            )
    return found


def worst(median: float, better: str) -> float:
    """The ratio beyond which it is worse than ``median``."""
    return median * FACTOR + SLACK if better == "less" else max(median - SLACK, 0.0) / FACTOR
