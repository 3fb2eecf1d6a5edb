"""A crossroads of four arms drawn as OpenDRIVE, with the signs, lights and rules that a test wants."""

import math

ARMS = {"north": 90.0, "west": 180.0, "south": 270.0, "east": 0.0}
HALF_M = 12.0
LENGTH_M = 120.0
WIDTH_M = 3.25
_LANE = f'<width sOffset="0" a="{WIDTH_M}" b="0" c="0" d="0"/>'
_CENTRE = '<center><lane id="0" type="none"/></center>'


def sign(kind: str, s: float = 5.0, orientation: str = "-", number: int = 900) -> str:
    """A sign on an arm; "-" holds for who drives towards the junction."""
    return (
        f'<signal s="{s}" t="4" id="{number}" name="" dynamic="no" orientation="{orientation}"'
        f' type="{kind}" country="DE"/>'
    )


def light(number: int, s: float = 5.0) -> str:
    """A traffic light on an arm, for who drives towards the junction."""
    return (
        f'<signal s="{s}" t="4" id="{number}" name="" dynamic="yes" orientation="-"'
        ' type="1000001" country="OpenDRIVE"/>'
    )


def crossroads(
    signals: dict[str, str] | None = None,
    objects: dict[str, str] | None = None,
    types: dict[str, str] | None = None,
    priorities: tuple[tuple[str, str], ...] = (),
    left_hand: bool = False,
) -> bytes:
    """Arms run outwards from the junction's edge; connecting roads are 100 * from + to."""
    numbers = {name: index for index, name in enumerate(ARMS, 1)}
    rule = "LHT" if left_hand else "RHT"
    parts = []
    for name, degrees in ARMS.items():
        kind = (types or {}).get(name, "town")
        parts.append(
            f'<road name="{name}" id="{numbers[name]}" length="{LENGTH_M}" junction="-1" rule="{rule}">'
            '<link><predecessor elementType="junction" elementId="9"/></link>'
            f'<type s="0" type="{kind}"/><planView>{_arm(degrees)}</planView>'
            f'<lanes><laneSection s="0"><left><lane id="1" type="driving">{_LANE}</lane></left>'
            f'{_CENTRE}<right><lane id="-1" type="driving">{_LANE}</lane></right></laneSection></lanes>'
            f"<objects>{(objects or {}).get(name, '')}</objects>"
            f"<signals>{(signals or {}).get(name, '')}</signals></road>"
        )
    connections = []
    for source in ARMS:
        for target in ARMS:
            if source != target:
                parts.append(_way(source, target, numbers, rule))
                road = 100 * numbers[source] + numbers[target]
                inward, inside = ("-1", "1") if left_hand else ("1", "-1")
                connections.append(
                    f'<connection id="{road}" incomingRoad="{numbers[source]}" connectingRoad="{road}"'
                    f' contactPoint="start"><laneLink from="{inward}" to="{inside}"/></connection>'
                )
    ranks = "".join(
        f'<priority high="{numbers[high]}" low="{numbers[low]}"/>' for high, low in priorities
    )
    junction = f'<junction id="9" name="">{"".join(connections)}{ranks}</junction>'
    text = f'<OpenDRIVE><header revMajor="1" revMinor="7"/>{"".join(parts)}{junction}</OpenDRIVE>'
    return text.encode()


def _arm(degrees: float) -> str:
    heading = math.radians(degrees)
    x_m, y_m = HALF_M * math.cos(heading), HALF_M * math.sin(heading)
    return f'<geometry s="0" x="{x_m}" y="{y_m}" hdg="{heading}" length="{LENGTH_M}"><line/></geometry>'


def _way(source: str, target: str, numbers: dict[str, int], rule: str) -> str:
    """A connecting road, whose reference runs between the arms' own and carries one lane."""
    begin = math.radians(ARMS[source]) + math.pi
    turn = math.remainder(math.radians(ARMS[target]) - begin, 2.0 * math.pi)
    x_m, y_m = -HALF_M * math.cos(begin), -HALF_M * math.sin(begin)
    if abs(turn) < 1e-9:
        length_m, shape = 2.0 * HALF_M, "<line/>"
    else:
        length_m, shape = (
            abs(turn) * HALF_M,
            f'<arc curvature="{math.copysign(1 / HALF_M, turn)}"/>',
        )
    plan = (
        f'<geometry s="0" x="{x_m}" y="{y_m}" hdg="{begin}" length="{length_m}">{shape}</geometry>'
    )
    left = rule == "LHT"
    inside = "1" if left else "-1"
    before, after = ("-1", "1") if left else ("1", "-1")
    lane = (
        f'<lane id="{inside}" type="driving"><link><predecessor id="{before}"/>'
        f'<successor id="{after}"/></link>{_LANE}</lane>'
    )
    side = f"<left>{lane}</left>{_CENTRE}" if left else f"{_CENTRE}<right>{lane}</right>"
    road = 100 * numbers[source] + numbers[target]
    return (
        f'<road name="" id="{road}" length="{length_m}" junction="9" rule="{rule}"><link>'
        f'<predecessor elementType="road" elementId="{numbers[source]}" contactPoint="start"/>'
        f'<successor elementType="road" elementId="{numbers[target]}" contactPoint="start"/></link>'
        f'<planView>{plan}</planView><lanes><laneSection s="0">{side}</laneSection></lanes></road>'
    )
