"""What the port of the store promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cloud.campaigns.fleet import plan_of
from tests.cloud.shop import RELEASE
from volant.cloud import audit
from volant.cloud.campaigns import (
    Campaign,
    CarHealth,
    CarState,
    Phase,
    Task,
    Wave,
    WaveTally,
    draft,
    parse_filter,
)
from volant.cloud.ddi.device import Device
from volant.cloud.inventory import CarRecord
from volant.cloud.people import Person, Role
from volant.cloud.store import SqlStore
from volant.cloud.store.ports import DeltaJob, FailureRow, facts_of
from volant.core.errors import InputError, LinkError, RefusedError
from volant.trust.uptane import EcuEntry, Installed, Inventory

KINDS = ("sqlite", "postgresql")


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Path | str:
    if kind == "sqlite":
        return folder / "fleet.db"
    found: str = request.getfixturevalue("postgres").make_database()
    return found


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return place_of(request.param, tmp_path, request)


@pytest.fixture
def store(place: Path | str) -> Iterator[SqlStore]:
    with closing(SqlStore(place)) as found:
        yield found


def begun(name: str = "spring", sizes: tuple[int, ...] = (10,)) -> Campaign:
    waves = tuple(Wave(name=f"w{one}", errors_stop=3) for one in range(len(sizes)))
    waves = tuple(replace(one, count=1) for one in waves[:-1]) + waves[-1:]
    tallies = tuple(WaveTally.of(one) for one in sizes)
    return replace(
        draft(plan_of(campaign_id=name, waves=waves), "ann"), phase=Phase.RUNNING, tallies=tallies
    )


def device(car: str, **attributes: str) -> Device:
    return Device(controller_id=car, attributes=attributes)


def record(car: str, image: str = "brake-1") -> CarRecord:
    unit = EcuEntry(ecu_id=f"{car}-brake", hardware_id="brake", key="0" * 64, primary=True)
    runs = Installed(ecu_id=unit.ecu_id, name=image, length=4, hashes={"sha256": "0" * 64})
    return CarRecord(
        car_id=car,
        inventory=Inventory(vehicle_id=car, ecus=(unit,)),
        groups=("eu",),
        installed={unit.ecu_id: runs},
    )


def test_everything_comes_back_as_it_was(store: SqlStore) -> None:
    campaign, car = begun(), record("car-2")
    task = Task(
        campaign_id="spring", car_id="car-1", wave=0, state=CarState.FAILED, attempt=2, due_s=5.5,
        waits_until_s=7.5,
        reason="no flash ü", health=CarHealth(hours=2.0, events={"boot_loop": 1}),
    )  # fmt: skip
    job = DeltaJob(base="a" * 64, target="b" * 64, cars=4, share=0.5)
    ann = Person(name="ann", role=Role.ADMIN, digest="d" * 64, expires_s=9.0)
    files = {"timestamp.json": b"\x00\xff"}
    with store.work() as work:
        work.put_campaign(campaign)
        work.put_task(task)
        work.put_device(device("car-1", model="ev1"))
        work.put_record(car)
        work.put_release(RELEASE)
        work.put_director_files("car-2", files)
        work.put_delta_job(job)
        work.put_person(ann)
        work.put_token("car-1", "t" * 64)
        work.seen([("car-1", 4.0), ("car-9", 5.0)])
    with store.read() as work:
        assert work.campaign("spring") == campaign
        assert work.campaigns() == [campaign]
        assert work.task("spring", "car-1") == task
        assert work.tasks_of("car-1") == list(work.tasks_in("spring")) == work.due(6.0, 9) == [task]
        assert work.due(5.0, 9) == []
        assert work.device("car-1") == device("car-1", model="ev1") == next(work.devices())
        assert work.record("car-2") == car == next(work.records())
        assert work.release("2.0") == RELEASE == work.releases()[0]
        assert work.director_files("car-2") == files
        assert work.delta_jobs() == [job]
        assert work.person("ann") == work.person_of("d" * 64) == ann
        assert work.people() == [ann]
        assert work.token("car-1") == "t" * 64
        rows = {one.car_id: one for one in work.cars()}
        assert (rows["car-1"].seen_s, rows["car-1"].device) == (4.0, device("car-1", model="ev1"))
        assert (rows["car-2"].seen_s, rows["car-2"].record) == (None, car)
        assert work.car("car-2") == rows["car-2"]
        assert work.count_cars() == 2
        assert work.count_seen(4.5, 4.0, 9.0) == (1, 2, 0)


def test_what_is_not_there(store: SqlStore) -> None:
    with store.work() as work:
        work.remove_car("x")
        one: list[object] = [
            work.campaign("x"), work.task("x", "y"), work.device("x"), work.record("x"),
            work.release("x"), work.director_files("x"), work.person("x"), work.person_of("x"),
            work.token("x"), work.car("x"),
        ]  # fmt: skip
        many: list[Iterable[object]] = [
            work.campaigns(), work.tasks_of("x"), work.cars(), work.releases(), work.failures("x"),
            work.tasks_page("x"), work.lines_page(), work.everyone(), work.lines(),
            work.lines_about("x"), work.chosen(parse_filter("model == x")),
        ]  # fmt: skip
        assert set(one) == {None}
        assert [list(some) for some in many] == [[]] * len(many)
        assert work.count_cars() == work.count_seen(0.0)[0] == 0


def test_a_step_that_fails_leaves_nothing(store: SqlStore) -> None:
    with pytest.raises(RefusedError), store.work() as work:  # noqa: PT012
        work.put_device(device("car-1"))
        work.number("action")
        raise RefusedError("no")
    with store.work() as work:
        assert work.device("car-1") is None
        assert work.number("action") == 1
        assert work.number("action") == 2
        assert work.number("other") == 1


def test_a_reader_sees_what_was_there_when_it_began(store: SqlStore) -> None:
    with store.work() as work:
        work.put_device(device("car-1"))
    with store.read() as seen:
        assert seen.count_cars() == 1
        with store.work() as work:
            work.put_device(device("car-2"))
        assert seen.count_cars() == 1
        assert [car for car, _ in seen.everyone()] == ["car-1"]
    with store.read() as seen:
        assert seen.count_cars() == 2


def test_writers_wait_for_each_other(store: SqlStore, place: Path | str) -> None:
    """Two stores as two servers have them, each adding one to what it has read."""
    with closing(SqlStore(place)) as other:

        def count(one: SqlStore) -> None:
            for _ in range(20):
                with one.work() as work:
                    before = work.device("car-1")
                    number = int(before.attributes["n"]) if before else 0
                    work.put_device(device("car-1", n=str(number + 1)))
                    work.log(at_s=1.0, by="ann", act="count", data={"n": number + 1})

        threads = [threading.Thread(target=count, args=(one,)) for one in (store, other)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        with other.read() as work:
            found = work.device("car-1")
            assert found is not None
            assert found.attributes == {"n": "40"}
            assert audit.check(work.lines()) == work.head()
            assert work.head().count == 40


def test_news_are_the_same_for_all_servers(store: SqlStore, place: Path | str) -> None:
    before = store.news()
    with closing(SqlStore(place)) as other:
        with other.work() as work:
            work.tell_news()
        assert store.news() == other.news() == before + 1


def test_facts_of_both_protocols(store: SqlStore) -> None:
    with store.work() as work:
        work.put_record(record("car-1"))
        work.put_device(device("car-1", model="ev1", group="staff"))
        work.put_device(device("car-2", model="ev1"))
        facts = dict(work.everyone())
        assert facts["car-1"] == facts_of(
            device("car-1", model="ev1", group="staff"), record("car-1")
        )
        assert facts["car-1"]["group"] == ("staff", "eu")
        assert facts["car-2"] == {"model": ("ev1",), "group": (), "car": ("car-2",)}
        work.put_record(record("car-1", "brake-2"))
        chosen = [one.car_id for one in work.chosen(parse_filter("runs == brake-2"))]
        assert chosen == ["car-1"]
        assert [one.car_id for one in work.chosen(parse_filter('car like "*2"'))] == ["car-2"]


attributes = st.dictionaries(
    st.sampled_from(["model", "group"]), st.sampled_from(["a", "b", "a,b"]), max_size=2
)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(
        st.tuples(st.sampled_from(["put", "record", "remove"]), st.integers(0, 5), attributes),
        max_size=30,
    )
)
def test_cars_alike_are_counted_right_whatever_happens(
    kind: str,
    history: list[tuple[str, int, dict[str, str]]],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    known: dict[str, tuple[Device | None, CarRecord | None]] = {}
    with (
        closing(SqlStore(place_of(kind, tmp_path_factory.mktemp("x"), request))) as store,
        store.work() as work,
    ):
        for verb, number, said in history:
            car = f"car-{number}"
            old = known.get(car, (None, None))
            if verb == "put":
                known[car] = (device(car, **said), old[1])
                work.put_device(device(car, **said))
            elif verb == "record":
                known[car] = (old[0], record(car, said.get("model", "c")))
                work.put_record(record(car, said.get("model", "c")))
            else:
                known.pop(car, None)
                work.remove_car(car)
        assert dict(work.everyone()) == {car: facts_of(*both) for car, both in known.items()}
        assert work.count_cars() == len(known)
        for text in ("model == a", "group == b and not car == car-1", "has runs"):
            wanted = parse_filter(text)
            expected = sorted(car for car, both in known.items() if wanted(facts_of(*both)))
            assert [one.car_id for one in work.chosen(wanted)] == expected
            assert [one.car_id for one in work.search(wanted, most=9)[0]] == expected
            assert [one.car_id for one in work.search(wanted, after="car-2")[0]] == [
                one for one in expected if one > "car-2"
            ]


def fill(store: SqlStore) -> list[Task]:
    """Nine cars in three waves."""
    states = [CarState.FAILED, CarState.LOST, CarState.WELL]
    tasks = [
        Task(
            campaign_id="spring", car_id=f"car-{one}", wave=one % 3, state=states[one // 3],
            reason=f"why {one % 2}" if one < 6 else "",
        )
        for one in range(9)
    ]  # fmt: skip
    with store.work() as work:
        work.put_campaign(begun(sizes=(3, 3, 3)))
        work.add_tasks(tasks)
    return tasks


@pytest.mark.parametrize("state", [None, CarState.LOST, CarState.WAITING])
@pytest.mark.parametrize("wave", [None, 1])
def test_pages_of_a_campaign_s_cars(
    store: SqlStore, state: CarState | None, wave: int | None
) -> None:
    tasks = [
        one
        for one in fill(store)
        if state in {None, one.state} and wave in {None, one.wave}
    ]  # fmt: skip
    found: list[Task] = []
    with store.read() as work:
        while page := work.tasks_page(
            "spring", state=state, wave=wave, after=found[-1].car_id if found else "", most=2
        ):
            found += page
    assert found == tasks


def test_failures_by_reason(store: SqlStore) -> None:
    fill(store)
    with store.read() as work:
        assert work.failures("spring")[:2] == [
            FailureRow(state=CarState.LOST, reason="why 1", cars=2, examples=("car-3", "car-5")),
            FailureRow(state=CarState.FAILED, reason="why 0", cars=2, examples=("car-0", "car-2")),
        ]
        assert sum(one.cars for one in work.failures("spring")) == 6


def test_pages_of_the_audit_log(store: SqlStore) -> None:
    with store.work() as work:
        for one in range(5):
            work.log(at_s=1.0, by="ann", act="x", about=f"car-{one % 2}", data={"n": one})
        lines = list(work.lines())
        assert work.lines_page(most=2) == [lines[4], lines[3]]
        assert work.lines_page(before=4, most=9) == [lines[2], lines[1], lines[0]]
        assert work.lines_about("car-0") == [lines[0], lines[2], lines[4]]
        assert work.lines_about("car-0", 2) == [lines[2], lines[4]]


def test_cars_of_a_campaign_that_has_not_begun_are_seen_by_nobody(store: SqlStore) -> None:
    with store.work() as work:
        work.put_campaign(replace(begun(), tallies=(), phase=Phase.APPROVED))
        first = work.begin_enlisting("spring")
        work.enlist("spring", first, [("car-1", 0), ("car-2", 0)])
        assert work.tasks_of("car-1") == work.tasks_page("spring") == []
        assert work.task("spring", "car-1") is None
        assert list(work.tasks_in("spring")) == []
        second = work.begin_enlisting("spring")
        with pytest.raises(RefusedError, match="somebody else starts spring"):
            work.enlist("spring", first, [("car-3", 0)])
        with pytest.raises(RefusedError, match="somebody else"):
            work.end_enlisting("spring", first)
        assert work.drop_tasks("spring", 1) == 1
        assert work.drop_tasks("spring", 5) == 1
        work.enlist("spring", second, [("car-4", 0)])
        work.end_enlisting("spring", second)
        work.put_campaign(begun())
        assert work.tasks_of("car-4") == [Task(campaign_id="spring", car_id="car-4", wave=0)]
        assert work.drop_tasks("spring", 5) == 0


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_texts_that_a_database_may_not_keep(store: SqlStore, text: str) -> None:
    """Told as wrong or kept; never an error of ours."""
    for act in (
        lambda work: work.token(text),
        lambda work: work.put_device(device(text)),
        lambda work: work.put_device(device("car-1", model=text)),
    ):
        try:
            with store.work() as work:
                act(work)
        except InputError:
            continue


def test_a_reason_with_a_zero_in_it_is_kept_readable(store: SqlStore) -> None:
    with store.work() as work:
        work.put_campaign(begun())
        work.put_task(Task(campaign_id="spring", car_id="car-1", wave=0, reason="a\0b"))
        found = work.task("spring", "car-1")
    assert found is not None
    assert found.reason == "a\ufffdb"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("mysql://x/y", "address of a database"),
        ("nonsense", "address of a database"),
        ("oracle+nothing://x", "address of a database"),
    ],
)
def test_an_address_that_is_none(place: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        SqlStore(place)


def test_nobody_at_the_address() -> None:
    with pytest.raises(LinkError, match=r"127\.0\.0\.1"):
        SqlStore("postgresql://fleet:secret@127.0.0.1:9/x")
