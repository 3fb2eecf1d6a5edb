"""Every layout is read as it was written, and nothing else is read; junk of any kind has a code and changes nothing."""

import contextlib
import hashlib
import string
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trust.key.world import World, key_from, year_from_now
from volant.core.errors import InputError, RefusedError
from volant.trust.key import audit, belief, blobs, capsule, crypto, exchange, sharing
from volant.trust.key.binary import Reader
from volant.trust.key.capsule import Answer, Request, Taken
from volant.trust.key.codes import Code, KeyRefusedError, Kind, Tier
from volant.trust.key.limits import Area, Limits, Place
from volant.trust.key.phone import asking, confirm, dial, heard, local, open_with, remote
from volant.trust.key.roles import DEMANDS, ROLES, Action, Role, covers
from volant.trust.key.state import CARS_MOST, CarState, PhoneCar, PhoneState

QUICK = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
ids = st.binary(min_size=16, max_size=16)
hashes = st.binary(min_size=32, max_size=32)
u64 = st.integers(0, 2**64 - 1)
u32 = st.integers(0, 2**32 - 1)
u16 = st.integers(0, 2**16 - 1)
POINT = crypto.public_of(crypto.private_key(key_from("point")))
signatures = st.binary(min_size=64, max_size=64)
places = st.builds(
    Place, st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000)
)
areas = st.none() | st.builds(Area, places, st.integers(1, 2**32 - 1))
limits = st.builds(Limits, u64, u64, u16, u16, areas, st.integers(0, 86_400))
certificates = st.builds(
    blobs.Certificate, ids, ids, ids, st.just(POINT), st.sampled_from(Role), st.integers(0, 255),
    u64, limits, signatures,
)  # fmt: skip
lists = st.builds(
    blobs.RevocationList, ids, ids, u64, u64, st.lists(ids, max_size=256).map(tuple), signatures
)
leases = st.builds(
    lambda car, issuer, share, at, length, signature: blobs.Lease(
        car, issuer, share, at, at + length, signature
    ),
    ids, ids, ids, st.integers(0, 2**60), st.integers(0, 86_400), signatures,
)  # fmt: skip
receipts = st.builds(
    blobs.Receipt, ids, st.sampled_from(blobs.Proof), ids, u64, u64, hashes, signatures
)
requests = st.builds(
    Request, st.sampled_from(Action), st.booleans(), st.integers(0, 255),
    st.binary(max_size=256), st.lists(st.binary(max_size=300), max_size=4).map(tuple),
)  # fmt: skip
takens = st.builds(Taken, st.sampled_from(Code), st.binary(max_size=200))
answers = st.builds(
    Answer, st.sampled_from(Code), u64, u64, hashes, st.lists(takens, max_size=6).map(tuple),
    st.binary(max_size=6144),
)  # fmt: skip
entries = st.builds(
    audit.Entry, u64, u64, ids, st.sampled_from(Action), st.sampled_from(Code),
    st.sampled_from(Tier),
)  # fmt: skip

READERS: list[Callable[[bytes], object]] = [
    blobs.Certificate.read, blobs.RevocationList.read, blobs.Lease.read, blobs.Receipt.read,
    Request.read, Answer.read, audit.Entry.read, audit.read_entries, capsule.read_hello,
    capsule.read_greet, exchange.read_open, exchange.read_answer_public,
    lambda data: capsule.read_sealed(data, Kind.REMOTE),
]  # fmt: skip


@QUICK
@given(st.one_of(certificates, lists, leases, receipts))
def test_what_is_signed_is_read_as_it_was_written(blob) -> None:
    assert type(blob).read(blobs.pack(blob)) == blob


@QUICK
@given(st.one_of(requests, answers, entries))
def test_what_is_sealed_is_read_as_it_was_written(value) -> None:
    assert type(value).read(value.pack()) == value


@QUICK
@given(st.one_of(certificates, lists, leases, receipts), st.data())
def test_a_blob_that_is_cut_or_longer_is_malformed(blob, data) -> None:
    text = blobs.pack(blob)
    cut = data.draw(st.integers(0, len(text) - 1))
    for wrong in (text[:cut], text + b"x"):
        with pytest.raises(KeyRefusedError):
            type(blob).read(wrong)


@QUICK
@given(st.binary(max_size=400), st.sampled_from(READERS))
def test_junk_is_refused_or_read_but_never_a_crash(data, read) -> None:
    for head in (b"", b"VKC1", b"VKL1", b"VKS1", b"VKR1", b"\x01\x03", b"\x01\x02", b"\x01\x13"):
        with contextlib.suppress(KeyRefusedError):
            read(head + data)


def junk() -> list[bytes]:
    """Counted chance: the same two thousand in every run."""
    found = []
    for number in range(2000):
        text = hashlib.shake_256(number.to_bytes(4, "big")).digest(number % 150)
        kind = list(Kind)[number % len(Kind)]
        found.append(text if number % 5 == 0 else bytes([1, kind]) + text)
    return found


def test_a_car_takes_two_thousand_pieces_of_junk_and_stays_as_it_was() -> None:
    world = World()
    owner = world.owner()
    before, links = world.car, [world.link(), world.link(local=False)]
    for number, data in enumerate(junk()):
        step = world.receive(links[number % 2], data)
        links[number % 2] = step.link
        assert step.order is None
        assert len(step.reply) <= 120
    assert world.car.state == before.state
    assert world.car.sessions == before.sessions
    assert world.local(owner, Request(Action.UNLOCK)) is Code.OK


def test_a_hostile_network_changes_bits_of_true_capsules_and_none_opens() -> None:
    """A slice of the million: bit flips, cuts and joins of capsules that were sealed by the owner."""
    world = World()
    owner = world.owner()
    link, opening = world.dialled(owner, Request(Action.UNLOCK), world.link(local=False))
    assert owner.clock is not None
    _, fast = remote(owner.car, owner.clock, world.now_ns, Request(Action.UNLOCK))
    before = world.car
    for base, on in ((opening.data, link), (fast.data, world.link(local=False))):
        for place in range(len(base) * 8):
            wrong = bytearray(base)
            wrong[place // 8] ^= 1 << place % 8
            step = world.receive(on, bytes(wrong))
            assert step.order is None, place
        for cut in range(len(base)):
            assert world.receive(on, base[:cut]).order is None
            assert world.receive(on, base + base[:cut] + b"x").order is None
    assert world.car.state == before.state
    # The true ones still open.
    assert world.receive(link, opening.data).order is not None


def test_the_phone_takes_nothing_but_the_car_s_own_answer() -> None:
    world = World()
    owner = world.owner()
    link, waiting = world.dialled(owner, Request(Action.UNLOCK), world.link())
    reply = world.receive(link, waiting.data).reply
    car = owner.car
    for place in range(len(reply) * 8):
        wrong = bytearray(reply)
        wrong[place // 8] ^= 1 << place % 8
        with pytest.raises(KeyRefusedError):
            heard(car, waiting, bytes(wrong), 0)
    begun = dial(world.chance())
    answer = world.receive(world.link(), begun.hello).reply
    for place in range(0, len(answer) * 8, 3):
        wrong = bytearray(answer)
        wrong[place // 8] ^= 1 << place % 8
        with pytest.raises(KeyRefusedError):
            open_with(owner.state, owner.car, begun, bytes(wrong), Request(Action.LOCK), b"")


def test_nothing_readable_is_on_the_air(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither who, nor what, nor where; commands without an argument are all as long as each other."""
    world, sent = World(), []
    plain = world.receive

    def listened(link, data):
        step = plain(link, data)
        sent.append(data)
        sent.append(step.reply)
        return step

    monkeypatch.setattr(world, "receive", listened)
    owner = world.owner()
    friend = world.friend(owner, "Grace", limits=year_from_now(area=Area(Place(0, 0), 5)))
    world.revoke(owner, b"1" * 16)
    world.tap(owner, Action.LOCATE)
    world.standard(friend, Request(Action.UNLOCK))
    share = blobs.Certificate.read(friend.car.chain[0])
    secrets = (owner.key_id, owner.public, friend.key_id, friend.public, world.car.public)
    secrets += (world.car.car_id, share.share_id, b"owner", b"Grace", b"1" * 16, b"VKC1", b"VKL1")
    for data in sent:
        assert not any(one in data for one in secrets)
    sent.clear()
    lengths = set()
    for action in Action:
        world.remote(owner, Request(action))
        lengths.add(len(sent[-2]))
    assert lengths == {45}


def test_bounds_of_a_capsule_and_its_head() -> None:
    for data, code in (
        (b"", Code.MALFORMED), (b"\x01", Code.MALFORMED), (bytes(8193), Code.MALFORMED),
        (b"\x02\x01", Code.VERSION), (b"\x01\x77", Code.KIND), (b"\x01\x04", Code.KIND),
        (b"\x01\x03", Code.NO_EXCHANGE), (b"\x01\x11x", Code.MALFORMED),
        (b"\x01\x01\x02" + POINT, Code.VERSION), (b"\x01\x01\x01" + bytes(65), Code.MALFORMED),
    ):  # fmt: skip
        step = World().receive(World().link(), data)
        assert (step.code, step.reply) == (code, capsule.refusal(code))
    for data in (b"\x01\x15\x0d", b"\x01\x15\x00"):
        with pytest.raises(KeyRefusedError) as found:
            capsule.expect(data, Kind.REPLY)
        assert found.value.code == data[2]
    for data in (b"\x01\x15\xff", b"\x01\x15\x0d\x0d"):
        with pytest.raises(KeyRefusedError) as found:
            capsule.expect(data, Kind.REPLY)
        assert found.value.code is Code.KIND


def test_unknown_numbers_are_malformed() -> None:
    lease = blobs.Lease(bytes(16), bytes(16), bytes(16), 5, 4)
    long = replace(lease, until_s=5 + 86_401)
    certificate = blobs.Certificate(
        bytes(16), bytes(16), bytes(16), POINT, Role.GUEST, 0, 0, year_from_now()
    )
    text = bytearray(blobs.pack(certificate))
    role = bytearray(text)
    role[4 + 48 + 65] = 99
    place = bytearray(text)
    place[-64 - 12] = 1
    far = bytearray(text)
    far[-64 - 12] = 0x7F
    receipt = blobs.Receipt(bytes(16), blobs.Proof.LIST, bytes(16), 0, 0, bytes(32))
    proof = bytearray(blobs.pack(receipt))
    proof[20] = 9
    entry = audit.Entry(1, 0, bytes(16), Action.LOCK, Code.OK, Tier.FAST).pack()
    for read, data in (
        (blobs.Lease.read, blobs.pack(lease)), (blobs.Lease.read, blobs.pack(long)),
        (blobs.Certificate.read, bytes(role)), (blobs.Certificate.read, bytes(place)),
        (blobs.Certificate.read, bytes(far)), (blobs.Receipt.read, bytes(proof)),
        (Request.read, b"\xff\xff" + bytes(5)), (Request.read, b"\x00\x01\x02" + bytes(4)),
        (Answer.read, b"\xff" + bytes(51)), (audit.Entry.read, entry[:-1] + b"\x09"),
        (audit.read_entries, entry[:-1]), (audit.read_entries, entry * 129),
    ):  # fmt: skip
        with pytest.raises(KeyRefusedError) as found:
            read(data)
        assert found.value.code is Code.MALFORMED, read
    with pytest.raises(KeyRefusedError):
        Reader(b"\x05").few(4)
    with pytest.raises(KeyRefusedError):
        crypto.verify(POINT, b"", bytes(64))


def test_who_a_phone_says_it_is_has_three_forms_and_no_other() -> None:
    world = World()
    owner = world.owner()
    name = belief.identity_pair(POINT, "x")
    for identity, code in (
        (b"", Code.MALFORMED), (b"\x04", Code.MALFORMED), (b"\x01" + bytes(16), Code.KEY),
        (b"\x01" + owner.key_id + b"x", Code.MALFORMED), (b"\x02\x00", Code.MALFORMED),
        (b"\x02\x04", Code.DEPTH), (name[:-1] + b"\xff", Code.MALFORMED),
        (name[:-1] + b"\n", Code.MALFORMED), (name, Code.NO_PAIRING),
    ):  # fmt: skip
        with pytest.raises(KeyRefusedError) as found:
            belief.who(world.car, identity, world.moment)
        assert found.value.code is code


def test_the_code_on_the_screen() -> None:
    text = sharing.pairing_code(POINT, bytes(16), Role.OWNER)
    car, secret = sharing.read_pairing_code(f" {text}\n")
    assert (car.car_public, car.role, secret) == (POINT, Role.OWNER, bytes(16))
    empty = sharing.pairing_code(bytes(65), bytes(16), Role.OWNER)
    role = sharing.pairing_code(POINT, bytes(16), 99)  # type: ignore[arg-type]
    for wrong in ("", "https://example.org", text[:-4], text + "AAAA", text[:-1] + "!",
                  text + "A" * 300, empty, role, text + "é"):  # fmt: skip
        with pytest.raises(InputError):
            sharing.read_pairing_code(wrong)


@QUICK
@given(st.text(string.printable, max_size=300))
def test_any_text_on_a_screen_is_told_or_read(text) -> None:
    for wrong in (text, sharing.CODE_PREFIX + text):
        with pytest.raises(InputError):
            sharing.read_pairing_code(wrong)


def test_state_is_kept_and_read_back() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner, limits=year_from_now(uses=3))
    world.revoke(owner, b"1" * 16)
    world.tap(owner, Action.STATUS)
    assert world.standard(friend, Request(Action.UNLOCK)) is Code.OK
    car, phone = world.car.state, owner.state.with_car(owner.car)
    assert CarState.from_bytes(car.to_bytes()) == car
    assert PhoneState.from_bytes(phone.to_bytes()) == phone


def test_a_state_that_is_none_is_told() -> None:
    world = World()
    owner = world.owner()
    car, phone = world.car.state, owner.state
    change = msgspec.structs.replace
    bad_key = change(car.keys[0], public=bytes(65))
    bad_chain = change(car.keys[0], chain=(b"x",))
    for wrong in (
        b"", b"VKCS\x01", b"VKCS\x02" + car.to_bytes()[5:], car.to_bytes()[:-1],
        phone.to_bytes(), b"VKCS\x01" + b"\x91" * 5000, b"VKCS\x01" + bytes(1 << 20),
        change(car, secret=bytes(32)).to_bytes(), change(car, secret=b"\xff" * 32).to_bytes(),
        change(car, lists=(b"x",)).to_bytes(), change(car, keys=(bad_key,)).to_bytes(),
        change(car, keys=(bad_chain,)).to_bytes(), change(car, keys=car.keys * 65).to_bytes(),
    ):  # fmt: skip
        with pytest.raises(InputError):
            CarState.from_bytes(wrong)
    entry = phone.cars[0]
    for wrong in (
        car.to_bytes(), change(phone, secret=bytes(32)).to_bytes(),
        *(
            change(phone, cars=(change(entry, **field),)).to_bytes()
            for field in ({"car_public": bytes(65)}, {"lists": (b"x",)}, {"confirmed": (b"x",)})
        ),
    ):  # fmt: skip
        with pytest.raises(InputError):
            PhoneState.from_bytes(wrong)


def test_a_phone_holds_so_many_cars() -> None:
    phone = World().phone("x").state
    for number in range(CARS_MOST):
        public = crypto.public_of(crypto.private_key(key_from(f"car {number}")))
        phone = phone.with_car(PhoneCar(car_public=public, role=Role.GUEST))
    assert len(phone.with_car(phone.cars[0]).cars) == CARS_MOST
    with pytest.raises(InputError):
        phone.with_car(PhoneCar(car_public=POINT, role=Role.GUEST))


# The table of roles


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_every_cell_of_the_table_of_roles(role: Role, action: Action) -> None:
    """By the strongest way there is: standard, at the car or from afar, verified, tapped."""
    world = World()
    owner = world.owner()
    phone = owner if role is Role.OWNER else world.friend(owner, role=role)
    request = Request(action, verified_s=0, argument=bytes(16))
    allowed = False
    for here in (True, False):
        code = world.standard(phone, request, local=here)
        allowed |= code not in {Code.ROLE, Code.PRESENCE}
    assert allowed is (action in ROLES[role].actions)


@QUICK
@given(limits, limits, limits)
def test_narrower_is_an_order(one, two, three) -> None:
    assert one.within(one) or one.area is not None
    if one.within(two) and two.within(three) and not one.area:
        assert one.within(three)


@QUICK
@given(limits, st.sampled_from(Role), st.sampled_from(Role))
def test_an_over_broad_share_is_refused_whoever_signs_it(found, parent_role, child_role) -> None:
    """The certificates are made by hand, as a hostile phone would."""
    world = World()
    owner = world.owner()
    if parent_role is Role.OWNER:
        return
    above = year_from_now(uses=5, speed_most_dmps=300, area=Area(Place(0, 0), 1000), lease_s=3600)
    friend = world.friend(owner, role=parent_role, limits=above, depth=1)
    other = world.phone("other")
    child = blobs.Certificate(
        world.car.car_id, friend.key_id, bytes(16), other.public, child_role, 0, 0, found
    ).signed_by(crypto.private_key(friend.state.secret))
    chain = (*friend.car.chain, blobs.pack(child))
    if covers(parent_role, child_role) and found.within(above):
        assert belief.from_chain(world.car, chain).entry.role is child_role
    else:
        with pytest.raises(KeyRefusedError) as refused:
            belief.from_chain(world.car, chain)
        assert refused.value.code is Code.BROAD


def test_every_action_has_its_demand_and_every_role_its_row() -> None:
    assert set(DEMANDS) == set(Action)
    assert set(ROLES) == set(Role)
    assert not covers(Role.OWNER, Role.OWNER)
    assert covers(Role.OWNER, Role.SERVICE)
    assert not covers(Role.SERVICE, Role.VALET)


# What phones refuse


def test_phones_refuse_what_they_may_not_give() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    stranger = world.phone("stranger")
    with pytest.raises(RefusedError, match="cannot be passed on"):
        world.friend(friend, "x")
    with pytest.raises(RefusedError, match="only an owner shares"):
        world.friend(owner, "x", Role.OWNER)
    with pytest.raises(RefusedError, match="only an owner revokes"):
        sharing.revoke(friend.state, friend.car, (), 0)
    with pytest.raises(RefusedError, match="takes no more"):
        world.revoke(owner, *(number.to_bytes(16, "big") for number in range(257)))
    with pytest.raises(RefusedError, match="fresh exchange"):
        local(
            stranger.car,
            capsule.greet(capsule.Greeting(bytes(16), bytes(16))),
            Request(Action.LOCK),
        )
    assert owner.clock is not None
    spent = msgspec.structs.replace(owner.car, counter=0xFFFFFFFF)
    with pytest.raises(RefusedError, match="fresh exchange"):
        remote(spent, owner.clock, 0, Request(Action.LOCK))
    with pytest.raises(KeyRefusedError):
        sharing.share(owner.state, owner.car, bytes(65), Role.GUEST, year_from_now(), bytes(16))


def test_a_phone_carries_only_what_its_owner_has_signed() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    other = World("other car")
    theirs = other.owner("owner")
    other.revoke(theirs, b"1" * 16)
    with pytest.raises(KeyRefusedError) as found:
        sharing.carry(friend.car, theirs.car.lists[0])
    assert found.value.code is Code.OTHER_CAR
    stranger = world.phone("stranger").state
    by_stranger = sharing.lease(stranger, owner.car, bytes(16), 0, 10)
    with pytest.raises(KeyRefusedError) as found:
        sharing.carry(friend.car, by_stranger)
    assert found.value.code is Code.KEY
    good = sharing.lease(owner.state, owner.car, bytes(16), 0, 10)
    with pytest.raises(KeyRefusedError) as found:
        sharing.carry(friend.car, good[:-1] + b"x")
    assert found.value.code is Code.SIGNATURE
    other.standard(theirs, asking(theirs.car, Request(Action.STATUS)))
    with pytest.raises(KeyRefusedError) as found:
        confirm(owner.car, theirs.car.confirmed[0])
    assert found.value.code is Code.OTHER_CAR


def test_an_invitation_is_checked_by_the_friend_s_phone() -> None:
    world = World()
    owner = world.owner()
    friend = world.friend(owner)
    good = sharing.invitation(owner.car, owner.public, friend.car.chain)
    assert sharing.accept(friend.state, good).car(world.car.car_id).chain == friend.car.chain
    elsewhere = msgspec.structs.replace(owner.car, car_public=POINT)
    for phone, text, code in (
        (friend, b"VKI2" + good[4:], Code.MALFORMED), (friend, good + b"x", Code.MALFORMED),
        (owner, good, Code.KEY),
        (friend, sharing.invitation(elsewhere, owner.public, friend.car.chain), Code.OTHER_CAR),
        (friend, sharing.invitation(owner.car, friend.public, friend.car.chain), Code.SIGNATURE),
        (friend, sharing.invitation(owner.car, owner.public, ()), Code.MALFORMED),
    ):  # fmt: skip
        with pytest.raises(KeyRefusedError) as found:
            sharing.accept(phone.state, text)
        assert found.value.code is code
