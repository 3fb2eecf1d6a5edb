"""The order of a check, partial verification, and downloads that never end or hardly move: U-FULL, U-PART,
U-ENDLESS, U-SLOW."""

import pytest

from tests.trust.uptane.lab import check, offered, recovers, with_files
from volant.trust.attacks.wire import Reply, Wire, plain
from volant.trust.attacks.world import BRAKE, LIMITS, SEAT, World
from volant.trust.uptane import Attack, Fetch, Limits, Plan, RejectedError, Session, check_full
from volant.trust.uptane.check import fetch_image, image_fetch
from volant.trust.uptane.limits import NS_PER_S
from volant.trust.uptane.metadata import TARGETS


def asked(world: World) -> list[str]:
    """Which files a check asks for, in order."""
    names: list[str] = []
    honest = plain(world.honest())

    def wire(fetch: Fetch) -> Reply:
        names.append(f"{fetch.repository} {fetch.name}")
        return honest(fetch)

    world.run(world.primary.check(world.now_s), wire)
    return names


def test_u_full_the_order_is_that_of_the_standard() -> None:
    assert asked(offered()) == [
        "director 2.root.json",
        "director timestamp.json",
        "director 3.snapshot.json",
        "director 3.targets.json",
        "image 2.root.json",
        "image timestamp.json",
        "image 3.snapshot.json",
        "image 3.targets.json",
        "image 2.supplier.json",
    ]


def test_u_full_stops_early_where_the_director_has_nothing_new() -> None:
    world = World()
    assert asked(world) == ["director 2.root.json", "director timestamp.json"]
    world.director.publish(world.now_s, [TARGETS])
    assert asked(world)[2:] == ["director 3.snapshot.json", "director 3.targets.json"]


def test_u_full_what_was_verified_and_not_installed_is_found_again() -> None:
    world = offered()
    first = check(world)
    assert check(world) == first
    assert asked(world)[-2:] == ["image 2.root.json", "image timestamp.json"]


def test_u_full_secondaries_check_what_the_primary_hands_on() -> None:
    world = offered()
    check(world)
    for ecu_id in (BRAKE, SEAT):
        plan = world.run(world.secondaries[ecu_id].check(world.now_s), plain(world.inside()))
        assert [one.ecu_id for one in plan.assignments] == [ecu_id]


def test_u_part_root_and_targets_of_the_director_are_all_it_asks_for() -> None:
    world = offered()
    check(world)
    seat, names = world.secondaries[SEAT], []
    inside = world.inside()

    def wire(fetch: Fetch) -> Reply:
        names.append(f"{fetch.repository} {fetch.name}")
        return Reply(inside(fetch))

    plan = world.run(seat.check(world.now_s), wire)
    assert names == ["director 2.root.json", "director targets.json"]
    assert [one.name for one in plan.assignments] == ["seat-1-2.bin"]
    assert seat.image is None


@pytest.mark.parametrize("fault", ["signature", "version", "expired"])
def test_u_part_signature_version_and_time_are_checked(fault: str) -> None:
    world = offered()
    seat = world.secondaries[SEAT]
    data = world.director.published["3.targets.json"]
    if fault == "signature":
        data = data.replace(b'"releaseCounter":2', b'"releaseCounter":3')
    elif fault == "version":
        world.run(seat.check(world.now_s), with_files(world, {("director", "targets.json"): data}))
        data = world.director.published["2.targets.json"]
    else:
        world.now_s += 100 * 86_400
    held = dict(seat.director.files)
    wire = with_files(world, {("director", "targets.json"): data})
    with pytest.raises(RejectedError) as raised:
        world.run(seat.check(world.now_s), wire)
    expected = {
        "signature": Attack.ARBITRARY,
        "version": Attack.ROLLBACK,
        "expired": Attack.FREEZE,
    }
    assert raised.value.attack == expected[fault]
    assert seat.director.files == held


def session(world: World, limits: Limits = LIMITS, now_ns: int = 0) -> Session[Plan]:
    primary = world.primary
    assert primary.image is not None
    steps = check_full(primary.checker, primary.director, primary.image, world.now_s, limits)
    return Session(steps, limits, now_ns)


@pytest.mark.parametrize(
    "name", ["2.root.json", "timestamp.json", "3.snapshot.json", "3.targets.json"]
)
def test_u_endless_stops_at_the_length_that_is_declared_or_bounded(name: str) -> None:
    world = offered()
    honest = plain(world.honest())
    sent = [0]

    def wire(fetch: Fetch) -> Reply:
        if fetch.name != name or fetch.repository != "director":
            return honest(fetch)
        sent[0] = fetch.most_bytes
        return Reply(b"x", endless=True)

    with pytest.raises(RejectedError) as raised:
        world.run(world.primary.check(world.now_s), wire)
    assert raised.value.attack == Attack.ENDLESS
    assert 0 < sent[0] <= LIMITS.root_bytes
    recovers(world)


def test_u_endless_a_session_never_keeps_more_than_the_bound() -> None:
    world = offered()
    found = session(world)
    for step in range(10_000):
        if found.wants is None:
            break
        found.feed(b"x" * 4096, step)
        assert found.offset <= LIMITS.root_bytes
    with pytest.raises(RejectedError) as raised:
        _ = found.result
    assert raised.value.attack == Attack.ENDLESS


def test_u_endless_an_image_longer_than_there_is_room_for() -> None:
    world = offered()
    primary = world.primary
    assert primary.image is not None
    limits = Limits(image_bytes=1000)
    steps = check_full(primary.checker, primary.director, primary.image, world.now_s, limits)
    with pytest.raises(RejectedError, match="there is room for 1000") as raised:
        world.run(steps, plain(world.honest()))
    assert raised.value.attack == Attack.ENDLESS


def slow(world: World, per_s: int) -> Wire:
    honest = plain(world.honest())

    def wire(fetch: Fetch) -> Reply:
        data = honest(fetch).data
        return Reply(data, chunk_bytes=max(1, per_s // 10), chunk_ns=NS_PER_S // 10)

    return wire


def test_u_slow_a_trickle_is_noticed_within_ten_seconds() -> None:
    world = offered()
    with pytest.raises(RejectedError) as raised:
        world.run(world.primary.check(world.now_s), slow(world, LIMITS.least_rate_bytes_ps // 10))
    assert raised.value.attack == Attack.SLOW
    assert world.clock.now_ns <= 10 * NS_PER_S
    recovers(world)


def test_u_slow_an_honest_rate_passes() -> None:
    world = offered()
    plan = world.run(
        world.primary.check(world.now_s), slow(world, LIMITS.least_rate_bytes_ps * 3 // 2)
    )
    assert plan.assignments


def test_u_slow_silence_is_noticed_by_the_clock_alone() -> None:
    found = session(offered())
    for second in range(11):
        found.tick(second * NS_PER_S)
    assert found.rejected is not None
    assert found.rejected.attack == Attack.SLOW


def test_u_slow_breaking_off_does_not_begin_it_anew() -> None:
    found = session(offered(), Limits(tries=1000))
    for second in range(11):
        found.feed(b"x", second * NS_PER_S)
        found.broken(second * NS_PER_S)
    assert found.rejected is not None
    assert found.rejected.attack == Attack.SLOW


def test_a_download_goes_on_where_it_broke_off() -> None:
    world = offered()
    one = check(world).assignments[0]
    data = world.honest()(image_fetch(one))
    assert data is not None
    found = Session(fetch_image(one), LIMITS, 0)
    found.feed(data[:1000], 1)
    found.broken(2)
    assert found.offset == 1000
    found.feed(data[1000:1500], 3)
    found.end(4)
    assert found.offset == 1500, "an end before the signed length is a break"
    found.feed(data[1500:], 5)
    assert found.result == data


def test_what_breaks_off_too_often_is_dropped() -> None:
    found = session(offered())
    for _ in range(LIMITS.tries):
        found.broken(1)
    assert found.rejected is not None
    assert found.rejected.attack == Attack.DROP


def test_what_must_be_there_and_is_not() -> None:
    found = session(offered())
    found.missing(1)
    assert found.wants is not None
    found.missing(2)
    assert found.rejected is not None
    assert found.rejected.attack == Attack.DROP
    for call in (found.tick, found.end, found.missing, found.broken):
        call(3)
    found.feed(b"x", 3)
    assert found.wants is None


def test_a_check_that_is_not_over_has_no_answer() -> None:
    with pytest.raises(RuntimeError, match="not over"):
        _ = session(offered()).result
