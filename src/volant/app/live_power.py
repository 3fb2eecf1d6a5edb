"""The power states of the live car: what the machine knows of it, and what comes of its decisions.

It lives in the supervisor, which alone is up in every state. The 12 V battery is simulated here too: it is there
whether or not a process runs. Nothing here waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar

from volant.app.live_station import publish_outside
from volant.app.power_socket import PowerAnswer
from volant.caros import power as states
from volant.caros.livebus import LiveBus
from volant.caros.power import Facts, Power, PowerSettings, Wish
from volant.caros.supervise import ProcessTable
from volant.caros.supervise.machine import RUNNING, Phase
from volant.caros.supervise.machine import Power as PowerEvent
from volant.caros.supervise.shell import Supervisor
from volant.core import topics
from volant.core.body import BodyItem, BodyRequest
from volant.core.clock import NS_PER_S, nanoseconds
from volant.core.messages import (
    CarPower,
    CarState,
    DriverRequest,
    Engagement,
    Gear,
    Indicator,
    Message,
    PilotState,
    Plan,
    PowerState,
    RequestKind,
)
from volant.core.topics import Topic
from volant.vehicle import supply

READS: Final = (topics.CAR_STATE, topics.PILOT_STATE, topics.PILOT_PLAN)
WRITES: Final = (topics.CAR_POWER, topics.DRIVER_REQUEST, topics.BODY_REQUEST)
WHO: Final = "power"
FRESH_NS: Final = nanoseconds(0.5)
"""What is older is not known: a busy machine holds the supervisor up by less."""
SAY_NS: Final = nanoseconds(0.5)
PRESS_NS: Final = NS_PER_S
PRESSES: Final = 30
"""A person who asked to drive presses the button so often while the pilot is ready and does not drive."""
PARKS: Final = 10
"""So often the selector of a car that has just been parked is put to P, until it is there."""
_BY_HAND: Final = (Engagement.OFF, Engagement.READY)
TAKE_OVER: Final = (
    "the pilot has stopped the car: take the wheel on the driver's page, then switch it on"
)
M = TypeVar("M", CarState, PilotState, Plan)


class LivePower:
    """The power machine of one live car."""

    def __init__(
        self,
        bus: LiveBus,
        table: ProcessTable,
        settings: PowerSettings,
        *,
        goal: PowerState,
        charge: float,
        now_ns: int,
        lock: Callable[[], str] = lambda: "",
    ) -> None:
        """`charge` is that of the 12 V battery, 0 to 1; times are monotonic; `lock` says why nobody may drive."""
        self._lock = lock
        self.power = Power(goal=goal, since_ns=now_ns)
        self.supply = supply.start(charge)
        self._bus, self._table, self._settings = bus, table, settings
        self._car = bus.subscribe(topics.CAR_STATE, 1)
        self._pilot = bus.subscribe(topics.PILOT_STATE, 1)
        self._plan = bus.subscribe(topics.PILOT_PLAN, 1)
        self._facts = Facts(now_ns, self.supply.volts_v)
        self._busy: dict[str, str] = {}
        self._late: tuple[str, ...] = ()
        self._said_ns = self._press_ns = 0
        self._presses = self._parks = 0

    @property
    def may_start_clock(self) -> bool:
        """Awake, and all that drive answer."""
        awake = self.power.state in (PowerState.PARKED, PowerState.READY, PowerState.DRIVING)
        return awake and self._facts.drivers_ready

    def ask(self, asked: Wish) -> str:
        """Take a person's wish; why not, else empty."""
        if asked is Wish.DRIVE and self._stopped and self.power.state is PowerState.DRIVING:
            return TAKE_OVER
        if asked is Wish.DRIVE and self._car.latest is not None and self._car.latest.plugged:
            return "the charging cable is plugged in"
        self.power, why_not = states.wish(self.power, self._facts, asked)
        if not why_not:
            self._presses = PRESSES if asked is Wish.DRIVE else 0
        return why_not

    def turn(self, supervisor: Supervisor, now_ns: int, origin_ns: int | None) -> tuple[str, ...]:
        """Look, decide, and tell the supervisor and the car; gives what people should know.

        `origin_ns` is where the car's clock begins; None: it does not run yet.
        """
        self._bus.drain()
        span_s = (now_ns - self._facts.now_ns) / NS_PER_S
        self.supply = supply.step(self.supply, self.power.state, span_s)
        stamp_ns = None if origin_ns is None else now_ns - origin_ns
        self._facts = self._look(supervisor, now_ns, stamp_ns)
        before = self.power
        self.power, late = states.step(before, self._facts, self._settings)
        self._late = (*self._late, *late)[-8:]
        if self.power.state is not before.state:
            supervisor.tell(PowerEvent(self.power.state))
        if stamp_ns is not None:
            self._say(before, stamp_ns)
        changed = self.power.state is not before.state
        return (*late, *((self.power.state.value,) if changed else ()))

    def answer(self) -> PowerAnswer:
        """How it is now."""
        power = self.power
        return PowerAnswer(
            state=power.state,
            goal=power.goal,
            to=None if power.change is None else power.change.to,
            for_s=round((self._facts.now_ns - power.since_ns) / NS_PER_S, 3),
            supply_v=round(self.supply.volts_v, 3),
            supply_pct=round(100.0 * self.supply.charge, 2),
            supply_low=power.low,
            busy=self._busy,
            late=self._late,
        )

    def _look(self, supervisor: Supervisor, now_ns: int, stamp_ns: int | None) -> Facts:
        phases = {name: one.phase for name, one in supervisor.state.ones.items()}
        words = {
            name: pulse
            for name, pulse in supervisor.pulses.items()
            if pulse.busy and phases[name] is Phase.READY
        }
        self._busy = {name: pulse.busy for name, pulse in words.items()}
        settled = (Phase.READY, Phase.STOPPED, Phase.QUARANTINED)
        rows = self._table.process
        parked = self.power.state is PowerState.PARKED
        wanted = PowerState.PARKED if parked else PowerState.WAKE
        car: CarState | None = _fresh(self._car.latest, stamp_ns)
        plan: Plan | None = _fresh(self._plan.latest, stamp_ns)
        known = car is not None and car.valid and math.isfinite(car.speed_mps)
        return Facts(
            now_ns=now_ns,
            supply_v=self.supply.volts_v,
            speed_mps=car.speed_mps if car is not None and known else None,
            held=car is not None and (car.hold or car.gear is Gear.PARK),
            engaged=self._engaged(stamp_ns) and not self._stopped,
            arrived=plan is not None and plan.arrived,
            unready=frozenset(
                row.name for row in rows if wanted in row.states and phases[row.name] not in settled
            ),
            drivers_ready=all(
                phases[row.name] is Phase.READY for row in rows if row.safety == "driving"
            ),
            busy={name: pulse.more_s for name, pulse in words.items()},
            running=frozenset(name for name, phase in phases.items() if phase in RUNNING),
            locked=self._lock(),
        )

    def _engaged(self, stamp_ns: int | None) -> bool:
        pilot = _fresh(self._pilot.latest, stamp_ns)
        return pilot is not None and pilot.engagement not in _BY_HAND

    @property
    def _stopped(self) -> bool:
        """It stops the car at minimal risk, and does nothing else until a person has taken over."""
        pilot = self._pilot.latest
        return pilot is not None and pilot.engagement is Engagement.MINIMAL_RISK

    def _say(self, before: Power, stamp_ns: int) -> None:
        """Tell the car its power state, and the pilot what follows from it."""
        power, change, out = self.power, self.power.change, list[tuple[Topic, Message]]()
        same = (power.state, change, power.low) == (before.state, before.change, before.low)
        if not same or stamp_ns - self._said_ns >= SAY_NS:
            self._said_ns = stamp_ns
            left_ns = 0 if change is None else max(0, change.until_ns - self._facts.now_ns)
            word = CarPower(
                stamp_ns=stamp_ns,
                state=power.state,
                to=None if change is None else change.to,
                until_ns=0 if change is None else stamp_ns + left_ns,
                supply_v=self.supply.volts_v,
                supply_low=power.low,
            )
            out.append((topics.CAR_POWER, word))
        left = before.state is PowerState.DRIVING and power.state is not PowerState.DRIVING
        if left and self._engaged(stamp_ns):
            presses = let_go(stamp_ns, _fresh(self._car.latest, stamp_ns))
            out.extend((topics.DRIVER_REQUEST, press) for press in presses)
        if power.state is PowerState.DRIVING and self._presses:
            out.extend(self._drive(stamp_ns))
        if power.state is not before.state:
            self._parks = PARKS * (power.state is PowerState.PARKED)
        if self._parks:
            out.extend(self._park(stamp_ns))
        publish_outside(self._bus, WHO, stamp_ns, out)

    def _drive(self, stamp_ns: int) -> list[tuple[Topic, Message]]:
        """Press the button for the person who asked to drive, once the pilot says that it is ready."""
        pilot = _fresh(self._pilot.latest, stamp_ns)
        if self._engaged(stamp_ns):
            self._presses = 0
        elif pilot is not None and pilot.ready and stamp_ns - self._press_ns >= PRESS_NS:
            self._presses, self._press_ns = self._presses - 1, stamp_ns
            return [_press(stamp_ns, RequestKind.ENGAGE)]
        return []

    def _park(self, stamp_ns: int) -> list[tuple[Topic, Message]]:
        """Put the selector to P: nobody drives a parked car, and much is done in park only."""
        car = _fresh(self._car.latest, stamp_ns)
        if car is None or not car.valid or stamp_ns - self._press_ns < PRESS_NS:
            return []
        if car.gear is Gear.PARK or abs(car.speed_mps) >= states.STANDS_MPS:
            self._parks = 0
            return []
        self._parks, self._press_ns = self._parks - 1, stamp_ns
        return [(topics.BODY_REQUEST, put_to_park(stamp_ns))]


def put_to_park(stamp_ns: int) -> BodyRequest:
    """What asks for the selector in P."""
    return BodyRequest(stamp_ns=stamp_ns, item=BodyItem.GEAR, word=Gear.PARK.value, who=WHO)


def let_go(stamp_ns: int, car: CarState | None) -> tuple[DriverRequest, ...]:
    """Nobody drives a parked car: the pilot is switched off, and the turn signal that it had set."""
    cancel = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.CANCEL)
    if car is None or car.indicator not in (Indicator.LEFT, Indicator.RIGHT):
        return (cancel,)
    off = DriverRequest(stamp_ns=stamp_ns, kind=RequestKind.INDICATE, indicator=Indicator.OFF)
    return cancel, off


def _press(stamp_ns: int, kind: RequestKind) -> tuple[Topic, Message]:
    return topics.DRIVER_REQUEST, DriverRequest(stamp_ns=stamp_ns, kind=kind)


def _fresh(message: M | None, stamp_ns: int | None) -> M | None:
    """A message that is young enough to be believed."""
    if message is None or stamp_ns is None:
        return None
    return message if stamp_ns - message.stamp_ns < FRESH_NS else None
