"""The programs of the live car's own processes: each runs the same components as a drive in one process.

The process table names these functions; each is called in a fork that has the trip loaded already.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Final

import msgspec

from volant.app import components
from volant.app.desk import Desk
from volant.app.drive import first_wheel_rad, steering_of
from volant.app.inbox import Inbox
from volant.app.live_context import Context
from volant.app.live_record import DiskThread, open_recorder
from volant.app.live_station import Station, Stepper, publish_outside
from volant.app.live_wiring import vehicle_part, world_part
from volant.app.programs import PILOT, pilot_tuning
from volant.app.start import FIRST_NS, GIVE_UP_NS, PARKED_NS, Starter
from volant.app.unit_flash import Watch
from volant.caros.cockpit import spawn_cockpit_at
from volant.caros.codes import Codes
from volant.core import topics
from volant.core.clock import CONTROL_TICK_NS, nanoseconds
from volant.core.messages import CommandSource, DriverControls, FlashUse, Gear
from volant.pilot import PilotSettings
from volant.sim.judge import summary
from volant.vehicle.boot.calibration import Programs

VEHICLE_PHASE_NS: Final = nanoseconds(0.005)
"""The vehicle steps in the middle of a tick: what the car measured at its beginning is there by then,
and what comes of it is there before the next."""
RECORD_EVERY_S: Final = 0.02
SILENT_NS: Final = nanoseconds(0.2)
LAST_WORDS_NS: Final = nanoseconds(2.0)
"""At the end the recorder listens until all have been silent for the first, at most for the second."""
CLIP_ENDS_S: Final = 6.0
"""An open clip ends so soon when nothing more happens."""
ASK_NS: Final = nanoseconds(0.3)
"""Screens that come back ask after this time who drives: controls that were pressed are free by then."""
LOOK_NS: Final = nanoseconds(0.5)
"""Between two looks at what the pilot's unit runs."""
AGAIN_NS: Final = nanoseconds(0.1)
"""A driver's hands that press or turn are said again at least so often."""


def world(station: Station, context: Context) -> int:
    """The plant with its actuators, traffic and sensors, at every tick of the clock."""
    stepper = Stepper(world_part(context.trip, context.units), station.bus, station.incarnation)
    stepper.start()
    if station.go():
        station.run([stepper], every_tick=True)
    return 0


def vehicle(station: Station, context: Context) -> int:
    """Emergency braking and the guard, at 100 Hz whatever else is silent; over buses also the port."""
    stepper = Stepper(vehicle_part(context.trip), station.bus, station.incarnation)
    stepper.start()
    if not station.go():
        return 0
    if context.trip.wish.bus is None:
        station.run([stepper], phase_ns=VEHICLE_PHASE_NS)
    else:
        station.run([stepper], tick_ns=VEHICLE_PHASE_NS, awaited=topics.CAN_FRAMES)
    return 0


def pilot(station: Station, context: Context) -> int:
    """The pilot, as soon as the car's state of a tick is there; by the tuning that its unit runs.

    A parked car's unit may be programmed: once it has booted something else, the pilot begins anew with that.
    """
    seen = Watch({PILOT: context.units[PILOT].again()})
    stepper = Stepper(components.pilot(_tuned(context, seen.now)), station.bus, station.incarnation)
    stepper.start()
    car = station.bus.subscribe(topics.CAR_STATE, 1)
    looked_ns = 0

    def look(stamp_ns: int) -> None:
        nonlocal looked_ns
        parked = car.latest is not None and car.latest.gear is Gear.PARK
        if not parked or stamp_ns - looked_ns < LOOK_NS:
            return
        looked_ns = stamp_ns
        changed = seen.changed()
        if changed is not None:
            stepper.component = components.pilot(_tuned(context, changed))
            stepper.start()

    if station.go():
        station.run([stepper], awaited=topics.CAR_STATE, before=look)
    return 0


def _tuned(context: Context, programs: Programs) -> PilotSettings:
    """The pilot's settings with the tuning that its unit runs; one that runs none leaves it as it was."""
    if programs[PILOT] is None:
        return context.pilot
    return replace(context.pilot, tuning=pilot_tuning(programs))


def judge(station: Station, context: Context) -> int:
    """The judge; its figures go to the supervisor in words that are JSON."""
    stepper = Stepper(components.judge(context.judge), station.bus, station.incarnation)
    stepper.start()
    told_ns = 0

    def tell(stamp_ns: int) -> None:
        nonlocal told_ns
        if stamp_ns - told_ns >= nanoseconds(0.5):
            told_ns = stamp_ns
            found = summary(stepper.state)
            words = {
                "arrived": found.arrived,
                "distance_m": round(found.distance_m, 1),
                "contacts": found.contacts,
                "contacts_at_fault": found.contacts_at_fault,
                "interventions": found.interventions,
                "max_lane_offset_m": found.max_lane_offset_m,
            }
            station.note = msgspec.json.encode(words).decode()

    if station.go():
        station.run([stepper], awaited=topics.WORLD_EGO, before=tell)
    return 0


def recorder(station: Station, context: Context) -> int:
    """Keeps what was said in memory and writes clips of events, or writes every message down.

    Messages come in the order in which their writer published them.
    """

    def codes() -> tuple[str, ...]:
        return tuple(filter(None, Codes(context.codes).confirmed().split(", ")))

    recorder = open_recorder(context.journal, context.state, context.trip, codes)
    station.note = recorder.note
    if not station.go(keep=True):
        return 0
    disk = DiskThread(recorder, lambda: station.now_ns)
    said: FlashUse | None = None
    ended_ns, heard_ns = 0, 0
    while disk.alive:
        came = station.bus.drain_all()
        for topic, _number, message in came:
            if topic.journal:
                recorder.take(station.now_ns, topic, message)
        use = recorder.use
        if use is not None and use is not said:
            said = use
            station.bus.publish(topics.FLASH_STATE, use)
        station.note = recorder.note
        station.busy, station.more_s = recorder.busy, CLIP_ENDS_S
        station.beat()
        heard_ns = station.now_ns if came else heard_ns
        if station.ending:
            ended_ns = ended_ns or station.now_ns
            # The others end at the same time; a step is only whole with all that it was given.
            if station.now_ns - heard_ns > SILENT_NS or station.now_ns - ended_ns > LAST_WORDS_NS:
                disk.close()
                recorder.close()
                station.note = recorder.note
                station.beat(at_once=True)
                return 0
        time.sleep(RECORD_EVERY_S)
    raise RuntimeError("the thread that writes to the disk has failed")


def screens(station: Station, context: Context) -> int:
    """Builds the cockpit's frames, keeps its server, and hands on what the seated screen does."""
    link = spawn_cockpit_at(context.door)
    bus, inbox = station.bus, Inbox()
    part = components.cockpit(context.frames, link.send)
    stepper = Stepper(part, bus, station.incarnation)
    stepper.start()
    first = station.incarnation == 0
    car = bus.subscribe(topics.CAR_STATE, 1)
    desk = Desk(bus, inbox, link.poll, steering_of(context.trip))
    guard = bus.subscribe(topics.GUARD_DECISION)
    parked = context.pilot.berth is not None
    starter = None
    if not context.waits_parked and (first or parked):
        give_up_ns = PARKED_NS if parked else GIVE_UP_NS
        starter = Starter(bus, inbox, first_wheel_rad(context.trip), give_up_ns)
    said, said_ns = DriverControls(), 0
    asked_ns: int | None = None
    looks = 0

    def ask_who_drives(stamp_ns: int) -> None:
        """Once after a restart, when the guard has seen that nobody touches anything."""
        nonlocal asked_ns
        asked_ns = stamp_ns if asked_ns is None else asked_ns
        decision = guard.latest
        if stamp_ns - asked_ns >= ASK_NS and decision is not None:
            asked_ns = -1
            if decision.source is CommandSource.DRIVER:
                desk.abandon()

    def look(stamp_ns: int) -> None:
        nonlocal said, said_ns, looks, starter
        desk.look(stamp_ns)
        if not first and asked_ns != -1:
            ask_who_drives(stamp_ns)
        left_park = car.latest is not None and car.latest.gear is not Gear.PARK
        if not first and (left_park or stamp_ns > PARKED_NS):
            starter = None  # who has driven already is not driven off with
        if starter is not None and not desk.taken:
            # By our own ticks: screens that a busy machine holds up do not make the person give up.
            looks += 1
            starter.look(max(looks * CONTROL_TICK_NS, min(stamp_ns, FIRST_NS)))
        out = list(inbox.take(stamp_ns))
        told = [message for _, message in out if isinstance(message, DriverControls)]
        if not told and said != DriverControls() and stamp_ns - said_ns >= AGAIN_NS:
            out.append((topics.DRIVER_CONTROLS, said))
            told = [said]
        if told:
            said, said_ns = told[-1], stamp_ns
        publish_outside(bus, "driver", stamp_ns, out)
        if not link.alive:
            raise ConnectionError("the cockpit's server has ended")

    try:
        if station.go():
            if not first:
                free = (topics.DRIVER_CONTROLS, DriverControls())
                publish_outside(bus, "driver", station.now_ns, [free])
            station.run([stepper], before=look)
    finally:
        with contextlib.suppress(OSError):
            link.close()
    return 0
