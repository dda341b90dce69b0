"""Numeric routines that were not written for this project: imported as they are installed, converted, and compared.

Each routine runs as plain Python and under ``ag.function`` with staged arguments. ``docs/real-code.md`` is the table of
what came of it; the last test here holds that page to be what this module says.
"""

from __future__ import annotations

import _pydecimal
import calendar
import colorsys
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import fontTools
import jax.numpy as jnp
import numpy as np
import pytest
from dateutil import easter
from fontTools.misc import arrayTools, fixedTools, transform
from fontTools.varLib import models
from scipy.optimize import _dcsrch, _linesearch, _optimize, _zeros_py
from scipy.special import _basic

import autograph as ag
from corpus import Call
from differential import observe, raised_difference, staged_difference


def _without(extension: str, name: str) -> Any:
    """A module of the standard library as it is where its C extension is missing."""
    kept = {part: sys.modules.pop(part, None) for part in (name, extension)}
    sys.modules[extension] = None  # type: ignore[assignment]
    try:
        return importlib.import_module(name)
    finally:
        for part, module in kept.items():
            sys.modules.pop(part, None)
            if module is not None:
                sys.modules[part] = module


heapq = _without("_heapq", "heapq")
bisect = _without("_bisect", "bisect")
statistics = _without("_statistics", "statistics")


def _without_extension(package: ModuleType, path: str) -> Any:
    """The Python source of a module that is installed in compiled form."""
    assert package.__file__ is not None
    file = Path(package.__file__).parent / path
    spec = importlib.util.spec_from_file_location(f"{package.__name__}.source_of_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bezier = _without_extension(fontTools, "misc/bezierTools.py")


@dataclass(frozen=True)
class Routine:
    """A routine, the calls to compare, and what it does."""

    function: Callable[..., Any]
    what: str
    calls: tuple[tuple[Any, ...], ...]
    driver: Callable[..., Any] | None = None
    """Calls the routine, which is its first argument, for routines that take functions."""
    why: str = ""
    """Why it does not run; '' if it does."""

    @property
    def name(self) -> str:
        return f"{self.function.__module__.removesuffix('.source_of_bezierTools')}.{self.function.__qualname__}"


LINE = (0.0, 0.0), (4.0, 4.0)
CURVE = (0.0, 0.0), (1.0, 2.0), (3.0, 0.0), (4.0, 1.0)

ROUTINES = [
    Routine(colorsys.rgb_to_hls, "colours", ((0.2, 0.5, 0.4), (0.7, 0.7, 0.7), (0.9, 0.1, 0.3))),
    Routine(colorsys.hls_to_rgb, "colours", ((0.2, 0.5, 0.4), (0.7, 0.7, 0.0), (0.9, 0.1, 0.3))),
    Routine(colorsys.rgb_to_hsv, "colours", ((0.2, 0.5, 0.4), (0.7, 0.7, 0.7), (0.9, 0.1, 0.3))),
    Routine(colorsys.hsv_to_rgb, "colours: six cases", tuple((i / 6 + 0.05, 0.5, 0.4) for i in range(6))),
    Routine(colorsys.yiq_to_rgb, "colours, clipped", ((0.2, 0.5, 0.4), (0.9, 0.9, 0.9))),
    Routine(bisect.bisect_left, "binary search", ((np.array([1, 3, 5, 7, 9]), 4), (np.array([1, 3, 5]), 0))),
    Routine(bisect.bisect_right, "binary search", ((np.array([1, 3, 3, 7, 9]), 3), (np.array([1, 3, 5]), 99))),
    Routine(heapq._siftdown, "a heap's invariant, in place", ((np.array([1, 3, 5, 0]), 0, 3),)),
    Routine(heapq._siftup, "a heap's invariant, in place", ((np.array([9, 3, 5, 4]), 0),)),
    Routine(heapq.heapify, "a heap in place", ((np.array([9, 3, 5, 4, 1]),),)),
    Routine(statistics._normal_dist_inv_cdf, "quantiles", ((0.5, 0.0, 1.0), (0.01, 0.0, 1.0), (0.9999, 1.0, 2.0))),
    Routine(calendar.isleap, "calendar", ((1900,), (2000,), (2023,))),
    Routine(calendar.leapdays, "calendar", ((1990, 2030),)),
    Routine(_pydecimal._sqrt_nearest, "integer square root, Newton's method", ((1000, 20), (12345678, 1))),
    Routine(_pydecimal._div_nearest, "rounded division", ((37, 5), (40, 5))),
    Routine(_pydecimal._rshift_nearest, "rounded shift", ((37, 2),)),
    Routine(bezier.solveQuadratic, "as many roots as there are", ((1.0, -3.0, 2.0), (1.0, 0.0, 4.0), (0.0, 2.0, -1.0))),
    Routine(bezier.solveCubic, "as many roots as there are", ((1.0, -6.0, 11.0, -6.0), (1.0, 0.0, 0.0, -1.0))),
    Routine(
        bezier.lineLineIntersections, "geometry", ((*LINE, (0.0, 4.0), (4.0, 0.0)), (*LINE, (5.0, 5.0), (6.0, 6.0)))
    ),
    Routine(bezier.splitLine, "geometry", ((*LINE, 1.0, True), (*LINE, 9.0, True))),
    Routine(bezier.calcQuadraticBounds, "geometry", (CURVE[:3],)),
    Routine(bezier.calcCubicBounds, "geometry", (CURVE,)),
    Routine(bezier.cubicPointAtT, "geometry", ((*CURVE, 0.3),)),
    Routine(arrayTools.sectRect, "geometry", (((0, 0, 4, 4), (2, 2, 6, 6)), ((0, 0, 1, 1), (2, 2, 3, 3)))),
    Routine(arrayTools.pointInRect, "geometry", (((1, 1), (0, 0, 4, 4)), ((9, 1), (0, 0, 4, 4)))),
    Routine(arrayTools.intRect, "geometry", (((0.5, 0.2, 3.9, 4.1),),)),
    Routine(arrayTools.calcIntBounds, "geometry", (([(0.5, 1.5), (2.5, 3.5)],),)),
    Routine(transform._normSinCos, "geometry", ((0.3,), (1.0,), (1e-17,))),
    Routine(fixedTools.floatToFixedToFloat, "fixed-point numbers", ((0.3, 14),)),
    Routine(
        models.supportScalar,
        "interpolation",
        (({"w": 0.2}, {"w": (0.0, 2.0, 3.0)}), ({"w": 2.5}, {"w": (0.0, 2.0, 4.0)})),
    ),
    Routine(
        models.normalizeValue,
        "interpolation",
        ((400.0, (100.0, 400.0, 900.0)), (50.0, (100.0, 400.0, 900.0)), (650.0, (100.0, 400.0, 900.0))),
    ),
    Routine(_linesearch._cubicmin, "minimum of a cubic", ((0.0, 1.0, -1.0, 1.0, 0.5, 2.0, 3.0),)),
    Routine(_linesearch._quadmin, "minimum of a parabola", ((0.0, 1.0, -1.0, 1.0, 0.5),)),
    Routine(
        _dcsrch.dcstep,
        "a step of the Moré-Thuente line search",
        (
            (0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.5, 0.6, -0.5, False, 0.0, 5.0),
            (0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.5, 1.6, 0.5, False, 0.0, 5.0),
            (0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 0.5, 0.2, 0.4, True, 0.0, 5.0),
        ),
    ),
    Routine(
        _optimize._minimize_scalar_golden,
        "golden section search",
        ((2.0,), (-3.0,)),
        lambda routine, x: routine(lambda t: (t - x) ** 2, brack=(0.0, 1.0), xtol=1e-3).x,
    ),
    Routine(
        _optimize.bracket,
        "brackets a minimum",
        ((2.0,), (-3.0,)),
        lambda routine, x: routine(lambda t: (t - x) ** 2)[:3],
    ),
    Routine(
        _zeros_py.newton,
        "Newton's method, and the secant method",
        ((2.0,), (5.0,)),
        lambda routine, x: (
            routine(lambda t: t * t - x, 1.0, fprime=lambda t: 2 * t, tol=1e-4),
            routine(lambda t: t * t - x, 1.0, tol=1e-4),
        ),
    ),
    Routine(calendar.weekday, "calendar", ((2024, 2, 29),), why="makes a `datetime.date` of the numbers"),
    Routine(easter.easter, "calendar", ((2024,),), why="makes a `datetime.date` of the numbers"),
    Routine(_pydecimal._iexp, "exponential of integers", ((100, 1000),), why="asks for the `bit_length()` of a number"),
    Routine(
        models.piecewiseLinearMap, "interpolation", ((1.5, {1.0: 10.0, 2.0: 20.0}),), why="looks a number up in a dict"
    ),
    Routine(bezier.approximateCubicArcLength, "geometry", (CURVE,), why="makes Python's `complex` of the numbers"),
    Routine(_basic._range_prod, "a product of integers", ((3, 9),), why="recursion whose depth depends on the numbers"),
    Routine(
        _optimize._minimize_scalar_bounded,
        "Brent's method in an interval",
        ((2.0,),),
        lambda routine, x: routine(lambda t: (t - x) ** 2, (0.0, 5.0)).x,
        why="looks the outcome up in a dict, by a number",
    ),
    Routine(
        _zeros_py.toms748,
        "a bracketing root finder",
        ((2.0,),),
        lambda routine, x: routine(lambda t: t * t - x, 0.0, 5.0),
        why="keeps its state in NumPy arrays that a class of its own makes, which is not converted",
    ),
    Routine(
        _linesearch.scalar_search_wolfe2,
        "Wolfe line search",
        ((1.0,),),
        lambda routine, x: routine(lambda a: (x - a) ** 2, lambda a: -2 * (x - a), x * x, None, -2 * x)[0],
        why="hands a message that the graph has chosen to `warnings.warn`",
    ),
]
RUN = [routine for routine in ROUTINES if not routine.why]
REFUSED = [routine for routine in ROUTINES if routine.why]


def both(routine: Routine) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What plain Python runs, and what the graph does."""
    driver = routine.driver
    if driver is None:
        return routine.function, ag.function(routine.function)
    converted = ag.convert(routine.function)
    return lambda *args: driver(routine.function, *args), ag.function(lambda *args: driver(converted, *args))


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("routine", RUN, ids=lambda routine: routine.name)
def test_a_routine_of_an_installed_package_gives_what_it_gives_in_python(routine: Routine) -> None:
    python, graph = both(routine)
    for args in routine.calls:
        call = Call(args)
        plain, actual = observe(python, call), observe(graph, call, staged=True)
        if plain.error is None:
            difference = staged_difference(plain, actual, rtol=2e-3, promotes=True)
        else:
            difference = raised_difference(plain, actual, rtol=2e-3)
        assert difference is None, f"{args}: {difference}"


@pytest.mark.parametrize("routine", [r for r in RUN if "in place" in r.what], ids=lambda routine: routine.name)
def test_a_caller_in_the_graph_sees_what_a_routine_changes_in_place(routine: Routine) -> None:
    converted = ag.convert(routine.function)

    def caller(array: Any, *args: Any) -> Any:
        converted(array, *args)
        return array

    for array, *args in routine.calls:
        expected = array.copy()
        routine.function(expected, *args)
        assert jnp.asarray(ag.function(caller)(array, *args)).tolist() == expected.tolist()


@pytest.mark.parametrize("routine", REFUSED, ids=lambda routine: routine.name)
def test_a_routine_that_does_not_run_says_so(routine: Routine) -> None:
    python, graph = both(routine)
    assert observe(python, Call(routine.calls[0])).error is None
    with pytest.raises((TypeError, ValueError, NameError, RecursionError, ag.StagingError)):
        graph(*routine.calls[0])


PAGE = Path(__file__).parents[1] / "docs" / "real-code.md"


def page() -> str:
    """The table of what ran and what did not."""
    lines = [
        "# Code that was not written for this project",
        "",
        "<!-- Written by `python tests/test_real_code.py`; do not edit. -->",
        "",
        "Numeric routines of installed packages, converted unchanged and run under `ag.function` with staged arguments",
        "on JAX. `tests/test_real_code.py` compares each with plain Python. Modules of the standard library that",
        "CPython replaces with C (`heapq`, `bisect`, `statistics`) are imported without it.",
        "",
        f"{len(RUN)} run; {len(REFUSED)} do not, and end with an error that says where.",
        "",
        "| routine | what it computes | under `ag.function` |",
        "| --- | --- | --- |",
    ]
    for routine in ROUTINES:
        outcome = f"does not run: {routine.why}" if routine.why else "the same as plain Python"
        lines.append(f"| `{routine.name}` | {routine.what} | {outcome} |")
    return "\n".join(lines) + "\n"


def test_the_page_says_what_this_module_proves() -> None:
    assert PAGE.read_text() == page(), "run python tests/test_real_code.py"


if __name__ == "__main__":
    PAGE.write_text(page())
