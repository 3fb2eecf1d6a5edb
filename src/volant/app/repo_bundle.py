"""`volant repo bundle`: all that a car needs for its update, in a folder for a USB stick.

The same files under the same names as a server gives them, signed as always: a stick is one more road, not another
trust. Keys never go along.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from volant.app.exits import Exit
from volant.app.repo_folder import RepoFolder
from volant.app.repo_offer import read_image
from volant.app.say import answer, answer_json
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.trust.uptane import RepositoryMap, delta_fetch, image_fetch, note_of
from volant.trust.uptane.match import DIRECTOR, IMAGE, assignments
from volant.trust.uptane.metadata import TARGETS

MAP: Final = "map.json"


class BundleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant repo bundle --json` prints."""

    folder: str
    vehicle: str
    title: str
    """What people are told of the update; empty: nothing."""
    images: int
    deltas: int
    bytes: int
    """Of all files."""


def bundle_command(folder: Path, out: Path, vehicle: str | None, *, as_json: bool) -> Exit:
    """Write a bundle; one that is there becomes the new one."""
    if out.exists() and not out.is_dir():
        raise InputError("not a folder", file=str(out))
    if out.exists() and any(out.iterdir()) and not (out / MAP).is_file():
        raise RefusedError(f"{out} holds something else: an empty folder, or an older bundle")
    with RepoFolder(folder).held() as first:
        repo = first.of_car(vehicle) if vehicle else first
        targets = repo.keeper(DIRECTOR).targets[TARGETS]
        offered = assignments(targets)
        images = {image_fetch(one).name for one in offered}
        deltas = {delta_fetch(delta).name for one in offered for delta in one.deltas}
        size = 0
        for name in sorted(images | deltas):
            size += _put(out / "image" / "targets" / name, read_image(repo.images / name))
        for repository in (IMAGE, DIRECTOR):
            place = out / repository / "metadata"
            # The timestamp comes last and makes the rest current: a stick that is pulled out early is the older bundle.
            for name, data in repo.keeper(repository).current_files().items():
                size += _put(place / name, data)
        size += _put(out / MAP, RepositoryMap.of("director/metadata", "image").to_bytes())
        note = note_of(targets)
        found = BundleAnswer(
            folder=str(out),
            vehicle=repo.inventory().vehicle_id,
            title=note.title if note else "",
            images=len(images),
            deltas=len(deltas),
            bytes=size,
        )
    if as_json:
        answer_json(found)
    else:
        words = f"{found.images} images, {found.deltas} deltas, {found.bytes / 1e6:.2f} MB"
        answer(f"{out}: for {found.vehicle}, {words}")
    return Exit.DONE


def _put(path: Path, data: bytes) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        words = f"cannot be written: {error.strerror or error}"
        raise InputError(words, file=str(path)) from error
    return len(data)
