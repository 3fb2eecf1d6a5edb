"""The cut-in grid: 1 320 passes of a car that moves over in front, under conditions of their own.

Ego 20, 40, 60 km/h against others slower by 10 at least, gaps 1 to 57 m; ego 70 to 130 km/h, gaps 1 to
113 m; lateral speeds 0.2 to 1.4 m/s ramped at 1.5 m/s2. Both 1.9 m wide, 3.5 m apart, so 1.6 m side to
side. True states; a driver's wish acts `delay_s` later, jerk limited to 12.65 m/s3 down and 3 up, at most
0.774 g. Only braking answers: nobody steers. The gap counts from the ego's front to the other's rear. A
crash is a touch with the ego's front behind the other's front; later the other runs into the ego's side.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

KMH: Final = 1.0 / 3.6
STEP_S: Final = 0.05
LENGTH_M: Final = 5.0
WIDTH_M: Final = 1.9
BESIDE_M: Final = 1.6
RAMP_MPS2: Final = 1.5
ACTUATION_S: Final = 0.2
JERK_DOWN_MPS3: Final = 12.65
JERK_UP_MPS3: Final = 3.0
MOST_BRAKE_MPS2: Final = 0.774 * 9.81
MOST_ACCEL_MPS2: Final = 2.0
AFTER_S: Final = 4.0
"""Watched on after the other is in its lane and nothing closes in any more."""
LONGEST_S: Final = 40.0
HARD_MPS2: Final = 4.0
LATERAL_MPS: Final = (0.2, 0.6, 1.0, 1.4)


@dataclass(frozen=True, slots=True)
class CutIn:
    """One pass of the grid."""

    ego_mps: float
    other_mps: float
    gap_m: float
    lateral_mps: float

    @property
    def name(self) -> str:
        """Such as `ego-60-other-30-gap-13-lat-0.6`."""
        ego, other = round(self.ego_mps / KMH), round(self.other_mps / KMH)
        return f"ego-{ego}-other-{other}-gap-{self.gap_m:g}-lat-{self.lateral_mps:g}"


@dataclass(frozen=True, slots=True)
class View:
    """What a driver is told, all true."""

    time_s: float
    speed_mps: float
    accel_mps2: float
    other_mps: float
    gap_m: float
    """From the ego's front to the other's rear; below -LENGTH_M it is passed."""
    beside_m: float
    """Between the sides; 0 and below: in the ego's way."""
    moved_m: float
    """How far the other has come over."""
    lateral_mps: float
    """Towards the ego's way."""


Brain = Callable[[View], float]
"""Wish for acceleration; made anew for each pass, so it may remember."""


@dataclass(frozen=True, slots=True)
class Pass:
    """How a pass ended."""

    crashed: bool
    impact_mps: float
    hardest_mps2: float
    """Strongest braking, negative."""


def grid() -> tuple[CutIn, ...]:
    """All 1 320 passes: 540 low, 780 high."""
    low = [
        CutIn(ego * KMH, other * KMH, float(gap), lateral)
        for ego in (20, 40, 60)
        for other in range(10, ego - 9, 10)
        for gap in range(1, 58, 4)
        for lateral in LATERAL_MPS
    ]
    high = [
        CutIn(ego * KMH, other * KMH, float(gap), lateral)
        for ego in (70, 90, 110, 130)
        for other in range(10, ego, 30)
        for gap in range(1, 114, 8)
        for lateral in LATERAL_MPS
    ]
    return (*low, *high)


def drive(case: CutIn, brain: Brain, delay_s: float = ACTUATION_S) -> Pass:
    """One pass with one driver."""
    speed, accel, gap, moved, lateral = case.ego_mps, 0.0, case.gap_m, 0.0, 0.0
    whole = BESIDE_M + WIDTH_M
    waiting: deque[float] = deque([0.0] * round(delay_s / STEP_S))
    hardest, calm_s, time_s = 0.0, 0.0, 0.0
    while time_s < LONGEST_S and calm_s < AFTER_S:
        beside = BESIDE_M - moved
        if beside < 0.0 and -LENGTH_M < gap < 0.0:
            return Pass(True, max(speed - case.other_mps, 0.0), hardest)
        view = View(time_s, speed, accel, case.other_mps, gap, beside, moved, lateral)
        waiting.append(max(-MOST_BRAKE_MPS2, min(MOST_ACCEL_MPS2, brain(view))))
        wish = waiting.popleft()
        change = max(-JERK_DOWN_MPS3 * STEP_S, min(JERK_UP_MPS3 * STEP_S, wish - accel))
        accel += change
        before = speed
        speed = max(0.0, speed + accel * STEP_S)
        if speed == 0.0:
            accel = max(accel, 0.0)
        hardest = min(hardest, accel)
        gap += (case.other_mps - 0.5 * (before + speed)) * STEP_S
        lateral = min(lateral + RAMP_MPS2 * STEP_S, case.lateral_mps) if moved < whole else 0.0
        moved = min(moved + lateral * STEP_S, whole)
        passed = gap < -2.0 * LENGTH_M
        settled = moved >= whole and speed <= case.other_mps + 0.05
        calm_s = calm_s + STEP_S if passed or settled else 0.0
        time_s += STEP_S
    return Pass(False, 0.0, hardest)


def required_mps2(view: View) -> float:
    """Deceleration that just avoids the contact at the other's present speed; inf when too late."""
    closing = view.speed_mps - view.other_mps
    if closing <= 0.0:
        return 0.0
    return closing * closing / (2.0 * view.gap_m) if view.gap_m > 0.0 else math.inf


def is_harmless(case: CutIn) -> bool:
    """Whether a driver who does nothing passes without a crash."""
    return not drive(case, lambda _view: 0.0).crashed
