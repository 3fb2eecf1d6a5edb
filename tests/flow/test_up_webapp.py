"""The dashboard in the live car: its card and address on the driver's page, real signals, back after deaths."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.sync.client import connect

from scripts import kill_table
from tests.data_folder import on_ci
from volant.app.app_make import app_store, install_command
from volant.caros.cockpit.messages import CockpitFrame
from volant.core.messages import AppCard

DASHBOARD = "org.volant.dashboard"
WITHIN_S = 40.0
BUILT = Path(__file__).resolve().parents[2] / "apps" / "dashboard" / "page" / "index.html"


def cards(address: str) -> tuple[AppCard, ...]:
    """What the driver's page shows of apps now; nothing while nobody serves it."""
    origin = re.match(r"http://[^/]+", address)
    assert origin is not None
    url = address.replace("http", "ws", 1) + "live"
    with contextlib.suppress(OSError, TimeoutError), connect(url, origin=origin[0]) as live:  # type: ignore[arg-type]
        while not isinstance(packet := live.recv(WITHIN_S), bytes):
            pass
        return msgspec.msgpack.decode(packet, type=CockpitFrame).apps
    return ()


def token(page: str) -> str | None:
    """A fresh one of a page; None while it is covered or not served."""
    request = urllib.request.Request(page + "token", b"", {"Origin": "null"})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
        found: str = json.load(answer)["token"]
        return found
    return None


def value(page: str, path: str) -> Any:
    with connect(page.replace("http", "ws") + "viss", origin="null") as client:  # type: ignore[arg-type]
        ask = {"action": "get", "path": path, "requestId": "1", "authorization": token(page)}
        client.send(json.dumps(ask))
        return json.loads(client.recv(WITHIN_S))


@pytest.mark.slow
def test_the_dashboard_is_served_by_a_parked_car_and_outlives_the_deaths_around_it(
    tmp_path: Path,
) -> None:
    if not BUILT.is_file():
        pytest.fail("not built") if on_ci() else pytest.skip("the dashboard is not built")
    install_command("dashboard", tmp_path, as_json=False)
    words = ["--parked", "--cars", "5", "--no-journal", "--state", str(tmp_path)]
    with kill_table.live_car(words) as car:
        found: list[AppCard] = []

        def there() -> bool:
            found[:] = cards(car.address)
            return bool(found) and bool(found[0].address)

        car.wait(90.0, there)
        page = found[0].address
        assert (found[0].app, found[0].name) == (DASHBOARD, "Dashboard")
        car.wait(WITHIN_S, lambda: token(page) is not None)
        car.wait(60.0, lambda: "data" in value(page, "Vehicle.Powertrain.Range"))
        assert "data" in value(page, "Vehicle.Powertrain.Range")
        assert value(page, "Vehicle.CurrentLocation.Latitude")["error"]["number"] == 406

        os.kill(car.pids()["signals"], signal.SIGKILL)  # the same address again, by the same socket
        car.wait(60.0, lambda: token(page) is not None)
        car.wait(60.0, lambda: "data" in value(page, "Vehicle.Powertrain.Range"))
        assert "data" in value(page, "Vehicle.Powertrain.Range")

        os.kill(car.pids()["apps"], signal.SIGKILL)  # a new address, which the driver's page has
        car.wait(60.0, lambda: there() and found[0].address != page)
        assert found[0].address != page
        page = found[0].address
        car.wait(WITHIN_S, lambda: token(page) is not None)

        app_store(tmp_path).enable(DASHBOARD, on=False)
        car.wait(WITHIN_S, lambda: not cards(car.address))
        assert cards(car.address) == ()
        assert token(page) is None
