"""Driver models and chance as compiled scalar functions.

IDM: Treiber, Hennecke, Helbing, Phys. Rev. E 62, 1805 (2000); above the wanted speed the braking of
the Improved IDM is used (Treiber, Kesting, Traffic Flow Dynamics, 2013, eq. 11.19), because plain
IDM brakes without bound when a limit falls. MOBIL: Kesting, Treiber, Helbing, Transp. Res. Rec. 1999
(2007). Chance: the same numbers as core.chance.Chance at the same key and counter.
"""

from __future__ import annotations

import math

import numpy as np

from volant.core.kernels import kernel

_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)
_FIRST = _U(0xBF58476D1CE4E5B9)
_SECOND = _U(0x94D049BB133111EB)
_COOLNESS = 0.99
_30, _27, _31, _11 = _U(30), _U(27), _U(31), _U(11)


@kernel("u8(u8)")
def mix(value):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014)."""
    value = value + _GOLDEN
    value = (value ^ (value >> _30)) * _FIRST
    value = (value ^ (value >> _27)) * _SECOND
    return value ^ (value >> _31)


@kernel("f8(u8, i8)")
def uniform(key, counter):  # type: ignore[no-untyped-def]
    """A number in [0, 1): Chance.uniform of the stream with this key."""
    bits = mix(key ^ mix(np.uint64(counter)))
    return np.float64(bits >> _11) * 2.0**-53


@kernel("f8(f8)")
def _normal_tail(r):  # type: ignore[no-untyped-def]
    """AS241's two outer branches, r = sqrt(-log(min(p, 1 - p)))."""
    if r <= 5.0:
        r -= 1.6
        top = (
            (
                (
                    (
                        (
                            (7.7454501427834140764e-4 * r + 2.27238449892691845833e-2) * r
                            + 2.41780725177450611770e-1
                        )
                        * r
                        + 1.27045825245236838258e0
                    )
                    * r
                    + 3.64784832476320460504e0
                )
                * r
                + 5.76949722146069140550e0
            )
            * r
            + 4.63033784615654529590e0
        ) * r + 1.42343711074968357734e0
        low = (
            (
                (
                    (
                        (
                            (1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                            + 1.51986665636164571966e-2
                        )
                        * r
                        + 1.48103976427480074590e-1
                    )
                    * r
                    + 6.89767334985100004550e-1
                )
                * r
                + 1.67638483018380384940e0
            )
            * r
            + 2.05319162663775882187e0
        ) * r + 1.0
        return top / low
    r -= 5.0
    top = (
        (
            (
                (
                    (
                        (2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                        + 1.24266094738807843860e-3
                    )
                    * r
                    + 2.65321895265761230930e-2
                )
                * r
                + 2.96560571828504891230e-1
            )
            * r
            + 1.78482653991729133580e0
        )
        * r
        + 5.46378491116411436990e0
    ) * r + 6.65790464350110377720e0
    low = (
        (
            (
                (
                    (
                        (2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
                        + 1.84631831751005468180e-5
                    )
                    * r
                    + 7.86869131145613259100e-4
                )
                * r
                + 1.48753612908506148525e-2
            )
            * r
            + 1.36929880922735805310e-1
        )
        * r
        + 5.99832206555887937690e-1
    ) * r + 1.0
    return top / low


@kernel("f8(u8, i8)")
def normal(key, counter):  # type: ignore[no-untyped-def]
    """A standard normal number: Chance.normal of the stream (Wichura's AS241)."""
    bits = mix(key ^ mix(np.uint64(counter)))
    p = (np.float64(bits >> _11) + 0.5) * 2.0**-53
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = (
            (
                (
                    (
                        (
                            (
                                (2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r
                                + 6.7265770927008700853e4
                            )
                            * r
                            + 4.5921953931549871457e4
                        )
                        * r
                        + 1.3731693765509461125e4
                    )
                    * r
                    + 1.9715909503065514427e3
                )
                * r
                + 1.3314166789178437745e2
            )
            * r
            + 3.3871328727963666080e0
        ) * q
        low = (
            (
                (
                    (
                        (
                            (5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r
                            + 3.9307895800092710610e4
                        )
                        * r
                        + 2.1213794301586595867e4
                    )
                    * r
                    + 5.3941960214247511077e3
                )
                * r
                + 6.8718700749205790830e2
            )
            * r
            + 4.2313330701600911252e1
        ) * r + 1.0
        return top / low
    tail = p if q < 0.0 else 1.0 - p
    x = _normal_tail(math.sqrt(-math.log(tail)))
    return -x if q < 0.0 else x


@kernel("f8(f8, f8, f8, f8)")
def free_accel(speed, wanted, accel_max, brake):  # type: ignore[no-untyped-def]
    """Acceleration on an empty road (Improved IDM, eq. 11.18 and 11.19)."""
    if wanted <= 0.1:
        return -brake if speed > 0.05 else -0.5
    ratio = speed / wanted
    if ratio <= 1.0:
        square = ratio * ratio
        return accel_max * (1.0 - square * square)
    return -brake * (1.0 - math.pow(1.0 / ratio, 4.0 * accel_max / brake))


@kernel("f8(f8, f8, f8, f8, f8, f8)")
def wanted_gap(speed, lead_speed, time_gap, stand_gap, accel_max, brake):  # type: ignore[no-untyped-def]
    """IDM's dynamic gap s* (m)."""
    closing = speed * (speed - lead_speed) / (2.0 * math.sqrt(accel_max * brake))
    return stand_gap + max(0.0, speed * time_gap + closing)


@kernel("f8(f8, f8, f8, f8, f8, f8, f8, f8)")
def idm(speed, wanted, gap, lead_speed, time_gap, stand_gap, accel_max, brake):  # type: ignore[no-untyped-def]
    """IDM acceleration behind a leader at a gap (m, inf: none); not bounded below."""
    accel = free_accel(speed, wanted, accel_max, brake)
    if gap == math.inf:
        return accel
    ratio = wanted_gap(speed, lead_speed, time_gap, stand_gap, accel_max, brake) / max(gap, 0.1)
    return accel - accel_max * ratio * ratio


@kernel("f8(f8, f8, f8, f8, f8)")
def constant_accel(speed, gap, lead_speed, lead_accel, accel_max):  # type: ignore[no-untyped-def]
    """The constant-acceleration heuristic: braking that avoids a leader who keeps his acceleration.

    Kesting, Treiber, Helbing, Phil. Trans. R. Soc. A 368, 4585 (2010), eq. 2.3.
    """
    lead_accel = min(lead_accel, accel_max)
    room = max(gap, 0.1)
    closing = speed - lead_speed
    way = lead_speed * lead_speed - 2.0 * room * lead_accel
    if lead_speed > 0.0 and way > 1e-6 and lead_speed * closing <= -2.0 * room * lead_accel:
        return speed * speed * lead_accel / way
    if closing > 0.0:
        lead_accel -= 0.5 * closing * closing / room
    return lead_accel


@kernel("f8(f8, f8, f8, f8, f8, f8, f8, f8, f8)")
def cool_idm(  # type: ignore[no-untyped-def]
    speed, wanted, gap, lead_speed, lead_accel, time_gap, stand_gap, accel_max, brake
):
    """IDM that does not panic when somebody moves in short before it (the same paper, eq. 2.4).

    Where plain IDM brakes harder than the constant-acceleration heuristic asks for, 99 % of the
    difference is bounded by the comfortable braking. At equilibrium it is plain IDM.
    """
    accel = idm(speed, wanted, gap, lead_speed, time_gap, stand_gap, accel_max, brake)
    if gap == math.inf:
        return accel
    calm = constant_accel(speed, gap, lead_speed, lead_accel, accel_max)
    if accel >= calm:
        return accel
    bounded = calm + brake * math.tanh((accel - calm) / brake)
    return (1.0 - _COOLNESS) * accel + _COOLNESS * bounded


@kernel("f8(f8, f8, f8, f8)")
def stopping_brake(speed, lead_speed, gap, lead_brake):  # type: ignore[no-untyped-def]
    """Constant braking (m/s2, above zero) that stops in time should the leader brake at lead_brake."""
    room = gap + 0.5 * max(lead_speed, 0.0) ** 2 / lead_brake
    if room <= 0.1:
        return 100.0
    return 0.5 * speed * speed / room


@kernel("f8(f8, f8, f8)")
def closing_brake(speed, lead_speed, gap):  # type: ignore[no-untyped-def]
    """Constant braking that just avoids a leader who keeps his speed (m/s2)."""
    closing = speed - lead_speed
    if closing <= 0.0:
        return 0.0
    return 0.5 * closing * closing / max(gap, 0.1)


@kernel("f8(f8, f8, f8, f8)")
def mobil_gain(own, new_follower, old_follower, politeness):  # type: ignore[no-untyped-def]
    """MOBIL's incentive: own gain plus politeness times the gains of both followers (m/s2)."""
    return own + politeness * (new_follower + old_follower)


@kernel("Tuple((f8, f8))(f8)")
def smooth(progress):  # type: ignore[no-untyped-def]
    """The quintic from 0 to 1 with rest at both ends, and its derivative by progress."""
    p = min(max(progress, 0.0), 1.0)
    value = p * p * p * (10.0 + p * (-15.0 + 6.0 * p))
    slope = 30.0 * p * p * (1.0 - p) * (1.0 - p)
    return value, slope
