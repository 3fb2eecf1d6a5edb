"""Records a drive as MCAP while it runs; nothing here raises because of a disk.

A chunk is closed each second of the car's time, so that a crash loses little. A full disk or a folder
that cannot be written ends the recording; the loss is counted and its reason kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from mcap.writer import CompressionType, Writer

from volant.core.messages import Message
from volant.core.topics import TOPICS, Topic
from volant.wire import foxglove
from volant.wire.foxglove import LaneLine
from volant.wire.journal_format import (
    CHUNK_NS,
    HEADER,
    PART,
    PROFILE,
    SUMMARY,
    JournalDigest,
    JournalHash,
    JournalHeader,
)


class _Sink:
    """A file that never raises: after the first failure it swallows everything and keeps the reason."""

    def __init__(self, path: Path) -> None:
        self.reason = ""
        self._at = 0
        self._file: Any = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            self.reason = f"cannot be written: {error.strerror or error}"

    def write(self, data: bytes) -> int:
        self._at += len(data)
        left = memoryview(data)
        while len(left) and not self.reason:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self.reason = f"cannot be written: {error.strerror or error}"
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            self.reason = self.reason or f"cannot be closed: {error.strerror or error}"


class JournalWriter:
    """Records a drive. No method raises because of the disk; `lost` and `reason` tell."""

    def __init__(self, path: Path | str, header: JournalHeader) -> None:
        self.path = Path(path)
        self.part = self.path.with_name(self.path.name + PART)
        self._hash = JournalHash()
        self._view = foxglove.View()
        self._encode = msgspec.msgpack.Encoder().encode
        self._encode_json = msgspec.json.Encoder().encode
        self._channels: dict[str, int] = {}
        self._messages = 0
        self._kept = 0
        self._next_chunk_ns = CHUNK_NS
        self._sink = _Sink(self.part)
        self._writer = Writer(self._sink, compression=CompressionType.ZSTD)  # type: ignore[arg-type]
        self._writer.start(profile=PROFILE, library=f"volant {header.volant}".strip())
        text = msgspec.json.encode(header)
        self._writer.add_metadata(HEADER, {"json": text.decode()})
        self._digest: JournalDigest | None = None
        self._open_all(text)

    @property
    def sha256(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()

    @property
    def lost(self) -> int:
        """Messages published that are surely not on disk."""
        return self._messages - self._kept if self._sink.reason else 0

    @property
    def reason(self) -> str:
        """Why messages are lost; empty while none is."""
        return self._sink.reason

    def add_lanes(self, lines: Iterable[LaneLine]) -> None:
        """Draw the road once for viewers."""
        if not self._sink.reason:
            self._put_view(foxglove.ROAD, 0, foxglove.road_scene(lines))

    @property
    def size(self) -> int:
        """Bytes of the file so far; what lies in the open chunk is not among them."""
        return self._sink.tell()

    def write(self, topic: Topic, stamp_ns: int, message: Message) -> None:
        """Record one message, in publish order."""
        self.write_encoded(topic, stamp_ns, self._encode(message))
        if self._sink.reason:
            return
        for view_channel, made in self._view.take(topic, stamp_ns, message):
            self._put_view(view_channel, stamp_ns, made)

    def write_encoded(self, topic: Topic, stamp_ns: int, payload: bytes) -> None:
        """Record one message that is MessagePack already; viewers are drawn nothing."""
        self._hash.add(topic.name, stamp_ns, payload)
        self._messages += 1
        if self._sink.reason:
            return
        if stamp_ns >= self._next_chunk_ns:
            self._next_chunk_ns = stamp_ns - stamp_ns % CHUNK_NS + CHUNK_NS
            self._flush(self._messages - 1)
        self._writer.add_message(
            self._channels[topic.name], stamp_ns, payload, stamp_ns, self._messages
        )

    def flush(self) -> None:
        """End the open chunk, so that all that was written is in the file; not synced to the disk."""
        if not self._sink.reason:
            self._flush(self._messages)

    def close(self, summary: dict[str, Any] | None = None) -> JournalDigest:
        """Write the end, rename the file to its name, and say what is in it; again: say it again."""
        if self._digest is None:
            self._digest = self._end(summary or {})
        return self._digest

    def _end(self, summary: dict[str, Any]) -> JournalDigest:
        digest = self._hash.hexdigest()
        if not self._sink.reason:
            self._flush(self._messages)
            end = {"summary": summary, "sha256": digest, "messages": self._messages}
            self._writer.add_metadata(SUMMARY, {"json": msgspec.json.encode(end).decode()})
            self._writer.finish()
        self._sink.close()
        path = self.part
        if not self._sink.reason:
            try:
                path = self.part.replace(self.path)
            except OSError as error:
                self._sink.reason = f"cannot be renamed: {error.strerror or error}"
        return JournalDigest(
            path=str(path),
            sha256=digest,
            messages=self._messages,
            bytes=_size(path),
            lost=self.lost,
            reason=self.reason,
        )

    def _flush(self, messages: int) -> None:
        self._writer.flush()
        if not self._sink.reason:
            self._kept = messages

    def _open_all(self, header: bytes) -> None:
        """All channels in a small first chunk, so that damage further on leaves the rest readable.

        A chunk needs a message: the header, which viewers can then read, too.
        """
        for topic in TOPICS:
            schema = msgspec.json.encode(_schema_of(topic))
            number = self._writer.register_schema(topic.message.__name__, "jsonschema", schema)
            self._channels[topic.name] = self._writer.register_channel(
                topic.name, "msgpack", number
            )
        for channel in foxglove.CHANNELS:
            schema = foxglove.schema_text(channel)
            number = self._writer.register_schema(channel.schema, "jsonschema", schema)
            self._channels[channel.topic] = self._writer.register_channel(
                channel.topic, "json", number
            )
        about = self._writer.register_channel("view/header", "json", 0)
        self._writer.add_message(about, 0, header, 0)
        self._flush(0)

    def _put_view(self, channel: foxglove.Channel, stamp_ns: int, message: Any) -> None:
        data = self._encode_json(message)
        self._writer.add_message(self._channels[channel.topic], stamp_ns, data, stamp_ns)


def _schema_of(topic: Topic) -> dict[str, Any]:
    schema = msgspec.json.schema(topic.message)
    schema["description"] = topic.words
    return schema


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
