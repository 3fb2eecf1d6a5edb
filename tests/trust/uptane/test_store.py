"""What lies where, what a unit begins with, and a keeper that is read back: U-STORE, U-PROV."""

import pytest

from tests.trust.uptane.lab import check, offered, with_files
from volant.core.errors import InputError, RefusedError
from volant.trust.attacks.world import BRAKE, SEAT, World, image_of
from volant.trust.uptane import (
    Attack,
    Keeper,
    RejectedError,
    RepositoryMap,
    TrustedRepository,
    provision_full,
    provision_partial,
    target_file,
)
from volant.trust.uptane.check import image_fetch
from volant.trust.uptane.delegations import RoleGroup
from volant.trust.uptane.keeper import image_names

MAP = RepositoryMap.of("https://director", "https://images")


def test_u_store_metadata_lie_under_version_and_name() -> None:
    world = offered()
    assert set(world.director.published) == {
        "1.root.json", "timestamp.json",
        "1.snapshot.json", "2.snapshot.json", "3.snapshot.json",
        "1.targets.json", "2.targets.json", "3.targets.json",
    }  # fmt: skip


def test_u_store_images_lie_under_each_listed_hash() -> None:
    name, data = image_of(BRAKE, 1)
    listed = target_file(f"folder/{name}", data, {})
    names = image_names(listed)
    assert names == tuple(f"folder/{text}.{name}" for text in listed.hashes.values())
    world = offered()
    for one in check(world).assignments:
        assert image_fetch(one).name in world.images


def test_what_a_car_believes_survives_storing() -> None:
    world = offered()
    check(world)
    for repo in (world.primary.director, world.primary.image):
        assert repo is not None
        again = TrustedRepository.load(repo.name, repo.files)
        assert again.files == repo.files
        assert again.take_changes() == {}
    stored: dict[str, bytes] = {}
    fresh = TrustedRepository("director", world.director.published["1.root.json"])
    world.primary.director = fresh
    check(world)
    for name, data in fresh.take_changes().items():
        assert data is not None
        stored[name] = data
    assert stored == fresh.files


def test_stored_files_that_were_tampered_with_are_left_out() -> None:
    world = offered()
    check(world)
    files = dict(world.primary.director.files)
    files["timestamp.json"] = b"{}"
    files["targets.json"] = files["targets.json"].replace(b"brake-1", b"brake-9")
    files["odd.json"] = b"[]"
    found = TrustedRepository.load("director", files)
    assert found.timestamp is None
    assert found.snapshot is not None
    assert found.targets == {}
    world.primary.director = found
    assert check(world).assignments


def test_u_prov_a_full_unit_begins_with_four_roles_of_both_and_the_map() -> None:
    world = World()
    files = world.director.trusted_files(), world.image.trusted_files()
    state = provision_full(*files, MAP.to_bytes())
    assert state.repositories == MAP
    for role in ("timestamp", "snapshot", "targets"):
        less = {name: data for name, data in files[0].items() if name != f"{role}.json"}
        with pytest.raises(InputError, match=f"director: {role} is missing"):
            provision_full(less, files[1], MAP.to_bytes())
    with pytest.raises(InputError, match="never provisioned"):
        provision_full({}, files[1], MAP.to_bytes())


def test_u_prov_a_partial_unit_begins_with_root_and_targets_of_the_director() -> None:
    files = World().director.trusted_files()
    assert provision_partial({name: files[name] for name in ("root.json", "targets.json")})
    with pytest.raises(InputError, match="targets is missing"):
        provision_partial({"root.json": files["root.json"]})


def test_u_prov_a_fresh_unit_refuses_what_is_older_than_it() -> None:
    world = World()
    old = dict(world.served())
    world.publish_release()
    files = world.director.trusted_files()
    world.primary.director = provision_full(
        files, world.image.trusted_files(), MAP.to_bytes()
    ).director
    with pytest.raises(RejectedError) as raised:
        check(world, old)
    assert raised.value.attack == Attack.ROLLBACK
    seat = world.secondaries[SEAT]
    seat.director = provision_partial(files)
    wire = with_files(world, {("director", "targets.json"): old["director", "2.targets.json"]})
    with pytest.raises(RejectedError) as raised:
        world.run(seat.check(world.now_s), wire)
    assert raised.value.attack == Attack.ROLLBACK


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b" " * 100_000,
        MAP.to_bytes().replace(b'"threshold": 2', b'"threshold": 1'),
        MAP.to_bytes().replace(b'"image",\n        "director"', b'"image"'),
        MAP.to_bytes().replace(b'"*"', b'"a*"'),
        MAP.to_bytes().replace(b'"image"', b'"other"'),
    ],
)
def test_u_prov_a_map_by_which_one_repository_is_enough_is_refused(data: bytes) -> None:
    assert data != MAP.to_bytes()
    with pytest.raises(InputError):
        RepositoryMap.from_bytes(data)


def test_a_keeper_is_read_back() -> None:
    world = offered()
    again = Keeper.load("image", world.image.published, dict(world.image.signers))
    assert again.targets == world.image.targets
    again.publish(world.now_s, ["supplier"])
    assert again.snapshot.version == world.image.snapshot.version + 1
    with pytest.raises(InputError, match="has no root"):
        Keeper.load("image", {}, {})
    with pytest.raises(InputError, match="has no file"):
        Keeper.load("image", {"1.root.json": world.image.published["1.root.json"]}, {})
    again.signers.clear()
    with pytest.raises(RefusedError, match="no key of role"):
        again.publish(world.now_s)
    with pytest.raises(RefusedError, match="delegates to nobody"):
        world.director.group(RoleGroup(roles=("a",), min_roles_in_agreement=1, paths=("*",)))
