"""Exceptions as control flow: what a ``raise`` under a staged condition does inside a ``try`` statement.

A region that raises on some path ends with a *pending* number: 0 where it ran to its end, otherwise that of the
``raise``. The region hands it to the one around it, along with the values that the exception carries. What the program
does next, up to the end of that region or of the ``try`` block, whichever comes first, happens only if the number is
0: it is traced for itself (``OpenTrace``), and becomes one side of a conditional whose other side is the state at the
``raise``. This needs nothing of the code in between, which may be that of any number of calls. At the end of the
``try`` block the number decides which of the statement's clauses runs.

Only regions under an active ``try`` do any of this, and loops of engines that are slow to call the host: there the
number ends the loop, and what it stands for is raised behind it (``hoisted``). Otherwise a staged ``raise`` ends the
call where the graph gets to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from typing import Any, NoReturn, Protocol

from ...errors import StagingError, UnreachableHandlerError
from ...staging import formatting
from ...staging.calls import NotStageable
from ...staging.exceptions import Outcome
from ...staging.handlers import waiting_handler
from ...staging.lists import Buffer, TensorList
from ...staging.state import CONTEXT, Content, Journal, Location, Variables
from ...staging.values import PLACEHOLDER, narrowed
from .failures import Place, mark, place_of
from .iterations import taken_along
from .regions import Run, ends_regions, is_write, raised_by_program, refuse


class Backend(Protocol):
    """What has to be known of an engine whose regions can be left by an exception."""

    types: Any
    """Its values, as ``unify`` sees them; ``CODE`` among them is the type of a pending number."""

    def current_trace(self) -> Any:
        """What is being traced now, to be compared by identity."""

    def open_trace(self) -> OpenTrace:
        """Begins a trace of what the program does from here on."""

    def exit_run(self) -> Run:
        """The side of a conditional that leaves everything as it is."""

    def build(self, predicate: Any, runs: list[Run], wanted: Any) -> Sequence[Any]:
        """The operations of a conditional, as in ``branches.stage_cond``."""

    def cond(self, test: Any, body: Any, orelse: Any, names: tuple[str, ...], owners: Any) -> Any:
        """Stages a conditional."""


class OpenTrace(Protocol):
    """A trace that ends where the program says."""

    trace: Any
    run: Any
    """What is found in it (a ``Run``); its ``add_output`` is called with each value that is wanted."""

    def close(self) -> None:
        """Ends the trace; ``run`` is one side of a conditional then."""

    def abandon(self) -> None:
        """Goes back to the trace around this one."""


@dataclass(slots=True)
class Site:
    """One exception that may be under way: its number, and the arrays that it carries."""

    number: int
    error: BaseException
    place: Place | None
    leaves: list[Any]
    rebuild: Callable[[Sequence[Any]], tuple[tuple[Any, ...], dict[str, Any]]]
    say: Callable[[Sequence[Any]], str] | None = None
    """What says which iterations the last of the arrays are the numbers of."""
    count: int = 0
    """How many arrays are not such numbers."""

    @staticmethod
    def of(error: BaseException, types: Any) -> Site:
        CONTEXT.raises += 1
        state = {name: value for name, value in vars(error).items() if not name.startswith("__ag_")}
        place = place_of(error)
        leaves, rebuild = _taken_apart((error.args, state), types)
        count, say = len(leaves), None
        if CONTEXT.scopes[-1].hoists:
            numbers, say = taken_along()
            leaves = [*leaves, *numbers]
        return Site(CONTEXT.raises, error, place, leaves, rebuild, say, count)

    def carrying(self, leaves: Sequence[Any]) -> Site:
        """The same with other arrays in it."""
        return replace(self, leaves=list(leaves))

    def exception(self) -> BaseException:
        """The exception with the arrays that it has here."""
        args, state = self.rebuild(self.leaves[: self.count])
        new = formatting.exception_of(type(self.error), args, state)
        new.__cause__, new.__suppress_context__ = self.error.__cause__, self.error.__suppress_context__
        new.__context__ = self.error.__context__
        new.__ag_place__ = self.place  # type: ignore[attr-defined]
        if self.say is not None:
            new.__ag_iterations__ = self.leaves[self.count :], self.say  # type: ignore[attr-defined]
        mark(new)
        return new


def _taken_apart(value: Any, types: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The arrays in ``value``, those that strings are to show included, and what puts others in their place."""
    parts, structure = types.flatten(value)
    leaves: list[Any] = []
    makers: list[Callable[[Sequence[Any]], Any]] = []
    for part in parts:
        if types.is_array(part):
            makers.append(itemgetter(len(leaves)))
            leaves.append(part)
        elif isinstance(part, str):
            makers.append(_text_apart(part, leaves, types))
        else:
            makers.append(partial(_constant, part))
    return leaves, lambda values: types.unflatten(structure, [make(values) for make in makers])


def _constant(value: Any, _: Sequence[Any]) -> Any:
    return value


def _text_apart(text: str, leaves: list[Any], types: Any) -> Callable[[Sequence[Any]], str]:
    marked, rebuild = formatting.marked_values(text)
    if not marked:
        return lambda _: text
    inner, remake = _taken_apart(marked, types)
    start = len(leaves)
    leaves.extend(inner)
    return lambda values: rebuild(remake(values[start : start + len(inner)]))


@dataclass(slots=True)
class Pending:
    """That one of ``sites`` may be under way; ``code`` is its number, or 0."""

    code: Any
    sites: list[Site]
    certain: bool = False
    """Whether ``code`` cannot be 0."""

    def leaves(self) -> list[Any]:
        return [leaf for site in self.sites for leaf in site.leaves]

    def carrying(self, code: Any, leaves: Sequence[Any]) -> Pending:
        rest = iter(leaves)
        return Pending(code, [site.carrying([next(rest) for _ in site.leaves]) for site in self.sites], self.certain)

    @staticmethod
    def of(error: BaseException, types: Any) -> Pending:
        site = Site.of(error, types)
        return Pending(site.number, [site], certain=True)


class Left(BaseException):
    """Unwinds to the end of a region in which every path has raised; no ``except`` clause is to see it."""

    def __init__(self, pending: Pending) -> None:
        super().__init__()
        self.pending = pending


@dataclass(slots=True)
class _Level:
    """What follows a statement that may have raised, until the region ends."""

    pending: Pending
    before: dict[str, Any]
    journal: Journal
    trace: OpenTrace


@dataclass(slots=True)
class Scope:
    """A region under an active ``try``, or the block of the ``try`` itself, while it is traced."""

    backend: Backend
    variables: Variables
    names: Sequence[str] | None
    hoists: bool = False
    """Whether no ``try`` waits, but the end of a loop, for what ``raise`` and ``assert`` statements raise."""
    trace: Any = None
    levels: list[_Level] = field(default_factory=list)

    def __enter__(self) -> Scope:
        self.trace = self.backend.current_trace()
        CONTEXT.scopes.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        CONTEXT.scopes.pop()
        for level in reversed(self.levels):
            level.trace.abandon()
            CONTEXT.journals.pop()
            level.journal.roll_back()
        self.levels.clear()

    def go_on_unless(self, pending: Pending) -> None:
        """What the program does from here on in this region happens only if nothing is pending."""
        level = _Level(pending, self.variables.snapshot(), Journal(), self.backend.open_trace())
        CONTEXT.journals.append(level.journal)
        self.trace = level.trace.trace
        self.levels.append(level)

    def close(self, result: Any, pending: Pending | None) -> tuple[Any, Pending | None]:
        """Ends the region, with the state of all paths where the program looks for it.

        ``pending`` says how the last path ends. Gives the result and what is pending in the end.
        """
        from .branches import merge

        types = self.backend.types
        while self.levels:
            level = self.levels.pop()
            run = level.trace.run
            run.journal, run.pending = level.journal, pending
            run.ends_call = self.hoists and pending is not None and pending.certain
            run.result = PLACEHOLDER if pending is not None and pending.certain else result
            for name in self.variables.changed(level.before):
                run.variables[name] = self.variables.read(name)
                run.add_output(run.variables[name])
            run.writes = {
                key: change
                for key, change in level.journal.changes().items()
                if is_write(change[0], self.variables, self.names)
            }
            if run.ends_call:
                run.writes = {}
            resized = [] if self.hoists else _one_length(run, types)
            for _, _, new in run.writes.values():
                run.add_output(new)
            run.add_output(run.result)
            run.add_pending()
            level.trace.close()
            CONTEXT.journals.pop()
            level.journal.roll_back()
            self.variables.restore(level.before)
            if CONTEXT.journals:
                CONTEXT.journals[-1].born.update(level.journal.born)
            for key, location, capacity in resized:
                end = run.writes[key][2]
                run.writes[key] = location, types.make_buffer(location.owner, capacity, [end]), end
            names = tuple(self.names) if self.names is not None else None
            is_pending = types.nonzero(types.convert(level.pending.code, types.CODE))
            on_exit = self.backend.exit_run()
            on_exit.pending, on_exit.result, on_exit.ends_call = level.pending, PLACEHOLDER, self.hoists
            result, pending = merge(
                types, self.backend.build, is_pending, [on_exit, run], names, self.variables, level.before
            )
        return result, pending


def _one_length(run: Run, types: Any) -> list[tuple[tuple[Any, ...], Location, int]]:
    """Makes buffers of the lists that got another length since the exception would have been raised.

    Gives those whose content before that has to become a buffer too, with the capacity.
    """
    from .branches import capacity_of

    found: list[tuple[tuple[Any, ...], Location, int]] = []
    for key, (location, old, new) in list(run.writes.items()):
        owner = location.owner
        if not isinstance(location, Content) or not isinstance(owner, TensorList):
            continue
        if isinstance(old, Buffer) == isinstance(new, Buffer) and capacity_of(old) == capacity_of(new):
            continue
        capacity = max(capacity_of(old), capacity_of(new))
        run.writes[key] = location, old, types.make_buffer(owner, capacity, [old])
        found.append((key, location, capacity))
    return found


def is_programs(error: BaseException) -> bool:
    """Whether an exception that came out of a region under a ``try`` is what the program does, and not a mistake in the
    tracing of it."""
    if isinstance(error, StagingError | NotStageable | RecursionError):
        return False
    if CONTEXT.probes and isinstance(error, TypeError | AttributeError) and not hasattr(error, "__ag_raised__"):
        return False  # it may be about a number that Python would have had
    return type(error).__module__.partition(".")[0] not in ("jax", "jaxlib", "tensorflow")


def leave(pending: Pending) -> None:
    """To be called behind a construct that may have raised: ends the current region on the paths where it has.

    Raises:
        UnreachableHandlerError: a transformation of JAX's is between the ``raise`` and the ``try``.
    """
    scope: Scope = CONTEXT.scopes[-1]
    if scope.trace is not scope.backend.current_trace():
        refuse(pending.sites[0].error)
    if type(scope) is _Behind:
        scope.pending = pending
        return
    if pending.certain:
        raise Left(pending)
    scope.go_on_unless(pending)


def run_under_try(
    body: Callable[..., Any], arguments: Sequence[Any], variables: Variables, names: Sequence[str] | None
) -> tuple[Any, Pending | None]:
    """Runs a region which a ``try`` waits around; gives its result and what is pending at its end."""
    result, ended = None, None
    around: Scope = CONTEXT.scopes[-1]
    backend, hoists = around.backend, around.hoists
    with Scope(backend, variables, names, hoists) as scope:
        try:
            result = narrowed(body(*arguments))
        except Left as left:
            ended = left.pending
        except Exception as error:
            if not (raised_by_program(error) if hoists else is_programs(error)):
                raise
            if hoists and waiting_handler() is not None:
                refuse(error)
            ended = Pending.of(error, backend.types)
        if ended is not None:
            result = PLACEHOLDER
        return scope.close(result, ended)


class _Behind(Scope):
    """The place behind a loop, where what it may have raised is raised."""

    pending: Pending | None = None


@contextmanager
def hoisted(backend: Backend, raise_unless: Callable[..., None]) -> Iterator[None]:
    """While a loop is staged: what its iterations raise ends it as ``break`` does, and is raised behind it.

    An operation that may call the host costs an iteration as much as fifty of others, and XLA does a loop with one step
    by step. ``raise_unless`` is the engine's.
    """
    if ends_regions():
        yield
        return
    scope = _Behind(backend, Variables([], ()), (), hoists=True)
    with scope:
        yield
    if scope.pending is None:
        return
    for site in scope.pending.sites:
        raise_unless(backend.types.other_code(scope.pending.code, site.number), site.exception, site.place)


def attempt(
    backend: Backend,
    body: Callable[[], Any],
    rest: Callable[[Outcome], Any],
    inside: tuple[str, ...],
    after: tuple[str, ...],
    owners: Sequence[Callable[..., Any]],
    *,
    always: bool,
) -> None:
    """Runs the block of a ``try``, and then ``rest`` with each of its outcomes.

    ``inside`` are the variables that the block changes and that matter in the other clauses or afterwards, ``after``
    those that the whole statement changes and that matter afterwards. ``always`` says that ``rest`` is a ``finally``.
    """
    ended: Pending | None = None
    raised: BaseException | None = None
    with Scope(backend, Variables(owners, inside), inside) as scope:
        try:
            body()
        except Left as left:
            ended = left.pending
        except UnreachableHandlerError:
            raise
        except BaseException as error:
            if isinstance(error, StagingError | NotStageable):
                if always:
                    rest(Outcome(error))
                raise
            if not scope.levels:
                raised = error
            elif not is_programs(error):
                raise
            else:
                ended = Pending.of(error, backend.types)
        _, pending = scope.close(None, ended)
    if pending is None:
        outcome, raised = Outcome(raised), None
        rest(outcome)
        return
    _dispatch(backend, pending, rest, after, owners)


def _dispatch(
    backend: Backend,
    pending: Pending,
    rest: Callable[[Outcome], Any],
    after: tuple[str, ...],
    owners: Sequence[Callable[..., Any]],
) -> None:
    """``rest`` with the outcome that the graph finds."""
    code = backend.types.convert(pending.code, backend.types.CODE)

    def choose(sites: list[Site]) -> None:
        if not sites:
            rest(Outcome(None))
            return
        site, *others = sites
        if not others and pending.certain:
            rest(Outcome(site.exception()))
            return
        is_it = backend.types.equal_code(code, site.number)
        backend.cond(is_it, lambda: rest(Outcome(site.exception())), lambda: choose(others), after, owners)

    choose(pending.sites)


def raise_at(error: BaseException, place: Place | None) -> NoReturn:
    """Raises ``error`` as the program's own, from the line ``place``."""
    mark(error)
    error.__ag_place__ = place  # type: ignore[attr-defined]
    raise error
