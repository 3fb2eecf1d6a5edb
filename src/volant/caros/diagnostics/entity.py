"""Sockets of a DoIP entity: TCP for diagnostics and UDP for discovery, in one thread with one selector.

Testers may open, stall and vanish as they like: connections are counted, what they have not read is bounded,
and while it waits nothing more is read from them.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Mapping
from typing import Final

from volant.caros.diagnostics.gateway import DoipSettings, Gateway
from volant.caros.diagnostics.service import Service
from volant.caros.diagnostics.unit import Unit
from volant.core.errors import LinkError
from volant.wire import doip

_log = logging.getLogger(__name__)
RECEIVE: Final = 1 << 16
UNREAD_MAX: Final = 1 << 18
"""A tester that leaves more than this unread is no longer read from until it has caught up."""
UNREAD_END: Final = 1 << 22
"""A tester that asks for so much more without reading is let go at once."""
STALL_S: Final = 5.0
"""A tester that has taken nothing for this long while bytes wait is let go."""
FAREWELL_S: Final = 1.0
"""A tester that was told why it is let go has this long to read it; what it sends is thrown away."""
SPARE: Final = 4
"""Connections beyond those of testers, for activations that are still being judged."""
ANNOUNCEMENTS: Final = 3
"""A_DoIP_Announce_Num, and A_DoIP_Announce_Interval below (ISO 13400-2, table 14)."""
ANNOUNCE_S: Final = 0.5
BUSY_S: Final = 0.005
IDLE_S: Final = 0.1
_TCP: Final = -1
_UDP: Final = -2


class _Connection:
    __slots__ = ("closing", "moved_s", "socket", "waits")

    def __init__(self, connected: socket.socket, now_s: float) -> None:
        self.socket = connected
        self.waits = bytearray()
        self.closing = False
        self.moved_s = now_s


class DoipEntity(Service):
    """A DoIP entity on this machine; use it as a context manager or call `start` and `close`.

    Args:
        units: control units by logical address.
        settings: facts and limits.
        host: address to listen on; loopback unless told otherwise.
        port: TCP port; 0 takes a free one.
        udp_port: port of discovery; None takes the same as TCP, and does without where it is taken.
        announce_to: where the car announces itself when it starts to serve, such as
            ("255.255.255.255", 13400); None: nowhere.
        listener: a TCP socket that listens already, instead of host and port; it is closed with the entity.

    Raises:
        LinkError: the TCP port cannot be had.
    """

    thread_name = "doip"

    def __init__(
        self,
        units: Mapping[int, Unit],
        settings: DoipSettings,
        *,
        host: str = "127.0.0.1",
        port: int = doip.PORT,
        udp_port: int | None = None,
        announce_to: tuple[str, int] | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        super().__init__()
        try:
            self._tcp = listener or socket.create_server((host, port), backlog=64)
        except OSError as error:
            raise LinkError(f"DoIP cannot listen on {host}:{port}: {error}") from error
        self._gateway = Gateway(settings, units, self)
        self._announce_to = announce_to
        self._announced = 0
        self._announce_s = 0.0
        self._max = settings.max_sockets + SPARE
        self._connections: dict[int, _Connection] = {}
        self._next = 1
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self.port: int = self._tcp.getsockname()[1]
        """TCP port in use."""
        self._udp = _discovery(host, self.port if udp_port is None else udp_port)
        self.udp_port: int | None = None if self._udp is None else self._udp.getsockname()[1]
        """Port of discovery in use; None: there is no discovery."""
        for listens, number in ((self._tcp, _TCP), (self._udp, _UDP), (self._wake, 0)):
            if listens is not None:
                listens.setblocking(False)
                self._selector.register(listens, selectors.EVENT_READ, number)

    def close(self) -> None:
        """Stop serving and close all sockets."""
        super().close()
        for connection in self._connections.values():
            connection.socket.close()
        for one in (self._tcp, self._udp, self._wake, self._waker):
            if one is not None:
                one.close()
        self._selector.close()

    def _wake_up(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def run(self) -> None:
        """Serve until `close` is called."""
        polled_s = 0.0
        while not self._stopped:
            wait_s = BUSY_S if self._gateway.working else IDLE_S
            for key, events in self._selector.select(wait_s):
                if key.data > 0:
                    self._serve(key.data, events)
                elif key.data == _TCP:
                    self._take()
                elif key.data == _UDP:
                    self._discover()
            now_s = time.monotonic()
            if now_s - polled_s >= wait_s / 2:
                polled_s = now_s
                self._gateway.poll(time.monotonic_ns())
                self._drop_stalled(now_s)
                self._announce(now_s)

    def _announce(self, now_s: float) -> None:
        """Tell the network that the car is here."""
        if self._udp is None or self._announce_to is None:
            return
        if self._announced < ANNOUNCEMENTS and now_s >= self._announce_s:
            self._announced += 1
            self._announce_s = now_s + ANNOUNCE_S
            with contextlib.suppress(OSError):
                self._udp.sendto(self._gateway.announcement(), self._announce_to)

    def send(self, number: int, data: bytes) -> None:
        """Send or keep for later, in order."""
        connection = self._connections.get(number)
        if connection is None:
            return
        if not connection.waits:
            try:
                sent = connection.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._forget(number)
                return
            if sent == len(data):
                return
            data = data[sent:]
            connection.moved_s = time.monotonic()
        connection.waits += data
        if len(connection.waits) > UNREAD_END:
            self._forget(number)
        else:
            self._watch(number, connection)

    def drop(self, number: int) -> None:
        """End a connection; what was sent before still leaves, and a reset would eat it."""
        connection = self._connections.get(number)
        if connection is None or connection.closing:
            return
        connection.closing = True
        connection.moved_s = time.monotonic()
        if not connection.waits:
            self._end_writing(number, connection)

    def _end_writing(self, number: int, connection: _Connection) -> None:
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(number)

    def _watch(self, number: int, connection: _Connection) -> None:
        events = selectors.EVENT_WRITE if connection.waits else 0
        if connection.closing or len(connection.waits) <= UNREAD_MAX:
            events |= selectors.EVENT_READ
        self._selector.modify(connection.socket, events, number)

    def _take(self) -> None:
        try:
            connected, _ = self._tcp.accept()
        except OSError:
            return
        if len(self._connections) >= self._max and not self._make_room():
            connected.close()
            return
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number, self._next = self._next, self._next + 1
        self._connections[number] = _Connection(connected, time.monotonic())
        self._selector.register(connected, selectors.EVENT_READ, number)
        self._gateway.opened(number, time.monotonic_ns())

    def _make_room(self) -> bool:
        """Let the longest go that is not a tester's (or not any more), so that a crowd keeps nobody out."""
        for number, connection in self._connections.items():
            if connection.closing or not self._gateway.is_activated(number):
                self._forget(number)
                return True
        return False

    def _serve(self, number: int, events: int) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        if events & selectors.EVENT_WRITE:
            self._flush(number, connection)
        if not events & selectors.EVENT_READ or number not in self._connections:
            return
        try:
            data = connection.socket.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and connection.closing:
            return
        if data:
            self._gateway.received(number, data, time.monotonic_ns())
        else:
            self._forget(number)

    def _flush(self, number: int, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.waits)
        except BlockingIOError:
            return
        except OSError:
            self._forget(number)
            return
        del connection.waits[:sent]
        connection.moved_s = time.monotonic()
        self._watch(number, connection)
        if connection.closing and not connection.waits:
            self._end_writing(number, connection)

    def _forget(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        self._gateway.closed(number)
        if connection is not None:
            self._selector.unregister(connection.socket)
            connection.socket.close()

    def _drop_stalled(self, now_s: float) -> None:
        for number, connection in list(self._connections.items()):
            rests_s = now_s - connection.moved_s
            if connection.waits and rests_s >= STALL_S:
                _log.warning("doip_tester_stalled bytes=%d", len(connection.waits))
                self._forget(number)
            elif connection.closing and rests_s >= FAREWELL_S:
                self._forget(number)

    def _discover(self) -> None:
        assert self._udp is not None
        try:
            data, sender = self._udp.recvfrom(RECEIVE)
            answer = self._gateway.datagram(data)
            if answer is not None:
                self._udp.sendto(answer, sender)
        except OSError:
            return


def _discovery(host: str, port: int) -> socket.socket | None:
    """The UDP socket of discovery, also for broadcasts; None where the port is taken."""
    listens = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listens.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        listens.bind((host, port))
    except OSError as error:
        _log.warning("doip_discovery_off port=%d why=%s", port, error)
        listens.close()
        return None
    return listens
