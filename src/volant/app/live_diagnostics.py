"""The live car's diagnostics: monitors, trouble codes and all control units over DoIP, as an edge process.

Its listening socket and the folder of its codes are the supervisor's, so a tester finds the next incarnation at
the same port, with the same codes. They last as long as the live car is up.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from volant import __version__
from volant.app.live_context import Context
from volant.app.live_station import Station
from volant.caros.diagnostics import DoipEntity, DoipSettings, Unit
from volant.core import topics
from volant.core.errors import InputError
from volant.vehicle import monitors
from volant.vehicle.ecus import ECUS, CarFacts, circumstances, server_config
from volant.vehicle.faults import FaultMemory
from volant.vehicle.monitors import MonitorState, Seen
from volant.wire.uds import DtcStatus

_log = logging.getLogger(__name__)
TURN_S: Final = 0.05
SEED_BYTES: Final = 16
FILE: Final = "codes.msgpack"


class Codes:
    """The memories of all units, and their file."""

    def __init__(self, folder: Path) -> None:
        """Take what an earlier incarnation kept; what is not sound is said and dropped."""
        self.memories = {spec.name: FaultMemory(spec.faults) for spec in ECUS}
        self._path = folder / FILE
        self._kept: dict[str, bytes] = {}
        with contextlib.suppress(FileNotFoundError):
            try:
                self._kept = msgspec.msgpack.decode(self._path.read_bytes(), type=dict[str, bytes])
                for name, stored in self._kept.items():
                    self.memories[name].restore(stored)
            except (msgspec.MsgspecError, InputError, KeyError) as error:
                _log.warning("trouble_codes_dropped: %s", error)

    def keep(self) -> None:
        """Write them, in one move, when they have changed; a full disk costs only that."""
        now = {name: memory.to_bytes() for name, memory in self.memories.items()}
        if now == self._kept:
            return
        self._kept = now
        draft = self._path.with_suffix(".part")
        try:
            draft.write_bytes(msgspec.msgpack.encode(now))
            draft.replace(self._path)
        except OSError as error:
            _log.warning("trouble_codes_not_kept: %s", error)

    def confirmed(self) -> str:
        """Names of the confirmed codes, such as `pilot:pilot_lost`, with commas between."""
        return ", ".join(
            f"{name}:{fault.spec.name}"
            for name, memory in self.memories.items()
            for fault in memory.faults(DtcStatus.CONFIRMED)
        )


class Watcher:
    """The monitors with what they have heard."""

    def __init__(self, station: Station, memories: Mapping[str, FaultMemory]) -> None:
        bus = station.bus
        self._station, self._memories = station, memories
        self._car = bus.subscribe(topics.CAR_STATE, 1)
        self._pilot = bus.subscribe(topics.PILOT_STATE, 1)
        self._guard = bus.subscribe(topics.GUARD_DECISION, 1)
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


def diagnostics(station: Station, context: Context) -> int:
    """All control units over DoIP on loopback, and the monitors that give them their codes."""
    codes = Codes(context.codes)
    watcher = Watcher(station, codes.memories)
    facts = CarFacts(software=__version__)
    units = {
        spec.address: Unit(
            server_config(
                spec,
                facts,
                live=watcher.live,
                seed=lambda: secrets.token_bytes(SEED_BYTES),
                faults=codes.memories[spec.name],
            )
        )
        for spec in ECUS
    }
    if not station.go():
        return 0
    with DoipEntity(units, DoipSettings(vin=facts.vin), listener=context.doip):
        while not station.ending:
            watcher.turn()
            codes.keep()
            station.note = codes.confirmed()
            station.beat()
            time.sleep(TURN_S)
    return 0
