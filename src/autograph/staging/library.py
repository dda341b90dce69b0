"""The standard library's functions of sequences: ``itertools``, ``functools.reduce``, ``heapq`` and ``bisect``.

They are written in C, which can neither iterate over what a graph holds nor ask a staged condition. Most take their
items one after the other and are given rows that Python can count. Where a staged condition decides, the function's
form in Python is converted like a function of the user's: for ``heapq`` and ``bisect`` the one that the standard
library itself falls back on.
"""

from __future__ import annotations

import bisect
import functools
import heapq
import importlib.util
import itertools
import sys
import threading
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, cast

from ..engines.base import active_engine
from .builtins import as_rows
from .calls import REPLACEMENTS, argument, call, converted
from .dispatch import staged
from .formatting import holds_staged
from .lists import is_tensor_list
from .loops import ENDLESS
from .sequences import Sequence, numbers

_MOST = 2**31 - 1
"""The greatest number that a loop counts to."""


def _rows(value: Any) -> Any:
    """An argument as C can go through it."""
    if issubclass(type(value), Sequence):
        return as_rows(value)
    engine = staged(value)
    if engine is None or is_tensor_list(value):
        return argument(value)
    return as_rows(value) if getattr(value, "shape", None) is None or len(value.shape) > 0 else value


def _goes_through(original: Any) -> None:
    def through(*args: Any, **options: Any) -> Any:
        return original(*map(_rows, args), **{name: argument(value) for name, value in options.items()})

    REPLACEMENTS[original] = through


for _function in (
    *(itertools.accumulate, itertools.chain, itertools.chain.from_iterable, itertools.combinations),
    *(itertools.combinations_with_replacement, itertools.cycle, itertools.groupby, itertools.islice),
    *(itertools.pairwise, itertools.permutations, itertools.product, itertools.starmap, itertools.tee),
    *(itertools.zip_longest, functools.reduce),
):
    _goes_through(_function)


# The forms in Python of what a staged condition may decide.


def _taken(predicate: Any, items: Any) -> Any:
    kept = []
    for item in items:
        if not predicate(item):
            break
        kept.append(item)
    return kept


def _dropped(predicate: Any, items: Any) -> Any:
    kept = []
    dropping = True
    for item in items:
        if dropping and predicate(item):
            continue
        dropping = False
        kept.append(item)
    return kept


def _filtered_false(predicate: Any, items: Any) -> Any:
    return [item for item in items if not (item if predicate is None else predicate(item))]


def _compressed(items: Any, selectors: Any) -> Any:
    return [item for item, selected in zip(items, selectors) if selected]  # noqa: B905


def _decides(original: Any, in_python: Callable[..., Any]) -> None:
    def chosen(*args: Any) -> Any:
        if not any(
            issubclass(type(value), list | tuple | range | Sequence) or staged(value) is not None for value in args
        ):
            return original(*args)
        given = [argument(value) if callable(value) else value for value in args]
        kept = converted(cast(FunctionType, in_python))(*given)
        is_open = is_tensor_list(kept) and kept.plain() is None
        return kept if is_open else iter(kept)

    REPLACEMENTS[original] = chosen


_decides(itertools.takewhile, _taken)
_decides(itertools.dropwhile, _dropped)
_decides(itertools.filterfalse, _filtered_false)
_decides(itertools.compress, _compressed)


def _counted(start: Any = 0, step: Any = 1) -> Any:
    """``itertools.count()`` as what a ``for`` statement goes through."""
    if type(start) is int and type(step) is int and step and abs(start) < _MOST:
        return range(start, _MOST if step > 0 else -_MOST, step)
    if staged(start) is not None or staged(step) is not None:
        return Sequence(_MOST, numbers(start, step))
    return itertools.count(start, step)


ENDLESS[itertools.count] = _counted


# ``heapq`` and ``bisect``.

_lock = threading.Lock()


@functools.cache
def _in_python(name: str, accelerator: str) -> ModuleType:
    """A module of the standard library as it is where its C form is missing."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _lock:
        known = sys.modules.get(accelerator)
        sys.modules[accelerator] = None  # type: ignore[assignment]
        try:
            spec.loader.exec_module(module)
        finally:
            if known is None:
                del sys.modules[accelerator]
            else:
                sys.modules[accelerator] = known
    return module


def _has_python_form(module: ModuleType, name: str, accelerator: str) -> None:
    original = getattr(module, name)

    def chosen(*args: Any, **options: Any) -> Any:
        if active_engine() is None or not (holds_staged(args) or any(is_tensor_list(value) for value in args)):
            return original(*args, **options)
        function = getattr(_in_python(module.__name__, accelerator), name)
        options = {key: call(value) if callable(value) else value for key, value in options.items()}
        return converted(function)(*args, **options)

    chosen.__name__ = name
    REPLACEMENTS[original] = chosen


for _name in ("heappush", "heappop", "heapify", "heapreplace", "heappushpop"):
    _has_python_form(heapq, _name, "_heapq")
for _name in ("bisect_left", "bisect_right", "insort_left", "insort_right"):
    _has_python_form(bisect, _name, "_bisect")
