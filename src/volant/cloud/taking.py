"""Files of releases as they are taken in: hashed once, kept under their SHA-256, and described to both protocols."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from volant.cloud.ddi.device import Artifact
from volant.cloud.inventory import ReleaseImage
from volant.cloud.views import FileBody
from volant.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of a file's bytes."""

    length: int
    sha1: str
    md5: str
    sha256: str
    sha512: str


def measure(blocks: Iterable[bytes]) -> Taken:
    """Hash a file that comes in blocks."""
    kinds = ("sha1", "md5", "sha256", "sha512")
    hashes = [hashlib.new(kind, usedforsecurity=False) for kind in kinds]
    length = 0
    for block in blocks:
        length += len(block)
        for one in hashes:
            one.update(block)
    return Taken(length, *(one.hexdigest() for one in hashes))


def artifact(name: str, found: Taken) -> Artifact:
    """A file as hawkBit's devices are told of it.

    Raises:
        InputError: its name is none.
    """
    made = Artifact(
        filename=name, size=found.length, sha1=found.sha1, md5=found.md5, sha256=found.sha256
    )
    try:
        return msgspec.convert(msgspec.to_builtins(made), Artifact)
    except msgspec.ValidationError as error:
        raise InputError(f"no name of an artifact: {error}") from error


def check_file_name(name: str) -> None:
    """Whether a file may be called so.

    Raises:
        InputError: no.
    """
    artifact(name, Taken(0, "0" * 40, "0" * 32, "0" * 64, ""))


def image(body: FileBody, found: Taken, version: str) -> ReleaseImage:
    """A file as cars that speak Uptane are told of it.

    Raises:
        InputError: it is empty, or what was said of it is wrong.
    """
    said = {
        "hardware_id": body.hardware,
        "name": body.name,
        "version": version,
        "length": found.length,
        "hashes": {"sha256": found.sha256, "sha512": found.sha512},
        "release_counter": body.release_counter,
        "needs": body.needs,
        "ecu_ids": body.units,
    }
    try:
        return msgspec.convert(said, ReleaseImage)
    except msgspec.ValidationError as error:
        raise InputError(f"no image of control units: {error}", file=body.name) from error
