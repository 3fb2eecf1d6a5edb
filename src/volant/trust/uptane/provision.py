"""What a control unit leaves the factory with (Uptane 2.1, 5.4.1), and the map of which repository says what (TAP 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from volant.core.errors import InputError
from volant.trust.uptane.match import DIRECTOR, IMAGE
from volant.trust.uptane.metadata import ROOT, TARGETS, TOP_LEVEL
from volant.trust.uptane.trusted import TrustedRepository, file_of

MAP_MOST_BYTES = 64 * 1024
URLS_MOST = 16


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """Which repositories must agree on which images."""

    paths: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)]
    repositories: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    threshold: Annotated[int, Meta(ge=1)]
    terminating: bool = False


class RepositoryMap(msgspec.Struct, frozen=True, kw_only=True):
    """`map.json`: where the repositories are. Both must agree on every image, another map is not taken."""

    repositories: dict[str, Annotated[tuple[str, ...], Meta(min_length=1, max_length=URLS_MOST)]]
    mapping: Annotated[tuple[Mapped, ...], Meta(min_length=1, max_length=64)]

    @classmethod
    def of(cls, director_url: str, image_url: str) -> RepositoryMap:
        """The map of Uptane's basic case."""
        both = Mapped(paths=("*",), repositories=(IMAGE, DIRECTOR), threshold=2, terminating=True)
        return cls(repositories={DIRECTOR: (director_url,), IMAGE: (image_url,)}, mapping=(both,))

    @classmethod
    def from_bytes(cls, data: bytes) -> RepositoryMap:
        """Read it.

        Raises:
            InputError: no map, or one by which one repository alone could say what is installed.
        """
        if len(data) > MAP_MOST_BYTES:
            raise InputError(f"{len(data)} bytes of repository map, at most {MAP_MOST_BYTES}")
        try:
            found = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InputError(f"no repository map: {error}") from error
        if not {DIRECTOR, IMAGE} <= set(found.repositories):
            raise InputError(f"the repository map names no {DIRECTOR} or no {IMAGE}")
        for one in found.mapping:
            if not {DIRECTOR, IMAGE} <= set(one.repositories) or one.threshold < 2:
                raise InputError(f"images {', '.join(one.paths)}: both repositories must agree")
        if "*" not in found.mapping[-1].paths:
            raise InputError("the last entry of the repository map must be for all images")
        return found

    def to_bytes(self) -> bytes:
        """For a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


@dataclass(frozen=True, slots=True)
class FullState:
    """What full verification begins with."""

    director: TrustedRepository
    image: TrustedRepository
    repositories: RepositoryMap


def provision_full(
    director: Mapping[str, bytes], image: Mapping[str, bytes], repository_map: bytes
) -> FullState:
    """All four roles of both repositories, and the map.

    Raises:
        InputError: something lacks, or the root does not vouch for it.
        RejectedError: a root is none.
    """
    return FullState(
        _provision(DIRECTOR, director, TOP_LEVEL),
        _provision(IMAGE, image, TOP_LEVEL),
        RepositoryMap.from_bytes(repository_map),
    )


def provision_partial(director: Mapping[str, bytes]) -> TrustedRepository:
    """Root and targets of the director: what partial verification begins with.

    Raises:
        InputError: something lacks, or the root does not vouch for it.
        RejectedError: the root is none.
    """
    return _provision(DIRECTOR, director, (ROOT, TARGETS))


def _provision(name: str, files: Mapping[str, bytes], roles: tuple[str, ...]) -> TrustedRepository:
    found = TrustedRepository.load(name, files)
    missing = [role for role in roles if file_of(role) not in found.files]
    if missing:
        raise InputError(f"{name}: {', '.join(missing)} is missing or not signed as the root asks")
    return found
