"""Scenes of the emergency braking tests: CCRs, CCRm, CCRb, CPNA, CPFA, CPLA, CBNA, CBLA.

The car drives straight at its test speed; targets move as the tables of the 2023 protocols say (read from
data by the caller). `limit` tells whether physics allows to avoid the contact, by the project's
definition: a stop at 9 m/s2 with 0.2 s dead time and 0.3 s linear build-up, begun when the target first
stands in the path of the next 4 s, widened by 0.3 m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from volant.core.clock import PILOT_TICK_NS, seconds
from volant.core.geometry import Box, boxes_overlap
from volant.core.messages import EgoTruth
from volant.sim.cast import Act, Cast, Cue, FreePath, Role, Trigger
from volant.sim.columns import Actor, BodyClass, Index
from volant.sim.exam.case import FRONT_M, KMH
from volant.sim.exam.roads import Piece, carriageway
from volant.sim.scene import Bound, Scene, lane_of, on_lane

LEAD_S: Final = 5.0
"""A test begins 4 s before the contact; one more to settle."""
START_M: Final = 20.0
WIDE_M: Final = 1.82
LONG_M: Final = 4.45
GVT: Final = (4.02, 1.71, 1.45)
ADULT: Final = (0.5, 0.6, 1.75)
BICYCLE: Final = (1.9, 0.6, 1.85)
FULL_MPS2: Final = 9.0
DEAD_S: Final = 0.2
BUILD_UP_S: Final = 0.3
WIDER_M: Final = 0.3
REACH_S: Final = 4.0
STEP_S: Final = seconds(PILOT_TICK_NS)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """What physics allows."""

    avoidable: bool
    impact_mps: float
    """Left at the contact where it is not: how fast the two centres close, as contacts are judged."""


def scene_of(case: str, row: Row) -> Scene:
    """The scene of one row of a table; `case` as in the data, such as `CPNA-25`.

    Raises:
        KeyError: the row lacks a column that the case needs.
    """
    speed = float(row["ego_kmh"]) * KMH
    graph = carriageway(
        "rural", lanes=2, oncoming=1, pieces=(Piece(900.0),), limits_mps=((0.0, 27.8),)
    )
    path = on_lane(graph, lane_of(graph, "1", -1), 900.0)
    _x, y_m, _z, _heading = path.pose(START_M, 0.0)
    role = _role(case, row, speed, y_m)
    return Scene(
        graph=graph,
        corridor=path.corridor,
        start_m=START_M,
        speed_mps=speed,
        duration_s=LEAD_S + 7.0,
        bounds=(Bound("contacts", most=0, why="it can be avoided"),),
        roles=(role,),
        robot=True,
    )


def _role(case: str, row: Row, speed: float, y_m: float) -> Role:
    kind = case.split("-")[0]
    front_m = START_M + FRONT_M
    if kind in ("CCRs", "CCRm", "CPLA", "CBLA"):
        return _ahead(kind, row, speed, front_m, y_m)
    if kind == "CCRb":
        return _braking(row, front_m, y_m)
    return _crossing(kind, case, row, speed, front_m, y_m)


def _ahead(kind: str, row: Row, speed: float, front_m: float, y_m: float) -> Role:
    """Standing, or slower in the same direction."""
    size = {"CPLA": ADULT, "CBLA": BICYCLE}.get(kind, GVT)
    own = float(row["target_kmh"] if "target_kmh" in row else row["vru_kmh"]) * KMH
    share = float(row["overlap_pct"]) / 100.0
    if kind in ("CPLA", "CBLA"):
        aside_m = WIDE_M * (share - 0.5)
    else:
        aside_m = math.copysign(0.5 * (WIDE_M + size[1]) - abs(share) * WIDE_M, -share)
        aside_m = 0.0 if abs(share) >= 1.0 else aside_m
    at_m = front_m + (speed - own) * LEAD_S + 0.5 * size[0]
    body = {"CPLA": BodyClass.PEDESTRIAN, "CBLA": BodyClass.CYCLIST}.get(kind, BodyClass.CAR)
    path = FreePath(((0.0, y_m + aside_m), (900.0, y_m + aside_m)))
    return Role("target", path, at_m, own, 0.0, body, *size)


def _braking(row: Row, front_m: float, y_m: float) -> Role:
    own = float(row["target_init_kmh"]) * KMH
    act = Act(
        Trigger(Cue.TIME, 1.5),
        speed_mps=float(row["target_kmh"]) * KMH,
        accel_mps2=float(row["target_decel_mps2"]),
    )
    path = FreePath(((0.0, y_m), (900.0, y_m)))
    at_m = front_m + float(row["headway_m"]) + 0.5 * GVT[0]
    return Role("target", path, at_m, own, 0.0, BodyClass.CAR, *GVT, acts=(act,))


def _crossing(kind: str, case: str, row: Row, speed: float, front_m: float, y_m: float) -> Role:
    """From the near side (our right) or the far side, so as to be struck at a share of our front."""
    rider = kind.startswith("CB")
    walk = float(row.get("vru_kmh", 15.0 if rider else 5.0)) * KMH
    near = not kind.endswith("FA")
    from_m = float(row.get("vru_start_lateral_m", 21.0 if rider else 4.0))
    accel_m = float(row.get("vru_accel_distance_m", 4.0 if rider else 1.0))
    share = float(row.get("overlap_pct", case.split("-")[1] if "-" in case else 50.0)) / 100.0
    side = -1.0 if near else 1.0
    hit_m = side * WIDE_M * (0.5 - share)
    travel_m = from_m - side * hit_m
    spent_s = 2.0 * accel_m / walk + (travel_m - accel_m) / walk
    at_x = front_m + speed * max(LEAD_S, spent_s + 0.5) + 0.5 * (0.6 if rider else 0.5)
    path = FreePath(((at_x, y_m + side * from_m), (at_x, y_m - side * 25.0)))
    go = Act(
        Trigger(Cue.ARRIVAL, spent_s, at_x - 0.25, y_m),
        speed_mps=walk,
        accel_mps2=walk * walk / (2.0 * accel_m),
    )
    body = BodyClass.CYCLIST if rider else BodyClass.PEDESTRIAN
    return Role("target", path, 0.0, 0.0, 0.0, body, *(BICYCLE if rider else ADULT), acts=(go,))


def limit(scene: Scene) -> Limit:
    """What the definition allows in a scene with one target and a straight way."""
    boxes = _target_boxes(scene)
    y_m = scene.corridor.to_world(scene.start_m, 0.0)[1]
    step_m = scene.speed_mps * STEP_S

    def own(at_m: float, wider_m: float = 0.0) -> Box:
        middle = at_m + FRONT_M - 0.5 * LONG_M
        return Box(middle, y_m, 0.0, LONG_M, WIDE_M + 2.0 * wider_m)

    touch = next(
        (k for k, (box, _) in enumerate(boxes) if boxes_overlap(own(START_M + k * step_m), box)),
        None,
    )
    if touch is None:
        return Limit(True, 0.0)
    reach = round(REACH_S / STEP_S)
    begun = next(
        (
            k
            for k in range(max(touch - reach, 0), touch)
            if _in_path(boxes[k][0], START_M + k * step_m, reach * step_m, y_m)
        ),
        touch,
    )
    at_m, speed = START_M + begun * step_m, scene.speed_mps
    for k in range(begun, len(boxes)):
        box, target_mps = boxes[k]
        if boxes_overlap(body := own(at_m), box):
            return Limit(False, _closing_mps(body, speed, box, target_mps))
        late_s = (k - begun) * STEP_S
        brake = FULL_MPS2 * min(max((late_s - DEAD_S) / BUILD_UP_S, 0.0), 1.0)
        before, speed = speed, max(speed - brake * STEP_S, 0.0)
        at_m += 0.5 * (before + speed) * STEP_S
    return Limit(True, 0.0)


def _closing_mps(own: Box, own_mps: float, box: Box, target_mps: float) -> float:
    """How fast the centre of a target and that of the car, which drives along x, come closer."""
    dx_m, dy_m = box.x_m - own.x_m, box.y_m - own.y_m
    vx_mps = own_mps - target_mps * math.cos(box.yaw_rad)
    vy_mps = -target_mps * math.sin(box.yaw_rad)
    return max((vx_mps * dx_m + vy_mps * dy_m) / math.hypot(dx_m, dy_m), 0.0)


def _in_path(box: Box, at_m: float, ahead_m: float, y_m: float) -> bool:
    """Whether a box stands in the widened strip that the car sweeps ahead."""
    front_m = at_m + FRONT_M
    strip = Box(
        front_m + 0.5 * ahead_m - 0.5 * LONG_M,
        y_m,
        0.0,
        ahead_m + LONG_M,
        WIDE_M + 2.0 * WIDER_M,
    )
    return boxes_overlap(strip, box)


def _target_boxes(scene: Scene) -> list[tuple[Box, float]]:
    """The target's true box and speed at each traffic step, while the car drives on evenly."""
    cast = Cast(scene.roles)
    rows = np.zeros((cast.count, len(Actor)))
    index = np.zeros((cast.count, len(Index)), dtype=np.int64)
    cast.start(rows, index)
    found = []
    x_m, y_m, _heading = scene.corridor.to_world(scene.start_m, 0.0)
    ego = _ego(x_m, y_m, scene.speed_mps)
    for k in range(round(scene.duration_s / STEP_S)):
        here = rows[0]
        box = Box(
            float(here[Actor.X]),
            float(here[Actor.Y]),
            float(here[Actor.YAW]),
            float(here[Actor.LENGTH]),
            float(here[Actor.WIDTH]),
        )
        found.append((box, float(here[Actor.SPEED])))
        cast.step(ego, (k + 1) * PILOT_TICK_NS, rows, index)
        x_m += scene.speed_mps * STEP_S
        ego = _ego(x_m, y_m, scene.speed_mps)
    return found


def _ego(x_m: float, y_m: float, speed_mps: float) -> EgoTruth:
    zero = dict.fromkeys(EgoTruth.__struct_fields__, 0.0)
    held: dict[str, Any] = {**zero, "stamp_ns": 0, "x_m": x_m, "y_m": y_m}
    held |= {"speed_mps": speed_mps, "length_m": LONG_M, "width_m": WIDE_M}
    return EgoTruth(**{**held, "rear_overhang_m": LONG_M - FRONT_M})


def with_bounds(scene: Scene, allowed: Limit) -> Scene:
    """The scene with the bound that physics allows."""
    return scene if allowed.avoidable else replace(scene, bounds=())
