"""Timestamps, snapshots and targets: U-TS, U-SN, U-TG (Uptane 2.1, 5.4.4.4 to 5.4.4.6)."""

import pytest

from tests.trust.uptane.lab import (
    BOTH,
    check,
    current,
    keeper_of,
    offered,
    recovers,
    refused,
    repositories,
)
from volant.trust.attacks.wire import plain
from volant.trust.attacks.world import SUPPLIER, World, key_of
from volant.trust.uptane import Attack, Keeper, RejectedError, soft_signer
from volant.trust.uptane.keeper import DAY_S
from volant.trust.uptane.metadata import SNAPSHOT, TARGETS, TIMESTAMP

STRANGER = [soft_signer(key_of("a stranger"))]


def forged(keeper: Keeper, role: str) -> bytes:
    """A role's newest file, signed by a stranger."""
    copy = keeper.copy()
    copy.signers[role] = STRANGER
    signed = {TIMESTAMP: copy.timestamp, SNAPSHOT: copy.snapshot}.get(role)
    return copy.sign(role, signed or copy.targets[role])


def say(error: RejectedError) -> tuple[Attack, str]:
    return error.attack, error.role


@BOTH
def test_u_ts_1_a_timestamp_that_its_keys_did_not_sign(repository: str) -> None:
    world = offered()
    data = forged(keeper_of(world, repository), TIMESTAMP)
    error = refused(world, {(repository, "timestamp.json"): data})
    assert say(error) == (Attack.ARBITRARY, TIMESTAMP)


@BOTH
def test_u_ts_2_an_older_timestamp(repository: str) -> None:
    world = offered()
    old = keeper_of(world, repository).published["timestamp.json"]
    world.publish_release()
    check(world)
    world.publish_release()
    error = refused(world, {(repository, "timestamp.json"): old})
    assert say(error) == (Attack.ROLLBACK, TIMESTAMP)


def test_u_ts_2_a_newer_timestamp_that_names_an_older_snapshot() -> None:
    world = offered()
    check(world)
    keeper = world.director.copy()
    keeper.timestamp.snapshot_meta.version = 1
    keeper.publish_timestamp(world.now_s)
    error = refused(world, {("director", "timestamp.json"): keeper.published["timestamp.json"]})
    assert error.attack == Attack.ROLLBACK


@BOTH
def test_u_ts_3_an_expired_timestamp(repository: str) -> None:
    world = offered()
    check(world)
    world.publish_release()
    world.now_s += 8 * DAY_S
    for one in world.keepers:
        if one.name != repository:
            one.publish_timestamp(world.now_s)
    error = refused(world)
    assert (*say(error), error.repository) == (Attack.FREEZE, TIMESTAMP, repository)


def test_an_equal_timestamp_changes_nothing() -> None:
    world = offered()
    check(world)
    held = dict(world.primary.director.files)
    check(world)
    assert world.primary.director.files == held


@BOTH
def test_u_sn_1_a_snapshot_that_the_timestamp_does_not_name(repository: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    old = keeper.published[f"{keeper.snapshot.version - 1}.snapshot.json"]
    error = refused(world, {current(world, repository, SNAPSHOT): old})
    assert say(error) == (Attack.MIX_AND_MATCH, SNAPSHOT)


def test_u_sn_1_a_snapshot_of_another_version_than_named() -> None:
    world = offered()
    keeper = world.director.copy()
    place = current(world, "director", SNAPSHOT)
    keeper.snapshot.version += 5
    data = keeper.sign(SNAPSHOT, keeper.snapshot)
    keeper.timestamp.snapshot_meta.length = keeper.timestamp.snapshot_meta.hashes = None
    keeper.publish_timestamp(world.now_s)
    files = {place: data, ("director", "timestamp.json"): keeper.published["timestamp.json"]}
    with pytest.raises(RejectedError, match="found version 8, version 3 is named") as raised:
        check(world, files)
    assert say(raised.value) == (Attack.MIX_AND_MATCH, SNAPSHOT)


def with_snapshot(world: World, keeper: Keeper) -> dict[tuple[str, str], bytes]:
    """What a repository serves whose keeper signs this snapshot as it is."""
    keeper.publish(world.now_s)
    return {(keeper.name, name): data for name, data in keeper.published.items()}


@BOTH
def test_u_sn_2_a_snapshot_that_its_keys_did_not_sign(repository: str) -> None:
    world = offered()
    copy = keeper_of(world, repository).copy()
    copy.signers[SNAPSHOT] = STRANGER
    with pytest.raises(RejectedError) as raised:
        check(world, with_snapshot(world, copy))
    assert say(raised.value) == (Attack.ARBITRARY, SNAPSHOT)
    recovers_after_timestamp(world)


def recovers_after_timestamp(world: World) -> None:
    """The false timestamp was truly signed: what is newer than it is taken."""
    world.publish_release()
    recovers(world)


@BOTH
def test_u_sn_3_an_older_snapshot(repository: str) -> None:
    """Held is 3, the timestamp of one with the timestamp key names 2 and lies lower."""
    world = offered()
    check(world)
    trusted = repositories(world)[repository == "image"]
    keeper = keeper_of(world, repository)
    old = keeper.published[f"{keeper.snapshot.version - 1}.snapshot.json"]
    assert trusted.timestamp is not None
    trusted.timestamp.signed.snapshot_meta.version -= 1
    trusted.timestamp.signed.snapshot_meta.hashes = None
    trusted.timestamp.signed.snapshot_meta.length = None
    with pytest.raises(RejectedError, match="held is") as raised:
        trusted.update_snapshot(old, world.now_s)
    assert say(raised.value) == (Attack.ROLLBACK, SNAPSHOT)


@BOTH
def test_u_sn_4_a_listed_file_goes_back(repository: str) -> None:
    world = offered()
    check(world)
    copy = keeper_of(world, repository).copy()
    copy.snapshot.meta["targets.json"].version -= 1
    with pytest.raises(RejectedError, match=r"targets\.json.*held is") as raised:
        check(world, with_snapshot(world, copy))
    assert raised.value.attack == Attack.ROLLBACK
    recovers_after_timestamp(world)


def test_u_sn_5_a_listed_file_is_gone() -> None:
    world = offered()
    check(world)
    copy = world.image.copy()
    del copy.snapshot.meta[f"{SUPPLIER}.json"]
    with pytest.raises(RejectedError, match="no longer listed") as raised:
        check(world, with_snapshot(world, copy))
    assert raised.value.attack == Attack.ROLLBACK
    recovers_after_timestamp(world)


@BOTH
def test_u_sn_6_an_expired_snapshot(repository: str) -> None:
    world = offered()
    world.now_s += 31 * DAY_S
    for one in world.keepers:
        if one.name == repository:
            one.publish_timestamp(world.now_s)
        else:
            one.publish(world.now_s, [TARGETS])
    error = refused(world)
    assert (*say(error), error.repository) == (Attack.FREEZE, SNAPSHOT, repository)


@BOTH
def test_u_sn_6_an_expired_snapshot_that_is_held(repository: str) -> None:
    world = offered()
    check(world)
    world.now_s += 31 * DAY_S
    for one in world.keepers:
        one.publish_timestamp(world.now_s)
        if one.name != repository:
            one.publish(world.now_s)
    error = refused(world)
    assert (*say(error), error.repository) == (Attack.FREEZE, SNAPSHOT, repository)


@BOTH
def test_u_tg_1_targets_of_another_version_than_listed(repository: str) -> None:
    world = offered()
    keeper = keeper_of(world, repository)
    old = keeper.published[f"{keeper.targets[TARGETS].version - 1}.targets.json"]
    error = refused(world, {current(world, repository, TARGETS): old})
    assert say(error) == (Attack.MIX_AND_MATCH, TARGETS)


def test_u_tg_1_is_by_version_where_no_hash_is_listed() -> None:
    world = offered()
    place = current(world, "director", TARGETS)
    keeper = world.director.copy()
    keeper.targets[TARGETS].version += 5
    data = keeper.sign(TARGETS, keeper.targets[TARGETS])
    keeper.snapshot.meta["targets.json"].hashes = keeper.snapshot.meta["targets.json"].length = None
    with pytest.raises(RejectedError, match="found version 8, version 3 is named") as raised:
        check(world, {**with_snapshot(world, keeper), place: data})
    assert say(raised.value) == (Attack.MIX_AND_MATCH, TARGETS)


@pytest.mark.parametrize(
    ("repository", "role"), [("director", TARGETS), ("image", TARGETS), ("image", SUPPLIER)]
)
def test_u_tg_2_targets_that_their_keys_did_not_sign(repository: str, role: str) -> None:
    world = offered()
    copy = keeper_of(world, repository).copy()
    copy.signers[role] = STRANGER
    copy.publish(world.now_s, [role])
    files = {(repository, name): data for name, data in copy.published.items()}
    with pytest.raises(RejectedError) as raised:
        check(world, files)
    assert say(raised.value) == (Attack.ARBITRARY, role)
    recovers_after_timestamp(world)


def test_u_tg_3_older_targets_than_held() -> None:
    """Where no snapshot says so: partial verification."""
    world = offered()
    seat = world.secondaries["seat-1"]
    check(world)
    world.run(seat.check(world.now_s), plain(world.inside()))
    old = world.director.published["2.targets.json"]
    with pytest.raises(RejectedError) as raised:
        seat.director.update_targets(old, world.now_s, alone=True)
    assert say(raised.value) == (Attack.ROLLBACK, TARGETS)


@BOTH
def test_u_tg_4_expired_targets(repository: str) -> None:
    world = offered()
    world.now_s += 91 * DAY_S
    for one in world.keepers:
        one.publish(world.now_s, [] if one.name == repository else list(one.targets))
    error = refused(world)
    assert (*say(error), error.repository) == (Attack.FREEZE, TARGETS, repository)
