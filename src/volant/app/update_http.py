"""Feeds a check or an image of `trust.uptane` from an HTTP server: ranges, ticks, no redirects, no cookies.

Everything that a server can do wrong becomes an event that the check judges: this file decides nothing. What the
check's own storage does wrong (a full disk) is no event of the network: it goes to the caller as it is.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

import h11

from volant.core.errors import InputError, LinkError
from volant.trust.uptane import Fetch

CHUNK_BYTES: Final = 64 * 1024
TICK_S: Final = 0.5
"""With the window of `Limits` silence is noticed within 9.5 s."""
CONNECT_S: Final = 3.0
"""For one address, and again for the handshake; three such in silence are noticed within 10 s."""
HEADER_MOST_BYTES: Final = 16 * 1024
PORTS: Final = {"http": 80, "https": 443}
ABSENT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
"""403: some file stores say so of what is not there."""

UrlOf: TypeAlias = Callable[[Fetch], str]


class Fed(Protocol):
    """A `Session` or an `ImageLoad`."""

    @property
    def wants(self) -> Fetch | None:
        """What is fetched now."""

    @property
    def offset(self) -> int:
        """From which byte on."""

    def feed(self, chunk: bytes, now_ns: int) -> None:
        """Bytes came."""

    def again(self, count: int, now_ns: int) -> None:
        """Bytes came that are here already."""

    def end(self, now_ns: int) -> None:
        """The server ended."""

    def missing(self, now_ns: int) -> None:
        """There is no such file."""

    def broken(self, now_ns: int, why: str = "") -> None:
        """The connection broke off."""

    def tick(self, now_ns: int) -> None:
        """Time went by."""


def urls_of(metadata: Mapping[str, str], images: str) -> UrlOf:
    """Where files lie.

    Args:
        metadata: folder of metadata, by repository.
        images: folder of images.
    """

    def url_of(fetch: Fetch) -> str:
        if fetch.role == "image":
            return f"{images.rstrip('/')}/{quote(fetch.name)}"
        return f"{metadata[fetch.repository].rstrip('/')}/{quote(fetch.name, safe='')}"

    return url_of


def feed(fed: Fed, url_of: UrlOf) -> None:
    """Fetch what is wanted until nothing is; the caller asks `fed` what came of it.

    Raises:
        InputError: an address is none.
        OSError: what was fetched could not be stored.
    """
    while (fetch := fed.wants) is not None:
        began = fed.offset
        _one(fed, fetch, url_of(fetch))
        if fed.wants is fetch and fed.offset == began:
            time.sleep(0.05)  # a server that answers nothing is not asked in a tight loop


def _one(fed: Fed, fetch: Fetch, url: str) -> None:
    """One request. Header, body and silence all go by the same clock: a trickle of headers is a trickle."""
    parts = _parts(url)
    try:
        with connect(parts, lambda: _still(fed, fetch)) as link:
            talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_MOST_BYTES)
            _send(link, talk, parts, fed.offset)
            _take(fed, fetch, link, talk)
    except (LinkError, h11.RemoteProtocolError) as error:
        if fed.wants is fetch:
            fed.broken(time.monotonic_ns(), str(error))


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in PORTS and parts.hostname and parts.port != 0
        str(parts.hostname).encode("idna")
    except ValueError as error:
        raise InputError(f"{url!r} is no HTTP address: {error}") from error
    if not good:
        raise InputError(f"{url!r} is no HTTP address")
    return parts


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """What the network does wrong, told from what a full disk does."""
    try:
        yield
    except OSError as error:
        raise LinkError(str(error) or type(error).__name__) from error


def _still(fed: Fed, fetch: Fetch) -> bool:
    """Whether a file is wanted even now."""
    fed.tick(time.monotonic_ns())
    return fed.wants is fetch


def connect(parts: SplitResult, waits: Callable[[], bool]) -> socket.socket:
    """A connection to the first address that answers; reading from it ends each `TICK_S`.

    Args:
        parts: of an address.
        waits: asked before each address of the name; false: nobody waits any more.

    Raises:
        LinkError: there is none.
    """
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    with _network():
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    fault = LinkError(f"{host} does not answer")
    for *_, place in places:
        if not waits():
            break
        try:
            with _network():
                return _open(host, (str(place[0]), port), parts.scheme == "https")
        except LinkError as error:
            fault = error
    raise fault


def _open(host: str, place: tuple[str, int], is_secret: bool) -> socket.socket:
    link = socket.create_connection(place, timeout=CONNECT_S)
    try:
        if is_secret:
            link = ssl.create_default_context().wrap_socket(link, server_hostname=host)
        link.settimeout(TICK_S)
    except OSError:
        link.close()
        raise
    return link


def _send(link: socket.socket, talk: h11.Connection, parts: SplitResult, offset: int) -> None:
    headers = [
        ("Host", parts.netloc.rpartition("@")[2]), ("User-Agent", "volant"),
        ("Accept-Encoding", "identity"), ("Connection", "close"),
    ]  # fmt: skip
    if offset:
        headers.append(("Range", f"bytes={offset}-"))
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = h11.Request(method="GET", target=target, headers=headers)
    with _network():
        link.sendall((talk.send(request) or b"") + (talk.send(h11.EndOfMessage()) or b""))


def _take(fed: Fed, fetch: Fetch, link: socket.socket, talk: h11.Connection) -> None:
    skip = 0
    while fed.wants is fetch:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            # Bytes that are no body yet, or none at all, are time that goes by.
            fed.tick(time.monotonic_ns())
            with _network(), contextlib.suppress(TimeoutError):
                talk.receive_data(link.recv(CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            if event.status_code in ABSENT:
                fed.missing(time.monotonic_ns())
            else:
                skip = _begins_before(event, fed.offset)
        elif isinstance(event, h11.Data):
            fresh, old = bytes(event.data)[skip:], min(skip, len(event.data))
            skip -= old
            if old:
                fed.again(old, time.monotonic_ns())
            if fresh:
                fed.feed(fresh, time.monotonic_ns())
        elif isinstance(event, h11.EndOfMessage):
            fed.end(time.monotonic_ns())
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise LinkError("the server ended without an answer")


def _begins_before(answer: h11.Response, offset: int) -> int:
    """How many bytes come that are here already: all, from a server that knows no ranges.

    Raises:
        LinkError: it answers something else, or a part that was not asked for.
    """
    if answer.status_code == HTTPStatus.OK:
        return offset
    if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
        raise LinkError(f"the server answers {answer.status_code}")
    span = dict(answer.headers).get(b"content-range", b"")
    if not span.startswith(b"bytes %d-" % offset):
        raise LinkError(f"asked for bytes from {offset} on, the server gives {span[:40]!r}")
    return 0
