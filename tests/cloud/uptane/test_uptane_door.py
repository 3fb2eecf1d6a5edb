"""Cars that speak Uptane to the fleet: joining, manifests to campaigns, what the director gives, and who lies."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tuf.api.metadata import Targets

from tests.cloud.uptane.town import Car, Town, image
from volant.cloud.campaigns import CarState, HealthRule, Phase, Wave, retry, stop
from volant.cloud.ddi import Answer
from volant.trust.uptane import Condition, Ended, Waiting, note_of
from volant.trust.uptane.metadata import parse

DAY_S = 86_400.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    found = Town(tmp_path)
    yield found
    found.store.close()


def offered(car: Car) -> list[str]:
    return [one.name for one in car.check().assignments]


def attempt(car: Car) -> str:
    """Of the director's newest targets, as a car reads it."""
    with car.town.store.read() as work:
        files = work.director_files(car.vehicle) or {}
    (found,) = (data for data in files.values() if hashlib.sha256(data).hexdigest() == car.offer())
    note = note_of(parse(Targets, found, repository="director", role="targets").signed)
    return "" if note is None else note.attempt


def why(found: Answer) -> str:
    return str(json.loads(found.body)["error"])


def test_a_code_is_good_once_and_opens_nothing_else(town: Town) -> None:
    code = town.code("CAR1")
    car, thief = Car(town, "CAR1"), Car(town, "CAR1")
    assert car.join(code).status == 200
    assert thief.join(code).status == 403
    assert car.tell().status == 200
    assert thief.tell().status == 403
    assert car.grant is not None
    assert thief.join(car.grant.token).status == 403, "a token of a car is no code"
    assert Car(town, "CAR2").join(town.code("CAR3")).status == 403, "of another car"


def test_a_car_that_joins_makes_no_news(town: Town) -> None:
    before = town.store.news()
    town.car()
    assert town.store.news() == before


def test_a_car_that_is_admitted_again_has_other_keys_and_stays_in_its_groups(town: Town) -> None:
    old = town.car()
    new = Car(town, "CAR1")
    assert new.join(town.code("CAR1")).status == 200
    assert new.tell().status == 200
    assert old.tell().status == 403


def test_a_campaign_tells_a_car_and_hears_that_it_runs(town: Town) -> None:
    car = town.car()
    assert offered(car) == []
    town.begin()
    assert offered(car) == [], "whoever only reads is told nothing"
    assert town.task("CAR1").state is CarState.WAITING
    assert car.tell().status == 200
    assert offered(car) == ["brake-2.bin"]
    assert town.task("CAR1").state is CarState.TOLD
    car.tell()
    assert (town.campaign().told, town.task("CAR1").state) == (1, CarState.BUSY)
    car.runs = image("brake-2.bin", 1)
    car.tell()
    assert town.task("CAR1").state is CarState.WATCHED
    assert offered(car) == []
    assert [one.after for one in town.record("CAR1").history][-1] == "brake-2.bin"


def test_a_car_that_runs_it_and_then_no_more_has_failed(town: Town) -> None:
    car = town.car()
    town.begin()
    car.tell()
    car.runs = image("brake-2.bin", 1)
    car.tell()
    car.runs = image("brake-1.bin")
    car.tell()
    assert town.task("CAR1").state is CarState.FAILED


def test_how_an_update_ended_is_heard_for_its_own_try_only(town: Town) -> None:
    car = town.car()
    town.begin(tries=2)
    car.tell()
    first = Ended(offer=car.offer(), installed=False, why="rolled_back: new trouble codes")
    car.tell(ended=first)
    assert (town.task("CAR1").attempt, town.task("CAR1").state) == (2, CarState.TOLD)
    car.tell(ended=first)
    assert town.task("CAR1").attempt == 2, "the first try has failed once, not twice"
    assert town.task("CAR1").state is CarState.BUSY
    car.tell(ended=Ended(offer=car.offer(), installed=False, why="again"))
    assert (town.task("CAR1").state, town.task("CAR1").reason) == (CarState.FAILED, "again")


def test_a_car_that_waits_says_why_and_is_let_go_of_in_the_end(town: Town) -> None:
    car = town.car()
    town.begin(patience_s=3600.0)
    car.tell()
    for _ in range(2):
        car.tell(waiting="there is no room for the update")
        task = town.task("CAR1")
        assert (task.state, task.reason) == (
            CarState.BUSY,
            "waits: there is no room for the update",
        )
        assert offered(car) == ["brake-2.bin"]
        with town.store.read() as work:
            (found,) = work.failures("spring")
        assert (found.state, found.examples) == (CarState.BUSY, ("CAR1",)), "people see it"
        town.now_s += 1800.0
    car.tell(waiting="there is no room for the update")
    assert town.task("CAR1").state is CarState.REFUSED
    assert (town.campaign().in_flight, town.campaign().errors) == (0, 0)
    assert offered(car) == [], "it is not to install it some day after all"
    car.tell()
    assert town.campaign().told == 1


def test_what_waits_of_another_try_is_no_word_of_this_one(town: Town) -> None:
    car = town.car()
    town.begin(tries=2)
    car.tell()
    stale = Waiting(offer=car.offer(), why="nobody agrees")
    car.tell(ended=Ended(offer=car.offer(), installed=False, why="rolled back"))
    assert town.task("CAR1").attempt == 2
    car.post("/cars/CAR1/director/manifest", car.manifest(waiting=stale))
    assert (town.task("CAR1").state, town.task("CAR1").reason) == (CarState.BUSY, "")


def test_each_try_has_a_name_that_the_car_is_told(town: Town) -> None:
    car = town.car()
    town.car("CAR2")
    town.begin(waves=(Wave(name="all", errors_stop=2),))
    car.tell()
    assert attempt(car) == "spring 1"
    car.tell(ended=Ended(offer=car.offer(), installed=False, why="rolled back"))
    assert town.task("CAR1").state is CarState.FAILED
    with town.store.work() as work:
        before = town.task("CAR1")
        found = retry(town.campaign(), before, town.now_s)
        town.fleet.step(work, town.campaign(), before, found, town.now_s)
    car.tell()
    assert offered(car) == ["brake-2.bin"]
    assert attempt(car) == "spring 2"


def test_health_stops_a_campaign(town: Town) -> None:
    car = town.car()
    rule = HealthRule(signal="disengagements", per="km", usual_rate=0.001, bad_ratio=10.0)
    town.begin(health=(rule,))
    car.tell()
    bad = Condition(km=10.0, hours=1.0, events={"disengagements": 3})
    car.tell(bad)
    assert town.campaign().phase is Phase.RUNNING, "it does not run the release yet"
    car.runs = image("brake-2.bin", 1)
    car.tell(bad)
    assert town.campaign().phase is Phase.HALTED
    assert "disengagements: 3 in 10 km" in town.campaign().reason


def test_a_boot_loop_makes_a_car_unwell(town: Town) -> None:
    car = town.car()
    town.begin()
    car.tell()
    car.runs = image("brake-2.bin", 1)
    car.tell(Condition(hours=0.1, events={"boot_loop": 1}))
    assert town.task("CAR1").state is CarState.UNWELL


def test_what_is_stopped_is_withdrawn_at_once_even_if_the_car_says_nothing(town: Town) -> None:
    car = town.car()
    town.begin()
    car.tell()
    assert offered(car) == ["brake-2.bin"]
    town.fleet.act("spring", "stop", "bob", town.now_s, lambda one: stop(one, "bob", "bad"))
    assert offered(car) == []
    car.tell()
    assert town.task("CAR1").state is CarState.CANCELED


def test_a_lost_car_finds_nothing_once_its_campaign_has_finished_and_is_late_if_it_ran_it(
    town: Town,
) -> None:
    car = town.car()
    town.begin(waves=(Wave(name="all", errors_stop=2),))
    car.tell()
    offer = car.offer()
    town.now_s += town.campaign().plan.patience_s
    town.fleet.tick(town.now_s)
    assert (town.campaign().phase, town.task("CAR1").state) == (Phase.FINISHED, CarState.LOST)
    assert offered(car) == [], "it is withdrawn although the car has said nothing"
    car.runs = image("brake-2.bin", 1)
    car.tell(ended=Ended(offer="0" * 64, installed=True))
    assert town.task("CAR1").state is CarState.LOST, "that was another try"
    car.tell(ended=Ended(offer=offer, installed=True))
    assert (town.task("CAR1").state, town.campaign().late) == (CarState.WATCHED, 1)
    assert offered(car) == []


def test_a_lost_car_without_a_place_lets_go_and_is_told_anew(town: Town) -> None:
    first, second = town.car("CAR1"), town.car("CAR2")
    town.begin(waves=(Wave(name="all", errors_stop=9),), concurrency=1, watch_s=0.0)
    first.tell()
    town.now_s += town.campaign().plan.patience_s
    town.fleet.tick(town.now_s)
    second.tell()
    for state in (CarState.LOST, CarState.CANCELED):
        first.tell()
        assert (town.task("CAR1").state, offered(first)) == (state, [])
        assert town.campaign().in_flight == 1
    second.runs = image("brake-2.bin", 1)
    second.tell()
    first.tell()
    assert (town.task("CAR1").attempt, offered(first)) == (2, ["brake-2.bin"])


@pytest.mark.parametrize("what", ["old", "twice", "garbage", "forged", "another's"])
def test_a_manifest_that_is_not_to_be_believed_changes_nothing_and_is_counted(
    town: Town, what: str
) -> None:
    car, other = town.car("CAR1"), town.car("CAR2")
    old = car.said
    car.tell()
    lies = {
        "old": old,
        "twice": car.said,
        "garbage": b"\x00" * 100,
        "forged": Car(town, "CAR1").manifest(),
        "another's": other.manifest(),
    }
    town.begin()
    found = car.post("/cars/CAR1/director/manifest", lies[what])
    assert found.status == 403
    assert town.task("CAR1").state is CarState.WAITING
    record = town.record("CAR1")
    assert (record.refused, record.why) == (1, why(found))


def test_a_car_that_floods_with_lies_costs_one_write_in_ten_seconds(town: Town) -> None:
    car = town.car()
    for _ in range(50):
        assert car.post("/cars/CAR1/director/manifest", b"{}").status == 403
    assert town.record("CAR1").refused == 1
    car.tell()
    assert town.record("CAR1").refused == 50


def test_a_release_without_images_is_not_for_such_a_car(town: Town) -> None:
    car = town.car()
    with town.store.work() as work:
        stored = work.release("two")
        assert stored is not None
        work.put_release(type(stored)(name="none"))
    town.begin(release="none")
    car.tell()
    assert town.task("CAR1").state is CarState.REFUSED
    assert "no image" in town.task("CAR1").reason


def test_metadata_are_signed_anew_before_they_expire(town: Town) -> None:
    car = town.car()
    for _ in range(8):
        town.now_s += 30 * DAY_S
        assert offered(car) == []


def test_images_come_in_parts_and_only_those_that_are_published(town: Town) -> None:
    car = town.car()
    one = image("brake-2.bin")
    digest = one.hashes["sha256"]
    found = car.get(f"/image/targets/{digest}.brake-2.bin", range="bytes=3-")
    assert (found.status, found.headers["content-range"]) == (206, "bytes 3-10/11")
    assert found.file is not None
    assert (found.file[0].sha256, found.file[1].begin) == (digest, 3)
    for name in (f"{'0' * 64}.brake-2.bin", "brake-2.bin", ""):
        assert car.get(f"/image/targets/{name}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/cars/NOBODY/director/metadata/timestamp.json", 404),
        ("POST", "/cars/NOBODY/director/manifest", 404),
        ("GET", "/cars/@image/director/metadata/timestamp.json", 404),
        ("GET", "/cars/CAR1/director/metadata/../../keys", 404),
        ("GET", "/keys/time.pem", 404),
        ("DELETE", "/time", 404),
        ("POST", "/time", 400),
        ("POST", "/join", 400),
        ("GET", "", 404),
    ],
)
def test_what_is_not_there_is_said_so(town: Town, method: str, path: str, status: int) -> None:
    town.car()
    assert town.door.answer(method, path, {}, b"").status == status


def test_without_keys_there_is_no_uptane_and_too_long_a_body_is_not_read(town: Town) -> None:
    assert town.door.answer("POST", "/join", {}, bytes((1 << 20) + 1)).status == 413
    town.authority = None
    assert town.door.answer("GET", "/image/metadata/timestamp.json", {}, b"").status == 404
