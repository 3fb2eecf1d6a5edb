"""The live car's diagnostics: monitors, trouble codes and all control units, as an edge process.

Testers come by DoIP, and by CAN where `--bus` names buses outside.

Its listening socket and the folder of its codes are the supervisor's, so a tester finds the next incarnation at
the same port, with the same codes. The supervisor begins the operation cycle, once for all incarnations.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Final

from volant import __version__
from volant.app.bus_codes import UNIT as BUS_UNIT
from volant.app.canbus import INLINE
from volant.app.live_context import Context
from volant.app.live_record import BUDGET
from volant.app.live_station import Station, publish_outside
from volant.app.live_testers import units_on_can
from volant.app.live_wiring import bus_codes_of
from volant.app.served_units import served_units
from volant.caros.codes import Codes, present_codes
from volant.caros.diagnostics import DoipEntity, DoipSettings
from volant.caros.ledger import FlashLedger
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.messages import CarState, Gear, RequestKind, Trouble, TroubleCode, TroubleCodes
from volant.vehicle import monitors
from volant.vehicle.ecus import STANDING_MPS, CarFacts, circumstances
from volant.vehicle.faults import FaultMemory
from volant.vehicle.monitors import CAR_SILENT_NS, MonitorState, Seen

TURN_S: Final = 0.05
KEEP_NS: Final = 2 * NS_PER_S
"""Between two writes at least: what comes and goes all day ends at its share of the day's flash (`BUDGET`)."""
TELL_NS: Final = NS_PER_S
"""Screens that come back have the codes again after this."""
REFUSED_NS: Final = 5 * NS_PER_S
"""So long a refusal is told."""
SHOWN: Final = 32


class Watcher:
    """The monitors with what they have heard."""

    def __init__(self, station: Station, memories: Mapping[str, FaultMemory]) -> None:
        bus = station.bus
        self._station, self._memories = station, memories
        self._car = bus.subscribe(topics.CAR_STATE, 1)
        self._pilot = bus.subscribe(topics.PILOT_STATE, 1)
        self._guard = bus.subscribe(topics.GUARD_DECISION, 1)
        self._requests = bus.subscribe(topics.DRIVER_REQUEST)
        self._troubles = bus.subscribe(topics.CAR_TROUBLE)
        self._power = bus.subscribe(topics.CAR_POWER, 1)
        self._state, self._seen = MonitorState(), Seen()

    def live(self, name: str) -> float:
        """A live value now; also called by the thread that serves testers."""
        return monitors.live_value(name, self._seen, self._state, self._station.now_ns)

    def turn(self) -> None:
        """Take in what came, and judge it."""
        self._station.bus.drain()
        now_ns = self._station.now_ns
        self._seen = Seen(
            self._car.latest, self._pilot.latest, self._guard.latest, self._power.latest
        )
        self._state, results = monitors.step(self._state, self._seen, now_ns)
        monitors.report(self._memories, results, now_ns, circumstances(self.live))
        remember(self._memories, self._troubles.take())

    @property
    def why_not_clear(self) -> str:
        """Why the driver may not clear codes now; empty: he may."""
        return why_not_clear(self._seen.car, self._station.now_ns)

    def clear_asked(self) -> bool:
        """Whether the driver has asked since the last call."""
        asked = self._requests.take()
        return any(request.kind is RequestKind.CLEAR_CODES for request in asked)


def remember(memories: Mapping[str, FaultMemory], troubles: Iterable[Trouble]) -> None:
    """Keep what the car's port over buses tells, with its freeze frames; codes of no mapping are passed over."""
    memory = memories[BUS_UNIT]
    known = {spec.code for spec in memory.specs}
    for one in troubles:
        if one.code in known:
            kept = {record.did: record.record for record in one.snapshot}
            memory.report(one.code, one.failed, one.stamp_ns, kept)


def why_not_clear(car: CarState | None, now_ns: int) -> str:
    """Why trouble codes may not be cleared from the screen; empty: the car stands in park."""
    if car is None or not car.valid or now_ns - car.stamp_ns > CAR_SILENT_NS:
        return "The car does not say that it stands"
    if abs(car.speed_mps) > STANDING_MPS:
        return "Not while the car moves"
    return "" if car.gear is Gear.PARK else "Only in park"


def told_codes(
    before: TroubleCodes | None,
    found: tuple[TroubleCode, ...],
    now_ns: int,
    *,
    may_clear: bool,
    refused: str,
) -> TroubleCodes | None:
    """What is to be told of the codes that are there; None: the same was told a moment ago."""
    content = (len(found), found[:SHOWN], may_clear, refused)
    same = before is not None and content == (
        *(before.count, before.codes, before.may_clear, before.refused),
    )
    if before is not None and same and now_ns - before.stamp_ns < TELL_NS:
        return None
    return TroubleCodes(
        stamp_ns=now_ns,
        number=0 if before is None else before.number + (not same),
        count=len(found),
        codes=found[:SHOWN],
        may_clear=may_clear,
        refused=refused,
    )


class Teller:
    """Tells the screens which codes there are, and clears them when the driver asks and may."""

    def __init__(self, station: Station, codes: Codes) -> None:
        self._station, self._codes = station, codes
        self._told: TroubleCodes | None = None
        self._refused, self._refused_ns = "", 0

    def turn(self, watcher: Watcher) -> None:
        """Do what the driver asks for, and tell what is new."""
        now_ns, why_not = self._station.now_ns, watcher.why_not_clear
        if now_ns - self._refused_ns > REFUSED_NS:
            self._refused = ""
        if watcher.clear_asked():
            self._refused, self._refused_ns = why_not, now_ns
            if not why_not:
                for memory in self._codes.memories.values():
                    memory.clear()
        found = present_codes(self._codes.memories)
        told = told_codes(self._told, found, now_ns, may_clear=not why_not, refused=self._refused)
        if told is not None:
            self._told = told
            said = [(topics.CAR_CODES, told)]
            publish_outside(self._station.bus, "diagnostics", now_ns, said)


def diagnostics(station: Station, context: Context) -> int:
    """All control units over DoIP on loopback and on buses outside, and the monitors that give them their codes."""
    # A folder that is thrown away at the end is no flash of the car.
    ledger = FlashLedger(context.state, BUDGET) if context.codes == context.state else None
    codes = Codes(context.codes, bus_codes_of(context.trip), ledger)
    watcher = Watcher(station, codes.memories)
    facts = CarFacts(software=__version__)
    boots = {name: boot.again() for name, boot in context.units.items()}
    units = served_units(facts, watcher.live, codes.memories, boots)
    if not station.go():
        return 0
    teller, kept_ns = Teller(station, codes), -KEEP_NS
    with contextlib.ExitStack() as doors:
        doors.enter_context(DoipEntity(units, DoipSettings(vin=facts.vin), listener=context.doip))
        if context.trip.wish.bus not in (None, INLINE):
            doors.enter_context(units_on_can(context.testers[1], units))
        while not station.ending:
            watcher.turn()
            teller.turn(watcher)
            if station.now_ns - kept_ns >= KEEP_NS and codes.changed:
                kept_ns = station.now_ns
                codes.keep()
            station.note = "; ".join(one for one in (codes.confirmed(), *codes.said) if one)
            station.beat()
            time.sleep(TURN_S)
    codes.keep()
    return 0
