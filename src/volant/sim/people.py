"""People on foot: where they walk and cross, and who is about near the own car.

A site is a way of three straight pieces: along the road, across it (or not), along it again. Crossings
come from the rules of the road; between them, every so often, people cross where nothing helps them, or
walk beside the road. A person goes to and fro on one site until the own car is far away.
Simplified: pavements are taken to begin a metre beyond the outermost lane that cars use, people walk
through each other, and where a road is no street (faster than 50 km/h) nobody walks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.road import LaneGraph
from volant.road.rules import Crossing
from volant.sim.arrays import Ground, People, Roads, Sites
from volant.sim.columns import (
    PEOPLE_SLOTS,
    Actor,
    BodyClass,
    Index,
    Site,
    SiteIndex,
    SiteKind,
    SiteLane,
    Walk,
    WalkIndex,
)
from volant.sim.people_kernels import (
    clear_of_lanes,
    set_walls,
    stand_person,
    step_people,
    way_lengths,
)
from volant.sim.traffic import Traffic, grow

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

STREET_MPS: Final = 14.5
"""People walk beside and across roads up to this limit (50 km/h and a little)."""
EVERY_M: Final = 45.0
"""A site for those who cross anywhere, or walk beside the road, so often."""
ALONG_M: Final = 14.0
KERB_M: Final = 1.0
PAVEMENT_M: Final = 3.2
"""People walk this far beside the road: behind a strip of parked cars."""
ROOM_M: Final = 0.4
"""People's middles stay this far outside of every lane while they walk beside it."""
FROM_M: Final = 45.0
TO_M: Final = 200.0
LEAVE_M: Final = 260.0
AT_ONE_SITE: Final = 3
CROSSING_SHARE: Final = 0.55
CARELESS_SHARE: Final = 0.25
WIDEST_M: Final = 9.0
"""Nobody crosses a wider road without a crossing (two lanes and parked cars)."""
_BIRTHS_AT_ONCE: Final = 2
_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class _Way:
    kind: SiteKind
    light: int
    points: tuple[tuple[float, float], ...]
    z_m: float
    lanes: tuple[tuple[int, float, float, float, float], ...] = ()
    """(lane, from, to, begin, end) by SiteLane."""


def make_sites(
    graph: LaneGraph,
    roads: Roads,
    ground: Ground,
    crossings: Iterable[Crossing],
    lights: Mapping[str, int],
    bodies: Array,
) -> Sites:
    """Where people walk in a network; lights: rows by name; bodies [b, 5]: parked cars in the way.

    A row of bodies is x, y, heading, length, width.
    """
    ways = [
        way
        for crossing in crossings
        if (way := _crossing_way(graph, roads, ground, crossing, lights)) is not None
    ]
    for lane in graph.lanes:
        if lane.junction is None and _outermost(graph, lane.index) and not graph.left_hand:
            ways.extend(_ways_beside(graph, roads, ground, lane.index))
    ways = [way for way in ways if not _blocked(way, bodies)]
    index = np.zeros((len(ways) + 1, len(SiteIndex)), dtype=np.int64)
    numbers = np.zeros((len(ways), len(Site)))
    for row, way in enumerate(ways):
        index[row, SiteIndex.KIND], index[row, SiteIndex.LIGHT] = way.kind, way.light
        index[row + 1, SiteIndex.LANES] = index[row, SiteIndex.LANES] + len(way.lanes)
        numbers[row] = [value for point in way.points for value in point] + [way.z_m]
    walls = 0
    for row, way in enumerate(ways):
        index[row, SiteIndex.WALL] = -1
        if way.kind in (SiteKind.ZEBRA, SiteKind.LIGHT):
            index[row, SiteIndex.WALL] = walls
            walls += len(way.lanes)
    index[-1, SiteIndex.WALL] = walls
    lanes = [stretch for way in ways for stretch in way.lanes]
    return Sites(
        index,
        numbers,
        np.array([stretch[0] for stretch in lanes], dtype=np.int64),
        np.array([stretch[1:] for stretch in lanes], dtype=np.float64).reshape(-1, len(SiteLane)),
    )


def no_sites() -> Sites:
    """Nowhere to walk."""
    return Sites(
        np.zeros((1, len(SiteIndex)), dtype=np.int64),
        np.zeros((0, len(Site))),
        np.zeros(0, dtype=np.int64),
        np.zeros((0, len(SiteLane))),
    )


def wall_count(sites: Sites) -> int:
    """How many entry slots the walls at crossings need."""
    return int(sites.i[-1, SiteIndex.WALL])


def _crossing_way(
    graph: LaneGraph,
    roads: Roads,
    ground: Ground,
    crossing: Crossing,
    lights: Mapping[str, int],
) -> _Way | None:
    """The way over a crossing: from kerb to kerb through its middle, square to the road."""
    if not crossing.lanes or len(crossing.corners) < 3:
        return None
    lane, span = crossing.lanes[0]
    at = graph.position(lane, 0.5 * (span[0] + span[1]))
    x_m = math.fsum(x for x, _ in crossing.corners) / len(crossing.corners)
    y_m = math.fsum(y for _, y in crossing.corners) / len(crossing.corners)
    across = (-math.sin(at.heading_rad), math.cos(at.heading_rad))
    reach = [(x - x_m) * across[0] + (y - y_m) * across[1] for x, y in crossing.corners]
    low, high = min(reach) - KERB_M, max(reach) + KERB_M
    near = (x_m + low * across[0], y_m + low * across[1])
    far = (x_m + high * across[0], y_m + high * across[1])
    along = (math.cos(at.heading_rad), math.sin(at.heading_rad))
    points = (
        _clear_end(roads, ground, near, along, at.z_m),
        near,
        far,
        _clear_end(roads, ground, far, along, at.z_m),
    )
    stretches = tuple(
        _stretch(graph, lane, span[0], span[1], near, far) for lane, span in crossing.lanes
    )
    light = -1 if crossing.light is None else lights.get(crossing.light, -1)
    kind = SiteKind.LIGHT if light >= 0 else SiteKind.ZEBRA
    return _Way(kind, light, points, at.z_m, stretches)


def _clear_end(
    roads: Roads,
    ground: Ground,
    start: tuple[float, float],
    along: tuple[float, float],
    z_m: float,
) -> tuple[float, float]:
    """The end of the longest straight beside the road, of either sense, that stays off every lane."""
    best, longest = start, 0.0
    for sense in (1.0, -1.0):
        run = 0.0
        while run < ALONG_M:
            x_m = start[0] + sense * (run + 1.0) * along[0]
            y_m = start[1] + sense * (run + 1.0) * along[1]
            if not clear_of_lanes(roads, ground, x_m, y_m, z_m, ROOM_M):
                break
            run += 1.0
        if run > longest:
            longest = run
            best = (start[0] + sense * run * along[0], start[1] + sense * run * along[1])
    return best


def _stretch(
    graph: LaneGraph,
    lane: int,
    s_from: float,
    s_to: float,
    near: tuple[float, float],
    far: tuple[float, float],
) -> tuple[int, float, float, float, float]:
    """A lane's stretch and where along the way from near to far its width lies."""
    at = graph.position(lane, 0.5 * (s_from + s_to))
    run = math.hypot(far[0] - near[0], far[1] - near[1])
    ux, uy = (far[0] - near[0]) / run, (far[1] - near[1]) / run
    middle = (at.x_m - near[0]) * ux + (at.y_m - near[1]) * uy
    half = 0.5 * at.width_m
    return lane, s_from, s_to, middle - half, middle + half


def _outermost(graph: LaneGraph, lane: int) -> bool:
    found = graph.lanes[lane]
    return found.right is None and found.opposite != found.right


def _ways_beside(graph: LaneGraph, roads: Roads, ground: Ground, lane: int) -> list[_Way]:
    """Ways beside a lane and across its road, every so often, by turns."""
    found = []
    length_m = graph.lanes[lane].length_m
    count = int((length_m - 2.0 * ALONG_M - 8.0) // EVERY_M) + 1
    for number in range(max(count, 0)):
        s_m = ALONG_M + 4.0 + EVERY_M * number
        if s_m + ALONG_M + 4.0 > length_m:
            break
        if graph.position(lane, s_m).limit_mps > STREET_MPS:
            continue
        way = _way_across(graph, roads, ground, lane, s_m) if number % 2 == 0 else None
        way = way or _way_along(graph, roads, ground, lane, s_m)
        if way is not None:
            found.append(way)
    return found


def _way_along(
    graph: LaneGraph, roads: Roads, ground: Ground, lane: int, s_m: float
) -> _Way | None:
    points = []
    for part in (-1.0, -0.33, 0.33, 1.0):
        at = graph.position(lane, s_m + part * ALONG_M)
        right = -(0.5 * at.width_m + PAVEMENT_M)
        points.append(_beside(at.x_m, at.y_m, at.heading_rad, right))
    at = graph.position(lane, s_m)
    clear = all(
        clear_of_lanes(roads, ground, x, y, at.z_m, ROOM_M) for x, y in _between(tuple(points))
    )
    return _Way(SiteKind.WALK, -1, tuple(points), at.z_m) if clear else None


def _way_across(
    graph: LaneGraph, roads: Roads, ground: Ground, lane: int, s_m: float
) -> _Way | None:
    at = graph.position(lane, s_m)
    low = -(0.5 * at.width_m + KERB_M)
    high, lanes = 0.5 * at.width_m, [lane]
    beside = graph.lanes[lane].left
    if beside is None:
        beside = graph.lanes[lane].opposite
    while beside is not None and beside not in lanes:
        lanes.append(beside)
        here = graph.project(beside, at.x_m, at.y_m)
        high += here.width_m
        same = graph.lanes[beside].along == graph.lanes[lane].along
        following = graph.lanes[beside].left if same else graph.lanes[beside].right
        if same and following is None:
            following = graph.lanes[beside].opposite
        beside = following
    high += KERB_M
    if high - low > WIDEST_M + 2.0 * KERB_M:
        return None
    near = _beside(at.x_m, at.y_m, at.heading_rad, low)
    far = _beside(at.x_m, at.y_m, at.heading_rad, high)
    stretches = []
    for crossed in lanes:
        here = graph.project(crossed, at.x_m, at.y_m)
        s_at = here.s_m
        if not 2.0 < s_at < graph.lanes[crossed].length_m - 2.0:
            return None
        stretches.append(_stretch(graph, crossed, s_at - 0.6, s_at + 0.6, near, far))
    # Straight on from the pavement, so between two parked cars where some stand.
    start = _beside(at.x_m, at.y_m, at.heading_rad, low - PAVEMENT_M)
    end = _beside(at.x_m, at.y_m, at.heading_rad, high + PAVEMENT_M)
    for ends in ((start, near), (far, end)):
        if not all(clear_of_lanes(roads, ground, x, y, at.z_m, ROOM_M) for x, y in _between(ends)):
            return None
    return _Way(SiteKind.FREE, -1, (start, near, far, end), at.z_m, tuple(stretches))


def _beside(x_m: float, y_m: float, heading: float, left_m: float) -> tuple[float, float]:
    return x_m - left_m * math.sin(heading), y_m + left_m * math.cos(heading)


def _between(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Points every metre or so along a way."""
    found = []
    for (ax, ay), (bx, by) in pairwise(points):
        count = max(int(math.hypot(bx - ax, by - ay)), 1)
        found += [
            (ax + k / count * (bx - ax), ay + k / count * (by - ay)) for k in range(count + 1)
        ]
    return found


def _blocked(way: _Way, bodies: Array) -> bool:
    """Whether a parked car stands in a way, with room for a body."""
    if len(bodies) == 0:
        return False
    reach = _apart(bodies[:, 0] - way.points[1][0], bodies[:, 1] - way.points[1][1])
    for x, y, heading, long, wide in bodies[reach < 40.0].tolist():
        cos, sin = math.cos(heading), math.sin(heading)
        for px, py in _between(way.points):
            along, aside = (
                (px - x) * cos + (py - y) * sin,
                (py - y) * cos - (px - x) * sin,
            )
            if abs(along) < 0.5 * long + 0.35 and abs(aside) < 0.5 * wide + 0.35:
                return True
    return False


@dataclass(slots=True)
class Crowd:
    """The people of one world: their sites, rows and chance."""

    sites: Sites
    people: People
    chance: Chance
    lives: Integers
    wall_begin: int = 0
    """First of their entry slots among those of traffic: walls, then bodies."""

    @property
    def slots(self) -> int:
        """How many entry slots walls and people need."""
        return wall_count(self.sites) + PEOPLE_SLOTS * len(self.people.f)


def join(crowd: Crowd, traffic: Traffic) -> None:
    """Give the crowd its place among the lane entries, so that drivers see it."""
    crowd.wall_begin = grow(traffic, crowd.slots)
    walls = crowd.sites.i[:-1, SiteIndex.WALL]
    walls[walls >= 0] += crowd.wall_begin


def step_crowd(crowd: Crowd, traffic: Traffic, dt_s: float) -> None:
    """Move everybody on foot on by dt, on the picture of the last traffic step."""
    if len(crowd.people.f) == 0:
        return
    entries = traffic.entries
    begin = crowd.wall_begin + wall_count(crowd.sites)
    step_people(
        traffic.roads,
        traffic.ground,
        entries,
        crowd.sites,
        traffic.lamps,
        crowd.people,
        begin,
        dt_s,
    )
    set_walls(crowd.sites, entries, crowd.people)


def make_crowd(sites: Sites, body_f: Array, body_i: Integers, chance: Chance) -> Crowd:
    """A crowd with as many people as there are rows of bodies, none of them about yet."""
    count = len(body_f)
    people = People(
        np.zeros((count, len(WalkIndex)), dtype=np.int64),
        np.zeros((count, len(Walk))),
        np.zeros(count, dtype=np.uint64),
        body_i,
        body_f,
    )
    return Crowd(sites, people, chance, np.zeros(count, dtype=np.int64))


def gather(crowd: Crowd, x_m: float, y_m: float, tick: int, least_m: float = FROM_M) -> None:
    """Let people far from the own car leave, and others appear near it but not beside it."""
    people, sites = crowd.people, crowd.sites
    if len(people.f) == 0 or len(sites.f) == 0:
        return
    away = _apart(people.body_f[:, Actor.X] - x_m, people.body_f[:, Actor.Y] - y_m)
    people.body_i[away > LEAVE_M, Index.ALIVE] = 0
    waiting = np.flatnonzero(people.body_i[:, Index.ALIVE] == 0).tolist()
    if not waiting:
        return
    near = _apart(sites.f[:, Site.START_X] - x_m, sites.f[:, Site.START_Y] - y_m)
    far = _apart(sites.f[:, Site.END_X] - x_m, sites.f[:, Site.END_Y] - y_m)
    fits = np.flatnonzero((np.minimum(near, far) > least_m) & (near < TO_M))
    if len(fits) == 0:
        return
    kinds = sites.i[fits, SiteIndex.KIND]
    crossing = fits[(kinds == SiteKind.ZEBRA) | (kinds == SiteKind.LIGHT)]
    other = fits[(kinds == SiteKind.FREE) | (kinds == SiteKind.WALK)]
    for person in waiting if tick == 0 else waiting[:_BIRTHS_AT_ONCE]:
        chance = crowd.chance.child(person, int(crowd.lives[person]), tick)
        wants = chance.uniform(0) < CROSSING_SHARE
        choice = crossing if (wants and len(crossing)) or not len(other) else other
        for attempt in range(_TRIES):
            site = int(choice[chance.integer(10 + attempt, 0, len(choice))])
            alive = people.body_i[:, Index.ALIVE] == 1
            if int((people.i[alive, WalkIndex.SITE] == site).sum()) < AT_ONE_SITE:
                _appear(crowd, person, site, chance)
                break


def _apart(dx: Array, dy: Array) -> Array:
    return np.asarray(np.sqrt(dx * dx + dy * dy))


def _appear(crowd: Crowd, person: int, site: int, chance: Chance) -> None:
    """Bring a person to life at one end of a site's way."""
    people = crowd.people
    crowd.lives[person] += 1
    body, index = people.body_f[person], people.body_i[person]
    body[:], index[:] = 0.0, 0
    body[Actor.LENGTH] = chance.uniform(1, 0.35, 0.55)
    body[Actor.WIDTH] = chance.uniform(2, 0.45, 0.6)
    body[Actor.HEIGHT] = chance.uniform(3, 1.5, 1.9)
    body[Actor.GAP] = math.inf
    index[Index.LANE] = index[Index.OLD_LANE] = index[Index.LEADER] = -1
    index[Index.CLASS], index[Index.ALIVE] = BodyClass.PEDESTRIAN, 1
    index[Index.LIFE] = int(crowd.lives[person])
    people.keys[person] = chance.child("walk").key
    sign = 1 if chance.uniform(4) < 0.5 else -1
    people.i[person] = 0
    people.i[person, WalkIndex.SITE], people.i[person, WalkIndex.SIGN] = site, sign
    people.i[person, WalkIndex.CARELESS] = int(chance.uniform(5) < CARELESS_SHARE)
    # Walking speed 1.34 m/s, sigma 0.26 (Weidmann 1993), old people and children included.
    pace = min(max(chance.normal(6, 1.34, 0.26), 0.7), 2.0)
    whole = math.fsum(way_lengths(crowd.sites.f[site]))
    people.f[person, Walk.AT] = 0.0 if sign > 0 else whole
    people.f[person, Walk.PACE] = people.f[person, Walk.SPEED] = pace
    people.f[person, Walk.WAIT] = people.f[person, Walk.HELD] = 0.0
    body[Actor.SPEED] = pace
    stand_person(crowd.sites, people, person, 0.0)
