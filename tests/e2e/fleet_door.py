"""The door for people of a fleet in the midst of its work: 130 cars, four campaigns, four people. No car is connected."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import uvicorn
from msgspec.structs import replace

from tests.cloud.lab import known
from volant.cloud.api import people_app
from volant.cloud.artifacts import FolderArtifacts
from volant.cloud.campaigns import (
    Campaign,
    CarState,
    HealthRule,
    HealthSum,
    Phase,
    Plan,
    Task,
    Wave,
    WaveTally,
    Window,
    draft,
    submit,
)
from volant.cloud.campaigns.state import ORDER
from volant.cloud.ddi import Action, Artifact, Chunk, Device
from volant.cloud.desk import Desk
from volant.cloud.inventory.cars import Changed
from volant.cloud.people import Role
from volant.cloud.service import Fleet
from volant.cloud.store import SqlStore
from volant.cloud.store.ports import DeltaJob, StoredRelease, Work
from volant.trust.attacks.world import BRAKE, World
from volant.trust.uptane import Attack

STATIC: Final = Path(__file__).resolve().parents[2] / "src" / "volant" / "static" / "fleet"
CARS: Final = 130
HOUR_S: Final = 3600.0
ROLES: Final = {"ann": Role.OPERATOR, "bob": Role.APPROVER, "eve": Role.VIEWER, "root": Role.ADMIN}
SPRING: Final[tuple[dict[CarState, int], ...]] = (
    {CarState.WELL: 4, CarState.HAS: 1},
    {CarState.WELL: 9, CarState.WATCHED: 6, CarState.BUSY: 4, CarState.TOLD: 3, CarState.WAITING: 6,
     CarState.LOST: 1, CarState.FAILED: 2, CarState.REFUSED: 1},
    {CarState.WAITING: 93},
)  # fmt: skip
REASONS: Final = {
    CarState.FAILED: "not enough room in slot B: 412 MB wanted, 380 MB free",
    CarState.LOST: "silent for 3 days",
    CarState.REFUSED: "the driver said no",
}


FILE: Final = Artifact(
    filename="os.swu", size=97_000_000, sha1="a" * 40, md5="b" * 32, sha256="c" * 64
)


def plan_of(
    campaign_id: str, title: str, release: str, cars: str = "", concurrency: int = 3
) -> Plan:
    """A plan of one wave that two errors stop."""
    return Plan(
        campaign_id=campaign_id, title=title, release=release, cars=cars, concurrency=concurrency,
        waves=(Wave(name="all", errors_stop=2),),
    )  # fmt: skip


def car_id(number: int) -> str:
    return f"VLNT0EV10R{number:07d}"


def chunks(version: str, number: int = 1) -> tuple[Chunk, ...]:
    return (Chunk(module_id=number, name="os", version=version, artifacts=(FILE,)),)


def spring_plan() -> Plan:
    return Plan(
        campaign_id="spring",
        title="Spring update",
        release="os-2.1",
        cars='model == "ev1" and version < 2.1 and not group == staff',
        waves=(
            Wave(name="canaries", count=5, errors_stop=1, rest_s=24 * HOUR_S),
            Wave(name="quarter", share=0.25, success_share=0.9, errors_share=0.15),
            Wave(name="all", success_share=0.95, errors_share=0.02, then_pause=True),
        ),
        concurrency=20,
        windows=(Window(days=(0, 1, 2, 3, 4), begins_min=480, length_min=480, ahead_min=60),),
        health=(
            HealthRule(signal="disengagements", per="km", usual_rate=0.004),
            HealthRule(signal="dtc:U0121", usual_rate=0.001),
        ),
    )


class Door:
    """A server with its people's tokens."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(SqlStore(folder / "fleet.db"))
        self.desk = Desk(self.fleet, FolderArtifacts(folder), time.time)
        root = Desk.local("keeper")
        self.tokens = {
            name: self.desk.invite(root, name, role).token for name, role in ROLES.items()
        }
        with self.fleet.store.work() as work:
            fill(work, time.time())
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        config = uvicorn.Config(people_app(self.desk, STATIC), log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.fleet.store.close()

    def campaign(self, campaign_id: str) -> Campaign:
        with self.fleet.store.read() as work:
            found = work.campaign(campaign_id)
        assert found is not None
        return found


def fill(work: Work, now_s: float) -> None:
    """The fleet as it stands at a time in Unix seconds."""
    for place, version in enumerate(("1.9", "2.0", "2.1"), start=1):
        work.put_release(
            StoredRelease(
                name=f"os-{version}", version=version, by="ann", chunks=chunks(version, place),
                made_s=now_s - (4 - place) * 720 * HOUR_S,
            )
        )  # fmt: skip
    for number in range(CARS):
        work.put_device(_device(number))
    work.seen((car_id(number), now_s - 97.0 * number) for number in range(CARS - 6))
    world = World()
    history = (Changed(at_s=now_s - HOUR_S, ecu_id=BRAKE, before="brake-1.0", after="brake-1.1"),)
    attacks = {BRAKE: Attack.ROLLBACK}
    uptane = replace(known(world), history=history, attacks=attacks, refused=2, why="an old one")
    work.put_record(uptane)
    work.put_delta_job(
        DeltaJob(base="a1" * 32, target="c" * 64, cars=88, state="making", share=0.4)
    )
    made = DeltaJob(base="b7" * 32, target="c" * 64, cars=31, state="made", length=1_373_197)
    work.put_delta_job(made)
    _campaigns(work, now_s)
    _lines(work, now_s)


def _lines(work: Work, now_s: float) -> None:
    """The audit log that goes with all this."""
    for release in work.releases():
        work.log(at_s=now_s, by="ann", act="publish", about=release.name)
    for one in work.campaigns():
        name = one.plan.campaign_id
        work.log(at_s=now_s, by="ann", act="draft", about=name)
        for number in range(one.told):
            tried = {"campaign": name, "attempt": 1}
            work.log(at_s=now_s, by="server", act="tell", about=car_id(number), data=tried)
        stands = {"phase": one.phase, "revision": one.revision}
        act = "submit" if one.phase is Phase.SUBMITTED else "start"
        work.log(at_s=now_s, by="ann", act=act, about=name, data=stands)


def _device(number: int) -> Device:
    old = "1.9" if number % 3 else "2.0"
    action = Action(action_id=number + 1, campaign_id="winter", attempt=1, chunks=chunks(old))
    attributes = {"model": "ev1", "version": old, "hw": f"r{number % 4}", "region": "eu"}
    groups = ("staff",) if number % 40 == 0 else ("eu", "test") if number % 7 == 0 else None
    return Device(
        controller_id=car_id(number), installed=action, attributes=attributes, groups=groups
    )


def _campaigns(work: Work, now_s: float) -> None:
    ended = plan_of(campaign_id="winter", title="Winter update", release="os-1.9")
    work.put_campaign(
        Campaign(
            plan=ended, authors=("ann",), phase=Phase.FINISHED, revision=3, told=124,
            reason="every car was told and has answered, or is lost",
            tallies=(WaveTally(counts=_counts({CarState.WELL: 122, CarState.REFUSED: 2})),),
        )
    )  # fmt: skip
    bad = plan_of(campaign_id="brakes", title="Brake control 1.2", release="os-2.0")
    work.put_campaign(
        Campaign(
            plan=bad, authors=("ann",), phase=Phase.HALTED, revision=3, told=3, asked_by="ann",
            reason="wave all: 2 of 10 cars in error, limit 2 (0 failed, 0 silent, 2 unwell)",
            tallies=(WaveTally(counts=_counts({CarState.UNWELL: 2, CarState.WAITING: 8})),),
        )
    )  # fmt: skip
    for number in range(10):
        state = CarState.UNWELL if number < 2 else CarState.WAITING
        reason = "boot_loop" if number < 2 else ""
        work.put_task(
            Task(campaign_id="brakes", car_id=car_id(number), wave=0, state=state, reason=reason)
        )
    work.put_campaign(_spring())
    work.add_tasks(_spring_tasks(now_s))
    asked = plan_of(campaign_id="maps", title="Maps of the summer", release="os-2.0")
    work.put_campaign(submit(draft(asked, "ann"), "ann", 0))


def _spring() -> Campaign:
    plan = spring_plan()
    sums = (HealthSum(events=28, exposure=4120.0), HealthSum(events=0, exposure=310.0))
    return Campaign(
        plan=plan, authors=("ann",), phase=Phase.RUNNING, revision=3, asked_by="ann",
        approved_by="bob", approved=plan.digest, wave=1, told=31, reason="started by ann",
        tallies=tuple(WaveTally(counts=_counts(one)) for one in SPRING), health=sums,
    )  # fmt: skip


def _spring_tasks(now_s: float) -> Iterator[Task]:
    number = 0
    for wave, states in enumerate(SPRING):
        for state, cars in states.items():
            for _ in range(cars):
                yield Task(
                    campaign_id="spring", car_id=car_id(number), wave=wave, state=state,
                    attempt=0 if state is CarState.WAITING else 1, reason=REASONS.get(state, ""),
                    due_s=now_s + 9 * HOUR_S if state is CarState.WATCHED else None,
                )  # fmt: skip
                number += 1


def _counts(states: dict[CarState, int]) -> tuple[int, ...]:
    return tuple(states.get(one, 0) for one in ORDER)
