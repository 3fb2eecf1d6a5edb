"""Forward collision warning and emergency braking: own inputs, own view, own decision.

It sees the raw detections of the front sensors and the car's wheels and IMU, never what the pilot
believes or plans, and works the same whoever drives. It brakes when braking is about to be the only way
left: first calmly where the matter is certain, then fully, and holds the car at the end. It never
steers, and it does nothing in reverse or below walking pace. Definitions, stages and figures:
docs/reference/aeb.md.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS, PILOT_TICK_NS, seconds
from volant.core.messages import (
    AebState,
    BrakeStage,
    CarState,
    Command,
    DriverRequest,
    Function,
    Gear,
    RequestKind,
    SensorFrames,
)
from volant.safety import aeb_threat, aeb_tracks, stop
from volant.safety.aeb_paths import Body, Own
from volant.safety.aeb_threat import AebTuning, Threat
from volant.safety.aeb_tracks import Region, Tracker, TrackTuning
from volant.safety.driver import DriverTuning, is_finite
from volant.safety.intake import MOST_SPEED_MPS, MOST_YAW_RATE_RPS
from volant.safety.stop import Place


class AebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The car's outline (handed over from its spec) and the tuning."""

    length_m: float
    width_m: float
    rear_overhang_m: float
    wheelbase_m: float
    tuning: AebTuning = AebTuning()
    tracks: TrackTuning = TrackTuning()
    driver: DriverTuning = DriverTuning()


class AebInput(msgspec.Struct, frozen=True):
    """What emergency braking sees at one control tick."""

    stamp_ns: int
    car: CarState | None
    frames: SensorFrames | None = None
    """New ones; None between two frames."""
    requests: tuple[DriverRequest, ...] = ()
    """Buttons; only switches of FCW and AEB are read. The driver's controls are in the car state."""


class AebMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What emergency braking remembers from one tick to the next."""

    stamp_ns: int = -CONTROL_TICK_NS
    car: CarState | None = None
    places: tuple[Place, ...] = ()
    tracker: Tracker = Tracker()
    frames_ns: int = -1
    """When sensors last spoke."""
    yaw_rate_rps: float = 0.0
    """Smoothed."""
    steer_rad: float = 0.0
    steer_rate_rps: float = 0.0
    threat: Threat | None = None
    agreed: int = 0
    """Frames in a row that asked to brake."""
    stage: BrakeStage = BrakeStage.READY
    since_ns: int = 0
    """Of the stage."""
    near: bool = False
    """Somebody ahead may call for more than comfort braking (`aeb_near`)."""
    threat_ns: int = -1
    """When there was last something to brake for."""
    fcw: bool = True
    aeb: bool = True
    told: AebState | None = None


class AebDecision(msgspec.Struct, frozen=True):
    """The command to the guard, None where there is none, and what to tell: at 20 Hz and at changes."""

    command: Command | None
    state: AebState | None


def start() -> AebMemory:
    """Before the first tick."""
    return AebMemory()


def step(
    memory: AebMemory, given: AebInput, settings: AebSettings
) -> tuple[AebMemory, AebDecision]:
    """One control tick: frames that arrived are taken in, and the stage decides the command."""
    memory = _switched(memory, given.requests)
    memory = _moved(memory, given)
    car = memory.car
    if car is None:
        return _told(memory, given.stamp_ns, "no_car_state", BrakeStage.UNAVAILABLE)
    if given.frames is not None:
        memory = _looked(memory, given.frames, car, settings)
    elif given.stamp_ns - memory.frames_ns > round(1e9 * settings.tuning.silent_s):
        memory = msgspec.structs.replace(
            memory, threat=None, near=False, agreed=0, tracker=Tracker()
        )
    return _decided(memory, given, car, settings)


def _switched(memory: AebMemory, requests: tuple[DriverRequest, ...]) -> AebMemory:
    """The driver's switches of the two functions."""
    for request in requests:
        if request.kind is RequestKind.SWITCH and request.value is not None:
            if request.function is Function.FCW:
                memory = msgspec.structs.replace(memory, fcw=request.value >= 0.5)
            elif request.function is Function.AEB:
                memory = msgspec.structs.replace(memory, aeb=request.value >= 0.5)
    return memory


def _moved(memory: AebMemory, given: AebInput) -> AebMemory:
    """Where the car is by now, by wheels and IMU; a car state that is broken or old is left out."""
    now_ns, car = given.stamp_ns, given.car
    span_s = min(max(seconds(now_ns - memory.stamp_ns), 0.0), _MOST_SPAN_S)
    whole = (
        car is not None
        and car.valid
        and 0 <= now_ns - car.stamp_ns <= _STALE_NS
        and _is_possible(car)
    )
    if not whole or car is None:
        stale = memory.car is not None and now_ns - memory.car.stamp_ns > _STALE_NS
        return msgspec.structs.replace(
            memory, stamp_ns=now_ns, car=None if stale else memory.car, threat=None, agreed=0
        )
    before = memory.places[-1] if memory.places else Place(now_ns, 0.0, 0.0, 0.0)
    place = stop.move(before, car.speed_mps, car.yaw_rate_rps, span_s, now_ns)
    share = span_s / (_SMOOTH_S + span_s)
    turned_rps = (car.steer_rad - memory.steer_rad) / span_s if span_s > 0.0 else 0.0
    return msgspec.structs.replace(
        memory,
        stamp_ns=now_ns,
        car=car,
        places=(*memory.places, place)[-_PLACES:],
        yaw_rate_rps=memory.yaw_rate_rps + share * (car.yaw_rate_rps - memory.yaw_rate_rps),
        steer_rad=car.steer_rad,
        steer_rate_rps=memory.steer_rate_rps + share * (turned_rps - memory.steer_rate_rps),
    )


def _is_possible(car: CarState) -> bool:
    """Whether a car can move so; one absurd sample would spoil places and smoothed rates for long."""
    return (
        abs(car.speed_mps) <= MOST_SPEED_MPS
        and abs(car.yaw_rate_rps) <= MOST_YAW_RATE_RPS
        and abs(car.steer_rad) <= _MOST_STEER_RAD
        and abs(car.accel_mps2) <= _MOST_ACCEL_MPS2
    )


# --- what is ahead --------------------------------------------------------------------------------


def _looked(
    memory: AebMemory, frames: SensorFrames, car: CarState, settings: AebSettings
) -> AebMemory:
    """New frames: the tracks, and the worst touch ahead."""
    now_ns = memory.stamp_ns
    place, tuning = memory.places[-1], settings.tuning
    own = _own(memory, car, settings, steered=False)
    steered = _own(memory, car, settings, steered=True)
    region = Region(
        _NEAR_M + tuning.horizon_s * own.speed_mps, _ASIDE_M, _ASIDE_S, own.curvature_per_m
    )
    tracker = aeb_tracks.advance(memory.tracker, now_ns, place, settings.tracks)
    for frame in frames.detections:
        then = stop.place_at(memory.places, frame.stamp_ns)
        if then is not None:
            tracker = aeb_tracks.take_frame(tracker, frame, then, region, settings.tracks)
    threat = aeb_threat.worst(
        tracker, place, own, steered, tuning, settings.tracks, brakes=memory.stage in _BRAKING
    )
    brakes = threat is not None and threat.stage in _BRAKING
    return msgspec.structs.replace(
        memory,
        tracker=tracker,
        frames_ns=now_ns if frames.detections else memory.frames_ns,
        threat=threat,
        near=aeb_threat.is_near(tracker, place, own, tuning, settings.tracks),
        agreed=min(memory.agreed + 1, _MOST_FRAMES) if brakes else 0,
        threat_ns=now_ns if threat is not None else memory.threat_ns,
    )


def _own(memory: AebMemory, car: CarState, settings: AebSettings, *, steered: bool) -> Own:
    """The own motion; its arc by the yaw rate, or by where the wheels point and turn back to."""
    speed_mps = max(car.speed_mps, 0.0)
    bend = memory.yaw_rate_rps / max(speed_mps, _SLOW_MPS)
    if steered:
        steer_rad = _unwound(car.steer_rad, memory.steer_rate_rps * settings.tuning.unwind_s)
        kinematic = math.tan(min(max(steer_rad, -1.0), 1.0)) / settings.wheelbase_m
        bend = kinematic / (1.0 + _UNDERSTEER * speed_mps * speed_mps)
    body = Body(settings.length_m, settings.width_m, settings.rear_overhang_m)
    return Own(speed_mps, min(car.accel_mps2, 0.0), bend, body)


def _unwound(steer_rad: float, turned_rad: float) -> float:
    """A steering angle that is on its way back to straight, so much later; others stay."""
    if steer_rad * turned_rad >= 0.0:
        return steer_rad
    return math.copysign(max(abs(steer_rad) - abs(turned_rad), 0.0), steer_rad)


# --- what to do -----------------------------------------------------------------------------------


def _decided(
    memory: AebMemory, given: AebInput, car: CarState, settings: AebSettings
) -> tuple[AebMemory, AebDecision]:
    """The stage of this tick, the command that follows from it, and what to tell."""
    tuning, now_ns = settings.tuning, given.stamp_ns
    if memory.frames_ns < 0 or now_ns - memory.frames_ns > round(1e9 * tuning.silent_s):
        return _told(memory, now_ns, "no_sensors", BrakeStage.UNAVAILABLE)
    if not memory.aeb and not memory.fcw:
        return _told(memory, now_ns, "switched_off", BrakeStage.UNAVAILABLE)
    stage, code = _stage(memory, car, settings)
    memory, decision = _told(memory, now_ns, code, stage)
    if stage not in _ACTING:
        return memory, decision
    demand_mps2 = {BrakeStage.PARTIAL: tuning.calm_mps2, BrakeStage.FULL: tuning.full_mps2}
    command = Command(
        stamp_ns=now_ns,
        accel_mps2=-demand_mps2.get(stage, 0.0),
        curvature_per_m=0.0,
        gear=Gear.DRIVE,
        hold=stage is BrakeStage.HOLD,
    )
    return memory, AebDecision(command, decision.state)


def _stage(memory: AebMemory, car: CarState, settings: AebSettings) -> tuple[BrakeStage, str]:
    """The stage by threat, speed and what the driver does, and why."""
    tuning, threat, was = settings.tuning, memory.threat, memory.stage
    code = "clear" if threat is None else threat.code
    if is_finite(car.driver) and car.driver.accelerator > settings.driver.kickdown:
        return BrakeStage.READY, "driver_kickdown"
    if was is BrakeStage.HOLD:
        held_s = seconds(memory.stamp_ns - memory.since_ns)
        pressed = car.driver.accelerator > settings.driver.pressed
        if held_s < tuning.hold_s and not pressed:
            return was, "stopped"
        return BrakeStage.READY, "clear"
    if was in _BRAKING:
        if car.speed_mps < tuning.still_mps:
            return BrakeStage.HOLD, "stopped"
        if threat is not None and threat.stage is BrakeStage.FULL:
            return BrakeStage.FULL, code
        gone_s = seconds(memory.stamp_ns - max(memory.threat_ns, memory.since_ns))
        if gone_s < tuning.release_s:
            return was, code if threat is not None else _last_code(memory)
        return BrakeStage.READY, code
    if threat is None or threat.stage is BrakeStage.READY:
        return BrakeStage.READY, "clear"
    if car.gear is Gear.REVERSE or car.speed_mps < tuning.least_mps:
        return BrakeStage.READY, "clear"
    wants = threat.stage in _BRAKING and memory.agreed >= tuning.frames
    if wants and memory.aeb and not _evades(memory, car, settings):
        return threat.stage, code
    return (BrakeStage.WARNING, code) if memory.fcw else (BrakeStage.READY, code)


def _last_code(memory: AebMemory) -> str:
    """The code that was told last."""
    return "clear" if memory.told is None else memory.told.code


def _evades(memory: AebMemory, car: CarState, settings: AebSettings) -> bool:
    """Whether the driver steers round it just now."""
    hands = abs(car.driver.wheel_torque_nm) > settings.driver.wheel_torque_nm
    return hands and abs(memory.steer_rate_rps) > settings.tuning.steer_rps


def _told(
    memory: AebMemory, now_ns: int, code: str, stage: BrakeStage
) -> tuple[AebMemory, AebDecision]:
    """The stage remembered, and its message at 20 Hz or when stage or reason change."""
    changed = stage is not memory.stage
    told, threat = memory.told, memory.threat
    if told is not None and not changed and told.code == code and now_ns % PILOT_TICK_NS != 0:
        return memory, _QUIET
    near = threat if stage is not BrakeStage.READY else None
    message = AebState(
        stamp_ns=now_ns,
        stage=stage,
        code=code,
        words=WORDS[code],
        object_class=None if near is None else near.object_class,
        x_m=None if near is None else near.x_m,
        y_m=None if near is None else near.y_m,
        time_to_contact_s=None if near is None else near.time_s,
        needed_mps2=None if near is None else near.needed_mps2,
    )
    memory = msgspec.structs.replace(
        memory,
        stage=stage,
        since_ns=now_ns if changed else memory.since_ns,
        told=message,
    )
    return memory, AebDecision(None, message)


WORDS: Final[dict[str, str]] = {
    "clear": "nothing in the way",
    "no_car_state": "car state is missing",
    "no_sensors": "no sensor ahead speaks",
    "switched_off": "switched off by the driver",
    "driver_kickdown": "driver wants to go on",
    "stopped": "stopped in an emergency",
    "person_crossing": "person crosses ahead",
    "person_ahead": "person ahead",
    "crossing": "crossing traffic",
    "oncoming": "oncoming in our way",
    "lead_standing": "standing in our way",
    "lead_slower": "slower ahead",
    "lead_braking": "braking ahead",
}
"""Every code and its words (docs/reference/aeb.md)."""
_QUIET: Final = AebDecision(None, None)
_BRAKING: Final = frozenset({BrakeStage.PARTIAL, BrakeStage.FULL})
_ACTING: Final = frozenset({BrakeStage.PARTIAL, BrakeStage.FULL, BrakeStage.HOLD})
_PLACES: Final = 50
"""Half a second of places: more than any sensor's latency."""
_MOST_SPAN_S: Final = 0.02
_STALE_NS: Final = 100_000_000
"""An older car state says nothing about where the car is."""
_MOST_STEER_RAD: Final = 1.5
"""Road wheels across the car: no linkage turns them so far (usual: 0.6 to 0.8)."""
_MOST_ACCEL_MPS2: Final = 50.0
"""Five g: no tyre does that, and what a crash does is no longer to be braked for."""
_SMOOTH_S: Final = 0.06
"""Time constant of the yaw rate that the arc rests on: noise of 0.001 rad/s, delay of an actuator."""
_SLOW_MPS: Final = 1.0
_UNDERSTEER: Final = 0.00058
"""s2/m2: 0.85 degree per g at 2.6 m wheelbase, a usual car (estimated)."""
_NEAR_M: Final = 20.0
_ASIDE_M: Final = 4.0
_ASIDE_S: Final = 2.5
_MOST_FRAMES: Final = 100
