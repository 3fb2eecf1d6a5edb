"""How well an app is walled in: the means that a machine offers, and the level that they make. Pure.

A level is named by what it stops; docs/guides/apps.md has the table, made from real attempts
(`scripts/escapes.py`). It is never rounded up: one missing means and the level is lower.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

LevelName = Literal["none", "basic", "strong", "full"]


class Means(enum.Enum):
    """One thing that the kernel does for us."""

    VIEW = "view"
    """bubblewrap: own tree of files and own namespaces of processes, network, IPC and names."""
    CALLS = "calls"
    """seccomp: system calls that no app needs are refused."""
    FILES = "files"
    """landlock: files outside are refused, whatever the view holds."""
    SCOPE = "scope"
    """landlock since Linux 6.12: no signals and no abstract sockets to outside, also without a view."""
    GROUP = "group"
    """A control group bounds memory and number of all its processes together, and ends them all."""


class Level(enum.IntEnum):
    """How many attacks are stopped, least first."""

    NONE = 0
    """Limits of single processes only. For an app that you would run on your desk anyway."""
    BASIC = 1
    """No foreign files, no network, no signals. It sees who else runs here, and may use up memory."""
    STRONG = 2
    """It sees nothing outside. With many processes it may still use up memory."""
    FULL = 3
    """None of our attempts gets out."""

    @property
    def word(self) -> LevelName:
        """As in a manifest."""
        return _WORDS[self]


_WORDS: Final[dict[Level, LevelName]] = {
    Level.NONE: "none",
    Level.BASIC: "basic",
    Level.STRONG: "strong",
    Level.FULL: "full",
}
NEEDED: Final[dict[Level, frozenset[Means]]] = {
    Level.NONE: frozenset(),
    Level.BASIC: frozenset({Means.CALLS, Means.FILES, Means.SCOPE}),
    Level.STRONG: frozenset({Means.VIEW, Means.CALLS}),
    Level.FULL: frozenset({Means.VIEW, Means.CALLS, Means.FILES, Means.GROUP}),
}


def level_of(means: frozenset[Means]) -> Level:
    """The best level that some means make."""
    return max(level for level, needed in NEEDED.items() if needed <= means)


def level_named(name: LevelName) -> Level:
    """The level of a manifest's word."""
    return Level[name.upper()]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a machine offers, found by trying."""

    means: frozenset[Means]
    lacking: Mapping[Means, str]
    """Why a means is not there, and how to get it."""

    @property
    def level(self) -> Level:
        """The best level here."""
        return level_of(self.means)

    def missing(self, wanted: Level) -> tuple[str, ...]:
        """What keeps this machine from a level, in words; empty where nothing does."""
        return tuple(
            f"{means.value}: {self.lacking.get(means, 'switched off')}"
            for means in Means
            if means in NEEDED[wanted] - self.means
        )
