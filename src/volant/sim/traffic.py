"""Traffic on the lane graph as arrays: who is there, how they are born, and the step.

Cars live in a bubble around the own car: one that falls out of it, or drives off the end of the road,
comes back as another car out of sight, at a gap and speed that fit. The arrays belong to one world
and are changed in place by the kernels; a `Traffic` is not shared.
Simplified: nobody uses the oncoming lane to overtake, there are no priority rules (junction_kernels),
and overtaking on the slow side is allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.chance import Chance
from volant.core.messages import EgoTruth, Indicator, LightState
from volant.road import LaneColumn, LaneGraph, TrafficRules, longest_body_m, traffic_rules
from volant.sim.arrays import Actors, Entries, Ground, Lamps, Moment, Roads
from volant.sim.columns import (
    CAST_SLOTS,
    EGO_SLOTS,
    EGO_WISH_SLOTS,
    FOR_GOOD_S,
    SLOTS,
    WALL_SLOTS,
    Actor,
    BodyClass,
    DriverKind,
    Entry,
    EntryIndex,
    EntryKind,
    Index,
    Lamp,
    LaneFloat,
    LaneIndex,
)
from volant.sim.drivers import DriverMix, draw_driver, draw_kind
from volant.sim.lane_kernels import index_entries, look_ahead, look_behind, place_body
from volant.sim.move_kernels import place
from volant.sim.roads import NARROW_M, PRIVATE, lane_arrays
from volant.sim.signals import (
    Post,
    Programme,
    Shows,
    holds_s,
    light_at,
    make_programmes,
    move_programmes,
    red_left_s,
)
from volant.sim.traffic_kernels import step_traffic, write_entries

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

STEP_S: Final = 0.05
"""One traffic step: a pilot tick."""
LEAVE_M: Final = 420.0
"""A car further than this from the own car leaves the world."""
BIRTH_FROM_M: Final = 260.0
"""Cars are born beyond every sensor's sight (250 m)."""
BIRTH_TO_M: Final = 400.0
ENTER_FROM_M: Final = 150.0
"""Where a road of the file begins, cars drive into the world this near, in sight."""
LINE_GAP_M: Final = 1.5
"""A wall stands so far behind a stop line that a car's gap before it ends at the line."""
_LAMPS: Final = {
    LightState.RED: Lamp.RED,
    LightState.RED_AMBER: Lamp.RED_AMBER,
    LightState.GREEN: Lamp.GREEN,
    LightState.AMBER: Lamp.AMBER,
}
LIGHT_STATES: Final = {int(lamp): state for state, lamp in _LAMPS.items()}
STREET_MPS: Final = 17.0
"""Where cars go no faster, streets bend and houses stand: births may be nearer than on open roads."""
STREET_FROM_M: Final = 120.0
STREET_AHEAD_M: Final = 170.0
"""In the own car's way, where it can see along its street."""
STREET_TO_M: Final = 280.0
_PRIVATE_MPS: Final = 4.2
"""Nobody is born where no more than 15 km/h are allowed: car parks."""
_CLEAR_AHEAD_M: Final = 35.0
_CLEAR_BEHIND_M: Final = 30.0
_START_BRAKE_MPS2: Final = 1.5
"""At the start nobody stands or crawls so near ahead that the own car had to brake harder than this."""
_START_ASIDE_M: Final = 2.5
_PLACE_STEP_M: Final = 6.0
_TRIES: Final = 12
_BIRTHS_AT_ONCE: Final = 2
_FALLING_BACK_MPS: Final = 3.0
_BIRTH_SPEED_PART: Final = 0.95


@dataclass(slots=True)
class Traffic:
    """All actors and the scratch that the kernels need; N actors, L lanes, M entries.

    actor_f [N, 42] by Actor, actor_i [N, 17] by Index, keys [N]; entry_f [M, 6], entry_i [M, 2],
    order [M], first [L + 2]; zone_f [k, 3] (from, to, speed), zone_i [k, 1] (lane).
    """

    graph: LaneGraph
    roads: Roads
    ground: Ground
    longest_m: float
    """No car may be longer (road.longest_body_m)."""
    mix: DriverMix
    chance: Chance
    oncoming_share: float
    actor_f: Array
    actor_i: Integers
    keys: NDArray[np.uint64]
    rules: TrafficRules
    programmes: tuple[Programme, ...]
    """Of each light of the rules, in their order."""
    lamps: Lamps
    along: tuple[tuple[int, float, int], ...]
    """Lights along lanes, away from junctions: lane, s of the line, row of the light."""
    entry_f: Array
    entry_i: Integers
    order: Integers
    first: Integers
    zone_f: Array
    zone_i: Integers
    held: Array
    asked: Array
    row_out: Array
    own: Array
    places: Array
    """Where cars may be born: [p, 8] lane, s, x, y, cos and sin of the heading,
    usual speed, and 1 where the road of the file begins."""
    junctions: bool
    beyond: int = 0
    """Entry slots at the end that belong to people and crossings (sim.people)."""
    tick: int = 0
    clock_s: float = 0.0
    lights_hold_to_s: float = 0.0

    @property
    def actors(self) -> Actors:
        """The actors as the kernels take them."""
        return Actors(self.actor_i, self.actor_f, self.keys)

    @property
    def entries(self) -> Entries:
        """The lane entries as the kernels take them."""
        return Entries(self.entry_i, self.entry_f, self.order, self.first)

    @property
    def moment(self) -> Moment:
        """What holds now, as the kernels take it."""
        return Moment(self.zone_f, self.zone_i, self.held, self.asked, self.row_out, self.own)

    @property
    def ego_begin(self) -> int:
        """First entry slot of the own car."""
        return SLOTS * len(self.actor_f)

    @property
    def wall_begin(self) -> int:
        """First entry slot of jam heads."""
        return self.ego_begin + EGO_SLOTS + EGO_WISH_SLOTS

    @property
    def cast_begin(self) -> int:
        """First entry slot of a scene's cast."""
        return self.wall_begin + WALL_SLOTS

    @property
    def along_begin(self) -> int:
        """First entry slot of the lights along lanes."""
        return len(self.entry_f) - len(self.along) - self.beyond


def make_traffic(
    graph: LaneGraph,
    count: int,
    mix: DriverMix,
    chance: Chance,
    oncoming_share: float = 0.25,
    cast: int = 0,
    rules: TrafficRules | None = None,
    shows: tuple[Shows, ...] = (),
) -> Traffic:
    """Traffic with room for `count` cars, none of them born yet, that sees so many of a cast."""
    rules = rules or traffic_rules(graph)
    roads = lane_arrays(graph, rules)
    along = _along_lanes(rules)
    own = EGO_SLOTS + EGO_WISH_SLOTS
    entries = SLOTS * count + own + WALL_SLOTS + CAST_SLOTS * cast + len(along)
    lanes = len(graph.lanes)
    actor_f = np.zeros((count, len(Actor)))
    actor_i = np.zeros((count, len(Index)), dtype=np.int64)
    entry_i = np.zeros((entries, len(EntryIndex)), dtype=np.int64)
    entry_i[:, EntryIndex.LANE] = -1
    return Traffic(
        graph=graph,
        roads=roads,
        ground=_ground(graph),
        longest_m=longest_body_m(graph),
        mix=mix,
        chance=chance,
        oncoming_share=oncoming_share,
        actor_f=actor_f,
        actor_i=actor_i,
        keys=np.zeros(count, dtype=np.uint64),
        rules=rules,
        programmes=_programmes(graph, rules, chance.child("lights"), shows),
        lamps=Lamps(np.zeros(len(rules.lights), dtype=np.int64), np.zeros(len(rules.lights))),
        along=along,
        entry_f=np.zeros((entries, len(Entry))),
        entry_i=entry_i,
        order=np.arange(entries, dtype=np.int64),
        first=np.zeros(lanes + 2, dtype=np.int64),
        zone_f=np.zeros((0, 3)),
        zone_i=np.zeros((0, 1), dtype=np.int64),
        held=np.full(lanes, math.inf),
        asked=np.zeros(count),
        row_out=np.zeros(len(LaneColumn)),
        own=np.full(8, math.inf),
        places=_birth_places(graph, roads),
        junctions=bool(roads.lane_i[:-1, LaneIndex.RESERVED].any()),
    )


def _along_lanes(rules: TrafficRules) -> tuple[tuple[int, float, int], ...]:
    rows = {light.signal: row for row, light in enumerate(rules.lights)}
    return tuple(
        (gate.lane, gate.stop_s_m, rows[gate.light])
        for gate in rules.gates.values()
        if gate.lane == gate.approach and gate.light is not None and gate.light in rows
    )


def _programmes(
    graph: LaneGraph, rules: TrafficRules, chance: Chance, shows: tuple[Shows, ...]
) -> tuple[Programme, ...]:
    posts = []
    for light in rules.lights:
        gates = [rules.gates[lane] for lane in light.gates]
        limits = [
            graph.position(gate.approach, graph.lanes[gate.approach].length_m).limit_mps
            for gate in gates
        ]
        limit = max((limit for limit in limits if limit < math.inf), default=50.0 / 3.6)
        posts.append(Post(light.signal, light.junction, limit))
    found = make_programmes(posts, rules.groups, chance)
    found = move_programmes(found, {post.signal: post.junction for post in posts}, shows)
    return tuple(found[light.signal] for light in rules.lights)


def show_lights(traffic: Traffic) -> None:
    """Set what every light shows at the traffic's own time, and hold cars at lights along lanes."""
    lamps = traffic.lamps
    if traffic.clock_s < traffic.lights_hold_to_s:
        np.maximum(lamps.red_left - STEP_S, 0.0, out=lamps.red_left)
        return
    holds = [holds_s(programme, traffic.clock_s) for programme in traffic.programmes]
    traffic.lights_hold_to_s = traffic.clock_s + min(holds, default=math.inf)
    for row, programme in enumerate(traffic.programmes):
        lamps.shown[row] = _LAMPS[light_at(programme, traffic.clock_s)]
        lamps.red_left[row] = red_left_s(programme, traffic.clock_s)
    for number, (lane, s_m, row) in enumerate(traffic.along):
        slot = traffic.along_begin + number
        closed = lamps.shown[row] != Lamp.GREEN
        traffic.entry_i[slot, EntryIndex.LANE] = lane if closed else -1
        traffic.entry_i[slot, EntryIndex.KIND] = EntryKind.WALL if closed else EntryKind.NONE
        traffic.entry_f[slot, Entry.S] = s_m + LINE_GAP_M
        traffic.entry_f[slot, Entry.SPEED] = traffic.entry_f[slot, Entry.HALF_LENGTH] = 0.0


def grow(traffic: Traffic, slots: int) -> int:
    """Make room for so many more entries at the end; gives the first of them."""
    begin = len(traffic.entry_f)
    traffic.entry_f = np.vstack((traffic.entry_f, np.zeros((slots, len(Entry)))))
    more = np.zeros((slots, len(EntryIndex)), dtype=np.int64)
    more[:, EntryIndex.LANE] = -1
    traffic.entry_i = np.vstack((traffic.entry_i, more))
    traffic.order = np.arange(begin + slots, dtype=np.int64)
    traffic.beyond += slots
    return begin


def _ground(graph: LaneGraph) -> Ground:
    grid = graph.grid
    place = (grid.x_m, grid.y_m, grid.cell_m, grid.columns, grid.lines)
    return Ground(grid.lane_of_row, grid.starts, grid.rows, *place)


def _birth_places(graph: LaneGraph, roads: Roads) -> Array:
    """Rows (lane, s, x, y, cos, sin, speed, begins) every few metres of every lane that a car may be born on."""
    rows = []
    for lane in graph.lanes:
        at = roads.lane_i[lane.index : lane.index + 2]
        shared = at[0, LaneIndex.CONFLICTS] != at[1, LaneIndex.CONFLICTS]
        ending = roads.lane_f[lane.index, LaneFloat.END] < math.inf
        if lane.junction is not None or shared or ending or lane.road_type in PRIVATE:
            continue
        last = -math.inf
        for row, sample in enumerate(lane.samples.tolist()):
            s = sample[LaneColumn.S]
            if s - last < _PLACE_STEP_M or sample[LaneColumn.WIDTH] < NARROW_M:
                continue
            if sample[LaneColumn.LIMIT] < _PRIVATE_MPS:
                continue
            last = s
            heading = sample[LaneColumn.HEADING]
            x, y = sample[LaneColumn.X], sample[LaneColumn.Y]
            usual = float(roads.speeds[int(at[0, LaneIndex.ROWS]) + row])
            begins = float(row == 0 and not lane.predecessors)
            rows.append((lane.index, s, x, y, math.cos(heading), math.sin(heading), usual, begins))
    return np.array(rows, dtype=np.float64).reshape(-1, 8)


def enter_ego(traffic: Traffic, ego: EgoTruth) -> int:
    """Let the other drivers see the own car; gives the lane it is in, or -1."""
    ahead = 0.5 * ego.length_m - ego.rear_overhang_m
    body = np.array(
        (
            ego.x_m + ahead * math.cos(ego.yaw_rad),
            ego.y_m + ahead * math.sin(ego.yaw_rad),
            ego.z_m,
            ego.yaw_rad,
            ego.speed_mps,
            0.5 * ego.length_m,
            0.5 * ego.width_m,
            ego.accel_mps2,
        )
    )
    traffic.own[:] = body
    lane = _enter(traffic, body, traffic.ego_begin)
    _enter_wish(traffic, lane, ego)
    return lane


def _enter_wish(traffic: Traffic, lane: int, ego: EgoTruth) -> None:
    """Who must leave a lane that ends, and indicates, is let in: one car each (StVO section 7(4), recalled)."""
    entries, roads, slot = traffic.entries, traffic.roads, traffic.ego_begin + EGO_SLOTS
    entries.i[slot, EntryIndex.LANE], entries.i[slot, EntryIndex.KIND] = -1, EntryKind.NONE
    if lane < 0 or ego.indicator not in (Indicator.LEFT, Indicator.RIGHT):
        return
    side = LaneIndex.LEFT if ego.indicator is Indicator.LEFT else LaneIndex.RIGHT
    target = int(roads.lane_i[lane, side])
    own = slice(traffic.ego_begin, slot)
    rows = np.flatnonzero(entries.i[own, EntryIndex.LANE] == lane)
    if target < 0 or not len(rows) or not math.isfinite(float(roads.lane_f[lane, LaneFloat.END])):
        return
    s_m = float(entries.f[traffic.ego_begin + int(rows[0]), Entry.S])
    ratio = float(
        roads.lane_f[target, LaneFloat.LENGTH] / max(roads.lane_f[lane, LaneFloat.LENGTH], 0.1)
    )
    entries.i[slot, EntryIndex.LANE], entries.i[slot, EntryIndex.KIND] = target, EntryKind.WISH
    entries.f[slot, Entry.S], entries.f[slot, Entry.SPEED] = s_m * ratio, ego.speed_mps
    entries.f[slot, Entry.HALF_LENGTH] = 0.5 * ego.length_m
    entries.f[slot, Entry.HALF_WIDTH], entries.f[slot, Entry.D] = 0.5 * ego.width_m, 0.0
    entries.f[slot, Entry.ACCEL] = ego.accel_mps2


def enter_cast(traffic: Traffic, actor_f: Array) -> None:
    """Let the other drivers see the actors of a scene, by their rows."""
    for number, row in enumerate(actor_f):
        body = np.array(
            (
                row[Actor.X],
                row[Actor.Y],
                row[Actor.Z],
                row[Actor.YAW],
                row[Actor.SPEED],
                0.5 * row[Actor.LENGTH],
                0.5 * row[Actor.WIDTH],
                row[Actor.ACCEL],
            )
        )
        _enter(traffic, body, traffic.cast_begin + CAST_SLOTS * number)


def _enter(traffic: Traffic, body: Array, begin: int) -> int:
    entries = traffic.entries
    return int(place_body(traffic.roads, traffic.ground, entries, body, begin))


def step(traffic: Traffic, dt_s: float = STEP_S) -> None:
    """Move every living actor on by dt (s), at most 1/15 s."""
    show_lights(traffic)
    step_traffic(
        traffic.roads,
        traffic.entries,
        traffic.actors,
        traffic.moment,
        traffic.lamps,
        traffic.tick,
        traffic.ego_begin,
        dt_s,
        traffic.junctions,
        traffic.graph.left_hand,
    )
    traffic.tick += 1
    traffic.clock_s += dt_s


def actor_id(traffic: Traffic, slot: int) -> int:
    """The public id of the car in a slot; a reborn car has another one."""
    count = len(traffic.actor_i)
    return int(traffic.actor_i[slot, Index.LIFE] - 1) * count + slot + 1


@dataclass(frozen=True, slots=True)
class Centre:
    """Where the bubble's middle is and how it moves: the own car."""

    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float


def populate(traffic: Traffic, centre: Centre) -> None:
    """Fill the road around a place, leaving room for the own car there; those alive stay."""
    reindex(traffic)
    fitting = _fitting_places(traffic, centre, 0.0)
    for slot in np.flatnonzero(traffic.actor_i[:, Index.ALIVE] == 0).tolist():
        if _bear(traffic, slot, fitting) and _surprises(traffic.actor_f[slot], centre):
            traffic.actor_i[slot, Index.ALIVE] = 0


def _surprises(row: Array, centre: Centre) -> bool:
    """Whether a car just born stands in the way of the own one, which is rolling already."""
    dx_m, dy_m = float(row[Actor.X]) - centre.x_m, float(row[Actor.Y]) - centre.y_m
    cos, sin = math.cos(centre.yaw_rad), math.sin(centre.yaw_rad)
    gap_m, aside_m = cos * dx_m + sin * dy_m, cos * dy_m - sin * dx_m
    along_mps = float(row[Actor.SPEED]) * math.cos(float(row[Actor.YAW]) - centre.yaw_rad)
    rush_mps = centre.speed_mps - along_mps
    if gap_m < 0.0 or rush_mps <= 0.0 or along_mps < 0.0:
        return False
    room_m = max(gap_m - _CLEAR_AHEAD_M / 2.0, 0.1)
    near = abs(aside_m) < _START_ASIDE_M + 0.02 * gap_m
    return near and rush_mps * rush_mps > 2.0 * _START_BRAKE_MPS2 * room_m


def recycle(traffic: Traffic, centre: Centre) -> None:
    """Let cars far behind or ahead leave, and others come, out of sight of the own car."""
    x_m, y_m = centre.x_m, centre.y_m
    actor_f, actor_i = traffic.actor_f, traffic.actor_i
    dx, dy = actor_f[:, Actor.X] - x_m, actor_f[:, Actor.Y] - y_m
    gone = dx * dx + dy * dy > LEAVE_M * LEAVE_M
    actor_i[gone, Index.ALIVE] = 0
    waiting = np.flatnonzero(actor_i[:, Index.ALIVE] == 0)
    if len(waiting) == 0:
        return
    reindex(traffic)
    fitting = _fitting_places(traffic, centre, BIRTH_FROM_M)
    for slot in waiting[:_BIRTHS_AT_ONCE].tolist():
        _bear(traffic, slot, fitting)


def reindex(traffic: Traffic) -> None:
    """Sort the entries anew after cars were placed by hand."""
    write_entries(traffic.actors, traffic.entries, traffic.roads)
    index_entries(traffic.entries, len(traffic.roads.lane_f))


@dataclass(frozen=True, slots=True)
class _Fitting:
    """Rows of `places` at a right distance from the own car."""

    all: Integers
    along: Integers
    """Those in the own direction,"""
    oncoming: Integers
    """and those against it."""


@dataclass(frozen=True, slots=True)
class _Newcomer:
    """Who comes to life next in a slot: the same wherever it is tried to put him."""

    chance: Chance
    kind: DriverKind
    body: BodyClass
    row: Array


def _bear(traffic: Traffic, slot: int, fitting: _Fitting) -> bool:
    """Try to bring a new car to life in a slot; False where no place with room was found.

    The stream is that of the slot's next life at this tick, so other slots' draws stay as they are.
    """
    chance = traffic.chance.child(slot, int(traffic.actor_i[slot, Index.LIFE]))
    oncoming = chance.uniform(200) < traffic.oncoming_share
    places = fitting.oncoming if oncoming else fitting.along
    if len(places) == 0:
        places = fitting.all
    if len(places) == 0:
        return False
    tries = chance.child("place", traffic.tick)
    comers: dict[bool, _Newcomer] = {}
    for attempt in range(_TRIES):
        at = places[tries.integer(attempt, 0, len(places))]
        lane, s = int(traffic.places[at, 0]), float(traffic.places[at, 1])
        rapid = bool(traffic.roads.lane_i[lane, LaneIndex.RAPID])
        if rapid not in comers:
            comers[rapid] = _draw(traffic, chance, rapid=rapid)
        if _settle(traffic, slot, comers[rapid], lane, s):
            return True
    return False


def _draw(traffic: Traffic, chance: Chance, *, rapid: bool) -> _Newcomer:
    """Who comes; on a rapid road nobody cycles."""
    row = np.zeros(len(Actor))
    kind = draw_kind(traffic.mix, chance.child("kind"))
    if kind is DriverKind.CYCLIST and rapid:
        kind = DriverKind.NORMAL
    body = draw_driver(kind, chance.child("driver"), row)
    row[Actor.LENGTH] = min(row[Actor.LENGTH], traffic.longest_m)
    return _Newcomer(chance, kind, body, row)


def _fitting_places(traffic: Traffic, centre: Centre, least_m: float) -> _Fitting:
    """Where somebody may come to life at least so far away.

    Out of sight only places count from which a car comes nearer, or falls back slowly.
    """
    places = traffic.places
    cos, sin = math.cos(centre.yaw_rad), math.sin(centre.yaw_rad)
    dx, dy = places[:, 2] - centre.x_m, places[:, 3] - centre.y_m
    square = dx * dx + dy * dy
    same = places[:, 4] * cos + places[:, 5] * sin > 0.0
    fits = (square > least_m * least_m) & (square < BIRTH_TO_M * BIRTH_TO_M)
    if least_m == 0.0:
        along = dx * cos + dy * sin
        fits &= ~((along > -_CLEAR_BEHIND_M) & (along < _CLEAR_AHEAD_M) & (square < 50.0**2))
    else:
        slow = places[:, 6] < STREET_MPS
        along = dx * cos + dy * sin
        ahead = (along > 0.0) & (along * along > 0.6 * square)
        near = np.where(ahead, STREET_AHEAD_M, STREET_FROM_M)
        streets = slow & (square > near * near) & (square < STREET_TO_M * STREET_TO_M)
        apart = (places[:, 6] * places[:, 4] - centre.speed_mps * cos) * dx
        apart += (places[:, 6] * places[:, 5] - centre.speed_mps * sin) * dy
        fits &= apart < _FALLING_BACK_MPS * np.sqrt(square)
        enters = (places[:, 7] > 0.0) & (square > ENTER_FROM_M * ENTER_FROM_M)
        fits |= enters & (square < BIRTH_TO_M * BIRTH_TO_M)
        fits = (fits & ~slow) | streets
    return _Fitting(np.flatnonzero(fits), np.flatnonzero(fits & same), np.flatnonzero(fits & ~same))


def _settle(traffic: Traffic, slot: int, comer: _Newcomer, lane: int, s: float) -> bool:
    """Put a new car at (lane, s) if the gaps there fit; False and nothing changed otherwise."""
    chance, kind, row, roads = comer.chance, comer.kind, comer.row, traffic.roads
    begin = int(roads.lane_i[lane, LaneIndex.ROWS])
    end = int(roads.lane_i[lane + 1, LaneIndex.ROWS])
    at = begin + int(np.searchsorted(roads.table[begin:end, LaneColumn.S], s, side="right")) - 1
    if roads.table[at, LaneColumn.WIDTH] < row[Actor.WIDTH] + 0.6:
        return False
    speed = min(float(row[Actor.TOP_SPEED]), float(row[Actor.FACTOR] * roads.speeds[at]))
    speed = _room(traffic, lane, s, row, speed * _BIRTH_SPEED_PART)
    if speed < 0.0:
        return False
    life = int(traffic.actor_i[slot, Index.LIFE]) + 1
    row[Actor.S], row[Actor.SPEED], row[Actor.WANTED] = s, speed, speed
    row[Actor.COOLDOWN] = chance.uniform(201, 1.0, 5.0)
    row[Actor.ATTENTION] = chance.uniform(202, 2.0, 10.0)
    row[Actor.GAP] = math.inf
    if kind is DriverKind.CYCLIST:
        row[Actor.SHIFT] = 1.0 if traffic.graph.left_hand else -1.0
        row[Actor.COOLDOWN] = FOR_GOOD_S
    elif kind is DriverKind.BROKEN:
        row[Actor.ATTENTION] = chance.uniform(203, 15.0, 60.0)
    traffic.actor_f[slot] = row
    index = traffic.actor_i[slot]
    index[:] = 0
    index[Index.LANE], index[Index.OLD_LANE], index[Index.ROW] = lane, -1, at - begin
    index[Index.KIND], index[Index.CLASS], index[Index.LIFE] = kind, comer.body, life
    index[Index.ALIVE], index[Index.LEADER] = 1, -1
    index[Index.GRANT] = index[Index.NEXT] = index[Index.REQUEST] = -1
    traffic.keys[slot] = chance.child("drive").key
    place(roads, traffic.actor_f[slot], index, traffic.moment, 0.0, 0.0)
    for before, now in ((Actor.BEFORE_X, Actor.X), (Actor.BEFORE_Y, Actor.Y)):
        traffic.actor_f[slot, before] = traffic.actor_f[slot, now]
    traffic.actor_f[slot, Actor.BEFORE_YAW] = traffic.actor_f[slot, Actor.YAW]
    reindex(traffic)
    return True


def _room(traffic: Traffic, lane: int, s: float, row: Array, speed: float) -> float:
    """A speed at which a new car fits in at (lane, s), or -1 where it does not."""
    roads, half = traffic.roads, 0.5 * float(row[Actor.LENGTH])
    entries, side = traffic.entries, 0.5 * float(row[Actor.WIDTH])
    gap, lead_speed, _slot, soft, _speed, _allowed = look_ahead(
        *(roads, entries, np.uint64(0), 0, -1, -1, -1, lane, s, half, 0.0, side, speed, 200.0),
        *(True, -1),
    )
    behind, follow_speed, _follower = look_behind(roads, entries, -1, lane, s, half, 150.0)
    if soft < 20.0:
        return -1.0
    if gap < math.inf:
        speed = min(speed, max(lead_speed, 0.0) + 1.0)
        if gap < 4.0 + 0.8 * float(row[Actor.TIME_GAP]) * speed:
            return -1.0
    if behind < math.inf:
        closing = max(0.0, follow_speed - speed)
        if behind < 5.0 + 1.2 * follow_speed + 0.5 * closing * closing / 1.5:
            return -1.0
    return speed


def enter_walls(traffic: Traffic, walls: list[tuple[int, float, float]]) -> None:
    """Stand jam heads on the road: rows of (lane, s, speed)."""
    begin, end = traffic.wall_begin, traffic.cast_begin
    traffic.entry_i[begin:end, EntryIndex.LANE] = -1
    traffic.entry_i[begin:end, EntryIndex.KIND] = EntryKind.NONE
    for slot, (lane, s, speed) in enumerate(walls[:WALL_SLOTS], begin):
        traffic.entry_i[slot, EntryIndex.LANE] = lane
        traffic.entry_i[slot, EntryIndex.KIND] = EntryKind.WALL
        traffic.entry_f[slot, Entry.S] = s
        traffic.entry_f[slot, Entry.SPEED] = speed
        traffic.entry_f[slot, Entry.HALF_LENGTH] = 0.0
