"""Who hears of which signals: subscriptions with bounded memory, and the index by which they are found.

As KUKSA's broker: what a slow subscriber does not take, it loses, the oldest first; the others notice
nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from volant.caros.signals.values import Code, SignalError

MOST_BUFFERED: Final = 1000
"""Messages that one subscriber may have waiting (kuksa.val.v2, MAX_BUFFER_SIZE)."""
MOST_SUBSCRIPTIONS: Final = 4096
MOST_SUBSCRIBED: Final = 1_000_000
"""Signals of all subscriptions together."""

What = Literal["value", "target", "metadata"]


def _nobody() -> None:
    """Wakes nobody."""


class StoreSubscription:
    """What one subscriber has waiting. `wake` is called when something waits where nothing did."""

    __slots__ = ("_latest_only", "_queue", "dropped", "ids", "lost", "wake", "what")

    def __init__(self, ids: frozenset[int], buffer_size: int, what: What) -> None:
        self.ids = ids
        self.what = what
        self.dropped = 0
        """Messages lost because nobody took them in time."""
        self.lost: set[int] = set()
        """Signals whose provider has gone, and of which nothing was heard since."""
        self.wake: Callable[[], None] = _nobody
        self._latest_only = buffer_size == 0
        self._queue: deque[dict[int, Any]] = deque(maxlen=max(1, buffer_size))

    @property
    def waiting(self) -> int:
        """Messages that wait."""
        return len(self._queue)

    def take(self) -> list[dict[int, Any]]:
        """All that waits, oldest first: {id: Datapoint or None}, for metadata {id: Leaf}.

        Messages are shared with other subscriptions: read them only.
        """
        found = list(self._queue)
        self._queue.clear()
        return found

    def pop(self) -> dict[int, Any] | None:
        """The oldest that waits, None where nothing does; the rest can still be dropped."""
        return self._queue.popleft() if self._queue else None

    def put(self, message: dict[int, Any]) -> None:
        """Let a message wait; never more than the buffer holds."""
        if self.lost:
            self.lost -= message.keys()
        queue = self._queue
        if not queue:
            queue.append(message)
            self.wake()
        elif self._latest_only:
            queue[0] = queue[0] | message  # a message may wait for others too, so it is not changed
        else:
            self.dropped += len(queue) == queue.maxlen
            queue.append(message)


_Hearing = tuple[StoreSubscription, ...]


class Hearers:
    """All subscriptions, found by signal."""

    def __init__(self) -> None:
        self._by_id: dict[What, dict[int, _Hearing]] = {"value": {}, "target": {}, "metadata": {}}
        self._open: set[StoreSubscription] = set()
        self._subscribed = 0

    def __len__(self) -> int:
        return len(self._open)

    def open(
        self,
        first: dict[int, Any],
        buffer_size: int,
        what: What,
        wake: Callable[[], None] | None,
    ) -> StoreSubscription:
        """A new subscription of the signals of its first message, which waits already.

        Raises:
            SignalError: TOO_MANY.
        """
        room = MOST_SUBSCRIBED - self._subscribed
        if len(self._open) >= MOST_SUBSCRIPTIONS or len(first) > room:
            raise SignalError(Code.TOO_MANY, "", "too many subscriptions")
        subscription = StoreSubscription(frozenset(first), buffer_size, what)
        subscription.wake = wake or _nobody
        self._open.add(subscription)
        self._subscribed += len(first)
        self._index(what, first, lambda before: (*before, subscription))
        subscription.put(first)
        return subscription

    def close(self, subscription: StoreSubscription) -> None:
        """Forget a subscription; one that is not open does nothing."""
        if subscription not in self._open:
            return
        self._open.discard(subscription)
        self._subscribed -= len(subscription.ids)
        self._index(
            subscription.what,
            subscription.ids,
            lambda before: tuple(one for one in before if one is not subscription),
        )

    def tell(self, what: What, message: dict[int, Any]) -> None:
        """Hand a message to each subscription that hears of a signal in it, its part of it.

        Who hears of all of it gets the message itself, so that an edge can encode it once for all.
        """
        by_id = self._by_id[what]
        touched: dict[StoreSubscription, None] = {}
        last: _Hearing = ()
        for leaf_id in message:
            found = by_id.get(leaf_id)
            if found is not None and found is not last:
                last = found
                touched.update(dict.fromkeys(found))
        for subscription in touched:
            ids = subscription.ids
            whole = message.keys() <= ids
            subscription.put(
                message if whole else {key: one for key, one in message.items() if key in ids}
            )

    def lose(self, leaf_ids: Iterable[int]) -> None:
        """Tell all who hear the values of signals that nobody provides them any more."""
        by_id = self._by_id["value"]
        for leaf_id in leaf_ids:
            for subscription in by_id.get(leaf_id, ()):
                subscription.lost.add(leaf_id)
                subscription.wake()

    def _index(
        self, what: What, ids: Iterable[int], change: Callable[[_Hearing], _Hearing]
    ) -> None:
        """Change who hears of signals; those with the same hearers share one tuple, told by `tell`."""
        by_id = self._by_id[what]
        shared: dict[_Hearing, _Hearing] = {}
        for leaf_id in ids:
            before = by_id.get(leaf_id, ())
            after = shared.get(before)
            if after is None:
                after = shared[before] = change(before)
            if after:
                by_id[leaf_id] = after
            else:
                del by_id[leaf_id]


__all__ = ["MOST_BUFFERED", "Hearers", "StoreSubscription", "What"]
