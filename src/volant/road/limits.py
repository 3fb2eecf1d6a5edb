"""Which speed limit holds where, and on whose word: the lane's, the road's, a sign's or a default.

Order: a lane's speed record, the road type's speed record, a speed sign beside the road, the
default of the road type. A default is marked as such, because it is our guess and not the map's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from volant.road.model import LaneRecord, LaneSection, Road, Signal
from volant.road.read_lanes import MPS_PER_UNIT

_KMH: Final = MPS_PER_UNIT["km/h"]

# Limits where the file says nothing. Germany's StVO as the worked example: 50 km/h in built-up
# areas and 100 km/h outside (section 3(3)), 130 km/h advised on motorways (Autobahn-Richt-
# geschwindigkeits-V, section 1), 30 km/h zones (sign 274.1), walking pace in play streets (sign
# 325.1, taken as 7 km/h). Roads of unknown type get the built-up 50 km/h: the lower is the safer.
DEFAULT_LIMITS_MPS: Final = {
    "motorway": 130 * _KMH,
    "rural": 100 * _KMH,
    "townExpressway": 80 * _KMH,
    "town": 50 * _KMH,
    "townArterial": 50 * _KMH,
    "townCollector": 50 * _KMH,
    "townLocal": 50 * _KMH,
    "lowSpeed": 30 * _KMH,
    "townPrivate": 30 * _KMH,
    "bicycle": 30 * _KMH,
    "townPlayStreet": 7 * _KMH,
    "pedestrian": 7 * _KMH,
    "unknown": 50 * _KMH,
}

# Speed signs that are read: 274 of the German catalogue (StVO Anlage 2, number 49), also used by
# editors under the country "OpenDRIVE". Other catalogues need their own rows.
_SPEED_SIGNS: Final = {("de", "274"), ("opendrive", "274"), ("", "274")}
_SIGN_REACH_M: Final = 1e-6


@dataclass(frozen=True, slots=True)
class SpeedLimit:
    """A limit from `s_m` on; inf where none holds. Source: `lane`, `road`, `sign`, `default`."""

    s_m: float
    limit_mps: float
    source: str


def sign_limit_mps(signal: Signal) -> float | None:
    """The limit a sign sets, or None where it is no speed sign that we can read."""
    if (signal.country.lower(), signal.kind) not in _SPEED_SIGNS or not signal.value:
        return None
    factor = MPS_PER_UNIT.get(signal.unit or "km/h")
    return signal.value * factor if factor is not None and signal.value > 0.0 else None


def limits_along(
    road: Road, section: LaneSection, lane: LaneRecord, along: bool
) -> tuple[SpeedLimit, ...]:
    """The limits of a lane as (road s, rising), each holding to the next one's s.

    A sign holds from its place in the direction of travel to the next sign or the road's end.
    """
    begin, end = section.s_m, section.s_m + section.length_m
    cuts = {section.s_m + record.s_m for record in lane.speeds}
    cuts.update(record.s_m for record in road.types)
    signs = _signs_for(road, lane.id, along)
    cuts.update(s_m for s_m, _ in signs)
    limits: list[SpeedLimit] = []
    for s_m in [begin, *sorted(cut for cut in cuts if begin < cut < end - 1e-6)]:
        limit = _limit_at(road, section, lane, s_m, signs, along)
        if not limits or (limits[-1].limit_mps, limits[-1].source) != (
            limit.limit_mps,
            limit.source,
        ):
            limits.append(limit)
    return tuple(limits)


def _signs_for(road: Road, lane_id: int, along: bool) -> tuple[tuple[float, float], ...]:
    wanted = "+" if along else "-"
    signs = [
        (signal.s_m, limit)
        for signal in road.signals
        if (limit := sign_limit_mps(signal)) is not None
        and signal.orientation in (wanted, "none")
        and (not signal.lanes or any(min(r) <= lane_id <= max(r) for r in signal.lanes))
    ]
    return tuple(sorted(signs))


def _limit_at(
    road: Road,
    section: LaneSection,
    lane: LaneRecord,
    s_m: float,
    signs: tuple[tuple[float, float], ...],
    along: bool,
) -> SpeedLimit:
    for record in reversed(lane.speeds):
        if section.s_m + record.s_m <= s_m + 1e-9:
            return SpeedLimit(s_m, record.limit_mps, "lane")
    kind = road.type_at(s_m)
    if kind is not None and kind.limit_mps is not None:
        return SpeedLimit(s_m, kind.limit_mps, "road")
    if along:
        passed = [limit for place, limit in signs if place <= s_m + _SIGN_REACH_M]
        held = passed[-1] if passed else None
    else:  # a sign at s holds below s; between two cuts it is the nearest one above
        passed = [limit for place, limit in signs if place > s_m + _SIGN_REACH_M]
        held = passed[0] if passed else None
    if held is not None:
        return SpeedLimit(s_m, held, "sign")
    name = kind.kind if kind is not None else "unknown"
    default = DEFAULT_LIMITS_MPS.get(name, DEFAULT_LIMITS_MPS["unknown"])
    return SpeedLimit(s_m, default if math.isfinite(default) else math.inf, "default")
