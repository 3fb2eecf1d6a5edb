"""What the simulated units measure, as physical values of their signals.

Each message that carries something that moves in the simulated car has its function here. What stands
still in it rests at the start value of the data base. What the body reports goes out by the mapping's own table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from volant.core.body import BodyState
from volant.core.messages import (
    CarState,
    Gear,
    GnssReturn,
    Indicator,
    LaneReturn,
    MarkKind,
    SensorFrames,
)
from volant.core.units import GRAVITY_MPS2
from volant.vehicle.parameters import PlantSpec
from volant.vehicle.plant import PlantState

GEARS: Final = {gear: number for number, gear in enumerate(Gear)}
INDICATORS: Final = {one: number for number, one in enumerate(Indicator)}
MARKS: Final = {one: number for number, one in enumerate(MarkKind)}
PULSE_M: Final = 0.02
"""Way of one wheel pulse: about 100 pulses a turn (recalled)."""
ZERO_C_K: Final = 273.15
UNKNOWN_LANES: Final = 15
LANE_NS: Final = 200_000_000
"""A lane is told as seen for this long: four pictures."""
DOORS: Final = ("FrontLeft", "FrontRight", "RearLeft", "RearRight")
RADARS: Final = {
    "RDF": "radar_front",
    "RFL": "radar_front_left",
    "RFR": "radar_front_right",
    "RRL": "radar_rear_left",
    "RRR": "radar_rear_right",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the units may measure at one tick."""

    now_ns: int
    car: CarState
    """As the car's sensors measure it."""
    plant: PlantState
    spec: PlantSpec
    drive_cut: bool
    brake_alone: bool
    steer_held: bool
    body_alone: bool
    routed: int
    sensors: SensorFrames | None
    """The last frames that came."""
    lane: LaneReturn | None
    gnss: GnssReturn | None
    body: BodyState | None = None
    """None: it has told nothing yet."""


def _speed(at: Snapshot) -> dict[str, float]:
    pulses = int(at.car.odometer_m / PULSE_M) % 4096
    speed_mps = at.car.speed_mps
    return {
        "BRK_Speed_Speed": speed_mps,
        "BRK_Speed_Standing": speed_mps == 0.0,
        "BRK_Speed_Pulses": pulses,
    }


def _motion(at: Snapshot) -> dict[str, float]:
    car = at.car
    return {
        "BRK_Motion_Accel": car.accel_mps2,
        "BRK_Motion_LateralAccel": car.lateral_accel_mps2,
        "BRK_Motion_YawRate": car.yaw_rate_rps,
    }


def _wheels(name: str) -> Callable[[Snapshot], dict[str, float]]:
    def values(at: Snapshot) -> dict[str, float]:
        half_mps = 0.5 * at.spec.track_m * at.car.yaw_rate_rps
        return {
            f"{name}_Left": at.car.speed_mps - half_mps,
            f"{name}_Right": at.car.speed_mps + half_mps,
        }

    return values


def _force(at: Snapshot) -> dict[str, float]:
    share = at.plant.brake_n / (at.spec.mass_kg * GRAVITY_MPS2)
    return {
        "BRK_Force_Force": at.plant.brake_n,
        "BRK_Force_Front": 110.0 * share,
        "BRK_Force_Rear": 70.0 * share,
        "BRK_Force_Ramp": at.brake_alone,
        "BRK_Force_PedalSwitch": at.car.driver.brake > 0.0,
    }


def _parking(at: Snapshot) -> dict[str, float]:
    parked = at.car.gear is Gear.PARK
    return {"BRK_Parking_State": parked, "BRK_Parking_Held": at.car.hold}


def _angle(at: Snapshot) -> dict[str, float]:
    return {"STR_Angle_Angle": at.car.steer_rad, "STR_Angle_Held": at.steer_held}


def _hands(at: Snapshot) -> dict[str, float]:
    driver = at.car.driver
    return {
        "STR_Driver_HandTorque": driver.wheel_torque_nm,
        "STR_Driver_WheelAngle": driver.wheel_angle_rad,
        "STR_Driver_HandsOn": driver.hands_on,
    }


def _feet(at: Snapshot) -> dict[str, float]:
    driver = at.car.driver
    return {
        "DRV_Driver_Accelerator": driver.accelerator,
        "DRV_Driver_AcceleratorB": driver.accelerator,
        "DRV_Driver_Brake": driver.brake,
    }


def _torque(at: Snapshot) -> dict[str, float]:
    return {"DRV_Torque_Force": at.plant.drive_n, "DRV_Torque_Cut": at.drive_cut}


def _gear(at: Snapshot) -> dict[str, float]:
    return {"DRV_Gear_Gear": GEARS[at.car.gear], "DRV_Gear_Hold": at.car.hold}


def _motor(at: Snapshot) -> dict[str, float]:
    car = at.car
    return {
        "DRV_Motor_Current": car.battery_power_w / max(car.battery_voltage_v, 1.0),
        "DRV_Motor_Power": at.plant.wheel_w,
    }


def _range(at: Snapshot) -> dict[str, float]:
    return {"DRV_Range_Odometer": at.car.odometer_m, "DRV_Range_Range": at.car.range_m}


def _pack(at: Snapshot) -> dict[str, float]:
    car = at.car
    return {
        "BAT_Pack_Voltage": car.battery_voltage_v,
        "BAT_Pack_Power": car.battery_power_w,
        "BAT_Pack_Current": car.battery_power_w / max(car.battery_voltage_v, 1.0),
    }


def _charge(at: Snapshot) -> dict[str, float]:
    return {
        "BAT_Charge_Charge": at.car.charge_pct,
        "BAT_Charge_Temperature": at.car.battery_temperature_k - ZERO_C_K,
    }


def _cells(at: Snapshot) -> dict[str, float]:
    cell_v = at.car.battery_voltage_v / max(at.spec.cells_in_series, 1)
    return {"BAT_Cells_Least": cell_v, "BAT_Cells_Most": cell_v}


def _temps(at: Snapshot) -> dict[str, float]:
    value = at.car.battery_temperature_k - ZERO_C_K
    return {f"BAT_Temps_{part}": value for part in ("Module1", "Module2", "Module3", "Module4")}


def _lights(at: Snapshot) -> dict[str, float]:
    return {
        "BDY_Lights_Indicator": INDICATORS[at.car.indicator],
        "BDY_Lights_BrakeLights": at.car.brake_lights,
        "BDY_Lights_Reverse": at.car.gear is Gear.REVERSE,
        "BDY_Lights_Alone": at.body_alone,
    }


def _doors(at: Snapshot) -> dict[str, float]:
    closed = at.car.driver.door_closed
    if at.body is None:
        return {"BDY_Doors_AllClosed": closed, "BDY_Doors_FrontLeft": not closed}
    doors = at.body.doors
    opened: dict[str, float] = {
        f"BDY_Doors_{name}": door.open_pct > 0.0 for name, door in zip(DOORS, doors, strict=True)
    }
    return opened | {
        "BDY_Doors_AllClosed": closed,
        "BDY_Doors_Boot": at.body.boot_pct > 0.0,
        "BDY_Doors_Bonnet": at.body.hood_pct > 0.0,
        "BDY_Doors_Locked": all(door.locked for door in doors),
        "BDY_Doors_ChildLeft": doors[2].child_locked,
        "BDY_Doors_ChildRight": doors[3].child_locked,
    }


def _belts(at: Snapshot) -> dict[str, float]:
    return {"BDY_Belts_Driver": at.car.driver.belted}


def _eyes(at: Snapshot) -> dict[str, float]:
    return {"CPT_Watch_EyesOn": at.car.driver.eyes_on}


def _power(at: Snapshot) -> dict[str, float]:
    return {"GTW_Power_Mode": 4 if at.car.gear is Gear.PARK else 5}


def _time(at: Snapshot) -> dict[str, float]:
    return {"GTW_Time_Uptime": at.now_ns / 1e9}


def _buses(at: Snapshot) -> dict[str, float]:
    return {"GTW_Buses_Routed": at.routed % (1 << 20)}


def _lane(at: Snapshot) -> dict[str, float]:
    lane = at.lane
    if lane is None:
        return {}
    return {
        "CAM_Lane1_Offset": lane.offset_m,
        "CAM_Lane1_Heading": lane.heading_rad,
        "CAM_Lane1_Curvature": lane.curvature_per_m,
    }


def _lane_bounds(at: Snapshot) -> dict[str, float]:
    lane = at.lane
    if lane is None:
        return {}
    age_ns = at.now_ns - lane.stamp_ns
    left, right = lane.lanes_left, lane.lanes_right
    return {
        "CAM_Lane2_Width": lane.width_m,
        "CAM_Lane2_LeftMark": MARKS[lane.left_mark],
        "CAM_Lane2_RightMark": MARKS[lane.right_mark],
        "CAM_Lane2_Confidence": lane.confidence,
        "CAM_Lane2_LanesLeft": UNKNOWN_LANES if left is None else left,
        "CAM_Lane2_LanesRight": UNKNOWN_LANES if right is None else right,
        "CAM_Lane2_Age": age_ns / 1e6,
        "CAM_Lane2_Seen": age_ns <= LANE_NS,
    }


def _place(at: Snapshot) -> dict[str, float]:
    if at.gnss is None:
        return {}
    return {"GNS_Place_X": at.gnss.x_m, "GNS_Place_Y": at.gnss.y_m}


def _course(at: Snapshot) -> dict[str, float]:
    fix = at.gnss
    if fix is None:
        return {}
    return {
        "GNS_Course_Z": fix.z_m,
        "GNS_Course_Yaw": fix.yaw_rad,
        "GNS_Course_Sigma": fix.sigma_m,
        "GNS_Course_Age": (at.now_ns - fix.stamp_ns) / 1e6,
    }


def _radar(prefix: str, sensor: str) -> Callable[[Snapshot], dict[str, float]]:
    def values(at: Snapshot) -> dict[str, float]:
        frames = () if at.sensors is None else at.sensors.detections
        count = sum(len(one.objects) for one in frames if one.sensor == sensor)
        return {f"{prefix}_Status_Objects": count}

    return values


SOURCES: Final[Mapping[str, Callable[[Snapshot], Mapping[str, float]]]] = {
    "BRK_Speed": _speed,
    "BRK_Motion": _motion,
    "BRK_WheelsFront": _wheels("BRK_WheelsFront"),
    "BRK_WheelsRear": _wheels("BRK_WheelsRear"),
    "BRK_Force": _force,
    "BRK_Parking": _parking,
    "STR_Angle": _angle,
    "STR_Driver": _hands,
    "DRV_Driver": _feet,
    "DRV_Torque": _torque,
    "DRV_Gear": _gear,
    "DRV_Motor": _motor,
    "DRV_Range": _range,
    "BAT_Pack": _pack,
    "BAT_Charge": _charge,
    "BAT_Cells": _cells,
    "BAT_Temps": _temps,
    "BDY_Lights": _lights,
    "BDY_Doors": _doors,
    "BDY_Belts": _belts,
    "CPT_Watch": _eyes,
    "CAM_Lane1": _lane,
    "CAM_Lane2": _lane_bounds,
    "GNS_Place": _place,
    "GNS_Course": _course,
    "GTW_Power": _power,
    "GTW_Time": _time,
    "GTW_Buses": _buses,
    **{f"{prefix}_Status": _radar(prefix, sensor) for prefix, sensor in RADARS.items()},
}
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


def values_of(
    at: Snapshot, body: Mapping[str, Mapping[str, float]] = MappingProxyType({})
) -> Callable[[str], Mapping[str, float]]:
    """Values of a message's signals by its name; nothing for one that rests.

    Args:
        at: the moment.
        body: what the body's messages carry, by message; what the car itself measures goes before it.
    """

    def values(name: str) -> Mapping[str, float]:
        source, carried = SOURCES.get(name), body.get(name)
        if source is None:
            return carried or _NOTHING
        own = source(at)
        return {**carried, **own} if carried else own

    return values
