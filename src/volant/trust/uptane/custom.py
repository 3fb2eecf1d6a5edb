"""What Uptane adds to targets metadata: the custom parts of both repositories, and which file names are taken.

Names are those of aktualizr and of the reference POUF: `ecuIdentifiers`, `hardwareId`, `hardwareIds`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta
from tuf.api.metadata import Signed, TargetFile, Targets

from volant.trust.uptane.verdict import Attack, RejectedError

Word = Annotated[str, Meta(min_length=1, max_length=128)]
Counter = Annotated[int, Meta(ge=0, le=2**53)]
CUSTOM: Final = "custom"
VEHICLE: Final = "vehicleId"
NAME_MOST: Final = 255
TAKES_MOST_S: Final = 86_400
Line = Annotated[str, Meta(min_length=1, max_length=160)]
"""One line for people, as wide as a screen of the car shows in two."""
Lines = Annotated[tuple[Line, ...], Meta(max_length=16)]
T = TypeVar("T")


class EcuTarget(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One control unit that an image is for."""

    hardware_id: Word


class DeltaInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A shorter way to the image; the full image stays signed by both repositories."""

    algorithm: Word
    name: Word
    """Of the delta among the images."""
    length: Annotated[int, Meta(ge=1)]
    hashes: Annotated[dict[str, str], Meta(min_length=1, max_length=4)]
    base: Annotated[dict[str, str], Meta(min_length=1, max_length=4)]
    """Hashes of the image that it starts from."""


class DirectorCustom(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the director says of one image (Uptane 2.1, 5.2.3.1.2)."""

    ecu_identifiers: Annotated[dict[Word, EcuTarget], Meta(min_length=1, max_length=1024)]
    release_counter: Counter = 0
    deltas: Annotated[tuple[DeltaInfo, ...], Meta(max_length=64)] = ()


class ImageCustom(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the image repository says of one image (Uptane 2.1, 5.2.3.1.1)."""

    hardware_ids: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=256)]
    release_counter: Counter = 0


class UpdateNote(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the director says of its whole file to people, signed like the rest of it."""

    title: Line
    changes: Lines = ()
    """What becomes different."""
    unusable: Lines = ()
    """What cannot be used while it is installed."""
    takes_s: Annotated[int, Meta(ge=0, le=TAKES_MOST_S)] = 0
    """How long installing takes, about; 0: it does not say. Whole, since canonical JSON knows no fractions."""
    attempt: Annotated[str, Meta(max_length=160)] = ""
    """Which try this is: what a car has given back it takes again only under another name. Empty: none is counted."""


class VehicleCustom(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the director says of a whole file: for which car it is, and in its targets what people are told of it."""

    vehicle_id: Word
    update: UpdateNote | None = None


def director_custom(target: TargetFile) -> DirectorCustom:
    """The director's part.

    Raises:
        RejectedError: there is none, or something else.
    """
    return _convert(target.custom, DirectorCustom, target.path, "director")


def image_custom(target: TargetFile) -> ImageCustom:
    """The image repository's part.

    Raises:
        RejectedError: there is none, or something else.
    """
    return _convert(target.custom, ImageCustom, target.path, "image")


def vehicle_of(signed: Signed) -> str | None:
    """Which car a director's timestamp, snapshot or targets are for; None: it does not say.

    Raises:
        RejectedError: it says something else.
    """
    custom = _vehicle_custom(signed)
    return custom.vehicle_id if custom else None


def note_of(targets: Targets) -> UpdateNote | None:
    """What a director's file tells people of the update; None: nothing.

    Raises:
        RejectedError: it says something else, or in signs that a screen does not show.
    """
    custom = _vehicle_custom(targets)
    note = custom.update if custom else None
    if note and not all(line.isprintable() for line in (note.title, *note.changes, *note.unusable)):
        raise RejectedError(
            Attack.ARBITRARY, "the note of the update is no plain text", repository="director"
        )
    return note


def _vehicle_custom(signed: Signed) -> VehicleCustom | None:
    custom = signed.unrecognized_fields.get(CUSTOM)
    return None if custom is None else _convert(custom, VehicleCustom, signed.type, "director")


def check_name(name: str, *, repository: str) -> None:
    """Let a file name pass that stays inside a folder: relative, no `..`, no hidden turns.

    Raises:
        RejectedError: it does not.
    """
    parts = name.split("/")
    bad = (
        not name
        or len(name) > NAME_MOST
        or "\\" in name
        or any(part in {"", ".", ".."} for part in parts)
        or any(not char.isprintable() for char in name)
    )
    if bad:
        raise RejectedError(
            Attack.ARBITRARY, f"{name!r} is no file name of an image", repository=repository
        )


def _convert(custom: Any, kind: type[T], path: str, repository: str) -> T:
    try:
        return msgspec.convert(custom, kind)
    except msgspec.ValidationError as error:
        raise RejectedError(
            Attack.ARBITRARY, f"custom part of {path}: {error}", repository=repository
        ) from error
