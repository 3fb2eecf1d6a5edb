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
from volant.core.messages import FindingKind, InterventionKind
from volant.core.settings import find_data
from volant.road import LaneGraph, load_graph, make_guide
from volant.sim.exam import CaseResult
from volant.sim.judge import DriveSummary

ROAD: Final = "volant-world"
COUNT: Final = 200
LEAST_M: Final = 800.0
MOST_M: Final = 12_000.0
TRIES: Final = 200
SURE: Final = 0.95
QUEUE: Final = "behind a queue"
TARGETS: Final[tuple[tuple[str, float | None, float | None], ...]] = (
    ("arrived_pct", 98.0, None),
    ("contacts_at_fault", None, 0.0),
    ("interventions_per_100_km", None, 0.3),
    ("needless_brakings", None, 0.0),
    ("stuck", None, 0.0),
    ("red_lights", None, 0.0),
    ("solid_lines", None, 0.0),
    ("accel_min_mps2", -3.5, None),
    ("accel_max_mps2", None, 2.0),
    ("jerk_p99_mps3", None, 2.5),
    ("lateral_accel_p99_mps2", None, 2.0),
    ("lane_offset_rms_m", None, 0.10),
    ("lane_offset_max_m", None, 0.30),
)
"""What the project asks of all trips together: the figure, its least and its most."""


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
    late, queued = ending.timed_out, ending.timed_out and judged.in_queue
    behind = f" ({QUEUE})" if queued else ""
    reasons = [] if driven.arrived else [f"not arrived: {ending.reason}{behind}"]
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
            "red_lights": _count(judged, FindingKind.RED_LIGHT),
            "solid_lines": _count(judged, FindingKind.SOLID_LINE),
            "stuck": float(
                sum(one.kind is InterventionKind.STUCK for one in judged.intervention_list)
            ),
            "timed_out": float(late),
            "timed_out_in_queue": float(queued),
            "accel_min_mps2": judged.accel_min_mps2,
            "accel_max_mps2": judged.accel_max_mps2,
            "jerk_p99_mps3": judged.jerk_p99_mps3,
            "lateral_accel_p99_mps2": judged.lateral_accel_p99_mps2,
            "lane_offset_rms_m": judged.lane_offset_rms_m,
            "lane_offset_max_m": judged.max_lane_offset_m,
        },
    )


def _count(judged: DriveSummary, kind: FindingKind) -> float:
    return float(sum(one.kind is kind for one in judged.rule_breaks))


def most_events(count: int, sure: float = SURE) -> float:
    """Upper bound of a Poisson mean after so many events: exact, one-sided (Garwood; recalled).

    The mean at which so few events have a chance of 1 - sure, by halving.
    """
    low, high = float(count), 3.0 * count + 10.0
    for _ in range(60):
        mean = 0.5 * (low + high)
        logs = (k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1))
        if math.fsum(math.exp(one) for one in logs) > 1.0 - sure:
            low = mean
        else:
            high = mean
    return high


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
        "contacts_at_fault": total("at_fault"),
        "stuck": total("stuck"),
        "red_lights": total("red_lights"),
        "solid_lines": total("solid_lines"),
        "timed_out": total("timed_out"),
        "timed_out_in_queue": total("timed_out_in_queue"),
    }
    if km > 0.0:
        bound = most_events(round(total("at_fault")))
        found["contacts_per_1000_km_below_at_95_pct"] = 1000.0 * bound / km
    for fact, worst in _WORST:
        held = [value for r in results if (value := r.facts.get(fact)) is not None]
        if held:
            found[fact] = worst(held)
    return found


def rows(results: Sequence[CaseResult]) -> dict[str, dict[str, float | None]]:
    """The project's targets: what was reached, between which bounds, and whether it is met (1 or 0).

    A figure that could not be measured is not met.
    """
    held = table(results)
    found: dict[str, dict[str, float | None]] = {}
    for name, least, most in TARGETS:
        value = held.get(name)
        met = value is not None
        if value is not None:
            met = (least is None or value >= least) and (most is None or value <= most)
        found[name] = {"value": value, "least": least, "most": most, "met": float(met)}
    return found
