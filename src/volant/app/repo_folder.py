"""A folder with a director for each car, an image repository and their keys: what `volant repo` keeps.

`keys/` is for who signs and never served; `director/`, `cars/*/director/` and `image/` are what a server gives. All
that one command changes stands in a journal first (`keys/pending.json`): after a death at any point the next command
finishes it, so that keys and metadata never part.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta
from securesystemslib.signer import Signer

from volant.app import repo_keys
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.trust.keys import SigningKey
from volant.trust.uptane import Inventory, Keeper
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TOP_LEVEL

CARS: Final = "cars"
"""Folder of all cars but the first, whose director stands beside the image repository."""
CARS_MOST: Final = 1000
FILE_MOST_BYTES: Final = 8 << 20
FILES_MOST: Final = 100_000
JOURNAL: Final = "keys/pending.json"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of a car, a control unit or a delegated role: it becomes part of a file name."""

Changes = dict[str, bytes | None]
"""What becomes of files, by path in the folder, in order; None: it goes."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the journal; all of them are text."""

    path: str
    text: str | None


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What one command changes."""

    files: Annotated[tuple[Written, ...], Meta(min_length=1)]


def check_word(word: str, what: str) -> str:
    """A name that may become part of a file name.

    Raises:
        InputError: it may not.
    """
    if not NAME.fullmatch(word):
        raise InputError(f"{what} {word!r}: expected 1 to 64 letters, digits, '.', '_' or '-'")
    return word


@dataclass(frozen=True, slots=True)
class RepoFolder:
    """One such folder, seen for one of its cars."""

    path: Path
    vehicle: str | None = None
    """Vehicle id; None: the first car."""

    @property
    def keys(self) -> Path:
        """Private keys, one a file."""
        return self.path / "keys"

    @property
    def images(self) -> Path:
        """Images under HASH.name."""
        return self.path / "image" / "targets"

    @property
    def home(self) -> Path:
        """What is of this car alone: inventory, map, director and what it was heard to say."""
        return self.path / CARS / self.vehicle if self.vehicle else self.path

    def metadata(self, repository: str) -> Path:
        """Metadata of a repository under VERSION.name."""
        above = self.home / "director" if repository == DIRECTOR else self.path / "image"
        return above / "metadata"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.keys, self.images, self.metadata(DIRECTOR), self.metadata(IMAGE)):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)

    def inventory(self) -> Inventory:
        """Of the car.

        Raises:
            InputError: the folder holds no repository.
        """
        path = self.home / "inventory.json"
        if not path.is_file():
            raise InputError("holds no repository: volant repo init", file=str(self.home))
        return Inventory.from_bytes(path.read_bytes())

    def cars(self) -> tuple[Self, ...]:
        """The folder as each of its cars has it, the first one first."""
        others = sorted((self.path / CARS).glob("*/inventory.json"))[:CARS_MOST]
        return replace(self, vehicle=None), *(
            replace(self, vehicle=one.parent.name) for one in others
        )

    def of_car(self, vehicle: str) -> Self:
        """The folder as one car has it.

        Raises:
            InputError: it has no such car.
        """
        for one in self.cars():
            if one.inventory().vehicle_id == vehicle:
                return one
        raise InputError(f"no car {vehicle!r} in {self.path}")

    def ecu_key(self, ecu_id: str) -> str:
        """What the key of a control unit is called."""
        return f"ecu-{ecu_id}@{self.vehicle}" if self.vehicle else f"ecu-{ecu_id}"

    def key(self, name: str) -> SigningKey | None:
        """A key, if it is here: those of offline roles may be carried elsewhere."""
        return repo_keys.soft_key(self.keys, name)

    def signers(self, name: str) -> list[Signer]:
        """Those keys of a role that are here, or in a token that is named here."""
        return repo_keys.signers(self.keys, name)

    def keeper(self, repository: str) -> Keeper:
        """A repository with the keys that are here.

        Raises:
            InputError: the folder holds none.
        """
        self.inventory()
        found = Keeper.load(repository, self.published(repository), {})
        for role in {*TOP_LEVEL, *found.targets}:
            if some := self.signers(f"{repository}-{role}"):
                found.signers[role] = some
        return found

    def published(self, repository: str) -> dict[str, bytes]:
        """All metadata of a repository, by file name."""
        found: dict[str, bytes] = {}
        for path in sorted(self.metadata(repository).glob("*.json"))[:FILES_MOST]:
            if path.stat().st_size > FILE_MOST_BYTES:
                raise InputError(f"more than {FILE_MOST_BYTES} bytes", file=str(path))
            found[path.name] = path.read_bytes()
        return found

    def changes(self, keeper: Keeper) -> Changes:
        """What is new in a repository; last the root and the timestamp, which make the rest current."""
        folder = self.metadata(keeper.name).relative_to(self.path)
        stored = self.published(keeper.name)
        # A file that lies there with other content was written before a crash and never became current.
        new = [name for name, data in keeper.published.items() if stored.get(name) != data]
        return {str(folder / name): keeper.published[name] for name in sorted(new, key=_order)}

    def store_image(self, names: Iterable[str], data: bytes) -> None:
        """Lay an image down under each of its names; nobody asks for it before metadata name it."""
        for name in names:
            path = self.images / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != data:
                write_whole(path, data)

    @contextlib.contextmanager
    def held(self) -> Iterator[Self]:
        """Have the folder for oneself, after what a death left undone is finished.

        Raises:
            InputError: it holds no repository.
            RefusedError: another command has it.
        """
        if not self.keys.is_dir():
            raise InputError("holds no repository: volant repo init", file=str(self.path))
        descriptor = os.open(self.keys, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RefusedError(f"{self.path} is in use by another volant repo") from error
            self._finish()
            yield self
        finally:
            os.close(descriptor)

    def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Change all of it or nothing, whenever the process or the machine dies."""
        files = tuple(
            Written(path=path, text=None if data is None else data.decode())
            for path, data in changes.items()
        )
        if files:
            repo_keys.write_private(self.path / JOURNAL, msgspec.json.encode(Journal(files=files)))
            self._finish()

    def _finish(self) -> None:
        journal = self.path / JOURNAL
        if not journal.is_file():
            return
        try:
            files = msgspec.json.decode(journal.read_bytes(), type=Journal).files
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"no journal: {error}", file=str(journal)) from error
        for one in files:
            path = self.path / one.path
            if one.text is None:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write = repo_keys.write_private if path.parent == self.keys else write_whole
            write(path, one.text.encode())
        journal.unlink()


def _order(name: str) -> int:
    """Nobody sees the rest before; between these two a car whose keys were rotated has to wait."""
    return 2 if name == "timestamp.json" else int(name.endswith(".root.json"))
