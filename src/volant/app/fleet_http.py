"""The client's side of HTTP/1.1 for very many small requests: a request as bytes, and answers out of a stream of bytes.

No sockets. What a server sends beyond these bounds, or what is no HTTP/1.1, is an InputError, and the connection is
closed. A body is kept up to `BODY_MOST_BYTES`; of a file the SHA-256 is told, or it goes on as it comes, where asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from volant.app.fleet_words import GOOD, UPTANE, Reply, Want
from volant.core.errors import InputError

HEAD_MOST_BYTES: Final = 16 * 1024
BODY_MOST_BYTES: Final = 256 * 1024
LENGTH_MOST: Final = 1 << 40
CHUNK_LINE_MOST: Final = 256
RETRY_MOST_S: Final = 3600.0
"""No server sends a car away for longer."""
EMPTY: Final = frozenset({204, 304})
PARTIAL: Final = 206
_END: Final = b"\r\n\r\n"
_LINE: Final = b"\r\n"


def request_bytes(want: Want, host: str, token: str) -> bytes:
    """A request as it goes out."""
    head = f"{want.method} {want.path} HTTP/1.1\r\nHost: {host}\r\n"
    if want.kind not in UPTANE:
        head += f"Authorization: TargetToken {token}\r\n"
    if want.method in {"POST", "PUT"}:
        kind = f"Content-Type: application/json\r\nContent-Length: {len(want.body)}\r\n"
        return f"{head}{kind}\r\n".encode() + want.body
    if want.offset:
        head += f"Range: bytes={want.offset}-\r\n"
    return f"{head}Accept: application/hal+json\r\n\r\n".encode()


@dataclass(slots=True)
class Answers:
    """Takes the answer to one request after the other out of what a connection brings."""

    hashes: bool = False
    """The next answer is a file."""
    sink: Callable[[bytes], object] | None = None
    """Takes the body of the next answer as it comes, if it is a good one."""
    offset: int = 0
    """From which byte on that was asked for."""
    closes: bool = False
    """The server closes the connection after the last answer."""
    _bytes: bytearray = field(default_factory=bytearray)
    _status: int = 0
    """Of the answer whose body comes now; 0: a head is awaited."""
    _left: int = 0
    """Bytes of the body, or of the present chunk, that are still to come."""
    _chunked: bool = False
    _until_end: bool = False
    _retry_s: float | None = None
    _body: bytearray = field(default_factory=bytearray)
    _hash: hashlib._Hash | None = None

    @property
    def clean(self) -> bool:
        """Nothing has come that belongs to no answer, or only to a part of one."""
        return not self._bytes and not self._status

    def feed(self, data: bytes) -> Reply | None:
        """Bytes came; the answer, once it is whole.

        Raises:
            InputError: they are no answer.
        """
        self._bytes += data
        while not self._status:
            if not self._take_head():
                return None
        return self._take_body()

    def end(self) -> Reply | None:
        """The connection ended; an answer that ends with it, or none."""
        if self._status and self._until_end:
            return self._whole()
        return None

    def _take_head(self) -> bool:
        ends = self._bytes.find(_END, 0, HEAD_MOST_BYTES)
        if ends < 0:
            if len(self._bytes) >= HEAD_MOST_BYTES:
                raise InputError(f"no end of a head within {HEAD_MOST_BYTES} bytes")
            return False
        first, *lines = bytes(self._bytes[:ends]).split(_LINE)
        del self._bytes[: ends + len(_END)]
        status = _status(first)
        if status < 200:
            return bool(self._bytes)  # a word in between; the answer is to come
        self._begin(status, _headers(lines))
        return True

    def _begin(self, status: int, headers: dict[bytes, bytes]) -> None:
        self._status, self._retry_s = status, _retry_s(headers.get(b"retry-after", b""))
        self.closes = headers.get(b"connection", b"").lower() == b"close"
        self._chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
        length = headers.get(b"content-length")
        self._until_end = not self._chunked and length is None and status not in EMPTY
        self.closes = self.closes or self._until_end
        self._left = 0 if self._chunked or status in EMPTY else _length(length)
        self._chunked = self._chunked and status not in EMPTY
        self._body.clear()
        self._hash = hashlib.sha256() if self.hashes else None

    def _take_body(self) -> Reply | None:
        while True:
            part = self._bytes if self._until_end else self._bytes[: self._left]
            if part:
                self._left -= 0 if self._until_end else len(part)
                self._keep(part)
                del self._bytes[: len(part)]
            if self._until_end or self._left:
                return None
            if not self._chunked:
                return self._whole()
            size = self._take_chunk_size()
            if size is None:
                return None
            if not size:
                return self._whole()
            self._left = size

    def _take_chunk_size(self) -> int | None:
        """The line before a chunk, with the end of the one before; 0: that was the last; None: not here yet."""
        begins = 2 if self._bytes.startswith(_LINE) else 0
        ends = self._bytes.find(_LINE, begins, begins + CHUNK_LINE_MOST)
        if ends < 0:
            if len(self._bytes) >= begins + CHUNK_LINE_MOST:
                raise InputError("no size of a chunk")
            return None
        size = _hex(bytes(self._bytes[begins:ends].partition(b";")[0]))
        line = _LINE if size else _END
        if len(self._bytes) < ends + len(line):
            return None
        if not self._bytes.startswith(line, ends):
            raise InputError("a trailer, which no server of this API sends")
        del self._bytes[: ends + len(line)]
        return size

    def _keep(self, data: bytearray) -> None:
        if self._hash is not None:
            self._hash.update(data)
        elif self.sink is not None and self._status in GOOD:
            if self.offset and self._status != PARTIAL:
                raise InputError(
                    f"status {self._status} where bytes from {self.offset} on were asked for"
                )
            self.sink(bytes(data))
        elif len(self._body) + len(data) > BODY_MOST_BYTES:
            raise InputError(f"a body of more than {BODY_MOST_BYTES} bytes")
        else:
            self._body += data

    def _whole(self) -> Reply:
        digest = "" if self._hash is None else self._hash.hexdigest()
        found = Reply(self._status, bytes(self._body), self._retry_s, digest)
        self._status, self._until_end = 0, False
        return found


def _status(line: bytes) -> int:
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3:
        raise InputError(f"no answer of HTTP/1.1: {line[:40]!r}")
    if not parts[1].isdigit() or parts[1] < b"100":
        raise InputError(f"no status: {line[:40]!r}")
    return int(parts[1])


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, text = line.partition(b":")
        if not colon or not name:
            raise InputError(f"no header: {line[:40]!r}")
        name = name.lower()
        if name == b"content-length" and found.get(name, text.strip()) != text.strip():
            raise InputError("two lengths of one body")
        found[name] = text.strip()
    return found


def _length(text: bytes | None) -> int:
    if text is None:
        return 0
    if not text.isdigit() or len(text) > 15 or int(text) > LENGTH_MOST:
        raise InputError(f"no length of a body: {text[:40]!r}")
    return int(text)


def _hex(text: bytes) -> int:
    text = text.strip()
    if not text or len(text) > 10 or text.strip(b"0123456789abcdefABCDEF"):
        raise InputError(f"no size of a chunk: {text[:40]!r}")
    return int(text, 16)


def _retry_s(text: bytes) -> float | None:
    """Seconds of `Retry-After`; as a date it is not read."""
    if not text.isdigit() or len(text) > 9:
        return None
    return min(float(text), RETRY_MOST_S)
