"""The garage jobs that the car comes with: each an iterator that does one piece of its work at a time.

Between two pieces the car may wake to drive; what was done until then is kept, so the next run goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from volant.app.record import names_a_file
from volant.caros.flash import DataClass
from volant.caros.ledger import FlashLedger
from volant.caros.trip_log import cost_bytes
from volant.core.errors import InputError, RefusedError
from volant.core.messages import CarPower, CarState
from volant.wire.journal import journal_info

OWNER: Final = "garage"
"""Who writes, in the counts of flash."""
CHECKED: Final = "checked.json"
CLIPS_MOST: Final = 4096
"""So many of the newest clips are looked at; a summary stays small."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a job is given."""

    journal: Path | None
    """What `--journal` names; None: nothing is written."""
    car: CarState | None
    power: CarPower | None
    ledger: FlashLedger | None = None
    """Asked before something is written; None: it does not lie on the car's flash."""

    @property
    def folder(self) -> Path | None:
        """Where clips and summaries lie; None: a drive is kept whole, or not at all."""
        if self.journal is None or names_a_file(self.journal):
            return None
        return self.journal


class Checked(msgspec.Struct, frozen=True):
    """A clip that was looked at."""

    bytes: int
    sound: bool
    duration_s: float
    words: str = ""


class DaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """One day (UTC) of the car in a few lines."""

    day: str
    odometer_m: float | None
    charge_pct: float | None
    supply_v: float | None
    clips: dict[str, Checked | None]
    """Of this day, by file; null: not looked at yet."""
    clips_kept: int
    """Of all days."""
    unsound: tuple[str, ...]
    """Files of all days that are damaged."""
    unfinished: tuple[str, ...]
    """Files that a power cut left without an end."""


def check_clips(shift: Shift) -> Iterator[str]:
    """Look through each clip once: whether every byte that was written is there and unchanged."""
    if shift.folder is None:
        return
    clips = shift.folder / "clips"
    known = _checked(clips)
    names = [path.name for path in _clips(clips)]
    kept = {name: one for name, one in known.items() if name in names}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            size = (clips / name).stat().st_size
            if name in kept and kept[name].bytes == size:
                continue
            kept[name] = _look(clips / name, size)
            _write(shift, clips / CHECKED, kept)
            yield name
    if kept != known:
        _write(shift, clips / CHECKED, kept)


def day_summary(shift: Shift) -> Iterator[str]:
    """Write `summaries/DAY.json` of today."""
    if shift.folder is None:
        return
    clips = shift.folder / "clips"
    now = datetime.now(UTC)
    known, files = _checked(clips), _clips(clips)
    midnight_s = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    car, power = shift.car, shift.power
    summary = DaySummary(
        day=f"{now:%Y-%m-%d}",
        odometer_m=None if car is None else car.odometer_m,
        charge_pct=None if car is None else car.charge_pct,
        supply_v=None if power is None else power.supply_v,
        clips={path.name: known.get(path.name) for path in files if _time_s(path) >= midnight_s},
        clips_kept=len(files),
        unsound=tuple(name for name, one in known.items() if not one.sound),
        unfinished=tuple(path.name for path in sorted(clips.glob("clip-*.part"))[-CLIPS_MOST:]),
    )
    path = shift.folder / "summaries" / f"{summary.day}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(shift, path, summary)
    yield path.name


def _clips(folder: Path) -> list[Path]:
    """The newest clips, oldest first: their names begin with their time."""
    return sorted(folder.glob("clip-*.mcap"))[-CLIPS_MOST:]


def _look(path: Path, size: int) -> Checked:
    try:
        info = journal_info(path)
    except (InputError, OSError) as error:
        return Checked(size, sound=False, duration_s=0.0, words=str(error))
    return Checked(size, sound=info.sound, duration_s=info.duration_s)


def _checked(clips: Path) -> dict[str, Checked]:
    """What was looked at before; a file that is wrong counts as none."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((clips / CHECKED).read_bytes(), type=dict[str, Checked])
    return {}


def _time_s(path: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _write(shift: Shift, path: Path, value: object) -> None:
    """In one move.

    Raises:
        RefusedError: the day's budget of flash does not bear it.
    """
    data = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    if shift.ledger is not None:
        verdict = shift.ledger.ask(DataClass.SUMMARY, OWNER, cost_bytes(data)).verdict
        if not verdict.granted:
            raise RefusedError(f"{path.name} is not written: {verdict.words}")
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(data)
    draft.replace(path)
