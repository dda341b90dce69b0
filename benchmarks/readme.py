"""The figures in the README, between two marks: some of the ratios, as the command has measured them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- ratios: begin -->", "<!-- ratios: end -->"

SHOWN = (
    ("conversion-short", r"tf\.autograph"),
    ("conversion-short", "diastatic-malt"),
    ("conversion-long", r"tf\.autograph"),
    ("conversion-long", "diastatic-malt"),
    ("conversion-call-tree", r"tf\.autograph"),
    ("collatz-step", "jnp.where$"),
    ("collatz-step-tensorflow", r"^Collatz: tf\.function / "),
    ("first-call", "jnp.where$"),
    ("dispatch", r"ag\.function / jax\.jit"),
    ("kernel-.*", "hand-written lax$"),
    ("kernel-(collatz|mandelbrot|primes_by_trial|gcd|newton|bisection)", "Numba$"),
    (
        "paper-(tensorflow-)?(recurrent-length-64-batch-32|(?!recurrent|gain|tensorflow).*)",
        "(hand-written lax|hand-written graph)$",
    ),
    ("gradient-1-10000", "."),
    ("tensorflow-(collatz|mandelbrot|nested_sums|primes)", r": tf\.function / ag\.function$"),
)
"""The contests, and the questions of theirs, that are shown."""


def block(results: Mapping[str, Any]) -> str:
    """The table, from what ``results.json`` holds."""
    versions, machine = results["versions"], results["machine"]
    rows = [
        f"| {ratio['question']} | {_number(ratio['median'])} |"
        for contest, question in SHOWN
        for ratio in results["ratios"]
        if re.fullmatch(contest, ratio["contest"]) and re.search(question, ratio["question"])
    ]
    cores = f"{machine.get('cpu_count', '?')} shared cores ({machine.get('cpu_model_name', 'a processor')})"
    command = "make bench QUICK=1" if machine.get("scale") == "quick" else "make bench"
    about = (
        f"Medians of one run of `{command}` on {cores}, with JAX {versions['JAX']} and TensorFlow "
        f"{versions['TensorFlow']}. Each ratio is between the times of two ways to do the same work, taken in turns in "
        "one process. Where a kernel takes a small part of the time by hand, XLA copies the array of the version by "
        "hand in each step. [All ratios](docs/benchmarks.md), with those where this project is behind."
    )
    return "\n".join([BEGIN, about, "", "| the same work | ratio |", "| --- | --- |", *rows, END])


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def write(results: Mapping[str, Any], path: Path) -> None:
    """Puts the figures into the README."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(before + block(results) + after)
