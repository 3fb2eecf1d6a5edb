"""Applies a delta as its bytes come: a step machine that holds one segment and gives out verified bytes only.

It opens nothing: it is fed with bytes of the container in pieces of any size and reads the source through a
function. After a cut it goes on from the segment that was not finished, given the header that was kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from volant.core.errors import InputError, RefusedError, TrustError, VolantError
from volant.trust.delta.codecs import CHUNK_BYTES, Located, Read, decode_diff, decode_zstd
from volant.trust.delta.container import (
    PREAMBLE_BYTES,
    Codec,
    Header,
    Segment,
    header_lengths,
    read_header,
)

ZERO_CHUNK_BYTES: Final = CHUNK_BYTES


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished segment of the new image; written before the next one is asked for."""

    index: int
    offset: int
    data: bytes | bytearray


class Applying:
    """One delta under way.

    `old` reads the old image, `new` what was written of the new one. Only whole segments are believed, so
    `resume_at` and the header's bytes are all that has to be kept.
    """

    def __init__(
        self,
        old: Read,
        new: Read,
        *,
        header_sha256: bytes | None = None,
        header: Header | None = None,
        segments_done: int = 0,
    ) -> None:
        if header is None and segments_done:
            raise ValueError("segments can only be done with a header")
        self._old, self._new = old, new
        self._expected = header_sha256
        self._held = bytearray()
        self._broken = False
        self.header: Header | None = None
        self.segments_done = segments_done
        if header is not None:
            if not 0 <= segments_done <= len(header.segments):
                raise ValueError(f"{segments_done} segments done of {len(header.segments)}")
            self._believe(header)

    @property
    def resume_at(self) -> int:
        """The container's byte to go on from after a cut."""
        return self.header.payload_offsets[self.segments_done] if self.header else 0

    @property
    def wanted_at(self) -> int:
        """The container's byte that is to be fed next."""
        return self.resume_at + len(self._held)

    @property
    def done(self) -> bool:
        """Every segment has been given out."""
        return self.header is not None and self.segments_done == len(self.header.segments)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Take bytes, at `wanted_at`, and give the segments that they finish; run it to its end.

        Raises:
            InputError: the container breaks a rule, or goes on after its end.
            TrustError: the header or a payload is not the one that was signed.
            RefusedError: the old image is not the one that the delta was made from.
        """
        if self._broken:
            raise RuntimeError("a broken delta takes no more bytes")
        # Whatever ends this early leaves it broken: what was fed and not used is lost.
        self._broken = True
        view = memoryview(data)
        while True:
            view = self._take(view)
            if self.header is None:
                break
            if self.done:
                if view:
                    raise InputError(f"goes on after its {self.wanted_at} bytes", where="delta")
                break
            segment = self.header.segments[self.segments_done]
            if len(self._held) < segment.stored_bytes:
                break
            yield self._finish(self.header, segment)
            self.segments_done += 1
            self._held = bytearray()
        self._broken = False

    def end(self) -> None:
        """There are no more bytes.

        Raises:
            InputError: segments are missing.
        """
        if not self.done:
            raise InputError(f"ends after {self.wanted_at} bytes, too early", where="delta")

    def _take(self, view: memoryview) -> memoryview:
        """Hold what the next step needs; the rest."""
        if self.header is None:
            view = self._hold(view, PREAMBLE_BYTES)
            if len(self._held) < PREAMBLE_BYTES:
                return view
            packed, _ = header_lengths(bytes(self._held[:PREAMBLE_BYTES]))
            view = self._hold(view, PREAMBLE_BYTES + packed)
            if len(self._held) < PREAMBLE_BYTES + packed:
                return view
            self._believe_bytes(bytes(self._held))
        assert self.header is not None
        if self.done:
            return view
        return self._hold(view, self.header.segments[self.segments_done].stored_bytes)

    def _hold(self, view: memoryview, size: int) -> memoryview:
        lacking = max(0, size - len(self._held))
        self._held += view[:lacking]
        return view[lacking:]

    def _believe_bytes(self, data: bytes) -> None:
        if self._expected is not None and hashlib.sha256(data).digest() != self._expected:
            raise TrustError("the header of the delta is not the one that was signed")
        self._believe(read_header(data))
        self._held = bytearray()

    def _believe(self, header: Header) -> None:
        if self._expected is not None and header.sha256 != self._expected:
            raise TrustError("the header of the delta is not the one that was signed")
        self.header = header

    def _finish(self, header: Header, segment: Segment) -> Piece:
        place = f"segment {self.segments_done} of the delta"
        payload, self._held = bytes(self._held), bytearray()
        if segment.stored_sha256 and hashlib.sha256(payload).digest() != segment.stored_sha256:
            raise TrustError(f"{place}: its payload has another hash than the header says")
        try:
            data = self._decode(header, segment, payload)
        except InputError as error:
            raise InputError(error.message, where=place) from error
        except RefusedError as error:
            raise RefusedError(f"{place}: {error}") from error
        if segment.target_sha256 and hashlib.sha256(data).digest() != segment.target_sha256:
            raise InputError("makes bytes of another hash than the header says", where=place)
        return Piece(self.segments_done, header.target_offset(self.segments_done), data)

    def _decode(self, header: Header, segment: Segment, payload: bytes) -> bytes | bytearray:
        if segment.codec is Codec.ZERO:
            return bytes(segment.target_bytes)
        if segment.codec is Codec.RAW:
            return payload

        def read(offset: int, length: int) -> bytes:
            return self._read(header, offset, length)

        if segment.codec is Codec.COPY:
            data = b"".join(read(*at) for at in _pieces(segment))
            if hashlib.sha256(data).digest() != segment.source_sha256:
                raise _other_source()
            return data
        digest = hashlib.sha256()
        for at in _pieces(segment):
            digest.update(read(*at))
        if digest.digest() != segment.source_sha256:
            raise _other_source()
        decode = decode_diff if segment.codec is Codec.DIFF else decode_zstd
        return decode(payload, segment, read)

    def _read(self, header: Header, offset: int, length: int) -> bytes:
        """Bytes of the old image, and of the new one behind it."""
        inside = max(0, min(length, header.source_bytes - offset))
        data = self._old(offset, inside) if inside else b""
        if inside < length:
            data += self._new(offset + inside - header.source_bytes, length - inside)
        if len(data) != length:
            raise RefusedError(f"the installed image ends before byte {offset + length}")
        return data


def _pieces(segment: Segment) -> Iterator[tuple[int, int]]:
    return Located(segment.ranges).pieces(0, sum(one.length for one in segment.ranges))


def _other_source() -> VolantError:
    return RefusedError("the installed image is not the one that the delta was made from")


def apply_delta(old: bytes, delta: bytes) -> bytes:
    """The new image, all in memory.

    Raises:
        InputError, TrustError, RefusedError: as `Applying.feed` and `Applying.end`; also an InputError if
            the whole has another hash than the header says.
    """
    new = bytearray()
    applying = Applying(
        lambda at, length: old[at : at + length], lambda at, length: bytes(new[at : at + length])
    )
    for piece in applying.feed(delta):
        new += piece.data
    applying.end()
    header = applying.header
    assert header is not None
    if hashlib.sha256(new).digest() != header.target_sha256:
        raise InputError("the image made has another hash than the header says", where="delta")
    return bytes(new)
