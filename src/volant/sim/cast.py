"""The cast of a scene: actors that play a part, beside the traffic that drives by itself.

A role has a path (a road's lanes, or a polyline for people and crossing cars), a start on it, and acts:
at a cue it takes another speed, moves over, or blinks. A role that `follows` also keeps its distance to
whoever is ahead on its path. The rows it writes are those of `Traffic`, so that sensors, touches and the
other drivers know no difference. Where a road ends its actor leaves the world; at the end of a free path he
stops.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from volant.core.clock import PILOT_TICK_NS, seconds
from volant.core.messages import EgoTruth
from volant.road import Corridor
from volant.sim.columns import Actor, BodyClass, Index

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

STEP_S: Final = seconds(PILOT_TICK_NS)
FOLLOW_GAP_M: Final = 2.0
FOLLOW_TIME_S: Final = 1.4
"""Of a role that follows: middle of the drivers' range (drivers.py)."""
FOLLOW_ACCEL_MPS2: Final = 1.4
FOLLOW_BRAKE_MPS2: Final = 2.0
HARDEST_MPS2: Final = 8.0
BRAKE_LAMP_MPS2: Final = -0.7
"""Lamps light up below this (UN R13-H: from 0.7 m/s2 of electric braking they may; recalled)."""
LATERAL_RAMP_MPS2: Final = 1.5
"""How fast a move across the lane gathers speed (the cut-in grid of worlds.md)."""


class Path(Protocol):
    """A line that an actor moves along."""

    @property
    def length_m(self) -> float:
        """Where it ends."""

    def pose(self, s_m: float, offset_m: float) -> tuple[float, float, float, float]:
        """World x, y, z and heading of a place."""

    def place(self, x_m: float, y_m: float, hint_m: float) -> tuple[float, float]:
        """Station and offset of a point."""


@dataclass(frozen=True, slots=True)
class RoadPath:
    """Along the lanes of a corridor."""

    corridor: Corridor

    @property
    def length_m(self) -> float:
        """Of the corridor."""
        return self.corridor.length_m

    def pose(self, s_m: float, offset_m: float) -> tuple[float, float, float, float]:
        """World x, y, z and heading of a place."""
        x_m, y_m, heading = self.corridor.to_world(s_m, offset_m)
        return x_m, y_m, self.corridor.at(s_m).z_m, heading

    def place(self, x_m: float, y_m: float, hint_m: float) -> tuple[float, float]:
        """Station and offset of a point."""
        return self.corridor.project(x_m, y_m, hint_m)


@dataclass(frozen=True, slots=True)
class FreePath:
    """Along straight pieces through points, at one height."""

    points: tuple[tuple[float, float], ...]
    z_m: float = 0.0

    @property
    def length_m(self) -> float:
        """Sum of the pieces."""
        return math.fsum(_run_m(a, b) for a, b in zip(self.points, self.points[1:], strict=False))

    def pose(self, s_m: float, offset_m: float) -> tuple[float, float, float, float]:
        """World x, y, z and heading of a place."""
        left_m, last = s_m, len(self.points) - 2
        for number, (one, other) in enumerate(zip(self.points, self.points[1:], strict=False)):
            run_m = _run_m(one, other)
            if left_m > run_m and number < last:
                left_m -= run_m
                continue
            heading = math.atan2(other[1] - one[1], other[0] - one[0])
            x_m = one[0] + left_m * math.cos(heading) - offset_m * math.sin(heading)
            y_m = one[1] + left_m * math.sin(heading) + offset_m * math.cos(heading)
            return x_m, y_m, self.z_m, heading
        raise ValueError(f"a path needs two points, found {len(self.points)}")

    def place(self, x_m: float, y_m: float, hint_m: float) -> tuple[float, float]:
        """Station and offset of a point, on the straight through the hint."""
        px, py, _z, heading = self.pose(hint_m, 0.0)
        dx, dy = x_m - px, y_m - py
        cos, sin = math.cos(heading), math.sin(heading)
        return hint_m + dx * cos + dy * sin, dy * cos - dx * sin


def _run_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return math.hypot(other[0] - one[0], other[1] - one[1])


class Cue(enum.Enum):
    """What an act waits for."""

    TIME = "time"
    """Seconds since the start."""
    DRIVEN = "driven"
    """Metres that the own car has driven."""
    WITHIN = "within"
    """Metres between the own car's front and the actor's centre, at most."""
    ARRIVAL = "arrival"
    """Seconds until the own car's front reaches a point at its present speed, at most."""
    STANDING = "standing"
    """Seconds that the own car has stood."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A cue and its value; the point is that of ARRIVAL."""

    cue: Cue
    value: float
    x_m: float = 0.0
    y_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """What an actor does from a cue on; None leaves as it was."""

    when: Trigger
    speed_mps: float | None = None
    accel_mps2: float = 2.0
    """How fast it takes that speed, up or down."""
    offset_m: float | None = None
    lateral_mps: float = 1.0
    direction: int | None = None
    """Indicator: +1 left, -1 right, 0 none."""


@dataclass(frozen=True, slots=True)
class Role:
    """One actor of a scene; s and offset are of its box's centre."""

    name: str
    path: Path
    s_m: float
    speed_mps: float = 0.0
    offset_m: float = 0.0
    body: BodyClass = BodyClass.CAR
    length_m: float = 4.5
    width_m: float = 1.8
    height_m: float = 1.5
    acts: tuple[Act, ...] = ()
    follows: bool = False
    top_mps: float = 38.0


@dataclass(slots=True)
class _Part:
    """How far a role has come."""

    s_m: float
    offset_m: float
    speed_mps: float
    wanted_mps: float
    wanted_offset_m: float
    accel_mps2: float = 2.0
    lateral_mps: float = 1.0
    across_mps: float = 0.0
    direction: int = 0
    gone: bool = False
    """Driven out of the world."""
    done: set[int] = field(default_factory=set)


class Cast:
    """The actors of one scene; belongs to one world."""

    def __init__(self, roles: Sequence[Role]) -> None:
        self.roles = tuple(roles)
        self._parts: list[_Part] = []
        self._ego_at: tuple[float, float] | None = None
        self._driven_m = 0.0
        self._stood_s = 0.0

    @property
    def count(self) -> int:
        """How many rows it fills."""
        return len(self.roles)

    def start(self, actor_f: Array, actor_i: Integers) -> None:
        """Bring everyone to life in their rows [count, .] of the actors' arrays."""
        self._parts = [
            _Part(r.s_m, r.offset_m, r.speed_mps, r.speed_mps, r.offset_m) for r in self.roles
        ]
        for number, role in enumerate(self.roles):
            row, index = actor_f[number], actor_i[number]
            row[Actor.LENGTH], row[Actor.WIDTH] = role.length_m, role.width_m
            row[Actor.HEIGHT], row[Actor.GAP] = role.height_m, math.inf
            index[:] = 0
            index[Index.CLASS], index[Index.ALIVE], index[Index.LIFE] = role.body, 1, 1
            index[Index.LANE] = index[Index.OLD_LANE] = index[Index.LEADER] = -1
            _write(role, self._parts[number], 0.0, row, index)
            row[Actor.BEFORE_X], row[Actor.BEFORE_Y] = row[Actor.X], row[Actor.Y]
            row[Actor.BEFORE_YAW] = row[Actor.YAW]

    def step(self, ego: EgoTruth, stamp_ns: int, actor_f: Array, actor_i: Integers) -> None:
        """Move everyone on by one traffic step."""
        self._watch(ego)
        for number, role in enumerate(self.roles):
            part, row, index = self._parts[number], actor_f[number], actor_i[number]
            if part.gone:
                continue
            for which, act in enumerate(role.acts):
                if which not in part.done and self._due(act.when, ego, stamp_ns, row):
                    part.done.add(which)
                    _begin(part, act)
            accel = _accel_mps2(role, part)
            if role.follows:
                accel = min(accel, self._follow_mps2(number, ego))
            before_mps = part.speed_mps
            part.speed_mps = max(0.0, before_mps + max(accel, -HARDEST_MPS2) * STEP_S)
            part.s_m += 0.5 * (before_mps + part.speed_mps) * STEP_S
            if part.s_m >= role.path.length_m:
                if isinstance(role.path, RoadPath):
                    part.gone, index[Index.ALIVE] = True, 0
                    continue
                part.s_m, part.speed_mps, part.wanted_mps = role.path.length_m, 0.0, 0.0
            _move_across(part)
            row[Actor.BEFORE_X], row[Actor.BEFORE_Y] = row[Actor.X], row[Actor.Y]
            row[Actor.BEFORE_YAW] = row[Actor.YAW]
            _write(role, part, (part.speed_mps - before_mps) / STEP_S, row, index)

    def _watch(self, ego: EgoTruth) -> None:
        here = (ego.x_m, ego.y_m)
        if self._ego_at is not None:
            self._driven_m += _run_m(self._ego_at, here)
        self._ego_at = here
        self._stood_s = self._stood_s + STEP_S if abs(ego.speed_mps) < 0.05 else 0.0

    def _due(self, when: Trigger, ego: EgoTruth, stamp_ns: int, row: Array) -> bool:
        if when.cue is Cue.TIME:
            return seconds(stamp_ns) >= when.value
        if when.cue is Cue.DRIVEN:
            return self._driven_m >= when.value
        if when.cue is Cue.STANDING:
            return self._stood_s >= when.value
        ahead_m = ego.length_m - ego.rear_overhang_m
        front = (
            ego.x_m + ahead_m * math.cos(ego.yaw_rad),
            ego.y_m + ahead_m * math.sin(ego.yaw_rad),
        )
        if when.cue is Cue.WITHIN:
            return _run_m(front, (float(row[Actor.X]), float(row[Actor.Y]))) <= when.value
        return _run_m(front, (when.x_m, when.y_m)) <= when.value * max(ego.speed_mps, 0.1)

    def _follow_mps2(self, number: int, ego: EgoTruth) -> float:
        """IDM (Treiber and Kesting 2013, equation 11.14) behind the nearest body on the own path."""
        role, part = self.roles[number], self._parts[number]
        ahead_m = 0.5 * ego.length_m - ego.rear_overhang_m
        bodies = [
            (
                ego.x_m + ahead_m * math.cos(ego.yaw_rad),
                ego.y_m + ahead_m * math.sin(ego.yaw_rad),
                ego.yaw_rad,
                ego.speed_mps,
                ego.length_m,
                ego.width_m,
            )
        ]
        for other, (them, theirs) in enumerate(zip(self.roles, self._parts, strict=True)):
            if other != number and not theirs.gone:
                x_m, y_m, _z, yaw = them.path.pose(theirs.s_m, theirs.offset_m)
                speed = theirs.speed_mps
                bodies.append((x_m, y_m, yaw, speed, them.length_m, them.width_m))
        gap_m, lead_mps = math.inf, 0.0
        for x_m, y_m, yaw, speed, long_m, wide_m in bodies:
            s_m, d_m = role.path.place(x_m, y_m, part.s_m)
            if s_m <= part.s_m or abs(d_m - part.offset_m) > 0.5 * (wide_m + role.width_m) + 0.2:
                continue
            free_m = s_m - part.s_m - 0.5 * (long_m + role.length_m)
            if free_m < gap_m:
                heading = role.path.pose(s_m, 0.0)[3]
                gap_m, lead_mps = free_m, speed * math.cos(yaw - heading)
        if gap_m == math.inf:
            return FOLLOW_ACCEL_MPS2
        closing = part.speed_mps - lead_mps
        root = 2.0 * math.sqrt(FOLLOW_ACCEL_MPS2 * FOLLOW_BRAKE_MPS2)
        wanted_m = FOLLOW_GAP_M + max(0.0, part.speed_mps * (FOLLOW_TIME_S + closing / root))
        return FOLLOW_ACCEL_MPS2 * (1.0 - (wanted_m / max(gap_m, 0.1)) ** 2)


def _begin(part: _Part, act: Act) -> None:
    if act.speed_mps is not None:
        part.wanted_mps, part.accel_mps2 = act.speed_mps, act.accel_mps2
    if act.offset_m is not None:
        part.wanted_offset_m, part.lateral_mps = act.offset_m, act.lateral_mps
    if act.direction is not None:
        part.direction = act.direction


def _accel_mps2(role: Role, part: _Part) -> float:
    """Towards the wanted speed, and not over the role's top speed."""
    missing = min(part.wanted_mps, role.top_mps) - part.speed_mps
    return math.copysign(min(abs(missing) / STEP_S, part.accel_mps2), missing)


def _move_across(part: _Part) -> None:
    """A move to another offset: ramped up, held, ramped down."""
    left_m = part.wanted_offset_m - part.offset_m
    fastest = min(part.lateral_mps, math.sqrt(2.0 * LATERAL_RAMP_MPS2 * abs(left_m)))
    wanted = math.copysign(fastest, left_m)
    change = wanted - part.across_mps
    limit = LATERAL_RAMP_MPS2 * STEP_S
    part.across_mps += max(-limit, min(limit, change))
    if abs(left_m) < 0.01 and abs(part.across_mps) <= 2.0 * limit:
        part.offset_m, part.across_mps = part.wanted_offset_m, 0.0
    part.offset_m += part.across_mps * STEP_S


def _write(role: Role, part: _Part, accel_mps2: float, row: Array, index: Integers) -> None:
    x_m, y_m, z_m, heading = role.path.pose(part.s_m, part.offset_m)
    turn = math.atan2(part.across_mps, part.speed_mps) if part.across_mps else 0.0
    yaw = heading + turn
    before = float(row[Actor.YAW])
    row[Actor.X], row[Actor.Y], row[Actor.Z], row[Actor.YAW] = x_m, y_m, z_m, yaw
    row[Actor.YAW_RATE] = math.remainder(yaw - before, 2.0 * math.pi) / STEP_S
    row[Actor.SPEED] = math.hypot(part.speed_mps, part.across_mps)
    row[Actor.ACCEL], row[Actor.D] = accel_mps2, part.offset_m
    index[Index.BRAKING] = int(accel_mps2 < BRAKE_LAMP_MPS2)
    index[Index.DIRECTION] = part.direction
