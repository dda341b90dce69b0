"""``ag.config``: settings of the whole process."""

from __future__ import annotations

import os
import sys
from typing import Any

ENGINES = ("jax", "tensorflow")


class Config:
    """Settings that every ``ag.function`` of the process follows.

    Attributes:
        default_backend: the engine of a function that meets no tensor, ``"jax"`` or ``"tensorflow"``. Starts as the
            environment variable ``AUTOGRAPH_BACKEND``; without it, the one that the program has imported, JAX if both.
        max_traces: how many traces one function keeps; the one that was used least recently goes first. ``None`` keeps
            all of them.
        cache_dir: a folder in which compiled programs outlive the process, where the engine can keep them (JAX's
            compilation cache). Starts as the environment variable ``AUTOGRAPH_CACHE_DIR``.

    Example:
        >>> import autograph as ag
        >>> ag.config.max_traces = 100
        >>> ag.config.max_traces = None

    Raises:
        AttributeError: there is no such setting.
        TypeError, ValueError: the setting cannot have that value.
    """

    __slots__ = ("_cache_dir", "_default_backend", "_max_traces")

    def __init__(self) -> None:
        self._max_traces: int | None = None
        self._default_backend = _engine_name(os.environ.get("AUTOGRAPH_BACKEND") or None, "AUTOGRAPH_BACKEND")
        self._cache_dir: str | None = os.environ.get("AUTOGRAPH_CACHE_DIR") or None

    @property
    def default_backend(self) -> str:
        if self._default_backend is not None:
            return self._default_backend
        return "tensorflow" if "tensorflow" in sys.modules and "jax" not in sys.modules else "jax"

    @default_backend.setter
    def default_backend(self, name: str | None) -> None:
        self._default_backend = _engine_name(name, "default_backend")

    @property
    def max_traces(self) -> int | None:
        return self._max_traces

    @max_traces.setter
    def max_traces(self, limit: int | None) -> None:
        if limit is not None:
            if not isinstance(limit, int) or isinstance(limit, bool):
                raise TypeError(f"max_traces is a number or None, not {limit!r}")
            if limit < 1:
                raise ValueError(f"max_traces is at least 1, not {limit}")
        self._max_traces = limit
        for name in ENGINES if limit is not None else ():
            calls: Any = sys.modules.get(f"autograph.engines.{name}.calls")
            if calls is not None:
                calls.limit_traces()

    @property
    def cache_dir(self) -> str | None:
        return self._cache_dir

    @cache_dir.setter
    def cache_dir(self, folder: str | os.PathLike[str] | None) -> None:
        self._cache_dir = None if folder is None else os.fspath(folder)
        jax: Any = sys.modules.get("autograph.engines.jax")
        if jax is not None:
            jax.ENGINE.use_cache(self._cache_dir)

    def __repr__(self) -> str:
        names = ("default_backend", "max_traces", "cache_dir")
        return f"<ag.config: {', '.join(f'{name}={getattr(self, name)!r}' for name in names)}>"


def _engine_name(name: str | None, setting: str) -> str | None:
    if name is not None and name not in ENGINES:
        raise ValueError(f"{setting} is {name!r}; the engines are {' and '.join(map(repr, ENGINES))}")
    return name


config = Config()
