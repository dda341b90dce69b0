"""``python -m benchmarks``: runs the contests and writes the results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import collatz, conversion, dispatch, gradients, report, tensorflow_programs
from .measure import Contest, Outcome, run
from .scale import FULL, QUICK, TINY, Scale

SCALES = {"full": FULL, "quick": QUICK, "tiny": TINY}
GROUPS: dict[str, Callable[[Scale], Iterator[Contest]]] = {
    "conversion": conversion.contests,
    "collatz": collatz.contests,
    "dispatch": dispatch.contests,
    "gradients": gradients.contests,
    "tensorflow": tensorflow_programs.contests,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code is 1 if a contestant failed, and says nothing about targets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="full", help="how large the contests are")
    parser.add_argument("--quick", action="store_const", dest="scale", const="quick", help="the same as --scale quick")
    parser.add_argument("--only", choices=GROUPS, action="append", help="run these contests only (may be repeated)")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent, help="the folder for results.json and RESULTS.md"
    )
    options = parser.parse_args(arguments)
    scale = SCALES[options.scale]
    before = report.machine()
    outcomes = []
    for group in options.only or GROUPS:
        for contest in GROUPS[group](scale):
            outcome = run(contest, rounds=_rounds(contest, scale), seconds=scale.seconds)
            outcomes.append(outcome)
            _show(outcome)
    for path in report.write(outcomes, before, options.output):
        print(f"wrote {path}")
    return 1 if any(outcome.failed for outcome in outcomes) else 0


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
