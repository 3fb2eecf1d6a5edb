"""Every rule that can say no to a command, one function each.

They are called by this module's name, so that a test can take a single one away and see the attack behind it succeed
(tests/trust/key/test_attacks.py). Each raises KeyRefusedError and otherwise does nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from volant.trust.key.blobs import Certificate, RevocationList
from volant.trust.key.codes import (
    EXPIRY_MOST_MS,
    HELD_MOST_NS,
    LEASE_SKEW_S,
    VERIFIED_MOST_S,
    Code,
    KeyRefusedError,
    Kind,
    Tier,
)
from volant.trust.key.limits import Limits, Place
from volant.trust.key.roles import Action as _Action
from volant.trust.key.roles import Demand, Right, Role, Where, covers


def _unless(fine: bool, code: Code) -> None:
    if not fine:
        raise KeyRefusedError(code)


# A capsule


def right_transport(kind: Kind, local: bool) -> None:
    """A command made for the radio comes by radio, one made for the network by the network."""
    _unless(local is (kind is Kind.LOCAL), Code.TRANSPORT)


def counter_rises(counter: int, highest: int) -> None:
    """Each counter once, and a newer one kills all older."""
    _unless(counter > highest, Code.REPLAY)


def not_held(age_ns: int, local: bool) -> None:
    """A command comes at once after the car has shown its nonce, or its ephemeral key."""
    _unless(age_ns <= (HELD_MOST_NS if local else EXPIRY_MOST_MS * 1_000_000), Code.HELD)


def nonce_stands(nonce: bytes) -> None:
    """The car has shown a nonce on this very connection, and it is not used yet."""
    _unless(nonce != b"", Code.HELD)


def not_expired(expiry_ms: int, boot_ms: int) -> None:
    """A remote command says until when it is meant."""
    _unless(boot_ms <= expiry_ms, Code.EXPIRED)


def expires_soon(expiry_ms: int, boot_ms: int) -> None:
    """No command is good for long, so none can be kept for later."""
    _unless(expiry_ms <= boot_ms + EXPIRY_MOST_MS, Code.EXPIRY)


# What is signed


def this_car(car_id: bytes, own: bytes) -> None:
    """It was made for this car."""
    _unless(car_id == own, Code.OTHER_CAR)


def issued_by_owner(issuer: bytes, owners: Collection[bytes]) -> None:
    """Its issuer is an owner now."""
    _unless(issuer in owners, Code.KEY)


def issued_by_parent(issuer: bytes, parent: bytes) -> None:
    """A passed-on share comes from the one before it."""
    _unless(issuer == parent, Code.KEY)


def short_chain(length: int, most: int) -> None:
    """Not passed on more often than the car takes."""
    _unless(length <= most, Code.DEPTH)


def may_pass_on(parent: Certificate, child: Certificate) -> None:
    """Each step down has one less to give."""
    _unless(child.depth < parent.depth, Code.DEPTH)


def role_within(parent: Role, child: Role) -> None:
    """Nobody gives away what they have not."""
    _unless(covers(parent, child), Code.BROAD)


def limits_within(parent: Limits, child: Limits) -> None:
    """Nor for longer, faster, further or more often."""
    _unless(child.within(parent), Code.BROAD)


def list_is_newer(found: RevocationList, known: RevocationList | None) -> None:
    """A list of revoked keys replaces an older one only; the same again is fine."""
    older = known is not None and found.version <= known.version
    _unless(not older or (known is not None and found.body() == known.body()), Code.OLD_LIST)


# Who asks


def not_revoked(ids: Collection[bytes], revoked: Collection[bytes]) -> None:
    """Neither the key, nor its share, nor any that it comes from."""
    _unless(not any(one in revoked for one in ids), Code.REVOKED)


def memory_is_whole(rolled_back: bool, role: Role) -> None:
    """When the car's memory is older than it was, only owners are known for sure."""
    _unless(not rolled_back or role is Role.OWNER, Code.ROLLED_BACK)


def role_allows(right: Right, action: _Action) -> None:
    """The table of roles."""
    _unless(action in right.actions, Code.ROLE)


def role_reaches(right: Right, local: bool) -> None:
    """Some keys work at the car only, some over the network only."""
    _unless(right.where is Where.ANYWHERE or local is (right.where is Where.HERE), Code.PRESENCE)


def action_reaches(demand: Demand, local: bool) -> None:
    """Some actions need somebody at the car."""
    _unless(local or not demand.here, Code.PRESENCE)


def tier_is_enough(demand: Demand, tier: Tier) -> None:
    """Driving and governing need fresh keys."""
    _unless(tier >= demand.tier, Code.TIER)


def person_verified(demand: Demand, verified_s: int) -> None:
    """A phone that was taken from its person cannot do everything."""
    _unless(not demand.verified or verified_s <= VERIFIED_MOST_S, Code.VERIFY)


def tapped_or_near(demand: Demand, tapped: bool, near: bool) -> None:
    """Without a tap only what may come by walking up, and only where ranging says near."""
    _unless(tapped or (demand.passive and near), Code.RANGING)


# Limits of a share


def clock_is_known(unix_s: int | None) -> None:
    """Times of a share mean nothing to a car without a clock."""
    _unless(unix_s is not None, Code.NO_CLOCK)


def has_begun(limits: Limits, unix_s: int) -> None:
    """Not before its time."""
    _unless(limits.not_before_s <= unix_s, Code.NOT_YET)


def has_not_ended(limits: Limits, unix_s: int) -> None:
    """Not after its time."""
    _unless(unix_s < limits.not_after_s, Code.ENDED)


def inside_area(limits: Limits, demand: Demand, place: Place | None) -> None:
    """Inside its circle; a car that does not know where it is, is outside."""
    inside = limits.area is None or (place is not None and limits.area.holds(place))
    _unless(inside or demand.safe, Code.AREA)


def uses_left(limits: Limits, demand: Demand, spent: int) -> None:
    """Opens so often and no more."""
    _unless(not (demand.counted and limits.uses and spent >= limits.uses), Code.USES)


def lease_runs(issued_s: int, until_s: int, unix_s: int) -> None:
    """Renewed in time, and not by a clock that runs far ahead."""
    _unless(issued_s <= unix_s + LEASE_SKEW_S and unix_s < until_s, Code.LEASE)


def list_was_seen(certificate: Certificate, known: Mapping[bytes, RevocationList]) -> None:
    """A newer share brings the list under which it was given: so every honest phone carries it to the car."""
    found = known.get(certificate.issuer)
    _unless((found.version if found else 0) >= certificate.list_version, Code.LIST_NEEDED)


# Who comes and goes


def pairing_is_open(until_ns: int, now_ns: int) -> None:
    """The code stands on the screen for two minutes."""
    _unless(now_ns <= until_ns, Code.NO_PAIRING)


def pairing_allowed(first: bool, role: Role, owner_said_so: bool) -> None:
    """The first key is an owner's; for every other one an owner gives the word."""
    _unless(role is Role.OWNER if first else owner_said_so, Code.NO_PAIRING)


def reset_allowed(owner_said_so: bool, card_fits: bool) -> None:
    """An owner has just said so, or somebody has the card that came with the car."""
    _unless(owner_said_so or card_fits, Code.ROLE)


def may_remove(asking: Role, removed: Role) -> None:
    """Owners are taken off by owners only."""
    _unless(asking is Role.OWNER or removed is not Role.OWNER, Code.ROLE)


def owner_remains(removed: Role, others: Collection[bytes]) -> None:
    """A car is never left without one."""
    _unless(removed is not Role.OWNER or len(others) > 0, Code.LAST_OWNER)
