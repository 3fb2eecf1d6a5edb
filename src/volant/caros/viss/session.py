"""What one WebSocket says and hears, without the socket: requests in, answers and notifications out.

Nothing waits here. Answers stand in a queue that the reader of requests watches (`crowded`); notifications
are made when the socket can take one, from what the store keeps for the subscription, so a slow client
loses the oldest values and costs nobody else anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from volant.caros.signals.rights import Rights
from volant.caros.signals.store import StoreSubscription
from volant.caros.signals.values import SignalError
from volant.caros.viss.curve import Curve, CurveLog
from volant.caros.viss.errors import (
    BAD_REQUEST,
    FILTER_INVALID,
    INVALID_SUBSCRIPTION,
    PROVIDER_GONE,
    TOKEN_EXPIRED,
    TOO_MANY,
    VissError,
    error_of,
)
from volant.caros.viss.filters import (
    Change,
    ChangeTrigger,
    Metadata,
    Past,
    Range,
    RangeTrigger,
    Timebased,
    Trigger,
    is_number,
    read_filter,
)
from volant.caros.viss.service import Data, Service, data_of, series_of
from volant.caros.viss.texts import stamp_of
from volant.core.clock import NS_PER_S
from volant.wire.vss import Leaf

MOST_SUBSCRIPTIONS: Final = 100
"""Of one client."""
MOST_ANSWERS: Final = 16
"""That wait; then the client's next request is not read before it takes one."""
BUFFERED: Final = 64
"""Values that wait for a client, of one subscription; the oldest are lost."""
MOST_CURVED: Final = 20_000
"""Values that wait in the curves of one client, all subscriptions together."""
LONGEST_ID: Final = 200
ACTIONS: Final = ("get", "set", "subscribe", "unsubscribe")
_NOTHING: Final[Data] = []


class Subscription:
    """One subscription: which signals, when they are told, and what waits."""

    def __init__(self, name: str, leaves: tuple[Leaf, ...], several: bool, rights: Rights) -> None:
        self.name, self.leaves, self.rights = name, leaves, rights
        self.heard: StoreSubscription | None = None
        self.trigger: Trigger | None = None
        self.curves: dict[int, Curve] = {}
        """By signal, where they are curve logged."""
        self.curved = 0
        """Values that may come to wait in them."""
        self.period_ns = 0
        """Of a timebased one."""
        self.due_ns = 0
        self._several = several
        self._by_id = {leaf.id: leaf for leaf in leaves}

    def data(self, service: Service, now_ns: int) -> Data:
        """What is to be told now; empty for nothing.

        Raises:
            VissError: its rights are over.
        """
        if self.rights.expired(now_ns / NS_PER_S):
            raise VissError(TOKEN_EXPIRED)
        if self.period_ns:
            return self._timed(service, now_ns)
        assert self.heard is not None
        while (message := self.heard.pop()) is not None:
            if self.curves:
                found = self._curved(message)
            elif self.trigger is None:
                points = ((self._by_id[leaf_id], point) for leaf_id, point in message.items())
                found = data_of(points, self._several)
            else:
                found = self._triggered(service, message)
            if found:
                return found
        return _NOTHING

    def bereft(self) -> bool:
        """Whether the provider of one of its signals has gone since this was last asked."""
        if self.heard is None or not self.heard.lost:
            return False
        self.heard.lost.clear()
        return True

    def _timed(self, service: Service, now_ns: int) -> Data:
        if 0 < self.due_ns - now_ns <= self.period_ns:
            return _NOTHING
        # After a client that was slow, or a clock that was set, it goes on from now.
        missed = abs(now_ns - self.due_ns) >= self.period_ns
        self.due_ns = (now_ns if missed else self.due_ns) + self.period_ns
        return self._all(service)

    def _triggered(self, service: Service, message: dict[int, Any]) -> Data:
        first = self.leaves[0]
        point = message.get(first.id)
        assert self.trigger is not None
        if point is None or point.value is None or not self.trigger.fires(point.value):
            return _NOTHING
        if len(self.leaves) == 1:
            return data_of([(first, point)], self._several)
        return self._all(service, {first.id: point})

    def _curved(self, message: dict[int, Any]) -> Data:
        found: list[dict[str, Any]] = []
        for leaf_id, point in message.items():
            if point is not None and point.value is not None:
                found += series_of(self._by_id[leaf_id], self.curves[leaf_id].take(point))
        return found if self._several or not found else found[0]

    def _all(self, service: Service, told: dict[int, Any] | None = None) -> Data:
        points = service.current(self.leaves, self.rights) | (told or {})
        return data_of(((leaf, points[leaf.id]) for leaf in self.leaves), self._several)


class Session:
    """One client."""

    def __init__(self, service: Service, who: str, wake: Callable[[], None]) -> None:
        """Args:
        who: what the arbiter is told.
        wake: called when `next` may have something new.
        """
        self._service, self._who, self._wake = service, who, wake
        self._answers: deque[str] = deque()
        self._subscriptions: dict[str, Subscription] = {}
        self._count = 0
        self._turn: deque[str] = deque()
        """Names of subscriptions; the first is asked first, and goes to the end once it was told."""

    @property
    def crowded(self) -> bool:
        """Whether so many answers wait that no further request should be read."""
        return len(self._answers) >= MOST_ANSWERS

    def close(self) -> None:
        """The client has gone."""
        for name in list(self._subscriptions):
            self._end(name)

    # --- in ---------------------------------------------------------------------------------------

    def hear(self, text: str | bytes) -> None:
        """Take one request; its answer waits afterwards."""
        answer: dict[str, Any] = {}
        try:
            self._request(text, answer)
        except VissError as error:
            answer["error"] = error.body()
        answer["ts"] = stamp_of(self._service.now_ns())
        self._answers.append(_encode(answer))
        self._wake()

    def _request(self, text: str | bytes, answer: dict[str, Any]) -> None:
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise VissError(BAD_REQUEST, "It is no JSON.") from error
        if not isinstance(request, dict):
            raise VissError(BAD_REQUEST, "It is no JSON object.")
        action, request_id = request.get("action"), request.get("requestId")
        if action in ACTIONS:
            answer["action"] = action
        known = isinstance(request_id, str) and 0 < len(request_id) <= LONGEST_ID
        if known or (type(request_id) is int and abs(request_id) < 2**53):
            answer["requestId"] = request_id
        else:
            raise VissError(BAD_REQUEST, f"requestId is a string of 1 to {LONGEST_ID} characters.")
        if "action" not in answer:
            raise VissError(BAD_REQUEST, f"action is one of {', '.join(ACTIONS)}.")
        answer |= getattr(self, f"_{action}")(request)

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = read_filter(request.get("filter"))
        return self._service.read(request.get("path"), asked, request.get("authorization"))

    def _set(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request.get("authorization")
        self._service.set(request.get("path"), request.get("value"), token, self._who)
        return {}

    def _subscribe(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(self._subscriptions) >= MOST_SUBSCRIPTIONS:
            raise VissError(TOO_MANY, f"A client has at most {MOST_SUBSCRIPTIONS} subscriptions.")
        asked = read_filter(request.get("filter"))
        rights = self._service.rights(request.get("authorization"))
        leaves = self._service.leaves(request.get("path"), asked.paths)
        self._service.current(leaves, rights)
        several = bool(asked.paths) or len(leaves) > 1
        self._count += 1
        made = Subscription(str(self._count), leaves, several, rights)
        operation = asked.operation
        if isinstance(operation, Past | Metadata):
            raise VissError(FILTER_INVALID, "It is for reading.")
        if isinstance(operation, Timebased):
            made.period_ns, made.due_ns = operation.period_ns, self._service.now_ns()
        else:
            if isinstance(operation, Change | Range):
                self._check_first(asked.paths, several)
                made.trigger = (
                    ChangeTrigger(operation, leaves[0])
                    if isinstance(operation, Change)
                    else RangeTrigger(operation, leaves[0])
                )
            elif isinstance(operation, CurveLog):
                self._curve(made, operation)
            hears = leaves if made.trigger is None else leaves[:1]
            made.heard = self._listen(hears, rights)
        self._subscriptions[made.name] = made
        self._turn.append(made.name)
        return {"subscriptionId": made.name}

    def _curve(self, made: Subscription, asked: CurveLog) -> None:
        if not all(is_number(leaf) for leaf in made.leaves):
            raise VissError(FILTER_INVALID)
        made.curved = asked.buffer_size * len(made.leaves)
        if made.curved + sum(one.curved for one in self._subscriptions.values()) > MOST_CURVED:
            raise VissError(TOO_MANY, f"The curves of a client hold at most {MOST_CURVED} values.")
        made.curves = {leaf.id: Curve(asked) for leaf in made.leaves}

    def _check_first(self, paths: tuple[str, ...], several: bool) -> None:
        """The first signal alone is what a trigger looks at, so it must be named (Core, 7.11.3)."""
        if several and (not paths or "*" in paths[0]):
            raise VissError(
                FILTER_INVALID, "With several signals the first of the paths must name one."
            )

    def _listen(self, leaves: tuple[Leaf, ...], rights: Rights) -> StoreSubscription:
        ids = [leaf.id for leaf in leaves]
        try:
            return self._service.store.subscribe(ids, rights, BUFFERED, "value", self._wake)
        except SignalError as error:
            raise error_of(error) from error

    def _unsubscribe(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("subscriptionId")
        if not isinstance(name, str) or name not in self._subscriptions:
            raise VissError(INVALID_SUBSCRIPTION)
        self._end(name)
        return {"subscriptionId": name}

    def _end(self, name: str) -> None:
        gone = self._subscriptions.pop(name)
        self._turn.remove(name)
        if gone.heard is not None:
            self._service.store.unsubscribe(gone.heard)

    # --- out --------------------------------------------------------------------------------------

    def next(self) -> str | None:
        """The next message for the client, None for now; answers go first."""
        if self._answers:
            return self._answers.popleft()
        now_ns = self._service.now_ns()
        for name in tuple(self._turn):
            told: dict[str, Any] = {"action": "subscription", "subscriptionId": name}
            one = self._subscriptions[name]
            try:
                if data := one.data(self._service, now_ns):
                    told["data"] = data
                elif one.bereft():
                    told["error"] = VissError(PROVIDER_GONE).body()
                else:
                    continue
                self._turn.remove(name)
                self._turn.append(name)
            except VissError as error:
                told["error"] = error.body()
                self._end(name)
            told["ts"] = stamp_of(now_ns)
            return _encode(told)
        return None

    def due_ns(self) -> int | None:
        """Unix time at which `next` is to be asked again though nothing woke it; None: never."""
        due: list[int] = []
        for one in self._subscriptions.values():
            if one.period_ns:
                due.append(one.due_ns)
            if one.rights.expires_s is not None:
                due.append(int(one.rights.expires_s * NS_PER_S))
        return min(due, default=None)


def _encode(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
