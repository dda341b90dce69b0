"""Lists that grow in a loop whose number of iterations only the graph knows, without a capacity from the user.

A buffer begins with some room, and the graph reports how much room each one would have needed. If it was too little,
the call is made again with enough, and the size is remembered. A list that has run out of room goes on counting but
keeps nothing, so the numbers that a first call reports are those of the whole program, except in a loop that looks at
such a list, which stops.

The call that ran out of room must not have been seen from outside. What the program prints and does on the host is
therefore kept back until the call is known to be good, once a function has such lists at all.

A place in the program that needs room is known by its line. Rooms belong to a call of ``ag.function``: under a
``jax.jit`` of the user's own there is nobody who could call again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax._src import core

from ...errors import StagingError
from ...staging.state import Location, about_to_write
from ..common.failures import Place

START = 16
"""The room of a list of which nothing is known yet. To XLA a loop is one function while its state is small."""

_MANY = 4096
"""From which room on the next attempt gets less more than the last had: below, each attempt costs a compilation."""

Key = tuple[Place | None, tuple[str, int, str] | None, int]
"""The line of the loop, the line that made the list, and how long it was before the loop if that was much."""


class Room:
    """The room of the lists that one line of the program fills. It stands as the ``mode`` of their buffers."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.needed: Any = 0
        """The length of the longest list so far."""
        self.is_read = False
        """Whether the program looks at what such a list holds."""

    def require(self, length: Any) -> None:
        """Notes that a list here gets this long."""
        about_to_write(Needed(self))
        self.needed = jnp.maximum(jnp.asarray(length).astype(jnp.int32), self.needed)

    @property
    def fits(self) -> Any:
        return self.needed <= self.capacity


class Needed(Location):
    """How much room has been needed so far, as part of the state of regions."""

    __slots__ = ()
    is_outside = True

    def __init__(self, room: Room) -> None:
        self.owner, self.key = room, (id(room), "needed")

    def read(self) -> Any:
        return self.owner.needed

    def write(self, value: Any) -> None:
        self.owner.needed = value

    def describe(self) -> str:
        return "the length of a list"


class Rooms:
    """The rooms of one trace of an ``ag.function``."""

    def __init__(self, owner: Growth) -> None:
        self.owner = owner
        self.rooms: dict[Key, Room] = {}
        self.traces: list[tuple[Any, bool]] = [(core.trace_ctx.trace, True)]
        """The traces of the regions that the program is in, and whether only regions are between them."""
        self.asks_host = False
        """Whether the program takes values from a function on the host."""

    def room_for(self, loop: Place | None, made: tuple[str, int, str] | None, at_least: int) -> Room | None:
        """The room for a list that grows in the loop on a line; ``None`` where there can be none."""
        trace, direct = self.traces[-1]
        if not direct or trace is not core.trace_ctx.trace:
            return None
        key = (loop, made, 0 if at_least < START else 1 << at_least.bit_length())
        room = self.rooms.get(key)
        if room is None:
            room = self.rooms[key] = Room(max(self.owner.sizes.get(key, START), 2 * key[2]))
        return room

    def enter(self, parent: Any) -> None:
        """To be called when a region's trace begins, with the trace around it."""
        outer, direct = self.traces[-1]
        self.traces.append((core.trace_ctx.trace, direct and outer is parent))

    def leave(self) -> None:
        self.traces.pop()

    def needed(self) -> tuple[Found, list[Any]]:
        """What each room should have been, where the graph decides that.

        Raises:
            StagingError: a call that turns out to have had too little room cannot be made again.
        """
        found = [(key, room) for key, room in self.rooms.items() if not isinstance(room.needed, int)]
        if found and self.asks_host:
            raise StagingError(
                "a list grows in a loop whose number of iterations is not known when the graph is built, in a function "
                "that takes values from a function on the host, so that the call cannot be repeated with more room. "
                "Say how long the list can get, before the loop: "
                "ag.set_element_type(items, dtype, shape, capacity=...)"
            )
        return tuple((key, room.capacity) for key, room in found), [room.needed for _, room in found]

    def fit_so_far(self, apart_from: Sequence[Room]) -> Any:
        """Whether no room has been too small, of those that the program looks at; ``None`` if there is none."""
        fits: Any = None
        for room in self.rooms.values():
            if room.is_read and room not in apart_from and not isinstance(room.needed, int):
                fits = room.fits if fits is None else jnp.logical_and(fits, room.fits)
        return fits

    def kept_back(
        self, report: Callable[..., None], leaves: list[Any], fails: bool
    ) -> tuple[Callable[..., None], list[Any]]:
        """An effect on the host that waits until the call is known to be good; one that fails stops a good call."""
        found, sizes = self.needed()
        owner, count = self.owner, len(sizes)

        def keep(*values: Any) -> None:
            owner.effect(found, values[:count], lambda: report(*values[count:]), fails)

        return keep, [*sizes, *leaves]


Found = tuple[tuple[Key, int], ...]
"""Rooms, with their capacities."""


class _OutOfRoom(Exception):
    """Stops a call whose effects nobody is to see."""

    __ag_raised__ = True


class Growth:
    """The rooms that the calls of one function have needed, and what they keep back until they had enough.

    Attributes:
        sizes: the rooms that have turned out to be too small, with what they are now.
        grows: whether a trace has lists that need room at all.
        is_repeat: whether the function is traced again for the same call.
        has_open_sizes: whether the function is traced for all sizes of its arguments.
    """

    def __init__(self, sizes: dict[Key, int]) -> None:
        self.sizes = sizes
        self.grows = self.is_repeat = self.has_open_sizes = False
        self._lock = threading.RLock()
        self._kept: list[Callable[[], None]] = []
        self._short: dict[Key, int] = {}

    def call(self, attempt: Callable[[], tuple[Any, Found, Sequence[Any]]], again: Callable[[], None]) -> Any:
        """Makes ``attempt``, which gives a result and the sizes that its rooms needed, until there was room enough.

        ``again`` prepares for another one, with the rooms that ``sizes`` has now.
        """
        with self._lock:
            try:
                while True:
                    result = self._attempt(attempt)
                    if not self._short:
                        return result
                    self.sizes.update(self._short)
                    self._short.clear()
                    self._kept.clear()
                    self.is_repeat = True
                    again()
            finally:
                self.is_repeat = False
                self._kept.clear()
                self._short.clear()

    def _attempt(self, attempt: Callable[[], tuple[Any, Found, Sequence[Any]]]) -> Any:
        try:
            result, found, sizes = attempt()
            jax.block_until_ready(sizes)
            jax.effects_barrier()
            self._note(found, sizes)
        except jax.errors.JaxRuntimeError:
            if self._short:
                return None
            self._release()
            raise
        if not self._short:
            self._release()
        return result

    def effect(self, found: Found, sizes: Sequence[Any], action: Callable[[], None], fails: bool) -> None:
        """What an effect does when the graph gets there."""
        self._note(found, sizes)
        if self._short:
            raise _OutOfRoom
        if fails or not self.grows:
            action()
        else:
            self._kept.append(action)

    def _note(self, found: Found, sizes: Sequence[Any]) -> None:
        for (key, capacity), size in zip(found, map(int, sizes), strict=True):
            if size > capacity:
                factor = 8 if capacity < _MANY else 4
                self._short[key] = max(1 << (size - 1).bit_length(), factor * capacity, self._short.get(key, 0))

    def _release(self) -> None:
        kept, self._kept = self._kept, []
        for action in kept:
            action()
