"""Carries frames between the live car and CAN buses outside, as an edge process of `volant up --bus`.

It is one more node on the car's buses: what the live car sends goes out, what others outside send comes in
and is stamped and recorded as everything from outside. When it dies the live car drives on, and finds those
outside silent.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from volant.app.canbus import CanPort, load_network, open_ports, parse_bus
from volant.app.live_context import Context
from volant.app.live_station import Station, publish_outside
from volant.app.live_testers import HOMES, BridgeEnd
from volant.core import topics
from volant.core.clock import nanoseconds
from volant.core.errors import SettingsError
from volant.core.messages import CanFrame, CanFrames
from volant.vehicle.network import CarMapping, Frame

NODE: Final = "LIVE"
WAIT_S: Final = 0.02
ECHO_NS: Final = nanoseconds(0.2)
ECHOES: Final = 4096
"""Some interfaces give back what was sent; it is known again for this long, and so many of them."""
DATA_MOST: Final = 64


class Channel:
    """One channel outside, which carries one of the car's buses or several."""

    def __init__(self, port: CanPort, buses: tuple[str, ...], homes: dict[tuple[int, bool], str]):
        self._port, self._buses, self._homes = port, buses, homes
        self._sent: deque[tuple[int, Frame]] = deque(maxlen=ECHOES)
        self.refused = 0
        """Frames that the channel did not take, or that were none."""

    @property
    def descriptor(self) -> int | None:
        """Can be read when a frame has come; None: the interface has none."""
        return self._port.descriptor

    def send(self, one: CanFrame, now_ns: int) -> None:
        """Put a frame of the live car on it, unless it carries the original of a copy already."""
        if one.bus not in self._buses:
            return
        frame = Frame(one.can_id, one.data, one.extended)
        if len(self._buses) > 1 and self._bus_of(frame) != one.bus:
            return
        if self._port.send(frame):
            self._sent.append((now_ns, frame))
        else:
            self.refused += 1

    def receive(self, now_ns: int) -> list[CanFrame]:
        """Frames that others have put on it."""
        found: list[CanFrame] = []
        while self._sent and now_ns - self._sent[0][0] > ECHO_NS:
            self._sent.popleft()
        echoes = {frame for _, frame in self._sent}
        for frame in self._port.receive():
            if len(frame.data) > DATA_MOST:
                self.refused += 1
            elif frame not in echoes:
                found.append(
                    CanFrame(
                        bus=self._bus_of(frame),
                        can_id=frame.can_id,
                        data=frame.data,
                        extended=frame.extended,
                    )
                )
        return found

    def _bus_of(self, frame: Frame) -> str:
        """Where a frame is at home; one that nobody knows is taken for the first bus."""
        if len(self._buses) == 1:
            return self._buses[0]
        home = self._homes.get((frame.can_id, frame.extended), "")
        return home if home in self._buses else self._buses[0]


def bridge(station: Station, context: Context) -> int:
    """Between the live bus and the buses that `--bus` names."""
    words = context.trip.wish.bus
    if words is None:
        raise SettingsError("the process can.bridge has no buses without --bus")
    mapping = load_network()
    bus, held = station.bus, station.bus.subscribe(topics.CAN_FRAMES, ECHOES)
    testers = BridgeEnd(context.testers[0])
    bus.wake_for(context.testers[0].fileno())
    with open_ports(words, tuple(mapping.table.buses)) as ports:
        by_name: dict[str, list[str]] = {}
        wish = parse_bus(words, tuple(mapping.table.buses))
        for one in mapping.table.buses:
            by_name.setdefault(wish.channel(one, tuple(mapping.table.buses)), []).append(one)
        homes = homes_of(mapping)
        channels = []
        for buses in by_name.values():
            port = ports(buses[0], NODE, None)
            assert isinstance(port, CanPort)
            channels.append(Channel(port, tuple(buses), homes))
            if (descriptor := channels[-1].descriptor) is not None:
                bus.wake_for(descriptor)
        if not station.go():
            return 0
        while not station.ending:
            bus.wait(WAIT_S)
            bus.drain()
            now_ns = station.now_ns
            out = [frame for told in held.take() for frame in told.frames] + testers.answers()
            came: list[CanFrame] = []
            for channel in channels:
                for frame in out:
                    channel.send(frame, now_ns)
                came += channel.receive(now_ns)
            testers.hand_on(came)
            if came:
                told = CanFrames(stamp_ns=now_ns, frames=tuple(came))
                publish_outside(bus, "can", now_ns, [(topics.CAN_FRAMES, told)])
            station.note = ", ".join(f"{c.refused} frames refused" for c in channels if c.refused)
            station.beat()
    return 0


def homes_of(mapping: CarMapping) -> dict[tuple[int, bool], str]:
    """The bus on which each message is sent first; the gateway copies some to others.

    What testers and units say to each other is at home where the unit is.
    """
    asked = {(can_id, False): bus for can_id, bus in HOMES.items() if bus in mapping.databases}
    return asked | {
        (message.can_id, message.extended): bus
        for bus, database in mapping.databases.items()
        for message in database.messages.values()
        if not message.routed_from
    }
