"""The cell's open-circuit voltage over charge, and the energy under that curve."""

from __future__ import annotations

from typing import Final

# Open-circuit voltage of one NMC cell over its charge, 0 to 100 % in equal steps. Read off the general
# shape of published NMC 811/graphite curves; recalled, not a measurement of this car's cells. Only the
# mean enters the range, since capacity is derived from energy.
CELL_OCV_V: Final = (
    3.200, 3.450, 3.540, 3.590, 3.630, 3.670, 3.730, 3.810, 3.900, 4.000, 4.150,
)  # fmt: skip
_CELLS: Final = len(CELL_OCV_V) - 1
_MEAN_CELL_V: Final = (sum(CELL_OCV_V) - 0.5 * (CELL_OCV_V[0] + CELL_OCV_V[-1])) / _CELLS
_OCV: Final = (*CELL_OCV_V, CELL_OCV_V[-1])
_AREA_V: Final = tuple(
    sum(0.5 * (CELL_OCV_V[i] + CELL_OCV_V[i + 1]) for i in range(count))
    for count in range(_CELLS + 1)
)
"""Integral of the curve from empty, in steps of the table."""


def open_circuit_v(charge: float, cells_in_series: int) -> float:
    """Voltage of the pack at no load; charge from 0 to 1."""
    place = charge * _CELLS
    index = int(place)
    low = _OCV[index]
    return cells_in_series * (low + (place - index) * (_OCV[index + 1] - low))


def charge_capacity_c(usable_j: float, cells_in_series: int) -> float:
    """Charge of the usable window so that it holds this energy at no load."""
    return usable_j / (cells_in_series * _MEAN_CELL_V)


def energy_j(charge: float, capacity_c: float, cells_in_series: int) -> float:
    """Energy from empty up to a charge at no load: the integral of the open-circuit voltage."""
    place = min(1.0, max(0.0, charge)) * _CELLS
    index = int(place)
    rest = place - index
    part = rest * (_OCV[index] + 0.5 * rest * (_OCV[index + 1] - _OCV[index]))
    return (_AREA_V[index] + part) / _CELLS * capacity_c * cells_in_series
