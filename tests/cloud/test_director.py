"""What the director signs for each car, as the car itself checks it."""

import pytest

from tests.cloud.lab import known, release
from volant.cloud.campaigns import Answer
from volant.cloud.director import Director, fades, targets_for
from volant.core.errors import InputError
from volant.trust.attacks.wire import plain
from volant.trust.attacks.world import BRAKE, SEAT, VEHICLE, World, signers_of
from volant.trust.uptane import Attack, Plan, RejectedError
from volant.trust.uptane.custom import DeltaInfo
from volant.trust.uptane.match import DIRECTOR

DAY_S = 86_400


def director_of(world: World) -> Director:
    return Director(dict(world.director.published), signers_of(DIRECTOR))


def check(world: World, files: dict[str, bytes]) -> Plan:
    """The car's own full check of what the director gives."""
    served = {key: data for key, data in world.served().items() if key[0] != DIRECTOR}
    served.update({(DIRECTOR, name): data for name, data in files.items()})
    wire = plain(lambda fetch: served.get((fetch.repository, fetch.name)))
    return world.run(world.primary.check(world.now_s), wire)


def offered() -> World:
    """Release 2 is in the image repository."""
    world = World()
    world.publish_release()
    return world


def test_a_car_believes_what_is_signed_for_it() -> None:
    world = offered()
    car = known(world)
    wanted = targets_for(Answer.UPDATE, release(2), car)
    files = director_of(world).publish(None, VEHICLE, wanted, world.now_s)
    plan = check(world, files)
    assert {one.ecu_id: one.name for one in plan.assignments} == {
        BRAKE: "brake-1-2.bin", SEAT: "seat-1-2.bin",
    }  # fmt: skip


@pytest.mark.parametrize("answer", [Answer.NOTHING, Answer.CALL_BACK])
def test_a_car_that_is_to_do_nothing_finds_nothing(answer: Answer) -> None:
    world = offered()
    director, car = director_of(world), known(world)
    files = director.publish(
        None, VEHICLE, targets_for(Answer.UPDATE, release(2), car), world.now_s
    )
    files = director.publish(files, VEHICLE, targets_for(answer, release(2), car), world.now_s)
    assert check(world, files).assignments == ()


def test_one_car_s_files_are_no_good_for_another() -> None:
    world = offered()
    director = director_of(world)
    files = director.publish(None, "CAR-B", (), world.now_s)
    with pytest.raises(RejectedError) as raised:
        check(world, files)
    assert raised.value.attack is Attack.MIX_AND_MATCH or "CAR-B" in str(raised.value)
    with pytest.raises(ValueError, match="not those of"):
        director.publish(files, VEHICLE, (), world.now_s)


def test_nothing_new_signs_nothing_and_versions_only_grow() -> None:
    world = offered()
    director, car = director_of(world), known(world)
    wanted = targets_for(Answer.UPDATE, release(2), car)
    files = director.publish(None, VEHICLE, wanted, world.now_s)
    assert director.publish(files, VEHICLE, wanted, world.now_s + DAY_S) == files
    later = files
    for day in (4, 20, 60):
        world.now_s += day * DAY_S
        later = director.publish(later, VEHICLE, wanted, world.now_s)
        assert later["timestamp.json"] != files["timestamp.json"]
    assert sum(name.endswith(".targets.json") for name in later) <= 2
    world.image.publish(world.now_s, list(world.image.targets))
    assert len(check(world, later).assignments) == 2


def test_a_root_that_was_rotated_reaches_the_car() -> None:
    world = offered()
    car = known(world)
    wanted = targets_for(Answer.UPDATE, release(2), car)
    files = director_of(world).publish(None, VEHICLE, wanted, world.now_s)
    world.rotate_online_keys("other keeper")
    moved = Director(dict(world.director.published), signers_of(DIRECTOR, "other keeper"))
    files = moved.publish(files, VEHICLE, wanted, world.now_s)
    assert len(check(world, files).assignments) == 2
    assert moved.publish(files, VEHICLE, wanted, world.now_s) == files


def test_deltas_are_named_from_what_the_car_runs() -> None:
    world = offered()
    car = known(world)
    image = release(2).images[0]
    base = dict(car.installed[BRAKE].hashes)
    fits = DeltaInfo(
        algorithm="volant", name="d1", length=5, hashes={"sha256": "0" * 64}, base=base
    )
    other = DeltaInfo(
        algorithm="volant",
        name="d2",
        length=5,
        hashes={"sha256": "0" * 64},
        base={"sha256": "1" * 64},
    )
    wanted = targets_for(Answer.UPDATE, release(2), car, {image.name: (fits, other)})
    files = director_of(world).publish(None, VEHICLE, wanted, world.now_s)
    brake = next(one for one in check(world, files).assignments if one.ecu_id == BRAKE)
    assert brake.deltas == (fits,)


def test_files_of_something_else() -> None:
    world = offered()
    with pytest.raises(RejectedError):
        director_of(world).publish({"timestamp.json": b"{}"}, VEHICLE, (), world.now_s)
    with pytest.raises(InputError, match="no file"):
        director_of(world).publish({}, VEHICLE, (), world.now_s)


@pytest.mark.parametrize("ahead_s", [3650 * DAY_S, 0])
def test_what_was_signed_by_a_clock_that_was_ahead_is_signed_anew(ahead_s: int) -> None:
    """Else its timestamp would hold for years, and whoever keeps it back could do so for as long."""
    world = offered()
    director = director_of(world)
    files = director.publish(None, VEHICLE, (), world.now_s + ahead_s)
    after = director.renew(files, VEHICLE, world.now_s)
    assert (after["timestamp.json"] != files["timestamp.json"]) == bool(ahead_s)
    assert fades(world.now_s + ahead_s + 7 * DAY_S, 7 * DAY_S, world.now_s) == bool(ahead_s)
