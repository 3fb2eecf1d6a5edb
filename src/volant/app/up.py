"""`volant up`: boots the live car in processes, keeps it up, and says how each of them is.

The supervisor loads the trip once and forks every process from there, so one that dies is back in a
moment. It drives nothing itself: when it is killed, the kernel ends all the others.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from volant.app import live_power
from volant.app.app_lock import ApartNews
from volant.app.clip_recorder import owners_of
from volant.app.compose import Trip, plan_trip
from volant.app.exits import Exit
from volant.app.folders import state_folder
from volant.app.live_cards import LiveCard, card_here, now_words
from volant.app.live_context import Context, make_context
from volant.app.live_kuksa import KuksaWish, open_kuksa
from volant.app.live_power import LivePower
from volant.app.live_record import BUDGET
from volant.app.live_station import GO, Station, publish_outside
from volant.app.live_viss import VissWish, open_viss
from volant.app.live_wiring import BRIDGE, bus_codes_of, check_bus, wired
from volant.app.power_socket import PowerAnswer, PowerDoor, PowerReply
from volant.app.programs import booted
from volant.app.say import answer_json, table, tell
from volant.app.signal_files import whole_catalogue
from volant.app.signal_line import listening_here
from volant.app.state import open_codes
from volant.app.stop import StopSignals
from volant.app.trip import TripWish
from volant.app.unit_flash import open_units
from volant.app.updates_folder import UpdatesFolder
from volant.caros.cockpit import NOT_BUILT, listen_near, open_door, screens_are_built
from volant.caros.flash_file import FileFlash
from volant.caros.ledger import FlashLedger
from volant.caros.livebus import LiveBus, Wiring
from volant.caros.power import PowerSettings, Wish
from volant.caros.supervise import ProcessRow, ProcessTable, load_table
from volant.caros.supervise.lost import Lost
from volant.caros.supervise.machine import Phase, Say
from volant.caros.supervise.pulse import Pulse
from volant.caros.supervise.shell import Supervisor
from volant.core import topics
from volant.core.errors import InputError
from volant.core.messages import FlashUse, PowerState
from volant.ota.health import HealthTuning
from volant.vehicle.boot import Bootloader
from volant.vehicle.boot.calibration import Programs
from volant.vehicle.spec import CarSpec

PROCESSES: Final = Path(__file__).with_name("processes.toml")
APPS_BETWEEN: Final = ("apps", "signals")
"""Who holds the ends of the apps' channel: what comes over it is believed."""
TESTERS_BETWEEN: Final = (BRIDGE.name, "diagnostics")
"""Who holds the ends of the way of testers on buses outside."""
LOOK_AT_UNITS: Final = ("world", "pilot", "diagnostics", "updates")
"""Who opens the units' flash; the others' copies of its descriptors are closed."""
TURN_S: Final = 0.05
STATUS_EVERY_S: Final = 0.5
BOOT_MOST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class UpWish:
    """What the command line asks for."""

    trip: TripWish
    journal: Path | None = None
    """None: the folder of the state."""
    record: bool = True
    port: int = 0
    doip_port: int = 0
    kuksa: KuksaWish = field(default_factory=KuksaWish)
    viss: VissWish = field(default_factory=VissWish)
    ready_file: Path | None = None
    status_file: Path | None = None
    for_s: float | None = None
    processes: Path | None = None
    state: Path | None = None
    parked: bool = False
    """Stay parked until somebody asks for a drive."""
    sleep_after_s: float = 600.0
    """Parked with nothing to do."""
    supply_pct: float = 80.0
    """Charge of the 12 V battery at the start."""
    update_trial: HealthTuning = field(default_factory=HealthTuning)
    """How long new programs are watched before they stay."""
    as_json: bool = False


class ProcessAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How one process is."""

    name: str
    phase: str
    pid: int | None
    starts: int
    ticks: int
    late_p99_ms: float
    late_most_ms: float
    dropped: int
    lost: int
    note: str


class UpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the live car is, or was."""

    ready: bool
    boot_s: float | None
    """From the start of the command's own code to ready; null: it never was."""
    up_s: float
    """Since ready."""
    reason: str
    """Why it ended; empty while it is up."""
    real_time: bool
    """Real-time priority is granted to those that ask for it."""
    origin_ns: int | None
    """Where the car's clock begins, on this machine's monotonic clock; null: it does not run yet."""
    address: str
    """Of the cockpit; it holds the token."""
    doip_port: int
    """Where testers reach the control units, on loopback."""
    kuksa_port: int
    """Where KUKSA's clients reach the signals, on loopback."""
    viss_port: int
    """Where clients of VISS do, on loopback."""
    bus: str | None
    """Buses between the car and its guard, as asked for; null: none."""
    power: PowerAnswer
    """The power state; the reference of `volant power` says each key."""
    power_socket: str
    """Where `volant power` asks; empty: there could be none."""
    number: int
    """Of this car, by which `--car` finds it: its process."""
    judged: dict[str, Any]
    """What ground truth says of the drive so far."""
    flash: FlashUse | None
    """What is written to flash; null where no budget is kept."""
    processes: tuple[ProcessAnswer, ...]


class LiveCar:
    """The supervisor of one live car."""

    def __init__(self, context: Context, processes: ProcessTable, wish: UpWish) -> None:
        """Lay the bus; nothing is started yet."""
        self.table = processes
        self._context = context
        written = (topics.ALERT, topics.LIVE_STEP, *live_power.WRITES)
        self._wiring = Wiring(self.table, {"": written}, {"": live_power.READS})
        self._bus = LiveBus(self._wiring.seat(""))
        self.power = LivePower(
            self._bus,
            processes,
            PowerSettings(sleep_after_s=wish.sleep_after_s),
            goal=PowerState.PARKED if wish.parked else PowerState.DRIVING,
            charge=wish.supply_pct / 100.0,
            now_ns=time.monotonic_ns(),
            lock=UpdatesFolder(context.state, context.trip.spec.name).lock_words,
        )
        self.origin_ns: int | None = None
        """Where the car's clock begins, on the monotonic clock; None while it does not run."""
        self._car = self._bus.subscribe(topics.CAR_STATE)
        guards = (
            row.name for row in processes.process if topics.GUARD_DECISION in row.topics_written
        )
        self._lost = Lost(next(guards, ""))
        self._apart = ApartNews()
        self.supervisor = Supervisor(
            self.table,
            run=self._run,
            kept=self._kept,
            seed=context.trip.wish.seed,
            power=PowerState.OFF,
        )

    @property
    def ready(self) -> bool:
        """Everything has answered once, and the clock runs."""
        return self.origin_ns is not None

    def turn(self) -> tuple[str, ...]:
        """One round of the supervisor and of the power states; gives what people should know."""
        said = self.supervisor.turn(TURN_S)
        self._tell_driver(said)
        told = [
            f"{one.name}: {one.what} {one.detail}".strip()
            for one in said
            if self.ready or one.what != "ready"
        ]
        power = self.power.turn(self.supervisor, time.monotonic_ns(), self.origin_ns)
        if self.origin_ns is None and self.power.may_start_clock:
            self.origin_ns = time.monotonic_ns()
            for row in self.table.process:
                self.supervisor.send(row.name, GO.pack(self.origin_ns))
        apart = self._apart.turn(self.supervisor.pulses.get("apps", Pulse()).note)
        return (*told, *(f"power: {words}" for words in power), *apart)

    def ask(self, asked: Wish | None) -> PowerReply:
        """Take a person's wish, or only show how the car is."""
        why_not = "" if asked is None else self.power.ask(asked)
        return PowerReply(taken=not why_not, words=why_not, power=self.power.answer())

    def close(self) -> None:
        """Stop all in order."""
        self.supervisor.close()
        self._wiring.close()

    def broken(self) -> str:
        """Why the car cannot be up any more; empty while it can."""
        for row in self.table.process:
            phase = self.supervisor.state.ones[row.name].phase
            if row.safety == "driving" and phase in (Phase.STOPPED, Phase.QUARANTINED):
                return f"the process {row.name} is gone ({phase.value})"
        return ""

    def processes(self) -> tuple[ProcessAnswer, ...]:
        """How each process is."""
        return tuple(self._answer(row) for row in self.table.process)

    def _answer(self, row: ProcessRow) -> ProcessAnswer:
        one = self.supervisor.state.ones[row.name]
        pulse = self.supervisor.pulses.get(row.name, Pulse())
        return ProcessAnswer(
            name=row.name,
            phase=one.phase.value,
            pid=self.supervisor.pids.get(row.name),
            starts=one.starts,
            ticks=pulse.ticks,
            late_p99_ms=round(pulse.late_p99_ms, 3),
            late_most_ms=round(pulse.late_most_ms, 3),
            dropped=pulse.dropped,
            lost=pulse.lost,
            note=pulse.note,
        )

    def _kept(self, row: ProcessRow) -> tuple[int, ...]:
        context = self._context
        kept = [
            *(context.door.listener, context.doip, context.signals),
            *(context.kuksa.held, context.viss.listener),
        ]
        if row.name in APPS_BETWEEN:
            kept.append(context.apps[APPS_BETWEEN.index(row.name)])
        if row.name in TESTERS_BETWEEN:
            kept.append(context.testers[TESTERS_BETWEEN.index(row.name)])
        descriptors = [*self._wiring.seat(row.name).descriptors, *(one.fileno() for one in kept)]
        if row.name in LOOK_AT_UNITS:
            devices = (boot.flash for boot in context.units.values())
            descriptors += [one.fileno() for one in devices if isinstance(one, FileFlash)]
        return tuple(descriptors)

    def _run(self, row: ProcessRow, incarnation: int, pair: socket.socket) -> int:
        """In the fork of a process."""
        assert isinstance(row.program, str)
        module, _, function = row.program.partition(":")
        seat = self._wiring.seat(row.name)
        station = Station(row, incarnation, pair, seat, self.origin_ns)
        status = getattr(importlib.import_module(module), function)(station, self._context)
        return int(status or 0)

    def _tell_driver(self, said: tuple[Say, ...]) -> None:
        """Tell the driver at once of the death of a process that drives, and that it is back."""
        if self.origin_ns is None:
            return
        now_ns = time.monotonic_ns() - self.origin_ns
        for one in said:
            if self.table.row(one.name).safety == "driving":
                self._lost.take(one, now_ns)
        told = self._lost.turn(self._car.take(), now_ns)
        outputs = [(topics.ALERT, alert) for alert in told]
        publish_outside(self._bus, "supervisor", now_ns, outputs)


def up_command(wish: UpWish) -> Exit:
    """Run `volant up`."""
    began_s = time.monotonic()
    _check_files(wish)
    check_bus(wish.trip.bus)
    processes = wired(load_table(wish.processes or PROCESSES), wish.trip.bus)
    state = wish.state or state_folder()
    with (
        contextlib.ExitStack() as opened,
        StopSignals() as signals,
        _power_door() as power_door,
        listening_here() as listener,
    ):
        units: dict[str, Bootloader] = {}

        def boot(car: CarSpec) -> Programs:
            units.update(opened.enter_context(open_units(state, car)))
            return booted(units)

        trip = plan_trip(wish.trip, boot)
        codes = opened.enter_context(open_codes(wish.state, bus_codes_of(trip)))
        door = open_door(wish.port)
        doip, doip_port = listen_near(wish.doip_port)
        kuksa, viss = open_kuksa(wish.kuksa), open_viss(wish.viss)
        journal = (wish.journal or state) if wish.record else None
        context = replace(
            make_context(
                *(trip, door, journal, doip, codes.folder, state),
                *(listener, whole_catalogue()[0], kuksa, viss, units),
            ),
            jobs=processes.job,
            update_trial=wish.update_trial,
            waits_parked=wish.parked,
        )
        if wish.parked and context.pilot.berth is None:
            raise InputError("this trip begins rolling; --parked needs one that begins parked")
        codes.begin_drive()
        car = LiveCar(context, processes, wish)
        _tell_start(trip, door.address, door.port, door.wanted_port)
        tell(f"diagnostics: DoIP at 127.0.0.1:{doip_port}")
        tell(f"signals: KUKSA at {kuksa.words}; VISS at port {viss.port}")
        gc.collect()
        gc.freeze()
        try:
            ports = doip_port, kuksa.port, viss.port
            card = _card(trip, (door.port, *ports), listener, power_door, state)
            with card_here(card):
                status, answer = _keep_up(
                    car, wish, signals, began_s, door.address, ports, power_door
                )
        finally:
            car.close()
            door.listener.close()
            doip.close()
            kuksa.held.close()
            for end in (*context.apps, *context.testers):
                end.close()
            viss.listener.close()
            for path in (wish.ready_file, wish.status_file):
                if path is not None:
                    path.unlink(missing_ok=True)
        answer = msgspec.structs.replace(answer, flash=_flash_at_end(car, state))
    _show(answer, as_json=wish.as_json)
    return status


def _card(
    trip: Trip,
    ports: tuple[int, int, int, int],
    listener: socket.socket,
    power_door: PowerDoor | None,
    state: Path,
) -> LiveCard:
    """What `volant live` says of this car."""
    cockpit_port, doip_port, kuksa_port, viss_port = ports
    return LiveCard(
        number=os.getpid(),
        car=trip.spec.name,
        road=trip.wish.road,
        seed=trip.wish.seed,
        began=now_words(),
        cockpit_port=cockpit_port,
        doip_port=doip_port,
        kuksa_port=kuksa_port,
        viss_port=viss_port,
        signals=listener.getsockname(),
        power="" if power_door is None else str(power_door.path),
        state=str(state.absolute()),
    )


def _check_files(wish: UpWish) -> None:
    """Whoever waits for a file that can never come waits for ever."""
    for option, path in (("--ready-file", wish.ready_file), ("--status-file", wish.status_file)):
        if path is not None and not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise InputError(f"{option} {path}: {path.absolute().parent} is no folder to write in")
    if wish.journal is not None and not wish.record:
        raise InputError("--journal and --no-journal contradict each other")
    if wish.state is not None and wish.state.exists() and not wish.state.is_dir():
        raise InputError(f"--state {wish.state} is not a folder")


def _keep_up(
    car: LiveCar,
    wish: UpWish,
    signals: StopSignals,
    began_s: float,
    address: str,
    ports: tuple[int, int, int],
    power_door: PowerDoor | None,
) -> tuple[Exit, UpAnswer]:
    """Until somebody asks for the end, the time is over, or the car is broken."""
    boot_s: float | None = None
    status_s = 0.0

    def answer(reason: str) -> UpAnswer:
        found = car.processes()
        up_s = 0.0 if boot_s is None else time.monotonic() - began_s - boot_s
        notes = {one.name: one.note for one in found}
        return UpAnswer(
            ready=boot_s is not None,
            boot_s=boot_s,
            up_s=up_s,
            reason=reason,
            real_time=_real_time(),
            origin_ns=car.origin_ns,
            address=address,
            doip_port=ports[0],
            kuksa_port=ports[1],
            viss_port=ports[2],
            bus=wish.trip.bus,
            power=car.power.answer(),
            power_socket="" if power_door is None else str(power_door.path),
            number=os.getpid(),
            judged=msgspec.json.decode(notes.get("judge") or "{}"),
            flash=_flash_of(notes.get("recorder", "")),
            processes=found,
        )

    while True:
        for words in car.turn():
            tell(words)
        if power_door is not None:
            power_door.turn(car.ask)
        now_s = time.monotonic()
        if boot_s is None and car.ready:
            boot_s = now_s - began_s
            tell(f"ready after {boot_s:.1f} s")
            _write(wish.ready_file, answer(""))
        if now_s - status_s >= STATUS_EVERY_S:
            status_s = now_s
            _write(wish.status_file, answer(""))
        if signals.asked is not None:
            return signals.asked[0], answer(signals.asked[1])
        if car.power.power.ending and car.power.power.state is PowerState.OFF:
            return Exit.DONE, answer("switched off")
        if broken := car.broken():
            return Exit.INTERNAL, answer(broken)
        if boot_s is None and now_s - began_s > BOOT_MOST_S:
            return Exit.INTERNAL, answer(f"not ready after {BOOT_MOST_S:.0f} s")
        if boot_s is not None and wish.for_s is not None and now_s - began_s - boot_s >= wish.for_s:
            return Exit.DONE, answer(f"{wish.for_s:g} s are over")


def _flash_of(note: str) -> FlashUse | None:
    """The recorder's note; of one that writes the whole journal it is a path."""
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(note, type=FlashUse)
    return None


def _flash_at_end(car: LiveCar, state: Path) -> FlashUse | None:
    """The recorder's last note, with the counts after all have written their last."""
    notes = {one.name: one.note for one in car.processes()}
    use, ledger = _flash_of(notes.get("recorder", "")), FlashLedger(state, BUDGET)
    if use is None:
        return None
    today = ledger.state().of(ledger.today())
    return msgspec.structs.replace(use, written_bytes=today.written, owners=owners_of(today))


@contextlib.contextmanager
def _power_door() -> Iterator[PowerDoor | None]:
    """The socket of `volant power`; a folder that refuses costs only that."""
    try:
        door = PowerDoor()
    except InputError as error:
        tell(f"power: {error}")
        yield None
        return
    with door:
        yield door


def _real_time() -> bool:
    """Whether the kernel grants a real-time priority to us, and so to our forks."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return False
    os.sched_setscheduler(0, *before)
    return True


def _write(path: Path | None, answer: UpAnswer) -> None:
    """Put a file in its place in one move, readable by its owner only: it holds the cockpit's token."""
    if path is None:
        return
    draft = path.with_name(path.name + ".part")
    with contextlib.suppress(OSError):
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
        draft.replace(path)


def _tell_start(trip: Trip, address: str, port: int, wanted_port: int) -> None:
    tell(f"{trip.spec.title} on {trip.wish.road}, live, seed {trip.wish.seed}")
    if port != wanted_port:
        tell(f"port {wanted_port} is taken, the cockpit is at {port}")
    if trip.wish.bus is not None:
        tell(f"over buses: {trip.wish.bus}")
    tell(f"cockpit: {address}")
    if not screens_are_built():
        tell(f"cockpit: {NOT_BUILT}")


def _show(answer: UpAnswer, *, as_json: bool) -> None:
    if as_json:
        answer_json(answer)
        return
    boot = "never" if answer.boot_s is None else f"after {answer.boot_s:.1f} s"
    tell(f"ready {boot}, up for {answer.up_s:.1f} s; ended: {answer.reason}")
    rows = [
        (
            *(one.name, one.phase, str(one.starts), str(one.ticks)),
            *(f"{one.late_p99_ms:.2f} ms", f"{one.late_most_ms:.1f} ms", str(one.dropped)),
        )
        for one in answer.processes
    ]
    heads = ("process", "phase", "starts", "ticks", "late p99", "late most", "dropped")
    table("The live car", heads, rows)
