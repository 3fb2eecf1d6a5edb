"""Images over a network, files at hand, and what else a repository may look like."""

from collections.abc import Iterable

import pytest
from tuf.api.metadata import Root, SuccinctRoles, Targets, Timestamp

from tests.trust.uptane.lab import check, offered
from volant.core.errors import InputError
from volant.trust.attacks.wire import Clock, Reply, pump
from volant.trust.attacks.world import BEGIN_S, LIMITS, key_of, signers_of
from volant.trust.uptane import (
    Attack,
    Fetch,
    Keeper,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    find_target,
    refresh,
    soft_signer,
    target_file,
)
from volant.trust.uptane.check import image_fetch
from volant.trust.uptane.delegations import RoleGroup, Search
from volant.trust.uptane.keeper import add_signature
from volant.trust.uptane.limits import NS_PER_S
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, is_signed, parse
from volant.trust.uptane.session import ImageLoad, required

DATA = b"image " * 500


def load(kept: bytearray, data: bytes = DATA) -> ImageLoad:
    listed = target_file("a.bin", data, {})
    fetch = Fetch("image", "image", "a.bin", len(data), exact=True)
    return ImageLoad(fetch, listed.hashes, kept.extend, LIMITS, 0)


def test_an_image_comes_in_pieces_and_goes_on_after_a_power_cut() -> None:
    kept = bytearray()
    first = load(kept)
    first.feed(DATA[:1000], 1)
    assert first.offset == 1000
    second = load(kept)
    second.resume([bytes(kept[:600]), bytes(kept[600:])])
    assert second.offset == 1000
    second.broken(2)
    second.feed(DATA[1000:], 3)
    assert second.wants is None
    assert second.result is None
    assert bytes(kept) == DATA
    for call in (second.end, second.tick, second.broken, second.missing):
        call(4)
    assert second.rejected is None


def test_an_image_that_is_not_whole_is_no_result() -> None:
    found = load(bytearray())
    found.feed(DATA[:1000], 1)
    with pytest.raises(RuntimeError, match="not whole"):
        _ = found.result


@pytest.mark.parametrize("kind", ["image", "metadata"])
def test_bytes_that_are_here_already_are_a_pace_and_no_progress(kind: str) -> None:
    """From a server that knows no ranges: what it sends again keeps slow retrieval away, and adds nothing."""
    from volant.trust.uptane import Session

    fetch = Fetch("image", "image", "a.bin", len(DATA), exact=True)
    fed = load(bytearray()) if kind == "image" else Session(required(fetch), LIMITS, 0)
    fed.feed(DATA[:1000], 0)
    for second in range(30):
        fed.again(2000, second * NS_PER_S)
    assert (fed.rejected, fed.offset) == (None, 1000)
    for second in range(30, 50):
        fed.again(1, second * NS_PER_S)
    assert fed.rejected is not None
    assert fed.rejected.attack == Attack.SLOW
    fed.again(1, 51 * NS_PER_S)


def test_a_stored_part_that_is_not_right_is_found_at_the_end() -> None:
    found = load(bytearray())
    found.resume([b"x" * 1000])
    found.feed(DATA[1000:], 1)
    with pytest.raises(RejectedError, match="another sha"):
        _ = found.result


@pytest.mark.parametrize("fault", ["endless", "slow", "missing", "dropped", "another"])
def test_an_image_that_does_not_come_right_says_which_attack(fault: str) -> None:
    kept = bytearray()
    found = load(kept)
    if fault == "endless":
        found.feed(DATA + b"x", 1)
    elif fault == "slow":
        for second in range(11):
            found.tick(second * NS_PER_S)
    elif fault == "missing":
        found.missing(1)
    elif fault == "dropped":
        for _ in range(LIMITS.tries):
            found.end(1)
    else:
        found.feed(b"y" * len(DATA), 1)
    expected = {"endless": Attack.ENDLESS, "slow": Attack.SLOW, "another": Attack.ARBITRARY}
    assert found.rejected is not None
    assert found.rejected.attack == expected.get(fault, Attack.DROP)


def test_an_empty_image_needs_no_request() -> None:
    found = load(bytearray(), b"")
    assert found.wants is None
    assert found.result is None


@pytest.mark.parametrize(("data", "attack"), [(b"abcd", Attack.ENDLESS), (b"a", Attack.DROP)])
def test_files_at_hand_are_bounded_too(data: bytes, attack: Attack) -> None:
    steps = required(Fetch("image", "image", "a", 3, exact=True))
    with pytest.raises(RejectedError) as raised:
        answer_from(steps, lambda _: data)
    assert raised.value.attack == attack


def test_what_is_required_is_never_none() -> None:
    steps = required(Fetch("image", "image", "a", 3))
    next(steps)
    with pytest.raises(RuntimeError, match="not optional"):
        steps.send(None)


def test_a_session_whose_file_ends_short_once_too_often() -> None:
    from volant.trust.uptane import Session

    steps = required(Fetch("image", "image", "a", 3, exact=True))
    session = Session(steps, LIMITS, 0)
    for _ in range(LIMITS.tries):
        session.feed(b"", 1)
        session.end(1)
    assert session.rejected is not None
    assert session.rejected.attack == Attack.DROP


def test_a_session_without_end_is_found_out() -> None:
    world = offered()
    steps = refresh(world.primary.director, world.now_s, Limits(tries=10**9))
    from volant.trust.uptane import Session

    session = Session(steps, Limits(tries=10**9, slow_window_ns=10**18), 0)
    with pytest.raises(RuntimeError, match="does not end"):
        pump(session, lambda _: Reply(None, lost=True), Clock())


def test_a_file_of_another_kind_is_no_metadata() -> None:
    data = offered().director.published["timestamp.json"]
    assert parse(Timestamp, data, repository="director", role=TIMESTAMP)
    with pytest.raises(RejectedError, match="found 'timestamp', expected 'root'"):
        parse(Root, data, repository="director", role=ROOT)


def test_nobody_signs_for_a_role_that_was_never_given() -> None:
    world = offered()
    found = parse(
        Targets, world.director.published["3.targets.json"], repository="director", role=TARGETS
    )
    assert not is_signed(world.director.targets[TARGETS], "nobody", found)


def test_steps_out_of_order_are_misuse() -> None:
    trusted = TrustedRepository("director", offered().director.published["1.root.json"])
    with pytest.raises(RuntimeError, match="after its timestamp"):
        trusted.update_snapshot(b"", BEGIN_S)
    with pytest.raises(RuntimeError, match="after their snapshot"):
        trusted.update_targets(b"", BEGIN_S)


def test_targets_that_the_snapshot_does_not_list() -> None:
    world = offered()
    check(world)
    with pytest.raises(RejectedError, match="does not list it"):
        world.primary.director.listed("nobody")


@pytest.mark.parametrize("role", [TIMESTAMP, SNAPSHOT, TARGETS])
def test_a_root_without_a_role_s_key_drops_what_it_signed(role: str) -> None:
    world = offered()
    check(world)
    director = world.primary.director
    others = [soft_signer(key_of("one")), soft_signer(key_of("two"))]
    for one in others:
        world.director.root.add_key(one.public_key, role)
    world.director.root.roles[role].threshold = 2  # the old key stays, and is no longer enough
    world.director.publish_root(world.now_s)
    director.update_root(world.director.published["2.root.json"])
    assert f"{role}.json" not in director.files
    assert director.take_changes()[f"{role}.json"] is None


def shop() -> Keeper:
    return Keeper.create("image", signers_of("image"), now_s=BEGIN_S)


def find(keeper: Keeper, name: str, hardware: str | None = None) -> int | None:
    """Length of what a client finds."""
    trusted = TrustedRepository("image", keeper.published["1.root.json"])

    def source(fetch: Fetch) -> bytes | None:
        return keeper.published.get(fetch.name)

    answer_from(refresh(trusted, BEGIN_S, Limits()), source)
    search = Search(trusted, name, hardware, BEGIN_S, Limits())
    found = answer_from(search.run(), source)
    return found.length if found else None


def test_hash_bins_are_searched_by_a_plain_client() -> None:
    keeper = shop()
    signer = soft_signer(key_of("bins"))
    keeper.delegate("bins", [signer], paths=["*"], hardware_ids=[])
    delegations = keeper.targets[TARGETS].delegations
    assert delegations is not None
    delegations.roles = None
    delegations.succinct_roles = SuccinctRoles([signer.public_key.keyid], 1, 1, "bin")
    name = delegations.succinct_roles.get_role_for_target("a.bin")
    keeper.targets = {TARGETS: keeper.targets[TARGETS], name: Targets()}
    keeper.signers[name] = [signer]
    keeper.add(target_file("a.bin", b"abc", {}), name)
    keeper.publish(BEGIN_S, [TARGETS, name])
    assert find(keeper, "a.bin") == 3
    bins = delegations.succinct_roles
    absent = next(one for one in map(str, range(99)) if bins.get_role_for_target(one) == name)
    assert find(keeper, absent) is None


def test_a_repository_without_versions_in_names_is_read() -> None:
    keeper = shop()
    keeper.add(target_file("a.bin", b"abc", {}))
    keeper.publish(BEGIN_S, [TARGETS])
    keeper.root.consistent_snapshot = False
    keeper.publish_root(BEGIN_S)
    for role in (SNAPSHOT, TARGETS):
        keeper.published[f"{role}.json"] = keeper.trusted_files()[f"{role}.json"]
    trusted = TrustedRepository("image", keeper.published["1.root.json"])
    found = answer_from(
        find_target(trusted, "a.bin", BEGIN_S, Limits()), lambda f: keeper.published.get(f.name)
    )
    assert found is not None


def test_a_group_may_name_roles_that_are_not_there_and_roles_without_the_image() -> None:
    keeper = shop()
    custom = {"hardwareIds": ["h"], "releaseCounter": 1}
    for role in ("one", "two", "silent"):
        keeper.delegate(role, [soft_signer(key_of(role))], paths=["*"], hardware_ids=["h"])
        if role != "silent":
            keeper.add(target_file("a.bin", b"abc", custom), role)
    names: Iterable[str] = ("nobody", "silent", "one", "two")
    keeper.group(
        RoleGroup(roles=tuple(names), min_roles_in_agreement=2, paths=("*",), hardware_ids=("h",))
    )
    keeper.publish(BEGIN_S, list(keeper.targets))
    assert find(keeper, "a.bin", "h") == 3
    assert find(keeper, "a.bin", "other") is None


def test_a_signature_more_and_a_file_that_takes_none() -> None:
    keeper = shop()
    signer = soft_signer(key_of("second"))
    data = add_signature(keeper.published["1.root.json"], signer)
    assert len(parse(Root, data, repository="image", role=ROOT).signatures) == 2
    with pytest.raises(InputError, match="no metadata to sign"):
        add_signature(b"{}", signer)


def test_an_image_is_asked_for_by_hash_in_its_folder() -> None:
    world = offered()
    one = check(world).assignments[0]
    fetch = image_fetch(one)
    assert fetch.name == f"{one.hashes['sha256']}.{one.name}"
    assert (fetch.most_bytes, fetch.exact) == (one.length, True)
