"""A repository as its keepers have it: roots in the making, what is current, and units that share an image."""

from __future__ import annotations

import pytest
from securesystemslib.signer import Key, Signature, Signer

from tests.trust.uptane.lab import offered
from volant.core.errors import RefusedError
from volant.trust.attacks.world import BEGIN_S, key_of, signers_of
from volant.trust.uptane import (
    Checker,
    EcuEntry,
    Fetch,
    Inventory,
    Keeper,
    Limits,
    Plan,
    TrustedRepository,
    answer_from,
    check_full,
    hand_on,
    refresh,
    soft_signer,
    target_file,
)
from volant.trust.uptane.delegations import Search
from volant.trust.uptane.keeper import add_signature
from volant.trust.uptane.metadata import ROOT, TARGETS, TIMESTAMP, parse
from volant.trust.uptane.trusted import file_of


class Broken(Signer):
    """A token that was pulled out."""

    @property
    def public_key(self) -> Key:
        return soft_signer(key_of("broken")).public_key

    @classmethod
    def from_priv_key_uri(cls, *_: object) -> Signer:
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        raise OSError("no token")


def keeper_of(name: str = "image") -> Keeper:
    return Keeper.create(name, signers_of(name), now_s=BEGIN_S)


def trusted_of(keeper: Keeper) -> TrustedRepository:
    return TrustedRepository(keeper.name, keeper.published["1.root.json"])


def follow(trusted: TrustedRepository, files: dict[str, bytes]) -> None:
    answer_from(refresh(trusted, BEGIN_S, Limits()), lambda fetch: files.get(fetch.name))


def test_a_root_that_others_sign_changes_nothing_before_it_is_taken() -> None:
    keeper = keeper_of()
    before = dict(keeper.published)
    people = [soft_signer(key_of(name)) for name in ("ann", "bob")]
    keys = [one.public_key for one in people]
    draft = keeper.next_root(ROOT, [], BEGIN_S, others=keys, threshold=2)
    assert (keeper.root.version, keeper.published) == (1, before)
    for one in people:
        draft = add_signature(draft, one)
    keeper.take_root(draft, ROOT, [], BEGIN_S)
    trusted = trusted_of(keeper)
    follow(trusted, keeper.published)
    assert trusted.root.signed.version == 2
    unsigned = keeper.next_root(TIMESTAMP, [soft_signer(key_of("new"))], BEGIN_S)
    assert not parse(type(keeper.root), unsigned, repository="image", role=ROOT).signatures


def test_a_signer_that_fails_is_said() -> None:
    keeper = keeper_of()
    keeper.signers[TIMESTAMP] = [Broken()]
    with pytest.raises(RefusedError, match="timestamp of repository image"):
        keeper.publish_timestamp(BEGIN_S)


def test_another_repository_of_the_same_keepers_begins_empty() -> None:
    first = keeper_of()
    first.add(target_file("a.bin", b"abc", {}))
    first.publish(BEGIN_S, [TARGETS])
    second = Keeper.beside(first, {"1.root.json": first.published["1.root.json"]})
    second.publish(BEGIN_S, [TARGETS])
    assert not second.targets[TARGETS].targets
    trusted = trusted_of(second)
    follow(trusted, second.published)
    assert trusted.targets[TARGETS].signed.version == 1


def test_what_is_current_is_all_that_a_car_asks_for() -> None:
    keeper = keeper_of()
    for _ in range(3):
        keeper.rotate(TIMESTAMP, [soft_signer(key_of("new"))], BEGIN_S)
        keeper.publish(BEGIN_S, [TARGETS])
    files = keeper.current_files()
    assert list(files)[-1] == file_of(TIMESTAMP)
    assert len(files) == 4 + 3
    trusted = trusted_of(keeper)
    follow(trusted, files)
    assert trusted.root.signed.version == 4


def test_a_delegated_role_whose_keys_changed_is_fetched_again() -> None:
    keeper = keeper_of()
    keeper.delegate("lab", [soft_signer(key_of("one"))], paths=["*"], hardware_ids=["h"])
    keeper.add(target_file("a.bin", b"abc", {}), "lab")
    keeper.publish(BEGIN_S, [TARGETS, "lab"])
    trusted = trusted_of(keeper)

    def find() -> int:
        def source(fetch: Fetch) -> bytes | None:
            asked.append(fetch.name)
            return keeper.published.get(fetch.name)

        asked: list[str] = []
        answer_from(refresh(trusted, BEGIN_S, Limits()), source)
        answer_from(Search(trusted, "a.bin", "h", BEGIN_S, Limits()).run(), source)
        return asked.count("1.lab.json")

    assert (find(), find()) == (1, 0)
    keeper.targets[TARGETS].delegations = None
    keeper.targets["lab"].version = 0
    keeper.delegate("lab", [soft_signer(key_of("two"))], paths=["*"], hardware_ids=["h"])
    keeper.publish(BEGIN_S, [TARGETS, "lab"])
    assert (find(), find()) == (1, 0)


def test_roles_that_fade_are_those_that_can_be_signed_here() -> None:
    keeper = keeper_of()
    keys = [soft_signer(key_of(name)) for name in ("one", "two")]
    keeper.delegate("lab", keys, paths=["*"], hardware_ids=["h"], threshold=2)
    keeper.publish(BEGIN_S, [TARGETS, "lab"])
    later_s = BEGIN_S + 61 * 86_400
    assert keeper.fading(BEGIN_S) == []
    assert keeper.fading(later_s) == [TARGETS, "lab"]
    keeper.signers["lab"].pop()
    assert keeper.fading(later_s) == [TARGETS]
    del keeper.signers[TARGETS]
    assert keeper.fading(later_s) == []


def test_units_of_one_hardware_share_an_image() -> None:
    units = tuple(
        EcuEntry(ecu_id=name, hardware_id="h", key=key_of(name).public.hex, primary=name == "a")
        for name in ("a", "b")
    )
    checker = Checker.of_car(Inventory(vehicle_id="CAR", ecus=units))
    director, image = keeper_of("director"), keeper_of()
    director.targets[TARGETS].unrecognized_fields["custom"] = {"vehicleId": "CAR"}
    identifiers = {one.ecu_id: {"hardwareId": "h"} for one in units}
    director.add(target_file("a.bin", b"abc", {"ecuIdentifiers": identifiers}))
    image.add(target_file("a.bin", b"abc", {"hardwareIds": ["h"]}))
    for keeper in (director, image):
        keeper.publish(BEGIN_S, [TARGETS])
    files = {
        (one.name, key): data for one in (director, image) for key, data in one.published.items()
    }
    steps = check_full(checker, trusted_of(director), trusted_of(image), BEGIN_S, Limits())
    plan: Plan = answer_from(steps, lambda fetch: files.get((fetch.repository, fetch.name)))
    assert [one.ecu_id for one in plan.assignments] == ["a", "b"]


def test_a_primary_that_knows_only_a_root_hands_that_on() -> None:
    director = offered().director
    source = hand_on(TrustedRepository("director", director.published["1.root.json"]))
    root = Fetch("director", ROOT, "1.root.json", 1 << 20)
    assert source(root) == director.published["1.root.json"]
    assert source(Fetch("director", TARGETS, "targets.json", 1 << 20)) is None
