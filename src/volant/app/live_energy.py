"""The process `energy` of the live car: what is expected of the charge, by signals alone.

A client of the signals like any other: it asks for values a few times a second and tells what it makes of them.
Nobody waits for it, and nothing changes for the others when it dies: the range is then the car's own again.
What it learned is kept in the car's folder, within the day's flash.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Any, Final

from volant.app.live_context import Context
from volant.app.live_record import BUDGET
from volant.app.live_station import Station, publish_outside
from volant.app.signal_line import SignalClient
from volant.caros.energy import learn, outlook, route
from volant.caros.energy.facts import Facts, facts_of
from volant.caros.energy.learn import Learned
from volant.caros.energy.sample import SPEED
from volant.caros.flash import DataClass
from volant.caros.ledger import FlashLedger
from volant.caros.trip_log import cost_bytes
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError, LinkError, RefusedError

_log = logging.getLogger(__name__)
FILE: Final = "energy.json"
OWNER: Final = "energy"
MOST_BYTES: Final = 65_536
TURN_S: Final = 0.25
ANSWER_S: Final = 1.0
"""Signals that answer no sooner are asked again."""
ROUTE_NS: Final = 10 * NS_PER_S
"""The arrays of the route are read so often, and when its length is another."""
KEEP_NS: Final = 300 * NS_PER_S
"""What was learned is kept so often, and at the end."""
OLD_NS: Final = 3 * NS_PER_S
"""Values that are older are of a car that says nothing any more."""


class Memory:
    """What was learned, in the car's folder."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        self._path, self._facts = folder / FILE, facts
        self._ledger = FlashLedger(folder, BUDGET)
        self._kept = b""

    def read(self) -> tuple[Learned, str]:
        """What was kept, and why it begins anew where it does: another car's, or wrong."""
        try:
            with self._path.open("rb") as file:
                self._kept = file.read(MOST_BYTES + 1)
            return learn.parked(learn.read_stored(self._kept, self._facts)), ""
        except FileNotFoundError:
            return learn.start(self._facts), ""
        except (InputError, OSError) as error:
            return learn.start(self._facts), f"learns anew: {error}"

    def keep(self, learned: Learned) -> None:
        """Write it, whole or not at all; a full day or disk leaves what was kept before."""
        data = learn.stored(learned)
        if data == self._kept:
            return
        if not self._ledger.ask(DataClass.SUMMARY, OWNER, cost_bytes(data)).verdict.granted:
            return
        draft = self._path.with_suffix(".part")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
            self._kept = data
        except OSError as error:
            _log.warning("energy_not_kept reason=%s", error)


class Reader:
    """The values of the signals that matter, over the car's own socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._client: SignalClient | None = None
        self._values: dict[str, Any] = {}
        self._route_ns = -ROUTE_NS

    def read(self, now_ns: int) -> tuple[dict[str, Any], int]:
        """The latest values by path, and when the car told them; nothing (and 0) while it cannot be asked."""
        try:
            if self._client is None:
                self._client = SignalClient(self._path, answer_s=ANSWER_S)
            points = self._client.ask(do="get", paths=outlook.PATHS)
            length = points[route.LENGTH]
            again = now_ns - self._route_ns >= ROUTE_NS
            if again or (length and length[0]) != self._values.get(route.LENGTH):
                points |= self._client.ask(do="get", paths=route.ARRAYS)
                self._route_ns = now_ns
        except (InputError, LinkError, RefusedError):
            self.close()
            return {}, 0
        self._values |= {path: point[0] if point else None for path, point in points.items()}
        speed = points[SPEED]
        return self._values, speed[1] if speed else 0

    def close(self) -> None:
        """Hang up; the next read calls anew."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close()
        self._client, self._route_ns = None, -ROUTE_NS


def energy(station: Station, context: Context) -> int:
    """Run the process."""
    facts = facts_of(context.trip.spec)
    memory = Memory(context.state, facts)
    learned, why = memory.read()
    if not station.go():
        return 0
    reader = Reader(Path(context.signals.getsockname()))
    held = outlook.start(facts, learned)
    kept_ns = station.now_ns
    try:
        while not station.ending:
            values, stamp_ns = reader.read(station.now_ns)
            young = time.time_ns() - stamp_ns < OLD_NS
            station.note = why or ("" if young else "hears no signals")
            if young:
                held, told = outlook.step(held, values, stamp_ns, station.now_ns)
                if told is not None:
                    out = [(topics.ENERGY_STATE, told)]
                    publish_outside(station.bus, OWNER, told.stamp_ns, out)
            if station.now_ns - kept_ns >= KEEP_NS:
                kept_ns = station.now_ns
                memory.keep(held.learned)
            station.beat()
            time.sleep(TURN_S)
    finally:
        memory.keep(held.learned)
        reader.close()
    return 0
