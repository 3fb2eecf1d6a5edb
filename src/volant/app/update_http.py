"""Feeds a check or an image of `trust.uptane` from an HTTP server: ranges, ticks, no redirects, no cookies.

Everything that a server can do wrong becomes an event that the check judges: this file decides nothing.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

import h11

from volant.core.errors import InputError
from volant.trust.uptane import Fetch

CHUNK_BYTES: Final = 64 * 1024
TICK_S: Final = 1.0
CONNECT_S: Final = 5.0
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

    def end(self, now_ns: int) -> None:
        """The server ended."""

    def missing(self, now_ns: int) -> None:
        """There is no such file."""

    def broken(self, now_ns: int) -> None:
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
    """Fetch what is wanted until nothing is; the caller asks `fed` what came of it."""
    while (fetch := fed.wants) is not None:
        began = fed.offset
        _one(fed, fetch, url_of(fetch))
        if fed.wants is fetch and fed.offset == began:
            time.sleep(0.05)  # a server that answers nothing is not asked in a tight loop


def _one(fed: Fed, fetch: Fetch, url: str) -> None:
    """One request. Header, body and silence all go by the same clock: a trickle of headers is a trickle."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or parts.hostname is None:
        raise InputError(f"{url!r} is no HTTP address")
    try:
        with connect(parts) as link:
            talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_MOST_BYTES)
            _send(link, talk, parts, fed.offset)
            _take(fed, fetch, link, talk)
    except (OSError, h11.RemoteProtocolError):
        if fed.wants is fetch:
            fed.broken(time.monotonic_ns())


def connect(parts: SplitResult) -> socket.socket:
    """A connection to where an address says; waiting on it ends each `TICK_S`."""
    place = (str(parts.hostname), parts.port or PORTS[parts.scheme])
    link = socket.create_connection(place, timeout=CONNECT_S)
    if parts.scheme == "https":
        link = ssl.create_default_context().wrap_socket(link, server_hostname=parts.hostname)
    link.settimeout(TICK_S)
    return link


def _send(link: socket.socket, talk: h11.Connection, parts: SplitResult, offset: int) -> None:
    headers = [("Host", parts.netloc), ("User-Agent", "volant"), ("Connection", "close")]
    if offset:
        headers.append(("Range", f"bytes={offset}-"))
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    request = h11.Request(method="GET", target=target, headers=headers)
    link.sendall((talk.send(request) or b"") + (talk.send(h11.EndOfMessage()) or b""))


def _take(fed: Fed, fetch: Fetch, link: socket.socket, talk: h11.Connection) -> None:
    skip = 0
    while fed.wants is fetch:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            # Bytes that are no body yet, or none at all, are time that goes by.
            fed.tick(time.monotonic_ns())
            with contextlib.suppress(TimeoutError):
                talk.receive_data(link.recv(CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            if event.status_code in ABSENT:
                fed.missing(time.monotonic_ns())
            elif event.status_code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
                fed.broken(time.monotonic_ns())
                return
            # A server that knows no ranges begins at the start.
            skip = fed.offset if event.status_code == HTTPStatus.OK else 0
        elif isinstance(event, h11.Data):
            fresh, skip = bytes(event.data)[skip:], max(0, skip - len(event.data))
            fed.feed(fresh, time.monotonic_ns())
        elif isinstance(event, h11.EndOfMessage):
            fed.end(time.monotonic_ns())
            return
        elif not isinstance(event, h11.InformationalResponse):
            fed.broken(time.monotonic_ns())
            return
