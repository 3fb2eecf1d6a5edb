"""Learns what no file tells of this car on this day: mass, wind, rolling, capacity, style.

An extended Kalman filter over the power balance: each window of some seconds compares what the battery gave
with what `balance` makes of the motion. Windows that fit badly count little, factors stay in bounds, so no
run of bad samples costs more than a bounded error. Capacity and style are filters of their own.
"""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from volant.caros.energy import balance, style
from volant.caros.energy.balance import BASE, COUNT, EAST, MASS, NORTH, ROLLING
from volant.caros.energy.facts import Facts
from volant.caros.energy.sample import Sample
from volant.caros.energy.style import Style
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError
from volant.core.units import GRAVITY_MPS2
from volant.vehicle import consumption
from volant.vehicle.consumption import Consumption

SIGMAS: Final = (0.10, 0.05, 0.03, 2.1, 2.1, 60.0, 0.2)
"""Standard deviations at first, as `balance.FACTORS`: a full load or none, a breeze (estimated)."""
LOOSENED: Final = ((MASS, 0.03), (ROLLING, 0.025), (BASE, 30.0))
"""Standard deviations that a parked car adds: load and tyres are mostly those of before (estimated)."""
BOUNDS: Final = (
    (0.7, 1.6), (0.5, 2.0), (0.6, 1.8), (-25.0, 25.0), (-25.0, 25.0), (0.0, 3000.0), (0.0, 4.0),
)  # fmt: skip
WANDER_PER_S: Final = (
    0.0, 0.02**2 / 3600.0, 0.0, 1.0 / 3600.0, 1.0 / 3600.0, 50.0**2 / 3600.0, 0.05**2 / 3600.0,
)  # fmt: skip
"""Variance that grows by time: the wind turns by 1 m/s in an hour, tyres warm (estimated)."""
CAPACITY: Final = 0.95
CAPACITY_SIGMA: Final = 0.06
"""Of the new battery's: one in use has lost 0 to 10 %, an old one 20 (estimated)."""
CAPACITY_BOUNDS: Final = (0.6, 1.05)
CAPACITY_STEP: Final = 0.005
"""Charge over which the current is counted for one look at the capacity."""
CAPACITY_NOISE: Final = 0.02
"""Of one such look: currents are seen once a second (estimated)."""
WINDOW_S: Final = 25.0
"""Long enough that a map's errors of height, which do not add up, count little (chosen)."""
NOISE_J2_PER_S: Final = 1300.0**2
"""Power is seen once a second and jumps between: this sum of squares grows by time (estimated)."""
NOISE_SHARE: Final = 0.02
NOISE_N: Final = 15.0
"""What gusts leave over a window, at the wheels (estimated)."""
MAP_M: Final = 0.8
"""Difference of two heights' errors (estimated)."""
UNKNOWN_SLOPE: Final = 0.02
OUTLIER: Final = 2.5
"""Windows that are further off than so many standard deviations are counted as if they were there."""
SHORTEST_S: Final = 0.2
LONGEST_S: Final = 3.0
FASTEST_MPS: Final = 90.0
STRONGEST_W: Final = 2e6
CHARGING_W: Final = -300.0
"""Below it at standstill the car hangs on a cable."""

Share = Annotated[float, Meta(ge=0.0, le=1.1)]


class Window(msgspec.Struct, frozen=True):
    """Sums since the last look; none of it is stored."""

    last: Sample | None = None
    time_s: float = 0.0
    distance_m: float = 0.0
    measured_j: float = 0.0
    expected_j: float = 0.0
    turnover_j: float = 0.0
    """Of the drive, either way."""
    blind_m: float = 0.0
    """Of it without a known slope."""
    jacobian: tuple[float, ...] = (0.0,) * COUNT
    flowed_c: float = 0.0
    charge_from: float | None = None
    """Charge at which counting `flowed_c` began."""


class Learned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed of the car, with its uncertainty."""

    car: str
    factors: tuple[float, ...]
    """As `balance.FACTORS`."""
    covariance: tuple[tuple[float, ...], ...]
    capacity: float
    """Of the new battery's."""
    capacity_sigma: float
    style: Style
    recent_j_per_m: float
    """Out of the battery, over the last 20 km or so."""
    driven_m: float = 0.0
    window: Window = Window()

    def sigma(self, index: int) -> float:
        """Standard deviation of a factor."""
        return math.sqrt(max(0.0, self.covariance[index][index]))


def start(facts: Facts) -> Learned:
    """What is believed of a car that nobody has driven yet."""
    factors = (1.0, 1.0, 1.0, 0.0, 0.0, facts.plant.base_load_w, 1.0)
    return Learned(
        car=facts.name,
        factors=factors,
        covariance=_rows(np.diag([one * one for one in SIGMAS])),
        capacity=CAPACITY,
        capacity_sigma=CAPACITY_SIGMA,
        style=Style(),
        recent_j_per_m=facts.usual_j_per_m,
    )


def parked(learned: Learned) -> Learned:
    """After a trip: the wind is another one next time, load, tyres and driver may be."""
    covariance = np.array(learned.covariance)
    factors = list(learned.factors)
    for index in (EAST, NORTH):
        covariance[index, :] = covariance[:, index] = 0.0
        covariance[index, index] = SIGMAS[index] ** 2
        factors[index] = 0.0
    for index, sigma in LOOSENED:
        covariance[index, index] = min(covariance[index, index] + sigma**2, SIGMAS[index] ** 2)
    return msgspec.structs.replace(
        learned,
        factors=tuple(factors),
        covariance=_rows(covariance),
        style=style.loosened(learned.style),
        window=Window(),
    )


def step(learned: Learned, sample: Sample, facts: Facts) -> Learned:
    """Take in a sample; one that is not plausible, too late or too early begins anew or changes nothing."""
    if not _plausible(sample):
        return learned
    window = learned.window
    last = window.last
    if last is None:
        return _anew(learned, sample)
    dt_s = (sample.stamp_ns - last.stamp_ns) / NS_PER_S
    if 0.0 <= dt_s < SHORTEST_S:
        return learned
    hangs = sample.power_w < CHARGING_W and sample.speed_mps < 0.1 and last.speed_mps < 0.1
    if not 0.0 < dt_s <= LONGEST_S or hangs or sample.speed_mps < 0.0:
        return _anew(learned, sample)
    grown = _grown(learned, sample, last, dt_s, facts)
    distance_m = 0.5 * (sample.speed_mps + last.speed_mps) * dt_s
    used_j = 0.5 * (sample.power_w + last.power_w) * dt_s
    recent = consumption.after(Consumption(learned.recent_j_per_m), used_j, distance_m)
    learned = msgspec.structs.replace(
        learned,
        style=style.after(learned.style, last, sample, dt_s),
        recent_j_per_m=recent.recent_j_per_m,
        driven_m=learned.driven_m + distance_m,
        window=grown,
    )
    if grown.time_s >= WINDOW_S:
        learned = _balanced(learned, facts)
    return _counted(learned, facts)


def _plausible(sample: Sample) -> bool:
    figures = (sample.speed_mps, sample.power_w, sample.current_a, sample.charge, sample.cabin_k)
    if not all(map(math.isfinite, figures)):
        return False
    if abs(sample.speed_mps) > FASTEST_MPS or abs(sample.power_w) > STRONGEST_W:
        return False
    kelvins = (sample.ambient_k, sample.battery_k, sample.cabin_k, sample.wished_k)
    return all(200.0 < one < 400.0 for one in kelvins) and 0.0 <= sample.charge <= 1.0


def _anew(learned: Learned, sample: Sample) -> Learned:
    window = Window(last=sample, charge_from=sample.charge)
    return msgspec.structs.replace(learned, window=window)


def _grown(learned: Learned, sample: Sample, last: Sample, dt_s: float, facts: Facts) -> Window:
    """The window with one step more."""
    window, spec, factors = learned.window, facts.plant, learned.factors
    blind = not math.isfinite(sample.slope)
    jacobian = [0.0] * COUNT
    regen_w = balance.regen_w(sample.charge, sample.battery_k, spec)
    incline = 0.0 if blind else sample.slope / math.hypot(1.0, sample.slope)
    drive_w = balance.drawn_w(
        factors, last.speed_mps, sample.speed_mps, dt_s, incline, sample.heading_rad, regen_w, spec, jacobian,
    )  # fmt: skip
    most_w, walls_w = balance.climate_w(
        sample.ambient_k,
        sample.cabin_k,
        sample.wished_k,
        sample.fan,
        sample.climate_on,
        spec,
    )
    jacobian[BASE], jacobian[balance.CLIMATE] = 1.0, walls_w
    expected_w = drive_w + factors[BASE] + most_w + factors[balance.CLIMATE] * walls_w
    distance_m = 0.5 * (sample.speed_mps + last.speed_mps) * dt_s
    return Window(
        last=sample,
        time_s=window.time_s + dt_s,
        distance_m=window.distance_m + distance_m,
        measured_j=window.measured_j + 0.5 * (sample.power_w + last.power_w) * dt_s,
        expected_j=window.expected_j + expected_w * dt_s,
        turnover_j=window.turnover_j + abs(drive_w) * dt_s,
        blind_m=window.blind_m + (distance_m if blind else 0.0),
        jacobian=tuple(a + b * dt_s for a, b in zip(window.jacobian, jacobian, strict=True)),
        flowed_c=window.flowed_c + 0.5 * (sample.current_a + last.current_a) * dt_s,
        charge_from=last.charge if window.charge_from is None else window.charge_from,
    )


def _balanced(learned: Learned, facts: Facts) -> Learned:
    """One step of the filter: what the window gave beside what was expected."""
    window = learned.window
    row = np.array(window.jacobian)
    before = np.array(learned.covariance) + np.diag(WANDER_PER_S) * window.time_s
    weight_n = facts.plant.mass_kg * GRAVITY_MPS2
    noise_j2 = (
        NOISE_J2_PER_S * window.time_s
        + (NOISE_SHARE * window.turnover_j) ** 2
        + (NOISE_N * window.distance_m) ** 2
        + (weight_n * MAP_M) ** 2 * min(1.0, window.distance_m / 100.0)
        + (weight_n * UNKNOWN_SLOPE * window.blind_m) ** 2
    )
    spread = before @ row
    total_j2 = float(row @ spread) + noise_j2
    off_j = window.measured_j - window.expected_j
    most_j = OUTLIER * math.sqrt(total_j2)
    gain = spread / total_j2
    moved = np.array(learned.factors) + gain * min(max(off_j, -most_j), most_j)
    factors = tuple(
        float(min(max(one, low), high)) for one, (low, high) in zip(moved, BOUNDS, strict=True)
    )
    keep = np.eye(COUNT) - np.outer(gain, row)
    after = keep @ before @ keep.T + np.outer(gain, gain) * noise_j2
    return msgspec.structs.replace(
        learned,
        factors=factors,
        covariance=_rows(0.5 * (after + after.T)),
        window=Window(last=window.last, flowed_c=window.flowed_c, charge_from=window.charge_from),
    )


def _counted(learned: Learned, facts: Facts) -> Learned:
    """Compare the current that flowed with the charge that went, once enough of it has."""
    window = learned.window
    if window.last is None or window.charge_from is None:
        return learned
    gone = window.charge_from - window.last.charge
    if abs(gone) < CAPACITY_STEP:
        return learned
    seen = window.flowed_c / gone / facts.plant.capacity_c
    anew = msgspec.structs.replace(window, flowed_c=0.0, charge_from=window.last.charge)
    if not CAPACITY_BOUNDS[0] <= seen <= CAPACITY_BOUNDS[1]:
        return msgspec.structs.replace(learned, window=anew)
    variance = learned.capacity_sigma**2
    gain = variance / (variance + CAPACITY_NOISE**2)
    most = OUTLIER * math.sqrt(variance + CAPACITY_NOISE**2)
    off = min(max(seen - learned.capacity, -most), most)
    return msgspec.structs.replace(
        learned,
        capacity=learned.capacity + gain * off,
        capacity_sigma=max(0.002, math.sqrt((1.0 - gain) * variance)),
        window=anew,
    )


def _rows(matrix: object) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(one) for one in row) for row in matrix)  # type: ignore[attr-defined]


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's form: without the window."""

    car: str
    factors: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    capacity: Annotated[float, Meta(ge=0.5, le=1.1)]
    capacity_sigma: Annotated[float, Meta(gt=0.0, le=0.1)]
    style: Style
    recent_j_per_m: Annotated[float, Meta(ge=0.0, le=1e5)]
    driven_m: Annotated[float, Meta(ge=0.0, le=1e12)] = 0.0


def stored(learned: Learned) -> bytes:
    """What was learned as JSON; the window since the last look is left out."""
    fields = {name: getattr(learned, name) for name in _Stored.__struct_fields__}
    return msgspec.json.encode(_Stored(**fields))


def read_stored(data: bytes, facts: Facts) -> Learned:
    """What `stored` wrote.

    Raises:
        InputError: it is not that, or of another car.
    """
    try:
        read = msgspec.json.decode(data[:65536], type=_Stored)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"not what was learned of a car: {error}") from error
    if read.car != facts.name:
        raise InputError(f"learned of {read.car[:40]!r}, expected {facts.name!r}")
    bounded = len(read.factors) == COUNT and all(
        low <= one <= high for one, (low, high) in zip(read.factors, BOUNDS, strict=True)
    )
    matrix = read.covariance
    if not bounded or len(matrix) != COUNT or any(len(row) != COUNT for row in matrix):
        raise InputError("not what was learned of a car: factors out of bounds")
    spread = np.array(matrix)
    if not np.allclose(spread, spread.T) or float(np.linalg.eigvalsh(spread)[0]) < -1e-6:
        raise InputError("not what was learned of a car: no covariance")
    return Learned(**{name: getattr(read, name) for name in _Stored.__struct_fields__})


__all__ = ["Learned", "Window", "parked", "read_stored", "start", "step", "stored"]
