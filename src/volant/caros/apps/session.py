"""One app's signals: requests by its own socket, judged by the rights of its manifest. Pure: no socket, no clock.

The socket is the identity: whoever holds its other end is the app. A packet is one MessagePack map with `op`;
what is none, or too many at once, costs only its sender.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from volant.caros.signals.rights import Rights
from volant.caros.signals.store import Datapoint, SignalStore, StoreSubscription
from volant.caros.signals.values import Code, SignalError
from volant.core.clock import NS_PER_S
from volant.wire.vss import Value

PACKET_MOST_BYTES: Final = 128 * 1024
ANSWERS_MOST: Final = 64
"""Waiting for an app that does not read; then nothing more is taken from it."""
SIGNALS_MOST: Final = 512
"""In one request."""
SUBSCRIPTIONS_MOST: Final = 16
ACTUATIONS_MOST: Final = 64
"""Batches waiting for an app that moves something; the oldest are lost."""
RATE_PER_S: Final = 200.0
BURST: Final = 400.0
BAD_MOST: Final = 16
"""Packets that were none; then the app is heard no more."""

_Id = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Path = Annotated[str, Meta(min_length=1, max_length=1000)]
_Paths = Annotated[tuple[_Path, ...], Meta(min_length=1, max_length=SIGNALS_MOST)]
_Values = Annotated[dict[_Path, Any], Meta(min_length=1, max_length=SIGNALS_MOST)]


class _Request(msgspec.Struct, frozen=True, tag_field="op"):
    id: _Id


class Get(_Request, frozen=True, tag="get"):
    """Current values."""

    paths: _Paths


class Set(_Request, frozen=True, tag="set"):
    """Move actuators."""

    values: _Values


class Subscribe(_Request, frozen=True, tag="subscribe"):
    """Hear of changes."""

    paths: _Paths


class Provide(_Request, frozen=True, tag="provide"):
    """Claim."""

    paths: _Paths
    what: Literal["data", "actuation"]


class Publish(_Request, frozen=True, tag="publish"):
    """Say values."""

    values: _Values


_DECODE: Final = msgspec.msgpack.Decoder(Get | Set | Subscribe | Provide | Publish).decode
_ENCODE: Final = msgspec.msgpack.Encoder().encode
HELLO: Final = _ENCODE({"hello": 1})


def number_of(packet: bytes) -> int:
    """The number of a request that is not understood, so that its answer finds who waits; 0: it has none."""
    try:
        number = msgspec.msgpack.decode(packet)["id"]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return 0
    return number if isinstance(number, int) and 0 <= number < 1 << 53 else 0


class AppSession:
    """What one app asks of the signal tree, and what it is told."""

    def __init__(
        self, store: SignalStore, app: str, rights: Rights, wake: Callable[[], None]
    ) -> None:
        """`wake` is called when something waits to be sent."""
        self.app = app
        self.bad = 0
        self._store, self._rights, self._wake = store, rights, wake
        self._owner = f"app:{app}"
        self._answers: deque[bytes] = deque([HELLO])
        self._actuations: deque[Mapping[int, Value]] = deque(maxlen=ACTUATIONS_MOST)
        self._subscriptions: list[StoreSubscription] = []
        self._tokens, self._at_ns = BURST, 0

    @property
    def listens(self) -> bool:
        """Whether requests may be taken: its answers are read."""
        return len(self._answers) < ANSWERS_MOST

    @property
    def lost(self) -> bool:
        """Nothing sound comes from it."""
        return self.bad > BAD_MOST

    def wait_s(self, now_ns: int) -> float:
        """How long to wait before the next request is taken; 0: not at all."""
        passed_s = max(0, now_ns - self._at_ns) / NS_PER_S
        self._tokens = min(BURST, self._tokens + passed_s * RATE_PER_S)
        self._at_ns = now_ns
        return max(0.0, (1.0 - self._tokens) / RATE_PER_S)

    def hear(self, packet: bytes, stamp_ns: int) -> None:
        """Take one request in; `stamp_ns` is Unix time."""
        self._tokens -= 1.0
        try:
            request = _DECODE(packet)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.bad += 1
            self._answer(
                number_of(packet), errors={"": (Code.INVALID_ARGUMENT.value, str(error)[:200])}
            )
            return
        try:
            answer = self._done(request, stamp_ns)
        except SignalError as error:
            answer = {"errors": {error.path: (error.code.value, error.reason)}}
        self._answer(request.id, **answer)

    def next_packet(self) -> bytes | None:
        """What is to be sent now; an update is taken as late as possible, so a slow app gets the latest."""
        if self._answers:
            return self._answers.popleft()
        if self._actuations:
            batch = self._actuations.popleft()
            return _ENCODE({"actuate": {self._path(leaf): one for leaf, one in batch.items()}})
        for subscription in self._subscriptions:
            if subscription.waiting:
                merged: dict[int, Datapoint | None] = {}
                for message in subscription.take():
                    merged |= message
                return _ENCODE({"values": self._values(merged)})
        return None

    def put_back(self, packet: bytes) -> None:
        """It could not be sent; it goes first once it can."""
        self._answers.appendleft(packet)

    def close(self) -> None:
        """Let go of all that the app holds: it has gone."""
        for subscription in self._subscriptions:
            self._store.unsubscribe(subscription)
        self._subscriptions.clear()
        self._store.release(self._owner)

    def _done(
        self, request: Get | Set | Subscribe | Provide | Publish, stamp_ns: int
    ) -> dict[str, Any]:
        store = self._store
        match request:
            case Get(paths=paths):
                found = {leaf: store.get(leaf, self._rights) for leaf in self._leaves(paths)}
                return {"values": self._values(found)}
            case Subscribe(paths=paths):
                if len(self._subscriptions) >= SUBSCRIPTIONS_MOST:
                    words = f"more than {SUBSCRIPTIONS_MOST} subscriptions"
                    raise SignalError(Code.TOO_MANY, "", words)
                heard = store.subscribe(self._leaves(paths), self._rights, wake=self._wake)
                self._subscriptions.append(heard)
                return {}
            case Set(values=values):
                outcome = store.actuate(self._rights, self._owner, self._by_id(values))
                return self._errors(outcome.errors)
            case Provide(paths=paths, what=what):
                moves = self._actuated if what == "actuation" else None
                store.claim(self._owner, self._leaves(paths), what, self._rights, moves)
                return {}
            case Publish(values=values):
                points = {
                    leaf: Datapoint(value, stamp_ns) for leaf, value in self._by_id(values).items()
                }
                return self._errors(store.publish(self._rights, points, self._owner))

    def _actuated(self, batch: Mapping[int, Value]) -> None:
        self._actuations.append(batch)
        self._wake()

    def _leaves(self, paths: Iterable[str]) -> list[int]:
        """Numbers of all that paths, branches and patterns cover."""
        found: dict[int, None] = {}
        for path in paths:
            found |= dict.fromkeys(leaf.id for leaf in self._store.metadata(path))
            if len(found) > SIGNALS_MOST:
                raise SignalError(Code.TOO_MANY, path[:200], f"more than {SIGNALS_MOST} signals")
        return list(found)

    def _by_id(self, values: Mapping[str, Any]) -> dict[int, Any]:
        return {self._store.leaf(path).id: value for path, value in values.items()}

    def _path(self, leaf_id: int) -> str:
        return self._store.leaf(leaf_id).path

    def _values(self, found: Mapping[int, Datapoint | None]) -> dict[str, tuple[Any, int]]:
        return {
            self._path(leaf): (None, 0) if point is None else (point.value, point.stamp_ns)
            for leaf, point in found.items()
        }

    def _errors(self, errors: Mapping[int, SignalError]) -> dict[str, Any]:
        if not errors:
            return {}
        return {"errors": {e.path: (e.code.value, e.reason) for e in errors.values()}}

    def _answer(self, number: int, **content: Any) -> None:
        packet = _ENCODE({"id": number, **content})
        if len(packet) > PACKET_MOST_BYTES:
            words = Code.TOO_MANY.value, "the answer is too long: ask for less at once"
            packet = _ENCODE({"id": number, "errors": {"": words}})
        self._answers.append(packet)
        self._wake()
