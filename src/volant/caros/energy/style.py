"""The driver's style: speed by what is expected, how hard on and off, how often and long to stand."""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from volant.caros.energy.sample import Sample

PACE_SIGMA: Final = 0.06
"""Drivers differ by so much in speed on free roads (estimated)."""
PACE_NOISE: Final = 0.05
PACE_ALIKE_S: Final = 50.0
"""Speed on a free road is alike for so long: a minute of it is about one look."""
PACE_WANDER_PER_S: Final = 0.02**2 / 3600.0
STEADY_MPS2: Final = 0.25
STEADY_S: Final = 6.0
"""So long under one limit and without pushing or braking before speed counts as chosen."""
LEAST_PACE: Final = 0.75
"""Slower than this share of what is expected is not chosen: something is in the way."""
PUSH_MPS2: Final = 0.4
BRAKE_MPS2: Final = 0.5
STANDS_MPS: Final = 0.3
LONGEST_WAIT_S: Final = 180.0
PAST_MOST: Final = 600.0
"""Counts fade above it, so a new driver is learned in some hours."""


class Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is believed of who drives; priors are estimated."""

    pace: Annotated[float, Meta(ge=0.5, le=1.6)] = 1.0
    """Speed on a free road by the expected one."""
    pace_sigma: Annotated[float, Meta(gt=0.0, le=0.3)] = PACE_SIGMA
    push_mps2: Annotated[float, Meta(ge=0.1, le=6.0)] = 1.3
    push_s: Annotated[float, Meta(ge=0.0, le=1e9)] = 30.0
    """How many seconds of pushing stand behind it."""
    brake_mps2: Annotated[float, Meta(ge=0.1, le=9.0)] = 1.5
    brake_s: Annotated[float, Meta(ge=0.0, le=1e9)] = 30.0
    stood: Annotated[float, Meta(ge=0.0, le=1e9)] = 4.0
    """Stops at which it stood, 4 of 8 before the first."""
    passed: Annotated[float, Meta(ge=0.0, le=1e9)] = 8.0
    """Stops that it came to."""
    waited_s: Annotated[float, Meta(ge=0.0, le=1e9)] = 60.0
    waits: Annotated[float, Meta(gt=0.0, le=1e9)] = 3.0
    steady_s: Annotated[float, Meta(ge=0.0, le=1e9)] = 0.0
    standing_s: Annotated[float, Meta(ge=0.0, le=1e9)] = 0.0

    @property
    def stop_share(self) -> float:
        """How often it stands where one may have to stop."""
        return min(1.0, self.stood / self.passed)

    @property
    def wait_s(self) -> float:
        """How long it stands then."""
        return self.waited_s / self.waits


def loosened(style: Style) -> Style:
    """After a trip: somebody else may drive next time."""
    sigma = min(PACE_SIGMA, math.hypot(style.pace_sigma, 0.5 * PACE_SIGMA))
    return msgspec.structs.replace(style, pace_sigma=sigma, steady_s=0.0, standing_s=0.0)


def after(style: Style, last: Sample, sample: Sample, dt_s: float) -> Style:
    """Take in a step between two samples."""
    accel_mps2 = (sample.speed_mps - last.speed_mps) / dt_s
    style = _stood(style, last, sample, dt_s)
    if accel_mps2 > PUSH_MPS2 and sample.speed_mps > 1.0:
        mean, weight = _mean(style.push_mps2, style.push_s, min(accel_mps2, 6.0), dt_s)
        style = msgspec.structs.replace(style, push_mps2=mean, push_s=weight)
    elif accel_mps2 < -BRAKE_MPS2 and last.speed_mps > 1.0:
        mean, weight = _mean(style.brake_mps2, style.brake_s, min(-accel_mps2, 9.0), dt_s)
        style = msgspec.structs.replace(style, brake_mps2=mean, brake_s=weight)
    return _paced(style, last, sample, accel_mps2, dt_s)


def _mean(mean: float, weight_s: float, value: float, dt_s: float) -> tuple[float, float]:
    weight_s = min(weight_s + dt_s, PAST_MOST)
    return mean + (value - mean) * dt_s / weight_s, weight_s


def _stood(style: Style, last: Sample, sample: Sample, dt_s: float) -> Style:
    """Stops that were passed, and standing at them."""
    passed, stood = style.passed + sample.stops_passed, style.stood
    waited_s, waits, standing_s = style.waited_s, style.waits, style.standing_s
    if passed > PAST_MOST:
        passed, stood = 0.5 * passed, 0.5 * stood
    on_route = math.isfinite(sample.limit_mps)
    if sample.speed_mps < STANDS_MPS:
        # Standing before the trip begins is no stop.
        if standing_s > 0.0 or last.speed_mps >= STANDS_MPS:
            standing_s += dt_s
    elif standing_s > 0.0:
        if on_route and standing_s < LONGEST_WAIT_S:
            stood, waited_s, waits = stood + 1.0, waited_s + standing_s, waits + 1.0
            if waits > PAST_MOST:
                waited_s, waits = 0.5 * waited_s, 0.5 * waits
        standing_s = 0.0
    return msgspec.structs.replace(
        style, passed=passed, stood=min(stood, passed), waited_s=waited_s, waits=waits,
        standing_s=standing_s,
    )  # fmt: skip


def _paced(style: Style, last: Sample, sample: Sample, accel_mps2: float, dt_s: float) -> Style:
    limit_mps = sample.limit_mps
    chosen = (
        math.isfinite(limit_mps)
        and limit_mps == last.limit_mps
        and abs(accel_mps2) < STEADY_MPS2
        and sample.speed_mps > LEAST_PACE * limit_mps
    )
    sigma2 = min(style.pace_sigma**2 + PACE_WANDER_PER_S * dt_s, 0.09)
    if not chosen:
        return msgspec.structs.replace(style, steady_s=0.0, pace_sigma=math.sqrt(sigma2))
    steady_s = style.steady_s + dt_s
    if steady_s < STEADY_S:
        return msgspec.structs.replace(style, steady_s=steady_s, pace_sigma=math.sqrt(sigma2))
    noise2 = PACE_NOISE**2 * PACE_ALIKE_S / dt_s
    gain = sigma2 / (sigma2 + noise2)
    pace = style.pace + gain * (min(sample.speed_mps / limit_mps, 1.6) - style.pace)
    return msgspec.structs.replace(
        style,
        steady_s=steady_s,
        pace=min(max(pace, 0.5), 1.6),
        pace_sigma=math.sqrt((1.0 - gain) * sigma2),
    )


__all__ = ["Style", "after", "loosened"]
