"""What a car knows while it runs: its kept state, and what is read off it once so that a command is quick.

`Car` is a value: every step gives a new one. A shell writes `car.state` to disk whenever it is another one, before the
order is carried out, and afterwards raises the counter that cannot be set back to `state.generation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from volant.trust.key import crypto, exchange
from volant.trust.key.audit import Entry, LogHead
from volant.trust.key.blobs import Certificate, Proof, Receipt, RevocationList, pack
from volant.trust.key.codes import (
    CLOCK_BACK_MOST_S,
    EPOCH_BYTES,
    ID_BYTES,
    SHARES_MOST,
    Code,
    KeyRefusedError,
    Tier,
)
from volant.trust.key.limits import Limits, Place
from volant.trust.key.roles import Action, Role
from volant.trust.key.state import CarState, KeyEntry, SessionEntry, ShareEntry

FOREVER_S = (1 << 63) - 1
"""The latest time that the kept state can hold."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a step is given of the world."""

    now_ns: int
    """Since boot."""
    unix_s: int | None = None
    """Wall time; None: the car has lost it."""
    place: Place | None = None
    """Where the car is; None: it does not know."""
    near: bool = False
    """Ranging has just said that this phone is near. Signal strength alone never says so."""

    @property
    def boot_ms(self) -> int:
        """Milliseconds since boot."""
        return self.now_ns // 1_000_000


@dataclass(frozen=True, slots=True)
class Grant:
    """A key and all that it may."""

    entry: KeyEntry
    key_id: bytes
    chain: tuple[Certificate, ...] = ()
    ids: tuple[bytes, ...] = ()
    """Whatever may stand in a list of revoked keys to end this one."""

    @property
    def limits(self) -> Limits | None:
        """The narrowest of its certificates; None for a key that was paired at the car."""
        return self.chain[-1].limits if self.chain else None


def grant_of(entry: KeyEntry) -> Grant:
    """A key as it is asked about; nothing is checked but its shape."""
    chain = tuple(Certificate.read(blob) for blob in entry.chain)
    key_id = entry.key_id
    shares = tuple(one.share_id for one in chain)
    return Grant(entry, key_id, chain, (key_id, *shares, *(one.issuer for one in chain)))


@dataclass(frozen=True, slots=True)
class Session:
    """Keys of a session in this boot, and the highest counter that was taken."""

    key_id: bytes
    keys: exchange.FastKeys
    highest: int = 0


@dataclass(frozen=True, slots=True)
class Pairing:
    """The car's screen shows a code and waits for a key."""

    secret: bytes = field(repr=False)
    role: Role
    until_ns: int


@dataclass(frozen=True, slots=True)
class Car:
    """A car that runs."""

    state: CarState
    epoch: bytes
    """Fresh chance at every boot."""
    own: crypto.PrivateKey
    public: bytes
    car_id: bytes
    grants: Mapping[bytes, Grant]
    lists: Mapping[bytes, RevocationList]
    revoked: frozenset[bytes]
    sessions: Mapping[bytes, Session]
    anchor: int = 0
    """The highest generation that was ever reached, from the counter that cannot be set back."""
    rolled_back: bool = False
    pairing: Pairing | None = None
    allowed_until_ns: Mapping[Action, int] = field(default_factory=dict)

    @property
    def owners(self) -> frozenset[bytes]:
        """Key ids of owners that are not revoked."""
        return frozenset(
            name
            for name, grant in self.grants.items()
            if grant.entry.role is Role.OWNER and name not in self.revoked
        )

    @property
    def log(self) -> LogHead:
        """How far the log has come."""
        return LogHead(self.state.log_count, self.state.log_head)

    def clock_s(self, moment: Moment) -> int | None:
        """Wall time as far as it can be believed."""
        back = moment.unix_s is None or moment.unix_s + CLOCK_BACK_MOST_S < self.state.clock_s
        return None if back else moment.unix_s

    def share(self, share_id: bytes) -> ShareEntry | None:
        """What is remembered of a share."""
        return next((one for one in self.state.shares if one.share_id == share_id), None)


def boot(state: CarState, epoch: bytes, anchor: int) -> Car:
    """A car that starts.

    Args:
        state: what it kept.
        epoch: 16 bytes of fresh chance.
        anchor: the highest generation that the counter which cannot be set back has seen.
    """
    if len(epoch) != EPOCH_BYTES:
        raise ValueError(f"an epoch has {EPOCH_BYTES} bytes, found {len(epoch)}")
    own = crypto.private_key(state.secret)
    public = crypto.public_of(own)
    bare = Car(state, epoch, own, public, crypto.key_id(public), {}, {}, frozenset(), {})
    car = _indexed(bare, state)
    sessions = {
        one.session_id: Session(one.key_id, exchange.fast_keys(one.resume, epoch))
        for one in state.sessions
    }
    return replace(car, sessions=sessions, anchor=anchor, rolled_back=state.generation < anchor)


def _indexed(car: Car, state: CarState) -> Car:
    lists = {one.issuer: one for one in map(RevocationList.read, state.lists)}
    revoked = frozenset(state.removed).union(
        name for one in lists.values() for name in one.revoked if name != one.issuer
    )
    grants = {grant.key_id: grant for grant in map(grant_of, state.keys)}
    return replace(car, state=state, lists=lists, revoked=revoked, grants=grants)


def changed(car: Car, **fields: Any) -> Car:
    """With another belief in it: the generation rises.

    As long as the memory counts as set back it stays below the anchor, so that a restart does not heal it.
    """
    generation = car.state.generation + 1
    if car.rolled_back:
        generation = min(generation, car.anchor - 1)
    state = msgspec.structs.replace(car.state, generation=generation, **fields)
    return _indexed(car, state)


def with_session(car: Car, keys: exchange.Keys, key_id: bytes) -> Car:
    """A key's session; it takes the place of its older one."""
    kept = tuple(one for one in car.state.sessions if one.key_id != key_id)
    kept = tuple(one for one in kept if one.key_id in car.grants)
    entry = SessionEntry(session_id=keys.session_id, key_id=key_id, resume=keys.resume)
    state = msgspec.structs.replace(car.state, sessions=(*kept, entry))
    sessions = {one.session_id: car.sessions[one.session_id] for one in kept}
    fast = exchange.fast_keys(keys.resume, car.epoch)
    return replace(car, state=state, sessions={**sessions, keys.session_id: Session(key_id, fast)})


def with_share(car: Car, entry: ShareEntry, clock_s: int | None) -> Car:
    """With something remembered of a share.

    Raises:
        KeyRefusedError: there is no room, not even where nothing matters any more.
    """
    others = tuple(one for one in car.state.shares if one.share_id != entry.share_id)
    if len(others) >= SHARES_MOST:
        others = tuple(one for one in others if clock_s is None or one.forget_s > clock_s)
    if len(others) >= SHARES_MOST:
        raise KeyRefusedError(Code.FULL)
    return changed(car, shares=(*others, entry))


def logged(
    car: Car, moment: Moment, key_id: bytes, action: Action, code: Code, tier: Tier
) -> tuple[Car, Entry]:
    """With an entry more in the log."""
    clock_s = car.clock_s(moment)
    entry = Entry(car.log.count + 1, clock_s or 0, key_id, action, code, tier)
    log = car.log.after(entry)
    state = msgspec.structs.replace(
        car.state,
        log_count=log.count,
        log_head=log.head,
        clock_s=max(car.state.clock_s, clock_s or 0),
    )
    return replace(car, state=state), entry


def receipt(car: Car, proof: Proof, subject: bytes, version: int) -> bytes:
    """The car's signed word."""
    log = car.log
    found = Receipt(car.car_id, proof, subject[:ID_BYTES], version, log.count, log.head)
    return pack(found.signed_by(car.own))
