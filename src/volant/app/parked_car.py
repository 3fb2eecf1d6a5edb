"""A car without a road: parked for good, with its control units and all of its updates. A process has room for many.

Bootloaders, flash, UDS, the update machine and whom it asks are those of the live car; only what a drive would need is
not there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.app.app_make import app_store
from volant.app.live_updates import LiveUpdates
from volant.app.parked_units import ParkedUnits
from volant.app.unit_flash import open_units
from volant.app.updates_folder import UpdatesFolder
from volant.app.updates_ports import ports_of
from volant.app.updates_record import FileStore
from volant.app.updates_work import Work
from volant.caros.flash_file import FileFlash
from volant.core import topics
from volant.core.bus import InlineBus
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError, RefusedError
from volant.core.messages import Message
from volant.core.topics import Topic
from volant.core.updates import UpdatePhase, UpdateRequest, UpdateState, UpdateWish
from volant.ota.machine import UpdateTuning
from volant.vehicle.spec import CarSpec

TURN_S: Final = 0.05
"""Between two looks while something is in hand."""
REST_S: Final = 0.5
"""The same while nothing is: a car that waits costs next to nothing."""
SEE_NS: Final = NS_PER_S
RESTS: Final = frozenset({UpdatePhase.IDLE, UpdatePhase.OFFERED})


class PlaceBus(InlineBus):
    """The bus inside one car: everything has arrived at once."""

    def __init__(self) -> None:
        super().__init__()
        self._sent: dict[str, int] = {}

    def drain(self) -> None:
        """There is nothing on its way."""

    def sent(self, topic: Topic) -> int:
        """Number of the last message of a topic; -1: there was none."""
        return self._sent.get(topic.name, -1)

    def publish(self, topic: Topic, message: Message) -> None:
        """As `InlineBus`."""
        self._sent[topic.name] = self.sent(topic) + 1
        super().publish(topic, message)


class ParkingPlace:
    """What the update machine's shell stands on (`live_updates.Place`)."""

    def __init__(self) -> None:
        self.bus = PlaceBus()
        self.note = self.busy = ""
        self.more_s = 0.0
        self._origin_ns = time.monotonic_ns()

    @property
    def now_ns(self) -> int:
        """Since the car was switched on."""
        return time.monotonic_ns() - self._origin_ns

    def beat(self) -> None:
        """Nobody watches over it."""


@dataclass(frozen=True, slots=True)
class ParkWish:
    """How a car's updates go."""

    tuning: UpdateTuning
    agrees: bool = False
    """Somebody sits beside it and agrees to each update at once."""


class ParkedCar:
    """One car; `turn` does what is due."""

    def __init__(
        self, folder: UpdatesFolder, units: ParkedUnits, place: ParkingPlace, wish: ParkWish
    ) -> None:
        self.vehicle = folder.inventory().vehicle_id
        self._place, self._units, self._agrees = place, units, wish.agrees
        self._work = Work(folder)
        store = app_store(folder.state)
        self._work.ports = ports_of(folder, units.line.ask, store, self._work.sign)
        self._states = place.bus.subscribe(topics.UPDATE_STATE, 1)
        self._seen_ns, self._due_s = -SEE_NS, 0.0
        self._live = LiveUpdates(place, folder, FileStore(folder.record), self._work, wish.tuning)
        units.turn()
        self._live.wake(booted=True)

    @property
    def state(self) -> UpdateState:
        """What the machine said last."""
        state: UpdateState = self._states.latest
        return state

    @property
    def silent(self) -> str:
        """Why the director has not heard how the car is; empty: it has."""
        return self._work.silent

    def turn(self, now_s: float) -> float:
        """Do what is due; how long it may rest then, seconds.

        Args:
            now_s: of a clock that only goes forward.
        """
        if now_s < self._due_s:
            return self._due_s - now_s
        now_ns = self._place.now_ns
        if now_ns - self._seen_ns >= SEE_NS:
            self._seen_ns = now_ns
            self._units.turn()
        if self._agrees:
            self._agree(now_ns)
        self._live.turn(None)
        rest_s = REST_S if self.state.phase in RESTS else TURN_S
        self._due_s = now_s + rest_s
        return rest_s

    def end(self) -> None:
        """It is switched off."""
        self._live.end()

    def _agree(self, now_ns: int) -> None:
        """Say yes to what is offered; where a check was under way, again."""
        state = self.state
        if state.phase is UpdatePhase.OFFERED and UpdateWish.NOW in state.can:
            said = UpdateRequest(stamp_ns=now_ns, wish=UpdateWish.NOW, offer=state.offer)
            self._place.bus.publish(topics.UPDATE_REQUEST, said)


@contextlib.contextmanager
def parked_car(state: Path, car: CarSpec, wish: ParkWish) -> Iterator[ParkedCar]:
    """Switch a car on, and off again at the end.

    Args:
        state: folder of its state; it was joined (`volant ota join`).
        car: which model.
        wish: how its updates go.

    Raises:
        InputError: it was not joined, or what it keeps cannot be read.
        RefusedError: another program has it.
    """
    folder = UpdatesFolder(state, car.name)
    if folder.joined() is None:
        raise InputError(f"{state}: not joined to a repository: volant ota join")
    place = ParkingPlace()
    with folder.held(), open_units(state, car) as boots:
        if not all(isinstance(boot.flash, FileFlash) for boot in boots.values()):
            raise RefusedError(f"{state}: another car has the programs of the units")
        units = ParkedUnits(place.bus, car, boots, lambda: place.now_ns)
        parked = ParkedCar(folder, units, place, wish)
        try:
            yield parked
        finally:
            parked.end()
