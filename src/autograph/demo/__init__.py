"""What `autograph demo` runs: generated code, the case studies, a training loop, and how long each took.

Needs the `jax` and `demo` extras. `case_studies` and `digits` hold the programs, in ordinary Python; `comparison` runs
a program both ways; `plots` and `report` are what the user sees.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["run"]

# Enough for the curves to have flattened.
FULL_STEPS, QUICK_STEPS = 1000, 300


def run(*, quick: bool = False, out: Path = Path("autograph-demo"), steps: int | None = None) -> int:
    """Run the demonstration, write its plot into the folder `out`, and return the command's exit code.

    `quick` takes smaller inputs and fewer training steps; `steps` sets the training steps. The code is 1 if a graph
    gave anything but what Python gave, and 0 otherwise.
    """
    from autograph.demo.report import Report

    if steps is None:
        steps = QUICK_STEPS if quick else FULL_STEPS
    return Report(quick=quick, out=out, steps=steps).run()
