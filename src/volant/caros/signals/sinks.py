"""What becomes of an actuation: a request to the body, or the button that a driver would press.

One row a signal. An actuator without a row is one that nobody outside moves: its brake lights, its parking
lock. It stays readable, and asking for it gives UNAVAILABLE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from volant.caros.signals.mapping import TIMES, car_seconds
from volant.caros.signals.sources import CONDITIONINGS, FUNCTION_NAMES, SWITCHES, TIMERS
from volant.caros.signals.values import Code, SignalError
from volant.core import topics
from volant.core.body import BodyItem, BodyPlace, BodyRequest
from volant.core.messages import (
    DriverRequest,
    Function,
    Gear,
    Indicator,
    Message,
    RequestKind,
)
from volant.core.topics import Topic
from volant.core.units import ZERO_CELSIUS_K
from volant.wire.vss import Value

Sink = Callable[[Any, int, str], Message]
"""Makes the message of a value, a stamp and who asked."""
_B, _P = BodyItem, BodyPlace
_SAME: Final = float


def _number(
    item: BodyItem, place: BodyPlace | None = None, convert: Callable[[Any], float] = _SAME
) -> Sink:
    def make(value: Any, stamp_ns: int, who: str) -> Message:
        return BodyRequest(
            stamp_ns=stamp_ns, item=item, place=place, value=convert(value), who=who[:100]
        )

    return make


def _word(item: BodyItem, words: Callable[[Any], str], place: BodyPlace | None = None) -> Sink:
    def make(value: Any, stamp_ns: int, who: str) -> Message:
        return BodyRequest(
            stamp_ns=stamp_ns, item=item, place=place, word=words(value), who=who[:100]
        )

    return make


def _wide(value: Any) -> float:
    """Open or closed as a position."""
    return 100.0 if value else 0.0


def _press(kind: RequestKind, convert: Callable[[Any], float] | None = None) -> Sink:
    def make(value: Any, stamp_ns: int, who: str) -> Message:  # noqa: ARG001 - a button knows no name
        number = None if convert is None else convert(value)
        return DriverRequest(stamp_ns=stamp_ns, kind=kind, value=number)

    return make


def _engage(value: Any, stamp_ns: int, who: str) -> Message:  # noqa: ARG001
    kind = RequestKind.ENGAGE if value else RequestKind.CANCEL
    return DriverRequest(stamp_ns=stamp_ns, kind=kind)


def _indicate(indicator: Indicator) -> Sink:
    def make(value: Any, stamp_ns: int, who: str) -> Message:  # noqa: ARG001
        shown = indicator if value else Indicator.OFF
        return DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.INDICATE, indicator=shown)

    return make


def _switch(function: Function) -> Sink:
    def make(value: Any, stamp_ns: int, who: str) -> Message:  # noqa: ARG001
        return DriverRequest(
            stamp_ns=stamp_ns,
            kind=RequestKind.SWITCH,
            value=1.0 if value else 0.0,
            function=function,
        )

    return make


def _metres(value: Any) -> float:
    return float(value) / 1000.0


def _kelvin(value: Any) -> float:
    return float(value) + ZERO_CELSIUS_K


def _mps(value: Any) -> float:
    return float(value) / 3.6


def _lower(value: Any) -> str:
    return str(value).lower()


_GEARS: Final = {126: Gear.PARK, 127: Gear.DRIVE, 1: Gear.DRIVE, 0: Gear.NEUTRAL, -1: Gear.REVERSE}
_TIMER_WORDS: Final = {vss: timer.value for timer, vss in TIMERS.items()}
_CONDITIONING_WORDS: Final = {vss: mode.value for mode, vss in CONDITIONINGS.items()}
_SWITCH_WORDS: Final = {vss: switch.value for switch, vss in SWITCHES.items()}


def _gear(value: Any) -> str:
    """No word for a gear that the car does not have: the body refuses it."""
    gear = _GEARS.get(value)
    return "" if gear is None else gear.value


_DOORS: Final = {
    "Row1.DriverSide": _P.FRONT_LEFT,
    "Row1.PassengerSide": _P.FRONT_RIGHT,
    "Row2.DriverSide": _P.REAR_LEFT,
    "Row2.PassengerSide": _P.REAR_RIGHT,
}
_FRONT: Final = {"Row1.DriverSide": _P.FRONT_LEFT, "Row1.PassengerSide": _P.FRONT_RIGHT}
_STATIONS: Final = {"Driver": _P.FRONT_LEFT, "Passenger": _P.FRONT_RIGHT}
_MIRRORS: Final = {"DriverSide": _P.LEFT, "PassengerSide": _P.RIGHT}
_LAMPS: Final = {"Row1.DriverSide": _P.LEFT, "Row1.PassengerSide": _P.RIGHT}


def _placed(
    places: Mapping[str, BodyPlace], path: str, make: Callable[[BodyPlace], Sink]
) -> dict[str, Sink]:
    """The same at each place; `@` in the path is where."""
    return {f"Vehicle.{path.replace('@', name)}": make(place) for name, place in places.items()}


def _at(item: BodyItem, convert: Callable[[Any], float] = _SAME) -> Callable[[BodyPlace], Sink]:
    return lambda place: _number(item, place, convert)


_DOOR: Final = "Cabin.Door.@."
_SEAT: Final = "Cabin.Seat.@."
_AIR: Final = "Cabin.HVAC.Station.Row1.@."
_L: Final = "Vehicle.Body.Lights."
_C: Final = "Vehicle.Powertrain.TractionBattery.Charging."
_A: Final = "Vehicle.ADAS."
SINKS: Final[Mapping[str, Sink]] = {
    **_placed(_DOORS, _DOOR + "IsOpen", _at(_B.DOOR, _wide)),
    **_placed(_DOORS, _DOOR + "Position", _at(_B.DOOR)),
    **_placed(_DOORS, _DOOR + "IsLocked", _at(_B.DOOR_LOCK)),
    **_placed(_DOORS, _DOOR + "Window.IsOpen", _at(_B.WINDOW, _wide)),
    **_placed(_DOORS, _DOOR + "Window.Position", _at(_B.WINDOW)),
    **_placed(_DOORS, _SEAT + "HeatingCooling", _at(_B.SEAT_HEAT)),
    **_placed(_FRONT, _SEAT + "Position", _at(_B.SEAT_POSITION, _metres)),
    **_placed(_FRONT, _SEAT + "Height", _at(_B.SEAT_HEIGHT, _metres)),
    **_placed(_FRONT, _SEAT + "Backrest.Recline", _at(_B.SEAT_RECLINE, math.radians)),
    **_placed(_FRONT, _SEAT + "Tilt", _at(_B.SEAT_TILT, math.radians)),
    **_placed(_STATIONS, _AIR + "Temperature", _at(_B.AIR_TEMPERATURE, _kelvin)),
    **_placed(_STATIONS, _AIR + "FanSpeed", _at(_B.AIR_FAN)),
    **_placed(_STATIONS, _AIR + "AirDistribution", lambda at: _word(_B.AIR_WAY, _lower, at)),
    **_placed(_MIRRORS, "Body.Mirrors.@.IsFolded", _at(_B.MIRROR_FOLD)),
    **_placed(_MIRRORS, "Body.Mirrors.@.IsHeatingOn", _at(_B.MIRROR_HEAT)),
    **_placed(_MIRRORS, "Body.Mirrors.@.Yaw", _at(_B.MIRROR_YAW)),
    **_placed(_MIRRORS, "Body.Mirrors.@.Tilt", _at(_B.MIRROR_TILT)),
    **_placed(_LAMPS, "Cabin.Light.AmbientLight.@.IsLightOn", _at(_B.AMBIENT_LIGHT)),
    **_placed(_LAMPS, "Cabin.Light.AmbientLight.@.Intensity", _at(_B.AMBIENT_INTENSITY)),
    **_placed(_LAMPS, "Cabin.Light.Spotlight.@.IsLightOn", _at(_B.READING_LIGHT)),
    **_placed(_LAMPS, "Cabin.Light.Spotlight.@.Intensity", _at(_B.READING_INTENSITY)),
    "Vehicle.TripMeterReading": _number(_B.TRIP),
    "Vehicle.Chassis.SteeringWheel.Extension": _number(_B.WHEEL_EXTENSION),
    "Vehicle.Chassis.SteeringWheel.Tilt": _number(_B.WHEEL_TILT),
    "Vehicle.Chassis.SteeringWheel.HeatingCooling": _number(_B.WHEEL_HEAT),
    "Vehicle.Powertrain.Transmission.SelectedGear": _word(_B.GEAR, _gear),
    _C + "ChargeLimit": _number(_B.CHARGE_LIMIT),
    _C + "Timer.Mode": _word(_B.CHARGE_TIMER, lambda word: _TIMER_WORDS.get(word, "")),
    _C + "Station.Kind": _word(_B.CHARGE_CABLE, _lower),
    _C + "Station.MaxPower": _number(_B.STATION_POWER, None, lambda kw: 1000.0 * float(kw)),
    "Vehicle.Powertrain.TractionBattery.BatteryConditioning.RequestedMode": _word(
        _B.CONDITIONING, lambda word: _CONDITIONING_WORDS.get(word, "")
    ),
    **{path: _number(item) for item, path in TIMES.items()},
    _C + "StartStopCharging": _number(_B.CHARGE, None, lambda word: float(word == "START")),
    _C + "ChargingPort.AnyPosition.IsChargingCableLocked": _number(_B.CABLE_LOCK),
    _C + "ChargingPort.AnyPosition.IsFlapOpen": _number(_B.CHARGE_FLAP),
    "Vehicle.Body.Hood.IsOpen": _number(_B.HOOD, None, _wide),
    "Vehicle.Body.Hood.Position": _number(_B.HOOD),
    "Vehicle.Body.Horn.IsActive": _number(_B.HORN),
    "Vehicle.Body.Trunk.Rear.IsOpen": _number(_B.BOOT, None, _wide),
    "Vehicle.Body.Trunk.Rear.Position": _number(_B.BOOT),
    "Vehicle.Body.Trunk.Rear.IsLocked": _number(_B.BOOT_LOCK),
    _L + "LightSwitch": _word(_B.LIGHT_SWITCH, lambda word: _SWITCH_WORDS.get(word, "")),
    _L + "Beam.Low.IsOn": _number(_B.LOW_BEAM),
    _L + "Beam.High.IsOn": _number(_B.HIGH_BEAM),
    _L + "IsHighBeamSwitchOn": _number(_B.HIGH_BEAM),
    _L + "Running.IsOn": _number(_B.RUNNING_LIGHT),
    _L + "Parking.IsOn": _number(_B.PARKING_LIGHT),
    _L + "Fog.Front.IsOn": _number(_B.FOG_FRONT),
    _L + "Fog.Rear.IsOn": _number(_B.FOG_REAR),
    _L + "DirectionIndicator.Left.IsSignaling": _indicate(Indicator.LEFT),
    _L + "DirectionIndicator.Right.IsSignaling": _indicate(Indicator.RIGHT),
    _L + "Hazard.IsSignaling": _indicate(Indicator.HAZARD),
    "Vehicle.Body.Windshield.Front.IsHeatingOn": _number(_B.SCREEN_HEAT, _P.FRONT),
    "Vehicle.Body.Windshield.Rear.IsHeatingOn": _number(_B.SCREEN_HEAT, _P.REAR),
    "Vehicle.Body.Windshield.Front.Wiping.Mode": _word(_B.WIPER, _lower),
    "Vehicle.Body.Windshield.Front.Wiping.Intensity": _number(_B.WIPER_INTENSITY),
    "Vehicle.Cabin.IsWindowChildLockEngaged": _number(_B.WINDOW_LOCK),
    "Vehicle.Cabin.Light.IsDomeOn": _number(_B.DOME_LIGHT),
    "Vehicle.Cabin.Light.IsGloveBoxOn": _number(_B.GLOVE_LIGHT),
    "Vehicle.Cabin.HVAC.IsAirConditioningActive": _number(_B.AIR_CONDITIONING),
    "Vehicle.Cabin.HVAC.IsRecirculationActive": _number(_B.RECIRCULATION),
    "Vehicle.Cabin.HVAC.IsFrontDefrosterActive": _number(_B.DEFROST),
    "Vehicle.Cabin.HVAC.IsRearDefrosterActive": _number(_B.SCREEN_HEAT, _P.REAR),
    _A + "CruiseControl.IsActive": _engage,
    _A + "CruiseControl.IsEnabled": _switch(Function.ACC),
    _A + "CruiseControl.SpeedSet": _press(RequestKind.SET_SPEED, _mps),
    _A + "EBA.IsEnabled": _switch(Function.AEB),
    _A + "LaneDepartureDetection.IsEnabled": _switch(Function.LDW),
    _A + "ObstacleDetection.Front.Center.IsEnabled": _switch(Function.FCW),
    _A + "Pilot.IsEngaged": _engage,
    _A + "Pilot.SetSpeed": _press(RequestKind.SET_SPEED, _mps),
    _A + "Pilot.TimeGap": _press(RequestKind.SET_TIME_GAP, _SAME),
    **{
        f"{_A}Pilot.Function.{name}.IsEnabled": _switch(function)
        for function, name in FUNCTION_NAMES.items()
    },
}
"""Every signal that somebody outside can move, and how."""


def message_of(
    path: str, value: Value, stamp_ns: int, who: str, boot_unix_ns: int = 0
) -> tuple[Topic, Message]:
    """The message that carries out an actuation, and its topic.

    `boot_unix_ns` is when the car's clock began, in Unix time.

    Raises:
        KeyError: nobody outside moves it (`SINKS`).
        ValueError: it should be a time and is none; `not_a_time` tells that before.
    """
    if path in _TIMED:
        value = car_seconds(str(value), boot_unix_ns)
    message = SINKS[path](value, stamp_ns, who)
    body = isinstance(message, BodyRequest)
    return (topics.BODY_REQUEST if body else topics.DRIVER_REQUEST), message


def not_a_time(wanted: Mapping[str, Value], boot_unix_ns: int) -> SignalError | None:
    """The first value that should be a time and is none."""
    for path in _TIMED & wanted.keys():
        try:
            car_seconds(str(wanted[path]), boot_unix_ns)
        except (ValueError, OverflowError) as error:
            words = f"expected a time as 2026-11-30T07:00:00Z: {error}"
            return SignalError(Code.INVALID_ARGUMENT, path, words)
    return None


_TIMED: Final = frozenset(TIMES.values())

__all__ = ["SINKS", "message_of", "not_a_time"]
