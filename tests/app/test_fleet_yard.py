"""What real cars and a real server do together: deltas, health that stops a campaign, fresh tries, cars that wait."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.app.fleet_yard import QUICK, Wire, Yard, spec, yard
from tests.app.test_fleet_uptane import ANN, STRICT, Shop, image, served
from tests.app.test_fleet_uptane import shop as shop
from volant.app import updates_fetch
from volant.app.parked_car import ParkedCar
from volant.app.parked_units import pilot_state
from volant.app.unit_flash import open_units, resize_unit
from volant.cloud.campaigns import CarState, Phase
from volant.cloud.views import ActBody, DeltaView
from volant.core.messages import Engagement
from volant.core.updates import UpdatePhase
from volant.pilot.perception.health import HealthTuning as SensorTuning
from volant.vehicle.boot import make_image, read_image

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CODE_BYTES = 400_000
SLOT_BYTES = 512 * 1024


@pytest.fixture
def url(shop: Shop) -> Iterator[str]:
    with served(shop.path) as found:
        yield found


# --- a delta --------------------------------------------------------------------------------------


def large(path: Path, release: int, code: bytes) -> Path:
    """The brake's program with code, as another build of it has it."""
    file = image(path, release)
    file.write_bytes(make_image(read_image(file.read_bytes()), code=code))
    return file


def builds(count: int) -> list[bytes]:
    """Code that grows a little in its middle from one to the next."""
    noise = np.random.Generator(np.random.PCG64(7))
    found = [noise.bytes(CODE_BYTES)]
    for _ in range(count - 1):
        before = found[-1]
        found.append(before[:150_000] + noise.bytes(600) + before[150_000:-400])
    return found


def made(shop: Shop, target: bytes) -> DeltaView | None:
    """The delta that the server's own process has made to this image."""
    digest = hashlib.sha256(target).hexdigest()
    found = [one for one in shop.desk.deltas(ANN) if one.target == digest]
    return next((one for one in found if one.state == "made"), None)


def test_a_car_fetches_a_delta_that_the_server_made_and_the_whole_image_where_that_is_broken(
    shop: Shop, url: str, tmp_path: Path
) -> None:
    files = [large(tmp_path, at, code) for at, code in enumerate(builds(3), 1)]
    data = [one.read_bytes() for one in files]
    for at, file in enumerate(files, 1):
        shop.publish(f"os-{at}", file)
    wire = Wire(url)
    with yard(shop, tmp_path, wire.url) as cars:
        cars.join("CAR1")
        resize_unit(tmp_path / "CAR1", spec(), "brake", SLOT_BYTES)
        cars.start("CAR1")
        cars.heard()
        came = []
        for at in (1, 2, 3):
            cars.submit(f"c{at}", f"os-{at}")
            if at > 1:
                cars.until(lambda at=at: made(shop, data[at - 1]) is not None)  # type: ignore[misc]
            if at == 3:
                spoil(shop, data[2])
            before = wire.bytes
            cars.go(f"c{at}")
            cars.until(lambda at=at: cars.are(f"c{at}", CarState.WATCHED) == ["CAR1"])  # type: ignore[misc]
            came.append(wire.bytes - before)
            cars.until(lambda: cars.cars["CAR1"].state.phase is UpdatePhase.IDLE)
            assert shop.desk.car(ANN, "CAR1").runs["brake"] == f"brake-{at}.img"
        delta = made(shop, data[1])
        assert delta is not None
        told = [one for one in shop.desk.audit(ANN, limit=1000) if one.act == "attack"]
        assert [one.about for one in told] == ["CAR1"], "the broken one was noticed and told"
    wire.close()
    whole, by_delta, broken = came
    assert whole > len(data[0])
    assert delta.length < len(data[1]) / 20
    assert delta.length < by_delta < len(data[1]) / 2, "with all metadata and words"
    assert broken > len(data[2])
    with open_units(tmp_path / "CAR1", spec()) as boots:
        running = boots["brake"].running
        assert running is not None
        assert running.image.sha256 == read_image(data[2]).sha256


def spoil(shop: Shop, target: bytes) -> None:
    """The disk of the server gives another byte than was stored."""
    digest = hashlib.sha256(target).hexdigest()
    with shop.home.store.read() as work:
        (job,) = (one for one in work.delta_jobs() if one.target == digest)
    path = shop.home.artifacts.path(job.sha256)
    assert path is not None
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(found)


# --- health ---------------------------------------------------------------------------------------


def gives_up(car: ParkedCar) -> None:
    """Its pilot asks the driver to take over, three times."""
    said = iter([Engagement.TAKEOVER, Engagement.OFF] * 3)
    car._units._pilot = lambda now_ns: replace(  # type: ignore[method-assign]
        pilot_state(now_ns, SensorTuning()), engagement=next(said, Engagement.OFF)
    )


def has_trouble(car: ParkedCar) -> None:
    """Its sensors seem broken to its pilot's unit from now on, and its monitors keep trouble codes."""
    strict = SensorTuning(noisy_m=(1e-6, 1e-6))
    car._units._pilot = lambda now_ns: pilot_state(now_ns, strict)  # type: ignore[method-assign]


FEEDS: dict[str, Callable[[ParkedCar], None]] = {
    "disengagements": gives_up,
    "dtc": has_trouble,
}


@pytest.mark.parametrize("signal", ["disengagements", "boot_loop", "dtc"])
def test_cars_that_are_worse_off_stop_a_campaign_that_installs_without_an_error(
    shop: Shop, url: str, tmp_path: Path, signal: str
) -> None:
    names = [f"CAR{number}" for number in range(1, 5)]
    shop.publish("os-1", image(tmp_path, 1))
    events_each = 1 if signal == "boot_loop" else 3
    rule = {
        "signal": signal, "per": "h", "usual_rate": 0.01, "false_stop": 0.01,
        # One car alone is not enough, two are.
        "bad_ratio": 20.0 if events_each == 1 else 3.0,
    }  # fmt: skip
    with yard(shop, tmp_path, url) as cars:
        cars.join(*names)
        cars.start(*names)
        cars.heard()
        cars.submit("c", "os-1", concurrency=2, health=[rule], unwell=[])
        cars.go("c")
        cars.until(lambda: len(cars.are("c", CarState.WATCHED)) == 2)
        got = cars.are("c", CarState.WATCHED)
        cars.until(lambda: all(cars.cars[one].state.phase is UpdatePhase.IDLE for one in got))
        for name in got:
            worsen(cars, name, signal)
            if name == got[0]:
                cars.until(lambda: shop.campaign("c").health[0].events == events_each)
                assert shop.campaign("c").phase is Phase.RUNNING, "one car is no evidence"
        cars.until(lambda: shop.campaign("c").phase is Phase.HALTED)
        found = shop.campaign("c")
        assert (found.told, found.errors, found.health[0].evidence_share) == (2, 0, 1.0)
        assert found.health[0].events > events_each
        assert found.reason.startswith(f"{signal}: {found.health[0].events:.0f} in ")
        assert "usual 0.01" in found.reason
        assert shop.desk.report(ANN, "c").campaign.reason == found.reason
        spared = [one for one in names if one not in got]
        before = {one: heard_s(shop, one) for one in names}
        cars.until(lambda: all(heard_s(shop, one) > before[one] for one in names))
        assert shop.campaign("c").told == 2
        for name in names:
            assert cars.cars[name].state.offer == ""
        for name in spared:
            assert cars.task("c", name).attempt == 0
            assert "brake-1.img" not in shop.desk.car(ANN, name).runs.values()


def heard_s(shop: Shop, car: str) -> float:
    """When the fleet last believed a manifest of a car."""
    with shop.home.store.read() as work:
        found = work.record(car)
    assert found is not None
    return found.heard_s or 0.0


def worsen(cars: Yard, name: str, signal: str) -> None:
    if signal != "boot_loop":
        FEEDS[signal](cars.cars[name])
        return
    for _ in range(3):
        cars.end(name)
        cars.start(name)


# --- fresh tries, and cars that wait --------------------------------------------------------------


def test_a_person_at_the_fleet_lets_a_car_try_again_and_somebody_in_it_agrees_again(
    shop: Shop, url: str, tmp_path: Path
) -> None:
    shop.publish("os-1", image(tmp_path, 1), image(tmp_path, 1, "pilot", STRICT))
    with yard(shop, tmp_path, url) as cars:
        cars.join("CAR1", "CAR2")
        # By itself it asks only every ten minutes: it comes because it is called.
        cars.start("CAR1", agrees=False, tuning=dataclasses.replace(QUICK, check_every_s=600.0))
        cars.heard()
        cars.submit("c", "os-1")
        cars.go("c")
        for attempt in (1, 2):
            cars.until(lambda: cars.cars["CAR1"].state.phase is UpdatePhase.OFFERED)
            assert cars.task("c", "CAR1").attempt == attempt
            cars.agree("CAR1")
            cars.until(lambda: bool(cars.are("c", CarState.FAILED)))
            assert "new trouble codes" in cars.task("c", "CAR1").reason
            if attempt == 1:
                shop.desk.act(ANN, "c", "retry", ActBody(cars=("CAR1",)))


def test_a_car_without_room_and_one_to_which_nobody_agrees_say_so(
    shop: Shop, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish("os-1", image(tmp_path, 1))
    with yard(shop, tmp_path, url) as cars:
        cars.join("CAR1", "CAR2")
        cars.start("CAR1")
        cars.start("CAR2", agrees=False)
        cars.heard()
        with monkeypatch.context() as patch:
            patch.setattr(updates_fetch.shutil, "disk_usage", full)
            cars.submit("c", "os-1", cars="car == CAR1")
            cars.go("c")
            cars.until(lambda: "no room" in cars.task("c", "CAR1").reason)
            assert cars.are("c", CarState.BUSY) == ["CAR1"]
            (seen,) = shop.desk.report(ANN, "c").failures
            assert (seen.state, seen.examples) == (CarState.BUSY, ("CAR1",))
            assert seen.reason.startswith("waits: there is no room for the update")
        cars.until(lambda: cars.are("c", CarState.WATCHED) == ["CAR1"])
        assert cars.task("c", "CAR1").reason == ""
        cars.submit("d", "os-1", cars="car == CAR2")
        cars.go("d")
        cars.until(
            lambda: cars.task("d", "CAR2").reason == "waits: nobody in the car has agreed to it"
        )
        cars.agree("CAR2")
        cars.until(lambda: cars.are("d", CarState.WATCHED) == ["CAR2"])


def full(_path: Any) -> Any:
    return shutil._ntuple_diskusage(1 << 30, 1 << 30, 0)  # type: ignore[attr-defined]
