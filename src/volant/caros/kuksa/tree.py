"""The signal store as the gRPC services see it: signals by path or number, readers and writers of each."""

from __future__ import annotations

from typing import Any

from volant.caros.kuksa.codec import EntryWriter, Reader, reader
from volant.caros.kuksa.filters import Filters
from volant.caros.kuksa.gate import Gate
from volant.caros.kuksa.listening import Room
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.values import Code, SignalError
from volant.wire.vss import LONGEST_PATH, Leaf


class Tree:
    """What both versions of the interface share."""

    def __init__(self, store: SignalStore, gate: Gate) -> None:
        self.store, self.gate = store, gate
        self.filters = Filters()
        self.room = Room()
        self.readers = _Readers(store)
        """Leaf's number -> how the bytes of its Datapoint are read; SignalError NOT_FOUND."""
        self.writers = _Writers(store)
        self.unset = Datapoint(None, gate.now_ns())
        """What is told of a signal that has no value yet: none, since the broker began."""

    def find_path(self, path: str) -> Leaf:
        """The leaf of a path.

        Raises:
            SignalError: INVALID_ARGUMENT, the path is too long; NOT_FOUND.
        """
        if len(path) > LONGEST_PATH:
            raise SignalError(
                Code.INVALID_ARGUMENT, path[:40], f"a path has at most {LONGEST_PATH} characters"
            )
        return self.store.leaf(path)

    def find(self, signal: Any) -> int:
        """The number of a leaf by a SignalID of v2.

        Raises:
            SignalError: INVALID_ARGUMENT, nothing is named; NOT_FOUND.
        """
        named = signal.WhichOneof("signal")
        if named is None:
            raise SignalError(Code.INVALID_ARGUMENT, "", "neither path nor id of a signal is given")
        leaf = self.find_path(signal.path) if named == "path" else self.store.leaf(signal.id)
        return leaf.id


class _Readers(dict[int, Reader]):
    """Made when first asked for; a leaf's type never changes."""

    def __init__(self, store: SignalStore) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, leaf_id: int) -> Reader:
        found = self[leaf_id] = reader(self._store.leaf(leaf_id))
        return found


class _Writers(dict[int, EntryWriter]):
    def __init__(self, store: SignalStore) -> None:
        super().__init__()
        self._store = store

    def __missing__(self, leaf_id: int) -> EntryWriter:
        found = self[leaf_id] = EntryWriter(self._store.leaf(leaf_id))
        return found
