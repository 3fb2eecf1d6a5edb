"""Apps of the live car: installed, running behind their walls with real signals, and back after deaths around them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from scripts import kill_table
from tests.caros.apps.packages import KEY, package_bytes
from tests.caros.apps.running import machine_for
from tests.house.source_tree import REPO
from volant.app.app_make import app_store
from volant.caros.apps.isolation.levels import Level
from volant.caros.apps.package import open_package, pack
from volant.caros.apps.store import AppStore
from volant.caros.cockpit.seam import CockpitHands, CockpitSeat

APP = "org.example.app"
MAIN = b"""
import volant_app
car = volant_app.Car()
try:
    car.get("Vehicle.CurrentLocation.Latitude")
except volant_app.Refused as error:
    print("refused", error.errors, flush=True)
try:
    car.set({"Vehicle.Cabin.Door.Row1.DriverSide.IsOpen": True})
except volant_app.Refused as error:
    print("refused", error.errors, flush=True)
car.subscribe("Vehicle.Speed")
print("hears", flush=True)
top = 0.0
try:
    while True:
        for value, _ in car.wait(5.0).values():
            if value is not None and value > top + 1.0:
                top = value
                print("speed", round(top), flush=True)
finally:
    print("ends", flush=True)
"""


def log(store: AppStore) -> str:
    paths = sorted(store.log(APP).glob("app.log*"), reverse=True)
    return "".join(path.read_text() for path in paths)


@pytest.mark.slow
def test_an_app_drives_along_and_outlives_the_deaths_around_it(tmp_path: Path) -> None:
    machine_for(Level.FULL)
    store = app_store(tmp_path)
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    store.install(open_package(package_bytes(main=MAIN)))
    words = ["--distance", "12000", "--cars", "10", "--no-journal", "--state", str(tmp_path)]
    with kill_table.live_car(words) as car:
        car.wait(90.0, lambda: "speed" in log(store))
        assert log(store).count("access_denied") == 2
        car.wait(30.0, lambda: (store.folder / "running.json").exists())

        heard = log(store).count("speed")
        os.kill(car.pids()["signals"], signal.SIGKILL)
        car.wait(60.0, lambda: log(store).count("speed") > heard + 1)
        assert log(store).count("speed") > heard + 1
        assert log(store).count("hears") == 1  # the same process, by the same socket

        os.kill(car.pids()["apps"], signal.SIGKILL)
        car.wait(60.0, lambda: log(store).count("hears") == 2)
        assert log(store).count("hears") == 2

        store.enable(APP, on=False)
        car.wait(30.0, lambda: "ends" in log(store))
        assert "ends" in log(store)
        driving = [one for one in car.status()["processes"] if one["name"] in ("pilot", "vehicle")]
        assert [one["starts"] for one in driving] == [1, 1]
    assert not Path(store.folder / "running.json").exists()


@contextlib.contextmanager
def driver(car: kill_table.Car) -> Iterator[Callable[[CockpitSeat | CockpitHands], None]]:
    """The driver's seat on a screen of its own."""
    address = car.status()["address"]
    origin = Origin(address.rsplit("/", 2)[0])
    url = address.replace("http", "ws", 1) + "live"
    with connect(url, origin=origin, compression=None, max_size=None) as live:
        yield lambda word: live.send(msgspec.json.encode(word).decode())


@pytest.mark.slow
def test_the_drive_recorder_keeps_hard_braking_as_a_table(tmp_path: Path) -> None:
    machine_for(Level.STRONG)
    store = app_store(tmp_path)
    store.change_trust(lambda trust: trust.with_key(KEY.public, "tests"))
    folder = REPO / "apps" / "drive-recorder"
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    store.install(open_package(pack(files, KEY)))
    recorder = "org.volant.drive-recorder"

    def clips() -> list[Path]:
        kept = store.kept(recorder)
        return sorted(kept.glob("*-braking.csv")) if kept.is_dir() else []

    def fast() -> bool:
        return bool(car.screen.seen) and car.screen.seen[-1].speed_mps > 12.0

    words = ["--distance", "12000", "--cars", "5", "--no-journal", "--state", str(tmp_path)]
    with kill_table.live_car(words) as car:
        car.wait(90.0, lambda: fast() and (store.log(recorder) / "app.log").exists())
        assert fast()
        with driver(car) as does:
            does(CockpitSeat(taken=True))
            for _ in range(100):  # five seconds: a seat that is silent is a driver who is gone
                does(CockpitHands(brake=1.0))
                car.wait(0.05)
        car.wait(60.0, lambda: bool(clips()))
        assert clips()
    head, *rows = clips()[0].read_text().splitlines()
    names = head.split(",")
    accel = names.index("Acceleration.Longitudinal")
    table = [row.split(",") for row in rows]
    assert all(len(row) == len(names) for row in table)
    assert min(float(row[accel]) for row in table if row[accel]) <= -4.0
    assert float(table[0][0]) < 0.0 < float(table[-1][0])
