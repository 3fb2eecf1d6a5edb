"""What viewers see of a drive: JSON messages in Foxglove's public schemas, at 10 Hz.

Lichtblick and Foxglove draw the own car, road users, lanes and the plan from these channels, and plot
the signals. They are made from the same messages that the journal keeps, never read back by replay,
and outside the journal's hash. Only the fields that we write stand in the schemas here; a viewer takes
what is missing as zero or empty. Times are the car's: seconds since boot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from volant.core import messages as m
from volant.core.clock import NS_PER_S
from volant.core.topics import (
    ALERT,
    CAR_COMMAND,
    CAR_STATE,
    GUARD_DECISION,
    JUDGE_INTERVENTION,
    PILOT_PLAN,
    PILOT_STATE,
    PILOT_TRACKS,
    WORLD_CONTACT,
    WORLD_EGO,
    WORLD_TRUTH,
    Topic,
)

PERIOD_NS: Final = 100_000_000
"""10 Hz: enough to watch, a fifth of the messages."""
WORLD: Final = "world"
EGO: Final = "ego"


class Time(msgspec.Struct, frozen=True, gc=False):
    """Seconds and nanoseconds since boot."""

    sec: int
    nsec: int


class Vector(msgspec.Struct, frozen=True, gc=False):
    """A point, a translation or a size, metres."""

    x: float
    y: float
    z: float


class Quaternion(msgspec.Struct, frozen=True, gc=False):
    """A rotation."""

    x: float
    y: float
    z: float
    w: float


class Color(msgspec.Struct, frozen=True, gc=False):
    """Red, green, blue and opacity, 0 to 1."""

    r: float
    g: float
    b: float
    a: float


class PoseOf(msgspec.Struct, frozen=True, gc=False):
    """foxglove.Pose."""

    position: Vector
    orientation: Quaternion


class FrameTransform(msgspec.Struct, frozen=True, gc=False):
    """foxglove.FrameTransform: where the child frame lies in the parent frame."""

    timestamp: Time
    parent_frame_id: str
    child_frame_id: str
    translation: Vector
    rotation: Quaternion


class PosesInFrame(msgspec.Struct, frozen=True, gc=False):
    """foxglove.PosesInFrame: a path."""

    timestamp: Time
    frame_id: str
    poses: tuple[PoseOf, ...]


class Cube(msgspec.Struct, frozen=True, gc=False):
    """foxglove.CubePrimitive."""

    pose: PoseOf
    size: Vector
    color: Color


class Line(msgspec.Struct, frozen=True, gc=False):
    """foxglove.LinePrimitive; type 0 is a strip."""

    type: int
    pose: PoseOf
    thickness: float
    scale_invariant: bool
    points: tuple[Vector, ...]
    color: Color


class Entity(msgspec.Struct, frozen=True, gc=False):
    """foxglove.SceneEntity; a lifetime of zero lasts until it is replaced."""

    timestamp: Time
    frame_id: str
    id: str
    lifetime: Time
    frame_locked: bool
    cubes: tuple[Cube, ...] = ()
    lines: tuple[Line, ...] = ()


class SceneUpdate(msgspec.Struct, frozen=True, gc=False):
    """foxglove.SceneUpdate."""

    entities: tuple[Entity, ...]


class Log(msgspec.Struct, frozen=True, gc=False):
    """foxglove.Log; levels 2 info, 3 warning, 4 error."""

    timestamp: Time
    level: int
    message: str
    name: str


class Signals(msgspec.Struct, frozen=True, gc=False):
    """One flat frame of the signals that people plot; a missing one is null."""

    speed_mps: float | None = None
    accel_mps2: float | None = None
    lateral_accel_mps2: float | None = None
    yaw_rate_rps: float | None = None
    steer_rad: float | None = None
    charge_pct: float | None = None
    battery_power_w: float | None = None
    command_accel_mps2: float | None = None
    command_curvature_per_m: float | None = None
    command_hold: bool | None = None
    guard_source: str | None = None
    guard_limited: bool | None = None
    guard_reason: str | None = None
    engagement: str | None = None
    target_speed_mps: float | None = None
    limit_mps: float | None = None
    gap_m: float | None = None
    time_gap_s: float | None = None
    constraint: str | None = None


class Channel(msgspec.Struct, frozen=True):
    """A JSON channel: its topic, the name of its schema and the struct that has its fields."""

    topic: str
    schema: str
    struct: type[msgspec.Struct]


TF: Final = Channel("view/tf", "foxglove.FrameTransform", FrameTransform)
ROAD: Final = Channel("view/road", "foxglove.SceneUpdate", SceneUpdate)
SCENE: Final = Channel("view/scene", "foxglove.SceneUpdate", SceneUpdate)
PLAN: Final = Channel("view/plan", "foxglove.PosesInFrame", PosesInFrame)
LOG: Final = Channel("view/log", "foxglove.Log", Log)
SIGNALS: Final = Channel("view/signals", "volant.Signals", Signals)
CHANNELS: Final = (TF, ROAD, SCENE, PLAN, LOG, SIGNALS)


class LaneLine(msgspec.Struct, frozen=True, kw_only=True):
    """One lane border as a polyline in the world frame, prepared by `app` from the map."""

    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    mark: m.MarkKind = m.MarkKind.SOLID


def schema_text(channel: Channel) -> bytes:
    """JSON Schema of a channel without references inside, as viewers want it."""
    (schema,), parts = msgspec.json.schema_components([channel.struct], ref_template="{name}")
    flat = _inline(schema, parts)
    flat["title"] = channel.schema
    return msgspec.json.encode(flat)


def _inline(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(parts[node["$ref"]], parts)
    if "anyOf" in node:  # Null or a value: viewers want one type.
        kinds = [one for one in node["anyOf"] if one.get("type") != "null"]
        return _inline(kinds[0], parts)
    return {key: _inline(value, parts) for key, value in node.items() if key != "default"}


_COLORS: Final = {
    m.ObjectClass.CAR: Color(0.35, 0.55, 0.95, 0.9),
    m.ObjectClass.LORRY: Color(0.85, 0.55, 0.25, 0.9),
    m.ObjectClass.BUS: Color(0.85, 0.75, 0.25, 0.9),
}
_OTHER: Final = Color(0.9, 0.35, 0.5, 0.9)
_TRUTH: Final = Color(0.7, 0.7, 0.7, 0.25)
_SELF: Final = Color(0.2, 0.8, 0.5, 0.95)
_PAINT: Final = Color(0.95, 0.95, 0.95, 1.0)
_SHORT: Final = Time(0, 300_000_000)
"""A lost frame or two shall not blink."""
_FOREVER: Final = Time(0, 0)
_NOWHERE: Final = PoseOf(Vector(0.0, 0.0, 0.0), Quaternion(0.0, 0.0, 0.0, 1.0))
_EGO_HEIGHT_M: Final = 1.6
_LOG_LEVELS: Final = (2, 2, 3, 3, 4)
"""foxglove.Log level of each AlertLevel."""


def time_of(stamp_ns: int) -> Time:
    """A stamp as Foxglove's time."""
    return Time(stamp_ns // NS_PER_S, stamp_ns % NS_PER_S)


def _turn(yaw_rad: float) -> Quaternion:
    return Quaternion(0.0, 0.0, math.sin(0.5 * yaw_rad), math.cos(0.5 * yaw_rad))


def road_scene(lines: Iterable[LaneLine]) -> SceneUpdate:
    """All lane borders as one entity that stays; points rounded to centimetres."""
    drawn = tuple(
        Line(
            type=0,
            pose=_NOWHERE,
            thickness=0.12 if line.mark is not m.MarkKind.BROKEN else 0.08,
            scale_invariant=False,
            points=tuple(
                Vector(round(x_m, 2), round(y_m, 2), 0.0)
                for x_m, y_m in zip(line.x_m, line.y_m, strict=True)
            ),
            color=_PAINT,
        )
        for line in lines
        if line.mark is not m.MarkKind.NONE
    )
    return SceneUpdate((Entity(Time(0, 0), WORLD, "road", _FOREVER, False, (), drawn),))


class View:
    """Turns the stream of messages into viewer messages: states at 10 Hz, events at once."""

    def __init__(self) -> None:
        self._latest: dict[str, Any] = {}
        self._next_ns = 0
        self._engagement: m.Engagement | None = None

    def take(
        self, topic: Topic, stamp_ns: int, message: m.Message
    ) -> Sequence[tuple[Channel, Any]]:
        """What is to be written after this message, oldest first."""
        name = topic.name
        self._latest[name] = message
        if topic is CAR_STATE:
            if stamp_ns >= self._next_ns:
                self._next_ns = stamp_ns - stamp_ns % PERIOD_NS + PERIOD_NS
                return tuple(self._states(time_of(stamp_ns)))
        elif name in _LOGGED:
            return self._logs(stamp_ns, message)
        return ()

    def _logs(self, stamp_ns: int, message: m.Message) -> Sequence[tuple[Channel, Any]]:
        log: Log | None = None
        now = time_of(stamp_ns)
        if isinstance(message, m.Alert):
            log = Log(now, _LOG_LEVELS[message.level], message.words, message.alert_id)
        elif isinstance(message, m.Intervention):
            log = Log(now, 4, message.words, message.kind.value)
        elif isinstance(message, m.Contact):
            log = Log(now, 4, f"contact at {message.closing_mps:.1f} m/s", "contact")
        elif isinstance(message, m.PilotState) and message.engagement is not self._engagement:
            self._engagement = message.engagement
            log = Log(now, 2, f"{message.engagement.value}: {message.words}", "pilot")
        return () if log is None else ((LOG, log),)

    def _states(self, now: Time) -> Iterable[tuple[Channel, Any]]:
        latest = self._latest
        ego: m.EgoTruth | None = latest.get(WORLD_EGO.name)
        if ego is not None:
            turn = _turn(ego.yaw_rad)
            place = Vector(ego.x_m, ego.y_m, ego.z_m)
            yield TF, FrameTransform(now, WORLD, EGO, place, turn)
        yield SCENE, self._scene(now, ego)
        plan: m.Plan | None = latest.get(PILOT_PLAN.name)
        if plan is not None:
            yield PLAN, _path(now, plan, ego.z_m if ego is not None else 0.0)
        yield SIGNALS, self._signals()

    def _scene(self, now: Time, ego: m.EgoTruth | None) -> SceneUpdate:
        height_m = ego.z_m if ego is not None else 0.0
        entities: list[Entity] = []
        if ego is not None:
            middle_m = 0.5 * ego.length_m - ego.rear_overhang_m
            size = Vector(ego.length_m, ego.width_m, _EGO_HEIGHT_M)
            pose = PoseOf(Vector(middle_m, 0.0, 0.5 * _EGO_HEIGHT_M), _turn(0.0))
            cube = Cube(pose, size, _SELF)
            entities.append(Entity(now, EGO, "ego", _SHORT, False, (cube,)))
        tracks: m.Tracks | None = self._latest.get(PILOT_TRACKS.name)
        for track in tracks.tracks if tracks is not None else ():
            cube = _cube(track, height_m, _COLORS.get(track.object_class, _OTHER))
            entities.append(Entity(now, WORLD, f"track {track.track_id}", _SHORT, False, (cube,)))
        truth: m.WorldTruth | None = self._latest.get(WORLD_TRUTH.name)
        if truth is not None:
            cubes = tuple(_cube(one, height_m, _TRUTH) for one in truth.objects)
            entities.append(Entity(now, WORLD, "truth", _SHORT, False, cubes))
        return SceneUpdate(tuple(entities))

    def _signals(self) -> Signals:
        latest = self._latest
        car: m.CarState = latest[CAR_STATE.name]
        command: m.Command | None = latest.get(CAR_COMMAND.name)
        guard: m.GuardDecision | None = latest.get(GUARD_DECISION.name)
        pilot: m.PilotState | None = latest.get(PILOT_STATE.name)
        plan: m.Plan | None = latest.get(PILOT_PLAN.name)
        return Signals(
            speed_mps=car.speed_mps,
            accel_mps2=car.accel_mps2,
            lateral_accel_mps2=car.lateral_accel_mps2,
            yaw_rate_rps=car.yaw_rate_rps,
            steer_rad=car.steer_rad,
            charge_pct=car.charge_pct,
            battery_power_w=car.battery_power_w,
            command_accel_mps2=command.accel_mps2 if command else None,
            command_curvature_per_m=command.curvature_per_m if command else None,
            command_hold=command.hold if command else None,
            guard_source=guard.source.value if guard else None,
            guard_limited=guard.limited if guard else None,
            guard_reason=guard.reason if guard else None,
            engagement=pilot.engagement.value if pilot else None,
            target_speed_mps=plan.target_speed_mps if plan else None,
            limit_mps=plan.limit_mps if plan else None,
            gap_m=plan.gap_m if plan else None,
            time_gap_s=plan.time_gap_s if plan else None,
            constraint=plan.constraint.value if plan else None,
        )


_LOGGED: Final = frozenset(
    topic.name for topic in (ALERT, JUDGE_INTERVENTION, WORLD_CONTACT, PILOT_STATE)
)


def _cube(box: m.Track | m.TruthObject, ground_m: float, color: Color) -> Cube:
    place = Vector(box.x_m, box.y_m, ground_m + 0.5 * box.height_m)
    size = Vector(box.length_m, box.width_m, box.height_m)
    return Cube(PoseOf(place, _turn(box.yaw_rad)), size, color)


def _path(now: Time, plan: m.Plan, ground_m: float) -> PosesInFrame:
    poses = zip(plan.x_m, plan.y_m, plan.yaw_rad, strict=False)
    return PosesInFrame(
        now,
        WORLD,
        tuple(PoseOf(Vector(x_m, y_m, ground_m), _turn(yaw_rad)) for x_m, y_m, yaw_rad in poses),
    )
