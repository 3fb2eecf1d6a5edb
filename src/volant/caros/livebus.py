"""The live bus: one SOCK_SEQPACKET pair from each process to each that reads what it writes.

The pairs are made once and handed down, and the supervisor keeps both ends, so a process that comes back
finds the bus as it left it. A packet is one message: number of its topic, incarnation of its writer,
number of the message, MessagePack. A writer never waits: what finds no room is dropped and counted. A
reader takes the latest of a state, and all events it has room for; it believes a packet only where its
writer may write that topic, so a broken edge cannot speak for the car.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec

from volant.caros.supervise.table import ProcessTable
from volant.core.bus import Subscription
from volant.core.messages import Message
from volant.core.topics import LIVE_STEP, TOPICS, Kind, Topic

MOST_BYTES: Final = 192 * 1024
"""Of one message; a larger one is dropped and counted. The kernel's usual bound on a pair is 208 KiB."""
PAIR_BYTES: Final = 1 << 20
"""Room asked for; the kernel grants what net.core.wmem_max allows."""
DRAIN_MOST: Final = 4096
"""Packets of one writer taken at once: a babbling one cannot keep its reader for ever."""
_HEAD: Final = struct.Struct("<BHI")
_NUMBER: Final = {topic.name: number for number, topic in enumerate(TOPICS)}
_WRAP: Final = 1 << 32
_AT_ONCE: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def number_of(writer: int, incarnation: int, sequence: int) -> int:
    """A message's number, its own among all that were ever published on its topic."""
    return (writer << 48) + (incarnation << 32) + sequence


class LiveSubscription(Subscription):
    """As on the bus of one process; `numbers` says which messages are unread, for the record."""

    __slots__ = ("numbers",)

    def __init__(self, topic: Topic, capacity: int = 64) -> None:
        super().__init__(topic, capacity)
        self.numbers: tuple[int, ...] = ()

    def put_numbered(self, message: Message, number: int) -> None:
        """Hand a message in with its number (`number_of`)."""
        self.put(message)
        self.numbers = (*self.numbers, number)[-len(self.unread) :]

    def take_numbered(self) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """All unread messages, as `take`, and their numbers."""
        numbers, self.numbers = self.numbers, ()
        return self.take(), numbers


@dataclass(frozen=True, slots=True)
class Inlet:
    """Where one writer's messages come in, and what it may write."""

    writer: int
    """Its place among all writers; its socket says who it is, so no packet can claim another's."""
    end: socket.socket
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """The ends of the pairs that one process is handed."""

    writer: int
    """Its own place among all writers."""
    inlets: tuple[Inlet, ...]
    outlets: tuple[tuple[socket.socket, tuple[Topic, ...]], ...]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Of all its sockets."""
        ends = [inlet.end for inlet in self.inlets] + [end for end, _ in self.outlets]
        return tuple(end.fileno() for end in ends)


class Wiring:
    """All pairs of a table's processes; kept open by the supervisor for as long as the car is up."""

    def __init__(
        self,
        table: ProcessTable,
        extra_writers: Mapping[str, tuple[Topic, ...]] | None = None,
        extra_readers: Mapping[str, tuple[Topic, ...]] | None = None,
    ) -> None:
        """Args:
        table: whose `reads` and `writes` are wired.
        extra_writers: writers that are no process of the table, such as the supervisor.
        extra_readers: readers that are none; each must be a writer too.
        """
        writers = {row.name: row.topics_written for row in table.process}
        writers.update(extra_writers or {})
        readers = {row.name: row.topics_read for row in table.process}
        readers.update(extra_readers or {})
        self._places = {name: place for place, name in enumerate(writers)}
        self._inlets: dict[str, list[Inlet]] = {name: [] for name in writers}
        self._outlets: dict[str, list[tuple[socket.socket, tuple[Topic, ...]]]] = {
            name: [] for name in writers
        }
        for writer, written in writers.items():
            for reader, read in readers.items():
                shared = tuple(topic for topic in written if topic in read)
                if shared and writer != reader:
                    self._connect(writer, reader, shared)

    def seat(self, name: str) -> Seat:
        """What a process is handed.

        Raises:
            KeyError: nobody of this name is wired.
        """
        return Seat(self._places[name], tuple(self._inlets[name]), tuple(self._outlets[name]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every end that is held here."""
        for inlets in self._inlets.values():
            for inlet in inlets:
                inlet.end.close()
        for outlets in self._outlets.values():
            for end, _ in outlets:
                end.close()

    def _connect(self, writer: str, reader: str, topics: tuple[Topic, ...]) -> None:
        out, into = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PAIR_BYTES)
        out.setblocking(False)
        into.setblocking(False)
        self._outlets[writer].append((out, topics))
        self._inlets[reader].append(Inlet(self._places[writer], into, topics))


_Inlet = tuple[int, socket.socket, dict[int, Topic]]
"""Place of a writer, where its messages come in, and what it may write, by number."""
_Packet = tuple[Topic, int, bytes]
"""Topic, number and payload of a message."""


class LiveBus:
    """One process's end of the bus; `drain` takes in what has come, `publish` never waits."""

    def __init__(self, seat: Seat, incarnation: int = 0) -> None:
        self.dropped = 0
        """Messages that a slow reader had no room for."""
        self.lost = 0
        """Events that were sent to us and did not arrive, by the gaps in their numbers."""
        self.bad = 0
        """Packets that were none, or that their writer may not write."""
        self._writer, self._incarnation = seat.writer, incarnation & 0xFFFF
        self._sent: dict[str, int] = {}
        self._outlets: dict[str, list[socket.socket]] = {}
        for end, topics in seat.outlets:
            for topic in topics:
                self._outlets.setdefault(topic.name, []).append(end)
        self._inlets: tuple[_Inlet, ...] = tuple(
            (inlet.writer, inlet.end, {_NUMBER[topic.name]: topic for topic in inlet.topics})
            for inlet in seat.inlets
        )
        self._by_descriptor = {inlet[1].fileno(): inlet for inlet in self._inlets}
        self._ready: list[tuple[int, int]] = []
        """What the last wait has found."""
        self._last: dict[tuple[int, int], int] = {}
        self._held: dict[str, list[LiveSubscription]] = {}
        self._waiting: dict[int, list[tuple[Topic, int, Message]]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = {t.name: msgspec.msgpack.Decoder(t.message).decode for t in TOPICS}
        self._buffer = bytearray(MOST_BYTES + _HEAD.size + 1)
        self._view = memoryview(self._buffer)
        self._poll = select.poll()
        for _, end, _ in self._inlets:
            self._poll.register(end.fileno(), select.POLLIN)

    def subscribe(self, topic: Topic, capacity: int = 64) -> LiveSubscription:
        """Open a reader of a topic; messages that came before are not in it."""
        subscription = LiveSubscription(topic, capacity)
        self._held.setdefault(topic.name, []).append(subscription)
        return subscription

    def sent(self, topic: Topic) -> int:
        """Number of the last message published on a topic, -1 while there is none."""
        count = self._sent.get(topic.name, -1)
        return count if count < 0 else number_of(self._writer, self._incarnation, count)

    def publish(self, topic: Topic, message: Message) -> None:
        """Hand a message to every reader that has room; never waits.

        Raises:
            ValueError: the message is not of the topic's type.
        """
        if type(message) is not topic.message:
            raise ValueError(f"topic {topic.name} carries {topic.message.__name__}")
        count = self._sent[topic.name] = (self._sent.get(topic.name, -1) + 1) % _WRAP
        ends = self._outlets.get(topic.name)
        if not ends:
            return
        payload = self._encode(message)
        if len(payload) > MOST_BYTES:
            self.dropped += len(ends)
            return
        packet = _HEAD.pack(_NUMBER[topic.name], self._incarnation, count) + payload
        for end in ends:
            try:
                end.send(packet, _AT_ONCE)
            except OSError as error:
                if error.errno == errno.EBADF:
                    raise
                self.dropped += 1

    def wake_for(self, descriptor: int) -> None:
        """Let `wait` end, too, when this can be read."""
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, timeout_s: float) -> bool:
        """Whether something has come; waits for it at most so long."""
        self._ready = self._poll.poll(max(timeout_s, 0.0) * 1e3)
        return bool(self._ready)

    def discard(self) -> None:
        """Drop all that waits: it was meant for an earlier incarnation."""
        held, self._held = self._held, {}
        self.drain()
        self._held = held

    def drain(self) -> None:
        """Take in all that has come."""
        for _, packets in self._arrived():
            if len(packets) == 1:
                self._hand_over(*packets[0])
                continue
            states: dict[str, _Packet] = {}
            for packet in packets:
                if packet[0].kind is Kind.STATE:
                    states[packet[0].name] = packet
                else:
                    self._hand_over(*packet)
            for packet in states.values():
                self._hand_over(*packet)

    def drain_all(self) -> list[tuple[Topic, int, Message]]:
        """All that has come, in the order of each writer, states in full; for the recorder.

        A writer says after its messages which step they came from; what is not followed by that yet
        waits for the next call, so that one writer's step is not parted by another's.
        """
        found: list[tuple[Topic, int, Message]] = []
        arrived = {inlet[0]: (inlet, packets) for inlet, packets in self._arrived()}
        for writer, (inlet, packets) in sorted(arrived.items()):
            topics, came = inlet[2], self._waiting.pop(writer, [])
            kept = len(came)
            for topic, number, payload in packets:
                message = self._decoded(topic, payload)
                if message is not None:
                    came.append((topic, number, message))
            whole, tells = len(came), LIVE_STEP in topics.values()
            while tells and whole > kept and came[whole - 1][0] is not LIVE_STEP:
                whole -= 1
            found += came[:whole]
            if came[whole:]:
                self._waiting[writer] = came[whole:]
        return found

    def _arrived(self) -> list[tuple[_Inlet, list[_Packet]]]:
        """What has come, by writer, in the order of each.

        One packet of each that has any, and then all from those that have more: to find an empty socket
        empty costs as much as half a message.
        """
        ready, self._ready = self._ready or self._poll.poll(0), []
        found: dict[int, tuple[_Inlet, list[_Packet]]] = {}
        for descriptor, _ in ready:
            inlet = self._by_descriptor.get(descriptor)
            if inlet is not None:
                found[descriptor] = inlet, self._receive(inlet, 1)
        for descriptor, _ in self._poll.poll(0) if found else ():
            inlet = self._by_descriptor.get(descriptor)
            if inlet is not None:
                found.setdefault(descriptor, (inlet, []))[1].extend(
                    self._receive(inlet, DRAIN_MOST)
                )
        return list(found.values())

    def _receive(self, inlet: _Inlet, most: int) -> list[_Packet]:
        """What waits from one writer, at most so many; what is no packet of its own is counted."""
        writer, end, topics = inlet
        packets: list[_Packet] = []
        receive, view, size = end.recv_into, self._view, _HEAD.size
        for _ in range(most):
            try:
                count = receive(view)
            except OSError:
                break
            if count == 0:
                break
            code, incarnation, sequence = _HEAD.unpack_from(view) if count >= size else (255, 0, 0)
            topic = topics.get(code)
            if topic is None or count > MOST_BYTES + size:
                self.bad += 1
                continue
            number = number_of(writer, incarnation, sequence)
            if topic.kind is Kind.EVENT:
                self._count_lost(code, number)
            packets.append((topic, number, bytes(view[size:count])))
        return packets

    def _count_lost(self, code: int, number: int) -> None:
        key = number >> 48, code
        before = self._last.get(key)
        self._last[key] = number
        if before is not None and before // _WRAP == number // _WRAP:
            self.lost += max(0, number - before - 1)

    def _hand_over(self, topic: Topic, number: int, payload: bytes) -> None:
        held: Sequence[LiveSubscription] = self._held.get(topic.name, ())
        if not held:
            return
        message = self._decoded(topic, payload)
        if message is not None:
            for subscription in held:
                subscription.put_numbered(message, number)

    def _decoded(self, topic: Topic, payload: bytes) -> Any:
        try:
            return self._decode[topic.name](payload)
        except msgspec.DecodeError:
            self.bad += 1
            return None
