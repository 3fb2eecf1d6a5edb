"""Debian's swupdate (its daemon suricatta), unmodified, is updated from a real server by an image that it checks."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cloud.live import LiveFleet, process, until
from tests.cloud.peers.swu import HARDWARE, Signer, image
from tests.data_folder import on_ci
from volant.cloud.campaigns import CarState, Task

CAR = "VOLANT00000000001"
OLD, SYSTEM = b"the system before", b"the new system\n" * 20_000
CONFIG = 'globals : { verbose = true; };\nidentify : ( { name = "model"; value = "ev1"; } );\n'
LONG_BYTES = 24_000_000
"""More than the sockets' buffers take in."""
WITHIN_S = 120.0


@cache
def signer() -> Signer:
    return Signer.new()


def program() -> str:
    found = shutil.which("swupdate")
    if found is None:
        line = "no swupdate found: apt-get install swupdate"
        if on_ci():
            pytest.fail(line, pytrace=False)
        pytest.skip(line)
    return found


@dataclass
class Unit:
    """A control unit with swupdate on it."""

    fleet: LiveFleet
    folder: Path
    """Its path is short: swupdate's sockets lie in it, and their names have at most 107 characters."""
    starts: int = field(default=0)

    def __post_init__(self) -> None:
        program()
        self.system.write_bytes(OLD)
        signer().write(self.folder / "signer.pem")
        (self.folder / "swupdate.cfg").write_text(CONFIG)

    @property
    def system(self) -> Path:
        return self.folder / "system"

    @property
    def task(self) -> Task:
        return self.fleet.task(CAR)

    def on(self, *more: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Power on: swupdate asks the server until power goes off."""
        self.starts += 1
        asking = ["-t", "DEFAULT", "-u", self.fleet.url, "-i", CAR]
        asking += ["-k", self.fleet.tokens[CAR], *more]
        command = [program(), "-k", "signer.pem", "-f", "swupdate.cfg", "-H", HARDWARE]
        log = self.folder / f"start-{self.starts}.log"
        return process(
            [*command, "-u", " ".join(asking)],
            log=log,
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )

    def said(self, word: str) -> bool:
        """Whether swupdate says it in its last log."""
        return word in (self.folder / f"start-{self.starts}.log").read_text(errors="replace")


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    fleet = LiveFleet(tmp_path / "fleet")
    fleet.admit(CAR)
    with TemporaryDirectory(prefix="swu") as folder:
        yield Unit(fleet, Path(folder))


def give(unit: Unit, data: bytes) -> None:
    """Begin a campaign that brings an image to the unit."""
    file = unit.folder / "os.swu"
    file.write_bytes(data)
    unit.fleet.publish("os-2.0", file)
    unit.fleet.begin("os-2.0", tries=1)


def test_a_signed_image_is_installed_and_told_after_the_restart(unit: Unit) -> None:
    give(unit, image(SYSTEM, unit.system, signer()))
    with unit.fleet.serving("--poll-s", "1"):
        with unit.on():
            until(lambda: unit.task.reason == "All Chunks Installed.", within_s=WITHIN_S)
        assert unit.system.read_bytes() == SYSTEM
        assert unit.task.state is CarState.BUSY
        with unit.on("-c", "2"):
            until(lambda: unit.task.state is CarState.WELL, within_s=WITHIN_S)
            until(lambda: unit.fleet.attributes(CAR), within_s=WITHIN_S)
    assert unit.fleet.attributes(CAR) == {"model": "ev1"}
    assert unit.task.attempt == 1


@pytest.mark.parametrize("fault", ["another signer", "another system"])
def test_an_image_that_swupdate_does_not_believe_is_a_failure_of_the_campaign(
    unit: Unit, fault: str
) -> None:
    if fault == "another signer":
        give(unit, image(SYSTEM, unit.system, Signer.new()))
    else:
        give(unit, image(SYSTEM, unit.system, signer(), promised=b"what was signed"))
    with unit.fleet.serving("--poll-s", "1"), unit.on():
        until(lambda: unit.task.state is CarState.FAILED, within_s=WITHIN_S)
    assert unit.system.read_bytes() == OLD


@pytest.mark.slow
def test_a_server_that_is_killed_during_the_download_is_asked_for_the_rest(unit: Unit) -> None:
    system = os.urandom(LONG_BYTES)
    give(unit, image(system, unit.system, signer()))
    slowly = ("-n", "4M", "-w", "1", "-r", "50")
    with unit.fleet.serving("--poll-s", "1") as server, unit.on(*slowly):
        until(lambda: unit.said("Total download size"), within_s=WITHIN_S)
        server.kill()
        server.wait()
        with unit.fleet.serving("--poll-s", "1"):
            until(lambda: unit.task.reason == "All Chunks Installed.", within_s=WITHIN_S)
    assert unit.said("Lost connection. Retrying")
    assert unit.system.read_bytes() == system
