"""Roots: U-ROOT-1 to U-ROOT-5 (Uptane 2.1, 5.4.4.3)."""

import json

import pytest

from tests.trust.uptane.lab import BOTH, check, current, keeper_of, offered, refused, repositories
from volant.trust.attacks.world import World, key_of, signers_of
from volant.trust.uptane import (
    Attack,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    soft_signer,
)
from volant.trust.uptane.check import refresh, refresh_root
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP

NEW = [soft_signer(key_of("new root key"))]


def rotated(world: World, repository: str) -> None:
    keeper_of(world, repository).rotate(ROOT, NEW, world.now_s)


@BOTH
def test_u_root_1_a_root_needs_old_and_new_keys(repository: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    old = list(keeper.signers[ROOT])
    rotated(world, repository)
    place = current(world, repository, ROOT)
    for signers in (old, NEW):
        stranger = keeper.copy()
        stranger.signers[ROOT] = list(signers)
        error = refused(world, {place: stranger.sign(ROOT, stranger.root)})
        assert (error.attack, error.role) == (Attack.ARBITRARY, "root")
        world = offered()
        rotated(world, repository)


def test_u_root_1_one_key_under_two_names_counts_once() -> None:
    world = offered()
    keeper = world.director
    one = keeper.root.keys[keeper.root.roles[ROOT].keyids[0]]
    twin = type(one).from_dict("twin", one.to_dict())
    keeper.root.add_key(twin, ROOT)
    keeper.root.roles[ROOT].threshold = 2
    keeper.publish_root(world.now_s)
    data = keeper.published[current(world, "director", ROOT)[1]]
    found = json.loads(data)
    found["signatures"].append({**found["signatures"][0], "keyid": "twin"})
    with pytest.raises(RejectedError) as raised:
        check(world, {current(world, "director", ROOT): json.dumps(found).encode()})
    assert raised.value.attack == Attack.ARBITRARY


@BOTH
def test_u_root_2_a_root_of_another_version_is_a_rollback(repository: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    copy = keeper.copy()
    copy.root.version = 7
    error = refused(world, {(repository, "2.root.json"): copy.sign(ROOT, copy.root)})
    assert (error.attack, error.role) == (Attack.ROLLBACK, "root")


def test_u_root_3_three_hundred_roots_are_taken_in_bounded_turns() -> None:
    world = offered()
    for _ in range(300):
        world.director.publish_root(world.now_s)
    director = world.primary.director
    limits = Limits()
    answer_from(refresh_root(director, world.now_s, limits), world.honest())
    assert director.root.signed.version == 1 + limits.root_rotations
    answer_from(refresh_root(director, world.now_s, limits), world.honest())
    assert director.root.signed.version == 301


def test_u_root_3_a_root_beyond_the_bound_is_endless_data() -> None:
    world = offered()
    error = refused(world, {("director", "2.root.json"): b" " * 600_000})
    assert (error.attack, error.role) == (Attack.ENDLESS, "root")


@BOTH
def test_u_root_4_the_last_root_must_not_be_expired_those_before_may(repository: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    keeper.publish_root(world.now_s)
    world.now_s += 400 * 86_400
    for one in world.keepers:
        one.publish_root(world.now_s)
    world.publish_release()
    assert check(world).assignments, "an expired root in between"
    world.now_s += 400 * 86_400
    for one in world.keepers:
        if one is not keeper:
            one.publish_root(world.now_s)
    world.publish_release()
    with pytest.raises(RejectedError) as raised:
        check(world)
    error = raised.value
    assert (error.attack, error.repository, error.role) == (Attack.FREEZE, repository, "root")
    keeper.publish_root(world.now_s)
    assert check(world).assignments


@BOTH
@pytest.mark.parametrize("role", [TIMESTAMP, SNAPSHOT])
def test_u_root_5_a_rotated_key_takes_its_fast_forward_with_it(repository: str, role: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    honest = keeper.copy()
    keeper.timestamp.version = keeper.snapshot.version = 2**31
    keeper.publish(world.now_s, [TARGETS])
    check(world)
    trusted = repositories(world)[repository == "image"]
    assert trusted.timestamp is not None
    assert trusted.timestamp.signed.version > 2**31
    if repository == "director":
        world.director = honest
    else:
        world.image = honest
    honest.targets[
        TARGETS
    ].version += 1  # the repository goes on from the last version that it knows
    honest.rotate(role, signers_of(repository, "after")[role], world.now_s)
    world.publish_release()
    check(world)
    assert trusted.timestamp.signed.version < 100


@pytest.mark.parametrize("plain", [True, False])
def test_a_rotated_snapshot_key_lets_older_targets_come_to_a_plain_client_only(plain: bool) -> None:
    world = offered()
    early = world.director.copy()
    for _ in range(3):
        world.director.publish(world.now_s, [TARGETS])
    first = world.director.published["1.root.json"]
    trusted = TrustedRepository.load("director", {"root.json": first}, plain=plain)
    answer_from(refresh(trusted, world.now_s, Limits()), world.honest())
    world.director = early
    early.rotate(SNAPSHOT, signers_of("director", "after")[SNAPSHOT], world.now_s)
    if plain:
        answer_from(refresh(trusted, world.now_s, Limits()), world.honest())
        assert trusted.targets[TARGETS].signed.version == early.targets[TARGETS].version
        return
    with pytest.raises(RejectedError) as raised:
        answer_from(refresh(trusted, world.now_s, Limits()), world.honest())
    assert (raised.value.attack, raised.value.role) == (Attack.ROLLBACK, TARGETS)


def test_u_root_5_deletions_are_stored_before_the_root() -> None:
    world = offered()
    director = world.primary.director
    check(world)
    director.take_changes()
    world.director.rotate(TIMESTAMP, signers_of("director", "after")[TIMESTAMP], world.now_s)
    director.update_root(world.director.published[current(world, "director", ROOT)[1]])
    changes = list(director.take_changes().items())
    assert [name for name, data in changes if data is None] == ["timestamp.json", "snapshot.json"]
    assert changes[-1][0] == "root.json"


def test_a_further_key_is_no_rotation() -> None:
    world = offered()
    check(world)
    director = world.primary.director
    world.director.root.add_key(NEW[0].public_key, TIMESTAMP)
    world.director.publish_root(world.now_s)
    director.update_root(world.director.published[current(world, "director", ROOT)[1]])
    assert director.timestamp is not None


def test_a_root_that_does_not_sign_itself_is_none() -> None:
    world = offered()
    keeper = world.director
    keeper.signers[ROOT] = NEW
    with pytest.raises(RejectedError, match="not signed by its own keys"):
        TrustedRepository("director", keeper.sign(ROOT, keeper.root))
