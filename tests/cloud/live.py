"""A real `volant fleet serve` in a process of its own, with cars, one release and one campaign that runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from volant.app.fleet_folder import FleetFolder
from volant.cloud.campaigns import Campaign, Plan, Task, Wave, approve, draft, pause, stop, submit
from volant.cloud.desk import Desk
from volant.cloud.people import Role

ROOT: Final = "/DEFAULT/controller/v1"
BEGUN_S: Final = 1e9
STARTS_S: Final = 60.0
ENDS_S: Final = 20.0


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(is_so: Callable[[], Any], *, within_s: float = STARTS_S) -> Any:
    """Ask again until there is something; a test fails where there never is."""
    ends_s = time.monotonic() + within_s
    while time.monotonic() < ends_s:
        found = is_so()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s:.0f} s: {is_so}")


@dataclass
class LiveFleet:
    """A fleet in a folder, and the address of its server while that runs."""

    folder: Path
    port: int = field(default_factory=free_port)
    people_port: int = field(default_factory=free_port)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where cars find it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What its servers say."""
        return self.folder.with_name("server.log")

    def command(self, *words: str) -> list[str]:
        """A command of `volant fleet` about this folder."""
        name, *more = words
        return [sys.executable, "-m", "volant", "fleet", name, os.fspath(self.folder), *more]

    def admit(self, *cars: str) -> None:
        """Let cars in."""
        with FleetFolder(self.folder) as home:
            for car in cars:
                self.tokens[car] = home.admit(car, "ann", BEGUN_S)

    def invite(self, name: str, role: Role) -> str:
        """Give somebody a token."""
        with FleetFolder(self.folder) as home:
            desk = Desk(home.fleet, home.artifacts, time.time)
            return desk.invite(Desk.local("root"), name, role).token

    def publish(self, name: str, *files: Path, version: str = "2.0") -> None:
        """Take a release in."""
        with FleetFolder(self.folder) as home:
            home.publish(name, version, list(files), "ann", BEGUN_S)

    def begin(self, release: str, name: str = "spring", **changes: Any) -> Plan:
        """Write, approve and start a campaign."""
        fields: dict[str, Any] = {
            "title": name,
            "waves": (Wave(name="all", errors_stop=100),),
            "concurrency": 100,
            "watch_s": 0.0,
        }
        plan = Plan(campaign_id=name, release=release, **{**fields, **changes})
        with FleetFolder(self.folder) as home:
            act = home.fleet.act
            home.fleet.add(draft(plan, "ann"), "ann", BEGUN_S)
            act(name, "submit", "ann", BEGUN_S, lambda one: submit(one, "ann", 0))
            act(name, "approve", "bob", BEGUN_S, lambda one: approve(one, plan.digest, "bob", 1))
            home.fleet.start(name, "ann", 2, BEGUN_S)
        return plan

    def hold(self, verb: str, name: str = "spring") -> None:
        """Pause or stop a campaign, as another process than the server does."""
        step = {"pause": pause, "stop": stop}[verb]
        with FleetFolder(self.folder) as home:
            home.fleet.act(name, verb, "bob", BEGUN_S, lambda one: step(one, "bob", "a test"))

    def campaign(self, name: str = "spring") -> Campaign:
        """A campaign, as it is stored now."""
        with FleetFolder(self.folder) as home, home.store.work() as work:
            found = work.campaign(name)
        assert found is not None
        return found

    def task(self, car: str, name: str = "spring") -> Task:
        """A car's part, as it is stored now."""
        with FleetFolder(self.folder) as home, home.store.work() as work:
            found = work.task(name, car)
        assert found is not None
        return found

    def attributes(self, car: str) -> dict[str, str]:
        """What a car says of itself."""
        with FleetFolder(self.folder) as home, home.store.work() as work:
            found = work.device(car)
        return {} if found is None else found.attributes

    def person(self, token: str, *, port: int = 0) -> httpx.Client:
        """What a person sends with, to this server or to another of the fleet."""
        base = f"http://127.0.0.1:{port or self.people_port}"
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{base}/api/v1", headers=headers, timeout=60.0)

    def client(self, car: str) -> httpx.Client:
        """What a car sends with."""
        headers = {"Authorization": f"TargetToken {self.tokens[car]}"}
        base = f"{self.url}{ROOT}/{car}"
        return httpx.Client(base_url=base, headers=headers, timeout=30.0)

    @contextmanager
    def serving(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server; it answers when this begins, and is ended as Ctrl-C ends it."""
        command = self.command("serve")
        ports = ("--port", str(self.port), "--people-port", str(self.people_port))
        with process([*command, *ports, *options], log=self.log) as running:
            until(lambda: running.poll() is not None or self.answers())
            assert running.poll() is None, self.log.read_text(errors="replace")
            yield running

    def answers(self) -> bool:
        """Whether the server is there."""
        try:
            httpx.get(self.url)
        except httpx.TransportError:
            return False
        return True


@contextmanager
def process(
    command: Sequence[str | Path], *, log: Path | None = None, **more: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the test, at last by force; what it says goes into a file, or nowhere."""
    with Path(log or os.devnull).open("ab") as told:
        running = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, **more)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGINT)
            try:
                running.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
