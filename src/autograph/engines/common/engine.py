"""What an engine does the same way whatever its graphs are made of: control flow, truth and failures.

An engine derives ``GraphEngine``, names its parts, and says how its own operations are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...staging.choice import Choice
from ...staging.lists import TensorList
from ...staging.logic import truth as staging_truth
from ...staging.one_of import OneOf
from ...staging.state import CONTEXT
from ...staging.values import Assumptions, Late, Maybe, truth_of_maybe
from . import raising
from .failures import current_place
from .iterations import Iteration, within
from .regions import ends_regions


class GraphEngine:
    """The part of ``autograph.engines.base.Engine`` that engines share.

    Attributes:
        loops: the module with the engine's ``stage_while`` and ``stage_for``.
        mathematics: the module with its counterparts of the functions of ``math`` and NumPy.
        leaving: how its regions are left by an exception.
        stage_cond: makes a conditional on a staged truth value.
        truth_of_array: ``truth`` of what is no value of this package's own.
        not_staged: ``not value`` of a staged truth value.
        and_staged: ``left and right`` of staged truth values.
        raise_when_run: makes the graph raise an exception, from a place, when it gets here.
        raise_unless: makes the graph raise what a function makes where a truth value is false.
    """

    loops: Any
    mathematics: Any
    leaving: Any
    stage_cond: Callable[..., Any]
    truth_of_array: Callable[..., Any]
    not_staged: Callable[..., Any]
    and_staged: Callable[..., Any]
    raise_when_run: Callable[..., None]
    raise_unless: Callable[..., None]

    def item_at(self, array: Any, index: Any) -> Any:
        return NotImplemented

    def is_stream(self, value: Any) -> bool:
        return False

    def must_end(self, value: Any) -> None:
        pass  # an array does

    # Control flow.

    def cond(
        self,
        test: Any,
        body: Callable[[], Any],
        orelse: Callable[[], Any],
        names: tuple[str, ...] | None,
        owners: Sequence[Callable[..., Any]],
    ) -> Any:
        return self.stage_cond(self.truth(test), body, orelse, names, owners)

    def while_loop(
        self,
        test: Callable[[], Any],
        body: Callable[[], Any],
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        first: Any,
    ) -> None:
        with self.around_loop():
            self.loops.stage_while(test, body, names, owners, first)

    def begins_in_graph(
        self,
        test: Callable[[], Any],
        body: Callable[[], Any],
        names: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
    ) -> bool:
        return False

    def for_loop(
        self,
        sequence: Any,
        body: Callable[[Any], Any],
        names: tuple[str, ...],
        until: Callable[[], Any] | None,
        owners: Sequence[Callable[..., Any]],
    ) -> None:
        with self.around_loop():
            self.loops.stage_for(sequence, body, names, until, owners)

    def around_loop(self) -> AbstractContextManager[None]:
        """What is there while a loop is staged."""
        return nullcontext()

    def unrolled(self) -> AbstractContextManager[Iteration]:
        return within(Iteration(current_place(), 0))

    def attempt(
        self,
        body: Callable[[], Any],
        rest: Callable[[Any], Any],
        inside: tuple[str, ...],
        after: tuple[str, ...],
        owners: Sequence[Callable[..., Any]],
        *,
        always: bool,
    ) -> None:
        raising.attempt(self.leaving, body, rest, inside, after, owners, always=always)

    # Truth.

    def truth(self, value: Any) -> Any:
        """A scalar of booleans, as Python's ``bool`` sees ``value``."""
        if type(value) is Maybe:
            return truth_of_maybe(value)
        if type(value) is Choice:
            return value.among([bool(option) for option in value.options])
        if isinstance(value, TensorList):
            return value.staged_length() > 0
        if isinstance(value, Late):
            return self.truth(value.value)
        if type(value) is OneOf:
            return self.truth(value.each(staging_truth))
        return self.truth_of_array(value)

    def logical_not(self, value: Any) -> Any:
        if isinstance(value, bool):
            return not value
        for negated, original in reversed(CONTEXT.negations):
            if negated is value:
                return original  # conditions are known by their identity
        return self.not_staged(value)

    def logical_and(self, left: Any, right: Any) -> Any:
        if isinstance(left, bool):
            return right if left else False
        if isinstance(right, bool):
            return left if right else False
        return self.and_staged(left, right)

    def logical_or(self, left: Any, right: Any) -> Any:
        return self.logical_not(self.logical_and(self.logical_not(left), self.logical_not(right)))

    def absent(self, value: Maybe) -> Any:
        """``value is None``; conditions on it tell the regions under them what they know."""
        known = Assumptions.known(value.present)
        if known is not None or isinstance(value.present, bool):
            return not (value.present if known is None else known)
        absent = self.logical_not(value.present)
        CONTEXT.negations.append((absent, value.present))
        del CONTEXT.negations[:-256]
        return absent

    # Failures.

    def check(self, ok: Any, make: Callable[[], BaseException]) -> None:
        """Makes the call end with ``make()`` where ``ok`` is false when the graph runs."""
        place = current_place()
        if ends_regions():
            self.stage_cond(ok, lambda: None, lambda: raising.raise_at(make(), place), (), [])
        else:
            self.raise_unless(ok, make, place)

    def assertion(self, test: Any, message: Callable[[], Any] | None) -> None:
        """Makes the call end with an ``AssertionError`` where ``test`` is false when the graph runs."""
        place = current_place()

        def fail() -> None:
            error = AssertionError() if message is None else AssertionError(message())
            if ends_regions():
                raising.raise_at(error, place)
            self.raise_when_run(error, place)

        self.stage_cond(self.truth(test), lambda: None, fail, (), [])

    # Built-in functions over staged values.

    def math_function(self, name: str) -> Callable[..., Any] | None:
        """A function of ``math`` over staged values."""
        found: Callable[..., Any] | None = self.mathematics.math_function(name)
        return found

    def numpy_function(self, function: Any) -> Callable[..., Any] | None:
        """A function of NumPy's over staged values."""
        found: Callable[..., Any] | None = self.mathematics.numpy_function(function)
        return found
