"""`volant fleet simulate`: very many cars, some of them faulty, against a real server; judged by what the cars saw.

The fleet is in a folder and its server a process of its own, or both are elsewhere; the protocols are the real ones. What
cars are and do is chance by a seed; the network and the machine are not, so two runs do not agree to the millisecond.
"""

from __future__ import annotations

import contextlib
import re
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from volant.app.exits import Exit
from volant.app.fleet_agree import still_open, told_late
from volant.app.fleet_cars import Making, parse_faults
from volant.app.fleet_drive import LINKS, Drive
from volant.app.fleet_far import FarFleet, FarServer, door_of
from volant.app.fleet_open import Where, open_desk
from volant.app.fleet_outcome import Measured, SimulateAnswer, outcome, say
from volant.app.fleet_own import OwnFleet, OwnServer, own_server, plan_for
from volant.app.fleet_steps import make_cars, speaking
from volant.app.fleet_table import Picture, Show
from volant.app.fleet_words import BROKEN, BUSY, FAULTS_FROM, Kind
from volant.app.say import tell
from volant.app.stop import StopSignals
from volant.cloud.campaigns import Campaign, Phase, Plan
from volant.core.chance import Chance
from volant.core.errors import InputError, LinkError

SHOW_S: Final = 0.5
DOOR_S: Final = 5.0
"""So long the cars' door may take to let somebody in; a choice of ours."""
LOOK_S: Final = 1.0
"""How often the campaign is read from the database."""
SETTLE_SLEEPS: Final = 3.0
"""After a stop cars have so many of their own periods to let go; then it is over, whoever has not."""
POLL_LEAST_S: Final = 10.0
POLLS_PER_S: Final = 1000.0
"""Where nobody says how often cars come: all of them together so often, or less. What one process of cars and a server
on the same laptop can do."""
UPTANE_SHARE: Final = 0.05
UPTANE_MOST: Final = 1000
"""Where nobody says how many cars speak Uptane: what all of them sign and check costs both sides most of their time."""
WOKEN_SHARE: Final = 0.1
WOKEN_MOST: Final = 1000
LASTS_S: Final = 600.0
LASTS_POLLS: Final = 15.0
JOINS_PER_S: Final = 25.0
JOINED_MOST_S: Final = 60.0
"""So long after the last has begun all must have joined; ten times as long when many do."""
SETTLE_MOST_S: Final = 10.0
"""So long answers are awaited at the end: a word whose answer is on its way is not said yet, and may be heard."""
FILES_BESIDES: Final = 256
"""Open files that a server needs beside its connections; a choice of ours."""
Served: TypeAlias = contextlib.AbstractContextManager[OwnServer | FarServer]
Opened: TypeAlias = tuple[OwnFleet | FarFleet, Callable[[], Served]]
OVER: Final = frozenset({Phase.FINISHED, Phase.HALTED, Phase.STOPPED})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be simulated."""

    cars: int
    seed: int = 1
    poll: float | None = None
    """How often cars come by themselves, seconds; None: as often as one machine can serve so many."""
    faults: str = ""
    uptane: float | None = None
    """Share of cars that speak Uptane; None: some, and none at a server elsewhere."""
    woken: float | None = None
    """Share of cars that keep a line open; None: some."""
    fleet: str = ""
    """Folder in which it lies, or URL of its people's door; empty: in a folder that is thrown away."""
    campaign: str = ""
    """That is there and runs; empty: one of our own, in a folder only."""
    door: str = ""
    """URL of the cars' door of a fleet elsewhere; empty: port 8770 of the same machine."""
    token_file: Path | None = None
    plan: Path | None = None
    """Another campaign than ours."""
    links: int = LINKS
    storm: bool = False
    """All cars ask at once when it begins."""
    lasts: float | None = None
    """It ends by then, seconds; None: by when so many cars should be through."""
    stop_s: float | None = None
    """A person stops the campaign then."""
    kill_s: float | None = None
    """The server is killed then, and started again."""

    @property
    def far(self) -> bool:
        """The server is elsewhere."""
        return bool(re.match(r"https?://", self.fleet))

    @property
    def poll_s(self) -> float:
        """How often cars come by themselves."""
        return max(POLL_LEAST_S, self.cars / POLLS_PER_S) if self.poll is None else self.poll

    @property
    def for_s(self) -> float:
        """It ends by then."""
        return max(LASTS_S, LASTS_POLLS * self.poll_s) if self.lasts is None else self.lasts

    @property
    def making(self) -> Making:
        """What all cars have in common.

        Raises:
            InputError: the faults are none.
        """
        uptane, woken = self.uptane, self.woken
        if uptane is None:
            uptane = 0.0 if self.far else min(UPTANE_SHARE, UPTANE_MOST / self.cars)
        if woken is None:
            woken = min(WOKEN_SHARE, WOKEN_MOST / self.cars)
        return Making(
            self.seed,
            parse_faults(self.faults),
            work_s=min(2.0, self.poll_s),
            uptane=uptane,
            woken=woken,
            poll_s=self.poll_s,
        )


@dataclass(slots=True)
class _Run:
    """What is known while it goes on."""

    wish: Wish
    name: str
    """Of the campaign."""
    drive: Drive
    fleet: OwnFleet | FarFleet
    server: OwnServer | FarServer
    began_s: float
    campaign: Campaign
    wall_s: float
    """Unix time less the loop's clock."""
    late_joins: int = 0
    """Cars that had not joined in time."""
    todo: dict[str, float] = field(default_factory=dict)
    """What is still to be done to the server, by seconds since the beginning."""
    ended_s: float | None = None
    """Since when the campaign is over, by the loop's clock."""
    looked_s: float = 0.0


def simulate_command(wish: Wish, *, as_json: bool) -> Exit:
    """Run `volant fleet simulate`.

    Raises:
        InputError: faults or plan are none.
        RefusedError: the server does not come up, or there is a campaign of that name.
    """
    making, plan = wish.making, _plan(wish)
    with contextlib.ExitStack() as stack:
        fleet, server = stack.enter_context((_far if wish.far else _own)(wish))
        if plan is None:
            fleet.campaign(wish.campaign)
        cars, lines = make_cars(making, wish.cars)
        lines = lines[: _lines_most(wish, len(lines))]
        tell(f"{wish.cars} cars let in ...")
        tokens = fleet.admit(wish.seed, cars)
        running = stack.enter_context(server())
        drive = Drive(cars, tokens, running.address, links=wish.links)
        stack.callback(drive.close)
        signals = stack.enter_context(StopSignals())
        late_joins = _join(drive, tokens, signals)
        if plan is not None and isinstance(fleet, OwnFleet):
            fleet.run(plan)
        name = plan.campaign_id if plan is not None else wish.campaign
        for car in speaking(cars).values():
            car.shared.campaign = name
        drive.figures.begin_anew()
        drive.plan(_first(wish))
        drive.keep_lines(lines)
        if isinstance(running, OwnServer):
            running.begin()
        now_s = time.monotonic()
        run = _Run(
            wish, name, drive, fleet, running, now_s, fleet.campaign(name),
            wall_s=time.time() - now_s, late_joins=late_joins, todo=_todo(wish),
        )  # fmt: skip
        with Show(quiet=as_json) as show:
            _go(run, show, signals)
        found = _judged(run)
    say(found, as_json=as_json)
    if signals.asked is not None:
        return signals.asked[0]
    return Exit.DONE if found.ok else Exit.DIFFERS


@contextlib.contextmanager
def _own(wish: Wish) -> Iterator[Opened]:
    """A fleet in a folder, and what starts its server."""
    folder = Path(wish.fleet) if wish.fleet else Path(tempfile.mkdtemp(prefix="volant-fleet-"))
    fleet = OwnFleet(folder)
    try:
        yield fleet, lambda: own_server(folder, wish.poll_s)
    finally:
        fleet.close()
        if not wish.fleet:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _far(wish: Wish) -> Iterator[Opened]:
    """A fleet elsewhere, whose server is started and killed by others."""
    if not wish.campaign:
        raise InputError("which campaign of this server? --campaign NAME")
    if wish.kill_s is not None:
        raise InputError("--kill-s kills a server of our own, and this one is not")
    address = door_of(wish.fleet, wish.door)
    _check_door(*address)
    with open_desk(Where(wish.fleet, token_file=wish.token_file)) as (desk, person):
        yield FarFleet(desk, person), lambda: contextlib.nullcontext(FarServer(address))


def _check_door(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=DOOR_S).close()
    except OSError as error:
        where = f"{host}:{port}"
        raise LinkError(
            f"nobody answers at the cars' door {where} ({error.strerror or error}); --door URL says where it is"
        ) from error


def _plan(wish: Wish) -> Plan | None:
    """The campaign that is begun; None: the one that is watched is there."""
    if wish.campaign or wish.far:
        return None
    if wish.plan is None:
        return plan_for(f"sim-{wish.seed}", wish.cars, wish.poll_s)
    try:
        return Plan.from_bytes(wish.plan.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=str(wish.plan)) from error


def _lines_most(wish: Wish, lines: int) -> int:
    """How many cars may keep a line, as far as the system lets one process open files; its limit is raised to the most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wish.links + lines + FILES_BESIDES
    most = hard if hard != resource.RLIM_INFINITY else max(soft, wanted)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, wanted), hard))
    room = max(0, most - wish.links - FILES_BESIDES)
    if room < lines:
        tell(f"{room} cars keep a line, not {lines}: the system lets a process open {most} files")
    return room


def _join(drive: Drive, tokens: list[str], signals: StopSignals) -> int:
    """Let cars that speak Uptane join, a few at a time, and say what they run; how many have not."""
    joining = speaking(drive.cars)
    if not joining:
        return 0
    for place, car in joining.items():
        car.code = tokens[place]
    span_s = len(joining) / JOINS_PER_S
    tell(f"{len(joining)} cars join by their codes, for {span_s:.0f} s or longer ...")
    now_s = time.monotonic()
    drive.plan(
        (now_s + span_s * count / len(joining), place) for count, place in enumerate(joining)
    )
    until_s = now_s + JOINED_MOST_S + 10.0 * span_s
    waiting = list(joining.values())
    while waiting and signals.asked is None and time.monotonic() < until_s:
        drive.turn()
        while waiting and (waiting[-1].ready or waiting[-1].out):
            waiting.pop()
    drive.plan(())
    while drive.busy and signals.asked is None:
        drive.turn()
    return len(waiting)


def _first(wish: Wish) -> Iterable[tuple[float, int]]:
    """When cars ask first: spread over one period, or all at once."""
    now_s = time.monotonic()
    chance = Chance.of(wish.seed, "fleet start")
    span_s = 0.0 if wish.storm else wish.poll_s
    return ((now_s + span_s * chance.uniform(place), place) for place in range(wish.cars))


def _todo(wish: Wish) -> dict[str, float]:
    times = {"stop": wish.stop_s, "kill": wish.kill_s}
    return {name: at_s for name, at_s in times.items() if at_s is not None}


def _go(run: _Run, show: Show, signals: StopSignals) -> None:
    shown_s = 0.0
    while signals.asked is None:
        run.drive.turn()
        now_s = time.monotonic()
        _act(run, now_s - run.began_s)
        if now_s - run.looked_s >= LOOK_S:
            run.looked_s, run.campaign = now_s, run.fleet.campaign(run.name)
        if now_s - shown_s >= SHOW_S:
            shown_s = now_s
            show.show(_picture(run, now_s))
        if _is_over(run, now_s):
            break
    run.drive.settle(SETTLE_MOST_S)
    run.campaign = run.fleet.campaign(run.name)


def _act(run: _Run, since_s: float) -> None:
    """Do to the server what was wished for, when it is time."""
    for name in [one for one, at_s in run.todo.items() if since_s >= at_s]:
        del run.todo[name]
        if name == "kill":
            tell("the server is killed and started again")
            if isinstance(run.server, OwnServer):
                run.server.kill()
        elif run.campaign.phase not in OVER:
            tell("the campaign is stopped")
            run.fleet.stop(run.name)


def _is_over(run: _Run, now_s: float) -> bool:
    if now_s - run.began_s >= run.wish.for_s:
        return True
    if run.campaign.phase not in OVER or run.todo:
        return False
    run.ended_s = now_s if run.ended_s is None else run.ended_s
    settled = not still_open(run.campaign) or (
        now_s - run.ended_s > SETTLE_SLEEPS * run.wish.poll_s + run.campaign.plan.watch_s
    )
    return settled and now_s - run.ended_s > 1.0


def _picture(run: _Run, now_s: float) -> Picture:
    figures = run.drive.figures
    return Picture(
        since_s=now_s - run.began_s,
        polls=figures.kinds[Kind.POLL],
        manifests=figures.kinds[Kind.MANIFEST],
        requests=figures.requests,
        called=figures.called,
        by_themselves=figures.by_themselves,
        lines=run.drive.lines.up,
        lies=figures.lies,
        broken=figures.statuses[BROKEN],
        busy=sum(figures.statuses[one] for one in BUSY),
        p50_s=figures.answers.quantile_s(0.5),
        p99_s=figures.answers.quantile_s(0.99),
        behind=run.drive.behind,
        cpu_s=run.server.cpu_s,
        campaign=run.campaign,
    )


def _judged(run: _Run) -> SimulateAnswer:
    took_s = time.monotonic() - run.began_s
    killed = run.wish.far or run.wish.kill_s is not None
    findings, ledger = run.fleet.check(run.name, run.drive.cars, killed=killed)
    figures = run.drive.figures
    failed = sum(
        count for status, count in figures.statuses.items()
        if status >= FAULTS_FROM and status not in BUSY
    )  # fmt: skip
    if failed:
        findings.append(f"the server failed at {failed} requests (status 5xx)")
    if run.late_joins:
        findings.append(f"{run.late_joins} cars had not joined, or not said what they run, in time")
    late = 0
    if ledger.halted_s is not None:
        late = told_late(figures.offered, ledger.halted_s - run.wall_s)
    if late:
        findings.append(f"{late} cars were told more than five seconds after the stop")
    measured = Measured(
        run.wish.seed, took_s, figures, run.server.cpu_s, run.server.memory_bytes,
        ledger.most_in_flight, late, run.drive.lines.calls,
    )  # fmt: skip
    return outcome(run.drive.cars, run.campaign, findings, measured)
