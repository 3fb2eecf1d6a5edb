"""Where to charge on the way: the stops that bring the car there soonest, with a reserve kept all the way.

Charge is counted on a grid of levels. By each charger there is a least time to arrive with a level and a least
time to leave with one; both follow from those of the chargers before it. What is left on arrival is rounded
down to the grid, so that a plan never counts on charge that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from volant.caros.energy.profile import Charger

Array = NDArray[np.float64]

LEVELS: Final = 200
"""Steps of the grid between empty and full: half a percent each."""
STOP_S: Final = 240.0
"""What a stop costs beside the charging: leaving the road, plugging in, paying, coming back (chosen)."""
MOST_CHARGERS: Final = 200
"""So many are looked at; of more, evenly chosen ones along the way."""
LEAST: Final = 0.05
"""Nobody stops for less charge than this (chosen)."""
LOW: Final = 0.5
"""Who has less than the reserve at the begin may spend this share of it on the way to the first charger."""
LEAST_W: Final = 500.0
"""Less than this is no charging."""
_SLACK: Final = 1e-9

Power = Callable[[float, float], float]
"""(power of the station, W; charge of the battery, 0 to 1) to power into the cells, W."""


@dataclass(frozen=True, slots=True)
class Use:
    """What driving a way takes, from its begin; rows are places along it."""

    distance_m: Array
    """[n], increasing."""
    charge: Array
    """[n], share of the usable battery used so far; falls where the car recovers more than it uses."""
    time_s: Array
    """[n]."""


@dataclass(frozen=True, slots=True)
class ChargeStop:
    """One stop; charges are shares of the usable battery."""

    name: str
    at_m: float
    power_w: float
    """Of the station."""
    arrive: float
    leave: float
    charge_s: float
    """Time on the cable."""


@dataclass(frozen=True, slots=True)
class StopPlan:
    """A way with its stops."""

    reaches: bool
    """False: no stops make it possible with the reserve; then there are none in the plan."""
    stops: tuple[ChargeStop, ...]
    drive_s: float
    stopped_s: float
    """At chargers, with all that a stop costs."""
    charge_at_end: float
    """May be below 0 where it is not reached: what would be missing."""
    dry_m: float | None
    """Where the reserve is touched, driven without a stop; None: nowhere."""

    @property
    def total_s(self) -> float:
        """Driving and stopping."""
        return self.drive_s + self.stopped_s


def plan_stops(
    use: Use,
    chargers: Sequence[Charger],
    power: Power,
    capacity_j: float,
    *,
    charge: float,
    reserve: float,
    most: float = 1.0,
    levels: int = LEVELS,
) -> StopPlan:
    """The stops of least total time.

    Args:
        use: of the whole way.
        chargers: along it; those that lie before its begin or at its end are not looked at.
        power: what the battery takes.
        capacity_j: usable.
        charge: now, 0 to 1.
        reserve: never below it, 0 to 1, at no place on the way; who begins below it must charge first.
        most: nobody charges beyond it.
        levels: steps of the grid.
    """
    drive_s = float(use.time_s[-1] - use.time_s[0])
    straight = charge - use.charge + float(use.charge[0])
    low = np.flatnonzero(straight < reserve - _SLACK)
    end = float(straight[-1])
    if not len(low):
        return StopPlan(True, (), drive_s, 0.0, end, None)
    dry_m = float(use.distance_m[low[0]])
    search = _Search(use, _usable(use, chargers), power, capacity_j, reserve, most, levels)
    found = search.run(charge)
    if found is None:
        return StopPlan(False, (), drive_s, 0.0, end, dry_m)
    stops, stopped_s, end = found
    return StopPlan(True, stops, drive_s, stopped_s, end, dry_m)


def _usable(use: Use, chargers: Sequence[Charger]) -> tuple[Charger, ...]:
    begin_m, end_m = float(use.distance_m[0]), float(use.distance_m[-1])
    inside = sorted(
        (one for one in chargers if begin_m <= one.at_m < end_m and one.power_w >= LEAST_W),
        key=lambda one: (one.at_m, -one.power_w, one.name),
    )
    if len(inside) <= MOST_CHARGERS:
        return tuple(inside)
    return tuple(inside[round(i)] for i in np.linspace(0, len(inside) - 1, MOST_CHARGERS))


class _Search:
    """Least times over chargers and levels; index -1 stands for the begin of the way."""

    def __init__(
        self, use: Use, chargers: tuple[Charger, ...], power: Power, capacity_j: float,
        reserve: float, most: float, levels: int,
    ) -> None:  # fmt: skip
        self._use, self._chargers, self._levels = use, chargers, levels
        self._reserve, self._top = reserve, min(math.floor(most * levels + _SLACK), levels)
        self._times = {
            one.power_w: _charge_times(power, one.power_w, capacity_j, levels) for one in chargers
        }
        places = [
            float(use.distance_m[0]),
            *(one.at_m for one in chargers),
            float(use.distance_m[-1]),
        ]
        self._at_m = np.array(places)
        self._used = np.interp(self._at_m, use.distance_m, use.charge)
        self._time_s = np.interp(self._at_m, use.distance_m, use.time_s)
        count = len(chargers) + 1
        self._leave = np.full((count, levels + 1), math.inf)
        """Row 0 is the begin, which is left with the charge that there is."""
        self._from = np.full((count, levels + 1, 2), -1, dtype=np.int64)
        """By charger and level of arrival: the row and the level that was left."""
        self._begun = np.zeros((count, levels + 1), dtype=np.int64)
        """By charger and level of leaving: the level of arrival."""

    def run(self, charge: float) -> tuple[tuple[ChargeStop, ...], float, float] | None:
        """Stops, seconds stopped and charge at the end of the best way; None: there is none."""
        for here in range(1, len(self._at_m) - 1):
            self._settle(here, self._arrivals(here, charge))
        return self._best()

    def _leg(self, before: int, here: int) -> tuple[float, float, float]:
        """Used, the most that is used at any place of it, and seconds."""
        first, last = self._at_m[before], self._at_m[here]
        low, high = np.searchsorted(self._use.distance_m, (first, last), side="right")
        inside = self._use.charge[low:high]
        used = float(self._used[here] - self._used[before])
        most = float(inside.max() - self._used[before]) if len(inside) else 0.0
        seconds = float(self._time_s[here] - self._time_s[before])
        return used, max(most, used, 0.0), seconds

    def _arrivals(self, here: int, charge: float) -> Array:
        """Least time by level of arrival."""
        arrive = np.full(self._levels + 1, math.inf)
        used, most, seconds = self._leg(0, here)
        floor = self._reserve if charge >= self._reserve else LOW * charge
        if charge - most >= floor - _SLACK:
            level = self._level(charge - used)
            arrive[level] = seconds
            self._from[here, level] = (0, 0)
        for before in range(1, here):
            used, most, seconds = self._leg(before, here)
            least = math.ceil((self._reserve + most) * self._levels - _SLACK)
            left = np.arange(max(least, 0), self._levels + 1)
            left = left[np.isfinite(self._leave[before, left])]
            if not len(left):
                continue
            reached = np.floor(left - used * self._levels + _SLACK).astype(np.int64)
            reached = np.minimum(reached, self._levels)
            taken_s = self._leave[before, left] + seconds
            better = taken_s < arrive[reached]
            for level, begun, time_s in zip(
                reached[better].tolist(),
                left[better].tolist(),
                taken_s[better].tolist(),
                strict=True,
            ):
                if time_s < arrive[level]:
                    arrive[level] = time_s
                    self._from[here, level] = (before, begun)
        return arrive

    def _level(self, charge: float) -> int:
        return min(math.floor(charge * self._levels + _SLACK), self._levels)

    def _settle(self, here: int, arrive: Array) -> None:
        """Least time by level of leaving, once it is known how one arrives."""
        times = self._times[self._chargers[here - 1].power_w]
        least = math.ceil(LEAST * self._levels - _SLACK)
        best, begun = math.inf, 0
        for level in range(least, self._top + 1):
            if not math.isfinite(times[level]):
                break
            from_level = level - least
            if arrive[from_level] - times[from_level] < best:
                best, begun = float(arrive[from_level] - times[from_level]), from_level
            if math.isfinite(best):
                self._leave[here, level] = best + times[level] + STOP_S
                self._begun[here, level] = begun

    def _best(self) -> tuple[tuple[ChargeStop, ...], float, float] | None:
        end = len(self._at_m) - 1
        found: tuple[float, int, int, float] | None = None
        for before in range(1, end):
            used, most, seconds = self._leg(before, end)
            least = math.ceil((self._reserve + most) * self._levels - _SLACK)
            times = self._leave[before, max(least, 0) :]
            if len(times) and math.isfinite(times.min()):
                level = max(least, 0) + int(times.argmin())
                total_s = float(times.min()) + seconds
                if found is None or total_s < found[0] - _SLACK:
                    found = total_s, before, level, level / self._levels - used
        if found is None:
            return None
        total_s, before, level, left = found
        stops = self._stops_back(before, level)
        return stops, total_s - float(self._time_s[end] - self._time_s[0]), left

    def _stops_back(self, here: int, level: int) -> tuple[ChargeStop, ...]:
        stops: list[ChargeStop] = []
        while here > 0:
            one, begun = self._chargers[here - 1], int(self._begun[here, level])
            times = self._times[one.power_w]
            before, left = (int(value) for value in self._from[here, begun])
            stops.append(
                ChargeStop(
                    one.name, one.at_m, one.power_w, begun / self._levels, level / self._levels,
                    float(times[level] - times[begun]),
                )
            )  # fmt: skip
            here, level = before, left
        return tuple(reversed(stops))


def _charge_times(power: Power, station_w: float, capacity_j: float, levels: int) -> Array:
    """[levels + 1], seconds from empty to each level; inf from where nothing flows any more."""
    middles = (np.arange(levels) + 0.5) / levels
    watts = np.array([power(station_w, float(middle)) for middle in middles])
    with np.errstate(divide="ignore"):
        each_s = np.where(
            watts >= LEAST_W, capacity_j / levels / np.maximum(watts, LEAST_W), np.inf
        )
    return np.concatenate([[0.0], np.cumsum(each_s)])


__all__ = ["ChargeStop", "StopPlan", "Use", "plan_stops"]
