"""The pilot's ticks: objects in, plan and command out, on one core (CPU time of this thread).

The car follows the ring of the built-in world at 25 m/s; others stand around it in three lanes, each
seen by two sensors at every pilot tick. A pilot tick holds tracking, prediction, planning, control and
all messages; the control ticks between hold the rest.
"""

from __future__ import annotations

import gc
import math
import platform
import time
from collections.abc import Iterator

from bench.rows import Row
from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS
from volant.core.messages import (
    CarState,
    DetectionFrame,
    DriverControls,
    DriverRequest,
    Gear,
    GnssReturn,
    Indicator,
    LaneReturn,
    MarkKind,
    ObjectClass,
    ObjectReturn,
    Observation,
    RequestKind,
    SensorFrames,
)
from volant.core.settings import find_data
from volant.pilot import CarGeometry, PilotSettings, start, step
from volant.road import Corridor, follow, load_graph, traffic_rules

SPEED_MPS = 25.0
SPAN_S = 60.0
WARM_S = 5.0


def rows() -> list[Row]:
    graph = load_graph(find_data("maps", "volant-world"))
    lane = next(
        lane for lane in graph.lanes if lane.road_type == "motorway" and lane.left is not None
    )
    corridor = follow(graph, lane.index, 0.0, 4000.0)
    car = CarGeometry(
        length_m=4.45,
        width_m=1.82,
        rear_overhang_m=0.92,
        wheelbase_m=2.625,
        max_curvature_per_m=0.18,
    )
    settings = PilotSettings(graph, traffic_rules(graph), None, car)
    found = []
    for objects, limit_ms, peer, peer_ms in (
        (20, 0.6, "PDM-Closed, published", 91.0),
        (50, 2.0, "Frenetix C++, 800 trajectories, published", 8.0),
    ):
        pilot_ms, control_us = measure(settings, corridor, objects)
        note = f"{objects} objects by two sensors; {platform.machine()}"
        half, most = quantile(pilot_ms, 0.5), quantile(pilot_ms, 0.99)
        found += [
            Row(
                f"pilot/tick p50, {objects} objects",
                half,
                unit="ms",
                target=f"<= {limit_ms}",
                ok=half <= limit_ms,
                peer=peer,
                peer_value=peer_ms,
                note=note,
            ),
            Row(
                f"pilot/tick p99, {objects} objects",
                most,
                unit="ms",
                target="<= 10",
                ok=most <= 10.0,
                peer="openpilot long MPC, asserted bound",
                peer_value=50.0,
                note=note,
            ),
        ]
        if objects == 20:
            half_us = quantile(control_us, 0.5)
            found.append(
                Row(
                    "pilot/control tick p50",
                    half_us,
                    unit="us",
                    target="<= 60",
                    ok=half_us <= 60.0,
                    note="between pilot ticks",
                )
            )
    return found


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def measure(
    settings: PilotSettings, corridor: Corridor, objects: int
) -> tuple[list[float], list[float]]:
    """CPU times of pilot ticks (ms) and of the control ticks between (us)."""
    memory = start(settings)
    pilot_ms: list[float] = []
    control_us: list[float] = []
    gc.collect()
    gc.disable()
    for observation in observations(corridor, objects):
        began_ns = time.thread_time_ns()
        memory, _output = step(memory, observation, settings)
        spent_ns = time.thread_time_ns() - began_ns
        if observation.stamp_ns < WARM_S * 1e9:
            continue
        if observation.stamp_ns % PILOT_TICK_NS == 0:
            pilot_ms.append(spent_ns / 1e6)
        else:
            control_us.append(spent_ns / 1e3)
    gc.enable()
    return pilot_ms, control_us


def observations(corridor: Corridor, objects: int) -> Iterator[Observation]:
    """A drive in the middle of the lane among others, as sensors would report it."""
    for tick in range(int(SPAN_S / 0.01)):
        stamp_ns = tick * CONTROL_TICK_NS
        station_m = 20.0 + SPEED_MPS * tick * 0.01
        x_m, y_m, yaw_rad = corridor.to_world(station_m, 0.0)
        bend = corridor.at(station_m).curvature_per_m
        sensors = None
        if stamp_ns % PILOT_TICK_NS == 0:
            seen = tuple(returns(corridor, station_m, x_m, y_m, yaw_rad, objects))
            sensors = SensorFrames(
                stamp_ns=stamp_ns,
                detections=tuple(
                    DetectionFrame(sensor=name, stamp_ns=stamp_ns, objects=seen)
                    for name in ("front", "around")
                ),
                lane=LaneReturn(
                    stamp_ns=stamp_ns,
                    offset_m=0.01 * math.sin(0.1 * tick),
                    heading_rad=0.0,
                    curvature_per_m=bend,
                    width_m=3.75,
                    left_mark=MarkKind.BROKEN,
                    right_mark=MarkKind.BROKEN,
                    confidence=0.95,
                ),
                gnss=GnssReturn(
                    stamp_ns=stamp_ns, x_m=x_m, y_m=y_m, z_m=0.0, yaw_rad=yaw_rad, sigma_m=1.0
                ),
            )
        car = CarState(
            stamp_ns=stamp_ns,
            speed_mps=SPEED_MPS,
            accel_mps2=0.0,
            lateral_accel_mps2=SPEED_MPS**2 * bend,
            yaw_rate_rps=SPEED_MPS * bend,
            steer_rad=0.0,
            gear=Gear.DRIVE,
            indicator=Indicator.OFF,
            hold=False,
            brake_lights=False,
            charge_pct=80.0,
            range_m=3e5,
            battery_power_w=0.0,
            battery_voltage_v=350.0,
            battery_temperature_k=300.0,
            odometer_m=station_m,
            driver=DriverControls(),
        )
        press = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE)
        requests = (press,) if tick == 50 else ()
        yield Observation(stamp_ns=stamp_ns, car=car, sensors=sensors, requests=requests)


def returns(
    corridor: Corridor, station_m: float, x_m: float, y_m: float, yaw_rad: float, objects: int
) -> Iterator[ObjectReturn]:
    """Others in three lanes at our own pace, about 40 m apart."""
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    for index in range(objects):
        lane = index % 3 - 1
        ahead_m = 40.0 * (index // 3 + 1) - 80.0 * (lane != 0)
        if lane == 0:
            ahead_m = 40.0 + 45.0 * (index // 3)
        ox_m, oy_m, heading = corridor.to_world(station_m + ahead_m, 3.75 * lane)
        dx_m, dy_m = ox_m - x_m, oy_m - y_m
        turn = heading - yaw_rad
        bend = corridor.at(station_m + ahead_m).curvature_per_m
        speed_mps = SPEED_MPS * (1.0 - bend * 3.75 * lane)
        yield ObjectReturn(
            x_m=cos * dx_m + sin * dy_m,
            y_m=-sin * dx_m + cos * dy_m,
            yaw_rad=math.remainder(turn, 2.0 * math.pi),
            velocity_x_mps=speed_mps * math.cos(turn),
            velocity_y_mps=speed_mps * math.sin(turn),
            length_m=4.5,
            width_m=1.8,
            height_m=1.5,
            object_class=ObjectClass.CAR,
            class_confidence=0.9,
            existence=0.95,
        )
