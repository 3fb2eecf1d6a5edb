"""Traffic lights: a fixed-time programme for every junction, and what a light shows at a time.

The groups of a junction are green one after the other; a light away from junctions guards a crossing
and leaves the people their time. Greens and the offset of each junction are drawn once for a drive.
Times after RiLSA 2010, sections 2.5 to 2.8 (recalled): amber 3 s at 50 km/h, 4 s at 60, 5 s at 70;
red and amber 1 s; 2 s all red stand for the clearance that RiLSA computes for each pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from volant.core.chance import Chance
from volant.core.messages import LightState

GREEN_LEAST_S: Final = 12.0
GREEN_MOST_S: Final = 25.0
RED_AMBER_S: Final = 1.0
ALL_RED_S: Final = 2.0
WALK_LEAST_S: Final = 10.0
"""Cars wait at a crossing light this long at least: 8 m at 1.2 m/s and a second to start (RiLSA, recalled)."""
WALK_MOST_S: Final = 14.0
_AMBER_S: Final = ((51.0 / 3.6, 3.0), (61.0 / 3.6, 4.0), (float("inf"), 5.0))


@dataclass(frozen=True, slots=True)
class Programme:
    """When one light is green: from `start_s` of every cycle for `green_s`."""

    cycle_s: float
    start_s: float
    green_s: float
    amber_s: float


@dataclass(frozen=True, slots=True)
class Post:
    """A light as the programme needs it: its name, junction, and the limit before it."""

    signal: str
    junction: str | None
    limit_mps: float = 50.0 / 3.6


@dataclass(frozen=True, slots=True)
class Shows:
    """A scene's wish: a light shows a state from a time on; its junction's programme moves along."""

    signal: str
    state: LightState
    """Green or amber."""
    from_s: float


def move_programmes(
    found: Mapping[str, Programme], junctions: Mapping[str, str | None], wishes: Iterable[Shows]
) -> dict[str, Programme]:
    """The programmes with every wish granted; lights of one junction keep their order.

    Raises:
        ValueError: a wish names no light, or a state that no phase begins with.
    """
    moved = dict(found)
    for wish in wishes:
        if wish.signal not in moved or wish.state not in (LightState.GREEN, LightState.AMBER):
            raise ValueError(f"{wish.signal} cannot be made to show {wish.state.value}")
        own = moved[wish.signal]
        begins_s = own.start_s + (own.green_s if wish.state is LightState.AMBER else 0.0)
        by_s, place = wish.from_s - begins_s, junctions[wish.signal]
        for signal, programme in moved.items():
            if signal == wish.signal or (place is not None and junctions[signal] == place):
                start_s = (programme.start_s + by_s) % programme.cycle_s
                moved[signal] = replace(programme, start_s=start_s)
    return moved


def amber_s(limit_mps: float) -> float:
    """How long amber lasts at a limit (RiLSA 2010, 2.5.2; recalled)."""
    return next(span for most_mps, span in _AMBER_S if limit_mps <= most_mps)


def light_at(programme: Programme, t_s: float) -> LightState:
    """What a light shows at a time (s)."""
    at_s = (t_s - programme.start_s) % programme.cycle_s
    if at_s < programme.green_s:
        return LightState.GREEN
    if at_s < programme.green_s + programme.amber_s:
        return LightState.AMBER
    if at_s >= programme.cycle_s - RED_AMBER_S:
        return LightState.RED_AMBER
    return LightState.RED


def red_left_s(programme: Programme, t_s: float) -> float:
    """Seconds until red ends; 0 while it is not red."""
    at_s = (t_s - programme.start_s) % programme.cycle_s
    if at_s < programme.green_s + programme.amber_s:
        return 0.0
    return max(programme.cycle_s - RED_AMBER_S - at_s, 0.0)


def holds_s(programme: Programme, t_s: float) -> float:
    """Seconds for which a light still shows what it shows now."""
    at_s = (t_s - programme.start_s) % programme.cycle_s
    closed_s = programme.green_s + programme.amber_s
    for end_s in (programme.green_s, closed_s, programme.cycle_s - RED_AMBER_S):
        if at_s < end_s:
            return end_s - at_s
    return programme.cycle_s - at_s


def make_programmes(
    posts: Iterable[Post], groups: Sequence[Sequence[str]], chance: Chance
) -> dict[str, Programme]:
    """A programme for every light, by name; a light in no group is a group of its own."""
    known = {post.signal: post for post in posts}
    grouped = [tuple(name for name in group if name in known) for group in groups]
    seen = {name for group in grouped for name in group}
    grouped += [(name,) for name in sorted(known) if name not in seen]
    by_junction: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for group in grouped:
        if group:
            junction = known[group[0]].junction
            by_junction[f"crossing {group[0]}" if junction is None else junction].append(group)
    found: dict[str, Programme] = {}
    for junction, members in by_junction.items():
        found.update(_junction(members, known, chance.child(junction)))
    return found


def _junction(
    groups: Sequence[tuple[str, ...]], known: Mapping[str, Post], chance: Chance
) -> dict[str, Programme]:
    greens = [chance.uniform(k, GREEN_LEAST_S, GREEN_MOST_S) for k in range(len(groups))]
    ambers = [max(amber_s(known[name].limit_mps) for name in group) for group in groups]
    starts, at_s = [], 0.0
    for green, amber in zip(greens, ambers, strict=True):
        starts.append(at_s)
        at_s += green + amber + ALL_RED_S + RED_AMBER_S
    if len(groups) == 1:  # nobody else to wait for but people on foot
        at_s += chance.uniform(1001, WALK_LEAST_S, WALK_MOST_S)
    offset = chance.uniform(1000, 0.0, at_s)
    return {
        name: Programme(at_s, (start + offset) % at_s, green, amber)
        for group, start, green, amber in zip(groups, starts, greens, ambers, strict=True)
        for name in group
    }
