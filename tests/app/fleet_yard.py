"""Real parked cars of a fleet whose server is a process of its own, and a wire between them that counts bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.app.test_fleet_uptane import ANN, BOB, CAR, WAIT_S, Json, Shop
from volant.app.ota_join import JoinWish, join_command
from volant.app.parked_car import ParkedCar, ParkWish, parked_car
from volant.cloud.campaigns import CarState, Plan
from volant.cloud.views import ActBody, TaskView
from volant.core import topics
from volant.core.settings import find_data
from volant.core.updates import UpdatePhase, UpdateRequest, UpdateWish
from volant.ota.health import HealthTuning
from volant.ota.machine import UpdateTuning
from volant.vehicle import load_spec
from volant.vehicle.spec import CarSpec

QUICK = UpdateTuning(
    health=HealthTuning(settle_s=0.5, drive_s=0.0),
    first_check_s=0.1,
    check_every_s=2.0,
    check_again_s=1.0,
    hold_s=0.1,
    look_s=0.2,
)


def spec() -> CarSpec:
    return load_spec(find_data("cars", CAR))


class Yard:
    """Cars by name, each with a state folder of its own; they are switched on and off one by one."""

    def __init__(self, shop: Shop, path: Path, url: str) -> None:
        self.shop, self.path, self.url = shop, path, url
        self.cars: dict[str, ParkedCar] = {}
        self._opened: dict[str, contextlib.ExitStack] = {}

    def join(self, *names: str) -> None:
        for name in names:
            wish = JoinWish(
                car=CAR, vehicle=name, code=self.shop.desk.admit_uptane(ANN, name).token
            )
            join_command(self.url, wish, self.path / name, as_json=True)

    def start(self, *names: str, agrees: bool = True, tuning: UpdateTuning = QUICK) -> None:
        for name in names:
            opened = contextlib.ExitStack()
            wish = ParkWish(tuning, agrees=agrees)
            self.cars[name] = opened.enter_context(parked_car(self.path / name, spec(), wish))
            self._opened[name] = opened

    def end(self, *names: str) -> None:
        for name in names or tuple(self.cars):
            self._opened.pop(name).close()
            del self.cars[name]

    def until(self, found: Callable[[], bool]) -> None:
        """Let all cars be until it is so."""
        until_s = time.monotonic() + WAIT_S
        while not found():
            assert time.monotonic() < until_s, {
                name: (one.state, one.silent) for name, one in self.cars.items()
            }
            rests_s = min((one.turn(time.monotonic()) for one in self.cars.values()), default=0.1)
            time.sleep(min(0.05, max(0.01, rests_s)))

    def heard(self) -> None:
        """Let the fleet hear what all of them run."""
        self.until(lambda: all(self.shop.desk.car(ANN, one).runs for one in self.cars))

    def agree(self, name: str) -> None:
        """Somebody in the car agrees to what it shows."""
        car = self.cars[name]
        self.until(lambda: car.state.phase is UpdatePhase.OFFERED)
        said = UpdateRequest(stamp_ns=0, wish=UpdateWish.NOW, offer=car.state.offer)
        car._place.bus.publish(topics.UPDATE_REQUEST, said)

    def submit(self, name: str, release: str, **changes: Any) -> None:
        plan: Json = {
            "campaign_id": name, "title": f"Volant {release}", "release": release, "concurrency": 5,
            "waves": [{"name": "all", "errors_stop": 9}], "watch_s": 3600.0,
        } | changes  # fmt: skip
        self.shop.desk.draft(ANN, msgspec.convert(plan, Plan))
        self.shop.desk.act(ANN, name, "submit", ActBody())

    def go(self, name: str) -> None:
        digest = self.shop.campaign(name).digest
        self.shop.desk.act(BOB, name, "approve", ActBody(digest=digest))
        self.shop.desk.act(ANN, name, "start", ActBody())

    def task(self, campaign: str, car: str) -> TaskView:
        (found,) = (one for one in self.shop.desk.tasks(ANN, campaign).tasks if one.car == car)
        return found

    def are(self, campaign: str, state: CarState) -> list[str]:
        return [one.car for one in self.shop.desk.tasks(ANN, campaign).tasks if one.state is state]


@contextlib.contextmanager
def yard(shop: Shop, path: Path, url: str) -> Iterator[Yard]:
    found = Yard(shop, path, url)
    try:
        yield found
    finally:
        found.end()


class Wire:
    """A way to the server that counts the bytes which come back over it."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.bytes = 0
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}{self._target.path}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection((self._target.hostname, self._target.port))
                for one, other, counts in ((near, far, False), (far, near, True)):
                    threading.Thread(
                        target=self._carry, args=(one, other, counts), daemon=True
                    ).start()

    def _carry(self, one: socket.socket, other: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                if counts:
                    with self._lock:
                        self.bytes += len(data)
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        other.close()
