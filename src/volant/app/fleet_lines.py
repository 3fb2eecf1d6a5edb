"""Open lines of simulated cars, on which the server calls them: WebSockets over the drive's own selector.

The same words as a real car's line (`updates_wake`), for very many: no thread each. They are opened a few at a time, and
after a break later and later, by chance, so that all cars do not come back at once.
"""

from __future__ import annotations

import contextlib
import heapq
import selectors
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from volant.app.updates_wake import AGAIN_MOST_S, AGAIN_S, COME, MESSAGE_MOST, wake_url
from volant.core.chance import Chance

OPENED_PER_S: Final = 200.0
"""Lines that are opened in a second; a choice of ours."""
BURST: Final = 20.0
READ_BYTES: Final = 4096
OPEN_MOST_S: Final = 10.0
_COME: Final = COME.encode()


@dataclass(slots=True, eq=False)
class Line:
    """One of them, on its way or open."""

    place: int
    talk: ClientProtocol
    sock: socket.socket
    begun_s: float
    out: bytearray = field(default_factory=bytearray)


class Lines:
    """All lines."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        address: tuple[str, int],
        called: Callable[[int], None],
        chance: Chance,
    ) -> None:
        """Nothing is opened yet.

        Args:
            selector: hands its events to `ready`, with the line as data.
            address: host and port of the cars' door.
            called: told the place of a car that the server calls.
            chance: of pauses.
        """
        self._selector, self._address, self._called, self._chance = (
            selector, address, called, chance,
        )  # fmt: skip
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self._source = f"http://{host}:{address[1]}"
        self._who: dict[int, tuple[str, str]] = {}
        self._vain: dict[int, int] = {}
        self._todo: deque[int] = deque()
        self._later: list[tuple[float, int]] = []
        self._lines: set[Line] = set()
        self._room, self._turned_s, self._draws, self._swept_s = 0.0, 0.0, 0, 0.0
        self.calls = 0
        """Calls that were heard."""

    @property
    def up(self) -> int:
        """Lines that are open."""
        return sum(one.talk.state is State.OPEN for one in self._lines)

    def keep(self, place: int, car_id: str, token: str) -> None:
        """Keep a line for a car from now on."""
        self._who[place] = (car_id, token)
        self._todo.append(place)

    def close(self) -> None:
        """Let go of all."""
        self._todo.clear()
        self._later.clear()
        for one in list(self._lines):
            self._drop(one)

    def turn(self, now_s: float) -> None:
        """Open some that are to be."""
        while self._later and self._later[0][0] <= now_s:
            self._todo.append(heapq.heappop(self._later)[1])
        self._room = min(BURST, self._room + OPENED_PER_S * (now_s - self._turned_s))
        self._turned_s = now_s
        while self._todo and self._room >= 1.0:
            self._room -= 1.0
            self._open(self._todo.popleft(), now_s)
        if now_s - self._swept_s >= 1.0:
            self._swept_s = now_s
            for one in [each for each in self._lines if each.talk.state is State.CONNECTING]:
                if now_s - one.begun_s > OPEN_MOST_S:
                    self._broke(one, now_s)

    def ready(self, line: Line, mask: int, now_s: float) -> None:
        """A line can be written to, or something came on it."""
        if line not in self._lines:
            return
        try:
            if mask & selectors.EVENT_READ:
                self._read(line)
            self._write(line)
        except (OSError, WebSocketException, EOFError):
            self._broke(line, now_s)

    def _open(self, place: int, now_s: float) -> None:
        car_id, token = self._who[place]
        url = wake_url(self._source, car_id)
        assert url is not None, "the source is a server's"
        talk = ClientProtocol(parse_uri(url), max_size=MESSAGE_MOST)
        request = talk.connect()
        request.headers["Authorization"] = f"TargetToken {token}"
        talk.send_request(request)
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        line = Line(place, talk, sock, now_s)
        self._lines.add(line)
        self._selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, line)
        with contextlib.suppress(OSError):  # what is wrong shows with the first write
            sock.connect_ex(self._address)

    def _read(self, line: Line) -> None:
        try:
            data = line.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise EOFError
        line.talk.receive_data(data)
        if line.talk.handshake_exc is not None:
            raise line.talk.handshake_exc
        for event in line.talk.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT and event.data == _COME:
                self.calls += 1
                self._vain.pop(line.place, None)
                self._called(line.place)
        if line.talk.state in {State.CLOSING, State.CLOSED}:
            raise EOFError

    def _write(self, line: Line) -> None:
        for part in line.talk.data_to_send():
            line.out += part
        if line.out:
            with contextlib.suppress(BlockingIOError):
                del line.out[: line.sock.send(line.out)]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.out else 0)
        if self._selector.get_key(line.sock).events != wanted:
            self._selector.modify(line.sock, wanted, line)

    def _broke(self, line: Line, now_s: float) -> None:
        self._drop(line)
        vain = self._vain.get(line.place, 0) + 1
        self._vain[line.place] = vain
        self._draws += 1
        pause_s = min(AGAIN_MOST_S, AGAIN_S * 2.0 ** min(vain - 1, 10))
        pause_s *= 0.5 + 0.5 * self._chance.uniform(self._draws)
        heapq.heappush(self._later, (now_s + pause_s, line.place))

    def _drop(self, line: Line) -> None:
        self._lines.discard(line)
        self._selector.unregister(line.sock)
        line.sock.close()
