"""What the body reports, built from its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from volant.core.body import (
    AirState,
    AirWay,
    BodyItem,
    BodyPlace,
    BodyState,
    CabinLights,
    ChargeState,
    ClimateState,
    ConditioningState,
    DoorState,
    DriveState,
    LightsState,
    LightSwitch,
    MirrorState,
    SeatState,
    TyreState,
    WiperMode,
    WipersState,
)
from volant.vehicle.body import heat
from volant.vehicle.body.items import DOORS, ROWS, SEATS, SIDES, Key

_B, _P = BodyItem, BodyPlace
_CYCLES: Final[Mapping[WiperMode, float]] = {
    WiperMode.OFF: 0.0,
    WiperMode.SLOW: 40.0,
    WiperMode.MEDIUM: 50.0,
    WiperMode.FAST: 60.0,
    WiperMode.RAIN_SENSOR: 0.0,  # the simulated world is dry
}
"""Wipes a minute (estimated); the interval's follow from its intensity."""
INTERVAL_CYCLES: Final = 4.0
"""By step of intensity."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Heat and energy of the body."""

    cabin_k: float
    tyre_k: float
    ambient_k: float
    drawn_w: float = 0.0
    consumed_j: float = 0.0
    recovered_j: float = 0.0
    charged_j: float = 0.0


def report(
    values: Mapping[Key, float],
    flow: Flow,
    charge: ChargeState,
    conditioning: ConditioningState,
    *,
    stamp_ns: int,
    reverse: bool,
    motor: tuple[float, float, float],
    odometer_m: float,
    refused: tuple[int, str],
) -> BodyState:
    """The state as a message; `motor` is its speed (rad/s), torque (Nm) and the battery's loss (W)."""
    motor_rps, motor_nm, loss_w = motor

    def one(item: BodyItem, place: BodyPlace | None = None) -> float:
        return values[item, place]

    def on(item: BodyItem, place: BodyPlace | None = None) -> bool:
        return values[item, place] > 0.0

    tyre = TyreState(pressure_pa=heat.tyre_pa(flow.tyre_k), temperature_k=flow.tyre_k)
    return BodyState(
        stamp_ns=stamp_ns,
        doors=tuple(_door(values, place) for place in DOORS),  # type: ignore[arg-type]
        seats=tuple(_seat(values, place) for place in SEATS),  # type: ignore[arg-type]
        mirrors=(_mirror(values, _P.LEFT), _mirror(values, _P.RIGHT)),
        tyres=(tyre, tyre, tyre, tyre),
        window_lock=on(_B.WINDOW_LOCK),
        hood_pct=one(_B.HOOD),
        boot_pct=one(_B.BOOT),
        boot_locked=on(_B.BOOT_LOCK),
        lights=_lights(values, reverse),
        cabin_lights=_cabin_lights(values),
        wipers=_wipers(values),
        screen_heat=(on(_B.SCREEN_HEAT, _P.FRONT), on(_B.SCREEN_HEAT, _P.REAR)),
        horn=on(_B.HORN),
        climate=_climate(values, flow),
        wheel_heat_pct=one(_B.WHEEL_HEAT),
        wheel_extension_pct=one(_B.WHEEL_EXTENSION),
        wheel_tilt_pct=one(_B.WHEEL_TILT),
        charge=charge,
        conditioning=conditioning,
        drive=DriveState(
            motor_rps=motor_rps,
            motor_nm=motor_nm,
            motor_w=motor_rps * motor_nm,
            loss_w=loss_w,
            consumed_j=flow.consumed_j,
            recovered_j=flow.recovered_j,
            charged_j=flow.charged_j,
            trip_m=max(0.0, odometer_m - one(_B.TRIP)),
        ),
        refused=refused[0],
        refusal=refused[1],
    )


def _door(values: Mapping[Key, float], place: BodyPlace) -> DoorState:
    return DoorState(
        open_pct=values[_B.DOOR, place],
        locked=values[_B.DOOR_LOCK, place] > 0.0,
        child_locked=values[_B.CHILD_LOCK, place] > 0.0,
        window_pct=values[_B.WINDOW, place],
    )


def _seat(values: Mapping[Key, float], place: BodyPlace) -> SeatState:
    return SeatState(
        occupied=values[_B.SEAT_OCCUPIED, place] > 0.0,
        belted=values[_B.SEAT_BELT, place] > 0.0,
        heat_pct=values.get((_B.SEAT_HEAT, place), 0.0),
        position_m=values.get((_B.SEAT_POSITION, place), 0.0),
        height_m=values.get((_B.SEAT_HEIGHT, place), 0.0),
        recline_rad=values.get((_B.SEAT_RECLINE, place), 0.0),
        tilt_rad=values.get((_B.SEAT_TILT, place), 0.0),
    )


def _mirror(values: Mapping[Key, float], place: BodyPlace) -> MirrorState:
    return MirrorState(
        folded=values[_B.MIRROR_FOLD, place] > 0.0,
        heated=values[_B.MIRROR_HEAT, place] > 0.0,
        yaw_pct=values[_B.MIRROR_YAW, place],
        tilt_pct=values[_B.MIRROR_TILT, place],
    )


def _lights(values: Mapping[Key, float], reverse: bool) -> LightsState:
    low = values[_B.LOW_BEAM, None] > 0.0
    return LightsState(
        switch=LightSwitch(ROWS[_B.LIGHT_SWITCH].words[int(values[_B.LIGHT_SWITCH, None])]),
        parking=values[_B.PARKING_LIGHT, None] > 0.0,
        running=values[_B.RUNNING_LIGHT, None] > 0.0,
        low=low,
        high=low and values[_B.HIGH_BEAM, None] > 0.0,
        fog_front=values[_B.FOG_FRONT, None] > 0.0,
        fog_rear=values[_B.FOG_REAR, None] > 0.0,
        reverse=reverse,
    )


def _cabin_lights(values: Mapping[Key, float]) -> CabinLights:
    left, right = SIDES
    return CabinLights(
        dome=values[_B.DOME_LIGHT, None] > 0.0,
        glove=values[_B.GLOVE_LIGHT, None] > 0.0,
        ambient=(values[_B.AMBIENT_LIGHT, left] > 0.0, values[_B.AMBIENT_LIGHT, right] > 0.0),
        ambient_pct=(values[_B.AMBIENT_INTENSITY, left], values[_B.AMBIENT_INTENSITY, right]),
        reading=(values[_B.READING_LIGHT, left] > 0.0, values[_B.READING_LIGHT, right] > 0.0),
        reading_pct=(values[_B.READING_INTENSITY, left], values[_B.READING_INTENSITY, right]),
    )


def _wipers(values: Mapping[Key, float]) -> WipersState:
    mode = WiperMode(ROWS[_B.WIPER].words[int(values[_B.WIPER, None])])
    intensity = int(values[_B.WIPER_INTENSITY, None])
    cycles = _CYCLES.get(mode, INTERVAL_CYCLES * intensity)
    return WipersState(mode=mode, intensity=intensity, cycles_per_min=cycles)


def _climate(values: Mapping[Key, float], flow: Flow) -> ClimateState:
    def air(place: BodyPlace) -> AirState:
        way = ROWS[_B.AIR_WAY].words[int(values[_B.AIR_WAY, place])]
        return AirState(
            wished_k=values[_B.AIR_TEMPERATURE, place],
            fan_pct=values[_B.AIR_FAN, place],
            way=AirWay(way),
        )

    return ClimateState(
        cabin_k=flow.cabin_k,
        ambient_k=flow.ambient_k,
        left=air(_P.FRONT_LEFT),
        right=air(_P.FRONT_RIGHT),
        on=values[_B.AIR_CONDITIONING, None] > 0.0,
        recirculation=values[_B.RECIRCULATION, None] > 0.0,
        defrost=values[_B.DEFROST, None] > 0.0,
        power_w=flow.drawn_w,
    )


__all__ = ["Flow", "report"]
