"""Checks for updates and downloads them: what is signed, whole and right lies in the car, or there is a reason in words.

A cut costs at most what was not on the disk yet: a download goes on at its last byte, and is checked from its first.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from volant.app.updates_folder import UpdatesFolder, time_key
from volant.app.updates_source import UpdateSource
from volant.core.errors import InputError, LinkError, RefusedError, TrustError
from volant.ota.ports import Artifact, Tell
from volant.trust.uptane import (
    Assignment,
    Checker,
    Fetch,
    ImageCheck,
    ImageLoad,
    Installed,
    Limits,
    RejectedError,
    Session,
    TrustedRepository,
    check_full,
    delta_fetch,
    image_fetch,
)
from volant.trust.uptane.custom import DeltaInfo, UpdateNote, note_of
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TARGETS, is_expired
from volant.trust.uptane.trusted import HISTORY
from volant.trust.uptane.verdict import Attack

CHUNK_BYTES: Final = 256 * 1024
ROOM_BYTES: Final = 16 << 20
"""Of the disk that downloads leave free: records, metadata and codes must always be written (chosen)."""
NAMED_BY: Final = "sha256"
FORGED: Final = (Attack.ARBITRARY, Attack.ENDLESS)
"""What came is wrong, not merely late: it is thrown away."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What both repositories agree on."""

    name: str
    """Hash of what the director signed."""
    assignments: tuple[Assignment, ...]
    """What is new for this car."""
    note: UpdateNote | None
    """What it is, for people."""
    metadata: tuple[bytes, ...]
    """The director's roots and targets, for units that check by themselves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to download."""

    fetch: Fetch
    name: str
    length: int
    hashes: Mapping[str, str]

    @classmethod
    def image(cls, one: Assignment) -> Wanted:
        """A whole image."""
        return cls(image_fetch(one), one.name, one.length, one.hashes)

    @classmethod
    def delta(cls, one: DeltaInfo) -> Wanted:
        """A delta."""
        return cls(delta_fetch(one), one.name, one.length, one.hashes)

    @property
    def stored_as(self) -> str:
        """Name of its file in the car: its SHA-256.

        Raises:
            RefusedError: it is known by other hashes only.
        """
        if NAMED_BY not in self.hashes:
            kinds = ", ".join(sorted(self.hashes))
            raise RefusedError(f"{self.name} is known by {kinds} only; this car needs a SHA-256")
        return self.hashes[NAMED_BY]


def hear_time(folder: UpdatesFolder, source: UpdateSource, others: Iterable[bytes] = ()) -> bytes:
    """Ask for a signed time; what was answered, for units that asked too, empty where it is not believed.

    Without one time goes on from what was attested before: that is never ahead of a freeze, and never goes back.
    """
    joined = folder.joined()
    if joined is None:
        raise InputError("the car is not joined")
    now_ns = time.monotonic_ns()
    clock = folder.clock(boot_id(), now_ns).ask(secrets.token_bytes(16), now_ns)
    assert clock.asked is not None
    try:
        said = source.signed_time((clock.asked, *(nonce.hex() for nonce in others)))
        if said is None:
            return b""
        clock = clock.hear(said, time_key(joined), time.monotonic_ns())
    except (LinkError, RefusedError, InputError, TrustError):
        return b""
    folder.store_clock(boot_id(), clock)
    return said


def check(
    folder: UpdatesFolder, source: UpdateSource, installed: Iterable[Installed], limits: Limits
) -> Checked:
    """Full verification; what is believed is on the disk before anything is done by it.

    Raises:
        RejectedError: it is not to be believed, or does not come.
        InputError: the car is not joined.
    """
    now_s = secure_now_s(folder)
    director, image = folder.repository(DIRECTOR), folder.repository(IMAGE)
    checker = Checker.of_car(folder.inventory(), installed)
    steps = check_full(checker, director, image, now_s, limits)
    session = Session(steps, limits, time.monotonic_ns())
    try:
        source.feed(session)
    finally:
        for one in (director, image):
            folder.store_metadata(one.name, one.take_changes())
    plan = session.result
    top = director.targets[TARGETS]
    return Checked(
        name=_name_of(top.data),
        assignments=plan.assignments,
        note=note_of(top.signed),
        metadata=director_files(director),
    )


def still_believed(folder: UpdatesFolder, name: str) -> bool:
    """Whether what was believed last is the offer of this name, and nothing of it has expired since.

    Raises:
        InputError: the car is not joined.
        RejectedError: a root is none any more.
    """
    now_s = secure_now_s(folder)
    for one in (folder.repository(DIRECTOR), folder.repository(IMAGE)):
        top = one.targets.get(TARGETS)
        parts = (one.root, one.timestamp, one.snapshot, top)
        if any(part is None or is_expired(part.signed, now_s) for part in parts):
            return False
        if one.name == DIRECTOR and (top is None or _name_of(top.data) != name):
            return False
    return True


def _name_of(targets: bytes) -> str:
    return hashlib.sha256(targets).hexdigest()


def director_files(director: TrustedRepository) -> tuple[bytes, ...]:
    """All roots of the director in their order, and its targets: what a unit checks by itself."""
    roots = {
        int(key.removeprefix(HISTORY).partition(".")[0]): data
        for key, data in director.files.items()
        if key.startswith(HISTORY)
    }
    top = director.targets.get(TARGETS)
    return (*(roots[number] for number in sorted(roots)), *((top.data,) if top else ()))


def secure_now_s(folder: UpdatesFolder) -> float:
    """Secure time, Unix seconds."""
    now_ns = time.monotonic_ns()
    return folder.clock(boot_id(), now_ns).now_s(now_ns)


def boot_id() -> str:
    """Of the machine's present boot: its forward counter begins anew with each."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def download(
    folder: UpdatesFolder, source: UpdateSource, wanted: Wanted, limits: Limits, tell: Tell
) -> Artifact:
    """One file, whole and right, in the car.

    Raises:
        RejectedError: it does not come, comes too slowly, or is not what was signed.
        RefusedError: the disk has no room, or refuses.
    """
    folder.downloads.mkdir(mode=0o700, parents=True, exist_ok=True)
    final = folder.downloads / wanted.stored_as
    if not _is_right(final, wanted):
        part = final.with_name(final.name + ".part")
        stored = part.exists()
        wrong = _load(source, wanted, part, limits, tell)
        if wrong is not None and wrong.attack is Attack.ARBITRARY and stored:
            # What lay there from before may be what was wrong.
            wrong = _load(source, wanted, part, limits, tell)
        if wrong is not None:
            raise wrong
        part.replace(final)
        _sync(folder.downloads)
    tell(wanted.length, wanted.length)
    return artifact(final, wanted)


def lying(folder: UpdatesFolder, wanted: Wanted) -> Artifact | None:
    """A file that was downloaded before; None: it does not lie in the car, whole and right.

    Raises:
        RefusedError: the disk refuses.
    """
    path = folder.downloads / wanted.stored_as
    return artifact(path, wanted) if _is_right(path, wanted) else None


def artifact(path: Path, wanted: Wanted) -> Artifact:
    """A file that lies in the car."""

    def read(offset: int, length: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    return Artifact(wanted.name, wanted.length, wanted.stored_as, read)


def sweep(folder: UpdatesFolder, kept: Iterable[str] = ()) -> None:
    """Delete downloads that nobody needs any more; `kept` are hashes."""
    names = set(kept)
    for path in folder.downloads.glob("*") if folder.downloads.is_dir() else ():
        if path.name.removesuffix(".part") not in names:
            path.unlink(missing_ok=True)


def _load(
    source: UpdateSource, wanted: Wanted, part: Path, limits: Limits, tell: Tell
) -> RejectedError | None:
    """Fetch into a draft, on from what lies there; why it did not come. A draft that is forged is gone."""
    try:
        began = part.stat().st_size if part.exists() else 0
        if began > wanted.length:
            part.unlink()
            began = 0
        _check_room(part.parent, wanted.length - began)
        with part.open("ab") as file:
            done = began

            def write(chunk: bytes) -> None:
                nonlocal done
                file.write(chunk)
                done += len(chunk)
                tell(done, wanted.length)

            load = ImageLoad(wanted.fetch, wanted.hashes, write, limits, time.monotonic_ns())
            load.resume(_chunks(part, began))
            source.feed(load)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _no_room(error) from error
    found = load.rejected
    if found is not None and found.attack in FORGED:
        part.unlink(missing_ok=True)
    return found


def _chunks(path: Path, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk


def _is_right(path: Path, wanted: Wanted) -> bool:
    """Whether a whole file lies there; flash may have failed since."""
    if not path.is_file():
        return False
    right = ImageCheck(wanted.name, wanted.length, wanted.hashes)
    try:
        for chunk in _chunks(path, path.stat().st_size):
            right.feed(chunk)
        right.end()
    except TrustError:
        path.unlink(missing_ok=True)
        return False
    except OSError as error:
        raise _no_room(error) from error
    return True


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + ROOM_BYTES:
        raise RefusedError(
            f"there is no room for the update: {needed >> 20} MiB are needed and "
            f"{ROOM_BYTES >> 20} MiB must stay, {free >> 20} MiB are free"
        )


def _no_room(error: OSError) -> RefusedError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RefusedError("there is no room for the update: the disk is full")
    return RefusedError(f"the update cannot be stored: {error.strerror or error}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
