"""Drives simulated cars against a server: a bounded pool of connections that stay, many cars, one process, one loop.

A car that is due takes the next free connection, those that are in the midst of something first; what it waits for in
the pool counts as the server's delay, so a server that is slow does not slow down its own measurement. Some cars keep a
line besides, on which the server calls them; a car that is called has its turn as if it were due.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import selectors
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from volant.app.fleet_http import Answers, request_bytes
from volant.app.fleet_lines import Line, Lines
from volant.app.fleet_steps import AnyCar, at_rest, step, wake
from volant.app.fleet_uptane_car import UptaneCar
from volant.app.fleet_words import ARRIVALS, BROKEN, GOOD, Job, Kind, Reply, Wait, Want
from volant.core.chance import Chance
from volant.core.errors import InputError

LINKS: Final = 128
"""Connections at a time; a choice of ours."""
ANSWER_MOST_S: Final = 30.0
"""An answer that takes longer is none."""
READ_BYTES: Final = 256 * 1024
SWEEP_S: Final = 1.0
TURN_MOST_S: Final = 0.05
FINEST_S: Final = 1e-5
RATIO: Final = 1.05
"""Times are counted in steps of five per cent."""
STEPS: Final = 400


@dataclass(slots=True)
class Spread:
    """How long things took, counted in bounded memory."""

    counts: array[int] = field(default_factory=lambda: array("Q", bytes(8 * STEPS)))
    total: int = 0

    def add(self, span_s: float) -> None:
        """One more."""
        place = int(math.log(max(span_s, FINEST_S) / FINEST_S) / _LOG_RATIO)
        self.counts[min(place, STEPS - 1)] += 1
        self.total += 1

    def quantile_s(self, share: float) -> float:
        """So many of them took no longer, to five per cent; 0 without any."""
        left = math.ceil(share * self.total)
        for place, count in enumerate(self.counts):
            left -= count
            if left <= 0 and self.total:
                return FINEST_S * RATIO ** (place + 1)
        return 0.0


_LOG_RATIO: Final = math.log(RATIO)


@dataclass(slots=True)
class Figures:
    """What was measured."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    """Answers by what they were for."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by status; `BROKEN`: none came."""
    answers: Spread = field(default_factory=Spread)
    """From sending a poll to its answer."""
    delays: Spread = field(default_factory=Spread)
    """From when a car was to poll until it had its answer."""
    offered: array[float] = field(default_factory=lambda: array("d"))
    """When cars were told something new, by the loop's clock."""
    offered_called: int = 0
    """Of these, cars that had come because they were called."""
    called: int = 0
    """Visits of cars that were called."""
    by_themselves: int = 0
    """Visits of cars whose time had come."""
    lies: int = 0
    """Lies that were answered with no."""

    def begin_anew(self) -> None:
        """Forget all that was measured."""
        fresh = Figures()
        for one in fields(self):
            setattr(self, one.name, getattr(fresh, one.name))

    @property
    def requests(self) -> int:
        """All that were answered."""
        return sum(self.kinds.values())


@dataclass(slots=True, eq=False)
class _Link:
    sock: socket.socket
    answers: Answers = field(default_factory=Answers)
    place: int = -1
    """Of the car whose request is out; -1: it is free."""
    want: Want | None = None
    due_s: float = 0.0
    sent_s: float = 0.0
    out: bytes = b""
    used: int = 0
    heard: bool = False
    """Something has come of the answer."""


class Drive:
    """All cars and their connections."""

    def __init__(
        self,
        cars: Sequence[AnyCar],
        tokens: Sequence[str],
        address: tuple[str, int],
        *,
        links: int = LINKS,
        stay: bool = True,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Args:
            cars: as they are made.
            tokens: of these.
            address: host and port of the server's door for cars.
            links: connections at a time.
            stay: a connection whose car has nothing more to ask serves the next; else it is closed, and each car makes
                one of its own.
            clock_s: seconds that only grow.
        """
        self.cars, self.figures = list(cars), Figures()
        self._tokens, self._address, self._most, self._clock_s = tokens, address, links, clock_s
        self._stay = stay
        self._host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self._host = f"{self._host}:{address[1]}"
        self._due: list[tuple[float, int, int]] = []
        self._turns = array("L", bytes(array("L").itemsize * len(self.cars)))
        """Of each car: what is due with an older number is void."""
        self._rests, self._by_call = bytearray(len(self.cars)), bytearray(len(self.cars))
        """Whether a car waits for its time with nothing in hand; whether it came because it was called."""
        self._calls: set[int] = set()
        """Cars that were called while they had something in hand."""
        self._ready: deque[tuple[float, int]] = deque()
        self._midst: deque[tuple[float, int]] = deque()
        """Those that are due in the midst of something."""
        self._links: set[_Link] = set()
        self._free: list[_Link] = []
        self._selector = selectors.DefaultSelector()
        self._swept_s, self._ends = 0.0, False
        self.lines = Lines(self._selector, address, self._call, Chance.of(len(cars), "fleet lines"))

    def close(self) -> None:
        """Let go of all connections."""
        self.lines.close()
        for link in list(self._links):
            self._drop(link)
        self._selector.close()

    def plan(self, times_s: Iterable[tuple[float, int]]) -> None:
        """Let cars, by their places, wake at some times, in place of those that were set; none may be `busy`."""
        self._due = [(at_s, place, self._turns[place]) for at_s, place in times_s]
        heapq.heapify(self._due)
        self._rests = bytearray(len(self.cars))
        for _, place, _ in self._due:
            self._rests[place] = at_rest(self.cars[place])

    def keep_lines(self, places: Iterable[int]) -> None:
        """Keep a line for these cars from now on; of those that speak Uptane once they have joined."""
        for place in places:
            car = self.cars[place]
            token = car.token if isinstance(car, UptaneCar) else self._tokens[place]
            if token:
                self.lines.keep(place, car.car_id, token)

    @property
    def busy(self) -> bool:
        """A car waits for an answer, or for a connection."""
        return self.behind > 0 or len(self._free) < len(self._links)

    @property
    def behind(self) -> int:
        """Cars that are due and have no connection yet."""
        return len(self._ready) + len(self._midst)

    def settle(self, most_s: float) -> None:
        """Begin nothing more, and let what is on its way come to its end; it takes at most so long."""
        self._ends, until_s = True, self._clock_s() + most_s
        while len(self._free) < len(self._links) and self._clock_s() < until_s:
            self.turn()

    def turn(self, most_s: float = TURN_MOST_S) -> None:
        """Send what is due, take what has come; waits at most so long."""
        now_s = self._clock_s()
        self.lines.turn(now_s)
        while self._due and self._due[0][0] <= now_s:
            due_s, place, turn = heapq.heappop(self._due)
            if turn == self._turns[place]:
                self._take_turn(place, due_s)
        while self.behind and not self._ends and (link := self._take()) is not None:
            due_s, place = (self._midst or self._ready).popleft()
            self.cars[place], job = wake(self.cars[place], now_s)
            self._go_on(link, place, job, due_s)
        until_s = min(most_s, self._due[0][0] - now_s) if self._due else most_s
        for key, mask in self._selector.select(max(0.0, until_s)):
            link = key.data
            if isinstance(link, Line):
                self.lines.ready(link, mask, now_s)
                continue
            if mask & selectors.EVENT_WRITE and link in self._links:
                self._write(link)
            if mask & selectors.EVENT_READ and link in self._links:
                self._read(link)
        if now_s - self._swept_s >= SWEEP_S:
            self._sweep(now_s)

    def _call(self, place: int) -> None:
        """The server calls a car: it comes now, or when it is through with what it has in hand."""
        if self._rests[place]:
            self._turns[place] += 1
            self._take_turn(place, self._clock_s(), called=True)
        else:
            self._calls.add(place)

    def _take_turn(self, place: int, due_s: float, *, called: bool = False) -> None:
        rested, self._rests[place] = self._rests[place], 0
        if rested:
            self._by_call[place] = called
            self.figures.called += called
            self.figures.by_themselves += not called
        (self._ready if rested else self._midst).append((due_s, place))

    def _let_wait(self, place: int, span_s: float, now_s: float) -> None:
        """A car does nothing for a while; one that was called meanwhile comes at once, if it has nothing in hand."""
        if span_s == math.inf:
            return
        rests = at_rest(self.cars[place])
        self._rests[place] = rests
        if rests and place in self._calls:
            self._calls.discard(place)
            self._take_turn(place, now_s, called=True)
            return
        heapq.heappush(self._due, (now_s + span_s, place, self._turns[place]))

    def _take(self) -> _Link | None:
        """A free connection; None: all are in use."""
        if self._free:
            return self._free.pop()
        return self._connect() if len(self._links) < self._most else None

    def _connect(self) -> _Link:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = _Link(sock)
        self._links.add(link)
        self._selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, link)
        with contextlib.suppress(OSError):  # what is wrong shows with the first write
            sock.connect_ex(self._address)
        return link

    def _drop(self, link: _Link) -> None:
        self._links.discard(link)
        if link in self._free:
            self._free.remove(link)
        self._selector.unregister(link.sock)
        link.sock.close()

    def _go_on(self, link: _Link, place: int, job: Job, due_s: float) -> None:
        """Do a car's next thing, on a connection that is free or else let go of it."""
        if isinstance(job, Wait):
            self._let_wait(place, job.span_s, self._clock_s())
            link.place, link.want = -1, None
            if self._stay:
                self._free.append(link)
            else:
                self._drop(link)
            return
        link.place, link.want, link.due_s, link.heard = place, job, due_s, False
        link.answers.hashes = job.kind is Kind.FILE
        link.answers.sink, link.answers.offset = job.sink, job.offset
        link.out = request_bytes(job, self._host, self._tokens[place])
        link.sent_s = self._clock_s()
        if link.used:
            self._write(link)
        # Else the connection is in the making, and the selector tells when it is made.

    def _write(self, link: _Link) -> None:
        if not link.out:
            self._selector.modify(link.sock, selectors.EVENT_READ, link)
            return
        try:
            sent = link.sock.send(link.out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._broke(link)
            return
        link.used += 1
        link.out = link.out[sent:]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.out else 0)
        if self._selector.get_key(link.sock).events != wanted:
            self._selector.modify(link.sock, wanted, link)
        if not link.out and link.want is not None and link.want.hangs_up:
            self._ended(link, Reply(BROKEN))

    def _read(self, link: _Link) -> None:
        try:
            data = link.sock.recv(READ_BYTES)
            reply = link.answers.feed(data) if data else link.answers.end()
        except BlockingIOError:
            return
        except (OSError, InputError):
            self._broke(link)
            return
        link.heard = link.heard or bool(data)
        if reply is not None and link.place >= 0:
            self._ended(link, reply)
        elif not data or link.place < 0:
            self._broke(link)

    def _broke(self, link: _Link) -> None:
        """A connection is gone. One that had stayed too long for the server is no fault of it: the same once more."""
        place, want = link.place, link.want
        stale = link.used > 1 and not link.heard
        if place < 0 or want is None:
            self._drop(link)
        elif stale:
            due_s = link.due_s
            self._drop(link)
            again = replace(want, unsure=True) if want.kind is Kind.WORD else want
            self._go_on(self._connect(), place, again, due_s)
        else:
            self._ended(link, Reply(BROKEN))

    def _ended(self, link: _Link, reply: Reply) -> None:
        """A request is over; the car goes on."""
        place, want, now_s = link.place, link.want, self._clock_s()
        assert want is not None
        if not want.hangs_up:
            self._count(link, want, reply, now_s)
        told = len(self.cars[place].offers)
        self.cars[place], job = step(self.cars[place], want, reply, now_s)
        if len(self.cars[place].offers) > told:
            self.figures.offered.append(now_s)
            self.figures.offered_called += self._by_call[place]
        if reply.status == BROKEN or link.answers.closes or not link.answers.clean:
            self._drop(link)
            if isinstance(job, Wait):
                self._let_wait(place, job.span_s, now_s)
                return
            link = self._connect()
        self._go_on(link, place, job, now_s)

    def _count(self, link: _Link, want: Want, reply: Reply, now_s: float) -> None:
        self.figures.statuses[reply.status] += 1
        if reply.status == BROKEN:
            return
        self.figures.kinds[want.kind] += 1
        self.figures.lies += want.lie and reply.status not in GOOD
        if want.kind in ARRIVALS and not want.lie:
            self.figures.answers.add(now_s - link.sent_s)
            self.figures.delays.add(now_s - link.due_s)

    def _sweep(self, now_s: float) -> None:
        """Give up requests that nobody answers."""
        self._swept_s = now_s
        for link in list(self._links):
            if link.place >= 0 and now_s - link.sent_s > ANSWER_MOST_S:
                self._ended(link, Reply(BROKEN))
