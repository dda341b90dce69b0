"""Random programs with every construct of Python, for plain values.

Half of them end well, half in an exception: a name that was never assigned, a division by zero, an index out of range.
`t(k, v)` returns v and records k, which shows the order of evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from .grammar import Block, Context, Lines, Program, Writer, assemble, indented, join

PRELUDE = {
    "G": "G = 1",
    "TRACE": "TRACE = []",
    "t": """
def t(k, v):
    TRACE.append(k)
    return v
""",
    "E": """
class E(Exception):
    pass
""",
    "Box": """
class Box:
    __match_args__ = ('x',)
    def __init__(self, x):
        self.x = x
    def get(self, n=0):
        return self.x + n
    def __repr__(self):
        return 'Box'
    def __iadd__(self, n):
        TRACE.append('iadd')
        self.x += n
        return self
""",
    "cm": """
class cm:
    def __init__(self, k, catches=()):
        self.k = k
        self.catches = catches
    def __enter__(self):
        TRACE.append(('enter', self.k))
        return self.k
    def __exit__(self, kind, value, traceback):
        TRACE.append(('exit', self.k, kind and kind.__name__))
        return kind is not None and issubclass(kind, self.catches)
""",
    "deco": """
def deco(k):
    def wrap(f):
        def wrapped(*args, **kwargs):
            TRACE.append(('deco', k))
            return f(*args, **kwargs)
        return wrapped
    return wrap
""",
    "Ready": """
class Ready:
    def __init__(self, value):
        self.value = value
    def __await__(self):
        yield 'waiting'
        return self.value
""",
    "run": """
def run(coroutine):
    while True:
        try:
            TRACE.append(coroutine.send(None))
        except StopIteration as stop:
            return stop.value
""",
}

NUMBERS = ("a", "b", "c", "d", "e")
ERRORS = ("Exception", "E", "(IndexError, KeyError)", "ZeroDivisionError", "TypeError", "Exception", "NameError")
RAISED = ("E", "ValueError", "KeyError", "IndexError", "ZeroDivisionError")
FORMS = (
    "sum([{element} {clauses}])",
    "sum(({element} {clauses}))",
    "len({{{element} {clauses}}})",
    "sum({{{variable}: {element} {clauses}}}.values())",
    "any({element} {clauses})",
    "sum([h() for h in [lambda: {element} {clauses}]])",
)


@dataclass
class Function:
    """A function or class that the program defines, and how an expression uses it."""

    name: str
    calls: tuple[str, ...]
    """Templates of a call: `{0}` and `{1}` stand for arguments."""


class PlainWriter(Writer):
    def __init__(self, draw: st.DrawFn, budget: int) -> None:
        super().__init__(draw, budget)
        self.functions: list[Function] = []

    # Expressions.

    def expression(self, ctx: Context, depth: int = 2) -> str:
        return self.expression_span(lambda: self.write_expression(ctx, depth))

    def write_expression(self, ctx: Context, depth: int) -> str:
        if depth <= 0:
            return self.leaf(ctx)

        def sub() -> str:
            # The order of evaluation shows where several operands are recorded.
            return self.traced(ctx, depth) if self.one_in(3) else self.expression(ctx, depth - 1)

        return self.weighted(
            (12, lambda: self.leaf(ctx)),
            (10, lambda: self.traced(ctx, depth)),
            (8, lambda: f"({sub()} {self.choose(('+', '-', '+', '&', '|', '^'))} {sub()})"),
            (1, lambda: f"({sub()} {self.choose(('//', '%', '/'))} {sub()})"),
            (2, lambda: f"({sub()} {self.choose(('//', '%'))} {self.integer(1, 3)})"),
            (1, lambda: f"({sub()} * {self.integer(0, 5)})"),
            (5, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()})"),
            (2, lambda: f"({sub()} {self.choose(('and', 'or'))} {sub()} {self.choose(('and', 'or'))} {sub()})"),
            (2, lambda: f"(not {sub()})"),
            (1, lambda: f"({self.choose(('-', '+', '~'))}{sub()})"),
            (4, lambda: f"({sub()} {self.comparison()} {sub()})"),
            (3, lambda: f"({sub()} {self.comparison()} {sub()} {self.comparison()} {sub()})"),
            (4, lambda: f"({sub()} if {sub()} else {sub()})"),
            (2, lambda: f"({sub()} {self.choose(('in', 'not in'))} {self.sequence(ctx, depth - 1)})"),
            (1, lambda: f"({sub()} {self.choose(('is', 'is not'))} None)"),
            (4, lambda: self.call(ctx, depth)),
            (2, lambda: self.named(ctx, depth)),
            (3, lambda: self.comprehension(ctx, depth)),
            (2, lambda: self.lambda_call(ctx, depth)),
            (2, lambda: f"{self.sequence(ctx, depth - 1)}[{self.index(ctx)}]"),
            (1, lambda: f"m[{self.choose(('0', repr('k'), '1', 't(0, 1)'))}]"),
            (1, lambda: "o.x"),
            (1, lambda: f"o.get({sub()})"),
            (2, lambda: self.builtin(ctx, depth)),
            (1, lambda: f"len(f'{{({self.unquoted(sub(), ctx)})}}{{{self.name(ctx)}!r:>{self.integer(1, 4)}}}')"),
            (1, lambda: f"len(f'{{{self.name(ctx)} = }}')"),
            (1, lambda: f"{{{sub()}: {sub()}, **m}}[{self.choose(('0', '1', repr('k')))}]"),
        )

    def leaf(self, ctx: Context) -> str:
        return self.weighted(
            (20, lambda: str(self.integer(0, 4))),
            (60, lambda: self.name(ctx)),
            (3, lambda: "G"),
            (3, lambda: self.choose(("True", "False", "-1", "True", "2.5"))),
            (1, lambda: self.choose(("None", "''", "xs", "m", "o"))),
            (6 if ctx.special else 0, lambda: self.special(ctx)),
        )

    def special(self, ctx: Context) -> str:
        if ctx.yields:
            return f"(yield {self.name(ctx)})"
        if ctx.awaits:
            return f"(await Ready({self.name(ctx)}))"
        return self.choose(("self.x", "self.__p", "super().get()", "__class__.u"))

    def name(self, ctx: Context) -> str:
        bound = [name for name in ctx.names if name in ctx.bound]
        if not bound or self.one_in(150):
            return self.choose(ctx.names)
        # The variable of the loop around, or the function's parameter, makes each turn and each call another.
        return self.choose(bound if self.one_in(3) else bound[:2])

    def comparison(self) -> str:
        return self.choose(("<", "==", ">", "<=", "!=", ">="))

    def unquoted(self, text: str, ctx: Context) -> str:
        """The expression where an f-string may hold it: before Python 3.12 no quotes may stand inside."""
        return self.name(ctx) if "'" in text else text

    def traced(self, ctx: Context, depth: int) -> str:
        return f"t({self.integer(0, 9)}, {self.expression(ctx, depth - 1)})"

    def index(self, ctx: Context) -> str:
        return self.weighted(
            (8, lambda: self.choose(("0", "-1", "1"))),
            (1, lambda: f"t({self.integer(0, 9)}, {self.integer(0, 1)})"),
            (1, lambda: f"{self.name(ctx)} % 2"),
            (1, lambda: self.name(ctx)),
        )

    def sequence(self, ctx: Context, depth: int) -> str:
        def sub() -> str:
            return self.traced(ctx, depth + 1) if self.one_in(3) else self.expression(ctx, depth)

        return self.weighted(
            (5, lambda: "xs"),
            (3, lambda: f"({sub()}, {sub()})"),
            (2, lambda: f"[{sub()}, {sub()}, {sub()}]"),
            (1, lambda: f"[{sub()}, *xs]"),
            (1, lambda: f"(*xs, {sub()}, *({sub()},))"),
            (1, lambda: self.choose(("xs[1:]", "xs[::-1]", "xs[:t(0, 2)]", "xs[t(0, 0):t(1, 3):t(2, 2)]"))),
            (1, lambda: f"list(m.values())[:{self.integer(0, 2)}]"),
            (1, lambda: self.repeated(ctx, depth)),
        )

    def repeated(self, ctx: Context, depth: int) -> str:
        # No `yield` may stand in a comprehension.
        element = self.expression(replace(ctx, yields=False, awaits=False), depth)
        return f"[{element} for i in range({self.integer(0, 3)})]"

    def call(self, ctx: Context, depth: int) -> str:
        callable_here = [function for function in self.functions if function.name in ctx.bound]
        if not callable_here:
            return self.traced(ctx, depth)
        function = callable_here[self.integer(0, len(callable_here) - 1)]
        template = self.choose(function.calls)
        return template.format(*(self.expression(ctx, depth - 1) for _ in range(2 if "{1}" in template else 1)))

    def named(self, ctx: Context, depth: int) -> str:
        if not ctx.walrus or not ctx.targets:
            return self.leaf(ctx)
        return f"({self.choose(ctx.targets)} := {self.expression(ctx, depth - 1)})"

    def comprehension(self, ctx: Context, depth: int) -> str:
        # No walrus may stand in what a comprehension runs over, nor a `yield` in any part of it.
        outer = self.in_lambda(ctx)
        variable = self.choose(("i", "j"))
        names = tuple(dict.fromkeys((variable, *ctx.names)))
        form = self.choose(FORMS)
        inner = replace(outer, names=names, walrus=ctx.walrus and "lambda" not in form).binding(variable)
        first = self.weighted((3, lambda: f"range({self.integer(0, 3)})"), (2, lambda: self.sequence(outer, depth - 1)))
        clauses = f"for {variable} in {first}"
        if self.one_in(3):
            clauses += f" if {self.condition(inner, 1)}"
        if self.one_in(5):
            other = "j" if variable == "i" else "i"
            source = self.choose((f"({variable}, 1)", "range(2)", "xs"))
            clauses += f" for {other} in {source}"
            inner = replace(inner, names=(other, *names)).binding(other)
        element = self.expression(inner, depth - 1)
        return form.format(variable=variable, element=element, clauses=clauses)

    def lambda_call(self, ctx: Context, depth: int) -> str:
        inner = replace(self.in_lambda(ctx), names=("n", *ctx.names)).binding("n")
        body = self.expression(inner, depth - 1)
        argument = self.expression(ctx, depth - 1)
        return self.weighted(
            (3, lambda: f"(lambda n: {body})({argument})"),
            (1, lambda: f"(lambda n={argument}: {body})()"),
            (1, lambda: f"sum(map(lambda n: {body}, ({argument}, 1)))"),
            (1, lambda: f"max(({argument}, 1, 2), key=lambda n: {body})"),
        )

    def builtin(self, ctx: Context, depth: int) -> str:
        def sub() -> str:
            return self.traced(ctx, depth) if self.one_in(4) else self.expression(ctx, depth - 1)

        return self.weighted(
            (1, lambda: f"abs({sub()})"),
            (1, lambda: f"{self.choose(('min', 'max'))}({sub()}, {sub()})"),
            (1, lambda: f"max({sub()}, *xs)"),
            (1, lambda: f"{self.choose(('sum', 'len'))}({self.sequence(ctx, depth - 1)})"),
            (1, lambda: f"{self.choose(('any', 'all'))}({self.sequence(ctx, depth - 1)})"),
            (1, lambda: f"{self.choose(('int', 'float', 'bool'))}({sub()})"),
            (1, lambda: f"divmod({sub()}, {self.integer(1, 3)})[{self.integer(0, 1)}]"),
            (1, lambda: f"sorted({self.sequence(ctx, depth - 1)})[0]"),
            (1, lambda: f"list(reversed({self.sequence(ctx, depth - 1)}))[0]"),
            (1, lambda: f"dict(k={sub()}, **{{'q': {sub()}}})['k']"),
        )

    def condition(self, ctx: Context, depth: int = 2) -> str:
        return self.weighted(
            (2, lambda: self.expression(ctx, depth)),
            (3, lambda: f"{self.expression(ctx, depth - 1)} {self.comparison()} {self.expression(ctx, depth - 1)}"),
        )

    # Statements.

    def write_statement(self, ctx: Context) -> Block:
        opens = ctx.depth > 0
        return self.weighted(
            (12, lambda: self.assign(ctx)),
            (4, lambda: self.simple(f"print({self.expression(ctx)}, {self.expression(ctx, 1)})", ctx)),
            (3, lambda: self.simple(self.expression(ctx), ctx)),
            (5 if ctx.targets else 0, lambda: self.augmented(ctx)),
            (3 if ctx.targets else 0, lambda: self.unpack(ctx)),
            (4, lambda: self.store(ctx)),
            (2 if ctx.targets else 0, lambda: self.delete(ctx)),
            (3 if ctx.tried else 1, lambda: self.assert_(ctx)),
            (6 if ctx.tried else 1, lambda: self.raise_(ctx)),
            (3, lambda: self.late_lambda(ctx)),
            (1 if ctx.top else 0, lambda: self.simple("print([h() for h in hs])", ctx)),
            (1 if ctx.targets else 0, lambda: self.import_(ctx)),
            (1, lambda: self.simple("pass", ctx)),
            (3 if ctx.loop else 0, lambda: self.jump("break")),
            (3 if ctx.loop else 0, lambda: self.jump("continue")),
            (2 if ctx.returns else 0, lambda: self.return_(ctx)),
            (9 if ctx.loop else 0, lambda: self.jump_if(ctx)),
            (12 if opens else 0, lambda: self.if_(ctx)),
            (5 if opens else 0, lambda: self.while_(ctx)),
            (8 if opens else 0, lambda: self.for_(ctx)),
            (8 if opens else 0, lambda: self.try_(ctx)),
            (4 if opens else 0, lambda: self.with_(ctx)),
            (4 if opens else 0, lambda: self.match_(ctx)),
            (5 if opens else 0, lambda: self.function(ctx)),
            (2 if opens else 0, lambda: self.lambda_(ctx)),
            (2 if opens else 0, lambda: self.class_(ctx)),
        )

    def late_lambda(self, ctx: Context) -> Block:
        """A lambda that is called at the end of the program, when its variables have other values."""
        line = f"hs.append(lambda: {self.expression(self.in_lambda(ctx))})"
        bound = [name for name in ctx.targets if name in ctx.bound]
        if not bound or self.one_in(2):
            return self.simple(line, ctx)
        name = self.choose(bound)
        change = self.choose((f"{name} = {self.expression(ctx)}", f"{name} += {self.expression(ctx)}"))
        return Block([line, change], ctx.bound)

    def in_lambda(self, ctx: Context) -> Context:
        return replace(ctx, walrus=False, yields=False, awaits=False)

    def assign(self, ctx: Context) -> Block:
        if not ctx.targets:
            return self.simple(self.expression(ctx), ctx)
        target = self.choose(ctx.targets)
        return self.weighted(
            (8, lambda: self.simple(f"{target} = {self.expression(ctx)}", ctx, target)),
            (1, lambda: self.chained(ctx, target)),
            (1, lambda: self.annotated(ctx, target)),
        )

    def chained(self, ctx: Context, target: str) -> Block:
        other = self.choose(ctx.targets)
        return self.simple(f"{target} = {other} = {self.expression(ctx)}", ctx, target, other)

    def annotated(self, ctx: Context, target: str) -> Block:
        # A name that is declared nonlocal or global cannot be annotated.
        if target not in self.annotatable:
            return self.simple(f"{target} = {self.expression(ctx)}", ctx, target)
        if self.one_in(4):
            return self.simple(f"{target}: int", ctx)
        return self.simple(f"{target}: int = {self.expression(ctx)}", ctx, target)

    annotatable: frozenset[str] = frozenset()

    def augmented(self, ctx: Context) -> Block:
        bound = [name for name in ctx.targets if name in ctx.bound]
        target = self.choose(bound) if bound and not self.one_in(20) else self.choose(ctx.targets)
        operator = self.choose(("+=", "-=", "+=", "|=", "//=", "%=", "^=", "/="))
        return self.simple(f"{target} {operator} {self.expression(ctx)}", ctx, target)

    def unpack(self, ctx: Context) -> Block:
        first, second = self.choose(ctx.targets), self.choose(ctx.targets)

        def value() -> str:
            return self.expression(ctx)

        def written() -> str:
            return self.weighted(
                (4, lambda: f"{first}, {second} = {value()}, {value()}"),
                (2, lambda: f"{first}, {second} = {second}, {first}"),
                (1, lambda: f"[{first}, {second}] = {self.sequence(ctx, 1)}[:2]"),
                (1, lambda: f"({first}, ({second}, *rest)) = {value()}, {self.sequence(ctx, 1)}"),
                (1, lambda: f"{first}, *rest, {second} = {self.sequence(ctx, 1)}"),
                (1, lambda: f"xs[t(1, 0)], {first} = {value()}, {value()}"),
                (1, lambda: f"{first}, xs[{first}] = {value()}, {value()}"),
                (1, lambda: f"o.x, {second} = {second}, o.x = {value()}, {value()}"),
            )

        return self.simple(written(), ctx, first, *([second] if first != second else []))

    def store(self, ctx: Context) -> Block:
        def place() -> str:
            return self.weighted(
                (3, lambda: f"xs[{self.index(ctx)}]"),
                (2, lambda: "o.x"),
                (2, lambda: f"m[{self.choose(('0', '1', repr('k'), 't(3, 0)'))}]"),
                (1, lambda: f"xs[t(4, {self.name(ctx)})]"),
                (1, lambda: f"t(5, xs)[{self.expression(ctx, 1)}]"),
                (1, lambda: "t(6, o).x"),
                (1 if ctx.methods else 0, lambda: self.choose(("self.x", "self.__p"))),
            )

        def written() -> str:
            return self.weighted(
                (4, lambda: f"{place()} = {self.expression(ctx)}"),
                (4, lambda: f"{place()} {self.choose(('+=', '-=', '|=', '//='))} {self.expression(ctx)}"),
                (1, lambda: f"{place()} = {place()} = {self.expression(ctx)}"),
                (1, lambda: f"xs[{self.choose(('1:', ':1', '0:2', '::2'))}] = {self.sequence(ctx, 1)}[:2]"),
                (1, lambda: f"xs.append({self.expression(ctx)})"),
                (1, lambda: f"m.update(k={self.expression(ctx)})"),
            )

        return self.simple(written(), ctx)

    def delete(self, ctx: Context) -> Block:
        def name() -> Block:
            target = self.choose(ctx.targets)
            read = [f"t(7, {target})"] if self.one_in(6) else []
            return Block([f"del {target}", *read], ctx.bound - {target})

        return self.weighted(
            (3, name),
            (1, lambda: self.simple(f"del xs[{self.index(ctx)}]", ctx)),
            (1, lambda: self.simple(f"del m[{self.choose(('0', repr('k')))}]", ctx)),
            (1, lambda: self.simple("del o.x", ctx)),
        )

    def assert_(self, ctx: Context) -> Block:
        test = self.condition(ctx)
        message = f", {self.expression(ctx, 1)}" if self.one_in(2) else ""
        return self.simple(f"assert {test}{message}", ctx)

    def raise_(self, ctx: Context) -> Block:
        error = self.choose(RAISED)
        return self.weighted(
            (3, lambda: self.jump(f"raise {error}({self.expression(ctx, 1)})")),
            (1, lambda: self.jump(f"raise {error}")),
            (1, lambda: self.jump(f"raise {error}(1) from {self.choose(('None', 'E(2)'))}")),
            (3 if ctx.handler else 0, lambda: self.jump("raise")),
        )

    def import_(self, ctx: Context) -> Block:
        target = self.choose(ctx.targets)
        return self.simple(self.choose(("import math", f"from math import inf as {target}")), ctx)

    def write_iterable(self, ctx: Context) -> tuple[str, str, frozenset[str], bool]:
        def names(*targets: str) -> frozenset[str]:
            return frozenset(targets)

        target = self.choose((*ctx.targets, "i", "j"))
        other = self.choose(("j", *ctx.targets))
        turns = self.integer(0, 3)

        def counted() -> tuple[str, str, frozenset[str], bool]:
            return target, f"range({turns})", names(target), turns > 0

        return self.weighted(
            (5, counted),
            (1, lambda: (target, f"range({self.expression(ctx, 1)} % 4)", names(target), False)),
            (1, lambda: (target, f"range(t(1, {turns}), t(2, -1), t(3, -1))", names(target), True)),
            (4, lambda: (target, f"{self.sequence(ctx, 1)}[:3]", names(target), False)),
            (1, lambda: (target, f"t(7, [{self.expression(ctx, 1)}, {turns}])", names(target), True)),
            (1, lambda: (f"{target}, {other}", "enumerate(xs[:3])", names(target, other), False)),
            (1, lambda: (f"{target}, {other}", "list(m.items())[:2]", names(target, other), False)),
            (1, lambda: (f"{target}, *rest", "[(1, 2), (3,), xs]", names(target), True)),
            (1, lambda: (f"{target}, ({other}, _)", f"zip(range({turns}), [xs, (1, 2)])", names(target), False)),
            (1, lambda: ("o.x", f"range({turns})", names(), False)),
            (1, lambda: ("xs[0]", f"range({turns})", names(), False)),
            (1, lambda: (target, f"map(lambda n: n + {self.leaf(ctx)}, range({turns}))", names(target), False)),
            (1, lambda: (target, f"(n for n in range(3) if n != {self.name(ctx)})", names(target), False)),
            (1, lambda: (target, "'ab'", names(target), True)),
            (1, lambda: (target, "dict(m)", names(target), False)),
        )

    def try_(self, ctx: Context) -> Block:
        inner = ctx.inner()
        if self.one_in(20):
            return self.try_star(ctx)
        body = self.block(replace(inner, tried=True))
        raised = self.choose(RAISED)
        if self.one_in(3):
            body = Block([*body.lines, f"raise {raised}(1)"], None)
        lines, reached = ["try:", *indented(body.lines)], body.bound
        bounds, caught_as = [], []
        handlers = self.integer(0, 2)
        for number in range(handlers):
            last = number + 1 == handlers
            caught = self.choose((*ERRORS, raised, raised, raised))
            name = self.choose((*ctx.targets, "error")) if self.one_in(2) else None
            head = "except:" if last and self.one_in(6) else f"except {caught}{f' as {name}' if name else ''}:"
            caught_as += [name] if name else []
            handled = self.block(replace(inner, handler=True).without(*([name] if name else [])))
            lines += [head, *indented(handled.lines)]
            bounds.append(None if handled.bound is None else handled.bound - {name})
        if handlers and self.one_in(3):
            after = self.block(inner)
            lines += ["else:", *indented(after.lines)]
            reached = None if reached is None else after.bound
        bound = join(reached, *bounds)
        if not handlers or self.one_in(3):
            final = self.block(inner, 2)
            lines += ["finally:", *indented(final.lines)]
            if final.bound is None:
                bound = None
            elif bound is not None:
                # The block before and the finalizer may both have deleted names.
                bound &= final.bound | (bound - ctx.bound)
        gone = [name for name in caught_as if name in ctx.targets]
        if bound is not None and gone and self.one_in(2):
            lines.append(f"t(8, {gone[0]})")
        return Block(lines, bound)

    def try_star(self, ctx: Context) -> Block:
        # Neither `break`, `continue` nor `return` may leave an `except*`.
        inner = ctx.inner()
        body = self.block(replace(inner, tried=True))
        handled = self.block(replace(inner, loop=False, returns=None), 2)
        lines = [
            "try:",
            *indented(body.lines),
            "except* (E, ValueError, TypeError) as group:",
            *indented(handled.lines),
        ]
        return Block(lines, join(body.bound, handled.bound))

    def with_(self, ctx: Context) -> Block:
        items = []
        names: list[str] = []
        suppresses = False
        for number in range(2):
            if number and not self.one_in(4):
                break
            manager = self.weighted(
                (3, lambda: f"cm({self.expression(ctx, 1)})"),
                (1, lambda: f"cm(1, {self.choose(ERRORS)})"),
            )
            suppresses = suppresses or "," in manager
            if self.one_in(3):
                target = self.choose((*ctx.targets, "o.x", "xs[0]"))
                names += [target] if target in ctx.targets else []
                manager += f" as {target}"
            items.append(manager)
        body = self.block(ctx.inner().binding(*names))
        bound = join(body.bound, ctx.bound) if suppresses else body.bound
        return Block([f"with {', '.join(items)}:", *indented(body.lines)], bound)

    def match_(self, ctx: Context) -> Block:
        kind = self.choose(("number", "pair", "list", "dict", "object"))
        subject = {
            "number": lambda: self.expression(ctx),
            "pair": lambda: f"({self.expression(ctx, 1)}, {self.expression(ctx, 1)})",
            "list": lambda: self.sequence(ctx, 1),
            "dict": lambda: "m",
            "object": lambda: "o",
        }[kind]()
        lines, bounds = [f"match {subject}:"], [ctx.bound]
        for number in range(3):
            if number and not self.one_in(2):
                break
            free = [name for name in ctx.targets if name in NUMBERS]
            pattern, names = self.pattern(kind, free)
            guarded = ctx.binding(*names)
            guard = f" if {self.condition(guarded, 1)}" if self.one_in(3) else ""
            body = self.block(guarded.inner())
            lines += indented([f"case {pattern}{guard}:", *indented(body.lines)])
            bounds.append(body.bound)
        if self.one_in(2):
            body = self.block(ctx.inner())
            lines += indented([f"case {self.choose(('_', *ctx.targets))}:", *indented(body.lines)])
            bounds[0] = body.bound
        return Block(lines, join(*bounds))

    def pattern(self, kind: str, free: list[str]) -> tuple[str, list[str]]:
        """A pattern that can fail, and the names that it binds."""
        names: list[str] = []

        def capture() -> str:
            if not free or self.one_in(3):
                return self.choose(("0", "1", "_", "None"))
            names.append(free.pop(self.integer(0, len(free) - 1)))
            return names[-1]

        def number() -> str:
            return self.weighted(
                (2, lambda: str(self.integer(0, 3))),
                (2, lambda: f"{self.integer(0, 2)} | {self.integer(2, 4)}"),
                (1, lambda: self.choose(("True", "None", "-1", "2.5"))),
                (1, lambda: f"int({capture()})"),
                (1, lambda: "o.x"),
                (1, lambda: f"(0 | 1) as {names_or_skip()}"),
            )

        def names_or_skip() -> str:
            if not free:
                return "other"
            names.append(free.pop(0))
            return names[-1]

        def sequence() -> str:
            return self.weighted(
                (2, lambda: f"[{capture()}, {capture()}]"),
                (1, lambda: f"({capture()}, *_)"),
                (1, lambda: f"[{number()}, *rest]"),
                (1, lambda: "[]"),
                (1, lambda: "[_] | [_, _, _]"),
            )

        def mapping() -> str:
            return self.weighted(
                (2, lambda: f"{{'k': {capture()}}}"),
                (1, lambda: f"{{0: {number()}, **rest}}"),
                (1, lambda: f"{{'k': {capture()}, 0: {capture()}}}"),
                (1, lambda: "{'absent': _}"),
            )

        def instance() -> str:
            return self.weighted(
                (1, lambda: f"Box(x={number()})"),
                (1, lambda: f"Box({capture()})"),
                (1, lambda: "int()"),
            )

        writers: dict[str, Callable[[], str]] = {
            "number": number,
            "pair": sequence,
            "list": sequence,
            "dict": mapping,
            "object": instance,
        }
        return writers[kind](), names

    # Functions and classes.

    def body_of_function(
        self, ctx: Context, params: tuple[str, ...], *, returns: str | None = "any", **changes: Any
    ) -> Lines:
        """Declarations and body of a function whose parameters are `params`."""
        outer_cells = [name for name in ctx.cells if name not in params and name in ctx.bound]
        nonlocals = self.subset(outer_cells, 2)
        global_ = ["G"] if self.one_in(6) else []
        shadows = self.subset([name for name in NUMBERS if name not in nonlocals], 1) if self.one_in(4) else []
        local = tuple(name for name in dict.fromkeys((*params, "h", *shadows)) if name not in nonlocals)
        targets = (*local, *nonlocals, *global_)
        unbound = {"i", "j", *local} - set(params)
        # Between a class and its methods there is no scope: the annotation of one function says nothing of another.
        kept, self.annotatable = self.annotatable, frozenset(local)
        settings: dict[str, Any] = {
            "depth": min(ctx.depth - 1, 2),
            "bound": (ctx.bound - unbound) | set(params),
            "names": tuple(dict.fromkeys((*params, *ctx.names, "h"))),
            "targets": targets,
            "cells": tuple(dict.fromkeys((*local, *ctx.cells))),
            "returns": returns,
            "walrus": True,
            "methods": ctx.methods,
        }
        inner = Context(**{**settings, **changes})
        block = self.block(inner)
        self.annotatable = kept
        # Every name that is a cell for functions inside must be a local variable here: an assignment makes it one.
        lines = [f"nonlocal {', '.join(nonlocals)}"] if nonlocals else []
        lines += [f"global {', '.join(global_)}"] if global_ else []
        lines += [f"{name}: int" for name in local if name not in params]
        lines += block.lines
        if block.bound is not None and not self.one_in(4):
            lines.append(f"return {self.expression(replace(inner, bound=block.bound), 1)}")
        return lines

    def function(self, ctx: Context) -> Block:
        name = self.fresh("f")
        kind = self.weighted((8, lambda: "def"), (2, lambda: "generator"), (1, lambda: "async"))
        default = self.expression(ctx, 1) if self.one_in(3) else None
        star = self.one_in(6)
        params = ("n", *(["p"] if default else []))
        head = "n" + (f", p={default}" if default else "") + (", *args, **kwargs" if star else "")
        calls = ["{0}"]
        if default:
            calls += ["{0}, {1}", "{0}, p={1}", "p={0}, n={1}", "*({0},), **{{'p': {1}}}"]
        if star:
            calls += ["{0}, {1}, *xs"] if default else ["{0}, {1}, q=3"]
        wrapped = {"def": "{}", "generator": "sum({})", "async": "run({})"}[kind]
        templates = [wrapped.replace("{}", f"{name}({call})") for call in calls]
        if kind == "generator":
            templates += [f"next({name}({{0}}), 0)", f"[*{name}({{0}})][-1]"]
        decorators = [f"@deco({self.integer(0, 9)})"] if kind == "def" and self.one_in(8) else []
        changes = {"yields": kind == "generator", "awaits": kind == "async"}
        lines = self.body_of_function(ctx, params, **changes)
        if kind == "generator":
            lines.append("yield n")
        prefix = "async def" if kind == "async" else "def"
        result = Block([*decorators, f"{prefix} {name}({head}):", *indented(lines)], ctx.bound | {name})
        self.functions.append(Function(name, tuple(templates)))
        return self.used(ctx, result, templates)

    def used(self, ctx: Context, definition: Block, calls: Sequence[str]) -> Block:
        """The definition, mostly with a call right after it."""
        if self.one_in(4) or definition.bound is None:
            return definition
        call = self.choose(calls)
        arguments = [self.expression(ctx, 1) for _ in range(2 if "{1}" in call else 1)]
        line = call.format(*arguments)
        if ctx.targets:
            line = f"{self.choose(ctx.targets)} = {line}"
        return Block([*definition.lines, line], definition.bound)

    def lambda_(self, ctx: Context) -> Block:
        name = self.fresh("g")
        inner = replace(self.in_lambda(ctx), names=("n", *ctx.names)).binding("n")
        default = f", p={self.expression(ctx, 1)}" if self.one_in(3) else ""
        line = f"{name} = lambda n{default}: {self.expression(inner)}"
        self.functions.append(Function(name, (f"{name}({{0}})", f"{name}(n={{0}})")))
        return self.used(ctx, self.simple(line, ctx, name), self.functions[-1].calls)

    def class_(self, ctx: Context) -> Block:
        name = self.fresh("C")
        inner = replace(self.in_lambda(ctx), methods=False)
        lines = [f"class {name}(Box):", f"    u = {self.expression(inner, 1)}", "    __p = 3"]
        if self.one_in(3):
            lines += indented([f"if {self.expression(inner, 1)}:", "    u = 7", "else:", "    w = u"])
        kind = self.choose(("method", "static", "class", "property", "init"))
        if kind in ("method", "init"):
            body = self.body_of_function(ctx, ("self", "n"), methods=True, names=("n", *ctx.names))
            head = "def __init__(self, n):" if kind == "init" else "def get(self, n=2):"
            if kind == "init":
                body = ["super().__init__(n)", *body]
            calls = (f"{name}({{0}}).get({{1}})", f"{name}({{0}}).u")
            method = [head, *indented(self.declarations_first(body))]
        elif kind == "property":
            body = self.body_of_function(ctx, ("self",), methods=True, names=ctx.names)
            method = ["@property", "def value(self):", *indented(body)]
            calls = (f"{name}({{0}}).value",)
        else:
            decorator, params = ("@staticmethod", ("n",)) if kind == "static" else ("@classmethod", ("cls", "n"))
            body = self.body_of_function(ctx, params, names=("n", *ctx.names), methods=False)
            method = [decorator, f"def make({', '.join(params)}):", *indented(body)]
            calls = (f"{name}.make({{0}})", f"{name}({{0}}).make({{1}})")
        self.functions.append(Function(name, calls))
        return self.used(ctx, Block(lines + indented(method), ctx.bound | {name}), calls)

    @staticmethod
    def declarations_first(body: Lines) -> Lines:
        declared = [line for line in body if line.startswith(("nonlocal ", "global "))]
        return declared + [line for line in body if not line.startswith(("nonlocal ", "global "))]

    def returned(self, ctx: Context) -> str:
        return self.weighted(
            (4, lambda: self.expression(ctx)),
            (1, lambda: ""),
            (1, lambda: f"{self.expression(ctx, 1)}, {self.expression(ctx, 1)}"),
        )

    def program(self) -> Lines:
        globals_ = self.one_in(4)
        ctx = Context(
            depth=3,
            bound=frozenset(("a", "b")),
            names=NUMBERS,
            targets=NUMBERS + (("G",) if globals_ else ()),
            cells=NUMBERS,
            returns="any",
            top=True,
        )
        self.annotatable = frozenset(("a", "b", *NUMBERS))
        # `c` starts assigned more often than not; the others become so as the program goes, or do not.
        start = [f"{name} = {self.integer(0, 4)}" for name in ("c", "d") if not self.one_in(4)]
        ctx = ctx.binding(*(line[0] for line in start))
        block = self.block(ctx, most=8)
        last: Lines = []
        if block.bound is not None and not self.one_in(8):
            names = sorted(block.bound & set(NUMBERS))
            names = names if self.one_in(2) else self.subset(names, 3)
            last = [f"return ({''.join(name + ', ' for name in names)})"]
        text = "\n".join(block.lines)
        if block.bound is not None and re.search(r"\bhs\b", text):
            last = ["print([h() for h in hs])", *last]
        lines = ["global G"] if globals_ else []
        lines += ["o = Box(a)"] if re.search(r"\bo\b", text) else []
        lines += ["hs = []"] if re.search(r"\bhs\b", text) else []
        # A name is local, and a cell that functions may declare nonlocal, whether or not it is ever assigned.
        lines += [f"{name}: int" for name in NUMBERS if name not in ("a", "b") and re.search(rf"\b{name}\b", text)]
        return ["def fuzzed(a, b, xs, m):", *indented([*lines, *start, *block.lines, *last])]


@st.composite
def plain_programs(draw: st.DrawFn, size: int = 20) -> Program:
    """Programs of the plain level of about so many statements, each with three inputs."""
    writer = PlainWriter(draw, budget=size)
    source = assemble(PRELUDE, writer.program())
    small = st.integers(-1, 4)
    number = st.one_of(small, small, small, small, st.sampled_from((True, False, 2.5)))
    numbers = st.lists(small, min_size=draw(st.sampled_from((2, 2, 2, 0))), max_size=4)
    inputs = [
        (draw(number), draw(number), draw(numbers), {0: draw(small), 1: draw(small), "k": draw(small)})
        for _ in range(3)
    ]
    return Program(source, tuple(inputs), staged=False)
