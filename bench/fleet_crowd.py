"""A crowd of simulated cars at a real server: what it costs, a storm after a restart, and how soon a stop is heeded.

Polls come as fast as from 100 000 cars every five minutes, from fewer cars that ask more often: a quiet car's poll costs
the same however many there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row, at_most
from volant.app.fleet_cars import Making, make_car
from volant.app.fleet_drive import Drive, Figures
from volant.app.fleet_own import OwnFleet, OwnServer, own_server
from volant.app.fleet_words import BROKEN, Kind
from volant.cloud.campaigns import Plan, Wave
from volant.core.chance import Chance

CARS = 6_000
POLL_S = 18.0
"""333 polls a second, as of 100 000 cars every 300 s."""
STEADY_S = 10.0
LIKE = f"{CARS} cars every {POLL_S:.0f} s, as many polls as 100 000 every 300 s"
SHARE_MOST = 0.05
P99_MOST_MS = 50.0
STORM_MOST_S = 60.0 * CARS / 100_000
"""100 000 cars within a minute."""
STOP_MOST_S = 5.0
BEFORE_STOP_S, AFTER_STOP_S = 3.0, 7.0
GIVE_UP_S = 60.0


def rows() -> list[Row]:
    with TemporaryDirectory() as name, closing(OwnFleet(Path(name))) as fleet:
        cars = [make_car(Making(1), place, CARS) for place in range(CARS)]
        tokens = fleet.admit(1, cars)
        with own_server(Path(name), POLL_S) as server:
            drive = Drive(cars, tokens, server.address)
            with closing(drive):
                _storm(drive)  # each car's first poll, which asks for its attributes
                _storm(drive)
                found = _steady(drive, server)
                found.append(_new_connections(drive, tokens, server))
                server.kill()
                server.wait()
                found.append(_after_restart(drive))
                found.append(_stop(drive, fleet))
    return found


def _until(drive: Drive, done: Callable[[], bool], most_s: float) -> float:
    began_s = time.monotonic()
    while not done() and time.monotonic() - began_s < most_s:
        drive.turn()
    return time.monotonic() - began_s


def _storm(drive: Drive) -> float:
    """All cars ask at once; seconds until the last has its answer."""
    _rest(drive)
    now_s, drive.figures = time.monotonic(), Figures()
    drive.plan((now_s, place) for place in range(CARS))
    return _until(drive, lambda: drive.figures.kinds[Kind.POLL] >= CARS, GIVE_UP_S)


def _rest(drive: Drive) -> None:
    """Nobody asks anything."""
    drive.plan(())
    _until(drive, lambda: not drive.busy, GIVE_UP_S)


def _spread(drive: Drive) -> None:
    _rest(drive)
    now_s, chance = time.monotonic(), Chance.of(1, "fleet crowd")
    drive.figures = Figures()
    drive.plan((now_s + POLL_S * chance.uniform(place), place) for place in range(CARS))


def _steady(drive: Drive, server: OwnServer) -> list[Row]:
    share, p99_ms, note = _measured(drive, server)
    return [
        at_most("fleet/100 000 cars every 5 minutes, of a core", share, SHARE_MOST, "", note),
        at_most("fleet/their answers, 99 %", p99_ms, P99_MOST_MS, "ms", note),
    ]


def _new_connections(drive: Drive, tokens: list[str], server: OwnServer) -> Row:
    """As cars do whose connection did not outlive the five minutes."""
    with closing(Drive(drive.cars, tokens, server.address, stay=False)) as fresh:
        share, p99_ms, note = _measured(fresh, server)
    note = f"p99 {p99_ms:.0f} ms; {note}"
    return Row("fleet/the same, each poll over a new connection", share, "", note=note)


def _measured(drive: Drive, server: OwnServer) -> tuple[float, float, str]:
    """Share of a core, milliseconds in which 99 % are answered, and how it was."""
    _spread(drive)
    before_s = server.cpu_s
    took_s = _until(drive, lambda: False, STEADY_S)
    share, figures = (server.cpu_s - before_s) / took_s, drive.figures
    rate = figures.kinds[Kind.POLL] / took_s
    note = f"{LIKE}; {rate:.0f} polls/s found, {figures.statuses[BROKEN]} without answer"
    return share, 1e3 * figures.delays.quantile_s(0.99), note


def _after_restart(drive: Drive) -> Row:
    took_s, figures = _storm(drive), drive.figures
    away = figures.statuses[429] + figures.statuses[503]
    note = (
        f"{CARS} cars at once after a kill, p99 {figures.delays.quantile_s(0.99):.1f} s, {away} times sent away"
        f" for a moment, {figures.statuses[BROKEN]} without answer; the bound is 100 000 in 60 s"
    )
    return at_most("fleet/storm after a restart, until the last", took_s, STORM_MOST_S, "s", note)


def _stop(drive: Drive, fleet: OwnFleet) -> Row:
    """A campaign that tells every car that asks; then a person stops it, on another machine as it were."""
    waves = (Wave(name="all", errors_share=1.0),)
    plan = Plan(
        campaign_id="crowd", title="Crowd", release="crowd-os", waves=waves, concurrency=CARS
    )
    fleet.run(plan)
    _spread(drive)
    _until(drive, lambda: False, BEFORE_STOP_S)
    told = len(drive.figures.offered)
    fleet.stop(plan.campaign_id)
    stopped_s = time.monotonic()
    _until(drive, lambda: False, AFTER_STOP_S)
    late = [one - stopped_s for one in drive.figures.offered if one > stopped_s]
    note = f"until the last car was told; {told} were before, {len(late)} after; {LIKE}"
    reached_s = max(late, default=0.0) if told else float("inf")
    return at_most("fleet/a stop reaches every further car", reached_s, STOP_MOST_S, "s", note)
