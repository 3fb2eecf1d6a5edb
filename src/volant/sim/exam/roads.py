"""Roads for scenes, made in code: carriageways with bends, an entry, and crossings with any control.

Each builder gives a lane graph and is pure: the same words, the same road. What a road is like follows
German practice in kind (signs 205, 206, 301, 294, 1000001; recalled), so that rules read from it hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

from volant.road import LaneGraph, build_graph, parse_road

BROKEN: Final = "broken"
SOLID: Final = "solid"
LANE_M: Final = {"motorway": 3.75, "rural": 3.5, "town": 3.25}
ARM_M: Final = 220.0
"""Length of a crossing's arms: 15 s at 50 km/h."""
CORNER_M: Final = 12.0
"""From a crossing's middle to where its arms end."""
STOP_BACK_M: Final = 1.0
"""The stop line lies this far before the end of the arm (recalled: 1 m before the crossing road)."""
LINE_BEFORE_LIGHT_M: Final = 3.0
"""From a stop line to the light, so that who waits there sees it (RMS: 2.5 to 3.5 m; recalled)."""
EXIT_M: Final = 500.0
DIVIDE_M: Final = 800.0
"""A lane to leave by opens at the first and is cut off at the second: 300 m to change (recalled: 250)."""
SLOW_M: Final = 1000.0
SLOW_MPS: Final = 80.0 / 3.6
"""The lane that leaves allows this from there on, as exits do before their bend."""
OPENING_M: Final = 300.0
"""An entry lane opens beside the road at its begin and runs this long (RAA: 250 m; recalled)."""
CLOSING_M: Final = 60.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a line: curvature 0 is straight."""

    length_m: float
    curvature_per_m: float = 0.0


@cache
def carriageway(
    kind: str = "rural",
    *,
    lanes: int = 1,
    oncoming: int = 1,
    pieces: tuple[Piece, ...] = (Piece(2000.0),),
    limits_mps: tuple[tuple[float, float], ...] = ((0.0, 27.8),),
    entry: bool = False,
    leave: bool = False,
    zebra_m: float | None = None,
    mark: str = BROKEN,
) -> LaneGraph:
    """One road along x: `lanes` in our direction (the first is the leftmost), `oncoming` against it.

    Args:
        kind: `motorway`, `rural` or `town`; sets the lanes' width.
        lanes: in our direction.
        oncoming: against it.
        pieces: of the reference line.
        limits_mps: (from s, limit), the first from 0.
        entry: one more lane on the right that runs out after `OPENING_M`.
        leave: one more lane on the right from `EXIT_M` on, behind a solid line from `DIVIDE_M` on,
            slower from `SLOW_M` on.
        zebra_m: where people may cross.
        mark: between lanes of one direction.
    """
    length_m = math.fsum(piece.length_m for piece in pieces)
    width_m = LANE_M[kind]
    parts = (*((OPENING_M,) if entry else ()), *((EXIT_M, DIVIDE_M, SLOW_M) if leave else ()))
    cuts = sorted({0.0, *(s_m for s_m, _ in limits_mps), *parts})
    sections = []
    for number, s_m in enumerate(cuts):
        limit = [mps for at_m, mps in limits_mps if at_m <= s_m][-1]
        final = number == len(cuts) - 1
        more = (entry and s_m < OPENING_M) or (leave and s_m >= EXIT_M)
        ours, solid = lanes + int(more), lanes if leave and s_m >= DIVIDE_M else lanes + int(more)
        right = "".join(
            _lane(
                *(-k, width_m, SLOW_MPS if k > lanes and leave and s_m >= SLOW_M else limit),
                *(SOLID if k in (ours, solid) else mark, number, final),
                *(k > lanes and entry, k > lanes and leave and s_m == EXIT_M),
            )
            for k in range(1, ours + 1)
        )
        left = "".join(
            _lane(k, width_m, limit, SOLID if k == oncoming else mark, number, final)
            for k in range(oncoming, 0, -1)
        )
        centre = (
            '<lane id="0" type="none"><roadMark sOffset="0" type="'
            f'{mark if oncoming and kind != "motorway" else SOLID}" width="0.12"/></lane>'
        )
        sides = f"<left>{left}</left>" if left else ""
        sections.append(
            f'<laneSection s="{s_m}">{sides}<center>{centre}</center><right>{right}</right></laneSection>'
        )
    objects = "" if zebra_m is None else _zebra(zebra_m, width_m, lanes, oncoming)
    road = (
        f'<road name="test road" length="{length_m}" id="1" junction="-1">'
        f'<type s="0" type="{kind}" country="DE"/><planView>{_line(pieces)}</planView>'
        f"<lanes>{''.join(sections)}</lanes>{objects}</road>"
    )
    return _graph(road)


def _line(pieces: tuple[Piece, ...]) -> str:
    s = x = y = heading = 0.0
    drawn = []
    for piece in pieces:
        bend = piece.curvature_per_m
        shape = f'<arc curvature="{bend}"/>' if bend else "<line/>"
        drawn.append(
            f'<geometry s="{s}" x="{x}" y="{y}" hdg="{heading}" length="{piece.length_m}">{shape}</geometry>'
        )
        s += piece.length_m
        if bend:
            turned = heading + bend * piece.length_m
            x += (math.sin(turned) - math.sin(heading)) / bend
            y -= (math.cos(turned) - math.cos(heading)) / bend
            heading = turned
        else:
            x += piece.length_m * math.cos(heading)
            y += piece.length_m * math.sin(heading)
    return "".join(drawn)


def _lane(
    lane: int,
    width_m: float,
    limit: float,
    mark: str,
    number: int,
    final: bool,
    closing: bool = False,
    opening: bool = False,
) -> str:
    links = "" if number == 0 or opening else f'<predecessor id="{lane}"/>'
    links += "" if final or closing else f'<successor id="{lane}"/>'
    widths = f'<width sOffset="0" a="{width_m}" b="0" c="0" d="0"/>'
    if closing:
        c, d = -3.0 * width_m / CLOSING_M**2, 2.0 * width_m / CLOSING_M**3
        widths += f'<width sOffset="{OPENING_M - CLOSING_M}" a="{width_m}" b="0" c="{c}" d="{d}"/>'
    if opening:
        c, d = 3.0 * width_m / CLOSING_M**2, -2.0 * width_m / CLOSING_M**3
        widths = f'<width sOffset="0" a="0" b="0" c="{c}" d="{d}"/>'
        widths += f'<width sOffset="{CLOSING_M}" a="{width_m}" b="0" c="0" d="0"/>'
    kind = "entry" if closing else "driving"
    return (
        f'<lane id="{lane}" type="{kind}" level="false"><link>{links}</link>{widths}'
        f'<roadMark sOffset="0" type="{mark}" color="white" width="0.12"/>'
        f'<speed sOffset="0" max="{limit}" unit="m/s"/></lane>'
    )


def _zebra(s_m: float, width_m: float, lanes: int, oncoming: int) -> str:
    right, left = -lanes * width_m - 1.0, oncoming * width_m + 1.0
    corners = "".join(
        f'<cornerRoad s="{s}" t="{t}" dz="0" height="0" id="{k}"/>'
        for k, (s, t) in enumerate(
            ((s_m - 2, right), (s_m + 2, right), (s_m + 2, left), (s_m - 2, left))
        )
    )
    signs = "".join(
        f'<signal id="z{o}" name="zebra" s="{s_m}" t="{t}" type="293" subtype="-1" country="DE" '
        f'orientation="{o}" dynamic="no" zOffset="0" value="-1"/>'
        for o, t in (("+", right), ("-", left))
    )
    middle = 0.5 * (right + left)
    return (
        f'<objects><object id="zebra" name="zebra" type="crosswalk" s="{s_m}" t="{middle}" '
        f'zOffset="0" orientation="none" length="4" width="{left - right}" height="0" hdg="0">'
        f'<outlines><outline id="0" closed="true">{corners}</outline></outlines></object></objects>'
        f"<signals>{signs}</signals>"
    )


@cache
def crossing(
    control: str, *, arms: tuple[int, ...] = (0, 1, 2, 3), limit_mps: float = 13.9
) -> LaneGraph:
    """Two-lane streets that meet at (0, 0); arm k points at k times 90 degrees.

    Args:
        control: `light`, `priority` (arms 0 and 2 go first), `give_way` or `stop` (they wait), or
            `right` (right before left).
        arms: which there are.
        limit_mps: everywhere.
    """
    roads = [_arm(arm, control, limit_mps) for arm in arms]
    connections = []
    for one in arms:
        for other in arms:
            if one == other:
                continue
            number = 100 + 10 * one + other
            roads.append(_connecting(number, one, other, limit_mps))
            connections.append(
                f'<connection id="{number}" incomingRoad="{one + 1}" connectingRoad="{number}" '
                'contactPoint="start"><laneLink from="-1" to="-1"/></connection>'
            )
    controllers = groups = ""
    if control == "light":
        for phase in (0, 1):
            held = "".join(f'<control signalId="l{a}" type=""/>' for a in arms if a % 2 == phase)
            controllers += f'<controller id="c{phase}" name="phase {phase}">{held}</controller>'
            groups += f'<controller id="c{phase}" type="0" sequence="{phase}"/>'
    junction = f'<junction id="9" name="crossing">{"".join(connections)}{groups}</junction>'
    return _graph("".join(roads) + controllers + junction)


def arm_at(arm: int, inward_m: float, right_m: float = 0.0) -> tuple[float, float]:
    """World point on a crossing's arm: so far from the middle, so far right of who drives in."""
    cos, sin = round(math.cos(0.5 * math.pi * arm)), round(math.sin(0.5 * math.pi * arm))
    return inward_m * cos - right_m * sin, inward_m * sin + right_m * cos


def _arm(arm: int, control: str, limit: float) -> str:
    angle = 0.5 * math.pi * arm
    x, y = arm_at(arm, CORNER_M + ARM_M)
    width = LANE_M["town"]

    def lane(number: int, link: str) -> str:
        return (
            f'<lane id="{number}" type="driving" level="false"><link>{link}</link>'
            f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>'
            '<roadMark sOffset="0" type="solid" color="white" width="0.12"/>'
            f'<speed sOffset="0" max="{limit}" unit="m/s"/></lane>'
        )

    signs = _signs(arm, control, width)
    return (
        f'<road name="arm {arm}" length="{ARM_M}" id="{arm + 1}" junction="-1">'
        '<link><successor elementType="junction" elementId="9"/></link>'
        '<type s="0" type="town" country="DE"/>'
        f'<planView><geometry s="0" x="{x}" y="{y}" hdg="{angle + math.pi}" length="{ARM_M}">'
        '<line/></geometry></planView><lanes><laneSection s="0">'
        f"<left>{lane(1, '')}</left>"
        '<center><lane id="0" type="none"><roadMark sOffset="0" type="broken" width="0.12"/></lane>'
        f"</center><right>{lane(-1, '')}</right></laneSection></lanes>"
        f"<signals>{signs}</signals></road>"
    )


def _signs(arm: int, control: str, width: float) -> str:
    waits = arm % 2 == 0 if control in ("give_way", "stop") else arm % 2 == 1
    kinds: list[tuple[str, str, bool]] = []
    if control == "light":
        kinds.append(("1000001", f"l{arm}", True))
    elif control == "stop" and waits:
        kinds.append(("206", f"s{arm}", False))
    elif control in ("give_way", "stop", "priority"):
        kinds.append(("205" if waits else "301", f"s{arm}", False))
    if control in ("light", "stop"):
        kinds.append(("294", f"line{arm}", False))
    back_m = {"294": STOP_BACK_M + (LINE_BEFORE_LIGHT_M if control == "light" else 0.0)}
    return "".join(
        f'<signal id="{name}" name="{name}" s="{ARM_M - back_m.get(kind, STOP_BACK_M)}" t="{-width - 0.8}" type="{kind}" '
        f'subtype="-1" country="{"OpenDRIVE" if dynamic else "DE"}" orientation="+" value="-1" '
        f'dynamic="{"yes" if dynamic else "no"}" zOffset="{3.0 if dynamic else 0.0}" height="0.9" width="0.3"/>'
        for kind, name, dynamic in kinds
    )


def _connecting(number: int, one: int, other: int, limit: float) -> str:
    x, y = arm_at(one, CORNER_M)
    heading = 0.5 * math.pi * one + math.pi
    turn = (other - one) % 4
    if turn == 2:
        length, shape = 2.0 * CORNER_M, "<line/>"
    else:
        length = 0.5 * math.pi * CORNER_M
        shape = f'<arc curvature="{(1.0 if turn == 3 else -1.0) / CORNER_M}"/>'
    width = LANE_M["town"]
    return (
        f'<road name="" length="{length}" id="{number}" junction="9">'
        f'<link><predecessor elementType="road" elementId="{one + 1}" contactPoint="end"/>'
        f'<successor elementType="road" elementId="{other + 1}" contactPoint="end"/></link>'
        '<type s="0" type="town" country="DE"/>'
        f'<planView><geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="{length}">{shape}'
        '</geometry></planView><lanes><laneSection s="0"><center><lane id="0" type="none"/></center>'
        '<right><lane id="-1" type="driving" level="false"><link><predecessor id="-1"/>'
        f'<successor id="1"/></link><width sOffset="0" a="{width}" b="0" c="0" d="0"/>'
        f'<roadMark sOffset="0" type="none"/><speed sOffset="0" max="{limit}" unit="m/s"/></lane>'
        "</right></laneSection></lanes></road>"
    )


def _graph(inner: str) -> LaneGraph:
    text = f'<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="6"/>{inner}</OpenDRIVE>'
    return build_graph(parse_road(text.encode(), "scene.xodr"))
