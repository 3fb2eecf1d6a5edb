"""What long texts and lists cost in memory where values are kept: a signal's value may be 64 KiB and more.

All else is small, is bounded by its number, and is not weighed.
"""

from __future__ import annotations

import sys
from typing import Final

from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import Leaf, Value

LONG: Final = 128
"""Characters from which a text is long."""
LARGE: Final = 1024
"""Bytes from which a list is."""
MOST_WEIGHT: Final = 32 << 20
"""Bytes of the long texts and lists that stand in a tree, as values and as targets."""


def can_weigh(leaf: Leaf) -> bool:
    """Whether values of a signal may have a weight."""
    return leaf.is_list or leaf.scalar == "string"


def weight(value: Value | None) -> int:
    """Bytes of memory of a long text or list; 0 of all that is small."""
    if isinstance(value, str):
        return sys.getsizeof(value) if len(value) >= LONG else 0
    if isinstance(value, tuple):
        whole = sys.getsizeof(value) + sum(sys.getsizeof(one) for one in value)
        return whole if whole >= LARGE else 0
    return 0


class Weights:
    """What stands in a tree, by weight."""

    def __init__(self) -> None:
        self.held = 0

    def check(self, path: str, before: Value | None, after: Value | None) -> int:
        """Whether there is room for a value in the place of another; gives the new one's weight.

        Raises:
            SignalError: TOO_MANY.
        """
        new = weight(after)
        if new and self.held + new - weight(before) > MOST_WEIGHT:
            raise SignalError(Code.TOO_MANY, path, "no room for more long texts and lists")
        return new

    def swap(self, path: str, before: Value | None, after: Value | None) -> int:
        """Let a value take the place of another; gives the new one's weight.

        Raises:
            SignalError: as `check`.
        """
        new = self.check(path, before, after)
        self.held += new - weight(before)
        return new


__all__ = ["Weights", "can_weigh", "weight"]
