"""Where each signal's value comes from: one row a signal, by the message that tells it.

A row gives a plain value, None where there is none now; `mapping` makes it fit its leaf. Angles leave the
car's radians, speeds its metres a second, as VSS has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from volant.core.body import BodyState, ChargeTimer, Conditioning, LightSwitch
from volant.core.messages import (
    AebState,
    BrakeStage,
    CarPower,
    CarState,
    Engagement,
    Escalation,
    Function,
    Gear,
    GuardDecision,
    Indicator,
    LaneWarning,
    Localization,
    PilotState,
    Plan,
    PowerState,
    TroubleCodes,
)
from volant.core.units import JOULE_PER_KWH, ZERO_CELSIUS_K, kmh_from_mps
from volant.core.updates import UpdateState

MOVING_MPS: Final = 0.5
LOW_PA: Final = 200_000.0
"""A tyre below four fifths of its cold pressure counts as flat."""

TIMERS: Final = {
    ChargeTimer.OFF: "INACTIVE",
    ChargeTimer.START: "START_TIME",
    ChargeTimer.END: "END_TIME",
}
CONDITIONINGS: Final = {
    Conditioning.OFF: "INACTIVE",
    Conditioning.FAST_CHARGING: "FAST_CHARGING_PREPARATION",
    Conditioning.DRIVING: "DRIVING_PREPARATION",
}
Rows = Mapping[str, Callable[[Any], Any]]
_DOORS: Final = ("Row1.DriverSide", "Row1.PassengerSide", "Row2.DriverSide", "Row2.PassengerSide")
_SEATS: Final = (*_DOORS, "Row2.Middle")
_MIRRORS: Final = ("DriverSide", "PassengerSide")
_WHEELS: Final = ("Row1.Wheel.Left", "Row1.Wheel.Right", "Row2.Wheel.Left", "Row2.Wheel.Right")
_GEARS: Final = {Gear.DRIVE: 1, Gear.REVERSE: -1, Gear.NEUTRAL: 0, Gear.PARK: 0}
_SELECTED: Final = {Gear.DRIVE: 127, Gear.REVERSE: -1, Gear.NEUTRAL: 0, Gear.PARK: 126}
SWITCHES: Final = {
    LightSwitch.OFF: "OFF",
    LightSwitch.POSITION: "POSITION",
    LightSwitch.DAYTIME: "DAYTIME_RUNNING_LIGHTS",
    LightSwitch.AUTO: "AUTO",
    LightSwitch.BEAM: "BEAM",
}
FUNCTION_NAMES: Final[Mapping[Function, str]] = {
    Function.ACC: "ACC",
    Function.LCC: "LCC",
    Function.TJA: "TJA",
    Function.CURVE_SPEED: "CurveSpeed",
    Function.LIMIT_SPEED: "LimitSpeed",
    Function.LANE_CHANGE: "LaneChange",
    Function.NAVIGATION: "Navigation",
    Function.TOWN: "Town",
    Function.LDW: "LDW",
    Function.LKA: "LKA",
    Function.BSD: "BSD",
    Function.FCW: "FCW",
    Function.AEB: "AEB",
}
_DRIVING: Final = (
    Engagement.ENGAGED,
    Engagement.OVERRIDDEN,
    Engagement.TAKEOVER,
    Engagement.MINIMAL_RISK,
)
_ACROSS: Final = frozenset({"lcc", "tja", "navigation", "town"})
_A: Final = "Vehicle.ADAS."
_P: Final = "Vehicle.ADAS.Pilot."
_T: Final = "Vehicle.Powertrain.TractionBattery."


def drives(pilot: PilotState) -> bool:
    """Whether the pilot drives."""
    return pilot.engagement in _DRIVING


def _current_a(car: CarState) -> float | None:
    return -car.battery_power_w / car.battery_voltage_v if car.battery_voltage_v > 0.0 else None


CAR: Final[Rows] = {
    "Vehicle.Speed": lambda c: kmh_from_mps(c.speed_mps),
    "Vehicle.IsMoving": lambda c: abs(c.speed_mps) > MOVING_MPS,
    "Vehicle.TraveledDistance": lambda c: c.odometer_m,
    "Vehicle.Acceleration.Longitudinal": lambda c: c.accel_mps2,
    "Vehicle.Acceleration.Lateral": lambda c: c.lateral_accel_mps2,
    "Vehicle.AngularVelocity.Yaw": lambda c: math.degrees(c.yaw_rate_rps),
    "Vehicle.Driver.IsEyesOnRoad": lambda c: c.driver.eyes_on,
    "Vehicle.Driver.IsHandsOnWheel": lambda c: c.driver.hands_on,
    "Vehicle.Chassis.Accelerator.PedalPosition": lambda c: 100.0 * c.driver.accelerator,
    "Vehicle.Chassis.Brake.PedalPosition": lambda c: 100.0 * c.driver.brake,
    "Vehicle.Chassis.ParkingBrake.IsEngaged": lambda c: c.hold and c.gear is Gear.PARK,
    "Vehicle.Chassis.SteeringWheel.Angle": lambda c: math.degrees(c.driver.wheel_angle_rad),
    "Vehicle.Chassis.Axle.Row1.SteeringAngle": lambda c: math.degrees(c.steer_rad),
    "Vehicle.Powertrain.Transmission.CurrentGear": lambda c: _GEARS[c.gear],
    "Vehicle.Powertrain.Transmission.SelectedGear": lambda c: _SELECTED[c.gear],
    "Vehicle.Powertrain.Transmission.IsParkLockEngaged": lambda c: c.gear is Gear.PARK,
    "Vehicle.Powertrain.Transmission.TravelledDistance": lambda c: c.odometer_m / 1000.0,
    _T + "CurrentCurrent": _current_a,
    _T + "CurrentPower": lambda c: -c.battery_power_w,
    _T + "CurrentVoltage": lambda c: c.battery_voltage_v,
    _T + "StateOfCharge.Current": lambda c: c.charge_pct,
    _T + "StateOfCharge.Displayed": lambda c: round(c.charge_pct),
    _T + "Temperature.Average": lambda c: c.battery_temperature_k - ZERO_CELSIUS_K,
    "Vehicle.Body.Lights.Brake.IsActive": lambda c: "ACTIVE" if c.brake_lights else "INACTIVE",
    "Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling": (
        lambda c: c.indicator in (Indicator.LEFT, Indicator.HAZARD)
    ),
    "Vehicle.Body.Lights.DirectionIndicator.Right.IsSignaling": (
        lambda c: c.indicator in (Indicator.RIGHT, Indicator.HAZARD)
    ),
    "Vehicle.Body.Lights.Hazard.IsSignaling": lambda c: c.indicator is Indicator.HAZARD,
}
"""From `car/state`."""


def _door_rows(place: int, name: str) -> Rows:
    path = f"Vehicle.Cabin.Door.{name}."
    return {
        path + "IsOpen": lambda b: b.doors[place].open_pct > 0.0,
        path + "Position": lambda b: b.doors[place].open_pct,
        path + "IsLocked": lambda b: b.doors[place].locked,
        path + "IsChildLockActive": lambda b: b.doors[place].child_locked,
        path + "Window.IsOpen": lambda b: b.doors[place].window_pct > 0.0,
        path + "Window.Position": lambda b: b.doors[place].window_pct,
    }


def _seat_rows(place: int, name: str) -> Rows:
    path = f"Vehicle.Cabin.Seat.{name}."
    rows: dict[str, Callable[[Any], Any]] = {
        path + "IsBelted": lambda b: b.seats[place].belted,
        path + "OccupancyStatus": lambda b: "OCCUPIED" if b.seats[place].occupied else "EMPTY",
    }
    if name != "Row2.Middle":
        rows[path + "HeatingCooling"] = lambda b: b.seats[place].heat_pct
    if name.startswith("Row1"):
        rows |= {
            path + "Position": lambda b: 1000.0 * b.seats[place].position_m,
            path + "Height": lambda b: 1000.0 * b.seats[place].height_m,
            path + "Backrest.Recline": lambda b: math.degrees(b.seats[place].recline_rad),
            path + "Tilt": lambda b: math.degrees(b.seats[place].tilt_rad),
        }
    return rows


def _mirror_rows(place: int, name: str) -> Rows:
    path = f"Vehicle.Body.Mirrors.{name}."
    return {
        path + "IsFolded": lambda b: b.mirrors[place].folded,
        path + "IsHeatingOn": lambda b: b.mirrors[place].heated,
        path + "Yaw": lambda b: b.mirrors[place].yaw_pct,
        path + "Tilt": lambda b: b.mirrors[place].tilt_pct,
    }


def _tyre_rows(place: int, name: str) -> Rows:
    path = f"Vehicle.Chassis.Axle.{name}.Tire."
    return {
        path + "Pressure": lambda b: b.tyres[place].pressure_pa / 1000.0,
        path + "IsPressureLow": lambda b: b.tyres[place].pressure_pa < LOW_PA,
        path + "AirTemperature": lambda b: b.tyres[place].temperature_k - ZERO_CELSIUS_K,
    }


def _front_rows(place: int, side: str, station: str) -> Rows:
    """Climate and lamps of one front seat."""

    def air(body: BodyState) -> Any:
        return (body.climate.left, body.climate.right)[place]

    climate = f"Vehicle.Cabin.HVAC.Station.Row1.{station}."
    ambient, reading = (f"Vehicle.Cabin.Light.{lamp}.{side}." for lamp in _LAMPS)
    return {
        climate + "Temperature": lambda b: air(b).wished_k - ZERO_CELSIUS_K,
        climate + "FanSpeed": lambda b: air(b).fan_pct,
        climate + "AirDistribution": lambda b: air(b).way.value.upper(),
        ambient + "IsLightOn": lambda b: b.cabin_lights.ambient[place],
        ambient + "Intensity": lambda b: b.cabin_lights.ambient_pct[place],
        reading + "IsLightOn": lambda b: b.cabin_lights.reading[place],
        reading + "Intensity": lambda b: b.cabin_lights.reading_pct[place],
    }


_LAMPS: Final = ("AmbientLight", "Spotlight")
_L: Final = "Vehicle.Body.Lights."
_W: Final = "Vehicle.Body.Windshield."
_H: Final = "Vehicle.Cabin.HVAC."
_C: Final = _T + "Charging."
_K: Final = _T + "BatteryConditioning."
_PORT: Final = _C + "ChargingPort.AnyPosition."
BODY: Final[Rows] = {
    **{path: take for n, name in enumerate(_DOORS) for path, take in _door_rows(n, name).items()},
    **{path: take for n, name in enumerate(_SEATS) for path, take in _seat_rows(n, name).items()},
    **{p: take for n, name in enumerate(_MIRRORS) for p, take in _mirror_rows(n, name).items()},
    **{path: take for n, name in enumerate(_WHEELS) for path, take in _tyre_rows(n, name).items()},
    **_front_rows(0, "Row1.DriverSide", "Driver"),
    **_front_rows(1, "Row1.PassengerSide", "Passenger"),
    "Vehicle.TripMeterReading": lambda b: b.drive.trip_m,
    "Vehicle.Exterior.AirTemperature": lambda b: b.climate.ambient_k - ZERO_CELSIUS_K,
    "Vehicle.Chassis.SteeringWheel.Extension": lambda b: b.wheel_extension_pct,
    "Vehicle.Chassis.SteeringWheel.Tilt": lambda b: b.wheel_tilt_pct,
    "Vehicle.Chassis.SteeringWheel.HeatingCooling": lambda b: b.wheel_heat_pct,
    "Vehicle.Powertrain.AccumulatedBrakingEnergy": lambda b: b.drive.recovered_j / JOULE_PER_KWH,
    "Vehicle.Powertrain.ElectricMotor.Power": lambda b: b.drive.motor_w / 1000.0,
    "Vehicle.Powertrain.ElectricMotor.Speed": lambda b: b.drive.motor_rps * 30.0 / math.pi,
    "Vehicle.Powertrain.ElectricMotor.Torque": lambda b: b.drive.motor_nm,
    _T + "AccumulatedChargedEnergy": lambda b: b.drive.charged_j / JOULE_PER_KWH,
    _T + "AccumulatedConsumedEnergy": lambda b: b.drive.consumed_j / JOULE_PER_KWH,
    _T + "PowerLoss": lambda b: b.drive.loss_w,
    _C + "ChargeLimit": lambda b: b.charge.limit_pct,
    _C + "IsCharging": lambda b: b.charge.power_w > 0.0,
    _C + "Timer.Mode": lambda b: TIMERS[b.charge.timer],
    _C + "Station.Kind": lambda b: b.charge.station.value.upper(),
    _C + "Station.MaxPower": lambda b: b.charge.station_w / 1000.0,
    _C + "Words": lambda b: b.charge.why,
    _K + "IsActive": lambda b: b.conditioning.active,
    _K + "IsOngoing": lambda b: b.conditioning.heater_w > 0.0,
    _K + "RequestedMode": lambda b: CONDITIONINGS[b.conditioning.battery],
    _K + "TargetTemperature": (
        lambda b: b.conditioning.target_k - ZERO_CELSIUS_K if b.conditioning.target_k else None
    ),
    "Vehicle.Cabin.HVAC.Preconditioning.IsActive": lambda b: b.conditioning.cabin_active,
    _C + "StartStopCharging": lambda b: "START" if b.charge.wanted else "STOP",
    _C + "MaxPower": lambda b: b.charge.most_w / 1000.0,
    _C + "AveragePower": lambda b: b.charge.power_w / 1000.0,
    _C + "TimeToComplete": lambda b: b.charge.left_s,
    _PORT + "IsChargingCableConnected": lambda b: b.charge.cable,
    _PORT + "IsChargingCableLocked": lambda b: b.charge.cable_locked,
    _PORT + "IsFlapOpen": lambda b: b.charge.flap_open,
    "Vehicle.Body.Hood.IsOpen": lambda b: b.hood_pct > 0.0,
    "Vehicle.Body.Hood.Position": lambda b: b.hood_pct,
    "Vehicle.Body.Impact.Count": lambda b: b.impact.count,
    "Vehicle.Body.Impact.ClosingSpeed": lambda b: kmh_from_mps(b.impact.closing_mps),
    "Vehicle.Body.Impact.IsFromBehind": lambda b: b.impact.from_behind,
    "Vehicle.Body.Horn.IsActive": lambda b: b.horn,
    "Vehicle.Body.Trunk.Rear.IsOpen": lambda b: b.boot_pct > 0.0,
    "Vehicle.Body.Trunk.Rear.Position": lambda b: b.boot_pct,
    "Vehicle.Body.Trunk.Rear.IsLocked": lambda b: b.boot_locked,
    "Vehicle.Body.Trunk.Rear.IsLightOn": lambda b: b.boot_pct > 0.0,
    _L + "LightSwitch": lambda b: SWITCHES[b.lights.switch],
    _L + "Beam.Low.IsOn": lambda b: b.lights.low,
    _L + "Beam.High.IsOn": lambda b: b.lights.high,
    _L + "IsHighBeamSwitchOn": lambda b: b.lights.high,
    _L + "Running.IsOn": lambda b: b.lights.running,
    _L + "Parking.IsOn": lambda b: b.lights.parking,
    _L + "LicensePlate.IsOn": lambda b: b.lights.parking,
    _L + "Fog.Front.IsOn": lambda b: b.lights.fog_front,
    _L + "Fog.Rear.IsOn": lambda b: b.lights.fog_rear,
    _L + "Backup.IsOn": lambda b: b.lights.reverse,
    _W + "Front.IsHeatingOn": lambda b: b.screen_heat[0],
    _W + "Rear.IsHeatingOn": lambda b: b.screen_heat[1],
    _W + "Front.Wiping.Mode": lambda b: b.wipers.mode.value.upper(),
    _W + "Front.Wiping.Intensity": lambda b: b.wipers.intensity,
    _W + "Front.Wiping.System.IsWiping": lambda b: b.wipers.cycles_per_min > 0.0,
    _W + "Front.Wiping.System.Frequency": lambda b: b.wipers.cycles_per_min,
    "Vehicle.Cabin.IsWindowChildLockEngaged": lambda b: b.window_lock,
    "Vehicle.Cabin.Light.IsDomeOn": lambda b: b.cabin_lights.dome,
    "Vehicle.Cabin.Light.IsGloveBoxOn": lambda b: b.cabin_lights.glove,
    _H + "AmbientAirTemperature": lambda b: b.climate.cabin_k - ZERO_CELSIUS_K,
    _H + "IsAirConditioningActive": lambda b: b.climate.on,
    _H + "IsRecirculationActive": lambda b: b.climate.recirculation,
    _H + "IsFrontDefrosterActive": lambda b: b.climate.defrost,
    _H + "IsRearDefrosterActive": lambda b: b.screen_heat[1],
}
"""From `body/state`."""


def _level(pilot: PilotState) -> str:
    if not drives(pilot):
        return "SAE_0"
    acts = frozenset(pilot.functions)
    along, across = "acc" in acts, bool(acts & _ACROSS)
    return "SAE_2" if along and across else "SAE_1" if along or across else "SAE_0"


def _enabled(function: Function) -> Callable[[Any], Any]:
    return lambda p: function.value not in p.switched_off


PILOT: Final[Rows] = {
    **{_P + f"Function.{name}.IsEnabled": _enabled(one) for one, name in FUNCTION_NAMES.items()},
    _A + "ActiveAutonomyLevel": _level,
    _A + "CruiseControl.IsActive": drives,
    _A + "CruiseControl.IsAdaptive": lambda p: "acc" not in p.switched_off,
    _A + "CruiseControl.IsEnabled": lambda p: "acc" not in p.switched_off,
    _A + "CruiseControl.IsError": lambda p: bool(p.degraded),
    _A + "CruiseControl.SpeedSet": lambda p: kmh_from_mps(p.set_speed_mps),
    _A + "DMS.IsWarning": lambda p: p.escalation is not Escalation.NONE,
    _A + "EBA.IsEnabled": _enabled(Function.AEB),
    _A + "LaneDepartureDetection.IsEnabled": _enabled(Function.LDW),
    _A + "LaneDepartureDetection.IsWarning": lambda p: p.departure is not LaneWarning.NONE,
    _A + "ObstacleDetection.Front.Center.IsEnabled": _enabled(Function.FCW),
    _A + "ObstacleDetection.Rear.Left.IsWarning": lambda p: p.blind_spot_left,
    _A + "ObstacleDetection.Rear.Right.IsWarning": lambda p: p.blind_spot_right,
    _A + "ObstacleDetection.Rear.Left.WarningType": (
        lambda p: "BLIND_SPOT" if p.blind_spot_left else "UNDEFINED"
    ),
    _A + "ObstacleDetection.Rear.Right.WarningType": (
        lambda p: "BLIND_SPOT" if p.blind_spot_right else "UNDEFINED"
    ),
    _P + "State": lambda p: p.engagement.value,
    _P + "IsEngaged": drives,
    _P + "IsReady": lambda p: p.ready,
    _P + "Code": lambda p: p.code,
    _P + "Words": lambda p: p.words,
    _P + "Blockers": lambda p: p.blocker_words,
    _P + "Functions": lambda p: p.functions,
    _P + "Degraded": lambda p: p.degraded,
    _P + "SetSpeed": lambda p: kmh_from_mps(p.set_speed_mps),
    _P + "TimeGap": lambda p: p.time_gap_setting_s,
    _P + "Takeover.IsRequested": lambda p: p.engagement is Engagement.TAKEOVER,
    _P + "Takeover.Urgency": lambda p: p.escalation.value,
    _P + "Takeover.Reason": lambda p: p.words if p.engagement is Engagement.TAKEOVER else "",
    _P + "Departure": lambda p: p.departure.value,
}
"""From `pilot/state`."""
PLAN: Final[Rows] = {
    _P + "Plan.TargetSpeed": lambda p: kmh_from_mps(p.target_speed_mps),
    _P + "Plan.SpeedLimit": lambda p: kmh_from_mps(p.limit_mps),
    _P + "Plan.IsLimitDefault": lambda p: p.limit_is_default,
    _P + "Plan.Constraint": lambda p: p.constraint.value,
    _P + "Plan.Reason": lambda p: p.reason,
    _P + "Plan.Manoeuvre": lambda p: p.manoeuvre,
    _P + "Plan.Confidence": lambda p: 100.0 * p.confidence,
    _P + "Plan.DistanceLeft": lambda p: p.distance_left_m,
    _P + "Plan.IsArrived": lambda p: p.arrived,
    _P + "Plan.Light": lambda p: "none" if p.light is None else p.light.value,
    _P + "Plan.Reroutes": lambda p: p.rerouted,
    _P + "Guidance.Turn": lambda p: "none" if p.guidance is None else p.guidance.turn.value,
    _P + "Guidance.Distance": lambda p: None if p.guidance is None else p.guidance.distance_m,
    _P + "Guidance.Words": lambda p: "" if p.guidance is None else p.guidance.words,
    _P + "Lead.IsPresent": lambda p: p.lead_id is not None,
    _P + "Lead.Gap": lambda p: p.gap_m,
    _P + "Lead.TimeGap": lambda p: p.time_gap_s,
}
"""From `pilot/plan`."""
PLACE: Final[Rows] = {
    "Vehicle.CurrentLocation.Altitude": lambda one: one.altitude_m,
    "Vehicle.CurrentLocation.Heading": lambda one: (90.0 - math.degrees(one.yaw_rad)) % 360.0,
    "Vehicle.CurrentLocation.HorizontalAccuracy": (
        lambda one: math.hypot(one.sigma_along_m, one.sigma_across_m)
    ),
    _A + "LaneDepartureDetection.IsError": lambda one: not one.valid,
    _P + "Lane.Id": lambda one: one.lane,
    _P + "Lane.Offset": lambda one: one.offset_m,
    _P + "Lane.HeadingError": lambda one: math.degrees(one.heading_error_rad),
    _P + "Lane.Station": lambda one: one.station_m,
    _P + "Lane.IsValid": lambda one: one.valid,
}
"""From `pilot/localization`; degrees need the map too (`mapping`)."""
GUARD: Final[Rows] = {
    _P + "Guard.Source": lambda g: g.source.value,
    _P + "Guard.IsLimiting": lambda g: g.limited,
    _P + "Guard.Limits": lambda g: g.limits,
    _P + "Guard.Reason": lambda g: g.reason,
}
"""From `guard/decision`."""
_BRAKES: Final = (BrakeStage.PARTIAL, BrakeStage.FULL)
_WARNS: Final = (BrakeStage.WARNING, *_BRAKES)
BRAKING: Final[Rows] = {
    _A + "EBA.IsEngaged": lambda a: a.stage in _BRAKES,
    _A + "EBA.IsError": lambda a: a.stage is BrakeStage.UNAVAILABLE,
    _A + "ObstacleDetection.Front.Center.IsWarning": lambda a: a.stage in _WARNS,
    _A + "ObstacleDetection.Front.Center.IsError": lambda a: a.stage is BrakeStage.UNAVAILABLE,
    _A + "ObstacleDetection.Front.Center.Distance": lambda a: a.x_m,
    _A + "ObstacleDetection.Front.Center.TimeGap": (
        lambda a: None if a.time_to_contact_s is None else 1000.0 * a.time_to_contact_s
    ),
    _P + "Braking.Stage": lambda a: a.stage.value,
    _P + "Braking.Reason": lambda a: a.words,
    _P + "Braking.Class": lambda a: "none" if a.object_class is None else a.object_class.value,
}
"""From `aeb/state`."""
_SUPPLY: Final = {
    PowerState.OFF: "OFF",
    PowerState.SLEEP: "LOCK",
    PowerState.WAKE: "ACC",
    PowerState.PARKED: "ACC",
    PowerState.READY: "ON",
    PowerState.DRIVING: "ON",
    PowerState.SHUTDOWN: "OFF",
}
POWER: Final[Rows] = {
    "Vehicle.LowVoltageBattery.CurrentVoltage": lambda p: p.supply_v,
    "Vehicle.LowVoltageSystemState": lambda p: _SUPPLY[p.state],
}
"""From `car/power`."""
CODES: Final[Rows] = {
    "Vehicle.Diagnostics.DTCCount": lambda c: c.count,
    "Vehicle.Diagnostics.DTCList": lambda c: tuple(one.code for one in c.codes),
}
"""From `car/codes`."""
_O: Final = "Vehicle.Powertrain.Outlook."
OUTLOOK: Final[Rows] = {
    "Vehicle.Powertrain.Range": lambda e: e.range_m,
    _T + "Range": lambda e: e.range_m,
    _O + "ArrivalCharge": lambda e: None if e.arrival is None else e.arrival.charge_pct,
    _O + "ArrivalChargeLow": lambda e: None if e.arrival is None else e.arrival.low_pct,
    _O + "ArrivalChargeHigh": lambda e: None if e.arrival is None else e.arrival.high_pct,
    _O + "ArrivalEnergy": lambda e: (
        None if e.arrival is None else e.arrival.energy_j / JOULE_PER_KWH
    ),
    _O + "ArrivalTime": lambda e: None if e.arrival is None else e.arrival.drive_s,
    _O + "IsReached": lambda e: None if e.arrival is None else e.reaches,
    _O + "Advice": lambda e: e.advice,
    _O + "Stop.Names": lambda e: tuple(one.name for one in e.stops),
    _O + "Stop.Distances": lambda e: tuple(one.ahead_m for one in e.stops),
    _O + "Stop.Charges": lambda e: tuple(one.leave_pct for one in e.stops),
    _O + "Stop.Durations": lambda e: tuple(one.charge_s for one in e.stops),
    _O + "LearnedDistance": lambda e: e.learned_m,
}
"""From `energy/state`, while it is young: `mapping` has the range from the car itself where it is not."""
_U: Final = "Vehicle.SoftwareUpdate."
UPDATE: Final[Rows] = {
    _U + "Phase": lambda u: u.phase.value,
    _U + "Title": lambda u: u.title,
    _U + "Changes": lambda u: u.changes,
    _U + "Unusable": lambda u: u.unusable,
    _U + "Duration": lambda u: u.takes_s,
    _U + "Progress": lambda u: 100.0 * u.done,
    _U + "TimeRemaining": lambda u: u.left_s,
    _U + "Units": lambda u: tuple(one.unit for one in u.units),
    _U + "Reasons": lambda u: u.reasons,
    _U + "IsLocked": lambda u: u.locked,
    _U + "Last.Result": lambda u: "none" if u.last is None else u.last.end.value,
    _U + "Last.Title": lambda u: "" if u.last is None else u.last.title,
    _U + "Last.Reason": lambda u: "" if u.last is None else u.last.why,
}
"""From `update/state`; times are made by `mapping`."""
BY_MESSAGE: Final[Mapping[type, Rows]] = {
    CarState: CAR,
    BodyState: BODY,
    PilotState: PILOT,
    Plan: PLAN,
    Localization: PLACE,
    GuardDecision: GUARD,
    AebState: BRAKING,
    CarPower: POWER,
    TroubleCodes: CODES,
    UpdateState: UPDATE,
}
__all__ = ["BY_MESSAGE", "FUNCTION_NAMES", "MOVING_MPS", "OUTLOOK", "SWITCHES", "drives"]
