"""The DoIP entity of a car without its sockets: routing activation, alive check, routing to units.

Connections are numbers. What is to be sent goes to a `Sink`; time is given. Every connection holds at most one
message that is not whole yet; those that say nothing are closed (ISO 13400-2:2019, clause 7 and 9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from volant.caros.diagnostics.unit import Unit
from volant.wire import doip
from volant.wire.doip import Activation, DiagnosticNack, Message, Nack, Payload, Refusal

MS: Final = 1_000_000
DOOR: Final = "doip"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoipSettings:
    """Facts and limits of one entity."""

    vin: str
    """Seventeen characters."""
    address: int = 0x1000
    """Logical address of the entity itself."""
    eid: bytes = b"\x02\x00\x00\x00\x00\x01"
    """Six bytes, usually the MAC address; this one is locally administered."""
    gid: bytes = b"\x02\x00\x00\x00\x00\x01"
    """Six bytes of the group of entities; one entity alone gives its own."""
    functional: int = 0xE400
    """Address that reaches all units (table 13: E400 to EFFF are functional groups)."""
    testers: frozenset[int] = frozenset(range(0x0E00, 0x0E08))
    """Source addresses that may activate routing (table 13: 0E00 to 0FFF are external testers)."""
    activation_types: frozenset[int] = frozenset({0x00})
    """Types of routing activation that are let in (table 47: 00 default, 01 emissions, E0 central security)."""
    max_sockets: int = 8
    """Testers at a time (MCTS)."""
    max_payload: int = 0x1_0004
    """Largest payload taken: messages of 64 KiB."""
    initial_ns: int = 2_000 * MS
    """A connection without routing activation ends after this (T_TCP_Initial_Inactivity)."""
    idle_ns: int = 300_000 * MS
    """A connection without any message ends after this (T_TCP_General_Inactivity)."""
    partial_ns: int = 5_000 * MS
    """A message that is not whole after this ends its connection; ours, the standard has no limit."""
    alive_ns: int = 500 * MS
    """Answer of a tester to an alive check (T_TCP_Alive_Check)."""


class Sink(Protocol):
    """Where a gateway's bytes go."""

    def send(self, number: int, data: bytes) -> None:
        """Send on a connection; what cannot be sent is the sink's affair."""
        ...

    def drop(self, number: int) -> None:
        """End a connection once what was sent before has left."""
        ...


@dataclass(slots=True)
class _Link:
    reader: doip.StreamReader
    heard_ns: int
    whole_ns: int
    """When the last message came whole."""
    source: int | None = None
    asks: int | None = None
    """Source address that waits for an alive check of others."""
    alive_due_ns: int | None = None
    """When an alive check that this connection was sent is over."""


@dataclass(slots=True)
class Gateway:
    """One DoIP entity in front of some units, by their logical addresses."""

    settings: DoipSettings
    units: Mapping[int, Unit]
    sink: Sink
    _links: dict[int, _Link] = field(default_factory=dict, init=False)

    @property
    def activated(self) -> int:
        """Testers that have routing activated."""
        return sum(link.source is not None for link in self._links.values())

    def is_activated(self, number: int) -> bool:
        """Whether routing is activated on a connection."""
        link = self._links.get(number)
        return link is not None and link.source is not None

    @property
    def working(self) -> bool:
        """Whether a unit is at long work, so that `poll` should be called every few milliseconds."""
        return any(unit.working for unit in self.units.values())

    def opened(self, number: int, now_ns: int) -> None:
        """A tester has connected. The caller limits how many there are."""
        reader = doip.StreamReader(self.settings.max_payload)
        self._links[number] = _Link(reader, now_ns, now_ns)

    def closed(self, number: int) -> None:
        """A tester has gone."""
        self._links.pop(number, None)

    def received(self, number: int, data: bytes, now_ns: int) -> None:
        """Bytes came on a connection."""
        link = self._links.get(number)
        if link is None:
            return
        link.heard_ns = now_ns
        for found in link.reader.feed(data):
            link.whole_ns = now_ns
            if isinstance(found, Refusal):
                self.sink.send(number, doip.nack(found.code))
                if found.closes:
                    self._close(number)
            else:
                self._message(number, link, found, now_ns)
            if number not in self._links:
                return
        if not link.reader.held:
            link.whole_ns = now_ns

    def poll(self, now_ns: int) -> None:
        """Send late answers, end what has waited too long."""
        for address, unit in self.units.items():
            due_ns = unit.next_due_ns()
            if due_ns is not None and now_ns >= due_ns:
                tester, answers = unit.poll(DOOR, now_ns)
                self._late(tester, address, answers)
        limits = self.settings
        for number, link in list(self._links.items()):
            silent_ns = now_ns - link.heard_ns
            if (
                (link.source is None and link.asks is None and silent_ns >= limits.initial_ns)
                or silent_ns >= limits.idle_ns
                or (link.reader.held and now_ns - link.whole_ns >= limits.partial_ns)
                or (link.alive_due_ns is not None and now_ns >= link.alive_due_ns)
            ):
                self._close(number)
        self._judge_waiting()

    def datagram(self, data: bytes) -> bytes | None:
        """The answer to a UDP request; None: it is none of ours or for somebody else."""
        found = doip.read_datagram(data, self.settings.max_payload)
        if isinstance(found, Refusal):
            return doip.nack(found.code)
        limits = self.settings
        if found.kind is Payload.STATUS_REQUEST:
            return doip.entity_status(limits.max_sockets, self.activated, limits.max_payload)
        if found.kind is Payload.POWER_REQUEST:
            return doip.power_mode(ready=True)
        meant = {
            Payload.IDENTIFY: b"",
            Payload.IDENTIFY_EID: limits.eid,
            Payload.IDENTIFY_VIN: limits.vin.encode("ascii", "replace"),
        }.get(found.kind)
        if meant is None:
            return None if found.kind is Payload.NACK else doip.nack(Nack.UNKNOWN_TYPE)
        return self.announcement() if found.payload == meant else None

    def announcement(self) -> bytes:
        """Who we are, as a whole message."""
        limits = self.settings
        told = doip.Announcement(
            vin=limits.vin.encode("ascii", "replace"),
            address=limits.address,
            eid=limits.eid,
            gid=limits.gid,
        )
        return doip.message(Payload.ANNOUNCEMENT, told.pack())

    def _close(self, number: int) -> None:
        self._links.pop(number, None)
        self.sink.drop(number)

    def _message(self, number: int, link: _Link, found: Message, now_ns: int) -> None:
        if found.kind is Payload.DIAGNOSTIC:
            self._diagnostic(number, link, found.payload, now_ns)
        elif found.kind is Payload.ACTIVATION_REQUEST:
            self._activate(number, link, found.payload, now_ns)
        elif found.kind is Payload.ALIVE_RESPONSE:
            if link.source == int.from_bytes(found.payload, "big"):
                link.alive_due_ns = None
                self._judge_waiting()
            else:
                self._close(number)  # DoIP-141: it speaks for somebody else
        elif found.kind not in (Payload.NACK, Payload.ALIVE_REQUEST):
            self.sink.send(number, doip.nack(Nack.UNKNOWN_TYPE))

    def _activate(self, number: int, link: _Link, payload: bytes, now_ns: int) -> None:
        """Figure 22: source, then socket, then type."""
        source, kind = int.from_bytes(payload[:2], "big"), payload[2]
        if source not in self.settings.testers:
            self._deny(number, source, Activation.UNKNOWN_SOURCE)
        elif kind not in self.settings.activation_types:
            self._deny(number, source, Activation.UNKNOWN_TYPE)
        elif link.source is not None and link.source != source:
            self._deny(number, source, Activation.OTHER_SOURCE_HERE)
        elif link.source == source:
            self._accept(number, link, source)
        else:
            same = [n for n, other in self._links.items() if other.source == source]
            full = self.activated >= self.settings.max_sockets
            asked = same or (
                [n for n, o in self._links.items() if o.source is not None] if full else []
            )
            if not asked:
                self._accept(number, link, source)
                return
            link.asks = source
            for other in asked:
                self._links[other].alive_due_ns = now_ns + self.settings.alive_ns
                self.sink.send(other, doip.message(Payload.ALIVE_REQUEST))

    def _judge_waiting(self) -> None:
        """Decide on activations that waited for alive checks which are over by now."""
        for number, link in list(self._links.items()):
            source = link.asks
            if source is None:
                continue
            same = [o for o in self._links.values() if o.source == source]
            full = self.activated >= self.settings.max_sockets
            rivals = same or (
                [o for o in self._links.values() if o.source is not None] if full else []
            )
            if not rivals:
                self._accept(number, link, source)
            elif all(other.alive_due_ns is None for other in rivals):
                why = Activation.SOURCE_ACTIVE_ELSEWHERE if same else Activation.NO_SOCKET_FREE
                self._deny(number, source, why)

    def _accept(self, number: int, link: _Link, source: int) -> None:
        link.source, link.asks = source, None
        told = doip.activation_response(source, self.settings.address, Activation.DONE)
        self.sink.send(number, told)

    def _deny(self, number: int, source: int, why: Activation) -> None:
        told = doip.activation_response(source, self.settings.address, why)
        self.sink.send(number, told)
        self._close(number)

    def _diagnostic(self, number: int, link: _Link, payload: bytes, now_ns: int) -> None:
        source = payload[0] << 8 | payload[1]
        target = payload[2] << 8 | payload[3]
        if link.source != source:
            nack = doip.diagnostic_nack(target, source, DiagnosticNack.INVALID_SOURCE)
            self.sink.send(number, nack)
            self._close(number)  # DoIP-070
            return
        functional = target == self.settings.functional
        unit = self.units.get(target)
        if unit is None and not functional:
            nack = doip.diagnostic_nack(target, source, DiagnosticNack.UNKNOWN_TARGET)
            self.sink.send(number, nack)
            return
        if unit is not None and not unit.reachable:
            nack = doip.diagnostic_nack(target, source, DiagnosticNack.UNREACHABLE)
            self.sink.send(number, nack)
            return
        out = bytearray(doip.diagnostic_ack(target, source))
        asked = self._reachable() if unit is None else ((target, unit),)
        tester = f"{DOOR}:{source:04x}"
        for address, one in asked:
            for answer in one.request(tester, payload[4:], now_ns, functional=functional):
                out += doip.diagnostic(address, source, answer)
        self.sink.send(number, bytes(out))

    def _reachable(self) -> tuple[tuple[int, Unit], ...]:
        return tuple((address, unit) for address, unit in self.units.items() if unit.reachable)

    def _late(self, tester: str, address: int, answers: tuple[bytes, ...]) -> None:
        """Answers of long work go to the tester that asked, wherever he is connected now."""
        if not answers or not tester:
            return
        source = int(tester.partition(":")[2], 16)
        for number, link in self._links.items():
            if link.source == source:
                for answer in answers:
                    self.sink.send(number, doip.diagnostic(address, source, answer))
