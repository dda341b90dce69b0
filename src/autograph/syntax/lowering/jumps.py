"""``break``, ``continue`` and ``return`` become structure, and flags only where structure cannot say it.

A conditional or a loop body is about to become a function of its own (a region), which a jump cannot cross. So:

* what follows an ``if`` that jumps moves into the branch that does not jump;
* a jump that then ends its region, with nothing left to run up to its target, is that region's own end;
* any other jump sets a flag, and what follows is guarded by it. A loop is left through flags that it tests ``until``
  they hold, and a ``return`` inside a loop keeps its value in a variable.

No value is invented for a ``return`` that was not reached. The pass leaves behind code without ``break``, ``continue``
and loop ``else``; a ``return`` inside a loop body means "end this iteration".
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..flow import blocks_of, is_true
from ..nodes import Position, assign, constant, load, position, staging
from ..scopes import WITHOUT_BLOCKS

RETURN, BREAK, CONTINUE = "return", "break", "continue"

_MAX_DEPTH = 20
"""How many conditionals structure may put inside one another, each a function of its own, before flags take over."""

OUTCOME = "ag__outcome"
"""The parameter of the functions that the clauses of a ``try`` become: what the block does, or has done."""

_NONE: frozenset[str] = frozenset()
_KIND_OF_JUMP: dict[type, frozenset[str]] = {
    ast.Return: frozenset((RETURN,)),
    ast.Break: frozenset((BREAK,)),
    ast.Continue: frozenset((CONTINUE,)),
}


@dataclass(slots=True)
class _Target:
    """What a jump in the current frame goes to: the end of the function, or of one loop's iteration."""

    in_loop: bool
    breaks: str = ""
    """The name of the loop's flag for ``break``, or '' while it has none."""
    skips: str = ""
    """The name of the flag for a ``continue`` that structure cannot express, or '' while it has none."""
    flagged: set[str] = field(default_factory=set)
    """The kinds of jump that set a flag instead of leaving the frame, since this set was last emptied."""


class _Place(NamedTuple):
    """Where a block stands."""

    target: _Target
    native: bool = True
    """Whether a ``return`` statement in this frame reaches the target."""
    tail: bool = True
    """Whether nothing runs between the end of the block and the target."""
    in_finally: bool = False
    """Whether a jump from here also cancels one that is under way."""


class Guard(ast.If):
    """``if flag: (leave, as the flag says) else: rest``"""

    kinds: frozenset[str]


class JumpLowering:
    """Rewrites the body of one function. ``fresh`` gives a variable name that the function does not use yet;
    ``cuts_try`` says that the blocks of a ``try`` are going to be functions of their own."""

    def __init__(self, fresh: Callable[[str], str], cuts_try: bool = False) -> None:
        self._fresh = fresh
        self._cuts_try = cuts_try
        self._jumps: dict[int, frozenset[str]] = {}
        self._completes: dict[int, bool] = {}
        self._kept: list[object] = []
        self._returned = ""
        self._value = ""
        self.untils: dict[int, list[str]] = {}
        """For each loop, by id, the flags that end it."""
        self.exits: set[int] = set()
        """Ids of the conditionals whose branches return the function's value."""
        self.unstaged: set[int] = set()
        """Ids of the conditionals that Python itself always decides."""
        self._depth = 0

    def function(self, body: list[ast.stmt]) -> list[ast.stmt]:
        if not any(self._jumps_of(statement) or self._has_loop_jump(statement) for statement in body):
            return body
        at = position(body[0])
        lowered = self._block(body, _Place(_Target(in_loop=False)))
        if self._returned:
            lowered.insert(0, assign(self._returned, constant(False, at), at))
        return lowered

    # What a statement can do.

    def _has_loop_jump(self, statement: ast.stmt) -> bool:
        if type(statement) in WITHOUT_BLOCKS:
            return False
        if isinstance(statement, ast.For | ast.While) and (
            statement.orelse or any(self._jumps_of(inner) for inner in statement.body)
        ):
            return True
        return any(self._has_loop_jump(inner) for block in blocks_of(statement) for inner in block)

    def _jumps_of(self, statement: ast.stmt) -> frozenset[str]:
        """The kinds of jump that leave ``statement``."""
        kind = type(statement)
        if kind in WITHOUT_BLOCKS:
            return _KIND_OF_JUMP.get(kind, _NONE)
        known = self._jumps.get(id(statement))
        if known is None:
            known = statement.kinds if isinstance(statement, Guard) else _NONE
            for block in blocks_of(statement):
                inside = _NONE.union(*(self._jumps_of(inner) for inner in block))
                if isinstance(statement, ast.For | ast.While) and block is statement.body:
                    inside &= {RETURN}
                known |= inside
            self._jumps[id(statement)] = known
            self._kept.append(statement)
        return known

    def _block_completes(self, block: list[ast.stmt]) -> bool:
        return all(self._may_complete(statement) for statement in block)

    def _may_complete(self, statement: ast.stmt) -> bool:
        """Whether control can come out at the end of ``statement``."""
        kind = type(statement)
        if kind in WITHOUT_BLOCKS:
            return kind not in _KIND_OF_JUMP and kind is not ast.Raise
        known = self._completes.get(id(statement))
        if known is None:
            known = True
            if isinstance(statement, Guard):
                known = self._block_completes(statement.orelse)
            elif isinstance(statement, ast.If):
                known = self._block_completes(statement.body) or self._block_completes(statement.orelse)
            elif isinstance(statement, ast.While) and is_true(statement.test):
                known = any(_breaks(inner) for inner in statement.body)
            elif isinstance(statement, ast.Try | ast.TryStar):
                normal = self._block_completes(statement.body) and self._block_completes(statement.orelse)
                handled = any(self._block_completes(handler.body) for handler in statement.handlers)
                known = (normal or handled) and self._block_completes(statement.finalbody)
            self._completes[id(statement)] = known
            self._kept.append(statement)
        return known

    # Rewriting.

    def _block(self, block: list[ast.stmt], place: _Place) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for index, statement in enumerate(block):
            kind = type(statement)
            if kind in _KIND_OF_JUMP:
                return out + self._jump(statement, place)  # type: ignore[arg-type]
            if kind in WITHOUT_BLOCKS:
                out.append(statement)
                continue
            rest = block[index + 1 :]
            if isinstance(statement, ast.For | ast.While):
                follow, lowered = self._loop(statement, place)
                out += lowered
                if follow:
                    return out + self._block(follow + rest, place)
            elif not self._jumps_of(statement):
                if self._has_loop_jump(statement):
                    self._inside(statement, place)
                out.append(statement)
            elif isinstance(statement, ast.If):
                return out + self._branch(statement, rest, place)
            else:
                completes = self._may_complete(statement)
                flagged = self._compound(statement, place, last=not rest)
                out.append(statement)
                if flagged and not completes and self._cut(statement):
                    return out + self._exit(flagged, place, position(statement))
                if flagged:
                    return out + self._block([self._guard(statement, flagged, place.target), *rest], place)
        return out

    def _jump(self, jump: ast.Return | ast.Break | ast.Continue, place: _Place) -> list[ast.stmt]:
        target, at = place.target, position(jump)
        out: list[ast.stmt] = []
        if isinstance(jump, ast.Return):
            if not target.in_loop and place.native:
                return [jump]
            value = jump.value if jump.value is not None else constant(None, at)
            out += [assign(self._value_flag(), value, at), assign(self._return_flag(), constant(True, at), at)]
            return out + self._leave({RETURN}, place, at)
        if place.in_finally and self._returned:
            out.append(assign(self._returned, constant(False, at), at))
        if isinstance(jump, ast.Break):
            out.append(assign(self._break_flag(target), constant(True, at), at))
            return out + self._leave({BREAK}, place, at)
        if place.in_finally and target.breaks:
            out.append(assign(target.breaks, constant(False, at), at))
        if not place.native:
            out.append(assign(self._skip_flag(target), constant(True, at), at))
        return out + self._leave({CONTINUE}, place, at)

    def _leave(self, kinds: set[str] | frozenset[str], place: _Place, at: Position) -> list[ast.stmt]:
        """Goes to the target once the flags say where to."""
        if not place.native:
            place.target.flagged |= kinds
            return []
        if place.tail:
            return []
        if not place.target.in_loop:
            return [ast.Return(load(self._value, at), **at)]
        return [ast.Return(None, **at)]

    def _branch(self, statement: ast.If, rest: list[ast.stmt], place: _Place) -> list[ast.stmt]:
        body, orelse, target = statement.body, statement.orelse, place.target
        body_completes = not isinstance(statement, Guard) and self._block_completes(body)
        orelse_completes = self._block_completes(orelse)
        if not body_completes and not orelse_completes:
            rest = []
        elif self._depth > _MAX_DEPTH:
            pass  # structure would nest without end: from here on, what follows is guarded by flags
        elif not body_completes:
            orelse, rest = orelse + rest, []
            orelse_completes = self._block_completes(orelse)
        elif not orelse_completes:
            body, rest = body + rest, []
            body_completes = self._block_completes(body)
        never = not body_completes and not orelse_completes
        tail = place.tail and not rest
        inner = place._replace(native=place.native and (tail or never), tail=tail)
        outer_flags, target.flagged = target.flagged, set()
        self._depth += 1
        body = self._guarded_exit(statement, inner) if isinstance(statement, Guard) else self._block(body, inner)
        orelse = self._block(orelse, inner)
        self._depth -= 1
        flagged, target.flagged = frozenset(target.flagged), outer_flags | target.flagged
        does_nothing = not body and not orelse and isinstance(statement, Guard)
        if does_nothing and not rest:
            return []
        new = ast.If(statement.test, body or [ast.Pass(**position(statement.test))], orelse, **position(statement))
        out: list[ast.stmt] = [] if does_nothing else [new]
        if inner.native and not target.in_loop and _returns(body + orelse):
            self.exits.add(id(new))
            self._kept.append(new)
        elif inner.native and never and not tail:
            out.append(ast.Return(None, **position(statement)))
        if flagged and rest and self._depth > _MAX_DEPTH:
            return out + self._in_sequence(statement, flagged, rest, place)
        if flagged and rest:
            rest = [self._guard(statement, flagged, target), *rest]
        return out + self._block(rest, place)

    def _in_sequence(
        self, statement: ast.stmt, flagged: frozenset[str], rest: list[ast.stmt], place: _Place
    ) -> list[ast.stmt]:
        """What follows a jump, in guarded pieces one behind the other instead of one inside the other."""
        target, at = place.target, position(statement)
        inner = place._replace(native=False, tail=False)
        outer_flags, target.flagged = target.flagged, set(flagged)
        completes = self._block_completes(rest)
        out: list[ast.stmt] = []
        while rest:
            end = next((index + 1 for index, part in enumerate(rest) if self._jumps_of(part)), len(rest))
            piece, rest = rest[:end], rest[end:]
            guard = self._guard(statement, frozenset(target.flagged), target)
            lowered = self._block(piece, inner)
            test = ast.UnaryOp(ast.Not(), guard.test, **at)
            out.append(ast.If(test, lowered or [ast.Pass(**at)], [], **at))
        flagged, target.flagged = frozenset(target.flagged), outer_flags | target.flagged
        if place.native:
            target.flagged = outer_flags
            if not completes:
                return out + self._leave(flagged, place._replace(tail=False), at)
            return out + self._branch(self._guard(statement, flagged, target), [], place)
        return out

    def _all_jumps(self, block: list[ast.stmt]) -> frozenset[str]:
        return _NONE.union(*(self._jumps_of(statement) for statement in block))

    def _guard(self, statement: ast.stmt, kinds: frozenset[str], target: _Target) -> Guard:
        """``if flags: leave``, to stand behind a statement that may have set the flags."""
        at = position(statement)
        flags: list[ast.expr] = [load(flag, at) for flag in self._flags(kinds, target)]
        test = flags[0] if len(flags) == 1 else ast.BoolOp(ast.Or(), flags, **at)
        guard = Guard(test, [ast.Pass(**at)], [], **at)
        guard.kinds = kinds
        return guard

    def _flags(self, kinds: frozenset[str], target: _Target) -> list[str]:
        names = {CONTINUE: target.skips, BREAK: target.breaks, RETURN: self._returned}
        return [names[kind] for kind in (CONTINUE, BREAK, RETURN) if kind in kinds]

    def _guarded_exit(self, guard: Guard, place: _Place) -> list[ast.stmt]:
        return self._exit(guard.kinds, place, position(guard))

    def _exit(self, kinds: frozenset[str], place: _Place, at: Position) -> list[ast.stmt]:
        """Goes where the flags say, one of which is set."""
        if place.native and not place.target.in_loop:
            return [ast.Return(load(self._value, at), **at)]
        return self._leave(kinds, place, at)

    def _inside(self, statement: ast.stmt, place: _Place) -> None:
        """Rewrites the blocks of a statement that no jump leaves."""
        inner = place._replace(native=False, tail=False)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(statement, name, None)
            if block:
                setattr(statement, name, self._block(block, inner))
        for handler in getattr(statement, "handlers", ()):
            handler.body = self._block(handler.body, inner)

    def _compound(self, statement: ast.stmt, place: _Place, last: bool) -> frozenset[str]:
        """Rewrites a ``try`` or a ``with``, whose blocks run in the frame around them; gives the flags they may set."""
        target, at = place.target, position(statement)
        outer_flags, target.flagged = target.flagged, set()
        ends = place._replace(tail=place.tail and last)
        if self._cut(statement):
            ends = place._replace(native=False, tail=False)
        if isinstance(statement, ast.With):
            statement.body = self._block(statement.body, ends) or [ast.Pass(**at)]
        else:
            assert isinstance(statement, ast.Try | ast.TryStar)
            under_way = self._all_jumps(statement.body) if _may_raise_when_left(statement.body) else _NONE
            if statement.orelse:
                statement.body = self._block(statement.body, ends._replace(tail=False)) or [ast.Pass(**at)]
                if target.flagged:  # `else` does not run when the body has jumped
                    statement.orelse.insert(0, self._guard(statement, frozenset(target.flagged), target))
                statement.orelse = self._block(statement.orelse, ends)
            else:
                statement.body = self._block(statement.body, ends) or [ast.Pass(**at)]
            for handler in statement.handlers:
                handler.body = self._block(handler.body, ends) or [ast.Pass(**at)]
                # An exception on the way out of the body has cancelled the jump that was under way.
                for flag in filter(None, self._flags(under_way, target)):
                    handler.body.insert(0, assign(flag, constant(False, at), at))
            if statement.finalbody:
                statement.finalbody = self._finally(statement.finalbody, place, self._cut(statement))
        flagged, target.flagged = frozenset(target.flagged), outer_flags | target.flagged
        return flagged

    def _cut(self, statement: ast.stmt) -> bool:
        """Whether the blocks of ``statement`` become functions of their own."""
        return self._cuts_try and isinstance(statement, ast.Try)

    def _finally(self, block: list[ast.stmt], place: _Place, is_function: bool) -> list[ast.stmt]:
        """A jump out of ``finally`` drops the exception or the return under way, which only a real jump can do.

        ``is_function`` says that the block will be one of its own, and not stay where it stands.
        """
        at = position(block[0])
        target = place.target
        before, target.flagged = target.flagged, set()
        native = place.native and not is_function
        lowered = self._block(block, place._replace(native=native, tail=False, in_finally=True)) or [ast.Pass(**at)]
        if target.flagged:
            for flag in self._flags(frozenset(target.flagged), target):
                if is_function:
                    test: ast.expr = staging("leaves", [load(flag, at), load(OUTCOME, at)], at)
                    out: list[ast.stmt] = [ast.Return(None, **at)]
                else:
                    # The flags are Python values when Python decided the jump: then the jump is made for real.
                    test = ast.Compare(load(flag, at), [ast.Is()], [constant(True, at)], **at)
                    out = self._leave({RETURN}, place._replace(native=True, tail=False), at)
                leave = ast.If(test, out, [], **at)
                self.unstaged.add(id(leave))
                self._kept.append(leave)
                lowered.append(leave)
        target.flagged |= before
        return lowered

    def _loop(self, loop: ast.For | ast.While, place: _Place) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """Gives what has to follow the loop, and the loop with what has to precede it."""
        at = position(loop)
        target = _Target(in_loop=True)
        completes = self._may_complete(loop)
        returns = RETURN in self._all_jumps(loop.body)
        body = self._block(loop.body, _Place(target)) or [ast.Pass(**at)]
        returns = returns and bool(self._returned)  # or else every `return` in it is dead code
        if target.skips:
            body.insert(0, assign(target.skips, constant(False, at), at))
        until = [flag for flag in (target.breaks, self._returned if returns else "") if flag]
        orelse, loop.orelse, loop.body = loop.orelse, [], body
        out: list[ast.stmt] = [loop]
        if until:
            self.untils[id(loop)] = until
            self._kept.append(loop)
        follow = orelse
        if target.breaks:
            out.insert(0, assign(target.breaks, constant(False, at), at))
            if orelse:
                test = ast.UnaryOp(ast.Not(), load(target.breaks, at), **at)
                follow = [ast.If(test, orelse, [], **at)]
        if returns:
            if not completes and not place.target.in_loop and place.native:
                # The only way out of the loop is by `return`.
                return [ast.Return(load(self._value, at), **at)], out
            follow = [self._guard(loop, frozenset((RETURN,)), place.target), *follow]
        return follow, out

    # Flags.

    def _return_flag(self) -> str:
        if not self._returned:
            self._returned = self._fresh("did_return")
        return self._returned

    def _value_flag(self) -> str:
        if not self._value:
            self._value = self._fresh("return_value")
        return self._value

    def _break_flag(self, target: _Target) -> str:
        if not target.breaks:
            target.breaks = self._fresh("did_break")
        return target.breaks

    def _skip_flag(self, target: _Target) -> str:
        if not target.skips:
            target.skips = self._fresh("did_continue")
        return target.skips


def _may_raise_when_left(block: list[ast.stmt]) -> bool:
    """Whether a jump out of ``block`` runs code that may raise on its way."""
    return any(
        isinstance(statement, ast.With)
        or bool(getattr(statement, "finalbody", None))
        or any(_may_raise_when_left(inner) for inner in blocks_of(statement))
        for statement in block
    )


def _breaks(statement: ast.stmt) -> bool:
    """Whether a ``break`` under ``statement`` leaves the loop around it."""
    if isinstance(statement, ast.Break):
        return True
    if isinstance(statement, ast.For | ast.While):
        return any(_breaks(inner) for inner in statement.orelse)
    return any(_breaks(inner) for block in blocks_of(statement) for inner in block)


def _returns(block: list[ast.stmt]) -> bool:
    """Whether a lowered block still returns from the function."""
    return any(
        isinstance(statement, ast.Return) or any(_returns(inner) for inner in blocks_of(statement))
        for statement in block
        if not isinstance(statement, ast.For | ast.While)
    )
