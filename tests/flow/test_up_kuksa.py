"""KUKSA's own client at the live car: it reads the speed, opens a window, and finds a broker that died again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import kill_table
from tests.caros.kuksa.test_kuksa_client import CommandLine
from tests.peers import peer

api = peer("kuksa_client.grpc")
WORDS = [
    "--distance",
    "12000",
    "--cars",
    "20",
    "--no-journal",
    "--doip-port",
    "0",
    "--kuksa-port",
    "0",
]
DOOR = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"
WINDOW = "Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"
SPEED = "Vehicle.Speed"
WITHIN_S = 20.0


def value(client: Any, path: str) -> Any:
    point = client.get_current_values([path])[path]
    return None if point is None else point.value


def comes(car: kill_table.Car, true: Callable[[], bool]) -> None:
    """Wait until it is true; a busy machine may take its time."""
    car.wait(WITHIN_S, true)
    assert true()


def answers(port: int) -> bool:
    """Whether the broker serves and the car tells its speed."""
    try:
        with api.VSSClient("127.0.0.1", port) as client:
            return (value(client, SPEED) or 0.0) > 0.0
    except api.VSSClientError:
        return False


@pytest.mark.slow
def test_the_stock_client_reads_the_car_and_moves_it() -> None:
    with kill_table.live_car(WORDS) as car:
        port = car.status()["kuksa_port"]
        comes(car, lambda: answers(port))
        with api.VSSClient("127.0.0.1", port) as client:
            comes(car, lambda: (value(client, SPEED) or 0.0) > 15.0)
            assert value(client, WINDOW) == 0
            client.set_target_values({WINDOW: api.Datapoint(60)})
            comes(car, lambda: value(client, WINDOW) == 60)
            assert client.get_target_values([WINDOW])[WINDOW].value == 60
            with pytest.raises(api.VSSClientError, match="refused"):
                client.set_target_values({DOOR: api.Datapoint(True)})
            with pytest.raises(api.VSSClientError, match="provided by car"):
                client.set_current_values({SPEED: api.Datapoint(1.0)})
            updates = client.subscribe_current_values([SPEED])
            heard = [next(updates)[SPEED].value for _ in range(5)]
            assert all(speed > 0.0 for speed in heard)
        pid = car.pids()["signals"]
        os.kill(pid, signal.SIGKILL)
        comes(car, lambda: car.pids().get("signals") not in (None, pid))
        comes(car, lambda: answers(port))


@pytest.mark.slow
def test_every_command_of_the_stock_command_line(tmp_path: Path) -> None:
    with kill_table.live_car(WORDS) as car:
        port = car.status()["kuksa_port"]
        with api.VSSClient("127.0.0.1", port) as client:  # it serves once the car is ready
            comes(car, lambda: (value(client, SPEED) or 0.0) > 5.0)
        shell = CommandLine(tmp_path, f"grpc://127.0.0.1:{port}")
        try:
            drive(shell, port)
        finally:
            shell.close()


def drive(shell: CommandLine, port: int) -> None:
    """Each command that speaks to a broker, with what the car answers."""
    shell.type(f"getValue {SPEED}", '"value": ', '"timestamp"')
    shell.type(f"getValues {SPEED} {WINDOW}", SPEED, WINDOW)
    shell.type("getValue Vehicle.Nothing", '"code": 404')
    shell.type(f"setValue {SPEED} 12", "provided by car")
    shell.type(f"setValues {SPEED}=12 {WINDOW}=3", "provided by car")
    shell.type(f"setTargetValue {WINDOW} 40", "OK")
    shell.type(f"getTargetValue {WINDOW}", '"value": 40')
    shell.type(f"setTargetValues {WINDOW}=41 {DOOR}=true", DOOR, "refused")
    shell.type(f"getTargetValues {WINDOW} {DOOR}", '"value": 41')
    shell.type(f"setValue -a targetValue {WINDOW} 60", "OK")
    told = shell.type(f"subscribe -f {WINDOW}", "subscriptionId", "}")
    number = json.loads(told[told.index("{") :])["subscriptionId"]
    shell.log_holds(WINDOW)
    shell.type(f"unsubscribe {number}", "OK")
    shell.type("subscribe Vehicle.Cabin.Door", "subscriptionId")
    shell.type(f"subscribe -a targetValue {WINDOW}", "subscriptionId")
    shell.type(f"getMetaData {WINDOW}", '"UINT8"', '"ACTUATOR"', '"max": 100')
    shell.type(f'updateMetaData {WINDOW} \'{{"description": "how far open"}}\'', "OK")
    shell.type(f"getMetaData {WINDOW}", '"how far open"')
    shell.type("updateVSSTree tree.json", "not supported")
    shell.type("authorize anything", "Authenticated")  # an open broker looks at no token
    shell.type("info", "Eclipse KUKSA")
    shell.type("version", "0.6.0")
    shell.type("disconnect", "disconnected")
    shell.type(f"connect grpc://127.0.0.1:{port}", "connected")
    shell.type(f"getValue {SPEED}", '"value": ')
