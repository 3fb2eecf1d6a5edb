"""Emergency braking's own tracker: who is near the own path, from raw detections alone.

Tracks live in the car's own frame of wheels and IMU since boot (`stop.Place`), so that a detection of a
late frame is placed where the car was when it was measured. Each track is a pair of Kalman filters of
position and speed, along and across the line of sight, because that is how sensors err. A track counts
as real by the evidence of two independent sensors or of many frames of one; a thing that has never
moved needs the camera's word, since a radar cannot tell it from a manhole cover or a bridge.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from volant.core.messages import DetectionFrame, ObjectClass, ObjectReturn
from volant.safety.stop import Place


class SensorNoise(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one kind of sensor is trusted with: standard deviations."""

    range_m: float
    range_part: float
    """Of the distance, on top."""
    angle_rad: float
    radial_mps: float
    across_mps: float
    yaw_rad: float


class TrackTuning(msgspec.Struct, frozen=True, kw_only=True):
    """How detections become tracks. Noise: 3GPP TR 22.837 KPI (read) with estimates, as the sensors'."""

    radar: SensorNoise = SensorNoise(
        range_m=0.2, range_part=0.0, angle_rad=0.004, radial_mps=0.12, across_mps=0.6, yaw_rad=0.07
    )
    """A front radar."""
    corner: SensorNoise = SensorNoise(
        range_m=0.15, range_part=0.0, angle_rad=0.014, radial_mps=0.15, across_mps=0.9, yaw_rad=0.07
    )
    """One at a corner."""
    camera: SensorNoise = SensorNoise(
        range_m=0.25, range_part=0.03, angle_rad=0.004, radial_mps=1.2, across_mps=0.6, yaw_rad=0.04
    )
    """The front camera: distance in parts of it."""
    exact: SensorNoise = SensorNoise(
        range_m=0.03,
        range_part=0.0,
        angle_rad=0.001,
        radial_mps=0.03,
        across_mps=0.05,
        yaw_rad=0.01,
    )
    """Any other sensor, such as one that sees everything."""
    doubted: SensorNoise = SensorNoise(
        range_m=2.0, range_part=0.0, angle_rad=0.05, radial_mps=4.0, across_mps=4.0, yaw_rad=0.5
    )
    """One whose words jump: a defect makes it worse by a factor of ten or more (estimated)."""
    jump_mps: float = 1.5
    """A word on speed along the sight is off by this: who brakes with 10 m/s2 changes by a third of it
    from frame to frame."""
    jump_gain: float = 0.15
    """How much one word counts in the share that is off: three in a row, or half of them in 0.3 s."""
    jump_share: float = 0.3
    """A sensor with more words off than this is doubted."""
    radial_drive: float = 6.0
    """Growth of the variance of speed along the sight, m2/s3: 1.7 m/s in half a second (estimated)."""
    across_drive: float = 1.0
    """The same across: what people and turning cars do (estimated)."""
    accel_gain_per_s: float = 2.5
    """Acceleration learnt per error of speed: settles in 0.4 s, noise 0.3 m/s2 at 0.12 m/s."""
    gate_m: float = 0.8
    """A detection belongs to a track within this and three standard deviations."""
    forget_s: float = 0.6
    """Longer than half of the bursts in which a sensor misses a car (0.2 to 1 s)."""
    evidence_two: float = 4.0
    """Log odds at which two sensors that agree are believed: two good frames."""
    evidence_one: float = 12.0
    """The same for one sensor alone: six good frames; ghosts live 0.2 to 0.6 s at poor odds."""
    most_evidence: float = 16.0
    """Held at this, so that a track does not live on its past (a third above what one sensor needs)."""
    best_odds: float = 2.2
    """One frame counts at most this (a stated 90 %): a sensor's own word is not taken further."""
    flat_m: float = 0.3
    """Lower things are driven over."""
    moving_mps: float = 1.5
    """A confirmed track that was ever faster is no clutter."""


class Track(msgspec.Struct, frozen=True, gc=False):
    """One thing near the own path, in the odometry frame, at the tracker's stamp."""

    track_id: int
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    accel_mps2: float
    """Along the line of sight, over ground."""
    yaw_rad: float
    length_m: float
    width_m: float
    height_m: float
    along_pp: float
    """Variances of position and speed and their covariance, along and across the line of sight."""
    along_pv: float
    along_vv: float
    across_pp: float
    across_pv: float
    across_vv: float
    person: float
    """Above zero: cameras call it a person or a cyclist."""
    evidence: float
    sensors: int
    """A bit for each sensor that has seen it."""
    frames: int
    moved: bool
    seen_ns: int
    object_class: ObjectClass


class Tracker(msgspec.Struct, frozen=True):
    """All tracks at one stamp."""

    stamp_ns: int = 0
    tracks: tuple[Track, ...] = ()
    next_id: int = 0
    camera_ns: int = -1
    """When a front camera last spoke."""
    jumps: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Share of the words that were off, by sensor: CAMERA, RADAR, LEFT, RIGHT, EXACT."""


class Region(msgspec.Struct, frozen=True, gc=False):
    """Where things can matter, in the car frame."""

    reach_m: float
    aside_m: float
    aside_s: float
    """A thing that moves across matters from this many seconds of its own way further out."""
    curvature_per_m: float


CAMERA: Final = 1
RADAR: Final = 2
LEFT: Final = 4
RIGHT: Final = 8
EXACT: Final = 16
PEOPLE: Final = frozenset({ObjectClass.PEDESTRIAN, ObjectClass.CYCLIST})


def sensor_bit(name: str) -> int:
    """Which sensor a name means; 0 for one that does not look ahead."""
    if "rear" in name or "ultrasonic" in name:
        return 0
    if "camera" in name:
        return CAMERA if "front" in name else 0
    if "radar" in name:
        if "left" in name:
            return LEFT
        return RIGHT if "right" in name else RADAR
    return EXACT


def noise_of(bit: int, tuning: TrackTuning) -> SensorNoise:
    """What a sensor is trusted with."""
    if bit == CAMERA:
        return tuning.camera
    if bit == RADAR:
        return tuning.radar
    return tuning.exact if bit == EXACT else tuning.corner


def believed(track: Track, tracker: Tracker, tuning: TrackTuning) -> bool:
    """Whether a track is real enough to brake for."""
    if track.height_m < tuning.flat_m:
        return False
    if track.sensors & EXACT:
        return track.frames >= 2 and track.evidence >= tuning.evidence_two
    several = track.sensors & (track.sensors - 1) != 0
    needed = tuning.evidence_two if several else tuning.evidence_one
    if track.evidence < needed:
        return False
    if track.moved or track.sensors & CAMERA:
        return True
    blind = tracker.stamp_ns - tracker.camera_ns > _CAMERA_LOST_NS
    return blind and several and track.evidence >= tuning.evidence_one


def advance(tracker: Tracker, stamp_ns: int, place: Place, tuning: TrackTuning) -> Tracker:
    """All tracks moved on to a stamp; forgotten ones left out, and those left behind."""
    span_s = 1e-9 * (stamp_ns - tracker.stamp_ns)
    oldest_ns = stamp_ns - round(1e9 * tuning.forget_s)
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    kept = [
        _moved(track, place, span_s, tuning)
        for track in tracker.tracks
        if track.seen_ns >= oldest_ns
        and cos * (track.x_m - place.x_m) + sin * (track.y_m - place.y_m)
        > -_BEHIND_M - 0.5 * track.length_m
    ]
    return msgspec.structs.replace(tracker, stamp_ns=stamp_ns, tracks=tuple(kept))


def _moved(track: Track, place: Place, span_s: float, tuning: TrackTuning) -> Track:
    dx_m, dy_m = track.x_m - place.x_m, track.y_m - place.y_m
    reach_m = max(math.hypot(dx_m, dy_m), 1e-3)
    gain_mps = track.accel_mps2 * span_s / reach_m
    vx_mps, vy_mps = track.vx_mps + gain_mps * dx_m, track.vy_mps + gain_mps * dy_m
    if vx_mps * track.vx_mps + vy_mps * track.vy_mps < 0.0:
        vx_mps, vy_mps = 0.0, 0.0
    half_s = 0.5 * span_s
    return msgspec.structs.replace(
        track,
        x_m=track.x_m + half_s * (track.vx_mps + vx_mps),
        y_m=track.y_m + half_s * (track.vy_mps + vy_mps),
        vx_mps=vx_mps,
        vy_mps=vy_mps,
        along_pp=track.along_pp + span_s * (2.0 * track.along_pv + span_s * track.along_vv),
        along_pv=track.along_pv + span_s * track.along_vv,
        along_vv=track.along_vv + span_s * tuning.radial_drive,
        across_pp=track.across_pp + span_s * (2.0 * track.across_pv + span_s * track.across_vv),
        across_pv=track.across_pv + span_s * track.across_vv,
        across_vv=track.across_vv + span_s * tuning.across_drive,
    )


def take_frame(
    tracker: Tracker,
    frame: DetectionFrame,
    place_then: Place,
    region: Region,
    tuning: TrackTuning,
) -> Tracker:
    """One sensor's frame taken in; what it saw is carried on from its stamp to the tracker's.

    Args:
        tracker: already at the present stamp.
        frame: measured now or a little earlier.
        place_then: the car at the frame's stamp.
        region: where things matter.
        tuning: the tracker's.
    """
    bit = sensor_bit(frame.sensor)
    if bit == 0:
        return tracker
    jumps = tracker.jumps[bit.bit_length() - 1]
    doubted = jumps > tuning.jump_share
    own_noise = noise_of(bit, tuning)
    sharp = own_noise.radial_mps < _SHARP_MPS
    noise = tuning.doubted if doubted else own_noise
    late_s = max(1e-9 * (tracker.stamp_ns - frame.stamp_ns), 0.0)
    tracks = list(tracker.tracks)
    free = list(range(len(tracks)))
    next_id = tracker.next_id
    for seen in frame.objects:
        if not _matters(seen, region):
            continue
        found = _placed(seen, place_then, late_s, noise)
        index = _nearest(found, tracks, free, tuning)
        if index is None:
            if doubted:
                continue
            tracks.append(_born(found, seen, bit, next_id, tracker.stamp_ns, tuning))
            next_id += 1
        else:
            free.remove(index)
            if sharp:
                jumps += tuning.jump_gain * (_jumps(tracks[index], found, tuning) - jumps)
            tracks[index] = _updated(
                tracks[index], found, seen, bit, noise, tracker.stamp_ns, tuning
            )
    camera_ns = tracker.stamp_ns if bit in (CAMERA, EXACT) else tracker.camera_ns
    shares = list(tracker.jumps)
    shares[bit.bit_length() - 1] = jumps
    return Tracker(tracker.stamp_ns, tuple(tracks), next_id, camera_ns, tuple(shares))


def _matters(seen: ObjectReturn, region: Region) -> bool:
    """Whether a detection is whole and near the own path ahead."""
    x_m, y_m, vx_mps, vy_mps = seen.x_m, seen.y_m, seen.velocity_x_mps, seen.velocity_y_mps
    if not math.isfinite(
        x_m + y_m + vx_mps + vy_mps + seen.yaw_rad + seen.length_m + seen.width_m + seen.existence
    ):
        return False
    if not -_BEHIND_M < x_m < region.reach_m:
        return False
    aside_m = abs(y_m - 0.5 * region.curvature_per_m * x_m * x_m)
    return aside_m < region.aside_m + region.aside_s * min(abs(vy_mps), _FASTEST_MPS)


class _Found(msgspec.Struct, frozen=True, gc=False):
    """A detection in the odometry frame at the tracker's stamp, and the sight it was seen along."""

    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    yaw_rad: float
    sight_x: float
    sight_y: float
    along_var: float
    across_var: float
    radial_var: float
    lateral_var: float
    late_s: float


def _placed(seen: ObjectReturn, place: Place, late_s: float, noise: SensorNoise) -> _Found:
    cos, sin = math.cos(place.yaw_rad), math.sin(place.yaw_rad)
    way_x = cos * seen.x_m - sin * seen.y_m
    way_y = sin * seen.x_m + cos * seen.y_m
    vx_mps = cos * seen.velocity_x_mps - sin * seen.velocity_y_mps
    vy_mps = sin * seen.velocity_x_mps + cos * seen.velocity_y_mps
    reach_m = max(math.hypot(way_x, way_y), 1.0)
    along_m = noise.range_m + noise.range_part * reach_m
    across_m = 0.05 + noise.angle_rad * reach_m
    return _Found(
        place.x_m + way_x,
        place.y_m + way_y,
        vx_mps,
        vy_mps,
        place.yaw_rad + seen.yaw_rad,
        way_x / reach_m,
        way_y / reach_m,
        along_m * along_m,
        across_m * across_m,
        noise.radial_mps * noise.radial_mps,
        noise.across_mps * noise.across_mps,
        late_s,
    )


def _nearest(
    found: _Found, tracks: list[Track], free: list[int], tuning: TrackTuning
) -> int | None:
    """The free track that a detection fits best, by distance over what may be expected."""
    best, chosen = 1.0, None
    for index in free:
        track = tracks[index]
        dx_m = found.x_m + found.late_s * track.vx_mps - track.x_m
        dy_m = found.y_m + found.late_s * track.vy_mps - track.y_m
        if abs(dx_m) > _FAR_M or abs(dy_m) > _FAR_M:
            continue
        along_m = dx_m * found.sight_x + dy_m * found.sight_y
        across_m = dy_m * found.sight_x - dx_m * found.sight_y
        along = along_m / (tuning.gate_m + 3.0 * math.sqrt(track.along_pp + found.along_var))
        across = across_m / (tuning.gate_m + 3.0 * math.sqrt(track.across_pp + found.across_var))
        error = along * along + across * across
        if error < best:
            best, chosen = error, index
    return chosen


def _odds(existence: float, tuning: TrackTuning) -> float:
    """Log odds that one frame adds."""
    held = min(max(existence, 0.02), 0.98)
    return min(math.log(held / (1.0 - held)), tuning.best_odds)


def _born(
    found: _Found, seen: ObjectReturn, bit: int, track_id: int, stamp_ns: int, tuning: TrackTuning
) -> Track:
    return Track(
        track_id=track_id,
        x_m=found.x_m + found.late_s * found.vx_mps,
        y_m=found.y_m + found.late_s * found.vy_mps,
        vx_mps=found.vx_mps,
        vy_mps=found.vy_mps,
        accel_mps2=0.0,
        yaw_rad=found.yaw_rad,
        length_m=seen.length_m,
        width_m=seen.width_m,
        height_m=seen.height_m,
        along_pp=found.along_var,
        along_pv=0.0,
        along_vv=found.radial_var,
        across_pp=found.across_var,
        across_pv=0.0,
        across_vv=found.lateral_var,
        person=_vote(0.0, seen.object_class),
        evidence=_odds(seen.existence, tuning),
        sensors=bit,
        frames=1,
        moved=False,
        seen_ns=stamp_ns,
        object_class=seen.object_class,
    )


def _vote(person: float, kind: ObjectClass) -> float:
    """The cameras' votes for a person or cyclist against everything else, the last ten of them."""
    if kind is ObjectClass.UNKNOWN:
        return person
    return min(person + 1.0, 5.0) if kind in PEOPLE else max(person - 1.0, -5.0)


def _radial_error(track: Track, found: _Found) -> float:
    """By how much a word on speed along the sight differs from what the track expects."""
    dvx_mps, dvy_mps = found.vx_mps - track.vx_mps, found.vy_mps - track.vy_mps
    return dvx_mps * found.sight_x + dvy_mps * found.sight_y + found.late_s * track.accel_mps2


def _jumps(track: Track, found: _Found, tuning: TrackTuning) -> float:
    """1 where a sharp sensor's word on speed is off by what nobody does from frame to frame, else 0."""
    return float(abs(_radial_error(track, found)) > tuning.jump_mps)


def _updated(
    track: Track,
    found: _Found,
    seen: ObjectReturn,
    bit: int,
    noise: SensorNoise,
    stamp_ns: int,
    tuning: TrackTuning,
) -> Track:
    ux, uy = found.sight_x, found.sight_y
    dx_m = found.x_m + found.late_s * track.vx_mps - track.x_m
    dy_m = found.y_m + found.late_s * track.vy_mps - track.y_m
    dvx_mps = found.vx_mps - track.vx_mps
    dvy_mps = found.vy_mps - track.vy_mps
    radial_error = _radial_error(track, found)
    along = _corrected(
        track.along_pp, track.along_pv, track.along_vv, dx_m * ux + dy_m * uy, radial_error,
        found.along_var, found.radial_var,
    )  # fmt: skip
    across = _corrected(
        track.across_pp, track.across_pv, track.across_vv, dy_m * ux - dx_m * uy,
        dvy_mps * ux - dvx_mps * uy, found.across_var, found.lateral_var,
    )  # fmt: skip
    sharp = noise.radial_mps < _SHARP_MPS
    accel_mps2 = track.accel_mps2
    if noise is tuning.doubted:
        accel_mps2 *= _FADES
    elif sharp and abs(radial_error) <= tuning.jump_mps:
        accel_mps2 += tuning.accel_gain_per_s * radial_error
        accel_mps2 = min(max(accel_mps2, -_MOST_ACCEL_MPS2), _MOST_ACCEL_MPS2)
    share = min(1.0 / (track.frames + 1.0) + 0.02 / noise.yaw_rad * 0.1, 1.0)
    shape = 1.0 / min(track.frames + 1.0, 20.0)
    turn_rad = math.remainder(found.yaw_rad - track.yaw_rad, 2.0 * math.pi)
    odds = 0.0 if noise is tuning.doubted else _odds(seen.existence, tuning)
    evidence = min(track.evidence + odds, tuning.most_evidence)
    vx_mps = track.vx_mps + along.speed * ux - across.speed * uy
    vy_mps = track.vy_mps + along.speed * uy + across.speed * ux
    square = vx_mps * vx_mps + vy_mps * vy_mps
    fast = track.frames > _SETTLED_FRAMES and square > tuning.moving_mps * tuning.moving_mps
    known = seen.object_class is not ObjectClass.UNKNOWN
    return Track(
        track_id=track.track_id,
        x_m=track.x_m + along.place * ux - across.place * uy,
        y_m=track.y_m + along.place * uy + across.place * ux,
        vx_mps=vx_mps,
        vy_mps=vy_mps,
        accel_mps2=accel_mps2,
        yaw_rad=track.yaw_rad + share * turn_rad,
        length_m=track.length_m + shape * (seen.length_m - track.length_m),
        width_m=track.width_m + shape * (seen.width_m - track.width_m),
        height_m=track.height_m + shape * (seen.height_m - track.height_m),
        along_pp=along.pp,
        along_pv=along.pv,
        along_vv=along.vv,
        across_pp=across.pp,
        across_pv=across.pv,
        across_vv=across.vv,
        person=_vote(track.person, seen.object_class),
        evidence=evidence,
        sensors=track.sensors | bit,
        frames=track.frames + 1,
        moved=track.moved or fast,
        seen_ns=stamp_ns,
        object_class=seen.object_class if known else track.object_class,
    )


class _Corrected(msgspec.Struct, frozen=True, gc=False):
    place: float
    speed: float
    pp: float
    pv: float
    vv: float


def _corrected(
    pp: float, pv: float, vv: float, place: float, speed: float, place_var: float, speed_var: float
) -> _Corrected:
    """A Kalman correction by a place and then by a speed; errors in, corrections and variances out."""
    total = pp + place_var
    gain_p, gain_v = pp / total, pv / total
    move, gain = gain_p * place, gain_v * place
    pp, pv, vv = pp - gain_p * pp, pv - gain_p * pv, vv - gain_v * pv
    total = vv + speed_var
    gain_p, gain_v = pv / total, vv / total
    left = speed - gain
    return _Corrected(
        move + gain_p * left,
        gain + gain_v * left,
        pp - gain_p * pv,
        pv - gain_p * vv,
        vv - gain_v * vv,
    )


_BEHIND_M: Final = 3.0
"""What is further behind the rear axle is not run into forward."""
_FAR_M: Final = 12.0
"""No detection is so far off its track."""
_FASTEST_MPS: Final = 8.0
"""Nobody crosses a road faster in front of a car that could still brake (estimated)."""
_SHARP_MPS: Final = 0.5
"""A sensor that measures speed better tells acceleration."""
_MOST_ACCEL_MPS2: Final = 10.0
_FADES: Final = 0.8
"""What a doubted sensor taught of acceleration goes with each of its words."""
_SETTLED_FRAMES: Final = 4
"""A track's speed is believed after so many frames."""
_CAMERA_LOST_NS: Final = 500_000_000
"""Ten frames without a camera: then two radars must do."""
