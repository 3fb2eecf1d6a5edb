"""The attacks of the threat table on the pure protocol: each tells whether the attacker has got what it wanted.

Beside each stands what stops it. `REMOVALS` takes exactly that away, and the same attack then succeeds: so none of the
checks stands there for nothing, and no attack fails for another reason than the one that is named.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.trust.key.world import CARD, DAY_S, HOME, NOON_S, Phone, World, key_from, year_from_now
from volant.trust.key import belief, blobs, car, checks, crypto, exchange, sharing
from volant.trust.key.capsule import Request, head, opening
from volant.trust.key.codes import Code, KeyRefusedError, Kind
from volant.trust.key.gate import Link
from volant.trust.key.limits import Area, Limits, Place
from volant.trust.key.phone import asking, confirm, confirmed, dial, heard, open_with
from volant.trust.key.phone import local as local_command
from volant.trust.key.phone import remote as remote_command
from volant.trust.key.roles import Action, Role

UNLOCK, LOCK = Request(Action.UNLOCK), Request(Action.LOCK)
PASSIVE = Request(Action.UNLOCK, tapped=False)


@dataclass(frozen=True)
class Attack:
    """One case."""

    threat: str
    name: str
    stopped_by: str
    run: Callable[[World], bool]


ATTACKS: list[Attack] = []


def attack(
    threat: str, stopped_by: str
) -> Callable[[Callable[[World], bool]], Callable[[World], bool]]:
    def keep(run: Callable[[World], bool]) -> Callable[[World], bool]:
        ATTACKS.append(Attack(threat, run.__name__.replace("_", " "), stopped_by, run))
        return run

    return keep


# What can be taken away beside the functions of `checks`


def _unseal_unchecked(key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    """AES-GCM without its tag: counter mode from 2 on (SP 800-38D, 6.5)."""
    stream = Cipher(algorithms.AES(key), modes.CTR(nonce + b"\x00\x00\x00\x02")).decryptor()
    return stream.update(sealed[:-16])


_fast_keys, _bound_fast, _finish = exchange.fast_keys, exchange.bound_fast, exchange.finish
REMOVALS: dict[str, list[tuple[Any, str, Any]]] = {
    "the tag": [(crypto, "unseal", _unseal_unchecked)],
    "the signature": [(crypto, "verify", lambda *_: None)],
    "the epoch": [
        (exchange, "fast_keys", lambda resume, _: _fast_keys(resume, b"")),
        (exchange, "bound_fast", lambda o, c, _, n: _bound_fast(o, c, b"", n)),
    ],
    "the car's nonce": [(exchange, "bound_fast", lambda o, c, e, _: _bound_fast(o, c, e, b""))],
    "the key of the phone": [
        (exchange, "finish", lambda agreed, _, once, text: _finish(agreed, b"", once, text))
    ],
    "the one-time secret": [
        (exchange, "finish", lambda agreed, se, _, text: _finish(agreed, se, b"", text))
    ],
    "the car's memory of its clock": [(car, "CLOCK_BACK_MOST_S", 10**12)],
}


def removal(name: str) -> list[tuple[Any, str, Any]]:
    return REMOVALS.get(name) or [(checks, name, lambda *_: None)]


# Small tools of the attacker


def sent_remote(world: World, phone: Phone, request: Request) -> bytes:
    """A remote command that the network keeps for itself."""
    assert phone.clock is not None
    phone.car, waiting = remote_command(phone.car, phone.clock, world.now_ns, request)
    return waiting.data


def sent_local(world: World, phone: Phone, link: Link, request: Request) -> tuple[Link, bytes]:
    """A command beside the car that was jammed."""
    step = world.receive(link, head(Kind.ASK))
    phone.car, waiting = local_command(phone.car, step.reply, request)
    return step.link, waiting.data


def deliver(world: World, data: bytes, local: bool = False) -> bool:
    return world.receive(world.link(local), data).order is not None


def by_hand(world: World, signer: Phone, subject: Phone, **fields: Any) -> bytes:
    """A certificate of a phone that keeps to no rule."""
    made = blobs.Certificate(
        world.car.car_id, signer.key_id, bytes(16), subject.public, Role.GUEST, 0, 0,
        year_from_now(),
    )  # fmt: skip
    return blobs.pack(replace(made, **fields).signed_by(crypto.private_key(signer.state.secret)))


def opens_with(world: World, phone: Phone, *chain: bytes, request: Request = UNLOCK) -> bool:
    """Whether a chain opens the car, whatever the phone itself thinks of it."""
    return world.standard(phone, request, identity=belief.identity_chain(chain)) is Code.OK


def passed_on(world: World, **fields: Any) -> bool:
    """A friend with narrow limits passes on more than that."""
    owner = world.owner()
    narrow = Limits(
        NOON_S - 10, NOON_S + 1000, uses=2, speed_most_dmps=100, area=Area(HOME, 1000), lease_s=3600
    )
    friend = world.friend(owner, limits=narrow, depth=1)
    other = world.phone("other")
    broad = replace(narrow, **fields)
    return opens_with(world, other, *friend.car.chain, by_hand(world, friend, other, limits=broad))


def asks(role: Role, action: Action, local: bool = True) -> Callable[[World], bool]:
    def run(world: World) -> bool:
        phone = world.friend(world.owner(), role=role)
        request = Request(action, verified_s=0, argument=phone.key_id)
        return world.standard(phone, request, local=local) is Code.OK

    return run


def unverified(action: Action, argument: bytes = b"") -> Callable[[World], bool]:
    def run(world: World) -> bool:
        owner = world.owner()
        world.tap(owner, Action.ALLOW_PAIRING)
        world.owner("second")
        return (
            world.standard(owner, Request(action, verified_s=31, argument=owner.key_id)) is Code.OK
        )

    return run


# Replay


@attack("replay", "counter_rises")
def the_network_sends_a_command_twice(world: World) -> bool:
    data = sent_remote(world, world.owner(), UNLOCK)
    assert deliver(world, data)
    return deliver(world, data)


@attack("replay", "counter_rises")
def the_network_sends_an_older_command_after_a_newer(world: World) -> bool:
    owner = world.owner()
    unlock, lock = sent_remote(world, owner, UNLOCK), sent_remote(world, owner, LOCK)
    assert deliver(world, lock)
    return deliver(world, unlock)


@attack("replay", "the epoch")
def a_command_from_before_the_restart(world: World) -> bool:
    data = sent_remote(world, world.owner(), UNLOCK)
    assert deliver(world, data)
    world.restart()
    return deliver(world, data)


@attack("replay", "right_transport")
def a_command_for_the_network_by_radio(world: World) -> bool:
    return deliver(world, sent_remote(world, world.owner(), UNLOCK), local=True)


@attack("replay", "right_transport")
def a_command_for_the_radio_by_the_network(world: World) -> bool:
    link, data = sent_local(world, world.owner(), world.link(local=False), UNLOCK)
    return world.receive(link, data).order is not None


@attack("replay", "the car's nonce")
def a_command_on_another_connection(world: World) -> bool:
    owner = world.owner()
    _, data = sent_local(world, owner, world.link(), UNLOCK)
    step = world.receive(world.link(), head(Kind.ASK))
    return world.receive(step.link, data).order is not None


@attack("replay", "this_car")
def a_share_of_another_car(world: World) -> bool:
    """The owner has two cars and one key."""
    owner = world.owner()
    friend = world.phone("friend")
    return opens_with(world, friend, by_hand(world, owner, friend, car_id=bytes(16)))


# Jam and hold


@attack("jam and hold", "not_held")
def a_fast_command_held_for_600_ms(world: World) -> bool:
    link, data = sent_local(world, world.owner(), world.link(), UNLOCK)
    world.now_ns += 600_000_000
    return world.receive(link, data).order is not None


@attack("jam and hold", "not_held")
def an_exchange_held_for_600_ms(world: World) -> bool:
    link, waiting = world.dialled(world.owner(), UNLOCK, world.link())
    world.now_ns += 600_000_000
    return world.receive(link, waiting.data).order is not None


@attack("jam and hold", "not_held")
def an_exchange_over_the_network_held_for_11_s(world: World) -> bool:
    link, waiting = world.dialled(world.owner(), UNLOCK, world.link(local=False))
    world.now_ns += 11_000_000_000
    return world.receive(link, waiting.data).order is not None


@attack("jam and hold", "not_expired")
def a_remote_command_held_for_11_s(world: World) -> bool:
    data = sent_remote(world, world.owner(), UNLOCK)
    world.now_ns += 11_000_000_000
    return deliver(world, data)


@attack("jam and hold", "expires_soon")
def a_remote_command_that_is_good_for_an_hour(world: World) -> bool:
    """The network told the phone a wrong time of the car, an hour ahead."""
    owner = world.owner()
    assert owner.clock is not None
    owner.clock = replace(owner.clock, boot_ms=owner.clock.boot_ms + 3_600_000)
    data = sent_remote(world, owner, UNLOCK)
    world.now_ns += 600_000_000_000
    return deliver(world, data)


@attack("jam and hold", "nonce_stands")
def a_command_for_a_nonce_that_was_never_shown(world: World) -> bool:
    """Sealed for no nonce at all, on a connection that has not asked."""
    owner = world.owner()
    number = owner.car.counter + 1
    keys = exchange.fast_keys(owner.car.resume, world.car.epoch)
    clear = opening(Kind.LOCAL, owner.car.session_id, number)
    bound = exchange.bound_fast(clear, owner.car.car_id, world.car.epoch, b"")
    body = crypto.seal(keys.to_car, exchange.nonce(Kind.LOCAL, number), UNLOCK.pack(), bound)
    return (
        world.receive(replace(world.link(), nonce_ns=world.now_ns), clear + body).order is not None
    )


# A hostile cloud, broker, database


@attack("hostile cloud", "the tag")
def lock_is_turned_into_unlock(world: World) -> bool:
    data = bytearray(sent_remote(world, world.owner(), LOCK))
    data[len(opening(Kind.REMOTE, bytes(8), 0)) + 1] ^= Action.LOCK ^ Action.UNLOCK
    deliver(world, bytes(data))
    return world.did(Action.UNLOCK)


@attack("hostile cloud", "the tag")
def a_refusal_is_turned_into_done(world: World) -> bool:
    friend = world.friend(world.owner(), role=Role.MONITOR)
    world.standard(friend, Request(Action.STATUS))
    assert friend.clock is not None
    friend.car, waiting = remote_command(friend.car, friend.clock, world.now_ns, UNLOCK)
    reply = bytearray(world.receive(world.link(local=False), waiting.data).reply)
    reply[14] ^= Code.ROLE ^ Code.OK
    try:
        return heard(friend.car, waiting, bytes(reply), 0).answer.code is Code.OK
    except KeyRefusedError:
        return False


@attack("hostile cloud", "the signature")
def a_forged_receipt_says_that_the_car_has_the_list(world: World) -> bool:
    owner = world.owner()
    made = blobs.Receipt(
        world.car.car_id, blobs.Proof.LIST, owner.key_id, 7, 0, bytes(32)
    ).signed_by(crypto.private_key(key_from("cloud")))
    try:
        return confirmed(confirm(owner.car, blobs.pack(made)), owner.key_id) == 7
    except KeyRefusedError:
        return False


@attack("hostile cloud", "this_car")
def a_receipt_of_another_car_of_the_same_maker_key(world: World) -> bool:
    owner = world.owner()
    made = blobs.Receipt(bytes(16), blobs.Proof.LIST, owner.key_id, 7, 0, bytes(32))
    try:
        blob = blobs.pack(made.signed_by(world.car.own))
        return confirmed(confirm(owner.car, blob), owner.key_id) == 7
    except KeyRefusedError:
        return False


@attack("hostile cloud", "the tag")
def a_false_car_answers(world: World) -> bool:
    """Whether the phone goes on with a car that is not its own."""
    owner, other = world.owner(), World("false car")
    begun = dial(world.chance())
    reply = other.receive(other.link(), begun.hello).reply
    try:
        open_with(owner.state, owner.car, begun, reply, UNLOCK, b"")
    except KeyRefusedError:
        return False
    return True


@attack("hostile cloud", "the key of the phone")
def somebody_says_to_be_the_owner(world: World) -> bool:
    """Key ids are no secret."""
    owner, thief = world.owner(), world.phone("thief")
    identity = belief.identity_known(owner.key_id)
    return world.standard(thief, UNLOCK, identity=identity) is Code.OK


# A stolen phone


ATTACKS.extend(
    Attack("stolen phone", f"{action.name.lower()} without the person", "person_verified", unverified(action))
    for action in (
        Action.DRIVE, Action.MOVE, Action.ALARM_OFF, Action.UPDATE_CONSENT, Action.ALLOW_PAIRING,
        Action.ALLOW_RESET, Action.REMOVE_KEY, Action.TRUST_AGAIN,
    )
)  # fmt: skip


@attack("stolen phone", "tier_is_enough")
def driving_off_with_a_copied_session(world: World) -> bool:
    return world.local(world.owner(), Request(Action.DRIVE, verified_s=0)) is Code.OK


@attack("stolen phone", "not_revoked")
def a_revoked_phone_by_its_session(world: World) -> bool:
    owner = world.owner()
    lost = world.friend(owner)
    world.standard(lost, LOCK)
    world.revoke(owner, lost.key_id)
    world.tap(owner, Action.STATUS)
    return world.local(lost, UNLOCK) is Code.OK


@attack("stolen phone", "not_revoked")
def a_revoked_share_by_a_fresh_exchange(world: World) -> bool:
    owner = world.owner()
    lost = world.friend(owner)
    world.revoke(owner, blobs.Certificate.read(lost.car.chain[0]).share_id)
    world.tap(owner, Action.STATUS)
    return world.standard(lost, UNLOCK) is Code.OK


@attack("stolen phone", "not_revoked")
def a_friend_of_a_revoked_friend(world: World) -> bool:
    owner = world.owner()
    friend = world.friend(owner, depth=1)
    other = world.friend(friend, "other")
    world.revoke(owner, friend.key_id)
    world.tap(owner, Action.STATUS)
    return world.standard(other, UNLOCK) is Code.OK


# Roles


for _role, _action in (
    (Role.GUEST, Action.READ_LOG), (Role.GUEST, Action.ALLOW_PAIRING),
    (Role.DRIVER, Action.ALLOW_PAIRING), (Role.DRIVER, Action.REMOVE_KEY),
    (Role.DRIVER, Action.ALLOW_RESET), (Role.DRIVER, Action.UPDATE_CONSENT),
    (Role.VALET, Action.TRUNK), (Role.VALET, Action.LOCATE), (Role.MONITOR, Action.UNLOCK),
    (Role.CHARGING, Action.UNLOCK), (Role.SERVICE, Action.ALLOW_PAIRING),
    (Role.HOME, Action.UNLOCK), (Role.HOME, Action.DRIVE),
):  # fmt: skip
    ATTACKS.append(
        Attack(
            "role",
            f"{_role.name.lower()} asks {_action.name.lower()}",
            "role_allows",
            asks(_role, _action),
        )
    )
ATTACKS += [
    Attack("role", "fleet unlocks at the car", "role_reaches", asks(Role.FLEET, Action.UNLOCK)),
    Attack(
        "role",
        "service unlocks from afar",
        "role_reaches",
        asks(Role.SERVICE, Action.UNLOCK, False),
    ),
    Attack(
        "role",
        "driver starts the car from afar",
        "action_reaches",
        asks(Role.DRIVER, Action.DRIVE, False),
    ),
    Attack(
        "role",
        "driver moves the car from afar",
        "action_reaches",
        asks(Role.DRIVER, Action.MOVE, False),
    ),
]


@attack("role", "action_reaches")
def an_owner_s_session_in_the_cloud_allows_pairing(world: World) -> bool:
    request = Request(Action.ALLOW_PAIRING, verified_s=0)
    return world.standard(world.owner(), request, local=False) is Code.OK


@attack("role", "may_remove")
def service_takes_an_owner_off(world: World) -> bool:
    owner = world.owner()
    world.tap(owner, Action.ALLOW_PAIRING)
    second = world.owner("second")
    service = world.friend(owner, role=Role.SERVICE)
    return world.tap(service, Action.REMOVE_KEY, argument=second.key_id) is Code.OK


@attack("role", "owner_remains")
def the_last_owner_goes(world: World) -> bool:
    owner = world.owner()
    return world.tap(owner, Action.REMOVE_KEY, argument=owner.key_id) is Code.OK


# Shares


@attack("share", "the signature")
def a_share_with_a_forged_signature(world: World) -> bool:
    owner, thief = world.owner(), world.phone("thief")
    blob = by_hand(world, thief, thief, issuer=owner.key_id)
    return opens_with(world, thief, blob)


@attack("share", "issued_by_owner")
def a_driver_shares_the_car(world: World) -> bool:
    owner = world.owner()
    world.tap(owner, Action.ALLOW_PAIRING)
    driver, thief = world.phone("driver"), world.phone("thief")
    world.pair(driver, Role.DRIVER)
    return opens_with(world, thief, by_hand(world, driver, thief))


@attack("share", "role_within")
def an_owner_made_by_certificate(world: World) -> bool:
    owner, thief = world.owner(), world.phone("thief")
    blob = by_hand(world, owner, thief, role=Role.OWNER)
    return opens_with(world, thief, blob, request=Request(Action.READ_LOG))


@attack("share", "role_within")
def a_valet_makes_a_guest(world: World) -> bool:
    valet = world.friend(world.owner(), role=Role.VALET, depth=1)
    other = world.phone("other")
    blob = by_hand(world, valet, other)
    return opens_with(world, other, *valet.car.chain, blob, request=Request(Action.TRUNK))


@attack("share", "may_pass_on")
def passed_on_without_leave(world: World) -> bool:
    friend, other = world.friend(world.owner()), world.phone("other")
    return opens_with(world, other, *friend.car.chain, by_hand(world, friend, other))


@attack("share", "may_pass_on")
def passed_on_as_deep_as_before(world: World) -> bool:
    friend, other = world.friend(world.owner(), depth=1), world.phone("other")
    return opens_with(world, other, *friend.car.chain, by_hand(world, friend, other, depth=1))


@attack("share", "short_chain")
def passed_on_four_times(world: World) -> bool:
    phone = world.friend(world.owner(), depth=9)
    chain = phone.car.chain
    for number in range(3):
        following = world.phone(f"friend {number}")
        chain = (*chain, by_hand(world, phone, following, depth=8 - number))
        phone = following
    return opens_with(world, phone, *chain)


@attack("share", "issued_by_parent")
def a_revoked_friend_passes_on_under_a_false_name(world: World) -> bool:
    """The list names the friend's key; the child's certificate names another issuer."""
    owner = world.owner()
    friend, other = world.friend(owner, depth=1), world.phone("other")
    world.revoke(owner, friend.key_id)
    world.tap(owner, Action.STATUS)
    blob = by_hand(world, friend, other, issuer=b"?" * 16)
    return opens_with(world, other, *friend.car.chain, blob)


for _name, _fields in {
    "earlier": {"not_before_s": NOON_S - 11}, "longer": {"not_after_s": NOON_S + 1001},
    "more often": {"uses": 3}, "as often as wanted": {"uses": 0},
    "faster": {"speed_most_dmps": 101}, "without a speed limit": {"speed_most_dmps": 0},
    "further": {"area": Area(HOME, 1001)}, "everywhere": {"area": None},
    "elsewhere": {"area": Area(Place(HOME.latitude_e7 + 9000, HOME.longitude_e7), 1000)},
    "without a lease": {"lease_s": 0}, "with a longer lease": {"lease_s": 3601},
}.items():  # fmt: skip
    ATTACKS.append(
        Attack(
            "share", f"passed on {_name}", "limits_within",
            lambda world, fields=_fields: passed_on(world, **fields),  # type: ignore[misc]
        )
    )  # fmt: skip


# Limits of a share


def later(limits: Limits, change: Callable[[World], None]) -> Callable[[World], bool]:
    def run(world: World) -> bool:
        owner = world.owner()
        friend = world.friend(owner, limits=limits)
        world.tap(owner, Action.LOCK)
        change(world)
        return world.standard(friend, UNLOCK) is Code.OK

    return run


def _set(**fields: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    return change


NEAR_HOME = year_from_now(area=Area(HOME, 1000))
ATTACKS += [
    Attack("limits", "before its time", "has_begun",
           later(Limits(NOON_S + 1, NOON_S + 10), _set())),
    Attack("limits", "after its time", "has_not_ended",
           later(Limits(NOON_S - 10, NOON_S), _set())),
    Attack("limits", "outside its area", "inside_area",
           later(NEAR_HOME, _set(place=Place(HOME.latitude_e7, HOME.longitude_e7 + 200_000)))),
    Attack("limits", "where the car does not know where it is", "inside_area",
           later(NEAR_HOME, _set(place=None))),
    Attack("clocks", "a car that has lost its clock", "clock_is_known",
           later(Limits(0, NOON_S), _set(unix_s=None))),
    Attack("clocks", "a car whose clock was set back", "the car's memory of its clock",
           later(Limits(0, NOON_S), _set(unix_s=NOON_S - 3 * DAY_S))),
]  # fmt: skip


@attack("limits", "uses_left")
def once_more_than_allowed(world: World) -> bool:
    friend = world.friend(world.owner(), limits=year_from_now(uses=1))
    world.standard(friend, UNLOCK)
    return world.local(friend, UNLOCK) is Code.OK


@attack("limits", "uses_left")
def once_more_after_a_restart(world: World) -> bool:
    friend = world.friend(world.owner(), limits=year_from_now(uses=1))
    world.standard(friend, UNLOCK)
    world.restart()
    return world.local(friend, UNLOCK) is Code.OK


@attack("revocation with the car offline", "lease_runs")
def a_share_that_was_not_renewed(world: World) -> bool:
    friend = world.friend(world.owner(), limits=year_from_now(lease_s=3600))
    return world.standard(friend, UNLOCK) is Code.OK


@attack("revocation with the car offline", "lease_runs")
def a_lease_from_the_far_future(world: World) -> bool:
    owner = world.owner()
    friend = world.friend(owner, limits=year_from_now(lease_s=DAY_S))
    share_id = blobs.Certificate.read(friend.car.chain[0]).share_id
    lease = sharing.lease(owner.state, owner.car, share_id, NOON_S + 90 * DAY_S, DAY_S)
    friend.car = sharing.carry(friend.car, lease)
    return world.standard(friend, asking(friend.car, UNLOCK)) is Code.OK


@attack("revocation with the car offline", "list_was_seen")
def a_newer_share_without_the_list(world: World) -> bool:
    """The friend keeps the list back to spare somebody."""
    owner = world.owner()
    world.revoke(owner, b"1" * 16)
    friend = world.friend(owner)
    return world.standard(friend, UNLOCK) is Code.OK


@attack("revocation with the car offline", "list_is_newer")
def an_older_list_brings_a_key_back(world: World) -> bool:
    owner = world.owner()
    bad = world.friend(owner)
    world.revoke(owner, b"1" * 16)
    old = owner.car.lists[0]
    world.revoke(owner, bad.key_id)
    world.tap(owner, Action.STATUS)
    return world.standard(bad, Request(Action.UNLOCK, attached=(old,))) is Code.OK


@attack("revocation with the car offline", "issued_by_owner")
def a_friend_revokes_another(world: World) -> bool:
    owner = world.owner()
    friend, honest = world.friend(owner), world.friend(owner, "honest")
    found = blobs.RevocationList(world.car.car_id, friend.key_id, 9, NOON_S, (honest.key_id,))
    blob = blobs.pack(found.signed_by(crypto.private_key(friend.state.secret)))
    world.standard(friend, Request(Action.STATUS))
    world.standard(friend, Request(Action.STATUS, attached=(blob,)))
    return world.standard(honest, UNLOCK) is Code.REVOKED


@attack("revocation with the car offline", "the signature")
def a_forged_list_revokes_a_friend(world: World) -> bool:
    owner = world.owner()
    friend, honest = world.friend(owner), world.friend(owner, "honest")
    found = blobs.RevocationList(world.car.car_id, owner.key_id, 9, NOON_S, (honest.key_id,))
    blob = blobs.pack(found.signed_by(crypto.private_key(friend.state.secret)))
    world.standard(friend, Request(Action.STATUS, attached=(blob,)))
    return world.standard(honest, UNLOCK) is Code.REVOKED


@attack("state rollback", "memory_is_whole")
def a_revoked_key_after_the_memory_was_set_back(world: World) -> bool:
    owner = world.owner()
    bad = world.friend(owner)
    world.standard(bad, UNLOCK)
    kept = world.car.state
    world.revoke(owner, bad.key_id)
    world.tap(owner, Action.STATUS)
    world.restart(kept)
    return world.standard(bad, UNLOCK) is Code.OK


# Relay


@attack("relay", "tapped_or_near")
def walking_up_without_ranging(world: World) -> bool:
    return world.local(world.owner(), PASSIVE) is Code.OK


@attack("relay", "tapped_or_near")
def the_trunk_by_walking_up(world: World) -> bool:
    world.near = True
    return world.local(world.owner(), Request(Action.TRUNK, tapped=False)) is Code.OK


# Pairing and reset


@attack("pairing", "the one-time secret")
def pairing_without_having_seen_the_screen(world: World) -> bool:
    world.car = belief.open_pairing(world.car, Role.OWNER, world.chance()[:16], world.moment)
    thief = world.phone("thief")
    identity = belief.identity_pair(thief.public, "thief")
    return world.standard(thief, UNLOCK, identity=identity, one_time=bytes(16)) is Code.OK


@attack("pairing", "pairing_is_open")
def the_code_on_a_photo(world: World) -> bool:
    secret = world.chance()[:16]
    world.car = belief.open_pairing(world.car, Role.OWNER, secret, world.moment)
    world.now_ns += 121 * 10**9
    thief = world.phone("thief")
    identity = belief.identity_pair(thief.public, "thief")
    return world.standard(thief, UNLOCK, identity=identity, one_time=secret) is Code.OK


@attack("pairing", "pairing_allowed")
def a_valet_opens_the_screen(world: World) -> bool:
    world.owner()
    try:
        return world.pair(world.phone("valet"), Role.DRIVER) is Code.OK
    except KeyRefusedError:
        return False


@attack("pairing", "reset_allowed")
def a_thief_sets_the_car_back(world: World) -> bool:
    world.owner()
    try:
        belief.reset(world.car, world.chance(), b"guess", CARD, world.moment)
    except KeyRefusedError:
        return False
    return True
