"""The garage: runs the jobs of the process table while the car is parked, one after another, piece by piece.

It ends a job as soon as the car is about to leave the parked state or its 12 V battery is low. A piece that hangs
ends with the whole process, by its heartbeat, and counts as a failure of its job.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.app.garage_jobs import Shift
from volant.app.live_context import Context
from volant.app.live_record import BUDGET
from volant.app.live_station import Station
from volant.app.say import tell
from volant.caros import garage as jobs
from volant.caros.ledger import FlashLedger
from volant.caros.supervise import JobRow
from volant.core import topics
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError
from volant.core.messages import CarPower, PowerState

MEMORY: Final = "garage.json"
TURN_S: Final = 0.05
FRESH_NS: Final = 2 * NS_PER_S
"""Four words of the power state."""

Begin = Callable[[JobRow], Iterator[str]]


@dataclass(slots=True)
class _Run:
    """The job that runs."""

    row: JobRow
    pieces: Generator[str, None, None]
    until_s: float
    count: int = 0


class Garage:
    """Runs one job at a time and remembers how each ended."""

    def __init__(self, rows: tuple[JobRow, ...], memory: Path | None, begin: Begin) -> None:
        self._rows, self._path, self._begin = rows, memory, begin
        self._run: _Run | None = None
        self.note = ""
        self._memory = _read(memory)
        if self._memory.running:
            self._keep(jobs.found(self._memory, time.time()))

    @property
    def busy(self) -> str:
        """The job that runs; empty: none does."""
        return "" if self._run is None else self._run.row.name

    def turn(self, now_s: float, power: CarPower | None) -> bool:
        """Begin a job, do a piece of the one that runs, or end it; whether there was anything to do."""
        may = power is not None and _may_work(power)
        run = self._run
        if run is None:
            if power is None or not may:
                return False
            row = jobs.choose(self._rows, self._memory, now_s, power.supply_v)
            if row is not None:
                self._keep(jobs.begun(self._memory, row.name, now_s))
                self._run = _Run(row, self._pieces(row), now_s + row.takes_s)
            return row is not None
        name = run.row.name
        if not may:
            self._end(jobs.interrupted(self._memory, name))
        elif now_s >= run.until_s:
            words = f"took more than {run.row.takes_s:g} s"
            self._end(jobs.failed(self._memory, name, now_s, words))
        else:
            self._piece(run, now_s)
        return True

    def close(self) -> None:
        """End the job that runs."""
        if self._run is not None:
            self._end(jobs.interrupted(self._memory, self._run.row.name))

    def _pieces(self, row: JobRow) -> Generator[str, None, None]:
        yield from self._begin(row)

    def _piece(self, run: _Run, now_s: float) -> None:
        try:
            next(run.pieces)
            run.count += 1
        except StopIteration:
            words = f"done, {run.count} pieces"
            self._end(jobs.done(self._memory, run.row.name, now_s, words))
        except Exception as error:  # noqa: BLE001 - a job that fails costs itself and no other
            words = f"{type(error).__name__}: {error}"[:200]
            self._end(jobs.failed(self._memory, run.row.name, now_s, words))

    def _end(self, memory: jobs.GarageMemory) -> None:
        run, self._run = self._run, None
        assert run is not None
        run.pieces.close()
        self._keep(memory)
        self.note = f"{run.row.name}: {memory.of(run.row.name).words}"
        tell(f"garage: {self.note}")

    def _keep(self, memory: jobs.GarageMemory) -> None:
        """A disk that refuses costs the memory, not the work."""
        self._memory = memory
        if self._path is None:
            return
        draft = self._path.with_name(self._path.name + ".part")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(memory.to_bytes())
            draft.replace(self._path)


def garage(station: Station, context: Context) -> int:
    """The process of the garage jobs."""
    car = station.bus.subscribe(topics.CAR_STATE, 1)
    power = station.bus.subscribe(topics.CAR_POWER, 1)
    ledger = FlashLedger(context.state, BUDGET)

    def begin(row: JobRow) -> Iterator[str]:
        module, _, function = row.program.partition(":")
        shift = Shift(context.journal, car.latest, power.latest, ledger)
        pieces: Iterator[str] = getattr(importlib.import_module(module), function)(shift)
        return pieces

    folder = Shift(context.journal, None, None).folder
    work = Garage(context.jobs, None if folder is None else folder / MEMORY, begin)
    if not station.go():
        return 0
    while not station.ending:
        station.bus.drain()
        heard = power.latest
        fresh = heard is not None and station.now_ns - heard.stamp_ns < FRESH_NS
        worked = work.turn(time.time(), heard if fresh else None)
        station.busy, station.note = work.busy, work.note
        station.beat()
        if not worked:
            time.sleep(TURN_S)
    work.close()
    return 0


def _may_work(power: CarPower) -> bool:
    """Parked, to stay so, and with enough in the 12 V battery."""
    return power.state is PowerState.PARKED and power.to is None and not power.supply_low


def _read(path: Path | None) -> jobs.GarageMemory:
    """What an earlier garage remembered; none, said, where it is wrong."""
    if path is None:
        return jobs.GarageMemory()
    try:
        with path.open("rb") as file:
            return jobs.memory_from_bytes(file.read(jobs.MEMORY_MOST_BYTES + 1))
    except FileNotFoundError:
        pass
    except (OSError, InputError) as error:
        tell(f"garage: {path} begins anew: {error}")
    return jobs.GarageMemory()
