"""What a car that joins a fleet takes of the answer, if it is from the fleet that made its code."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from volant.cloud.uptane.authority import pin_of
from volant.cloud.uptane.joining import ROOT_END, JoinGrant
from volant.core.errors import InputError, TrustError
from volant.trust.keys import PublicKey
from volant.trust.uptane import RepositoryMap, TrustedRepository
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT
from volant.trust.uptane.trusted import file_of


@dataclass(frozen=True, slots=True)
class Granted:
    """What it begins with."""

    repository_map: RepositoryMap
    metadata: dict[str, dict[str, bytes]]
    """Newest metadata by repository and file name."""
    time_key: PublicKey
    token: str
    """The car's own, for its open line."""


def read_grant(body: bytes, wanted: str, url: str) -> Granted:
    """Take an answer.

    Args:
        body: as it came.
        wanted: second part of the code: which fleet it must be.
        url: where it came from, for people.

    Raises:
        InputError: it is something else.
        RejectedError: a root does not follow from the one before.
        TrustError: it is another fleet's.
    """
    try:
        found = msgspec.json.decode(body, type=JoinGrant)
        metadata = {
            name: {file: text.encode() for file, text in found.metadata[name].items()}
            for name in (DIRECTOR, IMAGE)
        }
        roots = [_walked(name, metadata[name]) for name in (DIRECTOR, IMAGE)]
        time_key = PublicKey.from_hex(found.time_key)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise InputError(f"{url} answers something else than what a car joins with") from error
    if pin_of(roots[0], roots[1], time_key.raw) != wanted:
        raise TrustError(f"{url} is another fleet than the one that made the code")
    return Granted(found.repository_map, metadata, time_key, found.token)


def _walked(name: str, files: dict[str, bytes]) -> bytes:
    """The first root of a repository, from which each further one follows up to the newest; all but that are taken out.

    Raises:
        RejectedError: one does not follow from the one before.
        KeyError: one lacks.
    """
    count = sum(file.endswith(ROOT_END) for file in files)
    first, *others = [files.pop(f"{number}{ROOT_END}") for number in range(1, count + 1)]
    trusted = TrustedRepository(name, first)
    for root in others:
        trusted.update_root(root)
    if files[file_of(ROOT)] != trusted.root.data:
        raise InputError(f"the newest root of {name} is not the last of its roots")
    return first
