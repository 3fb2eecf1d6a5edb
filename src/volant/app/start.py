"""Who sits in the car at the start of a drive: presses the button once the pilot says it is ready.

A pilot that is not ready in time is given up, and the car is braked to a stop as a person would.
"""

from __future__ import annotations

from typing import Final

from volant.app.inbox import Inbox
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import DriverControls, DriverRequest, Engagement, RequestKind

FIRST_NS: Final = nanoseconds(0.5)
"""Everything has spoken by then."""
AGAIN_NS: Final = NS_PER_S
"""Between two presses, when the first was not taken."""
GIVE_UP_NS: Final = nanoseconds(3.0)
"""A car that rolls with nobody's hand on it goes 75 m in this time at 25 m/s (chosen)."""
PARKED_NS: Final = nanoseconds(60.0)
"""A car that stands in park harms nobody while its pilot is waited for (chosen)."""
BRAKE: Final = 0.5
"""How hard the pedal is pressed then: about 4.5 m/s2."""


class Starter:
    """Presses ENGAGE through the inbox until the pilot has been engaged once, or is given up.

    Until then the steering wheel is held at an angle: a car that begins in a bend goes along it.
    """

    def __init__(
        self, bus: Bus, inbox: Inbox, wheel_angle_rad: float = 0.0, give_up_ns: int = GIVE_UP_NS
    ) -> None:
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._inbox = inbox
        self._wheel_rad, self._give_up_ns = wheel_angle_rad, give_up_ns
        if wheel_angle_rad != 0.0:
            inbox.put(topics.DRIVER_CONTROLS, DriverControls(wheel_angle_rad=wheel_angle_rad))
        self._next_ns = FIRST_NS
        self._done = False

    def look(self, stamp_ns: int) -> None:
        """Between two ticks: press, when it is time to; the press counts at the next tick."""
        if self._done or stamp_ns < self._next_ns:
            return
        state = self._pilot.latest
        if state is not None and state.engagement not in (Engagement.OFF, Engagement.READY):
            if self._wheel_rad != 0.0:
                self._inbox.put(topics.DRIVER_CONTROLS, DriverControls())
            self._done = True
        elif stamp_ns >= self._give_up_ns:
            self._inbox.put(
                topics.DRIVER_CONTROLS, DriverControls(brake=BRAKE, wheel_angle_rad=self._wheel_rad)
            )
            self._done = True
        elif state is None:
            return
        elif state.ready:
            press = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE)
            self._inbox.put(topics.DRIVER_REQUEST, press)
            self._next_ns = stamp_ns + AGAIN_NS
