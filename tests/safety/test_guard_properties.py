"""Whatever comes in, the guard's output keeps to the rows of its source and nothing raises."""

import math
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.safety.builders import SETTINGS, TICK_NS, arc_path, car_state, command, request
from volant.core.messages import (
    CommandSource,
    DriverControls,
    Gear,
    GuardDecision,
    RequestKind,
    StopPath,
)
from volant.safety import driver, guard
from volant.safety.guard import GuardInput, GuardState, Permission
from volant.safety.limits import LIMITS, Quantity

ROWS = {(one.source, one.quantity): one for one in LIMITS}
EPS = 1e-9

wild = st.one_of(st.floats(-9.0, 4.0), st.floats(-25.0, 25.0), st.just(math.nan), st.just(math.inf))
bends = st.one_of(st.floats(-0.02, 0.02), st.floats(-1.5, 1.5), st.just(math.nan))
small = st.floats(-1.0, 1.0, allow_subnormal=False)
controls = st.one_of(
    *[st.just(DriverControls())] * 6,
    st.builds(
        DriverControls,
        accelerator=st.sampled_from([0.0, 0.5, 1.0]),
        brake=st.sampled_from([0.0, 0.0, 0.4, math.nan]),
        wheel_torque_nm=st.sampled_from([0.0, 5.0]),
        wheel_angle_rad=st.floats(-7.0, 7.0),
    ),
)
one_tick = st.fixed_dictionaries(
    {
        "accel": wild,
        "bend": bends,
        "gear": st.sampled_from([Gear.DRIVE, Gear.DRIVE, Gear.REVERSE]),
        "gust_mps2": st.floats(-4.0, 4.0),
        "controls": controls,
        "kind": st.sampled_from([None, None, RequestKind.ENGAGE, RequestKind.CANCEL]),
        "stalled": st.sampled_from([1, 1, 1, 1, 1, 0, 2, 30, -1]),
        "dead": st.sampled_from([False, False, True]),
        "frozen": st.sampled_from([False, False, True]),
        "valid": st.sampled_from([True, True, True, False]),
        "minimal_risk": st.booleans(),
        "pilot_off": st.sampled_from([False, False, False, True]),
        "aeb": st.one_of(st.none(), st.none(), wild),
        "near": st.booleans(),
        "path": st.sampled_from([None, 0.0, 0.004, math.nan]),
        "repeat": st.integers(1, 30),
    }
)


class Watch:
    """Knows the rows, not the guard: checks each output against those before it."""

    def __init__(self) -> None:
        self.accel = self.bend = 0.0
        self.accels: deque[float] = deque(maxlen=100)
        self.laterals: deque[float] = deque(maxlen=50)
        self.stamp_ns = -TICK_NS

    def check(self, given_: GuardInput, state: GuardState, decision: GuardDecision) -> None:
        done = decision.command
        assert math.isfinite(done.accel_mps2)
        assert math.isfinite(done.curvature_per_m)
        span_s = min(max(given_.stamp_ns - self.stamp_ns, 0), 2 * TICK_NS) * 1e-9
        self.stamp_ns = given_.stamp_ns
        if decision.reason == "no_car_state":
            return
        hands = state.car.driver if state.car else DriverControls()
        if given_.car is not None and driver.is_finite(given_.car.driver):
            hands = given_.car.driver
        speed = abs(state.speed_mps)
        by_hand = state.permission is Permission.DRIVER
        steered = by_hand or abs(hands.wheel_torque_nm) > 3.0
        pedalled = by_hand or hands.accelerator > 0.02
        mover = self._source(given_, state)
        urgent = not pedalled and self._urgent(given_, state, mover)
        if decision.source is CommandSource.AEB or urgent:
            self._along(CommandSource.AEB, done.accel_mps2, speed, span_s)
        elif not pedalled:
            self._along(mover, done.accel_mps2, speed, span_s)
        if not steered:
            self._across(mover, done.curvature_per_m, speed, span_s)
        if by_hand and decision.source is CommandSource.DRIVER:
            assert not decision.limited
        if decision.source is CommandSource.COMFORT and not decision.limited:
            assert done is given_.command
        if pedalled:
            self.accels.clear()
        if steered:
            self.laterals.clear()
        self.accel, self.bend = done.accel_mps2, done.curvature_per_m
        self.accels.append(self.accel)
        self.laterals.append(speed * speed * self.bend)

    @staticmethod
    def _urgent(given_: GuardInput, state: GuardState, mover: CommandSource) -> bool:
        if mover is not CommandSource.COMFORT or not given_.near or state.command is None:
            return False
        least = ROWS[mover, Quantity.ACCEL_MIN].at(abs(state.speed_mps))
        return state.command.accel_mps2 < least

    def _source(self, given_: GuardInput, state: GuardState) -> CommandSource:
        if state.permission is Permission.STOPPING or given_.minimal_risk:
            return CommandSource.MINIMAL_RISK
        return CommandSource.COMFORT

    def _along(self, source: CommandSource, value: float, speed: float, span_s: float) -> None:
        step = ROWS[source, Quantity.JERK].at(speed) * span_s
        assert abs(value - self.accel) <= step + EPS
        low, high = (
            ROWS[source, one].at(speed) for one in (Quantity.ACCEL_MIN, Quantity.ACCEL_MAX)
        )
        mean = ROWS.get((source, Quantity.DECEL_JERK_MEAN))
        if mean is not None:
            ago = self.accels[0] if self.accels else self.accel
            low = max(low, min(min(ago, 0.0) - mean.at(speed) * mean.window_s, high))
        # Inside, or on the way back as fast as jerk allows.
        assert value >= min(low, self.accel + step) - EPS
        assert value <= max(high, self.accel - step) + EPS

    def _across(self, source: CommandSource, value: float, speed: float, span_s: float) -> None:
        turn = math.atan(2.6 * value) - math.atan(2.6 * self.bend)
        assert abs(turn) <= 0.5 * span_s + EPS or abs(self.bend) > 5.0
        if speed <= 0.5:
            return
        square = speed * speed
        step = ROWS[source, Quantity.LATERAL_JERK].at(speed) * span_s / square
        assert abs(value - self.bend) <= step + EPS
        steer = math.atan(2.6 * self.bend)
        most = min(3.0 / square, 0.2)
        assert abs(value) <= max(most, abs(self.bend) - min(step, self._reach(steer, span_s))) + EPS

    @staticmethod
    def _reach(steer: float, span_s: float) -> float:
        """How far towards straight the road wheels can turn the curvature in this time."""
        size = min(abs(steer), 1.5)
        return (math.tan(size) - math.tan(size - 0.5 * span_s)) / 2.6


def path_of(bend: float | None, stamp_ns: int) -> StopPath | None:
    return None if bend is None else arc_path(stamp_ns, 120.0, bend)


@settings(max_examples=60)
@given(st.lists(one_tick, min_size=1, max_size=25), st.floats(-3.0, 45.0))
def test_the_output_keeps_to_its_rows_whatever_comes_in(
    ticks: list[dict[str, object]], speed: float
) -> None:
    state, watch, now = guard.start(), Watch(), 1_000_000_000
    car = car_state(now, speed)
    for tick in ticks:
        get = tick.__getitem__
        for number in range(int(get("repeat"))):  # type: ignore[call-overload]
            now += int(get("stalled") if number == 0 else 1) * TICK_NS  # type: ignore[call-overload]
            speed = min(max(speed + float(get("gust_mps2")) * 0.01, -5.0), 60.0)  # type: ignore[arg-type]
            if not get("frozen"):
                car = car_state(now, speed, driver=get("controls"), valid=get("valid"))
            given_ = GuardInput(
                now,
                car,
                None if get("dead") else command(now, get("accel"), get("bend"), gear=get("gear")),  # type: ignore[arg-type]
                None if get("aeb") is None else command(now, get("aeb")),  # type: ignore[arg-type]
                path_of(get("path"), now) if number % 5 == 0 else None,  # type: ignore[arg-type]
                (request(now, get("kind")),) if get("kind") and number == 0 else (),  # type: ignore[arg-type]
                bool(get("minimal_risk")),
                bool(get("pilot_off")),
                near=bool(get("near")),
            )
            state, decision = guard.check(state, given_, SETTINGS)
            watch.check(given_, state, decision)


@settings(max_examples=30)
@given(st.lists(st.tuples(small, small), min_size=10, max_size=200), st.floats(0.0, 40.0))
def test_gentle_driving_is_never_touched(wishes: list[tuple[float, float]], speed: float) -> None:
    """A pilot within 2 m/s3 and 4 m/s3 across, from rest of both, passes as the same object."""
    state, _ = guard.check(guard.start(), GuardInput(0, car_state(0, 0.0), None), SETTINGS)
    accel = bend = 0.0
    square = max(speed * speed, 25.0)
    for number, (along, across) in enumerate(wishes, 1):
        now = number * TICK_NS
        accel = min(max(accel + 0.02 * along, -2.0), 1.5)
        bend = min(max(bend + 0.04 * across / square, -2.0 / square), 2.0 / square)
        ask = command(now, accel, bend)
        kinds = (request(now),) if number == 1 else ()
        given_ = GuardInput(now, car_state(now, speed), ask, requests=kinds)
        state, decision = guard.check(state, given_, SETTINGS)
        assert decision.source is CommandSource.COMFORT
        assert decision.command is ask, decision.limits
