"""Scenes of the 2023 tests for emergency braking, closed loop: plant, guard, sensors, scripted others.

The own car drives with a cruise command at its test speed along a straight or a turn; one or more
actors follow their scripts whatever it does. Sensors are the world's own models. `play` gives what came
of it; `avoidable` says whether physics allowed to avoid it, by the project's definition: a 9 m/s2 stop
with 0.2 s dead time and 0.3 s linear build-up, begun when the target's true path first enters the swept
path (widened by 0.3 m) within 4 s, ends before contact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from volant.core.chance import Chance
from volant.core.geometry import Box, Pose, boxes_overlap
from volant.core.messages import (
    BrakeStage,
    Command,
    DriverControls,
    DriverRequest,
    EgoTruth,
    Indicator,
    LightTruth,
    ObjectClass,
    RequestKind,
    SensorFrames,
    TruthObject,
)
from volant.core.settings import find_data
from volant.safety import aeb, guard
from volant.safety.aeb import AebInput, AebSettings
from volant.safety.guard import GuardInput, GuardSettings
from volant.sim import judge_danger
from volant.sim.columns import Actor, BodyClass, Index
from volant.sim.sensors import deliver, make_object_sensors, measure
from volant.vehicle import CarStart, SimCar, load_spec, with_perfect_sensors

TICK_NS = 10_000_000
FRAME_NS = 50_000_000
LEAD_S = 5.0
"""Seconds from the start of a scene to the contact that its timing is made for."""
KMH = 1.0 / 3.6
EMERGENCY_MPS2 = 3.0
"""What ground truth requires in an emergency (the project's definition)."""
PERSON = getattr(BodyClass, "PEDESTRIAN", BodyClass.MOTORCYCLE)
CYCLIST = getattr(BodyClass, "CYCLIST", BodyClass.MOTORCYCLE)


@dataclass(frozen=True, slots=True)
class At:
    """An actor at a time: centre of its box, heading, speed along the heading."""

    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float
    accel_mps2: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One scripted actor: outline and where it is at each second."""

    body: BodyClass
    length_m: float
    width_m: float
    height_m: float
    at: Callable[[float], At]


@dataclass(frozen=True, slots=True)
class Scene:
    """A case: own speed and curvature by time, and the others; `target` is the first of them."""

    name: str
    speed_mps: float
    parts: tuple[Part, ...]
    curvature: Callable[[float], float] = lambda _t: 0.0
    end_s: float = 9.0
    offset_m: float = 0.0
    controls: Callable[[float], DriverControls] | None = None


@dataclass(slots=True)
class Outcome:
    """What came of a scene."""

    name: str
    impact_mps: float | None = None
    """Speed relative to the target at the touch; None: no touch."""
    own_mps: float = 0.0
    gap_m: float = math.inf
    warned_s: float | None = None
    braked_s: float | None = None
    full_s: float | None = None
    touched_s: float | None = None
    least_mps2: float = 0.0
    codes: list[str] = field(default_factory=list)
    emergencies_s: list[float] = field(default_factory=list)
    """When ground truth required more than 3 m/s2, as the judge reckons."""


def gvt(at: Callable[[float], At]) -> Part:
    """The soft car of the tests."""
    return Part(BodyClass.CAR, 4.02, 1.71, 1.43, at)


def person(at: Callable[[float], At], *, child: bool = False) -> Part:
    """A pedestrian dummy."""
    return Part(PERSON, 0.5, 0.5, 1.15 if child else 1.8, at)


def bicycle(at: Callable[[float], At]) -> Part:
    """A cyclist dummy."""
    return Part(CYCLIST, 1.9, 0.5, 1.85, at)


def motorcycle(at: Callable[[float], At]) -> Part:
    """A motorcyclist dummy."""
    return Part(BodyClass.MOTORCYCLE, 2.1, 0.75, 1.75, at)


def still(x_m: float, y_m: float, yaw_rad: float = 0.0) -> Callable[[float], At]:
    """Standing there."""
    return lambda _t: At(x_m, y_m, yaw_rad, 0.0)


def moving(
    x_m: float, y_m: float, yaw_rad: float, speed_mps: float, at_s: float = 0.0
) -> Callable[[float], At]:
    """At a place at a time, and at constant speed before and after."""

    def at(t: float) -> At:
        way = speed_mps * (t - at_s)
        return At(x_m + way * math.cos(yaw_rad), y_m + way * math.sin(yaw_rad), yaw_rad, speed_mps)

    return at


def starting(
    x_m: float,
    y_m: float,
    yaw_rad: float,
    speed_mps: float,
    at_s: float,
    run_m: float,
    accel_m: float,
    stop_m: float | None = None,
) -> Callable[[float], At]:
    """Reaches a place at a time after standing `run_m` before it, speeding up over `accel_m`.

    With `stop_m` it stops that far before the place again.
    """
    accel = speed_mps * speed_mps / (2.0 * accel_m)
    begin_s = at_s - (run_m - accel_m) / speed_mps - speed_mps / accel

    def at(t: float) -> At:
        since = max(t - begin_s, 0.0)
        up_s = speed_mps / accel
        if since < up_s:
            gone, speed = 0.5 * accel * since * since, accel * since
        else:
            gone, speed = accel_m + speed_mps * (since - up_s), speed_mps
        if stop_m is not None:
            most = run_m - stop_m
            brake_m = min(0.5, 0.5 * most)
            if gone > most - brake_m:
                decel = speed_mps * speed_mps / (2.0 * brake_m)
                late = (gone - (most - brake_m)) / speed_mps
                late = min(late, speed_mps / decel)
                gone = most - brake_m + speed_mps * late - 0.5 * decel * late * late
                speed = speed_mps - decel * late
        gone -= run_m
        return At(
            x_m + gone * math.cos(yaw_rad),
            y_m + gone * math.sin(yaw_rad),
            yaw_rad,
            speed if since > 0.0 else 0.0,
        )

    return at


def braking(
    x_m: float, y_m: float, speed_mps: float, from_s: float, decel_mps2: float, end_mps: float = 0.0
) -> Callable[[float], At]:
    """A lead that brakes from a time on, with a build-up of 0.3 s taken as a delay of 0.15 s."""

    def at(t: float) -> At:
        since = max(t - from_s - 0.15, 0.0)
        down_s = min(since, (speed_mps - end_mps) / decel_mps2)
        gone = speed_mps * min(t, from_s + 0.15)
        gone += speed_mps * down_s - 0.5 * decel_mps2 * down_s * down_s + end_mps * (since - down_s)
        speed = speed_mps - decel_mps2 * down_s
        brakes = since > 0.0 and speed > end_mps
        return At(x_m + gone, y_m, 0.0, speed, -decel_mps2 if brakes else 0.0)

    return at


class Stage:
    """A flat world with scripted actors, as the surroundings of a simulated car."""

    def __init__(self, scene: Scene, sensors: str, seed: int) -> None:
        self.scene = scene
        count = len(scene.parts)
        self.sensors = make_object_sensors(sensors, Chance.of(seed, "aeb", scene.name), count)
        self.actor_f = np.zeros((count, len(Actor)))
        self.actor_i = np.zeros((count, len(Index)), dtype=np.int64)
        self.actor_i[:, Index.ALIVE] = 1
        for row, part in enumerate(scene.parts):
            self.actor_f[row, Actor.LENGTH] = part.length_m
            self.actor_f[row, Actor.WIDTH] = part.width_m
            self.actor_f[row, Actor.HEIGHT] = part.height_m
            self.actor_i[row, Index.CLASS] = int(part.body)
        self.sensed_ns = -1

    def advance(self, ego: EgoTruth, stamp_ns: int) -> None:
        if stamp_ns % FRAME_NS:
            return
        for row, part in enumerate(self.scene.parts):
            at = part.at(1e-9 * stamp_ns)
            self.actor_f[row, Actor.X] = at.x_m
            self.actor_f[row, Actor.Y] = at.y_m
            self.actor_f[row, Actor.YAW] = at.yaw_rad
            self.actor_f[row, Actor.SPEED] = at.speed_mps
            self.actor_f[row, Actor.ACCEL] = at.accel_mps2

    def sense(self, ego: EgoTruth, stamp_ns: int) -> SensorFrames | None:
        if stamp_ns % FRAME_NS or stamp_ns == self.sensed_ns:
            return None
        self.sensed_ns = stamp_ns
        measure(self.sensors, self.actor_f, self.actor_i, ego, stamp_ns)
        return SensorFrames(stamp_ns=stamp_ns, detections=deliver(self.sensors, stamp_ns))

    def contacts(self) -> tuple[()]:
        return ()

    def truth(self) -> tuple[TruthObject, ...]:
        return ()

    def truth_at(self, now_s: float) -> tuple[TruthObject, ...]:
        return tuple(_truth(row, part, part.at(now_s)) for row, part in enumerate(self.scene.parts))

    def lights(self) -> tuple[LightTruth, ...]:
        return ()

    def height(self, x_m: float, y_m: float) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0


def _truth(row: int, part: Part, at: At) -> TruthObject:
    return TruthObject(
        actor_id=row,
        object_class=ObjectClass[part.body.name],
        x_m=at.x_m,
        y_m=at.y_m,
        z_m=0.0,
        yaw_rad=at.yaw_rad,
        speed_mps=at.speed_mps,
        accel_mps2=at.accel_mps2,
        yaw_rate_rps=0.0,
        length_m=part.length_m,
        width_m=part.width_m,
        height_m=part.height_m,
        brake_lights=False,
        indicator=Indicator.OFF,
    )


SPEC = load_spec(find_data("cars", "g3-520"))
EXACT = with_perfect_sensors(SPEC)
SETTINGS = AebSettings(
    length_m=SPEC.length_m,
    width_m=SPEC.width_m,
    rear_overhang_m=SPEC.rear_overhang_m,
    wheelbase_m=SPEC.wheelbase_m,
)
GUARD = GuardSettings(
    wheelbase_m=SPEC.wheelbase_m,
    steering_ratio=SPEC.steering_ratio,
    max_curvature_per_m=SPEC.max_curvature_per_m,
    max_steer_rate_rps=SPEC.steering.max_rate_rps.value,
)
FRONT_M = SPEC.length_m - SPEC.rear_overhang_m


def body_of(x_m: float, y_m: float, yaw_rad: float, wider_m: float = 0.0) -> Box:
    """The own box from the rear axle's pose."""
    ahead = 0.5 * SPEC.length_m - SPEC.rear_overhang_m
    return Box(
        x_m + ahead * math.cos(yaw_rad),
        y_m + ahead * math.sin(yaw_rad),
        yaw_rad,
        SPEC.length_m,
        SPEC.width_m + 2.0 * wider_m,
    )


def box_of(part: Part, t: float) -> Box:
    """An actor's box at a time."""
    at = part.at(t)
    return Box(at.x_m, at.y_m, at.yaw_rad, part.length_m, part.width_m)


def play(
    scene: Scene,
    sensors: str = "perfect",
    seed: int = 1,
    settings: AebSettings = SETTINGS,
    trace: list[tuple[float, float, object]] | None = None,
) -> Outcome:
    """Drive a scene to its end: standstill behind the target, a touch, or the end of its time."""
    stage = Stage(scene, sensors, seed)
    spec = EXACT if sensors == "perfect" else SPEC
    car = SimCar(
        spec,
        stage,
        CarStart(pose=Pose(0.0, scene.offset_m, 0.0), speed_mps=scene.speed_mps),
        Chance.of(seed, "aeb-car", scene.name),
    )
    memory, state, out = aeb.start(), guard.start(), Outcome(scene.name)
    way = _own_way(scene, round(scene.end_s / 0.01) + 100, 0.01)
    danger, gone_m = judge_danger.Danger(), 0.0
    stamp_ns = 0
    while stamp_ns <= round(1e9 * scene.end_s):
        now_s = 1e-9 * stamp_ns
        car.advance(stamp_ns)
        ego = car.truth(stamp_ns)
        stage.advance(ego, stamp_ns)
        if scene.controls is not None:
            car.set_controls(scene.controls(now_s))
        measured, frames = car.read(stamp_ns)
        memory, decision = aeb.step(memory, AebInput(stamp_ns, measured, frames), settings)
        wish = Command(
            stamp_ns=stamp_ns,
            accel_mps2=0.0 if out.braked_s else 1.0 * (scene.speed_mps - measured.speed_mps),
            curvature_per_m=_steer(scene, way, gone_m, ego),
        )
        requests = (
            (DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE),) if stamp_ns == 0 else ()
        )
        state, word = guard.check(
            state, GuardInput(stamp_ns, measured, wish, decision.command, requests=requests), GUARD
        )
        car.apply(word.command, stamp_ns)
        _note(out, memory.stage, now_s, ego)
        quiet = (BrakeStage.READY, BrakeStage.UNAVAILABLE)
        if memory.stage not in quiet and decision.state is not None:
            code = f"{memory.stage.value}:{decision.state.code}"
            if not out.codes or out.codes[-1] != code:
                out.codes.append(code)
        if stamp_ns % FRAME_NS == 0:
            judge_danger.look(danger, ego, stage.truth_at(now_s), EMERGENCY_MPS2)
            if danger.emergency_ns == stamp_ns:
                out.emergencies_s.append(now_s)
        gone_m += ego.speed_mps * 0.01
        if trace is not None:
            trace.append((now_s, ego.speed_mps, memory))
        if _touch(out, scene, ego, now_s):
            break
        if now_s > 1.0 and ego.speed_mps < 0.02:
            break
        stamp_ns += TICK_NS
    return out


def _steer(
    scene: Scene, way: list[tuple[float, float, float]], gone_m: float, ego: EgoTruth
) -> float:
    """Curvature that keeps to the scene's way: its own a little ahead, and feedback of the offset."""
    step_m = scene.speed_mps * 0.01
    x, y, yaw = way[min(round(gone_m / step_m), len(way) - 1)]
    dx, dy = ego.x_m - x, ego.y_m - y
    offset = math.cos(yaw) * dy - math.sin(yaw) * dx
    look = max(4.0, 0.8 * ego.speed_mps)
    feedback = 2.0 * (offset + look * math.sin(ego.yaw_rad - yaw)) / (look * look)
    ahead_s = (gone_m + 0.15 * ego.speed_mps) / scene.speed_mps
    return scene.curvature(ahead_s) - feedback


def _note(out: Outcome, stage: BrakeStage, now_s: float, ego: EgoTruth) -> None:
    out.least_mps2 = min(out.least_mps2, ego.accel_mps2)
    if stage not in (BrakeStage.READY, BrakeStage.UNAVAILABLE) and out.warned_s is None:
        out.warned_s = now_s
    if stage in (BrakeStage.PARTIAL, BrakeStage.FULL) and out.braked_s is None:
        out.braked_s = now_s
    if stage is BrakeStage.FULL and out.full_s is None:
        out.full_s = now_s


def _touch(out: Outcome, scene: Scene, ego: EgoTruth, now_s: float) -> bool:
    own = body_of(ego.x_m, ego.y_m, ego.yaw_rad)
    for part in scene.parts:
        box = box_of(part, now_s)
        if math.hypot(box.x_m - own.x_m, box.y_m - own.y_m) > 8.0:
            continue
        gap = max(
            abs(box.x_m - own.x_m) - 0.5 * (own.length_m + box.length_m),
            abs(box.y_m - own.y_m) - 0.5 * (own.width_m + box.width_m),
        )
        out.gap_m = min(out.gap_m, gap)
        if boxes_overlap(own, box):
            at = part.at(now_s)
            out.own_mps = ego.speed_mps
            ahead = at.speed_mps * math.cos(at.yaw_rad - ego.yaw_rad)
            out.impact_mps = max(ego.speed_mps - max(ahead, 0.0), 0.0)
            out.touched_s = now_s
            return True
    return False


@dataclass(frozen=True, slots=True)
class Physics:
    """What the definition allows: whether a touch was ahead, avoidable, and the speed left at it."""

    touches: bool
    avoidable: bool
    impact_mps: float
    entered_s: float


def physics(scene: Scene) -> Physics:
    """The project's definition of avoidable, by the true paths."""
    step_s = 0.01
    count = round(scene.end_s / step_s)
    way = _own_way(scene, count, step_s)
    target = scene.parts[0]
    touch = next(
        (k for k in range(count) if boxes_overlap(body_of(*way[k]), box_of(target, k * step_s))),
        None,
    )
    if touch is None:
        return Physics(False, True, 0.0, math.inf)
    reach = round(4.0 / step_s)
    entered = touch
    for k in range(max(touch - reach, 0), touch):
        box = box_of(target, k * step_s)
        ahead = way[k : min(k + reach, count) : 5]
        if any(boxes_overlap(body_of(*pose, wider_m=0.3), box) for pose in ahead):
            entered = k
            break
    gone, speed = _distance_of(way, entered), scene.speed_mps
    for k in range(entered, count):
        late = (k - entered) * step_s
        decel = 9.0 * min(max((late - 0.2) / 0.3, 0.0), 1.0)
        pose = _pose_at(way, gone)
        if boxes_overlap(body_of(*pose), box_of(target, k * step_s)):
            at = target.at(k * step_s)
            ahead_mps = max(at.speed_mps * math.cos(at.yaw_rad - pose[2]), 0.0)
            return Physics(True, False, max(speed - ahead_mps, 0.0), entered * step_s)
        new = max(speed - decel * step_s, 0.0)
        gone += 0.5 * (speed + new) * step_s
        speed = new
        if speed == 0.0:
            break
    return Physics(True, True, 0.0, entered * step_s)


def _own_way(scene: Scene, count: int, step_s: float) -> list[tuple[float, float, float]]:
    x, y, yaw = 0.0, scene.offset_m, 0.0
    way = []
    for k in range(count):
        way.append((x, y, yaw))
        yaw += scene.speed_mps * scene.curvature(k * step_s) * step_s
        x += scene.speed_mps * step_s * math.cos(yaw)
        y += scene.speed_mps * step_s * math.sin(yaw)
    return way


def _distance_of(way: list[tuple[float, float, float]], index: int) -> float:
    step = math.hypot(way[1][0] - way[0][0], way[1][1] - way[0][1])
    return step * index


def _pose_at(way: list[tuple[float, float, float]], gone: float) -> tuple[float, float, float]:
    step = math.hypot(way[1][0] - way[0][0], way[1][1] - way[0][1])
    return way[min(round(gone / step), len(way) - 1)]
