"""A brake unit on a bench that is asked by UDS: what gets lost on the way is chosen, and power can be cut."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from volant.caros.diagnostics import NegativeResponseError
from volant.core.errors import LinkError
from volant.ota import Artifact, Order
from volant.ota.uds_unit import UdsUnit
from volant.trust.flash import Flash, MemoryFlash
from volant.trust.uptane import Installed
from volant.vehicle import ecus, uds_server
from volant.vehicle.boot import Bootloader, Identity, Image, Tables, make_image
from volant.vehicle.boot.device import GEOMETRY, bootloader, first_image
from volant.vehicle.uds_config import MS, UdsState

BRAKE = next(spec for spec in ecus.ECUS if spec.name == "brake")
WHO = Identity("brake", "SIM-1")
FIRST = first_image(WHO, "1.0", Tables())
BLOCK = 256
Fault = str
"""`request`: it gets lost; `answer`: the answer does; `power`: cut before it; `late`: S3 is over."""


def image(release: int = 3, rows: int = 100, **needs: int) -> bytes:
    tables = Tables(calibration={f"row_{n}": float(release + n) for n in range(rows)}, needs=needs)
    told = Image(
        unit="brake", hardware="SIM-1", version=f"{release}.0", release=release, tables=tables
    )
    return make_image(told)


def artifact(data: bytes, name: str = "brake.img") -> Artifact:
    digest = hashlib.sha256(data).hexdigest()
    return Artifact(name, len(data), digest, lambda at, length: data[at : at + length])


def order(data: bytes, counter: int = 3) -> Order:
    told = artifact(data)
    target = Installed(
        ecu_id="brake",
        name=told.name,
        length=len(data),
        hashes={"sha256": told.sha256, "sha512": hashlib.sha512(data).hexdigest()},
        release_counter=counter,
    )
    return Order(target=target, image=told)


class UnitBench:
    """The unit, and the port that programs it."""

    def __init__(
        self,
        flash: Flash | None = None,
        make: Callable[[Flash], Bootloader] | None = None,
        block: int = BLOCK,
    ) -> None:
        self.block = block
        self._make = make or (lambda device: bootloader(device, WHO))
        if flash is None:
            flash = MemoryFlash(GEOMETRY)
            self._make(flash).provision(FIRST)
        self.flash = flash
        self.values = {"speed_mps": 0.0, "supply_v": 12.9}
        self.releases: dict[str, int] = {}
        self.faults: dict[int, Fault] = {}
        self.asked = 0
        self.blocks: list[int] = []
        self.waited_s = 0.0
        self.now_ns = 0
        self.power_on()
        self.port = UdsUnit(
            "brake",
            self.ask,
            lambda level, seed: ecus.key_for(ecus.secret_of("brake"), level, seed),
            self._wait,
        )

    def power_on(self) -> None:
        self.boot = self._make(self.flash)
        self.boot.boot()
        self.state = UdsState()
        config = ecus.server_config(
            BRAKE,
            ecus.CarFacts(),
            live=lambda name: self.values.get(name, float("nan")),
            seed=lambda: bytes(range(1, 17)),
            boot=self.boot,
            releases=lambda: self.releases,
        )
        self.config = replace(config, block_length=self.block + 2)

    def ask(self, request: bytes) -> bytes:
        fault = self.faults.get(self.asked, "")
        self.asked += 1
        if fault == "power":
            self.power_on()
        if fault == "late":
            self.now_ns += 6_000 * MS
        if fault in ("request", "power"):
            raise LinkError("nothing came")
        answer = self._served(request)
        if fault == "answer":
            raise LinkError("nothing came")
        if answer[0] == 0x7F:
            raise NegativeResponseError(answer[1], answer[2])
        if request[0] == 0x36:
            self.blocks.append(len(request) - 2)
        return answer

    def serve(self, request: bytes, now_ns: int) -> bytes | None:
        """For a line that has a time of its own."""
        self.now_ns = now_ns
        return self._served(request)

    def _served(self, request: bytes) -> bytes:
        done = uds_server.step(self.state, request, self.config, self.now_ns)
        self.state = done.state
        while done.responses and done.responses[0][::2] == b"\x7f\x78":
            done = uds_server.poll(self.state, self.config, self.now_ns)
            self.state = done.state
            while not done.responses:
                done = uds_server.poll(self.state, self.config, self.now_ns)
                self.state = done.state
        if done.reset and self.config.on_reset is not None:
            self.config.on_reset(done.reset)
        return done.responses[0]

    def _wait(self, seconds: float) -> None:
        self.waited_s += seconds
        self.now_ns += int(seconds * 1e9)

    @property
    def version(self) -> str:
        return self.boot.running.image.version if self.boot.running else ""
