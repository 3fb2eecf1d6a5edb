"""The gyro's zero, learnt while the pilot drives: what a stop by wheels and IMU at speed hangs on most.

A gyro that says 0.1 degree a second too much takes a car at 33 m/s 1.4 m aside before it stands. Every two
seconds the guard compares how far the gyro turned with how far the lane turned by the stop path of then, and
with how the car lay in its lane then and now. What it learns is bounded, and slow: a pilot that errs for some
seconds, or a camera that sees another lane, hardly shows.
"""

from __future__ import annotations

import msgspec

from volant.core.clock import seconds
from volant.safety import stop
from volant.safety.stop import TrustedPath


class GyroTuning(msgspec.Struct, frozen=True, kw_only=True):
    """How the zero is learnt."""

    span_s: float = 2.0
    """Between two comparisons: the heading in the lane errs by 0.003 rad (typical camera, filtered)."""
    most_span_s: float = 3.0
    """Later the path of then is left behind, or the pilot was silent."""
    gain: float = 0.08
    """Of what a comparison says: learnt within half a minute, with an error of 0.0003 rad/s."""
    most_rps: float = 0.01
    """0.6 degree a second: a unit that errs by more is broken (estimated)."""
    gate_rps: float = 0.02
    """A comparison that says more than this says something else."""


class GyroZero(msgspec.Struct, frozen=True, gc=False):
    """What the gyro says of a car that does not turn, and the path that it is compared along next."""

    rate_rps: float = 0.0
    anchor: TrustedPath | None = None


def learn(zero: GyroZero, trusted: TrustedPath, tuning: GyroTuning) -> GyroZero:
    """Compare along the path of some seconds ago, once a new one has come.

    Args:
        zero: as learnt so far; places are reckoned with it.
        trusted: the path that has just come to be trusted.
        tuning: see there.
    """
    anchor = zero.anchor
    if anchor is None:
        return GyroZero(zero.rate_rps, trusted)
    span_s = seconds(trusted.origin.stamp_ns - anchor.origin.stamp_ns)
    if span_s < tuning.span_s:
        return zero
    if span_s > tuning.most_span_s:
        return GyroZero(zero.rate_rps, trusted)
    at = stop.beside(anchor.path, anchor.origin, anchor.index, trusted.origin)
    here = stop.beside(trusted.path, trusted.origin, 0, trusted.origin)
    then, now = stop.planned(anchor.path, at), stop.planned(trusted.path, here)
    rate_rps = zero.rate_rps
    if then is not None and now is not None:
        # The car now by the gyro against the lane as the path of then has it; and as the pilot has it.
        missed_rps = (at.lean_rad + then.heading_rad - now.heading_rad - here.lean_rad) / span_s
        if abs(missed_rps) < tuning.gate_rps:
            rate_rps += tuning.gain * missed_rps
    most_rps = tuning.most_rps
    return GyroZero(min(max(rate_rps, -most_rps), most_rps), trusted)
