"""What `volant delta ...` does: files around the pure rooms `trust.delta`."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import IO, Final

import msgspec

from volant.app.exits import Exit
from volant.app.say import answer, answer_json, table
from volant.core.errors import InputError
from volant.trust.delta import Applying, Header, read_header
from volant.trust.delta.container import PREAMBLE_BYTES, header_lengths

FEED_BYTES: Final = 1 << 16
MB: Final = 1_000_000


class SegmentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of `volant delta info --json`."""

    codec: str
    target_bytes: int
    stored_bytes: int
    source_ranges: int
    source_bytes: int


class DeltaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant delta make|info --json` prints."""

    file: str
    bytes: int
    header_bytes: int
    header_sha256: str
    source_bytes: int
    source_sha256: str
    target_bytes: int
    target_sha256: str
    segment_bytes: int
    segments: tuple[SegmentAnswer, ...]


class AppliedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `volant delta apply --json` prints."""

    file: str
    bytes: int
    sha256: str
    segments: int
    segments_found: int
    """Of those, left by an interrupted run and still right."""


def make_command(old: Path, new: Path, out: Path, segment_bytes: int, *, as_json: bool) -> Exit:
    """Make a delta."""
    from volant.trust.delta.make import DeltaSettings, make_delta

    images = (_content(old), _content(new))
    try:
        delta = make_delta(*images, DeltaSettings(segment_bytes=segment_bytes))
    except ValueError as error:
        raise InputError(str(error), file=str(new)) from error
    part = _part(out)
    with _opened(part, "wb") as file:
        file.write(delta)
    _put_in_place(part, out)
    return _show(out, as_json=as_json)


def info_command(delta: Path, *, as_json: bool) -> Exit:
    """Say what a delta is made of."""
    return _show(delta, as_json=as_json)


def apply_command(old: Path, delta: Path, out: Path, *, as_json: bool) -> Exit:
    """Make the new image beside its place and put it there once it is right."""
    part = _part(out)
    with _opened(old, "rb") as source, _opened(delta, "rb") as parts, _kept(part) as made:
        header = _header(parts, delta)
        found = _found(header, made)
        made.truncate(header.target_offset(found))
        applying = Applying(
            lambda at, length: os.pread(source.fileno(), length, at),
            lambda at, length: os.pread(made.fileno(), length, at),
            header=header,
            segments_done=found,
        )
        try:
            _fill(applying, parts, made)
        except InputError as error:
            raise InputError(error.message, file=str(delta), where=error.where) from error
        made.truncate(header.target_bytes)
        if _sha256(made) != header.target_sha256:
            raise InputError("the image made has another hash than it says", file=str(delta))
        os.fsync(made.fileno())
    _put_in_place(part, out)
    reached = AppliedAnswer(
        file=str(out),
        bytes=header.target_bytes,
        sha256=header.target_sha256.hex(),
        segments=len(header.segments),
        segments_found=found,
    )
    if as_json:
        answer_json(reached)
    else:
        on = f", {found} of them from an interrupted run" if found else ""
        answer(f"{out}: {reached.bytes / MB:.2f} MB in {reached.segments} segments{on}, hash right")
    return Exit.DONE


def _fill(applying: Applying, parts: IO[bytes], made: IO[bytes]) -> None:
    parts.seek(applying.resume_at)
    more = True
    while more:
        data = parts.read(FEED_BYTES)
        for piece in applying.feed(data):
            os.pwrite(made.fileno(), piece.data, piece.offset)
        more = bool(data)
    applying.end()


def _part(out: Path) -> Path:
    return out.with_name(out.name + ".part")


def _put_in_place(part: Path, out: Path) -> None:
    try:
        part.replace(out)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(out)) from error


def _content(path: Path) -> bytes:
    with _opened(path, "rb") as file:
        return bytes(file.read())


def _opened(path: Path, mode: str) -> IO[bytes]:
    try:
        file: IO[bytes] = path.open(mode, buffering=0)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(path)) from error
    return file


def _kept(part: Path) -> IO[bytes]:
    """The unfinished image as an interrupted run left it, or an empty file."""
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise InputError(error.strerror or str(error), file=str(part)) from error
    return os.fdopen(descriptor, "r+b", buffering=0)


def _header(parts: IO[bytes], delta: Path) -> Header:
    preamble = parts.read(PREAMBLE_BYTES)
    if len(preamble) < PREAMBLE_BYTES:
        raise InputError("ends within its header", file=str(delta))
    try:
        return read_header(preamble + parts.read(header_lengths(preamble)[0]))
    except InputError as error:
        raise InputError(error.message, file=str(delta), where=error.where) from error


def _found(header: Header, made: IO[bytes]) -> int:
    """How many segments an interrupted run has left that are right, from the first on."""
    for index, segment in enumerate(header.segments):
        data = os.pread(made.fileno(), segment.target_bytes, header.target_offset(index))
        expected = segment.target_sha256 or hashlib.sha256(bytes(segment.target_bytes)).digest()
        if hashlib.sha256(data).digest() != expected:
            return index
    return len(header.segments)


def _sha256(file: IO[bytes]) -> bytes:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]


def _show(delta: Path, *, as_json: bool) -> Exit:
    with _opened(delta, "rb") as parts:
        header = _header(parts, delta)
        size = os.fstat(parts.fileno()).st_size
    if size != header.payload_offsets[-1]:
        words = f"{size} bytes, its header says {header.payload_offsets[-1]}"
        raise InputError(words, file=str(delta))
    if as_json:
        answer_json(_as_answer(delta, size, header))
        return Exit.DONE
    counts = Counter(segment.codec.name.lower() for segment in header.segments)
    share = f", {100 * size / header.target_bytes:.2f} % of it" if header.target_bytes else ""
    rows = [
        ("from", f"{header.source_bytes:,} bytes, sha256 {header.source_sha256.hex()}"),
        ("to", f"{header.target_bytes:,} bytes, sha256 {header.target_sha256.hex()}"),
        ("delta", f"{size:,} bytes{share}; header {len(header.packed):,}"),
        ("header sha256", header.sha256.hex()),
        ("segments", f"{len(header.segments)} of {header.segment_bytes:,} bytes"),
        ("made of", ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))),
    ]
    table(str(delta), ("", ""), rows)
    return Exit.DONE


def _as_answer(delta: Path, size: int, header: Header) -> DeltaAnswer:
    return DeltaAnswer(
        file=str(delta),
        bytes=size,
        header_bytes=len(header.packed),
        header_sha256=header.sha256.hex(),
        source_bytes=header.source_bytes,
        source_sha256=header.source_sha256.hex(),
        target_bytes=header.target_bytes,
        target_sha256=header.target_sha256.hex(),
        segment_bytes=header.segment_bytes,
        segments=tuple(
            SegmentAnswer(
                codec=one.codec.name.lower(),
                target_bytes=one.target_bytes,
                stored_bytes=one.stored_bytes,
                source_ranges=len(one.ranges),
                source_bytes=sum(span.length for span in one.ranges),
            )
            for one in header.segments
        ),
    )
