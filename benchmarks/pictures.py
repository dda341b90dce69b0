"""The pictures of the page: who is how fast beside this project, and how time and memory grow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from . import everybody, paper
from .growth import Plot
from .measure import Outcome, Spread


@dataclass(frozen=True)
class Comparison:
    """A row for each contest, a mark for each contestant: its time as a multiple of that of this project.

    Attributes:
        contests: a pattern that the names of the contests match; its group is what a row is called.
        base: the contestant that the others are compared with.
    """

    file: str
    title: str
    contests: str
    base: str

    def rows(self, outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
        """For each row and contestant the median over the rounds of the ratio of its time to that of the base."""
        found = {}
        for outcome in outcomes:
            match = re.fullmatch(self.contests, outcome.contest.name)
            if match and self.base in outcome.seconds:
                bases = outcome.seconds[self.base]
                found[match.group(1)] = {
                    name: Spread.of([a / b for a, b in zip(seconds, bases, strict=True)]).median
                    for name, seconds in outcome.seconds.items()
                }
        return found


COMPARISONS = (
    Comparison(
        "kernels.png",
        "Kernels: time beside that of AutoGraph on JAX",
        r"kernel-((?:(?!everybody).)+)",
        everybody.CONVERTED,
    ),
    Comparison(
        "everybody.png",
        "Kernels at small sizes, everybody: time beside that of AutoGraph on JAX",
        r"kernel-(.+)-everybody",
        everybody.CONVERTED,
    ),
    Comparison(
        "paper-tensorflow.png",
        "The paper's programs on TensorFlow: time beside that of AutoGraph",
        r"paper-tensorflow-(.+)",
        paper.TF_ENGINE,
    ),
    Comparison(
        "paper.png",
        "The paper's programs: time beside that of AutoGraph on JAX",
        r"paper-gain-(.+)",
        paper.CONVERTED,
    ),
)


def draw(outcomes: Sequence[Outcome], plots: Sequence[Plot], folder: Path) -> dict[str, tuple[str, list[Plot]]]:
    """Draws all pictures there is something for; gives the title of each, and the curves that are in it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn: dict[str, tuple[str, list[Plot]]] = {}
    for comparison in COMPARISONS:
        rows = comparison.rows(outcomes)
        if rows:
            figure, axes = pyplot.subplots(figsize=(10, 1.5 + 0.33 * len(rows)), layout="constrained")
            _strips(axes, comparison, rows)
            figure.savefig(folder / comparison.file, dpi=90)
            pyplot.close(figure)
            drawn[comparison.file] = comparison.title, []
    for file, group in groupby(plots, key=lambda plot: plot.file):
        panels = list(group)
        columns = min(len(panels), 2)
        lines = -(-len(panels) // columns)
        figure, grid = pyplot.subplots(
            lines, columns, figsize=(5.5 * columns, 3.7 * lines), layout="constrained", squeeze=False
        )
        for plot, axes in zip(panels, grid.flat, strict=False):
            plot.draw(axes)
        for axes in list(grid.flat)[len(panels) :]:
            axes.axis("off")
        figure.savefig(folder / file, dpi=80)
        pyplot.close(figure)
        drawn[file] = panels[0].title, panels
    return drawn


def _strips(axes: Any, comparison: Comparison, rows: Mapping[str, Mapping[str, float]]) -> None:
    from matplotlib import colormaps

    names = list(dict.fromkeys(name for row in rows.values() for name in row if name != comparison.base))
    axes.set_prop_cycle(color=colormaps["tab20"].colors)
    for number, name in enumerate(names):
        points = [(row[name], place) for place, row in enumerate(rows.values()) if name in row]
        axes.scatter(*zip(*points, strict=True), label=name, marker="osD^v<>PX*phd"[number % 13], s=28)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.set_title(comparison.title)
    axes.set_xlabel(f"times as long as {comparison.base}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
