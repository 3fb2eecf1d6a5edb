"""Simulated cars that speak Uptane against the fleet's own door, without sockets and in virtual time; and a door with faults.

Every manifest, every file and every signature is real; only what carries them is not.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.cloud.uptane.town import Town
from volant.app.fleet_agree import disagreements, read_ledger
from volant.app.fleet_agree_uptane import Known, disagree
from volant.app.fleet_cars import Fault, Making, parse_faults
from volant.app.fleet_steps import make_cars, speaking
from volant.app.fleet_units import HOST, UNIT, UNITS, USUAL, driven, inventory_of
from volant.app.fleet_uptane_car import UptaneCar
from volant.app.fleet_words import BROKEN, Job, Kind, Reply, Wait, Want
from volant.cloud.campaigns import CarState, HealthRule, Phase, Wave, stop
from volant.cloud.ddi import Answer
from volant.cloud.inventory import CarRecord, ReleaseImage
from volant.cloud.inventory import cars as inventory
from volant.cloud.store.ports import StoredRelease
from volant.cloud.uptane import PREFIX, UptaneDoor
from volant.cloud.uptane.hearing import Hearing
from volant.cloud.uptane.shelf import publish as sign
from volant.core.chance import Chance
from volant.trust.keys import PublicKey
from volant.trust.uptane import Condition

PERIOD_S = 10.0
TICK_S = 5.0
WAVES = (
    Wave(name="canary", count=2, errors_stop=2, success_share=0.5),
    Wave(name="rest", errors_share=0.5, success_share=0.5),
)
FILES = {f"{hardware}-1.img": hardware.encode() * 20_000 for hardware in (HOST, UNIT)}
BY_SHA = {hashlib.sha256(data).hexdigest(): data for data in FILES.values()}


def image(name: str) -> ReleaseImage:
    data = FILES[name]
    hashes = {"sha256": hashlib.sha256(data).hexdigest()}
    hardware = name.removesuffix("-1.img")
    return ReleaseImage(hardware_id=hardware, name=name, length=len(data), hashes=hashes)


@dataclass
class Road:
    """Cars and their server; answers may be lost."""

    town: Town
    cars: list[UptaneCar]
    lost: float = 0.0
    due: list[tuple[float, int]] = field(default_factory=list)
    now_s: float = 0.0
    count: int = 0
    wanted: list[Want] = field(default_factory=list)
    answer: Callable[[Want, Answer], Answer] = lambda _, found: found

    def run(self, span_s: float) -> None:
        while span_s > 0.0:
            self._run(min(span_s, TICK_S))
            span_s -= TICK_S

    def _run(self, span_s: float) -> None:
        until_s = self.now_s + span_s
        begin_s = self.town.now_s - self.now_s
        if not self.due:
            self.due = [(self.now_s + 0.1 * place, place) for place in range(len(self.cars))]
        while self.due and self.due[0][0] <= until_s:
            self.now_s, place = heapq.heappop(self.due)
            self.town.now_s = begin_s + self.now_s
            self._wake(place)
        self.now_s, self.town.now_s = until_s, begin_s + until_s
        self.town.fleet.tick(self.town.now_s)

    def _wake(self, place: int) -> None:
        car = self.cars[place]
        job: Job = car.wake(self.now_s)
        while isinstance(job, Want):
            job = car.step(self._ask(job), self.now_s)
        assert isinstance(job, Wait)
        if job.span_s < float("inf"):
            heapq.heappush(self.due, (self.now_s + job.span_s, place))

    def _ask(self, want: Want) -> Reply:
        self.count += 1
        self.wanted.append(want)
        chance = Chance.of(7, "lost", self.count)
        safe = want.kind is Kind.JOIN  # a code is good once, whoever heard the answer
        if chance.uniform(0) < self.lost and not safe:
            return Reply(BROKEN)
        headers = {"range": f"bytes={want.offset}-"} if want.offset else {}
        path = unquote(want.path.removeprefix(PREFIX))
        found = self.answer(want, self.town.door.answer(want.method, path, headers, want.body))
        broken = want.hangs_up or (chance.uniform(1) < self.lost and not safe)
        if found.file is not None and want.sink is not None:
            artifact, part = found.file
            data = BY_SHA[artifact.sha256][part.begin : part.end]
            want.sink(data[: len(data) // 2] if broken else data)
        return Reply(BROKEN) if broken else Reply(found.status, found.body)

    def agrees(self) -> list[str]:
        with self.town.store.read() as work:
            campaign = work.campaign("spring")
            assert campaign is not None
            ledger = read_ledger(work.lines(), "spring")
            found = disagreements(self.cars, campaign, list(work.tasks_in("spring")), ledger)
            return found + disagree(self.cars, self.known)

    def known(self, car_id: str) -> Known:
        record = self.town.record(car_id)
        runs = {unit: one.name for unit, one in record.installed.items()}
        return Known(runs, record.refused)

    def states(self) -> dict[CarState, int]:
        campaign = self.town.campaign()
        return {one: campaign.count(one) for one in CarState if campaign.count(one)}


@contextmanager
def road(
    path: Path, faults: str, *, cars: int = 8, seed: int = 1, **changes: Any
) -> Iterator[Road]:
    """Cars that have joined and said what they run, and a campaign for them."""
    making = Making(seed, parse_faults(faults), work_s=1.0, uptane=1.0, poll_s=PERIOD_S)
    made = speaking(make_cars(making, cars)[0])
    town = Town(path)
    with closing(town.store):
        publish(town)
        for car in made.values():
            car.code = town.code(car.car_id)
        found = Road(town, list(made.values()))
        found.run(0.5 * PERIOD_S)
        assert all(car.ready for car in found.cars)
        settings: dict[str, Any] = {
            "release": "new", "waves": WAVES, "watch_s": 0.0, "concurrency": 20, "patience_s": 60.0,
            "cars": 'car like "sim-*"',
        }  # fmt: skip
        town.begin(**{**settings, **changes})
        yield found


def publish(town: Town) -> None:
    assert town.authority is not None
    with town.store.work() as work:
        made = sign(work, town.authority, [image(name) for name in FILES], town.now_s)
        work.put_release(StoredRelease(name="new", images=made))


def test_sound_cars_are_updated_each_told_once(tmp_path: Path) -> None:
    with road(tmp_path, "", cars=6) as found:
        found.run(40.0)
        assert found.town.campaign().phase is Phase.FINISHED
        assert found.states() == {CarState.WELL: 6}
        assert found.agrees() == []
        assert all(car.offers == (1,) for car in found.cars)
        runs = {f"{hardware}-1.img" for hardware in UNITS.values()}
        assert {name for car in found.cars for name in car.said.values()} == runs
        loaded = [one for one in found.wanted if one.kind is Kind.IMAGE]
        assert len(loaded) == 6 * len(FILES), "each image once for a car"


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.OFFLINE, Fault.REPLAYING, Fault.LYING])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_strange_cars_get_there_and_nothing_that_is_not_so_is_believed(
    tmp_path: Path, fault: Fault, seed: int
) -> None:
    with road(tmp_path, f"{fault}=1", cars=3, seed=seed) as found:
        found.run(120.0)
        assert found.states() == {CarState.WELL: 3}
        assert found.agrees() == []
        refused = {car.car_id: found.known(car.car_id).refused for car in found.cars}
        lies = fault in {Fault.LYING, Fault.REPLAYING}
        assert all(refused.values()) if lies else not any(refused.values())
        assert all(car.shared.refusals[car.car_id] > 1 for car in found.cars) == lies


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.FAILING, Fault.SILENT])
def test_cars_that_fail_stop_the_campaign(tmp_path: Path, fault: Fault) -> None:
    with road(tmp_path, f"{fault}=1", cars=4) as found:
        found.run(20.0)
        found.run(70.0)
        campaign = found.town.campaign()
        assert campaign.phase is Phase.HALTED
        assert 2 <= campaign.errors <= campaign.most_errors
        assert not any("-1.img" in name for car in found.cars for name in car.said.values())
        assert found.agrees() == []


def rules() -> tuple[HealthRule, ...]:
    return tuple(
        HealthRule(signal=signal, per="km", usual_rate=usual, bad_ratio=3.0)
        for signal, usual in USUAL.items()
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cars_that_count_more_than_usual_stop_it_by_its_health_rules(
    tmp_path: Path, seed: int
) -> None:
    unwell = {"unwell": (), "health": rules(), "watch_s": 40.0}
    with road(tmp_path, "unwell=1", cars=10, seed=seed, **unwell) as found:
        found.run(120.0)
        campaign = found.town.campaign()
        assert campaign.phase is Phase.HALTED
        assert "times better" in campaign.reason
        assert found.agrees() == []
    (tmp_path / "sound").mkdir()
    with road(tmp_path / "sound", "", cars=8, seed=seed, **unwell) as found:
        found.run(150.0)
        assert found.town.campaign().phase is Phase.FINISHED


def test_cars_that_boot_again_and_again_are_errors(tmp_path: Path) -> None:
    waves = (Wave(name="all", errors_stop=2),)
    with road(tmp_path, "unwell=1", cars=8, seed=2, waves=waves, watch_s=30.0) as found:
        found.run(30.0)
        assert found.states()[CarState.UNWELL] >= 2
        assert found.town.campaign().phase is Phase.HALTED
        assert found.agrees() == []


def test_how_a_car_is_on_the_road_is_chance_of_the_car_and_of_what_it_is() -> None:
    def after(drives: int, *, unwell: bool, car: int = 1) -> Condition:
        found = Condition()
        for count in range(drives):
            found = driven(found, Chance.of(1, "car", car), count, unwell=unwell)
        return found

    assert after(50, unwell=False) == after(50, unwell=False)
    sound = [after(50, unwell=False, car=car) for car in range(20)]
    ill = [after(50, unwell=True, car=car) for car in range(20)]
    rates = [
        sum(one.events.get("disengagements", 0) for one in some) / sum(one.km for one in some)
        for some in (sound, [one for one in ill if "boot_loop" not in one.events])
    ]
    assert rates[0] == pytest.approx(USUAL["disengagements"], rel=0.3)
    assert rates[1] == pytest.approx(10.0 * USUAL["disengagements"], rel=0.1)
    assert 3 < sum("boot_loop" in one.events for one in ill) < 17
    assert not any("boot_loop" in one.events for one in sound)


def test_a_stop_by_a_person_is_heeded(tmp_path: Path) -> None:
    with road(tmp_path, "slow=1", cars=4) as found:
        while found.states().get(CarState.BUSY, 0) < 2:
            found.run(0.5)
        town = found.town
        town.fleet.act("spring", "stop", "ann", town.now_s, lambda one: stop(one, "ann"))
        found.run(30.0)
        assert found.states() == {CarState.CANCELED: 2, CarState.WAITING: 2}
        assert not any(car.words for car in found.cars)
        assert found.agrees() == []


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1000), lost=st.sampled_from([0.0, 0.05, 0.3]))
def test_whatever_is_lost_both_sides_agree(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lost: float
) -> None:
    faults = "offline=0.2,slow=0.2,full=0.1,failing=0.1,lying=0.1,replaying=0.1,unwell=0.1"
    path = tmp_path_factory.mktemp("road")
    with road(path, faults, cars=6, seed=seed, tries=2, concurrency=5) as found:
        found.lost = lost
        for _ in range(3):
            found.run(25.0)
        assert found.agrees() == []


def test_a_download_that_breaks_goes_on_where_it_was(tmp_path: Path) -> None:
    with road(tmp_path, "", cars=1) as found:
        breaks = [3]
        step = found._ask

        def ask(want: Want) -> Reply:
            if want.kind is not Kind.IMAGE or not breaks[0]:
                return step(want)
            breaks[0] -= 1
            assert want.sink is not None
            want.sink(next(iter(FILES.values()))[want.offset : want.offset + 1000])
            return Reply(BROKEN)

        found._ask = ask  # type: ignore[method-assign]
        found.run(30.0)
        offsets = [one.offset for one in found.wanted if one.kind is Kind.IMAGE]
        assert offsets == [3000, 0]
        assert found.states() == {CarState.WELL: 1}


def test_what_a_car_is_depends_on_its_seed_alone() -> None:
    making = Making(3, {Fault.LYING: 0.5}, uptane=0.3, woken=0.5)
    (cars, lines), (again, same) = make_cars(making, 300), make_cars(making, 300)
    speaks = speaking(cars)
    assert 60 < len(speaks) < 120
    assert 120 < len(lines) < 180
    assert (list(speaks), lines) == (list(speaking(again)), same)
    for place, car in speaks.items():
        other = speaking(again)[place]
        assert (car.fault, car.neighbour, car.period_s) == (
            other.fault,
            other.neighbour,
            other.period_s,
        )
        assert inventory_of(car.car_id, car.chance) == inventory_of(other.car_id, other.chance)
    keys = {one.key for car in speaks.values() for one in inventory_of(car.car_id, car.chance).ecus}
    assert len(keys) == len(UNITS) * len(speaks)


# --- a server with a fault is found out ------------------------------------------------------------


def takes_replays(patch: pytest.MonkeyPatch) -> None:
    real = inventory.read_manifest
    patch.setattr(inventory, "read_manifest", lambda data, cars, _: real(data, cars, {}))


def checks_no_signature(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PublicKey, "check", lambda *_: None)


def tells_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Hearing, "_ended", lambda _, campaign, task: (campaign, task))


def counts_no_refusal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UptaneDoor, "_counted", lambda _, car: car)


def counts_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UptaneDoor, "_counted", lambda _, car: replace(car, refused=car.refused + 50))


def refuses_honest_ones(patch: pytest.MonkeyPatch) -> None:
    real, count = inventory.hear, [0]

    def hear(car: CarRecord, manifest: bytes, now_s: float) -> inventory.Heard:
        count[0] += 1
        if count[0] % 20:
            return real(car, manifest, now_s)
        return inventory.Heard(replace(car, refused=car.refused + 1, why="no"), believed=False)

    patch.setattr("volant.cloud.uptane.door.hear", hear)


def forgets_what_runs(patch: pytest.MonkeyPatch) -> None:
    real = inventory.hear

    def hear(car: CarRecord, manifest: bytes, now_s: float) -> inventory.Heard:
        found = real(car, manifest, now_s)
        return inventory.Heard(replace(found.car, installed=car.installed), found.believed)

    patch.setattr("volant.cloud.uptane.door.hear", hear)


def gives_old_metadata(patch: pytest.MonkeyPatch) -> None:
    real, first = UptaneDoor._director, dict[str, Answer]()

    def director(self: UptaneDoor, authority: Any, car_id: str, name: str) -> Answer:
        found = real(self, authority, car_id, name)
        if name == "timestamp.json" and b'"version":1' not in found.body:
            return first.get(car_id, found)
        if name == "timestamp.json":
            first[car_id] = found
        elif "targets" in name:
            return Answer(found.status, found.body.replace(b"sha256", b"sha257"), found.kind)
        return found

    patch.setattr(UptaneDoor, "_director", director)


@pytest.mark.parametrize(("plant", "faults", "says"), [
    (takes_replays, "replaying=1", "of its lies"),
    (checks_no_signature, "lying=1", "of its lies"),
    (tells_again, "failing=1", "that it had ended before"),
    (counts_no_refusal, "replaying=1", "are counted as refused, "),
    (counts_too_many, "replaying=1", "are counted as refused, "),
    (refuses_honest_ones, "", "honest manifests were refused"),
    (forgets_what_runs, "", "the server has"),
    (gives_old_metadata, "", "could not believe"),
])  # fmt: skip
def test_a_server_with_a_fault_is_found_out(
    tmp_path: Path, plant: Callable[[pytest.MonkeyPatch], None], faults: str, says: str
) -> None:
    with road(tmp_path, faults, cars=3) as found, pytest.MonkeyPatch.context() as patch:
        plant(patch)
        found.run(60.0)
        patch.undo()
        assert any(says in one for one in found.agrees())
