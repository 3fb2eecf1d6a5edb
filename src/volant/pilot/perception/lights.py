"""What the traffic lights show: returns of the camera matched to the map's lights, held against flicker.

A single frame with a wrong colour changes nothing. To go takes more frames than to stop: green is
believed after four of the last frames, red and amber after two, and what cannot follow on what was
believed (amber on red, green on amber, out) after six. What is not seen any more ages: green is forgotten
soon, red stays red until the light is seen otherwise, and amber becomes red.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from volant.core.clock import NS_PER_S
from volant.core.messages import LightFrame, LightReturn, LightState
from volant.pilot.course import Course
from volant.pilot.perception.belief import Ego
from volant.pilot.perception.localize_kernels import recall, world_pose
from volant.road.gates import Light

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LightTuning:
    """Matching, patience and forgetting."""

    range_m: float = 100.0
    """Lights farther away are not looked for."""
    away_m: float = 4.0
    """A return and its light may differ by this in distance,"""
    away_part: float = 0.12
    """and by this part of it (three sigma of the camera),"""
    aside_m: float = 1.2
    """and across the line of sight by this (half the room between two lights; place 0.1 to 0.5 m),"""
    aside_rad: float = 0.015
    """and this angle."""
    confidence: float = 0.4
    """Returns below this are not used."""
    fade_s: float = 0.5
    """A vote loses half of its weight in this time."""
    frames_stop: float = 1.7
    """Votes until red, amber or off is believed: two frames."""
    frames_go: float = 3.2
    """Votes until green is believed: four frames."""
    frames_odd: float = 4.6
    """Votes until a state is believed that does not follow on the one before: six frames."""
    share: float = 0.65
    """Of all votes that are left."""
    forget_go_s: float = 1.5
    """Green, or off, unseen for longer is unknown."""
    amber_s: float = 3.0
    """Amber unseen for longer has become red (3 s at 50 km/h; recalled RiLSA)."""
    oldest_s: float = 0.6
    """Frames older than this are not used."""


@dataclass(frozen=True, slots=True)
class LightBelief:
    """What one light is believed to show."""

    light: str
    """Name of the light, `road:signal`."""
    state: LightState
    since_ns: int
    """Believed since."""
    seen_ns: int
    """Last seen."""
    votes: tuple[float, ...]
    """By state, fading."""

    def age_s(self, now_ns: int) -> float:
        """Since it was last seen."""
        return (now_ns - self.seen_ns) / NS_PER_S


class Lights(msgspec.Struct, frozen=True):
    """Beliefs of all lights that were ever seen, and the map's lights to match with."""

    known: tuple[Light, ...]
    places: Array
    """[n, 3] x, y, heading of the known lights."""
    beliefs: dict[str, LightBelief]
    frame_ns: int = -1
    sighted: tuple[tuple[float, float, float, float], ...] = ()
    """The lights matched in the last frame: where the map has them (x, y), and where the camera saw them
    from the car (ahead, to the left); landmarks for localisation."""

    def state(self, light: str, now_ns: int, tuning: LightTuning) -> LightState:
        """What a light shows as far as can be told now; UNKNOWN where it was not seen or is forgotten."""
        belief = self.beliefs.get(light)
        if belief is None:
            return LightState.UNKNOWN
        age_s = belief.age_s(now_ns)
        if belief.state in (LightState.GREEN, LightState.OFF) and age_s > tuning.forget_go_s:
            return LightState.UNKNOWN
        if belief.state is LightState.AMBER and age_s > tuning.amber_s:
            return LightState.RED
        return belief.state


_STATES: Final = tuple(LightState)
_FOLLOWS: Final = {
    LightState.RED: (LightState.RED_AMBER, LightState.GREEN),
    LightState.RED_AMBER: (LightState.GREEN, LightState.RED),
    LightState.GREEN: (LightState.AMBER, LightState.RED),
    LightState.AMBER: (LightState.RED,),
    LightState.OFF: (LightState.RED, LightState.AMBER),
}
"""What comes after what in a programme (recalled RiLSA)."""


def start_lights(lights: tuple[Light, ...]) -> Lights:
    """Nothing seen yet; `lights` are those of the traffic rules."""
    places = np.array([(one.x_m, one.y_m, one.heading_rad) for one in lights])
    return Lights(lights, places.reshape(-1, 3), {})


def observe_lights(
    lights: Lights, ego: Ego, course: Course, frame: LightFrame | None, tuning: LightTuning
) -> Lights:
    """Match what one frame shows to the map's lights; frames that are late or repeated are left out."""
    if frame is None or not ego.matched or not len(lights.places):
        return lights
    lag_s = (ego.stamp_ns - frame.stamp_ns) / NS_PER_S
    if frame.stamp_ns <= lights.frame_ns or not 0.0 <= lag_s <= tuning.oldest_s:
        return lights
    then = np.empty(7)
    recall(ego.history, float(frame.stamp_ns), then)
    pose = world_pose(course.table, course.step_m, np.append(then[4:7], np.zeros(4)))
    near = _near(lights, pose, tuning)
    beliefs, told = dict(lights.beliefs), set()
    sighted = []
    for one in sorted(frame.lights, key=lambda seen: -seen.confidence):
        name = _match(lights, near, pose, one, tuning)
        if name is None or name in told:
            continue
        told.add(name)
        beliefs[name] = _vote(beliefs.get(name), name, one, frame.stamp_ns, tuning)
        known = next(light for light in lights.known if light.signal == name)
        sighted.append((known.x_m, known.y_m, one.x_m, one.y_m))
    return msgspec.structs.replace(
        lights, beliefs=beliefs, frame_ns=frame.stamp_ns, sighted=tuple(sighted)
    )


def _near(lights: Lights, pose: tuple[float, float, float], tuning: LightTuning) -> list[int]:
    """Lights that stand ahead and are turned to us."""
    dx, dy = lights.places[:, 0] - pose[0], lights.places[:, 1] - pose[1]
    close = np.flatnonzero(dx * dx + dy * dy < tuning.range_m * tuning.range_m).tolist()
    found = []
    for k in close:
        heading = float(lights.places[k, 2])
        if dx[k] * math.cos(heading) + dy[k] * math.sin(heading) > 0.0:
            found.append(k)
    return found


def _match(
    lights: Lights,
    near: list[int],
    pose: tuple[float, float, float],
    seen: LightReturn,
    tuning: LightTuning,
) -> str | None:
    """The light that a return fits best; None where it fits none, or is not finite."""
    if not math.isfinite(seen.x_m + seen.y_m) or not seen.confidence >= tuning.confidence:
        return None
    away = math.hypot(seen.x_m, seen.y_m)
    if not 0.5 < away < 2.0 * tuning.range_m:
        return None
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    best, least = None, 1.0
    for k in near:
        dx, dy = lights.places[k, 0] - pose[0], lights.places[k, 1] - pose[1]
        ahead, aside = cos * dx + sin * dy, cos * dy - sin * dx
        along = (ahead * seen.x_m + aside * seen.y_m) / away
        across = (seen.x_m * aside - seen.y_m * ahead) / away
        miss = ((along - away) / (tuning.away_m + tuning.away_part * away)) ** 2
        miss += (across / (tuning.aside_m + tuning.aside_rad * away)) ** 2
        if miss < least:
            best, least = lights.known[k].signal, miss
    return best


def _vote(
    belief: LightBelief | None, name: str, seen: LightReturn, stamp_ns: int, tuning: LightTuning
) -> LightBelief:
    """The belief after one more frame."""
    if belief is None:
        belief = LightBelief(name, LightState.UNKNOWN, stamp_ns, stamp_ns, (0.0,) * len(_STATES))
    age_s = max((stamp_ns - belief.seen_ns) / NS_PER_S, 0.0)
    fade = 0.5 ** (age_s / tuning.fade_s)
    place = _STATES.index(seen.state)
    votes = tuple(fade * vote + (k == place) for k, vote in enumerate(belief.votes))
    state = seen.state
    needed = _needed(belief.state, state, tuning)
    # What was believed before loses its votes as the new state gains them: count the last frames only.
    fits = votes[place] >= needed and votes[place] >= tuning.share * _rivals(votes, belief.state)
    if state is belief.state or not fits or state is LightState.UNKNOWN:
        return replace(belief, votes=votes, seen_ns=stamp_ns)
    only = tuple(vote if k == place else 0.0 for k, vote in enumerate(votes))
    return LightBelief(name, state, stamp_ns, stamp_ns, only)


def _needed(held: LightState, told: LightState, tuning: LightTuning) -> float:
    """Votes until another state is believed."""
    if held is not LightState.UNKNOWN and told not in _FOLLOWS.get(held, ()):
        return tuning.frames_odd
    return tuning.frames_go if told is LightState.GREEN else tuning.frames_stop


def _rivals(votes: tuple[float, ...], held: LightState) -> float:
    """Votes of all states but the one held, whose old votes only tell what was."""
    return sum(vote for k, vote in enumerate(votes) if _STATES[k] is not held)
