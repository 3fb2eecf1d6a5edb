"""Who signs for a fleet: the keys that this server has, and what lies of both repositories in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from securesystemslib.signer import Signer

from volant.cloud.director import Director, copied, newest, rightful
from volant.cloud.store.ports import Work
from volant.core.errors import RefusedError
from volant.trust.keys import SigningKey
from volant.trust.uptane import Keeper
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, SNAPSHOT, TARGETS, TIMESTAMP

PLACES: Final = {IMAGE: "@image", DIRECTOR: "@director"}
"""Under which names the image repository and the template of all directors lie beside the cars' directors; no car is
called so."""
ONLINE: Final = {DIRECTOR: (TARGETS, SNAPSHOT, TIMESTAMP), IMAGE: (SNAPSHOT, TIMESTAMP)}
"""What a server signs with every day, beside the key of the time."""
PIN_LETTERS: Final = 32
"""Of a SHA-256 in hex: 128 bits."""

Signers = Mapping[str, Sequence[Signer]]
"""By role; a role whose keys are kept elsewhere has none."""


@dataclass(frozen=True)
class Authority:
    """The keys that are here."""

    director: Signers = field(repr=False)
    image: Signers = field(repr=False)
    time: SigningKey | None = None
    """Of who signs the time; None: it is not here."""

    def create(self, work: Work, thresholds: Mapping[str, int], now_s: float) -> None:
        """Make both repositories, with nothing in them yet.

        Args:
            work: with it they are stored.
            thresholds: how many keys must sign, by `director-ROLE` and `image-ROLE`; else one.
            now_s: Unix seconds.

        Raises:
            RefusedError: there are some.
        """
        for name, signers in ((IMAGE, self.image), (DIRECTOR, self.director)):
            if work.director_files(PLACES[name]) is not None:
                raise RefusedError("this fleet has its Uptane repositories already")
            needed = {role: thresholds.get(f"{name}-{role}", 1) for role in signers}
            keeper = Keeper.create(name, signers, now_s=now_s, thresholds=needed)
            work.put_director_files(PLACES[name], newest(keeper))

    def images(self, work: Work) -> Keeper:
        """The image repository.

        Raises:
            RefusedError: there is none.
        """
        return self.keeper(work, IMAGE)

    def keeper(self, work: Work, name: str) -> Keeper:
        """The image repository, or the template of all directors, with those keys that its root names.

        Raises:
            RefusedError: there is none.
        """
        return rightful(Keeper.load(name, files_of(work, name), copied(self.signers(name))))

    def signers(self, name: str) -> Signers:
        """All keys of a repository that are here, whether its root names them or not."""
        return {IMAGE: self.image, DIRECTOR: self.director}[name]

    def lacking(self, work: Work) -> list[str]:
        """What a server needs every day and has not, for people: keys from before a rotation are none.

        Raises:
            RefusedError: there are no repositories.
        """
        found = [] if self.time is not None else ["the key of the time is not here"]
        for name, roles in ONLINE.items():
            keeper = self.keeper(work, name)
            lacks = [role for role in roles if role not in keeper.signers]
            words = f"the keys that version {keeper.root.version} of the {name}'s root names are not here"
            found += [f"{name}-{role}: {words}" for role in lacks]
        return found

    def director_of(self, work: Work) -> Director:
        """Who signs what a car is to run.

        Raises:
            RefusedError: there is none.
        """
        online = {role: some for role, some in self.director.items() if role != ROOT}
        return Director(files_of(work, DIRECTOR), online)


def files_of(work: Work, name: str) -> dict[str, bytes]:
    """The image repository, or the template of all directors.

    Raises:
        RefusedError: there is none.
    """
    found = work.director_files(PLACES[name])
    if found is None:
        raise RefusedError("this fleet has no Uptane repositories: volant fleet uptane")
    return found


def pin(work: Work, time: SigningKey) -> str:
    """What a person carries to the car, so that it believes the right fleet: a hash over both first roots and the key of
    the time.

    Raises:
        RefusedError: there are no repositories.
    """
    roots = [files_of(work, name)["1.root.json"] for name in (DIRECTOR, IMAGE)]
    return pin_of(roots[0], roots[1], time.public.raw)


def pin_of(director_root: bytes, image_root: bytes, time_key: bytes) -> str:
    """The same at the car's desk, of what a server sent."""
    parts = [hashlib.sha256(one).digest() for one in (director_root, image_root, time_key)]
    return hashlib.sha256(b"volant join 1\0" + b"".join(parts)).hexdigest()[:PIN_LETTERS]
