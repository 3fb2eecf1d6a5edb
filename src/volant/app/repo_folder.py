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

from volant.app import repo_token
from volant.caros.apps.store import write_whole
from volant.core.errors import InputError, RefusedError
from volant.trust.keys import SigningKey
from volant.trust.uptane import Inventory, Keeper, soft_signer
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import TOP_LEVEL

FOLDERS: Final = {DIRECTOR: "director", IMAGE: "image"}
PEM: Final = ".pem"
HELD_ELSEWHERE: Final = ".token.json"
"""End of the name of a file that says which key of a token signs."""
DRAFTS: Final = {PEM: ".pem.new", HELD_ELSEWHERE: ".token.json.new"}
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
        """Make a key that is in force at once."""
        key = self.draft_key(name)
        self.put_in_force(name)
        return key

    def draft_key(self, name: str) -> SigningKey:
        """Make a key, readable by its owner alone; `put_in_force` once metadata could be signed with it."""
        key = SigningKey(os.urandom(32))
        draft = self.keys / f"{name}{DRAFTS[PEM]}"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.to_pem())
        return key

    def draft_token(self, name: str, label: str, number: int) -> Signer:
        """Write down a key of a PKCS 11 token; `put_in_force` once metadata could be signed with it.

        Raises:
            RefusedError: there is no such token or key.
        """
        return repo_token.adopt(self.keys / f"{name}{DRAFTS[HELD_ELSEWHERE]}", label, number)

    def put_in_force(self, name: str) -> None:
        """Let the drafted key take the place of an older one, which is kept beside it."""
        for kind in DRAFTS:
            path = self.keys / f"{name}{kind}"
            if path.exists():
                number = len(list(self.keys.iterdir()))
                path.rename(path.with_name(f"{name}{kind}.{number}.old"))
        for kind, draft in DRAFTS.items():
            if (self.keys / f"{name}{draft}").exists():
                (self.keys / f"{name}{draft}").rename(self.keys / f"{name}{kind}")

    def key(self, name: str) -> SigningKey | None:
        """A key, if it is here: those of offline roles may be carried elsewhere."""
        path = self.keys / f"{name}{PEM}"
        return SigningKey.from_pem(path.read_bytes()) if path.is_file() else None

    def signer(self, name: str) -> Signer | None:
        """Who signs, if the key is here or in a token that is named here."""
        path = self.keys / f"{name}{HELD_ELSEWHERE}"
        if path.is_file():
            return repo_token.read(path)
        key = self.key(name)
        return soft_signer(key) if key else None

    def keeper(self, repository: str) -> Keeper:
        """A repository with the keys that are here.

        Raises:
            InputError: the folder holds none.
        """
        self.inventory()
        found = Keeper.load(repository, self._published(repository), {})
        roles = {*TOP_LEVEL, *found.targets}
        found.signers.update(
            {role: [one] for role in roles if (one := self.signer(f"{repository}-{role}"))}
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
