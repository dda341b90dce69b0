"""Pattern matching of converted code (PEP 634): a subject against a pattern, with values that may be staged.

The structure of a subject (its type, its length, its keys) is always Python's to decide; only comparisons of values can
be staged, and then so is whether the whole pattern matches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .branch import if_exp
from .dispatch import hide_frames, staged
from .logic import and_, is_, or_, same, truth
from .values import Maybe, narrowed

_SEQUENCE = 1 << 5  # Py_TPFLAGS_SEQUENCE
_MAPPING = 1 << 6  # Py_TPFLAGS_MAPPING
_SELF_MATCHING = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)

Captures = dict[str, Any]
Pattern = Callable[[Any, Captures], Any]
"""Whether a subject matches (``bool`` or staged); adds what it captures."""


class Match:
    """The result of matching: ``hit``, and the captured values by name."""

    __slots__ = ("_captures", "hit")

    def __init__(self, hit: Any, captures: Captures) -> None:
        self.hit, self._captures = hit, captures

    def __getitem__(self, name: str) -> Any:
        return self._captures[name]


def match(subject: Any, pattern: Pattern) -> Match:
    """Matches ``subject`` against ``pattern``."""
    try:
        captures: Captures = {}
        hit = pattern(subject, captures)
        return Match(hit, captures)
    except BaseException as error:
        hide_frames(error)
        raise


def _present(matches: Pattern) -> Pattern:
    """A pattern of structure, which ``None`` does not have."""

    def matches_value(subject: Any, captures: Captures) -> Any:
        subject = narrowed(subject)
        if type(subject) is not Maybe:
            return matches(subject, captures)
        hit = matches(subject.value, captures)
        return hit if hit is False else and_(subject.present, lambda: hit)

    return matches_value


def value_pattern(value: Callable[[], Any]) -> Pattern:
    """A literal or a dotted name, compared by ``==``."""

    def matches(subject: Any, _: Captures) -> Any:
        return truth(same(subject, value()))

    return matches


def singleton_pattern(value: Any) -> Pattern:
    """``None``, ``True`` or ``False``, compared by ``is``."""

    def matches(subject: Any, _: Captures) -> Any:
        if isinstance(value, bool) and staged(subject) is not None and getattr(subject, "dtype", None) == bool:  # noqa: E721
            return truth(subject) if value else truth(same(subject, value))
        return is_(subject, value)

    return matches


def capture_pattern(name: str | None, inner: Pattern | None) -> Pattern:
    """``inner as name``, ``name``, or ``_``."""

    def matches(subject: Any, captures: Captures) -> Any:
        hit = True if inner is None else inner(subject, captures)
        if name is not None:
            captures[name] = narrowed(subject)
        return hit

    return matches


def or_pattern(*alternatives: Pattern) -> Pattern:
    """``a | b | c``"""

    def matches(subject: Any, captures: Captures) -> Any:
        hit: Any = False
        for alternative in alternatives:
            own: Captures = {}
            found = alternative(subject, own)
            if staged(hit) is None:  # no alternative before may have matched
                if found is False:
                    continue
                captures.update(own)
            else:
                for name, value in own.items():
                    captures[name] = if_exp(hit, lambda name=name: captures[name], lambda value=value: value)
            hit = or_(hit, lambda found=found: found)
            if hit is True:
                return True
        return hit

    return matches


class _Star:
    __slots__ = ("name",)

    def __init__(self, name: str | None) -> None:
        self.name = name


def star_pattern(name: str | None) -> Any:
    """``*name`` in a sequence pattern."""
    return _Star(name)


def _all(hits: list[Callable[..., Any]]) -> Any:
    """Whether all parts match, in order, none tried after one that certainly does not."""
    result: Any = True
    for hit in hits:
        if result is False:
            return False
        found = hit()
        result = and_(result, lambda found=found: found)
    return result


def sequence_pattern(*parts: Any) -> Pattern:
    """``[a, b, *rest, c]``"""
    star = next((index for index, part in enumerate(parts) if isinstance(part, _Star)), None)

    def matches(subject: Any, captures: Captures) -> Any:
        if not type(subject).__flags__ & _SEQUENCE:
            return False
        if star is None:
            if len(subject) != len(parts):
                return False
            if not parts:
                return True
            items = list(subject)
            return _all([lambda p=p, i=i: p(i, captures) for p, i in zip(parts, items, strict=True)])
        count = len(parts) - 1
        if count and len(subject) < count:
            return False
        name = parts[star].name
        if name is None and not count:
            return True
        if name is None:
            before = [(parts[index], lambda index=index: subject[index]) for index in range(star)]
            length = len(subject)
            after = [
                (parts[index], lambda index=index: subject[length - len(parts) + index])
                for index in range(star + 1, len(parts))
            ]
            return _all([lambda p=p, get=get: p(get(), captures) for p, get in (*before, *after)])
        items = list(subject)
        rest = len(items) - (count - star)
        pairs = [*zip(parts[:star], items[:star], strict=True), *zip(parts[star + 1 :], items[rest:], strict=True)]
        hit = _all([lambda p=p, i=i: p(i, captures) for p, i in pairs])
        captures[name] = items[star:rest]
        return hit

    return _present(matches)


_MISSING = object()


def mapping_pattern(keys: tuple[Callable[[], Any], ...], parts: tuple[Pattern, ...], rest: str | None) -> Pattern:
    """``{key: pattern, **rest}``"""

    def matches(subject: Any, captures: Captures) -> Any:
        if not type(subject).__flags__ & _MAPPING:
            return False
        if keys and len(subject) < len(keys):
            return False
        seen: dict[Any, None] = {}
        values = []
        for key in keys:
            actual = key()
            if actual in seen:
                raise ValueError(f"mapping pattern checks duplicate key ({actual!r})")
            seen[actual] = None
            value = subject.get(actual, _MISSING)
            if value is _MISSING:
                return False
            values.append(value)
        hit = _all([lambda p=p, v=v: p(v, captures) for p, v in zip(parts, values, strict=True)])
        if rest is not None:
            left = dict(subject)
            for actual in seen:
                del left[actual]
            captures[rest] = left
        return hit

    return _present(matches)


def class_pattern(
    kind: Callable[[], Any], parts: tuple[Pattern, ...], names: tuple[str, ...], keywords: tuple[Pattern, ...]
) -> Pattern:
    """``Class(a, b, name=c)``"""

    def matches(subject: Any, captures: Captures) -> Any:
        cls = kind()
        if not isinstance(cls, type):
            raise TypeError("called match pattern must be a class")
        if not isinstance(subject, cls) and not _is_staged_number(subject, cls):
            return False
        values = _positional(subject, cls, len(parts), names) if parts else []
        if values is None:
            return False
        for name in names:
            value = getattr(subject, name, _MISSING)
            if value is _MISSING:
                return False
            values.append(value)
        pairs = zip((*parts, *keywords), values, strict=True)
        return _all([lambda p=p, v=v: p(v, captures) for p, v in pairs])

    return _present(matches)


def _is_staged_number(subject: Any, cls: type) -> bool:
    """Whether a staged scalar stands for a Python number of the class."""
    if cls not in (int, float, bool) or staged(subject) is None or getattr(subject, "shape", None) != ():
        return False
    kind = subject.dtype.kind
    return kind == "b" if cls is bool else kind in "iub" if cls is int else kind == "f"


def _positional(subject: Any, cls: type, count: int, names: tuple[str, ...]) -> list[Any] | None:
    missing = object()
    match_args: Any = getattr(cls, "__match_args__", missing)
    if match_args is missing:
        if issubclass(cls, _SELF_MATCHING):
            if count > 1:
                raise TypeError(f"{cls.__name__}() accepts 1 positional sub-pattern ({count} given)")
            return [subject]
        match_args = ()
    if type(match_args) is not tuple:
        raise TypeError(f"{cls.__name__}.__match_args__ must be a tuple (got {type(match_args).__name__})")
    if count > len(match_args):
        plural = "" if len(match_args) == 1 else "s"
        raise TypeError(f"{cls.__name__}() accepts {len(match_args)} positional sub-pattern{plural} ({count} given)")
    seen: set[str] = set()
    values = []
    for attribute in match_args[:count]:
        if not isinstance(attribute, str):
            raise TypeError(f"__match_args__ elements must be strings (got {type(attribute).__name__})")
        if attribute in seen or attribute in names:
            raise TypeError(f"{cls.__name__}() got multiple sub-patterns for attribute {attribute!r}")
        seen.add(attribute)
        value = getattr(subject, attribute, _MISSING)
        if value is _MISSING:
            return None
        values.append(value)
    return values
