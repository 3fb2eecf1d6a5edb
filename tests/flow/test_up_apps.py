"""Apps of the live car: installed, running behind their walls with real signals, and back after deaths around them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scripts import kill_table
from tests.caros.apps.packages import KEY, package_bytes
from tests.caros.apps.running import machine_for
from volant.app.app_make import app_store
from volant.caros.apps.isolation.levels import Level
from volant.caros.apps.package import open_package
from volant.caros.apps.store import AppStore

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
