"""What the fleet believes of a car, and which releases are for it."""

import pytest

from tests.cloud.lab import known, release
from volant.cloud.campaigns import parse_filter
from volant.cloud.inventory import (
    CarRecord,
    Release,
    check_fit,
    facts_for,
    hear,
    runs_release,
    why_unable,
)
from volant.core.errors import InputError
from volant.trust.attacks.world import BRAKE, GATEWAY, SEAT, VEHICLE, World, image_of
from volant.trust.uptane import Attack, RejectedError
from volant.trust.uptane.match import Assignment


def install(world: World, ecu_id: str, number: int) -> None:
    name, data = image_of(ecu_id, number)
    image = next(one for one in release(number).images if one.name == name)
    one = Assignment(
        ecu_id, image.hardware_id, name, image.length, image.hashes, image.release_counter
    )
    world.secondaries[ecu_id].install(one, data)


def test_a_manifest_says_what_runs_and_what_changed() -> None:
    world = World()
    car = known(world)
    assert car.installed[BRAKE].name == "brake-1-1.bin"
    install(world, BRAKE, 2)
    found = hear(car, world.manifest(), 7.0)
    assert [(one.ecu_id, one.before, one.after) for one in found.changed] == [
        (BRAKE, "brake-1-1.bin", "brake-1-2.bin")
    ]
    assert found.car.history[-1].at_s == 7.0


def test_a_manifest_that_is_replayed_changes_nothing_and_is_counted() -> None:
    world = World()
    first = world.manifest()
    car = hear(CarRecord(car_id=VEHICLE, inventory=world.inventory), first, 5.0).car
    found = hear(car, first, 6.0)
    assert not found.believed
    assert found.car.refused == 1
    assert "an old report" in found.car.why
    assert found.car.heard_s == 5.0
    assert hear(found.car, world.manifest(), 7.0).believed


def test_an_older_manifest_that_comes_late_is_refused() -> None:
    world = World()
    older, newer = world.manifest(), world.manifest()
    car = hear(CarRecord(car_id=VEHICLE, inventory=world.inventory), newer, 5.0).car
    assert not hear(car, older, 6.0).believed


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 10_000])
def test_what_is_no_manifest(data: bytes) -> None:
    found = hear(known(World()), data, 9.0)
    assert not found.believed
    assert found.car.why


def test_an_attack_that_a_unit_noticed_is_known() -> None:
    world = World()
    world.secondaries[SEAT].noticed = RejectedError(Attack.FREEZE, "old")
    assert known(world).attacks == {SEAT: Attack.FREEZE}


def test_an_inventory_of_another_car() -> None:
    with pytest.raises(ValueError, match="for CAR-B"):
        CarRecord(car_id="CAR-B", inventory=World().inventory)


def test_a_filter_asks_for_what_runs() -> None:
    facts = known(World()).facts
    assert parse_filter("runs.brake-a == 'brake-1-1.bin' and hardware == seat-a")(facts)
    assert not parse_filter("runs.brake-a == 'brake-1-2.bin'")(facts)


def test_a_release_is_for_a_car_or_says_why_not() -> None:
    world = World()
    car = known(world)
    assert why_unable(release(2), car) == ()
    assert why_unable(release(2), CarRecord(car_id=VEHICLE, inventory=world.inventory)) == (
        "it has never said what runs on it",
    )
    install(world, BRAKE, 3)
    newer = hear(car, world.manifest(), 6.0).car
    assert "does not go back" in why_unable(release(2), newer)[0]
    other = Release.from_bytes(
        b'{"name":"x","images":[{"hardware_id":"roof","name":"r","length":1,"hashes":{"sha256":"0"}}]}'
    )
    assert why_unable(other, car) == ("no image is for any of its control units",)


def test_what_a_release_needs_is_there_before_or_comes_with_it() -> None:
    car = known(World())
    with_it = Release(name="a", images=release(2).images)
    assert not why_unable(with_it, car)
    brake_needs_seat = Release(name="b", images=(_needing(2, {"seat-a": 2}),))
    assert "needs seat-a at 2 or later; it would have 1" in why_unable(brake_needs_seat, car)[0]
    both = Release(name="c", images=(_needing(2, {"seat-a": 2}), release(2).images[1]))
    assert not why_unable(both, car)
    roof = Release(name="d", images=(_needing(2, {"roof": 1}),))
    assert "the car has none" in why_unable(roof, car)[0]


def _needing(number: int, needs: dict[str, int]):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    return replace(release(number).images[0], needs=needs)


def test_a_car_runs_a_release_when_all_its_units_do() -> None:
    world = World()
    car = known(world)
    assert runs_release(release(1), car)
    install(world, BRAKE, 2)
    half = hear(car, world.manifest(), 6.0).car
    assert not runs_release(release(2), half)
    install(world, SEAT, 2)
    whole = hear(half, world.manifest(), 7.0).car
    assert facts_for(release(2), whole).runs
    gone = facts_for(release(2), half, ran_before=True)
    assert gone.left
    assert not gone.runs


def test_how_a_release_fits_a_fleet() -> None:
    world = World()
    car = known(world)
    silent = CarRecord(car_id=VEHICLE, inventory=world.inventory)
    found = check_fit(release(2), [car, car, silent])
    assert (found.able, found.already) == (2, 0)
    assert found.unable == {"it has never said what runs on it": 1}
    assert check_fit(release(1), [car]).already == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "name"),
        (b"\xff", "no release"),
        (b'{"name":"x","images":[]}', "length >= 1"),
        (
            b'{"name":"x","images":[{"hardware_id":"a","name":"r","length":1,"hashes":{"md5":"0"}}]}',
            "sha256",
        ),
        (b" " * (1 << 21), "at most"),
    ],
)
def test_what_is_no_release(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Release.from_bytes(data)


def test_the_gateway_keeps_what_it_has() -> None:
    car = known(World())
    gateway = car.inventory.find(GATEWAY)
    assert gateway is not None
    assert release(2).image_for(gateway) is None
