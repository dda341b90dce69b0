"""The demonstration as it appears in the terminal."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

import autograph as ag
from autograph.demo import case_studies, comparison, digits, plots
from autograph.demo.comparison import Comparison, Outcome, Timing, silence, timed

# Narrower than this, two pieces of code stand one above the other.
SIDE_BY_SIDE = 110


class Report:
    """One run of the demonstration: its four parts in order, and whether all results were equal."""

    def __init__(self, *, quick: bool, out: Path, steps: int) -> None:
        self.console = Console(highlight=False)
        self.quick = quick
        self.out = out
        self.steps = steps
        self.timings: list[Timing] = []
        self.differences: list[str] = []
        self.footnote = ""

    def run(self) -> int:
        self.show_generated_code()
        self.show_case_studies()
        self.show_training()
        self.show_timings()
        if self.differences:
            self.console.print(f"[bold red]Graph and Python differ:[/] {', '.join(self.differences)}")
            return 1
        self.console.print("Every graph gave what Python gave.")
        return 0

    # ------------------------------------------------------------------------------------------------------- parts

    def show_generated_code(self) -> None:
        self.heading("1. A function, and the code that it is converted to")
        function = case_studies.sum_even
        self.beside(code(inspect.getsource(function), "Python"), code(ag.to_code(function), "Converted"))

    def show_case_studies(self) -> None:
        self.heading("2. Programs, run by Python and as graphs")
        for case in case_studies.case_studies(self.quick):
            comparisons, timing = comparison.compare(case, seconds=0.1 if self.quick else 0.5)
            self.timings.append(timing)
            self.differences += [describe(case.name, each.arguments) for each in comparisons if not each.same]
            self.beside(code(inspect.getsource(case.function), case.title), results(case.name, comparisons))

    def show_training(self) -> None:
        self.heading("3. A training loop, as one graph")
        self.console.print(code(inspect.getsource(digits.train), "A perceptron learns handwritten digits"))
        arguments = digits.training_arguments()
        _, train_set, test_set, _ = arguments
        self.console.print(
            f"{' -> '.join(map(str, digits.LAYERS))} units, {len(train_set.labels)} digits to train on and "
            f"{len(test_set.labels)} to test with, {self.steps} steps. The lines below are printed by the graph as it "
            "runs."
        )
        graph = ag.function(digits.train, static_argnames=("steps",))
        first_call, (params, curves) = timed(lambda: graph(*arguments, steps=self.steps))
        self.console.print(
            f"After {self.steps} steps: {digits.accuracy_of(params, train_set):.1%} of the training digits and "
            f"{digits.accuracy_of(params, test_set):.1%} of the test digits are recognised."
        )
        file = self.out / "digits.png"
        plots.plot(curves, file)
        self.console.print(f"The curves: {file.resolve()}", soft_wrap=True)
        self.compare_training(graph, arguments, curves, first_call)

    def compare_training(
        self, graph: Callable[..., Any], arguments: tuple[Any, Any, Any, Any], curves: digits.Curves, first_call: float
    ) -> None:
        """Train a few steps by Python: the curves must begin alike, and the time of a step is compared."""
        few = min(self.steps, 5 if self.quick else 20)
        with silence():
            digits.train(*arguments, steps=1)  # compiles each operation that Python then calls
            python_time, (_, beginning) = timed(lambda: digits.train(*arguments, steps=few))
            graph_time, _ = timed(lambda: graph(*arguments, steps=self.steps))
        for name, curve, expected in zip(curves._fields, curves, beginning, strict=True):
            # The sums of a matrix product are ordered differently, and training amplifies the last bits.
            if not np.allclose(curve[:few], expected, rtol=1e-2, atol=1e-3):
                self.differences.append(f"the {name.replace('_', ' ')} of training")
        self.timings.append(Timing("train, one step *", python_time / few, graph_time / self.steps, first_call))
        self.footnote = f"* Python was timed over {few} steps, the graph over {self.steps}."

    def show_timings(self) -> None:
        self.heading("4. How long it takes")
        table = Table(box=None, pad_edge=False)
        table.add_column("program")
        for column in ("plain Python", "graph", "ratio", "first call"):
            table.add_column(column, justify="right")
        for timing in self.timings:
            table.add_row(
                timing.title,
                duration_text(timing.python),
                duration_text(timing.graph),
                Text(f"{timing.ratio:.2g}x" if timing.ratio < 10 else f"{timing.ratio:,.0f}x", "bold"),
                duration_text(timing.first_call),
            )
        self.console.print(table)
        self.console.print(
            f"[dim]Measured just now, on {jax.devices()[0].device_kind}; the best of three rounds. The first call "
            f"converts, traces and compiles. A graph that does little costs more than it saves. {self.footnote}[/]"
        )

    # ------------------------------------------------------------------------------------------------------- layout

    def heading(self, title: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{title}[/]", align="left")

    def beside(self, left: RenderableType, right: RenderableType) -> None:
        if self.console.width < SIDE_BY_SIDE:
            self.console.print(left, right, sep="\n")
            return
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(left, right)
        self.console.print(grid)


def code(source: str, title: str) -> Panel:
    """Python source, highlighted."""
    syntax = Syntax(source.rstrip(), "python", theme="ansi_dark", background_color="default", word_wrap=True)
    return Panel(syntax, title=title, title_align="left", border_style="dim")


def results(name: str, comparisons: list[Comparison]) -> RenderableType:
    """What each call gave, by Python and as a graph."""
    rows: list[RenderableType] = []
    for each in comparisons:
        verdict = Text("equal", "green") if each.same else Text("different", "bold red")
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row("Python", outcome(each.python))
        table.add_row("graph", outcome(each.graph))
        table.add_row("", verdict)
        rows += [Text(describe(name, each.arguments), "bold"), table]
    return Panel(Group(*rows), title="Results", title_align="left", border_style="dim")


def outcome(result: Outcome) -> Text:
    """What was printed, a line each, and then the value or the exception."""
    text = Text()
    for line in result.printed.splitlines():
        text.append(f"printed  {line}\n", "cyan")
    return text.append(result.error, "yellow") if result.error is not None else text.append(value_text(result.value))


def value_text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(value_text, value))})"
    if value is None:
        return "None"
    array = np.asarray(value)
    return repr(array.item()) if array.ndim == 0 else np.array2string(array, threshold=6, separator=", ")


def describe(name: str, arguments: tuple[Any, ...]) -> str:
    """The call, with long lists cut short."""
    short = reprlib.Repr()
    short.maxlist, short.maxlevel = 4, 2
    return f"{name}({', '.join(map(short.repr, arguments))})"


def duration_text(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
