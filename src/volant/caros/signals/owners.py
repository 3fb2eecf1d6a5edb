"""Who says and who moves each signal, and how often who says it can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from volant.wire.vss import Value

Claimed = Literal["actuation", "data"]
OnActuate = Callable[[Mapping[int, Value]], None]
"""Takes a batch that was granted; returns at once."""


class Owners:
    """Claims by signal; whether one may be made is the store's to check."""

    def __init__(self) -> None:
        self.data: dict[int, str] = {}
        self.moved: dict[int, str] = {}
        self._movers: dict[int, OnActuate] = {}
        self._intervals_ms: dict[int, int] = {}

    def of(self, what: Claimed) -> dict[int, str]:
        """Owners by signal."""
        return self.data if what == "data" else self.moved

    def mover(self, leaf_id: int) -> OnActuate | None:
        """What moves a signal."""
        return self._movers.get(leaf_id)

    def interval_ms(self, leaf_id: int) -> int:
        """The least time between two values of a signal; 0: not known."""
        return self._intervals_ms.get(leaf_id, 0)

    def take(
        self,
        owner: str,
        ids: Iterable[int],
        on_actuate: OnActuate | None,
        intervals_ms: Mapping[int, int],
    ) -> None:
        """Make an owner that of signals: of their actuation with `on_actuate`, else of their data."""
        if on_actuate is not None:
            self.moved |= dict.fromkeys(ids, owner)
            self._movers |= dict.fromkeys(ids, on_actuate)
            return
        for leaf_id in ids:
            self.data[leaf_id] = owner
            if interval_ms := intervals_ms.get(leaf_id, 0):
                self._intervals_ms[leaf_id] = interval_ms

    def release(self, owner: str) -> list[int]:
        """Forget an owner; gives the signals whose data it said."""
        said = [leaf_id for leaf_id, held in self.data.items() if held == owner]
        for leaf_id in said:
            del self.data[leaf_id]
            self._intervals_ms.pop(leaf_id, None)
        for leaf_id in [leaf_id for leaf_id, held in self.moved.items() if held == owner]:
            del self.moved[leaf_id], self._movers[leaf_id]
        return said
