"""The results as JSON, with every value, and as Markdown tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyperf

from . import peers, pictures
from .growth import Plot
from .measure import Contest, Outcome, Ratio, Spread

_MACHINE = ("cpu_model_name", "cpu_count", "cpu_affinity", "platform", "python_implementation", "python_version")
"""What ``pyperf`` knows of the machine and is of interest to others; the name of the host is not."""


def machine() -> dict[str, Any]:
    """The processor, the operating system, the interpreter, and how busy the machine is."""
    known = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    return {name: known[name] for name in (*_MACHINE, "load_avg_1min", "date") if name in known}


def as_json(
    outcomes: Sequence[Outcome], before: dict[str, Any], versions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that was measured; ``before`` is what ``machine()`` said before the first contest."""
    return {
        "machine": before,
        "versions": versions or peers.versions(),
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
        "refused": outcome.refused,
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


def stored(results: Mapping[str, Any], contests: Iterable[Contest]) -> list[Outcome]:
    """The outcomes of an earlier run, with the questions, targets and reasons that the contests have now."""
    measured = {contest["name"]: contest for contest in results["contests"]}
    found = []
    for contest in contests:
        then = measured.get(contest.name)
        if then is not None:
            rows = then["contestants"]
            found.append(
                Outcome(
                    dataclasses.replace(contest, missing=then["missing"]),
                    {row["name"]: row["seconds"] for row in rows},
                    {row["name"]: row["calls_per_round"] for row in rows},
                    then["failed"],
                    then["refused"],
                )
            )
    return found


def _spread(spread: Spread) -> dict[str, float]:
    return {
        "median": spread.median,
        "quartiles": [spread.low, spread.high],
        "extremes": [spread.least, spread.greatest],
    }


def missing(outcomes: Sequence[Outcome]) -> list[str]:
    """The contestants that are not installed."""
    return sorted({name for outcome in outcomes for name in outcome.contest.missing})


TIMES = "benchmarks-times.md"
"""The page beside the first one that has every contestant of every contest."""


def as_markdown(
    outcomes: Sequence[Outcome],
    before: dict[str, Any],
    drawn: Mapping[str, tuple[str, Sequence[Plot]]] = MappingProxyType({}),
    versions: Mapping[str, str] | None = None,
) -> str:
    """The page with the pictures, the targets, and where they are missed."""
    parts = [
        "# Benchmarks",
        "Written by `make bench` (`python -m benchmarks`) on the machine named at the end. In each round every "
        "contestant is timed once, in turns and in one process; a ratio is taken within a round. The tables give the "
        "median over the rounds, and the ends of their middle half. A ratio above 1 says that its first side takes "
        f"longer. [All contestants]({TIMES}) has the times of all, what those said that could not take part, and the "
        "ratios of which nothing is asked.",
    ]
    for file, (title, plots) in drawn.items():
        if not plots:
            parts.append(f"![{title}](images/{file})")
    parts += [
        "## Targets",
        _table(("ratio", "median", "middle half", "target", "met"), [*_ratio_rows(outcomes, with_target=True)]),
        "## Where this project is behind",
        *_behind(outcomes),
        *(
            f'In the contest "{outcome.contest.title}", {name} did not finish: {what}.'
            for outcome in outcomes
            for name, what in outcome.failed.items()
        ),
    ]
    if any(plots for _, plots in drawn.values()):
        parts.append("## How time and memory grow")
        for file, (title, plots) in drawn.items():
            if plots:
                parts.append(f"![{title}](images/{file})")
                parts.append("\n".join(f"- {plot.title}. {plot.text}" for plot in plots))
    absent = missing(outcomes)
    if absent:
        parts.append("Not installed, so not measured: " + ", ".join(absent) + ".")
    known = {**before, **(versions or peers.versions())}
    parts += ["## Machine and versions", _table(("what", "value"), [*known.items()])]
    return "\n\n".join(parts) + "\n"


def of_contests(outcomes: Sequence[Outcome]) -> str:
    """The page with the ratios without a target, and everybody's times."""
    parts = [
        "# All contestants",
        "Every contest of [the benchmarks](benchmarks.md): the time of each contestant, the median over the rounds "
        "with the median deviation from it. Where a program is not for a contestant, that has been found by trying, "
        "and what it said stands in the place of its time.",
        "## Ratios without a target",
        _table(("ratio", "median", "middle half"), [row[:3] for row in _ratio_rows(outcomes, with_target=False)]),
        "## Times",
    ]
    for outcome in outcomes:
        parts += [f"### {outcome.contest.title} ({outcome.contest.clock_name})", _times(outcome)]
        said = {**outcome.failed, **outcome.refused}
        if said:
            parts.append("\n".join(f"- {name}: {what}" for name, what in said.items()))
        if outcome.contest.missing:
            parts.append("Not installed: " + ", ".join(outcome.contest.missing) + ".")
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
        if outcome.contest.in_bytes:
            median, spread = f"{benchmark.median() / 1e6:.2f} MB", f"{deviation / 1e6:.2f} MB"
        else:
            median, spread = benchmark.format_values((benchmark.median(), deviation))
        rows.append((name, median, spread, benchmark.get_nvalue(), outcome.calls[name]))
    rows += [(name, what.partition(":")[0], "", "", "") for name, what in (outcome.failed | outcome.refused).items()]
    header = (f"contestant, per {outcome.contest.unit}", "median", "median deviation", "rounds", "calls a round")
    return _table(header, rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def write(
    outcomes: Sequence[Outcome],
    before: dict[str, Any],
    data: Path,
    page: Path,
    plots: Sequence[Plot] = (),
    versions: Mapping[str, str] | None = None,
) -> list[Path]:
    """Writes the values to ``data``, the two pages, and the pictures beside them; gives the paths."""
    images = page.parent / "images"
    for folder in (data.parent, images):
        folder.mkdir(parents=True, exist_ok=True)
    data.write_text(
        json.dumps(as_json(outcomes, before, versions) | {"curves": [plot.as_json() for plot in plots]}, indent=1)
        + "\n"
    )
    drawn = pictures.draw(outcomes, plots, images)
    page.write_text(as_markdown(outcomes, before, drawn, versions))
    times = page.parent / TIMES
    times.write_text(of_contests(outcomes))
    return [data, page, times, *(images / file for file in drawn)]
