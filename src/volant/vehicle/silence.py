"""What actuators do when nobody commands them any more: a pure watch, as hardware has it.

Silent for too long, they take the drive torque away at once, ramp the brakes up, hold the steering and
blink. That holds until the car stands and is commanded again: a commander that comes back in between
does not know where it is.
"""

from __future__ import annotations

from typing import Final

import msgspec

from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import Command, DriverControls, Gear, Indicator

SILENT_NS: Final = nanoseconds(0.09)
"""Nine missed commands; the reaction comes at the tick after, within 100 ms (issue 4)."""
BRAKE_MPS2: Final = 4.0
"""Of the minimal-risk manoeuvre (UN R157 5.5, recalled)."""
RAMP_MPS3: Final = 8.0
"""How fast the brakes come: half a second to the full 4 m/s2 (chosen: followers see lights first)."""
STANDS_MPS: Final = 0.1
REST_NS: Final = 10 * NS_PER_S
"""Standing and silent for so long, the car is asleep rather than broken: the park lock falls in and the hazard
lights go out, as an electric park brake does when its car is switched off (chosen)."""
HANDS_SILENT_NS: Final = nanoseconds(0.5)
"""Hands and feet not heard of for so long are gone, as the desk has it (app/desk.py)."""


class Silence(msgspec.Struct, frozen=True, gc=False):
    """What the watch remembers."""

    heard_ns: int = -1
    """Of the last command taken; -1: none came yet, and the car stays as it was put down."""
    since_ns: int = -1
    """Of the reaction; -1: there is none."""
    last: Command | None = None


def heard(state: Silence, command: Command, stamp_ns: int) -> Silence:
    """A command has come; it counts unless the car is being stopped."""
    if state.since_ns >= 0:
        return msgspec.structs.replace(state, heard_ns=stamp_ns)
    return Silence(stamp_ns, -1, command)


def step(state: Silence, speed_mps: float, stamp_ns: int) -> tuple[Silence, Command | None]:
    """The command that the actuators make for themselves, None while they are commanded."""
    last = state.last
    if last is None:
        return state, None
    silent = stamp_ns - state.heard_ns > SILENT_NS - nanoseconds(0.001)
    if state.since_ns < 0:
        if not silent:
            return state, None
        state = msgspec.structs.replace(state, since_ns=stamp_ns)
    stands = abs(speed_mps) < STANDS_MPS
    if stands and not silent:
        return Silence(state.heard_ns, -1, last), None
    ramp_mps2 = RAMP_MPS3 * (stamp_ns - state.since_ns) / NS_PER_S
    brake_mps2 = min(BRAKE_MPS2, max(ramp_mps2, -last.accel_mps2, 0.0))
    way = -1.0 if speed_mps < -STANDS_MPS else 1.0
    rests = stands and stamp_ns - state.since_ns >= REST_NS
    return state, Command(
        stamp_ns=stamp_ns,
        accel_mps2=0.0 if stands else -way * brake_mps2,
        curvature_per_m=last.curvature_per_m,
        gear=Gear.PARK if rests else last.gear,
        indicator=Indicator.OFF if rests else Indicator.HAZARD,
        hold=stands,
    )


def hands_gone(controls: DriverControls) -> DriverControls:
    """Controls of a driver who is not heard any more: nobody presses, holds or looks."""
    return DriverControls(
        wheel_angle_rad=controls.wheel_angle_rad,
        hands_on=False,
        eyes_on=False,
        belted=controls.belted,
        door_closed=controls.door_closed,
    )
