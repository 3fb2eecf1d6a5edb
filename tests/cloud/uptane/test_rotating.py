"""Other keys for a fleet's roles: cars that have joined follow by the chain of roots, and old keys are worth nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cloud.uptane.town import Town, key
from volant.cloud.uptane import rotating
from volant.cloud.uptane.authority import Authority
from volant.core.errors import RefusedError
from volant.trust.uptane import RejectedError, soft_signer
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TIMESTAMP, TOP_LEVEL

DAY_S = 86_400.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.store.close()


def rotate(town: Town, name: str, role: str, count: int = 1, threshold: int = 1) -> None:
    """As the command does it, with all keys here."""
    assert town.authority is not None
    new = [soft_signer(key()) for _ in range(count)]
    mine = dict(town.authority.signers(name))
    with town.store.work() as work:
        _, data = rotating.draft(
            work, town.authority, name, role, new, town.now_s, threshold=threshold
        )
        mine[role] = [*mine[role], *new]
        town.authority = replace(town.authority, **{name: mine})
        rotating.take(work, town.authority, name, role, data, town.now_s, "ann")


@pytest.mark.parametrize("name", [DIRECTOR, IMAGE])
@pytest.mark.parametrize("role", TOP_LEVEL)
def test_a_car_follows_each_role_s_new_keys(town: Town, name: str, role: str) -> None:
    car = town.car()
    town.begin()
    car.tell()
    rotate(town, name, role, count=3, threshold=2)
    assert [one.name for one in car.check().assignments] == ["brake-2.bin"]
    assert car.tell().status == 200


def test_a_car_that_was_off_through_many_rotations_catches_up(town: Town) -> None:
    car = town.car()
    for _ in range(3):
        for role in (ROOT, *TOP_LEVEL):
            rotate(town, DIRECTOR, role)
            rotate(town, IMAGE, role)
        town.now_s += DAY_S
    town.begin()
    assert car.tell().status == 200
    assert [one.name for one in car.check().assignments] == ["brake-2.bin"]
    with town.store.read() as work:
        assert rotating.newest_root(work, DIRECTOR).version == 16


def test_a_car_joins_after_a_rotation_by_a_code_from_before(town: Town) -> None:
    code = town.code("CAR1")
    rotate(town, DIRECTOR, ROOT)
    rotate(town, IMAGE, ROOT)
    again = town.code("CAR2")
    assert code.partition(".")[2] == again.partition(".")[2], "the first roots are what is pinned"
    assert town.car("CAR3").check().assignments == ()


def test_the_offer_that_a_car_is_at_stays_the_same_when_other_roles_rotate(town: Town) -> None:
    car = town.car()
    town.begin()
    car.tell()
    before = car.offer()
    for role in (ROOT, TIMESTAMP, "snapshot"):
        rotate(town, DIRECTOR, role)
        car.check()
        assert car.offer() == before


@pytest.mark.parametrize(("name", "role"), [(DIRECTOR, "timestamp"), (DIRECTOR, "targets")])
def test_a_server_with_old_keys_says_so_and_gives_nothing_that_no_car_believes(
    town: Town, name: str, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    car = town.car()
    old: Authority | None = town.authority
    rotate(town, name, role)
    new, town.authority = town.authority, old
    assert old is not None
    for _ in range(2):
        found = car.get("/cars/CAR1/director/metadata/timestamp.json")
        assert found.status == 503
        why = json.loads(found.body)["error"]
        assert f"no key of role {role} of repository {name} is here that its root 2 names" in why
    town.begin()
    assert car.tell().status == 503
    assert caplog.text.count("uptane_refused") == 1, "once a minute"
    with town.store.read() as work:
        (lacks,) = old.lacking(work)
    assert lacks.startswith(f"{name}-{role}: the keys that version 2")
    town.authority = new
    assert car.check().assignments == ()
    town.authority = old
    assert car.check().assignments == (), "what the other server signed is good here, too"


def test_old_keys_are_believed_no_more(town: Town) -> None:
    car = town.car()
    town.begin()
    car.tell()
    assert town.authority is not None
    with town.store.read() as work:
        thief = town.authority.keeper(work, IMAGE).copy()
    rotate(town, IMAGE, TIMESTAMP)
    thief.publish_timestamp(town.now_s)
    real = town.door.answer

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> object:
        found = real(method, path, headers, body)
        if path == "/image/metadata/timestamp.json":
            return replace(found, body=thief.published["timestamp.json"])
        return found

    town.door.answer = answer  # type: ignore[method-assign, assignment]
    with pytest.raises(RejectedError, match="not signed"):
        car.check()


def test_a_root_without_the_old_keys_signatures_does_not_come_into_force(town: Town) -> None:
    assert town.authority is not None
    rotate(town, DIRECTOR, ROOT, count=3, threshold=2)
    mine = town.authority.signers(DIRECTOR)
    one_here = replace(town.authority, director={**mine, ROOT: mine[ROOT][-1:]})
    new = [soft_signer(key()) for _ in range(2)]
    with town.store.work() as work:
        before = work.director_files("@director")
        _, data = rotating.draft(work, one_here, DIRECTOR, ROOT, new, town.now_s, threshold=2)
        assert rotating.missing(work, DIRECTOR, data) == {"old": 1}
        with pytest.raises(RefusedError, match="not signed by a threshold of those before"):
            rotating.take(work, one_here, DIRECTOR, ROOT, data, town.now_s, "ann")
        assert work.director_files("@director") == before
        nobody = replace(one_here, director={**mine, ROOT: []})
        others = [one.public_key for one in new]
        _, data = rotating.draft(
            work, nobody, DIRECTOR, ROOT, [], town.now_s, others=others, threshold=2
        )
        assert rotating.missing(work, DIRECTOR, data) == {"old": 2, "new": 2}


def test_new_keys_that_are_elsewhere_do_not_come_into_force(town: Town) -> None:
    assert town.authority is not None
    new = [soft_signer(key()) for _ in range(2)]
    with town.store.work() as work:
        _, data = rotating.draft(
            work, town.authority, IMAGE, TIMESTAMP, new, town.now_s, threshold=2
        )
        mine = town.authority.signers(IMAGE)
        some = replace(town.authority, image={**mine, TIMESTAMP: new[:1]})
        with pytest.raises(RefusedError, match="1 of the new keys of image-timestamp are here, 2"):
            rotating.take(work, some, IMAGE, TIMESTAMP, data, town.now_s, "ann")


def test_a_rotation_stands_in_the_audit_log(town: Town) -> None:
    rotate(town, DIRECTOR, TIMESTAMP)
    with town.store.read() as work:
        (line,) = map(json.loads, work.lines_about("director-timestamp", 10))
    assert (line["by"], line["act"], line["data"]["root"]) == ("ann", "rotate", 2)
