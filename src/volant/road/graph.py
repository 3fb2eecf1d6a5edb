"""Build the lane graph of a network: sample each drivable lane, link it, name what does not fit."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.core.errors import InputError
from volant.core.geometry import wrap_angle_rad
from volant.road.curve_kernels import evaluate_cubics, evaluate_reference, offset_curve, zeros
from volant.road.grid_kernels import make_grid
from volant.road.lanes import (
    COLUMNS,
    DRIVABLE_KINDS,
    Lane,
    LaneColumn,
    LaneGraph,
    LaneId,
    PlacedSignal,
    Span,
)
from volant.road.limits import SpeedLimit, limits_along, sign_limit_mps
from volant.road.marks import crossing_spans
from volant.road.model import Finding, LaneRecord, Road, RoadNetwork
from volant.road.opendrive import load_road
from volant.road.sampling import SectionSamples, piece_rows, sample_sections
from volant.road.topology import END, START, Joint, find_joints

Array = NDArray[np.float64]

# Joints must close within the 1 cm and 0.1 degree, else a finding names them.
JOINT_GAP_M: Final = 0.01
JOINT_TURN_RAD: Final = math.radians(0.1)
# A kerb is 0.1 m high: a step as high as that is no road.
JOINT_STEP_M: Final = 0.1
# Ends further apart than this are no joint at all, whatever the file links.
JOINT_APART_M: Final = 5.0
# A lane narrower than this at its end cannot be driven to its end (the narrowest cars are 1.5 m).
ENDING_WIDTH_M: Final = 1.5
# A lane that is nowhere as wide as this exists in its file only.
NO_WIDTH_M: Final = 0.01


def load_graph(path: str | Path) -> LaneGraph:
    """Read an OpenDRIVE file and build its lane graph.

    Raises:
        InputError: the file is malformed, or holds no drivable lane.
    """
    return build_graph(load_road(path))


@dataclass(slots=True)
class _Draft:
    """A lane before its links are known."""

    id: LaneId
    road: Road
    record: LaneRecord
    along: bool
    samples: Array
    limits: tuple[SpeedLimit, ...]
    onward: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)


def build_graph(network: RoadNetwork) -> LaneGraph:
    """Sample, link and index every drivable lane.

    Raises:
        InputError: the network holds no drivable lane.
    """
    drafts: list[_Draft] = []
    places: dict[LaneId, int] = {}
    findings = list(network.findings)
    for road in network.roads:
        for samples in sample_sections(road):
            for record in samples.section.lanes:
                if record.id == 0 or record.kind not in DRIVABLE_KINDS:
                    continue
                draft = _draft(samples, record)
                if not np.isfinite(draft.samples[:, : LaneColumn.LIMIT]).all():
                    where = f"road {road.id}, lane {samples.index}:{record.id}"
                    raise InputError(
                        "its polynomials leave all bounds", file=network.file, where=where
                    )
                if float(draft.samples[:, LaneColumn.WIDTH].max()) < NO_WIDTH_M:
                    words = "it is nowhere wider than 0 m: not taken as a lane to drive on"
                    findings.append(_finding(draft, "no-room", words))
                    continue
                places[draft.id] = len(drafts)
                drafts.append(draft)
        findings.extend(_kinks(road))
    if not drafts:
        raise InputError("it holds no drivable lane", file=network.file)
    joints, blocked = find_joints(network, places)
    findings.extend(_link(drafts, places, joints))
    for joint in blocked:
        words = f"linked at its {joint.one_side} to {joint.other}, which is no lane to drive on"
        findings.append(_finding(drafts[places[joint.one]], "link-not-drivable", words))
    lanes = tuple(
        _finish(index, draft, drafts, places, findings) for index, draft in enumerate(drafts)
    )
    table = np.ascontiguousarray(np.concatenate([lane.samples for lane in lanes]))
    lengths = [len(lane.samples) for lane in lanes]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    lane_of_row = np.repeat(np.arange(len(lanes), dtype=np.int64), lengths)
    left = sum(road.length_m for road in network.roads if road.left_hand)
    return LaneGraph(
        network=network,
        lanes=tuple(
            replace(lane, samples=table[starts[lane.index] : starts[lane.index + 1]])
            for lane in lanes
        ),
        table=table,
        starts=starts,
        findings=tuple(findings),
        signals=tuple(_placed_signals(network)),
        left_hand=left > 0.5 * sum(road.length_m for road in network.roads),
        ids=places,
        grid=make_grid(table, lane_of_row),
    )


def travels_along(road: Road, record: LaneRecord) -> bool:
    """Whether a lane's traffic follows rising s: right lanes do in right-hand traffic."""
    along = (record.id < 0) != road.left_hand
    return not along if record.direction == "reversed" else along


def _draft(section: SectionSamples, record: LaneRecord) -> _Draft:
    road = section.road
    along = travels_along(road, record)
    limits = limits_along(road, section.section, record, along)
    middle, width = section.middle(record.id)
    samples = sample_line(section, middle, width, along=along)
    road_s = samples[:, LaneColumn.ROAD_S]
    samples[:, LaneColumn.LIMIT], profile = _limit_column(samples, road_s, limits, along)
    lane_id = LaneId(road.id, section.index, record.id)
    return _Draft(lane_id, road, record, along, samples, profile)


def sample_line(section: SectionSamples, t: Array, width: Array, *, along: bool) -> Array:
    """Rows [n, 10] of a line at offset t [3n+1, 3]: its own arc length, heading, curvature, height."""
    plane, ground = section.on_ground(t)
    curve = zeros(len(t), 5)
    offset_curve(section.reference, plane, curve)
    speed = np.maximum(curve[:, 4], 1e-3)
    pieces = np.diff(section.stations[::3]) / 6.0
    runs = pieces * (speed[:-1:3] + 4.0 * speed[1::3] + speed[2::3])  # Simpson
    rows = zeros(len(runs) + 1, COLUMNS)
    # Where a record begins, a row tells what lies ahead in the direction of travel; at the lane's
    # end, what was there before.
    sides = np.arange(0, len(t), 3)
    sides[-1 if along else slice(1, None)] -= 1
    rows[1:, LaneColumn.S] = np.cumsum(runs)
    rows[:, LaneColumn.X : LaneColumn.Z] = curve[::3, :2]
    rows[:, LaneColumn.Z] = ground[::3, 0]
    rows[:, LaneColumn.HEADING] = _unwrapped(curve[sides, 2])
    rows[:, LaneColumn.CURVATURE] = curve[sides, 3]
    rows[:, LaneColumn.WIDTH] = width[::3]
    rows[:, LaneColumn.GRADE] = ground[sides, 1] / speed[sides]
    rows[:, LaneColumn.ROAD_S] = section.stations[::3]
    if along:
        return rows
    rows = rows[::-1].copy()
    rows[:, LaneColumn.S] = rows[0, LaneColumn.S] - rows[:, LaneColumn.S]
    rows[:, LaneColumn.HEADING] += math.pi
    rows[:, LaneColumn.CURVATURE] *= -1.0
    rows[:, LaneColumn.GRADE] *= -1.0
    return rows


def _unwrapped(headings: Array) -> Array:
    turns = np.diff(headings)
    turns -= 2.0 * math.pi * np.round(turns / (2.0 * math.pi))
    return np.concatenate([headings[:1], headings[0] + np.cumsum(turns)])


def _limit_column(
    samples: Array, road_s: Array, limits: tuple[SpeedLimit, ...], along: bool
) -> tuple[Array, tuple[SpeedLimit, ...]]:
    """The limit from each row to the next, and the profile by the lane's own s."""
    onward = 0.5 * (road_s[1:] + road_s[:-1])
    places = np.append(onward, road_s[-1] - (1e-6 if along else -1e-6))
    cuts = np.array([limit.s_m for limit in limits])
    held = np.maximum(np.searchsorted(cuts, places, side="right") - 1, 0)
    column = np.array([limit.limit_mps for limit in limits])[held]
    begins = [0, *(np.flatnonzero(np.diff(held)) + 1).tolist()]
    profile = tuple(
        replace(limits[held[row]], s_m=float(samples[row, LaneColumn.S])) for row in begins
    )
    return column, profile


def _link(drafts: list[_Draft], places: dict[LaneId, int], joints: list[Joint]) -> list[Finding]:
    """Turn joints of lane ends into links in the direction of travel; findings for what fails."""
    findings = []
    for joint in joints:
        one, other = places[joint.one], places[joint.other]
        leaves = joint.one_side == (END if drafts[one].along else START)
        enters = joint.other_side == (START if drafts[other].along else END)
        if leaves != enters:
            words = f"linked to {joint.other}, but both travel away from or into the joint"
            findings.append(_finding(drafts[one], "link-direction", words, "error"))
            continue
        source, target = (one, other) if leaves else (other, one)
        if target in drafts[source].onward:
            continue
        problem = _gap(drafts[source], drafts[target])
        if problem is not None:
            findings.append(problem)
            if problem.code == "link-apart":
                continue
        drafts[source].onward.append(target)
        drafts[target].back.append(source)
    return findings


def _finding(draft: _Draft, code: str, words: str, severity: str = "warning") -> Finding:
    return Finding(draft.id.road, f"{draft.id.section}:{draft.id.lane}", code, words, severity)


def _gap(source: _Draft, target: _Draft) -> Finding | None:
    end, begin = source.samples[-1], target.samples[0]
    dx, dy = begin[LaneColumn.X] - end[LaneColumn.X], begin[LaneColumn.Y] - end[LaneColumn.Y]
    gap_m = math.hypot(dx, dy)
    turn = abs(wrap_angle_rad(float(begin[LaneColumn.HEADING] - end[LaneColumn.HEADING])))
    if gap_m > JOINT_APART_M:
        words = f"linked to {target.id}, which is {gap_m:.2f} m away: link not taken"
        return _finding(source, "link-apart", words, "error")
    narrow = min(float(end[LaneColumn.WIDTH]), float(begin[LaneColumn.WIDTH]))
    step_m = abs(float(begin[LaneColumn.Z] - end[LaneColumn.Z]))
    if gap_m <= JOINT_GAP_M and turn <= JOINT_TURN_RAD:
        if step_m <= JOINT_STEP_M:
            return None
        return _finding(source, "joint-step", f"to {target.id} the height jumps {step_m:.2f} m")
    if narrow < ENDING_WIDTH_M:
        words = f"its width runs out; to {target.id} the centre jumps {gap_m:.2f} m"
        return _finding(source, "ends-by-width", words, "note")
    words = f"to {target.id} the centre jumps {gap_m:.3f} m and {math.degrees(turn):.2f} degrees"
    return _finding(source, "joint-gap", words)


def _kinks(road: Road) -> list[Finding]:
    """Where the reference line itself is broken between two pieces."""
    pieces = piece_rows(road.geometries)
    findings = []
    for row in range(len(pieces) - 1):
        ends = zeros(1, 7)
        stop = np.array([pieces[row, 0] + pieces[row, 4]])
        evaluate_reference(pieces[row : row + 1], stop, ends)
        following = pieces[row + 1]
        begins = zeros(1, 7)
        evaluate_reference(pieces[row + 1 : row + 2], following[:1].copy(), begins)
        gap_m = math.hypot(begins[0, 0] - ends[0, 0], begins[0, 1] - ends[0, 1])
        turn = abs(wrap_angle_rad(float(begins[0, 2] - ends[0, 2])))
        if gap_m > JOINT_GAP_M or turn > JOINT_TURN_RAD:
            words = (
                f"at {following[0]:.2f} m the reference line jumps {gap_m:.3f} m"
                f" and {math.degrees(turn):.2f} degrees"
            )
            findings.append(Finding(road.id, "", "reference-gap", words))
    return findings


def _finish(
    index: int,
    draft: _Draft,
    drafts: list[_Draft],
    places: dict[LaneId, int],
    findings: list[Finding],
) -> Lane:
    samples = draft.samples
    final_m = float(samples[-1, LaneColumn.WIDTH])
    ends = final_m < ENDING_WIDTH_M and final_m < float(samples[:, LaneColumn.WIDTH].max())
    if not draft.onward and ends:
        words = "its width runs out; it has no successor, the way on is beside it"
        findings.append(_finding(draft, "ends-by-width", words, "note"))
    elif not draft.onward and _expected_onward(draft):
        findings.append(_finding(draft, "no-successor", "a driving lane ends inside the network"))
    left, left_spans, left_same = _beside(draft, drafts, places, to_left=True)
    right, right_spans, right_same = _beside(draft, drafts, places, to_left=False)
    opposite = left if not left_same and left is not None else None
    if opposite is None and not right_same:
        opposite = right
    kind = draft.road.type_at(draft.road.sections[draft.id.section].s_m)
    return Lane(
        index=index,
        id=draft.id,
        kind=draft.record.kind,
        road_name=draft.road.name,
        road_type=kind.kind if kind is not None else "unknown",
        junction=draft.road.junction,
        along=draft.along,
        length_m=float(samples[-1, LaneColumn.S]),
        samples=samples,
        successors=tuple(draft.onward),
        predecessors=tuple(draft.back),
        left=left if left_same else None,
        right=right if right_same else None,
        opposite=opposite,
        left_changes=left_spans if left_same else (),
        right_changes=right_spans if right_same else (),
        limits=draft.limits,
        ends=ends,
    )


def _expected_onward(draft: _Draft) -> bool:
    """Whether the lane's road goes on where the lane stops."""
    last = draft.id.section == (len(draft.road.sections) - 1 if draft.along else 0)
    if not last:
        return True
    return (draft.road.successor if draft.along else draft.road.predecessor) is not None


def _beside(
    draft: _Draft, drafts: list[_Draft], places: dict[LaneId, int], *, to_left: bool
) -> tuple[int | None, tuple[Span, ...], bool]:
    """The drivable lane beside, where its mark may be crossed, and whether it goes the same way."""
    rising = to_left == draft.along
    step = 1 if rising else -1
    lane = draft.id.lane
    beside = lane + step or step
    found = places.get(LaneId(draft.id.road, draft.id.section, beside))
    if found is None:
        return None, (), True
    same = drafts[found].along == draft.along
    section = draft.road.sections[draft.id.section]
    # The mark between two lanes is the outer one of the inner lane, or the centre line's.
    inner = 0 if lane * beside < 0 else min(lane, beside, key=abs)
    outward = not rising if inner == 0 else abs(lane) < abs(beside)
    holder = section.lane(inner)
    spans: tuple[Span, ...] = ((0.0, section.length_m),)
    if holder is not None:
        spans = crossing_spans(holder, section.length_m, outward=outward, rising=rising)
    return found, tuple(sorted(_own_span(draft, section.s_m, span) for span in spans)), same


def _own_span(draft: _Draft, begin: float, span: Span) -> Span:
    """A span of the section as a span of the lane's own s."""
    road_s, own_s = draft.samples[:, LaneColumn.ROAD_S], draft.samples[:, LaneColumn.S]
    if not draft.along:
        road_s, own_s = road_s[::-1], own_s[::-1]
    low, high = np.interp([begin + span[0], begin + span[1]], road_s, own_s).tolist()
    return (low, high) if draft.along else (high, low)


def _placed_signals(network: RoadNetwork) -> list[PlacedSignal]:
    by_road: dict[str, list[PlacedSignal]] = defaultdict(list)
    for road in network.roads:
        pieces = piece_rows(road.geometries)
        heights = zeros(len(road.elevations), 5)
        for row, record in zip(heights, road.elevations, strict=True):
            row[:] = (record.s_m, record.a, record.b, record.c, record.d)
        for signal in road.signals:
            at, height = zeros(1, 7), zeros(1, 3)
            station = np.array([min(max(signal.s_m, 0.0), road.length_m)], dtype=np.float64)
            evaluate_reference(pieces, station, at)
            if len(heights):
                evaluate_cubics(heights, station, height)
            heading = float(at[0, 2])
            facing = heading + (math.pi if signal.orientation == "-" else 0.0)
            by_road[road.id].append(
                PlacedSignal(
                    road.id,
                    signal,
                    float(at[0, 0]) - signal.t_m * math.sin(heading),
                    float(at[0, 1]) + signal.t_m * math.cos(heading),
                    float(height[0, 0]) + signal.z_offset_m,
                    wrap_angle_rad(facing),
                    sign_limit_mps(signal),
                )
            )
    return [placed for road in network.roads for placed in by_road[road.id]]
