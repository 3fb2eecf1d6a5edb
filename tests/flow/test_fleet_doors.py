"""The fleet's server as a process: both doors, connections that are woken, clients that misbehave, and its end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.flow.test_fleet_kill import CARS, ROOT, begin, free_port, server
from volant.app.fleet_folder import FleetFolder
from volant.cloud.campaigns import stop

WAIT_S = 60.0


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.tokens = begin(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=WAIT_S)

    def poll(self, car: str) -> httpx.Response:
        return self.client.get(f"{ROOT}/{car}", headers=self.headers(car))

    def headers(self, car: str) -> dict[str, str]:
        return {"Authorization": f"TargetToken {self.tokens[car]}"}

    def wake(self, car: str) -> Any:
        where = f"ws://127.0.0.1:{self.port}{ROOT}/{car}/wake"
        return connect(where, additional_headers=self.headers(car), open_timeout=WAIT_S)

    def raw(self, data: bytes) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)
        found.sendall(data)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("doors") / "fleet")
    with server(found.folder, found.port):
        yield found
    found.client.close()


def test_a_car_that_is_connected_hears_of_its_update_and_of_the_stop(place: Place) -> None:
    car = CARS[0]
    with place.wake(car) as line:
        assert line.recv(timeout=WAIT_S) == "come"
        links = place.poll(car).json()["_links"]
        assert "deploymentBase" in links
        with FleetFolder(place.folder) as home:
            home.fleet.act("spring", "stop", "ann", time.time(), lambda one: stop(one, "ann"))
        assert line.recv(timeout=WAIT_S) == "come"
        assert "cancelAction" in place.poll(car).json()["_links"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01 no http at all\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"40",
        ),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
)
def test_requests_that_are_none(place: Place, data: bytes, status: bytes) -> None:
    with place.raw(data) as line:
        assert line.recv(100).partition(b" ")[2].startswith(status)
    assert place.poll(CARS[1]).status_code == 200


def test_connections_that_say_nothing_keep_nobody_waiting(place: Place) -> None:
    lines = [place.raw(b"GET /DEFAULT/contr") for _ in range(200)]
    lines += [
        place.raw(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n") for _ in range(50)
    ]
    assert place.poll(CARS[1]).status_code == 200
    for line in lines:
        line.close()


def test_a_car_that_floods_is_told_to_slow_down(place: Place) -> None:
    codes = [place.poll(CARS[2]).status_code for _ in range(450)]
    assert set(codes) <= {200, 429}, codes
    assert place.poll(CARS[3]).status_code == 200


def test_a_port_that_is_taken_is_told_and_nothing_is_shared_unseen(
    place: Place, tmp_path: Path
) -> None:
    for options in (
        ["--port", str(place.port), "--people-port", str(free_port())],
        ["--port", str(free_port()), "--people-port", str(place.port)],
    ):
        command = [sys.executable, "-m", "volant", "fleet", "serve", str(tmp_path / "f"), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert done.returncode not in {0, 1}
        assert f"nothing can be served at 127.0.0.1:{place.port}" in done.stderr


def test_it_ends_when_asked_and_what_it_heard_is_stored(tmp_path: Path) -> None:
    found = Place(tmp_path / "fleet")
    with server(found.folder, found.port) as running, found.wake(CARS[5]) as line:
        assert found.poll(CARS[4]).status_code == 200
        running.send_signal(signal.SIGTERM)
        with suppress(ConnectionClosed):
            while True:
                line.recv(timeout=WAIT_S)
        assert running.wait(WAIT_S) == 128 + signal.SIGTERM
    found.client.close()
    with FleetFolder(found.folder) as home, home.store.read() as work:
        seen = {one.car_id for one in work.cars(most=100) if one.seen_s is not None}
    assert CARS[4] in seen
