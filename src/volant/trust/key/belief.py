"""What a car comes to believe: shares, lists of revoked keys, leases, paired keys, and how it forgets all.

Everything works at the car without a network; who signed is checked against the owners that the car knows.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec

from volant.trust.key import checks, crypto
from volant.trust.key.binary import Reader, counted, number
from volant.trust.key.blobs import (
    BLOB_MOST_BYTES,
    Certificate,
    Lease,
    Proof,
    RevocationList,
    check,
    pack,
    pack_chain,
)
from volant.trust.key.capsule import Taken
from volant.trust.key.car import (
    FOREVER_S,
    Car,
    Grant,
    Moment,
    Pairing,
    changed,
    grant_of,
    receipt,
    with_share,
)
from volant.trust.key.codes import (
    CHAIN_MOST,
    ID_BYTES,
    KEYS_MOST,
    NAME_MOST_BYTES,
    NONCE_BYTES,
    OWNERS_MOST,
    PAIRING_MOST_NS,
    PUBLIC_BYTES,
    SHARES_MOST,
    Code,
    KeyRefusedError,
)
from volant.trust.key.roles import Action, Role
from volant.trust.key.state import CarState, KeyEntry, ShareEntry

KNOWN, CHAIN, PAIR = 1, 2, 3
"""How a phone says who it is: by a key id, by certificates, or by a new key."""


def identity_known(key_id: bytes) -> bytes:
    """Of a phone that the car knows."""
    return number(KNOWN, 1) + key_id


def identity_chain(chain: tuple[bytes, ...]) -> bytes:
    """Of a phone that was given a share."""
    return number(CHAIN, 1) + pack_chain(chain)


def identity_pair(public: bytes, name: str) -> bytes:
    """Of a phone before a car that waits for a key."""
    return number(PAIR, 1) + public + counted(name.encode(), 1)


def who(car: Car, identity: bytes, moment: Moment) -> tuple[Grant, bytes]:
    """Who a phone says it is, and the one-time secret that must stand behind it (empty but for pairing).

    Nothing is believed yet: the phone shows that it holds the key with the request that follows.

    Raises:
        KeyRefusedError: malformed, unknown, not signed, too broad, or no pairing is open.
    """
    reader = Reader(identity)
    form = reader.number(1)
    if form == KNOWN:
        found = car.grants.get(reader.take(ID_BYTES))
        reader.end()
        if found is None:
            raise KeyRefusedError(Code.KEY)
        return found, b""
    if form == CHAIN:
        count = reader.number(1)
        checks.short_chain(count, CHAIN_MOST)
        blobs = tuple(reader.counted(BLOB_MOST_BYTES) for _ in range(count))
        reader.end()
        return from_chain(car, blobs), b""
    if form != PAIR:
        raise KeyRefusedError(Code.MALFORMED)
    public = reader.take(PUBLIC_BYTES)
    name = _name(reader.counted(NAME_MOST_BYTES, 1))
    reader.end()
    if car.pairing is None:
        raise KeyRefusedError(Code.NO_PAIRING)
    checks.pairing_is_open(car.pairing.until_ns, moment.now_ns)
    return grant_of(KeyEntry(public=public, role=car.pairing.role, name=name)), car.pairing.secret


def _name(data: bytes) -> str:
    try:
        name = data.decode()
    except UnicodeDecodeError as error:
        raise KeyRefusedError(Code.MALFORMED) from error
    if not name.isprintable():
        raise KeyRefusedError(Code.MALFORMED)
    return name


def from_chain(car: Car, blobs: tuple[bytes, ...]) -> Grant:
    """What certificates give, if an owner stands at their beginning and none gives more than it has.

    Raises:
        KeyRefusedError: they do not.
    """
    if not blobs:
        raise KeyRefusedError(Code.MALFORMED)
    chain = tuple(Certificate.read(blob) for blob in blobs)
    for certificate in chain:
        checks.this_car(certificate.car_id, car.car_id)
    check(chain[0], _owner_public(car, chain[0].issuer))
    checks.role_within(Role.OWNER, chain[0].role)
    for parent, child in pairwise(chain):
        checks.issued_by_parent(child.issuer, crypto.key_id(parent.subject))
        check(child, parent.subject)
        checks.may_pass_on(parent, child)
        checks.role_within(parent.role, child.role)
        checks.limits_within(parent.limits, child.limits)
    last = chain[-1]
    return grant_of(KeyEntry(public=last.subject, role=last.role, chain=blobs))


def keep(car: Car, grant: Grant) -> Car:
    """Remember a key that has shown itself, so that next time its name is enough.

    A paired key is never replaced by a share of the same key. Without room, the oldest share is forgotten; it comes
    back with its certificates.

    Raises:
        KeyRefusedError: there is no room and nothing to forget.
    """
    known = car.grants.get(grant.key_id)
    if known is not None and (known.entry == grant.entry or (grant.chain and not known.chain)):
        return car
    others = tuple(entry for entry in car.state.keys if entry.public != grant.entry.public)
    if len(others) >= KEYS_MOST:
        oldest = next((entry for entry in others if entry.chain), None)
        if oldest is None:
            raise KeyRefusedError(Code.FULL)
        others = tuple(entry for entry in others if entry is not oldest)
    return changed(car, keys=(*others, grant.entry))


def take(car: Car, blob: bytes, clock_s: int | None) -> tuple[Car, Taken]:
    """Take over something that a phone has carried here; whoever carried it, only its signature counts."""
    try:
        if blob[:4] == RevocationList.MAGIC:
            return _take_list(car, RevocationList.read(blob))
        return _take_lease(car, Lease.read(blob), clock_s)
    except KeyRefusedError as error:
        return car, Taken(error.code)


def _owner_public(car: Car, issuer: bytes) -> bytes:
    checks.issued_by_owner(issuer, car.owners)
    return car.grants[issuer].entry.public


def _take_list(car: Car, found: RevocationList) -> tuple[Car, Taken]:
    checks.this_car(found.car_id, car.car_id)
    check(found, _owner_public(car, found.issuer))
    known = car.lists.get(found.issuer)
    checks.list_is_newer(found, known)
    if known is None or known.body() != found.body():
        lists = {**car.lists, found.issuer: found}
        # What an owner signed who is one no more is dropped, so that the table cannot fill up.
        packed = tuple(pack(one) for name, one in lists.items() if name in car.grants)
        car = changed(car, lists=packed)
    return car, Taken(Code.OK, receipt(car, Proof.LIST, found.issuer, found.version))


def _take_lease(car: Car, found: Lease, clock_s: int | None) -> tuple[Car, Taken]:
    checks.this_car(found.car_id, car.car_id)
    check(found, _owner_public(car, found.issuer))
    known = car.share(found.share_id)
    if known is None or known.lease_until_s < found.until_s:
        until_s = min(found.until_s, FOREVER_S)
        entry = ShareEntry(
            share_id=found.share_id,
            spent=known.spent if known else 0,
            lease_issuer=found.issuer,
            lease_issued_s=min(found.issued_s, FOREVER_S),
            lease_until_s=until_s,
            forget_s=max(known.forget_s if known else 0, until_s),
        )
        car = with_share(car, entry, clock_s)
    proof = receipt(car, Proof.LEASE, found.share_id, found.until_s)
    return car, Taken(Code.OK, proof)


def spend(car: Car, grant: Grant, clock_s: int | None) -> Car:
    """Count a use of every share behind a key that is counted."""
    for certificate in grant.chain:
        if certificate.limits.uses:
            known = car.share(certificate.share_id) or ShareEntry(
                share_id=certificate.share_id, forget_s=0
            )
            ended_s = min(certificate.limits.not_after_s, FOREVER_S)
            entry = msgspec.structs.replace(
                known, spent=known.spent + 1, forget_s=max(known.forget_s, ended_s)
            )
            car = with_share(car, entry, clock_s)
    return car


def open_pairing(car: Car, role: Role, secret: bytes, moment: Moment) -> Car:
    """The car's screen offers to take a key; the secret is shown there and nowhere else, and works once.

    The first key of a car is an owner's. Later an owner must have allowed it within two minutes, so that who merely
    sits in the car adds nothing.

    Raises:
        KeyRefusedError: it is not allowed now.
    """
    if len(secret) != NONCE_BYTES:
        raise ValueError(f"a one-time secret has {NONCE_BYTES} bytes, found {len(secret)}")
    first = not any(entry.role is Role.OWNER for entry in car.state.keys)
    allowed = moment.now_ns <= car.allowed_until_ns.get(Action.ALLOW_PAIRING, -1)
    checks.pairing_allowed(first, role, allowed)
    rest: dict[Action, int] = {
        name: at for name, at in car.allowed_until_ns.items() if name is not Action.ALLOW_PAIRING
    }
    pairing = Pairing(secret, role, moment.now_ns + PAIRING_MOST_NS)
    return replace(car, pairing=pairing, allowed_until_ns=rest)


def pair(car: Car, grant: Grant) -> tuple[Car, Taken]:
    """Take on the key that has shown the one-time secret, which is spent by that.

    Raises:
        KeyRefusedError: there is no room, or an owner has revoked that key.
    """
    removed = tuple(one for one in car.state.removed if one != grant.key_id)
    listed = {name for one in car.lists.values() for name in one.revoked}
    checks.not_revoked((grant.key_id,), listed)
    others = (entry for entry in car.state.keys if entry.public != grant.entry.public)
    owners = sum(entry.role is Role.OWNER for entry in others)
    if grant.entry.role is Role.OWNER and owners >= OWNERS_MOST:
        raise KeyRefusedError(Code.FULL)
    car = keep(replace(changed(car, removed=removed), pairing=None), grant)
    return car, Taken(Code.OK, receipt(car, Proof.PAIRED, grant.key_id, grant.entry.role))


def remove(car: Car, asking: Grant, key_id: bytes) -> tuple[Car, Taken]:
    """Take a key off for good; owners are taken off by owners only, and the last one not at all.

    Raises:
        KeyRefusedError: it is unknown, or may not be taken off.
    """
    found = car.grants.get(key_id)
    if found is None:
        raise KeyRefusedError(Code.KEY)
    checks.may_remove(asking.entry.role, found.entry.role)
    checks.owner_remains(found.entry.role, car.owners - {key_id})
    # What came from that key goes with it, and so does what it had revoked itself: its list will be forgotten.
    gone = {key_id} | {
        name for name, one in car.grants.items() if name in car.revoked or key_id in one.ids
    }
    keys = tuple(entry for entry in car.state.keys if entry.key_id not in gone)
    removed = (*car.state.removed, key_id)[-SHARES_MOST:]
    kept = tuple(one for one in car.state.sessions if one.key_id not in gone)
    sessions = {name: one for name, one in car.sessions.items() if one.key_id not in gone}
    car = replace(changed(car, keys=keys, removed=removed, sessions=kept), sessions=sessions)
    return car, Taken(Code.OK, receipt(car, Proof.REMOVED, key_id, car.state.generation))


def reset(car: Car, chance: bytes, recovery: bytes, next_code: bytes, moment: Moment) -> CarState:
    """Back to how it left the factory, but with another key of its own, so that nothing old fits.

    Args:
        car: as it runs.
        chance: 48 bytes for the new key.
        recovery: the code from the card, or empty where an owner has just allowed it.
        next_code: the code of the new card.
        moment: now.

    Raises:
        KeyRefusedError: neither is there.
    """
    allowed = moment.now_ns <= car.allowed_until_ns.get(Action.ALLOW_RESET, -1)
    checks.reset_allowed(allowed, crypto.digest(recovery) == car.state.recovery)
    return CarState(
        secret=crypto.secret_from(chance),
        recovery=crypto.digest(next_code),
        generation=car.state.generation + 1,
    )
