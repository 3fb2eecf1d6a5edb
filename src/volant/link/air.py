"""The air between phone and car: how strong a signal arrives, when a packet does, how long light takes.

A pure model: time and chance are given. It says what connection interval, loss and distance do to latency and what a
relay does to ranging; it is no simulation of waves, and real reception around a car varies more. Figures marked
"recalled" were written from memory and not checked against their source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from volant.core.chance import Chance
from volant.trust.key.ranging import LIGHT_MPS, Round

INTERVAL_LEAST_NS = 7_500_000
"""Shortest connection interval (Core 5.4, Vol 6, B 4.5.1)."""
FAILED_EVENTS = 6
"""A new connection that is silent for so many intervals was never there (Core 5.4, Vol 6, B 4.5)."""
WINDOW_DELAY_NS = 1_250_000
"""Shortest time from a request to connect to its first event (Core 5.4, Vol 6, B 4.5.3)."""
ADVERTISING_JITTER_NS = 10_000_000
"""Each advertising event is late by up to so much, at random (Core 5.4, Vol 6, B 4.4.2.2.1)."""
_PACKET_BYTES = 251
"""Payload with data length extension (Core 5.4, Vol 6, B 2.4)."""
_OVERHEAD_BYTES = 14
"""Preamble 1, access address 4, header 2, integrity 4, checksum 3 at 1 Mbit/s (Core 5.4, Vol 6, B 2.1)."""
_BYTE_NS = 8_000
_BETWEEN_NS = 150_000
"""Inter frame space (Core 5.4, Vol 6, B 4.1.1)."""


@dataclass(frozen=True, slots=True)
class AirTuning:
    """The figures of the model."""

    sent_dbm: float = 0.0
    """Radiated power of phone and car, dBm; recalled as usual for phones."""
    first_metre_db: float = 40.2
    """Loss over the first metre: 20 log10(4 pi d f / c) at 2.44 GHz (Friis)."""
    exponent: float = 2.0
    """Loss with distance, 20 dB a decade as in free space; recalled: 1.6 to 3.5 indoors."""
    wall_db: float = 6.0
    """One wall of a house, dB; recalled: 3 for plaster to 12 for concrete."""
    shadow_db: float = 4.0
    """Standard deviation of what stands in between, a body or a car, dB; recalled: 3 to 8 for log-normal shadowing."""
    fading_db: float = 3.0
    """Standard deviation from packet to packet, since each goes on another channel, dB; our own guess."""
    sensitivity_dbm: float = -94.0
    """Of a usual receiver at 1 Mbit/s, dBm; recalled. Core 5.4, Vol 6, A 4.1 asks for -70 only."""
    loss_at_sensitivity: float = 0.308
    """Share of packets lost at the sensitivity; recalled of the RF-PHY test specification: 30.8 % at 0.1 % of bits."""
    loss_slope_db: float = 1.5
    """How fast loss grows around there, dB; our own guess."""
    loss_floor: float = 0.02
    """Share of packets that others in the band destroy at any distance; our own guess."""
    ranging_noise_m: float = 0.1
    """Standard deviation of one round, m: what `trust.key.ranging` is tuned for."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Somebody carries the signal from phone to car and back: strong at both ends, and late."""

    delay_ns: float
    """Added to each way. Light takes 10 ns for 3 m; a relay of the link layer takes about 8 ms (NCC Group 2022)."""
    near_m: float = 1.0
    """How near its antennas are to phone and car, m."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where a phone is, as seen from the car."""

    distance_m: float = 1.0
    walls: int = 0
    relay: Relay | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """When the two ends of a connection meet."""

    anchor_ns: int
    interval_ns: int
    supervision_ns: int

    def event_ns(self, after_ns: int) -> int:
        """The first connection event that begins after a time."""
        behind = max(0, (after_ns - self.anchor_ns) // self.interval_ns + 1)
        return self.anchor_ns + behind * self.interval_ns


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a packet."""

    at_ns: int
    """When it arrived, or when the connection was given up."""
    arrived: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Air:
    """One air; its chance is drawn by (path name, counter), so a phone more changes no other phone's."""

    chance: Chance
    tuning: AirTuning = AirTuning()

    def strength_dbm(self, path: Path, name: str, packet: int) -> float:
        """Received strength of one packet, dBm. Through a relay it is the relay's."""
        tuning = self.tuning
        distance_m, walls = (path.relay.near_m, 0) if path.relay else (path.distance_m, path.walls)
        far_db = 10.0 * tuning.exponent * math.log10(max(distance_m, 0.1))
        mean = tuning.sent_dbm - tuning.first_metre_db - far_db - walls * tuning.wall_db
        drawn = self.chance.child(name)
        shadow = drawn.child("shadow").normal(0, 0.0, tuning.shadow_db)
        return mean + shadow + drawn.child("fading").normal(packet, 0.0, tuning.fading_db)

    def loses(self, path: Path, name: str, packet: int) -> bool:
        """Whether one packet is lost."""
        share = loss(self.tuning, self.strength_dbm(path, name, packet))
        return self.chance.child(name, "loss").uniform(packet) < share

    def deliver(
        self, path: Path, name: str, packet: int, timing: Timing, sent_ns: int, free_ns: int,
        size_bytes: int,
    ) -> Delivery:  # fmt: skip
        """Carry data over connection events; what is lost goes again in the next one.

        Args:
            path: from end to end.
            name: of the path, for chance.
            packet: a counter with room for the tries behind it.
            timing: of the connection.
            sent_ns: when the data were handed to the radio.
            free_ns: until when earlier data of this direction keep it busy.
            size_bytes: of the data; more than one packet holds goes in several.
        """
        at_ns = _start_ns(timing, sent_ns, free_ns)
        given_up_ns = at_ns + timing.supervision_ns
        left, tries = size_bytes, 0
        while True:
            tries += 1
            payload = min(left, _PACKET_BYTES)
            if self.loses(path, name, packet + tries):
                at_ns = timing.event_ns(at_ns)
            else:
                left -= payload
                at_ns = _room_ns(timing, at_ns, payload)
                given_up_ns = at_ns + timing.supervision_ns
                if left <= 0:
                    return Delivery(at_ns + round(_extra_ns(path)), True, tries)
            if at_ns >= given_up_ns:
                return Delivery(given_up_ns, False, tries)

    def rounds(
        self, path: Path, name: str, first_ns: int, count: int, every_ns: int
    ) -> tuple[Round, ...]:
        """Rounds of measured time of flight; a relay adds its delay and its way.

        Each stands at the time at which it was measured. How a real radio keeps others from shortening the way is its own part.
        """
        drawn = self.chance.child(name, "ranging")
        noise_m = self.tuning.ranging_noise_m
        way_ns = path.distance_m / LIGHT_MPS * 1e9 + _extra_ns(path)
        return tuple(
            Round(at_ns, way_ns + drawn.normal(at_ns, 0.0, noise_m) / LIGHT_MPS * 1e9)
            for at_ns in range(first_ns, first_ns + count * every_ns, every_ns)
        )

    def anchor_ns(self, name: str, now_ns: int, interval_ns: int) -> int:
        """First event of a connection that was asked for now."""
        offset = self.chance.child(name, "anchor").uniform(now_ns, 0.0, float(interval_ns))
        return now_ns + WINDOW_DELAY_NS + int(offset)

    def late_ns(self, name: str, now_ns: int) -> int:
        """By how much an advertising event is late."""
        return int(self.chance.child(name, "late").uniform(now_ns, 0.0, ADVERTISING_JITTER_NS))

    def in_window(self, name: str, now_ns: int, window: int, interval: int) -> bool:
        """Whether a scanner listens just now; its windows are not in step with anything."""
        share = min(1.0, window / max(1, interval))
        return self.chance.child(name, "window").uniform(now_ns) < share


def loss(tuning: AirTuning, strength_dbm: float) -> float:
    """Share of packets lost at a strength, 0 to 1."""
    odds = math.log(1.0 / tuning.loss_at_sensitivity - 1.0)
    above_db = max(-60.0, min(60.0, strength_dbm - tuning.sensitivity_dbm))
    weak = 1.0 / (1.0 + math.exp(above_db / tuning.loss_slope_db + odds))
    return 1.0 - (1.0 - weak) * (1.0 - tuning.loss_floor)


def _extra_ns(path: Path) -> float:
    return path.relay.delay_ns if path.relay else 0.0


def _start_ns(timing: Timing, sent_ns: int, free_ns: int) -> int:
    """Where data begin: in the event that earlier data are sent in, when they were there before it began."""
    event_ns = timing.event_ns(sent_ns)
    return max(event_ns, free_ns)


def _room_ns(timing: Timing, at_ns: int, payload: int) -> int:
    """End of a packet that begins at a time; the end of an event carries over to the next one."""
    took_ns = (payload + 2 * _OVERHEAD_BYTES) * _BYTE_NS + 2 * _BETWEEN_NS
    ends_ns = at_ns + took_ns
    next_ns = timing.event_ns(at_ns)
    return ends_ns if ends_ns <= next_ns else next_ns + took_ns
