"""Random programs that mean the same as plain Python and as a graph.

Numbers stay exact wherever the graph computes them: integers are kept small, floats are multiples of a quarter, and no
divisor is zero. A variable keeps to integers, to floats or to booleans; only `y` is now an integer, now a float, which
is the same value but not the same text, so floats are not printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from .grammar import Block, Context, Lines, Program, Writer, assemble, indented, join

PRELUDE = {
    "Box": """
class Box:
    def __init__(self, n):
        self.n = n
    def add(self, k):
        self.n += k % 5
        return self.n
    def capped(self, k):
        if self.n > k:
            return k
        return self.n
""",
    "cm": """
class cm:
    def __enter__(self):
        return 2
    def __exit__(self, kind, value, traceback):
        return False
""",
    "add": """
def add(n, k=1):
    if n > 3:
        return n - k
    return n + k
""",
    "power": """
def power(n, k):
    if k == 0:
        return 1
    return (n * power(n, k - 1)) % 31
""",
}

INTEGERS = ("a", "b", "c")
LATE = ("d", "e")
FLOATS = ("x", "y")
BOOLEANS = ("p", "q")
START = {
    "c": "c = 0",
    "y": "y = 0",
    "q": "q = False",
    "o": "o = Box(1)",
    "m": "m = {'k': 1}",
    "s": "s = (0, 1)",
    "r": "r = None",
}
COMPARISONS = ("<", "==", ">", "<=", "!=", ">=")


@dataclass
class Function:
    name: str
    params: int


class StagedWriter(Writer):
    """Writes a program on integers, floats, booleans and two vectors of four integers: `v` is written, `w` only read.

    late: also write variables that have no value before the region that assigns them.
    fails: also write `assert` and `raise`.
    objects: also write an object, a dictionary and a tuple.
    optional: also write a variable that is None at first.
    """

    def __init__(self, draw: st.DrawFn, budget: int, *, late: bool, fails: bool, objects: bool, optional: bool) -> None:
        super().__init__(draw, budget)
        self.late = late
        self.fails = fails
        self.objects = objects
        self.optional = optional
        self.functions: list[Function] = []

    # Expressions: integers, floats, conditions.

    def number(self, ctx: Context, depth: int = 2) -> str:
        """An integer, less than a million."""
        return self.expression_span(lambda: self.write_number(ctx, depth))

    def write_number(self, ctx: Context, depth: int) -> str:
        if depth <= 0:
            return self.leaf(ctx)

        def sub() -> str:
            return self.number(ctx, depth - 1)

        return self.weighted(
            (14, lambda: self.leaf(ctx)),
            (7, lambda: f"({sub()} {self.choose(('+', '-'))} {sub()})"),
            (2, lambda: f"({sub()} * {self.integer(0, 4)})"),
            (2, lambda: f"({sub()} {self.choose(('%', '//'))} {self.integer(1, 5)})"),
            (1, lambda: f"({sub()} {self.choose(('%', '//'))} ({sub()} % 5 + 1))"),
            (1, lambda: f"(-{sub()})"),
            (4, lambda: f"({sub()} if {self.condition(ctx, depth - 1)} else {sub()})"),
            (3, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()})"),
            (1, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()} {self.choose(('and', 'or'))} {sub()})"),
            (3, lambda: self.call(ctx, depth)),
            (2, lambda: self.builtin(ctx, depth)),
            (1, lambda: f"(lambda n: {self.number(self.naming(ctx, 'n'), depth - 1)})({sub()})"),
            (1, lambda: f"sum([{self.number(self.naming(ctx, 'j'), depth - 1)} for j in range({self.integer(0, 3)})])"),
            (1, lambda: f"sum([{self.number(self.naming(ctx, 'j'), depth - 1)} for j in w])"),
            (1, lambda: f"({sub()}, {sub()})[{self.integer(0, 1)}]"),
        )

    def naming(self, ctx: Context, name: str) -> Context:
        return replace(ctx, names=(name, *ctx.names), walrus=False).binding(name)

    def leaf(self, ctx: Context) -> str:
        return self.weighted(
            (6, lambda: str(self.integer(0, 5))),
            (14, lambda: self.name(ctx)),
            (1, lambda: f"v[{self.integer(0, 3)}]"),
            (1, lambda: f"w[{self.name(ctx)} % 4]"),
            (2 if self.objects else 0, lambda: self.choose(("o.n", "m['k']", "s[0]", "s[1]"))),
            (2 if self.optional else 0, lambda: self.choose(("(0 if r is None else r)", "(r or 0)"))),
        )

    def name(self, ctx: Context) -> str:
        bound = [name for name in ctx.names if name in ctx.bound]
        # The variable of the loop around, or the function's parameter, makes each turn and each call another.
        return self.choose(bound if self.one_in(2) else bound[:2])

    def call(self, ctx: Context, depth: int) -> str:
        here = [function for function in self.functions if function.name in ctx.bound]
        if here and not self.one_in(4):
            function = here[self.integer(0, len(here) - 1)]
            return f"{function.name}({', '.join(self.number(ctx, depth - 1) for _ in range(function.params))})"
        return self.weighted(
            (2, lambda: f"add({self.number(ctx, depth - 1)})"),
            (1, lambda: f"add({self.number(ctx, depth - 1)}, k={self.number(ctx, depth - 1)})"),
            (1, lambda: f"power({self.number(ctx, depth - 1)} % 7, {self.integer(0, 3)})"),
            (1 if self.objects else 0, lambda: f"o.capped({self.number(ctx, depth - 1)})"),
            (1 if self.objects else 0, lambda: f"o.add({self.number(ctx, depth - 1)})"),
        )

    def builtin(self, ctx: Context, depth: int) -> str:
        def sub() -> str:
            return self.number(ctx, depth - 1)

        return self.weighted(
            (2, lambda: f"abs({sub()})"),
            (3, lambda: f"{self.choose(('min', 'max'))}({sub()}, {sub()})"),
            (1, lambda: f"int({self.condition(ctx, depth - 1)})"),
            (1, lambda: f"int({self.real(ctx, depth - 1)})"),
            (1, lambda: f"round({self.real(ctx, depth - 1)})"),
            (1, lambda: "len(w)"),
            (1, lambda: "sum(w)"),
            (1, lambda: f"sum(({sub()}, {sub()}))"),
            (1, lambda: f"{self.choose(('min', 'max'))}(w)"),
            (1, lambda: f"divmod({sub()}, {self.integer(1, 4)})[{self.integer(0, 1)}]"),
            (1, lambda: f"sorted(({sub()}, {sub()}))[0]"),
        )

    def real(self, ctx: Context, depth: int = 2) -> str:
        """A multiple of a quarter."""
        return self.expression_span(lambda: self.write_real(ctx, depth))

    def write_real(self, ctx: Context, depth: int) -> str:
        names = [name for name in FLOATS if name in ctx.bound]

        def leaf() -> str:
            return self.weighted(
                (3, lambda: self.choose(("0.5", "1.0", "2.25"))),
                (8, lambda: self.choose(names)),
                (2, lambda: self.leaf(ctx)),
            )

        def sub() -> str:
            return self.real(ctx, depth - 1)

        if depth <= 0:
            return leaf()
        return self.weighted(
            (10, leaf),
            (5, lambda: f"({sub()} {self.choose(('+', '-'))} {sub()})"),
            (1, lambda: f"({sub()} * {self.choose(('2.0', '3', '-1.0'))})"),
            (1, lambda: f"({self.number(ctx, depth - 1)} / {self.choose(('4', '2', '1'))})"),
            (1, lambda: f"float({self.number(ctx, depth - 1)})"),
            (1, lambda: f"{self.choose(('min', 'max'))}({sub()}, {sub()})"),
            (1, lambda: f"abs({sub()})"),
            (3, lambda: f"({sub()} if {self.condition(ctx, depth - 1)} else {sub()})"),
        )

    def condition(self, ctx: Context, depth: int = 2) -> str:
        return self.expression_span(lambda: self.write_condition(ctx, depth))

    def write_condition(self, ctx: Context, depth: int) -> str:
        def comparison() -> str:
            lower = max(depth - 1, 0)
            return f"({self.number(ctx, lower)} {self.choose(COMPARISONS)} {self.number(ctx, lower)})"

        def name() -> str:
            return self.choose([name for name in BOOLEANS if name in ctx.bound])

        if depth <= 0:
            return self.weighted((2, name), (2, comparison), (1, lambda: self.choose(("True", "False"))))

        def sub() -> str:
            return self.condition(ctx, depth - 1)

        def number() -> str:
            return self.number(ctx, depth - 1)

        return self.weighted(
            (10, comparison),
            (4, name),
            (3, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()})"),
            (1, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()} {self.choose(('and', 'or'))} {sub()})"),
            (2, lambda: f"(not {sub()})"),
            (3, lambda: f"({number()} {self.choose(COMPARISONS)} {number()} {self.choose(COMPARISONS)} {number()})"),
            (1, lambda: f"({self.real(ctx, 1)} {self.choose(COMPARISONS)} {self.real(ctx, 1)})"),
            (1, lambda: f"({number()} {self.choose(('in', 'not in'))} ({number()}, {number()}))"),
            (1, lambda: f"({number()} {self.choose(('in', 'not in'))} w)"),
            (1, lambda: f"({sub()} if {sub()} else {sub()})"),
            (1, lambda: f"{self.choose(('any', 'all'))}(({sub()}, {sub()}))"),
            (1, lambda: f"{self.choose(('any', 'all'))}(w {self.choose(COMPARISONS)} {number()})"),
            (1, lambda: f"bool({number()})"),
            (
                1,
                lambda: (
                    f"{self.choose(('any', 'all'))}([{self.condition(self.naming(ctx, 'j'), depth - 1)} for j in w])"
                ),
            ),
            (
                3 if self.optional else 0,
                lambda: self.choose(("r is None", "r is not None", "(r is not None and r > 2)")),
            ),
            (1 if ctx.walrus and ctx.targets else 0, lambda: self.walrus(ctx)),
        )

    def walrus(self, ctx: Context) -> str:
        bound = [name for name in ctx.targets if name in ctx.bound]
        if not bound:
            return "True"
        return f"(({self.choose(bound)} := {self.small(ctx)}) {self.choose(COMPARISONS)} {self.number(ctx, 1)})"

    def small(self, ctx: Context, depth: int = 2) -> str:
        """An integer that a variable may take, however often the assignment is repeated."""
        value = self.number(ctx, depth)
        return value if value.isidentifier() or value.isdigit() else f"{value} % 50"

    # Statements.

    def write_statement(self, ctx: Context) -> Block:
        opens = ctx.depth > 0
        return self.weighted(
            (12, lambda: self.assign(ctx)),
            (5, lambda: self.augmented(ctx)),
            (4, lambda: self.print_(ctx)),
            (2, lambda: self.unpack(ctx)),
            (3 if ctx.vectors else 0, lambda: self.update(ctx)),
            (3 if self.objects else 0, lambda: self.store(ctx)),
            (4 if self.optional and ctx.top else 0, lambda: self.simple(f"r = {self.small(ctx)}", ctx)),
            (1 if self.optional and ctx.top else 0, lambda: self.simple("r = None", ctx)),
            (3 if self.fails else 0, lambda: self.assert_(ctx)),
            (2 if self.fails else 0, lambda: self.raise_(ctx)),
            (1, lambda: self.simple("pass", ctx)),
            (3 if ctx.loop else 0, lambda: self.jump("break")),
            (3 if ctx.loop else 0, lambda: self.jump("continue")),
            (3 if ctx.returns else 0, lambda: self.return_(ctx)),
            (14 if ctx.loop else 0, lambda: self.jump_if(ctx)),
            (20 if opens else 0, lambda: self.if_(ctx)),
            (8 if opens else 0, lambda: self.while_(ctx)),
            (12 if opens else 0, lambda: self.for_(ctx)),
            (3 if opens else 0, lambda: self.match_(ctx)),
            (4 if opens else 0, lambda: self.function(ctx)),
            (6 if opens and self.fails else 1 if opens else 0, lambda: self.try_(ctx)),
            (1 if opens else 0, lambda: self.with_(ctx)),
            (2 if opens else 0, lambda: self.list_(ctx)),
            (1 if opens else 0, lambda: self.rows(ctx)),
            (1, lambda: self.lambda_(ctx)),
        )

    def integer_target(self, ctx: Context) -> str:
        """A variable that a statement assigns: one that has a value, unless late ones are asked for."""
        return self.choose(ctx.targets if self.late else [name for name in ctx.targets if name in ctx.bound])

    def assign(self, ctx: Context) -> Block:
        def integer() -> Block:
            target = self.integer_target(ctx)
            return self.simple(f"{target} = {self.small(ctx)}", ctx, target)

        return self.weighted(
            (8, integer),
            (2 if ctx.top else 0, lambda: self.simple(f"x = {self.real(ctx)} % 16.0", ctx)),
            (1 if ctx.top else 0, lambda: self.simple(f"y = {self.real(ctx)} % 16.0", ctx)),
            (1 if ctx.top else 0, lambda: self.simple(f"y = {self.small(ctx)}", ctx)),
            (2 if ctx.top else 0, lambda: self.simple(f"q = {self.condition(ctx)}", ctx)),
        )

    def augmented(self, ctx: Context) -> Block:
        def integer() -> Block:
            target = self.choose([name for name in ctx.targets if name in ctx.bound])
            return self.simple(f"{target} {self.choose(('+=', '-='))} {self.number(ctx)} % 5", ctx)

        return self.weighted(
            (5, integer),
            (1 if ctx.top else 0, lambda: self.simple(f"x {self.choose(('+=', '-='))} {self.real(ctx)} % 4.0", ctx)),
            (1 if ctx.top else 0, lambda: self.simple(f"y += {self.real(ctx)} % 4.0", ctx)),
        )

    def print_(self, ctx: Context) -> Block:
        # What has no staged argument is printed while tracing, unless it stands in a region; `w` is always staged.
        item = f"w[{self.integer(0, 3)}]"

        def line() -> str:
            return self.weighted(
                (6, lambda: f"print({self.number(ctx)}, {item})"),
                (2, lambda: f"print({self.number(ctx)}, {self.condition(ctx)}, {item})"),
                (1, lambda: f"print('s{self.integer(0, 9)}', {item})"),
                (1, lambda: f"print({self.number(ctx)}, {item}, sep='-', end=';\\n')"),
                (1, lambda: f"print(f'{self.integer(0, 9)}:', w)"),
                (1, lambda: f"print(f'{{{self.name(ctx)}}} {{{item}:>3}}')"),
                (1 if ctx.top else 0, lambda: "print(v, p, w)"),
            )

        if self.one_in(5):
            test = f"{item} {self.choose(COMPARISONS)} {self.number(ctx, 1)}"
            return Block([f"if {test}:", f"    print('s{self.integer(0, 9)}')"], ctx.bound)
        return self.simple(line(), ctx)

    def unpack(self, ctx: Context) -> Block:
        first, second = self.integer_target(ctx), self.integer_target(ctx)
        bound = [name for name in (first, second) if name in ctx.bound]
        swap = (2 if len(bound) == 2 else 0, lambda: f"{first}, {second} = {second}, {first}")
        line = self.weighted(
            (4, lambda: f"{first}, {second} = {self.small(ctx)}, {self.small(ctx)}"),
            swap,
            (1, lambda: f"{first}, *rest, {second} = {self.small(ctx)}, 3, {self.small(ctx)}"),
            (1, lambda: f"{first} = {second} = {self.small(ctx)}"),
            (1, lambda: f"{first}, {second}, *_ = w"),
        )
        return self.simple(line, ctx, first, second)

    def update(self, ctx: Context) -> Block:
        def place() -> str:
            return self.weighted(
                (3, lambda: f"v[{self.integer(0, 3)}]"),
                (3, lambda: f"v[{self.number(ctx, 1)} % 4]"),
                (1, lambda: self.choose(("v[1:3]", "v[::2]", "v[-1]", "v[:]"))),
            )

        target = self.choose([target for target in ctx.targets if target in ctx.bound])

        def line() -> str:
            return self.weighted(
                (3, lambda: f"{place()} = {self.small(ctx)}"),
                (3, lambda: f"{place()} {self.choose(('+=', '-='))} {self.number(ctx, 1)} % 5"),
                (1, lambda: f"v = (v {self.choose(('+', '-'))} {self.choose(('w', '1', 'v[::-1]'))}) % 50"),
                (1, lambda: f"{target}, v[{self.integer(0, 3)}] = {self.small(ctx)}, 7"),
            )

        return self.simple(line(), ctx)

    def store(self, ctx: Context) -> Block:
        place = self.choose(("o.n", "m['k']"))
        return self.weighted(
            (1 if ctx.top else 0, lambda: self.simple(f"s = s[1], {self.small(ctx)}", ctx)),
            (1, lambda: self.simple(f"{place} = {self.small(ctx)}", ctx)),
            (1, lambda: self.simple(f"{place} += {self.number(ctx, 1)} % 5", ctx)),
            (1, lambda: self.simple(f"o.add({self.number(ctx, 1)})", ctx)),
        )

    def assert_(self, ctx: Context) -> Block:
        message = self.weighted(
            (2, lambda: ""), (2, lambda: f", 'm{self.integer(0, 9)}'"), (1, lambda: f", f'{{{self.leaf(ctx)}}}'")
        )
        return self.simple(f"assert {self.condition(ctx)}{message}", ctx)

    def raise_(self, ctx: Context) -> Block:
        error = self.choose(("ValueError", "KeyError", "RuntimeError"))
        return self.jump(f"raise {error}('m{self.integer(0, 9)}')")

    def returned(self, ctx: Context) -> str:
        if ctx.returns == "integer":
            return self.number(ctx)
        if ctx.returns == "float":
            return self.weighted((3, lambda: self.real(ctx)), (1, lambda: self.number(ctx)))
        if ctx.returns == "tuple":
            return f"{self.number(ctx, 1)}, {self.real(ctx, 1)}, {self.condition(ctx, 1)}"
        raise AssertionError(f"no way to return {ctx.returns!r}")

    def write_iterable(self, ctx: Context) -> tuple[str, str, frozenset[str], bool]:
        target = self.choose(("i", *[name for name in ctx.targets if name in ctx.bound]))
        other = "j"
        turns = self.integer(0, 4)

        def one(iterable: str, certain: bool = False) -> tuple[str, str, frozenset[str], bool]:
            return target, iterable, frozenset((target,)), certain

        def two(iterable: str, certain: bool = False) -> tuple[str, str, frozenset[str], bool]:
            return f"{target}, {other}", iterable, frozenset((target, other)), certain

        def number() -> str:
            return self.number(ctx, 1)

        return self.weighted(
            (5, lambda: one(f"range({turns})", turns > 0)),
            (6, lambda: one(f"range({number()} % 5)")),
            (3, lambda: one(f"range({number()} % 5, -1, -1)")),
            (2, lambda: one(f"range({number()} % 4, {number()} % 6)")),
            (2, lambda: one(f"range(0, {number()} % 7, {number()} % 2 + 1)")),
            (1, lambda: one(f"range({number()} % 5, {number()} % 5, 1 if {self.condition(ctx, 1)} else -1)")),
            (1, lambda: one("range(3, -2, -2)", True)),
            (1, lambda: one(f"range({self.choose(('20', '60'))})", True) if self.long() else one("range(2)", True)),
            (4, lambda: one("w", True)),
            (1, lambda: one("w[::-1]", True)),
            (1, lambda: one("reversed(w)", True)),
            (3, lambda: one(f"({number()}, {number()}, 2)", True)),
            (1, lambda: one(f"[{number()}, 3]", True)),
            (1, lambda: one("[]")),
            (2, lambda: two("enumerate(w)", True)),
            (1, lambda: two(f"zip(w, ({number()}, 1, 2))", True)),
            (1, lambda: two("zip(w, w[1:])", True)),
            (1, lambda: two(f"zip(range({turns}), w)", turns > 0)),
            (1, lambda: two(f"[({number()}, 1), (2, {number()})]", True)),
            (1, lambda: one(f"map(lambda n: n + {self.leaf(ctx)}, w)", True)),
            (1, lambda: one(f"(n for n in ({number()}, 2))", True)),
            (1, lambda: one("filter(lambda n: n > 1, (1, 2, 3))", True)),
            (1, lambda: two(f"{{1: {number()}, 2: 0}}.items()", True)),
            (1, lambda: two("enumerate(w, 1)", True)),
            (1, lambda: one("range(len(w))", True)),
            (1, lambda: one(f"reversed(range({number()} % 4))")),
            (1, lambda: one(f"sorted(({number()}, {number()}))", True)),
            (1 if ctx.top else 0, lambda: ("x", "w / 4", frozenset(), True)),
            (1 if self.objects else 0, lambda: one("list(m.values())", True)),
        )

    def long(self) -> bool:
        """Whether a long loop may stand here: a program has one at most."""
        return self.fresh("long") == "long0"

    def match_(self, ctx: Context) -> Block:
        lines: Lines = []
        bounds = []
        pair = self.one_in(3)
        subject = f"({self.number(ctx, 1)} % 3, {self.number(ctx, 1)})" if pair else f"{self.number(ctx)} % 4"
        for number in range(3):
            if number and not self.one_in(2):
                break
            target = self.choose([name for name in ctx.targets if name in ctx.bound])
            literals = f"{self.integer(0, 3)}" if not self.one_in(3) else f"{self.integer(0, 1)} | {self.integer(2, 3)}"
            pattern = f"({literals}, {self.choose((target, '_', '1'))})" if pair else literals
            if self.one_in(4):
                pattern = f"({target}, _)" if pair else target
                guard = f" if {self.condition(ctx, 1)}"
            else:
                guard = f" if {self.condition(ctx, 1)}" if self.one_in(4) else ""
            body = self.block(ctx.inner())
            lines += indented([f"case {pattern}{guard}:", *indented(body.lines)])
            bounds.append(body.bound)
        if self.one_in(2):
            body = self.block(ctx.inner())
            lines += indented(["case _:", *indented(body.lines)])
            bounds.append(body.bound)
        else:
            bounds.append(ctx.bound)
        return Block([f"match {subject}:", *lines], join(*bounds))

    def function(self, ctx: Context) -> Block:
        name = self.fresh("f")
        params = self.integer(1, 2)
        names = ("n", "h")[:params]
        default = self.number(ctx, 1) if params == 2 and self.one_in(3) else None
        nonlocals = self.subset([cell for cell in ctx.cells if cell in ctx.bound and cell not in names], 2)
        vectors = ctx.vectors and self.one_in(4)
        inner = Context(
            depth=min(ctx.depth - 1, 2),
            bound=(ctx.bound - {"i", "j", "k", *LATE}) | {*names, *nonlocals},
            names=tuple(dict.fromkeys((*names, *ctx.names))),
            targets=(*names, *nonlocals),
            cells=tuple(dict.fromkeys((*names, *ctx.cells))),
            returns="integer",
            vectors=vectors,
        )
        block = self.block(inner)
        outer = [*nonlocals, *(["v"] if vectors else [])]
        lines = [f"nonlocal {', '.join(outer)}"] if outer else []
        lines += block.lines
        if block.bound is not None:
            lines.append(f"return {self.number(replace(inner, bound=block.bound), 1)}")
        self.functions.append(Function(name, 1 if default else params))
        head = f"n, h={default}" if default else ", ".join(names)
        definition = [f"def {name}({head}):", *indented(lines)]
        if not self.one_in(4):
            target = self.choose([target for target in ctx.targets if target in ctx.bound])
            arguments = ", ".join(self.number(ctx, 1) for _ in range(self.functions[-1].params))
            definition.append(f"{target} = {name}({arguments}) % 50")
        return Block(definition, ctx.bound | {name})

    def lambda_(self, ctx: Context) -> Block:
        name = self.fresh("g")
        line = f"{name} = lambda n: {self.number(self.naming(ctx, 'n'))}"
        self.functions.append(Function(name, 1))
        return self.simple(line, ctx, name)

    def rows(self, ctx: Context) -> Block:
        """A loop over the rows of a matrix, and over the items of each."""
        target = self.choose([target for target in ctx.targets if target in ctx.bound])
        body = self.block(ctx.inner(loop=True))
        lines = ["for row in w.reshape(2, 2):", f"    for {target} in row:", *indented(indented(body.lines))]
        return Block(lines + self.loop_else(ctx), ctx.bound)

    def try_(self, ctx: Context) -> Block:
        if self.fails and not self.one_in(3):
            return self.caught(ctx)
        body = self.block(ctx.inner())
        final = self.block(ctx.inner(loop=False, returns=None), 2)
        lines = ["try:", *indented(body.lines)]
        lines += ["except ValueError:", "    pass"] if self.one_in(3) else []
        lines += ["finally:", *indented(final.lines)]
        bound = None if body.bound is None or final.bound is None else ctx.bound | final.bound
        return Block(lines, bound)

    def caught(self, ctx: Context) -> Block:
        """Exceptions that the graph decides on, and clauses that wait for some of them."""
        body, handler = self.block(ctx.inner()), self.block(ctx.inner(), 2)
        kind = self.choose(
            ("ValueError", "KeyError", "Exception", "(ValueError, AssertionError)", "RuntimeError as error")
        )
        lines = ["try:", *indented(body.lines), f"except {kind}:", *indented(handler.lines)]
        bound = None if body.bound is None and handler.bound is None else ctx.bound
        if body.bound is not None and self.one_in(3):
            lines += ["else:", *indented(self.block(ctx.inner(), 2).lines)]
        if self.one_in(3):
            final = self.block(ctx.inner(loop=False, returns=None), 2)
            lines += ["finally:", *indented(final.lines)]
            bound = None if bound is None or final.bound is None else bound
        return Block(lines, bound)

    def with_(self, ctx: Context) -> Block:
        target = self.choose([name for name in ctx.targets if name in ctx.bound])
        body = self.block(ctx.inner())
        return Block([f"with cm() as {target}:", *indented(body.lines)], body.bound)

    def list_(self, ctx: Context) -> Block:
        """A list that each turn of a loop appends to, once, so that its length is known beforehand."""
        name = self.fresh("l")
        turns = self.integer(1, 4)
        target = self.choose([target for target in ctx.targets if target in ctx.bound])
        start = self.choose(("", "1", "1, 2"))
        inner = self.naming(ctx.inner(loop=False, returns=None), "i")
        body = self.block(inner, 2)
        lines = [f"{name} = [{start}]"]
        lines += [f"for i in {self.choose((f'range({turns})', 'w'))}:", *indented(body.lines)]
        lines += [f"    {name}.append({self.small(replace(inner, bound=body.bound or inner.bound))})"]
        use = self.weighted(
            (2, lambda: f"{target} = {name}[-1]"),
            (1, lambda: f"{target} = sum({name}) % 50"),
            (1, lambda: f"{target} = len({name})"),
            (1, lambda: f"{target} = {name}[{self.number(ctx, 1)} % {len(start.split()) + 1}]"),
            (1, lambda: f"{target} = {name}.pop()"),
        )
        return Block([*lines, use], ctx.bound | {target})

    def program(self) -> Lines:
        kind = self.weighted((3, lambda: "integer"), (1, lambda: "float"), (2, lambda: "tuple"))
        names = (*INTEGERS, *(LATE if self.late else ()))
        ctx = Context(
            depth=3,
            bound=frozenset((*INTEGERS, *FLOATS, *BOOLEANS)),
            names=names,
            targets=names,
            cells=INTEGERS,
            returns=kind,
            top=True,
            vectors=True,
        )
        block = self.block(ctx, most=5)
        last: Lines = []
        if block.bound is not None:
            end = replace(ctx, bound=block.bound)
            last = [f"return {self.everything(end) if self.one_in(2) else self.returned(end)}"]
        text = "\n".join([*block.lines, *last])
        start = [line for name, line in START.items() if self.mentions(text, name)]
        return ["def fuzzed(a, b, x, p, v, w):", *indented([*start, *block.lines, *last])]

    def everything(self, ctx: Context) -> str:
        """A value that tells of every variable, which keeps all of them alive to the end."""
        integers = " + ".join(f"{weight} * {name}" for weight, name in zip((1, 3, 5, 7, 9), self.integers(ctx)))
        whole = f"{integers} + v[0] - 3 * v[1] + 5 * v[2] + int(q)"
        if ctx.returns == "integer":
            return whole
        if ctx.returns == "float":
            return f"{whole} + x + 3 * y"
        return f"{whole}, x + 3 * y, q"

    @staticmethod
    def integers(ctx: Context) -> list[str]:
        return [name for name in (*INTEGERS, *LATE) if name in ctx.bound]

    @staticmethod
    def mentions(text: str, name: str) -> bool:
        return re.search(rf"\b{name}\b", text) is not None


@st.composite
def staged_programs(draw: st.DrawFn, size: int = 14) -> Program:
    """Programs of the staged level of about so many statements, each with three inputs."""

    def one_in(count: int) -> bool:
        return draw(st.integers(0, count - 1)) == count - 1

    late, fails, objects, optional = one_in(3), one_in(5), one_in(4), one_in(5)
    writer = StagedWriter(draw, budget=size, late=late, fails=fails, objects=objects, optional=optional)
    source = assemble(PRELUDE, writer.program())
    weak = not one_in(3)
    integer: Callable[[int], int | np.int32] = int if weak else np.int32
    real: Callable[[float], float | np.float32] = float if weak else np.float32
    boolean: Callable[[bool], bool | np.bool_] = bool if weak else np.bool_
    small = st.integers(-3, 9)
    inputs = []
    for _ in range(3):
        v, w = ([draw(small) for _ in range(4)] for _ in range(2))
        inputs.append(
            (
                integer(draw(small)),
                integer(draw(small)),
                real(draw(st.integers(-4, 12)) / 4),
                boolean(draw(st.booleans())),
                np.array(v, np.int32),
                np.array(w, np.int32),
            )
        )
    return Program(source, tuple(inputs), staged=True)
