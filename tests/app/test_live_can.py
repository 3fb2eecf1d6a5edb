"""One channel outside the live car: what goes out, what comes in, and what does not come back."""

from collections.abc import Iterator

import can
import pytest

from volant.app.canbus import CanPort, load_network
from volant.app.live_can import Channel, homes_of
from volant.core.messages import CanFrame

HOMES = homes_of(load_network())
SPEED = 0x111
NOW_NS = 1_000_000_000


@pytest.fixture
def ends() -> Iterator[tuple[can.BusABC, can.BusABC]]:
    with (
        can.Bus("live-can", interface="virtual", receive_own_messages=True) as ours,
        can.Bus("live-can", interface="virtual") as theirs,
    ):
        yield ours, theirs


def frame(can_id: int, bus: str, data: bytes = b"\x01") -> CanFrame:
    return CanFrame(bus=bus, can_id=can_id, data=data)


def send(bus: can.BusABC, can_id: int, data: bytes, *, extended: bool = False) -> None:
    bus.send(can.Message(arbitration_id=can_id, data=data, is_extended_id=extended))


def test_frames_go_out_and_come_in_but_not_back(ends: tuple[can.BusABC, can.BusABC]) -> None:
    ours, theirs = ends
    channel = Channel(CanPort(ours), ("chassis",), HOMES)
    channel.send(frame(SPEED, "chassis"), NOW_NS)
    channel.send(frame(SPEED, "body"), NOW_NS)
    heard = theirs.recv(1.0)
    assert heard is not None
    assert (heard.arbitration_id, bytes(heard.data)) == (SPEED, b"\x01")
    assert theirs.recv(0.0) is None
    send(theirs, 0x18DA01F1, b"\x02", extended=True)
    came = channel.receive(NOW_NS)
    assert came == [CanFrame(bus="chassis", can_id=0x18DA01F1, data=b"\x02", extended=True)]


def test_what_is_like_an_echo_is_believed_again_later(
    ends: tuple[can.BusABC, can.BusABC],
) -> None:
    ours, theirs = ends
    channel = Channel(CanPort(ours), ("chassis",), HOMES)
    channel.send(frame(SPEED, "chassis"), NOW_NS)
    assert channel.receive(NOW_NS) == []
    send(theirs, SPEED, b"\x01")
    assert channel.receive(2 * NOW_NS) == [frame(SPEED, "chassis")]


def test_buses_that_share_a_channel_keep_their_frames_apart(
    ends: tuple[can.BusABC, can.BusABC],
) -> None:
    ours, theirs = ends
    channel = Channel(CanPort(ours), ("chassis", "body"), HOMES)
    channel.send(frame(SPEED, "chassis"), NOW_NS)
    channel.send(frame(SPEED, "body", b"\x02"), NOW_NS)  # the gateway's copy
    assert [bytes(one.data) for one in iter(lambda: theirs.recv(0.0), None)] == [b"\x01"]
    send(theirs, 0x300, b"\x03")
    send(theirs, 0x7F0, b"\x04")
    assert channel.receive(NOW_NS) == [
        frame(0x300, "body", b"\x03"),
        frame(0x7F0, "chassis", b"\x04"),
    ]


def test_a_channel_that_is_broken_is_counted() -> None:
    class Broken:
        def send(self, message: object, timeout: float) -> None:
            raise can.CanOperationError("bus off")

        def recv(self, timeout: float) -> None:
            raise can.CanOperationError("bus off")

    channel = Channel(CanPort(Broken()), ("chassis",), HOMES)
    channel.send(frame(SPEED, "chassis"), NOW_NS)
    assert channel.receive(NOW_NS) == []
    assert channel.refused == 1
