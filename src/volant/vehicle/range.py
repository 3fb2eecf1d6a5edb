"""Drive a cycle to an empty battery: `volant range`.

The range shown is what the simulated car drives, never a constant. `calibrated` uses the one fitted
figure of the car's family, `motor.unmodelled_loss_share`; without it the figure is a prediction from
facts and estimates alone, and carries a wider band.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from volant.core.errors import InputError
from volant.vehicle import battery, longitudinal
from volant.vehicle.cycles import Cycle, added_load_kg, load_cycle
from volant.vehicle.longitudinal import Stretch
from volant.vehicle.parameters import PlantSpec, plant_spec
from volant.vehicle.spec import CarSpec, Status

STEP_S: Final = 0.25
"""Agrees with the plant at 5 ms within 0.2 % over NEDC and WLTC, 0.3 % over UDDS (tests/vehicle)."""
CELL_K: Final = 296.15
"""Test cell at 23 degrees Celsius (UN GTR 15, annex 6; recalled); battery soaked to it, climate off."""
BAND_UNCALIBRATED_PCT: Final = 8.0
"""Mean error of brochure data alone in any simulator is 6 to 8 % (our survey of nine cars)."""
BAND_CALIBRATED_PCT: Final = 3.0
"""What one calibration figure left for other figures of the same family in the same survey."""
MOST_CYCLES: Final = 2000
"""Ends a run of a car that never empties, such as one without any resistance."""


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Where the energy went, Wh/km; the six add up to the consumption."""

    air_wh_per_km: float
    rolling_wh_per_km: float
    brakes_wh_per_km: float
    drive_wh_per_km: float
    battery_wh_per_km: float
    auxiliaries_wh_per_km: float


class CyclePoint(msgspec.Struct, frozen=True, kw_only=True):
    """The state at the end of one cycle, the last one unfinished."""

    cycle: int
    distance_km: float
    charge_pct: float
    consumption_wh_per_km: float
    """Of this cycle alone."""
    battery_temperature_k: float


class RangeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run to an empty battery gave."""

    car: str
    title: str
    cycle: str
    calibrated: bool
    range_km: float
    consumption_wh_per_km: float
    """Energy out of the cells, the battery's own loss included, by distance."""
    published_km: float | None
    deviation_pct: float | None
    band_pct: float
    """Half width of the band in which a real car's figure is to be expected."""
    test_mass_kg: float
    usable_kwh: float
    cycles: float
    """How many were driven, the last one in part."""
    duration_s: float
    slowest_lag_mps: float
    """Greatest speed by which the car fell behind the cycle."""
    shares: Shares
    points: tuple[CyclePoint, ...]


class Totals(msgspec.Struct):
    """Sums of a run, grown step by step; joules."""

    distance_m: float = 0.0
    duration_s: float = 0.0
    air_j: float = 0.0
    rolling_j: float = 0.0
    brakes_j: float = 0.0
    drive_j: float = 0.0
    battery_j: float = 0.0
    auxiliaries_j: float = 0.0
    lag_mps: float = 0.0

    def add(self, stretch: Stretch, wanted_mps: float, dt_s: float) -> None:
        """Take in one step."""
        self.distance_m += stretch.distance_m
        self.duration_s += dt_s
        self.air_j += stretch.air_w * dt_s
        self.rolling_j += stretch.rolling_w * dt_s
        self.brakes_j += stretch.friction_w * dt_s
        self.drive_j += stretch.drive_loss_w * dt_s
        self.battery_j += stretch.battery.loss_w * dt_s
        self.auxiliaries_j += stretch.base_w * dt_s
        self.lag_mps = max(self.lag_mps, wanted_mps - stretch.speed_mps)

    @property
    def cells_j(self) -> float:
        """Out of the cells; what is still in motion is zero at the end of a cycle."""
        return (
            self.air_j
            + self.rolling_j
            + self.brakes_j
            + self.drive_j
            + self.battery_j
            + self.auxiliaries_j
        )


def drive_to_empty(
    spec: CarSpec,
    cycle: str | Cycle,
    *,
    calibrated: bool = True,
    progress: Callable[[float], None] | None = None,
) -> RangeResult:
    """Repeat a cycle from a full to an empty battery; `progress` is told the share that is used.

    Raises:
        InputError: the cycle is unknown, or the car cannot move.
        ValueError: the cycle stands still.
    """
    driven = load_cycle(cycle) if isinstance(cycle, str) else cycle
    if driven.distance_m <= 0.0:
        raise ValueError(f"cycle {driven.name} covers no distance")
    load_kg = added_load_kg(spec, driven.name)
    plant = plant_spec(spec, load_kg=load_kg, calibrated=calibrated)
    state = battery.start(1.0, CELL_K, plant)
    total = Totals()
    points: list[CyclePoint] = []
    while state.charge > 0.0 and len(points) < MOST_CYCLES:
        before_m, before_j = total.distance_m, total.cells_j
        state = drive_cycle(plant, driven, state, total, to_empty=True)
        stretch_km = (total.distance_m - before_m) / 1000.0
        used_wh = (total.cells_j - before_j) / 3600.0
        points.append(
            CyclePoint(
                cycle=len(points) + 1,
                distance_km=total.distance_m / 1000.0,
                charge_pct=100.0 * state.charge,
                consumption_wh_per_km=used_wh / stretch_km if stretch_km else 0.0,
                battery_temperature_k=state.temperature_k,
            )
        )
        if progress is not None:
            progress(1.0 - state.charge)
    if total.distance_m <= 0.0:
        raise InputError(f"{spec.name} does not move on {driven.title}: its drive is too weak")
    return _result(spec, driven, plant, calibrated, total, tuple(points))


def drive_cycle(
    plant: PlantSpec,
    cycle: Cycle,
    state: battery.BatteryState,
    total: Totals,
    *,
    to_empty: bool = False,
    dt_s: float = STEP_S,
) -> battery.BatteryState:
    """Drive one cycle, adding to the sums; with `to_empty` it ends where the charge does."""
    speeds = cycle.speed_mps
    parts = round(1.0 / dt_s)
    speed_mps = speeds[0]
    for begin_mps, end_mps in itertools.pairwise(speeds):
        for part in range(1, parts + 1):
            wanted_mps = begin_mps + (end_mps - begin_mps) * part / parts
            stretch = longitudinal.cover(state, speed_mps, wanted_mps, CELL_K, plant, dt_s)
            total.add(stretch, wanted_mps, dt_s)
            speed_mps, state = stretch.speed_mps, stretch.battery
            if to_empty and state.charge <= 0.0:
                return state
    return state


def _result(
    spec: CarSpec,
    cycle: Cycle,
    plant: PlantSpec,
    calibrated: bool,
    total: Totals,
    points: tuple[CyclePoint, ...],
) -> RangeResult:
    range_km = total.distance_m / 1000.0
    figure = getattr(spec.published, f"{cycle.name}_km", None)
    published_km = None if figure is None else figure.value
    fitted = calibrated and spec.motor.unmodelled_loss_share.status is Status.CALIBRATED
    wh_per_km = {
        name: getattr(total, f"{name}_j") / 3600.0 / range_km
        for name in ("air", "rolling", "brakes", "drive", "battery", "auxiliaries")
    }
    return RangeResult(
        car=spec.name,
        title=spec.title,
        cycle=cycle.name,
        calibrated=fitted,
        range_km=range_km,
        consumption_wh_per_km=spec.usable_j / 3600.0 / range_km,
        published_km=published_km,
        deviation_pct=None if published_km is None else 100.0 * (range_km / published_km - 1.0),
        band_pct=BAND_CALIBRATED_PCT if fitted else BAND_UNCALIBRATED_PCT,
        test_mass_kg=plant.mass_kg,
        usable_kwh=spec.usable_j / 3.6e6,
        cycles=total.duration_s / cycle.duration_s,
        duration_s=total.duration_s,
        slowest_lag_mps=total.lag_mps,
        shares=Shares(**{f"{name}_wh_per_km": value for name, value in wh_per_km.items()}),
        points=points,
    )


def plot_range(result: RangeResult, path: Path) -> None:
    """Draw charge and consumption over distance and where the energy went, to an image file.

    Raises:
        OSError: the file cannot be written.
        ValueError: the ending of the file names no image format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    charge, shares = figure.subplots(1, 2, width_ratios=(3, 2))
    distance_km = [0.0, *(point.distance_km for point in result.points)]
    charge.plot(distance_km, [100.0, *(point.charge_pct for point in result.points)])
    if result.published_km is not None:
        charge.axvline(result.published_km, color="grey", linestyle=":")
        charge.annotate(
            f"published\n{result.published_km:.0f} km",
            (result.published_km, 96.0),
            xytext=(-5.0, 0.0),
            textcoords="offset points",
            ha="right",
            va="top",
        )
    charge.set(xlabel="distance, km", ylabel="charge, %", ylim=(0, 100), xlim=(0, None))
    charge.set_title(f"{result.title}, {result.cycle.upper()}: {result.range_km:.0f} km")
    names = [name.removesuffix("_wh_per_km") for name in result.shares.__struct_fields__]
    values = [getattr(result.shares, f"{name}_wh_per_km") for name in names]
    bars = shares.barh(names[::-1], values[::-1])
    shares.bar_label(bars, fmt="%.1f", padding=3)
    shares.margins(x=0.15)
    shares.set(xlabel="consumption, Wh/km")
    shares.set_title(f"{result.consumption_wh_per_km:.0f} Wh/km")
    figure.savefig(path, dpi=150)
