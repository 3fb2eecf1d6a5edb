"""The recording of a drive: where the journal lies, what its header holds, and what became of it.

The header holds the wish and the hashes of the two files it names, so that a replay drives the same
trip or says that a file has changed. A folder that cannot be written costs the journal, not the drive.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from volant import __version__
from volant.app.compose import Trip
from volant.app.say import tell
from volant.core.messages import MarkKind, Message
from volant.core.topics import Topic
from volant.road import CorridorColumn, markings
from volant.vehicle.boot import make_image
from volant.wire.journal import JournalDigest, JournalHeader, JournalWriter, LaneLine

VIEW_REACH_M: Final = 150.0
"""What stands further aside is not drawn for viewers."""
VIEW_STRIDE: Final = 5
_MARKS: Final = {kind.value: kind for kind in MarkKind}


class Replayable(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the header's settings that this app writes and reads back."""

    trip: dict[str, Any]
    car_sha256: str
    road_sha256: str
    programs: dict[str, bytes] = {}
    """Images of units that did not run what they left the factory with; empty: dead."""
    live: bool = False
    """Recorded by `volant up`: each step says what it was given, and is replayed by itself."""
    clip: bool = False
    """Only the time around an event: can be watched and plotted, not driven again."""


def header_of(trip: Trip, *, live: bool = False, clip: bool = False) -> JournalHeader:
    """What a replay of this trip must know, and when and where it was recorded."""
    settings = Replayable(
        trip=msgspec.to_builtins(trip.wish),
        car_sha256=file_sha256(trip.car_file),
        road_sha256=file_sha256(trip.road_file),
        programs={
            name: b"" if image is None else make_image(image)
            for name, image in (trip.programs or {}).items()
            if image is None or image.release
        },
        live=live,
        clip=clip,
    )
    return JournalHeader(
        seed=trip.wish.seed,
        car=trip.wish.car,
        road=trip.wish.road,
        settings=msgspec.to_builtins(settings),
        volant=__version__,
        wall_time=datetime.now().astimezone().isoformat(timespec="seconds"),
        host=f"{platform.node()} {platform.machine()} {platform.system()}",
        argv=tuple(sys.argv[1:]),
    )


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Recording:
    """A journal that is being written."""

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer
        self._digest: JournalDigest | None = None
        self._told = False

    def write(self, topic: Topic, stamp_ns: int, message: Message) -> None:
        """Record one message; the first loss is said at once."""
        self._writer.write(topic, stamp_ns, message)
        if self._writer.reason and not self._told:
            self._told = True
            tell(f"journal: {self._writer.part} {self._writer.reason}; the drive goes on")

    def close(self, answer: dict[str, Any]) -> None:
        """Write the end and give the file its name."""
        self._digest = self._writer.close(answer)
        if self._digest.reason and not self._told:
            self._told = True
            tell(f"journal: {self._digest.path} {self._digest.reason}")

    @property
    def part(self) -> Path:
        """Where it is being written."""
        return self._writer.part

    @property
    def path(self) -> str | None:
        """Where the journal lies; None where nothing is on disk."""
        if self._digest is None or not Path(self._digest.path).is_file():
            return None
        return str(Path(self._digest.path).absolute())

    @property
    def sha256(self) -> str | None:
        """The hash of the whole drive; None while it is not closed."""
        return None if self._digest is None else self._digest.sha256

    @property
    def lost(self) -> int:
        """Messages that are not on disk."""
        return self._writer.lost if self._digest is None else self._digest.lost


def open_recording(wanted: Path | None, trip: Trip, *, live: bool = False) -> Recording | None:
    """Begin a journal at a path, or in a folder under a name made of wall time and seed."""
    if wanted is None:
        return None
    path = free_path(_journal_path(wanted, trip.wish.seed))
    writer = JournalWriter(path, header_of(trip, live=live))
    writer.add_lanes(lane_lines(trip))
    return Recording(writer)


def lane_lines(trip: Trip) -> Iterator[LaneLine]:
    """The lane borders beside the way of the trip, a point about each ten metres, for viewers."""
    marks, corridor = markings(trip.graph), trip.stretch.corridor
    near: set[int] = set()
    for row in corridor.table[:: round(VIEW_REACH_M / corridor.step_m)]:
        x_m, y_m = float(row[CorridorColumn.X]), float(row[CorridorColumn.Y])
        near.update(marks.window(x_m, y_m, VIEW_REACH_M))
    for index in sorted(near):
        boundary = marks.boundaries[index]
        points = boundary.points[[*range(0, len(boundary.points) - 1, VIEW_STRIDE), -1]]
        yield LaneLine(
            x_m=tuple(points[:, 0].tolist()),
            y_m=tuple(points[:, 1].tolist()),
            mark=_MARKS.get(boundary.kind, MarkKind.EDGE),
        )


def names_a_file(wanted: Path) -> bool:
    """Whether `--journal` names a file rather than a folder."""
    return wanted.suffix == ".mcap" and not wanted.is_dir()


def _journal_path(wanted: Path, seed: int) -> Path:
    if names_a_file(wanted):
        return wanted
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return wanted / f"drive-{stamp}-seed{seed}.mcap"


def free_path(path: Path) -> Path:
    """The path itself, or with a number where another drive of this second has taken it."""
    for number in range(2, 1000):
        part = path.with_name(path.name + ".part")
        try:
            if not path.exists() and not part.exists():
                break
        except OSError:
            break
        stem = path.stem.rsplit("~", 1)[0]
        path = path.with_name(f"{stem}~{number}{path.suffix}")
    return path
