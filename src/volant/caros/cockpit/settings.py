"""What stays the same for all frames of a drive."""

from __future__ import annotations

from dataclasses import dataclass

from volant.caros.cockpit.ownlane import OwnLane
from volant.caros.cockpit.roadview import RoadView
from volant.caros.cockpit.signview import SignView
from volant.road import Corridor


@dataclass(frozen=True, slots=True)
class CarShape:
    """Size of the own car, from its spec."""

    length_m: float
    width_m: float
    rear_overhang_m: float


@dataclass(frozen=True, slots=True)
class FrameSettings:
    """What stays the same for a drive."""

    shape: CarShape
    view: RoadView
    corridor: Corridor | None
    left_hand: bool
    signs: SignView | None = None
    own_lane: OwnLane | None = None
    """Finds the lane ahead; without it the corridor's is shown."""
    route: bytes = b""
    """The way to go, by `encode_route`."""
