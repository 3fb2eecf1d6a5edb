"""The process `signals` of the live car: the store, the car's own values in it, and the edges that serve it.

One asyncio loop. It reads the bus twenty times a second and writes only requests, so whatever a client
does to it, the driving loop hears nothing but a message now and then. A further edge is one more row of
`EDGES`: an async function that serves until it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from volant.app.live_context import Context
from volant.app.live_kuksa_edge import kuksa_edge
from volant.app.live_route import RouteTeller
from volant.app.live_station import Station, publish_outside
from volant.app.live_viss_edge import viss_edge
from volant.caros.apps.door import SignalDoor
from volant.caros.signals import arbiter, mapping
from volant.caros.signals.line import LineServer
from volant.caros.signals.rights import Rights
from volant.caros.signals.sinks import SINKS, message_of, not_a_time
from volant.caros.signals.sources import drives
from volant.caros.signals.store import Datapoint, SignalStore
from volant.caros.signals.values import Code, SignalError
from volant.caros.viss.history import History
from volant.caros.viss.server import note
from volant.core import topics
from volant.core.body import BodyState
from volant.core.clock import NS_PER_S
from volant.core.messages import CarState, Localization, Message, PilotState, Plan
from volant.core.topics import Topic
from volant.road.georef import GeoReference, read_georef
from volant.vehicle.ecus import CarFacts
from volant.wire.vss import Value

_log = logging.getLogger(__name__)
TURN_S: Final = 0.05
OPEN_S: Final = 3.0
"""The car is not kept waiting longer for an edge that does not come to serve."""
AGAIN_NS: Final = NS_PER_S
"""Values that do not change are said again at least so often, so that their age can be seen."""
CAR: Final = "car"
"""The owner of what the car tells and moves itself."""
HEARD: Final[tuple[Topic, ...]] = (
    topics.CAR_STATE,
    topics.BODY_STATE,
    topics.PILOT_STATE,
    topics.PILOT_PLAN,
    topics.PILOT_LOCALIZATION,
    topics.PILOT_TRACKS,
    topics.GUARD_DECISION,
    topics.AEB_STATE,
    topics.CAR_POWER,
    topics.CAR_CODES,
    topics.ENERGY_STATE,
    topics.UPDATE_STATE,
)


@dataclass(frozen=True, slots=True)
class EdgeInput:
    """What an edge is given."""

    store: SignalStore
    history: History
    """Of the store."""
    context: Context
    say: Callable[[str, str], None]
    """Puts words about an edge, by its name, into the process's heartbeat; none: it serves."""


Edge = Callable[[EdgeInput], Awaitable[None]]


async def line_edge(given: EdgeInput) -> None:
    """`volant signals`, over a socket of this user; the supervisor made it, so it outlives the process."""
    await LineServer(given.store, Rights.all()).serve(given.context.signals)


async def apps_edge(given: EdgeInput) -> None:
    """The apps' own sockets; their host hands them over, anew after a death of this process."""
    door = SignalDoor(given.store, given.context.apps[1], given.history)
    door.open()
    try:
        await asyncio.Event().wait()
    finally:
        door.close()


EDGES: Final[tuple[Edge, ...]] = (line_edge, kuksa_edge, viss_edge, apps_edge)


class Pump:
    """The car in the store: what it tells goes in, what is asked of it comes out."""

    def __init__(self, station: Station, store: SignalStore, context: Context) -> None:
        self._station, self._store = station, store
        self._held: dict[type[Message], Any] = {}
        self._subscriptions = tuple(station.bus.subscribe(topic, 1) for topic in HEARD)
        self._begun = False
        road = context.trip.graph.network
        place = read_georef(road.geo_reference)
        self._counted = mapping.Counted(boot_unix_ns=0, map=place or GeoReference())
        self._boot_unix_ns = 0
        self._shape = mapping.shape_of(context.trip.spec)
        self._route = RouteTeller(context.trip, context.posts)
        self._rights = Rights.all()
        self._last: dict[int, Value | None] = {}
        self._said_ns = 0
        self._judged = arbiter.start()
        self._who = ""
        self._refused: set[str] = set()
        self._claim(mapping.told_paths(context.trip.spec))
        facts = mapping.facts_of(context.trip.spec, CarFacts().vin)
        facts |= mapping.map_facts(road.name, place)
        self._facts = mapping.fitted(store.catalogue, facts)
        store.arbiter = self._decide

    def begin(self) -> None:
        """The clock runs from now on."""
        self._boot_unix_ns = time.time_ns() - self._station.now_ns
        self._counted = replace(self._counted, boot_unix_ns=self._boot_unix_ns)
        self._begun = True

    def _claim(self, told: frozenset[str]) -> None:
        catalogue, everything = self._store.catalogue, self._rights
        ids = [leaf.id for leaf in catalogue if leaf.path in told]
        pace_ms = {
            leaf.id: int(TURN_S * 1e3)
            for leaf in catalogue
            if leaf.path in told and leaf.change != "static"
        }
        self._store.claim(CAR, ids, "data", everything, intervals_ms=pace_ms)
        moved = [leaf.id for leaf in catalogue if leaf.path in SINKS]
        self._store.claim(CAR, moved, "actuation", everything, self._move)

    def turn(self) -> None:
        """Take in what came, and put what changed into the store."""
        self._station.bus.drain()
        new: dict[type[Message], Any] = {}
        for subscription in self._subscriptions:
            if subscription.unread:
                message = subscription.take()[-1]
                new[type(message)] = message
        self._held |= new
        self._counted, found = mapping.values_of(self._counted, new, self._held, self._shape)
        if Plan in new:
            found |= self._route.turn(new[Plan], self._held.get(Localization))
        values = mapping.fitted(self._store.catalogue, found)
        now_ns = self._station.now_ns
        if now_ns - self._said_ns >= AGAIN_NS or not self._said_ns:
            self._said_ns = now_ns
            values = {**self._facts, **self._last, **values}
            changed = values
        else:
            last = self._last
            changed = {i: one for i, one in values.items() if i not in last or last[i] != one}
        self._last |= values
        stamp_ns = self._boot_unix_ns + now_ns
        points = {leaf_id: Datapoint(value, stamp_ns) for leaf_id, value in changed.items()}
        for error in self._store.publish(self._rights, points, CAR).values():
            # As when a client has changed a signal's bounds: that one value is missing, no more.
            if error.path not in self._refused:
                self._refused.add(error.path)
                _log.warning("value_refused path=%s reason=%s", error.path, error.reason)

    def _decide(self, who: str, wanted: Mapping[str, Value]) -> SignalError | None:
        if not self._begun:
            return SignalError(Code.REFUSED, next(iter(wanted)), "the car is still starting")
        self._who = who
        wrong = not_a_time(wanted, self._boot_unix_ns)
        if wrong is not None:
            return wrong
        self._judged, refused = arbiter.decide(
            self._judged, who, wanted, self._car_facts(), self._station.now_ns
        )
        return refused

    def _car_facts(self) -> arbiter.CarFacts | None:
        car: CarState | None = self._held.get(CarState)
        if car is None:
            return None
        pilot: PilotState | None = self._held.get(PilotState)
        body: BodyState | None = self._held.get(BodyState)
        return arbiter.CarFacts(
            stamp_ns=car.stamp_ns,
            speed_mps=car.speed_mps,
            gear=car.gear,
            valid=car.valid,
            pilot_drives=pilot is not None and drives(pilot),
            pilot_ready=pilot is not None and pilot.ready,
            blockers=() if pilot is None else pilot.blocker_words,
            cable=body is not None and body.charge.cable,
            cable_locked=body is not None and body.charge.cable and body.charge.cable_locked,
            flap_open=body is None or body.charge.flap_open,
        )

    def _move(self, batch: Mapping[int, Value]) -> None:
        """What was granted, onto the bus at once; called right after `_decide` of the same asker."""
        stamp_ns, boot_ns = self._station.now_ns, self._boot_unix_ns
        out = [
            message_of(self._store.leaf(leaf_id).path, value, stamp_ns, self._who, boot_ns)
            for leaf_id, value in batch.items()
        ]
        publish_outside(self._station.bus, "signals", stamp_ns, out)


def signals(station: Station, context: Context) -> int:
    """Run the process."""
    store = SignalStore(context.catalogue, bridge=context.kuksa.bridge, stamp_ns=time.time_ns())
    return asyncio.run(_serve(station, context, store))


async def _serve(station: Station, context: Context, store: SignalStore) -> int:
    pump = Pump(station, store, context)
    notes: dict[str, str] = {}
    told = asyncio.Event()

    def say(edge: str, words: str) -> None:
        notes[edge] = words
        told.set()
        station.note = "; ".join(f"{name} {one}" for name, one in notes.items() if one)

    given = EdgeInput(store, History(store), context, say)
    edges = [asyncio.ensure_future(edge(given)) for edge in EDGES]
    edges.append(asyncio.ensure_future(note(given.history)))
    try:
        # The broker alone makes its own socket; the others' listen already. Once it has said that it
        # serves, or why not, the car may say that it is ready.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), OPEN_S)
        if not await asyncio.to_thread(station.go):
            return 0
        pump.begin()
        while not station.ending:
            pump.turn()
            station.beat()
            for edge in edges:
                if edge.done():
                    edge.result()
                    raise RuntimeError("an edge of the signals has ended")
            await asyncio.sleep(TURN_S)
    finally:
        for edge in edges:
            edge.cancel()
        await asyncio.gather(*edges, return_exceptions=True)
    return 0
