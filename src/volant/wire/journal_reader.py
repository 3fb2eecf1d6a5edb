"""Reads journals back: whole ones, `.part` files, and files that were cut or damaged.

Records are framed here and parsed by the `mcap` package from bytes in memory, so that a wrong length can
neither allocate gigabytes nor raise anything but InputError. A damaged chunk is skipped and counted.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import zstandard
from mcap import records
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

from volant.core.clock import seconds
from volant.core.errors import InputError
from volant.core.messages import Message
from volant.core.settings import nearest
from volant.core.topics import BY_NAME
from volant.wire.journal_format import FORMAT, HEADER, SUMMARY, JournalHash, JournalHeader


class Record(msgspec.Struct, frozen=True, gc=False):
    """One message of a journal."""

    topic: str
    stamp_ns: int
    message: Message


class TopicCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often a topic came."""

    topic: str
    messages: int
    rate_hz: float
    """Over the journal's duration; 0 for a single instant."""


class JournalInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a journal."""

    path: str
    header: JournalHeader
    complete: bool
    """The file has its end; otherwise it is a part, or was cut."""
    duration_s: float
    messages: int
    bytes: int
    sha256: str
    """Of the messages that could be read."""
    sound: bool
    """Complete, and the hash is the one that the writer noted."""
    topics: tuple[TopicCount, ...]
    """In order of first appearance."""
    unknown: int
    """Messages of topics that this version does not know."""
    damaged: int
    """Chunks and messages that could not be read."""
    summary: dict[str, Any]
    """As given when the journal was closed."""


class JournalGlance(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal says of itself, without reading its messages."""

    header: JournalHeader
    complete: bool
    """The file has its end; whether its messages are those that were written, `journal_info` tells."""
    duration_s: float
    """From the first message of the whole chunks to the last."""
    summary: dict[str, Any]
    """As given when the journal was closed; empty where the end is missing."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One field over time, for plots."""

    field: str
    """`topic.field`, such as `car/state.speed_mps`."""
    time_s: tuple[float, ...]
    value: tuple[float, ...]
    """NaN where the field was null."""


class _Tally:
    """What was met on the way through a file."""

    def __init__(self) -> None:
        self.header: JournalHeader | None = None
        self.end: dict[str, Any] = {}
        self.complete = False
        self.damaged = 0
        self.unknown = 0
        self.hash = JournalHash()
        self.counts: dict[str, int] = {}
        self.first_ns = -1
        self.last_ns = -1


_MOST_RECORD: Final = 256 * 1024 * 1024
_MOST_CHUNK: Final = 256 * 1024 * 1024
"""A writer of ours closes a chunk at 1 MiB; other tools may rewrite with bigger ones."""
_FRAME: Final = 9
_SPAN: Final = struct.Struct("<QQ")
"""Times of the first and the last message, at the beginning of a chunk (MCAP specification, Chunk)."""
_WRONG: Final = (McapError, struct.error, zstandard.ZstdError, ValueError, MemoryError)
"""What parsers of the mcap and zstandard packages raise on wrong bytes."""


def read_journal(path: Path | str) -> Iterator[Record]:
    """Every message of our own channels, in publish order, as far as the file can be read.

    Messages of topics that this version does not know, and damaged ones, are left out; `journal_info`
    counts them.

    Raises:
        InputError: the file cannot be opened, is not MCAP, or ends before its header.
    """
    return _records(Path(path), _Tally())


def read_header(path: Path | str) -> JournalHeader:
    """The header alone.

    Raises:
        InputError: as `read_journal`.
    """
    tally = _Tally()
    for _ in _records(Path(path), tally):
        break
    assert tally.header is not None
    return tally.header


def journal_info(path: Path | str) -> JournalInfo:
    """Counts, rates, hash and header of a journal; reads it all once.

    Raises:
        InputError: as `read_journal`.
    """
    path, tally = Path(path), _Tally()
    for _ in _records(path, tally):
        pass
    assert tally.header is not None
    span_s = seconds(tally.last_ns - tally.first_ns) if tally.first_ns >= 0 else 0.0
    sha256 = tally.hash.hexdigest()
    summary = tally.end.get("summary")
    return JournalInfo(
        path=str(path),
        header=tally.header,
        complete=tally.complete,
        duration_s=span_s,
        messages=sum(tally.counts.values()),
        bytes=path.stat().st_size,
        sha256=sha256,
        sound=tally.complete and tally.end.get("sha256") == sha256,
        topics=tuple(
            TopicCount(topic=topic, messages=count, rate_hz=count / span_s if span_s else 0.0)
            for topic, count in tally.counts.items()
        ),
        unknown=tally.unknown,
        damaged=tally.damaged,
        summary=summary if isinstance(summary, dict) else {},
    )


def journal_glance(path: Path | str) -> JournalGlance:
    """Header, length and end of a journal; passes over its messages, so it takes about a millisecond.

    Raises:
        InputError: as `read_journal`.
    """
    path, tally = Path(path), _Tally()
    try:
        with path.open("rb") as file:
            _pass_over(file, path, tally)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    if tally.header is None:
        raise InputError("no journal of Volant, or cut before its header ends", file=str(path))
    summary = tally.end.get("summary")
    return JournalGlance(
        header=tally.header,
        complete=tally.complete,
        duration_s=seconds(tally.last_ns - tally.first_ns) if tally.first_ns >= 0 else 0.0,
        summary=summary if isinstance(summary, dict) else {},
    )


def _pass_over(file: BinaryIO, path: Path, tally: _Tally) -> None:
    if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
        raise InputError("no MCAP file: the first eight bytes are wrong", file=str(path))
    at, size = file.tell(), path.stat().st_size
    while not tally.complete and len(frame := file.read(_FRAME)) == _FRAME:
        length = int.from_bytes(frame[1:], "little")
        at += _FRAME + length
        if at > size or length > _MOST_RECORD:
            return
        if frame[0] == Opcode.METADATA:
            _note(file.read(length), path, tally)
        elif frame[0] == Opcode.CHUNK and length >= _SPAN.size:
            first_ns, last_ns = _SPAN.unpack(file.read(_SPAN.size))
            if last_ns:  # the first chunk has the header alone, at zero
                tally.first_ns = first_ns if tally.first_ns < 0 else min(tally.first_ns, first_ns)
                tally.last_ns = max(tally.last_ns, last_ns)
        tally.complete = frame[0] == Opcode.DATA_END
        file.seek(at)


def journal_hash(path: Path | str) -> str:
    """SHA-256 over (topic, stamp, payload) of every readable message of our own channels.

    Raises:
        InputError: as `read_journal`.
    """
    return journal_info(path).sha256


def read_series(path: Path | str, fields: Sequence[str]) -> tuple[Series, ...]:
    """Fields of a journal over time, in the order asked for; empty where a topic never came.

    Args:
        path: a journal, whole or in part.
        fields: `topic.field`, inner fields by further dots, such as `guard/decision.command.accel_mps2`.

    Raises:
        InputError: no such topic or field (with the nearest names), a field that is no number, or as
            `read_journal`.
    """
    asked = [_address(field) for field in fields]
    times: list[list[float]] = [[] for _ in asked]
    values: list[list[float]] = [[] for _ in asked]
    for record in read_journal(path):
        for number, (topic, names) in enumerate(asked):
            if record.topic == topic:
                times[number].append(seconds(record.stamp_ns))
                values[number].append(_number(record.message, names, fields[number]))
    return tuple(
        Series(field=field, time_s=tuple(time_s), value=tuple(value))
        for field, time_s, value in zip(fields, times, values, strict=True)
    )


def _address(field: str) -> tuple[str, tuple[str, ...]]:
    """Topic and path of a field; the first name is checked, inner ones where they are met."""
    topic, _, rest = field.partition(".")
    if topic not in BY_NAME:
        near = ", ".join(nearest(topic, BY_NAME)) or "none"
        raise InputError(f"no topic {topic!r}; nearest: {near}")
    names = tuple(rest.split("."))
    known = BY_NAME[topic].message.__struct_fields__
    if names[0] not in known:
        near = ", ".join(nearest(names[0], known)) or ", ".join(known)
        raise InputError(f"{topic} has no field {names[0]!r}; nearest: {near}")
    return topic, names


def _number(message: Any, names: tuple[str, ...], field: str) -> float:
    for name in names:
        message = getattr(message, name, None)
    if message is None:
        return math.nan
    if not isinstance(message, int | float):
        raise InputError(f"{field} is no number")
    return float(message)


# --- records --------------------------------------------------------------------------------------


def _records(path: Path, tally: _Tally) -> Iterator[Record]:
    """All our messages of a file; what else is met goes to the tally."""
    try:
        with path.open("rb") as file:
            yield from _walk(file, path, tally)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(path)) from error


def _walk(file: BinaryIO, path: Path, tally: _Tally) -> Iterator[Record]:
    if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
        raise InputError("no MCAP file: the first eight bytes are wrong", file=str(path))
    channels: dict[int, records.Channel] = {}
    for opcode, body in _frames(file, path.stat().st_size):
        if opcode == Opcode.METADATA:
            _note(body, path, tally)
        elif tally.header is None and opcode != Opcode.HEADER:
            break
        elif opcode == Opcode.DATA_END:
            tally.complete = True
            break
        elif opcode == Opcode.CHUNK:
            inside = _unpack(body)
            tally.damaged += inside is None
            for inner, inner_body in _frames(io.BytesIO(inside), len(inside)) if inside else ():
                yield from _inside(inner, inner_body, channels, tally)
        else:
            yield from _inside(opcode, body, channels, tally)
    if tally.header is None:
        raise InputError("no journal of Volant, or cut before its header ends", file=str(path))


def _frames(file: BinaryIO | io.BytesIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Opcode and content of each whole record; ends quietly where a record is cut."""
    at = file.tell()
    while len(frame := file.read(_FRAME)) == _FRAME:
        length = int.from_bytes(frame[1:], "little")
        at += _FRAME + length
        if at > size or length > _MOST_RECORD:
            return
        yield frame[0], file.read(length)


def _unpack(body: bytes) -> bytes | None:
    """The records inside a chunk; None where it is damaged."""
    try:
        chunk = records.Chunk.read(ReadDataStream(io.BytesIO(body)))
        data: bytes = chunk.data
        if chunk.uncompressed_size > _MOST_CHUNK:
            return None
        if chunk.compression == "zstd":
            if zstandard.get_frame_parameters(data).content_size > _MOST_CHUNK:
                return None
            data = zstandard.decompress(data, chunk.uncompressed_size)
        elif chunk.compression:
            return None
    except _WRONG:
        return None
    whole = len(data) == chunk.uncompressed_size
    return (
        data if whole and zlib.crc32(data) == (chunk.uncompressed_crc or zlib.crc32(data)) else None
    )


def _inside(
    opcode: int, body: bytes, channels: dict[int, records.Channel], tally: _Tally
) -> Iterator[Record]:
    """A message or a channel; all else (schemas, indexes) is not needed."""
    try:
        if opcode == Opcode.CHANNEL:
            channel = records.Channel.read(ReadDataStream(io.BytesIO(body)))
            channels[channel.id] = channel
            return
        if opcode != Opcode.MESSAGE:
            return
        number, _, stamp_ns, _ = _MESSAGE.unpack_from(body)
    except _WRONG:
        tally.damaged += 1
        return
    if number not in channels:
        tally.damaged += 1
        return
    if channels[number].message_encoding != "msgpack":
        return
    topic, payload = channels[number].topic, body[_MESSAGE.size :]
    tally.hash.add(topic, stamp_ns, payload)
    tally.counts[topic] = tally.counts.get(topic, 0) + 1
    tally.first_ns = stamp_ns if tally.first_ns < 0 else min(tally.first_ns, stamp_ns)
    tally.last_ns = max(tally.last_ns, stamp_ns)
    if topic not in _DECODERS:
        tally.unknown += 1
        return
    try:
        message = _DECODERS[topic](payload)
    except msgspec.MsgspecError:
        tally.damaged += 1
        return
    yield Record(topic, stamp_ns, message)


def _note(body: bytes, path: Path, tally: _Tally) -> None:
    """Header and summary; a header that cannot be understood is an error of the file."""
    try:
        metadata = records.Metadata.read(ReadDataStream(io.BytesIO(body)))
        text = metadata.metadata.get("json", "").encode()
        if metadata.name == HEADER and tally.header is None:
            tally.header = msgspec.json.decode(text, type=JournalHeader)
        elif metadata.name == SUMMARY:
            tally.end = msgspec.json.decode(text, type=dict[str, Any])
    except (*_WRONG, msgspec.MsgspecError) as error:
        if tally.header is None:
            raise InputError(f"the header is damaged: {error}", file=str(path)) from error
        tally.damaged += 1
        return
    if tally.header is not None and tally.header.format > FORMAT:
        words = f"written by a newer Volant (format {tally.header.format}, this one reads {FORMAT})"
        raise InputError(words, file=str(path))


_MESSAGE: Final = struct.Struct("<HIQQ")
_DECODERS: Final = {
    topic.name: msgspec.msgpack.Decoder(topic.message).decode for topic in BY_NAME.values()
}
