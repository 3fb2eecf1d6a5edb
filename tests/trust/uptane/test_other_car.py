"""A car and the files of another one whose director has the same keys: none is believed, and its own still are."""

from collections.abc import Callable
from typing import Any

import pytest
from tuf.api.metadata import Signed, Targets

from tests.trust.uptane.lab import check, director_targets, offered, recovers, with_files
from volant.trust.attacks.wire import plain
from volant.trust.attacks.world import BRAKE, SEAT, VEHICLE, World, image_of
from volant.trust.uptane import Attack, Keeper, RejectedError
from volant.trust.uptane.metadata import TARGETS

ROLES = ("timestamp", "snapshot", "targets")


def is_nameless(self: Keeper, signed: Signed) -> None:
    """In place of `Keeper._name_car`: a director that signs its car into its targets alone."""
    signed.unrecognized_fields.pop("custom", None)


def other_car(world: World) -> Keeper:
    """The director of CAR-B, whose versions are far above those of ours."""
    found = world.director.copy()
    found.targets[TARGETS].unrecognized_fields["custom"] = {"vehicleId": "CAR-B"}
    for _ in range(9):
        found.publish(world.now_s, [TARGETS])
    return found


def served_by(keeper: Keeper, roles: tuple[str, ...]) -> dict[tuple[str, str], bytes]:
    """Those files of a director that belong to some roles."""
    return {
        (keeper.name, name): data
        for name, data in keeper.published.items()
        if name.removesuffix(".json").rpartition(".")[2] in roles
    }


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("roles", [ROLES[:1], ROLES[:2], ROLES])
def test_another_car_s_files_bar_no_way(
    roles: tuple[str, ...], named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not named:
        monkeypatch.setattr(Keeper, "_name_car", is_nameless)
    world = offered()
    held = dict(world.primary.director.files)
    with pytest.raises(RejectedError) as raised:
        check(world, served_by(other_car(world), roles))
    assert world.primary.director.files == held
    if named:
        assert (raised.value.attack, raised.value.role) == (Attack.ARBITRARY, "timestamp")
        assert "another car: CAR-B" in str(raised.value)
    assert check(world).assignments, "what was offered before is still taken"
    recovers(world)


def test_a_snapshot_of_another_car_under_a_timestamp_without_a_name() -> None:
    world = offered()
    other = other_car(world)
    other.timestamp.unrecognized_fields.clear()
    other.timestamp.version += 1
    other.published["timestamp.json"] = other.sign("timestamp", other.timestamp)
    with pytest.raises(RejectedError, match="snapshot: the file of another car: CAR-B"):
        check(world, served_by(other, ROLES))
    assert check(world).assignments


def test_a_director_that_names_its_car_in_its_targets_alone_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Keeper, "_name_car", is_nameless)
    world = offered()
    assert check(world).assignments
    timestamp = world.primary.director.timestamp
    assert timestamp is not None
    assert "custom" not in timestamp.signed.unrecognized_fields
    recovers(world)


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_without_a_name_a_version_alone_leads_to_no_targets(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of another car's targets may be that of ours; a hash is not."""
    monkeypatch.setattr(Keeper, "_name_car", is_nameless)
    world = offered()
    other = world.director.copy()
    if role == "snapshot":
        listed = other.snapshot.meta["targets.json"]
        listed.hashes = listed.length = None
        other.publish(world.now_s)
    else:
        listed = other.timestamp.snapshot_meta
        listed.hashes = listed.length = None
        other.publish_timestamp(world.now_s)
    with pytest.raises(RejectedError, match=f"{role}: neither a car nor a hash"):
        check(world, served_by(other, ROLES))
    recovers(world)


def test_with_a_name_a_version_is_enough() -> None:
    world = offered()
    listed = world.director.snapshot.meta["targets.json"]
    listed.hashes = listed.length = None
    world.director.publish(world.now_s)
    assert check(world).assignments


def vehicle(custom: Any) -> Callable[[Targets], None]:
    """A change of what a file with images says of its car."""

    def change(targets: Targets) -> None:
        if custom is None:
            targets.unrecognized_fields.pop("custom")
        else:
            targets.unrecognized_fields["custom"] = custom

    return change


@pytest.mark.parametrize(
    ("custom", "words"),
    [(None, "does not say for which car"), ({"vehicleId": "CAR-B"}, "another car: CAR-B")],
)
@pytest.mark.parametrize("unit", [BRAKE, SEAT])
def test_a_file_with_images_is_for_one_car(
    custom: dict[str, str] | None, words: str, unit: str
) -> None:
    """`brake` checks in full, `seat` in part; units of many cars are called the same."""
    world = offered()
    files = {
        **director_targets(world, vehicle(custom)),
        # The wire of a unit that checks in part asks for the newest targets.
        ("director", "targets.json"): director_targets(world, vehicle(custom))[
            "director", f"{world.director.targets[TARGETS].version + 1}.targets.json"
        ],
    }
    found = world.secondaries[unit]
    held = dict(found.director.files)
    with pytest.raises(RejectedError, match=words):
        world.run(found.check(world.now_s), with_files(world, files))
    assert found.director.files == held
    check(world)
    plan = world.run(found.check(world.now_s), plain(world.inside()))
    assert [one.ecu_id for one in plan.assignments] == [unit]


def test_the_car_stands_in_all_that_a_director_signs_online() -> None:
    world = offered()
    found = world.director
    for signed in (found.timestamp, found.snapshot, found.targets[TARGETS]):
        assert signed.unrecognized_fields["custom"] == {"vehicleId": VEHICLE}
    for other in (world.image.timestamp, world.image.snapshot):
        assert "custom" not in other.unrecognized_fields


def test_u_match_3_what_was_believed_is_held_against_what_runs_now() -> None:
    """A file that stands already is checked again: a counter may have risen since."""
    world = offered()
    one = check(world).assignments[0]
    unit = world.secondaries[one.ecu_id]
    unit.install(one, image_of(one.ecu_id, 2)[1])
    risen = {"release_counter": 9}
    unit.installed = type(unit.installed)(
        **{name: getattr(unit.installed, name) for name in unit.installed.__struct_fields__} | risen
    )
    world.primary.checker = world.car_checker()
    with pytest.raises(RejectedError, match="is at 9") as raised:
        check(world)
    assert raised.value.attack == Attack.ROLLBACK


def test_u_match_1_a_primary_checks_also_what_runs_already() -> None:
    world = offered()
    one = next(one for one in check(world).assignments if one.ecu_id == SEAT)
    world.secondaries[SEAT].install(one, image_of(SEAT, 2)[1])
    world.primary.checker = world.car_checker()
    assert [one.ecu_id for one in check(world).assignments] == [BRAKE]
    for targets in world.image.targets.values():
        targets.targets.pop(image_of(SEAT, 2)[0], None)
    world.image.publish(world.now_s, [TARGETS, "supplier"])
    with pytest.raises(RejectedError, match=r"seat-1-2\.bin for seat-a: nobody who may signs it"):
        check(world)
