"""``python -m benchmarks``: runs the contests and writes the results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

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
    options = parser.parse_args(arguments)
    scale = SCALES[options.scale]
    name = "results.json" if options.scale == "full" else f"results-{options.scale}.json"
    data = (options.output or HERE) / name
    if options.check and not data.exists():
        parser.error(f"there are no ratios to compare with: {data}")
    before = report.machine() | {"scale": options.scale}
    outcomes, plots = measure(options.only or GROUPS, scale)
    failed = any(outcome.failed for outcome in outcomes)
    if options.check:
        worse = check.regressions(json.loads(data.read_text()), report.as_json(outcomes, before))
        print(
            "\n".join(["worse than the stored ratios:", *worse]) if worse else "no ratio is worse than the stored one"
        )
        return 1 if failed or worse else 0
    page = (options.output or HERE.parent / "docs") / "benchmarks.md"
    for path in report.write(outcomes, before, data, page, plots):
        print(f"wrote {path}")
    if options.scale == "full" and options.output is None and options.only is None:
        readme.write(json.loads(data.read_text()), HERE.parent / "README.md")
    return 1 if failed else 0


def measure(groups: Iterable[str], scale: Scale) -> tuple[list[Outcome], list[growth.Plot]]:
    """Runs the contests of some groups, and draws the curves."""
    outcomes, plots = [], []
    for group in groups:
        if group == "growth":
            plots += growth.plots(scale)
            continue
        for contest in GROUPS[group](scale):
            outcome = run(contest, rounds=_rounds(contest, scale), seconds=scale.seconds)
            outcomes.append(outcome)
            _show(outcome)
    return outcomes, plots


def _rounds(contest: Contest, scale: Scale) -> int:
    return scale.slow_rounds if contest.slow else scale.rounds


def _show(outcome: Outcome) -> None:
    print(outcome.contest.title, flush=True)
    for ratio, spread in outcome.ratios():
        target = f"  (target: {ratio.target})" if ratio.target else ""
        print(f"  {ratio.question}: {spread.median:.4g}x [{spread.low:.4g} to {spread.high:.4g}]{target}", flush=True)
    for name in outcome.contest.missing:
        print(f"  {name}: not installed", flush=True)
    for name, what in outcome.failed.items():
        print(f"  {name}: failed, {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
