"""`volant clips`: what the live car has written down of events and trips, and what it cost the flash."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from volant.app.clip_recorder import left_years
from volant.app.exits import Exit
from volant.app.folders import state_folder
from volant.app.live_record import BUDGET
from volant.app.say import answer, answer_json, table, tell
from volant.caros.clip_store import FOLDER, ClipFile, ClipStore
from volant.caros.flash import MB
from volant.caros.ledger import FlashLedger
from volant.caros.trip_log import read_trips
from volant.caros.trip_tally import TripSummary
from volant.core.clock import NS_PER_S
from volant.core.errors import InputError
from volant.wire.journal import journal_glance, journal_info


class ClipAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One clip."""

    name: str
    path: str
    time: str
    """Of the event: wall time, ISO 8601 with zone; empty where the file does not tell."""
    event: str
    """That began it."""
    events: tuple[str, ...]
    """All that happened in it; only the first where its end is missing."""
    began_s: float | None
    """The event, by the car's clock; null where the end is missing."""
    on_disk_s: float | None
    """After the event, when it and what was before were on the disk; null: not told."""
    length_s: float
    bytes: int
    """On the disk."""
    kept: bool
    """A person spares it."""
    whole: bool
    """It has its end; if not, it is being written, or its writer died."""
    sound: bool | None
    """Its messages are those that were written; null: not looked at."""
    fault: str
    """Why it cannot be read; empty where it can."""


class ClipsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant clips list --json` prints."""

    folder: str
    clips: tuple[ClipAnswer, ...]
    bytes: int
    """Of all clips."""
    most_clips: int
    """Of those that nobody keeps."""
    most_bytes: int
    written_today_bytes: int
    """Today (UTC), all owners together."""
    owners: dict[str, int]
    """Bytes of today by owner."""
    day_most_bytes: int
    left_years: float
    """Of a new flash of 8 GB, at the mean of the last days on which something was written; 1000 at most."""


class TripsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant clips trips --json` prints."""

    trips: tuple[TripSummary, ...]


def list_command(state: Path | None, *, check: bool, as_json: bool) -> Exit:
    """Show all clips; the exit status is that of a difference where a checked one is not sound."""
    folder = state or state_folder()
    store = ClipStore(folder / FOLDER)
    clips = tuple(_read(one, check=check) for one in store.clips())
    ledger = FlashLedger(folder, BUDGET)
    counts = ledger.state()
    today = counts.of(ledger.today())
    found = ClipsAnswer(
        folder=str(store.folder),
        clips=clips,
        bytes=sum(one.bytes for one in clips),
        most_clips=store.settings.most_clips,
        most_bytes=store.settings.most_bytes,
        written_today_bytes=today.written,
        owners=today.owners,
        day_most_bytes=BUDGET.day_most_bytes,
        left_years=left_years(counts),
    )
    if as_json:
        answer_json(found)
    else:
        _show_list(found)
    bad = check and any(one.sound is False or one.fault for one in clips)
    return Exit.DIFFERS if bad else Exit.DONE


def show_command(state: Path | None, name: str, *, as_json: bool) -> Exit:
    """Show one clip, read to its end."""
    clip = _read(_store(state).find(name), check=True)
    if as_json:
        answer_json(clip)
        return Exit.DONE
    rows = [
        ("file", clip.path),
        ("time", clip.time or "not told"),
        ("events", ", ".join(clip.events)),
        ("length", f"{clip.length_s:.1f} s, {clip.bytes / MB:.1f} MB"),
        *(
            ("on disk", f"{clip.on_disk_s:.2f} s after it")
            for _ in range(clip.on_disk_s is not None)
        ),
        ("whole", "yes" if clip.whole else "no: being written, or its writer died"),
        ("sound", {True: "yes", False: "no", None: "cannot be told"}[clip.sound]),
        ("kept", "yes" if clip.kept else "no: makes room when it is the oldest"),
        *(("fault", clip.fault) for _ in range(bool(clip.fault))),
    ]
    table("Clip", ("", ""), rows)
    answer(f"watch it: volant replay --watch {shlex.quote(clip.path)}")
    return Exit.DONE


def keep_command(state: Path | None, name: str, *, kept: bool, as_json: bool) -> Exit:
    """Spare a clip, or let it go again."""
    clip = _read(_store(state).keep(name, kept=kept), check=False)
    if as_json:
        answer_json(clip)
    else:
        answer(f"{clip.name} {'is kept' if kept else 'makes room when it is the oldest'}")
    return Exit.DONE


def delete_command(state: Path | None, names: Sequence[str], *, as_json: bool) -> Exit:
    """Delete clips; none where one of the names is wrong."""
    store = _store(state)
    found = [store.find(name).name for name in names]
    gone = [store.delete(name) for name in dict.fromkeys(found)]
    freed = sum(one.bytes for one in gone)
    if as_json:
        answer_json({"deleted": [one.name for one in gone], "bytes": freed})
    else:
        for one in gone:
            answer(f"{one.name} deleted, {one.bytes / MB:.1f} MB")
    return Exit.DONE


def trips_command(state: Path | None, *, as_json: bool) -> Exit:
    """Show the records of trips."""
    trips = read_trips(state or state_folder())
    if as_json:
        answer_json(TripsAnswer(trips=trips))
        return Exit.DONE
    if not trips:
        tell("no trips: `volant up` writes a record of each when it ends")
        return Exit.DONE
    heads = ("ended", "km", "kWh", "hardest", "interventions", "contacts", "clips", "codes")
    rows = [
        (
            *(one.ended, f"{one.distance_m / 1e3:.2f}", f"{one.energy_kwh:.2f}"),
            f"{one.hardest_braking_mps2:.1f} m/s2",
            *(str(sum(one.interventions.values())), str(one.contacts), str(one.clips)),
            ", ".join(one.codes) or "none",
        )
        for one in trips
    ]
    table("Trips", heads, rows)
    return Exit.DONE


def _store(state: Path | None) -> ClipStore:
    return ClipStore((state or state_folder()) / FOLDER)


def _read(clip: ClipFile, *, check: bool) -> ClipAnswer:
    """A clip with what its file says; one that cannot be read says why."""
    told: dict[str, Any] = {"time": "", "whole": False, "length_s": 0.0, "sound": None}
    summary: dict[str, Any] = {}
    fault = ""
    try:
        glance = journal_glance(clip.path)
        summary = glance.summary
        told |= {"time": glance.header.wall_time, "whole": glance.complete}
        told["length_s"] = glance.duration_s
        if check and glance.complete:
            told["sound"] = journal_info(clip.path).sound
    except InputError as error:
        fault = error.message
    events = summary.get("events")
    return ClipAnswer(
        name=clip.name,
        path=str(clip.path),
        event=clip.event,
        events=tuple(map(str, events)) if isinstance(events, list) else (clip.event,),
        began_s=_seconds(summary.get("began_ns")),
        on_disk_s=_seconds(summary.get("on_disk_ns")),
        bytes=clip.bytes,
        kept=clip.kept,
        fault=fault,
        **told,
    )


def _seconds(told: object) -> float | None:
    return told / NS_PER_S if isinstance(told, int) else None


def _show_list(found: ClipsAnswer) -> None:
    if not found.clips:
        tell(f"no clips in {found.folder}")
    else:
        heads = ("clip", "time", "events", "length", "size", "kept", "whole")
        rows = [
            (
                *(one.name, one.time, ", ".join(one.events)),
                *(f"{one.length_s:.0f} s", f"{one.bytes / MB:.1f} MB", "yes" if one.kept else ""),
                one.fault or _whole(one),
            )
            for one in found.clips
        ]
        table(found.folder, heads, rows)
    answer(
        f"{len(found.clips)} clips, {found.bytes / MB:.1f} MB; written today "
        f"{found.written_today_bytes / MB:.1f} of {found.day_most_bytes / MB:g} MB; "
        f"{found.left_years:.0f} years left at the mean of these days"
    )


def _whole(clip: ClipAnswer) -> str:
    if not clip.whole:
        return "cut"
    return {True: "sound", False: "not sound", None: "yes"}[clip.sound]
