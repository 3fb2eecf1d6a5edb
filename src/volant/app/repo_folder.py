"""A folder with a director, an image repository, their keys and the inventory of one car: what `volant repo` keeps.

`keys/` is for who signs and never served; `director/` and `images/` are what a server gives.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securesystemslib.signer import Signer

from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.trust.keys import SigningKey
from volant.trust.uptane import Inventory, Keeper, soft_signer
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TOP_LEVEL

FOLDERS: Final = {DIRECTOR: "director", IMAGE: "image"}
FILE_MOST_BYTES: Final = 8 << 20
FILES_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class RepoFolder:
    """One such folder."""

    path: Path

    @property
    def keys(self) -> Path:
        """Private keys, one a file."""
        return self.path / "keys"

    @property
    def images(self) -> Path:
        """Images under HASH.name."""
        return self.path / "image" / "targets"

    def metadata(self, repository: str) -> Path:
        """Metadata of a repository under VERSION.name."""
        return self.path / FOLDERS[repository] / "metadata"

    def create(self) -> None:
        """Make the folders.

        Raises:
            RefusedError: there is a repository already.
        """
        if (self.path / "inventory.json").exists():
            raise RefusedError(f"{self.path} holds a repository already")
        for folder in (self.keys, self.images, *(self.metadata(name) for name in FOLDERS)):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)

    def inventory(self) -> Inventory:
        """Of the car.

        Raises:
            InputError: the folder holds no repository.
        """
        path = self.path / "inventory.json"
        if not path.is_file():
            raise InputError("holds no repository: volant repo init", file=str(self.path))
        return Inventory.from_bytes(path.read_bytes())

    def new_key(self, name: str) -> SigningKey:
        """Make a key and store it for its owner alone; an older one of the name is kept beside it."""
        key = SigningKey(os.urandom(32))
        path = self.keys / f"{name}.pem"
        if path.exists():
            path.rename(path.with_name(f"{name}.{len(list(self.keys.iterdir()))}.old"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.to_pem())
        return key

    def key(self, name: str) -> SigningKey | None:
        """A key, if it is here: those of offline roles may be carried elsewhere."""
        path = self.keys / f"{name}.pem"
        return SigningKey.from_pem(path.read_bytes()) if path.is_file() else None

    def keeper(self, repository: str) -> Keeper:
        """A repository with the keys that are here.

        Raises:
            InputError: the folder holds none.
        """
        self.inventory()
        found = Keeper.load(repository, self._published(repository), {})
        roles = {*TOP_LEVEL, *found.targets}
        found.signers.update(
            {
                role: [soft_signer(key)]
                for role in roles
                if (key := self.key(f"{repository}-{role}"))
            }
        )
        return found

    def store(self, keeper: Keeper) -> None:
        """Write what is new; the timestamp last, since it makes the rest current."""
        folder = self.metadata(keeper.name)
        stored = self._published(keeper.name)
        # A file that lies there with other content was written before a crash and never became current.
        new = [name for name, data in keeper.published.items() if stored.get(name) != data]
        for name in sorted(new, key=lambda name: name == "timestamp.json"):
            write_whole(folder / name, keeper.published[name])

    def store_image(self, names: Iterable[str], data: bytes) -> None:
        """Lay an image down under each of its names."""
        for name in names:
            path = self.images / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)

    def new_signers(self, repository: str) -> dict[str, list[Signer]]:
        """New keys for the four roles."""
        return {role: [soft_signer(self.new_key(f"{repository}-{role}"))] for role in TOP_LEVEL}

    def _published(self, repository: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for path in sorted(self.metadata(repository).glob("*.json"))[:FILES_MOST]:
            if path.stat().st_size > FILE_MOST_BYTES:
                raise InputError(f"more than {FILE_MOST_BYTES} bytes", file=str(path))
            found[path.name] = path.read_bytes()
        return found
