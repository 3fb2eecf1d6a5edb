"""Lets the pilot fall silent at seeded moments of drives and writes down how the guard stopped the car.

`python scripts/stop_table.py [--json FILE] [--seed N] [--trips NAMES] [--least MPS] [--near] [--gyro RPS] [--wheels SHARE]
[--lane NAME]`.
One process, virtual time, the same components as `volant drive`: a drive forks at each moment, and in the
fork nothing comes from the pilot any more. Judged by ground truth. With processes and kill -9 the same is
shown by kill_table.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import statistics
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from volant.app.compose import Trip, plan_trip
from volant.app.drive import drive_trip
from volant.app.exits import Exit
from volant.app.trip import TripWish
from volant.core import topics
from volant.core.bus import Bus, InlineBus
from volant.core.chance import Chance
from volant.core.clock import CONTROL_TICK_NS, NS_PER_S, nanoseconds
from volant.core.component import Component, Inputs, Outputs
from volant.core.messages import (
    CarState,
    CommandSource,
    EgoTruth,
    Indicator,
    LaneReturn,
    LightState,
    Plan,
    StopPath,
)
from volant.road import LaneGraph, LanePoint
from volant.safety.stop import Place, beside

STANDS_MPS: Final = 0.05
LEAST_MPS: Final = 3.0
"""Slower there is nothing to stop."""
GIVEN_UP_S: Final = 30.0
"""A car at 40 m/s that is braked with 3 m/s2 stands after 14 s."""
FAST_MPS: Final = 30.0
CURVE_PER_M: Final = 1.0 / 1500.0
"""A bend that a driver sees as one at that speed: its lateral acceleration is 0.6 m/s2 at 30 m/s."""
CHANGING_EVERY_S: Final = 0.6
"""In the midst of a lane change, moments come so often: a change takes some 5 s."""
EVERY_S: Final = (2.0, 8.0)
FAST_EVERY_S: Final = (0.5, 2.0)
"""Where only fast moments are asked for: they are rare in traffic."""
NEAR_EVERY_S: Final = (0.1, 0.2)
"""Where only moments beside others are asked for: a drive has seconds of them."""
LEAD_S: Final = 2.5
BESIDE_M: Final = (12.0, 6.0)
"""Along and across: a car whose middle is so near to our rear axle is beside us."""
PLACES_AGO: Final = 64

TRIPS: Final[dict[str, dict[str, Any]]] = {
    "ring": {"distance_m": 16000.0},
    "dense": {"distance_m": 9000.0, "cars": 90},
    "sparse": {"distance_m": 16000.0, "cars": 12},
    "fast": {"distance_m": 4500.0, "cars": 12},
    "clockwise": {"start": "Ring clockwise", "distance_m": 14000.0, "cars": 20},
    "counter": {"start": "Ring counter-clockwise", "distance_m": 14000.0, "cars": 30},
    "out": {"start": "market-car-park", "to": "station-car-park"},
    "back": {"start": "station-car-park", "to": "hospital"},
    "town": {"start": "harbour", "to": "school"},
    "country": {"start": "stadium", "to": "depot"},
}


@dataclass
class Stop:
    """One line of the table: how the car was stopped from one moment on."""

    trip: str
    seed: int
    at_s: float
    speed_mps: float
    road_type: str
    kinds: list[str]
    """What was going on: fast, curve, change_left, change_right, crossing_line, junction, light, lead, beside."""
    contacts: list[str] = field(default_factory=list)
    """Verdicts on contacts after the moment: codes of the judge."""
    at_fault: int = 0
    hazard: bool = False
    told_s: float | None = None
    """Until the guard's decision said that it stops the car by itself."""
    hardest_mps2: float = 0.0
    """Braking while emergency braking was silent."""
    hardest_aeb_mps2: float = 0.0
    stood_s: float | None = None
    over_m: float = -9.0
    """How far the body was over a line of its lane at most, on the way; negative: inside."""
    end_over_m: float = -9.0
    """The same at the end."""
    started_over_m: float = -9.0
    end_offset_m: float = 9.0
    """Of the car's origin from the middle of the lane that it ended in."""
    end_lane: str = ""
    path_off_m: float = 0.0
    """The car's true distance from the path that it was to follow, at most;"""
    path_end_m: float = 0.0
    """and at the end."""
    path_fault: str = ""
    in_junction: bool = False
    """Ended in a junction: acceptable, but told."""


@dataclass(frozen=True)
class Errors:
    """What is wrong with the car's own sensors, besides their noise."""

    gyro_rps: float = 0.0
    wheels: float = 1.0
    lane: str = "true"
    """`true`, or of `LIES`: what the guard is told of the lane once the pilot is gone."""


LIES: Final = ("none", "mark_beside", "wrong_lane", "third_beside", "creeping", "leaving")
"""What the guard may be told of the lane instead of the truth once the pilot is gone."""


def told(lie: str, lane: LaneReturn | None, since_s: float) -> LaneReturn | None:
    """What the guard is told of the lane, so long after the pilot fell silent."""
    if lane is None or lie == "none":
        return None
    turned_rad = 0.0
    match lie:
        case "mark_beside":
            aside_m = 0.9
        case "wrong_lane":
            aside_m = lane.width_m
        case "third_beside":
            aside_m = -0.45
        case "creeping":
            aside_m = -0.3 * since_s
        case "leaving":  # marks of a roadworks that lead away from the lane in a bend
            aside_m, turned_rad = 0.15 * since_s * since_s, 0.009 * since_s
        case _:
            return lane
    return msgspec.structs.replace(
        lane, offset_m=lane.offset_m + aside_m, heading_rad=lane.heading_rad + turned_rad
    )


class Fate:
    """When the pilot falls silent, and what is seen after that; a fork of the drive for each moment."""

    def __init__(
        self,
        name: str,
        trip: Trip,
        seed: int,
        errors: Errors,
        most: int,
        least_mps: float,
        near: bool,
    ) -> None:
        self.rows: list[Stop] = []
        self.dead_ns: int | None = None
        self._name, self._seed, self._errors, self._most = name, seed, errors, most
        self._least_mps, self._near = least_mps, near
        self._graph: LaneGraph = trip.graph
        self._chance = Chance.of(seed, "silence").child(name)
        self._count = 0
        self._next_ns = nanoseconds(5.0)
        self._places: deque[EgoTruth] = deque(maxlen=PLACES_AGO)
        self._pipe = -1
        self._ended = False
        self._hint: int | None = None
        self._origin: EgoTruth | None = None
        self._path: StopPath | None = None
        self._index = 0

    def around(self, part: Component) -> Component:
        """The pilot falls silent, and the car's sensors err."""
        if part.name == "pilot":
            return dataclasses.replace(part, step=self._mortal(part))
        if part.name == "world":
            return dataclasses.replace(part, step=self._erring(part))
        if part.name == "vehicle":
            return dataclasses.replace(part, step=self._blinded(part))
        return part

    def _mortal(self, part: Component) -> Any:
        def step(state: Any, inputs: Inputs, stamp_ns: int) -> tuple[Any, Outputs]:
            return part.step(state, inputs, stamp_ns) if self.dead_ns is None else (state, ())

        return step

    def _erring(self, part: Component) -> Any:
        gyro_rps, wheels = self._errors.gyro_rps, self._errors.wheels

        def wrong(message: Any) -> Any:
            if not isinstance(message, CarState):
                return message
            return msgspec.structs.replace(
                message,
                yaw_rate_rps=message.yaw_rate_rps + gyro_rps,
                speed_mps=message.speed_mps * wheels,
            )

        def step(state: Any, inputs: Inputs, stamp_ns: int) -> tuple[Any, Outputs]:
            state, outputs = part.step(state, inputs, stamp_ns)
            return state, tuple((topic, wrong(message)) for topic, message in outputs)

        return step if gyro_rps or wheels != 1.0 else part.step

    def _blinded(self, part: Component) -> Any:
        name, lie = topics.SENSOR_FRAMES.name, self._errors.lane

        def step(state: Any, inputs: Inputs, stamp_ns: int) -> tuple[Any, Outputs]:
            if self.dead_ns is None or not inputs.new[name]:
                return part.step(state, inputs, stamp_ns)
            since_s = (stamp_ns - self.dead_ns) / NS_PER_S
            frames = tuple(
                msgspec.structs.replace(one, lane=told(lie, one.lane, since_s))
                for one in inputs.new[name]
            )
            given = Inputs(inputs.latest, {**inputs.new, name: frames})
            return part.step(state, given, stamp_ns)

        return step

    def watch(self, bus: Bus) -> Any:
        """Opens readers; gives what is called after each tick."""
        self._ego = bus.subscribe(topics.WORLD_EGO)
        self._guard = bus.subscribe(topics.GUARD_DECISION)
        self._plan = bus.subscribe(topics.PILOT_PLAN)
        self._contact = bus.subscribe(topics.JUDGE_CONTACT)
        self._truth = bus.subscribe(topics.WORLD_TRUTH)
        return self.look

    def look(self, stamp_ns: int) -> None:
        """After each tick: fork while the pilot lives, watch once it does not."""
        ego = self._ego.latest
        if self.dead_ns is not None:
            self._observe(stamp_ns, ego)
            return
        self._places.append(ego)
        plan, decision = self._plan.latest, self._guard.latest
        if plan is None or decision.source is not CommandSource.COMFORT:
            return
        changing = plan.manoeuvre.startswith("change")
        if changing:
            self._next_ns = min(self._next_ns, stamp_ns + nanoseconds(CHANGING_EVERY_S))
        if stamp_ns < self._next_ns or self._count >= self._most or ego.speed_mps < self._least_mps:
            return
        if self._near and not (_curves(ego) and (_follows(plan) or self._beside(ego))):
            return
        self._count += 1
        span_s = CHANGING_EVERY_S * self._chance.uniform(self._count, 0.5, 1.0)
        if self._near or not changing:
            every = FAST_EVERY_S if self._least_mps >= FAST_MPS else EVERY_S
            every = NEAR_EVERY_S if self._near else every
            span_s = self._chance.uniform(self._count, *every)
        self._next_ns = stamp_ns + nanoseconds(span_s)
        self._fork(stamp_ns, ego)

    def _fork(self, stamp_ns: int, ego: EgoTruth) -> None:
        out, into = os.pipe()
        pid = os.fork()
        if pid:
            os.close(into)
            with os.fdopen(out) as answer:
                self.rows.append(Stop(**json.loads(answer.read())))
            os.waitpid(pid, 0)
            return
        os.close(out)
        self._pipe, self.dead_ns = into, stamp_ns
        self._contact.take()
        self.row = self._begin(stamp_ns, ego)

    def _begin(self, stamp_ns: int, ego: EgoTruth) -> Stop:
        plan = self._plan.latest
        self._path = path = plan.stop_path
        self._origin = next((one for one in self._places if one.stamp_ns >= path.stamp_ns), None)
        at = self._locate(ego)
        over_m = self._over_m(ego, at)
        kinds = []
        if ego.speed_mps >= FAST_MPS:
            kinds.append("fast")
        if _curves(ego):
            kinds.append("curve")
        if plan.manoeuvre.startswith("change"):
            kinds.append(plan.manoeuvre)
        if over_m > 0.0:
            kinds.append("crossing_line")
        lane = None if at is None else self._graph.lanes[at.lane]
        if lane is not None and lane.junction is not None:
            kinds.append("junction")
        if plan.light is LightState.RED or plan.constraint.value in ("red_light", "crossing"):
            kinds.append("light")
        if _follows(plan):
            kinds.append("lead")
        if self._beside(ego):
            kinds.append("beside")
        return Stop(
            trip=self._name,
            seed=self._seed,
            at_s=round(stamp_ns / NS_PER_S, 2),
            speed_mps=round(ego.speed_mps, 2),
            road_type="" if lane is None else lane.road_type,
            kinds=kinds,
            started_over_m=over_m,
            over_m=over_m,
        )

    def _beside(self, ego: EgoTruth) -> bool:
        """Whether somebody who goes the same way is beside the car, by the truth."""
        truth = self._truth.latest
        cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
        for one in () if truth is None else truth.objects:
            x_m, y_m = one.x_m - ego.x_m, one.y_m - ego.y_m
            along_m, across_m = x_m * cos + y_m * sin, y_m * cos - x_m * sin
            if math.cos(one.yaw_rad - ego.yaw_rad) < 0.0:
                continue
            if abs(along_m) < BESIDE_M[0] and abs(across_m) < BESIDE_M[1]:
                return True
        return False

    def _observe(self, stamp_ns: int, ego: EgoTruth) -> None:
        row, decision = self.row, self._guard.latest
        since_s = (stamp_ns - (self.dead_ns or 0)) / NS_PER_S
        if decision.source is CommandSource.AEB:
            row.hardest_aeb_mps2 = max(row.hardest_aeb_mps2, -decision.command.accel_mps2)
        else:
            row.hardest_mps2 = max(row.hardest_mps2, -decision.command.accel_mps2)
        own = decision.source in (CommandSource.MINIMAL_RISK, CommandSource.AEB)
        if row.told_s is None and own:
            row.told_s = round(since_s, 3)
        row.hazard = row.hazard or ego.indicator is Indicator.HAZARD
        for verdict in self._contact.take():
            row.contacts.append(verdict.code)
            row.at_fault += verdict.at_fault
        if stamp_ns % (5 * CONTROL_TICK_NS) == 0:
            at = self._locate(ego)
            row.over_m = max(row.over_m, self._over_m(ego, at))
            row.path_off_m = max(row.path_off_m, abs(self._off_path_m(ego)))
        if abs(ego.speed_mps) < STANDS_MPS or since_s > GIVEN_UP_S:
            self._close(ego, since_s)

    def _close(self, ego: EgoTruth, since_s: float) -> None:
        row, at = self.row, self._locate(ego)
        row.end_over_m = self._over_m(ego, at)
        row.path_end_m = self._off_path_m(ego)
        if at is not None:
            lane = self._graph.lanes[at.lane]
            row.end_lane, row.end_offset_m = str(lane.id), at.offset_m
            row.in_junction = lane.junction is not None
        if abs(ego.speed_mps) < STANDS_MPS:
            row.stood_s = round(since_s, 2)
        self._ended = True

    def _locate(self, ego: EgoTruth) -> LanePoint | None:
        """The lane under the middle of the rear axle."""
        at = self._graph.locate(ego.x_m, ego.y_m, ego.yaw_rad, self._hint)
        if at is not None:
            self._hint = at.lane
        return at

    def _over_m(self, ego: EgoTruth, at: LanePoint | None) -> float:
        """How far a corner of the body is over a line of the lane."""
        if at is None:
            return 9.0
        half_m, most_m = 0.5 * ego.width_m, -9.0
        cos, sin = math.cos(ego.yaw_rad), math.sin(ego.yaw_rad)
        for along_m in (-ego.rear_overhang_m, ego.length_m - ego.rear_overhang_m):
            x_m, y_m = ego.x_m + along_m * cos, ego.y_m + along_m * sin
            corner = self._corner(x_m, y_m, at)
            most_m = max(most_m, abs(corner.offset_m) + half_m - 0.5 * corner.width_m)
        return most_m

    def _corner(self, x_m: float, y_m: float, at: LanePoint) -> LanePoint:
        """The lane there: the same one or what follows it."""
        near = self._graph.project(at.lane, x_m, y_m)
        if 0.0 < near.s_m < self._graph.lanes[at.lane].length_m - 1e-3:
            return near
        lane = self._graph.lanes[at.lane]
        beyond = lane.successors if near.s_m > 0.0 else lane.predecessors
        found = [self._graph.project(index, x_m, y_m) for index in beyond]
        return min(found, key=lambda one: abs(one.offset_m), default=near)

    def _off_path_m(self, ego: EgoTruth) -> float:
        """The car's true distance from the path, left positive."""
        if self._path is None or self._origin is None:
            return 0.0
        at = beside(self._path, _place(self._origin), self._index, _place(ego))
        self._index = at.index
        return at.offset_m

    def asked(self) -> tuple[Exit, str] | None:
        """Whether the drive may end."""
        if self._ended:
            return Exit.DONE, "stands"
        if self.dead_ns is None and self._count >= self._most:
            return Exit.DONE, "enough"
        return None


def _curves(ego: EgoTruth) -> bool:
    return abs(ego.yaw_rate_rps) > CURVE_PER_M * abs(ego.speed_mps)


def _follows(plan: Plan) -> bool:
    """Whether a car is close ahead, as the pilot saw it."""
    return plan.lead_id is not None and (plan.time_gap_s or 9.0) < LEAD_S


def _place(ego: EgoTruth) -> Place:
    return Place(ego.stamp_ns, ego.x_m, ego.y_m, ego.yaw_rad)


def drive(
    name: str,
    seed: int,
    *,
    most: int = 40,
    errors: Errors | None = None,
    least_mps: float = LEAST_MPS,
    near: bool = False,
    **wish: Any,
) -> list[Stop]:
    """All stops of one drive: a fork of it for each moment, `most` of them, none slower than `least_mps`.

    `near`: only in curves with somebody ahead or beside.
    """
    words = {"cars": None, "sensors": "typical", **TRIPS.get(name, {}), **wish}
    trip = plan_trip(TripWish(car="g3-520", road="volant-world", seed=seed, **words))
    fate = Fate(name, trip, seed, errors or Errors(), most, least_mps, near)
    drive_trip(trip, bus=InlineBus(), around=fate.around, watch=fate.watch, asked_to_end=fate.asked)
    if fate.dead_ns is not None:
        os.write(fate._pipe, json.dumps(dataclasses.asdict(fate.row)).encode())
        os._exit(0)
    return fate.rows


def is_near(row: Stop) -> bool:
    """Fast, in a curve, with somebody close ahead or beside."""
    return {"fast", "curve"} <= set(row.kinds) and bool({"lead", "beside"} & set(row.kinds))


def in_junction(row: Stop) -> bool:
    """Begun or ended in a junction, where there are no lines to keep to."""
    return "junction" in row.kinds or row.in_junction


def left_its_lane(row: Stop) -> bool:
    """Whether the body went over a line that it was not already crossing, or did not end within a lane.

    Who dies in the midst of a lane change ends in one lane or the other. In a junction there are no lines.
    """
    if in_junction(row):
        return False
    if row.end_over_m > 0.0:
        return True
    changing = row.started_over_m > 0.0 or any(one.startswith("change") for one in row.kinds)
    return not changing and row.over_m > 0.0


def describe(rows: Sequence[Stop]) -> dict[str, Any]:
    """The figures of a table."""
    offs = sorted(abs(row.path_end_m) for row in rows)
    mids = sorted(abs(row.end_offset_m) for row in rows)

    def at(values: list[float], share: float) -> float:
        return round(values[min(int(share * len(values)), len(values) - 1)], 2) if values else 0.0

    return {
        "stops": len(rows),
        "fast": sum("fast" in row.kinds for row in rows),
        "fast_in_curves": sum({"fast", "curve"} <= set(row.kinds) for row in rows),
        "fast_in_curves_near_others": sum(is_near(row) for row in rows),
        "in_changes": sum(any("change" in one for one in row.kinds) for row in rows),
        "contacts_at_fault": sum(row.at_fault for row in rows),
        "struck_from_behind": sum(row.contacts.count("struck_from_behind") for row in rows),
        "other_contacts": sum(len(row.contacts) for row in rows)
        - sum(row.contacts.count("struck_from_behind") for row in rows)
        - sum(row.at_fault for row in rows),
        "lanes_judged": sum(not in_junction(row) for row in rows),
        "lanes_left": sum(left_its_lane(row) for row in rows),
        "no_hazard": sum(not row.hazard for row in rows),
        "not_stood": sum(row.stood_s is None for row in rows),
        "in_junctions": sum(in_junction(row) for row in rows),
        "ended_in_junction": sum(row.in_junction for row in rows),
        "told_most_s": max((row.told_s or 9.0 for row in rows), default=0.0),
        "hardest_mps2": round(max((row.hardest_mps2 for row in rows), default=0.0), 2),
        "by_aeb": sum(row.hardest_aeb_mps2 > 4.0 for row in rows),
        "path_end_m": {"p50": at(offs, 0.5), "p99": at(offs, 0.99), "most": at(offs, 1.0)},
        "lane_end_m": {"p50": at(mids, 0.5), "p99": at(mids, 0.99), "most": at(mids, 1.0)},
        "mean_path_end_m": round(statistics.fmean(offs), 3) if offs else 0.0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Let the pilot fall silent at many moments.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trips", nargs="*", default=tuple(TRIPS))
    parser.add_argument("--most", type=int, default=40, help="moments of each trip")
    parser.add_argument("--least", type=float, default=LEAST_MPS, help="no slower moments, m/s")
    parser.add_argument(
        "--near", action="store_true", help="only in curves with others ahead or beside"
    )
    parser.add_argument("--cars", type=int)
    parser.add_argument("--gyro", type=float, default=0.0, help="its bias, rad/s")
    parser.add_argument("--wheels", type=float, default=1.0, help="scale of wheel speed")
    parser.add_argument(
        "--lane", choices=("true", *LIES), default="true", help="what the guard is told of it"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    errors = Errors(asked.gyro, asked.wheels, asked.lane)
    rows: list[Stop] = []
    for name in asked.trips:
        more = {} if asked.cars is None else {"cars": asked.cars}
        found = drive(
            *(name, asked.seed),
            most=asked.most,
            errors=errors,
            least_mps=asked.least,
            near=asked.near,
            **more,
        )
        rows += found
        print(name, json.dumps(describe(found)), file=sys.stderr, flush=True)
    answer = {**describe(rows), "rows": [dataclasses.asdict(row) for row in rows]}
    text = json.dumps(answer, indent=1)
    if asked.json is None:
        print(text)
    else:
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
