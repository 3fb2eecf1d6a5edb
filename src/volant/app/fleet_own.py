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
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from volant.app.fleet_agree import Ledger, disagreements, read_ledger
from volant.app.fleet_cars import SimCar, car_id
from volant.app.fleet_folder import FleetFolder
from volant.cloud.campaigns import Campaign, Plan, Wave, approve, draft, stop, submit
from volant.cloud.people import digest_of
from volant.core.errors import InputError, RefusedError

AUTHOR, SECOND = "sim-author", "sim-second"
"""Two people: nobody approves their own plan."""
BATCH: Final = 5000
"""Cars that one transaction lets in."""
IMAGE_BYTES: Final = 64 * 1024
UP_S: Final = 60.0
TOKEN_BYTES: Final = 24
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")


def plan_for(name: str, cars: int) -> Plan:
    """A campaign that a simulation of so many cars sees through in minutes; every number a choice of ours."""
    return Plan(
        campaign_id=name,
        title=f"Simulated update of {cars} cars",
        release=f"{name}-os",
        cars='car like "sim-*"',
        waves=(
            Wave(name="canaries", count=max(1, min(20, cars // 20)), errors_stop=3,
                success_share=0.8),
            Wave(name="tenth", share=0.1, errors_share=0.2, success_share=0.8),
            Wave(name="all", errors_share=0.2, success_share=0.8),
        ),
        concurrency=max(10, cars // 4),
        patience_s=60.0,
        watch_s=5.0,
        tries=2,
    )  # fmt: skip


class OwnFleet:
    """A folder with a fleet, made when it is not there; what is in it already stays as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._home = folder, FleetFolder(folder)

    def close(self) -> None:
        """Let go of the database."""
        self._home.store.close()

    def admit(self, seed: int, cars: int) -> list[str]:
        """Let simulated cars in by new tokens, which are nowhere but in this answer."""
        tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in range(cars)]
        for first in range(0, cars, BATCH):
            places = range(first, min(first + BATCH, cars))
            with self._home.store.work() as work:
                work.add_devices({car_id(seed, one): digest_of(tokens[one]) for one in places})
        data = {"cars": cars, "seed": seed}
        with self._home.store.work() as work:
            work.tell_news()
            work.log(at_s=time.time(), by=AUTHOR, act="simulate", about=f"sim-{seed}", data=data)
        return tokens

    def run(self, plan: Plan) -> None:
        """Publish a release, and start a campaign that a second person has approved.

        Raises:
            RefusedError: there is one of that name, or no car is in it.
        """
        with self._home.store.work() as work:
            known = work.release(plan.release)
        if known is None:
            image = self.folder / f"{plan.release}.img"
            image.write_bytes(secrets.token_bytes(IMAGE_BYTES))
            self._home.publish(plan.release, "2.0", [image], AUTHOR, time.time())
            image.unlink()
        name, fleet, now_s = plan.campaign_id, self._home.fleet, time.time()
        fleet.add(draft(plan, AUTHOR), AUTHOR, now_s)
        fleet.act(name, "submit", AUTHOR, now_s, lambda one: submit(one, AUTHOR, 0))
        fleet.act(name, "approve", SECOND, now_s, lambda one: approve(one, plan.digest, SECOND, 1))
        fleet.start(name, AUTHOR, 2, now_s)

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

    def check(self, name: str, cars: list[SimCar]) -> tuple[list[str], Ledger]:
        """Whether database and audit log agree with what the cars did."""
        with self._home.store.read() as work:
            campaign = work.campaign(name)
            if campaign is None:
                raise InputError(f"no campaign {name}")
            ledger = read_ledger(work.lines(), name)
            return disagreements(cars, campaign, work.tasks_in(name), ledger), ledger


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
