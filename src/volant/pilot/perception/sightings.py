"""Signs, lines and mouths of junctions that the camera saw, matched to the map's: they hold us along the road.

GNSS alone leaves one to two metres there, and a turn that is begun so late ends beside its lane. What
the map has elsewhere, or not at all, and what may be one of two, is left out; the map itself may be out
by some decimetres, so that no number of pictures of one sign makes us surer than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from volant.core.messages import LandmarkFrame, LandmarkKind, LandmarkReturn
from volant.pilot.course import Course
from volant.pilot.perception.belief import Ego, LocalizeTuning, is_late, shift_history
from volant.pilot.perception.localize_kernels import recall
from volant.pilot.perception.sighting_kernels import fold_landmarks
from volant.road import LaneGraph
from volant.road.landmarks import Landmark, find_landmarks

Array = NDArray[np.float64]
_NUMBER: Final = {kind: float(number) for number, kind in enumerate(LandmarkKind)}
_SIGNS: Final = int(_NUMBER[LandmarkKind.LINE])
"""Kinds before this one are signs."""


@dataclass(frozen=True, slots=True)
class SightingTuning:
    """How well the camera and the map tell where a landmark is; spreads are standard deviations."""

    range_sigma_m: float = 0.2
    """Of the camera's distances (typical camera of worlds.md), and"""
    range_part: float = 0.05
    """of the distance itself: half as much again as the camera says, since frames that follow err alike."""
    angle_sigma_rad: float = 0.006
    """Of its direction, likewise: 0.2 degrees, and the car's own pitch and roll."""
    sign_place_m: float = 0.5
    """Signs stand within this of where the map has them (posts lean, and are put up anew; estimated)."""
    paint_place_m: float = 0.1
    """Paint lies within this of where the map has it (good maps: 0.1 m; recalled)."""
    pictures: float = 20.0
    """That error is the same in so many pictures of one landmark: 2 s at 10 Hz."""
    gate: float = 3.0
    """Standard deviations beyond which a landmark is not believed."""
    match_part: float = 0.12
    """A sighting and its landmark may differ by this part of the distance along the line of sight,"""
    match_aside_m: float = 1.2
    """and across it by this (less than half a lane), and"""
    match_aside_part: float = 0.015
    """this part of the distance."""


class Landmarks(msgspec.Struct, frozen=True):
    """The map's landmarks, and what was seen last."""

    known: Array
    """[m, 5] x, y, cosine and sine of the heading, kind."""
    frame_ns: int = -1
    last: tuple[LandmarkReturn, ...] = ()
    used: int = 0
    """How many of the last frame were believed."""


def know_landmarks(graph: LaneGraph) -> Landmarks:
    """The landmarks of a graph, none seen yet."""
    return landmarks_of(find_landmarks(graph))


def landmarks_of(found: tuple[Landmark, ...]) -> Landmarks:
    """These landmarks, none seen yet."""
    rows = [
        (one.x_m, one.y_m, math.cos(one.heading_rad), math.sin(one.heading_rad), _NUMBER[one.kind])
        for one in found
    ]
    return Landmarks(np.array(rows, dtype=np.float64).reshape(-1, 5))


def observe_landmarks(
    marks: Landmarks,
    ego: Ego,
    course: Course,
    frame: LandmarkFrame | None,
    tunings: tuple[LocalizeTuning, SightingTuning],
) -> tuple[Landmarks, Ego]:
    """Fold what one frame shows into the belief; frames that are late, repeated or hang are left out."""
    if frame is None or not ego.matched or frame.stamp_ns <= marks.frame_ns:
        return marks, ego
    seen = frame.landmarks
    hangs = seen == marks.last and ego.speed_mps > 1.0
    marks = replace(marks, frame_ns=frame.stamp_ns, last=seen, used=0)
    if not seen or hangs or not len(marks.known) or is_late(frame.stamp_ns, ego, tunings[0]):
        return marks, ego
    then = np.empty(7)
    recall(ego.history, float(frame.stamp_ns), then)
    mean, cov = ego.mean.copy(), ego.cov.copy()
    used = fold_landmarks(
        *(mean, cov, then[4:], course.table, course.step_m, marks.known),
        *(np.array([(_NUMBER[one.kind], one.x_m, one.y_m) for one in seen]), _SIGNS),
        _figures(tunings[1]),
    )
    if not used:
        return marks, ego
    history = shift_history(ego.history, mean - ego.mean)
    return replace(marks, used=used), replace(ego, mean=mean, cov=cov, history=history)


def _figures(tuning: SightingTuning) -> Array:
    """The tuning as the kernel has it; where a landmark lies errs alike in many pictures."""
    return np.array(
        (
            *(tuning.range_sigma_m, tuning.range_part, tuning.angle_sigma_rad),
            tuning.pictures * tuning.sign_place_m**2,
            tuning.pictures * tuning.paint_place_m**2,
            *(tuning.gate, tuning.match_part, tuning.match_aside_m, tuning.match_aside_part),
        )
    )
