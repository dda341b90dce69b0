"""Run a program in several modes, and say where two runs differ.

`observe` runs a function and records all that its caller can see: the value, the text printed, the exception, and the
arguments as they were left. The comparisons return the first difference in words, or `None`.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from corpus import Call


@dataclass(frozen=True)
class Outcome:
    """What the caller of a function can see."""

    value: Any
    error: BaseException | None
    printed: str
    arguments: Any

    def __str__(self) -> str:
        result = f"raised {self.error!r}" if self.error is not None else f"returned {self.value!r}"
        return f"{result}, printed {self.printed!r}"


def observe(function: Callable[..., Any], call: Call, *, staged: bool = False) -> Outcome:
    """Call `function` on fresh arguments; when `staged`, on JAX arrays in place of NumPy's."""
    args, kwargs = fresh((call.args, call.kwargs), array=jnp.asarray if staged else np.copy)
    value, error = None, None
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        try:
            value = function(*args, **kwargs)
            if staged:
                value = jax.block_until_ready(value)
        except Exception as raised:
            error = raised
        if staged:
            try:
                jax.effects_barrier()
            except Exception as raised:
                error = error or raised
    return Outcome(value, error, stream.getvalue(), (args, kwargs))


def fresh(value: Any, array: Callable[[np.ndarray], Any] = np.copy) -> Any:
    """A copy of nested containers with `array` applied to the NumPy arrays in them."""
    if isinstance(value, np.ndarray):
        return array(value)
    if isinstance(value, dict):
        return {key: fresh(item, array) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(fresh(item, array) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(fresh(item, array) for item in value)
    return value


# --- plain against converted: nothing at all may differ ---------------------------------------------------------------


def exact_difference(expected: Outcome, actual: Outcome) -> str | None:
    """The first difference between two runs on plain values."""
    return (
        _same_error(expected.error, actual.error)
        or _exact(expected.value, actual.value, "result")
        or _exact(expected.printed, actual.printed, "stdout")
        or _exact(expected.arguments, actual.arguments, "arguments")
    )


def _same_error(expected: BaseException | None, actual: BaseException | None) -> str | None:
    if expected is None and actual is None:
        return None
    if expected is None or actual is None or not _same_type(expected, actual):
        return f"error: expected {expected!r}, got {actual!r}"
    return _exact(expected.args, actual.args, f"arguments of {type(expected).__name__}")


def _same_type(expected: Any, actual: Any) -> bool:
    a, b = type(expected), type(actual)
    # A class that the program itself defines is another object in each run.
    return a is b or (
        a.__module__ == b.__module__ and a.__qualname__ == b.__qualname__ and "<locals>" in a.__qualname__
    )


def _exact(expected: Any, actual: Any, place: str, seen: frozenset[tuple[int, int]] = frozenset()) -> str | None:
    if expected is actual or (id(expected), id(actual)) in seen:
        return None
    if not _same_type(expected, actual):
        return f"{place}: expected {expected!r} of {type(expected)}, got {actual!r} of {type(actual)}"
    seen |= {(id(expected), id(actual))}
    parts: Iterable[tuple[str, Any, Any]]
    if isinstance(expected, (np.ndarray, np.generic, jax.Array)):
        if expected.dtype != actual.dtype or expected.shape != actual.shape:
            return f"{place}: expected {_describe(expected)}, got {_describe(actual)}"
        same = np.asarray(expected).tobytes() == np.asarray(actual).tobytes()
        return None if same else f"{place}: expected {expected!r}, got {actual!r}"
    if isinstance(expected, float):
        # Keeps nan equal to itself, and 0.0 apart from -0.0.
        same = repr(expected) == repr(actual)
        return None if same else f"{place}: expected {expected!r}, got {actual!r}"
    if isinstance(expected, (tuple, list)):
        if len(expected) != len(actual):
            return f"{place}: expected {len(expected)} items, got {len(actual)}: {expected!r}, {actual!r}"
        parts = [(f"{place}[{i}]", a, b) for i, (a, b) in enumerate(zip(expected, actual, strict=True))]
    elif isinstance(expected, Mapping):
        if list(expected) != list(actual):
            return f"{place}: expected keys {list(expected)}, got {list(actual)}"
        parts = [(f"{place}[{key!r}]", expected[key], actual[key]) for key in expected]
    elif isinstance(expected, (types.FunctionType, type)):
        return _exact(expected.__qualname__, actual.__qualname__, f"{place}.__qualname__")
    elif hasattr(expected, "__dict__"):
        parts = [(f"attributes of {place}", vars(expected), vars(actual))]
    else:
        return None if expected == actual else f"{place}: expected {expected!r}, got {actual!r}"
    for name, a, b in parts:
        if difference := _exact(a, b, name, seen):
            return difference
    return None


# --- plain against staged: the same numbers, in the same structure ----------------------------------------------------


def staged_difference(expected: Outcome, actual: Outcome, *, rtol: float, promotes: bool = False) -> str | None:
    """The first difference between a plain run that returned and a staged one."""
    if actual.error is not None:
        return f"error: expected none, got {type(actual.error).__name__}: {actual.error}"
    return _close(expected.value, actual.value, "result", rtol, promotes) or text_difference(
        expected.printed, actual.printed, rtol
    )


_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "V": "float", "c": "complex"}
_WIDTH = ["bool", "int", "float", "complex"]


def kind(value: Any) -> str:
    """`bool`, `int`, `float` or `complex`: what Python would call a number or the items of an array."""
    return _KINDS[jnp.asarray(value).dtype.kind]


def _is_numeric(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.ndarray, np.generic, jax.Array))


def _describe(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)} {value!r}"


def _close(expected: Any, actual: Any, place: str, rtol: float, promotes: bool) -> str | None:
    if _is_numeric(expected) and _is_numeric(actual):
        return _close_numbers(expected, actual, place, rtol, promotes)
    # A list that a staged loop has filled leaves a foreign `jax.jit` as a list whose elements lie in one array.
    lists = isinstance(expected, list) and isinstance(actual, list)
    if type(expected) is not type(actual) and not lists:
        return f"{place}: expected {expected!r} of {type(expected)}, got {actual!r} of {type(actual)}"
    if isinstance(expected, dict):
        # JAX returns dictionaries with sorted keys.
        if set(expected) != set(actual):
            return f"{place}: expected keys {list(expected)}, got {list(actual)}"
        pairs = [(f"{place}[{key!r}]", expected[key], actual[key]) for key in expected]
    elif isinstance(expected, (tuple, list)):
        if len(expected) != len(actual):
            return f"{place}: expected {len(expected)} items, got {len(actual)}: {expected!r}, {actual!r}"
        pairs = [(f"{place}[{i}]", a, b) for i, (a, b) in enumerate(zip(expected, actual, strict=True))]
    else:
        return None if expected == actual else f"{place}: expected {expected!r}, got {actual!r}"
    for name, a, b in pairs:
        if difference := _close(a, b, name, rtol, promotes):
            return difference
    return None


def _close_numbers(expected: Any, actual: Any, place: str, rtol: float, promotes: bool) -> str | None:
    wanted, found = kind(expected), kind(actual)
    if wanted != found and not (promotes and _WIDTH.index(found) > _WIDTH.index(wanted)):
        return f"{place}: expected {wanted}, got {found}: {expected!r}, {actual!r}"
    a, b = np.asarray(expected), np.asarray(actual)
    if a.shape != b.shape:
        return f"{place}: expected shape {a.shape}, got {b.shape}: {expected!r}, {actual!r}"
    inexact = found in ("float", "complex")
    same = np.allclose(b, a, rtol=rtol, atol=1e-6, equal_nan=True) if inexact else np.array_equal(a, b)
    return None if same else f"{place}: expected {expected!r}, got {actual!r}"


_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\b(?:inf|nan)\b)")


def text_difference(expected: str, actual: str, rtol: float) -> str | None:
    """The first line that differs, where numbers may differ by `rtol` and space may be laid out differently."""
    wanted, found = expected.splitlines(), actual.splitlines()
    for number, (a, b) in enumerate(zip(wanted, found), start=1):
        if not _same_line(a, b, rtol):
            return f"stdout, line {number}: expected {a!r}, got {b!r}"
    if len(wanted) != len(found):
        return f"stdout: expected {len(wanted)} lines, got {len(found)}: {expected!r}, {actual!r}"
    return None


def _same_line(expected: str, actual: str, rtol: float) -> bool:
    # The text around the numbers must agree but for space, which NumPy pads arrays with.
    if _NUMBER.sub("#", expected).split() != _NUMBER.sub("#", actual).split():
        if re.sub(r"\s", "", _NUMBER.sub("#", expected)) != re.sub(r"\s", "", _NUMBER.sub("#", actual)):
            return False
    return all(
        _is_integer(a) == _is_integer(b)
        and (int(a) == int(b) if _is_integer(a) else math.isclose(float(a), float(b), rel_tol=rtol, abs_tol=1e-6))
        or (a == b)
        for a, b in zip(_NUMBER.findall(expected), _NUMBER.findall(actual), strict=True)
    )


def _is_integer(number: str) -> bool:
    return number.lstrip("+-").isdigit()


# --- exceptions of staged runs ----------------------------------------------------------------------------------------


def raised_difference(expected: Outcome, actual: Outcome, *, rtol: float) -> str | None:
    """How a run under `ag.function` differs from a plain run that raised: in the exception, or in what came before."""
    error = actual.error
    if error is None or not _same_type(expected.error, error):
        return f"error: expected {expected.error!r}, got {error!r}, returned {actual.value!r}"
    if difference := text_difference(str(expected.error), str(error), rtol):
        return f"message of {type(error).__name__}: {difference}"
    return text_difference(expected.printed, actual.printed, rtol)


def foreign_raised_difference(expected: Outcome, actual: Outcome, *, rtol: float) -> str | None:
    """The same under `jax.jit`, whose runtime error can only carry the exception's name and message as text."""
    if actual.error is not None and _same_type(expected.error, actual.error):
        return raised_difference(expected, actual, rtol=rtol)
    if not isinstance(actual.error, jax.errors.JaxRuntimeError):
        return f"error: expected {expected.error!r}, got {actual.error!r}, returned {actual.value!r}"
    name, message = type(expected.error).__name__, str(expected.error)
    line = f"{name}: {message}" if message else name
    text = str(actual.error)
    if line not in text and not any(_same_line(line, found[found.find(name) :], rtol) for found in text.splitlines()):
        return f"error: expected text with {line!r}, got {text!r}"
    return text_difference(expected.printed, actual.printed, rtol)
