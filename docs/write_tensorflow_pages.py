"""Write `docs/tensorflow-case-studies/`: a page for each program in `examples/tensorflow/`, with its generated code.

Run it after a change of an example or of the converter: `python docs/write_tensorflow_pages.py`. A test compares the
pages with what this program would write, and what a page says an example prints with what the example prints.
"""

from __future__ import annotations

import importlib
import inspect
import operator
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import autograph as ag

DOCS = Path(__file__).resolve().parent
PAGES = DOCS / "tensorflow-case-studies"
EXAMPLES = DOCS.parent / "examples" / "tensorflow"


@dataclass(frozen=True)
class Page:
    """An example, and the functions of it whose code is shown; `prints` if every run prints the same."""

    module: str
    title: str
    functions: tuple[str, ...]
    prints: bool = False

    @property
    def file(self) -> Path:
        return PAGES / f"{self.module}.md"


CASE_STUDIES = (
    Page("square_if_positive", "A conditional", ("g",), prints=True),
    Page("collatz", "A loop with a conditional in it", ("collatz",), prints=True),
    Page("sum_even", "`continue` and `break`", ("sum_even", "sum_even_until"), prints=True),
    Page("assertion", "`assert`", ("inverse",), prints=True),
    Page("print_sign", "`print` in branches", ("print_sign",), prints=True),
    Page("list_in_a_loop", "A list filled in a loop", ("squares", "running_maximum"), prints=True),
    Page("print_primes", "Primes", ("print_primes",), prints=True),
    Page(
        "first_functions",
        "First functions",
        (
            "compute_sum",
            "conditional_operation",
            "fibonacci",
            "safe_operation",
            "scale_vector",
            "matrix_sum",
            "slow_sum",
            "nested_computation",
            "sample_function",
        ),
    ),
    Page("polymorphism", "Polymorphism", ("myadd",), prints=True),
    Page("training_epoch", "A training epoch", ("train_epoch",)),
    Page("keras_layer", "A Keras layer", ("LimitedNorm.call",)),
    Page("mnist", "MNIST", ("train", "evaluate")),
    Page("colorbot", "RNN Colorbot", ("Colorbot.call", "unroll", "train_and_test", "predict")),
    Page("distributed_training", "Mirrored and multi-worker training", ("train",)),
)


def example(name: str) -> ModuleType:
    """The module of an example, with its folder on the path as when it runs as a script."""
    if str(EXAMPLES) not in sys.path:
        sys.path.insert(0, str(EXAMPLES))
    return importlib.import_module(name)


def written(page: Page, output: str | None) -> str:
    """A page's text; `output` is what its example prints, where that is always the same."""
    module = example(page.module)
    functions = [operator.attrgetter(name)(module) for name in page.functions]
    parts = [
        f"# {page.title}",
        "<!-- Written by docs/write_tensorflow_pages.py. -->",
        inspect.cleandoc(module.__doc__ or ""),
        f"The whole program: [`{page.module}.py`](../../examples/tensorflow/{page.module}.py).",
        "## What is written",
        *(block("python", source(function)) for function in functions),
        "## What it is converted to",
        *(block("python", ag.to_code(function)) for function in functions),
    ]
    if output is not None:
        parts += ["## What it prints", block("", output)]
    return "\n\n".join(parts) + "\n"


def source(function: object) -> str:
    """A function as it stands in its file, with its decorators, at the margin."""
    while hasattr(function, "python_function"):
        function = function.python_function
    return inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(function)))


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"


def index() -> str:
    """The page that leads to the others."""
    rows = [
        f"| [{page.title}]({page.file.name}) | `python examples/tensorflow/{page.module}.py` |" for page in CASE_STUDIES
    ]
    return "\n".join(
        [
            "# TensorFlow case studies",
            "",
            "<!-- Written by docs/write_tensorflow_pages.py. -->",
            "",
            "Programs in [`examples/tensorflow`](../../examples/tensorflow). Each page shows functions as they are",
            "written and as they are converted. All take `--quick`, and need the extras `tensorflow` and `demo`.",
            "",
            "| page | program |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )


def run(page: Page) -> str:
    """What an example prints to standard output."""
    command = [sys.executable, str(EXAMPLES / f"{page.module}.py"), "--quick"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    PAGES.mkdir(exist_ok=True)
    for page in CASE_STUDIES:
        page.file.write_text(written(page, run(page) if page.prints else None))
        print(page.file.relative_to(DOCS.parent))
    (PAGES / "README.md").write_text(index())


if __name__ == "__main__":
    main()
