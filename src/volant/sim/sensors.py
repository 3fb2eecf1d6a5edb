"""Object-level sensors: the table of what each one sees, and frames that arrive late, noisy, or not.

A sensor returns boxes of road users, not raw points. Frames are measured at 10 or 20 Hz and delivered
after the sensor's latency with the stamp of the measurement. Misses are a two-state Markov process for
each pair of sensor and actor (bursts of 0.2 to 1 s) whose stationary share grows towards the range's
end. Who stands behind a box is not seen; people and cycles are seen less far than cars.
Simplified: radars see standing cars as well as cameras do (a real one needs a camera to tell them
from clutter), occlusion is by rays in the plane, and nothing depends on weather but the level.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.core.clock import PILOT_TICK_NS, nanoseconds, seconds
from volant.core.messages import (
    DetectionFrame,
    EgoTruth,
    Indicator,
    ObjectClass,
    ObjectReturn,
)
from volant.sim.columns import BodyClass, Index
from volant.sim.sensors_faults import (
    DELAY_NS,
    FaultKind,
    SensorFault,
    false_returns,
    fault_of,
    shake,
)
from volant.sim.sensors_kernels import RETURN_COLUMNS, sense_objects

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor of the table. Position in the car frame; angles in radians; sigmas are white noise.

    Source and status of the figures stand in `source`.
    """

    name: str
    kind: str
    """`radar`, `camera`, `ultrasonic` or `ideal`; the first and the third tell no classes and lamps."""
    x_m: float
    y_m: float
    yaw_rad: float
    field_rad: float
    """Whole horizontal opening."""
    range_m: float
    small_range_m: float
    """Up to here it sees people and cycles."""
    every_ticks: int
    """Measures at each so manieth tick of 50 ms."""
    latency_ns: int
    range_sigma_m: float
    """At short range; `range_sigma_part` of the distance comes on top."""
    range_sigma_part: float
    angle_sigma_rad: float
    radial_sigma_mps: float
    lateral_sigma_mps: float
    yaw_sigma_rad: float
    size_sigma_m: float
    miss_share: float
    """Stationary share of missed frames well inside the range."""
    ghosts_per_min: float
    points_seen: int
    """Of five points of a box (centre and corners), how many must be in free sight."""
    class_confidence: float
    class_wrong: float
    """Share of frames in which the class is mistaken for its likeness (`CONFUSED`)."""
    lamp_range_m: float
    """Brake lights and indicators are told up to here; 0: this sensor sees no lamps."""
    lamp_miss: float
    """Share of frames in which a lamp that is lit and in sight is not told."""
    existence_near: float
    """Probability of existence that is told at no distance, falling evenly to that at the range's end."""
    existence_far: float
    source: str


_TR = "3GPP TR 22.837 KPI table (read in notes/vehicle.md, section 6)"
_NOTES = "notes/vehicle.md, section 6 (recalled there)"


def _radar(name: str, x_m: float, y_m: float, yaw_deg: float, *, far: bool) -> Sensor:
    return Sensor(
        name=name,
        kind="radar",
        x_m=x_m,
        y_m=y_m,
        yaw_rad=math.radians(yaw_deg),
        field_rad=math.radians(30.0 if far else 150.0),
        range_m=250.0 if far else 80.0,
        small_range_m=100.0 if far else 45.0,
        every_ticks=1,
        latency_ns=PILOT_TICK_NS,
        range_sigma_m=0.2 if far else 0.1,
        range_sigma_part=0.0,
        angle_sigma_rad=math.radians(0.2 if far else 0.8),
        radial_sigma_mps=0.1,
        lateral_sigma_mps=0.5 if far else 0.8,
        yaw_sigma_rad=math.radians(4.0),
        size_sigma_m=0.4,
        miss_share=0.03,
        ghosts_per_min=0.3,
        points_seen=1,
        class_confidence=0.1,
        class_wrong=0.0,
        lamp_range_m=0.0,
        lamp_miss=0.0,
        existence_near=0.97,
        existence_far=0.6,
        source=f"{_TR}; lateral speed, yaw, size, misses, existence and ghosts estimated",
    )


def _camera(name: str, x_m: float, y_m: float, yaw_deg: float, *, field_deg: float) -> Sensor:
    front = name == "camera_front"
    return Sensor(
        name=name,
        kind="camera",
        x_m=x_m,
        y_m=y_m,
        yaw_rad=math.radians(yaw_deg),
        field_rad=math.radians(field_deg),
        range_m=150.0 if front else 70.0,
        small_range_m=75.0 if front else 40.0,
        every_ticks=1 if front else 2,
        latency_ns=2 * PILOT_TICK_NS,
        range_sigma_m=0.2,
        range_sigma_part=0.03,
        angle_sigma_rad=math.radians(0.2),
        radial_sigma_mps=1.2,
        lateral_sigma_mps=0.5,
        yaw_sigma_rad=math.radians(2.0),
        size_sigma_m=0.15,
        miss_share=0.04,
        ghosts_per_min=0.2,
        points_seen=2,
        class_confidence=0.92,
        class_wrong=0.03,
        lamp_range_m=80.0 if front else 50.0,
        lamp_miss=0.05,
        existence_near=0.97,
        existence_far=0.6,
        source=f"{_NOTES}; yaw, size, misses, classes, lamps, existence and ghosts estimated",
    )


def _ultrasonic() -> Sensor:
    """Twelve sensors in both bumpers, taken as one that looks all around from the car's middle."""
    return Sensor(
        name="ultrasonic",
        kind="ultrasonic",
        x_m=1.35,
        y_m=0.0,
        yaw_rad=0.0,
        field_rad=2.0 * math.pi,
        range_m=5.0 + 2.2,
        small_range_m=3.0 + 2.2,
        every_ticks=1,
        latency_ns=PILOT_TICK_NS,
        range_sigma_m=0.05,
        range_sigma_part=0.0,
        angle_sigma_rad=math.radians(3.0),
        radial_sigma_mps=0.6,
        lateral_sigma_mps=1.0,
        yaw_sigma_rad=math.radians(8.0),
        size_sigma_m=0.4,
        miss_share=0.04,
        ghosts_per_min=0.2,
        points_seen=1,
        class_confidence=0.1,
        class_wrong=0.0,
        lamp_range_m=0.0,
        lamp_miss=0.0,
        existence_near=0.95,
        existence_far=0.7,
        source=f"{_NOTES}: 0.15 to 5 m, 12 of them; the car's half length added; noise estimated",
    )


# Places on a car of about 4.4 m with its rear axle 0.9 m before the bumper (estimate); the number
# of sensors is that of an XPILOT 3.0 car: 5 radars, cameras around (notes/vehicle.md, section 6).
TYPICAL: Final[tuple[Sensor, ...]] = (
    _radar("radar_front", 3.5, 0.0, 0.0, far=True),
    _radar("radar_front_left", 3.3, 0.8, 60.0, far=False),
    _radar("radar_front_right", 3.3, -0.8, -60.0, far=False),
    _radar("radar_rear_left", -0.8, 0.8, 130.0, far=False),
    _radar("radar_rear_right", -0.8, -0.8, -130.0, far=False),
    _camera("camera_front", 1.9, 0.0, 0.0, field_deg=100.0),
    _camera("camera_left", 1.9, 0.9, 100.0, field_deg=110.0),
    _camera("camera_right", 1.9, -0.9, -100.0, field_deg=110.0),
    _camera("camera_rear", -0.8, 0.0, 180.0, field_deg=110.0),
    _ultrasonic(),
)
PERFECT: Final[tuple[Sensor, ...]] = (
    Sensor(
        name="ideal",
        kind="ideal",
        x_m=0.0,
        y_m=0.0,
        yaw_rad=0.0,
        field_rad=2.0 * math.pi,
        range_m=250.0,
        small_range_m=250.0,
        every_ticks=1,
        latency_ns=0,
        range_sigma_m=0.0,
        range_sigma_part=0.0,
        angle_sigma_rad=0.0,
        radial_sigma_mps=0.0,
        lateral_sigma_mps=0.0,
        yaw_sigma_rad=0.0,
        size_sigma_m=0.0,
        miss_share=0.0,
        ghosts_per_min=0.0,
        points_seen=0,
        class_confidence=1.0,
        class_wrong=0.0,
        lamp_range_m=math.inf,
        lamp_miss=0.0,
        existence_near=1.0,
        existence_far=1.0,
        source="by definition: everything within 250 m, no noise, no delay, no occlusion",
    ),
)
RAIN_RANGE: Final = 0.6
"""Ranges of all sensors at the degraded level (notes/vehicle.md, section 6, estimated there)."""
RAIN_MISS: Final = 3.0
"""Missed camera frames at the degraded level, as a multiple (the same place)."""
DEGRADED: Final[tuple[Sensor, ...]] = tuple(
    replace(
        sensor,
        range_m=RAIN_RANGE * sensor.range_m,
        small_range_m=RAIN_RANGE * sensor.small_range_m,
        lamp_range_m=RAIN_RANGE * sensor.lamp_range_m,
        miss_share=sensor.miss_share * (RAIN_MISS if sensor.kind == "camera" else 1.0),
    )
    for sensor in TYPICAL
)
LEVELS: Final[dict[str, tuple[Sensor, ...]]] = {
    "perfect": PERFECT,
    "typical": TYPICAL,
    "degraded": DEGRADED,
}

CLASS_OF_BODY: Final[tuple[ObjectClass, ...]] = tuple(ObjectClass[body.name] for body in BodyClass)
CONFUSED: Final[dict[ObjectClass, ObjectClass]] = {
    ObjectClass.CAR: ObjectClass.LORRY,
    ObjectClass.LORRY: ObjectClass.BUS,
    ObjectClass.BUS: ObjectClass.LORRY,
    ObjectClass.MOTORCYCLE: ObjectClass.CAR,
    ObjectClass.CYCLIST: ObjectClass.MOTORCYCLE,
    ObjectClass.PEDESTRIAN: ObjectClass.CYCLIST,
    ObjectClass.OBSTACLE: ObjectClass.CAR,
}
"""What a camera takes a road user for when it is mistaken (estimate)."""
INDICATORS: Final[dict[int, Indicator]] = {
    1: Indicator.LEFT,
    0: Indicator.OFF,
    -1: Indicator.RIGHT,
    2: Indicator.HAZARD,
}
_CLASS: Final = int(Index.CLASS)
MISS_BURST_S: Final = (0.2, 1.0)
_GHOST_S: Final = (0.2, 0.6)
_GHOST_EXISTENCE: Final = (0.25, 0.6)
"""What a sensor thinks of a false return; the best of them look like cars far away (estimate)."""


@dataclass(slots=True)
class _Ghost:
    until_ns: int
    range_m: float
    bearing_rad: float
    speed_mps: float
    existence: float


@dataclass(slots=True)
class ObjectSensors:
    """The object sensors of one car: settings, chance, and frames under way."""

    sensors: tuple[Sensor, ...]
    chance: Chance
    numbers: Array
    """[k, 22] the table as numbers, for the kernel."""
    keys: NDArray[np.uint64]
    """[k, N] one stream for each sensor and car slot."""
    missing_until: Array
    """[k, N] seconds until which a car is missed."""
    out: Array
    ghost_chances: tuple[Chance, ...]
    """One stream for each sensor."""
    faults: tuple[SensorFault, ...] = ()
    under_way: deque[tuple[int, DetectionFrame]] = field(default_factory=deque)
    ghosts: list[_Ghost | None] = field(default_factory=list)
    held: dict[str, tuple[ObjectReturn, ...]] = field(default_factory=dict)
    """Of each frozen sensor: what it goes on telling."""
    tick: int = 0


def make_object_sensors(
    level: str, chance: Chance, actors: int, faults: tuple[SensorFault, ...] = ()
) -> ObjectSensors:
    """The sensors of a level (`LEVELS`) for a world with room for so many actors.

    Raises:
        KeyError: no such level.
    """
    sensors = LEVELS[level]
    keys = np.array(
        [[chance.child(s.name, slot).key for slot in range(actors)] for s in sensors],
        dtype=np.uint64,
    ).reshape(len(sensors), actors)
    return ObjectSensors(
        sensors=sensors,
        chance=chance,
        numbers=np.array([_numbers(sensor) for sensor in sensors]),
        keys=keys,
        missing_until=np.zeros((len(sensors), actors)),
        out=np.zeros((max(actors, 1), RETURN_COLUMNS)),
        ghost_chances=tuple(chance.child("ghost", sensor.name) for sensor in sensors),
        faults=faults,
        ghosts=[None] * len(sensors),
    )


def _numbers(sensor: Sensor) -> tuple[float, ...]:
    return (
        sensor.x_m,
        sensor.y_m,
        sensor.yaw_rad,
        sensor.field_rad,
        sensor.range_m,
        sensor.range_sigma_m,
        sensor.range_sigma_part,
        sensor.angle_sigma_rad,
        sensor.radial_sigma_mps,
        sensor.lateral_sigma_mps,
        sensor.yaw_sigma_rad,
        sensor.size_sigma_m,
        sensor.miss_share,
        float(sensor.points_seen),
        sensor.class_confidence,
        sensor.class_wrong,
        sensor.lamp_range_m,
        sensor.lamp_miss,
        sensor.existence_near,
        sensor.existence_far,
        sensor.small_range_m,
        sensor.every_ticks * seconds(PILOT_TICK_NS),
    )


def measure(
    state: ObjectSensors, actor_f: Array, actor_i: Integers, ego: EgoTruth, stamp_ns: int
) -> None:
    """Take one frame with every sensor; they come out of `deliver` when their latency is over."""
    body = np.array((ego.x_m, ego.y_m, ego.z_m, ego.yaw_rad))
    bodies = actor_i[:, _CLASS].tolist()
    now_s = seconds(stamp_ns)
    for row, sensor in enumerate(state.sensors):
        if state.tick % sensor.every_ticks:
            continue
        kind = fault_of(state.faults, sensor.name, now_s)
        if kind is FaultKind.LOST:
            continue
        count = sense_objects(
            actor_f,
            actor_i,
            body,
            state.numbers[row],
            state.keys[row],
            state.missing_until[row],
            state.tick,
            now_s,
            state.out,
        )
        sees = sensor.kind in ("camera", "ideal")
        objects = [_object(sees, values, bodies) for values in state.out[:count].tolist()]
        objects.extend(_ghosts(state, row, sensor, stamp_ns))
        late_ns = sensor.latency_ns + (DELAY_NS if kind is FaultKind.DELAYED else 0)
        told = _broken(state, sensor.name, tuple(objects), kind)
        frame = DetectionFrame(sensor=sensor.name, stamp_ns=stamp_ns, objects=told)
        state.under_way.append((stamp_ns + late_ns, frame))
    state.tick += 1


def _broken(
    state: ObjectSensors,
    name: str,
    objects: tuple[ObjectReturn, ...],
    kind: FaultKind | None,
) -> tuple[ObjectReturn, ...]:
    """What a broken sensor makes of what it measured."""
    if kind is not FaultKind.FROZEN:
        state.held.pop(name, None)
    if kind is FaultKind.FROZEN:
        return state.held.setdefault(name, objects)
    if kind is FaultKind.NOISY:
        return shake(objects, state.chance.child("noisy", name, state.tick))
    if kind is FaultKind.GHOSTS:
        return (*objects, *false_returns(state.chance.child("false", name), state.tick))
    return objects


def deliver(state: ObjectSensors, stamp_ns: int) -> tuple[DetectionFrame, ...]:
    """The frames whose latency is over by now, in the order of measurement."""
    ready = [frame for due_ns, frame in state.under_way if due_ns <= stamp_ns]
    if ready:
        waiting = [entry for entry in state.under_way if entry[0] > stamp_ns]
        state.under_way = deque(waiting)
    return tuple(ready)


def _object(sees: bool, values: list[float], bodies: list[int]) -> ObjectReturn:
    """What the kernel found as a message; a radar does not tell what it sees, nor its lamps.

    bodies: the class of every actor.
    """
    kind = ObjectClass.UNKNOWN
    if sees:
        kind = CLASS_OF_BODY[bodies[int(values[0])]]
        if values[11] > 0.5:
            kind = CONFUSED[kind]
    return ObjectReturn(
        x_m=values[1],
        y_m=values[2],
        yaw_rad=values[3],
        velocity_x_mps=values[4],
        velocity_y_mps=values[5],
        length_m=values[6],
        width_m=values[7],
        height_m=values[8],
        object_class=kind,
        class_confidence=values[9],
        existence=values[10],
        brake_lights=values[12] > 0.5,
        indicator=INDICATORS[round(values[13])],
    )


def _ghosts(
    state: ObjectSensors, row: int, sensor: Sensor, stamp_ns: int
) -> Iterator[ObjectReturn]:
    """A false return now and then, for a few frames at one place."""
    if sensor.ghosts_per_min <= 0.0:
        return
    chance, ghost = state.ghost_chances[row], state.ghosts[row]
    if ghost is None or stamp_ns > ghost.until_ns:
        ghost = None
        frame_s = sensor.every_ticks * seconds(PILOT_TICK_NS)
        if chance.uniform(state.tick) < sensor.ghosts_per_min * frame_s / 60.0:
            birth = chance.child(state.tick)
            ghost = _Ghost(
                stamp_ns + nanoseconds(birth.uniform(0, *_GHOST_S)),
                birth.uniform(1, 5.0, 0.9 * sensor.range_m),
                birth.uniform(2, -0.45, 0.45) * sensor.field_rad + sensor.yaw_rad,
                birth.uniform(3, 0.0, 20.0),
                birth.uniform(4, *_GHOST_EXISTENCE),
            )
        state.ghosts[row] = ghost
    if ghost is None:
        return
    yield ObjectReturn(
        x_m=sensor.x_m + ghost.range_m * math.cos(ghost.bearing_rad),
        y_m=sensor.y_m + ghost.range_m * math.sin(ghost.bearing_rad),
        yaw_rad=0.0,
        velocity_x_mps=ghost.speed_mps,
        velocity_y_mps=0.0,
        length_m=4.5,
        width_m=1.8,
        height_m=1.5,
        object_class=ObjectClass.UNKNOWN,
        class_confidence=0.3,
        existence=ghost.existence,
    )
