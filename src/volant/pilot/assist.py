"""Joins switches, attention and warnings to the pilot's tick, each a pure step of its own.

`look` comes before the engagement machine, `finish` after planning; `steered` gives the command its last
touch: the driver's own steering where the pilot does not steer, and hazard lights in a stop.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec.structs import replace

from volant.core.messages import (
    CarState,
    Command,
    Function,
    Indicator,
    LaneWarning,
    Localization,
    Observation,
    RequestKind,
    Tracks,
)
from volant.pilot import attention, functions, warn
from volant.pilot.attention import AttentionInput, AttentionState, AttentionTuning
from volant.pilot.engage import EngageState, EngageTuning
from volant.pilot.functions import Acting, FunctionTuning, Surrounding
from volant.pilot.geometry import CarGeometry
from volant.pilot.odd import Domain
from volant.pilot.warn import WarnInput, WarnState, WarnTuning


class Assist(msgspec.Struct, frozen=True):
    """What lives to the next tick."""

    off: frozenset[Function] = frozenset()
    acting: Acting = msgspec.field(default_factory=Acting)
    attention: AttentionState = msgspec.field(default_factory=AttentionState)
    warn: WarnState = msgspec.field(default_factory=WarnState)
    wished: Indicator = Indicator.OFF
    """The driver's turn signal."""
    added_per_m: float = 0.0
    """What lane keeping asks to add to the steering while the pilot is off."""

    @property
    def in_the_way(self) -> LaneWarning:
        """The side that the turn signal points to while somebody is there."""
        if self.wished is Indicator.LEFT and self.warn.blind_left:
            return LaneWarning.LEFT
        if self.wished is Indicator.RIGHT and self.warn.blind_right:
            return LaneWarning.RIGHT
        return LaneWarning.NONE


def start() -> Assist:
    """All functions on: emergency braking always is, the others until they are switched."""
    return Assist(off=functions.at_start())


def look(
    assist: Assist,
    observation: Observation,
    domain: Domain,
    engaged: EngageState,
    around: Surrounding | None,
    function_tuning: FunctionTuning,
    attention_tuning: AttentionTuning,
) -> tuple[Assist, Domain]:
    """Switches, functions and attention of a tick, and the domain with what follows from them.

    `around` is there at pilot ticks and when a button was pressed; between them functions stay.
    """
    off, acting = functions.switch(assist.off, observation.requests), assist.acting
    if around is not None:
        acting = functions.act(acting, off, around, function_tuning)
    driver = observation.car.driver
    turning = abs(driver.wheel_torque_nm) > attention_tuning.torque_nm
    watched = attention.step(
        assist.attention,
        AttentionInput(
            stamp_ns=observation.stamp_ns,
            hands_on=driver.hands_on or turning,
            eyes_on=driver.eyes_on,
            hands_needed=engaged.driving and acting.hands,
            eyes_needed=engaged.driving and acting.steers,
        ),
        attention_tuning,
    )
    blockers = (*functions.blockers(off), *attention.blockers(watched), *domain.blockers)
    demand = attention.demand(watched) or domain.demand
    wished = _wished(assist.wished, observation)
    assist = replace(assist, off=off, acting=acting, attention=watched, wished=wished)
    return assist, replace(domain, blockers=blockers, demand=demand)


def finish(
    assist: Assist,
    observation: Observation,
    engaged: EngageState,
    here: Localization | None,
    tracks: Tracks | None,
    car: CarGeometry,
    tuning: WarnTuning,
) -> Assist:
    """The warnings of a tick; `here` and `tracks` are there at pilot ticks."""
    acting = assist.acting
    by_hand = not (engaged.driving and acting.steers)
    sensors = observation.sensors
    state = observation.car
    if assist.wished is not Indicator.OFF:
        state = replace(state, indicator=assist.wished)
    given = WarnInput(
        stamp_ns=observation.stamp_ns,
        car=state,
        lane=None if sensors is None else sensors.lane,
        tracks=None if here is None else tracks,
        x_m=0.0 if here is None else here.x_m,
        y_m=0.0 if here is None else here.y_m,
        yaw_rad=0.0 if here is None else here.yaw_rad,
        departure=by_hand and acting.may(Function.LDW),
        keeping=by_hand and acting.may(Function.LKA),
        blind_spot=acting.may(Function.BSD),
    )
    warned = warn.step(assist.warn, given, car, tuning)
    added_per_m = 0.0 if engaged.driving else warn.correction_per_m(warned, state.speed_mps)
    return replace(assist, warn=warned, added_per_m=added_per_m)


def steered(
    command: Command,
    assist: Assist,
    engaged: EngageState,
    state: CarState,
    car: CarGeometry,
    tuning: EngageTuning,
) -> Command:
    """The command with the driver's steering where the pilot has none, and with hazard lights."""
    changes: dict[str, object] = {}
    if engaged.driving and not assist.acting.steers and not engaged.at_risk:
        changes["curvature_per_m"] = hand_curvature(assist, state, car, tuning)
    if engaged.at_risk:
        changes["indicator"] = Indicator.HAZARD
    return replace(command, **changes) if changes else command


def hand_curvature(
    assist: Assist, state: CarState, car: CarGeometry, tuning: EngageTuning
) -> float:
    """The driver's steering and, while the hands only rest on the wheel, the steer back into the lane."""
    driver = state.driver
    angle_rad = driver.wheel_angle_rad / car.steering_ratio
    if not math.isfinite(angle_rad + driver.wheel_torque_nm):
        angle_rad = state.steer_rad if math.isfinite(state.steer_rad) else 0.0
    bend = math.tan(min(max(angle_rad, -1.0), 1.0)) / car.wheelbase_m
    if abs(driver.wheel_torque_nm) <= tuning.wheel_torque_nm:
        bend += warn.correction_per_m(assist.warn, state.speed_mps)
    most = car.max_curvature_per_m
    return min(max(bend, -most), most)


def told_of(assist: Assist) -> dict[str, Any]:
    """The fields of `PilotState` that are filled from here."""
    return {
        "switched_off": assist.acting.off_names,
        "escalation": assist.attention.escalation,
        "departure": assist.warn.departure,
        "blind_spot_left": assist.warn.blind_left,
        "blind_spot_right": assist.warn.blind_right,
        "assist_curvature_per_m": assist.added_per_m,
    }


def _wished(wished: Indicator, observation: Observation) -> Indicator:
    """What the stalk was last set to."""
    for request in observation.requests:
        if request.kind is RequestKind.INDICATE and request.indicator is not None:
            wished = request.indicator
    return wished
