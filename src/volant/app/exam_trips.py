"""The suite `trips`: whole trips over the built-in world with random ends and traffic; the soak.

Every trip is driven as `volant drive` does, by the pilot, and ends at its destination or with a reason.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from volant.app.compose import plan_trip
from volant.app.drive import drive_trip
from volant.app.exam_stage import CAR, Task
from volant.app.folders import data_folder
from volant.app.trip import TripWish
from volant.core.chance import Chance
from volant.core.errors import InputError
from volant.core.settings import find_data
from volant.road import LaneGraph, load_graph, make_guide
from volant.sim.exam import CaseResult

ROAD: Final = "volant-world"
COUNT: Final = 200
LEAST_M: Final = 800.0
MOST_M: Final = 12_000.0
TRIES: Final = 200
SURE: Final = 3.0
"""Without one event in n kilometres the rate is below 3 / n at 95 % (the rule of three)."""


_WORST: Final[tuple[tuple[str, Callable[[list[float]], float]], ...]] = (
    ("accel_min_mps2", min),
    ("accel_max_mps2", max),
    ("jerk_p99_mps3", max),
    ("lateral_accel_p99_mps2", max),
    ("lane_offset_rms_m", max),
    ("lane_offset_max_m", max),
)
"""Comfort: of each figure that of the worst trip."""


@cache
def _graph() -> LaneGraph:
    return load_graph(find_data("maps", ROAD, data_folder()))


def names(count: int) -> tuple[str, ...]:
    """Trips by number."""
    return tuple(f"trip-{number:04d}" for number in range(count or COUNT))


def wish_of(task: Task) -> TripWish:
    """The random ends and the traffic of one trip.

    Raises:
        InputError: the road has no two places with a way between them.
    """
    graph, chance = _graph(), Chance.of(task.wanted.seed, "trips", task.case)
    usable = [
        lane
        for lane in graph.lanes
        if lane.junction is None and lane.length_m > 40.0 and not lane.ends
    ]
    # Nobody may stop on a motorway (StVO section 18(8), recalled), nor need find a lane that just opens.
    goals = [lane for lane in usable if lane.predecessors and lane.road_type != "motorway"]
    for attempt in range(TRIES):
        ends = []
        for side, lanes in ((0, usable), (1, goals)):
            lane = lanes[chance.integer(4 * attempt + 2 * side, 0, len(lanes))]
            place = chance.uniform(4 * attempt + 2 * side + 1, 15.0, lane.length_m - 15.0)
            ends.append((lane, place))
        (start, from_m), (goal, to_m) = ends
        length_m = make_guide(graph, (goal.index, to_m)).distance_m(start.index, from_m)
        if LEAST_M <= length_m <= MOST_M:
            return TripWish(
                car=CAR,
                road=ROAD,
                seed=chance.integer(4 * TRIES + 1, 1, 1 << 31),
                sensors=task.wanted.sensors,
                cars=chance.integer(4 * TRIES + 2, 10, 61),
                start=f"{start.id}@{from_m:.1f}",
                to=f"{goal.id}@{to_m:.1f}",
            )
    raise InputError(f"no two places of {ROAD} with {LEAST_M:.0f} to {MOST_M:.0f} m between them")


def run(task: Task) -> CaseResult:
    """One trip."""
    began_s = time.monotonic()
    driven = drive_trip(plan_trip(wish_of(task)))
    judged, ending = driven.summary, driven.ending
    reasons = [] if driven.arrived else [f"not arrived: {ending.reason}"]
    reasons += [f"contact: {one.words}" for one in judged.contact_list if one.at_fault]
    reasons += [f"rule: {one.words}" for one in judged.rule_breaks]
    if judged.needless_brakings:
        reasons.append(f"{judged.needless_brakings} needless emergency brakings")
    return CaseResult(
        name=task.case,
        kind="trip",
        passed=not reasons,
        reasons=tuple(reasons),
        figures=None,
        wall_s=time.monotonic() - began_s,
        facts={
            "at_fault": float(judged.contacts_at_fault),
            "arrived": float(driven.arrived),
            "distance_m": judged.distance_m,
            "duration_s": driven.duration_s,
            "interventions": float(judged.interventions),
            "needless": float(judged.needless_brakings),
            "rule_breaks": float(len(judged.rule_breaks)),
            "accel_min_mps2": judged.accel_min_mps2,
            "accel_max_mps2": judged.accel_max_mps2,
            "jerk_p99_mps3": judged.jerk_p99_mps3,
            "lateral_accel_p99_mps2": judged.lateral_accel_p99_mps2,
            "lane_offset_rms_m": judged.lane_offset_rms_m,
            "lane_offset_max_m": judged.max_lane_offset_m,
        },
    )


def table(results: Sequence[CaseResult]) -> dict[str, float]:
    """Kilometres, what happened on them, and the bound that they allow."""

    def total(fact: str) -> float:
        return math.fsum(result.facts.get(fact) or 0.0 for result in results)

    km = total("distance_m") / 1000.0
    found = {
        "km": km,
        "arrived_pct": 100.0 * total("arrived") / max(len(results), 1),
        "interventions_per_100_km": 100.0 * total("interventions") / max(km, 1e-9),
        "needless_brakings": total("needless"),
        "rule_breaks": total("rule_breaks"),
    }
    if total("at_fault") == 0.0 and km > 0.0:
        found["contacts_per_1000_km_below_at_95_pct"] = 1000.0 * SURE / km
    for fact, worst in _WORST:
        held = [value for r in results if (value := r.facts.get(fact)) is not None]
        if held:
            found[fact] = worst(held)
    return found
