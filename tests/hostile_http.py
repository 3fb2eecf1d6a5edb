"""A web server that answers as a test wants it, byte for byte, and the answers that no honest server gives."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

Answer = Callable[[socket.socket, str, dict[str, str]], None]
"""Given the line, the path and the headers of the request."""
TLS = b"\x16"
"""How a client begins that wants the line to be secret."""


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """One request a connection; the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(link: socket.socket) -> None:
        with link:
            try:
                text = b""
                while b"\r\n\r\n" not in text and text[:1] != TLS:
                    part = link.recv(4096)
                    if not part:
                        return
                    text += part
                lines = text.decode(errors="replace").split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                path = "" if text[:1] == TLS else unquote(lines[0].split(" ")[1])
                answer(link, path, headers)
            except OSError:
                return

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def begin_of(headers: dict[str, str]) -> int:
    """From which byte on the client asks."""
    return int(headers.get("range", headers.get("Range", "bytes=0-"))[6:-1])


def part_of(data: bytes, begin: int) -> bytes:
    """An honest answer to a request from a byte on."""
    body = data[begin:]
    head = b"HTTP/1.1 200 OK\r\n"
    if begin:
        span = b"%d-%d/%d" % (begin, len(data) - 1, len(data))
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %b\r\n" % span
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def once(reply: bytes) -> Answer:
    """These bytes, and the end of the connection."""

    def answer(link: socket.socket, _path: str, _headers: dict[str, str]) -> None:
        link.sendall(reply)

    return answer


def for_ever(head: bytes, piece: bytes, pause_s: float = 0.0) -> Answer:
    """A piece after the other, until the client goes."""

    def answer(link: socket.socket, _path: str, _headers: dict[str, str]) -> None:
        link.sendall(head)
        while True:
            link.sendall(piece)
            time.sleep(pause_s)

    return answer


def silence(head: bytes = b"") -> Answer:
    """Some bytes, and no more, on an open line."""

    def answer(link: socket.socket, _path: str, _headers: dict[str, str]) -> None:
        link.sendall(head)
        link.recv(1)

    return answer


def reset(head: bytes = b"") -> Answer:
    """Some bytes, and a reset instead of an end."""

    def answer(link: socket.socket, _path: str, _headers: dict[str, str]) -> None:
        link.sendall(head)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(20_000_000))

NO_ANSWERS: dict[str, Answer] = {
    "nothing": once(b""),
    "rubbish": once(b"rubbish\r\n\r\n"),
    "a handshake of TLS": once(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a reset at once": reset(),
    "a reset in the header": reset(OK + b"Content-Le"),
    "a reset in the body": reset(OK + b"Content-Length: 100\r\n\r\nx"),
    "elsewhere, 302": once(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"),
    "elsewhere, 308": once(b"HTTP/1.1 308 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"),
    "a fault": once(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
    "no content": once(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "another range": once(
        b"HTTP/1.1 206 Part\r\nContent-Range: bytes 7-8/9\r\nContent-Length: 2\r\n\r\nxy"
    ),
    "a range without its place": once(b"HTTP/1.1 206 Part\r\nContent-Length: 2\r\n\r\nxy"),
    "several ranges": once(
        b"HTTP/1.1 206 Part\r\nContent-Type: multipart/byteranges; boundary=x\r\n"
        b"Content-Length: 5\r\n\r\n--x\r\n"
    ),
    "no such range": once(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"),
    "cut off": once(OK + b"Content-Length: 100\r\n\r\nx"),
    "a chunk cut off": once(CHUNKED + b"64\r\nxx"),
    "no length of a chunk": once(CHUNKED + b"many\r\nxx"),
    "a length of a chunk without end": for_ever(CHUNKED, b"0" * 4096),
    "header lines without end": for_ever(OK, b"X: y\r\n" * 1000),
    "one header line without end": for_ever(OK + b"X: ", b"y" * 4096),
    "two lengths": once(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
    "a length below zero": once(OK + b"Content-Length: -1\r\n\r\nxx"),
    "another coding of the transfer": once(OK + b"Transfer-Encoding: gzip\r\n\r\nxx"),
    "another protocol": once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
}
"""What is no answer, told at once."""

FLOODS: dict[str, Answer] = {
    "a body without end": for_ever(OK + b"\r\n", b"x" * 65536),
    "chunks without end": for_ever(CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n"),
    "a length beyond all": for_ever(OK + b"Content-Length: %d\r\n\r\n" % 2**62, b"x" * 65536),
    "a body that would unpack to much": for_ever(
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(BOMB) * 1000), BOMB
    ),
}
"""More than is wanted."""

TRICKLES: dict[str, Answer] = {
    "silence": silence(),
    "silence in the header": silence(OK),
    "silence in the body": silence(OK + b"Content-Length: 100\r\n\r\nx"),
    "a trickle of header lines": for_ever(OK, b"X: y\r\n", 0.02),
    "a trickle of bytes": for_ever(OK + b"\r\n", b"x", 0.02),
    "a trickle of chunks": for_ever(CHUNKED, b"1;some=words\r\nx\r\n", 0.02),
    "answers that come later": for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02),
}
"""Too little, for ever."""
