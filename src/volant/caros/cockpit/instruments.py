"""What the cockpit shows of the car itself: each message as its screen has it, a plain function each."""

from __future__ import annotations

import math
from typing import Final

from volant.caros.cockpit.messages import (
    CockpitAeb,
    CockpitCar,
    CockpitCharge,
    CockpitCodes,
    CockpitEnergy,
    CockpitGuard,
    CockpitPilot,
)
from volant.core.body import BodyState
from volant.core.clock import nanoseconds, seconds
from volant.core.messages import (
    AebState,
    CarState,
    EnergyState,
    GuardDecision,
    PilotState,
    TroubleCodes,
)

ENERGY_NS: Final = nanoseconds(8.0)
"""What is expected of the charge is older only when nobody looks ahead any more."""


def car_view(car: CarState) -> CockpitCar:
    """Instruments; a pedal that is no number counts as not pressed."""
    return CockpitCar(
        stamp_ns=car.stamp_ns,
        speed_mps=car.speed_mps,
        accel_mps2=car.accel_mps2,
        gear=car.gear,
        indicator=car.indicator,
        brake_lights=car.brake_lights,
        hold=car.hold,
        charge_pct=car.charge_pct,
        range_m=car.range_m,
        battery_power_w=car.battery_power_w,
        steer_rad=car.steer_rad,
        accelerator=_share(car.driver.accelerator),
        brake=_share(car.driver.brake),
        hands_on=car.driver.hands_on,
        eyes_on=car.driver.eyes_on,
        valid=car.valid,
    )


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def pilot_view(pilot: PilotState) -> CockpitPilot:
    """Who drives, and why."""
    return CockpitPilot(
        engagement=pilot.engagement,
        code=pilot.code,
        words=pilot.words,
        set_speed_mps=pilot.set_speed_mps,
        time_gap_setting_s=pilot.time_gap_setting_s,
        functions=pilot.functions,
        ready=pilot.ready,
        blockers=pilot.blockers,
        blocker_words=pilot.blocker_words,
        switched_off=pilot.switched_off,
        escalation=pilot.escalation,
        departure=pilot.departure,
        blind_spot_left=pilot.blind_spot_left,
        blind_spot_right=pilot.blind_spot_right,
    )


def guard_view(decision: GuardDecision) -> CockpitGuard:
    """The guard's last word."""
    return CockpitGuard(source=decision.source, limited=decision.limited, reason=decision.reason)


def codes_view(codes: TroubleCodes) -> CockpitCodes:
    """Trouble codes as the car tells them."""
    return CockpitCodes(
        number=codes.number,
        count=codes.count,
        codes=codes.codes,
        may_clear=codes.may_clear,
        refused=codes.refused,
    )


def energy_view(energy: EnergyState | None, stamp_ns: int) -> CockpitEnergy | None:
    """What was expected last; nothing once it is old."""
    if energy is None or stamp_ns - energy.stamp_ns > ENERGY_NS:
        return None
    arrival = energy.arrival
    return CockpitEnergy(
        range_m=energy.range_m,
        arrival_pct=None if arrival is None else arrival.charge_pct,
        arrival_low_pct=None if arrival is None else arrival.low_pct,
        arrival_high_pct=None if arrival is None else arrival.high_pct,
        reaches=energy.reaches,
        advice=energy.advice,
    )


def charge_view(body: BodyState, stamp_ns: int) -> CockpitCharge:
    """Charging and preparing; times from now on."""
    charge, conditioning = body.charge, body.conditioning
    starts_s = None if charge.start_s is None else max(0.0, charge.start_s - seconds(stamp_ns))
    return CockpitCharge(
        station=charge.station,
        power_w=charge.power_w,
        limit_pct=charge.limit_pct,
        left_s=charge.left_s,
        starts_s=starts_s,
        why=charge.why,
        cabin=conditioning.cabin_active,
        battery=conditioning.heater_w > 0.0,
    )


def aeb_view(aeb: AebState) -> CockpitAeb:
    """Emergency braking."""
    return CockpitAeb(
        stage=aeb.stage,
        words=aeb.words,
        object_class=aeb.object_class,
        time_to_contact_s=aeb.time_to_contact_s,
    )
