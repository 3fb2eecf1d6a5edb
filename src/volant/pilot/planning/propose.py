"""What could be done next: speeds, firmness, where to go across, yielding or not, plain braking.

Across there is the middle of the lane, a little aside of it, and where a lane change is thought of or
under way the lane beside, or back into the own one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.pilot.planning.lateral_kernels import shift_path, shift_time, side_path

Array = NDArray[np.float64]


class ProposalColumn(IntEnum):
    """Columns of the table of proposals."""

    PACE = 0  # share of the speed that the road allows
    FIRM = 1  # firmness of slowing down behind others
    LATERAL = 2  # row of the lateral paths
    YIELDS = 3  # 1: answers possible cut-ins as if they happened
    BRAKE = 4  # fixed acceleration, m/s2; 0 for none
    ASIDE = 5  # target offset from the middle of the lane, m


@dataclass(frozen=True, slots=True)
class ProposeTuning:
    """The grid of proposals."""

    paces: tuple[float, ...] = (1.0, 0.85, 0.65, 0.4)
    """Shares of the allowed speed."""
    firms: tuple[float, ...] = (1.0, 1.6)
    """Normal, and firm for when normal would come too near."""
    asides_m: tuple[float, ...] = (0.0, 0.2, -0.2)
    """Small, so that the car stays well inside its lane (max 0.30 m off, pilot.md section 5)."""
    brakes_mps2: tuple[float, ...] = (-2.0, -3.5, -5.0)
    """Up to the hardest that comfort braking may do (ISO 15622 at low speed, recalled)."""
    urgent_mps2: tuple[float, ...] = (-6.0, -9.0)
    """For when no calm motion avoids a sure touch: what emergency braking asks for (vehicle.md 3)."""
    aside_mps2: float = 0.6
    """Acceleration of a change of offset within the lane."""
    shift_mps2: float = 0.95
    """Of a lane change; UN R79 allows 1."""
    shift_least_s: float = 3.5
    """A lane change is not quicker than this."""
    shift_most_s: float = 4.9
    """Done within 5 s (UN R79, category C)."""


URGENT_MPS2: Final = -5.5
"""Fixed braking beyond this is urgent: not bound to comfort (as in rollout_kernels)."""
AS_ALLOWED: Final = 0
"""Row of the plain proposal: full pace, normal firmness, middle of the lane, no yielding."""


@dataclass(frozen=True, slots=True)
class Across:
    """Where the car goes across the road."""

    side: Array
    """[3] offset, rate and acceleration of the path followed now."""
    middle_m: float
    """Offset of the middle of the own lane."""
    shift_m: float | None = None
    """Offset of the middle of the lane beside, where a change is thought of or under way."""
    left_s: float = 0.0
    """Time that is left for a change under way; 0 for one that has not begun."""
    under_way: bool = False
    """Then going on is the plain proposal, and back is the other one."""
    speed_mps: float = 0.0


def shift_s(away_m: float, tuning: ProposeTuning) -> float:
    """How long a lane change over a distance takes."""
    return min(
        max(float(shift_time(away_m, tuning.shift_mps2)), tuning.shift_least_s),
        tuning.shift_most_s,
    )


def propose(tuning: ProposeTuning, across: Across, dt_s: float, steps: int) -> tuple[Array, Array]:
    """The table of proposals [p, 6], by lateral path, and the lateral paths [g, steps + 1, 3].

    The plain proposal comes first: it keeps the lane, or goes on with the change under way.
    """
    goals: list[tuple[float, bool, float]] = []  # target, is a lane change, aside
    if across.under_way and across.shift_m is not None:
        goals = [(across.shift_m, True, 0.0)]
        if across.shift_m != across.middle_m:
            goals.append((across.middle_m, True, 0.0))
    else:
        goals = [(across.middle_m + aside_m, False, aside_m) for aside_m in tuning.asides_m]
        if across.shift_m is not None:
            goals.append((across.shift_m, True, 0.0))
    laterals = np.empty((len(goals), steps + 1, 3))
    for lateral, (goal_m, changes, _aside) in zip(laterals, goals, strict=True):
        if not changes:
            side_path(across.side, goal_m, tuning.aside_mps2, dt_s, steps, lateral)
            continue
        begun = across.under_way and goal_m == across.shift_m
        time_s = across.left_s if begun else shift_s(goal_m - float(across.side[0]), tuning)
        shift_path(across.side, goal_m, max(time_s, 0.2), across.speed_mps, dt_s, steps, lateral)
    return _table(tuple(aside_m for _goal, _changes, aside_m in goals), tuning), laterals


@lru_cache(maxsize=32)
def _table(asides_m: tuple[float, ...], tuning: ProposeTuning) -> Array:
    """The rows for lateral paths with these asides; nobody writes to them."""
    rows = [
        (pace, firm, float(index), yields, 0.0, aside_m)
        for index, aside_m in enumerate(asides_m)
        for pace in tuning.paces
        for firm in tuning.firms
        for yields in (0.0, 1.0)
        if aside_m == 0.0 or firm == tuning.firms[0]
    ]
    brakes = (*tuning.brakes_mps2, *tuning.urgent_mps2)
    rows += [(1.0, 1.0, 0.0, 1.0, brake, 0.0) for brake in brakes]
    return np.array(rows)
