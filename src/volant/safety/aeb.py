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
    ObjectClass,
    RequestKind,
    SensorFrames,
)
from volant.safety import aeb_paths, aeb_tracks, stop
from volant.safety.aeb_paths import Body, Meeting, NearTuning, Other, Own
from volant.safety.aeb_tracks import Region, Track, Tracker, TrackTuning
from volant.safety.driver import DriverTuning, is_finite
from volant.safety.stop import Place


class AebTuning(msgspec.Struct, frozen=True, kw_only=True):
    """When to warn and to brake. Speeds in m/s, times in s, decelerations positive."""

    least_mps: float = 2.0
    """Slower than 7.2 km/h nothing begins; UN R152 asks for 10 km/h (recalled)."""
    horizon_s: float = 3.6
    """How far ahead a touch is looked for: more than the 4 s of the tests less the reaction."""
    delay_s: float = 0.30
    """From this decision to full braking, as dead time: 0.1 s bus and valve, half of 0.3 s build-up,
    one frame."""
    warn_s: float = 0.9
    """The warning comes this long before braking: UN R152 asks for 0.8 s (recalled)."""
    calm_needed_mps2: float = 5.0
    """Partial braking begins when a stop needs this and the matter is certain."""
    full_needed_mps2: float = 6.5
    """Full braking begins when a stop needs this, of 9 that dry asphalt gives."""
    person_needed_mps2: float = 7.5
    """The same for who crosses: a person who stops at the kerb does it in the last half metre."""
    calm_mps2: float = 4.5
    """Demand of partial braking: half of what there is, more than any comfort brake."""
    full_mps2: float = 9.0
    """Demand of full braking (notes/vehicle.md section 3: 9.0 on dry asphalt, recalled)."""
    early_s: float = 0.3
    """Braking begins at most this much earlier than a full stop takes until the touch."""
    unwind_s: float = 0.5
    """Wheels that turn back to straight are taken to go on so for this time: the end of a turn."""
    margin_m: float = 0.4
    """Left between the bumpers after the stop that is planned."""
    ease_mps3: float = 5.0
    """Lateral jerk of ordinary steering (ISO 11270's bound): an overlap that it takes away by then is
    not yet a touch."""
    ease_m: float = 0.6
    """And never more than this: a third of a car's width."""
    ease_person_m: float = 0.25
    """The same for people: half of their width."""
    crossing_mps: float = 0.6
    """What moves across our way faster than this crosses it."""
    frames: int = 2
    """In a row that must agree before braking begins."""
    release_s: float = 0.3
    """Without a touch ahead for so long, braking ends."""
    spare_m: float = 0.6
    """Braking that has begun ends only when the others, this much bigger, are out of the way."""
    hold_s: float = 1.5
    """At standstill after an emergency stop."""
    still_mps: float = 0.1
    """Slower than this the car stands (the resolution of wheel sensors)."""
    silent_s: float = 0.4
    """Without any frame for so long emergency braking is not available."""
    near: NearTuning = NearTuning()
    """When the guard lets the pilot brake harder than comfort."""
    steer_rps: float = 0.35
    """A driver who turns the road wheels faster than this is evading; braking does not begin then."""


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


class Threat(msgspec.Struct, frozen=True, gc=False):
    """The touch that decides, in the car frame."""

    track_id: int
    object_class: ObjectClass
    code: str
    x_m: float
    y_m: float
    time_s: float
    needed_mps2: float
    stage: BrakeStage


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
        and math.isfinite(car.speed_mps + car.yaw_rate_rps + car.steer_rad + car.accel_mps2)
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


# --- what is ahead --------------------------------------------------------------------------------


def _looked(
    memory: AebMemory, frames: SensorFrames, car: CarState, settings: AebSettings
) -> AebMemory:
    """New frames: the tracks, and the worst touch ahead."""
    now_ns = memory.stamp_ns
    place, tuning = memory.places[-1], settings.tuning
    own = _own(memory, car, settings, steered=False)
    region = Region(
        _NEAR_M + tuning.horizon_s * own.speed_mps, _ASIDE_M, _ASIDE_S, own.curvature_per_m
    )
    tracker = aeb_tracks.advance(memory.tracker, now_ns, place, settings.tracks)
    for frame in frames.detections:
        then = stop.place_at(memory.places, frame.stamp_ns)
        if then is not None:
            tracker = aeb_tracks.take_frame(tracker, frame, then, region, settings.tracks)
    threat = _worst(memory, tracker, car, settings)
    brakes = threat is not None and threat.stage in _BRAKING
    return msgspec.structs.replace(
        memory,
        tracker=tracker,
        frames_ns=now_ns if frames.detections else memory.frames_ns,
        threat=threat,
        near=_near(tracker, place, own, settings),
        agreed=min(memory.agreed + 1, _MOST_FRAMES) if brakes else 0,
        threat_ns=now_ns if threat is not None else memory.threat_ns,
    )


def _near(tracker: Tracker, place: Place, own: Own, settings: AebSettings) -> bool:
    """Whether somebody who is believed may call for more than comfort braking."""
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    return any(
        aeb_paths.may_need(own, _seen_from(track, place, cos, sin), settings.tuning.near)
        for track in tracker.tracks
        if aeb_tracks.believed(track, tracker, settings.tracks)
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


def _worst(
    memory: AebMemory, tracker: Tracker, car: CarState, settings: AebSettings
) -> Threat | None:
    """The touch ahead that needs the hardest braking, None where there is none."""
    place = memory.places[-1]
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    own = _own(memory, car, settings, steered=False)
    steered = _own(memory, car, settings, steered=True)
    if own.speed_mps < settings.tuning.still_mps:
        return None
    front_m = settings.length_m - settings.rear_overhang_m
    worst: Threat | None = None
    for track in tracker.tracks:
        if not aeb_tracks.believed(track, tracker, settings.tracks):
            continue
        other = _seen_from(track, place, cos, sin)
        least_m = 0.0 if memory.stage in _BRAKING else front_m - _CORNER_M
        if other.x_m < least_m:
            continue
        if not aeb_paths.may_meet(own, other, settings.tuning.horizon_s):
            continue
        if memory.stage in _BRAKING:
            other = _swollen(other, settings.tuning)
        threat = _threat(track, other, own, steered, settings.tuning)
        if threat is not None and (worst is None or threat.needed_mps2 > worst.needed_mps2):
            worst = threat
    return worst


def _seen_from(track: Track, place: Place, cos: float, sin: float) -> Other:
    """A track in the car frame; only braking of its own counts of its acceleration."""
    dx_m, dy_m = track.x_m - place.x_m, track.y_m - place.y_m
    x_m, y_m = cos * dx_m + sin * dy_m, cos * dy_m - sin * dx_m
    vx_mps = cos * track.vx_mps + sin * track.vy_mps
    vy_mps = cos * track.vy_mps - sin * track.vx_mps
    yaw_rad = math.remainder(track.yaw_rad - place.yaw_rad, 2.0 * math.pi)
    if track.person <= 0.0 and vx_mps > _DRIVES_MPS and abs(yaw_rad) < 1.0:
        # A vehicle moves across only as it points: both words are noisy, the lesser counts.
        along_mps = vx_mps * math.tan(yaw_rad)
        low, high = min(along_mps, 0.0) - _SLIP_MPS, max(along_mps, 0.0) + _SLIP_MPS
        vy_mps = min(max(vy_mps, low), high)
    accel_mps2 = 0.0
    if vx_mps > _FOLLOWS_MPS and abs(vy_mps) < 0.3 * vx_mps:
        accel_mps2 = min(track.accel_mps2 + _NOISE_MPS2, 0.0)
    return Other(
        x_m,
        y_m,
        vx_mps,
        vy_mps,
        accel_mps2,
        yaw_rad,
        track.length_m,
        track.width_m,
    )


def _swollen(other: Other, tuning: AebTuning) -> Other:
    """The same somewhat bigger: braking that has begun ends with room to spare."""
    return msgspec.structs.replace(
        other,
        length_m=other.length_m + tuning.spare_m,
        width_m=other.width_m + tuning.spare_m,
    )


def _threat(track: Track, other: Other, own: Own, steered: Own, tuning: AebTuning) -> Threat | None:
    """What one track threatens; both arcs of the own car must meet it."""
    horizon_s = tuning.horizon_s
    meeting = aeb_paths.meets(own, other, 0.0, 0.0, 0.0, horizon_s)
    if meeting is None or meeting.side or not _certain(track, other, own, meeting, tuning):
        return None
    if not _still_meets(track, other, steered, tuning):
        return None
    if track.person <= 0.0 and abs(own.curvature_per_m) < aeb_paths.TURN_PER_M:
        bend = aeb_paths.aligned_bend(own, other)
        aligned = msgspec.structs.replace(own, curvature_per_m=bend)
        if not _still_meets(track, other, aligned, tuning):
            return None
    longer_s = horizon_s + 1.0
    needed = aeb_paths.needed_decel(own, other, tuning.delay_s, tuning.margin_m, longer_s)
    if needed >= aeb_paths.MOST_DECEL_MPS2 and aeb_paths.is_beside(own, other, meeting.time_s):
        # Braking would only bring our front to where its side will be.
        return None
    warned_s = tuning.delay_s + tuning.warn_s
    stage = BrakeStage.READY
    crosses = abs(other.vy_mps) > max(tuning.crossing_mps, abs(other.vx_mps))
    # Who brakes a full stop before the touch stands when it comes: earlier braking gains nothing.
    stop_s = tuning.delay_s + own.speed_mps / tuning.full_mps2 + tuning.early_s
    due = meeting.time_s <= stop_s
    if due and needed >= (tuning.person_needed_mps2 if crosses else tuning.full_needed_mps2):
        stage = BrakeStage.FULL
    elif due and needed >= tuning.calm_needed_mps2 and _plain(other, own, meeting, tuning):
        stage = BrakeStage.PARTIAL
    elif meeting.time_s <= stop_s + tuning.warn_s and aeb_paths.meets(
        own, other, warned_s, tuning.calm_needed_mps2, tuning.margin_m, longer_s
    ) is not None:  # fmt: skip
        stage = BrakeStage.WARNING
    return Threat(
        track.track_id,
        track.object_class,
        _code(track, other, tuning),
        other.x_m,
        other.y_m,
        meeting.time_s,
        needed,
        stage,
    )


def _still_meets(track: Track, other: Other, own: Own, tuning: AebTuning) -> bool:
    """Whether another arc of ours comes to the same."""
    meeting = aeb_paths.meets(own, other, 0.0, 0.0, 0.0, tuning.horizon_s)
    return meeting is not None and _certain(track, other, own, meeting, tuning)


def _certain(track: Track, other: Other, own: Own, meeting: Meeting, tuning: AebTuning) -> bool:
    """Whether the touch is more than ordinary steering takes away until then."""
    person = track.person > 0.0
    if other.vx_mps < -_FOLLOWS_MPS and abs(own.curvature_per_m) < aeb_paths.TURN_PER_M:
        # Oncoming traffic on a road passes, and braking for a head-on course helps little.
        return False
    across_mps = other.vy_mps - own.curvature_per_m * own.speed_mps * other.x_m
    if abs(across_mps) > tuning.crossing_mps:
        # It crosses: what leaves our way is let go with a margin, what comes into it is not.
        leaves = other.y_m * across_mps > 0.0
        return not leaves or meeting.overlap_m > tuning.ease_person_m
    time_s = meeting.time_s
    ease_m = tuning.ease_mps3 * time_s * time_s * time_s / 6.0
    return meeting.overlap_m > min(ease_m, tuning.ease_person_m if person else tuning.ease_m)


def _plain(other: Other, own: Own, meeting: Meeting, tuning: AebTuning) -> bool:
    """Whether a calm, early brake is surely right: straight ahead, plainly in the way."""
    across_mps = other.vy_mps - own.curvature_per_m * own.speed_mps * other.x_m
    return (
        abs(across_mps) < tuning.crossing_mps
        and meeting.overlap_m > 0.5 * min(own.body.width_m, other.width_m)
        and abs(math.remainder(other.yaw_rad, math.pi)) < _PLAIN_RAD
        and abs(own.curvature_per_m) * own.speed_mps * own.speed_mps < _PLAIN_MPS2
    )


def _code(track: Track, other: Other, tuning: AebTuning) -> str:
    """Why, as a code."""
    across = abs(other.vy_mps) > max(tuning.crossing_mps, abs(other.vx_mps))
    if track.person > 0.0:
        return "person_crossing" if across else "person_ahead"
    if across:
        return "crossing"
    if other.vx_mps < -_FOLLOWS_MPS:
        return "oncoming"
    if other.vx_mps < _FOLLOWS_MPS:
        return "lead_standing"
    return "lead_braking" if other.accel_mps2 < 0.0 else "lead_slower"


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
_SMOOTH_S: Final = 0.06
"""Time constant of the yaw rate that the arc rests on: noise of 0.001 rad/s, delay of an actuator."""
_SLOW_MPS: Final = 1.0
_UNDERSTEER: Final = 0.00058
"""s2/m2: 0.85 degree per g at 2.6 m wheelbase, a usual car (estimated)."""
_NEAR_M: Final = 20.0
_ASIDE_M: Final = 4.0
_ASIDE_S: Final = 2.5
_FOLLOWS_MPS: Final = 1.0
_DRIVES_MPS: Final = 3.0
_SLIP_MPS: Final = 0.2
_CORNER_M: Final = 0.5
"""Whose middle is further behind our front corner is beside us, and braking does not part us."""
_NOISE_MPS2: Final = 0.7
"""Braking of another that is not told from noise."""
_PLAIN_MPS2: Final = 1.0
_PLAIN_RAD: Final = 0.06
"""What stands straight before us stands on a straight road."""
_MOST_FRAMES: Final = 100
