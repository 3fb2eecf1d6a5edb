"""Reference models of the cut-in grid: CC, R157, RSS, FSM and a plain IDM; each a braking wish.

Written from UN R157 (5.2.5.2; annex 4, appendix 3), Shalev-Shwartz and others 2017 (RSS), Mattas and
others 2020 and 2022 (the fuzzy safety model: proactive and critical surrogates); figures of the shared
notes. Each is a class that remembers one pass.
"""

from __future__ import annotations

import math
from typing import Final

from volant.sim.cut_in import LENGTH_M, MOST_BRAKE_MPS2, STEP_S, View

CC_WANDER_M: Final = 0.375
CC_RISK_S: Final = 0.4
CC_TTC_S: Final = 2.0
DELAY_S: Final = 0.75
"""Reaction of CC, RSS and FSM."""
INTRUDED_M: Final = 0.8
"""Moved over so far, the other's side is on the lane's mark: half of 3.5 m less half of 1.9 m."""
R157_BRAKE_MPS2: Final = 6.0
R157_DELAY_S: Final = 0.35
RSS_ACCEL_MPS2: Final = 3.0
RSS_BRAKE_MPS2: Final = 6.0
RSS_LEAD_BRAKE_MPS2: Final = 7.59
RSS_LATERAL_MPS2: Final = 1.0
RSS_MARGIN_M: Final = 0.3
FSM_COMFORT_MPS2: Final = 4.0
FSM_HARD_MPS2: Final = 6.0
FSM_LEAD_MPS2: Final = 7.0
FSM_MARGIN_M: Final = 2.0


class Model:
    """What all models are: a delay, and a wish."""

    delay_s = 0.0

    def __call__(self, view: View) -> float:
        """The wish now."""
        raise NotImplementedError


class Careful(Model):
    """CC: perceives beyond the lane wander, judges, and brakes as hard as it can at a short TTC."""

    delay_s = DELAY_S

    def __init__(self) -> None:
        self._perceived_s = 0.0
        self._braking = False

    def __call__(self, view: View) -> float:
        """The wish now."""
        if view.moved_m > CC_WANDER_M:
            self._perceived_s += STEP_S
        closing = view.speed_mps - view.other_mps
        near = 0.0 <= view.gap_m <= CC_TTC_S * closing
        if self._perceived_s >= CC_RISK_S and near:
            self._braking = True
        if closing <= 0.0:
            self._braking = False
        return -MOST_BRAKE_MPS2 if self._braking else 0.0


class Regulation(Model):
    """R157 5.2.5.2: brakes at 6 m/s2 once the other is over the mark and it comes close."""

    delay_s = R157_DELAY_S

    def __init__(self) -> None:
        self._braking = False

    def __call__(self, view: View) -> float:
        """The wish now."""
        closing = view.speed_mps - view.other_mps
        if view.moved_m > INTRUDED_M and view.gap_m > 0.0 and closing > 0.0:
            self._braking = True
        if closing <= 0.0:
            self._braking = False
        return -R157_BRAKE_MPS2 if self._braking else 0.0


class Responsible(Model):
    """RSS: brakes while neither the longitudinal nor the lateral distance is safe."""

    delay_s = DELAY_S

    def __call__(self, view: View) -> float:
        """The wish now."""
        if view.gap_m < 0.0 or self._safe_ahead(view) or self._safe_beside(view):
            return 0.0
        return -RSS_BRAKE_MPS2

    def _safe_ahead(self, view: View) -> bool:
        faster = view.speed_mps + DELAY_S * RSS_ACCEL_MPS2
        least_m = (
            view.speed_mps * DELAY_S
            + 0.5 * RSS_ACCEL_MPS2 * DELAY_S**2
            + faster * faster / (2.0 * RSS_BRAKE_MPS2)
            - view.other_mps * view.other_mps / (2.0 * RSS_LEAD_BRAKE_MPS2)
        )
        return view.gap_m > max(least_m, 0.0)

    def _safe_beside(self, view: View) -> bool:
        most = view.lateral_mps + DELAY_S * RSS_LATERAL_MPS2
        run_m = 0.5 * (view.lateral_mps + most) * DELAY_S + most * most / (2.0 * RSS_LATERAL_MPS2)
        own = DELAY_S * RSS_LATERAL_MPS2
        own_m = 0.5 * own * DELAY_S + own * own / (2.0 * RSS_LATERAL_MPS2)
        return view.beside_m > RSS_MARGIN_M + run_m + own_m


class Fuzzy(Model):
    """FSM: brakes by how unsafe the distance is, in degrees, once the other will be there first."""

    delay_s = DELAY_S

    def __call__(self, view: View) -> float:
        """The wish now."""
        if view.gap_m < 0.0 or not _arrives_first(view):
            return 0.0
        critical = _critical(view)
        if critical > 0.0:
            return -(FSM_COMFORT_MPS2 + critical * (FSM_HARD_MPS2 - FSM_COMFORT_MPS2))
        return -FSM_COMFORT_MPS2 * _proactive(view)


def _arrives_first(view: View) -> bool:
    """The other reaches the ego's way before the ego has passed it."""
    if view.beside_m <= 0.0:
        return True
    if view.lateral_mps <= 0.0:
        return False
    closing = view.speed_mps - view.other_mps
    if closing <= 0.0:
        return True
    return view.beside_m / view.lateral_mps < (view.gap_m + 2.0 * LENGTH_M) / closing + 0.1


def _degree(value: float, safe: float, unsafe: float) -> float:
    """1 at and below unsafe, 0 at and above safe, evenly between."""
    if value >= safe:
        return 0.0
    return 1.0 if value <= unsafe else (safe - value) / (safe - unsafe)


def _proactive(view: View) -> float:
    """PFS: could a braking leader be answered by comfortable, or only by hard braking?"""
    run_m = view.speed_mps * DELAY_S - view.other_mps**2 / (2.0 * FSM_LEAD_MPS2)
    safe = run_m + view.speed_mps**2 / (2.0 * FSM_COMFORT_MPS2) + FSM_MARGIN_M
    unsafe = run_m + view.speed_mps**2 / (2.0 * FSM_HARD_MPS2)
    return _degree(view.gap_m - FSM_MARGIN_M, safe, unsafe)


def _critical(view: View) -> float:
    """CFS: will it be touched unless braked comfortably, or hard, after the delay?"""
    held = max(view.accel_mps2, -FSM_COMFORT_MPS2)
    later = max(view.speed_mps + held * DELAY_S, 0.0)
    run_m = (0.5 * (view.speed_mps + later) - view.other_mps) * DELAY_S
    closing = max(later - view.other_mps, 0.0)
    safe = run_m + closing * closing / (2.0 * FSM_COMFORT_MPS2)
    unsafe = run_m + closing * closing / (2.0 * FSM_HARD_MPS2)
    return _degree(view.gap_m, max(safe, unsafe + 1e-6), unsafe)


class Follower(Model):
    """A plain IDM that takes who will be in its way within 2 s for its leader."""

    delay_s = 0.2

    def __call__(self, view: View) -> float:
        """The wish now."""
        soon = view.beside_m <= 0.0 or view.beside_m < 2.0 * view.lateral_mps
        if not soon or view.gap_m < 0.0:
            return 0.0
        closing = view.speed_mps * (view.speed_mps - view.other_mps)
        wanted = 2.0 + max(0.0, 1.5 * view.speed_mps + closing / (2.0 * math.sqrt(2.8)))
        return 1.4 * (0.0 - (wanted / max(view.gap_m, 0.1)) ** 2)


MODELS: Final[dict[str, type[Model]]] = {
    "cc": Careful,
    "r157": Regulation,
    "rss": Responsible,
    "fsm": Fuzzy,
    "idm": Follower,
}
