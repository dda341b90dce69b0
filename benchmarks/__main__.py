"""``python -m benchmarks``: runs the contests and writes the results."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import (
    check,
    collatz,
    control_flow,
    conversion,
    dispatch,
    gradients,
    growth,
    paper,
    readme,
    report,
    tensorflow_programs,
)
from .measure import Contest, Outcome, run
from .scale import FULL, QUICK, TINY, Scale

SCALES = {"full": FULL, "quick": QUICK, "tiny": TINY}
GROUPS: dict[str, Callable[[Scale], Iterator[Contest]]] = {
    "conversion": conversion.contests,
    "collatz": collatz.contests,
    "kernels": control_flow.contests,
    "dispatch": dispatch.contests,
    "gradients": gradients.contests,
    "paper": paper.contests,
    "tensorflow": tensorflow_programs.contests,
    "growth": growth.contests,
}
HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code is 1 if a contestant failed, and says nothing about targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="full", help="how large the contests are")
    parser.add_argument("--quick", action="store_const", dest="scale", const="quick", help="the same as --scale quick")
    parser.add_argument("--only", choices=GROUPS, action="append", help="run these contests only (may be repeated)")
    parser.add_argument("--output", type=Path, help="the folder for results and page, instead of benchmarks/ and docs/")
    parser.add_argument("--check", action="store_true", help="compare with the stored ratios; write nothing")
    parser.add_argument("--render", action="store_true", help="measure nothing; write the pages of the stored values")
    options = parser.parse_args(arguments)
    scale = SCALES[options.scale]
    name = "results.json" if options.scale == "full" else f"results-{options.scale}.json"
    data = (options.output or HERE) / name
    if (options.check or options.render) and not data.exists():
        parser.error(f"there are no ratios to compare with: {data}")
    page = (options.output or HERE.parent / "docs") / "benchmarks.md"
    if options.render:
        results = json.loads(data.read_text())
        contests = itertools.chain.from_iterable(GROUPS[group](scale) for group in options.only or GROUPS)
        _write(options, report.stored(results, contests), results["machine"], data, page, results["versions"])
        return 0
    before = report.machine() | {"scale": options.scale}
    start = time.monotonic()
    outcomes = measure(options.only or GROUPS, scale)
    before["minutes"] = round((time.monotonic() - start) / 60, 1)
    failed = any(outcome.failed for outcome in outcomes)
    if options.check:
        stored = json.loads(data.read_text())
        worse = check.regressions(stored, report.as_json(outcomes, before))
        for _ in range(check.ATTEMPTS - 1):
            if not worse:
                break
            print(f"worse than the stored ratios, and measured again: {len(worse)}", flush=True)
            again = measure(options.only or GROUPS, scale, only={contest for contest, _ in worse})
            found = check.regressions(stored, report.as_json(again, before))
            worse = {key: found[key] for key in worse if key in found}
        words = (
            ["worse than the stored ratios:", *worse.values()] if worse else ["no ratio is worse than the stored one"]
        )
        print("\n".join(words))
        return 1 if failed or worse else 0
    if options.only and options.output is None:
        print("Nothing is written, since these are not all contests; --output FOLDER keeps them.")
    else:
        _write(options, outcomes, before, data, page)
    return 1 if failed else 0


def _write(
    options: argparse.Namespace,
    outcomes: Sequence[Outcome],
    before: dict[str, Any],
    data: Path,
    page: Path,
    versions: Mapping[str, str] | None = None,
) -> None:
    plots = growth.plots(SCALES[options.scale], outcomes)
    for path in report.write(outcomes, before, data, page, plots, versions):
        print(f"wrote {path}")
    if options.scale == "full" and options.output is None and options.only is None:
        readme.write(json.loads(data.read_text()), HERE.parent / "README.md")


def measure(groups: Iterable[str], scale: Scale, only: Container[str] | None = None) -> list[Outcome]:
    """Runs the contests of some groups; of these those with some names, if any are given."""
    outcomes = []
    for group in groups:
        for contest in GROUPS[group](scale):
            if only is not None and contest.name not in only:
                continue
            outcome = run(contest, rounds=_rounds(contest, scale), seconds=scale.seconds, budget=scale.budget)
            outcomes.append(outcome)
            _show(outcome)
    return outcomes


def _rounds(contest: Contest, scale: Scale) -> int:
    return scale.slow_rounds if contest.slow else scale.rounds


def _show(outcome: Outcome) -> None:
    print(outcome.contest.title, flush=True)
    for ratio, spread in outcome.ratios():
        target = f"  (target: {ratio.target})" if ratio.target else ""
        print(f"  {ratio.question}: {spread.median:.4g}x [{spread.low:.4g} to {spread.high:.4g}]{target}", flush=True)
    for name in outcome.contest.missing:
        print(f"  {name}: not installed", flush=True)
    for name, what in outcome.refused.items():
        print(f"  {name}: {what}", flush=True)
    for name, what in outcome.failed.items():
        print(f"  {name}: failed, {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
