"""What could be done next: target speeds, firmness, offsets in the lane, yielding or not, plain braking.

Lane changes, merging and pulling over will add proposals here; they need no other place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ProposalColumn(IntEnum):
    """Columns of the table of proposals."""

    PACE = 0  # share of the speed that the road allows
    FIRM = 1  # firmness of slowing down behind others
    ASIDE = 2  # target offset from the lane's middle, m
    YIELDS = 3  # 1: answers possible cut-ins as if they happened
    BRAKE = 4  # fixed acceleration, m/s2; 0 for none


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


AS_ALLOWED: Final = 0
"""Row of the plain proposal: full pace, normal firmness, middle of the lane, no yielding."""


def propose(tuning: ProposeTuning) -> Array:
    """The table of proposals [p, 5], by offset so that roll-outs share their lateral paths."""
    rows = [
        (pace, firm, aside_m, yields, 0.0)
        for aside_m in tuning.asides_m
        for pace in tuning.paces
        for firm in tuning.firms
        for yields in (0.0, 1.0)
        if aside_m == 0.0 or firm == tuning.firms[0]
    ]
    rows += [(1.0, 1.0, 0.0, 1.0, brake) for brake in tuning.brakes_mps2]
    return np.array(rows)
