"""Whether a delta leads from what a unit runs to what it shall run, and which of its bytes a unit still needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from volant.core.errors import InputError, RefusedError
from volant.ota.ports import Artifact, Read, UnitNow
from volant.trust.delta import Header, read_header
from volant.trust.delta.container import PREAMBLE_BYTES, header_lengths
from volant.trust.uptane import Installed


@dataclass(frozen=True, slots=True)
class FittingDelta:
    """A delta that a unit can be given."""

    artifact: Artifact
    header: Header

    @classmethod
    def of(cls, artifact: Artifact, now: UnitNow, target: Installed) -> Self | None:
        """The delta, if it is one from what runs to the target; else None."""
        preamble = artifact.read(0, PREAMBLE_BYTES)
        try:
            packed, _ = header_lengths(preamble.ljust(PREAMBLE_BYTES, b"\0"))
            header = read_header(artifact.read(0, PREAMBLE_BYTES + packed))
        except InputError:
            return None
        fits = (
            _is(now.runs, header.source_bytes, header.source_sha256)
            and _is(target, header.target_bytes, header.target_sha256)
            and header.payload_offsets[-1] == artifact.length
        )
        return cls(artifact, header) if fits else None

    def survived(self, segments: int) -> int:
        """Bytes of the delta that need not come again."""
        head = len(self.header.packed)
        return self.header.payload_offsets[segments] - head if segments else 0

    def from_segment(self, segments: int) -> tuple[int, Read]:
        """How many bytes must come once so many segments are done, and how to read them: the header is among them."""
        head, skipped = len(self.header.packed), self.survived(segments)

        def read(at: int, length: int) -> bytes:
            first = self.header.packed[at : at + length]
            rest = length - len(first)
            if not rest:
                return first
            return first + self.artifact.read(max(at, head) + skipped, rest)

        return self.artifact.length - skipped, read


def check_room(unit: str, length: int, now: UnitNow) -> None:
    """Let an image pass that a slot of the unit holds.

    Raises:
        RefusedError: it is longer.
    """
    if 0 < now.room_bytes < length:
        sizes = (
            f"an image of {length / 1024:.1f} KiB, its slots hold {now.room_bytes / 1024:.1f} KiB"
        )
        raise RefusedError(f"{unit}: {sizes} (larger ones: volant ecu resize {unit})")


def same(one: Installed | None, target: Installed) -> bool:
    """Whether a program is the one that is meant: by its bytes, whatever its file is called."""
    if one is None or one.length != target.length:
        return False
    known = set(one.hashes) & set(target.hashes)
    return bool(known) and all(one.hashes[kind] == target.hashes[kind] for kind in known)


def _is(one: Installed | None, length: int, sha256: bytes) -> bool:
    return one is not None and one.length == length and one.hashes.get("sha256") == sha256.hex()
