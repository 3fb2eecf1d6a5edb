"""The tree of VSS signals: leaves with type, unit and range, and patterns that cover them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, get_args

from volant.core.errors import InputError

Kind = Literal["sensor", "actuator", "attribute"]
Change = Literal["continuous", "onchange", "static"]
Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]

KINDS: Final[tuple[str, ...]] = get_args(Kind)
CHANGES: Final[tuple[str, ...]] = get_args(Change)
WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "uint8": (0, 2**8 - 1), "uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1), "int8": (-(2**7), 2**7 - 1), "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1),
}  # fmt: skip
"""Whole numbers and what they can hold (VSS, Data Types)."""
FRACTIONAL: Final = ("float", "double")
SCALARS: Final = (*WHOLE, *FRACTIONAL, "boolean", "string")
DATATYPES: Final = (*SCALARS, *(f"{one}[]" for one in SCALARS))
MOST_LEAVES: Final = 100_000
LONGEST_PATH: Final = 1000
"""Of a path or pattern, in characters (kuksa.val.v2, MAX_REQUEST_PATH_LENGTH)."""
MOST_LEVELS: Final = 32
"""Of a path; VSS 6.0 has 8. With `MOST_DEEP` it bounds what one match of a pattern costs."""
MOST_DEEP: Final = 4
"""`**` in one pattern."""
_PATH: Final = re.compile(r"[^.\s:*\x00-\x1f]+(?:\.[^.\s:*\x00-\x1f]+)*")
_PATTERN: Final = re.compile(r"[^.\s:\x00-\x1f]+(?:\.[^.\s:\x00-\x1f]+)*")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One signal: what it is and what its values may be."""

    path: str
    kind: Kind
    datatype: str
    unit: str = ""
    minimum: float | int | None = None
    maximum: float | int | None = None
    allowed: tuple[Scalar, ...] = ()
    """All values there are; empty: any of the type within the range."""
    description: str = ""
    change: Change = "continuous"
    """`onchange`: subscribers hear of it only when the value differs from the last."""
    id: int = 0
    """Its number in its catalogue, from 1; kept for as long as the catalogue lives."""
    default: Value | None = None
    """What an attribute is where nothing else says so."""
    comment: str = ""

    @property
    def is_list(self) -> bool:
        """Whether a value is several of the type."""
        return self.datatype.endswith("[]")

    @property
    def scalar(self) -> str:
        """The type of one value, without `[]`."""
        return self.datatype.removesuffix("[]")


def is_path(text: str) -> bool:
    """Whether a text can be the path of a signal or branch."""
    return (
        len(text) <= LONGEST_PATH
        and text.count(".") < MOST_LEVELS
        and _PATH.fullmatch(text) is not None
    )


def is_pattern(text: str) -> bool:
    """Whether a text can be a pattern: a path, a path with `*` or `**`, or empty for all."""
    if text in ("", '""'):
        return True
    return (
        len(text) <= LONGEST_PATH
        and text.count(".") < MOST_LEVELS
        and text.split(".").count("**") <= MOST_DEEP
        and _PATTERN.fullmatch(text) is not None
        and all("*" not in part or part in ("*", "**") for part in text.split("."))
    )


@lru_cache(maxsize=4096)
def pattern_of(pattern: str) -> re.Pattern[str]:
    """A KUKSA pattern as a regular expression for whole paths (databroker, wildcard_matching.md).

    Empty matches all. Without an asterisk it matches the signal of that path, and all below the branch of
    that path. `*` stands for exactly one level, `**` in front or in the middle for any number of branches,
    at the end for at least one level.

    Raises:
        ValueError: it is no pattern (`is_pattern`).
    """
    if not is_pattern(pattern):
        raise ValueError(f"{pattern[:80]!r} is no pattern of signals")
    if pattern in ("", '""'):
        return re.compile(r".+", re.DOTALL)
    if "*" not in pattern:
        return re.compile(re.escape(pattern) + r"(?:\..+)?", re.DOTALL)
    parts = pattern.split(".")
    text = ""
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            text += r"(?:[^.]+\.)*[^.]+" if last else r"(?:[^.]+\.)*"
        else:
            text += (r"[^.]+" if part == "*" else re.escape(part)) + ("" if last else r"\.")
    return re.compile(text, re.DOTALL)


class Catalogue:
    """The leaves of a signal tree by path and by number.

    Numbers run from 1 in the order in which leaves came. It can grow (`add`), and a leaf's words and bounds
    can be replaced; nothing is ever taken out.
    """

    def __init__(
        self, leaves: Iterable[Leaf] = (), branches: Mapping[str, str] | None = None
    ) -> None:
        """Args:
        leaves: their own numbers are not looked at.
        branches: description of each branch that has one.

        Raises:
            InputError: leaves contradict each other or themselves.
        """
        self._by_path: dict[str, Leaf] = {}
        self._by_id: dict[int, Leaf] = {}
        self._branches: dict[str, str] = {}
        for leaf in leaves:
            self.add(leaf)
        for path, words in (branches or {}).items():
            self.describe(path, words)

    def __len__(self) -> int:
        return len(self._by_path)

    def __iter__(self) -> Iterator[Leaf]:
        return iter(self._by_path.values())

    def __contains__(self, path: object) -> bool:
        return path in self._by_path

    def get(self, path: str) -> Leaf | None:
        """The leaf of a path, None where there is none."""
        return self._by_path.get(path)

    def by_id(self, leaf_id: int) -> Leaf | None:
        """The leaf of a number, None where there is none."""
        return self._by_id.get(leaf_id)

    @property
    def branches(self) -> Mapping[str, str]:
        """Every branch that has a leaf below it, with its description where there is one."""
        return self._branches

    def is_branch(self, path: str) -> bool:
        """Whether there is a leaf below this path."""
        return path in self._branches

    def expand(self, pattern: str) -> tuple[Leaf, ...]:
        """All leaves that a pattern covers (`pattern_of`), in the order of the catalogue.

        Raises:
            ValueError: it is no pattern.
        """
        leaf = self._by_path.get(pattern)
        if leaf is not None:
            return (leaf,)
        fits = pattern_of(pattern).fullmatch
        return tuple(leaf for path, leaf in self._by_path.items() if fits(path))

    def add(self, leaf: Leaf) -> Leaf:
        """Take one more leaf in; returns it with its number.

        Raises:
            InputError: it contradicts itself or what is there, or there is no room.
        """
        check_leaf(leaf)
        if leaf.path in self._by_path:
            raise InputError("stands twice", where=leaf.path)
        if leaf.path in self._branches:
            raise InputError("is a signal and a branch", where=leaf.path)
        if len(self._by_path) >= MOST_LEAVES:
            raise InputError(f"more than {MOST_LEAVES} signals", where=leaf.path)
        above = _branches_above(leaf.path)
        for branch in above:
            if branch in self._by_path:
                raise InputError("is a signal and a branch", where=branch)
        numbered = replace(leaf, id=len(self._by_path) + 1)
        self._by_path[leaf.path] = self._by_id[numbered.id] = numbered
        for branch in above:
            self._branches.setdefault(branch, "")
        return numbered

    def describe(self, branch: str, words: str) -> None:
        """Give a branch words where it has none yet.

        Raises:
            InputError: it is a signal.
        """
        if branch in self._by_path:
            raise InputError("is a signal and a branch", where=branch)
        self._branches[branch] = self._branches.get(branch) or words

    def replace(self, leaf: Leaf) -> Leaf:
        """Put a changed leaf in the place of the one with its path; path, type and number stay.

        Raises:
            InputError: there is none, its type differs, or it contradicts itself.
        """
        old = self._by_path.get(leaf.path)
        if old is None:
            raise InputError("no such signal", where=leaf.path)
        if (old.kind, old.datatype) != (leaf.kind, leaf.datatype):
            raise InputError(
                f"is {old.kind} {old.datatype}, not {leaf.kind} {leaf.datatype}", where=leaf.path
            )
        check_leaf(leaf)
        kept = replace(leaf, id=old.id)
        self._by_path[leaf.path] = self._by_id[old.id] = kept
        return kept

    def merged(self, other: Catalogue) -> Catalogue:
        """This catalogue, and behind it the leaves of another that it does not have.

        Raises:
            InputError: a leaf of one is a branch of the other.
        """
        new = (leaf for leaf in other if leaf.path not in self._by_path)
        return Catalogue((*self, *new), {**other.branches, **self.branches})


def check_leaf(leaf: Leaf) -> None:
    """Refuse a leaf that contradicts itself.

    Raises:
        InputError: with the path and what is wrong.
    """
    if not is_path(leaf.path):
        raise InputError("is no path of a signal", where=repr(leaf.path[:80]))
    if leaf.kind not in KINDS:
        raise InputError(f"{leaf.kind!r} is none of {', '.join(KINDS)}", where=leaf.path)
    if leaf.datatype not in DATATYPES:
        raise InputError(f"{leaf.datatype!r} is no type of VSS", where=leaf.path)
    if leaf.change not in CHANGES:
        raise InputError(f"{leaf.change!r} is none of {', '.join(CHANGES)}", where=leaf.path)
    for name, bound in (("min", leaf.minimum), ("max", leaf.maximum)):
        if bound is None:
            continue
        if leaf.scalar not in WHOLE and leaf.scalar not in FRACTIONAL:
            raise InputError(f"{leaf.datatype} has no {name}", where=leaf.path)
        if not fits_type(leaf.scalar, bound):
            raise InputError(f"{name} {bound!r} is no {leaf.scalar}", where=leaf.path)
    if leaf.minimum is not None and leaf.maximum is not None and leaf.minimum > leaf.maximum:
        raise InputError(f"min {leaf.minimum} is above max {leaf.maximum}", where=leaf.path)
    if len(set(leaf.allowed)) != len(leaf.allowed):
        raise InputError("an allowed value stands twice", where=leaf.path)
    for value in leaf.allowed:
        if not fits_type(leaf.scalar, value):
            raise InputError(f"allowed value {value!r} is no {leaf.scalar}", where=leaf.path)
    if leaf.default is not None:
        several = isinstance(leaf.default, tuple)
        values = leaf.default if isinstance(leaf.default, tuple) else (leaf.default,)
        if several != leaf.is_list or not all(fits_type(leaf.scalar, one) for one in values):
            raise InputError(f"default {leaf.default!r} is no {leaf.datatype}", where=leaf.path)
        if not all(_stands(leaf, one) for one in values):
            raise InputError(f"default {leaf.default!r} is not allowed", where=leaf.path)


def _stands(leaf: Leaf, value: Scalar) -> bool:
    """Whether a value of the type is within the leaf's bounds."""
    if leaf.allowed:
        return value in leaf.allowed
    if isinstance(value, str):
        return True
    low, high = leaf.minimum, leaf.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def fits_type(scalar: str, value: object) -> bool:
    """Whether a value is one of a scalar type: a whole number also where a fraction may stand."""
    if scalar == "boolean":
        return isinstance(value, bool)
    if scalar == "string":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if scalar in FRACTIONAL:
        return isinstance(value, int) or math.isfinite(value)
    low, high = WHOLE[scalar]
    return isinstance(value, int) and low <= value <= high


def _branches_above(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


__all__ = [
    "DATATYPES", "FRACTIONAL", "LONGEST_PATH", "MOST_LEAVES", "WHOLE", "Catalogue", "Change", "Kind", "Leaf", "Scalar",
    "Value", "check_leaf", "fits_type", "is_path", "is_pattern", "pattern_of",
]  # fmt: skip
