"""`volant fleet simulate`: very many cars, some of them faulty, against a real server; judged by what the cars saw.

The fleet is in a folder and its server a process of its own, or both are elsewhere; the protocol is the real one. What
cars are and do is chance by a seed; the network and the machine are not, so two runs do not agree to the millisecond.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from volant.app.exits import Exit
from volant.app.fleet_agree import FINDINGS_MOST, still_open, told_late
from volant.app.fleet_cars import Making, make_car, parse_faults
from volant.app.fleet_drive import LINKS, Drive, Figures
from volant.app.fleet_far import FarFleet, FarServer, door_of
from volant.app.fleet_open import Where, open_desk
from volant.app.fleet_own import OwnFleet, OwnServer, own_server, plan_for
from volant.app.fleet_table import Picture, Show
from volant.app.fleet_words import BROKEN, BUSY, FAULTS_FROM, Kind
from volant.app.say import answer, answer_json, table, tell
from volant.app.stop import StopSignals
from volant.cloud.campaigns import Campaign, CarState, Phase, Plan
from volant.core.chance import Chance
from volant.core.errors import InputError

SHOW_S: Final = 0.5
LOOK_S: Final = 1.0
"""How often the campaign is read from the database."""
SETTLE_SLEEPS: Final = 3.0
"""After a stop cars have so many of their own periods to let go; then it is over, whoever has not."""
Served: TypeAlias = contextlib.AbstractContextManager[OwnServer | FarServer]
Opened: TypeAlias = tuple[OwnFleet | FarFleet, Callable[[], Served]]
OVER: Final = frozenset({Phase.FINISHED, Phase.HALTED, Phase.STOPPED})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be simulated."""

    cars: int
    seed: int = 1
    poll_s: float = 10.0
    faults: str = ""
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
    for_s: float = 600.0
    """It ends by then."""
    stop_s: float | None = None
    """A person stops the campaign then."""
    kill_s: float | None = None
    """The server is killed then, and started again."""


class SimulatedWave(msgspec.Struct, frozen=True, kw_only=True):
    """One wave at the end."""

    name: str
    size: int
    cars: dict[CarState, int]


class SimulateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant fleet simulate --json` prints."""

    ok: bool
    """Server and cars agree, and no limit was overrun."""
    findings: tuple[str, ...]
    """What does not agree; at most twenty of them."""
    cars: int
    seed: int
    faults: dict[str, int]
    """Cars by fault."""
    took_s: float
    polls: int
    polls_per_s: float
    requests: dict[str, int]
    """Answered ones by kind."""
    statuses: dict[str, int]
    """Answers by status; `none`: no answer came."""
    answer_p50_ms: float
    answer_p99_ms: float
    """From sending a poll to its answer."""
    delay_p99_ms: float
    """From when a car was to poll to its answer, waiting for a connection included."""
    server_cpu_s: float
    polls_per_cpu_s: float
    """All requests by the server's processor time."""
    phase: str
    reason: str
    told: int
    errors: int
    most_errors: int
    """Promised: no more cars than these come to harm."""
    most_in_flight: int
    concurrency: int
    told_late: int
    """Cars that were told something new more than five seconds after a stop."""
    waves: tuple[SimulatedWave, ...]


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
    making = Making(wish.seed, parse_faults(wish.faults), work_s=min(2.0, wish.poll_s))
    with contextlib.ExitStack() as stack:
        far = bool(re.match(r"https?://", wish.fleet))
        fleet, server = stack.enter_context((_far if far else _own)(wish))
        cars = [make_car(making, place, wish.cars) for place in range(wish.cars)]
        tell(f"{wish.cars} cars let in ...")
        tokens = fleet.admit(wish.seed, wish.cars)
        name = _campaign(wish, fleet)
        running = stack.enter_context(server())
        drive = Drive(cars, tokens, running.address, links=wish.links)
        stack.callback(drive.close)
        drive.plan(_first(wish))
        now_s = time.monotonic()
        run = _Run(
            wish, name, drive, fleet, running, now_s, fleet.campaign(name),
            wall_s=time.time() - now_s, todo=_todo(wish),
        )  # fmt: skip
        signals = stack.enter_context(StopSignals())
        with Show(quiet=as_json) as show:
            _go(run, show, signals)
        found = _judged(run)
    _say(found, as_json=as_json)
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
    with open_desk(Where(wish.fleet, token_file=wish.token_file)) as (desk, person):
        yield FarFleet(desk, person), lambda: contextlib.nullcontext(FarServer(address))


def _campaign(wish: Wish, fleet: OwnFleet | FarFleet) -> str:
    """The campaign that is watched; begun if it is ours."""
    if wish.campaign or isinstance(fleet, FarFleet):
        return fleet.campaign(wish.campaign).plan.campaign_id
    plan = plan_for(f"sim-{wish.seed}", wish.cars)
    if wish.plan is not None:
        try:
            plan = Plan.from_bytes(wish.plan.read_bytes())
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=str(wish.plan)) from error
    fleet.run(plan)
    return plan.campaign_id


def _first(wish: Wish) -> Iterator[tuple[float, int]]:
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
        requests=figures.requests,
        broken=figures.statuses[BROKEN],
        busy=figures.statuses[429] + figures.statuses[503],
        p50_s=figures.answers.quantile_s(0.5),
        p99_s=figures.answers.quantile_s(0.99),
        behind=run.drive.behind,
        cpu_s=run.server.cpu_s,
        campaign=run.campaign,
    )


def _judged(run: _Run) -> SimulateAnswer:
    took_s = time.monotonic() - run.began_s
    findings, ledger = run.fleet.check(run.name, run.drive.cars)
    failed = sum(
        count for status, count in run.drive.figures.statuses.items()
        if status >= FAULTS_FROM and status not in BUSY
    )  # fmt: skip
    if failed:
        findings.append(f"the server failed at {failed} requests (status 5xx)")
    late = 0
    if ledger.halted_s is not None:
        late = told_late(run.drive.figures.offered, ledger.halted_s - run.wall_s)
    if late:
        findings.append(f"{late} cars were told more than five seconds after the stop")
    return _answer(run, took_s, findings, ledger.most_in_flight, late)


def _answer(
    run: _Run, took_s: float, findings: list[str], most_in_flight: int, late: int
) -> SimulateAnswer:
    figures, campaign = run.drive.figures, run.campaign
    cpu_s = run.server.cpu_s
    faults = Counter(str(car.fault) for car in run.drive.cars if car.fault is not None)
    return SimulateAnswer(
        ok=not findings,
        findings=tuple(findings[:FINDINGS_MOST]),
        cars=run.wish.cars,
        seed=run.wish.seed,
        faults=dict(sorted(faults.items())),
        took_s=round(took_s, 2),
        polls=figures.kinds[Kind.POLL],
        polls_per_s=round(figures.kinds[Kind.POLL] / took_s, 1),
        requests={str(kind): count for kind, count in sorted(figures.kinds.items())},
        statuses=_statuses(figures),
        answer_p50_ms=_ms(figures.answers.quantile_s(0.5)),
        answer_p99_ms=_ms(figures.answers.quantile_s(0.99)),
        delay_p99_ms=_ms(figures.delays.quantile_s(0.99)),
        server_cpu_s=round(cpu_s, 2),
        polls_per_cpu_s=round(figures.requests / cpu_s) if cpu_s else 0.0,
        phase=campaign.phase,
        reason=campaign.reason,
        told=campaign.told,
        errors=campaign.errors,
        most_errors=campaign.most_errors,
        most_in_flight=most_in_flight,
        concurrency=campaign.plan.concurrency,
        told_late=late,
        waves=tuple(
            SimulatedWave(
                name=wave.name,
                size=tally.size,
                cars={one: tally.count(one) for one in CarState if tally.count(one)},
            )
            for wave, tally in zip(campaign.plan.waves, campaign.tallies, strict=False)
        ),
    )


def _statuses(figures: Figures) -> dict[str, int]:
    named: Mapping[int, str] = {BROKEN: "none"}
    return {named.get(one, str(one)): count for one, count in sorted(figures.statuses.items())}


def _ms(span_s: float) -> float:
    return round(1e3 * span_s, 2)


def _say(found: SimulateAnswer, *, as_json: bool) -> None:
    if as_json:
        answer_json(found)
        return
    answer(
        f"{found.cars} cars, seed {found.seed}: {found.polls} polls in {found.took_s:.0f} s, "
        f"answers within {found.answer_p50_ms:g} ms (half) and {found.answer_p99_ms:g} ms (99 %), "
        f"{found.polls_per_cpu_s:.0f} requests per CPU second of the server"
    )
    answer(f"campaign: {found.phase} ({found.reason})")
    answer(
        f"told {found.told} tries, {found.errors} cars in error (promised: at most {found.most_errors}), "
        f"at most {found.most_in_flight} at it at once (allowed: {found.concurrency})"
    )
    rows = [
        (
            one.name,
            str(one.size),
            ", ".join(f"{count} {state}" for state, count in one.cars.items()),
        )
        for one in found.waves
    ]
    table("", ("wave", "cars", "now"), rows)
    for one in found.findings:
        answer(f"DOES NOT AGREE: {one}")
    if found.ok:
        answer("what the server says and what the cars did agree")
