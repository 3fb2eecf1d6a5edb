"""Whether a phone is near, by rounds of measured time of flight. Signal strength is no input: it proves nothing.

A relay can only add way, so a long distance is a no. What shortens the way (early detection, an early commit, or a
guess at the pulse, as in Ghost Peak, arXiv 2111.05313) works in few rounds out of many: so many rounds must agree. No
agreement means no: the person taps.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

LIGHT_MPS = 299_792_458.0


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement."""

    at_ns: int
    """When, since the car's boot."""
    flight_ns: float
    """Time of flight one way."""

    @property
    def distance_m(self) -> float:
        """How far that is."""
        return self.flight_ns * 1e-9 * LIGHT_MPS


@dataclass(frozen=True, slots=True)
class RangingTuning:
    """How sure is sure; our own values, for rounds with 0.1 m of noise (standard deviation)."""

    rounds: int = 8
    """How many must agree: an attack that shortens one round in ten passes once in 10^8 tries."""
    window_ns: int = 500_000_000
    """How old a round may be, as for the nonce."""
    near_m: float = 2.0
    """The middle one is not above this; a relay adds 3 m (10 ns) at the least."""
    spread_m: float = 0.8
    """No round is further from the middle one: eight standard deviations."""
    least_m: float = -0.8
    """Less than nothing by more than noise is a lie."""


def is_near(rounds: tuple[Round, ...], now_ns: int, tuning: RangingTuning) -> bool:
    """Whether enough recent rounds say that the phone is near, and none says otherwise."""
    found = [one.distance_m for one in rounds if 0 <= now_ns - one.at_ns <= tuning.window_ns]
    if len(found) < tuning.rounds:
        return False
    middle = median(found)
    # Written so that a distance that is not a number is a no.
    agree = all(abs(one - middle) <= tuning.spread_m and one >= tuning.least_m for one in found)
    return agree and middle <= tuning.near_m
