"""The press of the button that starts a drive, as a person would: once the pilot says it is ready."""

from __future__ import annotations

from typing import Final

from volant.app.inbox import Inbox
from volant.core import topics
from volant.core.bus import Bus
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import DriverRequest, Engagement, RequestKind

FIRST_NS: Final = nanoseconds(0.5)
"""Everything has spoken by then."""
AGAIN_NS: Final = NS_PER_S
"""Between two presses, when the first was not taken."""


class Starter:
    """Presses ENGAGE through the inbox until the pilot has been engaged once."""

    def __init__(self, bus: Bus, inbox: Inbox) -> None:
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._inbox = inbox
        self._next_ns = FIRST_NS
        self._done = False

    def look(self, stamp_ns: int) -> None:
        """Between two ticks: press, when it is time to; the press counts at the next tick."""
        if self._done or stamp_ns < self._next_ns:
            return
        state = self._pilot.latest
        if state is None:
            return
        if state.engagement not in (Engagement.OFF, Engagement.READY):
            self._done = True
        elif state.ready:
            press = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.ENGAGE)
            self._inbox.put(topics.DRIVER_REQUEST, press)
            self._next_ns = stamp_ns + AGAIN_NS
