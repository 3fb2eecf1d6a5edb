"""What is ahead and how bad it is: emergency braking's judgement of its tracks.

A touch counts where every arc that our car may be on comes to it, and where it is more than ordinary
steering takes away. Who is still beside our way and needs little braking of its own to stay out of it
is not braked for in full: walkers stop at kerbs, drivers at lines. It neither tracks nor commands.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.messages import BrakeStage, ObjectClass
from volant.safety import aeb_paths, aeb_tracks
from volant.safety.aeb_paths import Meeting, NearTuning, Other, Own
from volant.safety.aeb_tracks import Track, Tracker, TrackTuning
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
    ease_person_m: float = 0.45
    """The same for people: all but their width, where they stand or go along our way."""
    leaves_m: float = 0.25
    """Who crosses and is on the way out is let go when no more than this of our front would touch."""
    crossing_mps: float = 0.6
    """What moves across our way faster than this crosses it."""
    driver_halts_mps2: float = 3.0
    """Who drives across and stops short of our way with less than this may be about to: an ordinary stop
    at a line (chosen; the project's bound of an emergency)."""
    person_halts_mps2: float = 2.0
    """The same on foot or on a cycle: a walker at 5 km/h stops within 0.5 m, less than the step that he is
    in, and a cyclist by a light brake (estimated)."""
    person_strides_mps2: float = 0.75
    """Nobody on foot who needs more than this is slowing down yet: partial braking, just in case."""
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


def worst(
    tracker: Tracker,
    place: Place,
    own: Own,
    steered: Own,
    tuning: AebTuning,
    tracks: TrackTuning,
    *,
    brakes: bool,
) -> Threat | None:
    """The touch ahead that needs the hardest braking, None where there is none.

    Args:
        tracker: all tracks.
        place: the car in their frame.
        own: the own motion by the yaw rate.
        steered: the same by the wheels' angle.
        tuning: when to warn and to brake.
        tracks: which tracks are believed.
        brakes: braking has begun; it ends with room to spare.
    """
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    if own.speed_mps < tuning.still_mps:
        return None
    least_m = 0.0 if brakes else own.body.length_m - own.body.rear_overhang_m - _CORNER_M
    found: Threat | None = None
    for track in tracker.tracks:
        if not aeb_tracks.believed(track, tracker, tracks):
            continue
        other = _seen_from(track, place, cos, sin)
        if other.x_m < least_m or not aeb_paths.may_meet(own, other, tuning.horizon_s):
            continue
        if brakes:
            other = _swollen(other, tuning)
        threat = _threat(track, other, own, steered, tuning)
        if threat is not None and (found is None or threat.needed_mps2 > found.needed_mps2):
            found = threat
    return found


def is_near(
    tracker: Tracker, place: Place, own: Own, tuning: AebTuning, tracks: TrackTuning
) -> bool:
    """Whether somebody who is believed may call for more than comfort braking."""
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    return any(
        aeb_paths.may_need(own, _seen_from(track, place, cos, sin), tuning.near)
        for track in tracker.tracks
        if aeb_tracks.believed(track, tracker, tracks)
    )


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
    """What one track threatens; every arc of the own car must meet it."""
    meeting = aeb_paths.meets(own, other, 0.0, 0.0, 0.0, tuning.horizon_s)
    if meeting is None or meeting.side or not _certain(track, other, own, meeting, tuning):
        return None
    if not _still_meets(track, other, steered, tuning):
        return None
    if track.person <= 0.0 and abs(own.curvature_per_m) < aeb_paths.TURN_PER_M:
        bend = aeb_paths.aligned_bend(own, other)
        aligned = msgspec.structs.replace(own, curvature_per_m=bend)
        if not _still_meets(track, other, aligned, tuning):
            return None
    longer_s = tuning.horizon_s + _LONGER_S
    needed = aeb_paths.needed_decel(own, other, tuning.delay_s, tuning.margin_m, longer_s)
    if needed >= aeb_paths.MOST_DECEL_MPS2 and aeb_paths.is_beside(own, other, meeting.time_s):
        # Braking would only bring our front to where its side will be.
        return None
    return Threat(
        track.track_id,
        track.object_class,
        _code(track, other, tuning),
        other.x_m,
        other.y_m,
        meeting.time_s,
        needed,
        _wanted(track, other, own, meeting, needed, tuning),
    )


def _wanted(
    track: Track, other: Other, own: Own, meeting: Meeting, needed: float, tuning: AebTuning
) -> BrakeStage:
    """The stage that a touch asks for."""
    # Who brakes a full stop before the touch stands when it comes: earlier braking gains nothing.
    stop_s = tuning.delay_s + own.speed_mps / tuning.full_mps2 + tuning.early_s
    if meeting.time_s <= stop_s:
        halt_mps2 = _halt_mps2(track, other, own)
        person = track.person > 0.0
        crosses = abs(other.vy_mps) > max(tuning.crossing_mps, abs(other.vx_mps))
        full = needed >= (tuning.person_needed_mps2 if crosses else tuning.full_needed_mps2)
        if halt_mps2 < (tuning.person_halts_mps2 if person else tuning.driver_halts_mps2):
            if person and full and halt_mps2 > tuning.person_strides_mps2:
                return BrakeStage.PARTIAL
        elif full:
            return BrakeStage.FULL
        elif needed >= tuning.calm_needed_mps2 and _plain(other, own, meeting, tuning):
            return BrakeStage.PARTIAL
    if meeting.time_s <= stop_s + tuning.warn_s and _soon_due(other, own, tuning):
        return BrakeStage.WARNING
    return BrakeStage.READY


def _soon_due(other: Other, own: Own, tuning: AebTuning) -> bool:
    """Whether partial braking, begun after the time of a warning, would no longer do."""
    after_s = tuning.delay_s + tuning.warn_s
    until_s = tuning.horizon_s + _LONGER_S
    calm_mps2 = tuning.calm_needed_mps2
    return aeb_paths.meets(own, other, after_s, calm_mps2, tuning.margin_m, until_s) is not None


def _halt_mps2(track: Track, other: Other, own: Own) -> float:
    """With what somebody who comes from beside could yet stop short of our way; inf: does not ask.

    People anywhere, vehicles that drive across: a driver who moves over along our way is none that
    stops, and in a turn of ours nobody knows where our way is.
    """
    if abs(own.curvature_per_m) >= aeb_paths.TURN_PER_M:
        return math.inf
    if track.person <= 0.0 and abs(other.vy_mps) <= abs(other.vx_mps):
        return math.inf
    return aeb_paths.halt_mps2(own, other, math.sqrt(max(track.across_vv, 0.0)))


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
        return not leaves or meeting.overlap_m > tuning.leaves_m
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


_LONGER_S: Final = 1.0
"""A car that brakes comes later to what it would touch: so much further is looked for it."""
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
