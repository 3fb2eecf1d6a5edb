"""The clips of events on the disk: which there are, which a person keeps, and which make room for new ones.

Clips lie in `clips/` of the car's state folder; what a person keeps lies in `clips/kept/`, which is never
cleared by itself. All else is bounded in count and bytes, and the oldest goes first. Names say the local
time and the event, so that a clip is found without opening any.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.caros.ledger import sync
from volant.core.errors import InputError, RefusedError
from volant.core.settings import nearest

FOLDER: Final = "clips"
KEPT: Final = "kept"
PART: Final = ".part"
WRITING_S: Final = 10.0
"""A `.part` that has grown within so long is being written; its writer closes a chunk each second."""
_NAME: Final = re.compile(r"clip-(\d{8}-\d{6})-([a-z_]{1,32})(?:~\d+)?\.mcap(\.part)?")
_BLOCK_BYTES: Final = 512
"""Of `st_blocks`, whatever the file system's own blocks are (POSIX stat.h; Linux stat(3type))."""


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """How much the clips that nobody keeps may take."""

    most_clips: int = 64
    """About a month of events at two a day."""
    most_bytes: int = 2_000_000_000
    """64 of the largest clips (32 MB)."""


@dataclass(frozen=True, slots=True)
class ClipFile:
    """One clip, as its name and its size tell."""

    path: Path
    name: str
    """Of the file, without `.part`."""
    began: str
    """Local time of the event, `YYYYmmdd-HHMMSS`."""
    event: str
    bytes: int
    """That it takes on the disk."""
    kept: bool
    part: bool
    """It is being written, or its writer died."""


class ClipStore:
    """The clips of one car."""

    def __init__(self, folder: Path, settings: SpaceSettings | None = None) -> None:
        """`folder` holds the clips themselves; it need not be there."""
        self.folder, self.settings = folder, settings or SpaceSettings()

    def clips(self) -> tuple[ClipFile, ...]:
        """All clips, the oldest first; what is no clip by its name is left out.

        Raises:
            InputError: the folder is there and cannot be read.
        """
        found = [*_clips_in(self.folder, kept=False), *_clips_in(self.folder / KEPT, kept=True)]
        return tuple(sorted(found, key=_age))

    def find(self, name: str) -> ClipFile:
        """The clip of a name, with or without `.mcap`.

        Raises:
            InputError: there is none; with the nearest names, or the newest.
        """
        clips = self.clips()
        plain = Path(name).name.removesuffix(PART).removesuffix(".mcap")
        for clip in clips:
            if clip.name == f"{plain}.mcap":
                return clip
        names = [one.name for one in clips]
        near = ", ".join(nearest(plain, names) or names[-3:]) or "none at all"
        raise InputError(f"no clip {name!r} in {self.folder}; there are: {near}")

    def keep(self, name: str, *, kept: bool = True) -> ClipFile:
        """Spare a clip for ever, or give it back to those that make room.

        Raises:
            InputError: there is no such clip.
            RefusedError: it is being written, or the disk refuses.
        """
        clip = self.find(name)
        if clip.kept == kept:
            return clip
        _check_still(clip)
        target = (self.folder / KEPT if kept else self.folder) / clip.path.name
        try:
            target.parent.mkdir(exist_ok=True)
            if target.exists():
                raise RefusedError(f"{target} is there already")
            clip.path.rename(target)
            sync(target.parent)
            sync(clip.path.parent)
        except OSError as error:
            words = f"{clip.name} cannot be moved: {error.strerror or error}"
            raise RefusedError(words) from error
        return self.find(name)

    def delete(self, name: str) -> ClipFile:
        """Delete a clip, kept or not.

        Raises:
            InputError: there is no such clip.
            RefusedError: it is being written, or the disk refuses.
        """
        clip = self.find(name)
        _check_still(clip)
        try:
            clip.path.unlink()
        except OSError as error:
            words = f"{clip.name} cannot be deleted: {error.strerror or error}"
            raise RefusedError(words) from error
        return clip

    def make_room(self, size: int = 0, spared: Path | None = None) -> tuple[ClipFile, ...]:
        """Delete the oldest until one more clip of so many bytes fits; which were deleted. Never raises.

        Also for whoever tidies a parked car; `spared` is being written.
        """
        try:
            clips = self.clips()
        except InputError:
            return ()
        wanted = surplus(
            [one for one in clips if not one.kept and one.path != spared], size, self.settings
        )
        gone = []
        for clip in wanted:
            with contextlib.suppress(OSError):
                clip.path.unlink()
                gone.append(clip)
        return tuple(gone)


def surplus(clips: Iterable[ClipFile], size: int, settings: SpaceSettings) -> tuple[ClipFile, ...]:
    """Which clips make room for one more of so many bytes (0: for none more), the oldest first."""
    held = sorted(clips, key=_age)
    count, total = len(held) + (size > 0), sum(one.bytes for one in held) + size
    gone = []
    for clip in held:
        if count <= settings.most_clips and total <= settings.most_bytes:
            break
        gone.append(clip)
        count, total = count - 1, total - clip.bytes
    return tuple(gone)


def bytes_on_disk(path: Path) -> int:
    """Bytes that a file takes, by its blocks; 0 where it cannot be told."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return max(found.st_size, found.st_blocks * _BLOCK_BYTES)


def _check_still(clip: ClipFile) -> None:
    """Raises RefusedError where a clip is being written."""
    with contextlib.suppress(OSError):
        if clip.part and abs(time.time() - clip.path.stat().st_mtime) < WRITING_S:
            raise RefusedError(f"{clip.name} is being written; try again in a minute")


def _age(clip: ClipFile) -> tuple[str, str]:
    return clip.began, clip.name


def _clips_in(folder: Path, *, kept: bool) -> list[ClipFile]:
    try:
        paths = list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise InputError(words, file=str(folder)) from error
    found = []
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is not None and path.is_file():
            found.append(
                ClipFile(
                    path=path,
                    name=path.name.removesuffix(PART),
                    began=match[1],
                    event=match[2],
                    bytes=bytes_on_disk(path),
                    kept=kept,
                    part=match[3] is not None,
                )
            )
    return found
