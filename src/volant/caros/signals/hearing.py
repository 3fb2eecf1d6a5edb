"""Who hears of which signals: subscriptions with bounded memory, and the index by which they are found.

As KUKSA's broker: what a slow subscriber does not take, it loses, the oldest first; the others notice
nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from volant.caros.signals.values import Code, SignalError
from volant.caros.signals.weights import weight

MOST_BUFFERED: Final = 1000
"""Messages that one subscriber may have waiting (kuksa.val.v2, MAX_BUFFER_SIZE)."""
MOST_SUBSCRIPTIONS: Final = 4096
MOST_SUBSCRIBED: Final = 1_000_000
"""Signals of all subscriptions together."""

MOST_WEIGHT: Final = 128 << 10
"""Bytes of long texts and lists that wait for one subscriber; the newest message always may."""

What = Literal["value", "target", "metadata"]


def _nobody() -> None:
    """Wakes nobody."""


class StoreSubscription:
    """What one subscriber has waiting. `wake` is called when something waits where nothing did."""

    __slots__ = ("_latest_only", "_queue", "_weight", "dropped", "ids", "lost", "wake", "what")

    def __init__(self, ids: frozenset[int], buffer_size: int, what: What) -> None:
        self.ids = ids
        self.what = what
        self.dropped = 0
        """Messages lost because nobody took them in time."""
        self.lost: set[int] = set()
        """Signals whose provider has gone, and of which nothing was heard since."""
        self.wake: Callable[[], None] = _nobody
        self._latest_only = buffer_size == 0
        self._weight = 0
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
        self._weight = 0
        return found

    def pop(self) -> dict[int, Any] | None:
        """The oldest that waits, None where nothing does; the rest can still be dropped."""
        if not self._queue:
            return None
        oldest = self._queue.popleft()
        if self._weight:
            self._weight -= _weigh(oldest)
        return oldest

    def put(self, message: dict[int, Any], heavy: bool = False) -> None:
        """Let a message wait; never more than the buffer holds, nor more weight than it may have.

        `heavy` says that some of its values have a `weight`.
        """
        if self.lost:
            self.lost -= message.keys()
        queue = self._queue
        if not queue:
            queue.append(message)
            self.wake()
        elif self._latest_only:
            queue[0] = queue[0] | message  # a message may wait for others too, so it is not changed
        else:
            if len(queue) == queue.maxlen:
                self.pop()
                self.dropped += 1
            queue.append(message)
        if (
            heavy and not self._latest_only
        ):  # that holds one value of each signal, as the store does
            self._weight += _weigh(message)
            while self._weight > MOST_WEIGHT and len(queue) > 1:
                self.pop()
                self.dropped += 1


def _weigh(message: dict[int, Any]) -> int:
    return sum(weight(one.value) for one in message.values() if one is not None)


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
        heavy = what != "metadata" and _weigh(first) > 0
        subscription.put(first, heavy)
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

    def tell(self, what: What, message: dict[int, Any], heavy: bool = False) -> None:
        """Hand a message to each subscription that hears of a signal in it, its part of it.

        `heavy` says that some of its values have a `weight`.
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
                message if whole else {key: one for key, one in message.items() if key in ids},
                heavy,
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
