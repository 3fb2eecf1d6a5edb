"""The process `updates` of the live car: runs the update machine, with one thread for all that takes time.

What the machine decides is on the disk before anything follows from it. Killed at any moment the next incarnation
goes on from the record; the lock against driving lies in a file that the supervisor reads, whoever is dead.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import msgspec

from volant.app.app_make import app_store
from volant.app.live_context import Context
from volant.app.live_station import OutsideBus, Station, publish_outside
from volant.app.ota_socket import OtaDoor, OtaReply, OtaWish
from volant.app.say import tell as say
from volant.app.updates_fetch import boot_id, sweep
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_ports import CarLine, ports_of
from volant.app.updates_record import FileStore
from volant.app.updates_thread import WorkThread
from volant.app.updates_wake import WakeLine, period_s, wake_line
from volant.app.updates_work import Work
from volant.caros.flash_file import FileFlash
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError, RefusedError, VolantError
from volant.core.messages import PowerState
from volant.core.updates import UpdatePhase, UpdateState, UpdateWish
from volant.ota.conditions import STILL_MPS, car_facts
from volant.ota.events import (
    Action,
    Called,
    Check,
    Do,
    Drop,
    Event,
    Fetch,
    Moment,
    Note,
    Save,
    Seen,
    Tick,
    Wished,
    Woke,
)
from volant.ota.health import HealthFacts, HealthWatch
from volant.ota.life import Life, ended_of, followed, lived, started
from volant.ota.machine import Machine, UpdateTuning, start, step, tell
from volant.ota.record import Decision, Open, encode, load
from volant.ota.telling import waiting_of, wishes

TURN_S: Final = 0.05
SEE_NS: Final = NS_PER_S
"""Between two looks of the machine at the car."""
SAY_NS: Final = NS_PER_S
KEEP_NS: Final = 60 * NS_PER_S
"""Of hours and kilometres a cut may take so much (chosen); events are kept at once."""
REPORT_S: Final = 30.0
"""Until the director is told once more what it has not heard."""
MORE_S: Final = 30.0
"""So long the car is asked to wait before it sleeps, again and again while units are written."""
LOCKED: Final = "an update is being installed; the car may not be driven until it is done"
AT_WORK: Final = frozenset(
    {
        UpdatePhase.INSTALLING,
        UpdatePhase.REBOOTING,
        UpdatePhase.CONFIRMING,
        UpdatePhase.REVERTING,
    }
)
WHO: Final = "updates"


def updates(station: Station, context: Context) -> int:
    """Run the process."""
    folder = UpdatesFolder(context.state, context.trip.spec.name)
    why = _why_not(folder, context)
    if not why:
        with contextlib.ExitStack() as opened:
            try:
                opened.enter_context(folder.held())
            except RefusedError as error:
                why = str(error)
            else:
                return _run(station, context, folder)
    station.note = why
    if not station.go():
        return 0
    _idle(station, why, folder)
    return 0


def _why_not(folder: UpdatesFolder, context: Context) -> str:
    """Why this car takes no updates; empty: it does."""
    try:
        if folder.joined() is None:
            return "not joined to a repository: volant ota join"
        folder.inventory()
        load(FileStore(folder.record))
    except VolantError as error:
        return str(error)
    if not all(isinstance(boot.flash, FileFlash) for boot in context.units.values()):
        return "another car has the programs of the units"
    return ""


def _idle(station: Station, why: str, folder: UpdatesFolder) -> None:
    """Say why there are no updates, and nothing else; a lock that lies there stays."""
    said_ns = -SAY_NS
    with contextlib.ExitStack() as opened:
        door: OtaDoor | None = None
        with contextlib.suppress(InputError):
            door = opened.enter_context(OtaDoor(os.getppid()))
        while not station.ending:
            now_ns = station.now_ns
            state = UpdateState(
                stamp_ns=max(0, now_ns),
                phase=UpdatePhase.IDLE,
                reasons=(why,),
                locked=bool(folder.lock_words()),
            )

            def take(asked: OtaWish, state: UpdateState = state) -> OtaReply:
                taken = asked.wish is None
                return OtaReply(taken=taken, words="" if taken else why, state=state, director=why)

            if door is not None:
                door.turn(take)
            if now_ns - said_ns >= SAY_NS:
                said_ns = now_ns
                publish_outside(station.bus, WHO, now_ns, [(topics.UPDATE_STATE, state)])
            station.beat()
            time.sleep(TURN_S)


def _run(station: Station, context: Context, folder: UpdatesFolder) -> int:
    store = FileStore(folder.record)
    work = Work(folder)
    line = CarLine(context.doip.getsockname()[1])
    work.ports = ports_of(folder, line.ask, app_store(context.state), work.sign)
    tuning = UpdateTuning(health=context.update_trial)
    every_s = period_s(folder.inventory().vehicle_id, tuning.check_every_s)
    tuning = replace(tuning, check_every_s=every_s)
    live = LiveUpdates(station, folder, store, work, tuning)
    if not station.go():
        return 0
    with contextlib.ExitStack() as opened:
        door: OtaDoor | None = None
        try:
            door = opened.enter_context(OtaDoor(os.getppid()))
        except InputError as error:
            say(f"updates: {error}")
        live.wake(booted=station.incarnation == 0)
        while not station.ending:
            live.turn(door)
            time.sleep(TURN_S)
        live.end()
    return 0


class Place(Protocol):
    """Where it runs: a process of the live car, or a car without a road."""

    note: str
    busy: str
    more_s: float

    @property
    def bus(self) -> OutsideBus:
        """What it hears and says things on."""

    @property
    def now_ns(self) -> int:
        """The car's time."""

    def beat(self) -> None:
        """Let whoever watches know that all is well."""


class LiveUpdates:
    """The machine with what it hears and says."""

    def __init__(
        self,
        station: Place,
        folder: UpdatesFolder,
        store: FileStore,
        work: Work,
        tuning: UpdateTuning,
    ) -> None:
        bus = station.bus
        self._station, self._folder, self._store, self._work = station, folder, store, work
        self._car = bus.subscribe(topics.CAR_STATE, 1)
        self._body = bus.subscribe(topics.BODY_STATE, 1)
        self._power = bus.subscribe(topics.CAR_POWER, 1)
        self._codes = bus.subscribe(topics.CAR_CODES)
        self._pilot = bus.subscribe(topics.PILOT_STATE)
        self._wishes = bus.subscribe(topics.UPDATE_REQUEST)
        self._machine: Machine = start(load(store), tuning)
        self._watch = HealthWatch()
        self._thread = WorkThread(work)
        self._clock, self._boot = folder.clock(boot_id(), time.monotonic_ns()), boot_id()
        self._timed = folder.knows_hour(self._boot)
        self._said: UpdateState | None = None
        self._said_ns = self._seen_ns = -NS_PER_S
        self._report_s, self._regular_s = 0.0, time.monotonic() + tuning.check_every_s
        self._unreported = True
        self._life, self._kept_ns = folder.life(), 0
        self._before, self._lived_ns = HealthFacts(), station.now_ns
        self._odometer_m: float | None = None
        self._line: WakeLine | None = None
        self._called = False

    def wake(self, *, booted: bool) -> None:
        """Begin, or go on after a cut."""
        self._keep(started(self._life, booted=booted))
        with contextlib.suppress(InputError):
            self._line = wake_line(self._folder)
        self._feed(Woke(booted))
        self._say()

    def end(self) -> None:
        """The car is switched off."""
        if self._line is not None:
            self._line.close()

    def turn(self, door: OtaDoor | None) -> None:
        """Hear, step, act, say."""
        station = self._station
        station.bus.drain()
        for codes in self._codes.take():
            self._watch.codes(codes)
        for pilot in self._pilot.take():
            self._watch.pilot(pilot)
        for event in self._thread.events():
            self._feed(event)
        now_ns = station.now_ns
        if now_ns - self._seen_ns >= SEE_NS:
            self._seen_ns = now_ns
            self._see(now_ns)
        for wish in self._wishes.take():
            self._wish(OtaWish(wish=wish.wish, offer=wish.offer))
        self._come()
        self._feed(Tick())
        if door is not None:
            door.turn(self._answer)
        self._report()
        self._say()
        state = self._state()
        station.busy = "an update" if state.phase in AT_WORK else ""
        station.more_s = MORE_S if station.busy else 0.0
        station.note = "; ".join(filter(None, (state.phase.value, state.title, self._work.silent)))
        station.beat()

    # --- hearing ---------------------------------------------------------------------------------

    def _see(self, now_ns: int) -> None:
        power = self._power.latest
        driving = power is not None and power.state is PowerState.DRIVING
        facts = car_facts(now_ns, self._car.latest, self._body.latest, power)
        # A car that stands at its goal, or in a queue, tries nothing out.
        driving = driving and facts.speed_mps is not None and abs(facts.speed_mps) > STILL_MPS
        health = self._watch.facts(driving=driving)
        self._feed(Seen(facts, health))
        self._live(now_ns, health)

    def _live(self, now_ns: int, health: HealthFacts) -> None:
        """Count how the car is; each event is sure on the disk, and told the director soon."""
        car, life = self._car.latest, self._life
        odometer_m = car.odometer_m if car is not None and car.valid else None
        driven_m = odometer_m - self._odometer_m if odometer_m and self._odometer_m else 0.0
        passed_s = (now_ns - self._lived_ns) / NS_PER_S
        life = followed(life, self._machine.record, health.codes)
        life = lived(life, passed_s, driven_m / 1000.0, self._before, health)
        self._before, self._odometer_m, self._lived_ns = health, odometer_m, now_ns
        fresh = (life.programs, life.events) != (self._life.programs, self._life.events)
        self._unreported = self._unreported or fresh
        if fresh or now_ns - self._kept_ns >= KEEP_NS:
            self._kept_ns = now_ns
            self._keep(life)
        else:
            self._life = life
        self._inform()

    def _inform(self) -> None:
        """What the director is told with the next report."""
        self._work.condition = self._life.condition
        self._work.ended = ended_of(self._machine.record)
        self._work.waiting = waiting_of(self._machine, self._moment())

    def _keep(self, life: Life) -> None:
        self._life = life
        with contextlib.suppress(OSError):
            self._folder.keep_life(life)

    def _answer(self, asked: OtaWish) -> OtaReply:
        if asked.wish is not None:
            self._wish(asked)
        state = self._state()
        refused = state.refused if asked.wish is not None else ""
        return OtaReply(taken=not refused, words=refused, state=state, director=self._work.silent)

    def _wish(self, asked: OtaWish) -> None:
        assert asked.wish is not None
        if asked.wish is UpdateWish.CHECK and asked.wish in wishes(self._machine):
            self._work.usb = Path(asked.usb) if asked.usb else None
        self._feed(Wished(asked.wish, asked.offer))

    def _come(self) -> None:
        """Ask the fleet what there is, if it has called, as soon as nothing else is in hand."""
        self._called = self._called or (self._line is not None and self._line.called())
        if not self._called or self._thread.busy:
            return
        self._called = False
        if self._machine.record.open is None:
            self._feed(Called())
        else:
            self._unreported, self._report_s = True, 0.0

    # --- stepping --------------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        found = step(self._machine, event, self._moment())
        self._machine = found.machine
        if found.machine.locked:
            self._folder.lock(LOCKED)
        for action in found.actions:
            self._act(action)
        if not found.machine.locked:
            self._folder.unlock()

    def _act(self, action: Action) -> None:
        """Raises where the disk refuses the record: the process ends, and the next one goes on from what is sure."""
        if isinstance(action, Save):
            self._store.put(encode(action.record))
        elif isinstance(action, Check | Fetch | Do):
            self._thread.ask(action)
        elif isinstance(action, Drop):
            with contextlib.suppress(OSError):
                sweep(self._folder)
        elif isinstance(action, Note):
            say(f"updates: {action.result.title}: {action.result.end.value} {action.result.why}")
            with contextlib.suppress(OSError, InputError):
                self._folder.add_history(action.result)
            self._unreported, self._report_s = True, 0.0

    def _moment(self) -> Moment:
        now_ns = time.monotonic_ns()
        if self._thread.clock_changed:
            self._thread.clock_changed = False
            self._clock = self._folder.clock(self._boot, now_ns)
            self._timed = self._folder.knows_hour(self._boot)
        offset_s = float(time.localtime().tm_gmtoff)
        now_s = self._clock.now_s(now_ns)
        return Moment(max(0, self._station.now_ns), now_s, offset_s, timed=self._timed)

    # --- saying ----------------------------------------------------------------------------------

    def _state(self) -> UpdateState:
        return tell(self._machine, self._moment())

    def _say(self) -> None:
        state, now_ns = self._state(), self._station.now_ns
        same = self._said is not None and (
            msgspec.structs.replace(state, stamp_ns=0)
            == msgspec.structs.replace(self._said, stamp_ns=0)
        )
        if not same or now_ns - self._said_ns >= SAY_NS:
            self._said, self._said_ns = state, now_ns
            publish_outside(self._station.bus, WHO, now_ns, [(topics.UPDATE_STATE, state)])

    def _report(self) -> None:
        """Tell the director what runs, once nothing is in hand; again later, where it does not hear."""
        now_s, now = time.monotonic(), self._machine.record.open
        # While an update is under way nothing else is asked, and so nothing told by the way.
        unreported = self._unreported or (now is not None and now_s >= self._regular_s)
        if not unreported or now_s < self._report_s or self._thread.busy:
            return
        if now is not None and not self._may_report(now):
            return
        self._inform()
        self._unreported, self._report_s = False, now_s + REPORT_S
        self._regular_s = now_s + self._machine.tuning.check_every_s
        self._thread.report(self._told)

    def _may_report(self, now: Open) -> bool:
        """Whether units are not at work: on trial for a while, or none is written as long as the car may not."""
        if now.decision is Decision.TRIAL:
            return self._machine.has_settled
        return now.decision is Decision.STAGE and bool(self._machine.waits)

    def _told(self, why: str) -> None:
        self._unreported = bool(why)
