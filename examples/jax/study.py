"""What the examples share: their command line, and plots."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def options(description: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="as little work as shows the point")
    parser.add_argument("--output", type=Path, default=Path("autograph-examples"), help="the folder for plots")
    return parser.parse_args(argv)


def plot(
    folder: Path,
    name: str,
    lines: Mapping[str, tuple[Any, Any]],
    *,
    x: str,
    y: str,
    log: bool = False,
    marks: Mapping[str, tuple[Any, Any]] | None = None,
) -> Path:
    """Writes `lines` (and `marks`, as dots), each a pair of coordinates, to a file `name.png` in `folder`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for label, (xs, ys) in lines.items():
        axes.plot(xs, ys, label=label)
    for label, (xs, ys) in (marks or {}).items():
        axes.plot(xs, ys, "o", label=label)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if log:
        axes.set_yscale("log")
    axes.legend()
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    print(f"wrote {path}")
    return path
