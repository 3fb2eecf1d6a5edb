"""What a roll-out costs: named terms with weights, and a little for changing one's mind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.pilot.planning.score_kernels import totals

Array = NDArray[np.float64]

TERMS: Final = ("collision", "gap", "progress", "comfort", "jerk", "centre", "limit", "side")
"""Columns of the table of costs, before weights; each has its weight of the same name."""


@dataclass(frozen=True, slots=True)
class ScoreTuning:
    """Weights of the terms, each integrated over the horizon. Chosen so that, in order, no contact is
    worth anything, a safe gap is worth more than comfort, and comfort more than arriving sooner.
    """

    collision: float = 1000.0
    """Per second of contact, and more by its speed."""
    gap: float = 8.0
    """Per second inside the safe gap (RSS), by the square of what lacks."""
    progress: float = 1.0
    """Per second at standstill."""
    comfort: float = 0.15
    """Per second of acceleration beyond 1.2 m/s2, squared."""
    jerk: float = 0.03
    """Per second of jerk, squared."""
    centre: float = 8.0
    """Per second and m2 off the middle."""
    limit: float = 0.5
    """Per second and m/s above the profile; slowing down is the law's work."""
    side: float = 6.0
    """Per second with no room to the side."""
    brake: float = 3.0
    """Added to plain braking, which is for what following and yielding cannot answer."""
    change_of_mind: float = 0.15
    """Added to every proposal but the one taken before, so that near ties do not flutter."""


ALL_DRIVEN: Final[Array] = np.zeros(len(TERMS) + 2)
"""As `score_row`, for roll-outs of which none is given up."""


@lru_cache(maxsize=8)
def score_row(tuning: ScoreTuning) -> Array:
    """The weights as the kernels read them (score_kernels); nobody writes to them."""
    weights = [getattr(tuning, term) for term in TERMS]
    return np.array((*weights, tuning.brake, tuning.change_of_mind))


def weigh(costs: Array, proposals: Array, before: int, tuning: ScoreTuning) -> Array:
    """Total cost of each proposal [p]; before: the row taken last, -1 for none."""
    found: Array = totals(costs, score_row(tuning), proposals, before)
    return found
