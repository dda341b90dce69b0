"""The results as JSON, with every value, and as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyperf

from . import peers
from .growth import Plot
from .measure import Outcome, Ratio, Spread

_MACHINE = ("cpu_model_name", "cpu_count", "cpu_affinity", "platform", "python_implementation", "python_version")
"""What ``pyperf`` knows of the machine and is of interest to others; the name of the host is not."""


def machine() -> dict[str, Any]:
    """The processor, the operating system, the interpreter, and how busy the machine is."""
    known = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    return {name: known[name] for name in (*_MACHINE, "load_avg_1min", "date") if name in known}


def as_json(outcomes: Sequence[Outcome], before: dict[str, Any]) -> dict[str, Any]:
    """Everything that was measured; ``before`` is what ``machine()`` said before the first contest."""
    return {
        "machine": before,
        "versions": peers.versions(),
        "missing": missing(outcomes),
        "contests": [_contest(outcome) for outcome in outcomes],
        "ratios": [
            {
                "question": ratio.question,
                "contest": outcome.contest.name,
                "numerator": ratio.numerator,
                "denominator": ratio.denominator,
                "target": ratio.target,
                "met": ratio.is_met(spread.median),
                "better": "greater" if ratio.at_least is not None else "less",
                "why": ratio.why,
                **_spread(spread),
            }
            for outcome in outcomes
            for ratio, spread in outcome.ratios()
        ],
    }


def _contest(outcome: Outcome) -> dict[str, Any]:
    contest = outcome.contest
    return {
        "name": contest.name,
        "title": contest.title,
        "unit": contest.unit,
        "clock": contest.clock_name,
        "missing": list(contest.missing),
        "failed": outcome.failed,
        "contestants": [
            {
                "name": contestant.name,
                "work_per_call": contestant.work,
                "calls_per_round": outcome.calls[contestant.name],
                "seconds": outcome.seconds[contestant.name],
            }
            for contestant in contest.contestants
            if contestant.name in outcome.seconds
        ],
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {
        "median": spread.median,
        "quartiles": [spread.low, spread.high],
        "extremes": [spread.least, spread.greatest],
    }


def missing(outcomes: Sequence[Outcome]) -> list[str]:
    """The contestants that are not installed."""
    return sorted({name for outcome in outcomes for name in outcome.contest.missing})


def as_markdown(outcomes: Sequence[Outcome], before: dict[str, Any], plots: Sequence[Plot] = ()) -> str:
    """The page with the tables and plots."""
    parts = [
        "# Benchmarks",
        "Written by `make bench` (`python -m benchmarks`) on the machine named at the end. In each round every "
        "contestant is timed once, in turns and in one process; a ratio is taken within a round. The tables give the "
        "median over the rounds, and the ends of their middle half. A ratio above 1 says that its first side takes "
        "longer.",
        "## Targets",
        _table(("ratio", "median", "middle half", "target", "met"), [*_ratio_rows(outcomes, with_target=True)]),
        "## Where this project is behind",
        *_behind(outcomes),
        "## Ratios without a target",
        _table(("ratio", "median", "middle half"), [row[:3] for row in _ratio_rows(outcomes, with_target=False)]),
    ]
    absent = missing(outcomes)
    if absent:
        parts.append("Not installed, so not measured: " + ", ".join(absent) + ".")
    if plots:
        parts.append("## How time and memory grow")
        for plot in plots:
            parts += [f"![{plot.title}](images/{plot.file})", plot.text]
    parts.append("## Times")
    for outcome in outcomes:
        parts += [f"### {outcome.contest.title} ({outcome.contest.clock_name})", _times(outcome)]
        parts += [f"{name} did not finish: {what}." for name, what in outcome.failed.items()]
    parts += ["## Machine and versions", _table(("what", "value"), [*before.items(), *peers.versions().items()])]
    return "\n\n".join(parts) + "\n"


def _behind(outcomes: Sequence[Outcome]) -> list[str]:
    """The targets that are missed: by how much, what the profile shows, and what would be needed."""
    rows = [
        (
            ratio.question,
            f"{_number(spread.median)}x",
            ratio.target,
            _factor(ratio, spread),
            ratio.why or "not looked into",
        )
        for outcome in outcomes
        for ratio, spread in outcome.ratios()
        if ratio.is_met(spread.median) is False
    ]
    if not rows:
        return ["No target was missed in this run."]
    header = ("ratio", "median", "target", "missed by", "what the profile shows, and what would be needed")
    return [_table(header, rows)]


def _factor(ratio: Ratio, spread: Spread) -> str:
    limit = ratio.at_least if ratio.at_least is not None else ratio.at_most
    assert limit is not None
    return f"{_number(limit / spread.median if ratio.at_least is not None else spread.median / limit)}x"


def _ratio_rows(outcomes: Sequence[Outcome], *, with_target: bool) -> list[tuple[Any, ...]]:
    words = {True: "yes", False: "**no**", None: ""}
    return [
        (
            ratio.question,
            f"{_number(spread.median)}x",
            f"{_number(spread.low)} to {_number(spread.high)}",
            ratio.target,
            words[ratio.is_met(spread.median)],
        )
        for outcome in outcomes
        for ratio, spread in outcome.ratios()
        if bool(ratio.target) is with_target
    ]


def _times(outcome: Outcome) -> str:
    rows = []
    for name in outcome.seconds:
        benchmark = outcome.benchmark(name)
        deviation = benchmark.median_abs_dev() if benchmark.get_nvalue() > 1 else 0.0
        if outcome.contest.memory:
            median, spread = f"{benchmark.median() / 1e6:.2f} MB", f"{deviation / 1e6:.2f} MB"
        else:
            median, spread = benchmark.format_values((benchmark.median(), deviation))
        rows.append((name, median, spread, benchmark.get_nvalue(), outcome.calls[name]))
    header = (f"contestant, per {outcome.contest.unit}", "median", "median deviation", "rounds", "calls a round")
    return _table(header, rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def write(
    outcomes: Sequence[Outcome], before: dict[str, Any], data: Path, page: Path, plots: Sequence[Plot] = ()
) -> list[Path]:
    """Writes the values to ``data``, the page, and the plots beside it; gives the paths."""
    images = page.parent / "images"
    for folder in (data.parent, images):
        folder.mkdir(parents=True, exist_ok=True)
    data.write_text(
        json.dumps(as_json(outcomes, before) | {"curves": [plot.as_json() for plot in plots]}, indent=1) + "\n"
    )
    page.write_text(as_markdown(outcomes, before, plots))
    for plot in plots:
        plot.draw(images / plot.file)
    return [data, page, *(images / plot.file for plot in plots)]
