"""A fleet for simulated cars, in a folder: cars with tokens, a release, a campaign with two people, a server process."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from volant.app.fleet_agree import Ledger, disagreements, read_ledger
from volant.app.fleet_agree_uptane import Known, disagree
from volant.app.fleet_folder import FleetFolder, made_folder
from volant.app.fleet_keys import FleetKeys
from volant.app.fleet_settings import NAME
from volant.app.fleet_steps import AnyCar, speaking
from volant.app.fleet_units import HOST, UNIT, USUAL
from volant.app.fleet_uptane import make_repositories
from volant.app.fleet_uptane_car import UptaneCar
from volant.cloud.campaigns import Campaign, HealthRule, Plan, Wave, approve, draft, stop, submit
from volant.cloud.desk import Desk
from volant.cloud.people import Person, digest_of
from volant.cloud.store.ports import Work
from volant.cloud.uptane.authority import PLACES
from volant.cloud.uptane.joining import admit
from volant.cloud.views import FileBody, ReleaseBody
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane.match import IMAGE

AUTHOR, SECOND = "sim-author", "sim-second"
"""Two people: nobody approves their own plan."""
PERSON: Final[Person] = Desk.local(AUTHOR)
BATCH: Final = 5000
"""Cars that one transaction lets in."""
IMAGE_BYTES: Final = 64 * 1024
PATIENCE_POLLS: Final = 3.0
"""A told car is lost when it says nothing for so many of its own periods."""

ONE_ADDRESS: Final = """\
# All simulated cars have one address, and some of them lie: no car is to be kept out for what another does.
[limits]
address_errors = 1000000
"""
UP_S: Final = 60.0
TOKEN_BYTES: Final = 24
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")


def plan_for(name: str, cars: int, poll_s: float = 10.0) -> Plan:
    """A campaign that a simulation of so many cars sees through in minutes; every number a choice of ours.

    Its health rules find cars that count three times what sound ones do; they are told by cars that speak Uptane.
    """
    return Plan(
        campaign_id=name,
        title=f"Simulated update of {cars} cars",
        release=f"{name}-os",
        cars=f'car like "{name}-*"',
        waves=(
            Wave(name="canaries", count=max(1, min(20, cars // 20)), errors_stop=6,
                success_share=0.8),
            Wave(name="tenth", share=0.1, errors_share=0.2, success_share=0.8),
            Wave(name="all", errors_share=0.2, success_share=0.8),
        ),
        concurrency=max(10, cars // 4),
        patience_s=max(60.0, PATIENCE_POLLS * poll_s),
        watch_s=5.0,
        tries=2,
        health=tuple(
            HealthRule(signal=signal, per="km", usual_rate=usual, bad_ratio=3.0)
            for signal, usual in USUAL.items()
        ),
    )  # fmt: skip


class OwnFleet:
    """A folder with a fleet, made when it is not there; what is in it already stays as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made_folder(folder)
        if not any(folder.iterdir()):
            (folder / NAME).write_text(ONE_ADDRESS)
        self._home = FleetFolder(folder)

    def close(self) -> None:
        """Let go of the database."""
        self._home.store.close()

    def admit(self, seed: int, cars: Sequence[AnyCar]) -> list[str]:
        """Let simulated cars in by new tokens, which are nowhere but in this answer; codes for those that join.

        Raises:
            RefusedError: keys that the fleet's Uptane repositories need are elsewhere.
        """
        speaks = speaking(cars)
        tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in cars]
        for first in range(0, len(cars), BATCH):
            places = range(first, min(first + BATCH, len(cars)))
            with self._home.store.work() as work:
                work.add_devices(
                    {
                        cars[one].car_id: digest_of(tokens[one])
                        for one in places
                        if one not in speaks
                    }
                )
        if speaks:
            self._invite(speaks, tokens)
        data = {"cars": len(cars), "seed": seed, "uptane": len(speaks)}
        with self._home.store.work() as work:
            work.tell_news()
            work.log(at_s=time.time(), by=AUTHOR, act="simulate", about=f"sim-{seed}", data=data)
        return tokens

    def _invite(self, speaks: Mapping[int, UptaneCar], tokens: list[str]) -> None:
        """Put codes in the places of tokens; the repositories are made where there are none."""
        with self._home.store.read() as work:
            there = work.director_files(PLACES[IMAGE]) is not None
        if not there:
            make_repositories(self._home, (), AUTHOR)
        authority = FleetKeys(self.folder)()
        if authority is None:
            raise RefusedError("no keys of Uptane repositories are here: volant fleet uptane")
        with self._home.store.work() as work:
            for place, car in speaks.items():
                tokens[place] = admit(work, authority, car.car_id, AUTHOR, time.time())

    def run(self, plan: Plan) -> None:
        """Publish a release, and start a campaign that a second person has approved.

        Raises:
            RefusedError: there is one of that name, or no car is in it.
        """
        with self._home.store.work() as work:
            known = work.release(plan.release)
        if known is None:
            self._publish(plan.release)
        name, fleet, now_s = plan.campaign_id, self._home.fleet, time.time()
        fleet.add(draft(plan, AUTHOR), AUTHOR, now_s)
        fleet.act(name, "submit", AUTHOR, now_s, lambda one: submit(one, AUTHOR, 0))
        fleet.act(name, "approve", SECOND, now_s, lambda one: approve(one, plan.digest, SECOND, 1))
        fleet.start(name, AUTHOR, 2, now_s)

    def _publish(self, release: str) -> None:
        """A file for devices of hawkBit's and, where the fleet has keys for it, an image for each hardware."""
        keys = FleetKeys(self.folder)
        desk = Desk(self._home.fleet, self._home.artifacts, time.time, self.folder, keys)
        bodies = []
        for hardware in ("", HOST, UNIT) if keys() is not None else ("",):
            image = self.folder / (f"{release}-{hardware}.img" if hardware else f"{release}.img")
            image.write_bytes(secrets.token_bytes(IMAGE_BYTES))
            taken = desk.take_file(PERSON, image.name, image)
            bodies.append(FileBody(name=image.name, sha256=taken.sha256, hardware=hardware))
            image.unlink()
        desk.publish(PERSON, release, ReleaseBody(version="2.0", files=tuple(bodies)))

    def stop(self, name: str) -> None:
        """Stop a campaign, as a person does it on another machine: the server hears of it by the database."""
        step = lambda one: stop(one, AUTHOR, "the simulation stops it")  # noqa: E731 - one short step
        self._home.fleet.act(name, "stop", AUTHOR, time.time(), step)

    def campaign(self, name: str) -> Campaign:
        """How it stands.

        Raises:
            InputError: there is none of that name.
        """
        with self._home.store.read() as work:
            found = work.campaign(name)
        if found is None:
            raise InputError(f"no campaign {name}")
        return found

    def check(
        self, name: str, cars: Sequence[AnyCar], *, killed: bool = False
    ) -> tuple[list[str], Ledger]:
        """Whether database and audit log agree with what the cars did, with a server that was killed or never was."""
        with self._home.store.read() as work:
            campaign = work.campaign(name)
            if campaign is None:
                raise InputError(f"no campaign {name}")
            ledger = read_ledger(work.lines(), name)
            found = disagreements(cars, campaign, work.tasks_in(name), ledger)
            speaks = speaking(cars).values()
            found += disagree(speaks, lambda one: _known(work, one), lasting=not killed)
        return found, ledger


def _known(work: Work, car_id: str) -> Known | None:
    record = work.record(car_id)
    if record is None:
        return None
    runs = {unit: one.name for unit, one in record.installed.items()}
    return Known(runs, record.refused)


class OwnServer:
    """`volant fleet serve` in a process of its own, on a free port."""

    def __init__(self, folder: Path, poll_s: float) -> None:
        self._folder, self._poll_s = folder, poll_s
        self._said = folder / "serve.err"
        self.address, self.people_port = ("127.0.0.1", free_port()), free_port()
        self._spent_s, self._began_s = 0.0, 0.0
        self._running = self._start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._running.pid

    @property
    def cpu_s(self) -> float:
        """Processor time since the first was up, of those that were killed too."""
        return self._spent_s + cpu_s(self.pid) - self._began_s

    @property
    def memory_bytes(self) -> int:
        """Most that it ever had; 0 where it cannot be read."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
        return 0

    def begin(self) -> None:
        """Count its processor time from now on."""
        self._began_s = self._spent_s + cpu_s(self.pid)

    def kill(self) -> None:
        """End it at once, as a power cut does, and start another."""
        self._spent_s += cpu_s(self.pid)
        self._running.kill()
        self._running.wait()
        self._running = self._start()

    def close(self) -> None:
        """Ask it to end, and see that it does."""
        self._running.send_signal(signal.SIGINT)
        try:
            self._running.wait(20.0)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()

    def wait(self) -> None:
        """Until it listens.

        Raises:
            RefusedError: it does not.
        """
        until_s = time.monotonic() + UP_S
        while time.monotonic() < until_s and self._running.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(self.address, 1.0):
                return
            time.sleep(0.05)
        said = self._said.read_text(errors="replace").strip().splitlines()[-1:]
        raise RefusedError(f"the server does not come up: {''.join(said)}")

    def _start(self) -> subprocess.Popen[bytes]:
        line = [
            sys.executable, "-m", "volant", "fleet", "serve", str(self._folder),
            "--port", str(self.address[1]), "--people-port", str(self.people_port), "--poll-s", f"{self._poll_s:g}",
        ]  # fmt: skip
        with self._said.open("ab") as err:
            return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=err)


@contextlib.contextmanager
def own_server(folder: Path, poll_s: float) -> Iterator[OwnServer]:
    """A server that is up, until the end."""
    found = OwnServer(folder, poll_s)
    try:
        found.wait()
        found.begin()
        yield found
    finally:
        found.close()


def free_port() -> int:
    """A port that nobody has, just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def cpu_s(pid: int) -> float:
    """Processor time of a process, all its threads; 0 where it cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS
