"""The tyres of an axle: Pacejka's magic formula in its pure-slip shape, friction that falls with load."""

from __future__ import annotations

import math

from volant.vehicle.parameters import PlantSpec


def side_force_n(
    slip_rad: float, load_n: float, friction: float, stiffness_per_rad: float, spec: PlantSpec
) -> float:
    """Force to the left at a slip angle (left positive), so of the opposite sign.

    -D sin(C atan(B a - E (B a - atan(B a)))) with D = friction x load and B C D = stiffness x load
    (Pacejka, Tyre and Vehicle Dynamics, 4.3.1); the same as commonroad's tyre without camber and shifts.
    """
    place = stiffness_per_rad / (spec.shape * friction) * slip_rad
    bent = place - spec.curvature * (place - math.atan(place))
    return -friction * load_n * math.sin(spec.shape * math.atan(bent))


def axle_friction(
    friction: float, load_n: float, static_n: float, moved_n: float, sensitivity: float
) -> float:
    """Friction of an axle of two tyres whose friction falls linearly with load.

    `moved_n` is the load that lateral transfer takes from one tyre and gives to the other; the mean,
    by load, of friction (1 - sensitivity (load/static load - 1)) over both tyres, floored at half.
    """
    if sensitivity == 0.0:
        return friction
    spread = 2.0 * moved_n / static_n
    loss = sensitivity * (load_n / static_n - 1.0 + spread * spread * static_n / load_n)
    return friction * max(0.5, 1.0 - loss)
