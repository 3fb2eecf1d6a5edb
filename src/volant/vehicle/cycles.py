"""Driving cycles of type approval: NEDC from its list of ramps, the others from `traces/*.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from volant.core.errors import InputError
from volant.core.settings import nearest
from volant.core.units import mps_from_kmh
from volant.vehicle.spec import CarSpec

_TRACES: Final = Path(__file__).resolve().parent / "traces"
_MPS_PER_MPH: Final = 0.44704

# UN R83, annex 4a (type I test), operations as (seconds, speed in km/h at their end); from standstill.
_URBAN: Final = (
    (11, 0), (4, 15), (8, 15), (2, 10), (3, 0), (21, 0), (5, 15), (2, 15), (5, 32), (24, 32),
    (8, 10), (3, 0), (21, 0), (5, 15), (2, 15), (9, 35), (2, 35), (8, 50), (12, 50), (8, 35),
    (13, 35), (2, 32), (7, 10), (3, 0), (7, 0),
)  # fmt: skip
_EXTRA_URBAN: Final = (
    (20, 0), (5, 15), (2, 15), (9, 35), (2, 35), (8, 50), (2, 50), (13, 70), (50, 70), (8, 50),
    (69, 50), (13, 70), (50, 70), (35, 100), (30, 100), (20, 120), (10, 120), (16, 80), (8, 50),
    (10, 0), (20, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cycle:
    """Speeds to drive, one a second from standstill to standstill, linear between."""

    name: str
    title: str
    speed_mps: tuple[float, ...]

    @property
    def duration_s(self) -> float:
        """From the first to the last speed."""
        return float(len(self.speed_mps) - 1)

    @property
    def distance_m(self) -> float:
        """Of one whole cycle."""
        speeds = self.speed_mps
        return sum(speeds) - 0.5 * (speeds[0] + speeds[-1])


CYCLE_TITLES: Final = {
    "nedc": "New European Driving Cycle (UN R83)",
    "wltc": "WLTC class 3b (UN GTR 15)",
    "udds": "EPA city schedule UDDS",
    "hwfet": "EPA highway schedule HWFET",
}
CYCLE_NAMES: Final = tuple(CYCLE_TITLES)


@cache
def load_cycle(name: str) -> Cycle:
    """A cycle by its name.

    Raises:
        InputError: there is none of that name; the message gives the nearest.
    """
    wanted = name.lower()
    if wanted not in CYCLE_TITLES:
        close = nearest(wanted, CYCLE_NAMES) or CYCLE_NAMES
        raise InputError(f"no cycle named {name!r}; nearest: {', '.join(close)}")
    speeds = _nedc() if wanted == "nedc" else _trace(wanted)
    return Cycle(wanted, CYCLE_TITLES[wanted], speeds)


def _nedc() -> tuple[float, ...]:
    speeds = [0.0]
    for seconds, end_kmh in (*_URBAN * 4, *_EXTRA_URBAN):
        begin, end = speeds[-1], mps_from_kmh(end_kmh)
        speeds += [begin + (end - begin) * second / seconds for second in range(1, seconds + 1)]
    return tuple(speeds)


def _trace(name: str) -> tuple[float, ...]:
    lines = (_TRACES / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    factor = {"speed_kmh": 1.0 / 3.6, "speed_mph": _MPS_PER_MPH}[rows[0][1]]
    return tuple(float(row[1]) * factor for row in rows[1:])


def added_load_kg(spec: CarSpec, cycle: str) -> float:
    """What is added to the kerb mass when a cycle is driven for a published figure.

    NEDC: 100 kg (reference mass, UN R83, 2.2; recalled). WLTC: driver 75 kg, 25 kg, and 15 % of the
    payload left of the permissible mass (UN GTR 15, annex 4, 4.2.1.3; without options; recalled).
    EPA: 300 lb, the loaded vehicle weight (40 CFR 86.1803; recalled).
    """
    if cycle == "wltc":
        running_kg = spec.body.kerb_mass_kg.value + 75.0
        payload_kg = max(0.0, spec.body.gross_mass_kg.value - running_kg - 25.0)
        return 100.0 + 0.15 * payload_kg
    return 100.0 if cycle == "nedc" else 136.078


__all__ = ["CYCLE_NAMES", "CYCLE_TITLES", "Cycle", "added_load_kg", "load_cycle"]
