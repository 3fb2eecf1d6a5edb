"""Our own car takes an update from the fleet's server by a campaign: control units, update machine and HTTP are real."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.app.fleet_http import uptane_served
from tests.app.test_fleet_command import run
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_images import image_of
from volant.app.fleet_keys import FOLDER, FleetKeys
from volant.app.ota_join import JoinWish, join_command
from volant.app.parked_car import ParkedCar, ParkWish, parked_car
from volant.app.programs import tables_of
from volant.cloud.campaigns import CarState, Phase, Plan
from volant.cloud.desk import Desk
from volant.cloud.views import ActBody, CampaignView, FileBody, ReleaseBody
from volant.core.errors import InputError, RefusedError, TrustError
from volant.core.settings import find_data
from volant.core.updates import UpdateEnd
from volant.ota.health import HealthTuning
from volant.ota.machine import UpdateTuning
from volant.vehicle import load_spec
from volant.vehicle.boot import Image, make_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.ecus import CarFacts

CAR = "g3-520"
VIN = CarFacts().vin
ANN, BOB = Desk.local("ann"), Desk.local("bob")
WAIT_S = 60.0
TUNING = UpdateTuning(
    health=HealthTuning(settle_s=4.0, drive_s=0.0),
    first_check_s=0.1,
    check_every_s=2.0,
    check_again_s=0.5,
)
STRICT = {"health.noisy_m": (1e-6, 1e-6)}
"""A pilot that takes a micrometre for noise calls its sensors broken."""
Json = dict[str, Any]


def image(path: Path, release: int, unit: str = "brake", changes: Json | None = None) -> Path:
    """A program of a control unit, as `volant ecu image make` makes it."""
    tables = tables_of(unit, load_spec(find_data("cars", CAR)))
    made = Image(
        unit=unit,
        hardware=HARDWARE,
        version=str(release),
        release=release,
        tables=msgspec.structs.replace(
            tables, calibration={**tables.calibration, **(changes or {})}
        ),
    )
    file = path / f"{unit}-{release}.img"
    file.write_bytes(make_image(made))
    return file


class Shop:
    """A fleet in a folder, with its keys, and people at its desk."""

    def __init__(self, path: Path) -> None:
        self.path, self.home = path, FleetFolder(path)
        self.desk = Desk(self.home.fleet, self.home.artifacts, time.time, None, FleetKeys(path))

    def publish(self, name: str, *files: Path) -> None:
        wishes = [image_of(str(one)) for one in files]
        taken = [self.desk.take_file(ANN, one.file.name, one.file) for one in wishes]
        bodies = tuple(
            FileBody(name=file.name, sha256=file.sha256, hardware=one.hardware, units=one.units)
            for file, one in zip(taken, wishes, strict=True)
        )
        self.desk.publish(ANN, name, ReleaseBody(version="1", files=bodies))

    def begin(self, name: str, release: str, **changes: Any) -> None:
        wave = {"name": "all", "errors_stop": 1}
        plan: Json = {
            "campaign_id": name, "title": f"Volant {release}", "release": release, "concurrency": 5,
            "waves": [wave], "watch_s": 3600.0,
        } | changes  # fmt: skip
        self.desk.draft(ANN, msgspec.convert(plan, Plan))
        for person, verb in ((ANN, "submit"), (BOB, "approve"), (ANN, "start")):
            digest = self.campaign(name).digest if verb == "approve" else ""
            self.desk.act(person, name, verb, ActBody(digest=digest))

    def campaign(self, name: str) -> CampaignView:
        return self.desk.campaign(ANN, name)

    def state(self, name: str) -> tuple[CarState, str]:
        (task,) = self.desk.tasks(ANN, name).tasks
        return task.state, task.reason

    def join(self, url: str, state: Path) -> None:
        code = self.desk.admit_uptane(ANN, VIN).token
        join_command(url, JoinWish(car=CAR, code=code), state, as_json=True)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    run("uptane", str(tmp_path / "fleet"), "--by", "ann")
    found = Shop(tmp_path / "fleet")
    yield found
    found.home.store.close()


def drive(car: ParkedCar, ends: Callable[[], bool]) -> None:
    """Let a car be until it is so."""
    until_s = time.monotonic() + WAIT_S
    while not ends():
        assert time.monotonic() < until_s, (car.state, car.silent)
        time.sleep(car.turn(time.monotonic()) / 10)


def test_a_car_joins_and_is_updated_by_a_campaign_and_goes_back_from_a_bad_one(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    with uptane_served(shop.path) as url:
        shop.join(url, state)
        car_spec = load_spec(find_data("cars", CAR))
        shop.publish("os-1", image(tmp_path, 1), image(tmp_path, 1, "drive"))
        with parked_car(state, car_spec, ParkWish(TUNING, agrees=True)) as car:
            drive(car, lambda: bool(shop.desk.car(ANN, VIN).history) or not car.silent)
            shop.begin("first", "os-1")
            drive(car, lambda: shop.state("first")[0] is CarState.WATCHED)
            drive(car, lambda: car.state.last is not None)
            runs = shop.desk.car(ANN, VIN).runs
            assert (runs["brake"], runs["drive"]) == ("brake-1.img", "drive-1.img")
            assert shop.campaign("first").told == 1

            shop.publish("os-2", image(tmp_path, 2), image(tmp_path, 2, "pilot", STRICT))
            shop.begin("second", "os-2")
            drive(car, lambda: shop.campaign("second").phase is Phase.HALTED)
            drive(car, lambda: shop.state("second")[0] is CarState.FAILED)
            assert "new trouble codes" in shop.state("second")[1]
            assert shop.desk.car(ANN, VIN).runs["brake"] == "brake-1.img"
            assert shop.state("first")[0] is CarState.WATCHED
    capsys.readouterr()
