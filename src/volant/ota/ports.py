"""What the update machine needs of a control unit or an app, whatever carries it: UDS over DoIP, ISO-TP, the app store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from volant.core.errors import RefusedError
from volant.trust.uptane import Installed

Read = Callable[[int, int], bytes]
"""Bytes of a stored file from an offset on; fewer at its end."""
Tell = Callable[[int, int], object]
"""Told how many bytes of how many are there."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that lies in the car, checked against what both repositories signed."""

    name: str
    length: int
    sha256: str
    """In hex."""
    read: Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a unit shall run."""

    target: Installed
    """As both repositories signed it."""
    image: Artifact | None
    """The whole image; None: only the delta was fetched."""
    delta: Artifact | None = None
    """From what runs to `target`; where the unit cannot take it, the whole image is asked for."""
    metadata: tuple[bytes, ...] = ()
    """Newer roots of the director and its targets, for a unit that checks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitNow:
    """What a unit says of itself."""

    runs: Installed | None
    """None: nothing that boots."""
    version: str
    """For people."""
    staged: Installed | None = None
    """Written whole and sound; runs once activated and reset."""
    active: bool = False
    """What is staged was activated and runs after the next reset."""
    on_trial: bool = False
    """What runs is lost again unless it is confirmed."""
    rolled_back: bool = False
    """The last program on trial was given up by the unit itself."""
    two_slots: bool = True
    """The old program stays while a new one is written."""
    room_bytes: int = 0
    """Longest image that a slot holds; 0: it does not tell."""


class NeedsWholeError(RefusedError):
    """The unit cannot take the delta; `stage` again with the whole image."""


class UnitPort(Protocol):
    """One control unit or app. Calls block, may be repeated after a cut, and each is bounded in time.

    Raises (all of them):
        RefusedError: the unit says no, in words for people; it will again.
        LinkError: it does not answer, or not now; trying again makes sense.
    """

    @property
    def name(self) -> str:
        """For people and for records; unique in the car."""

    def now(self) -> UnitNow:
        """What it runs and holds."""

    def stage(self, order: Order, tell: Tell) -> None:
        """Write what shall run beside what runs; goes on where a cut left it."""

    def activate(self) -> None:
        """Let what is staged run from the next reset on."""

    def reset(self) -> None:
        """As after power-on; returns when the unit answers again."""

    def confirm(self) -> None:
        """What runs stays."""

    def revert(self) -> None:
        """What ran before comes back at the next reset; nothing where nothing is on trial or activated."""

    def report(self) -> bytes:
        """Its ECU version report, signed by itself."""
