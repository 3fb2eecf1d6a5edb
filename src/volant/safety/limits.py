"""The table of limits by source, each with its clause, and the arithmetic that holds a command to it.

The table is data: `LIMITS` is what the guard enforces and what docs/reference/guard.md prints. A figure
is `read` (in a stored source), `recalled` (known, not confirmed here: never shown as compliant) or
`chosen` (our own, with the reason). A driver is never limited: the rows of that source bound only what
lane keeping adds to the driver's own steering.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import msgspec

from volant.core.clock import CONTROL_TICK_NS, nanoseconds
from volant.core.messages import CommandSource


class Status(enum.Enum):
    """How sure a figure is."""

    READ = "read"
    RECALLED = "recalled"
    CHOSEN = "chosen"


class Quantity(enum.Enum):
    """What a row bounds; the value is its unit."""

    ACCEL_MAX = "m/s2, upper bound"
    ACCEL_MIN = "m/s2, lower bound"
    JERK = "m/s3, either way, over one tick"
    DECEL_JERK_MEAN = "m/s3, growth of deceleration, mean"
    LATERAL_ACCEL = "m/s2, either way"
    LATERAL_JERK = "m/s3, either way, by steering, over one tick"
    LATERAL_JERK_MEAN = "m/s3, either way, mean"
    STEER_RATE = "rad/s, road wheels, either way"
    CURVATURE = "1/m, either way"


class Limit(msgspec.Struct, frozen=True, gc=False):
    """One row. `value` holds up to `slow_mps`, `fast_value` from `fast_mps` on, linear between."""

    name: str
    source: CommandSource
    quantity: Quantity
    value: float
    fast_value: float
    clause: str
    status: Status
    window_s: float = 0.0
    """Over which a mean is taken; 0 for a bound at each tick."""
    slow_mps: float = 5.0
    fast_mps: float = 20.0

    def at(self, speed_mps: float) -> float:
        """The bound at a speed (not negative)."""
        if speed_mps <= self.slow_mps:
            return self.value
        if speed_mps >= self.fast_mps:
            return self.fast_value
        share = (speed_mps - self.slow_mps) / (self.fast_mps - self.slow_mps)
        return self.value + share * (self.fast_value - self.value)


_C: Final = CommandSource.COMFORT
_M: Final = CommandSource.MINIMAL_RISK
_A: Final = CommandSource.AEB
_D: Final = CommandSource.DRIVER
_Q: Final = Quantity
_NUPLAN: Final = "nuPlan comfort gate on the magnitude of jerk, 8.37 m/s3 (tuplan_garage)"
_LATERAL: Final = "ISO 11270 as opendbc cites it (3.0); UN R79 B1 the same, recalled"
_LATERAL_JERK: Final = "ISO 11270 as opendbc cites it (5.0); 0.5 s mean as in UN R79 C"
_WHEELS: Final = "steering wheel at 430 deg/s over a ratio of 15; the car's own figure if lower"
_BEND: Final = "opendbc drive_helpers (MAX_CURVATURE 0.2); the car's own figure if lower"

# ISO 15622 averages deceleration over 2 s. Holding each tick to the same figure is stricter and needs
# no window, because the bound only widens while the car slows.
LIMITS: Final[tuple[Limit, ...]] = (
    Limit("comfort_accel", _C, _Q.ACCEL_MAX, 4.0, 2.0,
          "ISO 15622 (2.0, low speed 4.0); 2.0 agrees with opendbc", Status.RECALLED),
    Limit("comfort_decel", _C, _Q.ACCEL_MIN, -5.0, -3.5,
          "ISO 15622 (3.5 above 20 m/s, 5.0 below 5 m/s); 3.5 agrees with opendbc", Status.RECALLED),
    Limit("comfort_jerk", _C, _Q.JERK, 8.37, 8.37, _NUPLAN, Status.READ),
    Limit("comfort_decel_jerk", _C, _Q.DECEL_JERK_MEAN, 5.0, 2.5,
          "ISO 15622 (2.5 above 20 m/s, 5.0 below 5 m/s, 1 s mean)", Status.RECALLED, 1.0),
    Limit("comfort_lateral_accel", _C, _Q.LATERAL_ACCEL, 3.0, 3.0, _LATERAL, Status.READ),
    Limit("comfort_lateral_jerk", _C, _Q.LATERAL_JERK, 8.37, 8.37, _NUPLAN, Status.READ),
    Limit("comfort_lateral_jerk_mean", _C, _Q.LATERAL_JERK_MEAN, 5.0, 5.0, _LATERAL_JERK,
          Status.READ, 0.5),
    Limit("comfort_steer_rate", _C, _Q.STEER_RATE, 0.5, 0.5, _WHEELS, Status.CHOSEN),
    Limit("comfort_curvature", _C, _Q.CURVATURE, 0.2, 0.2, _BEND, Status.READ),
    Limit("stop_accel", _M, _Q.ACCEL_MAX, 0.0, 0.0, "a stop never speeds up", Status.CHOSEN),
    Limit("stop_decel", _M, _Q.ACCEL_MIN, -4.0, -4.0,
          "UN R157 5.5: a minimal-risk manoeuvre asks for at most 4.0 m/s2", Status.RECALLED),
    Limit("stop_jerk", _M, _Q.JERK, 8.37, 8.37, _NUPLAN, Status.READ),
    Limit("stop_lateral_accel", _M, _Q.LATERAL_ACCEL, 3.0, 3.0, _LATERAL, Status.READ),
    Limit("stop_lateral_jerk", _M, _Q.LATERAL_JERK, 8.37, 8.37, _NUPLAN, Status.READ),
    Limit("stop_lateral_jerk_mean", _M, _Q.LATERAL_JERK_MEAN, 5.0, 5.0, _LATERAL_JERK,
          Status.READ, 0.5),
    Limit("stop_steer_rate", _M, _Q.STEER_RATE, 0.5, 0.5, _WHEELS, Status.CHOSEN),
    Limit("stop_curvature", _M, _Q.CURVATURE, 0.2, 0.2, _BEND, Status.READ),
    Limit("aeb_accel", _A, _Q.ACCEL_MAX, 0.0, 0.0, "emergency braking only brakes", Status.CHOSEN),
    Limit("aeb_decel", _A, _Q.ACCEL_MIN, -10.0, -10.0,
          "grip of dry asphalt, about 1 g; UN R152 asks for at least 5.0 (recalled)", Status.CHOSEN),
    Limit("aeb_jerk", _A, _Q.JERK, 50.0, 50.0, "full braking within 0.2 s", Status.CHOSEN),
    Limit("assist_lateral_accel", _D, _Q.LATERAL_ACCEL, 3.0, 3.0,
          "what lane keeping adds: ISO 11270 as opendbc cites it (3.0)", Status.READ),
    Limit("assist_lateral_jerk", _D, _Q.LATERAL_JERK, 5.0, 5.0,
          "what lane keeping adds: ISO 11270 as opendbc cites it (5.0)", Status.READ),
)  # fmt: skip


class AlongRows(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rows of one source that bound acceleration."""

    accel_max: Limit
    accel_min: Limit
    jerk: Limit
    decel_jerk_mean: Limit | None


class AcrossRows(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rows of one source that bound steering."""

    lateral_accel: Limit
    lateral_jerk: Limit
    lateral_jerk_mean: Limit
    steer_rate: Limit
    curvature: Limit


class AssistRows(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rows that bound what lane keeping adds to the driver's own steering."""

    lateral_accel: Limit
    lateral_jerk: Limit


class LimitTable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The table sorted for use at 100 Hz. Emergency braking does not steer, so it has no row across."""

    comfort: AlongRows
    comfort_across: AcrossRows
    stop: AlongRows
    stop_across: AcrossRows
    aeb: AlongRows
    assist: AssistRows
    accel_ticks: int
    """How many outputs the mean of jerk looks back on."""
    lateral_ticks: int
    """The same across."""


def sort_limits(rows: tuple[Limit, ...] = LIMITS) -> LimitTable:
    """Sort rows by source and quantity.

    Raises:
        ValueError: a quantity that the guard needs has no row or two, or windows disagree.
    """
    found: dict[tuple[CommandSource, Quantity], Limit] = {}
    for row in rows:
        key = (row.source, row.quantity)
        if key in found:
            raise ValueError(f"two rows bound {row.source.value} {row.quantity.name}")
        found[key] = row

    def along(source: CommandSource) -> AlongRows:
        return AlongRows(
            accel_max=need(source, Quantity.ACCEL_MAX),
            accel_min=need(source, Quantity.ACCEL_MIN),
            jerk=need(source, Quantity.JERK),
            decel_jerk_mean=found.get((source, Quantity.DECEL_JERK_MEAN)),
        )

    def across(source: CommandSource) -> AcrossRows:
        return AcrossRows(
            lateral_accel=need(source, Quantity.LATERAL_ACCEL),
            lateral_jerk=need(source, Quantity.LATERAL_JERK),
            lateral_jerk_mean=need(source, Quantity.LATERAL_JERK_MEAN),
            steer_rate=need(source, Quantity.STEER_RATE),
            curvature=need(source, Quantity.CURVATURE),
        )

    def need(source: CommandSource, quantity: Quantity) -> Limit:
        if (source, quantity) not in found:
            raise ValueError(f"no row bounds {source.value} {quantity.name}")
        return found[source, quantity]

    return LimitTable(
        comfort=along(_C),
        comfort_across=across(_C),
        stop=along(_M),
        stop_across=across(_M),
        aeb=along(_A),
        assist=AssistRows(
            lateral_accel=need(_D, Quantity.LATERAL_ACCEL),
            lateral_jerk=need(_D, Quantity.LATERAL_JERK),
        ),
        accel_ticks=_ticks(rows, Quantity.DECEL_JERK_MEAN),
        lateral_ticks=_ticks(rows, Quantity.LATERAL_JERK_MEAN),
    )


def _ticks(rows: tuple[Limit, ...], quantity: Quantity) -> int:
    """Control ticks in the window of a mean; every source must use the same one.

    Raises:
        ValueError: they do not, or the window is shorter than a tick.
    """
    windows = {row.window_s for row in rows if row.quantity is quantity}
    if len(windows) > 1:
        raise ValueError(f"rows of {quantity.name} have different windows")
    ticks = [nanoseconds(window_s) // CONTROL_TICK_NS for window_s in windows] or [1]
    if ticks[0] < 1:
        raise ValueError(f"the window of {quantity.name} is shorter than a control tick")
    return ticks[0]


TABLE: Final = sort_limits()


class Bounded(msgspec.Struct, frozen=True, gc=False):
    """A value held to its rows, and the names of the rows that bound."""

    value: float
    limits: tuple[str, ...]


class Motion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the arithmetic needs to know of the car at this tick."""

    speed_mps: float
    """Not negative."""
    dt_s: float
    """Since the last output."""
    wheelbase_m: float
    max_curvature_per_m: float
    max_steer_rate_rps: float


def bound_accel(
    wanted_mps2: float, last_mps2: float, second_ago_mps2: float, motion: Motion, rows: AlongRows
) -> Bounded:
    """Hold an acceleration to its rows.

    The later clip wins where two disagree: mean jerk, then acceleration, then jerk over the tick. So
    the jerk bound always holds, and an acceleration that is outside its row, because the source has
    just changed, returns into it as fast as that jerk allows.

    Args:
        wanted_mps2: asked for; finite.
        last_mps2: the output one tick before.
        second_ago_mps2: the output one averaging window before.
        motion: speed and time step.
        rows: the rows of the source.
    """
    speed_mps = motion.speed_mps
    value = wanted_mps2
    limits: tuple[str, ...] = ()
    mean = rows.decel_jerk_mean
    if mean is not None:
        # "Rate of change of deceleration": taking the foot off the accelerator does not count.
        floor = min(second_ago_mps2, 0.0) - mean.at(speed_mps) * mean.window_s
        if value < floor:
            value, limits = floor, (mean.name,)
    if value < (floor := rows.accel_min.at(speed_mps)):
        value, limits = floor, (rows.accel_min.name,)
    elif value > (ceiling := rows.accel_max.at(speed_mps)):
        value, limits = ceiling, (rows.accel_max.name,)
    step = rows.jerk.at(speed_mps) * motion.dt_s
    held = min(max(value, last_mps2 - step), last_mps2 + step)
    if held != value:
        value, limits = held, (*limits, rows.jerk.name)
    return Bounded(value, limits if value != wanted_mps2 else ())


def bound_curvature(
    wanted_per_m: float,
    last_per_m: float,
    lateral_ago_mps2: float,
    motion: Motion,
    rows: AcrossRows,
) -> Bounded:
    """Hold a curvature to its rows; the later clip wins: mean jerk, acceleration, jerk, steering rate.

    Args:
        wanted_per_m: asked for; finite.
        last_per_m: the output one tick before.
        lateral_ago_mps2: speed squared times output, one averaging window before.
        motion: speed, time step and geometry.
        rows: the rows of the source.
    """
    value = wanted_per_m
    names: list[str] = []
    square = motion.speed_mps * motion.speed_mps

    def clip(low: float, high: float, row: Limit) -> None:
        nonlocal value
        held = min(max(value, low), high)
        if held != value:
            value = held
            names.append(row.name)

    most = min(rows.curvature.at(motion.speed_mps), motion.max_curvature_per_m)
    clip(-most, most, rows.curvature)
    if square > _STILL_SQUARE:
        mean = rows.lateral_jerk_mean
        swing = mean.at(motion.speed_mps) * mean.window_s
        clip((lateral_ago_mps2 - swing) / square, (lateral_ago_mps2 + swing) / square, mean)
        most = rows.lateral_accel.at(motion.speed_mps) / square
        clip(-most, most, rows.lateral_accel)
        step = rows.lateral_jerk.at(motion.speed_mps) * motion.dt_s / square
        clip(last_per_m - step, last_per_m + step, rows.lateral_jerk)
    rate_rps = min(rows.steer_rate.at(motion.speed_mps), motion.max_steer_rate_rps)
    turn_rad = rate_rps * motion.dt_s
    steer_rad = math.atan(motion.wheelbase_m * last_per_m)
    low = math.tan(max(steer_rad - turn_rad, -_MOST_STEER_RAD)) / motion.wheelbase_m
    high = math.tan(min(steer_rad + turn_rad, _MOST_STEER_RAD)) / motion.wheelbase_m
    clip(low, high, rows.steer_rate)
    return Bounded(value, tuple(names) if value != wanted_per_m else ())


def bound_assist(wanted_mps2: float, last_mps2: float, motion: Motion, rows: AssistRows) -> Bounded:
    """Hold what lane keeping adds across to its rows: first its size, then its change over the tick.

    Args:
        wanted_mps2: lateral acceleration asked for, left positive; finite.
        last_mps2: what was added one tick before.
        motion: speed and time step.
        rows: the rows of lane keeping.
    """
    most = rows.lateral_accel.at(motion.speed_mps)
    step = rows.lateral_jerk.at(motion.speed_mps) * motion.dt_s
    value = min(max(wanted_mps2, -most), most)
    names = () if value == wanted_mps2 else (rows.lateral_accel.name,)
    held = min(max(value, last_mps2 - step), last_mps2 + step)
    if held != value:
        names = (*names, rows.lateral_jerk.name)
    return Bounded(held, names)


_STILL_SQUARE: Final = 0.25
"""Below 0.5 m/s only the steering rate bounds: lateral acceleration means nothing there."""
_MOST_STEER_RAD: Final = 1.5
"""Keeps the tangent finite; no road wheel turns that far."""
