"""Which cars a campaign is for, as a line of text: `model == "ev1" and version < 2.4 and group in ("eu", "test")`.

A small language of its own, so that what a person types is never a piece of SQL or Python: words that name what is
known of a car, texts and numbers, `== != < <= > >= in like has`, joined by `and`, `or`, `not` and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from volant.core.errors import InputError

TEXT_MOST: Final = 4096
"""Characters of a filter; a choice of ours."""
DEPTH_MOST: Final = 32
"""Brackets and `not` inside each other; keeps the parser far from Python's own limit."""
TOKENS: Final = re.compile(
    r"\s*(?:(?P<text>\"[^\"\n]*\"|'[^'\n]*')|(?P<sign>==|!=|<=|>=|<|>|\(|\)|,)"
    r"|(?P<word>[A-Za-z0-9_][A-Za-z0-9_.:+-]*))"
)
HINTS: Final = {"=": "`==` for equal", "&": "`and`", "|": "`or`", "!": "`not`, or `!=`"}
"""What people type who know other languages."""
JOINS: Final = frozenset({"and", "or", "not", "in", "like", "has"})
PIECES: Final = re.compile(r"\d+|[A-Za-z]+")

Facts: TypeAlias = Mapping[str, tuple[str, ...]]
"""What is known of a car: for each word its values; a car may be in several groups."""


class Compare(StrEnum):
    """How a value is set beside what the filter names."""

    EQUAL = "=="
    UNEQUAL = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    LIKE = "like"


@dataclass(frozen=True, slots=True)
class Has:
    """Something is known of the car under this word."""

    word: str

    def __call__(self, facts: Facts) -> bool:
        """Whether a car with these facts is let through."""
        return bool(facts.get(self.word))


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the car's values under a word stands so to one of those named; `!=` is the contrary of `==`."""

    word: str
    how: Compare
    values: tuple[str, ...]

    def __call__(self, facts: Facts) -> bool:
        """Whether a car with these facts is let through."""
        found = facts.get(self.word, ())
        if self.how is Compare.UNEQUAL:
            return not any(_holds(Compare.EQUAL, one, self.values[0]) for one in found)
        return any(_holds(self.how, one, wanted) for one in found for wanted in self.values)


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Filter

    def __call__(self, facts: Facts) -> bool:
        """Whether a car with these facts is let through."""
        return not self.part(facts)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; with none it lets every car through."""

    parts: tuple[Filter, ...]

    def __call__(self, facts: Facts) -> bool:
        """Whether a car with these facts is let through."""
        return all(part(facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds."""

    parts: tuple[Filter, ...]

    def __call__(self, facts: Facts) -> bool:
        """Whether a car with these facts is let through."""
        return any(part(facts) for part in self.parts)


Filter: TypeAlias = Has | Compared | Not | AllOf | AnyOf


def parse_filter(text: str) -> Filter:
    """Read a filter; an empty one lets every car through.

    Raises:
        InputError: it is none; `where` tells the character.
    """
    if len(text) > TEXT_MOST:
        raise InputError(f"a filter of {len(text)} characters, at most {TEXT_MOST}")
    if not text.strip():
        return AllOf(())
    parser = _Parser(text)
    found = parser.either()
    if parser.token is not None:
        raise parser.bad("the end")
    return found


def words_of(wanted: Filter) -> frozenset[str]:
    """The words that a filter asks for."""
    match wanted:
        case Has(word) | Compared(word):
            return frozenset({word})
        case Not(part):
            return words_of(part)
        case AllOf(parts) | AnyOf(parts):
            return frozenset().union(*map(words_of, parts))


@lru_cache(maxsize=4096)
def version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """What versions are ordered by: numbers as numbers, letters below numbers, so that 2.0rc1 < 2.0 < 2.0.1 < 2.10."""
    pieces = PIECES.findall(text.split("+", 1)[0])
    keys = [(2, int(one[:18]), "") if one.isdigit() else (0, 0, one.lower()) for one in pieces]
    return (*keys, (1, 0, ""))


def matches_pattern(text: str, pattern: str) -> bool:
    """Whether a text is of a pattern in which `*` stands for anything; in time that grows with both lengths only."""
    head, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, tail = rest
    if not text.startswith(head) or len(text) < len(head) + len(tail) or not text.endswith(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


ORDERS: Final[Mapping[Compare, Callable[[object, object], bool]]] = {
    Compare.BELOW: lambda a, b: a < b,  # type: ignore[operator]
    Compare.AT_MOST: lambda a, b: a <= b,  # type: ignore[operator]
    Compare.ABOVE: lambda a, b: a > b,  # type: ignore[operator]
    Compare.AT_LEAST: lambda a, b: a >= b,  # type: ignore[operator]
}


def _holds(how: Compare, value: str, wanted: str) -> bool:
    if how is Compare.EQUAL:
        return value == wanted
    if how is Compare.LIKE:
        return matches_pattern(value, wanted)
    return ORDERS[how](version_key(value), version_key(wanted))


class _Parser:
    """One token ahead, downwards: either = both ("or" both)*, both = one ("and" one)*."""

    def __init__(self, text: str) -> None:
        self.text, self.end, self.at, self.depth = text, 0, 0, 0
        self.token: str | None = None
        self.next()

    def next(self) -> None:
        self.at = self.end + len(self.text[self.end :]) - len(self.text[self.end :].lstrip())
        if self.at == len(self.text):
            self.token = None
            return
        found = TOKENS.match(self.text, self.end)
        if found is None:
            sign = self.text[self.at]
            hint = f"; write {HINTS[sign]}" if sign in HINTS else ""
            raise InputError(f"unexpected {sign!r}{hint}", where=f"filter, character {self.at + 1}")
        self.token, self.end = found[0].strip(), found.end()

    def bad(self, expected: str) -> InputError:
        found = "the end" if self.token is None else repr(self.token)
        return InputError(
            f"found {found}, expected {expected}", where=f"filter, character {self.at + 1}"
        )

    def take(self, token: str) -> bool:
        if self.token != token:
            return False
        self.next()
        return True

    def either(self) -> Filter:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self) -> Filter:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def one(self) -> Filter:
        self.depth += 1
        if self.depth > DEPTH_MOST:
            raise InputError(f"more than {DEPTH_MOST} brackets or `not` inside each other")
        found = self.single()
        self.depth -= 1
        return found

    def single(self) -> Filter:
        if self.take("not"):
            return Not(self.one())
        if self.take("("):
            found = self.either()
            if not self.take(")"):
                raise self.bad("')'")
            return found
        if self.take("has"):
            return Has(self.word())
        word = self.word()
        if self.take("in"):
            return Compared(word, Compare.EQUAL, self.several())
        how = self.token
        if how is None or how not in set(Compare):
            raise self.bad("one of == != < <= > >= in like")
        self.next()
        return Compared(word, Compare(how), (self.value(),))

    def word(self) -> str:
        token = self.token
        if token is None or not (token[0].isalpha() or token[0] == "_") or token in JOINS:
            raise self.bad("a word such as model, version or group")
        self.next()
        return token

    def several(self) -> tuple[str, ...]:
        if not self.take("("):
            raise self.bad("'('")
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        if not self.take(")"):
            raise self.bad("',' or ')'")
        return tuple(found)

    def value(self) -> str:
        token = self.token
        if token is None or token in JOINS or not (token[0] in "\"'_" or token[0].isalnum()):
            raise self.bad("a value")
        self.next()
        return token[1:-1] if token[0] in "\"'" else token
