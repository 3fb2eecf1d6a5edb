"""A day with the key: pairing, sharing, revoking, a lost phone, a second owner, factory reset, a log that is checked."""

import msgspec
import pytest

from tests.trust.key.world import CARD, DAY_S, HOME, NOON_S, World, year_from_now
from volant.core.errors import InputError, RefusedError, TrustError
from volant.trust.key import audit, belief, blobs, crypto, sharing
from volant.trust.key.capsule import Request
from volant.trust.key.car import boot
from volant.trust.key.codes import WORDS, Code, KeyRefusedError
from volant.trust.key.gate import Link, conclude, overdue, pack_keys, receive
from volant.trust.key.limits import Area, Limits, Place
from volant.trust.key.phone import asking, confirm, confirmed
from volant.trust.key.roles import Action, Role

UNLOCK, LOCK, DRIVE = Request(Action.UNLOCK), Request(Action.LOCK), Action.DRIVE


def test_an_owner_pairs_and_opens_by_every_way() -> None:
    world = World()
    owner = world.owner()
    assert world.standard(owner, UNLOCK) is Code.OK
    assert world.local(owner, LOCK) is Code.OK
    assert world.remote(owner, UNLOCK) is Code.OK
    assert world.tap(owner, DRIVE) is Code.OK
    assert [one.action for one in world.orders] == [
        Action.UNLOCK, Action.LOCK, Action.UNLOCK, Action.DRIVE,
    ]  # fmt: skip


def test_sessions_outlive_a_restart_of_the_car() -> None:
    world = World()
    owner = world.owner()
    counter = owner.car.counter
    world.restart()
    assert world.local(owner, UNLOCK) is Code.OK
    assert world.remote(owner, UNLOCK) is Code.OK
    assert owner.car.counter == counter + 2


def test_a_friend_opens_a_car_that_has_never_had_a_network() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    assert world.standard(friend, UNLOCK) is Code.OK
    assert world.local(friend, UNLOCK) is Code.OK
    assert world.tap(friend, DRIVE) is Code.OK
    assert world.orders[-1].limits == year_from_now()
    assert world.tap(friend, Action.READ_LOG) is Code.ROLE
    assert b"friend" not in pack_keys(world.car)


def test_a_friend_of_a_friend_where_it_was_allowed() -> None:
    world = World()
    friend = world.friend(world.owner(), depth=1)
    other = world.friend(friend, "other", Role.VALET)
    assert world.standard(other, UNLOCK) is Code.OK
    with pytest.raises(RefusedError):
        world.friend(other, "third")


def test_a_key_the_car_has_forgotten_comes_back_with_its_certificates() -> None:
    world = World()
    friend = world.friend(world.owner())
    assert world.standard(friend, UNLOCK) is Code.OK
    keys = tuple(entry for entry in world.car.state.keys if not entry.chain)
    world.restart(msgspec.structs.replace(world.car.state, keys=keys, sessions=()))
    assert world.local(friend, UNLOCK) is Code.SESSION
    assert world.standard(friend, UNLOCK) is Code.KEY
    assert world.standard(friend, UNLOCK) is Code.OK


def test_a_revoked_key_stops_with_the_next_honest_newer_key() -> None:
    world = World()
    owner = world.owner()
    bad = world.friend(owner, "bad")
    assert world.standard(bad, UNLOCK) is Code.OK
    world.revoke(owner, bad.key_id)
    honest = world.friend(owner, "honest")
    assert world.local(bad, UNLOCK) is Code.OK
    assert confirmed(owner.car, owner.key_id) == 0
    # The newer share does not work without the list, and with it the list is in force.
    assert world.standard(honest, UNLOCK) is Code.LIST_NEEDED
    assert world.standard(honest, asking(honest.car, UNLOCK)) is Code.OK
    assert world.local(bad, UNLOCK) is Code.REVOKED
    assert world.standard(bad, UNLOCK) is Code.REVOKED
    # The receipt goes back to the owner by any way.
    owner.car = confirm(owner.car, honest.car.confirmed[0])
    assert confirmed(owner.car, owner.key_id) == 1
    assert asking(owner.car, UNLOCK).attached == ()
    assert asking(owner.car, UNLOCK, everything=True).attached == owner.car.lists


def test_an_older_list_changes_nothing_and_the_same_again_is_confirmed() -> None:
    world = World()
    owner = world.owner()
    world.revoke(owner, b"1" * 16)
    first = owner.car.lists
    world.revoke(owner, b"2" * 16)
    newest = owner.car.lists[0]
    assert sharing.carry(owner.car, first[0]) == owner.car
    assert world.tap(owner, Action.STATUS) is Code.OK
    old = Request(Action.STATUS, attached=(*first, newest))
    assert world.standard(owner, old) is Code.OK
    assert owner.answer is not None
    assert [one.code for one in owner.answer.taken] == [Code.OLD_LIST, Code.OK]
    assert confirm(owner.car, owner.answer.taken[1].receipt) == owner.car
    assert world.car.revoked == {b"1" * 16, b"2" * 16}


def test_a_lost_phone_is_taken_off_by_a_second_owner() -> None:
    world = World()
    first = world.owner()
    assert world.tap(first, Action.ALLOW_PAIRING) is Code.OK
    second = world.owner("second")
    friend = world.friend(first)
    assert world.standard(friend, UNLOCK) is Code.OK
    assert world.tap(second, Action.REMOVE_KEY, argument=first.key_id) is Code.OK
    assert second.answer is not None
    proof = blobs.Receipt.read(second.answer.taken[0].receipt)
    assert (proof.proof, proof.subject) == (blobs.Proof.REMOVED, first.key_id)
    assert world.local(first, UNLOCK) is Code.SESSION
    assert world.standard(first, UNLOCK) is Code.KEY
    # What the lost phone had given is gone with it.
    assert world.standard(friend, UNLOCK) is Code.KEY
    assert world.standard(friend, UNLOCK) is Code.KEY
    assert world.tap(second, Action.REMOVE_KEY, argument=second.key_id) is Code.LAST_OWNER
    assert world.tap(second, Action.REMOVE_KEY, argument=b"x") is Code.MALFORMED
    assert world.tap(second, Action.REMOVE_KEY, argument=b"x" * 16) is Code.KEY
    # It may be paired anew.
    assert world.tap(second, Action.ALLOW_PAIRING) is Code.OK
    assert world.pair(first) is Code.OK
    assert world.standard(first, UNLOCK) is Code.OK


def test_a_second_owner_s_list_ends_a_lost_phone_from_afar() -> None:
    world = World()
    first = world.owner()
    world.tap(first, Action.ALLOW_PAIRING)
    second = world.owner("second")
    world.revoke(second, first.key_id, second.key_id)
    friend = world.friend(second)
    assert world.standard(friend, asking(friend.car, UNLOCK)) is Code.OK
    assert world.standard(first, UNLOCK) is Code.REVOKED
    # An owner does not lock itself out.
    assert world.standard(second, UNLOCK) is Code.OK
    world.revoke(first, second.key_id)
    assert world.standard(second, asking(first.car, LOCK)) is Code.OK
    assert second.answer is not None
    assert second.answer.taken[0].code is Code.KEY


def test_service_takes_keys_off_but_no_owner() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    service = world.friend(owner, "service", Role.SERVICE)
    assert world.standard(friend, UNLOCK) is Code.OK
    assert world.tap(service, Action.REMOVE_KEY, argument=owner.key_id) is Code.ROLE
    assert world.tap(service, Action.REMOVE_KEY, argument=friend.key_id) is Code.OK
    assert world.standard(friend, UNLOCK) is Code.KEY
    assert world.standard(friend, UNLOCK) is Code.REVOKED
    assert world.tap(service, Action.LIST_KEYS) is Code.OK
    assert service.answer is not None
    assert service.answer.data == pack_keys(world.car)
    # A key may take itself off, and hears that it is done.
    assert world.tap(service, Action.REMOVE_KEY, argument=service.key_id) is Code.OK


def test_uses_are_spent_and_survive_a_restart() -> None:
    world = World()
    friend = world.friend(world.owner(), limits=year_from_now(uses=2))
    assert world.standard(friend, UNLOCK) is Code.OK
    world.restart()
    assert world.local(friend, Request(Action.TRUNK)) is Code.OK
    assert world.local(friend, LOCK) is Code.OK
    assert world.local(friend, UNLOCK) is Code.USES
    assert world.tap(friend, DRIVE) is Code.OK


def test_times_and_area() -> None:
    world = World()
    owner = world.owner()
    limits = Limits(NOON_S - 10, NOON_S + 100, area=Area(HOME, 1000))
    friend = world.friend(owner, limits=limits)
    assert world.standard(friend, UNLOCK) is Code.OK
    world.place = Place(HOME.latitude_e7 + 100_000, HOME.longitude_e7)
    assert world.local(friend, UNLOCK) is Code.AREA
    assert world.local(friend, LOCK) is Code.OK
    world.place = None
    assert world.local(friend, UNLOCK) is Code.AREA
    world.place, world.unix_s = HOME, limits.not_before_s - 1
    assert world.local(friend, UNLOCK) is Code.NOT_YET
    world.unix_s = limits.not_after_s
    assert world.local(friend, UNLOCK) is Code.ENDED
    world.unix_s = None
    assert world.local(friend, UNLOCK) is Code.NO_CLOCK
    assert world.local(owner, UNLOCK) is Code.OK


def test_a_lease_ends_a_share_that_is_not_renewed() -> None:
    world = World()
    owner = world.owner()
    limits = year_from_now(lease_s=DAY_S)
    friend = world.friend(owner, limits=limits)
    world.unix_s = limits.not_before_s + DAY_S
    assert world.standard(friend, UNLOCK) is Code.LEASE
    share_id = blobs.Certificate.read(friend.car.chain[0]).share_id
    lease = sharing.lease(owner.state, owner.car, share_id, world.unix_s, 10 * DAY_S)
    friend.car = sharing.carry(friend.car, lease)
    for _ in range(2):
        assert world.standard(friend, asking(friend.car, UNLOCK)) is Code.OK
    world.unix_s += DAY_S
    assert world.standard(friend, asking(friend.car, UNLOCK)) is Code.LEASE
    # A phone whose clock runs far ahead renews nothing.
    ahead = sharing.lease(owner.state, owner.car, share_id, world.unix_s + 365 * DAY_S, DAY_S)
    friend.car = sharing.carry(friend.car, ahead)
    assert world.standard(friend, asking(friend.car, UNLOCK)) is Code.LEASE


def test_passive_entry_only_where_ranging_says_near() -> None:
    world = World()
    owner = world.owner()
    passive = Request(Action.UNLOCK, tapped=False)
    assert world.local(owner, passive) is Code.RANGING
    world.near = True
    assert world.local(owner, passive) is Code.OK
    assert world.local(owner, Request(Action.TRUNK, tapped=False)) is Code.RANGING


def test_the_phone_checks_the_log_and_sees_a_car_that_was_set_back() -> None:
    world = World()
    owner = world.owner()
    kept = world.car.state
    for request in (UNLOCK, LOCK, UNLOCK):
        assert world.local(owner, request) is Code.OK
    text = audit.pack_entries(tuple(world.entries))
    assert audit.read_entries(text) == tuple(world.entries)
    owner.car = sharing.check_log(owner.car, audit.read_entries(text)[:2])
    owner.car = sharing.check_log(owner.car, tuple(world.entries[2:]))
    assert (owner.car.log_count, owner.car.log_head) == (3, world.car.log.head)
    with pytest.raises(TrustError, match="goes on with 1 after 3"):
        sharing.check_log(owner.car, tuple(world.entries))
    changed = msgspec.structs.replace(owner.car, log_count=0, log_head=audit.START)
    lie = (audit.Entry(1, 0, bytes(16), Action.LOCK, Code.OK, 0), *world.entries[1:])  # type: ignore[arg-type]
    with pytest.raises(TrustError, match="not the one it said"):
        sharing.check_log(changed, lie)
    world.restart(kept)
    assert world.local(owner, UNLOCK) is Code.OK
    assert owner.heard_back
    shorter = audit.LogHead(1, world.car.log.head)
    with pytest.raises(TrustError, match="it had 3"):
        audit.follow(audit.LogHead(3, audit.START), (), shorter)


def test_a_car_whose_memory_was_set_back_serves_owners_only_until_one_has_looked() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    assert world.standard(friend, UNLOCK) is Code.OK
    kept = world.car.state
    world.revoke(owner, friend.key_id)
    assert world.tap(owner, Action.STATUS) is Code.OK
    world.restart(kept)
    assert world.car.rolled_back
    assert world.standard(friend, UNLOCK) is Code.ROLLED_BACK
    assert world.standard(owner, UNLOCK) is Code.OK
    request = asking(owner.car, Request(Action.TRUST_AGAIN, verified_s=0), everything=True)
    assert world.standard(owner, request) is Code.OK
    assert world.standard(friend, UNLOCK) is Code.REVOKED
    assert not world.car.rolled_back
    world.restart()
    assert not world.car.rolled_back


def test_no_number_of_changes_heals_a_memory_that_was_set_back() -> None:
    world = World()
    owner = world.owner()
    kept = world.car.state
    for number in range(3):
        world.revoke(owner, bytes([number]) * 16)
        world.tap(owner, Action.STATUS)
    world.restart(kept)
    for number in range(3, 12):
        world.revoke(owner, bytes([number]) * 16)
        world.tap(owner, Action.STATUS)
    world.restart(anchor=world.anchor)
    assert world.car.rolled_back
    assert world.tap(owner, Action.TRUST_AGAIN) is Code.OK
    world.restart()
    assert not world.car.rolled_back


def test_a_revoked_key_holds_no_connection() -> None:
    world = World()
    owner = world.owner()
    bad = world.friend(owner)
    world.revoke(owner, bad.key_id)
    world.tap(owner, Action.STATUS)
    for phone, known in ((owner, True), (bad, False)):
        link, waiting = world.dialled(phone, UNLOCK, world.link())
        assert world.receive(link, waiting.data).link.known is known


def test_a_clock_that_was_set_back_is_a_lost_clock() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    assert world.standard(friend, UNLOCK) is Code.OK
    world.unix_s = NOON_S - 2 * DAY_S
    assert world.local(friend, UNLOCK) is Code.NO_CLOCK
    assert world.tap(owner, Action.TRUST_AGAIN) is Code.OK
    world.unix_s = NOON_S - DAY_S
    assert world.local(friend, UNLOCK) is Code.OK


def test_pairing_needs_an_open_screen_and_an_owner_s_word() -> None:
    world = World()
    with pytest.raises(KeyRefusedError):
        belief.open_pairing(world.car, Role.GUEST, bytes(16), world.moment)
    with pytest.raises(ValueError, match="16 bytes"):
        belief.open_pairing(world.car, Role.OWNER, b"", world.moment)
    owner = world.owner()
    assert world.tap(owner, Action.ALLOW_PAIRING) is Code.OK
    world.now_ns += 121 * 10**9
    with pytest.raises(KeyRefusedError):
        world.pair(world.phone("late"), Role.DRIVER)
    assert world.tap(owner, Action.ALLOW_PAIRING) is Code.OK
    driver = world.phone("driver")
    assert world.pair(driver, Role.DRIVER) is Code.OK
    assert world.tap(driver, DRIVE) is Code.OK
    with pytest.raises(KeyRefusedError):
        belief.open_pairing(world.car, Role.DRIVER, bytes(16), world.moment)
    # The code is spent.
    identity = belief.identity_pair(world.phone("other").public, "other")
    assert world.standard(world.phone("other"), UNLOCK, identity=identity) is Code.NO_PAIRING


def test_there_are_four_owners_at_most_and_a_revoked_key_is_not_paired_again() -> None:
    world = World()
    owner = world.owner()
    for name in ("b", "c", "d"):
        world.tap(owner, Action.ALLOW_PAIRING)
        assert world.pair(world.phone(name)) is Code.OK
    world.tap(owner, Action.ALLOW_PAIRING)
    assert world.pair(world.phone("e")) is Code.FULL
    world.tap(owner, Action.ALLOW_PAIRING)
    assert world.pair(world.phone("b")) is Code.OK
    world.revoke(owner, world.phone("e").key_id)
    assert world.tap(owner, Action.ALLOW_PAIRING) is Code.OK
    assert world.pair(world.phone("e"), Role.DRIVER) is Code.REVOKED


def test_factory_reset_by_the_owner_or_by_the_card() -> None:
    world = World()
    owner = world.owner()
    with pytest.raises(KeyRefusedError):
        belief.reset(world.car, world.chance(), b"guess", b"new", world.moment)
    by_card = belief.reset(world.car, world.chance(), CARD, b"new", world.moment)
    assert world.tap(owner, Action.ALLOW_RESET) is Code.OK
    by_owner = belief.reset(world.car, world.chance(), b"", b"new", world.moment)
    assert by_card.recovery == by_owner.recovery == crypto.digest(b"new")
    world.restart(by_owner)
    assert not world.car.rolled_back
    assert world.local(owner, UNLOCK) is Code.SESSION
    with pytest.raises(KeyRefusedError):
        world.standard(owner, UNLOCK)
    world.owner("next")


def test_tables_are_bounded() -> None:
    world = World()
    owner = world.owner()
    friends = [world.friend(owner, f"friend {number}") for number in range(64)]
    for friend in friends:
        assert world.standard(friend, UNLOCK) is Code.OK
    # The 64th pushed out the first, which comes back with its certificates.
    assert len(world.car.state.keys) == 64
    assert world.local(friends[0], UNLOCK) is Code.SESSION
    assert world.standard(friends[0], UNLOCK) is Code.KEY
    assert world.standard(friends[0], UNLOCK) is Code.OK
    paired = tuple(msgspec.structs.replace(entry, chain=()) for entry in world.car.state.keys)
    world.restart(msgspec.structs.replace(world.car.state, keys=paired))
    assert world.standard(world.friend(owner, "one more"), UNLOCK) is Code.FULL


def test_shares_that_are_over_make_room() -> None:
    world = World()
    owner = world.owner()
    now_s = NOON_S

    def renew(number: int, length_s: int) -> Code:
        share_id = number.to_bytes(16, "big")
        lease = sharing.lease(owner.state, owner.car, share_id, now_s, length_s)
        assert world.standard(owner, Request(Action.NOTHING, attached=(lease,))) is Code.OK
        assert owner.answer is not None
        return owner.answer.taken[0].code

    assert renew(0, 10) is Code.OK
    shares = tuple(
        msgspec.structs.replace(
            world.car.state.shares[0], share_id=number.to_bytes(16, "big"), forget_s=NOON_S + 100
        )
        for number in range(256)
    )
    world.restart(msgspec.structs.replace(world.car.state, shares=shares))
    assert renew(300, 10) is Code.FULL
    world.unix_s = None
    assert renew(300, 10) is Code.FULL
    world.unix_s = NOON_S + 200
    assert renew(300, 10) is Code.OK
    assert len(world.car.state.shares) == 1


def test_peers_without_a_key_are_cut_after_two_seconds() -> None:
    known = Link(local=True, since_ns=0, known=True)
    young = Link(local=True, since_ns=2 * 10**9)
    old = Link(local=True, since_ns=0)
    assert overdue([known, young, old], 3 * 10**9) == (old,)


def test_every_code_has_words_for_the_person() -> None:
    assert set(WORDS) == set(Code)
    assert str(KeyRefusedError(Code.REVOKED)) == "This key was revoked. (revoked)"


def test_a_session_without_its_key_opens_nothing() -> None:
    world = World()
    owner = world.owner()
    world.restart(msgspec.structs.replace(world.car.state, keys=()))
    assert world.local(owner, UNLOCK) is Code.KEY


def test_the_answer_says_what_came_of_it() -> None:
    """Sent and confirmed are two things: the car could not do it, and the phone hears so."""
    world = World()
    owner = world.owner()
    link, waiting = world.dialled(owner, UNLOCK, world.link())
    step = receive(world.car, link, waiting.data, world.moment, world.chance())
    assert step.order is not None
    assert step.ticket is not None
    assert step.reply == b""
    with pytest.raises(ValueError, match="6145 bytes"):
        conclude(step.car, step.link, step.ticket, Code.OK, bytes(6145), world.moment)
    done = conclude(step.car, step.link, step.ticket, Code.CAR, b"open", world.moment)
    world.car = done.car
    assert world.hear(owner, waiting, done) is Code.CAR
    assert owner.answer is not None
    assert owner.answer.data == b"open"
    assert done.entry is not None
    assert (done.entry.action, done.entry.code) == (Action.UNLOCK, Code.CAR)


def test_a_phone_with_two_cars_uses_the_right_one() -> None:
    world, other = World(), World("other car")
    phone = world.owner()
    second = other.phone("owner")
    second.state = phone.state
    other.pair(second)
    assert other.standard(second, UNLOCK) is Code.OK
    assert len(second.state.cars) == 2
    assert second.state.car(other.car.car_id).car_public == other.car.public


def test_no_secret_is_told_by_its_value() -> None:
    """What is printed ends up in logs."""
    world = World()
    owner = world.owner()
    world.tap(owner, Action.ALLOW_PAIRING)
    world.car = belief.open_pairing(world.car, Role.DRIVER, b"shown on screen!", world.moment)
    link, waiting = world.dialled(owner, UNLOCK, world.link())
    told = repr((world.car, owner.state, owner.car, link, waiting, world.car.state.sessions))
    session = world.car.state.sessions[0]
    keys = world.car.sessions[session.session_id].keys
    secrets = (world.car.state.secret, owner.state.secret, session.resume, keys.to_car)
    for one in (*secrets, keys.to_phone, b"shown on screen!"):
        assert repr(one)[2:-1] not in told
        assert one.hex() not in told


def test_misuse_is_told() -> None:
    world = World()
    with pytest.raises(ValueError, match="16 bytes"):
        boot(world.car.state, b"", 0)
    with pytest.raises(ValueError, match="48 bytes"):
        crypto.secret_from(b"")
    with pytest.raises(ValueError, match="entry 2 after 0"):
        audit.LogHead().after(audit.Entry(2, 0, bytes(16), Action.LOCK, Code.OK, 0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="129 entries"):
        audit.pack_entries(
            (world.entries or [audit.Entry(1, 0, bytes(16), Action.LOCK, Code.OK, 0)]) * 129
        )  # type: ignore[arg-type, operator]
    with pytest.raises(InputError, match="no key"):
        world.phone("x").state.car(bytes(16))
