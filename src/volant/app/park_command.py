"""`volant ota park`: cars without a road, which take updates and do nothing else; many in one process."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.folders import data_folder
from volant.app.parked_car import ParkedCar, ParkWish, parked_car
from volant.app.say import answer, tell
from volant.app.stop import StopSignals
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.core.updates import UpdateEnd, UpdatePhase
from volant.ota.health import HealthTuning
from volant.ota.machine import UpdateTuning
from volant.vehicle import load_spec

AGAIN_SHARE: Final = 0.5
"""Of the time between two checks, after one that did not work."""
TURN_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class GarageWish:
    """Which cars, and how they are updated."""

    states: tuple[Path, ...]
    car: str
    trial: HealthTuning
    poll_s: float
    agrees: bool


class CarLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `volant ota park --json`: at each change of a car."""

    car: str
    phase: UpdatePhase
    title: str
    done_pct: int
    size_bytes: int
    """To be fetched for what it has in hand: deltas, or whole images."""
    units: dict[str, str]
    """What each unit in hand runs, by its own word."""
    end: UpdateEnd | None
    """How the last update ended; null: there was none."""
    why: str
    silent: str
    """Why the director has not heard how the car is; empty: it has."""


def park_command(wish: GarageWish, *, as_json: bool) -> Exit:
    """Run `volant ota park` until a signal comes."""
    if len(set(wish.states)) != len(wish.states):
        raise InputError("each car has a state of its own")
    spec = load_spec(find_data("cars", wish.car, data_folder()))
    with StopSignals() as signals, contextlib.ExitStack() as opened:
        cars = [
            opened.enter_context(parked_car(state, spec, ParkWish(_tuning(wish, at), wish.agrees)))
            for at, state in enumerate(wish.states)
        ]
        tell(f"{len(cars)} cars are parked: {', '.join(one.vehicle for one in cars)} (Ctrl-C ends)")
        said = dict[str, CarLine]()
        while signals.asked is None:
            now_s = time.monotonic()
            rests_s = min(one.turn(now_s) for one in cars)
            for one in cars:
                line = line_of(one)
                if said.get(one.vehicle) != line:
                    said[one.vehicle] = line
                    _say(line, as_json=as_json)
            time.sleep(max(rests_s, TURN_S))
        tell(f"volant: {signals.asked[1]}")
    return Exit.DONE


def _tuning(wish: GarageWish, at: int) -> UpdateTuning:
    """Of one car of several: switched on together they do not ask together."""
    return UpdateTuning(
        health=wish.trial,
        first_check_s=wish.poll_s * (at + 1) / len(wish.states),
        check_every_s=wish.poll_s,
        check_again_s=AGAIN_SHARE * wish.poll_s,
    )


def line_of(car: ParkedCar) -> CarLine:
    """What is told of a car now."""
    state = car.state
    last = state.last
    return CarLine(
        car=car.vehicle,
        phase=state.phase,
        title=state.title,
        done_pct=round(100.0 * state.done),
        size_bytes=state.size_bytes,
        units={one.unit: one.runs for one in state.units},
        end=None if last is None else last.end,
        why="" if last is None else last.why,
        silent=car.silent,
    )


def _say(line: CarLine, *, as_json: bool) -> None:
    if as_json:
        answer(msgspec.json.encode(line).decode())
        return
    words = [line.car, line.phase.value, line.title]
    if line.phase is UpdatePhase.IDLE and line.end is not None:
        words += [line.end.value, line.why]
    answer("  ".join(filter(None, words)))
