"""What a director may say, and whether both repositories say the same: U-DIR, U-MATCH, U-IMG."""

from typing import Any

import pytest
from tuf.api.metadata import Delegations, Targets

from tests.trust.uptane.lab import check, current, director_targets, offered, recovers, with_files
from volant.trust.attacks.world import BRAKE, HARDWARE, SEAT, SUPPLIER, World, image_of
from volant.trust.uptane import (
    Attack,
    Checker,
    ImageCheck,
    RejectedError,
    UpdateNote,
    note_of,
    target_file,
)
from volant.trust.uptane.check import delta_fetch
from volant.trust.uptane.custom import check_name
from volant.trust.uptane.download import check_hashes
from volant.trust.uptane.metadata import TARGETS


def refused_director(change: Any, words: str) -> RejectedError:
    """A file that the director truly signed, and that may not be."""
    world = offered()
    held = world.primary.director.files["targets.json"]
    with pytest.raises(RejectedError, match=words) as raised:
        check(world, director_targets(world, change))
    assert world.primary.director.files["targets.json"] == held
    world.publish_release()
    recovers(world)
    return raised.value


def test_u_dir_1_a_director_delegates_to_nobody() -> None:
    def change(targets: Targets) -> None:
        targets.delegations = Delegations({}, {})

    refused_director(change, "delegates to nobody")


def test_u_dir_2_a_unit_stands_in_it_once() -> None:
    def change(targets: Targets) -> None:
        units = {BRAKE: {"hardwareId": HARDWARE[BRAKE]}}
        targets.targets["more.bin"] = target_file("more.bin", b"x", {"ecuIdentifiers": units})

    refused_director(change, "stands in it twice")


def test_u_dir_3_a_primary_knows_its_units() -> None:
    def change(targets: Targets) -> None:
        units = {"another-1": {"hardwareId": "brake-a"}}
        targets.targets["more.bin"] = target_file("more.bin", b"x", {"ecuIdentifiers": units})

    refused_director(change, "not in this car")


def test_u_dir_4_the_empty_file_of_another_car() -> None:
    def empty_of(vehicle: dict[str, str] | None) -> Any:
        def change(targets: Targets) -> None:
            targets.targets.clear()
            targets.unrecognized_fields["custom"] = vehicle

        return change

    refused_director(empty_of({"vehicleId": "CAR-B"}), "another car: CAR-B")
    refused_director(empty_of({}), "custom part")
    refused_director(empty_of(None), "does not say for which car")


def test_what_people_are_told_is_signed_with_the_rest() -> None:
    said = {"title": "Softer brakes", "changes": ["Stops softer"], "unusable": ["The car"]}

    def change(targets: Targets) -> None:
        custom = targets.unrecognized_fields["custom"]
        custom["update"] = {**said, "takesS": 90}

    world = offered()
    assert note_of(world.director.targets[TARGETS]) is None
    check(world, director_targets(world, change))
    note = note_of(world.primary.director.targets[TARGETS].signed)
    assert note == UpdateNote(
        title="Softer brakes", changes=("Stops softer",), unusable=("The car",), takes_s=90
    )


@pytest.mark.parametrize(
    "note",
    [
        {},
        {"title": ""},
        {"title": "x" * 161},
        {"title": "a", "changes": ["line\nmore"]},
        {"title": "\u202egnp.exe"},
        {"title": "a", "unusable": ["x"] * 17},
        {"title": "a", "takesS": -1},
        {"title": "a", "takesS": 10**9},
        "words",
    ],
)
def test_a_note_that_a_screen_cannot_show_is_not_believed(note: Any) -> None:
    def change(targets: Targets) -> None:
        targets.unrecognized_fields["custom"]["update"] = note

    refused_director(change, "update|plain text")


def test_an_empty_file_for_this_car_is_nothing_to_do() -> None:
    world = offered()

    def change(targets: Targets) -> None:
        targets.targets.clear()

    assert check(world, director_targets(world, change)).is_empty


@pytest.mark.parametrize("hashes", ["length", "sha256", "sha512"])
def test_u_match_1_length_and_every_hash_are_the_same_in_both(hashes: str) -> None:
    def change(targets: Targets) -> None:
        target = targets.targets[image_of(BRAKE, 2)[0]]
        if hashes == "length":
            target.length += 1
        else:
            target.hashes[hashes] = "0" * len(target.hashes[hashes])

    error = refused_match(change, "length or hashes differ")
    assert error.attack == Attack.ARBITRARY


def refused_match(change: Any, words: str) -> RejectedError:
    """The director's file may be so; the image repository says otherwise."""
    world = offered()
    with pytest.raises(RejectedError, match=words) as raised:
        check(world, director_targets(world, change))
    world.publish_release()
    recovers(world)
    return raised.value


def test_u_match_1_a_hash_that_only_one_of_them_lists() -> None:
    def change(targets: Targets) -> None:
        del targets.targets[image_of(BRAKE, 2)[0]].hashes["sha512"]

    refused_match(change, "length or hashes differ")


def test_u_match_1_an_image_that_the_image_repository_does_not_know() -> None:
    def change(targets: Targets) -> None:
        custom = targets.targets.pop(image_of(BRAKE, 2)[0]).custom
        targets.targets["brake-1-new.bin"] = target_file("brake-1-new.bin", b"x", custom)

    refused_match(change, "nobody who may signs it")


def test_u_match_1_a_primary_checks_all_a_secondary_its_own() -> None:
    world = offered()

    def change(targets: Targets) -> None:
        targets.targets[image_of(SEAT, 2)[0]].length += 1

    files = director_targets(world, change)
    brake = world.secondaries[BRAKE]
    plan = world.run(brake.check(world.now_s), with_files(world, files))
    assert [one.ecu_id for one in plan.assignments] == [BRAKE]
    with pytest.raises(RejectedError, match="seat-1-2"):
        check(world, files)


def test_u_match_2_the_hardware_of_an_image() -> None:
    world = offered()
    name, data = image_of(BRAKE, 2)
    world.image.add(
        target_file(name, data, {"hardwareIds": ["seat-a"], "releaseCounter": 2}), SUPPLIER
    )
    world.image.publish(world.now_s, [SUPPLIER])
    with pytest.raises(RejectedError, match="not for hardware brake-a"):
        check(world)
    recovers(world)


def test_u_match_2_the_hardware_of_a_unit() -> None:
    def change(targets: Targets) -> None:
        custom = targets.targets[image_of(BRAKE, 2)[0]].custom
        custom["ecuIdentifiers"][BRAKE]["hardwareId"] = "brake-b"

    refused_director(change, "is for brake-b, brake-1 is brake-a")


def test_u_match_2_the_release_counters_differ() -> None:
    def change(targets: Targets) -> None:
        targets.targets[image_of(BRAKE, 2)[0]].custom["releaseCounter"] = 9

    error = refused_match(change, "release counter 2, the director says 9")
    assert error.attack == Attack.ROLLBACK


def counters(world: World, counter: int) -> Any:
    def change(targets: Targets) -> None:
        targets.targets.clear()
        name, data = image_of(BRAKE, 1)
        units = {BRAKE: {"hardwareId": HARDWARE[BRAKE]}}
        custom = {"ecuIdentifiers": units, "releaseCounter": counter}
        targets.targets[name] = target_file(name, data, custom)

    return change


def test_u_match_3_a_release_counter_never_goes_back() -> None:
    world = at_release_2()
    with pytest.raises(RejectedError, match="brake-1 is at 2") as raised:
        check(world, director_targets(world, counters(world, 1)))
    assert raised.value.attack == Attack.ROLLBACK
    world.publish_release()
    recovers(world)


def test_u_match_3_an_equal_counter_is_the_way_back_that_is_allowed() -> None:
    world = at_release_2()
    name, data = image_of(BRAKE, 1)
    custom = {"hardwareIds": [HARDWARE[BRAKE]], "releaseCounter": 2}
    world.image.add(target_file(name, data, custom), SUPPLIER)
    world.image.publish(world.now_s, [SUPPLIER])
    plan = check(world, director_targets(world, counters(world, 2)))
    assert [one.name for one in plan.assignments] == [name]


def at_release_2() -> World:
    world = offered()
    for one in check(world).assignments:
        world.secondaries[one.ecu_id].install(one, image_of(one.ecu_id, 2)[1])
    world.primary.checker = world.car_checker()
    return world


def checked(image: ImageCheck, data: bytes) -> None:
    image.feed(data)
    image.end()


@pytest.mark.parametrize("wrong", ["longer", "shorter", "another"])
def test_u_img_1_an_image_has_its_length_and_all_its_hashes(wrong: str) -> None:
    _, data = image_of(BRAKE, 2)
    listed = target_file("a.bin", data, {})
    bad = {"longer": data + b"x", "shorter": data[:-1], "another": data[:-1] + b"x"}[wrong]
    image = ImageCheck("a.bin", listed.length, listed.hashes)
    with pytest.raises(RejectedError) as raised:
        checked(image, bad)
    assert raised.value.attack == (Attack.ENDLESS if wrong == "longer" else Attack.ARBITRARY)
    good = ImageCheck("a.bin", listed.length, listed.hashes)
    good.feed(data[:7])
    good.feed(data[7:])
    good.end()


def test_u_img_1_one_wrong_hash_of_two_is_enough() -> None:
    _, data = image_of(BRAKE, 2)
    listed = target_file("a.bin", data, {})
    image = ImageCheck("a.bin", listed.length, {**listed.hashes, "sha512": "0" * 128})
    image.feed(data)
    with pytest.raises(RejectedError, match="another sha512"):
        image.end()


@pytest.mark.parametrize(
    "hashes", [{}, {"md5": "0" * 32}, {"sha256": "../x"}, {"sha256": "A" * 64}]
)
def test_u_img_1_hashes_that_cannot_be_checked(hashes: dict[str, str]) -> None:
    with pytest.raises(RejectedError):
        check_hashes("a.bin", hashes)


def test_u_img_2_hardware_and_file_name_must_be_the_unit_s() -> None:
    """A delegation's path pattern holds for names: see test_delegations."""
    world = offered()
    name, data = "elsewhere.bin", b"x" * 100
    custom = {"hardwareIds": [HARDWARE[BRAKE]], "releaseCounter": 3}
    world.image.add(target_file(name, data, custom), SUPPLIER)
    world.image.publish(world.now_s, [SUPPLIER])

    def change(targets: Targets) -> None:
        units = {BRAKE: {"hardwareId": HARDWARE[BRAKE]}}
        targets.targets.clear()
        targets.targets[name] = target_file(
            name, data, {"ecuIdentifiers": units, "releaseCounter": 3}
        )

    with pytest.raises(RejectedError, match="nobody who may signs it"):
        check(world, director_targets(world, change))


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../b", "a//b", "", ".", "a\\b", "a\x00b", "a\nb", "x" * 256, "a/"]
)
def test_u_img_3_a_name_that_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(RejectedError, match="no file name"):
        check_name(name, repository="director")


def test_u_img_3_such_a_name_in_a_director_s_file() -> None:
    def change(targets: Targets) -> None:
        name, _ = image_of(BRAKE, 2)
        targets.targets["../../etc/passwd"] = targets.targets.pop(name)

    refused_director(change, "no file name")


def test_a_custom_part_that_is_none_is_refused() -> None:
    def change(targets: Targets) -> None:
        targets.targets[image_of(BRAKE, 2)[0]].unrecognized_fields["custom"] = {"ecuIdentifiers": 3}

    refused_director(change, "custom part")


def test_a_secondary_ignores_units_that_are_not_it() -> None:
    world = offered()
    checker = Checker.of_unit("VOLANT00000000001", world.secondaries[SEAT].entry)
    targets = world.director.targets[TARGETS]
    checker.check_director(targets)
    assert [one.ecu_id for one in checker.mine(targets)] == [SEAT]
    assert current(world, "director", TARGETS) == ("director", "3.targets.json")


def delta(**changes: Any) -> dict[str, Any]:
    found = {
        "algorithm": "volant-segments",
        "name": "deltas/brake-1-2.delta",
        "length": 123,
        "hashes": {"sha256": "a" * 64},
        "base": {"sha256": "b" * 64},
    }
    return {**found, **changes}


def test_a_delta_is_named_beside_the_image_that_it_makes() -> None:
    world = offered()

    def change(targets: Targets) -> None:
        targets.targets[image_of(BRAKE, 2)[0]].custom["deltas"] = [delta()]

    one = next(
        one for one in check(world, director_targets(world, change)).assignments if one.deltas
    )
    fetch = delta_fetch(one.deltas[0])
    assert fetch.name == f"deltas/{'a' * 64}.brake-1-2.delta"
    assert (fetch.most_bytes, fetch.exact) == (123, True)


@pytest.mark.parametrize(
    "wrong",
    [{"name": "../x"}, {"hashes": {"sha256": "../x"}}, {"base": {"md5": "0"}}, {"length": 0}],
)
def test_a_delta_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    def change(targets: Targets) -> None:
        targets.targets[image_of(BRAKE, 2)[0]].custom["deltas"] = [delta(**wrong)]

    refused_director(change, "no file name|listed with hashes|custom part")
