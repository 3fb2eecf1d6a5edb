"""Lane departure, lane keeping and the blind spot, in a lane of their own."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from tests.safety.builders import car_state
from volant.core.chance import Chance
from volant.core.messages import (
    DriverControls,
    Indicator,
    LaneReturn,
    LaneWarning,
    MarkKind,
    ObjectClass,
    Track,
    Tracks,
)
from volant.pilot import warn
from volant.pilot.geometry import CarGeometry
from volant.pilot.warn import WarnInput, WarnState, WarnTuning

CAR = CarGeometry(
    length_m=4.45, width_m=1.82, rear_overhang_m=0.92, wheelbase_m=2.625, max_curvature_per_m=0.18
)
TUNING = WarnTuning()
WIDTH_M = 3.6
TICK_NS = 10_000_000


def test_a_speed_that_no_car_has_adds_nothing_and_raises_nothing() -> None:
    state = WarnState(keep_mps2=1.0)
    for speed_mps in (1e300, math.inf, math.nan, -math.inf):
        assert warn.correction_per_m(state, speed_mps) == pytest.approx(0.0) or speed_mps < 0.0
    assert warn.correction_per_m(state, 10.0) == pytest.approx(0.01)


@dataclass
class Lane:
    """A straight lane and a car in it that is driven by hand; `keeping` lets the correction steer."""

    speed_mps: float = 25.0
    heading_rad: float = 0.0
    offset_m: float = 0.0
    keeping: bool = False
    noise_m: float = 0.0
    noise_rad: float = 0.0
    indicator: Indicator = Indicator.OFF
    torque_nm: float = 0.0
    marks: MarkKind = MarkKind.BROKEN
    seed: int = 1

    def __post_init__(self) -> None:
        self.state = WarnState()
        self.tick = 0
        self.chance = Chance.of(self.seed, "warn-test")
        self.waiting: list[tuple[int, LaneReturn]] = []
        self.told: list[tuple[float, LaneWarning]] = []
        self.across: list[float] = []

    def advance(self) -> None:
        now_ns = self.tick * TICK_NS
        bend = warn.correction_per_m(self.state, self.speed_mps) if self.keeping else 0.0
        self.across.append(bend * self.speed_mps**2)
        self.heading_rad += self.speed_mps * bend * 0.01
        self.offset_m += self.speed_mps * math.sin(self.heading_rad) * 0.01
        if self.tick % 5 == 0:
            self.waiting.append((now_ns + 80_000_000, self._see(now_ns)))
        lane = None
        if self.waiting and self.waiting[0][0] <= now_ns:
            lane = self.waiting.pop(0)[1]
        car = car_state(
            now_ns,
            self.speed_mps,
            yaw_rate_rps=self.speed_mps * bend,
            indicator=self.indicator,
            driver=DriverControls(wheel_torque_nm=self.torque_nm),
        )
        given = WarnInput(now_ns, car, lane, None, 0.0, 0.0, 0.0, True, self.keeping, False)
        before = self.state.departure
        self.state = warn.step(self.state, given, CAR, TUNING)
        if self.state.departure is not before:
            self.told.append((self.room_m, self.state.departure))
        self.tick += 1

    def run(self, span_s: float) -> None:
        for _ in range(round(100 * span_s)):
            self.advance()

    @property
    def room_m(self) -> float:
        """From the nearer front wheel to its line."""
        front_m = self.offset_m + CAR.wheelbase_m * math.sin(self.heading_rad)
        return 0.5 * (WIDTH_M - CAR.width_m) - abs(front_m)

    def _see(self, now_ns: int) -> LaneReturn:
        return LaneReturn(
            stamp_ns=now_ns,
            offset_m=self.offset_m + self.chance.normal(2 * self.tick, 0.0, self.noise_m),
            heading_rad=self.heading_rad
            + self.chance.normal(2 * self.tick + 1, 0.0, self.noise_rad),
            curvature_per_m=0.0,
            width_m=WIDTH_M,
            left_mark=self.marks,
            right_mark=self.marks,
            confidence=0.9,
        )


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("drift_mps", [-0.8, -0.5, -0.3, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("speed_mps", [17.0, 25.0, 36.0])
def test_it_warns_before_the_wheel_is_on_the_line_and_not_far_before(
    speed_mps: float, drift_mps: float, noisy: bool
) -> None:
    lane = Lane(speed_mps, noise_m=0.05 * noisy, noise_rad=0.005 * noisy)
    lane.run(1.0)
    lane.heading_rad = math.asin(drift_mps / speed_mps)
    while lane.room_m > 0.0:
        lane.advance()
    room_m, side = lane.told[0]
    assert side is (LaneWarning.LEFT if drift_mps > 0.0 else LaneWarning.RIGHT)
    assert 0.0 <= room_m < (1.0 if noisy else 0.9 * abs(drift_mps) + 0.05)


def test_a_car_in_its_lane_is_left_alone() -> None:
    for seed in range(12):
        lane = Lane(30.0, noise_m=0.05, noise_rad=0.003, offset_m=0.05 * (seed - 6), seed=seed)
        lane.run(20.0)
        assert lane.told == []


def test_the_turn_signal_says_that_it_is_meant() -> None:
    for indicator in (Indicator.LEFT, Indicator.HAZARD):
        lane = Lane(indicator=indicator, heading_rad=0.02)
        lane.run(2.0)
        assert lane.told == []
    assert warned(Indicator.RIGHT)


def warned(indicator: Indicator) -> bool:
    lane = Lane(indicator=indicator, heading_rad=0.02)
    lane.run(2.0)
    return bool(lane.told)


def test_without_marks_or_without_a_camera_there_is_no_warning() -> None:
    lane = Lane(heading_rad=0.02, marks=MarkKind.NONE)
    lane.run(2.0)
    assert lane.told == []


def test_broken_lane_returns_are_no_returns() -> None:
    lane = Lane(heading_rad=0.02, noise_m=math.nan)
    lane.run(2.0)
    assert lane.told == []
    assert math.isfinite(lane.state.keep_mps2)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("drift_mps", [-0.7, -0.4, 0.2, 0.5, 0.7])
def test_lane_keeping_brings_a_drifting_car_back_gently(drift_mps: float, noisy: bool) -> None:
    lane = Lane(25.0, keeping=True, noise_m=0.05 * noisy, noise_rad=0.003 * noisy)
    lane.run(1.0)
    lane.heading_rad = math.asin(drift_mps / 25.0)
    least_m = math.inf
    for _ in range(1000):
        lane.advance()
        least_m = min(least_m, lane.room_m)
    across = np.array(lane.across)
    assert least_m > -0.1
    assert np.abs(across).max() <= 3.0
    assert np.abs(np.diff(across)).max() <= 5.0 * 0.01 + 1e-9
    assert lane.room_m > 0.1


def test_the_drivers_hands_end_the_correction_in_the_same_tick() -> None:
    lane = Lane(25.0, keeping=True, heading_rad=0.025)
    while abs(lane.state.keep_mps2) < 0.5:
        lane.advance()
    for torque_nm in (-3.5, 3.5, math.nan):
        kept = lane.state
        lane.torque_nm = torque_nm
        lane.advance()
        assert lane.state.keep_mps2 == 0.0
        lane.state, lane.torque_nm = kept, 0.0


# --- blind spot -----------------------------------------------------------------------------------


def track(
    ahead_m: float, aside_m: float, speed_mps: float, yaw_rad: float = 0.0, track_id: int = 1
) -> Track:
    return Track(
        track_id=track_id,
        object_class=ObjectClass.CAR,
        x_m=ahead_m,
        y_m=aside_m,
        yaw_rad=yaw_rad,
        speed_mps=speed_mps,
        accel_mps2=0.0,
        yaw_rate_rps=0.0,
        length_m=4.4,
        width_m=1.8,
        height_m=1.5,
        existence=0.9,
        age_s=2.0,
        unseen_s=0.0,
    )


def beside(*tracks: Track, speed_mps: float = 25.0) -> tuple[bool, bool]:
    car = car_state(0, speed_mps)
    found = Tracks(stamp_ns=0, tracks=tracks)
    given = WarnInput(0, car, None, found, 0.0, 0.0, 0.0, False, False, True)
    state = warn.step(WarnState(), given, CAR, TUNING)
    return state.blind_left, state.blind_right


def test_who_is_beside_or_just_behind_is_told_on_its_side() -> None:
    for ahead_m in (-5.0, -2.0, 0.0, 2.0):
        assert beside(track(ahead_m, 3.5, 25.0)) == (True, False)
        assert beside(track(ahead_m, -3.5, 25.0)) == (False, True)


@pytest.mark.parametrize("closing_mps", [3.0, 6.0, 10.0, 15.0, 20.0])
def test_who_comes_up_beside_is_told_at_two_and_a_half_seconds_at_the_latest(
    closing_mps: float,
) -> None:
    at_m = -CAR.rear_overhang_m - 2.2 - 2.5 * closing_mps
    assert beside(track(at_m, 3.5, 25.0 + closing_mps)) == (True, False)
    far_m = at_m - 1.5 * closing_mps
    assert beside(track(far_m, 3.5, 25.0 + closing_mps)) == (False, False)


@pytest.mark.parametrize(
    "other",
    [
        track(0.0, 3.5, -25.0, math.pi),
        track(0.0, 3.5, 25.0, math.pi),
        track(0.0, 3.5, 0.0),
        track(0.0, 7.2, 25.0),
        track(-10.0, 0.0, 30.0),
        track(12.0, 3.5, 25.0),
        track(-20.0, 3.5, 25.0),
    ],
)
def test_who_is_no_matter_is_not_told(other: Track) -> None:
    assert beside(other) == (False, False)
