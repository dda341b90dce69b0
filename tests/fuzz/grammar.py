"""What both kinds of random programs share: scopes, blocks, branches, loops and jumps, as text.

A `Writer` draws from Hypothesis while it writes. Hypothesis can vary and shrink what it draws because the simplest
alternative is always the first, because each statement and each expression is a span of its own, which it can drop or
repeat, and because names come from small pools. (`reduce` makes failing programs shorter still.)

The writer follows which names are certainly assigned, so that most programs get far before they fail, and so that
staged programs read a variable only where every path has assigned it.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

Lines = list[str]

_integers = functools.cache(st.integers)


@dataclass(frozen=True)
class Program:
    """A module's source, whose function `fuzzed` is to be called with each of `inputs`."""

    source: str
    inputs: tuple[tuple[Any, ...], ...]
    staged: bool

    def __repr__(self) -> str:
        # What disagreed is reported with the source; Hypothesis need not print it a second time on one line.
        return f"<program of {self.source.count(chr(10))} lines>"


@dataclass(frozen=True)
class Context:
    """Where a statement stands."""

    depth: int
    """How many blocks may still be opened."""
    bound: frozenset[str]
    """Names that are certainly assigned here."""
    names: tuple[str, ...]
    """Names of numbers that are visible here."""
    targets: tuple[str, ...]
    """Names of numbers that may be assigned here."""
    cells: tuple[str, ...] = ()
    """Names that a function defined here may declare nonlocal."""
    loop: bool = False
    """`break` and `continue` may stand here."""
    returns: str | None = None
    """What a `return` here gives back; None where none may stand."""
    walrus: bool = True
    handler: bool = False
    """A bare `raise` may stand here."""
    top: bool = False
    """Directly in `fuzzed`, not in a function defined in it."""
    tried: bool = False
    """In the block of a `try`, where exceptions are worth raising."""
    vectors: bool = False
    """An array may be updated here."""
    yields: bool = False
    awaits: bool = False
    methods: bool = False
    """In a method, so that `self` and `super()` may stand here."""

    @property
    def special(self) -> bool:
        return self.yields or self.awaits or self.methods

    def binding(self, *names: str) -> Context:
        return replace(self, bound=self.bound | set(names))

    def without(self, *names: str) -> Context:
        return replace(self, bound=self.bound - set(names))

    def inner(self, **changes: Any) -> Context:
        return replace(self, depth=self.depth - 1, **changes)


@dataclass
class Block:
    """Written lines, and the names bound after them: None where control never gets there."""

    lines: Lines
    bound: frozenset[str] | None


def join(*bounds: frozenset[str] | None) -> frozenset[str] | None:
    """The names bound where several paths meet."""
    reached = [bound for bound in bounds if bound is not None]
    return frozenset.intersection(*reached) if reached else None


def indented(lines: Iterable[str]) -> Lines:
    return ["    " + line for line in lines]


@st.composite
def _statement(draw: st.DrawFn, write: Callable[[st.DrawFn], Block]) -> Block:
    return write(draw)


@st.composite
def _expression(draw: st.DrawFn, write: Callable[[st.DrawFn], str]) -> str:
    return write(draw)


class Writer:
    """Writes one program. A level says what a statement, a condition and an iterable may be."""

    def __init__(self, draw: st.DrawFn, budget: int) -> None:
        self.draw = draw
        self.budget = budget
        self.counts: dict[str, int] = {}

    # What is drawn.

    def integer(self, low: int, high: int) -> int:
        return self.draw(_integers(low, high))

    def choose(self, options: Sequence[str]) -> str:
        return options[self.integer(0, len(options) - 1)]

    def one_in(self, count: int) -> bool:
        """True once in `count` times; shrinks to False."""
        return self.integer(0, count - 1) == count - 1

    def weighted(self, *options: tuple[int, Callable[[], Any]]) -> Any:
        """The result of one of the functions, each with its weight; shrinks to the first that has one."""
        ticket = self.integer(0, sum(weight for weight, _ in options) - 1)
        for weight, write in options:
            ticket -= weight
            if ticket < 0:
                return write()
        raise AssertionError("a ticket is below the sum of the weights")

    def subset(self, names: Sequence[str], most: int) -> list[str]:
        """Up to `most` of the names, without repetition."""
        left, taken = list(names), list[str]()
        while left and len(taken) < most and self.one_in(2):
            taken.append(left.pop(self.integer(0, len(left) - 1)))
        return taken

    def fresh(self, prefix: str) -> str:
        number = self.counts.get(prefix, 0)
        self.counts[prefix] = number + 1
        return f"{prefix}{number}"

    # What a level defines.

    def write_statement(self, ctx: Context) -> Block:
        raise NotImplementedError

    def condition(self, ctx: Context, depth: int = 2) -> str:
        raise NotImplementedError

    def returned(self, ctx: Context) -> str:
        """What follows `return`."""
        raise NotImplementedError

    def write_iterable(self, ctx: Context) -> tuple[str, str, frozenset[str], bool]:
        """What follows `for`: a target, an iterable, the names that the target binds, and whether a turn is certain."""
        raise NotImplementedError

    # Blocks.

    def statement(self, ctx: Context) -> Block:
        return self.draw(_statement(lambda draw: self.within(draw, lambda: self.write_statement(ctx))))

    def expression_span(self, write: Callable[[], str]) -> str:
        return self.draw(_expression(lambda draw: self.within(draw, write)))

    def within(self, draw: st.DrawFn, write: Callable[[], Any]) -> Any:
        outer, self.draw = self.draw, draw
        try:
            return write()
        finally:
            self.draw = outer

    def block(self, ctx: Context, most: int = 3) -> Block:
        """One to `most` statements."""
        lines: Lines = []
        bound: frozenset[str] | None = ctx.bound
        for number in range(most):
            # A long block is more likely than it shrinks to be: zero ends it.
            if number and (self.budget <= 0 or not self.integer(0, 6)):
                break
            self.budget -= 1
            written = self.statement(replace(ctx, bound=ctx.bound if bound is None else bound))
            lines += written.lines
            if bound is not None:
                bound = written.bound
            # A few statements that are never reached are worth writing: the converter must drop them unharmed.
            if bound is None and not self.one_in(12):
                break
        return Block(lines, bound)

    def simple(self, line: str, ctx: Context, *names: str) -> Block:
        return Block([line], ctx.bound | set(names))

    def jump(self, line: str) -> Block:
        return Block([line], None)

    # Branches and loops.

    def if_(self, ctx: Context) -> Block:
        inner = ctx.inner()
        test = self.condition(ctx)
        body = self.block(inner)
        lines, bounds = [f"if {test}:", *indented(body.lines)], [body.bound]
        while self.budget > 0 and self.one_in(5):
            test = self.condition(ctx)
            body = self.block(inner)
            lines += [f"elif {test}:", *indented(body.lines)]
            bounds.append(body.bound)
        if self.one_in(2):
            body = self.block(inner)
            lines += ["else:", *indented(body.lines)]
            bounds.append(body.bound)
        else:
            bounds.append(ctx.bound)
        return Block(lines, join(*bounds))

    def loop_else(self, ctx: Context) -> Lines:
        if not self.one_in(4):
            return []
        # `break` and `continue` here belong to the loop outside.
        return ["else:", *indented(self.block(ctx.inner()).lines)]

    def while_(self, ctx: Context) -> Block:
        """A loop with a counter, so that it ends whatever its condition says."""
        counter = self.fresh("k")
        turns = self.integer(1, 4)
        inside = ctx.binding(counter)
        style = self.integer(0, 3)
        # The counter is read like any number but assigned only here.
        body_ctx = inside.inner(loop=True, names=(counter, *ctx.names))
        if style == 0:
            test = f"{counter} < {turns}"
        elif style == 1:
            test = f"{counter} < {turns} and {self.condition(inside)}"
        elif style == 2:
            test = f"({self.condition(inside)}) and {counter} < {turns}"
        else:
            test = "True"
        body = self.block(body_ctx)
        lines = [f"{counter} = 0", f"while {test}:"]
        lines += indented([f"if {counter} >= {turns}:", "    break"] if style == 3 else [])
        lines += indented([f"{counter} += 1", *body.lines])
        return Block(lines + self.loop_else(ctx), inside.bound)

    def for_(self, ctx: Context) -> Block:
        target, iterable, names, certain = self.write_iterable(ctx)
        visible = tuple(dict.fromkeys((*sorted(names), *ctx.names)))
        body = self.block(ctx.inner(loop=True, bound=ctx.bound | names, names=visible))
        lines = [f"for {target} in {iterable}:", *indented(body.lines), *self.loop_else(ctx)]
        return Block(lines, ctx.bound | names if certain else ctx.bound)

    def jump_if(self, ctx: Context) -> Block:
        """What most jumps look like: an `if` with nothing else in it."""
        jump = self.choose(("continue", "break", "continue", "return"))
        if jump == "return":
            jump = self.return_(ctx).lines[0] if ctx.returns else "break"
        return Block([f"if {self.condition(ctx, 1)}:", f"    {jump}"], ctx.bound)

    def return_(self, ctx: Context) -> Block:
        return self.jump(f"return {self.returned(ctx)}".rstrip())


def assemble(prelude: dict[str, str], body: Lines) -> str:
    """The program's source, with the parts of the prelude that it needs, in the manner of `ast.unparse`."""
    text = "\n".join(body)
    needed: list[str] = []
    pending = [text]
    while pending:
        reading = pending.pop()
        for name, source in prelude.items():
            if name not in needed and re.search(rf"\b{name}\b", reading):
                needed.append(name)
                pending.append(source)
    source = "\n".join([*(prelude[name] for name in prelude if name in needed), text])
    return ast.unparse(ast.parse(source)) + "\n"
