"""Our own car takes an update from the fleet's server by a campaign: control units, update machine and server are real.

The car asks by itself only every ten minutes: what it does at once it does because the server has called it.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from volant.app import ota_join
from volant.app.fleet_folder import FleetFolder
from volant.app.fleet_images import image_of
from volant.app.fleet_keys import FOLDER, FleetKeys
from volant.app.fleet_rotate import RotateWish, rotate_command
from volant.app.fleet_uptane import uptane_command
from volant.app.ota_join import JoinWish, join_command
from volant.app.parked_car import ParkedCar, ParkWish, parked_car
from volant.app.programs import tables_of
from volant.cloud.campaigns import CarState, Phase, Plan
from volant.cloud.desk import Desk
from volant.cloud.uptane import UptaneDoor
from volant.cloud.views import ActBody, CampaignView, FileBody, ReleaseBody
from volant.core.errors import InputError, RefusedError, TrustError
from volant.core.settings import find_data
from volant.ota.health import HealthTuning
from volant.ota.machine import UpdateTuning
from volant.vehicle import load_spec
from volant.vehicle.boot import Image, make_image
from volant.vehicle.boot.calibration import HARDWARE
from volant.vehicle.ecus import CarFacts

CAR = "g3-520"
VIN = CarFacts().vin
ANN, BOB = Desk.local("ann"), Desk.local("bob")
WAIT_S = 150.0
TUNING = UpdateTuning(
    health=HealthTuning(settle_s=4.0, drive_s=0.0),
    first_check_s=0.1,
    check_every_s=600.0,
    check_again_s=1.0,
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

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        door = UptaneDoor(self.home.fleet, FleetKeys(self.path), time.time)
        found = door.answer("POST", path, {}, body)
        return found.status, found.body

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
    uptane_command(tmp_path / "fleet", (), "ann", as_json=True)
    found = Shop(tmp_path / "fleet")
    yield found
    found.home.store.close()


@contextlib.contextmanager
def served(fleet: Path) -> Iterator[str]:
    """A server in a process of its own; the address that cars join."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    words = ("fleet", "serve", str(fleet), "--port", str(ports[0]), "--people-port", str(ports[1]))
    process = subprocess.Popen([sys.executable, "-m", "volant", *words])
    try:
        until_s = time.monotonic() + WAIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[0])):
                break
            assert process.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.1)
        yield f"http://127.0.0.1:{ports[0]}/uptane"
    finally:
        process.terminate()
        process.wait(30.0)


def drive(car: ParkedCar, ends: Callable[[], bool]) -> None:
    """Let a car be until it is so."""
    until_s = time.monotonic() + WAIT_S
    while not ends():
        assert time.monotonic() < until_s, (car.state, car.silent)
        time.sleep(car.turn(time.monotonic()) / 10)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_car_joins_and_is_updated_by_a_campaign_and_goes_back_from_a_bad_one(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    with served(shop.path) as url:
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

            for name in ("director-root", "director-targets", "image-root", "image-targets"):
                rotate_command(shop.path, RotateWish(name), "ann", as_json=True)
            shop.publish("os-2", image(tmp_path, 2), image(tmp_path, 2, "pilot", STRICT))
            shop.begin("second", "os-2")
            drive(car, lambda: shop.campaign("second").phase is Phase.HALTED)
            drive(car, lambda: shop.state("second")[0] is CarState.FAILED)
            assert "new trouble codes" in shop.state("second")[1]
            assert shop.desk.car(ANN, VIN).runs["brake"] == "brake-1.img"
            assert shop.state("first")[0] is CarState.WATCHED
    capsys.readouterr()


def test_a_car_does_not_believe_another_fleet_than_its_code_s(shop: Shop, tmp_path: Path) -> None:
    def answer(url: str, _: bytes) -> tuple[int, bytes]:
        assert url == "http://127.0.0.1:1/uptane/join"
        return shop.answer("/join", _)

    token = shop.desk.admit_uptane(ANN, VIN).token.partition(".")[0]
    wish = JoinWish(car=CAR, code=f"{token}.{'0' * 32}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ota_join, "post", answer)
        with pytest.raises(TrustError, match="another fleet"):
            join_command("http://127.0.0.1:1/uptane", wish, tmp_path / "state", as_json=True)
        with pytest.raises(RefusedError, match="used before"):
            join_command("http://127.0.0.1:1/uptane", wish, tmp_path / "state", as_json=True)
    with pytest.raises(InputError, match="a code is needed"):
        join_command("http://127.0.0.1:1/uptane", JoinWish(car=CAR), tmp_path / "s", as_json=True)
    assert not (tmp_path / "state/updates" / CAR / "joined.json").exists()


def test_keys_are_made_once_and_for_their_owner_alone(shop: Shop) -> None:
    keys = shop.path / FOLDER
    before = {one.name: one.read_bytes() for one in keys.iterdir()}
    assert {one.stat().st_mode & 0o777 for one in keys.iterdir()} == {0o600}
    assert keys.stat().st_mode & 0o777 == 0o700
    uptane_command(shop.path, (), "ann", as_json=True)
    assert {one.name: one.read_bytes() for one in keys.iterdir()} == before
    with pytest.raises(RefusedError, match="has its repositories"):
        uptane_command(shop.path, ("image-root=2:2",), "ann", as_json=True)


def test_what_signs_images_may_be_elsewhere_and_then_nothing_is_published(
    shop: Shop, tmp_path: Path
) -> None:
    (shop.path / FOLDER / "image-targets.pem").unlink()
    with pytest.raises(RefusedError, match="no key of role targets"):
        shop.publish("os-1", image(tmp_path, 1))
    assert shop.desk.releases(ANN) == []
