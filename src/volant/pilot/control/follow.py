"""From the chosen motion to acceleration and curvature, at every control tick.

Across: the curvature of the road a little ahead (the steering answers late) and feedback on offset and
its rate, predicted over the same delay. Along: the acceleration that the plan wants, within its limits
of jerk. Both begin where the car is, so switching on never jerks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.messages import Command, Gear, Indicator
from volant.pilot.course import Course
from volant.pilot.geometry import CarGeometry
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.localize_kernels import bends
from volant.pilot.planning.lanes import Change, Phase
from volant.pilot.planning.motion import Motion
from volant.pilot.planning.propose import ProposeTuning, shift_s
from volant.pilot.planning.shift import Shift, Side, advance, begin

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FollowTuning:
    """Gains and limits of control."""

    delay_s: float = 0.13
    """Steering: 40 ms dead time and 80 ms lag (vehicle.md section 3), and a tick."""
    smooth_s: float = 0.35
    """A bend is met from this much before its place to this much behind: nobody steers in steps, though
    roads may bend in them; 1.7 m/s2 come and go at 2.4 m/s3."""
    stiffness_rps: float = 1.1
    """Natural frequency of the offset: back on the line in about 4 s, as a calm driver does."""
    slip_gain: float = -0.005
    """rad per m/s2: the axle's slip that entering a bend builds up (as in perception/localize.py)."""
    damping: float = 1.0
    """Critical: no overshoot across the lane."""
    slow_mps: float = 4.0
    """Below this speed the feedback is that of this speed, for v^2 is in the denominator."""
    memory_per_s: float = 0.25
    """Integral share of the feedback: takes up bank, wind and a steering that is a little off."""
    memory_mps2: float = 0.3
    """Most that the integral may ask for."""
    lateral_mps2: float = 2.8
    """ISO 11270 and UN R79: 3.0 (guard's row); a little inside it."""
    lateral_jerk_mps3: float = 3.0
    """UN R79: 5.0 over 0.5 s; inside it."""
    bend_rate: float = 0.15
    """1/m per second: steering of 0.4 rad/s on a wheelbase of 2.6 m, inside the guard's row of 0.5."""
    still_mps: float = 0.2
    """Below this the wheels are not turned."""
    jerk_up_mps3: float = 1.5
    """Calm, well inside 2.5 (pilot.md section 5)."""
    jerk_down_mps3: float = 2.4
    """ISO 15622 allows 2.5 (1 s mean) above 20 m/s and 5.0 below 5 m/s, recalled."""
    jerk_low_mps3: float = 4.8
    """Likewise at low speed."""
    urgent_mps2: float = -2.6
    """Braking harder than this is taken up at once, as far as the mean over one second allows."""
    urgent_jerk_mps3: float = 7.0
    """Inside 8.37, the guard's row for a single tick (nuPlan's comfort gate)."""
    emergency_jerk_mps3: float = 30.0
    """Where the plan brakes in an emergency: the actuator is the slower one (0.1 to 0.3 s to 9 m/s2)."""
    ease_jerk_mps3: float = 8.0
    """Back from it, as in the plan's roll-outs."""
    side_stiffness_rps: float = 0.9
    """A change of offset takes about 4 s."""
    side_mps2: float = 0.6
    """Of a change of offset within the lane."""
    back_s: float = 3.0
    """To come back into the lane out of a lane change that was broken off: longer, and what has been begun
    carries the car over the line first."""
    hold_accel_mps2: float = -0.4
    """Asked for while the brakes hold."""


class Control(msgspec.Struct, frozen=True):
    """What control remembers."""

    accel_mps2: float = 0.0
    curvature_per_m: float = 0.0
    hold: bool = False
    side: Side = (0.0, 0.0, 0.0)
    """Offset, rate and acceleration of the path followed across the road."""
    shift: Shift | None = None
    """The lane change under way."""
    memory_mps2: float = 0.0
    """Integral of the lateral feedback."""
    past_mps2: tuple[float, ...] = (0.0,) * 11
    """Acceleration asked for, every 0.1 s of the last second, oldest first."""
    past_count: int = 0


def rest(control: Control, ego: Ego) -> Control:
    """Follow what the car does while somebody else drives, so that taking over begins from there."""
    speed_mps = ego.speed_mps
    rate_mps = speed_mps * math.sin(ego.heading_error_rad + ego.slip_rad)
    bend = ego.yaw_rate_rps / speed_mps if speed_mps > 1.0 else 0.0
    return replace(
        control,
        accel_mps2=min(max(ego.accel_mps2, -3.0), 2.0),
        curvature_per_m=bend,
        hold=speed_mps < 0.1,
        side=(ego.offset_m, min(max(rate_mps, -0.5), 0.5), 0.0),
        shift=None,
        memory_mps2=0.0,
        past_mps2=(min(max(ego.accel_mps2, -3.0), 2.0),) * 11,
    )


def follow(
    control: Control,
    ego: Ego,
    motion: Motion | None,
    course: Course,
    car: CarGeometry,
    dt_s: float,
    tuning: FollowTuning,
    shifts: ProposeTuning,
) -> Control:
    """One control tick; without a motion the car is slowed gently along the road as it is known."""
    shift, side = _steer(control, ego, motion, course, dt_s, tuning, shifts)
    memory, curvature = _across(control, ego, side, course, car, dt_s, tuning)
    wanted = motion.accel_mps2 if motion is not None else -1.5
    hold = (motion.hold if motion is not None else True) and abs(ego.speed_mps) < 0.15
    if motion is not None and motion.urgent and wanted < control.accel_mps2:
        accel = max(wanted, control.accel_mps2 - tuning.emergency_jerk_mps3 * dt_s)
    else:
        accel = _along(control, ego, wanted, hold, dt_s, tuning)
    past, count = _remember(control, accel)
    return Control(accel, curvature, hold, side, shift, memory, past, count)


def command_of(control: Control, motion: Motion | None, stamp_ns: int) -> Command:
    """The command message."""
    lit = 0 if motion is None else motion.lit
    return Command(
        stamp_ns=stamp_ns,
        accel_mps2=control.accel_mps2,
        curvature_per_m=control.curvature_per_m,
        gear=Gear.DRIVE,
        indicator=(Indicator.OFF, Indicator.LEFT, Indicator.RIGHT)[lit],
        hold=control.hold,
    )


def _steer(
    control: Control,
    ego: Ego,
    motion: Motion | None,
    course: Course,
    dt_s: float,
    tuning: FollowTuning,
    shifts: ProposeTuning,
) -> tuple[Shift | None, Side]:
    """Where to be across the road: in the lane, or on the way to the next."""
    change = motion.change if motion is not None else Change()
    middle_m = float(course.centre_m[course.row(ego.station_m)])
    side, shift = control.side, control.shift
    moves = change.phase is Phase.MOVE
    beside_m = course.beside_m(ego.station_m, change.direction) if moves else math.nan
    if moves and not change.over and shift is None and math.isfinite(beside_m):
        time_s = shift_s(beside_m - side[0], shifts)
        shift = begin(side, beside_m, change.direction, time_s, ego.speed_mps)
    elif not moves and shift is not None and shift.direction != 0:
        shift = begin(side, middle_m, 0, tuning.back_s, ego.speed_mps)
    if shift is not None:
        target_m = middle_m
        if shift.direction != 0:
            target_m = course.beside_m(ego.station_m, shift.direction)
            if not math.isfinite(target_m):  # the lane beside has gone: back
                target_m, shift = middle_m, begin(side, middle_m, 0, tuning.back_s, ego.speed_mps)
        return advance(shift, target_m, ego.speed_mps, dt_s)
    aside_m = middle_m + motion.aside_m if motion is not None else side[0]
    return None, _steer_side(side, aside_m, dt_s, tuning)


def _steer_side(side: Side, target_m: float, dt_s: float, tuning: FollowTuning) -> Side:
    """Move the followed offset towards its target, critically damped."""
    stiff = tuning.side_stiffness_rps
    accel = stiff * stiff * (target_m - side[0]) - 2.0 * stiff * side[1]
    accel = min(max(accel, -tuning.side_mps2), tuning.side_mps2)
    rate = side[1] + accel * dt_s
    return (side[0] + rate * dt_s, rate, accel)


def _across(
    control: Control,
    ego: Ego,
    side: tuple[float, float, float],
    course: Course,
    car: CarGeometry,
    dt_s: float,
    tuning: FollowTuning,
) -> tuple[float, float]:
    """Integral and curvature."""
    speed = max(ego.speed_mps, 0.0)
    delay = tuning.delay_s
    station = ego.station_m
    reach = max(tuning.smooth_s * speed, 1.0)
    bend_now, bend, bend_rate = bends(
        course.table, course.step_m, station, station + speed * delay, reach
    )
    # Offset and rate when the steering will have answered.
    rate = speed * math.sin(ego.heading_error_rad + ego.slip_rad)
    drift = speed * (ego.yaw_rate_rps - ego.yaw_bias_rps - speed * bend_now)
    miss = ego.offset_m + delay * (rate + 0.5 * delay * drift) - side[0] - delay * side[1]
    miss_rate = rate + delay * drift - side[1]
    stiff = tuning.stiffness_rps
    memory = control.memory_mps2
    if speed > 1.0 and abs(miss) < 0.5:
        memory -= tuning.memory_per_s * stiff * stiff * miss * dt_s
        memory = min(max(memory, -tuning.memory_mps2), tuning.memory_mps2)
    feedback = side[2] - stiff * stiff * miss - 2.0 * tuning.damping * stiff * miss_rate + memory
    square = max(speed, tuning.slow_mps) ** 2
    shrink = max(1.0 - bend * ego.offset_m, 0.5)
    # While a bend builds up, the axle's slip turns the course the other way: steer that much more.
    build_up = -tuning.slip_gain * speed * speed * bend_rate
    curvature = bend / shrink + build_up + feedback / square
    most = min(car.max_curvature_per_m, tuning.lateral_mps2 / square)
    curvature = min(max(curvature, -most), most)
    before = control.curvature_per_m
    if speed < tuning.still_mps:
        return memory, before
    step = min(tuning.lateral_jerk_mps3 / square, tuning.bend_rate) * dt_s
    return memory, before + min(max(curvature - before, -step), step)


def _along(
    control: Control, ego: Ego, wanted: float, hold: bool, dt_s: float, tuning: FollowTuning
) -> float:
    """Acceleration within the limits of jerk; braking fades out as the car comes to rest."""
    before = control.accel_mps2
    step = tuning.urgent_jerk_mps3 * dt_s
    if hold:
        return before + min(max(tuning.hold_accel_mps2 - before, -step), step)
    if control.hold and before < 0.0 < wanted:
        return min(before + step, wanted)  # the brakes let go before the drive begins
    speed = max(ego.speed_mps, 0.0)
    slow = min(max((20.0 - speed) / 15.0, 0.0), 1.0)
    down = tuning.jerk_down_mps3 + slow * (tuning.jerk_low_mps3 - tuning.jerk_down_mps3)
    if before < min(tuning.urgent_mps2 - down, wanted):  # back from an emergency
        return min(before + tuning.ease_jerk_mps3 * dt_s, wanted)
    up = tuning.jerk_up_mps3 if before >= 0.0 else max(tuning.jerk_up_mps3, down)
    if wanted > tuning.urgent_mps2:
        return before + min(max(wanted - before, -down * dt_s), up * dt_s)
    # Urgent: the whole allowance of the second at once.
    least = max(control.past_mps2[0] - down, before - tuning.urgent_jerk_mps3 * dt_s)
    return max(min(wanted, before + up * dt_s), min(least, before))


def _remember(control: Control, accel: float) -> tuple[tuple[float, ...], int]:
    """The last second of what was asked for, a value every tenth tick."""
    if control.past_count < 9:
        return control.past_mps2, control.past_count + 1
    return (*control.past_mps2[1:], accel), 0
