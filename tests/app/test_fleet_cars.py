"""Simulated cars against the fleet's service, without sockets and in virtual time: all their requests are the real ones."""

import heapq
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud.shop import Shop
from volant.app.fleet_agree import disagreements, read_ledger
from volant.app.fleet_cars import Fault, Making, SimCar, make_car, parse_faults, step, wake
from volant.app.fleet_words import BROKEN, Job, Kind, Reply, Said, Wait, Want
from volant.cloud.campaigns import CarState, Phase, Wave, stop
from volant.core.chance import Chance
from volant.core.errors import InputError

WAVES = (
    Wave(name="canary", count=2, errors_stop=2, success_share=0.5),
    Wave(name="rest", errors_share=0.5, success_share=0.5),
)


@dataclass
class Street:
    """Cars and their server; answers may be lost, the server may die after it has stored what it did."""

    shop: Shop
    cars: list[SimCar]
    lost: float = 0.0
    due: list[tuple[float, int]] = field(default_factory=list)
    now_s: float = 0.0
    count: int = 0

    def run(self, span_s: float) -> None:
        begin_s = self.shop.now_s
        until_s = self.now_s + span_s
        if not self.due:
            self.due = [(self.now_s + place * 0.1, place) for place in range(len(self.cars))]
        while self.due and self.due[0][0] <= until_s:
            self.now_s, place = heapq.heappop(self.due)
            self.shop.now_s = begin_s + self.now_s
            self._wake(place)
        self.now_s, self.shop.now_s = until_s, begin_s + until_s
        self.shop.fleet.tick(self.shop.now_s)
        self.shop.now_s = begin_s

    def _wake(self, place: int) -> None:
        car, job = wake(self.cars[place])
        while isinstance(job, Want):
            car, job = step(car, job, self._ask(car, job))
        self.cars[place] = car
        if job.span_s < float("inf"):
            heapq.heappush(self.due, (self.now_s + job.span_s, place))

    def _ask(self, car: SimCar, want: Want) -> Reply:
        self.count += 1
        chance = Chance.of(7, "lost", self.count)
        if chance.uniform(0) < self.lost:
            return Reply(BROKEN)
        reply = self._answer(car, want)
        if want.hangs_up or chance.uniform(1) < self.lost:
            return Reply(BROKEN)
        return reply

    def _answer(self, car: SimCar, want: Want) -> Reply:
        path, _, _ = want.path.partition("?")
        if path != car.root and not path.startswith(f"{car.root}/"):
            return Reply(401)
        rest = path.removeprefix(car.root).strip("/")
        found = self.shop.call_raw(car.car_id, want.method, rest, want.body)
        digest = found.file[0].sha256 if found.file is not None else ""
        return Reply(found.status, found.body, None, digest)

    def agrees(self) -> list[str]:
        with self.shop.fleet.store.work() as work:
            campaign = work.campaign("spring")
            assert campaign is not None
            ledger = read_ledger(work.lines(), "spring")
            return disagreements(self.cars, campaign, list(work.tasks_in("spring")), ledger)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as found:
        yield found


def street(shop: Shop, faults: str, *, cars: int = 12, seed: int = 1, **changes: Any) -> Street:
    making = Making(seed, parse_faults(faults), work_s=2.0, sleeps_s=10.0)
    found = [make_car(making, place, cars) for place in range(cars)]
    shop.describe(*(car.car_id for car in found), model="ev1")
    settings: dict[str, Any] = {
        "waves": WAVES,
        "watch_s": 0.0,
        "concurrency": 20,
        "patience_s": 60.0,
    }
    shop.begin(**{**settings, **changes})
    return Street(shop, found)


def states(shop: Shop) -> dict[CarState, int]:
    campaign = shop.campaign()
    return {one: campaign.count(one) for one in CarState if campaign.count(one)}


def test_sound_cars_bring_a_campaign_to_its_end(shop: Shop) -> None:
    found = street(shop, "")
    found.run(120.0)
    assert shop.campaign().phase is Phase.FINISHED
    assert states(shop) == {CarState.WELL: 12}
    assert all(len(car.offers) == 1 for car in found.cars)
    assert found.agrees() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.SLOW, {CarState.WELL: 12}),
        (Fault.OFFLINE, {CarState.WELL: 12}),
        (Fault.REPLAYING, {CarState.WELL: 12}),
        (Fault.LYING, {CarState.WELL: 12}),
    ],
)
def test_cars_that_are_strange_but_get_there(
    shop: Shop, fault: Fault, expected: dict[CarState, int]
) -> None:
    found = street(shop, f"{fault}=1")
    for _ in range(6):
        found.run(100.0)
    assert states(shop) == expected
    assert found.agrees() == []


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.FAILING, Fault.SILENT])
def test_cars_that_fail_stop_the_campaign(shop: Shop, fault: Fault) -> None:
    found = street(shop, f"{fault}=1")
    for _ in range(3):
        found.run(100.0)
    campaign = shop.campaign()
    assert campaign.phase is Phase.HALTED
    assert 2 <= campaign.errors <= campaign.most_errors
    assert found.agrees() == []


def test_a_stop_by_a_person_is_heeded(shop: Shop) -> None:
    found = street(shop, "slow=1")
    found.run(4.0)
    shop.fleet.act("spring", "stop", "ann", shop.now_s, lambda one: stop(one, "ann"))
    found.run(100.0)
    assert states(shop) == {CarState.CANCELED: 2, CarState.WAITING: 10}
    assert {word.said for car in found.cars for word in car.words} == {Said.CANCELED}
    assert found.agrees() == []


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1000), lost=st.sampled_from([0.0, 0.1, 0.4]))
def test_whatever_is_lost_both_sides_agree(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lost: float
) -> None:
    faults = "offline=0.2,slow=0.2,full=0.1,failing=0.1,lying=0.1,replaying=0.1,silent=0.05"
    with closing(Shop(tmp_path_factory.mktemp("shop"))) as shop:
        found = street(shop, faults, seed=seed, tries=2, concurrency=5)
        found.lost = lost
        for _ in range(4):
            found.run(40.0)
            shop.boot()
        assert found.agrees() == []


def test_what_a_car_is_depends_on_its_seed_alone() -> None:
    making = Making(3, {Fault.FAILING: 0.5})
    assert make_car(making, 7, 100) == make_car(making, 7, 100)
    kinds = [make_car(making, place, 100).fault for place in range(400)]
    assert 150 < kinds.count(Fault.FAILING) < 250
    assert kinds.count(None) + kinds.count(Fault.FAILING) == 400


@pytest.mark.parametrize("text", ["failing", "failing=x", "burning=0.1", "full=1.5", "full=-1",
    "full=nan", "full=0.6,slow=0.6"])  # fmt: skip
def test_faults_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_faults(text)


@settings(max_examples=200, deadline=None)
@given(status=st.sampled_from([0, 200, 304, 401, 404, 410, 413, 429, 500, 503]), body=st.binary(max_size=80),
    kind=st.sampled_from(sorted(Kind)))  # fmt: skip
def test_a_car_goes_on_whatever_is_answered(status: int, body: bytes, kind: Kind) -> None:
    car = make_car(Making(1), 0, 1)
    want = Want(kind, "GET", car.root)
    job: Job
    car, job = step(car, want, Reply(status, body, None))
    for _ in range(20):
        if isinstance(job, Wait):
            assert 0.0 < job.span_s <= 1000.0
            car, job = wake(car)
        else:
            car, job = step(car, job, Reply(404))
    assert len(car.words) < 10


@pytest.mark.parametrize("base", [
    {"config": {"polling": {"sleep": "soon"}}},
    {"config": {"polling": {"sleep": "00:00"}}},
    {"_links": {"deploymentBase": {}}},
    {"_links": []},
    [],
])  # fmt: skip
def test_an_answer_that_is_none_is_a_poll_lost(base: object) -> None:
    car = make_car(Making(1), 0, 1)
    after, job = step(car, car.poll, Reply(200, json.dumps(base).encode()))
    assert isinstance(job, Wait)
    assert (after.todo, after.working) == ((), 0)


def test_a_server_that_is_busy_is_asked_later_and_the_same(shop: Shop) -> None:
    car = make_car(Making(1), 0, 1)
    car, job = step(car, car.poll, Reply(503, b"", 8.0))
    assert isinstance(job, Wait)
    assert 8.0 <= job.span_s <= 10.0
    assert wake(car)[1] == car.poll


def test_breaks_in_a_row_are_met_with_longer_pauses() -> None:
    car, spans = make_car(Making(1), 0, 1), []
    for _ in range(12):
        car, job = step(car, car.poll, Reply(BROKEN))
        assert isinstance(job, Wait)
        spans.append(job.span_s)
        car, _ = wake(car)
    assert spans[0] <= 0.5
    assert 15.0 <= spans[-1] <= 30.0
