"""What the signals were a little while ago: the store keeps only what they are now.

Once a second the values that have changed are noted. Each signal has room for ten minutes of that, less
where a catalogue is large: the whole never holds more than `MOST_POINTS`. Long texts and lists are not noted.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.weights import weight

MOST_POINTS: Final = 100_000
"""Of all signals together; about 100 bytes each."""
MOST_OF_ONE: Final = 600
LEAST_OF_ONE: Final = 8


class History:
    """Values that were noted, by signal, the oldest first."""

    def __init__(self, store: SignalStore) -> None:
        self._store = store
        self._rights = Rights.all()
        self._room = max(
            LEAST_OF_ONE, min(MOST_OF_ONE, MOST_POINTS // max(1, len(store.catalogue)))
        )
        self._noted: dict[int, deque[Datapoint]] = {}

    def note(self) -> None:
        """Take down what has changed since the last call; `serve` calls it once a second."""
        for leaf in self._store.catalogue:
            point = self._store.get(leaf.id, self._rights)
            if point is None or point.value is None or weight(point.value):
                continue
            noted = self._noted.get(leaf.id)
            if noted is None:
                noted = self._noted[leaf.id] = deque(maxlen=self._room)
            if not noted or noted[-1].value != point.value:
                noted.append(point)

    def since(self, leaf_id: int, from_ns: int, current: Datapoint | None) -> list[Datapoint]:
        """Noted values not older than `from_ns` (Unix time), without the datapoint that stands now.

        A value that stands for long is said again with later stamps; when it began to stand is told.
        """
        noted = self._noted.get(leaf_id, ())
        found = [point for point in noted if point.stamp_ns >= from_ns]
        if found and current is not None and found[-1].stamp_ns == current.stamp_ns:
            found.pop()
        return found
