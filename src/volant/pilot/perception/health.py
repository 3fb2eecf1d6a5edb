"""Which sensors are broken, as codes: what the tracker noticed of its frames, and what that leaves blind.

Only a sensor that was heard before can be missed. `odd` decides what a code means for the drive; one
lost sensor of many is told and driven on with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from volant.core.clock import NS_PER_S
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.fields import FRONT, SIDES
from volant.pilot.perception.track import Tracker

CAMERA: Final = "camera_front"
"""Sees lanes, lights and who is a person."""


@dataclass(frozen=True, slots=True)
class HealthTuning:
    """When a sensor counts as broken."""

    lost_s: float = 0.6
    """Silent for longer: twelve frames of a fast sensor, six of a slow one."""
    late_s: float = 0.3
    """Frames that are older than this when they arrive tell too little (chain target 0.2 s)."""
    noisy_m: tuple[float, float] = (1.0, 0.55)
    """Learnt spread of place along and across the line of sight that no sound sensor has."""
    frozen_frames: int = 14
    """The very same returns for longer than a false return lasts (0.6 s at 20 Hz); the tracker leaves such
    frames out much sooner."""
    gnss_lost_s: float = 1.5
    """Receivers tell their place once a second or more often."""
    sight_m: float = 200.0
    """Relied on while all is well (range of a front radar)."""
    camera_gone_m: float = 110.0
    """With the radar alone: it sees cars to 140 m in its core and people to 55 m (perception.fields);
    stopping from 100 km/h takes as much."""
    radar_gone_m: float = 85.0
    """With the camera alone: its core; stopping from 85 km/h takes as much."""
    blind_m: float = 40.0
    """With neither: the corner radars see this far."""
    stop_mps2: float = 3.5
    """What planning would stop with within its sight (PlanTuning.sight_decel_mps2), and"""
    react_s: float = 0.4
    """how late."""
    slow_mps2: float = 0.9
    """Sight shrinks so that slowing down is as calm as for a limit."""
    blind_mps2: float = 2.5
    """And firmly when nobody looks ahead."""
    widen_mps: float = 40.0
    """It comes back so fast once the sensor is there again."""


@dataclass(frozen=True)
class SensorHealth:
    """The broken ones among the sensors that were heard before.

    What follows from them is worked out once: control asks at each tick, and it seldom changes.
    """

    lost: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    noisy: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    gnss_lost: bool = False
    gnss_off: bool = False
    """It tells places that the car was never at."""

    @cached_property
    def broken(self) -> frozenset[str]:
        """All that cannot be relied on."""
        return frozenset((*self.lost, *self.frozen, *self.late))

    @cached_property
    def front_blind(self) -> bool:
        """Nobody looks ahead any more."""
        return self._all_broken(FRONT)

    def side_blind(self, side: str) -> bool:
        """Nobody looks to the side (`left` or `right`) any more."""
        return side in self.blind_sides

    @cached_property
    def blind_sides(self) -> tuple[str, ...]:
        """Sides to which nobody looks any more."""
        return tuple(side for side in SIDES if self._all_broken(SIDES[side]))

    def change_blind(self, side: str) -> bool:
        """A radar of this side is gone: who comes from behind, or beside, may stay unseen."""
        return any(name in self.broken for name in SIDES[side] if name.startswith("radar"))

    def codes(self) -> tuple[tuple[str, str], ...]:
        """Codes and words (at most 30 characters), the gravest first."""
        return self._codes

    @cached_property
    def _codes(self) -> tuple[tuple[str, str], ...]:
        found = []
        if self.front_blind:
            found.append(("front_blind", "Sees nothing ahead"))
        found.extend((f"{side}_blind", f"Sees nothing to the {side}") for side in self.blind_sides)
        for code, names in (
            ("lost", self.lost),
            ("frozen", self.frozen),
            ("late", self.late),
            ("noisy", self.noisy),
        ):
            found.extend((f"{name}_{code}", f"{_word(name)} {_HOW[code]}") for name in names)
        if self.gnss_lost:
            found.append(("gnss_lost", "Satellite position lost"))
        if self.gnss_off:
            found.append(("gnss_off", "Satellite position is wrong"))
        return tuple(found)

    def _all_broken(self, names: tuple[str, ...]) -> bool:
        known = [name for name in names if name in self.known]
        return bool(known) and all(name in self.broken for name in known)


_HOW: Final = {"lost": "lost", "frozen": "hangs", "late": "late", "noisy": "unsteady"}
_WORDS: Final = {
    "radar_front": "Front radar",
    "radar_front_left": "Front left radar",
    "radar_front_right": "Front right radar",
    "radar_rear_left": "Rear left radar",
    "radar_rear_right": "Rear right radar",
    "camera_front": "Front camera",
    "camera_left": "Left camera",
    "camera_right": "Right camera",
    "camera_rear": "Rear camera",
    "ultrasonic": "Parking sensors",
}


def _word(name: str) -> str:
    """What a sensor is called in words for the driver, at most 20 characters."""
    return _WORDS.get(name, name.replace("_", " ").capitalize())[:20]


def sensor_health(
    tracker: Tracker,
    now_ns: int,
    tuning: HealthTuning,
    *,
    gnss_lost: bool = False,
    gnss_off: bool = False,
) -> SensorHealth:
    """What the tracker's memory of its frames says about each sensor."""
    lost, frozen, late, noisy = [], [], [], []
    noise = tracker.noise[:, :2].tolist()
    for index, name in enumerate(tracker.sensors):
        if (now_ns - tracker.heard_ns[index]) / NS_PER_S > tuning.lost_s:
            lost.append(name)
        elif tracker.frozen[index] >= tuning.frozen_frames:
            frozen.append(name)
        elif tracker.lag_s[index] > tuning.late_s:
            late.append(name)
        along_m, across_m = noise[index]
        if along_m > tuning.noisy_m[0] and across_m > tuning.noisy_m[1]:
            noisy.append(name)
    return SensorHealth(
        *(tuple(lost), tuple(frozen), tuple(late), tuple(noisy), tracker.sensors),
        *(gnss_lost, gnss_off),
    )


@dataclass(frozen=True, slots=True)
class Watch:
    """Health over time: since when nobody looks ahead, and how far sight can be relied on."""

    health: SensorHealth = field(default_factory=SensorHealth)
    stamp_ns: int = 0
    ahead_ns: int = 0
    """When somebody last looked ahead."""
    camera_ns: int = 0
    """When the front camera last worked."""
    sight_m: float = 200.0

    @property
    def blind_s(self) -> float:
        """For how long nobody has looked ahead."""
        return (self.stamp_ns - self.ahead_ns) / NS_PER_S

    @property
    def camera_s(self) -> float:
        """For how long the front camera has been broken."""
        return (self.stamp_ns - self.camera_ns) / NS_PER_S

    @property
    def blind_sides(self) -> tuple[int, ...]:
        """Sides to which no lane is changed: +1 left, -1 right."""
        sides = (("left", 1), ("right", -1))
        return tuple(sign for side, sign in sides if self.health.change_blind(side))


def keep_watch(
    before: Watch, tracker: Tracker, ego: Ego, tuning: HealthTuning, *, gnss_off: bool = False
) -> Watch:
    """Health at a pilot tick; gnss_off: as `belief.gnss_is_off` says."""
    now_ns = ego.stamp_ns
    last = ego.last_gnss
    silent_s = 0.0 if last is None else (now_ns - last.stamp_ns) / NS_PER_S
    gnss_lost = silent_s > tuning.gnss_lost_s
    health = sensor_health(tracker, now_ns, tuning, gnss_lost=gnss_lost, gnss_off=gnss_off)
    if health == before.health:
        health = before.health
    seeing, broken = not health.front_blind, health.broken
    return Watch(
        health=health,
        stamp_ns=now_ns,
        ahead_ns=now_ns if seeing else min(before.ahead_ns, now_ns),
        camera_ns=min(before.camera_ns, now_ns) if CAMERA in broken else now_ns,
        sight_m=_sight_m(before, health, ego, tuning),
    )


def _sight_m(before: Watch, health: SensorHealth, ego: Ego, tuning: HealthTuning) -> float:
    """What is left of sight, shrunk no faster than the car can slow down for it."""
    aim_m = tuning.sight_m
    if health.front_blind:
        aim_m = tuning.blind_m
    elif "radar_front" in health.broken:
        aim_m = tuning.radar_gone_m
    elif CAMERA in health.broken:
        aim_m = tuning.camera_gone_m
    dt_s = min(max((ego.stamp_ns - before.stamp_ns) / NS_PER_S, 0.0), 0.1)
    if aim_m >= before.sight_m:
        return min(before.sight_m + tuning.widen_mps * dt_s, aim_m)
    speed_mps = max(ego.speed_mps, 0.0)
    needed_m = speed_mps * tuning.react_s + 0.5 * speed_mps**2 / tuning.stop_mps2
    slow_mps2 = tuning.blind_mps2 if health.front_blind else tuning.slow_mps2
    shrink_mps = slow_mps2 * (speed_mps / tuning.stop_mps2 + tuning.react_s)
    held_m = min(before.sight_m, needed_m)
    return max(held_m - shrink_mps * dt_s, aim_m)
