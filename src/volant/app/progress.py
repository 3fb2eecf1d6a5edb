"""How a drive is told while it runs: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from volant.app.say import is_terminal, tell, tell_over
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import seconds

LIVE_EVERY_S: Final = 0.2
PLAIN_EVERY_S: Final = 10.0
LOOK_EVERY: Final = 20
"""Ticks between two looks at the clock."""
PACE_OVER_S: Final = 5.0
"""Real time over which the pace is measured: the first stumbles of a boot are not told."""
PACE_LEAST: Final = 0.9
"""Share of the pace below which the drive is called slower than asked; chosen."""


class Progress:
    """Tells where the drive is; asks the clock only now and then."""

    def __init__(
        self,
        bus: Bus,
        *,
        quiet: bool = False,
        pace: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._car = bus.subscribe(topics.CAR_STATE)
        self._plan = bus.subscribe(topics.PILOT_PLAN)
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._live = is_terminal()
        self._quiet = quiet
        self._every_s = LIVE_EVERY_S if self._live else PLAIN_EVERY_S
        self._clock = clock
        self._next_s = clock() + self._every_s
        self._pace = pace
        """Asked for; None once nothing is left to tell about it."""
        self._pace_from: tuple[float, float] | None = None
        self._ticks = 0
        self._shown = False

    def look(self, stamp_ns: int) -> None:
        """Tell, when it is time to."""
        self._ticks += 1
        if self._quiet or self._ticks % LOOK_EVERY:
            return
        now_s = self._clock()
        self._look_at_pace(now_s, seconds(stamp_ns))
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        line = self._line(stamp_ns)
        if self._live:
            tell_over(line)
            self._shown = True
        else:
            tell(line)

    def _look_at_pace(self, now_s: float, virtual_s: float) -> None:
        """Say once, over the first spans that show it, that the machine does not keep the pace."""
        if self._pace is None:
            return
        if self._pace_from is None:
            self._pace_from = (now_s, virtual_s)
        since_s, since_virtual_s = self._pace_from
        if now_s - since_s < PACE_OVER_S:
            return
        reached = (virtual_s - since_virtual_s) / (now_s - since_s)
        self._pace_from = (now_s, virtual_s)
        if reached < PACE_LEAST * self._pace:
            self.close()
            tell(f"slower than asked: {reached:.1f} of {self._pace:g} x")
            self._pace = None

    def close(self) -> None:
        """Take the live line away."""
        if self._shown:
            tell_over("")

    def _line(self, stamp_ns: int) -> str:
        car, plan, pilot = self._car.latest, self._plan.latest, self._pilot.latest
        parts = [f"{seconds(stamp_ns):6.1f} s"]
        if car is not None:
            parts.append(f"{car.speed_mps * 3.6:5.1f} km/h")
        if plan is not None and plan.distance_left_m is not None:
            parts.append(f"{plan.distance_left_m:5.0f} m to go")
        if car is not None:
            parts.append(f"{car.charge_pct:4.1f} %")
        if pilot is not None:
            parts.append(pilot.engagement.value)
        if plan is not None:
            parts.append(plan.reason)
        return "  ".join(parts)
