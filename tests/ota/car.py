"""A car whose units are real bootloaders on small devices, its primary's record on a disk, and a shell without threads.

All that survives a cut is in `Car.devices`; `Car.start` is what happens at power-on.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from volant.core.errors import LinkError, RefusedError
from volant.core.messages import Gear, PowerState
from volant.core.updates import UpdateResult, UpdateState, UpdateWish
from volant.ota import Artifact, Order, UnitNow
from volant.ota.conditions import CarFacts
from volant.ota.deeds import perform
from volant.ota.events import (
    Action,
    Check,
    Checked,
    Deed,
    Did,
    Do,
    Event,
    Fetch,
    Fetched,
    Moment,
    Note,
    Save,
    Seen,
    Tick,
    Wished,
    Woke,
)
from volant.ota.health import HealthFacts, HealthTuning
from volant.ota.machine import Machine, UpdateTuning, start, step, tell
from volant.ota.ports import Tell
from volant.ota.record import Offer, Record, UnitPlan, encode, load, must_hold
from volant.trust.flash import Area, Flash, Geometry, MemoryFlash
from volant.trust.uptane import Installed
from volant.vehicle.boot import Bootloader, Identity, Image, Layout, Tables, make_image
from volant.vehicle.boot.told import OneTold, programs_of

BLOCK = 512
UNIT = Geometry(size_bytes=8 * BLOCK, erase_bytes=BLOCK, page_bytes=64)
RECORD = Area(0, 4 * BLOCK)
TWO = Layout(RECORD, (Area(4 * BLOCK, 2 * BLOCK), Area(6 * BLOCK, 2 * BLOCK)))
ONE = Layout(RECORD, (Area(4 * BLOCK, 2 * BLOCK),))
SENT = 100
"""Bytes of one block on the bus."""
UNITS = ("body", "brake", "drive")
SINGLE = "drive"
NEEDS = {"brake": {"body": 2}}
SECOND = 1_000_000_000
PARKED = CarFacts(
    speed_mps=0.0,
    gear=Gear.PARK,
    power=PowerState.PARKED,
    supply_v=13.0,
    charge_pct=60.0,
    doors_open=True,
)
TUNING = UpdateTuning(health=HealthTuning(settle_s=2.0, drive_s=0.0))
TAKES_S = {Deed.STAGE: 4.0, Deed.RESET: 1.5, Deed.GO_BACK: 1.6, Deed.LOOK: 0.05}
"""Simulated time of deeds; others are as short as a look."""
WATCHDOG_S = 1.0
"""A unit that hangs is reset so long after its boot."""


def image_of(unit: str, release: int) -> bytes:
    """About 600 bytes: two blocks."""
    needs = NEEDS.get(unit, {}) if release > 1 else {}
    rows = {f"row_{n}": float(release * n) for n in range(24)}
    tables = Tables(calibration=rows, needs=needs)
    made = Image(
        unit=unit, hardware="SIM-1", version=f"{release}.0", release=release, tables=tables
    )
    return make_image(made)


def installed(unit: str, data: bytes) -> Installed:
    hashes = {"sha256": hashlib.sha256(data).hexdigest()}
    return Installed(ecu_id=unit, name=f"{unit}.img", length=len(data), hashes=hashes)


IMAGES = {(unit, release): image_of(unit, release) for unit in UNITS for release in (1, 2, 3)}
FILES = {installed(unit, data).hashes["sha256"]: data for (unit, _), data in IMAGES.items()}
IDS = {key: installed(key[0], data) for key, data in IMAGES.items()}


def offer(
    release: int = 2, units: Iterable[str] = UNITS, before: dict[str, int] | None = None
) -> Offer:
    runs = before or {}
    plans = tuple(
        UnitPlan(
            unit=unit,
            target=IDS[unit, release],
            before=IDS[unit, runs.get(unit, 1)],
            version=f"{release}.0",
            version_before=f"{runs.get(unit, 1)}.0",
            single=unit == SINGLE,
            needs=tuple(NEEDS.get(unit, ())),
        )
        for unit in units
    )
    return Offer(name=f"update {release}", title="Brakes better", units=plans, takes_s=60.0)


def order_of(unit: str, what: Installed) -> Order:
    data = FILES[what.hashes["sha256"]]
    artifact = Artifact(
        what.name, len(data), what.hashes["sha256"], lambda at, length: data[at : at + length]
    )
    return Order(target=what, image=artifact)


@dataclass
class Faults:
    """What a unit does wrong; each entry is used up."""

    silent: int = 0
    """Calls that it does not answer, asking included."""
    refuses: dict[Deed, int] = field(default_factory=dict)
    idle: dict[Deed, int] = field(default_factory=dict)
    """Deeds that it says are done and does not do."""
    deaf: dict[Deed, int] = field(default_factory=dict)
    """Deeds that it does, and its answer is lost."""
    hangs_with: int | None = None
    """Release that never answers: its watchdog resets it."""
    reboots: int = 0
    """Boots by itself before it is next asked."""


class Disk:
    """Where the primary's record lies: replaced as a whole or not at all, as the live car's `FileStore` does
    (`tests/app/test_updates_cuts` shows it).
    """

    def __init__(self, content: bytes = b"") -> None:
        self.content = content

    @property
    def value(self) -> bytes | None:
        return self.content or None

    def put(self, data: bytes) -> None:
        self.content = data


Devices = dict[str, Flash | Disk]
"""By unit; `primary` is the disk."""


class Unit:
    """A `UnitPort` over a bootloader."""

    def __init__(self, name: str, flash: Flash, car: "Car") -> None:
        self.name, self._car = name, car
        layout = ONE if name == SINGLE else TWO
        self.boot = Bootloader(flash, layout, Identity(name, "SIM-1"))
        self.faults = car.faults.setdefault(name, Faults())
        self.boots = 0
        self.booted_s = -1e9

    def power_on(self) -> None:
        self.boot.boot()
        self.boots += 1
        self.booted_s = self._car.now_s

    @property
    def release(self) -> int:
        return self.boot.running.image.release if self.boot.running else 0

    def live(self) -> None:
        """What it does by itself."""
        while (
            self.release
            and self.release == self.faults.hangs_with
            and self._car.now_s - self.booted_s >= WATCHDOG_S
        ):
            booted_s = self.booted_s + WATCHDOG_S
            if not self.boot.two_slots:
                self.boot.running = None  # its bootloader stays alone
                return
            self.power_on()
            self.booted_s = booted_s

    def now(self) -> UnitNow:
        self._answer()
        told = programs_of(self.boot)
        return UnitNow(
            runs=IDS[self.name, self.release] if self.release else None,
            version=told.runs.version if told.runs else "",
            staged=self._installed(told.waits),
            active=told.activated,
            on_trial=told.on_trial,
            rolled_back=told.rolled_back,
            two_slots=told.two_slots,
        )

    def _installed(self, one: OneTold | None) -> Installed | None:
        if one is None:
            return None
        hashes = {name: value.hex() for name, value in one.hashes.items()}
        return Installed(ecu_id=self.name, name=one.name, length=one.length, hashes=hashes)

    def stage(self, order: Order, tell: Tell) -> None:
        self._with_faults(Deed.STAGE, lambda: self._stage(order, tell))

    def activate(self) -> None:
        self._with_faults(Deed.ACTIVATE, self._activate)

    def reset(self) -> None:
        self._with_faults(Deed.RESET, self.power_on)
        self._answer()

    def confirm(self) -> None:
        self._with_faults(Deed.CONFIRM, self._confirm)

    def revert(self) -> None:
        self._with_faults(Deed.GO_BACK, self.boot.revert)

    def report(self) -> bytes:
        return b""

    def _with_faults(self, deed: Deed, act: Callable[[], object]) -> None:
        self._answer()
        if _use(self.faults.refuses, deed):
            raise RefusedError("it does not want to")
        if _use(self.faults.idle, deed):
            return
        act()
        if _use(self.faults.deaf, deed):
            raise LinkError("the answer was lost")

    def _answer(self) -> None:
        self.live()
        for _ in range(self.faults.reboots):
            self.power_on()
        self.faults.reboots = 0
        if self.faults.silent > 0:
            self.faults.silent -= 1
            raise LinkError("no answer")
        if self.release and self.release == self.faults.hangs_with:
            raise LinkError("it hangs")

    def _stage(self, order: Order, tell: Tell) -> None:
        boot, image = self.boot, order.image
        assert image is not None
        data = image.read(0, image.length)
        written, size = boot.resumes_at
        mine = hashlib.sha256(data[:written]).digest() == boot.resumes_hash
        if not (written and size == len(data) and mine):
            self._erase()
            written = 0
        if written < len(data):
            if not boot.begin(written, len(data) - written):
                raise RefusedError("no download")
            for at in range(written, len(data), SENT):
                boot.write(data[at : at + SENT])
                tell(at, len(data))
            if not boot.finish():
                raise RefusedError("bytes are missing")
        if boot.check().value:
            raise RefusedError("not sound")

    def _erase(self) -> None:
        if not self.boot.begin_erase():
            raise RefusedError("a trial must end first")
        while not self.boot.erase_step():
            pass

    def _confirm(self) -> None:
        if not self.boot.confirm():
            raise RefusedError("what is on trial does not run")

    def _activate(self) -> None:
        if self.boot.activated is not None:
            return
        releases = {name: one.boot.coming for name, one in self._car.units.items()}
        verdict = self.boot.activate(releases)
        if verdict.value:
            raise RefusedError(verdict.name)


class Car:
    """The whole car."""

    def __init__(
        self,
        devices: Devices | None = None,
        *,
        release: int | None = 2,
        tuning: UpdateTuning = TUNING,
        units: tuple[str, ...] = UNITS,
        faults: dict[str, Faults] | None = None,
        health: HealthFacts | None = None,
    ) -> None:
        self.names, self.tuning, self.release = units, tuning, release
        self.now_s = 1000.0
        self.watched = True
        """Nobody but the machine makes units run other programs."""
        self.facts, self.health = PARKED, health or HealthFacts()
        self.faults = {} if faults is None else faults
        self.codes_with: dict[int, frozenset[str]] = {}
        """Trouble codes that are there while a unit runs a release."""
        self.history: list[UpdateResult] = []
        self.deeds: list[Do] = []
        self.devices = devices or factory(units)
        self.start()

    def start(self, *, booted: bool = True) -> None:
        """Power-on; with `booted` false only the process starts."""
        if booted:
            self.units = {name: Unit(name, self.devices[name], self) for name in self.names}
            for one in self.units.values():
                one.power_on()
        self.store = self.devices["primary"]
        record = load(self.store)
        self.machine: Machine = start(record, self.tuning)
        self._todo: list[Action] = []
        self.locked = must_hold(record)
        never_mixed(self)
        self._feed(Woke(booted))

    # --- events ----------------------------------------------------------------------------------

    @property
    def moment(self) -> Moment:
        return Moment(round(self.now_s * SECOND), 1.8e9 + self.now_s)

    @property
    def state(self) -> UpdateState:
        return tell(self.machine, self.moment)

    @property
    def record(self) -> Record:
        return self.machine.record

    def wish(self, wish: UpdateWish) -> None:
        self._feed(Wished(wish, self.state.offer))

    def turn(self, passed_s: float = 0.25) -> None:
        """Some time passes; what is to be done is done."""
        self.now_s += passed_s
        for one in self.units.values():
            one.live()
        self._feed(Seen(self.facts, self._health()))
        self._feed(Tick())
        if self._todo:
            self._work(self._todo.pop(0))

    def until(self, reached: Callable[["Car"], bool], most_s: float = 1200.0) -> "Car":
        end_s = self.now_s + most_s
        while not reached(self):
            assert self.now_s < end_s, f"{self.state.phase} {self.releases} {self.state.reasons}"
            self.turn()
        return self

    def update(self) -> "Car":
        """As far as an agreed update."""
        self.wish(UpdateWish.CHECK)
        self.until(lambda car: car.record.offer is not None)
        self.wish(UpdateWish.NOW)
        return self

    def rest(self, most_s: float = 1200.0) -> "Car":
        """Until nothing is in hand."""
        return self.until(lambda car: car.at_rest, most_s)

    @property
    def at_rest(self) -> bool:
        waits = self.record.consent is not None and self.record.consent.starts_s == 0.0
        return self.record.open is None and not waits and not self._todo

    # --- what there is ---------------------------------------------------------------------------

    @property
    def releases(self) -> list[int]:
        return [self.units[name].release for name in self.names]

    def sound(self) -> bool:
        """At rest: all units of one release, byte for byte, after further boots, too."""
        first = self.releases
        for _ in range(3):
            for one in self.units.values():
                one.power_on()
            if self.releases != first:
                return False
        exact = all(
            one.boot.program(one.boot.running.slot)[0] == IMAGES[name, one.release]
            for name, one in self.units.items()
            if one.boot.running
        )
        return exact and len(set(first)) == 1 and first[0] > 0

    # --- inside ----------------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        out = step(self.machine, event, self.moment)
        self.machine = out.machine
        self.locked = self.machine.locked
        for action in out.actions:
            if isinstance(action, Save):
                self.store.put(encode(action.record))
            elif isinstance(action, Note):
                self.history.append(action.result)
            else:
                self._todo.append(action)
        never_mixed(self)

    def _offer(self) -> Offer | None:
        if self.release is None:
            return None
        return offer(self.release, self.names, dict(zip(self.names, self.releases, strict=True)))

    def _work(self, action: Action) -> None:
        if isinstance(action, Check):
            self._feed(Checked(self._offer()))
        elif isinstance(action, Fetch):
            self._feed(Fetched())
        elif isinstance(action, Do):
            self.deeds.append(action)
            self._pass(TAKES_S.get(action.deed, TAKES_S[Deed.LOOK]))
            told: Did = perform(self.units[action.unit], action, order_of, self._feed)
            self._feed(told)

    def _health(self) -> HealthFacts:
        codes = (self.codes_with.get(release, frozenset()) for release in self.releases)
        return replace(self.health, codes=self.health.codes.union(*codes))

    def _pass(self, passed_s: float) -> None:
        end_s = self.now_s + passed_s
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + 1.0)
            self._feed(Seen(self.facts, self._health()))


def factory(units: Iterable[str] = UNITS) -> Devices:
    """All devices as they leave the factory."""
    devices: Devices = {"primary": Disk()}
    for name in units:
        flash = MemoryFlash(UNIT)
        layout = ONE if name == SINGLE else TWO
        Bootloader(flash, layout, Identity(name, "SIM-1")).provision(IMAGES[name, 1])
        devices[name] = flash
    return devices


def driving(facts: CarFacts = PARKED) -> CarFacts:
    return replace(facts, speed_mps=14.0, gear=Gear.DRIVE, power=PowerState.DRIVING)


def never_mixed(car: Car) -> None:
    """Whoever may drive drives with programs that fit together."""
    if not car.locked and car.watched:
        assert len(set(car.releases)) == 1, (car.releases, car.record.open)
        assert 0 not in car.releases, (car.releases, car.record.open)


def _use(left: dict[Deed, int], deed: Deed) -> bool:
    if left.get(deed, 0) <= 0:
        return False
    left[deed] -= 1
    return True
